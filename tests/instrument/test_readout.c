/*
 * tests/instrument/test_readout.c - a joint readout: who agrees to which line, what was changed
 * afterwards, and what may be released; in every order of the records.
 */
#include "../record/fixture.h"

#include "base/mem.h"
#include "instrument/readout.h"

#define MAX 40
#define NOW (WORLD_START + 10 * DAY)

static struct world w;

/* All records of a test, each with its entry. */
struct scene {
    struct dt_record r[MAX];
    struct dt_fact facts[MAX];
    size_t n;
};

static const struct dt_record *
added(struct scene *s)
{
    s->facts[s->n] = (struct dt_fact){&s->r[s->n], s->n};
    s->n++;
    return &s->r[s->n - 1];
}

static void
clear(struct scene *s)
{
    for (size_t i = 0; i < s->n; i++)
        dt_record_clear(&s->r[i]);
    s->n = 0;
}

static void
set(struct dt_record_draft *d, const char *name, const char *text)
{
    ok(dt_record_draft_set_text(d, name, str(text), &w.charter));
}

static const struct dt_record *
head(struct scene *s, size_t party, const char *releaser, const char *at)
{
    struct dt_record_draft d;
    char hex[65];

    dt_hex_str(hex, dt_view_of(w.channel));
    ok(dt_record_draft_init(&d, dt_templates_get_str(w.templates, "readout"), &w.letter[party],
                            w.channel, WORLD_START));
    set(&d, "contact", hex);
    set(&d, "line_no", "");
    set(&d, "line_text", "");
    set(&d, "line_status", "");
    set(&d, "releaser", releaser);
    if (at != NULL)
        set(&d, "release_at", at);
    ok(dt_record_make(&d, seed_view(w.delegate_seed[party]), &s->r[s->n]));
    dt_record_draft_clear(&d);
    return added(s);
}

static const struct dt_record *
line(struct scene *s, size_t party, const struct dt_record *of, const char *number,
     const char *languages, const char *texts, const struct dt_record *replaces)
{
    struct dt_record_draft d;

    ok(dt_record_draft_init(&d, dt_templates_get_str(w.templates, "readout_line"), &w.letter[party],
                            w.channel, WORLD_START));
    ok(dt_record_draft_set(&d, DT_READOUT_SLOT_READOUT, dt_view_of(of->commitment)));
    set(&d, "line", number);
    set(&d, "languages", languages);
    set(&d, "texts", texts);
    if (replaces != NULL)
        ok(dt_record_draft_set(&d, DT_READOUT_SLOT_REPLACES, dt_view_of(replaces->commitment)));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[party]), &s->r[s->n]));
    dt_record_draft_clear(&d);
    return added(s);
}

static void
agree(struct scene *s, size_t party, const struct dt_record *r)
{
    make_answer(&w, party, DT_ANSWER_COUNTERSIGN, r, &s->r[s->n]);
    (void)added(s);
}

static void
object(struct scene *s, size_t party, const struct dt_record *r, const char *texts)
{
    make_dispute(&w, party, r, "texts", texts, &s->r[s->n]);
    (void)added(s);
}

static void
consent(struct scene *s, size_t party, const struct dt_record *r, uint64_t slots,
        const char *audience, uint64_t expires_ms)
{
    struct dt_record_draft d;

    ok(dt_answer_draft(&d, w.templates, DT_ANSWER_CONSENT, r, &w.letter[party], WORLD_START));
    ok(dt_consent_set(&d, slots, str(audience), expires_ms, DT_CONSENT_NONE));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[party]), &s->r[s->n]));
    dt_record_draft_clear(&d);
    (void)added(s);
}

static void
fold(const struct scene *s, const struct dt_record *of, struct dt_readout *out)
{
    ok(dt_readout_fold(&w.charter, s->facts, s->n, of->commitment, NOW, out));
}

/* The fold is the same however the facts are ordered: ${check} is asked after each turn. */
static void
each_order(struct scene *s, const struct dt_record *of, void (*check)(const struct dt_readout *))
{
    for (size_t turn = 0; turn < s->n; turn++) {
        DT_CLEANUP(dt_readout_clear) struct dt_readout r = {0};
        struct dt_fact first = s->facts[0];

        fold(s, of, &r);
        check(&r);
        memmove(s->facts, s->facts + 1, (s->n - 1) * sizeof s->facts[0]);
        s->facts[s->n - 1] = first;
    }
}

static void
check_agreement(const struct dt_readout *r)
{
    assert_int_equal(r->n, 4);
    assert_true(r->agreed);
    assert_int_equal(r->releaser, DT_RELEASE_TOGETHER);
    assert_int_equal(r->release_ms, 0);
    assert_true(r->lines[0].agreed); /* the other side countersigned it */
    assert_true(r->lines[0].party[US].agrees);
    assert_true(r->lines[0].party[RUSSIA].agrees);
    assert_false(r->lines[0].party[MEDIATOR].agrees);
    assert_false(r->lines[1].agreed); /* disputed, whatever was said before */
    assert_true(r->lines[1].party[RUSSIA].objects);
    assert_false(r->lines[2].agreed); /* the mediator's, which one side alone agreed to */
    assert_true(r->lines[3].agreed);  /* disputed, and then agreed to */
    assert_int_equal(r->n_unreadable, 1);
    assert_false(dt_readout_released(r));
}

static void
test_agreement(void **state)
{
    static struct scene s;
    const struct dt_record *h, *l;

    (void)state;
    h = head(&s, US, "both_together", NULL);
    agree(&s, RUSSIA, h);
    l = line(&s, US, h, "1", "en;ru", "They met.;Vstretilis.", NULL);
    agree(&s, RUSSIA, l);
    l = line(&s, US, h, "2", "en", "They agreed.", NULL);
    agree(&s, RUSSIA, l);
    object(&s, RUSSIA, l, "They spoke.");
    l = line(&s, MEDIATOR, h, "3", "en", "They thank the host.", NULL);
    agree(&s, US, l);
    l = line(&s, RUSSIA, h, "4", "en", "They will meet again.", NULL);
    object(&s, US, l, "");
    agree(&s, US, l);
    (void)line(&s, RUSSIA, h, "5", "en;en", "One.;Two.", NULL); /* a language twice */
    /* Of another readout. */
    {
        const struct dt_record *other = head(&s, RUSSIA, "mediator", NULL);

        (void)line(&s, US, other, "1", "en", "Something else.", NULL);
    }
    each_order(&s, h, check_agreement);
    clear(&s);
}

static void
check_change(const struct dt_readout *r)
{
    assert_int_equal(r->n, 5);
    /* 1: agreed on in two languages, then changed in one. */
    assert_false(r->lines[0].agreed);
    assert_true(r->lines[0].changed);
    assert_int_equal(r->lines[0].n_differs, 1);
    assert_false(r->lines[0].differs[0]);
    assert_true(r->lines[0].differs[1]);
    assert_int_equal(r->lines[0].n_left_out, 0);
    /* 2: over a version that nobody agreed to, back to the one that all did; a language is gone. */
    assert_true(r->lines[1].changed);
    assert_int_equal(r->lines[1].n_differs, 0);
    assert_int_equal(r->lines[1].n_left_out, 1);
    /* 3: never agreed on before. */
    assert_false(r->lines[2].changed);
    /* 4: two versions that replace the same one. */
    assert_true(r->lines[3].competing && r->lines[4].competing);
    assert_false(dt_readout_line_ready(&r->lines[3]));
}

static void
test_change(void **state)
{
    static struct scene s;
    const struct dt_record *h, *l, *next;

    (void)state;
    h = head(&s, US, "either", "2025-12-01T00:00:00Z");
    l = line(&s, US, h, "1", "en;ru", "They met.;Vstretilis.", NULL);
    agree(&s, RUSSIA, l);
    (void)line(&s, RUSSIA, h, "1", "en;ru", "They met.;Ne vstretilis.", l);
    l = line(&s, US, h, "2", "en;ru", "a;b", NULL);
    agree(&s, RUSSIA, l);
    next = line(&s, US, h, "2", "en;ru", "x;y", l);
    (void)line(&s, US, h, "2", "en", "a", next);
    l = line(&s, US, h, "3", "en", "a", NULL);
    (void)line(&s, US, h, "3", "en", "b", l);
    l = line(&s, US, h, "4", "en", "a", NULL);
    (void)line(&s, US, h, "4", "en", "b", l);
    next = line(&s, RUSSIA, h, "4", "en", "c", l);
    agree(&s, US, next);
    each_order(&s, h, check_change);
    clear(&s);
}

/* Released: every side's consent to everyone, for all that is opened, not ended, in the register,
 * to the head and to each line that is ready; and a line that is not ready needs none. */
static void
test_release(void **state)
{
    static struct scene s;
    const struct dt_record *h, *l[2];
    uint64_t slots = dt_readout_line_slots(), head_slots;

    (void)state;
    h = head(&s, US, "both_together", NULL);
    head_slots = dt_readout_head_slots(h->tmpl);
    assert_int_not_equal(head_slots, 0);
    agree(&s, RUSSIA, h);
    l[0] = line(&s, US, h, "1", "en", "They met.", NULL);
    agree(&s, RUSSIA, l[0]);
    l[1] = line(&s, RUSSIA, h, "2", "en", "In Geneva.", NULL);
    agree(&s, US, l[1]);
    (void)line(&s, RUSSIA, h, "3", "en", "Not agreed.", NULL);
    for (size_t step = 0; step < 11; step++) {
        DT_CLEANUP(dt_readout_clear) struct dt_readout r = {0};

        switch (step) {
        case 1:
            consent(&s, US, h, head_slots, "public", NOW);
            break;
        case 2:
            consent(&s, RUSSIA, h, head_slots, "public", NOW);
            break;
        case 3:
            consent(&s, US, l[0], slots, "public", NOW);
            break;
        case 4:
            consent(&s, RUSSIA, l[0], slots, "public", NOW);
            break;
        case 5:
            consent(&s, US, l[1], slots, "public", NOW);
            break;
        case 6: /* to somebody else, */
            consent(&s, RUSSIA, l[1], slots, "Mira", NOW);
            break;
        case 7: /* to less, */
            consent(&s, RUSSIA, l[1], slots & ~(UINT64_C(1) << DT_READOUT_SLOT_TEXTS), "public",
                    NOW);
            break;
        case 8: /* ended, */
            consent(&s, RUSSIA, l[1], slots, "public", NOW - 1);
            break;
        case 9: /* not in the register, */
            consent(&s, RUSSIA, l[1], slots, "public", NOW);
            s.facts[s.n - 1].entry = DT_ENTRY_UNKNOWN;
            break;
        case 10: /* and there it is. */
            s.facts[s.n - 1].entry = s.n;
            break;
        default:
            break;
        }
        fold(&s, h, &r);
        assert_int_equal(dt_readout_released(&r), step == 10);
        assert_int_equal(r.lines[0].released, step >= 4);
        assert_false(r.lines[2].released);
        assert_int_equal(r.lines[1].party[RUSSIA].consents, step >= 9);
    }
    /* One that was consented to and is objected to then is not ready; the others go without it. */
    {
        DT_CLEANUP(dt_readout_clear) struct dt_readout r = {0};

        object(&s, US, l[1], "");
        fold(&s, h, &r);
        assert_false(dt_readout_line_ready(&r.lines[1]));
        assert_true(dt_readout_released(&r));
    }
    clear(&s);
}

/* Nobody hides another's word by answering again and again. */
static void
test_flood(void **state)
{
    enum { N = 100 };
    static struct dt_record r[N + 4];
    static struct dt_fact facts[N + 4];
    static struct scene s;
    const struct dt_record *h, *l;
    size_t n = 0;

    (void)state;
    h = head(&s, US, "both_together", NULL);
    l = line(&s, US, h, "1", "en", "They met.", NULL);
    agree(&s, RUSSIA, l);
    for (; n < 3; n++)
        facts[n] = s.facts[n];
    for (; n < N; n++) {
        make_answer(&w, MEDIATOR, DT_ANSWER_COUNTERSIGN, l, &r[n]);
        facts[n] = (struct dt_fact){&r[n], n};
    }
    {
        DT_CLEANUP(dt_readout_clear) struct dt_readout out = {0};

        ok(dt_readout_fold(&w.charter, facts, n, h->commitment, NOW, &out));
        assert_true(out.lines[0].agreed);
    }
    for (size_t i = 3; i < n; i++)
        dt_record_clear(&r[i]);
    clear(&s);
}

static void
test_refused(void **state)
{
    static struct scene s;
    struct dt_readout r = {0};
    const struct dt_record *h, *l;

    (void)state;
    h = head(&s, US, "both_together", NULL);
    l = line(&s, US, h, "1", "en", "They met.", NULL);
    assert_int_equal(dt_readout_fold(&w.charter, s.facts, s.n, l->commitment, NOW, &r),
                     DT_ERR_FORMAT);
    assert_int_equal(dt_readout_fold(&w.charter, s.facts, s.n, w.channel, NOW, &r),
                     DT_ERR_NOT_FOUND);
    clear(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agreement), cmocka_unit_test(test_change),
        cmocka_unit_test(test_release),   cmocka_unit_test(test_flood),
        cmocka_unit_test(test_refused),
    };
    int failed;

    world_init(&w);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_clear(&w);
    return failed;
}
