/*
 * cli/console_rules.c - which commands the console's pages may call, and how; see console_run.h.
 *
 * Source: docs/console-api.md "What may be called". A command that is not here cannot be called:
 * one that runs until it is stopped, makes or opens a home, keeps a root or a witness, or takes a
 * path.
 */
#include <string.h>

#include "cli/console_run.h"

static const struct console_rule rules[] = {
    {"accept", 0, "", NULL},
    {"admit approve", RULE_PASSPHRASE, "", NULL},
    {"admit ask", RULE_PASSPHRASE, "", NULL},
    {"admit commit", RULE_PASSPHRASE, "", NULL},
    {"admit list", 0, "", NULL},
    {"alarms", 0, "", NULL},
    {"answer", 0, "", NULL},
    {"archive export", RULE_PASSPHRASE | RULE_HAND_ON, "-o", NULL},
    {"archive verify", RULE_HAND_ON, "i", NULL},
    {"backup", RULE_PASSPHRASE | RULE_HAND_ON, "o", NULL},
    {"carry id", 0, "", NULL},
    {"carry leave", RULE_PASSPHRASE, "", NULL},
    {"carry send", 0, "", NULL},
    {"channels", 0, "", NULL},
    {"charter adopt", RULE_PASSPHRASE, "i", NULL},
    {"charter show", 0, "i", NULL},
    {"charter merge", 0, "i", NULL},
    {"charter sign", RULE_HAND_ON, "i", NULL},
    {"check", 0, "", NULL},
    {"claims check", 0, "i", NULL},
    {"claims import", 0, "i", NULL},
    {"claims show", 0, "", NULL},
    {"consent", RULE_PASSPHRASE, "", NULL},
    {"contacts", 0, "", NULL},
    {"contacts forget", 0, "", NULL},
    {"contacts import", 0, "i", NULL},
    {"countersign", 0, "", NULL},
    {"decline", 0, "", NULL},
    {"dispute", 0, "", NULL},
    {"due", 0, "", NULL},
    {"evidence export", 0, "", NULL},
    {"evidence verify", 0, "i", NULL},
    {"explain", 0, "", NULL},
    {"found", 0, "", NULL},
    {"invitations", 0, "", NULL},
    {"keep", 0, "", NULL},
    {"keep destroy", RULE_PASSPHRASE, "", NULL},
    {"leave", RULE_PASSPHRASE, "", NULL},
    {"letter import", RULE_PASSPHRASE, "i", "revocation"},
    {"letter import", 0, "i", NULL},
    {"letter request", 0, "", NULL},
    {"letter revoke", RULE_HAND_ON, "i", NULL},
    {"letter save", 0, "", NULL},
    {"letter show", 0, "i", NULL},
    {"line", 0, "", NULL},
    {"line confirm", 0, "", NULL},
    {"line outage", 0, "", NULL},
    {"people", 0, "", NULL},
    {"psk carry", RULE_HAND_ON, "", "to"},
    {"psk carry", RULE_IF_LOCKED, "", "from"},
    {"psk carry", RULE_PASSPHRASE, "", NULL},
    {"psk commit", RULE_PASSPHRASE, "", NULL},
    {"psk confirm", 0, "", NULL},
    {"psk drop", 0, "", NULL},
    {"psk list", 0, "", NULL},
    {"psk new", 0, "", NULL},
    {"read", 0, "", NULL},
    {"readout agree", 0, "", NULL},
    {"readout draft", 0, "", NULL},
    {"readout line", 0, "", NULL},
    {"readout object", 0, "", NULL},
    {"readout release", RULE_PASSPHRASE, "", NULL},
    {"readout show", 0, "", NULL},
    {"readout verify", 0, "i", NULL},
    {"receipt", 0, "", NULL},
    {"record", 0, "", NULL},
    {"record destroyed", 0, "", NULL},
    {"records", 0, "", NULL},
    {"register cadence", 0, "", NULL},
    {"register check", 0, "", NULL},
    {"register checkpoint", 0, "", NULL},
    {"register compare", 0, "i", NULL},
    {"register export", 0, "", NULL},
    {"register status", 0, "", NULL},
    {"rejoin", RULE_PASSPHRASE, "", NULL},
    {"remove", RULE_PASSPHRASE, "", NULL},
    {"roster", 0, "", NULL},
    {"rotate", 0, "", NULL},
    {"save", 0, "", NULL},
    {"send", 0, "", NULL},
    {"shift hand-over", 0, "", NULL},
    {"shift list", 0, "", NULL},
    {"show", 0, "", NULL},
    {"status", 0, "", NULL},
    {"sync", 0, "", NULL},
    {"tally", 0, "", NULL},
    {"template add", 0, "i", NULL},
    {"template check", 0, "i", NULL},
    {"template list", 0, "", NULL},
    {"template show", 0, "", NULL},
    {"understood", 0, "", NULL},
    {"verify", 0, "i", NULL},
    {"withdraw", 0, "", NULL},
    {"open", RULE_PASSPHRASE, "", NULL},
};

/* Options that no page gives: paths, editors, passphrases, and what every command takes. */
static const char *const never[] = {
    "home",
    "relay",
    "ca",
    "passphrase-file",
    "passphrase-fd",
    "json",
    "quiet",
    "verbose",
    "help",
    "version",
    "archive-passphrase-file",
    "backup-passphrase-file",
    "file-passphrase-file",
    "edit",
    "draft",
    "follow",
};

/* Options whose FILE is written, in place of read. */
static const char *const written[] = {"out", "svg", "ics", "to"};

static bool
has_option(const struct dt_console_call *call, const char *name)
{
    for (size_t i = 0; i < call->n_options; i++)
        if (strcmp(call->options[i].name, name) == 0)
            return true;
    return false;
}

const struct console_rule *
console_rule_of(const struct dt_console_call *call)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].command, call->command) == 0 &&
            (rules[i].with == NULL || has_option(call, rules[i].with)))
            return &rules[i];
    return NULL;
}

size_t
console_rules(const struct console_rule **out)
{
    *out = rules;
    return sizeof rules / sizeof *rules;
}

static bool
is_one_of(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, list[i]) == 0)
            return true;
    return false;
}

static enum dt_err
fits(const struct dt_console_value *v, enum dt_console_value_kind kind, const char *what)
{
    if (v->kind == kind)
        return DT_OK;
    return dt_fail(DT_ERR_USAGE,
                   kind == DT_CONSOLE_UPLOAD     ? "%s is a file to be sent here first"
                   : kind == DT_CONSOLE_DOWNLOAD ? "%s is a file to be fetched here afterwards"
                                                 : "%s is a text, and no file",
                   what);
}

static enum dt_err
option_fits(const struct cli_command *command, const struct dt_console_value *v)
{
    const struct cli_option *o = command->options;

    while (o != NULL && o->name != NULL && strcmp(o->name, v->name) != 0)
        o++;
    if (o == NULL || o->name == NULL || is_one_of(v->name, never, sizeof never / sizeof *never))
        return dt_fail(DT_ERR_USAGE, "'%s' has no option '%s' here", command->name, v->name);
    if (o->arg == NULL && v->text[0] != '\0')
        return dt_fail(DT_ERR_USAGE, "the option '%s' takes no value", v->name);
    if (o->arg == NULL || (strstr(o->arg, "FILE") == NULL && strstr(o->arg, "DIR") == NULL))
        return fits(v, DT_CONSOLE_TEXT, v->name);
    if (strcmp(o->arg, "FILE") != 0)
        return dt_fail(DT_ERR_USAGE, "'%s' has no option '%s' here", command->name, v->name);
    return fits(v,
                is_one_of(v->name, written, sizeof written / sizeof *written) ? DT_CONSOLE_DOWNLOAD
                                                                              : DT_CONSOLE_UPLOAD,
                v->name);
}

enum dt_err
console_rule_check(const struct console_rule *rule, const struct cli_command *command,
                   const struct dt_console_call *call)
{
    const size_t n = strlen(rule->operands);
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < call->n_operands; i++) {
        /* The last one holds for all that follow. */
        const char kind = n == 0 ? '-' : rule->operands[i < n ? i : n - 1];

        err = fits(&call->operands[i],
                   kind == 'i'   ? DT_CONSOLE_UPLOAD
                   : kind == 'o' ? DT_CONSOLE_DOWNLOAD
                                 : DT_CONSOLE_TEXT,
                   "an operand");
        if (err == DT_OK && strcmp(call->operands[i].text, "-") == 0)
            err = dt_fail(DT_ERR_USAGE, "'-' is a text from a terminal, which is not here");
    }
    for (size_t i = 0; err == DT_OK && i < call->n_options; i++)
        err = option_fits(command, &call->options[i]);
    return err;
}
