/*
 * crypto/evp_key.h - keys of curve 448 inside OpenSSL, for the time of one use.
 *
 * Layer: crypto, internal. OpenSSL wipes the private part when the key is freed.
 */
#ifndef DT_CRYPTO_EVP_KEY_H
#define DT_CRYPTO_EVP_KEY_H

#include <openssl/evp.h>

#include "crypto/crypto.h"

/* The key with the raw bytes ${priv}, or ${pub}, of the algorithm ${name} ("X448", "ED448"). NULL
 * when OpenSSL refuses it or memory is short. Owner: the caller, DT_CLEANUP(dt_evp_key_free_p). */
EVP_PKEY *dt_evp_key_priv(const char *name, struct dt_view priv);
EVP_PKEY *dt_evp_key_pub(const char *name, struct dt_view pub);

/* The raw public key of ${priv}, exactly ${n} bytes into ${pub}. INTERNAL. */
DT_MUST_CHECK enum dt_err dt_evp_pub_of(const char *name, struct dt_view priv, uint8_t *pub,
                                        size_t n);

/* For DT_CLEANUP. They also empty OpenSSL's list of errors: a refused key is not a later caller's.
 */
void dt_evp_key_free_p(EVP_PKEY **key);
void dt_evp_ctx_free_p(EVP_PKEY_CTX **ctx);

#endif
