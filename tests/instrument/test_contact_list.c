/*
 * tests/instrument/test_contact_list.c - the table of contacts: standings, differences, filters,
 * counts against a slow count, the picture; and private notes read from tables.
 */
#include "../record/fixture.h"

#include "base/mem.h"
#include "instrument/contact_list.h"

static struct world w;

static const char table_text[] = "nr,begins,ends,land,how,what\n"
                                 "1,1951-05-03,1951-05-06,France,,\"two\nlines\"\n"
                                 "2,1998-07,,Peru,call,\n"
                                 "3,2025-02-12T15:00:00Z,2025-02-12T15:10:00Z,France,meeting,x\n"
                                 "4,1900,,france,meeting,\n";

static struct dt_note_rule
rule(enum dt_note_rule_kind kind, const char *field, const char *name, const char *to)
{
    return (struct dt_note_rule){
        .kind = kind, .field = str(field), .name = str(name), .to = str(to)};
}

/* The rules for the table above; the last one may be left out. */
#define N_RULES 8u
static void
usual(struct dt_note_rule r[N_RULES])
{
    r[0] = rule(DT_NOTE_COLUMN, "id", "nr", "");
    r[1] = rule(DT_NOTE_COLUMN, "from", "begins", "");
    r[2] = rule(DT_NOTE_COLUMN, "to", "ends", "");
    r[3] = rule(DT_NOTE_SET, "party", "United States", "");
    r[4] = rule(DT_NOTE_COLUMN, "party", "land", "");
    r[5] = rule(DT_NOTE_COLUMN, "mode", "how", "");
    r[6] = rule(DT_NOTE_VALUE, "mode", "", "letter");
    r[7] = rule(DT_NOTE_COLUMN, "remark", "what", "");
}

static void
field(const char *name, struct dt_field *out)
{
    const struct dt_template *t = dt_templates_get_str(w.templates, "contact");
    size_t slot = 0;

    ok(dt_template_slot_find(t, str(name), &slot));
    dt_template_slot(t, slot, out);
}

static enum dt_err
notes(const struct dt_csv *t, const struct dt_note_rule *r, size_t n, struct dt_notes *out)
{
    struct dt_field mode, level;

    field("mode", &mode);
    field("level", &level);
    return dt_notes_from_csv(t, r, n, &mode, &level, out);
}

static void
test_when(void **state)
{
    static const struct {
        const char *text;
        int64_t days;
        enum dt_time_precision precision;
    } good[] = {{"1970-01-01", 0, DT_TIME_DAY},       {"1969-12-31", -1, DT_TIME_DAY},
                {"1900", -25567, DT_TIME_YEAR},       {"2000-02-29", 11016, DT_TIME_DAY},
                {"0001-01-01", -719162, DT_TIME_DAY}, {"2025-03", 20148, DT_TIME_MONTH}};
    static const char *const bad[] = {"",
                                      "1900-02-29",
                                      "2025-13",
                                      "2025-00",
                                      "25",
                                      "2025-1-1",
                                      "2025/01/01",
                                      "2025-01-32",
                                      "+025",
                                      "0000",
                                      "1969-12-31T00:00:00Z",
                                      "2025-02-12T15:00"};
    enum dt_time_precision p;
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char again[DT_TIME_STR];

        ok(dt_when_read(str(good[i].text), &ms, &p));
        assert_int_equal(ms, good[i].days * (int64_t)DAY);
        assert_int_equal(p, good[i].precision);
        assert_int_equal(dt_when_day(ms), good[i].days);
        assert_int_equal(dt_when_day(ms + (int64_t)DAY - 1), good[i].days);
        dt_contact_when_str(ms, p, again);
        assert_string_equal(again, good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_not_equal(dt_when_read(str(bad[i]), &ms, &p), DT_OK);
    ok(dt_when_read(str("2025-02-12T15:00:00Z"), &ms, &p));
    assert_int_equal(p, DT_TIME_EXACT);
}

static void
test_notes(void **state)
{
    static const char *const wrong[][2] = {
        {"nr,begins,ends,land,how,what\n1,,,France,call,\n", "row 1: when it began"},
        {"nr,begins,ends,land,how,what\n1,1951-05-03,1951-05-02,France,call,\n",
         "row 1: it ends before"},
        {"nr,begins,ends,land,how,what\n1,1951-05-03,,,call,\n", "row 1: a contact is between two"},
        {"nr,begins,ends,land,how,what\n1,1951-05-03,,France,shout,\n",
         "row 1: 'shout' is no mode"},
        {"nr,begins,ends,land,how,what\n1,1951,,France,call,\n2,1951-02-30,,France,call,\n",
         "row 2, from"},
        {"nr,begins,ends,land,how,what\n1,1951,,\"Fra\nnce\",call,\n", "row 1: party is not one"},
    };
    DT_CLEANUP(dt_csv_clear) struct dt_csv t = {0};
    DT_CLEANUP(dt_notes_clear) struct dt_notes n = {0};
    DT_CLEANUP(dt_notes_clear) struct dt_notes back = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(65536);
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(65536);
    struct dt_note_rule r[N_RULES + 1];

    (void)state;
    usual(r);
    ok(dt_csv_read(str(table_text), &t));
    ok(notes(&t, r, N_RULES, &n));
    assert_int_equal(n.n, 4);
    assert_true(dt_view_equal(n.notes[0].text[DT_NOTE_MODE], str("letter")));
    assert_true(dt_view_equal(n.notes[1].text[DT_NOTE_MODE], str("call")));
    assert_int_equal(n.notes[1].precision, DT_TIME_MONTH);
    assert_int_equal(n.notes[1].ended_ms, n.notes[1].started_ms);
    assert_true(n.notes[0].started_ms < 0);
    ok(dt_notes_encode(&n, &bytes));
    ok(dt_notes_decode(dt_buf_view(&bytes), &back));
    ok(dt_notes_encode(&back, &again));
    assert_true(dt_view_equal(dt_buf_view(&bytes), dt_buf_view(&again)));
    for (size_t cut = 0; cut < bytes.n; cut++) {
        struct dt_notes none = {0};

        assert_int_not_equal(dt_notes_decode(dt_view(bytes.p, cut), &none), DT_OK);
        assert_null(none.notes);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        DT_CLEANUP(dt_csv_clear) struct dt_csv bad = {0};
        struct dt_notes none = {0};

        ok(dt_csv_read(str(wrong[i][0]), &bad));
        assert_int_not_equal(notes(&bad, r, N_RULES, &none), DT_OK);
        if (strstr(dt_err_message(), wrong[i][1]) == NULL)
            fail_msg("%s", dt_err_message());
        assert_int_equal(none.n, 0);
    }
    r[N_RULES] = rule(DT_NOTE_COLUMN, "from", "ends", "");
    assert_int_equal(notes(&t, r, N_RULES + 1, &back), DT_ERR_USAGE); /* said twice */
    r[N_RULES] = rule(DT_NOTE_SET, "weather", "fair", "");
    assert_int_equal(notes(&t, r, N_RULES + 1, &back), DT_ERR_USAGE); /* no field */
    r[N_RULES] = rule(DT_NOTE_COLUMN, "place", "where", "");
    assert_int_equal(notes(&t, r, N_RULES + 1, &back), DT_ERR_USAGE); /* no column */
}

/* The fold over ${facts} in one order after the other gives one and the same table. */
static void
test_table(void **state)
{
    enum { N = 7 };
    struct dt_record r[N] = {0};
    struct dt_fact facts[N];
    struct dt_view both[2] = {str("RUSSIA"), str("United states")}, other[1] = {str("Peru")};
    struct dt_contact_filter all = {0}, pair = {.between = both, .n_between = 2};
    struct dt_contact_filter none = {.between = other, .n_between = 1},
                             here = {.channel = w.channel};
    uint8_t elsewhere[32] = {1};

    (void)state;
    make_contact(&w, US, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "exact", &r[0]);
    make_contact(&w, RUSSIA, "2025-01-10T00:00:00Z", "2025-01-12T00:00:00Z", "day", &r[1]);
    make_answer(&w, RUSSIA, DT_ANSWER_COUNTERSIGN, &r[0], &r[2]);
    make_dispute(&w, US, &r[1], "level", "envoy", &r[3]);
    make_dispute(&w, MEDIATOR, &r[1], "level", "official", &r[4]);
    make_answer(&w, MEDIATOR, DT_ANSWER_COUNTERSIGN, &r[1],
                &r[5]);                                       /* which takes its dispute back */
    make_dispute(&w, RUSSIA, &r[0], "level", "envoy", &r[6]); /* not in the register: the last */
    for (size_t i = 0; i < N; i++)
        facts[i] = (struct dt_fact){&r[i], i == 6 ? DT_ENTRY_UNKNOWN : i};
    for (size_t turn = 0; turn < N; turn++) {
        DT_CLEANUP(dt_contact_list_clear) struct dt_contact_list l = {0};
        struct dt_fact first = facts[0];
        const struct dt_contact *c;
        uint16_t place = 0;

        ok(dt_contact_list_fold(facts, N, NULL, 0, r[1].commitment, 1, &all, &l));
        assert_int_equal(l.n, 2);
        c = &l.contacts[0]; /* the earlier one */
        assert_true(facts[c->place].record == &r[1]);
        assert_int_equal(c->standing, DT_STANDING_DISPUTED);
        assert_true(c->opened);
        assert_true(c->has_duration);
        assert_int_equal(c->duration_ms, 3 * DAY);
        assert_int_equal(c->n_differences, 1); /* of the one dispute that stands */
        assert_true(facts[l.differences[c->first_difference].fact].record == &r[3]);
        ok(dt_value_enum(l.differences[c->first_difference].value, &place));
        assert_int_equal(place, 3); /* envoy */
        c = &l.contacts[1];
        assert_int_equal(c->standing, DT_STANDING_DISPUTED);
        assert_false(c->opened);
        assert_int_equal(c->duration_ms, 90 * DT_MS_MINUTE);
        assert_int_equal(c->n_differences, 1);
        assert_false(c->in_channel);
        memmove(facts, facts + 1, (N - 1) * sizeof *facts);
        facts[N - 1] = first;
    }
    for (size_t i = 0; i < 4; i++) {
        const struct dt_contact_filter since = {.has_since = true,
                                                .since_ms = (int64_t)(20100 * DAY)};
        const struct dt_contact_filter *f[4] = {&pair, &none, &here, &since};
        const size_t want[4] = {2, 0, 2, 1}; /* 20100: 2025-01-12 */
        DT_CLEANUP(dt_contact_list_clear) struct dt_contact_list l = {0};

        ok(dt_contact_list_fold(facts, N, NULL, 0, NULL, 0, f[i], &l));
        assert_int_equal(l.n, want[i]);
    }
    here.channel = elsewhere;
    for (size_t i = 0; i < 1; i++) {
        DT_CLEANUP(dt_contact_list_clear) struct dt_contact_list l = {0};

        ok(dt_contact_list_fold(facts, N, NULL, 0, NULL, 0, &here, &l));
        assert_int_equal(l.n, 0);
    }
    for (size_t i = 0; i < N; i++)
        dt_record_clear(&r[i]);
}

/* ---- counts ---- */

static uint32_t chance = 12345;

static uint32_t
draw(uint32_t n)
{
    chance = chance * 1103515245u + 12345u;
    return (chance >> 16) % n;
}

static bool
same_letters(struct dt_view a, struct dt_view b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if ((a.p[i] | 0x20) != (b.p[i] | 0x20))
            return false;
    return true;
}

/* Does each party of ${a} stand in ${b}? The slow, obvious way. */
static bool
within(const struct dt_contact *a, const struct dt_contact *b)
{
    for (size_t i = 0; i < a->n_parties; i++) {
        bool found = false;

        for (size_t k = 0; k < b->n_parties; k++)
            found = found || same_letters(a->parties[i], b->parties[k]);
        if (!found)
            return false;
    }
    return true;
}

static int
year_of(const struct dt_contact *c)
{
    int year = 0, month = 0;

    dt_contact_year_month(c, &year, &month);
    return year;
}

/* Notes at random, some with a party twice, in any order and spelling: every count is what counting
 * one by one gives, and all of them together are all. */
static void
test_counts(void **state)
{
    enum { N = 400 };
    static const char *const names[] = {"France", "FRANCE", "Peru", "peru", "Mali", "Chad"};
    static struct dt_contact_note note[N];
    const struct dt_contact_filter all = {0};

    (void)state;
    for (size_t round = 0; round < 20; round++) {
        DT_CLEANUP(dt_contact_list_clear) struct dt_contact_list l = {0};
        DT_CLEANUP(dt_free_p) struct dt_contact_count *counts = NULL;
        size_t n = 0, total = 0;

        memset(note, 0, sizeof note);
        for (size_t i = 0; i < N; i++) {
            note[i].precision = DT_TIME_DAY;
            note[i].started_ms = note[i].ended_ms = ((int64_t)draw(1200) - 600) * (int64_t)DAY;
            note[i].n_parties = 2 + draw(2);
            for (size_t k = 0; k < note[i].n_parties; k++)
                note[i].party[k] = str(names[draw(6)]);
        }
        ok(dt_contact_list_fold(NULL, 0, note, N, NULL, 0, &all, &l));
        assert_int_equal(l.n, N);
        for (size_t i = 1; i < N; i++)
            assert_true(l.contacts[i - 1].started_ms <= l.contacts[i].started_ms);
        ok(dt_contact_counts(&l, &counts, &n));
        for (size_t i = 0; i < n; i++) {
            size_t slow = 0;

            for (size_t k = 0; k < N; k++)
                slow += year_of(&l.contacts[k]) == counts[i].year &&
                        within(&l.contacts[k], counts[i].first) &&
                        within(counts[i].first, &l.contacts[k]);
            assert_int_equal(counts[i].n, slow);
            assert_int_equal(counts[i].notes, slow);
            total += counts[i].n;
        }
        assert_int_equal(total, N);
    }
}

/* ---- the picture ---- */

static bool
has(const struct dt_buf *b, const char *text)
{
    for (size_t i = 0; i + strlen(text) <= b->n; i++)
        if (memcmp(b->p + i, text, strlen(text)) == 0)
            return true;
    return false;
}

/* No text of a table becomes markup; any span of years has at most so many columns. */
static void
test_svg(void **state)
{
    struct dt_contact_note note[2] = {0};
    const struct dt_contact_filter all = {0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        note[i].precision = DT_TIME_YEAR;
        note[i].n_parties = 2;
        note[i].party[0] = str("<script>&\"");
        note[i].party[1] = str("B\xe2\x80\xae"
                               "C");
        note[i].text[DT_NOTE_MODE] = str("call");
    }
    for (int64_t years = 0; years < 9000; years = years * 3 + 1) {
        DT_CLEANUP(dt_contact_list_clear) struct dt_contact_list l = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf svg = DT_BUF_INIT(DT_CONTACT_SVG_MAX);

        note[0].started_ms = note[0].ended_ms = INT64_C(-700000) * (int64_t)DAY;
        note[1].started_ms = note[1].ended_ms = (INT64_C(-700000) + years * 366) * (int64_t)DAY;
        ok(dt_contact_list_fold(NULL, 0, note, 2, NULL, 0, &all, &l));
        ok(dt_contact_svg(&l, str("Contacts <of> all"), &svg));
        assert_false(has(&svg, "<script"));
        assert_false(has(&svg, "\xe2\x80\xae"));
        assert_true(has(&svg, "&lt;script&gt;&amp;&quot; - B???C"));
        assert_true(has(&svg, "private notes, which prove nothing: 2"));
        assert_true(has(&svg, "Contacts &lt;of&gt; all"));
    }
    for (size_t i = 0; i < 1; i++) {
        DT_CLEANUP(dt_contact_list_clear) struct dt_contact_list l = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf svg = DT_BUF_INIT(DT_CONTACT_SVG_MAX);

        ok(dt_contact_list_fold(NULL, 0, NULL, 0, NULL, 0, &all, &l));
        ok(dt_contact_svg(&l, str("None"), &svg));
        assert_true(has(&svg, "0 contacts."));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when),   cmocka_unit_test(test_notes), cmocka_unit_test(test_table),
        cmocka_unit_test(test_counts), cmocka_unit_test(test_svg),
    };
    int failed;

    world_init(&w);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_clear(&w);
    return failed;
}
