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
        return relay_error(reply, DT_ERR_STATE);
    w->job.kind = DT_JOB_CREATE;
    memcpy(w->job.u.create.read_hash, body.read_hash, 32);
    memcpy(w->job.u.create.write_hash, body.write_hash, 32);
    err = dt_sha256(dt_view_of(body.queue_token), w->job.u.create.token_hash);
    dt_wipe(&body, sizeof(body));
    if (err != DT_OK)
        return relay_error(reply, err);
    return relay_submit(w, reply);
}

/* What follows the address in a path below a queue. */
enum below { BELOW_NOTHING, BELOW_CELLS, BELOW_BATCH, BELOW_ACK };

/* ${rest} is "{64 hex digits}" and one of the things below a queue? */
static enum below
read_address(const char *rest, uint8_t address[static 32])
{
    if (strlen(rest) <= 64 ||
        dt_hex_read_fixed(address, 32, dt_view((const uint8_t *)rest, 64)) != DT_OK)
        return BELOW_NOTHING;
    return strcmp(rest + 64, "/cells") == 0         ? BELOW_CELLS
           : strcmp(rest + 64, "/cells/batch") == 0 ? BELOW_BATCH
           : strcmp(rest + 64, "/ack") == 0         ? BELOW_ACK
                                                    : BELOW_NOTHING;
}

/* What is large from here on is the queue's, and its grant's. */
static void
set_account(struct dt_http_request *req, const struct dt_relay_store_queue *queue)
{
    req->account[0] = queue->grant;
    req->account[1] = (uint64_t)queue->id;
}

/* ---- append ---- */

/* The body of one append, or of several, into ${out}. */
static enum dt_err
read_appends(struct dt_view body, bool several, struct dt_wire_append *out, size_t *out_n)
{
    *out_n = 1;
    return several ? dt_wire_appends_decode(body, out, out_n) : dt_wire_append_decode(body, out);
}

/* What cells count for against the rate of a grant: one each, a large one as often as it holds
 * DT_RELAY_RATE_BYTES, for it takes the disk as long as that many small ones. */
static uint64_t
appends_of(const struct dt_wire_append *cells, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (cells[i].cell.n + DT_RELAY_RATE_BYTES - 1) / DT_RELAY_RATE_BYTES;
    return sum;
}

static enum dt_http_next
append_start(struct dt_relay *r, struct dt_http_request *req, const uint8_t address[static 32],
             const struct dt_relay_store_queue *queue, bool several, struct dt_http_reply *reply)
{
    struct dt_wire_append cells[DT_RELAY_APPEND_MAX];
    struct relay_wait *w;
    size_t n = 0;
    enum dt_err err = read_appends(req->body, several, cells, &n);

    if (err == DT_ERR_LIMIT) {
        dt_http_reply_error(reply, 413, "too-large",
                            "a cell has at most 512 KiB, a request at most 256 cells");
        return DT_HTTP_REPLY;
    }
    if (err != DT_OK)
        return relay_error(reply, DT_ERR_FORMAT);
    if (!relay_may_append(r, queue->grant, appends_of(cells, n), reply))
        return DT_HTTP_REPLY;
    if ((w = relay_wait_new(r, req, 0)) == NULL)
        return relay_error(reply, DT_ERR_STATE);
    if (n == 1)
        w->items = &w->item;
    else if (!dt_http_hold(req, n * sizeof(w->items[0])))
        return relay_error(reply, DT_ERR_STATE);
    else if ((w->items = dt_alloc(n, sizeof(w->items[0]))) == NULL)
        return relay_error(reply, dt_nomem());
    for (size_t i = 0; i < n; i++) {
        memcpy(w->items[i].append_id, cells[i].append_id, sizeof(cells[i].append_id));
        w->items[i].cell = cells[i].cell; /* in the request's body, which outlives the job */
    }
    w->job.kind = DT_JOB_APPEND;
    w->job.u.append.queue = queue->id;
    w->job.u.append.items = w->items;
    w->job.u.append.n = n;
    memcpy(w->key, address, DT_HUB_KEY);
    return relay_submit(w, reply);
}

/* One result for each append: those taken, the first that was not, and those not tried after it. */
static enum dt_http_next
reply_results(struct dt_http_reply *reply, const struct dt_relay_store_job *job)
{
    struct dt_wire_result results[DT_RELAY_APPEND_MAX];
    struct dt_buf b = DT_BUF_INIT(4096);
    size_t n = job->u.append.n, n_taken = job->u.append.n_taken;
    enum dt_err err;

    for (size_t i = 0; i < n; i++) {
        if (i < n_taken)
            results[i] = (struct dt_wire_result){200, job->u.append.items[i].position};
        else
            results[i] = (struct dt_wire_result){424, 0};
    }
    if (n_taken < n) {
        (void)relay_job_error(reply, job);
        results[n_taken].status = (uint16_t)reply->status;
    }
    if ((err = dt_wire_results_encode(results, n, &b)) != DT_OK) {
        dt_buf_clear(&b);
        return relay_error(reply, err);
    }
    dt_http_reply_body(reply, 200, RELAY_BINARY, &b);
    return DT_HTTP_REPLY;
}

static enum dt_http_next
append_reply(struct dt_http_reply *reply, const struct dt_relay_store_job *job, bool several)
{
    /* What concerns the queue or the relay, and no cell of them, is said of the whole request. */
    bool whole = job->result == DT_ERR_STATE || job->result == DT_ERR_NOT_FOUND;

    if (several && !whole)
        return reply_results(reply, job);
    return job->result != DT_OK ? relay_job_error(reply, job)
                                : reply_u64(reply, job->u.append.items[0].position);
}

/* ---- read ---- */

/* 410: where the cells that are kept begin. */
static enum dt_http_next
reply_expired(struct dt_http_reply *reply, uint64_t expired)
{
    reply->status = 410;
    reply->content_type = "application/json";
    dt_buf_init(&reply->body, 256);
    dt_ignore(dt_buf_printf(&reply->body,
                            "{\"error\": \"cells up to that position are kept no longer\", "
                            "\"code\": \"expired\", \"first\": %llu}\n",
                            (unsigned long long)expired + 1),
              "without memory the status says enough");
    return DT_HTTP_REPLY;
}

/* Did cells behind ${after} go between the look at the queue and the read of its cells? */
static bool
expired_meanwhile(struct dt_relay *r, const struct dt_http_request *req, uint64_t after,
                  uint64_t *out)
{
    struct dt_relay_store_queue now;
    uint8_t address[32];

    if (read_address(req->path + sizeof("/v1/queues/") - 1, address) == BELOW_NOTHING ||
        dt_relay_store_queue(r->store, address, &now) != DT_OK || after >= now.expired)
        return false;
    *out = now.expired;
    return true;
}

/* A read answer: the cells behind ${from}, as many as ${max} and ${bytes} allow (0: none). */
static enum dt_err
write_cells(struct dt_relay *r, const uint8_t address[static 32],
            const struct dt_relay_store_queue *queue, uint64_t from, uint64_t max, size_t bytes,
            struct dt_writer *w)
{
    size_t mark;
    enum dt_err err = DT_OK;

    dt_write_u64(w, queue->last);
    mark = dt_write_vec_begin(w);
    /* Nothing is read past the last position that the answer states. */
    if (from < queue->last && bytes > 0)
        err = dt_recent_items(r->recent, r->store, address, queue->id, from,
                              max < queue->last - from ? max : queue->last - from, bytes, w);
    dt_write_vec_end(w, mark);
    return err;
}

static enum dt_http_next
read_cells(struct dt_relay *r, const struct dt_http_request *req, const uint8_t address[static 32],
           const struct dt_relay_store_queue *queue, struct dt_http_reply *reply)
{
    struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_writer w = dt_writer_init(&b);
    uint64_t from = 0, max = 0, expired = 0;
    enum dt_err err;

    if (!relay_number(req, "after", INT64_MAX, 0, &from, reply) ||
        !relay_number(req, "max", INT64_MAX, DT_RELAY_READ_COUNT, &max, reply))
        return DT_HTTP_REPLY;
    if (max == 0 || max > DT_RELAY_READ_COUNT)
        max = DT_RELAY_READ_COUNT;
    if (from < queue->expired)
        return reply_expired(reply, queue->expired);
    err = write_cells(r, address, queue, from, max, DT_RELAY_READ_MAX, &w);
    if (err == DT_OK)
        err = dt_writer_end(&w);
    if (err != DT_OK) {
        dt_buf_clear(&b);
        if (err == DT_ERR_FORMAT && expired_meanwhile(r, req, from, &expired))
            return reply_expired(reply, expired);
        return relay_store_error(reply, err);
    }
    dt_http_reply_body(reply, 200, RELAY_BINARY, &b);
    return DT_HTTP_REPLY;
}

/* ---- acknowledge ---- */

static enum dt_http_next
ack_start(struct dt_relay *r, struct dt_http_request *req, const struct dt_relay_store_queue *queue,
          struct dt_http_reply *reply)
{
    struct dt_wire_ack body;
    struct relay_wait *w;
    enum dt_err err;

    if (dt_wire_ack_decode(req->body, &body) != DT_OK)
        return relay_error(reply, DT_ERR_FORMAT);
    if ((w = relay_wait_new(r, req, 0)) == NULL)
        return relay_error(reply, DT_ERR_STATE);
    w->job.kind = DT_JOB_ACK;
    w->job.u.ack.queue = queue->id;
    w->job.u.ack.position = body.position;
    if ((err = dt_sha256(dt_view_of(body.reader), w->job.u.ack.reader)) != DT_OK)
        return relay_error(reply, err);
    return relay_submit(w, reply);
}

static enum dt_http_next
ack_reply(struct dt_http_reply *reply, const struct dt_relay_store_job *job)
{
    if (job->result != DT_OK)
        return relay_job_error(reply, job);
    reply->status = 200;
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
    enum below below = read_address(rest, address);
    enum dt_err err;

    if (w != NULL && !relay_job_done(w))
        return DT_HTTP_WAIT;
    if (w != NULL)
        return below == BELOW_ACK ? ack_reply(reply, &w->job)
                                  : append_reply(reply, &w->job, below == BELOW_BATCH);
    if (below == BELOW_NOTHING)
        return relay_error(reply, DT_ERR_NOT_FOUND);
    if (below != BELOW_CELLS && !post)
        return relay_wrong_method(reply);
    if (!relay_bearer(req, token, reply))
        return DT_HTTP_REPLY;
    if ((err = dt_recent_queue(r->recent, r->store, address, &queue)) != DT_OK)
        return relay_store_error(reply, err);
    if (!dt_ct_equal(dt_view_of(token), post && below != BELOW_ACK ? dt_view_of(queue.write_hash)
                                                                   : dt_view_of(queue.read_hash)))
        return relay_error(reply, DT_ERR_REFUSED);
    if (below == BELOW_ACK)
        return ack_start(r, req, &queue, reply);
    set_account(req, &queue);
    return post ? append_start(r, req, address, &queue, below == BELOW_BATCH, reply)
                : read_cells(r, req, address, &queue, reply);
}

enum dt_err
relay_queue_writer(struct dt_relay *r, struct dt_http_request *req, const char *rest)
{
    struct dt_relay_store_queue queue;
    uint8_t address[32], token[32];
    enum below below = read_address(rest, address);
    enum dt_err err;

    if (below != BELOW_CELLS && below != BELOW_BATCH)
        return DT_ERR_NOT_FOUND;
    if ((err = relay_bearer_hash(req, token)) != DT_OK ||
        (err = dt_recent_queue(r->recent, r->store, address, &queue)) != DT_OK)
        return err;
    if (!dt_ct_equal(dt_view_of(token), dt_view_of(queue.write_hash)))
        return DT_ERR_REFUSED;
    set_account(req, &queue);
    return DT_OK;
}

/* ---- poll ---- */

/* A queue of a poll that has news. */
struct found {
    const struct dt_wire_poll *wanted;
    struct dt_relay_store_queue queue;
};

/* Which of ${wanted} have news; whose the first is into ${out_grant}. */
static enum dt_err
gather_news(struct dt_relay *r, const struct dt_wire_poll *wanted, size_t n,
            struct found out[static DT_RELAY_POLL_MAX], size_t *out_n, uint64_t *out_grant)
{
    size_t n_found = 0;
    enum dt_err err;

    for (size_t i = 0; i < n; i++) {
        struct found *f = &out[n_found];
        uint8_t token[32];

        if ((err = dt_recent_queue(r->recent, r->store, wanted[i].address, &f->queue)) != DT_OK ||
            (err = dt_sha256(dt_view_of(wanted[i].read_token), token)) != DT_OK)
            return err;
        if (!dt_ct_equal(dt_view_of(token), dt_view_of(f->queue.read_hash)))
            return dt_fail(DT_ERR_REFUSED, "wrong read token in a poll");
        if (i == 0)
            *out_grant = f->queue.grant;
        if (f->queue.last > wanted[i].after) {
            f->wanted = &wanted[i];
            n_found++;
        }
    }
    *out_n = n_found;
    return DT_OK;
}

static enum dt_err
news_answer(const struct found *found, size_t n, struct dt_buf *b)
{
    struct dt_wire_news news[DT_RELAY_POLL_MAX];

    for (size_t i = 0; i < n; i++) {
        memcpy(news[i].address, found[i].wanted->address, DT_RELAY_ADDRESS);
        news[i].last = found[i].queue.last;
    }
    return dt_wire_news_encode(news, n, b);
}

#define POLL_CELLS_LEAST (16u << 10) /* with less room left a queue's cells are left to a read */

/* The news with what is new, up to about DT_RELAY_READ_MAX in all. What has expired is left to a
 * read, which says so. */
static enum dt_err
cells_answer(struct dt_relay *r, const struct found *found, size_t n, bool empty, struct dt_buf *b)
{
    struct dt_writer w = dt_writer_init(b);
    size_t all = dt_write_vec_begin(&w);
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < n; i++) {
        const struct found *f = &found[i];
        size_t used = b->n, mark, room;

        room = empty || f->wanted->after < f->queue.expired ||
                       used + POLL_CELLS_LEAST > DT_RELAY_READ_MAX
                   ? 0
                   : DT_RELAY_READ_MAX - used;
        dt_write_view(&w, dt_view(f->wanted->address, DT_RELAY_ADDRESS));
        mark = dt_write_vec_begin(&w);
        err = write_cells(r, f->wanted->address, &f->queue, f->wanted->after, DT_RELAY_READ_COUNT,
                          room, &w);
        dt_write_vec_end(&w, mark);
    }
    dt_write_vec_end(&w, all);
    return err == DT_OK ? dt_writer_end(&w) : err;
}

static enum dt_err
poll_answer(struct dt_relay *r, struct dt_http_request *req, const struct found *found, size_t n,
            bool cells, struct dt_buf *b)
{
    enum dt_err err;

    if (!cells)
        return news_answer(found, n, b);
    if (n > 0)
        set_account(req, &found[0].queue);
    if ((err = cells_answer(r, found, n, false, b)) == DT_ERR_FORMAT) {
        dt_buf_clear(b); /* some expired since the look at their queue */
        err = cells_answer(r, found, n, true, b);
    }
    return err;
}

/* Begin to wait: watches first, so that what is committed from here on wakes us. */
static enum dt_err
poll_watch(struct dt_relay *r, struct dt_http_request *req, const struct dt_wire_poll *wanted,
           size_t n, uint64_t wait_s)
{
    struct relay_wait *w = relay_wait_new(r, req, n);

    if (w == NULL)
        return DT_ERR_STATE;
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
    struct found found[DT_RELAY_POLL_MAX];
    struct relay_wait *w = req->state;
    struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    uint64_t wait_s = 0, cells = 0, grant = 0;
    size_t n = 0, n_found = 0;
    bool end;
    enum dt_err err;

    if (!relay_number(req, "wait", DT_NET_WAIT_MAX_S, 0, &wait_s, reply) ||
        !relay_number(req, "cells", 1, 0, &cells, reply))
        return DT_HTTP_REPLY;
    if ((err = dt_wire_poll_decode(req->body, wanted, &n)) != DT_OK)
        return relay_error(reply, DT_ERR_FORMAT);
    if (wait_s > r->wait_max_s)
        wait_s = r->wait_max_s; /* a poll may be answered early */
    if (w == NULL && wait_s > 0) {
        if ((err = poll_watch(r, req, wanted, n, wait_s)) != DT_OK)
            goto done;
        w = req->state;
    }
    if ((err = gather_news(r, wanted, n, found, &n_found, &grant)) != DT_OK)
        goto done;
    end = w == NULL || req->timed_out || req->stopping || dt_monotonic_ms() >= w->deadline_ms;
    if (n_found == 0 && !end) {
        dt_wipe(wanted, n * sizeof(wanted[0]));
        if (!relay_wait_polls(w, grant, reply))
            return DT_HTTP_REPLY;
        req->deadline_ms = w->deadline_ms;
        return DT_HTTP_WAIT;
    }
    if ((err = poll_answer(r, req, found, n_found, cells == 1, &b)) == DT_OK)
        dt_http_reply_body(reply, 200, RELAY_BINARY, &b);

done:
    dt_wipe(wanted, n * sizeof(wanted[0]));
    dt_buf_clear(&b);
    return err == DT_OK ? DT_HTTP_REPLY : relay_store_error(reply, err);
}
