/*
 * relay/signer/memory.c - see memory.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"
#include "crypto/crypto.h"
#include "log/limits.h"

#include "relay/signer/memory.h"

#define CHECK_BYTES 8u
#define LOCK_TRIES  100
#define LOCK_US     50000u

struct place {
    struct signer_record record;
    size_t at;      /* the how manieth in the file */
    bool unwritten; /* it could not be written there */
};

struct signer_memory {
    int fd;
    char *path;
    bool dirty;
    size_t n_unwritten;
    struct place *v; /* by register */
    size_t n, cap;
};

/* ---- records ---- */

enum dt_err
signer_record_write(const struct signer_record *r, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t begin = out->n;
    uint8_t hash[DT_SHA256];
    enum dt_err err;

    dt_write_view(&w, dt_view_of(r->reg));
    dt_write_u64(&w, r->size);
    dt_write_view(&w, tlog_hash_view(&r->root));
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_sha256(dt_view(out->p + begin, out->n - begin), hash)) != DT_OK)
        return err;
    return dt_buf_append(out, dt_view(hash, CHECK_BYTES));
}

enum dt_err
signer_record_read(struct dt_view bytes, struct signer_record *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct signer_record got = {0};
    uint8_t hash[DT_SHA256];
    struct dt_view check;
    enum dt_err err;

    if ((err = dt_read_fixed(&r, got.reg, sizeof(got.reg))) != DT_OK ||
        (err = dt_read_u64(&r, &got.size)) != DT_OK ||
        (err = dt_read_fixed(&r, got.root.b, TLOG_HASH)) != DT_OK ||
        (err = dt_read_view(&r, CHECK_BYTES, &check)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK ||
        (err = dt_sha256(dt_view(bytes.p, bytes.n - CHECK_BYTES), hash)) != DT_OK)
        return err;
    if (!dt_view_equal(check, dt_view(hash, CHECK_BYTES)) || got.size > TLOG_SIZE_MAX)
        return dt_fail(DT_ERR_FORMAT, "a record of what was signed is damaged");
    *out = got;
    return DT_OK;
}

/* ---- the table ---- */

/* Where ${reg} is, or would be; true when it is. */
static bool
find(const struct signer_memory *m, const uint8_t reg[static DT_REGISTER_ID], size_t *out)
{
    size_t low = 0, high = m->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (memcmp(m->v[mid].record.reg, reg, DT_REGISTER_ID) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *out = low;
    return low < m->n && memcmp(m->v[low].record.reg, reg, DT_REGISTER_ID) == 0;
}

/* Make room for a record at ${i}. */
static enum dt_err
insert(struct signer_memory *m, size_t i)
{
    if (m->n >= SIGNER_RECORDS_MAX)
        return dt_fail(DT_ERR_LIMIT, "%s: registers of more than %u are not remembered", m->path,
                       SIGNER_RECORDS_MAX);
    if (m->n == m->cap) {
        size_t cap = m->cap == 0 ? 64 : 2 * m->cap;
        struct place *v = dt_alloc(cap, sizeof(*v));

        if (v == NULL)
            return dt_nomem();
        if (m->n > 0)
            memcpy(v, m->v, m->n * sizeof(*v));
        dt_free(m->v);
        m->v = v;
        m->cap = cap;
    }
    memmove(m->v + i + 1, m->v + i, (m->n - i) * sizeof(*m->v));
    m->n++;
    return DT_OK;
}

static enum dt_err
load(struct signer_memory *m)
{
    uint8_t bytes[SIGNER_RECORD];

    for (size_t at = 0;; at++) {
        ssize_t got = pread(m->fd, bytes, sizeof(bytes), (off_t)(at * SIGNER_RECORD));
        struct signer_record r;
        enum dt_err err;
        size_t i;

        if (got < 0)
            return dt_fail(DT_ERR_IO, "%s: cannot read: %s", m->path, strerrordesc_np(errno));
        /* A part of a record at the end is of one that nobody was told of: the next takes its
         * place. */
        if ((size_t)got < sizeof(bytes))
            return DT_OK;
        if (signer_record_read(dt_view_of(bytes), &r) != DT_OK || find(m, r.reg, &i))
            return dt_fail(DT_ERR_FORMAT, "%s: record %zu of what was signed is damaged", m->path,
                           at);
        if ((err = insert(m, i)) != DT_OK)
            return err;
        m->v[i] = (struct place){.record = r, .at = at};
    }
}

enum dt_err
signer_memory_open(const char *path, struct signer_memory **out)
{
    struct signer_memory *m = dt_alloc(1, sizeof(*m));
    enum dt_err err;
    int rc = 0;

    if (m == NULL)
        return dt_nomem();
    m->fd = -1;
    if ((m->path = dt_strndup(path, strlen(path))) == NULL) {
        err = dt_nomem();
        goto fail;
    }
    /* With its name in the folder on the disk, as dt_file_create() does it. */
    if (!dt_file_exists(path) &&
        (err = dt_file_create(path, dt_view((const uint8_t *)"", 0), 0600)) != DT_OK &&
        err != DT_ERR_EXISTS)
        goto fail;
    m->fd = open(path, O_RDWR | O_CLOEXEC);
    if (m->fd < 0) {
        err = dt_fail(DT_ERR_IO, "%s: cannot open: %s", path, strerrordesc_np(errno));
        goto fail;
    }
    /* The signer of a relay that was killed a moment ago is about to end. */
    for (int i = 0; (rc = flock(m->fd, LOCK_EX | LOCK_NB)) != 0 && i < LOCK_TRIES; i++)
        (void)usleep(LOCK_US);
    if (rc != 0) {
        err = dt_fail(DT_ERR_BUSY, "%s: another detente-relay uses it", path);
        goto fail;
    }
    if ((err = load(m)) != DT_OK)
        goto fail;
    *out = m;
    return DT_OK;

fail:
    signer_memory_close(m);
    return err;
}

void
signer_memory_close(struct signer_memory *m)
{
    if (m == NULL)
        return;
    if (m->dirty)
        (void)fdatasync(m->fd);
    if (m->fd >= 0)
        (void)close(m->fd);
    dt_free(m->path);
    dt_free(m->v);
    dt_free(m);
}

enum dt_err
signer_memory_check(const struct signer_memory *m, const uint8_t reg[static DT_REGISTER_ID],
                    uint64_t size, const struct tlog_hash *root)
{
    char id[2 * DT_REGISTER_ID + 1];
    const struct signer_record *r;
    size_t i;

    if (!find(m, reg, &i))
        return DT_OK;
    r = &m->v[i].record;
    if (size > r->size || (size == r->size && tlog_hash_equal(root, &r->root)))
        return DT_OK;
    dt_hex_str(id, dt_view(reg, DT_REGISTER_ID));
    if (size == r->size)
        return dt_fail(DT_ERR_REFUSED,
                       "register.detente/%s: another tree of %llu entries was signed already", id,
                       (unsigned long long)size);
    return dt_fail(DT_ERR_REFUSED,
                   "register.detente/%s: %llu entries were signed, and the store asks for a "
                   "checkpoint of %llu: it was put back from an older copy",
                   id, (unsigned long long)r->size, (unsigned long long)size);
}

static enum dt_err
write_place(struct signer_memory *m, struct place *p)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(SIGNER_RECORD);
    enum dt_err err;

    m->n_unwritten += !p->unwritten;
    p->unwritten = true;
    if ((err = signer_record_write(&p->record, &bytes)) != DT_OK)
        return err;
    if (pwrite(m->fd, bytes.p, bytes.n, (off_t)(p->at * SIGNER_RECORD)) != (ssize_t)bytes.n)
        return dt_fail(DT_ERR_IO, "%s: cannot write: %s", m->path, strerrordesc_np(errno));
    p->unwritten = false;
    m->n_unwritten--;
    m->dirty = true;
    return DT_OK;
}

enum dt_err
signer_memory_flush(struct signer_memory *m)
{
    enum dt_err err;

    for (size_t i = 0; m->n_unwritten > 0 && i < m->n; i++) {
        if (m->v[i].unwritten && (err = write_place(m, &m->v[i])) != DT_OK)
            return err;
    }
    return DT_OK;
}

enum dt_err
signer_memory_set(struct signer_memory *m, const uint8_t reg[static DT_REGISTER_ID], uint64_t size,
                  const struct tlog_hash *root)
{
    enum dt_err err;
    size_t i;

    if ((err = signer_memory_check(m, reg, size, root)) != DT_OK)
        return err;
    if (!find(m, reg, &i)) {
        if ((err = insert(m, i)) != DT_OK)
            return err;
        m->v[i] = (struct place){.at = m->n - 1};
        memcpy(m->v[i].record.reg, reg, DT_REGISTER_ID);
    } else if (m->v[i].record.size == size) {
        return DT_OK;
    }
    m->v[i].record.size = size;
    m->v[i].record.root = *root;
    return write_place(m, &m->v[i]);
}

bool
signer_memory_dirty(const struct signer_memory *m)
{
    return m->dirty;
}

enum dt_err
signer_memory_sync(struct signer_memory *m)
{
    if (m->dirty && fdatasync(m->fd) != 0)
        return dt_fail(DT_ERR_IO, "%s: cannot sync: %s", m->path, strerrordesc_np(errno));
    m->dirty = false;
    return DT_OK;
}
