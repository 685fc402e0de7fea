/*
 * tests/relay/disk.c - see disk.h: standing before the calls, and writing down.
 */
#undef _FORTIFY_SOURCE   /* its inline functions have the names that are defined here */
#undef _FILE_OFFSET_BITS /* both pwrite and pwrite64 are defined here */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../tools/shim.h"
#include "base/mem.h"

#include "disk.h"

#define FDS 1024

struct disk_event *disk_events;
size_t disk_n;

static size_t room;
static char folder[PATH_MAX]; /* with its slash; "": nothing is watched */
static bool recording;
static ino_t *inodes; /* of the files, by our number */
static size_t n_inodes;

enum what { OTHER, A_FILE, SHARED, THE_FOLDER };
static struct {
    enum what what;
    size_t file;
} fds[FDS];

static enum disk_call failing;
static unsigned int fail_at, calls;
static int fail_number;
static bool fail_on, failed, paused;

/* A test that has no memory left cannot go on. */
static void *
must(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

/* ---- what is written down ---- */

static struct disk_event *
event(enum disk_kind kind)
{
    static struct disk_event unused;

    if (!recording) {
        memset(&unused, 0, sizeof(unused));
        return &unused;
    }
    if (disk_n == room) {
        room = room == 0 ? 1024 : 2 * room;
        disk_events = must(dt_realloc(disk_events, room, sizeof(*disk_events)));
    }
    disk_events[disk_n] = (struct disk_event){.kind = kind};
    return &disk_events[disk_n++];
}

static char *
copy_of(const char *name)
{
    return recording ? must(dt_strndup(name, strlen(name))) : NULL;
}

void
disk_mark(uint64_t value)
{
    event(DISK_MARK)->at = value;
}

/* The name of ${path} in the folder; NULL when it is none, or that of a -shm. */
static const char *
name_in(const char *path, bool *shared)
{
    size_t n = strlen(folder);
    const char *name = path + n, *end;

    *shared = false;
    if (n == 0 || strncmp(path, folder, n) != 0 || *name == '\0' || strchr(name, '/') != NULL)
        return NULL;
    end = strlen(name) > 4 ? name + strlen(name) - 4 : name;
    *shared = strcmp(end, "-shm") == 0;
    return name;
}

static bool
is_folder(const char *path)
{
    size_t n = strlen(folder);

    return n > 0 && strlen(path) == n - 1 && strncmp(path, folder, n - 1) == 0;
}

/* Our number of the inode. The test keeps no deleted file open while it makes another, or it would
 * not matter: a number that comes again is of a file whose old names are all gone. */
static size_t
number_of(ino_t ino, bool fresh)
{
    size_t i = n_inodes;

    while (!fresh && i > 0 && inodes[i - 1] != ino)
        i--;
    if (!fresh && i > 0)
        return i - 1;
    inodes = must(dt_realloc(inodes, n_inodes + 1, sizeof(*inodes)));
    inodes[n_inodes] = ino;
    return n_inodes++;
}

static size_t
number_at(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? number_of(st.st_ino, false) : SIZE_MAX;
}

/* ---- failing ---- */

void
disk_fail(enum disk_call what, unsigned int n, int number, bool on)
{
    failing = what;
    fail_at = n;
    fail_number = number;
    fail_on = on;
    calls = 0;
    failed = false;
}

unsigned int
disk_calls(void)
{
    return calls;
}

bool
disk_failed(void)
{
    return failed;
}

void
disk_pause(bool on)
{
    paused = on;
}

static bool
fails(enum disk_call what)
{
    if (paused || what != failing || ++calls < fail_at || fail_at == 0 ||
        (calls > fail_at && !fail_on))
        return false;
    failed = true;
    errno = fail_number;
    return true;
}

static enum what
what_is(int fd)
{
    return fd >= 0 && fd < FDS ? fds[fd].what : OTHER;
}

/* ---- opening and closing ---- */

/* ${fd} was opened at ${path}, where nothing was before when ${fresh}. */
static int
opened(int fd, const char *path, bool fresh)
{
    bool shared;
    const char *name = name_in(path, &shared);
    struct disk_event *e;
    struct stat st;

    if (fd < 0 || fd >= FDS)
        return fd;
    fds[fd].what = is_folder(path) ? THE_FOLDER : name == NULL ? OTHER : shared ? SHARED : A_FILE;
    if (fds[fd].what != A_FILE || fstat(fd, &st) != 0)
        return fd;
    fds[fd].file = number_of(st.st_ino, fresh);
    if (fresh) {
        e = event(DISK_CREATE);
        e->file = fds[fd].file;
        e->name = copy_of(name);
    }
    return fd;
}

static bool
watched(const char *path)
{
    bool shared;

    return name_in(path, &shared) != NULL || is_folder(path);
}

static int
open_it(const char *path, int flags, mode_t mode)
{
    bool fresh = (flags & O_CREAT) != 0 && watched(path) &&
                 syscall(SYS_faccessat, AT_FDCWD, path, F_OK) != 0;

    if (watched(path) && fails(DISK_OPENS))
        return -1;
    return opened((int)syscall(SYS_openat, AT_FDCWD, path, flags, mode), path, fresh);
}

#define OPENING(name)                                                                              \
    EXPORT int name(const char *path, int flags, ...)                                              \
    {                                                                                              \
        mode_t mode = 0;                                                                           \
                                                                                                   \
        if ((flags & (O_CREAT | O_TMPFILE)) != 0) {                                                \
            va_list ap;                                                                            \
            va_start(ap, flags);                                                                   \
            mode = va_arg(ap, mode_t);                                                             \
            va_end(ap);                                                                            \
        }                                                                                          \
        return open_it(path, flags, mode);                                                         \
    }
OPENING(open)
OPENING(open64)

#define MAKING(name)                                                                               \
    EXPORT int name(char *template, int flags)                                                     \
    {                                                                                              \
        REAL(int, name, char *, int);                                                              \
        return watched(template) && fails(DISK_OPENS)                                              \
                   ? -1                                                                            \
                   : opened(real(template, flags), template, watched(template));                   \
    }
MAKING(mkostemp)
MAKING(mkostemp64)

EXPORT int
close(int fd)
{
    if (fd >= 0 && fd < FDS)
        fds[fd].what = OTHER;
    return (int)syscall(SYS_close, fd);
}

/* ---- reading, writing, cutting ---- */

static ssize_t
written(int fd, const void *buf, ssize_t n, off_t at)
{
    struct disk_event *e;

    if (n <= 0 || what_is(fd) != A_FILE || !recording)
        return n;
    e = event(DISK_WRITE);
    e->file = fds[fd].file;
    e->at = (uint64_t)at;
    e->n = (size_t)n;
    e->bytes = must(dt_alloc(e->n, 1));
    memcpy(e->bytes, buf, e->n);
    return n;
}

#define WRITING(name, offset)                                                                      \
    EXPORT ssize_t name(int fd, const void *buf, size_t n, offset at)                              \
    {                                                                                              \
        if (what_is(fd) != OTHER && fails(DISK_WRITES))                                            \
            return -1;                                                                             \
        return written(fd, buf, syscall(SYS_pwrite64, fd, buf, n, at), at);                        \
    }
WRITING(pwrite, off_t)
WRITING(pwrite64, off64_t)

EXPORT ssize_t
write(int fd, const void *buf, size_t n)
{
    off_t at = what_is(fd) == A_FILE ? syscall(SYS_lseek, fd, 0, SEEK_CUR) : 0;

    if (what_is(fd) != OTHER && fails(DISK_WRITES))
        return -1;
    return written(fd, buf, syscall(SYS_write, fd, buf, n), at);
}

#define READING(name, offset)                                                                      \
    EXPORT ssize_t name(int fd, void *buf, size_t n, offset at)                                    \
    {                                                                                              \
        return what_is(fd) != OTHER && fails(DISK_READS) ? -1                                      \
                                                         : syscall(SYS_pread64, fd, buf, n, at);   \
    }
READING(pread, off_t)
READING(pread64, off64_t)

static int
cut_to(int fd, off_t len)
{
    struct disk_event *e;

    if (what_is(fd) != OTHER && fails(DISK_TRUNCATES))
        return -1;
    if (syscall(SYS_ftruncate, fd, len) != 0)
        return -1;
    if (what_is(fd) == A_FILE) {
        e = event(DISK_TRUNCATE);
        e->file = fds[fd].file;
        e->at = (uint64_t)len;
    }
    return 0;
}

EXPORT int
ftruncate(int fd, off_t len)
{
    return cut_to(fd, len);
}

EXPORT int
ftruncate64(int fd, off64_t len)
{
    return cut_to(fd, len);
}

static void *
map(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): what the call gives is an address */
    return what_is(fd) != OTHER && fails(DISK_MAPS)
               ? MAP_FAILED
               : (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, at);
}

EXPORT void *
mmap(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
    return map(addr, len, prot, flags, fd, at);
}

EXPORT void *
mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t at)
{
    return map(addr, len, prot, flags, fd, at);
}

/* ---- syncing ---- */

static int
sync_it(int fd)
{
    enum what what = what_is(fd);
    struct disk_event *e;

    if (what != OTHER && fails(DISK_SYNCS)) {
        int saved = errno;

        if (what == A_FILE && saved != EINTR) {
            e = event(DISK_SYNC_FAILED);
            e->file = fds[fd].file;
        }
        errno = saved;
        return -1;
    }
    if (what == A_FILE || what == THE_FOLDER) {
        e = event(what == THE_FOLDER ? DISK_SYNC_FOLDER : DISK_SYNC);
        e->file = fds[fd].file;
    }
    return 0;
}

EXPORT int
fsync(int fd)
{
    return sync_it(fd);
}

EXPORT int
fdatasync(int fd)
{
    return sync_it(fd);
}

/* ---- names ---- */

static void
named(enum disk_kind kind, size_t file, const char *from, const char *to)
{
    bool shared;
    struct disk_event *e;
    const char *name = name_in(from, &shared);

    if (name == NULL || shared)
        return;
    e = event(kind);
    e->file = file;
    e->name = copy_of(name);
    e->to = to != NULL ? copy_of(to + strlen(folder)) : NULL;
}

EXPORT int
unlink(const char *path)
{
    if (watched(path) && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0 && fails(DISK_NAMES))
        return -1;
    if (syscall(SYS_unlinkat, AT_FDCWD, path, 0) != 0)
        return -1;
    named(DISK_UNLINK, 0, path, NULL);
    return 0;
}

EXPORT int
link(const char *from, const char *to)
{
    if (watched(to) && fails(DISK_NAMES))
        return -1;
    if (syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0) != 0)
        return -1;
    named(DISK_LINK, watched(to) ? number_at(to) : 0, from, to);
    return 0;
}

EXPORT int
renameat2(int from_at, const char *from, int to_at, const char *to, unsigned int flags)
{
    if (watched(to) && fails(DISK_NAMES))
        return -1;
    if (syscall(SYS_renameat2, from_at, from, to_at, to, flags) != 0)
        return -1;
    named(DISK_RENAME, watched(to) ? number_at(to) : 0, from, to);
    return 0;
}

EXPORT int
rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- beginning and ending ---- */

/* What is there already is written down as if it were made now and synced. */
static void
there_already(const char *name)
{
    char path[PATH_MAX + 256];
    struct disk_event *e;
    bool shared;
    struct stat st;
    size_t file;
    int fd;

    (void)snprintf(path, sizeof(path), "%s%s", folder, name);
    if (name_in(path, &shared) == NULL || shared || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    file = number_of(st.st_ino, true);
    e = event(DISK_CREATE);
    e->file = file;
    e->name = copy_of(name);
    e = event(DISK_WRITE);
    e->file = file;
    e->n = (size_t)st.st_size;
    e->bytes = must(dt_alloc(e->n + 1, 1));
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0 || syscall(SYS_read, fd, e->bytes, e->n) != (long)e->n)
        abort();
    (void)syscall(SYS_close, fd);
    event(DISK_SYNC)->file = file;
}

void
disk_begin(const char *path)
{
    DIR *dir = must(opendir(path));

    disk_forget();
    (void)snprintf(folder, sizeof(folder), "%s/", path);
    recording = true;
    for (const struct dirent *d; (d = readdir(dir)) != NULL;)
        there_already(d->d_name);
    (void)closedir(dir);
    event(DISK_SYNC_FOLDER);
}

void
disk_end(void)
{
    recording = false;
}

void
disk_forget(void)
{
    recording = false;
    for (size_t i = 0; i < disk_n; i++) {
        dt_free(disk_events[i].name);
        dt_free(disk_events[i].to);
        dt_free(disk_events[i].bytes);
    }
    dt_free(disk_events);
    dt_free(inodes);
    disk_events = NULL;
    inodes = NULL;
    disk_n = room = n_inodes = 0;
}
