/*
 * agent/channel/lapse.h - when our stay in a channel is interrupted: why, whether the old state
 * still reads, and whether we ask to be put in anew.
 *
 * Source: DESIGN "Agent store", "Warrants"; docs/protocol-agent.md "Copies". Layer: agent,
 * internal.
 *
 *   from     what is seen                                  then      why       who asks
 *   LIVE     a message of ours that this store never made  BROKEN    RESTORED  the next sync
 *   LIVE     a Commit that only we cannot follow           BROKEN    LOST      the next sync
 *   LIVE     our seat was given to another copy of us      BROKEN    COPY      the user
 *   nothing  our Welcome, too late to be used              BROKEN    LATE      the next sync
 *   asked    our seat was given to another copy of us      asked     COPY      at once, for it
 *   asked    our seat was given to us anew                 answered            after 4 days
 *   asked    our Welcome, too late to be used              answered            the next sync
 *   either   our Welcome                                   LIVE
 *
 * The brake: who was put in anew less than DT_REJOIN_PAUSE_MS ago does not ask by itself again. Two
 * copies of one home that run at the same time so come to rest after one re-join each, and say so.
 */
#ifndef DT_AGENT_CHANNEL_LAPSE_H
#define DT_AGENT_CHANNEL_LAPSE_H

#include "agent/channel/channel.h"

/* A seat to which a Welcome came that this home did not ask for: a copy of us may have it. Whoever
 * can write to our inbox can make one up, so it is a hint and no more. */
struct dt_lapse_hint {
    uint8_t seat[16];
    bool asked; /* by this lapse */
};

/* A row of table "lapse"; it outlives the lapse, for the brake. Release with dt_lapse_clear(). */
struct dt_lapse {
    enum dt_lapse_why why; /* NONE: the channel is followed */
    bool wants;            /* the next sync asks to be put in anew */
    bool follows;          /* the old state still reads the queue, and says nothing in it */
    bool whole;            /* it read all up to the Commit that gave our seat away */
    bool gap;              /* a seat was given to us meanwhile, and could not be used */
    bool chased;           /* asked a second time, since a Commit gave our seat to another copy */
    uint8_t asks;          /* requests made by this lapse */
    uint64_t asked_ms;     /* the last of them; 0: none */
    uint64_t rejoined_ms;  /* when we last came back; 0: never */
    uint8_t n_hints;       /* the oldest first */
    struct dt_lapse_hint hints[DT_LAPSE_HINTS];
    bool has_sure;    /* not yet confirmed again since all parties confirmed us in a seat... */
    uint8_t sure[16]; /* ...this one: asked for each time, for a Welcome proves no other */
    uint64_t settled; /* invitations from before that we were confirmed last: not asked for */
    uint8_t followed; /* hints that were asked for by themselves, after the last request */
    bool missed;      /* we came back, and what the old queue still held was not counted yet */
    uint8_t missed_address[32];
    struct dt_secret missed_token; /* read token */
    uint64_t missed_after;
};
void dt_lapse_clear(struct dt_lapse *x);

/* The channel's row; a fresh one when there is none. */
DT_MUST_CHECK enum dt_err dt_lapse_load(struct dt_agent *a, const uint8_t group_id[static 32],
                                        struct dt_lapse *out);
DT_MUST_CHECK enum dt_err dt_lapse_save(struct dt_agent *a, const uint8_t group_id[static 32],
                                        const struct dt_lapse *x);

/* Is the queue of ${ch} read? LIVE, or BROKEN with a state that still can. */
DT_MUST_CHECK enum dt_err dt_channel_reads(struct dt_agent *a, const struct dt_channel *ch,
                                           bool *out);

/**
 * dt_lapse_begin(a, ch, why, follows, position, m):
 * From here on nothing is sent under the state of ${ch}, which the caller saves. An alarm says why,
 * what is done, and what to do where the brake holds. ${m}, may be NULL, is the one it names.
 * RESTORED and COPY concern the whole store: see dt_lapse_spread(). Inside a transaction.
 */
DT_MUST_CHECK enum dt_err dt_lapse_begin(struct dt_agent *a, struct dt_channel *ch,
                                         enum dt_lapse_why why, bool follows, uint64_t position,
                                         const struct mls_member *m);

/* A channel of which this store has no state, ${ch}: a Welcome says that a later copy of it joined.
 */
DT_MUST_CHECK enum dt_err dt_lapse_no_state(struct dt_agent *a, const struct dt_channel *ch,
                                            uint64_t position);

/* A Welcome to ${seat} came that this home did not ask for. A hint and no more: it is remembered
 * for a request; while one is out, a few of them make a request of their own. */
DT_MUST_CHECK enum dt_err dt_lapse_seat_seen(struct dt_agent *a, const struct dt_channel *ch,
                                             const uint8_t seat[static 16], uint64_t position);

/* The seat of ${ch} is about to be given up, or to be taken for another: remember it, where it is
 * the first since all parties confirmed us in one. */
void dt_lapse_keep_sure(struct dt_lapse *x, const struct dt_channel *ch);

/* The old state cannot read on. */
DT_MUST_CHECK enum dt_err dt_lapse_stop_reading(struct dt_agent *a, const struct dt_channel *ch);

/* May the next sync ask for hints by themselves? */
bool dt_lapse_hints_due(const struct dt_agent *a, const struct dt_lapse *x);

/* Our seat was given to ${seat}, which an earlier request of ours asked for: all of the old queue
 * was read, and the Welcome is on its way. Should it not come, ${seat} is what we ask for next. The
 * caller saves ${ch}. */
DT_MUST_CHECK enum dt_err dt_lapse_answered(struct dt_agent *a, struct dt_channel *ch,
                                            const uint8_t seat[static 16]);

/* Our Welcome to ${seat} came after our voucher had run out. ${ch}, which the caller saves: broken
 * already, or one that we were not in. */
DT_MUST_CHECK enum dt_err dt_lapse_late(struct dt_agent *a, struct dt_channel *ch,
                                        const uint8_t seat[static 16], uint64_t position);

/* Our seat was given to ${seat}, which another copy of us asked for. The caller saves ${ch}. */
DT_MUST_CHECK enum dt_err dt_lapse_overtaken(struct dt_agent *a, struct dt_channel *ch,
                                             const uint8_t seat[static 16], uint64_t position);

/* Every party said `here` in the present stay: no seat of before is asked for any more. A Welcome
 * alone is no proof: its Commit may be one that only its author and we have seen. */
DT_MUST_CHECK enum dt_err dt_lapse_confirmed(struct dt_agent *a, const struct dt_channel *ch);

/* We are a member no more, and nothing is asked. */
DT_MUST_CHECK enum dt_err dt_lapse_end(struct dt_agent *a, const struct dt_channel *ch);

/**
 * dt_lapse_spread(a):
 * When one channel showed since the last call that this store is not the only one: every other live
 * channel is BROKEN as well, before anything is sent in it, for their states are as old. A
 * transaction of its own.
 */
DT_MUST_CHECK enum dt_err dt_lapse_spread(struct dt_agent *a);

#endif
