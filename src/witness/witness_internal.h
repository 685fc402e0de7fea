/*
 * witness/witness_internal.h - what key.c, state.c and run.c share.
 *
 * Layer: witness, internal.
 */
#ifndef DT_WITNESS_WITNESS_INTERNAL_H
#define DT_WITNESS_WITNESS_INTERNAL_H

#include "db/db.h"
#include "log/cosignature.h"
#include "log/witness.h"
#include "witness/witness.h"

/* The signer in ${path}. ${out} is empty on entry. */
DT_MUST_CHECK enum dt_err witness_key_load(const char *path, struct tlog_signer *out);

/* The state file: what was cosigned last. */
struct witness_state {
    struct dt_db *db;
    int lock_fd;
    struct tlog_witness_tree tree;
    struct dt_buf note;  /* the checkpoint of tree as the register signed it; empty at size 0 */
    uint64_t time_s;     /* of the latest cosignature that was given; 0: none */
    uint64_t void_below; /* the times of ours for smaller trees than this bind no more */
    bool stopped;        /* a split view was found: nothing is signed any more */
};

/* Open or make ${path} for ${origin}. BUSY (another process has it), CONFLICT (of another
 * register), and those of dt_db_open(). */
DT_MUST_CHECK enum dt_err witness_state_open(const char *path, const struct tlog_vkey *log,
                                             struct witness_state *out);
void witness_state_close(struct witness_state *s);

/* Size, root, note and time become what is on disk; when OK, power may fail. ${time_s} is that of
 * the cosignature to come, or the present one. */
DT_MUST_CHECK enum dt_err witness_state_put(struct witness_state *s,
                                            const struct tlog_witness_tree *tree,
                                            struct dt_view note, uint64_t time_s);

/* The times of what was cosigned for trees below ${size} were wrong: they bind no more, now and
 * after the next start. */
DT_MUST_CHECK enum dt_err witness_state_forget(struct witness_state *s, uint64_t size);

/* Never sign again. */
DT_MUST_CHECK enum dt_err witness_state_stop(struct witness_state *s);

#endif
