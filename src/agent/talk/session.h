/*
 * agent/talk/session.h - for programs: how often session keys are replaced, and which are not
 * released yet. What a released key signed can be denied: any member could have made it.
 *
 * Source: DESIGN "Two lanes"; docs/protocol-channel.md "Session keys". Layer: agent.
 */
#ifndef DT_AGENT_TALK_SESSION_H
#define DT_AGENT_TALK_SESSION_H

#include "agent/agent.h"

/* How often this home replaces its session keys; RANGE beyond DT_ROTATE_EVERY_MIN_MS and _MAX_MS.
 * It is kept in the home. The default is DT_ROTATE_EVERY_MS. */
DT_MUST_CHECK enum dt_err dt_agent_rotate_every(struct dt_agent *a, uint64_t ms);
DT_MUST_CHECK enum dt_err dt_agent_rotates_every(struct dt_agent *a, uint64_t *out_ms);

/* A replaced session key that is not released: what it signed can be proved still. */
struct dt_unreleased {
    struct dt_person who; /* its owner */
    bool known;           /* we hold the owner's letter, so that who says who it is */
    uint64_t serial;
    uint64_t epoch;       /* its last */
    uint64_t replaced_ms; /* when we saw that, by our clock */
    uint64_t until_ms;    /* not before that time, by the owner's clock */
    bool gone;            /* its owner is no member any more: nobody can release it */
    bool lost;            /* ours, and this home does not hold it: it was lost with a state */
    size_t n_waits;       /* members who have not closed its epochs */
    struct dt_person waits[DT_UNRELEASED_WAITS]; /* the first of them */
};

/* Of the channel, oldest first. None where we are no member. */
DT_MUST_CHECK enum dt_err dt_agent_unreleased(struct dt_agent *a, const uint8_t group_id[static 32],
                                              struct dt_unreleased **out, size_t *out_n);

/* How many session keys of the channel were released so far, as this home was told. */
DT_MUST_CHECK enum dt_err dt_agent_released_count(struct dt_agent *a,
                                                  const uint8_t group_id[static 32], uint64_t *out);

/* A released key, as the payload said it. Views point into ${bytes}, which the caller wipes. */
struct dt_released {
    struct dt_view seed; /* 32 bytes */
    uint32_t leaf;
    uint64_t epoch;
    struct dt_view voucher;
    struct dt_buf bytes;
};
void dt_released_clear(struct dt_released *x);
/* The first of the channel with number at least *${at}, which moves behind it. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_agent_released_next(struct dt_agent *a,
                                                 const uint8_t group_id[static 32], uint64_t *at,
                                                 struct dt_released *out);

#endif
