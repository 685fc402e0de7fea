/*
 * crypto/crypto.h - the primitives: random, hash, HMAC, HKDF, AEAD, X25519, Ed25519, Argon2id.
 *
 * Source: FIPS 180-4, RFC 2104, RFC 5869, RFC 5116, RFC 8439, RFC 7748, RFC 8032, RFC 9106.
 * Layer: crypto, the only room that includes OpenSSL or libsodium. Functions take the caller's
 * buffers and allocate nothing that stays. All sizes in bytes.
 */
#ifndef DT_CRYPTO_CRYPTO_H
#define DT_CRYPTO_CRYPTO_H

#include "crypto/secret.h"

#define DT_HASH_MAX      64
#define DT_SHA256        32
#define DT_ED25519_PUB   32
#define DT_ED25519_SEED  32
#define DT_ED25519_SIG   64
#define DT_X25519        32
#define DT_XCHACHA_KEY   32
#define DT_XCHACHA_NONCE 24
#define DT_XCHACHA_TAG   16

/* Must run once before anything else in the process; idempotent, thread-safe. INTERNAL. */
DT_MUST_CHECK enum dt_err dt_crypto_init(void);

/* ${n} random bytes from the kernel (getrandom(2)); IO when it gives none, or when a test makes it
 * fail through dt_random_fault(): then ${out} may hold a part. */
DT_MUST_CHECK enum dt_err dt_random(uint8_t *out, size_t n);

/* For tests: ask ${fn}(${ctx}) before each random call; true makes it fail. */
void dt_random_fault(bool (*fn)(void *ctx), void *ctx);

/* ---- hash: fetched algorithm, reused context (one per thread) ---- */
enum dt_hash_alg { DT_HASH_SHA256 = 1, DT_HASH_SHA384, DT_HASH_SHA512 };

/* 32, 48 or 64. */
size_t dt_hash_len(enum dt_hash_alg alg);

/* Hash the concatenation of ${n_parts} views into ${out} (dt_hash_len() bytes). INTERNAL. */
DT_MUST_CHECK enum dt_err dt_hash(enum dt_hash_alg alg, const struct dt_view *parts, size_t n_parts,
                                  uint8_t *out);

/* SHA-256 of one view. */
DT_MUST_CHECK enum dt_err dt_sha256(struct dt_view v, uint8_t out[static DT_SHA256]);

/* SHA-256 of what comes piece by piece. Owner: dt_sha256_free(), which takes NULL. */
struct dt_sha256_stream;
DT_MUST_CHECK enum dt_err dt_sha256_new(struct dt_sha256_stream **out);
DT_MUST_CHECK enum dt_err dt_sha256_add(struct dt_sha256_stream *s, struct dt_view v);
/* Once; nothing may be added behind it. */
DT_MUST_CHECK enum dt_err dt_sha256_end(struct dt_sha256_stream *s, uint8_t out[static DT_SHA256]);
void dt_sha256_free(struct dt_sha256_stream **s); /* usable with DT_CLEANUP */

/* 64 bits of a keyed hash (SipHash-2-4) that is another one in each process: for tables that a
 * stranger must not be able to fill with collisions. Not a secret and never written down. */
uint64_t dt_fingerprint(struct dt_view v);

/* HMAC over the concatenation of ${n_parts} views. */
DT_MUST_CHECK enum dt_err dt_hmac(enum dt_hash_alg alg, struct dt_view key,
                                  const struct dt_view *parts, size_t n_parts, uint8_t *out);

/* HMAC-SHA256 with one key for many short texts: what follows of the key is computed once and held
 * in locked memory. All zero is empty; release with dt_keyed_clear(). dt_keyed_set() copies; ${key}
 * has any length. NOMEM, INTERNAL. Source: RFC 2104. */
struct dt_keyed {
    struct dt_secret state;
};
DT_MUST_CHECK enum dt_err dt_keyed_set(struct dt_keyed *k, struct dt_view key);
/* The tag of ${v}. INTERNAL: no key was set. */
DT_MUST_CHECK enum dt_err dt_keyed_tag(const struct dt_keyed *k, struct dt_view v,
                                       uint8_t out[static DT_SHA256]);
void dt_keyed_clear(struct dt_keyed *k); /* usable with DT_CLEANUP */

/* RFC 5869: PRK of dt_hash_len() bytes into ${out}, which becomes that long. */
DT_MUST_CHECK enum dt_err dt_hkdf_extract(enum dt_hash_alg alg, struct dt_view salt,
                                          struct dt_view ikm, struct dt_secret *out);

/* RFC 5869: ${len} bytes (at most 255 * hash) into ${out}, which becomes that long. */
DT_MUST_CHECK enum dt_err dt_hkdf_expand(enum dt_hash_alg alg, struct dt_view prk,
                                         struct dt_view info, size_t len, struct dt_secret *out);

/* The same for ${n} infos of one PRK, which is prepared once. After an error some of the outputs
 * may be set. */
struct dt_expansion {
    struct dt_view info;
    size_t len;
    struct dt_secret *out;
};
DT_MUST_CHECK enum dt_err dt_hkdf_expand_all(enum dt_hash_alg alg, struct dt_view prk,
                                             const struct dt_expansion *v, size_t n);

/* ---- AEAD ---- */
enum dt_aead_alg { DT_AEAD_AES128GCM = 1, DT_AEAD_AES256GCM = 2, DT_AEAD_CHACHA20POLY1305 = 3 };

size_t dt_aead_key_len(enum dt_aead_alg alg);
size_t dt_aead_nonce_len(enum dt_aead_alg alg); /* 12 */
size_t dt_aead_tag_len(enum dt_aead_alg alg);   /* 16 */

/* Append ciphertext || tag of ${plain} to ${out}. RANGE (key or nonce length). */
DT_MUST_CHECK enum dt_err dt_aead_seal(enum dt_aead_alg alg, struct dt_view key,
                                       struct dt_view nonce, struct dt_view aad,
                                       struct dt_view plain, struct dt_buf *out);

/* Append the plaintext of ${sealed} to ${out}; AUTH when the tag does not hold (out unchanged). */
DT_MUST_CHECK enum dt_err dt_aead_open(enum dt_aead_alg alg, struct dt_view key,
                                       struct dt_view nonce, struct dt_view aad,
                                       struct dt_view sealed, struct dt_buf *out);

/* XChaCha20-Poly1305 (libsodium): out gets nonce[24] || ciphertext || tag[16]; the nonce is random.
 */
DT_MUST_CHECK enum dt_err dt_box_seal(struct dt_view key, struct dt_view aad, struct dt_view plain,
                                      struct dt_buf *out);
/* The same under a nonce of the caller's, which is never used twice with one key. */
DT_MUST_CHECK enum dt_err dt_box_seal_with(struct dt_view key,
                                           const uint8_t nonce[static DT_XCHACHA_NONCE],
                                           struct dt_view aad, struct dt_view plain,
                                           struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_box_open(struct dt_view key, struct dt_view aad, struct dt_view sealed,
                                      struct dt_buf *out);

/* ---- Ed25519 (libsodium, by the one rule of docs/protocol.md) ---- */

/* A new key: ${seed} becomes 32 random bytes, ${pub} its public key. */
DT_MUST_CHECK enum dt_err dt_ed25519_new(struct dt_secret *seed,
                                         uint8_t pub[static DT_ED25519_PUB]);

/* The public key of a 32-byte ${seed}. RANGE. */
DT_MUST_CHECK enum dt_err dt_ed25519_pub(struct dt_view seed, uint8_t pub[static DT_ED25519_PUB]);

/* Sign ${msg} with the 32-byte ${seed}. */
DT_MUST_CHECK enum dt_err dt_ed25519_sign(struct dt_view seed, struct dt_view msg,
                                          uint8_t sig[static DT_ED25519_SIG]);

/* A seed made ready for many signatures: ${ready} becomes 64 bytes, seed || public key, which
 * dt_ed25519_sign_ready() trusts; they are kept in memory only. ${pub} gets the public key. RANGE.
 */
#define DT_ED25519_READY 64
DT_MUST_CHECK enum dt_err dt_ed25519_ready(struct dt_view seed, struct dt_secret *ready,
                                           uint8_t pub[static DT_ED25519_PUB]);
DT_MUST_CHECK enum dt_err dt_ed25519_sign_ready(struct dt_view ready, struct dt_view msg,
                                                uint8_t sig[static DT_ED25519_SIG]);

/* AUTH unless ${sig} (64 bytes) by ${pub} (32 bytes) on ${msg} holds: S < L, A canonical, neither A
 * nor R of small order, encode([S]B - [h]A) = R byte for byte. A wrong length is AUTH too. */
DT_MUST_CHECK enum dt_err dt_ed25519_verify(struct dt_view pub, struct dt_view msg,
                                            struct dt_view sig);

/* AUTH unless ${pub} may serve as a key at all: 32 bytes, canonical, not of small order. */
DT_MUST_CHECK enum dt_err dt_ed25519_pub_check(struct dt_view pub);

/* ---- X25519 (libsodium) ---- */
DT_MUST_CHECK enum dt_err dt_x25519_new(struct dt_secret *priv, uint8_t pub[static DT_X25519]);
DT_MUST_CHECK enum dt_err dt_x25519_pub(struct dt_view priv, uint8_t pub[static DT_X25519]);
/* RFC 7748 section 6.1: the 32 shared bytes into ${out}. RANGE (a length), AUTH when they are all
 * zero, which is what a public key of low order leads to. */
DT_MUST_CHECK enum dt_err dt_x25519(struct dt_view priv, struct dt_view pub, struct dt_secret *out);

/* ---- labelled hash and signature of docs/protocol.md ("detente 1 <what>") ---- */

/* SHA-256( opaque label<V> || content ) with label = "detente 1 " + ${what}. */
DT_MUST_CHECK enum dt_err dt_label_hash(const char *what, struct dt_view content,
                                        uint8_t out[static DT_SHA256]);

/* Ed25519 over opaque label<V> || content, label as above. */
DT_MUST_CHECK enum dt_err dt_label_sign(struct dt_view seed, const char *what,
                                        struct dt_view content, uint8_t sig[static DT_ED25519_SIG]);
DT_MUST_CHECK enum dt_err dt_label_verify(struct dt_view pub, const char *what,
                                          struct dt_view content, struct dt_view sig);

/* ---- Argon2id (libsodium): ${out} becomes 32 bytes ---- */
#define DT_ARGON2_SALT 16
struct dt_argon2 {
    uint8_t salt[DT_ARGON2_SALT];
    uint32_t mem_kib; /* at least 64 MiB outside test builds (DT_TEST_ARGON2) */
    uint32_t passes;  /* at least 2 */
};
/* A line for --version when this build hashes passphrases cheaply, for tests; "" in any other.
 * Static. */
const char *dt_argon2_notice(void);
/* Fresh parameters: random salt, the cost this build uses. */
DT_MUST_CHECK enum dt_err dt_argon2_new(struct dt_argon2 *params);
/* LIMIT when stored parameters ask for more than 1 GiB or 16 passes, RANGE when for less than
 * allowed. */
DT_MUST_CHECK enum dt_err dt_argon2(const struct dt_argon2 *params, struct dt_view passphrase,
                                    struct dt_secret *out);

#endif
