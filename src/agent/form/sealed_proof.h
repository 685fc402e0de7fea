/*
 * agent/form/sealed_proof.h - a proof file for one person: sealed to their letter's key, and
 * opened.
 *
 * Source: docs/protocol-record.md "Sealed proof"; RFC 9180 (base mode, suite 1's KEM, KDF and
 * AEAD). Layer: agent, a pure codec: no I/O, no clock. Nothing says who sealed it: what counts is
 * the proof inside.
 */
#ifndef DT_AGENT_FORM_SEALED_PROOF_H
#define DT_AGENT_FORM_SEALED_PROOF_H

#include "base/bytes.h"
#include "crypto/crypto.h"

#define DT_SEALED_PROOF_PLAIN_MAX (12u << 20) /* as a proof file: record/limits.h */
#define DT_SEALED_PROOF_MAX       (DT_SEALED_PROOF_PLAIN_MAX + 256u)

/* Does ${file} begin as one? */
bool dt_sealed_proof_is(struct dt_view file);

/* Append ${proof} sealed to ${pub}, the key of the letter with hash ${letter} in ${forum}. */
DT_MUST_CHECK enum dt_err dt_sealed_proof_seal(const uint8_t forum[static 32],
                                               const uint8_t letter[static 32],
                                               const uint8_t pub[static DT_X25519],
                                               struct dt_view proof, struct dt_buf *out);

/* Append what is in ${file}, opened with ${priv}. FORMAT (none, or cut off), AUTH (for another
 * person or forum, or altered). On error ${out} is as it was. */
DT_MUST_CHECK enum dt_err dt_sealed_proof_open(const uint8_t forum[static 32], struct dt_view priv,
                                               struct dt_view file, struct dt_buf *out);

#endif
