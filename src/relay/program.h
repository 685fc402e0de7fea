/*
 * relay/program.h - what the files of the program detente-relay share.
 *
 * Layer: relay.
 */
#ifndef DT_RELAY_PROGRAM_H
#define DT_RELAY_PROGRAM_H

#include <stdint.h>

#include "relay/options.h"

/* The exit code for ${err}, after its message on standard error. */
int program_finish(enum dt_err err);

/* The number after option ${name}, or ${none}. USAGE. */
DT_MUST_CHECK enum dt_err program_number(const struct options *o, const char *name, uint64_t max,
                                         uint64_t none, uint64_t *out);

/* No core files, for they would hold keys; the connections that the limit of open files suffices
 * for, when ${chosen} is false; USAGE when true and they are too many. */
DT_MUST_CHECK enum dt_err program_limits(bool chosen, uint64_t *connections);

/* Behind a front all connections come from one address, and a front is near. */
bool program_on_loopback(const char *listen);

/* Write the port in use for who asked for any free one. IO. */
DT_MUST_CHECK enum dt_err program_write_port(const char *path, uint16_t port);

/* Block SIGTERM and SIGINT in this thread and in all that it starts; then wait for one of them. */
void program_block_signals(void);
void program_wait_signal(void);

/* cmd_export.c */
extern const struct option program_export_options[];
int program_export(const struct options *o);

/* cmd_witness.c */
extern const struct option program_witness_options[];
int program_witness(const struct options *o);
extern const struct option program_witness_url_options[];
int program_witness_url(const struct options *o);

#endif
