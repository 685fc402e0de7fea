/*
 * agent/register/slots.h - which slots of the cadence are ours, and which of them are used up.
 *
 * Source: docs/protocol-register.md "Cadence". Layer: agent, internal.
 *
 *   slot j of period p has the number p * k + j; of ${shares} homes of a party that share its slots
 *   this one has those with number % shares == share - 1. Ours in a period are counted from 0.
 *
 * Nothing here depends on what waits to be sent: the time of an entry must not.
 */
#ifndef DT_AGENT_REGISTER_SLOTS_H
#define DT_AGENT_REGISTER_SLOTS_H

#include "agent/core.h"
#include "base/cadence.h"

#define DT_SLOT_DELAY_MS (30 * DT_MS_SECOND) /* at most, and a quarter of the way to the next */

/* What is known of our slots: the row "slots" of table "register". */
struct dt_slots {
    uint64_t share, shares;
    uint64_t period;     /* start of the period that the counts are of; 0: none yet */
    uint64_t used;       /* of ours in it: filled, or taken from us */
    uint64_t not_before; /* the relay's clock is behind ours: try again then */
    uint64_t gaps;       /* periods in which slots of ours stayed empty */
    uint64_t gap_period; /* the last of them, */
    uint64_t gap_n;      /* and how many were empty in it */
    uint64_t taken;      /* slots of ours that another entry of our party had taken */
    uint64_t taken_ms;   /* when we met the last */
};

/* As kept, moved on to the period of ${now_ms}: slots that stayed empty are counted (not before the
 * first whole period). */
DT_MUST_CHECK enum dt_err dt_slots_get(struct dt_agent *a, uint64_t now_ms, struct dt_slots *out);
DT_MUST_CHECK enum dt_err dt_slots_put(struct dt_agent *a, const struct dt_slots *s);

/* How many of ours are due now. */
DT_MUST_CHECK enum dt_err dt_slots_due(struct dt_agent *a, const struct dt_slots *s,
                                       uint64_t now_ms, uint64_t *out);

/* When our slot ${i} of the period is taken up, a short delay after it is due; of a later one when
 * there are not so many. The delay is drawn from a key of ours for each slot alone: so the homes of
 * a party do not always come in the same order. */
DT_MUST_CHECK enum dt_err dt_slots_time(struct dt_agent *a, const struct dt_slots *s, uint64_t i,
                                        uint64_t *out_ms);

/* When the relay has told at ${now_ms} that it takes our next entry in ${wait_ms}: a slot of ours
 * that is past by then was taken by another entry of our party; otherwise clocks differ. */
void dt_slots_early(struct dt_agent *a, struct dt_slots *s, uint64_t now_ms, uint64_t wait_ms);

/* When the agent has something to do for the register: at our next slot, at the latest at the next
 * whole minute. For agents under a cadence, whose requests must not follow their traffic. */
DT_MUST_CHECK enum dt_err dt_slots_wake(struct dt_agent *a, uint64_t now_ms, uint64_t *out_ms);

#endif
