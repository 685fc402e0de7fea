/*
 * carried/carried.h - a relay that is one file on a stick: the calls of net/client.h on it.
 *
 * Source: docs/protocol-carried.md. Layer: carried (stands on relay). With it an agent, a witness
 * or an observer uses "file:PATH" wherever an address of a relay goes.
 *
 * Each call opens the file for itself, does its work as a relay would, and closes it: between two
 * calls nothing is open, and the stick may be taken. A call that waits for news looks at the file
 * once a second meanwhile.
 */
#ifndef DT_CARRIED_CARRIED_H
#define DT_CARRIED_CARRIED_H

#include "base/time.h"
#include "net/client.h"
#include "relay/store/store.h"

/*
 * What is remembered of each stick from one call to the next, in a place that does not travel with
 * it: the last place of its history that was seen. A stick that does not have that place is another
 * copy, or has been put back, and is not used: CONFLICT.
 */
struct dt_carried_memory {
    /* The mark that is remembered under ${id}. NOT_FOUND. */
    enum dt_err (*get)(void *ctx, const uint8_t id[static DT_RELAY_MARK],
                       struct dt_relay_store_mark *out);
    enum dt_err (*put)(void *ctx, const uint8_t id[static DT_RELAY_MARK],
                       const struct dt_relay_store_mark *mark);
    void *ctx;
};

struct dt_carried_config {
    struct dt_clock clock; /* zero: the system's */
    unsigned int wait_ms;  /* for another process that has the file open; 0: 10000 */
};

/* From now on clients call files. ${config} may be NULL. To be called once, early; see
 * dt_http_files(). */
void dt_carried_begin(const struct dt_carried_config *config);

/* From now on remember, and compare. NULL, or get NULL: no more. */
void dt_carried_remember(const struct dt_carried_memory *memory);

/**
 * dt_carried_accept(address):
 * Take the stick at ${address} ("file:PATH") as it is, whatever was seen of it before. Errors as of
 * a call. STATE: nothing is remembered.
 */
DT_MUST_CHECK enum dt_err dt_carried_accept(const char *address);

#endif
