/*
 * relay/sandbox/calls.c - see sandbox.h: seccomp, by libseccomp.
 *
 * Layer: relay. The lists name what the relay and its libraries (SQLite, libmicrohttpd, GnuTLS,
 * libcurl with its resolver, glibc) call on Debian 12, found with strace over the scenarios, and
 * what glibc falls back to. A name that this machine's architecture does not have is passed over.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/sandbox/sandbox.h"

/* Memory, threads, time: of both. */
static const char *const common[] = {
    "brk",          "clock_getres",   "clock_gettime",   "clock_nanosleep",
    "close",        "exit",           "exit_group",      "fdatasync",
    "fsync",        "futex",          "getpid",          "getrandom",
    "gettid",       "gettimeofday",   "madvise",         "mlock",
    "mlock2",       "mmap",           "mprotect",        "mremap",
    "munlock",      "munmap",         "nanosleep",       "poll",
    "ppoll",        "pread64",        "pwrite64",        "read",
    "recvfrom",     "recvmsg",        "restart_syscall", "rseq",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",    "sched_yield",
    "sendmsg",      "sendto",         "sigaltstack",     "time",
    "write",
};

static const char *const serving[] = {
    "accept",
    "accept4",
    "access",
    "arch_prctl",
    "bind",
    "close_range",
    "connect",
    "copy_file_range",
    "dup",
    "dup2",
    "dup3",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "eventfd2",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fallocate",
    "fchmod",
    "fchown",
    "fcntl",
    "flock",
    "fstat",
    "fstatfs",
    "ftruncate",
    "getcpu",
    "getcwd",
    "getdents64",
    "getegid",
    "geteuid",
    "getgid",
    "getpeername",
    "getppid",
    "getpriority",
    "getrlimit",
    "getrusage",
    "getsockname",
    "getsockopt",
    "getuid",
    "ioctl",
    "link",
    "linkat",
    "listen",
    "lseek",
    "lstat",
    "membarrier",
    "mincore",
    "mkdir",
    "mkdirat",
    "msync",
    "newfstatat",
    "open",
    "openat",
    "openat2",
    "pipe",
    "pipe2",
    "prctl",
    "preadv",
    "preadv2",
    "prlimit64",
    "pselect6",
    "pwritev",
    "pwritev2",
    "readlink",
    "readlinkat",
    "readv",
    "recvmmsg",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "rt_sigpending",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "sched_getaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "sched_setscheduler",
    "select",
    "sendfile",
    "sendmmsg",
    "set_robust_list",
    "set_tid_address",
    "setrlimit",
    "setsockopt",
    "shutdown",
    "socketpair",
    "stat",
    "statfs",
    "statx",
    "sync_file_range",
    "sysinfo",
    "timerfd_create",
    "timerfd_settime",
    "truncate",
    "umask",
    "uname",
    "unlink",
    "unlinkat",
    "utimensat",
    "wait4",
    "waitid",
    "writev",
};

/* Nothing in here calls these, whatever goes wrong: the process ends. */
static const char *const deadly[] = {
    "acct",
    "bpf",
    "chroot",
    "clock_adjtime",
    "clock_settime",
    "create_module",
    "delete_module",
    "execve",
    "execveat",
    "finit_module",
    "fsmount",
    "fsopen",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "mknod",
    "mknodat",
    "mount",
    "move_mount",
    "name_to_handle_at",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "personality",
    "pidfd_getfd",
    "pidfd_open",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "quotactl",
    "reboot",
    "sethostname",
    "setns",
    "settimeofday",
    "swapoff",
    "swapon",
    "umount2",
    "unshare",
    "userfaultfd",
};
#define N_OF(list) (sizeof(list) / sizeof((list)[0]))

bool
relay_sandbox_unfit(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                         \
    __has_feature(thread_sanitizer)
    return true;
#else
    return false;
#endif
#else
    return false;
#endif
}

/* 0 or an errno, below zero. */
static int
add_all(scmp_filter_ctx f, uint32_t action, const char *const *names, size_t n)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        int call = seccomp_syscall_resolve_name(names[i]);

        if (call != __NR_SCMP_ERROR && call >= 0)
            rc = seccomp_rule_add(f, action, call, 0);
    }
    return rc;
}

/* Argument ${n} of a call is ${x}; what ${mask} leaves of it is. */
static struct scmp_arg_cmp
is(unsigned int n, scmp_datum_t x)
{
    return (struct scmp_arg_cmp){n, SCMP_CMP_EQ, x, 0};
}

static struct scmp_arg_cmp
masked(unsigned int n, scmp_datum_t mask, scmp_datum_t x)
{
    return (struct scmp_arg_cmp){n, SCMP_CMP_MASKED_EQ, mask, x};
}

/* Sockets of the kinds that are used, and no raw ones but to ask the kernel for its addresses. */
static int
add_sockets(scmp_filter_ctx f)
{
    static const int families[] = {AF_INET, AF_INET6}, types[] = {SOCK_STREAM, SOCK_DGRAM};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < N_OF(families); i++) {
        for (size_t k = 0; rc == 0 && k < N_OF(types); k++)
            rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                                  is(0, (scmp_datum_t)families[i]),
                                  masked(1, 0xf, (scmp_datum_t)types[k]));
    }
    if (rc == 0)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, is(0, AF_UNIX));
    if (rc == 0)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, is(0, AF_NETLINK),
                              masked(1, 0xf, SOCK_RAW), is(2, 0));
    return rc;
}

/* Threads and no processes; signals to itself alone. What clone3(2) is asked for cannot be seen
 * here, so glibc is told that there is none and takes clone(2). */
static int
add_own(scmp_filter_ctx f)
{
    scmp_datum_t self = (scmp_datum_t)getpid();
    int rc;

    if ((rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0)) == 0 &&
        (rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                               masked(0, CLONE_THREAD, CLONE_THREAD))) == 0 &&
        (rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, is(0, self))) == 0)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, is(0, self));
    return rc;
}

/* ---- the program of a list ---- */

/* Where memory lacks while it makes its program, libseccomp 2.5 may go round in a circle for ever,
 * or make one that forbids everything and say nothing. It takes milliseconds; so it gets seconds of
 * the processor and no more, and two programs that it makes have to be equal. */

#define MAKE_S      2u
#define PROGRAM_MAX (64u << 10)
#define OUT_OF_TIME "detente-relay: the list of system calls is not made: memory lacks\n"

static const char *out_of_time_line;

static void
out_of_time(int sig)
{
    ssize_t said = 0;

    (void)sig;
    if (out_of_time_line != NULL)
        said = write(STDERR_FILENO, out_of_time_line, sizeof(OUT_OF_TIME) - 1);
    _exit(said < 0 ? 4 : 3);
}

/* What was before the processor's time was bounded. */
struct unbounded {
    struct rlimit limit;
    struct sigaction action;
    sigset_t mask;
};

/* From now on a process that uses MAKE_S more of the processor ends. */
static int
bound_time(struct unbounded *out)
{
    struct sigaction sa = {0};
    struct rlimit limit;
    struct rusage used;
    sigset_t xcpu;

    sa.sa_handler = out_of_time;
    (void)sigemptyset(&sa.sa_mask);
    (void)sigemptyset(&xcpu);
    (void)sigaddset(&xcpu, SIGXCPU);
    if (getrlimit(RLIMIT_CPU, &out->limit) != 0 || getrusage(RUSAGE_SELF, &used) != 0 ||
        sigaction(SIGXCPU, &sa, &out->action) != 0 ||
        sigprocmask(SIG_UNBLOCK, &xcpu, &out->mask) != 0)
        return -errno;
    limit = out->limit;
    limit.rlim_cur = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + MAKE_S;
    return setrlimit(RLIMIT_CPU, &limit) == 0 ? 0 : -errno;
}

static int
unbound_time(const struct unbounded *was)
{
    return setrlimit(RLIMIT_CPU, &was->limit) == 0 &&
                   sigprocmask(SIG_SETMASK, &was->mask, NULL) == 0 &&
                   sigaction(SIGXCPU, &was->action, NULL) == 0
               ? 0
               : -errno;
}

/* The program of ${f}, ${n} bytes in ${out}. */
static int
make(scmp_filter_ctx f, uint8_t *out, size_t *n)
{
    int fd = memfd_create("calls", MFD_CLOEXEC), rc;
    ssize_t got = 0;

    if (fd < 0)
        return -errno;
    if ((rc = seccomp_export_bpf(f, fd)) == 0 && (got = pread(fd, out, PROGRAM_MAX, 0)) < 0)
        rc = -errno;
    (void)close(fd);
    *n = rc == 0 ? (size_t)got : 0;
    return rc;
}

static int
make_and_load(scmp_filter_ctx f)
{
    static uint8_t program[PROGRAM_MAX], again[PROGRAM_MAX];
    struct unbounded was;
    struct sock_fprog fprog;
    size_t n = 0, n_again = 0;
    int rc = bound_time(&was), back;

    if (rc != 0)
        return rc;
    if ((rc = make(f, program, &n)) == 0 && (rc = make(f, again, &n_again)) == 0 &&
        (n == 0 || n == PROGRAM_MAX || n != n_again || memcmp(program, again, n) != 0))
        rc = -ENOMEM;
    back = unbound_time(&was);
    rc = rc != 0 ? rc : back;
    if (rc != 0)
        return rc;
    fprog.len = (unsigned short)(n / sizeof(struct sock_filter));
    fprog.filter = (struct sock_filter *)(void *)program;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                   prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog, 0, 0) == 0
               ? 0
               : -errno;
}

/* Load ${f}, or say what ${rc} is about; release it. */
static enum dt_err
load(scmp_filter_ctx f, int rc)
{
    enum dt_err err = DT_OK;

    if (rc == 0)
        rc = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0) {
        (void)seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* by number, not one by one */
        rc = make_and_load(f);
    }
    if (rc != 0)
        err = dt_fail(rc == -ENOMEM ? DT_ERR_NOMEM : DT_ERR_UNSUPPORTED,
                      "system calls cannot be restricted: %s", strerrordesc_np(-rc));
    seccomp_release(f);
    return err;
}

enum dt_err
relay_sandbox_serve_calls(void)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc;

    if (f == NULL)
        return dt_fail(DT_ERR_NOMEM, "out of memory");
    if ((rc = add_all(f, SCMP_ACT_KILL_PROCESS, deadly, N_OF(deadly))) == 0 &&
        (rc = add_all(f, SCMP_ACT_ALLOW, common, N_OF(common))) == 0 &&
        (rc = add_all(f, SCMP_ACT_ALLOW, serving, N_OF(serving))) == 0 &&
        (rc = add_sockets(f)) == 0)
        rc = add_own(f);
    out_of_time_line = OUT_OF_TIME; /* of a signer that ends so the relay says it */
    return load(f, rc);
}

enum dt_err
relay_sandbox_signer_calls(void)
{
    /* Whoever got in would begin with one of these. */
    static const char *const also_deadly[] = {"socket", "connect", "open", "openat",  "openat2",
                                              "clone",  "clone3",  "fork", "vfork",   "kill",
                                              "tkill",  "tgkill",  "bind", "sendmmsg"};
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc;

    if (f == NULL)
        return dt_fail(DT_ERR_NOMEM, "out of memory");
    if ((rc = add_all(f, SCMP_ACT_KILL_PROCESS, deadly, N_OF(deadly))) == 0 &&
        (rc = add_all(f, SCMP_ACT_KILL_PROCESS, also_deadly, N_OF(also_deadly))) == 0)
        rc = add_all(f, SCMP_ACT_ALLOW, common, N_OF(common));
    return load(f, rc);
}
