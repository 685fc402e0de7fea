/*
 * net/server_conn.c - see server_conn.h.
 */
#include <sys/socket.h>

#include "net/server_conn.h"

static void
append(struct dt_conns *l, struct dt_conn *c)
{
    c->next = NULL;
    c->prev = l->last;
    if (l->last != NULL)
        l->last->next = c;
    else
        l->first = c;
    l->last = c;
}

static void
unlink_one(struct dt_conns *l, struct dt_conn *c)
{
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        l->first = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    else
        l->last = c->prev;
    c->next = c->prev = NULL;
}

void
dt_conns_add(struct dt_conns *l, struct dt_conn *c, uint64_t now)
{
    append(l, c);
    l->n++;
    c->phase = DT_CONN_HEADER;
    c->since_ms = c->bucket_ms = now;
    c->allowed_ms = l->header_ms;
}

void
dt_conns_remove(struct dt_conns *l, struct dt_conn *c)
{
    unlink_one(l, c);
    l->n--;
    l->n_leaving -= c->leaving;
}

void
dt_conns_phase(struct dt_conns *l, struct dt_conn *c, enum dt_conn_phase phase, uint64_t n,
               uint64_t now)
{
    unlink_one(l, c);
    append(l, c);
    c->phase = phase;
    c->since_ms = now;
    switch (phase) {
    case DT_CONN_HEADER:
        c->allowed_ms = c->used ? l->idle_ms : l->header_ms;
        break;
    case DT_CONN_BODY:
    case DT_CONN_ANSWER:
        c->used = true;
        c->allowed_ms = l->transfer_ms + n * 1000 / l->rate_min;
        break;
    case DT_CONN_WORK:
        c->used = true;
        c->allowed_ms = 0;
        break;
    }
}

void
dt_conns_leave(struct dt_conns *l, struct dt_conn *c)
{
    l->n_leaving += !c->leaving;
    c->leaving = true;
}

/* The library sees the end and closes. What the peer has not taken of an answer is thrown away with
 * the connection: the system would keep it, and try to send it, for minutes. */
static void
end(struct dt_conns *l, struct dt_conn *c)
{
    struct linger now = {1, 0};

    if (c->phase == DT_CONN_ANSWER)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    (void)shutdown(c->fd, SHUT_RDWR);
    c->ended = true;
    dt_conns_leave(l, c);
}

void
dt_conns_sweep(struct dt_conns *l, uint64_t now)
{
    for (struct dt_conn *c = l->first; c != NULL; c = c->next) {
        if (!c->ended && c->allowed_ms != 0 && now - c->since_ms > c->allowed_ms)
            end(l, c);
    }
}

bool
dt_conns_end_idle(struct dt_conns *l, uint64_t age_ms, uint64_t now)
{
    for (struct dt_conn *c = l->first; c != NULL && now - c->since_ms >= age_ms; c = c->next) {
        if (!c->ended && c->phase == DT_CONN_HEADER) {
            end(l, c);
            return true;
        }
    }
    return false;
}

bool
dt_conns_end_slow(struct dt_conns *l, uint64_t now)
{
    for (struct dt_conn *c = l->first; c != NULL && now - c->since_ms > l->header_ms; c = c->next) {
        if (!c->ended && (c->phase == DT_CONN_BODY || c->phase == DT_CONN_ANSWER)) {
            end(l, c);
            return true;
        }
    }
    return false;
}

bool
dt_conns_busy(const struct dt_conns *l)
{
    for (const struct dt_conn *c = l->first; c != NULL; c = c->next) {
        if (c->phase != DT_CONN_HEADER)
            return true;
    }
    return false;
}

bool
dt_conn_take_token(struct dt_conn *c, double rate, uint64_t now)
{
    c->tokens += (double)(now - c->bucket_ms) * rate / 1000.0;
    c->bucket_ms = now;
    if (c->tokens > rate * 2)
        c->tokens = rate * 2;
    if (c->tokens < 1)
        return false;
    c->tokens -= 1;
    return true;
}
