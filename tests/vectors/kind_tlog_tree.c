/*
 * tests/vectors/kind_tlog_tree.c - Merkle roots and proofs: foreign ones checked, our own compared.
 */
#include <string.h>

#include "kind_tlog.h"

static bool
same_path(const struct tlog_path *a, const struct tlog_path *b)
{
    return a->n == b->n && memcmp(a->h, b->h, a->n * sizeof(a->h[0])) == 0;
}

/* The verdict of the file, but a hash that is not 32 bytes is refused in any case. */
static void
expect(struct vector_run *run, bool want, bool fits, enum dt_err err)
{
    bool got = fits && err == DT_OK;

    (void)vec_check(run, !fits || err == DT_OK || err == DT_ERR_PROOF, "error %s",
                    dt_err_name(err));
    (void)vec_check(run, got == (want && fits), "%s", got ? "accepted" : "refused");
}

void
vec_merkle_inclusion(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        struct tlog_hash leaf, root;
        struct tlog_path proof;
        uint64_t index = 0, size = 0;
        bool fits = true, bad = false;

        vec_case(run, "%zu", i);
        if (vec_u64(run, c, "leafIdx", &index) && vec_u64(run, c, "treeSize", &size) &&
            vec_hash(run, c, "leafHash", &leaf, &fits) && vec_hash(run, c, "root", &root, &fits) &&
            vec_path(run, c, "proof", &proof, &fits) && vec_bool(run, c, "wantErr", &bad))
            expect(run, !bad, fits, tlog_inclusion_verify(&leaf, index, size, &proof, &root));
        vec_end(run);
    }
}

void
vec_merkle_consistency(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        struct tlog_hash old_root, new_root;
        struct tlog_path proof;
        uint64_t old_size = 0, new_size = 0;
        bool fits = true, bad = false;

        vec_case(run, "%zu", i);
        if (vec_u64(run, c, "size1", &old_size) && vec_u64(run, c, "size2", &new_size) &&
            vec_hash(run, c, "root1", &old_root, &fits) &&
            vec_hash(run, c, "root2", &new_root, &fits) &&
            vec_path(run, c, "proof", &proof, &fits) && vec_bool(run, c, "wantErr", &bad))
            expect(run, !bad, fits,
                   tlog_consistency_verify(old_size, new_size, &proof, &old_root, &new_root));
        vec_end(run);
    }
}

/* All changes of one bit a hash, one hash more and one less must be refused. */
static void
refuse_inclusion(struct vector_run *run, const struct tlog_hash *leaf, uint64_t index,
                 uint64_t size, const struct tlog_path *proof, const struct tlog_hash *root)
{
    struct tlog_path p = *proof;

    for (size_t i = 0; i < p.n; i++) {
        p.h[i].b[i % TLOG_HASH] ^= 0x10;
        (void)vec_check(run, tlog_inclusion_verify(leaf, index, size, &p, root) == DT_ERR_PROOF,
                        "altered proof was taken");
        p.h[i].b[i % TLOG_HASH] ^= 0x10;
    }
    p.n = proof->n + 1;
    memset(&p.h[proof->n], 0, sizeof(p.h[0]));
    (void)vec_check(run, tlog_inclusion_verify(leaf, index, size, &p, root) == DT_ERR_PROOF,
                    "longer proof was taken");
    if (proof->n > 0) {
        p.n = proof->n - 1;
        (void)vec_check(run, tlog_inclusion_verify(leaf, index, size, &p, root) == DT_ERR_PROOF,
                        "shorter proof was taken");
    }
}

void
vec_gen_inclusion(struct vector_run *run, const char *path, const json_t *cases)
{
    DT_CLEANUP(gen_tree_clear) struct gen_tree tree = {0};
    const json_t *c;
    size_t i;

    json_array_foreach(cases, i, c)
    {
        struct tlog_hash leaf, root, own;
        struct tlog_path proof, made;
        uint64_t index = 0, size = 0;
        bool fits = true;

        vec_case(run, "%zu", i);
        if (i == 0 && !gen_tree_make(run, path, vec_largest(cases, "size"), &tree))
            return;
        if (vec_u64(run, c, "index", &index) && vec_u64(run, c, "size", &size) &&
            vec_hash(run, c, "leaf_hash", &leaf, &fits) && vec_hash(run, c, "root", &root, &fits) &&
            vec_path(run, c, "proof", &proof, &fits) &&
            vec_check(run, fits, "a hash is not 32 bytes") &&
            vec_ok(run, tlog_inclusion_verify(&leaf, index, size, &proof, &root), "verify") &&
            vec_ok(run, tlog_inclusion_make(gen_tree_node, &tree, index, size, &made), "make") &&
            vec_ok(run, gen_tree_node(&tree, 0, index, &own), "leaf")) {
            (void)vec_equal(run, "leaf", tlog_hash_view(&own), tlog_hash_view(&leaf));
            (void)vec_check(run, same_path(&made, &proof), "our proof is another one");
            refuse_inclusion(run, &leaf, index, size, &proof, &root);
        }
        vec_end(run);
    }
}

static void
refuse_consistency(struct vector_run *run, uint64_t old_size, uint64_t new_size,
                   const struct tlog_path *proof, const struct tlog_hash *old_root,
                   const struct tlog_hash *new_root)
{
    struct tlog_path p = *proof;

    for (size_t i = 0; i < p.n; i++) {
        p.h[i].b[i % TLOG_HASH] ^= 0x10;
        (void)vec_check(
            run, tlog_growth_verify(old_size, new_size, &p, old_root, new_root) == DT_ERR_PROOF,
            "altered proof was taken");
        p.h[i].b[i % TLOG_HASH] ^= 0x10;
    }
    p.n = proof->n + 1;
    memset(&p.h[proof->n], 0, sizeof(p.h[0]));
    (void)vec_check(run,
                    tlog_growth_verify(old_size, new_size, &p, old_root, new_root) == DT_ERR_PROOF,
                    "longer proof was taken");
    if (proof->n > 0) {
        p.n = proof->n - 1;
        (void)vec_check(
            run, tlog_growth_verify(old_size, new_size, &p, old_root, new_root) == DT_ERR_PROOF,
            "shorter proof was taken");
    }
}

void
vec_gen_consistency(struct vector_run *run, const char *path, const json_t *cases)
{
    DT_CLEANUP(gen_tree_clear) struct gen_tree tree = {0};
    const json_t *c;
    size_t i;

    json_array_foreach(cases, i, c)
    {
        struct tlog_hash old_root, new_root;
        struct tlog_path proof, made;
        uint64_t old_size = 0, new_size = 0;
        bool fits = true;

        vec_case(run, "%zu", i);
        if (i == 0 && !gen_tree_make(run, path, vec_largest(cases, "new"), &tree))
            return;
        if (vec_u64(run, c, "old", &old_size) && vec_u64(run, c, "new", &new_size) &&
            vec_hash(run, c, "root_old", &old_root, &fits) &&
            vec_hash(run, c, "root_new", &new_root, &fits) &&
            vec_path(run, c, "proof", &proof, &fits) &&
            vec_check(run, fits, "a hash is not 32 bytes") &&
            vec_ok(run, tlog_growth_verify(old_size, new_size, &proof, &old_root, &new_root),
                   "verify") &&
            vec_ok(run, tlog_consistency_make(gen_tree_node, &tree, old_size, new_size, &made),
                   "make")) {
            (void)vec_check(run, same_path(&made, &proof), "our proof is another one");
            refuse_consistency(run, old_size, new_size, &proof, &old_root, &new_root);
        }
        vec_end(run);
    }
}

void
vec_tree_roots(struct vector_run *run, const char *path, const json_t *cases)
{
    DT_CLEANUP(gen_tree_clear) struct gen_tree tree = {0};
    struct tlog_frontier f = {0};
    const json_t *c;
    size_t i;

    json_array_foreach(cases, i, c)
    {
        struct tlog_hash want, got;
        uint64_t size = 0;
        bool fits = true;

        vec_case(run, "%zu", i);
        if (i == 0 && !gen_tree_make(run, path, vec_largest(cases, "size"), &tree))
            return;
        if (vec_u64(run, c, "size", &size) && vec_hash(run, c, "root", &want, &fits) &&
            vec_ok(run, tlog_root_make(gen_tree_node, &tree, size, &got), "root")) {
            (void)vec_equal(run, "root", tlog_hash_view(&got), tlog_hash_view(&want));
            /* Again by appending, when the file goes upwards. */
            if (size < f.size)
                memset(&f, 0, sizeof(f));
            while (!vec_bad(run) && f.size < size)
                (void)vec_ok(run, tlog_frontier_append(&f, &tree.level[0][f.size]), "append");
            if (vec_ok(run, tlog_frontier_root(&f, &got), "root"))
                (void)vec_equal(run, "root by appending", tlog_hash_view(&got),
                                tlog_hash_view(&want));
        }
        vec_end(run);
    }
}
