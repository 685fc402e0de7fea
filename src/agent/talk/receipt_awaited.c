/*
 * agent/talk/receipt_awaited.c - messages of ours that were read back, and at whom they have
 * arrived.
 *
 * Source: docs/protocol-agent.md "Receipts". Tables: "awaited" (group id, payload id) -> where and
 * when it was read back, and whose receipts cover it; parent (group id, 'w') while one is awaited,
 * (group id, 'd') after that; "awaited_record" (group id, commitment), parent group id -> payload
 * id.
 *
 * A message has arrived at a member whose receipt agrees with us on the transcript in which the
 * message stands, at its position or behind it. A receipt for a later epoch says nothing of it.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/talk/receipt_internal.h"

#define ROW_VERSION 1
#define ROW_MAX     (256u + 16u * DT_ARRIVED_MAX)

void
dt_awaited_clear(struct dt_awaited *x)
{
    if (x != NULL)
        dt_store_row_clear(&x->row);
}

static void
key_of(uint8_t out[static 48], const uint8_t group_id[static 32], const uint8_t id[static 16])
{
    memcpy(out, group_id, 32);
    memcpy(out + 32, id, 16);
}

static void
parent_of(uint8_t out[static 33], const uint8_t group_id[static 32], bool done)
{
    memcpy(out, group_id, 32);
    out[32] = done ? 'd' : 'w';
}

static void
record_key(uint8_t out[static 64], const uint8_t group_id[static 32], struct dt_view commitment)
{
    memcpy(out, group_id, 32);
    memcpy(out + 32, commitment.p, 32);
}

/* From ${value}, into which the views will point. */
static enum dt_err
decode(struct dt_view value, struct dt_awaited *out)
{
    struct dt_reader r = dt_reader_init(value);
    uint8_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK || (err = dt_read_u64(&r, &out->seq)) != DT_OK ||
        (err = dt_read_optional(&r, &out->done)) != DT_OK ||
        (err = dt_read_fixed(&r, out->id, 16)) != DT_OK ||
        (err = dt_read_u64(&r, &out->epoch)) != DT_OK ||
        (err = dt_read_u64(&r, &out->place.queue_number)) != DT_OK ||
        (err = dt_read_u64(&r, &out->place.position)) != DT_OK ||
        (err = dt_read_u64(&r, &out->time_ms)) != DT_OK ||
        (err = dt_read_vec(&r, 32, &out->commitment)) != DT_OK ||
        (err = dt_read_vec(&r, 16u * DT_ARRIVED_MAX, &out->arrived)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "row of a message of ours");
    return version == ROW_VERSION
               ? DT_OK
               : dt_fail(DT_ERR_UNSUPPORTED, "a row is kept in version %u, which is not known here",
                         version);
}

static enum dt_err
put(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_awaited *x)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(ROW_MAX);
    struct dt_writer w = dt_writer_init(&value);
    uint8_t key[48], parent[33];
    enum dt_err err;

    key_of(key, group_id, x->id);
    parent_of(parent, group_id, x->done);
    dt_write_u8(&w, ROW_VERSION);
    dt_write_u64(&w, x->seq);
    dt_write_optional(&w, x->done);
    dt_write_view(&w, dt_view_of(x->id));
    dt_write_u64(&w, x->epoch);
    dt_write_u64(&w, x->place.queue_number);
    dt_write_u64(&w, x->place.position);
    dt_write_u64(&w, x->time_ms);
    dt_write_vec(&w, x->commitment);
    dt_write_vec(&w, x->arrived);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put(a->store, "awaited", dt_view_of(key), dt_view_of(parent), x->seq,
                        dt_buf_view(&value));
}

static enum dt_err
drop(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_awaited *x)
{
    uint8_t key[48], record[64];
    enum dt_err err;

    if (x->commitment.n == 32) {
        record_key(record, group_id, x->commitment);
        err = dt_store_del(a->store, "awaited_record", dt_view_of(record));
        if (err != DT_OK && err != DT_ERR_NOT_FOUND)
            return err;
    }
    key_of(key, group_id, x->id);
    return dt_store_del(a->store, "awaited", dt_view_of(key));
}

/* The first from ${at} on in one of the two lists. NOT_FOUND. */
static enum dt_err
next(struct dt_agent *a, const uint8_t group_id[static 32], bool done, uint64_t at,
     struct dt_awaited *out)
{
    uint8_t parent[33];
    enum dt_err err;

    parent_of(parent, group_id, done);
    err = dt_store_next(a->store, "awaited", dt_view_of(parent), at, &out->row);
    return err != DT_OK ? err : decode(dt_buf_view(&out->row.value), out);
}

/* Put ${x} at the end of its list; the oldest goes when there are too many. */
static enum dt_err
put_last(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_awaited *x)
{
    uint8_t parent[33];
    uint64_t n = 0;
    enum dt_err err;

    parent_of(parent, group_id, x->done);
    if ((err = dt_store_next_seq(a->store, "awaited", dt_view_of(parent), &x->seq)) != DT_OK ||
        (err = put(a, group_id, x)) != DT_OK ||
        (err = dt_store_count(a->store, "awaited", dt_view_of(parent), &n)) != DT_OK)
        return err;
    for (; n > DT_AWAITED_KEPT; n--) {
        DT_CLEANUP(dt_awaited_clear) struct dt_awaited oldest = {0};

        if ((err = next(a, group_id, x->done, 0, &oldest)) != DT_OK ||
            (err = drop(a, group_id, &oldest)) != DT_OK)
            return err;
    }
    return DT_OK;
}

enum dt_err
dt_awaited_add(struct dt_agent *a, const struct dt_channel *ch, const uint8_t id[static 16],
               struct dt_view commitment, uint64_t position)
{
    struct dt_awaited x = {.place = {ch->queue_number, position},
                           .time_ms = dt_agent_now(a),
                           .commitment = commitment};
    struct dt_transcript t = {0};
    uint8_t record[64];
    enum dt_err err = dt_transcript_present(a, ch, &t);

    /* Of what stands in a transcript that is not kept, no receipt can say anything. */
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    x.epoch = t.epoch;
    memcpy(x.id, id, 16);
    if ((err = put_last(a, ch->group_id, &x)) != DT_OK || commitment.n != 32)
        return err;
    record_key(record, ch->group_id, commitment);
    return dt_store_put(a->store, "awaited_record", dt_view_of(record), dt_view_of(ch->group_id), 0,
                        dt_view(id, 16));
}

enum dt_err
dt_awaited_get(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_view id,
               struct dt_awaited *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf payload = DT_BUF_INIT(16);
    uint8_t key[48], record[64];
    enum dt_err err;

    if (id.n == 32) {
        record_key(record, group_id, id);
        if ((err = dt_store_get_blob(a->store, "awaited_record", dt_view_of(record), &payload)) !=
            DT_OK)
            return err;
        id = dt_buf_view(&payload);
    }
    if (id.n != 16)
        return dt_fail(DT_ERR_INTERNAL, "an id of %zu bytes", id.n);
    key_of(key, group_id, id.p);
    out->row.value.max = ROW_MAX;
    if ((err = dt_store_get_blob(a->store, "awaited", dt_view_of(key), &out->row.value)) != DT_OK)
        return err;
    return decode(dt_buf_view(&out->row.value), out);
}

enum dt_err
dt_awaited_moved(struct dt_agent *a, const struct dt_channel *ch, const uint8_t id[static 16],
                 uint64_t position)
{
    DT_CLEANUP(dt_awaited_clear) struct dt_awaited x = {0};
    struct dt_transcript t = {0};
    enum dt_err err = dt_awaited_get(a, ch->group_id, dt_view(id, 16), &x);

    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    err = dt_transcript_present(a, ch, &t);
    if (err == DT_ERR_NOT_FOUND) /* as in dt_awaited_add(); who has it already is not forgotten */
        return x.done ? DT_OK : drop(a, ch->group_id, &x);
    if (err != DT_OK)
        return err;
    x.epoch = t.epoch;
    x.place = (struct dt_place){ch->queue_number, position};
    return put(a, ch->group_id, &x);
}

enum dt_err
dt_awaited_forget(struct dt_agent *a, const uint8_t group_id[static 32])
{
    enum dt_err err = dt_store_del_parent(a->store, "awaited_record", dt_view(group_id, 32));

    for (int done = 0; err == DT_OK && done < 2; done++) {
        uint8_t parent[33];

        parent_of(parent, group_id, done);
        err = dt_store_del_parent(a->store, "awaited", dt_view_of(parent));
    }
    return err;
}

bool
dt_awaited_arrived(const struct dt_awaited *x, const uint8_t invitation_id[static 16])
{
    for (size_t i = 0; i + 16 <= x->arrived.n; i += 16)
        if (memcmp(x->arrived.p + i, invitation_id, 16) == 0)
            return true;
    return false;
}

/* Does the seat owe a receipt for it? */
static bool
is_owed(const struct dt_awaited *x, const struct dt_receipt_seat *s)
{
    return dt_place_after(x->place, s->since) && !dt_awaited_arrived(x, s->invitation_id);
}

/* Does anybody owe a receipt for it? */
static enum dt_err
anybody(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_awaited *x,
        bool *out)
{
    struct dt_receipt_seat s = {0};
    enum dt_err err;

    *out = false;
    for (uint64_t at = 0; (err = dt_receipt_seat_next(a, group_id, at, &s)) == DT_OK && !*out;
         at = (uint64_t)s.leaf + 1)
        *out = is_owed(x, &s);
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* ${s} has it. */
static enum dt_err
mark(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_receipt_seat *s,
     struct dt_awaited *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf arrived = DT_BUF_INIT(16u * DT_ARRIVED_MAX);
    bool owed = false;
    enum dt_err err;

    if ((err = dt_buf_set(&arrived, x->arrived)) != DT_OK ||
        (err = dt_buf_append(&arrived, dt_view_of(s->invitation_id))) != DT_OK)
        return err;
    x->arrived = dt_buf_view(&arrived);
    if ((err = anybody(a, group_id, x, &owed)) != DT_OK)
        return err;
    x->done = !owed;
    return x->done ? put_last(a, group_id, x) : put(a, group_id, x);
}

enum dt_err
dt_awaited_cover(struct dt_agent *a, const uint8_t group_id[static 32],
                 const struct dt_receipt_seat *s, uint64_t epoch, struct dt_place place)
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_awaited_clear) struct dt_awaited x = {0};

        if ((err = next(a, group_id, false, at, &x)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = x.seq + 1;
        if (x.epoch == epoch && !dt_place_after(x.place, place) && is_owed(&x, s) &&
            x.arrived.n < 16u * DT_ARRIVED_MAX && (err = mark(a, group_id, s, &x)) != DT_OK)
            return err;
    }
}

enum dt_err
dt_awaited_sweep(struct dt_agent *a, const uint8_t group_id[static 32])
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_awaited_clear) struct dt_awaited x = {0};
        bool owed = false;

        if ((err = next(a, group_id, false, at, &x)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = x.seq + 1;
        if ((err = anybody(a, group_id, &x, &owed)) != DT_OK)
            return err;
        x.done = !owed;
        if (x.done && (err = put_last(a, group_id, &x)) != DT_OK)
            return err;
    }
}

enum dt_err
dt_awaited_first(struct dt_agent *a, const uint8_t group_id[static 32],
                 const struct dt_receipt_seat *s, struct dt_awaited *out)
{
    uint64_t at = 0;
    enum dt_err err;

    do {
        if ((err = next(a, group_id, false, at, out)) != DT_OK)
            return err;
        at = out->seq + 1;
    } while (!is_owed(out, s));
    return DT_OK;
}
