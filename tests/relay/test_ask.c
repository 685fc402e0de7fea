/*
 * tests/relay/test_ask.c - a relay that asks witnesses by c2sp.org/tlog-witness: a real witness
 * that is new, restarted, ahead, refusing, gone and back; hostile ones that answer anything; and
 * appends that none of them holds up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "base/time.h"
#include "crypto/crypto.h"
#include "log/cosignature.h"
#include "log/witness.h"
#include "net/relay_client.h"
#include "net/server.h"
#include "relay/relay.h"
#include "relay/witness/ask.h"
#include "relay/witness/server.h"
#include "relay_fixture.h"

#include "../base/folder.h"

#define WAIT_MS 8000u

static char dir[64], store[FIXTURE_STORE], key_path[96], state_path[96], witness_url[64],
    register_url[256];
static struct tlog_signer outside, north, south; /* the first is asked */
static struct dt_grant grant;
static struct dt_relay *relay;
static struct relay_witness *witness;
static struct dt_http_server *hostile;
static struct dt_http_client *http;
static uint64_t n_appended;

/* ---- programs ---- */

static void
start_witness(const struct tlog_vkey *log, unsigned int port)
{
    char listen_at[32];
    struct relay_witness_config config = {.key_path = key_path,
                                          .state_path = state_path,
                                          .listen = listen_at,
                                          .logs = log,
                                          .n_logs = 1};

    (void)snprintf(listen_at, sizeof(listen_at), "127.0.0.1:%u", port);
    OK(relay_witness_start(&config, &witness));
}

static struct tlog_vkey
log_key(void)
{
    struct tlog_vkey key;

    OK(tlog_vkey_parse(dt_view_str(grant.vkey), &key));
    return key;
}

static void
stop_witness(void)
{
    relay_witness_stop(witness);
    witness = NULL;
}

static void
start_relay(void)
{
    struct dt_relay_config config = {.store = store,
                                     .listen = "127.0.0.1:0",
                                     .ask_timeout_s = 1,
                                     .ask_gap_ms = 20,
                                     .ask_pause_ms = 50};

    OK(dt_relay_start(&config, &relay));
    (void)snprintf(register_url, sizeof(register_url), "http://127.0.0.1:%u/r/%s",
                   dt_relay_port(relay), grant.register_id);
}

static void
stop_relay(void)
{
    dt_relay_stop(relay, NULL, NULL);
    relay = NULL;
}

/* A port of our own on which nobody listens yet; the socket keeps others away until it is closed.
 */
static int
take_port(bool listening, unsigned int *out)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    if (listening)
        assert_int_equal(listen(fd, 16), 0);
    *out = ntohs(at.sin_port);
    return fd;
}

/* A register whose neutral witness is asked at ${url}; the two others post by themselves. */
static void
make_register(const char *url)
{
    struct dt_relay_store_config config = {.path = store, .create = true};
    struct tlog_signer *signers[3] = {&outside, &north, &south};
    static const char *const groups[3] = {"neutral", "north", "south"};
    struct dt_grant_witness witnesses[3] = {{{0}, {0}}};
    const char *urls[3] = {url, "", ""}, *parties[1] = {"north"};
    struct dt_grant_order order = {.url = "http://127.0.0.1:1",
                                   .parties = parties,
                                   .n_parties = 1,
                                   .witnesses = witnesses,
                                   .witness_urls = urls,
                                   .n_witnesses = 3,
                                   .daily_entries = 100000,
                                   .bounds.queues = 10,
                                   .bounds.queue_cells = 10};
    struct dt_relay_store *s = NULL;

    for (size_t i = 0; i < 3; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_GRANT_VKEY_MAX);

        OK(tlog_vkey_write(&signers[i]->vkey, &b));
        (void)snprintf(witnesses[i].group, sizeof(witnesses[i].group), "%s", groups[i]);
        (void)snprintf(witnesses[i].vkey, sizeof(witnesses[i].vkey), "%.*s", (int)b.n,
                       (const char *)b.p);
    }
    OK(dt_relay_store_open(&config, &s));
    OK(dt_relay_store_grant(s, &order, &grant));
    dt_relay_store_close(s);
}

static int
setup(void **state)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(1024);

    (void)state;
    OK(dt_crypto_init());
    assert_true(test_folder(dir, sizeof(dir), "ask"));
    fixture_store(dir, store);
    (void)snprintf(key_path, sizeof(key_path), "%s/w.key", dir);
    (void)snprintf(state_path, sizeof(state_path), "%s/w.state", dir);
    OK(tlog_signer_new(dt_view_str("witness.example/out"), TLOG_KEY_COSIGNATURE, &outside));
    OK(tlog_signer_new(dt_view_str("witness.example/n"), TLOG_KEY_COSIGNATURE, &north));
    OK(tlog_signer_new(dt_view_str("witness.example/s"), TLOG_KEY_COSIGNATURE, &south));
    OK(tlog_signer_write(&outside, &b));
    OK(dt_buf_append(&b, dt_view_str("\n")));
    OK(dt_file_create(key_path, dt_buf_view(&b), 0600));
    OK(dt_http_client_new(NULL, &http));
    n_appended = 0;
    return 0;
}

static int
teardown(void **state)
{
    char command[96];

    (void)state;
    stop_relay();
    stop_witness();
    dt_http_server_stop(hostile);
    hostile = NULL;
    dt_http_client_free(http);
    tlog_signer_clear(&outside);
    tlog_signer_clear(&north);
    tlog_signer_clear(&south);
    dt_grant_wipe(&grant);
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

/* ---- what is done and seen through the relay ---- */

static void
append(unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        uint8_t seal[32];
        uint64_t index = 0;

        OK(dt_random(seal, sizeof(seal)));
        OK(dt_register_append(http, register_url, dt_view_of(grant.append_key), seal, &index));
        assert_int_equal(index, n_appended++);
    }
}

/* The largest size that the asked witness cosigned, with a line that verifies; 0 when none. */
static uint64_t
cosigned(void)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_checkpoint cp;
    struct tlog_verified v;
    struct tlog_vkey log = log_key();
    char id[16];
    enum dt_err err;

    (void)snprintf(id, sizeof(id), "%08x", outside.vkey.id);
    err = dt_register_checkpoint_by(http, register_url, id, &b);
    if (err == DT_ERR_NOT_FOUND)
        return 0;
    OK(err);
    OK(tlog_note_parse(dt_buf_view(&b), &note));
    OK(tlog_note_check(&note, note.text, &outside.vkey, &v));
    assert_true(v.ok);
    OK(tlog_checkpoint_open(dt_buf_view(&b), &log, &cp));
    return cp.size;
}

static void
wait_cosigned(uint64_t size)
{
    uint64_t end = dt_monotonic_ms() + WAIT_MS;

    while (cosigned() != size) {
        assert_true(dt_monotonic_ms() < end);
        usleep(10000);
    }
}

/* What everyone sees of the witnesses. */
static void
look(struct dt_buf *out)
{
    out->n = 0;
    OK(dt_register_file(http, register_url, "witnesses", out));
    OK(dt_buf_append(out, dt_view_str("")));
}

static bool
shows(const char *text)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);

    look(&b);
    return memmem(b.p, b.n, text, strlen(text)) != NULL;
}

static void
wait_shown(const char *text)
{
    uint64_t end = dt_monotonic_ms() + WAIT_MS;

    while (!shows(text)) {
        assert_true(dt_monotonic_ms() < end);
        usleep(10000);
    }
}

/* North and south cosign what is held and post it, as detente witness does. */
static void
others_cosign(uint64_t time_s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf lines = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};

    OK(dt_register_checkpoint(http, register_url, DT_CHECKPOINT_HELD, &b));
    OK(tlog_note_parse(dt_buf_view(&b), &note));
    OK(tlog_cosign(&north, note.text, time_s, &lines));
    OK(tlog_cosign(&south, note.text, time_s + 1, &lines));
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf all = DT_BUF_INIT(TLOG_NOTE_MAX);

        OK(dt_buf_append(&all, dt_buf_view(&b)));
        OK(dt_buf_append(&all, dt_buf_view(&lines)));
        OK(dt_register_cosign(http, register_url, dt_buf_view(&all)));
    }
}

static bool
is_there(enum dt_checkpoint_kind kind, uint64_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_NOTE_MAX);
    struct tlog_vkey log = log_key();
    struct tlog_checkpoint cp;

    if (dt_register_checkpoint(http, register_url, kind, &b) != DT_OK)
        return false;
    OK(tlog_checkpoint_open(dt_buf_view(&b), &log, &cp));
    return cp.size == size;
}

/* ---- a real witness ---- */

static void
it_is_asked_and_counts(void **state)
{
    struct tlog_vkey log;
    unsigned int port;
    int fd = take_port(false, &port);

    (void)state;
    (void)snprintf(witness_url, sizeof(witness_url), "http://127.0.0.1:%u/", port);
    make_register(witness_url);
    log = log_key();
    close(fd);
    start_witness(&log, port);
    start_relay();
    append(1);
    wait_cosigned(1);
    append(300);
    wait_cosigned(301);
    assert_true(shows("\"asked\": true, \"trouble\": null"));
    /* It counts as its group: two sides are attested, three final. */
    assert_false(is_there(DT_CHECKPOINT_ATTESTED, 301));
    others_cosign(1800000000);
    assert_true(is_there(DT_CHECKPOINT_ATTESTED, 301));
    assert_true(is_there(DT_CHECKPOINT_FINAL, 301));

    /* The relay is started anew: it knows from its store how far this witness is. */
    stop_relay();
    start_relay();
    append(5);
    wait_cosigned(306);

    /* Its store knows nothing of what was cosigned: it begins at 0 and learns the size from 409. */
    stop_relay();
    if (fixture_on_postgres()) {
        fixture_psql(store, "DELETE FROM cosignature");
    } else {
        sqlite3 *db = NULL;

        assert_int_equal(sqlite3_open(store, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "DELETE FROM cosignature", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
    }
    start_relay();
    wait_cosigned(306);
    append(1);
    wait_cosigned(307);
}

static void
it_refuses_until_it_knows_the_log(void **state)
{
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer other = {0};
    struct tlog_vkey log;
    unsigned int port;
    int fd = take_port(false, &port);

    (void)state;
    (void)snprintf(witness_url, sizeof(witness_url), "http://127.0.0.1:%u", port);
    make_register(witness_url);
    OK(tlog_signer_new(dt_view_str("log.example/another"), TLOG_KEY_ED25519, &other));
    close(fd);
    start_witness(&other.vkey, port);
    start_relay();
    append(3);
    wait_shown("\"trouble\": {\"what\": \"refuses\", \"status\": 404, \"since\": 1");
    /* The others do not wait for it, and all see since when it lags. */
    others_cosign(1800000000);
    assert_true(is_there(DT_CHECKPOINT_ATTESTED, 3));
    assert_false(is_there(DT_CHECKPOINT_FINAL, 3));
    assert_true(shows("{\"group\": \"neutral\", \"size\": 0, \"time\": null, \"behind\": true, "
                      "\"behind_since\": 1800000000}"));
    assert_true(
        shows("{\"group\": \"north\", \"size\": 3, \"time\": 1800000000, \"behind\": false, "
              "\"behind_since\": null}"));
    stop_witness();
    log = log_key();
    start_witness(&log, port);
    wait_cosigned(3);
    wait_shown("\"asked\": true, \"trouble\": null");
    assert_true(is_there(DT_CHECKPOINT_FINAL, 3));
}

/* It takes connections and says nothing; then nobody listens; then it is there. */
static void
it_hangs_and_holds_up_nobody(void **state)
{
    struct tlog_vkey log;
    unsigned int port;
    int fd = take_port(true, &port);
    uint64_t began;

    (void)state;
    (void)snprintf(witness_url, sizeof(witness_url), "http://127.0.0.1:%u", port);
    make_register(witness_url);
    start_relay();
    append(1);
    usleep(200000); /* it is being asked by now */
    began = dt_monotonic_ms();
    append(100);
    assert_true(dt_monotonic_ms() - began < 5000);
    wait_shown("\"trouble\": {\"what\": \"unreached\", \"status\": 0, ");
    others_cosign(1800000000);
    assert_true(is_there(DT_CHECKPOINT_ATTESTED, 101));
    close(fd);
    usleep(300000);
    assert_true(shows("\"what\": \"unreached\""));
    log = log_key();
    start_witness(&log, port);
    wait_cosigned(101);

    /* The relay ends in time while one hangs. */
    stop_witness();
    fd = take_port(true, &port);
    append(1);
    usleep(100000);
    began = dt_monotonic_ms();
    stop_relay();
    assert_true(dt_monotonic_ms() - began < 4000);
    close(fd);
}

/* A relay put back from an older copy: the witness has cosigned more than it holds. */
static void
it_is_ahead_of_a_restored_relay(void **state)
{
    char command[800];
    struct tlog_vkey log;
    unsigned int port;
    int fd = take_port(false, &port);

    (void)state;
    (void)snprintf(witness_url, sizeof(witness_url), "http://127.0.0.1:%u", port);
    make_register(witness_url);
    log = log_key();
    close(fd);
    start_witness(&log, port);
    start_relay();
    append(2);
    wait_cosigned(2);
    stop_relay();
    (void)snprintf(command, sizeof(command), "cp %s %s/copy.db", store, dir);
    assert_int_equal(system(command), 0);
    start_relay();
    append(4);
    wait_cosigned(6);
    stop_relay();
    (void)snprintf(command, sizeof(command), "rm -f %s-wal %s-shm; cp %s/copy.db %s", store, store,
                   dir, store);
    assert_int_equal(system(command), 0);
    start_relay();
    n_appended = 2;
    append(1); /* another third entry */
    wait_shown("\"what\": \"ahead\", \"status\": 409");
    assert_int_equal(cosigned(), 2);
    /* Beyond what it cosigned the new history is not the old one. */
    append(5);
    wait_shown("\"what\": \"refuses\", \"status\": 422");
    assert_int_equal(cosigned(), 2);
}

/* ---- news at any moment ---- */

static struct {
    struct relay_asker *asker;
    atomic_bool on_disk;
} one;

static void
entry_is_on_disk(struct dt_relay_store_job *job)
{
    atomic_store(&one.on_disk, true);
    relay_asker_news(one.asker, job->u.entry.reg);
}

/* The last news of a new entry may come just when the witness was found to need nothing: then it is
 * asked once more. */
static void
news_while_it_is_asked_counts(void **state)
{
    struct dt_relay_store_config config = {.path = store};
    struct relay_asker_config ask = {.store = store, .gap_ms = 1, .pause_ms = 50};
    struct dt_relay_store_writer *writer = NULL;
    struct dt_relay_store *s = NULL;
    struct dt_hub *hub = NULL;
    struct tlog_vkey log;
    unsigned int port;
    int fd = take_port(false, &port);
    int64_t reg = 0;

    (void)state;
    (void)snprintf(witness_url, sizeof(witness_url), "http://127.0.0.1:%u", port);
    make_register(witness_url);
    log = log_key();
    close(fd);
    start_witness(&log, port);
    OK(dt_relay_store_open(&config, &s));
    OK(dt_relay_store_next_register(s, 0, &reg));
    OK(dt_hub_new(&hub));
    OK(dt_writer_start(s, NULL, NULL, &writer));
    ask.writer = writer;
    ask.hub = hub;
    OK(relay_asker_start(&ask, &one.asker));
    relay_asker_go(one.asker);
    for (uint64_t n = 1; n <= 150; n++) {
        struct dt_relay_store_job job = {.kind = DT_JOB_ENTRY, .done = entry_is_on_disk};
        uint64_t end, size = 0, time_s = 0;

        job.u.entry.reg = reg;
        OK(dt_random(job.u.entry.seal, sizeof(job.u.entry.seal)));
        OK(dt_sha256(dt_view_of(grant.append_key), job.u.entry.key_hash));
        atomic_store(&one.on_disk, false);
        OK(dt_writer_submit(writer, &job));
        while (!atomic_load(&one.on_disk))
            relay_asker_news(one.asker, reg); /* so that it is looked at all the time */
        for (end = dt_monotonic_ms() + 3000; size != n;) {
            OK(dt_relay_store_cosigned(s, reg, outside.vkey.id, &size, &time_s));
            assert_true(dt_monotonic_ms() < end);
            usleep(200);
        }
    }
    relay_asker_stop(one.asker);
    dt_writer_finish(writer);
    relay_asker_free(one.asker);
    dt_writer_stop(writer);
    dt_hub_free(hub);
    dt_relay_store_close(s);
}

/* ---- hostile ones ---- */

static struct {
    unsigned int status;
    const char *type;
    struct dt_buf body;
    bool flip; /* say another size each time */
} say;
static atomic_uint n_asked;

static enum dt_http_next
answer(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct dt_buf b = DT_BUF_INIT(1u << 20);
    unsigned int nth = atomic_fetch_add(&n_asked, 1);

    (void)ctx;
    (void)req;
    if (say.flip)
        dt_ignore(dt_buf_printf(&b, "%u\n", nth % 2), "a test's answer");
    else
        dt_ignore(dt_buf_append(&b, dt_buf_view(&say.body)), "a test's answer");
    dt_http_reply_body(reply, say.status, say.type, &b);
    return DT_HTTP_REPLY;
}

/* A cosignature line by ${s} on the checkpoint of size ${size}; one bit of it changed if ${spoil}.
 */
static void
line_by(const struct tlog_signer *s, uint64_t size, bool spoil, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};

    OK(dt_register_checkpoint_of(http, register_url, size, &b));
    OK(tlog_note_parse(dt_buf_view(&b), &note));
    OK(tlog_cosign(s, note.text, 1800000000, out));
    if (spoil)
        out->p[out->n - 20] = out->p[out->n - 20] == 'A' ? 'B' : 'A';
}

static void
hostile_answers(void **state)
{
    struct dt_http_server_config config = {.listen = "127.0.0.1:0", .handler = answer};
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer stranger = {0};
    unsigned int before;

    (void)state;
    memset(&say, 0, sizeof(say));
    dt_buf_init(&say.body, 1u << 20);
    say.status = 503;
    OK(dt_http_server_start(&config, &hostile));
    (void)snprintf(witness_url, sizeof(witness_url), "http://127.0.0.1:%u",
                   dt_http_server_port(hostile));
    make_register(witness_url);
    OK(tlog_signer_new(dt_view_str("witness.example/out"), TLOG_KEY_COSIGNATURE, &stranger));
    start_relay();
    append(2);
    wait_shown("\"what\": \"unreached\", \"status\": 503");
    for (int i = 0; i < 9; i++) {
        static const char *const want[] = {"unsigned", "unsigned", "unsigned",
                                           "unsigned", "unsigned", "unreached",
                                           "ahead",    "refuses",  "refuses"};
        char shown[64];

        DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(TLOG_NOTE_MAX);

        switch (i) {
        case 0: /* nothing */
            break;
        case 1: /* rubbish */
            OK(dt_buf_append(&body, dt_view_str("\xe2\x80\x94 x AAAA\n\xff\n")));
            break;
        case 2: /* a stranger's line, of the same name */
            line_by(&stranger, 2, false, &body);
            break;
        case 3: /* its own line, spoiled */
            line_by(&outside, 2, true, &body);
            break;
        case 4: /* another witness's good line alone */
            line_by(&north, 2, false, &body);
            break;
        case 5:
            OK(dt_buf_append(&body, dt_view_str("many\n")));
            break;
        case 6:
            OK(dt_buf_append(&body, dt_view_str("9223372036854775807\n")));
            break;
        case 7: /* the size that it was asked from */
            OK(dt_buf_append(&body, dt_view_str("0\n")));
            break;
        case 8:
        default:
            break;
        }
        /* The answer is put in place while nobody asks. */
        stop_relay();
        say.status = i < 5 ? 200 : 409;
        say.flip = i == 8;
        OK(dt_buf_set(&say.body, dt_buf_view(&body)));
        start_relay();
        (void)snprintf(shown, sizeof(shown), "{\"what\": \"%s\", \"status\": %u", want[i],
                       say.status);
        wait_shown(shown);
        assert_int_equal(cosigned(), 0);
    }
    /* With each pause twice the last one, it is not asked without end. */
    before = atomic_load(&n_asked);
    usleep(1000000);
    assert_true(atomic_load(&n_asked) - before < 60);
    /* And the relay lives: */
    append(3);
    others_cosign(1800000000);
    assert_true(is_there(DT_CHECKPOINT_ATTESTED, 5));
    stop_relay();
    dt_buf_clear(&say.body);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(it_is_asked_and_counts),
        T(it_refuses_until_it_knows_the_log),
        T(it_hangs_and_holds_up_nobody),
        T(news_while_it_is_asked_counts),
        T(hostile_answers),
        T(it_is_ahead_of_a_restored_relay), /* copies the file */
    };

    return FIXTURE_TESTS(tests, 5, NULL, NULL);
}
