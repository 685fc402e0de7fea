/*
 * relay/relay.h - a relay that serves: store, writer, hub and HTTP server put together.
 *
 * Source: docs/protocol-relay.md. Layer: relay.
 */
#ifndef DT_RELAY_RELAY_H
#define DT_RELAY_RELAY_H

#include "net/server.h"
#include "relay/store/store.h"

struct dt_relay;

struct dt_relay_config {
    const char *store;  /* path; made if it is not there */
    const char *listen; /* "127.0.0.1:8080" */
    unsigned int connections_max, per_address_max, per_address_rate; /* 0: as net/server.h */
    unsigned int header_timeout_s;
    const char *tls_cert, *tls_key; /* PEM files, both: TLS 1.3; NULL: plain */
    unsigned int idle_timeout_s, transfer_timeout_s, transfer_rate, requests_per_s; /* the same */
    uint64_t memory;             /* for all that requests hold; 0: DT_NET_HELD_MAX */
    uint64_t reserve;            /* of the disk, as dt_relay_store_config */
    uint64_t wal;                /* bytes, as dt_relay_store_move_apart() */
    unsigned int expiry_s;       /* between two looks for what expires; 0: as relay/expiry.h */
    uint64_t polls_max;          /* long polls at a time; 0: no limit but that of connections */
    uint64_t wait_max_s;         /* the longest one; 0: DT_NET_WAIT_MAX_S */
    const char *metrics_listen;  /* where OpenMetrics text is served; NULL: nowhere */
    struct relay_signer *signer; /* as dt_relay_store_config, and sealing_key */
    const char *sealing_key;
    struct dt_clock clock; /* zero: the system's */
    /* Of asking witnesses: authorities trusted, and no other (NULL: the system's); the rest as
     * relay/witness/ask.h, 0 included. */
    const char *ask_ca_file;
    unsigned int ask_timeout_s, ask_gap_ms, ask_pause_ms;
};

/* Errors: those of dt_relay_store_open() and dt_http_server_start(); BUSY when another relay serves
 * the store. */
DT_MUST_CHECK enum dt_err dt_relay_start(const struct dt_relay_config *config,
                                         struct dt_relay **out);

uint16_t dt_relay_port(const struct dt_relay *r);

uint16_t dt_relay_metrics_port(const struct dt_relay *r); /* 0: not served */

/* Did a sync of the store fail, so that another process has to go on? This one was then sent
 * SIGTERM and takes no more until it is stopped. */
bool dt_relay_unsynced(struct dt_relay *r);

/* A number that grows at least once a second as long as requests are looked at. */
uint64_t dt_relay_beat(const struct dt_relay *r);

/* Read certificate and key again: dt_http_server_reload(). From any thread. */
DT_MUST_CHECK enum dt_err dt_relay_reload(struct dt_relay *r);

/* Stop accepting, finish the batch, answer what it answers, close. NULL is fine. */
void dt_relay_stop(struct dt_relay *r, uint64_t *out_jobs, uint64_t *out_batches);

#endif
