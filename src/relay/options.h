/*
 * relay/options.h - the command line of detente-relay, from one table.
 *
 * Layer: relay. --help is printed from the table; exact long options only.
 */
#ifndef DT_RELAY_OPTIONS_H
#define DT_RELAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define OPTION_VALUES_MAX 64u

struct option {
    const char *name; /* "--store" */
    const char *arg;  /* "FILE"; NULL: a flag */
    const char *help;
    bool required, repeat;
};

struct options;

struct command {
    const char *name;
    const char *operand; /* "DIR", needed; NULL: the command takes none */
    const char *summary;
    const struct option *options; /* ends with a name of NULL */
    int (*run)(const struct options *given);
};

/* What was given: pairs in order. */
struct options {
    const struct command *command;
    const char *operand;
    struct {
        const struct option *option;
        const char *value;
    } given[OPTION_VALUES_MAX];
    size_t n;
};

/* The ${i}-th value of option ${name}; NULL when there is none ("" for a flag). */
const char *option_value(const struct options *o, const char *name, size_t i);

/* Parse ${argv} behind the command's name. USAGE with a clear line. */
DT_MUST_CHECK enum dt_err options_parse(const struct command *command, int argc, char **argv,
                                        struct options *out);

#endif
