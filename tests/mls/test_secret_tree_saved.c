/*
 * tests/mls/test_secret_tree_saved.c - saved secret trees written by hand: what no tree can have
 * been is not loaded, and there is one way to write each.
 *
 * Source: RFC 9420 sections 9, 9.1 and 9.2.
 */
#include <string.h>

#include "mls/limits.h"
#include "mls/secret_tree.h"

#include "group_util.h"

#define HASH 32u
#define EACH (4u + 16u + 12u) /* a kept key of suite 1, with its generation */

static const uint8_t bytes[4 * EACH] = {5};

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

/* One ratchet; of ${kept} the first ${kept_len} bytes are written. */
struct ratchet {
    uint32_t generation;
    bool done;
    size_t secret_len;
    uint32_t kept[2];
    size_t kept_len;
};

static void
ratchet_write(struct dt_writer *w, const struct ratchet *r)
{
    struct dt_buf kept = DT_BUF_INIT(4 * EACH);
    struct dt_writer k = dt_writer_init(&kept);
    size_t mark;

    for (size_t i = 0; i < 2; i++) {
        dt_write_u32(&k, r->kept[i]);
        dt_write_view(&k, dt_view(bytes, EACH - 4));
    }
    dt_write_u8(&k, 0); /* what may stand behind them */
    assert_ok(dt_writer_end(&k));
    dt_write_u32(w, r->generation);
    dt_write_optional(w, r->done);
    dt_write_vec(w, dt_view(bytes, r->secret_len));
    mark = dt_write_vec_begin(w);
    dt_write_view(w, dt_view(kept.p, r->kept_len));
    dt_write_vec_end(w, mark);
    dt_buf_clear(&kept);
}

/* A tree of one leaf, which is open, with ${application} as one of its ratchets. */
static enum dt_err
load_leaf(const struct ratchet *application)
{
    const struct ratchet handshake = {.secret_len = HASH};
    struct mls_secret_tree t = {0};
    struct dt_buf b = DT_BUF_INIT(1u << 16);
    struct dt_writer w = dt_writer_init(&b);
    struct dt_reader r;
    size_t mark;
    enum dt_err err;

    dt_write_vec(&w, dt_view(NULL, 0)); /* no nodes */
    mark = dt_write_vec_begin(&w);
    dt_write_u32(&w, 0);
    ratchet_write(&w, &handshake);
    ratchet_write(&w, application);
    dt_write_vec_end(&w, mark);
    assert_ok(dt_writer_end(&w));
    r = dt_reader_init(dt_buf_view(&b));
    err = mls_secret_tree_read(&r, dt_suite_get(1), 1, &t);
    assert_int_equal(t.n_leaves, err == DT_OK ? 1 : 0);
    mls_secret_tree_clear(&t);
    dt_buf_clear(&b);
    return err;
}

/* RFC 9420 section 9.1: a ratchet has a secret until its last generation was used, and then none.
 */
static void
test_ratchet_secret(void **state)
{
    struct ratchet r = {.generation = 7, .secret_len = HASH};
    struct ratchet over = {.generation = UINT32_MAX, .done = true};

    (void)state;
    assert_ok(load_leaf(&r));
    assert_ok(load_leaf(&over));
    r.secret_len = HASH - 1;
    assert_err(DT_ERR_FORMAT, load_leaf(&r));
    r.secret_len = 0;
    assert_err(DT_ERR_FORMAT, load_leaf(&r));
    over.secret_len = HASH;
    assert_err(DT_ERR_FORMAT, load_leaf(&over));
    over.secret_len = 0;
    over.generation = UINT32_MAX - 1;
    assert_err(DT_ERR_FORMAT, load_leaf(&over));
}

/* RFC 9420 section 9.2: kept keys are of generations that were skipped, rising, and whole. */
static void
test_ratchet_kept(void **state)
{
    static const struct {
        uint32_t kept[2];
        size_t kept_len;
        enum dt_err want;
    } table[] = {
        {{2, 6}, 2 * EACH, DT_OK},
        {{2, 6}, 0, DT_OK},
        {{2, 7}, 2 * EACH, DT_ERR_FORMAT}, /* not yet */
        {{2, 2}, 2 * EACH, DT_ERR_FORMAT}, /* the same twice */
        {{3, 2}, 2 * EACH, DT_ERR_FORMAT},
        {{2, 6}, 2 * EACH - 1, DT_ERR_FORMAT},
        {{2, 6}, 2 * EACH + 1, DT_ERR_FORMAT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct ratchet r = {.generation = 7, .secret_len = HASH, .kept_len = table[i].kept_len};

        memcpy(r.kept, table[i].kept, sizeof r.kept);
        assert_err(table[i].want, load_leaf(&r));
    }
}

/* A tree of four leaves, none open, with secrets at ${nodes}. */
static enum dt_err
load_nodes(const uint32_t *nodes, size_t n)
{
    struct mls_secret_tree t = {0};
    struct dt_buf b = DT_BUF_INIT(1u << 16);
    struct dt_writer w = dt_writer_init(&b);
    struct dt_reader r;
    size_t mark = dt_write_vec_begin(&w);
    enum dt_err err;

    for (size_t i = 0; i < n; i++) {
        dt_write_u32(&w, nodes[i]);
        dt_write_view(&w, dt_view(bytes, HASH));
    }
    dt_write_vec_end(&w, mark);
    dt_write_vec(&w, dt_view(NULL, 0)); /* no leaves */
    assert_ok(dt_writer_end(&w));
    r = dt_reader_init(dt_buf_view(&b));
    err = mls_secret_tree_read(&r, dt_suite_get(1), 4, &t);
    mls_secret_tree_clear(&t);
    dt_buf_clear(&b);
    return err;
}

/* Above each leaf stands one secret, and the nodes' numbers rise. */
static void
test_nodes(void **state)
{
    static const struct {
        uint32_t nodes[4];
        size_t n;
        enum dt_err want;
    } table[] = {
        {{3}, 1, DT_OK},
        {{1, 5}, 2, DT_OK},
        {{0, 2, 5}, 3, DT_OK},
        {{0}, 0, DT_ERR_FORMAT},
        {{1}, 1, DT_ERR_FORMAT},       /* nothing above leaves 2 and 3 */
        {{0, 5}, 2, DT_ERR_FORMAT},    /* nor here above leaf 1 */
        {{1, 3}, 2, DT_ERR_FORMAT},    /* two above leaves 0 and 1 */
        {{0, 1, 5}, 3, DT_ERR_FORMAT}, /* and above leaf 0 */
        {{5, 1}, 2, DT_ERR_FORMAT},    /* falling */
        {{1, 5, 5}, 3, DT_ERR_FORMAT}, /* twice */
        {{3, 7}, 2, DT_ERR_FORMAT},    /* the tree has no node 7 */
        {{3, UINT32_MAX}, 2, DT_ERR_FORMAT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_err(table[i].want, load_nodes(table[i].nodes, table[i].n));
}

/* Node by node and leaf by leaf: none twice, none that is not there. */
static void
test_one_by_one(void **state)
{
    const struct ratchet fresh = {.secret_len = HASH};
    struct mls_secret_tree t = {0};
    struct mls_tree_step step = {0};
    struct dt_buf leaf = DT_BUF_INIT(1u << 16);
    struct dt_writer w = dt_writer_init(&leaf);
    struct dt_reader r;

    (void)state;
    ratchet_write(&w, &fresh);
    ratchet_write(&w, &fresh);
    assert_ok(dt_writer_end(&w));
    assert_err(DT_ERR_RANGE, mls_secret_tree_alloc(&t, dt_suite_get(1), 2 * MLS_LEAVES_MAX));
    assert_ok(mls_secret_tree_alloc(&t, dt_suite_get(1), 2));
    /* Before anything is read there are no keys in it. */
    assert_err(DT_ERR_STATE, mls_secret_tree_derive(&t, 0, MLS_RATCHET_HANDSHAKE, 0, &step));
    for (uint32_t i = 0; i < 3; i++) {
        static const uint32_t nodes[] = {2, 2, 3};

        r = dt_reader_init(dt_view(bytes, HASH));
        assert_err(i == 0 ? DT_OK : DT_ERR_FORMAT, mls_secret_tree_node_read(&r, &t, nodes[i]));
    }
    for (uint32_t i = 0; i < 3; i++) {
        static const uint32_t leaves[] = {0, 0, 2};

        r = dt_reader_init(dt_buf_view(&leaf));
        assert_err(i == 0 ? DT_OK : DT_ERR_FORMAT, mls_secret_tree_leaf_read(&r, &t, leaves[i]));
    }
    assert_ok(mls_secret_tree_shape_check(&t));
    assert_ok(mls_secret_tree_derive(&t, 0, MLS_RATCHET_HANDSHAKE, 0, &step));
    mls_tree_step_clear(&step);
    mls_secret_tree_clear(&t);
    dt_buf_clear(&leaf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ratchet_secret),
        cmocka_unit_test(test_ratchet_kept),
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_one_by_one),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
