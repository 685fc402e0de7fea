/*
 * tests/mls/test_outside.c - proposals from outside: by external senders, and by those who want to
 * be added; what each may propose, who signed, what becomes of it.
 *
 * Source: RFC 9420 sections 6.1, 12.1.8, 12.1.8.1 and 12.2. A test's name says the section.
 */
#include <string.h>

#include "mls/group_internal.h"

#include "group_util.h"

static const struct mls_psk_list no_psks = {NULL, 0};

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

/* ada and bob are in; cyd and dan are not. The group lists two external senders, warden and clerk.
 */
struct scene {
    struct gu_party ada, bob, cyd, dan;
    struct gu_party warden, clerk;
    struct gu_party *members[4];
};

/* The extension_data of external_senders with these two. */
static void
senders_of(const struct gu_party *a, const struct gu_party *b, struct dt_buf *out)
{
    struct dt_writer w;
    size_t mark;

    dt_buf_init(out, 1024);
    w = dt_writer_init(out);
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < 2; i++) {
        const struct gu_party *p = i == 0 ? a : b;

        dt_write_vec(&w, dt_view_of(p->pub));
        dt_write_u16(&w, MLS_CREDENTIAL_BASIC);
        dt_write_vec(&w, dt_view_str(p->identity));
    }
    dt_write_vec_end(&w, mark);
    assert_ok(dt_writer_end(&w));
}

static void
create(struct gu_party *p, struct dt_view senders)
{
    struct mls_typed extensions[] = {{MLS_EXT_EXTERNAL_SENDERS, senders}};
    struct mls_group_params params = {.leaf = gu_leaf(p),
                                      .group_id = dt_view_str("a test group"),
                                      .extensions = {extensions, senders.n > 0 ? 1 : 0},
                                      .not_before_s = GU_NOW_S,
                                      .not_after_s = GU_NOW_S + 86400,
                                      .policy = {.past_epochs = 3, .outside = p->outside}};

    assert_ok(mls_group_create(&params, &p->group));
}

static void
scene_init(struct scene *s, uint8_t outside, bool list_senders)
{
    struct dt_buf senders;

    gu_party_init(&s->ada, 1, "ada");
    gu_party_init(&s->bob, 1, "bob");
    gu_party_init(&s->cyd, 1, "cyd");
    gu_party_init(&s->dan, 1, "dan");
    gu_party_init(&s->warden, 1, "warden");
    gu_party_init(&s->clerk, 1, "clerk");
    s->ada.outside = s->bob.outside = s->cyd.outside = s->dan.outside = outside;
    s->members[0] = &s->ada;
    s->members[1] = &s->bob;
    s->members[2] = &s->cyd;
    s->members[3] = &s->dan;
    senders_of(&s->warden, &s->clerk, &senders);
    create(&s->ada, list_senders ? dt_buf_view(&senders) : dt_view(NULL, 0));
    gu_add(&s->ada, &s->bob, s->members, 1);
    dt_buf_clear(&senders);
}

static void
scene_clear(struct scene *s)
{
    gu_party_clear(&s->ada);
    gu_party_clear(&s->bob);
    gu_party_clear(&s->cyd);
    gu_party_clear(&s->dan);
    gu_party_clear(&s->warden);
    gu_party_clear(&s->clerk);
}

/* What ${by}, who is at ${index} of the external senders, proposes to the group as ada has it. */
static struct mls_external_propose_params
by(const struct scene *s, const struct gu_party *by, uint32_t index)
{
    return (struct mls_external_propose_params){.suite = 1,
                                                .group_id = dt_view_str("a test group"),
                                                .epoch = mls_group_epoch(s->ada.group),
                                                .sender_index = index,
                                                .signature_priv = dt_secret_view(&by->seed),
                                                .what = {.lifetime = gu_clock}};
}

static void
propose(const struct mls_external_propose_params *x, struct dt_buf *out)
{
    dt_buf_init(out, MLS_MESSAGE_MAX);
    assert_ok(mls_external_propose(x, out));
}

/* Both members take ${message} in, as a proposal by ${identity}. */
static void
taken(struct scene *s, const struct dt_buf *message, uint8_t type, const char *identity)
{
    struct gu_party *both[] = {&s->ada, &s->bob};

    for (size_t i = 0; i < 2; i++) {
        struct mls_event e = {0};

        assert_ok(mls_group_process(both[i]->group, no_psks, dt_buf_view(message), &e));
        if (e.kind != MLS_EVENT_PROPOSAL)
            fail_msg("event %d: %s", (int)e.kind, dt_err_message());
        assert_int_equal(e.from.type, type);
        assert_int_equal(e.sender.leaf, UINT32_MAX);
        assert_views_equal(e.sender.identity, dt_view_str(identity));
        mls_event_clear(&e);
        gu_reload(both[i]);
    }
}

/* bob commits all that waits; ada sees what it does, and follows. ${eff} is tied to ${e}. */
static const struct mls_effects *
commit_cached(struct scene *s, struct mls_event *e, struct mls_commit_out *out)
{
    struct mls_commit_opts opts = {.commit_cached = true, .lifetime = gu_clock};

    assert_ok(mls_group_commit(s->bob.group, &opts, out));
    gu_reload(&s->bob);
    assert_ok(mls_group_process(s->ada.group, no_psks, dt_buf_view(&out->commit), e));
    if (e->kind != MLS_EVENT_COMMIT)
        fail_msg("event %d: %s", (int)e->kind, dt_err_message());
    return mls_staged_effects(e->staged);
}

static void
both_move(struct scene *s, struct mls_event *e)
{
    assert_ok(mls_group_take(s->ada.group, e->staged, GU_NOW_MS));
    e->staged = NULL;
    mls_event_clear(e);
    assert_ok(mls_group_take_pending(s->bob.group, GU_NOW_MS));
    gu_agree(s->members, 2);
}

/* ---- external senders ---- */

static void
test_section_12_1_8_external_add(void **state)
{
    struct scene s;
    struct mls_external_propose_params x;
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    const struct mls_effects *eff;
    struct mls_member who;
    struct dt_buf m;

    (void)state;
    scene_init(&s, MLS_OUTSIDE_SENDERS, true);
    assert_true(mls_group_external_sender(s.bob.group, 1, &who));
    assert_views_equal(who.identity, dt_view_str("clerk"));
    assert_views_equal(who.signature_key, dt_view_of(s.clerk.pub));
    assert_false(mls_group_external_sender(s.bob.group, 2, &who));
    x = by(&s, &s.clerk, 1);
    x.what.kind = MLS_PROPOSE_ADD;
    x.what.add = dt_buf_view(&s.cyd.key_package);
    x.what.authenticated_data = dt_view_str("by order");
    propose(&x, &m);
    taken(&s, &m, MLS_SENDER_EXTERNAL, "clerk");
    eff = commit_cached(&s, &e, &out);
    assert_int_equal(eff->n_added, 1);
    assert_views_equal(eff->added[0].identity, dt_view_str("cyd"));
    assert_true(eff->by_reference);
    assert_false(eff->external);
    assert_int_equal(eff->committer, 1);
    assert_int_equal(eff->n_proposals, 1);
    assert_int_equal(eff->proposals[0].type, MLS_PROPOSAL_ADD);
    assert_int_equal(eff->proposals[0].by.type, MLS_SENDER_EXTERNAL);
    assert_int_equal(eff->proposals[0].by.index, 1);
    assert_true(eff->proposals[0].by_reference);
    both_move(&s, &e);
    gu_join(&s.cyd, dt_buf_view(&out.welcome), no_psks);
    gu_agree(s.members, 3);
    mls_commit_out_clear(&out);
    dt_buf_clear(&m);
    scene_clear(&s);
}

/* Remove and GroupContextExtensions, in one Commit. */
static void
test_section_12_1_8_external_others(void **state)
{
    struct scene s;
    struct mls_external_propose_params x;
    struct mls_typed kept = {MLS_EXT_EXTERNAL_SENDERS, {0}};
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    const struct mls_effects *eff;
    struct dt_buf senders;
    struct dt_buf m;

    (void)state;
    scene_init(&s, MLS_OUTSIDE_SENDERS, true);
    gu_add(&s.ada, &s.cyd, s.members, 2);
    x = by(&s, &s.warden, 0);
    x.what.kind = MLS_PROPOSE_REMOVE;
    x.what.remove = 2;
    propose(&x, &m);
    taken(&s, &m, MLS_SENDER_EXTERNAL, "warden");
    dt_buf_clear(&m);
    /* In the new list the warden is left out. */
    senders_of(&s.clerk, &s.clerk, &senders);
    kept.body = dt_buf_view(&senders);
    x.what.kind = MLS_PROPOSE_EXTENSIONS;
    x.what.extensions = (struct mls_typed_list){&kept, 1};
    propose(&x, &m);
    taken(&s, &m, MLS_SENDER_EXTERNAL, "warden");
    dt_buf_clear(&m);
    assert_err(DT_ERR_STATE,
               mls_group_protect(s.bob.group, dt_view(NULL, 0), dt_view_str("no"), 0, &m));
    eff = commit_cached(&s, &e, &out);
    assert_int_equal(eff->n_removed, 1);
    assert_views_equal(eff->removed[0].identity, dt_view_str("cyd"));
    assert_true(eff->extensions_replaced);
    assert_int_equal(eff->n_proposals, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(eff->proposals[i].by.type, MLS_SENDER_EXTERNAL);
        assert_int_equal(eff->proposals[i].by.index, 0);
    }
    both_move(&s, &e);
    mls_commit_out_clear(&out);
    /* Who is no longer listed proposes nothing any more; nor as the one who is in its place. */
    x = by(&s, &s.warden, 0);
    x.what.kind = MLS_PROPOSE_REMOVE;
    x.what.remove = 1;
    propose(&x, &m);
    assert_err(DT_ERR_AUTH, mls_group_process(s.ada.group, no_psks, dt_buf_view(&m), &e));
    dt_buf_clear(&m);
    dt_buf_clear(&senders);
    scene_clear(&s);
}

/* A PSK that the clerk wants mixed in: the members look for it. */
static void
test_section_12_1_8_external_psk(void **state)
{
    static const struct mls_psk psk = {.id = {(const uint8_t *)"courier", 7},
                                       .value = {(const uint8_t *)"0123456789abcdef", 16}};
    static const uint8_t nonce[31] = {1};
    struct scene s;
    struct mls_external_propose_params x;
    struct mls_psk_id id = {
        .type = MLS_PSK_EXTERNAL, .id = dt_view_str("k"), .nonce = dt_view_of(nonce)};
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PUBLIC_MESSAGE,
                                   .sender_type = MLS_SENDER_EXTERNAL,
                                   .sender = 1,
                                   .content_type = MLS_CONTENT_PROPOSAL};
    struct mls_proposal *p = NULL;
    struct mls_event e = {0};
    struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf m;
    size_t end;

    (void)state;
    scene_init(&s, MLS_OUTSIDE_SENDERS, true);
    x = by(&s, &s.clerk, 1);
    x.what.kind = MLS_PROPOSE_PSK;
    x.what.psk = psk;
    propose(&x, &m);
    assert_ok(mls_group_process(s.ada.group, no_psks, dt_buf_view(&m), &e));
    assert_int_equal(e.kind, MLS_EVENT_PROPOSAL);
    assert_int_equal(e.proposal.type, MLS_PROPOSAL_PSK);
    assert_views_equal(e.proposal.psk_id, psk.id);
    mls_event_clear(&e);
    dt_buf_clear(&m);
    /* One that no Commit could use is not kept. */
    assert_ok(mls_proposal_new_psk(&id, &p));
    f.proposal = p;
    f.group_id = mls_group_id(s.ada.group);
    f.epoch = mls_group_epoch(s.ada.group);
    assert_ok(mls_content_sign(s.ada.group->suite, &f, dt_view(NULL, 0),
                               dt_secret_view(&s.clerk.seed), &content, &end));
    dt_buf_init(&m, MLS_MESSAGE_MAX);
    assert_ok(mls_public_message_write(s.ada.group->suite, dt_buf_view(&content), dt_view(NULL, 0),
                                       dt_view(NULL, 0), &m));
    assert_refused(DT_ERR_REFUSED, s.ada.group, no_psks, &m, UINT32_MAX);
    assert_int_equal(mls_group_n_cached(s.ada.group), 1);
    mls_proposal_unref(p);
    dt_buf_clear(&content);
    dt_buf_clear(&m);
    scene_clear(&s);
}

/* ---- new members ---- */

static void
test_section_12_1_8_new_member(void **state)
{
    struct scene s;
    struct mls_external_propose_params x;
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    const struct mls_effects *eff;
    struct dt_buf m;

    (void)state;
    scene_init(&s, MLS_OUTSIDE_ADD, false);
    x = by(&s, &s.cyd, 0);
    x.new_member = true;
    x.what.kind = MLS_PROPOSE_ADD;
    x.what.add = dt_buf_view(&s.cyd.key_package);
    propose(&x, &m);
    taken(&s, &m, MLS_SENDER_NEW_MEMBER_PROPOSAL, "cyd");
    eff = commit_cached(&s, &e, &out);
    assert_int_equal(eff->n_added, 1);
    assert_views_equal(eff->added[0].identity, dt_view_str("cyd"));
    assert_int_equal(eff->proposals[0].by.type, MLS_SENDER_NEW_MEMBER_PROPOSAL);
    both_move(&s, &e);
    gu_join(&s.cyd, dt_buf_view(&out.welcome), no_psks);
    gu_agree(s.members, 3);
    /* The same words again are of a past epoch. */
    assert_ok(mls_group_process(s.ada.group, no_psks, dt_buf_view(&m), &e));
    assert_int_equal(e.kind, MLS_EVENT_STALE);
    mls_event_clear(&e);
    mls_commit_out_clear(&out);
    dt_buf_clear(&m);
    scene_clear(&s);
}

/* The application judges: what it does not want it forgets, and no Commit can bring it back. */
static void
test_section_12_1_8_not_authorized(void **state)
{
    struct scene s;
    struct mls_external_propose_params x;
    struct mls_commit_opts opts = {.commit_cached = true, .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct mls_event e = {0};
    struct dt_buf said = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf m;

    (void)state;
    scene_init(&s, MLS_OUTSIDE_ADD, false);
    x = by(&s, &s.cyd, 0);
    x.new_member = true;
    x.what.kind = MLS_PROPOSE_ADD;
    x.what.add = dt_buf_view(&s.cyd.key_package);
    propose(&x, &m);
    assert_ok(mls_group_process(s.bob.group, no_psks, dt_buf_view(&m), &e));
    mls_event_clear(&e);
    assert_ok(mls_group_process(s.ada.group, no_psks, dt_buf_view(&m), &e));
    assert_int_equal(e.proposal.type, MLS_PROPOSAL_ADD);
    assert_views_equal(e.proposal.added.identity, dt_view_str("cyd"));
    assert_int_equal(e.proposal.ref.n, 32);
    assert_err(DT_ERR_NOT_FOUND, mls_group_drop_proposal(s.ada.group, dt_view_str("other")));
    assert_int_equal(mls_group_n_cached(s.ada.group), 1);
    assert_ok(mls_group_drop_proposal(s.ada.group, e.proposal.ref));
    assert_err(DT_ERR_NOT_FOUND, mls_group_drop_proposal(s.ada.group, e.proposal.ref));
    assert_int_equal(mls_group_n_cached(s.ada.group), 0);
    gu_reload(&s.ada);
    assert_ok(mls_group_protect(s.ada.group, dt_view(NULL, 0), dt_view_str("free"), 0, &said));
    assert_ok(mls_group_commit(s.bob.group, &opts, &out));
    assert_err(DT_ERR_STATE, mls_group_drop_proposal(s.bob.group, e.proposal.ref));
    mls_event_clear(&e);
    assert_refused(DT_ERR_NOT_FOUND, s.ada.group, no_psks, &out.commit, 1);
    mls_commit_out_clear(&out);
    dt_buf_clear(&said);
    dt_buf_clear(&m);
    scene_clear(&s);
}

/* ---- who may say what ---- */

/* ${p} signed by ${by} as a sender of ${type}; ${content_type} as said. */
static void
craft(const struct scene *s, const struct gu_party *by, uint8_t type, uint32_t index,
      const struct mls_proposal *p, bool commit, struct dt_buf *out)
{
    struct mls_commit c = {0};
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PUBLIC_MESSAGE,
                                   .group_id = mls_group_id(s->ada.group),
                                   .epoch = mls_group_epoch(s->ada.group),
                                   .sender_type = type,
                                   .sender = index,
                                   .content_type =
                                       commit ? MLS_CONTENT_COMMIT : MLS_CONTENT_PROPOSAL,
                                   .proposal = p,
                                   .commit = &c};
    struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_writer w = dt_writer_init(&content);
    const uint8_t tag[32] = {0};
    size_t end;

    dt_buf_init(out, MLS_MESSAGE_MAX);
    assert_ok(mls_content_sign(s->ada.group->suite, &f, dt_buf_view(&s->ada.group->context.raw),
                               dt_secret_view(&by->seed), &content, &end));
    if (commit) {
        dt_write_vec(&w, dt_view_of(tag));
        assert_ok(dt_writer_end(&w));
    }
    assert_ok(mls_public_message_write(s->ada.group->suite, dt_buf_view(&content), dt_view(NULL, 0),
                                       dt_view(NULL, 0), out));
    dt_buf_clear(&content);
}

static void
no_one(const struct scene *s, const struct dt_buf *m, enum dt_err want)
{
    struct mls_event e = {0};

    assert_err(want, mls_group_process(s->ada.group, no_psks, dt_buf_view(m), &e));
    assert_int_equal(mls_group_n_cached(s->ada.group), 0);
}

/* Of both kinds of sender the content is a proposal. */
static void
test_section_6_1_outsiders_content_is_a_proposal(void **state)
{
    struct scene s;
    struct mls_proposal *p = NULL;
    struct dt_buf m;

    (void)state;
    scene_init(&s, MLS_OUTSIDE_ALL, true);
    craft(&s, &s.clerk, MLS_SENDER_EXTERNAL, 1, NULL, true, &m);
    no_one(&s, &m, DT_ERR_FORMAT);
    dt_buf_clear(&m);
    craft(&s, &s.cyd, MLS_SENDER_NEW_MEMBER_PROPOSAL, 0, NULL, true, &m);
    no_one(&s, &m, DT_ERR_FORMAT);
    dt_buf_clear(&m);
    /* And of who joins by a Commit it is that Commit. */
    assert_ok(mls_propose_add(dt_buf_view(&s.cyd.key_package), &p));
    craft(&s, &s.cyd, MLS_SENDER_NEW_MEMBER_COMMIT, 0, p, false, &m);
    no_one(&s, &m, DT_ERR_FORMAT);
    dt_buf_clear(&m);
    mls_proposal_unref(p);
    scene_clear(&s);
}

/* RFC 9420 sections 6.1 and 12.1.8: the types that each may propose. */
static void
test_section_12_1_8_types(void **state)
{
    static const uint8_t kem[] = {1, 'k'};
    static const uint8_t remove[] = {0, 0, 0, 1};
    struct scene s;
    struct mls_proposal *p[4] = {NULL};
    struct mls_leaf_fields f;
    struct mls_leaf_node *leaf = NULL;
    struct dt_buf m;

    (void)state;
    scene_init(&s, MLS_OUTSIDE_ALL, true);
    mls_leaf_fields_from(&f, mls_tree_leaf(&s.ada.group->tree, 1));
    f.source = MLS_LEAF_UPDATE;
    assert_ok(mls_leaf_node_new(s.ada.group->suite, &f, dt_secret_view(&s.bob.seed),
                                mls_group_id(s.ada.group), 1, &leaf));
    assert_ok(mls_proposal_new_update(leaf, &p[0]));
    mls_leaf_node_unref(leaf);
    assert_ok(mls_proposal_parse_body(MLS_PROPOSAL_EXTERNAL_INIT, dt_view_of(kem), &p[1]));
    assert_ok(mls_proposal_new_private(GU_WARRANT, dt_view_str("w"), &p[2]));
    assert_ok(mls_proposal_parse_body(MLS_PROPOSAL_REMOVE, dt_view_of(remove), &p[3]));
    for (size_t i = 0; i < 4; i++) {
        if (i < 3) {
            craft(&s, &s.clerk, MLS_SENDER_EXTERNAL, 1, p[i], false, &m);
            no_one(&s, &m, DT_ERR_FORMAT);
            dt_buf_clear(&m);
        }
        craft(&s, &s.cyd, MLS_SENDER_NEW_MEMBER_PROPOSAL, 0, p[i], false, &m);
        no_one(&s, &m, DT_ERR_FORMAT);
        dt_buf_clear(&m);
        mls_proposal_unref(p[i]);
    }
    scene_clear(&s);
}

/* RFC 9420 section 6.1: the key is the one at the sender's index, or the key package's. */
static void
test_section_6_1_outsiders_keys(void **state)
{
    struct scene s;
    struct mls_proposal *p = NULL;
    struct dt_buf m;

    (void)state;
    scene_init(&s, MLS_OUTSIDE_ALL, true);
    assert_ok(mls_propose_add(dt_buf_view(&s.cyd.key_package), &p));
    craft(&s, &s.clerk, MLS_SENDER_EXTERNAL, 0, p, false, &m); /* in the warden's name */
    no_one(&s, &m, DT_ERR_AUTH);
    dt_buf_clear(&m);
    craft(&s, &s.clerk, MLS_SENDER_EXTERNAL, 2, p, false, &m); /* no such place */
    no_one(&s, &m, DT_ERR_AUTH);
    assert_non_null(strstr(dt_err_message(), "no external sender 2"));
    dt_buf_clear(&m);
    craft(&s, &s.bob, MLS_SENDER_EXTERNAL, 1, p, false, &m); /* a member is no external sender */
    no_one(&s, &m, DT_ERR_AUTH);
    dt_buf_clear(&m);
    craft(&s, &s.dan, MLS_SENDER_NEW_MEMBER_PROPOSAL, 0, p, false, &m);
    no_one(&s, &m, DT_ERR_AUTH);
    dt_buf_clear(&m);
    craft(&s, &s.clerk, MLS_SENDER_EXTERNAL, 1, p, false, &m);
    m.p[m.n - 1] ^= 1;
    no_one(&s, &m, DT_ERR_AUTH);
    m.p[m.n - 1] ^= 1;
    taken(&s, &m, MLS_SENDER_EXTERNAL, "clerk");
    dt_buf_clear(&m);
    mls_proposal_unref(p);
    scene_clear(&s);
}

/* RFC 9420 section 12.1.8: without the extension there is no external sender. */
static void
test_section_12_1_8_1_extension(void **state)
{
    static const uint8_t broken[][4] = {{3, 1, 'k', 0}, {2, 1, 'k', 0}, {0, 0, 0, 0}};
    struct scene s;
    struct mls_external_propose_params x;
    struct gu_party p;
    struct dt_buf m;

    (void)state;
    scene_init(&s, MLS_OUTSIDE_ALL, false);
    x = by(&s, &s.warden, 0);
    x.what.kind = MLS_PROPOSE_REMOVE;
    x.what.remove = 1;
    propose(&x, &m);
    no_one(&s, &m, DT_ERR_AUTH);
    dt_buf_clear(&m);
    /* A list that is none: by value, by an external sender, at the beginning. */
    for (size_t i = 0; i < 3; i++) {
        struct mls_typed bad = {MLS_EXT_EXTERNAL_SENDERS, dt_view_of(broken[i])};
        struct mls_commit_opts opts = {.set_extensions = true, .extensions = {&bad, 1}};
        struct mls_group_params params = {.group_id = dt_view_str("g"), .extensions = {&bad, 1}};
        struct mls_commit_out out = {0};
        struct mls_group *g = NULL;

        assert_err(DT_ERR_FORMAT, mls_group_commit(s.ada.group, &opts, &out));
        gu_party_init(&p, 1, "p");
        params.leaf = gu_leaf(&p);
        assert_err(DT_ERR_FORMAT, mls_group_create(&params, &g));
        gu_party_clear(&p);
    }
    scene_clear(&s);
}

/* Each kind is let in by itself. */
static void
test_section_12_1_8_policy(void **state)
{
    struct scene s;
    struct mls_external_propose_params external;
    struct mls_external_propose_params joiner;
    struct dt_buf e;
    struct dt_buf j;

    (void)state;
    for (unsigned outside = 0; outside <= MLS_OUTSIDE_ALL; outside++) {
        struct mls_event got = {0};

        scene_init(&s, (uint8_t)outside, true);
        gu_reload(&s.ada);
        external = by(&s, &s.warden, 0);
        external.what.kind = MLS_PROPOSE_REMOVE;
        external.what.remove = 1;
        propose(&external, &e);
        joiner = by(&s, &s.cyd, 0);
        joiner.new_member = true;
        joiner.what.kind = MLS_PROPOSE_ADD;
        joiner.what.add = dt_buf_view(&s.cyd.key_package);
        propose(&joiner, &j);
        if ((outside & MLS_OUTSIDE_SENDERS) != 0)
            taken(&s, &e, MLS_SENDER_EXTERNAL, "warden");
        else
            assert_err(DT_ERR_UNSUPPORTED,
                       mls_group_process(s.ada.group, no_psks, dt_buf_view(&e), &got));
        if ((outside & MLS_OUTSIDE_ADD) != 0)
            taken(&s, &j, MLS_SENDER_NEW_MEMBER_PROPOSAL, "cyd");
        else
            assert_err(DT_ERR_UNSUPPORTED,
                       mls_group_process(s.ada.group, no_psks, dt_buf_view(&j), &got));
        dt_buf_clear(&e);
        dt_buf_clear(&j);
        scene_clear(&s);
    }
}

/* What no Commit could hold does not wait in the cache; and it is named whose it was. */
static void
test_section_12_1_8_invalid_is_not_kept(void **state)
{
    static const uint8_t nonce[32] = {1};
    static const uint8_t broken[] = {3, 1, 'k'};
    const struct mls_typed bad = {MLS_EXT_EXTERNAL_SENDERS, dt_view_of(broken)};
    const struct mls_psk_id link = {.type = MLS_PSK_RESUMPTION,
                                    .usage = MLS_PSK_REINIT,
                                    .group_id = dt_view_str("g"),
                                    .nonce = dt_view_of(nonce)};
    struct scene s;
    struct mls_external_propose_params x;
    struct mls_proposal *p = NULL;
    struct dt_buf kp = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_view body;
    struct dt_buf m;

    (void)state;
    scene_init(&s, MLS_OUTSIDE_ALL, true);
    x = by(&s, &s.warden, 0);
    x.what.kind = MLS_PROPOSE_REMOVE;
    x.what.remove = 2; /* blank */
    propose(&x, &m);
    assert_refused(DT_ERR_REFUSED, s.ada.group, no_psks, &m, UINT32_MAX);
    dt_buf_clear(&m);
    /* A key package whose own signature does not hold. */
    assert_ok(dt_buf_set(&kp, dt_buf_view(&s.cyd.key_package)));
    kp.p[kp.n - 1] ^= 1;
    assert_ok(mls_message_body(dt_buf_view(&kp), MLS_WIRE_KEY_PACKAGE, &body));
    assert_ok(mls_proposal_parse_body(MLS_PROPOSAL_ADD, body, &p));
    craft(&s, &s.cyd, MLS_SENDER_NEW_MEMBER_PROPOSAL, 0, p, false, &m);
    assert_refused(DT_ERR_AUTH, s.ada.group, no_psks, &m, UINT32_MAX);
    dt_buf_clear(&m);
    craft(&s, &s.clerk, MLS_SENDER_EXTERNAL, 1, p, false, &m);
    assert_refused(DT_ERR_AUTH, s.ada.group, no_psks, &m, UINT32_MAX);
    dt_buf_clear(&m);
    mls_proposal_unref(p);
    /* A PSK that a ReInit alone could use, and external senders that are none. */
    assert_ok(mls_proposal_new_psk(&link, &p));
    craft(&s, &s.clerk, MLS_SENDER_EXTERNAL, 1, p, false, &m);
    assert_refused(DT_ERR_REFUSED, s.ada.group, no_psks, &m, UINT32_MAX);
    dt_buf_clear(&m);
    mls_proposal_unref(p);
    assert_ok(mls_propose_extensions((struct mls_typed_list){&bad, 1}, &p));
    craft(&s, &s.clerk, MLS_SENDER_EXTERNAL, 1, p, false, &m);
    assert_refused(DT_ERR_FORMAT, s.ada.group, no_psks, &m, UINT32_MAX);
    dt_buf_clear(&m);
    mls_proposal_unref(p);
    assert_int_equal(mls_group_n_cached(s.ada.group), 0);
    dt_buf_clear(&kp);
    scene_clear(&s);
}

/* Outsiders cannot fill the cache up, and what comes twice is refused once. */
static void
test_section_12_1_8_limit(void **state)
{
    struct scene s;
    struct mls_external_propose_params x;
    struct dt_buf m = {0};

    (void)state;
    scene_init(&s, MLS_OUTSIDE_ALL, true);
    x = by(&s, &s.warden, 0);
    x.what.kind = MLS_PROPOSE_PSK;
    for (size_t i = 0; i < MLS_OUTSIDE_CACHE_MAX; i++) {
        struct mls_event e = {0};

        dt_buf_clear(&m);
        propose(&x, &m);
        assert_ok(mls_group_process(s.ada.group, no_psks, dt_buf_view(&m), &e));
        assert_int_equal(e.kind, MLS_EVENT_PROPOSAL);
        mls_event_clear(&e);
        if (i == 0)
            assert_refused(DT_ERR_STATE, s.ada.group, no_psks, &m, UINT32_MAX);
    }
    dt_buf_clear(&m);
    propose(&x, &m);
    assert_refused(DT_ERR_LIMIT, s.ada.group, no_psks, &m, UINT32_MAX);
    dt_buf_clear(&m);
    /* A member still can. */
    {
        struct mls_propose_opts o = {.kind = MLS_PROPOSE_REMOVE, .remove = 0};
        struct mls_event e = {0};

        dt_buf_init(&m, MLS_MESSAGE_MAX);
        assert_ok(mls_group_propose(s.bob.group, &o, &m));
        assert_ok(mls_group_process(s.ada.group, no_psks, dt_buf_view(&m), &e));
        assert_int_equal(e.kind, MLS_EVENT_PROPOSAL);
        mls_event_clear(&e);
        dt_buf_clear(&m);
    }
    gu_reload(&s.ada);
    scene_clear(&s);
}

/* What is not to be proposed is not even made. */
static void
test_section_12_1_8_making(void **state)
{
    static uint8_t large[MLS_AUTHENTICATED_DATA_MAX + 1];
    struct scene s;
    struct mls_external_propose_params x;
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_secret ready = {0};

    (void)state;
    scene_init(&s, MLS_OUTSIDE_ALL, true);
    x = by(&s, &s.cyd, 0);
    x.new_member = true;
    x.what.kind = MLS_PROPOSE_REMOVE;
    assert_err(DT_ERR_RANGE, mls_external_propose(&x, &m));
    x.what.kind = MLS_PROPOSE_ADD;
    x.what.add = dt_buf_view(&s.dan.key_package); /* another's */
    assert_err(DT_ERR_AUTH, mls_external_propose(&x, &m));
    x.new_member = false;
    assert_ok(mls_external_propose(&x, &m));
    dt_buf_clear(&m);
    x.what.lifetime.now_ms += UINT64_C(30) * 86400000;
    assert_err(DT_ERR_EXPIRED, mls_external_propose(&x, &m));
    x.what.lifetime = gu_clock;
    x.what.kind = MLS_PROPOSE_PRIVATE;
    assert_err(DT_ERR_RANGE, mls_external_propose(&x, &m));
    x.what.kind = MLS_PROPOSE_REMOVE;
    x.what.padding = 1;
    assert_err(DT_ERR_RANGE, mls_external_propose(&x, &m));
    x.what.padding = 0;
    /* A private key as callers have it: no part of one, nor one that was made ready in here, of
     * which a half would be taken on trust. */
    assert_ok(
        dt_suite_sig_ready(dt_suite_get(1), dt_secret_view(&s.cyd.seed), &ready, (uint8_t[32]){0}));
    x.signature_priv = dt_secret_view(&ready);
    assert_err(DT_ERR_RANGE, mls_external_propose(&x, &m));
    x.signature_priv = dt_view(ready.p, 31);
    assert_err(DT_ERR_RANGE, mls_external_propose(&x, &m));
    x.signature_priv = dt_secret_view(&s.cyd.seed);
    dt_secret_clear(&ready);
    x.what.authenticated_data = dt_view_of(large);
    assert_err(DT_ERR_LIMIT, mls_external_propose(&x, &m));
    x.what.authenticated_data = dt_view(NULL, 0);
    x.group_id = dt_view(large, MLS_GROUP_ID_MAX + 1);
    assert_err(DT_ERR_LIMIT, mls_external_propose(&x, &m));
    x.suite = 99;
    assert_err(DT_ERR_UNSUPPORTED, mls_external_propose(&x, &m));
    assert_int_equal(m.n, 0);
    scene_clear(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_12_1_8_external_add),
        cmocka_unit_test(test_section_12_1_8_external_others),
        cmocka_unit_test(test_section_12_1_8_external_psk),
        cmocka_unit_test(test_section_12_1_8_new_member),
        cmocka_unit_test(test_section_12_1_8_not_authorized),
        cmocka_unit_test(test_section_6_1_outsiders_content_is_a_proposal),
        cmocka_unit_test(test_section_12_1_8_types),
        cmocka_unit_test(test_section_6_1_outsiders_keys),
        cmocka_unit_test(test_section_12_1_8_1_extension),
        cmocka_unit_test(test_section_12_1_8_policy),
        cmocka_unit_test(test_section_12_1_8_invalid_is_not_kept),
        cmocka_unit_test(test_section_12_1_8_limit),
        cmocka_unit_test(test_section_12_1_8_making),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
