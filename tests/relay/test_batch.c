/*
 * tests/relay/test_batch.c - a real relay process: several cells appended in one request.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include <cmocka.h>

#include "relay_fixture.h"

#define CELLS 8u

static struct fixture fx;

/* Cells to append, and what came of each. */
struct batch {
    uint8_t cell[CELLS][1024];
    struct dt_wire_append append[CELLS];
    struct dt_wire_result result[DT_RELAY_APPEND_MAX];
};

static int
start(void **state)
{
    (void)state;
    fixture_begin(&fx, NULL);
    return 0;
}

static int
start_small(void **state)
{
    static const char *const limits[] = {"--queue-cells", "3", NULL};

    (void)state;
    fixture_begin(&fx, limits);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    fixture_finish(&fx);
    return 0;
}

/* The cell ${i} of ${b} is of ${size} bytes ${fill}, under the append id ${id}. */
static void
set(struct batch *b, size_t i, uint8_t id, uint8_t fill, size_t size)
{
    memset(b->append[i].append_id, id, sizeof(b->append[i].append_id));
    memset(b->cell[i], fill, size);
    b->append[i].cell = dt_view(b->cell[i], size);
}

static enum dt_err
send_to(const struct fixture_queue *q, struct batch *b, size_t n)
{
    return dt_relay_append_all(fx.http, fx.url, q->address, dt_view_of(q->write), b->append, n,
                               b->result);
}

static void
expect(const struct batch *b, size_t i, unsigned int status, uint64_t position)
{
    assert_int_equal(b->result[i].status, status);
    assert_int_equal(b->result[i].position, position);
}

/* The queue holds cells of these bytes, in this order, and no more. */
static void
holds(const struct fixture_queue *q, const char *fills)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_wire_items walk;
    struct dt_wire_item item;
    uint64_t last = 0;
    bool more = false;

    OK(dt_relay_read(fx.http, fx.url, q->address, dt_view_of(q->read), 0, 0, &b));
    OK(dt_wire_items_begin(dt_buf_view(&b), &last, &walk));
    assert_int_equal(last, strlen(fills));
    for (size_t i = 0; fills[i] != '\0'; i++) {
        OK(dt_wire_items_next(&walk, &item, &more));
        assert_true(more);
        assert_int_equal(item.position, i + 1);
        assert_int_equal(item.cell.p[item.cell.n - 1], fills[i]);
    }
    OK(dt_wire_items_next(&walk, &item, &more));
    assert_false(more);
}

static void
in_order_and_once(void **state)
{
    static struct batch b;
    struct fixture_queue q;

    (void)state;
    fixture_queue_new(&fx, &q);
    set(&b, 0, 1, 'a', 512);
    set(&b, 1, 2, 'b', 1024);
    set(&b, 2, 3, 'c', 512);
    for (int i = 0; i < 2; i++) { /* and again: nothing more is stored */
        OK(send_to(&q, &b, 3));
        for (size_t k = 0; k < 3; k++)
            expect(&b, k, 200, k + 1);
        holds(&q, "abc");
    }
    set(&b, 0, 4, 'd', 512); /* two that are there among two that are not */
    set(&b, 3, 5, 'e', 512);
    OK(send_to(&q, &b, 4));
    expect(&b, 0, 200, 4);
    expect(&b, 1, 200, 2);
    expect(&b, 2, 200, 3);
    expect(&b, 3, 200, 5);
    holds(&q, "abcde");
    set(&b, 0, 6, 'f', 512); /* one twice */
    set(&b, 1, 6, 'f', 512);
    OK(send_to(&q, &b, 2));
    expect(&b, 0, 200, 6);
    expect(&b, 1, 200, 6);
    holds(&q, "abcdef");
}

static void
none_after_a_conflict(void **state)
{
    static struct batch b;
    struct fixture_queue q;

    (void)state;
    fixture_queue_new(&fx, &q);
    set(&b, 0, 1, 'a', 512);
    set(&b, 1, 1, 'b', 512); /* the id of the one before, with other bytes */
    set(&b, 2, 3, 'c', 512);
    OK(send_to(&q, &b, 3));
    expect(&b, 0, 200, 1);
    expect(&b, 1, 409, 0);
    expect(&b, 2, 424, 0);
    holds(&q, "a");
    set(&b, 0, 1, 'z', 512); /* nor any when it is the first */
    OK(send_to(&q, &b, 3));
    expect(&b, 0, 409, 0);
    expect(&b, 1, 424, 0);
    holds(&q, "a");
}

static void
a_queue_fills_up(void **state)
{
    static struct batch b;
    struct fixture_queue q, other;

    (void)state;
    fixture_queue_new(&fx, &q);
    fixture_queue_new(&fx, &other);
    for (size_t i = 0; i < 5; i++)
        set(&b, i, (uint8_t)(i + 1), (uint8_t)('a' + i), 512);
    OK(send_to(&q, &b, 5));
    for (size_t i = 0; i < 3; i++)
        expect(&b, i, 200, i + 1);
    expect(&b, 3, 507, 0);
    expect(&b, 4, 424, 0);
    holds(&q, "abc");
    OK(send_to(&q, &b, 3)); /* what is there is found there though it is full */
    expect(&b, 2, 200, 3);
    OK(send_to(&other, &b, 3));
    holds(&other, "abc");
}

static unsigned int
status_of(const struct fixture_queue *q, const char *method, const uint8_t token[static 32],
          struct dt_view body)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    char hex[65], path[160];
    struct dt_http_call call = {
        .method = method, .base = fx.url, .path = path, .bearer = dt_view(token, 32), .body = body};

    dt_hex_str(hex, dt_view_of(q->address));
    (void)snprintf(path, sizeof(path), "/v1/queues/%s/cells/batch", hex);
    OK(dt_http_call(fx.http, &call, &a));
    return a.status;
}

static void
refused_whole(void **state)
{
    static struct dt_wire_append many[DT_RELAY_APPEND_MAX + 1];
    static struct dt_wire_result results[DT_RELAY_APPEND_MAX];
    static uint8_t cell[512];
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_BODY_MAX);
    struct fixture_queue q, none;

    (void)state;
    fixture_queue_new(&fx, &q);
    memset(&none, 5, sizeof(none));
    for (size_t i = 0; i < DT_RELAY_APPEND_MAX + 1; i++) {
        memcpy(many[i].append_id, &i, sizeof(i));
        many[i].cell = dt_view_of(cell);
    }
    OK(dt_wire_appends_encode(many, DT_RELAY_APPEND_MAX + 1, &b));
    assert_int_equal(status_of(&q, "POST", q.write, dt_buf_view(&b)), 413);
    dt_buf_clear(&b);
    OK(dt_wire_appends_encode(many, 2, &b));
    assert_int_equal(status_of(&q, "POST", q.read, dt_buf_view(&b)), 403);
    assert_int_equal(status_of(&none, "POST", q.write, dt_buf_view(&b)), 404);
    assert_int_equal(status_of(&q, "GET", q.read, dt_view(NULL, 0)), 405);
    b.n--;
    assert_int_equal(status_of(&q, "POST", q.write, dt_buf_view(&b)), 400);
    assert_int_equal(status_of(&q, "POST", q.write, dt_view_str("")), 400);
    many[1].cell.n = 500; /* the first is whole, and is not taken either */
    dt_buf_clear(&b);
    OK(dt_wire_appends_encode(many, 2, &b));
    assert_int_equal(status_of(&q, "POST", q.write, dt_buf_view(&b)), 400);
    holds(&q, "");
    /* As many as are taken: more bytes than a peer without a token may send. */
    many[1].cell.n = 512;
    OK(dt_relay_append_all(fx.http, fx.url, q.address, dt_view_of(q.write), many,
                           DT_RELAY_APPEND_MAX, results));
    assert_int_equal(results[DT_RELAY_APPEND_MAX - 1].position, DT_RELAY_APPEND_MAX);
}

static void *
append_later(void *arg)
{
    static struct batch b;
    struct dt_http_client *http = NULL;
    const struct fixture_queue *q = arg;

    usleep(300000);
    set(&b, 0, 1, 'a', 512);
    set(&b, 1, 2, 'b', 512);
    if (dt_http_client_new(NULL, &http) == DT_OK)
        dt_ignore(dt_relay_append_all(http, fx.url, q->address, dt_view_of(q->write), b.append, 2,
                                      b.result),
                  "the poll's answer shows it");
    dt_http_client_free(http);
    return NULL;
}

static void
wakes_who_waits(void **state)
{
    struct dt_wire_news news[DT_RELAY_POLL_MAX];
    struct dt_wire_poll wanted = {0};
    struct fixture_queue q;
    pthread_t thread;
    uint64_t began;
    size_t n = 0;

    (void)state;
    fixture_queue_new(&fx, &q);
    memcpy(wanted.address, q.address, 32);
    memcpy(wanted.read_token, q.read, 32);
    assert_int_equal(pthread_create(&thread, NULL, append_later, &q), 0);
    began = dt_monotonic_ms();
    OK(dt_relay_poll(fx.http, fx.url, &wanted, 1, 30, news, &n));
    assert_true(dt_monotonic_ms() - began < 20000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(news[0].last, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(in_order_and_once),
        TEST(none_after_a_conflict),
        cmocka_unit_test_setup_teardown(a_queue_fills_up, start_small, stop),
        TEST(refused_whole),
        TEST(wakes_who_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
