/*
 * mls/tree_check.h - every check of a ratchet tree that came from outside, and of a leaf against a
 * tree.
 *
 * Source: RFC 9420 sections 7.3 and 12.4.3.1. Layer: mls.
 */
#ifndef DT_MLS_TREE_CHECK_H
#define DT_MLS_TREE_CHECK_H

#include "mls/tree.h"

/* One by one, for tests; mls_tree_check() runs them all. */
/* Unmerged leaves: sorted, non-blank descendants, in every non-blank node between. AUTH. */
DT_MUST_CHECK enum dt_err mls_tree_check_unmerged(const struct mls_tree *t);
/* Encryption keys unique over all nodes, signature keys over all leaves. CONFLICT. */
DT_MUST_CHECK enum dt_err mls_tree_check_keys(struct mls_tree *t);
/* Each leaf: section 7.3 with its signature; credential types supported by all. As
 * mls_leaf_node_check(). */
DT_MUST_CHECK enum dt_err mls_tree_check_leaves(struct mls_tree *t, struct dt_view group_id,
                                                const struct mls_leaf_rules *rules);

/* tree_verify.c: section 7.3 and the signature of each leaf, by rules->threads threads. */
DT_MUST_CHECK enum dt_err mls_tree_verify_leaves(const struct mls_tree *t, struct dt_view group_id,
                                                 const struct mls_leaf_rules *rules);

/**
 * mls_tree_check(t, group_id, rules, tree_hash):
 * All of section 12.4.3.1 that concerns the tree: its hash equals ${tree_hash} (from the
 * GroupContext), unmerged leaves, unique keys, parent hashes, and every leaf. AUTH, CONFLICT,
 * REFUSED, UNSUPPORTED, EXPIRED.
 */
DT_MUST_CHECK enum dt_err mls_tree_check(struct mls_tree *t, struct dt_view group_id,
                                         const struct mls_leaf_rules *rules,
                                         struct dt_view tree_hash);

/**
 * mls_tree_check_leaf(t, leaf, replaces):
 * The rules of section 7.3 that need the other leaves, for a leaf about to enter ${t} (at
 * ${replaces}, or MLS_NO_NODE for a new one): its keys are no one else's and are no parent's, every
 * member supports its credential type and it supports every member's. CONFLICT, UNSUPPORTED. Does
 * not run mls_leaf_node_check() nor the signature.
 */
DT_MUST_CHECK enum dt_err mls_tree_check_leaf(struct mls_tree *t, const struct mls_leaf_node *leaf,
                                              uint32_t replaces);

/* The part of it that concerns who signs: the key, and the credential type with those supported. */
DT_MUST_CHECK enum dt_err mls_tree_check_signer(struct mls_tree *t, struct dt_view signature_key,
                                                const struct mls_capabilities *capabilities,
                                                uint16_t credential_type, uint32_t replaces);

#endif
