/*
 * tests/relay/test_upgrade.c - stores that earlier versions of the relay made (data/README.md) are
 * served by this one, with all that is in them; the power goes, or the process is killed, at any
 * call of the upgrade; a store of a later version is left alone.
 *
 * By default a sample of the places, drawn by DT_SEED; DT_POWER_CUT=all goes through every one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <time.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "log/checkpoint.h"
#include "log/policy.h"
#include "log/proof.h"
#include "log/tile.h"
#include "log/tile_read.h"

#include "disk.h"
#include "recorded.h"

#define VERSION  4u  /* the store's now */
#define RECORDED 3u  /* one of each before it */
#define SIGNED   3u  /* from here on with what its signer remembered, in the form before */
#define SAMPLE   12u /* cuts of an upgrade that are judged by default */

static struct fixture fx;
static unsigned int version; /* of the store that is looked at */

/* At the end of a store, or of a test that failed. */
static int
stop(void **state)
{
    (void)state;
    fixture_finish(&fx);
    memset(&fx, 0, sizeof(fx));
    return 0;
}

/* ---- what was recorded ---- */

static void
recorded_read(const char *name, struct dt_buf *out)
{
    char path[400];

    (void)snprintf(path, sizeof(path), DT_RELAY_DATA "/relay-%u/%s", version, name);
    OK(dt_file_read(path, out));
}

static void
load_grant(const char *name, struct dt_grant *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 16);

    recorded_read(name, &b);
    OK(dt_grant_read(dt_buf_view(&b), out));
}

static void
url_of(struct dt_grant *g, char out[static 256])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf url = DT_BUF_INIT(256);

    (void)snprintf(g->relay, sizeof(g->relay), "%s", fx.url); /* served elsewhere now */
    OK(dt_grant_register_url(g, &url));
    (void)snprintf(out, 256, "%.*s", (int)url.n, (const char *)url.p);
}

/* A copy of the recorded store in a folder of its own. */
static void
begin(void)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf store = DT_BUF_INIT(1u << 20);

    recorded_begin(&fx);
    recorded_read("relay.db", &store);
    OK(dt_file_create(fx.store, dt_buf_view(&store), 0600));
    if (version >= SIGNED) {
        char path[FIXTURE_STORE + 8];

        dt_buf_clear(&store);
        recorded_read("relay.db.signed", &store);
        (void)snprintf(path, sizeof(path), "%s.signed", fx.store);
        OK(dt_file_create(path, dt_buf_view(&store), 0600));
    }
}

/* The same program as ever. */
static void
serve(void)
{
    fixture_serve(&fx);
    for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
        char name[80];

        (void)snprintf(name, sizeof(name), "%s.grant", fixture_names[i]);
        load_grant(name, &fx.grant[i]);
    }
    url_of(&fx.grant[0], fx.register_url);
}

static void
verify(void)
{
    const char *const args[] = {"verify", "--store", fx.store, NULL};

    if (fixture_run(&fx, args) != 0)
        fail_msg("version %u: verify: see %s/out", version, fx.dir);
}

/* ---- all of it is there ---- */

/* The cells of queue ${q}, ${more} of which were taken by this version. */
static void
cells_are_there(size_t q, uint64_t more)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct fixture_queue queue;
    struct dt_wire_items items;
    uint64_t last = 0, n = 0;
    uint8_t hashes[64];

    recorded_queue(q, &queue);
    OK(dt_sha256(dt_view_of(queue.read), hashes));
    OK(dt_sha256(dt_view_of(queue.write), hashes + 32));
    OK(dt_label_hash("queue", dt_view_of(hashes), queue.address));
    OK(dt_relay_read(fx.http, fx.url, queue.address, dt_view_of(queue.read), 0, 0, &answer));
    OK(dt_wire_items_begin(dt_buf_view(&answer), &last, &items));
    assert_int_equal(last, recorded_cells(q) + more);
    for (bool there = true;;) {
        struct dt_wire_item item;
        struct dt_wire_append want;
        uint8_t bytes[1536];

        OK(dt_wire_items_next(&items, &item, &there));
        if (!there)
            break;
        recorded_append(q, ++n, bytes, &want);
        assert_int_equal(item.position, n);
        assert_memory_equal(item.append_id, want.append_id, sizeof(want.append_id));
        assert_true(dt_view_equal(item.cell, want.cell));
    }
    assert_int_equal(n, last);
}

/* The cell at ${position}: new, or handed in once more. */
static void
append_again(size_t q, uint64_t position)
{
    struct fixture_queue queue;
    struct dt_wire_append a;
    uint8_t bytes[1536];
    uint64_t got = 0;

    recorded_queue(q, &queue);
    OK(fixture_queue_make(&fx, &queue)); /* it is there: its address */
    recorded_append(q, position, bytes, &a);
    OK(dt_relay_append(fx.http, fx.url, queue.address, dt_view_of(queue.write), &a, &got));
    assert_int_equal(got, position);
}

static void
checkpoint_is(enum dt_checkpoint_kind kind, const char *name)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf want = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf have = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);

    recorded_read(name, &want);
    OK(dt_register_checkpoint(fx.http, fx.register_url, kind, &have));
    assert_true(dt_view_equal(dt_buf_view(&have), dt_buf_view(&want)));
}

static enum dt_err
tile_over_http(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(200);
    char text[200];

    (void)ctx;
    OK(tlog_tile_path_write(tile, &path));
    (void)snprintf(text, sizeof(text), "%.*s", (int)path.n, (const char *)path.p);
    return dt_register_file(fx.http, fx.register_url, text, out);
}

/* Checkpoint, entries, tiles and proofs of a tree of ${size} entries, all from the numbers. */
static void
register_is_there(uint64_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf bundle = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct tlog_hash leaves[RECORDED_ENTRIES + 8], root, old;
    struct tlog_leaves all = {.h = leaves, .n = size};
    struct tlog_checkpoint cp;
    struct tlog_vkey log;
    struct tlog_path path;
    struct dt_reader r;

    for (uint64_t i = 0; i < size; i++)
        leaf_of(i, &leaves[i]);
    OK(tlog_root_make(tlog_leaves_node, &all, size, &root));
    OK(tlog_root_make(tlog_leaves_node, &all, 200, &old));
    OK(tlog_vkey_parse(dt_view_str(fx.grant[0].vkey), &log));
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &note));
    OK(tlog_checkpoint_open(dt_buf_view(&note), &log, &cp));
    assert_int_equal(cp.size, size);
    assert_true(tlog_hash_equal(&cp.root, &root));
    OK(tlog_tiles_consistency(tile_over_http, NULL, 200, &old, size, &root, &path));
    for (uint64_t i = 0; i < size; i += 37) {
        struct tlog_hash leaf;

        OK(tlog_tiles_inclusion(tile_over_http, NULL, i, size, &root, &path, &leaf));
        assert_true(tlog_hash_equal(&leaf, &leaves[i]));
    }
    OK(dt_register_file(fx.http, fx.register_url, "tile/entries/000", &bundle));
    r = dt_reader_init(dt_buf_view(&bundle));
    for (uint64_t i = 0; i < 256; i++) {
        struct tlog_hash leaf;
        struct dt_view entry;

        OK(tlog_bundle_next(&r, &entry));
        OK(tlog_leaf_hash(entry, &leaf));
        assert_true(tlog_hash_equal(&leaf, &leaves[i]));
    }
    OK(dt_read_end(&r));
}

/* Entry ${i}, handed in once more: its index is the old one, and its proof is whole. */
static void
entry_is_proved(uint64_t i)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer answer = {0};
    DT_CLEANUP(tlog_proof_clear) struct tlog_proof proof = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf entry = DT_BUF_INIT(64);
    struct dt_http_call call = {.method = "POST",
                                .base = fx.register_url,
                                .path = "/append?proof=1",
                                .bearer = dt_view_of(fx.grant[i % FIXTURE_PARTIES].append_key)};
    struct tlog_policy_state verdict;
    struct tlog_hash leaf;
    struct tlog_vkey log;
    uint8_t seal[32];

    OK(tlog_vkey_parse(dt_view_str(fx.grant[0].vkey), &log));
    OK(tlog_policy_add_log(&policy, &log, dt_view_str("")));
    OK(tlog_policy_add_witness(&policy, dt_view_str("w"), &fx.witness[0].vkey, dt_view_str("")));
    OK(tlog_policy_set_quorum(&policy, dt_view_str("w")));
    seal_of(i, seal);
    leaf_of(i, &leaf);
    OK(dt_wire_entry_encode(seal, &entry));
    call.body = dt_buf_view(&entry);
    OK(dt_http_call(fx.http, &call, &answer));
    assert_int_equal(answer.status, 200);
    OK(tlog_proof_parse(dt_buf_view(&answer.body), &proof));
    OK(tlog_proof_evaluate(&proof, &leaf, &policy, &log, &verdict));
    assert_int_equal(proof.index, i);
}

static void
opening_is_there(void)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf have = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    uint8_t name[32];
    char hex[65], path[100], file[400];

    (void)snprintf(file, sizeof(file), DT_RELAY_DATA "/relay-%u/opening", version);
    OK(dt_sha256(dt_view_str(RECORDED_OPENING), name));
    dt_hex_str(hex, dt_view_of(name));
    (void)snprintf(path, sizeof(path), "openings/%s.proof", hex);
    if (!dt_file_exists(file)) {
        assert_int_equal(version, 1); /* there were none yet: the first is taken now */
        OK(dt_register_publish(fx.http, fx.register_url, dt_view_of(fx.grant[1].append_key),
                               dt_view_str(RECORDED_OPENING), name));
    }
    OK(dt_register_file(fx.http, fx.register_url, path, &have));
    assert_true(dt_view_equal(dt_buf_view(&have), dt_view_str(RECORDED_OPENING)));
}

/* The second register: read with its key alone, and in its rhythm. */
static void
second_is_there(void)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    struct dt_grant g = {0};
    uint64_t index = 0, wait_s = 0;
    uint8_t seal[32];
    char url[256];
    unsigned int n = 0;
    enum dt_err err = DT_OK;

    if (version < 2)
        return;
    load_grant("second.grant", &g);
    url_of(&g, url);
    assert_true(g.has_read_key);
    assert_int_equal(dt_register_checkpoint(fx.http, url, DT_CHECKPOINT_HELD, &note),
                     DT_ERR_REFUSED);
    dt_http_client_read_key(fx.http, g.read_key);
    OK(dt_register_checkpoint(fx.http, url, DT_CHECKPOINT_HELD, &note));
    assert_int_equal(g.cadence.k, version < 3 ? 0 : 4);
    for (; n < 6; n++) { /* a rhythm of four a day: those that are due, the first at its start */
        seal_of(n, seal);
        err = dt_register_append_due(fx.http, url, dt_view_of(g.append_key), seal, false, &index,
                                     &wait_s);
        if (err != DT_OK)
            break;
        assert_int_equal(index, n);
    }
    assert_true(version < 3 ? n == 6 : n >= 1 && n < 6 && err == DT_ERR_BUSY && wait_s > 0);
    dt_http_client_read_key(fx.http, NULL);
    dt_grant_wipe(&g);
}

/* What is new: a cell, an entry, its cosignatures, a queue, and none over the grant's limit. */
static void
goes_on(void)
{
    struct fixture_queue third, fourth;
    uint64_t index = 0;
    uint8_t seal[32];

    append_again(0, recorded_cells(0) + 1);
    seal_of(RECORDED_ENTRIES, seal);
    OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[2].append_key), seal,
                          &index));
    assert_int_equal(index, RECORDED_ENTRIES);
    recorded_cosign(&fx, 3);
    fixture_queue_new(&fx, &third);
    OK(dt_random(fourth.read, 32));
    OK(dt_random(fourth.write, 32));
    assert_int_equal(fixture_queue_make(&fx, &fourth), DT_ERR_LIMIT);
}

static void
end(void)
{
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    verify();
}

static void
served(void)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf final = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    struct tlog_checkpoint cp;
    struct tlog_vkey log;

    begin();
    serve();
    verify();
    for (size_t q = 0; q < RECORDED_QUEUES; q++) {
        cells_are_there(q, 0);
        append_again(q, 2); /* known as handed in */
    }
    checkpoint_is(DT_CHECKPOINT_HELD, "held");
    checkpoint_is(DT_CHECKPOINT_ATTESTED, "attested");
    checkpoint_is(DT_CHECKPOINT_FINAL, "final");
    register_is_there(RECORDED_ENTRIES);
    for (uint64_t i = 0; i < RECORDED_ENTRIES; i += 51)
        entry_is_proved(i);
    opening_is_there();
    second_is_there();
    goes_on();
    end();
    /* Once more: nothing is brought up to date twice. */
    serve();
    cells_are_there(0, 1);
    cells_are_there(1, 0);
    register_is_there(RECORDED_ENTRIES + 1);
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_FINAL, &final));
    OK(tlog_vkey_parse(dt_view_str(fx.grant[0].vkey), &log));
    OK(tlog_checkpoint_open(dt_buf_view(&final), &log, &cp));
    assert_int_equal(cp.size, RECORDED_ENTRIES + 1);
    opening_is_there();
    end();
    (void)stop(NULL);
}

static void
every_version_is_served(void **state)
{
    (void)state;
    for (version = 1; version <= RECORDED; version++)
        served();
}

/* ---- cut in the middle ---- */

static void
hash_row(sqlite3_stmt *st, struct dt_buf *out)
{
    for (int i = 0; i < sqlite3_column_count(st); i++) {
        const void *p = sqlite3_column_blob(st, i);

        OK(dt_buf_printf(out, "%s %d %d:", sqlite3_column_name(st, i), sqlite3_column_type(st, i),
                         sqlite3_column_bytes(st, i)));
        if (p != NULL)
            OK(dt_buf_append(out, dt_view(p, (size_t)sqlite3_column_bytes(st, i))));
    }
    OK(dt_buf_printf(out, "\n"));
}

static void
hash_query(sqlite3 *db, const char *sql, struct dt_buf *out)
{
    sqlite3_stmt *st = NULL;
    int rc;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        hash_row(st, out);
    assert_int_equal(rc, SQLITE_DONE);
    assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
}

/* The version of the store at ${path}, and a hash of all its tables that have rows, with their
 * columns and indexes; empty ones may be made in a transaction of their own. SQLite's own look. */
static unsigned int
look(const char *path, uint8_t hash[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf all = DT_BUF_INIT(4u << 20);
    sqlite3_stmt *st = NULL;
    unsigned int found;
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    found = (unsigned int)sqlite3_column_int(st, 0);
    assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT name FROM sqlite_schema WHERE type = 'table'"
                                        " ORDER BY name",
                                        -1, &st, NULL),
                     SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(st, 0);
        size_t before = all.n;
        char sql[200];

        (void)snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY %s", table,
                       strcmp(table, "tile") == 0 ? "1, 2, 3" : "1");
        hash_query(db, sql, &all);
        if (all.n == before)
            continue;
        (void)snprintf(sql, sizeof(sql),
                       "SELECT name, sql FROM sqlite_schema WHERE tbl_name = '%s' ORDER BY name",
                       table);
        hash_query(db, sql, &all);
    }
    assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    OK(dt_sha256(dt_buf_view(&all), hash));
    return found;
}

static enum dt_err
bring_up(const char *path)
{
    const struct dt_relay_store_config config = {.path = path};
    struct dt_relay_store *s = NULL;
    enum dt_err err = dt_relay_store_open(&config, &s);

    dt_relay_store_close(s);
    return err;
}

static uint64_t seed;
static uint8_t before[32], after[32]; /* the store of the earlier version, and of this one */
static unsigned int n_before, n_after;

/* What is left is the one or the other, and this program makes the other of it. */
static void
judge(const struct disk_replay *r, size_t i, enum disk_cut cut, uint64_t draw, const char *folder)
{
    uint8_t replayed[32], hash[32];
    unsigned int found;
    char path[128];
    enum dt_err err;

    (void)snprintf(path, sizeof(path), "%s/relay.db", folder);
    disk_replay_cut(r, cut, draw, folder, replayed);
    found = look(path, hash);
    n_before += found == version;
    n_after += found == VERSION;
    if (!(found == version && memcmp(hash, before, 32) == 0) &&
        !(found == VERSION && memcmp(hash, after, 32) == 0))
        fail_msg("DT_SEED=%llu: from version %u, cut %d after call %zu of %zu (%llu): a store of "
                 "version %u that is neither the old nor the new one",
                 (unsigned long long)seed, version, (int)cut, i, disk_n, (unsigned long long)draw,
                 found);
    disk_replay_cut(r, cut, draw, folder, replayed);
    err = bring_up(path);
    if (err != DT_OK || look(path, hash) != VERSION || memcmp(hash, after, 32) != 0)
        fail_msg("DT_SEED=%llu: from version %u, cut %d after call %zu of %zu (%llu): it does not "
                 "come up to date: %s",
                 (unsigned long long)seed, version, (int)cut, i, disk_n, (unsigned long long)draw,
                 err != DT_OK ? dt_err_message() : "other rows");
}

static void
cut_anywhere(bool all)
{
    const struct disk_event *e;
    struct disk_replay *r;
    char folder[64];
    bool begun = false;
    uint64_t draw = seed + version;
    size_t first = 0;

    begin();
    assert_int_equal(look(fx.store, before), version);
    disk_begin(fx.dir);
    disk_mark(1); /* what comes before is what was there */
    OK(bring_up(fx.store));
    disk_end();
    assert_int_equal(look(fx.store, after), VERSION);
    (void)snprintf(folder, sizeof(folder), "%s/dt-upgrade-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                 : "/tmp"); /* syncs wait for nothing */
    assert_non_null(mkdtemp(folder));
    n_before = n_after = 0;
    r = disk_replay_new(seed);
    for (size_t i = 0; (e = disk_replay_step(r)) != NULL; i++) {
        if (!begun && e->kind == DISK_MARK) {
            begun = true;
            first = i;
        }
        for (int cut = 0; begun && cut < DISK_CUTS; cut++) {
            draw = draw * UINT64_C(6364136223846793005) + 1442695040888963407u;
            /* The first and the last place show the old and the new one, whatever is drawn. */
            if (all || i == first || i + 1 == disk_n ||
                (draw >> 33) % (disk_n * DISK_CUTS) < SAMPLE)
                judge(r, i, (enum disk_cut)cut, draw, folder);
        }
    }
    if (all)
        print_message("from version %u: %zu calls, %u states of the old version, %u of the new\n",
                      version, disk_n, n_before, n_after);
    assert_true(n_before > 0 && n_after > 0);
    disk_replay_free(r);
    disk_forget();
    fixture_remove_dir(folder);
    (void)stop(NULL);
}

static void
cut_at_any_call(void **state)
{
    const char *text = getenv("DT_SEED"), *how = getenv("DT_POWER_CUT");

    (void)state;
    seed = text != NULL ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
    for (version = 1; version <= RECORDED; version++)
        cut_anywhere(how != NULL && strcmp(how, "all") == 0);
}

/* ---- from a later version ---- */

#define AT_VERSION 60u /* of a database's header, which has 100 bytes: the user's version */

static void
later_is_left_alone(void **state)
{
    static const char *const commands[][6] = {
        {"serve", "--listen", "127.0.0.1:0"}, {"check-config"}, {"verify"}, {"stats"}};
    DT_CLEANUP(dt_buf_clear) struct dt_buf store = DT_BUF_INIT(1u << 20);
    char beside[FIXTURE_STORE + 8];

    (void)state;
    version = RECORDED;
    begin();
    OK(bring_up(fx.store));
    OK(dt_file_read(fx.store, &store));
    assert_int_equal(store.p[AT_VERSION + 3], VERSION);
    store.p[AT_VERSION + 3] = VERSION + 1;
    (void)unlink(fx.store);
    OK(dt_file_create(fx.store, dt_buf_view(&store), 0600));
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        const char *args[12] = {commands[i][0], "--store", fx.store};
        DT_CLEANUP(dt_buf_clear) struct dt_buf said = DT_BUF_INIT(1u << 16);
        DT_CLEANUP(dt_buf_clear) struct dt_buf now = DT_BUF_INIT(1u << 20);
        char out[128];

        for (size_t k = 1; commands[i][k] != NULL; k++)
            args[2 + k] = commands[i][k];
        assert_int_equal(fixture_run(&fx, args), 1);
        (void)snprintf(out, sizeof(out), "%s/out", fx.dir);
        OK(dt_file_read(out, &said));
        OK(dt_buf_append(&said, dt_view((const uint8_t *)"", 1)));
        assert_non_null(strstr((const char *)said.p, "newer version"));
        OK(dt_file_read(fx.store, &now));
        assert_true(dt_view_equal(dt_buf_view(&now), dt_buf_view(&store)));
        (void)snprintf(beside, sizeof(beside), "%s-wal", fx.store);
        assert_true(!dt_file_exists(beside));
    }
    (void)stop(NULL);
}

#define TEST(f) cmocka_unit_test_teardown(f, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_version_is_served),
        TEST(cut_at_any_call),
        TEST(later_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
