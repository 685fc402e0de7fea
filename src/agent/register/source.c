/*
 * agent/register/source.c - see source.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"

#include "agent/register/source.h"

#define ORIGIN   "register.detente/"
#define LOOK_MAX 4096u /* names in a folder that are looked at */

/* "${a}${b}${c}" into ${out}. */
static enum dt_err
join(char out[static DT_SOURCE_PATH_MAX], const char *a, const char *b, const char *c)
{
    int n = snprintf(out, DT_SOURCE_PATH_MAX, "%s%s%s", a, b, c);

    return n >= 0 && n < DT_SOURCE_PATH_MAX ? DT_OK : dt_fail(DT_ERR_IO, "path too long");
}

static bool
is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Is there a register's folder called ${name}? Then its path is in ${out}. */
static bool
is_register(const char *dir, const char *name, char out[static DT_SOURCE_PATH_MAX])
{
    uint8_t id[DT_REGISTER_ID];

    return dt_hex_read_fixed(id, sizeof id, dt_view_str(name)) == DT_OK &&
           join(out, dir, "/r/", name) == DT_OK && is_folder(out);
}

/* The only register in ${dir}; ${out} is its path. */
static enum dt_err
only_one(const char *dir, char out[static DT_SOURCE_PATH_MAX])
{
    char path[DT_SOURCE_PATH_MAX];
    const struct dirent *d;
    size_t n = 0;
    enum dt_err err;
    DIR *list;

    if ((err = join(path, dir, "/r", "")) != DT_OK)
        return err;
    if ((list = opendir(path)) == NULL)
        return dt_fail(DT_ERR_IO, "%s: cannot open the folder: %s", path, strerror(errno));
    /* Only this thread reads this stream. */
    for (size_t i = 0; i < LOOK_MAX && (d = readdir(list)) != NULL; i++) /* NOLINT */
        if (is_register(dir, d->d_name, path) && n++ == 0)
            memcpy(out, path, sizeof path);
    (void)closedir(list);
    if (n > 1)
        return dt_fail(DT_ERR_USAGE,
                       "%s holds %zu registers, and none of the key given: name one of the folders "
                       "in %s/r",
                       dir, n, dir);
    return n == 1 ? DT_OK : join(out, dir, "", "");
}

enum dt_err
dt_register_source_folder(const char *dir, const char *origin, char out[static DT_SOURCE_PATH_MAX])
{
    static const char *const own[] = {"/checkpoint.held", "/checkpoint"};
    const char *id = strncmp(origin, ORIGIN, strlen(ORIGIN)) == 0 ? origin + strlen(ORIGIN) : "";
    char path[DT_SOURCE_PATH_MAX];
    enum dt_err err;

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if ((err = join(path, dir, own[i], "")) != DT_OK)
            return err;
        if (dt_file_exists(path))
            return join(out, dir, "", "");
    }
    if ((err = join(path, dir, "/r", "")) != DT_OK)
        return err;
    if (!is_folder(path))
        return join(out, dir, "", ""); /* whoever reads there says what is missing */
    if (is_register(dir, id, path)) {
        memcpy(out, path, sizeof path);
        return DT_OK;
    }
    return only_one(dir, out);
}

enum dt_err
dt_register_source_file(const struct dt_register_source *src, const char *path, struct dt_buf *out)
{
    char full[DT_SOURCE_PATH_MAX];
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
