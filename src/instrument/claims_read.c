/*
 * instrument/claims_read.c - claims.csv and contacts.csv, and contacts as far as they are known.
 *
 * Source: docs/protocol-record.md, "Claims". Layer: instrument.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include "instrument/claims.h"

void
dt_claims_clear(struct dt_claims *c)
{
    if (c == NULL)
        return;
    dt_csv_clear(&c->table);
    dt_free(c->claims);
    memset(c, 0, sizeof *c);
}

const struct dt_claim *
dt_claims_get(const struct dt_claims *c, struct dt_view id)
{
    for (size_t i = 0; i < c->n; i++)
        if (dt_view_equal(c->claims[i].id, id))
            return &c->claims[i];
    return NULL;
}

enum column {
    COL_ID,
    COL_KEY,
    COL_KIND,
    COL_FROM,
    COL_TO,
    COL_PRECISION,
    COL_DURATION,
    COL_COUNT,
    COL_PARTY_A,
    COL_PARTY_B,
    COL_BY,
    COL_STANCE,
    COL_SOURCE,
    COL_NOTE,
    N_COLUMNS
};

static const char *const columns[N_COLUMNS] = {
    "claim_id",        "contact_key", "kind",    "date_from", "date_to",     "date_precision",
    "duration_min",    "count",       "party_a", "party_b",   "asserted_by", "stance",
    "source_document", "note",
};

/* The place of ${word} among ${names}, from 1; 0 when it is not there. */
static unsigned int
word_place(struct dt_view word, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (dt_view_equal(word, dt_view_str(names[i])))
            return (unsigned int)(i + 1);
    return 0;
}

static enum dt_err
read_day(struct dt_view cell, bool *has, int32_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(16);
    struct dt_value_hint hint = {.field = "date", .type = DT_TYPE_DATE};
    int year = 0, month = 0, day = 0;
    enum dt_err err;

    *has = cell.n > 0;
    if (!*has)
        return DT_OK;
    if ((err = dt_value_from_text(&hint, cell, &b)) != DT_OK)
        return err;
    year = (cell.p[0] - '0') * 1000 + (cell.p[1] - '0') * 100 + (cell.p[2] - '0') * 10 +
           (cell.p[3] - '0');
    month = (cell.p[5] - '0') * 10 + (cell.p[6] - '0');
    day = (cell.p[8] - '0') * 10 + (cell.p[9] - '0');
    return dt_days_from_date(year, month, day, out);
}

static enum dt_err
read_count(struct dt_view cell, bool *has, uint64_t *out)
{
    *has = cell.n > 0;
    return *has ? dt_decimal_read(cell, UINT32_MAX, out) : DT_OK;
}

static enum dt_err
read_claim(const struct dt_csv *t, size_t row, const size_t at[static N_COLUMNS],
           struct dt_claim *c)
{
    static const char *const precisions[] = {"day",   "month", "year",   "term",
                                             "range", "open",  "unknown"};
    static const char *const stances[] = {"announced", "reported", "alleged",
                                          "asserted",  "denied",   "neither"};
    unsigned int precision, stance;

    c->id = dt_csv_cell(t, row, at[COL_ID]);
    c->contact_key = dt_csv_cell(t, row, at[COL_KEY]);
    c->kind = dt_csv_cell(t, row, at[COL_KIND]);
    c->party_a = dt_csv_cell(t, row, at[COL_PARTY_A]);
    c->party_b = dt_csv_cell(t, row, at[COL_PARTY_B]);
    c->asserted_by = dt_csv_cell(t, row, at[COL_BY]);
    c->source = dt_csv_cell(t, row, at[COL_SOURCE]);
    c->note = dt_csv_cell(t, row, at[COL_NOTE]);
    /* Ids are put between spaces in the result. */
    if (c->id.n == 0 || c->id.n > 64 || !dt_utf8_line(c->id) ||
        memchr(c->id.p, ' ', c->id.n) != NULL)
        return dt_fail(DT_ERR_FORMAT, "row %zu: claim_id is one word of at most 64 bytes", row);
    if (read_day(dt_csv_cell(t, row, at[COL_FROM]), &c->has_from, &c->from_day) != DT_OK ||
        read_day(dt_csv_cell(t, row, at[COL_TO]), &c->has_to, &c->to_day) != DT_OK ||
        (c->has_from && c->has_to && c->from_day > c->to_day))
        return dt_fail(DT_ERR_FORMAT,
                       "row %zu: date_from or date_to is no date, or they are out of order", row);
    if (read_count(dt_csv_cell(t, row, at[COL_DURATION]), &c->has_duration, &c->duration_min) !=
        DT_OK)
        return dt_fail(DT_ERR_FORMAT, "row %zu: duration_min is no number", row);
    if (read_count(dt_csv_cell(t, row, at[COL_COUNT]), &c->has_count, &c->count) != DT_OK)
        return dt_fail(DT_ERR_FORMAT, "row %zu: count is no number", row);
    precision = word_place(dt_csv_cell(t, row, at[COL_PRECISION]), precisions, 7);
    stance = word_place(dt_csv_cell(t, row, at[COL_STANCE]), stances, 6);
    if (precision == 0)
        return dt_fail(DT_ERR_FORMAT,
                       "row %zu: date_precision is day, month, year, term, range, open or unknown",
                       row);
    if (stance == 0)
        return dt_fail(
            DT_ERR_FORMAT,
            "row %zu: stance is announced, reported, alleged, asserted, denied or neither", row);
    c->precision = (enum dt_date_precision)precision;
    c->stance = (enum dt_stance)stance;
    return DT_OK;
}

enum dt_err
dt_claims_read(struct dt_view csv, struct dt_claims *out)
{
    DT_CLEANUP(dt_claims_clear) struct dt_claims c = {0};
    size_t at[N_COLUMNS];
    enum dt_err err;

    if ((err = dt_csv_read(csv, &c.table)) != DT_OK)
        return dt_fail_context(err, "claims");
    if (c.table.n_rows - 1 > DT_CLAIMS_MAX)
        return dt_fail(DT_ERR_LIMIT, "claims: more than %u", DT_CLAIMS_MAX);
    for (size_t i = 0; i < N_COLUMNS; i++)
        if ((err = dt_csv_column(&c.table, columns[i], &at[i])) != DT_OK)
            return dt_fail_context(DT_ERR_FORMAT, "claims");
    c.claims = dt_alloc(c.table.n_rows, sizeof *c.claims);
    if (c.claims == NULL)
        return dt_nomem();
    for (; c.n + 1 < c.table.n_rows; c.n++) {
        if ((err = read_claim(&c.table, c.n + 1, at, &c.claims[c.n])) != DT_OK)
            return dt_fail_context(err, "claims");
        for (size_t k = 0; k < c.n; k++)
            if (dt_view_equal(c.claims[k].id, c.claims[c.n].id))
                return dt_fail(DT_ERR_FORMAT, "claims: row %zu: a claim_id a second time", c.n + 1);
    }
    *out = c;
    memset(&c, 0, sizeof c);
    return DT_OK;
}

/* ---- contacts as far as they are known ---- */

/* What the fields of a contact, opened or in full, say. NULL slots: not known. */
static enum dt_err
known_from_slots(const struct dt_template *tmpl, const struct dt_slot *mode,
                 const struct dt_slot *parties, const struct dt_slot *started,
                 const struct dt_slot *precision, struct dt_known_contact *out)
{
    struct dt_known_contact k = {0};
    struct dt_view rest, item = {0};
    struct dt_field f;
    uint16_t place = 0;
    uint64_t ms = 0;
    int year, month, day;
    size_t index = 0;
    enum dt_err err;

    if (mode == NULL || parties == NULL || started == NULL || precision == NULL)
        return dt_fail(DT_ERR_NOT_FOUND,
                       "mode, parties, started_at and time_precision are not all known");
    if ((err = dt_template_slot_find(tmpl, dt_view_str("mode"), &index)) != DT_OK ||
        (err = dt_value_enum(mode->value, &place)) != DT_OK)
        return err;
    dt_template_slot(tmpl, index, &f);
    if (place == 0 || place > f.n_values)
        return dt_fail(DT_ERR_RANGE, "a contact's mode");
    k.mode = f.values[place - 1];
    rest = parties->value;
    while (dt_value_list_next(&rest, &item)) {
        if (k.n_parties == DT_KNOWN_PARTIES)
            return dt_fail(DT_ERR_NOT_FOUND, "a contact of more than %u parties", DT_KNOWN_PARTIES);
        k.parties[k.n_parties++] = item;
    }
    if ((err = dt_value_u64(started->value, &ms)) != DT_OK ||
        (err = dt_value_enum(precision->value, &place)) != DT_OK)
        return err;
    k.from_day = k.to_day = (int32_t)(ms / DT_MS_DAY);
    dt_date_from_days(k.from_day, &year, &month, &day);
    if (place == 4) {
        if ((err = dt_days_from_date(year, 1, 1, &k.from_day)) != DT_OK ||
            (err = dt_days_from_date(year, 12, 31, &k.to_day)) != DT_OK)
            return err;
    } else if (place == 3) {
        int32_t next = 0;

        if ((err = dt_days_from_date(year, month, 1, &k.from_day)) != DT_OK)
            return err;
        if (month == 12)
            err = dt_days_from_date(year, 12, 31, &k.to_day);
        else if ((err = dt_days_from_date(year, month + 1, 1, &next)) == DT_OK)
            k.to_day = next - 1;
        if (err != DT_OK)
            return err;
    }
    *out = k;
    return DT_OK;
}

enum dt_err
dt_known_from_record(const struct dt_fact *facts, const struct dt_standing *s,
                     struct dt_known_contact *out)
{
    const struct dt_record *r = facts[s->fact].record;
    enum dt_err err;

    if (!dt_view_equal(r->header.template_id, dt_view_str("contact")))
        return dt_fail(DT_ERR_NOT_FOUND, "not a contact");
    if ((err = known_from_slots(r->tmpl, dt_record_get(r, "mode"), dt_record_get(r, "parties"),
                                dt_record_get(r, "started_at"), dt_record_get(r, "time_precision"),
                                out)) != DT_OK)
        return err;
    out->entry = facts[s->fact].entry;
    out->standing = s->code;
    out->withdrawn = s->withdrawn;
    return DT_OK;
}

/* The opened slot ${name} of ${r}; NULL when it is not opened, or absent. */
static const struct dt_slot *
opened(const struct dt_proof_record *r, const char *name)
{
    size_t index = 0;

    if (dt_template_slot_find(r->tmpl, dt_view_str(name), &index) != DT_OK ||
        (r->opened >> index & 1) == 0 || r->slots[index].kind != DT_SLOT_VALUE)
        return NULL;
    return &r->slots[index];
}

enum dt_err
dt_known_from_verdict(const struct dt_verdict *v, struct dt_known_contact *out)
{
    const struct dt_proof_record *r;
    enum dt_err err;

    if (v->code == DT_VERDICT_REFUSED || v->code == DT_VERDICT_WHOSE || v->n_records == 0 ||
        !v->records[0].vouched)
        return dt_fail(DT_ERR_REFUSED, "a proof with the verdict '%s' supports nothing",
                       dt_verdict_name(v->code));
    r = &v->records[0];
    if (!dt_view_equal(r->header.template_id, dt_view_str("contact")) || !r->template_known)
        return dt_fail(DT_ERR_NOT_FOUND, "not a contact");
    if ((err = known_from_slots(r->tmpl, opened(r, "mode"), opened(r, "parties"),
                                opened(r, "started_at"), opened(r, "time_precision"), out)) !=
        DT_OK)
        return err;
    out->entry = r->state == DT_ENTRY_NONE ? DT_ENTRY_UNKNOWN : r->entry;
    out->standing = v->standing_code == DT_ACCOUNT_DISPUTED        ? DT_STANDING_DISPUTED
                    : v->standing_code == DT_ACCOUNT_COUNTERSIGNED ? DT_STANDING_COUNTERSIGNED
                                                                   : DT_STANDING_ASSERTED;
    out->withdrawn = v->parties[r->party].withdrawn;
    return DT_OK;
}

/* ---- contacts.csv ---- */

enum dt_err
dt_contacts_row_draft(const struct dt_csv *table, size_t row, const struct dt_charter *charter,
                      struct dt_record_draft *d)
{
    size_t index = 0, id = 0;
    enum dt_err err;

    if (row == 0 || row >= table->n_rows)
        return dt_fail(DT_ERR_RANGE, "the table has no row %zu", row);
    for (size_t i = 0; i < table->n_columns; i++) {
        struct dt_view name = dt_csv_cell(table, 0, i), cell = dt_csv_cell(table, row, i);
        DT_CLEANUP(dt_free_p) char *text = NULL;

        if (cell.n == 0 || dt_template_slot_find(d->tmpl, name, &index) != DT_OK ||
            index < DT_ENVELOPE_SLOTS)
            continue;
        text = dt_strndup((const char *)name.p, name.n);
        if (text == NULL)
            return dt_nomem();
        if ((err = dt_record_draft_set_text(d, text, cell, charter)) != DT_OK)
            return dt_fail_context(err, "row %zu", row);
    }
    if (dt_csv_column(table, "claim_id", &id) == DT_OK && dt_csv_cell(table, row, id).n > 0 &&
        (err = dt_record_draft_refer(d, DT_REFERENCE_CLAIM, dt_csv_cell(table, row, id))) != DT_OK)
        return dt_fail_context(err, "row %zu", row);
    return dt_record_draft_check(d);
}
