/*
 * tests/instrument/test_claims.c - the claims of examples/contacts, before and after records are
 * opened.
 */
#include "../record/fixture.h"

#include "base/file.h"
#include "base/mem.h"
#include "instrument/claims.h"

static struct world w;

#define NOW (WORLD_START + 10 * DAY)

static void
read_file(const char *name, struct dt_buf *out)
{
    char path[512];

    (void)snprintf(path, sizeof path, "%s/examples/contacts/%s", TREE, name);
    dt_buf_init(out, DT_CSV_FILE_MAX);
    ok(dt_file_read(path, out));
}

/* The three contacts of contacts.csv as the US delegation enters them, with their answers, and the
 * proofs of all three. c10 and c12 get the entries that expected.csv gives them; which ones these
 * are depends on the order of a run. */
struct tour {
    struct dt_record contact[3], countersign, dispute, consent[4];
    uint64_t entry[3], answer_entry[2];
    struct dt_buf proof_text[3], answer_proof[2], files[3];
    struct dt_verdict verdict[3];
};

static void
tour_open(struct tour *t, size_t i, const struct dt_record *answer, struct dt_view answer_proof)
{
    struct dt_proof_item items[4] = {{0}};
    struct dt_proof_letter letters[2] = {{&w.letter[US], false}, {&w.letter[RUSSIA], false}};
    struct dt_proof_in in = {
        .charter = &w.charter, .letters = letters, .n_letters = 2, .items = items};
    struct dt_verify_in how = {.forum = w.forum, .now_ms = NOW, .templates = w.templates};
    struct dt_record consents[2] = {0};
    static const char opened[] = "mode,parties,started_at,time_precision";

    for (size_t p = 0; p < 2; p++)
        make_consent(&w, p, &t->contact[i], opened, NOW + DAY, DT_CONSENT_NONE, &consents[p]);
    items[0] = (struct dt_proof_item){&t->contact[i], 0, dt_buf_view(&t->proof_text[i]), true};
    ok(dt_slots_from_names(t->contact[i].tmpl, str(opened), &items[0].slots));
    items[1].record = &consents[0];
    items[2].record = &consents[1];
    in.n_items = 3;
    if (answer != NULL)
        items[in.n_items++] = (struct dt_proof_item){answer, 0, answer_proof, true};
    dt_buf_init(&t->files[i], DT_PROOF_FILE_MAX);
    ok(dt_proof_build(&in, &t->files[i]));
    ok(dt_proof_verify(dt_buf_view(&t->files[i]), &how, &t->verdict[i]));
    assert_int_equal(t->verdict[i].code, DT_VERDICT_VERIFIED);
    for (size_t p = 0; p < 2; p++)
        dt_record_clear(&consents[p]);
}

/* The entry of ${claim} in expected.csv. */
static uint64_t
expected_entry(const char *claim)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text;
    DT_CLEANUP(dt_csv_clear) struct dt_csv table = {0};
    uint64_t entry = 0;

    read_file("expected.csv", &text);
    ok(dt_csv_read(dt_buf_view(&text), &table));
    for (size_t row = 1; row < table.n_rows; row++)
        if (dt_view_equal(dt_csv_cell(&table, row, 0), str(claim))) {
            ok(dt_decimal_read(dt_csv_cell(&table, row, 2), ENTRIES_MAX / 2, &entry));
            return entry;
        }
    fail_msg("%s is not in expected.csv", claim);
    return 0;
}

/* Enter ${r} as entry ${index}, after what is there and as many others as it takes. */
static uint64_t
enter_at(uint64_t index, const struct dt_record *r)
{
    uint8_t other[32];

    while (w.n_entries < index) {
        ok(dt_random(other, sizeof other));
        (void)world_enter(&w, other);
    }
    return world_enter(&w, r->seal);
}

static void
tour_make(struct tour *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text;
    DT_CLEANUP(dt_csv_clear) struct dt_csv table = {0};

    memset(t, 0, sizeof *t);
    read_file("contacts.csv", &text);
    ok(dt_csv_read(dt_buf_view(&text), &table));
    assert_int_equal(table.n_rows, 4);
    for (size_t i = 0; i < 3; i++) {
        struct dt_record_draft d;

        ok(dt_record_draft_init(&d, dt_templates_get_str(w.templates, "contact"), &w.letter[US],
                                w.channel, WORLD_START));
        ok(dt_contacts_row_draft(&table, i + 1, &w.charter, &d));
        ok(dt_record_make(&d, seed_view(w.delegate_seed[US]), &t->contact[i]));
        assert_int_equal(t->contact[i].slots[DT_SLOT_REFERENCES].kind, DT_SLOT_VALUE);
        dt_record_draft_clear(&d);
    }
    make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &t->contact[0], &t->countersign);
    make_dispute(&w, RUSSIA, &t->contact[2], "started_at", "2022-01-01T00:00:00Z", &t->dispute);
    w.n_entries = 0;
    t->entry[0] = enter_at(expected_entry("c10"), &t->contact[0]);
    t->entry[2] = enter_at(expected_entry("c12"), &t->contact[2]);
    t->entry[1] = world_enter(&w, t->contact[1].seal);
    t->answer_entry[0] = world_enter(&w, t->countersign.seal);
    t->answer_entry[1] = world_enter(&w, t->dispute.seal);
    for (size_t i = 0; i < 3; i++) {
        dt_buf_init(&t->proof_text[i], DT_TLOG_PROOF_MAX);
        world_prove(&w, t->entry[i], 7, WORLD_START + 2 * DAY, &t->proof_text[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        dt_buf_init(&t->answer_proof[i], DT_TLOG_PROOF_MAX);
        world_prove(&w, t->answer_entry[i], 7, WORLD_START + 2 * DAY, &t->answer_proof[i]);
    }
    tour_open(t, 0, &t->countersign, dt_buf_view(&t->answer_proof[0]));
    tour_open(t, 1, NULL, dt_view(NULL, 0));
    tour_open(t, 2, &t->dispute, dt_buf_view(&t->answer_proof[1]));
}

static void
tour_clear(struct tour *t)
{
    for (size_t i = 0; i < 3; i++) {
        dt_record_clear(&t->contact[i]);
        dt_buf_clear(&t->proof_text[i]);
        dt_buf_clear(&t->files[i]);
        dt_verdict_clear(&t->verdict[i]);
    }
    for (size_t i = 0; i < 2; i++)
        dt_buf_clear(&t->answer_proof[i]);
    dt_record_clear(&t->countersign);
    dt_record_clear(&t->dispute);
}

static void
test_stranger(void **state)
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf csv, expected, got = DT_BUF_INIT(65536), text = DT_BUF_INIT(65536);
    DT_CLEANUP(dt_claims_clear) struct dt_claims claims = {0};
    struct dt_claim_result *r = NULL;
    struct dt_known_contact known[3];
    struct tour t;
    char line[192];

    (void)state;
    tour_make(&t);
    read_file("claims.csv", &csv);
    read_file("expected.csv", &expected);
    ok(dt_claims_read(dt_buf_view(&csv), &claims));
    assert_int_equal(claims.n, 21);
    ok(dt_known_from_verdict(&t.verdict[0], &known[0]));
    ok(dt_known_from_verdict(&t.verdict[2], &known[1]));
    ok(dt_claims_check(&claims, known, 2, &r));
    ok(dt_claims_write_csv(&claims, r, &got));
    if (!dt_view_equal(dt_buf_view(&got), dt_buf_view(&expected)))
        fail_msg("not as expected:\n%.*s", (int)got.n, (const char *)got.p);
    ok(dt_claims_write_text(&claims, r, &text));
    (void)snprintf(line, sizeof line,
                   "\nc10: countersigned (entry %u); contradicted by claim c12\n",
                   (unsigned int)t.entry[0]);
    assert_non_null(memmem(text.p, text.n, line, strlen(line)));
    (void)snprintf(
        line, sizeof line,
        "\nc12: disputed (entry %u); contradicted by claims c10, c11; says 2, the register "
        "proves 1, countersigned 0, disputed 1: the two accounts conflict\n",
        (unsigned int)t.entry[2]);
    assert_non_null(memmem(text.p, text.n, line, strlen(line)));
    assert_non_null(memmem(text.p, text.n, "\nc09: no entry\n", 15));
    dt_claim_results_free(r, claims.n);
    /* Once c11 is opened its line changes, and no other. */
    ok(dt_known_from_verdict(&t.verdict[1], &known[2]));
    ok(dt_claims_check(&claims, known, 3, &r));
    text.n = 0;
    ok(dt_claims_write_text(&claims, r, &text));
    (void)snprintf(line, sizeof line,
                   "\nc11: asserted by one (entry %u); contradicted by claim c12\n",
                   (unsigned int)t.entry[1]);
    assert_non_null(memmem(text.p, text.n, line, strlen(line)));
    (void)snprintf(line, sizeof line,
                   "\nc10: countersigned (entry %u); contradicted by claim c12\n",
                   (unsigned int)t.entry[0]);
    assert_non_null(memmem(text.p, text.n, line, strlen(line)));
    dt_claim_results_free(r, claims.n);
    tour_clear(&t);
}

static void
test_member(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf csv;
    DT_CLEANUP(dt_claims_clear) struct dt_claims claims = {0};
    struct dt_claim_result *r = NULL;
    struct dt_known_contact known[3];
    struct dt_standing *s = NULL;
    struct dt_fact facts[5];
    struct tour t;
    size_t n = 0;

    (void)state;
    tour_make(&t);
    read_file("claims.csv", &csv);
    ok(dt_claims_read(dt_buf_view(&csv), &claims));
    facts[0] = (struct dt_fact){&t.dispute, t.answer_entry[1]};
    facts[1] = (struct dt_fact){&t.contact[2], t.entry[2]};
    facts[2] = (struct dt_fact){&t.contact[1], t.entry[1]};
    facts[3] = (struct dt_fact){&t.countersign, t.answer_entry[0]};
    facts[4] = (struct dt_fact){&t.contact[0], t.entry[0]};
    ok(dt_standing_fold(facts, 5, &s, &n));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++)
        ok(dt_known_from_record(facts, &s[i], &known[i]));
    ok(dt_claims_check(&claims, known, 3, &r));
    assert_int_equal(r[9].standing, DT_STANDING_COUNTERSIGNED);
    assert_int_equal(r[10].standing, DT_STANDING_ASSERTED);
    assert_int_equal(r[11].standing, DT_STANDING_DISPUTED);
    for (size_t i = 0; i < claims.n; i++)
        assert_int_equal(r[i].n_matches, i >= 9 && i <= 11);
    dt_claim_results_free(r, claims.n);
    dt_free(s);
    tour_clear(&t);
}

/* A verdict that supports nothing supports nothing. */
static void
test_unsupported(void **state)
{
    struct dt_verify_in how = {.now_ms = NOW, .templates = w.templates};
    struct dt_known_contact known;
    struct dt_verdict v;
    struct tour t;

    (void)state;
    tour_make(&t);
    ok(dt_proof_verify(dt_buf_view(&t.files[0]), &how, &v));
    assert_int_equal(v.code, DT_VERDICT_WHOSE);
    assert_int_equal(dt_known_from_verdict(&v, &known), DT_ERR_REFUSED);
    dt_verdict_clear(&v);
    t.files[0].p[t.files[0].n / 2] ^= 1;
    how.forum = w.forum;
    ok(dt_proof_verify(dt_buf_view(&t.files[0]), &how, &v));
    assert_int_equal(dt_known_from_verdict(&v, &known), DT_ERR_REFUSED);
    dt_verdict_clear(&v);
    tour_clear(&t);
}

#define HEAD                                                                                       \
    "claim_id,contact_key,kind,date_from,date_to,date_precision,duration_min,count,party_a,party_" \
    "b,asserted_by,stance,source_document,note\n"

static void
test_rules(void **state)
{
    static const char csv[] = HEAD "a,k,call,2025-02-01,2025-02-28,month,,1,x,Y,p,announced,s,n\n"
                                   "b,k,call,2025-01-01,2025-12-31,year,,0,x,y,p,denied,s,n\n"
                                   "c,k,meeting,2025-02-12,2025-02-12,day,,1,x,y,p,announced,s,n\n"
                                   "d,k,call,2025-02-01,,range,,1,x,y,p,announced,s,n\n"
                                   "e,k,call,2024-02-12,2024-02-12,day,,,x,y,p,neither,s,n\n"
                                   "f,,call,2024-02-12,2024-02-12,day,,5,x,y,p,alleged,s,n\n";
    DT_CLEANUP(dt_claims_clear) struct dt_claims claims = {0};
    struct dt_known_contact known = {
        .entry = 4, .mode = str("call"), .n_parties = 2, .standing = DT_STANDING_ASSERTED};
    struct dt_claim_result *r = NULL;

    (void)state;
    known.parties[0] = str("Y");
    known.parties[1] = str("X"); /* names match without regard to case, sides in any order */
    ok(dt_days_from_date(2025, 2, 12, &known.from_day));
    known.to_day = known.from_day;
    ok(dt_claims_read(str(csv), &claims));
    ok(dt_claims_check(&claims, &known, 1, &r));
    assert_int_equal(r[0].standing, DT_STANDING_ASSERTED);
    assert_int_equal(r[1].standing, DT_STANDING_NO_ENTRY); /* a denial asserts no contact */
    assert_int_equal(r[2].standing, DT_STANDING_NO_ENTRY); /* another kind */
    assert_int_equal(r[3].standing, DT_STANDING_NO_ENTRY); /* no end */
    assert_int_equal(r[0].n_against, 1);                   /* the denial; not c, of the same year */
    assert_int_equal(r[1].n_against, 3);
    assert_int_equal(r[4].n_against, 0); /* "neither" contradicts nobody */
    assert_int_equal(r[5].n_against, 0); /* of no contact_key */
    dt_claim_results_free(r, claims.n);
    /* A third party at the table: not this contact. And what has no entry supports nothing. */
    known.parties[known.n_parties++] = str("z");
    ok(dt_claims_check(&claims, &known, 1, &r));
    assert_int_equal(r[0].standing, DT_STANDING_NO_ENTRY);
    dt_claim_results_free(r, claims.n);
    known.n_parties = 2;
    known.entry = DT_ENTRY_UNKNOWN;
    ok(dt_claims_check(&claims, &known, 1, &r));
    assert_int_equal(r[0].standing, DT_STANDING_NO_ENTRY);
    dt_claim_results_free(r, claims.n);
}

/* The same record in two proofs, of which one shows less: the dispute is not lost by the other. */
static void
test_same_record(void **state)
{
    static const char csv[] = HEAD "a,k,call,2025-02-12,2025-02-12,day,,1,x,y,p,announced,s,n\n";
    DT_CLEANUP(dt_claims_clear) struct dt_claims claims = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(4096);
    struct dt_known_contact known[3] = {{0}};
    struct dt_claim_result *r = NULL;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        known[i].entry = 4;
        known[i].mode = str("call");
        known[i].n_parties = 2;
        known[i].parties[0] = str("x");
        known[i].parties[1] = str("y");
        ok(dt_days_from_date(2025, 2, 12, &known[i].from_day));
        known[i].to_day = known[i].from_day;
    }
    ok(dt_claims_read(str(csv), &claims));
    for (size_t turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < 3; i++) {
            static const enum dt_standing_code codes[] = {
                DT_STANDING_COUNTERSIGNED, DT_STANDING_DISPUTED, DT_STANDING_ASSERTED};

            known[i].standing = codes[(i + turn) % 3];
        }
        ok(dt_claims_check(&claims, known, 3, &r));
        assert_int_equal(r[0].standing, DT_STANDING_DISPUTED);
        dt_claim_results_free(r, claims.n);
    }
    /* Another record of the same contact is another record. */
    known[0].standing = DT_STANDING_COUNTERSIGNED;
    known[0].entry = 9;
    known[0].withdrawn = true;
    ok(dt_claims_check(&claims, known, 3, &r));
    assert_int_equal(r[0].standing, DT_STANDING_COUNTERSIGNED);
    assert_int_equal(r[0].entry, 9);
    ok(dt_claims_write_text(&claims, r, &text));
    assert_non_null(
        memmem(text.p, text.n, "a: countersigned (entry 9); withdrawn by its author\n", 52));
    dt_claim_results_free(r, claims.n);
    /* One proof was made before its withdrawal, another one after: it is withdrawn. */
    known[1] = known[0];
    known[0].withdrawn = false;
    for (size_t turn = 0; turn < 2; turn++) {
        ok(dt_claims_check(&claims, known, 2, &r));
        assert_int_equal(r[0].standing, DT_STANDING_COUNTERSIGNED);
        assert_true(r[0].withdrawn);
        dt_claim_results_free(r, claims.n);
        known[0].withdrawn = true;
        known[1].withdrawn = false;
    }
}

/* A number that is claimed is held against the records within the claim's time, each once, whatever
 * its proofs show of it and in which order they came. */
static void
test_numbers(void **state)
{
    static const char csv[] = HEAD "a,k,call,2021-01-01,,range,,7,x,y,p,alleged,s,n\n"
                                   "b,k,call,2021-01-01,,range,,0,x,y,q,denied,s,n\n"
                                   "c,l,call,,2020-12-31,range,,2,x,y,q,asserted,s,n\n"
                                   "d,m,call,,,range,,1,x,y,q,asserted,s,n\n"
                                   "e,m,call,,,range,,3,x,y,q,neither,s,n\n";
    static const char *const dates[] = {"2020-06-01", "2021-01-01", "2024-05-05", "2024-05-05"};
    DT_CLEANUP(dt_claims_clear) struct dt_claims claims = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(4096);
    struct dt_known_contact known[6] = {{0}};
    struct dt_claim_result *r = NULL;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        uint64_t ms = 0;

        ok(dt_date_read(str(dates[i]), &ms));
        known[i].entry = i;
        known[i].mode = str("call");
        known[i].n_parties = 2;
        known[i].parties[0] = str("Y");
        known[i].parties[1] = str("x");
        known[i].from_day = known[i].to_day = (int32_t)(ms / DT_MS_DAY);
        known[i].standing = DT_STANDING_ASSERTED;
    }
    known[4] = known[3]; /* a second proof of the same record, which shows more */
    known[4].standing = DT_STANDING_COUNTERSIGNED;
    known[5] = known[2];
    known[5].entry = DT_ENTRY_UNKNOWN; /* not in the register: proves nothing */
    ok(dt_claims_read(str(csv), &claims));
    for (size_t turn = 0; turn < 6; turn++) {
        struct dt_known_contact first = known[0];

        ok(dt_claims_check(&claims, known, 6, &r));
        for (size_t i = 0; i < 2; i++) { /* a and b */
            assert_int_equal(r[i].n_proved, 3);
            assert_int_equal(r[i].n_countersigned, 1);
            assert_int_equal(r[i].n_disputed, 0);
        }
        assert_int_equal(r[2].n_proved, 1);
        text.n = 0;
        ok(dt_claims_write_text(&claims, r, &text));
        assert_true(dt_view_equal(
            dt_buf_view(&text),
            str("a: no entry; contradicted by claim b; says 7, the register proves 3, "
                "countersigned 1: the two accounts conflict\n"
                "b: no entry; contradicted by claim a; says 0, the register proves 3, "
                "countersigned 1: the two accounts conflict\n"
                "c: no entry; says 2, the register proves 1, countersigned 0\n"
                "d: no entry\ne: no entry\n")));
        dt_claim_results_free(r, claims.n);
        memmove(known, known + 1, 5 * sizeof known[0]);
        known[5] = first;
    }
    known[0].standing = DT_STANDING_DISPUTED;
    ok(dt_claims_check(&claims, known, 6, &r));
    text.n = 0;
    ok(dt_claim_say_reasons(&claims, 0, &r[0], &text));
    assert_non_null(memmem(text.p, text.n, "p, alleged: 7 x call, x - y, 2021-01-01 to ?\n", 44));
    assert_non_null(memmem(text.p, text.n, "against it: b, cannot be true", 29));
    dt_claim_results_free(r, claims.n);
}

/* A contact of more parties than are looked at is no contact of two; it breaks no check. */
static void
test_large_table(void **state)
{
    struct dt_known_contact known;
    struct dt_standing *s = NULL;
    struct dt_record r = {0};
    struct dt_record_draft d;
    struct dt_fact fact;
    size_t n = 0;

    (void)state;
    ok(dt_record_draft_init(&d, dt_templates_get_str(w.templates, "contact"), &w.letter[US],
                            w.channel, WORLD_START));
    ok(dt_record_draft_set_text(&d, "mode", str("call"), &w.charter));
    ok(dt_record_draft_set_text(&d, "initiated_by", str("both"), &w.charter));
    ok(dt_record_draft_set_text(&d, "parties", str("a;b;c;d;e;f;g;h;i"), &w.charter));
    ok(dt_record_draft_set_text(&d, "started_at", str("2025-02-12T15:00:00Z"), &w.charter));
    ok(dt_record_draft_set_text(&d, "ended_at", str("2025-02-12T16:00:00Z"), &w.charter));
    ok(dt_record_draft_set_text(&d, "time_precision", str("day"), &w.charter));
    ok(dt_record_draft_set_text(&d, "level", str("head"), &w.charter));
    ok(dt_record_draft_set_text(&d, "participants", str("all"), &w.charter));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[US]), &r));
    dt_record_draft_clear(&d);
    fact = (struct dt_fact){&r, 0};
    ok(dt_standing_fold(&fact, 1, &s, &n));
    assert_int_equal(dt_known_from_record(&fact, s, &known), DT_ERR_NOT_FOUND);
    dt_free(s);
    dt_record_clear(&r);
}

static void
test_refused(void **state)
{
    static const char *const rows[] = {
        "a,k,call,2025-02-30,,day,,1,x,y,p,announced,s,n\n",
        "a,k,call,,,hour,,1,x,y,p,announced,s,n\n",
        "a,k,call,,,day,,one,x,y,p,announced,s,n\n",
        "a,k,call,,,day,,1,x,y,p,sworn,s,n\n",
        "a b,k,call,,,day,,1,x,y,p,announced,s,n\n",
        ",k,call,,,day,,1,x,y,p,announced,s,n\n",
        "a,k,call,2025-02-02,2025-02-01,range,,1,x,y,p,announced,s,n\n",
        "a,k,call,,,open,-1,1,x,y,p,announced,s,n\n",
        "a,k,call,,,open,,1,x,y,p,announced,s,n\na,k,call,,,open,,1,x,y,p,announced,s,n\n",
    };
    struct dt_claims c = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1024];

        (void)snprintf(text, sizeof text, "%s%s", HEAD, rows[i]);
        if (dt_claims_read(str(text), &c) == DT_OK)
            fail_msg("accepted: %s", rows[i]);
        assert_non_null(strstr(dt_err_message(), "row"));
    }
    assert_int_equal(dt_claims_read(str("claim_id\n"), &c), DT_ERR_FORMAT);
    ok(dt_claims_read(str(HEAD), &c));
    dt_claims_clear(&c);
}

/* ---- held against how many entries there are ---- */

static void
test_room(void **state)
{
    static const char csv[] =
        "claim_id,contact_key,kind,date_from,date_to,date_precision,duration_min,party_a,party_b,"
        "count,asserted_by,stance,source_document,note\n"
        "enough,k,call,2024-10-05,2024-10-06,day,,a,b,3,x,announced,d,\n"
        "more,k,call,2024-10-05,2024-10-06,day,,a,b,4,x,announced,d,\n"
        "before,k,call,2020-01-01,2024-10-06,day,,a,b,5,x,reported,d,\n"
        "denied,k,call,2024-10-05,2024-10-06,day,,a,b,9,x,denied,d,\n"
        "neither,k,call,2024-10-05,2024-10-06,day,,a,b,9,x,neither,d,\n"
        "none,k,call,2024-10-05,2024-10-06,day,,a,b,0,x,announced,d,\n"
        "undated,k,call,,,unknown,,a,b,9,x,announced,d,\n"
        "uncounted,k,call,2024-10-05,2024-10-06,day,,a,b,,x,announced,d,\n";
    const uint64_t day = UINT64_C(20001) * DAY; /* 2024-10-05 */
    const struct dt_shown shown[] = {{2, day - 1, day - 1}, {5, day, day + 30 * DAY}};
    const struct dt_observed in = {.shown = shown, .n_shown = 2, .now_ms = day + 30 * DAY};
    DT_CLEANUP(dt_claims_clear) struct dt_claims claims = {0};
    DT_CLEANUP(dt_timeline_clear) struct dt_timeline t = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(4096);
    struct dt_claim_room room;

    (void)state;
    ok(dt_claims_read(str(csv), &claims));
    ok(dt_timeline_fold(&in, &t));
    dt_claim_room(&claims.claims[0], &t, &room);
    assert_true(room.counted && room.enough);
    assert_int_equal(room.entries, 3);
    assert_int_equal(room.since_ms, day);
    dt_claim_room(&claims.claims[1], &t, &room);
    assert_true(room.counted && !room.enough);
    dt_claim_room(&claims.claims[2], &t, &room);
    assert_true(room.enough);
    assert_int_equal(room.entries, 5);
    for (size_t i = 3; i < claims.n; i++) {
        dt_claim_room(&claims.claims[i], &t, &room);
        assert_false(room.counted);
    }
    ok(dt_claims_write_room(&claims, &t, &text));
    assert_true(
        dt_view_equal(dt_buf_view(&text), str("enough: claims 3; since 2024-10-05 the register "
                                              "shows 3 (entries, not contacts): there "
                                              "is room for as many, which supports nothing\n"
                                              "more: claims 4; since 2024-10-05 the register shows "
                                              "3 (entries, not contacts): not each "
                                              "can have its record there\n"
                                              "before: claims 5; since 2020-01-01 the register "
                                              "shows 5 (entries, not contacts): there "
                                              "is room for as many, which supports nothing\n")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stranger),    cmocka_unit_test(test_member),
        cmocka_unit_test(test_unsupported), cmocka_unit_test(test_rules),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_same_record),
        cmocka_unit_test(test_numbers),     cmocka_unit_test(test_large_table),
        cmocka_unit_test(test_room),
    };
    int failed;

    world_init(&w);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_clear(&w);
    return failed;
}
