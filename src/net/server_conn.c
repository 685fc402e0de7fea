/*
 * net/server_conn.c - see server_conn.h.
 */
#include <poll.h>
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
    c->order = l->order++;
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
    dt_conns_release(l, c);
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

/*
 * ${c} counts among those that hold, with ${c}->held on ${c}->account. Each of them knows the sums
 * of its account, so whoever looks for the one that holds most looks at each once.
 */
static void
holder_add(struct dt_conns *l, struct dt_conn *c)
{
    c->many_held = c->one_held = c->held;
    for (struct dt_conn *h = l->holders; h != NULL; h = h->holder_next) {
        if (h->account.many != c->account.many)
            continue;
        h->many_held += c->held;
        c->many_held = h->many_held;
        if (h->account.one != c->account.one)
            continue;
        h->one_held += c->held;
        c->one_held = h->one_held;
    }
    c->holder_prev = NULL;
    c->holder_next = l->holders;
    if (l->holders != NULL)
        l->holders->holder_prev = c;
    l->holders = c;
}

/* And no more. Nothing to do for one that does not hold or has ended. */
static void
holder_remove(struct dt_conns *l, struct dt_conn *c)
{
    if (c->held == 0 || c->ended)
        return;
    if (c->holder_prev != NULL)
        c->holder_prev->holder_next = c->holder_next;
    else
        l->holders = c->holder_next;
    if (c->holder_next != NULL)
        c->holder_next->holder_prev = c->holder_prev;
    c->holder_next = c->holder_prev = NULL;
    for (struct dt_conn *h = l->holders; h != NULL; h = h->holder_next) {
        if (h->account.many != c->account.many)
            continue;
        h->many_held -= c->held;
        if (h->account.one == c->account.one)
            h->one_held -= c->held;
    }
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
    holder_remove(l, c);
    c->ended = true;
    l->held_leaving += c->held;
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

void
dt_conns_hold(struct dt_conns *l, struct dt_conn *c, size_t n, struct dt_conn_account account)
{
    holder_remove(l, c);
    c->account = account;
    c->held += n;
    l->held += n;
    if (c->ended)
        l->held_leaving += n;
    else if (c->held > 0)
        holder_add(l, c);
}

void
dt_conns_release(struct dt_conns *l, struct dt_conn *c)
{
    holder_remove(l, c);
    l->held -= c->held;
    if (c->ended)
        l->held_leaving -= c->held;
    c->held = 0;
    l->small -= c->small;
    c->small = 0;
}

void
dt_conns_hold_small(struct dt_conns *l, struct dt_conn *c, size_t n)
{
    c->small += n;
    l->small += n;
}

/* Does ${a} have to go before ${b}? */
static bool
goes_before(const struct dt_conn *a, const struct dt_conn *b)
{
    if (a->many_held != b->many_held)
        return a->many_held > b->many_held;
    if (a->one_held != b->one_held)
        return a->one_held > b->one_held;
    return a->order < b->order;
}

bool
dt_conns_end_holder(struct dt_conns *l, const struct dt_conn *except)
{
    struct dt_conn *worst = NULL;

    for (struct dt_conn *c = l->holders; c != NULL; c = c->holder_next) {
        if (c != except && (c->phase == DT_CONN_BODY || c->phase == DT_CONN_ANSWER) &&
            (worst == NULL || goes_before(c, worst)))
            worst = c;
    }
    if (worst != NULL)
        end(l, worst);
    return worst != NULL;
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

bool
dt_conn_gone(const struct dt_conn *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}
