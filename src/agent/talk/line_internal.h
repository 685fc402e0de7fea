/*
 * agent/talk/line_internal.h - line tests from the inside: what is kept, what is said, and what is
 * waited for.
 *
 * Source: docs/protocol-channel.md, "Line tests". Layer: agent, for line*.c alone. All of this is
 * called inside a transaction, except where it says otherwise.
 */
#ifndef DT_AGENT_TALK_LINE_INTERNAL_H
#define DT_AGENT_TALK_LINE_INTERNAL_H

#include "agent/talk/line.h"
#include "agent/talk/receipt_internal.h"

/* ---- line_row.c: rows of the store ---- */

struct dt_line_key {
    uint8_t bytes[48]; /* group id, invitation id */
};
struct dt_line_key dt_line_key(const uint8_t group_id[static 32],
                               const uint8_t invitation_id[static 16]);

/* What is known of one member. */
struct dt_line_row {
    uint64_t seq;
    bool there;
    struct dt_line_watch w;
    uint64_t confirmed, confirmed_ms;
    char text[DT_LINE_TEXT_MAX + 1];
};
/* All zero when there is no such row. */
DT_MUST_CHECK enum dt_err dt_line_row_load(struct dt_agent *a, const struct dt_line_key *k,
                                           struct dt_line_row *out);
DT_MUST_CHECK enum dt_err dt_line_row_save(struct dt_agent *a, const uint8_t group_id[static 32],
                                           const struct dt_line_key *k, struct dt_line_row *x);

/* A row of a party in a channel, of ${table}: its bytes appended to ${out}, NOT_FOUND; and put. */
DT_MUST_CHECK enum dt_err dt_line_party_get(struct dt_agent *a, const char *table,
                                            const uint8_t group_id[static 32], uint8_t party,
                                            struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_line_party_put(struct dt_agent *a, const char *table,
                                            const uint8_t group_id[static 32], uint8_t party,
                                            struct dt_view value);

/* Our own line. */
struct dt_line_own_row {
    uint64_t stepped; /* slot of the last step */
    uint64_t sent, sent_ms;
    uint64_t sealed; /* slot of the last record of ours */
    uint64_t confirmed;
    uint64_t outage_from_ms, outage_until_ms;
    uint8_t id[16];        /* payload of the last test */
    struct dt_place place; /* where it was read back; position 0: not yet */
};
DT_MUST_CHECK enum dt_err dt_line_own_load(struct dt_agent *a, const uint8_t group_id[static 32],
                                           struct dt_line_own_row *out);
DT_MUST_CHECK enum dt_err dt_line_own_save(struct dt_agent *a, const uint8_t group_id[static 32],
                                           const struct dt_line_own_row *x);

/* A row of ${table} for a slot of ${parent}; 0 is that there is none. */
DT_MUST_CHECK enum dt_err dt_line_slot_put(struct dt_agent *a, const char *table,
                                           struct dt_view parent, uint64_t slot, uint8_t value);
DT_MUST_CHECK enum dt_err dt_line_slot_get(struct dt_agent *a, const char *table,
                                           struct dt_view parent, uint64_t slot, uint8_t *out);
DT_MUST_CHECK enum dt_err dt_line_slot_del(struct dt_agent *a, const char *table,
                                           struct dt_view parent, uint64_t slot);
/* Rows of slots before ${slot} go; so do the oldest past ${most}. */
DT_MUST_CHECK enum dt_err dt_line_slots_trim(struct dt_agent *a, const char *table,
                                             struct dt_view parent, uint64_t slot, uint64_t most);

/* ---- line_say.c ---- */

/* Let ${p} be sent to the channel as a line message of now. */
DT_MUST_CHECK enum dt_err dt_line_send(struct dt_agent *a, const uint8_t group_id[static 32],
                                       struct dt_payload *p);

/* How long a slot is. STATE: the charter has no line tests. */
DT_MUST_CHECK enum dt_err dt_line_need_rule(const struct dt_agent *a, uint64_t *out_every);

/* ---- line_ask.c: a person at each other party confirms our tests, or is missed ---- */

/* What waits for the word of a person of one party. */
struct dt_line_ask {
    uint64_t slot;    /* the first test of ours that nobody there has confirmed; 0: none */
    uint64_t ms;      /* when it was read back here */
    uint64_t told_ms; /* when its lack was told; 0: it was not */
};
/* All zero when nothing is waited for. */
DT_MUST_CHECK enum dt_err dt_line_ask_get(struct dt_agent *a, const uint8_t group_id[static 32],
                                          size_t party, struct dt_line_ask *out);

/* Until when a person at the station ${w} has time to confirm what waits since ${ms}: an hour,
 * which begins with the end of an outage that was announced for it. */
uint64_t dt_line_ask_until(const struct dt_line_watch *w, uint64_t ms);

/* Our test ${slot} stands in the queue: a person of each other party in ${ch} has an hour. */
DT_MUST_CHECK enum dt_err dt_line_ask_open(struct dt_agent *a, const struct dt_channel *ch,
                                           uint64_t slot);

/* A person of ${party} has confirmed the tests up to ${slot}; ${own}: ours. */
DT_MUST_CHECK enum dt_err dt_line_ask_answered(struct dt_agent *a,
                                               const uint8_t group_id[static 32], size_t party,
                                               uint64_t slot, const struct dt_line_own_row *own);

/* The queue was read to its end: tell of those who are missed, each once until they are heard of.
 * Begins a transaction of its own when there is something to tell. */
DT_MUST_CHECK enum dt_err dt_line_ask_overdue(struct dt_agent *a,
                                              const uint8_t group_id[static 32]);

#endif
