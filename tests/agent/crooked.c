/*
 * tests/agent/crooked.c - see crooked.h.
 */
#include "agent/channel/channel.h"
#include "base/text.h"

#include "crooked.h"

#define ITEMS_MAX 512

static uint64_t
number(const struct dt_http_request *req, const char *name)
{
    struct dt_view v;
    uint64_t n = 0;

    if (dt_http_query(req, name, &v))
        dt_ignore(dt_decimal_read(v, UINT64_MAX, &n), "0 will do");
    return n;
}

/* The answer that the real relay gave, as this one would have it. */
static enum dt_err
twist(struct crooked *x, struct dt_view answer, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf altered = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    static struct dt_wire_item items[ITEMS_MAX];
    struct dt_wire_items walk;
    struct dt_wire_item item;
    uint64_t last = 0;
    size_t n = 0;
    bool more = true;
    enum dt_err err = dt_wire_items_begin(answer, &last, &walk);

    while (err == DT_OK) {
        if ((err = dt_wire_items_next(&walk, &item, &more)) != DT_OK || !more)
            break;
        if (n == ITEMS_MAX)
            return DT_ERR_LIMIT;
        if ((x->withhold != 0 && item.position >= x->withhold) ||
            (x->skip != 0 && item.position == x->skip))
            continue;
        if (x->skip != 0 && item.position > x->skip)
            item.position--;
        if (x->double_at != 0 && item.position == x->double_at && n > 0) {
            item.cell = items[n - 1].cell;
            memcpy(item.append_id, items[n - 1].append_id, 16);
        }
        items[n++] = item;
    }
    for (size_t i = 0; i < n && x->times > 0; i++) {
        if (x->alter == items[i].position) {
            if ((err = dt_buf_set(&altered, items[i].cell)) != DT_OK)
                return err;
            altered.p[altered.n / 2] ^= 1;
            items[i].cell = dt_buf_view(&altered);
            x->times--;
        } else if (x->swap == items[i].position && i + 1 < n) {
            struct dt_view cell = items[i].cell;

            items[i].cell = items[i + 1].cell;
            items[i + 1].cell = cell;
            x->times--;
        }
    }
    if (x->withhold != 0 && last >= x->withhold)
        last = x->withhold - 1;
    if (x->skip != 0 && last >= x->skip)
        last--;
    return err != DT_OK ? err : dt_wire_items_encode(last, items, n, out);
}

static enum dt_http_next
handle(void *ctx, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct crooked *x = ctx;
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    struct dt_buf body = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_http_call call = {
        .method = req->method == DT_HTTP_POST ? "POST" : "GET", .base = x->url, .body = req->body};
    char path[512], mine[128], hex[65];
    uint8_t token[32];
    uint64_t after = number(req, "after");
    bool lied_about, read;

    dt_hex_str(hex, dt_view_of(x->address));
    (void)snprintf(mine, sizeof mine, "/v1/queues/%s/cells", hex);
    lied_about = strcmp(req->path, mine) == 0;
    read = req->method == DT_HTTP_GET && strstr(req->path, "/cells") != NULL;
    if (lied_about && read && x->skip != 0 && after + 1 >= x->skip)
        after++;
    if (read)
        (void)snprintf(path, sizeof path, "%s?after=%llu&max=%llu", req->path,
                       (unsigned long long)after, (unsigned long long)number(req, "max"));
    else
        (void)snprintf(path, sizeof path, "%s", req->path);
    call.path = path;
    if (req->bearer.n == 64 && dt_hex_read_fixed(token, sizeof token, req->bearer) == DT_OK)
        call.bearer = dt_view_of(token);
    reply->status = 502;
    if (dt_http_call(x->client, &call, &a) != DT_OK)
        return DT_HTTP_REPLY;
    if ((lied_about && read && a.status == 200 ? twist(x, dt_buf_view(&a.body), &body)
                                               : dt_buf_set(&body, dt_buf_view(&a.body))) == DT_OK)
        dt_http_reply_body(reply, a.status, "application/octet-stream", &body);
    return DT_HTTP_REPLY;
}

void
crooked_start(struct crooked *x, struct world *w, struct dt_agent *a, const uint8_t *group_id)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_http_server_config config = {.listen = "127.0.0.1:0", .handler = handle, .ctx = x};

    *x = (struct crooked){0};
    if (group_id == NULL) {
        memcpy(x->address, a->inbox_address, 32);
    } else {
        ok(dt_channel_load(a, group_id, &ch));
        memcpy(x->address, ch.queue.address, 32);
    }
    (void)snprintf(x->url, sizeof x->url, "%s", w->url);
    ok(dt_http_client_new(NULL, &x->client));
    ok(dt_http_server_start(&config, &x->server));
    (void)snprintf(a->grant.relay, sizeof a->grant.relay, "http://127.0.0.1:%u",
                   dt_http_server_port(x->server));
}

void
crooked_stop(struct crooked *x, struct dt_agent *a)
{
    (void)snprintf(a->grant.relay, sizeof a->grant.relay, "%s", x->url);
    dt_http_server_stop(x->server);
    dt_http_client_free(x->client);
}
