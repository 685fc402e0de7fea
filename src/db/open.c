/*
 * db/open.c - finding out what a file is before touching it, making a new one, switching the
 * settings on.
 *
 * Source: SQLite file format (section 1.3, the database header). Layer: db.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#include "db/db_internal.h"
#include "db/gather.h"
#include "db/pages.h"

#define HEADER_LEN      100
#define BUSY_MS_DEFAULT 5000u
#define LENGTH_MAX      (64 << 20) /* the longest value that SQLite may handle for us */

/*
 * SQLite keeps a connection's place in the file by POSIX locks, and the system drops all of a
 * process's locks on a file as soon as the process closes any descriptor of it (fcntl(2)). So while
 * this process has a connection to a file, we must not open and close that file ourselves: another
 * process would take itself for the last user and delete the -wal under our hands. Hence this list:
 * what is open here was looked at when it was opened first, and is not looked at again.
 */
static pthread_mutex_t list_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static struct sqlite_db *open_list;

/*
 * SQLite takes EIO, ENXIO and ERANGE of a read for a damaged file and says SQLITE_CORRUPT. A disk
 * that does not answer now is not a store that has to be thrown away, so these come to it as
 * another error, which it hands on as "disk I/O error".
 */
static _Thread_local unsigned long reads_failed;

static ssize_t
read_at(int fd, void *out, size_t n, off64_t at)
{
    ssize_t got = pread64(fd, out, n, at);

    if (got < 0 && errno != EINTR)
        reads_failed++;
    if (got < 0 && (errno == EIO || errno == ENXIO || errno == ERANGE))
        errno = EREMOTEIO;
    return got;
}

/* Why a write failed last: by the time that SQLite tells of it, errno may be another's. */
static _Thread_local int write_errno;

static ssize_t
write_at(int fd, const void *bytes, size_t n, off64_t at)
{
    ssize_t done = pwrite64(fd, bytes, n, at);

    if (done < 0 && errno != EINTR)
        write_errno = errno;
    return done;
}

int
dt_db_errno(sqlite3 *handle, int rc)
{
    if (rc == SQLITE_IOERR_WRITE && write_errno != 0)
        return write_errno;
    return handle != NULL ? sqlite3_system_errno(handle) : 0;
}

static void
tell_calls_apart(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    if (vfs != NULL && vfs->iVersion >= 3 && vfs->xSetSystemCall != NULL) {
        (void)vfs->xSetSystemCall(vfs, "pread64", (sqlite3_syscall_ptr)read_at);
        (void)vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)write_at);
    }
}

void
dt_db_list_lock(void)
{
    (void)pthread_mutex_lock(&list_lock); /* cannot fail: recursive, statically made */
}

void
dt_db_list_unlock(void)
{
    (void)pthread_mutex_unlock(&list_lock);
}

void
dt_db_list_remove(struct sqlite_db *db)
{
    for (struct sqlite_db **at = &open_list; *at != NULL; at = &(*at)->next) {
        if (*at == db) {
            *at = db->next;
            return;
        }
    }
}

/* Is ${path} a file to which this process has a connection? */
static bool
is_open_here(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return false;
    for (const struct sqlite_db *db = open_list; db != NULL; db = db->next) {
        if (db->dev == st.st_dev && db->ino == st.st_ino)
            return true;
    }
    return false;
}

static enum dt_err
damaged(const char *path, const char *what)
{
    return dt_fail(DT_ERR_FORMAT, "%s: %s", path, what);
}

/* Is something in the file that stands beside ${path} under its name and ${suffix}? */
static bool
has_beside(const char *path, const char *suffix)
{
    char beside[PATH_MAX];
    struct stat st;
    int n = snprintf(beside, sizeof beside, "%s%s", path, suffix);

    return n > 0 && (size_t)n < sizeof beside && stat(beside, &st) == 0 && st.st_size > 0;
}

static bool
has_wal(const char *path)
{
    return has_beside(path, "-wal");
}

/* ${n} bytes from the start of the file, fewer only at its end; -1 with errno. */
static ssize_t
read_whole(int fd, uint8_t *out, size_t n)
{
    size_t have = 0;

    while (have < n) {
        ssize_t got = pread(fd, out + have, n - have, (off_t)have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

/* The header by itself: enough to tell a database from anything else, and a cut one from a whole.
 */
static enum dt_err
check_header(const char *path, off_t *out_size)
{
    static const char magic[16] = "SQLite format 3";
    uint8_t h[HEADER_LEN];
    struct stat st;
    size_t page;
    uint64_t n_pages;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return dt_fail(errno == ENOENT ? DT_ERR_NOT_FOUND : DT_ERR_IO, "%s: cannot open: %s", path,
                       strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return dt_fail(DT_ERR_IO, "%s: is not a file", path);
    }
    got = read_whole(fd, h, sizeof h);
    if (got < 0) {
        int e = errno;

        (void)close(fd);
        return dt_fail(DT_ERR_IO, "%s: cannot read: %s", path, strerror(e));
    }
    (void)close(fd);
    if (got == 0)
        return damaged(path, "is empty, where a database was expected");
    *out_size = st.st_size;
    /*
     * The power may have gone while pages were moved from the -wal into the file, this first one
     * among them. What is torn here stands whole there, and SQLite, which looks at both, has the
     * word; a file of another kind it refuses just as well.
     */
    if (has_wal(path))
        return DT_OK;
    if ((size_t)got < sizeof h || memcmp(h, magic, sizeof magic) != 0)
        return damaged(path, "is not a database of this program");
    page = (size_t)h[16] << 8 | h[17];
    if (page == 1)
        page = 65536;
    if (page < 512 || (page & (page - 1)) != 0)
        return damaged(path, "is damaged: its header is not valid");
    n_pages = (uint64_t)h[28] << 24 | (uint64_t)h[29] << 16 | (uint64_t)h[30] << 8 | h[31];
    if ((uint64_t)st.st_size < n_pages * page)
        return damaged(path, "is damaged: its end is missing");
    return DT_OK;
}

bool
dt_db_is_single(const char *path)
{
    uint8_t h[HEADER_LEN];
    bool single = false;
    int fd;

    dt_db_list_lock();
    if (!is_open_here(path) &&
        (fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) >= 0) {
        /* The versions for writing and reading: 1 is a rollback journal, 2 a -wal. */
        single = read_whole(fd, h, sizeof h) == (ssize_t)sizeof h && h[18] == 1 && h[19] == 1;
        (void)close(fd);
    }
    dt_db_list_unlock();
    return single;
}

static enum dt_err
pragma_u32(sqlite3 *handle, const char *path, const char *sql, uint32_t *out)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(handle, sql, -1, &st, NULL);
    enum dt_err err = DT_OK;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out = (uint32_t)sqlite3_column_int64(st, 0);
    else
        err = dt_db_error(handle, path, rc, "cannot be read");
    (void)sqlite3_finalize(st); /* repeats the error that is handled above */
    return err;
}

/* A page that could not be had is to SQLite a finding like any other. With no read failed it was
 * for want of memory: "error code=7", or of a page behind a long row "failed to get page". */
static bool
found_no_memory(const char *text)
{
    static const char mark[] = "error code=";
    const char *at = strstr(text, mark);

    return (at != NULL && strtol(at + sizeof mark - 1, NULL, 10) == SQLITE_NOMEM) ||
           strstr(text, "failed to get page") != NULL;
}

/* The whole check, not SQLite's quick one: that does not compare indexes with their tables, and a
 * bit flipped in an index would make rows look as if they were not there. */
static enum dt_err
check_pages(sqlite3 *handle, const char *path)
{
    unsigned long before = reads_failed;
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(handle, "PRAGMA integrity_check(1)", -1, &st, NULL);
    enum dt_err err = DT_OK;
    const char *text;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
    if (rc != SQLITE_ROW)
        err = dt_db_error(handle, path, rc, "cannot be checked");
    else if (text != NULL && strcmp(text, "ok") != 0 && reads_failed != before)
        err = dt_fail(DT_ERR_IO, "%s: cannot be checked: the disk does not give all of it", path);
    else if (text == NULL || found_no_memory(text))
        err = dt_nomem();
    else if (strcmp(text, "ok") != 0)
        err = damaged(path, "is damaged: its pages do not fit together");
    (void)sqlite3_finalize(st);
    return err;
}

enum dt_err
dt_db_sqlite_check(struct dt_db *db)
{
    return check_pages(((struct sqlite_db *)db)->handle, db->path);
}

/* Version and kind. ${version} is the file's. */
static enum dt_err
check_kind(sqlite3 *handle, const struct dt_db_config *config, uint32_t *version)
{
    uint32_t app_id = 0;
    enum dt_err err = pragma_u32(handle, config->path, "PRAGMA application_id", &app_id);

    if (err == DT_OK)
        err = pragma_u32(handle, config->path, "PRAGMA user_version", version);
    if (err != DT_OK)
        return err;
    if (app_id != config->app_id || *version == 0)
        return damaged(config->path, "is a database, but not one of this kind");
    if (*version > config->version)
        return dt_fail(
            DT_ERR_UNSUPPORTED,
            "%s: was written by a newer version (schema %u, this program knows up to %u)",
            config->path, *version, config->version);
    return DT_OK;
}

/* "file:" URI of ${path}, with what SQLite would read as syntax escaped. */
static enum dt_err
uri_of(const char *path, const char *query, struct dt_buf *out)
{
    enum dt_err err = dt_buf_printf(out, "file:");

    for (const char *p = path; err == DT_OK && *p != '\0'; p++)
        err = *p == '%' || *p == '?' || *p == '#'
                  ? dt_buf_printf(out, "%%%02x", (unsigned int)*p)
                  : dt_buf_append(out, dt_view((const uint8_t *)p, 1));
    if (err == DT_OK)
        err = dt_buf_printf(out, "?%s", query);
    return err;
}

/*
 * Look at the file through SQLite without a right to change it. Without a -wal it is opened as
 * immutable, so that not even a -shm appears beside it; with one (a process was killed, or works on
 * it now) the -wal belongs to what is checked.
 */
static enum dt_err
inspect(const struct dt_db_config *config, off_t size, bool wal)
{
    uint64_t check_max = wal || config->check_max == 0 ? DT_DB_CHECK_MAX : config->check_max;
    DT_CLEANUP(dt_buf_clear) struct dt_buf uri = DT_BUF_INIT(3 * PATH_MAX + 64);
    sqlite3 *handle = NULL;
    uint32_t version = 0;
    enum dt_err err = uri_of(config->path, wal ? "mode=ro" : "mode=ro&immutable=1", &uri);
    int rc;

    if (err != DT_OK)
        return err;
    rc = sqlite3_open_v2((const char *)uri.p, &handle,
                         SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(handle,
                                  (int)(config->busy_ms != 0 ? config->busy_ms : BUSY_MS_DEFAULT));
    if (rc != SQLITE_OK) {
        err = dt_db_error(handle, config->path, rc, "cannot be opened");
        goto done;
    }
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    err = check_kind(handle, config, &version);
    if (err == DT_OK && (uint64_t)size <= check_max)
        err = check_pages(handle, config->path);
    /* The statements here are right, so what SQLite calls an error is the file's. */
    if (err == DT_ERR_INTERNAL)
        err = damaged(config->path, "is damaged, or of a form that SQLite does not know");

done:
    (void)sqlite3_close(handle);
    return err;
}

/*
 * A rollback journal of a transaction that did not end: what it holds goes back into the file,
 * whose own header may be half written, before anything else is looked at. SQLite does that at the
 * first read, and deletes a journal that never became whole.
 */
static enum dt_err
roll_back_journal(const struct dt_db_config *config)
{
    sqlite3 *handle = NULL;
    uint32_t version = 0;
    int rc =
        sqlite3_open_v2(config->path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL);
    enum dt_err err;

    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(handle,
                                  (int)(config->busy_ms != 0 ? config->busy_ms : BUSY_MS_DEFAULT));
    err = rc != SQLITE_OK ? dt_db_error(handle, config->path, rc, "cannot be opened")
                          : pragma_u32(handle, config->path, "PRAGMA user_version", &version);
    (void)sqlite3_close(handle);
    return dt_fail_context(err, "putting back what was half written");
}

static enum dt_err
look_first(const struct dt_db_config *config)
{
    off_t size = 0;
    enum dt_err err;

    if (has_beside(config->path, "-journal") && has_beside(config->path, "") &&
        (err = roll_back_journal(config)) != DT_OK)
        return err;
    err = check_header(config->path, &size);
    for (int i = 0; err == DT_OK && i < 3; i++) {
        bool wal = has_wal(config->path);

        err = inspect(config, size, wal);
        /* Another process may have begun to write while we looked: then look again, with its -wal.
         */
        if (err == DT_OK || wal || !has_wal(config->path))
            break;
        if (i < 2)
            err = DT_OK;
    }
    return err;
}

static enum dt_err
setting(struct sqlite_db *db, const char *sql, const char *want)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL);
    enum dt_err err = DT_OK;
    const char *text;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
    if (want != NULL && (rc == SQLITE_ROW || rc == SQLITE_DONE) &&
        (text == NULL || strcmp(text, want) != 0))
        err = dt_fail(DT_ERR_IO, "%s: SQLite does not take the setting \"%s\" here", db->base.path,
                      sql);
    if (rc == SQLITE_ROW) /* what it writes to the file it writes now, after it has said "wal" */
        rc = sqlite3_step(st);
    if (err == DT_OK && rc != SQLITE_DONE)
        err = dt_db_error(db->handle, db->base.path, rc, "a setting failed");
    (void)sqlite3_finalize(st); /* repeats the error that is handled above */
    return err;
}

static enum dt_err
settings(struct sqlite_db *db, bool single_file)
{
    const struct {
        const char *sql;
        const char *want;
    } list[] = {
        {single_file ? "PRAGMA journal_mode=DELETE" : "PRAGMA journal_mode=WAL",
         single_file ? "delete" : "wal"},
        {single_file ? "PRAGMA synchronous=EXTRA" : "PRAGMA synchronous=FULL", NULL},
        {"PRAGMA secure_delete=ON", "1"},
        {"PRAGMA cell_size_check=ON", NULL},
        {"PRAGMA temp_store=MEMORY", NULL},
        {"PRAGMA mmap_size=0", NULL}, /* a read error is an error code, not a signal */
    };
    int rc = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    if (rc != SQLITE_OK)
        return dt_db_error(db->handle, db->base.path, rc, "a setting failed");
    (void)sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, LENGTH_MAX);
    (void)sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 1); /* one: VACUUM INTO needs it */
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        enum dt_err err = setting(db, list[i].sql, list[i].want);

        if (err != DT_OK)
            return err;
    }
    return DT_OK;
}

/* The statements of every transaction. */
static enum dt_err
make_ready(struct sqlite_db *db)
{
    const struct {
        const char *sql;
        sqlite3_stmt **st;
    } list[] = {
        {"BEGIN IMMEDIATE", &db->begin}, {"COMMIT", &db->commit}, {"ROLLBACK", &db->rollback}};
    int rc = SQLITE_OK;

    for (size_t i = 0; rc == SQLITE_OK && i < sizeof list / sizeof list[0]; i++)
        rc = sqlite3_prepare_v3(db->handle, list[i].sql, -1, SQLITE_PREPARE_PERSISTENT, list[i].st,
                                NULL);
    return dt_db_error(db->handle, db->base.path, rc, "cannot be used");
}

/* Open ${path} for writing, which exists; messages name the path of the config. */
static enum dt_err
open_rw(const struct dt_db_config *config, const char *path, struct sqlite_db **out)
{
    struct sqlite_db *db = dt_alloc(1, sizeof *db);
    struct stat st;
    enum dt_err err;
    int rc;

    if (db == NULL)
        return dt_nomem();
    db->base.engine = &dt_db_sqlite;
    db->base.path = dt_strndup(config->path, strlen(config->path));
    if (db->base.path == NULL) {
        err = dt_nomem();
        goto fail;
    }
    rc = sqlite3_open_v2(path, &db->handle,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                         dt_db_gather_vfs());
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(db->handle,
                                  (int)(config->busy_ms != 0 ? config->busy_ms : BUSY_MS_DEFAULT));
    if (rc != SQLITE_OK) {
        err = dt_db_error(db->handle, db->base.path, rc, "cannot be opened");
        goto fail;
    }
    /* SQLite takes a file that it cannot open for writing read-only, and says so at the first
     * write.
     */
    err = sqlite3_db_readonly(db->handle, "main") == 0
              ? settings(db, config->single_file)
              : dt_fail(DT_ERR_IO, "%s: cannot be opened for writing: %s", db->base.path,
                        sqlite3_system_errno(db->handle) != 0
                            ? strerror(sqlite3_system_errno(db->handle))
                            : "it is read-only here");
    if (err == DT_OK && stat(path, &st) != 0)
        err = dt_fail(DT_ERR_IO, "%s: is gone: %s", config->path, strerror(errno));
    if (err == DT_OK)
        err = make_ready(db);
    if (err != DT_OK)
        goto fail;
    db->dev = st.st_dev;
    db->ino = st.st_ino;
    db->next = open_list;
    open_list = db;
    *out = db;
    return DT_OK;

fail:
    dt_db_close(&db->base);
    return err;
}

/* Bring the schema up to date, in one transaction with its number. */
static enum dt_err
migrate(struct sqlite_db *own, const struct dt_db_config *config, bool fresh)
{
    struct dt_db *db = &own->base;
    DT_CLEANUP(dt_tx_end) struct dt_tx tx = {0};
    char sql[96];
    uint32_t from = 0;
    enum dt_err err = dt_tx_begin(db, &tx);

    if (err != DT_OK)
        return err;
    if (!fresh) {
        /* Asked again under the lock: another process may have been quicker. */
        err = check_kind(own->handle, config, &from);
        if (err != DT_OK || from == config->version)
            return err;
    }
    err = config->migrate(db, from, config->ctx);
    if (!fresh && err == DT_ERR_INTERNAL) /* the statements are right: it is not of that version */
        err = damaged(config->path, "is damaged, or of a form that SQLite does not know");
    if (err != DT_OK)
        return err;
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version=%u; PRAGMA application_id=%u",
                   config->version, config->app_id);
    err = dt_db_exec(db, sql);
    if (err == DT_OK)
        err = dt_tx_commit(&tx);
    return err;
}

static void
remove_with(const char *path, const char *suffix)
{
    char full[PATH_MAX];
    int n = snprintf(full, sizeof full, "%s%s", path, suffix);

    if (n > 0 && (size_t)n < sizeof full)
        (void)unlink(full); /* mostly not there */
}

static enum dt_err
open_folder_of(const char *path, int *out_fd)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash == NULL   ? snprintf(folder, sizeof folder, ".")
            : slash == path ? snprintf(folder, sizeof folder, "/")
                            : snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);

    if (n < 0 || (size_t)n >= sizeof folder)
        return dt_fail(DT_ERR_LIMIT, "path too long");
    *out_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out_fd < 0)
        return dt_fail(DT_ERR_IO, "%s: cannot open its folder: %s", path, strerror(errno));
    return DT_OK;
}

static enum dt_err
temp_beside(const char *path, char *out, size_t out_len)
{
    int n = snprintf(out, out_len, "%s.new-XXXXXX", path);
    int fd;

    if (n < 0 || (size_t)n + 16 >= out_len)
        return dt_fail(DT_ERR_LIMIT, "path too long");
    fd = mkostemp(out, O_CLOEXEC); /* 0600 */
    if (fd < 0)
        return dt_fail(DT_ERR_IO, "%s: cannot create: %s", path, strerror(errno));
    (void)close(fd);
    return DT_OK;
}

/* Make the database beside its place and link it there whole. */
static enum dt_err
create(const struct dt_db_config *config)
{
    char temp[PATH_MAX];
    struct sqlite_db *db = NULL;
    enum dt_err err = temp_beside(config->path, temp, sizeof temp);

    if (err != DT_OK)
        return err;
    err = open_rw(config, temp, &db);
    if (err == DT_OK)
        err = migrate(db, config, true);
    if (err == DT_OK)
        err = dt_db_checkpoint(&db->base); /* all of it is in the file and synced */
    if (db != NULL)
        dt_db_close(&db->base);
    if (err == DT_OK)
        err = dt_file_place(temp, config->path);
    remove_with(temp, "");
    remove_with(temp, "-wal");
    remove_with(temp, "-shm");
    remove_with(temp, "-journal");
    return err;
}

/*
 * SQLite syncs the folder of a -wal that it made once, with the first sync of its content, and does
 * not look at how that ended. Without the name a power cut takes all that was committed into it, so
 * that is not left to it: by now the -wal is there, and it stays while the connection does.
 */
static enum dt_err
sync_folder_of(const char *path)
{
    enum dt_err err;
    int folder = -1;

    if ((err = open_folder_of(path, &folder)) != DT_OK)
        return err;
    if (fsync(folder) != 0)
        err = dt_fail(DT_ERR_IO, "%s: cannot sync its folder: %s", path, strerror(errno));
    (void)close(folder);
    return err;
}

static enum dt_err
open_locked(const struct dt_db_config *config, struct dt_db **out)
{
    struct sqlite_db *db = NULL;
    uint32_t version = 0;
    enum dt_err err;

    if (config->version == 0 || config->app_id == 0 || config->migrate == NULL)
        return dt_fail(DT_ERR_INTERNAL, "incomplete database settings");
    if (strlen(config->path) + 32 >= PATH_MAX)
        return dt_fail(DT_ERR_LIMIT, "path too long");
    err = is_open_here(config->path) ? DT_OK : look_first(config);
    if (err == DT_ERR_NOT_FOUND && config->create) {
        err = create(config);
        if (err == DT_OK || err == DT_ERR_EXISTS) /* another process made it meanwhile */
            err = look_first(config);
    }
    if (err == DT_OK)
        err = open_rw(config, config->path, &db);
    if (err == DT_OK)
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): open_rw() said OK: it gave one */
        err = check_kind(db->handle, config, &version);
    if (err == DT_OK && version < config->version &&
        (config->as_is_from == 0 || version < config->as_is_from))
        err = migrate(db, config, false);
    if (err == DT_OK)
        err = sync_folder_of(config->path);
    if (err != DT_OK) {
        if (db != NULL)
            dt_db_close(&db->base);
        return err;
    }
    *out = &db->base;
    dt_err_forget();
    return DT_OK;
}

enum dt_err
dt_db_open(const struct dt_db_config *config, struct dt_db **out)
{
    static bool told;
    enum dt_err err;

    dt_db_list_lock();
    if (!told) {
        dt_db_pages_prepare();
        tell_calls_apart();
    }
    told = true;
    err = open_locked(config, out);
    dt_db_list_unlock();
    return err;
}

enum dt_err
dt_db_sqlite_copy(struct dt_db *db, const char *path)
{
    char temp[PATH_MAX];
    sqlite3 *to = NULL;
    sqlite3_backup *backup;
    enum dt_err err = temp_beside(path, temp, sizeof temp);
    int rc;

    if (err != DT_OK)
        return err;
    rc = sqlite3_open_v2(temp, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK) {
        backup = sqlite3_backup_init(to, "main", ((struct sqlite_db *)db)->handle, "main");
        if (backup != NULL) {
            (void)sqlite3_backup_step(backup,
                                      -1); /* its result is kept and given by the next call */
            rc = sqlite3_backup_finish(backup);
        } else {
            rc = sqlite3_errcode(to);
        }
    }
    if (rc != SQLITE_OK)
        err = dt_db_error(to, path, rc, "cannot be copied");
    (void)sqlite3_close(to);
    if (err == DT_OK)
        err = dt_file_place(temp, path);
    remove_with(temp, "");
    remove_with(temp, "-wal");
    remove_with(temp, "-shm");
    remove_with(temp, "-journal");
    return err;
}
