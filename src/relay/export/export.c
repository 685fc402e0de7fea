/*
 * relay/export/export.c - see export.h: what is written, in which order.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "log/tile_read.h"

#include "relay/export/internal.h"

/* In the order in which they are written. */
static const struct {
    const char *name;
    enum dt_relay_store_which which;
} checkpoints[EXPORT_CHECKPOINTS] = {{"checkpoint.final", DT_RELAY_STORE_FINAL},
                                     {"checkpoint", DT_RELAY_STORE_ATTESTED},
                                     {"checkpoint.held", DT_RELAY_STORE_HELD}};

/* A checkpoint of the register; size only counts when there is one. */
struct signed_size {
    bool there;
    struct dt_buf note;
    struct tlog_checkpoint checkpoint;
};

enum dt_err
export_path(const struct export_run *e, const char *below, char out[static EXPORT_PATH_MAX])
{
    int n = snprintf(out, EXPORT_PATH_MAX, "%s/r/%s%s%s", e->dir, e->id,
                     below[0] == '\0' ? "" : "/", below);

    return n > 0 && n < EXPORT_PATH_MAX ? DT_OK
                                        : dt_fail(DT_ERR_IO, "the folder's path is too long");
}

static enum dt_err
tile_path(const struct export_run *e, const struct tlog_tile *tile,
          char out[static EXPORT_PATH_MAX])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(TLOG_PATH_STR_MAX + 1);
    enum dt_err err;

    if ((err = tlog_tile_path_write(tile, &path)) != DT_OK ||
        (err = dt_buf_append(&path, dt_view((const uint8_t *)"", 1))) != DT_OK)
        return err;
    return export_path(e, (const char *)path.p, out);
}

/* ---- folders and files ---- */

static enum dt_err
sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd), e = errno;

    if (fd >= 0)
        (void)close(fd);
    return rc == 0 ? DT_OK
                   : dt_fail(DT_ERR_IO, "%s: cannot sync the folder: %s", path, strerror(e));
}

/* Make one folder that a web server may read, so that it lasts. */
static enum dt_err
make_folder(char *path)
{
    char *slash = strrchr(path, '/');
    enum dt_err err;

    if (mkdir(path, 0755) != 0) {
        if (errno == EEXIST)
            return DT_OK;
        return dt_fail(DT_ERR_IO, "%s: cannot make the folder: %s", path, strerror(errno));
    }
    *slash = '\0';
    err = sync_folder(path[0] == '\0' ? "/" : path);
    *slash = '/';
    return err;
}

/* All folders that ${path} lies in, below the export's own. */
static enum dt_err
make_folders(const struct export_run *e, char *path)
{
    enum dt_err err = DT_OK;

    for (char *at = strchr(path + strlen(e->dir) + 1, '/'); err == DT_OK && at != NULL;
         at = strchr(at + 1, '/')) {
        *at = '\0';
        err = make_folder(path);
        *at = '/';
    }
    return err;
}

enum dt_err
export_write(struct export_run *e, char *path, struct dt_view content)
{
    enum dt_err err = dt_file_write(path, content, 0644);

    if (err == DT_ERR_IO && (err = make_folders(e, path)) == DT_OK)
        err = dt_file_write(path, content, 0644); /* its folder was missing */
    if (err == DT_OK)
        e->report->written++;
    return err;
}

bool
export_is_there(const char *path, uint64_t size)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

/* ---- tiles and bundles ---- */

static enum dt_err
tile_of_store(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    const struct export_run *e = ctx;

    return dt_relay_store_tile(e->store, e->reg.id, tile, out);
}

/* Write the tile or bundle unless it is there. */
static enum dt_err
put_tile(struct export_run *e, const struct tlog_tile *tile)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf content = DT_BUF_INIT(TLOG_BUNDLE_MAX);
    uint64_t each = tile->entries ? 2 + DT_REGISTER_ENTRY : TLOG_HASH;
    char path[EXPORT_PATH_MAX];
    enum dt_err err;

    if ((err = tile_path(e, tile, path)) != DT_OK || export_is_there(path, tile->width * each))
        return err;
    if ((err = tile_of_store(e, tile, &content)) != DT_OK)
        return dt_fail_context(err == DT_ERR_NOT_FOUND ? DT_ERR_CONFLICT : err,
                               "register.detente/%s", e->id);
    return export_write(e, path, dt_buf_view(&content));
}

/* The full tiles of level ${level} up to ${size}, and the partial one after them. */
static enum dt_err
put_level(struct export_run *e, bool entries, uint8_t level, uint64_t size)
{
    struct tlog_tile tile = {.entries = entries, .level = level, .width = TLOG_TILE_WIDTH};
    enum dt_err err = DT_OK;
    uint64_t full = 0;
    uint16_t partial = 0;

    tlog_tiles_of_level(level, size, &full, &partial);
    for (; err == DT_OK && tile.index < full; tile.index++)
        err = put_tile(e, &tile);
    tile.width = partial;
    return err == DT_OK && partial > 0 ? put_tile(e, &tile) : err;
}

/* All that a checkpoint of ${size} needs. */
static enum dt_err
put_tree(struct export_run *e, uint64_t size)
{
    enum dt_err err = put_level(e, true, 0, size);

    for (unsigned int level = 0; err == DT_OK && level < TLOG_TILE_LEVELS; level++)
        err = put_level(e, false, (uint8_t)level, size);
    return err;
}

/* ---- checkpoints ---- */

static void sizes_clear(struct signed_size (*sizes)[EXPORT_CHECKPOINTS])
{
    for (size_t i = 0; i < EXPORT_CHECKPOINTS; i++)
        dt_buf_clear(&(*sizes)[i].note);
}

/* Read a note's checkpoint. */
static enum dt_err
read_note(struct signed_size *size)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    enum dt_err err = tlog_note_parse(dt_buf_view(&size->note), &note);

    if (err == DT_OK)
        err = tlog_checkpoint_parse(note.text, &size->checkpoint);
    size->checkpoint.extension = dt_view(NULL, 0);
    size->there = err == DT_OK;
    return err;
}

/* What the store has, and that its tiles lead there. */
static enum dt_err
look_up(struct export_run *e, struct signed_size *sizes)
{
    uint64_t size = 0;
    enum dt_err err;

    for (size_t i = 0; i < EXPORT_CHECKPOINTS; i++) {
        struct tlog_frontier f;

        err = dt_relay_store_checkpoint(e->store, e->reg.id, checkpoints[i].which, 0,
                                        &sizes[i].note, &size);
        if (err == DT_ERR_NOT_FOUND)
            continue;
        if (err != DT_OK || (err = read_note(&sizes[i])) != DT_OK)
            return err;
        err = tlog_tiles_frontier(tile_of_store, e, size, &sizes[i].checkpoint.root, &f);
        if (err == DT_ERR_PROOF || err == DT_ERR_NOT_FOUND)
            return dt_fail(DT_ERR_CONFLICT,
                           "register.detente/%s: the tree in the store is not the one that was "
                           "signed",
                           e->id);
        if (err != DT_OK)
            return err;
        if (checkpoints[i].which == DT_RELAY_STORE_HELD)
            e->held = sizes[i].checkpoint;
    }
    return DT_OK;
}

/*
 * Who reads in the folder may hold ${old}, which the register's key signed: is it of the store's
 * tree? Not if the store was put back from an older copy: then nothing is put over it, for the
 * folder is all that is left of what was lost.
 */
static enum dt_err
check_there(struct export_run *e, const struct tlog_checkpoint *old)
{
    DT_CLEANUP(tlog_tile_reader_clear)
    struct tlog_tile_reader tiles = {.fn = tile_of_store, .ctx = e, .size = e->held.size};
    struct tlog_hash root;
    enum dt_err err;

    if (old->size > e->held.size)
        return dt_fail(DT_ERR_CONFLICT,
                       "register.detente/%s: the folder shows %llu entries and the store holds "
                       "%llu: it was put back from an older copy",
                       e->id, (unsigned long long)old->size, (unsigned long long)e->held.size);
    if ((err = tlog_root_make(tlog_tile_node, &tiles, old->size, &root)) != DT_OK)
        return err;
    if (!tlog_hash_equal(&root, &old->root))
        return dt_fail(DT_ERR_CONFLICT,
                       "register.detente/%s: the folder shows another history than the store holds",
                       e->id);
    return DT_OK;
}

/* The checkpoints that stand in the folder: they must be the store's, and their sizes count, for
 * who reads there may hold one of them. */
static enum dt_err
look_there(struct export_run *e)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    enum dt_err err = dt_relay_store_policy(e->store, e->reg.id, &policy);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < EXPORT_CHECKPOINTS; i++) {
        struct signed_size old = {.note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX)};
        struct tlog_checkpoint theirs;
        char path[EXPORT_PATH_MAX];

        if ((err = export_path(e, checkpoints[i].name, path)) == DT_OK)
            err = dt_file_read(path, &old.note);
        if (err == DT_OK && read_note(&old) == DT_OK)
            e->needed[e->n_needed++] = old.checkpoint.size;
        /* What the register did not sign is anybody's, and is overwritten. */
        if (err == DT_OK &&
            tlog_checkpoint_open(dt_buf_view(&old.note), &policy.logs[0].key, &theirs) == DT_OK)
            err = check_there(e, &theirs);
        dt_buf_clear(&old.note);
        if (err != DT_OK && err != DT_ERR_NOT_FOUND && err != DT_ERR_LIMIT)
            return err;
    }
    return DT_OK;
}

static enum dt_err
put_checkpoint(struct export_run *e, size_t i, const struct signed_size *size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf old = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    char path[EXPORT_PATH_MAX];
    enum dt_err err;

    if ((err = export_path(e, checkpoints[i].name, path)) != DT_OK)
        return err;
    err = dt_file_read(path, &old);
    if (err == DT_OK && dt_view_equal(dt_buf_view(&old), dt_buf_view(&size->note)))
        return DT_OK;
    return export_write(e, path, dt_buf_view(&size->note));
}

static enum dt_err
export_one(struct export_run *e)
{
    DT_CLEANUP(sizes_clear) struct signed_size sizes[EXPORT_CHECKPOINTS];
    DT_CLEANUP(dt_buf_clear) struct dt_buf openings = DT_BUF_INIT(EXPORT_INDEX_MAX);
    enum dt_err err;

    memset(sizes, 0, sizeof(sizes));
    for (size_t i = 0; i < EXPORT_CHECKPOINTS; i++)
        dt_buf_init(&sizes[i].note, DT_REGISTER_NOTE_MAX);
    e->n_needed = 0;
    /* First what was opened, so that the entries it is about are in the checkpoints read after it.
     */
    if ((err = dt_relay_store_openings(e->store, e->reg.id, &openings)) != DT_OK)
        return err;
    if ((err = look_up(e, sizes)) != DT_OK || (err = look_there(e)) != DT_OK)
        return err;
    for (size_t i = 0; err == DT_OK && i < EXPORT_CHECKPOINTS; i++) {
        if (!sizes[i].there)
            continue;
        e->needed[e->n_needed++] = sizes[i].checkpoint.size;
        err = put_tree(e, sizes[i].checkpoint.size);
    }
    /* Files are synced one by one, and their folders; but an export that was killed may have left a
     * folder whose own name is not on disk yet. */
    if (err == DT_OK && syncfs(e->lock) != 0)
        err = dt_fail(DT_ERR_IO, "%s: cannot sync: %s", e->dir, strerror(errno));
    for (size_t i = 0; err == DT_OK && i < EXPORT_CHECKPOINTS; i++)
        if (sizes[i].there)
            err = put_checkpoint(e, i, &sizes[i]);
    if (err == DT_OK)
        err = export_openings(e, dt_buf_view(&openings));
    if (err == DT_OK)
        err = export_tidy(e);
    if (err == DT_OK)
        e->report->registers++;
    return err;
}

/* ---- all of them ---- */

/* One export at a time in a folder: the lock is on the folder itself. */
static enum dt_err
lock_folder(const char *dir, int *out)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return dt_fail(DT_ERR_IO, "%s: cannot open the folder: %s", dir, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)close(fd);
        return dt_fail(DT_ERR_BUSY, "%s: another export writes there", dir);
    }
    *out = fd;
    return DT_OK;
}

static enum dt_err
export_all(struct export_run *e, const uint8_t *only)
{
    enum dt_err err = DT_OK;

    if (only != NULL) {
        dt_hex_str(e->id, dt_view(only, DT_REGISTER_ID));
        err = dt_relay_store_register(e->store, only, &e->reg);
        return err == DT_OK ? export_one(e) : dt_fail_context(err, "%s", e->id);
    }
    for (int64_t at = 0; err == DT_OK;) {
        uint8_t id[DT_REGISTER_ID];

        if ((err = dt_relay_store_next_register(e->store, at, &at)) != DT_OK)
            break;
        if ((err = dt_relay_store_register_id(e->store, at, id)) != DT_OK ||
            (err = dt_relay_store_register(e->store, id, &e->reg)) != DT_OK)
            return err;
        dt_hex_str(e->id, dt_view_of(id));
        if (e->reg.read_key)
            e->report->passed_over++;
        else
            err = export_one(e);
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_relay_export(struct dt_relay_store *s, const char *dir, const uint8_t *only,
                struct dt_export_report *out)
{
    struct dt_export_report report = {0};
    struct export_run e = {.store = s, .dir = dir, .report = &report, .lock = -1};
    enum dt_err err;

    if ((err = dt_dir_make(dir, 0755)) != DT_OK || (err = lock_folder(dir, &e.lock)) != DT_OK)
        return err;
    err = export_all(&e, only);
    (void)close(e.lock);
    if (err == DT_OK)
        *out = report;
    return err;
}
