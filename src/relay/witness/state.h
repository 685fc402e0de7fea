/*
 * relay/witness/state.h - what a witness for other logs last cosigned, in a small SQLite file.
 *
 * Source: c2sp.org/tlog-witness. Layer: relay.
 *
 * Requests are decided many at a time in one transaction. Each new size and root is written only
 * over the very size and root that the decision was made on (compare and swap), and a job's
 * cosignature may leave the machine only when relay_witness_state_run() has returned DT_OK: then it
 * is on disk.
 */
#ifndef DT_RELAY_WITNESS_STATE_H
#define DT_RELAY_WITNESS_STATE_H

#include "base/time.h"
#include "log/cosignature.h"
#include "log/witness.h"

#define RELAY_WITNESS_STATE_APP     0x64745801u /* "dtX" and 1 */
#define RELAY_WITNESS_STATE_VERSION 1u

struct relay_witness_state;

struct relay_witness_state_config {
    const char *path;                 /* made if it is not there */
    const struct tlog_signer *signer; /* borrowed; the file is bound to this key */
    struct dt_clock clock;            /* zero: the system's */
    bool clock_was_ahead;             /* the times of earlier cosignatures bind no more */
};

/* Open or make the file. CONFLICT (it is of another key's witness), BUSY (another process has it),
 * and those of dt_db_open(). */
DT_MUST_CHECK enum dt_err relay_witness_state_open(const struct relay_witness_state_config *config,
                                                   struct relay_witness_state **out);
void relay_witness_state_close(struct relay_witness_state *s);

/* One request whose checkpoint is parsed and signed by the log. Views outlive the job. */
struct relay_witness_job {
    struct tlog_add_checkpoint req;
    struct tlog_checkpoint cp;
    const struct tlog_vkey *keys; /* the trusted keys of cp.origin */
    size_t n_keys;
    struct tlog_witness_decision decision; /* out; status 0: could not be decided now */
    enum dt_err err;                       /* out: why, with status 0 */
    uint64_t stored_size;                  /* out: with status CONFLICT */
    struct dt_buf lines;                   /* out: with status OK, the cosignature */
    struct dt_buf stored;                  /* out: with decision.fork, the note it stands against */
};
void relay_witness_job_init(struct relay_witness_job *job);
void relay_witness_job_clear(struct relay_witness_job *job);

/**
 * relay_witness_state_run(s, jobs, n):
 * Decide, store and cosign in one transaction. Unless it is DT_OK nothing was stored, and every job
 * has status 0. A job alone has status 0, with err EXPIRED, when the clock is behind an earlier
 * cosignature of the same log. One thread at a time.
 */
DT_MUST_CHECK enum dt_err relay_witness_state_run(struct relay_witness_state *s,
                                                  struct relay_witness_job *const *jobs, size_t n);

/* The checkpoint of ${origin} last cosigned, with the log's lines and our own. NOT_FOUND. From
 * another thread than the one that runs jobs. */
DT_MUST_CHECK enum dt_err relay_witness_state_note(struct relay_witness_state *s,
                                                   const char *origin, struct dt_buf *out);

#endif
