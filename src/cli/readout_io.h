/*
 * cli/readout_io.h - what the commands of a joint readout share.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_READOUT_IO_H
#define DT_CLI_READOUT_IO_H

#include "agent/records/records.h"
#include "instrument/readout.h"

#include "cli/cli.h"

/* A readout as this home knows it. */
struct cli_readout {
    struct dt_agent_facts facts;
    struct dt_readout r;
    const struct dt_record *head; /* among the facts */
    size_t self;                  /* our party's place in the charter */
    uint64_t now_ms;
};
void cli_readout_clear(struct cli_readout *x);

/* That of operand 0. NOT_FOUND, FORMAT (no readout). */
DT_MUST_CHECK enum dt_err cli_readout_load(struct cli *c, struct cli_readout *out);

/* The line in force with the number ${text}, or the one whose record has the commitment ${text} (64
 * hex digits): who names it so means that version and no other. USAGE, NOT_FOUND; CONFLICT: two
 * versions stand side by side. */
DT_MUST_CHECK enum dt_err cli_readout_line(const struct cli_readout *x, const char *text,
                                           const struct dt_readout_line **out);

/* cmd_readout_release.c: is it time? False before release_at, and says when it is; printed by who
 * calls. */
bool cli_readout_is_time(const struct cli_readout *x);

#endif
