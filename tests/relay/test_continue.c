/*
 * tests/relay/test_continue.c - a register that continues a lost one: it begins with the very same
 * entries, signs nothing smaller, goes on with the next index, and is there whole or not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/folder.h"
#include "../db/countdown.h"
#include "base/mem.h"
#include "db/db.h"
#include "log/checkpoint.h"
#include "log/tree.h"
#include "relay/store/store.h"
#include "relay_fixture.h"

#define ENTRIES 600u /* two full tiles and a part */

static struct dt_buf entries;
static struct tlog_hash root_of_all, root_of_300;

static char dir[64], path[FIXTURE_STORE];

static int
set_up(void **state)
{
    (void)state;
    assert_true(test_folder(dir, sizeof(dir), "continue"));
    fixture_store(dir, path);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fixture_remove_dir(dir);
    return 0;
}

static struct dt_relay_store *
open_store(void)
{
    struct dt_relay_store_config config = {.path = path, .create = true};
    struct dt_relay_store *s = NULL;

    OK(dt_relay_store_open(&config, &s));
    return s;
}

/* A grant that continues ${from}. */
static enum dt_err
grant(struct dt_relay_store *s, struct dt_view from, const struct tlog_hash *root,
      struct dt_grant *out)
{
    struct dt_grant_witness witnesses[2] = {0};
    const char *party = "north";
    const struct dt_grant_order order = {.url = "http://a",
                                         .parties = &party,
                                         .n_parties = 1,
                                         .witnesses = witnesses,
                                         .n_witnesses = 2,
                                         .daily_entries = 10,
                                         .bounds.queues = 1,
                                         .bounds.queue_cells = 1,
                                         .entries = from,
                                         .root = root};

    for (uint8_t i = 0; i < 2; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf vkey = DT_BUF_INIT(DT_GRANT_VKEY_MAX);
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer w = {0};
        uint8_t seed[32];

        memset(seed, i + 1, sizeof(seed));
        OK(tlog_signer_from_seed(dt_view_str("witness.example"), TLOG_KEY_COSIGNATURE,
                                 dt_view_of(seed), &w));
        OK(tlog_vkey_write(&w.vkey, &vkey));
        (void)snprintf(witnesses[i].group, sizeof(witnesses[i].group), "%s", fixture_names[i]);
        (void)snprintf(witnesses[i].vkey, sizeof(witnesses[i].vkey), "%.*s", (int)vkey.n,
                       (const char *)vkey.p);
    }
    return dt_relay_store_grant(s, &order, out);
}

static int64_t
row_of(struct dt_relay_store *s, const struct dt_grant *g, uint64_t *size)
{
    struct dt_relay_store_register row = {0};
    uint8_t id[DT_REGISTER_ID];

    OK(dt_hex_read_fixed(id, sizeof(id), dt_view_str(g->register_id)));
    OK(dt_relay_store_register(s, id, &row));
    *size = row.size;
    return row.id;
}

/* The held checkpoint is signed and says this. */
static void
held_is(struct dt_relay_store *s, const struct dt_grant *g, int64_t reg, uint64_t size,
        const struct tlog_hash *root)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_checkpoint cp;
    struct tlog_vkey key;
    uint64_t got = 0;

    OK(dt_relay_store_checkpoint(s, reg, DT_RELAY_STORE_HELD, 0, &note, &got));
    assert_int_equal(got, size);
    OK(tlog_vkey_parse(dt_view_str(g->vkey), &key));
    OK(tlog_checkpoint_open(dt_buf_view(&note), &key, &cp));
    assert_int_equal(cp.size, size);
    if (root != NULL)
        assert_true(tlog_hash_equal(&cp.root, root));
}

static void
append(struct dt_relay_store *s, const struct dt_grant *g, int64_t reg,
       const uint8_t seal[static 32], uint64_t want, bool existed)
{
    struct dt_relay_store_job job = {.kind = DT_JOB_ENTRY}, *list = &job;

    job.u.entry.reg = reg;
    OK(dt_sha256(dt_view_of(g->append_key), job.u.entry.key_hash));
    memcpy(job.u.entry.seal, seal, 32);
    OK(dt_relay_store_run(s, &list, 1));
    OK(job.result);
    assert_int_equal(job.u.entry.index, want);
    assert_true(job.u.entry.existed == existed);
}

static void
goes_on(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(TLOG_NOTE_MAX);
    const struct tlog_tile last = {.entries = true, .index = 2, .width = ENTRIES - 512};
    DT_CLEANUP(dt_buf_clear) struct dt_buf bundle = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_grant_wipe) struct dt_grant g = {0};
    struct dt_relay_store *s = open_store();
    struct dt_view got[TLOG_TILE_WIDTH];
    uint8_t seal[32] = {9};
    uint64_t size = 0;
    int64_t reg;
    size_t n = 0;

    (void)state;
    OK(grant(s, dt_buf_view(&entries), &root_of_all, &g));
    reg = row_of(s, &g, &size);
    assert_int_equal(size, ENTRIES);
    held_is(s, &g, reg, ENTRIES, &root_of_all);
    /* It never was smaller: no such checkpoint can be cosigned. */
    assert_int_equal(dt_relay_store_checkpoint(s, reg, DT_RELAY_STORE_SIZE, 0, &note, &size),
                     DT_ERR_NOT_FOUND);
    OK(dt_relay_store_tile(s, reg, &last, &bundle));
    OK(tlog_bundle_parse(dt_buf_view(&bundle), got, &n));
    assert_int_equal(n, ENTRIES - 512);
    for (size_t i = 0; i < n; i++)
        assert_true(dt_view_equal(
            got[i], dt_view(entries.p + (512 + i) * DT_REGISTER_ENTRY, DT_REGISTER_ENTRY)));
    append(s, &g, reg, entries.p + 7 * DT_REGISTER_ENTRY + 1, 7, true); /* of before */
    append(s, &g, reg, seal, ENTRIES, false);
    held_is(s, &g, reg, ENTRIES + 1, NULL);
    dt_relay_store_close(s);
    s = open_store();
    OK(dt_relay_store_check(s, &n));
    assert_int_equal(n, 1);
    seal[0] = 10;
    append(s, &g, row_of(s, &g, &size), seal, ENTRIES + 1, false);
    dt_relay_store_close(s);
}

static void
a_part(void **state)
{
    DT_CLEANUP(dt_grant_wipe) struct dt_grant g = {0};
    struct dt_relay_store *s = open_store();
    uint64_t size = 0;

    (void)state;
    OK(grant(s, dt_view(entries.p, 300u * DT_REGISTER_ENTRY), &root_of_300, &g));
    held_is(s, &g, row_of(s, &g, &size), 300, &root_of_300);
    dt_relay_store_close(s);
}

static void
refused(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf twice = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_grant_wipe) struct dt_grant g = {0};
    struct dt_relay_store *s = open_store();
    size_t n = 9;

    (void)state;
    assert_int_equal(grant(s, dt_buf_view(&entries), &root_of_300, &g), DT_ERR_PROOF);
    assert_int_equal(grant(s, dt_view(NULL, 0), &root_of_300, &g), DT_ERR_PROOF);
    assert_int_equal(grant(s, dt_view(entries.p, 40), NULL, &g), DT_ERR_FORMAT);
    assert_int_equal(grant(s, dt_view(entries.p + 1, DT_REGISTER_ENTRY), NULL, &g), DT_ERR_FORMAT);
    OK(dt_buf_append(&twice, dt_view(entries.p, 3 * DT_REGISTER_ENTRY)));
    OK(dt_buf_append(&twice, dt_view(entries.p + DT_REGISTER_ENTRY, DT_REGISTER_ENTRY)));
    assert_int_equal(grant(s, dt_buf_view(&twice), NULL, &g), DT_ERR_CONFLICT);
    OK(dt_relay_store_check(s, &n));
    assert_int_equal(n, 0);
    OK(grant(s, dt_buf_view(&entries), &root_of_all, &g));
    dt_relay_store_close(s);
}

/* ---- the disk fails at any of its points ---- */

static void
whole_or_not(void **state)
{
    bool done = false;

    (void)state;
    for (unsigned int i = 0; !done; i++) {
        struct countdown c = {.left = i};
        DT_CLEANUP(dt_grant_wipe) struct dt_grant g = {0};
        struct dt_relay_store *s = open_store();
        size_t n = 9;
        enum dt_err err;

        dt_db_fault(at_zero, &c);
        err = grant(s, dt_view(entries.p, 300u * DT_REGISTER_ENTRY), &root_of_300, &g);
        dt_db_fault(NULL, NULL);
        done = !c.hit;
        assert_true((err == DT_OK) == done);
        OK(dt_relay_store_check(s, &n));
        assert_int_equal(n, done ? 1 : 0);
        dt_relay_store_close(s);
        assert_true(i < 20000);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_part, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whole_or_not, set_up, tear_down),
    };
    struct tlog_frontier f = {0};
    int failed;

    OK(dt_crypto_init());
    dt_buf_init(&entries, ENTRIES * DT_REGISTER_ENTRY);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        uint8_t entry[DT_REGISTER_ENTRY] = {1, (uint8_t)(i >> 8), (uint8_t)i};
        struct tlog_hash leaf;

        OK(dt_buf_append(&entries, dt_view_of(entry)));
        OK(tlog_leaf_hash(dt_view_of(entry), &leaf));
        OK(tlog_frontier_append(&f, &leaf));
        if (f.size == 300)
            OK(tlog_frontier_root(&f, &root_of_300));
    }
    OK(tlog_frontier_root(&f, &root_of_all));
    failed = FIXTURE_TESTS(tests, 3, NULL, NULL); /* the last: hundreds of grants */
    dt_buf_clear(&entries);
    return failed;
}
