/*
 * pg/engine.c - the calls of db/engine.h over a PostgreSQL connection.
 *
 * Source: PostgreSQL 15, chapter 34 (libpq). Layer: pg.
 *
 * A transaction's first error makes it fail: it comes out of the call that meets it, of every later
 * one, and of the commit. Parameters and results are binary.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "pg/pg_internal.h"

static struct pg_db *
own(struct dt_db *db)
{
    return (struct pg_db *)db;
}

static struct pg_stmt *
stmt(struct dt_stmt *st)
{
    return (struct pg_stmt *)st;
}

static struct pg_db *
db_of(struct dt_stmt *st)
{
    return (struct pg_db *)st->db;
}

/* Keep the first error of a transaction. */
static enum dt_err
noted(struct pg_db *db, enum dt_err err)
{
    if (err != DT_OK && db->open && db->tx_err == DT_OK)
        db->tx_err = err;
    return err;
}

static enum dt_err
failed_before(struct pg_db *db)
{
    return dt_fail(db->tx_err, "%s: the transaction has failed", db->base.path);
}

/* ---- connection ---- */

static void
pg_close(struct dt_db *base)
{
    struct pg_db *db = own(base);

    pg_lost(db);
    if (db->answers != NULL)
        pg_answers_clear(db);
    dt_free(db->answers);
    PQclear(db->rows);
    while (db->sqls != NULL) {
        struct pg_sql *s = db->sqls;

        db->sqls = s->next;
        dt_free(s->text);
        dt_free(s->sent);
        pg_insert_free(s->insert);
        dt_free(s);
    }
    if (db->url != NULL)
        dt_wipe(db->url, strlen(db->url));
    dt_free(db->url);
    dt_free(db);
}

/* Statements without parameters: not in pipeline mode, which takes one at a time. */
static enum dt_err
exec_simple(struct pg_db *db, const char *sql)
{
    enum dt_err err = pg_send_sync(db);

    if (err == DT_OK)
        err = pg_drain(db, NULL);
    if (err != DT_OK)
        return err;
    if (PQexitPipelineMode(db->conn) != 1)
        return dt_fail(DT_ERR_INTERNAL, "%s: cannot leave pipeline mode", db->base.path);
    err = pg_simple(db->conn, db->base.path, sql, db->answer_ms, NULL);
    if (err == DT_ERR_NET || PQenterPipelineMode(db->conn) != 1) {
        pg_lost(db);
        db->base.again = true;
    }
    return err;
}

static enum dt_err
pg_exec(struct dt_db *base, const char *sql)
{
    struct pg_db *db = own(base);
    char *text = NULL;
    enum dt_err err;

    if (db->open && db->tx_err != DT_OK)
        return failed_before(db);
    if ((err = pg_sql_schema(sql, &text)) == DT_OK && (err = pg_ready(db)) == DT_OK)
        err = exec_simple(db, text);
    dt_free(text);
    return noted(db, err);
}

static uint64_t
pg_changes(struct dt_db *base)
{
    struct pg_db *db = own(base);
    enum dt_err err;

    if (db->conn == NULL || (db->first == NULL && db->inserts == NULL))
        return db->changes;
    db->changes = 0;
    db->ask_changes = true;
    err = noted(db, pg_rows_send(db));
    db->ask_changes = false;
    if (err != DT_OK || noted(db, pg_flush(db)) != DT_OK || noted(db, pg_drain(db, NULL)) != DT_OK)
        return 0; /* the error comes out of the next call */
    return db->changes;
}

static uint64_t
pg_last_id(struct dt_db *base)
{
    (void)base;
    return 0; /* db.h: RETURNING */
}

static enum dt_err
pg_checkpoint(struct dt_db *base)
{
    (void)base;
    return DT_OK; /* the database's own affair */
}

static enum dt_err
pg_check(struct dt_db *base)
{
    return pg_ready(own(base)); /* pages are the database's own affair */
}

static enum dt_err
pg_copy(struct dt_db *base, const char *path)
{
    (void)path;
    return dt_fail(DT_ERR_UNSUPPORTED, "%s: pg_dump copies a database", base->path);
}

/* ---- transactions ---- */

static bool
pg_in_tx(const struct dt_db *base)
{
    return ((const struct pg_db *)base)->open;
}

static enum dt_err
pg_begin(struct dt_db *base, bool write)
{
    struct pg_db *db = own(base);
    enum dt_err err = pg_ready(db);

    if (err == DT_OK)
        err = pg_send_text(db, write ? "BEGIN ISOLATION LEVEL READ COMMITTED"
                                     : "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    if (err != DT_OK)
        return err;
    db->open = true;
    db->tx_err = DT_OK;
    return DT_OK;
}

static void
tx_over(struct pg_db *db)
{
    db->open = false;
    db->tx_err = DT_OK;
    pg_answers_clear(db);
}

static void
pg_rollback(struct dt_db *base)
{
    struct pg_db *db = own(base);

    pg_rows_drop(db);
    /* Two syncs: after an error nothing is looked at before the first. */
    if (db->conn != NULL && pg_send_sync(db) == DT_OK) {
        dt_ignore(pg_drain(db, NULL), "what failed was told");
        if (db->conn != NULL && pg_send_text(db, "ROLLBACK") == DT_OK &&
            pg_send_sync(db) == DT_OK && pg_drain(db, NULL) != DT_OK)
            pg_lost(db); /* which rolls back too */
    }
    tx_over(db);
}

/* The connection may be lost between the database's commit and its answer: then again is set, and
 * who asked for it finds out by running the transaction again. */
static enum dt_err
pg_commit(struct dt_db *base)
{
    struct pg_db *db = own(base);
    enum dt_err err;

    if (db->tx_err != DT_OK)
        return failed_before(db);
    if (db->conn == NULL)
        return dt_fail(DT_ERR_NET, "%s: the connection to the database was lost", base->path);
    if ((err = pg_send_text(db, "COMMIT")) != DT_OK || (err = pg_send_sync(db)) != DT_OK ||
        (err = pg_drain(db, NULL)) != DT_OK)
        return noted(db, err);
    tx_over(db);
    return DT_OK;
}

/* ---- statements ---- */

static enum dt_err
sql_of(struct pg_db *db, const char *text, struct pg_sql **out)
{
    struct pg_sql *s;
    enum dt_err err;

    for (s = db->sqls; s != NULL; s = s->next) {
        if (strcmp(s->text, text) == 0) {
            *out = s;
            return DT_OK;
        }
    }
    if ((s = dt_alloc(1, sizeof(*s))) == NULL)
        return dt_nomem();
    if ((s->text = dt_strndup(text, strlen(text))) == NULL)
        err = dt_nomem();
    else if ((err = pg_sql_parameters(text, &s->sent, &s->n_params)) == DT_OK)
        err = pg_insert_of(s->sent, s->n_params, &s->insert);
    if (err != DT_OK) {
        dt_free(s->text);
        dt_free(s->sent);
        dt_free(s);
        return err;
    }
    (void)snprintf(s->name, sizeof(s->name), "s%u", ++db->n_sqls);
    s->next = db->sqls;
    db->sqls = s;
    *out = s;
    return DT_OK;
}

static enum dt_err
pg_prepare(struct dt_db *base, const char *sql, struct dt_stmt **out)
{
    struct pg_stmt *st = dt_alloc(1, sizeof(*st));
    enum dt_err err;

    if (st == NULL)
        return dt_nomem();
    dt_buf_init(&st->params, PG_PARAM_BYTES_MAX);
    if ((err = sql_of(own(base), sql, &st->sql)) != DT_OK) {
        dt_free(st);
        return err;
    }
    *out = &st->base;
    return DT_OK;
}

/* Give back the rows; what is bound stays. */
static void
rows_clear(struct pg_stmt *st)
{
    PQclear(st->result);
    st->result = NULL;
    st->started = false;
}

static void
pg_stmt_free(struct dt_stmt *base)
{
    struct pg_stmt *st = stmt(base);

    rows_clear(st);
    dt_buf_clear(&st->params);
    dt_free(st);
}

#define PARAMS_KEPT 4096u /* of memory for parameters, in a statement that is not used now */

static void
pg_reset(struct dt_stmt *base)
{
    struct pg_stmt *st = stmt(base);

    rows_clear(st);
    if (st->params.cap > PARAMS_KEPT)
        dt_buf_clear(&st->params);
    st->params.n = 0;
    memset(st->types, 0, sizeof(st->types));
    memset(st->null, 0, sizeof(st->null));
    memset(st->at, 0, sizeof(st->at));
}

static enum dt_err
bind(struct dt_stmt *base, int i, Oid type, struct dt_view v)
{
    struct pg_stmt *st = stmt(base);
    uint8_t head[5] = {(uint8_t)type, (uint8_t)(v.n >> 24), (uint8_t)(v.n >> 16),
                       (uint8_t)(v.n >> 8), (uint8_t)v.n};
    enum dt_err err;

    if (i < 1 || i > st->sql->n_params)
        return dt_fail(DT_ERR_INTERNAL, "%s: no parameter %d", base->db->path, i);
    i--;
    st->null[i] = false;
    if (st->types[i] == type && st->at[i] != 0 && (size_t)st->lengths[i] == v.n) {
        if (v.n > 0)
            memcpy(st->params.p + st->at[i], v.p, v.n);
        return DT_OK;
    }
    if ((err = dt_buf_append(&st->params, dt_view_of(head))) != DT_OK)
        return err;
    st->at[i] = st->params.n;
    st->lengths[i] = (int)v.n;
    st->types[i] = type;
    return dt_buf_append(&st->params, v);
}

static enum dt_err
pg_bind_bytes(struct dt_stmt *st, int i, enum dt_db_type type, struct dt_view v)
{
    return bind(st, i, type == DT_DB_BLOB ? PG_BYTEA : PG_TEXT, v);
}

static enum dt_err
pg_bind_int(struct dt_stmt *st, int i, int64_t x)
{
    uint8_t b[8];

    for (int k = 0; k < 8; k++)
        b[k] = (uint8_t)((uint64_t)x >> (56 - 8 * k));
    return bind(st, i, PG_INT8, dt_view_of(b));
}

static enum dt_err
pg_bind_null(struct dt_stmt *base, int i)
{
    struct pg_stmt *st = stmt(base);

    if (i < 1 || i > st->sql->n_params)
        return dt_fail(DT_ERR_INTERNAL, "%s: no parameter %d", base->db->path, i);
    st->types[i - 1] = 0;
    st->null[i - 1] = true;
    return DT_OK;
}

/* The answer to what ${st} asks, which may have been asked ahead. */
static enum dt_err
ask(struct pg_db *db, struct pg_stmt *st)
{
    struct pg_answer *a = db->open ? pg_answer_take(db, st) : NULL;
    enum dt_err err = DT_OK;

    PQclear(db->rows);
    db->rows = NULL;
    if (a == NULL) {
        if ((err = pg_send(db, st, PG_SENT_ROWS, NULL)) == DT_OK && !db->open)
            err = pg_send_sync(db);
    }
    if (err == DT_OK && db->open && (a == NULL || !a->here))
        err = pg_flush(db);
    if (err == DT_OK)
        err = pg_drain(db, a);
    if (err == DT_OK && a != NULL) {
        st->result = a->result;
        a->result = NULL;
    } else if (err == DT_OK) {
        st->result = db->rows;
        db->rows = NULL;
    }
    if (a != NULL && !a->here && db->conn != NULL)
        pg_lost(db); /* a result still to come must not be written where it is no more */
    pg_answer_free(a);
    if (err == DT_OK && st->result == NULL)
        err = dt_fail(DT_ERR_INTERNAL, "%s: no result", db->base.path);
    return err;
}

static enum dt_err
pg_step(struct dt_stmt *base, bool *row)
{
    struct pg_stmt *st = stmt(base);
    struct pg_db *db = db_of(base);
    enum dt_err err;

    if (dt_db_faulty(DT_DB_STEP))
        return noted(db, dt_db_faulted(&db->base));
    if (!st->started) {
        if (db->open && db->tx_err != DT_OK)
            return failed_before(db);
        if (!db->open && (err = pg_ready(db)) != DT_OK)
            return err;
        err = ask(db, st);
        /* The first to use a connection finds that it was lost; a question may be asked again. */
        if (err != DT_OK && !db->open && db->conn == NULL && (err = pg_ready(db)) == DT_OK)
            err = ask(db, st);
        if (err != DT_OK)
            return noted(db, err);
        st->started = true;
        st->row = -1;
    }
    st->row++;
    *row = st->row < PQntuples(st->result);
    if (!*row)
        rows_clear(st);
    return DT_OK;
}

static enum dt_err
pg_run(struct dt_stmt *base)
{
    struct pg_stmt *st = stmt(base);
    struct pg_db *db = db_of(base);
    enum dt_err err;

    if (dt_db_faulty(DT_DB_STEP))
        return noted(db, dt_db_faulted(&db->base));
    if (db->open && db->tx_err != DT_OK)
        return failed_before(db);
    if (!db->open && (err = pg_ready(db)) != DT_OK)
        return err;
    if (pg_rows_take(db, st, &err))
        return noted(db, err);
    err = pg_send(db, st, PG_SENT_RUN, NULL);
    if (err == DT_OK && !db->open && (err = pg_send_sync(db)) == DT_OK)
        err = pg_drain(db, NULL);
    return noted(db, err);
}

static void
pg_prefetch(struct dt_stmt *base)
{
    struct pg_stmt *st = stmt(base);
    struct pg_db *db = db_of(base);
    struct pg_answer *a;

    if (!db->open || db->tx_err != DT_OK || (a = pg_answer_new(db, st)) == NULL)
        return;
    dt_ignore(noted(db, pg_send(db, st, PG_SENT_AHEAD, a)), "comes out of the next call");
}

/* ---- columns ---- */

static enum dt_err
value(struct pg_stmt *st, int i, struct dt_view *out, Oid *out_type)
{
    if (st->result == NULL || i >= PQnfields(st->result) ||
        PQgetisnull(st->result, st->row, i) != 0)
        return dt_db_wrong_type(&st->base, i);
    *out = dt_view((const uint8_t *)PQgetvalue(st->result, st->row, i),
                   (size_t)PQgetlength(st->result, st->row, i));
    *out_type = PQftype(st->result, i);
    return DT_OK;
}

static enum dt_err
pg_col_bytes(struct dt_stmt *base, int i, enum dt_db_type type, struct dt_view *out)
{
    struct dt_view v = {NULL, 0};
    Oid is = 0;
    enum dt_err err = value(stmt(base), i, &v, &is);

    if (err != DT_OK)
        return err;
    if (type == DT_DB_BLOB ? is != PG_BYTEA : is != PG_TEXT && is != PG_VARCHAR)
        return dt_db_wrong_type(base, i);
    *out = v;
    return DT_OK;
}

static enum dt_err
pg_col_int(struct dt_stmt *base, int i, int64_t *out)
{
    struct dt_view v = {NULL, 0};
    uint64_t x = 0;
    Oid is = 0;
    enum dt_err err = value(stmt(base), i, &v, &is);

    if (err != DT_OK)
        return err;
    if (is == PG_INT8 ? v.n != 8 : is == PG_INT4 ? v.n != 4 : is != PG_INT2 || v.n != 2)
        return dt_db_wrong_type(base, i);
    if ((v.p[0] & 0x80) != 0)
        x = UINT64_MAX;
    for (size_t k = 0; k < v.n; k++)
        x = x << 8 | v.p[k];
    *out = (int64_t)x;
    return DT_OK;
}

static bool
pg_col_null(struct dt_stmt *base, int i)
{
    struct pg_stmt *st = stmt(base);

    return st->result == NULL || PQgetisnull(st->result, st->row, i) != 0;
}

const struct dt_db_engine pg_engine = {
    .name = "postgresql",
    .shared = true,
    .close = pg_close,
    .exec = pg_exec,
    .changes = pg_changes,
    .last_id = pg_last_id,
    .checkpoint = pg_checkpoint,
    .check = pg_check,
    .copy = pg_copy,
    .begin = pg_begin,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .in_tx = pg_in_tx,
    .prepare = pg_prepare,
    .stmt_free = pg_stmt_free,
    .reset = pg_reset,
    .bind_bytes = pg_bind_bytes,
    .bind_int = pg_bind_int,
    .bind_null = pg_bind_null,
    .step = pg_step,
    .run = pg_run,
    .prefetch = pg_prefetch,
    .col_bytes = pg_col_bytes,
    .col_int = pg_col_int,
    .col_null = pg_col_null,
};
