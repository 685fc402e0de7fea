/*
 * fuzz/log/fuzz_checkpoint.c - checkpoint bodies.
 */
#include "log/checkpoint.h"

#include "fuzz_log.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(n + 1);
    struct tlog_checkpoint cp;

    if (tlog_checkpoint_parse(dt_view(data, n), &cp) != DT_OK)
        return 0;
    accepted();
    must(tlog_checkpoint_write(&cp, &again) == DT_OK);
    must_equal(&again, data, n);
    return 0;
}
