/*
 * relay/program/metrics.h - counters of a serving relay, and their text for a collector.
 *
 * Source: the OpenMetrics text format 1.0. Layer: relay. Names and meanings: docs/operating.md.
 *
 * Counters are written by any thread without a lock. The text is served by a server of its own, on
 * a port of its own, with a connection to the store of its own, so that a slow collector holds up
 * nobody. It names registers by the first 8 digits of their ids, and nobody.
 */
#ifndef DT_RELAY_METRICS_H
#define DT_RELAY_METRICS_H

#include <stdatomic.h>

#include "net/server.h"
#include "relay/store/store.h"
#include "relay/writer.h"

enum relay_route_name {
    RELAY_ROUTE_CREATE, /* POST /v1/queues */
    RELAY_ROUTE_APPEND, /* POST /v1/queues/.../cells */
    RELAY_ROUTE_READ,   /* GET of the same */
    RELAY_ROUTE_POLL,
    RELAY_ROUTE_HEALTH,
    RELAY_ROUTE_REGISTER_GET,
    RELAY_ROUTE_REGISTER_POST,
    RELAY_ROUTE_OTHER, /* refused before it had a path, or a path that there is not */
    RELAY_ROUTES
};

#define RELAY_STATUSES     16u /* places for status codes that were answered */
#define RELAY_JOB_KINDS    16u
#define RELAY_BATCH_STEPS  6u
#define RELAY_SECOND_STEPS 9u

struct relay_metrics {
    atomic_uint_fast64_t requests[RELAY_ROUTES][RELAY_STATUSES];
    atomic_uint_fast64_t acknowledged[RELAY_JOB_KINDS]; /* by enum dt_job_kind */
    atomic_uint_fast64_t failed_batches;
    /* Batches by their number of jobs and by their time to the disk; the last has no upper end. */
    atomic_uint_fast64_t batch_jobs[RELAY_BATCH_STEPS + 1], batch_jobs_sum;
    atomic_uint_fast64_t batch_time[RELAY_SECOND_STEPS + 1], batch_time_us;
};

/* Count an answer; ${req}->path may be NULL. */
void relay_metrics_answered(struct relay_metrics *m, const struct dt_http_request *req,
                            unsigned int status);

/* Count a batch of ${n} jobs that took ${us}. */
void relay_metrics_batch(struct relay_metrics *m, size_t n, uint64_t us, bool ok);

/* Count ${n} of what a job is about: acknowledged, or of DT_JOB_EXPIRE gone. */
void relay_metrics_acknowledged(struct relay_metrics *m, enum dt_job_kind kind, uint64_t n);

struct relay_metrics_config {
    const char *listen; /* "127.0.0.1:9464" */
    const char *store;
    struct relay_metrics *metrics;
    struct dt_http_server *relay; /* whose connections and waits are counted */
};

struct relay_metrics_server;

/* Serve GET /metrics on config->listen. Errors of dt_http_server_start() and dt_relay_store_open().
 */
DT_MUST_CHECK enum dt_err relay_metrics_start(const struct relay_metrics_config *config,
                                              struct relay_metrics_server **out);
uint16_t relay_metrics_port(const struct relay_metrics_server *s);
void relay_metrics_stop(struct relay_metrics_server *s); /* NULL is fine */

#endif
