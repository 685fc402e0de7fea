/*
 * mls/leaf_node.h - LeafNode: decode, encode, sign, verify, validate.
 *
 * Source: RFC 9420 sections 7.2 and 7.3. A leaf node is immutable and counted: it holds its own
 * encoding and every field is a view into it, so a copy is a count and encode(decode(b)) is b by
 * construction. The count is not atomic: one tree belongs to one thread. Layer: mls.
 */
#ifndef DT_MLS_LEAF_NODE_H
#define DT_MLS_LEAF_NODE_H

#include "crypto/suite.h"
#include "mls/extension.h"

enum mls_leaf_source {
    MLS_LEAF_KEY_PACKAGE = 1,
    MLS_LEAF_UPDATE = 2,
    MLS_LEAF_COMMIT = 3,
};

struct mls_leaf_node {
    unsigned refs;
    struct dt_buf raw; /* the whole LeafNode */
    struct dt_view encryption_key;
    struct dt_view signature_key;
    struct mls_credential credential;
    struct mls_capabilities capabilities;
    enum mls_leaf_source source;
    struct mls_lifetime lifetime; /* source key_package only */
    struct dt_view parent_hash;   /* source commit only */
    struct mls_extensions extensions;
    struct dt_view signature;
    struct dt_view signed_part; /* raw without the signature field: the start of LeafNodeTBS */
};

/* Read one; owner of *${out}: the caller (mls_leaf_node_unref). FORMAT, LIMIT, UNSUPPORTED, NOMEM.
 */
DT_MUST_CHECK enum dt_err mls_leaf_node_read(struct dt_reader *r, struct mls_leaf_node **out);
void mls_leaf_node_write(struct dt_writer *w, const struct mls_leaf_node *leaf);
/* Count up, and return ${leaf}; count down and free at zero (NULL is fine). */
struct mls_leaf_node *mls_leaf_node_ref(struct mls_leaf_node *leaf);
void mls_leaf_node_unref(struct mls_leaf_node *leaf);
void mls_leaf_node_unref_p(struct mls_leaf_node **leaf); /* for DT_CLEANUP */

/* What a new leaf says; all borrowed during the call. */
struct mls_leaf_fields {
    struct dt_view encryption_key;
    struct dt_view signature_key;
    struct mls_credential credential;
    struct mls_capabilities capabilities;
    enum mls_leaf_source source;
    struct mls_lifetime lifetime;
    struct dt_view parent_hash;
    struct mls_extensions extensions;
};

/* Fill ${fields} with what ${leaf} says (borrowed from it), e.g. to make its successor. */
void mls_leaf_fields_from(struct mls_leaf_fields *fields, const struct mls_leaf_node *leaf);

/**
 * mls_leaf_node_new(suite, fields, sig_priv, group_id, leaf_index, out):
 * Build and sign a leaf. ${group_id} and ${leaf_index} go into the signed bytes for sources update
 * and commit, and are ignored for key_package. Owner of *${out}: the caller.
 */
DT_MUST_CHECK enum dt_err mls_leaf_node_new(const struct dt_suite *suite,
                                            const struct mls_leaf_fields *fields,
                                            struct dt_view sig_priv, struct dt_view group_id,
                                            uint32_t leaf_index, struct mls_leaf_node **out);

/* AUTH unless the signature over LeafNodeTBS holds (group_id and index as above). */
DT_MUST_CHECK enum dt_err mls_leaf_node_verify(const struct dt_suite *suite,
                                               const struct mls_leaf_node *leaf,
                                               struct dt_view group_id, uint32_t leaf_index);

/* The group that a leaf is checked against, as far as one leaf alone can tell. Borrowed. */
struct mls_leaf_rules {
    const struct dt_suite *suite;
    /* Extensions of the GroupContext (required_capabilities is taken from them); may be NULL. */
    const struct mls_extensions *group_extensions;
    struct mls_lifetime_policy lifetime;
    uint32_t threads; /* when a whole tree is checked; 0 and 1: the caller's alone */
};

/**
 * mls_leaf_node_check(leaf, source, rules):
 * The rules of RFC 9420 section 7.3 that need no other leaf and no signature: source is ${source}
 * (0: any), keys have the suite's form, protocol version and own credential type are in its
 * capabilities (the cipher suite need not be), every extension it carries is listed, it supports
 * what the group requires and every extension the group has, lifetime (source key_package). Errors:
 * REFUSED, UNSUPPORTED, AUTH/FORMAT (a key), EXPIRED.
 */
DT_MUST_CHECK enum dt_err mls_leaf_node_check(const struct mls_leaf_node *leaf, int source,
                                              const struct mls_leaf_rules *rules);

#endif
