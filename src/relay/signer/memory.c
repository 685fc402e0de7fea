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

#include "relay/signer/memory.h"

#define LOCK_TRIES 100
#define LOCK_US    50000u
#define OPEN_TRIES 3u /* the file was replaced while its lock was waited for */
#define SLOTS_READ 256u
#define FILE_MAX   (SIGNER_HEADER + (size_t)SIGNER_RECORDS_MAX * SIGNER_SLOT)
#define NOT_YET    SIZE_MAX

struct entry {
    struct signer_record record;
    size_t slot;    /* the how manieth in the file; NOT_YET */
    size_t newest;  /* its place with the record that counts */
    size_t sure;    /* its place that was on the disk before newest */
    uint64_t round; /* in which newest was written: with that over, newest is sure */
    bool unwritten; /* the record is not in the file yet, or may have been lost from there */
};

struct signer_memory {
    int fd;
    char *path;
    uint64_t round; /* from one good sync to the next */
    bool dirty;     /* something was written in this round */
    bool ill;       /* the last sync failed */
    size_t n_unwritten;
    size_t n_slots;
    struct entry *v; /* by register */
    size_t n, cap;
};

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
        struct entry *v = dt_alloc(cap, sizeof(*v));

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

/* ---- reading the file ---- */

/* Up to ${n} bytes; fewer at the end of the file alone. */
static enum dt_err
read_at(const struct signer_memory *m, uint8_t *p, size_t n, size_t at, size_t *out)
{
    size_t have = 0;

    while (have < n) {
        ssize_t got = pread(m->fd, p + have, n - have, (off_t)(at + have));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return dt_fail(DT_ERR_IO, "%s: cannot read: %s", m->path, strerrordesc_np(errno));
        if (got == 0)
            break;
        have += (size_t)got;
    }
    *out = have;
    return DT_OK;
}

/* One that was in the file, the ${i}th there. */
static enum dt_err
remember(struct signer_memory *m, const struct signer_record *r, size_t slot, size_t place)
{
    enum dt_err err;
    size_t i;

    if (find(m, r->reg, &i))
        return dt_fail(DT_ERR_FORMAT, "%s: record %zu of what was signed is damaged", m->path,
                       slot);
    if ((err = insert(m, i)) != DT_OK)
        return err;
    m->v[i] = (struct entry){.record = *r, .slot = slot, .newest = place, .sure = place};
    m->n_slots = slot + 1;
    return DT_OK;
}

/* Of today's form, or with ${old} of the form before. What is not whole at the end is of one that
 * nobody was told of: the next takes its place. */
static enum dt_err
take(struct signer_memory *m, bool old, size_t i, struct dt_view bytes)
{
    struct signer_record r;
    size_t place = 0;
    enum dt_err err;

    if (old && bytes.n < SIGNER_RECORD)
        return DT_OK;
    err = old ? signer_record_read(bytes, &r) : signer_slot_read(bytes, &r, &place);
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    if (err == DT_ERR_FORMAT)
        return dt_fail(DT_ERR_FORMAT, "%s: record %zu of what was signed is damaged", m->path, i);
    return err != DT_OK ? err : remember(m, &r, i, place);
}

static enum dt_err
load(struct signer_memory *m, bool old)
{
    size_t unit = old ? SIGNER_RECORD : SIGNER_SLOT, base = old ? 0 : SIGNER_HEADER, i = 0;
    uint8_t bytes[SLOTS_READ * SIGNER_SLOT];

    for (;;) {
        size_t got = 0;
        enum dt_err err = read_at(m, bytes, SLOTS_READ * unit, base + i * unit, &got);

        for (size_t at = 0; err == DT_OK && at < got; at += unit)
            err = take(m, old, i++, dt_view(bytes + at, got - at < unit ? got - at : unit));
        if (err != DT_OK || got < SLOTS_READ * unit)
            return err;
    }
}

/* Put a file of today's form in the place of one of the form before: all of it or nothing. */
static enum dt_err
replace(struct signer_memory *m)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(FILE_MAX);
    enum dt_err err;

    if ((err = load(m, true)) != DT_OK || (err = signer_header_write(&b)) != DT_OK)
        return err;
    for (size_t i = 0; i < m->n; i++) {
        if ((err = signer_slot_write(&m->v[i].record, &b)) != DT_OK)
            return err;
    }
    m->n = m->n_slots = 0;
    return dt_file_write(m->path, dt_buf_view(&b), 0600);
}

/* ---- opening ---- */

/* Is what was opened still what has the name? */
static bool
still_there(const struct signer_memory *m)
{
    struct stat ours, named;

    return fstat(m->fd, &ours) == 0 && stat(m->path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

static enum dt_err
open_locked(struct signer_memory *m)
{
    int rc = 0;

    for (unsigned int tries = 0; tries < OPEN_TRIES; tries++) {
        if (m->fd >= 0)
            (void)close(m->fd);
        m->fd = open(m->path, O_RDWR | O_CLOEXEC);
        if (m->fd < 0)
            return dt_fail(DT_ERR_IO, "%s: cannot open: %s", m->path, strerrordesc_np(errno));
        /* The signer of a relay that was killed a moment ago is about to end. */
        for (int i = 0; (rc = flock(m->fd, LOCK_EX | LOCK_NB)) != 0 && i < LOCK_TRIES; i++)
            (void)usleep(LOCK_US);
        if (rc == 0 && still_there(m))
            return DT_OK;
        if (rc != 0)
            break;
    }
    return dt_fail(DT_ERR_BUSY, "%s: another detente-relay uses it", m->path);
}

/* Today's header; NOT_FOUND: the form before. */
static enum dt_err
read_header(const struct signer_memory *m)
{
    uint8_t bytes[SIGNER_HEADER];
    size_t got = 0;
    enum dt_err err = read_at(m, bytes, sizeof(bytes), 0, &got);

    if (err != DT_OK || (err = signer_header_read(dt_view(bytes, got))) == DT_OK ||
        err == DT_ERR_NOT_FOUND)
        return err;
    if (err == DT_ERR_UNSUPPORTED)
        return dt_fail(err, "%s: is of a later version of detente-relay", m->path);
    return dt_fail(DT_ERR_FORMAT, "%s: the header of what was signed is damaged", m->path);
}

static enum dt_err
open_file(struct signer_memory *m)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf header = DT_BUF_INIT(SIGNER_HEADER);
    enum dt_err err;

    /* With its name in the folder on the disk, as dt_file_create() does it. */
    if ((err = signer_header_write(&header)) != DT_OK ||
        (!dt_file_exists(m->path) &&
         (err = dt_file_create(m->path, dt_buf_view(&header), 0600)) != DT_OK &&
         err != DT_ERR_EXISTS) ||
        (err = open_locked(m)) != DT_OK)
        return err;
    err = read_header(m);
    if (err == DT_ERR_NOT_FOUND) {
        if ((err = replace(m)) != DT_OK || (err = open_locked(m)) != DT_OK)
            return err;
        err = read_header(m);
    }
    if (err != DT_OK || (err = load(m, false)) != DT_OK)
        return err;
    /* What a process wrote that was killed is in the file, and now on the disk too. */
    if (m->n > 0 && fdatasync(m->fd) != 0)
        return dt_fail(DT_ERR_IO, "%s: cannot sync: %s", m->path, strerrordesc_np(errno));
    m->round = 1;
    return DT_OK;
}

enum dt_err
signer_memory_open(const char *path, struct signer_memory **out)
{
    struct signer_memory *m = dt_alloc(1, sizeof(*m));
    enum dt_err err;

    if (m == NULL)
        return dt_nomem();
    m->fd = -1;
    m->path = dt_strndup(path, strlen(path));
    err = m->path == NULL ? dt_nomem() : open_file(m);
    if (err != DT_OK) {
        signer_memory_close(m);
        return err;
    }
    *out = m;
    return DT_OK;
}

void
signer_memory_close(struct signer_memory *m)
{
    if (m == NULL)
        return;
    if (signer_memory_dirty(m))
        dt_ignore(signer_memory_sync(m), "the next to open it finds what is there");
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

/* ---- writing ---- */

/* To the ${place} of the ${slot}: all of it, in as many calls as it takes. */
static enum dt_err
write_at(const struct signer_memory *m, size_t slot, size_t place, struct dt_view bytes)
{
    size_t at = SIGNER_HEADER + slot * SIGNER_SLOT + place * SIGNER_RECORD;

    while (bytes.n > 0) {
        ssize_t put = pwrite(m->fd, bytes.p, bytes.n, (off_t)at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return dt_fail(DT_ERR_IO, "%s: cannot write: %s", m->path, strerrordesc_np(errno));
        bytes = dt_view(bytes.p + put, bytes.n - (size_t)put);
        at += (size_t)put;
    }
    return DT_OK;
}

static void
unwritten(struct signer_memory *m, struct entry *e)
{
    m->n_unwritten += !e->unwritten;
    e->unwritten = true;
}

/* What is written is on the disk. After a sync that failed the next may say so of what it never
 * wrote: all of this round is written again. */
static enum dt_err
sync_file(struct signer_memory *m)
{
    if (fdatasync(m->fd) == 0) {
        m->round++;
        m->dirty = m->ill = false;
        return DT_OK;
    }
    for (size_t i = 0; i < m->n; i++) {
        if (m->v[i].round == m->round)
            unwritten(m, &m->v[i]);
    }
    m->ill = true;
    return dt_fail(DT_ERR_IO, "%s: cannot sync: %s", m->path, strerrordesc_np(errno));
}

/* A slot for one that has none. Its first record is on the disk before it has a second, and before
 * anybody is told: so where a file ends behind a first record, that may be damaged and is missed by
 * nobody, and in every longer slot one is whole. */
static enum dt_err
begin_slot(struct signer_memory *m, struct entry *e, struct dt_view bytes)
{
    enum dt_err err;

    if ((err = write_at(m, m->n_slots, 0, bytes)) != DT_OK || (err = sync_file(m)) != DT_OK)
        return err;
    e->slot = m->n_slots++;
    e->newest = e->sure = 0;
    return DT_OK;
}

/* Never over the record that counts, nor over the last that is on the disk for sure. */
static enum dt_err
write_entry(struct signer_memory *m, struct entry *e)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(SIGNER_RECORD);
    size_t place = 0;
    enum dt_err err;

    if ((err = signer_record_write(&e->record, &bytes)) != DT_OK ||
        (e->slot == NOT_YET && (err = begin_slot(m, e, dt_buf_view(&bytes))) != DT_OK))
        return err;
    if (e->round < m->round)
        e->sure = e->newest;
    while (place == e->newest || place == e->sure)
        place++;
    if ((err = write_at(m, e->slot, place, dt_buf_view(&bytes))) != DT_OK)
        return err;
    e->newest = place;
    e->round = m->round;
    e->unwritten = false;
    m->n_unwritten--;
    m->dirty = true;
    return DT_OK;
}

enum dt_err
signer_memory_flush(struct signer_memory *m)
{
    enum dt_err err;

    for (size_t i = 0; m->n_unwritten > 0 && i < m->n; i++) {
        if (m->v[i].unwritten && (err = write_entry(m, &m->v[i])) != DT_OK)
            return err;
    }
    return m->ill ? sync_file(m) : DT_OK;
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
        m->v[i] = (struct entry){.slot = NOT_YET};
        memcpy(m->v[i].record.reg, reg, DT_REGISTER_ID);
    } else if (m->v[i].record.size == size && !m->v[i].unwritten) {
        return DT_OK;
    }
    m->v[i].record.size = size;
    m->v[i].record.root = *root;
    unwritten(m, &m->v[i]);
    return write_entry(m, &m->v[i]);
}

bool
signer_memory_dirty(const struct signer_memory *m)
{
    return m->dirty || m->ill || m->n_unwritten > 0;
}

enum dt_err
signer_memory_sync(struct signer_memory *m)
{
    enum dt_err err = signer_memory_flush(m);

    return err == DT_OK && m->dirty ? sync_file(m) : err;
}
