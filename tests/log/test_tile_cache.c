/*
 * tests/log/test_tile_cache.c - proofs with the upper tiles kept: the same as without, whatever
 * grows, is replaced or belongs to another tree; and each upper tile is fetched once.
 */
#include "base/mem.h"
#include "log/tile_edge.h"
#include "log/tile_read.h"

#include "fixture.h"

#define SMALL 67000u /* of level 1 a full tile and five hashes of the next */
#define LARGE 70000u /* seventeen */
#define TILES 275u   /* of level 0, and the few above */

/* A tree's tiles as they are at one size. */
struct tree {
    uint64_t salt, size;
    struct tlog_hash root;
    struct tlog_hash tile[3][TILES][TLOG_TILE_WIDTH];
    size_t fetched[3];
    bool lie;
};

static struct tree *one, *two;

static enum dt_err
put(void *ctx, const struct tlog_tile *tile, struct dt_view content)
{
    struct tree *t = ctx;

    memcpy(t->tile[tile->level][tile->index], content.p, content.n);
    return DT_OK;
}

static enum dt_err
get(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    struct tree *t = ctx;

    t->fetched[tile->level]++;
    ok(dt_buf_append(out, dt_view((const uint8_t *)t->tile[tile->level][tile->index],
                                  tile->width * sizeof(struct tlog_hash))));
    if (t->lie && tile->level == 1)
        out->p[0] ^= 1;
    return DT_OK;
}

static struct tlog_hash
leaf_of(const struct tree *t, uint64_t i)
{
    struct tlog_hash leaf = {{0}};

    memcpy(leaf.b, &i, sizeof i);
    memcpy(leaf.b + 8, &t->salt, sizeof t->salt);
    return leaf;
}

static void
grow(struct tree *t, uint64_t size)
{
    struct tlog_edge *edge = NULL;

    ok(tlog_edge_new(&edge));
    for (uint64_t i = 0; i < size; i++) {
        struct tlog_hash leaf = leaf_of(t, i);

        ok(tlog_edge_append(edge, &leaf, put, t));
    }
    ok(tlog_edge_partials(edge, put, t));
    ok(tlog_edge_root(edge, &t->root));
    t->size = size;
    tlog_edge_free(edge);
}

static int
setup(void **state)
{
    if (crypto_setup(state) != 0 || (one = dt_alloc(1, sizeof *one)) == NULL ||
        (two = dt_alloc(1, sizeof *two)) == NULL)
        return -1;
    two->salt = 2;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    dt_free(one);
    dt_free(two);
    return 0;
}

/* Entry ${i}: the same proof with what is kept and without. */
static void
same(struct tlog_tile_cache *c, struct tree *t, uint64_t i)
{
    struct tlog_path path, want;
    struct tlog_hash leaf, own = leaf_of(t, i);

    ok(tlog_tiles_inclusion(get, t, i, t->size, &t->root, &want, NULL));
    ok(tlog_tiles_inclusion_kept(c, t->salt, get, t, i, t->size, &t->root, &path, &leaf));
    assert_int_equal(path.n, want.n);
    assert_memory_equal(path.h, want.h, want.n * sizeof want.h[0]);
    assert_true(tlog_hash_equal(&leaf, &own));
}

static void
walk(struct tlog_tile_cache *c)
{
    for (uint64_t i = 0; i < one->size; i += 977)
        same(c, one, i);
    for (uint64_t i = 0; i < 300; i++)
        same(c, one, one->size - 1 - i);
}

static void
grows(void **state)
{
    struct tlog_tile_cache *c = NULL;
    struct tlog_path path;

    (void)state;
    ok(tlog_tile_cache_new(16, &c));
    grow(one, SMALL);
    walk(c);
    grow(one, LARGE);
    walk(c);
    /* Two tiles of level 1 and one of level 2 are kept: none is fetched any more. */
    memset(one->fetched, 0, sizeof one->fetched);
    for (uint64_t i = 0; i < one->size; i += 97)
        ok(tlog_tiles_inclusion_kept(c, 0, get, one, i, one->size, &one->root, &path, NULL));
    assert_int_equal(one->fetched[1] + one->fetched[2], 0);
    assert_true(one->fetched[0] > 0);
    tlog_tile_cache_free(c);
}

static void
shared(void **state)
{
    (void)state;
    grow(one, LARGE);
    grow(two, SMALL);
    for (size_t n = 1; n < 5; n++) {
        struct tlog_tile_cache *c = NULL;

        ok(tlog_tile_cache_new(n, &c));
        for (uint64_t i = 0; i < SMALL; i += 4001) {
            same(c, one, i);
            same(c, two, i);
        }
        tlog_tile_cache_free(c);
    }
}

static void
lies(void **state)
{
    struct tlog_tile_cache *c = NULL;
    struct tlog_path path = {.n = 5};

    (void)state;
    assert_int_equal(tlog_tile_cache_new(0, &c), DT_ERR_RANGE);
    ok(tlog_tile_cache_new(16, &c));
    grow(one, LARGE);
    one->lie = true;
    assert_int_equal(tlog_tiles_inclusion_kept(c, 0, get, one, 300, LARGE, &one->root, &path, NULL),
                     DT_ERR_PROOF);
    one->lie = false;
    /* What was kept of the lie shows in the root, until it is forgotten. */
    assert_int_equal(tlog_tiles_inclusion_kept(c, 0, get, one, 300, LARGE, &one->root, &path, NULL),
                     DT_ERR_PROOF);
    assert_int_equal(path.n, 5);
    tlog_tile_cache_clear(c);
    same(c, one, 300);
    assert_int_equal(
        tlog_tiles_inclusion_kept(c, 0, get, one, LARGE, LARGE, &one->root, &path, NULL),
        DT_ERR_RANGE);
    tlog_tile_cache_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows),
        cmocka_unit_test(shared),
        cmocka_unit_test(lies),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
