/*
 * agent/talk/receipt.c - receipts: sent when they are owed, taken and held against our own
 * transcript.
 *
 * Source: docs/protocol-agent.md "Receipts". DESIGN "What must hold" 3 and 6: all of this is talk.
 * Table "claim": (group id, invitation id), parent group id, seq running.
 */
#include <string.h>

#include "base/wire.h"

#include "agent/register/heard.h"
#include "agent/sync/queue_review.h"
#include "agent/talk/receipt_internal.h"

#define ROW_VERSION 1
#define CLAIM_MAX   256u

/* ---- epochs ---- */

enum dt_err
dt_receipt_epoch(struct dt_agent *a, const struct dt_channel *ch)
{
    enum dt_err err = dt_transcript_begin(a, ch);

    return err != DT_OK ? err : dt_receipt_seats_update(a, ch);
}

enum dt_err
dt_receipt_join(struct dt_agent *a, const struct dt_channel *ch)
{
    static const char *const tables[] = {"receipt", "claim", "copy"};
    enum dt_err err = dt_transcript_forget(a, ch->group_id);

    for (size_t i = 0; err == DT_OK && i < sizeof tables / sizeof tables[0]; i++)
        err = dt_store_del_parent(a->store, tables[i], dt_view_of(ch->group_id));
    if (err == DT_OK)
        err = dt_awaited_forget(a, ch->group_id);
    return err != DT_OK ? err : dt_receipt_epoch(a, ch);
}

/* ---- sending ---- */

static enum dt_err
send_one(struct dt_agent *a, struct dt_channel *ch, const struct dt_transcript *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf authenticator = DT_BUF_INIT(DT_AUTHENTICATOR_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf body = DT_BUF_INIT(512);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf message = DT_BUF_INIT(DT_COPY_MAX);
    struct dt_payload p = {.kind = DT_PAYLOAD_RECEIPT,
                           .sent_ms = dt_agent_now(a),
                           .epoch = t->epoch,
                           .position = t->position,
                           .count = t->position - t->start};
    uint8_t append_id[16];
    enum dt_err err;

    memcpy(p.root, t->root, sizeof p.root);
    err = dt_heard_say(a, &p.heard);
    p.has_heard = err == DT_OK;
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    if ((err = dt_channel_authenticator(a, ch->group_id, t->epoch, &authenticator)) != DT_OK)
        return err;
    p.authenticator = dt_buf_view(&authenticator);
    if ((err = dt_random(p.id, sizeof p.id)) != DT_OK ||
        (err = dt_payload_encode(&p, &body)) != DT_OK ||
        (err = mls_group_protect(ch->group, dt_view(NULL, 0), dt_buf_view(&body), 0, &message)) !=
            DT_OK ||
        (err = dt_outbox_to_queue(a, ch, DT_OUTBOX_PAYLOAD, p.id, dt_buf_view(&message),
                                  dt_buf_view(&body), append_id)) != DT_OK ||
        (err = dt_transcript_sent(a, ch->group_id, t->epoch)) != DT_OK)
        return err;
    return dt_copies_send(a, ch, dt_buf_view(&message));
}

/* Others note no receipt under a session key whose voucher has run out: it waits for our rotation.
 */
static enum dt_err
own_voucher_valid(struct dt_agent *a, const struct dt_channel *ch, bool *out)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};
    struct dt_rules rules = dt_channel_rules(a, ch);
    enum dt_err err = dt_seat_of(&rules, ch->group, mls_group_own_leaf(ch->group), &own);

    *out = err == DT_OK && dt_voucher_valid_at(&own.voucher, dt_agent_now(a));
    return err;
}

enum dt_err
dt_receipt_send(struct dt_agent *a, struct dt_channel *ch, size_t *made)
{
    struct dt_transcript t = {0};
    bool valid = false, whole = false;
    enum dt_err err = dt_transcript_whole(a, ch, &whole);

    if (err != DT_OK || !whole)
        return err;

    for (uint64_t at = 0; (err = dt_transcript_next(a, ch->group_id, at, &t)) == DT_OK;
         at = t.epoch + 1) {
        bool stands = false;

        if (!t.due)
            continue;
        if ((err = dt_transcript_stands(a, ch->group_id, t.epoch, &stands)) != DT_OK)
            return err;
        if (!stands)
            continue;
        if (!valid && ((err = own_voucher_valid(a, ch, &valid)) != DT_OK || !valid))
            return err;
        if ((err = send_one(a, ch, &t)) != DT_OK)
            return err;
        (*made)++;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* ---- claims ---- */

static void
claim_key(uint8_t out[static 48], const uint8_t group_id[static 32],
          const uint8_t invitation_id[static 16])
{
    memcpy(out, group_id, 32);
    memcpy(out + 32, invitation_id, 16);
}

static enum dt_err
claim_put(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t seq,
          const struct dt_claim *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(CLAIM_MAX);
    struct dt_writer w = dt_writer_init(&value);
    uint8_t key[48];
    enum dt_err err;

    claim_key(key, group_id, c->invitation_id);
    dt_write_u8(&w, ROW_VERSION);
    dt_write_view(&w, dt_view_of(c->invitation_id));
    dt_write_view(&w, dt_view_of(c->letter_hash));
    dt_write_u64(&w, c->epoch);
    dt_write_u64(&w, c->position);
    dt_write_u64(&w, c->count);
    dt_write_view(&w, dt_view_of(c->root));
    dt_write_optional(&w, c->standing);
    dt_write_u64(&w, c->time_ms);
    dt_write_u64(&w, c->made);
    dt_write_optional(&w, c->told);
    dt_write_optional(&w, c->forked);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put(a->store, "claim", dt_view_of(key), dt_view(group_id, 32), seq,
                        dt_buf_view(&value));
}

static enum dt_err
claim_decode(struct dt_view v, struct dt_claim *out)
{
    struct dt_reader r = dt_reader_init(v);
    uint8_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u8(&r, &version)) != DT_OK ||
        (err = dt_read_fixed(&r, out->invitation_id, 16)) != DT_OK ||
        (err = dt_read_fixed(&r, out->letter_hash, 32)) != DT_OK ||
        (err = dt_read_u64(&r, &out->epoch)) != DT_OK ||
        (err = dt_read_u64(&r, &out->position)) != DT_OK ||
        (err = dt_read_u64(&r, &out->count)) != DT_OK ||
        (err = dt_read_fixed(&r, out->root, 32)) != DT_OK ||
        (err = dt_read_optional(&r, &out->standing)) != DT_OK ||
        (err = dt_read_u64(&r, &out->time_ms)) != DT_OK ||
        (err = dt_read_u64(&r, &out->made)) != DT_OK ||
        (err = dt_read_optional(&r, &out->told)) != DT_OK ||
        (err = dt_read_optional(&r, &out->forked)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return dt_fail_context(err, "claim row");
    return version == ROW_VERSION
               ? DT_OK
               : dt_fail(DT_ERR_UNSUPPORTED, "a row is kept in version %u, which is not known here",
                         version);
}

enum dt_err
dt_claim_get(struct dt_agent *a, const uint8_t group_id[static 32],
             const uint8_t invitation_id[static 16], struct dt_claim *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(CLAIM_MAX);
    uint8_t key[48];
    enum dt_err err;

    claim_key(key, group_id, invitation_id);
    err = dt_store_get_blob(a->store, "claim", dt_view_of(key), &value);
    return err != DT_OK ? err : claim_decode(dt_buf_view(&value), out);
}

/* Of each seat the newest, which goes furthest. An episode begins with the first. */
static enum dt_err
claim_keep(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_claim *c)
{
    struct dt_claim old = {0};
    uint64_t seq = 0;
    enum dt_err err = dt_claim_get(a, group_id, c->invitation_id, &old);

    if (err == DT_OK) {
        if (old.epoch > c->epoch || (old.epoch == c->epoch && old.position > c->position))
            return DT_OK;
        c->told = old.told;
        c->forked = old.forked && old.epoch == c->epoch;
        c->time_ms = old.time_ms;
    } else if (err != DT_ERR_NOT_FOUND) {
        return err;
    }
    if ((err = dt_store_number(a->store, &c->made)) != DT_OK ||
        (err = dt_store_next_seq(a->store, "claim", dt_view(group_id, 32), &seq)) != DT_OK)
        return err;
    c->made++; /* the transaction that is open will be the next */
    return claim_put(a, group_id, seq, c);
}

static enum dt_err
claim_drop(struct dt_agent *a, const uint8_t group_id[static 32], const struct dt_claim *c)
{
    uint8_t key[48];

    claim_key(key, group_id, c->invitation_id);
    return dt_store_del(a->store, "claim", dt_view_of(key));
}

/* ---- judging ---- */

enum verdict {
    SAME,   /* it agrees with what we were shown */
    OTHER,  /* it does not, and both cannot be true of one queue */
    AHEAD,  /* we were not shown that much yet */
    UNKNOWN /* of what is not kept */
};

static enum dt_err
judge(struct dt_agent *a, const struct dt_channel *ch, const struct dt_claim *c, enum verdict *out,
      struct dt_place *out_place)
{
    struct dt_transcript t = {0};
    uint8_t root[32];
    bool stands = false;
    enum dt_err err = dt_transcript_of(a, ch->group_id, c->epoch, &t);

    *out = UNKNOWN;
    if (err == DT_OK)
        err = dt_transcript_stands(a, ch->group_id, c->epoch, &stands);
    if (err != DT_OK || !stands)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    *out_place = (struct dt_place){t.queue_number, c->position};
    *out = OTHER;
    if (c->position - c->count != t.start) /* the epoch began elsewhere */
        return DT_OK;
    if (c->position > t.position) {
        if (c->epoch == mls_group_epoch(ch->group))
            *out = AHEAD;
        return DT_OK; /* the epoch ended elsewhere */
    }
    err = dt_transcript_at(a, ch->group_id, c->epoch, c->position, root);
    if (err == DT_ERR_NOT_FOUND) {
        *out = UNKNOWN;
        return DT_OK;
    }
    if (err == DT_OK && dt_ct_equal(dt_view_of(root), dt_view_of(c->root)))
        *out = SAME;
    return err;
}

/* Once a seat and epoch; *${out_new} says whether now. ${what} differs. */
static enum dt_err
tell_fork(struct dt_agent *a, const struct dt_channel *ch, const struct dt_claim *c,
          const char *what, bool *out_new)
{
    struct dt_receipt_seat seat = {0};
    struct dt_person who;
    bool known = false;
    enum dt_err err = dt_person_by_hash(a, c->letter_hash, &known, &who);

    *out_new = false;
    if (err != DT_OK)
        return err;
    err = dt_receipt_seat_get(a, ch->group_id, c->invitation_id, &seat);
    if (err == DT_OK) {
        if (seat.forked == c->epoch + 1)
            return DT_OK;
        seat.forked = c->epoch + 1;
        err = dt_receipt_seat_put(a, ch->group_id, &seat);
    }
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    *out_new = true;
    return dt_alarm_add(a, DT_ALARM_FORK, ch->group_id, c->position, known ? &who : NULL,
                        "fork: a receipt has %s than ours: compare by voice what was said", what);
}

/* The end of an episode: ${c} was told of, and what we were shown agrees with it by now. */
static enum dt_err
tell_agrees(struct dt_agent *a, const struct dt_channel *ch, const struct dt_claim *c)
{
    struct dt_person who;
    bool known = false;
    uint64_t now = dt_agent_now(a);
    char span[DT_TIME_STR];
    enum dt_err err = dt_person_by_hash(a, c->letter_hash, &known, &who);

    if (err != DT_OK)
        return err;
    dt_span_str(span, now > c->time_ms ? now - c->time_ms : 0);
    if (c->forked)
        return dt_alarm_add(a, DT_ALARM_FORK, ch->group_id, c->position, known ? &who : NULL,
                            "what we were shown otherwise was shown after %s as this member was, "
                            "and agrees",
                            span);
    return dt_alarm_add(a, DT_ALARM_WITHHELD, ch->group_id, c->position, known ? &who : NULL,
                        "what was withheld up to position %llu was shown after %s, and agrees",
                        (unsigned long long)c->position, span);
}

/* A receipt up to ${place} agrees. What its sender said before and did not agree is over with that.
 */
static enum dt_err
agrees(struct dt_agent *a, const struct dt_channel *ch, const struct dt_claim *c,
       struct dt_place place)
{
    struct dt_receipt_seat seat = {0};
    struct dt_claim old = {0};
    bool seated;
    enum dt_err err = dt_receipt_seat_get(a, ch->group_id, c->invitation_id, &seat);

    seated = err == DT_OK;
    if (err != DT_OK && err != DT_ERR_NOT_FOUND)
        return err;
    err = dt_claim_get(a, ch->group_id, c->invitation_id, &old);
    if (err == DT_OK && old.epoch == c->epoch && old.position <= c->position) {
        bool over = old.forked && seat.forked == old.epoch + 1;

        if (over)
            seat.forked = 0;
        if ((err = claim_drop(a, ch->group_id, &old)) != DT_OK ||
            (over && (err = dt_receipt_seat_put(a, ch->group_id, &seat)) != DT_OK) ||
            (old.told && (over || !old.forked) && (err = tell_agrees(a, ch, &old)) != DT_OK))
            return err;
    } else if (err != DT_OK && err != DT_ERR_NOT_FOUND) {
        return err;
    }
    return seated && c->standing ? dt_receipt_arrived(a, ch->group_id, &seat, c->epoch, place)
                                 : DT_OK;
}

enum dt_err
dt_receipt_take(struct dt_agent *a, const struct dt_channel *ch, const struct dt_incoming *in,
                const struct dt_seat *s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf ours = DT_BUF_INIT(DT_AUTHENTICATOR_MAX);
    const struct dt_payload *p = in->payload;
    struct dt_claim c = {.epoch = p->epoch,
                         .position = p->position,
                         .count = p->count,
                         .standing = in->standing,
                         .time_ms = dt_agent_now(a)};
    struct dt_place place = {0};
    enum verdict verdict;
    bool told;
    enum dt_err err;

    memcpy(c.invitation_id, s->voucher.invitation_id, 16);
    memcpy(c.letter_hash, s->letter.hash, 32);
    memcpy(c.root, p->root, 32);
    if (p->epoch > in->epoch)
        return dt_fail(DT_ERR_REFUSED, "a receipt for an epoch that its sender had not reached");
    if (p->has_heard && (err = dt_heard_take(a, s->letter.hash, &p->heard)) != DT_OK)
        return err;
    err = dt_channel_authenticator(a, ch->group_id, p->epoch, &ours);
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK; /* an epoch before we joined */
    if (err != DT_OK)
        return err;
    if (!dt_ct_equal(dt_buf_view(&ours), p->authenticator))
        return tell_fork(a, ch, &c, "another authenticator of its epoch", &told);
    if ((err = judge(a, ch, &c, &verdict, &place)) != DT_OK || verdict == UNKNOWN)
        return err;
    return verdict == SAME ? agrees(a, ch, &c, place) : claim_keep(a, ch->group_id, &c);
}

/* ---- when the queue has been read to its end ---- */

static enum dt_err
still_ahead(struct dt_agent *a, const struct dt_channel *ch, struct dt_claim *c, uint64_t seq)
{
    struct dt_person who;
    bool known = false;
    enum dt_err err;

    c->told = true;
    if ((err = dt_person_by_hash(a, c->letter_hash, &known, &who)) != DT_OK ||
        (err = claim_put(a, ch->group_id, seq, c)) != DT_OK)
        return err;
    return dt_alarm_add(a, DT_ALARM_WITHHELD, ch->group_id, c->position, known ? &who : NULL,
                        "withheld: has read up to position %llu, and the relay shows us only %llu: "
                        "ask for the rest by another way",
                        (unsigned long long)c->position, (unsigned long long)ch->position);
}

/* Somebody was shown other cells. If it was us, reading the queue again may show what they are. */
static enum dt_err
still_other(struct dt_agent *a, const struct dt_channel *ch, struct dt_claim *c, uint64_t seq,
            struct dt_place place)
{
    struct dt_receipt_seat seat = {0};
    bool told = false;
    enum dt_err err;

    if (c->forked)
        return DT_OK;
    err = tell_fork(a, ch, c, "another transcript, so other cells", &told);
    if (err != DT_OK)
        return err;
    err = dt_receipt_seat_get(a, ch->group_id, c->invitation_id, &seat);
    if (err == DT_ERR_NOT_FOUND) /* its seat is gone: nothing more will come */
        return claim_drop(a, ch->group_id, c);
    c->told = c->forked = true;
    if (err != DT_OK || (err = claim_put(a, ch->group_id, seq, c)) != DT_OK || !told ||
        place.queue_number != ch->queue_number)
        return err;
    return dt_review_ask(a, ch->queue.address);
}

static enum dt_err
settle_claims(struct dt_agent *a, const struct dt_channel *ch, uint64_t before)
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};
        struct dt_claim c = {0};
        struct dt_place place = {0};
        enum verdict verdict;

        if ((err = dt_store_next(a->store, "claim", dt_view_of(ch->group_id), at, &row)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = row.seq + 1;
        if ((err = claim_decode(dt_buf_view(&row.value), &c)) != DT_OK ||
            (err = judge(a, ch, &c, &verdict, &place)) != DT_OK)
            return err;
        switch (verdict) {
        case SAME:
            err = agrees(a, ch, &c, place);
            break;
        case OTHER:
            err = still_other(a, ch, &c, row.seq, place);
            break;
        case AHEAD:
            /* Of a reading that began before the claim was there, nothing follows. */
            err = c.told || c.made > before ? DT_OK : still_ahead(a, ch, &c, row.seq);
            break;
        case UNKNOWN:
            err = claim_drop(a, ch->group_id, &c);
            break;
        }
        if (err != DT_OK)
            return err;
    }
}

enum dt_err
dt_receipt_settle(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t before,
                  struct dt_sync_report *report)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint64_t claims = 0;
    bool copies = false, whole = false;
    enum dt_err err;

    if ((err = dt_store_count(a->store, "claim", dt_view(group_id, 32), &claims)) != DT_OK ||
        (err = dt_copies_any(a, group_id, &copies)) != DT_OK || (claims == 0 && !copies))
        return err;
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load(a, group_id, &ch)) == DT_OK && ch.state == DT_CHANNEL_LIVE &&
        (err = dt_transcript_whole(a, &ch, &whole)) == DT_OK && whole &&
        (err = dt_copies_retry(a, &ch, before, report)) == DT_OK)
        err = settle_claims(a, &ch, before);
    return dt_store_end(a->store, err);
}
