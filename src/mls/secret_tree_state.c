/*
 * mls/secret_tree_state.c - a secret tree as bytes, and back: whole, or node by node and leaf by
 * leaf.
 *
 * Source: RFC 9420 section 9. In TLS presentation language:
 *
 *   struct { uint32 generation; optional<> done; opaque secret<V>;
 *            struct { uint32 generation; opaque key_nonce[key_len + nonce_len]; } kept<V>; }
 * Ratchet; struct { Ratchet handshake; Ratchet application; } Ratchets; struct { struct { uint32
 * node; opaque secret[hash_len]; } nodes<V>; struct { uint32 leaf; Ratchets ratchets; } leaves<V>;
 * } SecretTree;   (by rising number)
 */
#include "base/mem.h"
#include "mls/group_limits.h"
#include "mls/tree_math.h"

#include "mls/secret_tree.h"

static void
ratchet_write(struct dt_writer *w, const struct mls_ratchet *r)
{
    size_t mark;

    dt_write_u32(w, r->generation);
    dt_write_optional(w, r->done);
    dt_write_vec(w, dt_secret_view(&r->secret));
    mark = dt_write_vec_begin(w);
    for (size_t i = 0; i < r->n_kept; i++) {
        dt_write_u32(w, r->kept[i].generation);
        dt_write_view(w, dt_secret_view(&r->kept[i].key_nonce));
    }
    dt_write_vec_end(w, mark);
}

bool
mls_secret_tree_node_write(struct dt_writer *w, const struct mls_secret_tree *t, uint32_t node)
{
    const struct mls_secret_node *at = mls_secret_find(t->root, t->n_leaves, node);

    if (at == NULL || at->secret.n == 0)
        return false;
    dt_write_view(w, dt_secret_view(&at->secret));
    return true;
}

bool
mls_secret_tree_leaf_write(struct dt_writer *w, const struct mls_secret_tree *t, uint32_t leaf)
{
    const struct mls_leaf_ratchets *l = mls_secret_tree_leaf(t, leaf);

    if (l == NULL)
        return false;
    ratchet_write(w, &l->ratchet[MLS_RATCHET_HANDSHAKE]);
    ratchet_write(w, &l->ratchet[MLS_RATCHET_APPLICATION]);
    return true;
}

void
mls_secret_tree_write(struct dt_writer *w, const struct mls_secret_tree *t)
{
    struct mls_secret_walk at;
    size_t mark = dt_write_vec_begin(w);

    for (mls_secret_walk_begin(&at, t->root, t->n_leaves); mls_secret_walk_next(&at);) {
        if (at.node->secret.n == 0)
            continue;
        dt_write_u32(w, at.number);
        (void)mls_secret_tree_node_write(w, t, at.number);
    }
    dt_write_vec_end(w, mark);
    mark = dt_write_vec_begin(w);
    for (mls_secret_walk_begin(&at, t->root, t->n_leaves); mls_secret_walk_next(&at);) {
        if (at.node->ratchets == NULL)
            continue;
        dt_write_u32(w, at.number / 2);
        (void)mls_secret_tree_leaf_write(w, t, at.number / 2);
    }
    dt_write_vec_end(w, mark);
}

static enum dt_err
ratchet_read(struct dt_reader *r, const struct dt_suite *suite, struct mls_ratchet *out)
{
    size_t each = 4 + suite->key_len + suite->nonce_len;
    struct dt_reader kept;
    struct dt_view v;
    size_t n;
    enum dt_err err;

    if ((err = dt_read_u32(r, &out->generation)) != DT_OK ||
        (err = dt_read_optional(r, &out->done)) != DT_OK ||
        (err = dt_read_vec(r, DT_HASH_MAX, &v)) != DT_OK)
        return err;
    if (v.n != (out->done ? 0 : suite->hash_len) || (out->done && out->generation != UINT32_MAX))
        return dt_fail(DT_ERR_FORMAT, "saved ratchet has a secret of %zu bytes", v.n);
    if (v.n > 0 && (err = dt_secret_set(&out->secret, v)) != DT_OK)
        return err;
    if ((err = dt_read_sub(r, each * MLS_RATCHET_KEPT_MAX, &kept)) != DT_OK)
        return err;
    if (kept.n % each != 0)
        return dt_fail(DT_ERR_FORMAT, "saved ratchet's kept keys are cut");
    n = kept.n / each;
    out->kept = dt_alloc(n, sizeof *out->kept);
    if (out->kept == NULL)
        return dt_nomem();
    for (size_t i = 0; i < n; i++) {
        struct mls_kept_key *k = &out->kept[i];

        if ((err = dt_read_u32(&kept, &k->generation)) != DT_OK ||
            (err = dt_read_view(&kept, each - 4, &v)) != DT_OK)
            return err;
        if (k->generation >= out->generation || (i > 0 && k->generation <= k[-1].generation))
            return dt_fail(DT_ERR_FORMAT, "saved ratchet's kept keys are out of order");
        if ((err = dt_secret_set(&k->key_nonce, v)) != DT_OK)
            return err;
        out->n_kept = i + 1;
    }
    return DT_OK;
}

enum dt_err
mls_secret_tree_node_read(struct dt_reader *r, struct mls_secret_tree *t, uint32_t node)
{
    struct mls_secret_node *at = NULL;
    struct dt_view v;
    enum dt_err err = dt_read_view(r, t->suite->hash_len, &v);

    if (err == DT_OK && node < mls_node_width(t->n_leaves))
        err = mls_secret_grow(t->root, t->n_leaves, node, &at);
    if (err != DT_OK)
        return err;
    if (at == NULL || at->secret.n > 0)
        return dt_fail(DT_ERR_FORMAT, "saved secret tree: node %u is twice or not in it", node);
    return dt_secret_set(&at->secret, v);
}

enum dt_err
mls_secret_tree_leaf_read(struct dt_reader *r, struct mls_secret_tree *t, uint32_t leaf)
{
    struct mls_secret_node *at = NULL;
    enum dt_err err = DT_OK;

    if (leaf < t->n_leaves)
        err = mls_secret_grow(t->root, t->n_leaves, 2 * leaf, &at);
    if (err != DT_OK)
        return err;
    if (at == NULL || at->ratchets != NULL)
        return dt_fail(DT_ERR_FORMAT, "saved secret tree: leaf %u is twice or not in it", leaf);
    at->ratchets =
        dt_alloc(1, sizeof *at->ratchets); /* cleared with the tree, also when half read */
    if (at->ratchets == NULL)
        return dt_nomem();
    err = ratchet_read(r, t->suite, &at->ratchets->ratchet[MLS_RATCHET_HANDSHAKE]);
    return err != DT_OK
               ? err
               : ratchet_read(r, t->suite, &at->ratchets->ratchet[MLS_RATCHET_APPLICATION]);
}

/* A node without children holds a secret, or it is a leaf that was opened; one with children holds
 * neither. So on the path of every leaf lies one secret when it is not opened, and none when it is.
 */
enum dt_err
mls_secret_tree_shape_check(const struct mls_secret_tree *t)
{
    struct mls_secret_walk w;

    for (mls_secret_walk_begin(&w, t->root, t->n_leaves); mls_secret_walk_next(&w);) {
        size_t holds = (w.node->secret.n > 0 ? 1u : 0u) + (w.node->ratchets != NULL ? 1u : 0u);

        if (holds != (w.node->child[0] == NULL ? 1 : 0))
            return dt_fail(DT_ERR_FORMAT, "saved secret tree: node %u holds too much or too little",
                           w.number);
    }
    return DT_OK;
}

/* A vector of numbered nodes or leaves; rising, so that there is one encoding. */
static enum dt_err
numbered_read(struct dt_reader *r, size_t max, struct mls_secret_tree *t,
              enum dt_err (*one)(struct dt_reader *, struct mls_secret_tree *, uint32_t))
{
    struct dt_reader sub;
    uint32_t least = 0;
    uint32_t number;
    enum dt_err err = dt_read_sub(r, max, &sub);

    while (err == DT_OK && sub.n > 0) {
        if ((err = dt_read_u32(&sub, &number)) != DT_OK)
            break;
        if (number < least)
            return dt_fail(DT_ERR_FORMAT, "saved secret tree: %u is out of order", number);
        least = number + 1;
        err = one(&sub, t, number);
    }
    return err;
}

enum dt_err
mls_secret_tree_read(struct dt_reader *r, const struct dt_suite *suite, uint32_t n_leaves,
                     struct mls_secret_tree *out)
{
    DT_CLEANUP(mls_secret_tree_clear) struct mls_secret_tree t = {0};
    enum dt_err err = mls_secret_tree_alloc(&t, suite, n_leaves);

    if (err == DT_OK)
        err = numbered_read(r, (size_t)mls_node_width(n_leaves) * (4 + suite->hash_len), &t,
                            mls_secret_tree_node_read);
    if (err == DT_OK)
        err = numbered_read(r, MLS_GROUP_STATE_MAX, &t, mls_secret_tree_leaf_read);
    if (err == DT_OK)
        err = mls_secret_tree_shape_check(&t);
    if (err == DT_OK)
        mls_secret_tree_move(out, &t);
    return err;
}
