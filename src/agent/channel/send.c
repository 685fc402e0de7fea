/*
 * agent/channel/send.c - what may be sent now becomes outbox rows, in the transaction of the
 * ratchet step.
 *
 * Source: docs/protocol-agent.md "Sending"; DESIGN "Credentials and vouchers", "Queues".
 *
 * Unconfirmed: only our own `here` and our own rotation, and a re-join without which nobody could
 * ever confirm the channel (dt_rejoin_unblocks()). Confirmed: what waits, in its order; then at
 * most one Commit, since only one can be pending.
 */
#include <stdio.h>
#include <string.h>

#include "agent/talk/receipt_internal.h"
#include "agent/talk/session_internal.h"

#define ROTATE_BEFORE_MS DT_MS_DAY

static enum dt_err
protect(struct dt_agent *a, struct dt_channel *ch, enum dt_outbox_ref ref,
        const uint8_t ref_id[static 16], struct dt_view payload)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);
    uint8_t append_id[16];
    enum dt_err err;

    if ((err = mls_group_protect(ch->group, dt_view(NULL, 0), payload, 0, &message)) != DT_OK)
        return err;
    return dt_outbox_to_queue(a, ch, ref, ref_id, dt_buf_view(&message),
                              ref == DT_OUTBOX_PAYLOAD ? payload : dt_view(NULL, 0), append_id);
}

static enum dt_err
send_here(struct dt_agent *a, struct dt_channel *ch)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf body = DT_BUF_INIT(512);
    struct dt_payload p = {.kind = DT_PAYLOAD_HERE,
                           .sent_ms = dt_agent_now(a),
                           .epoch = mls_group_epoch(ch->group),
                           .authenticator = mls_group_epoch_authenticator(ch->group)};
    enum dt_err err;

    if ((err = dt_random(p.id, sizeof p.id)) != DT_OK ||
        (err = dt_payload_encode(&p, &body)) != DT_OK ||
        (err = protect(a, ch, DT_OUTBOX_HERE, p.id, dt_buf_view(&body))) != DT_OK)
        return err;
    ch->here_due = false;
    ch->here_epoch = p.epoch + 1;
    return DT_OK;
}

static enum dt_err
send_payloads(struct dt_agent *a, struct dt_channel *ch, size_t *made)
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_intent_clear) struct dt_intent x = {0};

        if ((err = dt_intent_next(a, ch->group_id, at, &x)) != DT_OK)
            break;
        at = x.seq + 1;
        if (x.kind != DT_INTENT_PAYLOAD)
            continue;
        if ((err = protect(a, ch, DT_OUTBOX_PAYLOAD, x.id, dt_buf_view(&x.body))) != DT_OK ||
            (err = dt_intent_del(a, ch->group_id, x.id)) != DT_OK ||
            (err = dt_talk_sent(a, ch->group_id, x.id)) != DT_OK)
            return err;
        (*made)++;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

enum dt_err
dt_rotation_add(struct dt_agent *a, const struct dt_channel *ch)
{
    uint8_t id[16];
    bool has = false;
    enum dt_err err = dt_intent_has(a, ch->group_id, DT_INTENT_ROTATE, &has);

    if (err != DT_OK || has || (err = dt_random(id, sizeof id)) != DT_OK)
        return err;
    return dt_intent_add(a, ch->group_id, DT_INTENT_ROTATE, id, dt_view(NULL, 0));
}

/* Is our session key as old as it may become? A voucher that begins later than our clock says is
 * not older than that. */
static enum dt_err
is_old(struct dt_agent *a, const struct dt_voucher *v, uint64_t now, bool *out)
{
    uint64_t every = 0;
    enum dt_err err = dt_agent_rotates_every(a, &every);

    *out = now >= v->not_before_ms && now - v->not_before_ms >= every;
    return err;
}

/* Rotation when our session key is a day old (or as the home has it), when less than a day of our
 * voucher is left, or when our clock was behind while others said `here`: in the new epoch they say
 * it again. A new queue after 30 days. */
static enum dt_err
add_due(struct dt_agent *a, struct dt_channel *ch)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};
    struct dt_rules rules = dt_channel_rules(a, ch);
    uint32_t leaf = mls_group_own_leaf(ch->group);
    uint64_t now = dt_agent_now(a);
    enum dt_intent_kind kind = DT_INTENT_ROTATE;
    struct mls_member member;
    struct dt_voucher v;
    struct dt_view letter;
    uint8_t id[16];
    bool has = false, again = false, old = false;
    enum dt_err err;

    /* Our own leaf holds, or we would not be in: its dates alone are asked here, at every sync. */
    if (!mls_group_member(ch->group, leaf, &member))
        return dt_fail(DT_ERR_INTERNAL, "our own leaf is blank");
    if ((err = dt_credential_decode(member.identity, &letter, &v)) != DT_OK ||
        (err = dt_here_again(a, ch, &again)) != DT_OK || (err = is_old(a, &v, now, &old)) != DT_OK)
        return err;
    if (now > ch->queue_begun_ms && now - ch->queue_begun_ms > DT_QUEUE_LIFE_MS && ch->confirmed) {
        kind = DT_INTENT_QUEUE;
    } else if (now + ROTATE_BEFORE_MS <= v.not_after_ms && !again && !old) {
        return DT_OK;
    } else {
        if ((err = dt_seat_of(&rules, ch->group, leaf, &own)) != DT_OK)
            return err;
        /* Without a valid letter there is nothing to vouch by; and a voucher that lasts as long as
         * its letter gains nothing, unless it is a new key or the new epoch that is wanted. */
        if ((!again && !old && own.voucher.not_after_ms >= own.letter.not_after_ms) ||
            dt_letter_check_now(a, &a->letter) != DT_OK)
            return DT_OK;
    }
    if ((err = dt_intent_has(a, ch->group_id, kind, &has)) == DT_OK && !has &&
        (err = dt_random(id, sizeof id)) == DT_OK)
        err = dt_intent_add(a, ch->group_id, kind, id, dt_view(NULL, 0));
    return err != DT_OK || !again ? err : dt_here_asked(a, ch);
}

/* The first intent that is a Commit and allowed now. NOT_FOUND. */
static enum dt_err
next_commit(struct dt_agent *a, const struct dt_channel *ch, struct dt_intent *out)
{
    bool rejoins = false;
    uint64_t at = 0;
    enum dt_err err = ch->confirmed ? DT_OK : dt_rejoin_unblocks(a, ch, &rejoins);

    if (err != DT_OK)
        return err;
    while ((err = dt_intent_next(a, ch->group_id, at, out)) == DT_OK) {
        at = out->seq + 1;
        if (out->kind != DT_INTENT_PAYLOAD && (ch->confirmed || out->kind == DT_INTENT_ROTATE ||
                                               (rejoins && out->kind == DT_INTENT_REJOIN)))
            return DT_OK;
    }
    return err;
}

/* An intent that can never be done: it goes, and the people concerned see why. One that only this
 * round had made is gone already, and would be made and fail again in the next: then ${why}. */
static enum dt_err
give_up(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_intent *x,
        enum dt_err why)
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission admission = {0};
    char text[160];
    enum dt_err err;

    (void)snprintf(text, sizeof text, "%s", dt_err_message());
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    err = dt_intent_del(a, group_id, x->id);
    if (err == DT_ERR_NOT_FOUND)
        err = dt_fail(why, "%s", text);
    if (err == DT_OK && x->kind == DT_INTENT_ADD) {
        err = dt_admission_load(a, x->id, &admission);
        if (err == DT_OK) {
            admission.state = why == DT_ERR_STATE ? DT_ADMISSION_DONE : DT_ADMISSION_FAILED;
            err = dt_admission_save(a, &admission);
        } else if (err == DT_ERR_NOT_FOUND) {
            err = DT_OK;
        }
    }
    if (err == DT_OK && why != DT_ERR_STATE)
        err = dt_alarm_add(a, DT_ALARM_COMMIT, group_id, 0, NULL, "our own Commit was not made: %s",
                           text);
    return dt_store_end(a->store, err);
}

static enum dt_err
prepare(struct dt_agent *a, struct dt_channel *ch, size_t *made, struct dt_intent *failed)
{
    DT_CLEANUP(dt_intent_clear) struct dt_intent x = {0};
    bool changed = false, forgot = false;
    enum dt_err err;

    if ((err = add_due(a, ch)) != DT_OK ||
        (err = dt_outbox_restage_late(a, ch->group_id, mls_group_epoch(ch->group),
                                      &ch->here_due)) != DT_OK)
        return err;
    if (ch->here_due) {
        if ((err = send_here(a, ch)) != DT_OK)
            return err;
        (*made)++;
    }
    if (ch->confirmed &&
        ((err = dt_closing_step(a, ch, &forgot)) != DT_OK ||
         (err = dt_release_step(a, ch)) != DT_OK || (err = send_payloads(a, ch, made)) != DT_OK ||
         (err = dt_receipt_send(a, ch, made)) != DT_OK))
        return err;
    changed = *made > 0;
    if (!ch->pending) {
        err = next_commit(a, ch, &x);
        if (err == DT_OK) {
            err = dt_commit_make(a, ch, &x);
            if (err != DT_OK) {
                *failed = x;
                x = (struct dt_intent){0}; /* moved */
                return err;
            }
            (*made)++;
            changed = true;
        } else if (err != DT_ERR_NOT_FOUND) {
            return err;
        }
    }
    return changed ? dt_channel_save(a, ch, forgot) : DT_OK;
}

enum dt_err
dt_channel_prepare(struct dt_agent *a, const uint8_t group_id[static 32], size_t *out_made)
{
    for (;;) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        DT_CLEANUP(dt_intent_clear) struct dt_intent failed = {0};
        size_t made = 0;
        enum dt_err err;

        if ((err = dt_store_begin(a->store)) != DT_OK)
            return err;
        if ((err = dt_channel_load(a, group_id, &ch)) == DT_OK && ch.state == DT_CHANNEL_LIVE &&
            ch.queue_made)
            err = prepare(a, &ch, &made, &failed);
        err = dt_store_end(a->store, err);
        if (err == DT_OK) {
            *out_made += made;
            return DT_OK;
        }
        if (failed.kind == 0 || dt_err_is_local(err))
            return err;
        /* All of this transaction is undone; without that intent the next round gets further. */
        if ((err = give_up(a, group_id, &failed, err)) != DT_OK)
            return err;
    }
}
