/*
 * tests/db/countdown.h - make the database fail once, at the n-th point where it may.
 */
#ifndef DT_TESTS_DB_COUNTDOWN_H
#define DT_TESTS_DB_COUNTDOWN_H

#include "db/db.h"

struct countdown {
    unsigned int left;
    bool hit;
};

/* For dt_db_fault(). */
static bool
at_zero(void *ctx, enum dt_db_point at)
{
    struct countdown *c = ctx;

    (void)at;
    c->hit = c->hit || c->left == 0;
    return c->left-- == 0;
}

#endif
