/*
 * agent/channel/review.h - a channel's queue against what the relay showed of it before; see
 * sync/queue_review.h.
 *
 * Source: docs/protocol-agent.md "Reviews". Layer: agent, internal.
 */
#ifndef DT_AGENT_CHANNEL_REVIEW_H
#define DT_AGENT_CHANNEL_REVIEW_H

#include "agent/sync/flows.h"
#include "agent/sync/queue_review.h"

/* One cell on its way, beside what is remembered of the queue. */
struct dt_cell_shown {
    uint8_t address[32];
    uint64_t epoch; /* of the group before it */
    struct dt_review review;
    struct dt_shown before;
    bool reviewing;   /* the queue is read again */
    bool read_before; /* so far that this position was read before */
    bool retry;       /* could not be read then: that it cannot now is no news */
    bool pass_by;     /* it was taken in before: nothing more is to be done with it */
    /* Set by whoever takes it in: */
    bool unread;
    bool has_talk;
    uint8_t talk_id[16];
    uint8_t talk_from[32];
};

/* Look up what is remembered, and tell what does not fit it. Inside the cell's transaction, as the
 * three that follow. */
DT_MUST_CHECK enum dt_err dt_cell_shown_begin(struct dt_agent *a, const struct dt_channel *ch,
                                              const struct dt_wire_item *item,
                                              struct dt_cell_shown *s,
                                              struct dt_sync_report *report);

/* Does the application message ${e} come in its sender's order? If not, that is told. */
DT_MUST_CHECK enum dt_err dt_cell_shown_order(struct dt_agent *a, const struct dt_channel *ch,
                                              const struct dt_wire_item *item,
                                              const struct mls_event *e, struct dt_cell_shown *s);

/* A Commit of a past epoch that was never shown stands before the one that we took in that epoch:
 * others may have taken it, and we have parted from them. */
DT_MUST_CHECK enum dt_err dt_cell_shown_parted(struct dt_agent *a, const struct mls_event *e,
                                               const struct dt_cell_shown *s, bool *out);

/* Remember what became of it. ${ch} is as it will be saved. */
DT_MUST_CHECK enum dt_err dt_cell_shown_end(struct dt_agent *a, const struct dt_channel *ch,
                                            const struct dt_wire_item *item,
                                            struct dt_cell_shown *s);

/* The queue of ${ch} is joined behind ch->position: what stands before is not ours to read. */
DT_MUST_CHECK enum dt_err dt_channel_review_start(struct dt_agent *a, const struct dt_channel *ch);

/* If a review is due, go back to the beginning. */
DT_MUST_CHECK enum dt_err dt_channel_review_begin(struct dt_agent *a,
                                                  const uint8_t group_id[static 32]);

/* The queue is about to end: if it is in doubt, go back to the beginning, whenever the next review
 * would be due. One that is under way begins anew. */
DT_MUST_CHECK enum dt_err dt_channel_review_now(struct dt_agent *a,
                                                const uint8_t group_id[static 32]);

/* Is one due? */
DT_MUST_CHECK enum dt_err dt_channel_review_due(struct dt_agent *a,
                                                const uint8_t group_id[static 32], bool *out);

/* The queue was read to its end, ${last} by the relay's word. */
DT_MUST_CHECK enum dt_err dt_channel_review_end(struct dt_agent *a,
                                                const uint8_t group_id[static 32], uint64_t last);

#endif
