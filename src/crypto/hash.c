/*
 * crypto/hash.c - SHA-2 (OpenSSL), HMAC and HKDF.
 *
 * Source: FIPS 180-4, RFC 2104, RFC 5869. HMAC too is OpenSSL's: it uses the processor's
 * instructions for SHA where libsodium does not, and in a context that is kept it costs less.
 */
#include <string.h>

#include "base/mem.h"
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

struct dt_sha256_stream {
    EVP_MD_CTX *ctx;
};

void
dt_sha256_free(struct dt_sha256_stream **s)
{
    if (*s != NULL)
        EVP_MD_CTX_free((*s)->ctx);
    dt_free(*s);
    *s = NULL;
}

enum dt_err
dt_sha256_new(struct dt_sha256_stream **out)
{
    DT_CLEANUP(dt_sha256_free) struct dt_sha256_stream *s = dt_alloc(1, sizeof *s);

    if (s == NULL || (s->ctx = EVP_MD_CTX_new()) == NULL)
        return dt_nomem();
    if (EVP_DigestInit_ex2(s->ctx, dt_evp_md(DT_HASH_SHA256), NULL) != 1)
        return dt_fail(DT_ERR_INTERNAL, "hashing failed");
    *out = s;
    s = NULL;
    return DT_OK;
}

enum dt_err
dt_sha256_add(struct dt_sha256_stream *s, struct dt_view v)
{
    if (v.n > 0 && EVP_DigestUpdate(s->ctx, v.p, v.n) != 1)
        return dt_fail(DT_ERR_INTERNAL, "hashing failed");
    return DT_OK;
}

enum dt_err
dt_sha256_end(struct dt_sha256_stream *s, uint8_t out[static DT_SHA256])
{
    if (EVP_DigestFinal_ex(s->ctx, out, NULL) != 1)
        return dt_fail(DT_ERR_INTERNAL, "hashing failed");
    dt_msan_wrote(out, DT_SHA256);
    return DT_OK;
}

/* This thread's context with ${key}; NULL when memory is short. */
static EVP_MAC_CTX *
keyed(enum dt_hash_alg alg, struct dt_view key)
{
    static const uint8_t none[1];
    EVP_MAC_CTX *ctx = dt_thread_hmac(alg);

    if (ctx != NULL && EVP_MAC_init(ctx, key.n == 0 ? none : key.p, key.n, NULL) != 1)
        return NULL;
    return ctx;
}

/* HMAC with the key that ${ctx} has, just keyed or begun again. */
static bool
mac(EVP_MAC_CTX *ctx, const struct dt_view *parts, size_t n_parts, uint8_t *out, size_t len)
{
    bool ok = true;

    for (size_t i = 0; ok && i < n_parts; i++)
        ok = parts[i].n == 0 || EVP_MAC_update(ctx, parts[i].p, parts[i].n) == 1;
    ok = ok && EVP_MAC_final(ctx, out, NULL, len) == 1;
    if (ok)
        dt_msan_wrote(out, len);
    return ok;
}

enum dt_err
dt_hmac(enum dt_hash_alg alg, struct dt_view key, const struct dt_view *parts, size_t n_parts,
        uint8_t *out)
{
    EVP_MAC_CTX *ctx = keyed(alg, key);
    bool ok = ctx != NULL && mac(ctx, parts, n_parts, out, dt_hash_len(alg));

    dt_thread_hmac_forget(alg);
    return ok ? DT_OK : dt_fail(DT_ERR_INTERNAL, "hashing failed");
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

/* RFC 5869 section 2.3: T(i) = HMAC(prk, T(i-1) | info | i). ${ctx} has the key; *${begun}: and was
 * used, so that it has to begin again. */
static enum dt_err
expand(EVP_MAC_CTX *ctx, size_t hash_len, const struct dt_expansion *x, bool *begun)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret okm = {0};
    uint8_t t[DT_HASH_MAX];
    uint8_t counter = 0;
    bool ok = true;
    enum dt_err err;

    if (x->len > 255 * hash_len)
        return dt_fail(DT_ERR_RANGE, "HKDF cannot give %zu bytes", x->len);
    if ((err = dt_secret_alloc(&okm, x->len)) != DT_OK)
        return err;
    for (size_t at = 0; ok && at < x->len; at += hash_len) {
        struct dt_view parts[3] = {{t, counter == 0 ? 0 : hash_len}, x->info, {&counter, 1}};

        counter++;
        ok = (!*begun || EVP_MAC_init(ctx, NULL, 0, NULL) == 1) && mac(ctx, parts, 3, t, hash_len);
        *begun = true;
        if (ok)
            memcpy(okm.p + at, t, x->len - at < hash_len ? x->len - at : hash_len);
    }
    dt_wipe(t, sizeof t);
    if (!ok)
        return dt_fail(DT_ERR_INTERNAL, "hashing failed");
    dt_secret_move(x->out, &okm);
    return DT_OK;
}

enum dt_err
dt_hkdf_expand_all(enum dt_hash_alg alg, struct dt_view prk, const struct dt_expansion *v, size_t n)
{
    EVP_MAC_CTX *ctx = keyed(alg, prk);
    bool begun = false;
    enum dt_err err = ctx != NULL ? DT_OK : dt_fail(DT_ERR_INTERNAL, "hashing failed");

    for (size_t i = 0; err == DT_OK && i < n; i++)
        err = expand(ctx, dt_hash_len(alg), &v[i], &begun);
    dt_thread_hmac_forget(alg);
    return err;
}

enum dt_err
dt_hkdf_expand(enum dt_hash_alg alg, struct dt_view prk, struct dt_view info, size_t len,
               struct dt_secret *out)
{
    const struct dt_expansion one = {info, len, out};

    return dt_hkdf_expand_all(alg, prk, &one, 1);
}
