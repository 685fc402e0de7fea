/*
 * crypto/thread.h - OpenSSL algorithms fetched once, and the contexts that each thread reuses.
 *
 * Layer: crypto, internal. Fetching costs more than hashing a Merkle node, and so does a new
 * context; a thread's contexts are freed when it ends.
 */
#ifndef DT_CRYPTO_THREAD_H
#define DT_CRYPTO_THREAD_H

#include <openssl/evp.h>

#include "crypto/crypto.h"

/* The fetched algorithm; NULL when dt_crypto_init() has not run or the number is unknown. */
const EVP_MD *dt_evp_md(enum dt_hash_alg alg);
const EVP_CIPHER *dt_evp_cipher(enum dt_aead_alg alg);

/* This thread's context for ${alg}, made on first use; NULL when memory is short. */
EVP_MD_CTX *dt_thread_md(enum dt_hash_alg alg);
EVP_CIPHER_CTX *dt_thread_cipher(enum dt_aead_alg alg);

/* This thread's context for HMAC with ${alg}, made on first use; NULL when memory is short. After
 * use dt_thread_hmac_forget() wipes the key in it. */
EVP_MAC_CTX *dt_thread_hmac(enum dt_hash_alg alg);
void dt_thread_hmac_forget(enum dt_hash_alg alg);

/* This thread's context for signatures; reset it after use, so that no key stays in it. */
EVP_MD_CTX *dt_thread_sign(void);

/* May the next random call go ahead? IO when the system gives
 * no random bytes or a test's fault says no. */
DT_MUST_CHECK enum dt_err dt_random_ready(void);

#endif
