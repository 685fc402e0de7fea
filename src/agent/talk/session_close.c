/*
 * agent/talk/session_close.c - epochs of which nothing more is taken: calls, what each seat has
 * closed, and how many messages we hold.
 *
 * Source: docs/protocol-channel.md "Session keys".
 * Table "closing": group id -> our own side. "cut": (group id, epoch), seq epoch -> where the first
 * Closed for it stands. "closed": (group id, invitation id) -> what that seat has said. "held":
 * (group id, epoch), seq epoch -> number of messages.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/sync/queue_review.h"
#include "agent/talk/receipt_internal.h"
#include "agent/talk/session_internal.h"

#define HELD_KEPT 64u /* epochs whose number of messages is kept */

/* ---- rows ---- */

/* Our own side of one stay in a channel. */
struct closing {
    uint64_t first;  /* the epoch that the stay began with */
    uint64_t said;   /* 1 + the last epoch that we have closed; 0: none */
    uint64_t called; /* 1 + the last that we have called for; 0: none */
    uint64_t called_ms;
    bool again; /* someone asks for what we have said already */
};

static enum dt_err
closing_put(struct dt_agent *a, const uint8_t group_id[static 32], const struct closing *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(64);
    struct dt_writer w = dt_writer_init(&value);
    enum dt_err err;

    dt_write_u64(&w, c->first);
    dt_write_u64(&w, c->said);
    dt_write_u64(&w, c->called);
    dt_write_u64(&w, c->called_ms);
    dt_write_optional(&w, c->again);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "closing", dt_view(group_id, 32), dt_buf_view(&value));
}

/* A stay that began before there were such rows counts from its next epoch on. */
static enum dt_err
closing_get(struct dt_agent *a, const struct dt_channel *ch, struct closing *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(64);
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "closing", dt_view_of(ch->group_id), &value);

    *out = (struct closing){0};
    if (err == DT_ERR_NOT_FOUND) {
        out->first = mls_group_epoch(ch->group) + 1;
        return closing_put(a, ch->group_id, out);
    }
    if (err != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&value));
    if ((err = dt_read_u64(&r, &out->first)) != DT_OK ||
        (err = dt_read_u64(&r, &out->said)) != DT_OK ||
        (err = dt_read_u64(&r, &out->called)) != DT_OK ||
        (err = dt_read_u64(&r, &out->called_ms)) != DT_OK ||
        (err = dt_read_optional(&r, &out->again)) != DT_OK)
        return err;
    return dt_read_end(&r);
}

static void
epoch_key(uint8_t out[static 40], const uint8_t group_id[static 32], uint64_t epoch)
{
    memcpy(out, group_id, 32);
    for (unsigned int i = 0; i < 8; i++)
        out[32 + i] = (uint8_t)(epoch >> (56 - 8 * i));
}

/* Two numbers as a row's value. */
static enum dt_err
pair_put(struct dt_agent *a, const char *table, struct dt_view key,
         const uint8_t group_id[static 32], uint64_t seq, uint64_t x, uint64_t y)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(16);
    struct dt_writer w = dt_writer_init(&value);
    enum dt_err err;

    dt_write_u64(&w, x);
    dt_write_u64(&w, y);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put(a->store, table, key, dt_view(group_id, 32), seq, dt_buf_view(&value));
}

static enum dt_err
pair_read(struct dt_view value, uint64_t *x, uint64_t *y)
{
    struct dt_reader r = dt_reader_init(value);
    enum dt_err err;

    if ((err = dt_read_u64(&r, x)) != DT_OK || (err = dt_read_u64(&r, y)) != DT_OK)
        return err;
    return dt_read_end(&r);
}

enum dt_err
dt_closing_begin(struct dt_agent *a, const struct dt_channel *ch)
{
    struct closing c = {.first = mls_group_epoch(ch->group)};
    struct dt_view parent = dt_view_of(ch->group_id);
    enum dt_err err;

    if ((err = dt_store_del_parent(a->store, "cut", parent)) != DT_OK ||
        (err = dt_store_del_parent(a->store, "closed", parent)) != DT_OK ||
        (err = dt_store_del_parent(a->store, "held", parent)) != DT_OK)
        return err;
    return closing_put(a, ch->group_id, &c);
}

enum dt_err
dt_closing_doubt(struct dt_agent *a, const struct dt_channel *ch, bool *out)
{
    struct dt_review review = {0};
    enum dt_err err = dt_review_get(a, ch->queue.address, &review);

    *out = review.doubt;
    return err;
}

enum dt_err
dt_closing_own(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(64);
    struct dt_reader r;
    uint64_t first = 0;
    enum dt_err err = dt_store_get_blob(a->store, "closing", dt_view(group_id, 32), &value);

    *out = 0;
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    r = dt_reader_init(dt_buf_view(&value));
    err = dt_read_u64(&r, &first);
    return err != DT_OK ? err : dt_read_u64(&r, out);
}

/* ---- messages held ---- */

/* NOT_FOUND is 0. */
static enum dt_err
held_get(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t epoch, uint64_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(16);
    uint64_t unused = 0;
    uint8_t key[40];
    enum dt_err err;

    *out = 0;
    epoch_key(key, group_id, epoch);
    err = dt_store_get_blob(a->store, "held", dt_view_of(key), &value);
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    return pair_read(dt_buf_view(&value), out, &unused);
}

enum dt_err
dt_closing_count(struct dt_agent *a, const struct dt_channel *ch, uint64_t epoch)
{
    uint64_t n = 0;
    uint8_t key[40];
    enum dt_err err = held_get(a, ch->group_id, epoch, &n);

    if (err != DT_OK)
        return err;
    epoch_key(key, ch->group_id, epoch);
    if ((err = pair_put(a, "held", dt_view_of(key), ch->group_id, epoch, n + 1, 0)) != DT_OK ||
        n > 0 || epoch < HELD_KEPT)
        return err;
    epoch_key(key, ch->group_id, epoch - HELD_KEPT);
    err = dt_store_del(a->store, "held", dt_view_of(key));
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* Of the epochs ${first} to ${last}. */
static enum dt_err
held_sum(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t first, uint64_t last,
         uint64_t *out)
{
    uint64_t at = first;
    enum dt_err err;

    *out = 0;
    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        uint64_t n = 0, unused = 0;

        err = dt_store_next(a->store, "held", dt_view(group_id, 32), at, &row);
        if (err != DT_OK || row.seq > last)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        if ((err = pair_read(dt_buf_view(&row.value), &n, &unused)) != DT_OK)
            return err;
        *out += n;
        at = row.seq + 1;
    }
}

/* ---- where the line is ---- */

/* The last epoch that a Closed was read for. NOT_FOUND. */
static enum dt_err
last_cut(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    enum dt_err err = dt_store_last(a->store, "cut", dt_view(group_id, 32), &row);

    *out = row.seq;
    return err;
}

/* One for an epoch of before draws no line that is not there: it stands behind. */
static enum dt_err
cut_add(struct dt_agent *a, const struct dt_channel *ch, uint64_t epoch, uint64_t position)
{
    uint64_t last = 0;
    uint8_t key[40];
    enum dt_err err = last_cut(a, ch->group_id, &last);

    if (err == DT_OK && last >= epoch)
        return DT_OK;
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    epoch_key(key, ch->group_id, epoch);
    return pair_put(a, "cut", dt_view_of(key), ch->group_id, epoch, ch->queue_number, position);
}

enum dt_err
dt_closing_behind(struct dt_agent *a, const struct dt_channel *ch, uint64_t epoch,
                  uint64_t position, bool *out)
{
    DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
    struct dt_place here = {ch->queue_number, position}, cut = {0};
    enum dt_err err;

    *out = false;
    if (epoch >= mls_group_epoch(ch->group))
        return DT_OK; /* the present one is closed by nobody */
    err = dt_store_next(a->store, "cut", dt_view_of(ch->group_id), epoch, &row);
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    if ((err = pair_read(dt_buf_view(&row.value), &cut.queue_number, &cut.position)) != DT_OK)
        return err;
    *out = dt_place_after(here, cut);
    return DT_OK;
}

/* ---- what comes ---- */

enum dt_err
dt_closing_of_seat(struct dt_agent *a, const uint8_t group_id[static 32],
                   const uint8_t invitation_id[static 16], uint64_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(16);
    uint64_t unused = 0;
    uint8_t key[48];
    enum dt_err err;

    *out = 0;
    memcpy(key, group_id, 32);
    memcpy(key + 32, invitation_id, 16);
    err = dt_store_get_blob(a->store, "closed", dt_view_of(key), &value);
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    return pair_read(dt_buf_view(&value), out, &unused);
}

/* Does its number agree with ours? Ours is known only of epochs in which we were here, and when
 * nothing is in doubt. */
static enum dt_err
compare(struct dt_agent *a, const struct dt_channel *ch, const struct closing *c,
        const struct dt_incoming *in)
{
    const struct dt_payload *p = in->payload;
    struct dt_person who;
    uint64_t ours = 0;
    bool doubt = false;
    enum dt_err err = dt_closing_doubt(a, ch, &doubt);

    if (err != DT_OK || doubt || in->own || p->first > p->epoch || p->first < c->first ||
        p->epoch - p->first >= HELD_KEPT || mls_group_epoch(ch->group) - p->first >= HELD_KEPT)
        return err;
    if ((err = held_sum(a, ch->group_id, p->first, p->epoch, &ours)) != DT_OK || ours == p->count)
        return err;
    dt_person_from(a, in->letter, in->party, &who);
    return dt_alarm_add(a, p->count > ours ? DT_ALARM_WITHHELD : DT_ALARM_RELAY, ch->group_id,
                        in->position, &who,
                        "a member holds %llu messages of the epochs %llu to %llu, we hold %llu: "
                        "one of the two was shown more",
                        (unsigned long long)p->count, (unsigned long long)p->first,
                        (unsigned long long)p->epoch, (unsigned long long)ours);
}

enum dt_err
dt_closing_take(struct dt_agent *a, const struct dt_channel *ch, const struct dt_incoming *in,
                const uint8_t invitation_id[static 16])
{
    const struct dt_payload *p = in->payload;
    struct closing c;
    uint64_t before = 0;
    uint8_t key[48];
    enum dt_err err;

    if (p->epoch >= in->epoch)
        return dt_fail(DT_ERR_REFUSED, "it closes an epoch that has not ended for its sender");
    if ((err = closing_get(a, ch, &c)) != DT_OK ||
        (err = dt_closing_of_seat(a, ch->group_id, invitation_id, &before)) != DT_OK ||
        (err = cut_add(a, ch, p->epoch, in->position)) != DT_OK)
        return err;
    if (!p->held) {
        if (c.said <= p->epoch || in->own)
            return DT_OK;
        c.again = true; /* it did not reach who asks */
        return closing_put(a, ch->group_id, &c);
    }
    if ((err = compare(a, ch, &c, in)) != DT_OK || before > p->epoch)
        return err;
    memcpy(key, ch->group_id, 32);
    memcpy(key + 32, invitation_id, 16);
    return pair_put(a, "closed", dt_view_of(key), ch->group_id, 0, p->epoch + 1, 0);
}

/* ---- what we say ---- */

static enum dt_err
say(struct dt_agent *a, const struct dt_channel *ch, bool held, uint64_t epoch, uint64_t first,
    uint64_t count)
{
    struct dt_payload p = {.kind = DT_PAYLOAD_CLOSED,
                           .sent_ms = dt_agent_now(a),
                           .held = held,
                           .epoch = epoch,
                           .first = first,
                           .count = count};
    enum dt_err err = dt_random(p.id, sizeof p.id);

    return err != DT_OK ? err : dt_channel_send(a, ch->group_id, &p);
}

/* Lines before the one for ${epoch} say nothing any more. */
static enum dt_err
cuts_trim(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t epoch)
{
    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        enum dt_err err = dt_store_next(a->store, "cut", dt_view(group_id, 32), 0, &row);

        if (err != DT_OK || row.seq >= epoch)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        if ((err = dt_store_del(a->store, "cut", dt_buf_view(&row.key))) != DT_OK)
            return err;
    }
}

/* What we take no more of is wiped in the transaction in which we begin to say so. */
static enum dt_err
close_to(struct dt_agent *a, struct dt_channel *ch, struct closing *c, uint64_t epoch)
{
    uint64_t first = c->said > c->first ? c->said : c->first, count = 0;
    enum dt_err err;

    if (first > epoch)
        first = epoch + 1;
    else if ((err = held_sum(a, ch->group_id, first, epoch, &count)) != DT_OK)
        return err;
    if ((err = cuts_trim(a, ch->group_id, epoch)) != DT_OK)
        return err;
    mls_group_forget_past(ch->group, epoch);
    c->said = epoch + 1;
    c->again = false;
    return say(a, ch, true, epoch, first, count);
}

/* What is to be closed by us: what was called for; of a stay that began later, all before it. */
static enum dt_err
close_due(struct dt_agent *a, struct dt_channel *ch, struct closing *c, bool *changed)
{
    uint64_t epoch = 0;
    bool doubt = false;
    enum dt_err err = last_cut(a, ch->group_id, &epoch);
    bool called = err == DT_OK;

    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    if (c->first > 1 && c->first <= mls_group_epoch(ch->group) &&
        (!called || epoch < c->first - 1)) {
        epoch = c->first - 1;
        called = true;
    }
    if (called && c->said > epoch)
        called = c->again;
    if (!called || epoch >= mls_group_epoch(ch->group))
        return DT_OK;
    if (c->said > epoch)
        epoch = c->said - 1;
    if ((err = dt_closing_doubt(a, ch, &doubt)) != DT_OK || doubt)
        return err;
    *changed = true;
    return close_to(a, ch, c, epoch);
}

/* A call for the last of our replaced keys that have waited long enough. It is made again as long
 * as someone does not answer: a relay that was lost may have had the answer. */
static enum dt_err
call_due(struct dt_agent *a, const struct dt_channel *ch, struct closing *c, bool *changed)
{
    uint64_t at = 0, now = dt_agent_now(a), epoch = 0;
    bool any = false;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_spent_clear) struct dt_spent x = {0};

        if ((err = dt_spent_next(a, ch->group_id, at, &x)) != DT_OK)
            break;
        at = x.seq + 1;
        if (x.seed.n == 0 || x.sent_ms != 0 || now < x.replaced_ms + DT_CLOSE_AFTER_MS ||
            x.epoch >= mls_group_epoch(ch->group) || (any && x.epoch <= epoch))
            continue;
        any = true;
        epoch = x.epoch;
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    if (!any || (c->called > epoch && now < c->called_ms + DT_CALL_AGAIN_MS))
        return DT_OK;
    c->called = epoch + 1;
    c->called_ms = now;
    *changed = true;
    return say(a, ch, false, epoch, 0, 0);
}

enum dt_err
dt_closing_step(struct dt_agent *a, struct dt_channel *ch, bool *out_forgot)
{
    struct closing c;
    bool changed = false;
    enum dt_err err;

    if ((err = closing_get(a, ch, &c)) != DT_OK || (err = close_due(a, ch, &c, &changed)) != DT_OK)
        return err;
    *out_forgot = changed;
    if ((err = call_due(a, ch, &c, &changed)) != DT_OK || !changed)
        return err;
    return closing_put(a, ch->group_id, &c);
}
