/*
 * crypto/suite.h - the cipher suite table of RFC 9420 section 17.1: sizes and algorithms.
 *
 * Layer: crypto. All seven suites are known; which of them a channel may use is its own rule.
 */
#ifndef DT_CRYPTO_SUITE_H
#define DT_CRYPTO_SUITE_H

#include "crypto/crypto.h"

#define DT_SIG_PUB_MAX  133
#define DT_SIG_PRIV_MAX 66
#define DT_SIG_MAX      139

struct dt_kem;        /* the group under HPKE: crypto/kem.h, internal */
struct dt_sig_scheme; /* crypto/sign_scheme.h, internal */

enum dt_sig_alg {
    DT_SIG_ED25519 = 1,
    DT_SIG_ED448,
    DT_SIG_ECDSA_P256,
    DT_SIG_ECDSA_P384,
    DT_SIG_ECDSA_P521
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): seven static rows, easy to read */
struct dt_suite {
    uint16_t id; /* RFC 9420 number, e.g. 0x0001 */
    const char *name;
    enum dt_hash_alg hash;
    size_t hash_len; /* Nh, also KDF.Nh */
    enum dt_aead_alg aead;
    size_t key_len;   /* AEAD.Nk */
    size_t nonce_len; /* AEAD.Nn */
    size_t tag_len;
    uint16_t kem_id, kdf_id, aead_id; /* RFC 9180 section 7 */
    const struct dt_kem *kem;
    size_t kem_pub_len;    /* Npk = Nenc */
    size_t kem_priv_len;   /* Nsk */
    size_t kem_secret_len; /* Nsecret */
    enum dt_sig_alg sig;
    const struct dt_sig_scheme *scheme;
    size_t sig_pub_len;
    size_t sig_priv_len; /* seed; for ECDSA a big-endian integer of fixed length */
    size_t sig_max;      /* longest signature */
    /* A signature can be changed into another on the same message without the key (ECDSA: s to n -
     * s), so the bytes do not identify what was signed. Live channels refuse such a suite. */
    bool malleable;
};

/* The suite numbered ${id}, static; NULL when it is not known here. */
const struct dt_suite *dt_suite_get(uint16_t id);

/* Sign/verify with the suite's signature scheme (raw, no MLS label). ${sig} is appended to. ${priv}
 * is a private key, or one of dt_suite_sig_ready(). */
DT_MUST_CHECK enum dt_err dt_suite_sign(const struct dt_suite *suite, struct dt_view priv,
                                        struct dt_view msg, struct dt_buf *sig);
DT_MUST_CHECK enum dt_err dt_suite_verify(const struct dt_suite *suite, struct dt_view pub,
                                          struct dt_view msg, struct dt_view sig);
/* New signature key pair; ${pub} gets sig_pub_len bytes. */
DT_MUST_CHECK enum dt_err dt_suite_sig_new(const struct dt_suite *suite, struct dt_secret *priv,
                                           uint8_t *pub);
/* A private key of sig_priv_len bytes made ready for many signatures, into ${ready}, and its public
 * key into ${pub}. For Ed25519 it spares the half of each signature that finds the public key anew;
 * the private key is its first sig_priv_len bytes, the rest is trusted and never comes from
 * outside. RANGE, AUTH (not a key). */
DT_MUST_CHECK enum dt_err dt_suite_sig_ready(const struct dt_suite *suite, struct dt_view priv,
                                             struct dt_secret *ready, uint8_t *pub);
/* Public key of a signature private key; and whether bytes may be a signature public key at all. */
DT_MUST_CHECK enum dt_err dt_suite_sig_pub(const struct dt_suite *suite, struct dt_view priv,
                                           uint8_t *pub);
DT_MUST_CHECK enum dt_err dt_suite_sig_pub_check(const struct dt_suite *suite, struct dt_view pub);

#endif
