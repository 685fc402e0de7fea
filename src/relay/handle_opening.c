/*
 * relay/handle_opening.c - what was opened to everyone, beside a register: POST openings by a
 * party, openings/index and openings/{hash}.proof for all.
 *
 * Source: docs/protocol-relay.md "Registers", docs/protocol-register.md "Openings". Layer: relay.
 * A stranger verifies each file by itself; here it is bytes.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/crypto.h"

#include "relay/handlers.h"

#define NAME_HEX  (2u * DT_SHA256)
#define INDEX_MAX ((NAME_HEX + 1) * DT_RELAY_OPENINGS_MAX)
#define SUFFIX    ".proof"

/* ---- publishing ---- */

static enum dt_http_next
reply_taken(struct relay_wait *w, struct dt_http_reply *reply)
{
    struct dt_buf b = DT_BUF_INIT(NAME_HEX + 2);
    char name[NAME_HEX + 1];
    enum dt_err err;

    if (w->job.result != DT_OK)
        return relay_job_error(reply, &w->job);
    dt_hex_str(name, dt_view_of(w->job.u.opening.name));
    if ((err = dt_buf_printf(&b, "%s\n", name)) != DT_OK)
        return relay_error(reply, err);
    dt_http_reply_body(reply, w->job.u.opening.existed ? 200 : 201, RELAY_TEXT, &b);
    return DT_HTTP_REPLY;
}

static enum dt_http_next
publish(struct dt_relay *r, struct dt_http_request *req, const struct dt_relay_store_register *reg,
        struct dt_http_reply *reply)
{
    struct relay_wait *w = req->state;
    uint8_t key_hash[32];
    enum dt_err err;

    if (w != NULL)
        return relay_job_done(w) ? reply_taken(w, reply) : DT_HTTP_WAIT;
    if (!relay_bearer(req, key_hash, reply))
        return DT_HTTP_REPLY;
    if ((err = dt_relay_store_append_key(r->store, reg->id, key_hash)) != DT_OK)
        return relay_store_error(reply, err);
    if (req->body.n == 0)
        return relay_error(reply, DT_ERR_FORMAT);
    if (req->body.n > DT_NET_OPENING_MAX) {
        dt_http_reply_error(reply, 413, "too-large", "an opening has at most 64 KiB");
        return DT_HTTP_REPLY;
    }
    if ((w = relay_wait_new(r, req, 0)) == NULL)
        return relay_error(reply, DT_ERR_STATE);
    w->job.kind = DT_JOB_OPENING;
    w->job.u.opening.reg = reg->id;
    memcpy(w->job.u.opening.key_hash, key_hash, sizeof(key_hash));
    w->job.u.opening.file = req->body; /* which outlives the job */
    dt_hub_register_key(reg->id, w->key);
    if ((err = dt_sha256(req->body, w->job.u.opening.name)) != DT_OK)
        return relay_error(reply, err);
    return relay_submit(w, reply);
}

/* ---- reading ---- */

/* "{64 hex digits}.proof" */
static bool
read_name(const char *text, uint8_t out[static DT_SHA256])
{
    return strlen(text) == NAME_HEX + sizeof(SUFFIX) - 1 && strcmp(text + NAME_HEX, SUFFIX) == 0 &&
           dt_hex_read_fixed(out, DT_SHA256, dt_view((const uint8_t *)text, NAME_HEX)) == DT_OK;
}

static enum dt_http_next
read_file(struct dt_relay *r, const struct dt_relay_store_register *reg, const char *name,
          struct dt_http_reply *reply)
{
    struct dt_buf b = DT_BUF_INIT(INDEX_MAX > DT_NET_OPENING_MAX ? INDEX_MAX : DT_NET_OPENING_MAX);
    bool index = strcmp(name, "index") == 0;
    uint8_t hash[DT_SHA256];
    enum dt_err err = DT_ERR_NOT_FOUND;

    reply->allow_origin = "*"; /* any page may fetch it, and see why it was not given */
    if (index)
        err = dt_relay_store_openings(r->store, reg->id, &b);
    else if (read_name(name, hash))
        err = dt_relay_store_opening(r->store, reg->id, hash, &b);
    if (err != DT_OK) {
        dt_buf_clear(&b);
        return relay_store_error(reply, err);
    }
    dt_http_reply_body(reply, 200, RELAY_TEXT, &b);
    reply->cache_control = index ? "no-cache" : RELAY_CACHE_FOR_EVER;
    return DT_HTTP_REPLY;
}

enum dt_http_next
relay_openings(struct dt_relay *r, struct dt_http_request *req,
               const struct dt_relay_store_register *reg, const char *rest,
               struct dt_http_reply *reply)
{
    return req->method == DT_HTTP_POST ? publish(r, req, reg, reply)
                                       : read_file(r, reg, rest + 1, reply);
}
