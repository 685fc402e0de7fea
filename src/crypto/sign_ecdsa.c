/*
 * crypto/sign_ecdsa.c - ECDSA over P-256, P-384 and P-521 with SHA-256, SHA-384 and SHA-512.
 *
 * Source: FIPS 186-5 section 6; RFC 9420 sections 5.1.1 and 5.1.2: the signature is a DER
 * ECDSA-Sig-Value, the public key an uncompressed point. Private keys are big-endian integers of
 * fixed length. One DER form only is taken, but (r, n - s) holds whenever (r, s) does: these
 * signatures are malleable, which the suite table says. OpenSSL mixes the private key and the hash
 * into its random nonce.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/params.h>
#include <string.h>

#include "crypto/evp_key.h"
#include "crypto/msan.h"
#include "crypto/sign_scheme.h"
#include "crypto/thread.h"

#define TRIES   256 /* of random candidates; for no curve is one in two too large */
#define DER_MAX 144

/* A key for one use from the two parameters after the group's name. NULL: refused, or no memory. */
static EVP_PKEY *
key_import(int selection, OSSL_PARAM *params)
{
    DT_CLEANUP(dt_evp_ctx_free_p) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, selection, params) != 1)
        return NULL;
    return key;
}

static OSSL_PARAM
group_param(const struct dt_sig_scheme *s, char name[static 8])
{
    (void)OPENSSL_strlcpy(name, dt_ec_name(s->curve), 8);
    return OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
}

static EVP_PKEY *
key_pub(const struct dt_sig_scheme *s, struct dt_view pub)
{
    uint8_t point[DT_EC_PUB_MAX];
    char name[8];
    OSSL_PARAM params[3];

    memcpy(point, pub.p, pub.n);
    params[0] = group_param(s, name);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, pub.n);
    params[2] = OSSL_PARAM_construct_end();
    return key_import(EVP_PKEY_PUBLIC_KEY, params);
}

static EVP_PKEY *
key_priv(const struct dt_sig_scheme *s, struct dt_view priv)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret native = {0};
    BIGNUM *k = BN_secure_new();
    char name[8];
    OSSL_PARAM params[3];
    EVP_PKEY *key = NULL;

    /* An integer parameter is in the machine's order of bytes. */
    if (k != NULL && dt_secret_alloc(&native, priv.n) == DT_OK &&
        BN_bin2bn(priv.p, (int)priv.n, k) != NULL &&
        BN_bn2nativepad(k, native.p, (int)native.n) == (int)native.n) {
        params[0] = group_param(s, name);
        params[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native.p, native.n);
        params[2] = OSSL_PARAM_construct_end();
        key = key_import(EVP_PKEY_KEYPAIR, params);
    }
    BN_clear_free(k);
    return key;
}

static enum dt_err
ecdsa_pub(const struct dt_sig_scheme *s, struct dt_view priv, uint8_t *pub)
{
    return dt_ec_pub(s->curve, priv, pub);
}

/* FIPS 186-5 appendix A.2.2: rejection sampling. */
static enum dt_err
ecdsa_create(const struct dt_sig_scheme *s, struct dt_secret *priv, uint8_t *pub)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret candidate = {0};

    for (int i = 0; i < TRIES; i++) {
        enum dt_err err = dt_secret_random(&candidate, dt_ec_len(s->curve));

        if (err != DT_OK)
            return err;
        dt_ec_mask(s->curve, candidate.p);
        err = dt_ec_pub(s->curve, dt_secret_view(&candidate), pub);
        if (err == DT_OK)
            dt_secret_move(priv, &candidate);
        if (err != DT_ERR_AUTH)
            return err;
    }
    return dt_fail(DT_ERR_INTERNAL, "no random private key");
}

static enum dt_err
ecdsa_pub_check(const struct dt_sig_scheme *s, struct dt_view pub)
{
    enum dt_err err = dt_ec_pub_check(s->curve, pub);

    return err == DT_ERR_FORMAT ? dt_fail(DT_ERR_AUTH, "not an ECDSA public key") : err;
}

static enum dt_err
ecdsa_sign(const struct dt_sig_scheme *s, struct dt_view priv, struct dt_view msg,
           struct dt_buf *sig)
{
    DT_CLEANUP(dt_evp_key_free_p) EVP_PKEY *key = NULL;
    DT_CLEANUP(dt_evp_ctx_free_p) EVP_PKEY_CTX *ctx = NULL;
    uint8_t hash[DT_HASH_MAX];
    uint8_t der[DER_MAX];
    size_t n = sizeof der;
    enum dt_err err = dt_random_ready();

    if (err == DT_OK)
        err = dt_ec_priv_check(s->curve, priv);
    if (err == DT_OK)
        err = dt_hash(s->hash, &msg, 1, hash);
    if (err != DT_OK)
        return err;
    key = key_priv(s, priv);
    ctx = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
        EVP_PKEY_sign(ctx, der, &n, hash, dt_hash_len(s->hash)) != 1)
        return dt_fail(DT_ERR_INTERNAL, "signing failed");
    dt_msan_wrote(der, n);
    return dt_buf_append(sig, dt_view(der, n));
}

/* Are these bytes, all of them, the one DER form of two positive integers? */
static bool
der_strict(struct dt_view sig)
{
    const uint8_t *p = sig.p;
    uint8_t again[DER_MAX];
    uint8_t *q = again;
    ECDSA_SIG *value;
    bool ok;

    if (sig.n == 0 || sig.n > sizeof again)
        return false;
    dt_msan_wrote(again, sizeof again); /* i2d fills what is compared */
    value = d2i_ECDSA_SIG(NULL, &p, (long)sig.n);
    ok = value != NULL && p == sig.p + sig.n && i2d_ECDSA_SIG(value, NULL) == (int)sig.n &&
         i2d_ECDSA_SIG(value, &q) == (int)sig.n && dt_view_equal(sig, dt_view(again, sig.n)) &&
         BN_is_negative(ECDSA_SIG_get0_r(value)) == 0 &&
         BN_is_negative(ECDSA_SIG_get0_s(value)) == 0;
    ECDSA_SIG_free(value);
    return ok;
}

static enum dt_err
ecdsa_verify(const struct dt_sig_scheme *s, struct dt_view pub, struct dt_view msg,
             struct dt_view sig)
{
    DT_CLEANUP(dt_evp_key_free_p) EVP_PKEY *key = NULL;
    DT_CLEANUP(dt_evp_ctx_free_p) EVP_PKEY_CTX *ctx = NULL;
    uint8_t hash[DT_HASH_MAX];
    enum dt_err err = dt_hash(s->hash, &msg, 1, hash);
    bool ok;

    if (err != DT_OK)
        return err;
    ok = dt_ec_pub_check(s->curve, pub) == DT_OK && der_strict(sig);
    if (ok) {
        key = key_pub(s, pub);
        ctx = key == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
        if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1)
            return dt_fail(DT_ERR_INTERNAL, "verification could not be started");
        /* r and s in the range 1 to n - 1 is OpenSSL's part. */
        ok = EVP_PKEY_verify(ctx, sig.p, sig.n, hash, dt_hash_len(s->hash)) == 1;
    }
    if (!ok)
        return dt_fail(DT_ERR_AUTH, "the signature does not hold");
    return DT_OK;
}

#define ECDSA                                                                                      \
    .create = ecdsa_create, .pub = ecdsa_pub, .pub_check = ecdsa_pub_check, .sign = ecdsa_sign,    \
    .verify = ecdsa_verify

const struct dt_sig_scheme dt_sig_ecdsa_p256 = {.curve = DT_EC_P256, .hash = DT_HASH_SHA256, ECDSA};
const struct dt_sig_scheme dt_sig_ecdsa_p384 = {.curve = DT_EC_P384, .hash = DT_HASH_SHA384, ECDSA};
const struct dt_sig_scheme dt_sig_ecdsa_p521 = {.curve = DT_EC_P521, .hash = DT_HASH_SHA512, ECDSA};
