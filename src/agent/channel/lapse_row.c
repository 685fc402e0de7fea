/*
 * agent/channel/lapse_row.c - the row of a lapse in the store, as this version and those before
 * wrote it.
 *
 * See lapse.h.
 */
#include "base/wire.h"

#include "agent/sync/flows.h"

#define LAPSE_MAX     512u
#define LAPSE_VERSION 3

void
dt_lapse_clear(struct dt_lapse *x)
{
    if (x != NULL)
        dt_secret_clear(&x->missed_token);
}

static enum dt_err
read_hints(struct dt_reader *r, struct dt_lapse *x)
{
    enum dt_err err = dt_read_u8(r, &x->n_hints);

    if (err == DT_OK && x->n_hints > DT_LAPSE_HINTS)
        return dt_fail(DT_ERR_FORMAT, "a row of the store is damaged");
    for (size_t i = 0; err == DT_OK && i < x->n_hints; i++)
        if ((err = dt_read_fixed(r, x->hints[i].seat, 16)) == DT_OK)
            err = dt_read_optional(r, &x->hints[i].asked);
    return err == DT_OK ? dt_read_u8(r, &x->followed) : err;
}

/* Version 1: one seat, where there is one. */
static enum dt_err
read_hint(struct dt_reader *r, struct dt_lapse *x)
{
    bool has = false;
    enum dt_err err = dt_read_optional(r, &has);

    x->n_hints = has;
    return err != DT_OK ? err : dt_read_fixed(r, x->hints[0].seat, 16);
}

static enum dt_err
read_seats(struct dt_reader *r, uint8_t version, struct dt_lapse *x)
{
    enum dt_err err = version == 1 ? read_hint(r, x) : read_hints(r, x);

    if (err != DT_OK || version < 3)
        return err;
    if ((err = dt_read_optional(r, &x->has_sure)) != DT_OK ||
        (err = dt_read_fixed(r, x->sure, sizeof x->sure)) != DT_OK)
        return err;
    return dt_read_u64(r, &x->settled);
}

/* Of every version that a store may still hold: the row outlives the lapse. */
static enum dt_err
decode(struct dt_view v, struct dt_lapse *x)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view token;
    uint8_t version = 0, why = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK)
        return err;
    if (version < 1 || version > LAPSE_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "version %u is not known here", version);
    if ((err = dt_read_u8(&r, &why)) != DT_OK || (err = dt_read_optional(&r, &x->wants)) != DT_OK ||
        (err = dt_read_optional(&r, &x->follows)) != DT_OK ||
        (err = dt_read_optional(&r, &x->whole)) != DT_OK ||
        (version > 1 && (err = dt_read_optional(&r, &x->gap)) != DT_OK) ||
        (err = dt_read_optional(&r, &x->chased)) != DT_OK ||
        (err = dt_read_u8(&r, &x->asks)) != DT_OK ||
        (err = dt_read_u64(&r, &x->asked_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &x->rejoined_ms)) != DT_OK ||
        (err = read_seats(&r, version, x)) != DT_OK ||
        (err = dt_read_optional(&r, &x->missed)) != DT_OK ||
        (err = dt_read_fixed(&r, x->missed_address, sizeof x->missed_address)) != DT_OK ||
        (err = dt_read_vec(&r, 32, &token)) != DT_OK ||
        (err = dt_read_u64(&r, &x->missed_after)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    x->why = (enum dt_lapse_why)why;
    return dt_secret_set(&x->missed_token, token);
}

enum dt_err
dt_lapse_load(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_lapse *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(LAPSE_MAX);
    enum dt_err err = dt_store_get_blob(a->store, "lapse", dt_view(group_id, 32), &value);

    dt_lapse_clear(out);
    *out = (struct dt_lapse){0};
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    return err != DT_OK ? err : dt_fail_context(decode(dt_buf_view(&value), out), "lapse row");
}

enum dt_err
dt_lapse_save(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_lapse *x)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(LAPSE_MAX);
    struct dt_writer w = dt_writer_init(&value);
    enum dt_err err;

    dt_write_u8(&w, LAPSE_VERSION);
    dt_write_u8(&w, (uint8_t)x->why);
    dt_write_optional(&w, x->wants);
    dt_write_optional(&w, x->follows);
    dt_write_optional(&w, x->whole);
    dt_write_optional(&w, x->gap);
    dt_write_optional(&w, x->chased);
    dt_write_u8(&w, x->asks);
    dt_write_u64(&w, x->asked_ms);
    dt_write_u64(&w, x->rejoined_ms);
    dt_write_u8(&w, x->n_hints);
    for (size_t i = 0; i < x->n_hints; i++) {
        dt_write_view(&w, dt_view_of(x->hints[i].seat));
        dt_write_optional(&w, x->hints[i].asked);
    }
    dt_write_u8(&w, x->followed);
    dt_write_optional(&w, x->has_sure);
    dt_write_view(&w, dt_view_of(x->sure));
    dt_write_u64(&w, x->settled);
    dt_write_optional(&w, x->missed);
    dt_write_view(&w, dt_view_of(x->missed_address));
    dt_write_vec(&w, dt_secret_view(&x->missed_token));
    dt_write_u64(&w, x->missed_after);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "lapse", dt_view(group_id, 32), dt_buf_view(&value));
}
