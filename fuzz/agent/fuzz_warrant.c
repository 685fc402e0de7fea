/* fuzz/agent/fuzz_warrant.c - a warrant, and the bodies of its grounds. */
#include "agent/form/warrant.h"

#include "fuzz_agent.h"

static void
look_at(const struct dt_ground *g)
{
    struct dt_view rest = g->body;
    struct dt_approval a;
    struct dt_leave l;
    struct dt_rejoin r;

    if (g->kind == DT_GROUND_ADD)
        while (dt_approvals_next(&rest, &a) == DT_OK)
            (void)dt_approval_holds(&a, 5);
    dt_ignore(dt_leave_decode(g->body, &l), "any verdict will do");
    dt_ignore(dt_rejoin_decode(g->body, &r), "any verdict will do");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(2 * DT_WARRANT_MAX);
    struct dt_warrant x;

    fuzz_init();
    if (dt_warrant_decode(dt_view(data, size), &x) != DT_OK)
        return 0;
    if (x.n_grounds == 0 || x.n_grounds > DT_GROUNDS_MAX)
        abort();
    for (size_t i = 0; i < x.n_grounds; i++)
        look_at(&x.grounds[i]);
    fuzz_same(dt_warrant_encode(&x, &out), &out, data, size);
    return 0;
}
