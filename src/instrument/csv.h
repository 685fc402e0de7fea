/*
 * instrument/csv.h - a bounded reader and a writer of RFC 4180 tables.
 *
 * Source: RFC 4180. Layer: instrument (pure). LF and CRLF line ends are read; LF is written. UTF-8
 * throughout.
 */
#ifndef DT_INSTRUMENT_CSV_H
#define DT_INSTRUMENT_CSV_H

#include "base/bytes.h"

#define DT_CSV_FILE_MAX (4u << 20)
#define DT_CSV_COLUMNS  64u
#define DT_CSV_ROWS     65536u
#define DT_CSV_FIELD    (64u << 10)

/* A whole table; every row has as many fields as the first. */
struct dt_csv {
    struct dt_buf store;
    struct dt_view *cells; /* n_rows * n_columns, row by row; row 0 is the header */
    size_t n_rows, n_columns;
};
void dt_csv_clear(struct dt_csv *t);

/* Parse. FORMAT says in which line; LIMIT. */
DT_MUST_CHECK enum dt_err dt_csv_read(struct dt_view text, struct dt_csv *out);
/* Cell of ${row} (0 is the header); borrowed. Out of range: empty. */
struct dt_view dt_csv_cell(const struct dt_csv *t, size_t row, size_t column);
/* The column named ${name} in the header; NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_csv_column(const struct dt_csv *t, const char *name, size_t *out);
/* Append one field, quoted when it must be; the caller writes commas and line ends. */
DT_MUST_CHECK enum dt_err dt_csv_put(struct dt_buf *out, struct dt_view field);

#endif
