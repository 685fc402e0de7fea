/* fuzz/mls/fuzz_proposal.c - Proposal of every type; PreSharedKeyID is written anew. */
#include "mls/proposal.h"

#include "fuzz_mls.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *again = NULL;
    struct dt_reader r = dt_reader_init(dt_view(data, size));
    enum dt_err err = DT_OK;

    (void)fuzz_suite();
    if (mls_proposal_read(&r, &p) != DT_OK || dt_read_end(&r) != DT_OK)
        return 0;
    fuzz_same(dt_buf_view(&p->raw), data, size);
    if (p->type == MLS_PROPOSAL_ADD)
        err = mls_proposal_new_add(p->add, &again);
    else if (p->type == MLS_PROPOSAL_UPDATE)
        err = mls_proposal_new_update(p->update, &again);
    else if (p->type == MLS_PROPOSAL_REMOVE)
        err = mls_proposal_new_remove(p->remove, &again);
    else if (p->type == MLS_PROPOSAL_PSK)
        err = mls_proposal_new_psk(&p->psk, &again);
    else if (p->type == MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS)
        err = mls_proposal_new_group_context_extensions(&p->extensions, &again);
    else if (p->type >= MLS_PROPOSAL_PRIVATE_MIN)
        err = mls_proposal_new_private(p->type, p->body, &again);
    if (err != DT_OK)
        abort();
    if (again != NULL)
        fuzz_same(dt_buf_view(&again->raw), data, size);
    fuzz_accepted();
    return 0;
}
