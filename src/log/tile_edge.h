/*
 * log/tile_edge.h - the growing right edge of a log: leaves in, tiles and root out.
 *
 * Source: c2sp.org/tlog-tiles. Layer: log. What the relay holds in memory for each register.
 *
 * One row of up to 255 hashes a level: the partial tiles of the present size. When a row reaches
 * 256 it is given out as a full tile and its root goes one level up.
 */
#ifndef DT_LOG_TILE_EDGE_H
#define DT_LOG_TILE_EDGE_H

#include "log/tile.h"

struct tlog_edge;

/* Take a tile's content. An error stops the edge and is returned. */
typedef enum dt_err (*tlog_tile_out_fn)(void *ctx, const struct tlog_tile *tile,
                                        struct dt_view content);

/* The edge of the empty log. NOMEM. Owner: caller, tlog_edge_free(). */
DT_MUST_CHECK enum dt_err tlog_edge_new(struct tlog_edge **out);
void tlog_edge_free(struct tlog_edge *edge);

/* ${edge} becomes the edge of the log with frontier and rows of ${size}, read from its (trusted,
 * own) tiles through ${node} (see tlog_tile_node()); the caller compares tlog_edge_root() with what
 * it signed. */
DT_MUST_CHECK enum dt_err tlog_edge_load(struct tlog_edge *edge, tlog_node_fn node, void *ctx,
                                         uint64_t size);

/* A copy of ${from} in ${to}: work on a copy, and keep it when the transaction is committed. */
void tlog_edge_copy(struct tlog_edge *to, const struct tlog_edge *from);

uint64_t tlog_edge_size(const struct tlog_edge *edge);
DT_MUST_CHECK enum dt_err tlog_edge_root(const struct tlog_edge *edge, struct tlog_hash *out);

/* Append a leaf hash; every tile that becomes full goes to ${full} (may be NULL). On error the edge
 * must be dropped or overwritten by tlog_edge_copy(). LIMIT, or what ${full} returns. */
DT_MUST_CHECK enum dt_err tlog_edge_append(struct tlog_edge *edge, const struct tlog_hash *leaf,
                                           tlog_tile_out_fn full, void *ctx);

/* Give out the partial tiles of the present size, level 0 first. */
DT_MUST_CHECK enum dt_err tlog_edge_partials(const struct tlog_edge *edge, tlog_tile_out_fn partial,
                                             void *ctx);

#endif
