/*
 * fuzz/record/fuzz_value_text.c - values: the first byte is the type, the second says whether text
 * or bytes follow.
 */
#include <stdio.h>
#include <stdlib.h>

#include "record/limits.h"
#include "record/value.h"

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
    const struct dt_view names[3] = {dt_view_str("one"), dt_view_str("two"), dt_view_str("three")};
    struct dt_buf value = DT_BUF_INIT(DT_VALUE_MAX), text = DT_BUF_INIT(8u * DT_VALUE_MAX),
                  again = DT_BUF_INIT(DT_VALUE_MAX);
    struct dt_value_hint hint = {.field = "f"};
    struct dt_view rest;

    if (size < 2)
        return 0;
    hint.type = data[0];
    if (dt_type_item(hint.type) == DT_TYPE_ENUM) {
        hint.values = names;
        hint.n_values = 3;
    }
    rest = dt_view(data + 2, size - 2);
    if (data[1] % 2 == 0) {
        if (dt_value_from_text(&hint, rest, &value) == DT_OK) {
            must(dt_value_check(hint.type, hint.n_values, dt_buf_view(&value)) == DT_OK);
            must(dt_value_to_text(&hint, dt_buf_view(&value), &text) == DT_OK);
            /* Text that was read and written reads as the same value; a list of one empty text
             * alone reads as none, and spaces at the ends of items are not kept. */
            if (dt_value_from_text(&hint, dt_buf_view(&text), &again) == DT_OK &&
                !dt_type_is_list(hint.type))
                must(dt_view_equal(dt_buf_view(&again), dt_buf_view(&value)));
            if (getenv("DT_FUZZ_ACCEPT") != NULL)
                (void)fprintf(stderr, "accepted\n");
        }
    } else if (dt_value_check(hint.type, hint.n_values, rest) == DT_OK) {
        must(dt_value_to_text(&hint, rest, &text) == DT_OK);
        if (getenv("DT_FUZZ_ACCEPT") != NULL)
            (void)fprintf(stderr, "accepted\n");
    }
    dt_buf_clear(&value);
    dt_buf_clear(&text);
    dt_buf_clear(&again);
    return 0;
}
