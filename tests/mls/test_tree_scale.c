/*
 * tests/mls/test_tree_scale.c - what grows with a tree grows no faster than it.
 *
 * Times are compared with one another within a run, never with a clock's idea of fast. Each is the
 * least of several, as other work on the machine only ever adds.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tree_util.h"

#define RUNS 5

static const struct dt_suite *suite;
static struct dt_secret seed;
static uint8_t seed_pub[DT_ED25519_PUB];

static double
now(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct mls_leaf_fields
fields(const uint8_t *key)
{
    struct mls_leaf_fields f = {
        .encryption_key = dt_view(key, 32),
        .signature_key = dt_view_of(seed_pub),
        .credential = {.type = MLS_CREDENTIAL_BASIC, .identity = dt_view_str("somebody")},
        .capabilities = caps_plain(),
        .source = MLS_LEAF_UPDATE};

    return f;
}

static void
add(struct mls_tree *t, uint32_t number)
{
    DT_CLEANUP(mls_leaf_node_unref_p) struct mls_leaf_node *leaf = NULL;
    uint8_t key[32] = {1};
    struct mls_leaf_fields f = fields(key);
    uint32_t at;

    memcpy(key + 8, &number, sizeof number);
    assert_ok(mls_leaf_node_new(suite, &f, dt_secret_view(&seed), GROUP_ID, number, &leaf));
    assert_ok(mls_tree_add(t, leaf, &at));
}

/* The member at each leaf but every ${skip}th (0: none) makes a path. */
static void
paths(struct mls_tree *t, uint32_t n, uint32_t skip)
{
    for (uint32_t i = 0; i < n; i++) {
        DT_CLEANUP(mls_path_clear) struct mls_path path = {0};
        uint8_t key[32];
        struct mls_leaf_fields f = fields(key);

        if (skip == 0 || i % skip != skip - 1)
            assert_ok(mls_path_begin(t, i, &f, dt_secret_view(&seed), GROUP_ID, &path));
    }
}

static void
make_full(struct mls_tree *t, uint32_t n)
{
    mls_tree_init(t, suite);
    for (uint32_t i = 0; i < n; i++)
        add(t, i);
    paths(t, n, 0);
}

/* Every fourth leaf is empty while the others make their paths, and filled afterwards. */
static void
make_unmerged(struct mls_tree *t, uint32_t n)
{
    mls_tree_init(t, suite);
    for (uint32_t i = 0; i < n; i++)
        add(t, i);
    for (uint32_t i = 3; i < n; i += 4)
        assert_ok(mls_tree_remove(t, i));
    paths(t, n, 4);
    for (uint32_t i = 3; i < n; i += 4)
        add(t, n + i);
}

static uint32_t
n_unmerged(const struct mls_tree *t)
{
    const struct mls_parent_node *root = mls_tree_parent(t, mls_node_root(t->n_leaves));

    return root == NULL ? 0 : (uint32_t)root->n_unmerged;
}

/* Checking the parent hashes of a tree whose hashes are known, once: the least of it and *${best}.
 */
static void
time_check(struct mls_tree *t, double *best)
{
    double began = now();

    assert_ok(mls_parent_hash_check(t));
    if (now() - began < *best)
        *best = now() - began;
}

/* Twice the leaves and twice the unmerged ones: about twice the work, not four times. */
static void
test_parent_hash_with_unmerged(void **state)
{
    struct mls_tree none, small, large;
    double t_none = 1e9, t_small = 1e9, t_large = 1e9;
    uint8_t hash[MLS_HASH_MAX];

    (void)state;
    make_full(&none, 2000);
    make_unmerged(&small, 1000);
    make_unmerged(&large, 2000);
    assert_int_equal(n_unmerged(&small), 250);
    assert_int_equal(n_unmerged(&large), 500);
    assert_ok(mls_tree_hash(&none, hash));
    assert_ok(mls_tree_hash(&small, hash));
    assert_ok(mls_tree_hash(&large, hash));
    /* By turns, so that what else goes on meets all three. */
    for (int i = 0; i < 8 * RUNS; i++) {
        time_check(&none, &t_none);
        time_check(&small, &t_small);
        time_check(&large, &t_large);
    }
    print_message(
        "2,000 leaves: %.2f ms, 500 of them unmerged: %.1f times that; 1,000 and 250: %.2f "
        "of it\n",
        t_none * 1e3, t_large / t_none, t_small / t_large);
    assert_true(t_large < 3 * t_small);
    assert_true(t_large < 8 * t_none);
    mls_tree_clear(&none);
    mls_tree_clear(&small);
    mls_tree_clear(&large);
}

/* A path in a full tree, on a copy, as a Commit makes it, once: the least of it and *${best}. */
static void
time_path(struct mls_tree *t, double *best)
{
    DT_CLEANUP(mls_path_clear) struct mls_path path = {0};
    DT_CLEANUP(mls_tree_clear) struct mls_tree copy = {0};
    uint8_t key[32] = {0}, hash[MLS_HASH_MAX];
    struct mls_leaf_fields f = fields(key);
    bool there = true;
    double began = now();

    assert_ok(mls_tree_copy(t, &copy));
    assert_ok(mls_tree_has_encryption_key(&copy, dt_view_str("a key that nobody has"), &there));
    assert_ok(mls_path_begin(&copy, 5, &f, dt_secret_view(&seed), GROUP_ID, &path));
    assert_ok(mls_tree_hash(&copy, hash));
    if (now() - began < *best)
        *best = now() - began;
    assert_false(there);
}

/* Eight times the members cost three levels more. */
static void
test_path_is_logarithmic(void **state)
{
    struct mls_tree small, large;
    uint8_t hash[MLS_HASH_MAX];
    double t_small = 1e9, t_large = 1e9;
    bool there;

    (void)state;
    make_full(&small, 256);
    make_full(&large, 2048);
    assert_ok(mls_tree_hash(&small, hash));
    assert_ok(mls_tree_hash(&large, hash));
    assert_ok(mls_tree_has_encryption_key(&small, dt_view_str("x"), &there));
    assert_ok(mls_tree_has_encryption_key(&large, dt_view_str("x"), &there));
    for (int i = 0; i < 8 * RUNS; i++) {
        time_path(&small, &t_small);
        time_path(&large, &t_large);
    }
    print_message("a path of 2,048 costs %.2f times one of 256\n", t_large / t_small);
    assert_true(t_large < 2.2 * t_small);
    mls_tree_clear(&small);
    mls_tree_clear(&large);
}

/* As a joiner does it: 10,000 leaves are read, hashed, checked one by one, and take a path. */
static void
test_ten_thousand_leaves(void **state)
{
    const uint32_t n = 10000;
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_RATCHET_TREE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(MLS_RATCHET_TREE_MAX);
    DT_CLEANUP(mls_path_clear) struct mls_path path = {0};
    struct mls_leaf_rules rules = rules_plain(suite);
    struct mls_tree made, read;
    uint8_t hash[MLS_HASH_MAX], key[32] = {7};
    struct mls_leaf_fields f = fields(key);

    (void)state;
    mls_tree_init(&made, suite);
    mls_tree_init(&read, suite);
    for (uint32_t i = 0; i < n; i++) {
        DT_CLEANUP(mls_leaf_node_unref_p) struct mls_leaf_node *leaf = NULL;
        DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
        uint8_t pub[DT_ED25519_PUB], own[32] = {1};
        struct mls_leaf_fields of_one = fields(own);
        uint32_t at;

        memcpy(own + 8, &i, sizeof i);
        assert_ok(dt_ed25519_new(&priv, pub));
        of_one.signature_key = dt_view_of(pub);
        assert_ok(mls_leaf_node_new(suite, &of_one, dt_secret_view(&priv), GROUP_ID, i, &leaf));
        assert_ok(mls_tree_add(&made, leaf, &at));
        assert_int_equal(at, i);
    }
    assert_ok(mls_path_begin(&made, 6789, &f, dt_secret_view(&seed), GROUP_ID, &path));
    assert_int_equal(path.shape.n, 14);
    tree_bytes(&made, &raw);
    assert_ok(mls_tree_parse(dt_buf_view(&raw), suite, &read));
    assert_int_equal(read.n_leaves, 16384);
    assert_int_equal(mls_tree_n_members(&read), n);
    assert_ok(mls_tree_hash(&made, hash));
    assert_ok(mls_tree_check(&read, GROUP_ID, &rules, dt_view(hash, suite->hash_len)));
    tree_bytes(&read, &again);
    assert_true(dt_view_equal(dt_buf_view(&raw), dt_buf_view(&again)));
    mls_tree_clear(&made);
    mls_tree_clear(&read);
}

static int
setup(void **state)
{
    (void)state;
    if (dt_crypto_init() != DT_OK || dt_ed25519_new(&seed, seed_pub) != DT_OK)
        return -1;
    suite = dt_suite_get(1);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    dt_secret_clear(&seed);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parent_hash_with_unmerged),
        cmocka_unit_test(test_path_is_logarithmic),
        cmocka_unit_test(test_ten_thousand_leaves),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
