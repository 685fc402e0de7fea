/*
 * relay/expiry.c - see expiry.h.
 */
#include <pthread.h>

#include "base/mem.h"
#include "base/time.h"

#include "relay/expiry.h"
#include "relay/log.h"

#define PAUSE_MS      5u  /* between two steps of a queue, in which the writer is others' alone */
#define LOOK_PAUSE_MS 20u /* between two looks at a few queues */

struct relay_expiry {
    struct relay_expiry_config config;
    struct dt_relay_store *store;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool stop, job_done;
    struct dt_relay_store_job job;
};

static void
on_done(struct dt_relay_store_job *job)
{
    struct relay_expiry *x = job->ctx;

    pthread_mutex_lock(&x->lock);
    x->job_done = true;
    pthread_cond_broadcast(&x->cond);
    pthread_mutex_unlock(&x->lock);
}

/* Wait ${ms}, or until it is to stop: then true. */
static bool
pause_ms(struct relay_expiry *x, uint64_t ms)
{
    struct timespec t = dt_monotonic_after(ms);
    bool stop;

    pthread_mutex_lock(&x->lock);
    while (!x->stop && pthread_cond_timedwait(&x->cond, &x->lock, &t) == 0)
        ;
    stop = x->stop;
    pthread_mutex_unlock(&x->lock);
    return stop;
}

/* Have the writer do x->job; false when it was not done. */
static bool
run_job(struct relay_expiry *x)
{
    x->job.ctx = x;
    x->job.done = on_done;
    x->job_done = false;
    if (dt_writer_submit(x->config.writer, &x->job) != DT_OK)
        return false; /* much waits already: next time */
    pthread_mutex_lock(&x->lock);
    while (!x->job_done)
        pthread_cond_wait(&x->cond, &x->lock);
    pthread_mutex_unlock(&x->lock);
    return x->job.result == DT_OK;
}

/* All steps of one queue. True: stop. */
static bool
one_queue(struct relay_expiry *x, int64_t queue)
{
    do {
        x->job = (struct dt_relay_store_job){.kind = DT_JOB_EXPIRE, .u.expire.queue = queue};
        if (!run_job(x))
            return pause_ms(x, LOOK_PAUSE_MS);
        if (x->job.u.expire.n_cells > 0 && x->config.gone != NULL)
            x->config.gone(x->config.ctx, x->job.u.expire.n_cells);
        if (pause_ms(x, PAUSE_MS))
            return true;
    } while (x->job.u.expire.more);
    return false;
}

/* One look at all queues. True: stop. */
static bool
all_queues(struct relay_expiry *x)
{
    uint64_t after = 0;

    do {
        int64_t due[DT_RELAY_EXPIRY_LOOK];
        size_t n = 0;
        enum dt_err err = dt_relay_store_expiry(x->store, &after, due, &n);

        if (err != DT_OK) {
            relay_log_err("error", NULL, err);
            return false;
        }
        for (size_t i = 0; i < n; i++)
            if (one_queue(x, due[i]))
                return true;
        if (after != 0 && pause_ms(x, LOOK_PAUSE_MS))
            return true;
    } while (after != 0);
    return false;
}

static void *
run(void *arg)
{
    struct relay_expiry *x = arg;

    do {
        x->job = (struct dt_relay_store_job){.kind = DT_JOB_SERVED};
        (void)run_job(x); /* not counted, it counts with the next: up to ten minutes */
        if (all_queues(x))
            break;
    } while (!pause_ms(x, x->config.interval_s * DT_MS_SECOND));
    return NULL;
}

enum dt_err
relay_expiry_start(const struct relay_expiry_config *config, struct relay_expiry **out)
{
    struct relay_expiry *x = dt_alloc(1, sizeof(*x));
    pthread_condattr_t attr;
    enum dt_err err;

    if (x == NULL)
        return dt_nomem();
    x->config = *config;
    x->config.store.create = false;
    x->config.store.read_only = true;
    if (x->config.interval_s == 0)
        x->config.interval_s = RELAY_EXPIRY_S;
    if ((err = dt_relay_store_open(&x->config.store, &x->store)) != DT_OK) {
        dt_free(x);
        return err;
    }
    pthread_mutex_init(&x->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&x->cond, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&x->thread, NULL, run, x) != 0) {
        pthread_cond_destroy(&x->cond);
        pthread_mutex_destroy(&x->lock);
        dt_relay_store_close(x->store);
        dt_free(x);
        return dt_nomem();
    }
    *out = x;
    return DT_OK;
}

void
relay_expiry_stop(struct relay_expiry *x)
{
    if (x == NULL)
        return;
    pthread_mutex_lock(&x->lock);
    x->stop = true;
    pthread_cond_broadcast(&x->cond);
    pthread_mutex_unlock(&x->lock);
    pthread_join(x->thread, NULL);
    pthread_cond_destroy(&x->cond);
    pthread_mutex_destroy(&x->lock);
    dt_relay_store_close(x->store);
    dt_free(x);
}
