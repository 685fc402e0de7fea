/*
 * fuzz/log/fuzz_entry_bundle.c - entry bundles.
 */
#include "log/tile.h"

#include "fuzz_log.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(TLOG_BUNDLE_MAX);
    struct dt_view entries[TLOG_TILE_WIDTH];
    size_t n_entries = 0;

    if (tlog_bundle_parse(dt_view(data, n), entries, &n_entries) != DT_OK)
        return 0;
    accepted();
    for (size_t i = 0; i < n_entries; i++)
        must(tlog_bundle_append(&again, entries[i]) == DT_OK);
    must_equal(&again, data, n);
    return 0;
}
