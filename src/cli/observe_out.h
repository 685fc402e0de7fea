/*
 * cli/observe_out.h - what detente observe prints, as text and as JSON, and draws.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_OBSERVE_OUT_H
#define DT_CLI_OBSERVE_OUT_H

#include "cli/cli.h"
#include "cli/observe_seen.h"

/* Everything, on standard output. */
DT_MUST_CHECK enum dt_err observe_print(const struct observe_view *v);
DT_MUST_CHECK enum dt_err observe_json(const struct observe_view *v);

/* The picture, into ${path}. */
DT_MUST_CHECK enum dt_err observe_draw(const struct observe_view *v, const char *path);

#endif
