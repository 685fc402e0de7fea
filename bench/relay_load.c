/*
 * bench/relay_load.c - see relay_load.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "measure.h"
#include "relay_load.h"

#define NS_PER_S  UINT64_C(1000000000)
#define READ_STEP (256u << 10)
#define DRAIN_NS  (20 * NS_PER_S) /* for what is on its way when the time is up */

/* ---- bytes ---- */

uint8_t *
load_room(struct load_bytes *b, size_t n)
{
    if (b->off == b->n)
        b->off = b->n = 0;
    if (b->cap - b->n < n && b->off > 0) {
        memmove(b->p, b->p + b->off, b->n - b->off);
        b->n -= b->off;
        b->off = 0;
    }
    if (b->cap - b->n < n) {
        b->cap = (b->cap + n) * 2;
        b->p = realloc(b->p, b->cap);
        if (b->p == NULL)
            abort();
    }
    b->n += n;
    return b->p + b->n - n;
}

void
load_put(struct load_bytes *b, const void *p, size_t n)
{
    memcpy(load_room(b, n), p, n);
}

void
load_puts(struct load_bytes *b, const char *s)
{
    load_put(b, s, strlen(s));
}

uint64_t
load_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* ---- samples ---- */

static void
sample(struct load_samples *s, uint64_t ns)
{
    if (s->n == s->cap) {
        s->cap = s->cap * 2 + 65536;
        s->us = realloc(s->us, s->cap * sizeof(s->us[0]));
        if (s->us == NULL)
            abort();
    }
    s->us[s->n++] = (uint32_t)(ns / 1000);
}

static int
compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void
quantiles(struct load_samples *s, double ms[2])
{
    ms[0] = ms[1] = 0;
    if (s->n > 0) {
        qsort(s->us, s->n, sizeof(s->us[0]), compare);
        ms[0] = s->us[s->n / 2] / 1000.0;
        ms[1] = s->us[(s->n - 1) * 99 / 100] / 1000.0;
    }
    free(s->us);
    *s = (struct load_samples){0};
}

/* ---- connections ---- */

int
load_connect(const struct load_target *t)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(t->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0 || inet_pton(AF_INET, t->host, &a.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    return fd;
}

void
load_failed(struct load_conn *c, const char *why, const uint8_t *p, size_t n)
{
    struct load *l = c->load;

    if (!l->failed)
        (void)snprintf(l->why, sizeof(l->why), "%s %u: %s: %.*s", c->reader ? "reader" : "sender",
                       c->index, why, (int)(n > 120 ? 120 : n), p == NULL ? "" : (const char *)p);
    l->failed = true;
}

static bool
add_conn(struct load *l, bool reader, unsigned int index)
{
    struct load_conn *c = calloc(1, sizeof(*c));
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

    if (c == NULL)
        abort();
    l->conns[l->n_conns++] = c;
    c->load = l;
    c->reader = reader;
    c->index = index;
    c->queue = index % LOAD_QUEUES;
    c->random = bench_now_ns() ^ (uint64_t)index << 56;
    c->after = l->target->after[c->queue];
    c->number = reader ? 0 : l->target->number[index];
    c->fd = load_connect(l->target);
    if (c->fd < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0) {
        load_failed(c, "cannot connect", NULL, 0);
        return false;
    }
    return l->target->protocol->open(c);
}

static void
flush(struct load_conn *c)
{
    struct epoll_event ev = {.data.ptr = c};
    bool out;

    while (c->out.off < c->out.n) {
        ssize_t n = send(c->fd, c->out.p + c->out.off, c->out.n - c->out.off, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            load_failed(c, "cannot send", NULL, 0);
            return;
        }
        c->out.off += (size_t)n;
    }
    out = c->out.off < c->out.n;
    if (out != c->wants_out) {
        ev.events = EPOLLIN | (out ? EPOLLOUT : 0);
        (void)epoll_ctl(c->load->epoll, EPOLL_CTL_MOD, c->fd, &ev);
        c->wants_out = out;
    }
}

/* ---- messages ---- */

static bool
measured(const struct load *l, uint64_t now)
{
    return now >= l->from_ns && now < l->until_ns;
}

void
load_acked(struct load_conn *c, size_t n)
{
    struct load *l = c->load;
    uint64_t now = bench_now_ns();

    for (; n > 0 && c->n_flying > 0; n--) {
        uint64_t due = c->flying[c->flying_at];

        c->flying_at = (c->flying_at + 1) % (sizeof(c->flying) / sizeof(c->flying[0]));
        c->n_flying--;
        l->acked++;
        if (measured(l, now)) {
            l->in_acked++;
            sample(&l->ack, now - due);
        }
    }
}

void
load_received(struct load_conn *c, const uint8_t *cell, size_t n)
{
    struct load *l = c->load;
    uint64_t now = bench_now_ns(), due;
    uint32_t sender, number;

    if (n != LOAD_CELL) {
        load_failed(c, "a message of another length", NULL, 0);
        return;
    }
    memcpy(&due, cell, 8);
    memcpy(&sender, cell + 8, 4);
    memcpy(&number, cell + 12, 4);
    if (sender >= LOAD_SENDERS || number != l->target->seen[sender])
        l->disorder++;
    if (sender < LOAD_SENDERS)
        l->target->seen[sender] = number + 1;
    if (l->received == 0)
        l->first_ns = now;
    l->received++;
    l->last_ns = now;
    if (measured(l, now)) {
        l->in_received++;
        sample(&l->e2e, now - due);
    }
}

static bool
readers_ready(const struct load *l)
{
    for (size_t i = 0; i < l->n_conns; i++)
        if (l->conns[i]->reader && !l->conns[i]->ready)
            return false;
    return true;
}

/* Send what ${c} may send now. */
static void
pump(struct load_conn *c)
{
    static uint8_t cells[LOAD_WINDOW][LOAD_CELL];
    struct load *l = c->load;
    const struct load_protocol *p = l->target->protocol;
    bool open_loop = l->plan->rate > 0;
    size_t window = open_loop ? LOAD_WINDOW : l->plan->window, n;

    if (c->reader || !c->ready || !readers_ready(l) || (p->one_request && c->n_flying > 0) ||
        c->n_flying >= window)
        return;
    n = window - c->n_flying;
    if (open_loop && n > c->n_due)
        n = c->n_due;
    if (!open_loop && l->stop_sending)
        n = 0;
    if (!open_loop && l->plan->messages != 0 && n > l->plan->messages - l->sent)
        n = (size_t)(l->plan->messages - l->sent);
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        uint64_t due = bench_now_ns();
        uint32_t from = c->index;

        if (open_loop) {
            due = c->due[c->due_at];
            c->due_at = (c->due_at + 1) % (sizeof(c->due) / sizeof(c->due[0]));
            c->n_due--;
        }
        memcpy(cells[i], &due, 8);
        memcpy(cells[i] + 8, &from, 4);
        memcpy(cells[i] + 12, &c->number, 4);
        for (size_t k = 16; k < LOAD_CELL; k += 8) {
            uint64_t x = load_random(&c->random); /* a sealed cell does not compress */

            memcpy(cells[i] + k, &x, 8);
        }
        c->number++;
        c->flying[(c->flying_at + c->n_flying++) % (sizeof(c->flying) / sizeof(c->flying[0]))] =
            due;
    }
    l->sent += n;
    p->publish(c, (const uint8_t(*)[LOAD_CELL])cells, n);
    flush(c);
}

static void
take_input(struct load_conn *c)
{
    bool was_ready = c->ready;

    for (;;) {
        uint8_t *room = load_room(&c->in, READ_STEP);
        ssize_t n = recv(c->fd, room, READ_STEP, 0);

        c->in.n -= READ_STEP - (n > 0 ? (size_t)n : 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            load_failed(c, "the connection ended", c->in.p + c->in.off, c->in.n - c->in.off);
            return;
        }
        if (!c->load->target->protocol->input(c)) {
            load_failed(c, "an answer that is not understood", c->in.p + c->in.off,
                        c->in.n - c->in.off);
            return;
        }
        flush(c);
        /* A server that keeps nothing for who has not come yet: senders wait for its readers. */
        for (size_t i = 0; !was_ready && c->ready && c->reader && i < c->load->n_conns; i++)
            pump(c->load->conns[i]);
        pump(c);
        if ((size_t)n < READ_STEP)
            return;
    }
}

/* ---- the loop ---- */

/* Open loop: hand out what is due. */
static void
schedule(struct load *l, uint64_t now)
{
    while (l->plan->rate > 0 && !l->stop_sending && l->next_due_ns <= now) {
        struct load_conn *c = l->conns[l->n_scheduled % LOAD_SENDERS];

        if (c->n_due < sizeof(c->due) / sizeof(c->due[0]))
            c->due[(c->due_at + c->n_due++) % (sizeof(c->due) / sizeof(c->due[0]))] =
                l->next_due_ns;
        else
            load_failed(c, "it cannot keep up with the rate", NULL, 0);
        l->n_scheduled++;
        l->next_due_ns =
            l->begin_ns + (uint64_t)((double)l->n_scheduled / l->plan->rate * (double)NS_PER_S);
        pump(c);
    }
}

static bool
is_over(struct load *l, uint64_t now)
{
    const struct load_plan *p = l->plan;
    bool flying = false;

    if (l->failed)
        return true;
    if (p->senders && p->messages != 0 && l->sent >= p->messages)
        l->stop_sending = true;
    if ((p->messages == 0 && now >= l->until_ns) || !p->senders)
        l->stop_sending = true;
    if (!l->stop_sending || (!readers_ready(l) && now < l->until_ns))
        return false;
    for (size_t i = 0; i < l->n_conns; i++)
        flying = flying || l->conns[i]->n_flying > 0 || l->conns[i]->n_due > 0;
    if (!flying && (!p->readers || l->received >= l->acked + l->backlog))
        return true;
    if (now > l->until_ns + DRAIN_NS && (p->messages == 0 || now > l->until_ns + 30 * DRAIN_NS)) {
        load_failed(l->conns[0], "what was acknowledged did not all come", NULL, 0);
        return true;
    }
    return false;
}

static void
loop(struct load *l)
{
    struct epoll_event ev[64];
    uint64_t now = bench_now_ns();

    while (!is_over(l, now)) {
        uint64_t wake =
            l->plan->rate > 0 && !l->stop_sending ? l->next_due_ns : now + NS_PER_S / 20;
        uint64_t ns = wake > now ? wake - now : 0;
        struct timespec ts;
        int n;

        if (now < l->until_ns && wake > l->until_ns)
            ns = l->until_ns - now;
        ts.tv_sec = (time_t)(ns / NS_PER_S);
        ts.tv_nsec = (long)(ns % NS_PER_S);
        n = epoll_pwait2(l->epoll, ev, 64, &ts, NULL);
        for (int i = 0; i < n; i++) {
            struct load_conn *c = ev[i].data.ptr;

            if ((ev[i].events & EPOLLOUT) != 0)
                flush(c);
            if ((ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
                take_input(c);
        }
        now = bench_now_ns();
        schedule(l, now);
    }
}

static void
finish(struct load *l, struct load_result *out)
{
    double seconds = (double)(l->until_ns - l->from_ns) / (double)NS_PER_S;

    if (l->plan->messages != 0 || !l->plan->senders)
        seconds = (double)(bench_now_ns() - l->begin_ns) / (double)NS_PER_S;
    *out = (struct load_result){.acked = l->acked,
                                .received = l->received,
                                .disorder = l->disorder,
                                .acked_per_s = (double)l->in_acked / seconds,
                                .received_per_s = (double)l->in_received / seconds};
    if (l->received > 0)
        out->drain_per_s =
            (double)l->received / ((double)(l->last_ns - l->begin_ns) / (double)NS_PER_S);
    quantiles(&l->ack, out->ack_ms);
    quantiles(&l->e2e, out->e2e_ms);
    for (size_t i = 0; i < l->n_conns; i++) {
        struct load_conn *c = l->conns[i];

        if (!c->reader)
            l->target->number[c->index] = c->number;
        else
            l->target->after[c->queue] = c->after;
        if (c->fd >= 0)
            (void)close(c->fd);
        free(c->in.p);
        free(c->out.p);
        free(c);
    }
    (void)close(l->epoll);
}

bool
load_run(struct load_target *t, const struct load_plan *plan, struct load_result *out)
{
    struct load l = {.target = t, .plan = plan, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    bool ok = l.epoll >= 0;

    for (size_t i = 0; i < LOAD_SENDERS; i++)
        l.backlog += t->number[i] - t->seen[i];
    for (unsigned int i = 0; ok && plan->senders && i < LOAD_SENDERS; i++)
        ok = add_conn(&l, false, i);
    for (unsigned int i = 0; ok && plan->readers && i < LOAD_QUEUES; i++)
        ok = add_conn(&l, true, i);
    l.begin_ns = l.next_due_ns = bench_now_ns();
    l.from_ns = l.begin_ns + (uint64_t)(plan->warm_s * (double)NS_PER_S);
    l.until_ns = l.from_ns + (uint64_t)(plan->seconds * (double)NS_PER_S);
    for (size_t i = 0; ok && i < l.n_conns; i++) {
        flush(l.conns[i]);
        pump(l.conns[i]);
    }
    if (ok)
        loop(&l);
    if (l.disorder > 0 && !l.failed)
        load_failed(l.conns[0], "messages came out of order, twice or not at all", NULL, 0);
    if (l.failed)
        (void)fprintf(stderr, "relay: %s: %s\n", t->name, l.why);
    ok = ok && !l.failed;
    finish(&l, out);
    return ok;
}
