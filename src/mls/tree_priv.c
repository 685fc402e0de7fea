/* mls/tree_priv.c - the private keys a member holds on its direct path; see treekem.h. */
#include <string.h>

#include "crypto/hpke.h"

#include "mls/treekem.h"
#include "mls/treekem_int.h"

void
mls_tree_priv_clear(struct mls_tree_priv *p)
{
    if (p == NULL)
        return;
    dt_secret_clear(&p->leaf_priv);
    for (size_t i = 0; i < MLS_DEPTH_MAX; i++)
        dt_secret_clear(&p->node_priv[i]);
    p->leaf_index = 0;
}

enum dt_err
mls_tree_priv_copy(const struct mls_tree_priv *p, struct mls_tree_priv *out)
{
    DT_CLEANUP(mls_tree_priv_clear) struct mls_tree_priv c = {0};
    enum dt_err err;

    c.leaf_index = p->leaf_index;
    if (p->leaf_priv.n > 0 &&
        (err = dt_secret_set(&c.leaf_priv, dt_secret_view(&p->leaf_priv))) != DT_OK)
        return err;
    for (size_t i = 0; i < MLS_DEPTH_MAX; i++)
        if (p->node_priv[i].n > 0 &&
            (err = dt_secret_set(&c.node_priv[i], dt_secret_view(&p->node_priv[i]))) != DT_OK)
            return err;
    mls_tree_priv_move(out, &c);
    return DT_OK;
}

void
mls_tree_priv_move(struct mls_tree_priv *to, struct mls_tree_priv *from)
{
    to->leaf_index = from->leaf_index;
    dt_secret_move(&to->leaf_priv, &from->leaf_priv);
    for (size_t i = 0; i < MLS_DEPTH_MAX; i++)
        dt_secret_move(&to->node_priv[i], &from->node_priv[i]);
}

void
mls_tree_priv_prune(struct mls_tree_priv *p, const struct mls_tree *t)
{
    for (uint32_t level = 1; level <= MLS_DEPTH_MAX; level++)
        if ((1u << level) > t->n_leaves ||
            mls_tree_is_blank(t, mls_leaf_ancestor(p->leaf_index, level)))
            dt_secret_clear(&p->node_priv[level - 1]);
}

void
mls_tree_priv_write(struct dt_writer *w, const struct mls_tree_priv *p)
{
    dt_write_u32(w, p->leaf_index);
    dt_write_vec(w, dt_secret_view(&p->leaf_priv));
    for (size_t i = 0; i < MLS_DEPTH_MAX; i++)
        dt_write_vec(w, dt_secret_view(&p->node_priv[i]));
}

static enum dt_err
read_key(struct dt_reader *r, struct dt_secret *out)
{
    struct dt_view v;
    enum dt_err err;

    if ((err = dt_read_vec(r, DT_HPKE_PRIV_MAX, &v)) != DT_OK)
        return err;
    return v.n == 0 ? DT_OK : dt_secret_set(out, v);
}

enum dt_err
mls_tree_priv_read(struct dt_reader *r, struct mls_tree_priv *out)
{
    DT_CLEANUP(mls_tree_priv_clear) struct mls_tree_priv p = {0};
    enum dt_err err;

    if ((err = dt_read_u32(r, &p.leaf_index)) != DT_OK ||
        (err = read_key(r, &p.leaf_priv)) != DT_OK)
        return err;
    if (p.leaf_index >= MLS_LEAVES_MAX || p.leaf_priv.n == 0)
        return dt_fail(DT_ERR_FORMAT, "a member's private keys lack those of its leaf");
    for (size_t i = 0; i < MLS_DEPTH_MAX; i++)
        if ((err = read_key(r, &p.node_priv[i])) != DT_OK)
            return err;
    mls_tree_priv_move(out, &p);
    return DT_OK;
}

/* AUTH unless ${priv} belongs to the public key of ${node}. */
static enum dt_err
check_pair(const struct dt_suite *suite, const struct mls_tree *t, uint32_t node,
           const struct dt_secret *priv)
{
    uint8_t pub[DT_HPKE_PUB_MAX];
    enum dt_err err;

    if ((err = dt_hpke_pub(suite, dt_secret_view(priv), pub)) != DT_OK)
        return err;
    if (!dt_view_equal(dt_view(pub, suite->kem_pub_len), mls_tree_key(t, node)))
        return dt_fail(DT_ERR_AUTH, "a private key does not belong to node %u", node);
    return DT_OK;
}

enum dt_err
mls_tree_priv_check(const struct dt_suite *suite, const struct mls_tree_priv *p,
                    const struct mls_tree *t)
{
    enum dt_err err;

    if ((err = check_pair(suite, t, 2 * p->leaf_index, &p->leaf_priv)) != DT_OK)
        return err;
    for (uint32_t level = 1; level <= MLS_DEPTH_MAX; level++)
        if (p->node_priv[level - 1].n > 0 &&
            (err = check_pair(suite, t, mls_leaf_ancestor(p->leaf_index, level),
                              &p->node_priv[level - 1])) != DT_OK)
            return err;
    return DT_OK;
}

/* RFC 9420 section 7.4: node_secret, then the key pair. */
enum dt_err
mls_node_key_pair(const struct dt_suite *suite, const struct dt_secret *path_secret,
                  struct dt_secret *priv, uint8_t *pub)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret node_secret = {0};
    enum dt_err err;

    if ((err = mls_derive_secret(suite, dt_secret_view(path_secret), "node", &node_secret)) !=
        DT_OK)
        return err;
    return dt_hpke_derive_key_pair(suite, dt_secret_view(&node_secret), priv, pub);
}

/* path_secret[n+1] in place of path_secret[n]. */
enum dt_err
mls_path_secret_next(const struct dt_suite *suite, struct dt_secret *path_secret)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret next = {0};
    enum dt_err err;

    if ((err = mls_derive_secret(suite, dt_secret_view(path_secret), "path", &next)) != DT_OK)
        return err;
    dt_secret_move(path_secret, &next);
    return DT_OK;
}

/* Derive the keys of ${node} at ${level} of ${p}'s path and check them against the tree. */
static enum dt_err
implant_one(struct mls_tree_priv *p, const struct mls_tree *t, uint32_t level,
            const struct dt_secret *path_secret)
{
    uint32_t node = mls_leaf_ancestor(p->leaf_index, level);
    uint8_t pub[DT_HPKE_PUB_MAX];
    enum dt_err err;

    if ((err = mls_node_key_pair(t->suite, path_secret, &p->node_priv[level - 1], pub)) != DT_OK)
        return err;
    if (!dt_view_equal(dt_view(pub, t->suite->kem_pub_len), mls_tree_key(t, node)))
        return dt_fail(DT_ERR_AUTH, "a path secret does not lead to the public key of node %u",
                       node);
    return DT_OK;
}

enum dt_err
mls_tree_priv_implant(struct mls_tree_priv *p, const struct mls_tree *t, uint32_t from,
                      struct dt_view path_secret, struct dt_secret *commit_secret)
{
    DT_CLEANUP(mls_tree_priv_clear) struct mls_tree_priv next = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret secret = {0};
    enum dt_err err;

    if (mls_tree_parent(t, from) == NULL || !mls_node_covers(from, p->leaf_index))
        return dt_fail(DT_ERR_AUTH, "a path secret is for a node that is not on our path");
    if (path_secret.n != t->suite->hash_len)
        return dt_fail(DT_ERR_AUTH, "a path secret has the wrong length");
    if ((err = mls_tree_priv_copy(p, &next)) != DT_OK ||
        (err = dt_secret_set(&secret, path_secret)) != DT_OK)
        return err;
    /* From here up the tree only holds nodes of this path: blank ones were filtered out of it. */
    for (uint32_t level = mls_node_level(from); level <= MLS_DEPTH_MAX; level++) {
        dt_secret_clear(&next.node_priv[level - 1]);
        if (mls_tree_is_blank(t, mls_leaf_ancestor(p->leaf_index, level))) /* or above the root */
            continue;
        if ((err = implant_one(&next, t, level, &secret)) != DT_OK ||
            (err = mls_path_secret_next(t->suite, &secret)) != DT_OK)
            return err;
    }
    mls_tree_priv_move(p, &next);
    if (commit_secret != NULL)
        dt_secret_move(commit_secret, &secret);
    return DT_OK;
}
