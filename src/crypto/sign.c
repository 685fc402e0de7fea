/*
 * crypto/sign.c - Ed25519 by one rule, X25519, and the labelled hash and signature.
 *
 * Source: RFC 8032, RFC 7748. The rule is checked here before libsodium is asked, so that a change
 * of library cannot change which signatures hold: S < L, A canonical, neither A nor R of small
 * order. That R is compared byte for byte (no cofactor) is libsodium's part, which dt_crypto_init()
 * tests.
 */
#include <sodium.h>
#include <string.h>

#include "base/wire.h"

#include "crypto/crypto.h"
#include "crypto/msan.h"
#include "crypto/thread.h"

#define LABEL_PREFIX "detente 1 "
#define LABEL_MAX    256

/* Little endian ${a} < ${b}, 32 bytes each. Public values only. */
static bool
less(const uint8_t *a, const uint8_t *b)
{
    for (size_t i = 32; i-- > 0;)
        if (a[i] != b[i])
            return a[i] < b[i];
    return false;
}

/* RFC 8032 section 5.1.7: S in the range 0 <= S < L. */
static bool
scalar_canonical(const uint8_t *s)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};

    return less(s, order);
}

/* RFC 8032 section 5.1.3: y below 2^255 - 19. */
static bool
point_canonical(const uint8_t *p)
{
    static const uint8_t prime[32] = {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
    uint8_t y[32];

    memcpy(y, p, sizeof y);
    y[31] &= 0x7f;
    return less(y, prime);
}

/* The y of the eight points of small order, canonical forms; the sign of x does not matter. */
static bool
point_small(const uint8_t *p)
{
    static const uint8_t small[][32] = {
        {0}, /* order 4 */
        {1}, /* the neutral element */
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, /* -1: order 2 */
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
         0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
         0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05}, /* order 8 */
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
         0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
         0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}, /* order 8 */
    };
    uint8_t y[32];

    memcpy(y, p, sizeof y);
    y[31] &= 0x7f;
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        if (memcmp(y, small[i], sizeof y) == 0)
            return true;
    return false;
}

enum dt_err
dt_ed25519_pub_check(struct dt_view pub)
{
    if (pub.n != DT_ED25519_PUB || !point_canonical(pub.p) || point_small(pub.p))
        return dt_fail(DT_ERR_AUTH, "not an Ed25519 public key");
    return DT_OK;
}

enum dt_err
dt_ed25519_pub(struct dt_view seed, uint8_t pub[static DT_ED25519_PUB])
{
    uint8_t sk[crypto_sign_SECRETKEYBYTES];

    if (seed.n != DT_ED25519_SEED)
        return dt_fail(DT_ERR_RANGE, "an Ed25519 seed has 32 bytes");
    (void)crypto_sign_seed_keypair(pub, sk, seed.p);
    dt_msan_wrote(pub, DT_ED25519_PUB);
    dt_wipe(sk, sizeof sk);
    return DT_OK;
}

enum dt_err
dt_ed25519_new(struct dt_secret *seed, uint8_t pub[static DT_ED25519_PUB])
{
    enum dt_err err = dt_secret_random(seed, DT_ED25519_SEED);

    if (err == DT_OK)
        err = dt_ed25519_pub(dt_secret_view(seed), pub);
    return err;
}

enum dt_err
dt_ed25519_sign(struct dt_view seed, struct dt_view msg, uint8_t sig[static DT_ED25519_SIG])
{
    uint8_t pub[DT_ED25519_PUB];
    uint8_t sk[crypto_sign_SECRETKEYBYTES];

    if (seed.n != DT_ED25519_SEED)
        return dt_fail(DT_ERR_RANGE, "an Ed25519 seed has 32 bytes");
    (void)crypto_sign_seed_keypair(pub, sk, seed.p);
    (void)crypto_sign_detached(sig, NULL, msg.p, msg.n, sk);
    dt_msan_wrote(sig, DT_ED25519_SIG);
    dt_wipe(sk, sizeof sk);
    return DT_OK;
}

enum dt_err
dt_ed25519_ready(struct dt_view seed, struct dt_secret *ready, uint8_t pub[static DT_ED25519_PUB])
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret sk = {0};
    enum dt_err err;

    if (seed.n != DT_ED25519_SEED)
        return dt_fail(DT_ERR_RANGE, "an Ed25519 seed has 32 bytes");
    if ((err = dt_secret_alloc(&sk, crypto_sign_SECRETKEYBYTES)) != DT_OK)
        return err;
    (void)crypto_sign_seed_keypair(pub, sk.p, seed.p);
    dt_msan_wrote(pub, DT_ED25519_PUB);
    dt_msan_wrote(sk.p, sk.n);
    dt_secret_move(ready, &sk);
    return DT_OK;
}

enum dt_err
dt_ed25519_sign_ready(struct dt_view ready, struct dt_view msg, uint8_t sig[static DT_ED25519_SIG])
{
    if (ready.n != DT_ED25519_READY)
        return dt_fail(DT_ERR_RANGE, "a ready Ed25519 key has 64 bytes");
    (void)crypto_sign_detached(sig, NULL, msg.p, msg.n, ready.p);
    dt_msan_wrote(sig, DT_ED25519_SIG);
    return DT_OK;
}

enum dt_err
dt_ed25519_verify(struct dt_view pub, struct dt_view msg, struct dt_view sig)
{
    /* One answer for all reasons. R needs no check of its form: the recomputed R is canonical, and
     * it is compared as bytes. */
    if (pub.n != DT_ED25519_PUB || sig.n != DT_ED25519_SIG || !point_canonical(pub.p) ||
        point_small(pub.p) || !point_canonical(sig.p) || point_small(sig.p) ||
        !scalar_canonical(sig.p + 32) ||
        crypto_sign_verify_detached(sig.p, msg.p, msg.n, pub.p) != 0)
        return dt_fail(DT_ERR_AUTH, "the signature does not hold");
    return DT_OK;
}

enum dt_err
dt_x25519_pub(struct dt_view priv, uint8_t pub[static DT_X25519])
{
    if (priv.n != DT_X25519)
        return dt_fail(DT_ERR_RANGE, "an X25519 key has 32 bytes");
    if (crypto_scalarmult_curve25519_base(pub, priv.p) != 0)
        return dt_fail(DT_ERR_INTERNAL, "X25519 failed");
    dt_msan_wrote(pub, DT_X25519);
    return DT_OK;
}

enum dt_err
dt_x25519_new(struct dt_secret *priv, uint8_t pub[static DT_X25519])
{
    enum dt_err err = dt_secret_random(priv, DT_X25519);

    if (err == DT_OK)
        err = dt_x25519_pub(dt_secret_view(priv), pub);
    return err;
}

enum dt_err
dt_x25519(struct dt_view priv, struct dt_view pub, struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret shared = {0};
    enum dt_err err;

    if (priv.n != DT_X25519 || pub.n != DT_X25519)
        return dt_fail(DT_ERR_RANGE, "an X25519 key has 32 bytes");
    err = dt_secret_alloc(&shared, DT_X25519);
    if (err != DT_OK)
        return err;
    /* RFC 7748 section 6.1: the check for the all-zero value, which RFC 9180 section 7.1.4
     * requires. libsodium makes it too; the second look costs nothing and does not depend on its
     * release. */
    if (crypto_scalarmult_curve25519(shared.p, priv.p, pub.p) != 0 ||
        sodium_is_zero(shared.p, shared.n) != 0)
        return dt_fail(DT_ERR_AUTH, "X25519 public key of low order");
    dt_msan_wrote(shared.p, shared.n);
    dt_secret_move(out, &shared);
    return DT_OK;
}

/* opaque label<V> || content, as docs/protocol.md has it. */
static enum dt_err
labelled(const char *what, struct dt_view content, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark = dt_write_vec_begin(&w);

    dt_write_view(&w, dt_view_str(LABEL_PREFIX));
    dt_write_view(&w, dt_view_str(what));
    dt_write_vec_end(&w, mark);
    dt_write_view(&w, content);
    return dt_writer_end(&w);
}

enum dt_err
dt_label_hash(const char *what, struct dt_view content, uint8_t out[static DT_SHA256])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf label = DT_BUF_INIT(LABEL_MAX);
    struct dt_view parts[2] = {{NULL, 0}, content};
    enum dt_err err = labelled(what, dt_view(NULL, 0), &label);

    if (err != DT_OK)
        return err;
    parts[0] = dt_buf_view(&label);
    return dt_hash(DT_HASH_SHA256, parts, 2, out);
}

enum dt_err
dt_label_sign(struct dt_view seed, const char *what, struct dt_view content,
              uint8_t sig[static DT_ED25519_SIG])
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf msg = DT_BUF_INIT(content.n + LABEL_MAX);
    enum dt_err err = labelled(what, content, &msg);

    if (err == DT_OK)
        err = dt_ed25519_sign(seed, dt_buf_view(&msg), sig);
    return err;
}

enum dt_err
dt_label_verify(struct dt_view pub, const char *what, struct dt_view content, struct dt_view sig)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf msg = DT_BUF_INIT(content.n + LABEL_MAX);
    enum dt_err err = labelled(what, content, &msg);

    if (err == DT_OK)
        err = dt_ed25519_verify(pub, dt_buf_view(&msg), sig);
    return err;
}
