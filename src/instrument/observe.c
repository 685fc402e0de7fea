/*
 * instrument/observe.c - the fold of what was seen of a register; see observe.h.
 *
 * Source: docs/protocol-register.md, "Observers". Layer: instrument: pure.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "instrument/line_test.h"
#include "instrument/observe.h"

void
dt_timeline_clear(struct dt_timeline *t)
{
    if (t == NULL)
        return;
    dt_free(t->runs);
    for (size_t i = 0; i < DT_PERIOD_UNITS; i++)
        dt_free(t->periods[i]);
    dt_free(t->stations);
    dt_free(t->flags);
    *t = (struct dt_timeline){0};
}

/* ---- when each entry was there ---- */

static void
reverse(struct dt_entry_run *r, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        struct dt_entry_run swap = r[i];

        r[i] = r[n - 1 - i];
        r[n - 1 - i] = swap;
    }
}

/*
 * From the newest checkpoint back: an entry was there as soon as any checkpoint that holds it was,
 * so its time is the least of all that lie at its size or above.
 */
static enum dt_err
make_runs(const struct dt_observed *in, struct dt_timeline *t)
{
    size_t i = in->n_shown, k = in->n_attested, n = 0;
    uint64_t time = UINT64_MAX;

    t->runs = dt_alloc(i + k + 1, sizeof *t->runs);
    if (t->runs == NULL)
        return dt_nomem();
    while (i > 0 || k > 0) {
        uint64_t top = 0, below = 0;

        if (i > 0)
            top = in->shown[i - 1].size;
        if (k > 0 && in->attested[k - 1].size > top)
            top = in->attested[k - 1].size;
        for (; i > 0 && in->shown[i - 1].size == top; i--)
            if (in->shown[i - 1].first_ms < time)
                time = in->shown[i - 1].first_ms;
        for (; k > 0 && in->attested[k - 1].size == top; k--)
            if (in->attested[k - 1].time_ms < time)
                time = in->attested[k - 1].time_ms;
        if (i > 0)
            below = in->shown[i - 1].size;
        if (k > 0 && in->attested[k - 1].size > below)
            below = in->attested[k - 1].size;
        if (top > below) {
            t->runs[n] = (struct dt_entry_run){
                .first = below, .n = top - below, .time_ms = time, .attested = top <= t->attested};
            n++;
        }
    }
    reverse(t->runs, n);
    t->n_runs = n;
    return DT_OK;
}

/* ---- by day, week and month ---- */

static enum dt_err
make_periods(struct dt_timeline *t, enum dt_period_unit unit)
{
    struct dt_period *p = dt_alloc(t->n_runs + 1, sizeof *p);
    size_t n = 0;

    if (p == NULL)
        return dt_nomem();
    for (size_t i = 0; i < t->n_runs; i++) {
        const struct dt_entry_run *r = &t->runs[i];

        if (n == 0 || r->time_ms >= p[n - 1].end_ms) {
            dt_period_at(unit, r->time_ms, &p[n].start_ms, &p[n].end_ms);
            n++;
        }
        p[n - 1].entries += r->n;
        if (r->attested)
            p[n - 1].attested += r->n;
    }
    t->periods[unit] = p;
    t->n_periods[unit] = n;
    return DT_OK;
}

uint64_t
dt_timeline_count(const struct dt_timeline *t, uint64_t from_ms, uint64_t to_ms)
{
    uint64_t n = 0;

    for (size_t i = 0; i < t->n_runs; i++)
        if (t->runs[i].time_ms >= from_ms && t->runs[i].time_ms < to_ms)
            n += t->runs[i].n;
    return n;
}

/* ---- flags ---- */

enum dt_err
dt_timeline_flag(struct dt_timeline *t, const struct dt_flag *flag)
{
    struct dt_flag *f;

    /* Room for 2, 4, 8, ... */
    if ((t->n_flags & (t->n_flags + 1)) == 0) {
        f = dt_realloc(t->flags, 2 * (t->n_flags + 1), sizeof *f);
        if (f == NULL)
            return dt_nomem();
        t->flags = f;
    }
    t->flags[t->n_flags++] = *flag;
    return DT_OK;
}

/* Where two lists are read in the order of time. */
struct walk {
    size_t run, shown;
};

/* The least size that the register can have had at ${ms}: what was known to be there by then. */
static uint64_t
least_at(const struct dt_timeline *t, struct walk *w, uint64_t ms)
{
    while (w->run < t->n_runs && t->runs[w->run].time_ms <= ms)
        w->run++;
    return w->run == 0 ? 0 : t->runs[w->run - 1].first + t->runs[w->run - 1].n;
}

/* The largest: what the first look from then on showed. Some look at or after ${ms} there was. */
static uint64_t
most_at(const struct dt_observed *in, struct walk *w, uint64_t ms)
{
    while (w->shown + 1 < in->n_shown && in->shown[w->shown].last_ms < ms)
        w->shown++;
    return in->shown[w->shown].size;
}

static uint64_t
over(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static enum dt_err
judge_cadence(const struct dt_observed *in, struct dt_timeline *t)
{
    const struct dt_cadence *c = &in->cadence;
    struct walk begin_least = {0}, begin_most = {0}, end_least = {0}, end_most = {0};
    struct dt_flag gap = {0};
    uint64_t first, last, at;
    enum dt_err err = DT_OK;

    if (c->period_ms == 0 || in->n_shown == 0)
        return DT_OK;
    first = in->shown[0].first_ms;
    last = in->shown[in->n_shown - 1].last_ms;
    at = dt_cadence_start_from(c, first);
    if (last > at && (last - at) / c->period_ms > DT_OBSERVE_PERIODS_MAX)
        return dt_fail(DT_ERR_RANGE,
                       "there are too many periods of that cadence: give a longer one");
    for (; at + c->period_ms <= last; at += c->period_ms) {
        uint64_t end = at + c->period_ms;
        /* An entry at the very end belongs to the next period. */
        uint64_t most =
            over(most_at(in, &end_most, end), least_at(t, &begin_least, at > 0 ? at - 1 : 0));
        uint64_t least = over(least_at(t, &end_least, end - 1), most_at(in, &begin_most, at));

        t->cadence.judged++;
        t->cadence.kept += least >= c->k;
        t->cadence.above += least > c->k;
        if (most >= c->k)
            continue;
        t->cadence.missed++;
        if (gap.n > 0 && gap.to_ms == at) {
            gap.to_ms = end;
            gap.n++;
            gap.of += most;
            continue;
        }
        if (gap.n > 0 && (err = dt_timeline_flag(t, &gap)) != DT_OK)
            return err;
        gap =
            (struct dt_flag){.kind = DT_FLAG_GAP, .from_ms = at, .to_ms = end, .n = 1, .of = most};
    }
    return gap.n > 0 ? dt_timeline_flag(t, &gap) : DT_OK;
}

void
dt_group_lag(const struct dt_observed *in, size_t i, uint64_t *out_n, uint64_t *out_since_ms)
{
    uint64_t size = in->n_shown > 0 ? in->shown[in->n_shown - 1].size : 0;

    *out_n = over(size, in->groups[i].size);
    *out_since_ms = 0;
    for (size_t k = 0; k<in->n_shown && * out_n> 0; k++)
        if (in->shown[k].size > in->groups[i].size) {
            *out_since_ms = in->shown[k].first_ms;
            return;
        }
}

static enum dt_err
judge_groups(const struct dt_observed *in, struct dt_timeline *t)
{
    enum dt_err err;

    for (size_t i = 0; i < in->n_groups; i++) {
        struct dt_flag late = {.kind = DT_FLAG_LATE, .group = i};

        dt_group_lag(in, i, &late.n, &late.from_ms);
        if (late.n > 0 && over(in->now_ms, late.from_ms) >= in->late_after_ms &&
            (err = dt_timeline_flag(t, &late)) != DT_OK)
            return err;
    }
    return DT_OK;
}

/* Times of cosignatures that do not go with what we saw and when. */
static enum dt_err
judge_clocks(const struct dt_observed *in, struct dt_timeline *t)
{
    struct dt_flag ahead = {.kind = DT_FLAG_AHEAD}, hidden = {.kind = DT_FLAG_HIDDEN};
    size_t k = 0;
    enum dt_err err;

    for (size_t i = 0; i < in->n_attested; i++) {
        const struct dt_attested *a = &in->attested[i];

        if (a->time_ms > a->seen_ms + DT_OBSERVE_CLOCK_MS && ahead.n++ == 0)
            ahead.from_ms = a->seen_ms;
        /* The last look that showed a smaller register. */
        while (k < in->n_shown && in->shown[k].size < a->size)
            k++;
        if (k == 0 || in->shown[k - 1].last_ms <= a->time_ms + DT_OBSERVE_CLOCK_MS)
            continue;
        if (hidden.n++ == 0)
            hidden.from_ms = a->time_ms;
        hidden.to_ms = in->shown[k - 1].last_ms;
    }
    if (ahead.n > 0 && (err = dt_timeline_flag(t, &ahead)) != DT_OK)
        return err;
    return hidden.n > 0 ? dt_timeline_flag(t, &hidden) : DT_OK;
}

enum dt_err
dt_timeline_fold(const struct dt_observed *in, struct dt_timeline *out)
{
    DT_CLEANUP(dt_timeline_clear) struct dt_timeline t = {0};
    struct dt_flag split = {.kind = DT_FLAG_SPLIT, .from_ms = in->split_ms};
    struct dt_flag behind = {
        .kind = DT_FLAG_BEHIND, .from_ms = in->behind_since_ms, .n = in->behind_size};
    enum dt_err err = DT_OK;

    t.entries = in->n_shown > 0 ? in->shown[in->n_shown - 1].size : 0;
    t.attested = in->n_attested > 0 ? in->attested[in->n_attested - 1].size : 0;
    behind.of = t.entries;
    if ((err = make_runs(in, &t)) != DT_OK)
        return err;
    for (int unit = 0; unit < DT_PERIOD_UNITS; unit++)
        if ((err = make_periods(&t, (enum dt_period_unit)unit)) != DT_OK)
            return err;
    if ((split.from_ms != 0 && (err = dt_timeline_flag(&t, &split)) != DT_OK) ||
        (behind.from_ms != 0 && (err = dt_timeline_flag(&t, &behind)) != DT_OK) ||
        (err = judge_groups(in, &t)) != DT_OK || (err = judge_cadence(in, &t)) != DT_OK ||
        (err = judge_clocks(in, &t)) != DT_OK || (err = dt_line_tests_fold(in, &t)) != DT_OK)
        return err;
    *out = t;
    t = (struct dt_timeline){0};
    return DT_OK;
}
