/*
 * tests/mls/test_tree_verify.c - the leaves of a large tree checked by several threads: the same
 * answer as by one, whichever leaf does not hold, and also when threads cannot be had.
 *
 * RFC 9420 sections 7.3 and 12.4.3.1. pthread_create() is the linker's wrapper below.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "mls/tree_check.h"

#include "tree_util.h"

#define N 200u

static struct mls_tree tree;
static struct mls_leaf_rules rules;
static unsigned int created, allowed;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg);

int
__wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    sigset_t blocked;

    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &blocked), 0);
    assert_int_equal(sigismember(&blocked, SIGTERM), 1); /* signals are for the program's own */
    if (created == allowed)
        return EAGAIN;
    created++;
    return __real_pthread_create(id, attr, fn, arg);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static int
setup(void **state)
{
    const struct dt_suite *suite;

    (void)state;
    assert_ok(dt_crypto_init());
    suite = dt_suite_get(1);
    rules = rules_plain(suite);
    mls_tree_init(&tree, suite);
    for (unsigned int i = 0; i < N; i++) {
        struct member m = {0};
        uint32_t at;

        member_new(&m, suite, i);
        assert_ok(mls_tree_add(&tree, m.kp.key_package->leaf, &at));
        member_clear(&m);
    }
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    mls_tree_clear(&tree);
    return 0;
}

/* The leaf at ${index}, signed by somebody else. */
static struct mls_leaf_node *
forged(uint32_t index)
{
    struct mls_leaf_fields f = {0};
    struct mls_leaf_node *leaf = NULL;
    struct member m = {0};

    member_new(&m, tree.suite, 1000);
    mls_leaf_fields_from(&f, mls_tree_leaf(&tree, index));
    assert_ok(
        mls_leaf_node_new(tree.suite, &f, dt_secret_view(&m.sig_priv), GROUP_ID, index, &leaf));
    member_clear(&m);
    return leaf;
}

static enum dt_err
verify(const struct mls_tree *t, uint32_t threads, unsigned int can_be_had)
{
    sigset_t before, after;
    enum dt_err err;

    created = 0;
    allowed = can_be_had;
    rules.threads = threads;
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &before), 0);
    err = mls_tree_verify_leaves(t, GROUP_ID, &rules);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &after), 0);
    for (int i = 1; i < 32; i++)
        assert_int_equal(sigismember(&before, i), sigismember(&after, i));
    return err;
}

static void
as_many_threads_as_allowed(void **state)
{
    (void)state;
    assert_ok(verify(&tree, 0, 100));
    assert_int_equal(created, 0);
    assert_ok(verify(&tree, 1, 100));
    assert_int_equal(created, 0);
    assert_ok(verify(&tree, 4, 100));
    assert_int_equal(created, 3); /* and the caller's */
    /* Not more than there is work for: 256 slots, 32 at once. */
    assert_ok(verify(&tree, 1000000, 100));
    assert_int_equal(created, 7);
}

static void
threads_that_cannot_be_had(void **state)
{
    (void)state;
    for (unsigned int n = 0; n < 3; n++) {
        assert_ok(verify(&tree, 4, n));
        assert_int_equal(created, n);
    }
}

/* Two leaves do not hold: the first is named, as with one thread, wherever they are. */
static void
the_same_error_as_by_one(void **state)
{
    static const uint32_t pairs[][2] = {{0, 1},   {0, 199},   {31, 32},  {63, 64},
                                        {70, 99}, {120, 160}, {198, 199}};

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct mls_tree bad;
        char by_one[200];

        assert_ok(mls_tree_copy(&tree, &bad));
        for (size_t k = 0; k < 2; k++) {
            struct mls_leaf_node *leaf = forged(pairs[i][k]);

            assert_ok(mls_tree_set_leaf(&bad, pairs[i][k], leaf));
            mls_leaf_node_unref(leaf);
        }
        assert_int_equal(verify(&bad, 1, 0), DT_ERR_AUTH);
        (void)snprintf(by_one, sizeof by_one, "%s", dt_err_message());
        for (uint32_t threads = 2; threads < 8; threads++) {
            dt_err_forget();
            assert_int_equal(verify(&bad, threads, threads % 3), DT_ERR_AUTH);
            assert_string_equal(dt_err_message(), by_one);
        }
        mls_tree_clear(&bad);
    }
    assert_ok(verify(&tree, 4, 3));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_threads_as_allowed),
        cmocka_unit_test(threads_that_cannot_be_had),
        cmocka_unit_test(the_same_error_as_by_one),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
