/*
 * tests/relay/test_limits.c - the limits of a relay as a whole: each passed by real peers, with its
 * refusal, while others are served.
 *
 * Source: docs/limits.md. What grants may use is in test_bounds.c, what connections may in
 * tests/net/test_server_limits.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/mem.h"
#include "relay/limits.h"

#include "relay_fixture.h"

static struct fixture fx;
static struct fixture_queue queue;
static char token[65], address[65]; /* of the queue: its write token, itself */

static void
begin(const char *const *serve)
{
    fixture_serve_more = serve;
    fixture_begin(&fx, NULL);
    fixture_queue_new(&fx, &queue);
    dt_hex_str(token, dt_view_of(queue.write));
    dt_hex_str(address, dt_view_of(queue.address));
}

static int
stop(void **state)
{
    (void)state;
    fixture_finish(&fx);
    memset(&fx, 0, sizeof(fx));
    fixture_serve_more = NULL;
    return 0;
}

/* ---- peers ---- */

static int
dial(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    a.sin_port = htons((uint16_t)fx.port);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void
send_all(int fd, struct dt_view v)
{
    while (v.n > 0) {
        ssize_t n = send(fd, v.p, v.n, MSG_NOSIGNAL);

        assert_true(n > 0);
        v = dt_view(v.p + n, v.n - (size_t)n);
    }
}

/* A POST of ${n} bytes to ${path}, without its body. */
static void
send_head(int fd, const char *path, const char *bearer, size_t n)
{
    char head[512];
    int len = snprintf(head, sizeof(head),
                       "POST %s HTTP/1.1\r\nHost: a\r\n%s%s%sContent-Length: %zu\r\n\r\n", path,
                       bearer != NULL ? "Authorization: Bearer " : "", bearer != NULL ? bearer : "",
                       bearer != NULL ? "\r\n" : "", n);

    send_all(fd, dt_view((const uint8_t *)head, (size_t)len));
}

struct answer {
    unsigned int status; /* 0: the end without one; 1: nothing yet */
    char text[700];
};

static void
answer_within(int fd, int ms, struct answer *out)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t n;

    memset(out, 0, sizeof(*out));
    out->status = 1;
    if (poll(&p, 1, ms) == 0)
        return;
    n = recv(fd, out->text, sizeof(out->text) - 1, 0);
    out->status = n < 13 ? 0 : (unsigned int)strtoul(out->text + 9, NULL, 10);
}

static void
refused(const struct answer *a, unsigned int status, const char *code)
{
    char json[64];

    (void)snprintf(json, sizeof(json), "\"code\": \"%s\"", code);
    assert_int_equal(a->status, status);
    if (strstr(a->text, json) == NULL || strstr(a->text, "{\"error\": \"") == NULL)
        fail_msg("no %s in: %s", json, a->text);
    if (status == 429)
        assert_non_null(strstr(a->text, "Retry-After: "));
}

/* Nobody else is held up: a read, and an append where ${writes}. */
static void
others_are_served(bool writes)
{
    static uint8_t id, cell[512] = {1};
    struct dt_wire_append a = {.append_id = {0xaa, ++id}, .cell = dt_view_of(cell)};
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer health = {0};
    const struct dt_http_call call = {.method = "GET", .base = fx.url, .path = "/v1/health"};
    uint64_t at = 0;

    OK(dt_http_call(fx.http, &call, &health));
    assert_int_equal(health.status, 200);
    if (writes)
        OK(dt_relay_append(fx.http, fx.url, queue.address, dt_view_of(queue.write), &a, &at));
}

/* A poll of the queue, ${n} times in one list, from behind all that is there. */
static void
send_poll(int fd, size_t n, unsigned int wait_s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1u << 14);
    struct dt_wire_poll wanted[DT_RELAY_POLL_MAX];
    char path[64];

    for (size_t i = 0; i < n; i++) {
        memcpy(wanted[i].address, queue.address, 32);
        memcpy(wanted[i].read_token, queue.read, 32);
        wanted[i].after = 1000;
    }
    OK(dt_wire_poll_encode(wanted, n, &body));
    (void)snprintf(path, sizeof(path), "/v1/poll?wait=%u", wait_s);
    send_head(fd, path, NULL, body.n);
    send_all(fd, dt_buf_view(&body));
}

/* ---- long polls ---- */

static void
long_polls(void **state)
{
    static const char *const few[] = {"--long-polls", "2", NULL};
    struct answer a;
    int fd[4];

    (void)state;
    begin(few);
    for (size_t i = 0; i < 4; i++) {
        fd[i] = dial();
        if (i < 3) {
            send_poll(fd[i], 1, 30);
            usleep(100000);
        }
    }
    answer_within(fd[2], 2000, &a);
    refused(&a, 429, "polls");
    others_are_served(true);
    send_poll(fd[3], 1, 0); /* to look is no wait */
    answer_within(fd[3], 2000, &a);
    assert_int_equal(a.status, 200);
    for (size_t i = 0; i < 2; i++) {
        answer_within(fd[i], 0, &a);
        assert_int_equal(a.status, 1); /* they wait on */
    }
    close(fd[0]);
    usleep(2500000); /* whose peer has gone is over in two seconds */
    send_poll(fd[3], 1, 30);
    answer_within(fd[3], 300, &a);
    assert_int_equal(a.status, 1);
    for (size_t i = 1; i < 4; i++)
        close(fd[i]);
}

static void
longest_wait(void **state)
{
    static const char *const one[] = {"--wait", "1", NULL};
    uint64_t began, took;
    struct answer a;
    int fd;

    (void)state;
    begin(one);
    fd = dial();
    began = dt_monotonic_ms();
    send_poll(fd, 1, 60);
    answer_within(fd, 20000, &a);
    took = dt_monotonic_ms() - began;
    assert_int_equal(a.status, 200);
    assert_true(took >= 900 && took < 8000);
    close(fd);
}

/* More queues than the relay watches, in polls of 64 at a time. */
static void
watches(void **state)
{
    static const char *const many[] = {"--connections", "2000", NULL};
    static int fd[DT_RELAY_WATCHES_MAX / DT_RELAY_POLL_MAX + 1];
    const size_t n = sizeof(fd) / sizeof(fd[0]);
    struct answer a;

    (void)state;
    begin(many);
    for (size_t i = 0; i < n; i++) {
        fd[i] = dial();
        send_poll(fd[i], DT_RELAY_POLL_MAX, 60);
    }
    answer_within(fd[n - 1], 10000, &a);
    refused(&a, 503, "busy");
    others_are_served(true);
    for (size_t i = 0; i + 1 < n; i++) {
        answer_within(fd[i], 0, &a);
        assert_int_equal(a.status, 1);
        close(fd[i]);
    }
    usleep(2500000);
    close(fd[n - 1]);
    fd[n - 1] = dial();
    send_poll(fd[n - 1], DT_RELAY_POLL_MAX, 60);
    answer_within(fd[n - 1], 300, &a);
    assert_int_equal(a.status, 1);
    close(fd[n - 1]);
}

/* ---- writes ---- */

#define WRITERS (DT_RELAY_PENDING_MAX + DT_RELAY_BATCH_MAX + 200u)

/* So many wait for a disk that does not come back as the relay keeps waiting; the next are refused,
 * and those that wait are done when it does. */
static void
pending_writes(void **state)
{
    /* All of them come before the first of them says anything. */
    static const char *const many[] = {"--connections", "11000", "--header-timeout", "300", NULL};
    static int fd[WRITERS];
    uint8_t cell[512] = {1};
    struct rlimit files;
    size_t n_refused = 0, n_done = 0, n_late = 0;
    uint64_t began, took;
    sqlite3 *db = NULL;
    char path[128];

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    if (files.rlim_max < 12000) {
        print_message("no %u open files here\n", WRITERS);
        skip();
    }
    begin(many);
    (void)snprintf(path, sizeof(path), "/v1/queues/%s/cells", address);
    for (size_t i = 0; i < WRITERS; i++)
        fd[i] = dial();
    assert_int_equal(sqlite3_open_v2(fx.store, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 10000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    began = dt_monotonic_ms();
    for (size_t i = 0; i < WRITERS; i++) {
        struct dt_wire_append a = {.cell = dt_view_of(cell)};
        DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1024);

        memcpy(a.append_id, &i, sizeof(i));
        OK(dt_wire_append_encode(&a, &body));
        send_head(fd[i], path, token, body.n);
        send_all(fd[i], dt_buf_view(&body));
    }
    usleep(500000);
    others_are_served(false);
    took = dt_monotonic_ms() - began;
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    for (size_t i = 0; i < WRITERS; i++) {
        struct answer a;

        answer_within(fd[i], 30000, &a);
        if (a.status == 503 && strstr(a.text, "too much waits for the disk") != NULL) {
            refused(&a, 503, "busy");
            n_refused++;
        } else if (a.status == 200) {
            n_done++;
        } else {
            /* Where sending all took so long that the relay gave the disk up meanwhile. */
            refused(&a, 503, "busy");
            n_late++;
        }
        close(fd[i]);
    }
    assert_true(n_late == 0 || took > 4000);
    assert_int_equal(n_refused + n_done + n_late, WRITERS);
    assert_true(n_refused >= 200 && n_refused <= 200 + DT_RELAY_BATCH_MAX);
    others_are_served(true);
}

/* A queue that holds nearly all the bytes that one may, as the store says. */
static void
bytes_of_a_queue(void **state)
{
    struct dt_wire_append a = {.append_id = {1}};
    uint8_t cell[1024] = {1};
    struct fixture_queue other;
    struct answer answer;
    char path[128], sql[128];
    sqlite3 *db = NULL;
    uint64_t at = 0;
    int fd;

    (void)state;
    begin(NULL);
    fixture_queue_new(&fx, &other);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    (void)snprintf(sql, sizeof(sql), "UPDATE queue SET bytes = %llu WHERE address = x'%s'",
                   (unsigned long long)(DT_RELAY_QUEUE_BYTES_MAX - sizeof(cell)), address);
    assert_int_equal(sqlite3_open_v2(fx.store, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 1);
    sqlite3_close(db);
    fixture_serve(&fx);
    a.cell = dt_view_of(cell);
    OK(dt_relay_append(fx.http, fx.url, queue.address, dt_view_of(queue.write), &a, &at));
    for (size_t size = 512; size <= 1024; size += 512) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(2048);

        a.append_id[0] = 2;
        a.cell = dt_view(cell, size);
        OK(dt_wire_append_encode(&a, &body));
        (void)snprintf(path, sizeof(path), "/v1/queues/%s/cells", address);
        fd = dial();
        send_head(fd, path, token, body.n);
        send_all(fd, dt_buf_view(&body));
        answer_within(fd, 5000, &answer);
        refused(&answer, 507, "full-queue");
        close(fd);
    }
    OK(dt_relay_append(fx.http, fx.url, other.address, dt_view_of(other.write), &a, &at));
}

/* ---- memory ---- */

#define SMALL_BODY 65000u

/* Begin a body of ${n} bytes, all but the last; then that. */
static int
begin_body(const char *path, const char *bearer, size_t n)
{
    static const uint8_t zeros[DT_NET_BODY_MAX];
    int fd = dial();

    send_head(fd, path, bearer, n);
    send_all(fd, dt_view(zeros, n - 1));
    return fd;
}

static void
end_body(int fd, struct answer *out)
{
    send_all(fd, dt_view((const uint8_t *)"", 1));
    answer_within(fd, 5000, out);
    close(fd);
}

/* All that the relay may hold is taken by bodies that do not end, of people without any token and
 * of one with: the next of each is refused, and others go on. */
static void
memory(void **state)
{
    static const char *const little[] = {"--memory", "4M", NULL};
    int fd[40];
    size_t n = 0;
    struct answer a;
    char path[128];

    (void)state;
    begin(little);
    for (; n < 40; n++) {
        fd[n] = begin_body("/v1/poll", NULL, SMALL_BODY);
        usleep(10000);
    }
    others_are_served(true);
    n = 0;
    for (size_t i = 0; i < 40; i++) {
        end_body(fd[i], &a);
        if (a.status == 400) { /* there was room for it, and it says nothing */
            n++;
            continue;
        }
        refused(&a, 503, "busy");
    }
    /* Three parts of eight, of what memory for recent cells leaves of 4 MiB. */
    assert_int_equal(n, (4u << 20) / 32 * 31 / 8 * 3 / SMALL_BODY);
    (void)snprintf(path, sizeof(path), "/v1/queues/%s/cells", address);
    for (n = 0; n < 8; n++) {
        fd[n] = begin_body(path, token, 900000);
        usleep(50000);
        others_are_served(true);
    }
    for (size_t i = 0; i < 8; i++)
        close(fd[i]);
    usleep(300000);
    end_body(begin_body("/v1/poll", NULL, SMALL_BODY), &a);
    assert_int_equal(a.status, 400);
    end_body(begin_body(path, token, 900000), &a);
    refused(&a, 400, "format"); /* read to its end */
    others_are_served(true);
}

#define TEST(f) cmocka_unit_test_teardown(f, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {TEST(long_polls),     TEST(longest_wait),
                                       TEST(watches),        TEST(memory),
                                       TEST(pending_writes), TEST(bytes_of_a_queue)};

    return cmocka_run_group_tests_name("relay/limits", tests, NULL, NULL);
}
