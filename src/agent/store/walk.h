/*
 * agent/store/walk.h - every row of a table, in one unchanging view of the store.
 *
 * Layer: agent. For what reads the store as a whole: backups and archives. Parents stand in the
 * file as keyed hashes only, so a walker names those that there can be, and is told which it is.
 */
#ifndef DT_AGENT_STORE_WALK_H
#define DT_AGENT_STORE_WALK_H

#include "agent/store/store.h"
#include "db/db.h"

/* A view: what other processes write meanwhile is not in it. Ends with dt_tx_end(). Nothing is
 * written through ${s} before that. */
DT_MUST_CHECK enum dt_err dt_store_view_begin(struct dt_store *s, struct dt_tx *tx);

/* How many rows ${table} has. */
DT_MUST_CHECK enum dt_err dt_store_table_count(struct dt_store *s, const char *table,
                                               uint64_t *out);

/* The names of all tables that have rows, in order, each call the next: start with "" in ${name}
 * (DT_STORE_TABLE_NAME bytes). NOT_FOUND at the end. */
#define DT_STORE_TABLE_NAME 65u
DT_MUST_CHECK enum dt_err dt_store_table_next(struct dt_store *s, char *name);

struct dt_store_walked {
    struct dt_view key;
    struct dt_view parent; /* one of those named */
    uint64_t seq;
    struct dt_view value;
};

/**
 * dt_store_walk(s, table, parents, n, fn, ctx):
 * Call ${fn} for each row of ${table}, in an order that means nothing; it may read the store. Stops
 * at its first error. INTERNAL: a row's parent is none of ${parents}. Without ${parents} (NULL, 0)
 * none is told.
 */
DT_MUST_CHECK enum dt_err
dt_store_walk(struct dt_store *s, const char *table, const struct dt_view *parents, size_t n,
              enum dt_err (*fn)(void *ctx, const struct dt_store_walked *row), void *ctx);

#endif
