/*
 * log/tile_cache.c - see tile_cache.h.
 *
 * Each tile has one place that it may be in, by its tree, level and index. The places of one level
 * lie side by side, those of the next elsewhere.
 */
#include <string.h>

#include "base/mem.h"

#include "log/tile_cache.h"

#define NODES     ((size_t)2 * TLOG_TILE_WIDTH) /* 256 + 128 + ... + 2, and one of the whole */
#define LEVEL_GAP 251u
#define TREE_GAP  7919u

struct kept {
    struct tlog_cached_tile tile;
    struct tlog_hash node[NODES]; /* the hashes, then the level above them, and so on */
};

struct tlog_tile_cache {
    size_t n;
    struct kept *kept[]; /* NULL: free */
};

enum dt_err
tlog_tile_cache_new(size_t n_tiles, struct tlog_tile_cache **out)
{
    struct tlog_tile_cache *c;

    if (n_tiles == 0)
        return dt_fail(DT_ERR_RANGE, "a cache of no tiles");
    c = dt_alloc(1, sizeof(*c) + n_tiles * sizeof(struct kept *));
    if (c == NULL)
        return dt_nomem();
    c->n = n_tiles;
    *out = c;
    return DT_OK;
}

void
tlog_tile_cache_clear(struct tlog_tile_cache *c)
{
    for (size_t i = 0; c != NULL && i < c->n; i++) {
        dt_free(c->kept[i]);
        c->kept[i] = NULL;
    }
}

void
tlog_tile_cache_free(struct tlog_tile_cache *c)
{
    tlog_tile_cache_clear(c);
    dt_free(c);
}

static size_t
place_of(const struct tlog_tile_cache *c, const struct tlog_cached_tile *t)
{
    return (size_t)((t->index + t->level * (uint64_t)LEVEL_GAP + t->tree * TREE_GAP) % c->n);
}

/* Where the nodes ${within} levels up begin: behind 256 + 128 + ... of those below. */
static size_t
row_of(unsigned int within)
{
    return NODES - (NODES >> within);
}

bool
tlog_tile_cache_get(const struct tlog_tile_cache *c, const struct tlog_cached_tile *tile,
                    unsigned int within, size_t place, struct tlog_hash *out)
{
    const struct kept *k = c->kept[place_of(c, tile)];

    if (k == NULL || k->tile.tree != tile->tree || k->tile.index != tile->index ||
        k->tile.level != tile->level || k->tile.width != tile->width)
        return false;
    *out = k->node[row_of(within) + place];
    return true;
}

enum dt_err
tlog_tile_cache_put(struct tlog_tile_cache *c, const struct tlog_cached_tile *tile,
                    const struct tlog_hash *h)
{
    struct kept **place = &c->kept[place_of(c, tile)];
    struct kept *k = *place;
    enum dt_err err;

    if (k == NULL && (k = dt_alloc(1, sizeof(*k))) == NULL)
        return dt_nomem();
    *place = k;
    k->tile = (struct tlog_cached_tile){.width = 0}; /* none, until it is whole */
    memcpy(k->node, h, tile->width * sizeof(*h));
    for (unsigned int within = 1; within < 8; within++) {
        const struct tlog_hash *below = k->node + row_of(within - 1);
        struct tlog_hash *row = k->node + row_of(within);

        for (size_t i = 0; i < (size_t)tile->width >> within; i++)
            if ((err = tlog_node_hash(&below[2 * i], &below[2 * i + 1], &row[i])) != DT_OK)
                return err;
    }
    k->tile = *tile;
    return DT_OK;
}
