/*
 * relay/writer.h - the one thread that writes, and group commit without a timer.
 *
 * Layer: relay. A batch is whatever came while the previous one was synced: alone on the machine a
 * job waits for nobody, and under load one sync serves many. What was handed in while the server
 * looked at all that had come (dt_writer_hand) comes into one batch; but where the disk is quick, a
 * thread that rests does not wait for all of it while there is enough for one.
 */
#ifndef DT_RELAY_WRITER_H
#define DT_RELAY_WRITER_H

#include "relay/store/store.h"

struct dt_relay_store_writer;

/* Told, in the writer's thread, that a whole batch failed; dt_err_message() says why. */
typedef void (*dt_writer_failed_fn)(void *ctx, enum dt_err err);

/* Start the thread over ${store}, which it alone writes to from now on. ${failed} may be NULL.
 * NOMEM. */
DT_MUST_CHECK enum dt_err dt_writer_start(struct dt_relay_store *store, dt_writer_failed_fn failed,
                                          void *ctx, struct dt_relay_store_writer **out);

/* Told, in the writer's thread, of each batch: its jobs, how long it took, whether it is on disk.
 */
typedef void (*dt_writer_ran_fn)(void *ctx, size_t n, uint64_t us, bool ok);

/* From the next batch on. Before the first job is handed over. */
void dt_writer_watch(struct dt_relay_store_writer *w, dt_writer_ran_fn ran, void *ctx);

/* Hand ${job} over; job->done is called from the thread once it is on disk or has failed. The job
 * must live until then. BUSY when DT_RELAY_PENDING_MAX wait already or the writer is stopping. */
DT_MUST_CHECK enum dt_err dt_writer_submit(struct dt_relay_store_writer *w,
                                           struct dt_relay_store_job *job);

/* The same, but the thread sees it only at the next dt_writer_go(), so that what comes together is
 * synced together; or when it rests, DT_RELAY_BATCH_EARLY are at hand, and its latest batches
 * waited less than DT_RELAY_EARLY_US: then one more sync costs less than its rest. */
DT_MUST_CHECK enum dt_err dt_writer_hand(struct dt_relay_store_writer *w,
                                         struct dt_relay_store_job *job);
void dt_writer_go(struct dt_relay_store_writer *w);

/* Told, in the writer's thread, before (${begins}) and after the done() of a batch's jobs. To be
 * set before there are any. */
typedef void (*dt_writer_told_fn)(void *ctx, bool begins);
void dt_writer_tell(struct dt_relay_store_writer *w, dt_writer_told_fn told, void *ctx);

/* For tests, before the first job: a batch waited for the disk as long as ${waited} says, in
 * microseconds, and not as long as it did. Called in the writer's thread. */
void dt_writer_waited(struct dt_relay_store_writer *w, uint64_t (*waited)(void));

/* Finish what was handed over and end the thread. Who hands in a job from now on is told BUSY: a
 * request may have begun before the relay was to stop, and its body come after. NULL is fine. */
void dt_writer_finish(struct dt_relay_store_writer *w);

/* dt_writer_finish() if that was not done, and free. NULL is fine. */
void dt_writer_stop(struct dt_relay_store_writer *w);

/* How many jobs and how many batches so far. */
void dt_writer_counts(struct dt_relay_store_writer *w, uint64_t *out_jobs, uint64_t *out_batches);

#endif
