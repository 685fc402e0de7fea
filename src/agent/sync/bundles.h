/*
 * agent/sync/bundles.h - for programs: bundles made from a channel, and taken in.
 *
 * Source: docs/protocol-carried.md "Bundles". Layer: agent.
 */
#ifndef DT_AGENT_SYNC_BUNDLES_H
#define DT_AGENT_SYNC_BUNDLES_H

#include "agent/agent.h"
#include "agent/form/bundle.h"

/**
 * dt_agent_bundle_export(a, group_id, kind, since, unpadded, out, out_n):
 * CELLS: those of the channel's queue behind position ${since}, as many as fit, from the relay.
 * OUTGOING: ours that were sealed and that no relay has acknowledged, from the outbox; they stay
 * there until they are read back. ACK: how far we have read. The bundle is appended to ${out},
 * *${out_n} is how many cells it has. STATE (no live channel), NET, and those of
 * dt_bundle_encode().
 */
DT_MUST_CHECK enum dt_err dt_agent_bundle_export(struct dt_agent *a,
                                                 const uint8_t group_id[static 32],
                                                 enum dt_bundle_kind kind, uint64_t since,
                                                 bool unpadded, struct dt_buf *out, size_t *out_n);

struct dt_bundle_report {
    uint8_t group_id[32];
    enum dt_bundle_kind kind;
    size_t cells;      /* in the bundle */
    size_t taken;      /* CELLS: of these, new here; OUTGOING: handed to the relay */
    uint64_t position; /* read so far: ours after CELLS; the other's, of OUTGOING and ACK */
};

/**
 * dt_agent_bundle_import(a, bytes, out):
 * CELLS: taken in like those that a relay shows, and then what waits in the channel is sealed, for
 * an OUTGOING bundle. OUTGOING: appended at our relay in the author's stead, under the author's
 * append ids; the next sync reads them. NOT_FOUND (of no channel of this home), RANGE (cells are
 * missing between ours and the bundle's), NET, and those of dt_bundle_decode().
 */
DT_MUST_CHECK enum dt_err dt_agent_bundle_import(struct dt_agent *a, struct dt_view bytes,
                                                 struct dt_bundle_report *out);

#endif
