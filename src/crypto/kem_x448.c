/*
 * crypto/kem_x448.c - DHKEM(X448, HKDF-SHA512), number 0x0021.
 *
 * Source: RFC 9180 sections 7.1.1 to 7.1.4, RFC 7748.
 */
#include <sodium.h>

#include "crypto/evp_key.h"
#include "crypto/kem.h"
#include "crypto/msan.h"

#define X448_LEN 56

/* RFC 9180 section 7.1.3: sk = LabeledExpand(dkp_prk, "sk", "", Nsk). */
static enum dt_err
derive(const struct dt_kem *kem, struct dt_view dkp_prk, struct dt_secret *sk)
{
    return dt_kem_labeled_expand(kem, dkp_prk, "sk", dt_view(NULL, 0), kem->priv_len, sk);
}

static enum dt_err
pub_of(const struct dt_kem *kem, struct dt_view priv, uint8_t *pub)
{
    (void)kem;
    if (priv.n != X448_LEN)
        return dt_fail(DT_ERR_RANGE, "an X448 key has %d bytes", X448_LEN);
    return dt_evp_pub_of("X448", priv, pub, X448_LEN);
}

/* RFC 9180 section 7.1.4: any 56 bytes are a public key; low order shows in the shared secret. */
static enum dt_err
pub_check(const struct dt_kem *kem, struct dt_view pub)
{
    (void)kem;
    if (pub.n != X448_LEN)
        return dt_fail(DT_ERR_FORMAT, "an X448 public key has %d bytes", X448_LEN);
    return DT_OK;
}

static enum dt_err
dh(const struct dt_kem *kem, struct dt_view priv, struct dt_view pub, struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret shared = {0};
    DT_CLEANUP(dt_evp_key_free_p) EVP_PKEY *ours = NULL;
    DT_CLEANUP(dt_evp_key_free_p) EVP_PKEY *theirs = NULL;
    DT_CLEANUP(dt_evp_ctx_free_p) EVP_PKEY_CTX *ctx = NULL;
    size_t n = X448_LEN;
    enum dt_err err;

    (void)kem;
    if (priv.n != X448_LEN || pub.n != X448_LEN)
        return dt_fail(DT_ERR_RANGE, "an X448 key has %d bytes", X448_LEN);
    err = dt_secret_alloc(&shared, X448_LEN);
    if (err != DT_OK)
        return err;
    ours = dt_evp_key_priv("X448", priv);
    theirs = dt_evp_key_pub("X448", pub);
    ctx = ours == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
    if (theirs == NULL || ctx == NULL || EVP_PKEY_derive_init(ctx) != 1)
        return dt_fail(DT_ERR_INTERNAL, "X448 could not be started");
    /* RFC 7748 section 6.2: the check for the all-zero value, which RFC 9180 section 7.1.4
     * requires. OpenSSL makes it too; the second look costs nothing and does not depend on its
     * release. */
    if (EVP_PKEY_derive_set_peer_ex(ctx, theirs, 0) != 1 ||
        EVP_PKEY_derive(ctx, shared.p, &n) != 1 || n != X448_LEN ||
        sodium_is_zero(shared.p, shared.n) != 0)
        return dt_fail(DT_ERR_AUTH, "the peer's key is not usable");
    dt_msan_wrote(shared.p, shared.n);
    dt_secret_move(out, &shared);
    return DT_OK;
}

const struct dt_kem dt_kem_x448 = {
    .kem_id = 0x0021,
    .hash = DT_HASH_SHA512,
    .pub_len = X448_LEN,
    .priv_len = X448_LEN,
    .dh_len = X448_LEN,
    .secret_len = 64,
    .derive = derive,
    .pub = pub_of,
    .pub_check = pub_check,
    .dh = dh,
};
