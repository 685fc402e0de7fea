/*
 * tests/db/test_db.c - the database opened one way, and its bad days.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
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
#include <sqlite3.h>

#include "base/file.h"
#include "db/db.h"

#include "../base/folder.h"

#define APP_ID 0x64740001u

static char folder[64];
static char path[96];
static unsigned int n_files; /* a new file for each test */

static enum dt_err
schema(struct dt_db *db, uint32_t from, void *ctx)
{
    uint32_t *seen = ctx;
    enum dt_err err = DT_OK;

    if (seen != NULL)
        *seen = from;
    if (from < 1)
        err =
            dt_db_exec(db, "CREATE TABLE item(id INTEGER PRIMARY KEY, name BLOB UNIQUE NOT NULL,"
                           " n INTEGER CHECK (n < 1000), note TEXT) STRICT;"
                           "CREATE TABLE child(item INTEGER NOT NULL REFERENCES item(id)) STRICT");
    return err;
}

static enum dt_err
schema_two(struct dt_db *db, uint32_t from, void *ctx)
{
    enum dt_err err = schema(db, from, ctx);

    if (err == DT_OK && from < 2)
        err = dt_db_exec(db, "CREATE TABLE two(x INTEGER) STRICT");
    return err;
}

static enum dt_err
schema_fails(struct dt_db *db, uint32_t from, void *ctx)
{
    enum dt_err err = schema_two(db, from, ctx);

    return err == DT_OK ? dt_fail(DT_ERR_STATE, "on purpose") : err;
}

static struct dt_db_config
config(void)
{
    struct dt_db_config c = {.path = path,
                             .app_id = APP_ID,
                             .version = 1,
                             .create = true,
                             .busy_ms = 50,
                             .migrate = schema};
    return c;
}

static struct dt_db *
opened(void)
{
    struct dt_db_config c = config();
    struct dt_db *db = NULL;

    assert_int_equal(dt_db_open(&c, &db), DT_OK);
    return db;
}

static enum dt_err
put(struct dt_db *db, const char *name, uint64_t n)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err = dt_db_prepare(db, "INSERT INTO item(name, n) VALUES (?1, ?2)", &st);

    if (err != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view_str(name));
    dt_bind_u64(st, 2, n);
    return dt_stmt_run(st);
}

static uint64_t
count(struct dt_db *db)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t n = 0;

    assert_int_equal(dt_db_prepare(db, "SELECT count(*) FROM item", &st), DT_OK);
    assert_int_equal(dt_stmt_row(st), DT_OK);
    assert_int_equal(dt_col_u64(st, 0, UINT64_MAX, &n), DT_OK);
    return n;
}

static struct dt_buf
content(void)
{
    struct dt_buf b = DT_BUF_INIT(1u << 24);

    assert_int_equal(dt_file_read(path, &b), DT_OK);
    return b;
}

/* Names in the folder that begin with the present file's. */
static unsigned int
n_beside(void)
{
    DIR *d = opendir(folder);
    const char *name = strrchr(path, '/') + 1;
    unsigned int n = 0;
    struct dirent *e;

    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        n += strncmp(e->d_name, name, strlen(name)) == 0;
    closedir(d);
    return n;
}

static int
new_path(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "%s/d%02u.db", folder, n_files++);
    dt_db_fault(NULL, NULL);
    return 0;
}

static void
creates_and_reopens(void **state)
{
    struct dt_db_config c = config();
    struct dt_db *db = NULL;
    struct stat st;

    (void)state;
    c.create = false;
    assert_int_equal(dt_db_open(&c, &db), DT_ERR_NOT_FOUND);
    assert_null(db);
    assert_non_null(strstr(dt_err_message(), path));
    db = opened();
    assert_string_equal(dt_db_path(db), path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(put(db, "a", 1), DT_OK);
    assert_int_equal(dt_db_changes(db), 1);
    assert_int_equal(dt_db_last_id(db), 1);
    assert_int_equal(dt_db_check(db), DT_OK);
    dt_db_close(db);
    assert_int_equal(n_beside(), 1); /* neither -wal nor -shm nor a temporary file stays */
    assert_int_equal(dt_db_open(&c, &db), DT_OK);
    assert_int_equal(count(db), 1);
    dt_db_close(db);
    dt_db_close(NULL);
}

static void
settings_are_on(void **state)
{
    static const struct {
        const char *sql;
        uint64_t want;
    } list[] = {{"PRAGMA synchronous", 2},  {"PRAGMA secure_delete", 1},
                {"PRAGMA foreign_keys", 1}, {"PRAGMA trusted_schema", 0},
                {"PRAGMA temp_store", 2},   {"PRAGMA busy_timeout", 50},
                {"PRAGMA user_version", 1}, {"PRAGMA application_id", APP_ID}};
    DT_CLEANUP(dt_db_close_p) struct dt_db *db = opened();
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_view mode;

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        DT_CLEANUP(dt_stmt_done) struct dt_stmt *one = NULL;
        uint64_t x = 99;

        assert_int_equal(dt_db_prepare(db, list[i].sql, &one), DT_OK);
        assert_int_equal(dt_stmt_row(one), DT_OK);
        assert_int_equal(dt_col_u64(one, 0, UINT64_MAX, &x), DT_OK);
        assert_true(x == list[i].want);
    }
    assert_int_equal(dt_db_prepare(db, "PRAGMA journal_mode", &st), DT_OK);
    assert_int_equal(dt_stmt_row(st), DT_OK);
    assert_int_equal(dt_col_text(st, 0, 10, &mode), DT_OK);
    assert_true(dt_view_equal(mode, dt_view_str("wal")));
}

/* ${c} is refused with ${want}, the message names the file, and nothing on disk is different. */
static void
refused(const struct dt_db_config *c, enum dt_err want)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf before = content();
    DT_CLEANUP(dt_buf_clear) struct dt_buf after = DT_BUF_INIT(0);
    unsigned int beside = n_beside();
    struct dt_db *db = NULL;

    assert_int_equal(dt_db_open(c, &db), want);
    assert_null(db);
    assert_non_null(strstr(dt_err_message(), path));
    assert_null(strchr(dt_err_message(), '\n'));
    after = content();
    assert_true(dt_view_equal(dt_buf_view(&before), dt_buf_view(&after)));
    assert_int_equal(n_beside(), beside);
}

static void
newer_version_untouched(void **state)
{
    struct dt_db_config c = config();
    struct dt_db *db = NULL;
    uint32_t from = 99;

    (void)state;
    c.version = 2;
    c.migrate = schema_two;
    c.ctx = &from;
    assert_int_equal(dt_db_open(&c, &db), DT_OK);
    assert_int_equal(from, 0);
    dt_db_close(db);
    c = config();
    refused(&c, DT_ERR_UNSUPPORTED);
    assert_non_null(strstr(dt_err_message(), "newer"));
}

static void
migrates_once(void **state)
{
    struct dt_db_config c = config();
    struct dt_db *db = opened();
    uint32_t from = 99;

    (void)state;
    assert_int_equal(put(db, "kept", 1), DT_OK);
    dt_db_close(db);
    c.version = 2;
    c.ctx = &from;
    c.migrate = schema_fails;
    db = NULL;
    assert_int_equal(dt_db_open(&c, &db), DT_ERR_STATE);
    assert_null(db);
    assert_int_equal(from, 1);
    c.migrate = schema_two;
    assert_int_equal(dt_db_open(&c, &db), DT_OK); /* the failed one left nothing behind */
    assert_int_equal(from, 1);
    assert_int_equal(count(db), 1);
    dt_db_close(db);
    from = 99;
    assert_int_equal(dt_db_open(&c, &db), DT_OK);
    assert_int_equal(from, 99);
    dt_db_close(db);
}

static void
failed_creation_leaves_nothing(void **state)
{
    struct dt_db_config c = config();
    struct dt_db *db = NULL;

    (void)state;
    c.migrate = schema_fails;
    assert_int_equal(dt_db_open(&c, &db), DT_ERR_STATE);
    assert_null(db);
    assert_int_equal(n_beside(), 0);
}

static void
not_a_database(void **state)
{
    struct dt_db_config c = config();
    char zeros[4096] = {0};

    (void)state;
    assert_int_equal(dt_file_write(path, dt_view_str(""), 0600), DT_OK);
    refused(&c, DT_ERR_FORMAT);
    assert_int_equal(dt_file_write(path, dt_view_str("hello\n"), 0600), DT_OK);
    refused(&c, DT_ERR_FORMAT);
    assert_int_equal(dt_file_write(path, dt_view((const uint8_t *)zeros, sizeof zeros), 0600),
                     DT_OK);
    refused(&c, DT_ERR_FORMAT);
    c.app_id = APP_ID + 1;
    assert_int_equal(unlink(path), 0);
    dt_db_close(opened());
    refused(&c, DT_ERR_FORMAT); /* another program's */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    {
        struct dt_db *db = NULL;

        assert_int_equal(dt_db_open(&c, &db), DT_ERR_IO);
        assert_non_null(strstr(dt_err_message(), path));
    }
    assert_int_equal(rmdir(path), 0);
}

/* Rows from the ${from}-th to before the ${to}-th. */
static void
fill_from(struct dt_db *db, unsigned int from, unsigned int to)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};

    assert_int_equal(dt_tx_begin(db, &tx), DT_OK);
    for (unsigned int i = from; i < to; i++) {
        char name[200];

        (void)snprintf(name, sizeof name, "%0150u", i);
        assert_int_equal(put(db, name, i % 1000), DT_OK);
    }
    assert_int_equal(dt_tx_commit(&tx), DT_OK);
}

static void
fill(struct dt_db *db, unsigned int n)
{
    fill_from(db, 0, n);
}

static void
truncated(void **state)
{
    struct dt_db_config c = config();
    struct dt_db *db = opened();
    struct stat st;

    (void)state;
    fill(db, 300);
    dt_db_close(db);
    assert_int_equal(stat(path, &st), 0);
    for (off_t size = st.st_size - 1; size >= 0; size -= 1777) {
        assert_int_equal(truncate(path, size), 0);
        refused(&c, DT_ERR_FORMAT);
    }
}

/* Without the syncs of dt_file_write(): there are hundreds. */
static void
overwrite(struct dt_view v)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, v.p, v.n), v.n);
    assert_int_equal(close(fd), 0);
}

/*
 * One bit flipped at a time, in each byte of the header and every 97th after it: refused, or it
 * opens and answers. Never a crash; a refusal changes nothing; and the header and the tables'
 * structure are among what is refused.
 */
static void
bits_flipped(void **state)
{
    struct dt_db_config c = config();
    struct dt_db *db = opened();
    DT_CLEANUP(dt_buf_clear) struct dt_buf good = DT_BUF_INIT(0);
    unsigned int n_refused = 0;
    unsigned int n_opened = 0;

    (void)state;
    fill(db, 60);
    dt_db_close(db);
    good = content();
    for (size_t i = 0; i < good.n; i += i < 100 ? 1 : 97) {
        enum dt_err err;

        good.p[i] ^= 0x10;
        overwrite(dt_buf_view(&good));
        good.p[i] ^= 0x10;
        db = NULL;
        err = dt_db_open(&c, &db);
        if (err == DT_OK) {
            DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;

            n_opened++;
            assert_int_equal(dt_db_prepare(db, "SELECT name FROM item", &st), DT_OK);
            for (bool row = true; row && err == DT_OK;)
                err = dt_stmt_step(st, &row);
            assert_true(err == DT_OK || err == DT_ERR_FORMAT);
        } else {
            DT_CLEANUP(dt_buf_clear) struct dt_buf now = content();

            n_refused++;
            if (err != DT_ERR_FORMAT && err != DT_ERR_UNSUPPORTED)
                fail_msg("byte %zu: %s: %s", i, dt_err_name(err), dt_err_message());
            assert_non_null(strstr(dt_err_message(), path));
            good.p[i] ^= 0x10;
            assert_true(dt_view_equal(dt_buf_view(&now), dt_buf_view(&good)));
            good.p[i] ^= 0x10;
        }
        dt_db_close(db);
    }
    assert_true(n_refused > 20);
    assert_true(n_opened > 20);
}

/* A child commits, and is killed with its -wal in place: what was committed is there, and no more.
 */
static void
wal_of_a_killed_process(void **state)
{
    struct dt_db_config newer = config();
    char wal[128];
    struct stat st;
    struct dt_db *db;
    pid_t pid;
    int status;

    (void)state;
    dt_db_close(opened());
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct dt_tx tx = {0};

        db = opened();
        if (put(db, "committed", 1) == DT_OK && dt_tx_begin(db, &tx) == DT_OK &&
            put(db, "not committed", 2) == DT_OK)
            (void)kill(getpid(), SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size > 0);
    /* Refusing another kind with a -wal in place leaves file and -wal alone. */
    newer.app_id++;
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf before = DT_BUF_INIT(1u << 24);
        DT_CLEANUP(dt_buf_clear) struct dt_buf after = DT_BUF_INIT(1u << 24);

        assert_int_equal(dt_file_read(wal, &before), DT_OK);
        refused(&newer, DT_ERR_FORMAT);
        assert_int_equal(dt_file_read(wal, &after), DT_OK);
        assert_true(dt_view_equal(dt_buf_view(&before), dt_buf_view(&after)));
    }
    db = opened();
    assert_int_equal(count(db), 1);
    dt_db_close(db);
}

/*
 * A process with two connections, beside which another opens and closes the file: the -wal must
 * stay the one that the first works in, although the system drops a process's file locks on any
 * close(2).
 */
static void
two_connections_and_a_visitor(void **state)
{
    int ready[2], go[2], status = 0;
    struct dt_db *db;
    char c = 'x';
    pid_t pid;

    (void)state;
    dt_db_close(opened());
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct dt_db *first = opened(), *second = opened();

        if (second != NULL && put(first, "before", 1) == DT_OK && write(ready[1], &c, 1) == 1 &&
            read(go[0], &c, 1) == 1 && put(first, "after", 2) == DT_OK)
            (void)kill(getpid(), SIGKILL);
        _exit(1);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    dt_db_close(opened()); /* the visitor */
    assert_int_equal(write(go[1], &c, 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    db = opened();
    assert_int_equal(count(db), 2);
    dt_db_close(db);
    for (int i = 0; i < 2; i++) {
        (void)close(ready[i]);
        (void)close(go[i]);
    }
}

static void
transactions(void **state)
{
    DT_CLEANUP(dt_db_close_p) struct dt_db *db = opened();
    struct dt_tx tx = {0};
    struct dt_tx second = {0};

    (void)state;
    assert_false(dt_db_in_tx(db));
    assert_int_equal(dt_tx_begin(db, &tx), DT_OK);
    assert_true(dt_db_in_tx(db));
    assert_int_equal(dt_tx_begin(db, &second), DT_ERR_STATE);
    assert_int_equal(put(db, "a", 1), DT_OK);
    dt_tx_end(&tx);
    assert_false(dt_db_in_tx(db));
    assert_int_equal(count(db), 0);
    assert_int_equal(dt_tx_commit(&tx), DT_ERR_STATE);
    assert_int_equal(dt_tx_begin(db, &tx), DT_OK);
    assert_int_equal(put(db, "a", 1), DT_OK);
    assert_int_equal(dt_tx_commit(&tx), DT_OK);
    dt_tx_end(&tx);
    dt_tx_end(NULL);
    assert_int_equal(count(db), 1);
}

static void
two_connections(void **state)
{
    DT_CLEANUP(dt_db_close_p) struct dt_db *a = opened();
    DT_CLEANUP(dt_db_close_p) struct dt_db *b = opened();
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    DT_CLEANUP(dt_tx_end) struct dt_tx other = {0};
    DT_CLEANUP(dt_tx_end) struct dt_tx reading = {0};

    (void)state;
    assert_int_equal(dt_tx_begin(a, &tx), DT_OK);
    assert_int_equal(put(a, "a", 1), DT_OK);
    assert_int_equal(dt_tx_begin(b, &other), DT_ERR_BUSY);
    assert_int_equal(dt_tx_begin_read(b, &reading), DT_OK);
    assert_int_equal(count(b), 0);
    assert_int_equal(dt_tx_commit(&tx), DT_OK);
    assert_int_equal(count(b), 0); /* still the old snapshot */
    dt_tx_end(&reading);
    assert_int_equal(count(b), 1);
    assert_int_equal(dt_db_checkpoint(a), DT_OK);
}

static void
constraints(void **state)
{
    DT_CLEANUP(dt_db_close_p) struct dt_db *db = opened();

    (void)state;
    assert_int_equal(put(db, "a", 1), DT_OK);
    assert_int_equal(put(db, "a", 1), DT_ERR_EXISTS);
    assert_int_equal(put(db, "b", 1000), DT_ERR_CONFLICT);
    assert_int_equal(put(db, "c", UINT64_MAX), DT_ERR_RANGE);
    assert_int_equal(dt_db_exec(db, "INSERT INTO child VALUES (77)"), DT_ERR_CONFLICT);
    assert_int_equal(dt_db_exec(db, "no sql"), DT_ERR_INTERNAL);
    assert_int_equal(count(db), 1);
}

static void
columns_are_checked(void **state)
{
    DT_CLEANUP(dt_db_close_p) struct dt_db *db = opened();
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf buf = DT_BUF_INIT(4);
    DT_CLEANUP(dt_buf_clear) struct dt_buf small = DT_BUF_INIT(2);
    struct dt_view v = {NULL, 77};
    uint8_t fixed[3];
    uint64_t x = 5;
    bool row = false;

    (void)state;
    assert_int_equal(dt_db_prepare(db, "SELECT ?1, ?2, ?3, NULL, -1, x''", &st), DT_OK);
    dt_bind_blob(st, 1, dt_view_str("abc"));
    dt_bind_text(st, 2, dt_view_str("text"));
    dt_bind_u64(st, 3, 500);
    assert_int_equal(dt_stmt_row(st), DT_OK);
    assert_int_equal(dt_col_blob(st, 0, 2, &v), DT_ERR_LIMIT);
    assert_int_equal(dt_col_blob(st, 1, 100, &v), DT_ERR_FORMAT);
    assert_int_equal(dt_col_text(st, 0, 100, &v), DT_ERR_FORMAT);
    assert_int_equal(dt_col_blob(st, 3, 100, &v), DT_ERR_FORMAT);
    assert_int_equal(v.n, 77);
    assert_int_equal(dt_col_blob(st, 0, 3, &v), DT_OK);
    assert_true(dt_view_equal(v, dt_view_str("abc")));
    assert_int_equal(dt_col_text(st, 1, 4, &v), DT_OK);
    assert_true(dt_view_equal(v, dt_view_str("text")));
    assert_int_equal(dt_col_blob(st, 5, 3, &v), DT_OK);
    assert_int_equal(v.n, 0);
    assert_int_equal(dt_buf_append(&buf, dt_view_str("zzzz")), DT_OK);
    assert_int_equal(dt_col_buf(st, 0, &buf), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&buf), dt_view_str("abc")));
    assert_int_equal(dt_col_buf(st, 0, &small), DT_ERR_LIMIT);
    assert_int_equal(dt_col_fixed(st, 0, fixed, 2), DT_ERR_LIMIT);
    assert_int_equal(dt_col_fixed(st, 5, fixed, 3), DT_ERR_FORMAT);
    assert_int_equal(dt_col_fixed(st, 0, fixed, 3), DT_OK);
    assert_int_equal(dt_col_u64(st, 2, 499, &x), DT_ERR_LIMIT);
    assert_int_equal(dt_col_u64(st, 4, 499, &x), DT_ERR_FORMAT);
    assert_int_equal(dt_col_u64(st, 0, 499, &x), DT_ERR_FORMAT);
    assert_true(x == 5);
    assert_int_equal(dt_col_u64(st, 2, 500, &x), DT_OK);
    assert_true(x == 500);
    assert_true(dt_col_is_null(st, 3));
    assert_false(dt_col_is_null(st, 5));
    assert_int_equal(dt_stmt_step(st, &row), DT_OK);
    assert_false(row);
    dt_stmt_reset(st);
    dt_bind_null(st, 1);
    dt_bind_blob(st, 2, dt_view(NULL, 0));
    assert_int_equal(dt_stmt_row(st), DT_OK);
    assert_true(dt_col_is_null(st, 0));
    assert_false(dt_col_is_null(st, 1)); /* empty is not NULL */
    dt_stmt_reset(st);
    dt_bind_u64(st, 99, 1); /* no such parameter: sticks until reset */
    assert_int_equal(dt_stmt_step(st, &row), DT_ERR_INTERNAL);
    assert_int_equal(dt_stmt_run(st), DT_ERR_INTERNAL);
}

static void
statements_are_reused(void **state)
{
    DT_CLEANUP(dt_db_close_p) struct dt_db *db = opened();
    struct dt_stmt *a = NULL;
    struct dt_stmt *b = NULL;
    struct dt_stmt *was;

    (void)state;
    assert_int_equal(dt_db_prepare(db, "SELECT 1", &a), DT_OK);
    assert_int_equal(dt_db_prepare(db, "SELECT 1", &b), DT_OK);
    assert_ptr_not_equal(a, b);
    was = a;
    dt_stmt_done(&a);
    assert_null(a);
    assert_int_equal(dt_db_prepare(db, "SELECT 1", &a), DT_OK);
    assert_ptr_equal(a, was);
    assert_int_equal(dt_stmt_run(a), DT_ERR_INTERNAL); /* a row where none belongs */
    dt_stmt_done(&a);
    dt_stmt_done(&a);
    dt_stmt_done(NULL);
    assert_int_equal(dt_db_prepare(db, "SELECT 1; SELECT 2", &a), DT_ERR_INTERNAL);
    assert_int_equal(dt_db_prepare(db, "", &a), DT_ERR_INTERNAL);
    assert_int_equal(dt_db_prepare(db, "SELECT nothing FROM nowhere", &a), DT_ERR_INTERNAL);
    assert_null(a);
    dt_stmt_done(&b);
}

struct countdown {
    int left;
    int n_commits;
};

static bool
fail_at(void *ctx, enum dt_db_point at)
{
    struct countdown *c = ctx;

    c->n_commits += at == DT_DB_COMMIT;
    return c->left-- == 0;
}

static enum dt_err
two_rows(struct dt_db *db)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    enum dt_err err = dt_tx_begin(db, &tx);

    if (err == DT_OK)
        err = put(db, "x", 1);
    if (err == DT_OK)
        err = put(db, "y", 2);
    if (err == DT_OK)
        err = dt_tx_commit(&tx);
    return err;
}

/* Fail the first step, then the second, ...: nothing of it is there until all of it is. */
static void
every_step_fails_once(void **state)
{
    DT_CLEANUP(dt_db_close_p) struct dt_db *db = opened();
    int n_failed = 0;

    (void)state;
    for (int at = 0;; at++) {
        struct countdown c = {at, 0};
        enum dt_err err;

        dt_db_fault(fail_at, &c);
        err = two_rows(db);
        dt_db_fault(NULL, NULL);
        assert_false(dt_db_in_tx(db));
        if (err == DT_OK) {
            assert_int_equal(c.n_commits, 1);
            break;
        }
        assert_int_equal(err, DT_ERR_IO);
        assert_int_equal(count(db), 0);
        n_failed++;
    }
    assert_int_equal(n_failed, 4); /* begin, two steps, commit */
    assert_int_equal(count(db), 2);
}

static void
copies(void **state)
{
    struct dt_db *db = opened();
    char to[80];
    struct stat st;

    (void)state;
    fill(db, 50);
    (void)snprintf(to, sizeof to, "%s/copy%u.db", folder, n_files);
    assert_int_equal(dt_db_copy(db, to), DT_OK);
    assert_int_equal(dt_db_copy(db, to), DT_ERR_EXISTS);
    dt_db_close(db);
    assert_int_equal(stat(to, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(rename(to, path), 0);
    db = opened();
    assert_int_equal(count(db), 50);
    dt_db_close(db);
}

/* A secret that was deleted and checkpointed is nowhere in the folder. */
static void
deleted_is_gone(void **state)
{
    DT_CLEANUP(dt_db_close_p) struct dt_db *db = opened();
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(0);
    static const char mark[] = "a-mark-that-stands-for-a-key";

    (void)state;
    assert_int_equal(put(db, mark, 1), DT_OK);
    assert_int_equal(dt_db_checkpoint(db), DT_OK);
    file = content();
    assert_non_null(memmem(file.p, file.n, mark, sizeof mark - 1));
    assert_int_equal(dt_db_exec(db, "DELETE FROM item"), DT_OK);
    assert_int_equal(dt_db_checkpoint(db), DT_OK);
    dt_buf_clear(&file);
    file = content();
    assert_null(memmem(file.p, file.n, mark, sizeof mark - 1));
}

/* The -wal moved by a connection of its own while another goes on committing. */
static void
moved_by_another(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf before = DT_BUF_INIT(0);
    DT_CLEANUP(dt_buf_clear) struct dt_buf after = DT_BUF_INIT(0);
    DT_CLEANUP(dt_db_close_p) struct dt_db *a = opened();
    DT_CLEANUP(dt_db_close_p) struct dt_db *b = opened();
    DT_CLEANUP(dt_db_close_p) struct dt_db *c = opened();
    DT_CLEANUP(dt_tx_end) struct dt_tx reading = {0};
    uint64_t pages, moved = 77;

    (void)state;
    dt_db_move_by_hand(a);
    assert_int_equal(dt_db_wal_pages(a), 0);
    before = content();
    for (unsigned int i = 0; i < 18000; i += 6000) /* more pages than SQLite would leave there */
        fill_from(a, i, i + 6000);
    pages = dt_db_wal_pages(a);
    assert_true(pages > 1000);
    after = content();
    assert_true(dt_view_equal(dt_buf_view(&before), dt_buf_view(&after)));

    assert_int_equal(dt_tx_begin_read(c, &reading), DT_OK);
    assert_int_equal(count(c), 18000);
    fill_from(a, 18000, 20000);
    assert_int_equal(dt_db_move(b, &moved), DT_OK);
    assert_int_equal(moved, pages); /* not what the reader must not see */
    assert_int_equal(count(c), 18000);
    dt_tx_end(&reading);
    fill_from(a, 20000, 20001);
    assert_true(dt_db_wal_pages(a) > pages);
    assert_int_equal(dt_db_move(a, &moved), DT_OK);
    assert_int_equal(moved, dt_db_wal_pages(a));
    assert_false(dt_db_unsynced(a) || dt_db_unsynced(b));
    fill_from(a, 20001, 20002);
    assert_true(dt_db_wal_pages(a) < 20); /* it began anew */
    assert_int_equal(count(c), 20002);
    assert_int_equal(dt_db_check(c), DT_OK);
}

static void
wal_is_left(void **state)
{
    struct dt_db *db = opened();
    char wal[128];

    (void)state;
    (void)snprintf(wal, sizeof(wal), "%s-wal", path);
    assert_int_equal(put(db, "a", 1), DT_OK);
    dt_db_leave_wal(db);
    dt_db_close(db);
    assert_int_equal(access(wal, F_OK), 0);
    db = opened();
    assert_int_equal(count(db), 1);
    dt_db_close(db);
    assert_int_equal(access(wal, F_OK), -1);
}

static int
set_up(void **state)
{
    (void)state;
    return test_folder(folder, sizeof folder, "db") ? 0 : -1;
}

static int
tear_down(void **state)
{
    char cmd[96];

    (void)state;
    (void)snprintf(cmd, sizeof cmd, "rm -rf '%s'", folder);
    return system(cmd);
}

/* ---- memory that runs out inside SQLite ---- */

static sqlite3_mem_methods real_memory;
static unsigned int mallocs, fail_malloc; /* 0: none fails */

static void *
counted_malloc(int n)
{
    return ++mallocs == fail_malloc ? NULL : real_memory.xMalloc(n);
}

static void *
counted_realloc(void *p, int n)
{
    return ++mallocs == fail_malloc ? NULL : real_memory.xRealloc(p, n);
}

/* Before anything else of SQLite. */
static bool
count_mallocs(void)
{
    sqlite3_mem_methods m;

    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory) != SQLITE_OK)
        return false;
    m = real_memory;
    m.xMalloc = counted_malloc;
    m.xRealloc = counted_realloc;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &m) == SQLITE_OK;
}

/* The n-th allocation fails while the file is checked: that is no damage to it. */
static void
a_check_without_memory(void **state)
{
    struct dt_db *db = opened();
    unsigned int short_of = 0, used = 1;

    (void)state;
    /* More pages than SQLite has room for from the start. */
    assert_int_equal(dt_db_exec(db, "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
                                    " WHERE i < 400) INSERT INTO item(name, n, note)"
                                    " SELECT randomblob(1200), i, hex(randomblob(1000)) FROM c"),
                     DT_OK);
    dt_db_close(db);
    for (unsigned int n = 1; n <= used; n += n < 70 ? 1 : 29) {
        enum dt_err err;

        db = opened();
        mallocs = 0;
        fail_malloc = n;
        err = dt_db_check(db);
        fail_malloc = 0;
        used = n == 1 ? mallocs + 100 : used;
        if (err != DT_OK && err != DT_ERR_NOMEM)
            fail_msg("allocation %u: %s: %s", n, dt_err_name(err), dt_err_message());
        short_of += err == DT_ERR_NOMEM ? 1 : 0;
        assert_int_equal(dt_db_check(db), DT_OK);
        used = mallocs > used ? mallocs : used;
        dt_db_close(db);
    }
    assert_true(short_of > 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(creates_and_reopens, new_path),
        cmocka_unit_test_setup(settings_are_on, new_path),
        cmocka_unit_test_setup(newer_version_untouched, new_path),
        cmocka_unit_test_setup(migrates_once, new_path),
        cmocka_unit_test_setup(failed_creation_leaves_nothing, new_path),
        cmocka_unit_test_setup(not_a_database, new_path),
        cmocka_unit_test_setup(truncated, new_path),
        cmocka_unit_test_setup(bits_flipped, new_path),
        cmocka_unit_test_setup(wal_of_a_killed_process, new_path),
        cmocka_unit_test_setup(two_connections_and_a_visitor, new_path),
        cmocka_unit_test_setup(transactions, new_path),
        cmocka_unit_test_setup(two_connections, new_path),
        cmocka_unit_test_setup(constraints, new_path),
        cmocka_unit_test_setup(columns_are_checked, new_path),
        cmocka_unit_test_setup(statements_are_reused, new_path),
        cmocka_unit_test_setup(every_step_fails_once, new_path),
        cmocka_unit_test_setup(a_check_without_memory, new_path),
        cmocka_unit_test_setup(copies, new_path),
        cmocka_unit_test_setup(deleted_is_gone, new_path),
        cmocka_unit_test_setup(moved_by_another, new_path),
        cmocka_unit_test_setup(wal_is_left, new_path),
    };

    if (!count_mallocs())
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
