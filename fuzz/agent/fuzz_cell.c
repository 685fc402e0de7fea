/* fuzz/agent/fuzz_cell.c - a cell of a known queue; and the input as content and as padded content.
 */
#include "agent/form/cell.h"

#include "fuzz_agent.h"
#include "samples.h"

static const uint8_t mark_key[32] = {1};

/* Padded as it is written, it gives itself back. */
static void
seal_and_open(const struct dt_queue_keys *k, struct dt_view content)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf back = DT_BUF_INIT(DT_CELL_MAX);

    if (dt_cell_seal(k, dt_view_of(mark_key), content, &cell) != DT_OK)
        return;
    if (dt_cell_size(cell.n) != cell.n || dt_cell_open(k, dt_buf_view(&cell), &back) != DT_OK ||
        !dt_view_equal(dt_buf_view(&back), content))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dt_queue_keys k;
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);
    struct dt_view content;

    fuzz_init();
    if (k.bytes.n == 0)
        sample_queue_keys(&k, 1);
    if (dt_cell_open(&k, dt_view(data, size), &out) == DT_OK)
        fuzz_accepted();
    else if (out.n != 0)
        abort();
    dt_ignore(dt_cell_unpad(dt_view(data, size), &content), "any verdict will do");
    seal_and_open(&k, dt_view(data, size));
    return 0;
}
