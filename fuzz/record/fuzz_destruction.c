/*
 * fuzz/record/fuzz_destruction.c - files that show a destruction, as a stranger gets them. An input
 * that begins with another byte than the file's first is taken as the structure inside, so that
 * base64 does not stand in the way.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "record/proof_internal.h"
#include "record/trace_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool cond)
{
    if (!cond)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    struct dt_view text = dt_view(data, size);
    struct dt_trace_verdict v;

    must(dt_crypto_init() == DT_OK);
    if (size > 0 && data[0] != 'd' && size < DT_PROOF_MAX) {
        must(dt_proof_armor("detente destruction 1\n", text, &file) == DT_OK);
        text = dt_buf_view(&file);
    }
    must(dt_trace_proof_verify(text, NULL, dt_view(NULL, 0), &v) == DT_OK);
    if (v.code == DT_VERDICT_REFUSED) {
        must(v.reason.n > 0 && v.findings.n == 0);
    } else {
        must(v.code == DT_VERDICT_WHOSE && v.trace.after_ms > 0 &&
             dt_utf8_lines(dt_buf_view(&v.findings)));
        if (getenv("DT_FUZZ_ACCEPT") != NULL)
            (void)fprintf(stderr, "accepted\n");
    }
    dt_trace_verdict_clear(&v);
    dt_buf_clear(&file);
    return 0;
}
