/*
 * relay/writer.c - see writer.h.
 */
#include <pthread.h>

#include "base/mem.h"

#include "relay/writer.h"

struct dt_relay_store_writer {
    struct dt_relay_store *store;
    dt_writer_failed_fn failed;
    void *ctx;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct dt_relay_store_job *first, *last; /* waiting, oldest first */
    size_t n_waiting;
    bool stop, ended;
    uint64_t jobs, batches;
    struct dt_relay_store_job *batch[DT_RELAY_BATCH_MAX];
};

static size_t
take_batch(struct dt_relay_store_writer *w)
{
    size_t n = 0;

    while (w->first == NULL && !w->stop)
        pthread_cond_wait(&w->more, &w->lock);
    while (w->first != NULL && n < DT_RELAY_BATCH_MAX) {
        w->batch[n++] = w->first;
        w->first = w->first->next;
    }
    if (w->first == NULL)
        w->last = NULL;
    w->n_waiting -= n;
    return n;
}

static void *
run(void *arg)
{
    struct dt_relay_store_writer *w = arg;

    for (;;) {
        enum dt_err err;
        size_t n;

        pthread_mutex_lock(&w->lock);
        n = take_batch(w);
        w->jobs += n;
        w->batches += n > 0;
        pthread_mutex_unlock(&w->lock);
        if (n == 0)
            return NULL; /* stopping, and nothing is left */
        err = dt_relay_store_run(w->store, w->batch, n);
        if (err != DT_OK && w->failed != NULL)
            w->failed(w->ctx, err);
        for (size_t i = 0; i < n; i++)
            w->batch[i]->done(w->batch[i]);
    }
}

enum dt_err
dt_writer_start(struct dt_relay_store *store, dt_writer_failed_fn failed, void *ctx,
                struct dt_relay_store_writer **out)
{
    struct dt_relay_store_writer *w = dt_alloc(1, sizeof(*w));

    if (w == NULL)
        return dt_nomem();
    w->store = store;
    w->failed = failed;
    w->ctx = ctx;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    if (pthread_create(&w->thread, NULL, run, w) != 0) {
        pthread_cond_destroy(&w->more);
        pthread_mutex_destroy(&w->lock);
        dt_free(w);
        return dt_nomem();
    }
    *out = w;
    return DT_OK;
}

enum dt_err
dt_writer_submit(struct dt_relay_store_writer *w, struct dt_relay_store_job *job)
{
    enum dt_err err = DT_OK;

    pthread_mutex_lock(&w->lock);
    if (w->stop || w->n_waiting >= DT_RELAY_PENDING_MAX) {
        err = dt_fail(DT_ERR_BUSY, "the writer takes no more for now");
    } else {
        job->next = NULL;
        if (w->last != NULL)
            w->last->next = job;
        else
            w->first = job;
        w->last = job;
        w->n_waiting++;
        pthread_cond_signal(&w->more);
    }
    pthread_mutex_unlock(&w->lock);
    return err;
}

void
dt_writer_finish(struct dt_relay_store_writer *w)
{
    if (w == NULL || w->ended)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    w->ended = true;
}

void
dt_writer_stop(struct dt_relay_store_writer *w)
{
    if (w == NULL)
        return;
    dt_writer_finish(w);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    dt_free(w);
}

void
dt_writer_counts(struct dt_relay_store_writer *w, uint64_t *out_jobs, uint64_t *out_batches)
{
    pthread_mutex_lock(&w->lock);
    *out_jobs = w->jobs;
    *out_batches = w->batches;
    pthread_mutex_unlock(&w->lock);
}
