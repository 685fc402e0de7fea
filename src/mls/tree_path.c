/* mls/tree_path.c - resolutions and filtered direct paths; see tree.h. */
#include "base/mem.h"

#include "mls/tree_store.h"

void
mls_nodes_clear(struct mls_nodes *x)
{
    dt_free(x->p);
    *x = (struct mls_nodes){0};
}

static enum dt_err
push(struct mls_nodes *x, uint32_t node)
{
    if (x->n == x->cap) {
        size_t cap = x->cap == 0 ? 16 : 2 * x->cap;
        uint32_t *p = dt_realloc(x->p, cap, sizeof *p);

        if (p == NULL)
            return dt_nomem();
        x->p = p;
        x->cap = cap;
    }
    x->p[x->n++] = node;
    return DT_OK;
}

enum dt_err
mls_tree_resolution(const struct mls_tree *t, uint32_t node, struct mls_nodes *out)
{
    /* One right sibling waits per level, so the tree's depth bounds the stack. */
    uint32_t stack[MLS_DEPTH_MAX + 2];
    size_t depth = 0;
    enum dt_err err;

    stack[depth++] = node;
    while (depth > 0) {
        const struct mls_parent_node *p;

        node = stack[--depth];
        if (!mls_tree_is_blank(t, node)) {
            if ((err = push(out, node)) != DT_OK)
                return err;
            p = mls_tree_parent(t, node);
            for (size_t i = 0; p != NULL && i < p->n_unmerged; i++)
                if ((err = push(out, 2 * p->unmerged[i])) != DT_OK)
                    return err;
        } else if (!mls_node_is_leaf(node) && !mls_tree_all_blank(t, node)) {
            stack[depth++] = mls_node_right(node);
            stack[depth++] = mls_node_left(node);
        }
    }
    return DT_OK;
}

bool
mls_tree_resolution_empty(const struct mls_tree *t, uint32_t node)
{
    return mls_tree_all_blank(t, node);
}

void
mls_tree_filtered_path(const struct mls_tree *t, uint32_t leaf_index, struct mls_path_shape *out)
{
    uint32_t child = 2 * leaf_index;

    out->n = 0;
    for (uint32_t level = 1; (1u << level) <= t->n_leaves; level++) {
        uint32_t node = mls_leaf_ancestor(leaf_index, level);
        uint32_t copath = child < node ? mls_node_right(node) : mls_node_left(node);

        /* RFC 9420 section 4.1.2: nodes whose copath child resolves to nothing are left out. */
        if (!mls_tree_resolution_empty(t, copath)) {
            out->nodes[out->n] = node;
            out->copath[out->n++] = copath;
        }
        child = node;
    }
}
