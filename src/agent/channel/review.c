/*
 * agent/channel/review.c - a channel's queue against what the relay showed of it before, and
 * reading it again; see sync/queue_review.h.
 *
 * Source: docs/protocol-agent.md "Reviews".
 */
#include <string.h>

#include "agent/channel/review.h"
#include "agent/talk/receipt_internal.h"

/* Is the append id one that we wait to read back? Its cell is then looked at whatever was before.
 */
static enum dt_err
is_awaited(struct dt_agent *a, const struct dt_wire_item *item, bool *out)
{
    return dt_store_has(a->store, "outbox", dt_view_of(item->append_id), out);
}

/* A cell that we took in already, at a place where nothing of before is expected. */
static enum dt_err
shown_again(struct dt_agent *a, const struct dt_channel *ch, const struct dt_wire_item *item,
            struct dt_cell_shown *s, struct dt_sync_report *report)
{
    report->passed_over++;
    report->unread++;
    dt_review_doubt(a, &s->review);
    return dt_alarm_add(a, DT_ALARM_RELAY, ch->group_id, item->position, NULL,
                        "the relay shows again what it showed at position %llu; it counts once",
                        (unsigned long long)s->before.position);
}

/* The same cell in a review: where it stands now is where it stands, be it behind what was read. */
static enum dt_err
met_again(struct dt_agent *a, const struct dt_channel *ch, const struct dt_wire_item *item,
          struct dt_cell_shown *s, struct dt_sync_report *report)
{
    bool moved;

    if (s->before.kind == DT_SHOWN_COMMIT)
        s->review.met = s->before.epoch + 1;
    moved = s->before.position != item->position;
    if (moved && s->before.review == s->review.number)
        return shown_again(a, ch, item, s, report);
    s->review.changed |= moved;
    s->before.position = item->position;
    s->before.review = s->review.number;
    if (moved && s->before.has_talk) {
        const uint8_t *from = s->before.has_from ? s->before.talk_from : NULL;
        enum dt_err err = dt_talk_moved(a, ch->group_id, s->before.talk_id, from, item->position);

        /* Ours alone is awaited, whatever ids others use. */
        if (err == DT_OK && (from == NULL || memcmp(from, a->letter.key, 32) == 0))
            err = dt_awaited_moved(a, ch, s->before.talk_id, item->position);
        if (err != DT_OK)
            return err;
    }
    return dt_shown_put(a, s->address, item->cell, &s->before);
}

enum dt_err
dt_cell_shown_begin(struct dt_agent *a, const struct dt_channel *ch,
                    const struct dt_wire_item *item, struct dt_cell_shown *s,
                    struct dt_sync_report *report)
{
    bool awaited = false;
    enum dt_err err;

    *s = (struct dt_cell_shown){.epoch = mls_group_epoch(ch->group)};
    memcpy(s->address, ch->queue.address, 32);
    if ((err = dt_review_get(a, s->address, &s->review)) != DT_OK ||
        (err = dt_shown_get(a, s->address, item->cell, &s->before)) != DT_OK ||
        (err = is_awaited(a, item, &awaited)) != DT_OK)
        return err;
    s->reviewing = s->review.end != 0;
    s->read_before = item->position <= s->review.end;
    s->retry = s->reviewing && s->before.kind == DT_SHOWN_UNREAD;
    if ((s->before.kind == DT_SHOWN_TAKEN || s->before.kind == DT_SHOWN_COMMIT) && !awaited) {
        s->pass_by = true;
        return s->reviewing ? met_again(a, ch, item, s, report)
                            : shown_again(a, ch, item, s, report);
    }
    if (!s->read_before || s->before.kind != DT_SHOWN_NOT)
        return DT_OK;
    s->review.changed = true;
    return dt_alarm_add(a, DT_ALARM_RELAY, ch->group_id, item->position, NULL,
                        "the relay shows another cell here than when it was read before");
}

enum dt_err
dt_cell_shown_order(struct dt_agent *a, const struct dt_channel *ch,
                    const struct dt_wire_item *item, const struct mls_event *e,
                    struct dt_cell_shown *s)
{
    if (e->generation == e->awaited || (e->generation < e->awaited && s->reviewing))
        return DT_OK; /* in order; or what was missing is here now */
    dt_review_doubt(a, &s->review);
    s->review.order = true;
    if (e->generation < e->awaited)
        return dt_channel_alarm(a, ch, DT_ALARM_RELAY, item->position, &e->sender,
                                "a message comes after later ones of its sender: the relay changed "
                                "the order");
    return dt_channel_alarm(a, ch, DT_ALARM_RELAY, item->position, &e->sender,
                            "earlier messages of this sender were not shown: the relay keeps them "
                            "back, or they were never sent; ask for them by another way");
}

enum dt_err
dt_cell_shown_parted(struct dt_agent *a, const struct mls_event *e, const struct dt_cell_shown *s,
                     bool *out)
{
    *out = false;
    if (!s->reviewing || s->before.kind != DT_SHOWN_NOT || e->content_type != 3 ||
        e->epoch < s->review.met)
        return DT_OK;
    return dt_shown_commit(a, s->address, e->epoch, out);
}

/* The old queue is not read again: what of it could not be read is missed, and nobody can say whose
 * it was. */
static enum dt_err
end_queue(struct dt_agent *a, const struct dt_channel *ch, const struct dt_wire_item *item,
          const struct dt_cell_shown *s)
{
    uint64_t n = 0, first = 0;
    enum dt_err err;

    /* Neither what this Commit was shown as before, nor what stands behind it. */
    if ((err = dt_shown_replaced(a, s->address, item->position, item->cell)) != DT_OK ||
        (err = dt_shown_replaced(a, s->address, item->position, dt_view(NULL, 0))) != DT_OK ||
        (err = dt_shown_unread(a, s->address, &n, &first)) != DT_OK)
        return err;
    if (n > 0 && (err = dt_alarm_add(a, DT_ALARM_MISSED, ch->group_id, first, NULL,
                                     "the channel has a new queue, and %llu cells of the one "
                                     "before, the first at position %llu, could not be read by "
                                     "this home: ask the others for what matters in them",
                                     (unsigned long long)n, (unsigned long long)first)) != DT_OK)
        return err;
    return dt_shown_forget(a, s->address);
}

enum dt_err
dt_cell_shown_end(struct dt_agent *a, const struct dt_channel *ch, const struct dt_wire_item *item,
                  struct dt_cell_shown *s)
{
    struct dt_shown now = {.kind = s->unread ? DT_SHOWN_UNREAD : DT_SHOWN_TAKEN,
                           .position = item->position,
                           .has_talk = s->has_talk,
                           .review = s->reviewing ? s->review.number : 0};
    enum dt_err err;

    if (memcmp(s->address, ch->queue.address, 32) != 0)
        return end_queue(a, ch, item, s);
    if (s->reviewing &&
        (err = dt_shown_replaced(a, s->address, item->position, item->cell)) != DT_OK)
        return err;
    if (!s->pass_by) {
        memcpy(now.talk_id, s->talk_id, sizeof now.talk_id);
        now.has_from = s->has_talk;
        memcpy(now.talk_from, s->talk_from, sizeof now.talk_from);
        if (mls_group_epoch(ch->group) != s->epoch) {
            now.kind = DT_SHOWN_COMMIT;
            now.epoch = s->epoch;
            s->review.met = s->epoch + 1;
        }
        if (s->unread && !s->retry)
            dt_review_doubt(a, &s->review);
        if ((err = dt_shown_put(a, s->address, item->cell, &now)) != DT_OK)
            return err;
    }
    return dt_review_put(a, s->address, &s->review);
}

/* ---- around one reading of the queue ---- */

enum dt_err
dt_channel_review_start(struct dt_agent *a, const struct dt_channel *ch)
{
    struct dt_review r = {.from = ch->position};
    enum dt_err err = dt_shown_forget(a, ch->queue.address);

    return err != DT_OK ? err : dt_review_put(a, ch->queue.address, &r);
}

enum dt_err
dt_channel_review_due(struct dt_agent *a, const uint8_t group_id[static 32], bool *out)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_review r;
    enum dt_err err;

    *out = false;
    if ((err = dt_channel_load_row(a, group_id, &ch)) != DT_OK ||
        (err = dt_review_get(a, ch.queue.address, &r)) != DT_OK)
        return err;
    *out = ch.state == DT_CHANNEL_LIVE && dt_review_due(a, &r);
    return DT_OK;
}

/* ${now}: whatever pause there should be before the next. */
static enum dt_err
review_begin(struct dt_agent *a, const uint8_t group_id[static 32], bool now)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_review r;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load_row(a, group_id, &ch)) != DT_OK || ch.state != DT_CHANNEL_LIVE ||
        (err = dt_review_get(a, ch.queue.address, &r)) != DT_OK ||
        !(now ? dt_review_possible(a, &r) : dt_review_due(a, &r)) ||
        (err = dt_channel_load(a, group_id, &ch)) != DT_OK)
        goto done;
    dt_review_begin(a, &r, ch.position);
    ch.position = r.from < ch.position ? r.from : ch.position;
    if ((err = dt_review_put(a, ch.queue.address, &r)) == DT_OK &&
        (err = dt_transcript_rewind(a, &ch)) == DT_OK)
        err = dt_channel_save(a, &ch, false);

done:
    return dt_store_end(a->store, err);
}

enum dt_err
dt_channel_review_begin(struct dt_agent *a, const uint8_t group_id[static 32])
{
    return review_begin(a, group_id, false);
}

enum dt_err
dt_channel_review_now(struct dt_agent *a, const uint8_t group_id[static 32])
{
    return review_begin(a, group_id, true);
}

enum dt_err
dt_channel_review_end(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t last)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_review r;
    uint64_t read;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load_row(a, group_id, &ch)) != DT_OK || ch.state != DT_CHANNEL_LIVE ||
        (err = dt_review_get(a, ch.queue.address, &r)) != DT_OK)
        goto done;
    read = r.end > ch.position ? r.end : ch.position;
    /* Read to the end it says there is: then it was cut, or the relay's disk went back. */
    if (last < read) {
        if ((err = dt_alarm_behind(a, group_id, last, read)) != DT_OK)
            goto done;
        dt_review_doubt(a, &r);
        r.next_ms = 0; /* at once: what comes now would be taken for what was read before */
    }
    if (r.end == 0 && (!r.doubt || ch.position != 0)) {
        if (last >= read)
            goto done; /* the usual case: nothing changes */
    } else if ((err = dt_channel_load(a, group_id, &ch)) == DT_OK) {
        err = dt_review_end(a, ch.queue.address, last, mls_group_missing(ch.group), &r);
        if (err == DT_OK)
            err = dt_transcript_settle(a, group_id);
    }
    if (err == DT_OK)
        err = dt_review_put(a, ch.queue.address, &r);

done:
    return dt_store_end(a->store, err);
}
