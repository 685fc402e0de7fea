/*
 * agent/talk/session_internal.h - session keys from the inside: replaced, closed, released.
 *
 * Source: docs/protocol-channel.md "Session keys"; docs/protocol-agent.md "Session keys". Layer:
 * agent, internal. All of this is called inside a transaction.
 */
#ifndef DT_AGENT_TALK_SESSION_INTERNAL_H
#define DT_AGENT_TALK_SESSION_INTERNAL_H

#include "agent/sync/flows.h"
#include "agent/talk/session.h"

/* ---- session_spent.c: keys that were replaced, and those that were released ---- */

/* A session key that is on no leaf any more, and is not released. */
struct dt_spent {
    uint64_t seq;
    uint8_t pub[32];
    uint8_t delegate[32]; /* its owner's accredited key */
    uint8_t letter_hash[32];
    uint32_t leaf;
    uint64_t epoch; /* its last */
    uint64_t replaced_ms;
    uint64_t sent_ms; /* ours: when it was put on its way to the channel; 0: it was not */
    struct dt_voucher voucher;
    struct dt_secret seed; /* ours; else empty */
};
void dt_spent_clear(struct dt_spent *x);
/* The first with seq at least ${at}. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_spent_next(struct dt_agent *a, const uint8_t group_id[static 32],
                                        uint64_t at, struct dt_spent *out);
DT_MUST_CHECK enum dt_err dt_spent_put(struct dt_agent *a, const uint8_t group_id[static 32],
                                       const struct dt_spent *x);

/* A Commit with ${effects} is about to be taken: the keys that it takes off a leaf are spent. */
DT_MUST_CHECK enum dt_err dt_spent_note(struct dt_agent *a, const struct dt_channel *ch,
                                        const struct mls_effects *effects);

/* We are put in anew, at ${epoch}: the key of the state ${was} is spent since then at the latest.
 */
DT_MUST_CHECK enum dt_err dt_spent_note_lost(struct dt_agent *a, const struct dt_channel *was,
                                             uint64_t epoch);

/* We are out for good: our own can be given to nobody any more, and are wiped. */
DT_MUST_CHECK enum dt_err dt_spent_end(struct dt_agent *a, const uint8_t group_id[static 32]);

/* Was the session key ${pub} released in this channel? */
DT_MUST_CHECK enum dt_err dt_released_has(struct dt_agent *a, const uint8_t group_id[static 32],
                                          struct dt_view pub, bool *out);
/* Is it on a leaf of ${g}? */
DT_MUST_CHECK enum dt_err dt_released_seated(struct dt_agent *a, const uint8_t group_id[static 32],
                                             const struct mls_group *g, bool *out);

/* ---- session_close.c: epochs of which nothing more is taken ---- */

/* A stay in ${ch} begins with its present epoch; nothing of an earlier one counts. */
DT_MUST_CHECK enum dt_err dt_closing_begin(struct dt_agent *a, const struct dt_channel *ch);

/* Does a message of ${epoch} at ${position} stand behind a Closed for it? */
DT_MUST_CHECK enum dt_err dt_closing_behind(struct dt_agent *a, const struct dt_channel *ch,
                                            uint64_t epoch, uint64_t position, bool *out);

/* A message of ${epoch} is held. */
DT_MUST_CHECK enum dt_err dt_closing_count(struct dt_agent *a, const struct dt_channel *ch,
                                           uint64_t epoch);

/* A Closed of the seat ${invitation_id} came, or ours was read back. REFUSED: it cannot be. */
DT_MUST_CHECK enum dt_err dt_closing_take(struct dt_agent *a, const struct dt_channel *ch,
                                          const struct dt_incoming *in,
                                          const uint8_t invitation_id[static 16]);

/* 1 + the last epoch that the seat has closed; 0: none. */
DT_MUST_CHECK enum dt_err dt_closing_of_seat(struct dt_agent *a, const uint8_t group_id[static 32],
                                             const uint8_t invitation_id[static 16], uint64_t *out);

/* The queue was read to its end and ${ch} is confirmed: say what is due, wiping what it says that
 * we take no more of. *${out_forgot}: the group is to be saved under a new epoch key. */
DT_MUST_CHECK enum dt_err dt_closing_step(struct dt_agent *a, struct dt_channel *ch,
                                          bool *out_forgot);

/* Is the queue of ${ch} to be read again? Then what we hold is not the last word. */
DT_MUST_CHECK enum dt_err dt_closing_doubt(struct dt_agent *a, const struct dt_channel *ch,
                                           bool *out);

/* 1 + the last epoch that we closed ourselves; 0: none. */
DT_MUST_CHECK enum dt_err dt_closing_own(struct dt_agent *a, const uint8_t group_id[static 32],
                                         uint64_t *out);

/* ---- session.c: releasing ---- */

/* A Released came, or ours was read back: kept, and what its epochs left is wiped from ${ch}.
 * REFUSED, AUTH: it does not hold. */
DT_MUST_CHECK enum dt_err dt_release_take(struct dt_agent *a, struct dt_channel *ch,
                                          const struct dt_incoming *in, bool *out_forgot);

/* As dt_closing_step(): give away the keys of ours for which all conditions hold. */
DT_MUST_CHECK enum dt_err dt_release_step(struct dt_agent *a, const struct dt_channel *ch);

#endif
