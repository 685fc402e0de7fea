/*
 * agent/talk/line_log.c - see line_log.h.
 *
 * Rows: "line_log" (group id, place of the party): uint64 from, uint64 until of each span; (group
 * id, 255): uint64 until when the queue was read, the seat that read it, and the spans in which we
 * could not hear.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"
#include "instrument/line_spans.h"
#include "instrument/line_watch.h"

#include "agent/talk/line_internal.h"
#include "agent/talk/line_log.h"

#define TABLE   "line_log"
#define ROW_MAX (64u + DT_LINE_SPANS * 16u)
#define HEAD    DT_DUE_NOBODY

struct row {
    bool there;
    uint64_t until_ms; /* of the head */
    uint8_t seat[16];
    struct dt_line_spans spans;
};

static enum dt_err
row_read(struct dt_view v, uint8_t party, struct row *x)
{
    struct dt_reader r = dt_reader_init(v);
    enum dt_err err;

    *x = (struct row){.there = true};
    if (party == HEAD && ((err = dt_read_u64(&r, &x->until_ms)) != DT_OK ||
                          (err = dt_read_fixed(&r, x->seat, sizeof x->seat)) != DT_OK))
        return dt_fail_context(err, "row of a line's log");
    while (r.n > 0) {
        uint64_t from = 0, to = 0;

        if ((err = dt_read_u64(&r, &from)) != DT_OK || (err = dt_read_u64(&r, &to)) != DT_OK)
            return dt_fail_context(err, "row of a line's log");
        dt_line_spans_add(&x->spans, from, to);
    }
    return DT_OK;
}

static enum dt_err
row_load(struct dt_agent *a, const uint8_t group_id[static 32], uint8_t party, struct row *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    enum dt_err err;

    *x = (struct row){.there = false};
    err = dt_line_party_get(a, TABLE, group_id, party, &b);
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    return row_read(dt_buf_view(&b), party, x);
}

static enum dt_err
row_save(struct dt_agent *a, const uint8_t group_id[static 32], uint8_t party, const struct row *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    if (party == HEAD) {
        dt_write_u64(&w, x->until_ms);
        dt_write_view(&w, dt_view_of(x->seat));
    }
    for (size_t i = 0; i < x->spans.n; i++) {
        dt_write_u64(&w, x->spans.v[i].from_ms);
        dt_write_u64(&w, x->spans.v[i].to_ms);
    }
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_line_party_put(a, TABLE, group_id, party, dt_buf_view(&b));
}

enum dt_err
dt_line_log_test(struct dt_agent *a, const uint8_t group_id[static 32], size_t party, uint64_t slot,
                 uint64_t every_ms)
{
    uint64_t now = dt_line_slot(dt_agent_now(a), every_ms);
    struct row *x = NULL;
    enum dt_err err;

    if (party >= 32 || slot > now + 1) /* one clock may be a little ahead of the other */
        return DT_OK;
    if ((x = dt_alloc(1, sizeof *x)) == NULL)
        return dt_nomem();
    if ((err = row_load(a, group_id, HEAD, x)) != DT_OK)
        goto done;
    /* What was sent at the end of a slot may be read a little later. */
    if (slot + 1 < now && slot < dt_line_slot(x->until_ms, every_ms))
        goto done;
    if ((err = row_load(a, group_id, (uint8_t)party, x)) != DT_OK)
        goto done;
    dt_line_spans_add(&x->spans, slot * every_ms, (slot + 1) * every_ms);
    err = row_save(a, group_id, (uint8_t)party, x);
done:
    dt_free(x);
    return err;
}

enum dt_err
dt_line_log_read(struct dt_agent *a, const uint8_t group_id[static 32],
                 const uint8_t seat[static 16], uint64_t slot, uint64_t every_ms)
{
    struct row *x = dt_alloc(1, sizeof *x);
    enum dt_err err;

    if (x == NULL)
        return dt_nomem();
    if ((err = row_load(a, group_id, HEAD, x)) != DT_OK)
        goto done;
    if (x->there && memcmp(x->seat, seat, sizeof x->seat) != 0)
        dt_line_spans_add(&x->spans, x->until_ms, (slot + 1) * every_ms);
    memcpy(x->seat, seat, sizeof x->seat);
    if (slot * every_ms > x->until_ms)
        x->until_ms = slot * every_ms;
    err = row_save(a, group_id, HEAD, x);
done:
    dt_free(x);
    return err;
}

static enum dt_err
append(struct dt_line_heard *list, uint16_t channel, uint8_t party, const struct dt_line_spans *s)
{
    if (s->n > list->room - list->n) {
        size_t room = list->n + s->n + 64;
        struct dt_due_heard *grown = dt_realloc(list->v, room, sizeof *grown);

        if (grown == NULL)
            return dt_nomem();
        list->v = grown;
        list->room = room;
    }
    for (size_t i = 0; i < s->n; i++)
        list->v[list->n++] = (struct dt_due_heard){channel, party, s->v[i].from_ms, s->v[i].to_ms};
    return DT_OK;
}

enum dt_err
dt_line_log_load(struct dt_agent *a, const uint8_t group_id[static 32], uint16_t channel,
                 struct dt_line_heard *list, uint64_t *out_until_ms)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    struct row *x = dt_alloc(1, sizeof *x);
    uint64_t at = 0;
    enum dt_err err;

    if (x == NULL)
        return dt_nomem();
    *out_until_ms = 0;
    while ((err = dt_store_next(a->store, TABLE, dt_view(group_id, 32), at, &row)) == DT_OK) {
        uint8_t party = row.seq < 32 ? (uint8_t)row.seq : HEAD;

        if ((err = row_read(dt_buf_view(&row.value), party, x)) != DT_OK ||
            (err = append(list, channel, party, &x->spans)) != DT_OK)
            break;
        if (party == HEAD)
            *out_until_ms = x->until_ms;
        at = row.seq + 1;
    }
    dt_free(x);
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}
