/*
 * agent/sync/expired.c - a relay keeps cells for a time: what of a queue has gone, and saying what
 * we have.
 *
 * Source: docs/protocol-relay.md "Keeping"; docs/protocol-agent.md "Expired cells".
 *
 * That cells expired is the relay's word alone; a relay that says so too early keeps them back, and
 * is met as one that does.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/channel/review.h"
#include "agent/sync/transcript.h"
#include "net/address.h"

static enum dt_err
tell(struct dt_agent *a, const uint8_t *group_id, uint64_t read, uint64_t first)
{
    return dt_alarm_add(a, DT_ALARM_MISSED, group_id, read, NULL,
                        "%llu messages, positions %llu to %llu of the queue, expired at the relay "
                        "before this home read them: ask the others for what matters in them",
                        (unsigned long long)(first - 1 - read), (unsigned long long)read + 1,
                        (unsigned long long)first - 1);
}

/* A queue read up to ${position} begins at ${first} now. ${r} begins there as well; true when
 * something went that was not read before. */
static bool
begin_at(struct dt_review *r, uint64_t position, uint64_t first, uint64_t *out_read)
{
    *out_read = r->end > position ? r->end : position;
    r->from = first - 1 > r->from ? first - 1 : r->from;
    return first - 1 > *out_read;
}

enum dt_err
dt_inbox_expired(struct dt_agent *a, uint64_t first)
{
    struct dt_review r;
    uint64_t position = 0, read = 0;
    bool ready = false;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_inbox_state(a, &ready, &position)) != DT_OK || position + 1 >= first ||
        (err = dt_review_get(a, a->inbox_address, &r)) != DT_OK ||
        (begin_at(&r, position, first, &read) && (err = tell(a, NULL, read, first)) != DT_OK) ||
        (err = dt_review_put(a, a->inbox_address, &r)) != DT_OK)
        goto done;
    err = dt_inbox_state_set(a, ready, first - 1);

done:
    return dt_store_end(a->store, err);
}

/* What went may have held a Commit, and nothing behind one can be read: the channel is joined anew.
 */
static enum dt_err
lose(struct dt_agent *a, struct dt_channel *ch, uint64_t read, uint64_t first)
{
    enum dt_err err = tell(a, ch->group_id, read, first);

    if (err != DT_OK)
        return err;
    return ch->state == DT_CHANNEL_LIVE ? dt_lapse_begin(a, ch, DT_LAPSE_LOST, false, first, NULL)
                                        : dt_lapse_stop_reading(a, ch);
}

enum dt_err
dt_channel_expired(struct dt_agent *a, const uint8_t group_id[static 32],
                   const uint8_t address[static 32], uint64_t first)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_review r;
    uint64_t read = 0;
    bool unread;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load(a, group_id, &ch)) != DT_OK ||
        memcmp(ch.queue.address, address, 32) != 0 || ch.position + 1 >= first ||
        (err = dt_review_get(a, address, &r)) != DT_OK)
        goto done;
    unread = begin_at(&r, ch.position, first, &read);
    ch.position = first - 1;
    if ((err = dt_review_put(a, address, &r)) != DT_OK)
        goto done;
    err = unread ? lose(a, &ch, read, first) : dt_transcript_rewind(a, &ch);
    if (err == DT_OK)
        err = dt_channel_save(a, &ch, false);

done:
    return dt_store_end(a->store, err);
}

/* ---- saying what we have ---- */

/* The same for one queue each time, and to anyone but us as random as any: the relay cannot tell by
 * it which queues one agent reads. */
static enum dt_err
reader_of(struct dt_agent *a, const uint8_t address[static 32], uint8_t out[static DT_RELAY_READER])
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(64);
    uint8_t hash[32];
    enum dt_err err;

    if ((err = dt_buf_append(&b, dt_secret_view(&a->delegate_seed))) != DT_OK ||
        (err = dt_buf_append(&b, dt_view(address, 32))) != DT_OK ||
        (err = dt_label_hash("reader", dt_buf_view(&b), hash)) != DT_OK)
        return err;
    memcpy(out, hash, DT_RELAY_READER);
    return DT_OK;
}

/* How far the relay was told that we have the queue. */
static enum dt_err
told_get(struct dt_agent *a, const uint8_t address[static 32], bool *out_told, uint64_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(8);
    enum dt_err err = dt_store_get_blob(a->store, "told", dt_view(address, 32), &value);

    *out_told = err == DT_OK;
    *out = 0;
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    return err != DT_OK ? err : dt_wire_u64_decode(dt_buf_view(&value), out);
}

static enum dt_err
told_put(struct dt_agent *a, const uint8_t address[static 32], uint64_t position)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(8);
    enum dt_err err;

    if ((err = dt_wire_u64_encode(position, &value)) != DT_OK ||
        (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    err = dt_store_put_blob(a->store, "told", dt_view(address, 32), dt_buf_view(&value));
    return dt_store_end(a->store, err);
}

/* Tell the relay that all of the queue up to ${position} is in our store, where it was not told
 * yet. What it says to that concerns nobody: it is to its own good. */
static enum dt_err
tell_one(struct dt_agent *a, const uint8_t address[static 32], struct dt_view read_token,
         uint64_t position)
{
    struct dt_wire_ack ack = {.position = position};
    uint64_t before = 0;
    bool told = false;
    enum dt_err err;

    if ((err = told_get(a, address, &told, &before)) != DT_OK || (told && before >= position))
        return err;
    if ((err = reader_of(a, address, ack.reader)) != DT_OK)
        return err;
    err = dt_relay_ack(a->queue_http, a->grant.relay, address, read_token, &ack);
    if (dt_err_is_local(err) || err == DT_ERR_NET)
        return err;
    /* A relay of before there were such acknowledgements is not asked again and again. */
    return err == DT_OK || err == DT_ERR_NOT_FOUND ? told_put(a, address, position) : DT_OK;
}

static enum dt_err
tell_all(struct dt_agent *a)
{
    uint64_t at = 0, position = 0;
    uint8_t group_id[32];
    bool ready = false;
    enum dt_err err;

    if ((err = dt_inbox_state(a, &ready, &position)) != DT_OK ||
        (ready &&
         (err = tell_one(a, a->inbox_address, dt_view(a->inbox_tokens.p, 32), position)) != DT_OK))
        return err;
    while ((err = dt_channel_next(a, &at, group_id)) == DT_OK) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        bool reads = false;

        if ((err = dt_channel_load_row(a, group_id, &ch)) != DT_OK ||
            (err = dt_channel_reads(a, &ch, &reads)) != DT_OK ||
            (reads && ch.queue_made &&
             (err = tell_one(a, ch.queue.address, dt_queue_read_token(&ch.queue), ch.position)) !=
                 DT_OK))
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_tell_relay(struct dt_agent *a)
{
    enum dt_err err;

    /* On a stick nothing expires, and it is not written to for this alone. */
    if (dt_address_is_file(a->grant.relay))
        return DT_OK;
    err = tell_all(a);
    return err == DT_ERR_NET ? DT_OK : err; /* the next sync tells it */
}
