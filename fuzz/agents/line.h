/*
 * fuzz/agents/line.h - client and server of src/net in one process: a call is handed to the
 * handler, without a socket in between.
 *
 * line.c stands in for net/client.c and net/server.c (their two headers) in fuzz_agents; all above
 * them is the real thing. One relay at a time. What happens to a call on its way is told by
 * line_set().
 */
#ifndef DT_FUZZ_AGENTS_LINE_H
#define DT_FUZZ_AGENTS_LINE_H

#include "net/client.h"
#include "net/server.h"

/* A call on its way: called before it reaches the relay, and again with the relay's answer. What it
 * returns unless DT_OK the caller gets instead of an answer. */
struct line_watch {
    enum dt_err (*request)(void *ctx, const struct dt_http_call *call);
    enum dt_err (*answer)(void *ctx, const struct dt_http_call *call, struct dt_http_answer *a);
    void *ctx;
};
void line_set(const struct line_watch *watch);

/* Hand ${call} to the relay; ${out} is its answer. RANGE: a token of no such size. */
DT_MUST_CHECK enum dt_err line_deliver(const struct dt_http_call *call, struct dt_http_answer *out);

/* Any request at all: what a relay's gate would let through. The views live as long as the call. */
struct line_request {
    enum dt_http_method method;
    const char *path, *query; /* without the '?' */
    struct dt_view bearer, body;
};
/* Its status, and the answer's body into ${out}. */
unsigned int line_ask(const struct line_request *request, struct dt_buf *out);

#endif
