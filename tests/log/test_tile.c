/*
 * tests/log/test_tile.c - tiles: paths, the growing edge, and proofs from served tiles, honest or
 * not.
 */
#include "base/mem.h"
#include "log/tile_edge.h"
#include "log/tile_read.h"

#include "fixture.h"

static struct tlog_hash leaves[TREE_MAX];
static struct tlog_leaves all = {leaves, TREE_MAX};

static int
setup(void **state)
{
    if (crypto_setup(state) != 0)
        return -1;
    make_leaves("tile ", leaves, TREE_MAX);
    return 0;
}

/* Every path that is parsed is written again as it was. */
static void
paths(void **state)
{
    static const uint64_t indexes[] = {0,
                                       1,
                                       999,
                                       1000,
                                       1001,
                                       999999,
                                       1000000,
                                       1234067,
                                       UINT64_C(36028797018963967),
                                       TLOG_SIZE_MAX};
    static const char *const bad[] = {"",
                                      "tile",
                                      "tile/",
                                      "tile/0",
                                      "tile/0/",
                                      "tile/0/x/000",
                                      "tile/0/x001",
                                      "tile/0/0x1",
                                      "tile/0/x001//000",
                                      "tile/0/x001/x000/",
                                      "tile/0/000.p/",
                                      "tile/0/000.p/1.p/1",
                                      "tile/entries",
                                      "tile/entries/x000/001",
                                      "tile/64/000",
                                      "tile/0/000.p/256",
                                      "tile/0/000.p/0",
                                      "tile/1 /000",
                                      "tile/0/x009/x223/x372/x036/x854/x775/808",
                                      "tile/0/x999/x999/x999/x999/x999/x999/999",
                                      "tile/0/x001/x000/x000/x000/x000/x000/x000/000"};

    (void)state;
    for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
        for (uint16_t width = 1; width <= TLOG_TILE_WIDTH; width++) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(128);
            struct tlog_tile tile = {
                .level = (uint8_t)(width % 64), .index = indexes[i], .width = width};
            struct tlog_tile got;

            if (width % 5 == 0) {
                tile.entries = true;
                tile.level = 0;
            }
            ok(tlog_tile_path_write(&tile, &path));
            ok(tlog_tile_path_parse(dt_buf_view(&path), &got));
            assert_true(got.index == tile.index && got.level == tile.level && got.width == width &&
                        got.entries == tile.entries);
        }
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tlog_tile tile = {.index = 5};
        enum dt_err err = tlog_tile_path_parse(text(bad[i]), &tile);

        if (err != DT_ERR_FORMAT && err != DT_ERR_RANGE)
            fail_msg("not refused: %s", bad[i]);
        assert_int_equal(tile.index, 5);
    }
}

static void
geometry(void **state)
{
    (void)state;
    assert_int_equal(tlog_tile_width(0, 273, 70000), 112);
    assert_int_equal(tlog_tile_width(0, 272, 70000), 256);
    assert_int_equal(tlog_tile_width(0, 274, 70000), 0);
    assert_int_equal(tlog_tile_width(1, 1, 70000), 17);
    assert_int_equal(tlog_tile_width(2, 0, 70000), 1);
    assert_int_equal(tlog_tile_width(3, 0, 70000), 0);
    assert_int_equal(tlog_tile_width(8, 0, TLOG_SIZE_MAX), 0);
    assert_int_equal(tlog_tile_width(7, 0, TLOG_SIZE_MAX), 127);
}

static void
bundles(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_BUNDLE_MAX + 2);
    struct dt_view entries[TLOG_TILE_WIDTH];
    static uint8_t big[TLOG_ENTRY_MAX + 1];
    size_t n = 77;

    (void)state;
    for (size_t i = 0; i < TLOG_TILE_WIDTH; i++)
        ok(tlog_bundle_append(&b, dt_view(big, i == 3 ? TLOG_ENTRY_MAX : i)));
    assert_int_equal(tlog_bundle_append(&b, dt_view_of(big)), DT_ERR_LIMIT);
    ok(tlog_bundle_parse(dt_buf_view(&b), entries, &n));
    assert_int_equal(n, TLOG_TILE_WIDTH);
    assert_int_equal(entries[3].n, TLOG_ENTRY_MAX);
    assert_int_equal(entries[255].n, 255);
    for (size_t cut = 1; cut < 255; cut++)
        assert_int_equal(tlog_bundle_parse(dt_view(b.p, b.n - cut), entries, &n), DT_ERR_FORMAT);
    ok(tlog_bundle_append(&b, dt_view(big, 0)));
    n = 77;
    assert_int_equal(tlog_bundle_parse(dt_buf_view(&b), entries, &n), DT_ERR_LIMIT);
    assert_int_equal(n, 77);
}

/* ---- a little store of tiles, kept as the edge gives them out ---- */

#define STORE_MAX 8

struct store {
    struct tlog_tile tile[STORE_MAX];
    uint8_t content[STORE_MAX][TLOG_TILE_BYTES];
    size_t n;
    bool lie;   /* flip a bit in what is served */
    size_t cut; /* serve so many bytes less */
    size_t fetched;
};

static enum dt_err
store_put(void *ctx, const struct tlog_tile *tile, struct dt_view content)
{
    struct store *s = ctx;

    assert_true(s->n < STORE_MAX);
    assert_int_equal(content.n, tile->width * 32);
    s->tile[s->n] = *tile;
    memcpy(s->content[s->n], content.p, content.n);
    s->n++;
    return DT_OK;
}

static enum dt_err
store_get(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    struct store *s = ctx;

    s->fetched++;
    for (size_t i = 0; i < s->n; i++) {
        if (s->tile[i].level == tile->level && s->tile[i].index == tile->index &&
            s->tile[i].width >= tile->width) {
            size_t n = s->tile[i].width * 32u - s->cut;

            ok(dt_buf_append(out, dt_view(s->content[i], n)));
            if (s->lie)
                out->p[5] ^= 1;
            return DT_OK;
        }
    }
    return dt_fail(DT_ERR_NOT_FOUND, "no such tile");
}

static void
make_store(uint64_t size, struct store *s, struct tlog_hash *root)
{
    struct tlog_edge *edge = NULL;

    memset(s, 0, sizeof(*s));
    ok(tlog_edge_new(&edge));
    for (uint64_t i = 0; i < size; i++)
        ok(tlog_edge_append(edge, &leaves[i], store_put, s));
    assert_int_equal(tlog_edge_size(edge), size);
    ok(tlog_edge_partials(edge, store_put, s));
    ok(tlog_edge_root(edge, root));
    tlog_edge_free(edge);
}

/* The edge gives the tiles that the definition gives, and the root. */
static void
edge_makes_the_tiles(void **state)
{
    static struct store s;
    static const uint64_t sizes[] = {0, 1, 2, 255, 256, 257, 300, 511, 512, 513, 600};
    struct tlog_hash root, want;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        make_store(sizes[i], &s, &root);
        ok(tlog_root_make(tlog_leaves_node, &all, sizes[i], &want));
        assert_true(tlog_hash_equal(&root, &want));
        for (size_t t = 0; t < s.n; t++) {
            DT_CLEANUP(dt_buf_clear) struct dt_buf content = DT_BUF_INIT(TLOG_TILE_BYTES);

            assert_int_equal(tlog_tile_width(s.tile[t].level, s.tile[t].index, sizes[i]),
                             s.tile[t].width);
            ok(tlog_tile_make(tlog_leaves_node, &all, &s.tile[t], &content));
            assert_memory_equal(content.p, s.content[t], content.n);
        }
    }
}

/* An edge that is loaded from tiles goes on as the one that made them. */
static void
edge_loads(void **state)
{
    static struct store s;
    struct tlog_edge *a = NULL, *b = NULL;
    struct tlog_hash root, other;

    (void)state;
    make_store(513, &s, &root);
    {
        DT_CLEANUP(tlog_tile_reader_clear)
        struct tlog_tile_reader r = {.fn = store_get, .ctx = &s, .size = 513};

        ok(tlog_edge_new(&a));
        ok(tlog_edge_new(&b));
        ok(tlog_edge_load(a, tlog_tile_node, &r, 513));
    }
    ok(tlog_edge_root(a, &other));
    assert_true(tlog_hash_equal(&root, &other));
    tlog_edge_copy(b, a);
    for (uint64_t i = 513; i < 600; i++)
        ok(tlog_edge_append(a, &leaves[i], NULL, NULL));
    ok(tlog_edge_root(a, &root));
    ok(tlog_root_make(tlog_leaves_node, &all, 600, &other));
    assert_true(tlog_hash_equal(&root, &other));
    assert_int_equal(tlog_edge_size(b), 513);
    tlog_edge_free(a);
    tlog_edge_free(b);
}

static void
proofs_from_tiles(void **state)
{
    static struct store s;
    static const uint64_t sizes[] = {1, 2, 7, 255, 256, 257, 300, 512, 600};
    struct tlog_hash root, old_root, leaf, got;
    struct tlog_path path, want;
    struct tlog_frontier f;

    (void)state;
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        uint64_t n = sizes[k];

        make_store(n, &s, &root);
        ok(tlog_tiles_frontier(store_get, &s, n, &root, &f));
        assert_int_equal(f.size, n);
        for (uint64_t i = 0; i<n; i += n> 100 ? 13 : 1) {
            ok(tlog_tiles_inclusion(store_get, &s, i, n, &root, &path, &leaf));
            assert_true(tlog_hash_equal(&leaf, &leaves[i]));
            ok(tlog_inclusion_make(tlog_leaves_node, &all, i, n, &want));
            assert_int_equal(path.n, want.n);
            assert_memory_equal(path.h, want.h, want.n * sizeof(want.h[0]));
            ok(tlog_root_make(tlog_leaves_node, &all, i, &old_root));
            ok(tlog_tiles_consistency(store_get, &s, i, &old_root, n, &root, &path));
            ok(tlog_growth_verify(i, n, &path, &old_root, &root));
            if (i > 0) {
                ok(tlog_tiles_prefix(store_get, &s, i, n, &root, &got, &path));
                assert_true(tlog_hash_equal(&got, &old_root));
            }
        }
    }
    s.fetched = 0;
    ok(tlog_tiles_inclusion(store_get, &s, 5, 600, &root, &path, NULL));
    assert_true(s.fetched <= 4); /* each tile once */
}

/* Tiles that lie, or are short, or belong to another tree, give no proof. */
static void
hostile_tiles(void **state)
{
    static struct store s;
    struct tlog_hash root, bad_root, old_root;
    struct tlog_path path = {.n = 5};
    struct tlog_frontier f;

    (void)state;
    make_store(300, &s, &root);
    ok(tlog_root_make(tlog_leaves_node, &all, 100, &old_root));
    bad_root = root;
    bad_root.b[0] ^= 1;
    assert_int_equal(tlog_tiles_inclusion(store_get, &s, 0, 300, &bad_root, &path, NULL),
                     DT_ERR_PROOF);
    assert_int_equal(tlog_tiles_consistency(store_get, &s, 100, &old_root, 300, &bad_root, &path),
                     DT_ERR_PROOF);
    assert_int_equal(tlog_tiles_consistency(store_get, &s, 100, &bad_root, 300, &root, &path),
                     DT_ERR_PROOF);
    assert_int_equal(tlog_tiles_prefix(store_get, &s, 100, 300, &bad_root, &old_root, &path),
                     DT_ERR_PROOF);
    assert_int_equal(tlog_tiles_frontier(store_get, &s, 300, &bad_root, &f), DT_ERR_PROOF);
    assert_int_equal(tlog_tiles_inclusion(store_get, &s, 300, 300, &root, &path, NULL),
                     DT_ERR_RANGE);
    assert_int_equal(tlog_tiles_consistency(store_get, &s, 301, &old_root, 300, &root, &path),
                     DT_ERR_RANGE);
    assert_int_equal(tlog_tiles_prefix(store_get, &s, 300, 300, &root, &old_root, &path),
                     DT_ERR_RANGE);
    assert_int_equal(tlog_tiles_prefix(store_get, &s, 0, 300, &root, &old_root, &path),
                     DT_ERR_RANGE);
    s.lie = true;
    assert_int_equal(tlog_tiles_inclusion(store_get, &s, 0, 300, &root, &path, NULL), DT_ERR_PROOF);
    assert_int_equal(tlog_tiles_consistency(store_get, &s, 100, &old_root, 300, &root, &path),
                     DT_ERR_PROOF);
    assert_int_equal(tlog_tiles_frontier(store_get, &s, 300, &root, &f), DT_ERR_PROOF);
    s.lie = false;
    for (s.cut = 1; s.cut <= 32; s.cut += 31)
        assert_int_equal(tlog_tiles_inclusion(store_get, &s, 0, 300, &root, &path, NULL),
                         DT_ERR_PROOF);
    s.cut = 0;
    s.n = 0;
    assert_int_equal(tlog_tiles_inclusion(store_get, &s, 0, 300, &root, &path, NULL),
                     DT_ERR_NOT_FOUND);
    assert_int_equal(path.n, 5);
}

/* The node of ${level} when all leaves are alike. */
static enum dt_err
uniform_node(void *ctx, unsigned int level, uint64_t index, struct tlog_hash *out)
{
    const struct tlog_hash *by_level = ctx;

    (void)index;
    *out = by_level[level];
    return DT_OK;
}

/* 70000 leaves fill a tile of level 1 and begin one of level 2. */
static enum dt_err
count_tile(void *ctx, const struct tlog_tile *tile, struct dt_view content)
{
    size_t *counts = ctx;

    (void)content;
    assert_int_equal(counts[tile->level], tile->index);
    counts[tile->level]++;
    return DT_OK;
}

static void
three_levels(void **state)
{
    struct tlog_hash by_level[64], got, want;
    size_t counts[TLOG_TILE_LEVELS] = {0};
    struct tlog_edge *edge = NULL;

    (void)state;
    by_level[0] = leaves[0];
    for (size_t l = 1; l < 64; l++)
        ok(tlog_node_hash(&by_level[l - 1], &by_level[l - 1], &by_level[l]));
    ok(tlog_edge_new(&edge));
    for (size_t i = 0; i < 70000; i++)
        ok(tlog_edge_append(edge, &leaves[0], count_tile, counts));
    assert_int_equal(counts[0], 273);
    assert_int_equal(counts[1], 1);
    ok(tlog_edge_partials(edge, count_tile, counts));
    assert_int_equal(counts[0], 274);
    assert_int_equal(counts[1], 2);
    assert_int_equal(counts[2], 1);
    ok(tlog_edge_root(edge, &got));
    ok(tlog_root_make(uniform_node, by_level, 70000, &want));
    assert_true(tlog_hash_equal(&got, &want));
    ok(tlog_edge_load(edge, uniform_node, by_level, TLOG_SIZE_MAX));
    assert_int_equal(tlog_edge_append(edge, &leaves[0], NULL, NULL), DT_ERR_LIMIT);
    tlog_edge_free(edge);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),         cmocka_unit_test(geometry),
        cmocka_unit_test(bundles),       cmocka_unit_test(edge_makes_the_tiles),
        cmocka_unit_test(edge_loads),    cmocka_unit_test(proofs_from_tiles),
        cmocka_unit_test(hostile_tiles), cmocka_unit_test(three_levels),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
