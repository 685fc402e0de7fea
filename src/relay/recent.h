/*
 * relay/recent.h - queues in use and their newest cells, in memory.
 *
 * Layer: relay. What nearly every request asks is what the store gave or took a moment ago: whose
 * queue it is, how far it goes, the cells that were just stored. The writer puts here what is on
 * disk, after the sync; handlers look here first. Bounded in queues and bytes; whatever is not here
 * is in the store. From any thread, but the store is read by the handlers' alone. NULL for the
 * memory is one that holds nothing.
 */
#ifndef DT_RELAY_RECENT_H
#define DT_RELAY_RECENT_H

#include "base/wire.h"
#include "relay/store/store.h"

struct dt_recent;

/* In at most ${memory} bytes; half of it is for queues and half for cells. NOMEM. */
DT_MUST_CHECK enum dt_err dt_recent_new(uint64_t memory, struct dt_recent **out);
void dt_recent_free(struct dt_recent *recent);

/* As dt_relay_store_queue(), from memory where it was looked up in the store DT_RELAY_RECENT_MS ago
 * or less. */
DT_MUST_CHECK enum dt_err dt_recent_queue(struct dt_recent *recent, struct dt_relay_store *store,
                                          const uint8_t address[static 32],
                                          struct dt_relay_store_queue *out);

/* As dt_relay_store_items() for the queue ${queue} at ${address}, from memory where all of it is
 * there. */
DT_MUST_CHECK enum dt_err dt_recent_items(struct dt_recent *recent, struct dt_relay_store *store,
                                          const uint8_t address[static 32], int64_t queue,
                                          uint64_t after, uint64_t max, size_t max_bytes,
                                          struct dt_writer *w);

/* ${job} appended to the queue at ${address}, and is on disk. Before its readers are woken. Without
 * memory for it nothing is remembered. */
void dt_recent_put(struct dt_recent *recent, const uint8_t address[static 32],
                   const struct dt_relay_store_job *job);

/* Nothing is known of the queue at ${address}: another process changed it, or cells were taken
 * away. */
void dt_recent_forget(struct dt_recent *recent, const uint8_t address[static 32]);
void dt_recent_forget_all(struct dt_recent *recent);

#endif
