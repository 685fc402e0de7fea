/*
 * agent/talk/line.c - tests heard and counted, and our own made, once a slot; see line.h.
 *
 * Source: docs/protocol-channel.md, "Line tests".
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "record/charter_rules.h"
#include "record/record.h"

#include "agent/records/records.h"
#include "agent/talk/line_internal.h"
#include "agent/talk/line_log.h"

#define SLOTS_IN 64u /* slots in which the queue was read, that are not counted yet */

/* ---- hearing ---- */

/* Is ${ms} in the outage that was announced? */
static bool
out_at(uint64_t from_ms, uint64_t until_ms, uint64_t ms)
{
    return from_ms <= ms && ms < until_ms;
}

static enum dt_err
take_test(struct dt_agent *a, const struct dt_line_key *k, uint64_t slot, uint64_t every,
          struct dt_line_row *x)
{
    uint64_t now = dt_agent_now(a);
    uint8_t counted = 0;
    bool late = false;
    enum dt_err err = dt_line_slot_get(a, "line_miss", dt_view_of(k->bytes), slot, &counted);

    if (err != DT_OK ||
        !dt_line_heard(&x->w, slot, dt_line_slot(now, every), now,
                       counted < DT_LINE_WHYS ? (enum dt_line_why)counted : 0, &late))
        return err;
    return late ? dt_line_slot_del(a, "line_miss", dt_view_of(k->bytes), slot)
                : dt_line_slot_put(a, "line_heard", dt_view_of(k->bytes), slot, 1);
}

/* Until 0: the outage is over, since its sender says so; not since we read it, which may be days
 * later. */
static void
take_outage(const struct dt_payload *p, uint64_t now, struct dt_line_row *x)
{
    uint64_t over = p->sent_ms < now ? p->sent_ms : now;

    x->w.outage_from_ms = p->line_from_ms;
    x->w.outage_until_ms = p->line_until_ms == 0 ? over : p->line_until_ms;
    if (p->line_until_ms == 0 && x->w.outage_from_ms > over)
        x->w.outage_from_ms = over;
    memcpy(x->text, p->line_text.p, p->line_text.n);
    x->text[p->line_text.n] = '\0';
}

static enum dt_err
take_confirmation(struct dt_agent *a, const struct dt_channel *ch, const struct dt_seat *s,
                  uint64_t slot, struct dt_line_row *x)
{
    struct dt_line_own_row own;
    enum dt_err err;

    x->confirmed = slot;
    x->confirmed_ms = dt_agent_now(a);
    if (s->party == a->party)
        return DT_OK;
    if ((err = dt_line_own_load(a, ch->group_id, &own)) != DT_OK)
        return err;
    return dt_line_ask_answered(a, ch->group_id, s->party, slot, &own);
}

enum dt_err
dt_line_take(struct dt_agent *a, const struct dt_channel *ch, const struct dt_incoming *in,
             const struct dt_seat *s)
{
    const struct dt_line_key k = dt_line_key(ch->group_id, s->voucher.invitation_id);
    const struct dt_payload *p = in->payload;
    uint64_t now = dt_agent_now(a), every = dt_charter_line_test(&a->charter).every_ms;
    struct dt_line_row x;
    enum dt_err err;

    if (every == 0) /* without the rule nobody owes one */
        return DT_OK;
    if ((err = dt_line_row_load(a, &k, &x)) != DT_OK)
        return err;
    /* The log is about what was, also under a voucher that has run out since. A test that is sent
     * in an outage of its sender's own says that the agent runs, not that the station is there. */
    if (p->line_what == DT_LINE_TEST &&
        !out_at(x.w.outage_from_ms, x.w.outage_until_ms, p->sent_ms) &&
        (err = dt_line_log_test(a, ch->group_id, s->party, p->line_slot, every)) != DT_OK)
        return err;
    if (!in->standing) /* what does not stand shows no line */
        return DT_OK;
    switch (p->line_what) {
    case DT_LINE_TEST:
        err = take_test(a, &k, p->line_slot, every, &x);
        break;
    case DT_LINE_CONFIRM:
        if (p->line_slot > dt_line_slot(now, every) + 1 || p->line_slot < x.confirmed)
            return DT_OK;
        err = take_confirmation(a, ch, s, p->line_slot, &x);
        break;
    case DT_LINE_OUTAGE:
        take_outage(p, now, &x);
        break;
    }
    return err == DT_OK ? dt_line_row_save(a, ch->group_id, &k, &x) : err;
}

enum dt_err
dt_line_back(struct dt_agent *a, const struct dt_channel *ch, const uint8_t id[static 16],
             uint64_t position)
{
    struct dt_line_own_row own;
    bool again;
    enum dt_err err = dt_line_own_load(a, ch->group_id, &own);

    if (err != DT_OK || memcmp(own.id, id, 16) != 0)
        return err; /* an older one, or no test */
    again = own.place.position != 0;
    own.place = (struct dt_place){ch->queue_number, position};
    if ((err = dt_line_own_save(a, ch->group_id, &own)) != DT_OK || again)
        return err;
    return dt_line_ask_open(a, ch, own.sent);
}

/* ---- the step of a sync ---- */

struct looking {
    struct dt_agent *a;
    struct dt_view parent;
    enum dt_err err;
};

static bool
has_test(void *ctx, uint64_t slot)
{
    struct looking *l = ctx;
    uint8_t there = 0;

    if (l->err == DT_OK)
        l->err = dt_line_slot_get(l->a, "line_heard", l->parent, slot, &there);
    return there != 0;
}

/* Count what is over of one member's line. */
static enum dt_err
settle(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t seat[static 16],
       uint64_t slot, uint64_t every, const struct dt_line_reached *reached)
{
    const struct dt_line_key k = dt_line_key(group_id, seat);
    struct looking l = {a, dt_view_of(k.bytes), DT_OK};
    struct dt_line_miss missed[DT_LINE_MISSES];
    struct dt_line_row x;
    size_t n = 0;
    enum dt_err err = dt_line_row_load(a, &k, &x);

    if (err != DT_OK)
        return err;
    dt_line_settle(&x.w, slot, every, has_test, &l, reached, missed, DT_LINE_MISSES, &n);
    err = l.err;
    for (size_t i = 0; err == DT_OK && i < n; i++)
        err = dt_line_slot_put(a, "line_miss", l.parent, missed[i].slot, (uint8_t)missed[i].why);
    if (err != DT_OK ||
        (err = dt_line_slots_trim(a, "line_heard", l.parent, x.w.settled, UINT64_MAX)) != DT_OK ||
        (err = dt_line_slots_trim(a, "line_miss", l.parent, 0, DT_LINE_MISSES)) != DT_OK)
        return err;
    return dt_line_row_save(a, group_id, &k, &x);
}

/* The slots in which the queue was read, the present one among them. */
static enum dt_err
reached_load(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t slots[static SLOTS_IN],
             struct dt_line_reached *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint64_t at = 0;
    enum dt_err err;

    *out = (struct dt_line_reached){slots, 0};
    while (out->n < SLOTS_IN &&
           (err = dt_store_next(a->store, "line_slot", dt_view(group_id, 32), at, &row)) == DT_OK) {
        slots[out->n++] = row.seq;
        at = row.seq + 1;
    }
    return out->n == SLOTS_IN || err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
step(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t every, bool *out_sent)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint64_t slot = dt_line_slot(dt_agent_now(a), every), slots[SLOTS_IN];
    struct dt_payload p = {.line_what = DT_LINE_TEST, .line_slot = slot};
    struct dt_line_reached reached;
    struct dt_line_own_row own;
    uint32_t leaves;
    enum dt_err err;

    if ((err = dt_line_own_load(a, group_id, &own)) != DT_OK || own.stepped >= slot ||
        (err = dt_channel_load(a, group_id, &ch)) != DT_OK || ch.state != DT_CHANNEL_LIVE ||
        !ch.confirmed)
        return err;
    if ((err = dt_line_slot_put(a, "line_slot", dt_view(group_id, 32), slot, 1)) != DT_OK ||
        (err = reached_load(a, group_id, slots, &reached)) != DT_OK)
        return err;
    leaves = mls_group_n_leaves(ch.group);
    for (uint32_t leaf = 0; leaf < leaves; leaf++) {
        struct mls_member m;
        struct dt_voucher v;
        struct dt_view letter;

        if (leaf == mls_group_own_leaf(ch.group) || !mls_group_member(ch.group, leaf, &m))
            continue;
        if ((err = dt_credential_decode(m.identity, &letter, &v)) != DT_OK ||
            (err = settle(a, group_id, v.invitation_id, slot, every, &reached)) != DT_OK)
            return err;
    }
    if ((err = dt_line_slots_trim(a, "line_slot", dt_view(group_id, 32), slot, SLOTS_IN - 1)) !=
        DT_OK)
        return err;
    if ((err = dt_line_log_read(a, group_id, ch.invitation_id, slot, every)) != DT_OK)
        return err;
    own.stepped = slot;
    if (own.sent < slot) {
        if ((err = dt_line_send(a, group_id, &p)) != DT_OK ||
            (!out_at(own.outage_from_ms, own.outage_until_ms, p.sent_ms) &&
             (err = dt_line_log_test(a, group_id, a->party, slot, every)) != DT_OK))
            return err;
        own.sent = slot;
        own.sent_ms = p.sent_ms;
        memcpy(own.id, p.id, sizeof own.id);
        own.place = (struct dt_place){0};
        *out_sent = true;
    }
    return dt_line_own_save(a, group_id, &own);
}

/* The same test as a record, where the charter wants it: its fields can be opened to observers. */
static enum dt_err
seal(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_line_own_row *own)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    uint64_t now = dt_agent_now(a);
    bool out = out_at(own->outage_from_ms, own->outage_until_ms, now);
    char number[24], until[DT_TIME_STR];
    uint8_t commitment[32];
    enum dt_err err;

    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)own->sent);
    dt_time_str(until, own->outage_until_ms);
    if ((err = dt_agent_record_draft(a, group_id, "heartbeat", &d)) != DT_OK ||
        (err = dt_record_draft_set_text(&d, "station", dt_view_str(a->name),
                                        dt_agent_charter(a))) != DT_OK ||
        (err = dt_record_draft_set_text(&d, "number", dt_view_str(number), dt_agent_charter(a))) !=
            DT_OK ||
        (err =
             dt_record_draft_set_text(&d, "status", dt_view_str(out ? "planned_outage" : "normal"),
                                      dt_agent_charter(a))) != DT_OK ||
        (out && (err = dt_record_draft_set_text(&d, "outage_until", dt_view_str(until),
                                                dt_agent_charter(a))) != DT_OK))
        return err;
    own->sealed = own->sent;
    if ((err = dt_line_own_save(a, group_id, own)) != DT_OK)
        return err;
    return dt_agent_record_send(a, group_id, &d, commitment);
}

/* What keeps us from sealing (a letter without the right, or none that holds) does not keep the
 * line from being tested. */
static enum dt_err
seal_if_owed(struct dt_agent *a, const uint8_t group_id[static 32])
{
    struct dt_line_own_row own;
    enum dt_err err;

    if (!dt_charter_line_test(&a->charter).sealed || !a->has_letter)
        return DT_OK;
    if ((err = dt_line_own_load(a, group_id, &own)) != DT_OK || own.sealed >= own.sent)
        return err;
    if (dt_letter_check_rights(&a->letter, DT_RIGHT_BIT(DT_RIGHT_RECORD)) != DT_OK ||
        dt_letter_check_now(a, &a->letter) != DT_OK)
        return DT_OK;
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, seal(a, group_id, &own));
}

enum dt_err
dt_line_step(struct dt_agent *a, const uint8_t group_id[static 32], size_t *out_made)
{
    uint64_t every = dt_charter_line_test(&a->charter).every_ms;
    struct dt_line_own_row own;
    bool sent = false;
    enum dt_err err;

    if (every == 0)
        return DT_OK;
    /* Once a slot, and not a write at every sync. */
    if ((err = dt_line_own_load(a, group_id, &own)) != DT_OK)
        return err;
    if (own.stepped < dt_line_slot(dt_agent_now(a), every)) {
        if ((err = dt_store_begin(a->store)) != DT_OK)
            return err;
        if ((err = dt_store_end(a->store, step(a, group_id, every, &sent))) != DT_OK)
            return err;
        *out_made += sent;
    }
    if ((err = dt_line_ask_overdue(a, group_id)) != DT_OK)
        return err;
    return seal_if_owed(a, group_id);
}
