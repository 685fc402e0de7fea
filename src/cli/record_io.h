/*
 * cli/record_io.h - what the commands of the record lane share.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_RECORD_IO_H
#define DT_CLI_RECORD_IO_H

#include "agent/records.h"
#include "instrument/csv.h"
#include "record/charter.h"
#include "record/letter.h"

#include "cli/cli.h"

/* Put every --set FIELD=VALUE into ${d}. */
DT_MUST_CHECK enum dt_err cli_set_fields(struct cli *c, struct dt_record_draft *d);

/* cmd_open.c: the slots that --fields or --all say. USAGE, NOT_FOUND. */
DT_MUST_CHECK enum dt_err cli_slots(struct cli *c, const struct dt_template *tmpl, uint64_t *out);

/* record_send.c. Check, say what will be provable and when the entry is made, ask, send, print the
 * commitment. */
DT_MUST_CHECK enum dt_err cli_send_record(struct cli *c, const uint8_t group_id[static 32],
                                          const struct dt_record_draft *d);

/* cmd_tally.c. Before ${subject} is countersigned: when it is a tally, count anew and say what came
 * of it. REFUSED when our own count is another one, unless --despite-count; STATE, FORMAT,
 * UNSUPPORTED when it cannot be counted. */
DT_MUST_CHECK enum dt_err cli_recount(struct cli *c, const struct dt_record *subject);

#endif
