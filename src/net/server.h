/*
 * net/server.h - an HTTP/1.1 server with a strict request gate, small memory and long polls.
 *
 * Source: RFC 9110, RFC 9112. Under it: libmicrohttpd, run by one thread. Layer: net.
 *
 * One thread runs all handlers, so a handler must not block on anything but memory and a local
 * read. What takes time goes elsewhere: the handler answers DT_HTTP_WAIT, the connection is put
 * aside, and the same handler is called again for the same request after dt_http_wake() or at its
 * deadline:
 *
 *     request --gate--> handler --DT_HTTP_REPLY--> answer
 *                        ^   |
 *            wake, time  |   +---DT_HTTP_WAIT---> put aside
 *                        +--------------------------+
 */
#ifndef DT_NET_SERVER_H
#define DT_NET_SERVER_H

#include "base/bytes.h"
#include "net/limits.h"

struct dt_http_server;
struct dt_http_request;

enum dt_http_method { DT_HTTP_GET = 1, DT_HTTP_POST, DT_HTTP_PUT, DT_HTTP_DELETE };

/* What a handler says. */
enum dt_http_next { DT_HTTP_REPLY = 1, DT_HTTP_WAIT };

/* Why a peer was sent away before a handler saw anything of it. */
enum dt_http_refused {
    DT_HTTP_REFUSED_MANY = 1, /* the connection: per_address_max */
    DT_HTTP_REFUSED_FAST,     /* the connection: per_address_rate */
    DT_HTTP_REFUSED_FORM,     /* the request: the gate */
    DT_HTTP_REFUSED_REQUESTS  /* the request: requests_per_s */
};

/* A header line of an answer. */
struct dt_http_field {
    const char *name, *value;
};

/* The answer, filled by the handler. All zero but status is a valid empty answer. */
struct dt_http_reply {
    unsigned int status;
    const char *content_type;  /* static string; NULL: none */
    const char *cache_control; /* static string; NULL: "no-store" */
    const char *allow_origin;  /* static string; NULL: no such header */
    const char *location;      /* unused, NULL */
    const struct dt_http_field
        *fields;            /* further header lines, static, ends with a NULL name; NULL: none */
    uint64_t retry_after_s; /* 0: no such header */
    struct dt_buf body;     /* taken over by the server */
    struct dt_view page;    /* static bytes to answer with in place of ${body}: neither copied nor
                               counted as held, whoever asks */
};

/* The request as the handler sees it. Views and strings live as long as the request. */
struct dt_http_request {
    enum dt_http_method method;
    const char *path;  /* begins with '/'; only [A-Za-z0-9/._-] pass the gate */
    const char *query; /* what stands behind its '?'; NULL: nothing. Read it by dt_http_query() */
    struct dt_view body;
    struct dt_view bearer;       /* what follows "Authorization: Bearer "; p == NULL: none */
    struct dt_view content_type; /* p == NULL: none */
    bool timed_out;              /* called again because deadline_ms passed, or room is needed */
    bool stopping;               /* the server is stopping: a wait must end if it can */
    unsigned int calls;          /* how often the handler was called before for this request */
    uint64_t deadline_ms; /* set by the handler before DT_HTTP_WAIT: dt_monotonic_ms() at which it
                           * is called again; 0: only when woken */
    uint64_t account[2];  /* set by refuse_large and the handler: on whose account a large body and
                           * answer are held, the many (a grant) and the one (a queue). When little
                           * memory is left, who holds most gives way */
    void *state;          /* the handler's own, NULL at first */
    void (*state_free)(void *state);           /* called when the request ends, if state is set */
    void (*wake)(struct dt_http_request *req); /* what dt_http_wake() does; the server's */
    bool (*hold)(struct dt_http_request *req, size_t n); /* and dt_http_hold() */
};

typedef enum dt_http_next (*dt_http_handler)(void *ctx, struct dt_http_request *req,
                                             struct dt_http_reply *reply);

struct dt_http_server_config {
    const char *listen;           /* "127.0.0.1:8080", "[::1]:0"; port 0: any free one */
    size_t body_max;              /* 0: DT_NET_BODY_MAX */
    size_t header_max;            /* header lines of a request and its answer together; 0: as little
                                   * as a client like ours needs. Browsers send more */
    size_t held_max;              /* all that requests have in memory; 0: DT_NET_HELD_MAX. Past
                                   * three quarters of it connections end, see account */
    unsigned int connections_max; /* 0: 1024. Near it, idle ones and waits end before their time */
    unsigned int per_address_max; /* 0: no limit of its own */
    unsigned int per_address_rate; /* new ones of it a second, four times as many at once; the same
                                    */
    unsigned int header_timeout_s; /* from connect to the first whole request; 0: 10 */
    unsigned int idle_timeout_s;   /* without a byte either way, or between requests; 0: 75 */
    unsigned int transfer_timeout_s; /* for a body or an answer; 0: DT_NET_TRANSFER_S */
    unsigned int rate_min;       /* and a second more for each so many bytes; 0: DT_NET_RATE_MIN */
    unsigned int requests_per_s; /* of one connection, over a minute; 0: 2000. Past it: 429 */
    const char *tls_cert, *tls_key; /* PEM files, both: TLS 1.3 and nothing else; NULL: plain */
    dt_http_handler handler;
    /* Asked before a body of more than DT_NET_BODY_OPEN_MAX is read, while ${req} has none yet: the
     * status to refuse it with, 413 unless the peer has shown who it is, 503 when that could not be
     * seen; 0: it may. NULL: all may. */
    unsigned int (*refuse_large)(void *ctx, struct dt_http_request *req);
    /* Called in the thread of the handlers when it has looked at all that had come, before it waits
     * for more: what handlers put together is handed on at once. NULL: nothing. */
    void (*turn_ended)(void *ctx);
    /* Told, in the thread of the handlers, of each answer: ${req}->method is 0 and its path NULL
     * where it was refused before it had any. NULL: nobody is told. */
    void (*answered)(void *ctx, const struct dt_http_request *req, unsigned int status);
    /* Told, in the same thread, of each connection that was closed and each request that was
     * refused before it had a path; ${address} is the peer's, "192.0.2.1", or "". NULL: nobody is
     * told. */
    void (*refused)(void *ctx, enum dt_http_refused why, const char *address);
    void *ctx;
};

/**
 * dt_http_server_start(config, out):
 * Listen and serve in a thread of its own. The config is copied, but not what it points to.
 * Errors: USAGE (listen is not an address with a port), IO (port taken), NOMEM; those of
 * dt_tls_init() (server_tls.h).
 */
DT_MUST_CHECK enum dt_err dt_http_server_start(const struct dt_http_server_config *config,
                                               struct dt_http_server **out);

/* The port in use. */
uint16_t dt_http_server_port(const struct dt_http_server *s);

/* How many connections are open, how many requests are put aside; and turns of the handlers'
 * thread, at least one a second as long as it runs. From any thread. */
struct dt_http_counts {
    size_t connections, waiting;
    uint64_t turns;
};
struct dt_http_counts dt_http_server_counts(struct dt_http_server *s);

/**
 * dt_http_server_reload(s):
 * Read certificate and key again, for connections from now on; those that are there keep what they
 * have. With an error nothing changes. OK without TLS. From any thread. Errors as dt_tls_init().
 */
DT_MUST_CHECK enum dt_err dt_http_server_reload(struct dt_http_server *s);

/**
 * dt_http_server_quiesce(s):
 * Stop accepting connections, set req->stopping and wake every waiting request. Requests that still
 * wait afterwards must be woken by their owners. Returns at once.
 */
void dt_http_server_quiesce(struct dt_http_server *s);

/* Quiesce if that was not done, give requests in work up to 1 s, close and free. NULL is fine. */
void dt_http_server_stop(struct dt_http_server *s);

/**
 * dt_http_wake(req):
 * Have the handler called again for ${req}, which answered DT_HTTP_WAIT or is about to. From any
 * thread. The caller must know that the request has not ended: it holds a place in the request's
 * state that state_free takes back.
 */
void dt_http_wake(struct dt_http_request *req);

/* ${n} more bytes are in memory for ${req} until it ends, besides its body and answer: false when
 * that is more than there is room for. In the thread of the handlers. */
DT_MUST_CHECK bool dt_http_hold(struct dt_http_request *req, size_t n);

/**
 * dt_http_hold_wakes(s), dt_http_release_wakes(s):
 * Who wakes many requests at once does it between these two, so that they are looked at together.
 * From any thread.
 */
void dt_http_hold_wakes(struct dt_http_server *s);
void dt_http_release_wakes(struct dt_http_server *s);

/* Value of the query parameter ${name}; false when it is not there. "a=1&b=2": [A-Za-z0-9._-]
 * values. */
bool dt_http_query(const struct dt_http_request *req, const char *name, struct dt_view *out);

/* Value of the header ${name} (first one); false when it is not there. */
bool dt_http_header(const struct dt_http_request *req, const char *name, struct dt_view *out);

/**
 * dt_http_reply_error(reply, status, code, text):
 * Make ${reply} the JSON {"error": text, "code": code}; both are ASCII without quotes or
 * backslashes.
 */
void dt_http_reply_error(struct dt_http_reply *reply, unsigned int status, const char *code,
                         const char *text);

/* Make ${reply} a 200 with a copy-free ${body} (moved out) of ${content_type}. */
void dt_http_reply_body(struct dt_http_reply *reply, unsigned int status, const char *content_type,
                        struct dt_buf *body);

/* ---- the gate on its own, for tests and fuzzing ---- */

/* What the gate looks at: the request line and the header lines as the HTTP library gives them, and
 * the header section as the library left it, in which it has put zeros over the ends of what it
 * found. */
struct dt_gate_header {
    struct dt_view name, value;
};
struct dt_gate_request {
    struct dt_view method, target, version;
    const struct dt_gate_header *headers;
    size_t n_headers;
    struct dt_view raw; /* from the method to the empty line, its CRLF included */
    size_t body_max;
};

/**
 * dt_gate_check(req, out_length):
 * 0 when the request may pass, else the status to refuse it with: 400, 405, 411, 413, 414, 417,
 * 431, 501, 505. With 0 and 413 ${out_length} is its Content-Length, 0 when none. Refused are: any
 * Transfer-Encoding; Expect; Upgrade; a Content-Length or Host that is repeated, or not of its
 * grammar; no Host; header names that are not tokens; values with control characters; targets
 * outside [A-Za-z0-9/._-]*(?[A-Za-z0-9&=._-]*)?; a header section that is not byte for byte in the
 * plain form "Name: value CRLF" (line folding, bare LF, NUL in a value, space around the colon).
 * Since zeros stand where line ends were, one thing is not seen: a NUL in place of a line's CR.
 * Source: RFC 9112 sections 2.2, 3.2, 5.1, 5.2, 6.1 to 6.3.
 */
unsigned int dt_gate_check(const struct dt_gate_request *req, uint64_t *out_length);

#endif
