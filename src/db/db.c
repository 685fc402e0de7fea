/*
 * db/db.c - see db.h: transactions, statements and columns over whichever engine is behind; faults.
 */
#include <string.h>

#include "base/mem.h"

#include "db/engine.h"

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
dt_db_faulted(const struct dt_db *db)
{
    return dt_fail(DT_ERR_IO, "%s: a test made this fail", db->path);
}

static void
stmt_free(struct dt_stmt *st)
{
    char *sql = st->sql;

    st->db->engine->stmt_free(st);
    dt_free(sql);
}

void
dt_db_close(struct dt_db *db)
{
    struct dt_stmt *st;
    char *path;

    if (db == NULL)
        return;
    while ((st = db->stmts) != NULL) {
        db->stmts = st->next;
        stmt_free(st);
    }
    path = db->path;
    db->engine->close(db);
    dt_free(path);
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

bool
dt_db_shared(const struct dt_db *db)
{
    return db->engine->shared;
}

enum dt_err
dt_db_exec(struct dt_db *db, const char *sql)
{
    return dt_db_faulty(DT_DB_STEP) ? dt_db_faulted(db) : db->engine->exec(db, sql);
}

uint64_t
dt_db_changes(struct dt_db *db)
{
    return db->engine->changes(db);
}

uint64_t
dt_db_last_id(struct dt_db *db)
{
    return db->engine->last_id(db);
}

enum dt_err
dt_db_checkpoint(struct dt_db *db)
{
    return db->engine->checkpoint(db);
}

void
dt_db_move_by_hand(struct dt_db *db)
{
    if (db->engine->move_by_hand != NULL)
        db->engine->move_by_hand(db);
}

uint64_t
dt_db_wal_pages(const struct dt_db *db)
{
    return db->wal_pages;
}

void
dt_db_leave_wal(struct dt_db *db)
{
    if (db->engine->leave_wal != NULL)
        db->engine->leave_wal(db);
}

bool
dt_db_unsynced(const struct dt_db *db)
{
    return db->unsynced;
}

enum dt_err
dt_db_move(struct dt_db *db, uint64_t *out_moved)
{
    *out_moved = 0;
    return db->engine->move == NULL ? DT_OK : db->engine->move(db, out_moved);
}

enum dt_err
dt_db_check(struct dt_db *db)
{
    return db->engine->check(db);
}

enum dt_err
dt_db_copy(struct dt_db *db, const char *path)
{
    return db->engine->copy(db, path);
}

/* ---- transactions ---- */

static enum dt_err
tx_begin(struct dt_db *db, struct dt_tx *tx, bool write)
{
    enum dt_err err;

    if (tx->db != NULL || db->in_tx)
        return dt_fail(DT_ERR_STATE, "%s: a transaction is open already", db->path);
    db->full = false;
    db->again = false;
    if (dt_db_faulty(DT_DB_BEGIN))
        return dt_db_faulted(db);
    if ((err = db->engine->begin(db, write)) != DT_OK)
        return err;
    tx->db = db;
    db->in_tx = true;
    return DT_OK;
}

enum dt_err
dt_tx_begin(struct dt_db *db, struct dt_tx *tx)
{
    return tx_begin(db, tx, true);
}

enum dt_err
dt_tx_begin_read(struct dt_db *db, struct dt_tx *tx)
{
    return tx_begin(db, tx, false);
}

enum dt_err
dt_tx_commit(struct dt_tx *tx)
{
    struct dt_db *db = tx->db;
    enum dt_err err;

    if (db == NULL || !dt_db_in_tx(db))
        return dt_fail(DT_ERR_STATE, "no transaction is open");
    err = dt_db_faulty(DT_DB_COMMIT) ? dt_db_faulted(db) : db->engine->commit(db);
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
    /* The engine may have rolled back on its own. If this fails, the next beginning or closing
     * does. */
    if (dt_db_in_tx(tx->db))
        tx->db->engine->rollback(tx->db);
    tx->db->in_tx = false;
    tx->db = NULL;
}

bool
dt_db_full(const struct dt_db *db)
{
    return db->full;
}

bool
dt_db_again(const struct dt_db *db)
{
    return db->again;
}

bool
dt_db_in_tx(const struct dt_db *db)
{
    return db->engine->in_tx(db);
}

/* ---- statements ---- */

/* One more statement for ${sql}, kept until the database is closed. */
static enum dt_err
prepare_new(struct dt_db *db, const char *sql, struct dt_stmt **out)
{
    char *copy = dt_strndup(sql, strlen(sql));
    enum dt_err err;

    if (copy == NULL)
        return dt_nomem();
    if ((err = db->engine->prepare(db, copy, out)) != DT_OK) {
        dt_free(copy);
        return err;
    }
    (*out)->db = db;
    (*out)->sql = copy;
    (*out)->next = db->stmts;
    db->stmts = *out;
    return DT_OK;
}

enum dt_err
dt_db_prepare(struct dt_db *db, const char *sql, struct dt_stmt **out)
{
    struct dt_stmt **at = &db->stmts, *st;
    enum dt_err err;

    while (*at != NULL && ((*at)->in_use || strcmp((*at)->sql, sql) != 0))
        at = &(*at)->next;
    if ((st = *at) == NULL && (err = prepare_new(db, sql, &st)) != DT_OK)
        return err;
    if (st != db->stmts) { /* to the front: what is asked for often is found soon */
        *at = st->next;
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
    st->db->engine->reset(st);
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
bound(struct dt_stmt *st, enum dt_err err)
{
    if (st->err == DT_OK)
        st->err = err;
}

void
dt_bind_blob(struct dt_stmt *st, int i, struct dt_view v)
{
    bound(st, st->db->engine->bind_bytes(st, i, DT_DB_BLOB, v));
}

void
dt_bind_text(struct dt_stmt *st, int i, struct dt_view v)
{
    bound(st, st->db->engine->bind_bytes(st, i, DT_DB_TEXT, v));
}

void
dt_bind_u64(struct dt_stmt *st, int i, uint64_t x)
{
    if (x > INT64_MAX)
        bound(st, dt_fail(DT_ERR_RANGE, "%s: number too large to be stored", st->db->path));
    else
        bound(st, st->db->engine->bind_int(st, i, (int64_t)x));
}

void
dt_bind_null(struct dt_stmt *st, int i)
{
    bound(st, st->db->engine->bind_null(st, i));
}

enum dt_err
dt_stmt_step(struct dt_stmt *st, bool *row)
{
    return st->err != DT_OK ? st->err : st->db->engine->step(st, row);
}

enum dt_err
dt_stmt_run(struct dt_stmt *st)
{
    bool row = false;
    enum dt_err err;

    if (st->err == DT_OK && st->db->engine->run != NULL)
        return st->db->engine->run(st);
    err = dt_stmt_step(st, &row);
    if (err == DT_OK && row) {
        st->db->engine->reset(st);
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

void
dt_stmt_prefetch(struct dt_stmt *st)
{
    if (st->err == DT_OK && st->db->engine->prefetch != NULL)
        st->db->engine->prefetch(st);
}

/* ---- columns ---- */

enum dt_err
dt_db_wrong_type(const struct dt_stmt *st, int i)
{
    return dt_fail(DT_ERR_FORMAT, "%s: is damaged: column %d has a value of another type",
                   st->db->path, i);
}

static enum dt_err
bytes(struct dt_stmt *st, int i, enum dt_db_type type, size_t max, struct dt_view *out)
{
    struct dt_view v = {NULL, 0};
    enum dt_err err = st->db->engine->col_bytes(st, i, type, &v);

    if (err != DT_OK)
        return err;
    if (v.n > max)
        return dt_fail(DT_ERR_LIMIT, "%s: column %d has %zu bytes, at most %zu are allowed",
                       st->db->path, i, v.n, max);
    *out = v;
    return DT_OK;
}

enum dt_err
dt_col_blob(struct dt_stmt *st, int i, size_t max, struct dt_view *out)
{
    return bytes(st, i, DT_DB_BLOB, max, out);
}

enum dt_err
dt_col_text(struct dt_stmt *st, int i, size_t max, struct dt_view *out)
{
    return bytes(st, i, DT_DB_TEXT, max, out);
}

enum dt_err
dt_col_buf(struct dt_stmt *st, int i, struct dt_buf *out)
{
    struct dt_view v = {NULL, 0};
    enum dt_err err = bytes(st, i, DT_DB_BLOB, out->max, &v);

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
    enum dt_err err = bytes(st, i, DT_DB_BLOB, n, &v);

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
    int64_t x = 0;
    enum dt_err err = st->db->engine->col_int(st, i, &x);

    if (err != DT_OK)
        return err;
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
    return st->db->engine->col_null(st, i);
}
