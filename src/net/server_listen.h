/*
 * net/server_listen.h - from an address in words to a listening socket.
 *
 * Layer: net, internal to the server.
 */
#ifndef DT_NET_SERVER_LISTEN_H
#define DT_NET_SERVER_LISTEN_H

#include <stdatomic.h>

#include "base/bytes.h"

/**
 * dt_listen(text, out_fd, out_port):
 * Listen on ${text}, "127.0.0.1:80" or "[::1]:80"; port 0 takes any free one. The descriptor is the
 * caller's, non-blocking; ${out_port} is the port in use. Errors: USAGE (no such address), IO.
 */
DT_MUST_CHECK enum dt_err dt_listen(const char *text, int *out_fd, uint16_t *out_port);

/* Who waits to be let in; zero but fd. */
struct dt_door {
    int fd;
    atomic_ullong came; /* all that the library had from it, welcome or not */
    unsigned long long seen;
    uint64_t since_ms; /* since when somebody waits and none came */
};

/* Has somebody waited for a second while the library had nobody from the door? Once a second at
 * most; one thread asks, any counts. */
bool dt_door_stuck(struct dt_door *door, uint64_t now);

#endif
