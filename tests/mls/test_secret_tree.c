/*
 * tests/mls/test_secret_tree.c - the deletion schedule of the secret tree, looked at from inside.
 *
 * Source: RFC 9420 sections 9, 9.1 and 9.2.
 */
#include <string.h>

#include "mls/group_limits.h"
#include "mls/secret_tree.h"
#include "mls/tree_math.h"

#include "group_util.h"

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

static void
fresh(struct mls_secret_tree *t, uint32_t n_leaves)
{
    struct dt_secret s = {0};

    memset(t, 0, sizeof *t);
    assert_ok(dt_secret_alloc(&s, 32));
    memset(s.p, 0x5a, 32);
    assert_ok(mls_secret_tree_init(t, dt_suite_get(1), n_leaves, &s));
    assert_int_equal(s.n, 0);
}

static void
take(struct mls_secret_tree *t, uint32_t leaf, enum mls_ratchet_kind kind, uint32_t generation,
     uint8_t key[static 16])
{
    struct mls_tree_step step = {0};

    assert_ok(mls_secret_tree_derive(t, leaf, kind, generation, &step));
    assert_int_equal(step.key.n, 16);
    assert_int_equal(step.nonce.n, 12);
    memcpy(key, step.key.p, 16);
    mls_secret_tree_apply(t, &step);
}

static void
encode(const struct mls_secret_tree *t, struct dt_buf *out)
{
    struct dt_writer w;

    dt_buf_init(out, 1u << 20);
    w = dt_writer_init(out);
    mls_secret_tree_write(&w, t);
    assert_ok(dt_writer_end(&w));
}

/* Bytes of the secret of a node, 0 for one that is not there. */
static size_t
held(const struct mls_secret_tree *t, uint32_t node)
{
    const struct mls_secret_node *at = mls_secret_find(t->root, t->n_leaves, node);

    return at == NULL ? 0 : at->secret.n;
}

static struct mls_ratchet *
ratchet_of(const struct mls_secret_tree *t, uint32_t leaf, enum mls_ratchet_kind kind)
{
    return &mls_secret_find(t->root, t->n_leaves, 2 * leaf)->ratchets->ratchet[kind];
}

/* The example of section 9.2: D of four sends generation 1, having sent 0 unseen. */
static void
test_consumed(void **state)
{
    struct mls_secret_tree t;
    uint8_t k[16];
    const struct mls_ratchet *r;

    (void)state;
    fresh(&t, 4);
    take(&t, 3, MLS_RATCHET_APPLICATION, 1, k);
    /* G, F and D are gone; E and C stay. */
    assert_int_equal(held(&t, 3), 0);
    assert_int_equal(held(&t, 5), 0);
    assert_int_equal(held(&t, 6), 0);
    assert_int_equal(held(&t, 1), 32);
    assert_int_equal(held(&t, 4), 32);
    r = ratchet_of(&t, 3, MLS_RATCHET_APPLICATION);
    assert_int_equal(r->generation, 2);
    assert_int_equal(r->n_kept, 1);
    assert_int_equal(r->kept[0].generation, 0);
    r = ratchet_of(&t, 3, MLS_RATCHET_HANDSHAKE);
    assert_int_equal(r->generation, 0);
    assert_int_equal(r->secret.n, 32);
    take(&t, 3, MLS_RATCHET_APPLICATION, 0, k);
    assert_int_equal(ratchet_of(&t, 3, MLS_RATCHET_APPLICATION)->n_kept, 0);
    mls_secret_tree_clear(&t);
}

/* Deriving without applying changes nothing; the order of taking changes no key. */
static void
test_order_does_not_matter(void **state)
{
    struct mls_secret_tree a;
    struct mls_secret_tree b;
    struct dt_buf before;
    struct dt_buf after;
    struct mls_tree_step step = {0};
    uint8_t ka[5][16];
    uint8_t kb[5][16];

    (void)state;
    fresh(&a, 8);
    fresh(&b, 8);
    encode(&a, &before);
    assert_ok(mls_secret_tree_derive(&a, 5, MLS_RATCHET_HANDSHAKE, 9, &step));
    mls_tree_step_clear(&step);
    encode(&a, &after);
    assert_views_equal(dt_buf_view(&before), dt_buf_view(&after));
    dt_buf_wipe(&before);
    dt_buf_wipe(&after);
    for (uint32_t g = 0; g < 5; g++) {
        take(&a, 5, MLS_RATCHET_APPLICATION, g, ka[g]);
        take(&b, 5, MLS_RATCHET_APPLICATION, 4 - g, kb[4 - g]);
        take(&b, 2, MLS_RATCHET_APPLICATION, g, (uint8_t[16]){0});
    }
    assert_memory_equal(ka, kb, sizeof ka);
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(ka[i], ka[j], 16);
    mls_secret_tree_clear(&a);
    mls_secret_tree_clear(&b);
}

static void
test_last_generation(void **state)
{
    struct mls_secret_tree t;
    struct mls_tree_step step = {0};
    struct mls_ratchet *r;
    struct dt_buf saved;
    struct dt_reader rd;
    struct mls_secret_tree again = {0};
    uint8_t k[16];

    (void)state;
    fresh(&t, 1);
    take(&t, 0, MLS_RATCHET_APPLICATION, 0, k);
    /* Pretend that almost all were used. */
    r = ratchet_of(&t, 0, MLS_RATCHET_APPLICATION);
    r->generation = UINT32_MAX - 1;
    take(&t, 0, MLS_RATCHET_APPLICATION, UINT32_MAX, k);
    assert_true(r->done);
    assert_int_equal(r->secret.n, 0);
    assert_err(DT_ERR_STATE,
               mls_secret_tree_derive(&t, 0, MLS_RATCHET_APPLICATION, UINT32_MAX, &step));
    encode(&t, &saved);
    rd = dt_reader_init(dt_buf_view(&saved));
    assert_ok(mls_secret_tree_read(&rd, dt_suite_get(1), 1, &again));
    take(&again, 0, MLS_RATCHET_APPLICATION, UINT32_MAX - 1, k);
    assert_err(DT_ERR_STATE,
               mls_secret_tree_derive(&again, 0, MLS_RATCHET_APPLICATION, UINT32_MAX, &step));
    dt_buf_wipe(&saved);
    mls_secret_tree_clear(&t);
    mls_secret_tree_clear(&again);
}

static void
test_bounds(void **state)
{
    struct mls_secret_tree t;
    struct mls_tree_step step = {0};
    struct dt_secret s = {0};
    uint8_t k[16];

    (void)state;
    fresh(&t, 2);
    assert_err(DT_ERR_RANGE, mls_secret_tree_derive(&t, 2, MLS_RATCHET_HANDSHAKE, 0, &step));
    assert_err(DT_ERR_LIMIT, mls_secret_tree_derive(&t, 0, MLS_RATCHET_HANDSHAKE,
                                                    MLS_RATCHET_FORWARD_MAX + 1, &step));
    assert_err(DT_ERR_LIMIT,
               mls_secret_tree_derive(&t, 0, MLS_RATCHET_HANDSHAKE, UINT32_MAX, &step));
    take(&t, 0, MLS_RATCHET_HANDSHAKE, MLS_RATCHET_FORWARD_MAX, k);
    assert_int_equal(ratchet_of(&t, 0, MLS_RATCHET_HANDSHAKE)->n_kept, MLS_RATCHET_KEPT_MAX);
    assert_err(DT_ERR_STATE, mls_secret_tree_derive(&t, 0, MLS_RATCHET_HANDSHAKE, 3, &step));
    /* A second jump gives up the oldest of what is kept. */
    take(&t, 0, MLS_RATCHET_HANDSHAKE, MLS_RATCHET_FORWARD_MAX + 11, k);
    assert_int_equal(ratchet_of(&t, 0, MLS_RATCHET_HANDSHAKE)->n_kept, MLS_RATCHET_KEPT_MAX);
    assert_err(DT_ERR_STATE,
               mls_secret_tree_derive(&t, 0, MLS_RATCHET_HANDSHAKE,
                                      MLS_RATCHET_FORWARD_MAX - MLS_RATCHET_KEPT_MAX + 9, &step));
    take(&t, 0, MLS_RATCHET_HANDSHAKE, MLS_RATCHET_FORWARD_MAX - MLS_RATCHET_KEPT_MAX + 10, k);
    assert_ok(dt_secret_alloc(&s, 32));
    assert_err(DT_ERR_RANGE, mls_secret_tree_init(&t, dt_suite_get(1), 3, &s));
    assert_err(DT_ERR_RANGE, mls_secret_tree_init(&t, dt_suite_get(1), 0, &s));
    assert_int_equal(s.n, 32);
    dt_secret_clear(&s);
    mls_secret_tree_clear(&t);
}

/* What cannot have been saved is not loaded. */
static void
test_saved_shape(void **state)
{
    struct mls_secret_tree t;
    struct mls_secret_tree out = {0};
    struct dt_buf saved;
    struct dt_reader r;
    uint8_t k[16];

    (void)state;
    fresh(&t, 4);
    take(&t, 1, MLS_RATCHET_APPLICATION, 2, k);
    /* A secret both at a leaf and above it. */
    assert_ok(dt_secret_alloc(&mls_secret_find(t.root, 4, 3)->secret, 32));
    encode(&t, &saved);
    r = dt_reader_init(dt_buf_view(&saved));
    assert_err(DT_ERR_FORMAT, mls_secret_tree_read(&r, dt_suite_get(1), 4, &out));
    dt_buf_wipe(&saved);
    dt_secret_clear(&mls_secret_find(t.root, 4, 3)->secret);
    /* Kept keys out of order, or of the future. */
    ratchet_of(&t, 1, MLS_RATCHET_APPLICATION)->kept[0].generation = 1;
    encode(&t, &saved);
    r = dt_reader_init(dt_buf_view(&saved));
    assert_err(DT_ERR_FORMAT, mls_secret_tree_read(&r, dt_suite_get(1), 4, &out));
    dt_buf_wipe(&saved);
    ratchet_of(&t, 1, MLS_RATCHET_APPLICATION)->kept[0].generation = 0;
    ratchet_of(&t, 1, MLS_RATCHET_APPLICATION)->kept[1].generation = 7;
    encode(&t, &saved);
    r = dt_reader_init(dt_buf_view(&saved));
    assert_err(DT_ERR_FORMAT, mls_secret_tree_read(&r, dt_suite_get(1), 4, &out));
    dt_buf_wipe(&saved);
    ratchet_of(&t, 1, MLS_RATCHET_APPLICATION)->kept[1].generation = 1;
    encode(&t, &saved);
    r = dt_reader_init(dt_buf_view(&saved));
    assert_ok(mls_secret_tree_read(&r, dt_suite_get(1), 4, &out));
    /* Of another size than its tree. */
    r = dt_reader_init(dt_buf_view(&saved));
    assert_int_not_equal(mls_secret_tree_read(&r, dt_suite_get(1), 2, &out), DT_OK);
    r = dt_reader_init(dt_buf_view(&saved));
    assert_int_not_equal(mls_secret_tree_read(&r, dt_suite_get(1), 8, &out), DT_OK);
    dt_buf_wipe(&saved);
    mls_secret_tree_clear(&t);
    mls_secret_tree_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_consumed),        cmocka_unit_test(test_order_does_not_matter),
        cmocka_unit_test(test_last_generation), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_saved_shape),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
