/*
 * relay/relay.h - a relay that serves: store, writer, hub and HTTP server put together.
 *
 * Source: docs/protocol-relay.md. Layer: relay.
 */
#ifndef DT_RELAY_RELAY_H
#define DT_RELAY_RELAY_H

#include "net/server.h"
#include "relay/store.h"

struct dt_relay;

struct dt_relay_config {
    const char *store;  /* path; made if it is not there */
    const char *listen; /* "127.0.0.1:8080" */
    unsigned int connections_max, per_address_max, header_timeout_s; /* 0: as net/server.h */
    struct dt_clock clock;                                           /* zero: the system's */
    /* Of asking witnesses: authorities trusted, and no other (NULL: the system's); the rest as
     * relay/ask.h, 0 included. */
    const char *ask_ca_file;
    unsigned int ask_timeout_s, ask_gap_ms, ask_pause_ms;
};

/* Errors: those of dt_relay_store_open() and dt_http_server_start(); BUSY when another relay serves
 * the store. */
DT_MUST_CHECK enum dt_err dt_relay_start(const struct dt_relay_config *config,
                                         struct dt_relay **out);

uint16_t dt_relay_port(const struct dt_relay *r);

/* Stop accepting, finish the batch, answer what it answers, close. NULL is fine. */
void dt_relay_stop(struct dt_relay *r, uint64_t *out_jobs, uint64_t *out_batches);

#endif
