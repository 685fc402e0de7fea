/*
 * tests/mls/test_tree.c - node arithmetic, the tree's shape, its codec and its hashes
 * (RFC 9420 sections 4.1, 4.1.2, 7.1, 7.7, 7.8, 12.1.1 to 12.1.3, 12.4.3.3, appendix C).
 */
#include <string.h>

#include "tree_util.h"

/* ---- arithmetic, against the definitions ---- */

static void
test_tree_math(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 256; n *= 2) {
        assert_int_equal(mls_node_root(n), n - 1);
        for (uint32_t node = 0; node < mls_node_width(n); node++) {
            uint32_t parent = mls_node_parent(node, n), sibling = mls_node_sibling(node, n);

            if (node == mls_node_root(n)) {
                assert_int_equal(parent, MLS_NO_NODE);
                assert_int_equal(sibling, MLS_NO_NODE);
                continue;
            }
            assert_int_equal(mls_node_level(parent), mls_node_level(node) + 1);
            assert_true(mls_node_left(parent) == node
                            ? mls_node_right(parent) == sibling
                            : mls_node_right(parent) == node && mls_node_left(parent) == sibling);
            assert_true(mls_node_first_leaf(parent) <= mls_node_first_leaf(node));
            assert_true(mls_node_last_leaf(parent) >= mls_node_last_leaf(node));
            assert_int_equal(mls_node_last_leaf(node) - mls_node_first_leaf(node) + 1,
                             1u << mls_node_level(node));
            for (uint32_t leaf = 0; leaf < n; leaf++)
                assert_int_equal(mls_node_covers(node, leaf),
                                 mls_leaf_ancestor(leaf, mls_node_level(node)) == node);
        }
    }
    assert_int_equal(mls_common_ancestor(0, 1), 1);
    assert_int_equal(mls_common_ancestor(1, 2), 3);
    assert_int_equal(mls_common_ancestor(5, 5), 10);
    assert_int_equal(mls_pow2_at_least(1), 1);
    assert_int_equal(mls_pow2_at_least(5), 8);
    assert_int_equal(mls_pow2_at_least(8), 8);
    assert_int_equal(mls_node_root(0), MLS_NO_NODE);
    assert_int_equal(mls_node_left(4), MLS_NO_NODE);
    assert_int_equal(mls_node_right(4), MLS_NO_NODE);
}

/* ---- shape ---- */

/* The hash of a tree that was read afresh: nothing cached. */
static void
assert_hash_is_fresh(struct mls_tree *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(mls_tree_clear) struct mls_tree again;
    uint8_t cached[MLS_HASH_MAX], fresh[MLS_HASH_MAX];

    mls_tree_init(&again, t->suite);
    tree_bytes(t, &raw);
    assert_ok(mls_tree_parse(dt_buf_view(&raw), t->suite, &again));
    assert_int_equal(again.n_leaves, t->n_leaves);
    assert_ok(mls_tree_hash(t, cached));
    assert_ok(mls_tree_hash(&again, fresh));
    assert_memory_equal(cached, fresh, t->suite->hash_len);
}

static void
test_grow_and_shrink(void **state)
{
    struct world w;

    (void)state;
    /* Up to 2^k + 1 members and back, with paths in between, so that parents come and go. */
    world_init(&w, 1, 1);
    for (uint32_t n = 1; n < 17; n++) {
        assert_int_equal(world_add(&w), n);
        assert_int_equal(w.tree.n_leaves, mls_pow2_at_least(n + 1));
        assert_hash_is_fresh(&w.tree);
        world_commit(&w, n / 2);
        assert_hash_is_fresh(&w.tree);
    }
    for (uint32_t n = 16; n > 0; n--) {
        world_remove(&w, n);
        assert_int_equal(w.tree.n_leaves, mls_pow2_at_least(n));
        assert_hash_is_fresh(&w.tree);
        world_commit(&w, n / 3);
    }
    assert_int_equal(mls_tree_n_members(&w.tree), 1);
    world_clear(&w);
}

static void
test_add_takes_leftmost_blank(void **state)
{
    struct world w;
    const struct mls_parent_node *root;

    (void)state;
    world_init(&w, 1, 8);
    world_remove(&w, 5);
    world_remove(&w, 2);
    world_commit(&w, 7);
    assert_int_equal(world_add(&w), 2);
    assert_int_equal(world_add(&w), 5);
    /* RFC 9420 section 12.1.1: unmerged on every non-blank node above, in increasing order */
    root = mls_tree_parent(&w.tree, 7);
    assert_int_equal(root->n_unmerged, 2);
    assert_int_equal(root->unmerged[0], 2);
    assert_int_equal(root->unmerged[1], 5);
    assert_null(mls_tree_parent(&w.tree, 5)); /* blanked with leaf 2 */
    assert_true(mls_parent_has_unmerged(mls_tree_parent(&w.tree, 11), 5));
    assert_int_equal(world_add(&w), 8);
    assert_int_equal(w.tree.n_leaves, 16);
    assert_null(mls_tree_parent(&w.tree, 15));
    world_clear(&w);
}

static void
test_update_blanks_path(void **state)
{
    struct world w;
    struct member m;
    uint32_t none;

    (void)state;
    world_init(&w, 1, 4);
    member_new(&m, w.suite, 99);
    assert_ok(mls_tree_update(&w.tree, 2, m.kp.key_package->leaf));
    assert_ptr_equal(mls_tree_leaf(&w.tree, 2), m.kp.key_package->leaf);
    assert_null(mls_tree_parent(&w.tree, 3));
    assert_null(mls_tree_parent(&w.tree, 5));
    assert_non_null(mls_tree_parent(&w.tree, 1));
    assert_hash_is_fresh(&w.tree);
    assert_int_equal(mls_tree_update(&w.tree, 4, m.kp.key_package->leaf), DT_ERR_RANGE);
    assert_int_equal(mls_tree_remove(&w.tree, 4), DT_ERR_RANGE);
    world_remove(&w, 1);
    assert_int_equal(mls_tree_remove(&w.tree, 1), DT_ERR_RANGE);
    none = mls_tree_find_signature_key(&w.tree, dt_view_str("no such key"));
    assert_int_equal(none, MLS_NO_NODE);
    assert_int_equal(mls_tree_find_leaf(&w.tree, m.kp.key_package->leaf), 2);
    assert_int_equal(mls_tree_find_signature_key(&w.tree, dt_view_of(m.sig_pub)), 2);
    assert_int_equal(mls_tree_find_encryption_key(&w.tree, m.kp.key_package->leaf->encryption_key),
                     2);
    member_clear(&m);
    world_clear(&w);
}

/* A copy is not touched by what happens to the tree it was made from, nor the other way round. */
static void
test_copy_is_independent(void **state)
{
    struct world w;
    DT_CLEANUP(mls_tree_clear) struct mls_tree copy;
    DT_CLEANUP(dt_buf_clear) struct dt_buf before = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf after = DT_BUF_INIT(1u << 20);

    (void)state;
    world_init(&w, 1, 5);
    mls_tree_init(&copy, w.suite);
    assert_ok(mls_tree_copy(&w.tree, &copy));
    tree_bytes(&copy, &before);
    assert_ptr_equal(mls_tree_parent(&copy, 7), mls_tree_parent(&w.tree, 7));
    (void)world_add(&w); /* changes unmerged leaves of shared parents */
    assert_int_equal(mls_tree_parent(&w.tree, 7)->n_unmerged, 1);
    assert_int_equal(mls_tree_parent(&copy, 7)->n_unmerged, 0);
    world_remove(&w, 3);
    (void)world_add(&w);
    world_commit(&w, 1);
    tree_bytes(&copy, &after);
    assert_true(dt_view_equal(dt_buf_view(&before), dt_buf_view(&after)));
    assert_hash_is_fresh(&copy);
    assert_ok(check_tree(&copy));
    assert_ok(check_tree(&w.tree));
    mls_tree_move(&w.tree, &copy);
    assert_int_equal(copy.n_leaves, 0);
    assert_ok(check_tree(&w.tree));
    world_clear(&w);
}

static void
test_empty(void **state)
{
    DT_CLEANUP(mls_tree_clear) struct mls_tree t;
    DT_CLEANUP(mls_tree_clear) struct mls_tree copy;
    uint8_t hash[MLS_HASH_MAX];

    (void)state;
    mls_tree_init(&t, dt_suite_get(1));
    mls_tree_init(&copy, dt_suite_get(1));
    assert_int_equal(mls_tree_hash(&t, hash), DT_ERR_STATE);
    assert_null(mls_tree_leaf(&t, 0));
    assert_null(mls_tree_parent(&t, 1));
    assert_true(mls_tree_is_blank(&t, 0));
    assert_int_equal(mls_tree_key(&t, 0).n, 0);
    assert_ok(mls_tree_copy(&t, &copy));
    assert_int_equal(copy.n_leaves, 0);
}

/* ---- the ratchet_tree extension ---- */

/* Nodes of a good tree in order; NULL is blank. Written by hand so that they can be wrong. */
static void
write_nodes(struct dt_buf *out, const struct mls_tree *t, const int *nodes, size_t n)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark;

    out->n = 0;
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < n; i++) {
        dt_write_optional(&w, nodes[i] >= 0);
        if (nodes[i] < 0)
            continue;
        dt_write_u8(&w, nodes[i] % 2 == 0 ? 1 : 2);
        if (nodes[i] % 2 == 0)
            mls_leaf_node_write(&w, mls_tree_leaf(t, (uint32_t)nodes[i] / 2));
        else
            mls_parent_node_write(&w, mls_tree_parent(t, (uint32_t)nodes[i]), NULL, 0);
    }
    dt_write_vec_end(&w, mark);
    assert_ok(dt_writer_end(&w));
}

static void
test_read_refused(void **state)
{
    struct world w;
    DT_CLEANUP(mls_tree_clear) struct mls_tree t;
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1u << 20);
    static const struct {
        int nodes[8];
        size_t n;
        enum dt_err err;
    } cases[] = {
        {{0, 1, 2, 3, 4, 5, 6}, 7, DT_OK},
        {{0, 1, 2, -1, 4}, 5, DT_OK},
        {{0}, 1, DT_OK},
        {{0}, 0, DT_ERR_FORMAT},                    /* no node at all */
        {{0, 1, 2, 3, 4, 5, -1}, 7, DT_ERR_FORMAT}, /* last node blank */
        {{0, -1, -1}, 3, DT_ERR_FORMAT},
        {{-1}, 1, DT_ERR_FORMAT},
        {{0, 1, 2, 3}, 4, DT_ERR_FORMAT}, /* an even number: ends with a parent */
        {{0, 2, 4}, 3, DT_ERR_FORMAT},    /* a leaf in a parent's place */
        {{0, 1, 3}, 3, DT_ERR_FORMAT},    /* a parent in a leaf's place */
    };

    (void)state;
    world_init(&w, 1, 4);
    world_commit(&w, 2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_nodes(&raw, &w.tree, cases[i].nodes, cases[i].n);
        mls_tree_init(&t, w.suite);
        assert_int_equal(mls_tree_parse(dt_buf_view(&raw), w.suite, &t), cases[i].err);
        if (cases[i].err != DT_OK)
            assert_int_equal(t.n_leaves, 0);
        mls_tree_clear(&t);
    }
    /* a trailing byte, and every truncation */
    raw.n = 0;
    tree_bytes(&w.tree, &raw);
    assert_ok(dt_buf_append(&raw, dt_view_str("x")));
    assert_int_equal(mls_tree_parse(dt_buf_view(&raw), w.suite, &t), DT_ERR_FORMAT);
    for (size_t n = 0; n + 1 < raw.n; n++)
        assert_int_not_equal(mls_tree_parse(dt_view(raw.p, n), w.suite, &t), DT_OK);
    world_clear(&w);
}

/* More nodes than MLS_NODES_MAX, each a single zero byte. */
static void
test_read_too_wide(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(mls_tree_clear) struct mls_tree t;
    struct dt_writer w = dt_writer_init(&raw);

    (void)state;
    mls_tree_init(&t, dt_suite_get(1));
    dt_write_varint(&w, MLS_NODES_MAX + 1);
    for (uint32_t i = 0; i <= MLS_NODES_MAX; i++)
        dt_write_u8(&w, 0);
    assert_ok(dt_writer_end(&w));
    assert_int_equal(mls_tree_parse(dt_buf_view(&raw), dt_suite_get(1), &t), DT_ERR_LIMIT);
}

/* Unmerged leaves in the encoding: sorted, once each, below their node. */
static enum dt_err
read_with_unmerged(const struct world *w, const uint32_t *leaves, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(mls_tree_clear) struct mls_tree t;
    struct dt_writer wr = dt_writer_init(&raw);
    size_t mark = dt_write_vec_begin(&wr), sub;

    mls_tree_init(&t, w->suite);
    for (uint32_t node = 0; node < 7; node++) {
        dt_write_optional(&wr, node % 2 == 0 || node == 5);
        if (node % 2 == 0) {
            dt_write_u8(&wr, 1);
            mls_leaf_node_write(&wr, mls_tree_leaf(&w->tree, node / 2));
        } else if (node == 5) { /* above leaves 2 and 3 */
            dt_write_u8(&wr, 2);
            dt_write_vec(&wr, dt_view_of(w->m[0].sig_pub));
            dt_write_vec(&wr, dt_view(NULL, 0));
            sub = dt_write_vec_begin(&wr);
            for (size_t i = 0; i < n; i++)
                dt_write_u32(&wr, leaves[i]);
            dt_write_vec_end(&wr, sub);
        }
    }
    dt_write_vec_end(&wr, mark);
    assert_ok(dt_writer_end(&wr));
    return mls_tree_parse(dt_buf_view(&raw), w->suite, &t);
}

static void
test_read_unmerged(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, 1, 4);
    assert_int_equal(read_with_unmerged(&w, (const uint32_t[]){2, 3}, 2), DT_OK);
    assert_int_equal(read_with_unmerged(&w, (const uint32_t[]){3, 2}, 2), DT_ERR_FORMAT);
    assert_int_equal(read_with_unmerged(&w, (const uint32_t[]){2, 2}, 2), DT_ERR_FORMAT);
    assert_int_equal(read_with_unmerged(&w, (const uint32_t[]){1}, 1), DT_ERR_FORMAT);
    assert_int_equal(read_with_unmerged(&w, (const uint32_t[]){4}, 1), DT_ERR_FORMAT);
    assert_int_equal(read_with_unmerged(&w, (const uint32_t[]){UINT32_MAX}, 1), DT_ERR_FORMAT);
    world_clear(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_math),
        cmocka_unit_test(test_grow_and_shrink),
        cmocka_unit_test(test_add_takes_leftmost_blank),
        cmocka_unit_test(test_update_blanks_path),
        cmocka_unit_test(test_copy_is_independent),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_read_refused),
        cmocka_unit_test(test_read_too_wide),
        cmocka_unit_test(test_read_unmerged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
