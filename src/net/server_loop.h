/*
 * net/server_loop.h - the thread that runs libmicrohttpd.
 *
 * Layer: net, internal.
 *
 * The library has a loop of its own, which takes up to 128 events at a time from epoll and, after
 * exactly as many, waits for more before it looks at those (0.9.75): with as many peers that all
 * wait for an answer nothing comes until the time of one of them is up. Run from outside it never
 * waits, so the waiting is done here.
 */
#ifndef DT_NET_SERVER_LOOP_H
#define DT_NET_SERVER_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct MHD_Daemon;

/* All zero is one that does not run. */
struct dt_http_loop {
    struct MHD_Daemon *daemon;
    pthread_t thread;
    int event_fd; /* that it is to look, or to end */
    atomic_bool ending, told;
    void (*before)(void *ctx); /* of each turn, and */
    void (*after)(void *ctx);  /* after it, in the thread; after may be NULL */
    void *ctx;
    atomic_uint_fast64_t turns; /* of the thread */
    bool running;
    /* The thread's own. Requests that stand (server_internal.h) keep the library from ever being
     * without something to do, so while there are any it is run again only where it did something,
     * and looked after now and then. */
    unsigned int standing;
    bool active;     /* a callback of the library's did something in this run, */
    uint64_t now_ms; /* which began then: dt_monotonic_ms() */
};

/* Run ${daemon}, which was started with epoll and no thread of its own; before, after and ctx of
 * ${loop} are set. NOMEM, IO. */
DT_MUST_CHECK enum dt_err dt_http_loop_start(struct dt_http_loop *loop, struct MHD_Daemon *daemon);

/* Have the thread take a turn soon. From any thread. */
void dt_http_loop_wake(struct dt_http_loop *loop);

/* End the thread; the daemon is not run any more and can be stopped. Fine when it does not run. */
void dt_http_loop_end(struct dt_http_loop *loop);

#endif
