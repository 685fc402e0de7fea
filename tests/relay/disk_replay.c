/*
 * tests/relay/disk_replay.c - see disk.h: what a power cut leaves, at any event.
 *
 * Of each file there are two images: what the disk has, and what the system shows (the page cache);
 * and the pieces that are in the second and not yet in the first, in their order. A sync that fails
 * leaves some of its pieces on the disk, by sectors, and takes the others for written, as Linux
 * does: later syncs succeed without them. They come to the disk with the next write to their page
 * alone.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/crypto.h"

#include "disk.h"

#define PAGE      4096u
#define FILE_MAX  (64u << 20)
#define NAMES_MAX 64

struct image {
    uint8_t *p;
    size_t n, room;
};

/* Bytes at a place, or a new length. */
struct piece {
    bool truncate;
    uint64_t at;
    size_t n;
    uint8_t *bytes;
};

struct file {
    struct image disk, seen;
    struct piece *pieces;
    size_t n, room;
    bool *lost; /* pages that a failed sync took for written */
    size_t n_lost;
};

struct name {
    char *name;
    size_t file;
};

struct disk_replay {
    size_t next; /* event */
    struct file *files;
    size_t n_files;
    struct name names[NAMES_MAX]; /* on the disk */
    size_t n_names;
    const struct disk_event *changes[NAMES_MAX]; /* of names, not synced */
    size_t n_changes;
    uint64_t random;
};

static void *
must(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

/* splitmix64 */
static uint64_t
draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* ---- images ---- */

static void
image_length(struct image *im, size_t n)
{
    if (n > FILE_MAX)
        abort();
    if (n > im->room) {
        im->p = must(dt_realloc(im->p, 2 * n, 1));
        im->room = 2 * n;
    }
    if (n > im->n)
        memset(im->p + im->n, 0, n - im->n);
    im->n = n;
}

static void
image_put(struct image *im, uint64_t at, const uint8_t *bytes, size_t n)
{
    if (at + n > im->n)
        image_length(im, at + n);
    if (n > 0)
        memcpy(im->p + at, bytes, n);
}

static void
image_piece(struct image *im, const struct piece *piece)
{
    if (piece->truncate)
        image_length(im, piece->at);
    else
        image_put(im, piece->at, piece->bytes, piece->n);
}

/* Of ${piece} some sectors; with ${torn} now and then one that is neither old nor new. A write is
 * torn at the disk's sectors, not at its own start. */
static void
image_some(struct image *im, const struct piece *piece, bool torn, uint64_t *random)
{
    uint64_t at = piece->at, end = piece->at + piece->n;

    if (piece->truncate) {
        if (draw(random) % 2 == 0)
            image_length(im, piece->at);
        return;
    }
    while (at < end) {
        uint64_t stop = (at / DISK_SECTOR + 1) * DISK_SECTOR;
        uint8_t trash[DISK_SECTOR];
        size_t n;

        n = (size_t)((stop < end ? stop : end) - at);
        if (torn && draw(random) % 8 == 0) {
            for (size_t i = 0; i < n; i++)
                trash[i] = (uint8_t)draw(random);
            image_put(im, at, trash, n);
        } else if (draw(random) % 2 == 0) {
            image_put(im, at, piece->bytes + (at - piece->at), n);
        }
        at += n;
    }
}

/* ---- files ---- */

static struct file *
file_of(struct disk_replay *r, size_t number)
{
    if (number >= r->n_files) {
        r->files = must(dt_realloc(r->files, number + 1, sizeof(*r->files)));
        memset(r->files + r->n_files, 0, (number + 1 - r->n_files) * sizeof(*r->files));
        r->n_files = number + 1;
    }
    return &r->files[number];
}

static void
file_add(struct file *f, bool truncate, uint64_t at, const uint8_t *bytes, size_t n)
{
    struct piece *piece;

    if (f->n == f->room) {
        f->room = f->room == 0 ? 64 : 2 * f->room;
        f->pieces = must(dt_realloc(f->pieces, f->room, sizeof(*f->pieces)));
    }
    piece = &f->pieces[f->n++];
    *piece = (struct piece){.truncate = truncate, .at = at, .n = n};
    if (n > 0) {
        piece->bytes = must(dt_alloc(n, 1));
        memcpy(piece->bytes, bytes, n);
    }
}

/* The page that begins at ${at} is written again as a whole. What the disk has of it already stays
 * as it is: a write does not change what is beside it. */
static void
file_page(struct file *f, uint64_t at, uint64_t end)
{
    while (at < end && at < f->disk.n && f->seen.p[at] == f->disk.p[at])
        at++;
    while (at < end && end <= f->disk.n && f->seen.p[end - 1] == f->disk.p[end - 1])
        end--;
    if (at < end)
        file_add(f, false, at, f->seen.p + at, (size_t)(end - at));
}

static void
file_write(struct file *f, const struct disk_event *e)
{
    image_put(&f->seen, e->at, e->bytes, e->n);
    file_add(f, false, e->at, e->bytes, e->n);
    for (size_t page = e->at / PAGE; e->n > 0 && page <= (e->at + e->n - 1) / PAGE; page++) {
        size_t end = (page + 1) * PAGE < f->seen.n ? (page + 1) * PAGE : f->seen.n;

        if (page < f->n_lost && f->lost[page]) {
            f->lost[page] = false;
            file_page(f, page * PAGE, end);
        }
    }
}

static void
file_settled(struct file *f)
{
    for (size_t i = 0; i < f->n; i++)
        dt_free(f->pieces[i].bytes);
    f->n = 0;
}

static void
file_sync(struct file *f)
{
    for (size_t i = 0; i < f->n; i++)
        image_piece(&f->disk, &f->pieces[i]);
    file_settled(f);
}

static void
file_sync_failed(struct file *f, uint64_t *random)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct piece *piece = &f->pieces[i];

        if (piece->truncate) { /* the file system's own journal, not the file's pages */
            image_piece(&f->disk, piece);
            continue;
        }
        image_some(&f->disk, piece, false, random);
        for (size_t page = piece->at / PAGE; page * PAGE < piece->at + piece->n; page++) {
            if (page >= f->n_lost) {
                f->lost = must(dt_realloc(f->lost, page + 1, sizeof(*f->lost)));
                memset(f->lost + f->n_lost, 0, (page + 1 - f->n_lost) * sizeof(*f->lost));
                f->n_lost = page + 1;
            }
            f->lost[page] = true;
        }
    }
    file_settled(f);
}

/* ---- names ---- */

static void
name_set(struct name *names, size_t *n, char *name, size_t file)
{
    for (size_t i = 0; i < *n; i++) {
        if (strcmp(names[i].name, name) == 0) {
            names[i].file = file;
            return;
        }
    }
    if (*n == NAMES_MAX)
        abort();
    names[(*n)++] = (struct name){name, file};
}

static void
name_drop(struct name *names, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++) {
        if (strcmp(names[i].name, name) == 0) {
            names[i] = names[--*n];
            return;
        }
    }
}

static void
name_change(struct name *names, size_t *n, const struct disk_event *e)
{
    switch (e->kind) {
    case DISK_CREATE:
        name_set(names, n, e->name, e->file);
        break;
    case DISK_RENAME:
        name_drop(names, n, e->name);
        name_set(names, n, e->to, e->file);
        break;
    case DISK_LINK:
        name_set(names, n, e->to, e->file);
        break;
    default:
        name_drop(names, n, e->name);
        break;
    }
}

/* ---- one event after the other ---- */

struct disk_replay *
disk_replay_new(uint64_t seed)
{
    struct disk_replay *r = must(dt_alloc(1, sizeof(*r)));

    r->random = seed;
    return r;
}

void
disk_replay_free(struct disk_replay *r)
{
    for (size_t i = 0; i < r->n_files; i++) {
        file_settled(&r->files[i]);
        dt_free(r->files[i].pieces);
        dt_free(r->files[i].lost);
        dt_free(r->files[i].disk.p);
        dt_free(r->files[i].seen.p);
    }
    dt_free(r->files);
    dt_free(r);
}

const struct disk_event *
disk_replay_step(struct disk_replay *r)
{
    const struct disk_event *e;

    if (r->next == disk_n)
        return NULL;
    e = &disk_events[r->next++];
    switch (e->kind) {
    case DISK_WRITE:
        file_write(file_of(r, e->file), e);
        break;
    case DISK_TRUNCATE:
        image_length(&file_of(r, e->file)->seen, e->at);
        file_add(file_of(r, e->file), true, e->at, NULL, 0);
        break;
    case DISK_SYNC:
        file_sync(file_of(r, e->file));
        break;
    case DISK_SYNC_FAILED:
        file_sync_failed(file_of(r, e->file), &r->random);
        break;
    case DISK_SYNC_FOLDER:
        for (size_t i = 0; i < r->n_changes; i++)
            name_change(r->names, &r->n_names, r->changes[i]);
        r->n_changes = 0;
        break;
    case DISK_CREATE:
    case DISK_RENAME:
    case DISK_LINK:
    case DISK_UNLINK:
        if (r->n_changes == NAMES_MAX)
            abort();
        r->changes[r->n_changes++] = e;
        break;
    case DISK_MARK:
        break;
    }
    return e;
}

/* ---- what is left ---- */

static void
put_file(const char *folder, const char *name, const struct image *im)
{
    char path[PATH_MAX];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || (im->n > 0 && pwrite(fd, im->p, im->n, 0) != (ssize_t)im->n))
        abort();
    (void)close(fd);
}

static void
clear_folder(const char *path)
{
    DIR *dir = opendir(path);

    if (dir == NULL)
        abort();
    for (const struct dirent *d; (d = readdir(dir)) != NULL;) {
        char name[400];

        (void)snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            (void)unlink(name);
    }
    (void)closedir(dir);
}

void
disk_replay_cut(const struct disk_replay *r, enum disk_cut cut, uint64_t seed, const char *to,
                uint8_t hash[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf all = DT_BUF_INIT(FILE_MAX);
    struct name names[NAMES_MAX];
    size_t n = r->n_names;
    uint64_t random = seed;

    clear_folder(to);
    memcpy(names, r->names, sizeof(names));
    for (size_t i = 0; i < r->n_changes; i++) {
        if (cut == DISK_ALL || cut == DISK_NAMES_ONLY ||
            (cut != DISK_NOTHING && draw(&random) % 2 == 0))
            name_change(names, &n, r->changes[i]);
    }
    for (size_t i = 0; i < n; i++) {
        static const struct file none;
        const struct file *f = names[i].file < r->n_files ? &r->files[names[i].file] : &none;
        struct image im = {0};
        uint8_t one[32];

        image_put(&im, 0, f->disk.p, f->disk.n);
        for (size_t k = 0; k < f->n; k++) {
            if (cut == DISK_ALL)
                image_piece(&im, &f->pieces[k]);
            else if (cut == DISK_SOME || cut == DISK_TORN)
                image_some(&im, &f->pieces[k], cut == DISK_TORN, &random);
        }
        /* A length may come to the disk before the bytes. */
        if (cut == DISK_SOME && draw(&random) % 4 == 0 && im.n < f->seen.n)
            image_length(&im, f->seen.n);
        put_file(to, names[i].name, &im);
        if (dt_sha256(dt_view(im.p, im.n), one) != DT_OK ||
            dt_buf_append(&all, dt_view_str(names[i].name)) != DT_OK ||
            dt_buf_append(&all, dt_view_of(one)) != DT_OK)
            abort();
        dt_free(im.p);
    }
    if (dt_sha256(dt_buf_view(&all), hash) != DT_OK)
        abort();
}
