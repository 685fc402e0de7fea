/*
 * relay/store_entry.c - entries of registers: whose quota they cost, which are held already, and
 * what is written for one.
 *
 * Source: docs/protocol-relay.md "Registers". Layer: relay.
 */
#include "relay/store_internal.h"

/* The quota of ${job}'s key: take one, or set job->result. */
static enum dt_err
take_quota(struct dt_relay_store *s, struct dt_relay_store_job *job, bool *out_ok)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *put = NULL;
    uint64_t today = dt_clock_now(&s->clock) / DT_MS_DAY, daily = 0, day = 0, used = 0;
    bool row = false;
    enum dt_err err;

    if ((err = dt_db_prepare(
             s->w, "SELECT daily, day, used FROM append_key WHERE hash = ?1 AND register = ?2",
             &st)) != DT_OK)
        return err;
    dt_bind_blob(st, 1, dt_view_of(job->u.entry.key_hash));
    dt_bind_u64(st, 2, (uint64_t)job->u.entry.reg);
    if ((err = dt_stmt_step(st, &row)) != DT_OK)
        return err;
    *out_ok = false;
    if (!row) {
        job->result = DT_ERR_REFUSED;
        return DT_OK;
    }
    if ((err = dt_col_u64(st, 0, INT64_MAX, &daily)) != DT_OK ||
        (err = dt_col_u64(st, 1, INT64_MAX, &day)) != DT_OK ||
        (err = dt_col_u64(st, 2, INT64_MAX, &used)) != DT_OK)
        return err;
    /* A clock that goes back does not give a day twice. */
    if (today > day) {
        day = today;
        used = 0;
    }
    if (used >= daily) {
        job->result = DT_ERR_BUSY;
        return DT_OK;
    }
    if ((err = dt_db_prepare(s->w, "UPDATE append_key SET day = ?2, used = ?3 WHERE hash = ?1",
                             &put)) != DT_OK)
        return err;
    dt_bind_blob(put, 1, dt_view_of(job->u.entry.key_hash));
    dt_bind_u64(put, 2, day);
    dt_bind_u64(put, 3, used + 1);
    *out_ok = true;
    return dt_stmt_run(put);
}

/* The first 8 bytes of a leaf hash, as a number that SQLite takes. */
static uint64_t
mark_of(const struct tlog_hash *leaf)
{
    uint64_t mark = 0;

    for (size_t i = 0; i < 8; i++)
        mark = mark << 8 | leaf->b[i];
    return mark & INT64_MAX;
}

/* The index of ${entry} if the register holds it. */
static enum dt_err
find_entry(struct dt_relay_store *s, int64_t reg, struct dt_view entry,
           const struct tlog_hash *leaf, bool *out_there, uint64_t *out_index)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(s->w,
                             "SELECT s.idx FROM seen s JOIN entry e"
                             " ON e.register = s.register AND e.idx = s.idx"
                             " WHERE s.register = ?1 AND s.mark = ?2 AND e.entry = ?3",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)reg);
    dt_bind_u64(st, 2, mark_of(leaf));
    dt_bind_blob(st, 3, entry);
    if ((err = dt_stmt_step(st, out_there)) != DT_OK || !*out_there)
        return err;
    return dt_col_u64(st, 0, TLOG_SIZE_MAX, out_index);
}

static enum dt_err
put_seen(struct dt_db *db, uint64_t reg, const struct tlog_hash *leaf, uint64_t index)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = dt_db_prepare(db, "INSERT INTO seen(register, mark, idx) VALUES (?1, ?2, ?3)",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, reg);
    dt_bind_u64(st, 2, mark_of(leaf));
    dt_bind_u64(st, 3, index);
    return dt_stmt_run(st);
}

enum dt_err
store_seen_fill(struct dt_db *db)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err = dt_db_prepare(db, "SELECT register, idx, entry FROM entry", &st);

    while (err == DT_OK) {
        uint64_t reg = 0, index = 0;
        struct dt_view entry = {0};
        struct tlog_hash leaf;
        bool row = false;

        if ((err = dt_stmt_step(st, &row)) != DT_OK || !row)
            break;
        if ((err = dt_col_u64(st, 0, INT64_MAX, &reg)) == DT_OK &&
            (err = dt_col_u64(st, 1, TLOG_SIZE_MAX, &index)) == DT_OK &&
            (err = dt_col_blob(st, 2, TLOG_ENTRY_MAX, &entry)) == DT_OK &&
            (err = tlog_leaf_hash(entry, &leaf)) == DT_OK)
            err = put_seen(db, reg, &leaf, index);
    }
    return err;
}

static enum dt_err
put_entry(struct dt_relay_store *s, struct open_register *r, struct dt_view entry,
          const struct tlog_hash *leaf)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    struct store_tile_source to = {s->w, r->id};
    uint64_t index = tlog_edge_size(r->edge);
    enum dt_err err;

    if ((err = dt_db_prepare(s->w, "INSERT INTO entry(register, idx, entry) VALUES (?1, ?2, ?3)",
                             &st)) != DT_OK)
        return err;
    dt_bind_u64(st, 1, (uint64_t)r->id);
    dt_bind_u64(st, 2, index);
    dt_bind_blob(st, 3, entry);
    if ((err = dt_stmt_run(st)) != DT_OK ||
        (err = put_seen(s->w, (uint64_t)r->id, leaf, index)) != DT_OK)
        return err;
    r->dirty = true;
    return tlog_edge_append(r->edge, leaf, store_tile_out, &to);
}

enum dt_err
store_entry(struct dt_relay_store *s, struct dt_relay_store_job *job)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf entry = DT_BUF_INIT(DT_REGISTER_ENTRY);
    struct open_register *r = NULL;
    bool there = false, ok = false;
    struct tlog_hash leaf;
    uint64_t index = 0;
    enum dt_err err;

    if ((err = dt_wire_entry_encode(job->u.entry.seal, &entry)) != DT_OK ||
        (err = tlog_leaf_hash(dt_buf_view(&entry), &leaf)) != DT_OK ||
        (err = find_entry(s, job->u.entry.reg, dt_buf_view(&entry), &leaf, &there, &index)) !=
            DT_OK)
        return err;
    job->u.entry.existed = there;
    if (there) {
        job->u.entry.index = index;
        job->result = DT_OK;
        return DT_OK;
    }
    if ((err = take_quota(s, job, &ok)) != DT_OK || !ok)
        return err;
    if ((err = store_register_open(s, job->u.entry.reg, &r)) != DT_OK)
        return err;
    index = tlog_edge_size(r->edge);
    if ((err = put_entry(s, r, dt_buf_view(&entry), &leaf)) != DT_OK)
        return err;
    job->u.entry.index = index;
    job->result = DT_OK;
    return DT_OK;
}
