/*
 * agent/opening.h - opening a record by consent: the proof file.
 *
 * Source: docs/protocol-record.md, "Proof file"; DESIGN "Proofs". Layer: agent.
 */
#ifndef DT_AGENT_OPENING_H
#define DT_AGENT_OPENING_H

#include "agent/records.h"

struct dt_opening_params {
    uint8_t commitment[32];
    uint64_t slots;       /* bit per slot; author and kind are always opened */
    bool without_consent; /* make it even though a consent is missing (a verifier will say so) */
    bool show_names;      /* open names and titles of the letters too */
    const char *audience; /* to whom; a consent must name it or "public". NULL: to nobody said */
};

/**
 * dt_agent_open_record(a, params, out):
 * Append the proof file for the record: its opened slots, both sides' accounts and consents as far
 * as we hold them, letters, and register proofs. REFUSED "no consent from <party> to open <field>",
 * or none to that audience, unless without_consent; STATE (not attested yet); NOT_FOUND.
 */
DT_MUST_CHECK enum dt_err dt_agent_open_record(struct dt_agent *a,
                                               const struct dt_opening_params *params,
                                               struct dt_buf *out);

/* Publish the proof ${file} beside the register, where everyone finds it under its SHA-256
 * (${out_name}). It cannot be taken back. The same again is fine. LIMIT (too large, or as much as
 * the relay takes of a party), BUSY (of the day), NET. */
DT_MUST_CHECK enum dt_err dt_agent_opening_publish(struct dt_agent *a, struct dt_view file,
                                                   uint8_t out_name[static 32]);

/**
 * dt_agent_opening_seal(a, letter_hash, file, out), dt_agent_opening_unseal(a, file, out):
 * The proof ${file} sealed to the person of that letter, by its X25519 key; and what was sealed to
 * the person of this home, whoever sealed it. Errors: NOT_FOUND (no such letter here), REFUSED
 * (revoked), EXPIRED; AUTH (for another, or altered), FORMAT.
 */
DT_MUST_CHECK enum dt_err dt_agent_opening_seal(struct dt_agent *a,
                                                const uint8_t letter_hash[static 32],
                                                struct dt_view file, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_agent_opening_unseal(struct dt_agent *a, struct dt_view file,
                                                  struct dt_buf *out);
bool dt_opening_is_sealed(struct dt_view file);

#endif
