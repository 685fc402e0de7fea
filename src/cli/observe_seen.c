/*
 * cli/observe_seen.c - see observe_seen.h.
 */
#include <string.h>

#include "base/mem.h"
#include "record/charter.h"

#include "cli/observe_seen.h"

#define STANDING_MAX 900u /* bytes of it in the picture */
#define STATION_MAX  200u /* bytes of its own name; the party's comes behind it */
#define WORDS_EACH   (DT_TEMPLATE_ID_MAX + 128u + STANDING_MAX + DT_LINE_STATION_MAX)

void
observe_view_clear(struct observe_view *v)
{
    dt_timeline_clear(&v->timeline);
    dt_free(v->openings);
    dt_free(v->accounts);
    dt_free(v->tests);
    dt_buf_clear(&v->text);
}

/* At most ${max} bytes of ${text}, not ending in the middle of a letter. */
static struct dt_view
head(struct dt_view text, size_t max)
{
    if (text.n > max)
        for (text.n = max; text.n > 0 && (text.p[text.n] & 0xc0) == 0x80;)
            text.n--;
    return text;
}

/* ---- openings ---- */

static struct observe_account
account_of(const struct dt_verdict *verdict)
{
    const struct dt_proof_record *r = &verdict->records[0];

    return (struct observe_account){.entry = r->entry,
                                    .withdrawn = verdict->parties[r->party].withdrawn,
                                    .disputed = verdict->standing_code == DT_ACCOUNT_DISPUTED};
}

/* An opening is kept as it was made: a withdrawal or dispute of later days stands in a later one.
 */
static void
elsewhere(const struct observe_view *v, const struct observe_account *own,
          struct observe_account *out)
{
    *out = (struct observe_account){.entry = own->entry};
    for (size_t i = 0; i < v->n_openings; i++) {
        if (v->accounts[i].entry != own->entry)
            continue;
        out->withdrawn = out->withdrawn || (v->accounts[i].withdrawn && !own->withdrawn);
        out->disputed = out->disputed || (v->accounts[i].disputed && !own->disputed);
    }
}

void
observe_elsewhere(const struct observe_view *v, const struct dt_verdict *verdict,
                  struct observe_account *out)
{
    const struct observe_account own = account_of(verdict);

    elsewhere(v, &own, out);
}

/* Its words, copied: kind, then what its verdict and standing say. */
static enum dt_err
put_opening(struct observe_view *v, const struct dt_observer_opening *info,
            const struct dt_verdict *verdict)
{
    struct dt_seen_opening *s = &v->openings[v->n_openings];
    const struct dt_proof_record *r = &verdict->records[0];
    enum dt_err err;

    v->accounts[v->n_openings] = account_of(verdict);
    s->entry = r->entry;
    s->time_ms = r->entry_ms != 0 ? r->entry_ms : info->first_ms;
    s->kind.n = dt_template_id(r->tmpl).n;
    s->kind.p = v->text.p + v->text.n;
    if ((err = dt_buf_append(&v->text, dt_template_id(r->tmpl))) != DT_OK)
        return err;
    s->verdict.p = v->text.p + v->text.n;
    if ((err = dt_buf_printf(&v->text, "%s; ", dt_verdict_name(verdict->code))) != DT_OK ||
        (err = dt_buf_append(&v->text, head(dt_buf_view(&verdict->standing), STANDING_MAX))) !=
            DT_OK)
        return err;
    s->verdict.n = (size_t)(v->text.p + v->text.n - s->verdict.p);
    v->n_openings++;
    return DT_OK;
}

/* ---- line tests ---- */

/* The opened value of field ${name}; false when it is not opened. */
static bool
field(const struct dt_proof_record *r, const char *name, struct dt_view *out)
{
    size_t slot = 0;

    if (dt_template_slot_find(r->tmpl, dt_view_str(name), &slot) != DT_OK ||
        (r->opened >> slot & 1) == 0 || r->slots[slot].value.n == 0)
        return false;
    *out = r->slots[slot].value;
    return true;
}

/* A number or time; 0 when it is not opened, or none. */
static uint64_t
number(const struct dt_proof_record *r, const char *name)
{
    struct dt_view v = {0};
    uint64_t x = 0;

    return field(r, name, &v) && dt_value_u64(v, &x) == DT_OK ? x : 0;
}

/* The first answer to it by another party that the file shows. */
static void
find_answer(const struct dt_verdict *verdict, struct dt_line_test *t)
{
    for (size_t i = 1; i < verdict->n_records && !t->answered; i++) {
        const struct dt_proof_record *r = &verdict->records[i];

        if (r->party == verdict->records[0].party ||
            (r->answer != DT_ANSWER_RECEIPT && r->answer != DT_ANSWER_COUNTERSIGN &&
             r->answer != DT_ANSWER_ANSWER))
            continue;
        t->answered = true;
        t->answer_held = r->state != DT_ENTRY_NONE;
        t->answer_entry = r->entry;
    }
}

/* If it is a line test whose station and number are opened, it counts as one. */
static enum dt_err
put_test(struct observe_view *v, const struct observe_rules *rules,
         const struct dt_observer_opening *info, const struct dt_verdict *verdict)
{
    const struct dt_proof_record *r = &verdict->records[0];
    struct dt_line_test *t = &v->tests[v->n_tests];
    struct dt_deadline_rule owed;
    struct dt_view station = {0}, n = {0}, status = {0};
    uint16_t place = 0;
    enum dt_err err;

    if (!r->template_known ||
        !dt_view_equal(dt_template_id(r->tmpl), dt_view_str(DT_LINE_TEST_TEMPLATE)) ||
        !field(r, "station", &station) || !field(r, "number", &n) ||
        dt_value_u64(n, &t->number) != DT_OK)
        return DT_OK;
    t->station.p = v->text.p + v->text.n;
    if ((err = dt_buf_append(&v->text, head(station, STATION_MAX))) != DT_OK ||
        (err = dt_buf_append(&v->text, dt_view_str(" ("))) != DT_OK ||
        (err = dt_buf_append(&v->text, verdict->charter->parties[r->party].name)) != DT_OK ||
        (err = dt_buf_append(&v->text, dt_view_str(")"))) != DT_OK)
        return err;
    t->station.n = (size_t)(v->text.p + v->text.n - t->station.p);
    t->entry = r->entry;
    t->time_ms = r->entry_ms != 0 ? r->entry_ms : info->first_ms;
    t->stated_ms = number(r, "@written_at");
    if (field(r, "status", &status) && dt_value_enum(status, &place) == DT_OK)
        t->status = place;
    t->outage_until_ms = number(r, "outage_until");
    dt_template_deadline(r->tmpl, &owed);
    t->every_ms = rules->line_tests_ms != 0        ? rules->line_tests_ms
                  : owed.kind == DT_DEADLINE_EVERY ? owed.span_ms
                                                   : 0;
    (void)dt_template_ack(r->tmpl, &t->answer_within_ms);
    find_answer(verdict, t);
    v->n_tests++;
    return DT_OK;
}

/* ---- all of it ---- */

static enum dt_err
collect(struct observe_view *v, const struct observe_rules *rules)
{
    size_t n = dt_observer_openings(v->observer);
    enum dt_err err = DT_OK;

    dt_buf_init(&v->text, n * WORDS_EACH + 1);
    v->openings = dt_alloc(n + 1, sizeof *v->openings);
    v->accounts = dt_alloc(n + 1, sizeof *v->accounts);
    v->tests = dt_alloc(n + 1, sizeof *v->tests);
    if (v->openings == NULL || v->accounts == NULL || v->tests == NULL)
        return dt_nomem();
    /* All at once, so that the views stay where they are. */
    if ((err = dt_buf_reserve(&v->text, v->text.max)) != DT_OK)
        return err;
    for (size_t i = 0; i < n && err == DT_OK; i++) {
        DT_CLEANUP(dt_verdict_clear) struct dt_verdict verdict = {0};
        struct dt_observer_opening info;

        if ((err = dt_observer_opening(v->observer, i, &info, &verdict)) != DT_OK)
            return err;
        if (verdict.code == DT_VERDICT_REFUSED)
            continue;
        if ((err = put_opening(v, &info, &verdict)) == DT_OK)
            err = put_test(v, rules, &info, &verdict);
    }
    for (size_t i = 0; i < v->n_openings; i++) {
        struct observe_account more;

        elsewhere(v, &v->accounts[i], &more);
        v->openings[i].more = dt_view_str(more.withdrawn && more.disputed
                                              ? "; another opening shows it disputed and withdrawn"
                                          : more.withdrawn ? "; another opening shows it withdrawn"
                                          : more.disputed  ? "; another opening shows it disputed"
                                                           : "");
    }
    return err;
}

enum dt_err
observe_view_make(struct dt_observer *observer, const struct observe_rules *rules,
                  struct observe_view *out)
{
    enum dt_err err;

    out->observer = observer;
    if ((err = collect(out, rules)) != DT_OK)
        return err;
    dt_observer_seen(observer, &out->seen);
    out->seen.cadence = rules->cadence;
    out->seen.late_after_ms = rules->late_after_ms;
    out->seen.tests = out->tests;
    out->seen.n_tests = out->n_tests;
    return dt_timeline_fold(&out->seen, &out->timeline);
}
