/*
 * relay/writer.h - the one thread that writes, and group commit without a timer.
 *
 * Layer: relay. A batch is whatever came while the previous one was synced: alone on the machine a
 * job waits for nobody, and under load one sync serves many.
 */
#ifndef DT_RELAY_WRITER_H
#define DT_RELAY_WRITER_H

#include "relay/store.h"

struct dt_relay_store_writer;

/* Told, in the writer's thread, that a whole batch failed; dt_err_message() says why. */
typedef void (*dt_writer_failed_fn)(void *ctx, enum dt_err err);

/* Start the thread over ${store}, which it alone writes to from now on. ${failed} may be NULL.
 * NOMEM. */
DT_MUST_CHECK enum dt_err dt_writer_start(struct dt_relay_store *store, dt_writer_failed_fn failed,
                                          void *ctx, struct dt_relay_store_writer **out);

/* Hand ${job} over; job->done is called from the thread once it is on disk or has failed. The job
 * must live until then. BUSY when DT_RELAY_PENDING_MAX wait already or the writer is stopping. */
DT_MUST_CHECK enum dt_err dt_writer_submit(struct dt_relay_store_writer *w,
                                           struct dt_relay_store_job *job);

/* Finish what was handed over and end the thread. Who hands in a job from now on is told BUSY: a
 * request may have begun before the relay was to stop, and its body come after. NULL is fine. */
void dt_writer_finish(struct dt_relay_store_writer *w);

/* dt_writer_finish() if that was not done, and free. NULL is fine. */
void dt_writer_stop(struct dt_relay_store_writer *w);

/* How many jobs and how many batches so far. */
void dt_writer_counts(struct dt_relay_store_writer *w, uint64_t *out_jobs, uint64_t *out_batches);

#endif
