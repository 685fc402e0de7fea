/*
 * fuzz/record/fuzz_record.c - records as they come in channels: what is accepted encodes to the
 * same bytes and can be shown.
 */
#include <stdio.h>
#include <stdlib.h>

#include "record/answer.h"

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
    static struct dt_templates *templates;
    struct dt_buf again = DT_BUF_INIT(2 * DT_RECORD_MAX);
    struct dt_record r = {0};
    const uint8_t *about;

    struct dt_record_raw raw;

    if (templates == NULL) {
        must(dt_crypto_init() == DT_OK);
        must(dt_templates_load(&templates) == DT_OK);
    }
    /* What can be taken in can be shown raw where its template is not known. */
    const bool raw_too = dt_record_raw_read(dt_view(data, size), &raw) == DT_OK;

    if (dt_record_decode(dt_view(data, size), templates, &r) == DT_OK) {
        must(raw_too);
        must(dt_record_encode(&r, &again) == DT_OK);
        must(dt_view_equal(dt_buf_view(&again), dt_view(data, size)));
        must((dt_record_answer(&r, &about) == DT_ANSWER_NONE) == (about == NULL));
        for (size_t i = 0; i < r.header.n_slots; i++) {
            dt_buf_clear(&again);
            must(dt_record_text(&r, i, NULL, &again) == DT_OK);
        }
        if (getenv("DT_FUZZ_ACCEPT") != NULL)
            (void)fprintf(stderr, "accepted\n");
    }
    dt_record_clear(&r);
    dt_buf_clear(&again);
    return 0;
}
