/*
 * mls/secret_nodes.c - see secret_nodes.h.
 */
#include "base/mem.h"
#include "mls/secret_tree.h"
#include "mls/tree_math.h"

#include "mls/secret_nodes.h"

enum dt_err
mls_secret_pair_new(struct mls_secret_node *pair[2])
{
    struct mls_secret_node *left = dt_alloc(1, sizeof *left);
    struct mls_secret_node *right = dt_alloc(1, sizeof *right);

    if (left == NULL || right == NULL) {
        dt_free(left);
        dt_free(right);
        return dt_nomem();
    }
    pair[0] = left;
    pair[1] = right;
    return DT_OK;
}

void
mls_secret_pair_free(struct mls_secret_node *pair[2])
{
    /* A node goes when its children are put on the stack: one waits per level, and one more. */
    struct mls_secret_node *stack[MLS_DEPTH_MAX + 2];
    size_t n = 0;

    for (unsigned int i = 0; i < 2; i++) {
        if (pair[i] != NULL)
            stack[n++] = pair[i];
        pair[i] = NULL;
    }
    while (n > 0) {
        struct mls_secret_node *at = stack[--n];

        for (unsigned int i = 0; i < 2; i++)
            if (at->child[i] != NULL)
                stack[n++] = at->child[i];
        dt_secret_clear(&at->secret);
        mls_leaf_ratchets_free(at->ratchets);
        dt_free(at);
    }
}

struct mls_secret_node *
mls_secret_find(struct mls_secret_node *root, uint32_t n_leaves, uint32_t number)
{
    uint32_t leaf = mls_node_first_leaf(number);
    uint32_t least = mls_node_level(number);
    struct mls_secret_node *at = root;

    for (uint32_t level = mls_node_level(mls_node_root(n_leaves)); at != NULL && level > least;
         level--)
        at = at->child[mls_secret_side(leaf, level)];
    return at;
}

enum dt_err
mls_secret_grow(struct mls_secret_node *root, uint32_t n_leaves, uint32_t number,
                struct mls_secret_node **out)
{
    uint32_t leaf = mls_node_first_leaf(number);
    uint32_t least = mls_node_level(number);
    struct mls_secret_node *at = root;
    enum dt_err err;

    for (uint32_t level = mls_node_level(mls_node_root(n_leaves)); level > least; level--) {
        if (at->child[0] == NULL && (err = mls_secret_pair_new(at->child)) != DT_OK)
            return err;
        at = at->child[mls_secret_side(leaf, level)];
    }
    *out = at;
    return DT_OK;
}

/* ${node} waits, and with it its left descendants, which come first. */
static void
wait_left(struct mls_secret_walk *w, const struct mls_secret_node *node, uint32_t number)
{
    for (; node != NULL; node = node->child[0], number = mls_node_left(number)) {
        w->waiting[w->n] = node;
        w->waiting_number[w->n++] = number;
    }
}

void
mls_secret_walk_begin(struct mls_secret_walk *w, const struct mls_secret_node *root,
                      uint32_t n_leaves)
{
    w->n = 0;
    wait_left(w, root, mls_node_root(n_leaves));
}

bool
mls_secret_walk_next(struct mls_secret_walk *w)
{
    if (w->n == 0)
        return false;
    w->n--;
    w->node = w->waiting[w->n];
    w->number = w->waiting_number[w->n];
    wait_left(w, w->node->child[1], mls_node_right(w->number));
    return true;
}
