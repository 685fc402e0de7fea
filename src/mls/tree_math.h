/*
 * mls/tree_math.h - node index arithmetic of the left-balanced array tree.
 *
 * Source: RFC 9420 appendix C. Leaf i is node 2i; a parent at level k has k low one bits. The width
 * n_leaves is a power of two from 1 to MLS_LEAVES_MAX. All functions are total on valid input; the
 * caller checks that node < mls_node_width(n_leaves).
 * Layer: mls.
 *
 *            3              level 2 (root of 4 leaves)
 *        1       5          level 1
 *      0   2   4   6        level 0: leaves 0..3
 */
#ifndef DT_MLS_TREE_MATH_H
#define DT_MLS_TREE_MATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mls/limits.h"

#define MLS_NO_NODE UINT32_MAX

/* Nodes of a tree of ${n_leaves}; 0 for 0. */
static inline uint32_t
mls_node_width(uint32_t n_leaves)
{
    return n_leaves == 0 ? 0 : 2 * n_leaves - 1;
}

static inline bool
mls_node_is_leaf(uint32_t node)
{
    return (node & 1) == 0;
}

/* Level above the leaves: the number of trailing one bits. */
uint32_t mls_node_level(uint32_t node);
uint32_t mls_node_root(uint32_t n_leaves);
/* MLS_NO_NODE for a leaf. */
uint32_t mls_node_left(uint32_t node);
uint32_t mls_node_right(uint32_t node);
/* MLS_NO_NODE for the root. */
uint32_t mls_node_parent(uint32_t node, uint32_t n_leaves);
uint32_t mls_node_sibling(uint32_t node, uint32_t n_leaves);
/* First and last leaf (leaf indices) under ${node}. */
uint32_t mls_node_first_leaf(uint32_t node);
uint32_t mls_node_last_leaf(uint32_t node);
/* Is the leaf with index ${leaf} at or under ${node}? */
bool mls_node_covers(uint32_t node, uint32_t leaf);
/* The ancestor of leaf index ${leaf} at ${level} (0: the leaf's own node). */
uint32_t mls_leaf_ancestor(uint32_t leaf, uint32_t level);
/* The lowest node that covers both leaf indices. */
uint32_t mls_common_ancestor(uint32_t leaf_a, uint32_t leaf_b);
/* Smallest power of two >= n (n from 1 to 2^31). */
uint32_t mls_pow2_at_least(uint32_t n);

#endif
