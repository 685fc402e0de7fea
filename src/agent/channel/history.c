/*
 * agent/channel/history.c - see check.h: founding lists, and the history that a joiner
 * replays.
 */
#include <string.h>

#include "base/mem.h"

#include "agent/channel/check.h"
#include "agent/form/courier.h"

enum dt_err
dt_warrants_hash(const struct dt_rules *rules, uint8_t out[static 32])
{
    struct dt_view rest = rules->warrants, one;
    uint8_t hash[32];
    enum dt_err err;

    if ((err = dt_founding_hash(rules->founding, hash)) != DT_OK ||
        (err = dt_warrants_first(hash, hash)) != DT_OK)
        return err;
    while ((err = dt_history_next(&rest, &one)) == DT_OK)
        if ((err = dt_warrants_next(hash, one, hash)) != DT_OK)
            return err;
    if (err != DT_ERR_NOT_FOUND)
        return err;
    memcpy(out, hash, 32);
    return DT_OK;
}

enum dt_err
dt_invitation_used(const struct dt_rules *rules, const uint8_t invitation_id[static 16], bool *out)
{
    struct dt_view rest = rules->warrants, one;
    struct dt_warrant w;
    enum dt_err err;

    if (dt_founding_find(rules->founding, invitation_id) != DT_FOUNDING_MEMBERS) {
        *out = true;
        return DT_OK;
    }
    while ((err = dt_history_next(&rest, &one)) == DT_OK) {
        if ((err = dt_warrant_decode(one, &w)) != DT_OK)
            return err;
        for (size_t i = 0; i < w.n_grounds; i++)
            if ((w.grounds[i].kind == DT_GROUND_ADD || w.grounds[i].kind == DT_GROUND_REJOIN) &&
                memcmp(w.grounds[i].invitation_id, invitation_id, 16) == 0) {
                *out = true;
                return DT_OK;
            }
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    *out = false;
    return DT_OK;
}

enum dt_err
dt_founding_check(const struct dt_rules *rules, const struct dt_view *letters, size_t n_letters)
{
    const struct dt_founding *f = rules->founding;
    enum dt_err err;

    if (memcmp(f->forum, rules->forum, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "the founding list is of another forum");
    if (n_letters != f->n_members)
        return dt_fail(DT_ERR_REFUSED,
                       "the founding list names %zu first delegates, with %zu letters",
                       f->n_members, n_letters);
    for (size_t i = 0; i < n_letters; i++) {
        DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
        size_t party = 0;

        if ((err = dt_letter_decode_known(letters[i], rules->letters, &l)) != DT_OK ||
            (err = dt_letter_check_charter(&l, rules->charter, &party)) != DT_OK)
            return err;
        if (memcmp(l.hash, f->members[i].letter_hash, 32) != 0 || party != f->members[i].party)
            return dt_fail(DT_ERR_REFUSED, "the letter of first delegate %zu is another one", i);
        if (f->members[i].has_signature &&
            (err = dt_founding_verify(f, i, dt_view_of(l.key))) != DT_OK)
            return err;
    }
    return DT_OK;
}

/* ---- the replay ---- */

/* Every invitation id ever used, and whether it is seated. */
struct used {
    uint8_t invitation_id[16];
    uint8_t letter_hash[32];
    bool seated;
};

struct replay {
    struct used *v;
    size_t n, cap;
    /* Where a removed delegate's letter is looked for: the first delegates', and the roster's. One
     * that was added and is gone has its letter nowhere: then there is nothing to check a signature
     * with. */
    const struct dt_view *letters;
    size_t n_letters;
    const struct mls_group *g;
};

static void
replay_clear(struct replay *r)
{
    dt_free(r->v);
}

static struct used *
replay_find(struct replay *r, const uint8_t invitation_id[static 16])
{
    for (size_t i = 0; i < r->n; i++)
        if (memcmp(r->v[i].invitation_id, invitation_id, 16) == 0)
            return &r->v[i];
    return NULL;
}

static enum dt_err
replay_seat(struct replay *r, const uint8_t invitation_id[static 16],
            const uint8_t letter_hash[static 32])
{
    if (replay_find(r, invitation_id) != NULL)
        return dt_fail(DT_ERR_REFUSED, "the history uses an invitation id twice");
    if (r->n == r->cap) {
        size_t cap = r->cap == 0 ? 32 : 2 * r->cap;
        struct used *v = dt_realloc(r->v, cap, sizeof *v);

        if (v == NULL)
            return dt_nomem();
        r->v = v;
        r->cap = cap;
    }
    memcpy(r->v[r->n].invitation_id, invitation_id, 16);
    memcpy(r->v[r->n].letter_hash, letter_hash, 32);
    r->v[r->n].seated = true;
    r->n++;
    return DT_OK;
}

static enum dt_err
replay_unseat(struct replay *r, const uint8_t invitation_id[static 16], const uint8_t *letter_hash)
{
    struct used *u = replay_find(r, invitation_id);

    if (u == NULL || !u->seated ||
        (letter_hash != NULL && memcmp(u->letter_hash, letter_hash, 32) != 0))
        return dt_fail(DT_ERR_REFUSED, "the history removes someone who is not seated");
    u->seated = false;
    return DT_OK;
}

/* An approval's epochs cannot be checked afterwards (the history has no epochs); all else can. */
static enum dt_err
replay_approvals(const struct dt_rules *rules, const struct dt_ground *ground)
{
    struct dt_view rest = ground->body;
    struct dt_approval a;
    uint32_t seen = 0, wanted = 0;
    enum dt_err err;

    for (size_t i = 0; i < rules->founding->n_members; i++)
        wanted |= UINT32_C(1) << rules->founding->members[i].party;
    while ((err = dt_approvals_next(&rest, &a)) == DT_OK) {
        if ((err = dt_approval_check(rules, &a, ground->letter_hash, ground->invitation_id)) !=
            DT_OK)
            return err;
        seen |= UINT32_C(1) << a.party;
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    return seen == wanted
               ? DT_OK
               : dt_fail(DT_ERR_REFUSED, "the history adds someone without all approvals");
}

/* The letter with this hash, if it is told. NOT_FOUND. */
static enum dt_err
replay_letter(const struct replay *r, const uint8_t hash[static 32], struct dt_letter *out)
{
    uint32_t n = mls_group_n_leaves(r->g);
    struct dt_voucher v;
    struct dt_view letter;
    struct mls_member m;
    enum dt_err err;

    for (size_t i = 0; i < r->n_letters + n; i++) {
        DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};

        if (i < r->n_letters)
            letter = r->letters[i];
        else if (!mls_group_member(r->g, (uint32_t)(i - r->n_letters), &m) ||
                 dt_credential_decode(m.identity, &letter, &v) != DT_OK ||
                 memcmp(v.letter_hash, hash, 32) != 0)
            continue;
        if ((err = dt_letter_decode(letter, &l)) != DT_OK)
            return err;
        if (memcmp(l.hash, hash, 32) == 0) {
            *out = l;
            l = (struct dt_letter){0}; /* moved */
            return DT_OK;
        }
    }
    return dt_fail(DT_ERR_NOT_FOUND, "a letter that the history does not tell");
}

/* A removal's ground as far as it can be checked afterwards. Who committed an `own` is not told. */
static enum dt_err
replay_removal(const struct replay *r, const struct dt_rules *rules, const struct dt_ground *ground)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    struct dt_revocation v;
    struct dt_leave x;
    enum dt_err err = replay_letter(r, ground->letter_hash, &l);
    bool told = err == DT_OK;

    if (!told && err != DT_ERR_NOT_FOUND)
        return err;
    switch (ground->kind) {
    case DT_GROUND_OWN:
        return ground->body.n == 0 ? DT_OK : dt_fail(DT_ERR_REFUSED, "the ground `own` has a body");
    case DT_GROUND_LEAVE:
        if ((err = dt_leave_decode(ground->body, &x)) != DT_OK)
            return err;
        if (memcmp(x.forum, rules->forum, 32) != 0 ||
            memcmp(x.group_id, rules->founding->group_id, 32) != 0 ||
            memcmp(x.invitation_id, ground->invitation_id, 16) != 0)
            return dt_fail(DT_ERR_REFUSED, "a leave in the history is for something else");
        return told ? dt_leave_verify(&x, dt_view_of(l.key)) : DT_OK;
    case DT_GROUND_REVOCATION:
        if ((err = dt_revocation_decode(ground->body, &v)) != DT_OK)
            return err;
        if (memcmp(v.letter, ground->letter_hash, 32) != 0)
            return dt_fail(DT_ERR_REFUSED, "a revocation in the history is of another letter");
        return dt_revocation_check(&v, rules->charter, told ? &l : NULL);
    default:
        return dt_fail(DT_ERR_UNSUPPORTED, "a ground of kind %d is not known here",
                       (int)ground->kind);
    }
}

/* Old letter and new are of one delegate key, so that either vouches for the request. */
static enum dt_err
replay_rejoin(const struct replay *r, const struct dt_rules *rules, const struct dt_ground *ground,
              const struct dt_rejoin *x)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    struct used *old = NULL;
    enum dt_err err;

    if (memcmp(x->forum, rules->forum, 32) != 0 ||
        memcmp(x->group_id, rules->founding->group_id, 32) != 0 ||
        memcmp(x->letter_hash, ground->letter_hash, 32) != 0 ||
        memcmp(x->invitation_id, ground->invitation_id, 16) != 0)
        return dt_fail(DT_ERR_REFUSED, "a re-join in the history is for something else");
    for (size_t i = 0; i < r->n; i++)
        if (memcmp(r->v[i].invitation_id, x->old_invitation_id, 16) == 0)
            old = &r->v[i];
    err = old != NULL ? replay_letter(r, old->letter_hash, &l) : DT_ERR_NOT_FOUND;
    if (err == DT_OK && (err = dt_rejoin_verify(x, dt_view_of(l.key))) != DT_OK)
        return err;
    dt_letter_clear(&l);
    l = (struct dt_letter){0};
    if (err == DT_OK || err == DT_ERR_NOT_FOUND)
        err = replay_letter(r, ground->letter_hash, &l);
    if (err == DT_OK)
        return dt_rejoin_verify(x, dt_view_of(l.key));
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* Everybody seated had signed that it holds the key; signatures are looked at where the letter is
 * told. That no key was used before is seen from the history that is replayed. */
static enum dt_err
replay_courier(struct replay *r, const struct dt_rules *rules, const struct dt_ground *ground)
{
    const struct dt_courier_channel ch = {rules->forum, rules->founding->group_id};
    struct dt_courier_ground x;
    struct dt_courier_ack ack;
    struct used *u = replay_find(r, ground->invitation_id);
    size_t seated = 0, signed_by = 0;
    enum dt_err err = dt_courier_ground_decode(ground->body, &x);

    if (err != DT_OK)
        return err;
    if (u == NULL || !u->seated || memcmp(u->letter_hash, ground->letter_hash, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "a courier key in the history was committed by nobody");
    for (size_t i = 0; i < r->n; i++)
        seated += r->v[i].seated;
    while ((err = dt_courier_acks_next(&x.acks, x.key_id, &ack)) == DT_OK) {
        DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};

        if ((u = replay_find(r, ack.invitation_id)) == NULL || !u->seated)
            return dt_fail(DT_ERR_REFUSED,
                           "a courier key in the history is confirmed by who is no member");
        signed_by++;
        err = replay_letter(r, u->letter_hash, &l);
        if (err == DT_OK)
            err = dt_courier_ack_verify(&ch, &ack, dt_view_of(l.key));
        if (err != DT_OK && err != DT_ERR_NOT_FOUND)
            return err;
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    return signed_by == seated
               ? DT_OK
               : dt_fail(DT_ERR_REFUSED, "a courier key in the history lacks a confirmation");
}

static enum dt_err
replay_ground(struct replay *r, const struct dt_rules *rules, const struct dt_ground *ground)
{
    struct dt_rejoin x;
    enum dt_err err;

    switch (ground->kind) {
    case DT_GROUND_ADD:
        if ((err = replay_approvals(rules, ground)) != DT_OK)
            return err;
        return replay_seat(r, ground->invitation_id, ground->letter_hash);
    case DT_GROUND_REJOIN:
        if ((err = dt_rejoin_decode(ground->body, &x)) != DT_OK ||
            (err = replay_unseat(r, x.old_invitation_id, NULL)) != DT_OK ||
            (err = replay_rejoin(r, rules, ground, &x)) != DT_OK)
            return err;
        return replay_seat(r, ground->invitation_id, ground->letter_hash);
    case DT_GROUND_COURIER:
        return replay_courier(r, rules, ground);
    default:
        /* First that it is seated: so there are no more signatures to check than seats. */
        if ((err = replay_unseat(r, ground->invitation_id, ground->letter_hash)) != DT_OK)
            return err;
        return replay_removal(r, rules, ground);
    }
}

/* Every seat is a leaf and every leaf a seat; the chains hold. */
static enum dt_err
roster_check(const struct replay *r, const struct dt_rules *rules, const struct mls_group *g)
{
    uint32_t n = mls_group_n_leaves(g);
    size_t seated = 0, leaves = 0;
    enum dt_err err;

    for (size_t i = 0; i < r->n; i++)
        seated += r->v[i].seated;
    for (uint32_t leaf = 0; leaf < n; leaf++) {
        DT_CLEANUP(dt_seat_clear) struct dt_seat s = {0};
        bool found = false;

        err = dt_seat_of(rules, g, leaf, &s);
        if (err == DT_ERR_NOT_FOUND)
            continue;
        if (err != DT_OK)
            return dt_fail_context(err, "leaf %u", leaf);
        for (size_t i = 0; i < r->n && !found; i++)
            found = r->v[i].seated &&
                    memcmp(r->v[i].invitation_id, s.voucher.invitation_id, 16) == 0 &&
                    memcmp(r->v[i].letter_hash, s.letter.hash, 32) == 0;
        if (!found)
            return dt_fail(DT_ERR_REFUSED,
                           "leaf %u is held by someone whom the history does not seat", leaf);
        leaves++;
    }
    /* MLS refuses two leaves with one signature key, and an invitation id is in one voucher chain,
     * so equal counts mean equal sets only if no id sits twice. */
    for (uint32_t x = 0; x < n; x++) {
        struct mls_member m;
        struct dt_voucher v;
        struct dt_view letter;
        uint32_t first = 0;

        if (mls_group_member(g, x, &m) && dt_credential_decode(m.identity, &letter, &v) == DT_OK &&
            dt_seat_find(g, v.invitation_id, &first) && first != x)
            return dt_fail(DT_ERR_REFUSED, "one invitation id sits on two leaves");
    }
    if (leaves != seated)
        return dt_fail(DT_ERR_REFUSED, "the history seats %zu members, the group has %zu", seated,
                       leaves);
    return DT_OK;
}

enum dt_err
dt_history_check(const struct dt_rules *rules, const struct dt_view *letters, size_t n_letters,
                 const struct mls_group *g)
{
    DT_CLEANUP(replay_clear) struct replay r = {.letters = letters, .n_letters = n_letters, .g = g};
    struct dt_view rest = rules->warrants, one, body;
    struct dt_forum_ext x;
    uint8_t hash[32];
    enum dt_err err;

    if ((err = dt_founding_check(rules, letters, n_letters)) != DT_OK)
        return err;
    if (!dt_founding_complete(rules->founding))
        return dt_fail(DT_ERR_REFUSED, "not every party signed the founding list");
    if (!dt_view_equal(mls_group_id(g), dt_view_of(rules->founding->group_id)))
        return dt_fail(DT_ERR_REFUSED, "the founding list is of another group");
    if (!mls_group_extension(g, DT_EXT_FORUM, &body))
        return dt_fail(DT_ERR_REFUSED, "the group has no forum extension");
    if ((err = dt_forum_ext_decode(body, &x)) != DT_OK ||
        (err = dt_founding_hash(rules->founding, hash)) != DT_OK)
        return err;
    if (memcmp(x.forum, rules->forum, 32) != 0 || memcmp(x.founding_hash, hash, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "the group's forum extension names another founding list");
    if ((err = dt_warrants_hash(rules, hash)) != DT_OK)
        return err;
    if (memcmp(x.warrants_hash, hash, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "the history told is not the one the members have");

    for (size_t i = 0; i < rules->founding->n_members; i++)
        if ((err = replay_seat(&r, rules->founding->members[i].invitation_id,
                               rules->founding->members[i].letter_hash)) != DT_OK)
            return err;
    while ((err = dt_history_next(&rest, &one)) == DT_OK) {
        struct dt_warrant w;

        if ((err = dt_warrant_decode(one, &w)) != DT_OK)
            return err;
        for (size_t i = 0; i < w.n_grounds; i++)
            if ((err = replay_ground(&r, rules, &w.grounds[i])) != DT_OK)
                return err;
    }
    if (err != DT_ERR_NOT_FOUND)
        return err;
    return roster_check(&r, rules, g);
}
