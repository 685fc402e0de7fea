/* fuzz/mls/fuzz_auth_content.c - AuthenticatedContent, as it comes out of a decrypted message. */
#include "mls/framing.h"
#include "mls/group_limits.h"

#include "fuzz_mls.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    struct dt_writer w = dt_writer_init(&again);

    (void)fuzz_suite();
    if (dt_buf_set(&raw, dt_view(data, size)) != DT_OK ||
        mls_auth_content_parse(&raw, &c, NULL) != DT_OK)
        return 0;
    fuzz_same(dt_buf_view(&c.raw), data, size);
    if (c.commit.too_many)
        return 0; /* never written */
    dt_write_u16(&w, c.wire_format);
    dt_write_vec(&w, c.group_id);
    dt_write_u64(&w, c.epoch);
    dt_write_u8(&w, c.sender_type);
    if (c.sender_type == MLS_SENDER_MEMBER || c.sender_type == MLS_SENDER_EXTERNAL)
        dt_write_u32(&w, c.sender);
    dt_write_vec(&w, c.authenticated_data);
    dt_write_u8(&w, c.content_type);
    if (c.content_type == MLS_CONTENT_APPLICATION)
        dt_write_vec(&w, c.application_data);
    else if (c.content_type == MLS_CONTENT_PROPOSAL)
        mls_proposal_write(&w, c.proposal);
    else
        mls_commit_write(&w, &c.commit);
    dt_write_vec(&w, c.signature);
    if (c.content_type == MLS_CONTENT_COMMIT)
        dt_write_vec(&w, c.confirmation_tag);
    if (dt_writer_end(&w) != DT_OK)
        abort();
    fuzz_same(dt_buf_view(&again), data, size);
    fuzz_accepted();
    return 0;
}
