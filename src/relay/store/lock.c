/*
 * relay/store/lock.c - see lock.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "relay/store/lock.h"

enum dt_err
relay_lock(const char *path, int *out_fd)
{
    char name[4096];
    int fd, len = snprintf(name, sizeof(name), "%s.serving", path);

    if (len < 0 || (size_t)len >= sizeof(name))
        return dt_fail(DT_ERR_IO, "the store's path is too long");
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return dt_fail(DT_ERR_IO, "%s: cannot open: %s", name, strerrordesc_np(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return dt_fail(DT_ERR_BUSY, "%s: another detente-relay uses it", path);
    }
    *out_fd = fd;
    return DT_OK;
}

void
relay_unlock(int fd)
{
    if (fd >= 0)
        close(fd);
}
