/*
 * net/server_reply.h - the answers that the server makes by itself, before a handler sees
 * anything, and how an answer reaches the library.
 *
 * Layer: net, internal to the server.
 */
#ifndef DT_NET_SERVER_REPLY_H
#define DT_NET_SERVER_REPLY_H

#include "net/server.h"

struct MHD_Response;

/* Make ${reply} the refusal with ${status}, in words. */
void dt_http_refusal(struct dt_http_reply *reply, unsigned int status);

/* ${reply} as the library wants it, its body moved there; ${close}: the connection ends after it.
 * NULL without memory. */
struct MHD_Response *dt_http_response(struct dt_http_reply *reply, bool close);

#endif
