/*
 * agent/sync/transcript.h - a running hash over what the relay showed us of a channel's queue,
 * epoch by epoch, so that members can find out whether they were shown the same.
 *
 * Source: docs/protocol-channel.md "Transcripts and receipts". Layer: agent, internal.
 *
 *   Commit (or new queue) | cell | cell | cell | Commit
 *        T(start)          T(..)                T(end) of this epoch, T(start) of the next
 */
#ifndef DT_AGENT_SYNC_TRANSCRIPT_H
#define DT_AGENT_SYNC_TRANSCRIPT_H

#include "agent/channel/channel.h"

/* Of one epoch, as far as it was read. */
struct dt_transcript {
    uint64_t epoch;
    uint64_t queue_number;
    uint64_t start;    /* its first cell stands behind this position */
    uint64_t position; /* of its last cell so far */
    uint8_t root[32];
    bool due; /* a receipt is owed for it */
};

/* The present epoch of ${ch} begins behind ch->position. Older ones than the last
 * DT_TRANSCRIPT_EPOCHS are forgotten. Inside the transaction that saves ${ch}, as all that change
 * something here. */
DT_MUST_CHECK enum dt_err dt_transcript_begin(struct dt_agent *a, const struct dt_channel *ch);

/* The relay showed ${cell} at ${position}, next in the queue of ${ch}. Nothing when the epoch's
 * beginning is not known (a home of before there were transcripts; too long ago). */
DT_MUST_CHECK enum dt_err dt_transcript_add(struct dt_agent *a, const struct dt_channel *ch,
                                            uint64_t position, struct dt_view cell);

/* ---- a review: the queue of ${ch} is read again from the beginning ---- */

/* It begins: ch->position is back where we joined the queue. */
DT_MUST_CHECK enum dt_err dt_transcript_rewind(struct dt_agent *a, const struct dt_channel *ch);

/* The Commit that once began ${epoch} was met again, at ch->position. */
DT_MUST_CHECK enum dt_err dt_transcript_again(struct dt_agent *a, const struct dt_channel *ch,
                                              uint64_t epoch);

/* The queue's end was reached. Where the Commit that began our present epoch was not met on the way
 * (the relay cut the queue before it), nobody can say where one epoch ends and the next begins:
 * from that on nothing goes into a transcript, until the Commit is shown again, or a new one. */
DT_MUST_CHECK enum dt_err dt_transcript_settle(struct dt_agent *a,
                                               const uint8_t group_id[static 32]);

/* Is what is kept of ${epoch} not touched by that? Else it says nothing. */
DT_MUST_CHECK enum dt_err dt_transcript_stands(struct dt_agent *a,
                                               const uint8_t group_id[static 32], uint64_t epoch,
                                               bool *out);

/* Are the transcripts what was read so far, with no review under way? Only then they can be held
 * against others' or told to them. */
DT_MUST_CHECK enum dt_err dt_transcript_whole(struct dt_agent *a, const struct dt_channel *ch,
                                              bool *out);

/* ---- what is kept ---- */

/* What is kept of an epoch. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_transcript_of(struct dt_agent *a, const uint8_t group_id[static 32],
                                           uint64_t epoch, struct dt_transcript *out);

/* That in which the last cell stands: of the present epoch, or in a review of an earlier one.
 * NOT_FOUND: kept no longer, or nobody can say (dt_transcript_settle()). */
DT_MUST_CHECK enum dt_err dt_transcript_present(struct dt_agent *a, const struct dt_channel *ch,
                                                struct dt_transcript *out);

/* The root of an epoch's transcript at ${position}. NOT_FOUND: never, or kept no longer. */
DT_MUST_CHECK enum dt_err dt_transcript_at(struct dt_agent *a, const uint8_t group_id[static 32],
                                           uint64_t epoch, uint64_t position,
                                           uint8_t out_root[static 32]);

/* A receipt is owed for the epoch in whose transcript the last cell stands; it is no longer owed
 * for
 * ${epoch}. Nothing when that is not kept. */
DT_MUST_CHECK enum dt_err dt_transcript_set_due(struct dt_agent *a, const struct dt_channel *ch);
DT_MUST_CHECK enum dt_err dt_transcript_sent(struct dt_agent *a, const uint8_t group_id[static 32],
                                             uint64_t epoch);

/* The first kept epoch from ${epoch} on. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_transcript_next(struct dt_agent *a, const uint8_t group_id[static 32],
                                             uint64_t epoch, struct dt_transcript *out);

/* Forget all of the channel (before it is joined anew). */
DT_MUST_CHECK enum dt_err dt_transcript_forget(struct dt_agent *a,
                                               const uint8_t group_id[static 32]);

#endif
