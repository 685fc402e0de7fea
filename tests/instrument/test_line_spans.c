/*
 * tests/instrument/test_line_spans.c - the set of spans in which a line was tested, against an
 * array of moments: any order, any overlap, and what becomes of it when it is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "instrument/line_spans.h"

#define MOMENTS 400u

static uint64_t state_of_random;

static uint64_t
any(uint64_t n)
{
    state_of_random ^= state_of_random << 13;
    state_of_random ^= state_of_random >> 7;
    state_of_random ^= state_of_random << 17;
    return state_of_random % n;
}

/* The spans are those of the moments: each begins at one that is in and whose forerunner is not. */
static void
same(const struct dt_line_spans *s, const bool *in)
{
    size_t at = 0;

    for (size_t m = 0; m < MOMENTS; m++) {
        if (!in[m] || (m > 0 && in[m - 1]))
            continue;
        assert_true(at < s->n);
        assert_int_equal(s->v[at].from_ms, m);
        while (m < MOMENTS && in[m])
            m++;
        assert_int_equal(s->v[at].to_ms, m);
        at++;
    }
    assert_int_equal(at, s->n);
}

static void
test_any_order(void **state)
{
    static struct dt_line_spans s;
    const char *seed = getenv("DT_SEED");

    (void)state;
    state_of_random = seed == NULL ? 7 : strtoull(seed, NULL, 10) * 2 + 1;
    for (unsigned int trial = 0; trial < 300; trial++) {
        bool in[MOMENTS] = {false};
        size_t n = any(120), length = 1 + any(12);

        s.n = 0;
        for (size_t i = 0; i < n; i++) {
            uint64_t from = any(MOMENTS), to = from + any(length);

            to = to > MOMENTS ? MOMENTS : to;
            dt_line_spans_add(&s, from, to);
            for (uint64_t m = from; m < to; m++)
                in[m] = true;
            same(&s, in);
        }
    }
}

/* An empty span, or one whose end is before its begin, is none. */
static void
test_none(void **state)
{
    static struct dt_line_spans s;

    (void)state;
    dt_line_spans_add(&s, 5, 5);
    dt_line_spans_add(&s, 5, 4);
    assert_int_equal(s.n, 0);
}

/* Full: what lies between the two oldest ones is filled; nothing that was in is lost. */
static void
test_full(void **state)
{
    static struct dt_line_spans s;

    (void)state;
    for (uint64_t i = 0; i < DT_LINE_SPANS; i++)
        dt_line_spans_add(&s, 100 + 10 * i, 101 + 10 * i);
    assert_int_equal(s.n, DT_LINE_SPANS);
    assert_int_equal(s.v[0].to_ms, 101);
    dt_line_spans_add(&s, 100 + 10 * DT_LINE_SPANS, 105 + 10 * DT_LINE_SPANS); /* behind all */
    assert_int_equal(s.n, DT_LINE_SPANS);
    assert_int_equal(s.v[0].from_ms, 100);
    assert_int_equal(s.v[0].to_ms, 111);
    assert_int_equal(s.v[1].from_ms, 120);
    assert_int_equal(s.v[DT_LINE_SPANS - 1].from_ms, 100 + 10 * DT_LINE_SPANS);
    dt_line_spans_add(&s, 205, 206); /* in the middle */
    assert_int_equal(s.n, DT_LINE_SPANS);
    assert_int_equal(s.v[0].to_ms, 121);
    assert_int_equal(s.v[8].from_ms, 200);
    assert_int_equal(s.v[9].from_ms, 205);
    assert_int_equal(s.v[9].to_ms, 206);
    assert_int_equal(s.v[10].from_ms, 210);
    dt_line_spans_add(&s, 125, 126); /* between the two oldest */
    assert_int_equal(s.n, DT_LINE_SPANS - 1);
    assert_int_equal(s.v[0].to_ms, 131);
    dt_line_spans_add(&s, 5, 6); /* there is room again, before all */
    assert_int_equal(s.n, DT_LINE_SPANS);
    assert_int_equal(s.v[0].from_ms, 5);
    dt_line_spans_add(&s, 1, 2); /* and now none */
    assert_int_equal(s.n, DT_LINE_SPANS);
    assert_int_equal(s.v[0].from_ms, 1);
    assert_int_equal(s.v[0].to_ms, 6);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
