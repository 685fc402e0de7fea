/*
 * pg/pipeline.c - statements sent without waiting for each, and their results in order.
 *
 * Source: PostgreSQL 15, chapter 34.5 (pipeline mode). Layer: pg.
 *
 * Within a transaction a statement that gives no rows is only sent. Rows are asked for with a flush
 * request, not a sync: a sync is the place up to which the database passes over everything after
 * an error, and that has to be the whole transaction.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "pg/pg_internal.h"

/* ---- what is pending ---- */

void
pg_pending_clear(struct pg_db *db)
{
    while (db->first != NULL) {
        struct pg_pending *p = db->first;

        db->first = p->next;
        dt_free(p);
    }
    db->last = NULL;
}

enum dt_err
pg_pending_add(struct pg_db *db, enum pg_sent kind, struct pg_answer *answer,
               unsigned long *prepares)
{
    struct pg_pending *p = dt_alloc(1, sizeof(*p));

    if (p == NULL)
        return dt_nomem();
    p->kind = kind;
    p->answer = answer;
    p->prepares = prepares;
    db->flushed = false;
    if (db->last != NULL)
        db->last->next = p;
    else
        db->first = p;
    db->last = p;
    return DT_OK;
}

/* ---- answers to what was asked ahead ---- */

static uint64_t
hash_of(const struct pg_stmt *st)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ (uint64_t)(uintptr_t)st->sql;

    for (size_t i = 0; i < st->params.n; i++)
        h = (h ^ st->params.p[i]) * UINT64_C(1099511628211);
    return h ^ h >> 32;
}

static struct pg_answer **
find(struct pg_db *db, const struct pg_stmt *st, uint64_t hash)
{
    struct pg_answer **at = &db->answers[hash % PG_ANSWERS];

    /* Each parameter stands there with its type and length: equal bytes are equal parameters. */
    while (*at != NULL &&
           ((*at)->hash != hash || (*at)->sql != st->sql || (*at)->n != st->params.n ||
            (st->params.n > 0 && memcmp((*at)->params, st->params.p, st->params.n) != 0)))
        at = &(*at)->next;
    return at;
}

struct pg_answer *
pg_answer_take(struct pg_db *db, const struct pg_stmt *st)
{
    struct pg_answer **at = find(db, st, hash_of(st)), *a = *at;

    if (a != NULL)
        *at = a->next;
    return a;
}

struct pg_answer *
pg_answer_new(struct pg_db *db, const struct pg_stmt *st)
{
    uint64_t hash = hash_of(st);
    struct pg_answer **at = find(db, st, hash), *a;

    if (*at != NULL || (a = dt_alloc(1, sizeof(*a))) == NULL)
        return NULL;
    if ((a->params = dt_alloc(1, st->params.n + 1)) == NULL) {
        dt_free(a);
        return NULL;
    }
    if (st->params.n > 0)
        memcpy(a->params, st->params.p, st->params.n);
    a->n = st->params.n;
    a->sql = st->sql;
    a->hash = hash;
    *at = a;
    return a;
}

void
pg_answer_free(struct pg_answer *a)
{
    if (a == NULL)
        return;
    PQclear(a->result);
    dt_free(a->params);
    dt_free(a);
}

/* Before that nothing may be pending any more. */
void
pg_answers_clear(struct pg_db *db)
{
    for (size_t i = 0; i < PG_ANSWERS; i++) {
        while (db->answers[i] != NULL) {
            struct pg_answer *a = db->answers[i];

            db->answers[i] = a->next;
            pg_answer_free(a);
        }
    }
}

/* ---- sending ---- */

enum dt_err
pg_lost_now(struct pg_db *db)
{
    pg_lost(db);
    db->base.again = true;
    return dt_fail(DT_ERR_NET, "%s: the connection to the database was lost", db->base.path);
}

/* Keep what libpq holds for us small. */
enum dt_err
pg_sent(struct pg_db *db, size_t bytes)
{
    enum dt_err err;

    db->unsent += bytes;
    if (db->unsent < PG_UNSENT_MAX)
        return DT_OK;
    db->unsent = 0;
    /* Results may have to be taken meanwhile, so that the database goes on reading. */
    if (PQflush(db->conn) == 0)
        return DT_OK;
    if ((err = pg_flush(db)) != DT_OK)
        return err;
    return pg_drain(db, NULL);
}

enum dt_err
pg_flush(struct pg_db *db)
{
    if (db->flushed)
        return DT_OK;
    if (PQsendFlushRequest(db->conn) != 1)
        return pg_lost_now(db);
    db->flushed = true;
    return DT_OK;
}

enum dt_err
pg_send_text(struct pg_db *db, const char *sql)
{
    enum dt_err err = pg_rows_send(db);

    if (err != DT_OK || (err = pg_pending_add(db, PG_SENT_NOTHING, NULL, NULL)) != DT_OK)
        return err;
    if (PQsendQueryParams(db->conn, sql, 0, NULL, NULL, NULL, NULL, 1) != 1)
        return pg_lost_now(db);
    return pg_sent(db, strlen(sql));
}

/* Prepare ${st}'s text on this connection, with the types it is bound with now. */
static enum dt_err
prepare(struct pg_db *db, struct pg_stmt *st)
{
    enum dt_err err;

    if (st->sql->prepared == db->number) {
        for (int i = 0; i < st->sql->n_params; i++)
            if (st->types[i] != 0 && st->sql->types[i] != 0 && st->types[i] != st->sql->types[i])
                return dt_fail(DT_ERR_INTERNAL, "%s: parameter %d was of another type",
                               db->base.path, i + 1);
        return DT_OK;
    }
    memcpy(st->sql->types, st->types, sizeof(st->types));
    if ((err = pg_pending_add(db, PG_SENT_NOTHING, NULL, &st->sql->prepared)) != DT_OK)
        return err;
    if (PQsendPrepare(db->conn, st->sql->name, st->sql->sent, st->sql->n_params, st->sql->types) !=
        1)
        return pg_lost_now(db);
    st->sql->prepared = db->number;
    return DT_OK;
}

enum dt_err
pg_send(struct pg_db *db, struct pg_stmt *st, enum pg_sent kind, struct pg_answer *answer)
{
    const char *values[PG_PARAMS_MAX];
    int formats[PG_PARAMS_MAX];
    enum dt_err err = pg_rows_send(db);

    if (err != DT_OK || (err = prepare(db, st)) != DT_OK)
        return err;
    for (int i = 0; i < st->sql->n_params; i++) {
        values[i] = st->null[i] ? NULL : (const char *)st->params.p + st->at[i];
        formats[i] = 1;
    }
    if ((err = pg_pending_add(db, kind, answer, NULL)) != DT_OK)
        return err;
    if (PQsendQueryPrepared(db->conn, st->sql->name, st->sql->n_params, values, st->lengths,
                            formats, 1) != 1)
        return pg_lost_now(db);
    return pg_sent(db, 64 + st->params.n);
}

enum dt_err
pg_send_sync(struct pg_db *db)
{
    enum dt_err err = pg_rows_send(db);

    if (err != DT_OK || (err = pg_pending_add(db, PG_SENT_SYNC, NULL, NULL)) != DT_OK)
        return err;
    return PQpipelineSync(db->conn) == 1 ? DT_OK : pg_lost_now(db);
}

/* ---- reading ---- */

/* One result of ${p}, which is the caller's no more. */
static enum dt_err
take_result(struct pg_db *db, struct pg_pending *p, PGresult *r, bool *out_gone)
{
    bool again = false, gone = false, full = false;
    enum dt_err err = pg_error(r, db->base.path, &again, &gone, &full);

    *out_gone = gone;
    db->base.again = db->base.again || again;
    db->base.full = db->base.full || full;
    if (err != DT_OK) {
        PQclear(r);
        if (p->prepares != NULL)
            *p->prepares = 0;
        return err;
    }
    if (p->kind == PG_SENT_RUN) {
        db->changes = strtoull(PQcmdTuples(r), NULL, 10);
        if (PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) > 0)
            err = dt_fail(DT_ERR_INTERNAL, "%s: a row where none was expected", db->base.path);
    }
    if (p->kind == PG_SENT_ROWS) {
        PQclear(db->rows);
        db->rows = r;
    } else if (p->kind == PG_SENT_AHEAD) {
        PQclear(p->answer->result);
        p->answer->result = r;
    } else {
        PQclear(r);
    }
    return err;
}

/* All results of the first that is pending. */
static enum dt_err
read_first(struct pg_db *db)
{
    struct pg_pending *p = db->first;
    enum dt_err err = DT_OK, first = DT_OK;
    bool gone = false;

    for (;;) {
        PGresult *r;

        if ((err = pg_wait(db->conn, db->base.path, db->answer_ms)) != DT_OK) {
            pg_lost(db);
            db->base.again = true;
            return err;
        }
        if ((r = PQgetResult(db->conn)) == NULL) {
            if (p->kind != PG_SENT_SYNC)
                break;
            return pg_lost_now(db); /* it does not come, as the connection has ended */
        }
        err = take_result(db, p, r, &gone);
        first = first != DT_OK ? first : err;
        if (gone) {
            pg_lost(db);
            return first;
        }
        if (p->kind == PG_SENT_SYNC)
            break; /* nothing follows its one result */
    }
    if (p->answer != NULL)
        p->answer->here = true;
    db->first = p->next;
    if (db->first == NULL)
        db->last = NULL;
    dt_free(p);
    return first;
}

enum dt_err
pg_drain(struct pg_db *db, const struct pg_answer *answer)
{
    enum dt_err first = DT_OK;

    while (db->first != NULL && (answer == NULL || !answer->here)) {
        enum dt_err err = read_first(db);

        /* After an error all the others say only that. */
        first = first != DT_OK ? first : err;
    }
    return first;
}
