/*
 * agent/register/submit.c - see submit.h.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/register/slots.h"
#include "agent/register/submit.h"

#define URGENT  "urgent"
#define WAITING "waiting"
#define COVER   "cover"

/* ---- what waits ---- */

static enum dt_err
row_put(struct dt_agent *a, const char *list, const uint8_t seal[static 32], uint64_t seq,
        uint64_t tried)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(64);
    struct dt_writer w = dt_writer_init(&value);
    enum dt_err err;

    dt_write_view(&w, dt_view(seal, 32));
    dt_write_u64(&w, tried);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put(a->store, "register_submit", dt_view(seal, 32), dt_view_str(list), seq,
                        dt_buf_view(&value));
}

/* Rows of stores made before cadences were end behind the seal. */
static enum dt_err
row_read(struct dt_view v, uint8_t seal[static 32], uint64_t *out_tried)
{
    struct dt_reader r = dt_reader_init(v);
    enum dt_err err = dt_read_fixed(&r, seal, 32);

    *out_tried = 0;
    if (err == DT_OK && r.n > 0)
        err = dt_read_u64(&r, out_tried);
    if (err == DT_OK)
        err = dt_read_end(&r);
    return dt_fail_context(err, "a waiting seal in the store");
}

/* Put ${seal} at the end of ${list}, unless it waits already. */
static enum dt_err
enqueue(struct dt_agent *a, const char *list, const uint8_t seal[static 32])
{
    uint64_t seq = 0;
    bool there = false;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    err = dt_store_has(a->store, "register_submit", dt_view(seal, 32), &there);
    if (err == DT_OK && !there)
        err = dt_store_next_seq(a->store, "register_submit", dt_view_str(list), &seq);
    if (err == DT_OK && !there)
        err = row_put(a, list, seal, seq, 0);
    return dt_store_end(a->store, err);
}

enum dt_err
dt_agent_register_submit(struct dt_agent *a, const uint8_t seal[static 32])
{
    return enqueue(a, WAITING, seal);
}

enum dt_err
dt_agent_register_submit_urgent(struct dt_agent *a, const uint8_t seal[static 32])
{
    return enqueue(a, URGENT, seal);
}

enum dt_err
dt_register_count_waiting(struct dt_agent *a, uint64_t *out)
{
    uint64_t waiting = 0, urgent = 0;
    enum dt_err err = dt_store_count(a->store, "register_submit", dt_view_str(WAITING), &waiting);

    if (err == DT_OK)
        err = dt_store_count(a->store, "register_submit", dt_view_str(URGENT), &urgent);
    *out = waiting + urgent;
    return err;
}

/* ---- handing in ---- */

/* The relay holds ${seal} at ${index}: forget that it waits. *${out_ours} is false when another
 * process of this home has seen to it already. */
static enum dt_err
acknowledged(struct dt_agent *a, const uint8_t seal[static 32], uint64_t index, bool *out_ours)
{
    enum dt_err err = dt_agent_is_current(a);

    if (err == DT_OK)
        err = dt_register_acknowledged(a, seal, index);
    if (err == DT_OK)
        err = dt_store_del(a->store, "register_submit", dt_view(seal, 32));
    *out_ours = err == DT_OK;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* All of ${list}, one by one. */
static enum dt_err
hand_in_list(struct dt_agent *a, struct dt_http_client *http, const char *url, const char *list,
             struct dt_register_report *report)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    const bool urgent = a->cadence.period_ms != 0;
    uint64_t at = 0, index = 0, wait_s = 0, tried = 0;
    uint8_t seal[32];
    enum dt_err err;

    while ((err = dt_store_next(a->store, "register_submit", dt_view_str(list), at, &row)) ==
           DT_OK) {
        bool ours = false;

        if ((err = row_read(dt_buf_view(&row.value), seal, &tried)) != DT_OK)
            return err;
        if ((err = dt_register_append_due(http, url, dt_view_of(a->grant.append_key), seal, urgent,
                                          &index, &wait_s)) != DT_OK)
            return dt_fail_context(err, "submitting a seal to the register");
        if ((err = dt_store_begin(a->store)) != DT_OK ||
            (err = dt_store_end(a->store, acknowledged(a, seal, index, &ours))) != DT_OK)
            return err;
        report->submitted += ours;
        at = row.seq + 1;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_register_makes_cover(struct dt_agent *a, bool *out)
{
    bool revoked = false;
    enum dt_err err = dt_agent_refresh(a);

    *out = false;
    if (err != DT_OK || !a->has_letter)
        return err;
    if (dt_letter_check_time(&a->letter, dt_agent_now(a)) != DT_OK ||
        dt_letter_check_rights(&a->letter, DT_RIGHT_BIT(DT_RIGHT_RECORD)) != DT_OK)
        return DT_OK;
    err = dt_letter_ended(a, &a->letter, &revoked);
    *out = err == DT_OK && !revoked;
    return err;
}

/* What one slot is filled with. */
struct filling {
    bool there; /* else nothing is due, or there is nothing */
    uint8_t seal[32];
    uint64_t tried; /* the period in which it was tried first; 0: it was not */
};

/* What was tried in the period that began at ${tried} is in the register: it filled a slot of ours
 * then. */
static void
credit(struct dt_slots *s, uint64_t tried)
{
    if (tried == s->period)
        s->used++;
    else if (tried == s->gap_period && s->gap_n > 0 && --s->gap_n == 0)
        s->gaps--;
}

/* The first of ${list} that our copy of the register does not hold; NOT_FOUND. What it holds was
 * taken without our hearing of it. */
static enum dt_err
first_of(struct dt_agent *a, const char *list, struct dt_slots *s, struct dt_store_row *row,
         struct filling *out)
{
    bool held = false;
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        if ((err = dt_store_next(a->store, "register_submit", dt_view_str(list), at, row)) !=
                DT_OK ||
            (err = row_read(dt_buf_view(&row->value), out->seal, &out->tried)) != DT_OK ||
            (err = dt_store_has(a->store, "register_seal", dt_view_of(out->seal), &held)) != DT_OK)
            return err;
        if (!held)
            return DT_OK;
        at = row->seq + 1;
        if ((err = dt_store_del(a->store, "register_submit", dt_view_of(out->seal))) != DT_OK)
            return err;
        credit(s, out->tried);
    }
}

/*
 * What fills the next slot of ours that is due, in one transaction with all that is noted of it:
 * whatever ends this program afterwards, the next one goes on with the same seal, so that no cover
 * is made twice and nothing that waits is lost. ${fresh}: our copy of the register is of now.
 */
static enum dt_err
choose(struct dt_agent *a, bool fresh, struct dt_slots *s, struct filling *out)
{
    static const char *const lists[] = {WAITING, COVER};
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    const uint64_t now = dt_agent_now(a);
    const char *list = NULL;
    uint64_t due = 0;
    bool covers = false;
    enum dt_err err;

    *out = (struct filling){0};
    if ((err = dt_slots_get(a, now, s)) != DT_OK || (err = dt_slots_due(a, s, now, &due)) != DT_OK)
        return err;
    if (s->used >= due || now < s->not_before)
        return dt_slots_put(a, s);
    for (size_t i = 0; i < 2 && list == NULL; i++) {
        if ((err = first_of(a, lists[i], s, &row, out)) == DT_OK)
            list = lists[i];
        else if (err != DT_ERR_NOT_FOUND)
            return err;
    }
    if (s->used >= due) /* by what was there already */
        return dt_slots_put(a, s);
    if (list == NULL) {
        if ((err = dt_register_makes_cover(a, &covers)) != DT_OK || !covers)
            return err;
        list = COVER;
        if ((err = dt_record_cover(a, out->seal)) != DT_OK ||
            (err = dt_store_next_seq(a->store, "register_submit", dt_view_str(list), &row.seq)) !=
                DT_OK)
            return err;
        out->tried = 0;
    }
    out->there = true;
    if ((out->tried == 0 || (fresh && out->tried != s->period)) &&
        (err = row_put(a, list, out->seal, row.seq, s->period)) != DT_OK)
        return err;
    return dt_slots_put(a, s);
}

/* The relay took ${f}, at ${index}. */
static enum dt_err
filled(struct dt_agent *a, const struct filling *f, uint64_t index,
       struct dt_register_report *report)
{
    struct dt_slots s;
    bool ours = false;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = acknowledged(a, f->seal, index, &ours)) == DT_OK && ours &&
        (err = dt_slots_get(a, dt_agent_now(a), &s)) == DT_OK) {
        s.used++;
        err = dt_slots_put(a, &s);
    }
    if ((err = dt_store_end(a->store, err)) == DT_OK)
        report->submitted += ours;
    return err;
}

static enum dt_err
too_early(struct dt_agent *a, uint64_t wait_s)
{
    const uint64_t now = dt_agent_now(a);
    struct dt_slots s;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_slots_get(a, now, &s)) == DT_OK) {
        dt_slots_early(a, &s, now, wait_s * DT_MS_SECOND);
        err = dt_slots_put(a, &s);
    }
    return dt_store_end(a->store, err);
}

/* One entry for each slot of ours that is due. *${out_look}: what is next was tried in an earlier
 * period, and unless our copy is ${fresh} it cannot be said in which of the two it was taken. */
static enum dt_err
fill_slots(struct dt_agent *a, struct dt_http_client *http, const char *url, bool fresh,
           bool *out_look, struct dt_register_report *report)
{
    enum dt_err err;

    for (;;) {
        struct dt_slots s;
        struct filling f;
        uint64_t index = 0, wait_s = 0;

        if ((err = dt_store_begin(a->store)) != DT_OK ||
            (err = dt_store_end(a->store, choose(a, fresh, &s, &f))) != DT_OK || !f.there)
            return err;
        if (!fresh && f.tried != 0 && f.tried != s.period) {
            *out_look = true;
            return DT_OK;
        }
        err = dt_register_append_due(http, url, dt_view_of(a->grant.append_key), f.seal, false,
                                     &index, &wait_s);
        if (err == DT_ERR_BUSY && wait_s > 0)
            err = too_early(a, wait_s);
        else if (err != DT_OK)
            return dt_fail_context(err, "submitting a seal to the register");
        else
            err = filled(a, &f, index, report);
        if (err != DT_OK)
            return err;
    }
}

enum dt_err
dt_register_hand_in(struct dt_agent *a, struct dt_http_client *http, const char *url, bool fresh,
                    bool *out_look, struct dt_register_report *report)
{
    enum dt_err err = hand_in_list(a, http, url, URGENT, report);

    if (err != DT_OK)
        return err;
    if (a->cadence.period_ms == 0)
        return hand_in_list(a, http, url, WAITING, report);
    return fill_slots(a, http, url, fresh, out_look, report);
}

/* ---- for people ---- */

/* When the seal behind ${ahead} others that wait gets its slot. */
static enum dt_err
slot_of(struct dt_agent *a, uint64_t ahead, uint64_t *out_ms)
{
    const uint64_t now = dt_agent_now(a);
    uint64_t at = 0;
    struct dt_slots s;
    enum dt_err err;

    if ((err = dt_slots_get(a, now, &s)) != DT_OK ||
        (err = dt_slots_time(a, &s, s.used + ahead, &at)) != DT_OK)
        return err;
    if (at < s.not_before)
        at = s.not_before;
    *out_ms = at > now ? at : now;
    return DT_OK;
}

enum dt_err
dt_agent_next_slot(struct dt_agent *a, uint64_t *out_ms)
{
    uint64_t ahead = 0;
    enum dt_err err;

    if (a->cadence.period_ms == 0) {
        *out_ms = 0;
        return DT_OK;
    }
    err = dt_store_count(a->store, "register_submit", dt_view_str(WAITING), &ahead);
    return err != DT_OK ? err : slot_of(a, ahead, out_ms);
}

enum dt_err
dt_agent_seal_slot(struct dt_agent *a, const uint8_t seal[static 32], uint64_t *out_ms)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint64_t at = 0, ahead = 0;
    enum dt_err err;

    *out_ms = 0;
    if (a->cadence.period_ms == 0)
        return DT_OK;
    for (;; ahead++) {
        err = dt_store_next(a->store, "register_submit", dt_view_str(WAITING), at, &row);
        if (err != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        if (row.value.n >= 32 && memcmp(row.value.p, seal, 32) == 0)
            return slot_of(a, ahead, out_ms);
        at = row.seq + 1;
    }
}

enum dt_err
dt_agent_cadence(struct dt_agent *a, struct dt_cadence_info *out)
{
    const uint64_t now = dt_agent_now(a);
    struct dt_cadence_info info = {.cadence = a->cadence};
    struct dt_slots s;
    enum dt_err err = DT_OK;

    if (a->cadence.period_ms != 0) {
        if ((err = dt_slots_get(a, now, &s)) != DT_OK ||
            (err = dt_store_count(a->store, "register_submit", dt_view_str(WAITING),
                                  &info.waiting)) != DT_OK ||
            (err = slot_of(a, 0, &info.next_ms)) != DT_OK ||
            (err = dt_register_makes_cover(a, &info.makes_cover)) != DT_OK)
            return err;
        info.share = s.share;
        info.shares = s.shares;
        info.gaps = s.gaps;
        info.gap_ms = s.gap_period;
        info.gap_n = s.gap_n;
        info.taken = s.taken;
        info.taken_ms = s.taken_ms;
    }
    *out = info;
    return err;
}
