/*
 * agent/store/store.h - the delegate's store: HOME/store.db, every value sealed, one transaction at
 * a time.
 *
 * Source: DESIGN "Agent store"; docs/protocol-agent.md "Store". Layer: agent (db, crypto, base
 * below).
 *
 *   passphrase --Argon2id--> wrapping key --opens--> store key --HKDF--> value key, name key
 *   head   schema version, transaction number, hash over the spans (spans.h); sealed
 *   row    table | name = HMAC(name key) | parent = HMAC(name key) | seq | version | sealed value
 *
 * A row belongs to a table (a short fixed text), has a key (any bytes, unique in the table), a
 * parent (any bytes, often a group id, may be empty) and a sequence number, by which the rows of
 * one parent are listed. Keys and parents stand in the file only as keyed hashes, values only
 * sealed with XChaCha20-Poly1305 under associated data that names table, row, parent, seq and
 * version. The head vouches for a digest over (row, version) of all rows, kept in parts: rows taken
 * back to older copies, removed or put in are noticed when they are read, or looked for and not
 * found, and opening a store does not go over all of it.
 *
 * Several processes share a store: read what you change inside the transaction that changes it.
 * Errors of all functions, besides those named: AUTH (a value does not hold: the message names
 * store and table), FORMAT (the file is not a whole store), BUSY (another process holds it for too
 * long), IO, NOMEM.
 */
#ifndef DT_AGENT_STORE_STORE_H
#define DT_AGENT_STORE_STORE_H

#include "base/bytes.h"
#include "crypto/secret.h"

#define DT_STORE_SCHEMA    2
#define DT_STORE_VALUE_MAX (64u << 20) /* longest value */

struct dt_store;

/**
 * dt_store_create(home, passphrase, out):
 * Make the folder ${home} (0700) and a new store in it (0600). EXISTS when there is one already.
 * RANGE for an empty passphrase. Owner of *${out}: the caller, dt_store_close().
 */
DT_MUST_CHECK enum dt_err dt_store_create(const char *home, struct dt_view passphrase,
                                          struct dt_store **out);

/**
 * dt_store_open(home, passphrase, out):
 * Open the store in ${home} and check its head; what is read is checked when it is read. One of an
 * earlier schema is checked whole and brought up to this one. Whatever is wrong, the file's bytes
 * stay as they are. Errors: NOT_FOUND (no store there), LOCKED (wrong passphrase), UNSUPPORTED
 * (made by a newer version), FORMAT (truncated or no store), AUTH (altered).
 */
DT_MUST_CHECK enum dt_err dt_store_open(const char *home, struct dt_view passphrase,
                                        struct dt_store **out);

/* Open the store of ${s} once more, by the keys that ${s} holds: for another thread, which needs a
 * connection of its own. ${s} may be in use meanwhile. Owner: the caller, dt_store_close(). */
DT_MUST_CHECK enum dt_err dt_store_open_again(const struct dt_store *s, const char *home,
                                              struct dt_store **out);

/* Wipe and close; an open transaction is rolled back. NULL is fine. */
void dt_store_close(struct dt_store *s);
void dt_store_close_p(struct dt_store **s); /* for DT_CLEANUP */

/* The store's file name, for messages. Borrowed. */
const char *dt_store_path(const struct dt_store *s);

/* Are the rows those that were written, with none missing? What is read is checked when it is read;
 * this asks for all of it. AUTH. */
DT_MUST_CHECK enum dt_err dt_store_verify(struct dt_store *s);

/* The same, the file's structure, and that each value opens. AUTH names the table. */
DT_MUST_CHECK enum dt_err dt_store_check(struct dt_store *s);

/* ---- transactions ---- */

/**
 * dt_store_begin(s), dt_store_commit(s), dt_store_rollback(s):
 * One write transaction (BEGIN IMMEDIATE). Calls may nest: only the outermost commit writes, and a
 * rollback at any depth makes the outermost commit fail with STATE. Always pair them, e.g.
 *     if ((err = dt_store_begin(s)) != DT_OK) return err;
 *     ...
 *     return dt_store_end(s, err);
 */
DT_MUST_CHECK enum dt_err dt_store_begin(struct dt_store *s);
DT_MUST_CHECK enum dt_err dt_store_commit(struct dt_store *s);
void dt_store_rollback(struct dt_store *s);

/* Commit when ${err} is OK, else roll back; returns ${err} or the commit's error. */
DT_MUST_CHECK enum dt_err dt_store_end(struct dt_store *s, enum dt_err err);

/* What the open transaction removes or overwrites is to be gone from the -wal, too, when it is
 * committed. */
void dt_store_scrub(struct dt_store *s);

/**
 * dt_store_clean(s):
 * Write the whole file anew, so that nothing of a row that is gone is left in it. secure_delete
 * zeroes what is deleted where it stands; when SQLite moves rows from one page to another, pieces
 * of them stay behind in the unused part of the first. Takes as much memory as the store is large.
 * BUSY: another process reads or writes; try again later. Not inside a transaction.
 */
DT_MUST_CHECK enum dt_err dt_store_clean(struct dt_store *s);

/* The number of the last committed transaction. */
DT_MUST_CHECK enum dt_err dt_store_number(struct dt_store *s, uint64_t *out);

/* Is a transaction open? */
bool dt_store_in_transaction(const struct dt_store *s);

/* ---- rows ---- */

/* A key, a parent: bytes of any length up to 256. */
#define DT_STORE_KEY_MAX 256u

/* Put the row (${table}, ${key}), replacing one that is there. Opens a transaction of its own when
 * none is open. ${table} is a static string of [a-z_]. */
DT_MUST_CHECK enum dt_err dt_store_put(struct dt_store *s, const char *table, struct dt_view key,
                                       struct dt_view parent, uint64_t seq, struct dt_view value);

/* Without parent and seq. */
DT_MUST_CHECK enum dt_err dt_store_put_blob(struct dt_store *s, const char *table,
                                            struct dt_view key, struct dt_view value);

/* Append the value of the row to ${out}. NOT_FOUND. ${out} should be wiped by its owner. */
DT_MUST_CHECK enum dt_err dt_store_get_blob(struct dt_store *s, const char *table,
                                            struct dt_view key, struct dt_buf *out);

/* The same, with the row's place among those of its parent. */
DT_MUST_CHECK enum dt_err dt_store_get_row(struct dt_store *s, const char *table,
                                           struct dt_view key, uint64_t *out_seq,
                                           struct dt_buf *out);

/* Is there such a row? */
DT_MUST_CHECK enum dt_err dt_store_has(struct dt_store *s, const char *table, struct dt_view key,
                                       bool *out);

/* Remove the row; NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_store_del(struct dt_store *s, const char *table, struct dt_view key);

/* Remove all rows of ${parent}. None is fine. */
DT_MUST_CHECK enum dt_err dt_store_del_parent(struct dt_store *s, const char *table,
                                              struct dt_view parent);

/* One row of a listing. Clear with dt_store_row_clear(). All zero is empty. */
struct dt_store_row {
    uint64_t seq;
    struct dt_buf key;
    struct dt_buf value;
};
void dt_store_row_clear(struct dt_store_row *row);

/**
 * dt_store_next(s, table, parent, at_least, row):
 * The first row of ${parent} whose seq is at least ${at_least}, in order of seq (equal ones: the
 * order is fixed but has no meaning, and only the first of them is given: give rows of one parent
 * different seqs). Walk with  for (at = 0; dt_store_next(..., at, &row) == DT_OK; at = row.seq +
 * 1). NOT_FOUND at the end. ${row} is overwritten (its memory reused).
 */
DT_MUST_CHECK enum dt_err dt_store_next(struct dt_store *s, const char *table,
                                        struct dt_view parent, uint64_t at_least,
                                        struct dt_store_row *row);

/* The last row of ${parent} (highest seq). NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_store_last(struct dt_store *s, const char *table,
                                        struct dt_view parent, struct dt_store_row *row);

/* The next free seq of ${parent}: 0, or the highest plus 1. */
DT_MUST_CHECK enum dt_err dt_store_next_seq(struct dt_store *s, const char *table,
                                            struct dt_view parent, uint64_t *out);

/* How many rows ${parent} has. */
DT_MUST_CHECK enum dt_err dt_store_count(struct dt_store *s, const char *table,
                                         struct dt_view parent, uint64_t *out);

/* ---- group state: sealed under an epoch key, which is wrapped by the store key ---- */

/**
 * dt_store_put_group(s, group_id, state, new_epoch):
 * Keep the serialised group ${state}. With ${new_epoch} the epoch key is drawn anew and the old
 * one's row overwritten, so that older copies of the state in the file's slack cannot be opened by
 * the store key.
 */
DT_MUST_CHECK enum dt_err dt_store_put_group(struct dt_store *s, struct dt_view group_id,
                                             struct dt_view state, bool new_epoch);
DT_MUST_CHECK enum dt_err dt_store_get_group(struct dt_store *s, struct dt_view group_id,
                                             struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_store_del_group(struct dt_store *s, struct dt_view group_id);

#endif
