/*
 * agent/home/succession.c - what follows of it when an amendment replaced a party's root: which
 * letters hold no more, which records count, and the way back into our own seats.
 *
 * Source: docs/protocol-agent.md "A root's successor"; docs/protocol-record.md "Succession of a
 * root". Layer: agent.
 */
#include <string.h>

#include "record/record.h"

#include "agent/core.h"
#include "agent/form/warrant.h"
#include "agent/register/store.h"
#include "agent/sync/flows.h"

/* ---- letters ---- */

static enum dt_err
root_of_letter(const struct dt_agent *a, const struct dt_letter *l, struct dt_charter_root *out)
{
    size_t place = 0;
    enum dt_err err = dt_charter_party_by_id(&a->charter, l->party, &place);

    return err != DT_OK ? err : dt_charter_root_find(&a->charter, place, l->root, out);
}

enum dt_err
dt_letter_check_root(const struct dt_agent *a, const struct dt_letter *l)
{
    struct dt_charter_root root;
    enum dt_err err = root_of_letter(a, l, &root);

    if (err != DT_OK)
        return err;
    if (root.ended_by == 0)
        return DT_OK;
    return dt_fail(DT_ERR_EXPIRED,
                   "amendment %zu replaced the root that signed it: the new root issues another "
                   "letter",
                   root.ended_by);
}

enum dt_err
dt_letter_check_now(const struct dt_agent *a, const struct dt_letter *l)
{
    enum dt_err err = dt_letter_check_root(a, l);

    return err != DT_OK ? err : dt_letter_check_time(l, dt_agent_now(a));
}

enum dt_err
dt_letter_ended(struct dt_agent *a, const struct dt_letter *l, bool *out_ended)
{
    enum dt_err err = dt_letter_check_root(a, l);

    if (err == DT_ERR_EXPIRED) {
        *out_ended = true;
        return DT_OK;
    }
    return err != DT_OK ? err : dt_letter_revoked(a, l, out_ended, NULL);
}

/* Who has stolen a root would else undo what was recorded while it was the party's. */
enum dt_err
dt_revocation_in_time(struct dt_agent *a, const struct dt_letter *l, struct dt_view bytes,
                      bool *out)
{
    struct dt_charter_root root;
    struct dt_revocation v;
    uint64_t index = 0;
    uint8_t seal[32];
    enum dt_err err = root_of_letter(a, l, &root);

    *out = true;
    if (err != DT_OK || root.ended_by == 0)
        return err;
    if ((err = dt_revocation_decode(bytes, &v)) != DT_OK ||
        (err = dt_revocation_seal(&v, seal)) != DT_OK)
        return err;
    err = dt_register_index_of(a, seal, &index);
    *out = err == DT_OK && index < root.to;
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

bool
dt_approval_by_former(const struct dt_charter *c, const struct dt_approval *v)
{
    return v->by_root && v->party < c->n_parties &&
           dt_approval_verify(v, dt_view_of(c->parties[v->party].root)) != DT_OK;
}

enum dt_err
dt_approval_verify_root(const struct dt_charter *c, const struct dt_approval *v)
{
    enum dt_err err = dt_approval_verify(v, dt_view_of(c->parties[v->party].root));

    for (size_t i = 0; i < c->n_former && err == DT_ERR_AUTH; i++)
        if (c->former[i].roots)
            err = dt_approval_verify(v, dt_view_of(c->former[i].was.parties[v->party].root));
    return err;
}

/* ---- records ---- */

enum dt_err
dt_counting_begin(struct dt_agent *a, struct dt_counting *x)
{
    struct tlog_frontier f;
    enum dt_err err;

    *x = (struct dt_counting){0};
    for (size_t i = 0; i < a->charter.n_former; i++)
        x->any = x->any || a->charter.former[i].roots;
    if (!x->any)
        return DT_OK;
    if ((err = dt_register_tree(a, &f)) == DT_OK)
        x->held = f.size;
    return err;
}

/* Where the letters of the root that signed the author's letter count. A letter that is not here
 * says nothing, and then nothing is held against the record. */
static enum dt_err
root_of(struct dt_agent *a, const struct dt_record *r, struct dt_counting *x)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    size_t place = 0;
    enum dt_err err;

    if (x->known && memcmp(x->letter, r->author.letter, 32) == 0)
        return DT_OK;
    x->root = (struct dt_charter_root){.to = UINT64_MAX};
    err = dt_letter_load(a, r->author.letter, &l, &place, NULL);
    if (err == DT_OK)
        err = dt_charter_root_find(&a->charter, place, l.root, &x->root);
    else if (err == DT_ERR_NOT_FOUND)
        err = DT_OK;
    x->known = err == DT_OK;
    memcpy(x->letter, r->author.letter, 32);
    return err;
}

enum dt_err
dt_record_counts(struct dt_agent *a, const struct dt_record *r, struct dt_counting *x, bool *out)
{
    uint64_t index = 0;
    enum dt_err err = DT_OK;

    *out = true;
    if (!x->any || (err = root_of(a, r, x)) != DT_OK)
        return err;
    if (x->root.from == 0 && x->root.to == UINT64_MAX)
        return DT_OK;
    err = dt_register_index_of(a, r->seal, &index);
    if (err == DT_OK)
        *out = index >= x->root.from && index < x->root.to;
    else if (err == DT_ERR_NOT_FOUND)
        *out = x->held < x->root.to; /* it may stand in what our copy lacks yet */
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* ---- our own seats ---- */

/* Is our leaf of ${ch} under a letter whose root was replaced? */
static enum dt_err
seat_ended(struct dt_agent *a, const struct dt_channel *ch, bool *out)
{
    DT_CLEANUP(dt_seat_clear) struct dt_seat own = {0};
    struct dt_rules rules = dt_channel_rules(a, ch);
    enum dt_err err = dt_seat_of(&rules, ch->group, mls_group_own_leaf(ch->group), &own);

    if (err != DT_OK)
        return err;
    err = dt_letter_check_root(a, &own.letter);
    *out = err == DT_ERR_EXPIRED;
    return err == DT_ERR_EXPIRED ? DT_OK : err;
}

enum dt_err
dt_seats_renew(struct dt_agent *a)
{
    uint8_t group_id[32];
    uint64_t at = 0;
    enum dt_err err;

    if (!a->has_letter || dt_letter_check_now(a, &a->letter) != DT_OK)
        return DT_OK; /* nobody would let us in under it */
    while ((err = dt_channel_next(a, &at, group_id)) == DT_OK) {
        DT_CLEANUP(dt_channel_clear) struct dt_channel ch = {0};
        bool ended = false;

        if ((err = dt_channel_load(a, group_id, &ch)) != DT_OK)
            return err;
        if (ch.state != DT_CHANNEL_LIVE)
            continue;
        if ((err = seat_ended(a, &ch, &ended)) != DT_OK ||
            (ended && (err = dt_agent_rejoin(a, group_id)) != DT_OK))
            return err;
    }
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}
