/*
 * crypto/evp_key.c - raw keys into OpenSSL and out of it.
 */
#include <openssl/err.h>

#include "crypto/evp_key.h"
#include "crypto/msan.h"

EVP_PKEY *
dt_evp_key_priv(const char *name, struct dt_view priv)
{
    return EVP_PKEY_new_raw_private_key_ex(NULL, name, NULL, priv.p, priv.n);
}

EVP_PKEY *
dt_evp_key_pub(const char *name, struct dt_view pub)
{
    return EVP_PKEY_new_raw_public_key_ex(NULL, name, NULL, pub.p, pub.n);
}

enum dt_err
dt_evp_pub_of(const char *name, struct dt_view priv, uint8_t *pub, size_t n)
{
    DT_CLEANUP(dt_evp_key_free_p) EVP_PKEY *key = dt_evp_key_priv(name, priv);
    size_t got = n;

    if (key == NULL || EVP_PKEY_get_raw_public_key(key, pub, &got) != 1 || got != n)
        return dt_fail(DT_ERR_INTERNAL, "%s failed", name);
    dt_msan_wrote(pub, n);
    return DT_OK;
}

void
dt_evp_key_free_p(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
    ERR_clear_error();
}

void
dt_evp_ctx_free_p(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
    ERR_clear_error();
}
