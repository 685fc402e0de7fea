/*
 * relay/store/mover.c - the -wal's pages are moved into the file by a thread of their own, while
 * the writer goes on; the writer itself moves the few that came meanwhile, so that the next commit
 * begins the -wal anew. Without this each few thousand pages a batch, and all that waits behind it,
 * would wait for them. See store.h. Layer: relay.
 */
#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "pg/pg.h"

#include "relay/store/internal.h"

#define PAGE 4096u /* SQLite's own choice, which no schema of ours changes */

/* Parts of the length at which the thread begins: what the writer moves itself once the thread is
 * done; and how long the -wal may be before the writer moves what it can and others wait. */
#define LAST_PART   4u
#define TIMES_AHEAD 16u

enum mover_state { REST, MOVING, MOVED };

struct store_mover {
    struct dt_db *db; /* a connection of the thread's own */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    enum mover_state state;
    bool stop;
    uint64_t moved; /* pages of the present -wal, by the thread */
    enum dt_err err;
    char why[512];  /* with an error */
    uint64_t begin; /* pages in the -wal at which the thread begins */
    uint64_t at;    /* the writer's: pages at which it asks next */
};

static void *
run(void *arg)
{
    struct store_mover *m = arg;

    (void)pthread_setname_np(pthread_self(), "mover");
    pthread_mutex_lock(&m->lock);
    for (;;) {
        uint64_t moved = 0;
        enum dt_err err;

        while (m->state != MOVING && !m->stop)
            pthread_cond_wait(&m->cond, &m->lock);
        if (m->stop)
            break;
        pthread_mutex_unlock(&m->lock);
        err = dt_db_move(m->db, &moved);
        pthread_mutex_lock(&m->lock);
        m->err = err;
        if (err != DT_OK)
            (void)snprintf(m->why, sizeof(m->why), "%s", dt_err_message());
        m->moved = moved;
        m->state = MOVED;
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

enum dt_err
dt_relay_store_move_apart(struct dt_relay_store *s, uint64_t bytes)
{
    struct store_mover *m;
    enum dt_err err;

    if (s->carried || dt_pg_is_url(s->path))
        return DT_OK; /* there is no -wal, or it is not ours */
    if ((m = dt_alloc(1, sizeof(*m))) == NULL)
        return dt_nomem();
    m->begin = m->at = (bytes != 0 ? bytes : DT_RELAY_WAL_STANDARD) / PAGE;
    if ((err = store_open_file(s->path, &m->db)) != DT_OK) {
        dt_free(m);
        return err;
    }
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->cond, NULL);
    if (pthread_create(&m->thread, NULL, run, m) != 0) {
        pthread_cond_destroy(&m->cond);
        pthread_mutex_destroy(&m->lock);
        dt_db_close(m->db);
        dt_free(m);
        return dt_nomem();
    }
    dt_db_move_by_hand(s->w);
    s->mover = m;
    return DT_OK;
}

void
store_mover_stop(struct store_mover *m, bool leave_wal)
{
    if (m == NULL)
        return;
    pthread_mutex_lock(&m->lock);
    m->stop = true;
    pthread_cond_broadcast(&m->cond);
    pthread_mutex_unlock(&m->lock);
    pthread_join(m->thread, NULL);
    pthread_cond_destroy(&m->cond);
    pthread_mutex_destroy(&m->lock);
    if (leave_wal)
        dt_db_leave_wal(m->db);
    dt_db_close(m->db);
    dt_free(m);
}

/* The writer moves what it can, and looks again when as many pages more have come. */
static enum dt_err
move_last(struct dt_relay_store *s, uint64_t pages)
{
    uint64_t moved = 0;
    enum dt_err err = dt_db_move(s->w, &moved);

    s->mover->at = moved >= pages ? s->mover->begin : pages + s->mover->begin;
    return err;
}

/* ${err}. The thread is at rest. */
static enum dt_err
failed(struct dt_relay_store *s, enum dt_err err)
{
    s->unsynced = dt_db_unsynced(s->w) || dt_db_unsynced(s->mover->db);
    return err;
}

enum dt_err
dt_relay_store_tidy(struct dt_relay_store *s)
{
    struct store_mover *m = s->mover;
    uint64_t pages;
    enum mover_state state;

    if (m == NULL || s->unsynced)
        return DT_OK;
    pages = dt_db_wal_pages(s->w);
    pthread_mutex_lock(&m->lock);
    state = m->state;
    if (state == MOVED)
        m->state = REST;
    if (state == REST && pages >= m->at) {
        m->state = MOVING;
        pthread_cond_signal(&m->cond);
    }
    pthread_mutex_unlock(&m->lock);
    if (state != MOVED)
        return DT_OK;
    /* It waits now, and what it found is ours to read. */
    if (m->err != DT_OK) {
        m->at = pages + m->begin;
        return failed(s, dt_fail(m->err, "%s", m->why));
    }
    if (pages > m->moved + m->begin / LAST_PART && pages < m->begin * TIMES_AHEAD) {
        m->at = 0; /* once more: it took long */
        return DT_OK;
    }
    return failed(s, move_last(s, pages));
}

bool
dt_relay_store_unsynced(const struct dt_relay_store *s)
{
    return s->unsynced;
}
