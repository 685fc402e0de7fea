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
    {"accept", 0, ""},
    {"admit approve", RULE_PASSPHRASE, ""},
    {"admit ask", RULE_PASSPHRASE, ""},
    {"admit commit", RULE_PASSPHRASE, ""},
    {"admit list", 0, ""},
    {"alarms", 0, ""},
    {"answer", 0, ""},
    {"archive export", RULE_PASSPHRASE | RULE_HAND_ON, "-o"},
    {"archive verify", RULE_HAND_ON, "i"},
    {"backup", RULE_PASSPHRASE | RULE_HAND_ON, "o"},
    {"carry id", 0, ""},
    {"carry leave", RULE_PASSPHRASE, ""},
    {"carry send", 0, ""},
    {"channels", 0, ""},
    {"charter adopt", RULE_PASSPHRASE, "i"},
    {"charter show", 0, "i"},
    {"charter sign", RULE_HAND_ON, "i"},
    {"check", 0, ""},
    {"claims check", 0, "i"},
    {"claims import", 0, "i"},
    {"claims show", 0, ""},
    {"consent", RULE_PASSPHRASE, ""},
    {"contacts", 0, ""},
    {"contacts forget", 0, ""},
    {"contacts import", 0, "i"},
    {"countersign", 0, ""},
    {"decline", 0, ""},
    {"dispute", 0, ""},
    {"due", 0, ""},
    {"evidence export", 0, ""},
    {"evidence verify", 0, "i"},
    {"explain", 0, ""},
    {"found", 0, ""},
    {"invitations", 0, ""},
    {"keep", 0, ""},
    {"keep destroy", RULE_PASSPHRASE, ""},
    {"leave", RULE_PASSPHRASE, ""},
    {"letter import", 0, "i"},
    {"letter request", 0, ""},
    {"letter revoke", RULE_HAND_ON, "i"},
    {"letter show", 0, "i"},
    {"line", 0, ""},
    {"line confirm", 0, ""},
    {"line outage", 0, ""},
    {"people", 0, ""},
    {"psk commit", RULE_PASSPHRASE, ""},
    {"psk confirm", 0, ""},
    {"psk drop", 0, ""},
    {"psk list", 0, ""},
    {"psk new", 0, ""},
    {"read", 0, ""},
    {"readout agree", 0, ""},
    {"readout draft", 0, ""},
    {"readout line", 0, ""},
    {"readout object", 0, ""},
    {"readout release", RULE_PASSPHRASE, ""},
    {"readout show", 0, ""},
    {"readout verify", 0, "i"},
    {"receipt", 0, ""},
    {"record", 0, ""},
    {"record destroyed", 0, ""},
    {"records", 0, ""},
    {"register cadence", 0, ""},
    {"register check", 0, ""},
    {"register checkpoint", 0, ""},
    {"register compare", 0, "i"},
    {"register export", 0, ""},
    {"register status", 0, ""},
    {"rejoin", RULE_PASSPHRASE, ""},
    {"remove", RULE_PASSPHRASE, ""},
    {"roster", 0, ""},
    {"rotate", 0, ""},
    {"save", 0, ""},
    {"send", 0, ""},
    {"shift hand-over", 0, ""},
    {"shift list", 0, ""},
    {"show", 0, ""},
    {"status", 0, ""},
    {"sync", 0, ""},
    {"tally", 0, ""},
    {"template add", 0, "i"},
    {"template check", 0, "i"},
    {"template list", 0, ""},
    {"template show", 0, ""},
    {"understood", 0, ""},
    {"verify", 0, "i"},
    {"withdraw", 0, ""},
    {"open", RULE_PASSPHRASE, ""},
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
    "edit",
    "draft",
    "follow",
};

/* Options whose FILE is written, in place of read. */
static const char *const written[] = {"out", "svg", "ics"};

const struct console_rule *
console_rule_of(const char *command)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].command, command) == 0)
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
