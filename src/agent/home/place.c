/*
 * agent/home/place.c - see place.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#include "agent/home/place.h"

static void
remove_part(const char *part)
{
    static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (snprintf(path, sizeof path, "%s/%s", part, names[i]) < (int)sizeof path)
            (void)unlink(path); /* it need not be there */
    (void)rmdir(part);
}

enum dt_err
dt_place_begin(const char *home, struct dt_place *out)
{
    size_t n = strlen(home);
    char store[PATH_MAX];

    while (n > 1 && home[n - 1] == '/')
        n--;
    if (n == 0 || n + 16 > PATH_MAX)
        return dt_fail(DT_ERR_RANGE, "the name of the home is empty or too long");
    (void)snprintf(out->home, sizeof out->home, "%.*s", (int)n, home);
    (void)snprintf(out->part, sizeof out->part, "%.*s.part", (int)n, home);
    (void)snprintf(store, sizeof store, "%.*s/store.db", (int)n, home);
    if (dt_file_exists(store))
        return dt_fail(DT_ERR_EXISTS, "%s: there is a store already", store);
    remove_part(out->part);
    return DT_OK;
}

enum dt_err
dt_place_end(const struct dt_place *p, enum dt_err err)
{
    if (err == DT_OK && rename(p->part, p->home) != 0)
        err = errno == ENOTEMPTY || errno == EEXIST
                  ? dt_fail(DT_ERR_EXISTS,
                            "%s: there is something already, and not an empty folder", p->home)
                  : dt_fail(DT_ERR_IO, "%s: cannot be made: %s", p->home, strerror(errno));
    if (err != DT_OK)
        remove_part(p->part);
    return err;
}
