/*
 * tests/vectors/kind_tlog.h - what the files of the tlog kind share.
 */
#ifndef DT_TESTS_KIND_TLOG_H
#define DT_TESTS_KIND_TLOG_H

#include "log/note.h"
#include "log/tree.h"

#include "vectors.h"

/* Every complete node of a generated tree, level by level. */
struct gen_tree {
    uint64_t n;
    struct tlog_hash *level[64];
};
void gen_tree_clear(struct gen_tree *t);

/* Leaf ${i} of leaf_rule.txt with ${tag} into ${out} (replaced). */
bool gen_leaf(struct vector_run *run, struct dt_view tag, uint64_t i, struct dt_buf *out);

/* The tree of ${n} leaves by the leaf_rule.txt beside ${path}; fails the case when it cannot be
 * made. */
bool gen_tree_make(struct vector_run *run, const char *path, uint64_t n, struct gen_tree *out);

/* A tlog_node_fn over a struct gen_tree. */
enum dt_err gen_tree_node(void *tree, unsigned int level, uint64_t index, struct tlog_hash *out);

/* A hash in base64 in ${field}; *${fits} is false when it is something else than 32 bytes. */
bool vec_hash(struct vector_run *run, const json_t *c, const char *field, struct tlog_hash *out,
              bool *fits);

/* A list of such hashes (null: empty); *${fits} false too when there are more than 63. */
bool vec_path(struct vector_run *run, const json_t *c, const char *field, struct tlog_path *out,
              bool *fits);

/* The largest ${field} of all cases. */
uint64_t vec_largest(const json_t *cases, const char *field);

/* kind_tlog_tree.c */
void vec_merkle_inclusion(struct vector_run *run, const char *path, const json_t *cases);
void vec_merkle_consistency(struct vector_run *run, const char *path, const json_t *cases);
void vec_gen_inclusion(struct vector_run *run, const char *path, const json_t *cases);
void vec_gen_consistency(struct vector_run *run, const char *path, const json_t *cases);
void vec_tree_roots(struct vector_run *run, const char *path, const json_t *cases);

/* kind_tlog_note.c */
void vec_published_notes(struct vector_run *run, const char *path, const json_t *cases);
void vec_gen_notes(struct vector_run *run, const char *path, const json_t *cases);
void vec_checkpoint_bodies(struct vector_run *run, const char *path, const json_t *cases);
void vec_cosignatures(struct vector_run *run, const char *path, const json_t *cases);
void vec_keys(struct vector_run *run, const char *path, const json_t *cases);

/* kind_tlog_proof.c */
void vec_tlog_proofs(struct vector_run *run, const char *path, const json_t *cases);
void vec_add_checkpoint(struct vector_run *run, const char *path, const json_t *cases);
void vec_rekor_v2(struct vector_run *run, const char *path, const json_t *cases);
void vec_policy(struct vector_run *run, const char *path, const json_t *cases);

/* kind_tlog_tile.c */
void vec_tile_paths(struct vector_run *run, const char *path, const json_t *cases);
void vec_tiles_for_size(struct vector_run *run, const char *path, const json_t *cases);
void vec_tile_digests(struct vector_run *run, const char *path, const json_t *cases);
void vec_entry_bundles(struct vector_run *run, const char *path, const json_t *cases);
void vec_bundle_000(struct vector_run *run, const char *path, const json_t *cases);
void vec_tessera_log(struct vector_run *run, const char *path, const json_t *cases);
void vec_sunlight_mirror(struct vector_run *run, const char *path, const json_t *cases);

#endif
