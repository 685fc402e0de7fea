/*
 * relay/program/program.h - what the files of the program detente-relay share.
 *
 * Layer: relay.
 */
#ifndef DT_RELAY_PROGRAM_H
#define DT_RELAY_PROGRAM_H

#include <stdint.h>

#include "base/bytes.h"
#include "relay/log.h"
#include "relay/program/options.h"
#include "relay/store/store.h"

/* The exit code for ${err}, after its message on standard error. */
int program_finish(enum dt_err err);

/* The number after option ${name}, or ${none}. USAGE. */
DT_MUST_CHECK enum dt_err program_number(const struct options *o, const char *name, uint64_t max,
                                         uint64_t none, uint64_t *out);

/* No core files, for they would hold keys; the connections that the limit of open files suffices
 * for, when ${chosen} is false; USAGE when true and they are too many. */
DT_MUST_CHECK enum dt_err program_limits(bool chosen, uint64_t *connections);

/* What an address may do where nothing else is said, and no front counts. */
#define PROGRAM_ADDRESS_CONNECTIONS 64u
#define PROGRAM_ADDRESS_RATE        32u /* all of those come anew at once after a pause, twice */

/* Behind a front all connections come from one address, and a front is near. */
bool program_on_loopback(const char *listen);

/* Write the port in use for who asked for any free one. IO. */
DT_MUST_CHECK enum dt_err program_write_port(const char *path, uint16_t port);

/* Block SIGTERM and SIGINT, and SIGHUP where ${reload}, in this thread and in all that it starts;
 * then wait for one of them, for ${ms} at most where that is not 0: which it was, 0 when the time
 * was up. */
void program_block_signals(bool reload);
int program_wait_signal(uint64_t ms);

/* What the options --log-format, --log-level and, where there is one, --log-addresses say. USAGE.
 */
DT_MUST_CHECK enum dt_err program_log_settings(const struct options *o,
                                               struct relay_log_settings *out);

/* Options that several commands have; the last ends a table of them. */
#define PROGRAM_STORE                                                                              \
    {                                                                                              \
        "--store", "STORE", "the relay's store: one SQLite file, or postgresql://...", true, false \
    }
#define PROGRAM_CONFIG                                                                             \
    {                                                                                              \
        "--config", "FILE",                                                                        \
            "take options that are not given here from FILE, see detente-relay.conf(5)", false,    \
            false                                                                                  \
    }
#define PROGRAM_LOG                                                                                \
    {"--log-format", "FORMAT", "text, or json: an object a line", false, false},                   \
    {                                                                                              \
        "--log-level", "LEVEL", "error, warning, notice, info (the default) or debug", false,      \
            false                                                                                  \
    }
#define PROGRAM_SEALING_KEY                                                                        \
    {                                                                                              \
        "--sealing-key", "FILE", "what registers' keys in the store are sealed with", false, false \
    }
#define PROGRAM_SIGNED                                                                             \
    {                                                                                              \
        "--signed", "PATH", "where it is remembered what was signed (FILE.signed of the store)",   \
            false, false                                                                           \
    }
#define PROGRAM_REGISTER                                                                           \
    {                                                                                              \
        "--register", "ID", "the register's id, 32 hex digits, as in its grants", true, false      \
    }
#define PROGRAM_JSON                                                                               \
    {                                                                                              \
        "--json", NULL, "print the result as JSON", false, false                                   \
    }
#define PROGRAM_QUIET                                                                              \
    {                                                                                              \
        "--quiet", NULL, "print nothing but errors", false, false                                  \
    }
#define PROGRAM_END                                                                                \
    {                                                                                              \
        NULL, NULL, NULL, false, false                                                             \
    }

/* cmd_serve.c */
extern const struct option program_serve_options[];
int program_serve(const struct options *o);

struct dt_relay_config;

/* What the options of serve say of how it serves, --store and --listen missing included. USAGE, IO.
 */
DT_MUST_CHECK enum dt_err program_serve_settings(const struct options *o,
                                                 struct dt_relay_config *out);

/* cmd_check.c */
extern const struct option program_check_options[];
int program_check(const struct options *o);

/* cmd_grant.c */
extern const struct option program_grant_options[];
int program_grant(const struct options *o);

/* cmd_limits.c: what a grant may use, in `grant` and `limits` alike. */
#define PROGRAM_BOUNDS                                                                             \
    {"--queues", "N", "queues that the grant may create (10000)", false, false},                   \
        {"--queue-cells", "N", "cells that a queue may hold (1000000)", false, false},             \
        {"--bytes", "SIZE", "bytes of cells in all its queues: 500M, 8G or none (8G)", false,      \
         false},                                                                                   \
        {"--cells", "N", "cells in all its queues, or none (10000000)", false, false},             \
        {"--append-rate", "N",                                                                     \
         "cells that it may append a second, one for each 16 KiB of a larger one, or none (1000)", \
         false, false},                                                                            \
        {"--append-burst", "N", "and so many at once (ten times as many)", false, false},          \
        {"--polls", "N", "long polls at a time, or none (16384)", false, false},                   \
        {"--keep", "SPAN", "no cell goes before it was kept so long: 90d, 12h or none (90d)",      \
         false, false},                                                                            \
        {"--keep-unread", "SPAN", "then it does if all readers have it, or after this (365d)",     \
         false, false},                                                                            \
    {                                                                                              \
        "--keep-cells", "N", "or when so many came after it, or none (none)", false, false         \
    }
extern const struct option program_limits_options[];
int program_set_limits(const struct options *o);

/* What the options of PROGRAM_BOUNDS say, and ${standard} where they say nothing. USAGE. */
DT_MUST_CHECK enum dt_err program_bounds(const struct options *o,
                                         const struct dt_relay_bounds *standard,
                                         struct dt_relay_bounds *out);

/* The size after option ${name}, as 500M or 8G, at least ${least}; 0 for none; ${standard} when it
 * is not given. USAGE. */
DT_MUST_CHECK enum dt_err program_size(const struct options *o, const char *name, uint64_t least,
                                       uint64_t standard, uint64_t *out);

/* Those of a new grant that says nothing. */
extern const struct dt_relay_bounds program_bounds_standard;

/* cmd_export.c */
extern const struct option program_export_options[];
int program_export(const struct options *o);

/* cmd_migrate.c */
extern const struct option program_migrate_options[];
int program_migrate(const struct options *o);

/* cmd_stats.c */
extern const struct option program_stats_options[];
int program_stats(const struct options *o);

struct dt_relay_store;

/* The store after --store, which is there; and the row of the register after --register. USAGE,
 * NOT_FOUND. */
DT_MUST_CHECK enum dt_err program_open_store(const struct options *o, struct dt_relay_store **out);
DT_MUST_CHECK enum dt_err program_register(const struct options *o, struct dt_relay_store *s,
                                           int64_t *out);

/* cmd_revoke.c */
extern const struct option program_revoke_options[];
int program_revoke(const struct options *o);

/* cmd_verify.c */
extern const struct option program_verify_options[];
int program_verify(const struct options *o);

struct dt_verify_report;

/* Verify ${s}: each fault a line on standard error ("detente-relay: WHERE: WHAT"), or in ${json},
 * an array's content that may be NULL. FORMAT when there are any. */
DT_MUST_CHECK enum dt_err program_verify_store(struct dt_relay_store *s, struct dt_buf *json,
                                               struct dt_verify_report *out);

/* cmd_backup.c */
extern const struct option program_backup_options[];
int program_backup(const struct options *o);
extern const struct option program_restore_options[];
int program_restore(const struct options *o);
extern const struct option program_resume_options[];
int program_resume(const struct options *o);

/* cmd_witness.c */
extern const struct option program_witness_options[];
int program_witness(const struct options *o);
extern const struct option program_witness_url_options[];
int program_witness_url(const struct options *o);

#endif
