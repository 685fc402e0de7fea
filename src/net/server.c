/*
 * net/server.c - see server.h. One thread that runs libmicrohttpd, and a ticker for the deadlines.
 *
 * Two lists under one lock: connections (server_conn.h: how long each may take) and requests put
 * aside (for deadlines and wakes). Handlers run in the one thread only.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"

#include "net/server_gate.h"
#include "net/server_internal.h"
#include "net/server_listen.h"
#include "net/server_reply.h"

#define POOL_BYTES                                                                                 \
    2688u /* of one connection: request line, headers, read buffer; all of it in use when idle */
#define POOL_STEP     1024u
#define STOP_GRACE_MS 1000u /* for answers that are under way; and then */
#define STOP_FORCE_MS 300u
#define TICK_MS       1000u
#define JUST_COME_MS  1000u
#define ROOM_SHARE    8u /* this part of connections_max is kept free by ending what can be ended */
#define HELD_PARTS    8u /* of held_max: one is kept free, one for what is small, */
#define SMALL_PARTS   4u /* which may take so many */
#define SMALLEST      4096u

/* ---- answers ---- */

static void
set_phase(struct dt_server_request *r, enum dt_conn_phase phase, uint64_t n)
{
    struct dt_http_server *s = r->server;

    if (r->conn == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    dt_conns_phase(&s->conns, r->conn, phase, n, s->loop.now_ms);
    pthread_mutex_unlock(&s->lock);
}

/*
 * Large bodies and answers, of the rest of the memory that small ones do not take. Room is kept for
 * those who come, by ending who holds most. What an ended connection held is free when the library
 * has seen its end, so it goes on counting until then.
 */
static bool
hold_large(struct dt_server_request *r, size_t n)
{
    struct dt_http_server *s = r->server;
    struct dt_conns *l = &s->conns;
    size_t part = s->config.held_max / HELD_PARTS;
    size_t most = s->config.held_max - (l->small > part ? l->small : part);
    bool ok = l->held <= most && n <= most - l->held;

    if (ok)
        dt_conns_hold(l, r->conn, n,
                      (struct dt_conn_account){r->pub.account[0], r->pub.account[1]});
    while (l->held - l->held_leaving > most - part && dt_conns_end_holder(l, r->conn))
        ;
    return ok;
}

/*
 * All that is small: up to half of the memory, and what is smallest has the last part of that to
 * itself, so that who asks in a few words is answered whatever others send. When there is no room
 * the slowest gives way, or the oldest wait.
 */
static bool
hold_small(struct dt_server_request *r, size_t n)
{
    struct dt_http_server *s = r->server;
    struct dt_conns *l = &s->conns;
    size_t max = s->config.held_max, part = max / HELD_PARTS;
    size_t most = n <= SMALLEST ? SMALL_PARTS * part : (SMALL_PARTS - 1) * part;
    bool ok = l->small <= most && n <= most - l->small && l->held + l->small + n <= max;

    if (ok)
        dt_conns_hold_small(l, r->conn, n);
    else if (!dt_conns_end_slow(l, s->loop.now_ms))
        (void)dt_aside_end_oldest(s);
    return ok;
}

/* Count ${n} more bytes that ${r} has in memory until it ends; false when there is no room. Under
 * the lock. */
static bool
hold(struct dt_server_request *r, size_t n)
{
    if (n == 0 || r->conn == NULL)
        return n == 0;
    return n > DT_NET_BODY_OPEN_MAX ? hold_large(r, n) : hold_small(r, n);
}

/* dt_http_hold() of a request of this server. */
static bool
hold_more(struct dt_http_request *req, size_t n)
{
    struct dt_server_request *r = dt_server_request_of(req);
    struct dt_http_server *s = r->server;
    bool ok;

    pthread_mutex_lock(&s->lock);
    ok = hold(r, n);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

/* ${r} goes on to a phase of ${n} bytes, for which it has ${held} more in memory; where there is no
 * room for those false, and it stays where it is. */
static bool
enter_phase(struct dt_server_request *r, size_t held, enum dt_conn_phase phase, uint64_t n)
{
    struct dt_http_server *s = r->server;
    bool ok;

    pthread_mutex_lock(&s->lock);
    if ((ok = hold(r, held)) && r->conn != NULL)
        dt_conns_phase(&s->conns, r->conn, phase, n, s->loop.now_ms);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

/* The request of ${r} is over: its connection waits for the next. */
static void
leave(struct dt_server_request *r)
{
    struct dt_http_server *s = r->server;

    if (r->conn == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    dt_conns_phase(&s->conns, r->conn, DT_CONN_HEADER, 0, s->loop.now_ms);
    dt_conns_release(&s->conns, r->conn);
    pthread_mutex_unlock(&s->lock);
}

static enum MHD_Result
send_reply(struct dt_server_request *req, struct dt_http_reply *reply, bool close)
{
    uint64_t length = reply->page.n > 0 ? reply->page.n : reply->body.n;
    struct MHD_Response *r;
    enum MHD_Result ok;

    if (!enter_phase(req, reply->body.cap, DT_CONN_ANSWER, length)) {
        dt_http_reply_error(reply, 503, "busy", "too many answers are on their way");
        set_phase(req, DT_CONN_ANSWER, reply->body.n); /* its page is gone, too */
    }
    if (req->server->config.answered != NULL)
        req->server->config.answered(req->server->config.ctx, &req->pub, reply->status);
    r = dt_http_response(reply, close);
    if (r == NULL)
        return MHD_NO;
    ok = MHD_queue_response(req->mhd, reply->status, r);
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result
refuse(struct dt_server_request *r, unsigned int status)
{
    struct dt_http_reply reply = {0};

    dt_http_refusal(&reply, status);
    return send_reply(r, &reply, true);
}

/* ---- headers ---- */

/* The public part is the first member of struct request. */
static struct MHD_Connection *
mhd_of(const struct dt_http_request *req)
{
    return ((const struct dt_server_request *)(const void *)req)->mhd;
}

bool
dt_http_header(const struct dt_http_request *req, const char *name, struct dt_view *out)
{
    return dt_server_header(mhd_of(req), name, out);
}

/* Leave everything as it came: the gate lets no '%' through. */
static size_t
no_unescape(void *cls, struct MHD_Connection *mhd, char *s)
{
    (void)cls;
    (void)mhd;
    return strlen(s);
}

/* Called with the raw target as soon as the request line is in: the request begins here. */
static void *
on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct dt_http_server *s = cls;
    size_t n = strlen(uri) + 1;
    struct dt_server_request *r = dt_alloc(1, sizeof(*r) + n);

    if (r == NULL)
        return NULL;
    r->server = s;
    r->pub.wake = dt_aside_wake_request;
    r->pub.hold = hold_more;
    r->mhd = mhd;
    memcpy(r->path, uri, n);
    return r;
}

static enum MHD_Result
run_handler(struct dt_http_server *s, struct dt_server_request *r)
{
    for (;;) {
        struct dt_http_reply reply = {0};
        bool force, hurry;
        uint64_t deadline;

        pthread_mutex_lock(&s->lock);
        if (r->length > 0 && r->pub.calls == 0 && r->conn != NULL)
            dt_conns_phase(&s->conns, r->conn, DT_CONN_WORK, 0, s->loop.now_ms);
        r->woken = false;
        hurry = r->hurry;
        deadline = r->pub.deadline_ms;
        r->pub.timed_out =
            r->pub.calls > 0 && deadline != 0 && (hurry || dt_monotonic_ms() >= deadline);
        r->pub.stopping = s->stopping;
        force = s->force;
        pthread_mutex_unlock(&s->lock);
        if (r->pub.calls > 0 && deadline != 0 && r->conn != NULL)
            r->conn->quick = s->loop.now_ms - r->aside_ms <= DT_SERVER_QUICK_MS;
        if (force)
            return refuse(r, 503);
        r->pub.deadline_ms = 0;
        if (s->config.handler(s->config.ctx, &r->pub, &reply) == DT_HTTP_REPLY) {
            r->answered = true;
            return send_reply(r, &reply, r->pub.stopping || hurry);
        }
        dt_buf_clear(&reply.body);
        r->pub.calls++;
        if (dt_aside_put(s, r))
            return MHD_YES;
    }
}

/* ---- the library's callbacks ---- */

/*
 * Refuse ${r} for the size of its body alone: read that first, if it is not huge. An answer before
 * it, and the end of the connection with bytes unread, would reach the peer as a reset that throws
 * the answer away.
 */
static enum MHD_Result
refuse_body(struct dt_server_request *r, unsigned int status)
{
    if (r->length > DT_NET_DRAIN_MAX)
        return refuse(r, status);
    r->refused = status;
    set_phase(r, DT_CONN_BODY, 0);
    return MHD_YES;
}

static const struct sockaddr *
address_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    return info == NULL ? NULL : info->client_addr;
}

static void
tell_refused(struct dt_http_server *s, enum dt_http_refused why, const struct sockaddr *from)
{
    char text[DT_ADDRESS_TEXT];

    if (s->config.refused == NULL)
        return;
    dt_address_text(from, text);
    s->config.refused(s->config.ctx, why, text);
}

static enum MHD_Result
begin(struct dt_http_server *s, struct dt_server_request *r, const char *method,
      const char *version)
{
    const union MHD_ConnectionInfo *info;
    unsigned int status;
    struct dt_view auth, type;
    char *query;
    bool stopping, allowed = true;

    info = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    r->conn = info == NULL ? NULL : info->socket_context;
    pthread_mutex_lock(&s->lock);
    stopping = s->stopping;
    if (r->conn != NULL)
        allowed = dt_conn_take_token(r->conn, s->config.requests_per_s, s->loop.now_ms);
    pthread_mutex_unlock(&s->lock);
    status = dt_server_gate(r->mhd, method, r->path, version, s->config.body_max, &r->length);
    if (status != 0 && status != 413) {
        tell_refused(s, DT_HTTP_REFUSED_FORM, address_of(r->mhd));
        return refuse(r, status);
    }
    /* Nor is a connection served that there was no memory to count: no bound would hold for it, and
     * the peer's next one is counted again. */
    if (stopping || r->conn == NULL)
        return refuse(r, 503);
    if (!allowed) {
        tell_refused(s, DT_HTTP_REFUSED_REQUESTS, address_of(r->mhd));
        return refuse(r, 429);
    }

    /* From here on the body may be read. */
    r->pub.method = method[0] == 'G'   ? DT_HTTP_GET
                    : method[1] == 'O' ? DT_HTTP_POST
                    : method[0] == 'P' ? DT_HTTP_PUT
                                       : DT_HTTP_DELETE;
    query = strchr(r->path, '?');
    if (query != NULL)
        *query++ = '\0';
    r->pub.path = r->path;
    r->pub.query = query;
    if (dt_http_header(&r->pub, "Authorization", &auth) && auth.n > 7 &&
        strncasecmp((const char *)auth.p, "Bearer ", 7) == 0)
        r->pub.bearer = dt_view(auth.p + 7, auth.n - 7);
    if (dt_http_header(&r->pub, "Content-Type", &type))
        r->pub.content_type = type;
    if (status != 0)
        return refuse_body(r, status);
    if (r->length > DT_NET_BODY_OPEN_MAX && s->config.refuse_large != NULL &&
        (status = s->config.refuse_large(s->config.ctx, &r->pub)) != 0)
        return refuse_body(r, status);
    if (!enter_phase(r, (size_t)r->length, r->length > 0 ? DT_CONN_BODY : DT_CONN_WORK, r->length))
        return refuse_body(r, 503);
    dt_buf_init(&r->body, (size_t)r->length); /* it grows to what was counted, and no further */
    return MHD_YES;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
           const char *version, const char *upload, size_t *upload_len, void **con_cls)
{
    struct dt_http_server *s = cls;
    struct dt_server_request *r = *con_cls;

    (void)mhd;
    (void)url;
    if (r == NULL)
        return MHD_NO; /* no memory when it began */
    if (dt_aside_stands(s, r))
        return MHD_YES;
    s->loop.active = true;
    if (r->pub.method == 0)
        return begin(s, r, method, version);
    if (*upload_len > 0) {
        if (r->refused == 0 &&
            dt_buf_append(&r->body, dt_view((const uint8_t *)upload, *upload_len)) != DT_OK) {
            dt_buf_clear(&r->body);
            r->refused = 503; /* said when the rest has come */
        }
        *upload_len = 0;
        return MHD_YES;
    }
    if (r->answered)
        return MHD_YES;
    if (r->refused != 0) {
        r->answered = true;
        return refuse(r, r->refused);
    }
    r->pub.body = dt_buf_view(&r->body);
    return run_handler(s, r);
}

void
dt_server_request_free(struct dt_server_request *r)
{
    if (r->pub.state != NULL && r->pub.state_free != NULL)
        r->pub.state_free(r->pub.state);
    leave(r);
    dt_buf_wipe(&r->body);
    dt_free(r);
}

static void
on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
             enum MHD_RequestTerminationCode code)
{
    struct dt_http_server *s = cls;
    struct dt_server_request *r = *con_cls;

    (void)mhd;
    (void)code;
    s->loop.active = true;
    *con_cls = NULL;
    if (r != NULL && !dt_aside_lose(s, r))
        dt_server_request_free(r);
}

/*
 * Keep room for those who come. At the limit the library accepts nobody, and those who wait then
 * are as likely ours as a flood's. So the longest idle connection goes, as an idle one of ours
 * comes back by itself; if none has been idle for long, the oldest wait; else who has been slow for
 * long; and last of all who has just come and may be about to ask.
 */
static void
make_room(struct dt_http_server *s)
{
    size_t max = s->config.connections_max, room = (max + ROOM_SHARE - 1) / ROOM_SHARE;
    uint64_t now = dt_monotonic_ms();

    while (s->conns.n + 1 - s->conns.n_leaving > max - room) {
        if (!dt_conns_end_idle(&s->conns, JUST_COME_MS, now) && !dt_aside_end_oldest(s) &&
            !dt_conns_end_slow(&s->conns, now) && !dt_conns_end_idle(&s->conns, 0, now))
            return;
    }
}

/* The library closes one that is not welcome before anything is read from it. */
static enum MHD_Result
on_accept(void *cls, const struct sockaddr *from, socklen_t len)
{
    struct dt_http_server *s = cls;
    enum dt_address_says says = dt_addresses_ask(&s->addresses, from, dt_monotonic_ms());

    (void)len;
    atomic_fetch_add(&s->door.came, 1);
    if (says == DT_ADDRESS_WELCOME)
        return MHD_YES;
    tell_refused(s, says == DT_ADDRESS_TOO_MANY ? DT_HTTP_REFUSED_MANY : DT_HTTP_REFUSED_FAST,
                 from);
    return MHD_NO;
}

static void
on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
              enum MHD_ConnectionNotificationCode code)
{
    struct dt_http_server *s = cls;
    struct dt_conn *c;

    s->loop.active = true;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

        *socket_context = NULL;
        c = dt_alloc(1, sizeof(*c));
        if (c == NULL || info == NULL) {
            dt_free(c);
            return;
        }
        c->fd = info->connect_fd;
        c->tokens = s->config.requests_per_s;
        c->peer = dt_addresses_begin(&s->addresses, address_of(mhd), dt_monotonic_ms());
        if (s->tls.pair != NULL) {
            c->pair = dt_tls_take(&s->tls);
            dt_tls_prompt(c->fd);
        }
        pthread_mutex_lock(&s->lock);
        make_room(s);
        dt_conns_add(&s->conns, c, dt_monotonic_ms());
        pthread_mutex_unlock(&s->lock);
        *socket_context = c;
        return;
    }
    c = *socket_context;
    if (c == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    dt_conns_remove(&s->conns, c);
    pthread_mutex_unlock(&s->lock);
    *socket_context = NULL;
    dt_tls_give_back(&s->tls, c->pair);
    dt_addresses_end(&s->addresses, c->peer);
    dt_free(c);
}

/* ---- deadlines ---- */

static void *
tick(void *arg)
{
    struct dt_http_server *s = arg;
    uint64_t look = 0; /* when to look next whose peers are gone */

    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        uint64_t now = dt_monotonic_ms(), next = now + TICK_MS;
        struct timespec at;

        for (struct dt_server_request *r = s->aside, *after; r != NULL; r = after) {
            uint64_t deadline = r->pub.deadline_ms;

            after = r->next;
            if (deadline != 0 && now >= deadline)
                dt_aside_wake(s, r);
            else if (deadline != 0 && now >= look && r->conn != NULL && dt_conn_gone(r->conn))
                dt_aside_end_wait(s, r);
            else if (deadline != 0 && deadline < next)
                next =
                    deadline > now + DT_SERVER_TICK_MIN_MS ? deadline : now + DT_SERVER_TICK_MIN_MS;
        }
        if (now >= look)
            look = now + TICK_MS;
        dt_conns_sweep(&s->conns, now);
        make_room(s);
        /* Where the system had no descriptor the library lets nobody in until somebody goes. */
        if (!s->stopping && dt_door_stuck(&s->door, now) && !dt_conns_end_idle(&s->conns, 0, now))
            (void)dt_aside_end_oldest(s);
        s->next_ms = next;
        at.tv_sec = (time_t)(next / 1000);
        at.tv_nsec = (long)(next % 1000) * 1000000L;
        pthread_cond_timedwait(&s->cond, &s->lock, &at);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- start and stop ---- */

static void
turn_ended(void *arg)
{
    struct dt_http_server *s = arg;

    s->config.turn_ended(s->config.ctx);
}

static void
set_defaults(struct dt_http_server_config *c)
{
    if (c->body_max == 0)
        c->body_max = DT_NET_BODY_MAX;
    if (c->connections_max == 0)
        c->connections_max = 1024;
    if (c->header_timeout_s == 0)
        c->header_timeout_s = 10;
    if (c->idle_timeout_s == 0)
        c->idle_timeout_s = 75;
    if (c->transfer_timeout_s == 0)
        c->transfer_timeout_s = DT_NET_TRANSFER_S;
    if (c->rate_min == 0)
        c->rate_min = DT_NET_RATE_MIN;
    if (c->requests_per_s == 0)
        c->requests_per_s = 2000;
    if (c->held_max == 0)
        c->held_max = DT_NET_HELD_MAX;
}

/* Plain or with TLS: the same but for the last options. */
static struct MHD_Daemon *
start_daemon(struct dt_http_server *s, int fd)
{
    /* A function and a constant text where libmicrohttpd takes a void *: there is no other way. */
    /* NOLINTBEGIN(performance-no-int-to-ptr) */
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)dt_tls_certificate},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)DT_TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL}};
    /* NOLINTEND(performance-no-int-to-ptr) */

    if (s->tls.pair == NULL)
        tls[0].option = MHD_OPTION_END;
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (s->tls.pair != NULL ? MHD_USE_TLS : 0), 0,
        on_accept, s, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        s->config.header_max != 0 ? s->config.header_max : (size_t)POOL_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)POOL_STEP, MHD_OPTION_CONNECTION_LIMIT,
        s->config.connections_max, MHD_OPTION_CONNECTION_TIMEOUT, s->config.idle_timeout_s,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
        MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

enum dt_err
dt_http_server_start(const struct dt_http_server_config *config, struct dt_http_server **out)
{
    struct dt_http_server *s = dt_alloc(1, sizeof(*s));
    pthread_condattr_t attr;
    enum dt_err err;
    int fd = -1;

    if (s == NULL)
        return dt_nomem();
    s->listen_fd = -1;
    s->config = *config;
    set_defaults(&s->config);
    s->conns.header_ms = s->config.header_timeout_s * UINT64_C(1000);
    s->conns.idle_ms = s->config.idle_timeout_s * UINT64_C(1000);
    s->conns.transfer_ms = s->config.transfer_timeout_s * UINT64_C(1000);
    s->conns.rate_min = s->config.rate_min;
    s->addresses.most = s->config.per_address_max;
    s->addresses.rate = s->config.per_address_rate;
    if ((config->tls_cert != NULL &&
         (err = dt_tls_init(&s->tls, config->tls_cert, config->tls_key)) != DT_OK) ||
        (err = dt_listen(config->listen, &fd, &s->port)) != DT_OK) {
        dt_tls_clear(&s->tls);
        dt_free(s);
        return err;
    }
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->cond, &attr);
    pthread_condattr_destroy(&attr);
    s->daemon = start_daemon(s, fd);
    s->door.fd = fd;
    if (s->daemon == NULL) {
        close(fd);
        err = dt_fail(DT_ERR_IO, "%s: the HTTP server did not start", config->listen);
        goto fail;
    }
    s->loop.before = dt_aside_resume;
    s->loop.after = s->config.turn_ended == NULL ? NULL : turn_ended;
    s->loop.ctx = s;
    if ((err = dt_http_loop_start(&s->loop, s->daemon)) != DT_OK)
        goto fail;
    if (pthread_create(&s->ticker, NULL, tick, s) != 0) {
        err = dt_nomem();
        goto fail;
    }
    s->ticking = true;
    *out = s;
    return DT_OK;

fail:
    dt_http_server_stop(s);
    return err;
}

struct dt_http_counts
dt_http_server_counts(struct dt_http_server *s)
{
    struct dt_http_counts c = {.turns = atomic_load(&s->loop.turns)};

    pthread_mutex_lock(&s->lock);
    for (const struct dt_server_request *r = s->aside; r != NULL; r = r->next)
        c.waiting++;
    c.connections = s->conns.n;
    pthread_mutex_unlock(&s->lock);
    return c;
}

uint16_t
dt_http_server_port(const struct dt_http_server *s)
{
    return s->port;
}

enum dt_err
dt_http_server_reload(struct dt_http_server *s)
{
    return s->tls.pair == NULL ? DT_OK : dt_tls_reload(&s->tls);
}

void
dt_http_server_quiesce(struct dt_http_server *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->stopping || s->daemon == NULL) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    s->stopping = true;
    dt_aside_wake_all(s);
    pthread_mutex_unlock(&s->lock);
    /* Who comes is refused from here on. It is not closed before the daemon's thread has ended:
     * that may be about to use it, and another file may have its number by then. */
    s->listen_fd = MHD_quiesce_daemon(s->daemon);
    if (s->listen_fd >= 0)
        (void)shutdown(s->listen_fd, SHUT_RDWR);
}

/* Wait until no request stands aside, for at most ${ms}. */
static void
drain(struct dt_http_server *s, uint64_t ms)
{
    uint64_t end = dt_monotonic_ms() + ms;

    for (;;) {
        bool busy;

        pthread_mutex_lock(&s->lock);
        busy = dt_conns_busy(&s->conns);
        pthread_mutex_unlock(&s->lock);
        if (!busy || dt_monotonic_ms() >= end)
            return;
        usleep(5000);
    }
}

void
dt_http_server_stop(struct dt_http_server *s)
{
    if (s == NULL)
        return;
    if (s->daemon != NULL) {
        dt_http_server_quiesce(s);
        drain(s, STOP_GRACE_MS);
        pthread_mutex_lock(&s->lock);
        s->force = true;
        dt_aside_wake_all(s);
        pthread_mutex_unlock(&s->lock);
        drain(s, STOP_FORCE_MS);
    }
    if (s->ticking) {
        pthread_mutex_lock(&s->lock);
        s->stop = true;
        pthread_cond_signal(&s->cond);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->ticker, NULL);
    }
    dt_http_loop_end(&s->loop);
    dt_aside_resume(s); /* none stays suspended */
    if (s->daemon != NULL)
        MHD_stop_daemon(s->daemon);
    if (s->listen_fd >= 0)
        close(s->listen_fd);
    dt_tls_clear(&s->tls);
    dt_addresses_clear(&s->addresses);
    pthread_cond_destroy(&s->cond);
    pthread_mutex_destroy(&s->lock);
    dt_free(s);
}
