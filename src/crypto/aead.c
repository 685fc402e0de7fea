/*
 * crypto/aead.c - AES-GCM and ChaCha20-Poly1305 (OpenSSL), XChaCha20-Poly1305 (libsodium).
 *
 * Source: RFC 5116, RFC 8439; the extended nonce is that of libsodium's
 * crypto_aead_xchacha20poly1305_ietf. A thread's cipher context is reused, so after each use it is
 * given a key of zeros: no used key stays behind in it.
 */
#include <limits.h>
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/msan.h"
#include "crypto/thread.h"

#define NONCE_LEN 12
#define TAG_LEN   16

size_t
dt_aead_key_len(enum dt_aead_alg alg)
{
    return alg == DT_AEAD_AES128GCM ? 16 : 32;
}

size_t
dt_aead_nonce_len(enum dt_aead_alg alg)
{
    (void)alg;
    return NONCE_LEN;
}

size_t
dt_aead_tag_len(enum dt_aead_alg alg)
{
    (void)alg;
    return TAG_LEN;
}

static enum dt_err
check_sizes(enum dt_aead_alg alg, struct dt_view key, struct dt_view nonce, struct dt_view aad,
            struct dt_view text)
{
    if (key.n != dt_aead_key_len(alg) || nonce.n != NONCE_LEN)
        return dt_fail(DT_ERR_RANGE, "key or nonce of a wrong length");
    if (aad.n > INT_MAX || text.n > INT_MAX - TAG_LEN)
        return dt_fail(DT_ERR_LIMIT, "too long to be encrypted in one piece");
    return DT_OK;
}

static void
forget_key(EVP_CIPHER_CTX *ctx)
{
    static const uint8_t zeros[32];

    if (ctx != NULL && EVP_CipherInit_ex2(ctx, NULL, zeros, zeros, -1, NULL) != 1)
        (void)EVP_CIPHER_CTX_reset(ctx); /* clears it the slow way */
}

enum dt_err
dt_aead_seal(enum dt_aead_alg alg, struct dt_view key, struct dt_view nonce, struct dt_view aad,
             struct dt_view plain, struct dt_buf *out)
{
    EVP_CIPHER_CTX *ctx;
    enum dt_err err = check_sizes(alg, key, nonce, aad, plain);
    uint8_t *p;
    int n = 0;
    bool ok;

    if (err == DT_OK)
        err = dt_buf_reserve(out, plain.n + TAG_LEN);
    if (err != DT_OK)
        return err;
    p = out->p + out->n;
    ctx = dt_thread_cipher(alg);
    ok = ctx != NULL && EVP_EncryptInit_ex2(ctx, dt_evp_cipher(alg), key.p, nonce.p, NULL) == 1 &&
         (aad.n == 0 || EVP_EncryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1) &&
         (plain.n == 0 || EVP_EncryptUpdate(ctx, p, &n, plain.p, (int)plain.n) == 1) &&
         EVP_EncryptFinal_ex(ctx, p + plain.n, &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, p + plain.n) == 1;
    forget_key(ctx);
    if (!ok) {
        dt_wipe(p, plain.n + TAG_LEN);
        return dt_fail(DT_ERR_INTERNAL, "encryption failed");
    }
    dt_msan_wrote(p, plain.n + TAG_LEN);
    out->n += plain.n + TAG_LEN;
    return DT_OK;
}

enum dt_err
dt_aead_open(enum dt_aead_alg alg, struct dt_view key, struct dt_view nonce, struct dt_view aad,
             struct dt_view sealed, struct dt_buf *out)
{
    EVP_CIPHER_CTX *ctx;
    uint8_t tag[TAG_LEN];
    uint8_t empty[1];
    uint8_t *p;
    size_t plain_len;
    enum dt_err err;
    int n = 0;
    bool ok;

    if (sealed.n < TAG_LEN)
        return dt_fail(DT_ERR_AUTH, "decryption failed");
    plain_len = sealed.n - TAG_LEN;
    err = check_sizes(alg, key, nonce, aad, dt_view(sealed.p, plain_len));
    if (err == DT_OK)
        err = dt_buf_reserve(out, plain_len);
    if (err != DT_OK)
        return err;
    p = out->p != NULL ? out->p + out->n : empty;
    memcpy(tag, sealed.p + plain_len, TAG_LEN);
    ctx = dt_thread_cipher(alg);
    if (ctx == NULL || EVP_DecryptInit_ex2(ctx, dt_evp_cipher(alg), key.p, nonce.p, NULL) != 1)
        return dt_fail(DT_ERR_INTERNAL, "decryption could not be started");
    ok = (aad.n == 0 || EVP_DecryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1) &&
         (plain_len == 0 || EVP_DecryptUpdate(ctx, p, &n, sealed.p, (int)plain_len) == 1) &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) == 1 &&
         EVP_DecryptFinal_ex(ctx, tag, &n) == 1;
    forget_key(ctx);
    if (!ok) {
        if (plain_len > 0)
            dt_wipe(p, plain_len); /* unauthenticated plaintext is nobody's to see */
        return dt_fail(DT_ERR_AUTH, "decryption failed");
    }
    dt_msan_wrote(p, plain_len);
    out->n += plain_len;
    return DT_OK;
}

enum dt_err
dt_box_seal(struct dt_view key, struct dt_view aad, struct dt_view plain, struct dt_buf *out)
{
    uint8_t nonce[DT_XCHACHA_NONCE];
    enum dt_err err = dt_random(nonce, sizeof nonce);

    return err != DT_OK ? err : dt_box_seal_with(key, nonce, aad, plain, out);
}

enum dt_err
dt_box_seal_with(struct dt_view key, const uint8_t nonce[static DT_XCHACHA_NONCE],
                 struct dt_view aad, struct dt_view plain, struct dt_buf *out)
{
    enum dt_err err;
    uint8_t *p;

    if (key.n != DT_XCHACHA_KEY)
        return dt_fail(DT_ERR_RANGE, "key of a wrong length");
    if (plain.n > SIZE_MAX / 2)
        return dt_fail(DT_ERR_LIMIT, "too long to be encrypted in one piece");
    err = dt_buf_reserve(out, DT_XCHACHA_NONCE + plain.n + DT_XCHACHA_TAG);
    if (err != DT_OK)
        return err;
    p = out->p + out->n;
    memcpy(p, nonce, DT_XCHACHA_NONCE);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(p + DT_XCHACHA_NONCE, NULL, plain.p, plain.n,
                                                     aad.p, aad.n, NULL, p, key.p);
    dt_msan_wrote(p, DT_XCHACHA_NONCE + plain.n + DT_XCHACHA_TAG);
    out->n += DT_XCHACHA_NONCE + plain.n + DT_XCHACHA_TAG;
    return DT_OK;
}

enum dt_err
dt_box_open(struct dt_view key, struct dt_view aad, struct dt_view sealed, struct dt_buf *out)
{
    uint8_t empty[1];
    uint8_t *p;
    size_t plain_len;
    enum dt_err err;

    if (key.n != DT_XCHACHA_KEY)
        return dt_fail(DT_ERR_RANGE, "key of a wrong length");
    if (sealed.n < DT_XCHACHA_NONCE + DT_XCHACHA_TAG)
        return dt_fail(DT_ERR_AUTH, "decryption failed");
    plain_len = sealed.n - DT_XCHACHA_NONCE - DT_XCHACHA_TAG;
    err = dt_buf_reserve(out, plain_len);
    if (err != DT_OK)
        return err;
    p = out->p != NULL ? out->p + out->n : empty;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(p, NULL, NULL, sealed.p + DT_XCHACHA_NONCE,
                                                   sealed.n - DT_XCHACHA_NONCE, aad.p, aad.n,
                                                   sealed.p, key.p) != 0)
        return dt_fail(DT_ERR_AUTH, "decryption failed");
    dt_msan_wrote(p, plain_len);
    out->n += plain_len;
    return DT_OK;
}
