/*
 * agent/sync/inbox.c - what reached our inbox: opened, dispatched, and either taken in or passed
 * over.
 *
 * Source: docs/protocol-agent.md "Inbox".
 */
#include <stdio.h>
#include <string.h>

#include "base/wire.h"

#include "agent/sync/flows.h"
#include "agent/sync/queue_review.h"

enum dt_err
dt_inbox_state(struct dt_agent *a, bool *ready, uint64_t *position)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(16);
    struct dt_reader r;
    enum dt_err err = dt_store_get_blob(a->store, "self", dt_view_str("inbox"), &value);

    *ready = false;
    *position = 0;
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    r = dt_reader_init(dt_buf_view(&value));
    if (err != DT_OK || (err = dt_read_optional(&r, ready)) != DT_OK ||
        (err = dt_read_u64(&r, position)) != DT_OK)
        return err;
    return dt_read_end(&r);
}

enum dt_err
dt_inbox_state_set(struct dt_agent *a, bool ready, uint64_t position)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(16);
    struct dt_writer w = dt_writer_init(&value);
    enum dt_err err;

    dt_write_optional(&w, ready);
    dt_write_u64(&w, position);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_store_put_blob(a->store, "self", dt_view_str("inbox"), dt_buf_view(&value));
}

static const char *
kind_name(enum dt_inbox_kind kind)
{
    switch (kind) {
    case DT_INBOX_INVITATION:
        return "an invitation";
    case DT_INBOX_FOUNDING_SIGNATURE:
        return "a founding signature";
    case DT_INBOX_KEY_PACKAGE:
        return "a key package";
    case DT_INBOX_APPROVAL_REQUEST:
        return "a request for an approval";
    case DT_INBOX_APPROVAL:
        return "an approval";
    case DT_INBOX_WELCOME:
        return "a Welcome";
    case DT_INBOX_REJOIN:
        return "a request to re-join";
    case DT_INBOX_REVOCATION:
        return "a revocation";
    case DT_INBOX_COPY:
        return "a copy of a receipt";
    }
    return "a message";
}

static enum dt_err
dispatch(struct dt_agent *a, const struct dt_inbox_message *m, uint64_t position)
{
    switch (m->kind) {
    case DT_INBOX_INVITATION:
        return dt_invitation_take(a, m);
    case DT_INBOX_FOUNDING_SIGNATURE:
        return dt_founding_signature_take(a, m);
    case DT_INBOX_KEY_PACKAGE:
        return dt_key_package_take(a, m);
    case DT_INBOX_APPROVAL_REQUEST:
        return dt_approval_request_take(a, m);
    case DT_INBOX_APPROVAL:
        return dt_approval_take(a, m);
    case DT_INBOX_WELCOME:
        return dt_welcome_take(a, m, position);
    case DT_INBOX_REJOIN:
        return dt_rejoin_take(a, m);
    case DT_INBOX_REVOCATION:
        return dt_revocation_keep(a, m->revocation);
    case DT_INBOX_COPY:
        return dt_copy_take(a, m);
    }
    return dt_fail(DT_ERR_UNSUPPORTED, "an inbox message of a kind that is not known here");
}

/* What is remembered of the inbox, and of one cell of it. */
struct inbox_shown {
    struct dt_review review;
    struct dt_shown before;
    bool reviewing;   /* the inbox is read again */
    bool read_before; /* so far that this position was read before */
};

/* A cell that was taken in already counts once, wherever it is shown. */
static enum dt_err
pass_by(struct dt_agent *a, const struct dt_wire_item *item, struct inbox_shown *s,
        struct dt_sync_report *report)
{
    uint64_t before = s->before.position;
    bool moved = before != item->position;

    if (s->reviewing && (!moved || s->before.review != s->review.number)) {
        s->review.changed |= moved;
        s->before.position = item->position;
        s->before.review = s->review.number;
        return dt_shown_put(a, a->inbox_address, item->cell, &s->before);
    }
    report->passed_over++;
    report->unread++;
    dt_review_doubt(a, &s->review);
    return dt_alarm_add(
        a, DT_ALARM_RELAY, NULL, item->position, NULL,
        "the relay shows in the inbox again what it showed at position %llu; it counts once",
        (unsigned long long)before);
}

/* Passed over for now: it may come before what it needs, or be the relay's making. It is tried
 * again in a review, of which nothing more is said. */
static enum dt_err
refuse_it(struct dt_agent *a, const struct dt_wire_item *item, const char *what, const char *why,
          struct inbox_shown *s, struct dt_sync_report *report)
{
    if (s->reviewing && s->before.kind == DT_SHOWN_UNREAD) {
        /* Shown twice within one review, it is no retry but the relay's making, and counts. */
        if (s->before.review == s->review.number && s->before.position != item->position)
            report->unread++;
        return DT_OK;
    }
    report->passed_over++;
    report->unread++;
    dt_review_doubt(a, &s->review);
    return dt_alarm_add(a, DT_ALARM_WELCOME, NULL, item->position, NULL,
                        "%s in the inbox was passed over: %s", what, why);
}

static enum dt_err
take_new(struct dt_agent *a, const struct dt_wire_item *item, const struct dt_inbox_message *m,
         const char *refuse, struct inbox_shown *s, struct dt_sync_report *report)
{
    struct dt_shown now = {.kind = refuse == NULL ? DT_SHOWN_TAKEN : DT_SHOWN_UNREAD,
                           .position = item->position,
                           .review = s->reviewing ? s->review.number : 0};
    enum dt_err err;

    if (s->read_before && s->before.kind == DT_SHOWN_NOT) {
        s->review.changed = true;
        if ((err = dt_alarm_add(
                 a, DT_ALARM_RELAY, NULL, item->position, NULL,
                 "the relay shows another cell in the inbox here than when it was read before")) !=
            DT_OK)
            return err;
    }
    if (refuse == NULL) {
        err = dispatch(a, m, item->position);
        report->received += err == DT_OK;
    } else {
        err = refuse_it(a, item, m != NULL ? kind_name(m->kind) : "a message", refuse, s, report);
    }
    return err != DT_OK ? err : dt_shown_put(a, a->inbox_address, item->cell, &now);
}

/* One transaction: position and what the message does. ${refuse}: only the position, and an alarm.
 * ${m} is NULL for a cell that could not be opened. */
static enum dt_err
take(struct dt_agent *a, const struct dt_wire_item *item, const struct dt_inbox_message *m,
     const char *refuse, struct dt_sync_report *report)
{
    struct dt_sync_report counted = *report;
    struct inbox_shown s = {0};
    bool ready = false;
    uint64_t at = 0;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_inbox_state(a, &ready, &at)) != DT_OK || at + 1 != item->position)
        goto done; /* another process took it */
    if ((err = dt_inbox_state_set(a, ready, item->position)) != DT_OK ||
        (err = dt_review_get(a, a->inbox_address, &s.review)) != DT_OK ||
        (err = dt_shown_get(a, a->inbox_address, item->cell, &s.before)) != DT_OK)
        goto done;
    s.reviewing = s.review.end != 0;
    s.read_before = item->position <= s.review.end;
    err = s.before.kind == DT_SHOWN_TAKEN ? pass_by(a, item, &s, &counted)
                                          : take_new(a, item, m, refuse, &s, &counted);
    if (err == DT_OK && s.reviewing)
        err = dt_shown_replaced(a, a->inbox_address, item->position, item->cell);
    if (err == DT_OK)
        err = dt_shown_trim(a, a->inbox_address, DT_SHOWN_INBOX_MAX, &s.review.from);
    if (err == DT_OK)
        err = dt_review_put(a, a->inbox_address, &s.review);

done:
    err = dt_store_end(a->store, err);
    if (err == DT_OK)
        *report = counted;
    return err;
}

enum dt_err
dt_inbox_take_cell(struct dt_agent *a, const struct dt_wire_item *item,
                   struct dt_sync_report *report)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(DT_CELL_MAX);
    struct dt_inbox_message m;
    char why[160];
    bool decoded = false;
    enum dt_err err;

    if ((err = dt_inbox_open(dt_secret_view(&a->x25519_priv), a->inbox_address, item->cell,
                             &plain)) == DT_OK &&
        (err = dt_inbox_message_decode(dt_buf_view(&plain), &m)) == DT_OK) {
        decoded = true;
        err = take(a, item, &m, NULL, report);
    }
    if (err == DT_OK || dt_err_is_local(err))
        return err;
    (void)snprintf(why, sizeof why, "%s", dt_err_message());
    return take(a, item, decoded ? &m : NULL, why, report);
}

/* ---- reading it again ---- */

enum dt_err
dt_inbox_review_due(struct dt_agent *a, bool *out)
{
    struct dt_review r;
    enum dt_err err = dt_review_get(a, a->inbox_address, &r);

    *out = err == DT_OK && dt_review_due(a, &r);
    return err;
}

enum dt_err
dt_inbox_review_begin(struct dt_agent *a)
{
    struct dt_review r;
    bool ready = false;
    uint64_t position = 0;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_review_get(a, a->inbox_address, &r)) != DT_OK || !dt_review_due(a, &r) ||
        (err = dt_inbox_state(a, &ready, &position)) != DT_OK)
        goto done;
    dt_review_begin(a, &r, position);
    if ((err = dt_review_put(a, a->inbox_address, &r)) == DT_OK)
        err = dt_inbox_state_set(a, ready, r.from < position ? r.from : position);

done:
    return dt_store_end(a->store, err);
}

enum dt_err
dt_inbox_review_end(struct dt_agent *a, uint64_t last)
{
    struct dt_review r;
    bool ready = false;
    uint64_t position = 0, read;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_review_get(a, a->inbox_address, &r)) != DT_OK ||
        (err = dt_inbox_state(a, &ready, &position)) != DT_OK)
        goto done;
    read = r.end > position ? r.end : position;
    if (last < read) {
        if ((err = dt_alarm_behind(a, NULL, last, read)) != DT_OK)
            goto done;
        dt_review_doubt(a, &r);
        r.next_ms = 0; /* at once: what comes now would be taken for what was read before */
    }
    /* Cut where nothing is remembered any more: what comes next is read from there. */
    if (last < r.from) {
        r.from = last;
        if ((err = dt_inbox_state_set(a, ready, last)) != DT_OK)
            goto done;
    }
    if (r.end != 0 || (r.doubt && position == 0))
        err = dt_review_end(a, a->inbox_address, last, 0, &r);
    else if (last >= read)
        goto done;
    if (err == DT_OK)
        err = dt_review_put(a, a->inbox_address, &r);

done:
    return dt_store_end(a->store, err);
}
