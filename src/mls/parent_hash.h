/*
 * mls/parent_hash.h - the chain of hashes that ties every parent node to a leaf that set it.
 *
 * Source: RFC 9420 sections 7.9, 7.9.1 and 7.9.2. Layer: mls.
 */
#ifndef DT_MLS_PARENT_HASH_H
#define DT_MLS_PARENT_HASH_H

#include "mls/tree.h"

/* The parent hash of non-blank ${parent} with copath child ${sibling}: hash_len bytes into ${out}.
 */
DT_MUST_CHECK enum dt_err mls_parent_hash(struct mls_tree *t, uint32_t parent, uint32_t sibling,
                                          uint8_t *out);

/**
 * mls_parent_hash_fill(t, shape, leaf_hash):
 * Set parent_hash in each node of a fresh filtered direct path (top node first, whose own is empty)
 * and append what the committer's leaf must carry to ${leaf_hash} (nothing when the path is empty).
 * The nodes hold their new public keys and no unmerged leaves.
 */
DT_MUST_CHECK enum dt_err mls_parent_hash_fill(struct mls_tree *t,
                                               const struct mls_path_shape *shape,
                                               struct dt_buf *leaf_hash);

/* Section 7.9.2: AUTH unless every non-blank parent is parent-hash valid with respect to a
 * descendant. */
DT_MUST_CHECK enum dt_err mls_parent_hash_check(struct mls_tree *t);

#endif
