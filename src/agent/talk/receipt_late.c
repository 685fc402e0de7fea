/*
 * agent/talk/receipt_late.c - what is overdue, and what receipts say to people.
 *
 * Source: docs/protocol-agent.md "Receipts".
 */
#include <string.h>

#include "base/mem.h"

#include "agent/talk/receipt_internal.h"

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

/* What was overdue at ${s} has come. */
static enum dt_err
tell_arrived(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_receipt_seat *s,
             const struct dt_awaited *x)
{
    struct dt_person who;
    bool known = false;
    char span[DT_TIME_STR];
    enum dt_err err = dt_person_by_hash(a, s->letter_hash, &known, &who);

    if (err != DT_OK)
        return err;
    dt_span_str(span, age(dt_agent_now(a), x->time_ms));
    return dt_alarm_add(a, DT_ALARM_RECEIPT, group_id, x->place.position, known ? &who : NULL,
                        "the receipt for our message arrived after %s", span);
}

/* The message that was told to be overdue at ${s}. NOT_FOUND: none, or newer ones took its row:
 * then nobody will know whether it arrived. */
static enum dt_err
late_of(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_receipt_seat *s,
        struct dt_awaited *out)
{
    return s->late_ms == 0 ? DT_ERR_NOT_FOUND
                           : dt_awaited_get(a, group_id, dt_view_of(s->late_id), out);
}

enum dt_err
dt_receipt_arrived(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_receipt_seat *s,
                   uint64_t epoch, struct dt_place place)
{
    DT_CLEANUP(dt_awaited_clear) struct dt_awaited late = {0};
    bool came = false;
    enum dt_err err = dt_awaited_cover(a, group_id, s, epoch, place);

    if (err != DT_OK)
        return err;
    if (s->has_ms == 0 || dt_place_after(place, s->has)) {
        s->has = place;
        s->has_ms = dt_agent_now(a);
    }
    err = late_of(a, group_id, s, &late);
    if (err == DT_OK)
        came = dt_awaited_arrived(&late, s->invitation_id);
    else if (err != DT_ERR_NOT_FOUND)
        return err;
    if (came)
        s->late_ms = 0;
    if ((err = dt_receipt_seat_put(a, group_id, s)) != DT_OK || !came)
        return err;
    return tell_arrived(a, group_id, s, &late);
}

static enum dt_err
tell_late(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_receipt_seat *s,
          const struct dt_awaited *x)
{
    struct dt_person who;
    bool known = false;
    char span[DT_TIME_STR];
    enum dt_err err = dt_person_by_hash(a, s->letter_hash, &known, &who);

    if (err != DT_OK)
        return err;
    dt_span_str(span, dt_agent_receipt_limit(a));
    return dt_alarm_add(a, DT_ALARM_RECEIPT, group_id, x->place.position, known ? &who : NULL,
                        "no receipt for our message within %s: it may not have arrived there: ask "
                        "by another way",
                        span);
}

static enum dt_err
overdue_seat(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_receipt_seat *s)
{
    DT_CLEANUP(dt_awaited_clear) struct dt_awaited late = {0};
    DT_CLEANUP(dt_awaited_clear) struct dt_awaited x = {0};
    bool told = s->late_ms != 0, again;
    enum dt_err err = late_of(a, group_id, s, &late);

    if (err != DT_ERR_NOT_FOUND)
        return err; /* told, and still to come */
    err = dt_awaited_first(a, group_id, s, &x);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    again = err == DT_OK && age(dt_agent_now(a), x.time_ms) > dt_agent_receipt_limit(a);
    if (!again && !told)
        return DT_OK;
    s->late_ms = again ? x.time_ms : 0;
    memcpy(s->late_id, x.id, sizeof s->late_id);
    /* One case is told once, also when it lasts until newer messages take the row of the first. */
    if ((err = dt_receipt_seat_put(a, group_id, s)) != DT_OK || told)
        return err;
    return tell_late(a, group_id, s, &x);
}

static enum dt_err
overdue(struct dt_agent *a, const uint8_t group_id[static 32])
{
    struct dt_receipt_seat s = {0};
    enum dt_err err;

    for (uint64_t at = 0; (err = dt_receipt_seat_next(a, group_id, at, &s)) == DT_OK;
         at = (uint64_t)s.leaf + 1)
        if ((err = overdue_seat(a, group_id, &s)) != DT_OK)
            return err;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_receipt_overdue(struct dt_agent *a, const uint8_t group_id[static 32])
{
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, overdue(a, group_id));
}

/* ---- for programs ---- */

static enum dt_err
describe(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_receipt_seat *s,
         struct dt_receipt_info *out)
{
    DT_CLEANUP(dt_awaited_clear) struct dt_awaited x = {0};
    struct dt_claim c = {0};
    struct dt_transcript t = {0};
    bool known = false;
    enum dt_err err;

    *out = (struct dt_receipt_info){.any = s->has_ms != 0,
                                    .queue_number = s->has.queue_number,
                                    .position = s->has.position,
                                    .time_ms = s->has_ms};
    if ((err = dt_person_by_hash(a, s->letter_hash, &known, &out->who)) != DT_OK)
        return err;
    if (!known)
        return dt_fail(DT_ERR_INTERNAL, "the letter of a member is not held");
    err = dt_awaited_first(a, group_id, s, &x);
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
    out->ahead = err == DT_OK && !c.forked;
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

enum dt_err
dt_agent_arrivals(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_view id,
                  struct dt_arrival **out, size_t *out_n)
{
    DT_CLEANUP(dt_awaited_clear) struct dt_awaited x = {0};
    struct dt_arrival *v = NULL;
    struct dt_receipt_seat s = {0};
    size_t n = 0;
    enum dt_err err = dt_awaited_get(a, group_id, id, &x);

    if (err != DT_OK)
        return err;
    for (uint64_t at = 0; (err = dt_receipt_seat_next(a, group_id, at, &s)) == DT_OK;
         at = (uint64_t)s.leaf + 1) {
        struct dt_arrival *grown;
        bool known = false;

        if (!dt_place_after(x.place, s.since))
            continue; /* it came later */
        grown = dt_realloc(v, n + 1, sizeof *v);
        if (grown == NULL) {
            err = dt_nomem();
            break;
        }
        v = grown;
        v[n] = (struct dt_arrival){.arrived = dt_awaited_arrived(&x, s.invitation_id),
                                   .since_ms = x.time_ms};
        if ((err = dt_person_by_hash(a, s.letter_hash, &known, &v[n].who)) != DT_OK)
            break;
        n += known;
    }
    if (err != DT_ERR_NOT_FOUND) {
        dt_free(v);
        return err;
    }
    *out = v;
    *out_n = n;
    return DT_OK;
}
