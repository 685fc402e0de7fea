/*
 * agent/talk/line_row.c - what is kept of line tests, as rows of the store; see line_internal.h.
 *
 * Rows: "line" (group id, seat): what is known of a member's line; "line_heard" (group id, seat,
 * slot): a test of a slot that is not counted yet; "line_miss" (the same): a slot that was counted
 * as missed; "line_slot" (group id, slot): the queue was read in that slot; "line_own" (group id);
 * "line_ask" and "line_log" (group id, party).
 */
#include <string.h>

#include "base/wire.h"

#include "agent/talk/line_internal.h"

#define ROW_MAX 1024u

struct dt_line_key
dt_line_key(const uint8_t group_id[static 32], const uint8_t invitation_id[static 16])
{
    struct dt_line_key k;

    memcpy(k.bytes, group_id, 32);
    memcpy(k.bytes + 32, invitation_id, 16);
    return k;
}

/* ${parent} and the slot behind it. */
static size_t
slot_key(uint8_t out[static 56], struct dt_view parent, uint64_t slot)
{
    memcpy(out, parent.p, parent.n);
    for (size_t i = 0; i < 8; i++)
        out[parent.n + i] = (uint8_t)(slot >> (56 - 8 * i));
    return parent.n + 8;
}

enum dt_err
dt_line_slot_put(struct dt_agent *a, const char *table, struct dt_view parent, uint64_t slot,
                 uint8_t value)
{
    uint8_t key[56];
    size_t n = slot_key(key, parent, slot);

    return dt_store_put(a->store, table, dt_view(key, n), parent, slot, dt_view(&value, 1));
}

enum dt_err
dt_line_slot_get(struct dt_agent *a, const char *table, struct dt_view parent, uint64_t slot,
                 uint8_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(16);
    uint8_t key[56];
    size_t n = slot_key(key, parent, slot);
    enum dt_err err = dt_store_get_blob(a->store, table, dt_view(key, n), &b);

    *out = err == DT_OK && b.n == 1 ? b.p[0] : 0;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_line_slot_del(struct dt_agent *a, const char *table, struct dt_view parent, uint64_t slot)
{
    uint8_t key[56];
    size_t n = slot_key(key, parent, slot);

    return dt_store_del(a->store, table, dt_view(key, n));
}

enum dt_err
dt_line_slots_trim(struct dt_agent *a, const char *table, struct dt_view parent, uint64_t slot,
                   uint64_t most)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint64_t count = 0;
    enum dt_err err = dt_store_count(a->store, table, parent, &count);

    for (; err == DT_OK && count > 0; count--) {
        err = dt_store_next(a->store, table, parent, 0, &row);
        if (err != DT_OK || (row.seq >= slot && count <= most))
            break;
        err = dt_store_del(a->store, table, dt_buf_view(&row.key));
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_line_row_load(struct dt_agent *a, const struct dt_line_key *k, struct dt_line_row *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    struct dt_line_watch *w = &out->w;
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "line", dt_view_of(k->bytes), &b);

    *out = (struct dt_line_row){0};
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    r = dt_reader_init(dt_buf_view(&b));
    if ((err = dt_read_u64(&r, &out->seq)) != DT_OK ||
        (err = dt_read_u64(&r, &w->since)) != DT_OK ||
        (err = dt_read_u64(&r, &w->settled)) != DT_OK ||
        (err = dt_read_u64(&r, &w->last)) != DT_OK ||
        (err = dt_read_u64(&r, &w->last_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &w->heard)) != DT_OK || (err = dt_read_u64(&r, &w->late)) != DT_OK ||
        (err = dt_read_u64(&r, &w->missed[DT_LINE_PLANNED])) != DT_OK ||
        (err = dt_read_u64(&r, &w->missed[DT_LINE_UNREACHED])) != DT_OK ||
        (err = dt_read_u64(&r, &w->missed[DT_LINE_SILENT])) != DT_OK ||
        (err = dt_read_u64(&r, &w->outage_from_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &w->outage_until_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &out->confirmed)) != DT_OK ||
        (err = dt_read_u64(&r, &out->confirmed_ms)) != DT_OK ||
        (err = dt_read_str(&r, DT_LINE_TEXT_MAX, out->text)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "row of a line");
    out->there = true;
    return DT_OK;
}

enum dt_err
dt_line_row_save(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_line_key *k,
                 struct dt_line_row *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    const struct dt_line_watch *w = &x->w;
    struct dt_writer wr = dt_writer_init(&b);
    enum dt_err err;

    if (!x->there &&
        (err = dt_store_next_seq(a->store, "line", dt_view(group_id, 32), &x->seq)) != DT_OK)
        return err;
    x->there = true;
    dt_write_u64(&wr, x->seq);
    dt_write_u64(&wr, w->since);
    dt_write_u64(&wr, w->settled);
    dt_write_u64(&wr, w->last);
    dt_write_u64(&wr, w->last_ms);
    dt_write_u64(&wr, w->heard);
    dt_write_u64(&wr, w->late);
    dt_write_u64(&wr, w->missed[DT_LINE_PLANNED]);
    dt_write_u64(&wr, w->missed[DT_LINE_UNREACHED]);
    dt_write_u64(&wr, w->missed[DT_LINE_SILENT]);
    dt_write_u64(&wr, w->outage_from_ms);
    dt_write_u64(&wr, w->outage_until_ms);
    dt_write_u64(&wr, x->confirmed);
    dt_write_u64(&wr, x->confirmed_ms);
    dt_write_vec(&wr, dt_view_str(x->text));
    if ((err = dt_writer_end(&wr)) != DT_OK)
        return err;
    return dt_store_put(a->store, "line", dt_view_of(k->bytes), dt_view(group_id, 32), x->seq,
                        dt_buf_view(&b));
}

enum dt_err
dt_line_own_load(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_line_own_row *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "line_own", dt_view(group_id, 32), &b);

    *out = (struct dt_line_own_row){0};
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    r = dt_reader_init(dt_buf_view(&b));
    if ((err = dt_read_u64(&r, &out->stepped)) == DT_OK &&
        (err = dt_read_u64(&r, &out->sent)) == DT_OK &&
        (err = dt_read_u64(&r, &out->sent_ms)) == DT_OK &&
        (err = dt_read_u64(&r, &out->sealed)) == DT_OK &&
        (err = dt_read_u64(&r, &out->confirmed)) == DT_OK &&
        (err = dt_read_u64(&r, &out->outage_from_ms)) == DT_OK &&
        (err = dt_read_u64(&r, &out->outage_until_ms)) == DT_OK &&
        (err = dt_read_fixed(&r, out->id, sizeof out->id)) == DT_OK &&
        (err = dt_read_u64(&r, &out->place.queue_number)) == DT_OK &&
        (err = dt_read_u64(&r, &out->place.position)) == DT_OK)
        err = dt_read_end(&r);
    return dt_fail_context(err, "row of our line");
}

enum dt_err
dt_line_own_save(struct dt_agent *a, const uint8_t group_id[static 32],
                 const struct dt_line_own_row *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_u64(&w, x->stepped);
    dt_write_u64(&w, x->sent);
    dt_write_u64(&w, x->sent_ms);
    dt_write_u64(&w, x->sealed);
    dt_write_u64(&w, x->confirmed);
    dt_write_u64(&w, x->outage_from_ms);
    dt_write_u64(&w, x->outage_until_ms);
    dt_write_view(&w, dt_view_of(x->id));
    dt_write_u64(&w, x->place.queue_number);
    dt_write_u64(&w, x->place.position);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "line_own", dt_view(group_id, 32), dt_buf_view(&b));
}

/* ---- of a party ---- */

static void
party_key(uint8_t out[static 33], const uint8_t group_id[static 32], uint8_t party)
{
    memcpy(out, group_id, 32);
    out[32] = party;
}

enum dt_err
dt_line_party_get(struct dt_agent *a, const char *table, const uint8_t group_id[static 32],
                  uint8_t party, struct dt_buf *out)
{
    uint8_t key[33];

    party_key(key, group_id, party);
    return dt_store_get_blob(a->store, table, dt_view_of(key), out);
}

enum dt_err
dt_line_party_put(struct dt_agent *a, const char *table, const uint8_t group_id[static 32],
                  uint8_t party, struct dt_view value)
{
    uint8_t key[33];

    party_key(key, group_id, party);
    return dt_store_put(a->store, table, dt_view_of(key), dt_view(group_id, 32), party, value);
}
