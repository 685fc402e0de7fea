/*
 * tests/db/test_pages.c - SQLite's cache of pages is searched for what is to go when there may be
 * something, and only then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "db/db.h"

#include "../base/folder.h"
#include "small_db.h"

static char folder[64];
static char path[96];

/* ---- SQLite's own cache, watched ---- */

static sqlite3_pcache_methods2 real;
static unsigned int searches, last_limit, highest;

static void
watched_truncate(sqlite3_pcache *cache, unsigned int limit)
{
    searches++;
    last_limit = limit;
    real.xTruncate(cache, limit);
}

static void
watched_rekey(sqlite3_pcache *cache, sqlite3_pcache_page *page, unsigned int from, unsigned int to)
{
    if (to > highest)
        highest = to;
    real.xRekey(cache, page, from, to);
}

/* Before db opens anything, and so takes what it finds. */
static void
watch(void)
{
    static sqlite3_pcache_methods2 watched;

    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &real), SQLITE_OK);
    watched = real;
    watched.xTruncate = watched_truncate;
    watched.xRekey = watched_rekey;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_PCACHE2, &watched), SQLITE_OK);
}

static struct dt_db *
opened(void)
{
    return small_db_open(path, "CREATE TABLE item(id INTEGER PRIMARY KEY, content BLOB NOT NULL);"
                               "CREATE TABLE mark(id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID");
}

/* A row of each of two tables in a transaction of its own: in the middle of one, where pages are
 * put in order, and anywhere in the other. */
static void
put(struct dt_db *db, uint64_t id)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;

    assert_int_equal(dt_tx_begin(db, &tx), DT_OK);
    assert_int_equal(
        dt_db_prepare(db, "INSERT INTO item(id, content) VALUES (?1, randomblob(500))", &st),
        DT_OK);
    dt_bind_u64(st, 1, id);
    assert_int_equal(dt_stmt_run(st), DT_OK);
    assert_int_equal(dt_db_exec(db, "INSERT INTO mark VALUES (randomblob(16))"), DT_OK);
    assert_int_equal(dt_tx_commit(&tx), DT_OK);
}

/* ---- tests ---- */

/* Pages get numbers behind the end of the file for a moment, and nothing is searched for that. */
static void
not_searched_after_each_commit(void **state)
{
    struct dt_db *db = opened();

    (void)state;
    searches = highest = 0;
    for (uint64_t i = 0; i < 400; i++)
        put(db, (i % 4) << 32 | i);
    assert_true(highest > small_db_number(db, "PRAGMA page_count"));
    assert_true(searches <= 2);
    assert_int_equal(dt_db_check(db), DT_OK);
    dt_db_close(db);
}

/* What lies behind an end that came nearer is dropped, and what takes its place is whole. */
static void
searched_when_the_file_shrinks(void **state)
{
    struct dt_db *db = opened(), *other = opened();
    uint64_t large, small;

    (void)state;
    for (uint64_t i = 0; i < 300; i++)
        put(db, (i % 4) << 32 | i);
    large = small_db_number(db, "PRAGMA page_count");
    assert_int_equal(dt_db_exec(db, "DELETE FROM item WHERE id % 3 > 0"), DT_OK);
    searches = 0;
    assert_int_equal(dt_db_exec(db, "VACUUM"), DT_OK);
    small = small_db_number(db, "PRAGMA page_count");
    assert_true(small < large);
    assert_true(searches > 0 && last_limit <= small + 1);
    searches = 0;
    for (uint64_t i = 1000; i < 1300; i++)
        put(db, (i % 4) << 32 | i);
    assert_true(searches <= 2);
    assert_int_equal(small_db_number(db, "SELECT count(*) FROM item WHERE length(content) = 500"),
                     400);
    assert_int_equal(
        small_db_number(other, "SELECT count(*) FROM item WHERE length(content) = 500"), 400);
    assert_int_equal(dt_db_check(db), DT_OK);
    assert_int_equal(dt_db_check(other), DT_OK);
    dt_db_close(other);
    dt_db_close(db);
}

/* What was rolled back is not met again. */
static void
rolled_back(void **state)
{
    struct dt_db *db = opened(), *other = opened();

    (void)state;
    for (uint64_t i = 0; i < 60; i++) {
        DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};

        assert_int_equal(dt_tx_begin(db, &tx), DT_OK);
        assert_int_equal(
            dt_db_exec(db, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n"
                           " WHERE i < 100) INSERT INTO item(content) SELECT randomblob(700)"
                           " FROM n"),
            DT_OK);
        dt_tx_end(&tx);
        put(db, (i % 4) << 32 | i);
    }
    assert_int_equal(small_db_number(db, "SELECT count(*) FROM item WHERE length(content) = 500"),
                     60);
    assert_int_equal(small_db_number(db, "SELECT count(*) FROM item"), 60);
    assert_int_equal(small_db_number(other, "SELECT count(*) FROM item"), 60);
    assert_int_equal(dt_db_check(db), DT_OK);
    dt_db_close(other);
    dt_db_close(db);
}

static int
new_path(void **state)
{
    static unsigned int n_files;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/p%u.db", folder, n_files++);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(not_searched_after_each_commit, new_path),
        cmocka_unit_test_setup(searched_when_the_file_shrinks, new_path),
        cmocka_unit_test_setup(rolled_back, new_path),
    };
    char command[96];
    int failed;

    if (!test_folder(folder, sizeof folder, "pages"))
        return 1;
    watch();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0)
        return 1;
    return failed;
}
