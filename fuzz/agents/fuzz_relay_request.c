/*
 * fuzz/agents/fuzz_relay_request.c - one request to a relay that has queues and a register: route,
 * query, token and body, through the real handlers and the real store.
 *
 *     METHOD path?query LF bearer LF body
 *
 * $A $R $W in it stand for a queue's address and its tokens, $G for the register, $K for the append
 * key: in hex; $T for the queue token, 32 bytes. The store is put back when it was changed.
 */
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/crypto.h"
#include "net/relay_wire.h"
#include "relay/handlers.h"
#include "relay/relay.h"
#include "relay/store/internal.h"

#include "line.h"
#include "must.h"
#include "snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX 65536u
#define CELLS    3

static struct dt_relay *relay;
static struct snapshot snapshot;
static char store_path[128];
static char address_hex[65], read_hex[65], write_hex[65], key_hex[65], register_hex[33];
static uint8_t queue_token[32];

static void
remove_store(void)
{
    char command[192];

    (void)snprintf(command, sizeof command, "rm -rf '%.*s'",
                   (int)(strrchr(store_path, '/') - store_path), store_path);
    if (system(command) != 0)
        (void)fputs("the store could not be removed\n", stderr);
}

static void
post(const char *path, const char *bearer, struct dt_view body)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(0);
    struct line_request r = {DT_HTTP_POST, path, "", dt_view_str(bearer), body};

    must(line_ask(&r, &answer) / 100 == 2);
}

static void
make_queue(void)
{
    struct dt_wire_create create;
    uint8_t read_token[32], write_token[32], address[32], both[64];
    char path[128];

    memset(read_token, 'r', 32);
    memset(write_token, 'w', 32);
    memcpy(create.queue_token, queue_token, 32);
    must(dt_sha256(dt_view_of(read_token), create.read_hash) == DT_OK);
    must(dt_sha256(dt_view_of(write_token), create.write_hash) == DT_OK);
    memcpy(both, create.read_hash, 32);
    memcpy(both + 32, create.write_hash, 32);
    must(dt_label_hash("queue", dt_view_of(both), address) == DT_OK);
    dt_hex_str(address_hex, dt_view_of(address));
    dt_hex_str(read_hex, dt_view_of(read_token));
    dt_hex_str(write_hex, dt_view_of(write_token));
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(256);

        must(dt_wire_create_encode(&create, &body) == DT_OK);
        post("/v1/queues", "", dt_buf_view(&body));
    }
    (void)snprintf(path, sizeof path, "/v1/queues/%s/cells", address_hex);
    for (uint8_t i = 0; i < CELLS; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1024);
        uint8_t cell[512] = {i};
        struct dt_wire_append append = {{i}, dt_view_of(cell)};

        must(dt_wire_append_encode(&append, &body) == DT_OK);
        post(path, write_hex, dt_buf_view(&body));
    }
}

static void
make_entries(void)
{
    char path[128];

    (void)snprintf(path, sizeof path, "/r/%s/append", register_hex);
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t entry[33] = {1, i};

        post(path, key_hex, dt_view_of(entry));
    }
}

static void
set_up(void)
{
    static const char *const parties[] = {"blue", "red"};
    static const char *const vkeys[] = {
        "witness.example/shared-w1+d9bf466b+BLTQ7SgUejssKnislm+FUv6AaV7Xu6So6glk79awn8VJ",
        "witness.example/shared-w2+0667d9f6+BGC/I1H9es93/Ip250oOQoTi9rcrhuIhBmIgBHZe9AKf"};
    const char *dir = getenv("DT_FUZZ_DIR");
    struct dt_grant_order order = {.url = "http://relay.example",
                                   .parties = parties,
                                   .n_parties = 2,
                                   .daily_entries = 1000,
                                   .bounds.queues = 5,
                                   .bounds.queue_cells = 5};
    struct dt_relay_config config = {.store = store_path, .listen = ""};
    struct dt_relay_store_config store = {.path = store_path, .create = true};
    struct dt_relay_store *s = NULL;
    struct dt_grant *g = calloc(2, sizeof *g);
    struct dt_grant_witness *witness = calloc(2, sizeof *witness);

    must(g != NULL && witness != NULL && dt_crypto_init() == DT_OK);
    must(snprintf(store_path, sizeof store_path, "%s/detente-fuzz-XXXXXX",
                  dir != NULL ? dir : "/dev/shm") < 100);
    must(mkdtemp(store_path) != NULL);
    strcat(store_path, "/relay.db");
    must(atexit(remove_store) == 0);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(witness[i].group, sizeof witness[i].group, "%s", parties[i]);
        (void)snprintf(witness[i].vkey, sizeof witness[i].vkey, "%s", vkeys[i]);
    }
    order.witnesses = witness;
    order.n_witnesses = 2;
    must(dt_relay_store_open(&store, &s) == DT_OK);
    must(dt_relay_store_grant(s, &order, g) == DT_OK);
    dt_relay_store_close(s);
    memcpy(queue_token, g[0].queue_token, 32);
    dt_hex_str(key_hex, dt_view_of(g[0].append_key));
    memcpy(register_hex, g[0].register_id, 33);
    free(g);
    free(witness);
    must(dt_relay_start(&config, &relay) == DT_OK);
    make_queue();
    make_entries();
    snapshot_take(&snapshot, relay->store->w);
}

/* ${in} with the names after '$' filled in. */
static void
fill_in(struct dt_view in, struct dt_buf *out)
{
    for (size_t i = 0; i < in.n; i++) {
        const char *text = NULL;

        if (in.p[i] == '$' && i + 1 < in.n) {
            switch (in.p[i + 1]) {
            case 'A':
                text = address_hex;
                break;
            case 'R':
                text = read_hex;
                break;
            case 'W':
                text = write_hex;
                break;
            case 'G':
                text = register_hex;
                break;
            case 'K':
                text = key_hex;
                break;
            case 'T':
                must(dt_buf_append(out, dt_view_of(queue_token)) == DT_OK);
                i++;
                continue;
            default:
                break;
            }
        }
        must(dt_buf_append(out, text != NULL ? dt_view_str(text) : dt_view(in.p + i, 1)) == DT_OK);
        i += text != NULL;
    }
}

/* What the gate lets through as a path, and as a query. */
static bool
passes(const char *s, const char *more)
{
    for (; *s != '\0'; s++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", *s) ==
                NULL &&
            strchr(more, *s) == NULL)
            return false;
    return true;
}

/* The queue's cells are those that were put in, and perhaps one more; the register holds. */
static void
check(void)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(0);
    char path[128];
    struct line_request r = {DT_HTTP_GET, path, "after=0", dt_view_str(read_hex), dt_view(NULL, 0)};
    struct dt_wire_items items;
    struct dt_wire_item item;
    uint64_t last = 0;
    bool more = true;
    size_t n = 0;

    (void)snprintf(path, sizeof path, "/v1/queues/%s/cells", address_hex);
    must(line_ask(&r, &answer) == 200);
    must(dt_wire_items_begin(dt_buf_view(&answer), &last, &items) == DT_OK);
    while (dt_wire_items_next(&items, &item, &more) == DT_OK && more) {
        must(item.position == n + 1);
        must(n >= CELLS || (item.cell.n == 512 && item.cell.p[0] == n));
        n++;
    }
    must(!more && n == last && n >= CELLS);
    must(dt_relay_store_check(relay->store, &n) == DT_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned int known[] = {200, 201, 400, 401, 403, 404, 405, 409, 413, 429, 507};
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(2 * TEXT_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(0);
    struct dt_view lines[2], rest;
    char target[512], *query;
    struct line_request r = {0};
    unsigned int status;
    size_t i = 0;

    if (relay == NULL)
        set_up();
    if (size > TEXT_MAX / 64)
        return 0;
    fill_in(dt_view(data, size), &text);
    rest = dt_buf_view(&text);
    for (size_t k = 0; k < 2; k++) {
        const uint8_t *end = rest.n == 0 ? NULL : memchr(rest.p, '\n', rest.n);

        if (end == NULL)
            return 0;
        lines[k] = dt_view(rest.p, (size_t)(end - rest.p));
        rest = dt_view(end + 1, rest.n - lines[k].n - 1);
    }
    if (lines[0].n < 5 || lines[0].n >= sizeof target)
        return 0;
    r.method = memcmp(lines[0].p, "POST ", 5) == 0 ? DT_HTTP_POST : DT_HTTP_GET;
    memcpy(target, lines[0].p, lines[0].n);
    target[lines[0].n] = '\0';
    if (strlen(target) != lines[0].n)
        return 0;
    r.path = target + (r.method == DT_HTTP_POST ? 5 : 4);
    query = strchr(r.path, '?');
    if (query != NULL)
        *query++ = '\0';
    r.query = query == NULL ? "" : query;
    if (r.path[0] != '/' || !passes(r.path, "/") || !passes(r.query, "&="))
        return 0;
    r.bearer = lines[1].n == 0 ? dt_view(NULL, 0) : lines[1];
    r.body = rest;
    status = line_ask(&r, &answer);
    while (i < sizeof known / sizeof known[0] && known[i] != status)
        i++;
    must(i < sizeof known / sizeof known[0]);
    if (r.method == DT_HTTP_POST && status / 100 == 2)
        check();
    if (snapshot_put_back(&snapshot, relay->store->w))
        store_register_drop_all(relay->store);
    if (status / 100 == 2 && getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fprintf(stderr, "accepted\n");
    return 0;
}
