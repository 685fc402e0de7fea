/* mls/tree_math.c - see tree_math.h. */
#include "mls/tree_math.h"

uint32_t
mls_node_level(uint32_t node)
{
    uint32_t level = 0;

    while ((node & 1) != 0) {
        node >>= 1;
        level++;
    }
    return level;
}

uint32_t
mls_node_root(uint32_t n_leaves)
{
    return n_leaves == 0 ? MLS_NO_NODE : n_leaves - 1;
}

uint32_t
mls_node_left(uint32_t node)
{
    uint32_t level = mls_node_level(node);

    return level == 0 ? MLS_NO_NODE : node ^ (1u << (level - 1));
}

uint32_t
mls_node_right(uint32_t node)
{
    uint32_t level = mls_node_level(node);

    return level == 0 ? MLS_NO_NODE : node ^ (3u << (level - 1));
}

uint32_t
mls_node_parent(uint32_t node, uint32_t n_leaves)
{
    uint32_t level = mls_node_level(node);

    if (node == mls_node_root(n_leaves))
        return MLS_NO_NODE;
    /* Set the bit at our level, clear the one above: 0,2 -> 1 and 1,5 -> 3. */
    return (node | (1u << level)) & ~(1u << (level + 1));
}

uint32_t
mls_node_sibling(uint32_t node, uint32_t n_leaves)
{
    uint32_t parent = mls_node_parent(node, n_leaves);

    if (parent == MLS_NO_NODE)
        return MLS_NO_NODE;
    return node < parent ? mls_node_right(parent) : mls_node_left(parent);
}

uint32_t
mls_node_first_leaf(uint32_t node)
{
    return (node - ((1u << mls_node_level(node)) - 1)) / 2;
}

uint32_t
mls_node_last_leaf(uint32_t node)
{
    return (node + ((1u << mls_node_level(node)) - 1)) / 2;
}

bool
mls_node_covers(uint32_t node, uint32_t leaf)
{
    return leaf >= mls_node_first_leaf(node) && leaf <= mls_node_last_leaf(node);
}

uint32_t
mls_leaf_ancestor(uint32_t leaf, uint32_t level)
{
    /* Drop the leaf's low bits and put the subtree's middle there: level low ones. */
    return ((leaf >> level) << (level + 1)) | ((1u << level) - 1);
}

uint32_t
mls_common_ancestor(uint32_t leaf_a, uint32_t leaf_b)
{
    uint32_t level = 0;

    while ((leaf_a >> level) != (leaf_b >> level))
        level++;
    return mls_leaf_ancestor(leaf_a, level);
}

uint32_t
mls_pow2_at_least(uint32_t n)
{
    uint32_t x = 1;

    while (x < n)
        x <<= 1;
    return x;
}
