/*
 * fuzz/record/fuzz_amendment.c - amendments of a charter: what is accepted encodes to the same
 * bytes, and no charter takes in what its roots did not sign. The input is a vector that holds a
 * charter, or nothing, and behind it an amendment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "record/amendment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool cond)
{
    if (!cond)
        abort();
}

static void
one_form(struct dt_view bytes)
{
    struct dt_buf again = DT_BUF_INIT(2 * DT_AMENDMENT_MAX);
    struct dt_amendment am = {0};

    if (dt_amendment_decode(bytes, &am) == DT_OK) {
        must(dt_amendment_encode(&am, &again) == DT_OK);
        must(dt_view_equal(dt_buf_view(&again), bytes));
        if (getenv("DT_FUZZ_ACCEPT") != NULL)
            (void)fprintf(stderr, "accepted\n");
    }
    dt_amendment_clear(&am);
    dt_buf_clear(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dt_buf list = DT_BUF_INIT(2 * DT_AMENDMENTS_MAX);
    struct dt_reader r = dt_reader_init(dt_view(data, size));
    struct dt_view charter = {0};
    struct dt_charter c = {0};
    uint8_t before[32], after[32];

    must(dt_crypto_init() == DT_OK);
    if (dt_read_vec(&r, DT_CHARTER_MAX, &charter) == DT_OK) {
        one_form(dt_view(r.p, r.n));
        if (charter.n > 0 && dt_charter_decode(charter, &c) == DT_OK &&
            dt_charter_forum_id(&c, before) == DT_OK) {
            bool amended = dt_charter_amend(&c, dt_view(r.p, r.n)) == DT_OK;

            must(c.n_former == (amended ? 1u : 0u));
            must(dt_charter_forum_id(&c, after) == DT_OK);
            must(memcmp(before, after, 32) == 0);
            must(dt_charter_amendments(&c, &list) == DT_OK);
            must((list.n > 0) == amended);
        }
    }
    dt_charter_clear(&c);
    dt_buf_clear(&list);
    return 0;
}
