/*
 * agent/channel/rejoin.c - asking to be put in anew, and what is still to be told after coming
 * back.
 *
 * Source: DESIGN "Warrants", "Agent store"; docs/protocol-agent.md "Removal, leaving, re-join",
 * "Copies".
 */
#include <string.h>

#include "base/wire.h"

#include "agent/sync/flows.h"

/* ---- asking ---- */

/* Send the request and its key package to one delegate, unless it is ourselves. */
static enum dt_err
ask_one(struct dt_agent *a, const struct dt_channel *ch, const struct dt_letter *to,
        const struct dt_invitation *x, struct dt_view request)
{
    struct dt_inbox_message m = {.kind = DT_INBOX_REJOIN, .rejoin = request};
    struct dt_inbox_message kp = {.kind = DT_INBOX_KEY_PACKAGE,
                                  .sender_letter = dt_buf_view(&a->letter_bytes),
                                  .key_package = dt_buf_view(&x->key_package)};
    enum dt_err err;

    if (memcmp(to->key, a->delegate_pub, sizeof to->key) == 0)
        return DT_OK;
    memcpy(m.group_id, ch->group_id, 32);
    memcpy(kp.group_id, ch->group_id, 32);
    memcpy(kp.invitation_id, x->invitation_id, 16);
    err = dt_outbox_to_inbox(a, to, &m);
    return err != DT_OK ? err : dt_outbox_to_inbox(a, to, &kp);
}

/* A restored home has no group, but knows who had a seat when its backup was made. *${out_any}:
 * there was somebody to ask. */
static enum dt_err
ask_known(struct dt_agent *a, const struct dt_channel *ch, const struct dt_invitation *x,
          struct dt_view request, bool *out_any)
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};

        err = dt_store_next(a->store, "rejoin_ask", dt_view_of(ch->group_id), at, &row);
        if (err != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = row.seq + 1;
        if (row.key.n != 64)
            return dt_fail(DT_ERR_FORMAT, "a row of the store is damaged");
        if ((err = dt_letter_load(a, row.key.p + 32, &l, NULL, NULL)) == DT_OK) {
            *out_any = *out_any || memcmp(l.key, a->delegate_pub, sizeof l.key) != 0;
            err = ask_one(a, ch, &l, x, request);
        }
        if (err != DT_OK && dt_err_is_local(err))
            return err;
    }
}

/* Every other member as far as we know, and whoever is first commits; without a group, those who
 * had a seat, or the first delegates. */
static enum dt_err
ask_members(struct dt_agent *a, const struct dt_channel *ch, const struct dt_invitation *x,
            struct dt_view request)
{
    struct dt_view letters[DT_FOUNDING_MEMBERS];
    struct dt_rules rules = dt_channel_rules(a, ch);
    uint32_t n_leaves = ch->group != NULL ? mls_group_n_leaves(ch->group) : 0;
    size_t n = 0;
    bool any = false;
    enum dt_err err;

    for (uint32_t leaf = 0; leaf < n_leaves; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};

        err = dt_seat_of(&rules, ch->group, leaf, &s);
        if (err == DT_OK)
            err = ask_one(a, ch, &s.letter, x, request);
        /* A letter that names no inbox is its holder's affair, and keeps nobody else from being
         * asked. */
        if (err != DT_OK && dt_err_is_local(err))
            return err;
    }
    if (n_leaves > 0)
        return DT_OK;
    if ((err = ask_known(a, ch, x, request, &any)) != DT_OK || any)
        return err;
    if ((err = dt_letters_split(dt_buf_view(&ch->letters), letters, &n)) != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};

        if ((err = dt_letter_decode(letters[i], &l)) == DT_OK)
            err = ask_one(a, ch, &l, x, request);
        if (err != DT_OK && dt_err_is_local(err))
            return err;
    }
    return DT_OK;
}

/* The session key that we last knew the seat to have; zeros when we hold no group. */
static void
last_session_key(const struct dt_channel *ch, uint8_t out[static 32])
{
    struct mls_member own;

    memset(out, 0, 32);
    if (ch->group != NULL && mls_group_member(ch->group, mls_group_own_leaf(ch->group), &own) &&
        own.signature_key.n == 32)
        memcpy(out, own.signature_key.p, 32);
}

/* Give up ${seat} for a new one: request and key package in the outbox, keys in an invitation. */
static enum dt_err
ask_for(struct dt_agent *a, const struct dt_channel *ch, const uint8_t seat[static 16])
{
    DT_CLEANUP(dt_invitation_clear)
    struct dt_invitation x = {.state = DT_INVITATION_ACCEPTED, .rejoin = true};
    DT_CLEANUP(dt_session_clear) struct dt_session s = {0};
    DT_CLEANUP(mls_key_bundle_clear) struct mls_key_bundle bundle = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(1024);
    struct mls_leaf_params leaf;
    struct dt_rejoin q;
    enum dt_err err;

    x.founding.max = DT_FOUNDING_MAX;
    x.letters.max = DT_FOUNDING_MEMBERS * (DT_LETTER_MAX + 4u);
    x.key_package.max = DT_KEY_PACKAGE_MAX;
    memcpy(q.forum, a->forum, 32);
    memcpy(q.group_id, ch->group_id, 32);
    last_session_key(ch, q.old_session_key);
    memcpy(q.old_invitation_id, seat, 16);
    memcpy(q.letter_hash, a->letter.hash, 32);
    if ((err = dt_random(q.invitation_id, sizeof q.invitation_id)) != DT_OK ||
        (err = dt_rejoin_sign(&q, dt_secret_view(&a->delegate_seed))) != DT_OK ||
        (err = dt_rejoin_encode(&q, &body)) != DT_OK ||
        (err = dt_session_new(a, ch->group_id, q.invitation_id, &s)) != DT_OK)
        return err;
    leaf = dt_session_leaf(&s);
    if ((err = mls_key_package_new(&leaf, s.voucher.not_before_ms / 1000,
                                   s.voucher.not_after_ms / 1000, (struct mls_typed_list){0},
                                   &x.key_package, &bundle)) != DT_OK ||
        (err = dt_founding_encode(&ch->founding, &x.founding)) != DT_OK ||
        (err = dt_buf_set(&x.letters, dt_buf_view(&ch->letters))) != DT_OK)
        return err;
    memcpy(x.invitation_id, q.invitation_id, 16);
    memcpy(x.group_id, ch->group_id, 32);
    memcpy(x.from_hash, a->letter.hash, 32);
    dt_secret_move(&x.session_seed, &s.seed);
    dt_secret_move(&x.init_priv, &bundle.init_priv);
    dt_secret_move(&x.leaf_priv, &bundle.leaf_priv);
    if ((err = ask_members(a, ch, &x, dt_buf_view(&body))) != DT_OK)
        return err;
    return dt_invitation_save(a, &x);
}

/* Seats to ask for: each once, and few. */
#define SEATS_MAX (2u + DT_INVITATION_SEATS + DT_LAPSE_HINTS)
struct seats {
    size_t n;
    uint8_t id[SEATS_MAX][16];
};

static void
add_seat(struct seats *s, const uint8_t id[static 16])
{
    for (size_t i = 0; i < s->n; i++)
        if (memcmp(s->id[i], id, 16) == 0)
            return;
    if (s->n < SEATS_MAX)
        memcpy(s->id[s->n++], id, 16);
}

/* Hints that were not asked for since the last request. */
static void
add_hints(struct seats *s, struct dt_lapse *x, bool all)
{
    for (size_t i = 0; i < x->n_hints; i++) {
        if (x->hints[i].asked && !all)
            continue;
        x->hints[i].asked = true;
        add_seat(s, x->hints[i].seat);
    }
}

static enum dt_err
ask_for_all(struct dt_agent *a, const struct dt_channel *ch, const struct seats *s)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < s->n; i++)
        err = ask_for(a, ch, s->id[i]);
    return err;
}

/* For the seat that our state knows, and the one in which all parties confirmed us last; for those
 * that earlier requests of ours may have been given while we could not read; and for those that a
 * copy of us seems to have been welcomed to. Only one of them is there: members refuse the other
 * requests. */
static enum dt_err
ask(struct dt_agent *a, const struct dt_channel *ch, struct dt_lapse *x)
{
    uint8_t earlier[DT_INVITATION_SEATS][16];
    struct seats s = {0};
    size_t n = 0;
    enum dt_err err = dt_invitation_seats(a, ch->group_id, x->settled, earlier, &n);

    add_seat(&s, ch->invitation_id);
    if (x->has_sure)
        add_seat(&s, x->sure);
    for (size_t i = 0; err == DT_OK && i < n; i++)
        add_seat(&s, earlier[i]);
    add_hints(&s, x, true);
    if (err == DT_OK)
        err = ask_for_all(a, ch, &s);
    x->gap = x->gap || x->whole;
    x->wants = false;
    x->followed = 0;
    x->asked_ms = dt_agent_now(a);
    x->asks = x->asks < UINT8_MAX ? (uint8_t)(x->asks + 1) : x->asks;
    return err != DT_OK ? err : dt_lapse_save(a, ch->group_id, x);
}

/* A request is out: for hints that came after it. */
static enum dt_err
ask_for_hints(struct dt_agent *a, const struct dt_channel *ch, struct dt_lapse *x)
{
    struct seats s = {0};
    enum dt_err err;

    add_hints(&s, x, false);
    x->followed = (uint8_t)(x->followed + s.n);
    err = ask_for_all(a, ch, &s);
    return err != DT_OK ? err : dt_lapse_save(a, ch->group_id, x);
}

static enum dt_err
rejoin(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    enum dt_err err;

    if ((err = dt_channel_load(a, group_id, &ch)) != DT_OK ||
        (err = dt_lapse_load(a, group_id, &x)) != DT_OK)
        return err;
    if (ch.state != DT_CHANNEL_LIVE && ch.state != DT_CHANNEL_BROKEN)
        return dt_fail(DT_ERR_STATE, "we are not a member of that channel");
    if (ch.state == DT_CHANNEL_LIVE) {
        x.why = DT_LAPSE_ASKED;
        x.follows = true;
        x.whole = x.gap = false;
    }
    dt_lapse_keep_sure(&x, &ch);
    x.chased = false;
    x.asks = 0;
    /* From here on nothing is sent under the old state. */
    ch.state = DT_CHANNEL_BROKEN;
    ch.confirmed = false;
    if ((err = ask(a, &ch, &x)) != DT_OK)
        return err;
    return dt_channel_save(a, &ch, false);
}

enum dt_err
dt_agent_rejoin(struct dt_agent *a, const uint8_t group_id[static 32])
{
    enum dt_err err;

    if ((err = dt_agent_need_letter(a)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, rejoin(a, group_id));
}

/* Is a request due: the first, or another since the key package of the last has run out? A seat
 * that we were given without a Welcome is no use to us, so that is asked for as well. */
static bool
is_due(const struct dt_agent *a, const struct dt_lapse *x)
{
    uint64_t now = dt_agent_now(a);

    if (x->wants)
        return true;
    return x->asked_ms != 0 && x->asks < DT_REJOIN_ASKS &&
           now > x->asked_ms + DT_VOUCHER_LIFE_MAX_MS;
}

/* Have we a letter that is valid now? Without one nobody would let us in: asked when there is. */
static enum dt_err
has_letter(struct dt_agent *a, bool *out)
{
    enum dt_err err = dt_agent_need_letter(a);

    *out = err == DT_OK;
    return err == DT_ERR_STATE || err == DT_ERR_EXPIRED ? DT_OK : err;
}

static enum dt_err
ask_if_due(struct dt_agent *a, const struct dt_channel *ch, struct dt_lapse *x, bool *out)
{
    bool all = is_due(a, x);
    enum dt_err err = DT_OK;

    *out = all || dt_lapse_hints_due(a, x);
    if (!*out || (err = has_letter(a, out)) != DT_OK || !*out)
        return err;
    if (!all)
        return ask_for_hints(a, ch, x);
    if (x->whole && !x->wants)
        err = dt_alarm_add(a, DT_ALARM_WELCOME, ch->group_id, 0, NULL,
                           "we were given a seat anew, and the Welcome to it never came: the relay "
                           "or the member who gave it keeps it back; this home asks once more");
    return err != DT_OK ? err : ask(a, ch, x);
}

enum dt_err
dt_rejoin_step(struct dt_agent *a, const uint8_t group_id[static 32], size_t *out_made)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    bool due = false;
    enum dt_err err = dt_channel_load_row(a, group_id, &ch);

    if (err != DT_OK || ch.state != DT_CHANNEL_BROKEN || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load(a, group_id, &ch)) == DT_OK && ch.state == DT_CHANNEL_BROKEN &&
        (err = dt_lapse_load(a, group_id, &x)) == DT_OK)
        err = ask_if_due(a, &ch, &x, &due);
    if ((err = dt_store_end(a->store, err)) == DT_OK)
        *out_made += due;
    return err;
}

/* ---- coming back ---- */

enum dt_err
dt_rejoin_back(struct dt_agent *a, const struct dt_channel *was)
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    enum dt_err err = dt_lapse_load(a, was->group_id, &x);

    if (err != DT_OK)
        return err;
    if (was->group != NULL && !x.whole && was->queue.bytes.n > 0) {
        x.missed = true;
        memcpy(x.missed_address, was->queue.address, 32);
        if ((err = dt_secret_set(&x.missed_token, dt_queue_read_token(&was->queue))) != DT_OK)
            return err;
        x.missed_after = was->position;
    }
    if ((was->group == NULL || x.gap) &&
        (err = dt_alarm_add(a, DT_ALARM_MISSED, was->group_id, 0, NULL,
                            "what was said in the channel before this home was put in anew cannot "
                            "be read by it: ask the others for what matters in it")) != DT_OK)
        return err;
    x.why = DT_LAPSE_NONE;
    x.wants = x.follows = x.whole = x.gap = x.chased = false;
    x.n_hints = x.followed = x.asks = 0;
    x.asked_ms = 0;
    x.rejoined_ms = dt_agent_now(a);
    if ((err = dt_store_del_parent(a->store, "rejoin_ask", dt_view_of(was->group_id))) != DT_OK)
        return err;
    return dt_lapse_save(a, was->group_id, &x);
}

/* How many cells the old queue has behind what was read. */
static enum dt_err
count_missed(struct dt_agent *a, const struct dt_lapse *x, uint64_t *out_last)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
    struct dt_wire_items items;
    enum dt_err err;

    if ((err = dt_relay_read(a->queue_http, a->grant.relay, x->missed_address,
                             dt_secret_view(&x->missed_token), x->missed_after, 1, &answer)) !=
        DT_OK)
        return err;
    return dt_wire_items_begin(dt_buf_view(&answer), out_last, &items);
}

static enum dt_err
tell_missed(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_lapse *seen,
            bool known, uint64_t last)
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    uint64_t after = seen->missed_after;
    enum dt_err err = dt_lapse_load(a, group_id, &x);

    if (err != DT_OK || !x.missed || x.missed_after != after)
        return err; /* another process told it */
    x.missed = false;
    dt_secret_clear(&x.missed_token);
    if ((err = dt_lapse_save(a, group_id, &x)) != DT_OK || (known && last <= after))
        return err;
    if (!known)
        return dt_alarm_add(a, DT_ALARM_MISSED, group_id, after, NULL,
                            "what was sent behind position %llu while this home was out of the "
                            "channel cannot be read by it: ask the others for what matters in it",
                            (unsigned long long)after);
    return dt_alarm_add(a, DT_ALARM_MISSED, group_id, after, NULL,
                        "%llu messages, positions %llu to %llu of the queue before, and any in "
                        "queues between, cannot be read by this home: ask the others for what "
                        "matters in them",
                        (unsigned long long)(last - after), (unsigned long long)after + 1,
                        (unsigned long long)last);
}

enum dt_err
dt_rejoin_missed(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    uint64_t last = 0;
    bool known;
    enum dt_err err = dt_lapse_load(a, group_id, &x);

    if (err != DT_OK || !x.missed)
        return err;
    err = count_missed(a, &x, &last);
    if (dt_err_is_local(err))
        return err;
    known = err == DT_OK;
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, tell_missed(a, group_id, &x, known, last));
}
