/*
 * crypto/suite.c - the table of cipher suites. A suite is a row: its dt_kem, its dt_sig_scheme and
 * sizes.
 *
 * Source: RFC 9420 section 17.1; sizes from RFC 9180 section 7.
 */
#include "crypto/suite.h"
#include "crypto/kem.h"
#include "crypto/sign_scheme.h"

/* RFC 9180 section 7.2: the KDF. */
#define SHA256_SIZES .hash = DT_HASH_SHA256, .hash_len = 32, .kdf_id = 0x0001
#define SHA384_SIZES .hash = DT_HASH_SHA384, .hash_len = 48, .kdf_id = 0x0002
#define SHA512_SIZES .hash = DT_HASH_SHA512, .hash_len = 64, .kdf_id = 0x0003

/* RFC 9180 section 7.3: the AEAD. */
#define AES128GCM_SIZES                                                                            \
    .aead = DT_AEAD_AES128GCM, .aead_id = 0x0001, .key_len = 16, .nonce_len = 12, .tag_len = 16
#define AES256GCM_SIZES                                                                            \
    .aead = DT_AEAD_AES256GCM, .aead_id = 0x0002, .key_len = 32, .nonce_len = 12, .tag_len = 16
#define CHACHA_SIZES                                                                               \
    .aead = DT_AEAD_CHACHA20POLY1305, .aead_id = 0x0003, .key_len = 32, .nonce_len = 12,           \
    .tag_len = 16

/* RFC 9180 section 7.1: the KEM. */
#define P256_SIZES                                                                                 \
    .kem = &dt_kem_p256, .kem_id = 0x0010, .kem_pub_len = 65, .kem_priv_len = 32,                  \
    .kem_secret_len = 32
#define P384_SIZES                                                                                 \
    .kem = &dt_kem_p384, .kem_id = 0x0011, .kem_pub_len = 97, .kem_priv_len = 48,                  \
    .kem_secret_len = 48
#define P521_SIZES                                                                                 \
    .kem = &dt_kem_p521, .kem_id = 0x0012, .kem_pub_len = 133, .kem_priv_len = 66,                 \
    .kem_secret_len = 64
#define X25519_SIZES                                                                               \
    .kem = &dt_kem_x25519, .kem_id = 0x0020, .kem_pub_len = DT_X25519, .kem_priv_len = DT_X25519,  \
    .kem_secret_len = 32
#define X448_SIZES                                                                                 \
    .kem = &dt_kem_x448, .kem_id = 0x0021, .kem_pub_len = 56, .kem_priv_len = 56,                  \
    .kem_secret_len = 64

/* The longest DER of an ECDSA signature: two integers of the order's length, with a zero before a
 * first bit that is set (P-521 has none), two bytes before each and two or three before both. */
#define ED25519_SIZES                                                                              \
    .sig = DT_SIG_ED25519, .scheme = &dt_sig_ed25519, .sig_pub_len = DT_ED25519_PUB,               \
    .sig_priv_len = DT_ED25519_SEED, .sig_max = DT_ED25519_SIG, .malleable = false
#define ED448_SIZES                                                                                \
    .sig = DT_SIG_ED448, .scheme = &dt_sig_ed448, .sig_pub_len = 57, .sig_priv_len = 57,           \
    .sig_max = 114, .malleable = false
#define ECDSA_P256_SIZES                                                                           \
    .sig = DT_SIG_ECDSA_P256, .scheme = &dt_sig_ecdsa_p256, .sig_pub_len = 65, .sig_priv_len = 32, \
    .sig_max = 72, .malleable = true
#define ECDSA_P384_SIZES                                                                           \
    .sig = DT_SIG_ECDSA_P384, .scheme = &dt_sig_ecdsa_p384, .sig_pub_len = 97, .sig_priv_len = 48, \
    .sig_max = 104, .malleable = true
#define ECDSA_P521_SIZES                                                                           \
    .sig = DT_SIG_ECDSA_P521, .scheme = &dt_sig_ecdsa_p521, .sig_pub_len = 133,                    \
    .sig_priv_len = 66, .sig_max = 139, .malleable = true

static const struct dt_suite suites[] = {
    {.id = 0x0001,
     .name = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
     SHA256_SIZES,
     AES128GCM_SIZES,
     X25519_SIZES,
     ED25519_SIZES},
    {.id = 0x0002,
     .name = "MLS_128_DHKEMP256_AES128GCM_SHA256_P256",
     SHA256_SIZES,
     AES128GCM_SIZES,
     P256_SIZES,
     ECDSA_P256_SIZES},
    {.id = 0x0003,
     .name = "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
     SHA256_SIZES,
     CHACHA_SIZES,
     X25519_SIZES,
     ED25519_SIZES},
    {.id = 0x0004,
     .name = "MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448",
     SHA512_SIZES,
     AES256GCM_SIZES,
     X448_SIZES,
     ED448_SIZES},
    {.id = 0x0005,
     .name = "MLS_256_DHKEMP521_AES256GCM_SHA512_P521",
     SHA512_SIZES,
     AES256GCM_SIZES,
     P521_SIZES,
     ECDSA_P521_SIZES},
    {.id = 0x0006,
     .name = "MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448",
     SHA512_SIZES,
     CHACHA_SIZES,
     X448_SIZES,
     ED448_SIZES},
    {.id = 0x0007,
     .name = "MLS_256_DHKEMP384_AES256GCM_SHA384_P384",
     SHA384_SIZES,
     AES256GCM_SIZES,
     P384_SIZES,
     ECDSA_P384_SIZES},
};

const struct dt_suite *
dt_suite_get(uint16_t id)
{
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        if (suites[i].id == id)
            return &suites[i];
    return NULL;
}

static enum dt_err
ed25519_create(const struct dt_sig_scheme *s, struct dt_secret *priv, uint8_t *pub)
{
    (void)s;
    return dt_ed25519_new(priv, pub);
}

static enum dt_err
ed25519_pub(const struct dt_sig_scheme *s, struct dt_view priv, uint8_t *pub)
{
    (void)s;
    return dt_ed25519_pub(priv, pub);
}

static enum dt_err
ed25519_ready(const struct dt_sig_scheme *s, struct dt_view priv, struct dt_secret *ready,
              uint8_t *pub)
{
    (void)s;
    return dt_ed25519_ready(priv, ready, pub);
}

static enum dt_err
ed25519_pub_check(const struct dt_sig_scheme *s, struct dt_view pub)
{
    (void)s;
    return dt_ed25519_pub_check(pub);
}

static enum dt_err
ed25519_sign(const struct dt_sig_scheme *s, struct dt_view priv, struct dt_view msg,
             struct dt_buf *sig)
{
    uint8_t bytes[DT_ED25519_SIG];
    enum dt_err err = priv.n == DT_ED25519_READY ? dt_ed25519_sign_ready(priv, msg, bytes)
                                                 : dt_ed25519_sign(priv, msg, bytes);

    (void)s;
    return err == DT_OK ? dt_buf_append(sig, dt_view_of(bytes)) : err;
}

static enum dt_err
ed25519_verify(const struct dt_sig_scheme *s, struct dt_view pub, struct dt_view msg,
               struct dt_view sig)
{
    (void)s;
    return dt_ed25519_verify(pub, msg, sig);
}

const struct dt_sig_scheme dt_sig_ed25519 = {
    .create = ed25519_create,
    .pub = ed25519_pub,
    .ready = ed25519_ready,
    .pub_check = ed25519_pub_check,
    .sign = ed25519_sign,
    .verify = ed25519_verify,
};

enum dt_err
dt_suite_sign(const struct dt_suite *suite, struct dt_view priv, struct dt_view msg,
              struct dt_buf *sig)
{
    return suite->scheme->sign(suite->scheme, priv, msg, sig);
}

enum dt_err
dt_suite_verify(const struct dt_suite *suite, struct dt_view pub, struct dt_view msg,
                struct dt_view sig)
{
    return suite->scheme->verify(suite->scheme, pub, msg, sig);
}

enum dt_err
dt_suite_sig_new(const struct dt_suite *suite, struct dt_secret *priv, uint8_t *pub)
{
    return suite->scheme->create(suite->scheme, priv, pub);
}

enum dt_err
dt_suite_sig_pub(const struct dt_suite *suite, struct dt_view priv, uint8_t *pub)
{
    return suite->scheme->pub(suite->scheme, priv, pub);
}

enum dt_err
dt_suite_sig_ready(const struct dt_suite *suite, struct dt_view priv, struct dt_secret *ready,
                   uint8_t *pub)
{
    enum dt_err err;

    if (suite->scheme->ready != NULL)
        return suite->scheme->ready(suite->scheme, priv, ready, pub);
    err = suite->scheme->pub(suite->scheme, priv, pub);
    return err != DT_OK ? err : dt_secret_set(ready, priv);
}

enum dt_err
dt_suite_sig_pub_check(const struct dt_suite *suite, struct dt_view pub)
{
    return suite->scheme->pub_check(suite->scheme, pub);
}
