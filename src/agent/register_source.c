/*
 * agent/register_source.c - see register_source.h.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#include "agent/register_source.h"

#define PATH_MAX_HERE 4096

enum dt_err
dt_register_source_file(const struct dt_register_source *src, const char *path, struct dt_buf *out)
{
    char full[PATH_MAX_HERE];
    struct stat st;
    int n;

    if (src->dir == NULL)
        return dt_register_file(src->http, src->url, path, out);
    n = snprintf(full, sizeof full, "%s/%s", src->dir, path);
    if (n < 0 || (size_t)n >= sizeof full)
        return dt_fail(DT_ERR_IO, "path too long");
    /* Whoever filled the folder may have put a pipe there, which never ends. */
    if (stat(full, &st) == 0 && !S_ISREG(st.st_mode))
        return dt_fail(DT_ERR_FORMAT, "%s: not a file", full);
    return dt_file_read(full, out);
}

/* The file of ${tile}, NUL-terminated for printing. */
static enum dt_err
tile_file(const struct dt_register_source *src, struct tlog_tile tile, struct dt_buf *path,
          struct dt_buf *out)
{
    enum dt_err err;

    for (;;) {
        path->n = 0;
        if ((err = tlog_tile_path_write(&tile, path)) != DT_OK ||
            (err = dt_buf_append(path, dt_view((const uint8_t *)"", 1))) != DT_OK)
            return err;
        err = dt_register_source_file(src, (const char *)path->p, out);
        if (err != DT_ERR_NOT_FOUND || tile.width == TLOG_TILE_WIDTH)
            return err;
        /* c2sp.org/tlog-tiles: a partial tile may be gone once the full one is there. */
        tile.width = TLOG_TILE_WIDTH;
    }
}

enum dt_err
dt_register_source_tile(void *src, const struct tlog_tile *tile, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(TLOG_PATH_STR_MAX + 1);

    return tile_file(src, *tile, &path, out);
}

enum dt_err
dt_register_source_entries(const struct dt_register_source *src, uint64_t size,
                           struct tlog_frontier *f, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bundle = DT_BUF_INIT(TLOG_BUNDLE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(TLOG_PATH_STR_MAX + 1);
    struct tlog_hash leaf;
    enum dt_err err;

    while (f->size < size) {
        struct tlog_tile tile = {.entries = true, .index = f->size / TLOG_TILE_WIDTH};
        struct dt_view entries[TLOG_TILE_WIDTH];
        size_t n = 0;

        tile.width = tlog_tile_width(0, tile.index, size);
        bundle.n = 0;
        if ((err = tile_file(src, tile, &path, &bundle)) != DT_OK ||
            (err = tlog_bundle_parse(dt_buf_view(&bundle), entries, &n)) != DT_OK)
            return dt_fail_context(err, "entries of the register");
        if (n < tile.width)
            return dt_fail(DT_ERR_PROOF, "the register gives %zu of the %u entries of %s", n,
                           tile.width, (const char *)path.p);
        for (size_t i = (size_t)(f->size % TLOG_TILE_WIDTH); i < tile.width; i++) {
            if (entries[i].n != DT_REGISTER_ENTRY || entries[i].p[0] != 1)
                return dt_fail(DT_ERR_UNSUPPORTED, "register entry %llu is of no kind known here",
                               (unsigned long long)f->size);
            if ((out != NULL && (err = dt_buf_append(out, entries[i])) != DT_OK) ||
                (err = tlog_leaf_hash(entries[i], &leaf)) != DT_OK ||
                (err = tlog_frontier_append(f, &leaf)) != DT_OK)
                return err;
        }
    }
    return DT_OK;
}
