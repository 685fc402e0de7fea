/*
 * mls/commit.h - Commit and ProposalOrRef.
 *
 * Source: RFC 9420 section 12.4. Layer: mls.
 */
#ifndef DT_MLS_COMMIT_H
#define DT_MLS_COMMIT_H

#include "mls/proposal.h"
#include "mls/treekem.h"

/* By value (proposal is set) or by reference (a view into what it was read from). */
struct mls_proposal_or_ref {
    struct mls_proposal *proposal;
    struct dt_view reference;
};

struct mls_commit {
    struct mls_proposal_or_ref *proposals;
    size_t n;
    struct mls_update_path *path; /* NULL: none */
    bool too_many; /* read: more than MLS_COMMIT_PROPOSALS_MAX, those behind them were left out */
};
void mls_commit_clear(struct mls_commit *c);

/* ${out} holds counts of its own; references point into the reader's bytes. Too many proposals are
 * no error of the reading, so that the signature behind them is found and its maker can be named.
 * FORMAT, LIMIT, UNSUPPORTED. */
DT_MUST_CHECK enum dt_err mls_commit_read(struct dt_reader *r, struct mls_commit *out);
void mls_commit_write(struct dt_writer *w, const struct mls_commit *c);

/* Append to ${c}; takes a count of ${p} (or copies the view ${reference}). LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err mls_commit_add(struct mls_commit *c, struct mls_proposal *p,
                                         struct dt_view reference);

#endif
