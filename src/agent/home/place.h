/*
 * agent/home/place.h - a home is made beside its place and put there by one rename(2), which takes
 * the place of nothing but an empty folder: it is there whole or not at all.
 *
 * Layer: agent, internal.
 */
#ifndef DT_AGENT_HOME_PLACE_H
#define DT_AGENT_HOME_PLACE_H

#include <limits.h>

#include "base/err.h"

struct dt_place {
    char home[PATH_MAX];
    char part[PATH_MAX]; /* where it is made */
};

/* What a killed attempt left behind goes. EXISTS (there is a store already), RANGE. */
DT_MUST_CHECK enum dt_err dt_place_begin(const char *home, struct dt_place *out);

/* With ${err} OK the store that was made in part, and is closed, becomes the home; else it goes.
 * Returns ${err}; EXISTS (something else is there), IO. */
DT_MUST_CHECK enum dt_err dt_place_end(const struct dt_place *p, enum dt_err err);

#endif
