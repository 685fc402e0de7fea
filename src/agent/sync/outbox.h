/*
 * agent/sync/outbox.h - what is to be appended to a queue: sealed once, kept until it is certain
 * that it arrived.
 *
 * Source: docs/protocol-agent.md "Outbox". Layer: agent, internal.
 *
 *   (row written in the transaction of the ratchet step) QUEUED --relay acknowledges--> ON_RELAY
 *        ON_RELAY --read back from the queue--> row gone        inbox rows: gone when acknowledged
 *
 * A row holds the cell's bytes and its append id, so a retry after any crash sends the same bytes
 * under the same id and the relay stores them once.
 */
#ifndef DT_AGENT_SYNC_OUTBOX_H
#define DT_AGENT_SYNC_OUTBOX_H

#include "agent/channel/channel.h"
#include "agent/form/inbox_message.h"

enum dt_outbox_ref {
    DT_OUTBOX_PAYLOAD =
        1, /* payload: its bytes, to be protected anew if this copy does not count */
    DT_OUTBOX_HERE,
    DT_OUTBOX_COMMIT,
    DT_OUTBOX_INBOX,
    DT_OUTBOX_COPY /* to an inbox: a copy of a receipt; ref_id begins its channel's group id */
};

struct dt_outbox_row {
    uint64_t seq;
    uint8_t append_id[16];
    enum dt_outbox_ref ref;
    uint8_t ref_id[16]; /* payload: its id; Commit: its intent */
    bool on_relay;
    uint64_t position;
    uint64_t epoch;
    uint8_t address[32];
    struct dt_secret write_token;
    struct dt_buf cell;
    struct dt_buf payload;
};
void dt_outbox_row_clear(struct dt_outbox_row *row);

/* Seal ${message} under the queue of ${ch} into a new row; inside the transaction that saves ${ch}.
 */
DT_MUST_CHECK enum dt_err dt_outbox_to_queue(struct dt_agent *a, const struct dt_channel *ch,
                                             enum dt_outbox_ref ref,
                                             const uint8_t ref_id[static 16],
                                             struct dt_view message, struct dt_view payload,
                                             uint8_t out_append_id[static 16]);

/* Seal ${m} to the inbox that ${to} names, into a new row. */
DT_MUST_CHECK enum dt_err dt_outbox_to_inbox(struct dt_agent *a, const struct dt_letter *to,
                                             const struct dt_inbox_message *m);

/* Drop the copies of receipts of ${group_id} that have not left yet. */
DT_MUST_CHECK enum dt_err dt_outbox_drop_copies(struct dt_agent *a,
                                                const uint8_t group_id[static 32]);

/* The first row of the channel (NULL: of those for inboxes) with seq at least ${at}. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_outbox_next(struct dt_agent *a, const uint8_t *group_id, uint64_t at,
                                         struct dt_outbox_row *out);

/* The row with this append id; NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_outbox_get(struct dt_agent *a, const uint8_t append_id[static 16],
                                        struct dt_outbox_row *out);
DT_MUST_CHECK enum dt_err dt_outbox_del(struct dt_agent *a, const uint8_t append_id[static 16]);

/**
 * dt_outbox_drop(a, group_id, is, ctx):
 * Drop what of ours to the channel has not left, or was not read back, and is what ${is} says it is
 * by its payload (borrowed for the call): intents, and rows with their readable copies. Inside a
 * transaction. FORMAT (the store).
 */
DT_MUST_CHECK enum dt_err dt_outbox_drop(struct dt_agent *a, const uint8_t group_id[static 32],
                                         bool (*is)(void *ctx, const struct dt_payload *p),
                                         void *ctx);

/**
 * dt_outbox_made(a, cell, out_append_id):
 * Did this store make ${cell}, which stands in the present queue of a channel? Its append id, also
 * when the row is gone already: what was made is remembered as long as the queue lasts. NOT_FOUND.
 */
DT_MUST_CHECK enum dt_err dt_outbox_made(struct dt_agent *a, struct dt_view cell,
                                         uint8_t out_append_id[static 16]);

/* The queue of ${group_id} is another now: forget what was made for the old one. */
DT_MUST_CHECK enum dt_err dt_outbox_forget_made(struct dt_agent *a,
                                                const uint8_t group_id[static 32]);

/* The queue of ${group_id} ended: its payload rows become intents again, before those that wait
 * already; the others go. A `here` that is lost so sets *${out_here}. */
DT_MUST_CHECK enum dt_err dt_outbox_restage(struct dt_agent *a, const uint8_t group_id[static 32],
                                            bool *out_here);

/* Up to ${max} rows of the channel that the relay acknowledged and that were not read back. */
struct dt_outbox_mark {
    uint64_t seq;
    uint8_t append_id[16];
};
DT_MUST_CHECK enum dt_err dt_outbox_acknowledged(struct dt_agent *a,
                                                 const uint8_t group_id[static 32], size_t max,
                                                 struct dt_outbox_mark *out, size_t *out_n);

/* The queue was read to its end after the relay acknowledged this row, and it was not there: if it
 * still is not, that is told, and the row is to be appended again. */
DT_MUST_CHECK enum dt_err dt_outbox_not_back(struct dt_agent *a, const uint8_t group_id[static 32],
                                             const struct dt_outbox_mark *mark);

/* Of the rows that the relay has not acknowledged, those protected so many epochs ago that members
 * may soon hold no keys for them any more, and what was written after them, become intents again
 * likewise; ${epoch} is the present one. After the queue was read to its end: what had arrived
 * without our knowing is gone by then.
 */
DT_MUST_CHECK enum dt_err dt_outbox_restage_late(struct dt_agent *a,
                                                 const uint8_t group_id[static 32], uint64_t epoch,
                                                 bool *out_here);

/* The cell ${item} came back from the queue too late for its epoch. *${out_ours}: it is a row of
 * ours, which is to be said again. */
DT_MUST_CHECK enum dt_err dt_outbox_restage_cell(struct dt_agent *a,
                                                 const uint8_t group_id[static 32],
                                                 const struct dt_wire_item *item, bool *out_here,
                                                 bool *out_ours);

/* How many rows wait for ${group_id} (read-back included); NULL: for inboxes. */
DT_MUST_CHECK enum dt_err dt_outbox_count(struct dt_agent *a, const uint8_t *group_id,
                                          uint64_t *out);

/**
 * dt_outbox_flush(a, group_id, out_sent):
 * Append the QUEUED rows of the channel (NULL: to inboxes) in order. Not inside a transaction.
 * Errors: NET, local ones. What a relay refuses stays (a channel stops there; an inbox that is not
 * there yet is tried next time).
 */
DT_MUST_CHECK enum dt_err dt_outbox_flush(struct dt_agent *a, const uint8_t *group_id,
                                          size_t *out_sent);

#endif
