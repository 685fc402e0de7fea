/*
 * agent/inside.h - what the parts of the agent give each other; not for programs.
 *
 * Layer: agent.
 */
#ifndef DT_AGENT_INSIDE_H
#define DT_AGENT_INSIDE_H

#include "agent/agent.h"
#include "agent/payload.h"
#include "net/grant.h"
#include "record/charter.h"
#include "record/letter.h"

/* ---- given by identity.c ---- */

/* The forum's charter and our grant. Borrowed, as long as ${a} is open. */
const struct dt_charter *dt_agent_charter(struct dt_agent *a);
const struct dt_grant *dt_agent_grant(struct dt_agent *a);

/* The caller's clock. */
const struct dt_clock *dt_agent_clock(struct dt_agent *a);

/* A copy of our delegate seed (32 bytes). */
DT_MUST_CHECK enum dt_err dt_agent_delegate_seed(struct dt_agent *a, struct dt_secret *out);

/* Our own letter, decoded. NOT_FOUND before it was accepted. Clear with dt_letter_clear(). */
DT_MUST_CHECK enum dt_err dt_agent_letter_own(struct dt_agent *a, struct dt_letter *out);

/* Any letter we hold, decoded. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_agent_letter_get(struct dt_agent *a, const uint8_t hash[static 32],
                                              struct dt_letter *out);

/* Keep a letter that came with a credential or an approval, already checked; the same again is fine. */
DT_MUST_CHECK enum dt_err dt_agent_letter_keep(struct dt_agent *a, struct dt_view letter);

/* ---- given by talk.c ---- */

/**
 * dt_agent_send_payload(a, group_id, p):
 * Have ${p} sent in the channel: protected now when the channel is confirmed, else kept and protected later;
 * in either case it stands in the store when the surrounding transaction commits. p->id is drawn
 * by the caller. STATE (no live channel), LIMIT.
 */
DT_MUST_CHECK enum dt_err dt_agent_send_payload(struct dt_agent *a, const uint8_t group_id[static 32],
                                                const struct dt_payload *p);

/* ---- given by records.c, called by sync.c inside the transaction that takes a cell in ---- */

/**
 * dt_agent_record_received(a, group_id, letter_hash, record, own):
 * A record arrived in the channel from the leaf with ${letter_hash}, or ${own}: our own was read back.
 * It is checked and kept, or kept out with a reason: anything wrong with it is no error here but an alarm.
 * Errors: only those of the store.
 */
DT_MUST_CHECK enum dt_err dt_agent_record_received(struct dt_agent *a, const uint8_t group_id[static 32],
                                                   const uint8_t letter_hash[static 32],
                                                   struct dt_view record, bool own);

/* Keep a line for people (a static or formatted text without peer's bytes). ${group_id} may be NULL. */
DT_MUST_CHECK enum dt_err dt_agent_alarm(struct dt_agent *a, enum dt_alarm_kind kind,
                                         const uint8_t *group_id, uint64_t position,
                                         const uint8_t *letter_hash, const char *fmt, ...)
    DT_PRINTF(6, 7);

#endif
