/*
 * agent/sync/ahead.h - cells that came with a long poll, for the sync that follows it.
 */
#ifndef DT_AGENT_SYNC_AHEAD_H
#define DT_AGENT_SYNC_AHEAD_H

#include "agent/core.h"
#include "net/relay_wire.h"

/* Keep what ${answer} to a poll of ${wanted} holds of their cells, in place of what was kept.
 * *${out_news}: it tells of any. FORMAT: nothing is kept. */
DT_MUST_CHECK enum dt_err dt_ahead_keep(struct dt_agent *a, const struct dt_wire_poll *wanted,
                                        size_t n, struct dt_view answer, bool *out_news);

/* The read answer that was kept for the cells behind ${after} of the queue at ${address}, into
 * ${out}; false: none, it has to be asked for. Given once. */
bool dt_ahead_take(struct dt_agent *a, const uint8_t address[static DT_RELAY_ADDRESS],
                   uint64_t after, struct dt_buf *out);

void dt_ahead_clear(struct dt_agent *a);

#endif
