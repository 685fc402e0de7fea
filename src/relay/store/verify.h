/*
 * relay/store/verify.h - is a store what it says: every invariant, and all that is wrong.
 *
 * Source: docs/protocol-relay.md, docs/operating.md "Verify". Layer: relay.
 */
#ifndef DT_RELAY_STORE_VERIFY_H
#define DT_RELAY_STORE_VERIFY_H

#include "relay/store/store.h"

/* What was looked at. */
struct dt_verify_report {
    uint64_t grants, queues, cells, registers, entries, checkpoints, cosignatures, openings;
    uint64_t faults;
    uint64_t plain; /* registers whose seed is not sealed, as in stores of before; no fault */
};

/**
 * dt_relay_store_verify(s, found, ctx, out):
 * Look at all of the store in one snapshot, which may be served meanwhile, and tell ${found} of
 * each fault: where ("register 0123...", "queue 7") and what. Looked at are the pages; each queue's
 * positions, counts, append ids and address; each grant's counts; each register's entries, what is
 * held of them, tiles, root, checkpoints with their signatures, and cosignatures; openings' names.
 * More than 1,000 faults are counted and not told.
 *
 * Errors: IO, NOMEM, BUSY: it could not be seen to the end. Faults are none of these.
 */
DT_MUST_CHECK enum dt_err dt_relay_store_verify(struct dt_relay_store *s,
                                                void (*found)(void *ctx, const char *where,
                                                              const char *what),
                                                void *ctx, struct dt_verify_report *out);

#endif
