/*
 * A library for LD_PRELOAD that ends the process with SIGKILL just before its n-th write, sync or
 * send. It makes "killed at any moment" a thing that a test can go through one call after the
 * other.
 *
 *   DT_KILL_AT=n               kill before the n-th call counted, from 1; 0 or unset: never
 *   DT_KILL_COUNT_FILE=path    at a normal exit, write there how many calls were counted
 *   DT_KILL_PROGRAM=name       count only in processes whose program has this name (the end of its
 * path)
 *
 * Counted: write, pwrite, pwrite64, writev, pwritev, fsync, fdatasync, ftruncate, rename, unlink,
 * send, sendto, sendmsg. SQLite and libcurl call these through the dynamic linker, so theirs are
 * counted too; what libc does within itself (stdio) is not. Writes to standard output and standard
 * error are not counted, so that a message on the screen does not move the places. To be used with
 * builds without a sanitizer.
 */
#undef _FILE_OFFSET_BITS /* both pwrite and pwrite64 are defined here, so the header must not      \
                            merge them */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_ulong calls;
static unsigned long kill_at;
static bool counting;

static void __attribute__((constructor)) killshim_begin(void)
{
    const char *at = getenv("DT_KILL_AT");
    const char *program = getenv("DT_KILL_PROGRAM");

    if (at != NULL)
        kill_at = strtoul(at, NULL, 10);
    counting = program == NULL || strcmp(program, program_invocation_short_name) == 0;
}

static void __attribute__((destructor)) killshim_end(void)
{
    const char *path = getenv("DT_KILL_COUNT_FILE");
    char line[32];
    long fd;
    int len;

    if (!counting || path == NULL)
        return;
    /* Straight to the kernel: what is counted must not be called from here. */
    fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    len = snprintf(line, sizeof line, "%lu\n", atomic_load(&calls));
    if (len > 0)
        syscall(SYS_write, fd, line, (size_t)len);
    syscall(SYS_close, fd);
}

static void
one_more(int fd)
{
    if (!counting || fd == STDOUT_FILENO || fd == STDERR_FILENO)
        return;
    if (atomic_fetch_add(&calls, 1) + 1 == kill_at)
        syscall(SYS_kill, getpid(), SIGKILL);
}

/* The next definition of the function with this name, asked for once. */
#define REAL(type, name, ...)                                                                      \
    static type (*real)(__VA_ARGS__);                                                              \
    if (real == NULL)                                                                              \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

#define EXPORT __attribute__((visibility("default")))

EXPORT ssize_t
write(int fd, const void *buf, size_t n)
{
    REAL(ssize_t, write, int, const void *, size_t);
    one_more(fd);
    return real(fd, buf, n);
}

EXPORT ssize_t
pwrite(int fd, const void *buf, size_t n, off_t at)
{
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    one_more(fd);
    return real(fd, buf, n, at);
}

EXPORT ssize_t
pwrite64(int fd, const void *buf, size_t n, off64_t at)
{
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    one_more(fd);
    return real(fd, buf, n, at);
}

EXPORT ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    REAL(ssize_t, writev, int, const struct iovec *, int);
    one_more(fd);
    return real(fd, iov, n);
}

EXPORT ssize_t
pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
    REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
    one_more(fd);
    return real(fd, iov, n, at);
}

EXPORT int
fsync(int fd)
{
    REAL(int, fsync, int);
    one_more(fd);
    return real(fd);
}

EXPORT int
fdatasync(int fd)
{
    REAL(int, fdatasync, int);
    one_more(fd);
    return real(fd);
}

EXPORT int
ftruncate(int fd, off_t len)
{
    REAL(int, ftruncate, int, off_t);
    one_more(fd);
    return real(fd, len);
}

EXPORT int
ftruncate64(int fd, off64_t len)
{
    REAL(int, ftruncate64, int, off64_t);
    one_more(fd);
    return real(fd, len);
}

EXPORT int
rename(const char *from, const char *to)
{
    REAL(int, rename, const char *, const char *);
    one_more(-1);
    return real(from, to);
}

EXPORT int
unlink(const char *path)
{
    REAL(int, unlink, const char *);
    one_more(-1);
    return real(path);
}

EXPORT ssize_t
send(int fd, const void *buf, size_t n, int flags)
{
    REAL(ssize_t, send, int, const void *, size_t, int);
    one_more(fd);
    return real(fd, buf, n, flags);
}

/* The type of the address is glibc's own word for it, so that the definition meets its declaration.
 */
EXPORT ssize_t
sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG to, socklen_t to_len)
{
    REAL(ssize_t, sendto, int, const void *, size_t, int, __CONST_SOCKADDR_ARG, socklen_t);
    one_more(fd);
    return real(fd, buf, n, flags, to, to_len);
}

EXPORT ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
    REAL(ssize_t, sendmsg, int, const struct msghdr *, int);
    one_more(fd);
    return real(fd, msg, flags);
}
