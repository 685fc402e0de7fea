/*
 * agent/channel/join.c - joining from a Welcome: history replayed, roster checked, queue taken up.
 *
 * Source: DESIGN "Warrants", "Founding a channel", "Queues"; RFC 9420 section 12.4.3.1.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/channel/courier.h"
#include "agent/channel/review.h"
#include "agent/talk/receipt_internal.h"
#include "agent/talk/session_internal.h"

/* The state of a channel that we have already: only one that was lost or left may be taken up
 * again. All zero when there is none. */
static enum dt_err
load_old(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_channel *out)
{
    enum dt_err err = dt_channel_load(a, group_id, out);

    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    if (out->state != DT_CHANNEL_BROKEN && out->state != DT_CHANNEL_LEFT)
        return dt_fail(DT_ERR_STATE, "a Welcome to a channel that we are in already");
    return DT_OK;
}

/* A new state takes the place of ${was}. */
static enum dt_err
replace_old(struct dt_agent *a, const struct dt_channel *was)
{
    bool here = false;
    enum dt_err err;

    if (was->state != DT_CHANNEL_BROKEN && was->state != DT_CHANNEL_LEFT)
        return DT_OK;
    /* What was sealed under the lost state is sealed anew under the new one. */
    if ((err = dt_outbox_restage(a, was->group_id, &here)) != DT_OK ||
        (err = dt_outbox_forget_made(a, was->group_id)) != DT_OK)
        return err;
    return was->state == DT_CHANNEL_BROKEN ? dt_rejoin_back(a, was) : DT_OK;
}

/* Our own leaf is the one that we made. ${out_late}: its voucher has run out, or its letter was
 * renewed, and the new one takes a seat by a re-join. */
static enum dt_err
check_own(struct dt_agent *a, const struct dt_rules *rules, const struct mls_group *g,
          const struct dt_invitation *x, bool *out_late)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};
    enum dt_err err = dt_seat_of(rules, g, mls_group_own_leaf(g), &own);

    if (err != DT_OK)
        return err;
    if (memcmp(own.voucher.invitation_id, x->invitation_id, 16) != 0 ||
        memcmp(own.letter.key, a->delegate_pub, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "a Welcome seats us under another invitation");
    *out_late = !dt_voucher_valid_at(&own.voucher, dt_agent_now(a)) ||
                memcmp(own.letter.hash, a->letter.hash, 32) != 0;
    return DT_OK;
}

/* Keep the letters of all members, so that we can write to their inboxes. */
static enum dt_err
keep_letters(struct dt_agent *a, const struct dt_rules *rules, const struct mls_group *g)
{
    uint32_t n = mls_group_n_leaves(g);

    for (uint32_t leaf = 0; leaf < n; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
        enum dt_err err = dt_seat_of(rules, g, leaf, &s);

        if (err == DT_ERR_NOT_FOUND)
            continue;
        if (err != DT_OK || (err = dt_letter_keep(a, &s.letter, s.party, s.letter_bytes)) != DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
take_queue(struct dt_agent *a, struct dt_channel *ch, struct dt_view ext, uint64_t position,
           bool rejoin)
{
    DT_CLEANUP(dt_queue_ext_clear) struct dt_queue_ext q = {0};
    enum dt_err err = dt_queue_ext_decode(ext, &q);

    if (err != DT_OK)
        return err;
    /* A re-join takes the old leaf away, and a removal begins a new queue: in an old one we would
     * meet our own messages of before, and take ourselves for a copy. */
    if (rejoin && !q.begins_here)
        return dt_fail(DT_ERR_REFUSED, "a Welcome of a re-join into a queue of before");
    memcpy(ch->queue_token, q.queue_token, 32);
    if (q.begins_here) {
        err = dt_channel_new_queue(a, ch);
    } else {
        ch->queue_number++;
        ch->position = position;
        err = dt_queue_keys_set(&ch->queue, dt_secret_view(&q.keys.bytes));
    }
    ch->queue_begun_ms = q.begun_ms;
    return err;
}

static enum dt_err
take_history(struct dt_agent *a, struct dt_channel *ch, struct dt_view ext,
             const struct dt_invitation *x, bool *out_late)
{
    struct dt_writer w = dt_writer_init(&ch->letters);
    struct dt_founding asked;
    struct dt_history h;
    struct dt_rules rules;
    uint8_t hash[32], asked_hash[32];
    enum dt_err err;

    if ((err = dt_history_decode(ext, &h)) != DT_OK ||
        (err = dt_founding_decode(h.founding, &ch->founding)) != DT_OK ||
        (err = dt_founding_decode(dt_buf_view(&x->founding), &asked)) != DT_OK ||
        (err = dt_founding_hash(&ch->founding, hash)) != DT_OK ||
        (err = dt_founding_hash(&asked, asked_hash)) != DT_OK)
        return err;
    if (memcmp(hash, asked_hash, 32) != 0)
        return dt_fail(DT_ERR_REFUSED,
                       "a Welcome's founding list is not the one we were invited under");
    for (size_t i = 0; i < h.n_letters; i++)
        dt_write_vec(&w, h.letters[i]);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_buf_set(&ch->warrants, h.warrants)) != DT_OK)
        return err;
    rules = dt_channel_rules(a, ch);
    if ((err = dt_history_check(&rules, h.letters, h.n_letters, ch->group)) != DT_OK ||
        (err = check_own(a, &rules, ch->group, x, out_late)) != DT_OK)
        return err;
    return keep_letters(a, &rules, ch->group);
}

/* What we joined by: another Welcome to the same seat is then told from a second copy. */
static enum dt_err
note_welcome(struct dt_agent *a, const struct dt_inbox_message *m)
{
    uint8_t hash[DT_SHA256];
    enum dt_err err = dt_sha256(m->welcome, hash);

    if (err != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "welcome", dt_view_of(m->invitation_id), dt_view_of(hash));
}

/* A seat is given once. Of two Welcomes to it one leads where the others are not, and while no
 * other party has said `here` that may be the one we used. Told once. */
static enum dt_err
another_welcome(struct dt_agent *a, const struct dt_inbox_message *m, uint64_t position)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf used = DT_BUF_INIT(DT_SHA256);
    struct dt_view seat = dt_view_of(m->invitation_id);
    uint8_t hash[DT_SHA256];
    enum dt_err err = dt_store_get_blob(a->store, "welcome", seat, &used);

    if (err == DT_OK)
        err = dt_sha256(m->welcome, hash);
    if (err == DT_OK && dt_view_equal(dt_buf_view(&used), dt_view_of(hash)))
        return DT_OK; /* a second copy */
    if (err == DT_OK)
        err = dt_channel_load_row(a, m->group_id, &ch);
    if (err != DT_OK || ch.state != DT_CHANNEL_LIVE || ch.confirmed ||
        memcmp(ch.invitation_id, m->invitation_id, 16) != 0)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    err = dt_alarm_add(a, DT_ALARM_WELCOME, m->group_id, position, NULL,
                       "another Welcome came to the seat that we took: one of the two leads where "
                       "the others are not; when the channel stays unconfirmed, ask by voice who "
                       "sent it, then rejoin");
    return err != DT_OK ? err : dt_store_del(a->store, "welcome", seat);
}

/* The keys of an answer serve once. */
static enum dt_err
use_up(struct dt_agent *a, struct dt_invitation *x)
{
    x->state = DT_INVITATION_JOINED;
    dt_secret_clear(&x->session_seed);
    dt_secret_clear(&x->init_priv);
    dt_secret_clear(&x->leaf_priv);
    dt_buf_clear(&x->key_package);
    return dt_invitation_save(a, x);
}

/* All is well with the Welcome, but its time: nobody counts on what is said under a voucher that
 * has run out, so this seat is not used. It is ours all the same, and given up for a new one. */
static enum dt_err
too_late(struct dt_agent *a, struct dt_channel *ch, struct dt_channel *was, struct dt_invitation *x,
         uint64_t position)
{
    enum dt_err err;

    if (was->state == DT_CHANNEL_BROKEN) {
        if ((err = dt_lapse_late(a, was, x->invitation_id, position)) != DT_OK ||
            (err = dt_channel_save(a, was, false)) != DT_OK)
            return err;
    } else if ((err = dt_lapse_late(a, ch, x->invitation_id, position)) != DT_OK ||
               (err = dt_channel_add(a, ch)) != DT_OK) {
        return err;
    }
    return use_up(a, x);
}

static enum dt_err
take_up(struct dt_agent *a, struct dt_channel *ch, struct dt_invitation *x)
{
    enum dt_err err;

    ch->here_due = true;
    ch->last_read_ms = dt_agent_now(a);
    ch->confirmed = dt_channel_all_here(a, ch);
    if ((err = dt_here_forget(a, ch->group_id)) != DT_OK ||
        (err = dt_channel_review_start(a, ch)) != DT_OK || (err = dt_channel_add(a, ch)) != DT_OK ||
        (err = dt_channel_note_epoch(a, ch)) != DT_OK || (err = dt_receipt_join(a, ch)) != DT_OK ||
        (err = dt_courier_again(a, ch)) != DT_OK || (err = dt_closing_begin(a, ch)) != DT_OK)
        return err;
    return use_up(a, x);
}

enum dt_err
dt_welcome_take(struct dt_agent *a, const struct dt_inbox_message *m, uint64_t position)
{
    DT_CLEANUP(dt_invitation_clear) struct dt_invitation x = {0};
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {.state = DT_CHANNEL_LIVE};
    DT_CLEANUP(dt_channel_clear) struct dt_channel was = {0};
    DT_CLEANUP(mls_join_info_clear) struct mls_join_info info = {0};
    struct mls_key_bundle bundle = {0};
    struct mls_join_params params = {.welcome = m->welcome, .policy = dt_mls_past()};
    struct dt_view history, queue;
    bool late = false, released = false;
    enum dt_err err;

    dt_buf_init(&ch.letters, DT_FOUNDING_MEMBERS * (DT_LETTER_MAX + 4u));
    dt_buf_init(&ch.warrants, DT_HISTORY_MAX);
    if ((err = dt_agent_need_letter(a)) != DT_OK)
        return err;
    if ((err = dt_invitation_load(a, m->invitation_id, &x)) == DT_ERR_NOT_FOUND)
        return dt_copy_welcome(a, m, position);
    if (err != DT_OK)
        return err;
    if (x.state == DT_INVITATION_JOINED)
        return another_welcome(a, m, position);
    if (memcmp(x.group_id, m->group_id, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "a Welcome that we did not ask for");
    if (x.state != DT_INVITATION_ACCEPTED)
        return dt_copy_welcome(a, m, position);
    bundle.init_priv = x.init_priv; /* borrowed */
    bundle.leaf_priv = x.leaf_priv;
    params.key_package = dt_buf_view(&x.key_package);
    params.bundle = &bundle;
    params.signature_priv = dt_secret_view(&x.session_seed);
    err = mls_group_join(&params, &ch.group, &info);
    if (err == DT_ERR_NOT_FOUND) /* for another key package: of a later answer by a copy of us */
        return dt_copy_welcome(a, m, position);
    if (err != DT_OK || (err = load_old(a, m->group_id, &was)) != DT_OK)
        return err;
    if (!mls_join_info_extension(&info, DT_EXT_HISTORY, &history) ||
        !mls_join_info_extension(&info, DT_EXT_QUEUE, &queue))
        return dt_fail(DT_ERR_REFUSED, "a Welcome without history or queue");
    memcpy(ch.group_id, m->group_id, 32);
    memcpy(ch.invitation_id, m->invitation_id, 16);
    ch.queue_number = was.queue_number;
    if (!dt_view_equal(mls_group_id(ch.group), dt_view_of(ch.group_id)))
        return dt_fail(DT_ERR_REFUSED, "a Welcome to another group than it says");
    if ((err = take_history(a, &ch, history, &x, &late)) != DT_OK ||
        (err = take_queue(a, &ch, queue, m->queue_position, x.rejoin)) != DT_OK)
        return err;
    /* Who has a released key can build a group in which it speaks. */
    if ((err = dt_released_seated(a, ch.group_id, ch.group, &released)) != DT_OK)
        return err;
    if (released)
        return dt_fail(DT_ERR_REFUSED, "a Welcome to a group with a session key that was released");
    if (late)
        return too_late(a, &ch, &was, &x, position);
    if ((err = dt_spent_note_lost(a, &was, mls_group_epoch(ch.group))) == DT_OK &&
        (err = replace_old(a, &was)) == DT_OK)
        err = note_welcome(a, m);
    return err != DT_OK ? err : take_up(a, &ch, &x);
}
