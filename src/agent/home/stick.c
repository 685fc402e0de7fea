/*
 * agent/home/stick.c - of a relay that is a file carried by hand: where it is on this machine, and
 * what was seen of it last.
 *
 * Source: docs/protocol-carried.md "Addresses", "Copies". Tables: "self", "relay_file" -> the
 * address; "stick" (name of the stick) -> uint64 seq || opaque mark[16]. Layer: agent.
 */
#include <stdio.h>
#include <string.h>

#include "base/wire.h"
#include "net/address.h"

#include "agent/core.h"

static const char row_name[] = "relay_file";

enum dt_err
dt_stick_found(struct dt_agent *a)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_URL_MAX);
    enum dt_err err;

    if (!dt_address_is_file(a->grant.relay))
        return DT_OK;
    err = dt_store_get_blob(a->store, "self", dt_view_str(row_name), &b);
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    if (b.n == 0 || b.n >= sizeof a->grant.relay)
        return dt_fail(DT_ERR_FORMAT, "the row of where the stick is has another length");
    memcpy(a->grant.relay, b.p, b.n);
    a->grant.relay[b.n] = '\0';
    return DT_OK;
}

enum dt_err
dt_stick_is_at(struct dt_agent *a, const char *address)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_NET_URL_MAX);
    enum dt_err err;

    if (!dt_address_is_file(address) || !dt_address_is_file(a->grant.relay))
        return DT_OK;
    err = dt_store_get_blob(a->store, "self", dt_view_str(row_name), &b);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    if (err == DT_OK && dt_view_equal(dt_buf_view(&b), dt_view_str(address)))
        return DT_OK;
    return dt_store_put_blob(a->store, "self", dt_view_str(row_name), dt_view_str(address));
}

enum dt_err
dt_agent_stick_seen(struct dt_agent *a, const uint8_t id[static 16], uint64_t *out_seq,
                    uint8_t out_mark[static 16])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(24);
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "stick", dt_view(id, 16), &b);

    if (err != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&b));
    if ((err = dt_read_u64(&r, out_seq)) != DT_OK ||
        (err = dt_read_fixed(&r, out_mark, 16)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "what was seen of a stick");
    return DT_OK;
}

enum dt_err
dt_agent_stick_see(struct dt_agent *a, const uint8_t id[static 16], uint64_t seq,
                   const uint8_t mark[static 16])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(24);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_u64(&w, seq);
    dt_write_view(&w, dt_view(mark, 16));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "stick", dt_view(id, 16), dt_buf_view(&b));
}
