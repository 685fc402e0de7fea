/*
 * tests/agent/test_spans_attacks.c - the digest of a store in parts against whoever has the disk:
 * what was altered is refused when it is used, wherever it stands, and no later write vouches for
 * it.
 */
#include "spans.h"

#include <stdio.h>
#include <unistd.h>

#include "agent/store/walk.h"
#include "base/file.h"

#define STORE_MAX (64u << 20)

/* ---- whoever has the disk ---- */

static enum dt_err
no_migration(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)db;
    (void)from;
    (void)ctx;
    return DT_OK;
}

static struct dt_db *
disk(const char *home)
{
    char path[128];
    struct dt_db_config config = {.path = path,
                                  .app_id = DT_STORE_APP_ID,
                                  .version = DT_STORE_SCHEMA,
                                  .migrate = no_migration};
    struct dt_db *db = NULL;

    db_path(home, path);
    ok(dt_db_open(&config, &db));
    return db;
}

static void
tamper(const char *home, const char *sql)
{
    struct dt_db *db = disk(home);

    ok(dt_db_exec(db, sql));
    dt_db_close(db);
}

static uint64_t
number(const char *home, const char *sql)
{
    struct dt_db *db = disk(home);
    struct dt_stmt *st = NULL;
    uint64_t n = 0;

    ok(dt_db_prepare(db, sql, &st));
    ok(dt_stmt_row(st));
    ok(dt_col_u64(st, 0, UINT32_MAX, &n));
    dt_stmt_done(&st);
    dt_db_close(db);
    return n;
}

/* A store in two states of which the file remembers the first one (old_row, old_span), and rows of
 * another home (other_row, other_span) with the same keys. */
static void
two_states(const char *home, struct model *m)
{
    struct model theirs = {0};
    struct dt_store *s = NULL, *o = NULL;
    struct dt_db *db;
    char other[96], sql[256];

    new_home(other);
    ok(dt_store_create(home, PASS, &s));
    ok(dt_store_create(other, PASS, &o));
    small_spans(s);
    small_spans(o);
    memset(m, 0, sizeof *m);
    for (size_t t = 0; t < TABLES; t++)
        for (size_t k = 0; k < KEYS; k += 4) {
            ok(put(s, m, t, k, k / 4 % PARENTS, k, (uint32_t)k));
            ok(put(o, &theirs, t, k, k / 4 % PARENTS, k, (uint32_t)k));
        }
    dt_store_close(s);
    dt_store_close(o);
    db = disk(home);
    ok(dt_db_exec(db, "CREATE TABLE old_row AS SELECT rowid AS id, * FROM row;"
                      "CREATE TABLE old_span AS SELECT * FROM span"));
    (void)snprintf(sql, sizeof sql,
                   "ATTACH '%s/store.db' AS o;"
                   "CREATE TABLE other_row AS SELECT rowid AS id, * FROM o.row;"
                   "CREATE TABLE other_span AS SELECT * FROM o.span; DETACH o",
                   other);
    ok(dt_db_exec(db, sql));
    dt_db_close(db);
    /* A third gets newer values, a third goes, and others come. */
    s = open_small(home);
    for (size_t t = 0; t < TABLES; t++)
        for (size_t k = 0; k < KEYS; k++) {
            uint8_t key[1];

            if (k % 4 == 0 && k % 12 == 4) {
                ok(dt_store_del(s, tables[t], key_of(k, key)));
                m->rows[t][k].there = false;
            } else if (k % 12 == 0 || k % 4 == 1) {
                ok(put(s, m, t, k, k / 4 % PARENTS, k, 1000 + (uint32_t)k));
            }
        }
    is(ask_all(s, m), 0);
    dt_store_close(s);
}

static void
copy_home(const char *from, const char *to)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(STORE_MAX);
    char path[128], beside[136];

    ok(dt_dir_make(to, 0700));
    db_path(from, path);
    ok(dt_file_read(path, &bytes));
    db_path(to, path);
    ok(dt_file_write(path, dt_buf_view(&bytes), 0600));
    (void)snprintf(beside, sizeof beside, "%s-wal", path);
    (void)unlink(beside);
    (void)snprintf(beside, sizeof beside, "%s-shm", path);
    (void)unlink(beside);
}

/* What is done to the row, or span, with the number @. */
struct attack {
    const char *what;
    const char *sql;
    bool heals; /* writing all rows anew takes it away */
};

static void
fill_in(const char *sql, uint64_t number, char out[static 2048])
{
    size_t n = 0;

    for (; *sql != '\0'; sql++) {
        if (*sql == '@')
            n += (size_t)snprintf(out + n, 2048 - n, "%llu", (unsigned long long)number);
        else
            out[n++] = *sql;
    }
    out[n] = '\0';
}

/* Write all rows that ought to be there, and look: what was altered must not be vouched for. */
static void
write_over(struct dt_store *s, struct model *m, const struct attack *a)
{
    size_t failed = 0;

    for (size_t t = 0; t < TABLES; t++)
        for (size_t k = 0; k < KEYS; k += 2) {
            const struct wanted w = m->rows[t][k];

            if (!w.there)
                continue;
            if (refuses(put(s, m, t, k, w.parent, w.seq, w.value)))
                failed++;
        }
    if (a->heals)
        return;
    if (failed + ask_all(s, m) == 0)
        fail_msg("%s: vouched for by a later write", a->what);
    assert_true(refuses(dt_spans_check_all(s)));
}

static void
one_attack(const char *good, const char *bad, const struct attack *a, uint64_t number,
           const struct model *m, bool after_use)
{
    struct model copy = *m;
    struct dt_store *s = NULL;
    struct dt_tx view = {0};
    char sql[2048];
    enum dt_err err = DT_OK;

    fill_in(a->sql, number, sql);
    copy_home(good, bad);
    if (after_use) {
        s = open_small(bad);
        is(ask_all(s, m), 0);
        tamper(bad, sql);
    } else {
        tamper(bad, sql);
        err = dt_store_open(bad, PASS, &s);
        assert_true(err == DT_OK || refuses(err));
        if (err != DT_OK)
            return;
        small_spans(s);
    }
    if (ask_all(s, m) == 0)
        fail_msg("%s, of %llu, %s use: not noticed", a->what, (unsigned long long)number,
                 after_use ? "after" : "before");
    assert_true(refuses(dt_spans_check_all(s)));
    assert_true(refuses(dt_store_check(s)));
    assert_true(refuses(dt_store_verify(s)));
    assert_true(refuses(dt_store_view_begin(s, &view)));
    dt_tx_end(&view);
    write_over(s, &copy, a);
    dt_store_close(s);
}

/* Each attack on each row, before the store is used and after. */
static void
attacks_on_rows(void **state)
{
    static const struct attack attacks[] = {
        {"removed", "DELETE FROM row WHERE rowid = @", false},
        {"another version", "UPDATE row SET version = version - 1 WHERE rowid = @", false},
        {"another place in the list", "UPDATE row SET seq = seq + 1000 WHERE rowid = @", false},
        {"another list", "UPDATE row SET parent = zeroblob(32) WHERE rowid = @", false},
        {"another table", "UPDATE row SET tab = 'c' WHERE rowid = @", false},
        {"a text for a name", "UPDATE row SET name = CAST(hex(name) AS TEXT) WHERE rowid = @",
         false},
        {"another row's value",
         "UPDATE row SET value = (SELECT value FROM row WHERE rowid != @ ORDER BY rowid LIMIT 1),"
         " version = (SELECT version FROM row WHERE rowid != @ ORDER BY rowid LIMIT 1)"
         " WHERE rowid = @",
         false},
        {"of another home",
         "INSERT INTO row SELECT tab, name, parent, seq, version, value FROM other_row LIMIT 1"
         " OFFSET @ % (SELECT count(*) FROM other_row)",
         false},
    };
    struct model m;
    char good[96], bad[96];
    uint64_t last;

    (void)state;
    new_home(good);
    new_home(bad);
    two_states(good, &m);
    last = number(good, "SELECT max(rowid) FROM row");
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        size_t n = 0;

        for (uint64_t row = 1; row <= last; row++) {
            char sql[128];

            (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM row WHERE rowid = %llu",
                           (unsigned long long)row);
            if (number(good, sql) == 0)
                continue;
            one_attack(good, bad, &attacks[i], row, &m, n++ % 2 == 0);
            if (n % 5 == 0)
                one_attack(good, bad, &attacks[i], row, &m, n % 2 == 0);
        }
        assert_true(n > 50);
    }
}

/* Rows and spans as they were before, one and all: everything but the head, which a key seals. */
static void
attacks_by_older_copies(void **state)
{
    static const struct attack rows[] = {
        {"an older copy of a row",
         "DELETE FROM row WHERE (tab, name) = (SELECT tab, name FROM old_row WHERE id = @);"
         "INSERT INTO row SELECT tab, name, parent, seq, version, value FROM old_row"
         " WHERE id = @",
         false},
        {"an older copy of a row and of all spans",
         "DELETE FROM row WHERE (tab, name) = (SELECT tab, name FROM old_row WHERE id = @);"
         "INSERT INTO row SELECT tab, name, parent, seq, version, value FROM old_row WHERE id = @;"
         "DELETE FROM span; INSERT INTO span SELECT * FROM old_span",
         false},
        {"an older copy of a row and of the leaves",
         "DELETE FROM row WHERE (tab, name) = (SELECT tab, name FROM old_row WHERE id = @);"
         "INSERT INTO row SELECT tab, name, parent, seq, version, value FROM old_row WHERE id = @;"
         "DELETE FROM span WHERE level = 1;"
         "INSERT INTO span SELECT * FROM old_span WHERE level = 1",
         false},
        {"older copies of all rows and all spans",
         "DELETE FROM row; INSERT INTO row SELECT tab, name, parent, seq, version, value"
         " FROM old_row; DELETE FROM span; INSERT INTO span SELECT * FROM old_span"
         " WHERE @ > 0",
         false},
        {"all rows and spans of another home",
         "DELETE FROM row; INSERT INTO row SELECT tab, name, parent, seq, version, value"
         " FROM other_row; DELETE FROM span; INSERT INTO span SELECT * FROM other_span"
         " WHERE @ > 0",
         false},
    };
    struct model m;
    char good[96], bad[96];
    uint64_t last;

    (void)state;
    new_home(good);
    new_home(bad);
    two_states(good, &m);
    last = number(good, "SELECT max(id) FROM old_row");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (uint64_t row = 1; row <= last; row++) {
            char sql[256];

            (void)snprintf(sql, sizeof sql,
                           "SELECT count(*) FROM old_row JOIN row USING (tab, name, version)"
                           " WHERE id = %llu",
                           (unsigned long long)row);
            if (number(good, sql) > 0) /* it is as it was */
                continue;
            one_attack(good, bad, &rows[i], row, &m, row % 2 == 0);
        }
}

/* The spans themselves. Where the rows are right an answer may be given, but never a wrong one; the
 * whole is refused. */
static void
attacks_on_spans(void **state)
{
    /* @: the span's place in their order. */
#define THE_SPAN "(SELECT level, lo FROM span ORDER BY level, lo LIMIT 1 OFFSET @)"
#define THE_LEAF                                                                                   \
    "(SELECT level, lo FROM span WHERE level = 1 ORDER BY lo LIMIT 1 OFFSET @ %"                   \
    " (SELECT count(*) FROM span WHERE level = 1))"
#define LIST_KEY "(hex('l' || tab) || '00' || hex(parent) || printf('%016X', seq) || hex(name))"
    static const char *const attacks[] = {
        "DELETE FROM span WHERE (level, lo) = " THE_SPAN,
        "UPDATE span SET blob = zeroblob(length(blob)) WHERE (level, lo) = " THE_SPAN,
        "UPDATE span SET blob = x'' WHERE (level, lo) = " THE_SPAN,
        "UPDATE span SET lo = CAST(lo || x'00' AS BLOB) WHERE (level, lo) = " THE_SPAN,
        "UPDATE span SET blob = (SELECT blob FROM span AS o WHERE o.level = span.level AND o.lo !="
        " span.lo LIMIT 1) WHERE (level, lo) = " THE_SPAN,
        /* Another span in its middle, which it was before, or which it never was. */
        "INSERT INTO span SELECT level, CAST(lo || x'01' AS BLOB), blob FROM span"
        " WHERE (level, lo) = " THE_SPAN,
        /* A leaf of the lists and its rows. */
        "DELETE FROM row WHERE " LIST_KEY " >= (SELECT hex(lo) FROM " THE_LEAF ") AND " LIST_KEY
        " < coalesce((SELECT min(hex(lo)) FROM span WHERE level = 1 AND hex(lo) >"
        " (SELECT hex(lo) FROM " THE_LEAF ")), 'Z');"
        "DELETE FROM span WHERE (level, lo) = " THE_LEAF,
        /* The same, and the ones above with that first key. */
        "DELETE FROM row WHERE " LIST_KEY " >= (SELECT hex(lo) FROM " THE_LEAF ") AND " LIST_KEY
        " < coalesce((SELECT min(hex(lo)) FROM span WHERE level = 1 AND hex(lo) >"
        " (SELECT hex(lo) FROM " THE_LEAF ")), 'Z');"
        "DELETE FROM span WHERE lo = (SELECT lo FROM " THE_LEAF ")",
    };
    struct model m;
    char good[96], bad[96];
    uint64_t n;

    (void)state;
    new_home(good);
    new_home(bad);
    two_states(good, &m);
    n = number(good, "SELECT count(*) FROM span");
    assert_true(n > 40);
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++)
        for (uint64_t at = 0; at < n; at++) {
            struct model copy = m;
            struct dt_store *s = NULL;
            const struct attack a = {attacks[i], attacks[i], false};
            char sql[2048];
            enum dt_err err = DT_OK;

            fill_in(attacks[i], at, sql);
            copy_home(good, bad);
            if (at % 2 == 0) {
                s = open_small(bad);
                is(ask_all(s, &m), 0);
                tamper(bad, sql);
            } else {
                tamper(bad, sql);
                err = dt_store_open(bad, PASS, &s);
                assert_true(err == DT_OK || refuses(err));
                if (err != DT_OK)
                    continue;
                small_spans(s);
            }
            (void)ask_all(s, &m);
            if (!refuses(dt_spans_check_all(s)))
                fail_msg("%s: not noticed", sql);
            (void)ask_all(s, &m); /* nor with the rest of it known */
            write_over(s, &copy, &a);
            dt_store_close(s);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attacks_on_rows),
        cmocka_unit_test(attacks_by_older_copies),
        cmocka_unit_test(attacks_on_spans),
    };

    return cmocka_run_group_tests(tests, spans_set_up, spans_tear_down);
}
