/*
 * net/server_loop.c - see server_loop.h.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <microhttpd.h>

#include "net/server_loop.h"

#define LOOP_MS 1000u /* the library is looked after at least so often */

static void *
run(void *arg)
{
    struct dt_http_loop *loop = arg;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd at[2] = {{.fd = info == NULL ? -1 : info->epoll_fd, .events = POLLIN},
                           {.fd = loop->event_fd, .events = POLLIN}};

    while (!atomic_load(&loop->ending)) {
        MHD_UNSIGNED_LONG_LONG ms = LOOP_MS;
        uint64_t times;

        if (MHD_get_timeout(loop->daemon, &ms) != MHD_YES || ms > LOOP_MS)
            ms = LOOP_MS;
        (void)poll(at, 2, (int)ms);
        if ((at[1].revents & POLLIN) != 0 && read(loop->event_fd, &times, sizeof(times)) < 0)
            times = 0; /* nobody woke it */
        /* Who tells from here on writes again; what was told before is seen in this turn. */
        atomic_store(&loop->told, false);
        loop->before(loop->ctx);
        /* Twice: what the first frees, a place for a connection above all, is used by the next. */
        (void)MHD_run(loop->daemon);
        (void)MHD_run(loop->daemon);
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
    (void)pthread_setname_np(loop->thread, "http"); /* for who looks at the process */
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
