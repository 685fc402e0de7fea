/* fuzz/agent/fuzz_inbox_message.c - what reaches an inbox, opened. */
#include "agent/form/inbox_message.h"

#include "fuzz_agent.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(1u << 20);
    struct dt_inbox_message x;
    static const uint8_t pub[32] = {2};

    fuzz_init();
    if (dt_inbox_message_decode(dt_view(data, size), &x) != DT_OK)
        return 0;
    if (x.kind == DT_INBOX_APPROVAL_REQUEST)
        dt_ignore(dt_inbox_request_verify(&x, dt_view_of(pub)), "any verdict will do");
    fuzz_same(dt_inbox_message_encode(&x, &out), &out, data, size);
    return 0;
}
