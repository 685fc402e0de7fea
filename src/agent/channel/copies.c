/*
 * agent/channel/copies.c - what a copy of this home asked for: Welcomes, and our seat.
 *
 * Source: DESIGN "Agent store"; docs/protocol-agent.md "Copies".
 *
 * A Welcome says nothing certain of who asked for it: whoever can write to our inbox can send one.
 * So it never ends a state that works; it says where a seat of ours may be.
 */
#include <string.h>

#include "agent/sync/flows.h"
#include "agent/talk/session_internal.h"

/* An invitation of ours to the channel. NOT_FOUND. */
static enum dt_err
find_invitation(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_invitation *out)
{
    uint64_t at = 0;
    enum dt_err err;

    for (;;) {
        DT_CLEANUP(dt_store_row_clear) struct dt_store_row row = {0};

        if ((err = dt_store_next(a->store, "invitation", dt_view(NULL, 0), at, &row)) != DT_OK)
            return err;
        at = row.seq + 1;
        if (row.key.n != 16)
            return dt_fail(DT_ERR_FORMAT, "an invitation row has no id");
        if ((err = dt_invitation_load(a, row.key.p, out)) != DT_OK)
            return err;
        if (memcmp(out->group_id, group_id, 32) == 0)
            return DT_OK;
    }
}

/* The channel is not in this store, or is only proposed here: a later copy of it was admitted. All
 * we have is the invitation. */
static enum dt_err
take_up(struct dt_agent *a, const struct dt_inbox_message *m, uint64_t position)
{
    DT_CLEANUP(dt_invitation_clear) struct dt_invitation x = {0};
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {.state = DT_CHANNEL_BROKEN};
    enum dt_err err = find_invitation(a, m->group_id, &x);

    if (err == DT_ERR_NOT_FOUND)
        return dt_fail(DT_ERR_REFUSED, "a Welcome that we did not ask for");
    dt_buf_init(&ch.letters, DT_FOUNDING_MEMBERS * (DT_LETTER_MAX + 4u));
    dt_buf_init(&ch.warrants, DT_HISTORY_MAX);
    if (err != DT_OK ||
        (err = dt_founding_decode(dt_buf_view(&x.founding), &ch.founding)) != DT_OK ||
        (err = dt_buf_set(&ch.letters, dt_buf_view(&x.letters))) != DT_OK)
        return err;
    memcpy(ch.group_id, m->group_id, 32);
    memcpy(ch.invitation_id, m->invitation_id, 16);
    if ((err = dt_lapse_no_state(a, &ch, position)) != DT_OK)
        return err;
    return dt_channel_add(a, &ch);
}

enum dt_err
dt_copy_welcome(struct dt_agent *a, const struct dt_inbox_message *m, uint64_t position)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum dt_err err = dt_channel_load(a, m->group_id, &ch);

    if (err == DT_ERR_NOT_FOUND)
        return take_up(a, m, position);
    if (err != DT_OK)
        return err;
    if (memcmp(ch.invitation_id, m->invitation_id, 16) == 0 && ch.state != DT_CHANNEL_FOUNDING)
        return DT_OK; /* of the seat that we have, or had, or know of */
    if (ch.state != DT_CHANNEL_LIVE && ch.state != DT_CHANNEL_BROKEN)
        return dt_fail(DT_ERR_REFUSED, "a Welcome that we did not ask for");
    return dt_lapse_seat_seen(a, &ch, m->invitation_id, position);
}

/* ---- our seat ---- */

enum dt_err
dt_copy_reseat(struct dt_agent *a, const struct dt_channel *ch, const struct mls_effects *effects,
               uint8_t out_seat[static 16], bool *out_found)
{
    struct dt_rules rules = dt_channel_rules(a, ch);

    *out_found = false;
    for (size_t i = 0; i < effects->n_added && !*out_found; i++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
        enum dt_err err =
            dt_seat_check(&rules, effects->added[i].identity, effects->added[i].signature_key, &s);

        if (err != DT_OK)
            return err;
        *out_found = memcmp(s.letter.key, a->delegate_pub, 32) == 0;
        memcpy(out_seat, s.voucher.invitation_id, 16);
    }
    return DT_OK;
}

enum dt_err
dt_copy_seat_lost(struct dt_agent *a, struct dt_channel *ch, const uint8_t *seat, uint64_t position)
{
    bool here = false, asked = false;
    enum dt_err err;

    if (seat == NULL) {
        ch->state = DT_CHANNEL_LEFT;
        err = dt_lapse_end(a, ch);
        if (err == DT_OK)
            err = dt_spent_end(a, ch->group_id);
        return err != DT_OK ? err : dt_outbox_restage(a, ch->group_id, &here);
    }
    if ((err = dt_store_has(a->store, "invitation", dt_view(seat, 16), &asked)) != DT_OK)
        return err;
    return asked ? dt_lapse_answered(a, ch, seat) : dt_lapse_overtaken(a, ch, seat, position);
}
