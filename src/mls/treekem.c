/* mls/treekem.c - making and following a path; see treekem.h. */
#include <string.h>

#include "crypto/hpke.h"

#include "mls/parent_hash.h"
#include "mls/treekem.h"
#include "mls/treekem_int.h"

#define SEAL_LABEL "UpdatePathNode"

/* ---- making a path ---- */

void
mls_path_clear(struct mls_path *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < MLS_DEPTH_MAX; i++)
        dt_secret_clear(&p->path_secrets[i]);
    mls_tree_priv_clear(&p->priv);
    dt_secret_clear(&p->commit_secret);
    mls_leaf_node_unref_p(&p->leaf);
    p->shape.n = 0;
}

/* Put a node with this key and nothing else at ${node}. */
static enum dt_err
set_key(struct mls_tree *t, uint32_t node, struct dt_view key)
{
    struct mls_parent_node *p;
    enum dt_err err;

    if ((err = mls_parent_node_new(key, dt_view(NULL, 0), &p)) != DT_OK)
        return err;
    return mls_tree_set_parent(t, node, p);
}

/* Fresh path secrets and key pairs for the nodes of path->shape, and the commit secret above them.
 */
static enum dt_err
refresh_nodes(struct mls_tree *t, struct mls_path *path)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret secret = {0};
    uint8_t pub[DT_HPKE_PUB_MAX];
    enum dt_err err;

    if ((err = dt_secret_random(&secret, t->suite->hash_len)) != DT_OK)
        return err;
    for (uint32_t i = 0; i < path->shape.n; i++) {
        uint32_t node = path->shape.nodes[i];

        if ((err = dt_secret_set(&path->path_secrets[i], dt_secret_view(&secret))) != DT_OK ||
            (err = mls_node_key_pair(t->suite, &secret,
                                     &path->priv.node_priv[mls_node_level(node) - 1], pub)) !=
                DT_OK ||
            (err = set_key(t, node, dt_view(pub, t->suite->kem_pub_len))) != DT_OK ||
            (err = mls_path_secret_next(t->suite, &secret)) != DT_OK)
            return err;
    }
    dt_secret_move(&path->commit_secret, &secret);
    return DT_OK;
}

enum dt_err
mls_path_begin(struct mls_tree *t, uint32_t leaf_index, const struct mls_leaf_fields *fields,
               struct dt_view sig_priv, struct dt_view group_id, struct mls_path *out)
{
    DT_CLEANUP(mls_path_clear) struct mls_path path = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf parent_hash = DT_BUF_INIT(MLS_HASH_MAX);
    struct mls_leaf_fields f = *fields;
    uint8_t pub[DT_HPKE_PUB_MAX];
    enum dt_err err;

    if (mls_tree_leaf(t, leaf_index) == NULL)
        return dt_fail(DT_ERR_RANGE, "there is no member at leaf %u", leaf_index);
    path.leaf_index = path.priv.leaf_index = leaf_index;
    /* RFC 9420 section 7.4: the whole direct path is blanked first, filtered or not. */
    if ((err = mls_tree_blank_direct_path(t, leaf_index)) != DT_OK)
        return err;
    mls_tree_filtered_path(t, leaf_index, &path.shape);
    if ((err = refresh_nodes(t, &path)) != DT_OK ||
        (err = mls_parent_hash_fill(t, &path.shape, &parent_hash)) != DT_OK ||
        (err = dt_hpke_new_key_pair(t->suite, &path.priv.leaf_priv, pub)) != DT_OK)
        return err;
    f.source = MLS_LEAF_COMMIT;
    f.encryption_key = dt_view(pub, t->suite->kem_pub_len);
    f.parent_hash = dt_buf_view(&parent_hash);
    if ((err = mls_leaf_node_new(t->suite, &f, sig_priv, group_id, leaf_index, &path.leaf)) !=
            DT_OK ||
        (err = mls_tree_set_leaf(t, leaf_index, path.leaf)) != DT_OK)
        return err;
    *out = path;
    path = (struct mls_path){0};
    return DT_OK;
}

static bool
is_added(uint32_t node, const uint32_t *added, size_t n_added)
{
    for (size_t i = 0; i < n_added; i++)
        if (node == 2 * added[i])
            return true;
    return false;
}

/* Resolution of ${copath} without the members that this Commit adds (RFC 9420 section 7.6). */
static enum dt_err
recipients(const struct mls_tree *t, uint32_t copath, const uint32_t *added, size_t n_added,
           struct mls_nodes *out)
{
    size_t n = 0;
    enum dt_err err;

    if ((err = mls_tree_resolution(t, copath, out)) != DT_OK)
        return err;
    for (size_t i = 0; i < out->n; i++)
        if (!is_added(out->p[i], added, n_added))
            out->p[n++] = out->p[i];
    out->n = n;
    return DT_OK;
}

/* One HPKECiphertext of ${path_secret} to ${node}. */
static enum dt_err
seal_to(const struct mls_tree *t, uint32_t node, struct dt_view group_context,
        const struct dt_secret *path_secret, struct dt_writer *w)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf ct = DT_BUF_INIT(MLS_CIPHERTEXT_MAX);
    uint8_t kem_output[DT_HPKE_PUB_MAX];
    struct mls_hpke_ciphertext x;
    enum dt_err err;

    if ((err = mls_encrypt_with_label(t->suite, mls_tree_key(t, node), SEAL_LABEL, group_context,
                                      dt_secret_view(path_secret), kem_output, &ct)) != DT_OK)
        return err;
    x.kem_output = dt_view(kem_output, t->suite->kem_pub_len);
    x.ciphertext = dt_buf_view(&ct);
    mls_hpke_ciphertext_write(w, &x);
    return DT_OK;
}

enum dt_err
mls_path_seal(const struct mls_tree *t, const struct mls_path *path, struct dt_view group_context,
              const uint32_t *added, size_t n_added, struct mls_update_path **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_UPDATE_PATH_MAX);
    DT_CLEANUP(mls_nodes_clear) struct mls_nodes to = {0};
    struct dt_writer w = dt_writer_init(&raw);
    struct dt_reader r;
    size_t nodes, cts;
    enum dt_err err;

    mls_leaf_node_write(&w, path->leaf);
    nodes = dt_write_vec_begin(&w);
    for (uint32_t i = 0; i < path->shape.n; i++) {
        to.n = 0;
        if ((err = recipients(t, path->shape.copath[i], added, n_added, &to)) != DT_OK)
            return err;
        dt_write_vec(&w, mls_tree_key(t, path->shape.nodes[i]));
        cts = dt_write_vec_begin(&w);
        for (size_t k = 0; k < to.n; k++)
            if ((err = seal_to(t, to.p[k], group_context, &path->path_secrets[i], &w)) != DT_OK)
                return err;
        dt_write_vec_end(&w, cts);
    }
    dt_write_vec_end(&w, nodes);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&raw));
    return mls_update_path_read(&r, out);
}

enum dt_err
mls_path_secret_for(const struct mls_path *path, uint32_t leaf_index, struct dt_view *out)
{
    for (uint32_t i = 0; i < path->shape.n; i++) {
        if (mls_node_covers(path->shape.nodes[i], leaf_index)) {
            *out = dt_secret_view(&path->path_secrets[i]);
            return DT_OK;
        }
    }
    return dt_fail(DT_ERR_NOT_FOUND, "no node of the path is above leaf %u", leaf_index);
}

/* ---- following a path ---- */

/* RFC 9420 section 12.4.2: no key of the path is in the tree, and none is there twice. */
static enum dt_err
check_path_keys(struct mls_tree *t, const struct mls_update_path *up)
{
    bool there = false;
    enum dt_err err;

    for (size_t i = 0; i < up->n_nodes; i++) {
        struct dt_view key = up->nodes[i].encryption_key;

        if ((err = dt_hpke_pub_check(t->suite, key)) != DT_OK)
            return err;
        if (dt_view_equal(key, up->leaf->encryption_key))
            return dt_fail(DT_ERR_CONFLICT, "an update path uses one key twice");
        for (size_t k = 0; k < i; k++)
            if (dt_view_equal(key, up->nodes[k].encryption_key))
                return dt_fail(DT_ERR_CONFLICT, "an update path uses one key twice");
        if ((err = mls_tree_has_encryption_key(t, key, &there)) != DT_OK)
            return err;
        if (there)
            return dt_fail(DT_ERR_CONFLICT, "a key of an update path is in the tree already");
    }
    return DT_OK;
}

/* RFC 9420 sections 7.3 and 12.4.2: all that is asked of the path's leaf but its parent hash. */
static enum dt_err
check_path_leaf(struct mls_tree *t, uint32_t sender, const struct mls_update_path *up,
                struct dt_view group_id, const struct mls_leaf_rules *rules, bool external)
{
    const struct mls_leaf_node *old = mls_tree_leaf(t, sender);
    enum dt_err err;

    if ((err = mls_leaf_node_check(up->leaf, MLS_LEAF_COMMIT, rules)) != DT_OK)
        return err;
    if (!external && dt_view_equal(old->encryption_key, up->leaf->encryption_key))
        return dt_fail(DT_ERR_REFUSED, "a committer's leaf keeps its encryption key");
    /* An external joiner was compared when it was added: it stands in the tree with this leaf. */
    if (!external && (err = mls_tree_check_leaf(t, up->leaf, sender)) != DT_OK)
        return err;
    return mls_leaf_node_verify(t->suite, up->leaf, group_id, sender);
}

enum dt_err
mls_path_merge(struct mls_tree *t, uint32_t sender, const struct mls_update_path *update_path,
               struct dt_view group_id, const struct mls_leaf_rules *rules, bool external)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf parent_hash = DT_BUF_INIT(MLS_HASH_MAX);
    struct mls_path_shape shape;
    enum dt_err err;

    if (mls_tree_leaf(t, sender) == NULL)
        return dt_fail(DT_ERR_RANGE, "there is no member at leaf %u", sender);
    if ((err = check_path_leaf(t, sender, update_path, group_id, rules, external)) != DT_OK ||
        (err = check_path_keys(t, update_path)) != DT_OK)
        return err;
    /* RFC 9420 section 7.5, merging. */
    if ((err = mls_tree_blank_direct_path(t, sender)) != DT_OK)
        return err;
    mls_tree_filtered_path(t, sender, &shape);
    if (shape.n != update_path->n_nodes)
        return dt_fail(DT_ERR_FORMAT,
                       "an update path does not have the length of the filtered path");
    for (uint32_t i = 0; i < shape.n; i++)
        if ((err = set_key(t, shape.nodes[i], update_path->nodes[i].encryption_key)) != DT_OK)
            return err;
    if ((err = mls_parent_hash_fill(t, &shape, &parent_hash)) != DT_OK)
        return err;
    if (!dt_view_equal(dt_buf_view(&parent_hash), update_path->leaf->parent_hash))
        return dt_fail(DT_ERR_AUTH, "a committer's leaf has the wrong parent hash");
    return mls_tree_set_leaf(t, sender, update_path->leaf);
}

/* The private key we hold of ${node}; NULL when we hold none. */
static const struct dt_secret *
key_of(const struct mls_tree_priv *p, uint32_t node)
{
    uint32_t level = mls_node_level(node);

    if (node == 2 * p->leaf_index)
        return &p->leaf_priv;
    if (level == 0 || level > MLS_DEPTH_MAX || !mls_node_covers(node, p->leaf_index) ||
        p->node_priv[level - 1].n == 0)
        return NULL;
    return &p->node_priv[level - 1];
}

/* Decrypt the path secret in ${node} for the first of ${to} whose private key we hold. */
static enum dt_err
open_node(const struct mls_tree *t, const struct mls_update_path_node *node,
          const struct mls_nodes *to, struct dt_view group_context, const struct mls_tree_priv *p,
          struct dt_buf *path_secret)
{
    struct dt_reader r = dt_reader_init(node->ciphertexts);
    struct mls_hpke_ciphertext ct;
    enum dt_err err;

    for (size_t i = 0; i < to->n; i++) {
        const struct dt_secret *priv = key_of(p, to->p[i]);

        if ((err = mls_hpke_ciphertext_read(&r, MLS_CIPHERTEXT_MAX, &ct)) != DT_OK)
            return err;
        if (priv != NULL)
            return mls_decrypt_with_label(t->suite, dt_secret_view(priv), SEAL_LABEL, group_context,
                                          &ct, path_secret);
    }
    return dt_fail(DT_ERR_AUTH, "an update path holds nothing that we can open");
}

enum dt_err
mls_path_open(const struct mls_tree *t, uint32_t sender, const struct mls_update_path *update_path,
              struct dt_view group_context, const uint32_t *added, size_t n_added,
              struct mls_tree_priv *p, struct dt_secret *commit_secret)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf path_secret = DT_BUF_INIT(MLS_CIPHERTEXT_MAX);
    DT_CLEANUP(mls_nodes_clear) struct mls_nodes to = {0};
    struct mls_path_shape shape;
    uint32_t ours = UINT32_MAX;
    enum dt_err err;

    mls_tree_filtered_path(t, sender, &shape);
    if (shape.n != update_path->n_nodes)
        return dt_fail(DT_ERR_FORMAT,
                       "an update path does not have the length of the filtered path");
    /* Every count is checked, ours or not, and before anything is opened, so that all members judge
     * a path alike. */
    for (uint32_t i = 0; i < shape.n; i++) {
        to.n = 0;
        if ((err = recipients(t, shape.copath[i], added, n_added, &to)) != DT_OK)
            return err;
        if (update_path->nodes[i].n_ciphertexts != to.n)
            return dt_fail(DT_ERR_FORMAT, "an update path has the wrong number of ciphertexts");
        if (mls_node_covers(shape.copath[i], p->leaf_index))
            ours = i;
    }
    if (ours == UINT32_MAX)
        return dt_fail(DT_ERR_AUTH, "an update path holds nothing that we can open");
    to.n = 0;
    if ((err = recipients(t, shape.copath[ours], added, n_added, &to)) != DT_OK)
        return err;
    err = open_node(t, &update_path->nodes[ours], &to, group_context, p, &path_secret);
    if (err == DT_OK)
        err = mls_tree_priv_implant(p, t, shape.nodes[ours], dt_buf_view(&path_secret),
                                    commit_secret);
    /* Whatever is wrong with what is sealed to us (a key, a length, the secret in it), only we can
     * see it. */
    if (err != DT_OK && err != DT_ERR_NOMEM && err != DT_ERR_INTERNAL)
        return dt_fail_context(DT_ERR_AUTH, "our part of an update path");
    return err;
}
