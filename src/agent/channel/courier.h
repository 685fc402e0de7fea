/*
 * agent/channel/courier.h - courier keys of a channel: made or carried in, confirmed by every
 * member, committed; and how far the channel is closed to a later quantum reader.
 *
 * Source: docs/protocol-channel.md, "Courier keys"; docs/protocol-agent.md. Layer: agent; for
 * programs.
 *
 *   made here, or carried in --confirm--> we say that we hold it --all members did, commit--> used
 *
 * A key is used once. The Commit that uses it takes it out of every store.
 */
#ifndef DT_AGENT_CHANNEL_COURIER_H
#define DT_AGENT_CHANNEL_COURIER_H

#include "agent/agent.h"
#include "agent/form/courier.h"

#define DT_COURIER_KEYS  16u /* kept in one channel, not committed yet */
#define DT_COURIER_RENEW (UINT64_C(90) * 24 * 3600 * 1000)

struct dt_courier_info {
    uint8_t id[DT_COURIER_ID];
    uint64_t since_ms; /* made here, or carried in */
    bool confirmed;    /* by us */
    size_t members, confirmations;
};

/* The keys of the channel that are here and not committed, oldest first. Owner of *${out}: the
 * caller, dt_free(). */
DT_MUST_CHECK enum dt_err dt_agent_courier_keys(struct dt_agent *a,
                                                const uint8_t group_id[static 32],
                                                struct dt_courier_info **out, size_t *out_n);

/* Make a key. STATE (the channel is not live), LIMIT (DT_COURIER_KEYS are here already). */
DT_MUST_CHECK enum dt_err dt_agent_courier_new(struct dt_agent *a,
                                               const uint8_t group_id[static 32],
                                               uint8_t out_id[static DT_COURIER_ID]);

/* Keep a key that was carried here. One that is here already is fine. REFUSED: it was committed in
 * this channel before. STATE, LIMIT as above. */
DT_MUST_CHECK enum dt_err dt_agent_courier_take(struct dt_agent *a,
                                                const uint8_t group_id[static 32],
                                                struct dt_view key,
                                                uint8_t out_id[static DT_COURIER_ID]);

/* The channel that a carried form is made for; borrows from ${a} and ${group_id}. */
struct dt_courier_channel dt_agent_courier_channel(const struct dt_agent *a,
                                                   const uint8_t group_id[static 32]);

/* The key, to be carried elsewhere. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_agent_courier_key(struct dt_agent *a,
                                               const uint8_t group_id[static 32],
                                               const uint8_t id[static DT_COURIER_ID],
                                               struct dt_secret *out);

/* Say in the channel that we hold the key, after its fingerprint was compared. Once said, it stays
 * here until it is committed. NOT_FOUND, STATE. */
DT_MUST_CHECK enum dt_err dt_agent_courier_confirm(struct dt_agent *a,
                                                   const uint8_t group_id[static 32],
                                                   const uint8_t id[static DT_COURIER_ID]);

/* Drop a key that we did not confirm. NOT_FOUND, REFUSED (confirmed). */
DT_MUST_CHECK enum dt_err dt_agent_courier_drop(struct dt_agent *a,
                                                const uint8_t group_id[static 32],
                                                const uint8_t id[static DT_COURIER_ID]);

/* One member, and whether it has confirmed. */
struct dt_courier_seat {
    struct dt_person who;
    bool confirmed;
};
DT_MUST_CHECK enum dt_err dt_agent_courier_seats(struct dt_agent *a,
                                                 const uint8_t group_id[static 32],
                                                 const uint8_t id[static DT_COURIER_ID],
                                                 struct dt_courier_seat **out, size_t *out_n);

/* Have the next sync commit the key; everybody is asked to replace it ${renew_ms} later (0: not
 * said). NOT_FOUND, REFUSED (a member has not confirmed: the message says how many). */
DT_MUST_CHECK enum dt_err dt_agent_courier_commit(struct dt_agent *a,
                                                  const uint8_t group_id[static 32],
                                                  const uint8_t id[static DT_COURIER_ID],
                                                  uint64_t renew_ms);

/* How far the channel is closed to who records now and has a quantum computer later. */
struct dt_courier_state {
    size_t n;             /* keys that were committed so far */
    bool holds;           /* the last one holds: nobody was added since */
    uint64_t since_ms;    /* when its Commit was taken here; 0: before we joined */
    uint64_t renew_by_ms; /* with since_ms; 0: not said */
    uint8_t id[DT_COURIER_ID];
};
DT_MUST_CHECK enum dt_err dt_agent_courier_state(struct dt_agent *a,
                                                 const uint8_t group_id[static 32],
                                                 struct dt_courier_state *out);

/* ---- for the flows of this room ---- */

struct dt_channel;
struct dt_incoming;
struct dt_intent;
struct dt_seat;

/* All keys of the channel, as MLS takes them. All zero is empty. */
struct dt_courier_held {
    struct dt_secret key[DT_COURIER_KEYS];
    uint8_t id[DT_COURIER_KEYS][DT_COURIER_ID];
    size_t n;
};
void dt_courier_held_clear(struct dt_courier_held *h);
DT_MUST_CHECK enum dt_err dt_courier_held_load(struct dt_agent *a,
                                               const uint8_t group_id[static 32],
                                               struct dt_courier_held *out);

/* A member says that it holds a key. */
DT_MUST_CHECK enum dt_err dt_courier_ack_take(struct dt_agent *a, const struct dt_channel *ch,
                                              const struct dt_incoming *in,
                                              const struct dt_seat *s);

/* We came in anew, or somebody was added: what we confirmed is said again, for our present seat and
 * to who has not heard it; what was committed while we were away goes. Inside a transaction. */
DT_MUST_CHECK enum dt_err dt_courier_again(struct dt_agent *a, const struct dt_channel *ch);

/* The encoded warrant of the Commit that ${intent} asks for; ${out_id}: its key. STATE: it was
 * committed already; REFUSED: a member that has not confirmed was added meanwhile. */
DT_MUST_CHECK enum dt_err dt_courier_warrant(struct dt_agent *a, const struct dt_channel *ch,
                                             const struct dt_intent *intent,
                                             uint8_t out_id[static DT_COURIER_ID],
                                             struct dt_buf *out);

/* A Commit with ${warrant} was taken in: its courier key, if it has one, is used up. */
DT_MUST_CHECK enum dt_err dt_courier_committed(struct dt_agent *a, const struct dt_channel *ch,
                                               struct dt_view warrant);

#endif
