/*
 * relay/witness/ask_internal.h - what ask.c and ask_request.c share.
 *
 * Layer: relay, internal.
 */
#ifndef DT_RELAY_ASK_INTERNAL_H
#define DT_RELAY_ASK_INTERNAL_H

#include "net/client.h"
#include "relay/witness/ask.h"

/* What a thread asks with. */
struct relay_ask_tools {
    struct dt_relay_store *store; /* read by this thread alone */
    struct dt_http_client *http;
    struct dt_relay_store_writer *writer;
    struct dt_hub *hub;
};

/* What came of asking. */
struct relay_ask_outcome {
    enum relay_trouble trouble;
    unsigned int status;
    uint64_t size;       /* NONE: what is cosigned now */
    uint64_t their_size; /* of a 409 */
    bool again;          /* it may be asked at once, from their_size */
};

/**
 * relay_ask(tools, reg, key, url, old, out, out_needed):
 * Ask the witness with ${key} at ${url} to cosign what register ${reg} holds, leading it there from
 * the size ${*old}, or from where its 409 says it is. When it does, its cosignature is verified and
 * on disk, and ${*old} is the new size. *${out_needed} is false when it had cosigned that already.
 * Whatever the witness does is in ${out}; an error is about our own store, memory or writer, or
 * STATE (stopping).
 */
DT_MUST_CHECK enum dt_err relay_ask(struct relay_ask_tools *tools, int64_t reg,
                                    const struct tlog_vkey *key, const char *url, uint64_t *old,
                                    struct relay_ask_outcome *out, bool *out_needed);

#endif
