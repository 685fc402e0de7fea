/*
 * tests/crypto/test_sign.c - Ed25519 and its one rule, labels, suites, HPKE.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/hpke.h"

#define MAX 10000

static struct dt_buf
hex(const char *text)
{
    struct dt_buf b = DT_BUF_INIT(MAX);

    assert_int_equal(dt_hex_read(&b, dt_view_str(text)), DT_OK);
    return b;
}

/* RFC 8032 section 7.1, tests 1 and 2. */
static void
ed25519_rfc8032(void **state)
{
    static const struct {
        const char *seed, *pub, *msg, *sig;
    } cases[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
         "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
         "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf seed = hex(cases[i].seed);
        DT_CLEANUP(dt_buf_clear) struct dt_buf want_pub = hex(cases[i].pub);
        DT_CLEANUP(dt_buf_clear) struct dt_buf msg = hex(cases[i].msg);
        DT_CLEANUP(dt_buf_clear) struct dt_buf want_sig = hex(cases[i].sig);
        uint8_t pub[32];
        uint8_t sig[64];

        assert_int_equal(dt_ed25519_pub(dt_buf_view(&seed), pub), DT_OK);
        assert_true(dt_view_equal(dt_view_of(pub), dt_buf_view(&want_pub)));
        assert_int_equal(dt_ed25519_sign(dt_buf_view(&seed), dt_buf_view(&msg), sig), DT_OK);
        assert_true(dt_view_equal(dt_view_of(sig), dt_buf_view(&want_sig)));
        assert_int_equal(dt_ed25519_verify(dt_view_of(pub), dt_buf_view(&msg), dt_view_of(sig)),
                         DT_OK);
        for (size_t bit = 0; bit < 8 * sizeof sig; bit++) {
            sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(dt_ed25519_verify(dt_view_of(pub), dt_buf_view(&msg), dt_view_of(sig)),
                             DT_ERR_AUTH);
            sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(dt_ed25519_verify(dt_view_of(pub), dt_view_str("other"), dt_view_of(sig)),
                         DT_ERR_AUTH);
        assert_int_equal(dt_ed25519_verify(dt_view(pub, 31), dt_buf_view(&msg), dt_view_of(sig)),
                         DT_ERR_AUTH);
        assert_int_equal(dt_ed25519_verify(dt_view_of(pub), dt_buf_view(&msg), dt_view(sig, 63)),
                         DT_ERR_AUTH);
    }
    assert_int_equal(dt_ed25519_pub(dt_view_str("short"), (uint8_t[32]){0}), DT_ERR_RANGE);
    assert_int_equal(dt_ed25519_sign(dt_view_str("short"), dt_view(NULL, 0), (uint8_t[64]){0}),
                     DT_ERR_RANGE);
}

/* RFC 8032 section 5.1.7: S + L verifies by the equation alone; S < L must refuse it. */
static void
ed25519_scalar_above_order(void **state)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    uint8_t pub[32];
    uint8_t sig[64];
    unsigned int carry = 0;

    (void)state;
    assert_int_equal(dt_ed25519_new(&seed, pub), DT_OK);
    assert_int_equal(dt_ed25519_sign(dt_secret_view(&seed), dt_view_str("m"), sig), DT_OK);
    assert_int_equal(dt_ed25519_verify(dt_view_of(pub), dt_view_str("m"), dt_view_of(sig)), DT_OK);
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned int)sig[32 + i] + order[i];
        sig[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(dt_ed25519_verify(dt_view_of(pub), dt_view_str("m"), dt_view_of(sig)),
                     DT_ERR_AUTH);
}

static void
ed25519_bad_keys(void **state)
{
    static const char *const keys[] = {
        /* small order, both signs of x */
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        /* not canonical */
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    uint8_t sig[64] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf key = hex(keys[i]);

        assert_int_equal(dt_ed25519_pub_check(dt_buf_view(&key)), DT_ERR_AUTH);
        assert_int_equal(dt_ed25519_verify(dt_buf_view(&key), dt_view_str("m"), dt_view_of(sig)),
                         DT_ERR_AUTH);
    }
}

static void
labels(void **state)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    static const uint8_t spelled[] = "\x0e"
                                     "detente 1 test"
                                     "content";
    uint8_t pub[32];
    uint8_t sig[64];
    uint8_t a[32];
    uint8_t b[32];

    (void)state;
    assert_int_equal(dt_label_hash("test", dt_view_str("content"), a), DT_OK);
    assert_int_equal(dt_sha256(dt_view(spelled, sizeof spelled - 1), b), DT_OK);
    assert_memory_equal(a, b, 32);
    assert_int_equal(dt_label_hash("testc", dt_view_str("ontent"), b), DT_OK);
    assert_memory_not_equal(a, b, 32);
    assert_int_equal(dt_ed25519_new(&seed, pub), DT_OK);
    assert_int_equal(dt_label_sign(dt_secret_view(&seed), "test", dt_view_str("content"), sig),
                     DT_OK);
    assert_int_equal(
        dt_label_verify(dt_view_of(pub), "test", dt_view_str("content"), dt_view_of(sig)), DT_OK);
    assert_int_equal(
        dt_ed25519_verify(dt_view_of(pub), dt_view(spelled, sizeof spelled - 1), dt_view_of(sig)),
        DT_OK);
    assert_int_equal(
        dt_label_verify(dt_view_of(pub), "other", dt_view_str("content"), dt_view_of(sig)),
        DT_ERR_AUTH);
    assert_int_equal(
        dt_label_verify(dt_view_of(pub), "test", dt_view_str("contenT"), dt_view_of(sig)),
        DT_ERR_AUTH);
}

static void
suites(void **state)
{
    (void)state;
    for (unsigned int id = 0; id < 65536; id++) {
        const struct dt_suite *s = dt_suite_get((uint16_t)id);

        if (id < 1 || id > 7) {
            assert_null(s);
            continue;
        }
        assert_non_null(s);
        assert_int_equal(s->id, id);
        assert_int_equal(s->hash_len, dt_hash_len(s->hash));
        assert_int_equal(s->key_len, dt_aead_key_len(s->aead));
        assert_int_equal(s->nonce_len, dt_aead_nonce_len(s->aead));
        assert_int_equal(s->tag_len, dt_aead_tag_len(s->aead));
        assert_true(s->kem_pub_len <= DT_HPKE_PUB_MAX && s->kem_priv_len <= DT_HPKE_PRIV_MAX);
        assert_true(s->sig_pub_len <= DT_SIG_PUB_MAX && s->sig_priv_len <= DT_SIG_PRIV_MAX);
        assert_true(s->sig_max <= DT_SIG_MAX);
        assert_int_equal(s->malleable, id == 2 || id == 5 || id == 7);
    }
}

static void
suite_signatures(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= 7; id++) {
        const struct dt_suite *s = dt_suite_get(id);
        DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf sig = DT_BUF_INIT(200);
        uint8_t pub[DT_SIG_PUB_MAX];
        uint8_t again[DT_SIG_PUB_MAX];

        assert_int_equal(dt_suite_sig_new(s, &priv, pub), DT_OK);
        assert_int_equal(priv.n, s->sig_priv_len);
        assert_int_equal(dt_suite_sig_pub(s, dt_secret_view(&priv), again), DT_OK);
        assert_memory_equal(pub, again, s->sig_pub_len);
        assert_int_equal(dt_suite_sig_pub_check(s, dt_view(pub, s->sig_pub_len)), DT_OK);
        assert_int_equal(dt_suite_sig_pub_check(s, dt_view(pub, s->sig_pub_len - 1)), DT_ERR_AUTH);
        assert_int_equal(dt_suite_sign(s, dt_secret_view(&priv), dt_view_str("m"), &sig), DT_OK);
        assert_int_equal(
            dt_suite_verify(s, dt_view(pub, s->sig_pub_len), dt_view_str("m"), dt_buf_view(&sig)),
            DT_OK);
        assert_int_equal(
            dt_suite_verify(s, dt_view(pub, s->sig_pub_len), dt_view_str("n"), dt_buf_view(&sig)),
            DT_ERR_AUTH);
    }
}

/* RFC 9180 sections 5 and 6: both ends agree; everything that differs is refused. */
static void
hpke_both_ends(void **state)
{
    struct dt_view info = dt_view_str("info");
    struct dt_view aad = dt_view_str("aad");
    struct dt_view msg = dt_view_str("message");
    struct dt_view none = {NULL, 0};

    (void)state;
    for (uint16_t id = 1; id <= 7; id++) {
        const struct dt_suite *s = dt_suite_get(id);
        bool points = s->kem_id <= 0x0012; /* P-256 to P-521 know a bad key by its form */
        DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
        DT_CLEANUP(dt_secret_clear) struct dt_secret other = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf ct = DT_BUF_INIT(200);
        DT_CLEANUP(dt_buf_clear) struct dt_buf pt = DT_BUF_INIT(200);
        uint8_t pub[DT_HPKE_PUB_MAX];
        uint8_t pub2[DT_HPKE_PUB_MAX];
        uint8_t enc[DT_HPKE_PUB_MAX];
        uint8_t zeros[DT_HPKE_PUB_MAX] = {0};
        struct dt_view e = dt_view(enc, s->kem_pub_len);

        assert_int_equal(dt_hpke_new_key_pair(s, &priv, pub), DT_OK);
        assert_int_equal(dt_hpke_new_key_pair(s, &other, pub2), DT_OK);
        assert_memory_not_equal(pub, pub2, s->kem_pub_len);
        assert_int_equal(dt_hpke_seal(s, dt_view(pub, s->kem_pub_len), info, aad, msg, enc, &ct),
                         DT_OK);
        assert_int_equal(ct.n, msg.n + s->tag_len);
        assert_int_equal(
            dt_hpke_open(s, dt_secret_view(&priv), e, info, aad, dt_buf_view(&ct), &pt), DT_OK);
        assert_true(dt_view_equal(dt_buf_view(&pt), msg));
        pt.n = 0;
        assert_int_equal(
            dt_hpke_open(s, dt_secret_view(&other), e, info, aad, dt_buf_view(&ct), &pt),
            DT_ERR_AUTH);
        assert_int_equal(dt_hpke_open(s, dt_secret_view(&priv), e, aad, aad, dt_buf_view(&ct), &pt),
                         DT_ERR_AUTH);
        assert_int_equal(
            dt_hpke_open(s, dt_secret_view(&priv), e, info, info, dt_buf_view(&ct), &pt),
            DT_ERR_AUTH);
        assert_int_equal(dt_hpke_open(s, dt_secret_view(&priv), dt_view(enc, s->kem_pub_len - 1),
                                      info, aad, dt_buf_view(&ct), &pt),
                         DT_ERR_AUTH);
        assert_int_equal(dt_hpke_open(s, dt_secret_view(&priv), dt_view(zeros, s->kem_pub_len),
                                      info, aad, dt_buf_view(&ct), &pt),
                         DT_ERR_AUTH);
        for (size_t bit = 0; bit < 8 * ct.n; bit += id == 1 || id == 3 ? 1 : 29) {
            ct.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(
                dt_hpke_open(s, dt_secret_view(&priv), e, info, aad, dt_buf_view(&ct), &pt),
                DT_ERR_AUTH);
            ct.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(pt.n, 0);
        /* Sealing to a point of low order or of a wrong length is refused. */
        ct.n = 0;
        assert_int_equal(dt_hpke_seal(s, dt_view(zeros, s->kem_pub_len), info, aad, msg, enc, &ct),
                         points ? DT_ERR_FORMAT : DT_ERR_AUTH);
        assert_int_equal(dt_hpke_seal(s, dt_view(pub, 5), info, aad, msg, enc, &ct), DT_ERR_FORMAT);
        assert_int_equal(dt_hpke_pub_check(s, dt_view(pub, 5)), DT_ERR_FORMAT);
        assert_int_equal(ct.n, 0);
        assert_int_equal(dt_hpke_derive_key_pair(s, none, &other, pub2), DT_ERR_RANGE);
    }
}

static void
hpke_contexts(void **state)
{
    const struct dt_suite *s = dt_suite_get(1);
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
    DT_CLEANUP(dt_hpke_ctx_clear) struct dt_hpke_ctx snd = {0};
    DT_CLEANUP(dt_hpke_ctx_clear) struct dt_hpke_ctx rcv = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret a = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret b = {0};
    uint8_t psk[32] = {9};
    uint8_t pub[DT_HPKE_PUB_MAX];
    uint8_t enc[DT_HPKE_PUB_MAX];
    struct dt_view none = {NULL, 0};
    struct dt_view info = dt_view_str("info");
    struct dt_view id = dt_view_str("courier");

    (void)state;
    assert_int_equal(dt_hpke_new_key_pair(s, &priv, pub), DT_OK);
    assert_int_equal(
        dt_hpke_setup_s(s, dt_view(pub, 32), info, dt_view_of(psk), id, none, enc, &snd), DT_OK);
    assert_int_equal(dt_hpke_setup_r(s, dt_secret_view(&priv), dt_view(enc, 32), info,
                                     dt_view_of(psk), id, &rcv),
                     DT_OK);
    for (int i = 0; i < 3; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf ct = DT_BUF_INIT(200);
        DT_CLEANUP(dt_buf_clear) struct dt_buf pt = DT_BUF_INIT(200);

        assert_int_equal(dt_hpke_ctx_seal(&snd, none, dt_view_str("same"), &ct), DT_OK);
        assert_int_equal(dt_hpke_ctx_open(&rcv, none, dt_buf_view(&ct), &pt), DT_OK);
        assert_true(dt_view_equal(dt_buf_view(&pt), dt_view_str("same")));
        /* The same bytes again are a replay. */
        assert_int_equal(dt_hpke_ctx_open(&rcv, none, dt_buf_view(&ct), &pt), DT_ERR_AUTH);
    }
    assert_int_equal(dt_hpke_ctx_export(&snd, dt_view_str("x"), 40, &a), DT_OK);
    assert_int_equal(dt_hpke_ctx_export(&rcv, dt_view_str("x"), 40, &b), DT_OK);
    assert_true(dt_ct_equal(dt_secret_view(&a), dt_secret_view(&b)));
    snd.seq = UINT64_MAX;
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf ct = DT_BUF_INIT(200);

        assert_int_equal(dt_hpke_ctx_seal(&snd, none, dt_view_str("x"), &ct), DT_ERR_LIMIT);
    }
    /* RFC 9180 section 5.1: the key and its name go together; section 9.5: 32 bytes. */
    assert_int_equal(
        dt_hpke_setup_s(s, dt_view(pub, 32), info, dt_view_of(psk), none, none, enc, &snd),
        DT_ERR_RANGE);
    assert_int_equal(dt_hpke_setup_s(s, dt_view(pub, 32), info, none, id, none, enc, &snd),
                     DT_ERR_RANGE);
    assert_int_equal(
        dt_hpke_setup_s(s, dt_view(pub, 32), info, dt_view(psk, 31), id, none, enc, &snd),
        DT_ERR_RANGE);
    /* Without the pre-shared key nothing opens. */
    psk[0] ^= 1;
    assert_int_equal(dt_hpke_setup_r(s, dt_secret_view(&priv), dt_view(enc, 32), info,
                                     dt_view_of(psk), id, &rcv),
                     DT_OK);
    assert_int_equal(dt_hpke_ctx_export(&rcv, dt_view_str("x"), 40, &b), DT_OK);
    assert_false(dt_ct_equal(dt_secret_view(&a), dt_secret_view(&b)));
}

static int
set_up(void **state)
{
    (void)state;
    return dt_crypto_init() == DT_OK ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519_rfc8032),  cmocka_unit_test(ed25519_scalar_above_order),
        cmocka_unit_test(ed25519_bad_keys), cmocka_unit_test(labels),
        cmocka_unit_test(suites),           cmocka_unit_test(suite_signatures),
        cmocka_unit_test(hpke_both_ends),   cmocka_unit_test(hpke_contexts),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
