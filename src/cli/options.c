/*
 * cli/options.c - the command line: exact long options, one table; see cli.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "cli/cli.h"

#define NAME_COLUMN 26

/* Options of every command. */
static const struct cli_option common[] = {
    {"home", "DIR", "the delegate's home (default: $DETENTE_HOME, else ~/.local/share/detente)"},
    {"relay", "URL", "reach the relay there ($DETENTE_RELAY), not where the grant or charter says"},
    {"ca", "FILE",
     "over https, trust the authorities in FILE ($DETENTE_CA) and none of the system's"},
    {"passphrase-file", "FILE", "read the passphrase from the first line of FILE"},
    {"passphrase-fd", "N", "read the passphrase from the first line of descriptor N"},
    {"json", NULL, "answer as JSON (\"format\": 1)"},
    {"quiet", NULL, "say nothing but results and errors"},
    {"verbose", NULL, "with errors, say where in the program they arose"},
    {"help", NULL, "explain the command"},
    {"version", NULL, "print the version"},
    {NULL, NULL, NULL},
};

static const struct cli_option *
find_in(const struct cli_option *table, const char *name, size_t n)
{
    for (; table != NULL && table->name != NULL; table++)
        if (strlen(table->name) == n && strncmp(table->name, name, n) == 0)
            return table;
    return NULL;
}

static enum dt_err
add_option(struct cli *c, const struct cli_option *o, const char *value)
{
    if (c->n_options == DT_CLI_VALUES)
        return dt_fail(DT_ERR_USAGE, "more than %d options", DT_CLI_VALUES);
    c->option_name[c->n_options] = o->name;
    c->option_value[c->n_options] = value;
    c->n_options++;
    return DT_OK;
}

/* One word that begins with "--"; *${i} moves on when its value is the next word. */
static enum dt_err
parse_option(struct cli *c, int argc, char *const argv[], int *i)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t n = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct cli_option *o = find_in(common, name, n);

    if (o == NULL && c->command != NULL)
        o = find_in(c->command->options, name, n);
    if (o == NULL)
        return dt_fail(DT_ERR_USAGE, "there is no option --%.*s%s%s; see --help", (int)n, name,
                       c->command != NULL ? " of " : "",
                       c->command != NULL ? c->command->name : "");
    if (o->arg == NULL && equals != NULL)
        return dt_fail(DT_ERR_USAGE, "--%s takes no value", o->name);
    if (o->arg == NULL)
        return add_option(c, o, "");
    if (equals != NULL)
        return add_option(c, o, equals + 1);
    if (*i + 1 >= argc)
        return dt_fail(DT_ERR_USAGE, "--%s needs a value: %s", o->name, o->arg);
    *i += 1;
    return add_option(c, o, argv[*i]);
}

/* Does ${command} begin with the word ${first}; is it exactly "first second"? */
static const struct cli_command *
find_command(const char *first, const char *second, bool *out_begins)
{
    size_t n = strlen(first);

    *out_begins = false;
    for (const struct cli_command *m = cli_commands; m->name != NULL; m++) {
        if (strncmp(m->name, first, n) != 0)
            continue;
        if (m->name[n] == '\0')
            return m;
        if (m->name[n] != ' ')
            continue;
        *out_begins = true;
        if (second != NULL && strcmp(m->name + n + 1, second) == 0)
            return m;
    }
    return NULL;
}

static enum dt_err
unknown_command(const char *first, bool begins)
{
    char list[256] = "";
    size_t n = strlen(first);

    if (!begins)
        return dt_fail(DT_ERR_USAGE, "there is no command '%s'; see detente --help", first);
    for (const struct cli_command *m = cli_commands; m->name != NULL; m++)
        if (strncmp(m->name, first, n) == 0 && m->name[n] == ' ' &&
            strlen(list) + strlen(m->name) < sizeof list - 2)
            (void)snprintf(list + strlen(list), sizeof list - strlen(list), " %s", m->name + n + 1);
    return dt_fail(DT_ERR_USAGE, "'%s' goes with one of:%s", first, list);
}

enum dt_err
cli_parse(struct cli *c, int argc, char *const argv[])
{
    bool only_operands = false;
    bool begins = false;
    enum dt_err err;

    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];

        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
        } else if (!only_operands && strncmp(word, "--", 2) == 0) {
            if ((err = parse_option(c, argc, argv, &i)) != DT_OK)
                return err;
        } else if (!only_operands && word[0] == '-' && word[1] != '\0') {
            return dt_fail(DT_ERR_USAGE, "'%s': options are words after two dashes; see --help",
                           word);
        } else if (c->command == NULL) {
            const char *second = i + 1 < argc ? argv[i + 1] : NULL;

            c->command = find_command(word, second, &begins);
            if (c->command == NULL && begins && second != NULL && strcmp(second, "--help") == 0) {
                i++; /* "detente root --help": the list of all commands shows what goes with it */
                if ((err = parse_option(c, argc, argv, &i)) != DT_OK)
                    return err;
                continue;
            }
            if (c->command == NULL)
                return unknown_command(word, begins);
            if (strchr(c->command->name, ' ') != NULL && strchr(word, ' ') == NULL)
                i++;
        } else if (c->n_operands == DT_CLI_VALUES) {
            return dt_fail(DT_ERR_USAGE, "more than %d arguments", DT_CLI_VALUES);
        } else {
            c->operand[c->n_operands++] = word;
        }
    }
    if (cli_has(c, "help") || cli_has(c, "version"))
        return DT_OK;
    if (c->command == NULL)
        return dt_fail(DT_ERR_USAGE, "no command given; see detente --help");
    if (c->n_operands < c->command->min_operands)
        return dt_fail(DT_ERR_USAGE, "detente %s needs: %s", c->command->name,
                       c->command->operands);
    if (c->n_operands > c->command->max_operands)
        return dt_fail(DT_ERR_USAGE, "detente %s: '%s' is one argument too many", c->command->name,
                       c->operand[c->command->max_operands]);
    return DT_OK;
}

static void
print_options(const struct cli_option *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        char left[64];

        (void)snprintf(left, sizeof left, "--%s%s%s", o->name, o->arg != NULL ? " " : "",
                       o->arg != NULL ? o->arg : "");
        printf("  %-*s %s\n", NAME_COLUMN, left, o->help);
    }
}

void
cli_help(const struct cli_command *command)
{
    const struct cli_group *group = cli_groups;

    if (command != NULL) {
        printf("usage: detente %s%s%s%s\n\n%s\n", command->name,
               command->options != NULL ? " [options]" : "",
               command->operands[0] != '\0' ? " " : "", command->operands, command->help);
        if (command->more != NULL)
            printf("\n%s\n", command->more);
        if (command->options != NULL) {
            printf("\nOptions:\n");
            print_options(command->options);
        }
        printf("\nOptions of every command:\n");
        print_options(common);
        return;
    }
    printf("usage: detente COMMAND [options] [arguments]\n\n"
           "An accountable back-channel: talk, records that can be proved, and a register that "
           "only grows.\n"
           "\nCommands:\n");
    for (const struct cli_command *m = cli_commands; m->name != NULL; m++) {
        if (group->first != NULL && strcmp(m->name, group->first) == 0) {
            printf("%s, detente-%s(1):\n", group->title, group->page);
            group++;
        }
        printf("  %-*s %s\n", NAME_COLUMN, m->name, m->help);
    }
    printf("\nOptions of every command:\n");
    print_options(common);
    printf("\nExit status: 0 yes or done, 1 no, 2 usage, 3 input, output or network, 4 locked or "
           "refused.\n");
}

const char *
cli_get(const struct cli *c, const char *name)
{
    for (size_t i = c->n_options; i > 0; i--)
        if (strcmp(c->option_name[i - 1], name) == 0)
            return c->option_value[i - 1];
    return NULL;
}

bool
cli_has(const struct cli *c, const char *name)
{
    return cli_get(c, name) != NULL;
}

/* The option, else the variable of the environment, else NULL; an empty one counts as not given. */
static const char *
option_or_env(const struct cli *c, const char *name, const char *variable)
{
    const char *value = cli_get(c, name);

    if (value == NULL || value[0] == '\0')
        value = getenv(variable);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *
cli_relay(const struct cli *c)
{
    return option_or_env(c, "relay", "DETENTE_RELAY");
}

const char *
cli_ca(const struct cli *c)
{
    return option_or_env(c, "ca", "DETENTE_CA");
}

const char *
cli_next(const struct cli *c, const char *name, size_t *at)
{
    while (*at < c->n_options) {
        size_t i = (*at)++;

        if (strcmp(c->option_name[i], name) == 0)
            return c->option_value[i];
    }
    return NULL;
}

enum dt_err
cli_need(const struct cli *c, const char *name, const char **out)
{
    const char *value = cli_get(c, name);

    if (value == NULL || value[0] == '\0')
        return dt_fail(DT_ERR_USAGE, "detente %s needs --%s; see --help", c->command->name, name);
    *out = value;
    return DT_OK;
}

enum dt_err
cli_number(const struct cli *c, const char *name, uint64_t standard, uint64_t max, uint64_t *out)
{
    const char *value = cli_get(c, name);

    if (value == NULL) {
        *out = standard;
        return DT_OK;
    }
    if (dt_decimal_read(dt_view_str(value), max, out) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "--%s: '%s' is not a whole number up to %llu", name, value,
                       (unsigned long long)max);
    return DT_OK;
}
