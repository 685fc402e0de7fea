/*
 * fuzz/log/fuzz_policy.c - policy files: what is accepted has one written form, which says the
 * same.
 */
#include "log/policy.h"

#include "fuzz_log.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy p = {0};
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy q = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf once = DT_BUF_INIT(2 * TLOG_POLICY_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf twice = DT_BUF_INIT(2 * TLOG_POLICY_MAX);
    size_t sides[TLOG_POLICY_NODES_MAX];

    start();
    if (tlog_policy_parse(dt_view(data, n), &p) != DT_OK)
        return 0;
    accepted();
    must(tlog_policy_sides(&p, sides, TLOG_POLICY_NODES_MAX) <= TLOG_POLICY_NODES_MAX);
    for (size_t i = 0; i < p.n_nodes; i++)
        must(p.nodes[i].parent == TLOG_POLICY_NO_NODE || p.nodes[i].parent > i);
    must(tlog_policy_write(&p, &once) == DT_OK);
    must(tlog_policy_parse(dt_buf_view(&once), &q) == DT_OK);
    must(tlog_policy_write(&q, &twice) == DT_OK);
    must_equal(&twice, once.p, once.n);
    return 0;
}
