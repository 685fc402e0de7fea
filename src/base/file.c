/*
 * base/file.c - see file.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define READ_STEP 65536u
#define KEEP_MAX  1000u /* names tried for one file */

static enum dt_err
fail_errno(const char *path, const char *what)
{
    int e = errno;

    return dt_fail(e == ENOENT ? DT_ERR_NOT_FOUND : DT_ERR_IO, "%s: %s: %s", path, what,
                   strerror(e));
}

/* As fail_errno(), where a missing folder is no "not found" of what was asked for. */
static enum dt_err
fail_io(const char *path, const char *what)
{
    return dt_fail(DT_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

static ssize_t
read_some(int fd, uint8_t *p, size_t n)
{
    ssize_t got;

    do
        got = read(fd, p, n);
    while (got < 0 && errno == EINTR);
    return got;
}

static enum dt_err
read_all(int fd, const char *path, struct dt_buf *out)
{
    for (;;) {
        size_t room = out->max - out->n;
        uint8_t one;
        ssize_t got;
        enum dt_err err;

        if (room == 0) {
            /* Full: only the end of the file may follow. */
            got = read_some(fd, &one, 1);
            dt_wipe(&one, 1);
            if (got > 0)
                return dt_fail(DT_ERR_LIMIT, "%s: larger than %zu bytes", path, out->max);
        } else {
            if (room > READ_STEP)
                room = READ_STEP;
            err = dt_buf_reserve(out, room);
            if (err != DT_OK)
                return err;
            got = read_some(fd, out->p + out->n, room);
        }
        if (got < 0)
            return fail_errno(path, "cannot read");
        if (got == 0)
            return DT_OK;
        out->n += (size_t)got;
    }
}

enum dt_err
dt_file_read(const char *path, struct dt_buf *out)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = STDIN_FILENO;
    enum dt_err err;

    out->n = 0;
    if (!standard) {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0) {
            err = fail_errno(path, "cannot open");
            dt_buf_wipe(out);
            return err;
        }
    }
    err = read_all(fd, standard ? "standard input" : path, out);
    if (!standard)
        (void)close(fd); /* read-only: close cannot lose anything */
    if (err != DT_OK)
        dt_buf_wipe(out);
    return err;
}

/* The folder of ${path} into ${out} (PATH_MAX). */
static enum dt_err
folder_of(const char *path, char *out)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - path);

    if (n >= PATH_MAX)
        return dt_fail(DT_ERR_LIMIT, "path too long");
    if (slash == NULL)
        memcpy(out, ".", 2);
    else if (n == 0)
        memcpy(out, "/", 2);
    else {
        memcpy(out, path, n);
        out[n] = '\0';
    }
    return DT_OK;
}

static enum dt_err
write_synced(int fd, const char *path, struct dt_view v, unsigned int mode)
{
    while (v.n > 0) {
        ssize_t put = write(fd, v.p, v.n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail_io(path, "cannot write");
        v.p += put;
        v.n -= (size_t)put;
    }
    if (fchmod(fd, (mode_t)mode) != 0)
        return fail_io(path, "cannot set the mode");
    if (fsync(fd) != 0)
        return fail_io(path, "cannot sync");
    return DT_OK;
}

/*
 * ${from} gets the name ${path}, which nothing has; 0, or -1 and errno. In one step where the file
 * system has one: a rename that replaces nothing, or a second name, after which ${from} is there
 * still. FAT and exFAT, beneath FUSE, have neither: an empty file takes the name first, so that it
 * is nobody else's, and is replaced.
 */
static int
name_new(const char *from, const char *path)
{
    int fd, rc, why;

    if ((rc = renameat2(AT_FDCWD, from, AT_FDCWD, path, RENAME_NOREPLACE)) == 0 ||
        (errno != EINVAL && errno != ENOSYS))
        return rc;
    if ((rc = link(from, path)) == 0 || (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP))
        return rc;
    if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
        return -1;
    (void)close(fd);
    if ((rc = rename(from, path)) != 0) {
        why = errno;
        (void)unlink(path);
        errno = why;
    }
    return rc;
}

/*
 * Write beside ${path}, then put it there: by rename, or as a new name when it must not exist yet.
 * The folder is opened first, so that nothing but its sync can fail once the file is there; a new
 * file whose folder cannot be synced is taken away again, for its maker is told that it is not
 * there.
 */
static enum dt_err
put_file(const char *path, struct dt_view v, unsigned int mode, bool fresh)
{
    char folder[PATH_MAX];
    char temp[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    enum dt_err err;
    int folder_fd;
    int n;
    int fd;

    err = folder_of(path, folder);
    if (err != DT_OK)
        return err;
    n = snprintf(temp, sizeof temp, "%s/.%s.XXXXXX", folder, name);
    if (n < 0 || (size_t)n >= sizeof temp)
        return dt_fail(DT_ERR_LIMIT, "path too long");
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        return fail_io(path, "cannot open its folder");
    fd = mkostemp(temp, O_CLOEXEC); /* 0600 from the start */
    if (fd < 0) {
        err = fail_io(path, "cannot create");
        (void)close(folder_fd);
        return err;
    }
    err = write_synced(fd, path, v, mode);
    if (close(fd) != 0 && err == DT_OK)
        err = fail_io(path, "cannot close");
    if (err == DT_OK && !fresh && rename(temp, path) != 0)
        err = fail_io(path, "cannot put in place");
    if (err == DT_OK && fresh && name_new(temp, path) != 0) {
        if (errno == EEXIST)
            err = dt_fail(DT_ERR_EXISTS, "%s: exists already", path);
        else
            err = fail_io(path, "cannot put in place");
    }
    if (err != DT_OK || fresh)
        (void)unlink(temp); /* a leftover has a name of its own and does no harm */
    if (err == DT_OK && fsync(folder_fd) != 0) {
        err = fail_io(path, "cannot sync its folder");
        if (fresh)
            (void)unlink(path);
    }
    (void)close(folder_fd);
    return err;
}

enum dt_err
dt_file_write(const char *path, struct dt_view v, unsigned int mode)
{
    return put_file(path, v, mode, false);
}

enum dt_err
dt_file_create(const char *path, struct dt_view v, unsigned int mode)
{
    return put_file(path, v, mode, true);
}

enum dt_err
dt_file_place(const char *from, const char *path)
{
    char folder[PATH_MAX];
    enum dt_err err = folder_of(path, folder);
    int folder_fd;

    if (err != DT_OK)
        return err;
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        return fail_io(path, "cannot open its folder");
    if (name_new(from, path) != 0) {
        err = errno == EEXIST ? dt_fail(DT_ERR_EXISTS, "%s: exists already", path)
                              : fail_io(path, "cannot put in place");
    } else if (fsync(folder_fd) != 0) {
        err = fail_io(path, "cannot sync its folder");
        (void)unlink(path);
    }
    (void)close(folder_fd);
    return err;
}

/* Does ${path} hold ${v} and nothing else? What cannot be read does not. */
static enum dt_err
holds(const char *path, struct dt_view v, bool *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf there = DT_BUF_INIT(v.n);
    enum dt_err err = dt_file_read(path, &there);

    *out = err == DT_OK && dt_view_equal(dt_buf_view(&there), v);
    return err == DT_ERR_NOMEM ? err : DT_OK;
}

enum dt_err
dt_file_keep(char *path, size_t size, struct dt_view v, unsigned int mode, bool *out_new)
{
    const char *slash = strrchr(path, '/');
    char first[PATH_MAX], *dot;
    int stem, n = snprintf(first, sizeof first, "%s", path);

    if (n < 0 || (size_t)n >= sizeof first)
        return dt_fail(DT_ERR_LIMIT, "path too long");
    dot = strrchr(first + (slash == NULL ? 0 : slash - path), '.');
    stem = dot == NULL ? n : (int)(dot - first);
    for (unsigned int i = 1; i < KEEP_MAX; i++) {
        enum dt_err err = dt_file_create(path, v, mode);
        bool made = err == DT_OK, same = false;

        if (err == DT_ERR_EXISTS)
            err = holds(path, v, &same);
        if (err != DT_OK)
            return err;
        *out_new = made;
        if (made || same)
            return DT_OK;
        n = snprintf(path, size, "%.*s-%u%s", stem, first, i + 1, first + stem);
        if (n < 0 || (size_t)n >= size)
            return dt_fail(DT_ERR_LIMIT, "path too long");
    }
    return dt_fail(DT_ERR_LIMIT, "%s: too many files of this name", first);
}

static enum dt_err
make_one(const char *path, unsigned int mode)
{
    struct stat st;

    if (mkdir(path, (mode_t)mode) == 0)
        return DT_OK;
    if (errno != EEXIST)
        return fail_io(path, "cannot make the folder");
    if (stat(path, &st) != 0)
        return fail_io(path, "cannot look at the folder");
    if (!S_ISDIR(st.st_mode))
        return dt_fail(DT_ERR_IO, "%s: is there and is no folder", path);
    return DT_OK;
}

enum dt_err
dt_dir_make(const char *path, unsigned int mode)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    enum dt_err err;

    if (n == 0 || n >= sizeof part)
        return dt_fail(DT_ERR_IO, "no usable folder name");
    for (size_t i = 1; i < n; i++) {
        if (path[i] != '/' || path[i - 1] == '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        err = make_one(part, mode);
        if (err != DT_OK)
            return err;
    }
    return make_one(path, mode);
}

bool
dt_file_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/* Byte by byte, because what follows the line belongs to someone else. */
enum dt_err
dt_fd_read_line(int fd, struct dt_buf *out)
{
    enum dt_err err = DT_OK;
    bool any = false;
    uint8_t c = 0;

    out->n = 0;
    for (;;) {
        ssize_t got = read_some(fd, &c, 1);

        if (got < 0)
            err = dt_fail(DT_ERR_IO, "cannot read from descriptor %d: %s", fd, strerror(errno));
        else if (got == 0 && !any)
            err = dt_fail(DT_ERR_NOT_FOUND, "nothing more to read from descriptor %d", fd);
        if (err != DT_OK || got == 0)
            break;
        any = true;
        if (c == '\n')
            break;
        err = dt_buf_append(out, dt_view(&c, 1));
        if (err != DT_OK)
            break;
    }
    dt_wipe(&c, 1);
    if (err != DT_OK)
        dt_buf_wipe(out);
    return err;
}
