/*
 * tests/relay/test_log.c - what a serving relay writes down of those who use it: nothing that says
 * who they are, at the most talkative level and whatever is sent; with --log-addresses the network
 * address of whom it sends away, and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "relay_fixture.h"

#define WINDOW 10u /* hex digits of a secret in a row that are no chance */

static struct fixture fx;
static struct fixture_queue queue;

/* ---- traffic ---- */

/* Send ${text} on a connection of its own from 127.0.9.1; the status, 0 where none came. */
static unsigned int
raw(const char *text)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000901)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char answer[256] = "";
    ssize_t n = 0;

    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons((uint16_t)fx.port);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
    if (poll(&p, 1, 5000) == 1)
        n = recv(fd, answer, sizeof(answer) - 1, 0);
    close(fd);
    return n < 13 ? 0 : (unsigned int)strtoul(answer + 9, NULL, 10);
}

static unsigned int
call(const char *method, const char *path, const uint8_t *bearer, struct dt_view body)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    struct dt_http_call c = {.method = method, .base = fx.url, .path = path, .body = body};

    if (bearer != NULL)
        c.bearer = dt_view(bearer, 32);
    OK(dt_http_call(fx.http, &c, &a));
    return a.status;
}

/* Every path, with the right token, with another's and with none; bodies that are right, wrong and
 * empty. */
static void
good_and_bad(void)
{
    static const char *const below_queue[] = {"cells",       "cells?after=0&max=2",
                                              "cells/batch", "ack",
                                              "nothing",     "cells?after=99999999999999999999"};
    static const char *const below_register[] = {
        "checkpoint",      "checkpoint.held", "checkpoint.final", "checkpoint?by=1a2b3c4d",
        "witnesses",       "append",          "append?proof=1",   "cosign",
        "openings",        "openings/index",  "tile/0/000",       "tile/entries/000",
        "tile/9/x001/001", "nothing"};
    const uint8_t *const tokens[] = {NULL,
                                     queue.read,
                                     queue.write,
                                     fx.grant[0].queue_token,
                                     fx.grant[0].append_key,
                                     fx.grant[1].append_key,
                                     fx.grant[0].read_key};
    uint8_t cell[512] = {1}, entry[33] = {1, 2}, other[200] = {7};
    const struct dt_view bodies[] = {dt_view_of(entry), dt_view_of(other), dt_view(NULL, 0)};
    struct dt_wire_append a = {.append_id = {1}, .cell = dt_view_of(cell)};
    struct dt_wire_poll wanted = {.after = 0};
    struct dt_wire_news news[DT_RELAY_POLL_MAX];
    char hex[65], path[256];
    uint64_t at = 0;
    size_t n = 0;

    OK(dt_relay_append(fx.http, fx.url, queue.address, dt_view_of(queue.write), &a, &at));
    cell[0] = 2; /* the same id for other bytes */
    assert_int_equal(
        dt_relay_append(fx.http, fx.url, queue.address, dt_view_of(queue.write), &a, &at),
        DT_ERR_CONFLICT);
    memcpy(wanted.address, queue.address, 32);
    memcpy(wanted.read_token, queue.read, 32);
    OK(dt_relay_poll(fx.http, fx.url, &wanted, 1, 0, news, &n));
    wanted.read_token[0] ^= 1;
    assert_int_equal(dt_relay_poll(fx.http, fx.url, &wanted, 1, 0, news, &n), DT_ERR_REFUSED);
    dt_hex_str(hex, dt_view_of(queue.address));
    for (size_t t = 0; t < sizeof(tokens) / sizeof(tokens[0]); t++) {
        for (size_t i = 0; i < sizeof(below_queue) / sizeof(below_queue[0]); i++) {
            (void)snprintf(path, sizeof(path), "/v1/queues/%s/%s", hex, below_queue[i]);
            (void)call("GET", path, tokens[t], dt_view(NULL, 0));
            for (size_t b = 0; b < 3; b++)
                (void)call("POST", path, tokens[t], bodies[b]);
        }
        for (size_t i = 0; i < sizeof(below_register) / sizeof(below_register[0]); i++) {
            (void)snprintf(path, sizeof(path), "/r/%s/%s", fx.grant[0].register_id,
                           below_register[i]);
            (void)call("GET", path, tokens[t], dt_view(NULL, 0));
            for (size_t b = 0; b < 3; b++)
                (void)call("POST", path, tokens[t], bodies[b]);
        }
        (void)call("POST", "/v1/queues", tokens[t], bodies[1]);
        (void)call("POST", "/v1/poll?wait=1", tokens[t], bodies[1]);
        (void)call("DELETE", path, tokens[t], dt_view(NULL, 0));
    }
    assert_int_equal(call("GET", "/v1/health", NULL, dt_view(NULL, 0)), 200);
}

/* What the gate refuses, with all that is secret in it. */
static void
malformed(void)
{
    /* Before the queue's address, between it and a token, behind that. */
    static const char *const forms[][3] = {
        {"GET /v1/queues/", "/cells HTTP/1.1\r\nHost: a\r\nHost: b\r\nAuthorization: Bearer ",
         "\r\n\r\n"},
        {"GET /v1/queues/", "/cells HTTP/1.1\r\nHost: a\r\n Authorization: Bearer ", "\r\n\r\n"},
        {"POST /v1/queues/",
         "/cells?x=%41 HTTP/1.1\r\nHost: a\r\nX: ", "\r\nContent-Length: 1\r\n\r\nx"},
        {"POST /v1/queues/", "/",
         " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"BREW /v1/queues/", "?key=", " HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"", " ", "\r\n\r\n"}};
    char address[65], token[65], text[512];

    dt_hex_str(address, dt_view_of(queue.address));
    dt_hex_str(token, dt_view_of(queue.read));
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        (void)snprintf(text, sizeof(text), "%s%s%s%s%s", forms[i][0], address, forms[i][1], token,
                       forms[i][2]);
        assert_int_not_equal(raw(text), 200);
    }
}

/* More connections of one address than it may open. */
static void
too_fast(void)
{
    unsigned int closed = 0;

    for (size_t i = 0; i < 60; i++)
        closed += raw("GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n") == 0;
    assert_true(closed > 0);
}

/* ---- what was written ---- */

/* ${secret} is nowhere in ${log}, neither whole nor a part of it. */
static void
hex_not_in(const struct dt_buf *log, const char *what, const char *secret)
{
    size_t n = strlen(secret);

    assert_true(n >= WINDOW);
    for (size_t i = 0; i + WINDOW <= n; i++)
        if (memmem(log->p, log->n, secret + i, WINDOW) != NULL)
            fail_msg("the log has a piece of a %s: %.*s", what, (int)WINDOW, secret + i);
}

static void
bytes_not_in(const struct dt_buf *log, const char *what, struct dt_view bytes)
{
    char hex[129];

    dt_hex_str(hex, bytes);
    hex_not_in(log, what, hex);
}

static bool
in(const struct dt_buf *log, const char *text)
{
    return memmem(log->p, log->n, text, strlen(text)) != NULL;
}

static void
says_nothing_of_anybody(const struct dt_buf *log)
{
    uint8_t hash[32];

    bytes_not_in(log, "read token", dt_view_of(queue.read));
    bytes_not_in(log, "write token", dt_view_of(queue.write));
    bytes_not_in(log, "queue's address", dt_view_of(queue.address));
    OK(dt_sha256(dt_view_of(queue.read), hash));
    bytes_not_in(log, "hash of a read token", dt_view_of(hash));
    bytes_not_in(log, "queue token", dt_view_of(fx.grant[0].queue_token));
    bytes_not_in(log, "read key", dt_view_of(fx.grant[0].read_key));
    hex_not_in(log, "register's id", fx.grant[0].register_id);
    hex_not_in(log, "register's key", fx.grant[0].vkey + strlen(fx.grant[0].vkey) - 40);
    for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
        bytes_not_in(log, "append key", dt_view_of(fx.grant[i].append_key));
        if (in(log, fixture_names[i]))
            fail_msg("the log has a party's name: %s", fixture_names[i]);
    }
}

/* All that there is, at the most talkative level; then what was logged into ${out}. */
static void
serve_and_read(const char *const *more, struct dt_buf *out)
{
    static const char *const read_key[] = {"--read-key", NULL};
    char path[128];

    fixture_serve_more = more;
    fixture_begin(&fx, read_key);
    fixture_queue_new(&fx, &queue);
    good_and_bad();
    malformed();
    too_fast();
    assert_int_equal(kill(fx.pid, SIGHUP), 0);
    usleep(200000);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    (void)snprintf(path, sizeof(path), "%s/serve.log", fx.dir);
    OK(dt_file_read(path, out));
    assert_true(in(out, "started, port "));
    assert_true(in(out, "stopped, "));
    assert_true(in(out, "a request was refused: it is not plain HTTP/1.1"));
    assert_true(in(out, "a connection was closed: too many a second from one address"));
}

static int
stop(void **state)
{
    (void)state;
    fixture_finish(&fx);
    memset(&fx, 0, sizeof(fx)); /* it may be called again */
    fixture_serve_more = NULL;
    return 0;
}

#define TALKATIVE "--log-level", "debug", "--address-rate", "10"

static void
no_word_of_anybody(void **state)
{
    static const char *const text[] = {TALKATIVE, NULL};
    static const char *const json[] = {TALKATIVE, "--log-format", "json", NULL};
    const char *const *const both[] = {text, json};

    for (size_t i = 0; i < 2; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf log = DT_BUF_INIT(1u << 20);

        serve_and_read(both[i], &log);
        says_nothing_of_anybody(&log);
        assert_false(in(&log, "127.0."));
        assert_false(in(&log, "\"address\""));
        (void)stop(state);
    }
}

static void
addresses_when_asked(void **state)
{
    static const char *const text[] = {TALKATIVE, "--log-addresses", NULL};
    static const char *const json[] = {TALKATIVE, "--log-addresses", "--log-format", "json", NULL};
    DT_CLEANUP(dt_buf_clear) struct dt_buf log = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf more = DT_BUF_INIT(1u << 20);

    serve_and_read(text, &log);
    says_nothing_of_anybody(&log);
    assert_true(in(&log, "it is not plain HTTP/1.1: 127.0.9.1\n"));
    assert_true(in(&log, "too many a second from one address: 127.0.9.1\n"));
    assert_false(in(&log, "127.0.0.1")); /* of whom nobody was sent away */
    (void)stop(state);
    serve_and_read(json, &more);
    says_nothing_of_anybody(&more);
    assert_true(in(&more, "\"address\": \"127.0.9.1\""));
    assert_false(in(&more, "127.0.0.1"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(no_word_of_anybody, stop),
                                       cmocka_unit_test_teardown(addresses_when_asked, stop)};

    return cmocka_run_group_tests_name("relay/log", tests, NULL, NULL);
}
