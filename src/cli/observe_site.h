/*
 * cli/observe_site.h - the observer page with a register beside it, as files for any web server.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_OBSERVE_SITE_H
#define DT_CLI_OBSERVE_SITE_H

#include "agent/observer/observer.h"
#include "record/charter.h"

/* The page into ${dir}/index.html, which looks at the register beside it; that register, as the
 * last pass of ${o} saw it; and ${charter} with its amendments, unless it is NULL. */
DT_MUST_CHECK enum dt_err observe_site(struct dt_observer *o, const struct dt_charter *charter,
                                       const char *dir);

#endif
