/*
 * crypto/hash.c - SHA-2 (OpenSSL), HMAC and HKDF.
 *
 * Source: FIPS 180-4, RFC 2104, RFC 5869. HMAC too is OpenSSL's: it uses the processor's
 * instructions for SHA where libsodium does not, and in a context that is kept it costs less.
 */
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/msan.h"
#include "crypto/thread.h"

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

enum dt_err
dt_hmac(enum dt_hash_alg alg, struct dt_view key, const struct dt_view *parts, size_t n_parts,
        uint8_t *out)
{
    static const uint8_t none[1];
    EVP_MAC_CTX *ctx = dt_thread_hmac(alg);
    bool ok = ctx != NULL && EVP_MAC_init(ctx, key.n == 0 ? none : key.p, key.n, NULL) == 1;

    for (size_t i = 0; ok && i < n_parts; i++)
        ok = parts[i].n == 0 || EVP_MAC_update(ctx, parts[i].p, parts[i].n) == 1;
    ok = ok && EVP_MAC_final(ctx, out, NULL, dt_hash_len(alg)) == 1;
    dt_thread_hmac_forget(alg);
    if (!ok)
        return dt_fail(DT_ERR_INTERNAL, "hashing failed");
    dt_msan_wrote(out, dt_hash_len(alg));
    return DT_OK;
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
