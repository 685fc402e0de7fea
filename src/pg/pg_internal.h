/*
 * pg/pg_internal.h - a connection and what waits on it.
 *
 * Layer: pg, internal.
 */
#ifndef DT_PG_PG_INTERNAL_H
#define DT_PG_PG_INTERNAL_H

#include <postgresql/libpq-fe.h>

#include "db/engine.h"
#include "pg/pg.h"

#define PG_PARAMS_MAX      32
#define PG_PARAM_BYTES_MAX (2u << 20)   /* all parameters of one statement */
#define PG_UNSENT_MAX      (256u << 10) /* handed to libpq before we wait for the network */
#define PG_INSERT_SIZES    7u           /* INSERTs of 1, 2, 4 ... 64 rows */
#define PG_ANSWERS         2048u        /* lists of the table of answers, a power of 2 */

/* pg_type.dat */
#define PG_BYTEA   17u
#define PG_INT8    20u
#define PG_INT2    21u
#define PG_INT4    23u
#define PG_TEXT    25u
#define PG_VARCHAR 1043u

/* A text of SQL: prepared once on a connection, whatever the number of statements that use it. */
struct pg_sql {
    struct pg_sql *next;
    char *text; /* as the store wrote it */
    char *sent; /* with $1, $2 ... */
    char name[16];
    unsigned long prepared; /* on the connection of this number; 0: on none */
    Oid types[PG_PARAMS_MAX];
    int n_params;
    struct pg_insert *insert; /* NULL: not one whose rows can be put together */
};

/* A question that was sent ahead, and its answer. */
struct pg_answer {
    struct pg_answer *next;
    const struct pg_sql *sql;
    uint64_t hash;
    size_t n;
    uint8_t *params; /* as in struct pg_stmt */
    PGresult *result;
    bool here;
};

enum pg_sent { PG_SENT_NOTHING = 1, PG_SENT_RUN, PG_SENT_ROWS, PG_SENT_AHEAD, PG_SENT_SYNC };

/* What was sent and whose result was not read. */
struct pg_pending {
    struct pg_pending *next;
    enum pg_sent kind;
    struct pg_answer *answer; /* of AHEAD */
    unsigned long *prepares;  /* what says so, if this prepares a statement */
};

struct pg_db {
    struct dt_db base; /* first */
    PGconn *conn;      /* NULL: none */
    char *url;
    unsigned int answer_ms;
    unsigned long number; /* of the connection, from 1 */
    uint64_t again_at_ms; /* no new try before that */
    unsigned int pause_ms;
    bool open;          /* a transaction is */
    enum dt_err tx_err; /* the first error in it */
    size_t unsent;
    bool flushed; /* the database was asked for all results of what was sent */
    uint64_t changes;
    struct pg_sql *sqls;
    unsigned int n_sqls;
    struct pg_pending *first, *last;
    struct pg_insert *inserts;  /* with rows that wait to be sent */
    struct pg_insert *latest;   /* of them, the one whose row came last */
    bool ask_changes;           /* what that row did is to be known */
    struct pg_answer **answers; /* table */
    PGresult *rows;             /* of the ROWS that was read last */
};

struct pg_stmt {
    struct dt_stmt base; /* first */
    struct pg_sql *sql;
    Oid types[PG_PARAMS_MAX];
    int lengths[PG_PARAMS_MAX];
    size_t at[PG_PARAMS_MAX]; /* in params */
    bool null[PG_PARAMS_MAX];
    struct dt_buf params; /* each: type, length, bytes */
    PGresult *result;
    int row; /* the present one */
    bool started;
};

/* ---- connection.c ---- */

/* "postgresql:NAME@HOST" for messages. NULL when memory is short. */
char *pg_name_of(const char *url);

/* A new connection in non-blocking mode, with ${settings} (SQL) made, within ${ms}. IO, NOMEM. */
DT_MUST_CHECK enum dt_err pg_connect(const char *url, const char *name, const char *settings,
                                     unsigned int ms, PGconn **out);

/* Wait until a result can be read without waiting. NET: lost, or no answer within ${ms}. */
DT_MUST_CHECK enum dt_err pg_wait(PGconn *conn, const char *name, unsigned int ms);

/* Run ${sql} without parameters on ${conn}, which is not in pipeline mode; ${out_state}, where not
 * NULL, gets the SQLSTATE of what the database refused. */
DT_MUST_CHECK enum dt_err pg_simple(PGconn *conn, const char *name, const char *sql,
                                    unsigned int ms, char out_state[6]);

/* The error of ${result}; ${out_again}: it may work another time; ${out_gone}: the connection is of
 * no more use; ${out_full}: no disk. */
enum dt_err pg_error(const PGresult *result, const char *name, bool *out_again, bool *out_gone,
                     bool *out_full);

/* Have a connection, or fail at once. */
DT_MUST_CHECK enum dt_err pg_ready(struct pg_db *db);

/* Give the connection up. What waits on it is forgotten. */
void pg_lost(struct pg_db *db);

/* ---- pipeline.c ---- */

/* Send; the error, if any, is the transaction's. */
DT_MUST_CHECK enum dt_err pg_send_text(struct pg_db *db, const char *sql);
DT_MUST_CHECK enum dt_err pg_send(struct pg_db *db, struct pg_stmt *st, enum pg_sent kind,
                                  struct pg_answer *answer);
/* A point to which the database forgets errors; all before it is sent now. */
DT_MUST_CHECK enum dt_err pg_send_sync(struct pg_db *db);

/* For rows.c: note what is about to be sent; say that the connection is lost; note what was sent.
 */
DT_MUST_CHECK enum dt_err pg_pending_add(struct pg_db *db, enum pg_sent kind,
                                         struct pg_answer *answer, unsigned long *prepares);
enum dt_err pg_lost_now(struct pg_db *db);
DT_MUST_CHECK enum dt_err pg_sent(struct pg_db *db, size_t bytes);

/* Ask the database for the results of all that was sent. */
DT_MUST_CHECK enum dt_err pg_flush(struct pg_db *db);

/* Read results until ${answer} is here, or (NULL) until none is pending. The first error. */
DT_MUST_CHECK enum dt_err pg_drain(struct pg_db *db, const struct pg_answer *answer);

/* Find what was sent ahead for ${st}, taking it out; NULL: nothing. */
struct pg_answer *pg_answer_take(struct pg_db *db, const struct pg_stmt *st);
/* Put a new one in; NULL: it is there already, or memory is short. */
struct pg_answer *pg_answer_new(struct pg_db *db, const struct pg_stmt *st);
void pg_answer_free(struct pg_answer *a);
void pg_answers_clear(struct pg_db *db);
void pg_pending_clear(struct pg_db *db);

/* ---- rows.c ---- */

/* Can ${sent}, with $1, be run for many rows at once? *${out} NULL if not. */
DT_MUST_CHECK enum dt_err pg_insert_of(const char *sent, int n_params, struct pg_insert **out);
void pg_insert_free(struct pg_insert *x);

/* Within a transaction: keep the row of ${st} for later. False: it has to be sent by itself. */
bool pg_rows_take(struct pg_db *db, const struct pg_stmt *st, enum dt_err *out_err);

/* Send all rows that wait, or forget them. */
DT_MUST_CHECK enum dt_err pg_rows_send(struct pg_db *db);
void pg_rows_drop(struct pg_db *db);

/* ---- sql.c ---- */

/* ${sql} with $1 for ?1, a new string; ${out_n} the largest number. */
DT_MUST_CHECK enum dt_err pg_sql_parameters(const char *sql, char **out, int *out_n);

/* The same for a schema, whose types become PostgreSQL's. UNSUPPORTED: a PRAGMA. */
DT_MUST_CHECK enum dt_err pg_sql_schema(const char *sql, char **out);

/* ---- engine.c ---- */

extern const struct dt_db_engine pg_engine;

#endif
