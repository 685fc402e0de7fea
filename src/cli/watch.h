/*
 * cli/watch.h - the agent of a home that is unlocked for a time ends when it is locked.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_WATCH_H
#define DT_CLI_WATCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/agent.h"

struct cli_watch {
    const char
        *name; /* of the key that the kernel keeps; "": opened by a passphrase, not watched */
    atomic_bool *stop; /* set when the key is gone */
    atomic_bool locked;
    atomic_bool end;
    pthread_t thread;
};

/* Watch over the key by which ${a} was opened; *${stop} becomes true when it is gone. NOMEM. */
DT_MUST_CHECK enum dt_err cli_watch_begin(struct cli_watch *w, struct dt_agent *a,
                                          atomic_bool *stop);

/* The end of it: ${err}, and LOCKED where the key was gone and nothing else went wrong. */
DT_MUST_CHECK enum dt_err cli_watch_end(struct cli_watch *w, enum dt_err err);

#endif
