/*
 * fuzz/record/fuzz_proof_file.c - proof files as a stranger gets them. An input that begins with
 * another byte than the file's first is taken as the structure inside, so that base64 does not
 * stand in the way.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "record/proof.h"
#include "record/proof_internal.h"

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
    const struct dt_verify_in in = {.now_ms = 1764700000000u};
    struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    struct dt_view text = dt_view(data, size);
    struct dt_verdict v;

    must(dt_crypto_init() == DT_OK);
    if (size > 0 && data[0] != 'd' && size < DT_PROOF_MAX) {
        must(dt_proof_armor(DT_PROOF_MAGIC, text, &file) == DT_OK);
        text = dt_buf_view(&file);
    }
    must(dt_proof_verify(text, &in, &v) == DT_OK);
    if (v.code == DT_VERDICT_REFUSED) {
        must(v.reason.n > 0 && v.n_records == 0 && v.findings.n == 0);
    } else {
        must(v.code == DT_VERDICT_WHOSE && v.n_records > 0 &&
             dt_utf8_lines(dt_buf_view(&v.findings)));
        if (getenv("DT_FUZZ_ACCEPT") != NULL)
            (void)fprintf(stderr, "accepted\n");
    }
    dt_verdict_clear(&v);
    dt_buf_clear(&file);
    return 0;
}
