/*
 * relay/program/metrics.c - see metrics.h: counting.
 */
#include <string.h>

#include "relay/program/metrics_internal.h"

/* The statuses that the protocol knows; the last place is for all others. */
const unsigned int relay_metrics_statuses[RELAY_STATUSES] = {200, 201, 400, 401, 403, 404, 405, 409,
                                                             410, 413, 414, 429, 431, 503, 507, 0};

const uint64_t relay_metrics_batch_steps[RELAY_BATCH_STEPS] = {1, 4, 16, 64, 256, 1024};
const uint64_t relay_metrics_time_steps[RELAY_SECOND_STEPS] = {500,   1000,   2500,   5000,   10000,
                                                               25000, 100000, 500000, 2500000};

static enum relay_route_name
route_of(const struct dt_http_request *req)
{
    const char *p = req->path;
    bool post = req->method == DT_HTTP_POST;

    if (p == NULL || req->method == 0)
        return RELAY_ROUTE_OTHER;
    if (strcmp(p, "/v1/queues") == 0)
        return RELAY_ROUTE_CREATE;
    if (strncmp(p, "/v1/queues/", 11) == 0)
        return post ? RELAY_ROUTE_APPEND : RELAY_ROUTE_READ;
    if (strcmp(p, "/v1/poll") == 0)
        return RELAY_ROUTE_POLL;
    if (strcmp(p, "/v1/health") == 0)
        return RELAY_ROUTE_HEALTH;
    if (strncmp(p, "/r/", 3) == 0)
        return post ? RELAY_ROUTE_REGISTER_POST : RELAY_ROUTE_REGISTER_GET;
    return RELAY_ROUTE_OTHER;
}

static void
add(atomic_uint_fast64_t *to, uint64_t n)
{
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

void
relay_metrics_answered(struct relay_metrics *m, const struct dt_http_request *req,
                       unsigned int status)
{
    size_t at = 0;

    while (at < RELAY_STATUSES - 1 && relay_metrics_statuses[at] != status)
        at++;
    add(&m->requests[route_of(req)][at], 1);
}

static size_t
step_of(const uint64_t *steps, size_t n, uint64_t x)
{
    size_t i = 0;

    while (i < n && x > steps[i])
        i++;
    return i;
}

void
relay_metrics_batch(struct relay_metrics *m, size_t n, uint64_t us, bool ok)
{
    add(&m->batch_jobs[step_of(relay_metrics_batch_steps, RELAY_BATCH_STEPS, n)], 1);
    add(&m->batch_jobs_sum, n);
    add(&m->batch_time[step_of(relay_metrics_time_steps, RELAY_SECOND_STEPS, us)], 1);
    add(&m->batch_time_us, us);
    if (!ok)
        add(&m->failed_batches, 1);
}

void
relay_metrics_acknowledged(struct relay_metrics *m, enum dt_job_kind kind, uint64_t n)
{
    if ((unsigned int)kind < RELAY_JOB_KINDS)
        add(&m->acknowledged[kind], n);
}
