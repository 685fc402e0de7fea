/*
 * fuzz/log/fuzz_add_checkpoint.c - bodies of the request add-checkpoint, and the decision on them.
 */
#include "log/witness.h"

#include "fuzz_log.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(TLOG_REQUEST_MAX);
    const struct tlog_witness_tree stored = {5, tlog_empty_root};
    struct tlog_add_checkpoint req;
    struct tlog_witness_decision d;
    struct tlog_checkpoint cp;
    size_t key;

    start();
    if (tlog_add_checkpoint_parse(dt_view(data, n), &req) != DT_OK)
        return 0;
    must(tlog_add_checkpoint_write(&req, &again) == DT_OK);
    must_equal(&again, data, n);
    must(tlog_witness_open(&req, NULL, 0, &cp, &key, &d) == DT_OK);
    /* Without trusted keys a well-formed request is of an unknown origin. */
    must(d.status == TLOG_WITNESS_MALFORMED || d.status == TLOG_WITNESS_UNKNOWN);
    if (d.status == TLOG_WITNESS_UNKNOWN)
        accepted();
    must(tlog_checkpoint_init(&cp, dt_view_str("o"), req.old_size, &tlog_empty_root) == DT_OK);
    tlog_witness_decide(&stored, &cp, req.old_size, &req.proof, &d);
    must(d.status != TLOG_WITNESS_OK || req.old_size == 5);
    return 0;
}
