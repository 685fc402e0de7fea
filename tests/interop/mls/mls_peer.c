/*
 * tests/interop/mls/mls_peer.c - one member of one MLS group behind a line protocol.
 *
 * One command a line on standard input, one answer a line on standard output: "ok ..." or
 * "error CLASS MESSAGE"; bytes are hex. tests/interop/mls/README.md lists the commands. A second
 * program, ts_peer.mjs, speaks the same lines for another implementation, and tools/run-interop
 * lets both talk to each other. For tests alone: it keeps every key in memory and prints exporter
 * secrets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"

#include "mls_peer.h"

struct peer me;

void
keys_clear(struct keys *k)
{
    k->suite = NULL;
    dt_secret_clear(&k->seed);
    mls_key_bundle_clear(&k->bundle);
    dt_buf_clear(&k->key_package);
    dt_buf_init(&k->key_package, MLS_MESSAGE_MAX);
}

void
keys_move(struct keys *to, struct keys *from)
{
    keys_clear(to);
    to->suite = from->suite;
    memcpy(to->pub, from->pub, sizeof to->pub);
    dt_secret_move(&to->seed, &from->seed);
    dt_buf_move(&to->key_package, &from->key_package);
    dt_secret_move(&to->bundle.init_priv, &from->bundle.init_priv);
    dt_secret_move(&to->bundle.leaf_priv, &from->bundle.leaf_priv);
    keys_clear(from);
}

void
forget(void)
{
    keys_clear(&me.now);
    keys_clear(&me.next);
    dt_secret_clear(&me.rotated);
    mls_group_free(me.group);
    me.group = NULL;
    dt_buf_clear(&me.identity);
    dt_buf_init(&me.identity, 1024);
    psk_store_clear(&me.psks);
    dt_buf_clear(&me.private_use);
    dt_buf_init(&me.private_use, 2 * LINE_MAX_BYTES);
}

void
become(struct mls_group *group)
{
    mls_group_free(me.group);
    me.group = group;
}

uint64_t
now_ms(void)
{
    struct dt_clock clock = dt_clock_system();

    return dt_clock_now(&clock);
}

/* Lifetimes are judged as an agent would judge them: nothing that lives longer than 30 days. */
struct mls_time_policy
lifetime(void)
{
    struct mls_time_policy p = {
        .check = true, .now_ms = now_ms(), .max_total_ms = 30 * DT_MS_DAY, .skew_ms = DT_MS_HOUR};

    return p;
}

struct mls_group_policy
policy(void)
{
    struct mls_group_policy p = {.past_epochs = 3,
                                 .past_age_ms = DT_MS_HOUR,
                                 .resumption_psks = 3,
                                 .resumption_age_ms = DT_MS_HOUR,
                                 .outside = MLS_OUTSIDE_ALL};

    return p;
}

/* An extension and a proposal that only these tests know, as README.md has them. */
static const uint16_t extension_types[] = {0xf0a1};
static const uint16_t proposal_types[] = {0xf0b1};

struct mls_leaf_params
leaf(const struct keys *k)
{
    struct mls_leaf_params p = {
        .suite = k->suite->id,
        .signature_priv = dt_secret_view(&k->seed),
        .signature_pub = dt_view(k->pub, k->suite->sig_pub_len),
        .identity = dt_buf_view(&me.identity),
        .allow_malleable = true,
        .extension_types = {extension_types, 1},
        .proposal_types = {proposal_types, 1},
    };

    return p;
}

/* New keys for ${k}'s suite, and their key package. */
enum dt_err
keys_make(struct keys *k, struct dt_buf *out)
{
    struct mls_typed_list none = {NULL, 0};
    struct mls_leaf_params params;
    uint64_t now_s = now_ms() / 1000;
    enum dt_err err = dt_suite_sig_new(k->suite, &k->seed, k->pub);

    if (err != DT_OK)
        return err;
    params = leaf(k);
    if ((err = mls_key_package_new(&params, now_s - 3600, now_s + LIFETIME_S, none, &k->key_package,
                                   &k->bundle)) != DT_OK)
        return err;
    return dt_hex_write(out, dt_buf_view(&k->key_package));
}

enum dt_err
need(const struct args *a, size_t least, bool group)
{
    if (a->n < least)
        return dt_fail(DT_ERR_USAGE, "%zu words are missing", least - a->n);
    if (group && me.group == NULL)
        return dt_fail(DT_ERR_USAGE, "no group yet");
    if (!group && me.now.suite == NULL)
        return dt_fail(DT_ERR_USAGE, "init comes first");
    return DT_OK;
}

enum dt_err
number(struct dt_view text, uint64_t max, uint64_t *out)
{
    return dt_decimal_read(text, max, out);
}

static enum dt_err
run_line(struct dt_view line, struct dt_buf *out)
{
    struct args a = {.n = 0};
    struct dt_view word;
    struct dt_view name = {NULL, 0};

    if (!dt_text_split(&line, ' ', &name))
        return dt_fail(DT_ERR_USAGE, "an empty line");
    while (dt_text_split(&line, ' ', &word)) {
        if (a.n == TOKENS_MAX)
            return dt_fail(DT_ERR_LIMIT, "more words than %d", TOKENS_MAX);
        a.v[a.n++] = word;
    }
    for (size_t i = 0; i < n_commands; i++)
        if (dt_view_equal(name, dt_view_str(commands[i].name)))
            return commands[i].run(&a, out);
    return dt_fail(DT_ERR_USAGE, "not a command");
}

int
main(void)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf out = DT_BUF_INIT(2 * LINE_MAX_BYTES);
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    enum dt_err err;

    if (dt_crypto_init() != DT_OK)
        return 1;
    dt_secret_set_policy(DT_SECRET_LOCK_IF_POSSIBLE);
    forget();
    while ((n = getline(&line, &cap, stdin)) > 0) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            n--;
        dt_buf_wipe(&out);
        err = run_line(dt_view((const uint8_t *)line, (size_t)n), &out);
        if (err == DT_OK)
            printf("ok%s%.*s\n", out.n > 0 ? " " : "", (int)out.n, (const char *)out.p);
        else
            printf("error %s %s\n", dt_err_name(err), dt_err_message());
        (void)fflush(stdout);
    }
    free(line);
    forget();
    return 0;
}
