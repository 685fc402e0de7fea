/*
 * net/server_loop.c - see server_loop.h.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/time.h"

#include "net/server_loop.h"

#define LOOP_MS     1000u /* the library is looked after at least so often, */
#define STANDING_MS 10u   /* and while requests stand */
#define RUNS_MAX    3u    /* of the library in a turn, while it has something to do */

/* For how long it may wait for an event. */
static int
wait_ms(struct dt_http_loop *loop)
{
    MHD_UNSIGNED_LONG_LONG ms = LOOP_MS;

    if (loop->standing > 0)
        return loop->active ? 0 : (int)STANDING_MS;
    if (MHD_get_timeout(loop->daemon, &ms) != MHD_YES || ms > LOOP_MS)
        ms = LOOP_MS;
    return (int)ms;
}

/* What the first run frees, a place for a connection above all, and what it answers is used and
 * sent by the next. */
static void
run_library(struct dt_http_loop *loop)
{
    for (unsigned int i = 0; i < RUNS_MAX; i++) {
        loop->active = false;
        loop->now_ms = dt_monotonic_ms();
        (void)MHD_run(loop->daemon);
        if (!loop->active)
            return;
    }
}

static void *
run(void *arg)
{
    struct dt_http_loop *loop = arg;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd at[2] = {{.fd = info == NULL ? -1 : info->epoll_fd, .events = POLLIN},
                           {.fd = loop->event_fd, .events = POLLIN}};

    /* For who looks at the process. Not from outside: that writes a file, which a sandbox forbids.
     */
    (void)pthread_setname_np(pthread_self(), "http");
    while (!atomic_load(&loop->ending)) {
        uint64_t times;

        (void)poll(at, 2, wait_ms(loop));
        if ((at[1].revents & POLLIN) != 0 && read(loop->event_fd, &times, sizeof(times)) < 0)
            times = 0; /* nobody woke it */
        /* Who tells from here on writes again; what was told before is seen in this turn. */
        atomic_store(&loop->told, false);
        loop->before(loop->ctx);
        run_library(loop);
        if (loop->after != NULL)
            loop->after(loop->ctx);
        atomic_fetch_add_explicit(&loop->turns, 1, memory_order_relaxed);
    }
    return NULL;
}

enum dt_err
dt_http_loop_start(struct dt_http_loop *loop, struct MHD_Daemon *daemon)
{
    loop->daemon = daemon;
    loop->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->event_fd < 0)
        return dt_fail(DT_ERR_IO, "no descriptor for an event: %s", strerror(errno));
    if (pthread_create(&loop->thread, NULL, run, loop) != 0) {
        (void)close(loop->event_fd);
        return dt_fail(DT_ERR_NOMEM, "out of memory");
    }
    loop->running = true;
    return DT_OK;
}

void
dt_http_loop_wake(struct dt_http_loop *loop)
{
    static const uint64_t one = 1;

    if (atomic_exchange(&loop->told, true))
        return; /* it has not looked since it was told last */
    while (loop->running && write(loop->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void
dt_http_loop_end(struct dt_http_loop *loop)
{
    if (!loop->running)
        return;
    atomic_store(&loop->ending, true);
    atomic_store(&loop->told, false);
    dt_http_loop_wake(loop);
    pthread_join(loop->thread, NULL);
    (void)close(loop->event_fd);
    loop->running = false;
}
