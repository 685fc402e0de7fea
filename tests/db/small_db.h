/*
 * tests/db/small_db.h - a database of one schema in a file, and a number out of it, for tests that
 * watch what SQLite does underneath.
 */
#ifndef DT_TESTS_SMALL_DB_H
#define DT_TESTS_SMALL_DB_H

#include "db/db.h"

/* ctx: the SQL of the tables. */
static inline enum dt_err
small_db_schema(struct dt_db *db, uint32_t from, void *ctx)
{
    const char *const *sql = ctx;

    (void)from;
    return dt_db_exec(db, *sql);
}

/* Open ${path}, made with the tables of ${sql} when it is not there. */
static inline struct dt_db *
small_db_open(const char *path, const char *sql)
{
    struct dt_db_config c = {.path = path,
                             .app_id = 0x64740003u,
                             .version = 1,
                             .create = true,
                             .busy_ms = 50,
                             .migrate = small_db_schema,
                             .ctx = &sql};
    struct dt_db *db = NULL;

    assert_int_equal(dt_db_open(&c, &db), DT_OK);
    return db;
}

static inline uint64_t
small_db_number(struct dt_db *db, const char *sql)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint64_t n = 0;

    assert_int_equal(dt_db_prepare(db, sql, &st), DT_OK);
    assert_int_equal(dt_stmt_row(st), DT_OK);
    assert_int_equal(dt_col_u64(st, 0, UINT64_MAX, &n), DT_OK);
    return n;
}

#endif
