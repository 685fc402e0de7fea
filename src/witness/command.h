/*
 * witness/command.h - the witness's commands, the same in the program detente-witness and as
 * `detente witness`: their options, and what they do.
 *
 * Layer: witness. Each option is {name, argument or NULL, help}, as a program's own table wants it.
 */
#ifndef DT_WITNESS_COMMAND_H
#define DT_WITNESS_COMMAND_H

#include "witness/witness.h"

#define DT_WITNESS_KEYGEN_HELP "make a witness key"
#define DT_WITNESS_KEYGEN_OPTIONS                                                                  \
    {"name", "NAME", "the witness's name, e.g. witness.example/north"},                            \
    {                                                                                              \
        "out", "FILE", "write the key to FILE (0600, no passphrase: it must start by itself)"      \
    }

#define DT_WITNESS_VKEY_HELP "print the verifier key of a witness key"
#define DT_WITNESS_VKEY_OPTIONS                                                                    \
    {                                                                                              \
        "key", "FILE", "the witness key"                                                           \
    }

#define DT_WITNESS_RUN_HELP "cosign what only grew, until stopped"
#define DT_WITNESS_RUN_OPTIONS                                                                     \
    {"key", "FILE", "the witness key"},                                                            \
        {"state", "FILE", "the witness's own small state file; made when it is not there"},        \
        {"register", "URL", "the register, e.g. http://relay:8470/r/ID"},                          \
        {"vkey", "VKEY", "the register's verifier key"},                                           \
        {"read-key", "FILE", "the register's read key, if reading it needs one"},                  \
        {"evidence", "DIR", "where evidence of a split view goes (default: beside the state)"},    \
        {"agent-checkpoint", "FILE", "after a restore: the largest checkpoint your agent saw"},    \
        {"continues", "N:ROOT",                                                                    \
         "the register continues a lost one: its first N entries have this root (base64)"},        \
        {"clock-was-ahead", NULL,                                                                  \
         "earlier cosignatures bear times that were wrong: go back behind them; give it once"},    \
    {                                                                                              \
        "once", NULL, "cosign what is held now, and stop"                                          \
    }

/* One call, from whichever program. */
struct dt_witness_call {
    const char *(*get)(void *ctx, const char *name); /* an option's value, "" of a flag; NULL */
    void (*say)(void *ctx, const char *line);        /* news for the operator, without LF */
    void *ctx;
    const char *ca_file; /* as in struct dt_witness_config */
    struct dt_clock clock;
};

/* Make a key; its verifier key into ${vkey}. USAGE, and as dt_witness_keygen(). */
DT_MUST_CHECK enum dt_err dt_witness_command_keygen(const struct dt_witness_call *call,
                                                    char vkey[static DT_WITNESS_VKEY_MAX + 1]);

/* The verifier key of the key that is there. USAGE, and as dt_witness_vkey(). */
DT_MUST_CHECK enum dt_err dt_witness_command_vkey(const struct dt_witness_call *call,
                                                  char vkey[static DT_WITNESS_VKEY_MAX + 1]);

/* Cosign until SIGINT or SIGTERM, whose handlers this sets. USAGE, IO (a file that is not there),
 * and as dt_witness_run(). */
DT_MUST_CHECK enum dt_err dt_witness_command_run(const struct dt_witness_call *call);

#endif
