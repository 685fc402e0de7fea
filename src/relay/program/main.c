/*
 * relay/program/main.c - the program detente-relay: the table of commands. Each is in its cmd_*.c.
 *
 * Layer: relay. Exit codes: 0 done, 1 no (a check failed), 2 usage, 3 I/O or network, 4 refused.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/crypto.h"
#include "relay/program/program.h"

#ifndef DT_VERSION
#error "the build gives DT_VERSION"
#endif

/* The keys of a configuration file are the options of serve. */
static const struct command commands[] = {
    {"serve", NULL, "serve queues and registers over HTTP until SIGTERM or SIGINT",
     program_serve_options, program_serve, program_serve_options},
    {"grant", NULL, "make a register and one grant file per party", program_grant_options,
     program_grant, program_serve_options},
    {"limits", NULL, "show or change what grants may use", program_limits_options,
     program_set_limits, program_serve_options},
    {"check-config", NULL, "check the configuration, the store and every register in it",
     program_check_options, program_check, NULL},
    {"revoke", NULL, "take nothing more under a grant, or of one append key",
     program_revoke_options, program_revoke, program_serve_options},
    {"stats", NULL, "print what the store holds and how far witnesses are", program_stats_options,
     program_stats, program_serve_options},
    {"verify", NULL, "check every invariant of the store, and say all that is wrong",
     program_verify_options, program_verify, program_serve_options},
    {"backup", "FILE", "copy the store to a new file while it is served", program_backup_options,
     program_backup, program_serve_options},
    {"restore", "FILE", "put a backup in the place of a lost store; of a database: in-place",
     program_restore_options, program_restore, program_serve_options},
    {"resume", NULL, "let a register of a restored store be signed again", program_resume_options,
     program_resume, program_serve_options},
    {"witness", NULL, "be a C2SP tlog-witness for other logs, until SIGTERM or SIGINT",
     program_witness_options, program_witness, NULL},
    {"witness-url", NULL, "say where a witness of registers is asked, or that it comes by itself",
     program_witness_url_options, program_witness_url, program_serve_options},
    {"migrate", NULL, "copy a store into another, a file or a database, and compare both",
     program_migrate_options, program_migrate, NULL},
    {"export-register", "DIR", "write the registers as files that any web server serves",
     program_export_options, program_export, program_serve_options},
};
#define N_COMMANDS  (sizeof(commands) / sizeof(commands[0]))
#define HELP_COLUMN 19u /* of the longest name with its operand */

static void
print_name(const struct command *c)
{
    printf("%s%s%s", c->name, c->operand != NULL ? " " : "", c->operand != NULL ? c->operand : "");
}

/* What there is, a line each. */
static void
help(void)
{
    printf("usage: detente-relay COMMAND [OPTION...]\n"
           "       detente-relay --help | --version\n\n"
           "Commands, each with a --help of its own:\n");
    for (size_t i = 0; i < N_COMMANDS; i++) {
        size_t n = strlen(commands[i].name) +
                   (commands[i].operand != NULL ? 1 + strlen(commands[i].operand) : 0);

        printf("  ");
        print_name(&commands[i]);
        printf("%*s%s\n", (int)(n < HELP_COLUMN ? HELP_COLUMN - n : 0) + 2, "",
               commands[i].summary);
    }
}

/* All options of one command. */
static void
help_of(const struct command *c)
{
    printf("usage: detente-relay ");
    print_name(c);
    printf(" [OPTION...]\n\n%s\n\nOptions:\n", c->summary);
    for (const struct option *o = c->options; o->name != NULL; o++)
        printf("  %s%s%s%s\n      %s\n", o->name, o->arg != NULL ? " " : "",
               o->arg != NULL ? o->arg : "", o->required ? "  (needed)" : "", o->help);
}

int
main(int argc, char **argv)
{
    struct options given = {0};
    enum dt_err err;
    int rc;

    umask(077);
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        printf("detente-relay " DT_VERSION "\n");
        return 0;
    }
    if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
        help();
        return 0;
    }
    if (argc < 2)
        return program_finish(dt_fail(DT_ERR_USAGE, "a command is needed (see --help)"));
    if ((err = dt_crypto_init()) != DT_OK)
        return program_finish(err);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        if (argc == 3 && strcmp(argv[2], "--help") == 0) {
            help_of(&commands[i]);
            return 0;
        }
        if ((err = options_parse(&commands[i], argc - 2, argv + 2, &given)) != DT_OK)
            return program_finish(err);
        rc = commands[i].run(&given);
        options_clear(&given);
        return rc;
    }
    return program_finish(dt_fail(DT_ERR_USAGE, "%s: no such command (see --help)", argv[1]));
}
