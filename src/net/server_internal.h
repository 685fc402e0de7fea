/*
 * net/server_internal.h - what the files of the server share: its state, and a request in it.
 *
 * Layer: net, internal to the server. One lock guards connections, requests put aside and those
 * awake. Functions here say where they want it held.
 */
#ifndef DT_NET_SERVER_INTERNAL_H
#define DT_NET_SERVER_INTERNAL_H

#include <pthread.h>

#include <microhttpd.h>

#include "net/server.h"
#include "net/server_address.h"
#include "net/server_conn.h"
#include "net/server_listen.h"
#include "net/server_loop.h"
#include "net/server_tls.h"

#define DT_SERVER_TICK_MIN_MS 10u /* a deadline may be met so much too late */

/*
 * A request that is put aside is suspended in the library, which then forgets its connection and
 * takes it back later: three calls of the system for it. Who is woken soon stands instead: one that
 * waits for a job of a writer, and one that waits for news where the last on its connection were
 * quick. The library goes on asking in each of its runs whether there is an answer, and is told no.
 * So many at most, for each costs a step in each run; so often, then it is suspended after all. The
 * connection of one that stands can end: a job's request is kept then until it is woken, for the
 * writer has it still.
 */
#define DT_SERVER_STANDING_MAX    64u
#define DT_SERVER_STANDS_MAX      400u
#define DT_SERVER_STANDS_NEWS_MAX 64u
#define DT_SERVER_QUICK_MS        2u /* news that come so soon are quick */

/* A request and what only the server needs to know about it; the public part comes first. */
struct dt_server_request {
    struct dt_http_request pub;
    struct dt_http_server *server;
    struct MHD_Connection *mhd;
    struct dt_conn *conn;
    struct dt_server_request *next,
        *prev; /* in server->aside while put aside, then next in server->awake */
    struct dt_buf body;
    uint64_t length;
    bool aside, woken;
    bool standing, lost; /* the loop's own: not suspended; and its connection has ended */
    unsigned int stood;  /* how often the library asked meanwhile */
    uint64_t aside_ms;   /* when it was put aside last */
    bool hurry;          /* under lock: its wait is to end before its time */
    bool answered;
    unsigned int refused; /* status to answer once the body is in, which is thrown away */
    char path[];          /* and its NUL */
};

struct dt_http_server {
    struct dt_http_server_config config;
    struct MHD_Daemon *daemon;
    int listen_fd; /* taken back from the daemon, which may look at it until it is stopped; or -1 */
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct dt_http_loop loop;
    pthread_t ticker;
    bool ticking, stop, force;
    bool stopping;
    struct dt_conns conns;
    struct dt_addresses addresses; /* of the loop's thread, without the lock */
    uint64_t next_ms;              /* when the ticker looks again at those who wait */
    struct dt_door door;
    struct dt_tls tls;
    struct dt_server_request *aside, *aside_last; /* the newest first */
    struct dt_server_request *awake,
        *awake_last;   /* to be resumed in the next turn, the first woken first */
    unsigned int held; /* wakes do not begin a turn now */
    uint16_t port;
};

/* The public part is the first member of struct dt_server_request. */
static inline struct dt_server_request *
dt_server_request_of(struct dt_http_request *req)
{
    return (struct dt_server_request *)(void *)req;
}

/* ---- requests put aside and woken ---- */

/* Put ${r} aside unless it was woken meanwhile, or the server began to stop while its handler ran,
 * which then has not seen it; true when it stands aside now. */
bool dt_aside_put(struct dt_http_server *s, struct dt_server_request *r);

/* ${r} is to be looked at again. Under the lock. */
void dt_aside_wake(struct dt_http_server *s, struct dt_server_request *r);

/* All of them. Under the lock. */
void dt_aside_wake_all(struct dt_http_server *s);

/* As dt_http_wake(), of a request of the server. */
void dt_aside_wake_request(struct dt_http_request *req);

/* In the loop's thread: resume what was woken. ${arg}: the server. */
void dt_aside_resume(void *arg);

/* In the loop's thread: the library asks for ${r}; does it stand, and has to go on waiting? */
bool dt_aside_stands(struct dt_http_server *s, struct dt_server_request *r);

/* In the loop's thread, or when that has ended: the connection of ${r} ends. True when the request
 * is to be kept, and ends when it is woken. */
bool dt_aside_lose(struct dt_http_server *s, struct dt_server_request *r);

/* The request ends, and nobody has it any more. In server.c. */
void dt_server_request_free(struct dt_server_request *r);

/* The wait of ${r} ends now, and its connection after the answer. Under the lock. */
void dt_aside_end_wait(struct dt_http_server *s, struct dt_server_request *r);

/* Make the oldest wait that can end early do so; false when there is none. Under the lock. */
bool dt_aside_end_oldest(struct dt_http_server *s);

#endif
