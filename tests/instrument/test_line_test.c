/*
 * tests/instrument/test_line_test.c - line tests that were opened: what is called missed was
 * missed, whatever lies between two looks; what was not opened is no miss.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "instrument/line_test.h"
#include "instrument/observe.h"

#define DAY  DT_MS_DAY
#define HOUR DT_MS_HOUR
#define T0   (UINT64_C(20000) * DAY) /* 2024-10-04 */

#define N(array) (sizeof(array) / sizeof((array)[0]))

static struct dt_line_test
made(const char *station, uint64_t number, uint64_t entry, uint64_t time_ms)
{
    return (struct dt_line_test){.station = dt_view_str(station),
                                 .number = number,
                                 .entry = entry,
                                 .time_ms = time_ms,
                                 .status = DT_LINE_NORMAL,
                                 .every_ms = 12 * HOUR,
                                 .answered = true,
                                 .answer_within_ms = 30 * DT_MS_MINUTE};
}

/* Looks every hour that show ${n} entries, entry i of them at[i]. */
static size_t
looks(const uint64_t *at, size_t n, uint64_t end, struct dt_shown *out)
{
    size_t n_out = 0;

    for (uint64_t ms = T0; ms <= end; ms += HOUR) {
        uint64_t size = 0;

        while (size < n && at[size] <= ms)
            size++;
        if (n_out > 0 && out[n_out - 1].size == size)
            out[n_out - 1].last_ms = ms;
        else
            out[n_out++] = (struct dt_shown){size, ms, ms};
    }
    return n_out;
}

/* The fold of ${n} tests at those looks. */
static struct dt_timeline
fold(const struct dt_shown *shown, size_t n_shown, const struct dt_line_test *tests, size_t n)
{
    const struct dt_observed in = {.shown = shown,
                                   .n_shown = n_shown,
                                   .tests = tests,
                                   .n_tests = n,
                                   .now_ms = shown[n_shown - 1].last_ms};
    struct dt_timeline t = {0};

    assert_int_equal(dt_timeline_fold(&in, &t), DT_OK);
    return t;
}

static void
test_missed(void **state)
{
    /* On time, two missed, one missed, on time. */
    static const uint64_t at[] = {T0 + HOUR, T0 + 13 * HOUR, T0 + 48 * HOUR, T0 + 63 * HOUR,
                                  T0 + 75 * HOUR};
    struct dt_line_test tests[N(at)];
    struct dt_shown shown[N(at) + 1];
    size_t n = looks(at, N(at), T0 + 4 * DAY, shown);
    struct dt_timeline t;

    (void)state;
    for (size_t i = 0; i < N(at); i++) /* in any order */
        tests[N(at) - 1 - i] = made("north", i + 1, i, at[i]);
    t = fold(shown, n, tests, N(tests));
    assert_int_equal(t.n_stations, 1);
    assert_int_equal(t.stations[0].opened, 5);
    assert_int_equal(t.stations[0].unopened, 0);
    assert_int_equal(t.stations[0].missed, 3);
    assert_int_equal(t.n_flags, 2);
    assert_int_equal(t.flags[0].kind, DT_FLAG_LINE_TEST);
    assert_int_equal(t.flags[0].n, 2);
    assert_int_equal(t.flags[0].of, 2);
    assert_int_equal(t.flags[0].from_ms, T0 + 25 * HOUR); /* due */
    assert_int_equal(t.flags[0].to_ms, T0 + 47 * HOUR);   /* the last look without the next */
    assert_int_equal(t.flags[1].n, 1);
    dt_timeline_clear(&t);
}

/* Who looks seldom cannot tell, and says nothing. */
static void
test_seldom(void **state)
{
    static const struct dt_shown shown[] = {{0, T0, T0}, {2, T0 + 3 * DAY, T0 + 3 * DAY}};
    struct dt_line_test tests[] = {made("north", 1, 0, T0 + HOUR),
                                   made("north", 2, 1, T0 + 2 * DAY)};
    struct dt_timeline t;

    (void)state;
    t = fold(shown, N(shown), tests, N(tests));
    assert_int_equal(t.n_flags, 0);
    assert_int_equal(t.stations[0].missed, 0);
    dt_timeline_clear(&t);
    /* Unless the station itself says that it was late. */
    tests[0].stated_ms = T0;
    tests[1].stated_ms = T0 + 30 * HOUR;
    t = fold(shown, N(shown), tests, N(tests));
    assert_int_equal(t.stations[0].missed, 2);
    dt_timeline_clear(&t);
    /* Clocks differ. */
    tests[1].stated_ms = T0 + 12 * HOUR + 4 * DT_MS_MINUTE;
    t = fold(shown, N(shown), tests, N(tests));
    assert_int_equal(t.stations[0].missed, 0);
    dt_timeline_clear(&t);
}

/* Numbers that were not opened were made; only what no count of them can fill was missed. */
static void
test_unopened(void **state)
{
    static const uint64_t at[] = {T0 + HOUR, T0 + 61 * HOUR};
    struct dt_line_test tests[] = {made("north", 1, 0, at[0]), made("north", 6, 1, at[1])};
    struct dt_shown shown[3];
    size_t n = looks(at, 2, T0 + 4 * DAY, shown);
    struct dt_timeline t;

    (void)state;
    t = fold(shown, n, tests, N(tests));
    assert_int_equal(t.stations[0].unopened, 4);
    assert_int_equal(t.stations[0].missed, 0);
    dt_timeline_clear(&t);
    tests[1].number = 4; /* 59 hours ask for five, of which three were made */
    t = fold(shown, n, tests, N(tests));
    assert_int_equal(t.stations[0].unopened, 2);
    assert_int_equal(t.stations[0].missed, 2);
    dt_timeline_clear(&t);
    tests[1].number = UINT64_MAX; /* whatever it claims */
    t = fold(shown, n, tests, N(tests));
    assert_int_equal(t.stations[0].missed, 0);
    dt_timeline_clear(&t);
}

static void
test_outage(void **state)
{
    static const uint64_t at[] = {T0 + HOUR, T0 + 61 * HOUR};
    struct dt_line_test tests[] = {made("north", 1, 0, at[0]), made("north", 2, 1, at[1])};
    struct dt_shown shown[3];
    size_t n = looks(at, 2, T0 + 4 * DAY, shown);
    struct dt_timeline t;

    (void)state;
    tests[0].status = DT_LINE_PLANNED_OUTAGE; /* until nobody knows when */
    t = fold(shown, n, tests, N(tests));
    assert_int_equal(t.stations[0].missed, 0);
    dt_timeline_clear(&t);
    tests[0].outage_until_ms = T0 + 40 * HOUR;
    t = fold(shown, n, tests, N(tests));
    assert_int_equal(t.stations[0].missed, 1);
    assert_int_equal(t.flags[0].from_ms, T0 + 52 * HOUR);
    dt_timeline_clear(&t);
    tests[0].outage_until_ms = T0 + 50 * HOUR;
    t = fold(shown, n, tests, N(tests));
    assert_int_equal(t.stations[0].missed, 0);
    dt_timeline_clear(&t);
}

static void
test_answers(void **state)
{
    static const uint64_t at[] = {T0 + HOUR, T0 + 2 * HOUR, T0 + 5 * HOUR, T0 + 6 * HOUR};
    struct dt_line_test tests[] = {made("north", 1, 0, at[0]), made("south", 1, 1, at[1])};
    struct dt_shown shown[5];
    size_t n = looks(at, 4, T0 + DAY, shown);
    DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(4096);
    struct dt_timeline t;

    (void)state;
    tests[0].answer_held = true;
    tests[0].answer_entry = 2; /* not there four hours after, at the last look before it */
    tests[1].answered = false;
    t = fold(shown, n, tests, N(tests));
    assert_int_equal(t.n_stations, 2);
    assert_int_equal(t.stations[0].late, 1);
    assert_int_equal(t.stations[1].unanswered, 1);
    assert_int_equal(t.n_flags, 1);
    assert_int_equal(t.flags[0].kind, DT_FLAG_LINE_ANSWER);
    assert_int_equal(dt_line_flag_say(&t.stations[0], &t.flags[0], &line), DT_OK);
    assert_true(
        dt_view_equal(dt_buf_view(&line), dt_view_str("the answer to line test 1 of north, made by "
                                                      "2024-10-04T01:00:00Z, was not there before "
                                                      "2024-10-04T04:00:00Z: it came late")));
    dt_timeline_clear(&t);
    tests[0].answer_entry = 1; /* an hour after, at the looks: it may have been in time */
    t = fold(shown, n, tests, N(tests));
    assert_int_equal(t.n_flags, 0);
    dt_timeline_clear(&t);
}

/* Two tests of one number: one was made, at the earlier place. */
static void
test_twice(void **state)
{
    static const uint64_t at[] = {T0 + HOUR, T0 + 2 * HOUR, T0 + 12 * HOUR};
    struct dt_line_test tests[] = {made("north", 2, 2, at[2]), made("north", 1, 1, at[1]),
                                   made("north", 1, 0, at[0])};
    struct dt_shown shown[4];
    size_t n = looks(at, 3, T0 + DAY, shown);
    struct dt_timeline t;

    (void)state;
    t = fold(shown, n, tests, N(tests));
    assert_int_equal(t.stations[0].opened, 2);
    assert_int_equal(t.stations[0].unopened, 0);
    assert_int_equal(t.n_flags, 0);
    dt_timeline_clear(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missed),   cmocka_unit_test(test_seldom),
        cmocka_unit_test(test_unopened), cmocka_unit_test(test_outage),
        cmocka_unit_test(test_answers),  cmocka_unit_test(test_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
