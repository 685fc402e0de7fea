/*
 * agent/keep/sealed.c - see sealed.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/wire.h"
#include "crypto/crypto.h"
#include "crypto/stream.h"

#include "agent/keep/sealed.h"

#define HEAD_MAX (DT_SEALED_MAGIC + DT_ARGON2_SALT + 8u + DT_STREAM_HEADER)
#define SEALED   (DT_SEALED_PIECE + DT_STREAM_EXTRA)

/* ---- writing ---- */

struct dt_sealed_out {
    int fd;
    char path[PATH_MAX];
    char part[PATH_MAX];
    struct dt_stream *stream;
    struct dt_buf head; /* bound to the first piece; empty after it */
    struct dt_buf plain;
};

static enum dt_err
write_all(struct dt_sealed_out *f, struct dt_view v)
{
    while (v.n > 0) {
        ssize_t n = write(f->fd, v.p, v.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dt_fail(DT_ERR_IO, "%s: cannot be written: %s", f->path, strerror(errno));
        v = dt_view(v.p + n, v.n - (size_t)n);
    }
    return DT_OK;
}

static enum dt_err
flush(struct dt_sealed_out *f, bool last)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(SEALED);
    enum dt_err err =
        dt_stream_seal(f->stream, dt_buf_view(&f->head), dt_buf_view(&f->plain), last, &sealed);

    f->head.n = 0;
    dt_buf_wipe(&f->plain);
    return err != DT_OK ? err : write_all(f, dt_buf_view(&sealed));
}

static enum dt_err
write_head(struct dt_sealed_out *f, const char *magic, struct dt_view passphrase)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    struct dt_writer w = dt_writer_init(&f->head);
    uint8_t header[DT_STREAM_HEADER];
    struct dt_argon2 params;
    enum dt_err err;

    if ((err = dt_argon2_new(&params)) != DT_OK ||
        (err = dt_argon2(&params, passphrase, &key)) != DT_OK ||
        (err = dt_stream_seal_begin(dt_secret_view(&key), header, &f->stream)) != DT_OK)
        return err;
    dt_write_view(&w, dt_view_str(magic));
    dt_write_view(&w, dt_view_of(params.salt));
    dt_write_u32(&w, params.mem_kib);
    dt_write_u32(&w, params.passes);
    dt_write_view(&w, dt_view_of(header));
    err = dt_writer_end(&w);
    return err != DT_OK ? err : write_all(f, dt_buf_view(&f->head));
}

enum dt_err
dt_sealed_create(const char *path, const char *magic, struct dt_view passphrase,
                 struct dt_sealed_out **out)
{
    DT_CLEANUP(dt_sealed_drop_p) struct dt_sealed_out *f = NULL;
    enum dt_err err;

    if (passphrase.n == 0)
        return dt_fail(DT_ERR_RANGE, "the passphrase is empty: choose one");
    if (strlen(path) + 16 > PATH_MAX)
        return dt_fail(DT_ERR_RANGE, "the name of the file is too long");
    if (dt_file_exists(path))
        return dt_fail(DT_ERR_EXISTS, "%s: exists already", path);
    f = dt_alloc(1, sizeof *f);
    if (f == NULL)
        return dt_nomem();
    f->fd = -1;
    dt_buf_init(&f->head, HEAD_MAX);
    dt_buf_init(&f->plain, DT_SEALED_PIECE);
    (void)snprintf(f->path, sizeof f->path, "%s", path);
    (void)snprintf(f->part, sizeof f->part, "%.*s.part-XXXXXX", (int)(sizeof f->part - 16), path);
    f->fd = mkostemp(f->part, O_CLOEXEC); /* 0600 from the start */
    if (f->fd < 0) {
        f->part[0] = '\0';
        return dt_fail(DT_ERR_IO, "%s: cannot be made: %s", path, strerror(errno));
    }
    if ((err = write_head(f, magic, passphrase)) != DT_OK)
        return err;
    *out = f;
    f = NULL;
    return DT_OK;
}

enum dt_err
dt_sealed_put(struct dt_sealed_out *f, struct dt_view v)
{
    enum dt_err err;

    while (v.n > 0) {
        size_t room = DT_SEALED_PIECE - f->plain.n;
        size_t n = v.n < room ? v.n : room;

        /* A full piece waits until there is more, for the last one bears the end. */
        if (room == 0) {
            if ((err = flush(f, false)) != DT_OK)
                return err;
            continue;
        }
        if ((err = dt_buf_append(&f->plain, dt_view(v.p, n))) != DT_OK)
            return err;
        v = dt_view(v.p + n, v.n - n);
    }
    return DT_OK;
}

enum dt_err
dt_sealed_finish(struct dt_sealed_out *f)
{
    enum dt_err err = flush(f, true);

    if (err == DT_OK && fsync(f->fd) != 0)
        err = dt_fail(DT_ERR_IO, "%s: cannot be synced: %s", f->path, strerror(errno));
    if (close(f->fd) != 0 && err == DT_OK)
        err = dt_fail(DT_ERR_IO, "%s: cannot be closed: %s", f->path, strerror(errno));
    f->fd = -1;
    if (err == DT_OK)
        err = dt_file_place(f->part, f->path);
    (void)unlink(f->part); /* where the file system could not rename it is still there */
    f->part[0] = '\0';
    return err;
}

void
dt_sealed_drop(struct dt_sealed_out *f)
{
    if (f == NULL)
        return;
    if (f->fd >= 0)
        (void)close(f->fd);
    if (f->part[0] != '\0')
        (void)unlink(f->part);
    dt_stream_free(f->stream);
    dt_buf_clear(&f->head);
    dt_buf_wipe(&f->plain);
    dt_free(f);
}

void
dt_sealed_drop_p(struct dt_sealed_out **f)
{
    dt_sealed_drop(*f);
    *f = NULL;
}

/* ---- reading ---- */

struct dt_sealed_in {
    int fd;
    char path[PATH_MAX];
    struct dt_stream *stream;
    struct dt_buf head;
    struct dt_buf plain; /* of the present piece */
    size_t used;         /* of it */
    bool first;
    bool last; /* it is the last one */
};

/* Up to ${n} bytes; fewer only at the end of the file. */
static enum dt_err
read_up_to(struct dt_sealed_in *f, size_t n, struct dt_buf *out)
{
    enum dt_err err = dt_buf_reserve(out, n);

    while (err == DT_OK && n > 0) {
        ssize_t got = read(f->fd, out->p + out->n, n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return dt_fail(DT_ERR_IO, "%s: cannot be read: %s", f->path, strerror(errno));
        if (got == 0)
            break;
        out->n += (size_t)got;
        n -= (size_t)got;
    }
    return err;
}

static enum dt_err
next_piece(struct dt_sealed_in *f)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(SEALED);
    enum dt_err err = read_up_to(f, SEALED, &sealed);

    if (err != DT_OK)
        return err;
    f->plain.n = f->used = 0;
    err =
        dt_stream_open(f->stream, dt_buf_view(&f->head), dt_buf_view(&sealed), &f->plain, &f->last);
    f->head.n = 0;
    if (err == DT_ERR_AUTH)
        return f->first ? dt_fail(DT_ERR_LOCKED,
                                  "%s: the passphrase is wrong, or the file was altered", f->path)
                        : dt_fail(DT_ERR_AUTH, "%s: it was altered or cut off", f->path);
    f->first = false;
    return err;
}

static enum dt_err
read_head(struct dt_sealed_in *f, const char *magic, struct dt_view passphrase)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    size_t n = strlen(magic);
    uint8_t header[DT_STREAM_HEADER];
    struct dt_argon2 params;
    struct dt_reader r;
    enum dt_err err = read_up_to(f, n + HEAD_MAX - DT_SEALED_MAGIC, &f->head);

    if (err != DT_OK)
        return err;
    if (f->head.n < n || memcmp(f->head.p, magic, n) != 0)
        return dt_fail(DT_ERR_FORMAT, "%s: is something else: it does not begin with '%.*s'",
                       f->path, (int)n - 1, magic);
    r = dt_reader_init(dt_view(f->head.p + n, f->head.n - n));
    if ((err = dt_read_fixed(&r, params.salt, sizeof params.salt)) != DT_OK ||
        (err = dt_read_u32(&r, &params.mem_kib)) != DT_OK ||
        (err = dt_read_u32(&r, &params.passes)) != DT_OK ||
        (err = dt_read_fixed(&r, header, sizeof header)) != DT_OK)
        return dt_fail(DT_ERR_FORMAT, "%s: it was cut off", f->path);
    err = dt_argon2(&params, passphrase, &key);
    if (err == DT_ERR_LIMIT || err == DT_ERR_RANGE)
        return dt_fail(DT_ERR_FORMAT, "%s: its beginning is damaged", f->path);
    if (err != DT_OK ||
        (err = dt_stream_open_begin(dt_secret_view(&key), header, &f->stream)) != DT_OK)
        return err;
    return next_piece(f);
}

enum dt_err
dt_sealed_open(const char *path, const char *magic, struct dt_view passphrase,
               struct dt_sealed_in **out)
{
    DT_CLEANUP(dt_sealed_close_p) struct dt_sealed_in *f = dt_alloc(1, sizeof *f);
    enum dt_err err;

    if (f == NULL)
        return dt_nomem();
    f->first = true;
    dt_buf_init(&f->head, HEAD_MAX);
    dt_buf_init(&f->plain, DT_SEALED_PIECE);
    (void)snprintf(f->path, sizeof f->path, "%s", path);
    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (f->fd < 0)
        return dt_fail(DT_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if ((err = read_head(f, magic, passphrase)) != DT_OK)
        return err;
    *out = f;
    f = NULL;
    return DT_OK;
}

enum dt_err
dt_sealed_get(struct dt_sealed_in *f, size_t n, struct dt_buf *out)
{
    enum dt_err err;

    while (n > 0) {
        size_t there = f->plain.n - f->used;
        size_t now = n < there ? n : there;

        if (now == 0) {
            if (f->last)
                return dt_fail(DT_ERR_FORMAT, "%s: it ends too early", f->path);
            if ((err = next_piece(f)) != DT_OK)
                return err;
            continue;
        }
        if ((err = dt_buf_append(out, dt_view(f->plain.p + f->used, now))) != DT_OK)
            return err;
        f->used += now;
        n -= now;
    }
    return DT_OK;
}

enum dt_err
dt_sealed_end(struct dt_sealed_in *f)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf more = DT_BUF_INIT(1);
    enum dt_err err;

    /* The last piece may be empty, behind a full one. */
    if (f->used == f->plain.n && !f->last && (err = next_piece(f)) != DT_OK)
        return err;
    if (f->used != f->plain.n || !f->last)
        return dt_fail(DT_ERR_FORMAT, "%s: there is something behind its end", f->path);
    if ((err = read_up_to(f, 1, &more)) != DT_OK)
        return err;
    return more.n == 0 ? DT_OK
                       : dt_fail(DT_ERR_FORMAT, "%s: there is something behind its end", f->path);
}

void
dt_sealed_close(struct dt_sealed_in *f)
{
    if (f == NULL)
        return;
    if (f->fd >= 0)
        (void)close(f->fd);
    dt_stream_free(f->stream);
    dt_buf_clear(&f->head);
    dt_buf_wipe(&f->plain);
    dt_free(f);
}

void
dt_sealed_close_p(struct dt_sealed_in **f)
{
    dt_sealed_close(*f);
    *f = NULL;
}
