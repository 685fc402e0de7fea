/*
 * agent/talk/line.c - see line.h.
 *
 * Rows: "line" (group id, seat): what is known of a member's line; "line_heard" (group id, seat,
 * slot): a test of a slot that is not counted yet; "line_miss" (the same): a slot that was counted
 * as missed; "line_slot" (group id, slot): the queue was read in that slot; "line_own" (group id).
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/wire.h"
#include "record/charter_rules.h"
#include "record/record.h"

#include "agent/records/records.h"
#include "agent/talk/line.h"
#include "agent/talk/receipt_internal.h"

#define ROW_MAX  1024u
#define SLOTS_IN 64u /* slots in which the queue was read, that are not counted yet */

/* ---- rows ---- */

struct seat_key {
    uint8_t bytes[48]; /* group id, invitation id */
};

static struct seat_key
seat_key(const uint8_t group_id[static 32], const uint8_t invitation_id[static 16])
{
    struct seat_key k;

    memcpy(k.bytes, group_id, 32);
    memcpy(k.bytes + 32, invitation_id, 16);
    return k;
}

/* ${parent} and the slot behind it. */
static size_t
slot_key(uint8_t out[static 56], struct dt_view parent, uint64_t slot)
{
    memcpy(out, parent.p, parent.n);
    for (size_t i = 0; i < 8; i++)
        out[parent.n + i] = (uint8_t)(slot >> (56 - 8 * i));
    return parent.n + 8;
}

static enum dt_err
slot_put(struct dt_agent *a, const char *table, struct dt_view parent, uint64_t slot, uint8_t value)
{
    uint8_t key[56];
    size_t n = slot_key(key, parent, slot);

    return dt_store_put(a->store, table, dt_view(key, n), parent, slot, dt_view(&value, 1));
}

/* 0 when there is no such row. */
static enum dt_err
slot_get(struct dt_agent *a, const char *table, struct dt_view parent, uint64_t slot, uint8_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(16);
    uint8_t key[56];
    size_t n = slot_key(key, parent, slot);
    enum dt_err err = dt_store_get_blob(a->store, table, dt_view(key, n), &b);

    *out = err == DT_OK && b.n == 1 ? b.p[0] : 0;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* Rows of slots before ${slot} go; so do the oldest past ${most}. */
static enum dt_err
slots_trim(struct dt_agent *a, const char *table, struct dt_view parent, uint64_t slot,
           uint64_t most)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint64_t count = 0;
    enum dt_err err = dt_store_count(a->store, table, parent, &count);

    for (; err == DT_OK && count > 0; count--) {
        err = dt_store_next(a->store, table, parent, 0, &row);
        if (err != DT_OK || (row.seq >= slot && count <= most))
            break;
        err = dt_store_del(a->store, table, dt_buf_view(&row.key));
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* What is known of one member. */
struct line_row {
    uint64_t seq;
    bool there;
    struct dt_line_watch w;
    uint64_t confirmed, confirmed_ms;
    char text[DT_LINE_TEXT_MAX + 1];
};

static enum dt_err
row_load(struct dt_agent *a, const struct seat_key *k, struct line_row *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    struct dt_line_watch *w = &out->w;
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "line", dt_view_of(k->bytes), &b);

    *out = (struct line_row){0};
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    r = dt_reader_init(dt_buf_view(&b));
    if ((err = dt_read_u64(&r, &out->seq)) != DT_OK ||
        (err = dt_read_u64(&r, &w->since)) != DT_OK ||
        (err = dt_read_u64(&r, &w->settled)) != DT_OK ||
        (err = dt_read_u64(&r, &w->last)) != DT_OK ||
        (err = dt_read_u64(&r, &w->last_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &w->heard)) != DT_OK || (err = dt_read_u64(&r, &w->late)) != DT_OK ||
        (err = dt_read_u64(&r, &w->missed[DT_LINE_PLANNED])) != DT_OK ||
        (err = dt_read_u64(&r, &w->missed[DT_LINE_UNREACHED])) != DT_OK ||
        (err = dt_read_u64(&r, &w->missed[DT_LINE_SILENT])) != DT_OK ||
        (err = dt_read_u64(&r, &w->outage_from_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &w->outage_until_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &out->confirmed)) != DT_OK ||
        (err = dt_read_u64(&r, &out->confirmed_ms)) != DT_OK ||
        (err = dt_read_str(&r, DT_LINE_TEXT_MAX, out->text)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "row of a line");
    out->there = true;
    return DT_OK;
}

static enum dt_err
row_save(struct dt_agent *a, const uint8_t group_id[static 32], const struct seat_key *k,
         struct line_row *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    const struct dt_line_watch *w = &x->w;
    struct dt_writer wr = dt_writer_init(&b);
    enum dt_err err;

    if (!x->there &&
        (err = dt_store_next_seq(a->store, "line", dt_view(group_id, 32), &x->seq)) != DT_OK)
        return err;
    x->there = true;
    dt_write_u64(&wr, x->seq);
    dt_write_u64(&wr, w->since);
    dt_write_u64(&wr, w->settled);
    dt_write_u64(&wr, w->last);
    dt_write_u64(&wr, w->last_ms);
    dt_write_u64(&wr, w->heard);
    dt_write_u64(&wr, w->late);
    dt_write_u64(&wr, w->missed[DT_LINE_PLANNED]);
    dt_write_u64(&wr, w->missed[DT_LINE_UNREACHED]);
    dt_write_u64(&wr, w->missed[DT_LINE_SILENT]);
    dt_write_u64(&wr, w->outage_from_ms);
    dt_write_u64(&wr, w->outage_until_ms);
    dt_write_u64(&wr, x->confirmed);
    dt_write_u64(&wr, x->confirmed_ms);
    dt_write_vec(&wr, dt_view_str(x->text));
    if ((err = dt_writer_end(&wr)) != DT_OK)
        return err;
    return dt_store_put(a->store, "line", dt_view_of(k->bytes), dt_view(group_id, 32), x->seq,
                        dt_buf_view(&b));
}

/* Our own line. */
struct own_row {
    uint64_t stepped; /* slot of the last step */
    uint64_t sent, sent_ms;
    uint64_t sealed; /* slot of the last record of ours */
    uint64_t confirmed;
    uint64_t outage_from_ms, outage_until_ms;
    uint8_t id[16];        /* payload of the last test */
    struct dt_place place; /* where it was read back; position 0: not yet */
};

static enum dt_err
own_load(struct dt_agent *a, const uint8_t group_id[static 32], struct own_row *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "line_own", dt_view(group_id, 32), &b);

    *out = (struct own_row){0};
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    r = dt_reader_init(dt_buf_view(&b));
    if ((err = dt_read_u64(&r, &out->stepped)) == DT_OK &&
        (err = dt_read_u64(&r, &out->sent)) == DT_OK &&
        (err = dt_read_u64(&r, &out->sent_ms)) == DT_OK &&
        (err = dt_read_u64(&r, &out->sealed)) == DT_OK &&
        (err = dt_read_u64(&r, &out->confirmed)) == DT_OK &&
        (err = dt_read_u64(&r, &out->outage_from_ms)) == DT_OK &&
        (err = dt_read_u64(&r, &out->outage_until_ms)) == DT_OK &&
        (err = dt_read_fixed(&r, out->id, sizeof out->id)) == DT_OK &&
        (err = dt_read_u64(&r, &out->place.queue_number)) == DT_OK &&
        (err = dt_read_u64(&r, &out->place.position)) == DT_OK)
        err = dt_read_end(&r);
    return dt_fail_context(err, "row of our line");
}

static enum dt_err
own_save(struct dt_agent *a, const uint8_t group_id[static 32], const struct own_row *x)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(ROW_MAX);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_write_u64(&w, x->stepped);
    dt_write_u64(&w, x->sent);
    dt_write_u64(&w, x->sent_ms);
    dt_write_u64(&w, x->sealed);
    dt_write_u64(&w, x->confirmed);
    dt_write_u64(&w, x->outage_from_ms);
    dt_write_u64(&w, x->outage_until_ms);
    dt_write_view(&w, dt_view_of(x->id));
    dt_write_u64(&w, x->place.queue_number);
    dt_write_u64(&w, x->place.position);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "line_own", dt_view(group_id, 32), dt_buf_view(&b));
}

/* ---- hearing ---- */

enum dt_err
dt_line_take(struct dt_agent *a, const struct dt_channel *ch, const struct dt_incoming *in,
             const struct dt_seat *s)
{
    const struct seat_key k = seat_key(ch->group_id, s->voucher.invitation_id);
    const struct dt_payload *p = in->payload;
    uint64_t now = dt_agent_now(a), every = dt_charter_line_test(&a->charter).every_ms;
    uint64_t slot = dt_line_slot(now, every);
    struct line_row x;
    uint8_t counted = 0;
    bool late = false;
    enum dt_err err;

    /* Without the rule nobody owes one; and what does not stand shows no line. */
    if (every == 0 || !in->standing)
        return DT_OK;
    if ((err = row_load(a, &k, &x)) != DT_OK)
        return err;
    switch (p->line_what) {
    case DT_LINE_TEST:
        if ((err = slot_get(a, "line_miss", dt_view_of(k.bytes), p->line_slot, &counted)) != DT_OK)
            return err;
        if (!dt_line_heard(&x.w, p->line_slot, slot, now,
                           counted < DT_LINE_WHYS ? (enum dt_line_why)counted : 0, &late))
            return DT_OK;
        if (late) {
            uint8_t key[56];
            size_t n = slot_key(key, dt_view_of(k.bytes), p->line_slot);

            err = dt_store_del(a->store, "line_miss", dt_view(key, n));
        } else {
            err = slot_put(a, "line_heard", dt_view_of(k.bytes), p->line_slot, 1);
        }
        if (err != DT_OK)
            return err;
        break;
    case DT_LINE_CONFIRM:
        if (p->line_slot > slot + 1 || p->line_slot < x.confirmed)
            return DT_OK;
        x.confirmed = p->line_slot;
        x.confirmed_ms = now;
        break;
    case DT_LINE_OUTAGE:
        x.w.outage_from_ms = p->line_from_ms;
        x.w.outage_until_ms = p->line_until_ms == 0 ? now : p->line_until_ms;
        if (p->line_until_ms == 0 && x.w.outage_from_ms > now)
            x.w.outage_from_ms = now;
        memcpy(x.text, p->line_text.p, p->line_text.n);
        x.text[p->line_text.n] = '\0';
        break;
    }
    return row_save(a, ch->group_id, &k, &x);
}

enum dt_err
dt_line_back(struct dt_agent *a, const struct dt_channel *ch, const uint8_t id[static 16],
             uint64_t position)
{
    struct own_row own;
    enum dt_err err = own_load(a, ch->group_id, &own);

    if (err != DT_OK || memcmp(own.id, id, 16) != 0)
        return err; /* an older one, or no test */
    own.place = (struct dt_place){ch->queue_number, position};
    return own_save(a, ch->group_id, &own);
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
        l->err = slot_get(l->a, "line_heard", l->parent, slot, &there);
    return there != 0;
}

/* Count what is over of one member's line. */
static enum dt_err
settle(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t seat[static 16],
       uint64_t slot, uint64_t every, const struct dt_line_reached *reached)
{
    const struct seat_key k = seat_key(group_id, seat);
    struct looking l = {a, dt_view_of(k.bytes), DT_OK};
    struct dt_line_miss missed[DT_LINE_MISSES];
    struct line_row x;
    size_t n = 0;
    enum dt_err err = row_load(a, &k, &x);

    if (err != DT_OK)
        return err;
    dt_line_settle(&x.w, slot, every, has_test, &l, reached, missed, DT_LINE_MISSES, &n);
    err = l.err;
    for (size_t i = 0; err == DT_OK && i < n; i++)
        err = slot_put(a, "line_miss", l.parent, missed[i].slot, (uint8_t)missed[i].why);
    if (err != DT_OK ||
        (err = slots_trim(a, "line_heard", l.parent, x.w.settled, UINT64_MAX)) != DT_OK ||
        (err = slots_trim(a, "line_miss", l.parent, 0, DT_LINE_MISSES)) != DT_OK)
        return err;
    return row_save(a, group_id, &k, &x);
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
send_line(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_payload *p)
{
    enum dt_err err;

    p->kind = DT_PAYLOAD_LINE;
    p->sent_ms = dt_agent_now(a);
    if ((err = dt_random(p->id, sizeof p->id)) != DT_OK)
        return err;
    return dt_channel_send(a, group_id, p);
}

static enum dt_err
step(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t every, bool *out_sent)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint64_t slot = dt_line_slot(dt_agent_now(a), every), slots[SLOTS_IN];
    struct dt_payload p = {.line_what = DT_LINE_TEST, .line_slot = slot};
    struct dt_line_reached reached;
    struct own_row own;
    uint32_t leaves;
    enum dt_err err;

    if ((err = own_load(a, group_id, &own)) != DT_OK || own.stepped >= slot ||
        (err = dt_channel_load(a, group_id, &ch)) != DT_OK || ch.state != DT_CHANNEL_LIVE ||
        !ch.confirmed)
        return err;
    if ((err = slot_put(a, "line_slot", dt_view(group_id, 32), slot, 1)) != DT_OK ||
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
    if ((err = slots_trim(a, "line_slot", dt_view(group_id, 32), slot, SLOTS_IN - 1)) != DT_OK)
        return err;
    own.stepped = slot;
    if (own.sent < slot) {
        if ((err = send_line(a, group_id, &p)) != DT_OK)
            return err;
        own.sent = slot;
        own.sent_ms = p.sent_ms;
        memcpy(own.id, p.id, sizeof own.id);
        own.place = (struct dt_place){0};
        *out_sent = true;
    }
    return own_save(a, group_id, &own);
}

/* The same test as a record, where the charter wants it: its fields can be opened to observers. */
static enum dt_err
seal(struct dt_agent *a, const uint8_t group_id[static 32], struct own_row *own)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    uint64_t now = dt_agent_now(a);
    bool out = own->outage_until_ms > now && own->outage_from_ms <= now;
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
    if ((err = own_save(a, group_id, own)) != DT_OK)
        return err;
    return dt_agent_record_send(a, group_id, &d, commitment);
}

/* What keeps us from sealing (a letter without the right, or none that holds) does not keep the
 * line from being tested. */
static enum dt_err
seal_if_owed(struct dt_agent *a, const uint8_t group_id[static 32])
{
    struct own_row own;
    enum dt_err err;

    if (!dt_charter_line_test(&a->charter).sealed || !a->has_letter ||
        (err = own_load(a, group_id, &own)) != DT_OK || own.sealed >= own.sent)
        return DT_OK;
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
    struct own_row own;
    bool sent = false;
    enum dt_err err;

    if (every == 0)
        return DT_OK;
    /* Once a slot, and not a write at every sync. */
    if ((err = own_load(a, group_id, &own)) != DT_OK)
        return err;
    if (own.stepped < dt_line_slot(dt_agent_now(a), every)) {
        if ((err = dt_store_begin(a->store)) != DT_OK)
            return err;
        if ((err = dt_store_end(a->store, step(a, group_id, every, &sent))) != DT_OK)
            return err;
        *out_made += sent;
    }
    return seal_if_owed(a, group_id);
}

/* ---- for programs ---- */

static enum dt_err
need_rule(const struct dt_agent *a, uint64_t *out_every)
{
    *out_every = dt_charter_line_test(&a->charter).every_ms;
    return *out_every != 0 ? DT_OK
                           : dt_fail(DT_ERR_STATE, "the charter of this forum has no line tests");
}

static enum dt_err
confirm(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t every)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint64_t slot = dt_line_slot(dt_agent_now(a), every), heard = 0;
    struct dt_payload p = {.line_what = DT_LINE_CONFIRM};
    struct own_row own;
    uint32_t leaves;
    enum dt_err err;

    if ((err = dt_channel_load_live(a, group_id, &ch)) != DT_OK ||
        (err = own_load(a, group_id, &own)) != DT_OK)
        return err;
    leaves = mls_group_n_leaves(ch.group);
    for (uint32_t leaf = 0; leaf < leaves; leaf++) {
        struct mls_member m;
        struct dt_voucher v;
        struct dt_view letter;
        struct seat_key k;
        struct line_row x;

        if (leaf == mls_group_own_leaf(ch.group) || !mls_group_member(ch.group, leaf, &m))
            continue;
        if ((err = dt_credential_decode(m.identity, &letter, &v)) != DT_OK)
            return err;
        k = seat_key(group_id, v.invitation_id);
        if ((err = row_load(a, &k, &x)) != DT_OK)
            return err;
        if (x.w.last > heard)
            heard = x.w.last;
    }
    if (heard == 0 || heard + 1 < slot)
        return dt_fail(DT_ERR_STATE, "no line test of this time was heard: sync, and see detente "
                                     "line");
    p.line_slot = own.confirmed = heard;
    if ((err = own_save(a, group_id, &own)) != DT_OK)
        return err;
    return send_line(a, group_id, &p);
}

enum dt_err
dt_agent_line_confirm(struct dt_agent *a, const uint8_t group_id[static 32])
{
    uint64_t every = 0;
    enum dt_err err;

    if ((err = need_rule(a, &every)) != DT_OK || (err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, confirm(a, group_id, every));
}

static enum dt_err
outage(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_payload *p)
{
    struct own_row own;
    enum dt_err err = own_load(a, group_id, &own);

    if (err != DT_OK)
        return err;
    own.outage_from_ms = p->line_from_ms;
    own.outage_until_ms = p->line_until_ms;
    if ((err = own_save(a, group_id, &own)) != DT_OK)
        return err;
    return send_line(a, group_id, p);
}

enum dt_err
dt_agent_line_outage(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t from_ms,
                     uint64_t until_ms, struct dt_view text)
{
    struct dt_payload p = {.line_what = DT_LINE_OUTAGE,
                           .line_from_ms = from_ms,
                           .line_until_ms = until_ms,
                           .line_text = text};
    uint64_t every = 0;
    enum dt_err err;

    if ((err = need_rule(a, &every)) != DT_OK)
        return err;
    if (until_ms != 0 && (until_ms <= from_ms || until_ms <= dt_agent_now(a)))
        return dt_fail(DT_ERR_RANGE, "an outage ends after it begins, and after now");
    if (text.n > DT_LINE_TEXT_MAX || !dt_utf8_line(text))
        return dt_fail(DT_ERR_RANGE,
                       "what an outage is announced with is one line of at most %u "
                       "bytes",
                       DT_LINE_TEXT_MAX);
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    return dt_store_end(a->store, outage(a, group_id, &p));
}

/* ---- what to show ---- */

static enum dt_err
misses_load(struct dt_agent *a, const struct seat_key *k, uint64_t every, struct dt_line_info *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    uint64_t at = 0;
    enum dt_err err = DT_OK;

    while (out->n_misses < DT_LINE_MISSES &&
           (err = dt_store_next(a->store, "line_miss", dt_view_of(k->bytes), at, &row)) == DT_OK) {
        size_t i = out->n_misses++;

        if (row.value.n != 1 || row.value.p[0] == 0 || row.value.p[0] >= DT_LINE_WHYS)
            return dt_fail(DT_ERR_FORMAT, "a row of the store is damaged");
        out->misses[i].number = row.seq;
        out->misses[i].from_ms = row.seq * every;
        out->misses[i].to_ms = (row.seq + 1) * every;
        out->misses[i].why = (enum dt_line_why)row.value.p[0];
        at = row.seq + 1;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static void
judge(struct dt_line_info *x, const struct dt_line_watch *w, uint64_t now, uint64_t slot)
{
    if (w->last != 0 && w->last + 1 >= slot)
        x->state = DT_LINE_TESTED;
    else if (w->outage_until_ms > now && w->outage_from_ms <= now)
        x->state = DT_LINE_OUT;
    else if (w->since == 0 || w->since >= slot)
        x->state = DT_LINE_QUIET;
    else {
        x->state = DT_LINE_LOST;
        x->why = DT_LINE_UNREACHED; /* until a sync counts that slot */
        if (x->n_misses > 0 && x->misses[x->n_misses - 1].number + 1 == slot)
            x->why = x->misses[x->n_misses - 1].why;
    }
}

static enum dt_err
describe(struct dt_agent *a, const struct dt_seat *s, const uint8_t group_id[static 32],
         uint64_t every, struct dt_line_info *out)
{
    const struct seat_key k = seat_key(group_id, s->voucher.invitation_id);
    uint64_t now = dt_agent_now(a);
    struct line_row x;
    enum dt_err err;

    *out = (struct dt_line_info){0};
    if ((err = row_load(a, &k, &x)) != DT_OK || (err = misses_load(a, &k, every, out)) != DT_OK)
        return err;
    dt_person_from(a, &s->letter, s->party, &out->who);
    out->number = x.w.last;
    out->last_ms = x.w.last_ms;
    out->heard = x.w.heard;
    out->late = x.w.late;
    memcpy(out->missed, x.w.missed, sizeof out->missed);
    out->outage_from_ms = x.w.outage_from_ms;
    out->outage_until_ms = x.w.outage_until_ms;
    memcpy(out->outage_text, x.text, sizeof x.text);
    out->confirmed_number = x.confirmed;
    out->confirmed_ms = x.confirmed_ms;
    judge(out, &x.w, now, dt_line_slot(now, every));
    return DT_OK;
}

/* Its agent has receipted our test: nothing more is asked of it, and no alarm is raised when it
 * does not, for its own tests say whether it is there. */
static enum dt_err
has_ours(struct dt_agent *a, const uint8_t group_id[static 32], const uint8_t seat[static 16],
         const struct own_row *own, size_t *arrived)
{
    struct dt_receipt_seat r;
    enum dt_err err = dt_receipt_seat_get(a, group_id, seat, &r);

    if (err == DT_OK)
        *arrived += r.has_ms != 0 && own->place.position != 0 && !dt_place_after(own->place, r.has);
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static void
describe_own(const struct dt_agent *a, const struct own_row *own, const struct dt_line_rule *rule,
             struct dt_line_own *out)
{
    uint64_t slot = dt_line_slot(dt_agent_now(a), rule->every_ms);

    *out = (struct dt_line_own){.every_ms = rule->every_ms,
                                .sealed = rule->sealed,
                                .number = own->sent,
                                .sent_ms = own->sent_ms,
                                .next_ms = (own->sent >= slot ? slot + 1 : slot) * rule->every_ms,
                                .outage_from_ms = own->outage_from_ms,
                                .outage_until_ms = own->outage_until_ms};
}

enum dt_err
dt_agent_line(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_line_own *own,
              struct dt_line_info **out, size_t *out_n)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    struct dt_line_rule rule = dt_charter_line_test(&a->charter);
    struct dt_line_info *v;
    struct own_row ours;
    struct dt_rules rules;
    uint32_t leaves;
    size_t n = 0;
    enum dt_err err;

    if ((err = need_rule(a, &rule.every_ms)) != DT_OK ||
        (err = dt_channel_load_live(a, group_id, &ch)) != DT_OK ||
        (err = own_load(a, group_id, &ours)) != DT_OK)
        return err;
    describe_own(a, &ours, &rule, own);
    rules = dt_channel_rules(a, &ch);
    leaves = mls_group_n_leaves(ch.group);
    if ((v = dt_alloc(leaves, sizeof *v)) == NULL)
        return dt_nomem();
    for (uint32_t leaf = 0; err == DT_OK && leaf < leaves; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};

        if (leaf == mls_group_own_leaf(ch.group))
            continue;
        err = dt_seat_of(&rules, ch.group, leaf, &s);
        if (err == DT_ERR_NOT_FOUND) {
            err = DT_OK;
            continue;
        }
        if (err == DT_OK && (err = describe(a, &s, group_id, rule.every_ms, &v[n])) == DT_OK &&
            (err = has_ours(a, group_id, s.voucher.invitation_id, &ours, &own->arrived)) == DT_OK)
            n++;
    }
    if (err != DT_OK) {
        dt_free(v);
        return err;
    }
    own->members = n;
    *out = v;
    *out_n = n;
    return DT_OK;
}
