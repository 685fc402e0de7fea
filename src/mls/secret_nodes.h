/*
 * mls/secret_nodes.h - the nodes of a secret tree, of which only those exist that hold something or
 * lie above one that does.
 *
 * Source: RFC 9420 section 9. Layer: mls.
 * An epoch begins with one node, whatever the number of members. A node has both children or none:
 * when one of them is reached, the other takes its secret. Nodes have the numbers of tree_math.h.
 */
#ifndef DT_MLS_SECRET_NODES_H
#define DT_MLS_SECRET_NODES_H

#include "crypto/secret.h"

#include "mls/limits.h"

struct mls_leaf_ratchets;

struct mls_secret_node {
    struct dt_secret secret;            /* empty: consumed, or never given one */
    struct mls_secret_node *child[2];   /* left and right */
    struct mls_leaf_ratchets *ratchets; /* of a leaf that was opened */
};

/* Which child of the node at ${level} (from 1) leads to ${leaf}: 0 left, 1 right. */
static inline unsigned int
mls_secret_side(uint32_t leaf, uint32_t level)
{
    return (leaf >> (level - 1)) & 1;
}

/* Both children of a node into ${pair}, empty; NOMEM. */
DT_MUST_CHECK enum dt_err mls_secret_pair_new(struct mls_secret_node *pair[2]);
/* Wipe and free what stands at and under both; NULL is fine. */
void mls_secret_pair_free(struct mls_secret_node *pair[2]);

/* Node ${number} under the root ${root} of ${n_leaves}; NULL when it does not exist. */
struct mls_secret_node *mls_secret_find(struct mls_secret_node *root, uint32_t n_leaves,
                                        uint32_t number);
/* The same, with all that is missing above it made. NOMEM. */
DT_MUST_CHECK enum dt_err mls_secret_grow(struct mls_secret_node *root, uint32_t n_leaves,
                                          uint32_t number, struct mls_secret_node **out);

/* All nodes that exist, by rising number:
 *   struct mls_secret_walk w;
 *   for (mls_secret_walk_begin(&w, root, n_leaves); mls_secret_walk_next(&w);)
 *       ... w.node, w.number
 */
struct mls_secret_walk {
    const struct mls_secret_node *node;
    uint32_t number;
    const struct mls_secret_node *waiting[MLS_DEPTH_MAX + 1];
    uint32_t waiting_number[MLS_DEPTH_MAX + 1];
    uint32_t n;
};
void mls_secret_walk_begin(struct mls_secret_walk *w, const struct mls_secret_node *root,
                           uint32_t n_leaves);
bool mls_secret_walk_next(struct mls_secret_walk *w);

#endif
