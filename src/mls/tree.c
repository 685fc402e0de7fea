/* mls/tree.c - see tree.h; hashes are in tree_hash.c, what is derived from the shape in
 * tree_path.c. */
#include <string.h>

#include "base/mem.h"

#include "mls/tree.h"

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

/* ---- the array ---- */

void
mls_tree_init(struct mls_tree *t, const struct dt_suite *suite)
{
    memset(t, 0, sizeof *t);
    t->suite = suite;
}

/* Release every node with leaf index >= ${n_leaves} and the parents that stand on them. */
static void
drop_right_of(struct mls_tree *t, uint32_t n_leaves)
{
    uint32_t first_parent = n_leaves == 0 ? 0 : n_leaves - 1;

    for (uint32_t i = n_leaves; i < t->n_leaves; i++) {
        mls_leaf_node_unref(t->leaves[i]);
        t->leaves[i] = NULL;
    }
    for (uint32_t i = first_parent; i + 1 < t->n_leaves; i++) {
        mls_parent_node_unref(t->parents[i]);
        t->parents[i] = NULL;
    }
    t->n_leaves = n_leaves;
}

void
mls_tree_clear(struct mls_tree *t)
{
    if (t == NULL)
        return;
    drop_right_of(t, 0);
    dt_free(t->leaves);
    dt_free(t->parents);
    dt_free(t->hashes);
    dt_free(t->hashed);
    mls_tree_init(t, t->suite);
}

/* Make it ${n_leaves} wide (a power of two, wider than now); all new nodes are blank. */
static enum dt_err
grow(struct mls_tree *t, uint32_t n_leaves)
{
    uint32_t old = t->n_leaves, width = mls_node_width(n_leaves), old_width = mls_node_width(old);
    void *p;

    if (n_leaves > MLS_LEAVES_MAX)
        return dt_fail(DT_ERR_LIMIT, "a ratchet tree has more than %u leaves", MLS_LEAVES_MAX);
    /* Each array may stay wider than n_leaves when a later one cannot be had. */
    if ((p = dt_realloc(t->leaves, n_leaves, sizeof(*t->leaves))) == NULL)
        return dt_nomem();
    t->leaves = p;
    if ((p = dt_realloc(t->parents, n_leaves, sizeof(*t->parents))) == NULL)
        return dt_nomem();
    t->parents = p;
    if ((p = dt_realloc(t->hashes, width, t->suite->hash_len)) == NULL)
        return dt_nomem();
    t->hashes = p;
    if ((p = dt_realloc(t->hashed, width, 1)) == NULL)
        return dt_nomem();
    t->hashed = p;
    for (uint32_t i = old; i < n_leaves; i++)
        t->leaves[i] = NULL;
    for (uint32_t i = old == 0 ? 0 : old - 1; i < n_leaves; i++)
        t->parents[i] = NULL;
    memset(t->hashed + old_width, 0, width - old_width);
    t->n_leaves = n_leaves;
    return DT_OK;
}

enum dt_err
mls_tree_copy(const struct mls_tree *t, struct mls_tree *out)
{
    struct mls_tree c;
    enum dt_err err;

    mls_tree_init(&c, t->suite);
    if (t->n_leaves > 0) {
        if ((err = grow(&c, t->n_leaves)) != DT_OK) {
            mls_tree_clear(&c);
            return err;
        }
        for (uint32_t i = 0; i < t->n_leaves; i++)
            if (t->leaves[i] != NULL)
                c.leaves[i] = mls_leaf_node_ref(t->leaves[i]);
        for (uint32_t i = 0; i + 1 < t->n_leaves; i++) {
            if (t->parents[i] != NULL)
                t->parents[i]->refs++;
            c.parents[i] = t->parents[i];
        }
        memcpy(c.hashed, t->hashed, mls_node_width(t->n_leaves));
        /* Hashes that are not valid may never have been written. */
        for (uint32_t i = 0; i < mls_node_width(t->n_leaves); i++)
            if (t->hashed[i] != 0)
                memcpy(c.hashes + i * t->suite->hash_len, t->hashes + i * t->suite->hash_len,
                       t->suite->hash_len);
    }
    *out = c;
    return DT_OK;
}

void
mls_tree_move(struct mls_tree *to, struct mls_tree *from)
{
    mls_tree_clear(to);
    *to = *from;
    mls_tree_init(from, to->suite);
}

/* ---- codec, RFC 9420 section 12.4.3.3 ---- */

static enum dt_err
read_node(struct dt_reader *r, struct mls_tree *t, uint32_t node)
{
    uint32_t need = mls_pow2_at_least((node + 3) / 2); /* smallest tree that has this node */
    uint8_t type;
    enum dt_err err;

    if (need > t->n_leaves && (err = grow(t, need)) != DT_OK)
        return err;
    if ((err = dt_read_u8(r, &type)) != DT_OK)
        return err;
    if (type != (mls_node_is_leaf(node) ? 1 : 2))
        return dt_fail(DT_ERR_FORMAT, "node %u of a ratchet tree is of the wrong kind", node);
    if (mls_node_is_leaf(node))
        return mls_leaf_node_read(r, &t->leaves[node / 2]);
    return read_parent_node(r, node, &t->parents[node / 2]);
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
            mls_leaf_node_write(w, t->leaves[node / 2]);
        else
            mls_parent_node_write(w, t->parents[node / 2], &no_skip, 0);
    }
    dt_write_vec_end(w, mark);
}

/* ---- looking ---- */

const struct mls_leaf_node *
mls_tree_leaf(const struct mls_tree *t, uint32_t leaf_index)
{
    return leaf_index < t->n_leaves ? t->leaves[leaf_index] : NULL;
}

const struct mls_parent_node *
mls_tree_parent(const struct mls_tree *t, uint32_t node)
{
    if (mls_node_is_leaf(node) || node >= mls_node_width(t->n_leaves))
        return NULL;
    return t->parents[node / 2];
}

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
    return mls_node_is_leaf(node) ? t->leaves[node / 2]->encryption_key
                                  : dt_buf_view(&t->parents[node / 2]->encryption_key);
}

uint32_t
mls_tree_n_members(const struct mls_tree *t)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < t->n_leaves; i++)
        n += t->leaves[i] != NULL;
    return n;
}

uint32_t
mls_tree_find_encryption_key(const struct mls_tree *t, struct dt_view key)
{
    for (uint32_t i = 0; i < t->n_leaves; i++)
        if (t->leaves[i] != NULL && dt_view_equal(t->leaves[i]->encryption_key, key))
            return i;
    return MLS_NO_NODE;
}

uint32_t
mls_tree_find_signature_key(const struct mls_tree *t, struct dt_view key)
{
    for (uint32_t i = 0; i < t->n_leaves; i++)
        if (t->leaves[i] != NULL && dt_view_equal(t->leaves[i]->signature_key, key))
            return i;
    return MLS_NO_NODE;
}

uint32_t
mls_tree_find_leaf(const struct mls_tree *t, const struct mls_leaf_node *leaf)
{
    for (uint32_t i = 0; i < t->n_leaves; i++)
        if (t->leaves[i] != NULL &&
            dt_view_equal(dt_buf_view(&t->leaves[i]->raw), dt_buf_view(&leaf->raw)))
            return i;
    return MLS_NO_NODE;
}

/* ---- changing ---- */

/* The hash of ${node} and of all above it is no longer known. */
static void
touch(struct mls_tree *t, uint32_t node)
{
    uint32_t leaf = mls_node_first_leaf(node);

    for (uint32_t level = mls_node_level(node); (1u << level) <= t->n_leaves; level++)
        t->hashed[mls_leaf_ancestor(leaf, level)] = 0;
}

void
mls_tree_set_leaf(struct mls_tree *t, uint32_t index, struct mls_leaf_node *leaf)
{
    struct mls_leaf_node *old = t->leaves[index];

    t->leaves[index] = leaf == NULL ? NULL : mls_leaf_node_ref(leaf);
    mls_leaf_node_unref(old);
    touch(t, 2 * index);
}

void
mls_tree_set_parent(struct mls_tree *t, uint32_t node, struct mls_parent_node *parent)
{
    mls_parent_node_unref(t->parents[node / 2]);
    t->parents[node / 2] = parent;
    touch(t, node);
}

void
mls_tree_blank_direct_path(struct mls_tree *t, uint32_t index)
{
    for (uint32_t level = 1; (1u << level) <= t->n_leaves; level++)
        mls_tree_set_parent(t, mls_leaf_ancestor(index, level), NULL);
}

enum dt_err
mls_tree_add(struct mls_tree *t, struct mls_leaf_node *leaf, uint32_t *index)
{
    uint32_t at = 0;
    enum dt_err err;

    while (at < t->n_leaves && t->leaves[at] != NULL)
        at++;
    if (at == t->n_leaves && (err = grow(t, at == 0 ? 1 : 2 * at)) != DT_OK)
        return err;
    for (uint32_t level = 1; (1u << level) <= t->n_leaves; level++) {
        uint32_t node = mls_leaf_ancestor(at, level);

        if (t->parents[node / 2] == NULL)
            continue;
        if ((err = add_unmerged(&t->parents[node / 2], at)) != DT_OK)
            return err;
        t->hashed[node] = 0;
    }
    mls_tree_set_leaf(t, at, leaf);
    *index = at;
    return DT_OK;
}

enum dt_err
mls_tree_update(struct mls_tree *t, uint32_t index, struct mls_leaf_node *leaf)
{
    if (mls_tree_leaf(t, index) == NULL)
        return dt_fail(DT_ERR_RANGE, "there is no member at leaf %u", index);
    mls_tree_set_leaf(t, index, leaf);
    mls_tree_blank_direct_path(t, index);
    return DT_OK;
}

/* RFC 9420 section 7.7: while the right half is all blank, the left half is the tree. */
static void
truncate_tree(struct mls_tree *t)
{
    while (t->n_leaves > 0) {
        uint32_t half = t->n_leaves / 2;

        for (uint32_t node = 2 * half; node < mls_node_width(t->n_leaves); node++)
            if (!mls_tree_is_blank(t, node))
                return;
        drop_right_of(t, half);
    }
}

enum dt_err
mls_tree_remove(struct mls_tree *t, uint32_t index)
{
    if (mls_tree_leaf(t, index) == NULL)
        return dt_fail(DT_ERR_RANGE, "there is no member at leaf %u", index);
    mls_tree_set_leaf(t, index, NULL);
    mls_tree_blank_direct_path(t, index);
    truncate_tree(t);
    return DT_OK;
}
