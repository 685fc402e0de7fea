/*
 * relay/export/tidy.c - taking away what no checkpoint in the folder needs.
 *
 * The register's folder is walked with one loop and a list of the folders that are still to be
 * looked at: what stands there may be of anybody's making. Only files that an export makes are ever
 * removed: partial tiles, and half-written files by their names. Layer: relay.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#include "relay/export/internal.h"

#define FOLDERS_MAX (1u << 20)
#define TEMP_RANDOM 7u /* ".XXXXXX" at the end of such a name, see base/file.c */

/* Folders still to be looked at, by their paths below the register's. */
struct todo {
    char **v;
    size_t n, room;
};

static void
todo_clear(struct todo *t)
{
    for (size_t i = 0; i < t->n; i++)
        dt_free(t->v[i]);
    dt_free(t->v);
}

static enum dt_err
todo_add(struct todo *t, const char *path)
{
    if (t->n == FOLDERS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more folders than an export makes");
    if (t->n == t->room) {
        size_t room = t->room == 0 ? 64 : 2 * t->room;
        char **more = dt_realloc(t->v, room, sizeof(char *));

        if (more == NULL)
            return dt_nomem();
        t->v = more;
        t->room = room;
    }
    if ((t->v[t->n] = dt_strndup(path, strlen(path))) == NULL)
        return dt_nomem();
    t->n++;
    return DT_OK;
}

/* Does a size that counts have this partial tile? */
static bool
is_needed(const struct export_run *e, const struct tlog_tile *tile)
{
    for (size_t i = 0; i < e->n_needed; i++) {
        uint64_t full = 0;
        uint16_t partial = 0;

        tlog_tiles_of_level(tile->level, e->needed[i], &full, &partial);
        if (tile->index == full && tile->width == partial)
            return true;
    }
    return false;
}

/* Does it begin as the name of an opening's file does? */
static bool
is_proof(const char *name)
{
    return strspn(name, "0123456789abcdef") == 2 * DT_SHA256 &&
           strncmp(name + 2 * DT_SHA256, ".proof.", strlen(".proof.")) == 0;
}

/* What a write that was killed leaves: "." NAME ".XXXXXX", where NAME is of ours. */
static bool
is_leftover(const char *name)
{
    size_t n = strlen(name);

    return name[0] == '.' && n > 1 + TEMP_RANDOM && name[n - TEMP_RANDOM] == '.' &&
           (strspn(name + 1, "0123456789") == n - 1 - TEMP_RANDOM ||
            strncmp(name + 1, "checkpoint", strlen("checkpoint")) == 0 ||
            strncmp(name + 1, "index.", strlen("index.")) == 0 || is_proof(name + 1));
}

static enum dt_err
look_at(struct export_run *e, struct todo *todo, const char *below, const struct dirent *entry)
{
    char path[EXPORT_PATH_MAX], full[EXPORT_PATH_MAX];
    struct tlog_tile tile;
    enum dt_err err;
    int n =
        snprintf(path, sizeof(path), "%s%s%s", below, below[0] == '\0' ? "" : "/", entry->d_name);

    if (n < 0 || (size_t)n >= sizeof(path))
        return DT_OK; /* too long to be one of ours */
    if ((err = export_path(e, path, full)) != DT_OK)
        return err;
    if (!is_leftover(entry->d_name) && (tlog_tile_path_parse(dt_view_str(path), &tile) != DT_OK ||
                                        tile.width == TLOG_TILE_WIDTH || is_needed(e, &tile))) {
        /* What of unknown kind is no folder says so when it is opened. */
        return entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN ? todo_add(todo, path)
                                                                      : DT_OK;
    }
    if (entry->d_type == DT_DIR)
        return DT_OK;
    if (unlink(full) != 0 && errno != ENOENT)
        return dt_fail(DT_ERR_IO, "%s: cannot remove: %s", full, strerror(errno));
    e->report->removed++;
    return DT_OK;
}

static enum dt_err
look_into(struct export_run *e, struct todo *todo, const char *below)
{
    size_t n = strlen(below);
    char path[EXPORT_PATH_MAX];
    struct dirent *entry;
    enum dt_err err;
    DIR *dir;
    int fd;

    if ((err = export_path(e, below, path)) != DT_OK)
        return err;
    /* Below the folder that was named no link is followed: nothing outside it is ours to remove. */
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (n > 0 ? O_NOFOLLOW : 0));
    if (fd < 0)
        return errno == ENOTDIR || errno == ENOENT || errno == ELOOP
                   ? DT_OK
                   : dt_fail(DT_ERR_IO, "%s: cannot open the folder: %s", path, strerror(errno));
    if ((dir = fdopendir(fd)) == NULL) {
        (void)close(fd);
        return dt_nomem();
    }
    while (err == DT_OK && (errno = 0, entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            err = look_at(e, todo, below, entry);
    }
    if (err == DT_OK && errno != 0)
        err = dt_fail(DT_ERR_IO, "%s: cannot read the folder: %s", path, strerror(errno));
    (void)closedir(dir);
    /* The folder of a tile's partial ones goes with the last of them; else it is not empty. */
    if (err == DT_OK && n > 2 && strcmp(below + n - 2, ".p") == 0)
        (void)rmdir(path);
    return err;
}

enum dt_err
export_tidy(struct export_run *e)
{
    DT_CLEANUP(todo_clear) struct todo todo = {0};
    enum dt_err err = todo_add(&todo, "");

    while (err == DT_OK && todo.n > 0) {
        char *below = todo.v[--todo.n];

        err = look_into(e, &todo, below);
        dt_free(below);
    }
    return err;
}
