/*
 * tests/instrument/test_tally.c - which entry is what: every kind, copies, other channels, what is
 * unknown, and the edges of the range.
 */
#include "../record/fixture.h"

#include "base/mem.h"
#include "instrument/tally.h"

static struct world w;

static void
contact(size_t party, struct dt_record *out)
{
    make_contact(&w, party, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", out);
}

static void
draft(struct dt_record_draft *d, const char *kind)
{
    ok(dt_record_draft_init(d, dt_templates_get_str(w.templates, kind), &w.letter[US], w.channel,
                            WORLD_START));
}

static void
make_tally(const char *first, const char *last, const char *count, const char *counted,
           struct dt_record *out)
{
    struct dt_record_draft d;

    draft(&d, "tally");
    ok(dt_record_draft_set_text(&d, "first_entry", str(first), NULL));
    ok(dt_record_draft_set_text(&d, "last_entry", str(last), NULL));
    ok(dt_record_draft_set_text(&d, "count", str(count), NULL));
    ok(dt_record_draft_set_text(&d, "counted", str(counted), NULL));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[US]), out));
    dt_record_draft_clear(&d);
}

/* One record of every kind, at the entries 10 to 19 in the order of the kinds; 20 a heartbeat. */
enum { N_KINDS = DT_TALLY_OTHER };
static struct dt_record r[N_KINDS];
static struct dt_fact facts[2 * N_KINDS];

static void
make_all(void)
{
    static const enum dt_answer plain[] = {DT_ANSWER_RECEIPT, DT_ANSWER_COUNTERSIGN};
    struct dt_record_draft d;
    size_t n = 0;

    contact(US, &r[n++]);
    for (size_t i = 0; i < 2; i++)
        make_answer(&w, RUSSIA, plain[i], &r[0], &r[n++]);
    ok(dt_answer_draft(&d, w.templates, DT_ANSWER_ANSWER, &r[0], &w.letter[RUSSIA], WORLD_START));
    ok(dt_record_draft_set_text(&d, "text", str("en:We will come back."), NULL));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[RUSSIA]), &r[n++]));
    dt_record_draft_clear(&d);
    make_dispute(&w, RUSSIA, &r[0], "level", "envoy", &r[n++]);
    make_answer(&w, US, DT_ANSWER_WITHDRAW, &r[0], &r[n++]);
    make_consent(&w, RUSSIA, &r[0], "mode", WORLD_START + DAY, DT_CONSENT_NONE, &r[n++]);
    make_tally("0", "5", "2", "contact", &r[n++]);
    draft(&d, "cover");
    ok(dt_record_make(&d, seed_view(w.delegate_seed[US]), &r[n++]));
    dt_record_draft_clear(&d);
    draft(&d, "heartbeat");
    ok(dt_record_draft_set_text(&d, "station", str("mediation"), NULL));
    ok(dt_record_draft_set_text(&d, "number", str("1"), NULL));
    ok(dt_record_draft_set_text(&d, "status", str("normal"), NULL));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[US]), &r[n++]));
    dt_record_draft_clear(&d);
    assert_int_equal(n, N_KINDS);
    for (size_t i = 0; i < n; i++)
        facts[i] = (struct dt_fact){&r[i], 10 + i};
}

static void
fold(size_t n, uint64_t first, uint64_t last, const uint8_t *channel, const char *counted,
     struct dt_tally *out)
{
    const struct dt_tally_question q = {
        .first = first, .last = last, .channel = channel, .counted = str(counted)};
    uint64_t sum = 0;

    ok(dt_tally_fold(facts, n, &q, out));
    for (size_t i = 0; i < DT_TALLY_KINDS; i++)
        sum += out->n[i];
    assert_int_equal(sum, last - first + 1); /* whatever happens, no entry is lost or doubled */
}

static void
test_kinds(void **state)
{
    (void)state;
    /* In whatever order the facts come. */
    for (size_t turn = 0; turn < N_KINDS; turn++) {
        struct dt_fact first = facts[0];
        struct dt_tally t = {0};

        fold(N_KINDS, 8, 21, NULL, "contact", &t);
        for (size_t k = DT_TALLY_CONTACT; k <= DT_TALLY_OTHER; k++) {
            assert_int_equal(t.n[k], 1);
            assert_int_equal(t.kind[10 - 8 + k - DT_TALLY_CONTACT], k);
        }
        assert_int_equal(t.n[DT_TALLY_UNKNOWN], 4);
        assert_int_equal(t.kind[0], DT_TALLY_UNKNOWN);
        assert_int_equal(t.kind[13], DT_TALLY_UNKNOWN);
        assert_int_equal(dt_tally_answers(&t), 6);
        assert_int_equal(t.count, 1);
        assert_int_equal(t.withdrawn, 1); /* and counted all the same */
        dt_tally_clear(&t);
        memmove(facts, facts + 1, (N_KINDS - 1) * sizeof *facts);
        facts[N_KINDS - 1] = first;
    }
}

static void
test_range(void **state)
{
    struct dt_tally_question q = {.first = 5, .last = 4, .counted = str("contact")};
    struct dt_tally t = {0};

    (void)state;
    fold(N_KINDS, 11, 18, NULL, "contact", &t);
    assert_int_equal(t.n[DT_TALLY_CONTACT], 0); /* it is at 10 */
    assert_int_equal(t.n[DT_TALLY_COVER], 1);   /* at 18 */
    assert_int_equal(t.n[DT_TALLY_OTHER], 0);   /* at 19 */
    assert_int_equal(t.count, 0);
    dt_tally_clear(&t);
    fold(0, 0, 0, NULL, "contact", &t);
    assert_int_equal(t.n[DT_TALLY_UNKNOWN], 1);
    dt_tally_clear(&t);
    facts[N_KINDS] = (struct dt_fact){&r[0], DT_ENTRY_UNKNOWN}; /* which is no entry, even here */
    fold(N_KINDS + 1, UINT64_MAX - 1, UINT64_MAX, NULL, "contact", &t);
    assert_int_equal(t.n[DT_TALLY_UNKNOWN], 2);
    dt_tally_clear(&t);
    assert_int_equal(dt_tally_fold(facts, 1, &q, &t), DT_ERR_RANGE);
    q = (struct dt_tally_question){.last = DT_TALLY_ENTRIES_MAX, .counted = str("contact")};
    assert_int_equal(dt_tally_fold(facts, 1, &q, &t), DT_ERR_LIMIT);
    q.last = UINT64_MAX;
    assert_int_equal(dt_tally_fold(facts, 1, &q, &t), DT_ERR_LIMIT);
}

/* A copy counts once; what has no entry yet does not; what is counted can be any template. */
static void
test_counted(void **state)
{
    struct dt_record second = {0};
    struct dt_tally t = {0};
    size_t n = N_KINDS;

    (void)state;
    contact(RUSSIA, &second);
    facts[n++] = (struct dt_fact){&r[0], 10};
    facts[n++] = (struct dt_fact){&second, DT_ENTRY_UNKNOWN};
    fold(n, 10, 30, NULL, "contact", &t);
    assert_int_equal(t.count, 1);
    dt_tally_clear(&t);
    facts[n - 1].entry = 30;
    fold(n, 10, 30, NULL, "contact", &t);
    assert_int_equal(t.count, 2);
    assert_int_equal(t.n[DT_TALLY_CONTACT], 2);
    dt_tally_clear(&t);
    fold(n, 10, 30, NULL, "heartbeat", &t);
    assert_int_equal(t.count, 1);
    dt_tally_clear(&t);
    fold(n, 10, 30, NULL, "dispute", &t);
    assert_int_equal(t.count, 1);
    dt_tally_clear(&t);
    fold(n, 10, 30, NULL, "contacts", &t);
    assert_int_equal(t.count, 0);
    dt_tally_clear(&t);
    dt_record_clear(&second);
}

/* A channel's tally tells nothing of another channel. */
static void
test_channel(void **state)
{
    struct dt_record there = {0};
    struct dt_tally t = {0};
    uint8_t other[32];
    uint8_t kept[32];

    (void)state;
    memcpy(kept, w.channel, sizeof kept);
    memset(other, 7, sizeof other);
    memcpy(w.channel, other, sizeof other);
    contact(US, &there);
    memcpy(w.channel, kept, sizeof kept);
    facts[N_KINDS] = (struct dt_fact){&there, 9};
    fold(N_KINDS + 1, 8, 10, w.channel, "contact", &t);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.n[DT_TALLY_CONTACT], 1);
    assert_int_equal(t.n[DT_TALLY_ELSEWHERE], 1);
    assert_int_equal(t.kind[1], DT_TALLY_ELSEWHERE);
    dt_tally_clear(&t);
    fold(N_KINDS + 1, 8, 10, other, "contact", &t);
    assert_int_equal(t.count, 1);
    dt_tally_clear(&t);
    fold(N_KINDS + 1, 8, 10, NULL, "contact", &t);
    assert_int_equal(t.count, 2);
    dt_tally_clear(&t);
    dt_record_clear(&there);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_counted),
        cmocka_unit_test(test_channel),
    };
    int failed;

    world_init(&w);
    make_all();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < N_KINDS; i++)
        dt_record_clear(&r[i]);
    world_clear(&w);
    return failed;
}
