/*
 * crypto/kem.h - what HPKE needs of a Diffie-Hellman group, one table entry for each.
 *
 * Source: RFC 9180 sections 4.1 and 7.1. Layer: crypto, internal to hpke.c and the kem_*.c files.
 */
#ifndef DT_CRYPTO_KEM_H
#define DT_CRYPTO_KEM_H

#include "crypto/ec.h"
#include "crypto/hpke.h"

/* The group under a DHKEM. Keys are in their serialised form; lengths are those of the suite. */
struct dt_kem {
    uint16_t kem_id;
    enum dt_ec_curve curve; /* of the kem_nist.c ones */
    enum dt_hash_alg hash;  /* of the KEM's own KDF, which may differ from the suite's */
    size_t pub_len, priv_len, dh_len, secret_len;

    /* The private key in ${sk} (priv_len bytes) of DeriveKeyPair's ${dkp_prk}. */
    enum dt_err (*derive)(const struct dt_kem *kem, struct dt_view dkp_prk, struct dt_secret *sk);

    /* The public key of ${priv}. RANGE (length), AUTH (not a key). */
    enum dt_err (*pub)(const struct dt_kem *kem, struct dt_view priv, uint8_t *pub);

    /* FORMAT unless ${pub} is the encoding of a public key. */
    enum dt_err (*pub_check)(const struct dt_kem *kem, struct dt_view pub);

    /* ${out} becomes the dh_len shared bytes. AUTH when the peer's key is unusable. */
    enum dt_err (*dh)(const struct dt_kem *kem, struct dt_view priv, struct dt_view pub,
                      struct dt_secret *out);
};

extern const struct dt_kem dt_kem_p256, dt_kem_p384, dt_kem_p521;
extern const struct dt_kem dt_kem_x25519, dt_kem_x448;

/* LabeledExpand (RFC 9180 section 4) with the KEM's suite_id, for derive(). */
DT_MUST_CHECK enum dt_err dt_kem_labeled_expand(const struct dt_kem *kem, struct dt_view prk,
                                                const char *label, struct dt_view info, size_t len,
                                                struct dt_secret *out);

#endif
