/*
 * agent/register/slots.c - see slots.h.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/register/register.h"
#include "agent/register/slots.h"

#define SLOTS       "slots"
#define SHARES_MAX  64u
#define LOOK_MS     DT_MS_MINUTE
#define N_OF_RECORD 10u

/* ---- which are ours ---- */

/* Slot 0 of the period that begins at ${start} has this number. */
static uint64_t
first_number(const struct dt_agent *a, uint64_t start)
{
    return start / a->cadence.period_ms * a->cadence.k;
}

/* How many of the numbers below ${n} are ours. */
static uint64_t
ours_below(const struct dt_slots *s, uint64_t n)
{
    return (n + s->shares - s->share) / s->shares;
}

/* How many of the first ${n} slots of the period are ours. */
static uint64_t
ours_of(const struct dt_agent *a, const struct dt_slots *s, uint64_t n)
{
    uint64_t first = first_number(a, s->period);

    return ours_below(s, first + n) - ours_below(s, first);
}

/* The number of our slot ${i}, counted from the period's start. */
static uint64_t
number_of(const struct dt_agent *a, const struct dt_slots *s, uint64_t i)
{
    uint64_t before = ours_below(s, first_number(a, s->period));

    return (before + i) * s->shares + s->share - 1;
}

static uint64_t
delay_max(const struct dt_agent *a)
{
    uint64_t quarter = a->cadence.period_ms / a->cadence.k / 4;

    return quarter < DT_SLOT_DELAY_MS ? quarter : DT_SLOT_DELAY_MS;
}

static enum dt_err
delay_of(struct dt_agent *a, uint64_t number, uint64_t *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(64);
    struct dt_writer w = dt_writer_init(&b);
    uint8_t hash[DT_SHA256];
    uint64_t x = 0;
    enum dt_err err;

    dt_write_view(&w, dt_secret_view(&a->mark_key));
    dt_write_u64(&w, number);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_label_hash("slot delay", dt_buf_view(&b), hash)) != DT_OK)
        return err;
    for (size_t i = 0; i < 6; i++)
        x = x << 8 | hash[i];
    *out = x % (delay_max(a) + 1);
    return DT_OK;
}

enum dt_err
dt_slots_time(struct dt_agent *a, const struct dt_slots *s, uint64_t i, uint64_t *out_ms)
{
    uint64_t number = number_of(a, s, i), delay = 0;
    enum dt_err err = delay_of(a, number, &delay);

    if (err != DT_OK)
        return err;
    *out_ms = dt_cadence_slot(&a->cadence, s->period, number - first_number(a, s->period)) + delay;
    return DT_OK;
}

enum dt_err
dt_slots_due(struct dt_agent *a, const struct dt_slots *s, uint64_t now_ms, uint64_t *out)
{
    uint64_t n = ours_of(a, s, dt_cadence_due(&a->cadence, s->period, now_ms)), at = 0;
    enum dt_err err = n == 0 ? DT_OK : dt_slots_time(a, s, n - 1, &at);

    if (err != DT_OK)
        return err;
    *out = n > 0 && at > now_ms ? n - 1 : n; /* only the last can still be within its delay */
    return DT_OK;
}

/* ---- what is kept ---- */

static uint64_t *
field(struct dt_slots *s, size_t i)
{
    uint64_t *const all[N_OF_RECORD] = {&s->share,      &s->shares,  &s->period,     &s->used,
                                        &s->not_before, &s->gaps,    &s->gap_period, &s->gap_n,
                                        &s->taken,      &s->taken_ms};

    return all[i];
}

/* Count what stayed empty since, and begin the period of ${now_ms}. */
static void
move_on(const struct dt_agent *a, uint64_t now_ms, struct dt_slots *s)
{
    uint64_t period = dt_cadence_period(&a->cadence, now_ms), all;

    if (period == s->period)
        return;
    /* A clock that goes back by a period at most gives no slot twice: as at the relay. */
    if (period < s->period && s->period - period <= a->cadence.period_ms)
        return;
    if (s->period != 0 && period > s->period) {
        uint64_t between = (period - s->period) / a->cadence.period_ms - 1;

        all = ours_of(a, s, a->cadence.k);
        if (s->used < all) {
            s->gaps++;
            s->gap_period = s->period;
            s->gap_n = all - s->used;
        }
        if (between > 0) {
            s->gaps += between;
            s->gap_period = period - a->cadence.period_ms;
            s->period = s->gap_period;
            s->gap_n = ours_of(a, s, a->cadence.k);
        }
    }
    s->period = period;
    s->used = 0;
    s->not_before = 0;
}

enum dt_err
dt_slots_get(struct dt_agent *a, uint64_t now_ms, struct dt_slots *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(8 * N_OF_RECORD);
    struct dt_slots s = {.share = 1, .shares = 1};
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "register", dt_view_str(SLOTS), &b);

    if (err == DT_OK) {
        r = dt_reader_init(dt_buf_view(&b));
        for (size_t i = 0; i < N_OF_RECORD && err == DT_OK; i++)
            err = dt_read_u64(&r, field(&s, i));
        if (err == DT_OK)
            err = dt_read_end(&r);
        if (err == DT_OK &&
            (s.shares == 0 || s.shares > SHARES_MAX || s.share == 0 || s.share > s.shares))
            err = dt_fail(DT_ERR_FORMAT, "the row of this home's slots is damaged");
    }
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    move_on(a, now_ms, &s);
    *out = s;
    return DT_OK;
}

enum dt_err
dt_slots_put(struct dt_agent *a, const struct dt_slots *s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(8 * N_OF_RECORD);
    struct dt_writer w = dt_writer_init(&b);
    struct dt_slots copy = *s;
    enum dt_err err;

    for (size_t i = 0; i < N_OF_RECORD; i++)
        dt_write_u64(&w, *field(&copy, i));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "register", dt_view_str(SLOTS), dt_buf_view(&b));
}

void
dt_slots_early(struct dt_agent *a, struct dt_slots *s, uint64_t now_ms, uint64_t wait_ms)
{
    uint64_t half = a->cadence.period_ms / a->cadence.k / 2, next, gone;

    if (wait_ms > a->cadence.period_ms)
        wait_ms = a->cadence.period_ms;
    /* The slot that the relay means is the one nearest to that time by our clock. */
    next = now_ms + wait_ms < half
               ? 0
               : dt_cadence_due(&a->cadence, s->period, now_ms + wait_ms - half);
    gone = ours_of(a, s, next);
    if (gone > s->used) {
        s->taken += gone - s->used;
        s->taken_ms = now_ms;
        s->used = gone;
        return;
    }
    s->not_before = now_ms + wait_ms;
}

enum dt_err
dt_slots_wake(struct dt_agent *a, uint64_t now_ms, uint64_t *out_ms)
{
    uint64_t look = (now_ms / LOOK_MS + 1) * LOOK_MS, at = 0;
    struct dt_slots s;
    enum dt_err err;

    if ((err = dt_slots_get(a, now_ms, &s)) != DT_OK ||
        (err = dt_slots_time(a, &s, s.used, &at)) != DT_OK)
        return err;
    if (at < s.not_before)
        at = s.not_before;
    if (at <= now_ms)
        at = look; /* it was tried just now */
    *out_ms = at < look ? at : look;
    return DT_OK;
}

/* ---- for people ---- */

enum dt_err
dt_agent_cadence_share(struct dt_agent *a, uint64_t share, uint64_t shares)
{
    struct dt_slots s;
    uint64_t now = dt_agent_now(a);
    enum dt_err err;

    if (a->cadence.period_ms == 0)
        return dt_fail(DT_ERR_STATE, "this forum's charter has no cadence");
    if (shares == 0 || shares > SHARES_MAX || share == 0 || share > shares)
        return dt_fail(DT_ERR_RANGE, "a share is I/N with I from 1 to N, N at most %u", SHARES_MAX);
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_slots_get(a, now, &s)) == DT_OK) {
        s.share = share;
        s.shares = shares;
        /* What is past of the running period is over: it was counted by the old share. */
        s.used = ours_of(a, &s, dt_cadence_due(&a->cadence, s.period, now));
        s.taken = 0;
        s.taken_ms = 0;
        err = dt_slots_put(a, &s);
    }
    return dt_store_end(a->store, err);
}
