/*
 * agent/channel/take.c - one cell of a channel's queue, taken in, and the Commits; messages are in
 * take_message.c.
 *
 * Source: DESIGN "Handshakes", "Queues"; docs/protocol-agent.md "Taking a cell".
 */
#include <stdio.h>
#include <string.h>

#include "base/wire.h"

#include "agent/channel/courier.h"
#include "agent/channel/take.h"
#include "agent/talk/receipt_internal.h"
#include "agent/talk/session_internal.h"

struct dt_rules
dt_channel_rules(const struct dt_agent *a, const struct dt_channel *ch)
{
    return (struct dt_rules){.charter = &a->charter,
                             .forum = a->forum,
                             .founding = &ch->founding,
                             .warrants = dt_buf_view(&ch->warrants),
                             .letters = a->letters};
}

/* An alarm about this cell that names ${m} (may be NULL). */
static enum dt_err
name_sender(struct dt_taken *t, enum dt_alarm_kind kind, const struct mls_member *m,
            const char *text)
{
    return dt_channel_alarm(t->a, t->ch, kind, t->item->position, m, text);
}

enum dt_err
dt_taken_unread(struct dt_taken *t, enum dt_alarm_kind kind, const char *what)
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
    return name_sender(t, kind, NULL, text);
}

enum dt_err
dt_taken_pass_over(struct dt_taken *t, enum dt_alarm_kind kind, const struct mls_member *m,
                   const char *what)
{
    char text[240];

    (void)snprintf(text, sizeof text, "%s was passed over: %.160s", what, dt_err_message());
    t->report->passed_over++;
    return name_sender(t, kind, m, text);
}

enum dt_err
dt_taken_restored(struct dt_taken *t)
{
    if (t->mute)
        return DT_OK;
    t->mute = true;
    return dt_lapse_begin(t->a, t->ch, DT_LAPSE_RESTORED, true, t->item->position, NULL);
}

/* Others follow this Commit, we cannot. ${m}, may be NULL, made it. */
static enum dt_err
lost(struct dt_taken *t, const struct mls_member *m)
{
    if (t->mute)
        return dt_lapse_stop_reading(t->a, t->ch);
    t->mute = true;
    return dt_lapse_begin(t->a, t->ch, DT_LAPSE_LOST, false, t->item->position, m);
}

/* ---- Commits ---- */

/* Is the queue to be read again before this Commit ends it? What could not be read before it, and
 * what the relay put behind it, would be lost to us: the others have it, and nobody sends it again.
 * Once only, so that nobody keeps us from following: neither the relay, nor a member who posted
 * what nobody can read. */
static bool
look_again(struct dt_taken *t, const struct dt_commit_meaning *m)
{
    struct dt_ending *e = t->ending;

    if (!m->new_queue || e == NULL || e->looked)
        return false;
    e->again = (t->shown.review.doubt && !t->mute) || t->item->position < e->last;
    return e->again;
}

/* Others may follow this Commit, we cannot. One that breaks the rules is passed over by them as by
 * us. */
static enum dt_err
lose_commit(struct dt_taken *t, const struct mls_event *e)
{
    struct dt_rules rules = dt_channel_rules(t->a, t->ch);
    struct dt_commit_meaning meaning;
    enum dt_err err =
        dt_commit_check(&rules, t->ch->group, mls_staged_effects(e->staged), &meaning);

    if (err != DT_OK)
        return dt_err_is_local(err)
                   ? err
                   : dt_taken_pass_over(t, DT_ALARM_COMMIT, &e->sender, "a Commit");
    return lost(t, &e->sender);
}

static enum dt_err
keep_warrant(const struct dt_commit_meaning *m, struct dt_buf *out)
{
    return m->warrant.n > 0 ? dt_buf_set(out, m->warrant) : DT_OK;
}

/* Has the voucher of ${m} run out by our clock? One that has not begun is no sign of anything but
 * our clock. */
static bool
run_out(const struct dt_taken *t, const struct mls_member *m)
{
    struct dt_voucher v;
    struct dt_view letter;

    return dt_credential_decode(m->identity, &letter, &v) != DT_OK ||
           dt_agent_now(t->a) > v.not_after_ms;
}

/* A Commit under a voucher that has run out, and that brings no new one, can be anybody's who has
 * the key, for the key may have been released. It counts, as no clock decides on that; but until
 * all others have said `here`, nobody knows whether they are where it leads. */
static enum dt_err
doubt_committer(struct dt_taken *t, const struct mls_effects *effects)
{
    enum dt_err err;

    if (t->ch->state != DT_CHANNEL_LIVE || effects->n_updated == 0 ||
        !run_out(t, &effects->updated[0].before) || !run_out(t, &effects->updated[0].after))
        return DT_OK;
    t->ch->here = 0;
    t->ch->confirmed = dt_channel_all_here(t->a, t->ch);
    t->ch->here_due = true;
    if ((err = dt_here_forget(t->a, t->ch->group_id)) != DT_OK)
        return err;
    return dt_rotation_add(t->a, t->ch);
}

static enum dt_err
take_commit(struct dt_taken *t, struct mls_event *e)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf warrant = DT_BUF_INIT(DT_WARRANT_MAX);
    const struct mls_effects *effects = mls_staged_effects(e->staged);
    struct dt_rules rules = dt_channel_rules(t->a, t->ch);
    struct dt_commit_meaning meaning;
    bool removes_us = effects->removes_us, reseated = false;
    uint8_t seat[16] = {0};
    enum dt_err err = dt_commit_check(&rules, t->ch->group, effects, &meaning);

    if (err != DT_OK)
        return dt_err_is_local(err)
                   ? err
                   : dt_taken_pass_over(t, DT_ALARM_COMMIT, &e->sender, "a Commit");
    if (look_again(t, &meaning))
        return DT_OK;
    if ((err = keep_warrant(&meaning, &warrant)) != DT_OK ||
        (err = dt_commit_known(t->a, t->ch, &e->sender, effects, meaning.warrant,
                               t->item->position)) != DT_OK ||
        (removes_us && (err = dt_copy_reseat(t->a, t->ch, effects, seat, &reseated)) != DT_OK) ||
        (err = doubt_committer(t, effects)) != DT_OK ||
        (err = dt_spent_note(t->a, t->ch, effects)) != DT_OK ||
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
    if (meaning.warrant.n > 0 && t->ch->state == DT_CHANNEL_LIVE &&
        (err = dt_rotation_add(t->a, t->ch)) != DT_OK)
        return err;
    return dt_commit_follow(t->a, t->ch, &meaning);
}

/* The invitee of an own Add, or of a re-join: the Welcome goes out now that the Commit stands. */
static enum dt_err
send_welcome(struct dt_taken *t, struct dt_view welcome, uint64_t position)
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
own_expired(const struct dt_taken *t, bool *out)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};
    struct dt_rules rules = dt_channel_rules(t->a, t->ch);
    enum dt_err err = dt_seat_of(&rules, t->ch->group, mls_group_own_leaf(t->ch->group), &own);

    if (err == DT_OK)
        *out = !dt_voucher_valid_at(&own.voucher, dt_agent_now(t->a));
    return err;
}

static enum dt_err
take_own_commit(struct dt_taken *t)
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
    if (look_again(t, &meaning))
        return DT_OK;
    if ((err = own_expired(t, &expired)) != DT_OK ||
        (err = keep_warrant(&meaning, &warrant)) != DT_OK ||
        (err = dt_buf_set(&welcome, welcome_bytes)) != DT_OK ||
        (err = dt_spent_note(t->a, t->ch, mls_group_pending_effects(t->ch->group))) != DT_OK ||
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
take_stale_commit(struct dt_taken *t, const struct mls_event *e)
{
    bool parted = false;
    enum dt_err err = dt_cell_shown_parted(t->a, e, &t->shown, &parted);

    if (err != DT_OK || !parted || t->mute)
        return err;
    t->mute = true;
    return dt_lapse_begin(t->a, t->ch, DT_LAPSE_PARTED, false, t->item->position, NULL);
}

/* A message of an epoch that is read no longer: one of ours that no member takes is said again. */
static enum dt_err
take_stale_message(struct dt_taken *t, const struct mls_event *e)
{
    bool ours = false;
    enum dt_err err =
        dt_outbox_restage_cell(t->a, t->ch->group_id, t->item, &t->ch->here_due, &ours);

    if (err != DT_OK || ours)
        return err;
    if (e->kind == MLS_EVENT_STALE) {
        dt_ignore(
            dt_fail(DT_ERR_STATE, "its epoch %llu is no longer kept", (unsigned long long)e->epoch),
            "for the alarm's text");
        return dt_taken_pass_over(t, DT_ALARM_CELL, NULL, "a message");
    }
    dt_ignore(dt_fail(DT_ERR_STATE, "its epoch %llu is closed", (unsigned long long)e->epoch),
              "for the alarm's text");
    return dt_taken_pass_over(t, DT_ALARM_CELL, &e->sender, "a message");
}

/* An application message that opens, another's or ours: behind the line that closes its epoch it
 * counts for nobody. Else it is one more that we hold. */
static enum dt_err
take_in_time(struct dt_taken *t, const struct mls_event *e, bool *out_behind)
{
    enum dt_err err;

    *out_behind = false;
    if (e->content_type != 1 || (e->kind == MLS_EVENT_OWN_MESSAGE && !t->ours))
        return DT_OK;
    if (e->kind != MLS_EVENT_OWN_UNKNOWN &&
        ((err = dt_closing_behind(t->a, t->ch, e->epoch, t->item->position, out_behind)) != DT_OK ||
         *out_behind))
        return err;
    return dt_closing_count(t->a, t->ch, e->epoch);
}

static enum dt_err
take_event(struct dt_taken *t, struct mls_event *e)
{
    bool behind = false;
    enum dt_err err;

    if (e->kind == MLS_EVENT_APPLICATION || e->kind == MLS_EVENT_OWN_MESSAGE ||
        e->kind == MLS_EVENT_OWN_UNKNOWN) {
        if ((err = take_in_time(t, e, &behind)) != DT_OK)
            return err;
        if (behind)
            return take_stale_message(t, e);
    }
    switch (e->kind) {
    case MLS_EVENT_APPLICATION:
        /* Told before the content is looked at, so that what is wrong with that does not hide it.
         */
        if ((err = dt_cell_shown_order(t->a, t->ch, t->item, e, &t->shown)) != DT_OK)
            return err;
        if (t->refuse == NULL)
            return dt_taken_message(t, e);
        dt_ignore(dt_fail(DT_ERR_REFUSED, "%s", t->refuse), "for the alarm's text");
        return dt_taken_pass_over(t, DT_ALARM_CELL, &e->sender, "a message");
    case MLS_EVENT_COMMIT:
        return take_commit(t, e);
    case MLS_EVENT_COMMIT_LOST:
        return lose_commit(t, e);
    case MLS_EVENT_OWN_COMMIT:
        return take_own_commit(t);
    case MLS_EVENT_OWN_MESSAGE:
        return dt_taken_own(t, e);
    case MLS_EVENT_OWN_UNKNOWN:
        return dt_taken_unknown(t, e);
    case MLS_EVENT_STALE:
        if (e->content_type != 1)
            return take_stale_commit(t, e);
        return take_stale_message(t, e);
    case MLS_EVENT_FOREIGN:
        dt_ignore(dt_fail(DT_ERR_AUTH,
                          "it is of another epoch %llu than ours, or garbage of a "
                          "member: compare the epoch authenticator by voice",
                          (unsigned long long)e->epoch),
                  "for the alarm's text");
        return dt_taken_unread(t, DT_ALARM_FORK, "a message");
    case MLS_EVENT_FUTURE:
        dt_ignore(
            dt_fail(DT_ERR_STATE, "its epoch %llu is not reached", (unsigned long long)e->epoch),
            "for the alarm's text");
        return dt_taken_unread(t, DT_ALARM_CELL, "a message");
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
pass_over_public(struct dt_taken *t, struct mls_event *e)
{
    bool external = e->kind == MLS_EVENT_REFUSED && e->sender.leaf == UINT32_MAX;

    dt_ignore(dt_fail(DT_ERR_REFUSED, external ? "it is an external Commit, no PrivateMessage"
                                               : "it is no PrivateMessage"),
              "for the alarm's text");
    return dt_taken_pass_over(t, DT_ALARM_COMMIT, &e->sender, "a message");
}

/* Cells pad (docs/protocol-channel.md "Payloads"), so MLS padding is always empty. What has some is
 * taken, since it is no less signed, and its sender named: nothing of ours sends it. */
static enum dt_err
note_padding(struct dt_taken *t, const struct mls_event *e)
{
    if (e->padding == 0)
        return DT_OK;
    return name_sender(t, DT_ALARM_CELL, &e->sender, "a message has padding of its own: cells pad");
}

/* Process ${message}; a cell that fails is passed over and leaves the group as it was. */
static enum dt_err
take_message(struct dt_taken *t, struct dt_view message, bool *out_keep_group)
{
    DT_CLEANUP(dt_courier_held_clear) struct dt_courier_held held = {0};
    struct mls_psk psks[DT_COURIER_KEYS];
    struct mls_event e = {0};
    enum dt_err err;

    *out_keep_group = true;
    if ((err = dt_courier_held_load(t->a, t->ch->group_id, &held)) != DT_OK)
        return err;
    for (size_t i = 0; i < held.n; i++)
        psks[i] =
            (struct mls_psk){.id = dt_view_of(held.id[i]), .value = dt_secret_view(&held.key[i])};
    err = mls_group_process(t->ch->group, (struct mls_psk_list){psks, held.n}, message, &e);
    if (err != DT_OK) {
        err = dt_err_is_local(err) ? err : dt_taken_unread(t, DT_ALARM_CELL, "a cell");
    } else if (!is_private(message)) {
        *out_keep_group = false;
        err = pass_over_public(t, &e);
    } else if (e.kind == MLS_EVENT_REFUSED) {
        err = dt_taken_pass_over(t, DT_ALARM_COMMIT, &e.sender, "a Commit");
    } else if (e.kind == MLS_EVENT_PROPOSAL) {
        /* Standalone proposals are against the rules, and a cached one would stop our own sending:
         * the group stays as it was loaded. */
        *out_keep_group = false;
        dt_ignore(dt_fail(DT_ERR_REFUSED, "a proposal outside a Commit"), "for the alarm's text");
        err = dt_taken_pass_over(t, DT_ALARM_COMMIT, &e.sender, "a proposal");
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
whose_cell(struct dt_taken *t)
{
    enum dt_err err =
        dt_cell_is_marked(&t->ch->queue, dt_secret_view(&t->a->mark_key), t->item->cell, &t->ours);

    if (err != DT_OK || !t->ours)
        return err;
    err = dt_outbox_made(t->a, t->item->cell, t->append_id);
    t->made = err == DT_OK;
    return err == DT_ERR_NOT_FOUND ? dt_taken_restored(t) : err;
}

/* Open and process what the cell holds. */
static enum dt_err
take_content(struct dt_taken *t)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf message = DT_BUF_INIT(DT_CELL_MAX);
    bool keep = true;
    enum dt_err err = dt_cell_open(&t->ch->queue, t->item->cell, &message);

    if (err != DT_OK)
        return dt_err_is_local(err) ? err : dt_taken_unread(t, DT_ALARM_CELL, "a cell");
    if ((err = whose_cell(t)) != DT_OK)
        return err;
    err = take_message(t, dt_buf_view(&message), &keep);
    return err == DT_OK && !keep ? reload_group(t->a, t->ch) : err;
}

static enum dt_err
take_cell(struct dt_agent *a, struct dt_channel *ch, const struct dt_wire_item *item,
          const char *refuse, struct dt_ending *ending, struct dt_sync_report *report)
{
    struct dt_taken t = {.a = a,
                         .ch = ch,
                         .item = item,
                         .report = report,
                         .refuse = refuse,
                         .ending = ending,
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
    return dt_channel_save(a, ch, t.new_epoch || t.forgot);
}

static enum dt_err
take_once(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t queue_number,
          const struct dt_wire_item *item, const char *refuse, struct dt_ending *ending,
          struct dt_sync_report *report)
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
        err = take_cell(a, &ch, item, refuse, ending, &counted);
    if (err == DT_OK && ending != NULL && ending->again) {
        dt_store_rollback(a->store);
        return DT_OK;
    }
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
    struct dt_taken t = {.a = a, .ch = &ch, .item = item, .report = report};
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
                     const struct dt_wire_item *item, struct dt_ending *ending,
                     struct dt_sync_report *report)
{
    char why[160];
    enum dt_err err = take_once(a, group_id, queue_number, item, NULL, ending, report);

    if (err == DT_OK || dt_err_is_local(err))
        return err;
    /* The content does not hold. All that it began is undone; the message is consumed and passed
     * over. */
    (void)snprintf(why, sizeof why, "%s", dt_err_message());
    err = take_once(a, group_id, queue_number, item, why, ending, report);
    return err == DT_OK || dt_err_is_local(err)
               ? err
               : take_and_break(a, group_id, queue_number, item, report);
}
