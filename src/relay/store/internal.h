/*
 * relay/store/internal.h - what store.c, grant.c, entry.c and register.c
 * share.
 *
 * Layer: relay, internal.
 */
#ifndef DT_RELAY_STORE_INTERNAL_H
#define DT_RELAY_STORE_INTERNAL_H

#include "db/db.h"
#include "log/tile_edge.h"
#include "log/tile_read.h"
#include "relay/signer/signer.h"
#include "relay/store/store.h"

#define STORE_PATH_MAX  4096u
#define STORE_CHECK_MAX (1u << 20) /* a larger store is checked while it is served already */

/* What a batch knows of an append key while it runs: read once, written once. */
struct batch_account {
    int64_t reg;
    uint8_t key_hash[32];
    bool read, there, changed;
    uint64_t daily, day, used; /* of the day */
    struct dt_cadence cadence; /* of the register */
    uint64_t period, in_period;
};

/* The running batch; the accounts that its jobs name stand there once each, in order. */
struct store_batch {
    unsigned long number;
    bool again;        /* it failed before, and may have been committed all the same */
    bool look;         /* are its append ids there already? Else the database is to refuse them */
    unsigned int wary; /* so many batches more are to look */
    struct batch_account *accounts;
    size_t n_accounts;
};

/* Which register, and its seed as it lies in the store: sealed. */
struct store_key {
    char name[TLOG_NAME_MAX + 1]; /* its origin */
    uint8_t reg[DT_REGISTER_ID];
    uint8_t sealed[RELAY_SEALED_MAX];
    size_t sealed_len;
};

/* A register that the writer has open: its key and the right edge of its tree. */
struct open_register {
    struct open_register *next;
    int64_t id;
    struct store_key key;
    struct tlog_edge *edge;
    uint64_t size;          /* committed */
    bool dirty;             /* the edge is ahead of what is committed */
    unsigned long compared; /* in the batch of this number: the row says the same size */
    bool restored;          /* not to be signed: restore.c */
};

/* A queue to which the running batch appends: what its row says, and will say. */
struct batch_queue {
    int64_t id; /* 0: a free place in the table */
    uint64_t grant, last, expired, cells_max, bytes;
    bool there, dirty;
};

#define BATCH_QUEUES                                                                               \
    (2 * DT_RELAY_BATCH_MAX) /* places: a power of two, more than jobs in a batch */

struct dt_relay_store {
    struct dt_db *w;            /* the writer's connection */
    struct dt_db *r;            /* the reader's; of a carried store the writer's, too */
    struct batch_queue *queues; /* BATCH_QUEUES of them, found by id; empty between batches */
    size_t n_queues, used[DT_RELAY_BATCH_MAX]; /* how many are in use, and their places */
    bool carried;
    struct dt_clock clock;
    struct open_register *open;
    struct store_batch batch;
    struct store_use *use; /* of each grant that the present batch appends to */
    size_t n_use, use_room;
    uint64_t served_ms, served_wall_ms;       /* as loaded for the present batch */
    uint64_t reserve;                         /* of the disk */
    uint64_t ids_kept_s;                      /* after their cells have gone */
    struct relay_signer *signer, *own_signer; /* who signs; the own is made when it is needed */
    char *path, *sealing_key;
    struct store_ids *ids;         /* of the present batch; NULL: none was needed */
    bool unsynced;                 /* see dt_relay_store_unsynced() */
    struct store_mover *mover;     /* NULL: SQLite moves the -wal's pages after a commit */
    struct tlog_tile_cache *tiles; /* of the reader's proofs; NULL: none made yet */
};

/* The register ${id}, opened if it is not yet, or if another process wrote to it since; its tiles
 * checked against what it signed last.
 * NOT_FOUND, CONFLICT (tiles and signed root differ), IO. */
DT_MUST_CHECK enum dt_err store_register_open(struct dt_relay_store *s, int64_t id,
                                              struct open_register **out);

/* Forget all open registers whose edge is ahead of what is committed. */
void store_register_drop_dirty(struct dt_relay_store *s);
void store_register_drop_all(struct dt_relay_store *s);

/* Where a register's tiles lie: for the writer's and the reader's connection alike. */
struct store_tile_source {
    struct dt_db *db;
    int64_t reg;
};

/* A tlog_tile_fn over one of these: read a tile. */
DT_MUST_CHECK enum dt_err store_tile_in(void *source, const struct tlog_tile *tile,
                                        struct dt_buf *out);

/* A tlog_tile_out_fn over one of these: write a tile. */
DT_MUST_CHECK enum dt_err store_tile_out(void *source, const struct tlog_tile *tile,
                                         struct dt_view content);

/* STATE when what is open is a copy that was not finished; in migrate.c. */
DT_MUST_CHECK enum dt_err store_whole(struct dt_db *db);

/* The first 8 bytes of a leaf hash, as a number that a database takes: where it is looked for. */
uint64_t store_mark_of(const struct tlog_hash *leaf);

/* Fill the table of what registers hold from their entries. */
DT_MUST_CHECK enum dt_err store_seen_fill(struct dt_db *db);

/* Inside a transaction: ${entry} becomes the next one of ${r}. FORMAT (no register entry), CONFLICT
 * (it is there already). */
DT_MUST_CHECK enum dt_err store_entry_put(struct dt_relay_store *s, struct open_register *r,
                                          struct dt_view entry);

/* Inside a transaction, before its jobs: what they are about, and (where other processes write too)
 * the locks they need and their look-ups, sent together. store_batch_write() then writes what was
 * changed of it, and store_batch_end() forgets it. */
DT_MUST_CHECK enum dt_err store_batch_begin(struct dt_relay_store *s,
                                            struct dt_relay_store_job *const *jobs, size_t n);
DT_MUST_CHECK enum dt_err store_batch_write(struct dt_relay_store *s);
void store_batch_end(struct dt_relay_store *s);

/* The account of a job of this batch, read if it is not yet. Borrowed. */
DT_MUST_CHECK enum dt_err store_batch_account(struct dt_relay_store *s, int64_t reg,
                                              const uint8_t key_hash[static 32],
                                              struct batch_account **out);

/* The rows of the queues ${ids}, in order and each once: ask for them ahead and lock them, then,
 * when all was asked for that can be, take what came into the batch's table. */
DT_MUST_CHECK enum dt_err store_lock_queues(struct dt_relay_store *s, const int64_t *ids, size_t n);
DT_MUST_CHECK enum dt_err store_take_queues(struct dt_relay_store *s, const int64_t *ids, size_t n);

/* Bound statements that a job begins with, of which store_batch_begin() asks ahead. */
DT_MUST_CHECK enum dt_err store_ask_grant(struct dt_relay_store *s,
                                          const struct dt_relay_store_job *job,
                                          struct dt_stmt **out);
DT_MUST_CHECK enum dt_err store_ask_served(struct dt_relay_store *s, struct dt_stmt **out);
DT_MUST_CHECK enum dt_err store_ask_register(struct dt_relay_store *s, int64_t id,
                                             struct dt_stmt **out);
DT_MUST_CHECK enum dt_err store_ask_entry(struct dt_relay_store *s,
                                          const struct dt_relay_store_job *job,
                                          struct dt_stmt **out);

/* Inside a transaction: run a job, setting its result. What is returned ends the whole batch. */
DT_MUST_CHECK enum dt_err store_append(struct dt_relay_store *s, struct dt_relay_store_job *job);
DT_MUST_CHECK enum dt_err store_entry(struct dt_relay_store *s, struct dt_relay_store_job *job);
DT_MUST_CHECK enum dt_err store_cosign(struct dt_relay_store *s, struct dt_relay_store_job *job);
DT_MUST_CHECK enum dt_err store_served(struct dt_relay_store *s, struct dt_relay_store_job *job);
DT_MUST_CHECK enum dt_err store_opening(struct dt_relay_store *s, struct dt_relay_store_job *job);

/* Inside a transaction, after its appends: write the queues' rows. And after it, whatever came of
 * it: forget them. */
DT_MUST_CHECK enum dt_err store_append_end(struct dt_relay_store *s);
void store_append_forget(struct dt_relay_store *s);

/* In the running batch the cells of ${queue} up to ${expired} went, of ${bytes} in all. */
void store_append_expired(struct dt_relay_store *s, int64_t queue, uint64_t expired,
                          uint64_t bytes);

/* The number of the cell at ${position} of ${queue}: a queue's cells lie together in order. */
static inline uint64_t
store_cell_id(int64_t queue, uint64_t position)
{
    return (uint64_t)queue << 32 | position;
}
/* Make the tables of what was revoked and put back if they are not there. */
DT_MUST_CHECK enum dt_err store_operate_prepare(struct dt_db *db);

/* Is ${reg} not to be signed, since the store is a copy put back? */
DT_MUST_CHECK enum dt_err store_is_restored(struct dt_db *db, int64_t reg, bool *out);

/* ---- ids.c ---- */

/* In a database that others write to, with the queues locked: which append ids of ${jobs} are
 * there. Those, and the ones that store_ids_add() adds, are known to store_ids_has() until the next
 * batch. */
DT_MUST_CHECK enum dt_err store_ids_look_up(struct dt_relay_store *s,
                                            struct dt_relay_store_job *const *jobs, size_t n);
bool store_ids_has(const struct dt_relay_store *s, int64_t queue,
                   const uint8_t id[static DT_RELAY_APPEND_ID]);
void store_ids_add(struct dt_relay_store *s, int64_t queue,
                   const uint8_t id[static DT_RELAY_APPEND_ID]);
void store_ids_free(struct dt_relay_store *s);

/* ---- mover.c ---- */

/* End the thread and free. NULL is fine. */
void store_mover_stop(struct store_mover *m, bool leave_wal);

/* One more connection to the store in the file ${path}, which this program has open. */
DT_MUST_CHECK enum dt_err store_open_file(const char *path, struct dt_db **out);

/* ---- bounds.c ---- */

/* Inside a transaction: the row of ${grant} states ${bounds} from now on. */
DT_MUST_CHECK enum dt_err store_bounds_put(struct dt_relay_store *s, uint64_t grant,
                                           const struct dt_relay_bounds *bounds);

/* What a grant uses, and has used up in the present batch. */
struct store_use {
    uint64_t grant, bytes_max, cells_max, bytes, cells;
    uint64_t more_bytes, more_cells;
};

/* The columns of ${row} from ${first} on: what ${grant} may use and uses, both in bytes and cells.
 * Taken once a batch. */
DT_MUST_CHECK enum dt_err store_use_note(struct dt_relay_store *s, uint64_t grant,
                                         struct dt_stmt *row, int first);

/* Inside a transaction, with that read: has the grant with id ${grant} room for one more cell of
 * ${n} bytes?
 * ${out_bound} says what stands against it, or NONE; and then store_use_add() takes it. */
DT_MUST_CHECK enum dt_err store_use_room(struct dt_relay_store *s, uint64_t grant, uint64_t n,
                                         enum dt_relay_bound *out_bound);
void store_use_add(struct dt_relay_store *s, uint64_t grant, uint64_t n);

/* Inside a transaction, after its jobs: write what store_use_add() took. */
DT_MUST_CHECK enum dt_err store_use_put(struct dt_relay_store *s);
void store_use_forget(struct dt_relay_store *s); /* at the end of each batch */
void store_use_free(struct dt_relay_store *s);

/* Inside a transaction, at its begin: how long the store has been served. */
DT_MUST_CHECK enum dt_err store_served_begin(struct dt_relay_store *s);

/* The same by the reader's connection, for a program that only looks. */
DT_MUST_CHECK enum dt_err store_served_look(struct dt_relay_store *s);

/* How long, in whole seconds: rounded up, where the age of what is stored now begins; rounded down,
 * for how old something is. */
uint64_t store_served_now(const struct dt_relay_store *s);
uint64_t store_served_floor(const struct dt_relay_store *s);

/* Is less of the disk left than is to be kept for registers? (space.c) */
bool store_space_low(const struct dt_relay_store *s);

/* ---- retention.c ---- */

DT_MUST_CHECK enum dt_err store_ack(struct dt_relay_store *s, struct dt_relay_store_job *job);
DT_MUST_CHECK enum dt_err store_expire(struct dt_relay_store *s, struct dt_relay_store_job *job);

/* Make the table of openings if it is not there. */
DT_MUST_CHECK enum dt_err store_opening_prepare(struct dt_db *db);

/* Of a carried store: make the table of its history if it is not there, with a first place. Inside
 * a transaction: one more place. */
DT_MUST_CHECK enum dt_err store_carried_prepare(struct dt_db *db);
DT_MUST_CHECK enum dt_err store_carried_put(struct dt_db *db);

/* Inside a transaction, after its entries: write edges, sign the new checkpoints. */
DT_MUST_CHECK enum dt_err store_register_seal(struct dt_relay_store *s);

/* Who signs, made from the sealing key when it is not there yet; with ${make} the key is made, too,
 * where the store has none. */
DT_MUST_CHECK enum dt_err store_signer(struct dt_relay_store *s, bool make,
                                       struct relay_signer **out);

/* What is to be signed for ${key}. Clear its note. */
void store_signing(const struct store_key *key, uint64_t size, const struct tlog_hash *root,
                   struct relay_signing *out);

/* After the commit: the signer remembers what the batch signed. */
DT_MUST_CHECK enum dt_err store_register_confirm(struct dt_relay_store *s);

/* It takes ${r} as it is for what was signed last, unless it knows better: REFUSED. */
DT_MUST_CHECK enum dt_err store_register_confirm_one(struct dt_relay_store *s,
                                                     struct open_register *r);

/* Insert the checkpoint ${note} of ${size} and ${root}; the register's row is updated. */
DT_MUST_CHECK enum dt_err store_checkpoint_put(struct dt_relay_store *s, int64_t reg, uint64_t size,
                                               const struct tlog_hash *root, struct dt_view note);

#endif
