/*
 * net/client.h - HTTP requests with one kept connection, hard limits and one clear error line.
 *
 * Under it: libcurl. Only http and https (and files, by dt_http_files()), no redirects, no proxy
 * from the environment, no cookies, nothing inflated. Whatever the other end sends, a request ends
 * in time and takes bounded memory. Layer: net. A client is for one thread; take several clients
 * where requests must not share a connection (queue traffic and register traffic, DESIGN.md "What
 * must hold" 1).
 */
#ifndef DT_NET_CLIENT_H
#define DT_NET_CLIENT_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "net/limits.h"

struct dt_http_client;

struct dt_http_client_config {
    unsigned int connect_timeout_s; /* 0: 10 */
    unsigned int silence_s;  /* below DT_NET_SPEED_MIN, its wait excluded; 0: DT_NET_SILENCE_S */
    unsigned int timeout_s;  /* of a whole request, its wait excluded; 0: DT_NET_TIMEOUT_S */
    size_t answer_max;       /* 0: DT_NET_ANSWER_MAX */
    const char *ca_file;     /* authorities trusted, and no other; NULL: the system's */
    const uint8_t *read_key; /* 32 bytes, sent with each GET that has no token; NULL: none */
    const atomic_bool *stop; /* when it turns true, requests end within a second; NULL: none */
};

struct dt_http_call {
    const char *method;       /* "GET" or "POST" */
    const char *base;         /* net/address.h; may have a path and a final '/' */
    const char *path;         /* appended to base, begins with '/'; with query */
    struct dt_view bearer;    /* 32 bytes, sent as lower-case hex; n == 0: none */
    const char *content_type; /* of body; NULL: application/octet-stream */
    struct dt_view body;      /* for POST */
    unsigned int wait_s;      /* how long the server may hold the request back (long poll) */
};

struct dt_http_answer {
    unsigned int status;
    uint64_t retry_after_s; /* its Retry-After, where it names seconds; 0: none. Unchecked */
    struct dt_buf body;     /* clear with dt_http_answer_clear() */
};

/**
 * dt_http_files(fn, ctx):
 * From now on a call whose base is a file (net/address.h) is answered by ${fn}, as dt_http_call()
 * would answer it; ${out} is empty on entry. NULL: such calls are UNSUPPORTED, as they are before.
 * To be told once, before there are other threads: this room does not know how a relay works inside
 * (src/carried does), and who makes a client, anywhere in a program, does not choose where its
 * relay lies.
 */
typedef enum dt_err (*dt_http_file_fn)(void *ctx, const struct dt_http_client_config *config,
                                       const struct dt_http_call *call, struct dt_http_answer *out);
void dt_http_files(dt_http_file_fn fn, void *ctx);

/* ${config} may be NULL. NOMEM, INTERNAL. */
DT_MUST_CHECK enum dt_err dt_http_client_new(const struct dt_http_client_config *config,
                                             struct dt_http_client **out);
void dt_http_client_free(struct dt_http_client *c);

/* From now on trust the certificate authorities in ${ca_file} (PEM, borrowed) and no other. */
void dt_http_client_trust(struct dt_http_client *c, const char *ca_file);

/* From now on send the read key ${key} (32 bytes, borrowed) with each GET that has no token of its
 * own: a register may ask for one. */
void dt_http_client_read_key(struct dt_http_client *c, const uint8_t *key);
void dt_http_client_free_p(struct dt_http_client **c); /* for DT_CLEANUP */

/**
 * dt_http_call(c, call, out):
 * Send and wait for the answer, whatever its status: OK means that an HTTP answer is in ${out}.
 * Errors: NET (not reached, broken off, timed out; the message names the host), LIMIT (answer or
 * its header too large), USAGE (not an http or https URL, or file), STATE (stopped by config.stop),
 * NOMEM.
 */
DT_MUST_CHECK enum dt_err dt_http_call(struct dt_http_client *c, const struct dt_http_call *call,
                                       struct dt_http_answer *out);
void dt_http_answer_clear(struct dt_http_answer *a);

/* The error class of ${answer}'s status, with a message that names the host of ${base}, what was
 * asked, and why it was not done, where the answer says that in a word known here: 2xx OK, 400
 * FORMAT, 401/403 REFUSED, 404 NOT_FOUND, 409 CONFLICT, 410 EXPIRED, 413/507 LIMIT, 429 BUSY, else
 * NET. */
DT_MUST_CHECK enum dt_err dt_http_answer_err(const char *base, const char *what,
                                             const struct dt_http_answer *answer);

#endif
