/*
 * tests/agent/test_inbox.c - a relay that shows cells without end: what is remembered of them, and
 * how long they are read.
 */
#include "agent/form/inbox_message.h"
#include "agent/sync/queue_review.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"

#include "three.h"

#define CALLS_MAX 300u /* then it gives up, so that the test does */
#define ITEMS     64u  /* in one answer */

/* A relay that shows cells without end in one queue, and nothing in all others. */
struct endless {
    struct dt_http_server *server;
    const struct dt_agent *inbox_of; /* cells that this one takes; NULL: always the same garbage */
    char queue[128];
    unsigned int calls;
};

/* A message for the inbox of ${a} that it takes: a copy for a channel that it is not in. */
static void
seal(const struct dt_agent *a, struct dt_buf *cell)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_INBOX_MESSAGE_MAX);
    struct dt_inbox_message m = {.kind = DT_INBOX_COPY, .copy = dt_view_str("a copy")};

    ok(dt_inbox_message_encode(&m, &body));
    ok(dt_inbox_seal(dt_view_of(a->letter.x25519), a->inbox_address, dt_buf_view(&body), cell));
}

static enum dt_http_next
handle(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct endless *x = ctx;
    static const uint8_t cell[512] = {1};
    struct dt_wire_item items[ITEMS];
    struct dt_buf cells[ITEMS];
    struct dt_buf body;
    struct dt_view v;
    uint64_t after = 0, last;
    size_t n = 0;

    reply->status = 404;
    if (!dt_http_query(req, "after", &v) || dt_decimal_read(v, UINT64_MAX, &after) != DT_OK)
        return DT_HTTP_REPLY;
    last = after;
    if (strcmp(req->path, x->queue) == 0) {
        if (++x->calls > CALLS_MAX)
            return DT_HTTP_REPLY;
        last = after + 1000;
        for (; n < (x->inbox_of != NULL ? ITEMS : 8); n++) {
            dt_buf_init(&cells[n], DT_CELL_MAX);
            if (x->inbox_of != NULL)
                seal(x->inbox_of, &cells[n]);
            items[n] = (struct dt_wire_item){.position = after + n + 1,
                                             .cell = x->inbox_of != NULL ? dt_buf_view(&cells[n])
                                                                         : dt_view_of(cell)};
        }
    }
    dt_buf_init(&body, DT_NET_ANSWER_MAX);
    if (dt_wire_items_encode(last, items, n, &body) == DT_OK)
        dt_http_reply_body(reply, 200, "application/octet-stream", &body);
    while (n > 0)
        dt_buf_clear(&cells[--n]);
    return DT_HTTP_REPLY;
}

/* ${a} is led to it; it has the queue at ${address}. */
static void
start(struct endless *x, struct dt_agent *a, const uint8_t address[static 32])
{
    struct dt_http_server_config config = {.listen = "127.0.0.1:0", .handler = handle, .ctx = x};
    char hex[65];

    dt_hex_str(hex, dt_view(address, 32));
    (void)snprintf(x->queue, sizeof x->queue, "/v1/queues/%s/cells", hex);
    ok(dt_http_server_start(&config, &x->server));
    (void)snprintf(a->grant.relay, sizeof a->grant.relay, "http://127.0.0.1:%u",
                   dt_http_server_port(x->server));
}

/* One garbage cell, in every place there is, at ${address}: a first reading goes through so many of
 * them, and so does a review, in which each is the same as the one before. */
static void
one_cell_without_end(struct three *t, const uint8_t address[static 32], enum dt_alarm_kind kind)
{
    struct endless x = {0};
    struct dt_agent *a = t->a[1];
    struct dt_review r = {0};
    size_t told;

    start(&x, a, address);
    is(dt_agent_sync(a, NULL), DT_ERR_PROOF);
    assert_non_null(strstr(dt_err_message(), "one cell after another"));
    assert_true(x.calls <= CALLS_MAX);
    told = world_alarms(a, (int)kind);
    assert_true(told > 0);
    /* It is in doubt, and read again from the beginning. */
    ok(dt_review_get(a, address, &r));
    assert_true(r.doubt);
    x.calls = 0;
    is(dt_agent_sync(a, NULL), DT_ERR_PROOF);
    assert_non_null(strstr(dt_err_message(), "one cell after another"));
    assert_true(x.calls > 0 && x.calls <= CALLS_MAX);
    ok(dt_review_get(a, address, &r));
    assert_true(r.end > 0);
    is(world_alarms(a, (int)kind), told); /* said once */
    dt_http_server_stop(x.server);
}

static void
one_cell_in_the_inbox(void **state)
{
    struct three *t = *state;

    one_cell_without_end(t, t->a[1]->inbox_address, DT_ALARM_WELCOME);
}

static void
one_cell_in_a_queue(void **state)
{
    struct three *t = *state;
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};

    ok(dt_channel_load(t->a[1], t->gid, &ch));
    one_cell_without_end(t, ch.queue.address, DT_ALARM_CELL);
}

/* ---- what is remembered ---- */

static void
take(struct dt_agent *a, uint64_t position)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
    struct dt_sync_report report = {0};
    struct dt_wire_item item = {.position = position};

    seal(a, &cell);
    item.cell = dt_buf_view(&cell);
    ok(dt_inbox_take_cell(a, &item, &report));
    is(report.received, 1);
}

/* The inbox never ends: of what was taken only the last is remembered, and a review begins there.
 */
static void
little_is_remembered(void **state)
{
    struct three *t = *state;
    struct dt_agent *a = t->a[1];
    struct dt_review r = {0};
    struct dt_shown unread = {.kind = DT_SHOWN_UNREAD};
    const uint8_t *address = a->inbox_address;
    uint8_t parent[33];
    uint64_t n = 0, at = 0, before = 0;
    bool ready = false;

    memcpy(parent, address, 32);
    parent[32] = 'u';
    ok(dt_inbox_state(a, &ready, &at));
    ok(dt_store_count(a->store, "shown", dt_view(address, 32), &before));
    assert_true(before > 0 && before == at);
    ok(dt_store_begin(a->store));
    unread.position = at;
    ok(dt_shown_put(a, address, dt_view_str("old"), &unread));
    unread.position = at + DT_SHOWN_INBOX_MAX;
    ok(dt_shown_put(a, address, dt_view_str("new"), &unread));
    for (uint64_t i = 1; i <= DT_SHOWN_INBOX_MAX; i++)
        take(a, at + i);
    ok(dt_store_commit(a->store));
    ok(dt_store_count(a->store, "shown", dt_view(address, 32), &n));
    is(n, DT_SHOWN_INBOX_MAX);
    ok(dt_store_count(a->store, "shown", dt_view_of(parent), &n));
    is(n, 1);
    ok(dt_review_get(a, address, &r));
    is(r.from, at);
    ok(dt_review_ask(a, address));
    a->reviews_left = 1;
    ok(dt_inbox_review_begin(a));
    ok(dt_inbox_state(a, &ready, &n));
    is(n, at);
    /* The relay's inbox ends before that: what comes next is read. */
    ok(dt_inbox_review_end(a, at - 1));
    ok(dt_inbox_state(a, &ready, &n));
    is(n, at - 1);
    ok(dt_review_get(a, address, &r));
    is(r.from, at - 1);
    take(a, at);
}

/* Cells that can be taken, without end: one sync reads so many, and no more. */
static void
cells_without_end(void **state)
{
    struct three *t = *state;
    struct endless x = {.inbox_of = t->a[1]};
    bool ready = false;
    uint64_t at = 0, then = 0;

    t->a[1]->inbox_cells = 100;
    ok(dt_inbox_state(t->a[1], &ready, &at));
    start(&x, t->a[1], t->a[1]->inbox_address);
    is(dt_agent_sync(t->a[1], NULL), DT_ERR_LIMIT);
    ok(dt_inbox_state(t->a[1], &ready, &then));
    is(then, at + 100);
    assert_true(x.calls < CALLS_MAX);
    dt_http_server_stop(x.server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_cell_in_the_inbox, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(one_cell_in_a_queue, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(cells_without_end, three_set_up, three_tear_down),
        cmocka_unit_test_setup_teardown(little_is_remembered, three_set_up, three_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
