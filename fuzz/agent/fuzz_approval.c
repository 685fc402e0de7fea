/* fuzz/agent/fuzz_approval.c - an approval, and the check of its signature. */
#include "agent/form/warrant.h"

#include "fuzz_agent.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(65536);
    struct dt_approval x;
    static const uint8_t pub[32] = {2};

    fuzz_init();
    if (dt_approval_decode(dt_view(data, size), &x) != DT_OK)
        return 0;
    dt_ignore(dt_approval_verify(&x, dt_view_of(pub)), "any verdict will do");
    fuzz_same(dt_approval_encode(&x, &out), &out, data, size);
    return 0;
}
