/*
 * agent/channel/channel.h - one channel: what is kept of it beside the MLS group, and how both are
 * loaded and saved.
 *
 * Source: docs/protocol-agent.md "Channel". Layer: agent, internal.
 *
 *   FOUNDING --- all answers in: epoch 0, Adds to epoch 1 ---> LIVE --- removed ---> LEFT
 *   (invitation accepted) --- Welcome checked ---------------> LIVE --- cannot follow ---> BROKEN
 *                                                               ^------- Welcome after re-join
 * -------'
 */
#ifndef DT_AGENT_CHANNEL_CHANNEL_H
#define DT_AGENT_CHANNEL_CHANNEL_H

#include "agent/core.h"
#include "agent/form/cell.h"
#include "agent/form/payload.h"
#include "mls/group.h"

/* What the pending own Commit is for, so that it can be finished when it is read back. */
enum dt_intent_kind {
    DT_INTENT_PAYLOAD = 1, /* body: an encoded payload */
    DT_INTENT_ROTATE,      /* body empty */
    DT_INTENT_ADD,         /* body: request id */
    DT_INTENT_REMOVE,      /* body: one encoded warrant with one ground */
    DT_INTENT_REJOIN,      /* body: new invitation id (the request is in table "rejoin") */
    DT_INTENT_QUEUE,       /* rotation that also begins a new queue */
    DT_INTENT_COURIER      /* body: a courier key's id and when to renew it (courier.c) */
};

struct dt_channel {
    uint8_t group_id[32];
    enum dt_channel_state state;
    struct dt_founding founding; /* with the signatures so far */
    struct dt_buf letters;       /* first delegates', in order: opaque<V> each */
    struct dt_buf warrants;      /* undecoded list of struct dt_history */
    uint8_t queue_token[32];
    struct dt_queue_keys queue;
    bool queue_made; /* we created it, or know that it is there */
    uint64_t queue_number;
    uint64_t queue_begun_ms;
    uint64_t position; /* read so far */
    uint64_t last_read_ms;
    bool confirmed;
    uint32_t here;             /* parties that said `here` under an unexpired session key */
    bool here_due;             /* we owe one */
    uint64_t here_epoch;       /* epoch + 1 of our last `here`; 0: none */
    uint8_t invitation_id[16]; /* ours */
    bool pending;              /* an own Commit is pending in the group */
    uint8_t pending_intent[16];
    enum dt_intent_kind pending_kind;
    uint8_t pending_append[16]; /* its outbox row */
    struct mls_group *group;    /* NULL while FOUNDING, and BROKEN or LEFT when we never had it */
};

void dt_channel_clear(struct dt_channel *ch);

/* Load channel and group. NOT_FOUND. Inside a transaction when it will be saved. */
DT_MUST_CHECK enum dt_err dt_channel_load(struct dt_agent *a, const uint8_t group_id[static 32],
                                          struct dt_channel *out);

/* As above without the group, for what asks only about state, queue and position: the group is by
 * far the larger part. What dt_channel_save() then writes leaves the kept group as it is. */
DT_MUST_CHECK enum dt_err dt_channel_load_row(struct dt_agent *a, const uint8_t group_id[static 32],
                                              struct dt_channel *out);

/* As dt_channel_load(), and STATE unless it is live. */
DT_MUST_CHECK enum dt_err
dt_channel_load_live(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_channel *out);

/* Save both. ${new_epoch}: the group moved on, so its epoch key is replaced. */
DT_MUST_CHECK enum dt_err dt_channel_save(struct dt_agent *a, struct dt_channel *ch,
                                          bool new_epoch);

/* Append ${ch} as a backup holds it, for table "channel": what it is and which seat was ours, with
 * no state, no queue and nothing under way; BROKEN unless we had left it. */
DT_MUST_CHECK enum dt_err dt_channel_encode_bare(const struct dt_channel *ch, struct dt_buf *out);

/* Put a new channel at the end of the list. */
DT_MUST_CHECK enum dt_err dt_channel_add(struct dt_agent *a, struct dt_channel *ch);

/* Walk all channels: the group id of the first with list number at least *${at}, which moves behind
 * it. */
DT_MUST_CHECK enum dt_err dt_channel_next(struct dt_agent *a, uint64_t *at,
                                          uint8_t group_id[static 32]);

/* Bits of the parties on the founding list. */
uint32_t dt_channel_parties(const struct dt_channel *ch);

/* Does every party but our own have its bit in here? */
bool dt_channel_all_here(const struct dt_agent *a, const struct dt_channel *ch);

/* Begin the queue of the present epoch: keys from the exporter, position 0, number + 1. */
DT_MUST_CHECK enum dt_err dt_channel_new_queue(struct dt_agent *a, struct dt_channel *ch);

/* Remember the present epoch's authenticator; and look one up (NOT_FOUND). */
DT_MUST_CHECK enum dt_err dt_channel_note_epoch(struct dt_agent *a, const struct dt_channel *ch);
DT_MUST_CHECK enum dt_err dt_channel_authenticator(struct dt_agent *a,
                                                   const uint8_t group_id[static 32],
                                                   uint64_t epoch, struct dt_buf *out);

/* ---- intents: what is to be sent once the channel allows it ---- */

DT_MUST_CHECK enum dt_err dt_intent_add(struct dt_agent *a, const uint8_t group_id[static 32],
                                        enum dt_intent_kind kind, const uint8_t id[static 16],
                                        struct dt_view body);
DT_MUST_CHECK enum dt_err dt_intent_del(struct dt_agent *a, const uint8_t group_id[static 32],
                                        const uint8_t id[static 16]);
DT_MUST_CHECK enum dt_err dt_intent_has(struct dt_agent *a, const uint8_t group_id[static 32],
                                        enum dt_intent_kind kind, bool *out);

struct dt_intent {
    uint64_t seq;
    enum dt_intent_kind kind;
    uint8_t id[16];
    struct dt_buf body;
};
void dt_intent_clear(struct dt_intent *x);
/* The first with seq at least ${at}; NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_intent_next(struct dt_agent *a, const uint8_t group_id[static 32],
                                         uint64_t at, struct dt_intent *out);

/**
 * dt_channel_send(a, group_id, payload):
 * Have the next sync send ${payload} (records use this). Its id must be random. Joins the
 * transaction that is open. STATE unless the channel is live, LIMIT when it does not fit one cell.
 */
DT_MUST_CHECK enum dt_err dt_channel_send(struct dt_agent *a, const uint8_t group_id[static 32],
                                          const struct dt_payload *payload);

#endif
