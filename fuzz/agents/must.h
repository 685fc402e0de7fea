/*
 * fuzz/agents/must.h - what has to be so.
 */
#ifndef DT_FUZZ_AGENTS_MUST_H
#define DT_FUZZ_AGENTS_MUST_H

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

/* Not an assert: it says what went wrong, and what the library has to say of it. */
#define must(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            (void)fprintf(stderr, "%s:%d: not so: %s (%s: %s)\n", __FILE__, __LINE__, #cond,       \
                          dt_err_place(), dt_err_message());                                       \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
