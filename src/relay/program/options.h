/*
 * relay/program/options.h - the command line of detente-relay, from one table, and what stands in a
 * configuration file in its place.
 *
 * Source: man/detente-relay.8, man/detente-relay.conf.5. Layer: relay. --help is printed from the
 * table; exact long options only.
 *
 * The keys of the configuration file are the options of one command, `serve`, without their "--":
 * so a new option of it is a new key. A command that has --config too takes from the file what it
 * has an option of the same name for, which must then mean the same; what the command line says
 * wins.
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
    const struct option *keys; /* those of the file after --config; NULL: the command reads none, or
                                * by itself */
};

/* What was given: pairs in order. */
struct options {
    const struct command *command;
    const char *operand;
    struct {
        const struct option *option;
        const char *value;
        unsigned int line; /* of the configuration file; 0: on the command line */
    } given[OPTION_VALUES_MAX];
    size_t n;
    const char *file; /* the configuration file; NULL: none */
    char *text;       /* its text, from which values borrow */
};

/* Free what ${o} owns; its values are gone then. */
void options_clear(struct options *o);

/* The ${i}-th value of option ${name}; NULL when there is none ("" for a flag). */
const char *option_value(const struct options *o, const char *name, size_t i);

/* "--listen", or "FILE:3: listen" where the ${i}-th value of ${name} stands in the configuration
 * file; borrowed, until the next call in this thread. For messages about the value. */
const char *option_where(const struct options *o, const char *name, size_t i);

/**
 * options_config(keys, path, o, wrong, ctx):
 * Add to ${o} what the configuration file ${path} says of options that its command has and that
 * were not given. ${keys} are all that the file may hold. The values live as long as the program,
 * and there is one file in one; FORMAT, LIMIT, and those of dt_file_read(). As relay_config_parse()
 * the first error is returned, and all are told to ${wrong} where that is not NULL.
 */
DT_MUST_CHECK enum dt_err options_config(const struct option *keys, const char *path,
                                         struct options *o, void (*wrong)(void *ctx, enum dt_err),
                                         void *ctx);

/* Parse ${argv} behind the command's name. USAGE with a clear line. */
DT_MUST_CHECK enum dt_err options_parse(const struct command *command, int argc, char **argv,
                                        struct options *out);

#endif
