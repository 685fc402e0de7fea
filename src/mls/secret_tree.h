/*
 * mls/secret_tree.h - message keys: the secret tree and two ratchets a member, with their deletion.
 *
 * Source: RFC 9420 sections 9, 9.1, 9.2 and 15.3. Layer: mls.
 *
 * The tree starts with encryption_secret at the root and is opened only along the path of a leaf
 * that sends (secret_nodes.h). Keys are taken in two moves, so that a message which does not hold
 * changes nothing:
 *
 *   mls_secret_tree_derive()  finds the key of (leaf, ratchet, generation); the tree is untouched
 *   mls_secret_tree_apply()   cannot fail: wipes what is consumed, keeps what was skipped
 */
#ifndef DT_MLS_SECRET_TREE_H
#define DT_MLS_SECRET_TREE_H

#include "base/wire.h"
#include "crypto/suite.h"

#include "mls/secret_nodes.h"

enum mls_ratchet_kind { MLS_RATCHET_HANDSHAKE = 0, MLS_RATCHET_APPLICATION = 1 };

/* The key and nonce of a skipped generation: key || nonce. */
struct mls_kept_key {
    uint32_t generation;
    struct dt_secret key_nonce;
};

/* One sender ratchet: the secret of the next generation, and skipped keys by rising generation.
 * done: the last generation of all was used, no secret remains. */
struct mls_ratchet {
    struct dt_secret secret;
    uint32_t generation;
    bool done;
    struct mls_kept_key *kept;
    size_t n_kept;
};

/* A leaf that was opened. */
struct mls_leaf_ratchets {
    struct mls_ratchet ratchet[2];
};
/* Wipe and free; NULL is fine. */
void mls_leaf_ratchets_free(struct mls_leaf_ratchets *l);

/* What changed since the tree was saved: a node's secret came or went, a leaf's ratchets moved. */
enum mls_touched_kind { MLS_TOUCHED_NODE = 1, MLS_TOUCHED_LEAF };
struct mls_touched {
    enum mls_touched_kind kind;
    uint32_t number;
};
#define MLS_TOUCHED_MAX 64

struct mls_secret_tree {
    const struct dt_suite *suite;
    uint32_t n_leaves; /* a power of two */
    struct mls_secret_node *root;
    struct mls_touched touched[MLS_TOUCHED_MAX];
    size_t n_touched;
    bool touched_all; /* more than fit */
};

/* The outcome of a derivation, to be applied or cleared. */
struct mls_tree_step {
    struct dt_secret key;
    struct dt_secret nonce;
    uint32_t leaf;
    uint32_t generation;
    enum mls_ratchet_kind kind;
    /* What apply() moves into the tree. */
    struct mls_leaf_ratchets *opened;
    struct mls_secret_node *below[2]; /* new children of the node whose secret opened the leaf */
    bool from_kept;
    size_t kept_at;
    struct dt_secret next_secret;
    bool next_done;
    struct mls_kept_key *new_kept; /* room for old and new ones; new ones from n_old on */
    size_t n_old;
    size_t drop_old; /* how many of the oldest are given up for the maximum */
    size_t n_new;
};
void mls_tree_step_clear(struct mls_tree_step *s);

/* A tree over ${n_leaves} leaves (a power of two); takes over *${encryption_secret}, emptied.
 * NOMEM, RANGE. */
DT_MUST_CHECK enum dt_err mls_secret_tree_init(struct mls_secret_tree *t,
                                               const struct dt_suite *suite, uint32_t n_leaves,
                                               struct dt_secret *encryption_secret);
void mls_secret_tree_clear(struct mls_secret_tree *t);
void mls_secret_tree_move(struct mls_secret_tree *to, struct mls_secret_tree *from);

/**
 * mls_secret_tree_derive(t, leaf, kind, generation, out):
 * Key and nonce for one message into ${out}. ${t} is unchanged.
 * Errors: STATE (consumed, or skipped and no longer kept), LIMIT (more than MLS_RATCHET_FORWARD_MAX
 * ahead), RANGE (no such leaf), NOMEM.
 */
DT_MUST_CHECK enum dt_err mls_secret_tree_derive(const struct mls_secret_tree *t, uint32_t leaf,
                                                 enum mls_ratchet_kind kind, uint32_t generation,
                                                 struct mls_tree_step *out);

/* Consume what ${step}, made on this very state of ${t}, stands for. ${step} is cleared. */
void mls_secret_tree_apply(struct mls_secret_tree *t, struct mls_tree_step *step);

/* The ratchets of ${leaf}; NULL when it is not opened. */
const struct mls_leaf_ratchets *mls_secret_tree_leaf(const struct mls_secret_tree *t,
                                                     uint32_t leaf);

/* The next unused generation of a ratchet (0 when its leaf is not opened). */
uint32_t mls_secret_tree_generation(const struct mls_secret_tree *t, uint32_t leaf,
                                    enum mls_ratchet_kind kind);

/* Skipped generations whose keys are kept, of all leaves and both ratchets. */
size_t mls_secret_tree_skipped(const struct mls_secret_tree *t);

/* ---- secret_tree_state.c: group state ---- */

/* A tree without any secret, to be read into; NOMEM, RANGE. */
DT_MUST_CHECK enum dt_err mls_secret_tree_alloc(struct mls_secret_tree *t,
                                                const struct dt_suite *suite, uint32_t n_leaves);

/* The whole tree; strict when read. */
void mls_secret_tree_write(struct dt_writer *w, const struct mls_secret_tree *t);
DT_MUST_CHECK enum dt_err mls_secret_tree_read(struct dt_reader *r, const struct dt_suite *suite,
                                               uint32_t n_leaves, struct mls_secret_tree *out);

/* One node's secret, or one leaf's ratchets: false when there is none, and nothing is written. */
bool mls_secret_tree_node_write(struct dt_writer *w, const struct mls_secret_tree *t,
                                uint32_t node);
bool mls_secret_tree_leaf_write(struct dt_writer *w, const struct mls_secret_tree *t,
                                uint32_t leaf);
/* Read into a tree of mls_secret_tree_alloc(); FORMAT when it is there already, or is not in the
 * tree at all. */
DT_MUST_CHECK enum dt_err mls_secret_tree_node_read(struct dt_reader *r, struct mls_secret_tree *t,
                                                    uint32_t node);
DT_MUST_CHECK enum dt_err mls_secret_tree_leaf_read(struct dt_reader *r, struct mls_secret_tree *t,
                                                    uint32_t leaf);
/* After the last one: on the path of every leaf lies one secret when it is not opened, and none
 * when it is. FORMAT. */
DT_MUST_CHECK enum dt_err mls_secret_tree_shape_check(const struct mls_secret_tree *t);

#endif
