/*
 * crypto/hash.c - SHA-2 (OpenSSL), HMAC and HKDF.
 *
 * Source: FIPS 180-4, RFC 2104, RFC 5869. HMAC with SHA-256 and SHA-512 comes from libsodium, which
 * is faster on the short inputs that key schedules have; libsodium has no SHA-384, so that one is
 * built here on the hash.
 */
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/msan.h"
#include "crypto/thread.h"

#define BLOCK_MAX 128 /* of SHA-384 and SHA-512 */

size_t
dt_hash_len(enum dt_hash_alg alg)
{
    switch (alg) {
    case DT_HASH_SHA256:
        return 32;
    case DT_HASH_SHA384:
        return 48;
    case DT_HASH_SHA512:
        return 64;
    }
    return 0;
}

enum dt_err
dt_hash(enum dt_hash_alg alg, const struct dt_view *parts, size_t n_parts, uint8_t *out)
{
    EVP_MD_CTX *ctx = dt_thread_md(alg);
    bool ok = ctx != NULL && EVP_DigestInit_ex2(ctx, dt_evp_md(alg), NULL) == 1;

    for (size_t i = 0; ok && i < n_parts; i++)
        ok = parts[i].n == 0 || EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
    if (!ok || EVP_DigestFinal_ex(ctx, out, NULL) != 1)
        return dt_fail(DT_ERR_INTERNAL, "hashing failed");
    dt_msan_wrote(out, dt_hash_len(alg));
    return DT_OK;
}

enum dt_err
dt_sha256(struct dt_view v, uint8_t out[static DT_SHA256])
{
    return dt_hash(DT_HASH_SHA256, &v, 1, out);
}

static void
hmac_sha256(struct dt_view key, const struct dt_view *parts, size_t n_parts, uint8_t *out)
{
    crypto_auth_hmacsha256_state st;

    (void)crypto_auth_hmacsha256_init(&st, key.p, key.n);
    for (size_t i = 0; i < n_parts; i++)
        if (parts[i].n > 0)
            (void)crypto_auth_hmacsha256_update(&st, parts[i].p, parts[i].n);
    (void)crypto_auth_hmacsha256_final(&st, out);
    dt_msan_wrote(out, 32);
    dt_wipe(&st, sizeof st);
}

static void
hmac_sha512(struct dt_view key, const struct dt_view *parts, size_t n_parts, uint8_t *out)
{
    crypto_auth_hmacsha512_state st;

    (void)crypto_auth_hmacsha512_init(&st, key.p, key.n);
    for (size_t i = 0; i < n_parts; i++)
        if (parts[i].n > 0)
            (void)crypto_auth_hmacsha512_update(&st, parts[i].p, parts[i].n);
    (void)crypto_auth_hmacsha512_final(&st, out);
    dt_msan_wrote(out, 64);
    dt_wipe(&st, sizeof st);
}

/* RFC 2104 section 2, with the block of SHA-384. */
static enum dt_err
hmac_sha384(struct dt_view key, const struct dt_view *parts, size_t n_parts, uint8_t *out)
{
    EVP_MD_CTX *ctx = dt_thread_md(DT_HASH_SHA384);
    const EVP_MD *md = dt_evp_md(DT_HASH_SHA384);
    uint8_t block[BLOCK_MAX] = {0};
    uint8_t inner[DT_HASH_MAX];
    struct dt_view outer[2] = {{block, sizeof block}, {inner, 48}};
    enum dt_err err = DT_OK;
    bool ok = ctx != NULL;

    if (key.n > sizeof block)
        err = dt_hash(DT_HASH_SHA384, &key, 1, block);
    else if (key.n > 0)
        memcpy(block, key.p, key.n);
    if (err != DT_OK)
        goto done;
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36;
    ok = ok && EVP_DigestInit_ex2(ctx, md, NULL) == 1 &&
         EVP_DigestUpdate(ctx, block, sizeof block) == 1;
    for (size_t i = 0; ok && i < n_parts; i++)
        ok = parts[i].n == 0 || EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
    if (!ok || EVP_DigestFinal_ex(ctx, inner, NULL) != 1) {
        err = dt_fail(DT_ERR_INTERNAL, "hashing failed");
        goto done;
    }
    dt_msan_wrote(inner, 48);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    err = dt_hash(DT_HASH_SHA384, outer, 2, out);

done:
    dt_wipe(block, sizeof block);
    dt_wipe(inner, sizeof inner);
    return err;
}

enum dt_err
dt_hmac(enum dt_hash_alg alg, struct dt_view key, const struct dt_view *parts, size_t n_parts,
        uint8_t *out)
{
    static const uint8_t none[1];

    if (key.n == 0)
        key.p = none; /* libsodium copies from it, if only nothing */
    switch (alg) {
    case DT_HASH_SHA256:
        hmac_sha256(key, parts, n_parts, out);
        return DT_OK;
    case DT_HASH_SHA384:
        return hmac_sha384(key, parts, n_parts, out);
    case DT_HASH_SHA512:
        hmac_sha512(key, parts, n_parts, out);
        return DT_OK;
    }
    return dt_fail(DT_ERR_INTERNAL, "unknown hash");
}

/* RFC 5869 section 2.2. No salt is the same as a key of zeros: HMAC pads with them. */
enum dt_err
dt_hkdf_extract(enum dt_hash_alg alg, struct dt_view salt, struct dt_view ikm,
                struct dt_secret *out)
{
    struct dt_secret prk = {0};
    enum dt_err err = dt_secret_alloc(&prk, dt_hash_len(alg));

    if (err == DT_OK)
        err = dt_hmac(alg, salt, &ikm, 1, prk.p);
    if (err == DT_OK)
        dt_secret_move(out, &prk);
    dt_secret_clear(&prk);
    return err;
}

/* RFC 5869 section 2.3: T(i) = HMAC(prk, T(i-1) | info | i). */
enum dt_err
dt_hkdf_expand(enum dt_hash_alg alg, struct dt_view prk, struct dt_view info, size_t len,
               struct dt_secret *out)
{
    struct dt_secret okm = {0};
    uint8_t t[DT_HASH_MAX];
    uint8_t counter = 0;
    size_t hash_len = dt_hash_len(alg);
    enum dt_err err;

    if (len > 255 * hash_len)
        return dt_fail(DT_ERR_RANGE, "HKDF cannot give %zu bytes", len);
    err = dt_secret_alloc(&okm, len);
    for (size_t at = 0; err == DT_OK && at < len; at += hash_len) {
        struct dt_view parts[3] = {{t, counter == 0 ? 0 : hash_len}, info, {&counter, 1}};

        counter++;
        err = dt_hmac(alg, prk, parts, 3, t);
        if (err == DT_OK)
            memcpy(okm.p + at, t, len - at < hash_len ? len - at : hash_len);
    }
    if (err == DT_OK)
        dt_secret_move(out, &okm);
    dt_secret_clear(&okm);
    dt_wipe(t, sizeof t);
    return err;
}
