/*
 * tests/crypto/test_keyring.c - the kernel's keyring, the real one: kept, replaced, over at its
 * time, dropped; read by another process; and what is said where there is none or it is forbidden.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/keyring.h"

static char name[DT_KEYRING_NAME_MAX];

static void
pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

static int
set_up(void **state)
{
    bool was;

    (void)state;
    (void)snprintf(name, sizeof name, "detente:test:%d", (int)getpid());
    return dt_keyring_drop(name, &was) == DT_OK ? 0 : -1;
}

static void
holds(const char *want)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};

    assert_int_equal(dt_keyring_get(name, &s), DT_OK);
    assert_true(dt_view_equal(dt_secret_view(&s), dt_view_str(want)));
    assert_true(dt_keyring_holds(name));
}

static void
holds_none(void)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};

    assert_int_equal(dt_keyring_get(name, &s), DT_ERR_NOT_FOUND);
    assert_int_equal(s.n, 0);
}

/* Kept, replaced, dropped; a second drop finds nothing. */
static void
kept_and_dropped(void **state)
{
    enum dt_keyring where = *(const enum dt_keyring *)*state;
    DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};
    bool was = false;

    holds_none();
    assert_int_equal(dt_keyring_put(where, name, dt_view_str("one"), 60), DT_OK);
    holds("one");
    assert_int_equal(dt_keyring_put(where, name, dt_view_str("another"), 60), DT_OK);
    holds("another");
    assert_int_equal(dt_keyring_get(name, &s), DT_OK);
    assert_int_equal(dt_keyring_drop(name, &was), DT_OK);
    assert_true(was);
    holds_none();
    assert_false(dt_keyring_holds(name));
    assert_int_equal(dt_keyring_drop(name, &was), DT_OK);
    assert_false(was);
}

/* In both places: all of it goes. */
static void
dropped_in_both(void **state)
{
    bool was = false;

    (void)state;
    assert_int_equal(dt_keyring_put(DT_KEYRING_USER, name, dt_view_str("user"), 60), DT_OK);
    assert_int_equal(dt_keyring_put(DT_KEYRING_SESSION, name, dt_view_str("session"), 60), DT_OK);
    holds("session");
    assert_int_equal(dt_keyring_drop(name, &was), DT_OK);
    assert_true(was);
    holds_none();
}

static void
over_at_its_time(void **state)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};

    (void)state;
    assert_int_equal(dt_keyring_put(DT_KEYRING_USER, name, dt_view_str("short"), 1), DT_OK);
    assert_int_equal(dt_keyring_get(name, &s), DT_OK);
    pause_ms(2200);
    assert_false(dt_keyring_holds(name));
    holds_none();
}

static void
bounds(void **state)
{
    uint8_t big[DT_KEYRING_VALUE + 1] = {1};

    (void)state;
    assert_int_equal(dt_keyring_put(DT_KEYRING_USER, name, dt_view(big, sizeof big), 60),
                     DT_ERR_LIMIT);
    assert_int_equal(dt_keyring_put(DT_KEYRING_USER, name, dt_view(big, 0), 60), DT_ERR_LIMIT);
    assert_int_equal(dt_keyring_put(DT_KEYRING_USER, name, dt_view(big, 1), 0), DT_ERR_LIMIT);
    holds_none();
    assert_int_equal(dt_keyring_put(DT_KEYRING_USER, name, dt_view(big, DT_KEYRING_VALUE), 60),
                     DT_OK);
}

/* Another process of the user, in a session of its own, reads what is the user's, and not what is
 * the session's. */
static void
read_elsewhere(void **state)
{
    for (int where = DT_KEYRING_USER; where <= DT_KEYRING_SESSION; where++) {
        int status = 0;
        bool was;
        pid_t pid;

        assert_int_equal(dt_keyring_drop(name, &was), DT_OK);
        assert_int_equal(dt_keyring_put((enum dt_keyring)where, name, dt_view_str("elsewhere"), 60),
                         DT_OK);
        pid = fork();
        if (pid == 0) {
            DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};

            (void)syscall(SYS_keyctl, 1L /* KEYCTL_JOIN_SESSION_KEYRING */, NULL, 0L, 0L, 0L);
            _exit((int)dt_keyring_get(name, &s));
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), where == DT_KEYRING_USER ? DT_OK : DT_ERR_NOT_FOUND);
    }
    (void)state;
}

/* The system calls answer ${e} from here on, as in a kernel without them or in a container. */
static void
forbid(int e)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_add_key, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_keyctl, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)e),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {.len = sizeof code / sizeof code[0], .filter = code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
        _exit(99);
}

static void
without_a_keyring(void **state)
{
    static const struct {
        int e;
        enum dt_err want;
    } v[] = {{ENOSYS, DT_ERR_UNSUPPORTED}, {EPERM, DT_ERR_REFUSED}};

    (void)state;
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
            DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};
            bool was = true;

            forbid(v[i].e);
            _exit(dt_keyring_put(DT_KEYRING_USER, name, dt_view_str("x"), 60) == v[i].want &&
                          dt_keyring_get(name, &s) == v[i].want &&
                          dt_keyring_drop(name, &was) == v[i].want && !was
                      ? 0
                      : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int
main(void)
{
    static enum dt_keyring user = DT_KEYRING_USER, session = DT_KEYRING_SESSION;
    const struct CMUnitTest tests[] = {
        {"kept for the user, dropped", kept_and_dropped, set_up, set_up, &user},
        {"kept for the session, dropped", kept_and_dropped, set_up, set_up, &session},
        cmocka_unit_test_setup_teardown(dropped_in_both, set_up, set_up),
        cmocka_unit_test_setup_teardown(over_at_its_time, set_up, set_up),
        cmocka_unit_test_setup_teardown(bounds, set_up, set_up),
        cmocka_unit_test_setup_teardown(read_elsewhere, set_up, set_up),
        cmocka_unit_test_setup_teardown(without_a_keyring, set_up, set_up),
    };
    DT_CLEANUP(dt_secret_clear) struct dt_secret probe = {0};

    /* A machine without a keyring has nothing to test but that. */
    (void)snprintf(name, sizeof name, "detente:test:%d", (int)getpid());
    if (dt_keyring_get(name, &probe) != DT_ERR_NOT_FOUND) {
        printf("skipped: %s\n", dt_err_message());
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
