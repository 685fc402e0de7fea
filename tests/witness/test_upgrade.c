/*
 * tests/witness/test_upgrade.c - states that the witnesses of versions 1 and 2 left, taken over by
 * this one: what was cosigned last stands, and nothing below it is signed; wherever the power goes
 * meanwhile; a later version's state is refused and not touched. data/README.md says where they are
 * from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../relay/disk.h"
#include "../relay/relay_fixture.h"
#include "base/file.h"
#include "log/checkpoint.h"
#include "witness/witness_internal.h"

#define VERSION    3u  /* of this program */
#define AT_VERSION 60u /* of a database's header: the user's version, big-endian */

/* What an earlier version left, and a copy of it to work on. */
struct left {
    unsigned int version;
    char dir[64], path[96];
    struct dt_buf vkey_text;
    struct tlog_vkey log;
    struct tlog_checkpoint held; /* what it cosigned last */
};

static void
read_left(unsigned int version, const char *name, struct dt_buf *out)
{
    char path[400];

    (void)snprintf(path, sizeof(path), DT_WITNESS_DATA "/state-%u/%s", version, name);
    OK(dt_file_read(path, out));
}

static void
copy_state(const struct left *l)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);

    read_left(l->version, "state.db", &b);
    OK(dt_file_write(l->path, dt_buf_view(&b), 0600));
}

static void
begin(struct left *l, unsigned int version)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct dt_view text;

    memset(l, 0, sizeof(*l));
    OK(dt_crypto_init());
    l->version = version;
    (void)snprintf(l->dir, sizeof(l->dir), "/tmp/dt-wit-up-XXXXXX");
    assert_non_null(mkdtemp(l->dir));
    (void)snprintf(l->path, sizeof(l->path), "%s/state.db", l->dir);
    copy_state(l);
    dt_buf_init(&l->vkey_text, 1024);
    read_left(version, "vkey", &l->vkey_text);
    text = dt_buf_view(&l->vkey_text);
    text.n--; /* its LF */
    OK(tlog_vkey_parse(text, &l->log));
    read_left(version, "held", &note);
    OK(tlog_checkpoint_open(dt_buf_view(&note), &l->log, &l->held));
    assert_int_equal(l->held.size, 3);
}

static void
end(struct left *l)
{
    fixture_remove_dir(l->dir);
    dt_buf_clear(&l->vkey_text);
}

/* The state at ${path} opens, and says what was cosigned last. */
static void
look(const struct left *l, const char *path, struct witness_state *out)
{
    struct tlog_checkpoint note;

    OK(witness_state_open(path, &l->log, out));
    assert_int_equal(out->tree.size, l->held.size);
    assert_true(tlog_hash_equal(&out->tree.root, &l->held.root));
    OK(tlog_checkpoint_open(dt_buf_view(&out->note), &l->log, &note));
    assert_int_equal(note.size, l->held.size);
    assert_false(out->stopped);
    assert_int_equal(out->void_below, 0);
    assert_true(l->version < 2 ? out->time_s == 0 : out->time_s > 1700000000);
}

static unsigned int
version_of(const char *path)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);

    OK(dt_file_read(path, &b));
    assert_true(b.n > AT_VERSION + 4);
    return b.p[AT_VERSION + 3];
}

static void
taken_over(void **state)
{
    (void)state;
    for (unsigned int version = 1; version < VERSION; version++) {
        struct tlog_witness_tree less = {.size = 2}, more = {.size = 4};
        struct witness_state s = {0};
        struct tlog_vkey other;
        struct left l;

        begin(&l, version);
        assert_int_equal(version_of(l.path), version);
        look(&l, l.path, &s);
        /* No way back. */
        assert_int_equal(witness_state_put(&s, &less, dt_buf_view(&s.note), 1900000000),
                         DT_ERR_STATE);
        OK(witness_state_put(&s, &more, dt_view_str("a note"), 1900000000));
        OK(witness_state_forget(&s, 3));
        witness_state_close(&s);
        assert_int_equal(version_of(l.path), VERSION);
        OK(witness_state_open(l.path, &l.log, &s));
        assert_int_equal(s.tree.size, 4);
        assert_int_equal(s.void_below, 3);
        witness_state_close(&s);
        other = l.log;
        other.pub[0] ^= 1;
        assert_int_equal(witness_state_open(l.path, &other, &s), DT_ERR_CONFLICT);
        end(&l);
    }
}

/* Whatever a power cut leaves is the state, and opens. */
static void
cut_at_any_call(void **state)
{
    (void)state;
    for (unsigned int version = 1; version < VERSION; version++) {
        char folder[] = "/tmp/dt-wit-cut-XXXXXX", path[64];
        struct witness_state s = {0};
        struct disk_replay *r;
        const struct disk_event *e;
        bool begun = false;
        uint64_t draw = version;
        unsigned int judged = 0;
        struct left l;

        begin(&l, version);
        assert_non_null(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/state.db", folder);
        disk_begin(l.dir);
        disk_mark(1); /* what comes before is what was there */
        OK(witness_state_open(l.path, &l.log, &s));
        witness_state_close(&s);
        disk_end();
        r = disk_replay_new(version);
        while ((e = disk_replay_step(r)) != NULL) {
            begun = begun || e->kind == DISK_MARK;
            for (int cut = 0; begun && cut < DISK_CUTS; cut++) {
                uint8_t hash[32];

                draw = draw * UINT64_C(6364136223846793005) + 1442695040888963407u;
                disk_replay_cut(r, (enum disk_cut)cut, draw, folder, hash);
                look(&l, path, &s);
                witness_state_close(&s);
                assert_int_equal(version_of(path), VERSION);
                judged++;
            }
        }
        print_message("from version %u: %zu calls, %u states judged\n", version, disk_n, judged);
        assert_true(judged > 50);
        disk_replay_free(r);
        disk_forget();
        fixture_remove_dir(folder);
        end(&l);
    }
}

static void
later_is_left_alone(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf before = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf after = DT_BUF_INIT(1u << 20);
    struct witness_state s = {0};
    struct left l;

    (void)state;
    begin(&l, VERSION - 1);
    OK(dt_file_read(l.path, &before));
    before.p[AT_VERSION + 3] = VERSION + 1;
    OK(dt_file_write(l.path, dt_buf_view(&before), 0600));
    assert_int_equal(witness_state_open(l.path, &l.log, &s), DT_ERR_UNSUPPORTED);
    OK(dt_file_read(l.path, &after));
    assert_true(dt_view_equal(dt_buf_view(&before), dt_buf_view(&after)));
    end(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(taken_over),
                                       cmocka_unit_test(cut_at_any_call),
                                       cmocka_unit_test(later_is_left_alone)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
