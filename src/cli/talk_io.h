/*
 * cli/talk_io.h - what the commands on talk share.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_TALK_IO_H
#define DT_CLI_TALK_IO_H

#include "cli/cli.h"

/* cmd_talk.c. The place in ${list} of the message that ${text} names: its number, or the beginning
 * of its id. NOT_FOUND, CONFLICT. */
DT_MUST_CHECK enum dt_err cli_message(const char *text, const struct dt_talk_info *list, size_t n,
                                      size_t *out);

/* cmd_understood.c. How a message was understood: lines below it, and "understood" in ${o}. */
DT_MUST_CHECK enum dt_err cli_understood_print(struct cli *c, const uint8_t group_id[static 32],
                                               const struct dt_talk_info *t);
DT_MUST_CHECK enum dt_err cli_put_understood(struct cli *c, json_t *o,
                                             const uint8_t group_id[static 32],
                                             const struct dt_talk_info *t);

/* cmd_keep.c. What --keep and --destroy-after say. USAGE. */
DT_MUST_CHECK enum dt_err cli_item_rule(struct cli *c, struct dt_item_rule *out);
/* How long a message is kept, and who has destroyed it: lines below it, and members of ${o}. */
DT_MUST_CHECK enum dt_err cli_rule_print(struct cli *c, const uint8_t group_id[static 32],
                                         const struct dt_talk_info *t);
DT_MUST_CHECK enum dt_err cli_put_rule(struct cli *c, json_t *o, const uint8_t group_id[static 32],
                                       const struct dt_talk_info *t);

/* file_io.c. Have the file ${path} sent, in pieces. */
DT_MUST_CHECK enum dt_err cli_file_send(struct cli *c, const uint8_t group_id[static 32],
                                        const char *path, const char *type,
                                        const struct dt_item_rule *rule, uint8_t out_id[static 16],
                                        uint8_t out_hash[static 32]);
/* The SHA-256 of the file ${path}. IO. */
DT_MUST_CHECK enum dt_err cli_file_hash(const char *path, uint8_t out[static 32]);
/* Write the message ${t} into a new file ${path}, or to standard output ('-'). */
DT_MUST_CHECK enum dt_err cli_file_save(struct cli *c, const uint8_t group_id[static 32],
                                        const struct dt_talk_info *t, const char *path);
/* Files that are not all there: lines, and "under_way" in ${root}. */
DT_MUST_CHECK enum dt_err cli_files_print(struct cli *c, const uint8_t group_id[static 32]);
DT_MUST_CHECK enum dt_err cli_put_files(struct cli *c, json_t *root,
                                        const uint8_t group_id[static 32]);

#endif
