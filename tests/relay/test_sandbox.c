/*
 * tests/relay/test_sandbox.c - what a relay and its signer may not do is refused, and what they
 * must do is not. Each try is made by a child that was put into the sandbox first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "relay/sandbox/sandbox.h"

static char dir[64], inside[96], outside[64], secret[96], certs[96], cert[128];
static pid_t other; /* a process that is none of its own */

/* ---- what is tried: 0 when it went through, else errno ---- */

static int
rc_of(long rc)
{
    return rc < 0 ? errno : 0;
}

static int
read_outside(void)
{
    return rc_of(open(secret, O_RDONLY));
}

static int
write_outside(void)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/new", outside);
    return rc_of(open(path, O_WRONLY | O_CREAT, 0600));
}

static int
move_out(void)
{
    char from[128], to[128];

    (void)snprintf(from, sizeof(from), "%s/there", inside);
    (void)snprintf(to, sizeof(to), "%s/moved", outside);
    return rc_of(rename(from, to));
}

static int
read_users(void)
{
    return rc_of(open("/etc/passwd", O_RDONLY));
}

static int
write_inside(void)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/new", inside);
    return dt_file_write(path, dt_view_str("x"), 0600) == DT_OK ? 0 : EACCES;
}

static int
read_cert(void)
{
    return rc_of(open(cert, O_RDONLY));
}

static int
write_cert(void)
{
    return rc_of(open(cert, O_WRONLY));
}

static int
exec(void)
{
    return rc_of(execl("/bin/true", "true", (char *)NULL));
}

static int
trace(void)
{
    return rc_of(ptrace(PTRACE_ATTACH, other, NULL, NULL));
}

static int
raw_socket(void)
{
    return rc_of(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int
packet_socket(void)
{
    return rc_of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int
tcp(void)
{
    return rc_of(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

static int
mounting(void)
{
    return rc_of(mount("none", inside, "tmpfs", 0, NULL));
}

static int
kill_other(void)
{
    return rc_of(kill(other, SIGTERM));
}

static int
kill_own(void)
{
    return rc_of(kill(getpid(), 0));
}

static int
forking(void)
{
    return rc_of(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static void *
nothing(void *arg)
{
    return arg;
}

static int
thread(void)
{
    pthread_t t;
    int rc = pthread_create(&t, NULL, nothing, NULL);

    return rc != 0 ? rc : pthread_join(t, NULL);
}

static int
unsharing(void)
{
    return rc_of(syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */));
}

static int
peek(void)
{
    return rc_of(syscall(SYS_process_vm_readv, other, NULL, 0, NULL, 0, 0));
}

static int
load_bpf(void)
{
    return rc_of(syscall(SYS_bpf, 0, NULL, 0));
}

static int
ring(void)
{
    return rc_of(syscall(SYS_io_uring_setup, 1, NULL));
}

static int
change_user(void)
{
    return rc_of(syscall(SYS_setuid, 65534));
}

static int
change_mode(void)
{
    return rc_of(syscall(SYS_fchmodat, AT_FDCWD, inside, 0777));
}

static int
connecting(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(1)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return errno;
    return connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 || errno == ECONNREFUSED ? 0 : errno;
}

static int pair[2];

static int
message(void)
{
    return rc_of(send(pair[0], "x", 1, MSG_NOSIGNAL));
}

static int
memory(void)
{
    void *p = malloc(1u << 22);

    if (p == NULL)
        return ENOMEM;
    memset(p, 1, 1u << 22);
    free(p);
    return 0;
}

/* ---- the tries ---- */

enum kind { SERVE, SIGNER };
enum fate { ALLOWED, REFUSED, KILLED };

static bool
has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

static int
enter(enum kind kind, bool files, bool calls)
{
    struct relay_sandbox s = {.write = {inside}, .read = {NULL, cert}};

    if (files && relay_sandbox_files(kind == SERVE ? &s : NULL) != DT_OK)
        return 90;
    if (calls &&
        (kind == SERVE ? relay_sandbox_serve_calls() : relay_sandbox_signer_calls()) != DT_OK)
        return 91;
    return 0;
}

static enum fate
fate_of(enum kind kind, bool files, bool calls, int (*what)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        int rc = enter(kind, files, calls);

        if (rc != 0)
            _exit(rc);
        rc = what();
        _exit(rc == 0 ? 0 : rc == EPERM || rc == EACCES || rc == EXDEV ? 1 : 92);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGSYS);
        return KILLED;
    }
    if (WEXITSTATUS(status) > 1)
        fail_msg("the try ended with %d", WEXITSTATUS(status));
    return WEXITSTATUS(status) == 0 ? ALLOWED : REFUSED;
}

struct attempt {
    const char *name;
    int (*what)(void);
    enum fate serve, signer;
};

static void
tries(bool files, bool calls, const struct attempt *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum fate serve = fate_of(SERVE, files, calls, v[i].what),
                  signer = fate_of(SIGNER, files, calls, v[i].what);

        if (serve != v[i].serve)
            fail_msg("%s: the relay: %d, expected %d", v[i].name, (int)serve, (int)v[i].serve);
        if (signer != v[i].signer)
            fail_msg("%s: the signer: %d, expected %d", v[i].name, (int)signer, (int)v[i].signer);
    }
}

static void
calls(void **state)
{
    static const struct attempt v[] = {
        {"execve", exec, KILLED, KILLED},
        {"ptrace", trace, KILLED, KILLED},
        {"process_vm_readv", peek, KILLED, KILLED},
        {"mount", mounting, KILLED, KILLED},
        {"unshare", unsharing, KILLED, KILLED},
        {"bpf", load_bpf, KILLED, KILLED},
        {"io_uring", ring, KILLED, KILLED},
        {"a raw socket", raw_socket, REFUSED, KILLED},
        {"a packet socket", packet_socket, REFUSED, KILLED},
        {"fork", forking, REFUSED, KILLED},
        {"a signal to another", kill_other, REFUSED, KILLED},
        {"setuid", change_user, REFUSED, REFUSED},
        {"chmod", change_mode, REFUSED, REFUSED},
        {"a TCP socket", tcp, ALLOWED, KILLED},
        {"connect", connecting, ALLOWED, KILLED},
        {"open", read_outside, ALLOWED, KILLED}, /* of the relay, by files() below */
        {"a thread", thread, ALLOWED, KILLED},
        {"a signal to itself", kill_own, ALLOWED, KILLED},
        {"a file of its own", write_inside, ALLOWED, KILLED},
        {"a message", message, ALLOWED, ALLOWED},
        {"memory", memory, ALLOWED, ALLOWED},
    };

    (void)state;
    tries(false, true, v, sizeof(v) / sizeof(v[0]));
}

static void
files(void **state)
{
    static const struct attempt v[] = {
        {"read elsewhere", read_outside, REFUSED, REFUSED},
        {"write elsewhere", write_outside, REFUSED, REFUSED},
        {"move out", move_out, REFUSED, REFUSED},
        {"users", read_users, REFUSED, REFUSED},
        {"write a certificate", write_cert, REFUSED, REFUSED},
        {"read a certificate", read_cert, ALLOWED, REFUSED},
        {"write in its folder", write_inside, ALLOWED, REFUSED},
        {"a message", message, ALLOWED, ALLOWED},
    };

    (void)state;
    if (!has_landlock()) {
        struct relay_sandbox s = {.write = {inside}};

        assert_int_equal(relay_sandbox_files(&s), DT_ERR_UNSUPPORTED);
        skip();
    }
    tries(true, false, v, sizeof(v) / sizeof(v[0]));
}

/* A path that is not there is an error before anything is restricted. */
static void
wrong_path(void **state)
{
    struct relay_sandbox s = {.write = {"/nowhere/at/all"}};

    (void)state;
    if (!has_landlock())
        skip();
    assert_int_equal(relay_sandbox_files(&s), DT_ERR_IO);
    assert_int_equal(read_outside(), 0);
}

static int
set_up(void **state)
{
    char path[160];

    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/dt-sandbox-XXXXXX");
    (void)snprintf(outside, sizeof(outside), "/tmp/dt-outside-XXXXXX");
    if (mkdtemp(dir) == NULL || mkdtemp(outside) == NULL)
        return -1;
    (void)snprintf(inside, sizeof(inside), "%s/store", dir);
    (void)snprintf(certs, sizeof(certs), "%s/certs", dir);
    (void)snprintf(cert, sizeof(cert), "%s/cert", certs);
    (void)snprintf(secret, sizeof(secret), "%s/secret", outside);
    (void)snprintf(path, sizeof(path), "%s/there", inside);
    if (mkdir(inside, 0700) != 0 || mkdir(certs, 0700) != 0 ||
        dt_file_write(cert, dt_view_str("c"), 0600) != DT_OK ||
        dt_file_write(secret, dt_view_str("s"), 0600) != DT_OK ||
        dt_file_write(path, dt_view_str("t"), 0600) != DT_OK ||
        socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
        return -1;
    other = fork();
    if (other == 0) {
        (void)pause();
        _exit(0);
    }
    return 0;
}

static int
tear_down(void **state)
{
    pid_t pid;

    (void)state;
    (void)kill(other, SIGKILL);
    (void)waitpid(other, NULL, 0);
    pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", "--", dir, outside, (char *)NULL);
        _exit(99);
    }
    (void)waitpid(pid, NULL, 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls),
        cmocka_unit_test(files),
        cmocka_unit_test(wrong_path),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
