/*
 * log/tile_cache.h - the inner nodes of tiles above level 0, kept from one proof to the next.
 *
 * Source: c2sp.org/tlog-tiles. Layer: log.
 *
 * A proof needs from each tile on its way a node of every level inside it, and so hashes all of the
 * tile together. Of 10^7 entries the 39,000 tiles of level 0 are met once each; the 150 above them
 * again and again. A full tile never changes; one that grows is another one here. What is kept is
 * as hostile as the tiles it came from: proofs are checked against a root as before.
 */
#ifndef DT_LOG_TILE_CACHE_H
#define DT_LOG_TILE_CACHE_H

#include "log/tile.h"

struct tlog_tile_cache;

/* Room for ${n_tiles} tiles, of 16 KiB each, which are taken when they are needed. NOMEM, RANGE
 * (none). Owner: tlog_tile_cache_free(). */
DT_MUST_CHECK enum dt_err tlog_tile_cache_new(size_t n_tiles, struct tlog_tile_cache **out);
void tlog_tile_cache_free(struct tlog_tile_cache *c);

/* Forget all tiles. */
void tlog_tile_cache_clear(struct tlog_tile_cache *c);

/* Which tile, of which tree (a number of the caller's): width hashes of it. */
struct tlog_cached_tile {
    uint64_t tree, index;
    uint8_t level;
    uint16_t width;
};

/* Node ${place} of those ${within} levels (0 to 7) above the tile's hashes; false when the tile is
 * not kept. A node that is not complete in it must not be asked for. */
bool tlog_tile_cache_get(const struct tlog_tile_cache *c, const struct tlog_cached_tile *tile,
                         unsigned int within, size_t place, struct tlog_hash *out);

/* Keep ${tile}, whose hashes are ${h}, perhaps in place of another one. NOMEM, INTERNAL. */
DT_MUST_CHECK enum dt_err tlog_tile_cache_put(struct tlog_tile_cache *c,
                                              const struct tlog_cached_tile *tile,
                                              const struct tlog_hash *h);

#endif
