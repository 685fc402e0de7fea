/*
 * agent/records/deadline.h - by when the entry of a record has to be made, and whether its slot is
 * too late.
 *
 * Source: docs/protocol-register.md "Cadence"; deadlines of templates: docs/protocol-record.md.
 * Layer: agent.
 */
#ifndef DT_AGENT_RECORDS_DEADLINE_H
#define DT_AGENT_RECORDS_DEADLINE_H

#include "agent/records/records.h"

/* An entry has its time from a witness, which comes a little later than the entry. */
#define DT_ENTRY_MARGIN_MS (10 * DT_MS_MINUTE)

struct dt_entry_plan {
    bool cadence;         /* entries wait for slots */
    uint64_t slot_ms;     /* that this one would get; not later than now: with the next sync */
    uint64_t deadline_ms; /* by its template and values; 0: none that is known here */
    bool late;            /* it is past already: nothing is gained by haste */
    bool urgent;          /* the slot comes too late for it */
};

/**
 * dt_agent_entry_plan(a, group_id, draft, out):
 * When would the entry of ${draft} be made, if it were sent in the channel now? The deadline is
 * that of its template, from the draft's own values, from the record that it refers to as far as
 * that is here, or from our last one of the kind in this channel; and that of what the record
 * answered asks for.
 */
DT_MUST_CHECK enum dt_err dt_agent_entry_plan(struct dt_agent *a, const uint8_t group_id[static 32],
                                              const struct dt_record_draft *draft,
                                              struct dt_entry_plan *out);

#endif
