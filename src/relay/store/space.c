/*
 * relay/store/space.c - room on the disk that is kept for registers. See store.h. Layer: relay.
 *
 * A full disk ends the whole relay: no checkpoint is signed, no cosignature kept, and nothing that
 * has expired goes, for that takes room in the -wal first. So queues stop before it is full.
 */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "relay/store/internal.h"

/* The folder of ${path} into ${out}, which has room for it. */
static void
folder_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        (void)snprintf(out, size, ".");
    else
        (void)snprintf(out, size, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

bool
store_space_low(const struct dt_relay_store *s)
{
    char folder[STORE_PATH_MAX];
    uint64_t reserve = s->reserve, all;
    struct statvfs v;

    if (reserve == 0 || dt_db_shared(s->w) || strlen(dt_db_path(s->w)) >= sizeof(folder))
        return false;
    folder_of(dt_db_path(s->w), folder, sizeof(folder));
    if (statvfs(folder, &v) != 0)
        return false; /* a store that is no file here; what cannot be known stops nothing */
    if (reserve == DT_RELAY_RESERVE_STANDARD) {
        all = (uint64_t)v.f_blocks * v.f_frsize / DT_RELAY_RESERVE_SHARE;
        reserve = all < DT_RELAY_RESERVE_MAX ? all : DT_RELAY_RESERVE_MAX;
    }
    return (uint64_t)v.f_bavail * v.f_frsize < reserve;
}
