/*
 * relay/handle_limits.c - what holds for a queue, told to whoever may read or write it.
 *
 * Source: docs/protocol-relay.md "Queues", docs/limits.md. Layer: relay.
 */
#include <string.h>

#include "base/text.h"
#include "crypto/crypto.h"

#include "relay/handlers.h"

#define ADDRESS_HEX (2 * DT_RELAY_ADDRESS)

/* One number of a JSON object; 0 is no limit. */
static void
limit_line(struct dt_buf *b, const char *name, uint64_t value, enum dt_err *err)
{
    if (*err != DT_OK)
        return;
    *err = value == 0 ? dt_buf_printf(b, ", \"%s\": null", name)
                      : dt_buf_printf(b, ", \"%s\": %llu", name, (unsigned long long)value);
}

/* What the queue's grant may use and how long cells are kept, as they are now: the operator may
 * have changed them since the grant's file was written. Not what is used: that says how busy the
 * grant's other queues are. */
static enum dt_http_next
limits_reply(struct dt_relay *r, const struct dt_relay_store_queue *queue,
             struct dt_http_reply *reply)
{
    struct dt_buf b = DT_BUF_INIT(1024);
    struct dt_relay_bounds x;
    enum dt_err err = dt_relay_store_bounds(r->store, queue->grant, &x, NULL);

    if (err != DT_OK)
        return relay_store_error(reply, err);
    err = dt_buf_printf(&b, "{\"format\": 1");
    limit_line(&b, "keep_s", x.keep_s, &err);
    limit_line(&b, "keep_unread_s", x.keep_unread_s, &err);
    limit_line(&b, "keep_cells", x.keep_cells, &err);
    limit_line(&b, "queue_cells", x.queue_cells, &err);
    limit_line(&b, "queue_bytes", DT_RELAY_QUEUE_BYTES_MAX, &err);
    limit_line(&b, "queues", x.queues, &err);
    limit_line(&b, "bytes", x.bytes, &err);
    limit_line(&b, "cells", x.cells, &err);
    limit_line(&b, "append_rate", x.rate, &err);
    limit_line(&b, "append_burst", x.burst, &err);
    limit_line(&b, "polls", x.polls, &err);
    limit_line(&b, "readers", DT_RELAY_READERS_MAX, &err);
    if (err == DT_OK)
        err = dt_buf_printf(&b, "}\n");
    if (err != DT_OK) {
        dt_buf_clear(&b);
        return relay_error(reply, err);
    }
    dt_http_reply_body(reply, 200, "application/json", &b);
    return DT_HTTP_REPLY;
}

bool
relay_is_limits(const char *rest)
{
    return strlen(rest) > ADDRESS_HEX && strcmp(rest + ADDRESS_HEX, "/limits") == 0;
}

enum dt_http_next
relay_queue_limits(struct dt_relay *r, struct dt_http_request *req, const char *rest,
                   struct dt_http_reply *reply)
{
    struct dt_relay_store_queue queue;
    uint8_t address[DT_RELAY_ADDRESS], token[32];
    enum dt_err err;

    if (dt_hex_read_fixed(address, sizeof(address), dt_view((const uint8_t *)rest, ADDRESS_HEX)) !=
        DT_OK)
        return relay_error(reply, DT_ERR_NOT_FOUND);
    if (req->method != DT_HTTP_GET)
        return relay_wrong_method(reply);
    if (!relay_bearer(req, token, reply))
        return DT_HTTP_REPLY;
    if ((err = dt_recent_queue(r->recent, r->store, address, &queue)) != DT_OK)
        return relay_store_error(reply, err);
    if (!dt_ct_equal(dt_view_of(token), dt_view_of(queue.read_hash)) &&
        !dt_ct_equal(dt_view_of(token), dt_view_of(queue.write_hash)))
        return relay_error(reply, DT_ERR_REFUSED);
    return limits_reply(r, &queue, reply);
}
