/*
 * agent/register/register.h - the agent's own whole copy of the forum's register, and what it may
 * say of an entry.
 *
 * Source: docs/protocol-register.md; DESIGN "Register". Layer: agent.
 *
 * Every agent keeps all entries, recomputes the root of every checkpoint it takes in, and keeps the
 * first attested checkpoint of each entry that it saw. A register that contradicts itself is
 * refused and recorded as an alarm with the two notes as evidence.
 */
#ifndef DT_AGENT_REGISTER_REGISTER_H
#define DT_AGENT_REGISTER_REGISTER_H

#include "agent/agent.h"
#include "base/cadence.h"
#include "log/proof.h"

struct dt_register_report {
    uint64_t submitted;     /* own seals acknowledged in this sync */
    uint64_t waiting;       /* own seals not acknowledged yet */
    uint64_t size;          /* entries held here */
    uint64_t attested_size; /* of the newest checkpoint with the charter's quorum */
    uint64_t final_size;    /* of the newest with all groups */
};

/**
 * dt_agent_register_sync(a, report):
 * Submit what waits, then take in new entries and the newest held, attested and final checkpoints.
 * Runs over its own connection (DESIGN "What must hold" 1). ${report} may be NULL. Errors: NET;
 * PROOF or AUTH (the register contradicts itself, or a signature fails: nothing of it is taken in,
 * and an alarm is kept); LIMIT (daily quota).
 */
DT_MUST_CHECK enum dt_err dt_agent_register_sync(struct dt_agent *a,
                                                 struct dt_register_report *report);

/* What is known now, without the network. */
DT_MUST_CHECK enum dt_err dt_agent_register_status(struct dt_agent *a,
                                                   struct dt_register_report *out);

/* Have the next sync submit ${seal} (within the caller's transaction), under a cadence at its slot.
 * The same again is fine. */
DT_MUST_CHECK enum dt_err dt_agent_register_submit(struct dt_agent *a,
                                                   const uint8_t seal[static 32]);

/* The same, at once whatever the cadence says: which shows that something could not wait. */
DT_MUST_CHECK enum dt_err dt_agent_register_submit_urgent(struct dt_agent *a,
                                                          const uint8_t seal[static 32]);

/* ---- the cadence (docs/protocol-register.md) ---- */

struct dt_cadence_info {
    struct dt_cadence cadence; /* of each party; nothing: there is none, and the rest is zero */
    uint64_t share, shares;    /* this home keeps share 1 of 1, or one of several */
    uint64_t waiting;          /* own seals that wait for a slot */
    uint64_t next_ms;          /* when our next slot is taken up; now: with the next sync */
    bool makes_cover;          /* our letter allows it */
    uint64_t gaps;             /* periods in which slots of ours stayed empty */
    uint64_t gap_ms, gap_n;    /* start of the last of them, and how many in it */
    uint64_t taken, taken_ms;  /* slots of ours that another entry of our party had; when last */
};
DT_MUST_CHECK enum dt_err dt_agent_cadence(struct dt_agent *a, struct dt_cadence_info *out);

/* From now on keep every ${shares}th slot of our party, from the ${share}th on: for parties of
 * several homes. RANGE; STATE: there is no cadence. */
DT_MUST_CHECK enum dt_err dt_agent_cadence_share(struct dt_agent *a, uint64_t share,
                                                 uint64_t shares);

/* When the entry of a record would be made that is sent now, as far as known here; 0: at once. */
DT_MUST_CHECK enum dt_err dt_agent_next_slot(struct dt_agent *a, uint64_t *out_ms);

/* The same of ${seal}; 0 when it does not wait for a slot here. */
DT_MUST_CHECK enum dt_err dt_agent_seal_slot(struct dt_agent *a, const uint8_t seal[static 32],
                                             uint64_t *out_ms);

enum dt_entry_standing {
    DT_ENTRY_WAITING = 1, /* not in our copy of the register */
    DT_ENTRY_IS_HELD,     /* under a checkpoint the register signed */
    DT_ENTRY_IS_ATTESTED, /* under one that the charter's quorum of groups cosigned */
    DT_ENTRY_IS_FINAL     /* under one that all groups cosigned */
};
const char *dt_entry_standing_name(enum dt_entry_standing s); /* "waiting", "held", ... static */

struct dt_entry_info {
    enum dt_entry_standing standing;
    uint64_t index;       /* when not WAITING */
    bool first_known;     /* we hold the first attested checkpoint that holds it */
    uint64_t attested_ms; /* when the quorum stood under that checkpoint; 0 before */
};
/* Where ${seal} stands. Never NOT_FOUND: an unknown seal is WAITING. */
DT_MUST_CHECK enum dt_err dt_agent_entry(struct dt_agent *a, const uint8_t seal[static 32],
                                         struct dt_entry_info *out);

/* Append the tlog-proof text of the entry of ${seal} under its first attested checkpoint
 * (${out_first} true), or under the newest one held when it is not attested yet. NOT_FOUND when it
 * is not in the register. */
DT_MUST_CHECK enum dt_err dt_agent_entry_proof(struct dt_agent *a, const uint8_t seal[static 32],
                                               struct dt_buf *out, bool *out_first);

/* Append the newest evidence file that the register contradicted itself
 * (docs/protocol-register.md). NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_agent_evidence(struct dt_agent *a, struct dt_buf *out);

/* Append the newest checkpoint that the register signed and we hold, to be compared elsewhere.
 * NOT_FOUND.
 */
DT_MUST_CHECK enum dt_err dt_agent_register_note(struct dt_agent *a, struct dt_buf *out);

/**
 * dt_agent_register_compare(a, theirs, out_size, out_held):
 * Hold the signed checkpoint ${theirs}, that someone else was shown, against our copy; no network.
 * ${out_size} is its size, ${out_held} ours; both are set when it is a checkpoint of this register.
 * Errors: PROOF (the register contradicts itself: evidence is kept, with an alarm), STATE (it is
 * larger than our copy), AUTH, FORMAT.
 */
DT_MUST_CHECK enum dt_err dt_agent_register_compare(struct dt_agent *a, struct dt_view theirs,
                                                    uint64_t *out_size, uint64_t *out_held);

/* A group of the charter's policy under the newest held checkpoint. */
struct dt_group_info {
    char name[DT_AGENT_NAME_MAX + 1]; /* the party's name */
    uint64_t size;                    /* of the largest tree that it cosigned, as far as we saw */
    uint64_t time_ms;                 /* when, by its clock */
    uint64_t off_ms;    /* that time is off from ours by at least this; 0: it can be */
    bool ahead;         /* its clock is ahead of ours, not behind */
    uint64_t behind_ms; /* since when we have known of entries that it has not cosigned, by our
                         * clock; 0: it has cosigned all that was shown to us */
};
DT_MUST_CHECK enum dt_err dt_agent_register_groups(struct dt_agent *a, struct dt_group_info **out,
                                                   size_t *out_n);

#endif
