/*
 * tests/record/test_proof.c - proof files: what they show, under whose roots, and that no bit of
 * them can change.
 */
#include "proof_v1.inc"
#include "scene.h"

/* All bits of a file; under the sanitizers, which make it ten times as slow, one in 13 (no divisor
 * of 8). */
#ifdef __SANITIZE_ADDRESS__
#define EVERY_BIT 13
#else
#define EVERY_BIT 1
#endif
#define EVERY_BIT_LARGE 47

/* A revocation of ${party}'s letter, entered last and shown under a checkpoint of ${at_ms}. */
static void
add_revocation(struct scene *s, size_t party, uint64_t at_ms)
{
    struct dt_revocation rev;
    uint8_t seal[32];

    ok(dt_revocation_make(seed_view(w.root_seed[party]), &w.letter[party], WORLD_START, &rev));
    ok(dt_revocation_encode(&rev, &s->revocation_bytes));
    ok(dt_revocation_seal(&rev, seal));
    world_prove(&w, world_enter(&w, seal), ALL_SIDES, at_ms, &s->revocation_proof);
    s->revocation.revocation = dt_buf_view(&s->revocation_bytes);
    s->revocation.tlog_proof = dt_buf_view(&s->revocation_proof);
}

static void
test_countersigned(void **state)
{
    struct scene s;

    (void)state;
    countersigned(&s);
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_VERIFIED);
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_COUNTERSIGNED);
    assert_int_equal(s.v.records[0].state, DT_ENTRY_ATTESTED);
    /* The earliest other group is Russia's, a second after the author's. */
    assert_true(s.v.records[0].entry_ms == ENTERED + 1000);
    assert_true(s.v.records[1].entry_ms ==
                ENTERED); /* of Russia's entry it is the author's adversary */
    assert_true(s.v.entered_after);
    says(&s, "record: contact by United States, delegate A. Delegate, Envoy\n");
    says(&s, "opened: mode = call\n");
    says(&s, "opened: parties = United States;Russia\n");
    says(&s, "opened: started_at = 2025-02-12T15:00:00Z\n");
    says(&s, "opened: time_precision = day\n");
    says(&s, "standing: countersigned by Russia\n");
    says(&s, "verdict: verified\n");
    /* From the end of 12 February to 25 November 2025. */
    says(&s, "entered 285 days after the event\n");
    assert_false(contains(&s.v.findings, "undisputed"));
    assert_false(contains(&s.v.findings, "write token"));
    assert_false(contains(&s.v.findings, "initiated_by"));
    assert_false(contains(&s.v.findings, "other accounts not shown"));
    scene_clear(&s);
}

/* No bit of the file can change, of those that ${step} comes by, and it cannot be cut or
 * lengthened. */
static void
no_bit_changes(struct scene *s, size_t step)
{
    size_t n = 0;

    if (getenv("DT_TEST_THIN") !=
        NULL) /* under valgrind, which looks at ways through the code, not at bits */
        step = s->file.n * 8 / 250;

    for (size_t bit = 0; bit < s->file.n * 8; bit += step, n++) {
        const uint8_t *forum = bit % 3 == 0 ? NULL : w.forum; /* without it too */

        s->file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        verify_as(s, forum, NULL, 0, NOW);
        if (s->v.code != DT_VERDICT_REFUSED || s->v.reason.n == 0)
            fail_msg("bit %zu of %zu changed, and '%s'", bit, s->file.n * 8,
                     dt_verdict_name(s->v.code));
        s->file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(n > 200);
    for (size_t cut = 1; cut < s->file.n; cut += 97) {
        s->file.n -= cut;
        verify(s);
        assert_int_equal(s->v.code, DT_VERDICT_REFUSED);
        s->file.n += cut;
    }
    ok(dt_buf_append(&s->file, str("\n")));
    verify(s);
    assert_int_equal(s->v.code, DT_VERDICT_REFUSED);
}

static void
test_every_bit(void **state)
{
    struct scene s;

    (void)state;
    countersigned(&s);
    s.n = 2; /* a small file, so that all of it can be gone through */
    ok(dt_slots_from_names(s.records[0].tmpl, str("mode"), &s.items[0].slots));
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    no_bit_changes(&s, EVERY_BIT);
    scene_clear(&s);
    /* One with all that a file can hold; a bit in 47 of it, which comes by every bit of a byte. */
    countersigned(&s);
    make_dispute(&w, MEDIATOR, &s.records[0], "mode", "meeting", next(&s));
    make_answer(&w, US, DT_ANSWER_WITHDRAW, &s.records[0], next(&s));
    w.n_entries = 0;
    for (size_t i = 0; i < 6; i++)
        dt_buf_clear(&s.proofs[i]);
    prove_all(&s, ALL_SIDES, ENTERED);
    s.items[5].first = false;
    add_revocation(&s, US, ENTERED + DAY);
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_VERIFIED);
    no_bit_changes(&s, EVERY_BIT_LARGE * EVERY_BIT);
    scene_clear(&s);
}

static void
words_of(size_t party, uint8_t out[static 11])
{
    char words[DT_KEY_WORDS_STR];

    dt_key_words(w.charter.parties[party].root_id, words);
    ok(dt_key_words_read(str(words), out));
}

static void
test_whose(void **state)
{
    uint8_t words[N_WORLD_PARTIES][11], other[32], wrong[1][11] = {{0}};
    struct scene s;

    (void)state;
    countersigned(&s);
    ok(build(&s));
    verify_as(&s, NULL, NULL, 0, NOW);
    code_is(&s, DT_VERDICT_WHOSE);
    says(&s, "verdict: consistent, but whose?\n");
    says(&s, "standing: asserted by one");
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_AUTHOR);

    memcpy(other, w.forum, 32);
    other[31] ^= 1;
    verify_as(&s, other, NULL, 0, NOW);
    refused(&s, "not that of the forum asked for");

    for (size_t i = 0; i < N_WORLD_PARTIES; i++)
        words_of(i, words[i]);
    verify_as(&s, NULL, (const uint8_t(*)[11])words, 3, NOW);
    code_is(&s, DT_VERDICT_VERIFIED);
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_COUNTERSIGNED);
    verify_as(&s, NULL, (const uint8_t(*)[11])words, 1, NOW); /* the author's root alone */
    code_is(&s, DT_VERDICT_ROOT_UNCHECKED);
    says(&s, "standing: asserted by one: United States\n");
    says(&s, "Russia (claimed by the charter, root not checked)");
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_AUTHOR);
    verify_as(&s, NULL, (const uint8_t(*)[11])wrong, 1, NOW);
    refused(&s, "key words");
    /* Whoever names a root that the charter has not got thinks of another forum, whatever else
     * fits. */
    memset(words[2], 0, sizeof words[2]);
    verify_as(&s, NULL, (const uint8_t(*)[11])words, 3, NOW);
    refused(&s, "key words");
    verify_as(&s, w.forum, (const uint8_t(*)[11])wrong, 1, NOW);
    refused(&s, "key words");
    verify_as(&s, w.forum, (const uint8_t(*)[11])words, 2, NOW);
    code_is(&s, DT_VERDICT_VERIFIED);
    scene_clear(&s);
}

static void
test_disputed(void **state)
{
    struct scene s;

    (void)state;
    scene_init(&s);
    make_contact(&w, US, "2023-01-01T00:00:00Z", "2023-12-31T23:59:59Z", "year", next(&s));
    make_dispute(&w, RUSSIA, &s.records[0], "started_at", "2022-01-01T00:00:00Z", next(&s));
    make_consent(&w, US, &s.records[0], OPENED, EXPIRES, DT_CONSENT_NONE, next(&s));
    make_consent(&w, RUSSIA, &s.records[0], OPENED, EXPIRES, DT_CONSENT_DISPUTED, next(&s));
    prove_all(&s, ALL_SIDES, ENTERED);
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_VERIFIED);
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_DISPUTED);
    says(&s, "standing: disputed by Russia\n");
    says(&s, "disputed field: started_at: United States says 2023-01-01T00:00:00Z; Russia says "
             "2022-01-01T00:00:00Z\n");
    /* From the end of 2023 to 25 November 2025. */
    says(&s, "entered 694 days after the event\n");
    assert_false(contains(&s.v.findings, "other accounts not shown"));

    /* Its opener leaves the dispute out: the consent gives it away. */
    s.records[4] = s.records[1];
    s.items[1] = s.items[2];
    s.items[2] = s.items[3];
    s.n = 3;
    ok(build(&s));
    verify(&s);
    says(&s, "the account of Russia, which says that it disputes the record, is not shown\n");
    says(&s, "other accounts not shown\n");
    says(&s, "standing: disputed by Russia\n");
    memset(&s.records[4], 0, sizeof s.records[4]);
    scene_clear(&s);
}

static void
test_consents(void **state)
{
    struct scene s;

    (void)state;
    countersigned(&s);
    s.n = 3; /* without Russia's consent */
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    says(&s, "consent of Russia: not shown\n");
    says(&s, "opened without consent\n");
    s.n = 1; /* without anything */
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    says(&s, "other accounts not shown\n");
    says(&s, "standing: asserted by one: United States\n");
    s.n = 4;
    ok(build(&s));
    verify_as(&s, w.forum, NULL, 0, EXPIRES); /* to the last millisecond */
    code_is(&s, DT_VERDICT_VERIFIED);
    verify_as(&s, w.forum, NULL, 0, EXPIRES + 1);
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    says(&s, "the consent of Russia has ended\n");
    /* One slot more than was consented to. */
    s.items[0].slots |= UINT64_C(1) << 14;
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_WITHOUT_CONSENT);
    says(&s, "opened without the consent of Russia: level\n");
    scene_clear(&s);
}

static void
test_times(void **state)
{
    struct scene s;

    (void)state;
    countersigned(&s);
    s.n = 1;
    /* Not by the first attested checkpoint, as its opener says. */
    s.items[0].first = false;
    ok(build(&s));
    verify(&s);
    assert_int_equal(s.v.records[0].state, DT_ENTRY_NOT_LATER);
    says(&s, "not later than 2025-11-25T");
    assert_null(strstr((const char *)s.v.findings.p, "apart"));
    assert_false(s.v.entered_after);
    /* The author's own group and the relay alone: no time. */
    dt_buf_clear(&s.proofs[0]);
    world_prove(&w, 0, 1u << US, ENTERED, &s.proofs[0]);
    s.items[0].tlog_proof = dt_buf_view(&s.proofs[0]);
    s.items[0].first = true;
    ok(build(&s));
    verify(&s);
    assert_int_equal(s.v.records[0].state, DT_ENTRY_HELD);
    assert_true(s.v.records[0].entry_ms == 0);
    says(&s, "not attested; not later than 2025-12-02");
    /* One other group: a bound, and not attested. */
    dt_buf_clear(&s.proofs[0]);
    world_prove(&w, 0, 1u << RUSSIA, ENTERED, &s.proofs[0]);
    s.items[0].tlog_proof = dt_buf_view(&s.proofs[0]);
    ok(build(&s));
    verify(&s);
    assert_int_equal(s.v.records[0].state, DT_ENTRY_HELD);
    assert_true(s.v.records[0].entry_ms == ENTERED + 1000);
    says(&s, "not attested; not later than 2025-11-25T");
    /* One other group says a time of its own: the first of them counts, and this is told. */
    dt_buf_clear(&s.proofs[0]);
    w.behind_s[RUSSIA] = 2 * 3600;
    world_prove(&w, 0, 7, ENTERED, &s.proofs[0]);
    w.behind_s[RUSSIA] = 0;
    s.items[0].tlog_proof = dt_buf_view(&s.proofs[0]);
    ok(build(&s));
    verify(&s);
    assert_true(s.v.records[0].entry_ms == ENTERED + 2000);
    assert_true(s.v.records[0].apart_ms == (2 * 3600 - 1) * DT_MS_SECOND);
    says(&s, "the times of its witnesses lie 1 h 59 min apart, and this is the first of them");
    /* No entry at all. */
    s.items[0].tlog_proof = dt_view(NULL, 0);
    ok(build(&s));
    verify(&s);
    assert_int_equal(s.v.records[0].state, DT_ENTRY_NONE);
    says(&s, "no register entry is shown");
    /* Then the letter must still hold when it is checked. */
    verify_as(&s, w.forum, NULL, 0, WORLD_START + 366 * DAY);
    refused(&s, "no entry shows that it was made before");
    scene_clear(&s);
}

static void
test_letters(void **state)
{
    struct scene s;
    struct dt_letter kept = w.letter[US];
    struct dt_revocation rev;
    uint8_t seal[32];

    (void)state;
    /* Entered after its author's letter had ended. */
    countersigned(&s);
    scene_clear(&s);
    memset(&w.letter[US], 0, sizeof w.letter[US]);
    issue_letter(&w, US, DT_RIGHTS_ALL, WORLD_START, WORLD_START + 2 * DAY, &w.letter[US]);
    countersigned(&s);
    assert_int_equal(build(&s), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "had ended at that time"));
    scene_clear(&s);
    dt_letter_clear(&w.letter[US]);
    /* A letter without the right. */
    issue_letter(&w, US, DT_RIGHT_BIT(DT_RIGHT_TALK), WORLD_START, WORLD_START + 200 * DAY,
                 &w.letter[US]);
    countersigned(&s);
    assert_int_equal(build(&s), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "right"));
    scene_clear(&s);
    dt_letter_clear(&w.letter[US]);
    w.letter[US] = kept;
    /* Revoked before the entry, and after it. */
    for (int before = 0; before < 2; before++) {
        countersigned(&s);
        add_revocation(&s, US, before ? ENTERED - DAY : ENTERED + DAY);
        assert_int_equal(build(&s), before ? DT_ERR_REFUSED : DT_OK);
        if (before)
            assert_non_null(strstr(dt_err_message(), "revoked"));
        else
            verify(&s);
        code_is(&s, before ? (enum dt_verdict_code)0 : DT_VERDICT_VERIFIED);
        scene_clear(&s);
    }
    /* Entered before the record, but shown under a later checkpoint: the places in the register
     * tell. */
    countersigned(&s);
    w.n_entries = 0;
    ok(dt_revocation_make(seed_view(w.root_seed[US]), &w.letter[US], WORLD_START, &rev));
    ok(dt_revocation_encode(&rev, &s.revocation_bytes));
    ok(dt_revocation_seal(&rev, seal));
    (void)world_enter(&w, seal);
    for (size_t i = 0; i < s.n; i++)
        (void)world_enter(&w, s.records[i].seal);
    for (size_t i = 0; i < s.n; i++) {
        dt_buf_clear(&s.proofs[i]);
        world_prove(&w, i + 1, ALL_SIDES, ENTERED, &s.proofs[i]);
        s.items[i].tlog_proof = dt_buf_view(&s.proofs[i]);
    }
    world_prove(&w, 0, ALL_SIDES, ENTERED + DAY, &s.revocation_proof);
    s.revocation.revocation = dt_buf_view(&s.revocation_bytes);
    s.revocation.tlog_proof = dt_buf_view(&s.revocation_proof);
    assert_int_equal(build(&s), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "revoked"));
    scene_clear(&s);
    /* A letter that is not at hand. */
    countersigned(&s);
    s.n_letters = 1;
    assert_int_equal(build(&s), DT_ERR_NOT_FOUND);
    scene_clear(&s);
}

/* What an opener might try. */
static void
test_tricks(void **state)
{
    struct scene s;
    struct world other;
    struct dt_record foreign = {0};

    (void)state;
    /* An answer to another record. */
    countersigned(&s);
    make_contact(&w, US, "2025-03-18T15:00:00Z", "2025-03-18T16:30:00Z", "day", &foreign);
    dt_record_clear(&s.records[1]);
    make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &foreign, &s.records[1]);
    s.items[1].tlog_proof = dt_view(NULL, 0);
    assert_int_equal(build(&s), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "record 2 (countersign): no answer to the record"));
    dt_record_clear(&foreign);
    scene_clear(&s);
    /* The same answer twice. */
    countersigned(&s);
    s.items[3] = s.items[1];
    assert_int_equal(build(&s), DT_ERR_REFUSED);
    scene_clear(&s);
    /* The register proof of another entry. */
    countersigned(&s);
    s.items[0].tlog_proof = s.items[1].tlog_proof;
    assert_int_equal(build(&s), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "record 1 (the one opened): its register entry"));
    scene_clear(&s);
    /* A record of another forum under this charter. */
    countersigned(&s);
    other = w;
    other.forum[0] ^= 1;
    memset(&other.letter[US], 0, sizeof other.letter[US]);
    issue_letter(&other, US, DT_RIGHTS_ALL, WORLD_START, WORLD_START + 300 * DAY,
                 &other.letter[US]);
    make_contact(&other, US, "2025-03-18T15:00:00Z", "2025-03-18T16:30:00Z", "day", &foreign);
    s.items[0].record = &foreign;
    s.items[0].tlog_proof = dt_view(NULL, 0);
    s.letters[3] = (struct dt_proof_letter){&other.letter[US], true};
    s.n_letters = 4;
    s.n = 1;
    assert_int_equal(build(&s), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "letter 1"));
    dt_letter_clear(&other.letter[US]);
    dt_record_clear(&foreign);
    scene_clear(&s);
    /* A dispute whose slots are no list of slots. */
    countersigned(&s);
    struct dt_record_draft d;
    static const uint8_t backwards[] = {8, 0, 0, 0, 0, 0, 0, 0, 9, 8, 0, 0, 0, 0, 0, 0, 0, 8};
    static const uint8_t envoy[] = {5, 'l', 'e', 'v', 'e', 'l', 6, 2, 0, 3};
    dt_record_clear(&s.records[1]);
    ok(dt_answer_draft(&d, w.templates, DT_ANSWER_DISPUTE, &s.records[0], &w.letter[RUSSIA],
                       WORLD_START + DAY));
    ok(dt_record_draft_set(&d, 9, dt_view_of(backwards)));
    ok(dt_record_draft_set(&d, 10, dt_view_of(envoy)));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[RUSSIA]), &s.records[1]));
    dt_record_draft_clear(&d);
    s.items[1].tlog_proof = dt_view(NULL, 0);
    assert_int_equal(build(&s), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "record 2 (dispute): slots are numbers"));
    scene_clear(&s);
    /* A checkpoint with a line by a key that the charter does not name. */
    countersigned(&s);
    struct tlog_signer stranger = {0};
    struct tlog_signer kept = w.witness[MEDIATOR];
    make_signer("w.nobody.example", TLOG_KEY_COSIGNATURE, 0x55, &stranger);
    w.witness[MEDIATOR] = stranger;
    dt_buf_clear(&s.proofs[0]);
    world_prove(&w, 0, ALL_SIDES, ENTERED, &s.proofs[0]);
    s.items[0].tlog_proof = dt_buf_view(&s.proofs[0]);
    w.witness[MEDIATOR] = kept;
    assert_int_equal(build(&s), DT_ERR_REFUSED);
    assert_non_null(strstr(dt_err_message(), "by no key of the charter"));
    tlog_signer_clear(&stranger);
    scene_clear(&s);
}

/* Answers that are not the party's to give do not count, and the later account of a party is the
 * one that does. */
static void
test_standing(void **state)
{
    struct scene s;

    (void)state;
    scene_init(&s);
    make_contact(&w, US, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "exact", next(&s));
    make_dispute(&w, RUSSIA, &s.records[0], "level", "envoy", next(&s));
    make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &s.records[0], next(&s));
    make_answer(&w, US, DT_ANSWER_WITHDRAW, &s.records[0], next(&s));
    make_answer(&w, MEDIATOR, DT_ANSWER_RECEIPT, &s.records[0], next(&s));
    prove_all(&s, ALL_SIDES, ENTERED);
    ok(build(&s));
    verify(&s);
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_COUNTERSIGNED);
    says(&s, "standing: countersigned by Russia; withdrawn by its author\n");
    says(&s, "United States says (not opened); Russia says envoy\n");
    says(&s, "receipt by Swiss Mediation: entry 4");
    says(&s, "entered 285 days after the event\n");
    scene_clear(&s);
    /* The other way round: first countersigned, then disputed. */
    scene_init(&s);
    make_contact(&w, US, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "month", next(&s));
    make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &s.records[0], next(&s));
    make_dispute(&w, RUSSIA, &s.records[0], "level", "envoy", next(&s));
    make_answer(&w, MEDIATOR, DT_ANSWER_COUNTERSIGN, &s.records[0], next(&s));
    prove_all(&s, ALL_SIDES, ENTERED);
    ok(build(&s));
    verify(&s);
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_DISPUTED);
    says(&s, "standing: disputed by Russia; countersigned by Swiss Mediation\n");
    says(&s, "entered 269 days after the event\n"); /* from 1 March */
    scene_clear(&s);
    /* How precise its time is was not opened: it may have been any day of that year. */
    scene_init(&s);
    make_contact(&w, US, "2023-01-01T00:00:00Z", "2023-12-31T23:59:59Z", "year", next(&s));
    prove_all(&s, ALL_SIDES, ENTERED);
    ok(dt_slots_from_names(s.records[0].tmpl, str("started_at"), &s.items[0].slots));
    ok(build(&s));
    verify(&s);
    assert_false(s.v.entered_after);
    assert_false(contains(&s.v.findings, "days after the event"));
    says(&s, "how precise its time is was not opened, so when it was entered after the event is "
             "not shown\n");
    scene_clear(&s);
    /* An event that was not over. */
    scene_init(&s);
    make_contact(&w, US, "2025-11-20T15:00:00Z", "2025-11-20T16:30:00Z", "year", next(&s));
    prove_all(&s, ALL_SIDES, ENTERED);
    ok(build(&s));
    verify(&s);
    says(&s, "entered before the event was over\n");
    scene_clear(&s);
}

/* What an opener might leave out, or say less of, to turn a dispute into a countersignature. */
static void
test_standing_not_lifted(void **state)
{
    struct scene s;

    (void)state;
    /* The countersignature is the older one; its entry is not shown, as if it were still to come.
     */
    scene_init(&s);
    make_contact(&w, US, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", next(&s));
    make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &s.records[0], next(&s));
    make_dispute(&w, RUSSIA, &s.records[0], "level", "envoy", next(&s));
    prove_all(&s, ALL_SIDES, ENTERED);
    s.items[1].tlog_proof = dt_view(NULL, 0);
    ok(build(&s));
    verify(&s);
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_DISPUTED);
    says(&s, "standing: disputed by Russia\n");
    /* In the other order in the file, and with no entry of either. */
    s.records[5] = s.records[1];
    s.items[5] = s.items[1];
    s.items[1] = s.items[2];
    s.items[2] = s.items[5];
    ok(build(&s));
    verify(&s);
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_DISPUTED);
    s.items[1].tlog_proof = dt_view(NULL, 0);
    ok(build(&s));
    verify(&s);
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_DISPUTED);
    /* A dispute without an entry may be later than a countersignature with one. */
    s.items[2].tlog_proof = dt_buf_view(&s.proofs[1]);
    ok(build(&s));
    verify(&s);
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_DISPUTED);
    memset(&s.records[5], 0, sizeof s.records[5]);
    scene_clear(&s);
    /* First countersigned, then disputed: the dispute is left out, but the consent tells of it. */
    scene_init(&s);
    make_contact(&w, US, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", next(&s));
    make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &s.records[0], next(&s));
    make_consent(&w, US, &s.records[0], OPENED, EXPIRES, DT_CONSENT_WITHDRAWN, next(&s));
    make_consent(&w, RUSSIA, &s.records[0], OPENED, EXPIRES, DT_CONSENT_DISPUTED, next(&s));
    make_consent(&w, RUSSIA, &s.records[0], OPENED, EXPIRES + DAY, DT_CONSENT_COUNTERSIGNED,
                 next(&s));
    prove_all(&s, ALL_SIDES, ENTERED);
    s.n = 4;
    ok(build(&s));
    verify(&s);
    code_is(&s, DT_VERDICT_VERIFIED);
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_DISPUTED);
    says(&s, "standing: disputed by Russia; withdrawn by its author\n");
    says(&s, "the account of Russia, which says that it disputes the record, is not shown\n");
    says(&s, "other accounts not shown\n");
    /* It does not matter which of the consents is the one that is spoken of. */
    s.items[5] = s.items[3];
    s.items[3] = s.items[4];
    s.items[4] = s.items[5];
    s.n = 5;
    ok(build(&s));
    verify(&s);
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_DISPUTED);
    scene_clear(&s);
}

static void
version_1(struct scene *s)
{
    dt_buf_clear(&s->file);
    for (size_t i = 0; i < sizeof proof_v1 / sizeof proof_v1[0]; i++)
        ok(dt_buf_append(&s->file, str(proof_v1[i])));
}

/* A file of version 1, in which each opening has a path of its own, says what it always did. */
static void
test_version_1(void **state)
{
    const uint64_t then = UINT64_C(1795982400000); /* 2026-11-29T20:00:00Z */
    uint8_t forum[32];
    struct scene s;

    (void)state;
    scene_init(&s);
    ok(dt_hex_read_fixed(forum, sizeof forum, str(PROOF_V1_FORUM)));
    version_1(&s);
    verify_as(&s, forum, NULL, 0, then);
    code_is(&s, DT_VERDICT_VERIFIED);
    assert_int_equal(s.v.standing_code, DT_ACCOUNT_COUNTERSIGNED);
    says(&s, "opened: mode = call\n");
    for (size_t at = 1500; at < s.file.n; at += 1307) {
        s.file.p[at] = s.file.p[at] == 'A' ? 'B' : 'A';
        verify_as(&s, forum, NULL, 0, then);
        code_is(&s, DT_VERDICT_REFUSED);
        version_1(&s);
    }
    scene_clear(&s);
}

static void
test_not_a_file(void **state)
{
    static const char *const files[] = {"",
                                        "x",
                                        "detente proof 1\n",
                                        "detente proof 2\nAAAA\n",
                                        "detente proof 1\nAAAA",
                                        "detente proof 1\nAAA\n",
                                        "detente proof 1\nAAAA\n\n",
                                        "detente proof 1\nAAAB\n"};
    struct dt_verdict v;

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const struct dt_verify_in in = {.now_ms = NOW};

        ok(dt_proof_verify(str(files[i]), &in, &v));
        assert_int_equal(v.code, DT_VERDICT_REFUSED);
        assert_true(v.reason.n > 0);
        dt_verdict_clear(&v);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_countersigned), cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_whose),         cmocka_unit_test(test_disputed),
        cmocka_unit_test(test_consents),      cmocka_unit_test(test_times),
        cmocka_unit_test(test_letters),       cmocka_unit_test(test_tricks),
        cmocka_unit_test(test_standing),      cmocka_unit_test(test_standing_not_lifted),
        cmocka_unit_test(test_version_1),     cmocka_unit_test(test_not_a_file),
    };
    int failed;

    world_init(&w);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_clear(&w);
    return failed;
}
