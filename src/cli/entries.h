/*
 * cli/entries.h - many records from one file: a JSON object or array of objects, or a CSV table.
 *
 * Layer: cli. Each entry gives values by the names of fields; "@kind" may name the template. CSV: a
 * column for each field, an empty cell says that the field is absent.
 */
#ifndef DT_CLI_ENTRIES_H
#define DT_CLI_ENTRIES_H

#include "instrument/csv.h"
#include "record/record.h"

#include "cli/cli.h"

#define CLI_ENTRIES_MAX 16384u /* of one file */

struct cli_entries {
    const char *file; /* borrowed */
    struct dt_csv table;
    json_t *json; /* NULL: it is a table */
    size_t n;
};
void cli_entries_clear(struct cli_entries *e);

/* Read the file ${path} ('-': standard input), which begins with '[' or '{' when it is JSON. IO,
 * FORMAT, LIMIT. */
DT_MUST_CHECK enum dt_err cli_entries_read(const char *path, struct cli_entries *out);

/* The same of text that was read already; ${path} is for messages. */
DT_MUST_CHECK enum dt_err cli_entries_parse(const char *path, struct dt_view text,
                                            struct cli_entries *out);

/* "@kind" of entry ${i} into ${out}; "" when it has none. FORMAT: it is no name. */
DT_MUST_CHECK enum dt_err cli_entries_kind(const struct cli_entries *e, size_t i,
                                           char out[static DT_TEMPLATE_ID_MAX + 1]);

/* Put the values of entry ${i} into ${d}. What is wrong with a value is said on standard error,
 * with the entry's place and the field, and counted in *${wrong}; only what has nothing to do with
 * the file's contents is an error. */
DT_MUST_CHECK enum dt_err cli_entries_fill(const struct cli_entries *e, size_t i,
                                           const struct dt_charter *charter,
                                           struct dt_record_draft *d, size_t *wrong);

/* Say on standard error what the last error is, at entry ${i}. */
void cli_entries_complain(const struct cli_entries *e, size_t i);

#endif
