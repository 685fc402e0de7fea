/*
 * log/tree.h - the Merkle tree of RFC 6962: hashes, growth, proofs made and proofs checked.
 *
 * Source: RFC 6962 section 2.1 (= RFC 9162 section 2.1), SHA-256 only. Layer: log.
 *
 * A node is named by (level, index): it is the hash of leaves [index * 2^level, (index + 1) *
 * 2^level). Proof makers ask for such complete nodes through a callback, so that they do not care
 * whether the hashes lie in an array, in tiles or in a database.
 */
#ifndef DT_LOG_TREE_H
#define DT_LOG_TREE_H

#include "base/bytes.h"
#include "log/limits.h"

#define TLOG_HASH 32

struct tlog_hash {
    uint8_t b[TLOG_HASH];
};

/* The hashes of an inclusion or consistency proof, in the order of the RFC (bottom up). */
struct tlog_path {
    size_t n;
    struct tlog_hash h[TLOG_PATH_MAX];
};

/* SHA-256 of nothing: the root of the empty tree. */
extern const struct tlog_hash tlog_empty_root;

static inline struct dt_view
tlog_hash_view(const struct tlog_hash *h)
{
    return dt_view(h->b, TLOG_HASH);
}

/* Are two (public) hashes the same? */
bool tlog_hash_equal(const struct tlog_hash *a, const struct tlog_hash *b);

/* SHA-256(0x00 || entry). INTERNAL. */
DT_MUST_CHECK enum dt_err tlog_leaf_hash(struct dt_view entry, struct tlog_hash *out);

/* SHA-256(0x01 || left || right); ${out} may be one of them. INTERNAL. */
DT_MUST_CHECK enum dt_err tlog_node_hash(const struct tlog_hash *left,
                                         const struct tlog_hash *right, struct tlog_hash *out);

/* ---- growing: the compact range of a tree ---- */

/* The complete subtrees of a tree of ${size} leaves, largest first; all zero is the empty tree. */
struct tlog_frontier {
    uint64_t size;
    size_t n; /* bits set in size */
    struct tlog_hash h[64];
};

/* Append one leaf hash. LIMIT (tree full), INTERNAL; ${f} unchanged on error. */
DT_MUST_CHECK enum dt_err tlog_frontier_append(struct tlog_frontier *f,
                                               const struct tlog_hash *leaf);

/* The root of the tree that ${f} stands for. */
DT_MUST_CHECK enum dt_err tlog_frontier_root(const struct tlog_frontier *f, struct tlog_hash *out);

/* ---- making proofs ---- */

/* Give the complete node (level, index). Any error stops the maker, which returns it. */
typedef enum dt_err (*tlog_node_fn)(void *ctx, unsigned int level, uint64_t index,
                                    struct tlog_hash *out);

/* A node source over an array of leaf hashes; give tlog_leaves_node and a pointer to one of these.
 */
struct tlog_leaves {
    const struct tlog_hash *h;
    uint64_t n;
};
enum dt_err tlog_leaves_node(void *leaves, unsigned int level, uint64_t index,
                             struct tlog_hash *out);

/* Root of the first ${size} leaves. */
DT_MUST_CHECK enum dt_err tlog_root_make(tlog_node_fn node, void *ctx, uint64_t size,
                                         struct tlog_hash *out);

/* The frontier of the first ${size} leaves. RANGE (size), or what ${node} returns. */
DT_MUST_CHECK enum dt_err tlog_frontier_make(tlog_node_fn node, void *ctx, uint64_t size,
                                             struct tlog_frontier *out);

/* Inclusion proof of leaf ${index} in the tree of ${size}. RANGE unless index < size <= 2^63 - 1.
 */
DT_MUST_CHECK enum dt_err tlog_inclusion_make(tlog_node_fn node, void *ctx, uint64_t index,
                                              uint64_t size, struct tlog_path *out);

/* Consistency proof ${old_size} -> ${new_size}; empty when they are equal or old_size is 0. RANGE
 * unless old_size <= new_size <= 2^63 - 1. */
DT_MUST_CHECK enum dt_err tlog_consistency_make(tlog_node_fn node, void *ctx, uint64_t old_size,
                                                uint64_t new_size, struct tlog_path *out);

/* ---- checking proofs: exact length, no slack ---- */

/* The root that ${leaf} at ${index} in a tree of ${size} leads to by ${n} hashes. PROOF when the
 * number of hashes is not exactly right or index >= size. Also opens the fields of records. */
DT_MUST_CHECK enum dt_err tlog_root_from_inclusion(const struct tlog_hash *leaf, uint64_t index,
                                                   uint64_t size, const struct tlog_hash *hashes,
                                                   size_t n, struct tlog_hash *out);

/* How many hashes an inclusion proof of ${index} in ${size} has; 0 when index >= size too. */
size_t tlog_inclusion_len(uint64_t index, uint64_t size);

/* PROOF unless ${path} shows ${leaf} at ${index} under ${root}. */
DT_MUST_CHECK enum dt_err tlog_inclusion_verify(const struct tlog_hash *leaf, uint64_t index,
                                                uint64_t size, const struct tlog_path *path,
                                                const struct tlog_hash *root);

/**
 * tlog_consistency_verify(old_size, new_size, path, old_root, new_root):
 * PROOF unless ${path} shows that the tree of ${new_size} begins with that of ${old_size}, by the
 * letter of RFC 9162 section 2.1.4.2: equal sizes take an empty path and equal roots; from an empty
 * tree to a larger one there is no proof, so that is PROOF here (see tlog_growth_verify()).
 */
DT_MUST_CHECK enum dt_err tlog_consistency_verify(uint64_t old_size, uint64_t new_size,
                                                  const struct tlog_path *path,
                                                  const struct tlog_hash *old_root,
                                                  const struct tlog_hash *new_root);

/* As tlog_consistency_verify() with the rule of c2sp.org/tlog-witness for old_size 0: the path is
 * empty and old_root is that of the empty tree. A new tree of size 0 has that root too. */
DT_MUST_CHECK enum dt_err tlog_growth_verify(uint64_t old_size, uint64_t new_size,
                                             const struct tlog_path *path,
                                             const struct tlog_hash *old_root,
                                             const struct tlog_hash *new_root);

#endif
