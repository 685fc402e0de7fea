/* fuzz/agent/fuzz_queue_ext.c - the queue extension of a GroupInfo, which carries keys. */
#include "agent/form/cell.h"

#include "fuzz_agent.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(1024);
    DT_CLEANUP(dt_queue_ext_clear) struct dt_queue_ext x = {0};

    fuzz_init();
    if (dt_queue_ext_decode(dt_view(data, size), &x) != DT_OK)
        return 0;
    fuzz_same(dt_queue_ext_encode(&x, &out), &out, data, size);
    return 0;
}
