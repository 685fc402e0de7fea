/*
 * tests/log/test_tree.c - the Merkle tree of RFC 6962 section 2.1 against its recursive definition.
 */
#include <stdlib.h>

#include "fixture.h"

#define N 300

static struct tlog_hash leaves[TREE_MAX];
static struct tlog_leaves all = {leaves, TREE_MAX};
static struct tlog_hash roots[N + 1];

/* MTH(D[n]) as the RFC writes it; the code under test does not recurse. */
static struct tlog_hash
mth(const struct tlog_hash *d, size_t n)
{
    struct tlog_hash l, r;
    size_t k = 1;

    if (n == 0)
        return tlog_empty_root;
    if (n == 1)
        return d[0];
    while (k * 2 < n)
        k *= 2;
    l = mth(d, k);
    r = mth(d + k, n - k);
    ok(tlog_node_hash(&l, &r, &l));
    return l;
}

/* PATH(m, D[n]) of section 2.1.1. */
static void
rfc_path(size_t m, const struct tlog_hash *d, size_t n, struct tlog_path *out)
{
    size_t k = 1;

    if (n <= 1)
        return;
    while (k * 2 < n)
        k *= 2;
    if (m < k) {
        rfc_path(m, d, k, out);
        out->h[out->n++] = mth(d + k, n - k);
    } else {
        rfc_path(m - k, d + k, n - k, out);
        out->h[out->n++] = mth(d, k);
    }
}

/* SUBPROOF(m, D[n], b) of section 2.1.2. */
static void
rfc_subproof(size_t m, const struct tlog_hash *d, size_t n, bool b, struct tlog_path *out)
{
    size_t k = 1;

    if (m == n) {
        if (!b)
            out->h[out->n++] = mth(d, n);
        return;
    }
    while (k * 2 < n)
        k *= 2;
    if (m <= k) {
        rfc_subproof(m, d, k, b, out);
        out->h[out->n++] = mth(d + k, n - k);
    } else {
        rfc_subproof(m - k, d + k, n - k, false, out);
        out->h[out->n++] = mth(d, k);
    }
}

static int
setup(void **state)
{
    if (crypto_setup(state) != 0)
        return -1;
    make_leaves("entry ", leaves, TREE_MAX);
    for (size_t n = 0; n <= N; n++)
        roots[n] = mth(leaves, n);
    return 0;
}

static void
empty_root_is_hash_of_nothing(void **state)
{
    struct tlog_hash h;

    (void)state;
    ok(dt_sha256(text(""), h.b));
    assert_true(tlog_hash_equal(&h, &tlog_empty_root));
}

static void
leaf_and_node_are_apart(void **state)
{
    uint8_t both[64];
    struct tlog_hash leaf, node;

    (void)state;
    memcpy(both, leaves[0].b, 32);
    memcpy(both + 32, leaves[1].b, 32);
    ok(tlog_leaf_hash(dt_view_of(both), &leaf));
    ok(tlog_node_hash(&leaves[0], &leaves[1], &node));
    assert_false(tlog_hash_equal(&leaf, &node));
}

static void
roots_for_all_sizes(void **state)
{
    struct tlog_frontier f = {0}, made;
    struct tlog_hash got;

    (void)state;
    for (size_t n = 0; n <= N; n++) {
        ok(tlog_root_make(tlog_leaves_node, &all, n, &got));
        assert_true(tlog_hash_equal(&got, &roots[n]));
        ok(tlog_frontier_root(&f, &got));
        assert_true(tlog_hash_equal(&got, &roots[n]));
        ok(tlog_frontier_make(tlog_leaves_node, &all, n, &made));
        assert_int_equal(made.size, f.size);
        assert_int_equal(made.n, f.n);
        assert_int_equal(f.n, (size_t)__builtin_popcountll(n));
        assert_memory_equal(made.h, f.h, f.n * sizeof(f.h[0]));
        ok(tlog_frontier_append(&f, &leaves[n]));
    }
}

/* The largest tree whose proofs are all made; under valgrind a smaller one has all ways through the
 * code. */
static size_t
most(void)
{
    return getenv("DT_TEST_THIN") != NULL ? 100 : N;
}

static void
inclusion_for_all_sizes(void **state)
{
    struct tlog_path made, want;

    (void)state;
    for (size_t n = 1; n <= most(); n++) {
        for (size_t i = 0; i < n; i++) {
            ok(tlog_inclusion_make(tlog_leaves_node, &all, i, n, &made));
            assert_int_equal(made.n, tlog_inclusion_len(i, n));
            ok(tlog_inclusion_verify(&leaves[i], i, n, &made, &roots[n]));
            if (n % 16 != 15 && n > 70)
                continue;
            want.n = 0;
            rfc_path(i, leaves, n, &want);
            assert_int_equal(made.n, want.n);
            assert_memory_equal(made.h, want.h, want.n * sizeof(want.h[0]));
        }
    }
}

static void
consistency_for_all_sizes(void **state)
{
    struct tlog_path made, want;

    (void)state;
    for (size_t n = 1; n <= most(); n++) {
        for (size_t m = 1; m <= n; m++) {
            ok(tlog_consistency_make(tlog_leaves_node, &all, m, n, &made));
            ok(tlog_consistency_verify(m, n, &made, &roots[m], &roots[n]));
            if (n % 16 != 15 && n > 70)
                continue;
            want.n = 0;
            rfc_subproof(m, leaves, n, true, &want);
            assert_int_equal(made.n, want.n);
            assert_memory_equal(made.h, want.h, want.n * sizeof(want.h[0]));
        }
    }
}

/* Any bit of any part of the proof, its length, index and size matter. */
static void
altered_inclusion_is_refused(void **state)
{
    struct tlog_path p;

    (void)state;
    for (size_t n = 1; n <= 70; n++) {
        for (size_t i = 0; i < n; i++) {
            struct tlog_hash leaf = leaves[i], root = roots[n];

            ok(tlog_inclusion_make(tlog_leaves_node, &all, i, n, &p));
            for (size_t bit = 0; bit < p.n * 256; bit += n < 20 ? 1 : 37) {
                p.h[bit / 256].b[bit % 256 / 8] ^= (uint8_t)(1 << bit % 8);
                assert_int_equal(tlog_inclusion_verify(&leaf, i, n, &p, &root), DT_ERR_PROOF);
                p.h[bit / 256].b[bit % 256 / 8] ^= (uint8_t)(1 << bit % 8);
            }
            leaf.b[n % 32] ^= 1;
            assert_int_equal(tlog_inclusion_verify(&leaf, i, n, &p, &root), DT_ERR_PROOF);
            leaf.b[n % 32] ^= 1;
            root.b[n % 32] ^= 1;
            assert_int_equal(tlog_inclusion_verify(&leaf, i, n, &p, &root), DT_ERR_PROOF);
            root.b[n % 32] ^= 1;
            for (size_t other = 0; other < n + 3; other++)
                if (other != i)
                    assert_int_equal(tlog_inclusion_verify(&leaf, other, n, &p, &root),
                                     DT_ERR_PROOF);
            p.n++;
            p.h[p.n - 1] = leaves[0];
            assert_int_equal(tlog_inclusion_verify(&leaf, i, n, &p, &root), DT_ERR_PROOF);
            p.n--;
            if (p.n > 0) {
                p.n--;
                assert_int_equal(tlog_inclusion_verify(&leaf, i, n, &p, &root), DT_ERR_PROOF);
            }
        }
    }
}

static void
altered_consistency_is_refused(void **state)
{
    struct tlog_path p;

    (void)state;
    for (size_t n = 2; n <= 70; n++) {
        for (size_t m = 1; m < n; m++) {
            struct tlog_hash a = roots[m], b = roots[n];

            ok(tlog_consistency_make(tlog_leaves_node, &all, m, n, &p));
            for (size_t bit = 0; bit < p.n * 256; bit += n < 20 ? 1 : 37) {
                p.h[bit / 256].b[bit % 256 / 8] ^= (uint8_t)(1 << bit % 8);
                assert_int_equal(tlog_consistency_verify(m, n, &p, &a, &b), DT_ERR_PROOF);
                p.h[bit / 256].b[bit % 256 / 8] ^= (uint8_t)(1 << bit % 8);
            }
            a.b[m % 32] ^= 1;
            assert_int_equal(tlog_consistency_verify(m, n, &p, &a, &b), DT_ERR_PROOF);
            a.b[m % 32] ^= 1;
            b.b[m % 32] ^= 1;
            assert_int_equal(tlog_consistency_verify(m, n, &p, &a, &b), DT_ERR_PROOF);
            b.b[m % 32] ^= 1;
            assert_int_equal(tlog_consistency_verify(n, m, &p, &b, &a), DT_ERR_PROOF);
            for (size_t other = 1; other < n; other++)
                if (!tlog_hash_equal(&roots[other], &a))
                    assert_int_equal(
                        tlog_consistency_verify(other, n, &p, &roots[other], &b) == DT_OK, false);
            p.h[p.n++] = leaves[0];
            assert_int_equal(tlog_consistency_verify(m, n, &p, &a, &b), DT_ERR_PROOF);
            p.n -= 2;
            assert_int_equal(tlog_consistency_verify(m, n, &p, &a, &b), DT_ERR_PROOF);
        }
    }
}

static void
edges(void **state)
{
    struct tlog_path none = {.n = 0}, p, before;
    struct tlog_hash out = leaves[3];
    struct tlog_frontier full = {.size = TLOG_SIZE_MAX, .n = 63};

    (void)state;
    /* Empty trees: the letter of the RFC, and the rule of witnesses. */
    ok(tlog_consistency_verify(0, 0, &none, &tlog_empty_root, &tlog_empty_root));
    assert_int_equal(tlog_consistency_verify(0, 5, &none, &tlog_empty_root, &roots[5]),
                     DT_ERR_PROOF);
    ok(tlog_growth_verify(0, 5, &none, &tlog_empty_root, &roots[5]));
    ok(tlog_growth_verify(0, 0, &none, &tlog_empty_root, &tlog_empty_root));
    assert_int_equal(tlog_growth_verify(0, 0, &none, &tlog_empty_root, &roots[1]), DT_ERR_PROOF);
    assert_int_equal(tlog_growth_verify(0, 5, &none, &roots[1], &roots[5]), DT_ERR_PROOF);
    none.n = 1;
    none.h[0] = roots[1];
    assert_int_equal(tlog_growth_verify(0, 5, &none, &tlog_empty_root, &roots[5]), DT_ERR_PROOF);
    assert_int_equal(tlog_growth_verify(5, 5, &none, &roots[5], &roots[5]), DT_ERR_PROOF);
    none.n = 0;
    assert_int_equal(tlog_growth_verify(5, 5, &none, &roots[4], &roots[5]), DT_ERR_PROOF);
    assert_int_equal(tlog_growth_verify(4, 5, &none, &roots[4], &roots[5]), DT_ERR_PROOF);
    assert_int_equal(tlog_inclusion_verify(&leaves[0], 0, 0, &none, &tlog_empty_root),
                     DT_ERR_PROOF);
    assert_int_equal(tlog_inclusion_verify(&leaves[0], 0, UINT64_MAX, &none, &roots[1]),
                     DT_ERR_PROOF);
    assert_int_equal(tlog_inclusion_verify(&leaves[0], UINT64_MAX, 1, &none, &roots[1]),
                     DT_ERR_PROOF);
    assert_int_equal(tlog_inclusion_len(0, TLOG_SIZE_MAX), 63);

    /* A proof to size 5 has the shape of one to size 8, not of one to size 9: there it is too
     * short. */
    ok(tlog_consistency_make(tlog_leaves_node, &all, 4, 5, &p));
    ok(tlog_consistency_verify(4, 5, &p, &roots[4], &roots[5]));
    assert_int_equal(tlog_consistency_verify(4, 9, &p, &roots[4], &roots[5]), DT_ERR_PROOF);

    /* What cannot be made is RANGE, and outputs stay as they were. */
    memset(&p, 7, sizeof(p));
    before = p;
    assert_int_equal(tlog_inclusion_make(tlog_leaves_node, &all, 5, 5, &p), DT_ERR_RANGE);
    assert_int_equal(tlog_inclusion_make(tlog_leaves_node, &all, 0, UINT64_MAX, &p), DT_ERR_RANGE);
    assert_int_equal(tlog_inclusion_make(tlog_leaves_node, &all, 0, TREE_MAX + 1, &p),
                     DT_ERR_RANGE);
    assert_int_equal(tlog_consistency_make(tlog_leaves_node, &all, 6, 5, &p), DT_ERR_RANGE);
    assert_memory_equal(&p, &before, sizeof(p));
    assert_int_equal(tlog_leaves_node(&all, 63, 0, &out), DT_ERR_RANGE);
    assert_int_equal(tlog_leaves_node(&all, 62, UINT64_MAX, &out), DT_ERR_RANGE);
    assert_int_equal(tlog_leaves_node(&all, 0, TREE_MAX, &out), DT_ERR_RANGE);
    assert_int_equal(tlog_root_from_inclusion(&leaves[0], 1, 2, p.h, 0, &out), DT_ERR_PROOF);
    assert_true(tlog_hash_equal(&out, &leaves[3]));
    assert_int_equal(tlog_frontier_append(&full, &leaves[0]), DT_ERR_LIMIT);
}

/* Proofs in trees far larger than memory: the same node everywhere makes one hash a level. */
static enum dt_err
uniform_node(void *ctx, unsigned int level, uint64_t index, struct tlog_hash *out)
{
    const struct tlog_hash *by_level = ctx;

    (void)index;
    *out = by_level[level];
    return DT_OK;
}

static void
largest_trees(void **state)
{
    struct tlog_hash by_level[64], root, old_root;
    struct tlog_path p;
    uint64_t sizes[] = {TLOG_SIZE_MAX, TLOG_SIZE_MAX - 1, UINT64_C(1) << 62,
                        (UINT64_C(1) << 62) + 1, UINT64_C(0x5555555555555555)};

    (void)state;
    by_level[0] = leaves[0];
    for (size_t l = 1; l < 64; l++)
        ok(tlog_node_hash(&by_level[l - 1], &by_level[l - 1], &by_level[l]));
    for (size_t i = 0; i < 5; i++) {
        uint64_t n = sizes[i];
        uint64_t at[] = {0, 1, n / 2, n / 3, n - 2, n - 1};

        ok(tlog_root_make(uniform_node, by_level, n, &root));
        for (size_t j = 0; j < 6; j++) {
            ok(tlog_inclusion_make(uniform_node, by_level, at[j], n, &p));
            ok(tlog_inclusion_verify(&leaves[0], at[j], n, &p, &root));
            if (at[j] == 0)
                continue;
            ok(tlog_consistency_make(uniform_node, by_level, at[j], n, &p));
            assert_true(p.n <= TLOG_PATH_MAX);
            ok(tlog_root_make(uniform_node, by_level, at[j], &old_root));
            ok(tlog_consistency_verify(at[j], n, &p, &old_root, &root));
            p.h[p.n / 2].b[5] ^= 2;
            assert_int_equal(tlog_consistency_verify(at[j], n, &p, &old_root, &root), DT_ERR_PROOF);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_root_is_hash_of_nothing),
        cmocka_unit_test(leaf_and_node_are_apart),
        cmocka_unit_test(roots_for_all_sizes),
        cmocka_unit_test(inclusion_for_all_sizes),
        cmocka_unit_test(consistency_for_all_sizes),
        cmocka_unit_test(altered_inclusion_is_refused),
        cmocka_unit_test(altered_consistency_is_refused),
        cmocka_unit_test(edges),
        cmocka_unit_test(largest_trees),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
