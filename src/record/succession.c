/*
 * record/succession.c - roots that take the place of others: who may, and where in the register the
 * letters of each count.
 *
 * Source: docs/protocol-record.md, "Amendment", "Succession of a root". Layer: record.
 *
 * A party is known by the root it was founded with, for ever; which key speaks for it may change:
 *
 *   entries   0 ......... size of amendment 2 ......... size of amendment 5 .........
 *   letters   of root A  |           of root B         |          of root C
 */
#include <string.h>

#include "base/mem.h"

#include "record/charter_rules.h"
#include "record/succession.h"

/* ---- encoding ---- */

void
dt_root_changes_write(struct dt_writer *w, const struct dt_root_change *x, size_t n)
{
    size_t mark = dt_write_vec_begin(w);

    for (size_t i = 0; i < n; i++) {
        dt_write_u8(w, x[i].party);
        dt_write_view(w, dt_view_of(x[i].root));
        dt_write_vec(w, dt_view(x[i].successor, x[i].has_successor ? 32 : 0));
    }
    dt_write_vec_end(w, mark);
}

enum dt_err
dt_root_changes_read(struct dt_reader *r, struct dt_amendment *am)
{
    struct dt_reader list;
    enum dt_err err = dt_read_sub(r, DT_AMENDMENT_MAX, &list);

    if (err != DT_OK)
        return err;
    for (; list.n > 0; am->n_changes++) {
        struct dt_root_change *x = &am->changes[am->n_changes];
        struct dt_view successor;

        if (am->n_changes == DT_CHARTER_PARTIES)
            return dt_fail(DT_ERR_LIMIT, "more than %u roots are changed", DT_CHARTER_PARTIES);
        if ((err = dt_read_u8(&list, &x->party)) != DT_OK ||
            (err = dt_read_fixed(&list, x->root, 32)) != DT_OK ||
            (err = dt_read_vec(&list, 32, &successor)) != DT_OK)
            return err;
        if (am->n_changes > 0 && x->party <= am->changes[am->n_changes - 1].party)
            return dt_fail(DT_ERR_FORMAT, "changes are in the order of the parties, each once");
        if (successor.n != 0 && successor.n != 32)
            return dt_fail(DT_ERR_FORMAT, "a successor is said by its root id, of 32 bytes");
        x->has_successor = successor.n == 32;
        if (x->has_successor)
            memcpy(x->successor, successor.p, 32);
    }
    return am->n_changes > 0 ? DT_OK : dt_fail(DT_ERR_FORMAT, "it changes nothing");
}

/* ---- who may ---- */

/* Is ${id} that of a root that any party has, or had before some amendment? */
static enum dt_err
is_root(const struct dt_charter *c, const uint8_t id[static 32], bool *out)
{
    *out = false;
    for (size_t i = 0; i <= c->n_former; i++) {
        const struct dt_charter *was = i < c->n_former ? &c->former[i].was : c;

        for (size_t p = 0; p < c->n_parties; p++) {
            uint8_t other[32];
            enum dt_err err = dt_root_id(was->parties[p].root, other);

            if (err != DT_OK)
                return err;
            if (memcmp(other, id, 32) == 0)
                *out = true;
        }
    }
    return DT_OK;
}

/* Was ${id} announced as the successor of another party than ${place}? */
static bool
is_successor_of_other(const struct dt_charter *c, size_t place, const uint8_t id[static 32])
{
    for (size_t p = 0; p < c->n_parties; p++)
        if (p != place && c->parties[p].has_successor &&
            memcmp(c->parties[p].successor, id, 32) == 0)
            return true;
    return false;
}

/* A new root: of nobody yet, and where a successor was announced, that one. So who has stolen a
 * root, and deceives all others, still puts no key of their own in its place. */
static enum dt_err
check_root(const struct dt_charter *c, const struct dt_root_change *x, const uint8_t id[static 32])
{
    const struct dt_charter_party *p = &c->parties[x->party];
    bool taken = false;
    enum dt_err err = dt_ed25519_pub_check(dt_view_of(x->root));

    if (err != DT_OK)
        return dt_fail_context(err, "the new root of party %u", x->party + 1u);
    if ((err = is_root(c, id, &taken)) != DT_OK)
        return err;
    if (taken || is_successor_of_other(c, x->party, id))
        return dt_fail(DT_ERR_CONFLICT,
                       "the new root of party %u is, or was, or is to be, the root of a party",
                       x->party + 1u);
    if (p->has_successor && memcmp(p->successor, id, 32) != 0)
        return dt_fail(DT_ERR_REFUSED,
                       "the new root of party %u is not the successor that was announced: no other "
                       "takes over",
                       x->party + 1u);
    return DT_OK;
}

/* Whom it announces: nobody who is, was or is to be a root already. One that was announced stands
 * until it takes over, or whoever steals a root would announce another one first. */
static enum dt_err
check_successor(const struct dt_charter *c, const struct dt_root_change *x, bool replaces)
{
    bool taken = false;
    enum dt_err err = is_root(c, x->successor, &taken);

    if (err != DT_OK)
        return err;
    if (taken || is_successor_of_other(c, x->party, x->successor))
        return dt_fail(DT_ERR_CONFLICT,
                       "the successor of party %u is, or was, or is to be, the root of a party",
                       x->party + 1u);
    if (!replaces && c->parties[x->party].has_successor)
        return dt_fail(DT_ERR_CONFLICT,
                       "party %u has announced a successor: it stands until it takes over",
                       x->party + 1u);
    return DT_OK;
}

/* No key is named twice in one amendment. */
static enum dt_err
check_apart(const struct dt_amendment *am, uint8_t ids[][32])
{
    for (size_t i = 0; i < am->n_changes; i++)
        for (size_t k = 0; k < am->n_changes; k++)
            if ((k < i && memcmp(ids[i], ids[k], 32) == 0) ||
                (am->changes[k].has_successor &&
                 (memcmp(ids[i], am->changes[k].successor, 32) == 0 ||
                  (k < i && am->changes[i].has_successor &&
                   memcmp(am->changes[i].successor, am->changes[k].successor, 32) == 0))))
                return dt_fail(DT_ERR_CONFLICT, "it names one key twice");
    return DT_OK;
}

enum dt_err
dt_root_changes_check(const struct dt_amendment *am, const struct dt_charter *c)
{
    uint8_t ids[DT_CHARTER_PARTIES][32];
    enum dt_err err;

    for (size_t i = 0; i < am->n_changes; i++) {
        const struct dt_root_change *x = &am->changes[i];
        bool replaces;

        if (x->party >= c->n_parties)
            return dt_fail(DT_ERR_RANGE, "it changes the root of no party");
        replaces = memcmp(x->root, c->parties[x->party].root, 32) != 0;
        if (!replaces && !x->has_successor)
            return dt_fail(DT_ERR_FORMAT, "it changes nothing of party %u", x->party + 1u);
        if ((err = dt_root_id(x->root, ids[i])) != DT_OK ||
            (replaces && (err = check_root(c, x, ids[i])) != DT_OK) ||
            (x->has_successor && (err = check_successor(c, x, replaces)) != DT_OK))
            return err;
    }
    return check_apart(am, ids);
}

void
dt_root_changes_take(struct dt_charter *c, const struct dt_amendment *am)
{
    for (size_t i = 0; i < am->n_changes; i++) {
        const struct dt_root_change *x = &am->changes[i];
        struct dt_charter_party *p = &c->parties[x->party];

        memcpy(p->root, x->root, 32);
        p->has_successor = x->has_successor;
        memcpy(p->successor, x->successor, 32);
    }
}

enum dt_err
dt_successors_of_rules(struct dt_charter *c)
{
    for (size_t i = 0; i < c->n_parties; i++)
        c->parties[i].has_successor = false;
    for (size_t i = 0; i < c->n_rules; i++) {
        uint8_t id[32];
        size_t party = 0;
        bool taken = false;
        enum dt_err err;

        if (!dt_successor_rule(&c->rules[i], &party, id))
            continue;
        if (party >= c->n_parties)
            return dt_fail(DT_ERR_RANGE, "a successor is announced for no party");
        if ((err = is_root(c, id, &taken)) != DT_OK)
            return err;
        if (taken || is_successor_of_other(c, party, id))
            return dt_fail(DT_ERR_CONFLICT,
                           "the successor of party %zu is, or is to be, the root of a party",
                           party + 1);
        c->parties[party].has_successor = true;
        memcpy(c->parties[party].successor, id, 32);
    }
    return DT_OK;
}

/* ---- where it counts ---- */

enum dt_err
dt_charter_root_find(const struct dt_charter *c, size_t place, const uint8_t root[static 32],
                     struct dt_charter_root *out)
{
    struct dt_charter_root found = {.to = UINT64_MAX};

    for (size_t i = 0; i < c->n_former; i++) {
        const struct dt_charter *next = i + 1 < c->n_former ? &c->former[i + 1].was : c;
        const uint8_t *was = c->former[i].was.parties[place].root;

        if (memcmp(was, next->parties[place].root, 32) == 0)
            continue;
        if (memcmp(was, root, 32) == 0) {
            found.to = c->former[i].last_size;
            found.ended_by = i + 1;
            *out = found;
            return DT_OK;
        }
        found.from = c->former[i].last_size;
    }
    if (memcmp(c->parties[place].root, root, 32) != 0)
        return dt_fail(DT_ERR_NOT_FOUND, "not a root of that party");
    *out = found;
    return DT_OK;
}
