/*
 * net/server.c - see server.h. One thread that runs libmicrohttpd, and a ticker for the deadlines.
 *
 * Two lists under one lock: connections (server_conn.h: how long each may take) and requests put
 * aside (for deadlines and wakes). Handlers run in the one thread only.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/mem.h"
#include "base/time.h"

#include "net/server.h"
#include "net/server_conn.h"
#include "net/server_listen.h"
#include "net/server_loop.h"
#include "net/server_reply.h"

#define POOL_BYTES    8192u /* of one connection: request line, headers, read buffer */
#define POOL_STEP     1024u
#define STOP_GRACE_MS 5000u
#define TICK_MS       1000u
#define JUST_COME_MS  1000u
#define ROOM_SHARE    8u /* this part of connections_max is kept free by ending what can be ended */
#define HELD_SHARE    4u /* and this one of held_max */

/* A request and what only this file needs to know about it; the public part comes first. */
struct request {
    struct dt_http_request pub;
    struct dt_http_server *server;
    struct MHD_Connection *mhd;
    struct dt_conn *conn;
    struct request *next, *prev; /* in server->aside while put aside */
    struct dt_buf body;
    uint64_t length;
    char *path;
    bool aside, woken;
    bool hurry; /* under lock: its wait is to end before its time */
    bool answered;
    unsigned int refused; /* status to answer once the body is in, which is thrown away */
};

struct dt_http_server {
    struct dt_http_server_config config;
    struct MHD_Daemon *daemon;
    int listen_fd; /* taken back from the daemon, which may look at it until it is stopped; or -1 */
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct dt_http_loop loop;
    pthread_t ticker;
    bool ticking, stop, force;
    bool stopping;
    struct dt_conns conns;
    struct request *aside, *aside_last; /* the newest first */
    uint16_t port;
};

/* ---- answers ---- */

static void
set_phase(struct request *r, enum dt_conn_phase phase, uint64_t n)
{
    struct dt_http_server *s = r->server;

    if (r->conn == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    dt_conns_phase(&s->conns, r->conn, phase, n, dt_monotonic_ms());
    pthread_mutex_unlock(&s->lock);
}

/*
 * Count ${n} more bytes that ${r} holds in memory; false when the server holds too many already.
 * Small ones are not counted: as many as there are connections fit at any time.
 *
 * Room is kept for those who come. What an ended connection held is free when the library has seen
 * its end, so it goes on counting until then.
 */
static bool
hold(struct request *r, uint64_t n)
{
    struct dt_http_server *s = r->server;
    struct dt_conns *l = &s->conns;
    size_t room = s->config.held_max / HELD_SHARE;
    bool ok;

    if (n <= DT_NET_BODY_OPEN_MAX)
        return true;
    if (r->conn == NULL)
        return false;
    pthread_mutex_lock(&s->lock);
    ok = n <= s->config.held_max - l->held;
    if (ok)
        dt_conns_hold(l, r->conn, (size_t)n,
                      (struct dt_conn_account){r->pub.account[0], r->pub.account[1]});
    while (l->held - l->held_leaving > s->config.held_max - room && dt_conns_end_holder(l, r->conn))
        ;
    pthread_mutex_unlock(&s->lock);
    return ok;
}

static void
release(struct request *r)
{
    struct dt_http_server *s = r->server;

    if (r->conn == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    dt_conns_release(&s->conns, r->conn);
    pthread_mutex_unlock(&s->lock);
}

static enum MHD_Result
send_reply(struct request *req, struct dt_http_reply *reply, bool close)
{
    struct MHD_Response *r;
    enum MHD_Result ok;
    char seconds[24];

    if (!hold(req, reply->body.n))
        dt_http_reply_error(reply, 503, "busy", "too many large answers are on their way");
    set_phase(req, DT_CONN_ANSWER, reply->body.n);

    if (reply->body.n > 0) {
        r = MHD_create_response_from_buffer_with_free_callback(reply->body.n, reply->body.p,
                                                               dt_free);
        if (r != NULL) {
            reply->body.p = NULL; /* the response frees it now */
            reply->body.n = 0;
            reply->body.cap = 0;
        }
    } else {
        static char nothing[1];

        r = MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
    }
    dt_buf_clear(&reply->body);
    if (r == NULL)
        return MHD_NO;
    if (reply->content_type != NULL)
        (void)MHD_add_response_header(r, "Content-Type", reply->content_type);
    (void)MHD_add_response_header(r, "Cache-Control",
                                  reply->cache_control != NULL ? reply->cache_control : "no-store");
    (void)MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    if (reply->allow_origin != NULL)
        (void)MHD_add_response_header(r, "Access-Control-Allow-Origin", reply->allow_origin);
    if (reply->location != NULL)
        (void)MHD_add_response_header(r, "Location", reply->location);
    if (reply->retry_after_s != 0) {
        (void)snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)reply->retry_after_s);
        (void)MHD_add_response_header(r, "Retry-After", seconds);
    }
    if (close)
        (void)MHD_add_response_header(r, "Connection", "close");
    ok = MHD_queue_response(req->mhd, reply->status, r);
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result
refuse(struct request *r, unsigned int status)
{
    struct dt_http_reply reply = {0};

    dt_http_refusal(&reply, status);
    return send_reply(r, &reply, true);
}

/* ---- headers and query ---- */

struct lookup {
    const char *name;
    struct dt_view *out;
    bool found;
};

static enum MHD_Result
lookup_one(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len, const char *value,
           size_t value_len)
{
    struct lookup *l = cls;

    (void)kind;
    if (l->found || key_len != strlen(l->name) || strncasecmp(key, l->name, key_len) != 0)
        return MHD_YES;
    *l->out = dt_view(value == NULL ? (const uint8_t *)"" : (const uint8_t *)value, value_len);
    l->found = true;
    return MHD_YES;
}

static bool
lookup(const struct dt_http_request *req, enum MHD_ValueKind kind, const char *name,
       struct dt_view *out)
{
    /* The public part is the first member of struct request. */
    const struct request *r = (const struct request *)(const void *)req;
    struct lookup l = {name, out, false};

    (void)MHD_get_connection_values_n(r->mhd, kind, lookup_one, &l);
    return l.found;
}

bool
dt_http_query(const struct dt_http_request *req, const char *name, struct dt_view *out)
{
    return lookup(req, MHD_GET_ARGUMENT_KIND, name, out);
}

bool
dt_http_header(const struct dt_http_request *req, const char *name, struct dt_view *out)
{
    return lookup(req, MHD_HEADER_KIND, name, out);
}

/* ---- the gate, fed from the library ---- */

struct gather {
    struct dt_gate_header headers[DT_NET_HEADERS_MAX];
    size_t n;
    bool too_many;
};

static enum MHD_Result
gather_one(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len, const char *value,
           size_t value_len)
{
    struct gather *g = cls;

    (void)kind;
    if (g->n == DT_NET_HEADERS_MAX) {
        g->too_many = true;
        return MHD_NO;
    }
    g->headers[g->n].name = dt_view((const uint8_t *)key, key_len);
    g->headers[g->n].value = dt_view((const uint8_t *)value, value == NULL ? 0 : value_len);
    g->n++;
    return MHD_YES;
}

/* The library takes the header section apart in place, from the method on, and keeps it until the
 * first call of on_request() is over. */
static unsigned int
run_gate(struct request *r, const char *method, const char *version)
{
    const union MHD_ConnectionInfo *info;
    struct dt_gate_request gate = {0};
    struct gather g = {.n = 0};

    (void)MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, gather_one, &g);
    if (g.too_many)
        return 431;
    info = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    gate.method = dt_view_str(method);
    gate.target = dt_view_str(r->path);
    gate.version = dt_view_str(version);
    gate.headers = g.headers;
    gate.n_headers = g.n;
    gate.raw = dt_view((const uint8_t *)method, info == NULL ? 0 : info->header_size);
    gate.body_max = r->server->config.body_max;
    return dt_gate_check(&gate, &r->length);
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
    struct request *r = dt_alloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->server = s;
    r->mhd = mhd;
    r->path = dt_strndup(uri, strlen(uri));
    dt_buf_init(&r->body, s->config.body_max);
    if (r->path == NULL) {
        dt_free(r);
        return NULL;
    }
    return r;
}

/* ---- putting aside and waking ---- */

static void
aside_remove(struct dt_http_server *s, struct request *r)
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
wake_locked(struct dt_http_server *s, struct request *r)
{
    if (r->aside) {
        aside_remove(s, r);
        MHD_resume_connection(r->mhd);
        dt_http_loop_wake(&s->loop);
    } else {
        r->woken = true;
    }
}

void
dt_http_wake(struct dt_http_request *req)
{
    struct request *r = (struct request *)(void *)req;
    struct dt_http_server *s = r->server;

    pthread_mutex_lock(&s->lock);
    wake_locked(s, r);
    pthread_mutex_unlock(&s->lock);
}

/* Put ${r} aside unless it was woken meanwhile, or the server began to stop while its handler ran,
 * which then has not seen it; true when it stands aside now. */
static bool
put_aside(struct dt_http_server *s, struct request *r)
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
        MHD_suspend_connection(r->mhd);
        put = true;
        pthread_cond_signal(&s->cond);
    }
    pthread_mutex_unlock(&s->lock);
    return put;
}

static enum MHD_Result
run_handler(struct dt_http_server *s, struct request *r)
{
    for (;;) {
        struct dt_http_reply reply = {0};
        bool force, hurry;
        uint64_t deadline;

        pthread_mutex_lock(&s->lock);
        r->woken = false;
        hurry = r->hurry;
        deadline = r->pub.deadline_ms;
        r->pub.timed_out =
            r->pub.calls > 0 && deadline != 0 && (hurry || dt_monotonic_ms() >= deadline);
        r->pub.stopping = s->stopping;
        force = s->force;
        pthread_mutex_unlock(&s->lock);
        if (force)
            return refuse(r, 503);
        r->pub.deadline_ms = 0;
        if (s->config.handler(s->config.ctx, &r->pub, &reply) == DT_HTTP_REPLY) {
            r->answered = true;
            return send_reply(r, &reply, r->pub.stopping || hurry);
        }
        dt_buf_clear(&reply.body);
        r->pub.calls++;
        if (put_aside(s, r))
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
refuse_body(struct request *r, unsigned int status)
{
    if (r->length > DT_NET_DRAIN_MAX)
        return refuse(r, status);
    r->refused = status;
    set_phase(r, DT_CONN_BODY, 0);
    return MHD_YES;
}

static enum MHD_Result
begin(struct dt_http_server *s, struct request *r, const char *method, const char *version)
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
        allowed = dt_conn_take_token(r->conn, s->config.requests_per_s, dt_monotonic_ms());
    pthread_mutex_unlock(&s->lock);
    if ((status = run_gate(r, method, version)) != 0 && status != 413)
        return refuse(r, status);
    if (stopping)
        return refuse(r, 503);
    if (!allowed)
        return refuse(r, 429);

    /* From here on the body may be read. */
    r->pub.method = method[0] == 'G'   ? DT_HTTP_GET
                    : method[1] == 'O' ? DT_HTTP_POST
                    : method[0] == 'P' ? DT_HTTP_PUT
                                       : DT_HTTP_DELETE;
    query = strchr(r->path, '?');
    if (query != NULL)
        *query = '\0';
    r->pub.path = r->path;
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
    if (!hold(r, r->length))
        return refuse_body(r, 503);
    set_phase(r, r->length > 0 ? DT_CONN_BODY : DT_CONN_WORK, r->length);
    return MHD_YES;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
           const char *version, const char *upload, size_t *upload_len, void **con_cls)
{
    struct dt_http_server *s = cls;
    struct request *r = *con_cls;

    (void)mhd;
    (void)url;
    if (r == NULL)
        return MHD_NO; /* no memory when it began */
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
    if (r->length > 0 && r->pub.calls == 0)
        set_phase(r, DT_CONN_WORK, 0);
    return run_handler(s, r);
}

static void
on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
             enum MHD_RequestTerminationCode code)
{
    struct request *r = *con_cls;

    (void)cls;
    (void)mhd;
    (void)code;
    if (r == NULL)
        return;
    *con_cls = NULL;
    if (r->pub.state != NULL && r->pub.state_free != NULL)
        r->pub.state_free(r->pub.state);
    set_phase(r, DT_CONN_HEADER, 0);
    release(r);
    dt_buf_wipe(&r->body);
    dt_free(r->path);
    dt_free(r);
}

/* The wait of ${r} ends now, and its connection after the answer. */
static void
end_wait(struct dt_http_server *s, struct request *r)
{
    r->hurry = true;
    if (r->conn != NULL)
        dt_conns_leave(&s->conns, r->conn);
    wake_locked(s, r);
}

/* Make the oldest wait that can end early do so; false when there is none. */
static bool
end_oldest_wait(struct dt_http_server *s)
{
    for (struct request *r = s->aside_last; r != NULL; r = r->prev) {
        if (r->pub.deadline_ms != 0) {
            end_wait(s, r);
            return true;
        }
    }
    return false;
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
        if (!dt_conns_end_idle(&s->conns, JUST_COME_MS, now) && !end_oldest_wait(s) &&
            !dt_conns_end_slow(&s->conns, now) && !dt_conns_end_idle(&s->conns, 0, now))
            return;
    }
}

static void
on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
              enum MHD_ConnectionNotificationCode code)
{
    struct dt_http_server *s = cls;
    struct dt_conn *c;

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
    dt_free(c);
}

/* ---- deadlines ---- */

/* Has the peer of ${r}, which waits, gone away? Nobody reads from it meanwhile, so nobody else
 * sees. */
static bool
is_gone(const struct request *r)
{
    struct pollfd p = {.fd = r->conn == NULL ? -1 : r->conn->fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static void *
tick(void *arg)
{
    struct dt_http_server *s = arg;
    uint64_t look = 0; /* when to look next whose peers are gone */

    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        uint64_t now = dt_monotonic_ms(), next = now + TICK_MS;
        struct timespec at;

        for (struct request *r = s->aside, *after; r != NULL; r = after) {
            uint64_t deadline = r->pub.deadline_ms;

            after = r->next;
            if (deadline != 0 && now >= deadline)
                wake_locked(s, r);
            else if (deadline != 0 && now >= look && is_gone(r))
                end_wait(s, r);
            else if (deadline != 0 && deadline < next)
                next = deadline;
        }
        if (now >= look)
            look = now + TICK_MS;
        dt_conns_sweep(&s->conns, now);
        make_room(s);
        at.tv_sec = (time_t)(next / 1000);
        at.tv_nsec = (long)(next % 1000) * 1000000L;
        pthread_cond_timedwait(&s->cond, &s->lock, &at);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- start and stop ---- */

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
    if ((err = dt_listen(config->listen, &fd, &s->port)) != DT_OK) {
        dt_free(s);
        return err;
    }
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->cond, &attr);
    pthread_condattr_destroy(&attr);
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, s,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)POOL_STEP, MHD_OPTION_CONNECTION_LIMIT,
        s->config.connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT, s->config.per_address_max,
        MHD_OPTION_CONNECTION_TIMEOUT, s->config.idle_timeout_s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        s, MHD_OPTION_URI_LOG_CALLBACK, on_uri, s, MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL,
        MHD_OPTION_END);
    if (s->daemon == NULL) {
        close(fd);
        err = dt_fail(DT_ERR_IO, "%s: the HTTP server did not start", config->listen);
        goto fail;
    }
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

uint16_t
dt_http_server_port(const struct dt_http_server *s)
{
    return s->port;
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
    while (s->aside != NULL)
        wake_locked(s, s->aside);
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
        while (s->aside != NULL)
            wake_locked(s, s->aside);
        pthread_mutex_unlock(&s->lock);
        drain(s, 500);
    }
    if (s->ticking) {
        pthread_mutex_lock(&s->lock);
        s->stop = true;
        pthread_cond_signal(&s->cond);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->ticker, NULL);
    }
    dt_http_loop_end(&s->loop);
    if (s->daemon != NULL)
        MHD_stop_daemon(s->daemon);
    if (s->listen_fd >= 0)
        close(s->listen_fd);
    pthread_cond_destroy(&s->cond);
    pthread_mutex_destroy(&s->lock);
    dt_free(s);
}
