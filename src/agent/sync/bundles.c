/*
 * agent/sync/bundles.c - see bundles.h.
 */
#include <string.h>

#include "base/mem.h"

#include "agent/channel/lapse.h"
#include "agent/channel/review.h"
#include "agent/sync/bundles.h"
#include "agent/sync/outbox.h"
#include "agent/talk/receipt_internal.h"

static struct dt_bundle_side
side_of(const struct dt_channel *ch)
{
    return (struct dt_bundle_side){
        .queue = &ch->queue, .group_id = ch->group_id, .epoch = mls_group_epoch(ch->group)};
}

/* ---- export ---- */

/* What the relay shows behind ${since}: ${answer} backs the cells. */
static enum dt_err
cells_since(struct dt_agent *a, const struct dt_channel *ch, uint64_t since, struct dt_buf *answer,
            struct dt_bundle_cell *cells, size_t *out_n)
{
    struct dt_wire_items items;
    struct dt_wire_item item;
    uint64_t last = 0;
    size_t bytes = 0;
    bool more = false;
    enum dt_err err;

    *out_n = 0;
    if ((err = dt_relay_read(a->queue_http, a->grant.relay, ch->queue.address,
                             dt_queue_read_token(&ch->queue), since, DT_BUNDLE_CELLS_MAX,
                             answer)) != DT_OK ||
        (err = dt_wire_items_begin(dt_buf_view(answer), &last, &items)) != DT_OK)
        return err;
    while ((err = dt_wire_items_next(&items, &item, &more)) == DT_OK && more) {
        if (item.position != since + *out_n + 1)
            return dt_fail(DT_ERR_PROOF, "the relay's queue goes on at position %llu after %llu",
                           (unsigned long long)item.position, (unsigned long long)(since + *out_n));
        bytes += item.cell.n + 32;
        if (*out_n == DT_BUNDLE_CELLS_MAX || bytes > DT_BUNDLE_MAX - 64)
            break; /* the rest is for the next bundle */
        dt_bundle_append_id(item.cell, cells[*out_n].append_id);
        cells[(*out_n)++].cell = item.cell;
    }
    return err;
}

/* Rows of the outbox: ${rows} backs the cells. */
static enum dt_err
cells_outgoing(struct dt_agent *a, const struct dt_channel *ch, struct dt_buf *rows,
               struct dt_bundle_cell *cells, size_t *out_n)
{
    uint64_t at = 0;
    size_t used = 0;
    enum dt_err err;

    *out_n = 0;
    for (;;) {
        DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};

        if ((err = dt_outbox_next(a, ch->group_id, at, &row)) != DT_OK)
            break;
        at = row.seq + 1;
        if (row.on_relay || memcmp(row.address, ch->queue.address, 32) != 0)
            continue;
        if (*out_n == DT_BUNDLE_CELLS_MAX || rows->n + row.cell.n + 64 * (*out_n + 1) > rows->max)
            break;
        if ((err = dt_buf_append(rows, dt_buf_view(&row.cell))) != DT_OK)
            return err;
        memcpy(cells[*out_n].append_id, row.append_id, 16);
        cells[(*out_n)++].cell = dt_view(NULL, row.cell.n); /* the bytes may still move */
    }
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    for (size_t i = 0; i < *out_n; used += cells[i++].cell.n)
        cells[i].cell.p = rows->p + used;
    return DT_OK;
}

enum dt_err
dt_agent_bundle_export(struct dt_agent *a, const uint8_t group_id[static 32],
                       enum dt_bundle_kind kind, uint64_t since, bool unpadded, struct dt_buf *out,
                       size_t *out_n)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf rows = DT_BUF_INIT(DT_BUNDLE_MAX);
    DT_CLEANUP(dt_free_p)
    struct dt_bundle_cell *cells = dt_alloc(DT_BUNDLE_CELLS_MAX, sizeof *cells);
    struct dt_bundle_side side;
    size_t n = 0;
    enum dt_err err;

    if (cells == NULL)
        return dt_nomem();
    if ((err = dt_channel_load_live(a, group_id, &ch)) != DT_OK ||
        (kind == DT_BUNDLE_CELLS &&
         (err = cells_since(a, &ch, since, &answer, cells, &n)) != DT_OK) ||
        (kind == DT_BUNDLE_OUTGOING && (err = cells_outgoing(a, &ch, &rows, cells, &n)) != DT_OK))
        return err;
    side = side_of(&ch);
    err = dt_bundle_encode(&side, kind, unpadded, kind == DT_BUNDLE_CELLS ? since : ch.position,
                           cells, n, out);
    if (err == DT_OK)
        *out_n = n;
    return err;
}

/* ---- import ---- */

/* The live channel whose queue the bundle is of. NOT_FOUND. */
static enum dt_err
channel_of(struct dt_agent *a, struct dt_view bytes, struct dt_channel *out)
{
    uint8_t want[DT_BUNDLE_TAG], tag[DT_BUNDLE_TAG], group_id[32];
    uint64_t at = 0;
    enum dt_err err;

    if ((err = dt_bundle_tag_read(bytes, want)) != DT_OK)
        return err;
    while ((err = dt_channel_next(a, &at, group_id)) == DT_OK) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};

        if ((err = dt_channel_load_row(a, group_id, &ch)) != DT_OK)
            return err;
        if (ch.state != DT_CHANNEL_LIVE)
            continue;
        if ((err = dt_bundle_tag_of(&ch.queue, tag)) != DT_OK)
            return err;
        if (memcmp(tag, want, sizeof tag) == 0)
            return dt_channel_load_live(a, group_id, out);
    }
    return err == DT_ERR_NOT_FOUND
               ? dt_fail(DT_ERR_NOT_FOUND, "the bundle is of no channel that this home is in")
               : err;
}

/* Take one cell in. A Commit that ends the queue is looked at twice where a relay shows it; here
 * there is nothing to be read again. */
static enum dt_err
take(struct dt_agent *a, const struct dt_channel *ch, const struct dt_wire_item *item,
     struct dt_ending *ending, struct dt_sync_report *report)
{
    enum dt_err err = dt_channel_take_cell(a, ch->group_id, ch->queue_number, item, ending, report);

    if (err != DT_OK || !ending->again)
        return err;
    ending->again = false;
    ending->looked = true;
    return dt_channel_take_cell(a, ch->group_id, ch->queue_number, item, ending, report);
}

static enum dt_err
import_cells(struct dt_agent *a, const struct dt_channel *ch, const struct dt_bundle *b,
             struct dt_bundle_report *out)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel now = {0};
    struct dt_ending ending = {.queue = ch->queue_number, .last = b->position + b->n};
    struct dt_sync_report report = {0};
    uint64_t number = 0;
    size_t made = 0;
    enum dt_err err;

    if (b->position > ch->position)
        return dt_fail(DT_ERR_RANGE,
                       "the bundle begins behind position %u, and this home has read up to %llu: "
                       "ask for one from there",
                       b->position, (unsigned long long)ch->position);
    if ((err = dt_store_number(a->store, &number)) != DT_OK ||
        (err = dt_channel_note_absence(a, ch->group_id)) != DT_OK)
        return err;
    for (size_t i = 0; i < b->n; i++) {
        struct dt_wire_item item = {.position = b->position + i + 1, .cell = b->cells[i].cell};

        if (item.position <= ch->position)
            continue;
        memcpy(item.append_id, b->cells[i].append_id, 16);
        if ((err = take(a, ch, &item, &ending, &report)) != DT_OK)
            return err;
        out->taken++;
    }
    if ((err = dt_channel_load_row(a, ch->group_id, &now)) != DT_OK)
        return err;
    out->position = now.position;
    /* An older bundle than what we have read shows no end. */
    if (now.state != DT_CHANNEL_LIVE || b->position + b->n < ch->position)
        return DT_OK;
    if ((err = dt_channel_note_read(a, ch->group_id)) != DT_OK ||
        (err = dt_receipt_settle(a, ch->group_id, number, &report)) != DT_OK)
        return err;
    return dt_channel_prepare(a, ch->group_id, &made);
}

static enum dt_err
import_outgoing(struct dt_agent *a, const struct dt_channel *ch, const struct dt_bundle *b,
                struct dt_bundle_report *out)
{
    for (size_t i = 0; i < b->n; i++) {
        struct dt_wire_append append = {.cell = b->cells[i].cell};
        uint64_t position = 0;
        enum dt_err err;

        memcpy(append.append_id, b->cells[i].append_id, 16);
        if ((err = dt_relay_append(a->queue_http, a->grant.relay, ch->queue.address,
                                   dt_queue_write_token(&ch->queue), &append, &position)) != DT_OK)
            return err;
        out->taken++;
    }
    return DT_OK;
}

enum dt_err
dt_agent_bundle_import(struct dt_agent *a, struct dt_view bytes, struct dt_bundle_report *out)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_bundle_clear) struct dt_bundle b = {0};
    struct dt_bundle_report report = {0};
    struct dt_bundle_side side;
    enum dt_err err;

    if ((err = dt_agent_refresh(a)) != DT_OK || (err = channel_of(a, bytes, &ch)) != DT_OK)
        return err;
    side = side_of(&ch);
    if ((err = dt_bundle_decode(bytes, &side, &b)) != DT_OK)
        return err;
    memcpy(report.group_id, ch.group_id, 32);
    report.kind = b.kind;
    report.cells = b.n;
    report.position = b.position;
    switch (b.kind) {
    case DT_BUNDLE_CELLS:
        err = import_cells(a, &ch, &b, &report);
        break;
    case DT_BUNDLE_OUTGOING:
        err = import_outgoing(a, &ch, &b, &report);
        break;
    case DT_BUNDLE_ACK:
        break;
    }
    *out = report; /* what was done before an error stays done */
    return err;
}
