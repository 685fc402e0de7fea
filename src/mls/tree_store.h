/*
 * mls/tree_store.h - how the nodes of a ratchet tree lie in memory, for the tree*.c files alone.
 *
 * The array of RFC 9420 appendix C in blocks of MLS_BLOCK leaves with the parents between them:
 *
 *   tree -> blocks -> [ leaves 0..31, parents 0..31, hashes of nodes 0..63 ] [ leaves 32.. ] ...
 *
 * Copies of a tree share their blocks, and a block is copied before something in it or below one of
 * its nodes changes. A block that two trees share therefore says the same of both, hashes included:
 * a hash that one of them fills in is right for the other.
 */
#ifndef DT_MLS_TREE_STORE_H
#define DT_MLS_TREE_STORE_H

#include "mls/tree.h"

#define MLS_BLOCK 32u

struct mls_tree_block {
    unsigned refs;
    uint32_t n_leaves;  /* not blank */
    uint32_t n_parents; /* not blank */
    struct mls_leaf_node *leaves[MLS_BLOCK];
    struct mls_parent_node *parents[MLS_BLOCK]; /* node 2i + 1 is parents[i] */
    uint8_t hashed[2 * MLS_BLOCK];              /* 1 per node whose hash is valid */
    uint8_t hashes[];                           /* suite->hash_len bytes per node */
};

/* The block of leaf or parent number ${i}: of node 2i or 2i + 1. */
static inline struct mls_tree_block *
mls_block(const struct mls_tree *t, uint32_t i)
{
    return t->blocks[i / MLS_BLOCK];
}

static inline uint8_t *
mls_hash_slot(const struct mls_tree *t, uint32_t node)
{
    return mls_block(t, node / 2)->hashes + (size_t)(node % (2 * MLS_BLOCK)) * t->suite->hash_len;
}

static inline uint8_t *
mls_hashed_flag(const struct mls_tree *t, uint32_t node)
{
    return &mls_block(t, node / 2)->hashed[node % (2 * MLS_BLOCK)];
}

/* Make the tree ${n_leaves} wide (a power of two, wider than now); all new nodes are blank. LIMIT,
 * NOMEM. */
DT_MUST_CHECK enum dt_err mls_tree_grow(struct mls_tree *t, uint32_t n_leaves);

/* Make it ${n_leaves} wide, narrower than now; the nodes beyond are dropped. NOMEM. */
DT_MUST_CHECK enum dt_err mls_tree_shrink(struct mls_tree *t, uint32_t n_leaves);

/* The hash of the ancestor of ${leaf} at ${level} and of all above is no longer known; their blocks
 * are ours alone afterwards. NOMEM. */
DT_MUST_CHECK enum dt_err mls_tree_touch(struct mls_tree *t, uint32_t leaf, uint32_t level);

/* As mls_tree_put_leaf(). */
void mls_tree_put_parent(struct mls_tree *t, uint32_t node, struct mls_parent_node *parent);

/* The place of a parent node in a block that was touched. */
struct mls_parent_node **mls_tree_parent_slot(struct mls_tree *t, uint32_t node);

/* The leftmost blank leaf; n_leaves when there is none. */
uint32_t mls_tree_first_blank(const struct mls_tree *t);

/* Count the credentials anew, after there were too many types for the list. */
void mls_tree_recount_credentials(struct mls_tree *t);

/* Are all nodes of the subtree of ${node} blank? */
bool mls_tree_all_blank(const struct mls_tree *t, uint32_t node);

#endif
