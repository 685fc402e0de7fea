/*
 * crypto/kem_x25519.c - DHKEM(X25519, HKDF-SHA256), number 0x0020.
 *
 * Source: RFC 9180 sections 7.1.1 to 7.1.4.
 */
#include "crypto/kem.h"

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
    return dt_x25519_pub(priv, pub);
}

/* RFC 9180 section 7.1.4: any 32 bytes are a public key; low order shows in the shared secret. */
static enum dt_err
pub_check(const struct dt_kem *kem, struct dt_view pub)
{
    (void)kem;
    if (pub.n != DT_X25519)
        return dt_fail(DT_ERR_FORMAT, "an X25519 public key has 32 bytes");
    return DT_OK;
}

static enum dt_err
dh(const struct dt_kem *kem, struct dt_view priv, struct dt_view pub, struct dt_secret *out)
{
    (void)kem;
    return dt_x25519(priv, pub, out);
}

const struct dt_kem dt_kem_x25519 = {
    .kem_id = 0x0020,
    .hash = DT_HASH_SHA256,
    .pub_len = DT_X25519,
    .priv_len = DT_X25519,
    .dh_len = DT_X25519,
    .secret_len = 32,
    .derive = derive,
    .pub = pub_of,
    .pub_check = pub_check,
    .dh = dh,
};
