/* fuzz/agent/fuzz_bundle.c - a bundle for a known queue; and cells of the input's choice in one. */
#include <string.h>

#include "agent/form/bundle.h"

#include "fuzz_agent.h"
#include "samples.h"

static const uint8_t mark_key[32] = {1};
static const uint8_t group_id[32] = {2};

/* The mac is over whole cells, so the input does not hit it: it is put right, as a member would. */
static void
with_mac(const struct dt_bundle_side *side, struct dt_view bytes)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_BUNDLE_MAX);
    DT_CLEANUP(dt_bundle_clear) struct dt_bundle b = {0};
    struct dt_bundle_cell c = {.append_id = {0}};
    bool unpadded = bytes.n % 2 == 0;

    if (dt_cell_seal(side->queue, dt_view_of(mark_key), bytes, &cell) != DT_OK)
        return;
    c.cell = dt_buf_view(&cell);
    if (bytes.n % 3 == 0)
        dt_bundle_append_id(c.cell, c.append_id);
    if (dt_bundle_encode(side, DT_BUNDLE_CELLS, unpadded, bytes.n, &c, 1, &out) != DT_OK ||
        dt_bundle_decode(dt_buf_view(&out), side, &b) != DT_OK || b.n != 1 ||
        b.position != bytes.n || !dt_view_equal(b.cells[0].cell, c.cell) ||
        memcmp(b.cells[0].append_id, c.append_id, 16) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dt_queue_keys k;
    struct dt_bundle_side side = {.queue = &k, .group_id = group_id, .epoch = 300};
    DT_CLEANUP(dt_bundle_clear) struct dt_bundle b = {0};
    uint8_t tag[DT_BUNDLE_TAG];

    fuzz_init();
    if (k.bytes.n == 0)
        sample_queue_keys(&k, 1);
    dt_ignore(dt_bundle_tag_read(dt_view(data, size), tag), "any verdict will do");
    if (dt_bundle_decode(dt_view(data, size), &side, &b) == DT_OK)
        fuzz_accepted();
    else if (b.n != 0 || b.cells != NULL)
        abort();
    with_mac(&side, dt_view(data, size));
    return 0;
}
