/*
 * pg/news.c - LISTEN and NOTIFY: what one process wrote, the others hear.
 *
 * Source: PostgreSQL 15, NOTIFY and chapter 34.9. Layer: pg.
 *
 * NOTIFY takes a lock that all notifying transactions of a server share until they are durable, so
 * it is never part of a transaction that writes: one connection tells, after the commits, what
 * changed meanwhile, all in one and without waiting for its own sync. What is lost when a process
 * or the connection ends is made good by "anything may have changed" when it stands again.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include "pg/pg_internal.h"

#define CHANNEL      "detente_news"
#define TOLD_MAX     100u /* keys in one NOTIFY, whose text has less than 8000 bytes */
#define GAP_MS       5u
#define POLL_MS      1000u
#define PAUSE_MS     500u
#define ANSWER_MS    5000u
#define KEEP_MS      15000 /* with nothing to tell: is the connection alive? */
#define UNSUPPORTED1 "0A000"
#define UNSUPPORTED2 "42601"

struct dt_pg_news {
    char *url, *name;
    struct dt_pg_news_config config;
    pthread_t thread;
    pthread_mutex_t lock;
    int wake; /* eventfd */
    bool stop, listening;
    bool all; /* more changed than can be told one by one */
    size_t n;
    uint8_t keys[TOLD_MAX][DT_PG_KEY];
};

void
dt_pg_news_tell(struct dt_pg_news *n, const uint8_t key[static DT_PG_KEY])
{
    const uint64_t one = 1;
    bool there = false, first;

    pthread_mutex_lock(&n->lock);
    first = n->n == 0 && !n->all;
    for (size_t i = 0; i < n->n && !there; i++)
        there = memcmp(n->keys[i], key, DT_PG_KEY) == 0;
    if (!there && n->n < TOLD_MAX)
        memcpy(n->keys[n->n++], key, DT_PG_KEY);
    else if (!there)
        n->all = true;
    pthread_mutex_unlock(&n->lock);
    if (first && write(n->wake, &one, sizeof(one)) < 0)
        return; /* it wakes by itself soon */
}

/* What is to be told, as the text of a NOTIFY; empty when nothing is. */
static void
take(struct dt_pg_news *n, char text[static 2 * DT_PG_KEY * TOLD_MAX + 1])
{
    pthread_mutex_lock(&n->lock);
    text[0] = n->all ? '*' : '\0';
    text[1] = '\0';
    for (size_t i = 0; i < n->n && !n->all; i++)
        dt_hex_str(text + 2 * DT_PG_KEY * i, dt_view(n->keys[i], DT_PG_KEY));
    n->all = false;
    n->n = 0;
    pthread_mutex_unlock(&n->lock);
}

static bool
stopping(struct dt_pg_news *n)
{
    bool stop;

    pthread_mutex_lock(&n->lock);
    stop = n->stop;
    pthread_mutex_unlock(&n->lock);
    return stop;
}

static void
set_listening(struct dt_pg_news *n, bool on)
{
    pthread_mutex_lock(&n->lock);
    n->listening = on;
    pthread_mutex_unlock(&n->lock);
}

/* Sleep until woken, until ${fd} (-1: none) can be read, or ${ms} are over. */
static void
rest(struct dt_pg_news *n, int fd, int ms)
{
    struct pollfd p[2] = {{.fd = n->wake, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    uint64_t count;

    if (poll(p, 2, ms) > 0 && (p[0].revents & POLLIN) != 0 &&
        read(n->wake, &count, sizeof(count)) < 0)
        return;
}

/* Keys that another process sent. */
static void
heard(struct dt_pg_news *n, const char *text)
{
    size_t len = strlen(text);
    uint8_t key[DT_PG_KEY];

    if (len == 0 || len % (2 * DT_PG_KEY) != 0) {
        n->config.heard(n->config.ctx, NULL);
        return;
    }
    for (size_t i = 0; i < len; i += 2 * DT_PG_KEY) {
        if (dt_hex_read_fixed(key, sizeof(key),
                              dt_view((const uint8_t *)text + i, 2 * DT_PG_KEY)) != DT_OK) {
            n->config.heard(n->config.ctx, NULL);
            return;
        }
        n->config.heard(n->config.ctx, key);
    }
}

static enum dt_err
receive(struct dt_pg_news *n, PGconn *conn)
{
    PGnotify *note;

    if (PQconsumeInput(conn) == 0)
        return dt_fail(DT_ERR_NET, "%s: the connection to the database was lost", n->name);
    while ((note = PQnotifies(conn)) != NULL) {
        if (note->be_pid != PQbackendPID(conn))
            heard(n, note->extra);
        PQfreemem(note);
    }
    return DT_OK;
}

static enum dt_err
tell(struct dt_pg_news *n, PGconn *conn, const char *text)
{
    const char *values[1] = {text};
    enum dt_err err = DT_OK;
    PGresult *r;
    bool again, gone, full;

    if (PQsendQueryParams(conn, "SELECT pg_notify('" CHANNEL "', $1)", 1, NULL, values, NULL, NULL,
                          0) != 1)
        return dt_fail(DT_ERR_NET, "%s: the connection to the database was lost", n->name);
    for (;;) {
        enum dt_err now;

        if ((now = pg_wait(conn, n->name, ANSWER_MS)) != DT_OK)
            return now;
        if ((r = PQgetResult(conn)) == NULL)
            return err;
        now = pg_error(r, n->name, &again, &gone, &full);
        err = err != DT_OK ? err : now;
        PQclear(r);
    }
}

/* Listen and tell over ${conn} until it is lost. */
static void
serve(struct dt_pg_news *n, PGconn *conn)
{
    char text[2 * DT_PG_KEY * TOLD_MAX + 1];
    uint64_t told = 0, looked = dt_monotonic_ms();

    while (!stopping(n)) {
        uint64_t now;

        if (receive(n, conn) != DT_OK)
            return;
        now = dt_monotonic_ms();
        if (now - told < n->config.gap_ms) {
            rest(n, PQsocket(conn), (int)n->config.gap_ms);
            continue;
        }
        take(n, text);
        if (text[0] != '\0') {
            if (tell(n, conn, text) != DT_OK)
                return;
            told = looked = dt_monotonic_ms();
            continue;
        }
        if (now - looked >= KEEP_MS) {
            if (pg_simple(conn, n->name, "SELECT 1", ANSWER_MS, NULL) != DT_OK)
                return;
            looked = now;
        }
        rest(n, PQsocket(conn), KEEP_MS);
    }
}

static void *
run(void *arg)
{
    struct dt_pg_news *n = arg;

    while (!stopping(n)) {
        char state[6] = "";
        PGconn *conn = NULL;
        bool polls = false;

        if (pg_connect(n->url, n->name, "SET synchronous_commit = off", ANSWER_MS, &conn) ==
            DT_OK) {
            if (pg_simple(conn, n->name, "LISTEN " CHANNEL, ANSWER_MS, state) == DT_OK) {
                set_listening(n, true);
                n->config.heard(n->config.ctx, NULL); /* what came while nobody listened */
                serve(n, conn);
                set_listening(n, false);
            } else {
                polls = strcmp(state, UNSUPPORTED1) == 0 || strcmp(state, UNSUPPORTED2) == 0;
            }
            PQfinish(conn);
        }
        /* A database that has no LISTEN: look at everything now and then. */
        while (polls && !stopping(n)) {
            n->config.heard(n->config.ctx, NULL);
            rest(n, -1, (int)n->config.poll_ms);
        }
        if (!stopping(n))
            rest(n, -1, PAUSE_MS);
    }
    return NULL;
}

static void
news_free(struct dt_pg_news *n)
{
    if (n->wake >= 0)
        (void)close(n->wake);
    pthread_mutex_destroy(&n->lock);
    if (n->url != NULL)
        dt_wipe(n->url, strlen(n->url));
    dt_free(n->url);
    dt_free(n->name);
    dt_free(n);
}

enum dt_err
dt_pg_news_start(const struct dt_pg_news_config *config, struct dt_pg_news **out)
{
    struct dt_pg_news *n = dt_alloc(1, sizeof(*n));

    if (n == NULL)
        return dt_nomem();
    pthread_mutex_init(&n->lock, NULL);
    n->config = *config;
    n->config.gap_ms = config->gap_ms != 0 ? config->gap_ms : GAP_MS;
    n->config.poll_ms = config->poll_ms != 0 ? config->poll_ms : POLL_MS;
    n->url = dt_strndup(config->url, strlen(config->url));
    n->name = pg_name_of(config->url);
    n->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (n->url == NULL || n->name == NULL || n->wake < 0 ||
        pthread_create(&n->thread, NULL, run, n) != 0) {
        news_free(n);
        return dt_nomem();
    }
    *out = n;
    return DT_OK;
}

bool
dt_pg_news_listening(struct dt_pg_news *n)
{
    bool on;

    pthread_mutex_lock(&n->lock);
    on = n->listening;
    pthread_mutex_unlock(&n->lock);
    return on;
}

void
dt_pg_news_stop(struct dt_pg_news *n)
{
    const uint64_t one = 1;

    if (n == NULL)
        return;
    pthread_mutex_lock(&n->lock);
    n->stop = true;
    pthread_mutex_unlock(&n->lock);
    if (write(n->wake, &one, sizeof(one)) < 0)
        (void)0; /* its counter is full only when it is awake */
    (void)pthread_join(n->thread, NULL);
    news_free(n);
}
