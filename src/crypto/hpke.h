/*
 * crypto/hpke.h - HPKE base and PSK modes, and the KEM on its own.
 *
 * Source: RFC 9180. Layer: crypto.
 */
#ifndef DT_CRYPTO_HPKE_H
#define DT_CRYPTO_HPKE_H

#include "crypto/suite.h"

#define DT_HPKE_PUB_MAX  133
#define DT_HPKE_PRIV_MAX 66

/* DeriveKeyPair (RFC 9180 section 7.1.3): ${priv} serialised, ${pub} of suite->kem_pub_len bytes.
 */
DT_MUST_CHECK enum dt_err dt_hpke_derive_key_pair(const struct dt_suite *suite, struct dt_view ikm,
                                                  struct dt_secret *priv, uint8_t *pub);

/* A fresh key pair: DeriveKeyPair of suite->kem_priv_len random bytes. */
DT_MUST_CHECK enum dt_err dt_hpke_new_key_pair(const struct dt_suite *suite, struct dt_secret *priv,
                                               uint8_t *pub);

/* The public key of a serialised private key. RANGE, AUTH (not a key). */
DT_MUST_CHECK enum dt_err dt_hpke_pub(const struct dt_suite *suite, struct dt_view priv,
                                      uint8_t *pub);

/* FORMAT unless ${pub} has the right length and form (uncompressed points only). */
DT_MUST_CHECK enum dt_err dt_hpke_pub_check(const struct dt_suite *suite, struct dt_view pub);

/* An encryption context after SetupS/SetupR. */
struct dt_hpke_ctx {
    const struct dt_suite *suite;
    struct dt_secret key;
    uint8_t base_nonce[12];
    uint64_t seq;
    struct dt_secret exporter_secret;
};
void dt_hpke_ctx_clear(struct dt_hpke_ctx *ctx);

/* SetupBaseS / SetupPSKS (psk.n == 0: base). ${enc} gets suite->kem_pub_len bytes. ${ikm_e}: empty
 * for a random ephemeral key; vectors give it. */
DT_MUST_CHECK enum dt_err dt_hpke_setup_s(const struct dt_suite *suite, struct dt_view pub,
                                          struct dt_view info, struct dt_view psk,
                                          struct dt_view psk_id, struct dt_view ikm_e, uint8_t *enc,
                                          struct dt_hpke_ctx *out);
/* SetupBaseR / SetupPSKR. AUTH on low-order points and the like. */
DT_MUST_CHECK enum dt_err dt_hpke_setup_r(const struct dt_suite *suite, struct dt_view priv,
                                          struct dt_view enc, struct dt_view info,
                                          struct dt_view psk, struct dt_view psk_id,
                                          struct dt_hpke_ctx *out);
DT_MUST_CHECK enum dt_err dt_hpke_ctx_seal(struct dt_hpke_ctx *ctx, struct dt_view aad,
                                           struct dt_view plain, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_hpke_ctx_open(struct dt_hpke_ctx *ctx, struct dt_view aad,
                                           struct dt_view sealed, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_hpke_ctx_export(const struct dt_hpke_ctx *ctx,
                                             struct dt_view exporter_context, size_t len,
                                             struct dt_secret *out);

/* Single-shot base mode (RFC 9180 section 6.1): ${enc} gets kem_pub_len bytes, ${ct} is appended
 * to. */
DT_MUST_CHECK enum dt_err dt_hpke_seal(const struct dt_suite *suite, struct dt_view pub,
                                       struct dt_view info, struct dt_view aad,
                                       struct dt_view plain, uint8_t *enc, struct dt_buf *ct);

/* Sealing one info to many: info_hash of RFC 9180 section 5.1, which is the same for all of them,
 * is computed once. ${out} gets suite->hash_len bytes. The info is the concatenation of ${n} parts.
 */
DT_MUST_CHECK enum dt_err dt_hpke_info_hash(const struct dt_suite *suite,
                                            const struct dt_view *parts, size_t n,
                                            uint8_t out[static DT_HASH_MAX]);
/* As dt_hpke_seal() with the info of that hash. */
DT_MUST_CHECK enum dt_err dt_hpke_seal_hashed(const struct dt_suite *suite, struct dt_view pub,
                                              struct dt_view info_hash, struct dt_view aad,
                                              struct dt_view plain, uint8_t *enc,
                                              struct dt_buf *ct);
DT_MUST_CHECK enum dt_err dt_hpke_open(const struct dt_suite *suite, struct dt_view priv,
                                       struct dt_view enc, struct dt_view info, struct dt_view aad,
                                       struct dt_view ct, struct dt_buf *out);

#endif
