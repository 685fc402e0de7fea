/*
 * relay/log.h - what a serving relay tells its operator, a line each on standard error.
 *
 * Source: sd-daemon(3) for the "<3>" before a line. Layer: relay.
 *
 * A line says what happened and never to whom: no token, address of a queue or name of a party goes
 * into one, nor the network address of a peer unless the operator asks for it. Lines of one event
 * are bounded in time, so that nobody fills a disk by making the relay complain; what was
 * left out is counted and said. Nothing here allocates.
 */
#ifndef DT_RELAY_LOG_H
#define DT_RELAY_LOG_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* The numbers are those of syslog(3), which sd-daemon(3) takes. */
enum relay_log_level {
    RELAY_LOG_ERROR = 3,
    RELAY_LOG_WARNING = 4,
    RELAY_LOG_NOTICE = 5,
    RELAY_LOG_INFO = 6,
    RELAY_LOG_DEBUG = 7
};

struct relay_log_settings {
    enum relay_log_level level; /* this one and those below it; 0: INFO */
    bool json;                  /* an object a line; else text */
    bool priorities;            /* begin each line of text with its level, "<6>" */
    bool addresses;             /* say whose address it is that is sent away: relay_log_peer() */
};

/* One more thing that a line says, in JSON alone: ${text}, or ${number} where that is NULL. */
struct relay_log_field {
    const char *key; /* [a-z_], a constant */
    const char *text;
    uint64_t number;
};

#define RELAY_LOG_FIELDS_MAX 8u
#define RELAY_LOG_LINE_MAX   1024u

/* From now on, in all threads. Until the first call: text, INFO. */
void relay_log_set(const struct relay_log_settings *settings);

/* "error", "warning", "notice", "info" or "debug" into ${out}; false: none of these. */
bool relay_log_level_of(const char *text, enum relay_log_level *out);

/**
 * relay_log(level, event, fields, n, fmt, ...):
 * Write a line. ${event} is a word of this program's, the same for all lines of a sort; each has 20
 * lines at once and one more a second, but ERROR lines of other events are never held back by it.
 * From any thread.
 */
void relay_log(enum relay_log_level level, const char *event, const struct relay_log_field *fields,
               size_t n, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The same for what a peer at ${address} did, which is said where the settings have addresses: at
 * the end of the line, or as its "address" in JSON. ${what} is a constant. */
void relay_log_peer(enum relay_log_level level, const char *event, const char *address,
                    const char *what);

/* ${err} with its message, as an ERROR of ${event}; "what: " may stand before it, NULL: nothing. */
void relay_log_err(const char *event, const char *what, enum dt_err err);

#endif
