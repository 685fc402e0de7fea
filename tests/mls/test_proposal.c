/*
 * tests/mls/test_proposal.c - key packages, proposals and labels.
 *
 * Source: RFC 9420 sections 5.1.2, 5.1.3, 10, 10.1, 12.1, 13.2, 17.4, 17.6, 17.7.
 */
#include <string.h>

#include "crypto/hpke.h"
#include "mls/label.h"
#include "mls/proposal.h"

#include "tree_util.h"

static struct member m;
static const struct dt_suite *suite;

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    suite = dt_suite_get(3);
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

/* ---- key packages ---- */

/* A package by hand, signed by ${m}: its suite, init key and leaf may be wrong. */
static enum dt_err
make_package(uint16_t version, uint16_t id, struct dt_view init_key,
             const struct mls_leaf_node *leaf, struct mls_key_package **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1u << 16);
    DT_CLEANUP(dt_buf_clear) struct dt_buf sig = DT_BUF_INIT(256);
    struct dt_writer w = dt_writer_init(&raw);

    dt_write_u16(&w, version);
    dt_write_u16(&w, id);
    dt_write_vec(&w, init_key);
    mls_leaf_node_write(&w, leaf);
    dt_write_vec(&w, dt_view(NULL, 0));
    assert_ok(dt_writer_end(&w));
    assert_ok(mls_sign_with_label(suite, dt_secret_view(&m.sig_priv), "KeyPackageTBS",
                                  dt_buf_view(&raw), &sig));
    dt_write_vec(&w, dt_buf_view(&sig));
    assert_ok(dt_writer_end(&w));
    return mls_key_package_parse(dt_buf_view(&raw), out);
}

static enum dt_err
check_package(uint16_t id, struct dt_view init_key, const struct mls_leaf_node *leaf)
{
    struct mls_leaf_rules rules = rules_plain(suite);
    struct mls_key_package *kp = NULL;
    enum dt_err err;

    assert_ok(make_package(1, id, init_key, leaf, &kp));
    err = mls_key_package_check(kp, &rules);
    mls_key_package_unref(kp);
    return err;
}

static void
test_section_7_3_key_package_rules(void **state)
{
    struct mls_key_package *kp = m.kp.key_package, *other = NULL;
    struct mls_leaf_rules rules = rules_plain(suite);
    struct mls_leaf_node *leaf = NULL;
    struct mls_leaf_fields f = {0};
    struct member stranger;

    (void)state;
    assert_ok(mls_key_package_check(kp, &rules));
    assert_ok(check_package(3, kp->init_key, kp->leaf));
    /* version and suite */
    assert_int_equal(make_package(2, 3, kp->init_key, kp->leaf, &other), DT_ERR_UNSUPPORTED);
    assert_int_equal(check_package(1, kp->init_key, kp->leaf), DT_ERR_UNSUPPORTED);
    /* the init key is not the leaf's key, and is a key */
    assert_int_equal(check_package(3, kp->leaf->encryption_key, kp->leaf), DT_ERR_REFUSED);
    assert_int_equal(check_package(3, dt_view(kp->init_key.p, 31), kp->leaf), DT_ERR_FORMAT);
    /* the leaf must be one for a key package, and signed */
    mls_leaf_fields_from(&f, kp->leaf);
    f.source = MLS_LEAF_UPDATE;
    assert_ok(mls_leaf_node_new(suite, &f, dt_secret_view(&m.sig_priv), GROUP_ID, 0, &leaf));
    assert_int_equal(check_package(3, kp->init_key, leaf), DT_ERR_REFUSED);
    mls_leaf_node_unref_p(&leaf);
    member_new(&stranger, suite, 2);
    f.source = MLS_LEAF_KEY_PACKAGE;
    assert_ok(mls_leaf_node_new(suite, &f, dt_secret_view(&stranger.sig_priv), GROUP_ID, 0, &leaf));
    assert_int_equal(check_package(3, kp->init_key, leaf), DT_ERR_AUTH);
    mls_leaf_node_unref_p(&leaf);
    /* another's leaf under our signature: a substituted package */
    assert_int_equal(check_package(3, kp->init_key, stranger.kp.key_package->leaf), DT_ERR_AUTH);
    member_clear(&stranger);
}

static void
test_section_10_1_key_package_bits(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1u << 16);
    struct mls_leaf_rules rules = rules_plain(suite);
    struct dt_view good = dt_buf_view(&m.kp.key_package->raw);
    uint8_t ref[MLS_HASH_MAX], ref2[MLS_HASH_MAX], pub[DT_HPKE_PUB_MAX];
    struct mls_key_package *kp = NULL;
    size_t read = 0;

    (void)state;
    assert_ok(mls_key_package_hash(suite, m.kp.key_package, ref));
    for (size_t i = 0; i < good.n; i++) {
        assert_ok(dt_buf_set(&raw, good));
        raw.p[i] ^= (uint8_t)(1u << (i % 8));
        if (mls_key_package_parse(dt_buf_view(&raw), &kp) != DT_OK)
            continue;
        read++;
        assert_int_not_equal(mls_key_package_check(kp, &rules), DT_OK);
        assert_ok(mls_key_package_hash(suite, kp, ref2));
        assert_memory_not_equal(ref, ref2, suite->hash_len);
        mls_key_package_unref_p(&kp);
    }
    assert_true(read > 100);
    for (size_t n = 0; n < good.n; n++)
        assert_int_not_equal(mls_key_package_parse(dt_view(good.p, n), &kp), DT_OK);
    assert_ok(dt_buf_set(&raw, good));
    assert_ok(dt_buf_append(&raw, dt_view_str("x")));
    assert_int_equal(mls_key_package_parse(dt_buf_view(&raw), &kp), DT_ERR_FORMAT);
    assert_null(kp);
    /* the private keys belong to the public ones */
    assert_ok(dt_hpke_pub(suite, dt_secret_view(&m.kp.init_priv), pub));
    assert_true(dt_view_equal(dt_view(pub, suite->kem_pub_len), m.kp.key_package->init_key));
    assert_ok(dt_hpke_pub(suite, dt_secret_view(&m.kp.leaf_priv), pub));
    assert_true(
        dt_view_equal(dt_view(pub, suite->kem_pub_len), m.kp.key_package->leaf->encryption_key));
}

/* ---- proposals ---- */

static void
round_trip(struct mls_proposal *p, uint16_t type)
{
    struct mls_proposal *again = NULL;
    struct dt_reader r = reader_of(&p->raw);

    assert_int_equal(p->type, type);
    assert_ok(mls_proposal_read(&r, &again));
    assert_ok(dt_read_end(&r));
    assert_int_equal(again->type, type);
    assert_true(dt_view_equal(dt_buf_view(&p->raw), dt_buf_view(&again->raw)));
    mls_proposal_unref(again);
    for (size_t n = 0; n < p->raw.n; n++) {
        again = NULL;
        r = dt_reader_init(dt_view(p->raw.p, n));
        assert_int_not_equal(mls_proposal_read(&r, &again), DT_OK);
        assert_null(again);
    }
    mls_proposal_unref(p);
}

static void
test_proposal_round_trip(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf ext = DT_BUF_INIT(1000);
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1000);
    struct dt_writer w = dt_writer_init(&body);
    struct mls_proposal *p = NULL;
    struct mls_psk_id id = {.type = MLS_PSK_EXTERNAL,
                            .id = dt_view_str("courier"),
                            .nonce = dt_view_str("0123456789abcdef0123456789abcdef")};
    struct mls_extensions x;

    (void)state;
    assert_ok(mls_proposal_new_add(m.kp.key_package, &p));
    assert_true(dt_view_equal(dt_buf_view(&p->add->raw), dt_buf_view(&m.kp.key_package->raw)));
    round_trip(p, MLS_PROPOSAL_ADD);
    assert_ok(mls_proposal_new_update(m.kp.key_package->leaf, &p));
    round_trip(p, MLS_PROPOSAL_UPDATE);
    assert_ok(mls_proposal_new_remove(77, &p));
    assert_int_equal(p->remove, 77);
    round_trip(p, MLS_PROPOSAL_REMOVE);
    assert_ok(mls_proposal_new_psk(&id, &p));
    assert_true(dt_view_equal(p->psk.id, id.id));
    round_trip(p, MLS_PROPOSAL_PSK);
    id = (struct mls_psk_id){.type = MLS_PSK_RESUMPTION,
                             .usage = MLS_PSK_BRANCH,
                             .group_id = GROUP_ID,
                             .epoch = UINT64_C(0x123456789abcdef0),
                             .nonce = id.nonce};
    assert_ok(mls_proposal_new_psk(&id, &p));
    assert_true(p->psk.epoch == id.epoch);
    round_trip(p, MLS_PROPOSAL_PSK);
    assert_ok(mls_extension_append(&ext, 0xf7a0, dt_view_str("forum")));
    assert_ok(mls_extensions_parse(dt_buf_view(&ext), &x));
    assert_ok(mls_proposal_new_group_context_extensions(&x, &p));
    assert_int_equal(p->extensions.n, 1);
    round_trip(p, MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS);
    assert_ok(mls_proposal_new_private(0xf7a1, dt_view_str("grounds"), &p));
    assert_true(dt_view_equal(p->body, dt_view_str("grounds")));
    round_trip(p, 0xf7a1);
    /* ReInit and ExternalInit: only read */
    dt_write_vec(&w, GROUP_ID);
    dt_write_u16(&w, 1);
    dt_write_u16(&w, 3);
    dt_write_vec(&w, dt_buf_view(&ext));
    assert_ok(dt_writer_end(&w));
    assert_ok(mls_proposal_parse_body(MLS_PROPOSAL_REINIT, dt_buf_view(&body), &p));
    assert_int_equal(p->reinit.cipher_suite, 3);
    round_trip(p, MLS_PROPOSAL_REINIT);
    assert_ok(mls_proposal_parse_body(MLS_PROPOSAL_EXTERNAL_INIT,
                                      dt_view_str("\x03"
                                                  "kem"),
                                      &p));
    assert_true(dt_view_equal(p->kem_output, dt_view_str("kem")));
    round_trip(p, MLS_PROPOSAL_EXTERNAL_INIT);
}

static void
test_proposal_refused(void **state)
{
    static const struct {
        uint16_t type;
        const char *body;
        size_t n;
        enum dt_err err;
    } cases[] = {
        {0, "\0", 1, DT_ERR_UNSUPPORTED},
        {8, "\0", 1, DT_ERR_UNSUPPORTED},
        {0x0a0a, "\0", 1, DT_ERR_UNSUPPORTED}, /* GREASE is for capabilities, never sent */
        {0xefff, "\0", 1, DT_ERR_UNSUPPORTED},
        {0xf000, "\0", 1, DT_OK},
        {0xffff, "\1x", 2, DT_OK},
        {0xf7a1, "\1x!", 3, DT_ERR_FORMAT},      /* trailing byte */
        {0xf7a1, "\x40\x01x", 3, DT_ERR_FORMAT}, /* non-minimal length */
        {0xf7a1, "\xc0\0\0\0", 4, DT_ERR_FORMAT},
        {3, "\0\0\0\1\0", 5, DT_ERR_FORMAT},
        {4, "\0\0\0", 3, DT_ERR_FORMAT}, /* PSK type 0 */
        {4, "\3\0\0", 3, DT_ERR_FORMAT},
        {4, "\1\0\0", 3, DT_OK},
        {4, "\2\0\0\0\0\0\0\0\0\0\0\0", 12, DT_ERR_FORMAT}, /* usage 0 */
        {4, "\2\1\0\0\0\0\0\0\0\0\0\0", 12, DT_OK},
        {4, "\2\4\0\0\0\0\0\0\0\0\0\0", 12, DT_ERR_FORMAT},
        {7, "\6\0\1\0\0\1\0", 7, DT_ERR_FORMAT}, /* one extension type twice */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mls_proposal *p = NULL;
        struct dt_view body = dt_view((const uint8_t *)cases[i].body, cases[i].n);

        assert_int_equal(mls_proposal_parse_body(cases[i].type, body, &p), cases[i].err);
        assert_int_equal(p != NULL, cases[i].err == DT_OK);
        mls_proposal_unref(p);
    }
}

/* As long as it may be, with its type and the length of its body; and a byte more. */
static void
test_proposal_length(void **state)
{
    static uint8_t bytes[MLS_PROPOSAL_MAX];
    struct dt_buf b = DT_BUF_INIT(2 * MLS_PROPOSAL_MAX);

    (void)state;
    for (size_t over = 0; over < 2; over++) {
        struct dt_writer w = dt_writer_init(&b);
        struct mls_proposal *p = NULL;
        struct dt_reader r;

        dt_write_u16(&w, MLS_PROPOSAL_PRIVATE_MIN);
        dt_write_vec(&w, dt_view(bytes, MLS_PROPOSAL_MAX - 6 + over));
        assert_ok(dt_writer_end(&w));
        assert_int_equal(b.n, MLS_PROPOSAL_MAX + over);
        r = dt_reader_init(dt_buf_view(&b));
        assert_int_equal(mls_proposal_read(&r, &p), over == 0 ? DT_OK : DT_ERR_LIMIT);
        assert_int_equal(p != NULL, over == 0);
        mls_proposal_unref(p);
        dt_buf_clear(&b);
    }
}

static void
test_private_use_only(void **state)
{
    struct mls_proposal *p = NULL;

    (void)state;
    assert_int_equal(mls_proposal_new_private(3, dt_view(NULL, 0), &p), DT_ERR_RANGE);
    assert_int_equal(mls_proposal_new_private(0xefff, dt_view(NULL, 0), &p), DT_ERR_RANGE);
    assert_null(p);
}

/* ---- labels ---- */

static void
test_labels_separate(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf sig = DT_BUF_INIT(256);
    DT_CLEANUP(dt_buf_clear) struct dt_buf ct = DT_BUF_INIT(256);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(256);
    DT_CLEANUP(dt_secret_clear) struct dt_secret s = {0};
    struct dt_view msg = dt_view_str("message"), pub = dt_view_of(m.sig_pub);
    struct mls_hpke_ciphertext x;
    uint8_t enc[DT_HPKE_PUB_MAX];

    (void)state;
    assert_ok(mls_sign_with_label(suite, dt_secret_view(&m.sig_priv), "A", msg, &sig));
    assert_ok(mls_verify_with_label(suite, pub, "A", msg, dt_buf_view(&sig)));
    assert_int_equal(mls_verify_with_label(suite, pub, "B", msg, dt_buf_view(&sig)), DT_ERR_AUTH);
    assert_int_equal(
        mls_verify_with_label(suite, pub, "A", dt_view_str("messagE"), dt_buf_view(&sig)),
        DT_ERR_AUTH);
    for (size_t n = 0; n < sig.n; n++)
        assert_int_equal(mls_verify_with_label(suite, pub, "A", msg, dt_view(sig.p, n)),
                         DT_ERR_AUTH);

    assert_ok(mls_encrypt_with_label(suite, m.kp.key_package->init_key, "A", dt_view_str("context"),
                                     msg, enc, &ct));
    x.kem_output = dt_view(enc, suite->kem_pub_len);
    x.ciphertext = dt_buf_view(&ct);
    assert_ok(mls_decrypt_with_label(suite, dt_secret_view(&m.kp.init_priv), "A",
                                     dt_view_str("context"), &x, &out));
    assert_true(dt_view_equal(dt_buf_view(&out), msg));
    assert_int_equal(mls_decrypt_with_label(suite, dt_secret_view(&m.kp.init_priv), "B",
                                            dt_view_str("context"), &x, &out),
                     DT_ERR_AUTH);
    assert_int_equal(mls_decrypt_with_label(suite, dt_secret_view(&m.kp.init_priv), "A",
                                            dt_view_str("contexT"), &x, &out),
                     DT_ERR_AUTH);
    x.kem_output.n--;
    assert_int_equal(mls_decrypt_with_label(suite, dt_secret_view(&m.kp.init_priv), "A",
                                            dt_view_str("context"), &x, &out),
                     DT_ERR_AUTH);
    memset(enc, 0, sizeof enc); /* all-zero point: no shared secret comes of it */
    x.kem_output.n++;
    assert_int_equal(mls_decrypt_with_label(suite, dt_secret_view(&m.kp.init_priv), "A",
                                            dt_view_str("context"), &x, &out),
                     DT_ERR_AUTH);
    assert_true(dt_view_equal(dt_buf_view(&out), msg));
    assert_int_equal(mls_expand_with_label(suite, msg, "A", msg, 65536, &s), DT_ERR_RANGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_7_3_key_package_rules),
        cmocka_unit_test(test_section_10_1_key_package_bits),
        cmocka_unit_test(test_proposal_round_trip),
        cmocka_unit_test(test_proposal_refused),
        cmocka_unit_test(test_proposal_length),
        cmocka_unit_test(test_private_use_only),
        cmocka_unit_test(test_labels_separate),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
