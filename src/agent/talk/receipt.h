/*
 * agent/talk/receipt.h - who has what of a channel, as far as the receipts of its members say, and
 * what is overdue; for programs.
 *
 * Source: docs/protocol-agent.md "Receipts". Layer: agent. A receipt says that something arrived at
 * a member's agent: not that it was read by a person, nor that anyone agrees.
 */
#ifndef DT_AGENT_TALK_RECEIPT_H
#define DT_AGENT_TALK_RECEIPT_H

#include "agent/agent.h"

/* From now on until it is closed, a receipt is overdue after ${ms} (else DT_RECEIPT_WITHIN_MS). */
void dt_agent_receipt_within(struct dt_agent *a, uint64_t ms);
uint64_t dt_agent_receipt_limit(const struct dt_agent *a);

/* One other member of a channel. */
struct dt_receipt_info {
    struct dt_person who;
    bool any;              /* a receipt of it has reached us that agrees with what we were shown */
    uint64_t queue_number; /* the furthest place that such a receipt covers */
    uint64_t position;
    uint64_t time_ms; /* when we learnt that */

    bool missing;              /* a message of ours has no receipt, overdue or not */
    uint64_t missing_position; /* the first such */
    uint64_t missing_since_ms; /* when it was read back */

    bool ahead; /* its receipt goes further than what the relay shows us */
    uint64_t ahead_position;
    uint64_t ahead_since_ms;

    bool differs; /* in this epoch it was shown other cells than we, or says so */
};

/* The other members of the channel, in the order of their leaves. Owner: dt_free(*out). */
DT_MUST_CHECK enum dt_err dt_agent_receipts(struct dt_agent *a, const uint8_t group_id[static 32],
                                            struct dt_receipt_info **out, size_t *out_n);

/* Has one message of ours arrived at each member who was to get it? */
struct dt_arrival {
    struct dt_person who;
    bool arrived;
    uint64_t since_ms; /* when the message was read back, so that a receipt could come */
};

/**
 * dt_agent_arrivals(a, group_id, id, out, out_n):
 * For the message of ours with ${id}: a talk's id, or a record's commitment. NOT_FOUND: not ours,
 * not read back yet, or so old that it is no longer looked at. Owner: dt_free(*out).
 */
DT_MUST_CHECK enum dt_err dt_agent_arrivals(struct dt_agent *a, const uint8_t group_id[static 32],
                                            struct dt_view id, struct dt_arrival **out,
                                            size_t *out_n);

#endif
