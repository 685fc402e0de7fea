/*
 * agent/talk/receipt_internal.h - receipts from the inside: owed and sent, taken and judged,
 * overdue.
 *
 * Source: docs/protocol-agent.md "Receipts". Layer: agent, internal. All of this is called inside a
 * transaction, except where it says otherwise.
 */
#ifndef DT_AGENT_TALK_RECEIPT_INTERNAL_H
#define DT_AGENT_TALK_RECEIPT_INTERNAL_H

#include "agent/sync/flows.h"
#include "agent/sync/transcript.h"
#include "agent/talk/receipt.h"

/* ---- receipt_seat.c: what is known of each other member ---- */

/* A place in the order of all queues of a channel. */
struct dt_place {
    uint64_t queue_number;
    uint64_t position;
};
/* Is ${x} behind ${y}? */
bool dt_place_after(struct dt_place x, struct dt_place y);

struct dt_receipt_seat {
    uint8_t invitation_id[16];
    uint32_t leaf;
    uint8_t letter_hash[32];
    struct dt_place since; /* it is owed nothing of before */
    struct dt_place has;   /* the furthest of its receipts that agree */
    uint64_t has_ms;       /* 0: no receipt yet */
    uint8_t late_id[16];   /* first message that was found overdue; late_ms 0: none */
    uint64_t late_ms;      /* when that was read back */
    uint64_t forked;       /* epoch + 1 of the last alarm about it; 0: none */
};

/* The roster of the present epoch of ${ch}: new seats begin here, seats that are gone go. */
DT_MUST_CHECK enum dt_err dt_receipt_seats_update(struct dt_agent *a, const struct dt_channel *ch);
DT_MUST_CHECK enum dt_err dt_receipt_seat_get(struct dt_agent *a, const uint8_t group_id[static 32],
                                              const uint8_t invitation_id[static 16],
                                              struct dt_receipt_seat *out);
DT_MUST_CHECK enum dt_err dt_receipt_seat_put(struct dt_agent *a, const uint8_t group_id[static 32],
                                              const struct dt_receipt_seat *s);
/* The first seat from ${leaf} on. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_receipt_seat_next(struct dt_agent *a,
                                               const uint8_t group_id[static 32], uint64_t leaf,
                                               struct dt_receipt_seat *out);

/* ---- receipt.c ---- */

/* An epoch of ${ch} has begun behind ch->position: its transcript, and its seats. */
DT_MUST_CHECK enum dt_err dt_receipt_epoch(struct dt_agent *a, const struct dt_channel *ch);

/* We join ${ch} (anew): nothing of an earlier stay counts. Then as above. */
DT_MUST_CHECK enum dt_err dt_receipt_join(struct dt_agent *a, const struct dt_channel *ch);

/* Make what is owed into outbox rows; *${made} counts them. */
DT_MUST_CHECK enum dt_err dt_receipt_send(struct dt_agent *a, struct dt_channel *ch, size_t *made);

/* A receipt reached us, by the queue or as a copy. REFUSED: it cannot be true. */
DT_MUST_CHECK enum dt_err dt_receipt_take(struct dt_agent *a, const struct dt_channel *ch,
                                          const struct dt_incoming *in, const struct dt_seat *s);

/**
 * dt_receipt_settle(a, group_id, before, report):
 * The queue was read to its end, in a reading that began after the store's transaction ${before}:
 * judge what could not be judged until now. Not inside a transaction.
 */
DT_MUST_CHECK enum dt_err dt_receipt_settle(struct dt_agent *a, const uint8_t group_id[static 32],
                                            uint64_t before, struct dt_sync_report *report);

/* A receipt that goes further than what we were shown, or is of other cells; at most one of each
 * seat. */
struct dt_claim {
    uint8_t invitation_id[16];
    uint8_t letter_hash[32];
    uint64_t epoch;
    uint64_t position;
    uint64_t count;
    uint8_t root[32];
    bool standing;
    uint64_t time_ms;
    uint64_t made; /* number of the transaction that put it here */
    bool told;     /* an alarm was given */
    bool forked;   /* that of a fork */
};
DT_MUST_CHECK enum dt_err dt_claim_get(struct dt_agent *a, const uint8_t group_id[static 32],
                                       const uint8_t invitation_id[static 16],
                                       struct dt_claim *out);

/* ---- receipt_copy.c ---- */

/* The message that ${ch} just sent goes to the other members' inboxes, too. Copies for the channel
 * that have not left yet are dropped. */
DT_MUST_CHECK enum dt_err dt_copies_send(struct dt_agent *a, const struct dt_channel *ch,
                                         struct dt_view message);

/* Try again the copies of epochs that were not reached when they came. */
DT_MUST_CHECK enum dt_err dt_copies_retry(struct dt_agent *a, const struct dt_channel *ch,
                                          uint64_t before, struct dt_sync_report *report);
/* Is there any? */
DT_MUST_CHECK enum dt_err dt_copies_any(struct dt_agent *a, const uint8_t group_id[static 32],
                                        bool *out);

/* ---- receipt_awaited.c ---- */

/* A message of ours that was read back. Views point into ${row}; dt_awaited_clear(). */
struct dt_awaited {
    struct dt_store_row row;
    uint64_t seq;
    bool done; /* everybody who was to get it has it */
    uint8_t id[16];
    uint64_t epoch; /* in whose transcript it stands */
    struct dt_place place;
    uint64_t time_ms;          /* when it was read back */
    struct dt_view commitment; /* of a record; else empty */
    struct dt_view arrived;    /* invitation ids of the seats that have it */
};
void dt_awaited_clear(struct dt_awaited *x);

/* A message of ours was read back at ${position} of the present queue: receipts are awaited.
 * ${id}: of its payload; ${commitment}: of a record, else empty. */
DT_MUST_CHECK enum dt_err dt_awaited_add(struct dt_agent *a, const struct dt_channel *ch,
                                         const uint8_t id[static 16], struct dt_view commitment,
                                         uint64_t position);
/* In a review it was met at another position, where the next cell of the transcript stands. No such
 * message is fine. */
DT_MUST_CHECK enum dt_err dt_awaited_moved(struct dt_agent *a, const struct dt_channel *ch,
                                           const uint8_t id[static 16], uint64_t position);
DT_MUST_CHECK enum dt_err dt_awaited_forget(struct dt_agent *a, const uint8_t group_id[static 32]);

/* By payload id or, of a record, commitment; NOT_FOUND. ${out} is empty on entry. */
DT_MUST_CHECK enum dt_err dt_awaited_get(struct dt_agent *a, const uint8_t group_id[static 32],
                                         struct dt_view id, struct dt_awaited *out);

/* Has it arrived there? */
bool dt_awaited_arrived(const struct dt_awaited *x, const uint8_t invitation_id[static 16]);

/* ${s} agrees with us on the transcript of ${epoch} up to ${place}: mark what that covers. */
DT_MUST_CHECK enum dt_err dt_awaited_cover(struct dt_agent *a, const uint8_t group_id[static 32],
                                           const struct dt_receipt_seat *s, uint64_t epoch,
                                           struct dt_place place);

/* A seat is gone: what only it owed a receipt for is done. */
DT_MUST_CHECK enum dt_err dt_awaited_sweep(struct dt_agent *a, const uint8_t group_id[static 32]);

/* The first message of ours that ${s} owes a receipt for. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_awaited_first(struct dt_agent *a, const uint8_t group_id[static 32],
                                           const struct dt_receipt_seat *s, struct dt_awaited *out);

/* ---- receipt_late.c ---- */

/* ${s} agrees up to ${place} in ${epoch}: note it; if something of that was overdue, say that it
 * came. */
DT_MUST_CHECK enum dt_err dt_receipt_arrived(struct dt_agent *a, const uint8_t group_id[static 32],
                                             struct dt_receipt_seat *s, uint64_t epoch,
                                             struct dt_place place);

/* The queue was read to its end: whatever is overdue and was not told yet is told. Not inside a
 * transaction. */
DT_MUST_CHECK enum dt_err dt_receipt_overdue(struct dt_agent *a, const uint8_t group_id[static 32]);

#endif
