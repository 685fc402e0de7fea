/*
 * tests/mls/test_leaf_node.c - leaf nodes, their parts, and the rules of RFC 9420
 * sections 5.3, 7.2, 7.3, 11.1, 12.1.8.1 and 17.5.
 */
#include <string.h>

#include "crypto/hpke.h"

#include "tree_util.h"

static struct member m;
static const struct dt_suite *suite;

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    suite = dt_suite_get(1);
    member_new(&m, suite, 1);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    member_clear(&m);
    return 0;
}

/* Good fields; the encryption key is the package's. */
static struct mls_leaf_fields
fields(void)
{
    struct mls_leaf_fields f = {0};

    mls_leaf_fields_from(&f, m.kp.key_package->leaf);
    return f;
}

static struct mls_leaf_node *
make(const struct mls_leaf_fields *f)
{
    struct mls_leaf_node *leaf = NULL;

    assert_ok(mls_leaf_node_new(suite, f, dt_secret_view(&m.sig_priv), GROUP_ID, 3, &leaf));
    return leaf;
}

static enum dt_err
check(const struct mls_leaf_fields *f, int source, const struct mls_leaf_rules *rules)
{
    struct mls_leaf_node *leaf = make(f);
    enum dt_err err = mls_leaf_node_check(leaf, source, rules);

    mls_leaf_node_unref(leaf);
    return err;
}

/* ---- codec ---- */

static void
test_round_trip(void **state)
{
    static const enum mls_leaf_source sources[] = {MLS_LEAF_KEY_PACKAGE, MLS_LEAF_UPDATE,
                                                   MLS_LEAF_COMMIT};
    DT_CLEANUP(dt_buf_clear) struct dt_buf ext = DT_BUF_INIT(1000);

    (void)state;
    assert_ok(mls_extension_append(&ext, 0xf123, dt_view_str("data")));
    for (size_t i = 0; i < 3; i++) {
        struct mls_leaf_fields f = fields();
        struct mls_leaf_node *leaf, *again = NULL;
        struct dt_view data;
        struct dt_reader r;

        f.source = sources[i];
        f.parent_hash = dt_view_str("some parent hash");
        assert_ok(mls_extensions_parse(dt_buf_view(&ext), &f.extensions));
        leaf = make(&f);
        assert_int_equal(leaf->source, sources[i]);
        r = reader_of(&leaf->raw);
        assert_ok(mls_leaf_node_read(&r, &again));
        assert_ok(dt_read_end(&r));
        assert_true(dt_view_equal(dt_buf_view(&leaf->raw), dt_buf_view(&again->raw)));
        assert_true(mls_extensions_find(&again->extensions, 0xf123, &data));
        assert_true(dt_view_equal(data, dt_view_str("data")));
        assert_false(mls_extensions_find(&again->extensions, 1, &data));
        assert_int_equal(again->parent_hash.n, sources[i] == MLS_LEAF_COMMIT ? 16 : 0);
        assert_int_equal(again->lifetime.not_after, sources[i] == MLS_LEAF_KEY_PACKAGE ? 2000 : 0);
        for (size_t n = 0; n < leaf->raw.n; n++) {
            struct mls_leaf_node *cut = NULL;

            r = dt_reader_init(dt_view(leaf->raw.p, n));
            assert_int_not_equal(mls_leaf_node_read(&r, &cut), DT_OK);
            assert_null(cut);
        }
        mls_leaf_node_unref(leaf);
        mls_leaf_node_unref(again);
    }
}

/* A leaf written by hand up to the signature, with one thing odd. */
static enum dt_err
read_odd(uint16_t credential, size_t caps_len, uint8_t source, struct dt_view extensions)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(mls_leaf_node_unref_p) struct mls_leaf_node *leaf = NULL;
    struct dt_writer w = dt_writer_init(&raw);
    struct dt_reader r;
    static const uint8_t zero[2000];

    dt_write_vec(&w, dt_view(zero, 32));
    dt_write_vec(&w, dt_view(zero, 32));
    dt_write_u16(&w, credential);
    dt_write_vec(&w, dt_view_str("who"));
    for (int i = 0; i < 5; i++)
        dt_write_vec(&w, dt_view(zero, caps_len));
    dt_write_u8(&w, source);
    if (source == 1) {
        dt_write_u64(&w, 1);
        dt_write_u64(&w, 2);
    }
    dt_write_vec(&w, extensions);
    dt_write_vec(&w, dt_view(zero, 64));
    assert_ok(dt_writer_end(&w));
    r = reader_of(&raw);
    return mls_leaf_node_read(&r, &leaf);
}

static void
test_codec_refused(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf twice = DT_BUF_INIT(1000);
    DT_CLEANUP(dt_buf_clear) struct dt_buf many = DT_BUF_INIT(10000);

    (void)state;
    assert_ok(mls_extension_append(&twice, 7, dt_view_str("a")));
    assert_ok(mls_extension_append(&twice, 8, dt_view_str("a")));
    assert_int_equal(read_odd(1, 2, 1, dt_buf_view(&twice)), DT_OK);
    assert_ok(mls_extension_append(&twice, 7, dt_view_str("b")));
    for (uint16_t i = 0; i <= MLS_EXTENSIONS_COUNT_MAX; i++)
        assert_ok(mls_extension_append(&many, i, dt_view(NULL, 0)));

    assert_int_equal(read_odd(1, 2, 2, dt_view(NULL, 0)), DT_OK);
    assert_int_equal(read_odd(3, 2, 1, dt_view(NULL, 0)), DT_OK); /* a type not known is a vector */
    assert_int_equal(read_odd(2, 2, 1, dt_view(NULL, 0)), DT_ERR_FORMAT); /* "who" is no chain */
    assert_int_equal(read_odd(1, 3, 1, dt_view(NULL, 0)), DT_ERR_FORMAT); /* odd list */
    assert_int_equal(read_odd(1, MLS_CAPABILITIES_MAX + 2, 1, dt_view(NULL, 0)), DT_ERR_LIMIT);
    assert_int_equal(read_odd(1, 2, 0, dt_view(NULL, 0)), DT_ERR_FORMAT); /* leaf_node_source */
    assert_int_equal(read_odd(1, 2, 4, dt_view(NULL, 0)), DT_ERR_FORMAT);
    assert_int_equal(read_odd(1, 2, 1, dt_buf_view(&twice)), DT_ERR_FORMAT); /* one type twice */
    assert_int_equal(read_odd(1, 2, 1, dt_buf_view(&many)), DT_ERR_LIMIT);
    assert_int_equal(read_odd(1, 2, 1, dt_view_str("x")), DT_ERR_FORMAT); /* half an extension */
}

/* ---- signature ---- */

static void
test_section_7_3_signature_binds_place(void **state)
{
    struct mls_leaf_fields f = fields();
    struct mls_leaf_node *leaf;

    (void)state;
    leaf = make(&f);
    /* a key package's leaf is for any group and place */
    assert_ok(mls_leaf_node_verify(suite, leaf, GROUP_ID, 3));
    assert_ok(mls_leaf_node_verify(suite, leaf, dt_view_str("other"), 9));
    mls_leaf_node_unref(leaf);
    for (int source = MLS_LEAF_UPDATE; source <= MLS_LEAF_COMMIT; source++) {
        f.source = (enum mls_leaf_source)source;
        leaf = make(&f);
        assert_ok(mls_leaf_node_verify(suite, leaf, GROUP_ID, 3));
        assert_int_equal(mls_leaf_node_verify(suite, leaf, GROUP_ID, 2), DT_ERR_AUTH);
        assert_int_equal(mls_leaf_node_verify(suite, leaf, dt_view_str("other"), 3), DT_ERR_AUTH);
        mls_leaf_node_unref(leaf);
    }
}

/* No bit of a leaf may change. */
static void
test_section_7_3_signature_covers_all(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1u << 16);
    struct mls_leaf_fields f = fields();
    struct mls_leaf_node *leaf = make(&f);
    size_t read = 0;

    (void)state;
    for (size_t i = 0; i < leaf->raw.n; i++) {
        struct mls_leaf_node *odd = NULL;
        struct dt_reader r;

        assert_ok(dt_buf_set(&raw, dt_buf_view(&leaf->raw)));
        raw.p[i] ^= (uint8_t)(1u << (i % 8));
        r = reader_of(&raw);
        if (mls_leaf_node_read(&r, &odd) != DT_OK)
            continue;
        read++;
        assert_int_equal(mls_leaf_node_verify(suite, odd, GROUP_ID, 3), DT_ERR_AUTH);
        mls_leaf_node_unref(odd);
    }
    assert_true(read > 100);
    mls_leaf_node_unref(leaf);
}

/* ---- section 7.3, a test per rule ---- */

static void
test_section_7_3_source(void **state)
{
    struct mls_leaf_rules rules = rules_plain(suite);
    struct mls_leaf_fields f = fields();

    (void)state;
    for (int have = 1; have <= 3; have++) {
        f.source = (enum mls_leaf_source)have;
        assert_ok(check(&f, 0, &rules));
        for (int want = 1; want <= 3; want++)
            assert_int_equal(check(&f, want, &rules), have == want ? DT_OK : DT_ERR_REFUSED);
    }
}

static void
test_keys(void **state)
{
    struct mls_leaf_rules rules = rules_plain(suite);
    struct mls_leaf_fields f = fields();
    uint8_t identity[32] = {1}; /* the neutral element: small order */
    uint8_t longer[33] = {9};

    (void)state;
    f.signature_key = dt_view_of(identity);
    assert_int_equal(check(&f, 1, &rules), DT_ERR_AUTH);
    f.signature_key = dt_view(m.sig_pub, 31);
    assert_int_equal(check(&f, 1, &rules), DT_ERR_AUTH);
    f = fields();
    f.encryption_key = dt_view_of(longer);
    assert_int_equal(check(&f, 1, &rules), DT_ERR_FORMAT);
    f.encryption_key = dt_view(longer, 31);
    assert_int_equal(check(&f, 1, &rules), DT_ERR_FORMAT);
    f.encryption_key = dt_view(NULL, 0);
    assert_int_equal(check(&f, 1, &rules), DT_ERR_FORMAT);
}

/* RFC 9420 section 5.1.1: of the NIST curves a key is an uncompressed point. */
static void
test_compressed_keys(void **state)
{
    const struct dt_suite *p256 = dt_suite_get(2);
    struct mls_leaf_rules rules = rules_plain(p256);
    struct dt_secret sig_priv = {0};
    struct dt_secret priv = {0};
    uint8_t sig_pub[DT_SIG_PUB_MAX];
    uint8_t pub[DT_HPKE_PUB_MAX];

    (void)state;
    assert_ok(dt_suite_sig_new(p256, &sig_priv, sig_pub));
    assert_ok(dt_hpke_new_key_pair(p256, &priv, pub));
    for (int which = 0; which < 3; which++) {
        struct mls_leaf_fields f = fields();
        struct mls_leaf_node *leaf = NULL;
        uint8_t *key = which == 1 ? sig_pub : pub;
        uint8_t first = key[0];

        assert_int_equal(first, 4);
        f.signature_key = dt_view(sig_pub, which == 1 ? 33 : 65);
        f.encryption_key = dt_view(pub, which == 2 ? 33 : 65);
        if (which > 0)
            key[0] = (uint8_t)(2 + (key[64] & 1));
        assert_ok(mls_leaf_node_new(p256, &f, dt_secret_view(&sig_priv), GROUP_ID, 3, &leaf));
        assert_int_equal(mls_leaf_node_check(leaf, MLS_LEAF_KEY_PACKAGE, &rules),
                         which == 0   ? DT_OK
                         : which == 1 ? DT_ERR_AUTH
                                      : DT_ERR_FORMAT);
        mls_leaf_node_unref(leaf);
        key[0] = first;
    }
    dt_secret_clear(&sig_priv);
    dt_secret_clear(&priv);
}

static void
test_section_7_2_capabilities(void **state)
{
    struct mls_leaf_rules rules = rules_plain(suite);
    struct mls_leaf_fields f = fields();

    (void)state;
    f.capabilities.versions = u16_list(2, 0x0a0a, 2);
    assert_int_equal(check(&f, 1, &rules), DT_ERR_UNSUPPORTED);
    f = fields();
    /* Its suite a leaf shows by its keys: official vectors do not list it. */
    f.capabilities.cipher_suites = u16_list(3, 2, 2);
    assert_ok(check(&f, 1, &rules));
    f = fields();
    f.capabilities.credentials = u16_list(2, 0, 1); /* its own is basic */
    assert_int_equal(check(&f, 1, &rules), DT_ERR_REFUSED);
    /* unknown values are ignored (GREASE) */
    f = fields();
    f.capabilities.extensions = u16_list(0x0a0a, 0x1a1a, 2);
    f.capabilities.proposals = u16_list(0x2a2a, 0, 1);
    assert_ok(check(&f, 1, &rules));
}

static void
test_section_7_3_own_extensions(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf ext = DT_BUF_INIT(1000);
    struct mls_leaf_rules rules = rules_plain(suite);
    struct mls_leaf_fields f = fields();

    (void)state;
    assert_ok(mls_extension_append(&ext, MLS_EXT_APPLICATION_ID, dt_view_str("id")));
    assert_ok(mls_extensions_parse(dt_buf_view(&ext), &f.extensions));
    assert_ok(check(&f, 1, &rules)); /* a default one need not be listed */
    assert_ok(mls_extension_append(&ext, 0xf7a5, dt_view(NULL, 0)));
    assert_ok(mls_extensions_parse(dt_buf_view(&ext), &f.extensions));
    assert_int_equal(check(&f, 1, &rules), DT_ERR_REFUSED);
    f.capabilities.extensions = u16_list(0x0a0a, 0xf7a5, 2);
    assert_ok(check(&f, 1, &rules));
}

/* GroupContext extensions with required_capabilities of one entry each. */
static void
required(struct dt_buf *out, struct mls_extensions *x, uint16_t ext, uint16_t proposal,
         uint16_t credential)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(100);
    struct dt_writer w = dt_writer_init(&body);
    struct mls_required_capabilities r = {.extensions = u16_list(ext, 0, ext != 0),
                                          .proposals = u16_list(proposal, 0, proposal != 0),
                                          .credentials = u16_list(credential, 0, credential != 0)};

    mls_required_capabilities_write(&w, &r);
    assert_ok(dt_writer_end(&w));
    out->n = 0;
    assert_ok(mls_extension_append(out, MLS_EXT_REQUIRED_CAPABILITIES, dt_buf_view(&body)));
    assert_ok(mls_extensions_parse(dt_buf_view(out), x));
}

static void
test_section_7_3_required_capabilities(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1000);
    struct mls_leaf_rules rules = rules_plain(suite);
    struct mls_extensions x = {0};
    struct mls_leaf_fields f = fields();

    (void)state;
    rules.group_extensions = &x;
    assert_ok(check(&f, 1, &rules));
    required(&raw, &x, 0xf7a0, 0, 0);
    assert_int_equal(check(&f, 1, &rules), DT_ERR_UNSUPPORTED);
    required(&raw, &x, 0, 0xf7a1, 0);
    assert_int_equal(check(&f, 1, &rules), DT_ERR_UNSUPPORTED);
    required(&raw, &x, 0, 0, 0x7777);
    assert_int_equal(check(&f, 1, &rules), DT_ERR_UNSUPPORTED);
    f.capabilities.extensions = u16_list(0xf7a0, 0, 1);
    f.capabilities.proposals = u16_list(0xf7a1, 0, 1);
    required(&raw, &x, 0xf7a0, 0xf7a1, 1);
    assert_ok(check(&f, 1, &rules));
    f = fields();
    required(&raw, &x, MLS_EXT_EXTERNAL_SENDERS, 7, 2); /* defaults need no listing */
    assert_ok(check(&f, 1, &rules));
    /* an ill-formed required_capabilities is nobody's pass */
    raw.n = 0;
    assert_ok(mls_extension_append(&raw, MLS_EXT_REQUIRED_CAPABILITIES, dt_view_str("\0\0\0\0")));
    assert_ok(mls_extensions_parse(dt_buf_view(&raw), &x));
    assert_int_equal(check(&f, 1, &rules), DT_ERR_FORMAT);
}

static void
test_group_extensions(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1000);
    struct mls_leaf_rules rules = rules_plain(suite);
    struct mls_extensions x = {0};
    struct mls_leaf_fields f = fields();

    (void)state;
    /* RFC 9420 section 13.4: an extension in use must be supported by all. */
    assert_ok(mls_extension_append(&raw, 0xf7a0, dt_view_str("forum")));
    assert_ok(mls_extensions_parse(dt_buf_view(&raw), &x));
    rules.group_extensions = &x;
    assert_int_equal(check(&f, 1, &rules), DT_ERR_UNSUPPORTED);
    f.capabilities.extensions = u16_list(0xf7a0, 0, 1);
    assert_ok(check(&f, 1, &rules));
}

static void
test_section_7_3_lifetime(void **state)
{
    struct mls_leaf_rules rules = rules_plain(suite);
    struct mls_leaf_fields f = fields(); /* 1000 to 2000 */
    static const struct {
        uint64_t now, skew, max;
        enum dt_err err;
    } cases[] = {
        {1000, 0, 0, DT_OK},
        {2000, 0, 0, DT_OK},
        {999, 0, 0, DT_ERR_EXPIRED},
        {2001, 0, 0, DT_ERR_EXPIRED},
        {990, 10, 0, DT_OK},
        {989, 10, 0, DT_ERR_EXPIRED},
        {2010, 10, 0, DT_OK},
        {2011, 10, 0, DT_ERR_EXPIRED},
        {1500, 0, 1000, DT_OK},
        {1500, 0, 999, DT_ERR_REFUSED},
        {UINT64_MAX, 5, 0, DT_ERR_EXPIRED},
        {0, 5, 0, DT_ERR_EXPIRED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rules.lifetime =
            (struct mls_lifetime_policy){true, cases[i].now, cases[i].skew, cases[i].max};
        assert_int_equal(check(&f, 1, &rules), cases[i].err);
        rules.lifetime.check = false;
        assert_ok(check(&f, 1, &rules));
    }
    rules.lifetime = (struct mls_lifetime_policy){.check = true, .now_s = 1500};
    f.lifetime = (struct mls_lifetime){2000, 1000};
    assert_int_equal(check(&f, 1, &rules), DT_ERR_REFUSED);
    f.lifetime = (struct mls_lifetime){0, UINT64_MAX};
    assert_ok(check(&f, 1, &rules));
    rules.lifetime.max_s = 1u << 31; /* unlimited packages are refused once there is a maximum */
    assert_int_equal(check(&f, 1, &rules), DT_ERR_REFUSED);
    f.source = MLS_LEAF_COMMIT; /* has none */
    assert_ok(check(&f, 3, &rules));
}

static void
test_external_senders(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1000);
    struct dt_writer w = dt_writer_init(&raw);
    struct mls_credential c = {.type = MLS_CREDENTIAL_BASIC, .identity = dt_view_str("mediator")};
    struct mls_external_sender s;
    size_t mark = dt_write_vec_begin(&w), n = 9;

    (void)state;
    for (int i = 0; i < 2; i++) {
        dt_write_vec(&w, dt_view_of(m.sig_pub));
        mls_credential_write(&w, &c);
    }
    dt_write_vec_end(&w, mark);
    assert_ok(dt_writer_end(&w));
    assert_ok(mls_external_senders_parse(dt_buf_view(&raw), &n));
    assert_int_equal(n, 2);
    assert_ok(mls_external_sender_at(dt_buf_view(&raw), 1, &s));
    assert_true(dt_view_equal(s.credential.identity, dt_view_str("mediator")));
    assert_int_equal(mls_external_sender_at(dt_buf_view(&raw), 2, &s), DT_ERR_RANGE);
    for (size_t i = 0; i < raw.n; i++)
        assert_int_equal(mls_external_senders_parse(dt_view(raw.p, i), &n), DT_ERR_FORMAT);
    assert_ok(dt_buf_append(&raw, dt_view_str("x")));
    assert_int_equal(mls_external_senders_parse(dt_buf_view(&raw), &n), DT_ERR_FORMAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_codec_refused),
        cmocka_unit_test(test_section_7_3_signature_binds_place),
        cmocka_unit_test(test_section_7_3_signature_covers_all),
        cmocka_unit_test(test_section_7_3_source),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_compressed_keys),
        cmocka_unit_test(test_section_7_2_capabilities),
        cmocka_unit_test(test_section_7_3_own_extensions),
        cmocka_unit_test(test_section_7_3_required_capabilities),
        cmocka_unit_test(test_group_extensions),
        cmocka_unit_test(test_section_7_3_lifetime),
        cmocka_unit_test(test_external_senders),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
