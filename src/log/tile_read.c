/*
 * log/tile_read.c - proofs from served tiles; see tile_read.h.
 */
#include <string.h>

#include "base/mem.h"

#include "log/tile_read.h"

/* A proof touches at most two tiles a level: that of the leaf and that at the right edge. */
#define N_SLOTS (2 * TLOG_TILE_LEVELS)

struct tlog_tile_slot {
    uint16_t n; /* hashes held; 0: free */
    uint8_t level;
    uint64_t index;
    struct tlog_hash h[TLOG_TILE_WIDTH];
};

void
tlog_tile_reader_clear(struct tlog_tile_reader *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; r->slots != NULL && i < N_SLOTS; i++)
        dt_free(r->slots[i]);
    dt_free(r->slots);
    r->slots = NULL;
    r->next = 0;
}

/* Fetch tile (level, index) into ${slot}. */
static enum dt_err
slot_fill(struct tlog_tile_reader *r, unsigned int level, uint64_t index, uint16_t width,
          struct tlog_tile_slot *slot)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf content = DT_BUF_INIT(TLOG_TILE_BYTES);
    const struct tlog_tile tile = {.level = (uint8_t)level, .index = index, .width = width};
    struct dt_reader in;
    enum dt_err err;
    size_t i;

    slot->n = 0;
    err = r->fn(r->ctx, &tile, &content);
    if (err != DT_OK)
        return err;
    if (content.n % TLOG_HASH != 0 || content.n < width * (size_t)TLOG_HASH ||
        content.n > TLOG_TILE_BYTES)
        return dt_fail(DT_ERR_PROOF, "a tile of %u hashes came with %zu bytes", width, content.n);
    in = dt_reader_init(dt_buf_view(&content));
    for (i = 0; i < width; i++) {
        err = dt_read_fixed(&in, slot->h[i].b, TLOG_HASH);
        if (err != DT_OK)
            return err;
    }
    slot->n = width;
    slot->level = (uint8_t)level;
    slot->index = index;
    return DT_OK;
}

/* The slot that holds tile (level, index), fetched when it is not there. */
static enum dt_err
slot_get(struct tlog_tile_reader *r, unsigned int level, uint64_t index,
         const struct tlog_tile_slot **out)
{
    uint16_t width = tlog_tile_width(level, index, r->size);
    struct tlog_tile_slot *slot;
    enum dt_err err;

    if (width == 0)
        return dt_fail(DT_ERR_RANGE, "no such tile in a tree of this size");
    if (r->slots == NULL) {
        r->slots = dt_alloc(N_SLOTS, sizeof(struct tlog_tile_slot *));
        if (r->slots == NULL)
            return dt_nomem();
    }
    for (size_t i = 0; i < N_SLOTS && r->slots[i] != NULL; i++) {
        slot = r->slots[i];
        if (slot->n != 0 && slot->level == level && slot->index == index) {
            *out = slot;
            return DT_OK;
        }
    }
    /* Filled in order, so that the first free one ends the list. */
    if (r->slots[r->next] == NULL && (r->slots[r->next] = dt_alloc(1, sizeof(*slot))) == NULL)
        return dt_nomem();
    slot = r->slots[r->next];
    r->next = (r->next + 1) % N_SLOTS;
    err = slot_fill(r, level, index, width, slot);
    if (err == DT_OK)
        *out = slot;
    return err;
}

/* Node ${place} of those ${within} levels above the hashes of a tile that may be kept. */
static enum dt_err
kept_node(struct tlog_tile_reader *r, unsigned int level, uint64_t index, unsigned int within,
          size_t place, struct tlog_hash *out)
{
    const struct tlog_cached_tile tile = {.tree = r->tree,
                                          .index = index,
                                          .level = (uint8_t)level,
                                          .width = tlog_tile_width(level, index, r->size)};
    const struct tlog_tile_slot *slot = NULL;
    enum dt_err err;

    if (((place + 1) << within) > tile.width)
        return dt_fail(DT_ERR_RANGE, "node is not complete in a tree of this size");
    if (tlog_tile_cache_get(r->cache, &tile, within, place, out))
        return DT_OK;
    if ((err = slot_get(r, level, index, &slot)) != DT_OK || slot == NULL ||
        (err = tlog_tile_cache_put(r->cache, &tile, slot->h)) != DT_OK)
        return err;
    return tlog_tile_cache_get(r->cache, &tile, within, place, out)
               ? DT_OK
               : dt_fail(DT_ERR_INTERNAL, "a tile was not kept");
}

enum dt_err
tlog_tile_node(void *reader, unsigned int level, uint64_t index, struct tlog_hash *out)
{
    struct tlog_tile_reader *r = reader;
    const struct tlog_tile_slot *slot = NULL;
    unsigned int within = level % 8;
    uint64_t first;
    size_t n = (size_t)1 << within, offset;
    enum dt_err err;

    if (level > 62 || index > TLOG_SIZE_MAX >> level)
        return dt_fail(DT_ERR_RANGE, "no such node");
    first = index << within;
    offset = (size_t)(first % TLOG_TILE_WIDTH);
    if (r->cache != NULL && level >= 8)
        return kept_node(r, level / 8, first / TLOG_TILE_WIDTH, within, offset >> within, out);
    err = slot_get(r, level / 8, first / TLOG_TILE_WIDTH, &slot);
    if (err != DT_OK || slot == NULL)
        return err;
    if (offset + n > slot->n)
        return dt_fail(DT_ERR_RANGE, "node is not complete in a tree of this size");
    return tlog_tile_root(slot->h + offset, n, out);
}

/* ---- what is checked against roots ---- */

enum dt_err
tlog_tiles_inclusion(tlog_tile_fn fn, void *ctx, uint64_t index, uint64_t size,
                     const struct tlog_hash *root, struct tlog_path *out,
                     struct tlog_hash *out_leaf)
{
    return tlog_tiles_inclusion_kept(NULL, 0, fn, ctx, index, size, root, out, out_leaf);
}

enum dt_err
tlog_tiles_inclusion_kept(struct tlog_tile_cache *cache, uint64_t tree, tlog_tile_fn fn, void *ctx,
                          uint64_t index, uint64_t size, const struct tlog_hash *root,
                          struct tlog_path *out, struct tlog_hash *out_leaf)
{
    DT_CLEANUP(tlog_tile_reader_clear)
    struct tlog_tile_reader r = {.fn = fn, .ctx = ctx, .size = size, .cache = cache, .tree = tree};
    struct tlog_path path;
    struct tlog_hash leaf;
    enum dt_err err;

    if ((err = tlog_inclusion_make(tlog_tile_node, &r, index, size, &path)) != DT_OK ||
        (err = tlog_tile_node(&r, 0, index, &leaf)) != DT_OK ||
        (err = tlog_inclusion_verify(&leaf, index, size, &path, root)) != DT_OK)
        return err;
    out->n = path.n;
    memcpy(out->h, path.h, path.n * sizeof(path.h[0]));
    if (out_leaf != NULL)
        *out_leaf = leaf;
    return DT_OK;
}

enum dt_err
tlog_tiles_consistency(tlog_tile_fn fn, void *ctx, uint64_t old_size,
                       const struct tlog_hash *old_root, uint64_t new_size,
                       const struct tlog_hash *new_root, struct tlog_path *out)
{
    DT_CLEANUP(tlog_tile_reader_clear)
    struct tlog_tile_reader r = {.fn = fn, .ctx = ctx, .size = new_size};
    struct tlog_path path;
    enum dt_err err;

    if ((err = tlog_consistency_make(tlog_tile_node, &r, old_size, new_size, &path)) != DT_OK ||
        (err = tlog_growth_verify(old_size, new_size, &path, old_root, new_root)) != DT_OK)
        return err;
    out->n = path.n;
    memcpy(out->h, path.h, path.n * sizeof(path.h[0]));
    return DT_OK;
}

enum dt_err
tlog_tiles_prefix(tlog_tile_fn fn, void *ctx, uint64_t old_size, uint64_t new_size,
                  const struct tlog_hash *new_root, struct tlog_hash *out_old_root,
                  struct tlog_path *out)
{
    DT_CLEANUP(tlog_tile_reader_clear)
    struct tlog_tile_reader r = {.fn = fn, .ctx = ctx, .size = new_size};
    struct tlog_hash old_root;
    struct tlog_path path;
    enum dt_err err;

    if (old_size == 0 || old_size >= new_size)
        return dt_fail(DT_ERR_RANGE, "no such earlier size");
    if ((err = tlog_consistency_make(tlog_tile_node, &r, old_size, new_size, &path)) != DT_OK ||
        (err = tlog_root_make(tlog_tile_node, &r, old_size, &old_root)) != DT_OK ||
        (err = tlog_consistency_verify(old_size, new_size, &path, &old_root, new_root)) != DT_OK)
        return err;
    *out_old_root = old_root;
    out->n = path.n;
    memcpy(out->h, path.h, path.n * sizeof(path.h[0]));
    return DT_OK;
}

enum dt_err
tlog_tiles_frontier(tlog_tile_fn fn, void *ctx, uint64_t size, const struct tlog_hash *root,
                    struct tlog_frontier *out)
{
    DT_CLEANUP(tlog_tile_reader_clear)
    struct tlog_tile_reader r = {.fn = fn, .ctx = ctx, .size = size};
    struct tlog_frontier f;
    struct tlog_hash got;
    enum dt_err err;

    if ((err = tlog_frontier_make(tlog_tile_node, &r, size, &f)) != DT_OK ||
        (err = tlog_frontier_root(&f, &got)) != DT_OK)
        return err;
    if (!tlog_hash_equal(&got, root))
        return dt_fail(DT_ERR_PROOF, "the tiles lead to another root");
    out->size = f.size;
    out->n = f.n;
    memcpy(out->h, f.h, f.n * sizeof(f.h[0]));
    return DT_OK;
}
