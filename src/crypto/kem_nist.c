/*
 * crypto/kem_nist.c - DHKEM(P-256, HKDF-SHA256), DHKEM(P-384, HKDF-SHA384) and DHKEM(P-521,
 * HKDF-SHA512), numbers 0x0010 to 0x0012.
 *
 * Source: RFC 9180 sections 7.1.1 to 7.1.4. Private keys are big-endian integers of Nsk bytes.
 */
#include "crypto/kem.h"

#define CANDIDATES 256 /* RFC 9180 section 7.1.3: the counter is one byte */

/* RFC 9180 section 7.1.3: the first candidate that is above zero and below the order. */
static enum dt_err
derive(const struct dt_kem *kem, struct dt_view dkp_prk, struct dt_secret *sk)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret candidate = {0};

    for (unsigned int i = 0; i < CANDIDATES; i++) {
        uint8_t counter = (uint8_t)i;
        enum dt_err err = dt_kem_labeled_expand(kem, dkp_prk, "candidate", dt_view(&counter, 1),
                                                kem->priv_len, &candidate);

        if (err != DT_OK)
            return err;
        dt_ec_mask(kem->curve, candidate.p);
        err = dt_ec_priv_check(kem->curve, dt_secret_view(&candidate));
        if (err == DT_OK)
            dt_secret_move(sk, &candidate);
        if (err != DT_ERR_AUTH)
            return err;
    }
    return dt_fail(DT_ERR_INTERNAL, "no private key comes of this key material");
}

static enum dt_err
pub_of(const struct dt_kem *kem, struct dt_view priv, uint8_t *pub)
{
    return dt_ec_pub(kem->curve, priv, pub);
}

static enum dt_err
pub_check(const struct dt_kem *kem, struct dt_view pub)
{
    return dt_ec_pub_check(kem->curve, pub);
}

static enum dt_err
dh(const struct dt_kem *kem, struct dt_view priv, struct dt_view pub, struct dt_secret *out)
{
    return dt_ec_dh(kem->curve, priv, pub, out);
}

const struct dt_kem dt_kem_p256 = {
    .kem_id = 0x0010,
    .curve = DT_EC_P256,
    .hash = DT_HASH_SHA256,
    .pub_len = 65,
    .priv_len = 32,
    .dh_len = 32,
    .secret_len = 32,
    .derive = derive,
    .pub = pub_of,
    .pub_check = pub_check,
    .dh = dh,
};

const struct dt_kem dt_kem_p384 = {
    .kem_id = 0x0011,
    .curve = DT_EC_P384,
    .hash = DT_HASH_SHA384,
    .pub_len = 97,
    .priv_len = 48,
    .dh_len = 48,
    .secret_len = 48,
    .derive = derive,
    .pub = pub_of,
    .pub_check = pub_check,
    .dh = dh,
};

const struct dt_kem dt_kem_p521 = {
    .kem_id = 0x0012,
    .curve = DT_EC_P521,
    .hash = DT_HASH_SHA512,
    .pub_len = 133,
    .priv_len = 66,
    .dh_len = 66,
    .secret_len = 64,
    .derive = derive,
    .pub = pub_of,
    .pub_check = pub_check,
    .dh = dh,
};
