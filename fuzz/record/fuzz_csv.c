/*
 * fuzz/record/fuzz_csv.c - tables and claims: what is read is written and read again alike.
 */
#include <stdio.h>
#include <stdlib.h>

#include "instrument/claims.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool cond)
{
    if (!cond)
        abort();
}

static void
round_trip(const struct dt_csv *t)
{
    struct dt_buf again = DT_BUF_INIT(4u * DT_CSV_FILE_MAX);
    struct dt_csv back = {0};

    for (size_t row = 0; row < t->n_rows; row++)
        for (size_t column = 0; column < t->n_columns; column++) {
            must(dt_csv_put(&again, dt_csv_cell(t, row, column)) == DT_OK);
            must(dt_buf_append(&again, dt_view_str(column + 1 < t->n_columns ? "," : "\n")) ==
                 DT_OK);
        }
    if (dt_csv_read(dt_buf_view(&again), &back) == DT_OK) {
        must(back.n_rows == t->n_rows && back.n_columns == t->n_columns);
        for (size_t row = 0; row < t->n_rows; row++)
            for (size_t column = 0; column < t->n_columns; column++)
                must(dt_view_equal(dt_csv_cell(t, row, column), dt_csv_cell(&back, row, column)));
    } else {
        must(again.n > DT_CSV_FILE_MAX); /* quoting may make it too long; nothing else may fail */
    }
    dt_csv_clear(&back);
    dt_buf_clear(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dt_csv t = {0};
    struct dt_claims claims = {0};
    struct dt_claim_result *r = NULL;
    struct dt_buf out = DT_BUF_INIT(4u * DT_CSV_FILE_MAX);

    if (dt_csv_read(dt_view(data, size), &t) == DT_OK) {
        round_trip(&t);
        if (getenv("DT_FUZZ_ACCEPT") != NULL)
            (void)fprintf(stderr, "accepted\n");
    }
    if (size < 4096 && dt_claims_read(dt_view(data, size), &claims) == DT_OK) {
        must(dt_claims_check(&claims, NULL, 0, &r) == DT_OK);
        must(dt_claims_write_csv(&claims, r, &out) == DT_OK);
        dt_claim_results_free(r, claims.n);
    }
    dt_csv_clear(&t);
    dt_claims_clear(&claims);
    dt_buf_clear(&out);
    return 0;
}
