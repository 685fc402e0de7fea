/*
 * tests/record/test_tally.c - a tally's numbers, and what a stranger is told of an opened one.
 */
#include "fixture.h"

#include "record/tally.h"

static struct world w;

#define ENTERED (WORLD_START + 3 * DAY)
#define FIELDS  "first_entry,last_entry,count,counted"

static void
make_tally(const char *const numbers[3], const char *counted, struct dt_record *out)
{
    static const char *const names[3] = {"first_entry", "last_entry", "count"};
    struct dt_record_draft d;

    ok(dt_record_draft_init(&d, dt_templates_get_str(w.templates, "tally"), &w.letter[US],
                            w.channel, WORLD_START));
    for (size_t i = 0; i < 3; i++)
        ok(dt_record_draft_set_text(&d, names[i], str(numbers[i]), NULL));
    ok(dt_record_draft_set_text(&d, "counted", str(counted), NULL));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[US]), out));
    dt_record_draft_clear(&d);
}

/* What is stated, when its numbers can be. */
static void
test_stated(void **state)
{
    static const struct {
        const char *numbers[3];
        enum dt_err want;
    } cases[] = {{{"0", "0", "0"}, DT_OK},          {{"3", "9", "7"}, DT_OK},
                 {{"3", "9", "8"}, DT_ERR_FORMAT},  {{"9", "3", "0"}, DT_ERR_FORMAT},
                 {{"-1", "3", "0"}, DT_ERR_FORMAT}, {{"0", "3", "-1"}, DT_ERR_FORMAT},
                 {{"0", "-3", "0"}, DT_ERR_FORMAT}, {{"0", "999999999999", "999999999999"}, DT_OK}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dt_tally_stated s = {.first = 77};
        struct dt_record t = {0};

        make_tally(cases[i].numbers, "contact", &t);
        assert_true(dt_template_is_tally(t.tmpl));
        assert_int_equal(dt_tally_read(t.slots, &s), cases[i].want);
        if (cases[i].want == DT_OK)
            assert_true(dt_view_equal(s.counted, str("contact")));
        else
            assert_int_equal(s.first, 77);
        dt_record_clear(&t);
    }
    assert_false(dt_template_is_tally(dt_templates_get_str(w.templates, "contact")));
    assert_false(dt_template_is_tally(dt_templates_get_str(w.templates, "cover")));
}

/* A proof of a tally at entry 5 with ${fields} opened, and one answer of Russia's, or none. */
static void
say(const char *const numbers[3], const char *counted, const char *fields, enum dt_answer answer,
    struct dt_verdict *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    struct dt_record r[2] = {0};
    struct dt_buf proofs[2] = {DT_BUF_INIT(DT_TLOG_PROOF_MAX), DT_BUF_INIT(DT_TLOG_PROOF_MAX)};
    struct dt_proof_letter letters[N_WORLD_PARTIES];
    struct dt_proof_item items[2];
    struct dt_proof_in in = {.charter = &w.charter, .letters = letters, .items = items};
    const struct dt_verify_in verify = {
        .forum = w.forum, .now_ms = WORLD_START + 10 * DAY, .templates = w.templates};
    uint8_t before[32];

    w.n_entries = 0;
    make_tally(numbers, counted, &r[0]);
    in.n_items = 1;
    if (answer == DT_ANSWER_DISPUTE)
        make_dispute(&w, RUSSIA, &r[0], "count", "1", &r[in.n_items++]);
    else if (answer != DT_ANSWER_NONE)
        make_answer(&w, answer == DT_ANSWER_WITHDRAW ? US : RUSSIA, answer, &r[0],
                    &r[in.n_items++]);
    for (uint8_t i = 0; i < 5; i++) {
        memset(before, i, sizeof before);
        (void)world_enter(&w, before);
    }
    for (size_t i = 0; i < in.n_items; i++)
        (void)world_enter(&w, r[i].seal);
    for (size_t i = 0; i < in.n_items; i++) {
        world_prove(&w, 5 + i, 7, ENTERED, &proofs[i]);
        items[i] = (struct dt_proof_item){&r[i], dt_proof_slots_needed(&r[i]),
                                          dt_buf_view(&proofs[i]), true};
    }
    ok(dt_slots_from_names(r[0].tmpl, str(fields), &items[0].slots));
    in.n_letters = in.n_items == 2 && answer != DT_ANSWER_WITHDRAW ? 2 : 1;
    letters[0] = (struct dt_proof_letter){&w.letter[US], false};
    letters[1] = (struct dt_proof_letter){&w.letter[RUSSIA], false};
    ok(dt_proof_build(&in, &file));
    ok(dt_proof_verify(dt_buf_view(&file), &verify, out));
    for (size_t i = 0; i < 2; i++) {
        dt_record_clear(&r[i]);
        dt_buf_clear(&proofs[i]);
    }
}

static void
test_words(void **state)
{
    static const struct {
        const char *numbers[3], *counted, *fields;
        enum dt_answer answer;
        const char *want; /* NULL: no such line */
    } cases[] = {
        {{"0", "4", "2"},
         "contact",
         FIELDS,
         DT_ANSWER_NONE,
         "\ntally: entries 0 to 4: 2 contacts, as stated by United States\nnote: of a tally are "
         "counted the records of one channel;"},
        {{"3", "4", "1"},
         "contact",
         FIELDS,
         DT_ANSWER_COUNTERSIGN,
         "\ntally: entries 3 to 4: 1 contact, as stated by United States, countersigned by "
         "Russia\n"},
        {{"0", "4", "2"},
         "contact",
         FIELDS,
         DT_ANSWER_DISPUTE,
         "\ntally: entries 0 to 4: 2 contacts, as stated by United States, disputed by Russia\n"},
        {{"0", "4", "2"},
         "contact",
         FIELDS,
         DT_ANSWER_WITHDRAW,
         "2 contacts, as stated by United States, asserted by one: United States; withdrawn by its "
         "author\n"},
        {{"0", "4", "2"},
         "heartbeat",
         FIELDS,
         DT_ANSWER_RECEIPT,
         "\ntally: entries 0 to 4: 2 records of kind 'heartbeat', as stated by United States\n"},
        {{"0", "4", "0"},
         "contact",
         FIELDS,
         DT_ANSWER_NONE,
         "\ntally: entries 0 to 4: 0 contacts, as stated by"},
        {{"0", "5", "2"},
         "contact",
         FIELDS,
         DT_ANSWER_NONE,
         "\nnote: the tally's range goes past the tally's own entry\n"},
        {{"0", "4", "6"},
         "contact",
         FIELDS,
         DT_ANSWER_NONE,
         "\ntally: its numbers cannot be true together\n"},
        {{"0", "4", "2"}, "contact", "last_entry,count,counted", DT_ANSWER_NONE, NULL},
        {{"0", "4", "2"}, "contact", "first_entry,last_entry,counted", DT_ANSWER_NONE, NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dt_verdict v = {0};
        const char *want = cases[i].want != NULL ? cases[i].want : "tally: ";
        bool there;

        say(cases[i].numbers, cases[i].counted, cases[i].fields, cases[i].answer, &v);
        assert_int_equal(v.code, DT_VERDICT_WITHOUT_CONSENT);
        there = memmem(v.findings.p, v.findings.n, want, strlen(want)) != NULL;
        if (there != (cases[i].want != NULL))
            fail_msg("case %zu, '%s':\n%.*s", i, want, (int)v.findings.n,
                     (const char *)v.findings.p);
        /* The note on the range is only said of a range that goes too far. */
        assert_int_equal(memmem(v.findings.p, v.findings.n, "goes past", 9) != NULL,
                         strcmp(cases[i].numbers[1], "5") == 0);
        dt_verdict_clear(&v);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stated),
        cmocka_unit_test(test_words),
    };
    int failed;

    world_init(&w);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_clear(&w);
    return failed;
}
