/*
 * crypto/argon2.c - Argon2id for passphrases (libsodium).
 *
 * Source: RFC 9106. Stored parameters come from a file that someone may have changed: too low a
 * cost would make guessing cheap, too high a cost would hang the program; both are refused.
 */
#include <sodium.h>

#include "crypto/crypto.h"
#include "crypto/msan.h"

#define KEY_LEN     32
#define MEM_MAX_KIB (1u << 20)
#define PASSES_MAX  16u

#ifdef DT_TEST_ARGON2
/* A test opens stores thousands of times. */
#define MEM_KIB     256u
#define PASSES      1u
#define MEM_MIN_KIB MEM_KIB
#define PASSES_MIN  PASSES
#define NOTICE      "test build: passphrases are hashed cheaply; not for real use"
#else
/* RFC 9106 section 4, the second recommended option: every command of a shift pays this once. */
#define MEM_KIB     (64u << 10)
#define PASSES      3u
#define MEM_MIN_KIB (64u << 10)
#define PASSES_MIN  2u
#define NOTICE      ""
#endif

const char *
dt_argon2_notice(void)
{
    return NOTICE;
}

enum dt_err
dt_argon2_new(struct dt_argon2 *params)
{
    struct dt_argon2 fresh = {{0}, MEM_KIB, PASSES};
    enum dt_err err = dt_random(fresh.salt, sizeof fresh.salt);

    if (err == DT_OK)
        *params = fresh;
    return err;
}

enum dt_err
dt_argon2(const struct dt_argon2 *params, struct dt_view passphrase, struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    enum dt_err err;

    if (params->mem_kib > MEM_MAX_KIB || params->passes > PASSES_MAX)
        return dt_fail(DT_ERR_LIMIT, "passphrase parameters ask for more than 1 GiB or 16 passes");
    if (params->mem_kib < MEM_MIN_KIB || params->passes < PASSES_MIN)
        return dt_fail(DT_ERR_RANGE, "passphrase parameters are weaker than allowed");
    err = dt_secret_alloc(&key, KEY_LEN);
    if (err != DT_OK)
        return err;
    if (crypto_pwhash_argon2id(key.p, key.n, (const char *)passphrase.p, passphrase.n, params->salt,
                               params->passes, (size_t)params->mem_kib << 10,
                               crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
        return dt_fail(DT_ERR_NOMEM, "no memory (%u KiB) to hash the passphrase", params->mem_kib);
    dt_msan_wrote(key.p, key.n);
    dt_secret_move(out, &key);
    return DT_OK;
}
