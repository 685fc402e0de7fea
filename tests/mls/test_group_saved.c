/*
 * tests/mls/test_group_saved.c - saved groups whose parts do not belong together: none loads.
 */
#include <string.h>

#include "base/mem.h"
#include "mls/group_internal.h"

#include "group_util.h"

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

/* Ada with bob, past epochs, a cached proposal and a pending Commit. */
struct saved {
    struct gu_party p[2];
    struct mls_group *g; /* ada's */
};

static void
saved_init(struct saved *s)
{
    struct gu_party *all[] = {&s->p[0], &s->p[1]};
    struct mls_commit_opts empty = {0};
    struct mls_commit_opts cached = {.commit_cached = true};
    struct mls_propose_opts propose = {.kind = MLS_PROPOSE_PRIVATE,
                                       .private_use = {GU_WARRANT, dt_view_str("later")}};
    struct mls_commit_out out = {0};
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);

    memset(s, 0, sizeof *s);
    gu_party_init(&s->p[0], 1, "ada");
    gu_party_init(&s->p[1], 1, "bob");
    gu_create(&s->p[0]);
    gu_add(&s->p[0], &s->p[1], all, 1);
    gu_commit(&s->p[0], &empty, all, 2, NULL);
    gu_commit(&s->p[1], &empty, all, 2, NULL);
    s->g = s->p[0].group;
    assert_ok(mls_group_propose(s->g, &propose, &m));
    dt_buf_clear(&m);
    assert_ok(mls_group_commit(s->g, &cached, &out));
    mls_commit_out_clear(&out);
    gu_reload(&s->p[0]);
    s->g = s->p[0].group;
}

static void
saved_clear(struct saved *s)
{
    gu_party_clear(&s->p[0]);
    gu_party_clear(&s->p[1]);
}

/* What ${s} is now does not load. */
static void
refused(struct saved *s)
{
    struct dt_buf b = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct mls_group *g = NULL;

    assert_ok(mls_group_save(s->g, &b));
    assert_err(DT_ERR_FORMAT, mls_group_load(dt_buf_view(&b), &g));
    dt_buf_wipe(&b);
}

/* It does. */
static void
accepted(struct saved *s)
{
    struct dt_buf b = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct mls_group *g = NULL;

    assert_ok(mls_group_save(s->g, &b));
    assert_ok(mls_group_load(dt_buf_view(&b), &g));
    mls_group_free(g);
    dt_buf_wipe(&b);
}

/* Replace ${c} by a context that differs in what is given. */
static void
context_with(struct mls_group_context *c, uint16_t suite, uint64_t epoch, size_t tree_hash_len,
             size_t transcript_len)
{
    struct mls_group_context other = {0};

    assert_ok(mls_group_context_new(
        suite, c->group_id, epoch, dt_view(c->tree_hash.p, tree_hash_len),
        dt_view(c->confirmed_transcript_hash.p, transcript_len), c->extensions.raw, &other));
    mls_group_context_clear(c);
    mls_group_context_move(c, &other);
}

#define EACH(change)                                                                               \
    do {                                                                                           \
        struct saved s;                                                                            \
        saved_init(&s);                                                                            \
        change;                                                                                    \
        refused(&s);                                                                               \
        saved_clear(&s);                                                                           \
    } while (0)

/* Leaf 0 as it was an epoch ago, at leaf 1. */
static void
put_old_leaf(struct saved *s)
{
    struct mls_leaf_node *leaf = mls_tree_leaf_ref(&s->p[1].group->past[0].tree, 0);

    assert_non_null(leaf);
    assert_ok(mls_tree_set_leaf(&s->g->tree, 1, leaf));
    mls_leaf_node_unref(leaf);
}

/* The tree hash of ${g}'s context is that of its tree as it now is. */
static void
hash_fits(struct mls_group *g)
{
    struct mls_group_context other = {0};
    struct mls_group_context *c = &g->context;
    uint8_t hash[DT_HASH_MAX];

    assert_ok(mls_tree_hash(&g->tree, hash));
    assert_ok(mls_group_context_new(g->suite->id, c->group_id, c->epoch,
                                    dt_view(hash, g->suite->hash_len), c->confirmed_transcript_hash,
                                    c->extensions.raw, &other));
    mls_group_context_clear(c);
    mls_group_context_move(c, &other);
}

/* Nothing but the epoch: neither proposals nor a Commit, which would be held against it. */
static void
quiet(struct saved *s)
{
    mls_group_drop_pending(s->g);
    mls_group_cache_clear(s->g);
}

static void
without_own_leaf(struct saved *s)
{
    quiet(s);
    assert_ok(mls_tree_set_leaf(&s->g->tree, 0, NULL));
    hash_fits(s->g);
}

/* Leaf 1 has our keys too, and is said to be ours; the private keys are still leaf 0's. */
static void
own_leaf_twice(struct saved *s)
{
    struct mls_leaf_node *own = mls_tree_leaf_ref(&s->g->tree, 0);

    quiet(s);
    assert_ok(mls_tree_set_leaf(&s->g->tree, 1, own));
    hash_fits(s->g);
    s->g->own_leaf = 1;
    mls_leaf_node_unref(own);
}

static void
test_epoch(void **state)
{
    static const uint8_t bytes[32] = {7};

    (void)state;
    EACH(assert_ok(dt_secret_set(&s.g->secrets.init, dt_view(bytes, 31))));
    EACH(assert_ok(dt_secret_set(&s.g->signature_priv, dt_view(bytes, 31))));
    EACH(context_with(&s.g->context, 3, s.g->context.epoch, 32, 32));
    EACH(context_with(&s.g->context, 1, s.g->context.epoch, 31, 32));
    EACH(context_with(&s.g->context, 1, s.g->context.epoch, 32, 31));
    EACH(context_with(&s.g->context, 1, s.g->context.epoch, 32, 0));
    EACH(context_with(&s.g->context, 1, 0, 32, 31));
    EACH(quiet(&s); s.g->interim.n = 31);
    EACH(s.g->policy.outside = MLS_OUTSIDE_ALL + 1);
    /* The tree, and who we are in it. */
    EACH(put_old_leaf(&s));
    EACH(s.g->own_leaf = 1);
    EACH(s.g->priv.leaf_index = 1);
    EACH(s.g->own_leaf = s.g->priv.leaf_index = 1);
    EACH(without_own_leaf(&s));
    EACH(own_leaf_twice(&s));
    EACH(assert_ok(dt_secret_set(&s.g->priv.leaf_priv, dt_view_of(bytes))));
    EACH(assert_ok(dt_secret_set(&s.g->signature_priv, dt_secret_view(&s.p[1].seed))));
}

static void
test_no_leaves(void **state)
{
    struct dt_buf b = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct mls_group *g = NULL;
    struct saved s;

    (void)state;
    saved_init(&s);
    mls_group_drop_pending(s.g);
    mls_tree_clear(&s.g->tree);
    mls_tree_init(&s.g->tree, s.g->suite);
    assert_ok(mls_group_save(s.g, &b));
    assert_err(DT_ERR_FORMAT, mls_group_load(dt_buf_view(&b), &g));
    dt_buf_wipe(&b);
    saved_clear(&s);
}

/* The keys of an Update beside the cached proposal, which is none. */
static void
keys_without_update(struct saved *s)
{
    static const uint8_t key[32] = {7};
    struct mls_update_keys *k = dt_alloc(1, sizeof *k);

    assert_non_null(k);
    assert_int_equal(s->g->cache[0].by.index, s->g->own_leaf);
    assert_ok(dt_secret_set(&k->leaf_priv, dt_view_of(key)));
    assert_ok(dt_secret_set(&k->signature_priv, dt_view_of(key)));
    s->g->cache[0].keys = k;
}

/* A proposal of another kind than the one it stands for; a cached one twice. */
static void
test_proposals(void **state)
{
    const struct mls_sender by = {.type = MLS_SENDER_MEMBER, .index = 1};
    struct mls_proposal *p = NULL;

    (void)state;
    assert_ok(mls_proposal_new_remove(1, &p));
    EACH(s.g->reinit = mls_proposal_ref(p));
    EACH(assert_ok(
             mls_group_cache_add(s.g, (const uint8_t *)"another reference of 32 bytes...", by, p));
         memcpy(s.g->cache[1].ref, s.g->cache[0].ref, 32));
    EACH(s.g->cache[0].by.type = 0);
    EACH(s.g->cache[0].by.type = MLS_SENDER_NEW_MEMBER_COMMIT);
    EACH(keys_without_update(&s));
    /* A part of a note of what was sent in the open. */
    EACH(assert_ok(dt_buf_append(&s.g->own_public, dt_view((const uint8_t *)"0123456", 7))));
    mls_proposal_unref(p);
}

/* An AuthenticatedContent of ${type} by ${sender} in ${epoch}, in the place of the Commit; and the
 * epoch that it leads to has the transcript hash which it gives. */
static void
content_with(struct mls_group *g, enum mls_content_type type, struct mls_sender sender,
             uint64_t epoch)
{
    struct mls_auth_content c = {0};
    struct dt_buf copy = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_writer w = dt_writer_init(&content);
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PRIVATE_MESSAGE,
                                   .group_id = g->context.group_id,
                                   .epoch = epoch,
                                   .sender_type = sender.type,
                                   .sender = sender.index,
                                   .content_type = type,
                                   .application_data = dt_view_str("x"),
                                   .commit = &c.commit};
    struct mls_group_context *to = &g->pending->next->context;
    struct mls_group_context other = {0};
    uint8_t confirmed[DT_HASH_MAX];
    size_t end;

    assert_ok(dt_buf_set(&copy, dt_buf_view(&g->pending->content)));
    assert_ok(mls_auth_content_parse(&copy, &c, NULL));
    assert_ok(mls_content_sign(g->suite, &f, dt_buf_view(&g->context.raw),
                               dt_secret_view(&g->signature_priv), &content, &end));
    assert_ok(mls_confirmed_transcript_hash(g->suite, dt_buf_view(&g->interim),
                                            dt_buf_view(&content), confirmed));
    assert_ok(mls_group_context_new(1, to->group_id, to->epoch, to->tree_hash,
                                    dt_view(confirmed, g->suite->hash_len), to->extensions.raw,
                                    &other));
    mls_group_context_clear(to);
    mls_group_context_move(to, &other);
    if (type == MLS_CONTENT_COMMIT)
        dt_write_vec(&w, c.confirmation_tag);
    assert_ok(dt_writer_end(&w));
    dt_buf_move(&g->pending->content, &content);
    mls_auth_content_clear(&c);
}

/* The next epoch is one of another group. */
static void
next_of_another_group(struct mls_group *g)
{
    struct mls_group_context *c = &g->pending->next->context;
    struct mls_group_context other = {0};

    assert_ok(mls_group_context_new(1, dt_view_str("another"), c->epoch, c->tree_hash,
                                    c->confirmed_transcript_hash, c->extensions.raw, &other));
    mls_group_context_clear(c);
    mls_group_context_move(c, &other);
}

/* The next epoch is the very one, as bob holds it. */
static void
next_of_another_member(struct saved *s)
{
    const struct mls_psk_list none = {NULL, 0};
    struct mls_commit_opts empty = {0};
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    struct mls_group *next;

    quiet(s);
    assert_ok(mls_group_commit(s->g, &empty, &out));
    assert_ok(mls_group_process(s->p[1].group, none, dt_buf_view(&out.commit), &e));
    assert_int_equal(e.kind, MLS_EVENT_COMMIT);
    next = s->g->pending->next;
    s->g->pending->next = e.staged->next;
    e.staged->next = next;
    mls_event_clear(&e);
    mls_commit_out_clear(&out);
}

static void
test_pending(void **state)
{
    const struct mls_sender ada = {.type = MLS_SENDER_MEMBER};
    const struct mls_sender bob = {.type = MLS_SENDER_MEMBER, .index = 1};
    const struct mls_sender joiner = {.type = MLS_SENDER_NEW_MEMBER_COMMIT};
    struct mls_proposal *p = NULL;
    const struct mls_extensions none = {0};
    struct saved same;

    (void)state;
    assert_ok(mls_proposal_new_reinit(dt_view_str("g"), 1, 1, &none, &p));
    EACH(content_with(s.g, MLS_CONTENT_APPLICATION, ada, s.g->context.epoch));
    EACH(content_with(s.g, MLS_CONTENT_COMMIT, bob, s.g->context.epoch));
    EACH(content_with(s.g, MLS_CONTENT_COMMIT, joiner, s.g->context.epoch));
    EACH(content_with(s.g, MLS_CONTENT_COMMIT, ada, s.g->context.epoch + 1));
    EACH(context_with(&s.g->pending->next->context, 1, s.g->context.epoch + 2, 32, 32));
    EACH(next_of_another_group(s.g));
    EACH(next_of_another_member(&s));
    /* A Commit as good as the one, and not the one: the signature is another's. */
    EACH(s.g->pending->content.p[s.g->pending->content.n - 40] ^= 1);
    EACH(s.g->pending->next->reinit = mls_proposal_ref(p));
    mls_proposal_unref(p);
    /* It was none of the helpers. */
    saved_init(&same);
    content_with(same.g, MLS_CONTENT_COMMIT, ada, same.g->context.epoch);
    accepted(&same);
    saved_clear(&same);
}

/* The Commit closes the group, and the next epoch says another ReInit than the Commit. */
static void
test_pending_reinit(void **state)
{
    const struct mls_reinit close = {.group_id = dt_view_str("next"), .version = 1, .suite = 1};
    const struct mls_extensions none = {0};
    struct mls_commit_opts opts = {.reinit = &close};
    struct mls_commit_out out = {0};
    struct mls_proposal *p = NULL;
    struct mls_group *next;
    struct saved s;

    (void)state;
    saved_init(&s);
    quiet(&s);
    assert_ok(mls_group_commit(s.g, &opts, &out));
    accepted(&s);
    next = s.g->pending->next;
    assert_ok(mls_proposal_new_reinit(dt_view_str("elsewhere"), 1, 1, &none, &p));
    mls_proposal_unref(next->reinit);
    next->reinit = p;
    refused(&s);
    mls_commit_out_clear(&out);
    saved_clear(&s);
}

/* The Commit adds at leaf 1, which is blank in the next epoch. */
static void
test_pending_add(void **state)
{
    const uint32_t bob = 1;
    struct mls_commit_opts removal = {.removes = &bob, .n_removes = 1};
    struct mls_commit_opts addition = {.n_adds = 1, .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct gu_party dan;
    struct dt_view add;
    struct saved s = {0};
    struct trio t;

    (void)state;
    trio_init(&t);
    gu_party_init(&dan, 1, "dan");
    gu_commit(&t.p[0], &removal, t.all, 3, NULL);
    add = dt_buf_view(&dan.key_package);
    addition.adds = &add;
    s.g = t.p[0].group;
    assert_ok(mls_group_commit(s.g, &addition, &out));
    accepted(&s);
    assert_non_null(mls_tree_leaf(&s.g->pending->next->tree, 1));
    assert_ok(mls_tree_set_leaf(&s.g->pending->next->tree, 1, NULL));
    hash_fits(s.g->pending->next);
    refused(&s);
    mls_commit_out_clear(&out);
    gu_party_clear(&dan);
    trio_clear(&t);
}

static void
test_past(void **state)
{
    (void)state;
    EACH(s.g->policy.past_epochs = 1);
    EACH(s.g->policy.past_epochs = MLS_PAST_EPOCHS_MAX + 1);
    EACH(context_with(&s.g->past[1].context, 1, s.g->past[0].context.epoch, 32, 32));
    EACH(context_with(&s.g->past[0].context, 1, s.g->context.epoch, 32, 32));
    EACH(context_with(&s.g->past[0].context, 1, s.g->context.epoch + 9, 32, 32));
    EACH(s.g->past[0].context.raw.p[6] ^= 1);           /* the group id */
    for (uint32_t n = 0; n <= 3; n += n == 1 ? 2 : 1) { /* not 2, which it is */
        uint32_t before;
        struct saved s;

        saved_init(&s);
        before = s.g->past[0].tree.n_leaves;
        assert_int_equal(before, 2);
        s.g->past[0].tree.n_leaves = n;
        refused(&s);
        s.g->past[0].tree.n_leaves = before;
        saved_clear(&s);
    }
    EACH(assert_ok(dt_secret_set(&s.g->past[0].sender_data, dt_view_str("short"))));
}

static void
test_head(void **state)
{
    struct dt_buf b = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct mls_group *g = NULL;
    struct saved s;

    (void)state;
    saved_init(&s);
    assert_ok(mls_group_save(s.g, &b));
    assert_err(DT_ERR_LIMIT, mls_group_load(dt_view(b.p, MLS_GROUP_STATE_MAX + 1), &g));
    b.p[3] = 99;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_load(dt_buf_view(&b), &g));
    b.p[3] = 1;
    b.p[1] = 0;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_load(dt_buf_view(&b), &g));
    dt_buf_wipe(&b);
    saved_clear(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epoch),          cmocka_unit_test(test_no_leaves),
        cmocka_unit_test(test_proposals),      cmocka_unit_test(test_pending),
        cmocka_unit_test(test_pending_reinit), cmocka_unit_test(test_pending_add),
        cmocka_unit_test(test_past),           cmocka_unit_test(test_head),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
