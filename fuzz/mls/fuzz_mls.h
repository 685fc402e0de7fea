/*
 * fuzz/mls/fuzz_mls.h - what the fuzz targets of this room share.
 */
#ifndef DT_FUZZ_MLS_H
#define DT_FUZZ_MLS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/wire.h"
#include "crypto/suite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Say that the input was accepted, when the caller of the program wants to know. */
static inline void
fuzz_accepted(void)
{
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        fprintf(stderr, "accepted\n");
}

/* What was accepted has one encoding: the input. */
static inline void
fuzz_same(struct dt_view got, const uint8_t *data, size_t size)
{
    if (!dt_view_equal(got, dt_view(data, size)))
        abort();
}

/* Suite 1, with the libraries below it ready. */
static inline const struct dt_suite *
fuzz_suite(void)
{
    if (dt_crypto_init() != DT_OK)
        abort();
    return dt_suite_get(1);
}

#endif
