/*
 * log/tree.c - see tree.h. No recursion: subtrees are walked with loops of at most 63 turns.
 */
#include <string.h>

#include "crypto/crypto.h"

#include "log/tree.h"

const struct tlog_hash tlog_empty_root = {{0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                           0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                           0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                           0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}};

bool
tlog_hash_equal(const struct tlog_hash *a, const struct tlog_hash *b)
{
    return memcmp(a->b, b->b, TLOG_HASH) == 0;
}

/* RFC 6962 section 2.1: the first byte keeps leaves and nodes apart. */
enum dt_err
tlog_leaf_hash(struct dt_view entry, struct tlog_hash *out)
{
    static const uint8_t prefix = 0x00;
    const struct dt_view parts[2] = {{&prefix, 1}, entry};

    return dt_hash(DT_HASH_SHA256, parts, 2, out->b);
}

enum dt_err
tlog_node_hash(const struct tlog_hash *left, const struct tlog_hash *right, struct tlog_hash *out)
{
    uint8_t input[1 + 2 * TLOG_HASH];

    input[0] = 0x01;
    memcpy(input + 1, left->b, TLOG_HASH);
    memcpy(input + 1 + TLOG_HASH, right->b, TLOG_HASH);
    return dt_sha256(dt_view_of(input), out->b);
}

/* The level of the largest complete subtree that a tree of ${n} >= 1 leaves begins with. */
static unsigned int
top_level(uint64_t n)
{
    return 63u - (unsigned int)__builtin_clzll(n);
}

/* RFC 6962 section 2.1: the largest power of two smaller than ${n}; n >= 2. */
static uint64_t
split_point(uint64_t n)
{
    return UINT64_C(1) << top_level(n - 1);
}

/* ---- growing ---- */

enum dt_err
tlog_frontier_append(struct tlog_frontier *f, const struct tlog_hash *leaf)
{
    struct tlog_hash h = *leaf;
    uint64_t bits = f->size;
    size_t n = f->n;
    enum dt_err err;

    if (f->size >= TLOG_SIZE_MAX)
        return dt_fail(DT_ERR_LIMIT, "the tree is full");
    /* Like a binary counter: each trailing one of the size is a subtree that is now complete. */
    for (; (bits & 1) != 0; bits >>= 1) {
        err = tlog_node_hash(&f->h[n - 1], &h, &h);
        if (err != DT_OK)
            return err;
        n--;
    }
    f->h[n] = h;
    f->n = n + 1;
    f->size++;
    return DT_OK;
}

enum dt_err
tlog_frontier_root(const struct tlog_frontier *f, struct tlog_hash *out)
{
    struct tlog_hash h = tlog_empty_root;
    enum dt_err err;
    size_t i;

    if (f->n > 0)
        h = f->h[f->n - 1];
    for (i = f->n; i >= 2; i--) {
        err = tlog_node_hash(&f->h[i - 2], &h, &h);
        if (err != DT_OK)
            return err;
    }
    *out = h;
    return DT_OK;
}

/* ---- making proofs ---- */

enum dt_err
tlog_leaves_node(void *leaves, unsigned int level, uint64_t index, struct tlog_hash *out)
{
    const struct tlog_leaves *l = leaves;
    struct tlog_frontier f = {0};
    uint64_t width, i;
    enum dt_err err;

    if (level > 62 || index > TLOG_SIZE_MAX >> level)
        return dt_fail(DT_ERR_RANGE, "no such node");
    width = UINT64_C(1) << level;
    if (l->n < width || index > (l->n - width) >> level)
        return dt_fail(DT_ERR_RANGE, "node lies outside of the leaves");
    for (i = index * width; i < (index + 1) * width; i++) {
        err = tlog_frontier_append(&f, &l->h[i]);
        if (err != DT_OK)
            return err;
    }
    *out = f.h[0];
    return DT_OK;
}

/*
 * The complete subtrees of leaves [start, end), largest first, into ${out}. ${start} is a multiple
 * of the first one's width, as it is for every subtree of the RFC's recursion.
 */
static enum dt_err
range_nodes(tlog_node_fn node, void *ctx, uint64_t start, uint64_t end, struct tlog_frontier *out)
{
    struct tlog_frontier f;
    enum dt_err err;

    f.size = end - start;
    f.n = 0;
    while (start < end) {
        unsigned int level = top_level(end - start);

        err = node(ctx, level, start >> level, &f.h[f.n]);
        if (err != DT_OK)
            return err;
        f.n++;
        start += UINT64_C(1) << level;
    }
    out->size = f.size;
    out->n = f.n;
    memcpy(out->h, f.h, f.n * sizeof(f.h[0]));
    return DT_OK;
}

/* MTH(D[start:end]) of RFC 6962 section 2.1. */
static enum dt_err
range_root(tlog_node_fn node, void *ctx, uint64_t start, uint64_t end, struct tlog_hash *out)
{
    struct tlog_frontier f;
    enum dt_err err = range_nodes(node, ctx, start, end, &f);

    return err != DT_OK ? err : tlog_frontier_root(&f, out);
}

static enum dt_err
check_size(uint64_t size)
{
    return size <= TLOG_SIZE_MAX ? DT_OK
                                 : dt_fail(DT_ERR_RANGE, "a tree has at most 2^63 - 1 leaves");
}

enum dt_err
tlog_root_make(tlog_node_fn node, void *ctx, uint64_t size, struct tlog_hash *out)
{
    enum dt_err err = check_size(size);

    return err != DT_OK ? err : range_root(node, ctx, 0, size, out);
}

enum dt_err
tlog_frontier_make(tlog_node_fn node, void *ctx, uint64_t size, struct tlog_frontier *out)
{
    enum dt_err err = check_size(size);

    return err != DT_OK ? err : range_nodes(node, ctx, 0, size, out);
}

static void
path_reverse(struct tlog_path *p)
{
    size_t i;

    for (i = 0; i < p->n / 2; i++) {
        struct tlog_hash h = p->h[i];

        p->h[i] = p->h[p->n - 1 - i];
        p->h[p->n - 1 - i] = h;
    }
}

static void
path_copy(struct tlog_path *to, const struct tlog_path *from)
{
    to->n = from->n;
    memcpy(to->h, from->h, from->n * sizeof(from->h[0]));
}

/* PATH(m, D[n]) of RFC 6962 section 2.1.1, walked from the root down and then turned around. */
enum dt_err
tlog_inclusion_make(tlog_node_fn node, void *ctx, uint64_t index, uint64_t size,
                    struct tlog_path *out)
{
    uint64_t start = 0, end = size;
    struct tlog_path p;
    enum dt_err err = check_size(size);

    if (err != DT_OK)
        return err;
    if (index >= size)
        return dt_fail(DT_ERR_RANGE, "leaf %llu is not in a tree of %llu",
                       (unsigned long long)index, (unsigned long long)size);
    p.n = 0;
    while (end - start > 1) {
        uint64_t middle = start + split_point(end - start);

        if (index < middle) {
            err = range_root(node, ctx, middle, end, &p.h[p.n]);
            end = middle;
        } else {
            err = range_root(node, ctx, start, middle, &p.h[p.n]);
            start = middle;
        }
        if (err != DT_OK)
            return err;
        p.n++;
    }
    path_reverse(&p);
    path_copy(out, &p);
    return DT_OK;
}

/* PROOF(m, D[n]) of RFC 6962 section 2.1.2, likewise from the root down. */
enum dt_err
tlog_consistency_make(tlog_node_fn node, void *ctx, uint64_t old_size, uint64_t new_size,
                      struct tlog_path *out)
{
    uint64_t start = 0, end = new_size;
    struct tlog_path p;
    bool whole = true; /* the verifier knows the hash that the walk ends at: it is the old root */
    enum dt_err err = check_size(new_size);

    if (err != DT_OK)
        return err;
    if (old_size > new_size)
        return dt_fail(DT_ERR_RANGE, "a tree of %llu does not grow out of one of %llu",
                       (unsigned long long)new_size, (unsigned long long)old_size);
    p.n = 0;
    while (old_size != 0 && old_size != end) {
        uint64_t middle = start + split_point(end - start);

        if (old_size <= middle) {
            err = range_root(node, ctx, middle, end, &p.h[p.n]);
            end = middle;
        } else {
            err = range_root(node, ctx, start, middle, &p.h[p.n]);
            start = middle;
            whole = false;
        }
        if (err != DT_OK)
            return err;
        p.n++;
    }
    if (!whole) {
        /* At most 63 steps lead here, so there is room for one more. */
        err = range_root(node, ctx, start, end, &p.h[p.n]);
        if (err != DT_OK)
            return err;
        p.n++;
    }
    path_reverse(&p);
    path_copy(out, &p);
    return DT_OK;
}

/* ---- checking proofs ---- */

/* Levels at which leaf and last leaf lie under different nodes: there a sibling exists on either
 * side. */
static unsigned int
inner_len(uint64_t index, uint64_t size)
{
    uint64_t x = index ^ (size - 1);

    return x == 0 ? 0 : top_level(x) + 1;
}

size_t
tlog_inclusion_len(uint64_t index, uint64_t size)
{
    unsigned int inner;

    if (index >= size)
        return 0;
    inner = inner_len(index, size);
    return inner + (inner >= 64 ? 0 : (size_t)__builtin_popcountll(index >> inner));
}

/*
 * RFC 9162 section 2.1.3.2. Up to the level where the path meets the tree's right edge, the bits of
 * the index say on which side the sibling is; above, it is always on the left.
 */
enum dt_err
tlog_root_from_inclusion(const struct tlog_hash *leaf, uint64_t index, uint64_t size,
                         const struct tlog_hash *hashes, size_t n, struct tlog_hash *out)
{
    struct tlog_hash h = *leaf;
    unsigned int inner;
    enum dt_err err;
    size_t i;

    if (index >= size || size > TLOG_SIZE_MAX)
        return dt_fail(DT_ERR_PROOF, "inclusion proof for a leaf outside of the tree");
    if (n != tlog_inclusion_len(index, size))
        return dt_fail(DT_ERR_PROOF, "inclusion proof has %zu hashes, not %zu", n,
                       tlog_inclusion_len(index, size));
    inner = inner_len(index, size);
    for (i = 0; i < n; i++) {
        if (i < inner && ((index >> i) & 1) == 0)
            err = tlog_node_hash(&h, &hashes[i], &h);
        else
            err = tlog_node_hash(&hashes[i], &h, &h);
        if (err != DT_OK)
            return err;
    }
    *out = h;
    return DT_OK;
}

enum dt_err
tlog_inclusion_verify(const struct tlog_hash *leaf, uint64_t index, uint64_t size,
                      const struct tlog_path *path, const struct tlog_hash *root)
{
    struct tlog_hash h;
    enum dt_err err = tlog_root_from_inclusion(leaf, index, size, path->h, path->n, &h);

    if (err != DT_OK)
        return err;
    if (!tlog_hash_equal(&h, root))
        return dt_fail(DT_ERR_PROOF, "inclusion proof leads to another root");
    return DT_OK;
}

/* The two roots that a consistency proof leads to; old_size and new_size differ and are not 0. */
static enum dt_err
consistency_roots(uint64_t old_size, uint64_t new_size, const struct tlog_hash *hashes, size_t n,
                  struct tlog_hash *old_root, struct tlog_hash *new_root)
{
    uint64_t fn = old_size - 1, sn = new_size - 1;
    struct tlog_hash fr, sr;
    enum dt_err err;
    size_t i;

    while ((fn & 1) != 0) {
        fn >>= 1;
        sn >>= 1;
    }
    fr = sr = hashes[0];
    for (i = 1; i < n; i++) {
        if (sn == 0)
            return dt_fail(DT_ERR_PROOF, "consistency proof is too long");
        if ((fn & 1) != 0 || fn == sn) {
            if ((err = tlog_node_hash(&hashes[i], &fr, &fr)) != DT_OK ||
                (err = tlog_node_hash(&hashes[i], &sr, &sr)) != DT_OK)
                return err;
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            err = tlog_node_hash(&sr, &hashes[i], &sr);
            if (err != DT_OK)
                return err;
        }
        fn >>= 1;
        sn >>= 1;
    }
    if (sn != 0)
        return dt_fail(DT_ERR_PROOF, "consistency proof is too short");
    *old_root = fr;
    *new_root = sr;
    return DT_OK;
}

/* RFC 9162 section 2.1.4.2. */
enum dt_err
tlog_consistency_verify(uint64_t old_size, uint64_t new_size, const struct tlog_path *path,
                        const struct tlog_hash *old_root, const struct tlog_hash *new_root)
{
    struct tlog_hash hashes[TLOG_PATH_MAX + 1], got_old, got_new;
    size_t n = path->n;
    enum dt_err err;

    if (old_size > new_size || new_size > TLOG_SIZE_MAX || n > TLOG_PATH_MAX)
        return dt_fail(DT_ERR_PROOF, "consistency proof for impossible sizes");
    if (old_size == new_size) {
        if (n != 0)
            return dt_fail(DT_ERR_PROOF, "consistency proof between equal sizes is not empty");
        if (!tlog_hash_equal(old_root, new_root))
            return dt_fail(DT_ERR_PROOF, "one size has two roots");
        return DT_OK;
    }
    if (old_size == 0)
        return dt_fail(DT_ERR_PROOF, "an empty tree has no consistency proof");
    if (n == 0)
        return dt_fail(DT_ERR_PROOF, "consistency proof is empty");

    /* An old size that is a power of two is itself a node of the new tree, and left out of the
     * proof. */
    if ((old_size & (old_size - 1)) == 0) {
        hashes[0] = *old_root;
        memcpy(hashes + 1, path->h, n * sizeof(hashes[0]));
        n++;
    } else {
        memcpy(hashes, path->h, n * sizeof(hashes[0]));
    }
    err = consistency_roots(old_size, new_size, hashes, n, &got_old, &got_new);
    if (err != DT_OK)
        return err;
    if (!tlog_hash_equal(&got_old, old_root) || !tlog_hash_equal(&got_new, new_root))
        return dt_fail(DT_ERR_PROOF, "consistency proof leads to other roots");
    return DT_OK;
}

enum dt_err
tlog_growth_verify(uint64_t old_size, uint64_t new_size, const struct tlog_path *path,
                   const struct tlog_hash *old_root, const struct tlog_hash *new_root)
{
    if (new_size == 0 && !tlog_hash_equal(new_root, &tlog_empty_root))
        return dt_fail(DT_ERR_PROOF, "a tree of size 0 has not the root of the empty tree");
    if (old_size == 0) {
        if (path->n != 0)
            return dt_fail(DT_ERR_PROOF, "proof of growth from the empty tree is not empty");
        if (!tlog_hash_equal(old_root, &tlog_empty_root))
            return dt_fail(DT_ERR_PROOF, "the old tree of size 0 has not the empty tree's root");
        if (new_size > TLOG_SIZE_MAX)
            return dt_fail(DT_ERR_PROOF, "tree size is too large");
        return DT_OK;
    }
    return tlog_consistency_verify(old_size, new_size, path, old_root, new_root);
}
