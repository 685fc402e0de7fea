/*
 * relay/route.c - which handler answers which path, and what the handlers share; see handlers.h.
 *
 * Nothing here knows whether a request came over HTTP (relay.c) or from this process (direct.c).
 * Layer: relay.
 */
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"

#include "relay/handlers.h"
#include "relay/log.h"

#define JOB_LOOK_US    1000u /* how often to look whether the writer is done with a job */
#define POLLS_AGAIN_MS (5 * DT_MS_SECOND)

/* ---- what the handlers share ---- */

static _Thread_local struct {
    void (*fn)(void *ctx, enum dt_err err);
    void *ctx;
} log_to;

void
relay_log_to(void (*fn)(void *ctx, enum dt_err err), void *ctx)
{
    log_to.fn = fn;
    log_to.ctx = ctx;
}

void
relay_log_error(void *ctx, enum dt_err err)
{
    (void)ctx;
    if (log_to.fn != NULL)
        log_to.fn(log_to.ctx, err);
    else
        relay_log_err("error", NULL, err);
}

/*
 * The writer may still have the job, which lies in ${state} and borrows from the request: a relay
 * that stops looks at all connections, and finds that a peer has gone without waiting for its
 * answer. What the writer took it will be done with soon.
 */
static void
wait_free(void *state)
{
    struct relay_wait *w = state;

    while (w->has_job && !relay_job_done(w))
        usleep(JOB_LOOK_US);
    for (size_t i = 0; i < w->n_watches; i++)
        dt_hub_remove(w->relay->hub, &w->watches[i]);
    if (w->polls)
        relay_accounts_poll_end(w->relay->accounts, w->grant);
    dt_free(w->watches);
    if (w->items != &w->item)
        dt_free(w->items);
    dt_free(w);
}

struct relay_wait *
relay_wait_new(struct dt_relay *relay, struct dt_http_request *req, size_t n_watches)
{
    struct relay_wait *w;

    if (!dt_http_hold(req, sizeof(*w) + n_watches * sizeof(*w->watches)))
        return NULL;
    if ((w = dt_alloc(1, sizeof(*w))) == NULL) {
        relay_log_error(NULL, dt_nomem());
        return NULL;
    }
    w->relay = relay;
    w->req = req;
    if (n_watches > 0) {
        w->watches = dt_alloc(n_watches, sizeof(*w->watches));
        if (w->watches == NULL) {
            relay_log_error(NULL, dt_nomem());
            dt_free(w);
            return NULL;
        }
        w->n_watches = n_watches;
        for (size_t i = 0; i < n_watches; i++)
            w->watches[i].req = req;
    }
    req->state = w;
    req->state_free = wait_free;
    return w;
}

/* Is there something to see now that was not there? Handing in again what is there already is no
 * news: anyone can do it again and again. */
static bool
is_news(const struct dt_relay_store_job *job)
{
    switch (job->kind) {
    case DT_JOB_CREATE:
    case DT_JOB_SERVED:
    case DT_JOB_ACK:
    case DT_JOB_EXPIRE:
        return false;
    case DT_JOB_APPEND:
        return job->u.append.n_new > 0;
    case DT_JOB_COSIGN:
        return job->result == DT_OK && job->u.cosign.changed;
    case DT_JOB_ENTRY:
    case DT_JOB_OPENING:
        break;
    }
    return job->result == DT_OK;
}

/* There is news of ${key}: those who wait here are woken at once, other processes a moment later.
 */
static void
tell(struct dt_relay *relay, const uint8_t key[static DT_HUB_KEY])
{
    dt_hub_news(relay->hub, key);
    if (relay->news != NULL)
        dt_pg_news_tell(relay->news, key);
}

/* Writer's thread, after the commit: first those who wait for news, then the one who brought it. */
static void
on_job_done(struct dt_relay_store_job *job)
{
    struct relay_wait *w = job->ctx;
    struct dt_relay *relay = w->relay;

    if (is_news(job) && job->kind == DT_JOB_APPEND)
        dt_recent_put(relay->recent, w->key, job);
    if (job->result == DT_OK)
        relay_metrics_acknowledged(&relay->metrics, job->kind,
                                   job->kind == DT_JOB_APPEND ? job->u.append.n_new : 1);
    if (is_news(job))
        tell(relay, w->key);
    if (job->result == DT_OK && job->kind == DT_JOB_ENTRY && relay->asker != NULL)
        relay_asker_news(relay->asker, job->u.entry.reg);
    pthread_mutex_lock(&relay->done_lock);
    w->job_done = true;
    dt_http_wake(w->req);
    pthread_mutex_unlock(&relay->done_lock);
}

bool
relay_job_done(struct relay_wait *wait)
{
    bool done;

    pthread_mutex_lock(&wait->relay->done_lock);
    done = wait->job_done;
    pthread_mutex_unlock(&wait->relay->done_lock);
    return done;
}

/* 429 with the time after which another try may do. */
static void
reply_later(struct dt_http_reply *reply, const char *code, const char *text, uint64_t wait_ms)
{
    dt_http_reply_error(reply, 429, code, text);
    reply->retry_after_s = (wait_ms + DT_MS_SECOND - 1) / DT_MS_SECOND;
}

bool
relay_wait_polls(struct relay_wait *wait, uint64_t grant, struct dt_http_reply *reply)
{
    struct dt_relay *r = wait->relay;
    enum relay_polls polls = RELAY_POLLS_OK;
    enum dt_err err;

    if (wait->polls || r->accounts == NULL)
        return true;
    err = relay_accounts_poll(r->accounts, r->store, grant, dt_monotonic_ms(), &polls);
    if (err != DT_OK)
        (void)relay_store_error(reply, err);
    else if (polls == RELAY_POLLS_GRANT)
        reply_later(reply, "grant-polls", "the grant has as many long polls as it may",
                    POLLS_AGAIN_MS);
    else if (polls == RELAY_POLLS_ALL)
        reply_later(reply, "polls", "the relay has as many long polls as it takes", POLLS_AGAIN_MS);
    wait->polls = err == DT_OK && polls == RELAY_POLLS_OK;
    wait->grant = grant;
    return wait->polls;
}

bool
relay_may_append(struct dt_relay *relay, uint64_t grant, uint64_t n, struct dt_http_reply *reply)
{
    uint64_t wait_ms = 0;
    enum dt_err err = DT_OK;

    if (relay->accounts != NULL) /* what is in no server is in nobody else's way */
        err = relay_accounts_take(relay->accounts, relay->store, grant, n, dt_monotonic_ms(),
                                  &wait_ms);
    if (err != DT_OK)
        (void)relay_store_error(reply, err);
    else if (wait_ms != 0)
        reply_later(reply, "grant-rate", "the grant appends faster than it may", wait_ms);
    return err == DT_OK && wait_ms == 0;
}

enum dt_http_next
relay_submit(struct relay_wait *wait, struct dt_http_reply *reply)
{
    enum dt_err err;

    wait->has_job = true;
    wait->job.ctx = wait;
    wait->job.done = on_job_done;
    if (wait->relay->writer == NULL) {
        struct dt_relay_store_job *job = &wait->job;

        if ((err = dt_relay_store_run(wait->relay->store, &job, 1)) != DT_OK)
            relay_log_error(NULL, err);
        job->done(job);
        return DT_HTTP_WAIT;
    }
    if ((err = dt_writer_hand(wait->relay->writer, &wait->job)) != DT_OK) {
        wait->has_job = false;
        dt_http_reply_error(reply, 503, "busy", "too much waits for the disk, try again");
        return DT_HTTP_REPLY;
    }
    return DT_HTTP_WAIT;
}

/* The relay itself is at fault, or short of something. */
static enum dt_http_next
reply_unable(struct dt_http_reply *reply)
{
    dt_http_reply_error(reply, 503, "busy", "the relay could not do it now, try again");
    return DT_HTTP_REPLY;
}

/* What is full, by the words of the protocol. */
static const struct {
    const char *code, *text;
} bounds[] = {
    [DT_BOUND_NONE] = {"full", "no more of this is taken"},
    [DT_BOUND_QUEUES] = {"full-queues", "the grant has as many queues as it may"},
    [DT_BOUND_QUEUE] = {"full-queue", "the queue is full"},
    [DT_BOUND_GRANT_BYTES] = {"full-grant-bytes",
                              "the queues of the grant hold as many bytes as they may"},
    [DT_BOUND_GRANT_CELLS] = {"full-grant-cells",
                              "the queues of the grant hold as many cells as they may"},
    [DT_BOUND_OPENINGS] = {"full-openings", "this party has published all that is taken of it"},
    [DT_BOUND_READERS] = {"full-readers", "the queue has as many readers as it may"}};

enum dt_http_next
relay_job_error(struct dt_http_reply *reply, const struct dt_relay_store_job *job)
{
    if (job->result == DT_ERR_BUSY && job->kind == DT_JOB_ENTRY && job->u.entry.wait_ms != 0) {
        reply_later(reply, "too-early", "the key has no slot of the cadence due now",
                    job->u.entry.wait_ms);
        return DT_HTTP_REPLY;
    }
    if (job->result == DT_ERR_LIMIT) {
        dt_http_reply_error(reply, 507, bounds[job->bound].code, bounds[job->bound].text);
        return DT_HTTP_REPLY;
    }
    if (job->result != DT_ERR_STATE || !job->disk_full)
        return relay_error(reply, job->result);
    dt_http_reply_error(reply, 503, DT_RELAY_DISK_FULL, "the disk of the relay is full");
    return DT_HTTP_REPLY;
}

enum dt_http_next
relay_store_error(struct dt_http_reply *reply, enum dt_err err)
{
    if (err == DT_ERR_NOT_FOUND || err == DT_ERR_REFUSED)
        return relay_error(reply, err);
    if (err != DT_ERR_STATE)
        relay_log_error(NULL, err);
    return reply_unable(reply);
}

enum dt_http_next
relay_error(struct dt_http_reply *reply, enum dt_err err)
{
    switch (err) {
    case DT_ERR_FORMAT:
    case DT_ERR_RANGE:
    case DT_ERR_UNSUPPORTED:
        dt_http_reply_error(reply, 400, "format", "not in the form that the protocol asks for");
        break;
    case DT_ERR_AUTH:
    case DT_ERR_REFUSED:
        dt_http_reply_error(reply, 403, "refused", "the token, key or signature does not fit");
        break;
    case DT_ERR_NOT_FOUND:
        dt_http_reply_error(reply, 404, "not-found", "there is nothing here");
        break;
    case DT_ERR_CONFLICT:
        dt_http_reply_error(reply, 409, "conflict", "this append id was used for other bytes");
        break;
    case DT_ERR_LIMIT:
        dt_http_reply_error(reply, 507, bounds[DT_BOUND_NONE].code, bounds[DT_BOUND_NONE].text);
        break;
    case DT_ERR_BUSY:
        dt_http_reply_error(reply, 429, "slow-down", "the quota of the day is used up");
        break;
    default:
        if (err != DT_ERR_STATE) /* the writer has told of that one */
            relay_log_error(NULL, err);
        return reply_unable(reply);
    }
    return DT_HTTP_REPLY;
}

enum dt_err
relay_bearer_hash(const struct dt_http_request *req, uint8_t hash[static 32])
{
    uint8_t token[DT_RELAY_TOKEN];
    enum dt_err err;

    if (req->bearer.n != 2 * sizeof(token) ||
        dt_hex_read_fixed(token, sizeof(token), req->bearer) != DT_OK)
        return DT_ERR_AUTH;
    err = dt_sha256(dt_view_of(token), hash);
    dt_wipe(token, sizeof(token));
    return err;
}

bool
relay_bearer(const struct dt_http_request *req, uint8_t hash[static 32],
             struct dt_http_reply *reply)
{
    enum dt_err err = relay_bearer_hash(req, hash);

    if (err == DT_ERR_AUTH)
        dt_http_reply_error(reply, 401, "token-missing",
                            "a bearer token of 64 hex digits is needed");
    else if (err != DT_OK)
        (void)relay_error(reply, err);
    return err == DT_OK;
}

bool
relay_number(const struct dt_http_request *req, const char *name, uint64_t max, uint64_t none,
             uint64_t *out, struct dt_http_reply *reply)
{
    struct dt_view text;

    if (!dt_http_query(req, name, &text)) {
        *out = none;
        return true;
    }
    if (dt_decimal_read(text, max, out) == DT_OK)
        return true;
    dt_http_reply_error(reply, 400, "format", "a number in the query is wrong or too large");
    return false;
}

/* ---- routes ---- */

static enum dt_http_next
health(struct dt_http_reply *reply)
{
    reply->status = 200;
    reply->content_type = "application/json";
    dt_buf_init(&reply->body, 64);
    dt_ignore(dt_buf_printf(&reply->body, "{\"format\": 1, \"status\": \"ok\"}\n"),
              "without memory the status says enough");
    return DT_HTTP_REPLY;
}

static const char *
after(const char *path, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(path, prefix, n) == 0 ? path + n : NULL;
}

enum dt_http_next
relay_wrong_method(struct dt_http_reply *reply)
{
    dt_http_reply_error(reply, 405, "method", "this path takes another method");
    return DT_HTTP_REPLY;
}

enum dt_http_next
relay_route(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct dt_relay *r = ctx;
    bool post = req->method == DT_HTTP_POST;
    const char *rest;

    if (req->method != DT_HTTP_GET && !post)
        return relay_wrong_method(reply);
    if (strcmp(req->path, "/v1/queues") == 0)
        return post ? relay_queue_create(r, req, reply) : relay_wrong_method(reply);
    if (strcmp(req->path, "/v1/poll") == 0)
        return post ? relay_poll(r, req, reply) : relay_wrong_method(reply);
    if (strcmp(req->path, "/v1/health") == 0)
        return post ? relay_wrong_method(reply) : health(reply);
    if ((rest = after(req->path, "/v1/queues/")) != NULL)
        return relay_is_limits(rest) ? relay_queue_limits(r, req, rest, reply)
                                     : relay_queue_cells(r, req, rest, reply);
    if ((rest = after(req->path, "/r/")) != NULL)
        return relay_register(r, req, rest, reply);
    if (strcmp(req->path, "/") == 0)
        return post ? relay_wrong_method(reply) : relay_observer_page(reply);
    return relay_error(reply, DT_ERR_NOT_FOUND);
}

unsigned int
relay_refuse_large(void *ctx, struct dt_http_request *req)
{
    const char *rest = after(req->path, "/v1/queues/");
    enum dt_err err;

    if (req->method != DT_HTTP_POST || rest == NULL)
        return 413;
    err = relay_queue_writer(ctx, req, rest);
    if (err == DT_OK)
        return 0;
    if (err == DT_ERR_NOT_FOUND || err == DT_ERR_AUTH || err == DT_ERR_REFUSED)
        return 413;
    relay_log_error(NULL, err);
    return 503;
}
