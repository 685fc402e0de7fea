/* mls/tree_hash.c - tree hashes with their cache, and hashes of the tree as it was; see tree.h. */
#include <string.h>

#include "base/mem.h"

#include "mls/tree_store.h"

/* RFC 9420 section 7.8: enum NodeType. */
#define TYPE_LEAF   1
#define TYPE_PARENT 2

/* TreeHashInput of a leaf, present or blank. */
static enum dt_err
hash_leaf(const struct mls_tree *t, uint32_t leaf_index, const struct mls_leaf_node *leaf,
          uint8_t *out)
{
    uint8_t head[6] = {TYPE_LEAF};
    struct dt_view parts[2] = {dt_view_of(head), {NULL, 0}};

    head[1] = (uint8_t)(leaf_index >> 24);
    head[2] = (uint8_t)(leaf_index >> 16);
    head[3] = (uint8_t)(leaf_index >> 8);
    head[4] = (uint8_t)leaf_index;
    head[5] = leaf != NULL;
    if (leaf != NULL)
        parts[1] = dt_buf_view(&leaf->raw);
    return dt_hash(t->suite->hash, parts, 2, out);
}

/* TreeHashInput of a parent whose children have these hashes. ${scratch} is reused between calls.
 */
static enum dt_err
hash_parent(const struct mls_tree *t, uint32_t node, const uint8_t *left, const uint8_t *right,
            const uint32_t *skip, size_t n_skip, struct dt_buf *scratch, uint8_t *out)
{
    const struct mls_parent_node *p = mls_tree_parent(t, node);
    struct dt_writer w;
    struct dt_view all;
    enum dt_err err;

    scratch->n = 0;
    w = dt_writer_init(scratch);
    dt_write_u8(&w, TYPE_PARENT);
    dt_write_optional(&w, p != NULL);
    if (p != NULL)
        mls_parent_node_write(&w, p, skip, n_skip);
    dt_write_vec(&w, dt_view(left, t->suite->hash_len));
    dt_write_vec(&w, dt_view(right, t->suite->hash_len));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    all = dt_buf_view(scratch);
    return dt_hash(t->suite->hash, &all, 1, out);
}

enum dt_err
mls_tree_node_hash(struct mls_tree *t, uint32_t node, uint8_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf scratch = DT_BUF_INIT(8 * MLS_LEAVES_MAX);
    uint32_t stack[MLS_DEPTH_MAX + 1]; /* a path downwards of nodes without a hash: no recursion */
    size_t depth = 0;
    enum dt_err err;

    if (!*mls_hashed_flag(t, node))
        stack[depth++] = node;
    while (depth > 0) {
        uint32_t x = stack[depth - 1];

        if (mls_node_is_leaf(x)) {
            err = hash_leaf(t, x / 2, mls_tree_leaf(t, x / 2), mls_hash_slot(t, x));
        } else if (!*mls_hashed_flag(t, mls_node_left(x))) {
            stack[depth++] = mls_node_left(x);
            continue;
        } else if (!*mls_hashed_flag(t, mls_node_right(x))) {
            stack[depth++] = mls_node_right(x);
            continue;
        } else {
            err = hash_parent(t, x, mls_hash_slot(t, mls_node_left(x)),
                              mls_hash_slot(t, mls_node_right(x)), NULL, 0, &scratch,
                              mls_hash_slot(t, x));
        }
        if (err != DT_OK)
            return err;
        *mls_hashed_flag(t, x) = 1;
        depth--;
    }
    memcpy(out, mls_hash_slot(t, node), t->suite->hash_len);
    return DT_OK;
}

enum dt_err
mls_tree_hash(struct mls_tree *t, uint8_t *out)
{
    if (t->n_leaves == 0)
        return dt_fail(DT_ERR_STATE, "an empty tree has no hash");
    return mls_tree_node_hash(t, mls_node_root(t->n_leaves), out);
}

/* ---- the tree as it was when a parent node was last set ---- */

/* Nodes of one level whose subtree holds a removed leaf, ascending, with their changed hashes. */
struct changed {
    uint32_t *nodes;
    uint8_t *hashes;
    size_t n;
    size_t hash_len;
};

/* The hash of ${node}: the changed one if it is entry *${i} (which is consumed), else the present
 * one. */
static enum dt_err
child_hash(struct mls_tree *t, const struct changed *c, size_t *i, uint32_t node, uint8_t *out)
{
    if (*i < c->n && c->nodes[*i] == node) {
        memcpy(out, c->hashes + *i * c->hash_len, c->hash_len);
        ++*i;
        return DT_OK;
    }
    return mls_tree_node_hash(t, node, out);
}

/* Replace the changed nodes of one level by their parents. */
static enum dt_err
climb(struct mls_tree *t, struct changed *c, const uint32_t *removed, size_t n_removed,
      struct dt_buf *scratch)
{
    uint8_t left[MLS_HASH_MAX], right[MLS_HASH_MAX];
    size_t i = 0, n = 0;
    enum dt_err err;

    while (i < c->n) {
        uint32_t parent = mls_node_parent(c->nodes[i], t->n_leaves);

        if ((err = child_hash(t, c, &i, mls_node_left(parent), left)) != DT_OK ||
            (err = child_hash(t, c, &i, mls_node_right(parent), right)) != DT_OK ||
            (err = hash_parent(t, parent, left, right, removed, n_removed, scratch,
                               c->hashes + n * c->hash_len)) != DT_OK)
            return err;
        c->nodes[n++] = parent;
    }
    c->n = n;
    return DT_OK;
}

enum dt_err
mls_tree_hash_without(struct mls_tree *t, uint32_t node, const uint32_t *removed, size_t n_removed,
                      uint8_t *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf scratch = DT_BUF_INIT(8 * MLS_LEAVES_MAX);
    struct changed c = {NULL, NULL, 0, t->suite->hash_len};
    enum dt_err err = DT_OK;

    /* Only the removed leaves below node count; every other subtree keeps its cached hash. */
    while (n_removed > 0 && removed[0] < mls_node_first_leaf(node)) {
        removed++;
        n_removed--;
    }
    while (n_removed > 0 && removed[n_removed - 1] > mls_node_last_leaf(node))
        n_removed--;
    if (n_removed == 0)
        return mls_tree_node_hash(t, node, out);

    c.nodes = dt_alloc(n_removed, sizeof *c.nodes);
    c.hashes = dt_alloc(n_removed, c.hash_len);
    if (c.nodes == NULL || c.hashes == NULL) {
        err = dt_nomem();
        goto done;
    }
    for (; c.n < n_removed; c.n++) {
        c.nodes[c.n] = 2 * removed[c.n];
        if ((err = hash_leaf(t, removed[c.n], NULL, c.hashes + c.n * c.hash_len)) != DT_OK)
            goto done;
    }
    for (uint32_t level = 0; level < mls_node_level(node); level++)
        if ((err = climb(t, &c, removed, n_removed, &scratch)) != DT_OK)
            goto done;
    memcpy(out, c.hashes, c.hash_len);
done:
    dt_free(c.nodes);
    dt_free(c.hashes);
    return err;
}
