/*
 * instrument/claims.h - public claims about contacts, checked against what is known of the records.
 *
 * Source: docs/protocol-record.md, "Claims"; examples/contacts/README.md for the columns. Layer:
 * instrument: pure.
 */
#ifndef DT_INSTRUMENT_CLAIMS_H
#define DT_INSTRUMENT_CLAIMS_H

#include "instrument/contacts.h"
#include "instrument/csv.h"
#include "instrument/observe.h"

#define DT_CLAIMS_MAX    4096u
#define DT_KNOWN_PARTIES 8u

enum dt_stance {
    DT_STANCE_ANNOUNCED = 1,
    DT_STANCE_REPORTED,
    DT_STANCE_ALLEGED,
    DT_STANCE_ASSERTED,
    DT_STANCE_DENIED,
    DT_STANCE_NEITHER
};

enum dt_date_precision {
    DT_PRECISION_DAY = 1,
    DT_PRECISION_MONTH,
    DT_PRECISION_YEAR,
    DT_PRECISION_TERM,
    DT_PRECISION_RANGE,
    DT_PRECISION_OPEN,
    DT_PRECISION_UNKNOWN
};

struct dt_claim {
    struct dt_view id, contact_key, kind, party_a, party_b, asserted_by, source, note;
    bool has_from, has_to, has_count, has_duration;
    int32_t from_day, to_day; /* days since 1970-01-01 */
    enum dt_date_precision precision;
    uint64_t count, duration_min;
    enum dt_stance stance;
};

struct dt_claims {
    struct dt_csv table; /* owns the views */
    struct dt_claim *claims;
    size_t n;
};
void dt_claims_clear(struct dt_claims *c);
/* Parse claims.csv. FORMAT names row and column. */
DT_MUST_CHECK enum dt_err dt_claims_read(struct dt_view csv, struct dt_claims *out);
/* By id; NULL. */
const struct dt_claim *dt_claims_get(const struct dt_claims *c, struct dt_view id);

/* What one checks claims against: a contact as far as it is known to whoever checks. Views borrow.
 */
struct dt_known_contact {
    uint64_t entry; /* register index */
    struct dt_view mode;
    struct dt_view parties[DT_KNOWN_PARTIES];
    size_t n_parties;
    int32_t from_day, to_day; /* from started_at at its precision */
    enum dt_standing_code standing;
    bool withdrawn;
};

/* For members: from a record of template `contact` and its standing. NOT_FOUND: not a contact. */
DT_MUST_CHECK enum dt_err dt_known_from_record(const struct dt_fact *facts,
                                               const struct dt_standing *s,
                                               struct dt_known_contact *out);
/* For a stranger: from a verified proof whose subject opens mode, parties, started_at and
 * time_precision. REFUSED: the verdict is none that supports anything; NOT_FOUND: not a contact, or
 * not enough opened. */
DT_MUST_CHECK enum dt_err dt_known_from_verdict(const struct dt_verdict *v,
                                                struct dt_known_contact *out);

struct dt_claim_result {
    enum dt_standing_code standing;
    uint64_t entry; /* DT_ENTRY_UNKNOWN when none */
    bool withdrawn; /* the record was, by its author; undoes nothing */
    size_t n_matches;
    /* Of the contacts between its parties, of its kind, within such bounds of time as it gives: how
     * many the register proves, and of these how many were countersigned or disputed. */
    size_t n_proved, n_countersigned, n_disputed;
    uint32_t *against; /* places of the claims that contradict it, ascending; owned */
    size_t n_against;
};
void dt_claim_results_free(struct dt_claim_result *r, size_t n);

/* One result a claim, in their order. Owner: dt_claim_results_free(*out, claims->n). */
DT_MUST_CHECK enum dt_err dt_claims_check(const struct dt_claims *claims,
                                          const struct dt_known_contact *known, size_t n_known,
                                          struct dt_claim_result **out);

/* "claim_id,standing,entry,contradicted_by" and one line a claim. */
DT_MUST_CHECK enum dt_err dt_claims_write_csv(const struct dt_claims *claims,
                                              const struct dt_claim_result *results,
                                              struct dt_buf *out);
/* Does ${c} say how many there were, none or several? Then its result has counts to hold against
 * that. */
bool dt_claim_counts(const struct dt_claim *c);
/* "says 7, the register proves 0, countersigned 0: the two accounts conflict", of a claim that
 * says a number; without LF. */
DT_MUST_CHECK enum dt_err dt_claim_say_counts(const struct dt_claim *c,
                                              const struct dt_claim_result *r, struct dt_buf *out);
/* Append lines: what claim ${place} says, what the register and the other claims say to it, and
 * why; each behind two spaces. */
DT_MUST_CHECK enum dt_err dt_claim_say_reasons(const struct dt_claims *claims, size_t place,
                                               const struct dt_claim_result *r, struct dt_buf *out);

/* "c10: countersigned (entry 5); contradicted by claim c12", a line a claim; behind it the counts
 * of one that says a number. */
DT_MUST_CHECK enum dt_err dt_claims_write_text(const struct dt_claims *claims,
                                               const struct dt_claim_result *results,
                                               struct dt_buf *out);

/* ---- what the register shows to who knows no record ---- */
/* Can the register hold as many records as a claim counts? It shows entries, not contacts, so room
 * supports nothing; lack of it shows that not each has its record. */
struct dt_claim_room {
    bool counted; /* the claim asserts a number of contacts from a date on; else nothing else */
    uint64_t since_ms; /* that date */
    uint64_t entries;  /* made since then: times are upper bounds, so none is left out */
    bool enough;
};
void dt_claim_room(const struct dt_claim *c, const struct dt_timeline *t,
                   struct dt_claim_room *out);
/* "c04: claims 7; ...", a line for each counted claim. */
DT_MUST_CHECK enum dt_err dt_claims_write_room(const struct dt_claims *claims,
                                               const struct dt_timeline *t, struct dt_buf *out);

/* ---- contacts.csv: what the template requires and the claims do not say ---- */
/* Fill ${d} (template `contact`) from row ${row} of ${table}: every column named like a field.
 * Columns that are no field (claim_id, note) are passed over; an empty cell leaves the field
 * absent. Adds a reference to the claim. */
DT_MUST_CHECK enum dt_err dt_contacts_row_draft(const struct dt_csv *table, size_t row,
                                                const struct dt_charter *charter,
                                                struct dt_record_draft *d);

#endif
