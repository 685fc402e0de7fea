/*
 * record/trace_proof.h - a file that shows to a stranger with the forum id alone that there was a
 * record with the rule to be destroyed, and who says that it is; nothing of what it said.
 *
 * Source: docs/protocol-record.md, "Destroyed by rule". Layer: record; no I/O, no clock.
 */
#ifndef DT_RECORD_TRACE_PROOF_H
#define DT_RECORD_TRACE_PROOF_H

#include "record/proof.h"
#include "record/trace.h"

#define DT_TRACE_WORDS 64u /* delegates' words in one file */

struct dt_trace_proof_in {
    const struct dt_charter *charter;
    const struct dt_trace *trace;
    struct dt_view tlog_proof; /* of its entry; empty: none is known */
    bool first;                /* as of struct dt_proof_item */
    /* Those of the author and of all who say that it is destroyed. */
    const struct dt_letter *const *letters;
    size_t n_letters;
    const struct dt_destroyed *words;
    size_t n_words;
};

/* Append the file's text, after checking it as a stranger would. LIMIT; REFUSED: what a verifier
 * would refuse, with its reason. */
DT_MUST_CHECK enum dt_err dt_trace_proof_build(const struct dt_trace_proof_in *in,
                                               struct dt_buf *out);

/* Is it such a file, by its first line? */
bool dt_trace_proof_is(struct dt_view file);

struct dt_trace_verdict {
    enum dt_verdict_code code; /* VERIFIED, WHOSE or REFUSED */
    struct dt_buf reason;      /* REFUSED: one line */
    struct dt_buf findings;    /* lines in plain English */
    struct dt_buf store;
    uint8_t forum[32];
    struct dt_trace trace;
    size_t party; /* of the author, in the charter */
    enum dt_entry_state state;
    uint64_t entry, entry_ms;
    size_t n_words;
};
void dt_trace_verdict_clear(struct dt_trace_verdict *v);

/* Verify a file; ${forum} is the forum id that the verifier got elsewhere, or NULL; ${known}
 * amendments that it knows of, a list of opaque<V>, which count whether the file shows them. One
 * that does not hold is DT_OK with code REFUSED. Errors: NOMEM, INTERNAL only. */
DT_MUST_CHECK enum dt_err dt_trace_proof_verify(struct dt_view file, const uint8_t *forum,
                                                struct dt_view known, struct dt_trace_verdict *out);

#endif
