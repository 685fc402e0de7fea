/*
 * tests/crypto/test_secret.c - secret memory: wiped, locked, guarded, not inherited, shared by
 * threads.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/crypto.h"

static bool
all_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static void
wiped_and_fresh(void **state)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret keep = {0}; /* so that the page stays mapped */
    struct dt_secret s = {0};
    struct dt_secret t = {0};
    const uint8_t *was;

    (void)state;
    assert_int_equal(dt_secret_alloc(&keep, 32), DT_OK);
    assert_int_equal(dt_secret_alloc(&s, 64), DT_OK);
    assert_true(all_zero(s.p, 64));
    memset(s.p, 0xaa, 64);
    was = s.p;
    dt_secret_clear(&s);
    assert_null(s.p);
    assert_int_equal(s.n, 0);
    assert_true(all_zero(was, 64));
    dt_secret_clear(&s);
    dt_secret_clear(NULL);
    assert_int_equal(dt_secret_alloc(&t, 64), DT_OK);
    assert_true(all_zero(t.p, 64));
    dt_secret_clear(&t);
}

static void
set_move_and_limits(void **state)
{
    struct dt_secret a = {0};
    struct dt_secret b = {0};

    (void)state;
    assert_int_equal(dt_secret_set(&a, dt_view_str("0123456789")), DT_OK);
    /* A part of itself. */
    assert_int_equal(dt_secret_set(&a, dt_view(a.p + 2, 5)), DT_OK);
    assert_true(dt_view_equal(dt_secret_view(&a), dt_view_str("23456")));
    dt_secret_move(&b, &a);
    assert_null(a.p);
    assert_true(dt_view_equal(dt_secret_view(&b), dt_view_str("23456")));
    dt_secret_move(&b, &b);
    assert_int_equal(b.n, 5);
    assert_int_equal(dt_secret_alloc(&b, DT_SECRET_MAX + 1), DT_ERR_LIMIT);
    assert_null(b.p);
    assert_int_equal(dt_secret_alloc(&b, 0), DT_OK);
    assert_null(b.p);
    assert_int_equal(dt_secret_random(&a, 65), DT_OK);
    assert_int_equal(dt_secret_random(&b, 65), DT_OK);
    assert_false(dt_ct_equal(dt_secret_view(&a), dt_secret_view(&b)));
    assert_int_equal(dt_secret_set(&b, dt_secret_view(&a)), DT_OK);
    assert_true(dt_ct_equal(dt_secret_view(&a), dt_secret_view(&b)));
    dt_secret_clear(&a);
    dt_secret_clear(&b);
}

/* Every size around a slot, a page and beyond; many at a time, none overlapping. */
static void
many_sizes(void **state)
{
    static const size_t sizes[] = {1, 16, 32, 63, 64, 65, 4095, 4096, 4097, 100000};
    enum { N = 3000 };
    static struct dt_secret all[N];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        size_t n = i < 40 ? sizes[i % 10] : sizes[i % 5];

        assert_int_equal(dt_secret_alloc(&all[i], n), DT_OK);
        assert_true(all_zero(all[i].p, n));
        memset(all[i].p, (int)(i % 255) + 1, n);
    }
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < all[i].n; j++)
            assert_int_equal(all[i].p[j], i % 255 + 1);
    for (size_t i = 0; i < N; i += 2)
        dt_secret_clear(&all[i]);
    for (size_t i = 1; i < N; i += 2)
        assert_int_equal(all[i].p[all[i].n - 1], i % 255 + 1);
    for (size_t i = 0; i < N; i++)
        dt_secret_clear(&all[i]);
}

/* What the kernel says of the mapping that holds ${p}: its VmFlags. */
static void
vm_flags(const void *p, char *out, size_t out_len)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    bool in = false;

    assert_non_null(f);
    out[0] = '\0';
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned long from, to;

        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            in = (uintptr_t)p >= from && (uintptr_t)p < to;
        else if (in && strncmp(line, "VmFlags:", 8) == 0)
            (void)snprintf(out, out_len, "%s", line + 8);
    }
    fclose(f);
}

/* AddressSanitizer makes mlock() do nothing; then the parts that are about locking cannot be seen.
 */
static bool
locking_works(void)
{
    long page = sysconf(_SC_PAGESIZE);
    void *p = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char flags[512];

    assert_ptr_not_equal(p, MAP_FAILED);
    assert_int_equal(mlock(p, (size_t)page), 0);
    vm_flags(p, flags, sizeof flags);
    assert_int_equal(munmap(p, (size_t)page), 0);
    return strstr(flags, " lo") != NULL;
}

static void
locked_and_out_of_dumps(void **state)
{
    bool locks = locking_works();
    DT_CLEANUP(dt_secret_clear) struct dt_secret small = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret big = {0};
    const struct dt_secret *both[2];
    char flags[512];

    (void)state;
    assert_int_equal(dt_secret_alloc(&small, 32), DT_OK);
    assert_int_equal(dt_secret_alloc(&big, 5000), DT_OK);
    both[0] = &small;
    both[1] = &big;
    for (int i = 0; i < 2; i++) {
        vm_flags(both[i]->p, flags, sizeof flags);
        assert_non_null(strstr(flags, " dd")); /* not in core dumps */
        assert_non_null(strstr(flags, " dc")); /* not copied by fork */
        if (locks && dt_secret_unlocked() == 0)
            assert_non_null(strstr(flags, " lo"));
    }
}

/* Run ${fn} in a child with default signals; its wait status. */
static int
in_child(void (*fn)(void *arg), void *arg)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = {0, 0};

        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGSEGV, SIG_DFL);
        fn(arg);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void
write_past_end(void *arg)
{
    struct dt_secret s = {0};
    volatile uint8_t *p;

    (void)arg;
    if (dt_secret_alloc(&s, 5000) != DT_OK)
        _exit(9);
    p = s.p;
    p[4999] = 1;
    p[5000] = 1;
}

static void
guard_page_faults(void **state)
{
    int status = in_child(write_past_end, NULL);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void
read_inherited(void *arg)
{
    const struct dt_secret *s = arg;
    volatile const uint8_t *p = s->p;

    /* A new slab must not come to lie where the old one was. */
    for (int i = 0; i < 50; i++) {
        struct dt_secret fill = {0};

        if (dt_secret_alloc(&fill, 4096) != DT_OK)
            _exit(9);
    }
    _exit(p[0] == 0x5a ? 8 : 7);
}

static void
use_own(void *arg)
{
    struct dt_secret *inherited = arg;
    struct dt_secret fresh = {0};

    if (dt_secret_alloc(&fresh, 32) != DT_OK || !all_zero(fresh.p, 32))
        _exit(9);
    memset(fresh.p, 1, 32);
    dt_secret_clear(inherited); /* only forgets */
    for (int i = 0; i < 32; i++)
        if (fresh.p[i] != 1)
            _exit(8);
    dt_secret_clear(&fresh);
}

static void
fork_leaves_secrets_behind(void **state)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};
    int status;

    (void)state;
    assert_int_equal(dt_secret_alloc(&s, 32), DT_OK);
    memset(s.p, 0x5a, 32);
    status = in_child(read_inherited, &s);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    status = in_child(use_own, &s);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(s.p[31], 0x5a);
}

/* Without a right to lock: by policy refused, or allowed and counted. */
static void
no_lock(void *arg)
{
    struct rlimit none = {0, 0};
    struct dt_secret s = {0};

    (void)arg;
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (geteuid() == 0 && setuid(65534) != 0))
        _exit(20);
    dt_secret_set_policy(DT_SECRET_LOCK_OR_FAIL);
    if (dt_secret_alloc(&s, 32) != DT_ERR_NOMEM || s.p != NULL)
        _exit(1);
    if (dt_secret_alloc(&s, 5000) != DT_ERR_NOMEM)
        _exit(2);
    dt_secret_set_policy(DT_SECRET_LOCK_IF_POSSIBLE);
    if (dt_secret_unlocked() != 0 || dt_secret_alloc(&s, 32) != DT_OK || dt_secret_unlocked() < 32)
        _exit(3);
    dt_secret_clear(&s);
    if (dt_secret_unlocked() != 0)
        _exit(4);
}

static void
lock_limit_by_policy(void **state)
{
    int status;

    (void)state;
    if (!locking_works())
        skip();
    status = in_child(no_lock, NULL);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 20)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void *
churn(void *arg)
{
    unsigned int seed = (unsigned int)(uintptr_t)arg;
    struct dt_secret held[16] = {{0}};
    uint8_t mark[16] = {0};
    uintptr_t bad = 0;

    for (int i = 0; i < 3000; i++) {
        struct dt_secret *s = &held[i % 16];
        size_t n = (size_t)(rand_r(&seed) % (i % 50 == 0 ? 9000 : 64)) + 1;

        /* Filled with one value below: another thread's bytes would show at one of the ends. */
        if (s->p != NULL && (s->p[0] != mark[i % 16] || s->p[s->n - 1] != mark[i % 16]))
            bad++;
        mark[i % 16] = (uint8_t)seed;
        if (dt_secret_alloc(s, n) != DT_OK)
            bad++;
        else
            memset(s->p, mark[i % 16], n);
    }
    for (int i = 0; i < 16; i++)
        dt_secret_clear(&held[i]);
    return (void *)bad;
}

static void
threads_share_slabs(void **state)
{
    pthread_t t[4];

    (void)state;
    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, churn, (void *)(i + 1)), 0);
    for (int i = 0; i < 4; i++) {
        void *bad = NULL;

        assert_int_equal(pthread_join(t[i], &bad), 0);
        assert_null(bad);
    }
}

static void
equality(void **state)
{
    uint8_t a[100];
    uint8_t b[100];

    (void)state;
    memset(a, 3, sizeof a);
    memset(b, 3, sizeof b);
    assert_true(dt_ct_equal(dt_view(NULL, 0), dt_view(a, 0)));
    assert_false(dt_ct_equal(dt_view(a, 99), dt_view_of(b)));
    for (size_t i = 0; i < sizeof a; i++) {
        assert_true(dt_ct_equal(dt_view_of(a), dt_view_of(b)));
        b[i] ^= 0x80;
        assert_false(dt_ct_equal(dt_view_of(a), dt_view_of(b)));
        b[i] ^= 0x80;
    }
}

static int
set_up(void **state)
{
    (void)state;
    return dt_crypto_init() == DT_OK ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wiped_and_fresh),
        cmocka_unit_test(set_move_and_limits),
        cmocka_unit_test(many_sizes),
        cmocka_unit_test(locked_and_out_of_dumps),
        cmocka_unit_test(guard_page_faults),
        cmocka_unit_test(fork_leaves_secrets_behind),
        cmocka_unit_test(lock_limit_by_policy),
        cmocka_unit_test(threads_share_slabs),
        cmocka_unit_test(equality),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
