/*
 * db/engine.h - what stands behind db.h: SQLite (sqlite.c, open.c), or an engine of another room.
 *
 * Layer: db, and the rooms that bring an engine. db.c keeps the list of prepared statements, the
 * state of the transaction and what can be said of a column without the engine; everything else is
 * one call of this table.
 */
#ifndef DT_DB_ENGINE_H
#define DT_DB_ENGINE_H

#include "db/db.h"

enum dt_db_type { DT_DB_BLOB = 1, DT_DB_TEXT };

struct dt_db_engine {
    const char *name;
    bool shared; /* other processes write at the same time; see dt_db_shared() */

    void (*close)(struct dt_db *db); /* its statements are freed by then; frees ${db} */
    enum dt_err (*exec)(struct dt_db *db, const char *sql);
    uint64_t (*changes)(struct dt_db *db);
    uint64_t (*last_id)(struct dt_db *db);
    enum dt_err (*checkpoint)(struct dt_db *db);
    void (*move_by_hand)(struct dt_db *db); /* NULL, with the next two: there is nothing to move */
    enum dt_err (*move)(struct dt_db *db, uint64_t *out_moved);
    void (*leave_wal)(struct dt_db *db);
    enum dt_err (*check)(struct dt_db *db);
    enum dt_err (*copy)(struct dt_db *db, const char *path);

    enum dt_err (*begin)(struct dt_db *db, bool write);
    enum dt_err (*commit)(struct dt_db *db); /* on any error db.c calls rollback */
    void (*rollback)(struct dt_db *db);
    bool (*in_tx)(const struct dt_db *db);

    /* ${out} begins with struct dt_stmt, whose fields db.c fills in. */
    enum dt_err (*prepare)(struct dt_db *db, const char *sql, struct dt_stmt **out);
    void (*stmt_free)(struct dt_stmt *st);
    void (*reset)(struct dt_stmt *st);
    enum dt_err (*bind_bytes)(struct dt_stmt *st, int i, enum dt_db_type type, struct dt_view v);
    enum dt_err (*bind_int)(struct dt_stmt *st, int i, int64_t x);
    enum dt_err (*bind_null)(struct dt_stmt *st, int i);
    enum dt_err (*step)(struct dt_stmt *st, bool *row);
    enum dt_err (*run)(struct dt_stmt *st); /* NULL: step, and no row */
    void (*prefetch)(struct dt_stmt *st);   /* NULL: nothing to gain */

    /* FORMAT when the value is of another type; ${out} is borrowed until the next step. */
    enum dt_err (*col_bytes)(struct dt_stmt *st, int i, enum dt_db_type type, struct dt_view *out);
    enum dt_err (*col_int)(struct dt_stmt *st, int i, int64_t *out);
    bool (*col_null)(struct dt_stmt *st, int i);
};

/* The first member of an engine's own structure. */
struct dt_db {
    const struct dt_db_engine *engine;
    char *path;            /* what messages name: a path, or a URL without its secret */
    struct dt_stmt *stmts; /* prepared ones, most recent first */
    bool in_tx;            /* between dt_tx_begin() and its end */
    bool full;             /* the latest transaction met a full disk */
    bool unsynced;         /* pages that count as moved may not be on the disk */
    uint64_t wal_pages;    /* see dt_db_wal_pages() */
    bool again;            /* it failed because of another's, or of a lost connection */
};

struct dt_stmt {
    struct dt_db *db;
    struct dt_stmt *next;
    char *sql;
    enum dt_err err; /* the first error of a bind */
    bool in_use;
};

/* Does a test want this point to fail? */
bool dt_db_faulty(enum dt_db_point at);

/* The error for that. */
enum dt_err dt_db_faulted(const struct dt_db *db);

/* A column of another type than asked for. */
enum dt_err dt_db_wrong_type(const struct dt_stmt *st, int i);

#endif
