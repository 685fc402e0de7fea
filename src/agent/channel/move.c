/*
 * agent/channel/move.c - a channel goes on at another relay: its queue is begun there anew, under
 * the same keys, by whichever member comes first.
 *
 * Source: docs/protocol-agent.md "Amendments". Layer: agent.
 *
 * What the old relay held and did not show to everyone is gone. So nothing of it is taken for
 * granted: the channel is unconfirmed until a delegate of every other party has said `here` again,
 * with its epoch; own messages that no receipt covers are told; what waited is sent in the new
 * queue. Who did not see the last Commit cannot follow, sees so, and is put in anew.
 */
#include <string.h>

#include "agent/home/amendment.h"
#include "agent/sync/queue_review.h"
#include "agent/talk/receipt_internal.h"

/* Each other member that owes a receipt is told of once. */
static enum dt_err
tell_unsure(struct dt_agent *a, const struct dt_channel *ch, struct dt_amend_report *report)
{
    struct dt_receipt_seat s = {0};
    enum dt_err err;

    for (uint64_t at = 0; (err = dt_receipt_seat_next(a, ch->group_id, at, &s)) == DT_OK;
         at = (uint64_t)s.leaf + 1) {
        DT_CLEANUP(dt_awaited_clear) struct dt_awaited first = {0};
        struct dt_person who;
        bool known = false;

        err = dt_awaited_first(a, ch->group_id, &s, &first);
        if (err == DT_ERR_NOT_FOUND)
            continue;
        if (err != DT_OK || (err = dt_person_by_hash(a, s.letter_hash, &known, &who)) != DT_OK ||
            (err = dt_alarm_add(
                 a, DT_ALARM_RECEIPT, ch->group_id, first.place.position, known ? &who : NULL,
                 "the relay was replaced before this member's receipt for what we "
                 "sent from position %llu on: it may not have arrived; ask, and send "
                 "it again",
                 (unsigned long long)first.place.position)) != DT_OK)
            return err;
        report->unsure++;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* What was to be sent is to be sent in the new queue; a Commit is made anew. */
static enum dt_err
take_back(struct dt_agent *a, struct dt_channel *ch)
{
    enum dt_err err;

    if (ch->pending)
        mls_group_drop_pending(ch->group);
    ch->pending = false;
    if ((err = dt_outbox_restage(a, ch->group_id, &ch->here_due)) != DT_OK ||
        (err = dt_outbox_forget_made(a, ch->group_id)) != DT_OK)
        return err;
    return dt_outbox_drop_copies(a, ch->group_id);
}

static enum dt_err
begin_anew(struct dt_agent *a, struct dt_channel *ch)
{
    enum dt_err err = dt_shown_forget(a, ch->queue.address);

    ch->queue_made = false;
    ch->queue_number++;
    ch->position = 0;
    if (err != DT_OK || ch->state != DT_CHANNEL_LIVE)
        return err;
    ch->confirmed = dt_channel_parties(ch) == UINT32_C(1) << a->party;
    ch->here = 0;
    ch->here_due = true;
    if ((err = dt_here_forget(a, ch->group_id)) != DT_OK)
        return err;
    return dt_receipt_join(a, ch);
}

enum dt_err
dt_channel_move(struct dt_agent *a, const uint8_t group_id[static 32],
                const uint8_t queue_token[static 32], struct dt_amend_report *report)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum dt_err err = dt_channel_load(a, group_id, &ch);

    if (err != DT_OK || ch.state == DT_CHANNEL_LEFT)
        return err;
    memcpy(ch.queue_token, queue_token, 32);
    if (ch.state != DT_CHANNEL_FOUNDING && ch.group != NULL) {
        if ((ch.state == DT_CHANNEL_LIVE && (err = tell_unsure(a, &ch, report)) != DT_OK) ||
            (err = take_back(a, &ch)) != DT_OK || (err = begin_anew(a, &ch)) != DT_OK)
            return err;
    }
    report->channels += ch.state == DT_CHANNEL_LIVE;
    return dt_channel_save(a, &ch, false);
}
