/*
 * log/tile.c - tile paths, tile geometry, entry bundles; see tile.h.
 */
#include <string.h>

#include "base/text.h"

#include "log/line.h"
#include "log/tile.h"

#define PATH_LEVEL_MAX                                                                             \
    63 /* c2sp.org/tlog-tiles lets paths name levels that no tree of ours has                      \
        */

/* Three digits. */
static bool
read_three(struct dt_view v, uint64_t *out)
{
    uint64_t x = 0;
    size_t i;

    if (v.n != 3)
        return false;
    for (i = 0; i < 3; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return false;
        x = x * 10 + (uint64_t)(v.p[i] - '0');
    }
    *out = x;
    return true;
}

/* "x001/x234/067": all but the last group begin with x, and the first is not x000. */
static enum dt_err
read_index(struct dt_view v, uint64_t *out)
{
    struct dt_view part, rest = v;
    uint64_t x = 0, digits = 0;

    while (tlog_line_cut(rest, '/', &part, &rest)) {
        if (part.n != 4 || part.p[0] != 'x' || !read_three(dt_view(part.p + 1, 3), &digits) ||
            (x == 0 && digits == 0))
            return dt_fail(DT_ERR_FORMAT, "a tile's index is not in groups of three digits");
        if (x > (TLOG_SIZE_MAX - digits) / 1000)
            return dt_fail(DT_ERR_RANGE, "a tile's index is too large");
        x = x * 1000 + digits;
    }
    if (!read_three(rest, &digits))
        return dt_fail(DT_ERR_FORMAT, "a tile's index is not in groups of three digits");
    if (x > (TLOG_SIZE_MAX - digits) / 1000)
        return dt_fail(DT_ERR_RANGE, "a tile's index is too large");
    *out = x * 1000 + digits;
    return DT_OK;
}

/* ".p/<W>" at the end of *${v}: cut it off. A path without one is of a full tile. */
static enum dt_err
read_width(struct dt_view *v, uint16_t *out)
{
    uint64_t w = 0;
    enum dt_err err;
    size_t i;

    for (i = 0; i + 3 <= v->n; i++) {
        if (memcmp(v->p + i, ".p/", 3) != 0)
            continue;
        err = dt_decimal_read(dt_view(v->p + i + 3, v->n - i - 3), TLOG_TILE_WIDTH - 1, &w);
        if (err != DT_OK)
            return dt_fail_context(err, "width of a partial tile");
        if (w == 0)
            return dt_fail(DT_ERR_RANGE, "a partial tile is not empty");
        *v = dt_view(v->p, i);
        *out = (uint16_t)w;
        return DT_OK;
    }
    *out = TLOG_TILE_WIDTH;
    return DT_OK;
}

enum dt_err
tlog_tile_path_parse(struct dt_view path, struct tlog_tile *out)
{
    struct tlog_tile tile = {0};
    struct dt_view rest, level;
    uint64_t l = 0;
    enum dt_err err;

    if (path.n > TLOG_PATH_STR_MAX || !tlog_line_after(path, "tile/", &rest) ||
        !tlog_line_cut(rest, '/', &level, &rest))
        return dt_fail(DT_ERR_FORMAT, "not the path of a tile");
    if (dt_view_equal(level, dt_view_str("entries")))
        tile.entries = true;
    else if ((err = dt_decimal_read(level, PATH_LEVEL_MAX, &l)) != DT_OK)
        return dt_fail_context(err, "level of a tile");
    tile.level = (uint8_t)l;
    if ((err = read_width(&rest, &tile.width)) != DT_OK ||
        (err = read_index(rest, &tile.index)) != DT_OK)
        return err;
    *out = tile;
    return DT_OK;
}

enum dt_err
tlog_tile_path_write(const struct tlog_tile *tile, struct dt_buf *out)
{
    uint64_t divisor = 1;
    enum dt_err err;

    if (tile->level > PATH_LEVEL_MAX || (tile->entries && tile->level != 0) || tile->width == 0 ||
        tile->width > TLOG_TILE_WIDTH || tile->index > TLOG_SIZE_MAX)
        return dt_fail(DT_ERR_RANGE, "no such tile");
    if (tile->entries)
        err = dt_buf_append(out, dt_view_str("tile/entries/"));
    else
        err = dt_buf_printf(out, "tile/%u/", tile->level);
    while (tile->index / divisor >= 1000)
        divisor *= 1000;
    for (; err == DT_OK && divisor > 1; divisor /= 1000)
        err = dt_buf_printf(out, "x%03u/", (unsigned int)(tile->index / divisor % 1000));
    if (err == DT_OK)
        err = dt_buf_printf(out, "%03u", (unsigned int)(tile->index % 1000));
    if (err == DT_OK && tile->width < TLOG_TILE_WIDTH)
        err = dt_buf_printf(out, ".p/%u", tile->width);
    return err;
}

void
tlog_tiles_of_level(unsigned int level, uint64_t size, uint64_t *out_full, uint16_t *out_partial)
{
    uint64_t hashes = level < TLOG_TILE_LEVELS ? size >> (8 * level) : 0;

    *out_full = hashes / TLOG_TILE_WIDTH;
    *out_partial = (uint16_t)(hashes % TLOG_TILE_WIDTH);
}

uint16_t
tlog_tile_width(unsigned int level, uint64_t index, uint64_t size)
{
    uint64_t full;
    uint16_t partial;

    tlog_tiles_of_level(level, size, &full, &partial);
    return index < full ? TLOG_TILE_WIDTH : index == full ? partial : 0;
}

enum dt_err
tlog_tile_make(tlog_node_fn node, void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    struct tlog_hash h;
    enum dt_err err;
    uint64_t i;

    if (tile->entries || tile->level >= TLOG_TILE_LEVELS || tile->width > TLOG_TILE_WIDTH ||
        tile->index > TLOG_SIZE_MAX / TLOG_TILE_WIDTH)
        return dt_fail(DT_ERR_RANGE, "no such tile");
    err = dt_buf_reserve(out, tile->width * (size_t)TLOG_HASH);
    for (i = 0; err == DT_OK && i < tile->width; i++) {
        err = node(ctx, 8u * tile->level, tile->index * TLOG_TILE_WIDTH + i, &h);
        if (err == DT_OK)
            err = dt_buf_append(out, tlog_hash_view(&h));
    }
    return err;
}

enum dt_err
tlog_tile_root(const struct tlog_hash *hashes, size_t n, struct tlog_hash *out)
{
    struct tlog_hash h[TLOG_TILE_WIDTH / 2];
    enum dt_err err;
    size_t i;

    if (n == 0 || n > TLOG_TILE_WIDTH || (n & (n - 1)) != 0)
        return dt_fail(DT_ERR_RANGE, "only a complete subtree of a tile has a root");
    if (n == 1) {
        *out = hashes[0];
        return DT_OK;
    }
    for (; n > 1; n /= 2) {
        for (i = 0; i < n / 2; i++) {
            err = tlog_node_hash(&hashes[2 * i], &hashes[2 * i + 1], &h[i]);
            if (err != DT_OK)
                return err;
        }
        hashes = h;
    }
    *out = h[0];
    return DT_OK;
}

/* ---- entry bundles ---- */

enum dt_err
tlog_bundle_append(struct dt_buf *bundle, struct dt_view entry)
{
    struct dt_writer w = dt_writer_init(bundle);

    if (entry.n > TLOG_ENTRY_MAX)
        return dt_fail(DT_ERR_LIMIT, "an entry is longer than %d bytes", TLOG_ENTRY_MAX);
    dt_write_u16(&w, (uint16_t)entry.n);
    dt_write_view(&w, entry);
    return dt_writer_end(&w);
}

enum dt_err
tlog_bundle_next(struct dt_reader *r, struct dt_view *out)
{
    struct dt_reader at = *r;
    uint16_t n = 0;
    enum dt_err err;

    if ((err = dt_read_u16(&at, &n)) != DT_OK || (err = dt_read_view(&at, n, out)) != DT_OK)
        return err;
    *r = at;
    return DT_OK;
}

enum dt_err
tlog_bundle_parse(struct dt_view bundle, struct dt_view *out, size_t *out_n)
{
    struct dt_reader r = dt_reader_init(bundle);
    struct dt_view entries[TLOG_TILE_WIDTH] = {{NULL, 0}};
    enum dt_err err;
    size_t n = 0;

    while (r.n > 0) {
        if (n == TLOG_TILE_WIDTH)
            return dt_fail(DT_ERR_LIMIT, "a bundle has more than %d entries", TLOG_TILE_WIDTH);
        err = tlog_bundle_next(&r, &entries[n]);
        if (err != DT_OK)
            return dt_fail_context(err, "entry bundle");
        n++;
    }
    memcpy(out, entries, n * sizeof(entries[0]));
    *out_n = n;
    return DT_OK;
}
