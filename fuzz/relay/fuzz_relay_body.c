/*
 * fuzz/relay/fuzz_relay_body.c - every body of docs/protocol-relay.md: first byte which, the rest
 * the body.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/relay_wire.h"

static void
same(struct dt_view in, struct dt_buf *again, enum dt_err err)
{
    if (err != DT_OK || !dt_view_equal(in, dt_buf_view(again)))
        abort();
    dt_buf_clear(again);
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        fprintf(stderr, "accepted\n");
}

static void
items(struct dt_view v, struct dt_buf *out)
{
    static struct dt_wire_item list[DT_RELAY_READ_COUNT];
    struct dt_wire_items walk;
    uint64_t last = 0;
    bool more = true;
    size_t n = 0;

    if (dt_wire_items_begin(v, &last, &walk) != DT_OK)
        return;
    while (n < DT_RELAY_READ_COUNT) {
        if (dt_wire_items_next(&walk, &list[n], &more) != DT_OK)
            return;
        if (!more) {
            same(v, out, dt_wire_items_encode(last, list, n, out));
            return;
        }
        n++;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dt_wire_poll poll[DT_RELAY_POLL_MAX];
    static struct dt_wire_news news[DT_RELAY_POLL_MAX];
    static struct dt_wire_append appends[DT_RELAY_APPEND_MAX];
    static struct dt_wire_result results[DT_RELAY_APPEND_MAX];
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(4u << 20);
    struct dt_wire_create create;
    struct dt_wire_ack ack;
    struct dt_wire_append append;
    struct dt_view v;
    uint8_t seal[32];
    uint64_t x = 0;
    size_t n = 0;

    if (size == 0)
        return 0;
    v = dt_view(data + 1, size - 1);
    switch (data[0]) {
    case 'c':
        if (dt_wire_create_decode(v, &create) == DT_OK)
            same(v, &out, dt_wire_create_encode(&create, &out));
        break;
    case 'a':
        if (dt_wire_append_decode(v, &append) == DT_OK)
            same(v, &out, dt_wire_append_encode(&append, &out));
        break;
    case 'b':
        if (dt_wire_appends_decode(v, appends, &n) == DT_OK)
            same(v, &out, dt_wire_appends_encode(appends, n, &out));
        break;
    case 'r':
        if (dt_wire_results_decode(v, results, &n) == DT_OK)
            same(v, &out, dt_wire_results_encode(results, n, &out));
        break;
    case 'i':
        items(v, &out);
        break;
    case 'p':
        if (dt_wire_poll_decode(v, poll, &n) == DT_OK)
            same(v, &out, dt_wire_poll_encode(poll, n, &out));
        break;
    case 'k':
        if (dt_wire_ack_decode(v, &ack) == DT_OK)
            same(v, &out, dt_wire_ack_encode(&ack, &out));
        break;
    case 'n':
        if (dt_wire_news_decode(v, news, &n) == DT_OK)
            same(v, &out, dt_wire_news_encode(news, n, &out));
        break;
    case 'u':
        if (dt_wire_u64_decode(v, &x) == DT_OK)
            same(v, &out, dt_wire_u64_encode(x, &out));
        break;
    case 'e':
        if (dt_wire_entry_decode(v, seal) == DT_OK)
            same(v, &out, dt_wire_entry_encode(seal, &out));
        break;
    default:
        break;
    }
    return 0;
}
