/*
 * bench/register_load.c - many submitters at once, in this process and through HTTP.
 *
 * A submitter hands in an entry, waits for the answer that says it is on disk, and hands in the
 * next. In this process one thread plays them all: what they cost is not what is measured.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "relay/relay.h"
#include "relay/signer/signer.h"
#include "relay/writer.h"

#include "register.h"

#define SAMPLES_MAX 2000000u

/* ---- in this process ---- */

struct load;

struct submitter {
    struct dt_relay_store_job job;
    struct load *load;
    struct submitter *next; /* in load->done */
    uint64_t began_ns;
};

struct load {
    struct register_world *w;
    struct dt_relay_store_writer *writer;
    struct dt_relay_store_register reg;
    uint8_t key_hash[32];
    struct submitter *all;
    pthread_mutex_t lock;
    pthread_cond_t some;
    struct submitter *done; /* answered, under the lock */
    size_t waiting;         /* handed in and not answered */
    uint64_t entries;
};

/* The writer's thread. */
static void
on_done(struct dt_relay_store_job *job)
{
    struct submitter *s = job->ctx;
    struct load *l = s->load;

    pthread_mutex_lock(&l->lock);
    s->next = l->done;
    l->done = s;
    if (s->next == NULL)
        pthread_cond_signal(&l->some);
    pthread_mutex_unlock(&l->lock);
}

static enum dt_err
hand_in(struct load *l, struct submitter *s)
{
    enum dt_err err;

    s->load = l;
    s->job.kind = DT_JOB_ENTRY;
    s->job.u.entry.reg = l->reg.id;
    memcpy(s->job.u.entry.key_hash, l->key_hash, sizeof l->key_hash);
    s->job.done = on_done;
    s->job.ctx = s;
    if ((err = register_seal_new(l->w, s->job.u.entry.seal)) != DT_OK)
        return err;
    s->began_ns = bench_now_ns();
    if ((err = dt_writer_submit(l->writer, &s->job)) == DT_OK)
        l->waiting++;
    return err;
}

/* One that was answered, or NULL when none waits. */
static struct submitter *
answered(struct load *l)
{
    struct submitter *s;

    if (l->waiting == 0)
        return NULL;
    pthread_mutex_lock(&l->lock);
    while (l->done == NULL)
        pthread_cond_wait(&l->some, &l->lock);
    s = l->done;
    l->done = NULL;
    pthread_mutex_unlock(&l->lock);
    return s;
}

/* Until ${end_ns} and until there are ${goal} more entries, whichever is first. */
static enum dt_err
play(struct load *l, uint32_t n, uint64_t end_ns, uint64_t goal, struct register_samples *samples)
{
    enum dt_err err = DT_OK;
    uint64_t given = 0;

    for (uint32_t i = 0; err == DT_OK && i < n && given < goal; i++, given++)
        err = hand_in(l, &l->all[i]);
    for (struct submitter *s; (s = answered(l)) != NULL;) {
        uint64_t now = bench_now_ns();

        for (struct submitter *next; s != NULL; s = next) {
            next = s->next;
            l->waiting--;
            if (err == DT_OK && (s->job.result != DT_OK || s->job.u.entry.existed))
                err = dt_fail(DT_ERR_INTERNAL, "an append was refused");
            register_samples_add(samples, (double)(now - s->began_ns) / 1000);
            l->entries++;
            if (err == DT_OK && now < end_ns && given < goal) {
                given++;
                err = hand_in(l, s);
            }
        }
    }
    return err;
}

static enum dt_err
load_run(struct register_world *w, const char *path, uint32_t n, double seconds, uint64_t goal,
         struct register_row *row)
{
    struct dt_relay_store_config config = {.path = path};
    const struct relay_signer_config signer = {.store = path}; /* as a relay that serves has it */
    struct load l = {.w = w};
    struct register_samples samples = {0};
    struct dt_relay_store *store = NULL;
    uint64_t began = 0;
    enum dt_err err;

    pthread_mutex_init(&l.lock, NULL);
    pthread_cond_init(&l.some, NULL);
    if ((l.all = dt_alloc(n, sizeof *l.all)) == NULL) {
        err = dt_nomem();
        goto done;
    }
    if ((err = register_samples_init(&samples, SAMPLES_MAX)) != DT_OK ||
        (err = relay_signer_start(&signer, &config.signer)) != DT_OK ||
        (err = dt_relay_store_open(&config, &store)) != DT_OK ||
        (err = register_find(store, w, &l.reg)) != DT_OK ||
        (err = dt_sha256(dt_view_of(w->grant.append_key), l.key_hash)) != DT_OK ||
        (err = dt_writer_start(store, NULL, NULL, &l.writer)) != DT_OK)
        goto done;
    began = bench_now_ns();
    err = play(&l, n, began + (uint64_t)(seconds * 1e9), goal, &samples);
    row->per_s = (double)l.entries * 1e9 / (double)(bench_now_ns() - began);
    register_samples_take(&samples, row);
done:
    dt_writer_stop(l.writer);
    dt_relay_store_close(store);
    relay_signer_free(config.signer);
    register_samples_clear(&samples);
    dt_free(l.all);
    pthread_cond_destroy(&l.some);
    pthread_mutex_destroy(&l.lock);
    return err;
}

enum dt_err
register_grow(struct register_world *w, uint64_t entries, struct register_row *row)
{
    enum dt_err err = load_run(w, w->store, 1024, 1e9, entries - w->entries, row);

    if (err == DT_OK)
        w->entries = entries;
    return err;
}

enum dt_err
register_append(struct register_world *w, const struct register_plan *plan,
                struct register_row *row)
{
    enum dt_err err = register_copy(w);

    if (err == DT_OK)
        err = load_run(w, w->work, plan->submitters, plan->seconds, UINT64_MAX, row);
    register_copy_remove(w);
    return err;
}

/* ---- through HTTP ---- */

#define REQUEST_MAX 512u
#define ANSWER_MAX  2048u

struct connection {
    int fd;
    uint64_t began_ns;
    size_t n; /* of the answer so far */
    char answer[ANSWER_MAX];
};

struct http_load {
    struct register_world *w;
    char head[REQUEST_MAX]; /* what every request begins with */
    size_t head_len;
    uint16_t port;
    int epoll;
    struct connection *all;
    uint64_t entries;
};

static enum dt_err
broken(const char *what)
{
    return dt_fail(DT_ERR_NET, "%s: %s", what, strerror(errno));
}

static enum dt_err
connect_one(struct http_load *l, struct connection *c)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(l->port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int on = 1;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&at, sizeof at) != 0)
        return broken("cannot connect");
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        return broken("epoll");
    return DT_OK;
}

static enum dt_err
ask(struct http_load *l, struct connection *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(REQUEST_MAX + DT_REGISTER_ENTRY);
    uint8_t seal[32];
    enum dt_err err;

    if ((err = register_seal_new(l->w, seal)) != DT_OK ||
        (err = dt_buf_append(&b, dt_view((const uint8_t *)l->head, l->head_len))) != DT_OK ||
        (err = dt_wire_entry_encode(seal, &b)) != DT_OK)
        return err;
    c->n = 0;
    c->began_ns = bench_now_ns();
    return send(c->fd, b.p, b.n, MSG_NOSIGNAL) == (ssize_t)b.n ? DT_OK : broken("cannot send");
}

/* Take in what is there; *${out} once the whole answer is: 200 and eight bytes of index. */
static enum dt_err
take(struct connection *c, bool *out)
{
    static const char ok[] = "HTTP/1.1 200 ";
    ssize_t got = recv(c->fd, c->answer + c->n, sizeof c->answer - c->n, MSG_DONTWAIT);
    const char *end;

    *out = false;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return DT_OK;
    if (got <= 0)
        return dt_fail(DT_ERR_NET, "the relay broke off");
    c->n += (size_t)got;
    end = memmem(c->answer, c->n, "\r\n\r\n", 4);
    if (end == NULL)
        return c->n < sizeof c->answer ? DT_OK : dt_fail(DT_ERR_NET, "too long an answer");
    if (memcmp(c->answer, ok, sizeof ok - 1) != 0)
        return dt_fail(DT_ERR_NET, "the relay answered %.12s", c->answer);
    *out = c->n == (size_t)(end - c->answer) + 4 + 8;
    return DT_OK;
}

static enum dt_err
http_play(struct http_load *l, uint32_t n, uint64_t end_ns, struct register_samples *samples)
{
    struct epoll_event events[256];
    uint32_t waiting = n;
    enum dt_err err = DT_OK;

    for (uint32_t i = 0; err == DT_OK && i < n; i++)
        err = ask(l, &l->all[i]);
    while (err == DT_OK && waiting > 0) {
        int got = epoll_wait(l->epoll, events, 256, 10000);

        if (got == 0)
            return dt_fail(DT_ERR_NET, "the relay does not answer");
        for (int i = 0; err == DT_OK && i < got; i++) {
            struct connection *c = events[i].data.ptr;
            bool whole = false;
            uint64_t now;

            if ((err = take(c, &whole)) != DT_OK || !whole)
                continue;
            now = bench_now_ns();
            register_samples_add(samples, (double)(now - c->began_ns) / 1000);
            l->entries++;
            if (now < end_ns)
                err = ask(l, c);
            else
                waiting--;
        }
    }
    return err;
}

static enum dt_err
http_head(struct http_load *l)
{
    char key[65];
    int n;

    dt_hex_str(key, dt_view_of(l->w->grant.append_key));
    n = snprintf(l->head, sizeof l->head,
                 "POST /r/%s/append HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n"
                 "Content-Type: application/octet-stream\r\nContent-Length: %u\r\n\r\n",
                 l->w->grant.register_id, l->port, key, DT_REGISTER_ENTRY);
    dt_wipe(key, sizeof key);
    if (n < 0 || (size_t)n >= sizeof l->head)
        return dt_fail(DT_ERR_INTERNAL, "too long a request");
    l->head_len = (size_t)n;
    return DT_OK;
}

static enum dt_err
http_run(struct http_load *l, const struct register_plan *plan, struct register_row *row)
{
    struct register_samples samples = {0};
    uint64_t began;
    enum dt_err err = http_head(l);

    if (err == DT_OK)
        err = register_samples_init(&samples, SAMPLES_MAX);
    for (uint32_t i = 0; err == DT_OK && i < plan->submitters; i++)
        err = connect_one(l, &l->all[i]);
    began = bench_now_ns();
    if (err == DT_OK)
        err = http_play(l, plan->submitters, began + (uint64_t)(plan->seconds * 1e9), &samples);
    row->per_s = (double)l->entries * 1e9 / (double)(bench_now_ns() - began);
    register_samples_take(&samples, row);
    register_samples_clear(&samples);
    return err;
}

enum dt_err
register_append_http(struct register_world *w, const struct register_plan *plan,
                     struct register_row *row)
{
    struct dt_relay_config config = {
        .store = w->work, .listen = "127.0.0.1:0", .connections_max = 2 * plan->submitters + 64};
    struct http_load l = {.w = w, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct dt_relay *relay = NULL;
    struct rlimit files = {0, 0};
    enum dt_err err;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    if (l.epoll < 0)
        return broken("epoll");
    if ((l.all = dt_alloc(plan->submitters, sizeof *l.all)) == NULL) {
        err = dt_nomem();
        goto done;
    }
    for (uint32_t i = 0; i < plan->submitters; i++)
        l.all[i].fd = -1;
    if ((err = register_copy(w)) != DT_OK || (err = dt_relay_start(&config, &relay)) != DT_OK)
        goto done;
    l.port = dt_relay_port(relay);
    err = http_run(&l, plan, row);
done:
    for (uint32_t i = 0; l.all != NULL && i < plan->submitters; i++)
        if (l.all[i].fd >= 0)
            (void)close(l.all[i].fd);
    dt_relay_stop(relay, NULL, NULL);
    (void)close(l.epoll);
    dt_free(l.all);
    register_copy_remove(w);
    return err;
}
