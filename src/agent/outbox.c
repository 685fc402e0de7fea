/*
 * agent/outbox.c - see outbox.h.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/outbox.h"
#include "agent/review.h"

#define ROW_MAX (DT_CELL_MAX + DT_PAYLOAD_MAX + 8192u)

/* Members keep the keys of MLS_PAST_EPOCHS_DEFAULT past epochs. A cell this many epochs old is not
 * sent any more, so that one that is has room for Commits that come in between. */
#define LATE_EPOCHS 2u

static const uint8_t inbox_parent[] = {'i', 'n', 'b', 'o', 'x'};

static struct dt_view
parent_of(const uint8_t *group_id)
{
    return group_id != NULL ? dt_view(group_id, 32) : dt_view_of(inbox_parent);
}

void
dt_outbox_row_clear(struct dt_outbox_row *row)
{
    if (row == NULL)
        return;
    dt_secret_clear(&row->write_token);
    dt_buf_clear(&row->cell);
    dt_buf_wipe(&row->payload);
}

static enum dt_err
encode(const struct dt_outbox_row *row, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u8(&w, (uint8_t)row->ref);
    dt_write_view(&w, dt_view_of(row->ref_id));
    dt_write_optional(&w, row->on_relay);
    dt_write_u64(&w, row->position);
    dt_write_u64(&w, row->epoch);
    dt_write_view(&w, dt_view_of(row->address));
    dt_write_vec(&w, dt_secret_view(&row->write_token));
    dt_write_vec(&w, dt_buf_view(&row->cell));
    dt_write_vec(&w, dt_buf_view(&row->payload));
    return dt_writer_end(&w);
}

static enum dt_err
decode(struct dt_view v, struct dt_outbox_row *out)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view token, cell, payload;
    uint8_t ref = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &ref)) != DT_OK ||
        (err = dt_read_fixed(&r, out->ref_id, 16)) != DT_OK ||
        (err = dt_read_optional(&r, &out->on_relay)) != DT_OK ||
        (err = dt_read_u64(&r, &out->position)) != DT_OK ||
        (err = dt_read_u64(&r, &out->epoch)) != DT_OK ||
        (err = dt_read_fixed(&r, out->address, 32)) != DT_OK ||
        (err = dt_read_vec(&r, DT_INBOX_MAX, &token)) != DT_OK ||
        (err = dt_read_vec(&r, DT_CELL_MAX, &cell)) != DT_OK ||
        (err = dt_read_vec(&r, DT_PAYLOAD_MAX, &payload)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return err;
    out->ref = (enum dt_outbox_ref)ref;
    out->cell.max = DT_CELL_MAX;
    out->payload.max = DT_PAYLOAD_MAX;
    if ((err = dt_secret_set(&out->write_token, token)) != DT_OK ||
        (err = dt_buf_set(&out->cell, cell)) != DT_OK)
        return err;
    return dt_buf_set(&out->payload, payload);
}

/* Write ${row}; a new one goes to the end of its parent's list. */
static enum dt_err
put(struct dt_agent *a, const uint8_t *group_id, struct dt_outbox_row *row, bool is_new)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(ROW_MAX);
    enum dt_err err = encode(row, &value);

    if (err == DT_OK && is_new)
        err = dt_store_next_seq(a->store, "outbox", parent_of(group_id), &row->seq);
    if (err == DT_OK)
        err = dt_store_put(a->store, "outbox", dt_view_of(row->append_id), parent_of(group_id),
                           row->seq, dt_buf_view(&value));
    return err;
}

/* What we seal for a queue is remembered by the cell's nonce, in the same transaction: a cell with
 * our mark that is not among these was made by a copy of this store. */
static enum dt_err
note_made(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_outbox_row *row)
{
    return dt_store_put(a->store, "made", dt_view(row->cell.p, DT_CELL_NAME), dt_view(group_id, 32),
                        0, dt_view_of(row->append_id));
}

enum dt_err
dt_outbox_made(struct dt_agent *a, struct dt_view cell, uint8_t out_append_id[static 16])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(16);
    struct dt_reader r;
    enum dt_err err;

    if (cell.n < DT_CELL_NAME)
        return DT_ERR_NOT_FOUND;
    if ((err = dt_store_get_blob(a->store, "made", dt_view(cell.p, DT_CELL_NAME), &value)) != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&value));
    return (err = dt_read_fixed(&r, out_append_id, 16)) != DT_OK ? err : dt_read_end(&r);
}

enum dt_err
dt_outbox_forget_made(struct dt_agent *a, const uint8_t group_id[static 32])
{
    return dt_store_del_parent(a->store, "made", dt_view(group_id, 32));
}

enum dt_err
dt_outbox_to_queue(struct dt_agent *a, const struct dt_channel *ch, enum dt_outbox_ref ref,
                   const uint8_t ref_id[static 16], struct dt_view message, struct dt_view payload,
                   uint8_t out_append_id[static 16])
{
    DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {.ref = ref};
    enum dt_err err;

    row.cell.max = DT_CELL_MAX;
    row.payload.max = DT_PAYLOAD_MAX;
    row.epoch = mls_group_epoch(ch->group);
    memcpy(row.ref_id, ref_id, 16);
    memcpy(row.address, ch->queue.address, 32);
    if ((err = dt_random(row.append_id, sizeof row.append_id)) != DT_OK ||
        (err = dt_secret_set(&row.write_token, dt_queue_write_token(&ch->queue))) != DT_OK ||
        (err = dt_cell_seal(&ch->queue, dt_secret_view(&a->mark_key), message, &row.cell)) !=
            DT_OK ||
        (err = dt_buf_set(&row.payload, payload)) != DT_OK ||
        (err = put(a, ch->group_id, &row, true)) != DT_OK ||
        (err = note_made(a, ch->group_id, &row)) != DT_OK)
        return err;
    memcpy(out_append_id, row.append_id, 16);
    return DT_OK;
}

enum dt_err
dt_outbox_to_inbox(struct dt_agent *a, const struct dt_letter *to, const struct dt_inbox_message *m)
{
    DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {.ref = DT_OUTBOX_INBOX};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_INBOX_MESSAGE_MAX);
    enum dt_err err;

    row.cell.max = DT_CELL_MAX;
    row.payload.max = DT_PAYLOAD_MAX;
    if (m->kind == DT_INBOX_COPY) {
        row.ref = DT_OUTBOX_COPY;
        memcpy(row.ref_id, m->group_id, 16);
    }
    if (to->inbox_address.n != 32 || to->inbox_token.n != 32)
        return dt_fail(DT_ERR_FORMAT, "a letter names no inbox that this program can reach");
    memcpy(row.address, to->inbox_address.p, 32);
    if ((err = dt_inbox_message_encode(m, &plain)) != DT_OK ||
        (err = dt_random(row.append_id, sizeof row.append_id)) != DT_OK ||
        (err = dt_secret_set(&row.write_token, to->inbox_token)) != DT_OK ||
        (err = dt_inbox_seal(dt_view_of(to->x25519), row.address, dt_buf_view(&plain),
                             &row.cell)) != DT_OK)
        return err;
    return put(a, NULL, &row, true);
}

enum dt_err
dt_outbox_get(struct dt_agent *a, const uint8_t append_id[static 16], struct dt_outbox_row *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(ROW_MAX);
    enum dt_err err = dt_store_get_blob(a->store, "outbox", dt_view(append_id, 16), &value);

    if (err != DT_OK)
        return err;
    memcpy(out->append_id, append_id, 16);
    return dt_fail_context(decode(dt_buf_view(&value), out), "outbox row");
}

enum dt_err
dt_outbox_del(struct dt_agent *a, const uint8_t append_id[static 16])
{
    return dt_store_del(a->store, "outbox", dt_view(append_id, 16));
}

/* The first row of the list with seq at least ${at}. */
static enum dt_err
next(struct dt_agent *a, const uint8_t *group_id, uint64_t at, struct dt_outbox_row *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    enum dt_err err = dt_store_next(a->store, "outbox", parent_of(group_id), at, &row);

    if (err != DT_OK)
        return err;
    if (row.key.n != 16)
        return dt_fail(DT_ERR_FORMAT, "an outbox row has no append id");
    memcpy(out->append_id, row.key.p, 16);
    out->seq = row.seq;
    return dt_fail_context(decode(dt_buf_view(&row.value), out), "outbox row");
}

enum dt_err
dt_outbox_drop_copies(struct dt_agent *a, const uint8_t group_id[static 32])
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};

        if ((err = next(a, NULL, at, &row)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = row.seq + 1;
        if (row.ref == DT_OUTBOX_COPY && memcmp(row.ref_id, group_id, 16) == 0 &&
            (err = dt_outbox_del(a, row.append_id)) != DT_OK)
            return err;
    }
}

/* ---- rows that do not count any more become intents again ---- */

/* Payload intents that waited before ${first} was added go behind it and what follows: they were
 * written later. */
static enum dt_err
put_behind(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t first)
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_intent_clear) struct dt_intent x = {0};

        err = dt_intent_next(a, group_id, at, &x);
        if (err == DT_ERR_NOT_FOUND || (err == DT_OK && x.seq >= first))
            return DT_OK;
        if (err != DT_OK)
            return err;
        at = x.seq + 1;
        if (x.kind == DT_INTENT_PAYLOAD &&
            ((err = dt_intent_del(a, group_id, x.id)) != DT_OK ||
             (err = dt_intent_add(a, group_id, x.kind, x.id, dt_buf_view(&x.body))) != DT_OK))
            return err;
    }
}

static enum dt_err
restage_row(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_outbox_row *row,
            bool *out_here)
{
    enum dt_err err;

    if (row->ref == DT_OUTBOX_HERE)
        *out_here = true;
    if (row->ref == DT_OUTBOX_PAYLOAD &&
        (err = dt_intent_add(a, group_id, DT_INTENT_PAYLOAD, row->ref_id,
                             dt_buf_view(&row->payload))) != DT_OK)
        return err;
    return dt_outbox_del(a, row->append_id);
}

/* Rows of the channel, in order: ${all}; or those not on the relay from the first on that is of an
 * epoch before ${epoch}, so that none overtakes it. A Commit's row is not among the latter: it is
 * dropped with its epoch. */
static enum dt_err
restage(struct dt_agent *a, const uint8_t group_id[static 32], bool all, uint64_t epoch,
        bool *out_here)
{
    uint64_t at = 0, first = 0;
    bool late = false;
    enum dt_err err;

    if ((err = dt_store_next_seq(a->store, "intent", dt_view(group_id, 32), &first)) != DT_OK)
        return err;
    for (;;) {
        DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};

        if ((err = next(a, group_id, at, &row)) != DT_OK)
            break;
        at = row.seq + 1;
        if (!all && (row.on_relay || row.ref == DT_OUTBOX_COMMIT))
            continue;
        late = late || all || row.epoch < epoch;
        if (late && (err = restage_row(a, group_id, &row, out_here)) != DT_OK)
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? put_behind(a, group_id, first) : err;
}

enum dt_err
dt_outbox_restage(struct dt_agent *a, const uint8_t group_id[static 32], bool *out_here)
{
    return restage(a, group_id, true, 0, out_here);
}

enum dt_err
dt_outbox_restage_late(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t epoch,
                       bool *out_here)
{
    return epoch < LATE_EPOCHS ? DT_OK
                               : restage(a, group_id, false, epoch - LATE_EPOCHS + 1, out_here);
}

enum dt_err
dt_outbox_restage_cell(struct dt_agent *a, const uint8_t group_id[static 32],
                       const struct dt_wire_item *item, bool *out_here, bool *out_ours)
{
    DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};
    uint64_t first = 0;
    enum dt_err err = dt_outbox_get(a, item->append_id, &row);

    *out_ours = err == DT_OK && dt_view_equal(dt_buf_view(&row.cell), item->cell);
    if (err == DT_ERR_NOT_FOUND || (err == DT_OK && !*out_ours))
        return DT_OK;
    if (err != DT_OK ||
        (err = dt_store_next_seq(a->store, "intent", dt_view(group_id, 32), &first)) != DT_OK ||
        (err = restage_row(a, group_id, &row, out_here)) != DT_OK)
        return err;
    return put_behind(a, group_id, first);
}

enum dt_err
dt_outbox_acknowledged(struct dt_agent *a, const uint8_t group_id[static 32], size_t max,
                       struct dt_outbox_mark *out, size_t *out_n)
{
    uint64_t at = 0;
    size_t n = 0;
    enum dt_err err = DT_OK;

    while (n < max) {
        DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};

        if ((err = next(a, group_id, at, &row)) != DT_OK)
            break;
        at = row.seq + 1;
        if (!row.on_relay)
            continue;
        out[n].seq = row.seq;
        memcpy(out[n++].append_id, row.append_id, 16);
    }
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    *out_n = n;
    return DT_OK;
}

enum dt_err
dt_outbox_not_back(struct dt_agent *a, const uint8_t group_id[static 32],
                   const struct dt_outbox_mark *mark)
{
    DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    err = dt_outbox_get(a, mark->append_id, &row);
    if (err == DT_ERR_NOT_FOUND || (err == DT_OK && !row.on_relay)) {
        err = DT_OK; /* it came, its queue ended, or another process of ours saw to it */
        goto done;
    }
    if (err != DT_OK || (err = dt_review_ask(a, row.address)) != DT_OK ||
        (err = dt_alarm_add(
             a, DT_ALARM_RELAY, group_id, row.position, NULL,
             "the relay acknowledged a message of ours and does not show it: sent again")) != DT_OK)
        goto done;
    row.on_relay = false;
    row.seq = mark->seq;
    err = put(a, group_id, &row, false);

done:
    return dt_store_end(a->store, err);
}

enum dt_err
dt_outbox_count(struct dt_agent *a, const uint8_t *group_id, uint64_t *out)
{
    return dt_store_count(a->store, "outbox", parent_of(group_id), out);
}

/* The relay has it at ${position}: note that, or forget an inbox row. Another process may have been
 * faster. */
static enum dt_err
acknowledged(struct dt_agent *a, const uint8_t *group_id, const uint8_t append_id[static 16],
             uint64_t seq, uint64_t position)
{
    DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    err = dt_outbox_get(a, append_id, &row);
    if (err == DT_ERR_NOT_FOUND) {
        err = DT_OK;
    } else if (err == DT_OK && group_id == NULL) {
        err = dt_outbox_del(a, append_id);
    } else if (err == DT_OK && !row.on_relay) {
        row.on_relay = true;
        row.position = position;
        row.seq = seq;
        err = put(a, group_id, &row, false);
    }
    return dt_store_end(a->store, err);
}

enum dt_err
dt_outbox_flush(struct dt_agent *a, const uint8_t *group_id, size_t *out_sent)
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};
        struct dt_wire_append append;
        uint64_t position = 0;

        if ((err = next(a, group_id, at, &row)) != DT_OK)
            break;
        at = row.seq + 1;
        if (row.on_relay)
            continue;
        memcpy(append.append_id, row.append_id, 16);
        append.cell = dt_buf_view(&row.cell);
        err = dt_relay_append(a->queue_http, a->grant.relay, row.address,
                              dt_secret_view(&row.write_token), &append, &position);
        if (dt_err_is_local(err))
            return err;
        if (err != DT_OK) {
            /* An inbox that is not there yet, or a queue that is full: it stays in the outbox. */
            if (group_id != NULL)
                return DT_OK;
            continue;
        }
        if ((err = acknowledged(a, group_id, row.append_id, row.seq, position)) != DT_OK)
            return err;
        (*out_sent)++;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}
