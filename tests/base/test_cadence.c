/*
 * tests/base/test_cadence.c - promised rhythms: their one text, and where periods begin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cadence.h"
#include "base/err.h"

#define N(x) (sizeof(x) / sizeof(x)[0])
#define HOUR DT_MS_HOUR
#define DAY  DT_MS_DAY

static void
test_text(void **state)
{
    static const struct {
        const char *text;
        uint64_t k, period;
        const char *one; /* as it is written */
    } good[] = {{"4/1d", 4, DAY, "4/1d"},
                {"1/12h", 1, 12 * HOUR, "1/12h"},
                {"10/1w", 10, 7 * DAY, "10/1w"},
                {"2/30m", 2, HOUR / 2, "2/30m"},
                {"4/24h", 4, DAY, "4/1d"},
                {"1/120m", 1, 2 * HOUR, "1/2h"},
                {"3/14d", 3, 14 * DAY, "3/2w"},
                {"1/90m", 1, 90 * DT_MS_MINUTE, "1/90m"},
                {"1000000/1m", 1000000, 60000, "1000000/1m"}};
    static const char *const bad[] = {"",     "4",      "/1d",   "4/",    "0/1d",      "4/0d",
                                      "4/d",  "4/1",    "4/1s",  "4/1d ", "-1/1d",     "4/1d/",
                                      "x/1d", "4/367d", "04/1d", "4//1d", "1000001/1d"};
    struct dt_cadence c;
    char text[DT_CADENCE_STR];

    (void)state;
    for (size_t i = 0; i < N(good); i++) {
        assert_int_equal(dt_cadence_read(dt_view_str(good[i].text), &c), DT_OK);
        assert_int_equal(c.k, good[i].k);
        assert_int_equal(c.period_ms, good[i].period);
        dt_cadence_str(text, &c);
        assert_string_equal(text, good[i].one);
    }
    for (size_t i = 0; i < N(bad); i++)
        if (dt_cadence_read(dt_view_str(bad[i]), &c) != DT_ERR_FORMAT)
            fail_msg("taken: '%s'", bad[i]);
    dt_cadence_str(text, &(struct dt_cadence){0});
    assert_string_equal(text, "");
}

static void
test_start(void **state)
{
    static const struct {
        uint64_t period, from, start;
    } row[] = {{DAY, 0, 0},
               {DAY, 1, DAY},
               {DAY, DAY, DAY},
               {7 * DAY, 0, 4 * DAY}, /* the first Monday */
               {7 * DAY, 4 * DAY, 4 * DAY},
               {7 * DAY, 4 * DAY + 1, 11 * DAY},
               {14 * DAY, 5 * DAY, 18 * DAY},
               {HOUR, 10 * HOUR - 1, 10 * HOUR}};

    (void)state;
    for (size_t i = 0; i < N(row); i++) {
        struct dt_cadence c = {1, row[i].period};

        assert_int_equal(dt_cadence_start_from(&c, row[i].from), row[i].start);
    }
}

/* Slots: the first at the start, spread evenly, whole milliseconds and never early. */
static void
test_slots(void **state)
{
    static const struct {
        uint64_t k, period;
    } row[] = {{1, DAY},   {4, DAY},      {3, DAY},        {7, HOUR},
               {7, 60000}, {10, 7 * DAY}, {1000000, 60000}};
    const uint64_t from = 20000 * DAY + 12345;

    (void)state;
    for (size_t i = 0; i < N(row); i++) {
        struct dt_cadence c = {row[i].k, row[i].period};
        uint64_t start = dt_cadence_period(&c, from);

        assert_true(start <= from && from - start < c.period_ms);
        assert_int_equal(dt_cadence_start_from(&c, start), start);
        assert_int_equal(dt_cadence_period(&c, start), start);
        assert_int_equal(dt_cadence_period(&c, start - 1), start - c.period_ms);
        assert_int_equal(dt_cadence_due(&c, start, start - 1), 0);
        assert_int_equal(dt_cadence_due(&c, start, start + c.period_ms), c.k);
        assert_int_equal(dt_cadence_slot(&c, start, 0), start);
        assert_int_equal(dt_cadence_slot(&c, start, c.k), start + c.period_ms);
        assert_int_equal(dt_cadence_slot(&c, start, c.k + 1),
                         dt_cadence_slot(&c, start + c.period_ms, 1));
        for (uint64_t j = 0; j < c.k && j < 1000; j++) {
            uint64_t at = dt_cadence_slot(&c, start, j);

            assert_true((at - start) * c.k >= j * c.period_ms);
            assert_true(at == start || (at - start - 1) * c.k < j * c.period_ms);
            assert_true(dt_cadence_due(&c, start, at) > j);
            assert_true(at == start || dt_cadence_due(&c, start, at - 1) <= j);
        }
    }
    /* Weeks begin on Mondays. */
    assert_int_equal(dt_cadence_period(&(struct dt_cadence){1, 7 * DAY}, 12 * DAY), 11 * DAY);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text), cmocka_unit_test(test_start), cmocka_unit_test(test_slots)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
