/*
 * relay/store/seal.c - the seeds of a store: which are sealed, sealing those that are not, and who
 * signs with them.
 *
 * Layer: relay. A seed that is not sealed is 32 bytes long, as stores of before have it.
 */
#include <string.h>

#include "base/file.h"

#include "relay/store/internal.h"

static bool
is_url(const char *path)
{
    return strstr(path, "://") != NULL;
}

/* How many seeds are there that are sealed, or that are not? */
static enum dt_err
count(struct dt_relay_store *s, const char *sql, uint64_t *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r, sql, &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, DT_ED25519_SEED);
    if ((err = dt_stmt_row(st)) != DT_OK)
        return err;
    return dt_col_u64(st, 0, INT64_MAX, out);
}

enum dt_err
dt_relay_store_may_make_key(const char *path, bool *out)
{
    const struct dt_relay_store_config config = {.path = path};
    struct dt_relay_store *s = NULL;
    uint64_t sealed = 0;
    enum dt_err err;

    if (!is_url(path) && !dt_file_exists(path)) {
        *out = true;
        return DT_OK;
    }
    err = dt_relay_store_open(&config, &s);
    if (err == DT_ERR_NOT_FOUND && is_url(path)) {
        *out = true; /* a database without a store yet */
        return DT_OK;
    }
    if (err == DT_OK)
        err = count(s, "SELECT count(*) FROM register WHERE length(seed) > ?1", &sealed);
    dt_relay_store_close(s);
    if (err == DT_OK)
        *out = sealed == 0;
    return err;
}

/* The first register whose seed is not sealed; *${out_row} is 0 when there is none. */
static enum dt_err
next_plain(struct dt_relay_store *s, uint64_t *out_row, uint8_t id[static DT_REGISTER_ID],
           struct dt_secret *seed)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_view bytes = {0};
    bool row = false;
    enum dt_err err;

    *out_row = 0;
    if ((err = dt_db_prepare(s->w,
                             "SELECT id, name, seed FROM register WHERE length(seed) = ?1"
                             " ORDER BY id LIMIT 1",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, DT_ED25519_SEED);
    if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
        return err;
    if ((err = dt_col_u64(st, 0, INT64_MAX, out_row)) != DT_OK ||
        (err = dt_col_fixed(st, 1, id, DT_REGISTER_ID)) != DT_OK ||
        (err = dt_col_blob(st, 2, DT_ED25519_SEED, &bytes)) != DT_OK)
        return err;
    return dt_secret_set(seed, bytes);
}

static enum dt_err
seal_next(struct dt_relay_store *s, struct dt_view key, bool *out_done)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(RELAY_SEALED_MAX);
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint8_t id[DT_REGISTER_ID];
    uint64_t row = 0;
    enum dt_err err;

    if ((err = next_plain(s, &row, id, &seed)) != DT_OK)
        return err;
    *out_done = row == 0;
    if (row == 0)
        return DT_OK;
    if ((err = relay_seed_seal(key, id, dt_secret_view(&seed), &sealed)) != DT_OK ||
        (err = dt_db_prepare(s->w, "UPDATE register SET seed = ?2 WHERE id = ?1", &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, row);
    dt_bind_blob(st, 2, dt_buf_view(&sealed));
    return dt_stmt_run(st);
}

static enum dt_err
seal_all(struct dt_relay_store *s, struct dt_view key)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    bool done = false;
    enum dt_err err;

    if ((err = dt_tx_begin(s->w, &tx)) != DT_OK)
        return err;
    while (!done) {
        if ((err = seal_next(s, key, &done)) != DT_OK)
            return err;
    }
    return dt_tx_commit(&tx);
}

/* Is ${key} the one that a seed is sealed with already? */
static enum dt_err
check_key(struct dt_relay_store *s, struct dt_view key)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    struct dt_view sealed = {0};
    uint8_t id[DT_REGISTER_ID];
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r,
                             "SELECT name, seed FROM register WHERE length(seed) > ?1"
                             " ORDER BY id LIMIT 1",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, DT_ED25519_SEED);
    if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
        return err;
    if ((err = dt_col_fixed(st, 0, id, sizeof(id))) != DT_OK ||
        (err = dt_col_blob(st, 1, RELAY_SEALED_MAX, &sealed)) != DT_OK)
        return err;
    return relay_seed_open(key, id, sealed, &seed);
}

enum dt_err
dt_relay_store_seal_seeds(const char *path, struct dt_view key)
{
    const struct dt_relay_store_config config = {.path = path};
    struct dt_relay_store *s = NULL;
    uint64_t plain = 0;
    enum dt_err err;

    if (!is_url(path) && !dt_file_exists(path))
        return DT_OK;
    err = dt_relay_store_open(&config, &s);
    if (err == DT_ERR_NOT_FOUND && is_url(path))
        return DT_OK;
    if (err != DT_OK || (err = check_key(s, key)) != DT_OK ||
        (err = count(s, "SELECT count(*) FROM register WHERE length(seed) = ?1", &plain)) !=
            DT_OK ||
        plain == 0)
        goto done;
    /* What a file held before is overwritten in it, and its log of writes begins anew. */
    if (!is_url(path) && (err = dt_db_exec(s->w, "PRAGMA secure_delete=ON")) != DT_OK)
        goto done;
    if ((err = seal_all(s, key)) == DT_OK && !is_url(path))
        err = dt_db_exec(s->w, "PRAGMA wal_checkpoint(TRUNCATE)");

done:
    dt_relay_store_close(s);
    return err;
}

/* ---- who signs ---- */

enum dt_err
store_signer(struct dt_relay_store *s, bool make, struct relay_signer **out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    char path[RELAY_PATH_MAX];
    bool may_make = false;
    enum dt_err err;

    if (s->signer == NULL && s->carried) {
        if ((err = dt_secret_alloc(&key, DT_XCHACHA_KEY)) != DT_OK ||
            (err = relay_signer_local(dt_secret_view(&key), &s->own_signer)) != DT_OK)
            return err;
        s->signer = s->own_signer;
    }
    if (s->signer == NULL) {
        if ((err = relay_sealing_key_path(s->path, s->sealing_key, path)) != DT_OK ||
            (make && (err = dt_relay_store_may_make_key(s->path, &may_make)) != DT_OK) ||
            (err = relay_sealing_key_load(path, may_make, &key)) != DT_OK ||
            (err = relay_signer_local(dt_secret_view(&key), &s->own_signer)) != DT_OK)
            return err;
        s->signer = s->own_signer;
    }
    *out = s->signer;
    return DT_OK;
}

void
store_signing(const struct store_key *key, uint64_t size, const struct tlog_hash *root,
              struct relay_signing *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->reg, key->reg, sizeof(out->reg));
    out->sealed = dt_view(key->sealed, key->sealed_len);
    out->size = size;
    out->root = *root;
}
