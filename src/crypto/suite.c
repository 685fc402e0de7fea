/*
 * crypto/suite.c - the table of cipher suites. A suite joins by its row, its dt_kem and its case in the
 * signature functions.
 *
 * Source: RFC 9420 section 17.1; sizes from RFC 9180 section 7.
 */
#include "crypto/kem.h"
#include "crypto/suite.h"

#define ED25519_SIZES                                                                              \
    .sig = DT_SIG_ED25519, .sig_pub_len = DT_ED25519_PUB, .sig_priv_len = DT_ED25519_SEED,         \
    .sig_max = DT_ED25519_SIG
#define X25519_SIZES                                                                               \
    .kem = &dt_kem_x25519, .kem_id = 0x0020, .kem_pub_len = DT_X25519, .kem_priv_len = DT_X25519,  \
    .kem_secret_len = 32

static const struct dt_suite suites[] = {
    {.id = 0x0001,
     .name = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
     .hash = DT_HASH_SHA256,
     .hash_len = 32,
     .kdf_id = 0x0001,
     .aead = DT_AEAD_AES128GCM,
     .aead_id = 0x0001,
     .key_len = 16,
     .nonce_len = 12,
     .tag_len = 16,
     X25519_SIZES,
     ED25519_SIZES},
    {.id = 0x0003,
     .name = "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
     .hash = DT_HASH_SHA256,
     .hash_len = 32,
     .kdf_id = 0x0001,
     .aead = DT_AEAD_CHACHA20POLY1305,
     .aead_id = 0x0003,
     .key_len = 32,
     .nonce_len = 12,
     .tag_len = 16,
     X25519_SIZES,
     ED25519_SIZES},
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
unknown_sig(void)
{
    return dt_fail(DT_ERR_UNSUPPORTED, "signature scheme not known here");
}

enum dt_err
dt_suite_sign(const struct dt_suite *suite, struct dt_view priv, struct dt_view msg, struct dt_buf *sig)
{
    uint8_t bytes[DT_ED25519_SIG];
    enum dt_err err;

    switch (suite->sig) {
    case DT_SIG_ED25519:
        err = dt_ed25519_sign(priv, msg, bytes);
        return err == DT_OK ? dt_buf_append(sig, dt_view_of(bytes)) : err;
    }
    return unknown_sig();
}

enum dt_err
dt_suite_verify(const struct dt_suite *suite, struct dt_view pub, struct dt_view msg, struct dt_view sig)
{
    switch (suite->sig) {
    case DT_SIG_ED25519:
        return dt_ed25519_verify(pub, msg, sig);
    }
    return unknown_sig();
}

enum dt_err
dt_suite_sig_new(const struct dt_suite *suite, struct dt_secret *priv, uint8_t *pub)
{
    switch (suite->sig) {
    case DT_SIG_ED25519:
        return dt_ed25519_new(priv, pub);
    }
    return unknown_sig();
}

enum dt_err
dt_suite_sig_pub(const struct dt_suite *suite, struct dt_view priv, uint8_t *pub)
{
    switch (suite->sig) {
    case DT_SIG_ED25519:
        return dt_ed25519_pub(priv, pub);
    }
    return unknown_sig();
}

enum dt_err
dt_suite_sig_pub_check(const struct dt_suite *suite, struct dt_view pub)
{
    switch (suite->sig) {
    case DT_SIG_ED25519:
        return dt_ed25519_pub_check(pub);
    }
    return unknown_sig();
}
