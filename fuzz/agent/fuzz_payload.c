/* fuzz/agent/fuzz_payload.c - what an application message carries. */
#include "agent/form/payload.h"

#include "fuzz_agent.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(1u << 20);
    struct dt_payload x;

    fuzz_init();
    if (dt_payload_decode(dt_view(data, size), &x) != DT_OK)
        return 0;
    fuzz_same(dt_payload_encode(&x, &out), &out, data, size);
    return 0;
}
