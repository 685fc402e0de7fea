/*
 * agent/talk/receipt_seat.c - what the receipts of each other member say; see receipt_internal.h.
 *
 * Table "receipt": (group id, invitation id), parent group id, seq = leaf.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/talk/receipt_internal.h"

#define ROW_VERSION    2
#define ROW_WITH_PLACE 1 /* had the place of what is overdue, not its id */
#define ROW_MAX        256u

bool
dt_place_after(struct dt_place x, struct dt_place y)
{
    return x.queue_number != y.queue_number ? x.queue_number > y.queue_number
                                            : x.position > y.position;
}

static void
key_of(uint8_t out[static 48], const uint8_t group_id[static 32],
       const uint8_t invitation_id[static 16])
{
    memcpy(out, group_id, 32);
    memcpy(out + 32, invitation_id, 16);
}

static void
write_place(struct dt_writer *w, struct dt_place x)
{
    dt_write_u64(w, x.queue_number);
    dt_write_u64(w, x.position);
}

static enum dt_err
read_place(struct dt_reader *r, struct dt_place *out)
{
    enum dt_err err = dt_read_u64(r, &out->queue_number);

    return err != DT_OK ? err : dt_read_u64(r, &out->position);
}

enum dt_err
dt_receipt_seat_put(struct dt_agent *a, const uint8_t group_id[static 32],
                    const struct dt_receipt_seat *s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(ROW_MAX);
    struct dt_writer w = dt_writer_init(&value);
    uint8_t key[48];
    enum dt_err err;

    key_of(key, group_id, s->invitation_id);
    dt_write_u8(&w, ROW_VERSION);
    dt_write_view(&w, dt_view_of(s->invitation_id));
    dt_write_u32(&w, s->leaf);
    dt_write_view(&w, dt_view_of(s->letter_hash));
    write_place(&w, s->since);
    write_place(&w, s->has);
    dt_write_u64(&w, s->has_ms);
    dt_write_view(&w, dt_view_of(s->late_id));
    dt_write_u64(&w, s->late_ms);
    dt_write_u64(&w, s->forked);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put(a->store, "receipt", dt_view_of(key), dt_view(group_id, 32), s->leaf,
                        dt_buf_view(&value));
}

static enum dt_err
decode(struct dt_view v, struct dt_receipt_seat *out)
{
    struct dt_reader r = dt_reader_init(v);
    uint8_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK)
        return dt_fail_context(err, "receipt row");
    if (version != ROW_VERSION && version != ROW_WITH_PLACE)
        return dt_fail(DT_ERR_UNSUPPORTED, "a row is kept in version %u, which is not known here",
                       version);
    /* The place of an older row is as long as an id. */
    if ((err = dt_read_fixed(&r, out->invitation_id, 16)) != DT_OK ||
        (err = dt_read_u32(&r, &out->leaf)) != DT_OK ||
        (err = dt_read_fixed(&r, out->letter_hash, 32)) != DT_OK ||
        (err = read_place(&r, &out->since)) != DT_OK ||
        (err = read_place(&r, &out->has)) != DT_OK ||
        (err = dt_read_u64(&r, &out->has_ms)) != DT_OK ||
        (err = dt_read_fixed(&r, out->late_id, 16)) != DT_OK ||
        (err = dt_read_u64(&r, &out->late_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &out->forked)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "receipt row");
    if (version == ROW_WITH_PLACE)
        out->late_ms = 0; /* what is overdue is found, and told, once more */
    return DT_OK;
}

enum dt_err
dt_receipt_seat_get(struct dt_agent *a, const uint8_t group_id[static 32],
                    const uint8_t invitation_id[static 16], struct dt_receipt_seat *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(ROW_MAX);
    uint8_t key[48];
    enum dt_err err;

    key_of(key, group_id, invitation_id);
    err = dt_store_get_blob(a->store, "receipt", dt_view_of(key), &value);
    return err != DT_OK ? err : decode(dt_buf_view(&value), out);
}

enum dt_err
dt_receipt_seat_next(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t leaf,
                     struct dt_receipt_seat *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    enum dt_err err = dt_store_next(a->store, "receipt", dt_view(group_id, 32), leaf, &row);

    return err != DT_OK ? err : decode(dt_buf_view(&row.value), out);
}

static enum dt_err
drop_gone(struct dt_agent *a, const struct dt_channel *ch)
{
    struct dt_receipt_seat s = {0};
    bool any = false;
    enum dt_err err;

    for (uint64_t at = 0; (err = dt_receipt_seat_next(a, ch->group_id, at, &s)) == DT_OK;
         at = (uint64_t)s.leaf + 1) {
        uint8_t key[48];
        uint32_t leaf = 0;

        if (dt_seat_find(ch->group, s.invitation_id, &leaf))
            continue;
        key_of(key, ch->group_id, s.invitation_id);
        if ((err = dt_store_del(a->store, "receipt", dt_view_of(key))) != DT_OK)
            return err;
        any = true;
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    return any ? dt_awaited_sweep(a, ch->group_id) : DT_OK;
}

/* Letters are kept, so that people can be named. The Commit stands, whatever is wrong with one. */
static enum dt_err
add_new(struct dt_agent *a, const struct dt_channel *ch, const struct dt_seat *s)
{
    struct dt_receipt_seat x = {.leaf = s->leaf,
                                .since = {ch->queue_number, ch->position},
                                .has = {ch->queue_number, ch->position}};
    struct dt_receipt_seat old = {0};
    enum dt_err err = dt_receipt_seat_get(a, ch->group_id, s->voucher.invitation_id, &old);

    if (err != DT_ERR_NOT_FOUND)
        return err;
    memcpy(x.invitation_id, s->voucher.invitation_id, 16);
    memcpy(x.letter_hash, s->letter.hash, 32);
    if ((err = dt_letter_keep(a, &s->letter, s->party, s->letter_bytes)) != DT_OK)
        return err;
    return dt_receipt_seat_put(a, ch->group_id, &x);
}

enum dt_err
dt_receipt_seats_update(struct dt_agent *a, const struct dt_channel *ch)
{
    struct dt_rules rules = dt_channel_rules(a, ch);
    uint32_t n = mls_group_n_leaves(ch->group);
    enum dt_err err = drop_gone(a, ch);

    for (uint32_t leaf = 0; err == DT_OK && leaf < n; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};

        if (leaf == mls_group_own_leaf(ch->group))
            continue;
        err = dt_seat_of(&rules, ch->group, leaf, &s); /* NOT_FOUND: a blank leaf */
        if (err == DT_OK)
            err = add_new(a, ch, &s);
        if (err != DT_OK && !dt_err_is_local(err))
            err = DT_OK;
    }
    return err;
}
