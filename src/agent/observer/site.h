/*
 * agent/observer/site.h - the register as an observer saw it, as files for any web server.
 *
 * Source: docs/protocol-register.md, "Tiles", "Openings"; docs/protocol-relay.md. Layer: agent.
 */
#ifndef DT_AGENT_OBSERVER_SITE_H
#define DT_AGENT_OBSERVER_SITE_H

#include "agent/observer/observer.h"

#define DT_OBSERVER_SITE_ENTRIES (UINT64_C(1) << 22)

/* Where the register lies below the site: "r/<its id>", or "register" where its origin has none. */
#define DT_OBSERVER_SITE_PATH 48u
void dt_observer_site_path(const struct dt_observer *o, char out[static DT_OBSERVER_SITE_PATH]);

/**
 * dt_observer_site(o, dir):
 * Write what the last pass of ${o} saw below ${dir}/<dt_observer_site_path()>: tiles and entry
 * bundles, then checkpoint.held, checkpoint and checkpoint.final, then the openings that are
 * published, last openings/index. All entries are fetched and must lead to what was signed; tiles
 * are made of them, not copied. What is there already and the same is left alone, so that whoever
 * stops it, or reads while it runs, finds each checkpoint served whole. Errors: STATE (nothing was
 * seen, it shows less than before, or a split view), LIMIT (more than DT_OBSERVER_SITE_ENTRIES),
 * PROOF, IO, NOMEM; those of the source.
 */
DT_MUST_CHECK enum dt_err dt_observer_site(struct dt_observer *o, const char *dir);

#endif
