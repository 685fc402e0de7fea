/*
 * db/sqlite.c - the engine that is there always: SQLite. See db.h, engine.h. Opening is in open.c.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/mem.h"

#include "db/db_internal.h"
#include "db/gather.h"

enum dt_err
dt_db_error(sqlite3 *handle, const char *path, int rc, const char *what)
{
    const char *why = handle != NULL ? sqlite3_errmsg(handle) : sqlite3_errstr(rc);
    int e = dt_db_errno(handle, rc);

    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return DT_OK;
    case SQLITE_NOMEM:
        return dt_nomem();
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return dt_fail(DT_ERR_BUSY, "%s: in use by another process", path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return dt_fail(DT_ERR_FORMAT, "%s: is damaged, or not a database of this program", path);
    case SQLITE_CONSTRAINT:
        if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
            rc == SQLITE_CONSTRAINT_ROWID)
            return dt_fail(DT_ERR_EXISTS, "%s: exists already (%s)", path, why);
        return dt_fail(DT_ERR_CONFLICT, "%s: against a rule of the schema (%s)", path, why);
    case SQLITE_TOOBIG:
        return dt_fail(DT_ERR_LIMIT, "%s: value too large", path);
    case SQLITE_FULL:
        return dt_fail(DT_ERR_IO, "%s: no space left on the disk", path);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_PROTOCOL:
        if (e == 0)
            return dt_fail(DT_ERR_IO, "%s: %s: %s", path, what, why);
        return dt_fail(DT_ERR_IO, "%s: %s: %s (%s)", path, what, why,
                       strerror(e == EREMOTEIO ? EIO : e)); /* see read_at() in open.c */
    default:
        return dt_fail(DT_ERR_INTERNAL, "%s: %s: %s", path, what, why);
    }
}

/* The engine's own structures; each begins with the one that db.c knows. */
static struct sqlite_db *
own(struct dt_db *db)
{
    return (struct sqlite_db *)db;
}

static sqlite3 *
handle(const struct dt_db *db)
{
    return ((const struct sqlite_db *)db)->handle;
}

static sqlite3_stmt *
stmt(const struct dt_stmt *st)
{
    return ((const struct sqlite_stmt *)st)->st;
}

static enum dt_err
db_fail(struct dt_db *db, int rc, const char *what)
{
    int e = dt_db_errno(handle(db), rc);
    enum dt_err err;

    if ((rc & 0xff) == SQLITE_FULL || ((rc & 0xff) == SQLITE_IOERR && (e == ENOSPC || e == EDQUOT)))
        db->full = true;
    err = dt_db_error(handle(db), db->path, rc, what);
    dt_db_gather_forget(handle(db)); /* SQLite may have rolled back by itself */
    return err;
}

static void
sqlite_close(struct dt_db *base)
{
    struct sqlite_db *db = own(base);

    (void)sqlite3_finalize(db->begin);
    (void)sqlite3_finalize(db->commit);
    (void)sqlite3_finalize(db->rollback);
    dt_db_list_lock();
    (void)sqlite3_close_v2(db->handle); /* rolls back what is open; nothing more can be done here */
    dt_db_list_remove(db);
    dt_db_list_unlock();
    dt_free(db);
}

static enum dt_err
sqlite_exec(struct dt_db *db, const char *sql)
{
    int rc = sqlite3_exec(handle(db), sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? DT_OK : db_fail(db, rc, "statement failed");
}

static uint64_t
sqlite_changes(struct dt_db *db)
{
    return (uint64_t)sqlite3_changes64(handle(db));
}

static uint64_t
sqlite_last_id(struct dt_db *db)
{
    return (uint64_t)sqlite3_last_insert_rowid(handle(db));
}

static enum dt_err
sqlite_checkpoint(struct dt_db *db)
{
    int rc = sqlite3_wal_checkpoint_v2(handle(db), NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

    return rc == SQLITE_OK ? DT_OK : db_fail(db, rc, "checkpoint failed");
}

/* After each commit: how long the -wal is. This takes the place of SQLite's own hook, which would
 * move its pages. */
static int
count_wal(void *ctx, sqlite3 *handle, const char *name, int pages)
{
    struct dt_db *db = ctx;

    (void)handle;
    (void)name;
    db->wal_pages = pages > 0 ? (uint64_t)pages : 0;
    return SQLITE_OK;
}

static void
sqlite_move_by_hand(struct dt_db *db)
{
    (void)sqlite3_wal_hook(handle(db), count_wal, db);
}

static enum dt_err
sqlite_move(struct dt_db *db, uint64_t *out_moved)
{
    int in_wal = 0, moved = 0;
    int rc =
        sqlite3_wal_checkpoint_v2(handle(db), NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &moved);
    sqlite3_file *file = NULL;

    /* SQLite syncs the file only with the last page of the -wal: whoever moves that would wait for
     * all of them. */
    if (rc == SQLITE_OK && moved > 0) {
        rc = sqlite3_file_control(handle(db), NULL, SQLITE_FCNTL_FILE_POINTER, &file);
        if (rc == SQLITE_OK)
            rc = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
        db->unsynced = rc != SQLITE_OK;
    }
    *out_moved = moved > 0 ? (uint64_t)moved : 0;
    return rc == SQLITE_OK ? DT_OK : db_fail(db, rc, "checkpoint failed");
}

static void
sqlite_leave_wal(struct dt_db *db)
{
    (void)sqlite3_db_config(handle(db), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

/* ---- transactions ---- */

static bool
sqlite_in_tx(const struct dt_db *db)
{
    return sqlite3_get_autocommit(handle(db)) == 0;
}

/* Run one of the statements that were prepared when the connection was opened. */
static int
run_ready(sqlite3_stmt *st)
{
    (void)sqlite3_step(st);
    return sqlite3_reset(st); /* the result of the step */
}

/*
 * Roll back by the statement that was prepared for it when the connection was opened: preparing one
 * now could fail for want of memory, and a transaction that stays open would block every later one.
 */
static int
roll_back(struct dt_db *db)
{
    int rc = run_ready(own(db)->rollback);

    dt_db_gather_forget(handle(db));
    return rc;
}

static void
sqlite_rollback(struct dt_db *db)
{
    (void)roll_back(db);
}

static enum dt_err
sqlite_begin(struct dt_db *db, bool write)
{
    int rc = SQLITE_OK;

    if (sqlite_in_tx(db)) /* one whose roll-back failed then */
        rc = roll_back(db);
    if (rc == SQLITE_OK)
        rc =
            write ? run_ready(own(db)->begin) : sqlite3_exec(handle(db), "BEGIN", NULL, NULL, NULL);
    return rc == SQLITE_OK ? DT_OK : db_fail(db, rc, "cannot begin");
}

static enum dt_err
sqlite_commit(struct dt_db *db)
{
    int rc = run_ready(own(db)->commit);

    return rc == SQLITE_OK ? DT_OK : db_fail(db, rc, "cannot commit");
}

/* ---- statements ---- */

/* The length of ${sql} without FOR UPDATE, or FOR UPDATE OF a table, at its end: who writes here
 * has locked everything. */
static size_t
without_lock(const char *sql)
{
    const char *lock = strstr(sql, " FOR UPDATE");

    return lock != NULL ? (size_t)(lock - sql) : strlen(sql);
}

static enum dt_err
sqlite_prepare(struct dt_db *db, const char *sql, struct dt_stmt **out)
{
    struct sqlite_stmt *st = dt_alloc(1, sizeof *st);
    size_t n = without_lock(sql);
    const char *rest = NULL;
    int rc;

    if (st == NULL)
        return dt_nomem();
    rc = sqlite3_prepare_v3(handle(db), sql, n < INT_MAX ? (int)n : INT_MAX,
                            SQLITE_PREPARE_PERSISTENT, &st->st, &rest);
    if (rc != SQLITE_OK || st->st == NULL || rest != sql + n) {
        enum dt_err err = rc != SQLITE_OK
                              ? db_fail(db, rc, "cannot prepare")
                              : dt_fail(DT_ERR_INTERNAL, "%s: not one SQL statement", db->path);

        (void)sqlite3_finalize(st->st);
        dt_free(st);
        return err;
    }
    *out = &st->base;
    return DT_OK;
}

static void
sqlite_stmt_free(struct dt_stmt *st)
{
    (void)sqlite3_finalize(stmt(st)); /* repeats an error that was reported */
    dt_free(st);
}

static void
sqlite_reset(struct dt_stmt *st)
{
    (void)sqlite3_reset(stmt(st)); /* repeats the error of the last step */
    (void)sqlite3_clear_bindings(stmt(st));
}

static enum dt_err
bound(struct dt_stmt *st, int rc)
{
    return rc == SQLITE_OK ? DT_OK : db_fail(st->db, rc, "cannot bind");
}

static enum dt_err
sqlite_bind_bytes(struct dt_stmt *st, int i, enum dt_db_type type, struct dt_view v)
{
    /* A NULL pointer would bind NULL, which an empty value is not. */
    const void *p = v.n > 0 ? (const void *)v.p : "";

    return bound(st, type == DT_DB_BLOB
                         ? sqlite3_bind_blob64(stmt(st), i, p, v.n, SQLITE_TRANSIENT)
                         : sqlite3_bind_text64(stmt(st), i, p, v.n, SQLITE_TRANSIENT, SQLITE_UTF8));
}

static enum dt_err
sqlite_bind_int(struct dt_stmt *st, int i, int64_t x)
{
    return bound(st, sqlite3_bind_int64(stmt(st), i, (sqlite3_int64)x));
}

static enum dt_err
sqlite_bind_null(struct dt_stmt *st, int i)
{
    return bound(st, sqlite3_bind_null(stmt(st), i));
}

static enum dt_err
sqlite_step(struct dt_stmt *st, bool *row)
{
    int rc;

    if (dt_db_faulty(DT_DB_STEP)) {
        (void)sqlite3_reset(stmt(st));
        return dt_db_faulted(st->db);
    }
    rc = sqlite3_step(stmt(st));
    if (rc == SQLITE_ROW) {
        *row = true;
        return DT_OK;
    }
    if (rc != SQLITE_DONE) {
        enum dt_err err = db_fail(st->db, rc, "statement failed");

        (void)sqlite3_reset(stmt(st));
        return err;
    }
    (void)sqlite3_reset(stmt(st)); /* a statement at its end holds no lock */
    *row = false;
    return DT_OK;
}

/* ---- columns ---- */

static enum dt_err
sqlite_col_bytes(struct dt_stmt *st, int i, enum dt_db_type type, struct dt_view *out)
{
    const uint8_t *p;
    size_t n;

    if (sqlite3_column_type(stmt(st), i) != (type == DT_DB_BLOB ? SQLITE_BLOB : SQLITE_TEXT))
        return dt_db_wrong_type(st, i);
    p = type == DT_DB_BLOB ? sqlite3_column_blob(stmt(st), i) : sqlite3_column_text(stmt(st), i);
    n = (size_t)sqlite3_column_bytes(stmt(st), i);
    if (p == NULL && n > 0)
        return dt_nomem();
    *out = dt_view(p, n);
    return DT_OK;
}

static enum dt_err
sqlite_col_int(struct dt_stmt *st, int i, int64_t *out)
{
    if (sqlite3_column_type(stmt(st), i) != SQLITE_INTEGER)
        return dt_db_wrong_type(st, i);
    *out = sqlite3_column_int64(stmt(st), i);
    return DT_OK;
}

static bool
sqlite_col_null(struct dt_stmt *st, int i)
{
    return sqlite3_column_type(stmt(st), i) == SQLITE_NULL;
}

const struct dt_db_engine dt_db_sqlite = {
    .name = "sqlite",
    .close = sqlite_close,
    .exec = sqlite_exec,
    .changes = sqlite_changes,
    .last_id = sqlite_last_id,
    .checkpoint = sqlite_checkpoint,
    .move_by_hand = sqlite_move_by_hand,
    .move = sqlite_move,
    .leave_wal = sqlite_leave_wal,
    .check = dt_db_sqlite_check,
    .copy = dt_db_sqlite_copy,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .in_tx = sqlite_in_tx,
    .prepare = sqlite_prepare,
    .stmt_free = sqlite_stmt_free,
    .reset = sqlite_reset,
    .bind_bytes = sqlite_bind_bytes,
    .bind_int = sqlite_bind_int,
    .bind_null = sqlite_bind_null,
    .step = sqlite_step,
    .col_bytes = sqlite_col_bytes,
    .col_int = sqlite_col_int,
    .col_null = sqlite_col_null,
};
