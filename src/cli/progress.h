/*
 * cli/progress.h - how far it is, on a terminal, when it takes longer than a second; and
 * passphrases of files other than the home.
 *
 * Layer: cli.
 */
#ifndef DT_CLI_PROGRESS_H
#define DT_CLI_PROGRESS_H

#include "cli/cli.h"

struct cli_progress {
    const char *what;
    bool on;
    uint64_t begun_ms;
    uint64_t shown_ms;
};

void cli_progress_begin(const struct cli *c, const char *what, struct cli_progress *p);
/* For struct dt_keep_progress; ${ctx} is a struct cli_progress. */
void cli_progress(void *ctx, uint64_t done, uint64_t of);
/* The same, for what can be stopped: false when the console's user wants no more of it. For
 * dt_agent_on_step(). */
bool cli_progress_step(void *ctx, uint64_t done, uint64_t of);
/* For who shows it in words of their own: is it time to? */
bool cli_progress_due(struct cli_progress *p);
void cli_progress_end(struct cli_progress *p);

/* The passphrase of ${what}, from the file of ${option}; without that as cli_passphrase(). */
DT_MUST_CHECK enum dt_err cli_file_passphrase(const struct cli *c, const char *option,
                                              const char *what, bool fresh, struct dt_secret *out);

#endif
