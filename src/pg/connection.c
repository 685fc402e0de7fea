/*
 * pg/connection.c - connecting, waiting with an end, and what the database's errors mean.
 *
 * Source: PostgreSQL 15, libpq chapters 34.1 to 34.5 and appendix A (SQLSTATE). Layer: pg.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"

#include "pg/pg_internal.h"

#define CONNECT_MS   3000u /* TLS and a password are eight times there and back */
#define PAUSE_MIN_MS 50u
#define PAUSE_MAX_MS 500u

bool
dt_pg_is_url(const char *store)
{
    return store != NULL &&
           (strncmp(store, "postgres://", 11) == 0 || strncmp(store, "postgresql://", 13) == 0);
}

static const char *
option_of(const PQconninfoOption *o, const char *keyword)
{
    for (; o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val != NULL ? o->val : "";
    return "";
}

char *
pg_name_of(const char *url)
{
    PQconninfoOption *o = PQconninfoParse(url, NULL);
    char text[256];
    int n = snprintf(text, sizeof(text), "postgresql:%.64s@%.120s", option_of(o, "dbname"),
                     option_of(o, "host"));

    PQconninfoFree(o);
    return dt_strndup(text, n > 0 ? strlen(text) : 0);
}

/* Notices of the database are not for the relay's standard error. */
static void
no_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

/* The first line of libpq's message, which may name hosts and users, and has no password. */
static enum dt_err
connect_failed(PGconn *conn, const char *name)
{
    const char *text = conn != NULL ? PQerrorMessage(conn) : "out of memory";
    size_t n = strcspn(text, "\r\n");

    return dt_fail(DT_ERR_IO, "%s: cannot connect to the database: %.*s", name,
                   (int)(n < 300 ? n : 300), text);
}

static enum dt_err
wait_for(PGconn *conn, const char *name, short events, uint64_t end_ms)
{
    for (;;) {
        uint64_t now = dt_monotonic_ms();
        struct pollfd p = {.fd = PQsocket(conn), .events = events};
        int rc;

        if (p.fd < 0 || now >= end_ms)
            break;
        rc = poll(&p, 1, (int)(end_ms - now));
        if (rc > 0)
            return DT_OK;
        if (rc < 0 && errno != EINTR)
            break;
    }
    return dt_fail(DT_ERR_NET, "%s: the database gives no answer in time", name);
}

static enum dt_err
connect_poll(PGconn *conn, const char *name, uint64_t end_ms)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    while (PQstatus(conn) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
           state != PGRES_POLLING_FAILED) {
        enum dt_err err =
            wait_for(conn, name, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, end_ms);

        if (err != DT_OK)
            return dt_fail(DT_ERR_IO, "%s: cannot connect to the database: no answer in time",
                           name);
        state = PQconnectPoll(conn);
    }
    return PQstatus(conn) == CONNECTION_OK ? DT_OK : connect_failed(conn, name);
}

enum dt_err
pg_connect(const char *url, const char *name, const char *settings, unsigned int ms, PGconn **out)
{
    /* What stands in the URL wins over what stands before it here. */
    const char *const keys[] = {"application_name", "tcp_user_timeout", "dbname", "client_encoding",
                                NULL};
    const char *const values[] = {"detente-relay", "10000", url, "UTF8", NULL};
    PGconn *conn = PQconnectStartParams(keys, values, 1);
    enum dt_err err;

    if (conn == NULL)
        return dt_nomem();
    if ((err = connect_poll(conn, name, dt_monotonic_ms() + ms)) != DT_OK)
        goto fail;
    (void)PQsetNoticeReceiver(conn, no_notice, NULL);
    if (PQsetnonblocking(conn, 1) != 0) {
        err = connect_failed(conn, name);
        goto fail;
    }
    if ((err = pg_simple(conn, name, settings, ms, NULL)) != DT_OK)
        goto fail;
    *out = conn;
    return DT_OK;

fail:
    PQfinish(conn);
    return err;
}

enum dt_err
pg_wait(PGconn *conn, const char *name, unsigned int ms)
{
    uint64_t end = dt_monotonic_ms() + ms;

    for (;;) {
        int unsent = PQflush(conn);
        enum dt_err err;

        if (unsent < 0)
            break;
        if (unsent == 0 && PQisBusy(conn) == 0)
            return DT_OK;
        if ((err = wait_for(conn, name, (short)(unsent == 1 ? POLLIN | POLLOUT : POLLIN), end)) !=
            DT_OK)
            return err;
        if (PQconsumeInput(conn) == 0)
            break;
    }
    return dt_fail(DT_ERR_NET, "%s: the connection to the database was lost", name);
}

enum dt_err
pg_simple(PGconn *conn, const char *name, const char *sql, unsigned int ms, char out_state[6])
{
    enum dt_err err = DT_OK, first = DT_OK;
    bool again, gone, full;

    if (PQsendQuery(conn, sql) == 0)
        return dt_fail(DT_ERR_NET, "%s: the connection to the database was lost", name);
    for (;;) {
        PGresult *r;
        const char *state;

        if ((err = pg_wait(conn, name, ms)) != DT_OK)
            return err;
        if ((r = PQgetResult(conn)) == NULL)
            return first;
        err = pg_error(r, name, &again, &gone, &full);
        state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
        if (err != DT_OK && first == DT_OK) {
            first = err;
            if (out_state != NULL)
                (void)snprintf(out_state, 6, "%s", state != NULL ? state : "");
        }
        PQclear(r);
    }
}

/* Does ${state} begin with ${class}? */
static bool
is(const char *state, const char *class)
{
    return strncmp(state, class, strlen(class)) == 0;
}

enum dt_err
pg_error(const PGresult *result, const char *name, bool *out_again, bool *out_gone, bool *out_full)
{
    ExecStatusType status = PQresultStatus(result);
    const char *state, *text;
    int n;

    *out_again = *out_gone = *out_full = false;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_SYNC ||
        status == PGRES_EMPTY_QUERY)
        return DT_OK;
    if (result == NULL)
        return dt_nomem();
    if (status == PGRES_PIPELINE_ABORTED)
        return dt_fail(DT_ERR_STATE, "%s: something before failed", name);
    state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (text == NULL)
        text = PQresultErrorMessage(result);
    n = (int)strcspn(text, "\r\n");
    if (state == NULL || is(state, "08")) { /* libpq's own: the connection */
        *out_again = *out_gone = true;
        return dt_fail(DT_ERR_NET, "%s: the connection to the database was lost", name);
    }
    if (is(state, "23505"))
        return dt_fail(DT_ERR_EXISTS, "%s: exists already (%.*s)", name, n, text);
    if (is(state, "23"))
        return dt_fail(DT_ERR_CONFLICT, "%s: against a rule of the schema (%.*s)", name, n, text);
    if (is(state, "40") || is(state, "55P03") || is(state, "57014")) {
        *out_again = true;
        return dt_fail(DT_ERR_BUSY, "%s: in use by another process (%s)", name, state);
    }
    if (is(state, "53100")) {
        *out_full = true;
        return dt_fail(DT_ERR_IO, "%s: no space left on the disk", name);
    }
    if (is(state, "57P") || is(state, "25006") || is(state, "25P03") || is(state, "53300")) {
        /* It stops, crashed, starts, became another's copy, or has had enough of us. */
        *out_again = *out_gone = true;
        return dt_fail(DT_ERR_NET, "%s: the database closed the connection (%s)", name, state);
    }
    if (is(state, "XX001") || is(state, "XX002"))
        return dt_fail(DT_ERR_FORMAT, "%s: is damaged, says the database (%.*s)", name, n, text);
    if (is(state, "53") || is(state, "58") || is(state, "28") || is(state, "3D") ||
        is(state, "42501"))
        return dt_fail(DT_ERR_IO, "%s: the database refuses: %.*s (%s)", name, n, text, state);
    return dt_fail(DT_ERR_INTERNAL, "%s: statement failed: %.*s (%s)", name, n, text, state);
}

/*
 * What each connection is told. A lock that a stopped or vanished process holds ends with its
 * transaction, after 10 s. A database whose administrator chose more than "on" (waiting for copies)
 * keeps that; "off" would acknowledge what is not on disk. A statement that is prepared while its
 * table is new and small would be planned to read all of it, also when it has grown: each of ours
 * has an index, and is to use it. What has to read all of a table looks dear then, and would be
 * compiled for it, which takes longer than it does.
 */
static enum dt_err
connect_own(struct pg_db *db)
{
    char settings[640];

    (void)snprintf(settings, sizeof(settings),
                   "SET statement_timeout = %u; SET lock_timeout = %u;"
                   " SET idle_in_transaction_session_timeout = 10000;"
                   " SELECT set_config('synchronous_commit', 'on', false)"
                   " WHERE current_setting('synchronous_commit') = 'off';"
                   " SELECT set_config('enable_seqscan', 'off', false)"
                   " WHERE current_setting('enable_seqscan', true) IS NOT NULL;"
                   " SELECT set_config('jit', 'off', false)"
                   " WHERE current_setting('jit', true) IS NOT NULL",
                   db->answer_ms, db->answer_ms / 2);
    return pg_connect(db->url, db->base.path, settings,
                      db->answer_ms < CONNECT_MS ? db->answer_ms : CONNECT_MS, &db->conn);
}

enum dt_err
pg_ready(struct pg_db *db)
{
    uint64_t now;
    enum dt_err err;

    if (db->conn != NULL && PQstatus(db->conn) == CONNECTION_OK)
        return DT_OK;
    pg_lost(db);
    now = dt_monotonic_ms();
    if (now < db->again_at_ms) {
        db->base.again = true;
        return dt_fail(DT_ERR_STATE, "%s: there is no connection to the database for now",
                       db->base.path);
    }
    err = connect_own(db);
    if (err == DT_OK && PQenterPipelineMode(db->conn) != 1)
        err = dt_fail(DT_ERR_INTERNAL, "%s: no pipeline mode", db->base.path);
    if (err != DT_OK) {
        pg_lost(db);
        db->pause_ms = db->pause_ms == 0                 ? PAUSE_MIN_MS
                       : db->pause_ms > PAUSE_MAX_MS / 2 ? PAUSE_MAX_MS
                                                         : 2 * db->pause_ms;
        db->again_at_ms = dt_monotonic_ms() + db->pause_ms;
        db->base.again = true;
        return err;
    }
    db->pause_ms = 0;
    db->again_at_ms = 0;
    db->number++;
    return DT_OK;
}

void
pg_lost(struct pg_db *db)
{
    pg_pending_clear(db);
    pg_rows_drop(db);
    if (db->conn != NULL)
        PQfinish(db->conn);
    db->conn = NULL;
    db->unsent = 0;
}
