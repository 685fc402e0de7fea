/*
 * relay/store/operate.c - see operate.h: numbers, and taking access back.
 */
#include <string.h>

#include "crypto/crypto.h"

#include "relay/store/internal.h"
#include "relay/store/operate.h"

/* Tables beside the numbered schema: a program that does not know them leaves them alone. */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS revoked(hash BLOB PRIMARY KEY, was BLOB NOT NULL,"
    " at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS restored(register INTEGER PRIMARY KEY REFERENCES register(id),"
    " at_ms INTEGER NOT NULL) STRICT;";

enum dt_err
store_operate_prepare(struct dt_db *db)
{
    return dt_db_exec(db, schema);
}

/* ---- numbers ---- */

enum dt_err
dt_relay_store_stats_grant(struct dt_relay_store *s, uint64_t after, struct dt_stats_grant *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_stats_grant g = {0};
    enum dt_err err;

    if ((err = dt_db_prepare(s->r,
                             "SELECT g.id, g.created_ms, g.queues, g.queues_max,"
                             " (SELECT CAST(coalesce(sum(q.last), 0) AS BIGINT) FROM queue q WHERE "
                             "q.grant_id = g.id),"
                             " (SELECT CAST(coalesce(sum(q.bytes), 0) AS BIGINT) FROM queue q"
                             " WHERE q.grant_id = g.id),"
                             " (SELECT count(*) FROM revoked x WHERE x.hash = g.token_hash)"
                             " FROM grants g WHERE g.id > ?1 ORDER BY g.id LIMIT 1",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, after);
    if ((err = dt_stmt_row(st)) != DT_OK || (err = dt_col_u64(st, 0, INT64_MAX, &g.id)) != DT_OK ||
        (err = dt_col_u64(st, 1, INT64_MAX, &g.created_ms)) != DT_OK ||
        (err = dt_col_u64(st, 2, INT64_MAX, &g.queues)) != DT_OK ||
        (err = dt_col_u64(st, 3, INT64_MAX, &g.queues_max)) != DT_OK ||
        (err = dt_col_u64(st, 4, INT64_MAX, &g.cells)) != DT_OK ||
        (err = dt_col_u64(st, 5, INT64_MAX, &g.bytes)) != DT_OK)
        return err;
    {
        uint64_t n = 0;

        if ((err = dt_col_u64(st, 6, INT64_MAX, &n)) != DT_OK)
            return err;
        g.revoked = n > 0;
    }
    *out = g;
    return DT_OK;
}

enum dt_err
dt_relay_store_stats_register(struct dt_relay_store *s, int64_t reg, struct dt_stats_register *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct dt_stats_register r = {0};
    uint64_t restored = 0;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r,
                             "SELECT r.grant_id, r.size, r.attested, r.final,"
                             " (SELECT count(*) FROM append_key k WHERE k.register = r.id),"
                             " (SELECT count(*) FROM append_key k JOIN revoked x ON x.hash = k.hash"
                             " WHERE k.register = r.id),"
                             " (SELECT count(*) FROM opening o WHERE o.register = r.id),"
                             " (SELECT count(*) FROM restored z WHERE z.register = r.id)"
                             " FROM register r WHERE r.id = ?1",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    if ((err = dt_stmt_row(st)) != DT_OK ||
        (err = dt_col_u64(st, 0, INT64_MAX, &r.grant)) != DT_OK ||
        (err = dt_col_u64(st, 1, TLOG_SIZE_MAX, &r.size)) != DT_OK)
        return err;
    r.attested = !dt_col_is_null(st, 2);
    r.final = !dt_col_is_null(st, 3);
    if ((r.attested && (err = dt_col_u64(st, 2, TLOG_SIZE_MAX, &r.attested_size)) != DT_OK) ||
        (r.final && (err = dt_col_u64(st, 3, TLOG_SIZE_MAX, &r.final_size)) != DT_OK) ||
        (err = dt_col_u64(st, 4, INT64_MAX, &r.keys)) != DT_OK ||
        (err = dt_col_u64(st, 5, INT64_MAX, &r.keys_revoked)) != DT_OK ||
        (err = dt_col_u64(st, 6, INT64_MAX, &r.openings)) != DT_OK ||
        (err = dt_col_u64(st, 7, INT64_MAX, &restored)) != DT_OK)
        return err;
    r.restored = restored > 0;
    *out = r;
    return DT_OK;
}

/* ---- taking access back ---- */

/* Inside a transaction: ${was}, a token's hash, is in "revoked" now, and ${out} is what is to stand
 * in its place. STATE: it is in that place already. */
static enum dt_err
note_revoked(struct dt_relay_store *s, const uint8_t was[static 32], uint8_t out[static 32])
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *look = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *put = NULL;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, "SELECT 1 FROM revoked WHERE hash = ?1", &look)) != DT_OK)
        return err;
    dt_bind_blob(look, 1, dt_view(was, 32));
    if ((err = dt_stmt_step(look, &row)) != DT_OK)
        return err;
    if (row)
        return dt_fail(DT_ERR_STATE, "it is revoked already");
    if ((err = dt_label_hash("revoked", dt_view(was, 32), out)) != DT_OK ||
        (err = dt_db_prepare(s->w, "INSERT INTO revoked(hash, was, at_ms) VALUES (?1, ?2, ?3)",
                             &put)) != DT_OK)
        return err;
    dt_bind_blob(put, 1, dt_view(out, 32));
    dt_bind_blob(put, 2, dt_view(was, 32));
    dt_bind_u64(put, 3, dt_clock_now(&s->clock));
    return dt_stmt_run(put);
}

/* The hash in the one row that ${select} gives for ${id} becomes its revocation by ${update}, which
 * is given ${id} and the new hash; *${out_row} is its first column. NOT_FOUND: no row; STATE. */
static enum dt_err
revoke_row(struct dt_relay_store *s, const char *select, const char *update, uint64_t id,
           uint64_t *out_row)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *put = NULL;
    uint8_t was[32], now[32];
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, select, &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, id);
    dt_bind_u64(st, 2, *out_row);
    if ((err = dt_stmt_row(st)) != DT_OK ||
        (err = dt_col_u64(st, 0, INT64_MAX, out_row)) != DT_OK ||
        (err = dt_col_fixed(st, 1, was, sizeof(was))) != DT_OK)
        return err;
    dt_stmt_reset(st);
    if ((err = note_revoked(s, was, now)) != DT_OK ||
        (err = dt_db_prepare(s->w, update, &put)) != DT_OK)
        return err;
    dt_bind_u64(put, 1, *out_row);
    dt_bind_blob(put, 2, dt_view_of(now));
    return dt_stmt_run(put);
}

static enum dt_err
revoke_queues(struct dt_relay_store *s, uint64_t grant, uint64_t *out_n)
{
    uint64_t at = 0;
    enum dt_err err;

    while ((err = revoke_row(s,
                             "SELECT id, write_hash FROM queue WHERE grant_id = ?1 AND id > ?2"
                             " ORDER BY id LIMIT 1",
                             "UPDATE queue SET write_hash = ?2 WHERE id = ?1", grant, &at)) ==
           DT_OK)
        (*out_n)++;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* The key with ${was} gets a hash that no key has. */
static enum dt_err
revoke_key(struct dt_relay_store *s, int64_t reg, const uint8_t was[static 32])
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *put = NULL;
    uint8_t now[32];
    enum dt_err err;

    if ((err = note_revoked(s, was, now)) != DT_OK ||
        (err = dt_db_prepare(s->w,
                             "UPDATE append_key SET hash = ?3 WHERE register = ?1 AND hash = ?2",
                             &put)) != DT_OK)
        return err;
    dt_bind_u64(put, 1, (uint64_t)reg);
    dt_bind_blob(put, 2, dt_view(was, 32));
    dt_bind_blob(put, 3, dt_view_of(now));
    if ((err = dt_stmt_run(put)) != DT_OK)
        return err;
    return dt_db_changes(s->w) == 1
               ? DT_OK
               : dt_fail(DT_ERR_NOT_FOUND, "that is no append key of the register");
}

/* All keys of all registers of the grant that are not revoked yet. */
static enum dt_err
revoke_keys(struct dt_relay_store *s, uint64_t grant, uint64_t *out_n)
{
    for (;;) {
        DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
        uint8_t was[32];
        uint64_t reg = 0;
        bool row = false;
        enum dt_err err;

        if ((err = dt_db_prepare(s->w,
                                 "SELECT k.register, k.hash FROM append_key k JOIN register r"
                                 " ON r.id = k.register WHERE r.grant_id = ?1 AND NOT EXISTS"
                                 " (SELECT 1 FROM revoked x WHERE x.hash = k.hash) LIMIT 1",
                                 &st)) != DT_OK)
            return err;
        dt_bind_u64(st, 1, grant);
        if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
            return err;
        if ((err = dt_col_u64(st, 0, INT64_MAX, &reg)) != DT_OK ||
            (err = dt_col_fixed(st, 1, was, sizeof(was))) != DT_OK)
            return err;
        dt_stmt_reset(st);
        if ((err = revoke_key(s, (int64_t)reg, was)) != DT_OK)
            return err;
        (*out_n)++;
    }
}

enum dt_err
dt_relay_store_revoke_grant(struct dt_relay_store *s, int64_t reg, struct dt_revoked *out)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    struct dt_revoked done = {0};
    uint64_t grant = 0;
    enum dt_err err;

    if ((err = dt_tx_begin(s->w, &tx)) != DT_OK ||
        (err = revoke_row(s,
                          "SELECT g.id, g.token_hash FROM grants g JOIN register r"
                          " ON r.grant_id = g.id WHERE r.id = ?1 AND ?2 >= 0",
                          "UPDATE grants SET token_hash = ?2 WHERE id = ?1", (uint64_t)reg,
                          &grant)) != DT_OK ||
        (err = revoke_queues(s, grant, &done.queues)) != DT_OK ||
        (err = revoke_keys(s, grant, &done.keys)) != DT_OK || (err = dt_tx_commit(&tx)) != DT_OK)
        return err;
    *out = done;
    return DT_OK;
}

enum dt_err
dt_relay_store_revoke_key(struct dt_relay_store *s, int64_t reg, const uint8_t hash[static 32],
                          struct dt_revoked *out)
{
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint8_t now[32];
    bool row = false;
    enum dt_err err;

    /* A second time it is not found as it was, but as what stands in its place. */
    if ((err = dt_label_hash("revoked", dt_view(hash, 32), now)) != DT_OK ||
        (err = dt_tx_begin(s->w, &tx)) != DT_OK ||
        (err = dt_db_prepare(s->w, "SELECT 1 FROM append_key WHERE hash = ?1 AND register = ?2",
                             &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view_of(now));
    dt_bind_u64(st, 2, (uint64_t)reg);
    if ((err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    dt_stmt_reset(st);
    if (row)
        return dt_fail(DT_ERR_STATE, "it is revoked already");
    if ((err = revoke_key(s, reg, hash)) != DT_OK || (err = dt_tx_commit(&tx)) != DT_OK)
        return err;
    *out = (struct dt_revoked){.keys = 1};
    return DT_OK;
}
