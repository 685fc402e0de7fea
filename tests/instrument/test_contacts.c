/*
 * tests/instrument/test_contacts.c - standing: every combination of answers, in every order.
 */
#include "../record/fixture.h"

#include "base/mem.h"
#include "instrument/contacts.h"

static struct world w;

static void
contact(size_t party, struct dt_record *out)
{
    make_contact(&w, party, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", out);
}

/* The standing of the only record among ${facts}, which is at 0, however the facts are ordered. */
static enum dt_standing_code
standing(struct dt_fact *facts, size_t n, bool *withdrawn, size_t *n_answers)
{
    enum dt_standing_code code = DT_STANDING_NO_ENTRY;

    for (size_t turn = 0; turn < n; turn++) {
        struct dt_standing *s = NULL;
        struct dt_fact first = facts[0];
        size_t n_out = 0;

        ok(dt_standing_fold(facts, n, &s, &n_out));
        assert_int_equal(n_out, 1);
        if (turn > 0)
            assert_int_equal(s[0].code, code);
        code = s[0].code;
        *withdrawn = s[0].withdrawn;
        *n_answers = s[0].n_answers;
        for (size_t i = 1; i < s[0].n_answers; i++)
            assert_true(facts[s[0].answers[i - 1].fact].entry <= facts[s[0].answers[i].fact].entry);
        dt_free(s);
        memmove(facts, facts + 1, (n - 1) * sizeof *facts);
        facts[n - 1] = first;
    }
    return code;
}

static void
test_combinations(void **state)
{
    struct dt_record r[5] = {0};
    struct dt_fact facts[5];
    bool withdrawn = false;
    size_t n = 0;

    (void)state;
    contact(US, &r[0]);
    make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &r[0], &r[1]);
    make_dispute(&w, RUSSIA, &r[0], "level", "envoy", &r[2]);
    make_answer(&w, US, DT_ANSWER_WITHDRAW, &r[0], &r[3]);
    make_answer(&w, RUSSIA, DT_ANSWER_RECEIPT, &r[0], &r[4]);
    /* Every subset of the answers, and of the two accounts either one first. */
    for (unsigned int mask = 0; mask < 32; mask++) {
        bool dispute_first = (mask & 16) != 0, counter = (mask & 1) != 0, dispute = (mask & 2) != 0;
        enum dt_standing_code want = DT_STANDING_ASSERTED;
        size_t n_facts = 1;

        facts[0] = (struct dt_fact){&r[0], 3};
        for (size_t i = 0; i < 4; i++)
            if ((mask >> i & 1) != 0)
                facts[n_facts++] =
                    (struct dt_fact){&r[i + 1], i == 1 && dispute_first ? 4 : 10 + i};
        if (counter)
            want = DT_STANDING_COUNTERSIGNED;
        if (dispute && !(counter && dispute_first))
            want = DT_STANDING_DISPUTED;
        assert_int_equal(standing(facts, n_facts, &withdrawn, &n), want);
        assert_int_equal(withdrawn, (mask & 4) != 0);
        assert_int_equal(n, n_facts - 1);
    }
    for (size_t i = 0; i < 5; i++)
        dt_record_clear(&r[i]);
}

/* Another party's withdrawal and one's own countersignature are made past the draft's own refusal:
 * they do not count. */
static void
test_not_theirs(void **state)
{
    struct dt_record r[3] = {0};
    struct dt_record_draft d;
    struct dt_fact facts[3];
    bool withdrawn = true;
    size_t n = 9;

    (void)state;
    contact(US, &r[0]);
    ok(dt_record_draft_init(&d, dt_templates_get_str(w.templates, "countersign"), &w.letter[US],
                            w.channel, WORLD_START));
    ok(dt_record_draft_set(&d, 8, dt_view_of(r[0].commitment)));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[US]), &r[1]));
    dt_record_draft_clear(&d);
    ok(dt_record_draft_init(&d, dt_templates_get_str(w.templates, "withdraw"), &w.letter[RUSSIA],
                            w.channel, WORLD_START));
    ok(dt_record_draft_set(&d, 8, dt_view_of(r[0].commitment)));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[RUSSIA]), &r[2]));
    dt_record_draft_clear(&d);
    for (size_t i = 0; i < 3; i++)
        facts[i] = (struct dt_fact){&r[i], i};
    assert_int_equal(standing(facts, 3, &withdrawn, &n), DT_STANDING_ASSERTED);
    assert_false(withdrawn);
    assert_int_equal(n, 0);
    for (size_t i = 0; i < 3; i++)
        dt_record_clear(&r[i]);
}

/* Two records, an answer to something unknown, and copies. */
static void
test_many(void **state)
{
    struct dt_record r[4] = {0}, unknown = {0};
    struct dt_standing *s = NULL;
    struct dt_fact facts[6];
    size_t n = 0;

    (void)state;
    contact(US, &r[0]);
    contact(RUSSIA, &r[1]);
    contact(US, &unknown);
    make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &r[0], &r[2]);
    make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &unknown, &r[3]);
    facts[0] = (struct dt_fact){&r[3], DT_ENTRY_UNKNOWN};
    facts[1] = (struct dt_fact){&r[1], 1};
    facts[2] = (struct dt_fact){&r[2], 2};
    facts[3] = (struct dt_fact){&r[0], 0};
    facts[4] = (struct dt_fact){&r[2], 2};
    facts[5] = (struct dt_fact){&r[0], 0};
    ok(dt_standing_fold(facts, 6, &s, &n));
    assert_int_equal(n, 2);
    assert_true(facts[s[0].fact].record == &r[0]);
    assert_int_equal(s[0].code, DT_STANDING_COUNTERSIGNED);
    assert_int_equal(s[0].n_answers, 1);
    assert_true(facts[s[1].fact].record == &r[1]);
    assert_int_equal(s[1].code, DT_STANDING_ASSERTED);
    dt_free(s);
    ok(dt_standing_fold(NULL, 0, &s, &n));
    assert_int_equal(n, 0);
    dt_free(s);
    for (size_t i = 0; i < 4; i++)
        dt_record_clear(&r[i]);
    dt_record_clear(&unknown);
}

/* More answers than are kept: nobody can hide an account, or break the view, by answering again and
 * again. */
static void
test_flood(void **state)
{
    enum { N = DT_STANDING_ANSWERS + 6 };
    static struct dt_record r[N + 1];
    struct dt_fact facts[N + 1];
    bool withdrawn = false;
    size_t n = 0;

    (void)state;
    contact(US, &r[0]);
    make_answer(&w, MEDIATOR, DT_ANSWER_COUNTERSIGN, &r[0], &r[1]);
    make_answer(&w, US, DT_ANSWER_WITHDRAW, &r[0], &r[2]);
    for (size_t i = 3; i <= N; i++)
        make_answer(&w, RUSSIA, DT_ANSWER_RECEIPT, &r[0], &r[i]);
    for (size_t i = 0; i <= N; i++)
        facts[i] = (struct dt_fact){&r[i], i};
    assert_int_equal(standing(facts, N + 1, &withdrawn, &n), DT_STANDING_COUNTERSIGNED);
    assert_true(withdrawn);
    assert_int_equal(n, DT_STANDING_ANSWERS);
    for (size_t i = 3; i <= N; i++) {
        dt_record_clear(&r[i]);
        make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &r[0], &r[i]);
    }
    dt_record_clear(&r[1]);
    make_dispute(&w, MEDIATOR, &r[0], "level", "envoy", &r[1]);
    for (size_t i = 0; i <= N; i++)
        facts[i] = (struct dt_fact){&r[i], i};
    assert_int_equal(standing(facts, N + 1, &withdrawn, &n), DT_STANDING_DISPUTED);
    assert_true(withdrawn);
    for (size_t i = 0; i <= N; i++)
        dt_record_clear(&r[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_combinations),
        cmocka_unit_test(test_not_theirs),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_flood),
    };
    int failed;

    world_init(&w);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_clear(&w);
    return failed;
}
