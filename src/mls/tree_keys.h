/*
 * mls/tree_keys.h - which keys are in a ratchet tree: an index that copies of the tree share.
 *
 * Source: RFC 9420 sections 7.3 and 12.4.2 ask that a new key is nobody's in the tree. The index
 * holds a 64-bit fingerprint of each key in buckets that are counted and copied before they are
 * changed, as the blocks of the tree are. It answers "not there" for certain and "perhaps there"
 * else; who asks looks the tree through then, so that a collision decides nothing. Layer: mls.
 */
#ifndef DT_MLS_TREE_KEYS_H
#define DT_MLS_TREE_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mls_key_bucket;

/* All zero is an index that is not built. */
struct mls_tree_keys {
    struct mls_key_bucket **buckets;
    uint32_t n_buckets; /* a power of two */
    uint32_t n;
};

void mls_tree_keys_clear(struct mls_tree_keys *k);
/* ${out}, empty on entry, shares the buckets of ${k}. NOMEM. */
DT_MUST_CHECK enum dt_err mls_tree_keys_copy(const struct mls_tree_keys *k,
                                             struct mls_tree_keys *out);
/* Build an empty index with room for about ${n} keys. NOMEM. */
DT_MUST_CHECK enum dt_err mls_tree_keys_init(struct mls_tree_keys *k, uint32_t n);

/* Put in one more; take out one of that value, if there is any. NOMEM: the index is not to be
 * relied upon any more, and cleared. */
DT_MUST_CHECK enum dt_err mls_tree_keys_add(struct mls_tree_keys *k, uint64_t fingerprint);
DT_MUST_CHECK enum dt_err mls_tree_keys_remove(struct mls_tree_keys *k, uint64_t fingerprint);

/* How often ${fingerprint} is in. */
size_t mls_tree_keys_count(const struct mls_tree_keys *k, uint64_t fingerprint);

#endif
