/* fuzz/agent/fuzz_forum_ext.c - the forum extension of the GroupContext. */
#include "agent/form/founding.h"

#include "fuzz_agent.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(1024);
    struct dt_forum_ext x;

    fuzz_init();
    if (dt_forum_ext_decode(dt_view(data, size), &x) != DT_OK)
        return 0;
    fuzz_same(dt_forum_ext_encode(&x, &out), &out, data, size);
    return 0;
}
