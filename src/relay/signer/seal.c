/*
 * relay/signer/seal.c - see seal.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#include "relay/signer/seal.h"

#define CREDENTIAL "sealing-key"
#define LABEL      "detente 1 register seed"

static enum dt_err
put_path(char *out, const char *a, const char *b)
{
    int n = snprintf(out, RELAY_PATH_MAX, "%s%s", a, b);

    return n >= 0 && (size_t)n < RELAY_PATH_MAX
               ? DT_OK
               : dt_fail(DT_ERR_USAGE, "the path of the sealing key is too long");
}

enum dt_err
relay_sealing_key_path(const char *store, const char *given, char out[static RELAY_PATH_MAX])
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    enum dt_err err;

    if (given != NULL)
        return put_path(out, given, "");
    if (dir != NULL && dir[0] != '\0') {
        if ((err = put_path(out, dir, "/" CREDENTIAL)) != DT_OK)
            return err;
        if (dt_file_exists(out))
            return DT_OK;
    }
    if (strstr(store, "://") != NULL)
        return dt_fail(DT_ERR_USAGE, "a store in a database needs --sealing-key FILE");
    return put_path(out, store, ".sealing-key");
}

static enum dt_err
make_key(const char *path)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    char text[2 * DT_XCHACHA_KEY + 2];
    enum dt_err err;

    if ((err = dt_secret_random(&key, DT_XCHACHA_KEY)) != DT_OK)
        return err;
    dt_hex_str(text, dt_secret_view(&key));
    text[2 * DT_XCHACHA_KEY] = '\n';
    err = dt_file_create(path, dt_view((const uint8_t *)text, 2 * DT_XCHACHA_KEY + 1), 0600);
    dt_wipe(text, sizeof(text));
    return err == DT_ERR_EXISTS ? DT_OK : err; /* another process was first */
}

enum dt_err
relay_sealing_key_load(const char *path, bool make, struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(256);
    enum dt_err err;

    if (make && !dt_file_exists(path) && (err = make_key(path)) != DT_OK)
        return err;
    if ((err = dt_file_read(path, &b)) == DT_ERR_NOT_FOUND)
        return dt_fail(DT_ERR_NOT_FOUND, "%s: the sealing key of this store is not there", path);
    if (err != DT_OK || (err = dt_secret_alloc(&key, DT_XCHACHA_KEY)) != DT_OK)
        return err;
    if (b.n > 0 && b.p[b.n - 1] == '\n')
        b.n--;
    if (b.n != 2 * DT_XCHACHA_KEY ||
        dt_hex_read_fixed(key.p, DT_XCHACHA_KEY, dt_buf_view(&b)) != DT_OK)
        return dt_fail(DT_ERR_FORMAT, "%s: not a sealing key, which is 64 hex digits", path);
    dt_secret_move(out, &key);
    return DT_OK;
}

/* What a sealed seed is bound to. */
static struct dt_view
bound_to(const uint8_t id[static DT_REGISTER_ID],
         uint8_t out[static sizeof(LABEL) + DT_REGISTER_ID])
{
    memcpy(out, LABEL, sizeof(LABEL));
    memcpy(out + sizeof(LABEL), id, DT_REGISTER_ID);
    return dt_view(out, sizeof(LABEL) + DT_REGISTER_ID);
}

enum dt_err
relay_seed_seal(struct dt_view key, const uint8_t id[static DT_REGISTER_ID], struct dt_view seed,
                struct dt_buf *out)
{
    uint8_t aad[sizeof(LABEL) + DT_REGISTER_ID];

    return dt_box_seal(key, bound_to(id, aad), seed, out);
}

enum dt_err
relay_seed_open(struct dt_view key, const uint8_t id[static DT_REGISTER_ID], struct dt_view sealed,
                struct dt_secret *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf seed = DT_BUF_INIT(DT_ED25519_SEED);
    uint8_t aad[sizeof(LABEL) + DT_REGISTER_ID];
    enum dt_err err;

    if (sealed.n != RELAY_SEALED_MAX)
        return dt_fail(DT_ERR_AUTH, "a register's seed in the store is not sealed");
    if ((err = dt_box_open(key, bound_to(id, aad), sealed, &seed)) == DT_ERR_AUTH)
        return dt_fail(DT_ERR_AUTH, "the sealing key is not that of this store, or a register's "
                                    "seed in it was altered");
    if (err != DT_OK)
        return err;
    return dt_secret_set(out, dt_buf_view(&seed));
}
