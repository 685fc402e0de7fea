/*
 * agent/home/shift.h - a watch desk: who of its operators has it, since when, and what was open
 * when it was handed over.
 *
 * Source: docs/protocol-agent.md "A watch desk". Layer: agent. A desk is one delegate and one home;
 * its operators are the people who work there in turns. Who they are is written down in the home
 * and proves nothing: no operator signs. The others learn it where a receipt for a record names the
 * desk.
 */
#ifndef DT_AGENT_HOME_SHIFT_H
#define DT_AGENT_HOME_SHIFT_H

#include "agent/agent.h"

#define DT_SHIFT_NOTE_MAX 1000u /* bytes of a note */

/* What waits at the desk. */
struct dt_shift_open {
    uint64_t to_send; /* our own things that did not leave yet */
    uint64_t
        receipts;    /* members from whom a receipt is overdue, or who were shown something else */
    uint64_t alarms; /* all that are listed */
};

struct dt_shift_info {
    uint64_t number; /* 1, 2, ... in this home */
    uint64_t begun_ms;
    char name[DT_AGENT_NAME_MAX + 1]; /* who has the desk from then on */
    char from[DT_AGENT_NAME_MAX + 1]; /* who had it before; "" in the first */
    char note[DT_SHIFT_NOTE_MAX + 1];
    struct dt_shift_open open; /* as it was then */
};

/* What is open now. */
DT_MUST_CHECK enum dt_err dt_agent_shift_open(struct dt_agent *a, struct dt_shift_open *out);

/**
 * dt_agent_shift_hand_over(a, to, note, out):
 * From now on ${to} has the desk; ${note} is one line or empty, both UTF-8. ${out} is what was
 * written down. Errors: RANGE (not one line, or too long), EXISTS (${to} has it already).
 */
DT_MUST_CHECK enum dt_err dt_agent_shift_hand_over(struct dt_agent *a, const char *to,
                                                   const char *note, struct dt_shift_info *out);

/* Who has the desk. NOT_FOUND: it was never handed to anyone. */
DT_MUST_CHECK enum dt_err dt_agent_shift(struct dt_agent *a, struct dt_shift_info *out);

/* The last ${most} shifts, oldest first. Owner: dt_free(*out). */
DT_MUST_CHECK enum dt_err dt_agent_shifts(struct dt_agent *a, size_t most,
                                          struct dt_shift_info **out, size_t *out_n);

#endif
