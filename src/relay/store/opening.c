/*
 * relay/store/opening.c - openings in the store: files that parties published beside a register,
 * each under its SHA-256. See store.h. Layer: relay.
 *
 * The relay reads nothing in them. A file once taken stays as it is: others rely on finding it. So
 * what a party may fill is bounded by the day and in all, and no party can use up another's share.
 */
#include <string.h>

#include "base/text.h"
#include "crypto/crypto.h"

#include "relay/store/internal.h"

/* A table beside the numbered schema: a program that does not know it leaves it alone. */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS opening(id INTEGER PRIMARY KEY, register INTEGER NOT NULL"
    " REFERENCES register(id), name BLOB NOT NULL, key_hash BLOB NOT NULL, day INTEGER NOT NULL,"
    " file BLOB NOT NULL, UNIQUE(register, name)) STRICT;";

enum dt_err
store_opening_prepare(struct dt_db *db)
{
    return dt_db_exec(db, schema);
}

/* ---- taking one ---- */

static enum dt_err
is_there(struct dt_relay_store *s, const struct dt_relay_store_job *job, bool *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, "SELECT 1 FROM opening WHERE register = ?1 AND name = ?2",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)job->u.opening.reg);
    dt_bind_blob(st, 2, dt_view_of(job->u.opening.name));
    return dt_stmt_step(st, out);
}

/* How many of this party there are: today and later (a clock that goes back does not give a day
 * twice), and in all; and how many parties the register has, 0 when the key is none of theirs. */
static enum dt_err
count(struct dt_relay_store *s, const struct dt_relay_store_job *job, uint64_t today,
      uint64_t *out_today, uint64_t *out_all, uint64_t *out_parties)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(
             s->w,
             "SELECT (SELECT count(*) FROM opening WHERE register = ?1 AND key_hash = ?2"
             " AND day >= ?3), (SELECT count(*) FROM opening WHERE register = ?1 AND key_hash = "
             "?2),"
             " (SELECT count(*) FROM append_key WHERE register = ?1 AND EXISTS"
             " (SELECT 1 FROM append_key WHERE register = ?1 AND hash = ?2))",
             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)job->u.opening.reg);
    dt_bind_blob(st, 2, dt_view_of(job->u.opening.key_hash));
    dt_bind_u64(st, 3, today);
    if ((err = dt_stmt_row(st)) != DT_OK ||
        (err = dt_col_u64(st, 0, INT64_MAX, out_today)) != DT_OK ||
        (err = dt_col_u64(st, 1, INT64_MAX, out_all)) != DT_OK)
        return err;
    return dt_col_u64(st, 2, INT64_MAX, out_parties);
}

enum dt_err
store_opening(struct dt_relay_store *s, struct dt_relay_store_job *job)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *put = NULL;
    uint64_t day = dt_clock_now(&s->clock) / DT_MS_DAY, today = 0, all = 0, parties = 0;
    bool there = false;
    enum dt_err err;

    if ((err = is_there(s, job, &there)) != DT_OK ||
        (err = count(s, job, day, &today, &all, &parties)) != DT_OK)
        return err;
    job->u.opening.existed = there;
    job->result = parties == 0                             ? DT_ERR_REFUSED
                  : there                                  ? DT_OK
                  : all >= DT_RELAY_OPENINGS_MAX / parties ? DT_ERR_LIMIT
                  : today >= DT_RELAY_DAILY_OPENINGS       ? DT_ERR_BUSY
                                                           : DT_OK;
    if (job->result == DT_ERR_LIMIT)
        job->bound = DT_BOUND_OPENINGS;
    if (job->result != DT_OK || there)
        return DT_OK;
    if ((err = dt_db_prepare(s->w,
                             "INSERT INTO opening(register, name, key_hash, day, file)"
                             " VALUES (?1, ?2, ?3, ?4, ?5)",
                             &put)) != DT_OK)
        return err;
    dt_bind_u64(put, 1, (uint64_t)job->u.opening.reg);
    dt_bind_blob(put, 2, dt_view_of(job->u.opening.name));
    dt_bind_blob(put, 3, dt_view_of(job->u.opening.key_hash));
    dt_bind_u64(put, 4, day);
    dt_bind_blob(put, 5, job->u.opening.file);
    return dt_stmt_run(put);
}

/* ---- reads ---- */

enum dt_err
dt_relay_store_openings(struct dt_relay_store *s, int64_t reg, struct dt_buf *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    char line[2 * DT_SHA256 + 1];
    uint8_t name[DT_SHA256];
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r, "SELECT name FROM opening WHERE register = ?1 ORDER BY id",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    for (;;) {
        if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
            return err;
        if ((err = dt_col_fixed(st, 0, name, sizeof(name))) != DT_OK)
            return err;
        dt_hex_str(line, dt_view_of(name));
        if ((err = dt_buf_printf(out, "%s\n", line)) != DT_OK)
            return err;
    }
}

/* The row of one opening, as ${sql} asks for it. */
static enum dt_err
find_opening(struct dt_relay_store *s, const char *sql, int64_t reg,
             const uint8_t name[static DT_SHA256], struct dt_stmt **out)
{
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(s->r, sql, out)) != DT_OK)
        return err;
    dt_bind_u64(*out, 1, (uint64_t)reg);
    dt_bind_blob(*out, 2, dt_view(name, DT_SHA256));
    if ((err = dt_stmt_step(*out, &row)) != DT_OK)
        return err;
    return row ? DT_OK : dt_fail(DT_ERR_NOT_FOUND, "no such opening");
}

enum dt_err
dt_relay_store_opening(struct dt_relay_store *s, int64_t reg, const uint8_t name[static 32],
                       struct dt_buf *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    uint8_t hash[DT_SHA256];
    struct dt_view file = {0};
    enum dt_err err;

    if ((err = find_opening(s, "SELECT file FROM opening WHERE register = ?1 AND name = ?2", reg,
                            name, &st)) != DT_OK ||
        (err = dt_col_blob(st, 0, DT_NET_OPENING_MAX, &file)) != DT_OK ||
        (err = dt_sha256(file, hash)) != DT_OK)
        return err;
    if (memcmp(hash, name, sizeof(hash)) != 0)
        return dt_fail(DT_ERR_FORMAT,
                       "%s: an opening in the store is not the one that was published",
                       dt_db_path(s->r));
    return dt_buf_append(out, file);
}

enum dt_err
dt_relay_store_opening_size(struct dt_relay_store *s, int64_t reg, const uint8_t name[static 32],
                            uint64_t *out)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = find_opening(s, "SELECT length(file) FROM opening WHERE register = ?1 AND name = ?2",
                            reg, name, &st)) != DT_OK)
        return err;
    return dt_col_u64(st, 0, DT_NET_OPENING_MAX, out);
}
