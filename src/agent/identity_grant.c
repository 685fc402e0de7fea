/*
 * agent/identity_grant.c - a grant against the charter of its forum, before a home is made of both.
 *
 * Source: DESIGN "Register": settings of a grant, which agents compare with the charter.
 */
#include <string.h>

#include "record/charter_rules.h"

#include "agent/core.h"

/* What is settled on both sides must be settled alike: the relay reads no charters, so a grant that
 * says something else would be kept to in its place. */
static enum dt_err
compare_settings(const struct dt_agent *a)
{
    const struct dt_grant *g = &a->grant;
    struct dt_cadence promised = dt_charter_cadence(&a->charter);
    char ours[DT_CADENCE_STR], theirs[DT_CADENCE_STR];
    struct dt_view value;
    bool key = dt_charter_rule(&a->charter, DT_RULE_READ_KEY, &value);

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
    if (a->charter.quorum_attested != g->quorum_attested)
        return dt_fail(DT_ERR_CONFLICT,
                       "by the charter %u groups attest an entry, by the grant %u: ask the relay's "
                       "operator for a register with the charter's settings",
                       a->charter.quorum_attested, g->quorum_attested);
    return DT_OK;
}

enum dt_err
dt_agent_compare_grant(const struct dt_agent *a)
{
    if (!dt_view_equal(dt_view_str(a->grant.vkey), a->charter.register_vkey))
        return dt_fail(DT_ERR_CONFLICT,
                       "the grant is for another register than the charter names: ask "
                       "the relay's operator for the grant of this forum");
    for (size_t i = 0; i < a->charter.n_relays; i++)
        if (dt_view_equal(dt_view_str(a->grant.relay), a->charter.relays[i]))
            return compare_settings(a);
    return dt_fail(DT_ERR_CONFLICT, "the grant is for another relay than the charter names");
}
