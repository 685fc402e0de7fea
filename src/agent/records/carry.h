/*
 * agent/records/carry.h - what was recorded in one channel, told in another with leave of its
 * author.
 *
 * Source: docs/protocol-record.md, "Carried with leave". Layer: agent.
 *
 * The author gives leave: a consent whose audience names the other channel. Who carries it sends a
 * record of the built-in template `carried` there, which holds a proof file: the fields word for
 * word, the author's signature, its letter, the register's word and the leave. Whoever gets it
 * checks all of that, and is told when there was no leave.
 */
#ifndef DT_AGENT_RECORDS_CARRY_H
#define DT_AGENT_RECORDS_CARRY_H

#include "agent/records/records.h"
#include "record/proof.h"

#define DT_CARRIED_TEMPLATE "carried"
#define DT_CARRY_AUDIENCE   80u

/* The audience of a leave to tell something in the channel ${group_id}: "channel " and its id. */
void dt_carry_audience(const uint8_t group_id[static 32], char out[static DT_CARRY_AUDIENCE]);

enum dt_carry_leave {
    DT_LEAVE_GIVEN = 1, /* by the author, for this channel, to all that is told, and not ended */
    DT_LEAVE_MISSING,   /* it is the author's, and there is no such leave */
    DT_LEAVE_BROKEN     /* nothing shows that it is anybody's */
};

/* What a carried record holds. */
struct dt_carried {
    enum dt_carry_leave leave;
    struct dt_verdict verdict; /* of the proof; records[0] is what was carried, unless BROKEN */
    char by[DT_AGENT_NAME_MAX + 1]; /* the party that carried it, */
    char of[DT_AGENT_NAME_MAX + 1]; /* and its author's; "" when BROKEN */
    char why[400];                  /* MISSING, BROKEN: one line */
};
void dt_carried_clear(struct dt_carried *c);

/**
 * dt_agent_carried(a, r, out):
 * Look at the carried record ${r}, which is kept here, as of when it came. NOT_FOUND: it is no
 * carried record. Owner: dt_carried_clear(out).
 */
DT_MUST_CHECK enum dt_err dt_agent_carried(struct dt_agent *a, const struct dt_record *r,
                                           struct dt_carried *out);

/**
 * dt_agent_carry_draft(a, commitment, group_id, report, out):
 * Begin the record that carries the record with ${commitment} into the channel: the fields to which
 * its author's newest leave for that channel extends. REFUSED: there is no leave, it has ended, or
 * the channel is the record's own; STATE: record or leave is not attested yet. Owner:
 * dt_record_draft_clear(out).
 */
DT_MUST_CHECK enum dt_err dt_agent_carry_draft(struct dt_agent *a,
                                               const uint8_t commitment[static 32],
                                               const uint8_t group_id[static 32],
                                               struct dt_record_draft *out);

/* ---- for records.c ---- */

/* Is ${r}, which is about to be sent, carried with leave? Any other record is fine. REFUSED. */
DT_MUST_CHECK enum dt_err dt_carried_check_own(struct dt_agent *a, const struct dt_record *r);
/* ${r} came from another member: when it is carried and not with leave, an alarm says so. */
DT_MUST_CHECK enum dt_err dt_carried_received(struct dt_agent *a, const struct dt_record *r,
                                              const struct dt_person *who, uint64_t position);

#endif
