/*
 * tests/relay/test_bounds.c - what grants may use: each limit passed, with its refusal, while
 * another grant is served; limits changed while the relay serves; a recorded store of before there
 * were any.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include <cmocka.h>

#include "db/db.h"
#include "relay/store/store.h"

#include "relay_fixture.h"

#ifndef DT_RELAY_DATA
#error "the build gives DT_RELAY_DATA"
#endif

static struct fixture fx;
static uint8_t other_token[32]; /* of a grant that has all the room it needs */
static struct fixture_queue other;

/* ---- calls whose refusal is looked at ---- */

struct refusal {
    unsigned int status;
    uint64_t retry_after_s;
    char code[32];
};

static void
call(const struct dt_http_call *c, struct refusal *out)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    static const char mark[] = "\"code\": \"";
    const char *at;

    memset(out, 0, sizeof(*out));
    OK(dt_http_call(fx.http, c, &a));
    out->status = a.status;
    out->retry_after_s = a.retry_after_s;
    if (a.status < 400)
        return;
    at = memmem(a.body.p, a.body.n, mark, sizeof(mark) - 1);
    assert_non_null(at);
    at += sizeof(mark) - 1;
    (void)snprintf(out->code, sizeof(out->code), "%.*s", (int)strcspn(at, "\""), at);
}

static void
append(const struct fixture_queue *q, uint8_t id, size_t size, struct refusal *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_NET_BODY_MAX);
    static uint8_t cell[DT_CELL_MAX];
    struct dt_wire_append a = {.append_id = {id}, .cell = {cell, size}};
    char hex[65], path[128];
    struct dt_http_call c = {
        .method = "POST", .base = fx.url, .path = path, .bearer = dt_view_of(q->write)};

    dt_hex_str(hex, dt_view_of(q->address));
    (void)snprintf(path, sizeof(path), "/v1/queues/%s/cells", hex);
    OK(dt_wire_append_encode(&a, &body));
    c.body = dt_buf_view(&body);
    call(&c, out);
}

static void
append_is(const struct fixture_queue *q, uint8_t id, size_t size, unsigned int status,
          const char *code)
{
    struct refusal r;

    append(q, id, size, &r);
    assert_int_equal(r.status, status);
    assert_string_equal(r.code, code);
    if (status == 429)
        assert_true(r.retry_after_s > 0);
}

/* A queue with the token ${token}: its status and code. */
static void
make_is(const uint8_t token[static 32], struct fixture_queue *q, unsigned int status,
        const char *code)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(256);
    uint8_t both[64];
    struct dt_wire_create create;
    struct dt_http_call c = {.method = "POST", .base = fx.url, .path = "/v1/queues"};
    struct refusal r;

    OK(dt_random(q->read, 32));
    OK(dt_random(q->write, 32));
    memcpy(create.queue_token, token, 32);
    OK(dt_sha256(dt_view_of(q->read), create.read_hash));
    OK(dt_sha256(dt_view_of(q->write), create.write_hash));
    memcpy(both, create.read_hash, 32);
    memcpy(both + 32, create.write_hash, 32);
    OK(dt_label_hash("queue", dt_view_of(both), q->address));
    OK(dt_wire_create_encode(&create, &body));
    c.body = dt_buf_view(&body);
    call(&c, &r);
    assert_int_equal(r.status, status);
    assert_string_equal(r.code, code);
}

/* Nobody else is held up by what was refused. */
static void
others_are_served(void)
{
    static uint8_t id;

    append_is(&other, ++id, 512, 200, "");
}

/* ---- the fixture: a grant with ${limits}, and another ---- */

static void
begin(const char *const *limits)
{
    struct fixture more;

    fixture_begin(&fx, limits);
    more = fx;
    (void)snprintf(more.dir, sizeof(more.dir), "%s", fx.dir);
    (void)strncat(more.dir, "/2", sizeof(more.dir) - strlen(more.dir) - 1);
    assert_int_equal(mkdir(more.dir, 0700), 0);
    assert_int_equal(fixture_grant(&more, NULL), 0);
    fixture_load_grants(&more);
    memcpy(other_token, more.grant[0].queue_token, 32);
    make_is(other_token, &other, 201, "");
}

static int
stop(void **state)
{
    (void)state;
    fixture_finish(&fx);
    return 0;
}

/* `limits` for the first grant's register, with more arguments. */
static int
limits(const char *a, const char *b)
{
    const char *args[] = {"limits", "--store", fx.store, "--register", fx.grant[0].register_id,
                          a,        b,         NULL};

    return fixture_run(&fx, args);
}

static void
output_has(const char *text)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(65536);
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/out", fx.dir);
    OK(dt_file_read(path, &out));
    if (memmem(out.p, out.n, text, strlen(text)) == NULL)
        fail_msg("no '%s' in: %.*s", text, (int)out.n, (const char *)out.p);
}

/* ---- one limit after the other ---- */

static void
queues(void **state)
{
    static const char *const few[] = {"--queues", "2", "--queue-cells", "3", NULL};
    struct fixture_queue q, r, s;

    (void)state;
    begin(few);
    make_is(fx.grant[0].queue_token, &q, 201, "");
    make_is(fx.grant[0].queue_token, &r, 201, "");
    make_is(fx.grant[0].queue_token, &s, 507, "full-queues");
    for (uint8_t i = 1; i <= 3; i++)
        append_is(&q, i, 512, 200, "");
    append_is(&q, 4, 512, 507, "full-queue");
    append_is(&q, 3, 512, 200, ""); /* a retry of what is there */
    append_is(&r, 4, 512, 200, "");
    others_are_served();
    assert_int_equal(limits("--queue-cells", "4"), 0); /* while it serves */
    append_is(&q, 4, 512, 200, "");
    append_is(&q, 5, 512, 507, "full-queue");
    assert_int_equal(limits("--queues", "3"), 0);
    make_is(fx.grant[0].queue_token, &s, 201, "");
}

static void
bytes_and_cells(void **state)
{
    static const char *const few[] = {"--bytes", "4K", "--cells", "6", NULL};
    struct fixture_queue q, r;

    (void)state;
    begin(few);
    make_is(fx.grant[0].queue_token, &q, 201, "");
    make_is(fx.grant[0].queue_token, &r, 201, "");
    append_is(&q, 1, 2048, 200, "");
    append_is(&r, 2, 1536, 200, "");
    append_is(&q, 3, 1024, 507, "full-grant-bytes");
    append_is(&q, 4, 512, 200, ""); /* to the last byte */
    append_is(&r, 5, 512, 507, "full-grant-bytes");
    append_is(&q, 1, 2048, 200, "");
    others_are_served();
    assert_int_equal(limits("--bytes", "none"), 0);
    for (uint8_t i = 5; i < 8; i++)
        append_is(&r, i, 512, 200, "");
    append_is(&q, 8, 512, 507, "full-grant-cells");
    append_is(&r, 8, 512, 507, "full-grant-cells");
    others_are_served();
    assert_int_equal(limits("--cells", "7"), 0);
    append_is(&q, 8, 512, 200, "");
    assert_int_equal(limits("--json", NULL), 0);
    output_has("\"queues\": 2, \"bytes\": 6144, \"cells\": 7}");
    output_has("\"bytes\": null, \"cells\": 7,");
    assert_int_equal(limits("--bytes", "0"), 2);
    assert_int_equal(limits("--bytes", "9999999T"), 2);
    assert_int_equal(limits("--bytes", "1G1"), 2);
    assert_int_equal(limits(NULL, NULL), 0);
    output_has("cells: 7 of 7");
    /* What a kill leaves is what was acknowledged, sums included. */
    (void)fixture_end(&fx, SIGKILL);
    fixture_serve(&fx);
    append_is(&q, 9, 512, 507, "full-grant-cells");
}

static void
append_rate(void **state)
{
    static const char *const slow[] = {"--append-rate", "2", "--append-burst", "5", NULL};
    struct fixture_queue q, r;
    struct refusal last = {0};
    unsigned int taken = 0, refused = 0;

    (void)state;
    begin(slow);
    make_is(fx.grant[0].queue_token, &q, 201, "");
    make_is(fx.grant[0].queue_token, &r, 201, "");
    for (uint8_t i = 1; i <= 40; i++) {
        append(i % 2 == 0 ? &q : &r, i, 512, &last);
        if (last.status == 200) {
            taken++;
            continue;
        }
        assert_int_equal(last.status, 429);
        assert_string_equal(last.code, "grant-rate");
        assert_int_equal(last.retry_after_s, 1);
        refused++;
        others_are_served();
    }
    assert_true(taken >= 5 && taken <= 15 && refused >= 25); /* 15: were it to take five seconds */
    usleep(1100000);
    append_is(&q, 41, 512, 200, "");
    assert_int_equal(limits("--append-rate", "none"), 0);
    usleep(1100000); /* it is looked at once a second */
    for (uint8_t i = 50; i < 70; i++)
        append_is(&q, i, 512, 200, "");
}

/* Who says nothing of a rate has one; a large cell counts as often as it takes the disk's time. */
static void
append_rate_of_large_cells(void **state)
{
    static const char *const slow[] = {"--append-rate", "1", "--append-burst", "40", NULL};
    struct fixture_queue q;

    (void)state;
    begin(NULL);
    assert_int_equal(limits("--json", NULL), 0);
    output_has("\"append_rate\": 1000, \"append_burst\": 10000,");
    (void)stop(NULL);
    begin(slow);
    make_is(fx.grant[0].queue_token, &q, 201, "");
    append_is(&q, 1, DT_CELL_MAX, 200, ""); /* 32 of 40 */
    append_is(&q, 2, DT_CELL_MAX, 429, "grant-rate");
    append_is(&q, 3, 16384, 200, "");
    append_is(&q, 4, 512, 200, "");
    append_is(&q, 5, 4 * 32768, 429, "grant-rate"); /* 8 */
    append_is(&q, 6, 2 * 16384, 200, "");
    others_are_served();
}

/* ---- told to those whom they concern ---- */

/* What GET limits of ${q} answers to the holder of ${token} (NULL: of none). */
static unsigned int
told(const char *method, const struct fixture_queue *q, const uint8_t *token, const char *text)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    char hex[65], path[128];
    struct dt_http_call c = {.method = method, .base = fx.url, .path = path};

    dt_hex_str(hex, dt_view_of(q->address));
    (void)snprintf(path, sizeof(path), "/v1/queues/%s/limits", hex);
    if (token != NULL)
        c.bearer = dt_view(token, 32);
    OK(dt_http_call(fx.http, &c, &a));
    if (a.status == 200 && (a.body.n != strlen(text) || memcmp(a.body.p, text, strlen(text)) != 0))
        fail_msg("%.*s", (int)a.body.n, (const char *)a.body.p);
    return a.status;
}

/* Who may read or write a queue learns what holds for it now, and what others use of the grant is
 * not in it. */
static void
limits_are_told(void **state)
{
    static const char *const some[] = {"--keep", "10d", "--keep-unread", "none", "--bytes",
                                       "1M",     NULL};
    static const char before[] =
        "{\"format\": 1, \"keep_s\": 864000, \"keep_unread_s\": null, \"keep_cells\": null,"
        " \"queue_cells\": 1000000, \"queue_bytes\": 4294967296, \"queues\": 10000,"
        " \"bytes\": 1048576, \"cells\": 10000000, \"append_rate\": 1000,"
        " \"append_burst\": 10000, \"polls\": 16384, \"readers\": 128}\n";
    static const char after[] =
        "{\"format\": 1, \"keep_s\": 259200, \"keep_unread_s\": null, \"keep_cells\": null,"
        " \"queue_cells\": 1000000, \"queue_bytes\": 4294967296, \"queues\": 10000,"
        " \"bytes\": 1048576, \"cells\": 10000000, \"append_rate\": 1000,"
        " \"append_burst\": 10000, \"polls\": 16384, \"readers\": 128}\n";
    struct fixture_queue q, none = {.address = {1}};

    (void)state;
    begin(some);
    make_is(fx.grant[0].queue_token, &q, 201, "");
    append_is(&q, 1, 512, 200, "");
    assert_int_equal(told("GET", &q, q.read, before), 200);
    assert_int_equal(told("GET", &q, q.write, before), 200);
    assert_int_equal(told("GET", &q, other.read, before), 403);
    assert_int_equal(told("GET", &q, fx.grant[0].queue_token, before), 403);
    assert_int_equal(told("GET", &q, NULL, before), 401);
    assert_int_equal(told("GET", &none, q.read, before), 404);
    assert_int_equal(told("POST", &q, q.read, before), 405);
    assert_int_equal(limits("--keep", "3d"), 0); /* while it serves */
    assert_int_equal(told("GET", &q, q.read, after), 200);
}

/* ---- long polls ---- */

struct poller {
    pthread_t thread;
    struct fixture_queue q;
    unsigned int wait_s;
    uint64_t took_ms;
    enum dt_err err;
    size_t n_news;
};

static void *
poll_one(void *arg)
{
    struct poller *p = arg;
    struct dt_http_client *http = NULL;
    struct dt_wire_news news[DT_RELAY_POLL_MAX];
    struct dt_wire_poll wanted = {0};
    uint64_t begun = dt_monotonic_ms();

    memcpy(wanted.address, p->q.address, 32);
    memcpy(wanted.read_token, p->q.read, 32);
    OK(dt_http_client_new(NULL, &http));
    p->err = dt_relay_poll(http, fx.url, &wanted, 1, p->wait_s, news, &p->n_news);
    p->took_ms = dt_monotonic_ms() - begun;
    dt_http_client_free(http);
    return NULL;
}

static void
long_polls(void **state)
{
    static const char *const few[] = {"--polls", "2", NULL};
    struct poller p[2] = {{.wait_s = 20}, {.wait_s = 20}}, third = {.wait_s = 20}, free_one;
    struct fixture_queue q;

    (void)state;
    begin(few);
    make_is(fx.grant[0].queue_token, &q, 201, "");
    for (size_t i = 0; i < 2; i++) {
        p[i].q = q;
        assert_int_equal(pthread_create(&p[i].thread, NULL, poll_one, &p[i]), 0);
    }
    usleep(400000); /* until both wait */
    third.q = q;
    (void)poll_one(&third);
    assert_int_equal(third.err, DT_ERR_BUSY);
    assert_true(third.took_ms < 10000);
    third.wait_s = 0; /* to look is no wait */
    (void)poll_one(&third);
    OK(third.err);
    free_one = (struct poller){.wait_s = 1, .q = other};
    (void)poll_one(&free_one); /* another grant has its own */
    OK(free_one.err);
    append_is(&q, 1, 512, 200, "");
    for (size_t i = 0; i < 2; i++) {
        (void)pthread_join(p[i].thread, NULL);
        OK(p[i].err);
        assert_int_equal(p[i].n_news, 1);
    }
    third = (struct poller){.wait_s = 1, .q = other}; /* they have ended: there is room again */
    third.q = q;
    (void)poll_one(&third);
    OK(third.err);
}

/* ---- a store of version 3 ---- */

static void
older_store(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(1u << 20);
    struct dt_relay_store_config config;
    struct dt_relay_store *s = NULL;
    struct dt_relay_bounds b, none = {.queues = 10, .queue_cells = 100};
    struct dt_relay_usage use;
    char path[160];
    uint64_t grant = 1;
    size_t n = 0;

    (void)state;
    begin(NULL);
    (void)snprintf(path, sizeof(path), "%s/old.db", fx.dir);
    OK(dt_file_read(DT_RELAY_DATA "/store-3.db", &bytes));
    OK(dt_file_create(path, dt_buf_view(&bytes), 0600));
    config = (struct dt_relay_store_config){.path = path};
    OK(dt_relay_store_open(&config, &s));
    OK(dt_relay_store_check(s, &n));
    assert_int_equal(n, 1);
    OK(dt_relay_store_bounds(s, grant, &b, &use));
    assert_memory_equal(&b, &none, sizeof(b)); /* nothing was promised, nothing is taken away */
    assert_int_equal(use.queues, 2);
    assert_int_equal(use.cells, 8);
    assert_int_equal(use.bytes, 3584 + 2048);
    b.cells = 9;
    OK(dt_relay_store_set_bounds(s, grant, &b));
    dt_relay_store_close(s);
    s = NULL;
    OK(dt_relay_store_open(&config, &s)); /* once more: nothing is done twice */
    OK(dt_relay_store_bounds(s, grant, &b, &use));
    assert_int_equal(b.cells, 9);
    assert_int_equal(use.cells, 8);
    dt_relay_store_close(s);
}

#define TEST(f) cmocka_unit_test_teardown(f, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {TEST(queues),          TEST(bytes_and_cells),
                                       TEST(append_rate),     TEST(append_rate_of_large_cells),
                                       TEST(limits_are_told), TEST(long_polls),
                                       TEST(older_store)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
