/*
 * cli/main.c - the program `detente`: one command a call.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/crypto.h"

#include "cli/cli.h"

#ifndef DT_VERSION
#define DT_VERSION "unknown"
#endif

/* --home, $DETENTE_HOME, or ~/.local/share/detente. Owner: dt_free(). */
static enum dt_err
find_home(const struct cli *c, char **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(4096);
    const char *home = cli_get(c, "home");
    enum dt_err err;

    if (home == NULL || home[0] == '\0')
        home = getenv("DETENTE_HOME");
    if (home != NULL && home[0] != '\0') {
        err = dt_buf_append(&b, dt_view_str(home));
    } else {
        home = getenv("HOME");
        if (home == NULL || home[0] == '\0')
            return dt_fail(DT_ERR_USAGE, "where is the home? say --home DIR");
        err = dt_buf_printf(&b, "%s/.local/share/detente", home);
    }
    if (err != DT_OK)
        return err;
    *out = dt_strndup((const char *)b.p, b.n);
    return *out != NULL ? DT_OK : dt_nomem();
}

static enum dt_err
run(struct cli *c)
{
    enum dt_err err;

    if (c->command->home && (err = cli_open_home(c)) != DT_OK)
        return err;
    cli_stick_begin(c);
    if (c->agent != NULL)
        cli_stick_remember(c);
    if (c->agent != NULL && cli_relay(c) != NULL &&
        (err = dt_agent_relay_at(c->agent, cli_relay(c))) != DT_OK)
        return err;
    if (c->agent != NULL && cli_ca(c) != NULL)
        dt_agent_trust(c->agent, cli_ca(c));
    return c->command->run(c);
}

static void
print_version(void)
{
    printf("detente %s\n", DT_VERSION);
    if (dt_argon2_notice()[0] != '\0')
        printf("%s\n", dt_argon2_notice());
}

/* What to do, below the error: for people, so on a terminal or when asked for. */
static void
advise(const struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf advice = DT_BUF_INIT(4096);

    if (!c->quiet && (c->verbose || isatty(STDERR_FILENO) == 1) &&
        cli_advice(dt_view_str(dt_err_message()), &advice) == DT_OK)
        cli_complain("  %.*s\n", (int)advice.n, (const char *)advice.p);
}

int
main(int argc, char *argv[])
{
    DT_CLEANUP(dt_free_p) char *home = NULL;
    struct cli c = {.clock = dt_clock_system(), .verdict = DT_EXIT_OK};
    enum dt_exit code;
    enum dt_err err;

    (void)signal(SIGPIPE, SIG_IGN);
    cli_output_begin();
    err = cli_parse(&c, argc, argv);
    c.json = cli_has(&c, "json");
    c.quiet = cli_has(&c, "quiet");
    c.verbose = cli_has(&c, "verbose");
    if (err == DT_OK && cli_has(&c, "version")) {
        print_version();
    } else if (err == DT_OK && cli_has(&c, "help")) {
        cli_help(c.command);
    } else {
        if (err == DT_OK)
            err = dt_crypto_init();
        if (err == DT_OK)
            err = find_home(&c, &home);
        if (err == DT_OK) {
            c.home = home;
            err = run(&c);
        }
    }
    if (err == DT_OK)
        err = cli_output_end();
    code = err == DT_OK ? c.verdict : cli_exit(err);
    if (err != DT_OK) {
        cli_complain("detente: %s\n",
                     dt_err_message()[0] != '\0' ? dt_err_message() : dt_err_name(err));
        if (c.verbose)
            cli_complain("  at %s (%s)\n", dt_err_place(), dt_err_name(err));
        advise(&c);
    }
    dt_agent_close(c.agent);
    return (int)code;
}
