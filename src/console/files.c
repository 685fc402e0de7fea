/*
 * console/files.c - see files.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"

#include "console/files.h"

#define NAME_LEN (2u * DT_CONSOLE_ID)

/* The path of the file, in a folder of its own, so that it has its name; with ${name} "" that
 * folder. Owner: dt_free(). */
static enum dt_err
path_of(const struct dt_console_files *f, const struct dt_console_file *file, const char *name,
        char **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(8192);
    char hex[NAME_LEN + 1];
    enum dt_err err;

    dt_hex_str(hex, dt_view_of(file->id));
    if ((err = dt_buf_printf(&b, "%s/%s%s%s", f->folder, hex, name[0] != '\0' ? "/" : "", name)) !=
        DT_OK)
        return err;
    return (*out = dt_strndup((const char *)b.p, b.n)) != NULL ? DT_OK : dt_nomem();
}

static void
remove_file(const struct dt_console_files *f, struct dt_console_file *file)
{
    DT_CLEANUP(dt_free_p) char *path = NULL;
    DT_CLEANUP(dt_free_p) char *folder = NULL;

    if (path_of(f, file, file->name, &path) == DT_OK && path_of(f, file, "", &folder) == DT_OK) {
        (void)unlink(path);
        (void)rmdir(folder);
    }
    *file = (struct dt_console_file){0};
}

/* The folder of a new file. */
static enum dt_err
make_folder(const struct dt_console_files *f, const struct dt_console_file *file)
{
    DT_CLEANUP(dt_free_p) char *folder = NULL;
    enum dt_err err = path_of(f, file, "", &folder);

    return err != DT_OK ? err : dt_dir_make(folder, 0700);
}

/* What an earlier run left in a folder of a file, and the folder. */
static void
sweep(int dir, const char *name)
{
    const int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL)
        (void)unlinkat(fd, e->d_name, 0);
    if (d != NULL)
        (void)closedir(d);
    else if (fd >= 0)
        (void)close(fd);
    (void)unlinkat(dir, name, AT_REMOVEDIR);
}

static bool
is_ours(const char *name)
{
    return strlen(name) == NAME_LEN && strspn(name, "0123456789abcdef") == NAME_LEN;
}

enum dt_err
dt_console_files_init(struct dt_console_files *f, const char *folder)
{
    enum dt_err err = dt_dir_make(folder, 0700);
    struct dirent *e;
    DIR *d;

    if (err != DT_OK)
        return err;
    *f = (struct dt_console_files){.folder = folder};
    if ((d = opendir(folder)) == NULL)
        return dt_fail(DT_ERR_IO, "%s: cannot be read", folder);
    while ((e = readdir(d)) != NULL)
        if (is_ours(e->d_name))
            sweep(dirfd(d), e->d_name);
    (void)closedir(d);
    (void)pthread_mutex_init(&f->lock, NULL);
    return DT_OK;
}

void
dt_console_files_clear(struct dt_console_files *f)
{
    for (size_t i = 0; i < DT_CONSOLE_FILES; i++)
        if (f->file[i].used)
            remove_file(f, &f->file[i]);
    if (f->folder != NULL)
        (void)rmdir(f->folder);
    (void)pthread_mutex_destroy(&f->lock);
}

/* Under the lock. A free place, else that of the oldest which no call uses. */
static enum dt_err
place(struct dt_console_files *f, struct dt_console_file **out)
{
    struct dt_console_file *best = NULL;
    uint8_t id[DT_CONSOLE_ID];
    enum dt_err err;

    for (size_t i = 0; i < DT_CONSOLE_FILES; i++) {
        struct dt_console_file *x = &f->file[i];

        if (x->busy == 0 && (best == NULL || (best->used && (!x->used || x->order < best->order))))
            best = x;
    }
    if (best == NULL)
        return dt_fail(DT_ERR_LIMIT, "too many files are in use at one time");
    if ((err = dt_random(id, sizeof id)) != DT_OK)
        return err;
    if (best->used)
        remove_file(f, best);
    *best = (struct dt_console_file){.used = true, .order = ++f->order};
    memcpy(best->id, id, sizeof id);
    *out = best;
    return DT_OK;
}

static struct dt_console_file *
find(struct dt_console_files *f, const uint8_t id[static DT_CONSOLE_ID])
{
    for (size_t i = 0; i < DT_CONSOLE_FILES; i++)
        if (f->file[i].used && memcmp(f->file[i].id, id, DT_CONSOLE_ID) == 0)
            return &f->file[i];
    return NULL;
}

/* Under the lock. The file whose id a page gave, or NULL. */
static struct dt_console_file *
find_hex(struct dt_console_files *f, struct dt_view id_hex)
{
    uint8_t id[DT_CONSOLE_ID];

    return dt_hex_read_fixed(id, sizeof id, id_hex) == DT_OK ? find(f, id) : NULL;
}

static enum dt_err
no_file(void)
{
    return dt_fail(DT_ERR_NOT_FOUND, "there is no such file here, or it was fetched already");
}

enum dt_err
dt_console_upload_begin(struct dt_console_files *f, struct dt_view name, uint64_t size,
                        uint8_t out_id[static DT_CONSOLE_ID])
{
    DT_CLEANUP(dt_free_p) char *path = NULL;
    struct dt_console_file *file = NULL;
    enum dt_err err;

    if (!dt_console_file_name_ok(name))
        return dt_fail(DT_ERR_FORMAT, "the name of the file is no plain name");
    if (size > DT_CONSOLE_FILE_MAX)
        return dt_fail(DT_ERR_LIMIT, "a file here may have %llu bytes",
                       (unsigned long long)DT_CONSOLE_FILE_MAX);
    (void)pthread_mutex_lock(&f->lock);
    if ((err = place(f, &file)) == DT_OK) {
        memcpy(file->name, name.p, name.n);
        file->size = size;
        file->whole = size == 0;
        if ((err = make_folder(f, file)) == DT_OK &&
            (err = path_of(f, file, file->name, &path)) == DT_OK)
            err = dt_file_create(path, dt_view(NULL, 0), 0600);
        if (err == DT_OK)
            memcpy(out_id, file->id, DT_CONSOLE_ID);
        else
            remove_file(f, file);
    }
    (void)pthread_mutex_unlock(&f->lock);
    return err;
}

/* All of ${v} at the end of the file. */
static enum dt_err
append(const char *path, struct dt_view v)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    enum dt_err err = DT_OK;

    if (fd < 0)
        return dt_fail(DT_ERR_IO, "a file of the console cannot be written: %s", strerror(errno));
    while (err == DT_OK && v.n > 0) {
        const ssize_t n = write(fd, v.p, v.n);

        if (n > 0)
            v = dt_view(v.p + n, v.n - (size_t)n);
        else if (n == 0 || errno != EINTR)
            err =
                dt_fail(DT_ERR_IO, "a file of the console cannot be written: %s", strerror(errno));
    }
    (void)close(fd);
    return err;
}

enum dt_err
dt_console_upload_piece(struct dt_console_files *f, struct dt_view id_hex, struct dt_view piece,
                        uint64_t *out_have)
{
    DT_CLEANUP(dt_free_p) char *path = NULL;
    struct dt_console_file *file;
    enum dt_err err;

    (void)pthread_mutex_lock(&f->lock);
    file = find_hex(f, id_hex);
    if (file == NULL || file->whole || file->dropped)
        err = no_file();
    else if (piece.n > file->size - file->have)
        err = dt_fail(DT_ERR_LIMIT, "more came of the file than was said");
    else if ((err = path_of(f, file, file->name, &path)) == DT_OK &&
             (err = append(path, piece)) == DT_OK) {
        file->have += piece.n;
        file->whole = file->have == file->size;
        *out_have = file->have;
    } else {
        remove_file(f, file); /* what is half there cannot be gone on with */
    }
    (void)pthread_mutex_unlock(&f->lock);
    return err;
}

/* Under the lock. */
static void
drop(const struct dt_console_files *f, struct dt_console_file *file)
{
    if (file->busy > 0)
        file->dropped = true;
    else
        remove_file(f, file);
}

bool
dt_console_file_drop(struct dt_console_files *f, struct dt_view id_hex)
{
    struct dt_console_file *file;

    (void)pthread_mutex_lock(&f->lock);
    if ((file = find_hex(f, id_hex)) != NULL)
        drop(f, file);
    (void)pthread_mutex_unlock(&f->lock);
    return file != NULL;
}

void
dt_console_files_drop(struct dt_console_files *f)
{
    (void)pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < DT_CONSOLE_FILES; i++)
        if (f->file[i].used)
            drop(f, &f->file[i]);
    (void)pthread_mutex_unlock(&f->lock);
}

enum dt_err
dt_console_download(struct dt_console_files *f, struct dt_view id_hex, struct dt_buf *out)
{
    DT_CLEANUP(dt_free_p) char *path = NULL;
    struct dt_console_file *file;
    enum dt_err err;

    (void)pthread_mutex_lock(&f->lock);
    file = find_hex(f, id_hex);
    if (file == NULL || !file->whole || file->busy > 0)
        err = no_file();
    else if ((err = path_of(f, file, file->name, &path)) == DT_OK &&
             (err = dt_file_read(path, out)) == DT_OK)
        remove_file(f, file);
    (void)pthread_mutex_unlock(&f->lock);
    return err;
}

/* Under the lock. */
static enum dt_err
lend(struct dt_console_files *f, struct dt_console_value *v)
{
    struct dt_console_file *file = NULL;
    char *path = NULL;
    enum dt_err err;

    if (v->kind == DT_CONSOLE_TEXT)
        return DT_OK;
    if (v->kind == DT_CONSOLE_DOWNLOAD) {
        if ((err = place(f, &file)) != DT_OK)
            return err;
        memcpy(file->name, v->file, sizeof file->name);
        memcpy(v->id, file->id, sizeof v->id);
        if ((err = make_folder(f, file)) != DT_OK)
            return err;
    } else if ((file = find(f, v->id)) == NULL || file->dropped) {
        return no_file();
    } else if (!file->whole) {
        return dt_fail(DT_ERR_STATE, "not all of the file has come");
    }
    if ((err = path_of(f, file, file->name, &path)) != DT_OK)
        return err;
    memcpy(v->file, file->name, sizeof v->file);
    file->busy++;
    dt_free(v->text);
    v->text = path;
    return DT_OK;
}

static struct dt_console_value *
value(struct dt_console_call *call, size_t i)
{
    return i < call->n_operands ? &call->operands[i] : &call->options[i - call->n_operands];
}

/* Under the lock: the call lets go of the first ${n} of its values. */
static void
let_go(struct dt_console_files *f, struct dt_console_call *call, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct dt_console_value *v = value(call, i);
        struct dt_console_file *file = v->kind == DT_CONSOLE_TEXT ? NULL : find(f, v->id);
        struct stat st;

        if (file == NULL)
            continue;
        file->busy--;
        if (file->dropped && file->busy == 0) {
            remove_file(f, file);
            continue;
        }
        if (v->kind != DT_CONSOLE_DOWNLOAD)
            continue;
        file->whole = lstat(v->text, &st) == 0 && S_ISREG(st.st_mode);
        if (file->whole)
            file->size = file->have = (uint64_t)st.st_size;
        else
            remove_file(f, file);
    }
}

enum dt_err
dt_console_files_lend(struct dt_console_files *f, struct dt_console_call *call)
{
    const size_t n = call->n_operands + call->n_options;
    enum dt_err err = DT_OK;
    size_t i;

    (void)pthread_mutex_lock(&f->lock);
    for (i = 0; err == DT_OK && i < n; i++)
        err = lend(f, value(call, i));
    if (err != DT_OK)
        let_go(f, call, i - 1);
    (void)pthread_mutex_unlock(&f->lock);
    return err;
}

void
dt_console_files_return(struct dt_console_files *f, struct dt_console_call *call)
{
    (void)pthread_mutex_lock(&f->lock);
    let_go(f, call, call->n_operands + call->n_options);
    (void)pthread_mutex_unlock(&f->lock);
}

bool
dt_console_file_written(struct dt_console_files *f, const struct dt_console_value *v,
                        uint64_t *out_size)
{
    const struct dt_console_file *file;
    bool written;

    (void)pthread_mutex_lock(&f->lock);
    file = v->kind == DT_CONSOLE_DOWNLOAD ? find(f, v->id) : NULL;
    written = file != NULL && file->whole;
    if (written)
        *out_size = file->size;
    (void)pthread_mutex_unlock(&f->lock);
    return written;
}
