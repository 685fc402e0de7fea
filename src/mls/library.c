/*
 * mls/library.c - see library.h.
 */
#include "crypto/suite.h"

#include "mls/library.h"

const char *
mls_version(void)
{
    return DT_MLS_VERSION;
}

enum dt_err
mls_init(void)
{
    return dt_crypto_init();
}

static enum dt_err
find(uint16_t id, const struct dt_suite **out)
{
    *out = dt_suite_get(id);
    if (*out == NULL)
        return dt_fail(DT_ERR_UNSUPPORTED, "cipher suite %u", id);
    return DT_OK;
}

bool
mls_suite_info(uint16_t id, struct mls_suite_info *out)
{
    const struct dt_suite *s = dt_suite_get(id);

    if (s == NULL)
        return false;
    *out = (struct mls_suite_info){.id = s->id,
                                   .name = s->name,
                                   .hash_len = s->hash_len,
                                   .signature_pub_len = s->sig_pub_len,
                                   .signature_priv_len = s->sig_priv_len,
                                   .malleable = s->malleable};
    return true;
}

enum dt_err
mls_signature_key_new(uint16_t suite, struct dt_secret *priv, struct dt_buf *pub)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret made = {0};
    const struct dt_suite *s;
    uint8_t bytes[DT_SIG_PUB_MAX];
    enum dt_err err;

    if ((err = find(suite, &s)) != DT_OK || (err = dt_suite_sig_new(s, &made, bytes)) != DT_OK ||
        (err = dt_buf_append(pub, dt_view(bytes, s->sig_pub_len))) != DT_OK)
        return err;
    dt_secret_move(priv, &made);
    return DT_OK;
}

enum dt_err
mls_signature_key_pub(uint16_t suite, struct dt_view priv, struct dt_buf *pub)
{
    const struct dt_suite *s;
    uint8_t bytes[DT_SIG_PUB_MAX];
    enum dt_err err;

    if ((err = find(suite, &s)) != DT_OK || (err = dt_suite_sig_pub(s, priv, bytes)) != DT_OK)
        return err;
    return dt_buf_append(pub, dt_view(bytes, s->sig_pub_len));
}
