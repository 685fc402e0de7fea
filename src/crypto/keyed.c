/*
 * crypto/keyed.c - HMAC-SHA256 with a key that is prepared once; see crypto.h.
 *
 * Source: RFC 2104. libsodium's, whose state is plain bytes: so what is derived of the key stands
 * in locked memory, which OpenSSL's contexts do not.
 */
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/msan.h"

_Static_assert(DT_SHA256 == crypto_auth_hmacsha256_BYTES, "libsodium's");

enum dt_err
dt_keyed_set(struct dt_keyed *k, struct dt_view key)
{
    enum dt_err err = dt_secret_alloc(&k->state, sizeof(crypto_auth_hmacsha256_state));
    crypto_auth_hmacsha256_state *state = (crypto_auth_hmacsha256_state *)(void *)k->state.p;

    if (err != DT_OK)
        return err;
    if (crypto_auth_hmacsha256_init(state, key.p, key.n) != 0)
        return dt_fail(DT_ERR_INTERNAL, "hashing failed");
    return DT_OK;
}

enum dt_err
dt_keyed_tag(const struct dt_keyed *k, struct dt_view v, uint8_t out[static DT_SHA256])
{
    crypto_auth_hmacsha256_state state;
    bool ok;

    if (k->state.n != sizeof state)
        return dt_fail(DT_ERR_INTERNAL, "hashing failed");
    memcpy(&state, k->state.p, sizeof state);
    ok = crypto_auth_hmacsha256_update(&state, v.p, v.n) == 0 &&
         crypto_auth_hmacsha256_final(&state, out) == 0;
    dt_wipe(&state, sizeof state);
    if (!ok)
        return dt_fail(DT_ERR_INTERNAL, "hashing failed");
    dt_msan_wrote(out, DT_SHA256);
    return DT_OK;
}

void
dt_keyed_clear(struct dt_keyed *k)
{
    dt_secret_clear(&k->state);
}
