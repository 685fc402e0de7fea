/*
 * fuzz/log/fuzz_tile_path.c - tile paths.
 */
#include "log/tile.h"

#include "fuzz_log.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(TLOG_PATH_STR_MAX);
    struct tlog_tile tile;

    if (tlog_tile_path_parse(dt_view(data, n), &tile) != DT_OK)
        return 0;
    accepted();
    must(tile.width >= 1 && tile.width <= TLOG_TILE_WIDTH);
    must(tlog_tile_path_write(&tile, &again) == DT_OK);
    must_equal(&again, data, n);
    return 0;
}
