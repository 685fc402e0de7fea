/*
 * agent/lapse.c - see lapse.h.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/flows.h"

#define LAPSE_MAX     512u
#define LAPSE_VERSION 2

/* Row of table "self": one channel showed that the store is not the only one. */
#define SPREAD "not the only one"

void
dt_lapse_clear(struct dt_lapse *x)
{
    if (x != NULL)
        dt_secret_clear(&x->missed_token);
}

static enum dt_err
read_hints(struct dt_reader *r, struct dt_lapse *x)
{
    enum dt_err err = dt_read_u8(r, &x->n_hints);

    if (err == DT_OK && x->n_hints > DT_LAPSE_HINTS)
        return dt_fail(DT_ERR_FORMAT, "a row of the store is damaged");
    for (size_t i = 0; err == DT_OK && i < x->n_hints; i++)
        if ((err = dt_read_fixed(r, x->hints[i].seat, 16)) == DT_OK)
            err = dt_read_optional(r, &x->hints[i].asked);
    return err == DT_OK ? dt_read_u8(r, &x->followed) : err;
}

static enum dt_err
decode(struct dt_view v, struct dt_lapse *x)
{
    struct dt_reader r = dt_reader_init(v);
    struct dt_view token;
    uint8_t version = 0, why = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK)
        return err;
    if (version != LAPSE_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "version %u is not known here", version);
    if ((err = dt_read_u8(&r, &why)) != DT_OK || (err = dt_read_optional(&r, &x->wants)) != DT_OK ||
        (err = dt_read_optional(&r, &x->follows)) != DT_OK ||
        (err = dt_read_optional(&r, &x->whole)) != DT_OK ||
        (err = dt_read_optional(&r, &x->gap)) != DT_OK ||
        (err = dt_read_optional(&r, &x->chased)) != DT_OK ||
        (err = dt_read_u8(&r, &x->asks)) != DT_OK ||
        (err = dt_read_u64(&r, &x->asked_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &x->rejoined_ms)) != DT_OK || (err = read_hints(&r, x)) != DT_OK ||
        (err = dt_read_optional(&r, &x->missed)) != DT_OK ||
        (err = dt_read_fixed(&r, x->missed_address, sizeof x->missed_address)) != DT_OK ||
        (err = dt_read_vec(&r, 32, &token)) != DT_OK ||
        (err = dt_read_u64(&r, &x->missed_after)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    x->why = (enum dt_lapse_why)why;
    return dt_secret_set(&x->missed_token, token);
}

enum dt_err
dt_lapse_load(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_lapse *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(LAPSE_MAX);
    enum dt_err err = dt_store_get_blob(a->store, "lapse", dt_view(group_id, 32), &value);

    dt_lapse_clear(out);
    *out = (struct dt_lapse){0};
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    return err != DT_OK ? err : dt_fail_context(decode(dt_buf_view(&value), out), "lapse row");
}

enum dt_err
dt_lapse_save(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_lapse *x)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(LAPSE_MAX);
    struct dt_writer w = dt_writer_init(&value);
    enum dt_err err;

    dt_write_u8(&w, LAPSE_VERSION);
    dt_write_u8(&w, (uint8_t)x->why);
    dt_write_optional(&w, x->wants);
    dt_write_optional(&w, x->follows);
    dt_write_optional(&w, x->whole);
    dt_write_optional(&w, x->gap);
    dt_write_optional(&w, x->chased);
    dt_write_u8(&w, x->asks);
    dt_write_u64(&w, x->asked_ms);
    dt_write_u64(&w, x->rejoined_ms);
    dt_write_u8(&w, x->n_hints);
    for (size_t i = 0; i < x->n_hints; i++) {
        dt_write_view(&w, dt_view_of(x->hints[i].seat));
        dt_write_optional(&w, x->hints[i].asked);
    }
    dt_write_u8(&w, x->followed);
    dt_write_optional(&w, x->missed);
    dt_write_view(&w, dt_view_of(x->missed_address));
    dt_write_vec(&w, dt_secret_view(&x->missed_token));
    dt_write_u64(&w, x->missed_after);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "lapse", dt_view(group_id, 32), dt_buf_view(&value));
}

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
dt_lapse_answered(struct dt_agent *a, struct dt_channel *ch, const uint8_t seat[static 16])
{
    DT_CLEANUP(dt_lapse_clear) struct dt_lapse x = {0};
    enum dt_err err = dt_lapse_load(a, ch->group_id, &x);

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

    memcpy(ch->invitation_id, seat, 16);
    if (err != DT_OK)
        return err;
    if (ch->state == DT_CHANNEL_BROKEN) {
        x.gap = true;
    } else {
        ch->state = DT_CHANNEL_BROKEN;
        x.why = DT_LAPSE_LATE;
        x.follows = x.whole = x.gap = x.chased = false;
        x.asked_ms = 0;
    }
    /* Somebody answers, so it is worth asking again; who only reads once a week asks each time. */
    x.asks = 0;
    x.wants = true;
    err = dt_alarm_add(a, DT_ALARM_WELCOME, ch->group_id, position, NULL,
                       "a Welcome came after our voucher had run out or our letter was renewed; "
                       "this home asks to be put in anew");
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

    memcpy(ch->invitation_id, seat, 16);
    if (ch->state == DT_CHANNEL_LIVE)
        return dt_lapse_begin(a, ch, DT_LAPSE_COPY, false, position, NULL);
    if ((err = dt_lapse_load(a, ch->group_id, &x)) != DT_OK)
        return err;
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
    x.wants = x.follows = false;
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
