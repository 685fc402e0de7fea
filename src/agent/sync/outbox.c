/*
 * agent/sync/outbox.c - see outbox.h.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "agent/form/bundle.h"
#include "agent/sync/outbox.h"
#include "agent/sync/queue_review.h"

#define ROW_MAX (DT_CELL_MAX + DT_PAYLOAD_MAX + 8192u)

#define APPEND_ROOM 32u                       /* of an append beside its cell */
#define RUN_MAX     (DT_NET_BODY_MAX - 1024u) /* of the appends in one request */

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
    if ((err = dt_secret_set(&row.write_token, dt_queue_write_token(&ch->queue))) != DT_OK ||
        (err = dt_cell_seal(&ch->queue, dt_secret_view(&a->mark_key), message, &row.cell)) !=
            DT_OK ||
        (err = dt_buf_set(&row.payload, payload)) != DT_OK)
        return err;
    dt_bundle_append_id(dt_buf_view(&row.cell), row.append_id);
    if ((err = put(a, ch->group_id, &row, true)) != DT_OK ||
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

enum dt_err
dt_outbox_next(struct dt_agent *a, const uint8_t *group_id, uint64_t at, struct dt_outbox_row *out)
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
dt_outbox_drop(struct dt_agent *a, const uint8_t group_id[static 32],
               bool (*is)(void *ctx, const struct dt_payload *p), void *ctx)
{
    struct dt_payload p;
    uint64_t at = 0;
    enum dt_err err;

    for (;; at++) {
        DT_CLEANUP(dt_intent_clear) struct dt_intent x = {0};

        if ((err = dt_intent_next(a, group_id, at, &x)) != DT_OK)
            break;
        at = x.seq;
        if (x.kind == DT_INTENT_PAYLOAD &&
            ((err = dt_payload_decode(dt_buf_view(&x.body), &p)) != DT_OK ||
             (is(ctx, &p) && (err = dt_intent_del(a, group_id, x.id)) != DT_OK)))
            return err;
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    for (at = 0;; at++) {
        DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};

        if ((err = dt_outbox_next(a, group_id, at, &row)) != DT_OK)
            break;
        at = row.seq;
        if (row.ref == DT_OUTBOX_PAYLOAD &&
            ((err = dt_payload_decode(dt_buf_view(&row.payload), &p)) != DT_OK ||
             (is(ctx, &p) && (err = dt_outbox_del(a, row.append_id)) != DT_OK)))
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_outbox_drop_copies(struct dt_agent *a, const uint8_t group_id[static 32])
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};

        if ((err = dt_outbox_next(a, NULL, at, &row)) != DT_OK)
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

        if ((err = dt_outbox_next(a, group_id, at, &row)) != DT_OK)
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

        if ((err = dt_outbox_next(a, group_id, at, &row)) != DT_OK)
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

/* ---- sending ---- */

/* Rows that go in one request: one after the other, to one queue. */
struct run {
    uint8_t address[32];
    struct dt_secret write_token;
    size_t n, bytes;
    uint64_t seq[DT_RELAY_APPEND_MAX];
    struct dt_buf cell[DT_RELAY_APPEND_MAX];
    struct dt_wire_append append[DT_RELAY_APPEND_MAX];
    struct dt_wire_result result[DT_RELAY_APPEND_MAX];
};

static void
run_clear(struct run **at)
{
    struct run *run = *at;

    if (run == NULL)
        return;
    for (size_t i = 0; i < run->n; i++)
        dt_buf_clear(&run->cell[i]);
    dt_secret_clear(&run->write_token);
    dt_free(run);
    *at = NULL;
}

/* Add ${row} to ${run}, whose cell moves there; false: it has to go in the next one. */
static enum dt_err
run_add(struct run *run, struct dt_outbox_row *row, bool *out_added)
{
    size_t bytes = row->cell.n + APPEND_ROOM, n = run->n;
    enum dt_err err;

    *out_added = n == 0 || (n < DT_RELAY_APPEND_MAX && run->bytes + bytes <= RUN_MAX &&
                            memcmp(run->address, row->address, 32) == 0 &&
                            dt_ct_equal(dt_secret_view(&run->write_token),
                                        dt_secret_view(&row->write_token)));
    if (!*out_added)
        return DT_OK;
    if (n == 0) {
        memcpy(run->address, row->address, 32);
        if ((err = dt_secret_set(&run->write_token, dt_secret_view(&row->write_token))) != DT_OK)
            return err;
    }
    run->seq[n] = row->seq;
    dt_buf_init(&run->cell[n], DT_CELL_MAX);
    dt_buf_move(&run->cell[n], &row->cell);
    memcpy(run->append[n].append_id, row->append_id, 16);
    run->append[n].cell = dt_buf_view(&run->cell[n]);
    run->bytes += bytes;
    run->n = n + 1;
    return DT_OK;
}

/* The QUEUED rows from ${at} on that go in one request; none: run->n is 0. ${out_at} is where the
 * next begin. */
static enum dt_err
run_gather(struct dt_agent *a, const uint8_t *group_id, uint64_t at, struct run *run,
           uint64_t *out_at)
{
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};
        bool added = true;

        err = dt_outbox_next(a, group_id, at, &row);
        if (err == DT_OK && !row.on_relay)
            err = run_add(run, &row, &added);
        if (err != DT_OK || !added)
            break;
        at = row.seq + 1;
    }
    *out_at = at;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
send_one(struct dt_agent *a, struct run *run, size_t i)
{
    enum dt_err err = dt_relay_append(a->queue_http, a->grant.relay, run->address,
                                      dt_secret_view(&run->write_token), &run->append[i],
                                      &run->result[i].position);

    run->result[i].status = err == DT_OK ? 200 : 400;
    return err;
}

/*
 * Send ${run}; ${out_n} of it are on the relay then. What it does not take is no error. A relay
 * that takes no batches answers them as it answers what is not there, so then they go one by one.
 */
static enum dt_err
run_send(struct dt_agent *a, struct run *run, size_t *out_n)
{
    size_t n = 0;
    enum dt_err err = DT_OK;

    if (run->n > 1) {
        err = dt_relay_append_all(a->queue_http, a->grant.relay, run->address,
                                  dt_secret_view(&run->write_token), run->append, run->n,
                                  run->result);
        while (err == DT_OK && n < run->n && run->result[n].status == 200)
            n++;
    }
    if (run->n == 1 || err == DT_ERR_NOT_FOUND) {
        while (n < run->n && (err = send_one(a, run, n)) == DT_OK)
            n++;
    }
    *out_n = n;
    return dt_err_is_local(err) ? err : DT_OK;
}

/* The relay has the row at ${position}: note that, or forget an inbox row. Another process may have
 * been faster. */
static enum dt_err
acknowledged_one(struct dt_agent *a, const uint8_t *group_id, const uint8_t append_id[static 16],
                 uint64_t seq, uint64_t position)
{
    DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};
    enum dt_err err = dt_outbox_get(a, append_id, &row);

    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    if (err == DT_OK && group_id == NULL)
        return dt_outbox_del(a, append_id);
    if (err == DT_OK && !row.on_relay) {
        row.on_relay = true;
        row.position = position;
        row.seq = seq;
        err = put(a, group_id, &row, false);
    }
    return err;
}

/* The same for the first ${n} of ${run}, in one transaction. */
static enum dt_err
acknowledged(struct dt_agent *a, const uint8_t *group_id, const struct run *run, size_t n)
{
    enum dt_err err;

    if (n == 0)
        return DT_OK;
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    for (size_t i = 0; err == DT_OK && i < n; i++)
        err = acknowledged_one(a, group_id, run->append[i].append_id, run->seq[i],
                               run->result[i].position);
    return dt_store_end(a->store, err);
}

enum dt_err
dt_outbox_flush(struct dt_agent *a, const uint8_t *group_id, size_t *out_sent)
{
    uint64_t at = 0;
    enum dt_err err, noted;

    for (;;) {
        DT_CLEANUP(run_clear) struct run *run = dt_alloc(1, sizeof(*run));
        size_t n = 0;

        if (run == NULL)
            return dt_nomem();
        if ((err = run_gather(a, group_id, at, run, &at)) != DT_OK || run->n == 0)
            return err;
        err = run_send(a, run, &n);
        noted = acknowledged(a, group_id, run, n);
        *out_sent += noted == DT_OK ? n : 0;
        dt_agent_tell(a);
        if (err != DT_OK || noted != DT_OK)
            return err != DT_OK ? err : noted;
        /* An inbox that is not there yet, or a queue that is full: it stays in the outbox. */
        if (n < run->n && group_id != NULL)
            return DT_OK;
    }
}
