/*
 * relay/store_internal.h - what store_sqlite.c, store_grant.c, store_entry.c and store_register.c
 * share.
 *
 * Layer: relay, internal.
 */
#ifndef DT_RELAY_STORE_INTERNAL_H
#define DT_RELAY_STORE_INTERNAL_H

#include "db/db.h"
#include "log/tile_edge.h"
#include "log/tile_read.h"
#include "relay/store.h"

#define STORE_PATH_MAX  4096u
#define STORE_CHECK_MAX (1u << 20) /* a larger store is checked while it is served already */

/* A register that the writer has open: its key and the right edge of its tree. */
struct open_register {
    struct open_register *next;
    int64_t id;
    struct tlog_signer signer;
    struct tlog_edge *edge;
    uint64_t size; /* committed */
    bool dirty;    /* the edge is ahead of what is committed */
};

struct dt_relay_store {
    struct dt_db *w; /* the writer's connection */
    struct dt_db *r; /* the reader's */
    struct dt_clock clock;
    struct open_register *open;
    struct tlog_tile_cache *tiles; /* of the reader's proofs; NULL: none made yet */
};

/* The register ${id}, opened if it is not yet, its tiles checked against what it signed last.
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

/* A tlog_tile_out_fn over one of these: write a tile. */
DT_MUST_CHECK enum dt_err store_tile_out(void *source, const struct tlog_tile *tile,
                                         struct dt_view content);

/* Fill the table of what registers hold from their entries. */
DT_MUST_CHECK enum dt_err store_seen_fill(struct dt_db *db);

/* Inside a transaction: ${entry} becomes the next one of ${r}. FORMAT (no register entry), CONFLICT
 * (it is there already). */
DT_MUST_CHECK enum dt_err store_entry_put(struct dt_relay_store *s, struct open_register *r,
                                          struct dt_view entry);

/* Inside a transaction: run a job, setting its result. What is returned ends the whole batch. */
DT_MUST_CHECK enum dt_err store_entry(struct dt_relay_store *s, struct dt_relay_store_job *job);
DT_MUST_CHECK enum dt_err store_cosign(struct dt_relay_store *s, struct dt_relay_store_job *job);
DT_MUST_CHECK enum dt_err store_opening(struct dt_relay_store *s, struct dt_relay_store_job *job);

/* Make the table of openings if it is not there. */
DT_MUST_CHECK enum dt_err store_opening_prepare(struct dt_db *db);

/* Inside a transaction, after its entries: write edges, sign the new checkpoints. */
DT_MUST_CHECK enum dt_err store_register_seal(struct dt_relay_store *s);

/* Sign and insert the checkpoint of ${size} and ${root} for ${signer}; the register's row is
 * updated. */
DT_MUST_CHECK enum dt_err store_checkpoint_put(struct dt_relay_store *s, int64_t reg,
                                               const struct tlog_signer *signer, uint64_t size,
                                               const struct tlog_hash *root);

#endif
