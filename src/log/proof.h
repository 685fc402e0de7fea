/*
 * log/proof.h - the portable receipt: leaf position, inclusion proof, cosigned checkpoint.
 *
 * Source: c2sp.org/tlog-proof@v1 (file extension .tlog-proof). Layer: log.
 */
#ifndef DT_LOG_PROOF_H
#define DT_LOG_PROOF_H

#include "log/policy.h"

/* All zero is empty; release with tlog_proof_clear(). */
struct tlog_proof {
    bool has_extra;
    struct dt_buf extra; /* opaque and not authenticated by anything */
    uint64_t index;
    struct tlog_path path;
    struct dt_buf note; /* the checkpoint, verbatim */
};
void tlog_proof_clear(struct tlog_proof *proof);

/* Build one from parts (copied); ${extra} NULL: none. */
DT_MUST_CHECK enum dt_err tlog_proof_init(struct tlog_proof *out, const struct dt_view *extra,
                                          uint64_t index, const struct tlog_path *path,
                                          struct dt_view note);

/* Parse a proof file; nothing is verified, but the note is a well-formed checkpoint note, and index
 * and number of hashes fit its size. FORMAT, LIMIT, RANGE, PROOF (index or count), NOMEM. */
DT_MUST_CHECK enum dt_err tlog_proof_parse(struct dt_view text, struct tlog_proof *out);

/* Append the file. */
DT_MUST_CHECK enum dt_err tlog_proof_write(const struct tlog_proof *proof, struct dt_buf *out);

/* Check log signature, cosignatures and inclusion of ${leaf}. ${out} says what the policy makes of
 * it; a quorum not reached is no error here. ${log} as in tlog_policy_evaluate().
 * out->checkpoint.extension is borrowed from ${proof}. FORMAT, AUTH, PROOF. */
DT_MUST_CHECK enum dt_err tlog_proof_evaluate(const struct tlog_proof *proof,
                                              const struct tlog_hash *leaf,
                                              const struct tlog_policy *policy,
                                              const struct tlog_vkey *log,
                                              struct tlog_policy_state *out);

/* As tlog_proof_evaluate(), and REFUSED unless the quorum is reached. */
DT_MUST_CHECK enum dt_err tlog_proof_verify(const struct tlog_proof *proof,
                                            const struct tlog_hash *leaf,
                                            const struct tlog_policy *policy,
                                            const struct tlog_vkey *log,
                                            struct tlog_policy_state *out);

#endif
