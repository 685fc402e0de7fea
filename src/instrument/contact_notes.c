/*
 * instrument/contact_notes.c - see contact_notes.h.
 *
 * In the store: struct { uint16 version = 1; Note notes<V>; }, each note
 *     struct { int64 started_ms, ended_ms; uint8 precision; uint8 n; opaque party<V>[n];
 *              opaque text<V>[7]; } Note;
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "base/wire.h"
#include "record/template.h"

#include "instrument/contact_notes.h"

#define NOTES_VERSION 1u
#define WHEN_MIN      (INT64_C(-719162) * (int64_t)DT_MS_DAY)     /* 0001-01-01 */
#define WHEN_MAX      (INT64_C(2932897) * (int64_t)DT_MS_DAY - 1) /* the end of 9999 */

static const char *const text_names[DT_NOTE_TEXTS] = {
    [DT_NOTE_ID] = "id",
    [DT_NOTE_MODE] = "mode",
    [DT_NOTE_LEVEL] = "level",
    [DT_NOTE_INITIATED_BY] = "initiated_by",
    [DT_NOTE_PARTICIPANTS] = "participants",
    [DT_NOTE_PLACE] = "place",
    [DT_NOTE_REMARK] = "remark",
};

const char *
dt_note_text_name(enum dt_note_text which)
{
    return text_names[which];
}

void
dt_notes_clear(struct dt_notes *n)
{
    if (n == NULL)
        return;
    dt_free(n->notes);
    *n = (struct dt_notes){0};
}

/* ---- rules ---- */

static bool
is(struct dt_view v, const char *text)
{
    return dt_view_equal(v, dt_view_str(text));
}

/* The text that ${field} names; DT_NOTE_TEXTS: none. */
static size_t
text_of(struct dt_view field)
{
    size_t i = 0;

    while (i < DT_NOTE_TEXTS && !is(field, text_names[i]))
        i++;
    return i;
}

static enum dt_err
check_rules(const struct dt_csv *table, const struct dt_note_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct dt_note_rule *r = &rules[i];
        bool found = r->kind != DT_NOTE_COLUMN;

        if (text_of(r->field) == DT_NOTE_TEXTS && !is(r->field, "from") && !is(r->field, "to") &&
            !is(r->field, "party"))
            return dt_fail(DT_ERR_USAGE,
                           "a note has the fields from, to, party, id, mode, level, initiated_by, "
                           "participants, place and remark; not '%.*s'",
                           (int)r->field.n, (const char *)r->field.p);
        for (size_t k = 0; k < table->n_columns; k++)
            found = found || dt_view_equal(dt_csv_cell(table, 0, k), r->name);
        if (!found)
            return dt_fail(DT_ERR_USAGE, "the table has no column '%.*s'", (int)r->name.n,
                           (const char *)r->name.p);
        for (size_t k = 0; k < i; k++)
            if (r->kind != DT_NOTE_VALUE && rules[k].kind != DT_NOTE_VALUE &&
                !is(r->field, "party") && dt_view_equal(r->field, rules[k].field))
                return dt_fail(DT_ERR_USAGE, "the field '%.*s' is said twice", (int)r->field.n,
                               (const char *)r->field.p);
    }
    return DT_OK;
}

/* What the rule ${r} gives for ${row}. */
static struct dt_view
given(const struct dt_csv *table, size_t row, const struct dt_note_rule *r,
      const struct dt_note_rule *rules, size_t n)
{
    struct dt_view cell = {0};

    if (r->kind == DT_NOTE_SET)
        return r->name;
    for (size_t k = 0; k < table->n_columns; k++)
        if (dt_view_equal(dt_csv_cell(table, 0, k), r->name))
            cell = dt_csv_cell(table, row, k);
    for (size_t i = 0; i < n; i++)
        if (rules[i].kind == DT_NOTE_VALUE && dt_view_equal(rules[i].field, r->field) &&
            dt_view_equal(rules[i].name, cell))
            return rules[i].to;
    return cell;
}

/* ---- one row ---- */

/* ${n} digits at ${at} of ${text}. */
static bool
digits(struct dt_view text, size_t at, size_t n, int *out)
{
    int x = 0;

    for (size_t i = at; i < at + n; i++) {
        if (i >= text.n || text.p[i] < '0' || text.p[i] > '9')
            return false;
        x = x * 10 + (text.p[i] - '0');
    }
    *out = x;
    return true;
}

int32_t
dt_when_day(int64_t ms)
{
    const int64_t day = (int64_t)DT_MS_DAY;

    return (int32_t)(ms >= 0 ? ms / day : -((-ms + day - 1) / day));
}

enum dt_err
dt_when_read(struct dt_view text, int64_t *out_ms, enum dt_time_precision *out_precision)
{
    int year = 0, month = 1, day = 1;
    int32_t days = 0;
    uint64_t ms = 0;
    enum dt_err err;

    if (text.n > 10) {
        if ((err = dt_time_read(text, &ms)) != DT_OK)
            return err;
        *out_ms = (int64_t)ms;
        *out_precision = DT_TIME_EXACT;
        return DT_OK;
    }
    if ((text.n != 4 && text.n != 7 && text.n != 10) || !digits(text, 0, 4, &year) ||
        (text.n > 4 && (text.p[4] != '-' || !digits(text, 5, 2, &month))) ||
        (text.n > 7 && (text.p[7] != '-' || !digits(text, 8, 2, &day))))
        return dt_fail(DT_ERR_FORMAT,
                       "a time is written 2025-02-12T15:00:00Z, 2025-02-12, 2025-02 or 2025");
    if ((err = dt_days_from_date(year, month, day, &days)) != DT_OK)
        return err;
    *out_ms = (int64_t)days * (int64_t)DT_MS_DAY;
    *out_precision = text.n == 10 ? DT_TIME_DAY : text.n == 7 ? DT_TIME_MONTH : DT_TIME_YEAR;
    return DT_OK;
}

static enum dt_err
check_name(struct dt_view text, const struct dt_field *f, size_t row)
{
    for (size_t i = 0; i < f->n_values; i++)
        if (dt_view_equal(text, f->values[i]))
            return DT_OK;
    return dt_fail(DT_ERR_RANGE,
                   "row %zu: '%.*s' is no %.*s of a contact; see detente template "
                   "show contact, and --value",
                   row, (int)(text.n < 64 ? text.n : 64), (const char *)text.p, (int)f->name.n,
                   (const char *)f->name.p);
}

static enum dt_err
put(struct dt_contact_note *note, const struct dt_note_rule *r, struct dt_view text, size_t row,
    bool *has_to)
{
    enum dt_time_precision end;
    enum dt_err err;

    if (text.n == 0)
        return DT_OK;
    if (text.n > DT_NOTE_TEXT_MAX)
        return dt_fail(DT_ERR_LIMIT, "row %zu: more than %u bytes for %.*s", row, DT_NOTE_TEXT_MAX,
                       (int)r->field.n, (const char *)r->field.p);
    /* So that no line on the screen is one that a table's author wrote. */
    if (!dt_utf8_line(text) && !is(r->field, "remark"))
        return dt_fail(DT_ERR_FORMAT, "row %zu: %.*s is not one line of text", row, (int)r->field.n,
                       (const char *)r->field.p);
    if (is(r->field, "from")) {
        if ((err = dt_when_read(text, &note->started_ms, &note->precision)) != DT_OK)
            return dt_fail_context(err, "row %zu, from", row);
    } else if (is(r->field, "to")) {
        if ((err = dt_when_read(text, &note->ended_ms, &end)) != DT_OK)
            return dt_fail_context(err, "row %zu, to", row);
        *has_to = true;
    } else if (is(r->field, "party")) {
        if (note->n_parties == DT_NOTE_PARTIES)
            return dt_fail(DT_ERR_LIMIT, "row %zu: more than %u parties", row, DT_NOTE_PARTIES);
        note->party[note->n_parties++] = text;
    } else {
        note->text[text_of(r->field)] = text;
    }
    return DT_OK;
}

static enum dt_err
read_row(const struct dt_csv *table, size_t row, const struct dt_note_rule *rules, size_t n,
         const struct dt_field *mode, const struct dt_field *level, struct dt_contact_note *note)
{
    bool has_to = false;
    enum dt_err err;

    for (size_t i = 0; i < n; i++)
        if (rules[i].kind != DT_NOTE_VALUE &&
            (err = put(note, &rules[i], given(table, row, &rules[i], rules, n), row, &has_to)) !=
                DT_OK)
            return err;
    if (note->precision == 0)
        return dt_fail(DT_ERR_FORMAT, "row %zu: when it began is not said (from)", row);
    if (!has_to)
        note->ended_ms = note->started_ms;
    if (note->ended_ms < note->started_ms)
        return dt_fail(DT_ERR_RANGE, "row %zu: it ends before it begins", row);
    if (note->n_parties < 2)
        return dt_fail(DT_ERR_FORMAT, "row %zu: a contact is between two parties at least (party)",
                       row);
    if (note->text[DT_NOTE_MODE].n == 0)
        return dt_fail(DT_ERR_FORMAT, "row %zu: how it was made is not said (mode)", row);
    if ((err = check_name(note->text[DT_NOTE_MODE], mode, row)) != DT_OK)
        return err;
    return note->text[DT_NOTE_LEVEL].n == 0 ? DT_OK
                                            : check_name(note->text[DT_NOTE_LEVEL], level, row);
}

enum dt_err
dt_notes_from_csv(const struct dt_csv *table, const struct dt_note_rule *rules, size_t n_rules,
                  const struct dt_field *mode, const struct dt_field *level, struct dt_notes *out)
{
    DT_CLEANUP(dt_notes_clear) struct dt_notes n = {0};
    enum dt_err err;

    if (n_rules > DT_NOTE_MAP_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %u words on columns", DT_NOTE_MAP_MAX);
    if ((err = check_rules(table, rules, n_rules)) != DT_OK)
        return err;
    n.notes = dt_alloc(table->n_rows, sizeof *n.notes);
    if (n.notes == NULL)
        return dt_nomem();
    for (size_t row = 1; row < table->n_rows; row++) {
        if ((err = read_row(table, row, rules, n_rules, mode, level, &n.notes[n.n])) != DT_OK)
            return err;
        n.n++;
    }
    *out = n;
    memset(&n, 0, sizeof n); /* given away */
    return DT_OK;
}

/* ---- in the store ---- */

enum dt_err
dt_notes_encode(const struct dt_notes *n, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark;

    dt_write_u16(&w, NOTES_VERSION);
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < n->n; i++) {
        const struct dt_contact_note *note = &n->notes[i];

        dt_write_u64(&w, (uint64_t)note->started_ms);
        dt_write_u64(&w, (uint64_t)note->ended_ms);
        dt_write_u8(&w, (uint8_t)note->precision);
        dt_write_u8(&w, (uint8_t)note->n_parties);
        for (size_t k = 0; k < note->n_parties; k++)
            dt_write_vec(&w, note->party[k]);
        for (size_t k = 0; k < DT_NOTE_TEXTS; k++)
            dt_write_vec(&w, note->text[k]);
    }
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

static enum dt_err
note_read(struct dt_reader *r, struct dt_contact_note *out)
{
    uint64_t started = 0, ended = 0;
    uint8_t precision = 0, n = 0;
    enum dt_err err;

    if ((err = dt_read_u64(r, &started)) != DT_OK || (err = dt_read_u64(r, &ended)) != DT_OK ||
        (err = dt_read_u8(r, &precision)) != DT_OK || (err = dt_read_u8(r, &n)) != DT_OK)
        return err;
    out->started_ms = (int64_t)started;
    out->ended_ms = (int64_t)ended;
    if (precision < DT_TIME_EXACT || precision > DT_TIME_YEAR || n > DT_NOTE_PARTIES ||
        out->ended_ms < out->started_ms || out->started_ms < WHEN_MIN || out->ended_ms > WHEN_MAX)
        return dt_fail(DT_ERR_FORMAT, "a note of a contact that cannot be");
    out->precision = (enum dt_time_precision)precision;
    for (; out->n_parties < n; out->n_parties++)
        if ((err = dt_read_vec(r, DT_NOTE_TEXT_MAX, &out->party[out->n_parties])) != DT_OK)
            return err;
    for (size_t k = 0; k < DT_NOTE_TEXTS; k++)
        if ((err = dt_read_vec(r, DT_NOTE_TEXT_MAX, &out->text[k])) != DT_OK)
            return err;
    return DT_OK;
}

enum dt_err
dt_notes_decode(struct dt_view bytes, struct dt_notes *out)
{
    DT_CLEANUP(dt_notes_clear) struct dt_notes n = {0};
    struct dt_reader r = dt_reader_init(bytes), list;
    uint16_t version = 0;
    size_t cap = 0;
    enum dt_err err;

    if ((err = dt_read_u16(&r, &version)) != DT_OK)
        return err;
    if (version != NOTES_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "notes of a version not known here");
    if ((err = dt_read_sub(&r, bytes.n, &list)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    while (dt_read_end(&list) != DT_OK) {
        if (n.n == DT_NOTES_MAX)
            return dt_fail(DT_ERR_LIMIT, "more than %u notes of one source", DT_NOTES_MAX);
        if (n.n == cap) {
            size_t more = cap == 0 ? 64 : 2 * cap;
            struct dt_contact_note *notes = dt_realloc(n.notes, more, sizeof *notes);

            if (notes == NULL)
                return dt_nomem();
            n.notes = notes;
            cap = more;
        }
        memset(&n.notes[n.n], 0, sizeof n.notes[n.n]);
        if ((err = note_read(&list, &n.notes[n.n])) != DT_OK)
            return err;
        n.n++;
    }
    *out = n;
    memset(&n, 0, sizeof n); /* given away */
    return DT_OK;
}
