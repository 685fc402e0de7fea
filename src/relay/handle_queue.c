/*
 * relay/handle_queue.c - queues over HTTP: create, append, read, poll.
 *
 * Source: docs/protocol-relay.md "Queues". Layer: relay.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"
#include "crypto/crypto.h"

#include "relay/handlers.h"

/* A binary answer of one uint64. */
static enum dt_http_next
reply_u64(struct dt_http_reply *reply, uint64_t x)
{
    struct dt_buf b = DT_BUF_INIT(8);
    enum dt_err err = dt_wire_u64_encode(x, &b);

    if (err != DT_OK)
        return relay_error(reply, err);
    dt_http_reply_body(reply, 200, RELAY_BINARY, &b);
    return DT_HTTP_REPLY;
}

enum dt_http_next
relay_queue_create(struct dt_relay *r, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct relay_wait *w = req->state;
    struct dt_wire_create body;
    struct dt_buf b = DT_BUF_INIT(DT_RELAY_ADDRESS);
    enum dt_err err;

    if (w != NULL) {
        if (!relay_job_done(w))
            return DT_HTTP_WAIT;
        if (w->job.result != DT_OK)
            return relay_job_error(reply, &w->job);
        if ((err = dt_buf_append(&b, dt_view_of(w->job.u.create.address))) != DT_OK)
            return relay_error(reply, err);
        dt_http_reply_body(reply, w->job.u.create.existed ? 200 : 201, RELAY_BINARY, &b);
        return DT_HTTP_REPLY;
    }
    if ((err = dt_wire_create_decode(req->body, &body)) != DT_OK)
        return relay_error(reply, DT_ERR_FORMAT);
    if ((w = relay_wait_new(r, req, 0)) == NULL)
        return relay_error(reply, dt_nomem());
    w->job.kind = DT_JOB_CREATE;
    memcpy(w->job.u.create.read_hash, body.read_hash, 32);
    memcpy(w->job.u.create.write_hash, body.write_hash, 32);
    err = dt_sha256(dt_view_of(body.queue_token), w->job.u.create.token_hash);
    dt_wipe(&body, sizeof(body));
    if (err != DT_OK)
        return relay_error(reply, err);
    return relay_submit(w, reply);
}

/* ${rest} is "{64 hex digits}/cells"? */
static bool
read_address(const char *rest, uint8_t address[static 32])
{
    return strlen(rest) == 64 + 6 && strcmp(rest + 64, "/cells") == 0 &&
           dt_hex_read_fixed(address, 32, dt_view((const uint8_t *)rest, 64)) == DT_OK;
}

/* What is large from here on is the queue's, and its grant's. */
static void
set_account(struct dt_http_request *req, const struct dt_relay_store_queue *queue)
{
    req->account[0] = queue->grant;
    req->account[1] = (uint64_t)queue->id;
}

static enum dt_http_next
append_start(struct dt_relay *r, struct dt_http_request *req, const uint8_t address[static 32],
             const struct dt_relay_store_queue *queue, struct dt_http_reply *reply)
{
    struct dt_wire_append body;
    struct relay_wait *w;
    enum dt_err err = dt_wire_append_decode(req->body, &body);

    if (err == DT_ERR_LIMIT) {
        dt_http_reply_error(reply, 413, "too-large", "a cell has at most 512 KiB");
        return DT_HTTP_REPLY;
    }
    if (err != DT_OK)
        return relay_error(reply, DT_ERR_FORMAT);
    if ((w = relay_wait_new(r, req, 0)) == NULL)
        return relay_error(reply, dt_nomem());
    w->job.kind = DT_JOB_APPEND;
    w->job.u.append.queue = queue->id;
    memcpy(w->job.u.append.append_id, body.append_id, sizeof(body.append_id));
    w->job.u.append.cell = body.cell; /* in the request's body, which outlives the job */
    memcpy(w->key, address, DT_HUB_KEY);
    return relay_submit(w, reply);
}

static enum dt_http_next
read_cells(struct dt_relay *r, const struct dt_http_request *req,
           const struct dt_relay_store_queue *queue, struct dt_http_reply *reply)
{
    struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_writer w = dt_writer_init(&b);
    uint64_t from = 0, max = 0;
    size_t mark;
    enum dt_err err = DT_OK;

    if (!relay_number(req, "after", INT64_MAX, 0, &from, reply) ||
        !relay_number(req, "max", INT64_MAX, DT_RELAY_READ_COUNT, &max, reply))
        return DT_HTTP_REPLY;
    if (max == 0 || max > DT_RELAY_READ_COUNT)
        max = DT_RELAY_READ_COUNT;
    dt_write_u64(&w, queue->last);
    mark = dt_write_vec_begin(&w);
    /* Nothing is read past the last position that the answer states. */
    if (from < queue->last) {
        if (max > queue->last - from)
            max = queue->last - from;
        err = dt_relay_store_items(r->store, queue->id, from, max, DT_RELAY_READ_MAX, &w);
    }
    dt_write_vec_end(&w, mark);
    if (err == DT_OK)
        err = dt_writer_end(&w);
    if (err != DT_OK) {
        dt_buf_clear(&b);
        return relay_store_error(reply, err);
    }
    dt_http_reply_body(reply, 200, RELAY_BINARY, &b);
    return DT_HTTP_REPLY;
}

enum dt_http_next
relay_queue_cells(struct dt_relay *r, struct dt_http_request *req, const char *rest,
                  struct dt_http_reply *reply)
{
    bool post = req->method == DT_HTTP_POST;
    struct relay_wait *w = req->state;
    struct dt_relay_store_queue queue;
    uint8_t address[32], token[32];
    enum dt_err err;

    if (w != NULL) {
        if (!relay_job_done(w))
            return DT_HTTP_WAIT;
        if (w->job.result != DT_OK)
            return relay_job_error(reply, &w->job);
        return reply_u64(reply, w->job.u.append.position);
    }
    if (!read_address(rest, address))
        return relay_error(reply, DT_ERR_NOT_FOUND);
    if (!relay_bearer(req, token, reply))
        return DT_HTTP_REPLY;
    if ((err = dt_relay_store_queue(r->store, address, &queue)) != DT_OK)
        return relay_store_error(reply, err);
    if (!dt_ct_equal(dt_view_of(token),
                     post ? dt_view_of(queue.write_hash) : dt_view_of(queue.read_hash)))
        return relay_error(reply, DT_ERR_REFUSED);
    set_account(req, &queue);
    return post ? append_start(r, req, address, &queue, reply) : read_cells(r, req, &queue, reply);
}

enum dt_err
relay_queue_writer(struct dt_relay *r, struct dt_http_request *req, const char *rest)
{
    struct dt_relay_store_queue queue;
    uint8_t address[32], token[32];
    enum dt_err err;

    if (!read_address(rest, address))
        return DT_ERR_NOT_FOUND;
    if ((err = relay_bearer_hash(req, token)) != DT_OK ||
        (err = dt_relay_store_queue(r->store, address, &queue)) != DT_OK)
        return err;
    if (!dt_ct_equal(dt_view_of(token), dt_view_of(queue.write_hash)))
        return DT_ERR_REFUSED;
    set_account(req, &queue);
    return DT_OK;
}

/* ---- poll ---- */

/* Which of ${wanted} have news, into ${b}; how many into ${out_n}. */
static enum dt_err
gather_news(struct dt_relay *r, const struct dt_wire_poll *wanted, size_t n, struct dt_buf *b,
            size_t *out_n)
{
    struct dt_wire_news news[DT_RELAY_POLL_MAX];
    size_t n_news = 0;
    enum dt_err err;

    for (size_t i = 0; i < n; i++) {
        struct dt_relay_store_queue queue;
        uint8_t token[32];

        if ((err = dt_relay_store_queue(r->store, wanted[i].address, &queue)) != DT_OK ||
            (err = dt_sha256(dt_view_of(wanted[i].read_token), token)) != DT_OK)
            return err;
        if (!dt_ct_equal(dt_view_of(token), dt_view_of(queue.read_hash)))
            return dt_fail(DT_ERR_REFUSED, "wrong read token in a poll");
        if (queue.last > wanted[i].after) {
            memcpy(news[n_news].address, wanted[i].address, DT_RELAY_ADDRESS);
            news[n_news].last = queue.last;
            n_news++;
        }
    }
    if ((err = dt_wire_news_encode(news, n_news, b)) != DT_OK)
        return err;
    *out_n = n_news;
    return DT_OK;
}

/* Begin to wait: watches first, so that what is committed from here on wakes us. */
static enum dt_err
poll_watch(struct dt_relay *r, struct dt_http_request *req, const struct dt_wire_poll *wanted,
           size_t n, uint64_t wait_s)
{
    struct relay_wait *w = relay_wait_new(r, req, n);

    if (w == NULL)
        return dt_nomem();
    w->deadline_ms = dt_monotonic_ms() + wait_s * 1000;
    for (size_t i = 0; i < n; i++) {
        memcpy(w->watches[i].key, wanted[i].address, DT_HUB_KEY);
        if (dt_hub_add(r->hub, &w->watches[i]) != DT_OK)
            return DT_ERR_STATE; /* 503, without a line in the log: any peer can bring it about */
    }
    return DT_OK;
}

enum dt_http_next
relay_poll(struct dt_relay *r, struct dt_http_request *req, struct dt_http_reply *reply)
{
    struct dt_wire_poll wanted[DT_RELAY_POLL_MAX];
    struct relay_wait *w = req->state;
    struct dt_buf b = DT_BUF_INIT(16384);
    uint64_t wait_s = 0;
    size_t n = 0, n_news = 0;
    bool end;
    enum dt_err err;

    if (!relay_number(req, "wait", DT_NET_WAIT_MAX_S, 0, &wait_s, reply))
        return DT_HTTP_REPLY;
    if ((err = dt_wire_poll_decode(req->body, wanted, &n)) != DT_OK)
        return relay_error(reply, DT_ERR_FORMAT);
    if (w == NULL && wait_s > 0) {
        if ((err = poll_watch(r, req, wanted, n, wait_s)) != DT_OK)
            goto done;
        w = req->state;
    }
    if ((err = gather_news(r, wanted, n, &b, &n_news)) != DT_OK)
        goto done;
    end = w == NULL || req->timed_out || req->stopping || dt_monotonic_ms() >= w->deadline_ms;
    if (n_news == 0 && !end) {
        dt_buf_clear(&b);
        dt_wipe(wanted, sizeof(wanted));
        req->deadline_ms = w->deadline_ms;
        return DT_HTTP_WAIT;
    }
    dt_http_reply_body(reply, 200, RELAY_BINARY, &b);

done:
    dt_wipe(wanted, sizeof(wanted));
    dt_buf_clear(&b);
    return err == DT_OK ? DT_HTTP_REPLY : relay_store_error(reply, err);
}
