/*
 * A library for LD_PRELOAD that ends the process with SIGKILL at its n-th write, sync or send, and
 * says what the program was in the middle of. It makes "killed at any moment" a thing that a test
 * can go through one call after the other.
 *
 *   DT_KILL_AT=n               kill at the n-th call counted, from 1; 0 or unset: never
 *   DT_KILL_HOW=how            `before` the call is made (default), `half`: after the first half of
 *                              its bytes (a call without bytes: before), or `after` it, before it
 *                              returns
 *   DT_KILL_COUNT_FILE=path    at a normal exit, write there how many calls were counted, and then
 *                              a line for each place: its name and how many calls were made there
 *   DT_KILL_PLACE_FILE=path    when killing, add a line: n, how, place, call, what it is made on
 *   DT_KILL_PROGRAM=name       count only in processes whose program has this name (the end of its
 *                              path)
 *   DT_KILL_PEER=text          count only calls on sockets whose peer has a path with this text in
 * it
 *
 * Places are those of killshim.h. Counted: write, pwrite, pwrite64, writev, pwritev, fsync,
 * fdatasync, ftruncate, rename, unlink, send, sendto, sendmsg. SQLite, libcurl and libmicrohttpd
 * call these through the dynamic linker, so theirs are counted too; what libc does within itself
 * (stdio) is not. Writes to standard output and standard error are not counted, so that a message
 * on the screen does not move the places. To be used with builds without a sanitizer.
 */
#undef _FILE_OFFSET_BITS /* both pwrite and pwrite64 are defined here, so the header must not      \
                            merge them */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "killshim.h"

enum how { BEFORE, HALF, AFTER, HOWS };

static const char *const how_names[HOWS] = {"before", "half", "after"};
static atomic_ulong calls, calls_at[PLACES];
static unsigned long kill_at;
static enum how kill_how;
static bool counting;
static const char *peer;

/* One counted call, between its two ends. */
struct call {
    const char *name;
    int fd;
    unsigned long number; /* 0: not counted */
};

static void __attribute__((constructor)) killshim_begin(void)
{
    const char *at = getenv("DT_KILL_AT");
    const char *how = getenv("DT_KILL_HOW");
    const char *program = getenv("DT_KILL_PROGRAM");

    if (at != NULL)
        kill_at = strtoul(at, NULL, 10);
    for (int i = 0; how != NULL && i < HOWS; i++)
        if (strcmp(how, how_names[i]) == 0)
            kill_how = (enum how)i;
    peer = getenv("DT_KILL_PEER");
    counting = program == NULL || strcmp(program, program_invocation_short_name) == 0;
}

/* Straight to the kernel: what is counted must not be called from here. */
static void
put_line(const char *path, int flags, const char *line, int len)
{
    long fd;

    if (path == NULL || len <= 0)
        return;
    fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags,
                 0600);
    if (fd < 0)
        return;
    syscall(SYS_write, fd, line, (size_t)len);
    syscall(SYS_close, fd);
}

static void __attribute__((destructor)) killshim_end(void)
{
    const char *path = getenv("DT_KILL_COUNT_FILE");
    char line[64];

    if (!counting)
        return;
    put_line(path, O_TRUNC, line, snprintf(line, sizeof line, "%lu\n", atomic_load(&calls)));
    for (int i = 0; i < PLACES; i++)
        put_line(
            path, 0, line,
            snprintf(line, sizeof line, "%s %lu\n", place_names[i], atomic_load(&calls_at[i])));
}

/* What ${fd} is, in a word: the end of a file's name, or socket, or what the kernel calls it. */
static void
name_of(int fd, char *out, size_t size)
{
    char link[64], target[512], *word = target;
    long n;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = fd < 0 ? -1 : readlink(link, target, sizeof target - 1);
    target[n < 0 ? 0 : n] = '\0';
    if (target[0] == '/') {
        word = strrchr(target, '/') + 1;
        if (strrchr(word, '-') != NULL)
            word = strrchr(word, '-'); /* -wal, -shm, -journal */
        else if (strrchr(word, '.') != NULL)
            word = strrchr(word, '.');
    } else {
        target[strcspn(target, ":")] = '\0';
    }
    (void)snprintf(out, size, "%s", n <= 0 ? "path" : word);
}

static void
die(const struct call *c)
{
    char what[64], line[256];

    name_of(c->fd, what, sizeof what);
    put_line(getenv("DT_KILL_PLACE_FILE"), 0, line,
             snprintf(line, sizeof line, "%lu %s %s %s %s\n", c->number, how_names[kill_how],
                      place_names[place_now()], c->name, what));
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) /* the signal is on its way */
        (void)pause();
}

/* Is ${fd} a connection to the one whose path has ${peer} in it? */
static bool
is_peer(int fd)
{
    struct sockaddr_un to = {0};
    socklen_t n = sizeof(to) - 1;

    return getpeername(fd, (struct sockaddr *)&to, &n) == 0 && to.sun_family == AF_UNIX &&
           strstr(to.sun_path, peer) != NULL;
}

/* A call begins. True when only its first half is to be made. */
static bool
begin(struct call *c, bool has_bytes)
{
    bool now;

    c->number = 0;
    if (!counting || c->fd == STDOUT_FILENO || c->fd == STDERR_FILENO ||
        (peer != NULL && !is_peer(c->fd)))
        return false;
    c->number = atomic_fetch_add(&calls, 1) + 1;
    atomic_fetch_add(&calls_at[place_now()], 1);
    now = c->number == kill_at;
    if (now && (kill_how == BEFORE || (kill_how == HALF && !has_bytes)))
        die(c);
    return now && kill_how == HALF;
}

static void
end(const struct call *c)
{
    int saved = errno;

    if (c->number != 0 && c->number == kill_at)
        die(c);
    errno = saved;
}

/* A call on ${on} without bytes. */
#define PLAIN(word, on, real_call)                                                                 \
    struct call c = {.name = word, .fd = (on)};                                                    \
    int rc;                                                                                        \
    (void)begin(&c, false);                                                                        \
    rc = real_call;                                                                                \
    end(&c);                                                                                       \
    return rc

/* One with ${n} bytes, in a parameter of this name; only ${n} / 2 of them are handed on for a half.
 */
#define BYTES(word, real_call)                                                                     \
    struct call c = {.name = word, .fd = fd};                                                      \
    ssize_t rc;                                                                                    \
    bool whole = !begin(&c, n > 1);                                                                \
    if (!whole)                                                                                    \
        n /= 2;                                                                                    \
    rc = real_call;                                                                                \
    if (rc > 0)                                                                                    \
        place_sent(fd, buf, (size_t)rc, whole);                                                    \
    end(&c);                                                                                       \
    return rc

/* The first half of ${iov}'s bytes, in ${out}; how many pieces. */
static size_t
halve(const struct iovec *iov, size_t n, struct iovec *out, size_t max)
{
    size_t bytes = 0, pieces = 0;

    for (size_t i = 0; i < n; i++)
        bytes += iov[i].iov_len;
    bytes /= 2;
    for (size_t i = 0; i < n && i < max && bytes > 0; i++) {
        out[pieces] = iov[i];
        if (out[pieces].iov_len > bytes)
            out[pieces].iov_len = bytes;
        bytes -= out[pieces++].iov_len;
    }
    return pieces;
}

#define PIECES 8

#define WRITES(name, word, params, args)                                                           \
    EXPORT ssize_t name params                                                                     \
    {                                                                                              \
        REAL_OF(ssize_t, name, params);                                                            \
        BYTES(word, real args);                                                                    \
    }
SHIM_WRITES(WRITES)

#define ON_FD(name, word, params, args)                                                            \
    EXPORT int name params                                                                         \
    {                                                                                              \
        REAL_OF(int, name, params);                                                                \
        PLAIN(word, fd, real args);                                                                \
    }
SHIM_SYNCS(ON_FD)
SHIM_TRUNCATES(ON_FD)

EXPORT ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    REAL(ssize_t, writev, int, const struct iovec *, int);
    struct call c = {.name = "writev", .fd = fd};
    struct iovec half[PIECES];
    bool whole = !begin(&c, true);
    ssize_t rc;

    if (whole)
        rc = real(fd, iov, n);
    else
        rc = real(fd, half, (int)halve(iov, (size_t)n, half, PIECES));
    if (rc > 0 && n > 0)
        place_sent(fd, iov[0].iov_base, iov[0].iov_len, whole);
    end(&c);
    return rc;
}

EXPORT ssize_t
pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
    REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
    struct call c = {.name = "pwritev", .fd = fd};
    struct iovec half[PIECES];
    ssize_t rc;

    if (begin(&c, true))
        rc = real(fd, half, (int)halve(iov, (size_t)n, half, PIECES), at);
    else
        rc = real(fd, iov, n, at);
    end(&c);
    return rc;
}

EXPORT int
rename(const char *from, const char *to)
{
    REAL(int, rename, const char *, const char *);
    PLAIN("rename", -1, real(from, to));
}

EXPORT int
unlink(const char *path)
{
    REAL(int, unlink, const char *);
    PLAIN("unlink", -1, real(path));
}

EXPORT ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
    REAL(ssize_t, sendmsg, int, const struct msghdr *, int);
    struct call c = {.name = "sendmsg", .fd = fd};
    struct iovec half[PIECES];
    struct msghdr m = *msg;
    bool whole = !begin(&c, true);
    ssize_t rc;

    if (!whole) {
        m.msg_iovlen = halve(msg->msg_iov, msg->msg_iovlen, half, PIECES);
        m.msg_iov = half;
    }
    rc = real(fd, &m, flags);
    if (rc > 0 && msg->msg_iovlen > 0)
        place_sent(fd, msg->msg_iov[0].iov_base, msg->msg_iov[0].iov_len, whole);
    end(&c);
    return rc;
}
