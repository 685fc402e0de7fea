/*
 * tests/mls/test_refused.c - one structure at a time with one thing wrong in it, where no whole
 * group is needed to see that it is refused. `tools/mutate-mls` says which checks stand here alone.
 *
 * Source: RFC 9420 sections 6, 6.1, 6.2, 6.3.2, 8.4, 11.1, 12.1, 12.4, 12.4.3.1.
 */
#include <string.h>

#include "base/mem.h"
#include "mls/group_internal.h"
#include "mls/label.h"
#include "mls/welcome.h"

#include "group_util.h"

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

/* Section 6: an MLSMessage is of a wire format that is known, of the one that is expected, of this
 * version, no longer than any may be. */
static void
test_section_6_message_header(void **state)
{
    uint8_t head[4] = {0, 1, 0, 0};
    struct dt_view body;
    struct dt_buf large = DT_BUF_INIT(MLS_MESSAGE_MAX + 1);

    (void)state;
    for (unsigned format = 0; format < 9; format++) {
        struct dt_reader r = dt_reader_init(dt_view_of(head));
        enum mls_wire_format got;

        head[3] = (uint8_t)format;
        assert_err(format >= 1 && format <= 5 ? DT_OK : DT_ERR_UNSUPPORTED,
                   mls_message_read(&r, &got));
        r = dt_reader_init(dt_view_of(head));
        for (int want = 1; want <= 5 && format >= 1 && format <= 5; want++)
            assert_err((unsigned)want == format ? DT_OK : DT_ERR_FORMAT,
                       mls_message_body(dt_view_of(head), (enum mls_wire_format)want, &body));
    }
    head[3] = 1;
    head[1] = 2;
    assert_err(DT_ERR_UNSUPPORTED,
               mls_message_body(dt_view_of(head), MLS_WIRE_PUBLIC_MESSAGE, &body));
    head[1] = 1;
    assert_ok(dt_buf_set(&large, dt_view_of(head)));
    assert_ok(dt_buf_reserve(&large, MLS_MESSAGE_MAX + 1 - 4));
    memset(large.p + 4, 0, MLS_MESSAGE_MAX + 1 - 4);
    large.n = MLS_MESSAGE_MAX;
    assert_ok(mls_message_body(dt_buf_view(&large), MLS_WIRE_PUBLIC_MESSAGE, &body));
    large.n++;
    assert_err(DT_ERR_LIMIT, mls_message_body(dt_buf_view(&large), MLS_WIRE_PUBLIC_MESSAGE, &body));
    dt_buf_clear(&large);
}

/* An AuthenticatedContent of application data, with the wire format given. */
static void
content_of(uint16_t wire_format, uint8_t content_type, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_buf_clear(out);
    dt_write_u16(&w, wire_format);
    dt_write_vec(&w, dt_view_str("g")); /* group_id */
    dt_write_u64(&w, 1);                /* epoch */
    dt_write_u8(&w, 1);                 /* sender: member */
    dt_write_u32(&w, 0);
    dt_write_vec(&w, dt_view(NULL, 0)); /* authenticated_data */
    dt_write_u8(&w, content_type);
    dt_write_vec(&w, dt_view_str("data"));
    dt_write_vec(&w, dt_view_str("signature"));
    assert_ok(dt_writer_end(&w));
}

/* Section 6.1: nothing follows the content, which belongs to a message of a group. */
static void
test_section_6_1_content(void **state)
{
    struct dt_buf raw = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_auth_content c = {0};

    (void)state;
    for (uint16_t format = 0; format < 7; format++) {
        content_of(format, MLS_CONTENT_APPLICATION, &raw);
        assert_err(format == 1 || format == 2 ? DT_OK : DT_ERR_FORMAT,
                   mls_auth_content_parse(&raw, &c, NULL));
        mls_auth_content_clear(&c);
    }
    for (unsigned type = 0; type < 6; type++) {
        if (type == MLS_CONTENT_PROPOSAL || type == MLS_CONTENT_COMMIT)
            continue;
        content_of(MLS_WIRE_PRIVATE_MESSAGE, (uint8_t)type, &raw);
        assert_err(type == MLS_CONTENT_APPLICATION ? DT_OK : DT_ERR_FORMAT,
                   mls_auth_content_parse(&raw, &c, NULL));
        mls_auth_content_clear(&c);
    }
    content_of(MLS_WIRE_PRIVATE_MESSAGE, MLS_CONTENT_APPLICATION, &raw);
    assert_ok(dt_buf_append(&raw, dt_view_str("x")));
    assert_err(DT_ERR_FORMAT, mls_auth_content_parse(&raw, &c, NULL));
    dt_buf_clear(&raw);
}

/* Section 6.3: the fields of a PrivateMessage, and nothing after them. */
static void
test_section_6_3_private_message(void **state)
{
    struct mls_private_message m = {.group_id = dt_view_str("g"),
                                    .encrypted_sender_data = dt_view_str("sender"),
                                    .ciphertext = dt_view_str("text")};
    struct mls_private_message got;

    (void)state;
    for (unsigned type = 0; type < 6; type++) {
        struct dt_buf raw = DT_BUF_INIT(1024);
        struct dt_writer w = dt_writer_init(&raw);
        bool fine = type >= 1 && type <= 3;

        m.content_type = (uint8_t)type;
        mls_private_message_write(&w, &m);
        assert_ok(dt_writer_end(&w));
        assert_err(fine ? DT_OK : DT_ERR_FORMAT,
                   mls_private_message_parse(dt_buf_view(&raw), &got));
        assert_ok(dt_buf_append(&raw, dt_view_str("x")));
        assert_err(DT_ERR_FORMAT, mls_private_message_parse(dt_buf_view(&raw), &got));
        dt_buf_clear(&raw);
    }
}

/* Section 6.3.2: the sender data are twelve bytes, whatever a member seals in their place. */
static void
test_section_6_3_2_sender_data(void **state)
{
    const struct dt_suite *suite = dt_suite_get(1);
    static const uint8_t secret[32] = {1, 2, 3};
    static const uint8_t plain[16] = {0};
    struct mls_private_message m = {.group_id = dt_view_str("g"),
                                    .epoch = 5,
                                    .content_type = MLS_CONTENT_APPLICATION,
                                    .ciphertext = dt_view_str("a ciphertext of some length")};
    struct mls_sender_data got;
    struct dt_secret key = {0};
    struct dt_secret nonce = {0};

    (void)state;
    assert_ok(mls_sender_data_keys(suite, dt_view_of(secret), m.ciphertext, &key, &nonce));
    for (size_t n = 10; n <= 14; n++) {
        struct dt_buf aad = DT_BUF_INIT(64);
        struct dt_buf sealed = DT_BUF_INIT(64);
        struct dt_writer w = dt_writer_init(&aad);

        dt_write_vec(&w, m.group_id);
        dt_write_u64(&w, m.epoch);
        dt_write_u8(&w, m.content_type);
        assert_ok(dt_writer_end(&w));
        assert_ok(dt_aead_seal(suite->aead, dt_secret_view(&key), dt_secret_view(&nonce),
                               dt_buf_view(&aad), dt_view(plain, n), &sealed));
        m.encrypted_sender_data = dt_buf_view(&sealed);
        assert_err(n == 12 ? DT_OK : DT_ERR_FORMAT,
                   mls_sender_data_open(suite, dt_view_of(secret), &m, &got));
        dt_buf_clear(&aad);
        dt_buf_clear(&sealed);
    }
    dt_secret_clear(&key);
    dt_secret_clear(&nonce);
}

/* Section 11.1: three lists, and nothing after them. */
static void
test_section_11_1_required_capabilities(void **state)
{
    static const uint8_t raw[] = {2, 0xf7, 0xa0, 0, 2, 0, 1, 0};
    struct mls_required_capabilities got;

    (void)state;
    for (size_t n = 0; n <= sizeof raw; n++)
        assert_err(n == sizeof raw - 1 ? DT_OK : DT_ERR_FORMAT,
                   mls_required_capabilities_parse(dt_view(raw, n), &got));
}

/* Section 8.4: indices and counts of PSKs are uint16. Section 5.1.3: a KEM output has one length.
 */
static void
test_section_8_4_counts(void **state)
{
    const struct dt_suite *suite = dt_suite_get(1);
    static const uint8_t priv[32] = {7};
    static const uint8_t kem[40] = {9};
    struct mls_psk_input *many = dt_alloc(UINT16_MAX + 1, sizeof *many);
    struct mls_hpke_ciphertext sealed = {.ciphertext =
                                             dt_view_str("a ciphertext of 30 bytes or so")};
    struct dt_secret out = {0};
    struct dt_buf plain = DT_BUF_INIT(100);

    (void)state;
    assert_non_null(many);
    assert_err(DT_ERR_LIMIT, mls_psk_secret(suite, many, UINT16_MAX + 1, &out));
    dt_free(many);
    for (size_t n = 0; n < sizeof kem; n++) {
        sealed.kem_output = dt_view(kem, n);
        assert_err(DT_ERR_AUTH, mls_decrypt_with_label(suite, dt_view_of(priv), "Welcome",
                                                       dt_view(NULL, 0), &sealed, &plain));
    }
    dt_buf_clear(&plain);
    dt_secret_clear(&out);
}

static struct mls_proposal *
remove_of(uint32_t leaf)
{
    struct mls_proposal *p = NULL;

    assert_ok(mls_proposal_new_remove(leaf, &p));
    return p;
}

/* Section 12.4: a Commit of ours has no more proposals than others read, and what a Commit names
 * is a hash of one proposal, named once. */
static void
test_section_12_4_references(void **state)
{
    const struct mls_sender by = {.type = MLS_SENDER_MEMBER};
    struct gu_party a;
    struct mls_proposal *p = remove_of(1);
    struct mls_proposal_list got = {0};
    struct mls_commit c = {0};
    uint8_t ref[DT_HASH_MAX] = {4};

    (void)state;
    gu_party_init(&a, 1, "ada");
    gu_create(&a);
    assert_ok(mls_group_cache_add(a.group, ref, by, p));
    assert_err(DT_ERR_EXISTS, mls_group_cache_add(a.group, ref, by, p));
    for (size_t n = 0; n < 40; n++) {
        assert_ok(mls_commit_add(&c, NULL, dt_view(ref, n)));
        assert_err(n == 32 ? DT_OK : DT_ERR_REFUSED, mls_group_resolve(a.group, &c, by, &got));
        mls_proposal_list_clear(&got);
        mls_commit_clear(&c);
    }
    assert_ok(mls_commit_add(&c, NULL, dt_view(ref, 32)));
    assert_ok(mls_commit_add(&c, NULL, dt_view(ref, 32)));
    assert_err(DT_ERR_REFUSED, mls_group_resolve(a.group, &c, by, &got));
    mls_commit_clear(&c);
    ref[0] = 5;
    assert_ok(mls_commit_add(&c, NULL, dt_view(ref, 32)));
    assert_err(DT_ERR_NOT_FOUND, mls_group_resolve(a.group, &c, by, &got));
    mls_commit_clear(&c);

    for (size_t i = 1; i < MLS_PROPOSAL_CACHE_MAX; i++) {
        ref[1] = (uint8_t)i;
        ref[2] = (uint8_t)(i >> 8);
        assert_ok(mls_group_cache_add(a.group, ref, by, p));
    }
    ref[3] = 1;
    assert_err(DT_ERR_LIMIT, mls_group_cache_add(a.group, ref, by, p));
    for (size_t i = 0; i < MLS_COMMIT_PROPOSALS_MAX; i++)
        assert_ok(mls_commit_add(&c, p, dt_view(NULL, 0)));
    assert_err(DT_ERR_LIMIT, mls_commit_add(&c, p, dt_view(NULL, 0)));
    mls_commit_clear(&c);
    for (size_t i = 0; i < MLS_COMMIT_PROPOSALS_MAX; i++)
        assert_ok(mls_proposal_list_add(&got, p, by, false));
    assert_err(DT_ERR_LIMIT, mls_proposal_list_add(&got, p, by, false));
    mls_proposal_list_clear(&got);
    mls_proposal_unref(p);
    gu_party_clear(&a);
}

/* What a caller may not ask for. */
static void
test_own_limits(void **state)
{
    static const uint8_t long_id[MLS_GROUP_ID_MAX + 1] = {1};
    static const uint16_t none[] = {0};
    struct mls_typed unlisted = {0xf123, dt_view_str("x")};
    struct gu_party a;
    struct mls_group_params params = {
        .group_id = dt_view_str("g"), .not_before_s = GU_NOW_S, .not_after_s = GU_NOW_S + 60};
    struct mls_commit_opts empty = {0};
    struct mls_commit_out out = {0};
    struct mls_typed_list nothing = {NULL, 0};
    struct mls_key_bundle bundle = {0};
    struct mls_leaf_params leaf;
    struct dt_buf kp = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_group *g = NULL;

    (void)state;
    gu_party_init(&a, 1, "ada");
    params.leaf = gu_leaf(&a);
    assert_ok(mls_group_create(&params, &g));
    /* RFC 9420 section 8.1: the epoch is a uint64. */
    g->context.epoch = UINT64_MAX;
    assert_err(DT_ERR_LIMIT, mls_group_commit(g, &empty, &out));
    mls_group_free(g);
    g = NULL;
    params.group_id = dt_view_of(long_id);
    assert_err(DT_ERR_LIMIT, mls_group_create(&params, &g));
    params.group_id = dt_view_str("g");
    params.policy.past_epochs = MLS_PAST_EPOCHS_MAX + 1;
    assert_err(DT_ERR_RANGE, mls_group_create(&params, &g));
    params.policy.past_epochs = 0;
    params.leaf.suite = 99;
    assert_err(DT_ERR_UNSUPPORTED, mls_group_create(&params, &g));
    leaf = gu_leaf(&a);
    leaf.suite = 0;
    assert_err(DT_ERR_UNSUPPORTED,
               mls_key_package_new(&leaf, GU_NOW_S, GU_NOW_S + 60, nothing, &kp, &bundle));
    leaf = gu_leaf(&a);
    assert_err(DT_ERR_RANGE,
               mls_key_package_new(&leaf, GU_NOW_S + 1, GU_NOW_S, nothing, &kp, &bundle));
    leaf.signature_priv.n--;
    assert_err(DT_ERR_RANGE,
               mls_key_package_new(&leaf, GU_NOW_S, GU_NOW_S + 60, nothing, &kp, &bundle));
    leaf = gu_leaf(&a);
    leaf.signature_pub.n--;
    assert_err(DT_ERR_RANGE,
               mls_key_package_new(&leaf, GU_NOW_S, GU_NOW_S + 60, nothing, &kp, &bundle));
    /* Section 7.2: a leaf of ours lists the extensions that it carries. */
    params.leaf = gu_leaf(&a);
    params.leaf.extension_types.v = none;
    params.leaf.extension_types.n = 0;
    params.leaf.leaf_extensions.v = &unlisted;
    params.leaf.leaf_extensions.n = 1;
    assert_err(DT_ERR_REFUSED, mls_group_create(&params, &g));
    assert_null(g);
    dt_buf_clear(&kp);
    gu_party_clear(&a);
}

/* Who was removed exports nothing, and makes nothing. */
static void
test_removed_member(void **state)
{
    struct gu_party a, b;
    struct gu_party *all[] = {&a, &b};
    const uint32_t one = 1;
    struct mls_commit_opts opts = {.removes = &one, .n_removes = 1};
    struct mls_propose_opts propose = {.kind = MLS_PROPOSE_REMOVE, .remove = 0};
    struct mls_commit_out out = {0};
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_secret secret = {0};

    (void)state;
    gu_party_init(&a, 1, "ada");
    gu_party_init(&b, 1, "bob");
    gu_create(&a);
    gu_add(&a, &b, all, 1);
    gu_commit(&a, &opts, all, 2, NULL);
    assert_false(mls_group_is_member(b.group));
    assert_err(DT_ERR_STATE, mls_group_export(b.group, "x", dt_view(NULL, 0), 16, &secret));
    assert_err(DT_ERR_STATE, mls_group_commit(b.group, &opts, &out));
    assert_err(DT_ERR_STATE, mls_group_propose(b.group, &propose, &m));
    assert_err(DT_ERR_STATE, mls_group_protect(b.group, dt_view(NULL, 0), dt_view_str("x"), 0, &m));
    assert_int_equal(m.n, 0);
    dt_buf_clear(&m);
    gu_party_clear(&a);
    gu_party_clear(&b);
}

/* Section 12.4.3.1: a path secret is for a node above the joiner's leaf, and as long as a hash. */
static void
test_section_12_4_3_1_path_secret(void **state)
{
    struct gu_party p[4];
    struct gu_party *all[] = {&p[0], &p[1], &p[2], &p[3]};
    static const uint8_t secret[40] = {3};
    struct mls_commit_opts empty = {0};
    struct mls_tree_priv priv = {0};
    struct mls_tree_priv got = {0};
    struct mls_tree tree = {0};
    struct dt_buf raw = DT_BUF_INIT(4096);
    struct mls_group *g;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        gu_party_init(&p[i], 1, (const char *[]){"ada", "bob", "cyd", "dan"}[i]);
    gu_create(&p[0]);
    for (size_t i = 1; i < 4; i++)
        gu_add(&p[0], &p[i], all, i);
    for (size_t i = 0; i < 4; i++)
        gu_commit(&p[i], &empty, all, 4, NULL);
    g = p[0].group;
    assert_ok(mls_tree_priv_copy(&g->priv, &priv));
    /* Node 1 is above leaves 0 and 1, node 5 above 2 and 3, node 3 the root, node 0 a leaf. */
    assert_err(DT_ERR_AUTH, mls_tree_priv_implant(&priv, &g->tree, 1, dt_view(secret, 32), NULL));
    assert_string_equal(dt_err_message(),
                        "a path secret does not lead to the public key of node 1");
    assert_err(DT_ERR_AUTH, mls_tree_priv_implant(&priv, &g->tree, 1, dt_view(secret, 31), NULL));
    assert_string_equal(dt_err_message(), "a path secret has the wrong length");
    assert_err(DT_ERR_AUTH, mls_tree_priv_implant(&priv, &g->tree, 5, dt_view(secret, 32), NULL));
    assert_string_equal(dt_err_message(), "a path secret is for a node that is not on our path");
    /* A node that is blank. */
    assert_ok(mls_tree_copy(&g->tree, &tree));
    assert_ok(mls_tree_set_parent(&tree, 1, NULL));
    assert_err(DT_ERR_AUTH, mls_tree_priv_implant(&priv, &tree, 1, dt_view(secret, 32), NULL));
    assert_string_equal(dt_err_message(), "a path secret is for a node that is not on our path");
    mls_tree_clear(&tree);
    /* What is saved of it: a leaf that there can be, and its key. */
    for (size_t i = 0; i < 3; i++) {
        struct dt_writer w = dt_writer_init(&raw);
        struct dt_reader r;

        priv.leaf_index = i == 1 ? MLS_LEAVES_MAX : MLS_LEAVES_MAX - 1;
        if (i == 2)
            dt_secret_clear(&priv.leaf_priv);
        mls_tree_priv_write(&w, &priv);
        assert_ok(dt_writer_end(&w));
        r = dt_reader_init(dt_buf_view(&raw));
        assert_err(i == 0 ? DT_OK : DT_ERR_FORMAT, mls_tree_priv_read(&r, &got));
        mls_tree_priv_clear(&got);
        dt_buf_wipe(&raw);
    }
    mls_tree_priv_clear(&priv);
    for (size_t i = 0; i < 4; i++)
        gu_party_clear(&p[i]);
}

/* Section 12.4.3: a Welcome, its GroupSecrets and its GroupInfo end where they end, and no Welcome
 * names more PSKs than are taken. */
static void
test_section_12_4_3_ends(void **state)
{
    static const uint8_t secret[32] = {5};
    static const uint8_t nonce[32] = {6};
    const struct mls_psk_id id = {
        .type = MLS_PSK_EXTERNAL, .id = dt_view_str("k"), .nonce = dt_view_of(nonce)};
    struct gu_party a, b;
    struct dt_view add, body;
    struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct mls_welcome w;
    struct mls_group_info gi = {0};
    struct dt_buf raw = DT_BUF_INIT(MLS_MESSAGE_MAX);

    (void)state;
    gu_party_init(&a, 1, "ada");
    gu_party_init(&b, 1, "bob");
    gu_create(&a);
    add = dt_buf_view(&b.key_package);
    assert_ok(mls_group_commit(a.group, &opts, &out));
    assert_ok(mls_message_body(dt_buf_view(&out.welcome), MLS_WIRE_WELCOME, &body));
    assert_ok(dt_buf_set(&raw, body));
    assert_ok(mls_welcome_parse(dt_buf_view(&raw), &w));
    assert_ok(dt_buf_append(&raw, dt_view_str("x")));
    assert_err(DT_ERR_FORMAT, mls_welcome_parse(dt_buf_view(&raw), &w));

    dt_buf_clear(&raw);
    assert_ok(mls_group_info_sign(a.group->suite, dt_buf_view(&a.group->context.raw),
                                  dt_view(NULL, 0), dt_view_of(secret), 0, dt_secret_view(&a.seed),
                                  &raw));
    assert_ok(mls_group_info_parse(dt_buf_view(&raw), &gi));
    assert_ok(dt_buf_append(&raw, dt_view_str("x")));
    assert_err(DT_ERR_FORMAT, mls_group_info_parse(dt_buf_view(&raw), &gi));
    mls_group_info_clear(&gi);

    for (size_t n = 0; n <= MLS_PSKS_MAX + 1; n++) {
        struct dt_buf psks = DT_BUF_INIT(MLS_MESSAGE_MAX);
        struct dt_writer pw = dt_writer_init(&psks);
        struct mls_group_secrets gs = {0};
        struct dt_writer rw;

        for (size_t i = 0; i < n; i++)
            mls_psk_id_write(&pw, &id);
        assert_ok(dt_writer_end(&pw));
        for (size_t longer = 0; longer < 2; longer++) {
            dt_buf_clear(&raw);
            rw = dt_writer_init(&raw);
            mls_group_secrets_write(&rw, dt_view_of(secret), dt_view(NULL, 0), dt_buf_view(&psks));
            dt_write_view(&rw, dt_view(secret, longer));
            assert_ok(dt_writer_end(&rw));
            assert_err(n > MLS_PSKS_MAX ? DT_ERR_LIMIT
                       : longer > 0     ? DT_ERR_FORMAT
                                        : DT_OK,
                       mls_group_secrets_parse(&raw, &gs));
            mls_group_secrets_clear(&gs);
        }
        dt_buf_clear(&psks);
    }
    dt_buf_clear(&raw);
    mls_commit_out_clear(&out);
    gu_party_clear(&a);
    gu_party_clear(&b);
}

/* Section 12.1: one proposal has a longest. */
static void
test_section_12_1_long(void **state)
{
    struct mls_proposal *p = NULL;
    uint8_t *zeros = dt_alloc(MLS_PROPOSAL_MAX, 1);

    (void)state;
    assert_non_null(zeros);
    /* The type is two bytes, the length of the body four. */
    assert_ok(mls_proposal_new_private(GU_WARRANT, dt_view(zeros, MLS_PROPOSAL_MAX - 6), &p));
    mls_proposal_unref(p);
    p = NULL;
    assert_err(DT_ERR_LIMIT,
               mls_proposal_new_private(GU_WARRANT, dt_view(zeros, MLS_PROPOSAL_MAX - 5), &p));
    dt_free(zeros);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_6_message_header),
        cmocka_unit_test(test_section_6_1_content),
        cmocka_unit_test(test_section_6_3_private_message),
        cmocka_unit_test(test_section_6_3_2_sender_data),
        cmocka_unit_test(test_section_11_1_required_capabilities),
        cmocka_unit_test(test_section_8_4_counts),
        cmocka_unit_test(test_section_12_4_references),
        cmocka_unit_test(test_own_limits),
        cmocka_unit_test(test_removed_member),
        cmocka_unit_test(test_section_12_4_3_1_path_secret),
        cmocka_unit_test(test_section_12_4_3_ends),
        cmocka_unit_test(test_section_12_1_long),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
