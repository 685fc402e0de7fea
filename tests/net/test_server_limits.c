/*
 * tests/net/test_server_limits.c - peers that take their time or come in numbers: how long a body
 * and an answer may take, who goes when connections run out, how much is held in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/time.h"
#include "net/server.h"

#define CONNECTIONS 16u
#define ANSWER      (4u << 20)

static struct dt_http_server *server;
static atomic_uint ended_waits; /* before their time */
static unsigned int idle_s = 30;
static size_t held_max = 5u << 20;
static unsigned int address_max, address_rate;
static struct {
    atomic_uint n[DT_HTTP_REFUSED_REQUESTS + 1];
    char address[64]; /* of the last */
} told;

/* In the server's thread. */
static void
refused(void *ctx, enum dt_http_refused why, const char *address)
{
    (void)ctx;
    (void)snprintf(told.address, sizeof(told.address), "%s", address);
    atomic_fetch_add(&told.n[why], 1);
}

static enum dt_http_next
handler(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct dt_buf b = DT_BUF_INIT(ANSWER);

    (void)ctx;
    if (strcmp(req->path, "/hold") == 0 && req->calls == 0 && !dt_http_hold(req, 50000)) {
        dt_http_reply_error(reply, 503, "busy", "no room");
        return DT_HTTP_REPLY;
    }
    if ((strcmp(req->path, "/wait") == 0 || strcmp(req->path, "/hold") == 0) && !req->timed_out &&
        !req->stopping) {
        req->deadline_ms = dt_monotonic_ms() + 60000;
        return DT_HTTP_WAIT;
    }
    if (req->timed_out)
        atomic_fetch_add(&ended_waits, 1);
    reply->status = req->timed_out ? 204 : 200;
    if (strcmp(req->path, "/large") == 0) {
        static uint8_t block[1u << 16];

        while (b.n < ANSWER)
            assert_int_equal(dt_buf_append(&b, dt_view_of(block)), DT_OK);
        dt_http_reply_body(reply, 200, NULL, &b);
    }
    return DT_HTTP_REPLY;
}

/* A token's first letter is the many's, its second the one's. */
static unsigned int
refuse_large(void *ctx, struct dt_http_request *req)
{
    (void)ctx;
    assert_int_equal(req->body.n, 0);
    req->account[0] = req->bearer.n > 0 ? req->bearer.p[0] : 0;
    req->account[1] = req->bearer.n > 1 ? req->bearer.p[1] : 0;
    return req->bearer.n > 0 ? 0 : 413;
}

/* ${header_s}: how long a connection may say nothing; ${transfer_s}: how long a body may take. */
static void
start(unsigned int header_s, unsigned int transfer_s)
{
    struct dt_http_server_config config = {.listen = "127.0.0.1:0",
                                           .connections_max = CONNECTIONS,
                                           .header_timeout_s = header_s,
                                           .idle_timeout_s = idle_s,
                                           .transfer_timeout_s = transfer_s,
                                           .rate_min = 4u << 20,
                                           .held_max = held_max,
                                           .per_address_max = address_max,
                                           .per_address_rate = address_rate,
                                           .refused = refused,
                                           .handler = handler,
                                           .refuse_large = refuse_large};

    assert_int_equal(dt_http_server_start(&config, &server), DT_OK);
}

static int
stop(void **state)
{
    (void)state;
    dt_http_server_stop(server);
    server = NULL;
    return 0;
}

/* A connection; ${window}: its receive buffer, 0 for the usual one; ${host}: from 127.0.9.HOST. */
static int
dial_from(uint32_t host, int window)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    a.sin_addr.s_addr = htonl(0x7f000900u + host);
    if (host != 0)
        assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    if (window != 0)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof(window)), 0);
    a.sin_port = htons(dt_http_server_port(server));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static int
dial(int window)
{
    return dial_from(0, window);
}

static void
say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The status that comes within ${ms}; 0: the end without one; 1: nothing. */
static unsigned int
status_within(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char answer[512] = "";

    if (poll(&p, 1, ms) == 0)
        return 1;
    if (recv(fd, answer, sizeof(answer) - 1, 0) < 13)
        return 0;
    return (unsigned int)strtoul(answer + 9, NULL, 10);
}

static unsigned int
ask(const char *text)
{
    int fd = dial(0);
    unsigned int status;

    say(fd, text);
    status = status_within(fd, 2000);
    close(fd);
    return status;
}

#define PLAIN   "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"
#define WAITING "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"

/* A byte of the body now and then: cut off when its time is up, not when it is silent. */
static void
slow_body(void **state)
{
    uint64_t began, took;
    bool ended = false;
    int fd;

    (void)state;
    start(10, 1);
    fd = dial(0);
    began = dt_monotonic_ms();
    say(fd, "POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 60 && !ended; i++) {
        (void)send(fd, "x", 1, MSG_NOSIGNAL);
        ended = status_within(fd, 100) == 0;
    }
    took = dt_monotonic_ms() - began;
    close(fd);
    assert_true(ended);
    assert_true(took >= 900 && took < 4500);
    assert_int_equal(ask(PLAIN), 200);
}

/* A large answer of which a little is taken now and then. */
static void
slow_reader(void **state)
{
    uint64_t began, took;
    ssize_t got = 1;
    char byte[256];
    int fd;

    (void)state;
    start(10, 1);
    fd = dial(4096);
    began = dt_monotonic_ms();
    say(fd, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    while (got > 0 && dt_monotonic_ms() - began < 8000) {
        usleep(50000);
        assert_int_equal(ask(PLAIN), 200);
        got = recv(fd, byte, sizeof(byte), MSG_DONTWAIT);
    }
    took = dt_monotonic_ms() - began;
    close(fd);
    assert_true(got <= 0);                    /* reset, not gently ended: nothing is kept for it */
    assert_true(took >= 1900 && took < 6000); /* 1 s, and 1 s for its 4 MiB */
    /* What it held is free again: a second large one goes through. */
    fd = dial(0);
    say(fd, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(status_within(fd, 2000), 200);
    close(fd);
}

/* A connection that is kept has its time for the next whole header, bytes of it do not prolong it.
 */
static void
idle_after_an_answer(void **state)
{
    uint64_t began;
    bool ended = false;
    int fd;

    (void)state;
    idle_s = 1;
    start(30, 30);
    idle_s = 30;
    fd = dial(0);
    say(fd, PLAIN);
    assert_int_equal(status_within(fd, 2000), 200);
    began = dt_monotonic_ms();
    while (!ended && dt_monotonic_ms() - began < 8000) {
        (void)send(fd, "G", 1, MSG_NOSIGNAL);
        ended = status_within(fd, 200) == 0;
    }
    close(fd);
    assert_true(ended);
    assert_true(dt_monotonic_ms() - began >= 900 && dt_monotonic_ms() - began < 4500);
}

/* Three times as many say nothing as there is room for; who asks is answered at once all the same.
 */
static void
idle_ones_make_room(void **state)
{
    int fd[3 * CONNECTIONS];
    uint64_t began;
    size_t open = 0;

    (void)state;
    start(30, 30);
    for (size_t i = 0; i < 3 * CONNECTIONS; i++) {
        fd[i] = dial(0);
        began = dt_monotonic_ms();
        assert_int_equal(ask(PLAIN), 200);
        assert_true(dt_monotonic_ms() - began < 1500);
    }
    for (size_t i = 0; i < 3 * CONNECTIONS; i++) {
        open += status_within(fd[i], 0) == 1;
        close(fd[i]);
    }
    assert_true(open > 0 && open < CONNECTIONS); /* only as many ended as had to */
}

/* All connections wait for news: the oldest waits end early, as if their time were up. */
static void
waits_make_room(void **state)
{
    int fd[CONNECTIONS];
    unsigned int early = 0, waiting = 0;

    (void)state;
    start(30, 30);
    for (size_t i = 0; i < CONNECTIONS - 2; i++) {
        fd[i] = dial(0);
        say(fd[i], WAITING);
        usleep(10000);
    }
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ask(PLAIN), 200);
    for (size_t i = 0; i < CONNECTIONS - 2; i++) {
        unsigned int status = status_within(fd[i], 100);

        early += status == 204;
        waiting += status == 1;
        if (i == 0)
            assert_int_equal(status, 204); /* the oldest first */
        close(fd[i]);
    }
    assert_true(early >= 1);
    assert_true(waiting >= CONNECTIONS / 2);
}

/* Who goes away while waiting is noticed soon, not at the end of the wait. */
static void
gone_while_waiting(void **state)
{
    struct linger now = {1, 0};
    uint64_t began;
    int fd;

    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        start(30, 30);
        fd = dial(0);
        say(fd, WAITING);
        usleep(100000);
        if (reset)
            assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
        atomic_store(&ended_waits, 0);
        began = dt_monotonic_ms();
        close(fd);
        while (atomic_load(&ended_waits) == 0 && dt_monotonic_ms() - began < 10000)
            usleep(10000);
        assert_true(dt_monotonic_ms() - began < 4000);
        (void)stop(NULL);
    }
}

/* Waits keep coming, more than there are connections, and some of their peers are gone: who asks is
 * answered all the same. */
static void
flood_of_waits(void **state)
{
    int fd[4 * CONNECTIONS];

    (void)state;
    start(30, 30);
    for (size_t i = 0; i < 4 * CONNECTIONS; i++) {
        fd[i] = dial(0);
        say(fd[i], WAITING);
        if (i % 4 == 0) {
            close(fd[i]);
            fd[i] = -1;
        }
        if (i % 8 == 7)
            assert_int_equal(ask(PLAIN), 200);
    }
    for (size_t i = 0; i < 4 * CONNECTIONS; i++) {
        if (fd[i] >= 0)
            close(fd[i]);
    }
    assert_int_equal(ask(PLAIN), 200);
}

/* Slow bodies everywhere: the slowest goes when somebody comes, before its own time is up. */
static void
slow_ones_make_room(void **state)
{
    int fd[CONNECTIONS - 1];

    (void)state;
    start(1, 30);
    for (size_t i = 0; i < CONNECTIONS - 1; i++) {
        fd[i] = dial(0);
        say(fd[i], "POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx");
        usleep(10000);
    }
    usleep(1050000);
    assert_int_equal(ask(PLAIN), 200);
    assert_int_equal(status_within(fd[0], 500), 0);
    for (size_t i = 0; i < CONNECTIONS - 1; i++)
        close(fd[i]);
}

static void
large_body_needs_leave(void **state)
{
    static const char *const taken[] = {
        "POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n",
        "POST /plain HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n"
        "Content-Length: 65537\r\n\r\n"};
    static const char block[1024];
    int fd;

    (void)state;
    start(10, 30);
    fd = dial(0);
    say(fd, "POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n");
    assert_int_equal(status_within(fd, 200), 1); /* read first, and thrown away */
    for (size_t i = 0; i < 65537; i += sizeof(block))
        assert_true(send(fd, block, i == 65536 ? 1 : sizeof(block), MSG_NOSIGNAL) > 0);
    assert_int_equal(status_within(fd, 2000), 413);
    close(fd);
    for (size_t i = 0; i < 2; i++) {
        fd = dial(0);
        say(fd, taken[i]);
        assert_int_equal(status_within(fd, 200), 1); /* it waits for the body */
        close(fd);
    }
}

/* Begin to send a body of a million bytes on the account of ${who}; all of it but the last byte
 * when
 * ${most}. */
static int
begin_large(const char *who, bool most)
{
    static const uint8_t body[999999];
    char head[128];
    int fd = dial(0);

    (void)snprintf(head, sizeof(head),
                   "POST /plain HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
                   "Content-Length: 1000000\r\n\r\n",
                   who);
    say(fd, head);
    if (most)
        (void)send(fd, body, sizeof(body), MSG_NOSIGNAL);
    return fd;
}

/* And to the end: the status. */
static unsigned int
end_large(int fd)
{
    unsigned int status;

    (void)send(fd, "x", 1, MSG_NOSIGNAL);
    status = status_within(fd, 2000);
    close(fd);
    return status;
}

/* Bodies in memory at the same time have a limit, and whoever comes finds room: the oldest goes. */
static void
held_in_memory(void **state)
{
    int fd[6];
    unsigned int open = 0;

    (void)state;
    start(10, 30);
    for (size_t i = 0; i < 6; i++) {
        fd[i] = begin_large("a1", true);
        assert_int_equal(status_within(fd[i], 200), 1);
    }
    for (size_t i = 0; i < 6; i++) {
        bool there = status_within(fd[i], 200) == 1;

        assert_true(there || open == 0); /* the oldest went, no other */
        open += there;
        if (there)
            assert_int_equal(end_large(fd[i]), 200);
        else
            close(fd[i]);
    }
    assert_int_equal(open, 3); /* of a million each: three quarters of 5 MiB */
    assert_int_equal(ask("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
}

/* Who takes all that there is takes it from himself: not from the others of his grant, and still
 * less from another grant, however slow those are and however long they have been at it. */
static void
hoarders_give_way(void **state)
{
    int other = 0, same = 0, hoard[9];
    unsigned int ended = 0;

    (void)state;
    held_max = 10u << 20;
    start(10, 30);
    held_max = 5u << 20;
    other = begin_large("b1", true);
    same = begin_large("a2", true);
    for (size_t i = 0; i < 9; i++) {
        hoard[i] = begin_large("a1", i % 2 == 0);
        assert_int_equal(status_within(hoard[i], 50), 1);
        if (i % 4 == 3) {
            int fd = begin_large("b2", true);

            assert_int_equal(end_large(fd), 200);
        }
    }
    for (size_t i = 0; i < 9; i++) {
        ended += status_within(hoard[i], 0) == 0;
        close(hoard[i]);
    }
    assert_true(ended >= 4 && ended <= 5); /* seven fit, of them two are others' */
    assert_int_equal(end_large(same), 200);
    assert_int_equal(end_large(other), 200);
}

/* Begin to send a body of 60000 bytes, and to the end. */
static int
begin_small(void)
{
    static const uint8_t body[59999];
    int fd = dial(0);

    say(fd, "POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n");
    assert_int_equal(send(fd, body, sizeof(body), MSG_NOSIGNAL), sizeof(body));
    return fd;
}

/* Bodies that anybody may send are counted too. Past their part of the memory one more is refused,
 * and the oldest wait ends; who asks in a few words is answered, and large ones have their part. */
static void
small_bodies_in_memory(void **state)
{
    static const char few[] = "POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    int fd[6], waiting, seventh, large;

    (void)state;
    held_max = 4u << 18;
    start(10, 30);
    held_max = 5u << 20;
    waiting = dial(0);
    say(waiting, WAITING);
    for (size_t i = 0; i < 6; i++) {
        fd[i] = begin_small();
        usleep(20000);
    }
    assert_int_equal(status_within(waiting, 0), 1);
    seventh = begin_small();
    assert_int_equal(status_within(waiting, 2000), 204);
    assert_int_equal(end_large(seventh), 503);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(ask(few), 200);
    large = dial(0);
    say(large, "POST /plain HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a1\r\n"
               "Content-Length: 100000\r\n\r\n");
    for (size_t i = 0; i < 100; i++) {
        static const uint8_t block[1000];

        (void)send(large, block, sizeof(block) - (i == 99), MSG_NOSIGNAL);
    }
    assert_int_equal(end_large(large), 200);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(end_large(fd[i]), 200);
    assert_int_equal(end_large(begin_small()), 200);
    close(waiting);
}

/* What a handler keeps for a request is counted until that ends. */
static void
held_by_a_handler(void **state)
{
    static const char holding[] = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";
    int fd[8];

    (void)state;
    held_max = 4u << 18;
    start(10, 30);
    held_max = 5u << 20;
    for (size_t i = 0; i < 8; i++) {
        fd[i] = dial(0);
        say(fd[i], holding);
        assert_int_equal(status_within(fd[i], 100), i < 7 ? 1 : 503);
    }
    assert_int_equal(status_within(fd[0], 2000), 204); /* the oldest made room */
    assert_int_equal(ask(PLAIN), 200);
    close(fd[7]);
    fd[7] = dial(0);
    say(fd[7], holding);
    assert_int_equal(status_within(fd[7], 100), 1);
    for (size_t i = 0; i < 8; i++)
        close(fd[i]);
}

/* ---- addresses ---- */

/* The status of a plain request from 127.0.9.HOST; 0: the connection was closed. */
static unsigned int
ask_from(uint32_t host)
{
    int fd = dial_from(host, 0);
    unsigned int status;

    (void)send(fd, PLAIN, sizeof(PLAIN) - 1, MSG_NOSIGNAL);
    status = status_within(fd, 2000);
    close(fd);
    return status;
}

/* Who comes again and again is sent away, and told of; another address is not, and a second later
 * so many more may come. */
static void
new_ones_of_an_address(void **state)
{
    unsigned int served = 0, closed = 0, later = 0;
    uint64_t began = dt_monotonic_ms(), most;

    (void)state;
    memset(&told, 0, sizeof(told));
    address_rate = 5;
    start(10, 30);
    address_rate = 0;
    for (size_t i = 0; i < 40; i++) {
        unsigned int status = ask_from(1);

        served += status == 200;
        closed += status == 0;
        if (i % 4 == 0)
            assert_int_equal(ask_from(2 + (uint32_t)i), 200);
    }
    most = 20 + 5 * (dt_monotonic_ms() - began + 999) / 1000;
    assert_int_equal(served + closed, 40);
    assert_true(served >= 20 && served <= most && closed > 0);
    assert_int_equal(atomic_load(&told.n[DT_HTTP_REFUSED_FAST]), closed);
    assert_string_equal(told.address, "127.0.9.1");
    usleep(1100000);
    for (size_t i = 0; i < 20; i++)
        later += ask_from(1) == 200;
    assert_true(later >= 5 && later < 20);
}

/* So many connections of one address at a time; one that ends makes room for one. */
static void
connections_of_an_address(void **state)
{
    int fd[3];

    (void)state;
    memset(&told, 0, sizeof(told));
    address_max = 3;
    start(10, 30);
    address_max = 0;
    for (size_t i = 0; i < 3; i++)
        fd[i] = dial_from(1, 0);
    assert_int_equal(ask_from(1), 0);
    assert_int_equal(atomic_load(&told.n[DT_HTTP_REFUSED_MANY]), 1);
    assert_string_equal(told.address, "127.0.9.1");
    assert_int_equal(ask_from(2), 200);
    close(fd[0]);
    usleep(100000);
    fd[0] = dial_from(1, 0);
    say(fd[0], PLAIN);
    assert_int_equal(status_within(fd[0], 2000), 200);
    for (size_t i = 0; i < 3; i++)
        close(fd[i]);
}

/* What the gate refuses is told, with whom it was. */
static void
malformed_is_told(void **state)
{
    (void)state;
    memset(&told, 0, sizeof(told));
    start(10, 30);
    assert_int_equal(ask("GET /plain HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
    assert_int_equal(atomic_load(&told.n[DT_HTTP_REFUSED_FORM]), 1);
    assert_string_equal(told.address, "127.0.0.1");
}

/* When the system had no descriptor for who came, he is let in soon after it has: one of those who
 * have nothing to say goes for it. Without that the library lets nobody in until somebody goes. */
static void
no_descriptor_for_a_while(void **state)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    int idle[4], fd = socket(AF_INET, SOCK_STREAM, 0), next;
    struct rlimit usual, few;
    unsigned int ended = 0;

    (void)state;
    start(10, 30);
    for (size_t i = 0; i < 4; i++) {
        idle[i] = dial(0);
        say(idle[i], PLAIN);
        assert_int_equal(status_within(idle[i], 2000), 200);
    }
    next = dup(fd);
    assert_true(next > 0 && close(next) == 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    few = usual;
    few.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    a.sin_port = htons(dt_http_server_port(server));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    say(fd, PLAIN);
    assert_int_equal(status_within(fd, 300), 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_int_equal(status_within(fd, 5000), 200);
    for (size_t i = 0; i < 4; i++) {
        ended += status_within(idle[i], 0) == 0;
        close(idle[i]);
    }
    close(fd);
    assert_true(ended >= 1 && ended <= 2);
}

/* One allocation fails. */
static bool
once(void *ctx)
{
    atomic_bool *armed = ctx;

    return atomic_exchange(armed, false);
}

/* A connection that there is no memory to count does not stay: every later request on it would be
 * refused for ever, and no bound would hold for it. */
static void
no_memory_to_count(void **state)
{
    atomic_bool armed = true;
    int fd;

    (void)state;
    start(10, 30);
    dt_mem_fault(once, &armed);
    fd = dial(0);
    for (unsigned int i = 0; i < 200 && atomic_load(&armed); i++)
        usleep(10000);
    dt_mem_fault(NULL, NULL);
    assert_false(atomic_load(&armed));
    say(fd, PLAIN);
    assert_int_equal(status_within(fd, 2000), 503);
    assert_int_equal(status_within(fd, 2000), 0);
    close(fd);
    assert_int_equal(ask(PLAIN), 200);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, stop)
    const struct CMUnitTest tests[] = {
        TEST(slow_body),
        TEST(idle_after_an_answer),
        TEST(slow_reader),
        TEST(idle_ones_make_room),
        TEST(waits_make_room),
        TEST(slow_ones_make_room),
        TEST(large_body_needs_leave),
        TEST(held_in_memory),
        TEST(hoarders_give_way),
        TEST(small_bodies_in_memory),
        TEST(held_by_a_handler),
        TEST(new_ones_of_an_address),
        TEST(connections_of_an_address),
        TEST(malformed_is_told),
        TEST(flood_of_waits),
        TEST(gone_while_waiting),
        TEST(no_descriptor_for_a_while),
        TEST(no_memory_to_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
