/*
 * fuzz/agent/fuzz_agent.h - what the fuzz targets of this room share.
 */
#ifndef DT_FUZZ_AGENT_H
#define DT_FUZZ_AGENT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/wire.h"
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Say that the input was accepted, when the caller of the program wants to know. */
static inline void
fuzz_accepted(void)
{
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        fprintf(stderr, "accepted\n");
}

/* What was accepted was encoded again, with ${err}: there is one encoding, the input. */
static inline void
fuzz_same(enum dt_err err, const struct dt_buf *got, const uint8_t *data, size_t size)
{
    if (err != DT_OK || !dt_view_equal(dt_buf_view(got), dt_view(data, size)))
        abort();
    fuzz_accepted();
}

/* The libraries below, ready. */
static inline void
fuzz_init(void)
{
    if (dt_crypto_init() != DT_OK)
        abort();
}

#endif
