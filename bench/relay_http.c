/*
 * bench/relay_http.c - the load in the relay's own protocol (docs/protocol-relay.md): one append or
 * a batch a request; readers ask for news, and for the cells after the last they have, which is
 * what acknowledges those before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "net/relay_wire.h"

#include "relay_load.h"

enum { IDLE, POLLING, READING };

static void
put_head(struct load_conn *c, const char *method, const char *path, bool post, const uint8_t *token,
         size_t body_len)
{
    char head[512], hex[65];
    int n;

    dt_hex_str(hex, dt_view(token, token == NULL ? 0 : 32));
    n = snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: %s:%u\r\n%s%s%s", method, path,
                 c->load->target->host, c->load->target->port,
                 token == NULL ? "" : "Authorization: Bearer ", token == NULL ? "" : hex,
                 token == NULL ? "" : "\r\n");
    load_put(&c->out, head, (size_t)n);
    if (post)
        n = snprintf(head, sizeof(head), "Content-Length: %zu\r\n\r\n", body_len);
    else
        n = snprintf(head, sizeof(head), "\r\n");
    load_put(&c->out, head, (size_t)n);
}

static void
publish(struct load_conn *c, const uint8_t (*cells)[LOAD_CELL], size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_NET_BODY_MAX);
    struct dt_wire_append appends[LOAD_WINDOW];
    const struct load_target *t = c->load->target;
    char path[128], hex[65];
    enum dt_err err;

    dt_hex_str(hex, dt_view_of(t->address[c->queue]));
    (void)snprintf(path, sizeof(path), "/v1/queues/%s/cells%s", hex, n > 1 ? "/batch" : "");
    for (size_t i = 0; i < n; i++) {
        uint64_t id[2] = {load_random(&c->random), load_random(&c->random)};

        memcpy(appends[i].append_id, id, sizeof(id));
        appends[i].cell = dt_view_of(cells[i]);
    }
    err = n > 1 ? dt_wire_appends_encode(appends, n, &body)
                : dt_wire_append_encode(&appends[0], &body);
    if (err != DT_OK)
        abort();
    put_head(c, "POST", path, true, t->write[c->queue], body.n);
    load_put(&c->out, body.p, body.n);
    c->expected = n;
}

/* Ask whether there is more, or for what is there. */
static void
ask(struct load_conn *c, bool read)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(256);
    const struct load_target *t = c->load->target;
    struct dt_wire_poll wanted = {.after = c->after};
    char path[160], hex[65];

    if (read) {
        dt_hex_str(hex, dt_view_of(t->address[c->queue]));
        (void)snprintf(path, sizeof(path), "/v1/queues/%s/cells?after=%llu", hex,
                       (unsigned long long)c->after);
        put_head(c, "GET", path, false, t->read[c->queue], 0);
    } else {
        memcpy(wanted.address, t->address[c->queue], 32);
        memcpy(wanted.read_token, t->read[c->queue], 32);
        if (dt_wire_poll_encode(&wanted, 1, &body) != DT_OK)
            abort();
        put_head(c, "POST", "/v1/poll?wait=60&cells=1", true, NULL, body.n);
        load_put(&c->out, body.p, body.n);
    }
    c->state = read ? READING : POLLING;
}

static bool
begin(struct load_conn *c)
{
    c->ready = true;
    if (c->reader)
        ask(c, false);
    return true;
}

static bool
take_acks(struct load_conn *c, struct dt_view body)
{
    struct dt_wire_result results[DT_RELAY_APPEND_MAX];
    uint64_t position;
    size_t n = 1;

    if (c->expected == 1) {
        if (dt_wire_u64_decode(body, &position) != DT_OK)
            return false;
    } else {
        if (dt_wire_results_decode(body, results, &n) != DT_OK || n != c->expected ||
            results[n - 1].status != 200)
            return false;
    }
    load_acked(c, n);
    return true;
}

/* What is in a read answer, and whether there is more in the queue. */
static bool
take_cells(struct load_conn *c, struct dt_view body, bool *out_more)
{
    struct dt_wire_items walk;
    struct dt_wire_item item;
    uint64_t last = 0;
    bool more = false;

    if (dt_wire_items_begin(body, &last, &walk) != DT_OK)
        return false;
    while (dt_wire_items_next(&walk, &item, &more) == DT_OK && more) {
        load_received(c, item.cell.p, item.cell.n);
        c->after = item.position;
    }
    *out_more = last > c->after;
    return !more;
}

static bool
take_items(struct load_conn *c, struct dt_view body)
{
    bool more = false, ok = take_cells(c, body, &more);

    ask(c, more);
    return ok;
}

static bool
take_news(struct load_conn *c, struct dt_view body)
{
    struct dt_wire_founds walk;
    struct dt_wire_found found;
    bool another = false, more = false;

    if (dt_wire_found_begin(body, &walk) != DT_OK)
        return false;
    while (dt_wire_found_next(&walk, &found, &another) == DT_OK && another)
        if (!take_cells(c, found.cells, &more))
            return false;
    ask(c, more);
    return !another;
}

/* One whole answer at the front of c->in: its body; false: not yet, or *${out_bad}. */
static bool
whole_answer(struct load_conn *c, struct dt_view *out_body, size_t *out_n, bool *out_bad)
{
    static const char length[] = "\r\nContent-Length: ";
    const uint8_t *p = c->in.p + c->in.off, *end, *at;
    size_t n = c->in.n - c->in.off, head, body;

    end = n < 16 || p == NULL ? NULL : memmem(p, n, "\r\n\r\n", 4);
    if (end == NULL)
        return false;
    head = (size_t)(end - p) + 4;
    at = memmem(p, head, length, sizeof(length) - 1);
    *out_bad = memcmp(p, "HTTP/1.1 200", 12) != 0 || at == NULL;
    if (*out_bad)
        return false;
    body = strtoul((const char *)at + sizeof(length) - 1, NULL, 10);
    if (n - head < body)
        return false;
    *out_body = dt_view(p + head, body);
    *out_n = head + body;
    return true;
}

static bool
input(struct load_conn *c)
{
    struct dt_view body;
    size_t n = 0;
    bool bad = false, ok;

    while (whole_answer(c, &body, &n, &bad)) {
        ok = !c->reader            ? take_acks(c, body)
             : c->state == READING ? take_items(c, body)
                                   : take_news(c, body);
        if (!ok)
            return false;
        c->in.off += n;
    }
    return !bad;
}

const struct load_protocol load_detente = {true, begin, publish, input};
