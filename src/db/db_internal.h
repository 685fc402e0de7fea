/*
 * db/db_internal.h - what open.c and db.c share.
 *
 * Layer: db, internal.
 */
#ifndef DT_DB_DB_INTERNAL_H
#define DT_DB_DB_INTERNAL_H

#include <sqlite3.h>
#include <sys/types.h>

#include "db/db.h"

struct dt_stmt {
    struct dt_db *db;
    struct dt_stmt *next;
    sqlite3_stmt *st;
    char *sql;
    enum dt_err err; /* the first error of a bind */
    bool in_use;
};

struct dt_db {
    sqlite3 *handle;
    char *path;
    struct dt_stmt *stmts; /* compiled ones, most recent first */
    sqlite3_stmt *rollback;
    bool in_tx;         /* between dt_tx_begin() and its end */
    bool full;          /* the latest transaction met a full disk */
    struct dt_db *next; /* in the list of those open in this process */
    dev_t dev;          /* which file it is */
    ino_t ino;
};

/* The list of connections open in this process, under one recursive lock; see open.c. */
void dt_db_list_lock(void);
void dt_db_list_unlock(void);
void dt_db_list_remove(struct dt_db *db);

/* The error class and message for SQLite's result ${rc} on ${handle} (may be NULL). */
enum dt_err dt_db_error(sqlite3 *handle, const char *path, int rc, const char *what);

/* Does a test want this point to fail? */
bool dt_db_faulty(enum dt_db_point at);

#endif
