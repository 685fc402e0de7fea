/*
 * net/server_listen.c - see server_listen.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

#include "net/server_listen.h"

#define STUCK_MS 900u

enum dt_err
dt_listen(const char *text, int *out_fd, uint16_t *out_port)
{
    const char *colon = strrchr(text, ':');
    struct addrinfo hints = {0}, *found = NULL;
    struct sockaddr_storage bound = {0};
    socklen_t bound_len = sizeof(bound);
    char host[128];
    uint64_t port = 0;
    size_t n;
    int fd = -1, one = 1;

    if (colon == NULL || (n = (size_t)(colon - text)) == 0 || n >= sizeof(host) ||
        dt_decimal_read(dt_view_str(colon + 1), 65535, &port) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "%s: expected ADDRESS:PORT to listen on", text);
    if (text[0] == '[' && text[n - 1] == ']') {
        memcpy(host, text + 1, n - 2);
        host[n - 2] = '\0';
    } else {
        memcpy(host, text, n);
        host[n] = '\0';
    }
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return dt_fail(DT_ERR_USAGE, "%s: not an address to listen on", text);
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 511) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &bound_len) != 0) {
        int saved = errno;

        freeaddrinfo(found);
        if (fd >= 0)
            close(fd);
        return dt_fail(DT_ERR_IO, "%s: cannot listen there: %s", text, strerrordesc_np(saved));
    }
    freeaddrinfo(found);
    *out_port = bound.ss_family == AF_INET6
                    ? ntohs(((struct sockaddr_in6 *)(void *)&bound)->sin6_port)
                    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): getsockname() set it */
                    : ntohs(((struct sockaddr_in *)(void *)&bound)->sin_port);
    *out_fd = fd;
    return DT_OK;
}

bool
dt_door_stuck(struct dt_door *door, uint64_t now)
{
    struct pollfd p = {.fd = door->fd, .events = POLLIN};
    unsigned long long came = atomic_load(&door->came);
    bool stuck;

    if (poll(&p, 1, 0) != 1 || (p.revents & POLLIN) == 0) {
        door->since_ms = 0;
        return false;
    }
    stuck = door->since_ms != 0 && door->seen == came && now - door->since_ms >= STUCK_MS;
    if (stuck || door->since_ms == 0 || door->seen != came) {
        door->since_ms = now;
        door->seen = came;
    }
    return stuck;
}
