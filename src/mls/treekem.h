/*
 * mls/treekem.h - UpdatePath, path secrets and a member's private view of the tree.
 *
 * Source: RFC 9420 sections 4.1.2, 7.4 to 7.6, 7.9 and 12.4.1 to 12.4.3. Path secrets are sealed to
 * the provisional GroupContext, which holds the tree hash AFTER the path; so both making and
 * following a path have two steps, with the caller computing the GroupContext in between:
 *
 *   committer: proposals -> mls_path_begin(tree) -> mls_tree_hash -> GroupContext -> mls_path_seal
 *   receiver:  proposals -> mls_path_merge(tree) -> mls_tree_hash -> GroupContext -> mls_path_open
 *
 * Work on a copy of the tree: after an error the tree is of no use. ${added}: leaf indices (sorted
 * or not) of members added by the same Commit, which get their secret in the Welcome and not here.
 * Layer: mls.
 */
#ifndef DT_MLS_TREEKEM_H
#define DT_MLS_TREEKEM_H

#include "mls/label.h"
#include "mls/tree_check.h"

/* ---- UpdatePath (section 7.6), counted and immutable ---- */
struct mls_update_path_node {
    struct dt_view encryption_key;
    struct dt_view ciphertexts; /* content of HPKECiphertext encrypted_path_secret<V> */
    size_t n_ciphertexts;
};
struct mls_update_path {
    unsigned refs;
    struct dt_buf raw;
    struct mls_leaf_node *leaf;
    struct mls_update_path_node nodes[MLS_DEPTH_MAX];
    size_t n_nodes;
};
DT_MUST_CHECK enum dt_err mls_update_path_read(struct dt_reader *r, struct mls_update_path **out);
void mls_update_path_write(struct dt_writer *w, const struct mls_update_path *p);
struct mls_update_path *mls_update_path_ref(struct mls_update_path *p);
void mls_update_path_unref(struct mls_update_path *p);
void mls_update_path_unref_p(struct mls_update_path **p);

/* ---- what a member knows of the private keys on its direct path ---- */
struct mls_tree_priv {
    uint32_t leaf_index;
    struct dt_secret leaf_priv;
    struct dt_secret
        node_priv[MLS_DEPTH_MAX]; /* [k]: of the ancestor at level k + 1; empty: not known */
};
void mls_tree_priv_clear(struct mls_tree_priv *p);
DT_MUST_CHECK enum dt_err mls_tree_priv_copy(const struct mls_tree_priv *p,
                                             struct mls_tree_priv *out);
void mls_tree_priv_move(struct mls_tree_priv *to, struct mls_tree_priv *from);
/* Forget keys of nodes that are blank in ${t} or outside it. Call after proposals were applied. */
void mls_tree_priv_prune(struct mls_tree_priv *p, const struct mls_tree *t);
/* Serialised form for the member's own store: uint32 leaf_index, then (1 + MLS_DEPTH_MAX)
 * opaque<V>. The bytes are secret: the caller seals and wipes them. */
void mls_tree_priv_write(struct dt_writer *w, const struct mls_tree_priv *p);
DT_MUST_CHECK enum dt_err mls_tree_priv_read(struct dt_reader *r, struct mls_tree_priv *out);
/* AUTH unless every private key held matches the public key in ${t}. */
DT_MUST_CHECK enum dt_err mls_tree_priv_check(const struct dt_suite *suite,
                                              const struct mls_tree_priv *p,
                                              const struct mls_tree *t);
/**
 * mls_tree_priv_implant(p, t, from, path_secret, commit_secret):
 * Derive the keys of non-blank node ${from} (on our direct path) and of the nodes of its filtered
 * path above from
 * ${path_secret}, compare with the public keys in ${t}, and keep them. A joiner calls it with the
 * node that is the common ancestor of its leaf and the Welcome's signer (section 12.4.3.1).
 * ${commit_secret} may be NULL. AUTH on any mismatch; ${p} as before on error.
 */
DT_MUST_CHECK enum dt_err mls_tree_priv_implant(struct mls_tree_priv *p, const struct mls_tree *t,
                                                uint32_t from, struct dt_view path_secret,
                                                struct dt_secret *commit_secret);

/* ---- making a path ---- */
/* Secrets of a path we made; cleared as soon as the Commit and its Welcome are built. */
struct mls_path {
    uint32_t leaf_index;
    struct mls_path_shape shape;
    struct dt_secret path_secrets[MLS_DEPTH_MAX]; /* of shape.nodes[i] */
    struct mls_tree_priv priv;                    /* our private keys after the Commit */
    struct dt_secret commit_secret;
    struct mls_leaf_node *leaf; /* our new leaf, as in the tree */
};
void mls_path_clear(struct mls_path *p);

/**
 * mls_path_begin(t, leaf_index, fields, sig_priv, group_id, out):
 * Blank the committer's direct path, put fresh keys on its filtered direct path and a new signed
 * leaf (source commit, fresh encryption_key, parent_hash) at ${leaf_index}. ${fields} gives
 * credential, signature_key, capabilities and extensions of the new leaf. ${out} is empty on entry.
 */
DT_MUST_CHECK enum dt_err mls_path_begin(struct mls_tree *t, uint32_t leaf_index,
                                         const struct mls_leaf_fields *fields,
                                         struct dt_view sig_priv, struct dt_view group_id,
                                         struct mls_path *out);

/* Seal each path secret to the resolution of its copath child without ${added}. Owner: the caller.
 */
DT_MUST_CHECK enum dt_err mls_path_seal(const struct mls_tree *t, const struct mls_path *path,
                                        struct dt_view group_context, const uint32_t *added,
                                        size_t n_added, struct mls_update_path **out);

/* The path secret a new member at ${leaf_index} needs in its Welcome, borrowed; NOT_FOUND when
 * none. */
DT_MUST_CHECK enum dt_err mls_path_secret_for(const struct mls_path *path, uint32_t leaf_index,
                                              struct dt_view *out);

/* ---- following a path ---- */
/**
 * mls_path_merge(t, sender, update_path, group_id, rules, external):
 * All checks of RFC 9420 sections 7.5 and 12.4.2 that need no private key, then put the path into
 * ${t}: leaf source commit, valid (section 7.3) and signed for ${sender}; its encryption_key
 * differs from the leaf it replaces; every key of the path is in the suite's form, new to the tree
 * and used once; as many nodes as the filtered direct path; parent hash of the leaf. ${external}:
 * the sender entered by this Commit (put there by mls_tree_add with the path's own leaf), so there
 * is no old key. Errors: FORMAT, REFUSED, AUTH, CONFLICT, UNSUPPORTED. RANGE: sender is blank.
 */
DT_MUST_CHECK enum dt_err mls_path_merge(struct mls_tree *t, uint32_t sender,
                                         const struct mls_update_path *update_path,
                                         struct dt_view group_id,
                                         const struct mls_leaf_rules *rules, bool external);

/**
 * mls_path_open(t, sender, update_path, group_context, added, n_added, p, commit_secret):
 * With ${t} after mls_path_merge(): check the number of ciphertexts of every node against the
 * resolution of its copath child, decrypt ours, derive the rest, compare with the public keys,
 * update ${p}. Errors: FORMAT (counts), AUTH. On error ${p} and ${commit_secret} are as they were.
 */
DT_MUST_CHECK enum dt_err mls_path_open(const struct mls_tree *t, uint32_t sender,
                                        const struct mls_update_path *update_path,
                                        struct dt_view group_context, const uint32_t *added,
                                        size_t n_added, struct mls_tree_priv *p,
                                        struct dt_secret *commit_secret);

#endif
