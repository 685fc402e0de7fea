/*
 * agent/store/kept.c - see kept.h.
 *
 * Source: docs/protocol-agent.md "Unlocked for a time".
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/wire.h"

#include "agent/core.h"
#include "agent/store/internal.h"
#include "agent/store/kept.h"

#define KEPT_VERSION 1
#define NAME_PREFIX  "detente:store:"
#define NAME_HEX     (2u * DT_SHA256)
#define CLOCK_BACK   (5 * DT_MS_MINUTE) /* that a clock may be put right by */

/* What is kept. */
struct kept {
    uint64_t begun_ms;
    uint64_t until_ms;
    struct dt_view key;
};

/* The name of what is kept: of this store's wrapped key, so that no other store's is taken for it.
 */
static enum dt_err
kept_name(struct dt_store *s, char out[static DT_KEYRING_NAME_MAX])
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf content = DT_BUF_INIT(512);
    uint8_t hash[DT_SHA256];
    char hex[NAME_HEX + 1];
    struct dt_view salt, wrapped;
    enum dt_err err;

    if ((err = dt_db_prepare(s->db, "SELECT salt, wrapped FROM head WHERE id = 1", &st)) != DT_OK)
        return err;
    if ((err = dt_stmt_row(st)) != DT_OK || (err = dt_col_blob(st, 0, 64, &salt)) != DT_OK ||
        (err = dt_col_blob(st, 1, 256, &wrapped)) != DT_OK)
        return dt_err_is_local(err)
                   ? err
                   : dt_fail(DT_ERR_FORMAT,
                             "%s: the head of the store is damaged: restore a backup", s->path);
    if ((err = dt_buf_append(&content, salt)) != DT_OK ||
        (err = dt_buf_append(&content, wrapped)) != DT_OK ||
        (err = dt_label_hash("kept store", dt_buf_view(&content), hash)) != DT_OK)
        return err;
    dt_hex_str(hex, dt_view_of(hash));
    (void)snprintf(out, DT_KEYRING_NAME_MAX, NAME_PREFIX "%s", hex);
    return DT_OK;
}

static enum dt_err
kept_read(struct dt_view v, struct kept *out)
{
    struct dt_reader r = dt_reader_init(v);
    uint8_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK ||
        (err = dt_read_u64(&r, &out->begun_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &out->until_ms)) != DT_OK ||
        (err = dt_read_view(&r, 32, &out->key)) != DT_OK)
        return err;
    return version != KEPT_VERSION ? DT_ERR_UNSUPPORTED : dt_read_end(&r);
}

/* The kernel counts its time by the machine's clock; by ours it must hold, too. */
static bool
in_time(const struct kept *k, uint64_t now)
{
    return now < k->until_ms && now + CLOCK_BACK >= k->begun_ms;
}

/* What is kept of ${s}, which points into ${value}. NOT_FOUND for whatever is no use. */
static enum dt_err
look(struct dt_store *s, const struct dt_clock *clock, struct dt_secret *value, struct kept *out,
     char name[static DT_KEYRING_NAME_MAX])
{
    enum dt_err err = kept_name(s, name);

    if (err != DT_OK)
        return err;
    err = dt_keyring_get(name, value);
    if (err == DT_ERR_NOMEM)
        return err;
    if (err != DT_OK || kept_read(dt_secret_view(value), out) != DT_OK ||
        !in_time(out, dt_clock_now(clock)))
        return dt_fail(DT_ERR_NOT_FOUND, "%s: the store is not unlocked", s->path);
    return DT_OK;
}

enum dt_err
dt_store_open_kept(const char *home, const struct dt_clock *clock, struct dt_store **out)
{
    DT_CLEANUP(dt_store_close_p) struct dt_store *s = NULL;
    DT_CLEANUP(dt_secret_clear) struct dt_secret value = {0};
    char name[DT_KEYRING_NAME_MAX];
    struct kept k;
    enum dt_err err;

    if ((err = dt_store_file_open(home, &s)) != DT_OK ||
        (err = look(s, clock, &value, &k, name)) != DT_OK ||
        (err = dt_store_keys(s, k.key)) != DT_OK || (err = dt_store_start(s)) != DT_OK)
        return err;
    memcpy(s->kept_name, name, sizeof s->kept_name);
    *out = s;
    s = NULL;
    return DT_OK;
}

static enum dt_err
kept_write(uint64_t begun_ms, uint64_t until_ms, struct dt_view key, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u8(&w, KEPT_VERSION);
    dt_write_u64(&w, begun_ms);
    dt_write_u64(&w, until_ms);
    dt_write_view(&w, key);
    return dt_writer_end(&w);
}

enum dt_err
dt_store_keep(const char *home, struct dt_view passphrase, const struct dt_clock *clock,
              uint64_t span_ms, enum dt_keyring where, uint64_t *out_until_ms)
{
    DT_CLEANUP(dt_store_close_p) struct dt_store *s = NULL;
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(DT_KEYRING_VALUE);
    char name[DT_KEYRING_NAME_MAX];
    uint64_t now = dt_clock_now(clock);
    bool was = false;
    enum dt_err err;

    if (span_ms < DT_MS_SECOND || span_ms > DT_KEPT_MAX_MS)
        return dt_fail(DT_ERR_RANGE, "a store is unlocked for a second to a day, as in --for 8h");
    if ((err = dt_store_file_open(home, &s)) != DT_OK ||
        (err = dt_store_unwrap(s, passphrase, &key)) != DT_OK ||
        (err = dt_store_keys(s, dt_secret_view(&key))) != DT_OK ||
        (err = dt_store_start(s)) != DT_OK || (err = kept_name(s, name)) != DT_OK ||
        (err = kept_write(now, now + span_ms, dt_secret_view(&key), &value)) != DT_OK)
        return err;
    /* One kept elsewhere with a longer time must not outlast this one. */
    if ((err = dt_keyring_drop(name, &was)) != DT_OK ||
        (err = dt_keyring_put(where, name, dt_buf_view(&value),
                              (unsigned int)((span_ms + DT_MS_SECOND - 1) / DT_MS_SECOND))) !=
            DT_OK)
        return err;
    *out_until_ms = now + span_ms;
    return DT_OK;
}

enum dt_err
dt_store_forget(const char *home, bool *out_was)
{
    DT_CLEANUP(dt_store_close_p) struct dt_store *s = NULL;
    char name[DT_KEYRING_NAME_MAX];
    enum dt_err err;

    if ((err = dt_store_file_open(home, &s)) != DT_OK || (err = kept_name(s, name)) != DT_OK)
        return err;
    return dt_keyring_drop(name, out_was);
}

enum dt_err
dt_store_kept_until(struct dt_store *s, const struct dt_clock *clock, uint64_t *out_until_ms)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret value = {0};
    char name[DT_KEYRING_NAME_MAX];
    struct kept k;
    enum dt_err err = look(s, clock, &value, &k, name);

    if (err == DT_OK)
        *out_until_ms = k.until_ms;
    return err;
}

const char *
dt_store_kept_name(const struct dt_store *s)
{
    return s->kept_name;
}
