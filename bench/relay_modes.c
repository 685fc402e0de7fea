/*
 * bench/relay_modes.c - the workloads: w1, w64, rate, backlog for every target; idle and fsync for
 * our relay, whose process they look into.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "net/relay_wire.h"

#include "measure.h"
#include "relay_bench.h"

#define WARM_S     0.5
#define RATE_PER_S 500.0
#define SETTLE_US  300000u

static void
put_load(struct bench_row *row, const struct load_result *r)
{
    bench_row_put(row, "acked/s", r->acked_per_s);
    bench_row_put(row, "received/s", r->received_per_s);
    bench_row_put(row, "ack p50 ms", r->ack_ms[0]);
    bench_row_put(row, "ack p99 ms", r->ack_ms[1]);
    bench_row_put(row, "e2e p50 ms", r->e2e_ms[0]);
    bench_row_put(row, "e2e p99 ms", r->e2e_ms[1]);
}

/* Run ${plan} and put what came of it into ${row}. */
static bool
loaded(struct load_target *t, const struct load_plan *plan, struct bench_row *row)
{
    double cpu = t->pid > 0 ? bench_cpu_us(t->pid) : 0;
    struct load_result r;

    if (!load_run(t, plan, &r))
        return false;
    put_load(row, &r);
    if (t->pid > 0 && r.acked > 0)
        bench_row_put(row, "CPU us/message", (bench_cpu_us(t->pid) - cpu) / (double)r.acked);
    return true;
}

static bool
closed(const struct bench_options *o, struct load_target *t, unsigned int window,
       struct bench_row *row)
{
    struct load_plan plan = {.seconds = o->seconds,
                             .warm_s = o->seconds < 1 ? 0 : WARM_S,
                             .window = window,
                             .senders = true,
                             .readers = true};

    return loaded(t, &plan, row);
}

static bool
run_w1(const struct bench_options *o, struct load_target *t, struct bench_row *row)
{
    return closed(o, t, 1, row);
}

static bool
run_w64(const struct bench_options *o, struct load_target *t, struct bench_row *row)
{
    return closed(o, t, LOAD_WINDOW, row);
}

static bool
run_rate(const struct bench_options *o, struct load_target *t, struct bench_row *row)
{
    struct load_plan plan = {.seconds = o->seconds,
                             .warm_s = o->seconds < 1 ? 0 : WARM_S,
                             .rate = RATE_PER_S,
                             .senders = true,
                             .readers = true};

    return loaded(t, &plan, row);
}

static bool
run_backlog(const struct bench_options *o, struct load_target *t, struct bench_row *row)
{
    struct load_plan fill = {
        .seconds = 60, .window = LOAD_WINDOW, .messages = o->messages, .senders = true};
    struct load_plan drain = {.seconds = 60, .readers = true};
    struct load_plan come = {.seconds = 5, .readers = true}; /* so that all know of the readers */
    uint64_t before = t->pid > 0 ? bench_dir_bytes(t->dir) : 0;
    struct load_result r, d;

    if (!load_run(t, &come, &r))
        return false;
    usleep(SETTLE_US); /* that they have gone is known, too */
    if (!load_run(t, &fill, &r))
        return false;
    if (t->pid > 0)
        bench_row_put(row, "PSS kB", (double)bench_pss_kib(t->pid));
    if (!load_run(t, &drain, &d))
        return false;
    bench_row_put(row, "filled/s", r.acked_per_s);
    bench_row_put(row, "drained/s", d.drain_per_s);
    bench_row_put(row, "messages", (double)d.received);
    if (t->pid > 0)
        bench_row_put(row, "disk B each, as it lies",
                      (double)(bench_dir_bytes(t->dir) - before) / (double)o->messages);
    return d.received == o->messages;
}

/* ---- disk: what a message takes once the log is folded in ---- */

static bool
run_disk(const struct bench_options *o, struct load_target *t, struct bench_row *row)
{
    struct load_plan fill = {
        .seconds = 60, .window = LOAD_WINDOW, .messages = o->messages, .senders = true};
    struct load_target fresh = {0};
    struct load_result r;
    uint64_t before, after;

    (void)t;
    if (bench_relay_start(o, &fresh) != DT_OK)
        return false;
    bench_server_end(&fresh); /* folds the log into the file */
    before = bench_dir_bytes(fresh.dir);
    bench_server_remove(&fresh);
    if (bench_relay_start(o, &fresh) != DT_OK || !load_run(&fresh, &fill, &r))
        return false;
    bench_server_end(&fresh);
    after = bench_dir_bytes(fresh.dir);
    bench_server_remove(&fresh);
    bench_row_put(row, "messages", (double)o->messages);
    bench_row_put(row, "disk B each", (double)(after - before) / (double)o->messages);
    return true;
}

/* ---- idle: memory ---- */

/* Open ${n} connections, each of which asks once; then ${wait}: waits for news of a queue of its
 * own, else lies idle. */
static bool
open_many(const struct load_target *t, int *fds, unsigned int n, bool wait)
{
    for (unsigned int i = 0; i < n; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(256);
        struct dt_wire_poll wanted = {0};
        uint8_t write_token[32];
        char head[256], in[1024];
        int len;

        if ((fds[i] = load_connect(t)) < 0) {
            (void)fprintf(stderr, "relay: connection %u: %s\n", i, strerror(errno));
            return false;
        }
        if (wait && (bench_queue_make(t, wanted.address, wanted.read_token, write_token) != DT_OK ||
                     dt_wire_poll_encode(&wanted, 1, &body) != DT_OK)) {
            (void)fprintf(stderr, "relay: %s\n", dt_err_message());
            return false;
        }
        len = wait ? snprintf(head, sizeof(head),
                              "POST /v1/poll?wait=60 HTTP/1.1\r\nHost: %s:%u\r\nContent-Length: "
                              "%zu\r\n\r\n",
                              t->host, t->port, body.n)
                   : snprintf(head, sizeof(head), "GET /v1/health HTTP/1.1\r\nHost: %s:%u\r\n\r\n",
                              t->host, t->port);
        if (send(fds[i], head, (size_t)len, MSG_NOSIGNAL) != len ||
            (wait && send(fds[i], body.p, body.n, MSG_NOSIGNAL) != (ssize_t)body.n))
            return false;
        for (int k = 0; !wait && k < 2000; k++) {
            if (recv(fds[i], in, sizeof(in), 0) > 0)
                break;
            if (errno != EAGAIN)
                return false;
            usleep(1000);
        }
    }
    return true;
}

static void
close_many(const int *fds, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

/* The memory of a relay started for it: right away, or with ${n} connections. */
static bool
memory_with(const struct bench_options *o, unsigned int n, bool wait, double *out_kib)
{
    struct load_target t = {0};
    int *fds = calloc(n + 1, sizeof(fds[0]));
    bool ok;

    if (fds == NULL)
        abort();
    memset(fds, 0xff, (n + 1) * sizeof(fds[0]));
    ok = bench_relay_start(o, &t) == DT_OK && open_many(&t, fds, n, wait);
    usleep(SETTLE_US);
    *out_kib = ok ? (double)bench_pss_kib(t.pid) : 0;
    close_many(fds, n);
    free(fds);
    bench_server_remove(&t);
    return ok;
}

static bool
run_idle(const struct bench_options *o, struct load_target *t, struct bench_row *row)
{
    double empty = 0, subscribed = 0, connected = 0;
    (void)t;
    if (!memory_with(o, 0, false, &empty) || !memory_with(o, o->subscribers, true, &subscribed) ||
        !memory_with(o, o->connections, false, &connected))
        return false;
    bench_row_put(row, "PSS kB empty", empty);
    bench_row_put(row, "PSS kB subscribers", subscribed);
    bench_row_put(row, "subscribers", o->subscribers);
    bench_row_put(row, "PSS kB connections", connected);
    bench_row_put(row, "connections", o->connections);
    return true;
}

/* ---- fsync: how many syncs a message costs ---- */

static uint64_t
syncs_counted(const char *path)
{
    char line[256];
    uint64_t n = 0;
    FILE *f = fopen(path, "re");

    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        unsigned long long calls = 0;
        double percent, seconds;
        unsigned long us;
        char name[64];

        if (sscanf(line, "%lf %lf %lu %llu %63s", &percent, &seconds, &us, &calls, name) == 5 &&
            strcmp(name, "total") != 0)
            n += calls;
    }
    if (f != NULL)
        (void)fclose(f);
    return n;
}

static bool
counted(const struct bench_options *o, struct load_target *t, unsigned int window, double *out)
{
    struct load_plan plan = {
        .seconds = o->seconds, .window = window, .senders = true, .readers = true};
    struct load_result r = {0};
    char file[300], pid[16];
    pid_t tracer;
    bool ok;

    (void)snprintf(file, sizeof(file), "%s/syncs", t->dir);
    (void)snprintf(pid, sizeof(pid), "%d", t->pid);
    tracer = fork();
    if (tracer == 0) {
        int null = open("/dev/null", O_RDWR);

        (void)dup2(null, 2);
        execlp("strace", "strace", "-f", "-c", "-e", "trace=fsync,fdatasync,msync,sync_file_range",
               "-o", file, "-p", pid, (char *)NULL);
        _exit(127);
    }
    usleep(SETTLE_US * 2);
    ok = tracer > 0 && load_run(t, &plan, &r);
    if (tracer > 0) {
        (void)kill(tracer, SIGINT);
        (void)waitpid(tracer, NULL, 0);
    }
    if (!ok || r.acked == 0 || access(file, R_OK) != 0)
        return false;
    *out = (double)syncs_counted(file) / (double)r.acked;
    return true;
}

static bool
run_fsync(const struct bench_options *o, struct load_target *t, struct bench_row *row)
{
    double w1 = 0, w64 = 0;

    if (t->pid <= 0 || !counted(o, t, 1, &w1) || !counted(o, t, LOAD_WINDOW, &w64))
        return false;
    bench_row_put(row, "syncs/message w1", w1);
    bench_row_put(row, "syncs/message w64", w64);
    return true;
}

const struct bench_mode bench_modes[] = {
    {"w1", "one message in flight of each of 16 senders", run_w1, false},
    {"w64", "64 in flight of each", run_w64, false},
    {"rate", "500 messages a second in all, open loop: latency from when each was due", run_rate,
     false},
    {"backlog", "--messages stored while nobody reads, then read", run_backlog, false},
    {"disk", "bytes that a message takes on the disk, the log folded in", run_disk, true},
    {"idle", "memory: empty, with --subscribers waiting, with --connections idle", run_idle, true},
    {"fsync", "syncs for each acknowledged message (needs strace)", run_fsync, true},
};
const size_t bench_n_modes = sizeof(bench_modes) / sizeof(bench_modes[0]);
