/*
 * relay/direct.h - a relay without a server: one process opens the store, asks, and closes it.
 *
 * Source: docs/protocol-carried.md. Layer: relay. The handlers are those of the server, so what a
 * store on a stick takes and gives is what a relay takes and gives; a write is run and synced
 * before the call returns. Nothing waits: a long poll is answered at once.
 */
#ifndef DT_RELAY_DIRECT_H
#define DT_RELAY_DIRECT_H

#include "net/server.h"
#include "relay/store/store.h"

struct dt_relay;

/* Open the store at ${path}, which exists, for this process alone, with a wait of up to ${wait_ms}
 * for another one. ${clock} zero: the system's. Errors: those of dt_relay_store_open(); BUSY. */
DT_MUST_CHECK enum dt_err dt_relay_direct_open(const char *path, struct dt_clock clock,
                                               unsigned int wait_ms, struct dt_relay **out);
void dt_relay_direct_close(struct dt_relay *r);

/* Its store, for dt_relay_store_carried() and the like. Borrowed. */
struct dt_relay_store *dt_relay_direct_store(struct dt_relay *r);

struct dt_relay_direct_request {
    enum dt_http_method method;
    const char *target;    /* path and query, as in an HTTP request line */
    struct dt_view bearer; /* 32 bytes; n == 0: none */
    struct dt_view body;
};

/**
 * dt_relay_direct_call(r, req, reply):
 * The answer to ${req}, whatever its status. ${reply}->body is the caller's to clear. An error is
 * the machine's: what the operator of a server would find in its log (IO, a damaged store, no
 * memory), with its message; RANGE: no request that the protocol knows.
 */
DT_MUST_CHECK enum dt_err dt_relay_direct_call(struct dt_relay *r,
                                               const struct dt_relay_direct_request *req,
                                               struct dt_http_reply *reply);

#endif
