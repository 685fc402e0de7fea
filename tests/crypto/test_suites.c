/*
 * tests/crypto/test_suites.c - X448 and Ed448; key material and random bytes in all seven suites.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/hpke.h"
#include "crypto/kem.h"

#define MAX 10000

static struct dt_buf
hex(const char *text)
{
    struct dt_buf b = DT_BUF_INIT(MAX);

    assert_int_equal(dt_hex_read(&b, dt_view_str(text)), DT_OK);
    return b;
}

/* RFC 7748 sections 5.2 and 6.2. */
static void
x448_rfc7748(void **state)
{
    const struct dt_kem *kem = &dt_kem_x448;
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf k = hex("3d262fddf9ec8e88495266fea19a34d28882acef045104d0d1aae121700a779c984c24f8"
                          "cdd78fbff44943eba368f54b"
                          "29259a4f1c600ad3");
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf u = hex("06fce640fa3487bfda5f6cf2d5263f8aad88334cbd07437f020f08f9814dc031ddbdc38c"
                          "19c6da2583fa5429db94ada1"
                          "8aa7a7fb4ef8a086");
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf want = hex("ce3e4ff95a60dc6697da1db1d85e6afbdf79b50a2412d7546d5f239fe14fbaadeb445"
                             "fc66a01b0779d98223961111e21"
                             "766282f73dd96b6f");
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf a = hex("9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf574a94197"
                          "44897391006382a6f127ab1d"
                          "9ac2d8c0a598726b");
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf b = hex("1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d6927c120bb5ee897"
                          "2b0d3e21374c9c921b09d1b0"
                          "366f10b65173992d");
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf a_pub = hex("9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bbc836"
                              "647241d953d40c5b12da88120d53"
                              "177f80e532c41fa0");
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf b_pub = hex("3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972fc3e"
                              "34fb4232a13ca706dcb57aec3dae"
                              "07bdc1c67bf33609");
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf shared = hex("07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56fd2"
                               "464c335543936521c24403085d59a"
                               "449a5037514a879d");
    DT_CLEANUP(dt_secret_clear) struct dt_secret out = {0};
    uint8_t pub[56];

    (void)state;
    assert_int_equal(kem->dh(kem, dt_buf_view(&k), dt_buf_view(&u), &out), DT_OK);
    assert_true(dt_ct_equal(dt_secret_view(&out), dt_buf_view(&want)));
    assert_int_equal(kem->pub(kem, dt_buf_view(&a), pub), DT_OK);
    assert_true(dt_view_equal(dt_view_of(pub), dt_buf_view(&a_pub)));
    assert_int_equal(kem->pub(kem, dt_buf_view(&b), pub), DT_OK);
    assert_true(dt_view_equal(dt_view_of(pub), dt_buf_view(&b_pub)));
    assert_int_equal(kem->dh(kem, dt_buf_view(&a), dt_buf_view(&b_pub), &out), DT_OK);
    assert_true(dt_ct_equal(dt_secret_view(&out), dt_buf_view(&shared)));
    assert_int_equal(kem->dh(kem, dt_buf_view(&b), dt_buf_view(&a_pub), &out), DT_OK);
    assert_true(dt_ct_equal(dt_secret_view(&out), dt_buf_view(&shared)));
    assert_int_equal(kem->dh(kem, dt_view(b.p, 55), dt_buf_view(&a_pub), &out), DT_ERR_RANGE);
    assert_int_equal(kem->dh(kem, dt_buf_view(&b), dt_view(a_pub.p, 55), &out), DT_ERR_RANGE);
    assert_int_equal(kem->pub(kem, dt_view(b.p, 55), pub), DT_ERR_RANGE);
    assert_int_equal(kem->pub_check(kem, dt_view(a_pub.p, 55)), DT_ERR_FORMAT);
}

/* The little-endian field element with these bytes: the first, 1 to 27, the 28th, 29 to 55. The
 * prime, 2^448 - 2^224 - 1, is {ff, ff, fe, ff}. */
static void
field_element(const uint8_t e[static 4], uint8_t out[static 56])
{
    memset(out, e[1], 28);
    memset(out + 28, e[3], 28);
    out[0] = e[0];
    out[28] = e[2];
}

/* RFC 7748 section 6.2, RFC 9180 section 7.1.4: 0, 1 and -1, and 0 and 1 with the prime added. */
static void
x448_low_order(void **state)
{
    static const uint8_t low[][4] = {{0, 0, 0, 0},
                                     {1, 0, 0, 0},
                                     {0xfe, 0xff, 0xfe, 0xff},
                                     {0xff, 0xff, 0xfe, 0xff},
                                     {0, 0, 0xff, 0xff}};
    const struct dt_suite *s = dt_suite_get(4);
    uint8_t priv[56] = {5, 6, 7};

    (void)state;
    for (size_t i = 0; i < sizeof low / sizeof low[0]; i++) {
        DT_CLEANUP(dt_secret_clear) struct dt_secret out = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf ct = DT_BUF_INIT(MAX);
        uint8_t enc[DT_HPKE_PUB_MAX];
        uint8_t u[56];
        struct dt_view v = dt_view_of(u);

        field_element(low[i], u);
        assert_int_equal(s->kem->dh(s->kem, dt_view_of(priv), v, &out), DT_ERR_AUTH);
        assert_null(out.p);
        assert_int_equal(dt_hpke_seal(s, v, v, v, v, enc, &ct), DT_ERR_AUTH);
        assert_int_equal(dt_hpke_open(s, dt_view_of(priv), v, v, v, v, &ct), DT_ERR_AUTH);
    }
}

/* RFC 8032 section 7.4, "Blank" and "1 octet". */
static void
ed448_rfc8032(void **state)
{
    static const struct {
        const char *seed, *pub, *msg, *sig;
    } cases[] = {
        {"6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b9"
         "4492f8f"
         "032e7549a20098f95b",
         "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df"
         "1e50f6c"
         "d1fa1abeafe8256180",
         "",
         "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22d"
         "dd47d78"
         "28c59bd0a21bfd3980ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a11"
         "3a0f4db"
         "b61149f05a7363268c71d95808ff2e652600"},
        {"c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a"
         "659949e"
         "f8021e954e0a12274e",
         "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c0866aea01eb00742802b8438ea4c"
         "b82169c"
         "235160627b4c3a9480",
         "03",
         "26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f4352541b143c4b981b7e18f62de8"
         "ccdf633"
         "fc1bf037ab7cd779805e0dbcc0aae1cbcee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f19"
         "53d2a0f"
         "f3348ab21aa4adafd1d234441cf807c03a00"},
    };
    const struct dt_suite *s = dt_suite_get(4);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf seed = hex(cases[i].seed);
        DT_CLEANUP(dt_buf_clear) struct dt_buf want = hex(cases[i].pub);
        DT_CLEANUP(dt_buf_clear) struct dt_buf msg = hex(cases[i].msg);
        DT_CLEANUP(dt_buf_clear) struct dt_buf want_sig = hex(cases[i].sig);
        DT_CLEANUP(dt_buf_clear) struct dt_buf sig = DT_BUF_INIT(MAX);
        uint8_t pub[57];

        assert_int_equal(dt_suite_sig_pub(s, dt_buf_view(&seed), pub), DT_OK);
        assert_true(dt_view_equal(dt_view_of(pub), dt_buf_view(&want)));
        assert_int_equal(dt_suite_sig_pub_check(s, dt_view_of(pub)), DT_OK);
        assert_int_equal(dt_suite_sign(s, dt_buf_view(&seed), dt_buf_view(&msg), &sig), DT_OK);
        assert_true(dt_view_equal(dt_buf_view(&sig), dt_buf_view(&want_sig)));
        assert_int_equal(dt_suite_verify(s, dt_view_of(pub), dt_buf_view(&msg), dt_buf_view(&sig)),
                         DT_OK);
        for (size_t bit = 0; bit < 8 * sig.n; bit++) {
            sig.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(
                dt_suite_verify(s, dt_view_of(pub), dt_buf_view(&msg), dt_buf_view(&sig)),
                DT_ERR_AUTH);
            sig.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(
            dt_suite_verify(s, dt_view_of(pub), dt_buf_view(&msg), dt_view(sig.p, 113)),
            DT_ERR_AUTH);
        assert_int_equal(dt_suite_verify(s, dt_view(pub, 56), dt_buf_view(&msg), dt_buf_view(&sig)),
                         DT_ERR_AUTH);
        assert_int_equal(dt_suite_sign(s, dt_view(seed.p, 56), dt_buf_view(&msg), &sig),
                         DT_ERR_RANGE);
        assert_int_equal(dt_suite_sig_pub(s, dt_view(seed.p, 56), pub), DT_ERR_RANGE);
    }
}

/* RFC 8032 section 5.2.7: S + L satisfies the equation; S < L must refuse it. */
static void
ed448_scalar_above_order(void **state)
{
    const struct dt_suite *s = dt_suite_get(6);
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf order = hex("f34458ab92c27823558fc58d72c26c219036d6ae49db4ec4e923ca7cffffffffffff"
                              "ffffffffffffffffffffffffffff"
                              "ffffffffffffff3f00");
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf sig = DT_BUF_INIT(MAX);
    struct dt_view m = dt_view_str("m");
    unsigned int carry = 0;
    uint8_t pub[57];

    (void)state;
    assert_int_equal(dt_suite_sig_new(s, &priv, pub), DT_OK);
    assert_int_equal(dt_suite_sign(s, dt_secret_view(&priv), m, &sig), DT_OK);
    assert_int_equal(dt_suite_verify(s, dt_view_of(pub), m, dt_buf_view(&sig)), DT_OK);
    for (size_t i = 0; i < 57; i++) {
        carry += (unsigned int)sig.p[57 + i] + order.p[i];
        sig.p[57 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(dt_suite_verify(s, dt_view_of(pub), m, dt_buf_view(&sig)), DT_ERR_AUTH);
}

/* RFC 8032 section 5.2.3: small order, y not below the prime, bits beside the sign in the last
 * byte. */
static void
ed448_bad_keys(void **state)
{
    static const uint8_t bad[][5] = {
        {0, 0, 0, 0, 0},       {0, 0, 0, 0, 0x80},          {1, 0, 0, 0, 0},
        {1, 0, 0, 0, 0x80},    {0xfe, 0xff, 0xfe, 0xff, 0}, {0xff, 0xff, 0xfe, 0xff, 0},
        {0, 0, 0xff, 0xff, 0}, {0xff, 0xff, 0xff, 0xff, 0}};
    const struct dt_suite *s = dt_suite_get(4);
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
    uint8_t pub[57];
    uint8_t p[57];

    (void)state;
    assert_int_equal(dt_suite_sig_new(s, &priv, pub), DT_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t forged[114] = {0};

        field_element(bad[i], p);
        p[56] = bad[i][4];
        assert_int_equal(dt_suite_sig_pub_check(s, dt_view_of(p)), DT_ERR_AUTH);
        /* With a key of order 1, R = identity and S = 0 would hold on any message. */
        memcpy(forged, p, 57);
        assert_int_equal(dt_suite_verify(s, dt_view_of(p), dt_view_str("any"), dt_view_of(forged)),
                         DT_ERR_AUTH);
    }
    for (unsigned int bit = 0; bit < 7; bit++) {
        memcpy(p, pub, sizeof p);
        p[56] |= (uint8_t)(1u << bit);
        assert_int_equal(dt_suite_sig_pub_check(s, dt_view_of(p)), DT_ERR_AUTH);
    }
    assert_int_equal(dt_suite_sig_pub_check(s, dt_view(pub, 56)), DT_ERR_AUTH);
}

static bool
never(void *ctx)
{
    (void)ctx;
    return true;
}

/* Without random bytes there is no key, and no ECDSA signature. */
static void
no_random(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= 7; id++) {
        const struct dt_suite *s = dt_suite_get(id);
        DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
        DT_CLEANUP(dt_secret_clear) struct dt_secret other = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf sig = DT_BUF_INIT(MAX);
        uint8_t pub[DT_SIG_PUB_MAX];

        assert_int_equal(dt_suite_sig_new(s, &priv, pub), DT_OK);
        dt_random_fault(never, NULL);
        assert_int_equal(dt_suite_sig_new(s, &other, pub), DT_ERR_IO);
        assert_int_equal(dt_hpke_new_key_pair(s, &other, pub), DT_ERR_IO);
        if (s->malleable)
            assert_int_equal(dt_suite_sign(s, dt_secret_view(&priv), dt_view_str("m"), &sig),
                             DT_ERR_IO);
        dt_random_fault(NULL, NULL);
        assert_null(other.p);
        assert_int_equal(sig.n, 0);
    }
}

/* RFC 9420 section 7.4 gives KDF.Nh bytes, which for P-521 is fewer than Nsk; less than both is
 * refused. */
static void
key_material_length(void **state)
{
    static const uint8_t ikm[66] = {1};

    (void)state;
    for (uint16_t id = 1; id <= 7; id++) {
        const struct dt_suite *s = dt_suite_get(id);
        size_t least = s->hash_len < s->kem_priv_len ? s->hash_len : s->kem_priv_len;
        DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
        uint8_t pub[DT_HPKE_PUB_MAX];

        assert_int_equal(dt_hpke_derive_key_pair(s, dt_view(ikm, s->hash_len), &priv, pub), DT_OK);
        assert_int_equal(priv.n, s->kem_priv_len);
        assert_int_equal(dt_hpke_pub_check(s, dt_view(pub, s->kem_pub_len)), DT_OK);
        assert_int_equal(dt_hpke_derive_key_pair(s, dt_view(ikm, least - 1), &priv, pub),
                         DT_ERR_RANGE);
    }
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
        cmocka_unit_test(x448_rfc7748),        cmocka_unit_test(x448_low_order),
        cmocka_unit_test(ed448_rfc8032),       cmocka_unit_test(ed448_scalar_above_order),
        cmocka_unit_test(ed448_bad_keys),      cmocka_unit_test(no_random),
        cmocka_unit_test(key_material_length),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
