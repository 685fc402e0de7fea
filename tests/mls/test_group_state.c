/*
 * tests/mls/test_group_state.c - the saved group: one encoding, a strict reader, crashes at any
 * moment.
 */
#include <string.h>

#include "base/mem.h"
#include "mls/group_state.h"

#include "group_util.h"
#include "saved_v1.h"

static const struct mls_psk_list no_psks = {NULL, 0};

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

static void
duo(struct gu_party *p)
{
    struct gu_party *all[] = {&p[0], &p[1]};

    gu_party_init(&p[0], 1, "ada");
    gu_party_init(&p[1], 1, "bob");
    gu_create(&p[0]);
    gu_add(&p[0], &p[1], all, 1);
}

static void
clear(struct gu_party *p)
{
    gu_party_clear(&p[0]);
    gu_party_clear(&p[1]);
}

static void
snapshot(const struct mls_group *g, struct dt_buf *out)
{
    dt_buf_init(out, MLS_GROUP_STATE_MAX);
    assert_ok(mls_group_save(g, out));
}

/* A group with all there is: past epochs with skipped keys, a cached proposal, a pending commit. */
static void
rich(struct gu_party *p)
{
    struct gu_party *all[] = {&p[0], &p[1]};
    struct mls_commit_opts empty = {0};
    struct mls_propose_opts propose = {.kind = MLS_PROPOSE_PRIVATE,
                                       .private_use = {GU_WARRANT, dt_view_str("later")}};
    struct mls_commit_opts cached = {.commit_cached = true};
    struct mls_commit_out out = {0};
    struct dt_buf m;

    duo(p);
    for (size_t i = 0; i < 2; i++) {
        gu_protect(&p[1], "skipped", &m);
        dt_buf_clear(&m);
        gu_say(&p[1], "read", all, 2);
        gu_commit(&p[i], &empty, all, 2, NULL);
    }
    dt_buf_init(&m, MLS_MESSAGE_MAX);
    assert_ok(mls_group_propose(p[0].group, &propose, &m));
    dt_buf_clear(&m);
    assert_ok(mls_group_commit(p[0].group, &cached, &out));
    mls_commit_out_clear(&out);
}

static void
test_one_encoding(void **state)
{
    struct gu_party p[2];
    struct dt_buf saved;
    struct mls_group *g = NULL;

    (void)state;
    rich(p);
    gu_reload(&p[0]);
    gu_reload(&p[1]);
    snapshot(p[0].group, &saved);
    /* Every prefix is refused, and so is a byte more. */
    for (size_t n = 0; n < saved.n; n++)
        assert_int_not_equal(mls_group_load(dt_view(saved.p, n), &g), DT_OK);
    assert_ok(dt_buf_append(&saved, dt_view_str("x")));
    assert_err(DT_ERR_FORMAT, mls_group_load(dt_buf_view(&saved), &g));
    saved.n--;
    /* A bit flipped anywhere: refused, or another state that is itself well-formed and one
     * encoding. */
    for (size_t i = 0; i < saved.n; i++) {
        struct dt_buf again = DT_BUF_INIT(MLS_GROUP_STATE_MAX);

        saved.p[i] ^= 0x10;
        if (mls_group_load(dt_buf_view(&saved), &g) == DT_OK) {
            assert_ok(mls_group_save(g, &again));
            assert_views_equal(dt_buf_view(&again), dt_buf_view(&saved));
            mls_group_free(g);
            g = NULL;
        }
        dt_buf_wipe(&again);
        saved.p[i] ^= 0x10;
    }
    saved.p[1] ^= 3;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_load(dt_buf_view(&saved), &g));
    dt_buf_wipe(&saved);
    clear(p);
}

/* Killed after the commit was made and saved: the very same bytes are there to be sent again. */
static void
test_crash_with_pending(void **state)
{
    struct gu_party p[2];
    struct gu_party *all[] = {&p[0], &p[1]};
    struct mls_commit_opts empty = {0};
    struct mls_commit_out out = {0};
    struct dt_view commit;
    struct dt_view welcome;
    uint8_t authenticator[32];
    struct mls_event e = {0};

    (void)state;
    duo(p);
    assert_ok(mls_group_commit(p[0].group, &empty, &out));
    memcpy(authenticator, mls_group_epoch_authenticator(mls_group_pending_next(p[0].group)).p, 32);
    gu_reload(&p[0]);
    assert_true(mls_group_pending(p[0].group, &commit, &welcome));
    assert_views_equal(commit, dt_buf_view(&out.commit));
    assert_int_equal(welcome.n, 0);
    gu_follow(&p[1], commit);
    assert_ok(mls_group_process(p[0].group, no_psks, dt_buf_view(&out.commit), &e));
    assert_int_equal(e.kind, MLS_EVENT_OWN_COMMIT);
    mls_event_clear(&e);
    assert_ok(mls_group_take_pending(p[0].group, GU_NOW_MS));
    assert_views_equal(mls_group_epoch_authenticator(p[0].group), dt_view_of(authenticator));
    gu_agree(all, 2);
    gu_say(&p[0], "after the crash", all, 2);
    mls_commit_out_clear(&out);
    clear(p);
}

/* The generation counter survives: no key is used twice, whatever was saved in between. */
static void
test_generations_survive(void **state)
{
    struct gu_party p[2];
    struct dt_buf m;

    (void)state;
    duo(p);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(mls_group_generation(p[0].group), i);
        gu_protect(&p[0], "counted", &m);
        gu_reload(&p[0]);
        gu_hear(&p[1], dt_buf_view(&m), "counted");
        dt_buf_clear(&m);
    }
    clear(p);
}

/* What the library saved before version 2 loads, goes on, and is saved as version 2. */
static void
test_version_1(void **state)
{
    struct mls_group *g = NULL;
    struct dt_buf saved;
    struct dt_view commit;
    struct dt_view welcome;

    (void)state;
    assert_ok(mls_group_load(dt_view_of(saved_v1), &g));
    assert_int_equal(mls_group_epoch(g), 3);
    assert_int_equal(mls_group_n_past(g), 3);
    assert_int_equal(mls_group_n_cached(g), 1);
    assert_true(mls_group_pending(g, &commit, &welcome));
    snapshot(g, &saved);
    assert_int_equal(saved.p[1], 2);
    mls_group_free(g);
    g = NULL;
    assert_ok(mls_group_load(dt_buf_view(&saved), &g));
    assert_ok(mls_group_take_pending(g, GU_NOW_MS));
    assert_int_equal(mls_group_epoch(g), 4);
    mls_group_free(g);
    g = NULL;
    /* There was no version 0. */
    assert_ok(dt_buf_set(&saved, dt_view_of(saved_v1)));
    saved.p[1] = 0;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_load(dt_buf_view(&saved), &g));
    for (size_t n = 0; n < sizeof saved_v1; n++)
        assert_int_not_equal(mls_group_load(dt_view(saved_v1, n), &g), DT_OK);
    dt_buf_wipe(&saved);
}

/* ---- written by hand ---- */

/* The group of ${p} with neither proposals nor a Commit. */
static struct mls_group *
quiet(struct gu_party *p)
{
    mls_group_drop_pending(p->group);
    mls_group_cache_clear(p->group);
    return p->group;
}

/* All of ${g} up to its proposals; ${w} goes on behind them. */
static void
write_start(struct dt_writer *w, const struct mls_group *g)
{
    mls_state_head_write(w, g);
    mls_tree_write(w, &g->tree);
    mls_state_secrets_write(w, g);
    mls_secret_tree_write(w, &g->keys);
    mls_state_reinit_write(w, g);
}

/* What stands between them and the past epochs, when there is nothing. */
static void
write_no_more(struct dt_writer *w, const struct mls_group *g)
{
    mls_state_pending_write(w, NULL);
    mls_state_kept_write(w, g);
}

static void
written_refused(struct dt_writer *w, struct dt_buf *b)
{
    struct mls_group *g = NULL;

    assert_ok(dt_writer_end(w));
    assert_err(DT_ERR_FORMAT, mls_group_load(dt_buf_view(b), &g));
    assert_null(g);
    dt_buf_wipe(b);
}

/* There is one way to say that nothing was said. */
static void
test_nothing_said(void **state)
{
    static const uint8_t nothing[] = {0};
    struct dt_buf b = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct dt_writer w = dt_writer_init(&b);
    struct gu_party p[2];
    const struct mls_group *g;

    (void)state;
    rich(p);
    g = quiet(&p[0]);
    write_start(&w, g);
    dt_write_vec(&w, dt_view_of(nothing)); /* no notes and no proposals, where empty would do */
    write_no_more(&w, g);
    dt_write_u8(&w, 0);
    written_refused(&w, &b);
    clear(p);
}

/* There is one way to say that a leaf is as it was an epoch later. */
static void
test_past_leaf_written_twice(void **state)
{
    struct dt_buf b = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct dt_writer w = dt_writer_init(&b);
    struct mls_tree blank;
    struct gu_party p[2];
    const struct mls_group *g;

    (void)state;
    rich(p);
    g = quiet(&p[0]);
    assert_ok(mls_tree_init_blank(&blank, g->suite, 2));
    write_start(&w, g);
    mls_state_cache_write(&w, g);
    write_no_more(&w, g);
    dt_write_u8(&w, 1);
    mls_state_past_write(&w, &g->past[0], &blank);
    mls_secret_tree_write(&w, &g->past[0].keys);
    written_refused(&w, &b);
    mls_tree_clear(&blank);
    clear(p);
}

/* A past epoch that claims ${n} leaves, of which ${n_bytes} are there. */
static void
past_of(const struct mls_group *g, uint32_t n, size_t n_bytes)
{
    const struct mls_past_epoch *past = &g->past[0];
    struct dt_buf b = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct dt_writer w = dt_writer_init(&b);

    write_start(&w, g);
    mls_state_cache_write(&w, g);
    write_no_more(&w, g);
    dt_write_u8(&w, 1);
    dt_write_view(&w, dt_buf_view(&past->context.raw));
    dt_write_u64(&w, past->ended_ms);
    dt_write_vec(&w, dt_secret_view(&past->sender_data));
    dt_write_u32(&w, n);
    for (size_t i = 0; i < n_bytes; i++)
        dt_write_u8(&w, MLS_SAVED_LEAF_BLANK);
    written_refused(&w, &b);
}

static bool
count(void *ctx)
{
    ++*(size_t *)ctx;
    return false;
}

/* More leaves than there may be; and as many as there may be, but of which nothing is there: no
 * memory is taken for them. */
static void
test_past_leaves(void **state)
{
    size_t allocated = 0;
    struct gu_party p[2];
    const struct mls_group *g;

    (void)state;
    rich(p);
    g = quiet(&p[0]);
    past_of(g, 2 * MLS_LEAVES_MAX, 2 * MLS_LEAVES_MAX);
    dt_mem_fault(count, &allocated);
    past_of(g, MLS_LEAVES_MAX, 1);
    dt_mem_fault(NULL, NULL);
    assert_in_range(allocated, 1, 500);
    clear(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_encoding),        cmocka_unit_test(test_crash_with_pending),
        cmocka_unit_test(test_generations_survive), cmocka_unit_test(test_version_1),
        cmocka_unit_test(test_nothing_said),        cmocka_unit_test(test_past_leaf_written_twice),
        cmocka_unit_test(test_past_leaves),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
