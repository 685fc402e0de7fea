/*
 * mls/tree.h - the ratchet tree: an array of nodes with cached hashes, in blocks that copies share.
 *
 * Source: RFC 9420 sections 4.1, 7.1, 7.7, 7.8 and 12.4.3.3. Nodes and blocks of them are counted
 * and copied before they are changed when shared, so that mls_tree_copy() costs a pointer for
 * each block and a Commit copies the blocks of its path (tree_store.h). Layer: mls.
 */
#ifndef DT_MLS_TREE_H
#define DT_MLS_TREE_H

#include "mls/leaf_node.h"
#include "mls/tree_keys.h"
#include "mls/tree_math.h"

/* ParentNode of section 7.1. */
struct mls_parent_node {
    unsigned refs;
    struct dt_buf encryption_key;
    struct dt_buf parent_hash;
    uint32_t *unmerged; /* leaf indices, strictly ascending once checked */
    size_t n_unmerged;
};

struct mls_tree_block;

/* How many leaves have a credential of a type, and how many do not support that type. */
struct mls_credential_use {
    uint16_t type;
    uint32_t used;
    uint32_t lacked;
};

/* All zero with a suite is the empty tree. */
struct mls_tree {
    const struct dt_suite *suite;
    uint32_t n_leaves; /* slots: 0 or a power of two */
    struct mls_tree_block **blocks;
    uint32_t n_members;
    struct mls_credential_use credentials[MLS_CREDENTIAL_TYPES_MAX]; /* types in use */
    uint32_t n_credentials;
    bool credentials_many;     /* there were more at some time: the list does not tell */
    struct mls_tree_keys keys; /* built when first asked */
};

void mls_tree_init(struct mls_tree *t, const struct dt_suite *suite);
void mls_tree_clear(struct mls_tree *t);
/* A tree of ${n_leaves} blank leaves (a power of two) in ${t}, which is empty. LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err mls_tree_init_blank(struct mls_tree *t, const struct dt_suite *suite,
                                              uint32_t n_leaves);
/* Put a node into its blank place of a tree that is being read: no hash and no key is known of it
 * yet. Takes it over. */
void mls_tree_put_leaf(struct mls_tree *t, uint32_t index, struct mls_leaf_node *leaf);
/* ${out}, empty on entry, becomes an independent tree with the same content. */
DT_MUST_CHECK enum dt_err mls_tree_copy(const struct mls_tree *t, struct mls_tree *out);
/* Move ${from} into ${to}, clearing what ${to} held. */
void mls_tree_move(struct mls_tree *to, struct mls_tree *from);

/**
 * mls_tree_read(r, suite, out):
 * Read the ratchet_tree extension's optional<Node> ratchet_tree<V> (section 12.4.3.3). ${out} is
 * empty on entry. FORMAT: a node of the wrong kind for its place, a blank last node, unmerged
 * leaves that are not in strictly increasing order or not below their node; LIMIT; UNSUPPORTED. All
 * else is checked by mls_tree_check().
 */
DT_MUST_CHECK enum dt_err mls_tree_read(struct dt_reader *r, const struct dt_suite *suite,
                                        struct mls_tree *out);
DT_MUST_CHECK enum dt_err mls_tree_parse(struct dt_view v, const struct dt_suite *suite,
                                         struct mls_tree *out);
/* The same structure, ending with the last non-blank node. */
void mls_tree_write(struct dt_writer *w, const struct mls_tree *t);

/* The leaf at ${leaf_index}, borrowed; NULL when blank or outside the tree. */
const struct mls_leaf_node *mls_tree_leaf(const struct mls_tree *t, uint32_t leaf_index);
/* The same with a count for the caller. */
struct mls_leaf_node *mls_tree_leaf_ref(const struct mls_tree *t, uint32_t leaf_index);
/* The parent node at ${node} (odd), borrowed; NULL when blank or outside. */
const struct mls_parent_node *mls_tree_parent(const struct mls_tree *t, uint32_t node);
bool mls_tree_is_blank(const struct mls_tree *t, uint32_t node);
/* The public key of a non-blank node; an empty view for a blank one. */
struct dt_view mls_tree_key(const struct mls_tree *t, uint32_t node);
uint32_t mls_tree_n_members(const struct mls_tree *t); /* non-blank leaves */
/* The lowest leaf whose encryption/signature key is ${key}; MLS_NO_NODE. */
uint32_t mls_tree_find_encryption_key(const struct mls_tree *t, struct dt_view key);
uint32_t mls_tree_find_signature_key(const struct mls_tree *t, struct dt_view key);
uint32_t mls_tree_find_leaf(const struct mls_tree *t,
                            const struct mls_leaf_node *leaf); /* same bytes */

/* Does a node have the encryption key ${key}? Does a leaf but ${except} (MLS_NO_NODE: none) have
 * the signature key ${key}? By the index of keys, which is built when it is not there. NOMEM. */
DT_MUST_CHECK enum dt_err mls_tree_has_encryption_key(struct mls_tree *t, struct dt_view key,
                                                      bool *out);
DT_MUST_CHECK enum dt_err mls_tree_has_signature_key(struct mls_tree *t, struct dt_view key,
                                                     uint32_t except, bool *out);
/* False when two nodes may have one key: two fingerprints are the same. Builds the index. NOMEM. */
DT_MUST_CHECK enum dt_err mls_tree_keys_unique(struct mls_tree *t, bool *out);

/* Add (section 12.1.1): leftmost blank leaf, else the tree doubles; unmerged on its non-blank
 * ancestors. The tree takes a count of its own. ${index} gets the leaf's index. LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err mls_tree_add(struct mls_tree *t, struct mls_leaf_node *leaf,
                                       uint32_t *index);
/* Update (section 12.1.2): replace the leaf, blank its direct path. RANGE when the leaf is blank.
 */
DT_MUST_CHECK enum dt_err mls_tree_update(struct mls_tree *t, uint32_t index,
                                          struct mls_leaf_node *leaf);
/* Remove (section 12.1.3): blank leaf and direct path, then truncate (section 7.7). RANGE. */
DT_MUST_CHECK enum dt_err mls_tree_remove(struct mls_tree *t, uint32_t index);

/* Growing list of node indices. */
struct mls_nodes {
    uint32_t *p;
    size_t n;
    size_t cap;
};
void mls_nodes_clear(struct mls_nodes *x);
/* Append the resolution of ${node} (section 4.1.1), in order. */
DT_MUST_CHECK enum dt_err mls_tree_resolution(const struct mls_tree *t, uint32_t node,
                                              struct mls_nodes *out);
bool mls_tree_resolution_empty(const struct mls_tree *t, uint32_t node);

/* The filtered direct path of a leaf (section 4.1.2): nodes from the leaf up, with their copath
 * child. */
struct mls_path_shape {
    uint32_t n;
    uint32_t nodes[MLS_DEPTH_MAX];
    uint32_t copath[MLS_DEPTH_MAX];
};
void mls_tree_filtered_path(const struct mls_tree *t, uint32_t leaf_index,
                            struct mls_path_shape *out);

/* Tree hash (section 7.8) of ${node}, or of the whole tree, into suite->hash_len bytes. Fills the
 * cache: only nodes touched since the last call are hashed. */
DT_MUST_CHECK enum dt_err mls_tree_node_hash(struct mls_tree *t, uint32_t node, uint8_t *out);
DT_MUST_CHECK enum dt_err mls_tree_hash(struct mls_tree *t, uint8_t *out);

/* ---- for parent_hash.c and treekem.c ---- */
/* Put ${leaf} at ${index} / a parent node at ${node} (NULL: blank); takes a count / ownership, on
 * error as well. NOMEM. */
DT_MUST_CHECK enum dt_err mls_tree_set_leaf(struct mls_tree *t, uint32_t index,
                                            struct mls_leaf_node *leaf);
DT_MUST_CHECK enum dt_err mls_tree_set_parent(struct mls_tree *t, uint32_t node,
                                              struct mls_parent_node *parent);
DT_MUST_CHECK enum dt_err mls_tree_blank_direct_path(struct mls_tree *t, uint32_t index);
DT_MUST_CHECK enum dt_err mls_parent_node_new(struct dt_view encryption_key,
                                              struct dt_view parent_hash,
                                              struct mls_parent_node **out);
void mls_parent_node_unref(struct mls_parent_node *p);
/* Is ${leaf} in the (sorted) unmerged leaves of ${p}? */
bool mls_parent_has_unmerged(const struct mls_parent_node *p, uint32_t leaf);
/* ParentNode's encoding appended; ${skip}: a sorted list of leaves left out of unmerged_leaves. */
void mls_parent_node_write(struct dt_writer *w, const struct mls_parent_node *p,
                           const uint32_t *skip, size_t n_skip);
/* The tree hash of ${node} as if the sorted leaves ${removed} were blank and nowhere unmerged
 * (section 7.9, original sibling tree hash). */
DT_MUST_CHECK enum dt_err mls_tree_hash_without(struct mls_tree *t, uint32_t node,
                                                const uint32_t *removed, size_t n_removed,
                                                uint8_t *out);

#endif
