/*
 * tests/crypto/test_nist.c - P-256, P-384 and P-521: ECDSA, and which points and scalars are
 * refused.
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

/* A curve's suite, order, and a key pair with an ECDSA signature on "sample" (RFC 6979 appendices
 * A.2.5, A.2.6 and A.2.7, with the suite's hash). */
static const struct curve {
    uint16_t suite;
    const char *order, *x, *ux, *uy, *r, *s;
} curves[] = {
    {2, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
     "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
     "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
     "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
     "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
    {7,
     "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52"
     "973",
     "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2e"
     "df5",
     "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480b"
     "c13",
     "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264"
     "720",
     "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fab"
     "e46",
     "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628"
     "ac8"},
    {5,
     "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f"
     "709"
     "a5d03bb5c9b8899c47aebb6fb71e91386409",
     "00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa896eb32f1f47c70855836a6d16"
     "fcc"
     "1466f6d8fbec67db89ec0c08b0e996b83538",
     "01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20fb"
     "633"
     "155d38ffa16d2bd761dcac474b9a2f5023a4",
     "00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b22acc"
     "23f"
     "924faafbd4d33f81ea66956dfeaa2bfdfcf5",
     "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152"
     "b53"
     "4931d7d4e8455cc91f9b15bf05ec36e377fa",
     "00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff"
     "077"
     "7b1a20f8ccb1dccc43997f1ee0e44da4a67a"},
};
#define N_CURVES (sizeof curves / sizeof curves[0])

static void
add_hex(struct dt_buf *b, const char *text)
{
    assert_int_equal(dt_hex_read(b, dt_view_str(text)), DT_OK);
}

static void
add(struct dt_buf *b, const void *p, size_t n)
{
    assert_int_equal(dt_buf_append(b, dt_view(p, n)), DT_OK);
}

static struct dt_buf
hex(const char *text)
{
    struct dt_buf b = DT_BUF_INIT(MAX);

    add_hex(&b, text);
    return b;
}

static struct dt_buf
point(const struct curve *c)
{
    struct dt_buf b = hex("04");

    add_hex(&b, c->ux);
    add_hex(&b, c->uy);
    return b;
}

/* Append the DER INTEGER of the big-endian ${v}, with ${extra} zero bytes too many. */
static void
der_integer(struct dt_buf *b, struct dt_view v, size_t extra)
{
    static const uint8_t zeros[4];
    uint8_t head[2] = {0x02, 0};

    while (v.n > 1 && v.p[0] == 0)
        v = dt_view(v.p + 1, v.n - 1);
    extra += v.p[0] >= 0x80;
    head[1] = (uint8_t)(v.n + extra);
    add(b, head, 2);
    add(b, zeros, extra);
    add(b, v.p, v.n);
}

/* The DER ECDSA-Sig-Value of two integers. ${long_form}: with a length that is one byte longer than
 * need be. */
static struct dt_buf
der(struct dt_view r, struct dt_view s, size_t extra, bool long_form)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(MAX);
    struct dt_buf b = DT_BUF_INIT(MAX);

    der_integer(&body, r, extra);
    der_integer(&body, s, 0);
    add(&b, "\x30", 1);
    if (body.n >= 0x80)
        add(&b, long_form ? "\x82\x00" : "\x81", long_form ? 2 : 1);
    else if (long_form)
        add(&b, "\x81", 1);
    add(&b, &(uint8_t){(uint8_t)body.n}, 1);
    add(&b, body.p, body.n);
    return b;
}

static enum dt_err
verify(const struct curve *c, const struct dt_buf *sig)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf pub = point(c);

    return dt_suite_verify(dt_suite_get(c->suite), dt_buf_view(&pub), dt_view_str("sample"),
                           dt_buf_view(sig));
}

/* ${n} minus ${v}, big endian, in place. */
static void
subtract_from(const struct dt_buf *n, struct dt_buf *v)
{
    int borrow = 0;

    for (size_t i = n->n; i-- > 0;) {
        int x = n->p[i] - v->p[i] - borrow;

        borrow = x < 0;
        v->p[i] = (uint8_t)(x + 256 * borrow);
    }
}

static void
ecdsa_rfc6979(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CURVES; i++) {
        const struct curve *c = &curves[i];
        const struct dt_suite *suite = dt_suite_get(c->suite);
        DT_CLEANUP(dt_buf_clear) struct dt_buf x = hex(c->x);
        DT_CLEANUP(dt_buf_clear) struct dt_buf want = point(c);
        DT_CLEANUP(dt_buf_clear) struct dt_buf order = hex(c->order);
        DT_CLEANUP(dt_buf_clear) struct dt_buf r = hex(c->r);
        DT_CLEANUP(dt_buf_clear) struct dt_buf s = hex(c->s);
        DT_CLEANUP(dt_buf_clear)
        struct dt_buf sig = der(dt_buf_view(&r), dt_buf_view(&s), 0, false);
        DT_CLEANUP(dt_buf_clear) struct dt_buf ours = DT_BUF_INIT(MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf other = DT_BUF_INIT(0);
        uint8_t pub[DT_SIG_PUB_MAX];

        assert_int_equal(dt_suite_sig_pub(suite, dt_buf_view(&x), pub), DT_OK);
        assert_true(dt_view_equal(dt_view(pub, suite->sig_pub_len), dt_buf_view(&want)));
        assert_int_equal(verify(c, &sig), DT_OK);
        assert_true(sig.n <= suite->sig_max);
        assert_int_equal(dt_suite_sign(suite, dt_buf_view(&x), dt_view_str("sample"), &ours),
                         DT_OK);
        assert_int_equal(verify(c, &ours), DT_OK);
        assert_int_equal(
            dt_suite_verify(suite, dt_buf_view(&want), dt_view_str("Sample"), dt_buf_view(&sig)),
            DT_ERR_AUTH);
        /* What malleable means, and that the table says so. */
        subtract_from(&order, &s);
        other = der(dt_buf_view(&r), dt_buf_view(&s), 0, false);
        assert_int_equal(verify(c, &other), DT_OK);
        assert_true(suite->malleable);
    }
}

/* RFC 9420 section 5.1.2: a DER ECDSA-Sig-Value; one form of it, and nothing after it. */
static void
ecdsa_other_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CURVES; i++) {
        const struct curve *c = &curves[i];
        DT_CLEANUP(dt_buf_clear) struct dt_buf r = hex(c->r);
        DT_CLEANUP(dt_buf_clear) struct dt_buf s = hex(c->s);
        DT_CLEANUP(dt_buf_clear) struct dt_buf order = hex(c->order);
        DT_CLEANUP(dt_buf_clear)
        struct dt_buf sig = der(dt_buf_view(&r), dt_buf_view(&s), 0, false);
        DT_CLEANUP(dt_buf_clear)
        struct dt_buf padded = der(dt_buf_view(&r), dt_buf_view(&s), 1, false);
        DT_CLEANUP(dt_buf_clear)
        struct dt_buf longer = der(dt_buf_view(&r), dt_buf_view(&s), 0, true);
        DT_CLEANUP(dt_buf_clear) struct dt_buf raw = hex(c->r);
        const uint8_t zero = 0;
        struct dt_view z = {&zero, 1};

        assert_int_equal(verify(c, &sig), DT_OK);
        assert_int_equal(verify(c, &padded), DT_ERR_AUTH);
        assert_int_equal(verify(c, &longer), DT_ERR_AUTH);
        add_hex(&raw, c->s); /* r || s without DER */
        assert_int_equal(verify(c, &raw), DT_ERR_AUTH);
        add(&sig, "", 1);
        assert_int_equal(verify(c, &sig), DT_ERR_AUTH); /* a byte after the end */
        sig.n -= 2;
        assert_int_equal(verify(c, &sig), DT_ERR_AUTH); /* one too few */
        sig.n = 0;
        assert_int_equal(verify(c, &sig), DT_ERR_AUTH);
        /* FIPS 186-5 section 6.4.2: r and s above zero and below the order. */
        for (int k = 0; k < 4; k++) {
            struct dt_view bad = k < 2 ? z : dt_buf_view(&order);
            DT_CLEANUP(dt_buf_clear)
            struct dt_buf b = der(k % 2 == 0 ? bad : dt_buf_view(&r),
                                  k % 2 == 0 ? dt_buf_view(&s) : bad, 0, false);

            assert_int_equal(verify(c, &b), DT_ERR_AUTH);
        }
    }
    {
        /* Strict, but longer than any order: to be refused by its length. */
        uint8_t ones[100];
        DT_CLEANUP(dt_buf_clear) struct dt_buf huge = DT_BUF_INIT(0);

        memset(ones, 1, sizeof ones);
        huge = der(dt_view_of(ones), dt_view_of(ones), 0, false);
        assert_int_equal(huge.n, 207);
        for (size_t i = 0; i < N_CURVES; i++)
            assert_int_equal(verify(&curves[i], &huge), DT_ERR_AUTH);
    }
    {
        /* The first bit of r is set, so that without its zero byte it is a negative number. */
        DT_CLEANUP(dt_buf_clear) struct dt_buf negative = hex("30450220");

        add_hex(&negative, curves[0].r);
        add_hex(&negative, "022100");
        add_hex(&negative, curves[0].s);
        assert_int_equal(verify(&curves[0], &negative), DT_ERR_AUTH);
        dt_buf_clear(&negative);
        add_hex(&negative, "3046022100");
        add_hex(&negative, curves[0].r);
        add_hex(&negative, "022100");
        add_hex(&negative, curves[0].s);
        assert_int_equal(verify(&curves[0], &negative), DT_OK);
    }
}

/* RFC 9180 section 7.1.4, and the same for signature keys. */
static void
nist_bad_points(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CURVES; i++) {
        const struct dt_suite *s = dt_suite_get(curves[i].suite);
        DT_CLEANUP(dt_buf_clear) struct dt_buf good = point(&curves[i]);
        DT_CLEANUP(dt_buf_clear) struct dt_buf priv = hex(curves[i].x);
        DT_CLEANUP(dt_secret_clear) struct dt_secret out = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf ct = DT_BUF_INIT(MAX);
        size_t n = s->kem_priv_len;
        uint8_t enc[DT_HPKE_PUB_MAX];
        uint8_t bad[8][DT_HPKE_PUB_MAX + 1];
        struct dt_view v[8];

        assert_int_equal(good.n, s->kem_pub_len);
        assert_int_equal(dt_hpke_pub_check(s, dt_buf_view(&good)), DT_OK);
        assert_int_equal(dt_suite_sig_pub_check(s, dt_buf_view(&good)), DT_OK);
        for (size_t k = 0; k < 8; k++) {
            memcpy(bad[k], good.p, good.n);
            bad[k][good.n] = 0;
            v[k] = dt_view(bad[k], good.n);
        }
        bad[0][0] = (uint8_t)(2 + (good.p[2 * n] & 1)); /* compressed */
        v[0].n = 1 + n;
        bad[1][0] = (uint8_t)(6 + (good.p[2 * n] & 1)); /* hybrid */
        bad[2][0] = 0;                                  /* infinity */
        v[2].n = 1;
        bad[3][2 * n] ^= 1; /* off the curve */
        v[4].n--;
        v[5].n++;
        memset(bad[6] + 1, 0xff, n); /* X not below the prime; P-521: bits above the field too */
        memset(bad[7] + 1, 0, 2 * n);
        for (size_t k = 0; k < 8; k++) {
            assert_int_equal(dt_hpke_pub_check(s, v[k]), DT_ERR_FORMAT);
            assert_int_equal(dt_suite_sig_pub_check(s, v[k]), DT_ERR_AUTH);
            assert_int_equal(dt_hpke_seal(s, v[k], v[k], v[k], v[k], enc, &ct), DT_ERR_FORMAT);
            assert_int_equal(dt_hpke_open(s, dt_buf_view(&priv), v[k], v[k], v[k], v[k], &ct),
                             DT_ERR_AUTH);
            assert_int_equal(s->kem->dh(s->kem, dt_buf_view(&priv), v[k], &out), DT_ERR_AUTH);
            assert_null(out.p);
            assert_int_equal(ct.n, 0);
        }
    }
}

static void
nist_bad_scalars(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CURVES; i++) {
        const struct dt_suite *s = dt_suite_get(curves[i].suite);
        DT_CLEANUP(dt_buf_clear) struct dt_buf pub = point(&curves[i]);
        DT_CLEANUP(dt_buf_clear) struct dt_buf order = hex(curves[i].order);
        DT_CLEANUP(dt_buf_clear) struct dt_buf above = hex(curves[i].order);
        DT_CLEANUP(dt_buf_clear) struct dt_buf below = hex(curves[i].order);
        DT_CLEANUP(dt_buf_clear) struct dt_buf sig = DT_BUF_INIT(MAX);
        DT_CLEANUP(dt_secret_clear) struct dt_secret out = {0};
        uint8_t zero[DT_HPKE_PRIV_MAX] = {0};
        uint8_t full[DT_HPKE_PRIV_MAX];
        uint8_t got[DT_HPKE_PUB_MAX] = {0xaa};
        size_t n = s->kem_priv_len;
        struct dt_view bad[4];

        memset(full, 0xff, sizeof full);
        above.p[n - 1]++;
        below.p[n - 1]--;
        bad[0] = dt_view(zero, n);
        bad[1] = dt_buf_view(&order);
        bad[2] = dt_buf_view(&above);
        bad[3] = dt_view(full, n);
        for (size_t k = 0; k < 4; k++) {
            assert_int_equal(dt_hpke_pub(s, bad[k], got), DT_ERR_AUTH);
            assert_int_equal(dt_suite_sig_pub(s, bad[k], got), DT_ERR_AUTH);
            assert_int_equal(dt_suite_sign(s, bad[k], dt_view_str("m"), &sig), DT_ERR_AUTH);
            assert_int_equal(s->kem->dh(s->kem, bad[k], dt_buf_view(&pub), &out), DT_ERR_AUTH);
        }
        for (size_t k = n - 1; k <= n + 1; k += 2) {
            uint8_t odd[DT_HPKE_PRIV_MAX + 1] = {1};

            assert_int_equal(dt_hpke_pub(s, dt_view(odd, k), got), DT_ERR_RANGE);
            assert_int_equal(dt_suite_sign(s, dt_view(odd, k), dt_view_str("m"), &sig),
                             DT_ERR_RANGE);
            assert_int_equal(s->kem->dh(s->kem, dt_view(odd, k), dt_buf_view(&pub), &out),
                             DT_ERR_RANGE);
        }
        assert_int_equal(got[0], 0xaa);
        assert_int_equal(sig.n, 0);
        assert_null(out.p);
        assert_int_equal(dt_hpke_pub(s, dt_buf_view(&below), got), DT_OK);
        /* (order - 1) * P = -P: the same x as P. */
        assert_int_equal(s->kem->dh(s->kem, dt_buf_view(&below), dt_buf_view(&pub), &out), DT_OK);
        assert_memory_equal(out.p, pub.p + 1, n);
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
        cmocka_unit_test(ecdsa_rfc6979),
        cmocka_unit_test(ecdsa_other_forms),
        cmocka_unit_test(nist_bad_points),
        cmocka_unit_test(nist_bad_scalars),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
