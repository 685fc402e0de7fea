/*
 * tests/instrument/test_obligations.c - what is due, against a slow reference: random records in
 * random orders, leap days, month ends, wrong clocks, outages, late facts; snapshots against a full
 * replay.
 */
#include <time.h>

#include "due_world.h"

static uint64_t
number(const char *name, uint64_t standard)
{
    const char *text = getenv(name);

    return text == NULL ? standard : strtoull(text, NULL, 10);
}

static void
add(struct dt_due_state *s, const struct drawn *d)
{
    assert_int_equal(dt_due_add_item(s, &d->item, d->refs, d->item.n_refs), DT_OK);
}

static void
same(const char *what, uint64_t seed, const char *want, const char *got)
{
    size_t at = 0, line = 0;

    if (strcmp(want, got) == 0)
        return;
    while (want[at] == got[at]) {
        at++;
        line = want[at - 1] == '\n' ? at : line;
    }
    print_error("%s, DT_SEED=%llu\n  want %.*s\n  got  %.*s\n", what, (unsigned long long)seed,
                (int)strcspn(want + line, "\n"), want + line, (int)strcspn(got + line, "\n"),
                got + line);
    fail();
}

static void
test_against_reference(void **state)
{
    uint64_t first = number("DT_SEED", 1),
             n = getenv("DT_SEED") != NULL ? 1 : number("DT_DUE_TRIALS", 120);

    (void)state;
    for (uint64_t seed = first; seed < first + n; seed++) {
        DT_CLEANUP(dt_due_clear) struct dt_due_state s = {0}, again = {0};
        struct due_world w;
        char *want, *got;

        due_world_start(&w, seed);
        due_world_draw(&w);
        want = due_reference(&w);
        for (size_t i = 0; i < w.n; i++)
            add(&s, &w.drawn[i]);
        got = due_folded(&w, &s);
        same("the fold", seed, want, got);
        free(got);
        /* In another order, some of them twice. */
        due_world_shuffle(&w);
        for (size_t i = 0; i < w.n; i++) {
            add(&again, &w.drawn[i]);
            if (due_random(&w, 5) == 0)
                add(&again, &w.drawn[due_random(&w, i + 1)]);
        }
        got = due_folded(&w, &again);
        same("another order", seed, want, got);
        free(got);
        free(want);
        due_world_stop(&w);
    }
}

/* A snapshot is taken at random places, times become known late, and all of it is as if replayed
 * from the beginning. */
static void
test_snapshots(void **state)
{
    uint64_t first = number("DT_SEED", 1000), n = getenv("DT_SEED") != NULL ? 1 : 120;

    (void)state;
    for (uint64_t seed = first; seed < first + n; seed++) {
        DT_CLEANUP(dt_due_clear) struct dt_due_state s = {0}, full = {0};
        bool late[ITEMS_MAX] = {false};
        struct due_world w;
        char *want, *got;

        due_world_start(&w, seed);
        due_world_draw(&w);
        for (size_t i = 0; i < w.n; i++) {
            struct drawn d = w.drawn[i];

            add(&full, &d);
            late[i] = due_random(&w, 3) == 0;
            if (late[i]) {
                d.item.entry = UINT64_MAX;
                d.item.witnessed_ms = 0;
                memset(d.item.seal, (int)i, 32);
            }
            add(&s, &d);
            for (size_t k = 0; k <= i; k++)
                if (late[k] && due_random(&w, 40) == 0) {
                    late[k] = false;
                    dt_due_witness(&s, k, w.drawn[k].item.entry, w.drawn[k].item.witnessed_ms);
                }
            if (due_random(&w, 6) == 0) {
                DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
                struct dt_due_state kept = {0};
                size_t half = due_random(&w, s.n + 1);

                /* In two pieces, as a store keeps it. */
                assert_int_equal(dt_due_encode(&s, 0, half, w.set, &b), DT_OK);
                assert_int_equal(dt_due_decode(&kept, dt_buf_view(&b), w.set), DT_OK);
                b.n = 0;
                assert_int_equal(dt_due_encode(&s, half, s.n - half, w.set, &b), DT_OK);
                assert_int_equal(dt_due_decode(&kept, dt_buf_view(&b), w.set), DT_OK);
                for (size_t k = 0; k < s.n; k++)
                    assert_memory_equal(s.items[k].seal, kept.items[k].seal, 32);
                dt_due_clear(&s);
                s = kept;
            }
        }
        for (size_t k = 0; k < w.n; k++)
            if (late[k])
                dt_due_witness(&s, k, w.drawn[k].item.entry, w.drawn[k].item.witnessed_ms);
        want = due_folded(&w, &full);
        got = due_folded(&w, &s);
        same("a snapshot", seed, want, got);
        free(want);
        free(got);
        due_world_stop(&w);
    }
}

/* Bytes that are no snapshot are refused, whatever they are; those that are come out as they were.
 */
static void
test_snapshot_bytes(void **state)
{
    DT_CLEANUP(dt_due_clear) struct dt_due_state s = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
    struct due_world w;

    (void)state;
    due_world_start(&w, 7);
    due_world_draw(&w);
    for (size_t i = 0; i < w.n; i++)
        add(&s, &w.drawn[i]);
    assert_int_equal(dt_due_encode(&s, 0, s.n, w.set, &b), DT_OK);
    assert_true(b.n <= s.n * DT_DUE_ENCODED_MAX);
    for (size_t i = 1; i < b.n; i += 7) {
        DT_CLEANUP(dt_due_clear) struct dt_due_state got = {0};
        enum dt_err err = dt_due_decode(&got, dt_view(b.p, i), w.set);

        assert_true(err == DT_OK ? got.n < s.n : err == DT_ERR_FORMAT);
    }
    for (size_t i = 0; i < 4000; i++) {
        DT_CLEANUP(dt_due_clear) struct dt_due_state got = {0};
        size_t at = due_random(&w, b.n);
        uint8_t was = b.p[at];
        enum dt_err err;

        b.p[at] = (uint8_t)due_random(&w, 256);
        err = dt_due_decode(&got, dt_buf_view(&b), w.set);
        assert_true(err == DT_OK || err == DT_ERR_FORMAT || err == DT_ERR_LIMIT);
        if (err == DT_OK)
            free(due_folded(&w, &got)); /* whatever it says now, it is folded */
        b.p[at] = was;
    }
    due_world_stop(&w);
}

/* Clocks: spans run through leap days and month ends; an outage moves what lies in it and behind
 * it. */
static void
test_clock(void **state)
{
    static const struct dt_due_outage outages[] = {
        {0, 1000, 2000}, {0, 5000, 6000}, {1, 100, 90000}};
    uint64_t feb = 0, mar = 0;

    (void)state;
    assert_int_equal(dt_due_after(0, 1000, 0, outages, 3), 1000);
    assert_int_equal(dt_due_after(0, 1001, 0, outages, 3), 2001);
    assert_int_equal(dt_due_after(1500, 1, 0, outages, 3), 2001);
    assert_int_equal(dt_due_after(0, 5000, 0, outages, 3), 7000);
    assert_int_equal(dt_due_after(2000, 3000, 0, outages, 3), 5000);
    assert_int_equal(dt_due_after(0, 5000, 2, outages, 3), 5000);
    assert_int_equal(dt_due_at(1000, 0, outages, 3), 1000);
    assert_int_equal(dt_due_at(1001, 0, outages, 3), 2000);
    assert_int_equal(dt_due_at(2000, 0, outages, 3), 2000);
    assert_int_equal(dt_due_after(DT_TIME_MAX_MS - 5, 6, 2, NULL, 0), DT_TIME_MAX_MS);
    assert_int_equal(dt_time_read(dt_view_str("2024-02-28T12:00:00Z"), &feb), DT_OK);
    assert_int_equal(dt_time_read(dt_view_str("2024-03-01T12:00:00Z"), &mar), DT_OK);
    assert_int_equal(dt_due_after(feb, 48 * DT_MS_HOUR, 0, NULL, 0), mar);
}

/* ---- by hand: moments that a random one seldom meets ---- */

#define T0 (BEGIN_MS + 30 * DT_MS_DAY)

/* A record of ${kind} by ${party}, there at ${ms}, about the item before number ${about} (0: none).
 */
static void
by_hand(struct due_world *w, struct dt_due_state *s, enum kind kind, uint8_t party, uint64_t ms,
        size_t about)
{
    struct dt_due_item it = {
        .tmpl = w->tmpl[kind], .party = party, .entry = s->n, .witnessed_ms = ms};

    memset(it.commitment, (int)(0x80 + s->n), 32);
    assert_int_equal(dt_due_add_item(s, &it, about == 0 ? NULL : s->items[about - 1].commitment,
                                     about == 0 ? 0 : 1),
                     DT_OK);
}

/* The state of the ${what} that ${party} owes for the first item, by the clock ${now}. */
static enum dt_due_code
code_of(struct due_world *w, const struct dt_due_state *s, enum dt_due_what what, uint8_t party,
        uint64_t now)
{
    DT_CLEANUP(dt_free_p) struct dt_due *list = NULL;
    const struct dt_due_question q = {.templates = w->set,
                                      .channels = w->channel,
                                      .n_channels = 1,
                                      .sides = 0xb,
                                      .now_ms = now,
                                      .settled = true};
    size_t n = 0;

    assert_int_equal(dt_due_list(s, &q, &list, &n), DT_OK);
    for (size_t i = 0; i < n; i++)
        if (list[i].what == what && list[i].party == party && list[i].subject == 0)
            return list[i].code;
    return 0;
}

static void
test_by_hand(void **state)
{
    const uint64_t by = T0 + 48 * DT_MS_HOUR;
    struct dt_due_state s = {0};
    struct due_world w;

    (void)state;
    due_world_start(&w, 1);
    w.channel[0] = (struct dt_due_channel){.founded_ms = BEGIN_MS, .parties = 0xf};
    /* Parties 0, 1 and 3 are sides. 0 asks; 1 and 3 owe a word each. */
    by_hand(&w, &s, K_ASK, 0, T0, 0);
    assert_int_equal(code_of(&w, &s, DT_DUE_REPLY, 1, by), DT_DUE_DUE); /* the last moment */
    assert_int_equal(code_of(&w, &s, DT_DUE_REPLY, 1, by + 1), DT_DUE_OVERDUE);
    assert_int_equal(code_of(&w, &s, DT_DUE_REPLY, 2, by), 0); /* the mediator owes none */
    by_hand(&w, &s, K_ANSWERS, 1, T0 + 3 * DT_MS_HOUR, 1);
    assert_int_equal(code_of(&w, &s, DT_DUE_ACK, 1, by), DT_DUE_MET); /* to the millisecond */
    by_hand(&w, &s, K_ANSWERS, 3, T0 + 3 * DT_MS_HOUR + 1, 1);
    assert_int_equal(code_of(&w, &s, DT_DUE_ACK, 3, by), DT_DUE_MET_LATE);
    by_hand(&w, &s, K_SAY, 3, by + 5, 1); /* late; and 1 is let off by it */
    assert_int_equal(code_of(&w, &s, DT_DUE_REPLY, 3, by + 9), DT_DUE_MET_LATE);
    assert_int_equal(code_of(&w, &s, DT_DUE_REPLY, 1, by + 9), DT_DUE_WAIVED);
    by_hand(&w, &s, K_SAY, 1, by + 5, 1); /* at the same moment */
    assert_int_equal(code_of(&w, &s, DT_DUE_REPLY, 1, by + 9), DT_DUE_MET_LATE);
    dt_due_clear(&s);

    /* Withdrawn: twice, of which the first counts; by another party, which does not. */
    by_hand(&w, &s, K_ASK, 0, T0, 0);
    by_hand(&w, &s, K_ANSWERS + 4, 1, T0 + 1, 1);
    assert_int_equal(code_of(&w, &s, DT_DUE_REPLY, 1, by + 1), DT_DUE_OVERDUE);
    by_hand(&w, &s, K_ANSWERS + 4, 0, by + 20, 1);
    by_hand(&w, &s, K_ANSWERS + 4, 0, by + 10, 1);
    by_hand(&w, &s, K_ANSWERS + 4, 0, by + 30, 1);
    assert_int_equal(code_of(&w, &s, DT_DUE_REPLY, 1, by + 1), DT_DUE_WAIVED);
    by_hand(&w, &s, K_SAY, 1, by + 10, 1);
    assert_int_equal(code_of(&w, &s, DT_DUE_REPLY, 1, by + 1), DT_DUE_WAIVED); /* not before it */
    by_hand(&w, &s, K_SAY, 1, by + 9, 1);
    assert_int_equal(code_of(&w, &s, DT_DUE_REPLY, 1, by + 1), DT_DUE_MET_LATE);
    by_hand(&w, &s, K_SAY, 1, by, 1);
    assert_int_equal(code_of(&w, &s, DT_DUE_REPLY, 1, by + 1),
                     DT_DUE_MET); /* and what is met stays so */
    dt_due_clear(&s);

    /* Of two at the same moment, with no entry known, it is the same one in any order. */
    for (uint8_t turn = 0; turn < 2; turn++) {
        DT_CLEANUP(dt_free_p) struct dt_due *list = NULL;
        const struct dt_due_question q = {.templates = w.set,
                                          .channels = w.channel,
                                          .n_channels = 1,
                                          .sides = 0x3,
                                          .now_ms = T0,
                                          .settled = true};
        size_t n = 0;

        by_hand(&w, &s, K_ASK, 0, T0, 0);
        for (uint8_t i = 0; i < 2; i++) {
            by_hand(&w, &s, K_ANSWERS + 1, 1, T0 + 1, 1);
            s.items[1 + i].entry = UINT64_MAX;
            s.items[1 + i].commitment[0] = i == turn ? 1 : 2;
        }
        assert_int_equal(dt_due_list(&s, &q, &list, &n), DT_OK);
        for (size_t i = 0; i < n; i++)
            if (list[i].what == DT_DUE_ACK && list[i].subject == 0)
                assert_int_equal(list[i].met_by, 1u + turn);
        dt_due_clear(&s);
    }

    /* None of the six but these acknowledges. */
    for (unsigned int answer = 0; answer < 6; answer++) {
        static const bool receipt[] = {true, true, true, true, false, false};
        static const bool countersign[] = {false, true, false, true, false, false};
        static const bool words[] = {false, false, true, false, false, false};

        by_hand(&w, &s, K_ASK, 0, T0, 0);
        by_hand(&w, &s, (enum kind)(K_ANSWERS + answer), 1, T0 + 1, 1);
        assert_int_equal(code_of(&w, &s, DT_DUE_ACK, 1, T0),
                         receipt[answer] ? DT_DUE_MET : DT_DUE_DUE);
        dt_due_clear(&s);
        by_hand(&w, &s, K_AFTER, 0, T0, 0);
        by_hand(&w, &s, (enum kind)(K_ANSWERS + answer), 1, T0 + 1, 1);
        assert_int_equal(code_of(&w, &s, DT_DUE_ACK, 1, T0),
                         countersign[answer] ? DT_DUE_MET : DT_DUE_DUE);
        dt_due_clear(&s);
        by_hand(&w, &s, K_SAY, 0, T0, 0);
        by_hand(&w, &s, (enum kind)(K_ANSWERS + answer), 1, T0 + 1, 1);
        assert_int_equal(code_of(&w, &s, DT_DUE_ACK, 1, T0),
                         words[answer] ? DT_DUE_MET : DT_DUE_DUE);
        dt_due_clear(&s);
    }
    due_world_stop(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_against_reference),
        cmocka_unit_test(test_snapshots),
        cmocka_unit_test(test_snapshot_bytes),
    };

    /* Nothing of this depends on where it is run. */
    if (setenv("TZ", "Asia/Kathmandu", 1) != 0)
        return 1;
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
