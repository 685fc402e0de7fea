/*
 * fuzz/log/fuzz_log.h - what the log room's fuzz targets share.
 */
#ifndef DT_FUZZ_LOG_H
#define DT_FUZZ_LOG_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Say so when the gate asks whether a seed is accepted. */
static inline void
accepted(void)
{
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fputs("accepted\n", stderr);
}

/* Only one encoding is allowed: what was accepted must be written again as it came. */
static inline void
must_equal(const struct dt_buf *again, const uint8_t *data, size_t n)
{
    if (!dt_view_equal(dt_buf_view(again), dt_view(data, n)))
        abort();
}

static inline void
must(bool cond)
{
    if (!cond)
        abort();
}

/* The libraries under crypto start once. */
static inline void
start(void)
{
    must(dt_crypto_init() == DT_OK);
}

#endif
