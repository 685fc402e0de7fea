/*
 * tests/net/dial.h - a plain connection to a server of this process.
 */
#ifndef DT_TESTS_NET_DIAL_H
#define DT_TESTS_NET_DIAL_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/server.h"

/* A socket that is connected to ${server} on 127.0.0.1. Close it. */
static inline int
dial_server(const struct dt_http_server *server)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_port = htons(dt_http_server_port(server));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

#endif
