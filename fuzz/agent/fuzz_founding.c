/* fuzz/agent/fuzz_founding.c - a founding list, and what is asked of it. */
#include "agent/form/founding.h"

#include "fuzz_agent.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(DT_FOUNDING_MAX);
    struct dt_founding x;
    static const uint8_t pub[32] = {2};
    uint8_t hash[32];

    fuzz_init();
    if (dt_founding_decode(dt_view(data, size), &x) != DT_OK)
        return 0;
    if (dt_founding_hash(&x, hash) != DT_OK || x.n_members == 0 ||
        x.n_members > DT_FOUNDING_MEMBERS)
        abort();
    for (size_t i = 0; i < x.n_members; i++) {
        if (dt_founding_find(&x, x.members[i].invitation_id) != i ||
            !dt_founding_has_party(&x, x.members[i].party))
            abort();
        dt_ignore(dt_founding_verify(&x, i, dt_view_of(pub)), "any verdict will do");
    }
    (void)dt_founding_complete(&x);
    fuzz_same(dt_founding_encode(&x, &out), &out, data, size);
    return 0;
}
