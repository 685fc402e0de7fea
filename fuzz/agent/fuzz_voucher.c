/* fuzz/agent/fuzz_voucher.c - a voucher, and the check of its signature. */
#include "agent/form/voucher.h"

#include "fuzz_agent.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_VOUCHER_MAX);
    struct dt_voucher x;
    static const uint8_t pub[32] = {2};

    fuzz_init();
    if (dt_voucher_decode(dt_view(data, size), &x) != DT_OK)
        return 0;
    dt_ignore(dt_voucher_verify(&x, dt_view_of(pub)), "any verdict will do");
    fuzz_same(dt_voucher_encode(&x, &out), &out, data, size);
    return 0;
}
