/*
 * witness/witness.h - the witness: a small always-on program that cosigns what only grew.
 *
 * Source: C2SP tlog-cosignature (key type 0x04), tlog-witness (rules), tlog-tiles (proofs from
 * tiles); docs/protocol-relay.md "Witness". Layer: witness (net, db, log). The decision itself is a
 * pure function in log; here are key file, state file, network and the loop.
 *
 *   long poll checkpoint.held -> verify register's signature -> fetch tiles, compute consistency ->
 *   decide -> commit size and root to disk -> only then POST the cosignature
 */
#ifndef DT_WITNESS_WITNESS_H
#define DT_WITNESS_WITNESS_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/time.h"
#include "log/witness.h"

#define DT_WITNESS_VKEY_MAX 256u

struct dt_witness_config {
    const char *key_path;      /* from dt_witness_keygen() */
    const char *state_path;    /* a small SQLite file of its own, made if it is not there */
    const char *register_url;  /* "http://host:port/r/<register id>" */
    const char *read_key_path; /* of the register's read key; NULL: reading it needs none */
    const char *ca_file;       /* authorities trusted, and no other; NULL: the system's */
    const char *register_vkey; /* the register's verifier key (0x01); its name is the origin */
    const char
        *evidence_dir; /* where evidence of a split view is written; NULL: beside the state file */
    struct dt_clock clock; /* zero: the system's */
    unsigned int wait_s;   /* of one long poll; 0: 30 */
    unsigned int pause_ms; /* before the first new try, the others are in proportion; 0: 200 */
    /* A register that continues a lost one begins with ${begins.size} entries of root
     * ${begins.root}, of which a witness that never cosigned it makes sure; size 0: a new one. */
    struct tlog_witness_tree begins;
    bool clock_was_ahead; /* earlier cosignatures bear wrong times: they bind no more, and that is
                           * kept in the state */
    /* A note from the agent of the same party, the largest it saw, for a restore; empty: none. */
    struct dt_view agent_checkpoint;
    /* One line of news for the operator, without LF ("cosigned size 12"); may be NULL. */
    void (*say)(void *ctx, const char *line);
    void *say_ctx;
};

/**
 * dt_witness_keygen(path, name, vkey):
 * Make a witness key in ${path} (0600, never over an existing file) and give its verifier key text
 * "name+hash+key" in ${vkey}. ${name} as C2SP says: no space, no '+'.
 * The file is not under a passphrase: the witness must start by itself after a power cut.
 * Errors: EXISTS, IO, RANGE (name), NOMEM.
 */
DT_MUST_CHECK enum dt_err dt_witness_keygen(const char *path, const char *name,
                                            char vkey[static DT_WITNESS_VKEY_MAX + 1]);

/* The verifier key text of the key in ${path}. NOT_FOUND, FORMAT, IO. */
DT_MUST_CHECK enum dt_err dt_witness_vkey(const char *path,
                                          char vkey[static DT_WITNESS_VKEY_MAX + 1]);

/**
 * dt_witness_run(config, stop, once):
 * Restore rule first, then cosign each larger held checkpoint until *${stop} turns true (checked at
 * least once a second). With ${once}: cosign what is held now and return. A relay that is not
 * reached, refuses or answers rubbish is told of once and waited for; so is the clock. After a
 * split view nothing is signed, and it returns when the state says so on disk and the evidence is
 * written: without ${once} it tries until then. Errors: CONFLICT (that split view), FORMAT or IO
 * (key, state file or agent_checkpoint), BUSY (another witness process holds the state), NOMEM;
 * with
 * ${once} also whatever the relay gave cause for: NET, FORMAT, PROOF, REFUSED (it does not take
 * this key), EXPIRED (the clock is behind an earlier cosignature).
 */
DT_MUST_CHECK enum dt_err dt_witness_run(const struct dt_witness_config *config,
                                         const atomic_bool *stop, bool once);

#endif
