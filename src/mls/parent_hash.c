/* mls/parent_hash.c - see parent_hash.h. */
#include "mls/parent_hash.h"

enum dt_err
mls_parent_hash(struct mls_tree *t, uint32_t parent, uint32_t sibling, uint8_t *out)
{
    const struct mls_parent_node *p = mls_tree_parent(t, parent);
    DT_CLEANUP(dt_buf_clear) struct dt_buf input = DT_BUF_INIT(1024);
    struct dt_writer w = dt_writer_init(&input);
    uint8_t original[MLS_HASH_MAX];
    struct dt_view all;
    enum dt_err err;

    if (p == NULL)
        return dt_fail(DT_ERR_STATE, "a blank node has no parent hash");
    if ((err = mls_tree_hash_without(t, sibling, p->unmerged, p->n_unmerged, original)) != DT_OK)
        return err;
    /* RFC 9420 section 7.9: ParentHashInput. */
    dt_write_vec(&w, dt_buf_view(&p->encryption_key));
    dt_write_vec(&w, dt_buf_view(&p->parent_hash));
    dt_write_vec(&w, dt_view(original, t->suite->hash_len));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    all = dt_buf_view(&input);
    return dt_hash(t->suite->hash, &all, 1, out);
}

enum dt_err
mls_parent_hash_fill(struct mls_tree *t, const struct mls_path_shape *shape,
                     struct dt_buf *leaf_hash)
{
    struct mls_parent_node *next;
    uint8_t hash[MLS_HASH_MAX];
    struct dt_view above = {NULL, 0}; /* the top node of the path has an empty parent hash */
    enum dt_err err;

    for (uint32_t i = shape->n; i-- > 0;) {
        const struct mls_parent_node *p = mls_tree_parent(t, shape->nodes[i]);

        if ((err = mls_parent_node_new(dt_buf_view(&p->encryption_key), above, &next)) != DT_OK)
            return err;
        if ((err = mls_tree_set_parent(t, shape->nodes[i], next)) != DT_OK ||
            (err = mls_parent_hash(t, shape->nodes[i], shape->copath[i], hash)) != DT_OK)
            return err;
        above = dt_view(hash, t->suite->hash_len);
    }
    return dt_buf_append(leaf_hash, above);
}

/* ---- RFC 9420 section 7.9.2 ---- */

/* The parent_hash field of a non-blank node; empty for a leaf that no Commit set. */
static struct dt_view
field_of(const struct mls_tree *t, uint32_t node)
{
    return mls_node_is_leaf(node) ? mls_tree_leaf(t, node / 2)->parent_hash
                                  : dt_buf_view(&mls_tree_parent(t, node)->parent_hash);
}

/*
 * Is there a node D in the resolution of ${child} such that the rest of that resolution is what is
 * unmerged at ${parent} below ${child}, and D's parent_hash is that of ${parent}? At most one D can
 * be.
 */
static enum dt_err
child_vouches(struct mls_tree *t, uint32_t parent, uint32_t child, uint32_t sibling, bool *out)
{
    const struct mls_parent_node *p = mls_tree_parent(t, parent);
    struct mls_nodes res = {0};
    uint32_t candidate = MLS_NO_NODE;
    size_t n_others = 0, n_unmerged = 0;
    uint8_t hash[MLS_HASH_MAX];
    enum dt_err err;

    *out = false;
    if ((err = mls_tree_resolution(t, child, &res)) != DT_OK)
        goto done;
    for (size_t i = 0; i < p->n_unmerged; i++)
        n_unmerged += mls_node_covers(child, p->unmerged[i]);
    for (size_t i = 0; i < res.n; i++) {
        if (mls_node_is_leaf(res.p[i]) && mls_parent_has_unmerged(p, res.p[i] / 2))
            n_others++;
        else if (candidate == MLS_NO_NODE)
            candidate = res.p[i];
        else
            goto done; /* two nodes that P does not count as unmerged */
    }
    if (candidate == MLS_NO_NODE || n_others != n_unmerged || field_of(t, candidate).n == 0)
        goto done;
    if ((err = mls_parent_hash(t, parent, sibling, hash)) != DT_OK)
        goto done;
    *out = dt_view_equal(field_of(t, candidate), dt_view(hash, t->suite->hash_len));
done:
    mls_nodes_clear(&res);
    return err;
}

enum dt_err
mls_parent_hash_check(struct mls_tree *t)
{
    for (uint32_t node = 1; node < mls_node_width(t->n_leaves); node += 2) {
        uint32_t l = mls_node_left(node), r = mls_node_right(node);
        bool left, right;
        enum dt_err err;

        if (mls_tree_is_blank(t, node))
            continue;
        if ((err = child_vouches(t, node, l, r, &left)) != DT_OK ||
            (err = child_vouches(t, node, r, l, &right)) != DT_OK)
            return err;
        if (left == right)
            return dt_fail(DT_ERR_AUTH, "parent node %u is not parent-hash valid", node);
    }
    return DT_OK;
}
