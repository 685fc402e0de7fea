/*
 * tests/agent/test_store.c - the store and its bad days: wrong passphrase, truncated, flipped,
 * newer, put back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/store/store.h"
#include "base/file.h"
#include "crypto/crypto.h"
#include "db/db.h"

#include "../base/folder.h"

#define PASS      dt_view_str("a long passphrase")
#define STORE_MAX (8u << 20)

static char dir[64];
static unsigned int n_homes;

#define ok(expr)                                                                                   \
    do {                                                                                           \
        enum dt_err ok_err_ = (expr);                                                              \
        if (ok_err_ != DT_OK) {                                                                    \
            print_error("%s: %s (%s)\n", #expr, dt_err_message(), dt_err_place());                 \
            fail();                                                                                \
        }                                                                                          \
    } while (0)
#define is(expr, want) assert_int_equal((expr), (want))

static void
new_home(char out[static 96])
{
    (void)snprintf(out, 96, "%s/home%u", dir, n_homes++);
}

static void
db_path(const char *home, char out[static 128])
{
    (void)snprintf(out, 128, "%s/store.db", home);
}

/* A store with rows of several kinds, closed. */
static void
fill(const char *home)
{
    struct dt_store *s = NULL;
    uint8_t group[32] = {7};

    ok(dt_store_create(home, PASS, &s));
    ok(dt_store_begin(s));
    for (uint8_t i = 0; i < 40; i++) {
        uint8_t value[300];

        memset(value, i, sizeof value);
        ok(dt_store_put(s, "talk", dt_view(&i, 1), dt_view_str("parent"), i,
                        dt_view(value, 1u + 7u * i)));
        ok(dt_store_put_blob(s, "letter", dt_view(&i, 1), dt_view_str("a letter")));
    }
    ok(dt_store_commit(s));
    ok(dt_store_put_group(s, dt_view_of(group), dt_view_str("ratchet state of epoch 1"), true));
    dt_store_close(s);
}

static void
bytes_of(const char *path, struct dt_buf *out)
{
    dt_buf_init(out, STORE_MAX);
    ok(dt_file_read(path, out));
}

/* Everything is there and right. */
static enum dt_err
read_all(const char *home)
{
    DT_CLEANUP(dt_store_close_p) struct dt_store *s = NULL;
    uint8_t group[32] = {7};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf state = DT_BUF_INIT(1024);
    enum dt_err err;

    if ((err = dt_store_open(home, PASS, &s)) != DT_OK || (err = dt_store_check(s)) != DT_OK ||
        (err = dt_store_get_group(s, dt_view_of(group), &state)) != DT_OK)
        return err;
    assert_true(dt_view_equal(dt_buf_view(&state), dt_view_str("ratchet state of epoch 1")));
    for (uint8_t i = 0; i < 40; i++) {
        DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(1024);

        if ((err = dt_store_get_blob(s, "talk", dt_view(&i, 1), &value)) != DT_OK)
            return err;
        is(value.n, 1u + 7u * i);
        is(value.p[0], i);
    }
    return DT_OK;
}

static void
rows(void **state)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(100);
    struct dt_store *s = NULL;
    struct stat st;
    char home[96], path[128];
    uint64_t n = 0, at = 0;
    bool has = false;

    (void)state;
    new_home(home);
    db_path(home, path);
    is(dt_store_create(home, dt_view_str(""), &s), DT_ERR_RANGE);
    ok(dt_store_create(home, PASS, &s));
    is(stat(home, &st), 0);
    is(st.st_mode & 0777, 0700);
    is(stat(path, &st), 0);
    is(st.st_mode & 0777, 0600);

    is(dt_store_get_blob(s, "talk", dt_view_str("k"), &out), DT_ERR_NOT_FOUND);
    ok(dt_store_put(s, "talk", dt_view_str("k"), dt_view_str("p"), 5, dt_view_str("one")));
    ok(dt_store_put(s, "talk", dt_view_str("l"), dt_view_str("p"), 9, dt_view_str("two")));
    ok(dt_store_put(s, "talk", dt_view_str("m"), dt_view_str("q"), 1, dt_view_str("other parent")));
    ok(dt_store_put(s, "talk", dt_view_str("k"), dt_view_str("p"), 5, dt_view_str("uno")));
    ok(dt_store_get_blob(s, "talk", dt_view_str("k"), &out));
    assert_true(dt_view_equal(dt_buf_view(&out), dt_view_str("uno")));
    is(dt_store_get_blob(s, "letter", dt_view_str("k"), &out), DT_ERR_NOT_FOUND);

    ok(dt_store_count(s, "talk", dt_view_str("p"), &n));
    is(n, 2);
    ok(dt_store_next_seq(s, "talk", dt_view_str("p"), &n));
    is(n, 10);
    for (n = 0; dt_store_next(s, "talk", dt_view_str("p"), at, &row) == DT_OK; at = row.seq + 1)
        n++;
    is(n, 2);
    assert_true(dt_view_equal(dt_buf_view(&row.key), dt_view_str("l")));
    ok(dt_store_last(s, "talk", dt_view_str("p"), &row));
    is(row.seq, 9);

    ok(dt_store_del(s, "talk", dt_view_str("k")));
    is(dt_store_del(s, "talk", dt_view_str("k")), DT_ERR_NOT_FOUND);
    ok(dt_store_del_parent(s, "talk", dt_view_str("p")));
    ok(dt_store_has(s, "talk", dt_view_str("l"), &has));
    assert_false(has);
    ok(dt_store_has(s, "talk", dt_view_str("m"), &has));
    assert_true(has);
    dt_store_close(s);
    is(dt_store_create(home, PASS, &s), DT_ERR_EXISTS);
}

static void
transactions(void **state)
{
    struct dt_store *s = NULL, *other = NULL;
    char home[96];
    bool has = false;

    (void)state;
    new_home(home);
    ok(dt_store_create(home, PASS, &s));
    ok(dt_store_begin(s));
    ok(dt_store_put_blob(s, "t", dt_view_str("a"), dt_view_str("1")));
    ok(dt_store_begin(s));
    ok(dt_store_put_blob(s, "t", dt_view_str("b"), dt_view_str("1")));
    dt_store_rollback(s);
    is(dt_store_commit(s), DT_ERR_STATE); /* what a part gave up is given up whole */
    ok(dt_store_has(s, "t", dt_view_str("a"), &has));
    assert_false(has);
    is(dt_store_end(s, DT_OK), DT_ERR_STATE);

    /* Two handles, as of two processes: each reads inside its transaction what the other wrote. */
    ok(dt_store_open(home, PASS, &other));
    ok(dt_store_put_blob(s, "t", dt_view_str("a"), dt_view_str("1")));
    ok(dt_store_put_blob(other, "t", dt_view_str("a"), dt_view_str("2")));
    ok(dt_store_put_blob(s, "t", dt_view_str("c"), dt_view_str("3")));
    dt_store_close(other);
    ok(dt_store_open(home, PASS, &other));
    ok(dt_store_check(other));
    dt_store_close(other);
    dt_store_close(s);
}

static void
wrong_passphrase(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf before = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf after = {0};
    struct dt_store *s = NULL;
    char home[96], path[128];

    (void)state;
    new_home(home);
    db_path(home, path);
    is(dt_store_open(home, PASS, &s), DT_ERR_NOT_FOUND);
    assert_false(dt_file_exists(home));
    fill(home);
    bytes_of(path, &before);
    is(dt_store_open(home, dt_view_str("another"), &s), DT_ERR_LOCKED);
    is(dt_store_open(home, dt_view_str(""), &s), DT_ERR_LOCKED);
    assert_null(s);
    bytes_of(path, &after);
    assert_true(dt_view_equal(dt_buf_view(&before), dt_buf_view(&after)));
    ok(read_all(home));
}

static void
truncated(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf whole = {0};
    char home[96], path[128];

    (void)state;
    new_home(home);
    db_path(home, path);
    fill(home);
    bytes_of(path, &whole);
    for (size_t n = 0; n < whole.n; n += whole.n / 37) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf after = {0};
        enum dt_err err;

        ok(dt_file_write(path, dt_view(whole.p, n), 0600));
        err = read_all(home);
        assert_true(err == DT_ERR_FORMAT || err == DT_ERR_AUTH);
        assert_null(strchr(dt_err_message(), '\n'));
        assert_non_null(strstr(dt_err_message(), "store.db"));
        bytes_of(path, &after);
        assert_true(dt_view_equal(dt_view(whole.p, n), dt_buf_view(&after)));
    }
    ok(dt_file_write(path, dt_buf_view(&whole), 0600));
    ok(read_all(home));
}

/* One bit anywhere: either everything is read right (slack, unused pages) or a clear error; never a
 * wrong value, and the file stays as it was. */
static void
flipped(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf whole = {0};
    char home[96], path[128];
    size_t noticed = 0, harmless = 0;

    (void)state;
    new_home(home);
    db_path(home, path);
    fill(home);
    bytes_of(path, &whole);
    for (size_t i = 0; i < 400; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf after = {0};
        size_t at = i < 100 ? i : (i * 7919 + 13) % whole.n; /* the whole header, then all over */
        enum dt_err err;

        whole.p[at] ^= (uint8_t)(1u << (i % 8));
        ok(dt_file_write(path, dt_buf_view(&whole), 0600));
        err = read_all(home);
        if (err == DT_OK) {
            harmless++;
        } else {
            noticed++;
            assert_true(err == DT_ERR_FORMAT || err == DT_ERR_AUTH || err == DT_ERR_LOCKED ||
                        err == DT_ERR_UNSUPPORTED || err == DT_ERR_NOT_FOUND);
            assert_null(strchr(dt_err_message(), '\n'));
            bytes_of(path, &after);
            assert_true(dt_view_equal(dt_buf_view(&whole), dt_buf_view(&after)));
        }
        whole.p[at] ^= (uint8_t)(1u << (i % 8));
    }
    print_message("400 flips: %zu noticed, %zu in unused bytes\n", noticed, harmless);
    assert_true(noticed > 100);
    ok(dt_file_write(path, dt_buf_view(&whole), 0600));
    ok(read_all(home));
}

static enum dt_err
no_migration(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)db;
    (void)from;
    (void)ctx;
    return DT_OK;
}

static void
newer_version(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf before = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf after = {0};
    struct dt_store *s = NULL;
    struct dt_db *db = NULL;
    char home[96], path[128];
    struct dt_db_config config = {.path = path,
                                  .app_id = 0x64744147u,
                                  .version = DT_STORE_SCHEMA + 1,
                                  .migrate = no_migration};

    (void)state;
    new_home(home);
    db_path(home, path);
    fill(home);
    ok(dt_db_open(&config, &db));
    dt_db_close(db);
    bytes_of(path, &before);
    is(dt_store_open(home, PASS, &s), DT_ERR_UNSUPPORTED);
    assert_non_null(strstr(dt_err_message(), "newer version"));
    bytes_of(path, &after);
    assert_true(dt_view_equal(dt_buf_view(&before), dt_buf_view(&after)));
}

/* Run SQL on the closed store, as someone with the disk could. */
static void
tamper(const char *path, const char *sql)
{
    struct dt_db *db = NULL;
    struct dt_db_config config = {.path = path,
                                  .app_id = 0x64744147u,
                                  .version = DT_STORE_SCHEMA,
                                  .as_is_from = 1,
                                  .migrate = no_migration};

    ok(dt_db_open(&config, &db));
    ok(dt_db_exec(db, sql));
    dt_db_close(db);
}

/* The number that ${sql} gives. */
static uint64_t
ask(const char *path, const char *sql)
{
    struct dt_db *db = NULL;
    struct dt_stmt *st = NULL;
    struct dt_db_config config = {.path = path,
                                  .app_id = 0x64744147u,
                                  .version = DT_STORE_SCHEMA,
                                  .as_is_from = 1,
                                  .migrate = no_migration};
    uint64_t n = 0;

    ok(dt_db_open(&config, &db));
    ok(dt_db_prepare(db, sql, &st));
    ok(dt_stmt_row(st));
    ok(dt_col_u64(st, 0, UINT32_MAX, &n));
    dt_stmt_done(&st);
    dt_db_close(db);
    return n;
}

static const char *const cases[] = {
    "DELETE FROM row WHERE rowid = (SELECT min(rowid) FROM row)",
    "UPDATE row SET version = version + 1 WHERE rowid = (SELECT min(rowid) FROM row)",
    "UPDATE row SET value = (SELECT value FROM row WHERE rowid = 3) WHERE rowid = 2",
    "UPDATE row SET seq = seq + 1 WHERE tab = 'talk'",
    "UPDATE row SET parent = zeroblob(32) WHERE tab = 'talk'",
    "UPDATE row SET tab = 'other' WHERE tab = 'letter'",
    "INSERT INTO row SELECT 'x', name, parent, seq, version, value FROM row WHERE rowid = 1",
};

/* Rows removed, swapped, moved to another parent or put back to an older copy do not pass. */
static void
tampered_rows(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf whole = {0};
    char home[96], path[128];

    (void)state;
    new_home(home);
    db_path(home, path);
    fill(home);
    bytes_of(path, &whole);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ok(dt_file_write(path, dt_buf_view(&whole), 0600));
        tamper(path, cases[i]);
        is(read_all(home), DT_ERR_AUTH);
    }
    ok(dt_file_write(path, dt_buf_view(&whole), 0600));
    ok(read_all(home));
}

static void
row_put_back(void **state)
{
    struct dt_store *s = NULL;
    char home[96], path[128];

    (void)state;
    new_home(home);
    db_path(home, path);
    fill(home);
    tamper(path, "CREATE TABLE kept AS SELECT * FROM row WHERE tab = 'talk' AND seq = 3");
    ok(read_all(home));
    ok(dt_store_open(home, PASS, &s));
    ok(dt_store_put(s, "talk", dt_view_str("\3"), dt_view_str("parent"), 3, dt_view_str("newer")));
    dt_store_close(s);
    ok(dt_store_open(home, PASS, &s));
    dt_store_close(s);
    tamper(path, "REPLACE INTO row SELECT * FROM kept");
    is(read_all(home), DT_ERR_AUTH);
    assert_non_null(strstr(dt_err_message(), "older copies"));
}

/* What was sealed under an epoch key that was replaced cannot be opened with the keys that are
 * left. */
static void
epoch_key_replaced(void **state)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf out = DT_BUF_INIT(1024);
    struct dt_store *s = NULL;
    char home[96], path[128];
    uint8_t group[32] = {7};
    const char *old_key_there = "SELECT count(*) FROM row JOIN kept ON row.value = kept.value"
                                " WHERE row.tab = 'group_key'";

    (void)state;
    new_home(home);
    db_path(home, path);
    fill(home);
    tamper(path, "CREATE TABLE kept AS SELECT value FROM row WHERE tab = 'group_key'");
    ok(dt_store_open(home, PASS, &s));
    ok(dt_store_put_group(s, dt_view_of(group), dt_view_str("same epoch"), false));
    dt_store_close(s);
    is(ask(path, old_key_there), 1); /* within an epoch the key stays */
    ok(dt_store_open(home, PASS, &s));
    ok(dt_store_get_group(s, dt_view_of(group), &out));
    assert_true(dt_view_equal(dt_buf_view(&out), dt_view_str("same epoch")));
    ok(dt_store_put_group(s, dt_view_of(group), dt_view_str("next epoch"), true));
    dt_buf_clear(&out);
    ok(dt_store_get_group(s, dt_view_of(group), &out));
    assert_true(dt_view_equal(dt_buf_view(&out), dt_view_str("next epoch")));
    dt_store_close(s);
    is(ask(path, old_key_there), 0);
    ok(dt_store_open(home, PASS, &s));
    ok(dt_store_del_group(s, dt_view_of(group)));
    is(dt_store_get_group(s, dt_view_of(group), &out), DT_ERR_NOT_FOUND);
    dt_store_close(s);
}

/* ---- a store of schema 1 ---- */

static void
recorded(const char *home)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = {0};
    char path[128];

    db_path(home, path);
    bytes_of(DT_AGENT_DATA "/store-1.db", &bytes);
    ok(dt_dir_make(home, 0700));
    ok(dt_file_write(path, dt_buf_view(&bytes), 0600));
}

/* It is opened with the right passphrase, and is one of today's then, which is written to. */
static void
upgraded(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf before = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf after = {0};
    struct dt_store *s = NULL, *other = NULL;
    uint64_t n = 0, later = 0;
    char home[96], path[128];

    (void)state;
    new_home(home);
    db_path(home, path);
    recorded(home);
    bytes_of(path, &before);
    is(dt_store_open(home, dt_view_str("another"), &s), DT_ERR_LOCKED);
    bytes_of(path, &after);
    assert_true(dt_view_equal(dt_buf_view(&before), dt_buf_view(&after)));
    is(ask(path, "SELECT user_version FROM pragma_user_version"), 1);

    ok(read_all(home));
    is(ask(path, "SELECT user_version FROM pragma_user_version"), DT_STORE_SCHEMA);
    assert_true(ask(path, "SELECT count(*) FROM span WHERE level = 1") > 4);
    ok(dt_store_open(home, PASS, &s));
    ok(dt_store_open(home, PASS, &other));
    ok(dt_store_number(s, &n));
    ok(dt_store_put_blob(s, "letter", dt_view_str("new"), dt_view_str("of today")));
    ok(dt_store_number(other, &later));
    is(later, n + 1);
    dt_store_close(s);
    dt_store_close(other);
    ok(read_all(home));
}

/* What schema 1 would not have taken, and what it would have taken and noticed with a row that was
 * read, is not taken over; and nothing is changed. */
static void
tampered_before_upgrade(void **state)
{
    char home[96], path[128];

    (void)state;
    new_home(home);
    db_path(home, path);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf before = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf after = {0};
        struct dt_store *s = NULL;

        recorded(home);
        tamper(path, cases[i]);
        bytes_of(path, &before);
        is(dt_store_open(home, PASS, &s), DT_ERR_AUTH);
        bytes_of(path, &after);
        assert_true(dt_view_equal(dt_buf_view(&before), dt_buf_view(&after)));
    }
}

static bool
fail_commit(void *ctx, enum dt_db_point at)
{
    unsigned int *left = ctx;

    if (at != DT_DB_COMMIT && at != DT_DB_STEP)
        return false;
    return (*left)-- == 0;
}

/* The n-th database step fails, for every n: the store is as before or as after, never between. */
static void
failing_disk(void **state)
{
    char home[96];
    bool done = false;

    (void)state;
    new_home(home);
    fill(home);
    for (unsigned int n = 0; !done && n < 200; n++) {
        struct dt_store *s = NULL;
        unsigned int left = n;
        bool a = false, b = false;
        enum dt_err err;

        ok(dt_store_open(home, PASS, &s));
        dt_db_fault(fail_commit, &left);
        err = dt_store_begin(s);
        if (err == DT_OK) {
            err = dt_store_put_blob(s, "pair", dt_view_str("a"), dt_view_str("1"));
            if (err == DT_OK)
                err = dt_store_put_blob(s, "pair", dt_view_str("b"), dt_view_str("1"));
            err = dt_store_end(s, err);
        }
        dt_db_fault(NULL, NULL);
        done = err == DT_OK;
        dt_store_close(s);
        ok(dt_store_open(home, PASS, &s));
        ok(dt_store_check(s));
        ok(dt_store_has(s, "pair", dt_view_str("a"), &a));
        ok(dt_store_has(s, "pair", dt_view_str("b"), &b));
        is(a, done);
        is(b, done);
        dt_store_close(s);
    }
    assert_true(done);
}

/* The upgrade fails at its n-th step, for every n: it is begun anew by the next one who opens. */
static void
failing_upgrade(void **state)
{
    char home[96], path[128];
    size_t failed = 0;
    bool done = false;

    (void)state;
    new_home(home);
    db_path(home, path);
    for (unsigned int n = 0; !done; n++) {
        struct dt_store *s = NULL;
        unsigned int left = n;
        uint64_t version;
        enum dt_err err;

        recorded(home);
        dt_db_fault(fail_commit, &left);
        err = dt_store_open(home, PASS, &s);
        dt_db_fault(NULL, NULL);
        dt_store_close(s);
        done = err == DT_OK;
        assert_true(done || err == DT_ERR_IO || err == DT_ERR_FORMAT);
        version = ask(path, "SELECT user_version FROM pragma_user_version");
        assert_true(version == DT_STORE_SCHEMA || (version == 1 && !done));
        if (version == 1)
            failed++;
        if (n % 16 == 0 || version != 1)
            ok(read_all(home));
        assert_true(n < 5000);
    }
    assert_true(failed > 100);
}

static int
set_up(void **state)
{
    (void)state;
    return dt_crypto_init() == DT_OK && test_folder(dir, sizeof dir, "store") ? 0 : -1;
}

static int
tear_down(void **state)
{
    char command[96];

    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(transactions),
        cmocka_unit_test(wrong_passphrase),
        cmocka_unit_test(truncated),
        cmocka_unit_test(flipped),
        cmocka_unit_test(newer_version),
        cmocka_unit_test(tampered_rows),
        cmocka_unit_test(row_put_back),
        cmocka_unit_test(epoch_key_replaced),
        cmocka_unit_test(upgraded),
        cmocka_unit_test(tampered_before_upgrade),
        cmocka_unit_test(failing_disk),
        cmocka_unit_test(failing_upgrade),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
