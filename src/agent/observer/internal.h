/*
 * agent/observer/internal.h - the inside of an observer, for observer*.c.
 *
 * Layer: agent.
 */
#ifndef DT_AGENT_OBSERVER_INTERNAL_H
#define DT_AGENT_OBSERVER_INTERNAL_H

#include "agent/observer/state.h"
#include "agent/register/source.h"
#include "log/tile_cache.h"
#include "net/trouble.h"

#define OBSERVER_PATH_MAX   4096
#define OBSERVER_KEPT_TILES 64u /* of the upper levels, 1 MiB at most */

/* What the relay says of a witness: its place in the policy. */
struct observer_trouble {
    size_t node;
    struct dt_relay_trouble trouble;
};

struct dt_observer {
    struct dt_observer_config config;
    struct tlog_vkey log;
    struct dt_register_source src;
    char folder[DT_SOURCE_PATH_MAX]; /* of src, when it is one */
    struct dt_http_client *http;
    struct tlog_tile_cache *tiles; /* of this pass's proofs; NULL: none made yet */
    struct observer_state state;
    size_t sides[TLOG_POLICY_NODES_MAX];  /* of the policy, */
    size_t groups[TLOG_POLICY_NODES_MAX]; /* and where each stands in the state */
    size_t n_sides;
    struct dt_observed_group *view; /* in the order of the policy's sides */
    char evidence[OBSERVER_PATH_MAX];
    bool evidence_there;
    uint64_t now_ms; /* of this pass; never before the last look */
    char *refused[DT_OBSERVER_REFUSED_MAX];
    size_t n_refused;
    enum dt_observer_word word;
    struct observer_trouble troubles[TLOG_POLICY_NODES_MAX];
    size_t n_troubles;
};

/* ---- look.c ---- */

/* The register as it is shown now, into the state in memory; nothing of it unless DT_OK or
 * CONFLICT. NOT_FOUND when a file is not there (any more). */
DT_MUST_CHECK enum dt_err observer_look(struct dt_observer *o);

/* Write the evidence in the state into its file. */
DT_MUST_CHECK enum dt_err observer_evidence_write(struct dt_observer *o);

/* ---- openings.c ---- */

/* What is published in "openings/", into the state in memory. */
DT_MUST_CHECK enum dt_err observer_openings(struct dt_observer *o);
void observer_refused_clear(struct dt_observer *o);

/* ---- word.c ---- */

/* What the relay says of its witnesses, for this pass alone. */
DT_MUST_CHECK enum dt_err observer_word(struct dt_observer *o);

#endif
