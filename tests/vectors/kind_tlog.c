/*
 * tests/vectors/kind_tlog.c - the table of the register's vector files, and what their readers
 * share.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "kind_tlog.h"

#define SUBTREE_WHY                                                                                \
    "subtree proofs belong to sign-subtree and tlog-mirror, which are not implemented"

const struct vector_file vector_files_tlog[] = {
    {.name = "ed25519_edge.json", .fn = vec_ed25519_edge},
    {.name = "merkle_inclusion.jsonl", .fn = vec_merkle_inclusion},
    {.name = "merkle_consistency.jsonl", .fn = vec_merkle_consistency},
    {.name = "merkle_subtreeinclusion.jsonl", .why = SUBTREE_WHY},
    {.name = "merkle_subtreeconsistency.jsonl", .why = SUBTREE_WHY},
    {.name = "inclusion.jsonl", .fn = vec_gen_inclusion},
    {.name = "consistency.jsonl", .fn = vec_gen_consistency},
    {.name = "tree_roots.jsonl", .fn = vec_tree_roots},
    {.name = "published_notes.jsonl", .fn = vec_published_notes},
    {.name = "notes.jsonl", .fn = vec_gen_notes},
    {.name = "checkpoint_bodies.jsonl", .fn = vec_checkpoint_bodies},
    {.name = "cosignatures.jsonl", .fn = vec_cosignatures},
    {.name = "keys.jsonl", .fn = vec_keys},
    {.name = "policy.txt", .fn = vec_policy},
    {.name = "tlog_proofs.jsonl", .fn = vec_tlog_proofs},
    {.name = "add_checkpoint.jsonl", .fn = vec_add_checkpoint},
    {.name = "rekor_v2.jsonl", .fn = vec_rekor_v2},
    {.name = "tile_paths.jsonl", .fn = vec_tile_paths},
    {.name = "tiles_for_size.jsonl", .fn = vec_tiles_for_size},
    {.name = "tile_digests.jsonl", .fn = vec_tile_digests},
    {.name = "entry_bundles.jsonl", .fn = vec_entry_bundles},
    {.name = "bundle_000.bin", .fn = vec_bundle_000},
    {.name = "leaf_rule.txt", .why = "read with the other files"},
    {.name = "tessera_log15", .fn = vec_tessera_log, .is_dir = true},
    {.name = "sunlight_mirror300", .fn = vec_sunlight_mirror, .is_dir = true},
    {.name = NULL},
};

void
gen_tree_clear(struct gen_tree *t)
{
    for (size_t i = 0; i < 64; i++)
        dt_free(t->level[i]);
    memset(t, 0, sizeof(*t));
}

static bool
repeat(struct dt_buf *out, struct dt_view v, uint64_t times)
{
    for (uint64_t i = 0; i < times; i++)
        if (dt_buf_append(out, v) != DT_OK)
            return false;
    return true;
}

bool
gen_leaf(struct vector_run *run, struct dt_view tag, uint64_t i, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = VEC_BUF;
    const uint8_t byte = (uint8_t)(i % 256);
    uint8_t hash[DT_SHA256];
    bool ok = true;

    out->n = 0;
    switch (i % 5) {
    case 0:
        ok = dt_buf_append(out, tag) == DT_OK &&
             dt_buf_printf(out, "/%llu", (unsigned long long)i) == DT_OK;
        break;
    case 1:
        break;
    case 2:
        ok = repeat(out, dt_view(&byte, 1), i % 300 + 1);
        break;
    case 3:
        ok = dt_buf_append(&text, tag) == DT_OK &&
             dt_buf_printf(&text, ":%llu", (unsigned long long)i) == DT_OK &&
             dt_sha256(dt_buf_view(&text), hash) == DT_OK &&
             dt_buf_append(out, dt_view_of(hash)) == DT_OK;
        break;
    default:
        ok = repeat(out, dt_view_str("d\xc3\xa9tente "), i % 7 + 1);
    }
    return ok || vec_fail(run, "leaf not made: %s", dt_err_message());
}

/* The leaves' hashes, and above them every pair of complete nodes. */
static bool
fill_tree(struct vector_run *run, struct dt_view tag, uint64_t n, struct gen_tree *t)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf leaf = VEC_BUF;

    t->n = n;
    for (unsigned int l = 0; l < 63 && n >> l > 0; l++) {
        t->level[l] = dt_alloc((size_t)(n >> l), sizeof(*t->level[l]));
        if (t->level[l] == NULL)
            return vec_fail(run, "no memory for the tree");
        for (uint64_t i = 0; i < n >> l; i++) {
            enum dt_err err;

            if (l == 0 && !gen_leaf(run, tag, i, &leaf))
                return false;
            err = l == 0 ? tlog_leaf_hash(dt_buf_view(&leaf), &t->level[0][i])
                         : tlog_node_hash(&t->level[l - 1][2 * i], &t->level[l - 1][2 * i + 1],
                                          &t->level[l][i]);
            if (!vec_ok(run, err, "hash"))
                return false;
        }
    }
    return true;
}

bool
gen_tree_make(struct vector_run *run, const char *path, uint64_t n, struct gen_tree *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf rule = VEC_BUF;
    struct dt_view rest, line;

    if (n > 1u << 24)
        return vec_fail(run, "a tree of that size is not generated");
    if (!vec_file(run, path, "leaf_rule.txt", &rule))
        return false;
    rest = dt_buf_view(&rule);
    while (dt_text_split(&rest, '\n', &line))
        if (line.n > 4 && memcmp(line.p, "tag=", 4) == 0)
            return fill_tree(run, dt_view(line.p + 4, line.n - 4), n, out);
    return vec_fail(run, "leaf_rule.txt names no tag");
}

enum dt_err
gen_tree_node(void *tree, unsigned int level, uint64_t index, struct tlog_hash *out)
{
    const struct gen_tree *t = tree;

    if (level > 62 || index >= t->n >> level)
        return dt_fail(DT_ERR_RANGE, "no such node in the generated tree");
    *out = t->level[level][index];
    return DT_OK;
}

static bool
hash_value(struct vector_run *run, const json_t *v, struct tlog_hash *out, bool *fits)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = VEC_BUF;

    if (!json_is_string(v) || dt_base64_read(&bytes, dt_view((const uint8_t *)json_string_value(v),
                                                             json_string_length(v))) != DT_OK)
        return vec_fail(run, "a hash is not base64 text");
    if (bytes.n != TLOG_HASH)
        *fits = false;
    else
        memcpy(out->b, bytes.p, TLOG_HASH);
    return true;
}

bool
vec_hash(struct vector_run *run, const json_t *c, const char *field, struct tlog_hash *out,
         bool *fits)
{
    const json_t *v = vec_get(run, c, field);

    memset(out, 0, sizeof(*out));
    if (v != NULL && json_is_null(v)) {
        *fits = false;
        return true;
    }
    return v != NULL && hash_value(run, v, out, fits);
}

bool
vec_path(struct vector_run *run, const json_t *c, const char *field, struct tlog_path *out,
         bool *fits)
{
    const json_t *list = vec_get(run, c, field);
    const json_t *v;
    size_t i;

    out->n = 0;
    if (list == NULL)
        return false;
    if (json_is_null(list))
        return true;
    if (!json_is_array(list))
        return vec_fail(run, "field %s is not an array", field);
    if (json_array_size(list) > TLOG_PATH_MAX) {
        *fits = false;
        return true;
    }
    json_array_foreach(list, i, v) if (!hash_value(run, v, &out->h[out->n++], fits)) return false;
    return true;
}

uint64_t
vec_largest(const json_t *cases, const char *field)
{
    uint64_t most = 0;
    const json_t *c;
    size_t i;

    json_array_foreach(cases, i, c)
    {
        const json_t *v = json_object_get(c, field);

        if (json_is_integer(v) && json_integer_value(v) > 0 &&
            (uint64_t)json_integer_value(v) > most)
            most = (uint64_t)json_integer_value(v);
    }
    return most;
}
