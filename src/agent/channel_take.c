/*
 * agent/channel_take.c - one cell of a channel's queue, taken in: message, Commit, or our own read
 * back.
 *
 * Source: DESIGN "Handshakes", "Queues"; docs/protocol-agent.md "Taking a cell".
 */
#include <stdio.h>
#include <string.h>

#include "base/wire.h"

#include "agent/channel_review.h"
#include "agent/receipt_internal.h"
#include "record/record.h"

struct dt_rules
dt_channel_rules(const struct dt_agent *a, const struct dt_channel *ch)
{
    return (struct dt_rules){.charter = &a->charter,
                             .forum = a->forum,
                             .founding = &ch->founding,
                             .warrants = dt_buf_view(&ch->warrants)};
}

/* What one cell did, for the end of its transaction. */
struct taken {
    struct dt_agent *a;
    struct dt_channel *ch;
    const struct dt_wire_item *item;
    struct dt_sync_report *report;
    const char *refuse; /* why its content is not to be taken in: it failed before; else NULL */
    bool new_epoch;
    struct dt_cell_shown shown;
    bool ours;             /* the cell bears our mark: this home or a copy of it sealed it */
    bool made;             /* this home did */
    uint8_t append_id[16]; /* ours and made: its row in the outbox */
    bool mute;             /* the channel is read under a state that sends nothing any more */
};

/* An alarm about this cell that names ${m} (may be NULL). */
static enum dt_err
name(struct taken *t, enum dt_alarm_kind kind, const struct mls_member *m, const char *text)
{
    return dt_channel_alarm(t->a, t->ch, kind, t->item->position, m, text);
}

/* The cell cannot be read as it stands, whoever posted it: passed over, and tried again in a
 * review, of which nothing more is said. The reason is the thread's last message. */
static enum dt_err
pass_unread(struct taken *t, enum dt_alarm_kind kind, const char *what)
{
    char text[240];

    t->shown.unread = true;
    if (t->shown.retry) {
        /* Shown twice within one review, it is no retry but the relay's making, and counts. */
        if (t->shown.before.review == t->shown.review.number &&
            t->shown.before.position != t->item->position)
            t->report->unread++;
        return DT_OK;
    }
    (void)snprintf(text, sizeof text, "%s was passed over: %.160s", what, dt_err_message());
    t->report->passed_over++;
    t->report->unread++;
    return name(t, kind, NULL, text);
}

/* Pass the cell over with an alarm that names ${m} (may be NULL). The reason is the thread's last
 * message. */
static enum dt_err
pass_over(struct taken *t, enum dt_alarm_kind kind, const struct mls_member *m, const char *what)
{
    char text[240];

    (void)snprintf(text, sizeof text, "%s was passed over: %.160s", what, dt_err_message());
    t->report->passed_over++;
    return name(t, kind, m, text);
}

/* A message of ours that this store never made: the first unmasks a restored copy. It reads on. */
static enum dt_err
restored(struct taken *t)
{
    if (t->mute)
        return DT_OK;
    t->mute = true;
    return dt_lapse_begin(t->a, t->ch, DT_LAPSE_RESTORED, true, t->item->position, NULL);
}

/* Others follow this Commit, we cannot. ${m}, may be NULL, made it. */
static enum dt_err
lost(struct taken *t, const struct mls_member *m)
{
    if (t->mute)
        return dt_lapse_stop_reading(t->a, t->ch);
    t->mute = true;
    return dt_lapse_begin(t->a, t->ch, DT_LAPSE_LOST, false, t->item->position, m);
}

/* ---- application messages ---- */

static enum dt_err
take_here(struct taken *t, const struct mls_event *e, const struct dt_incoming *in,
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
    if (dt_channel_all_here(t->a, t->ch))
        t->ch->confirmed = true;
    return DT_OK;
}

static enum dt_err
take_leave(struct taken *t, const struct dt_incoming *in, const struct dt_seat *s)
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
dispatch(struct taken *t, const struct mls_event *e, const struct dt_incoming *in,
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
    }
    return dt_fail(DT_ERR_UNSUPPORTED, "a payload of a kind that is not known here");
}

enum dt_err
dt_incoming_from(struct dt_agent *a, const struct dt_channel *ch, const struct mls_event *e,
                 struct dt_seat *s, struct dt_payload *p, struct dt_incoming *in)
{
    struct dt_rules rules = dt_channel_rules(a, ch);
    bool revoked = false;
    enum dt_err err;

    if ((err = dt_seat_check(&rules, e->sender.identity, e->sender.signature_key, s)) != DT_OK ||
        (err = dt_payload_decode(dt_buf_view(&e->plaintext), p)) != DT_OK ||
        (err = dt_letter_revoked(a, &s->letter, &revoked, NULL)) != DT_OK)
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

static enum dt_err
take_application(struct taken *t, const struct mls_event *e)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
    struct dt_incoming in = {.group_id = t->ch->group_id, .position = t->item->position};
    struct dt_payload p;
    enum dt_err err;

    if ((err = dt_incoming_from(t->a, t->ch, e, &s, &p, &in)) != DT_OK ||
        (err = dispatch(t, e, &in, &s)) != DT_OK)
        return err;
    t->report->received++;
    if (p.kind != DT_PAYLOAD_TALK && p.kind != DT_PAYLOAD_RECORD)
        return DT_OK;
    t->shown.has_talk = p.kind == DT_PAYLOAD_TALK;
    memcpy(t->shown.talk_id, p.id, sizeof t->shown.talk_id);
    memcpy(t->shown.talk_from, s.letter.key, sizeof t->shown.talk_from);
    return dt_transcript_set_due(t->a, t->ch);
}

/* A record is known to people by its commitment. */
static enum dt_err
await_record(struct taken *t, const struct dt_payload *p)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    enum dt_err err = dt_record_decode(p->record, t->a->templates, &r);

    if (err != DT_OK)
        return err;
    return dt_awaited_add(t->a, t->ch, p->id, dt_view_of(r.commitment), t->item->position);
}

/* An own application message came back: its place in the order is fixed. */
static enum dt_err
own_back(struct taken *t, const struct mls_event *e)
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
        return pass_unread(t, DT_ALARM_CELL, "a message of ours");
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
    if (p.kind == DT_PAYLOAD_RECORD && (err = dt_record_receive(t->a, &in)) == DT_OK)
        err = await_record(t, &p);
    return err;
}

/* A message under our own name and a generation that we used. */
static enum dt_err
own_generation(struct taken *t, const struct mls_event *e)
{
    if (!t->ours) { /* every member can write the name; nobody else can write our mark */
        dt_ignore(dt_fail(DT_ERR_AUTH, "it bears our name, and this home did not seal it"),
                  "for the alarm's text");
        return pass_over(t, DT_ALARM_CELL, NULL, "a message");
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
take_copys(struct taken *t, const struct mls_event *e)
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
    return p.kind == DT_PAYLOAD_RECORD ? dt_record_receive(t->a, &in) : DT_OK;
}

static enum dt_err
own_unknown(struct taken *t, const struct mls_event *e)
{
    enum dt_err err = restored(t);

    if (err != DT_OK)
        return err;
    if (e->content_type != 1)
        return dt_lapse_stop_reading(t->a, t->ch);
    if (t->refuse == NULL)
        return take_copys(t, e);
    dt_ignore(dt_fail(DT_ERR_REFUSED, "%s", t->refuse), "for the alarm's text");
    return pass_over(t, DT_ALARM_CELL, &e->sender, "a message");
}

/* ---- Commits ---- */

/* Others may follow this Commit, we cannot. One that breaks the rules is passed over by them as by
 * us. */
static enum dt_err
lose_commit(struct taken *t, const struct mls_event *e)
{
    struct dt_rules rules = dt_channel_rules(t->a, t->ch);
    struct dt_commit_meaning meaning;
    enum dt_err err =
        dt_commit_check(&rules, t->ch->group, mls_staged_effects(e->staged), &meaning);

    if (err != DT_OK)
        return dt_err_is_local(err) ? err : pass_over(t, DT_ALARM_COMMIT, &e->sender, "a Commit");
    return lost(t, &e->sender);
}

static enum dt_err
keep_warrant(const struct dt_commit_meaning *m, struct dt_buf *out)
{
    return m->warrant.n > 0 ? dt_buf_set(out, m->warrant) : DT_OK;
}

static enum dt_err
take_commit(struct taken *t, struct mls_event *e)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf warrant = DT_BUF_INIT(DT_WARRANT_MAX);
    const struct mls_effects *effects = mls_staged_effects(e->staged);
    struct dt_rules rules = dt_channel_rules(t->a, t->ch);
    struct dt_commit_meaning meaning;
    bool removes_us = effects->removes_us, reseated = false;
    uint8_t seat[16] = {0};
    enum dt_err err = dt_commit_check(&rules, t->ch->group, effects, &meaning);

    if (err != DT_OK)
        return dt_err_is_local(err) ? err : pass_over(t, DT_ALARM_COMMIT, &e->sender, "a Commit");
    if ((err = keep_warrant(&meaning, &warrant)) != DT_OK ||
        (err = dt_commit_known(t->a, t->ch, &e->sender, effects, meaning.warrant,
                               t->item->position)) != DT_OK ||
        (removes_us && (err = dt_copy_reseat(t->a, t->ch, effects, seat, &reseated)) != DT_OK) ||
        (err = mls_group_take(t->ch->group, e->staged, dt_agent_now(t->a))) != DT_OK)
        return err;
    e->staged = NULL;
    t->new_epoch = true;
    t->report->received++;
    if (t->ch->pending) { /* ours lost; its intent stays and is done anew on this epoch */
        t->ch->pending = false;
        err = dt_outbox_del(t->a, t->ch->pending_append);
        if (err != DT_OK && err != DT_ERR_NOT_FOUND)
            return err;
    }
    if (removes_us)
        return dt_copy_seat_lost(t->a, t->ch, reseated ? seat : NULL, t->item->position);
    meaning.warrant = dt_buf_view(&warrant);
    return dt_commit_follow(t->a, t->ch, &meaning);
}

/* The invitee of an own Add, or of a re-join: the Welcome goes out now that the Commit stands. */
static enum dt_err
send_welcome(struct taken *t, struct dt_view welcome, uint64_t position)
{
    DT_CLEANUP(dt_admission_clear) struct dt_admission x = {0};
    DT_CLEANUP(dt_rejoin_row_clear) struct dt_rejoin_row row = {0};
    DT_CLEANUP(dt_letter_clear) struct dt_letter to = {0};
    struct dt_inbox_message m = {.kind = DT_INBOX_WELCOME};
    struct dt_rejoin q;
    const uint8_t *letter_hash = NULL;
    enum dt_err err;

    if (t->ch->pending_kind == DT_INTENT_ADD) {
        if ((err = dt_admission_load(t->a, t->ch->pending_intent, &x)) != DT_OK)
            return err;
        x.state = DT_ADMISSION_DONE;
        dt_buf_clear(&x.key_package);
        if ((err = dt_admission_save(t->a, &x)) != DT_OK)
            return err;
        memcpy(m.invitation_id, x.request_id, 16);
        letter_hash = x.letter_hash;
    } else {
        if ((err = dt_rejoin_row_load(t->a, t->ch->pending_intent, &row)) != DT_OK ||
            (err = dt_rejoin_decode(dt_buf_view(&row.request), &q)) != DT_OK)
            return err;
        memcpy(m.invitation_id, row.invitation_id, 16);
        letter_hash = q.letter_hash;
    }
    memcpy(m.group_id, t->ch->group_id, 32);
    m.queue_position = position;
    m.welcome = welcome;
    if ((err = dt_letter_load(t->a, letter_hash, &to, NULL, NULL)) != DT_OK)
        return err;
    return dt_outbox_to_inbox(t->a, &to, &m);
}

/* Has the voucher on our leaf run out, so that what we said under it counted for nobody? */
static enum dt_err
own_expired(const struct taken *t, bool *out)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};
    struct dt_rules rules = dt_channel_rules(t->a, t->ch);
    enum dt_err err = dt_seat_of(&rules, t->ch->group, mls_group_own_leaf(t->ch->group), &own);

    if (err == DT_OK)
        *out = !dt_voucher_valid_at(&own.voucher, dt_agent_now(t->a));
    return err;
}

static enum dt_err
take_own_commit(struct taken *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf warrant = DT_BUF_INIT(DT_WARRANT_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf welcome = DT_BUF_INIT(DT_WELCOME_MAX);
    struct dt_rules rules = dt_channel_rules(t->a, t->ch);
    struct dt_commit_meaning meaning;
    struct dt_view commit_bytes, welcome_bytes = {0};
    bool expired = false;
    enum dt_err err;

    if (!t->ch->pending || !mls_group_pending(t->ch->group, &commit_bytes, &welcome_bytes))
        return dt_fail(DT_ERR_INTERNAL, "an own Commit came back that is not pending");
    if ((err = dt_commit_check(&rules, t->ch->group, mls_group_pending_effects(t->ch->group),
                               &meaning)) != DT_OK)
        return dt_fail_context(dt_err_is_local(err) ? err : DT_ERR_INTERNAL,
                               "an own Commit breaks the rules");
    if ((err = own_expired(t, &expired)) != DT_OK ||
        (err = keep_warrant(&meaning, &warrant)) != DT_OK ||
        (err = dt_buf_set(&welcome, welcome_bytes)) != DT_OK ||
        (err = mls_group_take_pending(t->ch->group, dt_agent_now(t->a))) != DT_OK)
        return err;
    t->new_epoch = true;
    t->ch->pending = false;
    meaning.warrant = dt_buf_view(&warrant);
    err = dt_outbox_del(t->a, t->ch->pending_append);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    err = dt_intent_del(t->a, t->ch->group_id, t->ch->pending_intent);
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    if (meaning.adds) {
        err = send_welcome(t, dt_buf_view(&welcome), meaning.new_queue ? 0 : t->item->position);
        /* The Commit stands, whatever is wrong with the letter or inbox of the one it adds. */
        if (err != DT_OK && !dt_err_is_local(err)) {
            char why[160];

            (void)snprintf(why, sizeof why, "%s", dt_err_message());
            err = dt_alarm_add(t->a, DT_ALARM_WELCOME, t->ch->group_id, t->item->position, NULL,
                               "the Welcome of a new member was not sent: %s", why);
        }
        if (err != DT_OK)
            return err;
    }
    if (!t->ch->confirmed || expired)
        t->ch->here_due = true;
    t->report->received++;
    return dt_commit_follow(t->a, t->ch, &meaning);
}

/* ---- one cell ---- */

/* A Commit that came second: its author does it again. Unless others were shown it first. */
static enum dt_err
take_stale_commit(struct taken *t, const struct mls_event *e)
{
    bool parted = false;
    enum dt_err err = dt_cell_shown_parted(t->a, e, &t->shown, &parted);

    if (err != DT_OK || !parted || t->mute)
        return err;
    t->mute = true;
    return dt_lapse_begin(t->a, t->ch, DT_LAPSE_PARTED, false, t->item->position, NULL);
}

static enum dt_err
take_event(struct taken *t, struct mls_event *e)
{
    bool ours = false;
    enum dt_err err;

    switch (e->kind) {
    case MLS_EVENT_APPLICATION:
        /* Told before the content is looked at, so that what is wrong with that does not hide it.
         */
        if ((err = dt_cell_shown_order(t->a, t->ch, t->item, e, &t->shown)) != DT_OK)
            return err;
        if (t->refuse == NULL)
            return take_application(t, e);
        dt_ignore(dt_fail(DT_ERR_REFUSED, "%s", t->refuse), "for the alarm's text");
        return pass_over(t, DT_ALARM_CELL, &e->sender, "a message");
    case MLS_EVENT_COMMIT:
        return take_commit(t, e);
    case MLS_EVENT_COMMIT_LOST:
        return lose_commit(t, e);
    case MLS_EVENT_OWN_COMMIT:
        return take_own_commit(t);
    case MLS_EVENT_OWN_MESSAGE:
        return own_generation(t, e);
    case MLS_EVENT_OWN_UNKNOWN:
        return own_unknown(t, e);
    case MLS_EVENT_STALE:
        if (e->content_type != 1)
            return take_stale_commit(t, e);
        /* One of ours that no member can read: it is said again. */
        if ((err = dt_outbox_restage_cell(t->a, t->ch->group_id, t->item, &t->ch->here_due,
                                          &ours)) != DT_OK ||
            ours)
            return err;
        dt_ignore(
            dt_fail(DT_ERR_STATE, "its epoch %llu is no longer kept", (unsigned long long)e->epoch),
            "for the alarm's text");
        return pass_over(t, DT_ALARM_CELL, NULL, "a message");
    case MLS_EVENT_FOREIGN:
        dt_ignore(dt_fail(DT_ERR_AUTH,
                          "it is of another epoch %llu than ours, or garbage of a "
                          "member: compare the epoch authenticator by voice",
                          (unsigned long long)e->epoch),
                  "for the alarm's text");
        return pass_unread(t, DT_ALARM_FORK, "a message");
    case MLS_EVENT_FUTURE:
        dt_ignore(
            dt_fail(DT_ERR_STATE, "its epoch %llu is not reached", (unsigned long long)e->epoch),
            "for the alarm's text");
        return pass_unread(t, DT_ALARM_CELL, "a message");
    case MLS_EVENT_PROPOSAL:
    case MLS_EVENT_REFUSED:
    case MLS_EVENT_NONE:
        break;
    }
    return dt_fail(DT_ERR_INTERNAL, "an event of no known kind");
}

/* Everything in a queue is a PrivateMessage (DESIGN "Handshakes"): a PublicMessage would show who
 * its sender is to whoever gets at the queue's key later. RFC 9420 section 6: version 1, wire
 * format 2. */
static bool
is_private(struct dt_view message)
{
    struct dt_reader r = dt_reader_init(message);
    uint16_t version = 0, format = 0;

    return dt_read_u16(&r, &version) == DT_OK && dt_read_u16(&r, &format) == DT_OK &&
           version == 1 && format == 2;
}

/* What no agent sends, but for which MLS can say who did. An external Commit's signer is outside;
 * the rules want its letter all the same, and without one nobody is named. */
static enum dt_err
pass_over_public(struct taken *t, struct mls_event *e)
{
    bool external = e->kind == MLS_EVENT_REFUSED && e->sender.leaf == UINT32_MAX;

    dt_ignore(dt_fail(DT_ERR_REFUSED, external ? "it is an external Commit, no PrivateMessage"
                                               : "it is no PrivateMessage"),
              "for the alarm's text");
    return pass_over(t, DT_ALARM_COMMIT, &e->sender, "a message");
}

/* Cells pad (docs/protocol-channel.md "Payloads"), so MLS padding is always empty. What has some is
 * taken, since it is no less signed, and its sender named: nothing of ours sends it. */
static enum dt_err
note_padding(struct taken *t, const struct mls_event *e)
{
    if (e->padding == 0)
        return DT_OK;
    return name(t, DT_ALARM_CELL, &e->sender, "a message has padding of its own: cells pad");
}

/* Process ${message}; a cell that fails is passed over and leaves the group as it was. */
static enum dt_err
take_message(struct taken *t, struct dt_view message, bool *out_keep_group)
{
    struct mls_event e = {0};
    enum dt_err err;

    *out_keep_group = true;
    err = mls_group_process(t->ch->group, (struct mls_psk_list){0}, message, &e);
    if (err != DT_OK) {
        err = dt_err_is_local(err) ? err : pass_unread(t, DT_ALARM_CELL, "a cell");
    } else if (!is_private(message)) {
        *out_keep_group = false;
        err = pass_over_public(t, &e);
    } else if (e.kind == MLS_EVENT_REFUSED) {
        err = pass_over(t, DT_ALARM_COMMIT, &e.sender, "a Commit");
    } else if (e.kind == MLS_EVENT_PROPOSAL) {
        /* Standalone proposals are against the rules, and a cached one would stop our own sending:
         * the group stays as it was loaded. */
        *out_keep_group = false;
        dt_ignore(dt_fail(DT_ERR_REFUSED, "a proposal outside a Commit"), "for the alarm's text");
        err = pass_over(t, DT_ALARM_COMMIT, &e.sender, "a proposal");
    } else {
        err = note_padding(t, &e);
        if (err == DT_OK)
            err = take_event(t, &e);
    }
    mls_event_clear(&e);
    return err;
}

static enum dt_err
reload_group(struct dt_agent *a, struct dt_channel *ch)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(DT_STORE_VALUE_MAX);
    struct mls_group *g = NULL;
    enum dt_err err;

    if ((err = dt_store_get_group(a->store, dt_view_of(ch->group_id), &value)) != DT_OK ||
        (err = mls_group_load(dt_buf_view(&value), &g)) != DT_OK)
        return err;
    mls_group_free(ch->group);
    ch->group = g;
    return DT_OK;
}

/* Who sealed the cell, which opens. One with our mark that we did not make unmasks a restored copy
 * whatever is in it: of which generation, of which epoch. */
static enum dt_err
whose_cell(struct taken *t)
{
    enum dt_err err =
        dt_cell_is_marked(&t->ch->queue, dt_secret_view(&t->a->mark_key), t->item->cell, &t->ours);

    if (err != DT_OK || !t->ours)
        return err;
    err = dt_outbox_made(t->a, t->item->cell, t->append_id);
    t->made = err == DT_OK;
    return err == DT_ERR_NOT_FOUND ? restored(t) : err;
}

/* Open and process what the cell holds. */
static enum dt_err
take_content(struct taken *t)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);
    bool keep = true;
    enum dt_err err = dt_cell_open(&t->ch->queue, t->item->cell, &message);

    if (err != DT_OK)
        return dt_err_is_local(err) ? err : pass_unread(t, DT_ALARM_CELL, "a cell");
    if ((err = whose_cell(t)) != DT_OK)
        return err;
    err = take_message(t, dt_buf_view(&message), &keep);
    return err == DT_OK && !keep ? reload_group(t->a, t->ch) : err;
}

static enum dt_err
take_cell(struct dt_agent *a, struct dt_channel *ch, const struct dt_wire_item *item,
          const char *refuse, struct dt_sync_report *report)
{
    struct taken t = {.a = a,
                      .ch = ch,
                      .item = item,
                      .report = report,
                      .refuse = refuse,
                      .mute = ch->state == DT_CHANNEL_BROKEN};
    uint64_t queue = ch->queue_number;
    enum dt_err err;

    if ((err = dt_cell_shown_begin(a, ch, item, &t.shown, report)) == DT_OK &&
        (err = dt_transcript_add(a, ch, item->position, item->cell)) == DT_OK && !t.shown.pass_by)
        err = take_content(&t);
    if (err != DT_OK || (err = dt_cell_shown_end(a, ch, item, &t.shown)) != DT_OK)
        return err;
    if (ch->queue_number == queue)
        ch->position = item->position;
    if (t.new_epoch && ch->state == DT_CHANNEL_LIVE)
        err = dt_receipt_epoch(a, ch);
    else if (t.shown.pass_by && t.shown.before.kind == DT_SHOWN_COMMIT)
        err = dt_transcript_again(a, ch, t.shown.before.epoch + 1);
    if (err != DT_OK)
        return err;
    mls_group_expire(ch->group, dt_agent_now(a));
    return dt_channel_save(a, ch, t.new_epoch);
}

static enum dt_err
take_once(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t queue_number,
          const struct dt_wire_item *item, const char *refuse, struct dt_sync_report *report)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_sync_report counted = *report;
    bool reads = false;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load(a, group_id, &ch)) == DT_OK)
        err = dt_channel_reads(a, &ch, &reads);
    if (err == DT_OK && reads && ch.queue_number == queue_number &&
        ch.position + 1 == item->position)
        err = take_cell(a, &ch, item, refuse, &counted);
    err = dt_store_end(a->store, err);
    if (err == DT_OK)
        *report = counted;
    return err;
}

/* What others took in cannot be taken in here, and cannot be passed over either: the channel is not
 * followed any more, and says so, rather than meet the same cell at every sync. */
static enum dt_err
take_and_break(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t queue_number,
               const struct dt_wire_item *item, struct dt_sync_report *report)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct taken t = {.a = a, .ch = &ch, .item = item, .report = report};
    bool reads = false;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load(a, group_id, &ch)) == DT_OK)
        err = dt_channel_reads(a, &ch, &reads);
    if (err == DT_OK && reads && ch.queue_number == queue_number &&
        ch.position + 1 == item->position) {
        t.mute = ch.state == DT_CHANNEL_BROKEN;
        ch.position = item->position;
        err = lost(&t, NULL);
        if (err == DT_OK)
            err = dt_channel_save(a, &ch, false);
    }
    return dt_store_end(a->store, err);
}

enum dt_err
dt_channel_take_cell(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t queue_number,
                     const struct dt_wire_item *item, struct dt_sync_report *report)
{
    char why[160];
    enum dt_err err = take_once(a, group_id, queue_number, item, NULL, report);

    if (err == DT_OK || dt_err_is_local(err))
        return err;
    /* The content does not hold. All that it began is undone; the message is consumed and passed
     * over. */
    (void)snprintf(why, sizeof why, "%s", dt_err_message());
    err = take_once(a, group_id, queue_number, item, why, report);
    return err == DT_OK || dt_err_is_local(err)
               ? err
               : take_and_break(a, group_id, queue_number, item, report);
}
