/*
 * agent/records/due.h - what is due in the channels of this home: the fold over its records, kept
 * between two calls.
 *
 * Source: docs/protocol-record.md, "Obligations"; docs/protocol-agent.md, "What is due".
 * Layer: agent.
 */
#ifndef DT_AGENT_RECORDS_DUE_H
#define DT_AGENT_RECORDS_DUE_H

#include "agent/records/records.h"
#include "instrument/obligations.h"

struct dt_agent_due {
    struct dt_due_state state;       /* item ${i} is the record number state.items[i].number */
    struct dt_due_channel *channels; /* owned, by the numbers of the items */
    uint8_t *group_ids;              /* owned, 32 bytes each, likewise */
    size_t n_channels;
    struct dt_due_outage *outages; /* owned */
    size_t n_outages;
    struct dt_due *list; /* owned, sorted by time */
    size_t n;
    uint8_t self; /* our own party */
    uint64_t now_ms;
    size_t taken; /* records taken in by this call */
};
void dt_agent_due_clear(struct dt_agent_due *d);

/**
 * dt_agent_due(a, until_ms, settled, out):
 * What is owed by whom, by all records of this home, now. Days of the year are listed up to
 * ${until_ms}; ${settled}: what is met or waived, too. Records that came since the last call are
 * taken in, and what the register says meanwhile; both are kept in the store, sealed. Owner:
 * dt_agent_due_clear().
 */
DT_MUST_CHECK enum dt_err dt_agent_due(struct dt_agent *a, uint64_t until_ms, bool settled,
                                       struct dt_agent_due *out);

/* An id of ${d}, one of ${due}'s list, that stays the same as long as it is owed. */
DT_MUST_CHECK enum dt_err dt_agent_due_id(struct dt_agent *a, const struct dt_agent_due *due,
                                          const struct dt_due *d, uint8_t out[static 32]);

/* When the last record of ${tmpl} of our party in the channel was there, as far as known; 0: none
 * is. For the rule `every`. */
DT_MUST_CHECK enum dt_err dt_agent_due_last(struct dt_agent *a, const uint8_t group_id[static 32],
                                            const struct dt_template *tmpl, uint64_t *out);

#endif
