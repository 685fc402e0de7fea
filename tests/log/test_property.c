/*
 * tests/log/test_property.c - properties of proofs in random trees of up to 5,000 entries: each one
 * verifies, from the leaves and from tiles alike, and with any one bit changed in proof, root,
 * index or entry it is refused. DT_SEED= repeats a run.
 */
#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#include "log/tile_edge.h"
#include "log/tile_read.h"

#include "fixture.h"

#define SIZE_MAX_HERE 5000
#define LEVELS        13 /* 2^12 < 5000 < 2^13 */
#define ENTRY_LEN     33
#define RANDOM_TREES  24
#define TILES_MAX     64
#define OFTEN         400 /* every so many proofs one is spoiled bit by bit, besides the first */

static uint64_t rng;
static uint64_t n_proofs, n_flips;

static uint64_t
draw(uint64_t n)
{
    uint64_t z = (rng += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % n;
}

/* ---- a random tree: entries, all complete nodes, and the tiles that the edge gave out ---- */

struct tree {
    uint64_t size;
    uint8_t entry[SIZE_MAX_HERE][ENTRY_LEN];
    struct tlog_hash level[LEVELS][SIZE_MAX_HERE];
    struct tlog_hash root;
    struct {
        struct tlog_tile tile;
        size_t len;
        uint8_t content[TLOG_TILE_BYTES];
    } tiles[TILES_MAX];
    size_t n_tiles;
};
static struct tree tree;

static enum dt_err
node(void *ctx, unsigned int level, uint64_t index, struct tlog_hash *out)
{
    const struct tree *t = ctx;

    if (level >= LEVELS || index >= t->size >> level)
        return dt_fail(DT_ERR_RANGE, "no such node");
    *out = t->level[level][index];
    return DT_OK;
}

static enum dt_err
keep_tile(void *ctx, const struct tlog_tile *tile, struct dt_view content)
{
    struct tree *t = ctx;

    assert_true(t->n_tiles < TILES_MAX && content.n <= TLOG_TILE_BYTES);
    t->tiles[t->n_tiles].tile = *tile;
    t->tiles[t->n_tiles].len = content.n;
    memcpy(t->tiles[t->n_tiles].content, content.p, content.n);
    t->n_tiles++;
    return DT_OK;
}

static enum dt_err
read_tile(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    const struct tree *t = ctx;

    for (size_t i = 0; i < t->n_tiles; i++) {
        if (t->tiles[i].tile.level == tile->level && t->tiles[i].tile.index == tile->index &&
            t->tiles[i].len >= (size_t)tile->width * TLOG_HASH)
            return dt_buf_append(out, dt_view(t->tiles[i].content, t->tiles[i].len));
    }
    return dt_fail(DT_ERR_NOT_FOUND, "no such tile");
}

/* ${size} random entries; roots by the definition, by appending and by the edge are one. */
static void
grow(uint64_t size)
{
    struct tlog_frontier f = {0};
    struct tlog_edge *edge = NULL;
    struct tlog_hash root;

    tree.size = size;
    tree.n_tiles = 0;
    ok(tlog_edge_new(&edge));
    for (uint64_t i = 0; i < size; i++) {
        for (size_t k = 0; k < ENTRY_LEN; k++)
            tree.entry[i][k] = (uint8_t)draw(256);
        ok(tlog_leaf_hash(dt_view(tree.entry[i], ENTRY_LEN), &tree.level[0][i]));
        ok(tlog_frontier_append(&f, &tree.level[0][i]));
        ok(tlog_edge_append(edge, &tree.level[0][i], keep_tile, &tree));
    }
    for (unsigned int l = 1; l < LEVELS; l++) {
        for (uint64_t i = 0; i < size >> l; i++)
            ok(tlog_node_hash(&tree.level[l - 1][2 * i], &tree.level[l - 1][2 * i + 1],
                              &tree.level[l][i]));
    }
    ok(tlog_edge_partials(edge, keep_tile, &tree));
    ok(tlog_root_make(node, &tree, size, &tree.root));
    ok(tlog_frontier_root(&f, &root));
    assert_true(tlog_hash_equal(&root, &tree.root));
    ok(tlog_edge_root(edge, &root));
    assert_true(tlog_hash_equal(&root, &tree.root));
    tlog_edge_free(edge);
}

static bool
same_path(const struct tlog_path *a, const struct tlog_path *b)
{
    return a->n == b->n && memcmp(a->h, b->h, a->n * sizeof(a->h[0])) == 0;
}

/* Is the proof of the next one to be spoiled? */
static bool
spoil_now(uint64_t nth)
{
    n_proofs++;
    return nth == 0 || draw(OFTEN) == 0;
}

/* ---- inclusion ---- */

static void
refused_inclusion(const uint8_t *entry, uint64_t index, const struct tlog_path *path,
                  const struct tlog_hash *root)
{
    struct tlog_hash leaf;

    n_flips++;
    ok(tlog_leaf_hash(dt_view(entry, ENTRY_LEN), &leaf));
    assert_int_equal(tlog_inclusion_verify(&leaf, index, tree.size, path, root), DT_ERR_PROOF);
}

/* Every single bit of everything that the proof is about. */
static void
spoil_inclusion(uint64_t index, const struct tlog_path *path)
{
    struct tlog_path p = *path;
    struct tlog_hash root = tree.root;
    uint8_t entry[ENTRY_LEN];

    memcpy(entry, tree.entry[index], sizeof(entry));
    for (size_t bit = 0; bit < p.n * 8 * TLOG_HASH; bit++) {
        uint8_t *byte = &p.h[bit / (8 * TLOG_HASH)].b[bit / 8 % TLOG_HASH];

        *byte ^= (uint8_t)(1u << bit % 8);
        refused_inclusion(entry, index, &p, &root);
        *byte ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * TLOG_HASH; bit++) {
        root.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refused_inclusion(entry, index, &p, &root);
        root.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 64; bit++)
        refused_inclusion(entry, index ^ UINT64_C(1) << bit, &p, &root);
    for (size_t bit = 0; bit < 8 * ENTRY_LEN; bit++) {
        entry[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refused_inclusion(entry, index, &p, &root);
        entry[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    if (p.n > 0) {
        p.n--;
        refused_inclusion(entry, index, &p, &root);
        p.n++;
    }
    p.h[p.n] = p.h[p.n > 0 ? p.n - 1 : 0];
    p.n++;
    refused_inclusion(entry, index, &p, &root);
}

static void
check_inclusion(uint64_t index, uint64_t nth)
{
    struct tlog_path made, read = {0};
    struct tlog_hash leaf;

    ok(tlog_inclusion_make(node, &tree, index, tree.size, &made));
    ok(tlog_inclusion_verify(&tree.level[0][index], index, tree.size, &made, &tree.root));
    assert_int_equal(made.n, tlog_inclusion_len(index, tree.size));
    if (nth % 8 == 0) {
        ok(tlog_tiles_inclusion(read_tile, &tree, index, tree.size, &tree.root, &read, &leaf));
        assert_true(same_path(&made, &read));
        assert_true(tlog_hash_equal(&leaf, &tree.level[0][index]));
    }
    if (spoil_now(nth))
        spoil_inclusion(index, &made);
}

/* ---- consistency ---- */

static void
refused_consistency(uint64_t old, const struct tlog_path *path, const struct tlog_hash *old_root,
                    const struct tlog_hash *new_root)
{
    n_flips++;
    assert_int_equal(tlog_growth_verify(old, tree.size, path, old_root, new_root), DT_ERR_PROOF);
}

static void
spoil_consistency(uint64_t old, const struct tlog_path *path, const struct tlog_hash *old_root)
{
    struct tlog_path p = *path;
    struct tlog_hash a = *old_root, b = tree.root;

    for (size_t bit = 0; bit < p.n * 8 * TLOG_HASH; bit++) {
        uint8_t *byte = &p.h[bit / (8 * TLOG_HASH)].b[bit / 8 % TLOG_HASH];

        *byte ^= (uint8_t)(1u << bit % 8);
        refused_consistency(old, &p, &a, &b);
        *byte ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 2 * 8 * TLOG_HASH; bit++) {
        uint8_t *byte = (bit % 2 == 0 ? a.b : b.b) + bit / 16;

        *byte ^= (uint8_t)(1u << bit / 2 % 8);
        refused_consistency(old, &p, &a, &b);
        *byte ^= (uint8_t)(1u << bit / 2 % 8);
    }
    for (size_t bit = 0; bit < 64; bit++)
        refused_consistency(old ^ UINT64_C(1) << bit, &p, &a, &b);
    if (p.n > 0) {
        p.n--;
        refused_consistency(old, &p, &a, &b);
        p.n++;
    }
    p.h[p.n] = p.h[p.n > 0 ? p.n - 1 : 0];
    p.n++;
    refused_consistency(old, &p, &a, &b);
}

static void
check_consistency(uint64_t old, uint64_t nth)
{
    struct tlog_path made, read = {0};
    struct tlog_hash old_root;

    ok(tlog_root_make(node, &tree, old, &old_root));
    ok(tlog_consistency_make(node, &tree, old, tree.size, &made));
    ok(tlog_growth_verify(old, tree.size, &made, &old_root, &tree.root));
    if (nth % 8 == 0) {
        ok(tlog_tiles_consistency(read_tile, &tree, old, &old_root, tree.size, &tree.root, &read));
        assert_true(same_path(&made, &read));
    }
    if (spoil_now(nth))
        spoil_consistency(old, &made, &old_root);
}

/* ---- which trees, and which places in them ---- */

/* The ${i}-th place of interest below ${n}: both ends, then around every power of two; false when
 * there are no more. */
static bool
edge_place(size_t i, uint64_t n, uint64_t *out)
{
    uint64_t power = UINT64_C(1) << (i > 5 ? (i - 6) / 3 : 0);

    if (i >= 6 && power > n)
        return false;
    *out = i < 3 ? i : i < 6 ? n - 1 - (i - 3) : power - 1 + (i - 6) % 3;
    return true;
}

static void
check_tree(uint64_t size)
{
    uint64_t nth = 0, place = 0;

    grow(size);
    if (size == 0) {
        ok(tlog_growth_verify(0, 0, &(struct tlog_path){0}, &tlog_empty_root, &tree.root));
        return;
    }
    if (size <= 300) {
        for (uint64_t i = 0; i < size; i++)
            check_inclusion(i, nth++);
    } else {
        for (size_t i = 0; edge_place(i, size, &place); i++) {
            if (place < size)
                check_inclusion(place, nth++);
        }
        for (int i = 0; i < 100; i++)
            check_inclusion(draw(size), nth++);
    }
    nth = 0;
    for (size_t i = 0; edge_place(i, size, &place); i++) {
        if (place >= 1 && place < size)
            check_consistency(place, nth++);
    }
    check_consistency(size, nth++);
    for (int i = 0; i < 60; i++)
        check_consistency(1 + draw(size), nth++);
}

static void
edges_of_sizes(void **state)
{
    static const uint64_t sizes[] = {0,   1,   2,   3,    4,    5,    7,    8,    9,    255, 256,
                                     257, 511, 512, 1023, 1024, 1025, 4095, 4096, 4097, 5000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        check_tree(sizes[i]);
}

static void
random_sizes(void **state)
{
    (void)state;
    for (int i = 0; i < RANDOM_TREES; i++)
        check_tree(1 + draw(i % 3 == 0 ? 300 : SIZE_MAX_HERE));
}

/* The tree of one is never the tree of the other: what fits one root fits no other one. */
static void
trees_that_differ_in_one_bit(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        uint64_t size = 2 + draw(SIZE_MAX_HERE - 1), at, other;
        struct tlog_hash root, leaf, before;
        struct tlog_path path;

        grow(size);
        at = draw(size);
        before = tree.root;
        tree.entry[at][draw(ENTRY_LEN)] ^= (uint8_t)(1u << draw(8));
        ok(tlog_leaf_hash(dt_view(tree.entry[at], ENTRY_LEN), &leaf));
        tree.level[0][at] = leaf;
        for (unsigned int l = 1; l < LEVELS && at >> l < size >> l; l++)
            ok(tlog_node_hash(&tree.level[l - 1][at >> l << 1],
                              &tree.level[l - 1][(at >> l << 1) + 1], &tree.level[l][at >> l]));
        ok(tlog_root_make(node, &tree, size, &root));
        assert_false(tlog_hash_equal(&root, &before));
        other = draw(size);
        ok(tlog_inclusion_make(node, &tree, other, size, &path));
        ok(tlog_inclusion_verify(&tree.level[0][other], other, size, &path, &root));
        assert_int_equal(tlog_inclusion_verify(&tree.level[0][other], other, size, &path, &before),
                         DT_ERR_PROOF);
        /* The tiles are still the old tree's. */
        assert_int_equal(tlog_tiles_inclusion(read_tile, &tree, at, size, &root, &path, NULL),
                         DT_ERR_PROOF);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_of_sizes),
        cmocka_unit_test(random_sizes),
        cmocka_unit_test(trees_that_differ_in_one_bit),
    };
    const char *seed = getenv("DT_SEED");
    int failed;

    if (seed == NULL || dt_decimal_read(dt_view_str(seed), UINT64_MAX, &rng) != DT_OK)
        rng = (uint64_t)time(NULL);
    print_message("DT_SEED=%llu\n", (unsigned long long)rng);
    failed = cmocka_run_group_tests(tests, crypto_setup, NULL);
    print_message("%llu proofs held, %llu spoiled ones were refused\n",
                  (unsigned long long)n_proofs, (unsigned long long)n_flips);
    return failed;
}
