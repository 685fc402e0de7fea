/*
 * tests/base/torture.h - a whole piece of work with its 1st, 2nd, ... allocation failing, and then
 * its 1st, 2nd, ... random call, until it passes. Leaks are for the leak sanitizer.
 */
#ifndef DT_TESTS_BASE_TORTURE_H
#define DT_TESTS_BASE_TORTURE_H

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypto/crypto.h"

static unsigned int torture_left;
static bool torture_fired;
static unsigned int torture_step = 1;    /* from the 400th call on: for what has thousands */
static unsigned int torture_passed_over; /* failures that made no difference, of all so far */

static inline bool
torture_fails(void *ctx)
{
    (void)ctx;
    if (torture_left == 0 || --torture_left > 0)
        return false;
    torture_fired = true;
    return true;
}

/* What a test does for itself in between neither fails nor is counted: hand the result back. */
static inline unsigned int
torture_pause(void)
{
    unsigned int left = torture_left;

    torture_left = 0;
    return left;
}

static inline void
torture_resume(unsigned int left)
{
    torture_left = left;
}

/* Run ${what}(${ctx}), which begins anew each time and keeps nothing on error. Each failure is
 * ${want}, with one line that says something. Returns how many calls there are. */
static inline unsigned int
torture_of(enum dt_err (*what)(void *ctx), void *ctx, void (*arm)(bool (*fn)(void *), void *),
           enum dt_err want)
{
    for (unsigned int n = 1;; n += n < 400 ? 1 : torture_step) {
        enum dt_err err;

        dt_err_forget();
        torture_left = n;
        torture_fired = false;
        arm(torture_fails, NULL);
        err = what(ctx);
        arm(NULL, NULL);
        if (!torture_fired) {
            assert_int_equal(err, DT_OK);
            return n - 1;
        }
        if (err == DT_OK)
            torture_passed_over++; /* only what a message would have named */
        else if (err != want)
            fail_msg("call %u failed: %s (%s), at %s, where %s was expected", n, dt_err_name(err),
                     dt_err_message(), dt_err_place(), dt_err_name(want));
        assert_true(strlen(dt_err_message()) > 5);
        assert_null(strchr(dt_err_message(), '\n'));
    }
}

static inline void
torture(enum dt_err (*what)(void *ctx), void *ctx, unsigned int *allocations, unsigned int *randoms)
{
    *allocations = torture_of(what, ctx, dt_mem_fault, DT_ERR_NOMEM);
    *randoms = torture_of(what, ctx, dt_random_fault, DT_ERR_IO);
}

#endif
