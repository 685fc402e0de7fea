/*
 * tests/relay/test_routes.c - what a relay says with its answers, route by route: status, content
 * type, cache header, and who may read them from a page; tiles of a register, whole and partial;
 * and a register that is read with a key alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "log/proof.h"
#include "log/tile_read.h"
#include "relay_fixture.h"

#define ENTRIES 300u
#define BINARY  "application/octet-stream"
#define TEXT    "text/plain; charset=utf-8"
#define JSON    "application/json"
#define HTML    "text/html; charset=utf-8"
#define EVER    "public, max-age=31536000, immutable"

static struct fixture fx;

static void
seal_of(uint32_t i, uint8_t seal[static 32])
{
    uint8_t number[4] = {(uint8_t)i, (uint8_t)(i >> 8), 7, 7};

    OK(dt_sha256(dt_view_of(number), seal));
}

static void
append_entries(uint32_t n)
{
    uint8_t seal[32];
    uint64_t index = 0;

    for (uint32_t i = 0; i < n; i++) {
        seal_of(i, seal);
        OK(dt_register_append(fx.http, fx.register_url, dt_view_of(fx.grant[0].append_key), seal,
                              &index));
        assert_int_equal(index, i);
    }
}

/* Two of three witnesses cosign what is held. */
static void
cosign(void)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf cosigned = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note parsed = {0};

    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &note));
    OK(tlog_note_parse(dt_buf_view(&note), &parsed));
    OK(dt_buf_append(&cosigned, dt_buf_view(&note)));
    for (size_t i = 0; i < 2; i++)
        OK(tlog_cosign(&fx.witness[i], parsed.text, 1700000000, &cosigned));
    OK(dt_register_cosign(fx.http, fx.register_url, dt_buf_view(&cosigned)));
}

static int
start(void **state)
{
    static const char *const limits[] = {"--daily-entries", "1000", NULL};

    (void)state;
    fixture_begin(&fx, limits);
    append_entries(ENTRIES);
    cosign();
    return 0;
}

static int
start_private(void **state)
{
    static const char *const limits[] = {"--read-key", NULL};

    (void)state;
    fixture_begin(&fx, limits);
    append_entries(3);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    fixture_finish(&fx);
    return 0;
}

/* Send a request on a connection of its own and take in all that comes back. */
static void
raw(const char *method, const char *path, const uint8_t *bearer, struct dt_view body,
    struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_BODY_MAX);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)fx.port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char hex[65];

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    OK(dt_buf_printf(&b, "%s %s HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\nConnection: close\r\n",
                     method, path));
    if (bearer != NULL) {
        dt_hex_str(hex, dt_view(bearer, 32));
        OK(dt_buf_printf(&b, "Authorization: Bearer %s\r\n", hex));
    }
    if (strcmp(method, "POST") == 0)
        OK(dt_buf_printf(&b, "Content-Length: %zu\r\n", body.n));
    OK(dt_buf_printf(&b, "\r\n"));
    OK(dt_buf_append(&b, body));
    assert_int_equal(send(fd, b.p, b.n, MSG_NOSIGNAL), (ssize_t)b.n);
    for (;;) {
        uint8_t some[4096];
        ssize_t got = recv(fd, some, sizeof(some), 0);

        if (got <= 0)
            break;
        OK(dt_buf_append(out, dt_view(some, (size_t)got)));
    }
    close(fd);
}

/* The value of the header ${name} in ${answer}, "" when it is not there. */
static const char *
header(const struct dt_buf *answer, const char *name, char out[static 128])
{
    char line[64];
    const char *at, *end;

    out[0] = '\0';
    (void)snprintf(line, sizeof(line), "\r\n%s: ", name);
    at = memmem(answer->p, answer->n, line, strlen(line));
    if (at == NULL)
        return out;
    at += strlen(line);
    end = memmem(at, answer->n - (size_t)(at - (const char *)answer->p), "\r\n", 2);
    assert_true(end != NULL && end - at < 127);
    (void)snprintf(out, 128, "%.*s", (int)(end - at), at);
    return out;
}

struct route {
    const char *method, *path; /* "~" at its beginning stands for the register's path */
    unsigned int status;
    const char *type, *cache;
    bool public;
    const uint8_t *bearer;
    struct dt_view body;
};

static void
check_routes(const struct route *routes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
        const struct route *r = &routes[i];
        char path[256], status[32], value[128];

        (void)snprintf(path, sizeof(path), "%s%s%s", r->path[0] == '~' ? "/r/" : "",
                       r->path[0] == '~' ? fx.grant[0].register_id : "",
                       r->path[0] == '~' ? r->path + 1 : r->path);
        (void)snprintf(status, sizeof(status), "HTTP/1.1 %u ", r->status);
        raw(r->method, path, r->bearer, r->body, &answer);
        print_message("%s %s: %.12s\n", r->method, path, (const char *)answer.p);
        assert_memory_equal(answer.p, status, strlen(status));
        assert_string_equal(header(&answer, "Access-Control-Allow-Origin", value),
                            r->public ? "*" : "");
        assert_string_equal(header(&answer, "Content-Type", value), r->type);
        assert_string_equal(header(&answer, "Cache-Control", value), r->cache);
    }
}

/* Every route of relay.c and handle_register.c, done and refused: a page of another site may read
 * the public reads of a register, and nothing else. */
static void
every_route(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf entry = DT_BUF_INIT(64);
    DT_CLEANUP(dt_buf_clear) struct dt_buf create = DT_BUF_INIT(256);
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct fixture_queue q;
    struct dt_wire_create c;
    uint8_t seal[32];
    char cells[160], hex[65];

    (void)state;
    fixture_queue_new(&fx, &q);
    dt_hex_str(hex, dt_view_of(q.address));
    (void)snprintf(cells, sizeof(cells), "/v1/queues/%s/cells", hex);
    memcpy(c.queue_token, fx.grant[0].queue_token, 32);
    OK(dt_sha256(dt_view_of(q.read), c.read_hash));
    OK(dt_sha256(dt_view_of(q.write), c.write_hash));
    OK(dt_wire_create_encode(&c, &create));
    seal_of(0, seal);
    OK(dt_wire_entry_encode(seal, &entry));
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_ATTESTED, &note));
    {
        const uint8_t *key = fx.grant[0].append_key;
        const struct dt_view none = {NULL, 0}, held = dt_buf_view(&entry);
        const struct route routes[] = {
            {"GET", "/v1/health", 200, JSON, "no-store", false, NULL, none},
            {"POST", "/v1/health", 405, JSON, "no-store", false, NULL, none},
            {"GET", "/v1/queues", 405, JSON, "no-store", false, NULL, none},
            {"POST", "/v1/queues", 200, BINARY, "no-store", false, NULL, dt_buf_view(&create)},
            {"POST", "/v1/queues", 400, JSON, "no-store", false, NULL, none},
            {"GET", cells, 200, BINARY, "no-store", false, q.read, none},
            {"GET", cells, 401, JSON, "no-store", false, NULL, none},
            {"POST", cells, 400, JSON, "no-store", false, q.write, none},
            {"GET", "/v1/poll", 405, JSON, "no-store", false, NULL, none},
            {"POST", "/v1/poll", 400, JSON, "no-store", false, NULL, none},
            {"GET", "/", 200, HTML, "no-cache", false, NULL, none},
            {"POST", "/", 405, JSON, "no-store", false, NULL, none},
            {"GET", "/index.html", 404, JSON, "no-store", false, NULL, none},
            {"PUT", "~/checkpoint", 405, JSON, "no-store", false, NULL, none},
            {"OPTIONS", "~/checkpoint", 405, JSON, "no-store", false, NULL, none},
            {"GET", "/r/none/checkpoint", 404, JSON, "no-store", false, NULL, none},
            {"POST", "~/append", 200, BINARY, "no-store", false, key, held},
            {"POST", "~/append?proof=1", 200, TEXT, "no-store", false, key, held},
            {"POST", "~/append?proof=2", 400, JSON, "no-store", false, key, held},
            {"POST", "~/append?proof=1", 401, JSON, "no-store", false, NULL, held},
            {"POST", "~/append", 401, JSON, "no-store", false, NULL, held},
            {"POST", "~/append", 403, JSON, "no-store", false, q.read, held},
            {"POST", "~/append", 400, JSON, "no-store", false, key, none},
            {"GET", "~/append", 404, JSON, "no-store", true, NULL, none},
            {"POST", "~/cosign", 200, "", "no-store", false, NULL, dt_buf_view(&note)},
            {"POST", "~/cosign", 400, JSON, "no-store", false, NULL, none},
            {"POST", "~/checkpoint", 405, JSON, "no-store", false, NULL, none},
            {"GET", "~/checkpoint", 200, TEXT, "no-cache", true, NULL, none},
            {"GET", "~/checkpoint.held", 200, TEXT, "no-cache", true, NULL, none},
            {"GET", "~/checkpoint.final", 404, JSON, "no-store", true, NULL, none},
            {"GET", "~/witnesses", 200, JSON, "no-cache", true, NULL, none},
            {"POST", "~/witnesses", 405, JSON, "no-store", false, NULL, none},
            {"GET", "~/checkpoint?size=x", 400, JSON, "no-store", true, NULL, none},
            {"GET", "~/checkpoint.held?after=300&wait=1", 404, JSON, "no-store", true, NULL, none},
            {"GET", "~/tile/0/000", 200, BINARY, EVER, true, NULL, none},
            {"GET", "~/tile/0/001.p/44", 200, BINARY, EVER, true, NULL, none},
            {"GET", "~/tile/1/000.p/1", 200, BINARY, EVER, true, NULL, none},
            {"GET", "~/tile/entries/000", 200, BINARY, EVER, true, NULL, none},
            {"GET", "~/tile/entries/001.p/44", 200, BINARY, EVER, true, NULL, none},
            {"GET", "~/tile/0/000.p/255", 200, BINARY, EVER, true, NULL, none},
            {"GET", "~/tile/0/001", 404, JSON, "no-store", true, NULL, none},
            {"GET", "~/tile/0/001.p/45", 404, JSON, "no-store", true, NULL, none},
            {"GET", "~/tile/0/001.p/0", 404, JSON, "no-store", true, NULL, none},
            {"GET", "~/tile/0/000.p/256", 404, JSON, "no-store", true, NULL, none},
            {"GET", "~/tile/2/000.p/1", 404, JSON, "no-store", true, NULL, none},
            {"GET", "~/tile/entries/001.p/45", 404, JSON, "no-store", true, NULL, none},
            {"GET", "~/tile/entries/001", 404, JSON, "no-store", true, NULL, none},
            {"GET", "~/tile/0/0", 404, JSON, "no-store", true, NULL, none},
        };

        check_routes(routes, sizeof(routes) / sizeof(routes[0]));
    }
}

static enum dt_err
tile_over_http(void *ctx, const struct tlog_tile *tile, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(TLOG_PATH_STR_MAX + 1);

    (void)ctx;
    OK(tlog_tile_path_write(tile, &path));
    OK(dt_buf_append(&path, dt_view((const uint8_t *)"", 1)));
    return dt_register_file(fx.http, fx.register_url, (const char *)path.p, out);
}

/* Every entry of every size that was held is proved by tiles of the widths that the size has. */
static void
tiles_prove(void **state)
{
    struct tlog_hash leaf[ENTRIES], want, root;
    struct tlog_leaves leaves = {leaf, ENTRIES};
    struct tlog_path path;
    uint8_t seal[32];

    (void)state;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf entry = DT_BUF_INIT(64);

        seal_of(i, seal);
        OK(dt_wire_entry_encode(seal, &entry));
        OK(tlog_leaf_hash(dt_buf_view(&entry), &leaf[i]));
    }
    for (uint64_t size = 1; size <= ENTRIES; size += 23) {
        OK(tlog_root_make(tlog_leaves_node, &leaves, size, &want));
        for (uint64_t i = 0; i < size; i += 1 + size / 5) {
            OK(tlog_tiles_inclusion(tile_over_http, NULL, i, size, &want, &path, &root));
            assert_true(tlog_hash_equal(&root, &leaf[i]));
        }
    }
}

/* Who hands in an entry, new or held already, gets its proof with the answer. */
static void
proofs_with_answers(void **state)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    struct tlog_vkey log;

    (void)state;
    OK(tlog_vkey_parse(dt_view_str(fx.grant[0].vkey), &log));
    OK(tlog_policy_add_log(&policy, &log, dt_view_str("")));
    OK(tlog_policy_add_witness(&policy, dt_view_str("w"), &fx.witness[0].vkey, dt_view_str("")));
    OK(tlog_policy_set_quorum(&policy, dt_view_str("w")));
    for (uint32_t i = ENTRIES - 50; i < ENTRIES + 50; i += 7) {
        DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer answer = {0};
        DT_CLEANUP(tlog_proof_clear) struct tlog_proof proof = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf entry = DT_BUF_INIT(64);
        struct dt_http_call call = {.method = "POST",
                                    .base = fx.register_url,
                                    .path = "/append?proof=1",
                                    .bearer = dt_view_of(fx.grant[0].append_key)};
        struct tlog_policy_state verdict;
        struct tlog_hash leaf;
        uint8_t seal[32];
        bool held = i < ENTRIES;

        seal_of(i, seal);
        OK(dt_wire_entry_encode(seal, &entry));
        OK(tlog_leaf_hash(dt_buf_view(&entry), &leaf));
        call.body = dt_buf_view(&entry);
        OK(dt_http_call(fx.http, &call, &answer));
        assert_int_equal(answer.status, 200);
        OK(tlog_proof_parse(dt_buf_view(&answer.body), &proof));
        OK(tlog_proof_evaluate(&proof, &leaf, &policy, &log, &verdict));
        assert_true(held ? proof.index == i : proof.index >= ENTRIES);
        assert_true(verdict.checkpoint.size > proof.index);
        assert_int_equal(verdict.quorum, held); /* nobody has cosigned the newest yet */
        entry.p[32] ^= 1;
        OK(tlog_leaf_hash(dt_buf_view(&entry), &leaf));
        assert_int_equal(tlog_proof_evaluate(&proof, &leaf, &policy, &log, &verdict), DT_ERR_PROOF);
    }
}

/* ---- a register that is read with a key ---- */

static void
private_reads(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf entries = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    const struct dt_view none = {NULL, 0};
    const uint8_t *key = fx.grant[1].read_key, *wrong = fx.grant[1].append_key;
    const struct route routes[] = {
        {"GET", "~/checkpoint.held", 401, JSON, "no-store", false, NULL, none},
        {"GET", "~/checkpoint.held", 403, JSON, "no-store", false, wrong, none},
        {"GET", "~/checkpoint.held", 200, TEXT, "no-store", false, key, none},
        {"GET", "~/checkpoint", 401, JSON, "no-store", false, NULL, none},
        {"GET", "~/checkpoint", 404, JSON, "no-store", false, key, none},
        {"GET", "~/checkpoint?size=0", 401, JSON, "no-store", false, NULL, none},
        {"GET", "~/checkpoint.held?after=3&wait=1", 401, JSON, "no-store", false, NULL, none},
        {"GET", "~/checkpoint.held?after=3&wait=1", 404, JSON, "no-store", false, key, none},
        {"GET", "~/witnesses", 401, JSON, "no-store", false, NULL, none},
        {"GET", "~/witnesses", 200, JSON, "no-store", false, key, none},
        {"GET", "~/tile/0/000.p/3", 401, JSON, "no-store", false, NULL, none},
        {"GET", "~/tile/0/000.p/3", 200, BINARY, "no-store", false, key, none},
        {"GET", "~/tile/entries/000.p/3", 403, JSON, "no-store", false, wrong, none},
        {"GET", "~/tile/entries/000.p/3", 200, BINARY, "no-store", false, key, none},
        {"POST", "~/append", 403, JSON, "no-store", false, key, none}, /* it reads, no more */
    };
    uint8_t from_file[32];
    char path[160];

    (void)state;
    assert_true(fx.grant[0].has_read_key);
    assert_memory_equal(fx.grant[0].read_key, key, 32);
    (void)snprintf(path, sizeof(path), "%s/grants/read-key", fx.dir);
    OK(dt_read_key_load(path, from_file));
    assert_memory_equal(from_file, key, 32);
    check_routes(routes, sizeof(routes) / sizeof(routes[0]));
    assert_int_equal(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &note),
                     DT_ERR_REFUSED);
    dt_http_client_read_key(fx.http, key);
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_HELD, &note));
    OK(dt_register_file(fx.http, fx.register_url, "tile/entries/000.p/3", &entries));
    cosign(); /* handing in needs no key: what is handed in is signed */
    OK(dt_register_checkpoint(fx.http, fx.register_url, DT_CHECKPOINT_ATTESTED, &note));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_route, start, stop),
        cmocka_unit_test_setup_teardown(tiles_prove, start, stop),
        cmocka_unit_test_setup_teardown(proofs_with_answers, start, stop),
        cmocka_unit_test_setup_teardown(private_reads, start_private, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
