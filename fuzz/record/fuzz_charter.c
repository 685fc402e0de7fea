/*
 * fuzz/record/fuzz_charter.c - charters: what is accepted encodes to the same bytes and has a
 * policy.
 */
#include <stdio.h>
#include <stdlib.h>

#include "log/policy.h"
#include "record/charter.h"

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
    struct dt_buf again = DT_BUF_INIT(2 * DT_CHARTER_MAX), policy = DT_BUF_INIT(TLOG_POLICY_MAX);
    struct tlog_policy p = {0};
    struct dt_charter c = {0};

    must(dt_crypto_init() == DT_OK);
    if (dt_charter_decode(dt_view(data, size), &c) == DT_OK) {
        must(dt_charter_encode(&c, &again) == DT_OK);
        must(dt_view_equal(dt_buf_view(&again), dt_view(data, size)));
        must(dt_charter_policy(&c, DT_POLICY_FINAL, &policy) == DT_OK);
        must(tlog_policy_parse(dt_buf_view(&policy), &p) == DT_OK);
        if (getenv("DT_FUZZ_ACCEPT") != NULL)
            (void)fprintf(stderr, "accepted\n");
    }
    tlog_policy_clear(&p);
    dt_charter_clear(&c);
    dt_buf_clear(&again);
    dt_buf_clear(&policy);
    return 0;
}
