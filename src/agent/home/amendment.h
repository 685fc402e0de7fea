/*
 * agent/home/amendment.h - taking in amendments of the charter: another register, another relay,
 * and the forum goes on from the home's own copies; or another root of a party.
 *
 * Source: docs/protocol-agent.md "Amendments"; docs/protocol-record.md "Amendment". Layer: agent.
 */
#ifndef DT_AGENT_HOME_AMENDMENT_H
#define DT_AGENT_HOME_AMENDMENT_H

#include "agent/agent.h"
#include "log/tree.h"

struct dt_amend_params {
    const struct dt_view
        *amendments; /* in order; those that the home has already are passed over */
    size_t n;
    struct dt_view grant; /* of the new relay, for our party; empty where the register stays */
    bool lose_attested;   /* also when entries go that the quorum had cosigned */
};

struct dt_amend_report {
    size_t taken;          /* amendments that were new here */
    size_t already;        /* those that were not */
    bool registers;        /* one of them replaces the register */
    size_t roots;          /* so many replace roots, or announce successors */
    uint64_t last_size;    /* of the register that ended: this many of its entries count; else of
                              those under the roots of before */
    bool compared;         /* our copy reached that far, and had the root named */
    uint64_t cut;          /* entries that our copy had behind it, */
    uint64_t cut_attested; /* and how many of them the quorum had cosigned */
    uint64_t again;        /* own seals that wait to be handed in, those of before among them */
    size_t channels;       /* that go on at the new relay */
    size_t void_records;   /* that do not count: under a letter of a root replaced before */
    uint64_t unsure;       /* own messages of which some member had given no receipt yet */
};

/**
 * dt_agent_amend(a, params, report):
 * Take in amendments, one transaction: charter, and where one replaces the register, grant, the
 * register's copy cut back to the last good size, inbox and channels begun anew at the new relay.
 * Nothing new among them is DT_OK and changes nothing. Errors: those of dt_charter_amend(); USAGE
 * (a grant lacks, or is not needed); CONFLICT (the grant is not for the new register); PROOF (our
 * copy of the register has not the root named: an alarm is kept); REFUSED (attested entries would
 * go, and ${lose_attested} is false).
 */
DT_MUST_CHECK enum dt_err dt_agent_amend(struct dt_agent *a, const struct dt_amend_params *params,
                                         struct dt_amend_report *report);

/* The root that the first ${size} entries of our copy have, and these entries, 33 bytes each,
 * appended to ${out} (may be NULL). RANGE: we hold fewer. */
DT_MUST_CHECK enum dt_err dt_agent_register_good(struct dt_agent *a, uint64_t size,
                                                 struct tlog_hash *out_root, struct dt_buf *out);

/* The amendments of this home's charter, and where the last one that replaced the register put its
 * end. */
struct dt_amended {
    size_t n, n_registers, n_roots;
    uint64_t last_size;
};
struct dt_amended dt_agent_amended(const struct dt_agent *a);

#endif
