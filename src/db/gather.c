/*
 * db/gather.c - see gather.h. A VFS that is the system's own but for the files of write-ahead logs:
 * those get a layer that keeps what is written one after the other until something else is asked
 * of the file.
 *
 * Source: SQLite, "The SQLite OS Interface or VFS"; "WAL-mode File Format". Layer: db.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#include "db/gather.h"

/* As much as SQLite hands to the system in one call: it masks the length with that. Some thirty
 * pages; a commit of one message takes ten. */
#define GATHER_MAX 0x1ffffu

#define AHEAD_MAX (1 << 20) /* bytes that a -wal grows by beyond what is needed, at most */

struct gathered {
    sqlite3_file base; /* first: what SQLite sees */
    uint8_t *bytes;    /* GATHER_MAX of them, from the first write on; NULL: none yet */
    size_t n;
    sqlite3_int64 at;   /* where they belong */
    int lost;           /* how writing them failed; SQLITE_OK: it did not */
    sqlite3_int64 size; /* of the file, with the room ahead; -1: not known */
    bool tight;         /* there was no room ahead */
    /* Behind it lies the system's own file. */
};

static sqlite3_vfs *system_vfs;

static struct gathered *
own(sqlite3_file *file)
{
    return (struct gathered *)(void *)file;
}

static sqlite3_file *
inner(sqlite3_file *file)
{
    return (sqlite3_file *)(void *)(own(file) + 1);
}

/*
 * A sync of a file that has grown writes its length too, and waits once more. So where it grows it
 * grows by as much again, in zeros, which are no page of a -wal: from then on syncs find it as long
 * as it was. Without room for that it just grows; what was taken in vain is given back, for others
 * are short of it too, and not asked for again until the file is cut.
 */
static void
grow(sqlite3_file *file, sqlite3_int64 end)
{
    static const uint8_t zeros[64u << 10];
    struct gathered *g = own(file);
    sqlite3_int64 want = end + (end < AHEAD_MAX ? end : AHEAD_MAX);
    int rc = SQLITE_OK;

    if (g->tight)
        return;
    if (g->size < 0 && inner(file)->pMethods->xFileSize(inner(file), &g->size) != SQLITE_OK)
        return;
    if (end <= g->size)
        return;
    for (g->size = end; rc == SQLITE_OK && g->size < want;) {
        sqlite3_int64 left = want - g->size;
        int n = left < (sqlite3_int64)sizeof zeros ? (int)left : (int)sizeof zeros;

        rc = inner(file)->pMethods->xWrite(inner(file), zeros, n, g->size);
        if (rc == SQLITE_OK)
            g->size += n;
    }
    if (rc == SQLITE_OK)
        return;
    g->tight = true;
    (void)inner(file)->pMethods->xTruncate(inner(file), end);
}

/* What was gathered goes to the system. */
static int
flush(sqlite3_file *file)
{
    struct gathered *g = own(file);

    if (g->lost == SQLITE_OK && g->n > 0) {
        g->lost = inner(file)->pMethods->xWrite(inner(file), g->bytes, (int)g->n, g->at);
        if (g->lost == SQLITE_OK)
            grow(file, g->at + (sqlite3_int64)g->n);
        g->n = 0;
    }
    return g->lost;
}

static int
gather_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    struct gathered *g = own(file);
    size_t len = n > 0 ? (size_t)n : 0;
    int rc = SQLITE_OK;

    if (g->lost != SQLITE_OK)
        return g->lost;
    if (g->bytes == NULL)
        g->bytes = dt_alloc(1, GATHER_MAX); /* without, each goes by itself */
    if (g->n > 0 && (at != g->at + (sqlite3_int64)g->n || len > GATHER_MAX - g->n))
        rc = flush(file);
    if (rc != SQLITE_OK)
        return rc;
    if (g->bytes == NULL || len > GATHER_MAX)
        return inner(file)->pMethods->xWrite(inner(file), bytes, n, at);
    if (g->n == 0)
        g->at = at;
    memcpy(g->bytes + g->n, bytes, len);
    g->n += len;
    return SQLITE_OK;
}

static int
gather_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
    int rc = flush(file);

    return rc == SQLITE_OK ? inner(file)->pMethods->xRead(inner(file), out, n, at) : rc;
}

static int
gather_truncate(sqlite3_file *file, sqlite3_int64 n)
{
    int rc = flush(file);

    own(file)->size = -1;
    own(file)->tight = false;
    return rc == SQLITE_OK ? inner(file)->pMethods->xTruncate(inner(file), n) : rc;
}

static int
gather_sync(sqlite3_file *file, int flags)
{
    int rc = flush(file);

    return rc == SQLITE_OK ? inner(file)->pMethods->xSync(inner(file), flags) : rc;
}

static int
gather_size(sqlite3_file *file, sqlite3_int64 *out)
{
    int rc = flush(file);

    return rc == SQLITE_OK ? inner(file)->pMethods->xFileSize(inner(file), out) : rc;
}

/* What a transaction left that did not end in a commit is nobody's, and is not written. */
static int
gather_close(sqlite3_file *file)
{
    int rc = inner(file)->pMethods->xClose(inner(file));

    dt_free(own(file)->bytes);
    own(file)->bytes = NULL;
    return rc;
}

static int
gather_lock(sqlite3_file *file, int level)
{
    return inner(file)->pMethods->xLock(inner(file), level);
}

static int
gather_unlock(sqlite3_file *file, int level)
{
    return inner(file)->pMethods->xUnlock(inner(file), level);
}

static int
gather_reserved(sqlite3_file *file, int *out)
{
    return inner(file)->pMethods->xCheckReservedLock(inner(file), out);
}

static int
gather_control(sqlite3_file *file, int what, void *arg)
{
    int rc = flush(file);

    return rc == SQLITE_OK ? inner(file)->pMethods->xFileControl(inner(file), what, arg) : rc;
}

static int
gather_sector(sqlite3_file *file)
{
    return inner(file)->pMethods->xSectorSize(inner(file));
}

static int
gather_device(sqlite3_file *file)
{
    return inner(file)->pMethods->xDeviceCharacteristics(inner(file));
}

/* Version 1: shared memory and mapped pages are of database files alone. */
static const sqlite3_io_methods gather_methods = {
    .iVersion = 1,
    .xClose = gather_close,
    .xRead = gather_read,
    .xWrite = gather_write,
    .xTruncate = gather_truncate,
    .xSync = gather_sync,
    .xFileSize = gather_size,
    .xLock = gather_lock,
    .xUnlock = gather_unlock,
    .xCheckReservedLock = gather_reserved,
    .xFileControl = gather_control,
    .xSectorSize = gather_sector,
    .xDeviceCharacteristics = gather_device,
};

static int
gather_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    int rc;

    (void)vfs;
    if ((flags & SQLITE_OPEN_WAL) == 0)
        return system_vfs->xOpen(system_vfs, name, file, flags, out_flags);
    memset(file, 0, sizeof(struct gathered));
    rc = system_vfs->xOpen(system_vfs, name, inner(file), flags, out_flags);
    if (rc == SQLITE_OK) {
        file->pMethods = &gather_methods;
        own(file)->size = -1;
    }
    return rc;
}

const char *
dt_db_gather_vfs(void)
{
    static sqlite3_vfs vfs;

    if (system_vfs != NULL)
        return vfs.zName;
    if ((system_vfs = sqlite3_vfs_find(NULL)) == NULL)
        return NULL;
    vfs = *system_vfs; /* its functions take what stands in it, and never look whose it is */
    vfs.pNext = NULL;
    vfs.zName = "detente";
    vfs.szOsFile = (int)sizeof(struct gathered) + system_vfs->szOsFile;
    vfs.xOpen = gather_open;
    if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
        system_vfs = NULL;
    return system_vfs != NULL ? vfs.zName : NULL;
}

void
dt_db_gather_forget(sqlite3 *handle)
{
    sqlite3_file *file = NULL;

    if (sqlite3_txn_state(handle, NULL) == SQLITE_TXN_WRITE ||
        sqlite3_file_control(handle, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK ||
        file == NULL || file->pMethods != &gather_methods)
        return;
    own(file)->lost = SQLITE_OK;
    own(file)->n = 0;
}
