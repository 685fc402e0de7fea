/*
 * relay/expiry.h - the thread that has cells go when their time is over, in small steps of the
 * writer.
 *
 * Source: docs/protocol-relay.md "Keeping". Layer: relay, internal. It looks for what is due
 * through a connection to the store of its own, so that neither requests nor the writer wait for
 * that.
 */
#ifndef DT_RELAY_EXPIRY_H
#define DT_RELAY_EXPIRY_H

#include "relay/writer.h"

#define RELAY_EXPIRY_S 60u

struct relay_expiry;

struct relay_expiry_config {
    struct dt_relay_store_config store;
    struct dt_relay_store_writer *writer;
    unsigned int interval_s; /* between two looks at all queues; 0: RELAY_EXPIRY_S */
    /* Told, in the thread of the expiry, that ${n} cells have gone. NULL: nobody is told. */
    void (*gone)(void *ctx, uint64_t n);
    void *ctx;
};

/* Errors of dt_relay_store_open(). */
DT_MUST_CHECK enum dt_err relay_expiry_start(const struct relay_expiry_config *config,
                                             struct relay_expiry **out);

/* End, while the writer still runs. NULL is fine. */
void relay_expiry_stop(struct relay_expiry *x);

#endif
