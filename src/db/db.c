/*
 * db/db.c - see db.h: errors, statements, columns, transactions, faults.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"

#include "db/db_internal.h"

static bool (*fault_fn)(void *ctx, enum dt_db_point at);
static void *fault_ctx;

void
dt_db_fault(bool (*fn)(void *ctx, enum dt_db_point at), void *ctx)
{
    fault_fn = fn;
    fault_ctx = ctx;
}

bool
dt_db_faulty(enum dt_db_point at)
{
    return fault_fn != NULL && fault_fn(fault_ctx, at);
}

enum dt_err
dt_db_error(sqlite3 *handle, const char *path, int rc, const char *what)
{
    const char *why = handle != NULL ? sqlite3_errmsg(handle) : sqlite3_errstr(rc);
    int e = handle != NULL ? sqlite3_system_errno(handle) : 0;

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

static enum dt_err
db_fail(struct dt_db *db, int rc, const char *what)
{
    if ((rc & 0xff) == SQLITE_FULL ||
        ((rc & 0xff) == SQLITE_IOERR && sqlite3_system_errno(db->handle) == ENOSPC))
        db->full = true;
    return dt_db_error(db->handle, db->path, rc, what);
}

static enum dt_err
faulted(struct dt_db *db)
{
    return dt_fail(DT_ERR_IO, "%s: a test made this fail", db->path);
}

void
dt_db_close(struct dt_db *db)
{
    struct dt_stmt *st;

    if (db == NULL)
        return;
    while ((st = db->stmts) != NULL) {
        db->stmts = st->next;
        (void)sqlite3_finalize(st->st); /* repeats an error that was reported */
        dt_free(st->sql);
        dt_free(st);
    }
    (void)sqlite3_finalize(db->rollback);
    dt_db_list_lock();
    (void)sqlite3_close_v2(db->handle); /* rolls back what is open; nothing more can be done here */
    dt_db_list_remove(db);
    dt_db_list_unlock();
    dt_free(db->path);
    dt_free(db);
}

void
dt_db_close_p(struct dt_db **db)
{
    dt_db_close(*db);
    *db = NULL;
}

const char *
dt_db_path(const struct dt_db *db)
{
    return db->path;
}

enum dt_err
dt_db_exec(struct dt_db *db, const char *sql)
{
    int rc;

    if (dt_db_faulty(DT_DB_STEP))
        return faulted(db);
    rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? DT_OK : db_fail(db, rc, "statement failed");
}

uint64_t
dt_db_changes(const struct dt_db *db)
{
    return (uint64_t)sqlite3_changes64(db->handle);
}

uint64_t
dt_db_last_id(const struct dt_db *db)
{
    return (uint64_t)sqlite3_last_insert_rowid(db->handle);
}

enum dt_err
dt_db_checkpoint(struct dt_db *db)
{
    int rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

    return rc == SQLITE_OK ? DT_OK : db_fail(db, rc, "checkpoint failed");
}

/* ---- transactions ---- */

/*
 * Roll back by the statement that was prepared for it when the connection was opened: preparing one
 * now could fail for want of memory, and a transaction that stays open would block every later one.
 */
static int
roll_back(struct dt_db *db)
{
    (void)sqlite3_step(db->rollback);
    return sqlite3_reset(db->rollback);
}

static enum dt_err
tx_begin(struct dt_db *db, struct dt_tx *tx, const char *sql)
{
    int rc = SQLITE_OK;

    if (tx->db != NULL || db->in_tx)
        return dt_fail(DT_ERR_STATE, "%s: a transaction is open already", db->path);
    db->full = false;
    if (dt_db_faulty(DT_DB_BEGIN))
        return faulted(db);
    if (dt_db_in_tx(db)) /* one whose roll-back failed then */
        rc = roll_back(db);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return db_fail(db, rc, "cannot begin");
    tx->db = db;
    db->in_tx = true;
    return DT_OK;
}

enum dt_err
dt_tx_begin(struct dt_db *db, struct dt_tx *tx)
{
    return tx_begin(db, tx, "BEGIN IMMEDIATE");
}

enum dt_err
dt_tx_begin_read(struct dt_db *db, struct dt_tx *tx)
{
    return tx_begin(db, tx, "BEGIN");
}

enum dt_err
dt_tx_commit(struct dt_tx *tx)
{
    struct dt_db *db = tx->db;
    enum dt_err err = DT_OK;
    int rc;

    if (db == NULL || !dt_db_in_tx(db))
        return dt_fail(DT_ERR_STATE, "no transaction is open");
    if (dt_db_faulty(DT_DB_COMMIT)) {
        err = faulted(db);
    } else {
        rc = sqlite3_exec(db->handle, "COMMIT", NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            err = db_fail(db, rc, "cannot commit");
    }
    if (err != DT_OK)
        dt_tx_end(tx);
    tx->db = NULL;
    db->in_tx = false;
    return err;
}

void
dt_tx_end(struct dt_tx *tx)
{
    if (tx == NULL || tx->db == NULL)
        return;
    /* SQLite may have rolled back on its own. If this fails, the next beginning or closing does. */
    if (dt_db_in_tx(tx->db))
        (void)roll_back(tx->db);
    tx->db->in_tx = false;
    tx->db = NULL;
}

bool
dt_db_full(const struct dt_db *db)
{
    return db->full;
}

bool
dt_db_in_tx(const struct dt_db *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}

/* ---- statements ---- */

enum dt_err
dt_db_prepare(struct dt_db *db, const char *sql, struct dt_stmt **out)
{
    struct dt_stmt *st;
    const char *rest = NULL;
    int rc;

    for (st = db->stmts; st != NULL; st = st->next)
        if (!st->in_use && strcmp(st->sql, sql) == 0)
            break;
    if (st == NULL) {
        st = dt_alloc(1, sizeof *st);
        if (st == NULL)
            return dt_nomem();
        st->sql = dt_strndup(sql, strlen(sql));
        if (st->sql == NULL) {
            dt_free(st);
            return dt_nomem();
        }
        rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &st->st, &rest);
        if (rc != SQLITE_OK || st->st == NULL || *rest != '\0') {
            enum dt_err err = rc != SQLITE_OK
                                  ? db_fail(db, rc, "cannot prepare")
                                  : dt_fail(DT_ERR_INTERNAL, "%s: not one SQL statement", db->path);

            (void)sqlite3_finalize(st->st);
            dt_free(st->sql);
            dt_free(st);
            return err;
        }
        st->db = db;
        st->next = db->stmts;
        db->stmts = st;
    }
    st->in_use = true;
    st->err = DT_OK;
    *out = st;
    return DT_OK;
}

void
dt_stmt_reset(struct dt_stmt *st)
{
    (void)sqlite3_reset(st->st); /* repeats the error of the last step */
    (void)sqlite3_clear_bindings(st->st);
    st->err = DT_OK;
}

void
dt_stmt_done(struct dt_stmt **st)
{
    if (st == NULL || *st == NULL)
        return;
    dt_stmt_reset(*st);
    (*st)->in_use = false;
    *st = NULL;
}

static void
bound(struct dt_stmt *st, int rc)
{
    if (rc != SQLITE_OK && st->err == DT_OK)
        st->err = db_fail(st->db, rc, "cannot bind");
}

void
dt_bind_blob(struct dt_stmt *st, int i, struct dt_view v)
{
    static const uint8_t empty[1];

    /* A NULL pointer would bind NULL, which an empty value is not. */
    bound(st, sqlite3_bind_blob64(st->st, i, v.n > 0 ? v.p : empty, v.n, SQLITE_TRANSIENT));
}

void
dt_bind_text(struct dt_stmt *st, int i, struct dt_view v)
{
    bound(st, sqlite3_bind_text64(st->st, i, v.n > 0 ? (const char *)v.p : "", v.n,
                                  SQLITE_TRANSIENT, SQLITE_UTF8));
}

void
dt_bind_u64(struct dt_stmt *st, int i, uint64_t x)
{
    if (x > INT64_MAX) {
        if (st->err == DT_OK)
            st->err = dt_fail(DT_ERR_RANGE, "%s: number too large to be stored", st->db->path);
        return;
    }
    bound(st, sqlite3_bind_int64(st->st, i, (sqlite3_int64)x));
}

void
dt_bind_null(struct dt_stmt *st, int i)
{
    bound(st, sqlite3_bind_null(st->st, i));
}

enum dt_err
dt_stmt_step(struct dt_stmt *st, bool *row)
{
    int rc;

    if (st->err != DT_OK)
        return st->err;
    if (dt_db_faulty(DT_DB_STEP)) {
        (void)sqlite3_reset(st->st);
        return faulted(st->db);
    }
    rc = sqlite3_step(st->st);
    if (rc == SQLITE_ROW) {
        *row = true;
        return DT_OK;
    }
    if (rc != SQLITE_DONE) {
        enum dt_err err = db_fail(st->db, rc, "statement failed");

        (void)sqlite3_reset(st->st);
        return err;
    }
    (void)sqlite3_reset(st->st); /* a statement at its end holds no lock */
    *row = false;
    return DT_OK;
}

enum dt_err
dt_stmt_run(struct dt_stmt *st)
{
    bool row = false;
    enum dt_err err = dt_stmt_step(st, &row);

    if (err == DT_OK && row) {
        (void)sqlite3_reset(st->st);
        err = dt_fail(DT_ERR_INTERNAL, "%s: a row where none was expected", st->db->path);
    }
    return err;
}

enum dt_err
dt_stmt_row(struct dt_stmt *st)
{
    bool row = false;
    enum dt_err err = dt_stmt_step(st, &row);

    if (err == DT_OK && !row)
        err = dt_fail(DT_ERR_NOT_FOUND, "%s: no such row", st->db->path);
    return err;
}

static enum dt_err
wrong_type(struct dt_stmt *st, int i)
{
    return dt_fail(DT_ERR_FORMAT, "%s: is damaged: column %d has a value of another type",
                   st->db->path, i);
}

static enum dt_err
bytes(struct dt_stmt *st, int i, int type, size_t max, struct dt_view *out)
{
    const uint8_t *p;
    size_t n;

    if (sqlite3_column_type(st->st, i) != type)
        return wrong_type(st, i);
    p = type == SQLITE_BLOB ? sqlite3_column_blob(st->st, i) : sqlite3_column_text(st->st, i);
    n = (size_t)sqlite3_column_bytes(st->st, i);
    if (p == NULL && n > 0)
        return dt_nomem();
    if (n > max)
        return dt_fail(DT_ERR_LIMIT, "%s: column %d has %zu bytes, at most %zu are allowed",
                       st->db->path, i, n, max);
    *out = dt_view(p, n);
    return DT_OK;
}

enum dt_err
dt_col_blob(struct dt_stmt *st, int i, size_t max, struct dt_view *out)
{
    return bytes(st, i, SQLITE_BLOB, max, out);
}

enum dt_err
dt_col_text(struct dt_stmt *st, int i, size_t max, struct dt_view *out)
{
    return bytes(st, i, SQLITE_TEXT, max, out);
}

enum dt_err
dt_col_buf(struct dt_stmt *st, int i, struct dt_buf *out)
{
    struct dt_view v = {NULL, 0};
    enum dt_err err = bytes(st, i, SQLITE_BLOB, out->max, &v);

    if (err == DT_OK && v.n > out->cap)
        err = dt_buf_reserve(out, v.n - out->n);
    if (err == DT_OK)
        err = dt_buf_set(out, v);
    return err;
}

enum dt_err
dt_col_fixed(struct dt_stmt *st, int i, uint8_t *out, size_t n)
{
    struct dt_view v = {NULL, 0};
    enum dt_err err = bytes(st, i, SQLITE_BLOB, n, &v);

    if (err == DT_OK && v.n != n)
        err = dt_fail(DT_ERR_FORMAT, "%s: is damaged: column %d has %zu bytes, not %zu",
                      st->db->path, i, v.n, n);
    if (err == DT_OK && v.p != NULL)
        memcpy(out, v.p, n);
    return err;
}

enum dt_err
dt_col_u64(struct dt_stmt *st, int i, uint64_t max, uint64_t *out)
{
    sqlite3_int64 x;

    if (sqlite3_column_type(st->st, i) != SQLITE_INTEGER)
        return wrong_type(st, i);
    x = sqlite3_column_int64(st->st, i);
    if (x < 0)
        return dt_fail(DT_ERR_FORMAT, "%s: is damaged: column %d is below zero", st->db->path, i);
    if ((uint64_t)x > max)
        return dt_fail(DT_ERR_LIMIT, "%s: column %d is above its maximum", st->db->path, i);
    *out = (uint64_t)x;
    return DT_OK;
}

bool
dt_col_is_null(struct dt_stmt *st, int i)
{
    return sqlite3_column_type(st->st, i) == SQLITE_NULL;
}
