/*
 * tests/instrument/test_line_watch.c - line tests as a member hears them, against the plain
 * definition: every slot since the first one owed, looked at one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "instrument/line_watch.h"

#define SLOTS 60u
#define EVERY 1000u

static uint64_t seed;

static unsigned int
any(unsigned int below)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned int)(seed >> 33) % below;
}

/* What happens in each slot: when its test arrives (0: never), and whether the relay was reached.
 */
struct world {
    unsigned int arrives[SLOTS + 2];
    bool reached[SLOTS + 2];
    bool here[SLOTS + 2]; /* arrived by now, before it was counted */
    enum dt_line_why counted[SLOTS + 2];
    uint64_t slots[SLOTS];
};

static bool
has_test(void *ctx, uint64_t slot)
{
    const struct world *w = ctx;

    return w->here[slot];
}

static void
one_life(void)
{
    struct dt_line_watch x = {0};
    struct dt_line_reached reached;
    struct world w = {0};
    uint64_t missed[DT_LINE_WHYS] = {0}, heard = 0, late = 0, owed = 0, from, to;

    from = x.outage_from_ms = (uint64_t)any(SLOTS) * EVERY + any(EVERY);
    to = x.outage_until_ms = from + any(8 * EVERY) + 1;
    reached = (struct dt_line_reached){w.slots, 0};
    for (unsigned int s = 1; s < SLOTS; s++) {
        w.arrives[s] = any(4) == 0 ? 0 : s + (any(5) == 0 ? any(6) : 0);
        w.reached[s] = s >= 5 && any(4) != 0;
    }
    w.reached[SLOTS - 1] = true; /* the last look */
    /* The first look: nothing was heard, so the next slot is the first that is owed. */
    for (unsigned int now = 5; now < SLOTS; now++) {
        struct dt_line_miss list[SLOTS];
        size_t n = 0;

        if (!w.reached[now])
            continue;
        w.slots[reached.n++] = now;
        for (unsigned int s = 1; s <= now; s++) { /* what is in the queue by now */
            bool is_late = false;

            if (w.arrives[s] == 0 || w.arrives[s] > now || w.here[s])
                continue;
            if (dt_line_heard(&x, s, now, now * EVERY, w.counted[s], &is_late)) {
                w.here[s] = true;
                assert_int_equal(is_late, w.counted[s] != 0);
                w.counted[s] = 0;
            }
        }
        dt_line_settle(&x, now, EVERY, has_test, &w, &reached, list, SLOTS, &n);
        if (owed == 0)
            owed = x.since;
        for (size_t i = 0; i < n; i++)
            w.counted[list[i].slot] = list[i].why;
    }
    for (unsigned int s = (unsigned int)x.since; s < SLOTS - 1; s++) {
        bool came = w.arrives[s] != 0 && w.arrives[s] < SLOTS;
        unsigned int seen = s; /* when it was counted: the first look after it */

        heard += came;
        do
            seen++;
        while (!w.reached[seen]);
        /* The slot that was on when we began to listen was never counted as missed. */
        late += came && w.arrives[s] > seen && s >= owed;
        if (!came) {
            bool planned = to > (uint64_t)s * EVERY && from < (uint64_t)(s + 1) * EVERY;

            missed[planned ? DT_LINE_PLANNED : w.reached[s] ? DT_LINE_SILENT : DT_LINE_UNREACHED]++;
        }
    }
    heard += w.here[SLOTS - 1]; /* of the slot that is not over */
    assert_int_equal(x.heard, heard);
    for (int why = DT_LINE_PLANNED; why < DT_LINE_WHYS; why++)
        assert_int_equal(x.missed[why], missed[why]);
    assert_int_equal(x.late, late);
    assert_int_equal(x.settled, SLOTS - 1);
}

static void
as_defined(void **state)
{
    const char *given = getenv("DT_SEED");

    (void)state;
    seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("DT_SEED=%llu\n", (unsigned long long)seed);
    for (unsigned int i = 0; i < 5000; i++)
        one_life();
}

/* Numbers that cannot be, twice the same, and before anyone listened. */
static void
strange_numbers(void **state)
{
    struct dt_line_watch w = {0};
    bool late = false;

    (void)state;
    assert_false(dt_line_heard(&w, 0, 10, 1, 0, &late));
    assert_false(dt_line_heard(&w, 12, 10, 1, 0, &late)); /* from the future */
    assert_int_equal(w.since, 0);
    assert_true(dt_line_heard(&w, 11, 10, 1, 0, &late)); /* a clock a little ahead */
    assert_int_equal(w.last, 11);
    assert_false(dt_line_heard(&w, 9, 12, 2, 0, &late));
    assert_false(dt_line_heard(&w, UINT64_MAX, 12, 2, 0, &late));
    assert_int_equal(w.heard, 1);
}

static bool
never(void *ctx, uint64_t slot)
{
    (void)ctx;
    (void)slot;
    return false;
}

/* A hundred years away: counted at once, and the latest misses alone are listed. */
static void
long_absence(void **state)
{
    struct dt_line_reached none = {NULL, 0};
    struct dt_line_watch w = {0};
    struct dt_line_miss list[3];
    bool late = false;
    size_t n = 0;

    (void)state;
    assert_true(dt_line_heard(&w, 5, 5, 5, 0, &late));
    dt_line_settle(&w, UINT64_C(1) << 40, 60000, never, NULL, &none, list, 3, &n);
    assert_int_equal(w.missed[DT_LINE_UNREACHED], (UINT64_C(1) << 40) - 5);
    assert_int_equal(n, 3);
    assert_int_equal(list[2].slot, (UINT64_C(1) << 40) - 1);
    assert_int_equal(list[0].slot, (UINT64_C(1) << 40) - 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_defined),
        cmocka_unit_test(strange_numbers),
        cmocka_unit_test(long_absence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
