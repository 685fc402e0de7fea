/*
 * agent/form/courier.c - see courier.h: ids, acks, grounds. The carried forms are in
 * courier_carry.c.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/form/courier.h"

#define ACK_SIZE (16u + 64u) /* in a ground */

enum dt_err
dt_courier_id(const struct dt_courier_channel *ch, struct dt_view key,
              uint8_t out[static DT_COURIER_ID])
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(128);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    if (key.n != DT_COURIER_KEY)
        return dt_fail(DT_ERR_RANGE, "a courier key has %d bytes, not %zu", DT_COURIER_KEY, key.n);
    dt_write_view(&w, dt_view(ch->forum, 32));
    dt_write_view(&w, dt_view(ch->group_id, 32));
    dt_write_view(&w, key);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_label_hash("courier key", dt_buf_view(&b), out);
}

/* ---- acks ---- */

static enum dt_err
ack_body(const struct dt_courier_channel *ch, const struct dt_courier_ack *x, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_view(&w, dt_view(ch->forum, 32));
    dt_write_view(&w, dt_view(ch->group_id, 32));
    dt_write_view(&w, dt_view_of(x->key_id));
    dt_write_view(&w, dt_view_of(x->invitation_id));
    return dt_writer_end(&w);
}

enum dt_err
dt_courier_ack_sign(const struct dt_courier_channel *ch, struct dt_courier_ack *x,
                    struct dt_view seed)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(128);
    enum dt_err err = ack_body(ch, x, &b);

    return err != DT_OK ? err : dt_label_sign(seed, "courier", dt_buf_view(&b), x->signature);
}

enum dt_err
dt_courier_ack_verify(const struct dt_courier_channel *ch, const struct dt_courier_ack *x,
                      struct dt_view pub)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(128);
    enum dt_err err = ack_body(ch, x, &b);

    if (err == DT_OK)
        err = dt_label_verify(pub, "courier", dt_buf_view(&b), dt_view_of(x->signature));
    return dt_fail_context(err, "courier key's confirmation");
}

enum dt_err
dt_courier_ack_encode(const struct dt_courier_ack *x, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_view(&w, dt_view_of(x->key_id));
    dt_write_view(&w, dt_view_of(x->invitation_id));
    dt_write_view(&w, dt_view_of(x->signature));
    return dt_writer_end(&w);
}

enum dt_err
dt_courier_ack_decode(struct dt_view bytes, struct dt_courier_ack *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_courier_ack x = {0};
    enum dt_err err;

    if ((err = dt_read_fixed(&r, x.key_id, sizeof x.key_id)) == DT_OK &&
        (err = dt_read_fixed(&r, x.invitation_id, sizeof x.invitation_id)) == DT_OK &&
        (err = dt_read_fixed(&r, x.signature, sizeof x.signature)) == DT_OK &&
        (err = dt_read_end(&r)) == DT_OK)
        *out = x;
    return dt_fail_context(err, "courier key's confirmation");
}

/* ---- grounds ---- */

enum dt_err
dt_courier_ground_encode(const struct dt_courier_ground *x, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_view(&w, dt_view_of(x->key_id));
    dt_write_u64(&w, x->renew_ms);
    dt_write_vec(&w, x->acks);
    return dt_writer_end(&w);
}

/* Whole acks, no seat twice. */
static enum dt_err
acks_form(struct dt_view acks)
{
    if (acks.n % ACK_SIZE != 0)
        return dt_fail(DT_ERR_FORMAT, "the confirmations are cut off");
    for (size_t i = 0; i < acks.n; i += ACK_SIZE)
        for (size_t k = 0; k < i; k += ACK_SIZE)
            if (memcmp(acks.p + i, acks.p + k, 16) == 0)
                return dt_fail(DT_ERR_FORMAT, "two confirmations of one seat");
    return DT_OK;
}

enum dt_err
dt_courier_ground_decode(struct dt_view bytes, struct dt_courier_ground *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_courier_ground x = {0};
    enum dt_err err;

    if ((err = dt_read_fixed(&r, x.key_id, sizeof x.key_id)) == DT_OK &&
        (err = dt_read_u64(&r, &x.renew_ms)) == DT_OK &&
        (err = dt_read_vec(&r, DT_WARRANT_MAX, &x.acks)) == DT_OK &&
        (err = dt_read_end(&r)) == DT_OK && (err = acks_form(x.acks)) == DT_OK)
        *out = x;
    return dt_fail_context(err, "courier key's ground");
}

enum dt_err
dt_courier_acks_add(struct dt_buf *acks, const struct dt_courier_ack *x)
{
    enum dt_err err = dt_buf_append(acks, dt_view_of(x->invitation_id));

    return err != DT_OK ? err : dt_buf_append(acks, dt_view_of(x->signature));
}

enum dt_err
dt_courier_acks_next(struct dt_view *rest, const uint8_t key_id[static DT_COURIER_ID],
                     struct dt_courier_ack *out)
{
    struct dt_reader r = dt_reader_init(*rest);
    struct dt_courier_ack x = {0};
    enum dt_err err;

    if (rest->n == 0)
        return dt_fail(DT_ERR_NOT_FOUND, "no further confirmation");
    memcpy(x.key_id, key_id, sizeof x.key_id);
    if ((err = dt_read_fixed(&r, x.invitation_id, sizeof x.invitation_id)) != DT_OK ||
        (err = dt_read_fixed(&r, x.signature, sizeof x.signature)) != DT_OK)
        return dt_fail_context(err, "courier key's ground");
    *rest = dt_view(r.p, r.n);
    *out = x;
    return DT_OK;
}
