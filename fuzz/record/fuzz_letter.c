/*
 * fuzz/record/fuzz_letter.c - letters of credence, their requests and revocations: the first byte
 * says which.
 */
#include <stdio.h>
#include <stdlib.h>

#include "record/letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool cond)
{
    if (!cond)
        abort();
}

static bool
letter(struct dt_view in, struct dt_buf *again)
{
    struct dt_letter l = {0};

    if (dt_letter_decode(in, &l) != DT_OK)
        return false;
    must(dt_letter_encode(&l, again) == DT_OK);
    must(dt_view_equal(dt_buf_view(again), in));
    dt_letter_clear(&l);
    return true;
}

static bool
request(struct dt_view in)
{
    struct dt_letter_request q = {0};

    if (dt_letter_request_decode(in, &q) != DT_OK)
        return false;
    dt_letter_request_clear(&q);
    return true;
}

static bool
revocation(struct dt_view in, struct dt_buf *again)
{
    struct dt_revocation v;

    if (dt_revocation_decode(in, &v) != DT_OK)
        return false;
    must(dt_revocation_encode(&v, again) == DT_OK);
    must(dt_view_equal(dt_buf_view(again), in));
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dt_buf again = DT_BUF_INIT(2 * DT_LETTER_BYTES_MAX);
    struct dt_view in;
    bool ok;

    must(dt_crypto_init() == DT_OK);
    if (size == 0)
        return 0;
    in = dt_view(data + 1, size - 1);
    ok = data[0] % 3 == 0   ? letter(in, &again)
         : data[0] % 3 == 1 ? request(in)
                            : revocation(in, &again);
    if (ok && getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fprintf(stderr, "accepted\n");
    dt_buf_wipe(&again);
    return 0;
}
