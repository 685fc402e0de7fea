/*
 * mls/proposal_list.h - the proposals of one Commit: resolved, validated, applied.
 *
 * Source: RFC 9420 sections 12.2 and 12.3. Layer: mls. Committer and receiver run the very same
 * code.
 */
#ifndef DT_MLS_PROPOSAL_LIST_H
#define DT_MLS_PROPOSAL_LIST_H

#include "mls/commit.h"
#include "mls/group_context.h"
#include "mls/sender.h"

/* The committer of an external Commit, who has no leaf before it. */
#define MLS_COMMITTER_OUTSIDE (UINT32_MAX - 1)

/* One proposal with who made it. */
struct mls_resolved {
    struct mls_proposal *proposal;
    struct mls_sender by;
    bool by_reference;
};

struct mls_proposal_list {
    struct mls_resolved *v;
    size_t n;
};
void mls_proposal_list_clear(struct mls_proposal_list *l);
/* Append; takes a count of ${p}. LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err mls_proposal_list_add(struct mls_proposal_list *l, struct mls_proposal *p,
                                                struct mls_sender by, bool by_reference);

/* What one proposal can be asked on its own: REFUSED when the PSK's nonce or use is wrong (section
 * 12.1.4); REFUSED when one of the extensions is not for a GroupContext, FORMAT
 * when external_senders is badly built. */
DT_MUST_CHECK enum dt_err mls_psk_proposal_check(const struct dt_suite *suite,
                                                 const struct mls_psk_id *id);
DT_MUST_CHECK enum dt_err mls_group_extensions_check(const struct mls_extensions *x);

/* What applying a list gives besides the changed tree. */
struct mls_applied {
    struct dt_view extensions; /* content of the next GroupContext's extensions; borrowed */
    bool extensions_replaced;
    uint32_t *added; /* leaf indices in the order of the Adds */
    size_t n_added;
    const struct mls_proposal **adds; /* beside them, borrowed from the list */
    struct mls_proposal *reinit;      /* the ReInit, borrowed from the list; NULL: none */
    bool path_required;
    bool removes_us;
};
void mls_applied_clear(struct mls_applied *a);

/**
 * mls_proposal_list_apply(list, context, committer, own_leaf, lifetime, tree, out):
 * Check ${list} for a Commit by ${committer} on the epoch of ${context}, and apply it to ${tree},
 * which is that epoch's on entry and of no use after an error. By MLS_COMMITTER_OUTSIDE: the rules
 * for external Commits hold instead, and the joiner's leaf is still to be put in. ${lifetime} is
 * for the key packages of Adds. Errors: REFUSED (a rule), AUTH (a signature), UNSUPPORTED (a
 * capability lacks), EXPIRED, LIMIT, NOMEM.
 */
DT_MUST_CHECK enum dt_err mls_proposal_list_apply(const struct mls_proposal_list *list,
                                                  const struct dt_suite *suite,
                                                  const struct mls_group_context *context,
                                                  uint32_t committer, uint32_t own_leaf,
                                                  const struct mls_lifetime_policy *lifetime,
                                                  struct mls_tree *tree, struct mls_applied *out);

#endif
