/*
 * A library for LD_PRELOAD that makes the n-th call of one kind fail, or moves the clock. It makes
 * "whatever can fail, fails" a thing that a test can go through one call after the other.
 *
 *   DT_FAULT_KIND=kind         what is counted: alloc random write sync open connect read file
 *   DT_FAULT_AT=n              the n-th counted call fails, from 1; 0 or unset: none
 *   DT_FAULT_ERRNO=number      what it fails with (default EIO; alloc: ENOMEM)
 *   DT_FAULT_ON=1              all calls after it fail, too (a full disk, no more descriptors)
 *   DT_FAULT_SHORT=1           write, read: no failure, but only a part is done
 *   DT_FAULT_COUNT_FILE=path   at a normal exit, write there how many calls were counted
 *   DT_FAULT_ARM_FILE=path     count only while there is a file at path (so that a server may
 * start) DT_FAULT_PROGRAM=name      only in processes whose program has this name (the end of its
 * path) DT_FAULT_CONTROL=path    what fails is said while the program runs, again and again: the
 *                              file is a struct control, which is shared with whoever wrote it
 *   DT_CLOCK_OFFSET=seconds    the wall clock is off by this much (negative: behind)
 *   DT_CLOCK_FILE=path         the same from the file's first line, read anew at each look
 *
 * Counted are the calls that the program and its libraries make through the dynamic linker once
 * they are all loaded. What libc does within itself is not seen, but for its allocations and fopen.
 * Standard output and standard error are left alone, so that the one clear line can be seen. To be
 * used with builds without a sanitizer: those have a say in these functions, too.
 */
#undef _FORTIFY_SOURCE   /* its inline functions have the names that are defined here */
#undef _FILE_OFFSET_BITS /* both pwrite and pwrite64 are defined here, so the header must not      \
                            merge them */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

enum kind { NONE, ALLOC, RANDOM, WRITE, SYNC, OPEN, CONNECT, READ, FILES };

static const char *const kind_names[] = {"none", "alloc",   "random", "write", "sync",
                                         "open", "connect", "read",   "file"};

/* Of 32 bytes, in the machine's order. */
struct control {
    atomic_uint kind;  /* 0: nothing fails, nothing is counted */
    atomic_uint error; /* what it fails with */
    atomic_uint skip;  /* so many calls are made before it */
    atomic_uint many;  /* so many fail */
    atomic_uint files; /* 1: calls on files alone, none on sockets and the like */
    atomic_uint calls; /* how many were counted */
    atomic_uint failed;
    atomic_uint unused;
};

static struct control *control;
static enum kind wanted;
static atomic_ulong calls;
static unsigned long fault_at;
static int fault_errno = EIO;
static bool fault_on;
static bool fault_short;
static bool counting;
static const char *arm_file;
static long long clock_offset;
static const char *clock_file;

/* Before the program shuts itself in. */
static void
control_map(const char *path)
{
    long fd;
    void *p;

    if (path == NULL)
        return;
    fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    p = fd < 0 ? MAP_FAILED
               : mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
    if (p == MAP_FAILED)
        abort(); /* a test that would find nothing */
    control = p;
    syscall(SYS_close, fd);
}

static void __attribute__((constructor)) faultshim_begin(void)
{
    const char *program = getenv("DT_FAULT_PROGRAM");
    const char *kind = getenv("DT_FAULT_KIND");
    const char *at = getenv("DT_FAULT_AT");
    const char *number = getenv("DT_FAULT_ERRNO");
    const char *offset = getenv("DT_CLOCK_OFFSET");

    if (program != NULL && strcmp(program, program_invocation_short_name) != 0)
        return;
    control_map(getenv("DT_FAULT_CONTROL"));
    if (offset != NULL)
        clock_offset = strtoll(offset, NULL, 10);
    clock_file = getenv("DT_CLOCK_FILE");
    arm_file = getenv("DT_FAULT_ARM_FILE");
    for (size_t i = 1; kind != NULL && i < sizeof kind_names / sizeof kind_names[0]; i++)
        if (strcmp(kind, kind_names[i]) == 0)
            wanted = (enum kind)i;
    if (at != NULL)
        fault_at = strtoul(at, NULL, 10);
    if (wanted == ALLOC)
        fault_errno = ENOMEM;
    if (number != NULL)
        fault_errno = (int)strtol(number, NULL, 10);
    fault_on = getenv("DT_FAULT_ON") != NULL;
    fault_short = getenv("DT_FAULT_SHORT") != NULL;
    counting = wanted != NONE;
}

static void __attribute__((destructor)) faultshim_end(void)
{
    const char *path = getenv("DT_FAULT_COUNT_FILE");
    char line[32];
    long fd;
    int len;

    if (!counting || path == NULL)
        return;
    counting = false;
    /* Straight to the kernel: what is counted must not be called from here. */
    fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    len = snprintf(line, sizeof line, "%lu\n", atomic_load(&calls));
    if (len > 0)
        syscall(SYS_write, fd, line, (size_t)len);
    syscall(SYS_close, fd);
}

/* The same by what ${control} says. ${fd} is -1 where a call is on none. */
static bool
fails_by_control(enum kind kind, int fd)
{
    unsigned int n, skip, many;
    int saved = errno;
    struct stat st;

    if (control == NULL || atomic_load(&control->kind) != (unsigned int)kind)
        return false;
    if (atomic_load(&control->files) != 0 && fd >= 0) {
        bool file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

        errno = saved;
        if (!file)
            return false;
    }
    n = atomic_fetch_add(&control->calls, 1);
    skip = atomic_load(&control->skip);
    many = atomic_load(&control->many);
    if (n < skip || n - skip >= many)
        return false;
    atomic_fetch_add(&control->failed, 1);
    errno = (int)atomic_load(&control->error);
    return true;
}

/* Is this call of ${kind} one that has to fail? Then errno says why. */
static bool
fails(enum kind kind)
{
    unsigned long n;
    int saved = errno;

    if (!counting || kind != wanted)
        return false;
    if (arm_file != NULL && syscall(SYS_faccessat, AT_FDCWD, arm_file, F_OK) != 0) {
        errno = saved;
        return false;
    }
    n = atomic_fetch_add(&calls, 1) + 1;
    if (fault_at == 0 || n < fault_at || (n > fault_at && !fault_on)) {
        errno = saved;
        return false;
    }
    errno = fault_errno;
    return true;
}

static bool
fails_on(enum kind kind, int fd)
{
    return fd != STDOUT_FILENO && fd != STDERR_FILENO &&
           (fails(kind) || fails_by_control(kind, fd));
}

/* Opening anything; names, lengths and modes. */
static bool
opens_fail(void)
{
    return fails(OPEN) || fails_by_control(OPEN, -1);
}

static bool
names_fail(void)
{
    return fails(FILES) || fails_by_control(FILES, -1);
}

/* How much of ${n} bytes is done when the call is to do only a part: at least one. */
static size_t
part(size_t n)
{
    return n > 1 ? n / 2 : n;
}

/* ---- memory: glibc's own second names, since dlsym(3) may allocate ---- */

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

EXPORT void *
malloc(size_t n)
{
    return fails(ALLOC) ? NULL : __libc_malloc(n);
}

EXPORT void *
calloc(size_t n, size_t size)
{
    return fails(ALLOC) ? NULL : __libc_calloc(n, size);
}

EXPORT void *
realloc(void *p, size_t n)
{
    return fails(ALLOC) ? NULL : __libc_realloc(p, n);
}

EXPORT void *
aligned_alloc(size_t align, size_t n)
{
    return fails(ALLOC) ? NULL : __libc_memalign(align, n);
}

EXPORT int
posix_memalign(void **out, size_t align, size_t n)
{
    void *p = fails(ALLOC) ? NULL : __libc_memalign(align, n);

    if (p == NULL)
        return ENOMEM;
    *out = p;
    return 0;
}

/* One that fails whole, with ${bad}, when ${when} says so. */
#define FAILING(type, bad, when, name, params, args)                                               \
    EXPORT type name params                                                                        \
    {                                                                                              \
        REAL_OF(type, name, params);                                                               \
        return (when) ? bad : real args;                                                           \
    }

/* One with ${n} bytes, of which it may do a part. */
#define PARTLY(kind, name, params, args)                                                           \
    EXPORT ssize_t name params                                                                     \
    {                                                                                              \
        REAL_OF(ssize_t, name, params);                                                            \
        if (fails_on(kind, fd)) {                                                                  \
            if (!fault_short)                                                                      \
                return -1;                                                                         \
            n = part(n);                                                                           \
        }                                                                                          \
        return real args;                                                                          \
    }

/* ---- random ---- */

FAILING(ssize_t, -1, fails(RANDOM), getrandom, (void *buf, size_t n, unsigned int flags),
        (buf, n, flags))
FAILING(int, -1, fails(RANDOM), getentropy, (void *buf, size_t n), (buf, n))

/* ---- writing and syncing ---- */

#define WRITES(name, word, params, args) PARTLY(WRITE, name, params, args)
SHIM_WRITES(WRITES)

EXPORT ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    REAL(ssize_t, writev, int, const struct iovec *, int);
    if (!fails_on(WRITE, fd))
        return real(fd, iov, n);
    return fault_short && n > 0 ? write(fd, iov[0].iov_base, part(iov[0].iov_len)) : -1;
}

FAILING(ssize_t, -1, fails_on(WRITE, fd), sendmsg, (int fd, const struct msghdr *msg, int flags),
        (fd, msg, flags))

#define SYNCS(name, word, params, args) FAILING(int, -1, fails_on(SYNC, fd), name, params, args)
SHIM_SYNCS(SYNCS)

/* ---- reading ---- */

PARTLY(READ, read, (int fd, void *buf, size_t n), (fd, buf, n))
PARTLY(READ, pread, (int fd, void *buf, size_t n, off_t at), (fd, buf, n, at))
PARTLY(READ, pread64, (int fd, void *buf, size_t n, off64_t at), (fd, buf, n, at))
PARTLY(READ, recv, (int fd, void *buf, size_t n, int flags), (fd, buf, n, flags))
PARTLY(READ, recvfrom,
       (int fd, void *buf, size_t n, int flags, __SOCKADDR_ARG from, socklen_t *from_len),
       (fd, buf, n, flags, from, from_len))
FAILING(ssize_t, -1, fails_on(READ, fd), recvmsg, (int fd, struct msghdr *msg, int flags),
        (fd, msg, flags))

/* What a program built with _FORTIFY_SOURCE calls where the compiler does not know the room. */
extern ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
extern ssize_t __recv_chk(int fd, void *buf, size_t n, size_t room, int flags);

EXPORT ssize_t
__read_chk(int fd, void *buf, size_t n, size_t room)
{
    if (n > room)
        abort();
    return read(fd, buf, n);
}

EXPORT ssize_t
__recv_chk(int fd, void *buf, size_t n, size_t room, int flags)
{
    if (n > room)
        abort();
    return recv(fd, buf, n, flags);
}

/* ---- opening: whatever makes a descriptor ---- */

#define MODE_OF(flags, mode)                                                                       \
    mode_t mode = 0;                                                                               \
    if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {                                                  \
        va_list ap;                                                                                \
        va_start(ap, flags);                                                                       \
        mode = va_arg(ap, mode_t);                                                                 \
        va_end(ap);                                                                                \
    }

EXPORT int
open(const char *path, int flags, ...)
{
    REAL(int, open, const char *, int, ...);
    MODE_OF(flags, mode)
    return opens_fail() ? -1 : real(path, flags, mode);
}

EXPORT int
open64(const char *path, int flags, ...)
{
    REAL(int, open64, const char *, int, ...);
    MODE_OF(flags, mode)
    return opens_fail() ? -1 : real(path, flags, mode);
}

EXPORT int
openat(int at, const char *path, int flags, ...)
{
    REAL(int, openat, int, const char *, int, ...);
    MODE_OF(flags, mode)
    return opens_fail() ? -1 : real(at, path, flags, mode);
}

FAILING(int, -1, opens_fail(), mkostemp, (char *template, int flags), (template, flags))
FAILING(int, -1, opens_fail(), mkostemp64, (char *template, int flags), (template, flags))
FAILING(FILE *, NULL, opens_fail(), fopen, (const char *path, const char *mode), (path, mode))
FAILING(FILE *, NULL, opens_fail(), fopen64, (const char *path, const char *mode), (path, mode))
FAILING(int, -1, opens_fail(), socket, (int domain, int type, int protocol),
        (domain, type, protocol))
FAILING(int, -1, opens_fail(), socketpair, (int domain, int type, int protocol, int fds[2]),
        (domain, type, protocol, fds))
FAILING(int, -1, opens_fail(), pipe2, (int fds[2], int flags), (fds, flags))
FAILING(int, -1, opens_fail(), eventfd, (unsigned int count, int flags), (count, flags))
FAILING(int, -1, opens_fail(), epoll_create1, (int flags), (flags))
FAILING(int, -1, opens_fail(), accept4, (int fd, __SOCKADDR_ARG addr, socklen_t *len, int flags),
        (fd, addr, len, flags))

/* ---- connecting ---- */

FAILING(int, -1, fails(CONNECT), connect, (int fd, __CONST_SOCKADDR_ARG addr, socklen_t len),
        (fd, addr, len))

/* ---- names, lengths and modes of files ---- */

FAILING(int, -1, names_fail(), rename, (const char *from, const char *to), (from, to))
FAILING(int, -1, names_fail(), renameat2,
        (int from_at, const char *from, int to_at, const char *to, unsigned int flags),
        (from_at, from, to_at, to, flags))
FAILING(int, -1, names_fail(), link, (const char *from, const char *to), (from, to))
/* A full disk lets files go. */
FAILING(int, -1, !fault_on && names_fail(), unlink, (const char *path), (path))
FAILING(int, -1, names_fail(), mkdir, (const char *path, mode_t mode), (path, mode))
FAILING(int, -1, names_fail(), fchmod, (int fd, mode_t mode), (fd, mode))
#define TRUNCATES(name, word, params, args) FAILING(int, -1, names_fail(), name, params, args)
SHIM_TRUNCATES(TRUNCATES)

/* ---- the wall clock ---- */

static long long
offset(void)
{
    char line[32] = "";
    long fd, n;

    if (clock_file == NULL)
        return clock_offset;
    fd = syscall(SYS_openat, AT_FDCWD, clock_file, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return clock_offset;
    n = syscall(SYS_read, fd, line, sizeof line - 1);
    syscall(SYS_close, fd);
    return n > 0 ? strtoll(line, NULL, 10) : clock_offset;
}

EXPORT int
clock_gettime(clockid_t id, struct timespec *ts)
{
    REAL(int, clock_gettime, clockid_t, struct timespec *);
    int rc = real(id, ts);

    if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        ts->tv_sec += offset();
    return rc;
}

EXPORT int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    REAL(int, gettimeofday, struct timeval *, void *);
    int rc = real(tv, zone);

    if (rc == 0)
        tv->tv_sec += offset();
    return rc;
}

EXPORT time_t
time(time_t *out)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    if (out != NULL)
        *out = ts.tv_sec;
    return ts.tv_sec;
}
