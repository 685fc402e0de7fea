/*
 * agent/channel/alarm.c - alarms about members: who is named, and what this agent alone knows
 * against a Commit that counts.
 *
 * Source: DESIGN "Handshakes" (all members judge alike), "Credentials and vouchers";
 * docs/protocol-channel.md "What one member alone knows".
 */
#include <stdio.h>
#include <string.h>

#include "agent/keep/destroy.h"
#include "agent/sync/flows.h"

enum dt_err
dt_channel_alarm(struct dt_agent *a, const struct dt_channel *ch, enum dt_alarm_kind kind,
                 uint64_t position, const struct mls_member *m, const char *text)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
    struct dt_rules rules = dt_channel_rules(a, ch);
    struct dt_person who;
    bool known = m != NULL && m->identity.n > 0;
    enum dt_err err;

    if (known) {
        err = dt_seat_check(&rules, m->identity, m->signature_key, &s);
        if (dt_err_is_local(err))
            return err;
        known = err == DT_OK;
    }
    if (known) {
        dt_person_from(a, &s.letter, s.party, &who);
        /* The row has the letter's hash alone: what it names must be here when it is listed. */
        if ((err = dt_letter_keep(a, &s.letter, s.party, s.letter_bytes)) != DT_OK)
            return err;
    }
    return dt_alarm_add(a, kind, ch->group_id, position, known ? &who : NULL, "%s", text);
}

enum dt_err
dt_approvals_revoked(struct dt_agent *a, struct dt_view approvals, bool *out_revoked,
                     size_t *out_party)
{
    struct dt_approval v;
    enum dt_err err;

    *out_revoked = false;
    while ((err = dt_approvals_next(&approvals, &v)) == DT_OK) {
        DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
        bool revoked = false;

        if (dt_approval_by_former(&a->charter, &v)) {
            *out_revoked = true;
            *out_party = v.party;
            return DT_OK;
        }
        if (v.by_root)
            continue;
        if ((err = dt_letter_decode(v.letter, &l)) != DT_OK ||
            (err = dt_letter_ended(a, &l, &revoked)) != DT_OK)
            return err;
        if (revoked) {
            *out_revoked = true;
            *out_party = v.party;
            return DT_OK;
        }
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* One Commit that counts, and whom the alarms name. */
struct known {
    struct dt_agent *a;
    const struct dt_channel *ch;
    const struct mls_member *sender;
    uint64_t position;
};

static enum dt_err
say(const struct known *k, const char *text)
{
    return dt_channel_alarm(k->a, k->ch, DT_ALARM_COMMIT, k->position, k->sender, text);
}

/* A leaf that the Commit puts in. The voucher's end is compared with the time of our last reading,
 * when the Commit was not there yet: not with now, or whoever was away for days would accuse those
 * who were not. */
static enum dt_err
check_leaf(const struct known *k, const struct mls_member *m, bool added)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
    struct dt_rules rules = dt_channel_rules(k->a, k->ch);
    bool revoked = false;
    enum dt_err err;

    if ((err = dt_seat_check(&rules, m->identity, m->signature_key, &s)) != DT_OK ||
        (err = dt_letter_ended(k->a, &s.letter, &revoked)) != DT_OK)
        return err;
    if (s.voucher.not_after_ms < k->ch->last_read_ms &&
        (err = say(k, added ? "a Commit adds a member whose voucher had run out before it was made"
                            : "a Commit puts in a voucher that had run out before it was made")) !=
            DT_OK)
        return err;
    /* Whoever vouches says what time it is there. */
    if (s.party != k->a->party && !revoked &&
        (err = dt_time_note(k->a, s.voucher.not_before_ms)) != DT_OK)
        return err;
    return revoked && added
               ? say(k, "a Commit adds a member whose letter was revoked, or its root replaced")
               : DT_OK;
}

/* The approvals in the warrant. */
static enum dt_err
check_approvals(const struct known *k, struct dt_view warrant)
{
    struct dt_warrant w;
    enum dt_err err = dt_warrant_decode(warrant, &w);

    for (size_t i = 0; err == DT_OK && i < w.n_grounds; i++) {
        char party[DT_AGENT_NAME_MAX + 1], text[240];
        bool revoked = false;
        size_t by = 0;

        if (w.grounds[i].kind != DT_GROUND_ADD)
            continue;
        err = dt_approvals_revoked(k->a, w.grounds[i].body, &revoked, &by);
        if (err != DT_OK || !revoked)
            continue;
        dt_party_name(k->a, by, party);
        (void)snprintf(text, sizeof text,
                       "a Commit adds a member with an approval under a letter of %.100s that was "
                       "revoked, or whose root was replaced: ask its root whether it stands",
                       party);
        err = say(k, text);
    }
    return err;
}

enum dt_err
dt_commit_known(struct dt_agent *a, const struct dt_channel *ch, const struct mls_member *sender,
                const struct mls_effects *e, struct dt_view warrant, uint64_t position)
{
    const struct known k = {.a = a, .ch = ch, .sender = sender, .position = position};
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < e->n_added; i++)
        err = check_leaf(&k, &e->added[i], true);
    for (size_t i = 0; err == DT_OK && i < e->n_updated; i++)
        if (!dt_view_equal(e->updated[i].before.identity, e->updated[i].after.identity))
            err = check_leaf(&k, &e->updated[i].after, false);
    return err == DT_OK && warrant.n > 0 ? check_approvals(&k, warrant) : err;
}
