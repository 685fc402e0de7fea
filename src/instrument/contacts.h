/*
 * instrument/contacts.h - the standing of records: a fold over a channel's records and their
 * answers.
 *
 * Source: docs/protocol-record.md, "Standing". Layer: instrument: pure, no clock, no I/O.
 * Two accounts are shown side by side and never merged.
 */
#ifndef DT_INSTRUMENT_CONTACTS_H
#define DT_INSTRUMENT_CONTACTS_H

#include "record/answer.h"
#include "record/proof.h"

#define DT_ENTRY_UNKNOWN UINT64_MAX

/* A checked record with what is known of its register entry. */
struct dt_fact {
    const struct dt_record *record;
    uint64_t entry; /* register index, or DT_ENTRY_UNKNOWN: not entered yet */
};

enum dt_standing_code {
    DT_STANDING_NO_ENTRY = 0,
    DT_STANDING_ASSERTED,
    DT_STANDING_COUNTERSIGNED,
    DT_STANDING_DISPUTED
};
/* "no entry", "asserted by one", "countersigned", "disputed". Static. */
const char *dt_standing_name(enum dt_standing_code code);

/* One answer that counts, by place in the facts. */
struct dt_standing_answer {
    size_t fact;
    enum dt_answer answer;
};

#define DT_STANDING_ANSWERS 64u /* kept to be shown; all are weighed */

/* One record that is not itself an answer, and its answers in the order of their entries. */
struct dt_standing {
    size_t fact;
    enum dt_standing_code code;
    bool withdrawn; /* by its author; undoes nothing */
    size_t n_answers;
    struct dt_standing_answer answers[DT_STANDING_ANSWERS];
};

/**
 * dt_standing_fold(facts, n, out, out_n):
 * The standing of every record among the facts that is no answer, in the order of entry then of
 * facts. Order of
 * ${facts} does not matter; answers to records that are not there are left out; a copy counts once.
 * A party's own countersignature or another's withdrawal does not count. Owner: *out is dt_free()d
 * by the caller.
 */
DT_MUST_CHECK enum dt_err dt_standing_fold(const struct dt_fact *facts, size_t n,
                                           struct dt_standing **out, size_t *out_n);

#endif
