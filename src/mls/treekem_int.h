/*
 * mls/treekem_int.h - what tree_priv.c and treekem.c share; not for others.
 *
 * Source: RFC 9420 section 7.4. Layer: mls.
 */
#ifndef DT_MLS_TREEKEM_INT_H
#define DT_MLS_TREEKEM_INT_H

#include "crypto/suite.h"

/* The key pair of a node whose path secret is known; ${pub} holds suite->kem_pub_len bytes. */
DT_MUST_CHECK enum dt_err mls_node_key_pair(const struct dt_suite *suite,
                                            const struct dt_secret *path_secret,
                                            struct dt_secret *priv, uint8_t *pub);

/* ${path_secret} becomes the one of the next node up; after the last, the commit secret. */
DT_MUST_CHECK enum dt_err mls_path_secret_next(const struct dt_suite *suite,
                                               struct dt_secret *path_secret);

#endif
