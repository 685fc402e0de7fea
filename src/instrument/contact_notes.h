/*
 * instrument/contact_notes.h - private notes about contacts made elsewhere, read from a table whose
 * columns the user names.
 *
 * Source: docs/protocol-record.md, "Contacts". Layer: instrument: pure. A note is no record: it is
 * not signed, not sealed, seen by no other member, and supports no claim.
 */
#ifndef DT_INSTRUMENT_CONTACT_NOTES_H
#define DT_INSTRUMENT_CONTACT_NOTES_H

#include "instrument/csv.h"

struct dt_field; /* record/template.h */

#define DT_NOTES_MAX     65536u /* of one source */
#define DT_NOTE_PARTIES  8u
#define DT_NOTE_TEXT_MAX 4096u
#define DT_NOTE_MAP_MAX  64u

/* Places of "time_precision" in the template `contact`. */
enum dt_time_precision { DT_TIME_EXACT = 1, DT_TIME_DAY, DT_TIME_MONTH, DT_TIME_YEAR };

/* What a note may say besides its times. */
enum dt_note_text {
    DT_NOTE_ID,
    DT_NOTE_MODE,
    DT_NOTE_LEVEL,
    DT_NOTE_INITIATED_BY,
    DT_NOTE_PARTICIPANTS,
    DT_NOTE_PLACE,
    DT_NOTE_REMARK,
    DT_NOTE_TEXTS
};
/* "id", "mode", ... Static. */
const char *dt_note_text_name(enum dt_note_text which);

/* One note; views borrow. */
struct dt_contact_note {
    struct dt_view source; /* the name of the import */
    /* First moment of the first and of the last day, month or year; before 1970 below zero. */
    int64_t started_ms, ended_ms;
    enum dt_time_precision precision;
    struct dt_view party[DT_NOTE_PARTIES];
    size_t n_parties;
    struct dt_view text[DT_NOTE_TEXTS]; /* empty: not said */
};

/* Read "2025-02-12T15:00:00Z" (of 1970 or later), "2025-02-12", "2025-02" or "2025". FORMAT, RANGE.
 */
DT_MUST_CHECK enum dt_err dt_when_read(struct dt_view text, int64_t *out_ms,
                                       enum dt_time_precision *out_precision);
/* The day since 1970-01-01 in which ${ms} is. */
int32_t dt_when_day(int64_t ms);

/* One word of the user on how a table becomes notes. Fields: "from", "to", "party" and the texts
 * above. */
enum dt_note_rule_kind {
    DT_NOTE_COLUMN = 1, /* ${field} stands in the column ${name} */
    DT_NOTE_SET,        /* ${field} is ${name} in every row; a party is one more */
    DT_NOTE_VALUE       /* where the column for ${field} says ${name}, it is ${to} */
};
struct dt_note_rule {
    enum dt_note_rule_kind kind;
    struct dt_view field, name, to;
};

/* Notes and what they borrow from. All zero is empty. */
struct dt_notes {
    struct dt_contact_note *notes;
    size_t n;
};
void dt_notes_clear(struct dt_notes *n);

/**
 * dt_notes_from_csv(table, rules, n_rules, modes, levels, out):
 * Every row of ${table} as a note, or none. `from`, `mode` and two parties at least are needed in
 * each row; an end that is not there is the beginning. Modes and levels are the names that the
 * template `contact` has. Views borrow from the table and the rules. Errors: USAGE (a rule), FORMAT
 * and RANGE with row and column, LIMIT. Owner: dt_notes_clear(out).
 */
DT_MUST_CHECK enum dt_err dt_notes_from_csv(const struct dt_csv *table,
                                            const struct dt_note_rule *rules, size_t n_rules,
                                            const struct dt_field *mode,
                                            const struct dt_field *level, struct dt_notes *out);

/* The encoding in the store, and back: FORMAT, LIMIT. Views of ${out} borrow from ${bytes}. */
DT_MUST_CHECK enum dt_err dt_notes_encode(const struct dt_notes *n, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_notes_decode(struct dt_view bytes, struct dt_notes *out);

#endif
