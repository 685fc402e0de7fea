/*
 * fuzz/log/fuzz_vkey.c - verifier keys and private keys as text: what is accepted has this one
 * form.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "log/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf again = DT_BUF_INIT(size + 1);
    struct dt_view text = dt_view(data, size);
    struct tlog_vkey key;
    enum dt_err err;

    if (dt_crypto_init() != DT_OK)
        abort();
    if (tlog_vkey_parse(text, &key) == DT_OK)
        err = tlog_vkey_write(&key, &again);
    else if (tlog_signer_parse(text, &s) == DT_OK)
        err = tlog_signer_write(&s, &again);
    else
        return 0;
    if (err != DT_OK || !dt_view_equal(dt_buf_view(&again), text))
        abort();
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fprintf(stderr, "accepted\n");
    return 0;
}
