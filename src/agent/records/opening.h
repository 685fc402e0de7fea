/*
 * agent/records/opening.h - opening a record by consent: the proof file.
 *
 * Source: docs/protocol-record.md, "Proof file"; DESIGN "Proofs". Layer: agent.
 */
#ifndef DT_AGENT_RECORDS_OPENING_H
#define DT_AGENT_RECORDS_OPENING_H

#include "agent/records/records.h"

struct dt_opening_params {
    uint8_t commitment[32];
    uint64_t slots;       /* bit per slot; author and kind are always opened */
    bool without_consent; /* make it even though a consent is missing (a verifier will say so) */
    bool show_names;      /* open names and titles of the letters too */
    const char *audience; /* to whom; a consent must name it or "public". NULL: to nobody said */
};

/**
 * dt_agent_open_record(a, params, report, out):
 * Append the proof file for the record: its opened slots, both sides' accounts and consents as far
 * as we hold them, letters, and register proofs. ${report} gets lines that say whose consent the
 * charter asks for and which are there, when it is refused too. REFUSED "no consent from <party> to
 * open <field>", or none to that audience, unless without_consent; STATE (not attested yet);
 * NOT_FOUND.
 */
DT_MUST_CHECK enum dt_err dt_agent_open_record(struct dt_agent *a,
                                               const struct dt_opening_params *params,
                                               struct dt_buf *report, struct dt_buf *out);

/**
 * dt_agent_open_reply(a, commitment, show_names, report, out_replied_to, out):
 * The right of reply: append a proof file of the record as it is open in public already, beside the
 * register, with the words of our own party's answers to it. No consent is asked for that; what was
 * not opened stays so. ${out_replied_to} gets the name of the opening. REFUSED (the record is not
 * open in public, or we have said nothing on it in our own words); else as above, NET.
 */
DT_MUST_CHECK enum dt_err
dt_agent_open_reply(struct dt_agent *a, const uint8_t commitment[static 32], bool show_names,
                    struct dt_buf *report, uint8_t out_replied_to[static 32], struct dt_buf *out);

/* opening_public.c: the slots that a published opening of the record with ${commitment} opens, with
 * the consents to everyone that the charter asks for; of several the one that opens most. REFUSED:
 * there is none. */
DT_MUST_CHECK enum dt_err dt_opening_public(struct dt_agent *a, const uint8_t commitment[static 32],
                                            uint64_t *out_slots, uint8_t out_name[static 32]);

/* Look through what is published beside the register, and remember which records are open there;
 * *${out_new} openings were not known before. NET, FORMAT. */
DT_MUST_CHECK enum dt_err dt_agent_openings_look(struct dt_agent *a, size_t *out_new);
/* Append the commitments, 32 bytes each, of the records that are open in public as far as this home
 * has seen; one may stand there twice. No network. */
DT_MUST_CHECK enum dt_err dt_agent_opened(struct dt_agent *a, struct dt_buf *out);
/* opening_public.c: remember that ${file} was published under ${name}, if it holds. */
DT_MUST_CHECK enum dt_err dt_opening_mark(struct dt_agent *a, struct dt_view file,
                                          const uint8_t name[static 32]);

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
