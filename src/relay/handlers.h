/*
 * relay/handlers.h - what the HTTP handlers share.
 *
 * Layer: relay, internal. One function per path and method; the table is in relay.c.
 */
#ifndef DT_RELAY_HANDLERS_H
#define DT_RELAY_HANDLERS_H

#include <pthread.h>
#include <stdatomic.h>

#include "net/server.h"
#include "pg/pg.h"
#include "relay/account.h"
#include "relay/expiry.h"
#include "relay/hub.h"
#include "relay/program/metrics.h"
#include "relay/recent.h"
#include "relay/witness/ask.h"
#include "relay/writer.h"

struct dt_relay {
    struct dt_relay_store *store;
    struct dt_relay_store_writer *writer; /* NULL: jobs are run at once, by who brings them */
    struct dt_hub *hub;
    struct dt_recent *recent;
    struct dt_http_server *http;
    struct relay_metrics metrics;
    struct relay_metrics_server *metrics_server; /* NULL: none */
    struct relay_asker *asker;
    struct dt_pg_news *news; /* from other processes of one database; NULL: none */
    struct relay_accounts *accounts;
    struct relay_expiry *expiry;
    uint64_t wait_max_s; /* the longest long poll */
    /* Held by the writer from "done" to the end of the wake, so that a request that is woken by
     * chance just then cannot end in between. */
    pthread_mutex_t done_lock;
    int lock_fd;
    atomic_bool unsynced; /* see dt_relay_unsynced() */
};

/* A request that waits: for a job, or for news. In dt_http_request.state. */
struct relay_wait {
    struct dt_relay *relay;
    struct dt_http_request *req;
    struct dt_relay_store_job job;
    bool has_job;                        /* the writer took it: it is to be waited for */
    bool job_done;                       /* under relay->done_lock */
    struct dt_relay_store_append *items; /* of job.u.append: many, or */
    struct dt_relay_store_append item;   /* one */
    uint64_t deadline_ms;
    bool polls;     /* counted as a long poll, */
    uint64_t grant; /* of this grant; 0: of a register */
    size_t n_watches;
    struct dt_watch *watches;
    uint8_t key[DT_HUB_KEY]; /* whom to tell when the job is done */
};

#define RELAY_BINARY "application/octet-stream"
#define RELAY_TEXT   "text/plain; charset=utf-8"

#define RELAY_CACHE_FOR_EVER "public, max-age=31536000, immutable"

/* A dt_http_handler over a struct dt_relay: the whole protocol. And a refuse_large of net/server.h:
 * only cells are large, and only who may write to a queue sends them. */
enum dt_http_next relay_route(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply);
unsigned int relay_refuse_large(void *ctx, struct dt_http_request *req);

/* A dt_writer_failed_fn: one line for the operator; nothing of a peer's is in an error message. */
void relay_log_error(void *ctx, enum dt_err err);

/* What this thread would log goes to ${fn} from now on (dt_err_message() says what it is); NULL: to
 * the log again. For who runs the handlers in a process that is no server. */
void relay_log_to(void (*fn)(void *ctx, enum dt_err err), void *ctx);

/* A new wait in req->state. NULL: without memory, which is logged, or without room for what it
 * holds, which any peer can bring about: 503. */
struct relay_wait *relay_wait_new(struct dt_relay *relay, struct dt_http_request *req,
                                  size_t n_watches);

/* ${wait} is about to begin as a long poll of ${grant} (0: of a register): is there room for one
 * more? It is counted once. False when ${reply} is filled: 429, or 503 for a shortage. */
bool relay_wait_polls(struct relay_wait *wait, uint64_t grant, struct dt_http_reply *reply);

/* May ${grant} make ${n} more appends now? False when ${reply} is filled: 429, or 503. */
bool relay_may_append(struct dt_relay *relay, uint64_t grant, uint64_t n,
                      struct dt_http_reply *reply);

/* Hand wait->job to the writer and wait, or run it at once where there is none; on BUSY ${reply} is
 * filled and DT_HTTP_REPLY given. */
enum dt_http_next relay_submit(struct relay_wait *wait, struct dt_http_reply *reply);

/* Is the job of ${wait} done? */
bool relay_job_done(struct relay_wait *wait);

/* Fill ${reply} for ${err}; to the peer all failures of one class look alike. */
enum dt_http_next relay_error(struct dt_http_reply *reply, enum dt_err err);

/* 405. */
enum dt_http_next relay_wrong_method(struct dt_http_reply *reply);

/* ---- handle_page.c: GET / ---- */
enum dt_http_next relay_observer_page(struct dt_http_reply *reply);

/* The same for a job that the writer has done, and not well. */
enum dt_http_next relay_job_error(struct dt_http_reply *reply,
                                  const struct dt_relay_store_job *job);

/* The same for ${err} of a look into the store. Only NOT_FOUND and REFUSED are about the request; a
 * damaged file, one that another process holds, or want of memory say nothing about it: 503. */
enum dt_http_next relay_store_error(struct dt_http_reply *reply, enum dt_err err);

/* The bearer token's SHA-256. AUTH: there is none of 64 hex digits; any other error: it could not
 * be computed. */
DT_MUST_CHECK enum dt_err relay_bearer_hash(const struct dt_http_request *req,
                                            uint8_t hash[static 32]);

/* The same; false when ${reply} is filled: 401 for no token, 503 for a shortage. */
bool relay_bearer(const struct dt_http_request *req, uint8_t hash[static 32],
                  struct dt_http_reply *reply);

/* The query number ${name}, ${none} if it is not there; false when it is no number up to ${max}
 * (400). */
bool relay_number(const struct dt_http_request *req, const char *name, uint64_t max, uint64_t none,
                  uint64_t *out, struct dt_http_reply *reply);

/**
 * relay_cosign_read(policy, bytes, job):
 * Parse the body ${bytes} of POST cosign and verify its lines by witnesses of ${policy} into
 * ${job}->u.cosign; lines by others are passed over. The lines borrow from ${bytes}. On error what
 * ${job} holds means nothing. Errors: FORMAT, AUTH (a witness's line does not verify), REFUSED
 * (another register, or no witness's line), NOMEM.
 */
DT_MUST_CHECK enum dt_err relay_cosign_read(const struct tlog_policy *policy, struct dt_view bytes,
                                            struct dt_relay_store_job *job);

/* Path handlers. ${rest} is what follows the fixed part of the path. */
enum dt_http_next relay_queue_create(struct dt_relay *r, struct dt_http_request *req,
                                     struct dt_http_reply *reply);
enum dt_http_next relay_queue_cells(struct dt_relay *r, struct dt_http_request *req,
                                    const char *rest, struct dt_http_reply *reply);
/* GET limits of a queue; does ${rest} ask for them? */
bool relay_is_limits(const char *rest);
enum dt_http_next relay_queue_limits(struct dt_relay *r, struct dt_http_request *req,
                                     const char *rest, struct dt_http_reply *reply);
/* Is ${rest} the cells of a queue whose write token ${req} bears? Then its body is on that queue's
 * account. NOT_FOUND, AUTH (no token),
 * REFUSED (another); any other error: it could not be seen. */
DT_MUST_CHECK enum dt_err relay_queue_writer(struct dt_relay *r, struct dt_http_request *req,
                                             const char *rest);
enum dt_http_next relay_poll(struct dt_relay *r, struct dt_http_request *req,
                             struct dt_http_reply *reply);
/* GET .../witnesses: who has cosigned how much, who lags, and since when. */
enum dt_http_next relay_witnesses(struct dt_relay *r, const struct dt_relay_store_register *reg,
                                  struct dt_http_reply *reply);
/* POST openings; GET openings${rest}, which begins with '/'. */
enum dt_http_next relay_openings(struct dt_relay *r, struct dt_http_request *req,
                                 const struct dt_relay_store_register *reg, const char *rest,
                                 struct dt_http_reply *reply);
enum dt_http_next relay_register(struct dt_relay *r, struct dt_http_request *req, const char *rest,
                                 struct dt_http_reply *reply);

#endif
