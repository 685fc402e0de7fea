/*
 * net/server_reply.h - the answers that the server makes by itself, before a handler sees anything.
 *
 * Layer: net, internal to the server.
 */
#ifndef DT_NET_SERVER_REPLY_H
#define DT_NET_SERVER_REPLY_H

#include "net/server.h"

/* Make ${reply} the refusal with ${status}, in words. */
void dt_http_refusal(struct dt_http_reply *reply, unsigned int status);

#endif
