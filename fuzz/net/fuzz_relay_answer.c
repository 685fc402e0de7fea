/*
 * fuzz/net/fuzz_relay_answer.c - what a relay may answer to each call of relay_client.h: first byte
 * which call, second byte which status, then the body.
 *
 * dt_http_call() is here, in place of the one that asks the network.
 */
#include <stdio.h>
#include <stdlib.h>

#include "net/relay_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dt_view body;
static unsigned int status;

enum dt_err
dt_http_call(struct dt_http_client *c, const struct dt_http_call *call, struct dt_http_answer *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_NET_ANSWER_MAX);

    (void)c;
    if (call->path[0] != '/' || dt_buf_set(&b, body) != DT_OK)
        abort();
    out->status = status;
    dt_buf_move(&out->body, &b);
    return DT_OK;
}

void
dt_http_answer_clear(struct dt_http_answer *a)
{
    dt_buf_wipe(&a->body);
}

enum dt_err
dt_http_answer_err(const char *base, const char *what, const struct dt_http_answer *answer)
{
    (void)base;
    return answer->status >= 200 && answer->status < 300
               ? DT_OK
               : dt_fail(DT_ERR_NET, "could not %s", what);
}

/* Walked to its end, an answer's cells lie in it, one position after the other. */
static enum dt_err
walk(const struct dt_buf *b)
{
    struct dt_wire_items items;
    struct dt_wire_item item;
    uint64_t last = 0, position = 0;
    bool more = true;
    enum dt_err err = dt_wire_items_begin(dt_buf_view(b), &last, &items);

    while (err == DT_OK && (err = dt_wire_items_next(&items, &item, &more)) == DT_OK && more) {
        if (item.cell.p < b->p || item.cell.p + item.cell.n > b->p + b->n ||
            (position != 0 && item.position != position + 1))
            abort();
        position = item.position;
    }
    return err;
}

/* Likewise the queues of a poll's answer, each with cells. */
static enum dt_err
walk_found(const struct dt_buf *b)
{
    struct dt_wire_founds found;
    struct dt_wire_found one;
    size_t n = 0;
    bool more = true;
    enum dt_err err = dt_wire_found_begin(dt_buf_view(b), &found);

    while (err == DT_OK && (err = dt_wire_found_next(&found, &one, &more)) == DT_OK && more) {
        struct dt_buf cells = {.p = b->p + (one.cells.p - b->p), .n = one.cells.n};

        if (one.cells.p < b->p || one.cells.p + one.cells.n > b->p + b->n ||
            ++n > DT_RELAY_POLL_MAX)
            abort();
        err = walk(&cells);
    }
    return err;
}

static enum dt_err
ask(uint8_t which)
{
    static const uint8_t token[32] = {1};
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    static struct dt_wire_news news[DT_RELAY_POLL_MAX];
    static struct dt_wire_result results[DT_RELAY_APPEND_MAX];
    struct dt_wire_append two[2];
    struct dt_wire_create create = {0};
    struct dt_wire_append append = {.cell = dt_view_of(token)};
    struct dt_wire_poll wanted = {0};
    uint8_t cell[512] = {0}, address[32];
    uint64_t x = 0;
    size_t n = 0;
    enum dt_err err;

    append.cell = dt_view_of(cell);
    switch (which) {
    case 'c':
        return dt_relay_queue_create(NULL, "http://r", &create, address);
    case 'a':
        return dt_relay_append(NULL, "http://r", token, dt_view_of(token), &append, &x);
    case 'b':
        two[0] = two[1] = append;
        err = dt_relay_append_all(NULL, "http://r", token, dt_view_of(token), two, 2, results);
        if (err == DT_OK && results[1].status == 200 && results[0].status != 200)
            abort();
        return err;
    case 'r':
        err = dt_relay_read(NULL, "http://r", token, dt_view_of(token), 0, 0, &out);
        return err == DT_OK ? walk(&out) : err;
    case 'p':
        err = dt_relay_poll(NULL, "http://r", &wanted, 1, 0, news, &n);
        if (err == DT_OK && n > DT_RELAY_POLL_MAX)
            abort();
        return err;
    case 'w':
        err = dt_relay_poll_cells(NULL, "http://r", &wanted, 1, 0, &out);
        return err == DT_OK ? walk_found(&out) : err;
    case 'e':
        return dt_register_append(NULL, "http://r/r/x", dt_view_of(token), token, &x);
    default:
        return DT_ERR_USAGE;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned int all[] = {200, 201, 404, 503};

    if (size < 2)
        return 0;
    status = all[data[1] % 4];
    body = dt_view(data + 2, size - 2);
    if (ask(data[0]) == DT_OK && getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fprintf(stderr, "accepted\n");
    return 0;
}
