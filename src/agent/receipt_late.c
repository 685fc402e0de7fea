/*
 * agent/receipt_late.c - messages of ours whose receipts are awaited, and what is overdue.
 *
 * Source: docs/protocol-agent.md "Receipts". Tables: "awaited" (group id, payload id), parent group
 * id, seq running -> where and when a message of ours was read back; "awaited_record" (group id,
 * commitment), parent group id -> payload id.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/receipt_internal.h"

#define ROW_VERSION 1
#define ROW_MAX     128u

void
dt_agent_receipt_within(struct dt_agent *a, uint64_t ms)
{
    a->receipt_within_ms = ms;
}

uint64_t
dt_agent_receipt_limit(const struct dt_agent *a)
{
    return a->receipt_within_ms > 0 ? a->receipt_within_ms : DT_RECEIPT_WITHIN_MS;
}

/* How long ago; a clock that was put back makes it no time at all. */
static uint64_t
age(uint64_t now_ms, uint64_t then_ms)
{
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

/* ---- our messages ---- */

struct awaited {
    uint64_t seq; /* of its row */
    struct dt_place place;
    uint64_t time_ms;
    struct dt_view commitment; /* of a record; lies in what was decoded */
};

static void
awaited_key(uint8_t out[static 48], const uint8_t group_id[static 32], const uint8_t id[static 16])
{
    memcpy(out, group_id, 32);
    memcpy(out + 32, id, 16);
}

static void
record_key(uint8_t out[static 64], const uint8_t group_id[static 32], struct dt_view commitment)
{
    memcpy(out, group_id, 32);
    memcpy(out + 32, commitment.p, 32);
}

static enum dt_err
awaited_decode(struct dt_view v, struct awaited *out)
{
    struct dt_reader r = dt_reader_init(v);
    uint8_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK || (err = dt_read_u64(&r, &out->seq)) != DT_OK ||
        (err = dt_read_u64(&r, &out->place.queue_number)) != DT_OK ||
        (err = dt_read_u64(&r, &out->place.position)) != DT_OK ||
        (err = dt_read_u64(&r, &out->time_ms)) != DT_OK ||
        (err = dt_read_vec(&r, 32, &out->commitment)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "row of a message of ours");
    return version == ROW_VERSION
               ? DT_OK
               : dt_fail(DT_ERR_UNSUPPORTED, "a row is kept in version %u, which is not known here",
                         version);
}

static enum dt_err
awaited_put(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t id[static 16],
            const struct awaited *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(ROW_MAX);
    struct dt_writer w = dt_writer_init(&value);
    uint8_t key[48], record[64];
    enum dt_err err;

    awaited_key(key, group_id, id);
    dt_write_u8(&w, ROW_VERSION);
    dt_write_u64(&w, x->seq);
    dt_write_u64(&w, x->place.queue_number);
    dt_write_u64(&w, x->place.position);
    dt_write_u64(&w, x->time_ms);
    dt_write_vec(&w, x->commitment);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_store_put(a->store, "awaited", dt_view_of(key), dt_view(group_id, 32), x->seq,
                            dt_buf_view(&value))) != DT_OK ||
        x->commitment.n != 32)
        return err;
    record_key(record, group_id, x->commitment);
    return dt_store_put(a->store, "awaited_record", dt_view_of(record), dt_view(group_id, 32),
                        x->seq, dt_view(id, 16));
}

static enum dt_err
drop_old(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t seq)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint8_t record[64];
    enum dt_err err;

    while ((err = dt_store_next(a->store, "awaited", dt_view(group_id, 32), 0, &row)) == DT_OK &&
           row.seq + DT_AWAITED_KEPT <= seq) {
        struct awaited x = {0};

        if ((err = awaited_decode(dt_buf_view(&row.value), &x)) != DT_OK)
            return err;
        if (x.commitment.n == 32) {
            record_key(record, group_id, x.commitment);
            err = dt_store_del(a->store, "awaited_record", dt_view_of(record));
            if (err != DT_OK && err != DT_ERR_NOT_FOUND)
                return err;
        }
        if ((err = dt_store_del(a->store, "awaited", dt_buf_view(&row.key))) != DT_OK)
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_awaited_add(struct dt_agent *a, const struct dt_channel *ch, const uint8_t id[static 16],
               struct dt_view commitment, uint64_t position)
{
    struct awaited x = {.place = {ch->queue_number, position},
                        .time_ms = dt_agent_now(a),
                        .commitment = commitment};
    enum dt_err err;

    if ((err = dt_store_next_seq(a->store, "awaited", dt_view_of(ch->group_id), &x.seq)) != DT_OK ||
        (err = awaited_put(a, ch->group_id, id, &x)) != DT_OK)
        return err;
    return drop_old(a, ch->group_id, x.seq);
}

/* The row of the message with ${id}; ${value} owns what ${out} points to. NOT_FOUND. */
static enum dt_err
awaited_get(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t id[static 16],
            struct dt_buf *value, struct awaited *out)
{
    uint8_t key[48];
    enum dt_err err;

    awaited_key(key, group_id, id);
    err = dt_store_get_blob(a->store, "awaited", dt_view_of(key), value);
    return err != DT_OK ? err : awaited_decode(dt_buf_view(value), out);
}

/* The rows stay in the order in which they were read back: only the place changes. */
enum dt_err
dt_awaited_moved(struct dt_agent *a, const struct dt_channel *ch, const uint8_t id[static 16],
                 uint64_t position)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(ROW_MAX);
    struct awaited x = {0};
    enum dt_err err = awaited_get(a, ch->group_id, id, &value, &x);

    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    x.place.position = position;
    return awaited_put(a, ch->group_id, id, &x);
}

/* The first message of ours that ${s} owes a receipt for. NOT_FOUND. */
static enum dt_err
first_missing(struct dt_agent *a, const uint8_t group_id[static 32],
              const struct dt_receipt_seat *s, struct awaited *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    struct dt_view parent = dt_view(group_id, 32);
    struct dt_place from = dt_place_after(s->since, s->has) ? s->since : s->has;
    enum dt_err err;

    /* As a rule nothing is missing: then the last one says so. */
    if ((err = dt_store_last(a->store, "awaited", parent, &row)) != DT_OK ||
        (err = awaited_decode(dt_buf_view(&row.value), out)) != DT_OK)
        return err;
    out->commitment = dt_view(NULL, 0);
    if (!dt_place_after(out->place, from))
        return DT_ERR_NOT_FOUND;
    for (uint64_t at = 0;; at = row.seq + 1) {
        if ((err = dt_store_next(a->store, "awaited", parent, at, &row)) != DT_OK ||
            (err = awaited_decode(dt_buf_view(&row.value), out)) != DT_OK)
            return err;
        out->commitment = dt_view(NULL, 0);
        if (dt_place_after(out->place, from))
            return DT_OK;
    }
}

enum dt_err
dt_receipt_arrived(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_receipt_seat *s,
                   struct dt_place place)
{
    uint64_t now = dt_agent_now(a);
    struct dt_person who;
    char span[DT_TIME_STR];
    bool known, was_late;
    struct dt_place late = s->late;
    enum dt_err err;

    if (s->has_ms != 0 && !dt_place_after(place, s->has))
        return DT_OK;
    s->has = place;
    s->has_ms = now;
    was_late = s->late_ms != 0 && !dt_place_after(late, place);
    dt_span_str(span, age(now, s->late_ms));
    if (was_late)
        s->late_ms = 0;
    if ((err = dt_receipt_seat_put(a, group_id, s)) != DT_OK || !was_late)
        return err;
    known = dt_person_by_hash(a, s->letter_hash, &who);
    return dt_alarm_add(a, DT_ALARM_RECEIPT, group_id, late.position, known ? &who : NULL,
                        "the receipt for our message arrived after %s", span);
}

static enum dt_err
tell_late(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_receipt_seat *s,
          const struct awaited *x)
{
    struct dt_person who;
    bool known = dt_person_by_hash(a, s->letter_hash, &who);
    char span[DT_TIME_STR];
    enum dt_err err;

    s->late = x->place;
    s->late_ms = x->time_ms;
    dt_span_str(span, dt_agent_receipt_limit(a));
    if ((err = dt_receipt_seat_put(a, group_id, s)) != DT_OK)
        return err;
    return dt_alarm_add(a, DT_ALARM_RECEIPT, group_id, x->place.position, known ? &who : NULL,
                        "no receipt for our message within %s: it may not have arrived there: ask "
                        "by another way",
                        span);
}

static enum dt_err
overdue_seats(struct dt_agent *a, const uint8_t group_id[static 32])
{
    struct dt_receipt_seat s = {0};
    enum dt_err err;

    for (uint64_t at = 0; (err = dt_receipt_seat_next(a, group_id, at, &s)) == DT_OK;
         at = (uint64_t)s.leaf + 1) {
        struct awaited x = {0};

        err = first_missing(a, group_id, &s, &x);
        if (err == DT_ERR_NOT_FOUND)
            continue;
        if (err != DT_OK)
            return err;
        if (age(dt_agent_now(a), x.time_ms) <= dt_agent_receipt_limit(a) ||
            (s.late_ms != 0 && !dt_place_after(x.place, s.late)))
            continue;
        if ((err = tell_late(a, group_id, &s, &x)) != DT_OK)
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_receipt_overdue(struct dt_agent *a, const uint8_t group_id[static 32])
{
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, overdue_seats(a, group_id));
}

/* ---- for programs ---- */

static enum dt_err
describe(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_receipt_seat *s,
         struct dt_receipt_info *out)
{
    struct awaited x = {0};
    struct dt_claim c = {0};
    struct dt_transcript t = {0};
    enum dt_err err;

    *out = (struct dt_receipt_info){.any = s->has_ms != 0,
                                    .queue_number = s->has.queue_number,
                                    .position = s->has.position,
                                    .time_ms = s->has_ms};
    if (!dt_person_by_hash(a, s->letter_hash, &out->who))
        return dt_fail(DT_ERR_INTERNAL, "the letter of a member is not held");
    err = first_missing(a, group_id, s, &x);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    out->missing = err == DT_OK;
    if (out->missing) {
        out->missing_position = x.place.position;
        out->missing_since_ms = x.time_ms;
    }
    err = dt_claim_get(a, group_id, s->invitation_id, &c);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    out->ahead = err == DT_OK;
    if (out->ahead) {
        out->ahead_position = c.position;
        out->ahead_since_ms = c.time_ms;
    }
    if (s->forked == 0)
        return DT_OK;
    err = dt_transcript_next(a, group_id, s->forked, &t); /* a later epoch than that alarm's */
    out->differs = err == DT_ERR_NOT_FOUND;
    return out->differs ? DT_OK : err;
}

enum dt_err
dt_agent_receipts(struct dt_agent *a, const uint8_t group_id[static 32],
                  struct dt_receipt_info **out, size_t *out_n)
{
    struct dt_receipt_info *v = NULL;
    struct dt_receipt_seat s = {0};
    size_t n = 0;
    enum dt_err err;

    for (uint64_t at = 0; (err = dt_receipt_seat_next(a, group_id, at, &s)) == DT_OK;
         at = (uint64_t)s.leaf + 1) {
        struct dt_receipt_info *grown = dt_realloc(v, n + 1, sizeof *v);

        if (grown == NULL) {
            err = dt_nomem();
            break;
        }
        v = grown;
        if ((err = describe(a, group_id, &s, &v[n])) != DT_OK)
            break;
        n++;
    }
    if (err != DT_ERR_NOT_FOUND) {
        dt_free(v);
        return err;
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}

/* A talk's id is its payload's; a record's commitment leads to it. NOT_FOUND, RANGE. */
static enum dt_err
payload_of(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_view id,
           uint8_t out[static 16])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(16);
    uint8_t key[64];
    enum dt_err err;

    if (id.n != 16 && id.n != 32)
        return dt_fail(DT_ERR_INTERNAL, "an id of %zu bytes", id.n);
    if (id.n == 32) {
        record_key(key, group_id, id);
        if ((err = dt_store_get_blob(a->store, "awaited_record", dt_view_of(key), &value)) != DT_OK)
            return err;
        id = dt_buf_view(&value);
    }
    if (id.n != 16)
        return dt_fail(DT_ERR_FORMAT, "a row of a record of ours is too short");
    memcpy(out, id.p, 16);
    return DT_OK;
}

enum dt_err
dt_agent_arrivals(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_view id,
                  struct dt_arrival **out, size_t *out_n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(ROW_MAX);
    struct dt_arrival *v = NULL;
    struct dt_receipt_seat s = {0};
    struct awaited x = {0};
    uint8_t payload_id[16];
    size_t n = 0;
    enum dt_err err;

    if ((err = payload_of(a, group_id, id, payload_id)) != DT_OK ||
        (err = awaited_get(a, group_id, payload_id, &value, &x)) != DT_OK)
        return err;
    for (uint64_t at = 0; (err = dt_receipt_seat_next(a, group_id, at, &s)) == DT_OK;
         at = (uint64_t)s.leaf + 1) {
        struct dt_arrival *grown;

        if (!dt_place_after(x.place, s.since))
            continue; /* it came later */
        grown = dt_realloc(v, n + 1, sizeof *v);
        if (grown == NULL) {
            err = dt_nomem();
            break;
        }
        v = grown;
        v[n] = (struct dt_arrival){.arrived = s.has_ms != 0 && !dt_place_after(x.place, s.has)};
        if (dt_person_by_hash(a, s.letter_hash, &v[n].who))
            n++;
    }
    if (err != DT_ERR_NOT_FOUND) {
        dt_free(v);
        return err;
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}
