/*
 * relay/program/notify.c - see notify.h.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

#include "relay/program/notify.h"

enum dt_err
relay_notify(const char *lines)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    socklen_t len;
    ssize_t n;
    int fd;

    if (path == NULL || path[0] == '\0')
        return DT_OK;
    if ((path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path))
        return dt_fail(DT_ERR_IO, "NOTIFY_SOCKET is no path of a socket");
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* an abstract name, which does not end with a zero */
    len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return dt_fail(DT_ERR_IO, "no socket to notify systemd: %s", strerrordesc_np(errno));
    n = sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (const struct sockaddr *)&to, len);
    (void)close(fd);
    return n == (ssize_t)strlen(lines)
               ? DT_OK
               : dt_fail(DT_ERR_IO, "systemd is not notified: %s", strerrordesc_np(errno));
}

uint64_t
relay_notify_watchdog_ms(void)
{
    const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t allowed = 0, mine = 0;

    if (us == NULL || dt_decimal_read(dt_view_str(us), UINT32_MAX, &allowed) != DT_OK)
        return 0;
    if (pid != NULL && (dt_decimal_read(dt_view_str(pid), INT32_MAX, &mine) != DT_OK ||
                        mine != (uint64_t)getpid()))
        return 0;
    return allowed / 2000;
}
