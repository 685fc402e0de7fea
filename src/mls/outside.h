/*
 * mls/outside.h - a group and those outside it: GroupInfo, joining by an external Commit, proposing
 * from outside.
 *
 * Source: RFC 9420 sections 3.3, 8.3, 12.1.8, 12.4.3, 12.4.3.2 and 12.4.3.3. Layer: mls; part of
 * the public face, beside group.h. What a group takes in from outside is said by its policy
 * (group.h).
 */
#ifndef DT_MLS_OUTSIDE_H
#define DT_MLS_OUTSIDE_H

#include "mls/group.h"

/* ---- GroupInfo ---- */

struct mls_group_info_opts {
    bool external_pub; /* its reader can join by an external Commit */
    bool ratchet_tree; /* with the tree; else its reader needs it from elsewhere */
    struct mls_typed_list extensions;
};

/**
 * mls_group_info_export(g, opts, out):
 * Append the GroupInfo of the present epoch, signed by us, as MLSMessage to ${out}. It says who is
 * in the group (with the tree) and lets whoever has it join, if members take external Commits: who
 * gets it is the caller's to decide. Errors: STATE (no longer a member; closed by a ReInit), FORMAT
 * (an extension type twice), LIMIT, NOMEM. Source: RFC 9420 sections 12.4.3 and 12.4.3.2.
 */
DT_MUST_CHECK enum dt_err mls_group_info_export(const struct mls_group *g,
                                                const struct mls_group_info_opts *opts,
                                                struct dt_buf *out);

/* What a GroupInfo says of itself. The view lies in the message. */
struct mls_group_info_peeked {
    uint16_t suite;
    struct dt_view group_id;
    uint64_t epoch;
    uint32_t signer; /* a leaf */
    bool external_pub;
    bool ratchet_tree; /* false: joining needs the tree from elsewhere */
};

/* Look into the GroupInfo ${message} (MLSMessage). NOTHING of it is checked but its form: the
 * signature can be checked with the tree alone, which joining does. FORMAT, LIMIT, UNSUPPORTED. */
DT_MUST_CHECK enum dt_err mls_group_info_peek(struct dt_view message,
                                              struct mls_group_info_peeked *out);

/* ---- joining by an external Commit ---- */

struct mls_external_join_params {
    struct dt_view group_info;   /* MLSMessage */
    struct dt_view ratchet_tree; /* when it is not in the GroupInfo; else empty */
    struct mls_leaf_params leaf; /* its suite is the group's */
    bool replace;                /* also remove the leaf ${replaces}, which was ours before */
    uint32_t replaces;
    struct mls_psk_list psks;
    struct mls_typed_list private_use; /* proposals that all members support */
    struct dt_view authenticated_data;
    uint32_t threads; /* as in struct mls_join_params */
    struct mls_group_policy policy;
};

/**
 * mls_group_join_external(params, out, commit, info):
 * Make an external Commit on the epoch of the GroupInfo, appended to ${commit} as
 * MLSMessage(PublicMessage), and the group as it is after it. The group is real once the members
 * have taken the Commit: until it is known to be ordered first, keep it and send nothing under it;
 * if another was first, free it and begin anew with a new GroupInfo. (The Commit that comes back is
 * STALE to the new group.) ${info}: the GroupInfo's signer and extensions; may be NULL. The caller
 * checks who is in the group, and that it is the group it means: whoever signed the GroupInfo is a
 * member of the tree that came with it, and no more than that is known.
 * Errors: NOT_FOUND (no external key, no tree), AUTH, FORMAT, REFUSED (another suite; a key that is
 * in use), UNSUPPORTED, RANGE, LIMIT, NOMEM. Source: RFC 9420 sections 8.3, 12.2, 12.4.3.2.
 */
DT_MUST_CHECK enum dt_err mls_group_join_external(const struct mls_external_join_params *params,
                                                  struct mls_group **out, struct dt_buf *commit,
                                                  struct mls_join_info *info);

/* ---- proposing from outside ---- */

struct mls_external_propose_params {
    uint16_t suite;
    bool allow_malleable; /* as in struct mls_leaf_params */
    struct dt_view group_id;
    uint64_t epoch;
    bool new_member; /* an Add of oneself, signed with the key package's signature key; else: */
    uint32_t sender_index;         /* the place in the group's external_senders */
    struct dt_view signature_priv; /* the seed */
    struct mls_propose_opts what;  /* REMOVE, ADD, PSK, EXTENSIONS, REINIT; no padding */
};

/**
 * mls_external_propose(params, out):
 * Append a proposal by one who is no member as MLSMessage(PublicMessage) to ${out}. Errors: RANGE
 * (a kind that the sender may not propose; padding), AUTH (the key is not the key package's),
 * FORMAT, EXPIRED, REFUSED, UNSUPPORTED, LIMIT, NOMEM. Source: RFC 9420 sections 6.1, 12.1.8.
 */
DT_MUST_CHECK enum dt_err mls_external_propose(const struct mls_external_propose_params *params,
                                               struct dt_buf *out);

/* ---- what waits in a group ---- */

/* The external sender ${index} of the group's extension; false when there is none. leaf and
 * encryption_key are UINT32_MAX and empty. Tied to the group until it changes. */
bool mls_group_external_sender(const struct mls_group *g, uint32_t index, struct mls_member *out);

/* Forget the cached proposal ${ref}: the caller does not want it. A Commit of another that names it
 * is then NOT_FOUND. NOT_FOUND; STATE while an own Commit is pending. Source: RFC 9420
 * section 12.1.8, on what is not authorized. */
DT_MUST_CHECK enum dt_err mls_group_drop_proposal(struct mls_group *g, struct dt_view ref);

#endif
