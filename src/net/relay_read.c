/*
 * net/relay_read.c - reading a queue of which the relay may keep the beginning no longer. See
 * relay_client.h.
 *
 * Apart from the other calls because it reads JSON: a witness has none of this and links no parser.
 */
#include <stdio.h>

#include "base/text.h"

#include "net/json.h"
#include "net/relay_client.h"

#define EXPIRED_MAX 1024u /* bytes of an answer 410 */

/* The "first" of an answer 410. */
static enum dt_err
first_kept(struct dt_view json, uint64_t after, uint64_t *out)
{
    json_t *root = NULL;
    const json_t *v;
    enum dt_err err;

    if (json.n > EXPIRED_MAX)
        return dt_fail(DT_ERR_LIMIT, "the relay's answer about expired messages is too long");
    if ((err = dt_json_parse(json, &root)) != DT_OK)
        return dt_fail_context(err, "the relay's answer about expired messages");
    v = json_object_get(root, "first");
    /* Not further than positions go, and further than was asked. */
    if (!json_is_integer(v) || json_integer_value(v) <= 0 ||
        json_integer_value(v) > (json_int_t)UINT32_MAX + 1 ||
        (uint64_t)json_integer_value(v) <= after + 1)
        err = dt_fail(DT_ERR_FORMAT,
                      "the relay's answer about expired messages does not say where to go on");
    else
        *out = (uint64_t)json_integer_value(v);
    json_decref(root);
    return err;
}

enum dt_err
dt_relay_read_kept(struct dt_http_client *c, const char *relay,
                   const uint8_t address[static DT_RELAY_ADDRESS], struct dt_view read_token,
                   uint64_t after, struct dt_buf *out, uint64_t *out_first)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    char hex[2 * DT_RELAY_ADDRESS + 1], path[192];
    struct dt_http_call call = {.method = "GET", .base = relay, .path = path, .bearer = read_token};
    enum dt_err err;

    dt_hex_str(hex, dt_view(address, DT_RELAY_ADDRESS));
    (void)snprintf(path, sizeof(path), "/v1/queues/%s/cells?after=%llu&max=%u", hex,
                   (unsigned long long)after, DT_RELAY_READ_COUNT);
    if ((err = dt_http_call(c, &call, &a)) != DT_OK)
        return err;
    if (a.status == 410) {
        err = first_kept(dt_buf_view(&a.body), after, out_first);
        return err != DT_OK ? err
                            : dt_fail(DT_ERR_EXPIRED, "the relay keeps those messages no longer");
    }
    if ((err = dt_http_answer_err(relay, "read a queue", &a)) != DT_OK)
        return err;
    return dt_buf_set(out, dt_buf_view(&a.body));
}
