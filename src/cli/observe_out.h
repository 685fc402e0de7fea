/*
 * cli/observe_out.h - what detente observe prints, as text and as JSON, and draws.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_OBSERVE_OUT_H
#define DT_CLI_OBSERVE_OUT_H

#include "agent/observer.h"

#include "cli/cli.h"

/* One observer with what is made of what it saw. */
struct observe_view {
    struct dt_observer *observer;
    struct dt_observed seen;
    struct dt_timeline timeline;
};
void observe_view_clear(struct observe_view *v);

/* Everything, on standard output. */
DT_MUST_CHECK enum dt_err observe_print(const struct observe_view *v);
DT_MUST_CHECK enum dt_err observe_json(const struct observe_view *v);

/* The picture, into ${path}. */
DT_MUST_CHECK enum dt_err observe_draw(const struct observe_view *v, const char *path);

#endif
