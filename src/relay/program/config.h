/*
 * relay/program/config.h - the configuration file: lines of "key = value".
 *
 * Source: man/detente-relay.conf.5. Layer: relay. What the keys are is not known here: options.h.
 */
#ifndef DT_RELAY_CONFIG_H
#define DT_RELAY_CONFIG_H

#include "base/bytes.h"
#include "base/err.h"

#define RELAY_CONFIG_MAX       65536u /* bytes of a file */
#define RELAY_CONFIG_KEY_MAX   64u
#define RELAY_CONFIG_VALUE_MAX 4096u

struct relay_config_reader {
    /* Told of each line that has a key and a value, which borrow from the text. Its errors say file
     * and line. */
    enum dt_err (*pair)(void *ctx, const char *file, unsigned int line, struct dt_view key,
                        struct dt_view value);
    void *ctx;
    /* Told of each error, whose message is dt_err_message(); NULL: the first ends it. */
    void (*wrong)(void *ctx, enum dt_err err);
    void *wrong_ctx;
};

/**
 * relay_config_parse(text, file, reader):
 * Give each line of ${text} to reader->pair. An empty line, or one whose first character but spaces
 * is
 * '#', is passed over; any other is KEY = VALUE: a key of [a-z][a-z0-9-]*, and a value that is not
 * empty, to the end of the line without the spaces around it; so a '#' in it belongs to it.
 *
 * Errors: the first of the lines' and of its, FORMAT or LIMIT, with "FILE:LINE: " before it;
 * where reader->wrong is not NULL it is told of every one, and all lines are looked at.
 */
DT_MUST_CHECK enum dt_err relay_config_parse(struct dt_view text, const char *file,
                                             const struct relay_config_reader *reader);

#endif
