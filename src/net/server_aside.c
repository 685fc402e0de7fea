/*
 * net/server_aside.c - requests that wait, put aside until they are woken or their time is up; see
 * server_internal.h, and the wakes of server.h. Layer: net.
 */
#include "net/server_internal.h"

static void
aside_remove(struct dt_http_server *s, struct dt_server_request *r)
{
    if (r->prev != NULL)
        r->prev->next = r->next;
    else
        s->aside = r->next;
    if (r->next != NULL)
        r->next->prev = r->prev;
    else
        s->aside_last = r->prev;
    r->next = r->prev = NULL;
    r->aside = false;
}

static void
stand_no_more(struct dt_http_server *s, struct dt_server_request *r)
{
    r->standing = false;
    s->loop.standing--;
}

void
dt_aside_wake(struct dt_http_server *s, struct dt_server_request *r)
{
    if (!r->aside) {
        r->woken = true;
        return;
    }
    aside_remove(s, r);
    if (s->awake_last != NULL)
        s->awake_last->next = r;
    else
        s->awake = r;
    s->awake_last = r;
    if (s->held == 0)
        dt_http_loop_wake(&s->loop);
}

/* Those that do not stand are suspended until here, so none of them can have ended. */
void
dt_aside_resume(void *arg)
{
    struct dt_http_server *s = arg;
    struct dt_server_request *r, *lost = NULL;

    pthread_mutex_lock(&s->lock);
    r = s->awake;
    s->awake = s->awake_last = NULL;
    while (r != NULL) {
        struct dt_server_request *next = r->next;

        r->next = NULL;
        if (!r->standing) {
            MHD_resume_connection(r->mhd);
        } else if (!r->lost) {
            stand_no_more(s, r);
        } else {
            stand_no_more(s, r);
            r->next = lost;
            lost = r;
        }
        r = next;
    }
    pthread_mutex_unlock(&s->lock);
    while ((r = lost) != NULL) { /* without the lock: who woke it has others, and takes this */
        lost = r->next;
        dt_server_request_free(r);
    }
}

static unsigned int
stands_max(const struct dt_server_request *r)
{
    return r->pub.deadline_ms == 0 ? DT_SERVER_STANDS_MAX : DT_SERVER_STANDS_NEWS_MAX;
}

bool
dt_aside_stands(struct dt_http_server *s, struct dt_server_request *r)
{
    if (!r->standing)
        return false;
    if (++r->stood < stands_max(r))
        return true;
    pthread_mutex_lock(&s->lock);
    if (r->aside) { /* else it is awake, and waits no longer than to the next turn */
        stand_no_more(s, r);
        MHD_suspend_connection(r->mhd);
    }
    pthread_mutex_unlock(&s->lock);
    return true;
}

/* ${r} is not among those awake any more. */
static void
awake_remove(struct dt_http_server *s, const struct dt_server_request *r)
{
    struct dt_server_request **at = &s->awake, *last = NULL;

    while (*at != NULL && *at != r) {
        last = *at;
        at = &last->next;
    }
    if (*at == NULL)
        return;
    *at = r->next;
    if (s->awake_last == r)
        s->awake_last = last;
}

bool
dt_aside_lose(struct dt_http_server *s, struct dt_server_request *r)
{
    bool keep = false;

    if (!r->standing)
        return false;
    pthread_mutex_lock(&s->lock);
    if (s->loop.running && r->pub.deadline_ms == 0) {
        r->lost = keep = true;
        r->conn = NULL; /* which gives back by itself what is counted there */
    } else { /* nobody has it who waits for news; else who ends it waits for who has it */
        if (r->aside)
            aside_remove(s, r);
        else
            awake_remove(s, r);
        stand_no_more(s, r);
    }
    pthread_mutex_unlock(&s->lock);
    return keep;
}

void
dt_http_hold_wakes(struct dt_http_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->held++;
    pthread_mutex_unlock(&s->lock);
}

void
dt_http_release_wakes(struct dt_http_server *s)
{
    bool begin;

    pthread_mutex_lock(&s->lock);
    s->held--;
    begin = s->held == 0 && s->awake != NULL;
    pthread_mutex_unlock(&s->lock);
    if (begin) /* not under the lock, for which the loop would have to wait at once */
        dt_http_loop_wake(&s->loop);
}

void
dt_aside_wake_request(struct dt_http_request *req)
{
    struct dt_server_request *r = dt_server_request_of(req);
    struct dt_http_server *s = r->server;

    pthread_mutex_lock(&s->lock);
    dt_aside_wake(s, r);
    pthread_mutex_unlock(&s->lock);
}

/* Not one with much in memory, which is counted by its connection, nor one that waits for news that
 * may be long in coming. */
static bool
may_stand(const struct dt_http_server *s, const struct dt_server_request *r)
{
    return (r->pub.deadline_ms == 0 || (r->conn != NULL && r->conn->quick)) &&
           r->length <= DT_NET_BODY_OPEN_MAX && s->loop.standing < DT_SERVER_STANDING_MAX &&
           r->stood < stands_max(r);
}

bool
dt_aside_put(struct dt_http_server *s, struct dt_server_request *r)
{
    bool put = false;

    pthread_mutex_lock(&s->lock);
    if (r->woken || s->force || (s->stopping && !r->pub.stopping)) {
        r->woken = false;
    } else {
        r->aside = true;
        r->prev = NULL;
        r->next = s->aside;
        if (s->aside != NULL)
            s->aside->prev = r;
        else
            s->aside_last = r;
        s->aside = r;
        r->standing = may_stand(s, r);
        r->aside_ms = s->loop.now_ms;
        if (r->standing)
            s->loop.standing++;
        else
            MHD_suspend_connection(r->mhd);
        put = true;
        /* Looking costs a step for each that waits, so not for every one that comes. */
        if (r->pub.deadline_ms != 0 && r->pub.deadline_ms + DT_SERVER_TICK_MIN_MS < s->next_ms)
            pthread_cond_signal(&s->cond);
    }
    pthread_mutex_unlock(&s->lock);
    return put;
}

void
dt_aside_wake_all(struct dt_http_server *s)
{
    while (s->aside != NULL)
        dt_aside_wake(s, s->aside);
}

void
dt_aside_end_wait(struct dt_http_server *s, struct dt_server_request *r)
{
    r->hurry = true;
    if (r->conn != NULL)
        dt_conns_leave(&s->conns, r->conn);
    dt_aside_wake(s, r);
}

bool
dt_aside_end_oldest(struct dt_http_server *s)
{
    for (struct dt_server_request *r = s->aside_last; r != NULL; r = r->prev) {
        if (r->pub.deadline_ms != 0) {
            dt_aside_end_wait(s, r);
            return true;
        }
    }
    return false;
}
