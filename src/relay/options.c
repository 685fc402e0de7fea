/*
 * relay/options.c - see options.h.
 */
#include <string.h>

#include "relay/options.h"

const char *
option_value(const struct options *o, const char *name, size_t i)
{
    for (size_t k = 0; k < o->n; k++) {
        if (strcmp(o->given[k].option->name, name) == 0 && i-- == 0)
            return o->given[k].value;
    }
    return NULL;
}

static const struct option *
find(const struct command *command, const char *name)
{
    for (const struct option *o = command->options; o->name != NULL; o++) {
        if (strcmp(o->name, name) == 0)
            return o;
    }
    return NULL;
}

enum dt_err
options_parse(const struct command *command, int argc, char **argv, struct options *out)
{
    struct options got = {.command = command};

    for (int i = 0; i < argc; i++) {
        const struct option *o = find(command, argv[i]);

        if (o == NULL && argv[i][0] != '-' && command->operand != NULL && got.operand == NULL) {
            got.operand = argv[i];
            continue;
        }
        if (o == NULL)
            return dt_fail(DT_ERR_USAGE, "%s: no such option (see --help)", argv[i]);
        if (!o->repeat && option_value(&got, o->name, 0) != NULL)
            return dt_fail(DT_ERR_USAGE, "%s is given twice", o->name);
        if (got.n == OPTION_VALUES_MAX)
            return dt_fail(DT_ERR_USAGE, "too many options");
        got.given[got.n].option = o;
        got.given[got.n].value = "";
        if (o->arg != NULL) {
            if (i + 1 == argc)
                return dt_fail(DT_ERR_USAGE, "%s: expected %s after it", o->name, o->arg);
            got.given[got.n].value = argv[++i];
        }
        got.n++;
    }
    if (command->operand != NULL && got.operand == NULL)
        return dt_fail(DT_ERR_USAGE, "%s is needed (see --help)", command->operand);
    for (const struct option *o = command->options; o->name != NULL; o++) {
        if (o->required && option_value(&got, o->name, 0) == NULL)
            return dt_fail(DT_ERR_USAGE, "%s %s is needed (see --help)", o->name, o->arg);
    }
    *out = got;
    return DT_OK;
}
