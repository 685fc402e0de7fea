/*
 * relay/relay.c - see relay.h: putting together, starting, stopping.
 */
#include <signal.h>
#include <unistd.h>

#include "base/mem.h"
#include "relay/handlers.h"
#include "relay/log.h"
#include "relay/store/lock.h"

#include "relay/relay.h"

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

/* Another process of this database wrote; NULL: it may have. */
static void
on_heard(void *ctx, const uint8_t *key)
{
    struct dt_relay *relay = ctx;
    int64_t reg = 0;

    if (key == NULL) {
        dt_recent_forget_all(relay->recent);
        dt_hub_news_all(relay->hub);
        return;
    }
    dt_recent_forget(relay->recent, key); /* of a register there is nothing */
    dt_hub_news(relay->hub, key);
    /* Each process asks witnesses about all registers: twice does no harm, and the one that wrote
     * may be gone. */
    if (dt_hub_key_register(key, &reg))
        relay_asker_news(relay->asker, reg);
}

static enum dt_err
start_news(struct dt_relay *r, const struct dt_relay_config *config)
{
    struct dt_pg_news_config news = {.url = config->store, .heard = on_heard, .ctx = r};

    return dt_pg_is_url(config->store) ? dt_pg_news_start(&news, &r->news) : DT_OK;
}

/* ---- turns: the server's, and the writer's batches ---- */

static void
turn_ended(void *ctx)
{
    struct dt_relay *r = ctx;

    dt_writer_go(r->writer);
}

/* Whoever a batch concerns is woken at once, so that what they ask next comes together again. */
static void
batch_done(void *ctx, bool begins)
{
    struct dt_relay *r = ctx;

    if (begins)
        dt_http_hold_wakes(r->http);
    else
        dt_http_release_wakes(r->http);
}

static void
on_batch(void *ctx, size_t n, uint64_t us, bool ok)
{
    struct dt_relay *r = ctx;

    relay_metrics_batch(&r->metrics, n, us, ok);
}

/* A batch failed, or the -wal was not moved. When a sync failed a new process has to go on. */
static void
on_failed(void *ctx, enum dt_err err)
{
    struct dt_relay *r = ctx;

    relay_log_error(NULL, err);
    if (dt_relay_store_unsynced(r->store) && !atomic_exchange(&r->unsynced, true))
        (void)kill(getpid(), SIGTERM); /* taken by program_wait_signal() */
}

bool
dt_relay_unsynced(struct dt_relay *r)
{
    return atomic_load(&r->unsynced);
}

static enum dt_err
start_writer(struct dt_relay *r, const struct dt_relay_config *config)
{
    enum dt_err err = dt_relay_store_move_apart(r->store, config->wal);

    if (err == DT_OK)
        err = dt_writer_start(r->store, on_failed, r, &r->writer);
    if (err == DT_OK)
        dt_writer_watch(r->writer, on_batch, r);
    return err;
}

/* What is gone from the store is not to be read from memory. */
static void
on_gone(void *ctx, uint64_t n)
{
    struct dt_relay *r = ctx;

    dt_recent_forget_all(r->recent);
    relay_metrics_acknowledged(&r->metrics, DT_JOB_EXPIRE, n);
}

static enum dt_err
start_expiry(struct dt_relay *r, const struct dt_relay_config *config,
             const struct dt_relay_store_config *store)
{
    const struct relay_expiry_config expiry = {.store = *store,
                                               .interval_s = config->expiry_s,
                                               .writer = r->writer,
                                               .gone = on_gone,
                                               .ctx = r};

    return relay_expiry_start(&expiry, &r->expiry);
}

static void
on_answer(void *ctx, const struct dt_http_request *req, unsigned int status)
{
    struct dt_relay *r = ctx;

    relay_metrics_answered(&r->metrics, req, status);
}

static void
on_refused(void *ctx, enum dt_http_refused why, const char *address)
{
    static const char *const words[] = {
        [DT_HTTP_REFUSED_MANY] = "a connection was closed: too many from one address",
        [DT_HTTP_REFUSED_FAST] = "a connection was closed: too many a second from one address",
        [DT_HTTP_REFUSED_FORM] = "a request was refused: it is not plain HTTP/1.1",
        [DT_HTTP_REFUSED_REQUESTS] = "a request was refused: too many a second on one connection"};

    (void)ctx;
    relay_log_peer(RELAY_LOG_NOTICE, "refused", address, words[why]);
}

static enum dt_err
start_metrics(struct dt_relay *r, const struct dt_relay_config *config)
{
    const struct relay_metrics_config metrics = {.listen = config->metrics_listen,
                                                 .store = config->store,
                                                 .metrics = &r->metrics,
                                                 .relay = r->http};

    return config->metrics_listen == NULL ? DT_OK
                                          : relay_metrics_start(&metrics, &r->metrics_server);
}

/* ---- start and stop ---- */

enum dt_err
dt_relay_start(const struct dt_relay_config *config, struct dt_relay **out)
{
    struct dt_relay *r = dt_alloc(1, sizeof(*r));
    /* One sum for all that requests make it hold: what they send and are sent, and what is kept of
     * it for the next. */
    uint64_t memory = config->memory != 0 ? config->memory : DT_NET_HELD_MAX;
    uint64_t recent = memory / DT_RELAY_RECENT_SHARE;
    struct dt_relay_store_config store = {.path = config->store,
                                          .create = true,
                                          .clock = config->clock,
                                          .reserve = config->reserve,
                                          .signer = config->signer,
                                          .sealing_key = config->sealing_key};
    struct dt_http_server_config http = {
        .listen = config->listen,
        .connections_max = config->connections_max,
        .per_address_max = config->per_address_max,
        .per_address_rate = config->per_address_rate,
        .header_timeout_s = config->header_timeout_s,
        .idle_timeout_s = config->idle_timeout_s,
        .transfer_timeout_s = config->transfer_timeout_s,
        .rate_min = config->transfer_rate,
        .requests_per_s = config->requests_per_s,
        .held_max = (size_t)(memory - recent),
        .tls_cert = config->tls_cert,
        .tls_key = config->tls_key,
        .handler = relay_route,
        .refuse_large = relay_refuse_large,
        .turn_ended = turn_ended,
        .answered = on_answer,
        .refused = on_refused,
    };
    size_t n_registers = 0;
    enum dt_err err;

    if (r == NULL)
        return dt_nomem();
    r->lock_fd = -1;
    r->wait_max_s = config->wait_max_s != 0 ? config->wait_max_s : DT_NET_WAIT_MAX_S;
    pthread_mutex_init(&r->done_lock, NULL);
    http.ctx = r;
    /* One serving process for a file: the trees' edges are in its memory. A database has any number
     * of them, which lock rows and compare the edges (store/batch.c). */
    if ((err = dt_pg_is_url(config->store) ? DT_OK : relay_lock(config->store, &r->lock_fd)) !=
            DT_OK ||
        (err = dt_relay_store_open(&store, &r->store)) != DT_OK ||
        (err = dt_relay_store_check(r->store, &n_registers)) != DT_OK ||
        (err = dt_hub_new(&r->hub)) != DT_OK ||
        (err = dt_recent_new(recent, &r->recent)) != DT_OK ||
        (err = relay_accounts_new(config->polls_max, &r->accounts)) != DT_OK ||
        (err = start_writer(r, config)) != DT_OK || (err = start_asker(r, config)) != DT_OK ||
        (err = start_news(r, config)) != DT_OK ||
        (err = start_expiry(r, config, &store)) != DT_OK ||
        (err = dt_http_server_start(&http, &r->http)) != DT_OK ||
        (err = start_metrics(r, config)) != DT_OK) {
        dt_relay_stop(r, NULL, NULL);
        return err;
    }
    dt_writer_tell(r->writer, batch_done, r);
    relay_asker_go(r->asker);
    *out = r;
    return DT_OK;
}

uint16_t
dt_relay_port(const struct dt_relay *r)
{
    return dt_http_server_port(r->http);
}

uint16_t
dt_relay_metrics_port(const struct dt_relay *r)
{
    return r->metrics_server == NULL ? 0 : relay_metrics_port(r->metrics_server);
}

uint64_t
dt_relay_beat(const struct dt_relay *r)
{
    return dt_http_server_counts(r->http).turns;
}

enum dt_err
dt_relay_reload(struct dt_relay *r)
{
    return dt_http_server_reload(r->http);
}

void
dt_relay_stop(struct dt_relay *r, uint64_t *out_jobs, uint64_t *out_batches)
{
    if (r == NULL)
        return;
    relay_expiry_stop(r->expiry);
    dt_pg_news_stop(r->news);
    r->news = NULL;
    relay_metrics_stop(r->metrics_server); /* it looks at the server and the store's file */
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
    dt_recent_free(r->recent);
    relay_accounts_free(r->accounts);
    dt_relay_store_close(r->store);
    relay_unlock(r->lock_fd);
    pthread_mutex_destroy(&r->done_lock);
    dt_free(r);
}
