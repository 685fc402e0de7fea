/* fuzz/mls/fuzz_group_state.c - a saved group; what loads saves as the same bytes, or of version 1
 * as bytes that load. */
#include "mls/group.h"

#include "fuzz_mls.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf again = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct mls_group *g = NULL;

    (void)fuzz_suite();
    if (mls_group_load(dt_view(data, size), &g) != DT_OK)
        return 0;
    if (mls_group_save(g, &again) != DT_OK)
        abort();
    mls_group_free(g);
    if (data[1] == 1) {
        if (mls_group_load(dt_buf_view(&again), &g) != DT_OK)
            abort();
        mls_group_free(g);
    } else {
        fuzz_same(dt_buf_view(&again), data, size);
    }
    fuzz_accepted();
    return 0;
}
