/*
 * fuzz/record/fuzz_csv.c - tables, claims and private notes: what is read is written and read again
 * alike.
 */
#include <stdio.h>
#include <stdlib.h>

#include "instrument/claims.h"
#include "instrument/contact_notes.h"
#include "record/template.h"

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

/* The table as notes, its first columns being what a note needs; and notes as the store has them.
 */
static void
notes(const struct dt_csv *t, const uint8_t *data, size_t size)
{
    static const struct dt_view modes[] = {{(const uint8_t *)"call", 4}};
    const struct dt_field mode = {.name = dt_view_str("mode"), .values = modes, .n_values = 1};
    const struct dt_note_rule rules[] = {
        {DT_NOTE_COLUMN, dt_view_str("from"), dt_csv_cell(t, 0, 0), {0}},
        {DT_NOTE_COLUMN, dt_view_str("to"), dt_csv_cell(t, 0, 1), {0}},
        {DT_NOTE_COLUMN, dt_view_str("party"), dt_csv_cell(t, 0, 2), {0}},
        {DT_NOTE_SET, dt_view_str("party"), dt_view_str("A"), {0}},
        {DT_NOTE_SET, dt_view_str("mode"), dt_view_str("call"), {0}},
        {DT_NOTE_VALUE, dt_view_str("from"), dt_view_str("x"), dt_view_str("1999")}};
    struct dt_buf bytes = DT_BUF_INIT(4u * DT_CSV_FILE_MAX);
    struct dt_notes n = {0}, back = {0};

    if (dt_notes_from_csv(t, rules, sizeof rules / sizeof rules[0], &mode, &mode, &n) == DT_OK) {
        must(dt_notes_encode(&n, &bytes) == DT_OK);
        must(dt_notes_decode(dt_buf_view(&bytes), &back) == DT_OK);
        must(back.n == n.n);
    }
    dt_notes_clear(&back);
    if (dt_notes_decode(dt_view(data, size), &back) == DT_OK) {
        dt_buf_clear(&bytes);
        must(dt_notes_encode(&back, &bytes) == DT_OK);
        must(dt_view_equal(dt_buf_view(&bytes), dt_view(data, size)));
    }
    dt_notes_clear(&back);
    dt_notes_clear(&n);
    dt_buf_clear(&bytes);
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
        notes(&t, data, size);
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
