/*
 * relay/program/metrics_server.c - GET /metrics: the counters and the store's numbers as
 * OpenMetrics text.
 *
 * Source: the OpenMetrics text format 1.0. Layer: relay. See metrics.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "relay/store/operate.h"

#include "relay/log.h"
#include "relay/program/metrics_internal.h"

#define TEXT_MAX (1u << 20)
#define KEEP_MS  15000u /* sums over the store are taken anew at most so often */
#define TYPE     "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct relay_metrics_server {
    struct relay_metrics_config config;
    struct dt_relay_store *store;
    struct dt_http_server *http;
    struct dt_buf numbers; /* the store's part, as of: */
    uint64_t at_ms;
};

/* A text that grows; the first error sticks. */
struct text {
    struct dt_buf *b;
    enum dt_err err;
};

static void say(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
say(struct text *t, const char *fmt, ...)
{
    char line[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (t->err == DT_OK)
        t->err = dt_buf_append(t->b, dt_view_str(line));
}

static unsigned long long
get(const atomic_uint_fast64_t *from)
{
    return (unsigned long long)atomic_load_explicit(from, memory_order_relaxed);
}

static void
family(struct text *t, const char *name, const char *type, const char *help)
{
    say(t, "# TYPE detente_relay_%s %s\n", name, type);
    say(t, "# HELP detente_relay_%s %s\n", name, help);
}

static void
gauge(struct text *t, const char *name, const char *help, uint64_t x)
{
    family(t, name, "gauge", help);
    say(t, "detente_relay_%s %llu\n", name, (unsigned long long)x);
}

/* ---- counters ---- */

static void
requests(struct text *t, const struct relay_metrics *m)
{
    static const char *const routes[RELAY_ROUTES] = {
        "create", "append", "read", "poll", "health", "register_get", "register_post", "other"};

    family(t, "requests", "counter", "Requests by route and the status answered.");
    for (size_t i = 0; i < RELAY_ROUTES; i++) {
        for (size_t k = 0; k < RELAY_STATUSES; k++) {
            char status[16] = "other";
            unsigned long long n = get(&m->requests[i][k]);

            if (n == 0)
                continue;
            if (relay_metrics_statuses[k] != 0)
                (void)snprintf(status, sizeof(status), "%u", relay_metrics_statuses[k]);
            say(t, "detente_relay_requests_total{route=\"%s\",status=\"%s\"} %llu\n", routes[i],
                status, n);
        }
    }
}

static void
acknowledged(struct text *t, const struct relay_metrics *m)
{
    static const struct {
        enum dt_job_kind kind;
        const char *name;
    } kinds[] = {{DT_JOB_CREATE, "queue"},    {DT_JOB_APPEND, "cell"},
                 {DT_JOB_ENTRY, "entry"},     {DT_JOB_COSIGN, "cosignature"},
                 {DT_JOB_OPENING, "opening"}, {DT_JOB_ACK, "reading"}};

    family(t, "acknowledged", "counter", "What was written, is on disk and was acknowledged.");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        say(t, "detente_relay_acknowledged_total{kind=\"%s\"} %llu\n", kinds[i].name,
            get(&m->acknowledged[kinds[i].kind]));
    family(t, "expired_cells", "counter", "Cells that are kept no longer.");
    say(t, "detente_relay_expired_cells_total %llu\n", get(&m->acknowledged[DT_JOB_EXPIRE]));
}

static void
batches(struct text *t, const struct relay_metrics *m)
{
    unsigned long long n = 0;

    family(t, "batch_jobs", "histogram", "Writes in one transaction.");
    for (size_t i = 0; i < RELAY_BATCH_STEPS; i++) {
        n += get(&m->batch_jobs[i]);
        say(t, "detente_relay_batch_jobs_bucket{le=\"%llu.0\"} %llu\n",
            (unsigned long long)relay_metrics_batch_steps[i], n);
    }
    n += get(&m->batch_jobs[RELAY_BATCH_STEPS]);
    say(t, "detente_relay_batch_jobs_bucket{le=\"+Inf\"} %llu\n", n);
    say(t, "detente_relay_batch_jobs_sum %llu\n", get(&m->batch_jobs_sum));
    say(t, "detente_relay_batch_jobs_count %llu\n", n);

    n = 0;
    family(t, "batch_seconds", "histogram", "Time of a transaction, its sync to disk included.");
    say(t, "# UNIT detente_relay_batch_seconds seconds\n");
    for (size_t i = 0; i < RELAY_SECOND_STEPS; i++) {
        n += get(&m->batch_time[i]);
        say(t, "detente_relay_batch_seconds_bucket{le=\"%.4f\"} %llu\n",
            (double)relay_metrics_time_steps[i] / 1e6, n);
    }
    n += get(&m->batch_time[RELAY_SECOND_STEPS]);
    say(t, "detente_relay_batch_seconds_bucket{le=\"+Inf\"} %llu\n", n);
    say(t, "detente_relay_batch_seconds_sum %.6f\n", (double)get(&m->batch_time_us) / 1e6);
    say(t, "detente_relay_batch_seconds_count %llu\n", n);
    family(t, "batches_failed", "counter", "Transactions that failed; nothing of them is stored.");
    say(t, "detente_relay_batches_failed_total %llu\n", get(&m->failed_batches));
}

/* ---- the process and its disk ---- */

static uint64_t
resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    const char *second = NULL; /* its second number, in pages */
    char line[200];

    if (f == NULL)
        return 0;
    if (fgets(line, sizeof(line), f) != NULL)
        second = strchr(line, ' ');
    (void)fclose(f);
    return second == NULL ? 0 : strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
process(struct text *t, const struct relay_metrics_server *s)
{
    struct dt_http_counts now = dt_http_server_counts(s->config.relay);
    uint64_t resident = resident_bytes();
    char wal[4200];
    struct statvfs fs;
    struct stat st;

    gauge(t, "connections", "Connections that are open.", now.connections);
    gauge(t, "requests_waiting", "Requests put aside: long polls, and writes not yet on disk.",
          now.waiting);
    if (resident != 0)
        gauge(t, "resident_bytes", "Memory of the process.", resident);
    (void)snprintf(wal, sizeof(wal), "%s-wal", s->config.store);
    if (stat(s->config.store, &st) == 0)
        gauge(t, "store_bytes", "Size of the store's file.", (uint64_t)st.st_size);
    if (stat(wal, &st) == 0)
        gauge(t, "store_wal_bytes", "Written, and not yet moved into the store's file.",
              (uint64_t)st.st_size);
    if (statvfs(s->config.store, &fs) == 0)
        gauge(t, "disk_free_bytes", "Free on the store's disk.",
              (uint64_t)fs.f_bavail * fs.f_frsize);
}

/* ---- the store ---- */

static enum dt_err
queues(struct text *t, struct dt_relay_store *store)
{
    struct dt_stats_grant g = {0};
    uint64_t n = 0, cells = 0, bytes = 0, grants = 0;
    enum dt_err err;

    while ((err = dt_relay_store_stats_grant(store, g.id, &g)) == DT_OK) {
        grants++;
        n += g.queues;
        cells += g.cells;
        bytes += g.bytes;
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    gauge(t, "grants", "Grants.", grants);
    gauge(t, "queues", "Queues.", n);
    gauge(t, "cells", "Cells that were taken.", cells);
    gauge(t, "cell_bytes", "Bytes of the cells that are stored.", bytes);
    return DT_OK;
}

/* One family over all registers; ${which} chooses the number. */
static enum dt_err
each_register(struct text *t, struct dt_relay_store *store, const char *name, const char *help,
              uint64_t (*number)(const struct dt_stats_register *))
{
    int64_t reg = 0;
    enum dt_err err;

    family(t, name, "gauge", help);
    while ((err = dt_relay_store_next_register(store, reg, &reg)) == DT_OK) {
        struct dt_stats_register r = {0};
        uint8_t id[DT_REGISTER_ID];
        char hex[2 * DT_REGISTER_ID + 1];

        if ((err = dt_relay_store_register_id(store, reg, id)) != DT_OK ||
            (err = dt_relay_store_stats_register(store, reg, &r)) != DT_OK)
            return err;
        dt_hex_str(hex, dt_view_of(id));
        say(t, "detente_relay_%s{register=\"%.8s\"} %llu\n", name, hex,
            (unsigned long long)number(&r));
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static uint64_t
entries(const struct dt_stats_register *r)
{
    return r->size;
}

static uint64_t
unattested(const struct dt_stats_register *r)
{
    return r->size - r->attested_size;
}

static uint64_t
not_final(const struct dt_stats_register *r)
{
    return r->size - r->final_size;
}

static uint64_t
restored(const struct dt_stats_register *r)
{
    return r->restored;
}

static enum dt_err
numbers(struct relay_metrics_server *s)
{
    uint64_t now = dt_monotonic_ms();
    struct text t = {.b = &s->numbers};
    enum dt_err err;

    if (s->numbers.n > 0 && now - s->at_ms < KEEP_MS)
        return DT_OK;
    dt_buf_clear(&s->numbers);
    dt_buf_init(&s->numbers, TEXT_MAX);
    s->at_ms = now;
    if ((err = queues(&t, s->store)) != DT_OK ||
        (err = each_register(&t, s->store, "register_entries", "Entries of a register.",
                             entries)) != DT_OK ||
        (err = each_register(&t, s->store, "register_unattested_entries",
                             "Entries that too few witnesses have cosigned.", unattested)) !=
            DT_OK ||
        (err = each_register(&t, s->store, "register_not_final_entries",
                             "Entries that not all groups of witnesses have cosigned.",
                             not_final)) != DT_OK ||
        (err = each_register(&t, s->store, "register_restored",
                             "1: from a backup, and not signed until detente-relay resume.",
                             restored)) != DT_OK)
        return err;
    return t.err;
}

/* ---- serving ---- */

static enum dt_err
write_all(struct relay_metrics_server *s, struct dt_buf *out)
{
    struct text t = {.b = out};
    enum dt_err err;

    requests(&t, s->config.metrics);
    acknowledged(&t, s->config.metrics);
    batches(&t, s->config.metrics);
    process(&t, s);
    if (t.err != DT_OK)
        return t.err;
    if ((err = numbers(s)) != DT_OK) {
        relay_log_err("metrics", "numbers of the store", err);
        dt_buf_clear(&s->numbers); /* they are left out, the counters are given */
    } else if ((err = dt_buf_append(out, dt_buf_view(&s->numbers))) != DT_OK) {
        return err;
    }
    return dt_buf_append(out, dt_view_str("# EOF\n"));
}

static enum dt_http_next
answer(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct relay_metrics_server *s = ctx;
    struct dt_buf out;

    if (strcmp(req->path, "/metrics") != 0) {
        dt_http_reply_error(reply, 404, "not-found", "there is nothing here");
        return DT_HTTP_REPLY;
    }
    if (req->method != DT_HTTP_GET) {
        dt_http_reply_error(reply, 405, "method", "this path takes another method");
        return DT_HTTP_REPLY;
    }
    dt_buf_init(&out, TEXT_MAX);
    if (write_all(s, &out) != DT_OK) {
        dt_buf_clear(&out);
        dt_http_reply_error(reply, 503, "busy", "the relay could not do it now, try again");
        return DT_HTTP_REPLY;
    }
    dt_http_reply_body(reply, 200, TYPE, &out);
    return DT_HTTP_REPLY;
}

enum dt_err
relay_metrics_start(const struct relay_metrics_config *config, struct relay_metrics_server **out)
{
    struct relay_metrics_server *s = dt_alloc(1, sizeof(*s));
    struct dt_relay_store_config store = {.path = config->store};
    struct dt_http_server_config http = {
        .listen = config->listen, .connections_max = 16, .handler = answer, .ctx = s};
    enum dt_err err;

    if (s == NULL)
        return dt_nomem();
    s->config = *config;
    dt_buf_init(&s->numbers, TEXT_MAX);
    if ((err = dt_relay_store_open(&store, &s->store)) != DT_OK ||
        (err = dt_http_server_start(&http, &s->http)) != DT_OK) {
        relay_metrics_stop(s);
        return err;
    }
    *out = s;
    return DT_OK;
}

uint16_t
relay_metrics_port(const struct relay_metrics_server *s)
{
    return dt_http_server_port(s->http);
}

void
relay_metrics_stop(struct relay_metrics_server *s)
{
    if (s == NULL)
        return;
    dt_http_server_stop(s->http);
    dt_relay_store_close(s->store);
    dt_buf_clear(&s->numbers);
    dt_free(s);
}
