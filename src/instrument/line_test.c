/*
 * instrument/line_test.c - see line_test.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "instrument/line_test.h"
#include "instrument/observe.h"

/* ---- bounds ---- */

static uint64_t
over(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* Entry ${entry} was not there yet at the last look that showed no more than so many; 0: none. */
static uint64_t
not_before(const struct dt_observed *in, uint64_t entry)
{
    uint64_t ms = 0;

    for (size_t i = 0; i < in->n_shown && in->shown[i].size <= entry; i++)
        ms = in->shown[i].last_ms;
    return ms;
}

/* It was made no later than this: by its entry's time, or by what its author says, if earlier. */
static uint64_t
latest(const struct dt_line_test *t)
{
    return t->stated_ms != 0 && t->stated_ms < t->time_ms ? t->stated_ms : t->time_ms;
}

/* And no earlier than this: by our looks, or by what its author says. */
static uint64_t
earliest(const struct dt_observed *in, const struct dt_line_test *t)
{
    uint64_t seen = not_before(in, t->entry);

    return t->stated_ms > seen ? t->stated_ms : seen;
}

/* ---- one station ---- */

static int
by_place(const void *a, const void *b)
{
    const struct dt_line_test *const *x = a, *const *y = b;
    size_t n = (*x)->station.n < (*y)->station.n ? (*x)->station.n : (*y)->station.n;
    int c = n > 0 ? memcmp((*x)->station.p, (*y)->station.p, n) : 0;

    if (c != 0)
        return c;
    if ((*x)->station.n != (*y)->station.n)
        return (*x)->station.n < (*y)->station.n ? -1 : 1;
    if ((*x)->number != (*y)->number)
        return (*x)->number < (*y)->number ? -1 : 1;
    return (*x)->entry < (*y)->entry ? -1 : (*x)->entry > (*y)->entry;
}

/* From test ${a} to ${b}, which has a higher number: tests that were owed and cannot have been
 * made. */
static enum dt_err
judge_gap(const struct dt_observed *in, const struct dt_line_test *a, const struct dt_line_test *b,
          size_t place, struct dt_line_station *s, struct dt_timeline *t)
{
    struct dt_flag flag = {.kind = DT_FLAG_LINE_TEST, .of = a->number, .group = place};
    uint64_t span, owed;

    flag.from_ms = latest(a);
    flag.to_ms = earliest(in, b);
    if (a->status == DT_LINE_PLANNED_OUTAGE || a->status == 0) {
        /* Nothing is owed while the outage lasts, which nobody may know to end. */
        if (a->outage_until_ms == 0)
            return DT_OK;
        if (a->outage_until_ms > flag.from_ms)
            flag.from_ms = a->outage_until_ms;
    }
    span = over(flag.to_ms, flag.from_ms);
    if (span <= DT_OBSERVE_CLOCK_MS || a->every_ms == 0)
        return DT_OK;
    owed = (span - DT_OBSERVE_CLOCK_MS + a->every_ms - 1) / a->every_ms;
    flag.n = over(owed, b->number - a->number);
    if (flag.n == 0)
        return DT_OK;
    flag.from_ms += a->every_ms;
    s->missed += flag.n;
    return dt_timeline_flag(t, &flag);
}

static enum dt_err
judge_answer(const struct dt_observed *in, const struct dt_line_test *a, size_t place,
             struct dt_line_station *s, struct dt_timeline *t)
{
    struct dt_flag flag = {.kind = DT_FLAG_LINE_ANSWER, .n = 1, .of = a->number, .group = place};

    s->unanswered += !a->answered;
    if (!a->answer_held || a->answer_within_ms == 0)
        return DT_OK;
    flag.from_ms = latest(a);
    flag.to_ms = not_before(in, a->answer_entry);
    if (over(flag.to_ms, flag.from_ms) <= a->answer_within_ms + DT_OBSERVE_CLOCK_MS)
        return DT_OK;
    s->late++;
    return dt_timeline_flag(t, &flag);
}

/* The ${n} tests of one station, in the order of their numbers. */
static enum dt_err
judge_station(const struct dt_observed *in, const struct dt_line_test *const *list, size_t n,
              struct dt_timeline *t)
{
    size_t place = t->n_stations++;
    struct dt_line_station *s = &t->stations[place];
    const struct dt_line_test *last = NULL;
    enum dt_err err;

    s->station = list[0]->station;
    s->first = list[0]->number;
    s->last = list[n - 1]->number;
    s->every_ms = list[0]->every_ms;
    for (size_t i = 0; i < n; i++) {
        /* Of two with one number the earlier one counts. */
        if (last != NULL && list[i]->number == last->number)
            continue;
        s->opened++;
        if ((last != NULL && (err = judge_gap(in, last, list[i], place, s, t)) != DT_OK) ||
            (err = judge_answer(in, list[i], place, s, t)) != DT_OK)
            return err;
        last = list[i];
    }
    s->unopened = s->last - s->first + 1 - s->opened;
    return DT_OK;
}

enum dt_err
dt_line_tests_fold(const struct dt_observed *in, struct dt_timeline *t)
{
    DT_CLEANUP(dt_free_p) const struct dt_line_test **list = NULL;
    enum dt_err err = DT_OK;

    if (in->n_tests == 0)
        return DT_OK;
    list = dt_alloc(in->n_tests, sizeof(const struct dt_line_test *));
    t->stations = dt_alloc(in->n_tests, sizeof *t->stations);
    if (list == NULL || t->stations == NULL)
        return dt_nomem();
    for (size_t i = 0; i < in->n_tests; i++)
        list[i] = &in->tests[i];
    qsort(list, in->n_tests, sizeof(const struct dt_line_test *), by_place);
    for (size_t i = 0, n = 0; i < in->n_tests && err == DT_OK; i += n) {
        for (n = 1; i + n < in->n_tests && dt_view_equal(list[i]->station, list[i + n]->station);)
            n++;
        err = judge_station(in, list + i, n, t);
    }
    return err;
}

/* ---- words ---- */

enum dt_err
dt_line_station_say(const struct dt_line_station *s, struct dt_buf *out)
{
    char every[DT_TIME_STR];
    enum dt_err err;

    dt_span_str(every, s->every_ms);
    if ((err = dt_buf_append(out, dt_view_str("line tests of "))) != DT_OK ||
        (err = dt_buf_append(out, s->station)) != DT_OK ||
        (err = dt_buf_printf(out, ", one owed every %s: %llu opened, number %llu to %llu", every,
                             (unsigned long long)s->opened, (unsigned long long)s->first,
                             (unsigned long long)s->last)) != DT_OK ||
        (s->unopened > 0 && (err = dt_buf_printf(out, ", %llu of these numbers not opened",
                                                 (unsigned long long)s->unopened)) != DT_OK))
        return err;
    return dt_buf_printf(out, "; %llu missed, %llu answered late, %llu shown without an answer",
                         (unsigned long long)s->missed, (unsigned long long)s->late,
                         (unsigned long long)s->unanswered);
}

enum dt_err
dt_line_flag_say(const struct dt_line_station *s, const struct dt_flag *f, struct dt_buf *out)
{
    char from[DT_TIME_STR], to[DT_TIME_STR];
    enum dt_err err;

    dt_time_str(from, f->from_ms / DT_MS_SECOND * DT_MS_SECOND);
    dt_time_str(to, f->to_ms / DT_MS_SECOND * DT_MS_SECOND);
    if (f->kind == DT_FLAG_LINE_ANSWER) {
        if ((err = dt_buf_printf(out, "the answer to line test %llu of ",
                                 (unsigned long long)f->of)) != DT_OK ||
            (err = dt_buf_append(out, s->station)) != DT_OK)
            return err;
        return dt_buf_printf(out, ", made by %s, was not there before %s: it came late", from, to);
    }
    if ((err = dt_buf_printf(out, "%llu line test%s missed by ", (unsigned long long)f->n,
                             f->n == 1 ? "" : "s")) != DT_OK ||
        (err = dt_buf_append(out, s->station)) != DT_OK)
        return err;
    return dt_buf_printf(out,
                         ": after its number %llu one was due by %s, and what it made next was not "
                         "there before %s",
                         (unsigned long long)f->of, from, to);
}
