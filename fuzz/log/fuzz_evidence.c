/*
 * fuzz/log/fuzz_evidence.c - evidence of a split view.
 */
#include "log/witness.h"

#include "fuzz_log.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    DT_CLEANUP(tlog_evidence_clear) struct tlog_evidence e = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(TLOG_EVIDENCE_MAX);

    start();
    if (tlog_evidence_read(dt_view(data, n), &e) != DT_OK)
        return 0;
    must(tlog_evidence_write(&e, &again) == DT_OK);
    must_equal(&again, data, n);
    if (tlog_evidence_verify(&e, NULL, NULL) == DT_OK)
        accepted();
    return 0;
}
