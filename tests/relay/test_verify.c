/*
 * tests/relay/test_verify.c - `detente-relay verify` finds each fault that is planted in a store,
 * by name and place; backup, restore, resume, revoke and stats, by the real program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "relay_fixture.h"

#define ENTRIES 300u /* a full tile and a part */
#define CELLS   5u

static struct fixture fx;
static struct fixture_queue queue;
static char whole[96]; /* a copy of the store as it should be */

static void
append_cell(unsigned int i, enum dt_err expected)
{
    uint8_t cell[512] = {(uint8_t)i, 1};
    struct dt_wire_append a = {.append_id = {(uint8_t)i, 2}, .cell = dt_view_of(cell)};
    uint64_t position = 0;

    assert_int_equal(
        dt_relay_append(fx.http, fx.url, queue.address, dt_view_of(queue.write), &a, &position),
        expected);
}

static enum dt_err
append_entry(unsigned int i)
{
    uint8_t seal[32] = {(uint8_t)i, (uint8_t)(i >> 8), 9};
    uint64_t index = 0;

    return dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[i % 3].append_key),
                              seal, &index);
}

static void
cosign_held(void)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf lines = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note parsed = {0};

    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &note));
    OK(tlog_note_parse(dt_buf_view(&note), &parsed));
    for (size_t i = 0; i < FIXTURE_PARTIES; i++)
        OK(tlog_cosign(&fx.witness[i], parsed.text, 1800000000 + i, &lines));
    OK(dt_buf_append(&note, dt_buf_view(&lines)));
    OK(dt_register_cosign(fx.http, fx.register_url, dt_buf_view(&note)));
}

static void
copy(const char *from, const char *to)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64u << 20);

    OK(dt_file_read(from, &b));
    (void)unlink(to);
    OK(dt_file_create(to, dt_buf_view(&b), 0600));
}

/* What a store at ${to} is to be served with is that of the one at ${from}. */
static void
copy_key(const char *from, const char *to)
{
    char a[FIXTURE_STORE + 16], b[FIXTURE_STORE + 16];

    (void)snprintf(a, sizeof(a), "%s.sealing-key", from);
    (void)snprintf(b, sizeof(b), "%s.sealing-key", to);
    copy(a, b);
}

static int
run(const char *command, const char *operand, const char *store, const char *const *more)
{
    const char *args[16] = {command};
    int n = 1;

    if (operand != NULL)
        args[n++] = operand;
    args[n++] = "--store";
    args[n++] = store;
    for (; more != NULL && *more != NULL; more++)
        args[n++] = *more;
    return fixture_run(&fx, args);
}

static bool
said(const char *text)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/out", fx.dir);
    OK(dt_file_read(path, &b));
    return b.n > 0 && memmem(b.p, b.n, text, strlen(text)) != NULL;
}

static void
path_of(char *out, size_t size, const char *name)
{
    (void)snprintf(out, size, "%s/%s", fx.dir, name);
}

static int
begin(void **state)
{
    (void)state;
    fixture_begin(&fx, NULL);
    fixture_queue_new(&fx, &queue);
    for (unsigned int i = 0; i < CELLS; i++)
        append_cell(i, DT_OK);
    for (unsigned int i = 0; i < ENTRIES; i++)
        OK(append_entry(i));
    cosign_held();
    path_of(whole, sizeof(whole), "whole.db");
    return 0;
}

static int
finish(void **state)
{
    (void)state;
    fixture_finish(&fx);
    return 0;
}

/* ---- backup, while it is served ---- */

static void
backup_while_served(void **state)
{
    (void)state;
    assert_int_equal(run("backup", whole, fx.store, NULL), 0);
    assert_true(said("verified"));
    assert_int_equal(run("backup", whole, fx.store, NULL), 4); /* never over another */
    assert_int_equal(run("verify", NULL, whole, NULL), 0);
    assert_true(said("5 cells in 1 queues; 300 entries, 301 checkpoints and 3 cosignatures"));
    assert_int_equal(run("verify", NULL, fx.store, NULL), 0); /* served meanwhile */
}

/* ---- each fault ---- */

static const struct {
    const char *sql, *said;
} faults[] = {
    {"DELETE FROM cell WHERE id & 4294967295 = 3", "queue 1: position 4 follows 2"},
    {"DELETE FROM cell WHERE id & 4294967295 = 5",
     "queue 1: its last position is 5, and its cells"},
    {"UPDATE queue SET bytes = bytes - 1", "queue 1: counts 2559 bytes, and holds 2560"},
    {"UPDATE cell SET cell = x'00' WHERE id & 4294967295 = 2", "and holds 2049"},
    {"UPDATE appended SET position = 9 WHERE position = 2", "the append id of position 2 is not"},
    {"INSERT INTO appended VALUES (1, x'aa', 3)", "1 append ids are noted for cells"},
    {"DELETE FROM appended WHERE position = 4", "the append id of position 4 is not"},
    {"UPDATE queue SET address = zeroblob(32)", "queue 1: its address is not that of its tokens"},
    {"INSERT INTO cell(id, append_id, cell) VALUES ((9 << 32) | 1, x'00', x'00')",
     "cells of queue 9, which is not there"},
    {"UPDATE queue SET expired = 6", "queue 1: 6 cells are expired of 5"},
    {"UPDATE queue SET forgotten = 1", "1 append ids are forgotten of 0 expired cells"},
    {"INSERT INTO gone VALUES (1, 1, x'00', x'00', 0)",
     "queue 1: remembers 1 expired cells, and should 0"},
    {"INSERT INTO reader VALUES (1, zeroblob(32), 6)", "1 readers have read past its last"},
    {"UPDATE grants SET cells = 4", "grant 1: counts 4 cells of 2560 bytes, and its queues hold 5"},
    {"UPDATE grants SET bytes = 1", "grant 1: counts 5 cells of 1 bytes, and its queues hold 5"},
    {"UPDATE grants SET queues = 7", "grant 1: counts 7 queues, and has 1"},
    {"UPDATE grants SET token_hash = x'00'", "grant 1: the hash of its token has 1 bytes"},
    {"UPDATE entry SET entry = CAST(x'01' || zeroblob(32) AS BLOB) WHERE idx = 7",
     "tile 0/0 is not that"},
    {"DELETE FROM entry WHERE idx = 12", "entry 13 stands where 12 is due"},
    {"DELETE FROM entry WHERE idx = 299", "its size is 300, and it has 299 entries"},
    {"UPDATE entry SET entry = CAST(x'02' || substr(entry, 2) AS BLOB) WHERE idx = 5",
     "entry 5 is no register entry"},
    {"DELETE FROM seen WHERE idx = 20", "entry 20 is not in the index"},
    {"INSERT INTO seen SELECT register, 5, 9 FROM seen LIMIT 1", "has 301 rows for 300 entries"},
    {"UPDATE tile SET content = zeroblob(8192) WHERE level = 0 AND idx = 0",
     "tile 0/0 is not that of the entries"},
    {"DELETE FROM tile WHERE level = 1", "tile 1/0 is not there"},
    {"INSERT INTO tile SELECT register, 5, 5, content FROM tile LIMIT 1",
     "has 4 tiles, and needs 3"},
    {"UPDATE register SET root = zeroblob(32)", "its entries do not have the root that was signed"},
    {"UPDATE register SET size = 299", "its size is 299, and it has 300 entries"},
    {"DELETE FROM checkpoint WHERE size = 300", "there is no checkpoint of its size 300"},
    {"UPDATE checkpoint SET note = replace(note, 'detente', 'entente') WHERE size = 9",
     "the checkpoint of size 9 is not signed"},
    {"UPDATE checkpoint SET root = zeroblob(32) WHERE size = 8",
     "the checkpoint of size 8 is not of the entries' tree"},
    {"UPDATE checkpoint SET size = 1000 WHERE size = 40", "a checkpoint of size 1000 was signed"},
    {"UPDATE cosignature SET line = (SELECT line FROM cosignature c WHERE c.key_id <> "
     "cosignature.key_id LIMIT 1)",
     "does not verify"},
    {"UPDATE cosignature SET time_s = time_s + 1", "has another time or side"},
    {"UPDATE cosignature SET key_id = key_id - 1 WHERE side = 1", "by a key that is no witness's"},
    {"UPDATE cosignature SET size = 2000", "3 cosignatures are of no checkpoint"},
    {"UPDATE register SET final = 299", "its cosignatures attest another size"},
    {"UPDATE register SET policy = 'nonsense'", "its row: "},
    {"INSERT INTO opening(register, name, key_hash, day, file) VALUES (1, zeroblob(32), x'00', 0, "
     "x'01')",
     "its name is not the hash of the file"},
};

static void
each_fault_is_named(void **state)
{
    const char *json[] = {"--json", NULL};
    char path[96];

    (void)state;
    path_of(path, sizeof(path), "fault.db");
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char *message = NULL;
        sqlite3 *db = NULL;

        copy(whole, path);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        if (sqlite3_exec(db, faults[i].sql, NULL, NULL, &message) != SQLITE_OK)
            fail_msg("%s: %s", faults[i].sql, message);
        assert_true(sqlite3_changes(db) > 0);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        if (run("verify", NULL, path, NULL) != 1)
            fail_msg("not found: %s", faults[i].sql);
        if (!said(faults[i].said))
            fail_msg("%s: not said: %s", faults[i].sql, faults[i].said);
    }
    assert_int_equal(run("verify", NULL, path, json), 1);
    assert_true(said("\"ok\": false") && said("\"faults\": 1") && said("\"where\": \"opening 1\""));
}

/* A damaged page is told, and not taken for the end of the store. */
static void
damaged_page_is_told(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64u << 20);
    char path[96];

    (void)state;
    path_of(path, sizeof(path), "page.db");
    OK(dt_file_read(whole, &b));
    for (size_t page = 5; page < b.n / 4096; page += 3)
        memset(b.p + page * 4096, 0x5a, 64);
    (void)unlink(path);
    OK(dt_file_create(path, dt_buf_view(&b), 0600));
    assert_int_equal(run("verify", NULL, path, NULL), 1);
}

/* ---- restore and resume ---- */

static void
serve_store(const char *path)
{
    if (path != fx.store)
        (void)snprintf(fx.store, sizeof(fx.store), "%s", path);
    fixture_serve(&fx);
}

/* What was signed after the copy was made is never signed a second time in another way. */
static void
restored_store_signs_nothing(void **state)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf entries = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf last = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    char store[96], checkpoint[96], all[96], few[96];
    uint8_t entry[DT_REGISTER_ENTRY] = {1};

    (void)state;
    for (unsigned int i = ENTRIES; i < ENTRIES + 3; i++)
        OK(append_entry(i)); /* the backup does not have these */
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &note));
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    path_of(checkpoint, sizeof(checkpoint), "held");
    OK(dt_file_write(checkpoint, dt_buf_view(&note), 0600));
    path_of(all, sizeof(all), "entries");
    path_of(few, sizeof(few), "few");
    for (unsigned int i = 0; i < ENTRIES + 3; i++) {
        entry[1] = (uint8_t)i;
        entry[2] = (uint8_t)(i >> 8);
        entry[3] = 9;
        OK(dt_buf_append(&entries, dt_view_of(entry)));
    }
    OK(dt_file_write(all, dt_buf_view(&entries), 0600));
    entries.p[entries.n - 1] ^= 1;
    OK(dt_file_write(few, dt_buf_view(&entries), 0600));

    assert_int_equal(run("restore", whole, fx.store, NULL), 4); /* the old one stands there */
    path_of(store, sizeof(store), "restored.db");
    assert_int_equal(run("restore", whole, store, NULL), 0);
    assert_int_equal(run("verify", NULL, store, NULL), 0);
    {
        const char *serve[] = {"serve", "--store", store, "--listen", "127.0.0.1:0", NULL};

        assert_int_equal(fixture_run(&fx, serve), 3); /* a backup does not hold the sealing key */
        assert_true(said("the sealing key of this store is not there"));
    }
    copy_key(fx.store, store);
    serve_store(store);
    dt_http_client_free(fx.http);
    OK(dt_http_client_new(NULL, &fx.http));
    append_cell(77, DT_OK); /* queues go on */
    OK(append_entry(1));    /* what is held is given as ever: nothing is signed for it */
    assert_int_not_equal(append_entry(5000), DT_OK);
    assert_int_equal(run("stats", NULL, store, NULL), 0);
    assert_true(said("restored: not signed until detente-relay resume"));
    {
        const char *more[] = {"--register", fx.grant[0].register_id, "--known-size", "300", NULL};

        assert_int_equal(run("resume", NULL, store, more), 4); /* it is served */
    }
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    {
        const char *lost[] = {"--register", fx.grant[0].register_id, "--checkpoint", checkpoint,
                              NULL};
        const char *altered[] = {
            "--register", fx.grant[0].register_id, "--checkpoint", checkpoint, "--entries", few,
            NULL};
        const char *word[] = {
            "--register", fx.grant[0].register_id, "--known-size", "303", "--entries", all, NULL};
        const char *right[] = {
            "--register", fx.grant[0].register_id, "--checkpoint", checkpoint, "--entries", all,
            NULL};

        assert_int_equal(run("resume", NULL, store, lost), 1);
        assert_true(said("the register was seen with 303 entries"));
        assert_int_equal(run("resume", NULL, store, altered), 1);
        assert_true(said("are not those of the checkpoint"));
        assert_int_equal(run("resume", NULL, store, word), 2);
        assert_int_equal(run("resume", NULL, store, right), 0);
        assert_true(said("its size is 303"));
        assert_int_equal(run("resume", NULL, store, right), 1); /* once */
    }
    assert_int_equal(run("verify", NULL, store, NULL), 0);
    serve_store(store);
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &last));
    assert_true(dt_view_equal(dt_buf_view(&last), dt_buf_view(&note))); /* the very same tree */
    OK(append_entry(5000));
}

/* The same in the folder of the lost store, where the signer remembers what it signed: it is not
 * talked out of that, neither by who resumes nor by a store that says nothing of having been put
 * back. */
static void
signer_remembers_what_the_copy_lacks(void **state)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf entries = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    const char *serve[] = {"serve", "--store", fx.store, "--listen", "127.0.0.1:0", NULL};
    const char *word[] = {"--register", fx.grant[0].register_id, "--known-size", "300", NULL};
    char checkpoint[96], all[96], aside[96];
    uint8_t entry[DT_REGISTER_ENTRY] = {1};
    sqlite3 *db = NULL;

    (void)state;
    path_of(checkpoint, sizeof(checkpoint), "held");
    path_of(all, sizeof(all), "entries");
    path_of(aside, sizeof(aside), "aside.db");
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &note)); /* of 304 */
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    assert_int_equal(rename(fx.store, aside), 0);
    assert_int_equal(run("restore", whole, fx.store, NULL), 0);
    assert_int_equal(run("resume", NULL, fx.store, word), 4);
    assert_true(said("304 entries were signed"));

    serve_store(fx.store); /* it may be served: nothing is signed */
    assert_int_not_equal(append_entry(5100), DT_OK);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    assert_int_equal(sqlite3_open(fx.store, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM restored", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(fixture_run(&fx, serve), 4);
    assert_true(said("304 entries were signed"));

    (void)unlink(fx.store);
    assert_int_equal(run("restore", whole, fx.store, NULL), 0);
    OK(dt_file_write(checkpoint, dt_buf_view(&note), 0600));
    OK(dt_file_read(all, &entries));
    entry[1] = (uint8_t)5000;
    entry[2] = (uint8_t)(5000 >> 8);
    entry[3] = 9;
    OK(dt_buf_append(&entries, dt_view_of(entry)));
    OK(dt_file_write(all, dt_buf_view(&entries), 0600));
    {
        const char *right[] = {
            "--register", fx.grant[0].register_id, "--checkpoint", checkpoint, "--entries", all,
            NULL};

        assert_int_equal(run("resume", NULL, fx.store, right), 0);
        assert_true(said("its size is 304"));
    }
    serve_store(fx.store);
    OK(append_entry(5100));
}

/* A store of before the seal is whole; its keys are said to lie open, until it is served. */
static void
unsealed_seeds_are_said(void **state)
{
    char path[96], text[200];
    sqlite3 *db = NULL;

    (void)state;
    path_of(path, sizeof(path), "plain.db");
    copy(whole, path);
    for (int n = 32; n <= 33; n++) {
        (void)snprintf(text, sizeof(text), "UPDATE register SET seed = zeroblob(%d)", n);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_int_equal(run("verify", NULL, path, NULL), n == 32 ? 0 : 1);
        assert_true(said(n == 32 ? "the keys of 1 registers are not sealed"
                                 : "its sealed seed has 33 bytes"));
    }
    assert_int_equal(run("verify", NULL, whole, NULL), 0);
    assert_false(said("not sealed"));
}

/* A backup that is damaged is not put in place; nor is one that is a store in use. */
static void
bad_backups_are_refused(void **state)
{
    char bad[96], to[96], beside[128];
    sqlite3 *db = NULL;

    (void)state;
    path_of(bad, sizeof(bad), "bad.db");
    path_of(to, sizeof(to), "to.db");
    copy(whole, bad);
    assert_int_equal(sqlite3_open(bad, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE queue SET last = 4", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(run("restore", bad, to, NULL), 1);
    assert_false(dt_file_exists(to));
    (void)snprintf(beside, sizeof(beside), "%s.part", to);
    assert_false(dt_file_exists(beside));
    (void)snprintf(beside, sizeof(beside), "%s-wal", bad);
    OK(dt_file_write(beside, dt_view_str("x"), 0600));
    assert_int_equal(run("restore", bad, to, NULL), 1);
    assert_true(said("that is a store in use"));
    assert_int_equal(run("restore", "/nonexistent", to, NULL), 3);
}

/* ---- revoke ---- */

static void
revoked_is_refused(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    char file[160];
    const char *party[] = {"--grant", file, NULL};
    const char *grant[] = {"--register", fx.grant[0].register_id, NULL};
    struct fixture_queue other;
    struct dt_wire_create c;

    (void)state;
    (void)snprintf(file, sizeof(file), "%s/grants/south.grant", fx.dir);
    assert_int_equal(run("revoke", NULL, fx.store, NULL), 2);
    assert_int_equal(run("revoke", NULL, fx.store, party), 0); /* while it is served */
    assert_int_equal(run("revoke", NULL, fx.store, party), 1); /* once */
    assert_int_equal(append_entry(6001), DT_ERR_REFUSED);      /* of south */
    OK(append_entry(6000));                                    /* of north */
    assert_int_equal(run("revoke", NULL, fx.store, grant), 0);
    assert_true(said("append keys 2, write tokens of queues 1"));
    assert_int_equal(append_entry(6003), DT_ERR_REFUSED);
    OK(dt_random(other.read, 32));
    OK(dt_random(other.write, 32));
    memcpy(c.queue_token, fx.grant[0].queue_token, 32);
    OK(dt_sha256(dt_view_of(other.read), c.read_hash));
    OK(dt_sha256(dt_view_of(other.write), c.write_hash));
    assert_int_equal(dt_relay_queue_create(fx.http, fx.url, &c, other.address), DT_ERR_REFUSED);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    fixture_serve(&fx);
    append_cell(90, DT_ERR_REFUSED);
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &b)); /* reads go on */
    assert_int_equal(run("verify", NULL, fx.store, NULL), 0);
    assert_int_equal(run("stats", NULL, fx.store, NULL), 0);
    assert_true(said("5 cells, 2560 bytes, revoked") && said("3 append keys, 3 revoked"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backup_while_served),
        cmocka_unit_test(each_fault_is_named),
        cmocka_unit_test(damaged_page_is_told),
        cmocka_unit_test(bad_backups_are_refused),
        cmocka_unit_test(restored_store_signs_nothing),
        cmocka_unit_test(signer_remembers_what_the_copy_lacks),
        cmocka_unit_test(unsealed_seeds_are_said),
        cmocka_unit_test(revoked_is_refused),
    };

    return cmocka_run_group_tests_name("relay/verify", tests, begin, finish);
}
