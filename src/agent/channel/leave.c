/*
 * agent/channel/leave.c - removal, leaving, rotation on demand.
 *
 * Source: DESIGN "Warrants"; docs/protocol-agent.md "Removal".
 */
#include <string.h>

#include "agent/sync/flows.h"

/* ---- removal ---- */

/* A removal intent that waits with a ground for this seat (a `leave`): then there is nothing to
 * add. */
static enum dt_err
removal_waits(struct dt_agent *a, const uint8_t group_id[static 32],
              const uint8_t invitation_id[static 16], bool *out)
{
    uint64_t at = 0;
    enum dt_err err;

    *out = false;
    for (;;) {
        DT_CLEANUP(dt_intent_clear) struct dt_intent x = {0};
        struct dt_warrant w;

        if ((err = dt_intent_next(a, group_id, at, &x)) != DT_OK)
            return err == DT_ERR_NOT_FOUND ? DT_OK : err;
        at = x.seq + 1;
        if (x.kind != DT_INTENT_REMOVE)
            continue;
        if ((err = dt_warrant_decode(dt_buf_view(&x.body), &w)) != DT_OK)
            return err;
        *out |= memcmp(w.grounds[0].invitation_id, invitation_id, 16) == 0;
    }
}

static enum dt_err
remove_seat(struct dt_agent *a, const struct dt_channel *ch, uint32_t leaf)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_WARRANT_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf revocation = DT_BUF_INIT(1024);
    struct dt_rules rules = dt_channel_rules(a, ch);
    struct dt_warrant w = {.n_grounds = 1};
    bool waits = false, revoked = false;
    uint8_t id[16];
    enum dt_err err;

    if ((err = dt_seat_of(&rules, ch->group, leaf, &s)) != DT_OK)
        return err;
    if (leaf == mls_group_own_leaf(ch->group))
        return dt_fail(DT_ERR_REFUSED, "nobody removes itself: say that you leave instead");
    if ((err = removal_waits(a, ch->group_id, s.voucher.invitation_id, &waits)) != DT_OK || waits)
        return err;
    if ((err = dt_letter_revoked(a, &s.letter, &revoked, &revocation)) != DT_OK)
        return err;
    if (s.party == a->party) {
        w.grounds[0].kind = DT_GROUND_OWN;
    } else if (revoked) {
        w.grounds[0].kind = DT_GROUND_REVOCATION;
        w.grounds[0].body = dt_buf_view(&revocation);
    } else {
        return dt_fail(DT_ERR_REFUSED,
                       "a member of another party is removed only when it leaves or its "
                       "root revokes its letter; a channel that must go on without it is "
                       "founded anew");
    }
    memcpy(w.grounds[0].invitation_id, s.voucher.invitation_id, 16);
    memcpy(w.grounds[0].letter_hash, s.letter.hash, 32);
    if ((err = dt_warrant_encode(&w, &body)) != DT_OK || (err = dt_random(id, sizeof id)) != DT_OK)
        return err;
    return dt_intent_add(a, ch->group_id, DT_INTENT_REMOVE, id, dt_buf_view(&body));
}

enum dt_err
dt_agent_remove(struct dt_agent *a, const uint8_t group_id[static 32], uint32_t leaf)
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load_live(a, group_id, &ch)) == DT_OK)
        err = remove_seat(a, &ch, leaf);
    return dt_store_end(a->store, err);
}

static enum dt_err
say_leave(struct dt_agent *a, const struct dt_channel *ch)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(512);
    struct dt_payload p = {.kind = DT_PAYLOAD_LEAVE, .sent_ms = dt_agent_now(a)};
    struct dt_leave l;
    enum dt_err err;

    memcpy(l.forum, a->forum, 32);
    memcpy(l.group_id, ch->group_id, 32);
    memcpy(l.invitation_id, ch->invitation_id, 16);
    if ((err = dt_leave_sign(&l, dt_secret_view(&a->delegate_seed))) != DT_OK ||
        (err = dt_leave_encode(&l, &body)) != DT_OK ||
        (err = dt_random(p.id, sizeof p.id)) != DT_OK)
        return err;
    p.leave = dt_buf_view(&body);
    return dt_channel_send(a, ch->group_id, &p);
}

/* A state that cannot be used says nothing, and it may be that we left already and it does not know
 * (an older copy). Nothing more is asked, and no Welcome to a seat that we asked for is used. */
static enum dt_err
give_up(struct dt_agent *a, struct dt_channel *ch)
{
    enum dt_err err = dt_invitation_withdraw(a, ch->group_id);

    if (err != DT_OK || (err = dt_copy_seat_lost(a, ch, NULL, ch->position)) != DT_OK)
        return err;
    return dt_channel_save(a, ch, false);
}

enum dt_err
dt_agent_leave(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load_row(a, group_id, &ch)) == DT_OK) {
        if (ch.state == DT_CHANNEL_BROKEN)
            err = give_up(a, &ch);
        else if ((err = dt_channel_load_live(a, group_id, &ch)) == DT_OK)
            err = say_leave(a, &ch);
    }
    return dt_store_end(a->store, err);
}

enum dt_err
dt_agent_rotate(struct dt_agent *a, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
    uint8_t id[16];
    bool has = false;
    enum dt_err err;

    if ((err = dt_store_begin(a->store)) != DT_OK)
        return err;
    if ((err = dt_channel_load_live(a, group_id, &ch)) == DT_OK &&
        (err = dt_intent_has(a, group_id, DT_INTENT_ROTATE, &has)) == DT_OK && !has &&
        (err = dt_random(id, sizeof id)) == DT_OK)
        err = dt_intent_add(a, group_id, DT_INTENT_ROTATE, id, dt_view(NULL, 0));
    return dt_store_end(a->store, err);
}
