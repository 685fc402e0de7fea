/*
 * crypto/sign_ed448.c - Ed448 with an empty context, over OpenSSL.
 *
 * Source: RFC 8032 sections 5.2 and 8.4; RFC 9420 section 5.1.2. As for Ed25519 the form is checked
 * here before the library is asked: S < L, A and R canonical and not of small order. OpenSSL's own
 * equation disregards small-order parts; since R and A are hashed as bytes, only the signer could
 * make use of it.
 */
#include <string.h>

#include "crypto/evp_key.h"
#include "crypto/msan.h"
#include "crypto/sign_scheme.h"
#include "crypto/thread.h"

#define ED448_LEN 57 /* seed, public key, and each half of a signature */
#define FIELD_LEN 56

/* Little endian ${a} < ${b}, FIELD_LEN bytes each. Public values only. */
static bool
less(const uint8_t *a, const uint8_t *b)
{
    for (size_t i = FIELD_LEN; i-- > 0;)
        if (a[i] != b[i])
            return a[i] < b[i];
    return false;
}

/* RFC 8032 section 5.2.7: S in the range 0 <= S < L, in 57 bytes. */
static bool
scalar_canonical(const uint8_t *s)
{
    static const uint8_t order[FIELD_LEN] = {
        0xf3, 0x44, 0x58, 0xab, 0x92, 0xc2, 0x78, 0x23, 0x55, 0x8f, 0xc5, 0x8d, 0x72, 0xc2,
        0x6c, 0x21, 0x90, 0x36, 0xd6, 0xae, 0x49, 0xdb, 0x4e, 0xc4, 0xe9, 0x23, 0xca, 0x7c,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f};

    return s[FIELD_LEN] == 0 && less(s, order);
}

/* RFC 8032 section 5.2.3: y below 2^448 - 2^224 - 1, nothing but the sign of x in the last byte.
 * The four points of small order have y = 0 (order 4), 1 (the neutral element) and -1 (order 2). */
static bool
point_fit(const uint8_t *p)
{
    static const uint8_t prime[FIELD_LEN] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t zero[FIELD_LEN] = {0};
    static const uint8_t one[FIELD_LEN] = {1};
    uint8_t minus_one[FIELD_LEN];

    memcpy(minus_one, prime, sizeof prime);
    minus_one[0]--;
    return (p[FIELD_LEN] & 0x7f) == 0 && less(p, prime) && memcmp(p, zero, FIELD_LEN) != 0 &&
           memcmp(p, one, FIELD_LEN) != 0 && memcmp(p, minus_one, FIELD_LEN) != 0;
}

static enum dt_err
ed448_pub(const struct dt_sig_scheme *s, struct dt_view priv, uint8_t *pub)
{
    (void)s;
    if (priv.n != ED448_LEN)
        return dt_fail(DT_ERR_RANGE, "an Ed448 seed has %d bytes", ED448_LEN);
    return dt_evp_pub_of("ED448", priv, pub, ED448_LEN);
}

static enum dt_err
ed448_create(const struct dt_sig_scheme *s, struct dt_secret *priv, uint8_t *pub)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    enum dt_err err = dt_secret_random(&seed, ED448_LEN);

    if (err == DT_OK)
        err = ed448_pub(s, dt_secret_view(&seed), pub);
    if (err == DT_OK)
        dt_secret_move(priv, &seed);
    return err;
}

static enum dt_err
ed448_pub_check(const struct dt_sig_scheme *s, struct dt_view pub)
{
    (void)s;
    if (pub.n != ED448_LEN || !point_fit(pub.p))
        return dt_fail(DT_ERR_AUTH, "not an Ed448 public key");
    return DT_OK;
}

static enum dt_err
ed448_sign(const struct dt_sig_scheme *s, struct dt_view priv, struct dt_view msg,
           struct dt_buf *sig)
{
    DT_CLEANUP(dt_evp_key_free_p) EVP_PKEY *key = NULL;
    static const uint8_t none[1];
    uint8_t bytes[2 * ED448_LEN];
    size_t n = sizeof bytes;
    EVP_MD_CTX *ctx;
    bool ok;

    (void)s;
    if (priv.n != ED448_LEN)
        return dt_fail(DT_ERR_RANGE, "an Ed448 seed has %d bytes", ED448_LEN);
    key = dt_evp_key_priv("ED448", priv);
    ctx = dt_thread_sign();
    ok = key != NULL && ctx != NULL &&
         EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
         EVP_DigestSign(ctx, bytes, &n, msg.n > 0 ? msg.p : none, msg.n) == 1 && n == sizeof bytes;
    if (ctx != NULL)
        (void)EVP_MD_CTX_reset(ctx);
    if (!ok)
        return dt_fail(DT_ERR_INTERNAL, "signing failed");
    dt_msan_wrote(bytes, sizeof bytes);
    return dt_buf_append(sig, dt_view_of(bytes));
}

static enum dt_err
ed448_verify(const struct dt_sig_scheme *s, struct dt_view pub, struct dt_view msg,
             struct dt_view sig)
{
    DT_CLEANUP(dt_evp_key_free_p) EVP_PKEY *key = NULL;
    static const uint8_t none[1];
    EVP_MD_CTX *ctx;
    bool ok;

    (void)s;
    ok = pub.n == ED448_LEN && sig.n == 2 * ED448_LEN && point_fit(pub.p) && point_fit(sig.p) &&
         scalar_canonical(sig.p + ED448_LEN);
    if (ok) {
        key = dt_evp_key_pub("ED448", pub);
        ctx = dt_thread_sign();
        if (key == NULL || ctx == NULL)
            return dt_fail(DT_ERR_INTERNAL, "verification could not be started");
        ok = EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
             EVP_DigestVerify(ctx, sig.p, sig.n, msg.n > 0 ? msg.p : none, msg.n) == 1;
        (void)EVP_MD_CTX_reset(ctx);
    }
    if (!ok)
        return dt_fail(DT_ERR_AUTH, "the signature does not hold");
    return DT_OK;
}

const struct dt_sig_scheme dt_sig_ed448 = {
    .create = ed448_create,
    .pub = ed448_pub,
    .pub_check = ed448_pub_check,
    .sign = ed448_sign,
    .verify = ed448_verify,
};
