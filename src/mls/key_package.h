/*
 * mls/key_package.h - KeyPackage, and the private keys that its owner keeps beside it.
 *
 * Source: RFC 9420 section 10. Immutable and counted, as a leaf node is.
 * Layer: mls.
 */
#ifndef DT_MLS_KEY_PACKAGE_H
#define DT_MLS_KEY_PACKAGE_H

#include "crypto/secret.h"
#include "mls/leaf_node.h"

struct mls_key_package {
    unsigned refs;
    struct dt_buf raw;
    uint16_t version;
    uint16_t cipher_suite;
    struct dt_view init_key;
    struct mls_leaf_node *leaf; /* one count is ours */
    struct mls_extensions extensions;
    struct dt_view signature;
    struct dt_view signed_part; /* KeyPackageTBS */
    bool verified;              /* its signatures were found to hold: they are not checked again */
};

DT_MUST_CHECK enum dt_err mls_key_package_read(struct dt_reader *r, struct mls_key_package **out);
/* The whole of ${v} is one KeyPackage; trailing bytes are FORMAT. */
DT_MUST_CHECK enum dt_err mls_key_package_parse(struct dt_view v, struct mls_key_package **out);
void mls_key_package_write(struct dt_writer *w, const struct mls_key_package *kp);
struct mls_key_package *mls_key_package_ref(struct mls_key_package *kp);
void mls_key_package_unref(struct mls_key_package *kp);
void mls_key_package_unref_p(struct mls_key_package **kp);

/* KeyPackageRef (section 5.2) into ${out}, suite->hash_len bytes. */
DT_MUST_CHECK enum dt_err mls_key_package_hash(const struct dt_suite *suite,
                                               const struct mls_key_package *kp, uint8_t *out);

/**
 * mls_key_package_check(kp, rules):
 * Section 10.1: version and suite are the group's, the leaf is valid in a KeyPackage (section 7.3)
 * and its signature holds, init_key differs from the leaf's encryption_key, the package's own
 * signature holds. Errors: as mls_leaf_node_check(), and AUTH.
 */
DT_MUST_CHECK enum dt_err mls_key_package_check(struct mls_key_package *kp,
                                                const struct mls_leaf_rules *rules);

/* A package of ours: used once, then cleared. All zero is empty. */
struct mls_key_package_bundle {
    struct mls_key_package *key_package;
    struct dt_secret init_priv;
    struct dt_secret leaf_priv; /* for leaf->encryption_key */
};
void mls_key_package_bundle_clear(struct mls_key_package_bundle *b);

/**
 * mls_key_package_create(suite, fields, extensions, sig_priv, out):
 * Make fresh init and leaf encryption keys and sign leaf and package. ${fields} gives the leaf
 * without encryption_key and source; ${extensions} are the package's own (NULL: none). ${out} empty
 * on entry.
 */
DT_MUST_CHECK enum dt_err mls_key_package_create(const struct dt_suite *suite,
                                                 const struct mls_leaf_fields *fields,
                                                 const struct mls_extensions *extensions,
                                                 struct dt_view sig_priv,
                                                 struct mls_key_package_bundle *out);

#endif
