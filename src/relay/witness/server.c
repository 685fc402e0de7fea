/*
 * relay/witness/server.c - see server.h. Source: c2sp.org/tlog-witness. Layer: relay.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/server.h"
#include "relay/limits.h"
#include "relay/witness/state.h"

#include "relay/witness/server.h"

#define KEY_FILE_MAX 1024u
#define TEXT_PLAIN   "text/plain; charset=utf-8"

struct relay_witness {
    struct relay_witness_config config;
    struct tlog_signer signer;
    struct relay_witness_state *state;
    struct dt_http_server *http;
    struct tlog_vkey *logs;        /* sorted by name, so that one origin's keys lie together */
    uint8_t (*origins)[DT_SHA256]; /* SHA-256 of each log's name, in the same order */
    unsigned int *n_evidence;      /* files written by this run, at the first key of each origin */
    bool told;                     /* that one could not be written */

    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* the queue, and each wait's done */
    pthread_cond_t more, idle;
    struct wait *first, *last;
    size_t n_waiting;
    bool deciding; /* a batch is in work */
    bool closing;  /* no more is taken */
    bool stop;
};

/* A request that waits for its decision. In dt_http_request.state. */
struct wait {
    struct relay_witness *witness;
    struct dt_http_request *req;
    struct relay_witness_job job;
    struct wait *next;
    bool done; /* under witness->lock */
};

static void say(const struct relay_witness *w, const char *fmt, ...) DT_PRINTF(2, 3);

static void
say(const struct relay_witness *w, const char *fmt, ...)
{
    char line[768];
    va_list args;

    if (w->config.say == NULL)
        return;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    w->config.say(w->config.say_ctx, line);
}

/* ---- evidence of a split view ---- */

static enum dt_err
evidence_write(struct relay_witness *w, const struct relay_witness_job *job)
{
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence evidence = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(TLOG_EVIDENCE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf theirs = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf ours = DT_BUF_INIT(TLOG_NOTE_MAX);
    const char *dir = w->config.evidence_dir, *slash = strrchr(w->config.state_path, '/');
    int dir_len = dir != NULL ? (int)strlen(dir) : 1, n;
    char path[4096], root[9];
    bool fresh = false;
    enum dt_err err = DT_ERR_PROOF;

    if (dir == NULL) {
        dir = slash == NULL ? "." : w->config.state_path;
        dir_len = slash == NULL ? 1 : (int)(slash - w->config.state_path);
    }
    /* One of the origin's keys that signed both. */
    for (size_t i = 0; i < job->n_keys && err != DT_OK; i++) {
        tlog_evidence_clear(&evidence);
        ours.n = theirs.n = 0;
        if ((err = tlog_note_keep(job->req.note, &job->keys[i], 1, &theirs)) != DT_OK ||
            (err = tlog_note_keep(dt_buf_view(&job->stored), &job->keys[i], 1, &ours)) != DT_OK)
            return err;
        err = tlog_evidence_make(&job->keys[i], dt_buf_view(&ours), dt_buf_view(&theirs), NULL,
                                 NULL, &evidence);
    }
    if (err != DT_OK || (err = tlog_evidence_write(&evidence, &text)) != DT_OK)
        return err;
    dt_hex_str(root, dt_view(job->cp.root.b, 4));
    n = snprintf(path, sizeof(path), "%.*s/evidence-%llu-%s.txt", dir_len, dir,
                 (unsigned long long)job->cp.size, root);
    if (n < 0 || (size_t)n >= sizeof(path))
        return dt_fail(DT_ERR_IO, "the evidence's path is too long");
    /* Shown again, it is there. */
    err = dt_file_keep(path, sizeof(path), dt_buf_view(&text), 0644, &fresh);
    if (err == DT_OK && fresh) {
        w->n_evidence[job->keys - w->logs]++;
        say(w, "SPLIT VIEW: %s signed two trees of size %llu: %s", job->cp.origin,
            (unsigned long long)job->cp.size, path);
    }
    return err;
}

/* Two signed roots for one size: who holds the log's key contradicts itself, and that is kept. */
static void
keep_evidence(struct relay_witness *w, const struct relay_witness_job *job)
{
    enum dt_err err;

    /* Counted for each log: one of which there is more than enough leaves room for the others. */
    if (!job->decision.fork || w->n_evidence[job->keys - w->logs] == RELAY_WITNESS_EVIDENCE_MAX)
        return;
    err = evidence_write(w, job);
    /* FORMAT, PROOF: each was signed by another key of the origin, which shows nothing of either.
     */
    if (err == DT_OK || err == DT_ERR_FORMAT || err == DT_ERR_PROOF || err == DT_ERR_AUTH ||
        w->told)
        return;
    w->told = true; /* once: anyone can show the two again */
    say(w, "evidence of a split view of %s could not be kept: %s", job->cp.origin,
        dt_err_message());
}

/* ---- the thread that decides ---- */

static size_t
take_batch(struct relay_witness *w, struct wait **batch)
{
    size_t n = 0;

    pthread_mutex_lock(&w->lock);
    while (w->first == NULL && !w->stop)
        pthread_cond_wait(&w->more, &w->lock);
    while (w->first != NULL && n < DT_RELAY_BATCH_MAX) {
        batch[n++] = w->first;
        w->first = w->first->next;
    }
    if (w->first == NULL)
        w->last = NULL;
    w->n_waiting -= n;
    w->deciding = n > 0;
    pthread_mutex_unlock(&w->lock);
    return n;
}

static void *
decide_all(void *arg)
{
    struct relay_witness *w = arg;
    struct relay_witness_job *jobs[DT_RELAY_BATCH_MAX];
    struct wait *batch[DT_RELAY_BATCH_MAX];
    size_t n;

    while ((n = take_batch(w, batch)) > 0) {
        for (size_t i = 0; i < n; i++)
            jobs[i] = &batch[i]->job;
        if (relay_witness_state_run(w->state, jobs, n) != DT_OK)
            say(w, "error: nothing is signed: %s", dt_err_message());
        for (size_t i = 0; i < n; i++) {
            keep_evidence(w, jobs[i]);
            /* Held to the end of the wake, so that a request that is woken by chance just now
             * cannot end in between. */
            pthread_mutex_lock(&w->lock);
            batch[i]->done = true;
            dt_http_wake(batch[i]->req);
            pthread_mutex_unlock(&w->lock);
        }
        pthread_mutex_lock(&w->lock);
        w->deciding = false;
        pthread_cond_broadcast(&w->idle);
        pthread_mutex_unlock(&w->lock);
    }
    return NULL;
}

/* ---- answers ---- */

static enum dt_http_next
reply_error(struct dt_http_reply *reply, unsigned int status, const char *why)
{
    const char *code = status == 400   ? "format"
                       : status == 403 ? "refused"
                       : status == 404 ? "not-found"
                       : status == 405 ? "method"
                       : status == 422 ? "proof"
                                       : "busy";

    dt_http_reply_error(reply, status, code, why);
    return DT_HTTP_REPLY;
}

static enum dt_http_next
reply_unable(struct dt_http_reply *reply)
{
    return reply_error(reply, 503, "the witness could not do it now, try again");
}

static enum dt_http_next
reply_decision(struct wait *wait, struct dt_http_reply *reply)
{
    const struct relay_witness_job *job = &wait->job;
    struct dt_buf b = DT_BUF_INIT(64);

    switch (job->decision.status) {
    case TLOG_WITNESS_OK:
        dt_http_reply_body(reply, 200, TEXT_PLAIN, &wait->job.lines);
        return DT_HTTP_REPLY;
    case TLOG_WITNESS_CONFLICT:
        if (dt_buf_printf(&b, "%llu\n", (unsigned long long)job->stored_size) != DT_OK)
            return reply_unable(reply);
        dt_http_reply_body(reply, 409, "text/x.tlog.size", &b);
        return DT_HTTP_REPLY;
    case TLOG_WITNESS_MALFORMED:
    case TLOG_WITNESS_UNTRUSTED:
    case TLOG_WITNESS_UNKNOWN:
    case TLOG_WITNESS_BAD_PROOF:
        return reply_error(reply, job->decision.status, job->decision.why);
    }
    return reply_unable(reply); /* 0: disk, memory or clock */
}

/* ---- requests ---- */

static void
wait_free(void *state)
{
    struct wait *wait = state;

    relay_witness_job_clear(&wait->job);
    dt_free(wait);
}

static struct wait *
wait_new(struct relay_witness *w, struct dt_http_request *req)
{
    struct wait *wait = dt_alloc(1, sizeof(*wait));

    if (wait == NULL)
        return NULL;
    wait->witness = w;
    wait->req = req;
    relay_witness_job_init(&wait->job);
    req->state = wait;
    req->state_free = wait_free;
    return wait;
}

/* Parse and check the signature. True: the job may be decided; else its decision is made, or it has
 * status 0. */
static bool
prepare(const struct relay_witness *w, struct dt_view body, struct relay_witness_job *job)
{
    size_t key = 0;

    job->err = tlog_add_checkpoint_parse(body, &job->req);
    if (job->err == DT_ERR_NOMEM || job->err == DT_ERR_INTERNAL)
        return false;
    if (job->err != DT_OK) {
        job->decision.status = TLOG_WITNESS_MALFORMED;
        job->decision.why = "not an add-checkpoint request";
        return false;
    }
    job->err =
        tlog_witness_open(&job->req, w->logs, w->config.n_logs, &job->cp, &key, &job->decision);
    if (job->err != DT_OK || job->decision.status != TLOG_WITNESS_OK)
        return false;
    while (key > 0 && strcmp(w->logs[key - 1].name, job->cp.origin) == 0)
        key--;
    job->keys = &w->logs[key];
    while (key + job->n_keys < w->config.n_logs &&
           strcmp(w->logs[key + job->n_keys].name, job->cp.origin) == 0)
        job->n_keys++;
    return true;
}

/* Hand ${wait} over; false when too much waits. */
static bool
submit(struct relay_witness *w, struct wait *wait)
{
    bool ok;

    pthread_mutex_lock(&w->lock);
    ok = !w->closing && w->n_waiting < DT_RELAY_PENDING_MAX;
    if (ok) {
        if (w->last != NULL)
            w->last->next = wait;
        else
            w->first = wait;
        w->last = wait;
        w->n_waiting++;
        pthread_cond_signal(&w->more);
    }
    pthread_mutex_unlock(&w->lock);
    return ok;
}

static enum dt_http_next
add_checkpoint(struct relay_witness *w, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct wait *wait = req->state;
    bool done;

    if (wait == NULL) {
        if ((wait = wait_new(w, req)) == NULL)
            return reply_unable(reply);
        if (!prepare(w, req->body, &wait->job))
            return reply_decision(wait, reply);
        return submit(w, wait) ? DT_HTTP_WAIT : reply_unable(reply);
    }
    pthread_mutex_lock(&w->lock);
    done = wait->done;
    pthread_mutex_unlock(&w->lock);
    return done ? reply_decision(wait, reply) : DT_HTTP_WAIT;
}

/* GET <hex>/checkpoint, ${hex} being what stands between the slashes. Any page may fetch it. */
static enum dt_http_next
monitor(struct relay_witness *w, struct dt_view hex, struct dt_http_reply *reply)
{
    struct dt_buf b = DT_BUF_INIT(TLOG_NOTE_MAX);
    enum dt_err err = DT_ERR_NOT_FOUND;
    uint8_t hash[DT_SHA256];

    reply->allow_origin = "*";
    if (dt_hex_read_fixed(hash, sizeof(hash), hex) != DT_OK)
        return reply_error(reply, 404, "there is nothing here");
    for (size_t i = 0; i < w->config.n_logs && err == DT_ERR_NOT_FOUND; i++) {
        if (memcmp(w->origins[i], hash, sizeof(hash)) == 0)
            err = relay_witness_state_note(w->state, w->logs[i].name, &b);
    }
    if (err != DT_OK) {
        dt_buf_clear(&b);
        if (err == DT_ERR_NOT_FOUND)
            return reply_error(reply, 404, "there is nothing here");
        say(w, "error: %s", dt_err_message());
        return reply_unable(reply);
    }
    dt_http_reply_body(reply, 200, TEXT_PLAIN, &b);
    reply->cache_control = "no-cache";
    return DT_HTTP_REPLY;
}

static enum dt_http_next
route(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct relay_witness *w = ctx;
    size_t n = strlen(req->path), tail = strlen("/checkpoint");

    if (strcmp(req->path, "/add-checkpoint") == 0) {
        if (req->method != DT_HTTP_POST)
            return reply_error(reply, 405, "this path takes another method");
        return add_checkpoint(w, req, reply);
    }
    if (n > tail + 1 && strcmp(req->path + n - tail, "/checkpoint") == 0) {
        if (req->method != DT_HTTP_GET)
            return reply_error(reply, 405, "this path takes another method");
        return monitor(w, dt_view((const uint8_t *)req->path + 1, n - tail - 1), reply);
    }
    return reply_error(reply, 404, "there is nothing here");
}

/* ---- start and stop ---- */

enum dt_err
relay_witness_key_read(const char *path, struct tlog_signer *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(KEY_FILE_MAX);
    enum dt_err err;

    if ((err = dt_file_read(path, &text)) != DT_OK)
        return err;
    if ((err = tlog_witness_key_parse(dt_buf_view(&text), out)) != DT_OK)
        return dt_fail_context(err, "%s", path);
    return DT_OK;
}

/* The logs' keys in order of their names, and the hashes of these. */
static enum dt_err
copy_logs(struct relay_witness *w)
{
    size_t n = w->config.n_logs;
    enum dt_err err;

    if (n == 0 || n > RELAY_WITNESS_LOGS_MAX)
        return dt_fail(DT_ERR_USAGE, "1 to %u logs are needed", RELAY_WITNESS_LOGS_MAX);
    w->logs = dt_alloc(n, sizeof(*w->logs));
    w->origins = dt_alloc(n, sizeof(*w->origins));
    w->n_evidence = dt_alloc(n, sizeof(*w->n_evidence));
    if (w->logs == NULL || w->origins == NULL || w->n_evidence == NULL)
        return dt_nomem();
    for (size_t i = 0; i < n; i++) {
        size_t at = i;

        if (w->config.logs[i].type != TLOG_KEY_ED25519)
            return dt_fail(DT_ERR_USAGE, "a log's verifier key has type 0x01");
        for (; at > 0 && strcmp(w->logs[at - 1].name, w->config.logs[i].name) > 0; at--)
            w->logs[at] = w->logs[at - 1];
        w->logs[at] = w->config.logs[i];
    }
    for (size_t i = 0; i < n; i++) {
        if ((err = dt_sha256(dt_view_str(w->logs[i].name), w->origins[i])) != DT_OK)
            return err;
    }
    return DT_OK;
}

enum dt_err
relay_witness_start(const struct relay_witness_config *config, struct relay_witness **out)
{
    struct relay_witness *w = dt_alloc(1, sizeof(*w));
    struct relay_witness_state_config state = {.path = config->state_path,
                                               .clock = config->clock,
                                               .clock_was_ahead = config->clock_was_ahead};
    struct dt_http_server_config http = {
        .listen = config->listen,
        .body_max = RELAY_WITNESS_BODY_MAX,
        .connections_max = config->connections_max,
        .per_address_max = config->per_address_max,
        .per_address_rate = config->per_address_rate,
        .handler = route,
    };
    enum dt_err err;

    if (w == NULL)
        return dt_nomem();
    w->config = *config;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    pthread_cond_init(&w->idle, NULL);
    state.signer = &w->signer;
    http.ctx = w;
    if ((err = copy_logs(w)) != DT_OK ||
        (err = relay_witness_key_read(config->key_path, &w->signer)) != DT_OK ||
        (err = relay_witness_state_open(&state, &w->state)) != DT_OK)
        goto fail;
    if (pthread_create(&w->thread, NULL, decide_all, w) != 0) {
        err = dt_nomem();
        goto fail;
    }
    w->running = true;
    if ((err = dt_http_server_start(&http, &w->http)) != DT_OK)
        goto fail;
    *out = w;
    return DT_OK;

fail:
    relay_witness_stop(w);
    return err;
}

uint16_t
relay_witness_port(const struct relay_witness *w)
{
    return dt_http_server_port(w->http);
}

const struct tlog_vkey *
relay_witness_key(const struct relay_witness *w)
{
    return &w->signer.vkey;
}

void
relay_witness_stop(struct relay_witness *w)
{
    if (w == NULL)
        return;
    /* All that was handed over is decided and answered before the server goes, which would give up
     * on them after a while; one whose body was still coming is refused. */
    if (w->http != NULL)
        dt_http_server_quiesce(w->http);
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    while (w->running && (w->first != NULL || w->deciding))
        pthread_cond_wait(&w->idle, &w->lock);
    pthread_mutex_unlock(&w->lock);
    dt_http_server_stop(w->http);
    if (w->running) {
        pthread_mutex_lock(&w->lock);
        w->stop = true;
        pthread_cond_signal(&w->more);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
    }
    relay_witness_state_close(w->state);
    tlog_signer_clear(&w->signer);
    dt_free(w->logs);
    dt_free(w->origins);
    dt_free(w->n_evidence);
    pthread_cond_destroy(&w->idle);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    dt_free(w);
}
