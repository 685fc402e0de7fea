/*
 * fuzz/witness/fuzz_witness_key.c - a witness's key file: what is accepted has this one form.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "log/witness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf again = DT_BUF_INIT(size + 1);

    if (dt_crypto_init() != DT_OK)
        abort();
    if (tlog_witness_key_parse(dt_view(data, size), &s) != DT_OK) {
        if (s.seed.p != NULL)
            abort();
        return 0;
    }
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fputs("accepted\n", stderr);
    if (s.vkey.type != TLOG_KEY_COSIGNATURE || tlog_signer_write(&s, &again) != DT_OK ||
        dt_buf_append(&again, dt_view_str("\n")) != DT_OK ||
        !dt_view_equal(dt_buf_view(&again), dt_view(data, size)))
        abort();
    return 0;
}
