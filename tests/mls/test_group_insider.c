/*
 * tests/mls/test_group_insider.c - members who do not play by the rules: every bad Commit is
 * properly signed and sealed by a member, and refused for the rule that it breaks.
 *
 * Source: RFC 9420 sections 6.1, 6.3, 6.3.1, 6.3.2, 12.1, 12.1.6, 12.2, 12.4, 12.4.2.
 */
#include <string.h>

#include "base/mem.h"
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

/* Seal ${content} (an AuthenticatedContent said to be of leaf ${as}) with keys that ${g} knows. */
static void
seal_as(struct mls_group *g, uint32_t as, enum mls_ratchet_kind kind, uint32_t generation,
        const struct dt_buf *content, struct dt_buf *out)
{
    struct mls_tree_step step = {0};

    dt_buf_init(out, MLS_MESSAGE_MAX);
    assert_ok(mls_secret_tree_derive(&g->keys, as, kind, generation, &step));
    assert_ok(mls_private_message_seal(g->suite, dt_buf_view(content),
                                       dt_secret_view(&g->secrets.sender_data), &step, 0, out));
    mls_tree_step_clear(&step);
}

/* A commit of ${c} by the owner of ${g}, with a confirmation tag that holds for nothing. */
static void
bad_commit(struct mls_group *g, const struct mls_commit *c, struct dt_buf *out)
{
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PRIVATE_MESSAGE,
                                   .group_id = g->context.group_id,
                                   .epoch = g->context.epoch,
                                   .sender = g->own_leaf,
                                   .content_type = MLS_CONTENT_COMMIT,
                                   .commit = c};
    struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_writer w = dt_writer_init(&content);
    uint8_t tag[32] = {0};
    size_t end;

    assert_ok(mls_content_sign(g->suite, &f, dt_buf_view(&g->context.raw),
                               dt_secret_view(&g->signature_priv), &content, &end));
    dt_write_vec(&w, dt_view_of(tag));
    assert_ok(dt_writer_end(&w));
    seal_as(g, g->own_leaf, MLS_RATCHET_HANDSHAKE, mls_group_handshake_generation(g), &content,
            out);
    dt_buf_clear(&content);
}

/* The path of another Commit of ada's: any will do where the list is looked at first. */
static struct mls_update_path *
a_path(struct trio *t)
{
    struct mls_commit_opts opts = {.force_path = true};
    struct mls_commit_out out = {0};
    struct mls_auth_content pending = {0};
    struct dt_buf copy = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_update_path *path;

    assert_ok(mls_group_commit(t->p[0].group, &opts, &out));
    assert_ok(dt_buf_set(&copy, dt_buf_view(&t->p[0].group->pending->content)));
    assert_ok(mls_auth_content_parse(&copy, &pending, NULL));
    path = mls_update_path_ref(pending.commit.path);
    mls_group_drop_pending(t->p[0].group);
    mls_auth_content_clear(&pending);
    mls_commit_out_clear(&out);
    return path;
}

/* ${proposals} by value, with a path of another commit or none, must be refused by member 1 with
 * ${want}, and by the committer itself before it is made. */
static void
refused(struct trio *t, struct mls_proposal *const *proposals, size_t n, bool path,
        enum dt_err want)
{
    struct mls_commit c = {0};
    struct dt_buf m;

    for (size_t i = 0; i < n; i++)
        assert_ok(mls_commit_add(&c, proposals[i], dt_view(NULL, 0)));
    if (path)
        c.path = a_path(t);
    bad_commit(t->p[0].group, &c, &m);
    assert_refused(want, t->p[1].group, no_psks, &m, 0);
    dt_buf_clear(&m);
    mls_commit_clear(&c);
}

static struct mls_proposal *
remove_of(uint32_t leaf)
{
    struct mls_proposal *p = NULL;

    assert_ok(mls_proposal_new_remove(leaf, &p));
    return p;
}

static struct mls_proposal *
add_of(const struct gu_party *who)
{
    struct mls_key_package *kp = NULL;
    struct mls_proposal *p = NULL;
    struct dt_view body;

    assert_ok(mls_message_body(dt_buf_view(&who->key_package), MLS_WIRE_KEY_PACKAGE, &body));
    assert_ok(mls_key_package_parse(body, &kp));
    assert_ok(mls_proposal_new_add(kp, &p));
    mls_key_package_unref(kp);
    return p;
}

static struct mls_proposal *
psk_of(const char *id, size_t nonce_len, uint8_t type, uint8_t usage)
{
    static const uint8_t nonce[64] = {7};
    struct mls_psk_id x = {.type = type,
                           .usage = usage,
                           .id = dt_view_str(id),
                           .group_id = dt_view_str("g"),
                           .nonce = dt_view(nonce, nonce_len)};
    struct mls_proposal *p = NULL;

    assert_ok(mls_proposal_new_psk(&x, &p));
    return p;
}

static struct mls_proposal *
extensions_of(uint16_t type)
{
    struct dt_buf raw = DT_BUF_INIT(1024);
    struct mls_extensions x;
    struct mls_proposal *p = NULL;

    assert_ok(mls_extension_append(&raw, type, dt_view_str("x")));
    assert_ok(mls_extensions_parse(dt_buf_view(&raw), &x));
    assert_ok(mls_proposal_new_group_context_extensions(&x, &p));
    dt_buf_clear(&raw);
    return p;
}

/* All members have to support ${type}; the group's own extension stays. */
static struct mls_proposal *
required_of(uint16_t type)
{
    const uint8_t body[] = {2, (uint8_t)(type >> 8), (uint8_t)type, 0, 0};
    struct dt_buf raw = DT_BUF_INIT(1024);
    struct mls_extensions x;
    struct mls_proposal *p = NULL;

    assert_ok(mls_extension_append(&raw, MLS_EXT_REQUIRED_CAPABILITIES, dt_view_of(body)));
    assert_ok(mls_extensions_parse(dt_buf_view(&raw), &x));
    assert_ok(mls_proposal_new_group_context_extensions(&x, &p));
    dt_buf_clear(&raw);
    return p;
}

/* A proposal from its bytes, type included. */
static struct mls_proposal *
raw_of(uint16_t type, struct dt_view body)
{
    struct mls_proposal *p = NULL;

    assert_ok(mls_proposal_parse_body(type, body, &p));
    return p;
}

static void
one(struct trio *t, struct mls_proposal *p, bool path, enum dt_err want)
{
    refused(t, &p, 1, path, want);
    mls_proposal_unref(p);
}

static void
two(struct trio *t, struct mls_proposal *a, struct mls_proposal *b, enum dt_err want)
{
    struct mls_proposal *both[] = {a, b};

    refused(t, both, 2, true, want);
    mls_proposal_unref(a);
    mls_proposal_unref(b);
}

static void
test_section_12_2_proposal_lists(void **state)
{
    static const uint8_t reinit[] = {1, 'g', 0, 1, 0, 1, 0};
    static const uint8_t odd_reinit[] = {1, 'g', 0, 1, 0, 1, 3, 0, 2, 0};
    static const uint8_t old_reinit[] = {1, 'g', 0, 0, 0, 1, 0};
    static const uint8_t external_init[] = {1, 'k'};
    static const uint8_t key[32] = {9, 1};
    struct mls_leaf_fields fields = {0};
    struct mls_leaf_node *leaf = NULL;
    struct trio t;
    struct gu_party d;
    struct mls_proposal *p = NULL;

    (void)state;
    trio_init(&t);
    gu_party_init(&d, 1, "dan");
    /* Paths: an empty list, and every type but add, psk and reinit, need one. */
    refused(&t, NULL, 0, false, DT_ERR_REFUSED);
    one(&t, remove_of(2), false, DT_ERR_REFUSED);
    one(&t, extensions_of(GU_EXT), false, DT_ERR_REFUSED);
    assert_ok(mls_proposal_new_private(GU_WARRANT, dt_view_str("w"), &p));
    one(&t, p, false, DT_ERR_REFUSED);
    p = NULL;
    /* Section 12.2, in its order. */
    one(&t, remove_of(3), true, DT_ERR_REFUSED);
    one(&t, remove_of(70000), true, DT_ERR_REFUSED);
    one(&t, remove_of(0), true, DT_ERR_REFUSED);
    two(&t, remove_of(2), remove_of(2), DT_ERR_REFUSED);
    two(&t, add_of(&d), add_of(&d), DT_ERR_REFUSED);
    one(&t, add_of(&t.p[2]), true, DT_ERR_REFUSED);
    two(&t, psk_of("a", 32, 1, 0), psk_of("a", 32, 1, 0), DT_ERR_REFUSED);
    one(&t, psk_of("a", 31, 1, 0), true, DT_ERR_REFUSED);
    one(&t, psk_of("a", 32, 1, 0), false, DT_ERR_NOT_FOUND);
    one(&t, psk_of("", 32, 2, 2), true, DT_ERR_REFUSED);
    one(&t, psk_of("", 32, 2, 3), true, DT_ERR_REFUSED);
    one(&t, psk_of("", 32, 2, 1), false, DT_ERR_NOT_FOUND);
    two(&t, extensions_of(GU_EXT), extensions_of(GU_EXT), DT_ERR_REFUSED);
    one(&t, extensions_of(0xf123), true, DT_ERR_UNSUPPORTED);
    /* Without a path, whose leaf would be looked at as well: those who stay come first. */
    one(&t, extensions_of(0xf123), false, DT_ERR_UNSUPPORTED);
    one(&t, required_of(0xf7b0), false, DT_ERR_UNSUPPORTED);
    /* Extensions that have no place in a GroupContext. */
    one(&t, extensions_of(MLS_EXT_APPLICATION_ID), true, DT_ERR_REFUSED);
    one(&t, extensions_of(MLS_EXT_RATCHET_TREE), true, DT_ERR_REFUSED);
    one(&t, extensions_of(MLS_EXT_EXTERNAL_PUB), true, DT_ERR_REFUSED);
    one(&t, raw_of(5, dt_view_of(odd_reinit)), false, DT_ERR_REFUSED);
    one(&t, raw_of(5, dt_view_of(old_reinit)), true, DT_ERR_REFUSED);
    two(&t, raw_of(5, dt_view_of(reinit)), remove_of(2), DT_ERR_REFUSED);
    two(&t, remove_of(2), raw_of(5, dt_view_of(reinit)), DT_ERR_REFUSED);
    two(&t, raw_of(5, dt_view_of(reinit)), raw_of(5, dt_view_of(reinit)), DT_ERR_REFUSED);
    /* A ReInit that is fine leads as far as the confirmation tag, without a path. */
    one(&t, raw_of(5, dt_view_of(reinit)), false, DT_ERR_AUTH);
    one(&t, raw_of(6, dt_view_of(external_init)), true, DT_ERR_REFUSED);
    assert_ok(mls_proposal_new_private(0xf999, dt_view_str("w"), &p));
    one(&t, p, true, DT_ERR_REFUSED);
    p = NULL;
    /* The committer's own Update; its leaf is taken from the tree, so all else about it is right.
     */
    leaf = mls_tree_leaf_ref(&t.p[0].group->tree, 0);
    assert_ok(mls_proposal_new_update(leaf, &p));
    mls_leaf_node_unref(leaf);
    one(&t, p, true, DT_ERR_REFUSED);
    /* The same with a leaf that any other member could propose. */
    mls_leaf_fields_from(&fields, mls_tree_leaf(&t.p[0].group->tree, 0));
    fields.source = MLS_LEAF_UPDATE;
    fields.encryption_key = dt_view_of(key);
    assert_ok(mls_leaf_node_new(t.p[0].group->suite, &fields,
                                dt_secret_view(&t.p[0].group->signature_priv),
                                t.p[0].group->context.group_id, 0, &leaf));
    assert_ok(mls_proposal_new_update(leaf, &p));
    mls_leaf_node_unref(leaf);
    one(&t, p, true, DT_ERR_REFUSED);
    /* And a removal that is fine leads as far as the path, which is of another commit. */
    one(&t, remove_of(2), true, DT_ERR_FORMAT);
    gu_agree(t.all, 3);
    gu_say(&t.p[0], "nothing happened", t.all, 3);
    gu_party_clear(&d);
    trio_clear(&t);
}

/* RFC 9420 sections 11.1, 12.1.1 and 13.4: who is added supports what the group requires and uses;
 * those who are told of it look as closely as who adds. */
static void
test_added_capabilities(void **state)
{
    static const uint16_t none[] = {0};
    struct trio t;

    (void)state;
    trio_init(&t);
    for (int i = 0; i < 4; i++) {
        struct mls_typed_list nothing = {NULL, 0};
        struct mls_leaf_params leaf;
        struct mls_proposal *p;
        struct gu_party d;

        gu_party_init(&d, 1, "dan");
        leaf = gu_leaf(&d);
        if (i == 1)
            leaf.extension_types = (struct mls_type_list){none, 0};
        else if (i == 2)
            leaf.proposal_types = (struct mls_type_list){none, 0};
        else if (i == 3)
            leaf.suite = 3;
        dt_buf_clear(&d.key_package);
        mls_key_bundle_clear(&d.bundle);
        assert_ok(mls_key_package_new(&leaf, GU_NOW_S - 1, GU_NOW_S + 60, nothing, &d.key_package,
                                      &d.bundle));
        p = add_of(&d);
        /* One that can come in leads as far as the confirmation tag. */
        one(&t, p, false, i == 0 ? DT_ERR_AUTH : DT_ERR_UNSUPPORTED);
        gu_party_clear(&d);
    }
    trio_clear(&t);
}

/* A Commit of ada's by reference to what bob and she proposed, made by no rule. RFC 9420 section
 * 12.2: one Update or Remove for a leaf, and none of the committer's own. */
static void
test_proposals_by_reference(void **state)
{
    struct trio t;
    const struct mls_cached_proposal *cache;
    /* Bob's Update, twice; his Remove of cyd; ada's Remove of cyd, and of bob; ada's own Update. */
    const struct {
        size_t from;
        struct mls_propose_opts opts;
    } made[] = {
        {1, {.kind = MLS_PROPOSE_UPDATE}},
        {1, {.kind = MLS_PROPOSE_UPDATE}},
        {1, {.kind = MLS_PROPOSE_REMOVE, .remove = 2}},
        {0, {.kind = MLS_PROPOSE_REMOVE, .remove = 2}},
        {0, {.kind = MLS_PROPOSE_REMOVE, .remove = 1}},
        {0, {.kind = MLS_PROPOSE_UPDATE}},
    };
    static const struct {
        size_t n;
        size_t refs[2];
        const char *why;
    } table[] = {
        {2, {0, 1}, "two proposals concern leaf 1"}, {2, {2, 3}, "two proposals concern leaf 2"},
        {2, {0, 4}, "two proposals concern leaf 1"}, {2, {4, 0}, "two proposals concern leaf 1"},
        {1, {5}, "the committer's own Update"},      {2, {0, 0}, NULL},
    };

    (void)state;
    trio_init(&t);
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);

        assert_ok(mls_group_propose(t.p[made[i].from].group, &made[i].opts, &m));
        for (size_t k = 0; k < 3; k++) {
            struct mls_event e = {0};

            if (k == made[i].from)
                continue;
            assert_ok(mls_group_process(t.p[k].group, no_psks, dt_buf_view(&m), &e));
            assert_int_equal(e.kind, MLS_EVENT_PROPOSAL);
            mls_event_clear(&e);
        }
        dt_buf_clear(&m);
    }
    cache = t.p[0].group->cache;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct mls_commit c = {0};
        struct dt_buf m;

        for (size_t k = 0; k < table[i].n; k++)
            assert_ok(mls_commit_add(&c, NULL, dt_view(cache[table[i].refs[k]].ref, 32)));
        c.path = a_path(&t);
        bad_commit(t.p[0].group, &c, &m);
        assert_refused(DT_ERR_REFUSED, t.p[2].group, no_psks, &m, 0);
        if (table[i].why != NULL)
            assert_string_equal(dt_err_message(), table[i].why);
        dt_buf_clear(&m);
        mls_commit_clear(&c);
    }
    trio_clear(&t);
}

/* Past the most that a Commit may have, its maker is named all the same. */
static void
test_too_many_proposals(void **state)
{
    struct trio t;
    struct mls_proposal *p = remove_of(2);
    struct mls_commit c = {0};
    struct dt_buf m;

    (void)state;
    trio_init(&t);
    c.n = MLS_COMMIT_PROPOSALS_MAX + 1;
    c.proposals = dt_alloc(c.n, sizeof *c.proposals);
    assert_non_null(c.proposals);
    for (size_t i = 0; i < c.n; i++)
        c.proposals[i].proposal = mls_proposal_ref(p);
    bad_commit(t.p[0].group, &c, &m);
    assert_refused(DT_ERR_LIMIT, t.p[1].group, no_psks, &m, 0);
    dt_buf_clear(&m);
    mls_commit_clear(&c);
    mls_proposal_unref(p);
    trio_clear(&t);
}

/* The confirmation tag is not signed, so whoever commits can send another one: all members refuse
 * it. */
static void
test_confirmation_tag(void **state)
{
    struct trio t;
    struct mls_group *before = NULL;
    struct mls_commit_opts empty = {0};
    struct mls_commit_out out = {0};
    struct mls_pending *pending;

    (void)state;
    trio_init(&t);
    assert_ok(mls_group_clone(t.p[0].group, &before));
    assert_ok(mls_group_commit(t.p[0].group, &empty, &out));
    pending = t.p[0].group->pending;
    for (size_t len = 0; len <= 34; len++) {
        struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
        struct dt_writer w = dt_writer_init(&content);
        uint8_t tag[34] = {0};
        struct dt_buf m;

        memcpy(tag, pending->content.p + pending->content.n - 32, len < 32 ? len : 32);
        if (len == 32)
            tag[31] ^= 1;
        dt_write_view(&w, dt_view(pending->content.p, pending->content.n - 33));
        dt_write_vec(&w, dt_view(tag, len));
        assert_ok(dt_writer_end(&w));
        seal_as(before, 0, MLS_RATCHET_HANDSHAKE, mls_group_handshake_generation(before), &content,
                &m);
        assert_refused(DT_ERR_AUTH, t.p[1].group, no_psks, &m, 0);
        dt_buf_clear(&content);
        dt_buf_clear(&m);
    }
    /* A bad one took no key away from the good one. */
    gu_follow(&t.p[1], dt_buf_view(&out.commit));
    gu_follow(&t.p[2], dt_buf_view(&out.commit));
    assert_ok(mls_group_take_pending(t.p[0].group, GU_NOW_MS));
    gu_agree(t.all, 3);
    mls_group_free(before);
    mls_commit_out_clear(&out);
    trio_clear(&t);
}

/* One member's path secret is spoiled: it alone cannot follow, and is told so. */
static void
test_spoiled_path(void **state)
{
    struct trio t;
    struct mls_group *before = NULL;
    struct mls_commit_opts empty = {0};
    struct mls_commit_out out = {0};
    struct mls_auth_content c = {0};
    struct mls_commit bad = {0};
    struct dt_buf copy = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf path = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf m;
    struct dt_reader r;
    struct mls_event e = {0};

    (void)state;
    trio_init(&t);
    gu_commit(&t.p[1], &empty, t.all, 3, NULL);
    assert_ok(mls_group_clone(t.p[0].group, &before));
    assert_ok(mls_group_commit(t.p[0].group, &empty, &out));
    assert_ok(dt_buf_set(&copy, dt_buf_view(&t.p[0].group->pending->content)));
    assert_ok(mls_auth_content_parse(&copy, &c, NULL));
    assert_ok(dt_buf_set(&path, dt_buf_view(&c.commit.path->raw)));
    /* The last bytes of the path are the last ciphertext, the one for the far side of the tree. */
    path.p[path.n - 1] ^= 1;
    r = dt_reader_init(dt_buf_view(&path));
    assert_ok(mls_update_path_read(&r, &bad.path));
    bad_commit(before, &bad, &m);
    assert_ok(mls_group_process(t.p[2].group, no_psks, dt_buf_view(&m), &e));
    assert_int_equal(e.kind, MLS_EVENT_COMMIT_LOST);
    assert_int_equal(mls_staged_effects(e.staged)->committer, 0);
    assert_true(mls_staged_effects(e.staged)->path);
    assert_err(DT_ERR_STATE, mls_group_take(t.p[2].group, e.staged, 0));
    mls_event_clear(&e);
    assert_refused(DT_ERR_AUTH, t.p[1].group, no_psks, &m, 0);
    dt_buf_clear(&m);
    mls_commit_clear(&bad);
    mls_auth_content_clear(&c);
    dt_buf_clear(&path);
    mls_group_free(before);
    mls_commit_out_clear(&out);
    trio_clear(&t);
}

/* cyd knows every key of the epoch but signs as itself: it cannot speak for ada, nor burn her keys.
 */
static void
test_section_6_3_1_forged_sender(void **state)
{
    struct trio t;
    struct mls_group *g;
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PRIVATE_MESSAGE,
                                   .content_type = MLS_CONTENT_APPLICATION,
                                   .sender = 0,
                                   .authenticated_data = dt_view_str("aad"),
                                   .application_data = dt_view_str("not from ada")};
    struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf m;
    struct dt_buf real;
    struct mls_event e = {0};
    size_t end;

    (void)state;
    trio_init(&t);
    g = t.p[2].group;
    f.group_id = g->context.group_id;
    f.epoch = g->context.epoch;
    assert_ok(mls_content_sign(g->suite, &f, dt_buf_view(&g->context.raw),
                               dt_secret_view(&g->signature_priv), &content, &end));
    seal_as(g, 0, MLS_RATCHET_APPLICATION, 0, &content, &m);
    assert_err(DT_ERR_AUTH, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
    /* To ada it is not proof of a restored copy either: the signature is not hers. */
    assert_err(DT_ERR_AUTH, mls_group_process(t.p[0].group, no_psks, dt_buf_view(&m), &e));
    gu_protect(&t.p[0], "from ada", &real);
    gu_hear(&t.p[1], dt_buf_view(&real), "from ada");
    dt_buf_clear(&m);
    dt_buf_clear(&content);
    /* A blank leaf and one outside the tree send nothing. */
    f.sender = 3;
    assert_ok(mls_content_sign(g->suite, &f, dt_buf_view(&g->context.raw),
                               dt_secret_view(&g->signature_priv), &content, &end));
    seal_as(g, 3, MLS_RATCHET_APPLICATION, 0, &content, &m);
    assert_err(DT_ERR_AUTH, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
    dt_buf_clear(&m);
    dt_buf_clear(&content);
    dt_buf_clear(&real);
    trio_clear(&t);
}

/* Padding is zero bytes and nothing else: what is hidden there is refused. */
static void
test_section_6_3_1_padding_channel(void **state)
{
    struct trio t;
    struct mls_group *g;
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PRIVATE_MESSAGE,
                                   .content_type = MLS_CONTENT_APPLICATION,
                                   .application_data = dt_view_str("visible")};
    static const uint8_t hidden[] = {0, 0, 1, 0};
    struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf m;
    struct mls_event e = {0};
    size_t end;

    (void)state;
    trio_init(&t);
    g = t.p[0].group;
    f.group_id = g->context.group_id;
    f.epoch = g->context.epoch;
    assert_ok(mls_content_sign(g->suite, &f, dt_buf_view(&g->context.raw),
                               dt_secret_view(&g->signature_priv), &content, &end));
    assert_ok(dt_buf_append(&content, dt_view_of(hidden)));
    seal_as(g, 0, MLS_RATCHET_APPLICATION, 0, &content, &m);
    assert_err(DT_ERR_FORMAT, mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
    dt_buf_clear(&m);
    content.p[content.n - 2] = 0;
    seal_as(g, 0, MLS_RATCHET_APPLICATION, 0, &content, &m);
    assert_ok(mls_group_process(t.p[1].group, no_psks, dt_buf_view(&m), &e));
    assert_int_equal(e.kind, MLS_EVENT_APPLICATION);
    mls_event_clear(&e);
    dt_buf_clear(&m);
    dt_buf_clear(&content);
    trio_clear(&t);
}

/* A Commit by reference of another member's Update: the only way an Update is taken. */
static void
test_update_by_reference(void **state)
{
    struct trio t;
    struct mls_group *g;
    struct mls_leaf_fields fields;
    struct mls_leaf_node *leaf = NULL;
    struct mls_proposal *p = NULL;
    struct mls_content_fields f = {.wire_format = MLS_WIRE_PRIVATE_MESSAGE,
                                   .content_type = MLS_CONTENT_PROPOSAL};
    struct mls_commit_opts opts = {.commit_cached = true};
    struct mls_commit_out out = {0};
    struct dt_secret priv = {0};
    uint8_t pub[64];
    struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf m;
    struct mls_event e = {0};
    const struct mls_effects *eff;
    size_t end;

    (void)state;
    trio_init(&t);
    g = t.p[2].group;
    mls_leaf_fields_from(&fields, mls_tree_leaf(&g->tree, 2));
    assert_ok(dt_x25519_new(&priv, pub));
    fields.encryption_key = dt_view(pub, 32);
    fields.source = MLS_LEAF_UPDATE;
    assert_ok(mls_leaf_node_new(g->suite, &fields, dt_secret_view(&g->signature_priv),
                                g->context.group_id, 2, &leaf));
    assert_ok(mls_proposal_new_update(leaf, &p));
    f.group_id = g->context.group_id;
    f.epoch = g->context.epoch;
    f.sender = 2;
    f.proposal = p;
    assert_ok(mls_content_sign(g->suite, &f, dt_buf_view(&g->context.raw),
                               dt_secret_view(&g->signature_priv), &content, &end));
    seal_as(g, 2, MLS_RATCHET_HANDSHAKE, mls_group_handshake_generation(g), &content, &m);
    for (size_t i = 0; i < 2; i++) {
        assert_ok(mls_group_process(t.p[i].group, no_psks, dt_buf_view(&m), &e));
        assert_int_equal(e.kind, MLS_EVENT_PROPOSAL);
        mls_event_clear(&e);
    }
    assert_ok(mls_group_commit(t.p[0].group, &opts, &out));
    assert_ok(mls_group_process(t.p[1].group, no_psks, dt_buf_view(&out.commit), &e));
    eff = mls_staged_effects(e.staged);
    assert_true(eff->by_reference);
    assert_int_equal(eff->n_updated, 2);
    assert_views_equal(eff->updated[1].after.encryption_key, dt_view(pub, 32));
    assert_ok(mls_group_take(t.p[1].group, e.staged, GU_NOW_MS));
    e.staged = NULL;
    mls_event_clear(&e);
    assert_ok(mls_group_take_pending(t.p[0].group, GU_NOW_MS));
    gu_agree(t.all, 2);
    dt_buf_clear(&m);
    dt_buf_clear(&content);
    mls_commit_out_clear(&out);
    mls_proposal_unref(p);
    mls_leaf_node_unref(leaf);
    dt_secret_clear(&priv);
    trio_clear(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_12_2_proposal_lists),
        cmocka_unit_test(test_too_many_proposals),
        cmocka_unit_test(test_confirmation_tag),
        cmocka_unit_test(test_spoiled_path),
        cmocka_unit_test(test_section_6_3_1_forged_sender),
        cmocka_unit_test(test_section_6_3_1_padding_channel),
        cmocka_unit_test(test_update_by_reference),
        cmocka_unit_test(test_added_capabilities),
        cmocka_unit_test(test_proposals_by_reference),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
