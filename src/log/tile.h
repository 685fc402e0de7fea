/*
 * log/tile.h - tiles: where a tree's hashes and entries lie, and entry bundles.
 *
 * Source: c2sp.org/tlog-tiles (height 8). Layer: log.
 *
 * Hash i of tile n at level l is the node (8 * l, 256 * n + i). A partial tile is a prefix of the
 * full one; only full tiles count on the level above.
 */
#ifndef DT_LOG_TILE_H
#define DT_LOG_TILE_H

#include "base/wire.h"
#include "log/tree.h"

struct tlog_tile {
    bool entries;  /* an entry bundle; level is 0 then */
    uint8_t level; /* 0 to 63 in paths; a tree has levels 0 to 7 */
    uint64_t index;
    uint16_t width; /* 1 to 256; 256 is a full tile */
};

/* Parse "tile/0/x001/234.p/17" or "tile/entries/000", without a leading slash. FORMAT, RANGE. */
DT_MUST_CHECK enum dt_err tlog_tile_path_parse(struct dt_view path, struct tlog_tile *out);

/* Append the path of ${tile}. RANGE. */
DT_MUST_CHECK enum dt_err tlog_tile_path_write(const struct tlog_tile *tile, struct dt_buf *out);

/* How wide tile (level, index) is in a tree of ${size}: 0 (not there) to 256. */
uint16_t tlog_tile_width(unsigned int level, uint64_t index, uint64_t size);

/* How many full tiles level ${level} has in a tree of ${size}, and how wide the partial one after
 * them is (0: none). */
void tlog_tiles_of_level(unsigned int level, uint64_t size, uint64_t *out_full,
                         uint16_t *out_partial);

/* Append the content of ${tile} (width * 32 bytes) from complete nodes. */
DT_MUST_CHECK enum dt_err tlog_tile_make(tlog_node_fn node, void *ctx, const struct tlog_tile *tile,
                                         struct dt_buf *out);

/* The root of the first ${n} (a power of two up to 256) hashes of ${hashes}: for n = 256 the hash
 * that a full tile gives to the level above. RANGE. */
DT_MUST_CHECK enum dt_err tlog_tile_root(const struct tlog_hash *hashes, size_t n,
                                         struct tlog_hash *out);

/* Append one entry to a bundle: uint16 length, bytes. LIMIT (longer than 65535). */
DT_MUST_CHECK enum dt_err tlog_bundle_append(struct dt_buf *bundle, struct dt_view entry);

/* The next entry of a bundle that is read with ${r}; read until r->n == 0. FORMAT (truncated). */
DT_MUST_CHECK enum dt_err tlog_bundle_next(struct dt_reader *r, struct dt_view *out);

/* Split a whole bundle: entries (borrowed from ${bundle}) into ${out}, which holds 256 views, and
 * how many into ${out_n}. FORMAT (truncated), LIMIT (more than 256). */
DT_MUST_CHECK enum dt_err tlog_bundle_parse(struct dt_view bundle, struct dt_view *out,
                                            size_t *out_n);

#endif
