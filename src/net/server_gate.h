/*
 * net/server_gate.h - the gate (server.h) fed from libmicrohttpd, and its look-ups.
 *
 * Layer: net, internal to the server.
 */
#ifndef DT_NET_SERVER_GATE_H
#define DT_NET_SERVER_GATE_H

#include <microhttpd.h>

#include "base/bytes.h"

/* dt_gate_check() of the request on ${mhd} with this raw target, at the first call for it. */
unsigned int dt_server_gate(struct MHD_Connection *mhd, const char *method, const char *target,
                            const char *version, size_t body_max, uint64_t *out_length);

/* Value of the header ${name} (first one), whatever the case; false when it is not there. */
bool dt_server_header(struct MHD_Connection *mhd, const char *name, struct dt_view *out);

#endif
