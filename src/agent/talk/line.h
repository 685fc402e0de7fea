/*
 * agent/talk/line.h - line tests of a channel: sent and heard by the agents themselves, outages
 * announced, a person's confirmation; and what stands behind a silence.
 *
 * Source: docs/protocol-channel.md, "Line tests". Layer: agent; for programs. How often is a rule
 * of the charter; without it a channel has none. They are talk: signed by the session key alone.
 */
#ifndef DT_AGENT_TALK_LINE_H
#define DT_AGENT_TALK_LINE_H

#include "agent/agent.h"
#include "instrument/line_watch.h"

#define DT_LINE_MISSES     64u        /* kept of one member */
#define DT_LINE_CONFIRM_MS DT_MS_HOUR /* within which a person confirms what an agent answered */

enum dt_line_state {
    DT_LINE_QUIET = 1, /* no test is owed yet */
    DT_LINE_TESTED,    /* a test of this slot or of the one before is here */
    DT_LINE_OUT,       /* an announced outage is on */
    DT_LINE_LOST       /* the slot before this one had no test: why is said with it */
};

/* One other member's line. */
struct dt_line_info {
    struct dt_person who;
    enum dt_line_state state;
    enum dt_line_why why; /* of LOST */
    uint64_t number;      /* of the last test; 0: none */
    uint64_t last_ms;     /* when it arrived here */
    uint64_t heard, late;
    uint64_t missed[DT_LINE_WHYS];
    uint64_t outage_from_ms, outage_until_ms; /* until 0: none was announced */
    char outage_text[DT_LINE_TEXT_MAX + 1];
    uint64_t confirmed_number, confirmed_ms; /* a person there saw the tests of this number */
    uint64_t asked_number;  /* the first test of ours that nobody of that party has confirmed; 0:
                               none  waits */
    uint64_t asked_ms;      /* since when it stands in the queue */
    uint64_t confirm_by_ms; /* until when a person has time for it */
    bool unconfirmed;       /* that time is over */
    size_t n_misses;        /* the latest, oldest first */
    struct {
        uint64_t number, from_ms, to_ms;
        enum dt_line_why why;
    } misses[DT_LINE_MISSES];
};

struct dt_line_own {
    uint64_t every_ms; /* 0: the charter has no rule */
    bool sealed;       /* each of ours is a record too */
    uint64_t number;   /* of our last test; 0: none */
    uint64_t sent_ms;
    size_t members, arrived; /* others; those whose agent has receipted it */
    uint64_t next_ms;        /* when the next one is due */
    uint64_t outage_from_ms, outage_until_ms;
    uint64_t confirmed;     /* up to this number a person here has confirmed theirs; 0: none */
    uint64_t to_confirm;    /* the last test of another party that waits for that; 0: none does */
    uint64_t to_confirm_ms; /* when it arrived */
};

/* The lines of a channel, one for every other member. Owner: dt_free(*out). NOT_FOUND, STATE. */
DT_MUST_CHECK enum dt_err dt_agent_line(struct dt_agent *a, const uint8_t group_id[static 32],
                                        struct dt_line_own *own, struct dt_line_info **out,
                                        size_t *out_n);

/* A person at this desk has seen the others' tests of this time. STATE: the channel has no line
 * tests, or none was heard in this slot or the one before. */
DT_MUST_CHECK enum dt_err dt_agent_line_confirm(struct dt_agent *a,
                                                const uint8_t group_id[static 32]);

/* Announce that we are away from ${from_ms} until ${until_ms}; ${until_ms} 0: an announced outage
 * is over, or called off. ${text}: one line or empty. RANGE, STATE. */
DT_MUST_CHECK enum dt_err dt_agent_line_outage(struct dt_agent *a,
                                               const uint8_t group_id[static 32], uint64_t from_ms,
                                               uint64_t until_ms, struct dt_view text);

/* ---- for the flows of this room ---- */

struct dt_channel;
struct dt_incoming;
struct dt_seat;

/* The queue of the channel was read to its end: note it, count what is over, and have our own test
 * of this slot sent. */
DT_MUST_CHECK enum dt_err dt_line_step(struct dt_agent *a, const uint8_t group_id[static 32],
                                       size_t *out_made);

/* One from another member. */
DT_MUST_CHECK enum dt_err dt_line_take(struct dt_agent *a, const struct dt_channel *ch,
                                       const struct dt_incoming *in, const struct dt_seat *s);

/* The message of ours with ${id} was read back at ${position}. */
DT_MUST_CHECK enum dt_err dt_line_back(struct dt_agent *a, const struct dt_channel *ch,
                                       const uint8_t id[static 16], uint64_t position);

#endif
