/*
 * relay/witness/server.h - a witness that other logs ask: c2sp.org/tlog-witness over HTTP.
 *
 * Layer: relay.
 *
 *     POST /add-checkpoint                          -> 200, 400, 403, 404, 409, 422
 *     GET  /{hex SHA-256 of the origin}/checkpoint  -> the checkpoint last cosigned, or 404
 *
 * HTTP's thread parses a request and checks the log's signature; a thread of its own decides,
 * stores and cosigns whatever waits, in one transaction; only after that the answers go out.
 */
#ifndef DT_RELAY_WITNESS_SERVER_H
#define DT_RELAY_WITNESS_SERVER_H

#include "base/time.h"
#include "log/note.h"

#define RELAY_WITNESS_LOGS_MAX     1024u /* keys of logs that a witness serves */
#define RELAY_WITNESS_BODY_MAX     (128u << 10)
#define RELAY_WITNESS_EVIDENCE_MAX 16u /* files of evidence that one run writes of one log */

struct relay_witness;

struct relay_witness_config {
    const char *key_path;   /* C2SP signing key text of type 0x04, from `detente witness keygen` */
    const char *state_path; /* relay/witness/state.h */
    const char *listen;     /* "127.0.0.1:8080" */
    const struct tlog_vkey *logs; /* trusted keys of type 0x01; several may have one name */
    size_t n_logs;
    const char *evidence_dir; /* where evidence of a split view goes; NULL: beside the state */
    unsigned int connections_max, per_address_max, per_address_rate; /* 0: as net/server.h */
    struct dt_clock clock;                                           /* zero: the system's */
    bool clock_was_ahead;                                            /* relay/witness/state.h */
    /* One line of news for the operator, from any thread; may be NULL. */
    void (*say)(void *ctx, const char *line);
    void *say_ctx;
};

/* Errors: those of the key file (NOT_FOUND, FORMAT), of relay_witness_state_open() and of
 * dt_http_server_start(); USAGE (no log). ${config} is copied, but not what it points to. */
DT_MUST_CHECK enum dt_err relay_witness_start(const struct relay_witness_config *config,
                                              struct relay_witness **out);

/* Could it be started: is its key there, the state of that key and whole, and each checkpoint in it
 * one that it cosigned? Their number into ${out_trees}, 0 where there is no state yet. Nothing is
 * changed, and the witness may run. Errors as above, and CONFLICT. */
DT_MUST_CHECK enum dt_err relay_witness_check(const struct relay_witness_config *config,
                                              size_t *out_trees);

/* The key in ${path}, from `detente-witness keygen`. ${out} is empty on entry. */
DT_MUST_CHECK enum dt_err relay_witness_key_read(const char *path, struct tlog_signer *out);

uint16_t relay_witness_port(const struct relay_witness *w);
const struct tlog_vkey *relay_witness_key(const struct relay_witness *w);

/* Stop accepting, answer what waits, close. NULL is fine. */
void relay_witness_stop(struct relay_witness *w);

#endif
