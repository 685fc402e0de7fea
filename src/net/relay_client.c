/*
 * net/relay_client.c - see relay_client.h.
 */
#include <stdio.h>

#include "base/text.h"

#include "net/relay_client.h"

/* One call whose answer must have a 2xx status; the body lands in ${out}, which may be NULL. */
static enum dt_err
call_ok(struct dt_http_client *c, const struct dt_http_call *call, const char *what,
        struct dt_buf *out)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    enum dt_err err;

    if ((err = dt_http_call(c, call, &a)) != DT_OK ||
        (err = dt_http_answer_err(call->base, what, &a)) != DT_OK)
        return err;
    if (out != NULL)
        err = dt_buf_set(out, dt_buf_view(&a.body));
    return err;
}

/* As call_ok() for an answer of one uint64. */
static enum dt_err
call_u64(struct dt_http_client *c, const struct dt_http_call *call, const char *what, uint64_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(64);
    enum dt_err err;

    if ((err = call_ok(c, call, what, &b)) != DT_OK)
        return err;
    if ((err = dt_wire_u64_decode(dt_buf_view(&b), out)) != DT_OK)
        return dt_fail_context(err, "the relay's answer to %s", what);
    return DT_OK;
}

enum dt_err
dt_relay_queue_create(struct dt_http_client *c, const char *relay,
                      const struct dt_wire_create *create, uint8_t address[static DT_RELAY_ADDRESS])
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf body = DT_BUF_INIT(256);
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(1024);
    struct dt_http_call call = {.method = "POST", .base = relay, .path = "/v1/queues"};
    enum dt_err err;

    if ((err = dt_wire_create_encode(create, &body)) != DT_OK)
        return err;
    call.body = dt_buf_view(&body);
    if ((err = call_ok(c, &call, "create a queue", &answer)) != DT_OK)
        return err;
    if (answer.n != DT_RELAY_ADDRESS)
        return dt_fail(DT_ERR_FORMAT, "the relay's answer to create a queue is no address");
    for (size_t i = 0; i < DT_RELAY_ADDRESS; i++)
        address[i] = answer.p[i];
    return DT_OK;
}

enum dt_err
dt_relay_append(struct dt_http_client *c, const char *relay,
                const uint8_t address[static DT_RELAY_ADDRESS], struct dt_view write_token,
                const struct dt_wire_append *append, uint64_t *out_position)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_NET_BODY_MAX);
    char hex[2 * DT_RELAY_ADDRESS + 1], path[128];
    struct dt_http_call call = {
        .method = "POST", .base = relay, .path = path, .bearer = write_token};
    enum dt_err err;

    dt_hex_str(hex, dt_view(address, DT_RELAY_ADDRESS));
    (void)snprintf(path, sizeof(path), "/v1/queues/%s/cells", hex);
    if ((err = dt_wire_append_encode(append, &body)) != DT_OK)
        return err;
    call.body = dt_buf_view(&body);
    return call_u64(c, &call, "append a cell", out_position);
}

/* Are the results of ${n} appends: those taken, then those that are not? */
static bool
results_in_order(const struct dt_wire_result *results, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (results[i].status == 200 && results[i - 1].status != 200)
            return false;
    }
    return true;
}

enum dt_err
dt_relay_append_all(struct dt_http_client *c, const char *relay,
                    const uint8_t address[static DT_RELAY_ADDRESS], struct dt_view write_token,
                    const struct dt_wire_append *appends, size_t n,
                    struct dt_wire_result out[static DT_RELAY_APPEND_MAX])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_NET_BODY_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(8192);
    char hex[2 * DT_RELAY_ADDRESS + 1], path[128];
    struct dt_http_call call = {
        .method = "POST", .base = relay, .path = path, .bearer = write_token};
    size_t n_out = 0;
    enum dt_err err;

    dt_hex_str(hex, dt_view(address, DT_RELAY_ADDRESS));
    (void)snprintf(path, sizeof(path), "/v1/queues/%s/cells/batch", hex);
    if ((err = dt_wire_appends_encode(appends, n, &body)) != DT_OK)
        return err;
    call.body = dt_buf_view(&body);
    if ((err = call_ok(c, &call, "append cells", &answer)) != DT_OK)
        return err;
    if ((err = dt_wire_results_decode(dt_buf_view(&answer), out, &n_out)) == DT_OK &&
        (n_out != n || !results_in_order(out, n)))
        err = dt_fail(DT_ERR_FORMAT, "the results are not those of the cells sent");
    return err == DT_OK ? DT_OK : dt_fail_context(err, "the relay's answer to append cells");
}

enum dt_err
dt_relay_read(struct dt_http_client *c, const char *relay,
              const uint8_t address[static DT_RELAY_ADDRESS], struct dt_view read_token,
              uint64_t after, unsigned int max, struct dt_buf *out)
{
    char hex[2 * DT_RELAY_ADDRESS + 1], path[192];
    struct dt_http_call call = {.method = "GET", .base = relay, .path = path, .bearer = read_token};

    dt_hex_str(hex, dt_view(address, DT_RELAY_ADDRESS));
    (void)snprintf(path, sizeof(path), "/v1/queues/%s/cells?after=%llu&max=%u", hex,
                   (unsigned long long)after, max == 0 ? DT_RELAY_READ_COUNT : max);
    return call_ok(c, &call, "read a queue", out);
}

enum dt_err
dt_relay_ack(struct dt_http_client *c, const char *relay,
             const uint8_t address[static DT_RELAY_ADDRESS], struct dt_view read_token,
             const struct dt_wire_ack *ack)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(64);
    char hex[2 * DT_RELAY_ADDRESS + 1], path[128];
    struct dt_http_call call = {
        .method = "POST", .base = relay, .path = path, .bearer = read_token};
    enum dt_err err;

    dt_hex_str(hex, dt_view(address, DT_RELAY_ADDRESS));
    (void)snprintf(path, sizeof(path), "/v1/queues/%s/ack", hex);
    if ((err = dt_wire_ack_encode(ack, &body)) != DT_OK)
        return err;
    call.body = dt_buf_view(&body);
    return call_ok(c, &call, "acknowledge what was read", NULL);
}

static enum dt_err
poll(struct dt_http_client *c, const char *relay, const struct dt_wire_poll *wanted,
     size_t n_wanted, unsigned int wait_s, bool cells, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf body = DT_BUF_INIT(16384);
    char path[64];
    struct dt_http_call call = {.method = "POST", .base = relay, .path = path, .wait_s = wait_s};
    enum dt_err err;

    if (n_wanted == 0 || n_wanted > DT_RELAY_POLL_MAX)
        return dt_fail(DT_ERR_RANGE, "a poll of %zu queues", n_wanted);
    (void)snprintf(path, sizeof(path), "/v1/poll?wait=%u%s", wait_s, cells ? "&cells=1" : "");
    if ((err = dt_wire_poll_encode(wanted, n_wanted, &body)) != DT_OK)
        return err;
    call.body = dt_buf_view(&body);
    return call_ok(c, &call, "poll queues", out);
}

enum dt_err
dt_relay_poll(struct dt_http_client *c, const char *relay, const struct dt_wire_poll *wanted,
              size_t n_wanted, unsigned int wait_s,
              struct dt_wire_news out[static DT_RELAY_POLL_MAX], size_t *out_n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(16384);
    enum dt_err err = poll(c, relay, wanted, n_wanted, wait_s, false, &answer);

    return err == DT_OK ? dt_wire_news_decode(dt_buf_view(&answer), out, out_n) : err;
}

enum dt_err
dt_relay_poll_cells(struct dt_http_client *c, const char *relay, const struct dt_wire_poll *wanted,
                    size_t n_wanted, unsigned int wait_s, struct dt_buf *out)
{
    return poll(c, relay, wanted, n_wanted, wait_s, true, out);
}

enum dt_err
dt_register_append_due(struct dt_http_client *c, const char *register_url,
                       struct dt_view append_key, const uint8_t seal[static 32], bool urgent,
                       uint64_t *out_index, uint64_t *out_wait_s)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(64);
    struct dt_http_call call = {.method = "POST",
                                .base = register_url,
                                .path = urgent ? "/append?urgent=1" : "/append",
                                .bearer = append_key};
    enum dt_err err;

    if ((err = dt_wire_entry_encode(seal, &body)) != DT_OK)
        return err;
    call.body = dt_buf_view(&body);
    if ((err = dt_http_call(c, &call, &a)) != DT_OK)
        return err;
    *out_wait_s = a.status == 429 ? a.retry_after_s : 0;
    if (*out_wait_s != 0)
        return dt_fail(DT_ERR_BUSY, "the register takes this party's next entry at its next slot");
    if ((err = dt_http_answer_err(register_url, "append to the register", &a)) == DT_OK)
        err = dt_fail_context(dt_wire_u64_decode(dt_buf_view(&a.body), out_index),
                              "the relay's answer to append to the register");
    return err;
}

enum dt_err
dt_register_append(struct dt_http_client *c, const char *register_url, struct dt_view append_key,
                   const uint8_t seal[static 32], uint64_t *out_index)
{
    uint64_t wait_s = 0;

    return dt_register_append_due(c, register_url, append_key, seal, false, out_index, &wait_s);
}

static const char *
checkpoint_path(enum dt_checkpoint_kind kind)
{
    switch (kind) {
    case DT_CHECKPOINT_HELD:
        return "/checkpoint.held";
    case DT_CHECKPOINT_FINAL:
        return "/checkpoint.final";
    case DT_CHECKPOINT_ATTESTED:
        break;
    }
    return "/checkpoint";
}

static enum dt_err
get_checkpoint(struct dt_http_client *c, const char *register_url, const char *path,
               unsigned int wait_s, struct dt_buf *out)
{
    struct dt_http_call call = {
        .method = "GET", .base = register_url, .path = path, .wait_s = wait_s};

    return call_ok(c, &call, "read a checkpoint", out);
}

enum dt_err
dt_register_checkpoint(struct dt_http_client *c, const char *register_url,
                       enum dt_checkpoint_kind kind, struct dt_buf *out)
{
    return get_checkpoint(c, register_url, checkpoint_path(kind), 0, out);
}

enum dt_err
dt_register_checkpoint_after(struct dt_http_client *c, const char *register_url,
                             enum dt_checkpoint_kind kind, uint64_t after, unsigned int wait_s,
                             struct dt_buf *out)
{
    char path[96];

    (void)snprintf(path, sizeof(path), "%s?after=%llu&wait=%u", checkpoint_path(kind),
                   (unsigned long long)after, wait_s);
    return get_checkpoint(c, register_url, path, wait_s, out);
}

enum dt_err
dt_register_checkpoint_of(struct dt_http_client *c, const char *register_url, uint64_t size,
                          struct dt_buf *out)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/checkpoint?size=%llu", (unsigned long long)size);
    return get_checkpoint(c, register_url, path, 0, out);
}

enum dt_err
dt_register_checkpoint_by(struct dt_http_client *c, const char *register_url, const char *key_id,
                          struct dt_buf *out)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/checkpoint?by=%.8s", key_id);
    return get_checkpoint(c, register_url, path, 0, out);
}

enum dt_err
dt_register_file(struct dt_http_client *c, const char *register_url, const char *path,
                 struct dt_buf *out)
{
    char full[256];
    struct dt_http_call call = {.method = "GET", .base = register_url, .path = full};

    (void)snprintf(full, sizeof(full), "/%s", path);
    return call_ok(c, &call, "read a tile", out);
}

enum dt_err
dt_register_publish(struct dt_http_client *c, const char *register_url, struct dt_view append_key,
                    struct dt_view file, const uint8_t name[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(256);
    struct dt_http_call call = {.method = "POST",
                                .base = register_url,
                                .path = "/openings",
                                .bearer = append_key,
                                .content_type = "text/plain",
                                .body = file};
    char want[2 * 32 + 2];
    enum dt_err err;

    if (file.n > DT_NET_OPENING_MAX)
        return dt_fail(DT_ERR_LIMIT, "a file of more than %u bytes is not published",
                       DT_NET_OPENING_MAX);
    if ((err = call_ok(c, &call, "publish an opening", &answer)) != DT_OK)
        return err;
    dt_hex_str(want, dt_view(name, 32));
    want[2 * 32] = '\n';
    if (!dt_view_equal(dt_buf_view(&answer), dt_view((const uint8_t *)want, sizeof(want) - 1)))
        return dt_fail(DT_ERR_FORMAT, "the relay published something else than it was given");
    return DT_OK;
}

enum dt_err
dt_register_cosign(struct dt_http_client *c, const char *register_url, struct dt_view note)
{
    struct dt_http_call call = {.method = "POST",
                                .base = register_url,
                                .path = "/cosign",
                                .content_type = "text/plain",
                                .body = note};

    return call_ok(c, &call, "hand in a cosignature", NULL);
}
