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
};

/**
 * dt_agent_open_record(a, params, out):
 * Append the proof file for the record: its opened slots, both sides' accounts and consents as far
 * as we hold them, letters, and register proofs. REFUSED "no consent from <party> to open <field>"
 * unless without_consent; STATE (not attested yet); NOT_FOUND.
 */
DT_MUST_CHECK enum dt_err dt_agent_open_record(struct dt_agent *a,
                                               const struct dt_opening_params *params,
                                               struct dt_buf *out);

#endif
