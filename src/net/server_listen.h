/*
 * net/server_listen.h - from an address in words to a listening socket.
 *
 * Layer: net, internal to the server.
 */
#ifndef DT_NET_SERVER_LISTEN_H
#define DT_NET_SERVER_LISTEN_H

#include "base/bytes.h"

/**
 * dt_listen(text, out_fd, out_port):
 * Listen on ${text}, "127.0.0.1:80" or "[::1]:80"; port 0 takes any free one. The descriptor is the
 * caller's, non-blocking; ${out_port} is the port in use. Errors: USAGE (no such address), IO.
 */
DT_MUST_CHECK enum dt_err dt_listen(const char *text, int *out_fd, uint16_t *out_port);

#endif
