/*
 * fuzz/log/fuzz_tlog_proof.c - proof files.
 */
#include "log/proof.h"

#include "fuzz_log.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    DT_CLEANUP(tlog_proof_clear) struct tlog_proof proof = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = DT_BUF_INIT(TLOG_PROOF_FILE_MAX);
    struct tlog_hash root;

    start();
    if (tlog_proof_parse(dt_view(data, n), &proof) != DT_OK)
        return 0;
    accepted();
    must(tlog_proof_write(&proof, &again) == DT_OK);
    must_equal(&again, data, n);
    must(proof.path.n <= TLOG_PROOF_LINES_MAX);
    /* The parser has checked that index and number of hashes fit some size. */
    dt_ignore(tlog_root_from_inclusion(&tlog_empty_root, proof.index, proof.index + 1, proof.path.h,
                                       proof.path.n, &root),
              "only the absence of a crash counts");
    return 0;
}
