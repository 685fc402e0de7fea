/*
 * tests/net/test_server_standing.c - requests that wait for a job, or for news that come often,
 * stand in the server, without being suspended in the HTTP library: they are answered when they are
 * woken, one that waits long costs nothing, and one whose connection ends is kept until who has it
 * is done; but one that waits for news ends with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/time.h"
#include "net/server.h"

#include "dial.h"

#define MANY 100u /* more than stand at a time */

/* A job of a request, as a writer has one: it is in the request's hands only when it is done. */
struct job {
    struct dt_http_request *req;
    uint8_t *body; /* of the request, which the worker looks at */
    size_t n;
    bool done;
    struct job *next;
};

/* "/job" hands its body to the worker, and is answered with it; "/now" is answered at once, "/news"
 * when there are some. */
static struct fixture {
    struct dt_http_server *server;
    pthread_mutex_t lock;
    struct job *first;
    unsigned int n_waiting, n_ended;
    unsigned int bad; /* bodies that were not what was sent when the worker looked */
    struct job *news; /* who waits for some */
    unsigned int n_news, n_news_ended;
    atomic_bool telling; /* there are some all the time */
} fx;

/* ---- news ---- */

static void
news_free(void *state)
{
    struct job *j = state, **at = &fx.news;

    pthread_mutex_lock(&fx.lock);
    while (*at != NULL && *at != j)
        at = &(*at)->next;
    if (*at != NULL) {
        *at = j->next;
        fx.n_news--;
    }
    fx.n_news_ended++;
    pthread_mutex_unlock(&fx.lock);
    dt_free(j);
}

static enum dt_http_next
wait_for_news(struct dt_http_request *req)
{
    struct job *j = dt_alloc(1, sizeof(*j));

    assert_non_null(j);
    j->req = req;
    req->state = j;
    req->state_free = news_free;
    req->deadline_ms = dt_monotonic_ms() + 30000;
    pthread_mutex_lock(&fx.lock);
    j->next = fx.news;
    fx.news = j;
    fx.n_news++;
    pthread_mutex_unlock(&fx.lock);
    return DT_HTTP_WAIT;
}

static void
tell_news(void)
{
    pthread_mutex_lock(&fx.lock);
    for (struct job *j = fx.news; j != NULL; j = j->next)
        dt_http_wake(j->req);
    pthread_mutex_unlock(&fx.lock);
}

static void *
go_on_telling(void *arg)
{
    (void)arg;
    while (atomic_load(&fx.telling)) {
        tell_news();
        usleep(100);
    }
    return NULL;
}

/* ---- jobs ---- */

static void
job_free(void *state)
{
    struct job *j = state;
    bool done = false;

    while (!done) { /* as wait_free() in relay/route.c */
        pthread_mutex_lock(&fx.lock);
        done = j->done;
        fx.n_ended += done;
        pthread_mutex_unlock(&fx.lock);
        if (!done)
            usleep(1000);
    }
    dt_free(j);
}

static enum dt_http_next
handler(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct job *j = req->state;
    bool done;

    (void)ctx;
    reply->status = 200;
    reply->content_type = "text/plain";
    dt_buf_init(&reply->body, 4096);
    if (strcmp(req->path, "/now") == 0) {
        assert_int_equal(dt_buf_append(&reply->body, dt_view_str("now")), DT_OK);
        return DT_HTTP_REPLY;
    }
    if (strcmp(req->path, "/news") == 0) {
        if (j == NULL) {
            dt_buf_clear(&reply->body);
            return wait_for_news(req);
        }
        assert_int_equal(dt_buf_append(&reply->body, dt_view_str("news")), DT_OK);
        return DT_HTTP_REPLY;
    }
    if (j == NULL) {
        j = dt_alloc(1, sizeof(*j));
        assert_non_null(j);
        j->req = req;
        j->body = (uint8_t *)(uintptr_t)req->body.p;
        j->n = req->body.n;
        req->state = j;
        req->state_free = job_free;
        pthread_mutex_lock(&fx.lock);
        j->next = fx.first;
        fx.first = j;
        fx.n_waiting++;
        pthread_mutex_unlock(&fx.lock);
        return DT_HTTP_WAIT;
    }
    pthread_mutex_lock(&fx.lock);
    done = j->done;
    pthread_mutex_unlock(&fx.lock);
    if (!done)
        return DT_HTTP_WAIT;
    assert_int_equal(dt_buf_append(&reply->body, req->body), DT_OK);
    return DT_HTTP_REPLY;
}

/* The worker is done with all jobs: it looks at what they are about, and wakes who waits. */
static unsigned int
work(void)
{
    unsigned int n = 0;

    pthread_mutex_lock(&fx.lock);
    for (struct job *j = fx.first, *next; j != NULL; j = next, n++) {
        next = j->next;
        for (size_t i = 0; i < j->n; i++)
            fx.bad += j->body[i] != 'x';
        j->done = true;
        dt_http_wake(j->req);
    }
    fx.first = NULL;
    fx.n_waiting = 0;
    pthread_mutex_unlock(&fx.lock);
    return n;
}

static int
start(void **state)
{
    struct dt_http_server_config config = {.listen = "127.0.0.1:0", .handler = handler};

    (void)state;
    memset(&fx, 0, sizeof(fx));
    pthread_mutex_init(&fx.lock, NULL);
    return dt_http_server_start(&config, &fx.server) == DT_OK ? 0 : -1;
}

static int
stop(void **state)
{
    (void)state;
    (void)work(); /* what a test that failed left */
    dt_http_server_stop(fx.server);
    pthread_mutex_destroy(&fx.lock);
    return 0;
}

static int
dial(void)
{
    return dial_server(fx.server);
}

static int
job_sent(void)
{
    static const char request[] =
        "POST /job HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nxxxxxxxx";
    int fd = dial();

    assert_int_equal(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
    return fd;
}

static void
answered(int fd, const char *body)
{
    char text[1024];
    size_t n = 0;

    while (n < sizeof(text) - 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t got;

        text[n] = '\0';
        if (strstr(text, body) != NULL)
            break;
        assert_int_equal(poll(&p, 1, 5000), 1);
        got = recv(fd, text + n, sizeof(text) - 1 - n, 0);
        assert_true(got > 0);
        n += (size_t)got;
    }
    assert_memory_equal(text, "HTTP/1.1 200 ", 13);
}

static void
now(int fd)
{
    static const char request[] = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n";

    assert_int_equal(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
    answered(fd, "now");
}

static unsigned int
count(const unsigned int *n)
{
    unsigned int c;

    pthread_mutex_lock(&fx.lock);
    c = *n;
    pthread_mutex_unlock(&fx.lock);
    return c;
}

static void
until(const unsigned int *n, unsigned int want)
{
    for (int i = 0; i < 500 && count(n) != want; i++)
        usleep(10000);
    assert_int_equal(count(n), want);
}

/* End ${fd} so that the server sees an error at once. */
static void
reset(int fd)
{
    struct linger at_once = {1, 0};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    assert_int_equal(close(fd), 0);
}

/* ---- tests ---- */

/* Those that stand and those for whom there was no more room, again and again on one connection,
 * while others are served. */
static void
all_are_answered(void **state)
{
    static const char again[] =
        "POST /job HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nxxxxxxxx";
    int fd[MANY], other = dial();

    (void)state;
    for (unsigned int i = 0; i < MANY; i++)
        fd[i] = job_sent();
    for (unsigned int round = 0; round < 5; round++) {
        until(&fx.n_waiting, MANY);
        now(other);
        assert_int_equal(work(), MANY);
        for (unsigned int i = 0; i < MANY; i++)
            answered(fd[i], "xxxxxxxx");
        for (unsigned int i = 0; i < MANY && round < 4; i++)
            assert_int_equal(send(fd[i], again, sizeof(again) - 1, 0), sizeof(again) - 1);
    }
    until(&fx.n_ended, 5 * MANY);
    now(other);
    for (unsigned int i = 0; i < MANY; i++)
        close(fd[i]);
    close(other);
}

static uint64_t
own_ms(void)
{
    struct rusage u;

    assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

/* A worker that does not come to an end: nothing goes round and round meanwhile. */
static void
a_long_wait_costs_nothing(void **state)
{
    uint64_t before, turns;
    int fd[10];

    (void)state;
    for (unsigned int i = 0; i < 10; i++)
        fd[i] = job_sent();
    until(&fx.n_waiting, 10);
    before = own_ms();
    turns = dt_http_server_counts(fx.server).turns;
    usleep(3000000);
    assert_true(own_ms() - before < 300);
    assert_true(dt_http_server_counts(fx.server).turns - turns < 500);
    turns = dt_http_server_counts(fx.server).turns;
    sleep(6); /* by now they are suspended, and the server is at rest */
    turns = dt_http_server_counts(fx.server).turns;
    usleep(1500000);
    assert_true(dt_http_server_counts(fx.server).turns - turns < 10);
    assert_int_equal(work(), 10);
    for (unsigned int i = 0; i < 10; i++) {
        answered(fd[i], "xxxxxxxx");
        close(fd[i]);
    }
}

/* The peers go away in the midst of it. The server serves others, and the worker finds what it was
 * given; then all of it is freed. */
static void
kept_when_the_connection_ends(void **state)
{
    int fd[20], other = dial();

    (void)state;
    for (unsigned int i = 0; i < 20; i++)
        fd[i] = job_sent();
    until(&fx.n_waiting, 20);
    for (unsigned int i = 0; i < 20; i += 2)
        reset(fd[i]);
    for (unsigned int i = 0; i < 500 && dt_http_server_counts(fx.server).connections > 11; i++)
        usleep(10000);
    assert_int_equal(dt_http_server_counts(fx.server).connections, 11);
    now(other); /* nobody waits for the worker */
    assert_int_equal(count(&fx.n_ended), 0);
    assert_int_equal(work(), 20);
    until(&fx.n_ended, 20);
    assert_int_equal(fx.bad, 0);
    for (unsigned int i = 1; i < 20; i += 2) {
        answered(fd[i], "xxxxxxxx");
        close(fd[i]);
    }
    now(other);
    close(other);
}

static void *
work_later(void *arg)
{
    (void)arg;
    usleep(2500000); /* when the server has given up waiting for its connections */
    (void)work();
    return NULL;
}

/* The server stops while jobs are in work, of peers that are there and of some that are not. */
static void
stopped_meanwhile(void **state)
{
    pthread_t t;
    int fd[10];

    assert_int_equal(start(state), 0);
    for (unsigned int i = 0; i < 10; i++)
        fd[i] = job_sent();
    until(&fx.n_waiting, 10);
    for (unsigned int i = 0; i < 3; i++)
        reset(fd[i]);
    for (unsigned int i = 0; i < 500 && dt_http_server_counts(fx.server).connections > 7; i++)
        usleep(10000);
    assert_int_equal(dt_http_server_counts(fx.server).connections, 7);
    assert_int_equal(pthread_create(&t, NULL, work_later, NULL), 0);
    dt_http_server_stop(fx.server);
    pthread_join(t, NULL);
    assert_int_equal(fx.n_ended, 10);
    assert_int_equal(fx.bad, 0);
    for (unsigned int i = 3; i < 10; i++)
        close(fd[i]);
    pthread_mutex_destroy(&fx.lock);
}

static void
ask_news(int fd)
{
    static const char request[] = "GET /news HTTP/1.1\r\nHost: a\r\n\r\n";

    assert_int_equal(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
}

/* Connections on which news came at once, again and again; now there are none. The server comes to
 * rest; of half of them the peers go away, and what waited there ends without any news. */
static void
news_that_came_often(void **state)
{
    uint64_t turns;
    pthread_t t;
    int fd[10];

    (void)state;
    atomic_store(&fx.telling, true);
    assert_int_equal(pthread_create(&t, NULL, go_on_telling, NULL), 0);
    for (unsigned int i = 0; i < 10; i++)
        fd[i] = dial();
    for (unsigned int round = 0; round < 30; round++) {
        for (unsigned int i = 0; i < 10; i++)
            ask_news(fd[i]);
        for (unsigned int i = 0; i < 10; i++)
            answered(fd[i], "news");
    }
    atomic_store(&fx.telling, false);
    pthread_join(t, NULL);
    until(&fx.n_news_ended, 300);
    for (unsigned int i = 0; i < 10; i++)
        ask_news(fd[i]);
    until(&fx.n_news, 10);
    for (unsigned int i = 0; i < 5; i++)
        reset(fd[i]);
    until(&fx.n_news, 5);
    sleep(2); /* by now the others are suspended */
    turns = dt_http_server_counts(fx.server).turns;
    usleep(1500000);
    assert_true(dt_http_server_counts(fx.server).turns - turns < 10);
    tell_news();
    for (unsigned int i = 5; i < 10; i++) {
        answered(fd[i], "news");
        close(fd[i]);
    }
    until(&fx.n_news_ended, 310);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {TEST(all_are_answered), TEST(a_long_wait_costs_nothing),
                                       TEST(kept_when_the_connection_ends),
                                       TEST(news_that_came_often),
                                       cmocka_unit_test(stopped_meanwhile)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
