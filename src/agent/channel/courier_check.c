/*
 * agent/channel/courier_check.c - see check.h: when a courier key counts, and what the history says
 * of such keys.
 *
 * A Commit with an external PSK can be followed only by those who hold it. So that none is left
 * behind, and all judge alike, it brings the signature of every member that it does: whoever finds
 * its own there can follow, and a Commit that lacks one is passed over by all.
 */
#include <string.h>

#include "agent/channel/check.h"
#include "agent/form/courier.h"

/* One ack of every leaf, each holding by its letter's key. */
static enum dt_err
acks_check(const struct dt_rules *rules, const struct mls_group *g,
           const struct dt_courier_ground *x)
{
    const struct dt_courier_channel ch = {rules->forum, rules->founding->group_id};
    struct dt_view rest = x->acks;
    uint32_t n = mls_group_n_leaves(g);
    size_t members = 0, acks = 0;
    struct dt_courier_ack ack;
    enum dt_err err;

    /* No seat confirms twice and each is on one leaf, so equal numbers mean every leaf. */
    while ((err = dt_courier_acks_next(&rest, x->key_id, &ack)) == DT_OK) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
        uint32_t leaf = 0;

        if (!dt_seat_find(g, ack.invitation_id, &leaf))
            return dt_fail(DT_ERR_REFUSED, "a courier key is confirmed by who is no member");
        if ((err = dt_seat_of(rules, g, leaf, &s)) != DT_OK ||
            (err = dt_courier_ack_verify(&ch, &ack, dt_view_of(s.letter.key))) != DT_OK)
            return err;
        acks++;
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    for (uint32_t leaf = 0; leaf < n; leaf++) {
        struct mls_member m;

        members += mls_group_member(g, leaf, &m);
    }
    return acks == members ? DT_OK
                           : dt_fail(DT_ERR_REFUSED,
                                     "a courier key is committed that %zu of %zu members have "
                                     "confirmed",
                                     acks, members);
}

enum dt_err
dt_courier_check(const struct dt_rules *rules, const struct mls_group *g,
                 const struct mls_effects *e, const struct dt_warrant *w)
{
    const struct dt_ground *ground = &w->grounds[0];
    struct dt_courier_ground x;
    bool used = false;
    uint32_t leaf = 0;
    struct mls_member m;
    struct dt_voucher v;
    struct dt_view letter;
    enum dt_err err;

    if (w->n_grounds != 1 || ground->kind != DT_GROUND_COURIER)
        return dt_fail(DT_ERR_REFUSED, "the warrant of a courier key has other grounds");
    if ((err = dt_courier_ground_decode(ground->body, &x)) != DT_OK)
        return err;
    if (e->n_psk_ids != 1 || !dt_view_equal(e->psk_ids[0], dt_view_of(x.key_id)))
        return dt_fail(DT_ERR_REFUSED, "the warrant is for another courier key than the Commit's");
    if (!dt_seat_find(g, ground->invitation_id, &leaf) || leaf != e->committer ||
        !mls_group_member(g, leaf, &m) || dt_credential_decode(m.identity, &letter, &v) != DT_OK ||
        memcmp(v.letter_hash, ground->letter_hash, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "the ground of a courier key does not name its committer");
    if ((err = dt_courier_used(rules, x.key_id, &used)) != DT_OK)
        return err;
    if (used)
        return dt_fail(DT_ERR_REFUSED, "a courier key is used a second time");
    return acks_check(rules, g, &x);
}

/* ---- the history ---- */

enum dt_err
dt_courier_past(const struct dt_rules *rules, struct dt_courier_past *out)
{
    struct dt_view rest = rules->warrants, one;
    struct dt_courier_past p = {0};
    struct dt_courier_ground x;
    struct dt_warrant w;
    size_t n = 0;
    enum dt_err err;

    for (; (err = dt_history_next(&rest, &one)) == DT_OK; n++) {
        if ((err = dt_warrant_decode(one, &w)) != DT_OK)
            return err;
        for (size_t i = 0; i < w.n_grounds; i++) {
            enum dt_ground_kind kind = w.grounds[i].kind;

            if (kind == DT_GROUND_ADD || kind == DT_GROUND_REJOIN)
                p.added = true;
            if (kind != DT_GROUND_COURIER)
                continue;
            if ((err = dt_courier_ground_decode(w.grounds[i].body, &x)) != DT_OK)
                return err;
            p.n++;
            p.warrant = n;
            p.added = false;
            p.renew_ms = x.renew_ms;
            memcpy(p.key_id, x.key_id, sizeof p.key_id);
        }
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    *out = p;
    return DT_OK;
}

enum dt_err
dt_courier_used(const struct dt_rules *rules, const uint8_t key_id[static 32], bool *out)
{
    struct dt_view rest = rules->warrants, one;
    struct dt_courier_ground x;
    struct dt_warrant w;
    enum dt_err err;

    *out = false;
    while ((err = dt_history_next(&rest, &one)) == DT_OK) {
        if ((err = dt_warrant_decode(one, &w)) != DT_OK)
            return err;
        if (w.grounds[0].kind != DT_GROUND_COURIER)
            continue;
        if ((err = dt_courier_ground_decode(w.grounds[0].body, &x)) != DT_OK)
            return err;
        *out |= memcmp(x.key_id, key_id, 32) == 0;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}
