/*
 * crypto/sign_scheme.h - a signature scheme of the suite table: sizes and functions.
 *
 * Source: RFC 9420 sections 5.1.2 and 17.1. Layer: crypto, internal to suite.c and the sign_*.c
 * files.
 */
#ifndef DT_CRYPTO_SIGN_SCHEME_H
#define DT_CRYPTO_SIGN_SCHEME_H

#include "crypto/ec.h"

struct dt_sig_scheme {
    enum dt_ec_curve curve; /* ECDSA's */
    enum dt_hash_alg hash;  /* ECDSA's */

    /* A new private key into ${priv} and its public key into ${pub}. */
    enum dt_err (*create)(const struct dt_sig_scheme *s, struct dt_secret *priv, uint8_t *pub);

    /* The public key of ${priv}. RANGE (length), AUTH (not a key). */
    enum dt_err (*pub)(const struct dt_sig_scheme *s, struct dt_view priv, uint8_t *pub);

    /* dt_suite_sig_ready(); NULL: a private key is ready as it is. */
    enum dt_err (*ready)(const struct dt_sig_scheme *s, struct dt_view priv,
                         struct dt_secret *ready, uint8_t *pub);

    /* AUTH unless ${pub} may serve as a key. */
    enum dt_err (*pub_check)(const struct dt_sig_scheme *s, struct dt_view pub);

    /* Append the signature on ${msg} to ${sig}. RANGE (length), AUTH (not a key). */
    enum dt_err (*sign)(const struct dt_sig_scheme *s, struct dt_view priv, struct dt_view msg,
                        struct dt_buf *sig);

    /* AUTH unless ${sig} holds; one answer for all reasons. */
    enum dt_err (*verify)(const struct dt_sig_scheme *s, struct dt_view pub, struct dt_view msg,
                          struct dt_view sig);
};

extern const struct dt_sig_scheme dt_sig_ed25519, dt_sig_ed448;
extern const struct dt_sig_scheme dt_sig_ecdsa_p256, dt_sig_ecdsa_p384, dt_sig_ecdsa_p521;

#endif
