/*
 * agent/talk/line_ask.c - an agent answers a line test by itself, a person confirms it within the
 * hour: whose word is waited for, and who is missed.
 *
 * Source: docs/protocol-channel.md, "Line tests", "A person's word". One word a party is enough:
 * there may be several desks of one, and it is the station that is asked.
 *
 * Rows: "line_ask" (group id, place of the party): uint64 slot, since, told.
 */
#include <string.h>

#include "base/text.h"
#include "base/wire.h"

#include "agent/talk/line_internal.h"

#define TABLE   "line_ask"
#define ROW_MAX 64u

static enum dt_err
ask_read(struct dt_view v, struct dt_line_ask *out)
{
    struct dt_reader r = dt_reader_init(v);
    enum dt_err err;

    if ((err = dt_read_u64(&r, &out->slot)) == DT_OK &&
        (err = dt_read_u64(&r, &out->ms)) == DT_OK &&
        (err = dt_read_u64(&r, &out->told_ms)) == DT_OK)
        err = dt_read_end(&r);
    return dt_fail_context(err, "row of what waits for a person's word");
}

enum dt_err
dt_line_ask_get(struct dt_agent *a, const uint8_t group_id[static 32], size_t party,
                struct dt_line_ask *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    enum dt_err err;

    *out = (struct dt_line_ask){0};
    err = dt_line_party_get(a, TABLE, group_id, (uint8_t)party, &b);
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    return ask_read(dt_buf_view(&b), out);
}

static enum dt_err
ask_put(struct dt_agent *a, const uint8_t group_id[static 32], size_t party,
        const struct dt_line_ask *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_u64(&w, x->slot);
    dt_write_u64(&w, x->ms);
    dt_write_u64(&w, x->told_ms);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_line_party_put(a, TABLE, group_id, (uint8_t)party, dt_buf_view(&b));
}

uint64_t
dt_line_ask_until(const struct dt_line_watch *w, uint64_t ms)
{
    if (w->outage_until_ms > ms && w->outage_from_ms < ms + DT_LINE_CONFIRM_MS)
        ms = w->outage_until_ms;
    return ms > UINT64_MAX - DT_LINE_CONFIRM_MS ? UINT64_MAX : ms + DT_LINE_CONFIRM_MS;
}

/* ---- who is there ---- */

struct party {
    size_t seats;
    uint64_t until_ms; /* of the member that has the least time */
};

/* The other parties that have a member in ${ch}; and until when each has time, if something waits
 * since since_ms[i]. */
static enum dt_err
parties_of(struct dt_agent *a, const struct dt_channel *ch, const uint64_t since_ms[static 32],
           struct party out[static 32])
{
    struct dt_rules rules = dt_channel_rules(a, ch);
    uint32_t leaves = mls_group_n_leaves(ch->group);
    enum dt_err err;

    memset(out, 0, 32 * sizeof out[0]);
    for (uint32_t leaf = 0; leaf < leaves; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
        struct dt_line_row x;
        struct dt_line_key k;
        uint64_t until;

        if (leaf == mls_group_own_leaf(ch->group))
            continue;
        err = dt_seat_of(&rules, ch->group, leaf, &s);
        if (err == DT_ERR_NOT_FOUND || (err == DT_OK && (s.party == a->party || s.party >= 32)))
            continue;
        if (err != DT_OK)
            return err;
        k = dt_line_key(ch->group_id, s.voucher.invitation_id);
        if ((err = dt_line_row_load(a, &k, &x)) != DT_OK)
            return err;
        until = dt_line_ask_until(&x.w, since_ms[s.party]);
        if (out[s.party].seats++ == 0 || until < out[s.party].until_ms)
            out[s.party].until_ms = until;
    }
    return DT_OK;
}

enum dt_err
dt_line_ask_open(struct dt_agent *a, const struct dt_channel *ch, uint64_t slot)
{
    static const uint64_t none[32];
    struct party there[32];
    enum dt_err err = parties_of(a, ch, none, there);

    for (size_t p = 0; p < 32 && err == DT_OK; p++) {
        struct dt_line_ask x;

        if (there[p].seats == 0)
            continue;
        if ((err = dt_line_ask_get(a, ch->group_id, p, &x)) != DT_OK)
            return err;
        if (x.slot != 0) /* an earlier one waits: its hour is the one that counts */
            continue;
        x = (struct dt_line_ask){.slot = slot, .ms = dt_agent_now(a)};
        err = ask_put(a, ch->group_id, p, &x);
    }
    return err;
}

enum dt_err
dt_line_ask_answered(struct dt_agent *a, const uint8_t group_id[static 32], size_t party,
                     uint64_t slot, const struct dt_line_own_row *own)
{
    char name[DT_AGENT_NAME_MAX + 1], span[DT_TIME_STR];
    struct dt_line_ask x, next = {0};
    uint64_t now = dt_agent_now(a);
    enum dt_err err = dt_line_ask_get(a, group_id, party, &x);

    if (err != DT_OK || x.slot == 0 || slot < x.slot)
        return err;
    /* One of ours that stands in the queue, and that the word does not speak of yet. */
    if (own->sent > slot && own->place.position != 0)
        next = (struct dt_line_ask){.slot = own->sent, .ms = own->sent_ms};
    if ((err = ask_put(a, group_id, party, &next)) != DT_OK || x.told_ms == 0)
        return err;
    dt_party_name(a, party, name);
    dt_span_str(span, now > x.ms ? now - x.ms : 0);
    return dt_alarm_add(a, DT_ALARM_LINE, group_id, own->place.position, NULL,
                        "a person of %.100s has confirmed our line test after %s", name, span);
}

/* ---- who is missed ---- */

static enum dt_err
tell(struct dt_agent *a, const struct dt_channel *ch, size_t party, struct dt_line_ask *x)
{
    char name[DT_AGENT_NAME_MAX + 1], when[DT_TIME_STR];
    struct dt_line_own_row own;
    enum dt_err err = dt_line_own_load(a, ch->group_id, &own);

    if (err != DT_OK)
        return err;
    x->told_ms = dt_agent_now(a);
    if ((err = ask_put(a, ch->group_id, party, x)) != DT_OK)
        return err;
    dt_party_name(a, party, name);
    dt_time_str(when, x->ms - x->ms % DT_MS_SECOND);
    return dt_alarm_add(a, DT_ALARM_LINE, ch->group_id, own.place.position, NULL,
                        "no person of %.100s has confirmed our line test of %s within the hour: "
                        "their agent may be there and nobody at the desk: ask by another way",
                        name, when);
}

static enum dt_err
overdue(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_line_ask x[32];
    uint64_t since[32];
    struct party there[32];
    enum dt_err err = dt_channel_load(a, group_id, &ch);

    if (err != DT_OK || ch.state != DT_CHANNEL_LIVE)
        return err;
    for (size_t p = 0; p < 32; p++) {
        if ((err = dt_line_ask_get(a, group_id, p, &x[p])) != DT_OK)
            return err;
        since[p] = x[p].ms;
    }
    if ((err = parties_of(a, &ch, since, there)) != DT_OK)
        return err;
    for (size_t p = 0; p < 32 && err == DT_OK; p++) {
        if (x[p].slot == 0 || x[p].told_ms != 0)
            continue;
        if (there[p].seats == 0) { /* it left: nobody is waited for */
            x[p] = (struct dt_line_ask){0};
            err = ask_put(a, group_id, p, &x[p]);
        } else if (dt_agent_now(a) > there[p].until_ms) {
            err = tell(a, &ch, p, &x[p]);
        }
    }
    return err;
}

enum dt_err
dt_line_ask_overdue(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint64_t now = dt_agent_now(a), at = 0;
    bool any = false;
    enum dt_err err;

    /* A look at a few rows, before the channel is loaded. */
    while ((err = dt_store_next(a->store, TABLE, dt_view(group_id, 32), at, &row)) == DT_OK) {
        struct dt_line_ask x;

        if ((err = ask_read(dt_buf_view(&row.value), &x)) != DT_OK)
            return err;
        any = any || (x.slot != 0 && x.told_ms == 0 &&
                      now > dt_line_ask_until(&(struct dt_line_watch){0}, x.ms));
        at = row.seq + 1;
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    if (!any)
        return DT_OK;
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, overdue(a, group_id));
}
