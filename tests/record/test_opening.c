/*
 * tests/record/test_opening.c - whose consent it takes to open a record, by the charter's rules; to
 * whom; and what a party may say in reply once a record is open in public.
 */
#include "scene.h"

#include "record/charter_rules.h"

#define THAT_DAY "2025-12-01" /* NOW is the 2nd */

/* ---- the rules themselves ---- */

#define HASH "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static const struct {
    const char *name, *value;
    bool good;
} rules[] = {
    {"open", "author", true},
    {"open", "both", true},
    {"open", "all", true},
    {"open", "after 2040-01-01", true},
    {"open", "after 9999-12-31", true},
    {"open.contact", "author", true},
    {"open.x_1", "author", true},
    {"open", "", false},
    {"open", "Author", false},
    {"open", "author ", false},
    {"open", "none", false},
    {"open", "after", false},
    {"open", "after ", false},
    {"open", "after 2040-1-1", false},
    {"open", "after  2040-01-01", false},
    {"open", "after 2040-01-01 ", false},
    {"open", "after 2040-01-01T00:00:00Z", false},
    {"open", "after 2040-02-30", false},
    {"open", "all after 2040-01-01", false},
    {"open.", "author", false},
    {"open.Contact", "author", false},
    {"open.1", "author", false},
    {"open.a b", "author", false},
    {"open.a.b", "author", false},
    {"opening", "author", false},
    {"Open", "author", false},
    {"template.ferry", HASH, true},
    {"template.ferry_2", HASH, true},
    {"template", HASH, false},
    {"template.", HASH, false},
    {"template.Ferry", HASH, false},
    {"template.a.b", HASH, false},
    {"template.ferry", "", false},
    {"template.ferry", HASH "00", false},
    {"template.ferry", "9F86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", false},
};

static void
test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const struct dt_charter_rule r = {str(rules[i].name), str(rules[i].value)};

        if ((dt_charter_rule_check(&r) == DT_OK) != rules[i].good)
            fail_msg("'%s' '%s' should be %s", rules[i].name, rules[i].value,
                     rules[i].good ? "accepted" : "refused");
    }
}

/* What a rule says of itself, to who reads the charter. */
static void
test_words(void **state)
{
    static const char *const words[][2] = {
        {"author", "the author's party alone"},
        {"both", "every side and the author's party"},
        {"all", "every party of the charter"},
        {"after 2040-01-01", "every side and the author's party; from 2040-01-01 on any one of "
                             "these alone"}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(256);

        ok(dt_open_rule_words(str(words[i][0]), &b));
        assert_true(dt_view_equal(dt_buf_view(&b), str(words[i][1])));
    }
}

/* ---- what a verifier makes of them ---- */

static void
world_with(const char *name, const char *value, const char *name2, const char *value2)
{
    struct dt_charter_rule r[2] = {{{0}, {0}}, {{0}, {0}}};
    size_t n = 0;

    if (name != NULL)
        r[n++] = (struct dt_charter_rule){str(name), str(value)};
    if (name2 != NULL)
        r[n++] = (struct dt_charter_rule){str(name2), str(value2)};
    world_init_ruled(&w, r, n);
}

/* A contact by the US, with the consents of ${parties} (bits). */
static void
consented(struct scene *s, unsigned int parties)
{
    scene_init(s);
    make_contact(&w, US, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", next(s));
    for (size_t i = 0; i < N_WORLD_PARTIES; i++)
        if ((parties >> i & 1) != 0)
            make_consent(&w, i, &s->records[0], OPENED, EXPIRES, DT_CONSENT_NONE, next(s));
    prove_all(s, ALL_SIDES, ENTERED);
    ok(build(s));
    verify(s);
}

/* With the consents of every set of parties the verdict is *verified* just when ${rule} is met. */
static void
sets(const char *rule, bool (*enough)(unsigned int), const char *words)
{
    world_with(rule != NULL ? "open" : NULL, rule, NULL, NULL);
    for (unsigned int parties = 0; parties < 1u << N_WORLD_PARTIES; parties++) {
        struct scene s;

        consented(&s, parties);
        if ((s.v.code == DT_VERDICT_VERIFIED) != enough(parties))
            fail_msg("rule %s, consents %x: %s", rule, parties, dt_verdict_name(s.v.code));
        code_is(&s, enough(parties) ? DT_VERDICT_VERIFIED : DT_VERDICT_WITHOUT_CONSENT);
        says(&s, words);
        assert_int_equal(contains(&s.v.findings, "opened without consent of "), !enough(parties));
        scene_clear(&s);
    }
    world_clear(&w);
}

#define BIT(p) (1u << (p))

static bool
sides(unsigned int p)
{
    return (p & BIT(US)) != 0 && (p & BIT(RUSSIA)) != 0;
}

static bool
author(unsigned int p)
{
    return (p & BIT(US)) != 0;
}

static bool
everyone(unsigned int p)
{
    return p == 7;
}

static bool
any_side(unsigned int p)
{
    return (p & (BIT(US) | BIT(RUSSIA))) != 0;
}

static void
test_rules(void **state)
{
    (void)state;
    sets(NULL, sides,
         "rule: the charter has no rule on opening a record of kind 'contact', so it takes the "
         "consent of every side and of the author's party\n");
    sets("both", sides,
         "rule: to open a record of kind 'contact' the charter asks for the consent of every side "
         "and of the author's party\n");
    sets("author", author,
         "rule: the charter lets the author's party alone open a record of kind 'contact'\n");
    sets("all", everyone,
         "rule: to open a record of kind 'contact' the charter asks for the consent of every "
         "party, mediator and monitors too\n");
    sets("after " THAT_DAY, any_side,
         "rule: from " THAT_DAY " on the charter lets any one side, or the author's party, open a "
         "record of kind 'contact' alone; by the clock of this check it is 2025-12-02T");
    sets("after 2025-12-03", sides,
         "rule: before 2025-12-03 the charter asks for the consent of every side and of the "
         "author's party to open a record of kind 'contact'; by the clock of this check it is "
         "2025-12-02T");
}

/* To the millisecond, and who is named. */
static void
test_the_day(void **state)
{
    struct scene s;
    uint64_t day = 0;

    (void)state;
    world_with("open", "after " THAT_DAY, NULL, NULL);
    ok(dt_date_read(str(THAT_DAY), &day));
    consented(&s, BIT(RUSSIA));
    verify_as(&s, w.forum, NULL, 0, day - 1);
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    says(&s, "opened without consent of United States\n");
    assert_false(contains(&s.v.findings, "opened without consent of Russia"));
    verify_as(&s, w.forum, NULL, 0, day);
    code_is(&s, DT_VERDICT_VERIFIED);
    assert_false(contains(&s.v.findings, "not shown\nopened without"));
    scene_clear(&s);
    consented(&s, BIT(MEDIATOR)); /* neither a side nor the author */
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    says(&s, "opened without consent of any of them\n");
    scene_clear(&s);
    world_clear(&w);
}

/* A rule of a template is stronger than that of all; one of another template says nothing. */
static void
test_by_template(void **state)
{
    struct scene s;

    (void)state;
    world_with("open", "all", "open.contact", "author");
    consented(&s, BIT(US));
    code_is(&s, DT_VERDICT_VERIFIED);
    scene_clear(&s);
    world_clear(&w);
    world_with("open", "all", "open.contac", "author");
    consented(&s, BIT(US) | BIT(RUSSIA));
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    says(&s, "opened without consent of Swiss Mediation\n");
    scene_clear(&s);
    world_clear(&w);
    /* The author's party, though it is no side, when the mediator wrote it. */
    world_with("open.contact", "both", NULL, NULL);
    scene_init(&s);
    make_contact(&w, MEDIATOR, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", next(&s));
    make_consent(&w, US, &s.records[0], OPENED, EXPIRES, DT_CONSENT_NONE, next(&s));
    make_consent(&w, RUSSIA, &s.records[0], OPENED, EXPIRES, DT_CONSENT_NONE, next(&s));
    prove_all(&s, ALL_SIDES, ENTERED);
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    says(&s, "opened without consent of Swiss Mediation\n");
    scene_clear(&s);
    world_clear(&w);
}

/* ---- audience ---- */

static void
verify_for(struct scene *s, const char *audience)
{
    const struct dt_verify_in in = {
        .forum = w.forum, .now_ms = NOW, .audience = audience, .templates = w.templates};

    dt_verdict_clear(&s->v);
    ok(dt_proof_verify(dt_buf_view(&s->file), &in, &s->v));
}

static void
test_audience(void **state)
{
    struct scene s;

    (void)state;
    world_init(&w);
    scene_init(&s);
    make_contact(&w, US, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", next(&s));
    make_consent(&w, US, &s.records[0], OPENED, EXPIRES, DT_CONSENT_NONE, next(&s));
    make_consent_to(&w, RUSSIA, &s.records[0], OPENED, "A. Reader", EXPIRES, DT_CONSENT_NONE,
                    next(&s));
    prove_all(&s, ALL_SIDES, ENTERED);
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_VERIFIED); /* who reads it is not known */
    assert_false(s.v.open_to_all);
    verify_for(&s, "A. Reader");
    code_is(&s, DT_VERDICT_VERIFIED);
    verify_for(&s, "public");
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    says(&s, "the consent of Russia is to others than those to whom this was opened\n");
    says(&s, "opened without consent of Russia\n");
    verify_for(&s, "B. Reader");
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    /* A second one, to everyone, is as good in any place. */
    make_consent(&w, RUSSIA, &s.records[0], OPENED, EXPIRES, DT_CONSENT_NONE, next(&s));
    s.items[3] = (struct dt_proof_item){.record = &s.records[3]};
    ok(build(&s));
    verify_for(&s, "B. Reader");
    code_is(&s, DT_VERDICT_VERIFIED);
    assert_true(s.v.open_to_all);
    assert_false(contains(&s.v.findings, "is to others"));
    scene_clear(&s);
    world_clear(&w);
}

/* ---- replies ---- */

static void
answer_with_text(size_t party, enum dt_answer answer, const struct dt_record *subject,
                 const char *field, const char *text, struct dt_record *out)
{
    struct dt_record_draft d;

    ok(dt_answer_draft(&d, w.templates, answer, subject, &w.letter[party], WORLD_START + 2 * DAY));
    ok(dt_record_draft_set_text(&d, field, str(text), &w.charter));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[party]), out));
    dt_record_draft_clear(&d);
}

/* A contact of the US open to ${audience}, to which Russia replied. */
static void
replied(struct scene *s, const char *audience)
{
    scene_init(s);
    make_contact(&w, US, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", next(s));
    make_consent_to(&w, US, &s->records[0], OPENED, audience, EXPIRES, DT_CONSENT_NONE, next(s));
    make_consent_to(&w, RUSSIA, &s->records[0], OPENED, audience, EXPIRES, DT_CONSENT_NONE,
                    next(s));
    answer_with_text(RUSSIA, DT_ANSWER_ANSWER, &s->records[0], "text", "It was\nno call.", next(s));
    prove_all(s, ALL_SIDES, ENTERED);
}

static uint64_t
text_of(const struct dt_record *r)
{
    return UINT64_C(1) << DT_ENVELOPE_SLOTS | UINT64_C(1)
                                                  << dt_answer_text_slot(dt_record_answer(r, NULL));
}

static void
test_reply(void **state)
{
    struct scene s;

    (void)state;
    world_init(&w);
    replied(&s, "public");
    ok(build(&s));
    verify(&s); /* without its text */
    code_is(&s, DT_VERDICT_VERIFIED);
    says(&s, "answer by Russia: entry 3");
    assert_false(contains(&s.v.findings, "reply of"));
    s.items[3].slots = text_of(&s.records[3]);
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_VERIFIED);
    says(&s, "reply of Russia: It was no call.\n");
    /* Nothing else of it: neither its channel, nor when it was written. */
    for (size_t slot = 2; slot < DT_ENVELOPE_SLOTS; slot++) {
        s.items[3].slots = text_of(&s.records[3]) | UINT64_C(1) << slot;
        assert_int_equal(build(&s), DT_ERR_REFUSED);
        assert_non_null(strstr(dt_err_message(), "does not open what it has to, or more"));
    }
    s.items[3].slots = text_of(&s.records[3]) & ~(UINT64_C(1) << DT_ENVELOPE_SLOTS);
    assert_int_equal(build(&s), DT_ERR_REFUSED); /* of what it is */
    scene_clear(&s);
    /* Of a record that is open to one person only there is no reply to everyone. */
    replied(&s, "A. Reader");
    s.items[3].slots = text_of(&s.records[3]);
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    says(&s, "the text of an answer is opened, and the record is not open to everyone: opened "
             "without consent\n");
    scene_clear(&s);
    /* Nor where a consent to everyone is to less than what is opened. */
    replied(&s, "A. Reader");
    make_consent(&w, US, &s.records[0], "mode", EXPIRES, DT_CONSENT_NONE, next(&s));
    make_consent(&w, RUSSIA, &s.records[0], "mode", EXPIRES, DT_CONSENT_NONE, next(&s));
    s.items[3].slots = text_of(&s.records[3]);
    s.items[4] = (struct dt_proof_item){.record = &s.records[4]};
    s.items[5] = (struct dt_proof_item){.record = &s.records[5]};
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    scene_clear(&s);
    /* Nor of one that is not open by its rule at all. */
    replied(&s, "public");
    s.items[3].slots = text_of(&s.records[3]);
    s.items[2] = s.items[3];
    s.n = 3;
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    says(&s, "opened without consent of Russia\n");
    scene_clear(&s);
    world_clear(&w);
}

/* Reasons, remarks, and the words of a dispute; a dispute's values are fields of the record, and
 * take the consents that these take. */
static void
test_other_replies(void **state)
{
    struct scene s;
    DT_CLEANUP(dt_dispute_clear) struct dt_dispute dispute = {0};
    struct dt_record_draft d;

    (void)state;
    world_init(&w);
    scene_init(&s);
    make_contact(&w, US, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", next(&s));
    make_consent(&w, US, &s.records[0], OPENED, EXPIRES, DT_CONSENT_NONE, next(&s));
    make_consent(&w, RUSSIA, &s.records[0], OPENED, EXPIRES, DT_CONSENT_NONE, next(&s));
    answer_with_text(US, DT_ANSWER_WITHDRAW, &s.records[0], "reason", "An error of ours.",
                     next(&s));
    answer_with_text(MEDIATOR, DT_ANSWER_COUNTERSIGN, &s.records[0], "remark", "As we heard it.",
                     next(&s));
    ok(dt_answer_draft(&d, w.templates, DT_ANSWER_DISPUTE, &s.records[0], &w.letter[RUSSIA],
                       WORLD_START + 2 * DAY));
    ok(dt_dispute_set_text(&dispute, &s.records[0], "level", str("envoy"), &w.charter));
    ok(dt_dispute_end(&dispute, &s.records[0], &d));
    ok(dt_record_draft_set_text(&d, "text", str("Not at that level."), &w.charter));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[RUSSIA]), next(&s)));
    dt_record_draft_clear(&d);
    prove_all(&s, ALL_SIDES, ENTERED);
    for (size_t i = 3; i < 6; i++)
        s.items[i].slots = text_of(&s.records[i]);
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_VERIFIED);
    says(&s, "reply of United States: An error of ours.\n");
    says(&s, "reply of Swiss Mediation: As we heard it.\n");
    says(&s, "which fields it disputes, and its own values, are not opened\n"
             "reply of Russia: Not at that level.\n");
    says(&s, "standing: disputed by Russia; countersigned by Swiss Mediation; withdrawn by its "
             "author\n");
    says(&s, "other accounts not shown\n");
    assert_false(contains(&s.v.findings, "envoy"));
    /* Without its text too. */
    s.items[5].slots = UINT64_C(1) << DT_ENVELOPE_SLOTS;
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_VERIFIED);
    says(&s, "standing: disputed by Russia");
    assert_false(contains(&s.v.findings, "Not at that level"));
    /* Whole: `level` is no field that was consented to. */
    s.items[5].slots = 0;
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    says(&s, "values of a dispute opened without the consent of Russia: level\n");
    says(&s, "opened without consent of United States\n");
    /* One half of it is no way to open it. */
    s.items[5].slots = UINT64_C(3) << DT_ENVELOPE_SLOTS;
    assert_int_equal(build(&s), DT_ERR_REFUSED);
    s.items[5].slots = UINT64_C(7) << DT_ENVELOPE_SLOTS;
    assert_int_equal(build(&s), DT_ERR_REFUSED);
    scene_clear(&s);
    world_clear(&w);
}

/* An answer as the record that is opened: its fields take consents like any other's. */
static void
test_answer_as_subject(void **state)
{
    struct scene s;

    (void)state;
    world_init(&w);
    scene_init(&s);
    make_contact(&w, US, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", &s.records[5]);
    answer_with_text(RUSSIA, DT_ANSWER_ANSWER, &s.records[5], "text", "No.", next(&s));
    make_consent(&w, US, &s.records[0], "about", EXPIRES, DT_CONSENT_NONE, next(&s));
    make_consent(&w, RUSSIA, &s.records[0], "about,text", EXPIRES, DT_CONSENT_NONE, next(&s));
    for (size_t i = 0; i < s.n; i++)
        s.items[i] = (struct dt_proof_item){.record = &s.records[i]};
    s.items[0].slots = UINT64_C(1) << DT_ENVELOPE_SLOTS;
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_VERIFIED);
    s.items[0].slots = UINT64_C(3) << DT_ENVELOPE_SLOTS;
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    says(&s, "opened without the consent of United States: text\n");
    scene_clear(&s);
    world_clear(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_the_day),
        cmocka_unit_test(test_by_template),
        cmocka_unit_test(test_audience),
        cmocka_unit_test(test_reply),
        cmocka_unit_test(test_other_replies),
        cmocka_unit_test(test_answer_as_subject),
    };

    ok(dt_crypto_init());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
