/*
 * log/tile_edge.c - the growing edge of a log; see tile_edge.h.
 */
#include <string.h>

#include "base/mem.h"

#include "log/tile_edge.h"

struct tlog_edge {
    struct tlog_frontier frontier; /* for the root */
    size_t width[TLOG_TILE_LEVELS];
    struct tlog_hash row[TLOG_TILE_LEVELS][TLOG_TILE_WIDTH];
};

enum dt_err
tlog_edge_new(struct tlog_edge **out)
{
    struct tlog_edge *edge = dt_alloc(1, sizeof(*edge));

    if (edge == NULL)
        return dt_nomem();
    *out = edge;
    return DT_OK;
}

void
tlog_edge_free(struct tlog_edge *edge)
{
    dt_free(edge);
}

void
tlog_edge_copy(struct tlog_edge *to, const struct tlog_edge *from)
{
    size_t level;

    to->frontier.size = from->frontier.size;
    to->frontier.n = from->frontier.n;
    memcpy(to->frontier.h, from->frontier.h, from->frontier.n * sizeof(from->frontier.h[0]));
    for (level = 0; level < TLOG_TILE_LEVELS; level++) {
        to->width[level] = from->width[level];
        memcpy(to->row[level], from->row[level], from->width[level] * sizeof(from->row[0][0]));
    }
}

enum dt_err
tlog_edge_load(struct tlog_edge *edge, tlog_node_fn node, void *ctx, uint64_t size)
{
    struct tlog_edge *e = NULL;
    unsigned int level;
    enum dt_err err;
    size_t i;

    err = tlog_edge_new(&e);
    if (err != DT_OK || e == NULL)
        return err;
    err = tlog_frontier_make(node, ctx, size, &e->frontier);
    for (level = 0; err == DT_OK && level < TLOG_TILE_LEVELS; level++) {
        uint64_t full;
        uint16_t partial;

        tlog_tiles_of_level(level, size, &full, &partial);
        for (i = 0; err == DT_OK && i < partial; i++)
            err = node(ctx, 8 * level, full * TLOG_TILE_WIDTH + i, &e->row[level][i]);
        e->width[level] = partial;
    }
    if (err == DT_OK)
        tlog_edge_copy(edge, e);
    tlog_edge_free(e);
    return err;
}

uint64_t
tlog_edge_size(const struct tlog_edge *edge)
{
    return edge->frontier.size;
}

enum dt_err
tlog_edge_root(const struct tlog_edge *edge, struct tlog_hash *out)
{
    return tlog_frontier_root(&edge->frontier, out);
}

/* Give out the first ${width} hashes of a row as tile (level, index). */
static enum dt_err
give(const struct tlog_edge *edge, unsigned int level, uint64_t index, size_t width,
     tlog_tile_out_fn fn, void *ctx)
{
    const struct tlog_tile tile = {
        .level = (uint8_t)level, .index = index, .width = (uint16_t)width};

    return fn(ctx, &tile,
              dt_view((const uint8_t *)edge->row[level], width * sizeof(edge->row[level][0])));
}

enum dt_err
tlog_edge_append(struct tlog_edge *edge, const struct tlog_hash *leaf, tlog_tile_out_fn full,
                 void *ctx)
{
    struct tlog_hash h = *leaf;
    unsigned int level;
    enum dt_err err;

    err = tlog_frontier_append(&edge->frontier, leaf);
    for (level = 0; err == DT_OK && level < TLOG_TILE_LEVELS; level++) {
        edge->row[level][edge->width[level]++] = h;
        if (edge->width[level] < TLOG_TILE_WIDTH)
            break;
        if (full != NULL)
            err = give(edge, level, (edge->frontier.size >> (8 * (level + 1))) - 1, TLOG_TILE_WIDTH,
                       full, ctx);
        if (err == DT_OK)
            err = tlog_tile_root(edge->row[level], TLOG_TILE_WIDTH, &h);
        edge->width[level] = 0;
    }
    return err;
}

enum dt_err
tlog_edge_partials(const struct tlog_edge *edge, tlog_tile_out_fn partial, void *ctx)
{
    unsigned int level;
    enum dt_err err;

    for (level = 0; level < TLOG_TILE_LEVELS; level++) {
        if (edge->width[level] == 0)
            continue;
        err = give(edge, level, edge->frontier.size >> (8 * (level + 1)), edge->width[level],
                   partial, ctx);
        if (err != DT_OK)
            return err;
    }
    return DT_OK;
}
