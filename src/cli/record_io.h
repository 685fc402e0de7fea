/*
 * cli/record_io.h - what the commands of the record lane share.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_RECORD_IO_H
#define DT_CLI_RECORD_IO_H

#include "agent/records/records.h"
#include "instrument/csv.h"
#include "record/charter.h"
#include "record/letter.h"

#include "cli/cli.h"

/* Put every --field and --set FIELD=VALUE into ${d}. */
DT_MUST_CHECK enum dt_err cli_set_fields(struct cli *c, struct dt_record_draft *d);

/* cmd_template.c. The template named ${kind}; NOT_FOUND says which was probably meant. */
DT_MUST_CHECK enum dt_err cli_template(const struct dt_templates *set, const char *kind,
                                       const struct dt_template **out);

/* The template of the JSON file ${path}; ${raw} gets its bytes. */
DT_MUST_CHECK enum dt_err cli_template_file(const char *path, struct dt_buf *raw,
                                            struct dt_template **out);

/* Take the ${n} files in as the forum's own templates; *${out_taken} grows by the records that came
 * before. */
DT_MUST_CHECK enum dt_err cli_templates_add(struct dt_agent *a, const char *const *paths, size_t n,
                                            size_t *out_taken);

/* Append a value that ${f} takes. */
DT_MUST_CHECK enum dt_err cli_field_example(const struct dt_field *f,
                                            const struct dt_charter *charter, struct dt_buf *out);

/* cmd_open.c: the slots that --fields or --all say. USAGE, NOT_FOUND. */
DT_MUST_CHECK enum dt_err cli_slots(struct cli *c, const struct dt_template *tmpl, uint64_t *out);

/* record_send.c. Check, say what will be provable and when the entry is made, ask, send, print the
 * commitment. */
DT_MUST_CHECK enum dt_err cli_send_record(struct cli *c, const uint8_t group_id[static 32],
                                          const struct dt_record_draft *d);

/* cmd_carry.c. Of a carried record: by whom, with whose leave or without, and what it says;
 * printed, or put into ${root} unless that is NULL. Nothing of any other record. */
DT_MUST_CHECK enum dt_err cli_show_carried(struct cli *c, const struct dt_record *r, json_t *root);
/* "carried", "carried, without leave", ...: of the carried record with ${commitment}. Static. */
const char *cli_carried_kind(struct cli *c, const uint8_t commitment[static 32]);

/* cmd_record.c. "entry 12", "no entry yet": how a record is named to people of any side. */
#define CLI_ENTRY_STR 32u
void cli_entry_words(const struct dt_entry_info *e, char out[static CLI_ENTRY_STR]);

/* cmd_contacts.c. The name of an import: --source, else the file's. Borrowed. */
const char *cli_source(struct cli *c, const char *path);

/* The same for ${n} records of one kind, all or none. */
DT_MUST_CHECK enum dt_err cli_send_records(struct cli *c, const uint8_t group_id[static 32],
                                           const struct dt_record_draft *drafts, size_t n);

/* record_raw.c. Lines of, and "raw" with, the records of kinds that are not known here. */
DT_MUST_CHECK enum dt_err cli_raw_print(struct cli *c, const uint8_t *group_id);
DT_MUST_CHECK enum dt_err cli_put_raw(struct cli *c, json_t *root, const uint8_t *group_id);
/* The one whose id begins with ${hex}, whole. NOT_FOUND. */
DT_MUST_CHECK enum dt_err cli_raw_show(struct cli *c, const char *hex);

/* cmd_open.c: what publishing is, and a yes to it. REFUSED. */
DT_MUST_CHECK enum dt_err cli_confirm_publishing(struct cli *c);

/* cmd_tally.c. Before ${subject} is countersigned: when it is a tally, count anew and say what came
 * of it. REFUSED when our own count is another one, unless --despite-count; STATE, FORMAT,
 * UNSUPPORTED when it cannot be counted. */
DT_MUST_CHECK enum dt_err cli_recount(struct cli *c, const struct dt_record *subject);

/* cmd_record_destroyed.c. What was destroyed of ${only} (NULL: of all channels): lines behind those
 * of the records, and "destroyed" in ${root}. */
DT_MUST_CHECK enum dt_err cli_traces_print(struct cli *c, const uint8_t *only);
DT_MUST_CHECK enum dt_err cli_put_traces(struct cli *c, json_t *root, const uint8_t *only);

#endif
