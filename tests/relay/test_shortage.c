/*
 * tests/relay/test_shortage.c - a relay in this process whose n-th allocation, then whose n-th look
 * at its database fails while it has one request. The peer is told 503, or not answered: a shortage
 * is never taken for a wrong token, a malformed request, a body too large, or something not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include <cmocka.h>

#include "../base/folder.h"
#include "base/mem.h"
#include "db/db.h"
#include "relay/handlers.h"
#include "relay/relay.h"
#include "relay_fixture.h"

#define LARGE (128u << 10) /* of a cell, past what is taken without a token */

static struct fixture fx;
static struct dt_relay *relay;
static struct fixture_queue queue;

/* ---- failing, in the relay's threads alone ---- */

static pthread_t own;
static atomic_uint left; /* until the one that fails; 0: none */
static atomic_bool fired;

static bool
fails_now(void)
{
    unsigned int n = atomic_load(&left);

    if (pthread_equal(pthread_self(), own) || n == 0)
        return false;
    while (n > 0 && !atomic_compare_exchange_weak(&left, &n, n - 1))
        ;
    if (n != 1)
        return false;
    atomic_store(&fired, true);
    return true;
}

static bool
no_memory(void *ctx)
{
    (void)ctx;
    return fails_now();
}

static bool
no_disk(void *ctx, enum dt_db_point at)
{
    (void)ctx;
    (void)at;
    return fails_now();
}

/* ---- the relay and what is asked ---- */

static int
start(void **state)
{
    struct dt_relay_config config = {.store = fx.store, .listen = "127.0.0.1:0"};

    (void)state;
    own = pthread_self();
    memset(&fx, 0, sizeof(fx));
    OK(dt_crypto_init());
    assert_true(test_folder(fx.dir, sizeof(fx.dir), "short"));
    fixture_store(fx.dir, fx.store);
    for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "witness.%s", fixture_names[i]);
        OK(tlog_signer_new(dt_view_str(name), TLOG_KEY_COSIGNATURE, &fx.witness[i]));
        fixture_witness_key(&fx, i, &fx.witness[i].vkey);
    }
    OK(dt_relay_start(&config, &relay));
    (void)snprintf(fx.url, sizeof(fx.url), "http://127.0.0.1:%u", dt_relay_port(relay));
    assert_int_equal(fixture_grant(&fx, NULL), 0);
    fixture_load_grants(&fx);
    OK(dt_http_client_new(NULL, &fx.http));
    fixture_queue_new(&fx, &queue);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    dt_relay_stop(relay, NULL, NULL);
    fixture_finish(&fx);
    return 0;
}

/* One request, made with the fixture's client on the connection that it keeps. */
struct ask {
    const char *name;
    struct dt_http_call call;
    unsigned int status; /* when nothing fails */
};

/* The body of an append of ${n} bytes, the same each time, so that it may be repeated. */
static void
append_body(struct dt_buf *out, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(LARGE);
    struct dt_wire_append append = {.append_id = {(uint8_t)(n >> 8), 1}};
    static const uint8_t block[512];

    while (cell.n < n)
        OK(dt_buf_append(&cell, dt_view_of(block)));
    append.cell = dt_buf_view(&cell);
    OK(dt_wire_append_encode(&append, out));
}

/* Ask with the n-th failing, n rising until none does. */
static void
each(const struct ask *a, const char *what)
{
    unsigned int n, refused = 0, silent = 0; /* silent: no memory for the answer either */

    for (n = 1;; n++) {
        DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer answer = {0};
        enum dt_err err;

        assert_true(n < 2000);
        dt_recent_forget(relay->recent, queue.address); /* so that the store is asked */
        atomic_store(&fired, false);
        atomic_store(&left, n);
        err = dt_http_call(fx.http, &a->call, &answer);
        atomic_store(&left, 0);
        if (!atomic_load(&fired)) {
            assert_int_equal(err, DT_OK);
            assert_int_equal(answer.status, a->status);
            break;
        }
        if (err != DT_OK) {
            assert_int_equal(err, DT_ERR_NET);
            silent++;
        } else if (answer.status != a->status) {
            if (answer.status != 503)
                fail_msg("%s, %s %u: answered %u", a->name, what, n, answer.status);
            refused++;
        }
    }
    print_message("%s, %s: %u places, %u refused, %u not answered\n", a->name, what, n - 1, refused,
                  silent);
    assert_true(refused > 0 && silent <= 3);
}

static void
shortages(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf small = DT_BUF_INIT(DT_NET_BODY_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf large = DT_BUF_INIT(DT_NET_BODY_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf poll = DT_BUF_INIT(DT_NET_BODY_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf entry = DT_BUF_INIT(64);
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note parsed = {0};
    struct dt_wire_poll wanted;
    static const uint8_t seal[32] = {7};
    char cells[160], address[65];
    uint64_t index = 0;

    (void)state;
    dt_hex_str(address, dt_view_of(queue.address));
    (void)snprintf(cells, sizeof(cells), "/v1/queues/%s/cells", address);
    append_body(&small, 512);
    append_body(&large, LARGE);
    memcpy(wanted.address, queue.address, sizeof(wanted.address));
    memcpy(wanted.read_token, queue.read, sizeof(wanted.read_token));
    wanted.after = 0;
    OK(dt_wire_poll_encode(&wanted, 1, &poll));
    OK(dt_wire_entry_encode(seal, &entry));
    OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[0].append_key), seal,
                          &index));
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &note));
    OK(tlog_note_parse(dt_buf_view(&note), &parsed));
    OK(tlog_cosign(&fx.witness[0], parsed.text, 1700000000, &note));
    {
        const struct ask asks[] = {
            {"append",
             {"POST", fx.url, cells, dt_view_of(queue.write), NULL, dt_buf_view(&small), 0},
             200},
            {"large append",
             {"POST", fx.url, cells, dt_view_of(queue.write), NULL, dt_buf_view(&large), 0},
             200},
            {"read", {"GET", fx.url, cells, dt_view_of(queue.read), NULL, {0}, 0}, 200},
            {"poll", {"POST", fx.url, "/v1/poll?wait=1", {0}, NULL, dt_buf_view(&poll), 1}, 200},
            {"entry",
             {"POST", fx.register_url, "/append", dt_view_of(fx.grant[0].append_key), NULL,
              dt_buf_view(&entry), 0},
             200},
            {"checkpoint", {"GET", fx.register_url, "/checkpoint.held", {0}, NULL, {0}, 0}, 200},
            {"tile", {"GET", fx.register_url, "/tile/entries/000.p/1", {0}, NULL, {0}, 0}, 200},
            {"cosign",
             {"POST", fx.register_url, "/cosign", {0}, "text/plain", dt_buf_view(&note), 0},
             200},
        };

        for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
            dt_mem_fault(no_memory, NULL);
            each(&asks[i], "allocation");
            dt_mem_fault(NULL, NULL);
            dt_db_fault(no_disk, NULL);
            each(&asks[i], "look at the disk");
            dt_db_fault(NULL, NULL);
        }
    }
}

static enum dt_err
as_it_is(struct dt_db *db, uint32_t from, void *ctx)
{
    (void)db;
    (void)from;
    (void)ctx;
    return DT_ERR_INTERNAL;
}

/* What stands in the store is not what this program wrote: not the peer's fault either. */
static void
damaged(void **state)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer answer = {0};
    DT_CLEANUP(dt_db_close_p) struct dt_db *db = NULL;
    struct dt_db_config config = {
        .path = fx.store, .app_id = 0x64745201u, .version = 4, .migrate = as_it_is};
    struct dt_http_call call = {.method = "GET", .base = fx.url, .bearer = dt_view_of(queue.read)};
    char cells[160], address[65];

    (void)state;
    dt_hex_str(address, dt_view_of(queue.address));
    (void)snprintf(cells, sizeof(cells), "/v1/queues/%s/cells", address);
    call.path = cells;
    OK(dt_http_call(fx.http, &call, &answer));
    assert_int_equal(answer.status, 200);
    dt_http_answer_clear(&answer);
    if (fixture_on_postgres()) {
        fixture_psql(fx.store, "UPDATE queue SET read_hash = decode('00', 'hex')");
    } else {
        OK(dt_db_open(&config, &db));
        OK(dt_db_exec(db, "UPDATE queue SET read_hash = x'00'"));
    }
    dt_recent_forget(relay->recent, queue.address);
    OK(dt_http_call(fx.http, &call, &answer));
    assert_int_equal(answer.status, 503);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(shortages, start, stop),
                                       cmocka_unit_test_setup_teardown(damaged, start, stop)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
