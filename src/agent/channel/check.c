/*
 * agent/channel/check.c - see check.h: leaves, approvals, grounds, Commits.
 */
#include <string.h>

#include "agent/channel/check.h"
#include "agent/core.h"

#define PARTY_BIT(p) (UINT32_C(1) << (p))

static bool
same16(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, 16) == 0;
}

static bool
same32(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, 32) == 0;
}

void
dt_seat_clear(struct dt_seat *s)
{
    if (s != NULL)
        dt_letter_clear(&s->letter);
}

/* A letter that stands under the charter, and the place of its party. */
static enum dt_err
letter_check(const struct dt_rules *rules, struct dt_view bytes, struct dt_letter *out,
             size_t *out_party)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    enum dt_err err;

    if ((err = dt_letter_decode_known(bytes, rules->letters, &l)) != DT_OK ||
        (err = dt_letter_check_charter(&l, rules->charter, out_party)) != DT_OK)
        return err;
    *out = l;
    l = (struct dt_letter){0}; /* moved */
    return DT_OK;
}

enum dt_err
dt_seat_check(const struct dt_rules *rules, struct dt_view identity, struct dt_view signature_key,
              struct dt_seat *out)
{
    struct dt_seat s = {0};
    enum dt_err err;

    if ((err = dt_credential_decode(identity, &s.letter_bytes, &s.voucher)) != DT_OK ||
        (err = letter_check(rules, s.letter_bytes, &s.letter, &s.party)) != DT_OK)
        goto done;
    if ((err = dt_voucher_verify(&s.voucher, dt_view_of(s.letter.key))) != DT_OK)
        goto done;
    if (!same32(s.voucher.forum, rules->forum) ||
        !same32(s.voucher.group_id, rules->founding->group_id) ||
        !same32(s.voucher.letter_hash, s.letter.hash) ||
        !dt_view_equal(dt_view_of(s.voucher.session_key), signature_key)) {
        err = dt_fail(DT_ERR_AUTH, "a leaf's voucher is for another forum, channel, letter or key");
        goto done;
    }
    if (!dt_founding_has_party(rules->founding, (uint8_t)s.party)) {
        err = dt_fail(DT_ERR_REFUSED, "a leaf is of a party that is not on the founding list");
        goto done;
    }
    *out = s;
    return DT_OK;

done:
    dt_seat_clear(&s);
    return err;
}

enum dt_err
dt_seat_of(const struct dt_rules *rules, const struct mls_group *g, uint32_t leaf,
           struct dt_seat *out)
{
    struct mls_member m;
    enum dt_err err;

    if (!mls_group_member(g, leaf, &m))
        return dt_fail(DT_ERR_NOT_FOUND, "there is no member at leaf %u", leaf);
    err = dt_seat_check(rules, m.identity, m.signature_key, out);
    if (err == DT_OK)
        out->leaf = leaf;
    return err;
}

bool
dt_seat_find(const struct mls_group *g, const uint8_t invitation_id[static 16], uint32_t *out_leaf)
{
    uint32_t n = mls_group_n_leaves(g);

    for (uint32_t i = 0; i < n; i++) {
        struct mls_member m;
        struct dt_voucher v;
        struct dt_view letter;

        if (mls_group_member(g, i, &m) && dt_credential_decode(m.identity, &letter, &v) == DT_OK &&
            same16(v.invitation_id, invitation_id)) {
            *out_leaf = i;
            return true;
        }
    }
    return false;
}

/* ---- approvals ---- */

enum dt_err
dt_approval_check(const struct dt_rules *rules, const struct dt_approval *a,
                  const uint8_t letter_hash[static 32], const uint8_t invitation_id[static 16])
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    uint8_t founding_hash[32];
    size_t party = 0;
    enum dt_err err;

    if ((err = dt_founding_hash(rules->founding, founding_hash)) != DT_OK)
        return err;
    if (!same32(a->forum, rules->forum) || !same32(a->group_id, rules->founding->group_id) ||
        !same32(a->founding_hash, founding_hash) || !same32(a->letter_hash, letter_hash) ||
        !same16(a->invitation_id, invitation_id))
        return dt_fail(DT_ERR_REFUSED, "an approval is for something else");
    if (a->party >= rules->charter->n_parties || !dt_founding_has_party(rules->founding, a->party))
        return dt_fail(DT_ERR_REFUSED, "an approval is by a party that is not of the channel");
    if (a->by_root)
        return dt_approval_verify_root(rules->charter, a);
    if ((err = letter_check(rules, a->letter, &l, &party)) != DT_OK)
        return err;
    if (party != a->party)
        return dt_fail(DT_ERR_REFUSED,
                       "an approval is by a delegate of another party than it says");
    if ((err = dt_letter_check_rights(&l, DT_RIGHT_BIT(DT_RIGHT_ADMIT))) != DT_OK)
        return err;
    return dt_approval_verify(a, dt_view_of(l.key));
}

enum dt_err
dt_approvals_check(const struct dt_rules *rules, struct dt_view approvals,
                   const uint8_t letter_hash[static 32], const uint8_t invitation_id[static 16],
                   uint64_t epoch, uint32_t *out_missing)
{
    uint32_t wanted = 0, seen = 0;
    struct dt_approval a;
    enum dt_err err;

    for (size_t i = 0; i < rules->founding->n_members; i++)
        wanted |= PARTY_BIT(rules->founding->members[i].party);
    while ((err = dt_approvals_next(&approvals, &a)) == DT_OK) {
        if ((err = dt_approval_check(rules, &a, letter_hash, invitation_id)) != DT_OK)
            return err;
        if (!dt_approval_holds(&a, epoch))
            return dt_fail(DT_ERR_REFUSED, "an approval does not hold for epoch %llu",
                           (unsigned long long)epoch);
        if ((seen & PARTY_BIT(a.party)) != 0)
            return dt_fail(DT_ERR_REFUSED, "two approvals of one party");
        seen |= PARTY_BIT(a.party);
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    if (out_missing != NULL)
        *out_missing = wanted & ~seen;
    if ((wanted & ~seen) != 0)
        return dt_fail(DT_ERR_REFUSED, "an approval is missing");
    return DT_OK;
}

/* ---- grounds ---- */

/* The members that a Commit adds and removes, with a mark on each whose ground was found. */
struct moves {
    const struct dt_rules *rules;
    const struct mls_effects *e;
    uint64_t epoch; /* the present one */
    size_t committer_party;
    uint64_t added_done;
    uint64_t removed_done;
};

#define MOVES_MAX 64u

static enum dt_err
find_added(struct moves *mv, const struct dt_ground *ground, struct dt_seat *out)
{
    enum dt_err err;

    for (size_t i = 0; i < mv->e->n_added; i++) {
        const struct mls_member *m = &mv->e->added[i];

        if ((mv->added_done >> i & 1) != 0)
            continue;
        if ((err = dt_seat_check(mv->rules, m->identity, m->signature_key, out)) != DT_OK)
            return err;
        if (same16(out->voucher.invitation_id, ground->invitation_id) &&
            same32(out->letter.hash, ground->letter_hash)) {
            mv->added_done |= UINT64_C(1) << i;
            out->leaf = m->leaf;
            return DT_OK;
        }
        dt_seat_clear(out);
        *out = (struct dt_seat){0};
    }
    return dt_fail(DT_ERR_REFUSED, "a ground adds someone whom the Commit does not add");
}

/* ${letter_hash} NULL: whatever letter it has. */
static enum dt_err
find_removed(struct moves *mv, const uint8_t invitation_id[static 16], const uint8_t *letter_hash,
             struct dt_seat *out)
{
    enum dt_err err;

    for (size_t i = 0; i < mv->e->n_removed; i++) {
        const struct mls_member *m = &mv->e->removed[i];

        if ((mv->removed_done >> i & 1) != 0)
            continue;
        if ((err = dt_seat_check(mv->rules, m->identity, m->signature_key, out)) != DT_OK)
            return err;
        if (same16(out->voucher.invitation_id, invitation_id) &&
            (letter_hash == NULL || same32(out->letter.hash, letter_hash))) {
            mv->removed_done |= UINT64_C(1) << i;
            out->leaf = m->leaf;
            return DT_OK;
        }
        dt_seat_clear(out);
        *out = (struct dt_seat){0};
    }
    return dt_fail(DT_ERR_REFUSED, "a ground removes someone whom the Commit does not remove");
}

/* A new leaf begins with serial 0 under an invitation id that was never used. */
static enum dt_err
new_leaf_check(const struct dt_rules *rules, const struct dt_seat *s)
{
    bool used = false;
    enum dt_err err;

    if (s->voucher.serial != 0)
        return dt_fail(DT_ERR_REFUSED, "an added leaf's voucher does not begin with serial 0");
    if ((err = dt_invitation_used(rules, s->voucher.invitation_id, &used)) != DT_OK)
        return err;
    if (used)
        return dt_fail(DT_ERR_REFUSED, "an invitation id is used a second time");
    return DT_OK;
}

static enum dt_err
ground_rejoin(struct moves *mv, const struct dt_ground *ground)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat added = {0};
    DT_CLEANUP(dt_seat_clear) struct dt_seat removed = {0};
    struct dt_rejoin x;
    enum dt_err err;

    if ((err = dt_rejoin_decode(ground->body, &x)) != DT_OK ||
        (err = find_added(mv, ground, &added)) != DT_OK ||
        (err = find_removed(mv, x.old_invitation_id, NULL, &removed)) != DT_OK ||
        (err = new_leaf_check(mv->rules, &added)) != DT_OK)
        return err;
    if (!same32(x.forum, mv->rules->forum) || !same32(x.group_id, mv->rules->founding->group_id) ||
        !same32(x.letter_hash, ground->letter_hash) ||
        !same16(x.invitation_id, ground->invitation_id))
        return dt_fail(DT_ERR_REFUSED, "a re-join request is for something else");
    /* The same letter, or one renewed by the same root for the same delegate key. */
    if (removed.party != added.party || !same32(removed.letter.key, added.letter.key))
        return dt_fail(DT_ERR_REFUSED, "a re-join would seat another delegate");
    return dt_rejoin_verify(&x, dt_view_of(removed.letter.key));
}

static enum dt_err
ground_remove(struct moves *mv, const struct dt_ground *ground)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
    struct dt_revocation v;
    struct dt_leave l;
    enum dt_err err = find_removed(mv, ground->invitation_id, ground->letter_hash, &s);

    if (err != DT_OK)
        return err;
    switch (ground->kind) {
    case DT_GROUND_OWN:
        if (ground->body.n != 0)
            return dt_fail(DT_ERR_REFUSED, "the ground `own` has a body");
        if (s.party != mv->committer_party)
            return dt_fail(DT_ERR_REFUSED, "a member of another party is removed without a ground");
        return DT_OK;
    case DT_GROUND_LEAVE:
        if ((err = dt_leave_decode(ground->body, &l)) != DT_OK)
            return err;
        if (!same32(l.forum, mv->rules->forum) ||
            !same32(l.group_id, mv->rules->founding->group_id) ||
            !same16(l.invitation_id, ground->invitation_id))
            return dt_fail(DT_ERR_REFUSED, "a leave is for something else");
        return dt_leave_verify(&l, dt_view_of(s.letter.key));
    case DT_GROUND_REVOCATION:
        if ((err = dt_revocation_decode(ground->body, &v)) != DT_OK)
            return err;
        if (!same32(v.letter, s.letter.hash))
            return dt_fail(DT_ERR_REFUSED, "a revocation is of another letter");
        return dt_revocation_check(&v, mv->rules->charter, &s.letter);
    default:
        return dt_fail(DT_ERR_UNSUPPORTED, "a ground of kind %d is not known here",
                       (int)ground->kind);
    }
}

static enum dt_err
ground_check(struct moves *mv, const struct dt_ground *ground)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
    enum dt_err err;

    switch (ground->kind) {
    case DT_GROUND_ADD:
        if ((err = find_added(mv, ground, &s)) != DT_OK ||
            (err = new_leaf_check(mv->rules, &s)) != DT_OK)
            return err;
        return dt_approvals_check(mv->rules, ground->body, ground->letter_hash,
                                  ground->invitation_id, mv->epoch, NULL);
    case DT_GROUND_REJOIN:
        return ground_rejoin(mv, ground);
    default:
        return ground_remove(mv, ground);
    }
}

/* The delegate key of a leaf that was checked. */
static enum dt_err
key_of(const struct dt_rules *rules, struct dt_view identity, uint8_t out[static 32])
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    struct dt_voucher v;
    struct dt_view letter;
    enum dt_err err;

    if ((err = dt_credential_decode(identity, &letter, &v)) != DT_OK ||
        (err = dt_letter_decode_known(letter, rules->letters, &l)) != DT_OK)
        return err;
    memcpy(out, l.key, 32);
    return DT_OK;
}

/* Two seats for one delegate, under one letter or two, would let one person be counted twice. */
static enum dt_err
doubles_check(const struct dt_rules *rules, const struct mls_group *g, const struct mls_effects *e)
{
    uint8_t key[32], other[32];
    enum dt_err err;

    for (size_t i = 0; i < e->n_added; i++) {
        uint32_t n = mls_group_n_leaves(g);

        if ((err = key_of(rules, e->added[i].identity, key)) != DT_OK)
            return err;
        for (size_t k = 0; k < i; k++) {
            if ((err = key_of(rules, e->added[k].identity, other)) != DT_OK)
                return err;
            if (same32(key, other))
                return dt_fail(DT_ERR_REFUSED, "one delegate would have two seats");
        }
        for (uint32_t leaf = 0; leaf < n; leaf++) {
            struct mls_member m;
            bool goes = false;

            if (!mls_group_member(g, leaf, &m))
                continue;
            err = key_of(rules, m.identity, other);
            if (err == DT_ERR_NOMEM || err == DT_ERR_INTERNAL)
                return err; /* of one leaf we do not know: others may */
            if (err != DT_OK || !same32(key, other))
                continue;
            for (size_t k = 0; k < e->n_removed; k++)
                goes = goes || e->removed[k].leaf == leaf;
            if (!goes)
                return dt_fail(DT_ERR_REFUSED, "one delegate would have two seats");
        }
    }
    return DT_OK;
}

/* A joiner is told all warrants, so there is a most: past it nobody is added or removed any more,
 * by anyone. */
static enum dt_err
history_room_check(const struct dt_rules *rules, struct dt_view warrant)
{
    struct dt_view rest = rules->warrants, one;
    size_t n = 0;
    enum dt_err err;

    while ((err = dt_history_next(&rest, &one)) == DT_OK)
        n++;
    if (err != DT_ERR_NOT_FOUND)
        return err;
    if (n >= DT_HISTORY_WARRANTS || warrant.n > DT_WARRANT_MAX ||
        rules->warrants.n + warrant.n + 4 > DT_HISTORY_MAX)
        return dt_fail(DT_ERR_REFUSED, "the channel's history is full: found it anew");
    return DT_OK;
}

/* ---- the whole Commit ---- */

/* GroupContext extensions are required_capabilities (type 3), which never changes, and `forum`,
 * whose warrants hash advances exactly when there is a warrant. */
static enum dt_err
extensions_check(const struct dt_rules *rules, const struct mls_group *g,
                 const struct mls_effects *e, struct dt_view warrant)
{
    struct dt_view was_caps, was_forum, now_caps = {0}, now_forum = {0};
    struct dt_forum_ext was, now;
    uint8_t want[32];
    enum dt_err err;

    if (!mls_group_extension(g, 3, &was_caps) || !mls_group_extension(g, DT_EXT_FORUM, &was_forum))
        return dt_fail(DT_ERR_REFUSED, "the group has no forum or no required_capabilities");
    if (e->extensions_replaced != (warrant.n > 0))
        return dt_fail(DT_ERR_REFUSED, "the forum extension and the warrant do not go together");
    for (size_t i = 0; i < e->n_extensions; i++) {
        if (e->extensions[i].type == 3)
            now_caps = e->extensions[i].body;
        else if (e->extensions[i].type == DT_EXT_FORUM)
            now_forum = e->extensions[i].body;
        else
            return dt_fail(DT_ERR_REFUSED, "an extension of type %u is put into the group",
                           e->extensions[i].type);
    }
    if (e->n_extensions != 2 || !dt_view_equal(was_caps, now_caps))
        return dt_fail(DT_ERR_REFUSED, "required_capabilities are changed");
    if ((err = dt_forum_ext_decode(was_forum, &was)) != DT_OK ||
        (err = dt_forum_ext_decode(now_forum, &now)) != DT_OK)
        return err;
    memcpy(want, was.warrants_hash, 32);
    if (warrant.n > 0 && (err = dt_warrants_next(was.warrants_hash, warrant, want)) != DT_OK)
        return err;
    if (!same32(was.forum, now.forum) || !same32(was.founding_hash, now.founding_hash) ||
        !same32(want, now.warrants_hash) || !same32(now.forum, rules->forum))
        return dt_fail(DT_ERR_REFUSED, "the forum extension is not advanced as the warrant asks");
    return DT_OK;
}

/* The committer's own leaf: the path always replaces it. */
static enum dt_err
committer_check(const struct dt_rules *rules, const struct mls_effects *e, size_t *out_party)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat was = {0};
    DT_CLEANUP(dt_seat_clear) struct dt_seat now = {0};
    const struct mls_effect_update *u;
    enum dt_err err;

    if (e->n_updated != 1 || e->updated[0].before.leaf != e->committer)
        return dt_fail(DT_ERR_REFUSED, "the Commit updates other leaves than its committer's");
    u = &e->updated[0];
    if ((err = dt_seat_check(rules, u->before.identity, u->before.signature_key, &was)) != DT_OK)
        return err;
    *out_party = was.party;
    if (dt_view_equal(u->before.identity, u->after.identity) &&
        dt_view_equal(u->before.signature_key, u->after.signature_key))
        return DT_OK;
    if ((err = dt_seat_check(rules, u->after.identity, u->after.signature_key, &now)) != DT_OK)
        return err;
    if (!dt_view_equal(was.letter_bytes, now.letter_bytes) ||
        !same16(was.voucher.invitation_id, now.voucher.invitation_id) ||
        now.voucher.serial != was.voucher.serial + 1)
        return dt_fail(DT_ERR_REFUSED, "a rotation changes more than session key and voucher");
    return DT_OK;
}

enum dt_err
dt_commit_check(const struct dt_rules *rules, const struct mls_group *g,
                const struct mls_effects *e, struct dt_commit_meaning *out)
{
    struct moves mv = {.rules = rules, .e = e, .epoch = mls_group_epoch(g)};
    struct dt_view warrant = {0};
    struct dt_warrant w;
    bool moves = e->n_added + e->n_removed > 0, courier = e->n_psk_ids > 0;
    bool new_queue = e->n_removed > 0;
    enum dt_err err;

    if (e->by_reference)
        return dt_fail(DT_ERR_REFUSED, "the Commit has proposals by reference");
    if (!e->path)
        return dt_fail(DT_ERR_REFUSED, "the Commit has no path");
    if (e->closes)
        return dt_fail(DT_ERR_REFUSED, "the Commit closes the group");
    if (e->n_resumption_psks != 0 || e->n_psk_ids > 1)
        return dt_fail(DT_ERR_REFUSED, "the Commit has a pre-shared key that is no courier key");
    if (courier && moves)
        return dt_fail(DT_ERR_REFUSED, "a courier key is committed with something else");
    if (e->authenticated_data.n != 0) {
        if (e->authenticated_data.n != 1 || e->authenticated_data.p[0] != DT_COMMIT_NEW_QUEUE)
            return dt_fail(DT_ERR_REFUSED, "the Commit's authenticated data is not known");
        new_queue = true;
    }
    if (e->n_private_use > 1 ||
        (e->n_private_use == 1 && e->private_use[0].type != DT_PROP_WARRANT))
        return dt_fail(DT_ERR_REFUSED, "the Commit has a proposal that is not known");
    if ((e->n_private_use == 1) != (moves || courier))
        return dt_fail(DT_ERR_REFUSED, moves     ? "the Commit adds or removes without a warrant"
                                       : courier ? "a courier key is committed without a warrant"
                                                 : "the Commit has a warrant for nothing");
    if (e->n_added > MOVES_MAX || e->n_removed > MOVES_MAX)
        return dt_fail(DT_ERR_REFUSED, "the Commit adds or removes too many at once");
    if (moves || courier) {
        warrant = e->private_use[0].body;
        if (warrant.n == 0)
            return dt_fail(DT_ERR_REFUSED, "the warrant is empty");
    }
    if ((err = committer_check(rules, e, &mv.committer_party)) != DT_OK ||
        (err = extensions_check(rules, g, e, warrant)) != DT_OK)
        return err;
    if (courier) {
        if ((err = dt_warrant_decode(warrant, &w)) != DT_OK ||
            (err = dt_courier_check(rules, g, e, &w)) != DT_OK ||
            (err = history_room_check(rules, warrant)) != DT_OK)
            return err;
    }
    if (moves) {
        if ((err = dt_warrant_decode(warrant, &w)) != DT_OK)
            return err;
        for (size_t i = 0; i < w.n_grounds; i++)
            if ((err = ground_check(&mv, &w.grounds[i])) != DT_OK)
                return err;
        for (size_t i = 0; i < e->n_added; i++)
            if ((mv.added_done >> i & 1) == 0)
                return dt_fail(DT_ERR_REFUSED, "someone is added without a ground");
        for (size_t i = 0; i < e->n_removed; i++)
            if ((mv.removed_done >> i & 1) == 0)
                return dt_fail(DT_ERR_REFUSED, "someone is removed without a ground");
        if ((err = doubles_check(rules, g, e)) != DT_OK ||
            (err = history_room_check(rules, warrant)) != DT_OK)
            return err;
    }
    *out = (struct dt_commit_meaning){
        .new_queue = new_queue, .adds = e->n_added > 0, .warrant = warrant};
    return DT_OK;
}
