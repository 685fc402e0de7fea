/*
 * console/internal.h - the inside of struct dt_console, for server.c, work.c and events.c.
 *
 * Layer: console, internal.
 */
#ifndef DT_CONSOLE_INTERNAL_H
#define DT_CONSOLE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "console/console.h"
#include "console/files.h"
#include "console/session.h"
#include "net/server.h"

#define DT_CONSOLE_WHAT 64u /* bytes of a word about work in progress */
#define DT_CONSOLE_SAID 240u

/* A call that waits for its turn, runs, or is answered. In dt_http_request.state. */
struct dt_console_work {
    struct dt_console *console;
    struct dt_http_request *req;
    struct dt_console_call call;
    bool unlock; /* no call: the passphrase that came opens the page again */
    bool ended;  /* it was wrong too often, and all sessions are over */
    bool has_id;
    uint8_t id[DT_CONSOLE_ID];
    struct dt_console_answer answer;
    struct dt_buf reply; /* the answer as the page gets it */
    unsigned int status;
    struct dt_console_work *next;
    bool done; /* under console->lock, as the next three */
    char what[DT_CONSOLE_WHAT];
    uint64_t so_far, of;
    atomic_bool stopped;
};

struct dt_console {
    struct dt_console_config config;
    struct dt_console_sessions sessions;
    struct dt_console_files files;
    struct dt_http_server *http;
    char authority[64]; /* "127.0.0.1:40213" or "[::1]:40213" */
    char local[64];     /* "localhost:40213" */

    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t more;
    struct dt_console_work *first, *last, *now;
    size_t n_waiting;
    bool closing;

    uint64_t at; /* grows with all that is news */
    struct dt_console_poll *polls;
    bool online;
    uint64_t line_ms; /* when the relay was last reached */
    uint64_t off_ms;  /* since when it is not; 0: it is */
    char trouble[DT_CONSOLE_SAID];
};

/* ---- work.c ---- */

DT_MUST_CHECK enum dt_err dt_console_work_start(struct dt_console *c);
/* What waits is refused, what runs is told to stop and waited for. */
void dt_console_work_stop(struct dt_console *c);

/* POST /api/call and POST /api/unlock: parse, queue, and answer when it was run. */
enum dt_http_next dt_console_call_handle(struct dt_console *c, struct dt_http_request *req,
                                         struct dt_http_reply *reply);

/* Tell the call with that id to stop. False: there is none. */
bool dt_console_cancel(struct dt_console *c, const uint8_t id[static DT_CONSOLE_ID]);

/* ---- events.c ---- */

/* GET /api/events?after=N */
enum dt_http_next dt_console_events_handle(struct dt_console *c, struct dt_http_request *req,
                                           struct dt_http_reply *reply);
/* Under the lock: ${at} has grown. */
void dt_console_wake_polls(struct dt_console *c);

/* ---- server.c ---- */

/* Make ${reply} the error of the class ${err} with its message and advice. */
void dt_console_reply_error(struct dt_http_reply *reply, unsigned int status, const char *code,
                            const char *message, const char *advice);

/* That is for pages that are not locked: 423. */
void dt_console_reply_locked(struct dt_http_reply *reply);

/* The JSON ${root} (given) as ${status}. */
void dt_console_reply_json(struct dt_http_reply *reply, unsigned int status, void *root);

/* The whole of a JSON document into ${out}. NOMEM, LIMIT. */
DT_MUST_CHECK enum dt_err dt_console_dump(const void *root, struct dt_buf *out);

#endif
