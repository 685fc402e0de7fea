/*
 * tests/mls/test_group_info.c - GroupInfo on its own: what it says, and what makes a joiner refuse
 * it.
 *
 * Source: RFC 9420 sections 12.4.3, 12.4.3.2 and 12.4.3.3. A test's name says the section.
 */
#include <string.h>

#include "mls/group_internal.h"
#include "mls/welcome.h"

#include "group_util.h"

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

struct scene {
    struct gu_party ada, bob, eve;
    struct gu_party *members[2];
};

static void
scene_init(struct scene *s)
{
    gu_party_init(&s->ada, 1, "ada");
    gu_party_init(&s->bob, 1, "bob");
    gu_party_init(&s->eve, 1, "eve");
    s->ada.outside = s->bob.outside = MLS_OUTSIDE_JOIN;
    s->members[0] = &s->ada;
    s->members[1] = &s->bob;
    gu_create(&s->ada);
    gu_add(&s->ada, &s->bob, s->members, 1);
}

static void
scene_clear(struct scene *s)
{
    gu_party_clear(&s->ada);
    gu_party_clear(&s->bob);
    gu_party_clear(&s->eve);
}

/* eve tries to join on ${info}. */
static enum dt_err
enter(const struct scene *s, struct dt_view info, struct dt_view tree, uint16_t suite)
{
    struct mls_external_join_params x = {.group_info = info, .ratchet_tree = tree};
    struct dt_buf commit = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_group *g = NULL;
    enum dt_err err;

    x.leaf = gu_leaf(&s->eve);
    x.leaf.suite = suite;
    err = mls_group_join_external(&x, &g, &commit, NULL);
    assert_true((err == DT_OK) == (g != NULL));
    assert_true((err == DT_OK) == (commit.n > 0));
    mls_group_free(g);
    dt_buf_clear(&commit);
    return err;
}

static void
tree_of(const struct mls_group *g, struct dt_buf *out)
{
    struct dt_writer w;

    dt_buf_init(out, MLS_MESSAGE_MAX);
    w = dt_writer_init(out);
    mls_tree_write(&w, &g->tree);
    assert_ok(dt_writer_end(&w));
}

static void
test_section_12_4_3_what_it_says(void **state)
{
    struct scene s;
    struct mls_typed about[] = {{0xf7b1, dt_view_str("about")}, {0x0a0a, dt_view_str("grease")}};
    struct mls_group_info_opts opts = {.extensions = {about, 2}};
    struct mls_group_info_peeked peeked;
    struct dt_buf info = DT_BUF_INIT(MLS_MESSAGE_MAX);
    size_t plain;

    (void)state;
    scene_init(&s);
    assert_ok(mls_group_info_export(s.bob.group, &opts, &info));
    assert_ok(mls_group_info_peek(dt_buf_view(&info), &peeked));
    assert_int_equal(peeked.suite, 1);
    assert_int_equal(peeked.epoch, 1);
    assert_int_equal(peeked.signer, 1);
    assert_views_equal(peeked.group_id, dt_view_str("a test group"));
    assert_false(peeked.external_pub);
    assert_false(peeked.ratchet_tree);
    plain = info.n;
    dt_buf_clear(&info);
    opts.external_pub = true;
    opts.ratchet_tree = true;
    assert_ok(mls_group_info_export(s.bob.group, &opts, &info));
    assert_ok(mls_group_info_peek(dt_buf_view(&info), &peeked));
    assert_true(peeked.external_pub);
    assert_true(peeked.ratchet_tree);
    assert_true(info.n > plain);
    /* Appended, and left alone on failure: one of ours a second time. */
    plain = info.n;
    about[1].type = MLS_EXT_EXTERNAL_PUB;
    assert_err(DT_ERR_FORMAT, mls_group_info_export(s.bob.group, &opts, &info));
    assert_int_equal(info.n, plain);
    for (size_t i = 0; i < info.n; i += 7)
        assert_int_not_equal(mls_group_info_peek(dt_view(info.p, i), &peeked), DT_OK);
    assert_err(DT_ERR_FORMAT, mls_group_info_peek(dt_buf_view(&s.ada.key_package), &peeked));
    dt_buf_clear(&info);
    scene_clear(&s);
}

/* The joiner gets the caller's extensions and the signer. */
static void
test_section_12_4_3_2_join_info(void **state)
{
    struct scene s;
    struct mls_typed about = {0xf7b1, dt_view_str("about")};
    struct mls_group_info_opts opts = {
        .external_pub = true, .ratchet_tree = true, .extensions = {&about, 1}};
    struct mls_external_join_params x = {0};
    struct mls_join_info joined = {0};
    struct dt_buf info = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf commit = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_view body;

    (void)state;
    scene_init(&s);
    assert_ok(mls_group_info_export(s.bob.group, &opts, &info));
    x.group_info = dt_buf_view(&info);
    x.leaf = gu_leaf(&s.eve);
    assert_ok(mls_group_join_external(&x, &s.eve.group, &commit, &joined));
    assert_int_equal(joined.signer, 1);
    assert_true(mls_join_info_extension(&joined, 0xf7b1, &body));
    assert_views_equal(body, dt_view_str("about"));
    assert_true(mls_join_info_extension(&joined, MLS_EXT_EXTERNAL_PUB, &body));
    assert_false(mls_join_info_extension(&joined, MLS_EXT_RATCHET_TREE, &body));
    mls_join_info_clear(&joined);
    dt_buf_clear(&info);
    dt_buf_clear(&commit);
    scene_clear(&s);
}

/* The tree in it, beside it, nowhere, and another's. */
static void
test_section_12_4_3_3_tree(void **state)
{
    struct scene s;
    struct dt_buf with;
    struct dt_buf without;
    struct dt_buf tree;
    struct dt_buf old;
    const struct dt_view none = {0};

    (void)state;
    scene_init(&s);
    tree_of(s.ada.group, &old);
    {
        struct mls_commit_opts opts = {.force_path = true};

        gu_commit(&s.ada, &opts, s.members, 2, NULL);
    }
    gu_info(&s.ada, true, &with);
    gu_info(&s.ada, false, &without);
    tree_of(s.ada.group, &tree);
    assert_ok(enter(&s, dt_buf_view(&with), none, 1));
    assert_ok(enter(&s, dt_buf_view(&without), dt_buf_view(&tree), 1));
    assert_err(DT_ERR_NOT_FOUND, enter(&s, dt_buf_view(&without), none, 1));
    assert_err(DT_ERR_AUTH, enter(&s, dt_buf_view(&without), dt_buf_view(&old), 1));
    assert_err(DT_ERR_FORMAT, enter(&s, dt_buf_view(&without), dt_view(tree.p, tree.n - 1), 1));
    dt_buf_clear(&with);
    dt_buf_clear(&without);
    dt_buf_clear(&tree);
    dt_buf_clear(&old);
    scene_clear(&s);
}

static void
test_section_12_4_3_2_without_a_key(void **state)
{
    struct scene s;
    struct mls_group_info_opts opts = {.ratchet_tree = true};
    struct dt_buf info = DT_BUF_INIT(MLS_MESSAGE_MAX);
    const struct dt_view none = {0};

    (void)state;
    scene_init(&s);
    assert_ok(mls_group_info_export(s.ada.group, &opts, &info));
    assert_err(DT_ERR_NOT_FOUND, enter(&s, dt_buf_view(&info), none, 1));
    dt_buf_clear(&info);
    scene_clear(&s);
}

/* Of another suite than the leaf that is to go in; and what is no GroupInfo. */
static void
test_section_12_4_3_2_suite(void **state)
{
    struct scene s;
    struct dt_buf info;
    const struct dt_view none = {0};

    (void)state;
    scene_init(&s);
    gu_info(&s.ada, true, &info);
    assert_err(DT_ERR_REFUSED, enter(&s, dt_buf_view(&info), none, 3));
    assert_err(DT_ERR_FORMAT, enter(&s, dt_buf_view(&s.ada.key_package), none, 1));
    dt_buf_clear(&info);
    scene_clear(&s);
}

/* A GroupInfo of ${g} that says what ${f} says. */
static void
make_info(const struct mls_group *g, const struct mls_info_fields *f, struct dt_buf *out)
{
    struct dt_writer w;
    struct dt_buf info = DT_BUF_INIT(MLS_MESSAGE_MAX);

    dt_buf_init(out, MLS_MESSAGE_MAX);
    w = dt_writer_init(out);
    assert_ok(mls_group_info_make(g->suite, f, &info));
    mls_message_write(&w, MLS_WIRE_GROUP_INFO);
    dt_write_view(&w, dt_buf_view(&info));
    assert_ok(dt_writer_end(&w));
    dt_buf_clear(&info);
}

/* The signer is the member it names; every byte is signed over. */
static void
test_section_12_4_3_signature(void **state)
{
    struct scene s;
    const uint8_t tag[32] = {1};
    struct mls_info_fields f = {.confirmation_tag = dt_view_of(tag)};
    struct mls_group_info_peeked peeked;
    struct dt_buf info;
    struct dt_buf tree;
    const struct dt_view none = {0};

    (void)state;
    scene_init(&s);
    f.context = &s.ada.group->context;
    f.tree = &s.ada.group->tree;
    f.external_secret = dt_secret_view(&s.ada.group->secrets.external);
    f.sig_priv = dt_secret_view(&s.ada.group->signature_priv);
    f.signer = 1; /* bob, by ada's key */
    make_info(s.ada.group, &f, &info);
    assert_err(DT_ERR_AUTH, enter(&s, dt_buf_view(&info), none, 1));
    dt_buf_clear(&info);
    f.signer = 7;
    make_info(s.ada.group, &f, &info);
    assert_err(DT_ERR_AUTH, enter(&s, dt_buf_view(&info), none, 1));
    dt_buf_clear(&info);
    f.signer = 0;
    make_info(s.ada.group, &f, &info);
    assert_ok(enter(&s, dt_buf_view(&info), none, 1));
    dt_buf_clear(&info);
    gu_info(&s.ada, false, &info);
    tree_of(s.ada.group, &tree);
    for (size_t i = 4; i < info.n; i++) {
        info.p[i] ^= 0x10;
        assert_int_not_equal(enter(&s, dt_buf_view(&info), dt_buf_view(&tree), 1), DT_OK);
        info.p[i] ^= 0x10;
    }
    assert_ok(mls_group_info_peek(dt_buf_view(&info), &peeked));
    assert_ok(enter(&s, dt_buf_view(&info), dt_buf_view(&tree), 1));
    dt_buf_clear(&info);
    dt_buf_clear(&tree);
    scene_clear(&s);
}

/* The hashes of a GroupContext are as long as the suite's, also when a member signed it. */
static void
test_section_8_1_hash_lengths(void **state)
{
    static const size_t lengths[][2] = {{32, 31}, {32, 33}, {32, 0}, {31, 32}};
    static const uint8_t longer[33] = {1};
    struct scene s;
    const uint8_t tag[32] = {1};
    struct mls_info_fields f = {.confirmation_tag = dt_view_of(tag)};
    struct mls_group_context context = {0};
    const struct mls_group_context *own;
    struct dt_buf info;
    const struct dt_view none = {0};

    (void)state;
    scene_init(&s);
    own = &s.ada.group->context;
    f.context = &context;
    f.tree = &s.ada.group->tree;
    f.external_secret = dt_secret_view(&s.ada.group->secrets.external);
    f.sig_priv = dt_secret_view(&s.ada.group->signature_priv);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        assert_ok(mls_group_context_new(
            1, own->group_id, own->epoch, dt_view(own->tree_hash.p, lengths[i][0]),
            dt_view(longer, lengths[i][1]), own->extensions.raw, &context));
        make_info(s.ada.group, &f, &info);
        assert_err(DT_ERR_FORMAT, enter(&s, dt_buf_view(&info), none, 1));
        dt_buf_clear(&info);
        mls_group_context_clear(&context);
    }
    scene_clear(&s);
}

/* external_pub holds a key of the suite and nothing else. */
static void
test_section_12_4_3_2_bad_key(void **state)
{
    static const uint8_t bad[][36] = {{31}, {33}, {32}, {0}};
    static const size_t lengths[] = {32, 34, 34, 1};
    struct scene s;
    const uint8_t tag[32] = {1};
    struct mls_typed pub = {.type = MLS_EXT_EXTERNAL_PUB};
    struct mls_info_fields f = {.confirmation_tag = dt_view_of(tag), .extensions = {&pub, 1}};
    struct dt_buf info;
    const struct dt_view none = {0};

    (void)state;
    scene_init(&s);
    f.context = &s.ada.group->context;
    f.tree = &s.ada.group->tree;
    f.sig_priv = dt_secret_view(&s.ada.group->signature_priv);
    for (size_t i = 0; i < 4; i++) {
        pub.body = dt_view(bad[i], lengths[i]);
        make_info(s.ada.group, &f, &info);
        assert_err(DT_ERR_FORMAT, enter(&s, dt_buf_view(&info), none, 1));
        dt_buf_clear(&info);
    }
    /* A key in form, of small order: nothing can be agreed with it. */
    pub.body = dt_view(bad[2], 33);
    make_info(s.ada.group, &f, &info);
    assert_err(DT_ERR_AUTH, enter(&s, dt_buf_view(&info), none, 1));
    dt_buf_clear(&info);
    scene_clear(&s);
}

/* ada's GroupInfo with these extensions in it and in the GroupContext, whatever they are. */
static void
sign_info(const struct scene *s, uint16_t in_info, uint16_t in_context, struct dt_view data,
          struct dt_buf *out)
{
    const struct mls_group *g = s->ada.group;
    struct mls_group_context context = {0};
    struct dt_buf extensions = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf of_context = DT_BUF_INIT(MLS_MESSAGE_MAX);
    const uint8_t tag[32] = {1};
    struct dt_writer w;

    dt_buf_init(out, MLS_MESSAGE_MAX);
    w = dt_writer_init(out);
    mls_message_write(&w, MLS_WIRE_GROUP_INFO);
    assert_ok(dt_writer_end(&w));
    if (in_info != 0)
        assert_ok(mls_extension_append(&extensions, in_info, data));
    assert_ok(dt_buf_append(&of_context, g->context.extensions.raw));
    if (in_context != 0)
        assert_ok(mls_extension_append(&of_context, in_context, data));
    assert_ok(mls_group_context_new(1, g->context.group_id, g->context.epoch, g->context.tree_hash,
                                    g->context.confirmed_transcript_hash, dt_buf_view(&of_context),
                                    &context));
    assert_ok(mls_group_info_sign(g->suite, dt_buf_view(&context.raw), dt_buf_view(&extensions),
                                  dt_view_of(tag), 0, dt_secret_view(&g->signature_priv), out));
    mls_group_context_clear(&context);
    dt_buf_clear(&extensions);
    dt_buf_clear(&of_context);
}

/* RFC 9420 section 17.3: each extension where it belongs; and one that holds what it should. */
static void
test_section_17_3_places(void **state)
{
    static const uint8_t broken[] = {3, 1, 'k'};
    static const struct {
        uint16_t in_info, in_context;
        enum dt_err want;
    } table[] = {
        {MLS_EXT_REQUIRED_CAPABILITIES, 0, DT_ERR_REFUSED},
        {MLS_EXT_APPLICATION_ID, 0, DT_ERR_REFUSED},
        {0, MLS_EXT_RATCHET_TREE, DT_ERR_REFUSED},
        {0, MLS_EXT_EXTERNAL_PUB, DT_ERR_REFUSED},
        {0, MLS_EXT_EXTERNAL_SENDERS, DT_ERR_FORMAT},
        {0, 0, DT_ERR_NOT_FOUND}, /* nothing is wrong with it, but that it has no key */
    };
    struct scene s;
    struct dt_buf info;
    struct dt_buf tree;

    (void)state;
    scene_init(&s);
    tree_of(s.ada.group, &tree);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        sign_info(&s, table[i].in_info, table[i].in_context, dt_view_of(broken), &info);
        assert_err(table[i].want, enter(&s, dt_buf_view(&info), dt_buf_view(&tree), 1));
        dt_buf_clear(&info);
    }
    dt_buf_clear(&tree);
    scene_clear(&s);
}

/* What the joiner itself asks for must be possible. */
static void
test_section_12_4_3_2_own_leaf(void **state)
{
    static uint8_t large[MLS_AUTHENTICATED_DATA_MAX + 1];
    struct scene s;
    struct mls_external_join_params x = {0};
    struct mls_group *g = NULL;
    struct dt_buf commit = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf info;

    (void)state;
    scene_init(&s);
    gu_info(&s.ada, true, &info);
    x.group_info = dt_buf_view(&info);
    x.leaf = gu_leaf(&s.eve);
    x.policy.outside = MLS_OUTSIDE_ALL + 1;
    assert_err(DT_ERR_RANGE, mls_group_join_external(&x, &g, &commit, NULL));
    x.policy.outside = 0;
    x.authenticated_data = dt_view_of(large);
    assert_err(DT_ERR_LIMIT, mls_group_join_external(&x, &g, &commit, NULL));
    x.authenticated_data = dt_view(NULL, 0);
    /* The group requires what this leaf would not support. */
    x.leaf.proposal_types.n = 0;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_join_external(&x, &g, &commit, NULL));
    assert_int_equal(commit.n, 0);
    assert_null(g);
    dt_buf_clear(&info);
    scene_clear(&s);
}

/* Who was removed says nothing of the group any more. */
static void
test_section_12_4_3_members_only(void **state)
{
    struct scene s;
    struct mls_group_info_opts opts = {.ratchet_tree = true};
    const uint32_t bob = 1;
    struct mls_commit_opts removal = {.removes = &bob, .n_removes = 1};
    struct dt_buf info = DT_BUF_INIT(MLS_MESSAGE_MAX);

    (void)state;
    scene_init(&s);
    gu_commit(&s.ada, &removal, s.members, 2, NULL);
    assert_err(DT_ERR_STATE, mls_group_info_export(s.bob.group, &opts, &info));
    assert_int_equal(info.n, 0);
    scene_clear(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_12_4_3_what_it_says),
        cmocka_unit_test(test_section_12_4_3_2_join_info),
        cmocka_unit_test(test_section_12_4_3_3_tree),
        cmocka_unit_test(test_section_12_4_3_2_without_a_key),
        cmocka_unit_test(test_section_12_4_3_2_suite),
        cmocka_unit_test(test_section_12_4_3_signature),
        cmocka_unit_test(test_section_8_1_hash_lengths),
        cmocka_unit_test(test_section_12_4_3_2_bad_key),
        cmocka_unit_test(test_section_17_3_places),
        cmocka_unit_test(test_section_12_4_3_2_own_leaf),
        cmocka_unit_test(test_section_12_4_3_members_only),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
