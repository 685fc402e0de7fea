/* fuzz/agent/fuzz_inbox_cell.c - a cell of an inbox whose key is known; and the input as a message
 * sealed for it. */
#include "agent/form/cell.h"
#include "agent/form/inbox_message.h"

#include "fuzz_agent.h"
#include "samples.h"

/* Every 16th time, since it costs two more operations on the curve: sealed, it opens to itself. */
static void
seal_and_open(struct dt_view priv, const uint8_t address[static 32], struct dt_view message)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf back = DT_BUF_INIT(DT_CELL_MAX);
    uint8_t pub[DT_X25519];
    static unsigned int turn;

    if (turn++ % 16 != 0 || dt_x25519_pub(priv, pub) != DT_OK ||
        dt_inbox_seal(dt_view_of(pub), address, message, &cell) != DT_OK)
        return;
    if (dt_inbox_open(priv, address, dt_buf_view(&cell), &back) != DT_OK ||
        !dt_view_equal(dt_buf_view(&back), message))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_CELL_MAX);
    struct dt_view priv = sample_seed(0x42);
    uint8_t address[32];

    fuzz_init();
    sample_bytes(address, sizeof address, 1);
    if (dt_inbox_open(priv, address, dt_view(data, size), &out) == DT_OK)
        fuzz_accepted();
    else if (out.n != 0)
        abort();
    seal_and_open(priv, address, dt_view(data, size));
    return 0;
}
