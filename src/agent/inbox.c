/*
 * agent/inbox.c - what reached our inbox: opened, dispatched, and either taken in or passed over.
 *
 * Source: docs/protocol-agent.md "Inbox".
 */
#include <stdio.h>
#include <string.h>

#include "base/wire.h"

#include "agent/flows.h"

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
    }
    return "a message";
}

static enum dt_err
dispatch(struct dt_agent *a, const struct dt_inbox_message *m)
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
        return dt_welcome_take(a, m);
    case DT_INBOX_REJOIN:
        return dt_rejoin_take(a, m);
    case DT_INBOX_REVOCATION:
        return dt_revocation_keep(a, m->revocation);
    }
    return dt_fail(DT_ERR_UNSUPPORTED, "an inbox message of a kind that is not known here");
}

/* One transaction: position and what the message does. ${refuse}: only the position, and an alarm.
 */
static enum dt_err
take(struct dt_agent *a, uint64_t position, const struct dt_inbox_message *m, const char *refuse,
     struct dt_sync_report *report)
{
    bool ready = false;
    uint64_t at = 0;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_inbox_state(a, &ready, &at)) != DT_OK || at + 1 != position)
        goto done; /* another process took it */
    if ((err = dt_inbox_state_set(a, ready, position)) != DT_OK)
        goto done;
    if (refuse == NULL) {
        err = dispatch(a, m);
        report->received += err == DT_OK;
    } else {
        report->passed_over++;
        err = dt_alarm_add(a, DT_ALARM_WELCOME, NULL, position, NULL,
                           "%s in the inbox was passed over: %s",
                           m != NULL ? kind_name(m->kind) : "a message", refuse);
    }

done:
    return dt_store_end(a->store, err);
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
        err = take(a, item->position, &m, NULL, report);
    }
    if (err == DT_OK || dt_err_is_local(err))
        return err;
    (void)snprintf(why, sizeof why, "%s", dt_err_message());
    return take(a, item->position, decoded ? &m : NULL, why, report);
}
