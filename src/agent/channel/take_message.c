/*
 * agent/channel/take_message.c - an application message taken in: another member's, our own read
 * back, or a copy's of this home.
 *
 * Source: docs/protocol-agent.md "Sync", "Copies", "Receipts".
 */
#include <stdio.h>
#include <string.h>

#include "agent/channel/courier.h"
#include "agent/channel/take.h"
#include "agent/keep/destroy.h"
#include "agent/records/trace.h"
#include "agent/talk/chunk.h"
#include "agent/talk/line.h"
#include "agent/talk/receipt_internal.h"
#include "agent/talk/session_internal.h"
#include "agent/talk/understood.h"
#include "record/record.h"

static enum dt_err
take_here(struct dt_taken *t, const struct mls_event *e, const struct dt_incoming *in,
          const struct dt_seat *s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf ours = DT_BUF_INIT(DT_AUTHENTICATOR_MAX);
    const struct dt_payload *p = in->payload;
    enum dt_err err;

    err = dt_channel_authenticator(t->a, t->ch->group_id, p->epoch, &ours);
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK; /* an epoch before we joined */
    if (err != DT_OK)
        return err;
    if (p->epoch != e->epoch || !dt_ct_equal(dt_buf_view(&ours), p->authenticator)) {
        struct dt_person who;

        dt_person_from(t->a, &s->letter, s->party, &who);
        return dt_alarm_add(
            t->a, DT_ALARM_FORK, t->ch->group_id, t->item->position, &who,
            "fork: another authenticator for epoch %llu than ours: compare by voice",
            (unsigned long long)p->epoch);
    }
    if (in->own)
        return DT_OK;
    /* We owe an answer once an epoch, so that whoever came back or joined hears every party. */
    if (t->ch->here_epoch != mls_group_epoch(t->ch->group) + 1)
        t->ch->here_due = true;
    if (!in->standing)
        return dt_here_early(t->a, t->ch, s);
    t->ch->here |= UINT32_C(1) << s->party;
    if ((err = dt_here_note(t->a, t->ch->group_id, s->voucher.invitation_id)) != DT_OK)
        return err;
    if (!dt_channel_all_here(t->a, t->ch))
        return DT_OK;
    t->ch->confirmed = true;
    return t->ch->state == DT_CHANNEL_LIVE ? dt_lapse_confirmed(t->a, t->ch) : DT_OK;
}

static enum dt_err
take_leave(struct dt_taken *t, const struct dt_incoming *in, const struct dt_seat *s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_WARRANT_MAX);
    struct dt_warrant w = {.n_grounds = 1};
    struct dt_leave l;
    enum dt_err err;

    if ((err = dt_leave_decode(in->payload->leave, &l)) != DT_OK ||
        (err = dt_leave_verify(&l, dt_view_of(s->letter.key))) != DT_OK)
        return err;
    if (memcmp(l.forum, t->a->forum, 32) != 0 || memcmp(l.group_id, t->ch->group_id, 32) != 0 ||
        memcmp(l.invitation_id, s->voucher.invitation_id, 16) != 0)
        return dt_fail(DT_ERR_REFUSED, "a leave that is not its sender's");
    w.grounds[0].kind = DT_GROUND_LEAVE;
    memcpy(w.grounds[0].invitation_id, l.invitation_id, 16);
    memcpy(w.grounds[0].letter_hash, s->letter.hash, 32);
    w.grounds[0].body = in->payload->leave;
    if ((err = dt_warrant_encode(&w, &body)) != DT_OK)
        return err;
    /* One intent a seat, however often its holder says so. */
    return dt_intent_add(t->a, t->ch->group_id, DT_INTENT_REMOVE, l.invitation_id,
                         dt_buf_view(&body));
}

static enum dt_err
dispatch(struct dt_taken *t, const struct mls_event *e, const struct dt_incoming *in,
         const struct dt_seat *s)
{
    switch (in->payload->kind) {
    case DT_PAYLOAD_HERE:
        return take_here(t, e, in, s);
    case DT_PAYLOAD_TALK:
        return dt_talk_receive(t->a, in);
    case DT_PAYLOAD_LEAVE:
        return in->own ? DT_OK : take_leave(t, in, s);
    case DT_PAYLOAD_RECORD:
        return dt_record_receive(t->a, in);
    case DT_PAYLOAD_RECEIPT:
        return in->own ? DT_OK : dt_receipt_take(t->a, t->ch, in, s);
    case DT_PAYLOAD_CHUNK:
        return in->own ? DT_OK : dt_chunk_take(t->a, in);
    case DT_PAYLOAD_UNDERSTOOD:
        return in->own ? DT_OK : dt_understood_take(t->a, in);
    case DT_PAYLOAD_LINE:
        return in->own ? DT_OK : dt_line_take(t->a, t->ch, in, s);
    case DT_PAYLOAD_COURIER:
        return in->own ? DT_OK : dt_courier_ack_take(t->a, t->ch, in, s);
    case DT_PAYLOAD_CLOSED:
        return dt_closing_take(t->a, t->ch, in, s->voucher.invitation_id);
    case DT_PAYLOAD_RELEASED:
        return dt_release_take(t->a, t->ch, in, &t->forgot);
    case DT_PAYLOAD_DESTROYED:
        return in->own ? DT_OK : dt_destroyed_take(t->a, in);
    case DT_PAYLOAD_RECORD_DESTROYED:
        return in->own ? DT_OK : dt_trace_word_take(t->a, in);
    }
    return dt_fail(DT_ERR_UNSUPPORTED, "a payload of a kind that is not known here");
}

enum dt_err
dt_incoming_from(struct dt_agent *a, const struct dt_channel *ch, const struct mls_event *e,
                 struct dt_seat *s, struct dt_payload *p, struct dt_incoming *in)
{
    struct dt_rules rules = dt_channel_rules(a, ch);
    bool revoked = false, released = false;
    enum dt_err err;

    if ((err = dt_released_has(a, ch->group_id, e->sender.signature_key, &released)) != DT_OK)
        return err;
    if (released)
        return dt_fail(DT_ERR_REFUSED, "it is signed by a session key that was released");
    if ((err = dt_seat_check(&rules, e->sender.identity, e->sender.signature_key, s)) != DT_OK ||
        (err = dt_payload_decode(dt_buf_view(&e->plaintext), p)) != DT_OK ||
        (err = dt_letter_ended(a, &s->letter, &revoked)) != DT_OK)
        return err;
    in->epoch = e->epoch;
    in->leaf = e->sender.leaf;
    in->generation = e->generation;
    in->party = s->party;
    in->letter = &s->letter;
    in->letter_bytes = s->letter_bytes;
    in->payload = p;
    in->standing = !revoked && dt_voucher_valid_at(&s->voucher, dt_agent_now(a)) &&
                   dt_letter_check_time(&s->letter, dt_agent_now(a)) == DT_OK;
    in->unconfirmed = !ch->confirmed || !in->standing;
    return DT_OK;
}

enum dt_err
dt_taken_message(struct dt_taken *t, const struct mls_event *e)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
    struct dt_incoming in = {.group_id = t->ch->group_id, .position = t->item->position};
    struct dt_payload p;
    enum dt_err err;

    if ((err = dt_incoming_from(t->a, t->ch, e, &s, &p, &in)) != DT_OK ||
        (err = dispatch(t, e, &in, &s)) != DT_OK)
        return err;
    /* One's own party has one's own clock's faults, as a rule. */
    if (in.standing && in.party != t->a->party && (err = dt_time_note(t->a, p.sent_ms)) != DT_OK)
        return err;
    t->report->received++;
    /* A receipt is how an agent answers a line test. */
    if (p.kind == DT_PAYLOAD_UNDERSTOOD || p.kind == DT_PAYLOAD_CHUNK || p.kind == DT_PAYLOAD_LINE)
        return dt_transcript_set_due(t->a, t->ch);
    if (p.kind != DT_PAYLOAD_TALK && p.kind != DT_PAYLOAD_RECORD)
        return DT_OK;
    t->shown.has_talk = p.kind == DT_PAYLOAD_TALK;
    memcpy(t->shown.talk_id, p.id, sizeof t->shown.talk_id);
    memcpy(t->shown.talk_from, s.letter.key, sizeof t->shown.talk_from);
    return dt_transcript_set_due(t->a, t->ch);
}

/* A record is known to people by its commitment. */
static enum dt_err
await_record(struct dt_taken *t, const struct dt_payload *p)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    enum dt_err err = dt_record_decode(p->record, t->a->templates, &r);

    if (err != DT_OK)
        return err;
    return dt_awaited_add(t->a, t->ch, p->id, dt_view_of(r.commitment), t->item->position);
}

/* An own application message came back: its place in the order is fixed. */
static enum dt_err
own_back(struct dt_taken *t, const struct mls_event *e)
{
    DT_CLEANUP(dt_outbox_row_clear) struct dt_outbox_row row = {0};
    struct dt_incoming in = {.group_id = t->ch->group_id,
                             .epoch = e->epoch,
                             .position = t->item->position,
                             .generation = e->generation,
                             .leaf = mls_group_own_leaf(t->ch->group),
                             .own = true,
                             .party = t->a->party,
                             .letter = &t->a->letter};
    struct dt_payload p;
    enum dt_err err = dt_outbox_get(t->a, t->append_id, &row);

    if (err == DT_ERR_NOT_FOUND)
        return DT_OK; /* a copy of ours that was confirmed or replaced already */
    if (err != DT_OK)
        return err;
    /* The nonce can be had from our cell by every member: only the very bytes that we gave count.
     */
    if (!dt_view_equal(dt_buf_view(&row.cell), t->item->cell)) {
        dt_ignore(dt_fail(DT_ERR_CONFLICT, "it is not what we sealed under that nonce"),
                  "for the alarm's text");
        return dt_taken_unread(t, DT_ALARM_CELL, "a message of ours");
    }
    if ((err = dt_outbox_del(t->a, t->append_id)) != DT_OK)
        return err;
    if (row.ref != DT_OUTBOX_PAYLOAD)
        return DT_OK;
    if ((err = dt_payload_decode(dt_buf_view(&row.payload), &p)) != DT_OK)
        return err;
    in.letter_bytes = dt_buf_view(&t->a->letter_bytes);
    in.payload = &p;
    t->shown.has_talk = p.kind == DT_PAYLOAD_TALK || p.kind == DT_PAYLOAD_RECORD;
    memcpy(t->shown.talk_id, p.id, sizeof t->shown.talk_id);
    memcpy(t->shown.talk_from, t->a->letter.key, sizeof t->shown.talk_from);
    if (p.kind == DT_PAYLOAD_TALK && (err = dt_talk_confirm(t->a, &in)) == DT_OK)
        err = dt_awaited_add(t->a, t->ch, p.id, dt_view(NULL, 0), t->item->position);
    if (p.kind == DT_PAYLOAD_CHUNK)
        err = dt_chunk_back(t->a, t->ch, &in);
    if (p.kind == DT_PAYLOAD_LINE)
        err = dt_line_back(t->a, t->ch, p.id, t->item->position);
    if (p.kind == DT_PAYLOAD_RECORD && (err = dt_record_receive(t->a, &in)) == DT_OK)
        err = await_record(t, &p);
    if (p.kind == DT_PAYLOAD_CLOSED)
        err = dt_closing_take(t->a, t->ch, &in, t->ch->invitation_id);
    if (p.kind == DT_PAYLOAD_RELEASED)
        err = dt_release_take(t->a, t->ch, &in, &t->forgot);
    /* What all others pass over, so do we. */
    if ((p.kind == DT_PAYLOAD_CLOSED || p.kind == DT_PAYLOAD_RELEASED) && err != DT_OK &&
        !dt_err_is_local(err))
        err = dt_taken_pass_over(t, DT_ALARM_CELL, NULL, "a message of ours");
    return err;
}

enum dt_err
dt_taken_own(struct dt_taken *t, const struct mls_event *e)
{
    if (!t->ours) { /* every member can write the name; nobody else can write our mark */
        dt_ignore(dt_fail(DT_ERR_AUTH, "it bears our name, and this home did not seal it"),
                  "for the alarm's text");
        return dt_taken_pass_over(t, DT_ALARM_CELL, NULL, "a message");
    }
    if (!t->made) { /* a copy used the generation for something else; its key is gone here */
        if (e->content_type != 1)
            return dt_lapse_stop_reading(t->a, t->ch);
        return dt_alarm_add(t->a, DT_ALARM_MISSED, t->ch->group_id, t->item->position, NULL,
                            "a message that another copy of this home sent cannot be read by this "
                            "one: both used its key; ask the others for what matters in it");
    }
    /* What a muted state sent may have met the same generation of a copy, and then does not count:
     * it is sent again after the re-join, and those who have it know it by its id. */
    return t->mute ? DT_OK : own_back(t, e);
}

/* A copy of this home said it: taken in as ours, and not to be said again. */
static enum dt_err
take_copys(struct dt_taken *t, const struct mls_event *e)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
    struct dt_rules rules = dt_channel_rules(t->a, t->ch);
    struct dt_incoming in = {.group_id = t->ch->group_id,
                             .epoch = e->epoch,
                             .position = t->item->position,
                             .leaf = e->sender.leaf,
                             .generation = e->generation,
                             .party = t->a->party};
    struct dt_payload p;
    enum dt_err err;

    if ((err = dt_seat_check(&rules, e->sender.identity, e->sender.signature_key, &s)) != DT_OK ||
        (err = dt_payload_decode(dt_buf_view(&e->plaintext), &p)) != DT_OK)
        return err;
    in.letter = &s.letter;
    in.letter_bytes = s.letter_bytes;
    in.payload = &p;
    in.unconfirmed = true; /* it was signed with our keys, by what we do not know */
    err = dt_intent_del(t->a, t->ch->group_id, p.id);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    t->report->received++;
    if (p.kind == DT_PAYLOAD_TALK)
        return dt_talk_of_copy(t->a, &in);
    if (p.kind == DT_PAYLOAD_CHUNK)
        return dt_chunk_take(t->a, &in);
    if (p.kind == DT_PAYLOAD_UNDERSTOOD)
        return dt_understood_take(t->a, &in);
    return p.kind == DT_PAYLOAD_RECORD ? dt_record_receive(t->a, &in) : DT_OK;
}

enum dt_err
dt_taken_unknown(struct dt_taken *t, const struct mls_event *e)
{
    enum dt_err err = dt_taken_restored(t);

    if (err != DT_OK)
        return err;
    if (e->content_type != 1)
        return dt_lapse_stop_reading(t->a, t->ch);
    if (t->refuse == NULL)
        return take_copys(t, e);
    dt_ignore(dt_fail(DT_ERR_REFUSED, "%s", t->refuse), "for the alarm's text");
    return dt_taken_pass_over(t, DT_ALARM_CELL, &e->sender, "a message");
}
