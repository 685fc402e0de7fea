/*
 * agent/talk/line_log.h - when each party's line was tested, for good: what stops the clock of
 * obligations when all sides were out.
 *
 * Source: docs/protocol-channel.md, "Line tests"; docs/protocol-record.md, "Obligations",
 * "Outages". Layer: agent. All of this is called inside a transaction, or without any.
 */
#ifndef DT_AGENT_TALK_LINE_LOG_H
#define DT_AGENT_TALK_LINE_LOG_H

#include "agent/core.h"
#include "instrument/obligations.h"

/**
 * dt_line_log_test(a, group_id, party, slot, every_ms):
 * An agent of ${party} was there in ${slot}, by a test that was heard now, or is sent now. One that
 * comes after its slot, when the queue was read to its end meanwhile, was not there in time, and
 * counts for nothing: nobody lets a clock run afterwards. So does one from the future.
 */
DT_MUST_CHECK enum dt_err dt_line_log_test(struct dt_agent *a, const uint8_t group_id[static 32],
                                           size_t party, uint64_t slot, uint64_t every_ms);

/* The queue was read to its end in ${slot}, by our seat ${seat}. With another seat than the last
 * time we could not hear what was said between, and nobody is taken to have been out. */
DT_MUST_CHECK enum dt_err dt_line_log_read(struct dt_agent *a, const uint8_t group_id[static 32],
                                           const uint8_t seat[static 16], uint64_t slot,
                                           uint64_t every_ms);

/* What was heard, of any number of channels. */
struct dt_line_heard {
    struct dt_due_heard *v; /* owned */
    size_t n, room;
};

/* Append what was heard in the channel, under its number ${channel}; ${out_until_ms}: how far it
 * was read; 0: it never was. Owner: dt_free(list->v), also on error. */
DT_MUST_CHECK enum dt_err dt_line_log_load(struct dt_agent *a, const uint8_t group_id[static 32],
                                           uint16_t channel, struct dt_line_heard *list,
                                           uint64_t *out_until_ms);

#endif
