/*
 * relay/store/proof.c - inclusion proofs from the store. See store.h. Layer: relay.
 *
 * The tiles above level 0 are few and serve every proof: their nodes are kept, so that a proof
 * costs one tile's hashes whatever the register's size.
 */
#include "relay/store/internal.h"

#define KEPT_TILES 256u /* 4 MiB at most; enough for 16 million entries */

struct proof_source {
    struct dt_relay_store *store;
    int64_t reg;
};

static enum dt_err
own_tile(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    const struct proof_source *from = ctx;

    return dt_relay_store_tile(from->store, from->reg, tile, out);
}

enum dt_err
dt_relay_store_inclusion(struct dt_relay_store *s, int64_t reg, uint64_t index, uint64_t size,
                         const struct tlog_hash *root, struct tlog_path *out,
                         struct tlog_hash *out_leaf)
{
    struct proof_source from = {s, reg};
    enum dt_err err = DT_OK;

    if (s->tiles == NULL)
        err = tlog_tile_cache_new(KEPT_TILES, &s->tiles);
    if (err == DT_OK)
        err = tlog_tiles_inclusion_kept(s->tiles, (uint64_t)reg, own_tile, &from, index, size, root,
                                        out, out_leaf);
    if (err == DT_ERR_PROOF) /* what was kept of a store that is not what was signed */
        tlog_tile_cache_clear(s->tiles);
    return err;
}
