/*
 * fuzz/record/fuzz_template.c - templates: the encoding, or JSON when the input begins with '{'.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "record/template.h"

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
    struct dt_buf again = DT_BUF_INIT(DT_TEMPLATE_MAX);
    struct dt_template *t = NULL, *back = NULL;
    struct dt_field f;
    size_t index = 0;
    bool json = size > 0 && data[0] == '{';
    enum dt_err err;

    must(dt_crypto_init() == DT_OK);
    err = json ? dt_template_from_json(dt_view(data, size), &t)
               : dt_template_decode(dt_view(data, size), &t);
    if (err == DT_OK) {
        must(dt_template_encode(t, &again) == DT_OK);
        must(json || dt_view_equal(dt_buf_view(&again), dt_view(data, size)));
        must(dt_template_decode(dt_buf_view(&again), &back) == DT_OK);
        for (size_t i = 0; i < dt_template_slots(t); i++) {
            dt_template_slot(t, i, &f);
            must(f.name.n == 0 ||
                 (dt_template_slot_find(t, f.name, &index) == DT_OK && index == i));
        }
        if (getenv("DT_FUZZ_ACCEPT") != NULL)
            (void)fprintf(stderr, "accepted\n");
    }
    dt_template_free(t);
    dt_template_free(back);
    dt_buf_clear(&again);
    return 0;
}
