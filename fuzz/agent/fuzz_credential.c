/* fuzz/agent/fuzz_credential.c - the identity bytes of a leaf's credential: letter and voucher. */
#include "agent/form/voucher.h"

#include "fuzz_agent.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(65536);
    struct dt_view letter;
    struct dt_voucher v;

    fuzz_init();
    if (dt_credential_decode(dt_view(data, size), &letter, &v) != DT_OK)
        return 0;
    fuzz_same(dt_credential_encode(letter, &v, &out), &out, data, size);
    return 0;
}
