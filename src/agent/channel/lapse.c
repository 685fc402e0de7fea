/*
 * agent/channel/lapse.c - see lapse.h.
 */
#include <string.h>

#include "agent/sync/flows.h"

/* Row of table "self": one channel showed that the store is not the only one. */
#define SPREAD "not the only one"

enum dt_err
dt_channel_reads(struct dt_agent *a, const struct dt_channel *ch, bool *out)
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    enum dt_err err;

    *out = ch->state == DT_CHANNEL_LIVE;
    if (ch->state != DT_CHANNEL_BROKEN)
        return DT_OK;
    if ((err = dt_lapse_load(a, ch->group_id, &x)) == DT_OK)
        *out = x.follows;
    return err;
}

/* ---- it begins ---- */

/* May we ask by ourselves? A clock that was put back holds the brake. */
static bool
may_ask(const struct dt_agent *a, const struct dt_lapse *x)
{
    return x->rejoined_ms == 0 || dt_agent_now(a) > x->rejoined_ms + DT_REJOIN_PAUSE_MS;
}

void
dt_lapse_keep_sure(struct dt_lapse *x, const struct dt_channel *ch)
{
    if (x->has_sure)
        return;
    x->has_sure = true;
    memcpy(x->sure, ch->invitation_id, 16);
}

/* Why, what is done, and what is to be done by people. ${m} may be NULL. */
static enum dt_err
say(struct dt_agent *a, const struct dt_channel *ch, const struct dt_lapse *x, uint64_t position,
    const struct mls_member *m)
{
    switch (x->why) {
    case DT_LAPSE_RESTORED:
        return dt_channel_alarm(
            a, ch, DT_ALARM_RESTORED, position, m,
            x->wants ? "this home is a restored copy: a queue holds a message of ours that it does "
                       "not know; nothing is sent under its state; it asks to be put in anew"
                     : "another copy of this home is in use: a queue holds a message of ours that "
                       "it does not know, and it was put in anew only lately; stop one of them, "
                       "then detente rejoin");
    case DT_LAPSE_LOST:
        return dt_channel_alarm(
            a, ch, DT_ALARM_COMMIT, position, m,
            x->wants ? "a Commit cannot be followed from this home's state; nothing is sent under "
                       "it; it asks to be put in anew"
                     : "a Commit cannot be followed from this home's state, and it was put in anew "
                       "only lately; nothing is sent under it: detente rejoin");
    case DT_LAPSE_COPY:
        return dt_channel_alarm(
            a, ch, DT_ALARM_RESTORED, position, m,
            x->wants ? "another copy of this home was put in anew before this one; this one asks "
                       "again: if both go on, stop one"
                     : "another copy of this home was put in anew and holds our seat; nothing is "
                       "sent from this one; use one only, and where that is this one: detente "
                       "rejoin");
    case DT_LAPSE_PARTED:
        return dt_channel_alarm(
            a, ch, DT_ALARM_FORK, position, m,
            "the relay kept a Commit back from us that stands before the one we followed: we may "
            "have parted from the others; compare by voice, and re-join");
    case DT_LAPSE_LATE:
    case DT_LAPSE_ASKED:
    case DT_LAPSE_NONE:
        break;
    }
    return DT_OK;
}

enum dt_err
dt_lapse_begin(struct dt_agent *a, struct dt_channel *ch, enum dt_lapse_why why, bool follows,
               uint64_t position, const struct mls_member *m)
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    enum dt_err err = dt_lapse_load(a, ch->group_id, &x);

    if (err != DT_OK)
        return err;
    dt_lapse_keep_sure(&x, ch);
    ch->state = DT_CHANNEL_BROKEN;
    ch->confirmed = false;
    x.why = why;
    x.follows = follows;
    x.wants = (why == DT_LAPSE_RESTORED || why == DT_LAPSE_LOST) && may_ask(a, &x);
    x.whole = x.gap = x.chased = false;
    x.asks = 0;
    x.asked_ms = 0;
    if ((err = say(a, ch, &x, position, m)) != DT_OK ||
        (err = dt_lapse_save(a, ch->group_id, &x)) != DT_OK ||
        (why != DT_LAPSE_RESTORED && why != DT_LAPSE_COPY))
        return err;
    return dt_store_put_blob(a->store, "self", dt_view_str(SPREAD),
                             dt_view(&(uint8_t){(uint8_t)why}, 1));
}

enum dt_err
dt_lapse_no_state(struct dt_agent *a, const struct dt_channel *ch, uint64_t position)
{
    struct dt_lapse x = {.why = DT_LAPSE_RESTORED, .wants = true};
    enum dt_err err;

    err = dt_alarm_add(
        a, DT_ALARM_WELCOME, ch->group_id, position, NULL,
        "a Welcome came for a channel that this home was not in yet: a later copy of it seems to "
        "have joined, and this one is older; it asks to be put in anew");
    return err != DT_OK ? err : dt_lapse_save(a, ch->group_id, &x);
}

bool
dt_lapse_hints_due(const struct dt_agent *a, const struct dt_lapse *x)
{
    bool any = false;

    for (size_t i = 0; i < x->n_hints; i++)
        any = any || !x->hints[i].asked;
    /* The last bound is against someone who writes one Welcome after the other into our inbox. */
    return any && x->asked_ms != 0 && !x->whole && x->followed < DT_LAPSE_HINTS && may_ask(a, x);
}

/* The oldest goes when there is no room: any of them may be made up. */
static void
add_hint(struct dt_lapse *x, const uint8_t seat[static 16])
{
    for (size_t i = 0; i < x->n_hints; i++)
        if (memcmp(x->hints[i].seat, seat, 16) == 0)
            return;
    if (x->n_hints == DT_LAPSE_HINTS) {
        memmove(&x->hints[0], &x->hints[1], (DT_LAPSE_HINTS - 1) * sizeof x->hints[0]);
        x->n_hints--;
    }
    memcpy(x->hints[x->n_hints].seat, seat, 16);
    x->hints[x->n_hints++].asked = false;
}

enum dt_err
dt_lapse_seat_seen(struct dt_agent *a, const struct dt_channel *ch, const uint8_t seat[static 16],
                   uint64_t position)
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    bool asks;
    enum dt_err err = dt_lapse_load(a, ch->group_id, &x);

    if (err != DT_OK)
        return err;
    add_hint(&x, seat);
    asks = x.wants || (ch->state == DT_CHANNEL_BROKEN && dt_lapse_hints_due(a, &x));
    err = dt_alarm_add(a, DT_ALARM_WELCOME, ch->group_id, position, NULL,
                       "a Welcome came for a seat of ours that this home did not ask for: another "
                       "copy of it may be in use%s",
                       asks ? "; this one asks to be put in anew" : "");
    return err != DT_OK ? err : dt_lapse_save(a, ch->group_id, &x);
}

enum dt_err
dt_lapse_stop_reading(struct dt_agent *a, const struct dt_channel *ch)
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    enum dt_err err = dt_lapse_load(a, ch->group_id, &x);

    x.follows = false;
    return err != DT_OK ? err : dt_lapse_save(a, ch->group_id, &x);
}

/* ---- it ends ---- */

enum dt_err
dt_lapse_confirmed(struct dt_agent *a, const struct dt_channel *ch)
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    enum dt_err err = dt_lapse_load(a, ch->group_id, &x);

    if (err != DT_OK || !x.has_sure ||
        (err = dt_store_next_seq(a->store, "invitation", dt_view(NULL, 0), &x.settled)) != DT_OK)
        return err;
    x.has_sure = false;
    return dt_lapse_save(a, ch->group_id, &x);
}

enum dt_err
dt_lapse_answered(struct dt_agent *a, struct dt_channel *ch, const uint8_t seat[static 16])
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    enum dt_err err = dt_lapse_load(a, ch->group_id, &x);

    dt_lapse_keep_sure(&x, ch);
    ch->state = DT_CHANNEL_BROKEN;
    ch->confirmed = false;
    memcpy(ch->invitation_id, seat, 16);
    if (x.asked_ms == 0) { /* back already, by an earlier request; this was a later one's */
        x.why = DT_LAPSE_ASKED;
        x.asked_ms = dt_agent_now(a);
        x.gap = false;
    }
    x.follows = false;
    x.whole = true;
    return err != DT_OK ? err : dt_lapse_save(a, ch->group_id, &x);
}

enum dt_err
dt_lapse_late(struct dt_agent *a, struct dt_channel *ch, const uint8_t seat[static 16],
              uint64_t position)
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    enum dt_err err = dt_lapse_load(a, ch->group_id, &x);

    if (err != DT_OK)
        return err;
    if (ch->state == DT_CHANNEL_BROKEN) {
        dt_lapse_keep_sure(&x, ch);
        x.gap = true;
    } else {
        ch->state = DT_CHANNEL_BROKEN;
        x.why = DT_LAPSE_LATE;
        x.follows = x.whole = x.gap = x.chased = false;
        x.asked_ms = 0;
    }
    memcpy(ch->invitation_id, seat, 16);
    /* Somebody answers, so it is worth asking again; who only reads once a week asks each time. But
     * each Welcome of one who means ill must not be a request of ours: once a day. */
    x.asks = 0;
    x.wants = x.wants || x.asked_ms == 0 || dt_agent_now(a) > x.asked_ms + DT_MS_DAY;
    err =
        dt_alarm_add(a, DT_ALARM_WELCOME, ch->group_id, position, NULL,
                     "a Welcome came after our voucher had run out or our letter was renewed; "
                     "this home asks to be put in anew%s",
                     x.wants ? "" : ", some days after the last time; or at once: detente rejoin");
    return err != DT_OK ? err : dt_lapse_save(a, ch->group_id, &x);
}

/* Did this lapse ask for the seat, of which only a hint was there? */
static bool
asked_for(const struct dt_lapse *x, const uint8_t seat[static 16])
{
    for (size_t i = 0; i < x->n_hints; i++)
        if (x->hints[i].asked && memcmp(x->hints[i].seat, seat, 16) == 0)
            return true;
    return false;
}

enum dt_err
dt_lapse_overtaken(struct dt_agent *a, struct dt_channel *ch, const uint8_t seat[static 16],
                   uint64_t position)
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    enum dt_err err;

    if (ch->state == DT_CHANNEL_LIVE) {
        err = dt_lapse_begin(a, ch, DT_LAPSE_COPY, false, position, NULL);
        memcpy(ch->invitation_id, seat, 16);
        return err;
    }
    if ((err = dt_lapse_load(a, ch->group_id, &x)) != DT_OK)
        return err;
    dt_lapse_keep_sure(&x, ch);
    memcpy(ch->invitation_id, seat, 16);
    x.why = DT_LAPSE_COPY;
    x.follows = false;
    x.wants = x.wants || (!x.chased && may_ask(a, &x) && !asked_for(&x, seat));
    x.chased = true;
    if ((err = say(a, ch, &x, position, NULL)) != DT_OK)
        return err;
    return dt_lapse_save(a, ch->group_id, &x);
}

enum dt_err
dt_lapse_end(struct dt_agent *a, const struct dt_channel *ch)
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    enum dt_err err = dt_lapse_load(a, ch->group_id, &x);

    x.why = DT_LAPSE_NONE;
    x.wants = x.follows = x.has_sure = false;
    x.asked_ms = 0;
    return err != DT_OK ? err : dt_lapse_save(a, ch->group_id, &x);
}

/* ---- the rest of the store ---- */

static enum dt_err
spread(struct dt_agent *a)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf why = DT_BUF_INIT(1);
    uint64_t at = 0;
    uint8_t group_id[32];
    enum dt_err err = dt_store_get_blob(a->store, "self", dt_view_str(SPREAD), &why);

    if (err != DT_OK || why.n != 1)
        return err != DT_OK ? err : dt_fail(DT_ERR_FORMAT, "a row of the store is damaged");
    while ((err = dt_channel_next(a, &at, group_id)) == DT_OK) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};

        if ((err = dt_channel_load_row(a, group_id, &ch)) != DT_OK)
            return err;
        if (ch.state != DT_CHANNEL_LIVE)
            continue;
        if ((err = dt_lapse_begin(a, &ch, (enum dt_lapse_why)why.p[0], true, ch.position, NULL)) !=
                DT_OK ||
            (err = dt_channel_save(a, &ch, false)) != DT_OK)
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? dt_store_del(a->store, "self", dt_view_str(SPREAD)) : err;
}

enum dt_err
dt_lapse_spread(struct dt_agent *a)
{
    bool due = false;
    enum dt_err err = dt_store_has(a->store, "self", dt_view_str(SPREAD), &due);

    if (err != DT_OK || !due || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_store_has(a->store, "self", dt_view_str(SPREAD), &due)) == DT_OK && due)
        err = spread(a);
    return dt_store_end(a->store, err);
}
