/*
 * db/db.h - a database with prepared statements and write transactions: SQLite, opened one way, or
 * another engine behind the same calls (engine.h).
 *
 * Layer: db (may include base). The only room that includes sqlite3.h.
 *
 * SQLite's one way: WAL, synchronous=FULL (what a commit acknowledged survives power loss),
 * secure_delete, foreign keys, schema not trusted, busy time-out, temporary data in memory, file
 * mode 0600. A file is looked at without being changed before anything of this is switched on; a
 * new one is made beside its place and put there whole, so that an existing file is never a
 * half-made or empty one.
 *
 *     DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
 *     DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
 *
 *     if ((err = dt_tx_begin(db, &tx)) != DT_OK ||
 *         (err = dt_db_prepare(db, "INSERT INTO cell(queue, data) VALUES (?1, ?2)", &st)) != DT_OK)
 *         goto done;
 *     dt_bind_u64(st, 1, queue);
 *     dt_bind_blob(st, 2, data);
 *     if ((err = dt_stmt_run(st)) != DT_OK)
 *         goto done;
 *     err = dt_tx_commit(&tx);      (without it, leaving the block rolls back)
 *
 * Errors, everywhere: BUSY (another process holds the lock, longer than busy_ms), EXISTS (unique
 * constraint), CONFLICT (any other constraint), FORMAT (the file is damaged), IO (disk full and the
 * like), NOMEM, LIMIT, INTERNAL (bad SQL: our bug). Messages name the file. A connection may move
 * between threads but is used by one at a time, and never across fork(2).
 */
#ifndef DT_DB_DB_H
#define DT_DB_DB_H

#include "base/bytes.h"

#define DT_DB_CHECK_MAX (16u << 20) /* larger files are checked for structure only on request */

struct dt_db;
struct dt_stmt;

struct dt_db_config {
    const char *path;
    uint32_t app_id;      /* SQLite's application_id: which kind of file it is; not 0 */
    uint32_t version;     /* the schema this program writes (user_version), from 1 */
    uint32_t as_is_from;  /* files of this version and newer are opened as they are, for the caller
                             to bring up with what it learns of them; 0: only those of ${version} */
    bool create;          /* make it when it is not there */
    unsigned int busy_ms; /* how long to wait for another process; 0 means 5000 */

    /* A file of at most so many bytes has all its pages checked before it is used; 0:
     * DT_DB_CHECK_MAX. After an unclean end (there is a -wal) it is DT_DB_CHECK_MAX whatever stands
     * here. Who asks for less so that a start takes no time calls dt_db_check() later. */
    uint64_t check_max;

    /* For a file on a stick: a rollback journal in place of the -wal, gone after each transaction
     * (synchronous=EXTRA: its folder is synced, too), so that there is one file and no shared
     * memory. One connection at a time. */
    bool single_file;

    /* Bring the schema from ${from} (0: a new file) to ${version}; called inside a write
     * transaction, which the caller commits together with the new number. */
    enum dt_err (*migrate)(struct dt_db *db, uint32_t from, void *ctx);
    void *ctx;
};

/**
 * dt_db_open(config, out):
 * Open ${config}->path, creating or migrating it as the config says. A -wal or -journal left by a
 * killed process is recovered.
 *
 * Owner:  ${out} is the caller's; dt_db_close().
 * Errors: NOT_FOUND (not there, and not to be created), UNSUPPORTED (schema newer than this
 * program's), FORMAT (not a database, another program's, truncated, damaged), BUSY, IO. After any
 * of these NOT_FOUND, UNSUPPORTED and FORMAT found on opening the file is as it was, byte for byte.
 */
DT_MUST_CHECK enum dt_err dt_db_open(const struct dt_db_config *config, struct dt_db **out);

/* Was the database at ${path} opened so last? False too when there is none. */
bool dt_db_is_single(const char *path);

/* Close; statements and an open transaction are given up. NULL is fine. */
void dt_db_close(struct dt_db *db);

/* As dt_db_close() on the variable, for DT_CLEANUP. */
void dt_db_close_p(struct dt_db **db);

/* The path it was opened with. Borrowed. */
const char *dt_db_path(const struct dt_db *db);

/* Run statements without parameters or results (schemas). ${sql} is text of this program, never
 * input. */
DT_MUST_CHECK enum dt_err dt_db_exec(struct dt_db *db, const char *sql);

/* Rows changed by the last INSERT, UPDATE or DELETE; and the rowid of the last INSERT. */
uint64_t dt_db_changes(struct dt_db *db);
uint64_t dt_db_last_id(struct dt_db *db); /* SQLite's alone; elsewhere use RETURNING */

/* Do other processes write to ${db} at the same time as this one's write transactions? Then what a
 * transaction relies on it has to lock: SELECT ... FOR UPDATE (which SQLite passes over, as its
 * transactions have locked everything), rows of one table in the order of their keys. */
bool dt_db_shared(const struct dt_db *db);

/* Move everything from the -wal into the file and empty it, so that overwritten rows are gone from
 * there too. BUSY when a reader holds it back; nothing is lost then. */
DT_MUST_CHECK enum dt_err dt_db_checkpoint(struct dt_db *db);

/* From now on a commit on ${db} moves nothing from the -wal into the file: that is for
 * dt_db_move(), by this connection or, while this one goes on committing, by another in a thread of
 * its own. */
void dt_db_move_by_hand(struct dt_db *db);

/* Pages in the -wal after the latest commit on ${db}, since dt_db_move_by_hand(); 0 for other
 * engines. Once all are moved the next commit begins it anew. */
uint64_t dt_db_wal_pages(const struct dt_db *db);

/* Move the -wal's pages into the file and sync both, waiting for nobody. *${out_moved}: how many of
 * its pages are in the file now; not those newer than the call, nor what a reader still needs.
 * BUSY: another is at it. IO: when dt_db_unsynced() is true then, what counts as moved may be lost
 * with the power, and moving again does not help. */
DT_MUST_CHECK enum dt_err dt_db_move(struct dt_db *db, uint64_t *out_moved);
bool dt_db_unsynced(const struct dt_db *db);

/* After that, for each connection of the process: closing ${db} leaves the -wal as it is. Who opens
 * the file next, when nobody has it open, another process neither, reads it from its beginning. */
void dt_db_leave_wal(struct dt_db *db);

/* The whole structure is sound? FORMAT with what was found. Reads the whole file. */
DT_MUST_CHECK enum dt_err dt_db_check(struct dt_db *db);

/* A consistent copy of the whole database into the new file ${path} (0600). EXISTS, IO. */
DT_MUST_CHECK enum dt_err dt_db_copy(struct dt_db *db, const char *path);

/* ---- transactions ---- */

/* All zero is a valid "none". */
struct dt_tx {
    struct dt_db *db;
};

/* BEGIN IMMEDIATE: from here on nobody else writes. STATE when one is open already. BUSY. */
DT_MUST_CHECK enum dt_err dt_tx_begin(struct dt_db *db, struct dt_tx *tx);

/* A snapshot for reading: every statement sees the same state. */
DT_MUST_CHECK enum dt_err dt_tx_begin_read(struct dt_db *db, struct dt_tx *tx);

/* Durable when DT_OK. On any error it has been rolled back. STATE when none is open. */
DT_MUST_CHECK enum dt_err dt_tx_commit(struct dt_tx *tx);

/* Roll back if still open; for DT_CLEANUP. */
void dt_tx_end(struct dt_tx *tx);

/* Did the latest transaction on ${db} fail because the disk is full? */
bool dt_db_full(const struct dt_db *db);

/* Did it fail because of another process's transaction, or because the connection was lost? Then
 * nobody knows whether it was committed, and it may be run again if that is harmless. */
bool dt_db_again(const struct dt_db *db);

/* Is a transaction open on ${db}? */
bool dt_db_in_tx(const struct dt_db *db);

/* ---- statements ---- */

/**
 * dt_db_prepare(db, sql, out):
 * A statement for ${sql}, with parameters ?1, ?2, ... It is compiled once for a connection and
 * kept: ask for it anew each time. ${sql} is a string constant of this program, never built from
 * input. Owner: the connection; give it back with dt_stmt_done(), at the latest before
 * dt_db_close().
 */
DT_MUST_CHECK enum dt_err dt_db_prepare(struct dt_db *db, const char *sql, struct dt_stmt **out);

/* Give the statement back; *${st} becomes NULL. For DT_CLEANUP; NULL is fine. */
void dt_stmt_done(struct dt_stmt **st);

/* Bind parameter ${i} (from 1). The bytes are copied. The first error sticks and comes out of the
 * next step: RANGE for a number above 2^63 - 1. */
void dt_bind_blob(struct dt_stmt *st, int i, struct dt_view v);
void dt_bind_text(struct dt_stmt *st, int i, struct dt_view v);
void dt_bind_u64(struct dt_stmt *st, int i, uint64_t x);
void dt_bind_null(struct dt_stmt *st, int i);

/* The next row: *${row} says whether there is one. After the last, the statement may be bound and
 * stepped again. */
DT_MUST_CHECK enum dt_err dt_stmt_step(struct dt_stmt *st, bool *row);

/* Exactly to the end: for statements that give no rows. INTERNAL when there is one. An engine over
 * a network sends it alone within a transaction: its error may come out of a later step, or the
 * commit. */
DT_MUST_CHECK enum dt_err dt_stmt_run(struct dt_stmt *st);

/* The first row, or NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_stmt_row(struct dt_stmt *st);

/* A hint, inside a transaction: ${st}, as it is bound now, will be asked for its rows later. Where
 * a question costs a way over the network, those of a whole batch are sent together; the first
 * later use of a statement with the same text and parameters takes the answer. */
void dt_stmt_prefetch(struct dt_stmt *st);

/* Start over, with no parameters bound. */
void dt_stmt_reset(struct dt_stmt *st);

/**
 * Columns of the present row, ${i} from 0. What stands in the file is not trusted: FORMAT when the
 * value is of another type (NULL included), LIMIT when it is longer than ${max}, and ${out} is then
 * untouched. dt_col_blob() and dt_col_text() borrow until the next step or reset.
 */
DT_MUST_CHECK enum dt_err dt_col_blob(struct dt_stmt *st, int i, size_t max, struct dt_view *out);
DT_MUST_CHECK enum dt_err dt_col_text(struct dt_stmt *st, int i, size_t max, struct dt_view *out);
DT_MUST_CHECK enum dt_err dt_col_buf(struct dt_stmt *st, int i,
                                     struct dt_buf *out); /* replaces it */
DT_MUST_CHECK enum dt_err dt_col_fixed(struct dt_stmt *st, int i, uint8_t *out, size_t n);
DT_MUST_CHECK enum dt_err dt_col_u64(struct dt_stmt *st, int i, uint64_t max, uint64_t *out);
bool dt_col_is_null(struct dt_stmt *st, int i);

/* ---- faults, for tests ---- */

enum dt_db_point { DT_DB_BEGIN, DT_DB_STEP, DT_DB_COMMIT };

/* From now on ask ${fn}(${ctx}, point) before each of these, on all connections; true makes it fail
 * with IO (a failed commit rolls back). NULL: never. For tests, which run single-threaded. */
void dt_db_fault(bool (*fn)(void *ctx, enum dt_db_point at), void *ctx);

#endif
