/*
 * tests/relay/test_relay.c - a real relay process: queues, polls, limits, retries, concurrent
 * senders, and kill -9 under load.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "db/db.h"

#include "relay_fixture.h"

static struct fixture fx;

static int
start(void **state)
{
    fixture_begin(&fx, NULL);
    *state = &fx;
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    fixture_finish(&fx);
    return 0;
}

static enum dt_err
append(struct dt_http_client *http, const struct fixture_queue *q, uint64_t id, uint8_t fill,
       size_t size, uint64_t *position)
{
    static _Thread_local uint8_t cell[DT_CELL_MAX];
    struct dt_wire_append a = {.cell = {cell, size}};

    memset(cell, fill, size);
    memcpy(cell, &id, sizeof(id));
    memcpy(a.append_id, &id, sizeof(id));
    return dt_relay_append(http, fx.url, q->address, dt_view_of(q->write), &a, position);
}

/* A call as given, for what the client functions would not do: its status. */
static unsigned int
status_of(const char *method, const char *path, struct dt_view bearer, struct dt_view body)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    struct dt_http_call call = {
        .method = method, .base = fx.url, .path = path, .bearer = bearer, .body = body};

    OK(dt_http_call(fx.http, &call, &a));
    return a.status;
}

static void
queue_path(const struct fixture_queue *q, const char *query, char *out, size_t size)
{
    char hex[65];

    dt_hex_str(hex, dt_view_of(q->address));
    (void)snprintf(out, size, "/v1/queues/%s/cells%s", hex, query);
}

static void
queue_basics(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct fixture_queue q, again;
    struct dt_wire_items walk;
    struct dt_wire_item item;
    uint8_t both[64], address[32];
    uint64_t position = 0, last = 9;
    bool more = false;

    (void)state;
    fixture_queue_new(&fx, &q);
    OK(dt_sha256(dt_view_of(q.read), both));
    OK(dt_sha256(dt_view_of(q.write), both + 32));
    OK(dt_label_hash("queue", dt_view_of(both), address));
    assert_memory_equal(address, q.address, 32);
    again = q;
    memset(again.address, 0, 32);
    OK(fixture_queue_make(&fx, &again)); /* twice is harmless */
    assert_memory_equal(again.address, q.address, 32);

    OK(dt_relay_read(fx.http, fx.url, q.address, dt_view_of(q.read), 0, 0, &b));
    OK(dt_wire_items_begin(dt_buf_view(&b), &last, &walk));
    assert_int_equal(last, 0);

    OK(append(fx.http, &q, 100, 1, 512, &position));
    assert_int_equal(position, 1);
    OK(append(fx.http, &q, 101, 2, DT_CELL_MAX, &position));
    assert_int_equal(position, 2);
    OK(append(fx.http, &q, 100, 1, 512, &position)); /* a retry */
    assert_int_equal(position, 1);
    assert_int_equal(append(fx.http, &q, 100, 7, 512, &position), DT_ERR_CONFLICT);
    assert_int_equal(append(fx.http, &q, 100, 1, 1024, &position), DT_ERR_CONFLICT);

    OK(dt_relay_read(fx.http, fx.url, q.address, dt_view_of(q.read), 0, 0, &b));
    OK(dt_wire_items_begin(dt_buf_view(&b), &last, &walk));
    assert_int_equal(last, 2);
    OK(dt_wire_items_next(&walk, &item, &more));
    assert_int_equal(item.position, 1);
    assert_int_equal(item.cell.n, 512);
    assert_int_equal(item.cell.p[511], 1);
    OK(dt_wire_items_next(&walk, &item, &more));
    assert_int_equal(item.cell.n, DT_CELL_MAX);
    OK(dt_wire_items_next(&walk, &item, &more));
    assert_false(more);

    OK(dt_relay_read(fx.http, fx.url, q.address, dt_view_of(q.read), 1, 1, &b));
    OK(dt_wire_items_begin(dt_buf_view(&b), &last, &walk));
    OK(dt_wire_items_next(&walk, &item, &more));
    assert_int_equal(item.position, 2);
    OK(dt_wire_items_next(&walk, &item, &more));
    assert_false(more);
}

static void
wrong_tokens(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct fixture_queue q, swapped;
    struct dt_wire_create create = {0};
    uint64_t position = 77;
    char path[128];

    (void)state;
    fixture_queue_new(&fx, &q);
    assert_int_equal(dt_relay_queue_create(fx.http, fx.url, &create, swapped.address),
                     DT_ERR_REFUSED);
    swapped = q;
    memcpy(swapped.read, q.write, 32);
    memcpy(swapped.write, q.read, 32);
    assert_int_equal(append(fx.http, &swapped, 1, 1, 512, &position), DT_ERR_REFUSED);
    assert_int_equal(dt_relay_read(fx.http, fx.url, q.address, dt_view_of(swapped.read), 0, 0, &b),
                     DT_ERR_REFUSED);
    assert_int_equal(position, 77);
    queue_path(&q, "", path, sizeof(path));
    assert_int_equal(status_of("GET", path, dt_view(NULL, 0), dt_view(NULL, 0)), 401);
    assert_int_equal(status_of("POST", path, dt_view(NULL, 0), dt_view_str("x")), 401);
    swapped.address[0] ^= 1;
    assert_int_equal(append(fx.http, &swapped, 1, 1, 512, &position), DT_ERR_NOT_FOUND);
}

static void
malformed_bodies(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
    static uint8_t bytes[DT_CELL_MAX + 512];
    struct dt_wire_append a = {.cell = {bytes, 513}};
    struct fixture_queue q;
    char path[160];

    (void)state;
    fixture_queue_new(&fx, &q);
    queue_path(&q, "", path, sizeof(path));
    OK(dt_wire_append_encode(&a, &b));
    assert_int_equal(status_of("POST", path, dt_view_of(q.write), dt_buf_view(&b)), 400);
    dt_buf_clear(&b);
    a.cell.n = DT_CELL_MAX + 512;
    OK(dt_wire_append_encode(&a, &b));
    assert_int_equal(status_of("POST", path, dt_view_of(q.write), dt_buf_view(&b)), 413);
    assert_int_equal(status_of("POST", path, dt_view_of(q.write), dt_view_str("")), 400);
    assert_int_equal(status_of("POST", "/v1/queues", dt_view(NULL, 0), dt_view_str("short")), 400);
    assert_int_equal(status_of("POST", "/v1/poll", dt_view(NULL, 0), dt_view_str("\x05zzzzz")),
                     400);
    assert_int_equal(status_of("POST", "/v1/poll?wait=61", dt_view(NULL, 0), dt_view_str("x")),
                     400);
    queue_path(&q, "?after=01", path, sizeof(path));
    assert_int_equal(status_of("GET", path, dt_view_of(q.read), dt_view(NULL, 0)), 400);
    queue_path(&q, "?after=-1", path, sizeof(path));
    assert_int_equal(status_of("GET", path, dt_view_of(q.read), dt_view(NULL, 0)), 400);
    assert_int_equal(status_of("GET", "/v1/queues", dt_view(NULL, 0), dt_view(NULL, 0)), 405);
    assert_int_equal(status_of("GET", "/v1/queues/abc/cells", dt_view_of(q.read), dt_view(NULL, 0)),
                     404);
    assert_int_equal(status_of("GET", "/nowhere", dt_view(NULL, 0), dt_view(NULL, 0)), 404);
    assert_int_equal(status_of("GET", "/v1/health", dt_view(NULL, 0), dt_view(NULL, 0)), 200);
}

struct later {
    const struct fixture_queue *q;
    unsigned int after_ms;
};

static void *
append_later(void *arg)
{
    struct later *l = arg;
    struct dt_http_client *http = NULL;
    uint64_t position = 0;

    usleep(l->after_ms * 1000);
    if (dt_http_client_new(NULL, &http) == DT_OK)
        dt_ignore(append(http, l->q, 5, 1, 512, &position), "the poll's answer shows it");
    dt_http_client_free(http);
    return NULL;
}

static void
polls(void **state)
{
    struct dt_wire_news news[DT_RELAY_POLL_MAX];
    struct dt_wire_poll wanted[2];
    struct fixture_queue q[2];
    struct later later = {&q[1], 300};
    uint64_t began = dt_monotonic_ms(), took;
    size_t n = 9;
    pthread_t t;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fixture_queue_new(&fx, &q[i]);
        memcpy(wanted[i].address, q[i].address, 32);
        memcpy(wanted[i].read_token, q[i].read, 32);
        wanted[i].after = 0;
    }
    OK(dt_relay_poll(fx.http, fx.url, wanted, 2, 0, news, &n));
    assert_int_equal(n, 0);
    OK(dt_relay_poll(fx.http, fx.url, wanted, 2, 1, news, &n)); /* time is up */
    took = dt_monotonic_ms() - began;
    assert_int_equal(n, 0);
    assert_true(took >= 1000 && took < 10000);

    began = dt_monotonic_ms();
    assert_int_equal(pthread_create(&t, NULL, append_later, &later), 0);
    OK(dt_relay_poll(fx.http, fx.url, wanted, 2, 30, news, &n));
    took = dt_monotonic_ms() - began;
    pthread_join(t, NULL);
    assert_int_equal(n, 1);
    assert_memory_equal(news[0].address, q[1].address, 32);
    assert_int_equal(news[0].last, 1);
    assert_true(took >= 250 && took < 10000);

    OK(dt_relay_poll(fx.http, fx.url, wanted, 2, 30, news, &n)); /* at once: there is news */
    assert_int_equal(n, 1);
    wanted[1].after = 1;
    OK(dt_relay_poll(fx.http, fx.url, wanted, 2, 0, news, &n));
    assert_int_equal(n, 0);
    wanted[0].read_token[0] ^= 1;
    assert_int_equal(dt_relay_poll(fx.http, fx.url, wanted, 2, 5, news, &n), DT_ERR_REFUSED);
    wanted[0].address[0] ^= 1;
    assert_int_equal(dt_relay_poll(fx.http, fx.url, wanted, 2, 5, news, &n), DT_ERR_NOT_FOUND);
}

/* The cells of ${found} are those from ${from} to ${to}, the queue's last is ${last}. */
static void
expect_cells(const struct dt_wire_found *found, const struct fixture_queue *q, uint64_t from,
             uint64_t to, uint64_t last)
{
    struct dt_wire_items walk;
    struct dt_wire_item item;
    uint64_t is = 0;
    bool more = true;

    assert_memory_equal(found->address, q->address, 32);
    OK(dt_wire_items_begin(found->cells, &is, &walk));
    assert_int_equal(is, last);
    for (uint64_t i = from; i <= to; i++) {
        OK(dt_wire_items_next(&walk, &item, &more));
        assert_true(more);
        assert_int_equal(item.position, i);
        assert_int_equal(item.cell.p[511], (uint8_t)i);
    }
    OK(dt_wire_items_next(&walk, &item, &more));
    assert_false(more);
}

static void
polls_with_cells(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_wire_poll wanted[3] = {0};
    struct dt_wire_founds walk;
    struct dt_wire_found found;
    struct fixture_queue q[3];
    struct later later = {&q[2], 300};
    uint64_t position = 0;
    bool more = true;
    pthread_t t;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        fixture_queue_new(&fx, &q[i]);
        memcpy(wanted[i].address, q[i].address, 32);
        memcpy(wanted[i].read_token, q[i].read, 32);
    }
    OK(dt_relay_poll_cells(fx.http, fx.url, wanted, 3, 1, &b)); /* time is up */
    OK(dt_wire_found_begin(dt_buf_view(&b), &walk));
    OK(dt_wire_found_next(&walk, &found, &more));
    assert_false(more);

    /* What comes while it waits. */
    assert_int_equal(pthread_create(&t, NULL, append_later, &later), 0);
    dt_buf_clear(&b);
    OK(dt_relay_poll_cells(fx.http, fx.url, wanted, 3, 30, &b));
    pthread_join(t, NULL);
    OK(dt_wire_found_begin(dt_buf_view(&b), &walk));
    OK(dt_wire_found_next(&walk, &found, &more));
    assert_true(more);
    expect_cells(&found, &q[2], 1, 1, 1);
    OK(dt_wire_found_next(&walk, &found, &more));
    assert_false(more);

    /* Two have news; those of the first leave no room in the answer. */
    wanted[2].after = 1;
    for (uint8_t i = 1; i <= 8; i++)
        OK(append(fx.http, &q[0], i, i, (size_t)DT_CELL_MAX >> (i - 1), &position));
    OK(append(fx.http, &q[1], 1, 1, 512, &position));
    OK(append(fx.http, &q[1], 2, 2, 512, &position));
    dt_buf_clear(&b);
    OK(dt_relay_poll_cells(fx.http, fx.url, wanted, 3, 30, &b));
    assert_true(b.n < DT_RELAY_READ_MAX + DT_CELL_MAX);
    OK(dt_wire_found_begin(dt_buf_view(&b), &walk));
    OK(dt_wire_found_next(&walk, &found, &more));
    expect_cells(&found, &q[0], 1, 8, 8);
    OK(dt_wire_found_next(&walk, &found, &more));
    assert_true(more);
    expect_cells(&found, &q[1], 1, 0, 2);
    OK(dt_wire_found_next(&walk, &found, &more));
    assert_false(more);
    wanted[0].after = 8;
    wanted[1].after = 1;
    dt_buf_clear(&b);
    OK(dt_relay_poll_cells(fx.http, fx.url, wanted, 3, 0, &b));
    OK(dt_wire_found_begin(dt_buf_view(&b), &walk));
    OK(dt_wire_found_next(&walk, &found, &more));
    expect_cells(&found, &q[1], 2, 2, 2);
    OK(dt_wire_found_next(&walk, &found, &more));
    assert_false(more);

    wanted[1].read_token[0] ^= 1;
    assert_int_equal(dt_relay_poll_cells(fx.http, fx.url, wanted, 3, 0, &b), DT_ERR_REFUSED);
    assert_int_equal(status_of("POST", "/v1/poll?cells=2", dt_view(NULL, 0), dt_view_str("x")),
                     400);
}

/* ---- many senders, and a relay that is killed ---- */

#define SENDERS 16
#define EACH    60

struct sender {
    const struct fixture_queue *q;
    unsigned int number;
    uint64_t position[EACH];
    bool failed;
};
static atomic_uint acknowledged;

/* Send EACH cells; whatever happens to the relay, retry each with its id until it is acknowledged.
 */
static void *
send_all(void *arg)
{
    struct sender *s = arg;
    struct dt_http_client *http = NULL;

    if (dt_http_client_new(NULL, &http) != DT_OK) {
        s->failed = true;
        return NULL;
    }
    for (unsigned int i = 0; i < EACH; i++) {
        uint64_t id = (uint64_t)(s->number + 1) << 32 | i, end = dt_monotonic_ms() + 60000;
        enum dt_err err;

        while ((err = append(http, s->q, id, (uint8_t)s->number, 512, &s->position[i])) != DT_OK &&
               (err == DT_ERR_NET || err == DT_ERR_BUSY) && dt_monotonic_ms() < end)
            usleep(20000);
        if (err != DT_OK) {
            print_error("sender %u, cell %u: %s\n", s->number, i, dt_err_message());
            s->failed = true;
            break;
        }
        atomic_fetch_add(&acknowledged, 1);
    }
    dt_http_client_free(http);
    return NULL;
}

/* Every acknowledged cell stands exactly once at the position that was acknowledged, and nothing
 * else. */
static void
check_all(const struct fixture_queue *q, const struct sender *senders)
{
    static uint8_t seen[SENDERS][EACH];
    uint64_t after = 0, last = 1, total = 0;

    memset(seen, 0, sizeof(seen));
    while (after < last) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
        struct dt_wire_items walk;
        struct dt_wire_item item;
        bool more = true;

        OK(dt_relay_read(fx.http, fx.url, q->address, dt_view_of(q->read), after, 0, &b));
        OK(dt_wire_items_begin(dt_buf_view(&b), &last, &walk));
        for (;;) {
            uint64_t id = 0;
            size_t who, which;

            OK(dt_wire_items_next(&walk, &item, &more));
            if (!more)
                break;
            assert_int_equal(item.position, after + 1);
            memcpy(&id, item.cell.p, sizeof(id));
            who = (size_t)(id >> 32) - 1;
            which = (size_t)(id & 0xffffffff);
            assert_true(who < SENDERS && which < EACH);
            assert_int_equal(seen[who][which], 0);
            seen[who][which] = 1;
            assert_int_equal(senders[who].position[which], item.position);
            after++;
            total++;
        }
    }
    assert_int_equal(total, SENDERS * EACH);
}

static void
many_senders(unsigned int kills)
{
    static struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    struct fixture_queue q;

    fixture_queue_new(&fx, &q);
    memset(senders, 0, sizeof(senders));
    atomic_store(&acknowledged, 0);
    for (unsigned int i = 0; i < SENDERS; i++) {
        senders[i].q = &q;
        senders[i].number = i;
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    for (unsigned int k = 1; k <= kills; k++) {
        unsigned int goal = k * SENDERS * EACH / (kills + 1);

        for (unsigned int i = 0; i < 6000 && atomic_load(&acknowledged) < goal; i++)
            usleep(5000);
        assert_int_equal(fixture_end(&fx, SIGKILL), -1);
        fixture_serve(&fx);
    }
    for (unsigned int i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(senders[i].failed);
    }
    check_all(&q, senders);
}

static void
concurrent_senders(void **state)
{
    (void)state;
    many_senders(0);
}

static void
killed_under_load(void **state)
{
    (void)state;
    many_senders(8);
}

static void
stops_cleanly_under_load(void **state)
{
    static struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    struct fixture_queue q;

    (void)state;
    fixture_queue_new(&fx, &q);
    memset(senders, 0, sizeof(senders));
    atomic_store(&acknowledged, 0);
    for (unsigned int i = 0; i < SENDERS; i++) {
        senders[i].q = &q;
        senders[i].number = i;
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    while (atomic_load(&acknowledged) < SENDERS * EACH / 3)
        usleep(2000);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    fixture_serve(&fx);
    for (unsigned int i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(senders[i].failed);
    }
    check_all(&q, senders);
}

/* A connection with the header of an append on it, and its body when ${whole}. */
static int
half_an_append(uint8_t number, bool whole)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(64);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)fx.port)};
    uint8_t seal[32] = {9, number};
    char head[512], key[65];
    int fd = socket(AF_INET, SOCK_STREAM, 0), len;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    OK(dt_wire_entry_encode(seal, &body));
    dt_hex_str(key, dt_view_of(fx.grant[0].append_key));
    len = snprintf(head, sizeof(head),
                   "POST /r/%s/append HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   fx.grant[0].register_id, key, body.n);
    assert_int_equal(send(fd, head, (size_t)len, 0), len);
    if (whole)
        assert_int_equal(send(fd, body.p, body.n, 0), (ssize_t)body.n);
    return fd;
}

/* The header of an append that is all there, its body not yet; then the relay is told to stop. The
 * body is refused, and nothing of what the relay has taken down by then is used. */
static void
stops_before_a_body(void **state)
{
    static const uint8_t body[DT_REGISTER_ENTRY] = {1};
    char answer[512] = "";
    size_t n = 0;
    ssize_t got;
    int fd = half_an_append(0, false);

    (void)state;
    usleep(200000); /* until the relay has read it */
    assert_int_equal(kill(fx.pid, SIGTERM), 0);
    usleep(500000); /* until its writer has ended */
    assert_int_equal(send(fd, body, sizeof(body), MSG_NOSIGNAL), (ssize_t)sizeof(body));
    while (n < sizeof(answer) - 1 && (got = recv(fd, answer + n, sizeof(answer) - 1 - n, 0)) > 0)
        n += (size_t)got;
    close(fd);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    assert_memory_equal(answer, "HTTP/1.1 503", 12);
}

static enum dt_err
as_it_is(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)db;
    (void)from;
    (void)ctx;
    return DT_ERR_INTERNAL;
}

/* Somebody hands in an entry and goes away while the disk is busy; then the relay is told to stop.
 * What the writer has in hand is not taken from it. */
static void
stops_under_a_writer(void **state)
{
    DT_CLEANUP(dt_db_close_p) struct dt_db *db = NULL;
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    struct dt_db_config config = {
        .path = fx.store, .app_id = 0x64745201u, .version = 4, .migrate = as_it_is};
    int fd[8];

    (void)state;
    OK(dt_db_open(&config, &db));
    OK(dt_tx_begin(db, &tx));
    for (uint8_t i = 0; i < 8; i++)
        fd[i] = half_an_append(i, true);
    usleep(200000); /* until the writer waits for the disk */
    for (size_t i = 0; i < 8; i++)
        close(fd[i]);
    assert_int_equal(kill(fx.pid, SIGTERM), 0);
    usleep(300000); /* until the relay has found that they have gone */
    dt_tx_end(&tx);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
}

/* ---- grants and the program ---- */

static void
grants_and_store(void **state)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf store = DT_BUF_INIT(16u << 20);
    const char *second[] = {"serve", "--store", fx.store, "--listen", "127.0.0.1:0", NULL};
    const char *check[] = {"check-config", "--store", fx.store, NULL};
    const char *bad_name[] = {"grant", "--store", fx.store, "--url",     "http://a", "--out",
                              fx.dir,  "--party", "../x",   "--witness", "a=b",      NULL};
    struct stat st;
    char path[160];

    (void)state;
    for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
        (void)snprintf(path, sizeof(path), "%s/grants/%s.grant", fx.dir, fixture_names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_string_equal(fx.grant[i].party, fixture_names[i]);
        assert_memory_equal(fx.grant[i].queue_token, fx.grant[0].queue_token, 32);
        assert_int_equal(fx.grant[i].quorum_attested, 2);
        assert_int_equal(fx.grant[i].quorum_final, 3);
        assert_int_equal(fx.grant[i].n_witnesses, 3);
        assert_string_equal(fx.grant[i].witnesses[i].group, fixture_names[i]);
    }
    assert_memory_not_equal(fx.grant[0].append_key, fx.grant[1].append_key, 32);
    assert_int_equal(fixture_grant(&fx, NULL), 4); /* never over existing files */
    assert_int_equal(fixture_run(&fx, second), 4); /* one serving process for a store */
    assert_int_equal(fixture_run(&fx, bad_name), 2);
    assert_int_equal(fixture_run(&fx, check), 0);
    assert_int_equal(fixture_end(&fx, SIGTERM), 0);
    OK(dt_file_read(fx.store, &store));
    assert_null(memmem(store.p, store.n, fx.grant[0].queue_token, 32));
    for (size_t i = 0; i < FIXTURE_PARTIES; i++)
        assert_null(memmem(store.p, store.n, fx.grant[i].append_key, 32));
}

static int
start_small(void **state)
{
    static const char *const limits[] = {"--queues", "2", "--queue-cells", "3", "--daily-entries",
                                         "2",        NULL};

    fixture_begin(&fx, limits);
    *state = &fx;
    return 0;
}

static void
limits(void **state)
{
    struct fixture_queue q, r, s;
    uint8_t seal[32] = {1};
    uint64_t n = 0;

    (void)state;
    fixture_queue_new(&fx, &q);
    fixture_queue_new(&fx, &r);
    OK(dt_random(s.read, 32));
    OK(dt_random(s.write, 32));
    assert_int_equal(fixture_queue_make(&fx, &s), DT_ERR_LIMIT);
    OK(fixture_queue_make(&fx, &q)); /* it is there: no new one */
    for (uint64_t i = 1; i <= 3; i++)
        OK(append(fx.http, &q, i, 1, 512, &n));
    assert_int_equal(append(fx.http, &q, 4, 1, 512, &n), DT_ERR_LIMIT);
    OK(append(fx.http, &q, 2, 1, 512, &n)); /* a retry of what is there */
    assert_int_equal(n, 2);
    OK(append(fx.http, &r, 4, 1, 512, &n));

    for (uint8_t i = 0; i < 2; i++) {
        seal[0] = i;
        OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[0].append_key), seal,
                              &n));
        assert_int_equal(n, i);
    }
    seal[0] = 2;
    assert_int_equal(
        dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[0].append_key), seal, &n),
        DT_ERR_BUSY);
    seal[0] = 1; /* held already: costs nothing */
    OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[0].append_key), seal, &n));
    assert_int_equal(n, 1);
    seal[0] = 2; /* another party's quota is its own */
    OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[1].append_key), seal, &n));
    assert_int_equal(n, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(queue_basics),         TEST(wrong_tokens),
        TEST(malformed_bodies),     TEST(polls),
        TEST(polls_with_cells),     TEST(concurrent_senders),
        TEST(killed_under_load),    TEST(stops_cleanly_under_load),
        TEST(stops_before_a_body),  cmocka_unit_test_setup_teardown(limits, start_small, stop),
        TEST(stops_under_a_writer), TEST(grants_and_store),
    };

    return FIXTURE_TESTS(tests, 10, NULL, NULL);
}
