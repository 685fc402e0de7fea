/*
 * tests/mls/test_tree_store.c - trees that share memory do not disturb one another.
 *
 * A random walk over several copies of a tree, wider than a block: each must stay the same as one
 * that is read anew from its encoding, in hashes, counts and the index of keys.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "mls/tree_store.h"
#include "tree_util.h"

#define N_TREES 4
#define STEPS   1500

static const struct dt_suite *suite;
static struct dt_secret seed;
static uint32_t rng_state = 1;

static uint32_t
rnd(uint32_t n)
{
    rng_state = rng_state * 1664525u + 1013904223u;
    return (rng_state >> 8) % n;
}

/* A leaf with keys of its own; nobody looks at its signature here. */
static struct mls_leaf_node *
fresh_leaf(void)
{
    static uint32_t number;
    uint8_t keys[2][32] = {{0}};
    struct mls_leaf_fields f = {
        .encryption_key = dt_view_of(keys[0]),
        .signature_key = dt_view_of(keys[1]),
        .credential = {.type = MLS_CREDENTIAL_BASIC, .identity = dt_view_str("somebody")},
        .capabilities = caps_plain(),
        .source = MLS_LEAF_UPDATE};
    struct mls_leaf_node *leaf = NULL;

    number++;
    memcpy(keys[0], &number, sizeof number);
    memcpy(keys[1], &number, sizeof number);
    keys[1][31] = 1;
    if (number % 7 == 0)
        f.capabilities.credentials = u16_list(MLS_CREDENTIAL_BASIC, 0, 1);
    if (number % 11 < 3) {
        f.credential = (struct mls_credential){.type = (uint16_t)(0xf000u + number % 11),
                                               .body = dt_view_str("it")};
        f.capabilities.credentials = u16_list((uint16_t)(0xf000u + number % 5), 0, 1);
    }
    assert_ok(mls_leaf_node_new(suite, &f, dt_secret_view(&seed), dt_view_str("g"), number, &leaf));
    return leaf;
}

static void
set_fresh_parent(struct mls_tree *t, uint32_t node)
{
    static uint32_t number;
    struct mls_parent_node *p;
    uint8_t key[32] = {[31] = 2};

    number++;
    memcpy(key, &number, sizeof number);
    assert_ok(mls_parent_node_new(dt_view_of(key), dt_view(NULL, 0), &p));
    assert_ok(mls_tree_set_parent(t, node, p));
}

static uint32_t
a_member(const struct mls_tree *t)
{
    uint32_t at = rnd(t->n_leaves);

    while (mls_tree_leaf(t, at) == NULL)
        at = (at + 1) % t->n_leaves;
    return at;
}

/* A path of fresh parents, or a part of one. */
static void
path(struct mls_tree *t)
{
    uint32_t at = a_member(t);
    struct mls_path_shape shape;

    assert_ok(mls_tree_blank_direct_path(t, at));
    mls_tree_filtered_path(t, at, &shape);
    for (uint32_t i = 0; i < shape.n; i++)
        if (rnd(4) > 0)
            set_fresh_parent(t, shape.nodes[i]);
}

static void
step(struct mls_tree *trees)
{
    struct mls_tree *t = &trees[rnd(N_TREES)], *from = &trees[rnd(N_TREES)];
    struct mls_leaf_node *leaf;
    uint8_t hash[MLS_HASH_MAX];
    uint32_t at, kind = rnd(12);

    if (t->n_members == 0 || (kind < 5 && t->n_members < 150)) {
        leaf = fresh_leaf();
        assert_ok(mls_tree_add(t, leaf, &at));
        assert_ptr_equal(mls_tree_leaf(t, at), leaf);
        mls_leaf_node_unref(leaf);
    } else if (kind < 7) {
        assert_ok(mls_tree_remove(t, a_member(t)));
    } else if (kind < 8) {
        leaf = fresh_leaf();
        assert_ok(mls_tree_update(t, a_member(t), leaf));
        mls_leaf_node_unref(leaf);
    } else if (kind < 10) {
        path(t);
    } else if (kind < 11 && t != from) {
        mls_tree_clear(t);
        assert_ok(mls_tree_copy(from, t));
    } else {
        assert_ok(mls_tree_hash(t, hash));
    }
}

static void
has_keys(struct mls_tree *t)
{
    uint8_t none[32] = {[31] = 9};
    bool there = true;

    for (uint32_t node = 0; node < mls_node_width(t->n_leaves); node++) {
        const struct mls_leaf_node *leaf =
            mls_node_is_leaf(node) ? mls_tree_leaf(t, node / 2) : NULL;

        if (mls_tree_is_blank(t, node))
            continue;
        assert_ok(mls_tree_has_encryption_key(t, mls_tree_key(t, node), &there));
        assert_true(there);
        /* An encryption key is no signature key. */
        assert_ok(mls_tree_has_signature_key(t, mls_tree_key(t, node), MLS_NO_NODE, &there));
        assert_false(there);
        if (leaf == NULL)
            continue;
        assert_ok(mls_tree_has_signature_key(t, leaf->signature_key, MLS_NO_NODE, &there));
        assert_true(there);
        assert_ok(mls_tree_has_signature_key(t, leaf->signature_key, node / 2, &there));
        assert_false(there);
        assert_ok(mls_tree_has_signature_key(t, leaf->signature_key, node / 2 + 1, &there));
        assert_true(there);
    }
    assert_ok(mls_tree_has_encryption_key(t, dt_view_of(none), &there));
    assert_false(there);
    assert_ok(mls_tree_has_signature_key(t, dt_view_of(none), 0, &there));
    assert_false(there);
    assert_ok(mls_tree_check_keys(t));
}

/* The number of keys in the index that are not, or no longer, in the tree. */
static uint32_t
index_surplus(const struct mls_tree *t)
{
    uint32_t n = 0;

    for (uint32_t node = 0; node < mls_node_width(t->n_leaves); node++)
        n += mls_tree_is_blank(t, node) ? 0 : mls_node_is_leaf(node) ? 2 : 1;
    return t->keys.n - n;
}

/* In whatever order. */
static void
same_credentials(const struct mls_tree *a, const struct mls_tree *b)
{
    assert_int_equal(a->n_credentials, b->n_credentials);
    assert_false(b->credentials_many);
    for (uint32_t i = 0; i < a->n_credentials; i++) {
        uint32_t k = 0;

        while (k < b->n_credentials && b->credentials[k].type != a->credentials[i].type)
            k++;
        assert_true(k < b->n_credentials);
        assert_int_equal(a->credentials[i].used, b->credentials[k].used);
        assert_int_equal(a->credentials[i].lacked, b->credentials[k].lacked);
    }
}

static void
same_as_new(struct mls_tree *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(mls_tree_clear) struct mls_tree fresh = {0};
    uint8_t a[MLS_HASH_MAX], b[MLS_HASH_MAX];
    uint32_t blank = 0;

    if (t->n_members == 0) {
        assert_int_equal(t->n_leaves, 0);
        return;
    }
    tree_bytes(t, &raw);
    if (mls_tree_parse(dt_buf_view(&raw), suite, &fresh) != DT_OK)
        fail_msg("%s, %u leaves", dt_err_message(), t->n_leaves);
    assert_int_equal(fresh.n_leaves, t->n_leaves);
    assert_int_equal(fresh.n_members, t->n_members);
    same_credentials(&fresh, t);
    assert_ok(mls_tree_hash(&fresh, a));
    assert_ok(mls_tree_hash(t, b));
    assert_memory_equal(a, b, suite->hash_len);
    if (t->keys.n_buckets > 0)
        assert_int_equal(index_surplus(t), 0);
    has_keys(t);
    for (uint32_t node = 0; node < mls_node_width(t->n_leaves); node++) {
        bool empty = true;

        for (uint32_t i = 2 * mls_node_first_leaf(node); i <= 2 * mls_node_last_leaf(node); i++)
            empty = empty && mls_tree_is_blank(t, i);
        assert_int_equal(mls_tree_all_blank(t, node), empty);
    }
    while (blank < t->n_leaves && mls_tree_leaf(t, blank) != NULL)
        blank++;
    assert_int_equal(mls_tree_first_blank(t), blank);
}

static void
test_walk(void **state)
{
    struct mls_tree trees[N_TREES];
    const char *chosen = getenv("DT_SEED");

    (void)state;
    rng_state = chosen == NULL ? 1 : (uint32_t)strtoul(chosen, NULL, 10);
    for (size_t i = 0; i < N_TREES; i++)
        mls_tree_init(&trees[i], suite);
    for (unsigned i = 0; i < STEPS; i++) {
        step(trees);
        if (i % 25 == 24)
            for (size_t k = 0; k < N_TREES; k++)
                same_as_new(&trees[k]);
    }
    for (size_t i = 0; i < N_TREES; i++)
        mls_tree_clear(&trees[i]);
}

/* Equal fingerprints decide nothing: what is asked for is compared. */
static void
test_collision(void **state)
{
    DT_CLEANUP(mls_tree_clear) struct mls_tree t = {0};
    uint8_t key[32] = {[31] = 9};
    uint32_t at;
    bool there = true;

    (void)state;
    mls_tree_init(&t, suite);
    for (unsigned i = 0; i < 40; i++) {
        struct mls_leaf_node *leaf = fresh_leaf();

        assert_ok(mls_tree_add(&t, leaf, &at));
        mls_leaf_node_unref(leaf);
    }
    assert_ok(mls_tree_has_encryption_key(&t, dt_view_of(key), &there));
    assert_false(there);
    assert_ok(mls_tree_keys_add(&t.keys, dt_fingerprint(dt_view_of(key))));
    assert_ok(mls_tree_keys_add(&t.keys, ~dt_fingerprint(dt_view_of(key))));
    assert_ok(mls_tree_has_encryption_key(&t, dt_view_of(key), &there));
    assert_false(there);
    assert_ok(mls_tree_has_signature_key(&t, dt_view_of(key), MLS_NO_NODE, &there));
    assert_false(there);
}

/* A change of one leaf in a copy copies the blocks of its path and of the keys, not the tree. */
static void
test_sharing(void **state)
{
    DT_CLEANUP(mls_tree_clear) struct mls_tree t = {0};
    DT_CLEANUP(mls_tree_clear) struct mls_tree copy = {0};
    struct mls_leaf_node *leaf;
    unsigned own = 0, shared = 0;
    uint32_t at;

    (void)state;
    mls_tree_init(&t, suite);
    mls_tree_init(&copy, suite);
    for (unsigned i = 0; i < 1024; i++) {
        leaf = fresh_leaf();
        assert_ok(mls_tree_add(&t, leaf, &at));
        mls_leaf_node_unref(leaf);
    }
    assert_ok(mls_tree_copy(&t, &copy));
    leaf = fresh_leaf();
    assert_ok(mls_tree_update(&copy, 500, leaf));
    mls_leaf_node_unref(leaf);
    for (uint32_t i = 0; i < 1024 / MLS_BLOCK; i++) {
        own += t.blocks[i] != copy.blocks[i];
        shared += t.blocks[i] == copy.blocks[i];
    }
    assert_true(own >= 1 && own <= 7);
    assert_int_equal(own + shared, 32);
    assert_true(mls_tree_leaf(&t, 500) != mls_tree_leaf(&copy, 500));
}

static int
setup(void **state)
{
    uint8_t pub[DT_ED25519_PUB];

    (void)state;
    if (dt_crypto_init() != DT_OK || dt_ed25519_new(&seed, pub) != DT_OK)
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

/* A tree with as many leaves as there may be takes no more; nor is a larger one made. */
static void
test_full(void **state)
{
    struct mls_leaf_node *leaf = fresh_leaf();
    struct mls_tree t;
    uint32_t at;

    (void)state;
    assert_int_equal(mls_tree_init_blank(&t, suite, 2 * MLS_LEAVES_MAX), DT_ERR_LIMIT);
    assert_ok(mls_tree_init_blank(&t, suite, MLS_LEAVES_MAX));
    for (uint32_t i = 0; i < MLS_LEAVES_MAX; i++)
        mls_tree_put_leaf(&t, i, mls_leaf_node_ref(leaf));
    assert_int_equal(mls_tree_add(&t, leaf, &at), DT_ERR_LIMIT);
    assert_int_equal(t.n_leaves, MLS_LEAVES_MAX);
    assert_int_equal(t.n_members, MLS_LEAVES_MAX);
    mls_tree_clear(&t);
    mls_leaf_node_unref(leaf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_collision),
        cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
