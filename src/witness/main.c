/*
 * witness/main.c - the program detente-witness: a party's witness and nothing else, for a machine
 * that is always on. The commands are command.h's, which `detente witness` has too.
 *
 * Layer: witness. Exit codes: 0 done, 1 no (the register does not hold, a split view), 2 usage, 3
 * files, memory or network, 4 refused.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "crypto/crypto.h"

#include "witness/command.h"

#ifndef DT_VERSION
#error "the build gives DT_VERSION"
#endif

#define VALUES_MAX  32u
#define NAME_COLUMN 26

struct option {
    const char *name, *arg, *help; /* without the two dashes; NULL: a flag */
};

static const struct option common[] = {
    {"ca", "FILE",
     "over https, trust the authorities in FILE ($DETENTE_CA) and none of the system's"},
    {"json", NULL, "answer as JSON (\"format\": 1)"},
    {"quiet", NULL, "say nothing but results and errors"},
    {"help", NULL, "explain the command"},
    {"version", NULL, "print the version"},
    {NULL, NULL, NULL},
};

static const struct option keygen_options[] = {DT_WITNESS_KEYGEN_OPTIONS, {NULL, NULL, NULL}};
static const struct option vkey_options[] = {DT_WITNESS_VKEY_OPTIONS, {NULL, NULL, NULL}};
static const struct option run_options[] = {DT_WITNESS_RUN_OPTIONS, {NULL, NULL, NULL}};

struct call;

struct command {
    const char *name, *help;
    const struct option *options;
    enum dt_err (*run)(struct call *c);
};

/* One call of the program. */
struct call {
    const struct command *command;
    const char *name[VALUES_MAX], *value[VALUES_MAX]; /* options given */
    size_t n;
};

static const char *
get(void *ctx, const char *name)
{
    const struct call *c = ctx;

    for (size_t i = c->n; i > 0; i--)
        if (strcmp(c->name[i - 1], name) == 0)
            return c->value[i - 1];
    return NULL;
}

/* News, as a line of ASCII: some of it comes from a relay. */
static void
say(void *ctx, const char *line)
{
    if (get(ctx, "quiet") != NULL)
        return;
    for (; *line != '\0'; line++)
        (void)fputc(*line >= 0x20 && *line < 0x7f ? *line : '?', stderr);
    (void)fputc('\n', stderr);
}

static struct dt_witness_call
call_of(struct call *c)
{
    const char *ca = get(c, "ca");

    if (ca == NULL)
        ca = getenv("DETENTE_CA"); /* NOLINT(concurrency-mt-unsafe) before any thread */
    if (ca != NULL && ca[0] == '\0')
        ca = NULL;
    return (struct dt_witness_call){
        .get = get, .say = say, .ctx = c, .ca_file = ca, .clock = dt_clock_system()};
}

/* ---- commands ---- */

/* A key's name is one line of text, but it may hold what JSON escapes. */
static void
print_vkey(struct call *c, const char *vkey)
{
    if (get(c, "json") == NULL) {
        printf("%s\n", vkey);
        return;
    }
    printf("{\"format\": 1, \"vkey\": \"");
    for (; *vkey != '\0'; vkey++)
        printf("%s%c", *vkey == '"' || *vkey == '\\' ? "\\" : "", *vkey);
    printf("\"}\n");
}

static enum dt_err
keygen(struct call *c)
{
    const struct dt_witness_call call = call_of(c);
    char vkey[DT_WITNESS_VKEY_MAX + 1];
    enum dt_err err = dt_witness_command_keygen(&call, vkey);

    if (err == DT_OK)
        print_vkey(c, vkey);
    return err;
}

static enum dt_err
show_vkey(struct call *c)
{
    const struct dt_witness_call call = call_of(c);
    char vkey[DT_WITNESS_VKEY_MAX + 1];
    enum dt_err err = dt_witness_command_vkey(&call, vkey);

    if (err == DT_OK)
        print_vkey(c, vkey);
    return err;
}

static enum dt_err
run(struct call *c)
{
    const struct dt_witness_call call = call_of(c);

    return dt_witness_command_run(&call);
}

static const struct command commands[] = {
    {"keygen", DT_WITNESS_KEYGEN_HELP, keygen_options, keygen},
    {"vkey", DT_WITNESS_VKEY_HELP, vkey_options, show_vkey},
    {"run", DT_WITNESS_RUN_HELP, run_options, run},
    {NULL, NULL, NULL, NULL},
};

/* ---- the command line ---- */

static const struct option *
find(const struct option *table, const char *name)
{
    for (; table != NULL && table->name != NULL; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

/* The word ${word}, and ${next} when it takes a value; *${out_two} says so. */
static enum dt_err
take(struct call *c, const char *word, const char *next, bool *out_two)
{
    const struct option *o = NULL;

    *out_two = false;
    if (strncmp(word, "--", 2) == 0) {
        o = find(common, word + 2);
        if (o == NULL && c->command != NULL)
            o = find(c->command->options, word + 2);
    } else if (c->command == NULL) {
        for (const struct command *m = commands; m->name != NULL; m++)
            if (strcmp(m->name, word) == 0)
                c->command = m;
        return c->command != NULL ? DT_OK
                                  : dt_fail(DT_ERR_USAGE, "%s: no such command (see --help)", word);
    }
    if (o == NULL)
        return dt_fail(DT_ERR_USAGE, "%s: no such option (see --help)", word);
    if (c->n == VALUES_MAX)
        return dt_fail(DT_ERR_USAGE, "too many options");
    if (o->arg != NULL && next == NULL)
        return dt_fail(DT_ERR_USAGE, "%s: expected %s after it", word, o->arg);
    c->name[c->n] = o->name;
    c->value[c->n++] = o->arg != NULL ? next : "";
    *out_two = o->arg != NULL;
    return DT_OK;
}

static void
print_options(const struct option *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        char left[64];

        (void)snprintf(left, sizeof left, "--%s%s%s", o->name, o->arg != NULL ? " " : "",
                       o->arg != NULL ? o->arg : "");
        printf("  %-*s %s\n", NAME_COLUMN, left, o->help);
    }
}

static void
print_help(const struct command *command)
{
    if (command != NULL) {
        printf("usage: detente-witness %s [options]\n\n%s\n\nOptions:\n", command->name,
               command->help);
        print_options(command->options);
    } else {
        printf("usage: detente-witness COMMAND [options]\n\n"
               "A party's witness: it cosigns the register as long as it only grows.\n"
               "\nCommands:\n");
        for (const struct command *m = commands; m->name != NULL; m++)
            printf("  %-*s %s\n", NAME_COLUMN, m->name, m->help);
    }
    printf("\nOptions of every command:\n");
    print_options(common);
    printf("\nExit status: 0 done, 1 no, 2 usage, 3 input, output or network, 4 refused.\n");
}

int
main(int argc, char *argv[])
{
    const struct rlimit core = {0, 0};
    struct call c = {.n = 0};
    enum dt_err err = DT_OK;
    bool two = false;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)setrlimit(RLIMIT_CORE, &core); /* it would hold the key */
    (void)umask(077);
    for (int i = 1; i < argc && err == DT_OK; i += two ? 2 : 1)
        err = take(&c, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &two);
    if (err == DT_OK && get(&c, "version") != NULL)
        printf("detente-witness %s\n", DT_VERSION);
    else if (err == DT_OK && get(&c, "help") != NULL)
        print_help(c.command);
    else if (err == DT_OK && c.command == NULL)
        err = dt_fail(DT_ERR_USAGE, "no command given (see --help)");
    else if (err == DT_OK && (err = dt_crypto_init()) == DT_OK)
        err = c.command->run(&c);
    if (err == DT_OK && (fflush(stdout) != 0 || ferror(stdout) != 0))
        err = dt_fail(DT_ERR_IO, "standard output could not be written");
    if (err != DT_OK)
        fprintf(stderr, "detente-witness: %s\n",
                dt_err_message()[0] != '\0' ? dt_err_message() : dt_err_name(err));
    return dt_err_exit_status(err);
}
