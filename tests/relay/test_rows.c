/*
 * tests/relay/test_rows.c - rows that one INSERT after the other hands to PostgreSQL go there many
 * at a time: none is lost, put in twice or seen late, an error is still an error, and what an
 * INSERT changed is what it alone changed. Run by on_postgres.py; every claim holds for a file as
 * well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "pg/pg.h"

#include "place.h"

static struct place place;

static enum dt_err
schema(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)from;
    (void)ctx;
    return dt_db_exec(
        db, "CREATE TABLE a(id INTEGER NOT NULL PRIMARY KEY, word TEXT, bytes BLOB) STRICT;"
            "CREATE TABLE b(id INTEGER NOT NULL PRIMARY KEY, of INTEGER NOT NULL) STRICT");
}

static struct dt_db *
opened(void)
{
    struct dt_db_config config = {
        .path = place.path, .app_id = 0x64747201u, .version = 1, .create = true, .migrate = schema};
    struct dt_db *db = NULL;

    OK(dt_pg_is_url(place.path) ? dt_pg_open(&config, &db) : dt_db_open(&config, &db));
    return db;
}

/* The ${i}-th row: every third has no word, every fifth no bytes. */
static enum dt_err
put_a(struct dt_db *db, uint64_t i, const char *conflict)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    char sql[120], word[32];
    uint8_t bytes[300];

    (void)snprintf(sql, sizeof(sql), "INSERT INTO a(id, word, bytes) VALUES (?1, ?2, ?3)%s",
                   conflict);
    (void)snprintf(word, sizeof(word), "word %llu", (unsigned long long)i);
    memset(bytes, (int)(i % 251), sizeof(bytes));
    OK(dt_db_prepare(db, sql, &st));
    dt_bind_u64(st, 1, i);
    if (i % 3 == 0)
        dt_bind_null(st, 2);
    else
        dt_bind_text(st, 2, dt_view_str(word));
    if (i % 5 == 0)
        dt_bind_null(st, 3);
    else
        dt_bind_blob(st, 3, dt_view(bytes, i % sizeof(bytes)));
    return dt_stmt_run(st);
}

static enum dt_err
put_b(struct dt_db *db, uint64_t i)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;

    OK(dt_db_prepare(db, "INSERT INTO b(id, of) VALUES (?2, ?1)", &st));
    dt_bind_u64(st, 1, 2 * i);
    dt_bind_u64(st, 2, i);
    return dt_stmt_run(st);
}

static uint64_t
number(struct dt_db *db, const char *sql)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t n = 0;

    OK(dt_db_prepare(db, sql, &st));
    OK(dt_stmt_row(st));
    OK(dt_col_u64(st, 0, UINT64_MAX >> 1, &n));
    return n;
}

static void
look(struct dt_db *db, uint64_t n)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    bool row = true;

    assert_int_equal(number(db, "SELECT count(*) FROM b WHERE of = 2 * id"), n);
    OK(dt_db_prepare(db, "SELECT id, word, bytes FROM a ORDER BY id", &st));
    for (uint64_t i = 0; i <= n; i++) {
        struct dt_view word = {0}, bytes = {0};
        char want[32];
        uint64_t id = 0;

        OK(dt_stmt_step(st, &row));
        assert_int_equal(row, i < n);
        if (!row)
            return;
        OK(dt_col_u64(st, 0, n, &id));
        assert_int_equal(id, i);
        (void)snprintf(want, sizeof(want), "word %llu", (unsigned long long)i);
        assert_int_equal(dt_col_is_null(st, 1), i % 3 == 0);
        if (i % 3 != 0) {
            OK(dt_col_text(st, 1, 64, &word));
            assert_true(dt_view_equal(word, dt_view_str(want)));
        }
        assert_int_equal(dt_col_is_null(st, 2), i % 5 == 0);
        if (i % 5 != 0) {
            OK(dt_col_blob(st, 2, 300, &bytes));
            assert_int_equal(bytes.n, i % 300);
            assert_true(bytes.n == 0 || (bytes.p[0] == i % 251 && bytes.p[bytes.n - 1] == i % 251));
        }
    }
}

static void
of_every_number(void **state)
{
    static const uint64_t sizes[] = {1, 2, 3, 5, 63, 64, 65, 130, 1000};
    struct dt_db *db = opened();

    (void)state;
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};

        OK(dt_tx_begin(db, &tx));
        OK(dt_db_exec(db, "DELETE FROM a; DELETE FROM b"));
        for (uint64_t i = 0; i < sizes[k]; i++) {
            OK(put_a(db, i, ""));
            OK(put_b(db, i));
            if (i == 40) /* what looks in between sees all of it */
                look(db, 41);
        }
        OK(dt_tx_commit(&tx));
        look(db, sizes[k]);
    }
    dt_db_close(db);
}

static void
errors_are_errors(void **state)
{
    struct dt_db *db = opened();
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    enum dt_err err = DT_OK;

    (void)state;
    OK(dt_db_exec(db, "DELETE FROM a; DELETE FROM b"));
    OK(dt_tx_begin(db, &tx));
    for (uint64_t i = 0; err == DT_OK && i < 20; i++)
        err = put_a(db, i == 17 ? 3 : i, "");
    if (err == DT_OK)
        err = dt_tx_commit(&tx);
    assert_int_equal(err, DT_ERR_EXISTS);
    dt_tx_end(&tx);
    assert_int_equal(number(db, "SELECT count(*) FROM a"), 0);

    /* Given up: nothing of it comes later. */
    OK(dt_tx_begin(db, &tx));
    OK(put_a(db, 1, ""));
    OK(put_b(db, 1));
    dt_tx_end(&tx);
    OK(dt_tx_begin(db, &tx));
    OK(put_b(db, 7));
    OK(dt_tx_commit(&tx));
    assert_int_equal(number(db, "SELECT count(*) FROM a"), 0);
    assert_int_equal(number(db, "SELECT count(*) FROM b"), 1);
    dt_db_close(db);
}

static void
what_one_changed(void **state)
{
    static const char skip[] = " ON CONFLICT DO NOTHING";
    struct dt_db *db = opened();
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};

    (void)state;
    OK(dt_db_exec(db, "DELETE FROM a; DELETE FROM b"));
    OK(dt_tx_begin(db, &tx));
    for (uint64_t i = 0; i < 10; i++)
        OK(put_a(db, i, skip));
    OK(put_b(db, 1));
    OK(put_a(db, 9, skip));
    assert_int_equal(dt_db_changes(db), 0);
    OK(put_a(db, 10, skip));
    OK(put_a(db, 11, skip));
    assert_int_equal(dt_db_changes(db), 1);
    OK(put_a(db, 11, skip));
    OK(put_a(db, 11, skip));
    OK(dt_tx_commit(&tx));
    assert_int_equal(number(db, "SELECT count(*) FROM a"), 12);
    dt_db_close(db);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_every_number),
                                       cmocka_unit_test(errors_are_errors),
                                       cmocka_unit_test(what_one_changed)};
    int rc;

    place_make(&place);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    fixture_remove_dir(place.dir);
    return rc;
}
