/*
 * agent/sync/sync.c - the loop over inbox, channels and outbox; the only file of this room that
 * waits for the relay (with run.c, outbox.c and the register's).
 *
 * Source: docs/protocol-agent.md "Sync"; docs/protocol-relay.md.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "agent/channel/review.h"
#include "agent/home/amendment.h"
#include "agent/keep/destroy.h"
#include "agent/register/register.h"
#include "agent/sync/ahead.h"
#include "agent/talk/line.h"
#include "agent/talk/receipt_internal.h"

#define ROUNDS_MAX 200u

/* Create a queue with the token of a grant; the relay's answer must be the address that we
 * computed. */
static enum dt_err
create_queue(struct dt_agent *a, const uint8_t queue_token[static 32], struct dt_view read_token,
             struct dt_view write_token, const uint8_t want[static 32])
{
    struct dt_wire_create create;
    uint8_t address[32];
    enum dt_err err;

    memcpy(create.queue_token, queue_token, 32);
    if ((err = dt_sha256(read_token, create.read_hash)) != DT_OK ||
        (err = dt_sha256(write_token, create.write_hash)) != DT_OK ||
        (err = dt_relay_queue_create(a->queue_http, a->grant.relay, &create, address)) != DT_OK)
        return err;
    dt_wipe(&create, sizeof create);
    return memcmp(address, want, 32) == 0
               ? DT_OK
               : dt_fail(DT_ERR_CONFLICT, "the relay answered with another queue than asked for");
}

static enum dt_err
ensure_inbox(struct dt_agent *a)
{
    bool ready = false;
    uint64_t position = 0;
    enum dt_err err = dt_inbox_state(a, &ready, &position);

    if (err != DT_OK || ready)
        return err;
    if ((err = create_queue(a, a->grant.queue_token, dt_view(a->inbox_tokens.p, 32),
                            dt_view(a->inbox_tokens.p + 32, 32), a->inbox_address)) != DT_OK)
        return dt_fail_context(err, "inbox");
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_inbox_state(a, &ready, &position)) == DT_OK)
        err = dt_inbox_state_set(a, true, position);
    return dt_store_end(a->store, err);
}

/* The first item of an answer must be the next position. A relay that says there is more and does
 * not show it, or leaves something out, is not asked again and again. */
static enum dt_err
check_gap(bool more, const struct dt_wire_item *first, uint64_t position)
{
    if (!more)
        return dt_fail(
            DT_ERR_PROOF,
            "the relay says that there is more after position %llu, and does not show it",
            (unsigned long long)position);
    if (first->position != position + 1)
        return dt_fail(DT_ERR_PROOF, "the relay's queue goes on at position %llu after %llu",
                       (unsigned long long)first->position, (unsigned long long)position);
    return DT_OK;
}

/* A relay can show cells that nobody can read without end; one read of a queue goes through so many
 * of them and no more. */
static enum dt_err
check_unread(const struct dt_sync_report *report, size_t before, uint64_t position)
{
    if (report->unread - before <= DT_UNREAD_PER_SYNC)
        return DT_OK;
    return dt_fail(
        DT_ERR_PROOF,
        "the relay shows one cell after another that cannot be read, the last at position "
        "%llu; the next sync goes on there",
        (unsigned long long)position);
}

/* Cells of the inbox that are remembered no longer can be shown again in turns. */
static enum dt_err
too_much(uint64_t position)
{
    return dt_fail(DT_ERR_LIMIT,
                   "the inbox holds more than one sync reads; the next goes on at position %llu",
                   (unsigned long long)position);
}

/* The cells behind ${after} of a queue: those that came with a long poll, or asked for now. */
static enum dt_err
read_queue(struct dt_agent *a, const uint8_t address[static DT_RELAY_ADDRESS],
           struct dt_view read_token, uint64_t after, struct dt_buf *out, uint64_t *out_first)
{
    return dt_ahead_take(a, address, after, out)
               ? DT_OK
               : dt_relay_read_kept(a->queue_http, a->grant.relay, address, read_token, after, out,
                                    out_first);
}

static enum dt_err
read_inbox(struct dt_agent *a, struct dt_sync_report *report)
{
    size_t unread = report->unread;
    bool expired = false; /* once a sync: a relay could say so of one cell after the other */

    for (;;) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
        struct dt_wire_items items;
        struct dt_wire_item item;
        uint64_t position = 0, last = 0, first = 0;
        bool ready = false, more = true;
        enum dt_err err;

        if ((err = dt_inbox_review_begin(a)) != DT_OK ||
            (err = dt_inbox_state(a, &ready, &position)) != DT_OK)
            return dt_fail_context(err, "inbox");
        err = read_queue(a, a->inbox_address, dt_view(a->inbox_tokens.p, 32), position, &answer,
                         &first);
        if (err == DT_ERR_EXPIRED && !expired) {
            expired = true;
            if ((err = dt_inbox_expired(a, first)) != DT_OK)
                return err;
            continue;
        }
        if (err != DT_OK ||
            (err = dt_wire_items_begin(dt_buf_view(&answer), &last, &items)) != DT_OK)
            return dt_fail_context(err, "inbox");
        if (last <= position) {
            if ((err = dt_inbox_review_end(a, last)) != DT_OK ||
                (err = dt_inbox_review_due(a, &more)) != DT_OK || !more)
                return err;
            continue;
        }
        if ((err = dt_wire_items_next(&items, &item, &more)) != DT_OK ||
            (err = check_gap(more, &item, position)) != DT_OK)
            return dt_fail_context(err, "inbox");
        for (; more; err = dt_wire_items_next(&items, &item, &more)) {
            if (a->inbox_left == 0)
                return too_much(item.position);
            if (err != DT_OK || (err = dt_inbox_take_cell(a, &item, report)) != DT_OK ||
                (err = check_unread(report, unread, item.position)) != DT_OK)
                return dt_fail_context(err, "inbox");
            a->inbox_left--;
        }
    }
}

/* Make sure that the channel's queue is there. */
static enum dt_err
ensure_queue(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint64_t number;
    bool reads = false;
    enum dt_err err = dt_channel_load_row(a, group_id, &ch);

    if (err != DT_OK || ch.queue_made || (err = dt_channel_reads(a, &ch, &reads)) != DT_OK ||
        !reads)
        return err;
    number = ch.queue_number;
    /* A Welcome of before the relay was replaced names the token of that one. */
    if ((err = create_queue(
             a, dt_agent_amended(a).n_registers > 0 ? a->grant.queue_token : ch.queue_token,
             dt_queue_read_token(&ch.queue), dt_queue_write_token(&ch.queue), ch.queue.address)) !=
        DT_OK)
        return dt_fail_context(err, "queue of a channel");
    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load_row(a, group_id, &ch)) == DT_OK && ch.queue_number == number) {
        ch.queue_made = true;
        err = dt_channel_save(a, &ch, false);
    }
    return dt_store_end(a->store, err);
}

/* Take in the cells of one answer. Stops where the queue is to be read again: ending->again. */
static enum dt_err
take_cells(struct dt_agent *a, const struct dt_channel *ch, struct dt_wire_items *items,
           struct dt_wire_item *item, struct dt_ending *ending, size_t unread,
           struct dt_sync_report *report)
{
    bool more = true;
    enum dt_err err = DT_OK;

    for (; more && !ending->again; err = dt_wire_items_next(items, item, &more)) {
        if (err != DT_OK ||
            (err = dt_channel_take_cell(a, ch->group_id, ch->queue_number, item, ending, report)) !=
                DT_OK ||
            (err = check_unread(report, unread, item->position)) != DT_OK)
            return err;
        dt_agent_tell(a);
    }
    return err;
}

/* Read one channel's queue to its end; a Commit may end the queue on the way. What cannot be right
 * is read again at once, and then at later syncs. */
static enum dt_err
read_channel(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_sync_report *report)
{
    struct dt_ending ending = {0};
    size_t unread = report->unread;
    bool expired = false; /* once: a relay could say so of one cell after the other */
    enum dt_err err = dt_channel_note_absence(a, group_id);

    if (err != DT_OK)
        return err;
    for (;;) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf answer = DT_BUF_INIT(DT_NET_ANSWER_MAX);
        struct dt_wire_items items;
        struct dt_wire_item item;
        uint64_t last = 0, first = 0;
        bool more = true, reads = false;

        if ((err = ensure_queue(a, group_id)) != DT_OK ||
            (err = dt_channel_review_begin(a, group_id)) != DT_OK ||
            (err = dt_channel_load_row(a, group_id, &ch)) != DT_OK ||
            (err = dt_channel_reads(a, &ch, &reads)) != DT_OK || !reads)
            return err;
        err = read_queue(a, ch.queue.address, dt_queue_read_token(&ch.queue), ch.position, &answer,
                         &first);
        if (err == DT_ERR_EXPIRED && !expired) {
            expired = true;
            if ((err = dt_channel_expired(a, group_id, ch.queue.address, first)) != DT_OK)
                return err;
            continue;
        }
        if (err != DT_OK ||
            (err = dt_wire_items_begin(dt_buf_view(&answer), &last, &items)) != DT_OK)
            return dt_fail_context(err, "channel %s", ch.founding.name);
        if (last <= ch.position) {
            if ((err = dt_channel_review_end(a, group_id, last)) != DT_OK ||
                (err = dt_channel_review_due(a, group_id, &more)) != DT_OK)
                return err;
            if (!more)
                return dt_channel_note_read(a, group_id);
            continue;
        }
        if ((err = dt_wire_items_next(&items, &item, &more)) != DT_OK ||
            (err = check_gap(more, &item, ch.position)) != DT_OK)
            return dt_fail_context(err, "channel %s", ch.founding.name);
        if (ending.queue != ch.queue_number)
            ending = (struct dt_ending){.queue = ch.queue_number};
        ending.last = last;
        if ((err = take_cells(a, &ch, &items, &item, &ending, unread, report)) != DT_OK)
            return dt_fail_context(err, "channel %s", ch.founding.name);
        if (!ending.again)
            continue;
        ending.again = false;
        ending.looked = true;
        if ((err = dt_channel_review_now(a, group_id)) != DT_OK)
            return err;
    }
}

/* What an earlier sync, or round, put on the relay must be there after reading to the end. */
#define ACKNOWLEDGED_MAX 64u
struct acknowledged {
    size_t n;
    struct dt_outbox_mark mark[ACKNOWLEDGED_MAX];
};

/* Ours that did not come back although the relay acknowledged it: told, and appended once more. The
 * relay stores the same bytes under the same id once, so this does no harm if it had it all along.
 * Each once a sync (${again}). */
static enum dt_err
append_again(struct dt_agent *a, const uint8_t group_id[static 32],
             const struct acknowledged *before, struct acknowledged *again)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < before->n; i++) {
        bool done = again->n == ACKNOWLEDGED_MAX;

        for (size_t k = 0; k < again->n && !done; k++)
            done = memcmp(again->mark[k].append_id, before->mark[i].append_id, 16) == 0;
        if (done)
            continue;
        again->mark[again->n++] = before->mark[i];
        err = dt_outbox_not_back(a, group_id, &before->mark[i]);
    }
    return err;
}

/* The first error of a round that concerns one channel, or the inbox, alone. */
struct trouble {
    enum dt_err err;
    char text[240];
};

/* Must everything stop at ${err}? Without network or disk nothing else works either. What one queue
 * or one channel's members did wrong (a bad token in a Welcome, a queue that is gone) keeps no
 * other from being read. */
static bool
stops_all(struct trouble *t, enum dt_err err)
{
    if (err == DT_ERR_NOMEM || err == DT_ERR_IO || err == DT_ERR_BUSY || err == DT_ERR_NET)
        return true;
    if (t->err == DT_OK) {
        t->err = err;
        (void)snprintf(t->text, sizeof t->text, "%s", dt_err_message());
    }
    return false;
}

/* Read what a state that sends nothing any more still can, before a Welcome replaces it. */
static enum dt_err
read_lapsed(struct dt_agent *a, struct dt_sync_report *report, struct trouble *t)
{
    uint64_t at = 0;
    uint8_t group_id[32];
    enum dt_err err;

    while ((err = dt_channel_next(a, &at, group_id)) == DT_OK) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};

        if ((err = dt_channel_load_row(a, group_id, &ch)) != DT_OK)
            return err;
        if (ch.state == DT_CHANNEL_BROKEN && (err = read_channel(a, group_id, report)) != DT_OK &&
            stops_all(t, err))
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* A channel whose queue was read to the end in this round. */
struct heard {
    uint8_t group_id[32];
    struct acknowledged before; /* the reading */
    uint64_t number;            /* of the store, before it */
};

struct heard_list {
    struct heard *v;
    size_t n;
};

static void
heard_clear(struct heard_list *h)
{
    dt_free(h->v);
}

static enum dt_err
hear(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_sync_report *report,
     struct heard_list *list)
{
    struct heard *grown = dt_realloc(list->v, list->n + 1, sizeof *grown), *h;
    enum dt_err err;

    if (grown == NULL)
        return dt_nomem();
    list->v = grown;
    h = &grown[list->n];
    *h = (struct heard){0};
    memcpy(h->group_id, group_id, 32);
    if ((err = dt_outbox_acknowledged(a, group_id, ACKNOWLEDGED_MAX, h->before.mark,
                                      &h->before.n)) == DT_OK &&
        (err = dt_store_number(a->store, &h->number)) == DT_OK &&
        (err = read_channel(a, group_id, report)) == DT_OK)
        list->n++;
    return err;
}

static enum dt_err
read_all(struct dt_agent *a, struct dt_sync_report *report, size_t *made, struct heard_list *heard,
         struct trouble *t)
{
    uint64_t at = 0;
    uint8_t group_id[32];
    enum dt_err err;

    while ((err = dt_channel_next(a, &at, group_id)) == DT_OK) {
        bool founded = false;

        err = dt_founding_try(a, group_id, &founded);
        *made += founded;
        if (err == DT_OK)
            err = hear(a, group_id, report, heard);
        if (err != DT_OK && stops_all(t, err))
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* What was sealed before a lapse stays in the outbox: it is sealed anew once we are back. */
static enum dt_err
say_in_channel(struct dt_agent *a, const struct heard *h, struct dt_sync_report *report,
               size_t *made, struct acknowledged *again)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum dt_err err;

    if ((err = dt_rejoin_missed(a, h->group_id)) != DT_OK ||
        (err = dt_rejoin_step(a, h->group_id, made)) != DT_OK ||
        (err = dt_channel_load_row(a, h->group_id, &ch)) != DT_OK || ch.state != DT_CHANNEL_LIVE ||
        (err = append_again(a, h->group_id, &h->before, again)) != DT_OK ||
        (err = dt_receipt_settle(a, h->group_id, h->number, report)) != DT_OK ||
        (err = dt_receipt_overdue(a, h->group_id)) != DT_OK ||
        (err = dt_line_step(a, h->group_id, made)) != DT_OK ||
        (err = dt_channel_prepare(a, h->group_id, made)) != DT_OK)
        return err;
    return dt_outbox_flush(a, h->group_id, &report->sent);
}

static enum dt_err
say_all(struct dt_agent *a, struct dt_sync_report *report, size_t *made,
        const struct heard_list *heard, struct acknowledged *again, struct trouble *t)
{
    for (size_t i = 0; i < heard->n; i++) {
        enum dt_err err = say_in_channel(a, &heard->v[i], report, made, again);

        if (err != DT_OK && stops_all(t, err))
            return err;
    }
    return dt_outbox_flush(a, NULL, &report->sent);
}

/**
 * one_round(a, report, out_quiet, out_trouble):
 * First everything is read, and only then is anything said anywhere: one queue may show that the
 * whole store is a restored copy. ${out_trouble}: in this round; the round went on in spite of it.
 */
static enum dt_err
one_round(struct dt_agent *a, struct dt_sync_report *report, struct acknowledged *again,
          bool *out_quiet, struct trouble *out_trouble)
{
    DT_CLEANUP(heard_clear) struct heard_list heard = {0};
    struct trouble t = {0};
    struct dt_sync_report before = *report;
    size_t made = 0;
    enum dt_err err;

    if ((err = read_lapsed(a, report, &t)) != DT_OK)
        return err;
    if ((err = read_inbox(a, report)) != DT_OK && stops_all(&t, err))
        return err;
    if ((err = read_all(a, report, &made, &heard, &t)) != DT_OK ||
        (err = dt_lapse_spread(a)) != DT_OK ||
        (err = say_all(a, report, &made, &heard, again, &t)) != DT_OK)
        return err;
    /* What was passed over makes nothing that another round could do. */
    *out_quiet = made == 0 && report->received == before.received && report->sent == before.sent;
    *out_trouble = t;
    return DT_OK;
}

/* What is left to be sent, for the report. */
static enum dt_err
count_waiting(struct dt_agent *a, struct dt_sync_report *report)
{
    uint64_t at = 0, n = 0;
    uint8_t group_id[32];
    enum dt_err err = dt_outbox_count(a, NULL, &n);

    if (err != DT_OK)
        return err;
    report->waiting = (size_t)n;
    while ((err = dt_channel_next(a, &at, group_id)) == DT_OK) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        uint64_t rows = 0, intents = 0;

        if ((err = dt_channel_load_row(a, group_id, &ch)) != DT_OK)
            return err;
        if (ch.state == DT_CHANNEL_LEFT)
            continue; /* what was not said before will not be */
        if ((err = dt_outbox_count(a, group_id, &rows)) != DT_OK ||
            (err = dt_store_count(a->store, "intent", dt_view(group_id, 32), &intents)) != DT_OK)
            return err;
        report->waiting += (size_t)(rows + intents);
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

void
dt_agent_on_progress(struct dt_agent *a,
                     void (*tell)(void *ctx, const struct dt_sync_report *so_far), void *ctx)
{
    a->tell = tell;
    a->tell_ctx = ctx;
}

void
dt_agent_on_step(struct dt_agent *a, bool (*go_on)(void *ctx, uint64_t done, uint64_t of),
                 void *ctx)
{
    a->go_on = go_on;
    a->go_on_ctx = ctx;
}

void
dt_agent_tell(const struct dt_agent *a)
{
    if (a->tell != NULL && a->so_far != NULL)
        a->tell(a->tell_ctx, a->so_far);
}

enum dt_err
dt_agent_sync(struct dt_agent *a, struct dt_sync_report *report)
{
    struct dt_sync_report r = {0};
    struct trouble trouble = {0};
    struct acknowledged again = {0};
    bool quiet = false;
    enum dt_err err = dt_agent_refresh(a);

    a->reviews_left = DT_REVIEWS_PER_SYNC;
    a->inbox_left = a->inbox_cells > 0 ? a->inbox_cells : DT_INBOX_PER_SYNC;
    a->so_far = &r;
    if (err == DT_OK)
        err = dt_agent_destroy(a, false, &r.destroyed);
    if (err == DT_OK)
        err = ensure_inbox(a);
    for (unsigned int i = 0; err == DT_OK && !quiet && i < ROUNDS_MAX; i++)
        err = one_round(a, &r, &again, &quiet, &trouble);
    /* What was heard may be what was waited for: then the others are told with the next sync. */
    if (err == DT_OK)
        err = dt_agent_destroy(a, false, &r.destroyed);
    if (err == DT_OK)
        err = dt_tell_relay(a);
    if (err == DT_OK)
        err = count_waiting(a, &r);
    a->so_far = NULL;
    if (report != NULL)
        *report = r;
    return err == DT_OK && trouble.err != DT_OK ? dt_fail(trouble.err, "%s", trouble.text) : err;
}
