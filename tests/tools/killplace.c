/*
 * killplace.c - what the program is in the middle of; see killshim.h.
 *
 * SQLite, libcurl and the sockets are watched from outside, through their own functions, so that
 * the programs need no line for it. A transaction is asked of SQLite itself (sqlite3_txn_state) by
 * the thread that works on the connection; other threads see what that one found after its last
 * call, and a COMMIT counts until it has returned. A connection's lock is never waited for, because
 * that would move the places.
 *
 * Requests. A server's begins with the first byte that comes in on a connection it accepted and
 * ends with the bytes it sends there; a client's begins when its bytes have been handed to the
 * kernel and ends when curl_easy_perform() returns. Which ones wait for news is read off the
 * request line.
 */
#undef _FORTIFY_SOURCE /* its recv() is defined in a header */
#include <curl/curl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "killshim.h"

#define HANDLES 16
#define FDS     4096

const char *const place_names[PLACES] = {"transaction", "request", "waiting", "store", "outside"};

/* ---- transactions ---- */

static _Atomic(sqlite3 *) writing[HANDLES]; /* connections with an open write transaction */
static _Thread_local sqlite3 *working_on;   /* the connection whose function this thread is in */

static bool
in_write(sqlite3 *db)
{
    static int (*state)(sqlite3 *, const char *);

    if (state == NULL)
        *(void **)&state = dlsym(RTLD_DEFAULT, "sqlite3_txn_state");
    return state != NULL && state(db, NULL) == SQLITE_TXN_WRITE;
}

static void
note(sqlite3 *db, bool open)
{
    size_t free_at = HANDLES;

    for (size_t i = 0; i < HANDLES; i++) {
        sqlite3 *at = atomic_load(&writing[i]);

        if (at == db) {
            if (!open)
                atomic_store(&writing[i], NULL);
            return;
        }
        if (at == NULL && free_at == HANDLES)
            free_at = i;
    }
    if (open && free_at < HANDLES)
        atomic_store(&writing[free_at], db);
}

/* These may call each other: only the outermost says what it left behind. */
static sqlite3 *
begin_work(sqlite3 *db)
{
    sqlite3 *outer = working_on;

    working_on = db;
    return outer;
}

static void
end_work(sqlite3 *outer, sqlite3 *db, bool closed)
{
    working_on = outer;
    if (outer == NULL && db != NULL)
        note(db, !closed && in_write(db));
}

static sqlite3 *
handle_of(sqlite3_stmt *stmt)
{
    static sqlite3 *(*real)(sqlite3_stmt *);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_DEFAULT, "sqlite3_db_handle");
    return stmt == NULL ? NULL : real(stmt);
}

/* A function of SQLite's on ${handle}. */
#define WORK(handle, closes, real_call)                                                            \
    sqlite3 *on = (handle), *outer = begin_work(on);                                               \
    int rc = real_call;                                                                            \
    end_work(outer, on, closes);                                                                   \
    return rc

EXPORT int
sqlite3_exec(sqlite3 *db, const char *sql, int (*fn)(void *, int, char **, char **), void *ctx,
             char **message)
{
    REAL(int, sqlite3_exec, sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *,
         char **);
    WORK(db, false, real(db, sql, fn, ctx, message));
}

EXPORT int
sqlite3_step(sqlite3_stmt *stmt)
{
    REAL(int, sqlite3_step, sqlite3_stmt *);
    WORK(handle_of(stmt), false, real(stmt));
}

/* May end the transaction of a single statement. */
EXPORT int
sqlite3_reset(sqlite3_stmt *stmt)
{
    REAL(int, sqlite3_reset, sqlite3_stmt *);
    WORK(handle_of(stmt), false, real(stmt));
}

EXPORT int
sqlite3_wal_checkpoint_v2(sqlite3 *db, const char *name, int mode, int *log, int *done)
{
    REAL(int, sqlite3_wal_checkpoint_v2, sqlite3 *, const char *, int, int *, int *);
    WORK(db, false, real(db, name, mode, log, done));
}

EXPORT int
sqlite3_close(sqlite3 *db)
{
    REAL(int, sqlite3_close, sqlite3 *);
    WORK(db, true, real(db));
}

EXPORT int
sqlite3_close_v2(sqlite3 *db)
{
    REAL(int, sqlite3_close_v2, sqlite3 *);
    WORK(db, true, real(db));
}

static bool
any_writing(void)
{
    for (size_t i = 0; i < HANDLES; i++)
        if (atomic_load(&writing[i]) != NULL)
            return true;
    return false;
}

/* ---- requests ---- */

enum { NOT_ACCEPTED, IDLE, REQUEST, WAITING };

static atomic_uchar accepted[FDS];
static _Thread_local bool performing; /* in curl_easy_perform() */
static _Thread_local unsigned char gone_out;

/* Of a request's first bytes: does its target ask to wait? */
static unsigned char
kind_of(const void *buf, size_t n)
{
    const char *end = memchr(buf, '\r', n);

    if (end != NULL)
        n = (size_t)(end - (const char *)buf);
    return memmem(buf, n, "wait=", 5) != NULL ? WAITING : REQUEST;
}

void
place_received(int fd, const void *buf, size_t n)
{
    if (fd >= 0 && fd < FDS && atomic_load(&accepted[fd]) == IDLE && n > 0)
        atomic_store(&accepted[fd], kind_of(buf, n));
}

void
place_sent(int fd, const void *buf, size_t n, bool whole)
{
    if (fd >= 0 && fd < FDS && atomic_load(&accepted[fd]) != NOT_ACCEPTED)
        atomic_store(&accepted[fd], whole ? IDLE : atomic_load(&accepted[fd]));
    else if (performing && gone_out == IDLE && n > 0)
        gone_out = kind_of(buf, n);
}

void
place_closed(int fd)
{
    if (fd >= 0 && fd < FDS)
        atomic_store(&accepted[fd], NOT_ACCEPTED);
}

EXPORT int
accept4(int fd, __SOCKADDR_ARG addr, socklen_t *len, int flags)
{
    REAL(int, accept4, int, __SOCKADDR_ARG, socklen_t *, int);
    int got = real(fd, addr, len, flags);

    if (got >= 0 && got < FDS)
        atomic_store(&accepted[got], IDLE);
    return got;
}

EXPORT int
accept(int fd, __SOCKADDR_ARG addr, socklen_t *len)
{
    REAL(int, accept, int, __SOCKADDR_ARG, socklen_t *);
    int got = real(fd, addr, len);

    if (got >= 0 && got < FDS)
        atomic_store(&accepted[got], IDLE);
    return got;
}

EXPORT ssize_t
recv(int fd, void *buf, size_t n, int flags)
{
    REAL(ssize_t, recv, int, void *, size_t, int);
    ssize_t got = real(fd, buf, n, flags);

    if (got > 0 && (flags & MSG_PEEK) == 0)
        place_received(fd, buf, (size_t)got);
    return got;
}

EXPORT int
close(int fd)
{
    REAL(int, close, int);

    place_closed(fd);
    return real(fd);
}

EXPORT CURLcode
curl_easy_perform(CURL *curl)
{
    REAL(CURLcode, curl_easy_perform, CURL *);
    CURLcode rc;

    performing = true;
    gone_out = IDLE;
    rc = real(curl);
    performing = false;
    return rc;
}

/* ---- the answer ---- */

enum place
place_now(void)
{
    bool request = performing && gone_out == REQUEST;
    bool waiting = performing && gone_out == WAITING;

    /* What this thread works on is asked of SQLite; what others do is known from their last call.
     */
    if (working_on != NULL && in_write(working_on))
        return PLACE_TRANSACTION;
    if (working_on != NULL)
        note(working_on, false);
    if (any_writing())
        return PLACE_TRANSACTION;
    for (size_t fd = 0; fd < FDS && !request; fd++) {
        unsigned char state = atomic_load(&accepted[fd]);

        request = state == REQUEST;
        waiting = waiting || state == WAITING;
    }
    if (request)
        return PLACE_REQUEST;
    if (working_on != NULL)
        return PLACE_STORE;
    return waiting ? PLACE_WAITING : PLACE_OUTSIDE;
}
