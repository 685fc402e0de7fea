/*
 * crypto/init.c - starting the libraries, their algorithms, and random bytes.
 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "base/text.h"

#include "crypto/crypto.h"
#include "crypto/ec.h"
#include "crypto/msan.h"
#include "crypto/thread.h"

#define N_MD     4 /* by enum dt_hash_alg; 0 is free */
#define N_CIPHER 4 /* by enum dt_aead_alg; 0 is free */

struct contexts {
    EVP_MD_CTX *md[N_MD];
    EVP_MAC_CTX *hmac[N_MD];
    EVP_CIPHER_CTX *cipher[N_CIPHER];
    EVP_MD_CTX *sign;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static enum dt_err init_err = DT_ERR_INTERNAL;
static EVP_MD *mds[N_MD];
static EVP_CIPHER *ciphers[N_CIPHER];
static EVP_MAC *hmac;
static pthread_key_t key;
static _Thread_local struct contexts *mine;

static uint8_t fingerprint_key[crypto_shorthash_KEYBYTES];

static bool (*random_fault)(void *ctx);
static void *random_fault_ctx;

static void
contexts_free(void *p)
{
    struct contexts *c = p;

    if (c == NULL)
        return;
    for (size_t i = 0; i < N_MD; i++)
        EVP_MD_CTX_free(c->md[i]);
    for (size_t i = 0; i < N_MD; i++)
        EVP_MAC_CTX_free(c->hmac[i]);
    for (size_t i = 0; i < N_CIPHER; i++)
        EVP_CIPHER_CTX_free(c->cipher[i]);
    EVP_MD_CTX_free(c->sign);
    dt_free(c);
    mine = NULL;
}

/*
 * Releases of libsodium differ in how they verify Ed25519. This signature holds when the equation
 * is multiplied by the cofactor 8 and does not hold without (case 183 of C2SP/CCTV
 * ed25519vectors.json: a small-order part left over); the one rule refuses it, and a library that
 * takes it must not be used.
 */
static bool
ed25519_rule_holds(void)
{
    static const char key_hex[] =
        "dd1483c5304d412c1f29547640a5c2950222ee8931b7ed1c72602b7afa7024e0";
    static const char sig_hex[] =
        "b62cf890de42c413b11b1411c9f01f1c4d77aa87ef182258d1251f69af2a3506"
        "1fc409b236539503e78560d6183d748c8a6d3e635e87c9397531394f3cb3f902";
    static const char msg[] = "ed25519vectors";
    uint8_t pub[DT_ED25519_PUB];
    uint8_t sig[DT_ED25519_SIG];

    if (dt_hex_read_fixed(pub, sizeof pub, dt_view_str(key_hex)) != DT_OK ||
        dt_hex_read_fixed(sig, sizeof sig, dt_view_str(sig_hex)) != DT_OK)
        return false;
    return crypto_sign_verify_detached(sig, (const uint8_t *)msg, sizeof msg - 1, pub) != 0;
}

/* ${n} bytes from the kernel. */
static enum dt_err
from_kernel(uint8_t *out, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(out, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return dt_fail(DT_ERR_IO, "the system gave no random bytes: %s",
                           got < 0 ? strerror(errno) : "none came");
        dt_msan_wrote(out, (size_t)got);
        out += got;
        n -= (size_t)got;
    }
    return DT_OK;
}

/*
 * What libsodium draws itself: at its start, a canary. Its own source would end the process without
 * a word where the system gives nothing; here the start fails. Later it may draw nothing without
 * getting it, so then this one ends the process, too.
 */
static bool sodium_started;
static bool sodium_got_nothing;

static void
sodium_draw(void *const out, const size_t n)
{
    if (from_kernel(out, n) == DT_OK)
        return;
    if (sodium_started)
        sodium_misuse();
    memset(out, 0, n);
    sodium_got_nothing = true;
}

static uint32_t
sodium_draw_u32(void)
{
    uint32_t x = 0;

    sodium_draw(&x, sizeof x);
    return x;
}

static const char *
sodium_source(void)
{
    return "getrandom";
}

static bool
start_sodium(void)
{
    static randombytes_implementation source = {
        .implementation_name = sodium_source, .random = sodium_draw_u32, .buf = sodium_draw};

    if (randombytes_set_implementation(&source) != 0 || sodium_init() < 0 || sodium_got_nothing)
        return false;
    sodium_started = true;
    return true;
}

/* A context of HMAC with the hash ${alg}. */
static EVP_MAC_CTX *
hmac_new(enum dt_hash_alg alg)
{
    char name[16];
    OSSL_PARAM params[2];
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);

    (void)snprintf(name, sizeof name, "%s", EVP_MD_get0_name(mds[alg]));
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
    params[1] = OSSL_PARAM_construct_end();
    if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

/* OpenSSL before 3.0.3 takes the call that begins an HMAC again with the same key, and does not
 * begin again. */
static bool
hmac_begins_again(void)
{
    static const uint8_t text[] = {1, 2, 3};
    uint8_t tag[2][DT_SHA256] = {{0}, {1}};
    EVP_MAC_CTX *ctx = hmac_new(DT_HASH_SHA256);
    bool ok = ctx != NULL;

    for (size_t i = 0; ok && i < 2; i++)
        ok = EVP_MAC_init(ctx, i == 0 ? text : NULL, i == 0 ? sizeof text : 0, NULL) == 1 &&
             EVP_MAC_update(ctx, text, sizeof text) == 1 &&
             EVP_MAC_final(ctx, tag[i], NULL, sizeof tag[i]) == 1;
    EVP_MAC_CTX_free(ctx);
    dt_msan_wrote(tag, sizeof tag);
    return ok && memcmp(tag[0], tag[1], sizeof tag[0]) == 0;
}

static void
init_once(void)
{
    dt_msan_start();
    if (!start_sodium()) {
        if (sodium_got_nothing)
            init_err = DT_ERR_IO;
        return;
    }
    if (from_kernel(fingerprint_key, sizeof fingerprint_key) != DT_OK) {
        init_err = DT_ERR_IO;
        return;
    }
    if (pthread_key_create(&key, contexts_free) != 0)
        return;
    /* Without memory for its context OpenSSL 3.0 would run into a null pointer at the first fetch.
     */
    if (OSSL_LIB_CTX_get0_global_default() == NULL)
        return;
    mds[DT_HASH_SHA256] = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    mds[DT_HASH_SHA384] = EVP_MD_fetch(NULL, "SHA2-384", NULL);
    mds[DT_HASH_SHA512] = EVP_MD_fetch(NULL, "SHA2-512", NULL);
    ciphers[DT_AEAD_AES128GCM] = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    ciphers[DT_AEAD_AES256GCM] = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    ciphers[DT_AEAD_CHACHA20POLY1305] = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (hmac == NULL)
        return;
    for (size_t i = 1; i < N_MD; i++)
        if (mds[i] == NULL)
            return;
    for (size_t i = 1; i < N_CIPHER; i++)
        if (ciphers[i] == NULL)
            return;
    if (!dt_ec_start())
        return;
    if (!ed25519_rule_holds()) {
        init_err = DT_ERR_UNSUPPORTED;
        return;
    }
    if (!hmac_begins_again()) {
        init_err = DT_ERR_STATE;
        return;
    }
    init_err = DT_OK;
}

enum dt_err
dt_crypto_init(void)
{
    (void)pthread_once(&once, init_once);
    if (init_err == DT_ERR_UNSUPPORTED)
        return dt_fail(DT_ERR_INTERNAL, "this libsodium verifies Ed25519 by another rule");
    if (init_err == DT_ERR_STATE)
        return dt_fail(DT_ERR_INTERNAL,
                       "this OpenSSL cannot begin an HMAC again: 3.0.3 or later is "
                       "needed");
    if (init_err == DT_ERR_IO)
        return dt_fail(DT_ERR_IO, "the system gave no random bytes: try again");
    if (init_err != DT_OK)
        return dt_fail(DT_ERR_INTERNAL,
                       "the cryptographic libraries could not be started: out of memory");
    return DT_OK;
}

uint64_t
dt_fingerprint(struct dt_view v)
{
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t x;

    (void)crypto_shorthash(out, v.p, v.n, fingerprint_key);
    dt_msan_wrote(out, sizeof out);
    memcpy(&x, out, sizeof x);
    return x;
}

const EVP_MD *
dt_evp_md(enum dt_hash_alg alg)
{
    return (size_t)alg < N_MD ? mds[alg] : NULL;
}

const EVP_CIPHER *
dt_evp_cipher(enum dt_aead_alg alg)
{
    return (size_t)alg < N_CIPHER ? ciphers[alg] : NULL;
}

static struct contexts *
contexts(void)
{
    struct contexts *c = mine;

    if (c != NULL)
        return c;
    if (dt_crypto_init() != DT_OK)
        return NULL;
    c = dt_alloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    if (pthread_setspecific(key, c) != 0) {
        dt_free(c);
        return NULL;
    }
    mine = c;
    return c;
}

EVP_MD_CTX *
dt_thread_md(enum dt_hash_alg alg)
{
    struct contexts *c = contexts();

    if (c == NULL || (size_t)alg >= N_MD)
        return NULL;
    if (c->md[alg] == NULL)
        c->md[alg] = EVP_MD_CTX_new();
    return c->md[alg];
}

EVP_MAC_CTX *
dt_thread_hmac(enum dt_hash_alg alg)
{
    struct contexts *c = contexts();

    if (c == NULL || (size_t)alg >= N_MD || mds[alg] == NULL)
        return NULL;
    if (c->hmac[alg] == NULL)
        c->hmac[alg] = hmac_new(alg);
    return c->hmac[alg];
}

void
dt_thread_hmac_forget(enum dt_hash_alg alg)
{
    static const uint8_t nothing[1];
    EVP_MAC_CTX *ctx = dt_thread_hmac(alg);

    if (ctx == NULL || EVP_MAC_init(ctx, nothing, sizeof nothing, NULL) == 1)
        return;
    EVP_MAC_CTX_free(ctx);
    contexts()->hmac[alg] = NULL;
}

EVP_CIPHER_CTX *
dt_thread_cipher(enum dt_aead_alg alg)
{
    struct contexts *c = contexts();

    if (c == NULL || (size_t)alg >= N_CIPHER)
        return NULL;
    if (c->cipher[alg] == NULL)
        c->cipher[alg] = EVP_CIPHER_CTX_new();
    return c->cipher[alg];
}

EVP_MD_CTX *
dt_thread_sign(void)
{
    struct contexts *c = contexts();

    if (c == NULL)
        return NULL;
    if (c->sign == NULL)
        c->sign = EVP_MD_CTX_new();
    return c->sign;
}

void
dt_random_fault(bool (*fn)(void *ctx), void *ctx)
{
    random_fault = fn;
    random_fault_ctx = ctx;
}

static enum dt_err
may_draw(void)
{
    if (random_fault != NULL && random_fault(random_fault_ctx))
        return dt_fail(DT_ERR_IO, "the system gave no random bytes: a test says so");
    return dt_crypto_init();
}

enum dt_err
dt_random_ready(void)
{
    uint8_t probe[1];
    enum dt_err err = may_draw();

    return err == DT_OK ? from_kernel(probe, sizeof probe) : err;
}

enum dt_err
dt_random(uint8_t *out, size_t n)
{
    enum dt_err err = may_draw();

    if (err == DT_OK)
        err = from_kernel(out, n);
    return err;
}
