/* mls/tree.c - see tree.h; memory is in tree_store.c, hashes are in tree_hash.c, what is derived
 * from the shape in tree_path.c. */
#include <string.h>

#include "base/mem.h"

#include "mls/tree_store.h"

/* ---- parent nodes ---- */

enum dt_err
mls_parent_node_new(struct dt_view encryption_key, struct dt_view parent_hash,
                    struct mls_parent_node **out)
{
    struct mls_parent_node *p = dt_alloc(1, sizeof *p);
    enum dt_err err;

    if (p == NULL)
        return dt_nomem();
    p->refs = 1;
    dt_buf_init(&p->encryption_key, MLS_PUB_MAX);
    dt_buf_init(&p->parent_hash, MLS_HASH_MAX);
    if ((err = dt_buf_set(&p->encryption_key, encryption_key)) != DT_OK ||
        (err = dt_buf_set(&p->parent_hash, parent_hash)) != DT_OK) {
        mls_parent_node_unref(p);
        return err;
    }
    *out = p;
    return DT_OK;
}

void
mls_parent_node_unref(struct mls_parent_node *p)
{
    if (p == NULL || --p->refs > 0)
        return;
    dt_buf_clear(&p->encryption_key);
    dt_buf_clear(&p->parent_hash);
    dt_free(p->unmerged);
    dt_free(p);
}

/* Where ${leaf} is or would be in the sorted ${list}. */
static size_t
lower_bound(const uint32_t *list, size_t n, uint32_t leaf)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (list[mid] < leaf)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool
mls_parent_has_unmerged(const struct mls_parent_node *p, uint32_t leaf)
{
    size_t i = lower_bound(p->unmerged, p->n_unmerged, leaf);

    return i < p->n_unmerged && p->unmerged[i] == leaf;
}

/* *${slot} gets ${leaf} into its unmerged leaves; a shared node is copied first. */
static enum dt_err
add_unmerged(struct mls_parent_node **slot, uint32_t leaf)
{
    struct mls_parent_node *p = *slot, *copy = NULL;
    size_t at = lower_bound(p->unmerged, p->n_unmerged, leaf);
    uint32_t *list;
    enum dt_err err;

    if (p->refs > 1) {
        if ((err = mls_parent_node_new(dt_buf_view(&p->encryption_key),
                                       dt_buf_view(&p->parent_hash), &copy)) != DT_OK)
            return err;
        if ((copy->unmerged = dt_alloc(p->n_unmerged + 1, sizeof *list)) == NULL) {
            mls_parent_node_unref(copy);
            return dt_nomem();
        }
        if (p->n_unmerged > 0)
            memcpy(copy->unmerged, p->unmerged, p->n_unmerged * sizeof *list);
        copy->n_unmerged = p->n_unmerged;
        mls_parent_node_unref(p);
        *slot = p = copy;
    } else {
        if ((list = dt_realloc(p->unmerged, p->n_unmerged + 1, sizeof *list)) == NULL)
            return dt_nomem();
        p->unmerged = list;
    }
    memmove(p->unmerged + at + 1, p->unmerged + at, (p->n_unmerged - at) * sizeof *list);
    p->unmerged[at] = leaf;
    p->n_unmerged++;
    return DT_OK;
}

void
mls_parent_node_write(struct dt_writer *w, const struct mls_parent_node *p, const uint32_t *skip,
                      size_t n_skip)
{
    size_t mark, s;

    /* RFC 9420 section 7.1. */
    dt_write_vec(w, dt_buf_view(&p->encryption_key));
    dt_write_vec(w, dt_buf_view(&p->parent_hash));
    mark = dt_write_vec_begin(w);
    s = p->n_unmerged == 0 ? n_skip : lower_bound(skip, n_skip, p->unmerged[0]);
    for (size_t i = 0; i < p->n_unmerged; i++) {
        while (s < n_skip && skip[s] < p->unmerged[i])
            s++;
        if (s == n_skip || skip[s] != p->unmerged[i])
            dt_write_u32(w, p->unmerged[i]);
    }
    dt_write_vec_end(w, mark);
}

/* ${node}: where it stands, since its unmerged leaves must be below it, in strictly increasing
 * order. */
static enum dt_err
read_parent_node(struct dt_reader *r, uint32_t node, struct mls_parent_node **out)
{
    struct mls_parent_node *p = NULL;
    struct dt_view key, hash;
    struct dt_reader sub;
    enum dt_err err;

    if ((err = dt_read_vec(r, MLS_PUB_MAX, &key)) != DT_OK ||
        (err = dt_read_vec(r, MLS_HASH_MAX, &hash)) != DT_OK ||
        (err = dt_read_sub(r, 4 * MLS_LEAVES_MAX, &sub)) != DT_OK ||
        (err = mls_parent_node_new(key, hash, &p)) != DT_OK)
        goto done;
    if (sub.n > 0 && (p->unmerged = dt_alloc(sub.n / 4 + 1, sizeof *p->unmerged)) == NULL) {
        err = dt_nomem();
        goto done;
    }
    while (sub.n > 0) {
        uint32_t leaf;

        if ((err = dt_read_u32(&sub, &leaf)) != DT_OK)
            goto done;
        if (!mls_node_covers(node, leaf) ||
            (p->n_unmerged > 0 && leaf <= p->unmerged[p->n_unmerged - 1])) {
            err = dt_fail(DT_ERR_FORMAT,
                          "unmerged leaves of node %u are not sorted or not below it", node);
            goto done;
        }
        p->unmerged[p->n_unmerged++] = leaf;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the tree was grown to have this node */
    *out = p;
    p = NULL;
done:
    mls_parent_node_unref(p);
    return err;
}

/* ---- codec, RFC 9420 section 12.4.3.3 ---- */

static enum dt_err
read_node(struct dt_reader *r, struct mls_tree *t, uint32_t node)
{
    uint32_t need = mls_pow2_at_least((node + 3) / 2); /* smallest tree that has this node */
    struct mls_parent_node *parent = NULL;
    struct mls_leaf_node *leaf = NULL;
    uint8_t type;
    enum dt_err err;

    if (need > t->n_leaves && (err = mls_tree_grow(t, need)) != DT_OK)
        return err;
    if ((err = dt_read_u8(r, &type)) != DT_OK)
        return err;
    if (type != (mls_node_is_leaf(node) ? 1 : 2))
        return dt_fail(DT_ERR_FORMAT, "node %u of a ratchet tree is of the wrong kind", node);
    if (mls_node_is_leaf(node)) {
        if ((err = mls_leaf_node_read(r, &leaf)) == DT_OK)
            mls_tree_put_leaf(t, node / 2, leaf);
    } else if ((err = read_parent_node(r, node, &parent)) == DT_OK) {
        mls_tree_put_parent(t, node, parent);
    }
    return err;
}

enum dt_err
mls_tree_read(struct dt_reader *r, const struct dt_suite *suite, struct mls_tree *out)
{
    struct mls_tree t;
    struct dt_reader sub;
    bool present = false;
    uint32_t node = 0;
    enum dt_err err;

    mls_tree_init(&t, suite);
    if ((err = dt_read_sub(r, MLS_RATCHET_TREE_MAX, &sub)) != DT_OK)
        goto done;
    for (; sub.n > 0; node++) {
        if (node >= MLS_NODES_MAX) {
            err = dt_fail(DT_ERR_LIMIT, "a ratchet tree has too many nodes");
            goto done;
        }
        if ((err = dt_read_optional(&sub, &present)) != DT_OK ||
            (present && (err = read_node(&sub, &t, node)) != DT_OK))
            goto done;
    }
    /* The last node is not blank; and since nothing blank ends a tree, it is a leaf. */
    if (!present || node % 2 == 0) {
        err = dt_fail(DT_ERR_FORMAT, "a ratchet tree does not end with a leaf");
        goto done;
    }
    *out = t;
    mls_tree_init(&t, suite);
done:
    mls_tree_clear(&t);
    return err;
}

enum dt_err
mls_tree_parse(struct dt_view v, const struct dt_suite *suite, struct mls_tree *out)
{
    struct dt_reader r = dt_reader_init(v);
    struct mls_tree t;
    enum dt_err err;

    mls_tree_init(&t, suite);
    if ((err = mls_tree_read(&r, suite, &t)) != DT_OK)
        return err;
    if ((err = dt_read_end(&r)) != DT_OK) {
        mls_tree_clear(&t);
        return err;
    }
    *out = t;
    return DT_OK;
}

void
mls_tree_write(struct dt_writer *w, const struct mls_tree *t)
{
    uint32_t end = mls_node_width(t->n_leaves);
    size_t mark = dt_write_vec_begin(w);
    const uint32_t no_skip = 0;

    while (end > 0 && mls_tree_is_blank(t, end - 1))
        end--;
    for (uint32_t node = 0; node < end; node++) {
        bool blank = mls_tree_is_blank(t, node);

        dt_write_optional(w, !blank);
        if (blank)
            continue;
        dt_write_u8(w, mls_node_is_leaf(node) ? 1 : 2);
        if (mls_node_is_leaf(node))
            mls_leaf_node_write(w, mls_tree_leaf(t, node / 2));
        else
            mls_parent_node_write(w, mls_tree_parent(t, node), &no_skip, 0);
    }
    dt_write_vec_end(w, mark);
}

/* ---- looking ---- */

bool
mls_tree_is_blank(const struct mls_tree *t, uint32_t node)
{
    return mls_node_is_leaf(node) ? mls_tree_leaf(t, node / 2) == NULL
                                  : mls_tree_parent(t, node) == NULL;
}

struct dt_view
mls_tree_key(const struct mls_tree *t, uint32_t node)
{
    if (mls_tree_is_blank(t, node))
        return dt_view(NULL, 0);
    return mls_node_is_leaf(node) ? mls_tree_leaf(t, node / 2)->encryption_key
                                  : dt_buf_view(&mls_tree_parent(t, node)->encryption_key);
}

uint32_t
mls_tree_n_members(const struct mls_tree *t)
{
    return t->n_members;
}

uint32_t
mls_tree_find_encryption_key(const struct mls_tree *t, struct dt_view key)
{
    for (uint32_t i = 0; i < t->n_leaves; i++)
        if (mls_tree_leaf(t, i) != NULL && dt_view_equal(mls_tree_leaf(t, i)->encryption_key, key))
            return i;
    return MLS_NO_NODE;
}

uint32_t
mls_tree_find_signature_key(const struct mls_tree *t, struct dt_view key)
{
    for (uint32_t i = 0; i < t->n_leaves; i++)
        if (mls_tree_leaf(t, i) != NULL && dt_view_equal(mls_tree_leaf(t, i)->signature_key, key))
            return i;
    return MLS_NO_NODE;
}

uint32_t
mls_tree_find_leaf(const struct mls_tree *t, const struct mls_leaf_node *leaf)
{
    for (uint32_t i = 0; i < t->n_leaves; i++)
        if (mls_tree_leaf(t, i) != NULL &&
            dt_view_equal(dt_buf_view(&mls_tree_leaf(t, i)->raw), dt_buf_view(&leaf->raw)))
            return i;
    return MLS_NO_NODE;
}

/* ---- changing ---- */

enum dt_err
mls_tree_blank_direct_path(struct mls_tree *t, uint32_t index)
{
    enum dt_err err = DT_OK;

    for (uint32_t level = 1; err == DT_OK && (1u << level) <= t->n_leaves; level++) {
        uint32_t node = mls_leaf_ancestor(index, level);

        if (!mls_tree_is_blank(t, node))
            err = mls_tree_set_parent(t, node, NULL);
    }
    return err;
}

enum dt_err
mls_tree_add(struct mls_tree *t, struct mls_leaf_node *leaf, uint32_t *index)
{
    uint32_t at = mls_tree_first_blank(t);
    enum dt_err err;

    if (at == t->n_leaves && (err = mls_tree_grow(t, at == 0 ? 1 : 2 * at)) != DT_OK)
        return err;
    if ((err = mls_tree_set_leaf(t, at, leaf)) != DT_OK)
        return err;
    /* The blocks of all ancestors are ours now. */
    for (uint32_t level = 1; (1u << level) <= t->n_leaves; level++) {
        struct mls_parent_node **p = mls_tree_parent_slot(t, mls_leaf_ancestor(at, level));

        if (*p != NULL && (err = add_unmerged(p, at)) != DT_OK)
            return err;
    }
    *index = at;
    return DT_OK;
}

enum dt_err
mls_tree_update(struct mls_tree *t, uint32_t index, struct mls_leaf_node *leaf)
{
    enum dt_err err;

    if (mls_tree_leaf(t, index) == NULL)
        return dt_fail(DT_ERR_RANGE, "there is no member at leaf %u", index);
    if ((err = mls_tree_set_leaf(t, index, leaf)) != DT_OK)
        return err;
    return mls_tree_blank_direct_path(t, index);
}

/* RFC 9420 section 7.7: while the right half is all blank, the left half is the tree. */
static enum dt_err
truncate_tree(struct mls_tree *t)
{
    enum dt_err err = DT_OK;

    while (err == DT_OK && t->n_leaves > 1 &&
           mls_tree_all_blank(t, mls_node_right(mls_node_root(t->n_leaves))))
        err = mls_tree_shrink(t, t->n_leaves / 2);
    if (err == DT_OK && t->n_leaves == 1 && mls_tree_leaf(t, 0) == NULL)
        err = mls_tree_shrink(t, 0);
    return err;
}

enum dt_err
mls_tree_remove(struct mls_tree *t, uint32_t index)
{
    enum dt_err err;

    if (mls_tree_leaf(t, index) == NULL)
        return dt_fail(DT_ERR_RANGE, "there is no member at leaf %u", index);
    if ((err = mls_tree_set_leaf(t, index, NULL)) != DT_OK ||
        (err = mls_tree_blank_direct_path(t, index)) != DT_OK)
        return err;
    return truncate_tree(t);
}
