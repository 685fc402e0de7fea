/*
 * agent/home/identity_grant.c - a grant against the charter of its forum, before a home goes by
 * both.
 *
 * Source: DESIGN "Register": settings of a grant, which agents compare with the charter.
 */
#include <string.h>

#include "record/charter_rules.h"

#include "agent/core.h"

/* What is settled on both sides must be settled alike: the relay reads no charters, so a grant that
 * says something else would be kept to in its place. */
static enum dt_err
compare_settings(const struct dt_grant *g, const struct dt_charter *c)
{
    struct dt_cadence promised = dt_charter_cadence(c);
    char ours[DT_CADENCE_STR], theirs[DT_CADENCE_STR];
    struct dt_view value;
    bool key = dt_charter_rule(c, DT_RULE_READ_KEY, &value);

    dt_cadence_str(ours, &promised);
    dt_cadence_str(theirs, &g->cadence);
    if (strcmp(ours, theirs) != 0)
        return dt_fail(DT_ERR_CONFLICT,
                       "the charter's cadence is %s, the grant's is %s: the charter is signed, so "
                       "ask the relay's operator for a register with its settings",
                       ours[0] != '\0' ? ours : "none", theirs[0] != '\0' ? theirs : "none");
    if (key != g->has_read_key)
        return dt_fail(DT_ERR_CONFLICT,
                       "the charter says that reading the register needs %s, the grant has %s: ask "
                       "the relay's operator for a register with the charter's settings",
                       key ? "a key" : "no key", g->has_read_key ? "one" : "none");
    if (c->quorum_attested != g->quorum_attested)
        return dt_fail(DT_ERR_CONFLICT,
                       "by the charter %u groups attest an entry, by the grant %u: ask the relay's "
                       "operator for a register with the charter's settings",
                       c->quorum_attested, g->quorum_attested);
    return DT_OK;
}

enum dt_err
dt_grant_compare(const struct dt_grant *g, const struct dt_charter *c)
{
    if (!dt_view_equal(dt_view_str(g->vkey), c->register_vkey))
        return dt_fail(DT_ERR_CONFLICT,
                       "the grant is for another register than the charter names: ask "
                       "the relay's operator for the grant of this forum");
    for (size_t i = 0; i < c->n_relays; i++)
        if (dt_view_equal(dt_view_str(g->relay), c->relays[i]))
            return compare_settings(g, c);
    return dt_fail(DT_ERR_CONFLICT, "the grant is for another relay than the charter names");
}
