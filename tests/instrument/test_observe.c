/*
 * tests/instrument/test_observe.c - what is said of a register that was looked at now and then:
 * never a time earlier than the truth, never a missed period that was kept; and the picture of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "instrument/observe.h"

#define DAY  DT_MS_DAY
#define HOUR DT_MS_HOUR
#define T0   (UINT64_C(20000) * DAY) /* 2024-10-04, a Friday */

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct dt_flag *
find(const struct dt_timeline *t, enum dt_flag_kind kind)
{
    for (size_t i = 0; i < t->n_flags; i++)
        if (t->flags[i].kind == kind)
            return &t->flags[i];
    return NULL;
}

static void
test_counts(void **state)
{
    /* 3 entries there at the first look, 5 two days later, 9 next month. */
    static const struct dt_shown shown[] = {{3, T0 + 10 * HOUR, T0 + DAY},
                                            {5, T0 + 2 * DAY + HOUR, T0 + 20 * DAY},
                                            {9, T0 + 40 * DAY, T0 + 41 * DAY}};
    /* The first two had been cosigned before that look; 4 are not shown attested. */
    static const struct dt_attested attested[] = {{2, T0 - 3 * DAY, T0 + 10 * HOUR},
                                                  {5, T0 + 2 * DAY + 2 * HOUR, T0 + 3 * DAY}};
    const struct dt_observed in = {.shown = shown,
                                   .n_shown = N(shown),
                                   .attested = attested,
                                   .n_attested = N(attested),
                                   .now_ms = T0 + 42 * DAY};
    struct dt_timeline t = {0};
    const struct dt_period *p;

    (void)state;
    assert_int_equal(dt_timeline_fold(&in, &t), DT_OK);
    assert_int_equal(t.entries, 9);
    assert_int_equal(t.attested, 5);
    assert_int_equal(t.n_flags, 0);
    assert_int_equal(t.n_runs, 4);
    assert_int_equal(t.runs[0].time_ms, T0 - 3 * DAY);
    assert_int_equal(t.runs[1].n, 1);
    assert_int_equal(t.runs[1].time_ms, T0 + 10 * HOUR);
    assert_int_equal(t.runs[2].time_ms, T0 + 2 * DAY + HOUR);
    assert_true(t.runs[2].attested);
    assert_false(t.runs[3].attested);
    p = t.periods[DT_PERIOD_DAY];
    assert_int_equal(t.n_periods[DT_PERIOD_DAY], 4);
    assert_int_equal(p[0].start_ms, T0 - 3 * DAY);
    assert_int_equal(p[0].entries, 2);
    assert_int_equal(p[2].entries, 2);
    assert_int_equal(p[3].entries, 4);
    assert_int_equal(p[3].attested, 0);
    /* Week: Monday 2024-09-30 holds the first days to Sunday 10-06. */
    p = t.periods[DT_PERIOD_WEEK];
    assert_int_equal(t.n_periods[DT_PERIOD_WEEK], 2);
    assert_int_equal(p[0].start_ms, T0 - 4 * DAY);
    assert_int_equal(p[0].entries, 5);
    p = t.periods[DT_PERIOD_MONTH];
    assert_int_equal(t.n_periods[DT_PERIOD_MONTH], 2);
    assert_int_equal(p[0].start_ms, T0 - 3 * DAY); /* 2024-10-01 */
    assert_int_equal(p[0].end_ms, T0 + 28 * DAY);
    assert_int_equal(p[1].entries, 4);
    assert_int_equal(dt_timeline_count(&t, T0, UINT64_MAX), 7);
    assert_int_equal(dt_timeline_count(&t, 0, T0), 2);
    dt_timeline_clear(&t);
}

/* A checkpoint of a larger tree that was cosigned earlier shows all it holds. */
static void
test_earliest(void **state)
{
    static const struct dt_shown shown[] = {{1, T0 + DAY, T0 + DAY},
                                            {4, T0 + 2 * DAY, T0 + 2 * DAY}};
    static const struct dt_attested attested[] = {{1, T0 + 3 * DAY, T0 + 3 * DAY},
                                                  {4, T0 + HOUR, T0 + 2 * DAY}};
    const struct dt_observed in = {.shown = shown,
                                   .n_shown = 2,
                                   .attested = attested,
                                   .n_attested = 2,
                                   .now_ms = T0 + 4 * DAY};
    struct dt_timeline t = {0};

    (void)state;
    assert_int_equal(dt_timeline_fold(&in, &t), DT_OK);
    assert_int_equal(dt_timeline_count(&t, T0 + HOUR, T0 + HOUR + 1), 4);
    /* And that it was kept from us for a day is told. */
    assert_non_null(find(&t, DT_FLAG_HIDDEN));
    assert_int_equal(find(&t, DT_FLAG_HIDDEN)->to_ms, T0 + DAY);
    dt_timeline_clear(&t);
}

static void
test_empty(void **state)
{
    static const struct dt_shown shown[] = {{0, T0, T0 + DAY}};
    struct dt_observed in = {.now_ms = T0 + DAY, .cadence = {1, HOUR}};
    struct dt_timeline t = {0};

    (void)state;
    assert_int_equal(dt_timeline_fold(&in, &t), DT_OK);
    assert_int_equal(t.entries + t.n_runs + t.n_flags + t.cadence.judged, 0);
    dt_timeline_clear(&t);
    in.shown = shown;
    in.n_shown = 1;
    assert_int_equal(dt_timeline_fold(&in, &t), DT_OK);
    assert_int_equal(t.cadence.missed, 24);
    assert_int_equal(t.n_flags, 1);
    assert_int_equal(t.flags[0].n, 24);
    assert_int_equal(t.flags[0].of, 0);
    dt_timeline_clear(&t);
    in.cadence.period_ms = 1;
    in.shown = (struct dt_shown[]){{0, 1, UINT64_C(1) << 40}};
    assert_int_equal(dt_timeline_fold(&in, &t), DT_ERR_RANGE);
}

static void
test_groups(void **state)
{
    static const struct dt_shown shown[] = {
        {0, T0, T0}, {2, T0 + HOUR, T0 + HOUR}, {6, T0 + 5 * HOUR, T0 + 6 * HOUR}};
    struct dt_observed_group groups[3] = {
        {"north", 6, T0 + 5 * HOUR}, {"south", 2, T0 + HOUR}, {"neutral", 0, 0}};
    struct dt_observed in = {.shown = shown,
                             .n_shown = 3,
                             .groups = groups,
                             .n_groups = 3,
                             .now_ms = T0 + 6 * HOUR,
                             .late_after_ms = 2 * HOUR};
    struct dt_timeline t = {0};
    uint64_t n = 0, since = 0;

    (void)state;
    dt_group_lag(&in, 0, &n, &since);
    assert_int_equal(n + since, 0);
    dt_group_lag(&in, 1, &n, &since);
    assert_int_equal(n, 4);
    assert_int_equal(since, T0 + 5 * HOUR);
    dt_group_lag(&in, 2, &n, &since);
    assert_int_equal(n, 6);
    assert_int_equal(since, T0 + HOUR);
    /* South lags for an hour only. */
    assert_int_equal(dt_timeline_fold(&in, &t), DT_OK);
    assert_int_equal(t.n_flags, 1);
    assert_int_equal(t.flags[0].kind, DT_FLAG_LATE);
    assert_int_equal(t.flags[0].group, 2);
    dt_timeline_clear(&t);
    in.now_ms = T0 + 7 * HOUR;
    assert_int_equal(dt_timeline_fold(&in, &t), DT_OK);
    assert_int_equal(t.n_flags, 2);
    dt_timeline_clear(&t);
}

static void
test_flags(void **state)
{
    static const struct dt_shown shown[] = {{4, T0, T0 + HOUR}};
    static const struct dt_attested attested[] = {{4, T0 + DAY, T0 + HOUR}};
    const struct dt_observed in = {.shown = shown,
                                   .n_shown = 1,
                                   .attested = attested,
                                   .n_attested = 1,
                                   .now_ms = T0 + 2 * HOUR,
                                   .behind_size = 1,
                                   .behind_since_ms = T0 + HOUR,
                                   .split_ms = T0 + 2 * HOUR};
    static const struct {
        enum dt_flag_kind kind;
        const char *says;
    } want[] = {{DT_FLAG_SPLIT, "known since 2024-10-04T02:00:00Z"},
                {DT_FLAG_BEHIND, "1 of the 4 entries"},
                {DT_FLAG_AHEAD, "clock is ahead"}};
    struct dt_timeline t = {0};

    (void)state;
    assert_int_equal(dt_timeline_fold(&in, &t), DT_OK);
    assert_int_equal(t.n_flags, N(want));
    for (size_t i = 0; i < N(want); i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1024);

        assert_int_equal(t.flags[i].kind, want[i].kind);
        assert_int_equal(dt_flag_say(&in, &t, &t.flags[i], &b), DT_OK);
        assert_int_equal(dt_buf_append(&b, dt_view((const uint8_t *)"", 1)), DT_OK);
        assert_non_null(strstr((const char *)b.p, want[i].says));
    }
    dt_timeline_clear(&t);
}

/* Periods of a cadence begin at whole periods of UTC; weeks on Mondays. */
static void
test_cadence_start(void **state)
{
    static const struct dt_shown shown[] = {{0, T0, T0 + 30 * DAY}};
    static const struct dt_shown late[] = {{0, T0, T0 + 25 * HOUR},
                                           {1, T0 + 26 * HOUR, T0 + 26 * HOUR}};
    struct dt_observed in = {
        .shown = shown, .n_shown = 1, .now_ms = T0 + 30 * DAY, .cadence = {1, 7 * DAY}};
    struct dt_timeline t = {0};

    (void)state;
    assert_int_equal(dt_timeline_fold(&in, &t), DT_OK);
    assert_int_equal(t.cadence.missed, 3);
    assert_int_equal(t.flags[0].from_ms, T0 + 3 * DAY); /* Monday 2024-10-07 */
    assert_int_equal(t.flags[0].to_ms, T0 + 24 * DAY);
    dt_timeline_clear(&t);
    /* A look after its end that showed nothing new tells, even if there was a longer one. */
    in.shown = late;
    in.n_shown = 2;
    in.cadence.period_ms = DAY;
    assert_int_equal(dt_timeline_fold(&in, &t), DT_OK);
    assert_int_equal(t.cadence.judged, 1);
    assert_int_equal(t.cadence.missed, 1);
    dt_timeline_clear(&t);
}

/* ---- a register that really grows, and someone who looks now and then ---- */

#define ENTRIES 60

static uint64_t seed;

static uint64_t
draw(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

static uint64_t
true_size(const uint64_t *at, uint64_t ms) /* entries made by then */
{
    uint64_t n = 0;

    while (n < ENTRIES && at[n] <= ms)
        n++;
    return n;
}

/* Was it true, of every period, what was said? */
static void
check_promise(const struct dt_observed *in, const struct dt_timeline *t, const uint64_t *at)
{
    uint64_t missed = 0, kept = 0, above = 0, judged = 0, in_flags = 0;
    const uint64_t p = in->cadence.period_ms;

    for (uint64_t b = (in->shown[0].first_ms + p - 1) / p * p;
         b + p <= in->shown[in->n_shown - 1].last_ms; b += p) {
        uint64_t n = true_size(at, b + p - 1) - true_size(at, b - 1);

        judged++;
        missed += n < in->cadence.k;
        kept += n >= in->cadence.k;
        above += n > in->cadence.k;
        for (size_t i = 0; i < t->n_flags; i++)
            if (t->flags[i].kind == DT_FLAG_GAP && b >= t->flags[i].from_ms &&
                b < t->flags[i].to_ms) {
                in_flags++;
                if (n >= in->cadence.k)
                    fail_msg("a period that was kept is called missed");
            }
    }
    assert_int_equal(t->cadence.judged, judged);
    assert_int_equal(t->cadence.missed, in_flags);
    assert_true(t->cadence.missed <= missed);
    assert_true(t->cadence.kept <= kept);
    assert_true(t->cadence.above <= above);
}

static void
test_truth(void **state)
{
    const char *given = getenv("DT_SEED");
    uint64_t found = 0, sure = 0;

    (void)state;
    for (unsigned int turn = 0; turn < 3000; turn++) {
        struct dt_shown shown[80];
        struct dt_attested attested[80];
        uint64_t at[ENTRIES], first_seed, now = T0;
        struct dt_observed in = {.shown = shown, .attested = attested};
        struct dt_timeline t = {0};
        bool often;

        seed = given != NULL ? strtoull(given, NULL, 10) : turn + 1;
        first_seed = seed;
        often = draw(2) == 0;
        for (size_t i = 0; i < ENTRIES; i++)
            at[i] = (i > 0 ? at[i - 1] : T0) + draw(4 * HOUR);
        for (size_t i = 0; i < 60; i++) {
            uint64_t size, cosigned;

            now += draw(often ? 2 * HOUR : 20 * HOUR) + 1;
            size = true_size(at, now);
            if (in.n_shown > 0 && shown[in.n_shown - 1].size == size)
                shown[in.n_shown - 1].last_ms = now;
            else
                shown[in.n_shown++] = (struct dt_shown){size, now, now};
            /* A cosignature on some tree, at some time since it was there. */
            size = size > 0 ? size - draw(size < 3 ? size : 3) : 0;
            if (size == 0 || (in.n_attested > 0 && attested[in.n_attested - 1].size >= size))
                continue;
            cosigned = at[size - 1] + draw(now - at[size - 1] + 1);
            attested[in.n_attested++] = (struct dt_attested){size, cosigned, now};
        }
        in.now_ms = now;
        in.cadence = (struct dt_cadence){1 + draw(4), (1 + draw(12)) * HOUR};
        if (dt_timeline_fold(&in, &t) != DT_OK)
            fail_msg("seed %llu: no fold", (unsigned long long)first_seed);
        for (size_t i = 0; i < t.n_runs; i++) {
            const struct dt_entry_run *r = &t.runs[i];

            if (r->time_ms < at[r->first + r->n - 1] ||
                (i > 0 && (r->time_ms < r[-1].time_ms || r->first != r[-1].first + r[-1].n)))
                fail_msg("seed %llu: entry %llu is dated before it was made",
                         (unsigned long long)first_seed, (unsigned long long)r->first);
        }
        check_promise(&in, &t, at);
        found += t.cadence.missed;
        sure += t.cadence.kept;
        dt_timeline_clear(&t);
    }
    /* And it does say something. */
    assert_true(found > 1000);
    assert_true(sure > 1000);
}

/* ---- the picture ---- */

static void
picture(const struct dt_observed *in, const struct dt_seen_opening *o, size_t n, const char *title,
        struct dt_buf *out)
{
    struct dt_timeline t = {0};

    assert_int_equal(dt_timeline_fold(in, &t), DT_OK);
    assert_int_equal(dt_timeline_svg(in, &t, o, n, dt_view_str(title), out), DT_OK);
    assert_int_equal(dt_buf_append(out, dt_view((const uint8_t *)"", 1)), DT_OK);
    dt_timeline_clear(&t);
}

static size_t
times(const char *text, const char *what)
{
    size_t n = 0;

    for (text = strstr(text, what); text != NULL; text = strstr(text + 1, what))
        n++;
    return n;
}

static void
test_picture(void **state)
{
    static const struct dt_shown shown[] = {{3, T0, T0 + HOUR}, {5, T0 + 2 * DAY, T0 + 3 * DAY}};
    static const struct dt_attested attested[] = {{4, T0 + 2 * DAY, T0 + 2 * DAY}};
    static const struct dt_observed_group groups[] = {{"a < b & \"c\"", 0, 0}};
    const struct dt_seen_opening openings[] = {
        {2, T0, dt_view_str("contact"),
         dt_view_str("verified; </text><script>\xe2\x80\xae\x01\xff"),
         dt_view_str("; another opening shows it withdrawn")}};
    const struct dt_observed in = {.shown = shown,
                                   .n_shown = 2,
                                   .attested = attested,
                                   .n_attested = 1,
                                   .groups = groups,
                                   .n_groups = 1,
                                   .now_ms = T0 + 3 * DAY};
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_OBSERVE_SVG_MAX);
    const char *svg;

    (void)state;
    picture(&in, openings, 1, "register <x>", &b);
    svg = (const char *)b.p;
    assert_non_null(strstr(svg, "role=\"img\" aria-labelledby=\"timeline-title timeline-desc\""));
    assert_non_null(
        strstr(svg, "<title id=\"timeline-title\">Entries of register &lt;x&gt;</title>"));
    assert_non_null(
        strstr(svg, "<desc id=\"timeline-desc\">5 entries, not contacts; 4 of them attested."));
    assert_non_null(strstr(svg, "2024-10-04: 3; 2024-10-06: 2."));
    assert_non_null(strstr(svg, "a &lt; b &amp; &quot;c&quot; has cosigned nothing yet"));
    assert_non_null(strstr(svg, "; another opening shows it withdrawn"));
    assert_null(strstr(svg, "<script"));
    assert_null(strstr(svg, "\xe2\x80\xae"));
    assert_null(strchr(svg, 1));
    assert_int_equal(times(svg, "<text"), times(svg, "</text>"));
    assert_non_null(strstr(svg, "stroke-dasharray")); /* not all of the second bar is attested */
    assert_non_null(strstr(svg, "viewBox=\"0 0 400 "));
    assert_null(strstr(svg, "font-size=\"11\""));
}

/* Days while they fit, then weeks, then months; what is older is said in words. */
static void
test_picture_units(void **state)
{
    static const struct {
        uint64_t days;
        const char *unit;
        bool earlier;
    } want[] = {{0, "Entries by day", false},     {13, "Entries by day", false},
                {14, "Entries by week", false},   {80, "Entries by week", false},
                {120, "Entries by month", false}, {700, "Entries by month", true}};

    (void)state;
    for (size_t i = 0; i < N(want); i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_OBSERVE_SVG_MAX);
        const struct dt_shown shown[] = {{70000, T0 - want[i].days * DAY, T0 - want[i].days * DAY},
                                         {70001, T0, T0}};
        const struct dt_observed in = {.shown = shown, .n_shown = 2, .now_ms = T0};

        picture(&in, NULL, 0, "", &b);
        if (strstr((const char *)b.p, want[i].unit) == NULL)
            fail_msg("%llu days: not '%s'", (unsigned long long)want[i].days, want[i].unit);
        assert_int_equal(strstr((const char *)b.p, " 70000 earlier;") != NULL, want[i].earlier);
        assert_int_equal(strstr((const char *)b.p, ">70k<") != NULL, !want[i].earlier);
    }
}

/* Whatever is short, nothing is left over. */
static bool
nth(void *ctx)
{
    return (*(unsigned int *)ctx)-- == 0;
}

static void
test_memory(void **state)
{
    static const struct dt_shown shown[] = {{3, T0, T0 + HOUR}, {5, T0 + 2 * DAY, T0 + 3 * DAY}};
    const struct dt_observed in = {
        .shown = shown, .n_shown = 2, .now_ms = T0 + 3 * DAY, .cadence = {9, HOUR}};
    bool done = false;

    (void)state;
    for (unsigned int n = 0; !done; n++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_OBSERVE_SVG_MAX);
        struct dt_timeline t = {0};
        unsigned int left = n;
        enum dt_err err;

        dt_mem_fault(nth, &left);
        err = dt_timeline_fold(&in, &t);
        if (err == DT_OK)
            err = dt_timeline_svg(&in, &t, NULL, 0, dt_view_str("x"), &b);
        dt_mem_fault(NULL, NULL);
        assert_true(err == DT_OK || err == DT_ERR_NOMEM);
        done = err == DT_OK;
        dt_timeline_clear(&t);
        assert_true(n < 1000);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),        cmocka_unit_test(test_earliest),
        cmocka_unit_test(test_empty),         cmocka_unit_test(test_groups),
        cmocka_unit_test(test_flags),         cmocka_unit_test(test_cadence_start),
        cmocka_unit_test(test_truth),         cmocka_unit_test(test_picture),
        cmocka_unit_test(test_picture_units), cmocka_unit_test(test_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
