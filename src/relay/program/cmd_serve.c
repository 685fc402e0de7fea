/*
 * relay/program/cmd_serve.c - `detente-relay serve`.
 *
 * Its options are the keys of the configuration file (options.h).
 *
 * Layer: relay.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "pg/pg.h"
#include "relay/program/notify.h"
#include "relay/program/program.h"
#include "relay/relay.h"
#include "relay/sandbox/sandbox.h"
#include "relay/signer/signer.h"
#include "relay/store/store.h"

#define SECONDS_MAX  3600u
#define MEMORY_LEAST (UINT64_C(4) << 20) /* four times a body of the largest size */

const struct option program_serve_options[] = {
    PROGRAM_STORE,
    PROGRAM_CONFIG,
    {"--listen", "ADDRESS:PORT", "where to listen, e.g. 127.0.0.1:8080; port 0: any free one", true,
     false},
    {"--port-file", "FILE", "write the port in use to FILE once serving", false, false},
    {"--connections", "N", "most connections at a time (1024)", false, false},
    {"--address-connections", "N",
     "most of them from one address (64; on loopback, behind a front, no limit)", false, false},
    {"--address-rate", "N",
     "new connections a second from one address, four times as many at once (32; the same)", false,
     false},
    {"--ca", "FILE", "authorities to trust, and no other, where a witness is asked over https",
     false, false},
    {"--tls-cert", "FILE", "serve TLS 1.3 with this certificate chain (PEM); SIGHUP reads it again",
     false, false},
    {"--tls-key", "FILE", "the certificate's private key (PEM)", false, false},
    {"--long-polls", "N", "most long polls at a time, of all grants (as many as connections)",
     false, false},
    {"--wait", "SECONDS", "the longest long poll (60)", false, false},
    {"--header-timeout", "SECONDS", "from connecting to a whole header (10)", false, false},
    {"--idle-timeout", "SECONDS", "from an answer to the next whole header (75)", false, false},
    {"--transfer-timeout", "SECONDS", "for a body or an answer (30), and", false, false},
    {"--transfer-rate", "BYTES", "a second more for each so many bytes of it (4096)", false, false},
    {"--requests", "N", "requests a second of one connection (2000)", false, false},
    {"--memory", "SIZE",
     "for all that requests make it hold: bodies, answers, waits, recent cells (256M)", false,
     false},
    {"--reserve", "SIZE",
     "disk kept for registers: with less left no cell is taken (64M, or a twentieth of the disk)",
     false, false},
    {"--wal", "SIZE", "what may wait in the store's -wal before it is moved into the file (16M)",
     false, false},
    {"--expiry", "SECONDS", "between two looks for cells that are kept no longer (60)", false,
     false},
    {"--metrics", "ADDRESS:PORT", "serve OpenMetrics text there, at /metrics; a loopback address",
     false, false},
    {"--metrics-anywhere", NULL, "let --metrics be no loopback address", false, false},
    PROGRAM_LOG,
    {"--log-addresses", NULL, "say from which address it was where a peer is sent away", false,
     false},
    PROGRAM_SEALING_KEY,
    PROGRAM_SIGNED,
    {"--require-sandbox", NULL, "do not serve where the kernel cannot restrict files and calls",
     false, false},
    {"--check", NULL, "check options and store, and exit", false, false},
    PROGRAM_JSON,
    PROGRAM_QUIET,
    PROGRAM_END,
};
/* The check of a store's pages takes longer than a start may: it is made while the store is served.
 */
struct page_check {
    const char *store;
    pthread_t thread;
    bool running;
    enum dt_err err;
    char message[512];
};

static void *
check_pages(void *arg)
{
    struct page_check *c = arg;

    c->err = dt_relay_store_check_pages(c->store);
    if (c->err == DT_ERR_FORMAT) {
        (void)snprintf(c->message, sizeof(c->message), "%s", dt_err_message());
        (void)kill(getpid(), SIGTERM); /* taken by program_wait_signal() */
    }
    return NULL;
}

static void
page_check_begin(struct page_check *c)
{
    c->running = pthread_create(&c->thread, NULL, check_pages, c) == 0;
}

/* Wait for its end; FORMAT when the store is damaged. Other errors say nothing about the store. */
static enum dt_err
page_check_end(struct page_check *c)
{
    if (c->running)
        (void)pthread_join(c->thread, NULL);
    return c->err == DT_ERR_FORMAT ? dt_fail(DT_ERR_FORMAT, "%s", c->message) : DT_OK;
}

/* The number after option ${name} up to ${max}, or 0: the standard of who takes it. */
static enum dt_err
small_number(const struct options *o, const char *name, uint64_t max, unsigned int *out)
{
    uint64_t x = 0;
    enum dt_err err = program_number(o, name, max, 0, &x);

    *out = (unsigned int)x;
    return err;
}

static enum dt_err
serve_bounds(const struct options *o, struct dt_relay_config *c)
{
    enum dt_err err;

    if ((err = program_number(o, "--long-polls", 1000000, 0, &c->polls_max)) != DT_OK ||
        (err = program_number(o, "--wait", DT_NET_WAIT_MAX_S, 0, &c->wait_max_s)) != DT_OK ||
        (err = small_number(o, "--header-timeout", SECONDS_MAX, &c->header_timeout_s)) != DT_OK ||
        (err = small_number(o, "--idle-timeout", SECONDS_MAX, &c->idle_timeout_s)) != DT_OK ||
        (err = small_number(o, "--transfer-timeout", SECONDS_MAX, &c->transfer_timeout_s)) !=
            DT_OK ||
        (err = small_number(o, "--transfer-rate", 1u << 30, &c->transfer_rate)) != DT_OK ||
        (err = small_number(o, "--requests", 1000000, &c->requests_per_s)) != DT_OK ||
        (err = small_number(o, "--expiry", SECONDS_MAX, &c->expiry_s)) != DT_OK ||
        (err = program_size(o, "--memory", MEMORY_LEAST, 0, &c->memory)) != DT_OK ||
        (err = program_size(o, "--wal", DT_RELAY_WAL_LEAST, 0, &c->wal)) != DT_OK)
        return err;
    return program_size(o, "--reserve", 0, DT_RELAY_RESERVE_STANDARD, &c->reserve);
}

/* From here on only files and calls that serving needs. Without that in the kernel it is said, and
 * no error unless it is asked for. */
static enum dt_err
restrict_self(const struct options *o)
{
    const char *store = option_value(o, "--store", 0);
    bool database = dt_pg_is_url(store);
    struct relay_sandbox files = {
        .write = {database ? NULL : store, option_value(o, "--port-file", 0)},
        .read = {option_value(o, "--tls-cert", 0), option_value(o, "--tls-key", 0),
                 option_value(o, "--ca", 0), o->file}};
    bool required = option_value(o, "--require-sandbox", 0) != NULL;
    enum dt_err err;

    if (database)
        relay_sandbox_database(&files, store);
    if ((err = relay_sandbox_files(&files)) == DT_OK && !relay_sandbox_unfit())
        err = relay_sandbox_serve_calls();
    if (err != DT_ERR_UNSUPPORTED || required)
        return err;
    relay_log(RELAY_LOG_WARNING, "sandbox", NULL, 0, "%s", dt_err_message());
    return relay_sandbox_unfit() ? DT_OK : relay_sandbox_serve_calls();
}

enum dt_err
program_serve_settings(const struct options *o, struct dt_relay_config *out)
{
    struct dt_relay_config config = {.store = option_value(o, "--store", 0),
                                     .listen = option_value(o, "--listen", 0),
                                     .tls_cert = option_value(o, "--tls-cert", 0),
                                     .tls_key = option_value(o, "--tls-key", 0),
                                     .ask_ca_file = option_value(o, "--ca", 0)};
    /* Behind a front all come from one address, and the front counts. */
    bool counted = config.listen == NULL || !program_on_loopback(config.listen);
    uint64_t connections = 0, per_address = 0, rate = 0;
    enum dt_err err;

    if ((err = serve_bounds(o, &config)) != DT_OK ||
        (err = program_number(o, "--connections", 1000000, 1024, &connections)) != DT_OK ||
        (err = program_number(o, "--address-connections", 1000000,
                              counted ? PROGRAM_ADDRESS_CONNECTIONS : 0, &per_address)) != DT_OK ||
        (err = program_number(o, "--address-rate", 1000000, counted ? PROGRAM_ADDRESS_RATE : 0,
                              &rate)) != DT_OK ||
        (err = program_limits(option_value(o, "--connections", 0) != NULL, &connections)) != DT_OK)
        return err;
    if ((config.tls_cert == NULL) != (config.tls_key == NULL))
        return dt_fail(DT_ERR_USAGE, "--tls-cert and --tls-key go together");
    config.metrics_listen = option_value(o, "--metrics", 0);
    if (config.metrics_listen != NULL && !program_on_loopback(config.metrics_listen) &&
        option_value(o, "--metrics-anywhere", 0) == NULL)
        return dt_fail(DT_ERR_USAGE,
                       "%s: a loopback address, 127.0.0.1:PORT, or say --metrics-anywhere",
                       option_where(o, "--metrics", 0));
    config.connections_max = (unsigned int)connections;
    config.per_address_max = (unsigned int)per_address;
    config.per_address_rate = (unsigned int)rate;
    *out = config;
    return DT_OK;
}

/* The log's settings, from the configuration file as it is now. */
static enum dt_err
reload_log(const struct options *o)
{
    struct options now = {.command = o->command};
    struct relay_log_settings log;
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < o->n; i++) {
        if (o->given[i].line == 0)
            now.given[now.n++] = o->given[i];
    }
    if (o->file != NULL)
        err = options_config(program_serve_options, o->file, &now, NULL, NULL);
    if (err == DT_OK && (err = program_log_settings(&now, &log)) == DT_OK)
        relay_log_set(&log);
    options_clear(&now);
    return err;
}

/* SIGHUP: what may change while it serves is read anew. What is wrong is said, and what was before
 * stays in use. */
static void
reload(const struct options *o, struct dt_relay *relay, bool tls)
{
    enum dt_err err = reload_log(o);

    if (err != DT_OK)
        relay_log_err("reload", "the log's settings stay as they are", err);
    else
        relay_log(RELAY_LOG_NOTICE, "reload", NULL, 0, "the log's settings read again");
    if (!tls)
        return;
    if ((err = dt_relay_reload(relay)) == DT_OK)
        relay_log(RELAY_LOG_NOTICE, "reload", NULL, 0, "certificate read again");
    else
        relay_log(RELAY_LOG_ERROR, "reload", NULL, 0, "certificate not replaced: %s",
                  dt_err_message());
}

/* systemd is told; where that fails the service goes on. */
static void
notify(const char *lines)
{
    enum dt_err err = relay_notify(lines);

    if (err != DT_OK)
        relay_log_err("notify", NULL, err);
}

static void
notify_reloading(void)
{
    char lines[80];

    (void)snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%llu",
                   (unsigned long long)dt_monotonic_us());
    notify(lines);
}

/* The watchdog hears of us as long as the thread that answers requests goes round. */
static void
serve_until_stopped(const struct options *o, struct dt_relay *relay, bool tls)
{
    uint64_t every = relay_notify_watchdog_ms(), beat = 0;

    for (;;) {
        int sig = program_wait_signal(every);

        if (sig == SIGTERM || sig == SIGINT)
            return;
        if (sig == SIGHUP) {
            notify_reloading();
            reload(o, relay, tls);
            notify("READY=1");
        }
        if (sig == 0 && dt_relay_beat(relay) != beat) {
            beat = dt_relay_beat(relay);
            notify("WATCHDOG=1");
        }
    }
}

int
program_serve(const struct options *o)
{
    struct dt_relay_config config = {0};
    struct relay_log_settings log = {0};
    const char *port_file = option_value(o, "--port-file", 0);
    struct dt_relay *relay = NULL;
    uint64_t jobs = 0, batches = 0;
    bool unsynced;
    struct page_check pages = {.store = option_value(o, "--store", 0)};
    struct relay_signer_config signer = {.store = option_value(o, "--store", 0),
                                         .sealing_key = option_value(o, "--sealing-key", 0),
                                         .memory = option_value(o, "--signed", 0)};
    enum dt_err err;

    if (option_value(o, "--check", 0) != NULL)
        return program_check(o);
    if ((err = program_log_settings(o, &log)) != DT_OK)
        return program_finish(err);
    relay_log_set(&log);
    if ((err = program_serve_settings(o, &config)) != DT_OK)
        return program_finish(err);
    program_block_signals(true);
    /* First of all: the process that signs is a copy of this one as it is now. */
    if ((err = relay_signer_start(&signer, &config.signer)) != DT_OK)
        return program_finish(err);
    if ((err = restrict_self(o)) != DT_OK || (err = dt_relay_start(&config, &relay)) != DT_OK ||
        (port_file != NULL &&
         (err = program_write_port(port_file, dt_relay_port(relay))) != DT_OK)) {
        dt_relay_stop(relay, NULL, NULL);
        relay_signer_free(config.signer);
        return program_finish(err);
    }
    relay_log(RELAY_LOG_NOTICE, "started",
              &(struct relay_log_field){"port", NULL, dt_relay_port(relay)}, 1, "started, port %u",
              dt_relay_port(relay));
    if (geteuid() == 0)
        relay_log(RELAY_LOG_WARNING, "root", NULL, 0,
                  "it runs as root; a user of its own is enough");
    if (config.metrics_listen != NULL)
        relay_log(RELAY_LOG_NOTICE, "metrics",
                  &(struct relay_log_field){"port", NULL, dt_relay_metrics_port(relay)}, 1,
                  "metrics on port %u", dt_relay_metrics_port(relay));
    notify("READY=1\nSTATUS=serving");
    page_check_begin(&pages);
    serve_until_stopped(o, relay, config.tls_cert != NULL);
    notify("STOPPING=1\nSTATUS=finishing what was begun");
    unsynced = dt_relay_unsynced(relay);
    dt_relay_stop(relay, &jobs, &batches);
    relay_log(RELAY_LOG_NOTICE, "stopped",
              (const struct relay_log_field[]){{"writes", .number = jobs},
                                               {"batches", .number = batches}},
              2, "stopped, %llu writes in %llu batches", (unsigned long long)jobs,
              (unsigned long long)batches);
    if ((err = page_check_end(&pages)) == DT_OK && unsynced)
        err = dt_fail(DT_ERR_IO, "a sync of the store failed: start it again, nothing is lost");
    if (err == DT_OK && relay_signer_gone(config.signer))
        err = dt_fail(DT_ERR_NET, "the process that signs checkpoints has ended");
    relay_signer_free(config.signer);
    return program_finish(err);
}
