/*
 * instrument/contact_list.h - all contacts that are known here, as one table: when, between whom,
 * how, on whose initiative, and what each side says of it.
 *
 * Source: docs/protocol-record.md, "Contacts". Layer: instrument: pure, no clock, no I/O.
 *
 * A contact comes from a record of the template `contact`, or from a private note of this home
 * (contact_notes.h), which proves nothing and is never counted as if it did. Two accounts of one
 * contact are two rows or, where one side disputed the other's, one row with the differences.
 */
#ifndef DT_INSTRUMENT_CONTACT_LIST_H
#define DT_INSTRUMENT_CONTACT_LIST_H

#include "instrument/contact_notes.h"
#include "instrument/contacts.h"

#define DT_CONTACT_PARTIES 8u /* of a contact, that are shown; more are counted */
#define DT_CONTACT_SVG_MAX (256u << 10)

/* What a party's dispute that still stands says of one field. */
struct dt_contact_difference {
    size_t fact;          /* the dispute, */
    size_t slot;          /* the field of the contact, */
    struct dt_view value; /* and what it should be; empty: absent */
};

/* One row. Views borrow from records and notes. */
struct dt_contact {
    bool note;    /* a private note: fact, entry, standing and opened mean nothing */
    size_t place; /* in the facts, or in the notes */
    uint64_t entry;
    struct dt_view parties[DT_CONTACT_PARTIES];
    size_t n_parties, n_more;     /* shown, and not shown */
    int64_t started_ms, ended_ms; /* before 1970 below zero */
    enum dt_time_precision precision;
    bool has_duration;
    uint64_t duration_ms;
    struct dt_view mode, level;  /* names of the template's; level may be empty in a note */
    struct dt_view initiated_by; /* of a record: a value of type party; of a note: text, or empty */
    bool in_channel;             /* made by messages in the channel; else elsewhere */
    enum dt_standing_code standing;
    bool withdrawn, opened;
    size_t first_difference, n_differences;
};

struct dt_contact_list {
    struct dt_contact *contacts; /* by start, then entry */
    size_t n;
    struct dt_contact_difference *differences;
    size_t n_differences;
};
void dt_contact_list_clear(struct dt_contact_list *l);

/* What to put in. All zero: everything. */
struct dt_contact_filter {
    const uint8_t *channel; /* 32 bytes: records of this channel alone, and no notes; or NULL */
    bool has_since;
    int64_t since_ms;              /* started then or later */
    const struct dt_view *between; /* all of these are among its parties (ASCII case is the same) */
    size_t n_between;
    bool no_notes;
};

/**
 * dt_contact_list_fold(facts, n, notes, n_notes, opened, n_opened, filter, out):
 * The contacts among the facts with their standing, and those of the notes. ${opened} holds
 * ${n_opened} commitments, 32 bytes each, of records that are open in public as far as is known.
 * Owner: dt_contact_list_clear(out). The order of facts and notes does not matter.
 */
DT_MUST_CHECK enum dt_err dt_contact_list_fold(const struct dt_fact *facts, size_t n,
                                               const struct dt_contact_note *notes, size_t n_notes,
                                               const uint8_t *opened, size_t n_opened,
                                               const struct dt_contact_filter *filter,
                                               struct dt_contact_list *out);

/* "2025-02-12T15:00:00Z", "2025-02-12", "2025-02", "2025": as precise as it is known. */
void dt_contact_when_str(int64_t ms, enum dt_time_precision precision,
                         char out[static DT_TIME_STR]);
void dt_contact_when(const struct dt_contact *c, char out[static DT_TIME_STR]);
/* The calendar year and month (1 to 12) in which it began. */
void dt_contact_year_month(const struct dt_contact *c, int *out_year, int *out_month);
/* "asserted by one", ..., or "private note". Static. */
const char *dt_contact_standing(const struct dt_contact *c);
/* Append "north - south", and "and 3 more". */
DT_MUST_CHECK enum dt_err dt_contact_between(const struct dt_contact *c, struct dt_buf *out);

/* ---- counts ---- */

/* Contacts of one year between the same parties; ${first} is one of them. */
struct dt_contact_count {
    int year;
    const struct dt_contact *first;
    uint64_t n, asserted, countersigned, disputed, opened, notes;
};

/* Counts by year, then by who met whom (in any order, ASCII case is the same). Owner:
 * dt_free(*out). ${l} is as before. */
DT_MUST_CHECK enum dt_err dt_contact_counts(const struct dt_contact_list *l,
                                            struct dt_contact_count **out, size_t *out_n);

/* ---- the picture ---- */

/* Append an SVG of the contacts in time, which says the same in words and needs no colour. LIMIT.
 */
DT_MUST_CHECK enum dt_err dt_contact_svg(const struct dt_contact_list *l, struct dt_view title,
                                         struct dt_buf *out);

#endif
