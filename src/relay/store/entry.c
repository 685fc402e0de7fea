/*
 * relay/store/entry.c - entries of registers: whose quota and slot they cost, which are held
 * already, and what is written for one.
 *
 * Source: docs/protocol-relay.md "Registers". Layer: relay.
 */
#include "relay/store/internal.h"

/* Is there room for one more this day? */
static bool
quota_left(struct batch_account *a, uint64_t now)
{
    uint64_t today = now / DT_MS_DAY;

    /* A clock that goes back does not give a day twice. */
    if (today > a->day) {
        a->day = today;
        a->used = 0;
    }
    return a->used < a->daily;
}

/*
 * How long it is to the key's next slot; 0: one is due and not used, or there is no cadence. A
 * clock that goes back by a period at most does not give one twice; by more, it was wrong before,
 * and a party must not wait for that time to come again.
 */
static uint64_t
slot_wait(struct batch_account *a, uint64_t now)
{
    const struct dt_cadence *c = &a->cadence;
    uint64_t period;

    if (c->k == 0 || c->period_ms == 0)
        return 0;
    period = dt_cadence_period(c, now);
    if (period > a->period || a->period - period > c->period_ms) {
        a->period = period;
        a->in_period = 0;
    }
    if (a->in_period < dt_cadence_due(c, a->period, now))
        return 0;
    /* One that was used up by urgent entries goes on with the next period. */
    return dt_cadence_slot(c, a->period, a->in_period < c->k ? a->in_period : c->k) - now;
}

/* Take one entry from what ${job}'s key may append, or set job->result. */
static enum dt_err
take_quota(struct dt_relay_store *s, struct dt_relay_store_job *job, bool *out_ok)
{
    uint64_t now = dt_clock_now(&s->clock), wait;
    struct batch_account *a = NULL;
    enum dt_err err = store_batch_account(s, job->u.entry.reg, job->u.entry.key_hash, &a);

    *out_ok = false;
    if (err != DT_OK)
        return err;
    if (!a->there) {
        job->result = DT_ERR_REFUSED;
        return DT_OK;
    }
    wait = slot_wait(a, now);
    job->u.entry.wait_ms = job->u.entry.urgent ? 0 : wait;
    if (job->u.entry.wait_ms != 0 || !quota_left(a, now)) {
        job->result = DT_ERR_BUSY;
        return DT_OK;
    }
    a->used++;
    a->in_period++;
    a->changed = true;
    *out_ok = true;
    return DT_OK;
}

uint64_t
store_mark_of(const struct tlog_hash *leaf)
{
    uint64_t mark = 0;

    for (size_t i = 0; i < 8; i++)
        mark = mark << 8 | leaf->b[i];
    return mark & INT64_MAX;
}

static enum dt_err
ask_entry(struct dt_relay_store *s, int64_t reg, struct dt_view entry, const struct tlog_hash *leaf,
          struct dt_stmt **out)
{
    enum dt_err err = dt_db_prepare(s->w,
                                    "SELECT s.idx FROM seen s JOIN entry e"
                                    " ON e.register = s.register AND e.idx = s.idx"
                                    " WHERE s.register = ?1 AND s.mark = ?2 AND e.entry = ?3",
                                    out);

    if (err != DT_OK)
        return err;
    dt_bind_u64(*out, 1, (uint64_t)reg);
    dt_bind_u64(*out, 2, store_mark_of(leaf));
    dt_bind_blob(*out, 3, entry);
    return DT_OK;
}

enum dt_err
store_ask_entry(struct dt_relay_store *s, const struct dt_relay_store_job *job,
                struct dt_stmt **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf entry = DT_BUF_INIT(DT_REGISTER_ENTRY);
    struct tlog_hash leaf;
    enum dt_err err;

    if ((err = dt_wire_entry_encode(job->u.entry.seal, &entry)) != DT_OK ||
        (err = tlog_leaf_hash(dt_buf_view(&entry), &leaf)) != DT_OK)
        return err;
    return ask_entry(s, job->u.entry.reg, dt_buf_view(&entry), &leaf, out);
}

/* The index of ${entry} if the register holds it. */
static enum dt_err
find_entry(struct dt_relay_store *s, int64_t reg, struct dt_view entry,
           const struct tlog_hash *leaf, bool *out_there, uint64_t *out_index)
{
    DT_CLEANUP(dt_stmt_done) struct dt_stmt *st = NULL;
    enum dt_err err;

    if ((err = ask_entry(s, reg, entry, leaf, &st)) != DT_OK ||
        (err = dt_stmt_step(st, out_there)) != DT_OK || !*out_there)
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
    dt_bind_u64(st, 2, store_mark_of(leaf));
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
store_entry_put(struct dt_relay_store *s, struct open_register *r, struct dt_view entry)
{
    bool there = false;
    struct tlog_hash leaf;
    uint64_t index = 0;
    enum dt_err err;

    if (entry.n != DT_REGISTER_ENTRY || entry.p[0] != 1)
        return dt_fail(DT_ERR_FORMAT, "entry %llu is no register entry",
                       (unsigned long long)tlog_edge_size(r->edge));
    if ((err = tlog_leaf_hash(entry, &leaf)) != DT_OK ||
        (err = find_entry(s, r->id, entry, &leaf, &there, &index)) != DT_OK)
        return err;
    if (there)
        return dt_fail(DT_ERR_CONFLICT, "entry %llu is there as entry %llu already",
                       (unsigned long long)tlog_edge_size(r->edge), (unsigned long long)index);
    return put_entry(s, r, entry, &leaf);
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
    if ((err = store_register_open(s, job->u.entry.reg, &r)) != DT_OK)
        return err;
    if (r->restored) {
        job->result = DT_ERR_STATE; /* 503: it may be taken when the operator has said so */
        return DT_OK;
    }
    if ((err = take_quota(s, job, &ok)) != DT_OK || !ok)
        return err;
    index = tlog_edge_size(r->edge);
    if ((err = put_entry(s, r, dt_buf_view(&entry), &leaf)) != DT_OK)
        return err;
    job->u.entry.index = index;
    job->result = DT_OK;
    return DT_OK;
}
