/*
 * relay/relay.c - see relay.h: putting together, routing, waiting, stopping.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "relay/handlers.h"
#include "relay/lock.h"

#include "relay/relay.h"

#define JOB_LOOK_US 1000u /* how often to look whether the writer is done with a job */

/* ---- what the handlers share ---- */

/* One line for the operator; nothing of a peer's is in an error message. */
static void
relay_log_error(void *ctx, enum dt_err err)
{
    (void)ctx;
    fprintf(stderr, "detente-relay: error: %s: %s\n", dt_err_name(err), dt_err_message());
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
    dt_free(w->watches);
    dt_buf_clear(&w->note);
    dt_free(w);
}

struct relay_wait *
relay_wait_new(struct dt_relay *relay, struct dt_http_request *req, size_t n_watches)
{
    struct relay_wait *w = dt_alloc(1, sizeof(*w));

    if (w == NULL)
        return NULL;
    w->relay = relay;
    w->req = req;
    dt_buf_init(&w->note, DT_NET_BODY_MAX);
    if (n_watches > 0) {
        w->watches = dt_alloc(n_watches, sizeof(*w->watches));
        if (w->watches == NULL) {
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

/* Writer's thread, after the commit: first those who wait for news, then the one who brought it. */
static void
on_job_done(struct dt_relay_store_job *job)
{
    struct relay_wait *w = job->ctx;
    struct dt_relay *relay = w->relay;

    /* A cosignature that is there already is no news: anyone can hand it in again and again. */
    if (job->result == DT_OK && job->kind != DT_JOB_CREATE &&
        (job->kind != DT_JOB_COSIGN || job->u.cosign.changed))
        dt_hub_news(relay->hub, w->key);
    if (job->result == DT_OK && job->kind == DT_JOB_ENTRY)
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

enum dt_http_next
relay_submit(struct relay_wait *wait, struct dt_http_reply *reply)
{
    enum dt_err err;

    wait->has_job = true;
    wait->job.ctx = wait;
    wait->job.done = on_job_done;
    if ((err = dt_writer_submit(wait->relay->writer, &wait->job)) != DT_OK) {
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

enum dt_http_next
relay_job_error(struct dt_http_reply *reply, const struct dt_relay_store_job *job)
{
    if (job->result == DT_ERR_BUSY && job->kind == DT_JOB_ENTRY && job->u.entry.wait_ms != 0) {
        dt_http_reply_error(reply, 429, "too-early", "the key has no slot of the cadence due now");
        reply->retry_after_s = (job->u.entry.wait_ms + DT_MS_SECOND - 1) / DT_MS_SECOND;
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
        dt_http_reply_error(reply, 507, "full", "the queue or the grant is full");
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

static enum dt_http_next
wrong_method(struct dt_http_reply *reply)
{
    dt_http_reply_error(reply, 405, "method", "this path takes another method");
    return DT_HTTP_REPLY;
}

static enum dt_http_next
route(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct dt_relay *r = ctx;
    bool post = req->method == DT_HTTP_POST;
    const char *rest;

    if (req->method != DT_HTTP_GET && !post)
        return wrong_method(reply);
    if (strcmp(req->path, "/v1/queues") == 0)
        return post ? relay_queue_create(r, req, reply) : wrong_method(reply);
    if (strcmp(req->path, "/v1/poll") == 0)
        return post ? relay_poll(r, req, reply) : wrong_method(reply);
    if (strcmp(req->path, "/v1/health") == 0)
        return post ? wrong_method(reply) : health(reply);
    if ((rest = after(req->path, "/v1/queues/")) != NULL)
        return relay_queue_cells(r, req, rest, reply);
    if ((rest = after(req->path, "/r/")) != NULL)
        return relay_register(r, req, rest, reply);
    return relay_error(reply, DT_ERR_NOT_FOUND);
}

/* Only cells are large, and only who may write to a queue sends them. */
static unsigned int
refuse_large(void *ctx, struct dt_http_request *req)
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

/* ---- start and stop ---- */

static enum dt_err
start_asker(struct dt_relay *r, const struct dt_relay_config *config)
{
    struct relay_asker_config ask = {.store = config->store,
                                     .clock = config->clock,
                                     .writer = r->writer,
                                     .hub = r->hub,
                                     .ca_file = config->ask_ca_file,
                                     .timeout_s = config->ask_timeout_s,
                                     .gap_ms = config->ask_gap_ms,
                                     .pause_ms = config->ask_pause_ms};

    return relay_asker_start(&ask, &r->asker);
}

enum dt_err
dt_relay_start(const struct dt_relay_config *config, struct dt_relay **out)
{
    struct dt_relay *r = dt_alloc(1, sizeof(*r));
    struct dt_relay_store_config store = {config->store, true, config->clock};
    struct dt_http_server_config http = {
        .listen = config->listen,
        .connections_max = config->connections_max,
        .per_address_max = config->per_address_max,
        .header_timeout_s = config->header_timeout_s,
        .handler = route,
        .refuse_large = refuse_large,
    };
    size_t n_registers = 0;
    enum dt_err err;

    if (r == NULL)
        return dt_nomem();
    r->lock_fd = -1;
    pthread_mutex_init(&r->done_lock, NULL);
    http.ctx = r;
    /* One serving process for a store: the trees' edges are in its memory. */
    if ((err = relay_lock(config->store, &r->lock_fd)) != DT_OK ||
        (err = dt_relay_store_open(&store, &r->store)) != DT_OK ||
        (err = dt_relay_store_check(r->store, &n_registers)) != DT_OK ||
        (err = dt_hub_new(&r->hub)) != DT_OK ||
        (err = dt_writer_start(r->store, relay_log_error, NULL, &r->writer)) != DT_OK ||
        (err = start_asker(r, config)) != DT_OK ||
        (err = dt_http_server_start(&http, &r->http)) != DT_OK) {
        dt_relay_stop(r, NULL, NULL);
        return err;
    }
    relay_asker_go(r->asker);
    *out = r;
    return DT_OK;
}

uint16_t
dt_relay_port(const struct dt_relay *r)
{
    return dt_http_server_port(r->http);
}

void
dt_relay_stop(struct dt_relay *r, uint64_t *out_jobs, uint64_t *out_batches)
{
    if (r == NULL)
        return;
    relay_asker_stop(r->asker); /* it hands jobs to the writer, which in turn gives it news */
    /* New requests end with 503 now; the writer then answers all that it holds. One whose header
     * came before may still have its body come: the writer has to be there to refuse it. */
    if (r->http != NULL)
        dt_http_server_quiesce(r->http);
    dt_writer_finish(r->writer);
    dt_http_server_stop(r->http);
    relay_asker_free(r->asker);
    if (r->writer != NULL && out_jobs != NULL && out_batches != NULL)
        dt_writer_counts(r->writer, out_jobs, out_batches);
    dt_writer_stop(r->writer);
    dt_hub_free(r->hub);
    dt_relay_store_close(r->store);
    relay_unlock(r->lock_fd);
    pthread_mutex_destroy(&r->done_lock);
    dt_free(r);
}
