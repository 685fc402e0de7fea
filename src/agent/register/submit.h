/*
 * agent/register/submit.h - handing in what waits for the register: seals, and cover where a
 * cadence asks for entries and there is nothing else.
 *
 * Source: docs/protocol-register.md "Cadence". Layer: agent, internal.
 *
 * Table "register_submit": seal, parent "urgent", "waiting" or "cover", seq running -> seal, and
 * the start of the period in which it was tried first (0 or missing: it was not).
 */
#ifndef DT_AGENT_REGISTER_SUBMIT_H
#define DT_AGENT_REGISTER_SUBMIT_H

#include "agent/register/store.h"

/**
 * dt_register_hand_in(a, http, url, fresh, out_look, report):
 * Without a cadence: all that waits. With one: what is urgent, then one entry for each slot of ours
 * that is due and not used: what waits, in order, else cover, which is made now. What the relay has
 * acknowledged is forgotten here. *${out_look} becomes true when something that waits may be there
 * since an earlier period: then take in what the register holds, and call again with ${fresh}.
 * Errors: NET, local ones, BUSY (daily quota).
 */
DT_MUST_CHECK enum dt_err dt_register_hand_in(struct dt_agent *a, struct dt_http_client *http,
                                              const char *url, bool fresh, bool *out_look,
                                              struct dt_register_report *report);

/* Our own seals that wait, cover not among them. */
DT_MUST_CHECK enum dt_err dt_register_count_waiting(struct dt_agent *a, uint64_t *out);

/* Can this home make cover now: has it a letter that is valid, with the right? */
DT_MUST_CHECK enum dt_err dt_register_makes_cover(struct dt_agent *a, bool *out);

/* ---- records.c ---- */

/* Make and keep a record of template `cover`, inside a transaction; it is sent to nobody. */
DT_MUST_CHECK enum dt_err dt_record_cover(struct dt_agent *a, uint8_t out_seal[static 32]);

#endif
