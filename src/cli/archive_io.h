/*
 * cli/archive_io.h - what exporting and verifying an archive share.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_ARCHIVE_IO_H
#define DT_CLI_ARCHIVE_IO_H

#include "agent/keep/archive.h"
#include "agent/records/records.h"

#include "cli/cli.h"

#define DT_TAR_ITEM_MAX (64u << 20)

struct cli_archive_report {
    uint64_t items;
    struct tlog_hash root;
    uint64_t talk;
    uint64_t records;
    uint64_t unknown; /* records of templates that are not known here */
    uint64_t letters;
    uint64_t proofs;
    uint64_t without_consent; /* of the proofs, as verifying found */
    bool has_forum;
    uint8_t forum[32];
};

/* Count and root, to be compared by voice, and what was counted. */
DT_MUST_CHECK enum dt_err cli_archive_told(const struct cli *c, const struct cli_archive_report *r);

/* cmd_talk.c: one piece of talk as read --json has it; cmd_record.c: one record as show --json. */
DT_MUST_CHECK enum dt_err cli_talk_json(struct cli *c, const uint8_t group_id[static 32],
                                        const struct dt_talk_info *t, json_t **out);
DT_MUST_CHECK enum dt_err cli_record_json(struct cli *c, const struct dt_record_info *info,
                                          const struct dt_record *r, json_t **out);

#endif
