/*
 * relay/writer.c - see writer.h.
 */
#include <pthread.h>
#include <time.h>

#include "base/mem.h"
#include "base/time.h"

#include "relay/writer.h"

#define WAIT_MAX_US                                                                                \
    (2u * DT_RELAY_EARLY_US) /* one that waits longer counts as one that does so long */
#define WAIT_PART 8u         /* of what is known of the waits is the latest one */

struct dt_relay_store_writer {
    struct dt_relay_store *store;
    dt_writer_failed_fn failed;
    void *ctx;
    dt_writer_ran_fn ran;
    void *ran_ctx;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct dt_relay_store_job *first, *last;     /* waiting, oldest first */
    struct dt_relay_store_job *hand, *hand_last; /* the same, not to be seen yet */
    size_t n_waiting, n_hand;                    /* of both; of those in hand */
    bool rests;                                  /* it waits for jobs, and was not told of any */
    uint64_t waits_us; /* how long its batches wait for disk or database, of late */
    dt_writer_told_fn told;
    void *told_ctx;
    uint64_t (*waited)(void); /* in place of what was measured; NULL: that */
    bool stop, ended;
    uint64_t jobs, batches;
    struct dt_relay_store_job *batch[DT_RELAY_BATCH_MAX];
};

/* Time of the thread's processor. */
static uint64_t
own_us(void)
{
    struct timespec ts = {0};

    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) != 0
               ? 0
               : (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* A batch took so long, and so much of that its thread did something. Under the lock. */
static void
note_wait(struct dt_relay_store_writer *w, uint64_t took, uint64_t own)
{
    uint64_t us = took > own ? took - own : 0;

    if (us > WAIT_MAX_US)
        us = WAIT_MAX_US;
    w->waits_us = (w->waits_us * (WAIT_PART - 1) + us) / WAIT_PART;
}

static size_t
take_batch(struct dt_relay_store_writer *w)
{
    size_t n = 0, n_cells = 0;

    while (w->first == NULL && !w->stop) {
        w->rests = true;
        pthread_cond_wait(&w->more, &w->lock);
    }
    w->rests = false;
    while (w->first != NULL && n < DT_RELAY_BATCH_MAX && n_cells < DT_RELAY_BATCH_CELLS) {
        if (w->first->kind == DT_JOB_APPEND)
            n_cells += w->first->u.append.n;
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
    uint64_t took = 0, did = 0; /* the latest batch; 0: was not measured */

    (void)pthread_setname_np(pthread_self(), "writer");
    for (;;) {
        dt_writer_told_fn told;
        uint64_t begin, own;
        enum dt_err err;
        bool measured;
        size_t n;

        pthread_mutex_lock(&w->lock);
        if (took > 0)
            note_wait(w, took, did);
        n = take_batch(w);
        told = w->told;
        w->jobs += n;
        w->batches += n > 0;
        pthread_mutex_unlock(&w->lock);
        if (n == 0)
            return NULL; /* stopping, and nothing is left */
        /* To ask the system for the thread's time costs a lone job more than it is worth. */
        measured = n >= DT_RELAY_BATCH_EARLY / 2;
        begin = dt_monotonic_us();
        own = measured ? own_us() : 0;
        err = dt_relay_store_run(w->store, w->batch, n);
        took = dt_monotonic_us() - begin;
        did = measured ? own_us() - own : 0;
        if (w->ran != NULL)
            w->ran(w->ran_ctx, n, took, err == DT_OK);
        if (!measured)
            took = 0;
        else if (w->waited != NULL)
            took = did + w->waited();
        if (err != DT_OK && w->failed != NULL)
            w->failed(w->ctx, err);
        if (told != NULL)
            told(w->told_ctx, true);
        for (size_t i = 0; i < n; i++)
            w->batch[i]->done(w->batch[i]);
        if (told != NULL)
            told(w->told_ctx, false);
        if ((err = dt_relay_store_tidy(w->store)) != DT_OK && w->failed != NULL)
            w->failed(w->ctx, err);
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
    w->waits_us = WAIT_MAX_US;
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

/* Put the jobs from ${from} to ${to} behind those of a list. */
static void
put_behind(struct dt_relay_store_job **first, struct dt_relay_store_job **last,
           struct dt_relay_store_job *from, struct dt_relay_store_job *to)
{
    if (*last != NULL)
        (*last)->next = from;
    else
        *first = from;
    *last = to;
}

/* Under the lock: what was handed over may be seen. */
static void
show(struct dt_relay_store_writer *w)
{
    if (w->hand == NULL)
        return;
    put_behind(&w->first, &w->last, w->hand, w->hand_last);
    w->hand = w->hand_last = NULL;
    w->n_hand = 0;
    w->rests = false;
    pthread_cond_signal(&w->more);
}

void
dt_writer_watch(struct dt_relay_store_writer *w, dt_writer_ran_fn ran, void *ctx)
{
    pthread_mutex_lock(&w->lock); /* the thread takes it before it runs a batch */
    w->ran = ran;
    w->ran_ctx = ctx;
    pthread_mutex_unlock(&w->lock);
}

enum dt_err
dt_writer_hand(struct dt_relay_store_writer *w, struct dt_relay_store_job *job)
{
    enum dt_err err = DT_OK;

    pthread_mutex_lock(&w->lock);
    if (w->stop || w->n_waiting >= DT_RELAY_PENDING_MAX) {
        err = dt_fail(DT_ERR_BUSY, "the writer takes no more for now");
    } else {
        job->next = NULL;
        put_behind(&w->hand, &w->hand_last, job, job);
        w->n_waiting++;
        w->n_hand++;
        if (w->rests && w->n_hand >= DT_RELAY_BATCH_EARLY && w->waits_us < DT_RELAY_EARLY_US)
            show(w);
    }
    pthread_mutex_unlock(&w->lock);
    return err;
}

void
dt_writer_go(struct dt_relay_store_writer *w)
{
    pthread_mutex_lock(&w->lock);
    show(w);
    pthread_mutex_unlock(&w->lock);
}

enum dt_err
dt_writer_submit(struct dt_relay_store_writer *w, struct dt_relay_store_job *job)
{
    enum dt_err err = dt_writer_hand(w, job);

    if (err == DT_OK)
        dt_writer_go(w);
    return err;
}

void
dt_writer_tell(struct dt_relay_store_writer *w, dt_writer_told_fn told, void *ctx)
{
    pthread_mutex_lock(&w->lock);
    w->told = told;
    w->told_ctx = ctx;
    pthread_mutex_unlock(&w->lock);
}

void
dt_writer_waited(struct dt_relay_store_writer *w, uint64_t (*waited)(void))
{
    pthread_mutex_lock(&w->lock); /* the thread takes it before it runs a batch */
    w->waited = waited;
    pthread_mutex_unlock(&w->lock);
}

void
dt_writer_finish(struct dt_relay_store_writer *w)
{
    if (w == NULL || w->ended)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    show(w);
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
