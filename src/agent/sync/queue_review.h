/*
 * agent/sync/queue_review.h - what the relay has shown us of a queue so far, and reading it again
 * from the beginning when what it shows cannot be right.
 *
 * Source: docs/protocol-agent.md "Reviews". Layer: agent, internal.
 *
 * A position says nothing: the relay gives it. So every cell shown is remembered by its hash, with
 * where it stood and what became of it. The same cell again is recognised, wherever it is shown.
 * What could not be read, is missing, or does not fit what was said before, is a doubt: the queue
 * is then read from the beginning once more, at once and again with growing pauses. Cells taken in
 * are passed by, those that could not be read are tried again, new ones are taken in where they
 * stand.
 *
 *   (reads on) --doubt--> (due) --begin: position back--> (reading again) --end of the queue-->
 * (reads on)
 *
 * A queue is named by its address: an inbox's, or that of a channel's present queue.
 */
#ifndef DT_AGENT_SYNC_QUEUE_REVIEW_H
#define DT_AGENT_SYNC_QUEUE_REVIEW_H

#include "agent/core.h"

/* What became of a cell. */
enum dt_shown_kind {
    DT_SHOWN_NOT = 0, /* it was not shown before */
    DT_SHOWN_TAKEN,   /* taken in, or passed over for good */
    DT_SHOWN_COMMIT,  /* a Commit that was taken; it ended epoch `epoch` */
    DT_SHOWN_UNREAD   /* could not be read: tried again in a review */
};

struct dt_shown {
    enum dt_shown_kind kind;
    uint64_t position; /* where it was shown last */
    bool has_talk;
    uint8_t talk_id[16]; /* payload id of a piece of talk or a record */
    bool has_from;
    uint8_t talk_from[32]; /* its sender's delegate key; not in rows of an older store */
    uint64_t epoch;        /* COMMIT: the epoch that it ended */
    uint64_t review;       /* number of the review that met it last; 0: none did */
};

/* What is remembered of ${cell}. DT_SHOWN_NOT is no error. */
DT_MUST_CHECK enum dt_err dt_shown_get(struct dt_agent *a, const uint8_t address[static 32],
                                       struct dt_view cell, struct dt_shown *out);

/* Remember it. Of cells that could not be read only the last DT_SHOWN_UNREAD_MAX are remembered. */
DT_MUST_CHECK enum dt_err dt_shown_put(struct dt_agent *a, const uint8_t address[static 32],
                                       struct dt_view cell, const struct dt_shown *s);

/* In a review another cell stands at ${position}: what could not be read there is shown no longer,
 * and is forgotten. ${cell} empty: all such cells behind ${position}. */
DT_MUST_CHECK enum dt_err dt_shown_replaced(struct dt_agent *a, const uint8_t address[static 32],
                                            uint64_t position, struct dt_view cell);

/* How many cells could not be read, and the position of the first; 0: none. */
DT_MUST_CHECK enum dt_err dt_shown_unread(struct dt_agent *a, const uint8_t address[static 32],
                                          uint64_t *out_n, uint64_t *out_first);

/**
 * dt_shown_trim(a, address, max, from):
 * Of a queue that never ends only the last ${max} cells that were taken in are remembered. Older
 * ones are forgotten, those that could not be read as well, and *${from} is raised to the last of
 * them: reviews begin behind it.
 */
DT_MUST_CHECK enum dt_err dt_shown_trim(struct dt_agent *a, const uint8_t address[static 32],
                                        uint64_t max, uint64_t *from);

/* Did a Commit of this queue that we took end epoch ${epoch}? */
DT_MUST_CHECK enum dt_err dt_shown_commit(struct dt_agent *a, const uint8_t address[static 32],
                                          uint64_t epoch, bool *out);

/* Forget the queue: it has ended, or is joined anew. */
DT_MUST_CHECK enum dt_err dt_shown_forget(struct dt_agent *a, const uint8_t address[static 32]);

struct dt_review {
    uint64_t from;    /* cells up to this position are not ours to read, or no longer remembered */
    bool doubt;       /* the queue is to be read again */
    bool order;       /* something came out of order: only another view can put that right */
    uint64_t next_ms; /* when */
    uint64_t wait_ms; /* the pause before the last one */
    uint64_t until;   /* doubt: given up then */
    uint64_t number;  /* of the present review, or of the last */
    uint64_t end;     /* reading again: up to this position it was read before; else 0 */
    bool changed;     /* reading again: something was shown otherwise than before */
    uint64_t met;     /* reading again: 1 + the epoch of the last Commit of ours met; 0: none */
};
DT_MUST_CHECK enum dt_err dt_review_get(struct dt_agent *a, const uint8_t address[static 32],
                                        struct dt_review *out);
DT_MUST_CHECK enum dt_err dt_review_put(struct dt_agent *a, const uint8_t address[static 32],
                                        const struct dt_review *r);

/* Is one due now? One sync makes at most DT_REVIEWS_PER_SYNC: what a relay shows differently each
 * time would else be read, and answered by receipts, without end. */
bool dt_review_due(const struct dt_agent *a, const struct dt_review *r);

/* As above, but for when: is there a doubt, and a review left for this sync? */
bool dt_review_possible(const struct dt_agent *a, const struct dt_review *r);

/* What is shown at present cannot be right: have the queue read again. Changes ${r} alone. */
void dt_review_doubt(const struct dt_agent *a, struct dt_review *r);

/* Begin to read again what was read up to ${position}. Changes ${r}, and counts in ${a}. */
void dt_review_begin(struct dt_agent *a, struct dt_review *r, uint64_t position);

/* The queue's end, ${last}, was reached in reading again. The doubt is over when nothing is left
 * unread and nothing is ${missing} (and, after trouble with the order, something was shown
 * otherwise); else it is read again later. Changes ${r}, and forgets what is shown no longer. */
DT_MUST_CHECK enum dt_err dt_review_end(struct dt_agent *a, const uint8_t address[static 32],
                                        uint64_t last, size_t missing, struct dt_review *r);

/* As dt_review_get(), dt_review_doubt(), dt_review_put(), in one transaction. */
DT_MUST_CHECK enum dt_err dt_review_ask(struct dt_agent *a, const uint8_t address[static 32]);

#endif
