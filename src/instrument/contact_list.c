/*
 * instrument/contact_list.c - see contact_list.h.
 *
 * Source: docs/protocol-record.md, "Contacts". Layer: instrument.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "instrument/contact_list.h"

void
dt_contact_list_clear(struct dt_contact_list *l)
{
    if (l == NULL)
        return;
    dt_free(l->contacts);
    dt_free(l->differences);
    *l = (struct dt_contact_list){0};
}

/* ---- names ---- */

static uint8_t
lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static int
name_cmp(struct dt_view a, struct dt_view b)
{
    for (size_t i = 0; i < a.n && i < b.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return lower(a.p[i]) < lower(b.p[i]) ? -1 : 1;
    return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

static bool
has_party(const struct dt_contact *c, struct dt_view name)
{
    for (size_t i = 0; i < c->n_parties; i++)
        if (name_cmp(c->parties[i], name) == 0)
            return true;
    return false;
}

static void
add_party(struct dt_contact *c, struct dt_view name)
{
    if (c->n_parties == DT_CONTACT_PARTIES)
        c->n_more++;
    else
        c->parties[c->n_parties++] = name;
}

static bool
wanted(const struct dt_contact *c, const struct dt_contact_filter *f)
{
    if (f->has_since && c->started_ms < f->since_ms)
        return false;
    for (size_t i = 0; i < f->n_between; i++)
        if (!has_party(c, f->between[i]))
            return false;
    return true;
}

static void
set_duration(struct dt_contact *c)
{
    if (c->ended_ms < c->started_ms || c->precision == DT_TIME_MONTH ||
        c->precision == DT_TIME_YEAR)
        return;
    c->has_duration = true;
    /* Of days, each that it touches. */
    c->duration_ms =
        c->precision == DT_TIME_EXACT
            ? (uint64_t)(c->ended_ms - c->started_ms)
            : (uint64_t)(dt_when_day(c->ended_ms) - dt_when_day(c->started_ms) + 1) * DT_MS_DAY;
}

/* ---- from records ---- */

/* The name of the value of the enum ${name} of ${r}; empty when it has none. */
static struct dt_view
enum_name(const struct dt_record *r, const char *name)
{
    const struct dt_slot *s = dt_record_get(r, name);
    struct dt_field f;
    uint16_t place = 0;
    size_t index = 0;

    if (s == NULL || dt_template_slot_find(r->tmpl, dt_view_str(name), &index) != DT_OK ||
        dt_value_enum(s->value, &place) != DT_OK)
        return dt_view(NULL, 0);
    dt_template_slot(r->tmpl, index, &f);
    return place >= 1 && place <= f.n_values ? f.values[place - 1] : dt_view(NULL, 0);
}

static int64_t
time_of(const struct dt_record *r, const char *name)
{
    const struct dt_slot *s = dt_record_get(r, name);
    uint64_t ms = 0;

    return s != NULL && dt_value_u64(s->value, &ms) == DT_OK ? (int64_t)ms : 0;
}

static enum dt_time_precision
precision_of(const struct dt_record *r)
{
    const struct dt_slot *s = dt_record_get(r, "time_precision");
    uint16_t place = 0;

    return s != NULL && dt_value_enum(s->value, &place) == DT_OK && place >= DT_TIME_EXACT &&
                   place <= DT_TIME_YEAR
               ? (enum dt_time_precision)place
               : DT_TIME_YEAR;
}

static void
from_record(const struct dt_fact *facts, const struct dt_standing *s, struct dt_contact *out)
{
    const struct dt_record *r = facts[s->fact].record;
    const struct dt_slot *parties = dt_record_get(r, "parties");
    const struct dt_slot *initiated = dt_record_get(r, "initiated_by");
    struct dt_view rest = parties != NULL ? parties->value : dt_view(NULL, 0), item = {0};

    *out = (struct dt_contact){.place = s->fact,
                               .entry = facts[s->fact].entry,
                               .standing = s->code,
                               .withdrawn = s->withdrawn,
                               .precision = precision_of(r),
                               .started_ms = time_of(r, "started_at"),
                               .ended_ms = time_of(r, "ended_at"),
                               .mode = enum_name(r, "mode"),
                               .level = enum_name(r, "level")};
    while (dt_value_list_next(&rest, &item))
        add_party(out, item);
    if (initiated != NULL)
        out->initiated_by = initiated->value;
    out->in_channel = dt_view_equal(out->mode, dt_view_str("message"));
    set_duration(out);
}

/* Is the answer at ${i} of ${s} its party's last account? */
static bool
is_last(const struct dt_fact *facts, const struct dt_standing *s, size_t i)
{
    const uint8_t *party = facts[s->answers[i].fact].record->author.party;

    for (size_t k = i + 1; k < s->n_answers; k++)
        if ((s->answers[k].answer == DT_ANSWER_COUNTERSIGN ||
             s->answers[k].answer == DT_ANSWER_DISPUTE) &&
            memcmp(facts[s->answers[k].fact].record->author.party, party, 32) == 0)
            return false;
    return true;
}

static enum dt_err
add_difference(struct dt_contact_list *l, size_t *cap, size_t fact, size_t slot,
               struct dt_view value)
{
    if (l->n_differences == *cap) {
        size_t more = *cap == 0 ? 16 : 2 * *cap;
        struct dt_contact_difference *d = dt_realloc(l->differences, more, sizeof *d);

        if (d == NULL)
            return dt_nomem();
        l->differences = d;
        *cap = more;
    }
    l->differences[l->n_differences++] =
        (struct dt_contact_difference){.fact = fact, .slot = slot, .value = value};
    return DT_OK;
}

/* What the disputes that still stand say, in the order of their entries. */
static enum dt_err
differences(const struct dt_fact *facts, const struct dt_standing *s, struct dt_contact_list *l,
            size_t *cap, struct dt_contact *c)
{
    const struct dt_template *tmpl = facts[s->fact].record->tmpl;

    c->first_difference = l->n_differences;
    for (size_t i = 0; i < s->n_answers; i++) {
        const struct dt_slot *values;
        struct dt_view rest;
        struct dt_value_pair pair;

        if (s->answers[i].answer != DT_ANSWER_DISPUTE || !is_last(facts, s, i))
            continue;
        values = dt_record_get(facts[s->answers[i].fact].record, "values");
        rest = values != NULL ? values->value : dt_view(NULL, 0);
        while (dt_value_map_next(&rest, &pair)) {
            size_t slot = 0;
            enum dt_err err;

            if (dt_template_slot_find(tmpl, pair.key, &slot) != DT_OK)
                continue; /* no field of a contact */
            if ((err = add_difference(l, cap, s->answers[i].fact, slot, pair.value)) != DT_OK)
                return err;
        }
    }
    c->n_differences = l->n_differences - c->first_difference;
    return DT_OK;
}

static bool
is_open(const struct dt_record *r, const uint8_t *opened, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(opened + 32 * i, r->commitment, 32) == 0)
            return true;
    return false;
}

/* ---- from notes ---- */

static void
from_note(const struct dt_contact_note *note, size_t place, struct dt_contact *out)
{
    *out = (struct dt_contact){.note = true,
                               .place = place,
                               .entry = DT_ENTRY_UNKNOWN,
                               .precision = note->precision,
                               .started_ms = note->started_ms,
                               .ended_ms = note->ended_ms,
                               .mode = note->text[DT_NOTE_MODE],
                               .level = note->text[DT_NOTE_LEVEL],
                               .initiated_by = note->text[DT_NOTE_INITIATED_BY]};
    for (size_t i = 0; i < note->n_parties; i++)
        add_party(out, note->party[i]);
    set_duration(out);
}

/* ---- the fold ---- */

static int
contact_cmp(const void *x, const void *y)
{
    const struct dt_contact *a = x, *b = y;

    if (a->started_ms != b->started_ms)
        return a->started_ms < b->started_ms ? -1 : 1;
    if (a->note != b->note)
        return a->note ? 1 : -1;
    if (a->entry != b->entry)
        return a->entry < b->entry ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

enum dt_err
dt_contact_list_fold(const struct dt_fact *facts, size_t n, const struct dt_contact_note *notes,
                     size_t n_notes, const uint8_t *opened, size_t n_opened,
                     const struct dt_contact_filter *filter, struct dt_contact_list *out)
{
    DT_CLEANUP(dt_contact_list_clear) struct dt_contact_list l = {0};
    DT_CLEANUP(dt_free_p) struct dt_standing *standing = NULL;
    size_t n_standing = 0, cap = 0;
    enum dt_err err;

    if ((err = dt_standing_fold(facts, n, &standing, &n_standing)) != DT_OK)
        return err;
    l.contacts = dt_alloc(n_standing + n_notes + 1, sizeof *l.contacts);
    if (l.contacts == NULL)
        return dt_nomem();
    for (size_t i = 0; i < n_standing; i++) {
        const struct dt_record *r = facts[standing[i].fact].record;
        struct dt_contact *c = &l.contacts[l.n];

        if (!dt_view_equal(r->header.template_id, dt_view_str("contact")) ||
            (filter->channel != NULL && memcmp(r->channel, filter->channel, 32) != 0))
            continue;
        from_record(facts, &standing[i], c);
        if (!wanted(c, filter))
            continue;
        c->opened = is_open(r, opened, n_opened);
        if ((err = differences(facts, &standing[i], &l, &cap, c)) != DT_OK)
            return err;
        l.n++;
    }
    for (size_t i = 0; i < n_notes && filter->channel == NULL && !filter->no_notes; i++) {
        from_note(&notes[i], i, &l.contacts[l.n]);
        l.n += wanted(&l.contacts[l.n], filter);
    }
    qsort(l.contacts, l.n, sizeof *l.contacts, contact_cmp);
    *out = l;
    l = (struct dt_contact_list){0};
    return DT_OK;
}

/* ---- words ---- */

void
dt_contact_year_month(const struct dt_contact *c, int *out_year, int *out_month)
{
    int day = 0;

    dt_date_from_days(dt_when_day(c->started_ms), out_year, out_month, &day);
}

void
dt_contact_when_str(int64_t ms, enum dt_time_precision precision, char out[static DT_TIME_STR])
{
    int year = 0, month = 0, day = 0;

    if (precision == DT_TIME_EXACT && ms >= 0) {
        dt_time_str(out, (uint64_t)ms);
        return;
    }
    dt_date_from_days(dt_when_day(ms), &year, &month, &day);
    if (precision == DT_TIME_YEAR)
        (void)snprintf(out, DT_TIME_STR, "%04d", year);
    else if (precision == DT_TIME_MONTH)
        (void)snprintf(out, DT_TIME_STR, "%04d-%02d", year, month);
    else
        (void)snprintf(out, DT_TIME_STR, "%04d-%02d-%02d", year, month, day);
}

void
dt_contact_when(const struct dt_contact *c, char out[static DT_TIME_STR])
{
    dt_contact_when_str(c->started_ms, c->precision, out);
}

const char *
dt_contact_standing(const struct dt_contact *c)
{
    if (c->note)
        return "private note";
    return dt_standing_name(c->standing);
}

enum dt_err
dt_contact_between(const struct dt_contact *c, struct dt_buf *out)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < c->n_parties && err == DT_OK; i++)
        if (i == 0 || (err = dt_buf_append(out, dt_view_str(" - "))) == DT_OK)
            err = dt_buf_append(out, c->parties[i]);
    if (err == DT_OK && c->n_more > 0)
        err = dt_buf_printf(out, " and %zu more", c->n_more);
    return err;
}

/* ---- counts ---- */

/* A contact with its parties in order, each name once, so that who met whom can be compared. */
struct met {
    const struct dt_contact *c;
    int year;
    struct dt_view name[DT_CONTACT_PARTIES];
    size_t n;
};

static void
met_init(struct met *m, const struct dt_contact *c)
{
    int month = 0;

    *m = (struct met){.c = c};
    dt_contact_year_month(c, &m->year, &month);
    for (size_t i = 0; i < c->n_parties; i++) {
        size_t at = m->n;

        while (at > 0 && name_cmp(m->name[at - 1], c->parties[i]) > 0)
            at--;
        if (at > 0 && name_cmp(m->name[at - 1], c->parties[i]) == 0)
            continue;
        memmove(&m->name[at + 1], &m->name[at], (m->n - at) * sizeof m->name[0]);
        m->name[at] = c->parties[i];
        m->n++;
    }
}

/* Year, then names, then those not shown: 0 when both are one pair in one year. */
static int
pair_cmp(const struct met *a, const struct met *b)
{
    if (a->year != b->year)
        return a->year < b->year ? -1 : 1;
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        int order = name_cmp(a->name[i], b->name[i]);

        if (order != 0)
            return order;
    }
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    return a->c->n_more < b->c->n_more ? -1 : a->c->n_more > b->c->n_more;
}

static int
met_cmp(const void *x, const void *y)
{
    const struct met *a = x, *b = y;
    int order = pair_cmp(a, b);

    return order != 0 ? order : contact_cmp(a->c, b->c);
}

static void
count_one(struct dt_contact_count *n, const struct dt_contact *c)
{
    n->n++;
    if (c->note) {
        n->notes++;
        return;
    }
    n->asserted += c->standing == DT_STANDING_ASSERTED;
    n->countersigned += c->standing == DT_STANDING_COUNTERSIGNED;
    n->disputed += c->standing == DT_STANDING_DISPUTED;
    n->opened += c->opened;
}

enum dt_err
dt_contact_counts(const struct dt_contact_list *l, struct dt_contact_count **out, size_t *out_n)
{
    DT_CLEANUP(dt_free_p) struct met *met = dt_alloc(l->n + 1, sizeof *met);
    struct dt_contact_count *counts = dt_alloc(l->n + 1, sizeof *counts);
    size_t n = 0;

    if (met == NULL || counts == NULL) {
        dt_free(counts);
        return dt_nomem();
    }
    for (size_t i = 0; i < l->n; i++)
        met_init(&met[i], &l->contacts[i]);
    qsort(met, l->n, sizeof *met, met_cmp);
    for (size_t i = 0; i < l->n; i++) {
        if (i == 0 || pair_cmp(&met[i - 1], &met[i]) != 0)
            counts[n++] = (struct dt_contact_count){.year = met[i].year, .first = met[i].c};
        count_one(&counts[n - 1], met[i].c);
    }
    *out = counts;
    *out_n = n;
    return DT_OK;
}
