/*
 * tests/mls/test_group_update.c - Update proposals on their own, and which proposals a Commit by
 * reference names.
 *
 * Source: RFC 9420 sections 12.1.2, 12.2, 12.4.
 */
#include <string.h>

#include "mls/group_internal.h"

#include "group_util.h"

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

/* ${message} reaches everyone but ${from} as a proposal. */
static void
spread(struct trio *t, size_t from, struct dt_view message)
{
    const struct mls_psk_list none = {NULL, 0};

    for (size_t i = 0; i < 3; i++) {
        struct mls_event e = {0};

        if (i == from)
            continue;
        assert_ok(mls_group_process(t->p[i].group, none, message, &e));
        assert_int_equal(e.kind, MLS_EVENT_PROPOSAL);
        assert_int_equal(e.sender.leaf, from);
        mls_event_clear(&e);
    }
}

static void
propose(struct trio *t, size_t from, const struct mls_propose_opts *opts)
{
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);

    assert_ok(mls_group_propose(t->p[from].group, opts, &m));
    spread(t, from, dt_buf_view(&m));
    dt_buf_clear(&m);
}

static struct dt_view
key_of(const struct mls_group *g, uint32_t leaf)
{
    struct mls_member m;

    assert_true(mls_group_member(g, leaf, &m));
    return m.encryption_key;
}

/* Bob's Update with a new signature key and name, saved before it is committed: it takes effect
 * with the Commit and not before. */
static void
test_update_rotates(void **state)
{
    struct mls_commit_opts cached = {.commit_cached = true};
    struct mls_commit_opts empty = {0};
    struct mls_propose_opts update = {.kind = MLS_PROPOSE_UPDATE};
    struct dt_secret seed = {0};
    uint8_t pub[DT_ED25519_PUB];
    uint8_t before[DT_HASH_MAX];
    struct mls_member m;
    struct trio t;

    (void)state;
    trio_init(&t);
    assert_ok(dt_ed25519_new(&seed, pub));
    update.rotation.new_signature_priv = dt_secret_view(&seed);
    update.rotation.new_signature_pub = dt_view_of(pub);
    update.rotation.new_identity = dt_view_str("bob anew");
    memcpy(before, key_of(t.p[0].group, 1).p, 32);
    propose(&t, 1, &update);
    gu_reload(&t.p[1]);
    /* Until then the old key signs: a second proposal is understood by all. */
    update.rotation = (struct mls_rotation){0};
    update.kind = MLS_PROPOSE_PRIVATE;
    update.private_use = (struct mls_typed){GU_WARRANT, dt_view_str("signed with the old key")};
    propose(&t, 1, &update);
    assert_true(mls_group_member(t.p[2].group, 1, &m));
    assert_views_equal(m.identity, dt_view_str("bob"));
    gu_commit(&t.p[2], &cached, t.all, 3, NULL);
    gu_agree(t.all, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(mls_group_member(t.p[i].group, 1, &m));
        assert_views_equal(m.identity, dt_view_str("bob anew"));
        assert_views_equal(m.signature_key, dt_view_of(pub));
        assert_memory_not_equal(m.encryption_key.p, before, 32);
        assert_int_equal(mls_group_n_cached(t.p[i].group), 0);
    }
    gu_reload(&t.p[1]);
    gu_say(&t.p[1], "signed with the new key", t.all, 3);
    /* And its new leaf key opens a path: cyd's and ada's are blank up to it. */
    gu_commit(&t.p[0], &empty, t.all, 3, NULL);
    gu_commit(&t.p[1], &empty, t.all, 3, NULL);
    gu_agree(t.all, 3);
    dt_secret_clear(&seed);
    trio_clear(&t);
}

/* Updates of two, one of them twice: the latest counts, and the effects say so. */
static void
test_section_12_2_several(void **state)
{
    struct mls_commit_opts cached = {.commit_cached = true};
    struct mls_propose_opts update = {.kind = MLS_PROPOSE_UPDATE};
    struct mls_commit_out out = {0};
    const struct mls_effects *e;
    struct dt_view latest;
    struct trio t;

    (void)state;
    trio_init(&t);
    propose(&t, 1, &update);
    propose(&t, 0, &update);
    propose(&t, 1, &update);
    assert_int_equal(mls_group_n_cached(t.p[2].group), 3);
    latest = t.p[2].group->cache[2].proposal->update->encryption_key;
    assert_ok(mls_group_commit(t.p[2].group, &cached, &out));
    e = mls_group_pending_effects(t.p[2].group);
    assert_int_equal(e->n_updated, 3);
    assert_true(e->by_reference);
    assert_int_equal(e->updated[0].after.leaf, 2);
    assert_int_equal(e->updated[1].after.leaf, 0);
    assert_int_equal(e->updated[2].after.leaf, 1);
    assert_views_equal(e->updated[2].after.encryption_key, latest);
    gu_follow(&t.p[0], dt_buf_view(&out.commit));
    gu_follow(&t.p[1], dt_buf_view(&out.commit));
    assert_ok(mls_group_take_pending(t.p[2].group, GU_NOW_MS));
    gu_agree(t.all, 3);
    for (size_t i = 0; i < 3; i++)
        gu_say(&t.p[i], "still heard", t.all, 3);
    mls_commit_out_clear(&out);
    trio_clear(&t);
}

/* RFC 9420 section 12.1.4: a PSK that another member proposed is taken up by who holds it, and left
 * out by who does not, whose Commit goes through all the same. */
static void
test_psk_by_reference(void **state)
{
    struct mls_propose_opts psk = {.kind = MLS_PROPOSE_PSK, .psk = {.id = dt_view_str("k")}};
    struct mls_psk held = {.id = dt_view_str("k"), .value = dt_view_str("the courier's value")};
    struct mls_psk other = {.id = dt_view_str("l"), .value = dt_view_str("another's value")};
    struct mls_commit_opts cached = {.commit_cached = true, .held_psks = {&other, 1}};
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    struct trio t;

    (void)state;
    trio_init(&t);
    propose(&t, 1, &psk);
    assert_ok(mls_group_commit(t.p[0].group, &cached, &out));
    assert_int_equal(mls_group_pending_effects(t.p[0].group)->n_psk_ids, 0);
    mls_group_drop_pending(t.p[0].group);
    mls_commit_out_clear(&out);

    cached.held_psks.v = &held;
    assert_ok(mls_group_commit(t.p[0].group, &cached, &out));
    assert_int_equal(mls_group_pending_effects(t.p[0].group)->n_psk_ids, 1);
    assert_true(mls_group_pending_effects(t.p[0].group)->by_reference);
    assert_refused(DT_ERR_NOT_FOUND, t.p[1].group, ((struct mls_psk_list){&other, 1}), &out.commit,
                   0);
    for (size_t i = 1; i < 3; i++) {
        assert_ok(mls_group_process(t.p[i].group, (struct mls_psk_list){&held, 1},
                                    dt_buf_view(&out.commit), &e));
        assert_int_equal(e.kind, MLS_EVENT_COMMIT);
        assert_ok(mls_group_take(t.p[i].group, e.staged, GU_NOW_MS));
        e.staged = NULL;
        mls_event_clear(&e);
    }
    assert_ok(mls_group_take_pending(t.p[0].group, GU_NOW_MS));
    gu_agree(t.all, 3);
    mls_commit_out_clear(&out);
    trio_clear(&t);
}

/* Who commits names no Update of its own, and has a path instead; a Remove goes before an Update,
 * by value as well. */
static void
test_section_12_2_what_is_left_out(void **state)
{
    struct mls_commit_opts cached = {.commit_cached = true};
    struct mls_propose_opts update = {.kind = MLS_PROPOSE_UPDATE};
    struct mls_propose_opts removal = {.kind = MLS_PROPOSE_REMOVE, .remove = 2};
    struct mls_propose_opts psk = {.kind = MLS_PROPOSE_PSK,
                                   .psk = {.id = dt_view_str("k"), .value = dt_view_str("v")}};
    struct mls_psk_list psks = {&psk.psk, 1};
    struct mls_commit_out out = {0};
    const struct mls_effects *e;
    const uint32_t two = 2;
    struct trio t;

    (void)state;
    trio_init(&t);
    propose(&t, 1, &update);
    propose(&t, 1, &psk);
    cached.held_psks = psks;
    assert_ok(mls_group_commit(t.p[1].group, &cached, &out));
    e = mls_group_pending_effects(t.p[1].group);
    assert_true(e->path);
    assert_int_equal(e->n_updated, 1);
    assert_int_equal(e->n_psk_ids, 1);
    mls_group_drop_pending(t.p[1].group);

    propose(&t, 2, &update);
    propose(&t, 0, &removal);
    propose(&t, 1, &removal);
    assert_int_equal(mls_group_n_cached(t.p[0].group), 5);
    assert_ok(mls_group_commit(t.p[0].group, &cached, &out));
    e = mls_group_pending_effects(t.p[0].group);
    assert_int_equal(e->n_removed, 1);
    assert_int_equal(e->removed[0].leaf, 2);
    assert_int_equal(e->n_updated, 2);
    mls_group_drop_pending(t.p[0].group);
    cached.removes = &two;
    cached.n_removes = 1;
    assert_ok(mls_group_commit(t.p[0].group, &cached, &out));
    assert_int_equal(mls_group_pending_effects(t.p[0].group)->n_removed, 1);
    mls_commit_out_clear(&out);
    trio_clear(&t);
}

/* The keys of an Update that no Commit named are gone with the epoch, in memory that is saved. */
static void
test_dropped_with_the_epoch(void **state)
{
    struct mls_commit_opts empty = {0};
    struct mls_propose_opts update = {.kind = MLS_PROPOSE_UPDATE};
    struct dt_buf saved = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    uint8_t priv[32];
    struct trio t;

    (void)state;
    trio_init(&t);
    propose(&t, 1, &update);
    memcpy(priv, t.p[1].group->cache[0].keys->leaf_priv.p, sizeof priv);
    assert_ok(mls_group_save(t.p[1].group, &saved));
    assert_non_null(memmem(saved.p, saved.n, priv, sizeof priv));
    gu_commit(&t.p[0], &empty, t.all, 3, NULL);
    saved.n = 0;
    assert_ok(mls_group_save(t.p[1].group, &saved));
    assert_null(memmem(saved.p, saved.n, priv, sizeof priv));
    gu_agree(t.all, 3);
    dt_buf_wipe(&saved);
    trio_clear(&t);
}

/* A state that has the proposal and not its keys cannot follow, and says so. */
static void
test_keys_not_held(void **state)
{
    const struct mls_psk_list none = {NULL, 0};
    struct mls_commit_opts cached = {.commit_cached = true};
    struct mls_propose_opts update = {.kind = MLS_PROPOSE_UPDATE};
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    struct trio t;

    (void)state;
    trio_init(&t);
    propose(&t, 1, &update);
    mls_update_keys_free(t.p[1].group->cache[0].keys);
    t.p[1].group->cache[0].keys = NULL;
    assert_ok(mls_group_commit(t.p[0].group, &cached, &out));
    assert_ok(mls_group_process(t.p[1].group, none, dt_buf_view(&out.commit), &e));
    assert_int_equal(e.kind, MLS_EVENT_COMMIT_LOST);
    mls_event_clear(&e);
    mls_commit_out_clear(&out);
    trio_clear(&t);
}

/* What may not be proposed at all. */
static void
test_update_refused(void **state)
{
    static const uint8_t half[32] = {1};
    static const uint8_t long_data[MLS_AUTHENTICATED_DATA_MAX + 1];
    struct mls_propose_opts update = {.kind = MLS_PROPOSE_UPDATE};
    struct mls_propose_opts extensions = {.kind = MLS_PROPOSE_EXTENSIONS};
    struct mls_propose_opts nobody = {.kind = MLS_PROPOSE_REMOVE, .remove = 3};
    struct mls_typed unknown = {0xf123, dt_view_str("x")};
    struct mls_typed twice[] = {{GU_EXT, dt_view_str("x")}, {GU_EXT, dt_view_str("y")}};
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct trio t;

    (void)state;
    trio_init(&t);
    update.rotation.new_signature_priv = dt_view_of(half);
    assert_err(DT_ERR_RANGE, mls_group_propose(t.p[1].group, &update, &m));
    update.rotation.new_signature_pub = dt_view_of(t.p[1].pub);
    update.rotation.new_signature_priv.n--;
    assert_err(DT_ERR_RANGE, mls_group_propose(t.p[1].group, &update, &m));
    update.rotation.new_signature_priv.n++;
    /* Both halves, not of one key. */
    assert_err(DT_ERR_AUTH, mls_group_propose(t.p[1].group, &update, &m));
    /* The key of another member. */
    update.rotation.new_signature_priv = dt_secret_view(&t.p[2].seed);
    update.rotation.new_signature_pub = dt_view_of(t.p[2].pub);
    assert_err(DT_ERR_REFUSED, mls_group_propose(t.p[1].group, &update, &m));
    update.rotation = (struct mls_rotation){0};
    update.authenticated_data = dt_view(long_data, sizeof long_data);
    for (int as_public = 0; as_public < 2; as_public++) {
        update.as_public = as_public == 1;
        assert_err(DT_ERR_LIMIT, mls_group_propose(t.p[1].group, &update, &m));
    }
    assert_err(DT_ERR_RANGE, mls_group_propose(t.p[1].group, &nobody, &m));
    extensions.extensions = (struct mls_typed_list){&unknown, 1};
    assert_err(DT_ERR_UNSUPPORTED, mls_group_propose(t.p[1].group, &extensions, &m));
    extensions.extensions = (struct mls_typed_list){twice, 2};
    assert_err(DT_ERR_FORMAT, mls_group_propose(t.p[1].group, &extensions, &m));
    assert_int_equal(m.n, 0);
    assert_int_equal(mls_group_n_cached(t.p[1].group), 0);
    assert_int_equal(mls_group_handshake_generation(t.p[1].group), 0);
    trio_clear(&t);
}

/* GroupContextExtensions by reference: the latest of two, and none beside those by value. */
static void
test_section_12_2_extensions(void **state)
{
    struct mls_commit_opts cached = {.commit_cached = true};
    struct mls_typed first = {GU_EXT, dt_view_str("first")};
    struct mls_typed second = {GU_EXT, dt_view_str("second")};
    struct mls_typed third = {GU_EXT, dt_view_str("third")};
    struct mls_propose_opts o = {.kind = MLS_PROPOSE_EXTENSIONS};
    struct dt_view got;
    struct trio t;

    (void)state;
    trio_init(&t);
    for (int by_value = 0; by_value < 2; by_value++) {
        o.extensions = (struct mls_typed_list){&first, 1};
        propose(&t, 1, &o);
        o.extensions = (struct mls_typed_list){&second, 1};
        propose(&t, 0, &o);
        if (by_value == 1) {
            cached.set_extensions = true;
            cached.extensions = (struct mls_typed_list){&third, 1};
        }
        gu_commit(&t.p[2], &cached, t.all, 3, NULL);
        assert_true(mls_group_extension(t.p[1].group, GU_EXT, &got));
        assert_views_equal(got, by_value == 1 ? third.body : second.body);
        gu_agree(t.all, 3);
    }
    trio_clear(&t);
}

/* A standalone proposal that its sender made and never checked. */
static void
seal_proposal(struct trio *t, size_t from, const struct mls_proposal *p, struct dt_buf *m)
{
    struct mls_group *g = t->p[from].group;
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PRIVATE_MESSAGE,
                                   .group_id = g->context.group_id,
                                   .epoch = g->context.epoch,
                                   .sender = g->own_leaf,
                                   .content_type = MLS_CONTENT_PROPOSAL,
                                   .proposal = p};
    struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_tree_step step = {0};
    size_t end;

    dt_buf_init(m, MLS_MESSAGE_MAX);
    assert_ok(mls_content_sign(g->suite, &f, dt_buf_view(&g->context.raw),
                               dt_secret_view(&g->signature_priv), &content, &end));
    assert_ok(mls_secret_tree_derive(&g->keys, g->own_leaf, MLS_RATCHET_HANDSHAKE,
                                     mls_group_handshake_generation(g), &step));
    assert_ok(mls_private_message_seal(g->suite, dt_buf_view(&content),
                                       dt_secret_view(&g->secrets.sender_data), &step, 0, m));
    mls_secret_tree_apply(&g->keys, &step);
    mls_tree_step_clear(&step);
    dt_buf_clear(&content);
}

static void
send_proposal(struct trio *t, size_t from, const struct mls_proposal *p)
{
    struct dt_buf m;

    seal_proposal(t, from, p, &m);
    spread(t, from, dt_buf_view(&m));
    dt_buf_clear(&m);
}

/* RFC 9420 section 12.1.6: an ExternalInit is for external Commits; by itself it is refused when it
 * comes, and waits in no cache. */
static void
test_external_init_by_itself(void **state)
{
    static const uint8_t kem[32] = {9};
    const struct mls_psk_list none = {NULL, 0};
    struct mls_proposal *p = NULL;
    struct trio t;
    struct dt_buf m;

    (void)state;
    trio_init(&t);
    assert_ok(mls_proposal_new_external_init(dt_view_of(kem), &p));
    seal_proposal(&t, 1, p, &m);
    assert_refused(DT_ERR_REFUSED, t.p[0].group, none, &m, 1);
    assert_int_equal(mls_group_n_cached(t.p[0].group), 0);
    dt_buf_clear(&m);
    mls_proposal_unref(p);
    trio_clear(&t);
}

enum spoiled { SIGNATURE, SOURCE, OLD_KEY, OTHERS_KEY, CAPABILITIES, SPOILED_END };

/* An Update of leaf 1 that breaks one rule of RFC 9420 section 7.3. */
static struct mls_proposal *
spoiled_update(struct mls_group *g, enum spoiled how)
{
    static const uint8_t versions[] = {0, 9};
    struct mls_leaf_fields fields = {0};
    struct mls_leaf_node *leaf = NULL;
    struct mls_proposal *p = NULL;
    uint8_t key[32] = {9, 1};

    mls_leaf_fields_from(&fields, mls_tree_leaf(&g->tree, 1));
    fields.source = how == SOURCE ? MLS_LEAF_KEY_PACKAGE : MLS_LEAF_UPDATE;
    if (how == OTHERS_KEY)
        fields.encryption_key = mls_tree_leaf(&g->tree, 0)->encryption_key;
    else if (how != OLD_KEY)
        fields.encryption_key = dt_view_of(key);
    if (how == CAPABILITIES)
        fields.capabilities.versions = dt_view_of(versions);
    /* Signed for another place in the group. */
    assert_ok(mls_leaf_node_new(g->suite, &fields, dt_secret_view(&g->signature_priv),
                                g->context.group_id, how == SIGNATURE ? 0 : 1, &leaf));
    assert_ok(mls_proposal_new_update(leaf, &p));
    mls_leaf_node_unref(leaf);
    return p;
}

/* Each is refused in a Commit that names it, and no honest committer names it: one member's bad
 * proposal stops nobody. */
static void
test_section_7_3_bad_updates(void **state)
{
    const struct mls_psk_list none = {NULL, 0};
    struct mls_commit_opts cached = {.commit_cached = true};
    struct mls_propose_opts update = {.kind = MLS_PROPOSE_UPDATE};
    const enum dt_err want[] = {[SIGNATURE] = DT_ERR_AUTH,
                                [SOURCE] = DT_ERR_REFUSED,
                                [OLD_KEY] = DT_ERR_REFUSED,
                                [OTHERS_KEY] = DT_ERR_REFUSED,
                                [CAPABILITIES] = DT_ERR_UNSUPPORTED};

    (void)state;
    for (enum spoiled how = SIGNATURE; how < SPOILED_END; how++) {
        struct mls_commit_out out = {0};
        struct mls_proposal *p;
        struct trio t;

        trio_init(&t);
        p = spoiled_update(t.p[1].group, how);
        send_proposal(&t, 1, p);
        mls_proposal_unref(p);
        propose(&t, 0, &update);
        assert_ok(mls_group_commit(t.p[2].group, &cached, &out));
        assert_int_equal(mls_group_pending_effects(t.p[2].group)->n_updated, 2);
        gu_follow(&t.p[0], dt_buf_view(&out.commit));
        mls_commit_out_clear(&out);
        trio_clear(&t);
    }
    for (enum spoiled how = SIGNATURE; how < SPOILED_END; how++) {
        struct mls_commit_out out = {0};
        struct mls_group *g;
        struct mls_proposal *p;
        struct mls_proposal *good;
        struct trio t;

        /* Cyd's own library has a good Update in the place of the bad one, under its reference. */
        trio_init(&t);
        p = spoiled_update(t.p[1].group, how);
        send_proposal(&t, 1, p);
        mls_proposal_unref(p);
        propose(&t, 1, &update);
        g = t.p[2].group;
        good = g->cache[1].proposal;
        mls_proposal_unref(g->cache[0].proposal);
        g->cache[0].proposal = good;
        g->n_cache = 1;
        assert_ok(mls_group_commit(g, &cached, &out));
        assert_refused(want[how], t.p[0].group, none, &out.commit, 2);
        mls_commit_out_clear(&out);
        trio_clear(&t);
    }
}

/* Keys that are not those of the Update do not load. */
static void
test_saved_keys(void **state)
{
    struct mls_propose_opts update = {.kind = MLS_PROPOSE_UPDATE};
    struct dt_buf saved = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct mls_group *g = NULL;
    struct mls_update_keys *k;
    struct dt_secret seed = {0};
    uint8_t pub[DT_ED25519_PUB];
    struct trio t;

    (void)state;
    trio_init(&t);
    assert_ok(dt_ed25519_new(&seed, pub));
    propose(&t, 1, &update);
    propose(&t, 1, &update);
    gu_reload(&t.p[1]);
    k = t.p[1].group->cache[0].keys;
    t.p[1].group->cache[0].keys = t.p[1].group->cache[1].keys;
    t.p[1].group->cache[1].keys = k;
    assert_ok(mls_group_save(t.p[1].group, &saved));
    assert_err(DT_ERR_FORMAT, mls_group_load(dt_buf_view(&saved), &g));
    k = t.p[1].group->cache[0].keys;
    t.p[1].group->cache[0].keys = t.p[1].group->cache[1].keys;
    t.p[1].group->cache[1].keys = k;
    assert_ok(dt_secret_set(&k->signature_priv, dt_secret_view(&seed)));
    saved.n = 0;
    assert_ok(mls_group_save(t.p[1].group, &saved));
    assert_err(DT_ERR_FORMAT, mls_group_load(dt_buf_view(&saved), &g));
    /* And no other proposal has keys. */
    assert_ok(dt_secret_set(&k->signature_priv, dt_secret_view(&t.p[1].seed)));
    t.p[1].group->cache[1].by.index = 0;
    saved.n = 0;
    assert_ok(mls_group_save(t.p[1].group, &saved));
    assert_err(DT_ERR_FORMAT, mls_group_load(dt_buf_view(&saved), &g));
    dt_secret_clear(&seed);
    dt_buf_wipe(&saved);
    trio_clear(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update_rotates),
        cmocka_unit_test(test_section_12_2_several),
        cmocka_unit_test(test_psk_by_reference),
        cmocka_unit_test(test_section_12_2_what_is_left_out),
        cmocka_unit_test(test_dropped_with_the_epoch),
        cmocka_unit_test(test_keys_not_held),
        cmocka_unit_test(test_update_refused),
        cmocka_unit_test(test_section_12_2_extensions),
        cmocka_unit_test(test_external_init_by_itself),
        cmocka_unit_test(test_section_7_3_bad_updates),
        cmocka_unit_test(test_saved_keys),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
