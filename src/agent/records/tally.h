/*
 * agent/records/tally.h - tallies over the agent's own records and its copy of the register.
 *
 * Source: docs/protocol-record.md, "Tally"; DESIGN "Countable in public, silent on content".
 * Layer: agent. No network: what was not synced is not counted.
 */
#ifndef DT_AGENT_RECORDS_TALLY_H
#define DT_AGENT_RECORDS_TALLY_H

#include "agent/records/records.h"
#include "instrument/tally.h"
#include "record/tally.h"

/**
 * dt_agent_tally(a, question, out):
 * The tally of entries of our copy of the register, by the records kept here. STATE: our copy does
 * not reach the end of the range. RANGE, LIMIT: as dt_tally_fold(). Owner: dt_tally_clear(out).
 */
DT_MUST_CHECK enum dt_err
dt_agent_tally(struct dt_agent *a, const struct dt_tally_question *question, struct dt_tally *out);

/**
 * dt_agent_tally_recount(a, tally, out_stated, out_own):
 * Count anew what the record ${tally}, of the built-in template, states: over our own records of
 * its channel. Whether the counts are the same is for the caller to see. Errors: as above; FORMAT
 * (its numbers cannot be); UNSUPPORTED (what it counts is no template known here). Owner:
 * dt_tally_clear(out_own); ${out_stated} borrows from ${tally}.
 */
DT_MUST_CHECK enum dt_err dt_agent_tally_recount(struct dt_agent *a, const struct dt_record *tally,
                                                 struct dt_tally_stated *out_stated,
                                                 struct dt_tally *out_own);

/* Are the two counts the same? REFUSED names both. */
DT_MUST_CHECK enum dt_err dt_agent_tally_compare(const struct dt_tally_stated *stated,
                                                 const struct dt_tally *own);

/* When ${r} countersigns a tally that is kept here: count anew. REFUSED: our own count is another
 * one; else as dt_agent_tally_recount(). */
DT_MUST_CHECK enum dt_err dt_agent_tally_check(struct dt_agent *a, const struct dt_record *r);

/* The first entry whose time is not before ${ms}; the last one whose time is not after it. An
 * entry's time is that of the first attested checkpoint kept here that holds it; what is not
 * attested has none. NOT_FOUND: there is no such entry. */
DT_MUST_CHECK enum dt_err dt_agent_entry_from(struct dt_agent *a, uint64_t ms, uint64_t *out);
DT_MUST_CHECK enum dt_err dt_agent_entry_until(struct dt_agent *a, uint64_t ms, uint64_t *out);

#endif
