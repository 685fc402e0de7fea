/*
 * db/db_internal.h - what open.c and sqlite.c share.
 *
 * Layer: db, internal.
 */
#ifndef DT_DB_DB_INTERNAL_H
#define DT_DB_DB_INTERNAL_H

#include <sqlite3.h>
#include <sys/types.h>

#include "db/engine.h"

struct sqlite_stmt {
    struct dt_stmt base; /* first */
    sqlite3_stmt *st;
};

struct sqlite_db {
    struct dt_db base; /* first */
    sqlite3 *handle;
    sqlite3_stmt *begin, *commit, *rollback; /* made ready when it was opened */
    struct sqlite_db *next;                  /* in the list of those open in this process */
    dev_t dev;                               /* which file it is */
    ino_t ino;
};

extern const struct dt_db_engine dt_db_sqlite;

/* The list of connections open in this process, under one recursive lock; see open.c. */
void dt_db_list_lock(void);
void dt_db_list_unlock(void);
void dt_db_list_remove(struct sqlite_db *db);

/* The error class and message for SQLite's result ${rc} on ${handle} (may be NULL). */
enum dt_err dt_db_error(sqlite3 *handle, const char *path, int rc, const char *what);

/* What the system said when SQLite's ${rc} came about; 0 when that is not known. */
int dt_db_errno(sqlite3 *handle, int rc);

/* Of dt_db_sqlite; in open.c. */
enum dt_err dt_db_sqlite_check(struct dt_db *db);
enum dt_err dt_db_sqlite_copy(struct dt_db *db, const char *path);

#endif
