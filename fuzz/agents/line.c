/*
 * fuzz/agents/line.c - see line.h.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "line.h"

struct dt_http_client {
    int nothing;
};

struct dt_http_server {
    struct dt_http_server_config config;
    bool stopping;
};

/* A request in work; what the handler sees is its first part. */
struct request {
    struct dt_http_request req;
    const char *query;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool wake;
};

static struct line_watch watch;
static struct dt_http_server *server;

void
line_set(const struct line_watch *w)
{
    watch = *w;
}

/* ---- the server's side ---- */

enum dt_err
dt_http_server_start(const struct dt_http_server_config *config, struct dt_http_server **out)
{
    struct dt_http_server *s = dt_alloc(1, sizeof *s);

    if (s == NULL)
        return dt_nomem();
    s->config = *config;
    server = *out = s;
    return DT_OK;
}

uint16_t
dt_http_server_port(const struct dt_http_server *s)
{
    (void)s;
    return 1;
}

enum dt_err
dt_http_server_reload(struct dt_http_server *s)
{
    (void)s;
    return DT_OK;
}

struct dt_http_counts
dt_http_server_counts(struct dt_http_server *s)
{
    (void)s;
    return (struct dt_http_counts){0};
}

/* Whoever waits is alone. */
void
dt_http_hold_wakes(struct dt_http_server *s)
{
    (void)s;
}

void
dt_http_release_wakes(struct dt_http_server *s)
{
    (void)s;
}

void
dt_http_server_quiesce(struct dt_http_server *s)
{
    s->stopping = true;
}

void
dt_http_server_stop(struct dt_http_server *s)
{
    if (s == server)
        server = NULL;
    dt_free(s);
}

void
dt_http_wake(struct dt_http_request *req)
{
    struct request *r = (struct request *)req;

    pthread_mutex_lock(&r->lock);
    r->wake = true;
    pthread_cond_signal(&r->woken);
    pthread_mutex_unlock(&r->lock);
}

bool
dt_http_hold(struct dt_http_request *req, size_t n)
{
    (void)req;
    (void)n;
    return true;
}

bool
dt_http_query(const struct dt_http_request *req, const char *name, struct dt_view *out)
{
    struct dt_view rest = dt_view_str(((const struct request *)req)->query), part;
    size_t n = strlen(name);

    while (dt_text_split(&rest, '&', &part)) {
        if (part.n <= n || part.p[n] != '=' || memcmp(part.p, name, n) != 0)
            continue;
        *out = dt_view(part.p + n + 1, part.n - n - 1);
        return true;
    }
    return false;
}

bool
dt_http_header(const struct dt_http_request *req, const char *name, struct dt_view *out)
{
    (void)req;
    (void)name;
    (void)out;
    return false;
}

/* Call the handler until it answers. What waits for the writer waits; what would wait for news is
 * told that its time is up. */
static void
serve(struct request *r, struct dt_http_reply *reply)
{
    while (server->config.handler(server->config.ctx, &r->req, reply) == DT_HTTP_WAIT) {
        r->req.calls++;
        if (server->config.turn_ended != NULL) /* each request is a turn of its own */
            server->config.turn_ended(server->config.ctx);
        if (r->req.deadline_ms != 0) {
            r->req.timed_out = true;
            continue;
        }
        pthread_mutex_lock(&r->lock);
        while (!r->wake)
            pthread_cond_wait(&r->woken, &r->lock);
        r->wake = false;
        pthread_mutex_unlock(&r->lock);
    }
}

/* ---- the client's side ---- */

enum dt_err
dt_http_client_new(const struct dt_http_client_config *config, struct dt_http_client **out)
{
    struct dt_http_client *c = dt_alloc(1, sizeof *c);

    (void)config;
    if (c == NULL)
        return dt_nomem();
    *out = c;
    return DT_OK;
}

void
dt_http_client_free(struct dt_http_client *c)
{
    dt_free(c);
}

void
dt_http_client_trust(struct dt_http_client *c, const char *ca_file)
{
    (void)c;
    (void)ca_file;
}

void
dt_http_client_read_key(struct dt_http_client *c, const uint8_t *key)
{
    (void)c; /* the relay at the other end is the fuzzer's */
    (void)key;
}

void
dt_http_client_free_p(struct dt_http_client **c)
{
    dt_http_client_free(*c);
    *c = NULL;
}

void
dt_http_answer_clear(struct dt_http_answer *a)
{
    dt_buf_wipe(&a->body);
    a->status = 0;
}

unsigned int
line_ask(const struct line_request *request, struct dt_buf *out)
{
    struct request r = {.req = {.method = request->method,
                                .path = request->path,
                                .body = request->body,
                                .bearer = request->bearer,
                                .stopping = server->stopping},
                        .query = request->query};
    struct dt_http_reply reply = {0};

    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.woken, NULL);
    serve(&r, &reply);
    if (r.req.state != NULL)
        r.req.state_free(r.req.state);
    pthread_cond_destroy(&r.woken);
    pthread_mutex_destroy(&r.lock);
    dt_buf_clear(out);
    dt_buf_move(out, &reply.body);
    return reply.status;
}

enum dt_err
line_deliver(const struct dt_http_call *call, struct dt_http_answer *out)
{
    const char *host = strstr(call->base, "://");
    const char *prefix = host == NULL ? NULL : strchr(host + 3, '/');
    char path[DT_NET_URL_MAX + 1], hex[65], *mark;
    struct line_request r = {.method =
                                 strcmp(call->method, "POST") == 0 ? DT_HTTP_POST : DT_HTTP_GET,
                             .path = path,
                             .query = "",
                             .body = call->body};

    if (snprintf(path, sizeof path, "%s%s", prefix == NULL ? "" : prefix, call->path) >=
        (int)sizeof path)
        abort();
    if ((mark = strchr(path, '?')) != NULL) {
        *mark++ = '\0';
        r.query = mark;
    }
    if (call->bearer.n != 0) {
        if (call->bearer.n != 32)
            return dt_fail(DT_ERR_RANGE, "a token of %zu bytes", call->bearer.n);
        dt_hex_str(hex, call->bearer);
        r.bearer = dt_view_str(hex);
    }
    out->status = line_ask(&r, &out->body);
    return DT_OK;
}

enum dt_err
dt_http_call(struct dt_http_client *c, const struct dt_http_call *call, struct dt_http_answer *out)
{
    enum dt_err err = DT_OK;

    (void)c;
    if (watch.request != NULL)
        err = watch.request(watch.ctx, call);
    if (err == DT_OK && server == NULL)
        err = dt_fail(DT_ERR_NET, "the relay is not there");
    if (err == DT_OK)
        err = line_deliver(call, out);
    if (err == DT_OK && watch.answer != NULL)
        err = watch.answer(watch.ctx, call, out);
    return err;
}

enum dt_err
dt_http_answer_err(const char *base, const char *what, const struct dt_http_answer *answer)
{
    unsigned int status = answer->status;

    (void)base;
    if (status >= 200 && status < 300)
        return DT_OK;
    switch (status) {
    case 400:
    case 411:
        return dt_fail(DT_ERR_FORMAT, "did not understand the request to %s", what);
    case 401:
    case 403:
        return dt_fail(DT_ERR_REFUSED, "refused to %s", what);
    case 404:
        return dt_fail(DT_ERR_NOT_FOUND, "nothing there to %s", what);
    case 409:
        return dt_fail(DT_ERR_CONFLICT, "has something else where we would %s", what);
    case 413:
    case 507:
        return dt_fail(DT_ERR_LIMIT, "full, could not %s", what);
    case 429:
        return dt_fail(DT_ERR_BUSY, "quota reached, could not %s", what);
    default:
        return dt_fail(DT_ERR_NET, "answered %u to the request to %s", status, what);
    }
}
