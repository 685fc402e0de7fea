/*
 * tests/tools/forge_talk.c - what a member can do with a released session key: make talk that its
 * owner never said, and a transcript of it, which no verifier tells from real ones.
 *
 *     forge_talk keep HOME CHANNEL KEPT           what a member keeps of the present epoch, against
 *                                                 the rules: the group's state, the queue's keys
 *     forge_talk forge HOME CHANNEL KEPT OWNER OUT TEXT...
 *                                                 cells in which OWNER (as its letter names it)
 *                                                 says each TEXT in that epoch, by the key of OWNER
 *                                                 that HOME was given: OUT.1, OUT.2, ...
 *     forge_talk show HOME CHANNEL CELL...        hand the cells to HOME as the next of its queue:
 *                                                 it takes them as it takes any; exit status 1 when
 *                                                 it passes one over
 *
 * The passphrase is the first line of the file that $DETENTE_PASSPHRASE_FILE names. For tests and
 * documents: it is not installed. tools/forge-talk runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sync/flows.h"
#include "agent/talk/session.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/wire.h"
#include "forge.h"

struct call {
    struct dt_agent *a;
    uint8_t gid[32];
    char **args;
    int n_args;
};

/* ---- keep ---- */

static enum dt_err
keep(struct call *c)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf group = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf out = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    struct dt_writer w = dt_writer_init(&out);
    enum dt_err err;

    if ((err = dt_channel_load_live(c->a, c->gid, &ch)) != DT_OK ||
        (err = mls_group_save(ch.group, &group)) != DT_OK)
        return err;
    dt_write_vec(&w, dt_secret_view(&ch.queue.bytes));
    dt_write_view(&w, dt_buf_view(&group));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_file_create(c->args[0], dt_buf_view(&out), 0600);
}

static enum dt_err
kept_load(const char *path, struct dt_queue_keys *queue, struct mls_group **out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf bytes = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    struct dt_reader r;
    struct dt_view keys;
    enum dt_err err = dt_file_read(path, &bytes);

    if (err != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&bytes));
    if ((err = dt_read_vec(&r, DT_QUEUE_EXPORT_LEN, &keys)) != DT_OK ||
        (err = dt_queue_keys_set(queue, keys)) != DT_OK)
        return err;
    return mls_group_load(dt_view(r.p, r.n), out);
}

/* ---- forge ---- */

/* The key of the member ${name} in the epoch of ${g}, among those that the home was given. */
static enum dt_err
find_key(struct call *c, const struct mls_group *g, const char *name, struct dt_released *out)
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
        struct dt_voucher v;
        struct mls_member m;
        struct dt_view letter;

        dt_released_clear(out);
        *out = (struct dt_released){0};
        if ((err = dt_agent_released_next(c->a, c->gid, &at, out)) != DT_OK ||
            (err = dt_voucher_decode(out->voucher, &v)) != DT_OK)
            break;
        if (mls_group_member(g, out->leaf, &m) &&
            dt_view_equal(m.signature_key, dt_view_of(v.session_key)) &&
            dt_credential_decode(m.identity, &letter, &v) == DT_OK &&
            dt_letter_decode(letter, &l) == DT_OK && dt_view_equal(l.name, dt_view_str(name)))
            return DT_OK;
    }
    return err == DT_ERR_NOT_FOUND
               ? dt_fail(err, "no released key of %s in that epoch is known here", name)
               : err;
}

static enum dt_err
forge(struct call *c)
{
    DT_CLEANUP(dt_queue_keys_clear) struct dt_queue_keys queue = {0};
    DT_CLEANUP(dt_released_clear) struct dt_released key = {0};
    struct mls_group *kept = NULL, *puppet = NULL;
    enum dt_err err = kept_load(c->args[0], &queue, &kept);

    if (err == DT_OK && (err = find_key(c, kept, c->args[1], &key)) == DT_OK)
        err = forge_puppet(kept, key.seed, key.leaf, &puppet);
    for (int i = 3; err == DT_OK && i < c->n_args; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
        uint8_t mark[32];
        char path[512];

        (void)snprintf(path, sizeof path, "%s.%d", c->args[2], i - 2);
        if ((err = dt_random(mark, sizeof mark)) == DT_OK &&
            (err = forge_talk(puppet, dt_view_str(c->args[i]), dt_agent_now(c->a), &message)) ==
                DT_OK &&
            (err = dt_cell_seal(&queue, dt_view_of(mark), dt_buf_view(&message), &cell)) == DT_OK)
            err = dt_file_create(path, dt_buf_view(&cell), 0600);
    }
    mls_group_free(puppet);
    mls_group_free(kept);
    return err;
}

/* ---- show ---- */

static enum dt_err
show(struct call *c)
{
    struct dt_sync_report report = {0};
    enum dt_err err = DT_OK;

    for (int i = 0; err == DT_OK && i < c->n_args; i++) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
        struct dt_wire_item item;

        if ((err = dt_channel_load_row(c->a, c->gid, &ch)) != DT_OK ||
            (err = dt_file_read(c->args[i], &cell)) != DT_OK)
            return err;
        item = (struct dt_wire_item){.position = ch.position + 1, .cell = dt_buf_view(&cell)};
        err = dt_channel_take_cell(c->a, c->gid, ch.queue_number, &item, NULL, &report);
    }
    if (err == DT_OK && report.passed_over > 0)
        err = dt_fail(DT_ERR_REFUSED, "%zu cells were passed over", report.passed_over);
    return err;
}

/* ---- the call ---- */

static const struct mode {
    const char *name;
    int min_args;
    enum dt_err (*run)(struct call *c);
} modes[] = {{"keep", 1, keep}, {"forge", 4, forge}, {"show", 1, show}};

static enum dt_err
run(struct call *c, const struct mode *m, const char *home, const char *channel)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf passphrase = DT_BUF_INIT(1024);
    struct dt_clock clock = dt_clock_system();
    const char *path = getenv("DETENTE_PASSPHRASE_FILE");
    const uint8_t *end;
    enum dt_err err;

    if (path == NULL)
        return dt_fail(DT_ERR_RANGE, "DETENTE_PASSPHRASE_FILE names no file");
    if ((err = dt_file_read(path, &passphrase)) != DT_OK)
        return err;
    end = memchr(passphrase.p, '\n', passphrase.n);
    if ((err = dt_agent_open(
             home, dt_view(passphrase.p, end != NULL ? (size_t)(end - passphrase.p) : passphrase.n),
             &clock, &c->a)) != DT_OK ||
        (err = dt_agent_channel_find(c->a, channel, c->gid)) != DT_OK)
        return err;
    return m->run(c);
}

int
main(int argc, char **argv)
{
    struct call c = {0};
    enum dt_err err = DT_ERR_RANGE;

    for (size_t i = 0; argc > 4 && i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(argv[1], modes[i].name) != 0 || argc - 4 < modes[i].min_args)
            continue;
        c.args = argv + 4;
        c.n_args = argc - 4;
        err = dt_crypto_init();
        if (err == DT_OK)
            err = run(&c, &modes[i], argv[2], argv[3]);
        dt_agent_close(c.a);
        if (err != DT_OK)
            (void)fprintf(stderr, "forge_talk: %s\n", dt_err_message());
        return err == DT_OK ? 0 : err == DT_ERR_REFUSED ? 1 : 3;
    }
    (void)fprintf(stderr, "forge_talk: see the head of tests/tools/forge_talk.c\n");
    return 2;
}
