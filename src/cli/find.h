/*
 * cli/find.h - what --find, --last and --before leave of a list, in commands on talk and on
 * records.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_FIND_H
#define DT_CLI_FIND_H

#include "agent/records/records.h"

#include "cli/cli.h"

/* The part of a list that is asked for. */
struct cli_part {
    struct dt_buf find; /* words to look for, folded; empty: all */
    uint64_t before;    /* UINT64_MAX: to the end */
    uint64_t last;      /* UINT64_MAX: from the begin */
};
#define CLI_PART_INIT                                                                              \
    {                                                                                              \
        .find = DT_BUF_INIT(64u << 10)                                                             \
    }

/* From --find, --before and --last. USAGE. Owner: cli_part_clear(). */
DT_MUST_CHECK enum dt_err cli_part(struct cli *c, struct cli_part *out);
void cli_part_clear(struct cli_part *p);

/* Whether ${text} holds the words, whatever the case of letters and however they are composed. */
DT_MUST_CHECK enum dt_err cli_part_finds(const struct cli_part *p, struct dt_view text, bool *out);

/* Leave in ${list} what is asked for, in order: by number, by what a message says or how its file
 * is called. */
DT_MUST_CHECK enum dt_err cli_part_talk(struct cli *c, const struct cli_part *p,
                                        const uint8_t group_id[static 32],
                                        struct dt_talk_info *list, size_t *n);
/* The records that are asked for, by number and by what their fields say. Owner: dt_free(*out). */
DT_MUST_CHECK enum dt_err cli_part_records(struct cli *c, const struct cli_part *p,
                                           const uint8_t *group_id, struct dt_record_info **out,
                                           size_t *out_n);

#endif
