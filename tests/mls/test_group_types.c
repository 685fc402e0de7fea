/*
 * tests/mls/test_group_types.c - what a group may be made of: suites with malleable signatures,
 * credentials of other types, values that nobody knows, a ratchet tree that travels by itself.
 *
 * Source: RFC 9420 sections 5.1, 5.3, 7.2, 7.3, 12.2, 12.4.3.3, 13.3, 13.4, 13.5.
 */
#include <string.h>

#include "mls/group_internal.h"
#include "mls/library.h"

#include "group_util.h"

static const struct mls_psk_list no_psks = {NULL, 0};
static const struct mls_typed_list no_extensions = {NULL, 0};

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

/* A client whose leaf says what ${leaf} says. */
struct client {
    struct mls_leaf_params leaf;
    struct dt_secret priv;
    struct dt_buf pub;
    struct dt_buf key_package;
    struct mls_key_bundle bundle;
    struct gu_party in; /* its group */
};

static void
client_init(struct client *c, uint16_t suite, struct dt_view identity)
{
    memset(c, 0, sizeof *c);
    dt_buf_init(&c->pub, 256);
    dt_buf_init(&c->key_package, MLS_MESSAGE_MAX);
    assert_ok(mls_signature_key_new(suite, &c->priv, &c->pub));
    c->leaf.suite = suite;
    c->leaf.signature_priv = dt_secret_view(&c->priv);
    c->leaf.signature_pub = dt_buf_view(&c->pub);
    c->leaf.identity = identity;
}

static void
client_clear(struct client *c)
{
    dt_secret_clear(&c->priv);
    dt_buf_clear(&c->pub);
    dt_buf_clear(&c->key_package);
    mls_key_bundle_clear(&c->bundle);
    mls_group_free(c->in.group);
    rows_clear(&c->in.rows);
}

static enum dt_err
package(struct client *c, struct mls_typed_list extensions)
{
    return mls_key_package_new(&c->leaf, GU_NOW_S - 3600, GU_NOW_S + 86400, extensions,
                               &c->key_package, &c->bundle);
}

static enum dt_err
create(struct client *c, struct mls_type_list required)
{
    struct mls_group_params params = {.leaf = c->leaf,
                                      .group_id = dt_view_str("a group of types"),
                                      .required_extensions = required,
                                      .not_before_s = GU_NOW_S,
                                      .not_after_s = GU_NOW_S + 86400};

    return mls_group_create(&params, &c->in.group);
}

static enum dt_err
join(struct client *c, struct dt_view welcome, struct dt_view tree, struct mls_join_info *info)
{
    struct mls_join_params params = {.welcome = welcome,
                                     .key_package = dt_buf_view(&c->key_package),
                                     .bundle = &c->bundle,
                                     .signature_priv = dt_secret_view(&c->priv),
                                     .lifetime = gu_clock,
                                     .ratchet_tree = tree,
                                     .allow_malleable = c->leaf.allow_malleable};

    return mls_group_join(&params, &c->in.group, info);
}

static void
test_malleable(void **state)
{
    const uint16_t suites[] = {2, 5, 7};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct mls_commit_opts opts = {.n_adds = 1, .lifetime = gu_clock};
        struct mls_commit_out out = {0};
        struct client ada;
        struct client bob;
        struct gu_party *all[] = {&ada.in, &bob.in};
        struct dt_view add;

        client_init(&ada, suites[i], dt_view_str("ada"));
        client_init(&bob, suites[i], dt_view_str("bob"));
        assert_err(DT_ERR_UNSUPPORTED, create(&ada, (struct mls_type_list){NULL, 0}));
        assert_err(DT_ERR_UNSUPPORTED, package(&bob, no_extensions));
        ada.leaf.allow_malleable = true;
        bob.leaf.allow_malleable = true;
        assert_ok(create(&ada, (struct mls_type_list){NULL, 0}));
        assert_ok(package(&bob, no_extensions));
        add = dt_buf_view(&bob.key_package);
        opts.adds = &add;
        gu_commit(&ada.in, &opts, all, 1, &out);
        bob.leaf.allow_malleable = false;
        assert_err(DT_ERR_UNSUPPORTED,
                   join(&bob, dt_buf_view(&out.welcome), dt_view(NULL, 0), NULL));
        bob.leaf.allow_malleable = true;
        assert_ok(join(&bob, dt_buf_view(&out.welcome), dt_view(NULL, 0), NULL));
        gu_agree(all, 2);
        gu_say(&bob.in, "malleable, and asked for", all, 2);
        gu_reload(&bob.in);
        mls_commit_out_clear(&out);
        client_clear(&ada);
        client_clear(&bob);
    }
}

/* A certificate chain of two, as the content of certificates<V>. */
static const uint8_t chain[] = {3, 'c', 'e', 'r', 2, 'c', 'a'};
#define ODD_TYPE 0xf00du

static void
expect_member(const struct mls_group *g, uint32_t leaf, uint16_t type, struct dt_view body)
{
    struct mls_member m;

    assert_true(mls_group_member(g, leaf, &m));
    assert_int_equal(m.credential_type, type);
    assert_views_equal(m.credential, body);
    assert_views_equal(m.identity, type == 1 ? body : dt_view(NULL, 0));
}

/* A basic, an x509 and an unknown credential in one group whose members list all three; one who
 * does not list one of them cannot come in. */
static void
test_section_5_3_1_credential_types(void **state)
{
    const uint16_t types[] = {1, 2, ODD_TYPE};
    struct mls_commit_opts opts = {.lifetime = gu_clock};
    struct mls_propose_opts update = {.kind = MLS_PROPOSE_UPDATE};
    struct mls_commit_opts cached = {.commit_cached = true};
    struct mls_commit_out out = {0};
    struct mls_key_package_info info;
    struct mls_event e = {0};
    struct client c[4];
    struct gu_party *all[] = {&c[0].in, &c[1].in, &c[2].in};
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_view adds[2];

    (void)state;
    client_init(&c[0], 1, dt_view_str("ada"));
    client_init(&c[1], 1, dt_view_of(chain));
    client_init(&c[2], 1, dt_view_str("token"));
    client_init(&c[3], 1, dt_view_str("eve"));
    c[1].leaf.credential_type = MLS_CREDENTIAL_X509;
    c[2].leaf.credential_type = ODD_TYPE;
    for (size_t i = 0; i < 3; i++)
        c[i].leaf.credential_types = (struct mls_type_list){types, 3};
    assert_ok(create(&c[0], (struct mls_type_list){NULL, 0}));
    for (size_t i = 1; i < 4; i++)
        assert_ok(package(&c[i], no_extensions));
    assert_ok(mls_key_package_open(dt_buf_view(&c[1].key_package), &gu_clock, &info, NULL));
    assert_int_equal(info.credential_type, MLS_CREDENTIAL_X509);
    assert_views_equal(info.credential, dt_view_of(chain));
    assert_int_equal(info.identity.n, 0);
    adds[0] = dt_buf_view(&c[1].key_package);
    adds[1] = dt_buf_view(&c[2].key_package);
    opts.adds = adds;
    opts.n_adds = 2;
    gu_commit(&c[0].in, &opts, all, 1, &out);
    for (size_t i = 1; i < 3; i++)
        assert_ok(join(&c[i], dt_buf_view(&out.welcome), dt_view(NULL, 0), NULL));
    gu_agree(all, 3);
    for (size_t i = 0; i < 3; i++) {
        expect_member(c[i].in.group, 0, 1, dt_view_str("ada"));
        expect_member(c[i].in.group, 1, 2, dt_view_of(chain));
        expect_member(c[i].in.group, 2, ODD_TYPE, dt_view_str("token"));
        gu_reload(&c[i].in);
    }
    assert_ok(mls_group_protect(c[1].in.group, dt_view(NULL, 0), dt_view_str("x"), 0, &m));
    assert_ok(mls_group_process(c[2].in.group, no_psks, dt_buf_view(&m), &e));
    assert_int_equal(e.sender.credential_type, 2);
    assert_views_equal(e.sender.credential, dt_view_of(chain));
    assert_int_equal(e.sender.identity.n, 0);
    mls_event_clear(&e);
    dt_buf_clear(&m);
    /* Eve lists basic alone. */
    adds[0] = dt_buf_view(&c[3].key_package);
    opts.n_adds = 1;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_commit(c[0].in.group, &opts, &out));
    /* Ada takes an x509 credential, by an Update that another commits. */
    update.rotation.new_identity = dt_view_of(chain);
    update.rotation.new_credential_type = MLS_CREDENTIAL_X509;
    assert_ok(mls_group_propose(c[0].in.group, &update, &m));
    for (size_t i = 1; i < 3; i++) {
        assert_ok(mls_group_process(c[i].in.group, no_psks, dt_buf_view(&m), &e));
        mls_event_clear(&e);
    }
    gu_commit(&c[2].in, &cached, all, 3, NULL);
    gu_agree(all, 3);
    expect_member(c[1].in.group, 0, 2, dt_view_of(chain));
    /* A chain that is none, a type that is not in its own list. */
    dt_buf_clear(&m);
    update.rotation.new_identity = dt_view_str("no chain");
    assert_err(DT_ERR_FORMAT, mls_group_propose(c[0].in.group, &update, &m));
    update.rotation.new_identity = dt_view_str("x");
    update.rotation.new_credential_type = ODD_TYPE + 1;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_propose(c[0].in.group, &update, &m));
    dt_buf_clear(&m);
    mls_commit_out_clear(&out);
    for (size_t i = 0; i < 4; i++)
        client_clear(&c[i]);
}

/* Values of RFC 9420 section 13.5 wherever they may stand: nobody minds, and they stay. */
static void
test_grease(void **state)
{
    const uint16_t grease[] = {0x0a0a, 0x1a1a, 0xeaea};
    const struct mls_typed leaf_extension = {0x0a0a, dt_view_str("random")};
    const struct mls_typed package_extension = {0x5a5a, dt_view_str("bytes")};
    const struct mls_typed info_extensions[] = {{0x7a7a, dt_view_str("nobody")},
                                                {0x8a8a, {NULL, 0}}};
    struct mls_commit_opts opts = {
        .n_adds = 1, .lifetime = gu_clock, .group_info_extensions = {info_extensions, 2}};
    struct mls_commit_opts empty = {0};
    struct mls_commit_out out = {0};
    struct mls_join_info info = {0};
    struct client c[2];
    struct gu_party *all[] = {&c[0].in, &c[1].in};
    struct dt_view got;
    struct dt_view add;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        client_init(&c[i], 3, dt_view_str(i == 0 ? "ada" : "bob"));
        c[i].leaf.cipher_suites = (struct mls_type_list){grease, 3};
        c[i].leaf.credential_types = (struct mls_type_list){grease, 3};
        c[i].leaf.extension_types = (struct mls_type_list){grease, 3};
        c[i].leaf.proposal_types = (struct mls_type_list){grease, 3};
        c[i].leaf.leaf_extensions = (struct mls_typed_list){&leaf_extension, 1};
        assert_ok(package(&c[i], (struct mls_typed_list){&package_extension, 1}));
    }
    assert_ok(create(&c[0], (struct mls_type_list){NULL, 0}));
    add = dt_buf_view(&c[1].key_package);
    opts.adds = &add;
    gu_commit(&c[0].in, &opts, all, 1, &out);
    assert_ok(join(&c[1], dt_buf_view(&out.welcome), dt_view(NULL, 0), &info));
    assert_int_equal(info.n_extensions, 2);
    assert_true(mls_join_info_extension(&info, 0x7a7a, &got));
    assert_views_equal(got, dt_view_str("nobody"));
    gu_commit(&c[1].in, &empty, all, 2, NULL);
    gu_commit(&c[0].in, &empty, all, 2, NULL);
    gu_agree(all, 2);
    gu_say(&c[1].in, "greased", all, 2);
    gu_reload(&c[0].in);
    /* In the GroupContext such a value would bind, and is refused like any that one does not
     * support; one that is supported, which only its sender could mean, is an extension. */
    opts = (struct mls_commit_opts){.set_extensions = true, .extensions = {&info_extensions[0], 1}};
    assert_err(DT_ERR_UNSUPPORTED, mls_group_commit(c[0].in.group, &opts, &out));
    mls_join_info_clear(&info);
    mls_commit_out_clear(&out);
    client_clear(&c[0]);
    client_clear(&c[1]);
}

static bool
is_grease(uint16_t x)
{
    return (x & 0x0f0f) == 0x0a0a && x >> 8 == (x & 0xff) && x != 0xfafa;
}

static size_t
n_grease(struct dt_view list)
{
    size_t n = 0;

    for (size_t i = 0; i < mls_u16s_count(list); i++)
        n += is_grease(mls_u16s_at(list, i));
    return n;
}

static size_t
n_grease_extensions(struct dt_view raw)
{
    struct mls_extension x;
    size_t n = 0;

    while (mls_extensions_next(&raw, &x))
        n += is_grease(x.type);
    return n;
}

/* Ours, when asked for: one in each list, and all values come up. */
static void
test_own_grease(void **state)
{
    struct mls_commit_opts opts = {.n_adds = 1, .lifetime = gu_clock, .grease = true};
    struct mls_commit_out out = {0};
    struct mls_join_info info = {0};
    struct client c[2];
    struct gu_party *all[] = {&c[0].in, &c[1].in};
    struct mls_key_package *kp = NULL;
    struct dt_view body;
    struct dt_view add;
    uint16_t seen[15] = {0};
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        client_init(&c[i], 1, dt_view_str(i == 0 ? "ada" : "bob"));
        c[i].leaf.grease = true;
        assert_ok(package(&c[i], no_extensions));
    }
    add = dt_buf_view(&c[1].key_package);
    assert_ok(mls_message_body(add, MLS_WIRE_KEY_PACKAGE, &body));
    assert_ok(mls_key_package_parse(body, &kp));
    assert_int_equal(n_grease(kp->leaf->capabilities.cipher_suites), 1);
    assert_int_equal(n_grease(kp->leaf->capabilities.extensions), 1);
    assert_int_equal(n_grease(kp->leaf->capabilities.proposals), 1);
    assert_int_equal(n_grease(kp->leaf->capabilities.credentials), 1);
    assert_int_equal(n_grease(kp->leaf->capabilities.versions), 0);
    assert_int_equal(n_grease_extensions(kp->leaf->extensions.raw), 1);
    assert_int_equal(n_grease_extensions(kp->extensions.raw), 1);
    mls_key_package_unref(kp);
    assert_ok(create(&c[0], (struct mls_type_list){NULL, 0}));
    opts.adds = &add;
    gu_commit(&c[0].in, &opts, all, 1, &out);
    assert_ok(join(&c[1], dt_buf_view(&out.welcome), dt_view(NULL, 0), &info));
    assert_int_equal(info.n_extensions, 1);
    assert_true(is_grease(info.extensions[0].type));
    gu_agree(all, 2);
    gu_say(&c[0].in, "greased", all, 2);
    for (size_t i = 0; i < 2000; i++) {
        uint16_t x;

        assert_ok(mls_grease_pick(&x));
        assert_true(is_grease(x));
        seen[x >> 12] = 1;
    }
    for (size_t i = 0; i < 15; i++)
        n += seen[i];
    assert_int_equal(n, 15);
    mls_join_info_clear(&info);
    mls_commit_out_clear(&out);
    client_clear(&c[0]);
    client_clear(&c[1]);
}

/* A leaf extension that its own capabilities do not list, GREASE or not. */
static void
test_section_7_3_grease_not_listed(void **state)
{
    const struct mls_typed leaf_extension = {0x0a0a, dt_view_str("random")};
    struct client c;

    (void)state;
    client_init(&c, 1, dt_view_str("ada"));
    c.leaf.leaf_extensions = (struct mls_typed_list){&leaf_extension, 1};
    assert_err(DT_ERR_REFUSED, create(&c, (struct mls_type_list){NULL, 0}));
    client_clear(&c);
}

/* RFC 9420 section 17.3: its own extensions stand where they belong, in what is made and in what is
 * received. */
static void
test_section_17_3_extension_places(void **state)
{
    const enum dt_err in_leaf[] = {DT_OK, DT_ERR_REFUSED, DT_ERR_REFUSED, DT_ERR_REFUSED,
                                   DT_ERR_REFUSED};
    struct mls_commit_opts opts = {.n_adds = 1, .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct mls_key_package_info info;
    struct client ada;
    struct dt_view add;

    (void)state;
    client_init(&ada, 1, dt_view_str("ada"));
    assert_ok(create(&ada, (struct mls_type_list){NULL, 0}));
    opts.adds = &add;
    for (uint16_t type = 1; type <= 5; type++) {
        struct mls_typed x = {type, dt_view_str("x")};
        struct mls_typed_list list = {&x, 1};
        struct mls_commit_opts info_opts = {
            .n_adds = 1, .adds = &add, .lifetime = gu_clock, .group_info_extensions = list};
        struct client c;

        /* In a leaf: application_id alone. */
        client_init(&c, 1, dt_view_str("bob"));
        c.leaf.leaf_extensions = list;
        assert_ok(package(&c, no_extensions));
        add = dt_buf_view(&c.key_package);
        assert_err(in_leaf[type - 1], mls_key_package_open(add, &gu_clock, &info, NULL));
        assert_err(in_leaf[type - 1], mls_group_commit(ada.in.group, &opts, &out));
        mls_group_drop_pending(ada.in.group);
        client_clear(&c);
        /* In a key package: none of them. */
        client_init(&c, 1, dt_view_str("bob"));
        assert_ok(package(&c, list));
        add = dt_buf_view(&c.key_package);
        assert_err(DT_ERR_REFUSED, mls_key_package_open(add, &gu_clock, &info, NULL));
        assert_err(DT_ERR_REFUSED, mls_group_commit(ada.in.group, &opts, &out));
        client_clear(&c);
        /* In a GroupInfo: external_pub; the ratchet tree stands in it already. */
        client_init(&c, 1, dt_view_str("bob"));
        assert_ok(package(&c, no_extensions));
        add = dt_buf_view(&c.key_package);
        assert_err(type == MLS_EXT_EXTERNAL_PUB   ? DT_OK
                   : type == MLS_EXT_RATCHET_TREE ? DT_ERR_FORMAT
                                                  : DT_ERR_REFUSED,
                   mls_group_commit(ada.in.group, &info_opts, &out));
        mls_group_drop_pending(ada.in.group);
        client_clear(&c);
    }
    mls_commit_out_clear(&out);
    client_clear(&ada);
}

/* RFC 9420 section 12.1.7: what is newly required, all that are in the next epoch have: those who
 * stay, those who come in the same Commit, not those who go. */
static void
test_section_12_1_7_required_for_all(void **state)
{
    static const uint8_t body[] = {2, 0xf7, 0xb0, 0, 0}; /* extension type 0xf7b0 */
    const uint16_t extra[] = {0xf7b0};
    const uint32_t two = 2;
    struct mls_typed required = {MLS_EXT_REQUIRED_CAPABILITIES, dt_view_of(body)};
    struct mls_commit_opts opts = {.lifetime = gu_clock};
    struct mls_commit_opts gce = {
        .set_extensions = true, .extensions = {&required, 1}, .lifetime = gu_clock};
    struct mls_propose_opts proposal = {.kind = MLS_PROPOSE_EXTENSIONS,
                                        .extensions = {&required, 1}};
    struct mls_commit_out out = {0};
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct client c[4];
    struct gu_party *all[] = {&c[0].in, &c[1].in, &c[2].in};
    struct dt_view adds[2];
    struct dt_view late;
    struct dt_view got;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const char *names[] = {"ada", "bob", "cyd", "dan"};

        client_init(&c[i], 1, dt_view_str(names[i]));
        if (i < 2)
            c[i].leaf.extension_types = (struct mls_type_list){extra, 1};
        assert_ok(package(&c[i], no_extensions));
    }
    assert_ok(create(&c[0], (struct mls_type_list){NULL, 0}));
    adds[0] = dt_buf_view(&c[1].key_package);
    adds[1] = dt_buf_view(&c[2].key_package);
    opts.adds = adds;
    opts.n_adds = 2;
    gu_commit(&c[0].in, &opts, all, 1, &out);
    for (size_t i = 1; i < 3; i++)
        assert_ok(join(&c[i], dt_buf_view(&out.welcome), dt_view(NULL, 0), NULL));
    /* Cyd lacks it. */
    assert_err(DT_ERR_UNSUPPORTED, mls_group_commit(c[0].in.group, &gce, &out));
    assert_err(DT_ERR_UNSUPPORTED, mls_group_propose(c[1].in.group, &proposal, &m));
    /* Cyd goes, and dan, who comes, lacks it. */
    gce.removes = &two;
    gce.n_removes = 1;
    late = dt_buf_view(&c[3].key_package);
    gce.adds = &late;
    gce.n_adds = 1;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_commit(c[0].in.group, &gce, &out));
    gce.n_adds = 0;
    gu_commit(&c[0].in, &gce, all, 3, NULL);
    assert_true(mls_group_extension(c[1].in.group, MLS_EXT_REQUIRED_CAPABILITIES, &got));
    assert_views_equal(got, dt_view_of(body));
    dt_buf_clear(&m);
    mls_commit_out_clear(&out);
    for (size_t i = 0; i < 4; i++)
        client_clear(&c[i]);
}

/* A private-use proposal is for those who are in the next epoch to support, not for one who goes in
 * the same Commit. */
static void
test_section_12_2_who_goes_needs_no_support(void **state)
{
    const uint16_t extra[] = {0xf7b1};
    const uint32_t two = 2;
    const struct mls_typed warrant = {0xf7b1, dt_view_str("w")};
    struct mls_commit_opts opts = {.n_adds = 2, .lifetime = gu_clock};
    struct mls_commit_opts act = {.private_use = {&warrant, 1}, .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct client c[3];
    struct gu_party *all[] = {&c[0].in, &c[1].in, &c[2].in};
    struct dt_view adds[2];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const char *names[] = {"ada", "bob", "cyd"};

        client_init(&c[i], 1, dt_view_str(names[i]));
        if (i < 2)
            c[i].leaf.proposal_types = (struct mls_type_list){extra, 1};
        assert_ok(package(&c[i], no_extensions));
    }
    assert_ok(create(&c[0], (struct mls_type_list){NULL, 0}));
    adds[0] = dt_buf_view(&c[1].key_package);
    adds[1] = dt_buf_view(&c[2].key_package);
    opts.adds = adds;
    gu_commit(&c[0].in, &opts, all, 1, &out);
    for (size_t i = 1; i < 3; i++)
        assert_ok(join(&c[i], dt_buf_view(&out.welcome), dt_view(NULL, 0), NULL));
    mls_commit_out_clear(&out);
    /* While cyd stays, nobody may. */
    assert_err(DT_ERR_REFUSED, mls_group_commit(c[0].in.group, &act, &out));
    act.removes = &two;
    act.n_removes = 1;
    gu_commit(&c[0].in, &act, all, 3, NULL);
    gu_agree(all, 2);
    assert_int_equal(mls_group_n_members(c[1].in.group), 2);
    assert_false(mls_group_is_member(c[2].in.group));
    for (size_t i = 0; i < 3; i++)
        client_clear(&c[i]);
}

/* In a GroupContext from its beginning: required_capabilities and external_senders. */
static void
test_section_17_3_first_context(void **state)
{
    (void)state;
    for (uint16_t type = 1; type <= 5; type++) {
        struct mls_typed x = {type, dt_view_str("\0\0\0")};
        struct mls_group *g = NULL;
        struct client c;
        struct mls_group_params params;
        enum dt_err err;

        client_init(&c, 1, dt_view_str("ada"));
        params = (struct mls_group_params){.leaf = c.leaf,
                                           .group_id = dt_view_str("g"),
                                           .extensions = {&x, 1},
                                           .not_after_s = GU_NOW_S};
        err = mls_group_create(&params, &g);
        if (type == MLS_EXT_REQUIRED_CAPABILITIES || type == MLS_EXT_EXTERNAL_SENDERS)
            assert_int_not_equal(err, DT_ERR_REFUSED);
        else
            assert_err(DT_ERR_REFUSED, err);
        mls_group_free(g);
        client_clear(&c);
    }
}

/* What the joiner brings is its own, in time, and of the Welcome's suite. */
static void
test_joiner(void **state)
{
    struct mls_commit_opts opts = {.n_adds = 1, .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct client ada;
    struct client bob;
    struct mls_join_params good;
    struct mls_join_params params;
    struct dt_view add;

    (void)state;
    client_init(&ada, 1, dt_view_str("ada"));
    client_init(&bob, 1, dt_view_str("bob"));
    assert_ok(create(&ada, (struct mls_type_list){NULL, 0}));
    assert_ok(package(&bob, no_extensions));
    add = dt_buf_view(&bob.key_package);
    opts.adds = &add;
    assert_ok(mls_group_commit(ada.in.group, &opts, &out));
    good = (struct mls_join_params){.welcome = dt_buf_view(&out.welcome),
                                    .key_package = add,
                                    .bundle = &bob.bundle,
                                    .signature_priv = dt_secret_view(&bob.priv),
                                    .lifetime = gu_clock};
    params = good;
    params.signature_priv = dt_secret_view(&ada.priv);
    assert_err(DT_ERR_AUTH, mls_group_join(&params, &bob.in.group, NULL));
    params.signature_priv = dt_view(bob.priv.p, bob.priv.n - 1);
    assert_int_not_equal(mls_group_join(&params, &bob.in.group, NULL), DT_OK);
    params = good;
    params.lifetime.now_ms += UINT64_C(3) * 86400000;
    assert_err(DT_ERR_EXPIRED, mls_group_join(&params, &bob.in.group, NULL));
    params = good;
    params.policy.past_epochs = MLS_PAST_EPOCHS_MAX + 1;
    assert_err(DT_ERR_RANGE, mls_group_join(&params, &bob.in.group, NULL));
    params = good;
    params.policy.resumption_psks = MLS_RESUMPTION_PSKS_MAX + 1;
    assert_err(DT_ERR_RANGE, mls_group_join(&params, &bob.in.group, NULL));
    /* The Welcome says another suite; behind version and wire format. */
    out.welcome.p[5] = 3;
    assert_err(DT_ERR_REFUSED, mls_group_join(&good, &bob.in.group, NULL));
    out.welcome.p[5] = 99;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_join(&good, &bob.in.group, NULL));
    out.welcome.p[5] = 1;
    assert_ok(mls_group_join(&good, &bob.in.group, NULL));
    mls_commit_out_clear(&out);
    client_clear(&ada);
    client_clear(&bob);
}

/* What a group cannot begin with. */
static void
test_creator(void **state)
{
    uint8_t id[MLS_GROUP_ID_MAX + 1] = {1};
    struct mls_group_params params;
    struct mls_group *g = NULL;
    struct client c;

    (void)state;
    client_init(&c, 1, dt_view_str("ada"));
    params = (struct mls_group_params){
        .leaf = c.leaf, .group_id = dt_view_of(id), .not_after_s = GU_NOW_S};
    assert_err(DT_ERR_LIMIT, mls_group_create(&params, &g));
    params.group_id.n--;
    params.policy.past_epochs = MLS_PAST_EPOCHS_MAX + 1;
    assert_err(DT_ERR_RANGE, mls_group_create(&params, &g));
    params.policy.past_epochs = 0;
    params.policy.resumption_psks = MLS_RESUMPTION_PSKS_MAX + 1;
    assert_err(DT_ERR_RANGE, mls_group_create(&params, &g));
    params.policy.resumption_psks = 0;
    params.leaf.suite = 99;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_create(&params, &g));
    params.leaf.suite = 1;
    assert_ok(mls_group_create(&params, &g));
    mls_group_free(g);
    client_clear(&c);
}

/* A Welcome to a group that one is in already. */
static void
test_section_12_4_3_1_group_id_held(void **state)
{
    struct mls_commit_opts opts = {.n_adds = 1, .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct dt_view held[] = {dt_view_str("another"), dt_view_str("a group of types")};
    struct client ada;
    struct client bob;
    struct mls_join_params params;
    struct dt_view add;

    (void)state;
    client_init(&ada, 1, dt_view_str("ada"));
    client_init(&bob, 1, dt_view_str("bob"));
    assert_ok(create(&ada, (struct mls_type_list){NULL, 0}));
    assert_ok(package(&bob, no_extensions));
    add = dt_buf_view(&bob.key_package);
    opts.adds = &add;
    assert_ok(mls_group_commit(ada.in.group, &opts, &out));
    params = (struct mls_join_params){.welcome = dt_buf_view(&out.welcome),
                                      .key_package = add,
                                      .bundle = &bob.bundle,
                                      .signature_priv = dt_secret_view(&bob.priv),
                                      .held = held,
                                      .n_held = 2};
    assert_err(DT_ERR_EXISTS, mls_group_join(&params, &bob.in.group, NULL));
    params.n_held = 1;
    assert_ok(mls_group_join(&params, &bob.in.group, NULL));
    mls_commit_out_clear(&out);
    client_clear(&ada);
    client_clear(&bob);
}

static void
test_tree_apart(void **state)
{
    struct mls_commit_opts opts = {.n_adds = 1, .lifetime = gu_clock, .tree_apart = true};
    struct mls_commit_out out = {0};
    struct mls_commit_out whole = {0};
    struct dt_buf before = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf tree = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct client c[2];
    struct gu_party *all[] = {&c[0].in, &c[1].in};
    struct dt_view welcome;
    struct dt_view add;

    (void)state;
    client_init(&c[0], 1, dt_view_str("ada"));
    client_init(&c[1], 1, dt_view_str("bob"));
    assert_ok(create(&c[0], (struct mls_type_list){NULL, 0}));
    assert_ok(package(&c[1], no_extensions));
    add = dt_buf_view(&c[1].key_package);
    opts.adds = &add;
    opts.tree_apart = false;
    assert_ok(mls_group_commit(c[0].in.group, &opts, &whole));
    mls_group_drop_pending(c[0].in.group);
    opts.tree_apart = true;
    assert_ok(mls_group_commit(c[0].in.group, &opts, &out));
    assert_ok(mls_group_ratchet_tree(c[0].in.group, &before));
    assert_ok(mls_group_ratchet_tree(mls_group_pending_next(c[0].in.group), &tree));
    /* The tree is out of it, and of the saved one. */
    assert_true(out.welcome.n + tree.n <= whole.welcome.n);
    gu_reload(&c[0].in);
    welcome = dt_buf_view(&out.welcome);
    assert_err(DT_ERR_NOT_FOUND, join(&c[1], welcome, dt_view(NULL, 0), NULL));
    assert_err(DT_ERR_AUTH, join(&c[1], welcome, dt_buf_view(&before), NULL));
    for (size_t i = 0; i < tree.n; i++) {
        enum dt_err err;

        tree.p[i] ^= 1;
        err = join(&c[1], welcome, dt_buf_view(&tree), NULL);
        assert_int_not_equal(err, DT_OK);
        tree.p[i] ^= 1;
    }
    assert_ok(join(&c[1], welcome, dt_buf_view(&tree), NULL));
    assert_ok(mls_group_take_pending(c[0].in.group, GU_NOW_MS));
    gu_agree(all, 2);
    gu_say(&c[1].in, "by another way", all, 2);
    dt_buf_clear(&before);
    dt_buf_clear(&tree);
    mls_commit_out_clear(&out);
    mls_commit_out_clear(&whole);
    client_clear(&c[0]);
    client_clear(&c[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malleable),
        cmocka_unit_test(test_section_5_3_1_credential_types),
        cmocka_unit_test(test_own_grease),
        cmocka_unit_test(test_grease),
        cmocka_unit_test(test_section_7_3_grease_not_listed),
        cmocka_unit_test(test_tree_apart),
        cmocka_unit_test(test_section_17_3_extension_places),
        cmocka_unit_test(test_section_12_1_7_required_for_all),
        cmocka_unit_test(test_section_12_2_who_goes_needs_no_support),
        cmocka_unit_test(test_section_17_3_first_context),
        cmocka_unit_test(test_section_12_4_3_1_group_id_held),
        cmocka_unit_test(test_joiner),
        cmocka_unit_test(test_creator),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
