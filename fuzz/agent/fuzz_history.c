/* fuzz/agent/fuzz_history.c - the history that a joiner is given, walked to its end. */
#include "agent/form/founding.h"

#include "fuzz_agent.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_HISTORY_MAX);
    struct dt_history x;
    struct dt_view rest;
    struct dt_view one;
    enum dt_err err;

    fuzz_init();
    if (dt_history_decode(dt_view(data, size), &x) != DT_OK)
        return 0;
    rest = x.warrants;
    while ((err = dt_history_next(&rest, &one)) == DT_OK)
        ;
    if (err != DT_ERR_NOT_FOUND)
        abort();
    fuzz_same(dt_history_encode(&x, &out), &out, data, size);
    return 0;
}
