/*
 * fuzz/cli/fuzz_cli.h - what the fuzz targets of this room share.
 */
#ifndef DT_FUZZ_CLI_H
#define DT_FUZZ_CLI_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Say that the input was accepted, when the caller of the program wants to know. */
static inline void
fuzz_accepted(void)
{
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        fprintf(stderr, "accepted\n");
}

#endif
