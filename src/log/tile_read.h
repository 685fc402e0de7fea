/*
 * log/tile_read.h - proofs from tiles that somebody else serves.
 *
 * Source: c2sp.org/tlog-tiles, RFC 6962 section 2.1. Layer: log.
 * What witnesses and agents use: tiles come through a callback and are hostile, so every result is
 * checked against a root before it is given.
 */
#ifndef DT_LOG_TILE_READ_H
#define DT_LOG_TILE_READ_H

#include "log/tile.h"
#include "log/tile_cache.h"

/* Give the content of ${tile} in ${out} (empty, maximum TLOG_TILE_BYTES): at least width hashes; a
 * wider or the full tile is as good. An error stops the work and is returned. */
typedef enum dt_err (*tlog_tile_fn)(void *ctx, const struct tlog_tile *tile, struct dt_buf *out);

/* Tiles of one tree of ${size}, with the last few kept. All zero but fn, ctx and size to begin. */
struct tlog_tile_reader {
    tlog_tile_fn fn;
    void *ctx;
    uint64_t size;
    struct tlog_tile_slot **slots;
    size_t next;
    struct tlog_tile_cache *cache; /* borrowed: what it keeps of tree ${tree} need not come again */
    uint64_t tree;
};
void tlog_tile_reader_clear(struct tlog_tile_reader *r);

/* A tlog_node_fn over a struct tlog_tile_reader. PROOF when a tile has an impossible length. */
enum dt_err tlog_tile_node(void *reader, unsigned int level, uint64_t index, struct tlog_hash *out);

/* The inclusion proof of ${index} in the tree of ${size} and ${root}, and the leaf hash it is for
 * (${out_leaf} may be NULL). PROOF when the tiles do not lead to ${root}; RANGE. */
DT_MUST_CHECK enum dt_err tlog_tiles_inclusion(tlog_tile_fn fn, void *ctx, uint64_t index,
                                               uint64_t size, const struct tlog_hash *root,
                                               struct tlog_path *out, struct tlog_hash *out_leaf);

/* As above, with the nodes of tiles above level 0 taken from, and left in, ${cache}: of the tree
 * that is called ${tree} there. */
DT_MUST_CHECK enum dt_err tlog_tiles_inclusion_kept(struct tlog_tile_cache *cache, uint64_t tree,
                                                    tlog_tile_fn fn, void *ctx, uint64_t index,
                                                    uint64_t size, const struct tlog_hash *root,
                                                    struct tlog_path *out,
                                                    struct tlog_hash *out_leaf);

/* The consistency proof old -> new, checked by tlog_growth_verify(). PROOF when the tiles do not
 * give one; RANGE (old_size > new_size). */
DT_MUST_CHECK enum dt_err tlog_tiles_consistency(tlog_tile_fn fn, void *ctx, uint64_t old_size,
                                                 const struct tlog_hash *old_root,
                                                 uint64_t new_size,
                                                 const struct tlog_hash *new_root,
                                                 struct tlog_path *out);

/* The root that the tree of ${new_size} and ${new_root} had at ${old_size} (1 to new_size - 1) by
 * its own tiles, and the proof of that. When it is not the root that was signed then, both go into
 * evidence of a split view (witness.h). PROOF, RANGE. */
DT_MUST_CHECK enum dt_err tlog_tiles_prefix(tlog_tile_fn fn, void *ctx, uint64_t old_size,
                                            uint64_t new_size, const struct tlog_hash *new_root,
                                            struct tlog_hash *out_old_root, struct tlog_path *out);

/* The frontier of the tree of ${size}, checked against ${root}: from here leaves can be appended.
 * PROOF. */
DT_MUST_CHECK enum dt_err tlog_tiles_frontier(tlog_tile_fn fn, void *ctx, uint64_t size,
                                              const struct tlog_hash *root,
                                              struct tlog_frontier *out);

#endif
