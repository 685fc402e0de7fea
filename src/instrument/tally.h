/*
 * instrument/tally.h - what stands in a range of register entries, as far as records tell: a fold.
 *
 * Source: docs/protocol-record.md, "Tally"; DESIGN "Countable in public, silent on content".
 * Layer: instrument: pure, no clock, no I/O.
 *
 * A register shows entries, not contacts. Who holds the records can say which entry is what; an
 * entry whose record it does not hold is unknown to it, whatever it may be.
 */
#ifndef DT_INSTRUMENT_TALLY_H
#define DT_INSTRUMENT_TALLY_H

#include "instrument/contacts.h"

/* What an entry is. The six answers stand in the order of enum dt_answer. */
enum dt_tally_kind {
    DT_TALLY_UNKNOWN = 0, /* unopened or unknown to us: we do not hold its record */
    DT_TALLY_CONTACT,
    DT_TALLY_RECEIPT,
    DT_TALLY_COUNTERSIGN,
    DT_TALLY_ANSWER,
    DT_TALLY_DISPUTE,
    DT_TALLY_WITHDRAW,
    DT_TALLY_CONSENT,
    DT_TALLY_TALLY,
    DT_TALLY_COVER,
    DT_TALLY_OTHER,     /* a record of any other template */
    DT_TALLY_ELSEWHERE, /* a record of another channel than the one asked for */
    DT_TALLY_KINDS
};
/* "unknown", "contacts", "receipts", ...: as keys and in tables. Static. */
const char *dt_tally_kind_name(enum dt_tally_kind kind);

#define DT_TALLY_ENTRIES_MAX (UINT64_C(1) << 24) /* in one range */

/* Only records of template ${counted}, of ${channel} (32 bytes) unless that is NULL, are counted;
 * entries ${first} to ${last}, both included. */
struct dt_tally_question {
    uint64_t first, last;
    const uint8_t *channel;
    struct dt_view counted; /* a template id */
};

struct dt_tally {
    uint64_t first, last;
    uint64_t n[DT_TALLY_KINDS]; /* they add up to the entries of the range */
    uint64_t count;             /* of the counted template */
    uint64_t withdrawn;         /* of these, by their authors; they count all the same */
    uint8_t *kind;              /* owned: enum dt_tally_kind of entry first + i */
};
void dt_tally_clear(struct dt_tally *t);

/* All six answers together. */
uint64_t dt_tally_answers(const struct dt_tally *t);

/**
 * dt_tally_fold(facts, n, question, out):
 * Count the entries of the range. Order of ${facts} does not matter; a copy counts once; what has
 * no entry yet is left out. Errors: RANGE (first > last), LIMIT, NOMEM. Owner: dt_tally_clear().
 */
DT_MUST_CHECK enum dt_err dt_tally_fold(const struct dt_fact *facts, size_t n,
                                        const struct dt_tally_question *question,
                                        struct dt_tally *out);

#endif
