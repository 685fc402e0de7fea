/*
 * cli/console_run.h - calls of the console's pages are calls of the table of commands.
 *
 * Source: docs/console-api.md. Layer: cli.
 */
#ifndef DT_CLI_CONSOLE_RUN_H
#define DT_CLI_CONSOLE_RUN_H

#include "cli/cli.h"
#include "console/console.h"

#define RULE_PASSPHRASE 1u /* asks the home's passphrase again */
#define RULE_HAND_ON                                                                               \
    2u /* the passphrase that comes with the call is the command's own: a root's, an               \
        * archive's; with the other, the home's as well */
#define RULE_IF_LOCKED 4u /* likewise, but asked only where the command finds that it needs one */

struct console_rule {
    const char *command;
    unsigned int flags;
    const char *operands; /* a letter each: 'i' a file that is read, 'o' one that is written, '-' a
                           * text; the last holds for what follows, and without any all are texts */
    const char *with;     /* the rule of calls with this option alone; it stands before the one for
                           * all others (NULL) */
};

/* The rule of a call that pages may make, or NULL; and all of them, for who looks them over. */
const struct console_rule *console_rule_of(const struct dt_console_call *call);
size_t console_rules(const struct console_rule **out);

/* Are the operands and options of ${call}, which is one of ${command}, what a page may give? USAGE.
 */
DT_MUST_CHECK enum dt_err console_rule_check(const struct console_rule *rule,
                                             const struct cli_command *command,
                                             const struct dt_console_call *call);

/* What calls run in. */
struct console_home {
    const char *home;
    struct dt_agent *agent;
    struct dt_clock clock;
    void (*changed)(void *ctx); /* the home is not as before the call */
    void *ctx;
};

/* Is ${passphrase} that of the home? LOCKED: it is not. For struct dt_console_backend, too. */
DT_MUST_CHECK enum dt_err console_passphrase(void *ctx, const struct dt_secret *passphrase);

/* Run ${call}; for struct dt_console_backend. ${ctx} is a struct console_home. */
void console_run(void *ctx, const struct dt_console_call *call, struct dt_console_work *work,
                 struct dt_console_answer *answer);

#endif
