/*
 * tests/net/test_client.c - the client against a server that keeps to nothing: each answer here is
 * a trick, and each call ends in time, in bounded memory, with an error that names the host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/time.h"
#include "net/client.h"

/* A server for one connection at a time: sends head once, then tail again and again while the
 * client listens, pausing between. */
struct trick {
    const char *head;
    size_t head_len;  /* 0: strlen(head) */
    const char *tail; /* NULL: close after the head; "": keep silent */
    unsigned int pause_ms;
    atomic_uint connections;
    atomic_ullong sent;
    atomic_bool stop;
    int fd;
    pthread_t thread;
    char url[64];
};

static bool
put(struct trick *t, int fd, const char *p, size_t n)
{
    ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

    if (k > 0)
        atomic_fetch_add(&t->sent, (unsigned long long)k);
    return k == (ssize_t)n;
}

static void
serve_one(struct trick *t, int fd)
{
    struct timeval limit = {.tv_usec = 200 * 1000};
    char buf[4096];
    size_t tail = t->tail == NULL ? 0 : strlen(t->tail);

    atomic_fetch_add(&t->connections, 1);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (recv(fd, buf, sizeof buf, 0) <= 0 ||
        !put(t, fd, t->head, t->head_len != 0 ? t->head_len : strlen(t->head)) || t->tail == NULL)
        return;
    while (!atomic_load(&t->stop)) {
        struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
        struct timespec pause = {.tv_nsec = (long)t->pause_ms * 1000000L};

        if (t->pause_ms != 0)
            (void)nanosleep(&pause, NULL);
        if (poll(&p, 1, tail == 0 ? 50 : 0) > 0 || (tail > 0 && !put(t, fd, t->tail, tail)))
            return; /* the client has gone */
    }
}

static void *
serve(void *arg)
{
    struct trick *t = arg;

    while (!atomic_load(&t->stop)) {
        struct pollfd p = {.fd = t->fd, .events = POLLIN};
        int fd;

        if (poll(&p, 1, 50) <= 0)
            continue;
        fd = accept(t->fd, NULL, NULL);
        if (fd < 0)
            continue;
        serve_one(t, fd);
        (void)close(fd);
    }
    return NULL;
}

static void
start(struct trick *t)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;

    t->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(t->fd >= 0);
    assert_int_equal(bind(t->fd, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(t->fd, 8), 0);
    assert_int_equal(getsockname(t->fd, (struct sockaddr *)&sa, &len), 0);
    (void)snprintf(t->url, sizeof t->url, "http://127.0.0.1:%u", (unsigned int)ntohs(sa.sin_port));
    assert_int_equal(pthread_create(&t->thread, NULL, serve, t), 0);
}

static void
stop(struct trick *t)
{
    atomic_store(&t->stop, true);
    assert_int_equal(pthread_join(t->thread, NULL), 0);
    (void)close(t->fd);
}

/* One call; what it returned, and with OK the answer. The limits of time are a second of silence
 * and three in all. */
static enum dt_err
call(struct trick *t, struct dt_http_answer *out)
{
    struct dt_http_client_config config = {.silence_s = 1, .timeout_s = 3, .answer_max = 1u << 20};
    struct dt_http_call get = {.method = "GET", .base = t->url, .path = "/x"};
    struct dt_http_client *c = NULL;
    enum dt_err err;

    assert_int_equal(dt_http_client_new(&config, &c), DT_OK);
    err = dt_http_call(c, &get, out);
    dt_http_client_free(c);
    if (err != DT_OK)
        assert_non_null(strstr(dt_err_message(), "127.0.0.1:"));
    return err;
}

/* ${t} must end with ${want} within ${most_ms}, and with ${word} in the message. */
static void
refused(struct trick *t, enum dt_err want, uint64_t most_ms, const char *word)
{
    struct dt_http_answer a = {0};
    uint64_t began = dt_monotonic_ms();
    enum dt_err err;

    start(t);
    err = call(t, &a);
    if (err != want)
        print_error("%s (%s)\n", dt_err_message(), dt_err_name(err));
    assert_int_equal(err, want);
    assert_int_equal(a.body.n, 0);
    if (strstr(dt_err_message(), word) == NULL)
        fail_msg("expected '%s' in '%s'", word, dt_err_message());
    assert_true(dt_monotonic_ms() - began < most_ms);
    stop(t);
}

static void
huge_bodies(void **state)
{
    static char chunk[65536 + 16];
    struct trick known = {.head = "HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n"};
    struct trick chunked = {.head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"};
    struct trick until_close = {.head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"};

    (void)state;
    memcpy(chunk, "10000\r\n", 7);
    memset(chunk + 7, 'x', 65536);
    memcpy(chunk + 7 + 65536, "\r\n", 3);
    known.tail = until_close.tail = chunk;
    chunked.tail = chunk;
    refused(&known, DT_ERR_LIMIT, 3000, "larger than");
    /* What it says it will send is enough to see: nothing of it is read. */
    assert_true(atomic_load(&known.sent) < (8u << 20));
    refused(&chunked, DT_ERR_LIMIT, 3000, "larger than");
    assert_true(atomic_load(&chunked.sent) < (8u << 20));
    refused(&until_close, DT_ERR_LIMIT, 3000, "larger than");
    assert_true(atomic_load(&until_close.sent) < (8u << 20));
}

static void
slow(void **state)
{
    struct trick never = {.head = "", .tail = ""};
    struct trick half = {.head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", .tail = ""};
    struct trick trickle = {
        .head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", .tail = "x", .pause_ms = 100};
    struct trick header = {.head = "HTTP/1.1 200 OK\r\nX: ", .tail = "x", .pause_ms = 100};
    /* Fast enough not to be silent, and without end: the limit of the whole request holds. */
    struct trick steady = {
        .head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        .tail = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        .pause_ms = 100};

    (void)state;
    refused(&never, DT_ERR_NET, 2700, "no whole answer");
    refused(&half, DT_ERR_NET, 2700, "no whole answer");
    refused(&trickle, DT_ERR_NET, 2700, "no whole answer");
    refused(&header, DT_ERR_NET, 2700, "no whole answer");
    refused(&steady, DT_ERR_NET, 5000, "no whole answer");
}

static void
headers(void **state)
{
    struct trick lines = {.head = "HTTP/1.1 200 OK\r\n", .tail = "X-More: and more\r\n"};
    struct trick one = {.head = "HTTP/1.1 200 OK\r\nX: ",
                        .tail = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    struct trick interim = {.head = "HTTP/1.1 100 Continue\r\n\r\n",
                            .tail = "HTTP/1.1 100 Continue\r\n\r\n"};
    /* An interim answer is no answer: what comes after it is as much the relay's to choose. */
    struct trick after_interim = {.head = "HTTP/1.1 100 Continue\r\n\r\n",
                                  .tail = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    struct trick tab = {.head = "HTTP/1.1\t100 Continue\r\n\r\n",
                        .tail = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    struct trick status_line = {.head = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ",
                                .tail = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    struct trick trailer_line = {
        .head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: ",
        .tail = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    struct trick trailer = {
        .head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
        .tail = "X-More: and more\r\n"};

    (void)state;
    refused(&lines, DT_ERR_LIMIT, 2000, "header");
    refused(&one, DT_ERR_NET, 4500, "");
    refused(&interim, DT_ERR_LIMIT, 2000, "header");
    refused(&after_interim, DT_ERR_NET, 4500, "");
    refused(&tab, DT_ERR_NET, 4500, "");
    refused(&status_line, DT_ERR_NET, 4500, "");
    refused(&trailer_line, DT_ERR_NET, 4500, "");
    refused(&trailer, DT_ERR_LIMIT, 2000, "header");
    assert_true(atomic_load(&lines.sent) < (4u << 20));
    assert_true(atomic_load(&one.sent) < (4u << 20));
}

static void
framing(void **state)
{
    struct trick short_ = {.head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"};
    struct trick two = {
        .head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n12345"};
    struct trick negative = {.head = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n12345"};
    struct trick old = {.head = "no header at all, just text\n"};
    struct trick empty = {.head = ""};
    struct trick chunk = {
        .head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx"};

    (void)state;
    refused(&short_, DT_ERR_NET, 3500, "");
    refused(&two, DT_ERR_NET, 3500, "");
    refused(&negative, DT_ERR_NET, 3500, "");
    refused(&old, DT_ERR_NET, 3500, "");
    refused(&empty, DT_ERR_NET, 3500, "");
    refused(&chunk, DT_ERR_NET, 3500, "");
}

/* Sent elsewhere, it does not go there. */
static void
redirect(void **state)
{
    struct trick there = {.head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthere"};
    struct trick here = {0};
    struct dt_http_answer a = {0};
    char head[200];

    (void)state;
    start(&there);
    (void)snprintf(head, sizeof head,
                   "HTTP/1.1 307 Temporary Redirect\r\nLocation: %s/x\r\nContent-Length: 0\r\n\r\n",
                   there.url);
    here.head = head;
    start(&here);
    assert_int_equal(call(&here, &a), DT_OK);
    assert_int_equal(a.status, 307);
    assert_int_equal(a.body.n, 0);
    assert_int_equal(atomic_load(&there.connections), 0);
    assert_int_equal(dt_http_answer_err(here.url, "read a queue", &a), DT_ERR_NET);
    dt_http_answer_clear(&a);
    stop(&here);
    stop(&there);
}

/* Why the other end could not is said in our words, and only where it says it in a word known here:
 * nothing of its own reaches the screen. */
static void
reasons(void **state)
{
    static const struct {
        const char *body, *words;
    } list[] = {
        {"{\"error\": \"the disk\", \"code\": \"disk-full\"}\n", "(its disk is full)"},
        {"{\"error\": \"x\", \"code\": \"busy\"}\n", "(busy, or short of something)"},
        {"{\"error\": \"x\", \"code\": \"disk-fuller\"}\n", NULL},
        {"{\"error\": \"x\", \"code\": \"\x1b[2Jcall this number\"}\n", NULL},
        {"{\"error\": \"x\", \"code\": \"disk-full", NULL},
        {"{\"error\": \"x\", \"code\": \"", NULL},
        {"", NULL},
    };
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {.status = 503};

    (void)state;
    dt_buf_init(&a.body, 4096);
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        assert_int_equal(dt_buf_set(&a.body, dt_view_str(list[i].body)), DT_OK);
        assert_int_equal(dt_http_answer_err("http://relay.example:1/", "append a cell", &a),
                         DT_ERR_NET);
        assert_non_null(strstr(dt_err_message(), "relay.example:1: answered 503 "));
        if (list[i].words != NULL)
            assert_non_null(strstr(dt_err_message(), list[i].words));
        else
            assert_null(strpbrk(dt_err_message(), "(\x1b"));
    }
    assert_int_equal(dt_buf_set(&a.body, dt_view_str(list[0].body)), DT_OK);
    while (a.body.n <= 1024)
        assert_int_equal(dt_buf_append(&a.body, dt_view_str(" ")), DT_OK);
    assert_int_equal(dt_http_answer_err("http://relay.example:1/", "append a cell", &a),
                     DT_ERR_NET);
    assert_null(strchr(dt_err_message(), '('));
}

/* What calls itself compressed is taken as it is, not inflated; the body is then no valid answer.
 */
static void
compressed(void **state)
{
    static const uint8_t gz[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x63, 0, 0};
    struct dt_http_answer a = {0};
    struct trick content = {0}, transfer = {0};
    char one[256], two[256];
    int n;

    (void)state;
    n = snprintf(one, sizeof one,
                 "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                 sizeof gz);
    memcpy(one + n, gz, sizeof gz);
    content.head = one;
    content.head_len = (size_t)n + sizeof gz;
    start(&content);
    assert_int_equal(call(&content, &a), DT_OK);
    assert_int_equal(a.body.n, sizeof gz);
    assert_memory_equal(a.body.p, gz, sizeof gz);
    dt_http_answer_clear(&a);
    stop(&content);

    n = snprintf(two, sizeof two,
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nd\r\n");
    memcpy(two + n, gz, sizeof gz);
    memcpy(two + n + (int)sizeof gz, "\r\n0\r\n\r\n", 7);
    transfer.head = two;
    transfer.head_len = (size_t)n + sizeof gz + 7;
    start(&transfer);
    /* As libcurl was built: refused, or handed on; never inflated. */
    if (call(&transfer, &a) == DT_OK)
        assert_int_equal(a.body.n, sizeof gz);
    dt_http_answer_clear(&a);
    stop(&transfer);
}

/* The server died in the middle of its answer, wherever that was. */
static void
broken_off(void **state)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 4\r\n\r\nbody";
    struct dt_http_answer a = {0};
    struct trick interim = {.head = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nDate: t"};
    struct trick only = {.head = "HTTP/1.1 100 Continue\r\n\r\n"};
    struct trick all = {.head = whole};

    (void)state;
    for (size_t n = 1; n < sizeof whole - 1; n++) {
        struct trick t = {.head = whole, .head_len = n};

        start(&t);
        assert_int_equal(call(&t, &a), DT_ERR_NET);
        assert_int_equal(a.body.n, 0);
        stop(&t);
    }
    start(&interim);
    assert_int_equal(call(&interim, &a), DT_ERR_NET);
    stop(&interim);
    start(&only);
    assert_int_equal(call(&only, &a), DT_ERR_NET);
    stop(&only);
    start(&all);
    assert_int_equal(call(&all, &a), DT_OK);
    assert_int_equal(a.body.n, 4);
    dt_http_answer_clear(&a);
    stop(&all);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(huge_bodies), cmocka_unit_test(slow),     cmocka_unit_test(headers),
        cmocka_unit_test(framing),     cmocka_unit_test(redirect), cmocka_unit_test(compressed),
        cmocka_unit_test(broken_off),  cmocka_unit_test(reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
