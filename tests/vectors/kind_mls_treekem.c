/*
 * tests/vectors/kind_mls_treekem.c - treekem.json: update paths of others, and ours, by every
 * member.
 *
 * RFC 9420 sections 7.4 to 7.6.
 */
#include <stdlib.h>

#include "crypto/hpke.h"
#include "mls/parent_hash.h"
#include "mls/treekem.h"
#include "mls/treekem_int.h"

#include "kind_mls.h"

/* One case; privs[] has an entry per leaf slot, empty for blank ones. */
struct kem_case {
    const struct dt_suite *suite;
    struct dt_buf group_id;
    struct dt_buf transcript_hash;
    uint64_t epoch;
    struct mls_tree tree;
    struct mls_tree_priv *privs;
    struct dt_buf *signature_privs;
};

static void
kem_case_clear(struct kem_case *k)
{
    for (uint32_t i = 0; k->privs != NULL && i < k->tree.n_leaves; i++) {
        mls_tree_priv_clear(&k->privs[i]);
        dt_buf_wipe(&k->signature_privs[i]);
    }
    free(k->privs);
    free(k->signature_privs);
    mls_tree_clear(&k->tree);
    dt_buf_clear(&k->group_id);
    dt_buf_clear(&k->transcript_hash);
}

static bool
read_path_secret(struct vector_run *run, const struct kem_case *k, const json_t *c,
                 struct mls_tree_priv *p)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = VEC_BUF;
    DT_CLEANUP(dt_secret_clear) struct dt_secret secret = {0};
    uint8_t pub[DT_HPKE_PUB_MAX];
    uint64_t node = 0;

    if (!vec_u64(run, c, "node", &node) || !vec_hex(run, c, "path_secret", &raw) ||
        !vec_check(run,
                   node < mls_node_width(k->tree.n_leaves) && node % 2 == 1 &&
                       mls_node_covers((uint32_t)node, p->leaf_index),
                   "node %u is not on the path of leaf %u", (unsigned)node, p->leaf_index))
        return false;
    return vec_ok(run, dt_secret_set(&secret, dt_buf_view(&raw)), "path secret") &&
           vec_ok(run,
                  mls_node_key_pair(k->suite, &secret,
                                    &p->node_priv[mls_node_level((uint32_t)node) - 1], pub),
                  "node key pair");
}

static bool
read_private(struct vector_run *run, struct kem_case *k, const json_t *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf priv = VEC_BUF;
    const json_t *secrets = NULL, *e;
    struct mls_tree_priv *p;
    uint64_t index = 0;
    size_t i;

    if (!vec_u64(run, c, "index", &index) ||
        !vec_check(run, mls_tree_leaf(&k->tree, (uint32_t)index) != NULL,
                   "private state of a blank") ||
        !vec_hex(run, c, "encryption_priv", &priv) ||
        !vec_array(run, c, "path_secrets", &secrets) ||
        !vec_hex(run, c, "signature_priv", &k->signature_privs[index]))
        return false;
    p = &k->privs[index];
    p->leaf_index = (uint32_t)index;
    if (!vec_ok(run, dt_secret_set(&p->leaf_priv, dt_buf_view(&priv)), "encryption_priv"))
        return false;
    json_array_foreach(secrets, i, e) if (!read_path_secret(run, k, e, p)) return false;
    return vec_ok(run, mls_tree_priv_check(k->suite, p, &k->tree), "private against public state");
}

static bool
read_case(struct vector_run *run, const json_t *c, struct kem_case *k)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf tree = VEC_BUF;
    const json_t *list = NULL, *e;
    size_t i;

    if (!vec_hex(run, c, "group_id", &k->group_id) || !vec_u64(run, c, "epoch", &k->epoch) ||
        !vec_hex(run, c, "confirmed_transcript_hash", &k->transcript_hash) ||
        !vec_hex(run, c, "ratchet_tree", &tree) || !vec_array(run, c, "leaves_private", &list) ||
        !vec_ok(run, mls_tree_parse(dt_buf_view(&tree), k->suite, &k->tree), "ratchet_tree"))
        return false;
    k->privs = calloc(k->tree.n_leaves, sizeof *k->privs);
    k->signature_privs = calloc(k->tree.n_leaves, sizeof *k->signature_privs);
    if (!vec_check(run, k->privs != NULL && k->signature_privs != NULL, "memory"))
        return false;
    for (uint32_t n = 0; n < k->tree.n_leaves; n++)
        dt_buf_init(&k->signature_privs[n], VEC_MAX);
    json_array_foreach(list, i, e) if (!read_private(run, k, e)) return false;
    return vec_check(run, json_array_size(list) == mls_tree_n_members(&k->tree), "private states");
}

/* GroupContext (RFC 9420 section 8.1) of the case with the tree hash of ${t}. */
static bool
group_context(struct vector_run *run, const struct kem_case *k, struct mls_tree *t,
              struct dt_buf *hash, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    uint8_t th[MLS_HASH_MAX];

    if (!vec_ok(run, mls_tree_hash(t, th), "tree hash") ||
        !vec_ok(run, dt_buf_set(hash, dt_view(th, k->suite->hash_len)), "tree hash"))
        return false;
    dt_write_u16(&w, MLS_VERSION_10);
    dt_write_u16(&w, k->suite->id);
    dt_write_vec(&w, dt_buf_view(&k->group_id));
    dt_write_u64(&w, k->epoch);
    dt_write_vec(&w, dt_buf_view(hash));
    dt_write_vec(&w, dt_buf_view(&k->transcript_hash));
    dt_write_vec(&w, dt_view(NULL, 0));
    return vec_ok(run, dt_writer_end(&w), "group context");
}

/* Member ${leaf} follows ${up}; when ${want} is given, the path secret it got must be that one. */
static bool
follow(struct vector_run *run, const struct kem_case *k, const struct mls_tree *merged,
       uint32_t sender, uint32_t leaf, const struct mls_update_path *up, struct dt_view context,
       const struct dt_buf *want, struct dt_view commit_secret)
{
    DT_CLEANUP(mls_tree_priv_clear) struct mls_tree_priv p = {0};
    DT_CLEANUP(mls_tree_priv_clear) struct mls_tree_priv q = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret commit = {0};
    uint32_t common = mls_common_ancestor(sender, leaf);

    if (!vec_ok(run, mls_tree_priv_copy(&k->privs[leaf], &p), "copy") ||
        !vec_ok(run, mls_path_open(merged, sender, up, context, NULL, 0, &p, &commit),
                "open path") ||
        !vec_equal(run, "commit secret", dt_secret_view(&commit), commit_secret) ||
        !vec_ok(run, mls_tree_priv_check(k->suite, &p, merged), "private keys after the path"))
        return false;
    if (want == NULL)
        return true;
    /* The path secret itself is not kept: what it gives must be what was stored. */
    return vec_ok(run, mls_tree_priv_copy(&k->privs[leaf], &q), "copy") &&
           vec_ok(run, mls_tree_priv_implant(&q, merged, common, dt_buf_view(want), &commit),
                  "implant") &&
           vec_equal(run, "commit secret of the given path secret", dt_secret_view(&commit),
                     commit_secret) &&
           vec_equal(run, "node key", dt_secret_view(&p.node_priv[mls_node_level(common) - 1]),
                     dt_secret_view(&q.node_priv[mls_node_level(common) - 1]));
}

/* A path of the vectors. */
static bool
run_given(struct vector_run *run, const struct kem_case *k, const json_t *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf commit_secret = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf want_hash = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf hash = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf context = VEC_BUF;
    DT_CLEANUP(mls_update_path_unref_p) struct mls_update_path *up = NULL;
    DT_CLEANUP(mls_tree_clear) struct mls_tree t;
    struct mls_leaf_rules rules = {.suite = k->suite};
    const json_t *secrets = NULL;
    struct dt_reader r;
    uint64_t sender = 0;

    mls_tree_init(&t, k->suite);
    if (!vec_u64(run, c, "sender", &sender) || !vec_hex(run, c, "update_path", &raw) ||
        !vec_array(run, c, "path_secrets", &secrets) ||
        !vec_hex(run, c, "commit_secret", &commit_secret) ||
        !vec_hex(run, c, "tree_hash_after", &want_hash))
        return false;
    r = dt_reader_init(dt_buf_view(&raw));
    if (!vec_ok(run, mls_update_path_read(&r, &up), "update_path") ||
        !vec_ok(run, dt_read_end(&r), "update_path") ||
        !vec_equal(run, "encoding", dt_buf_view(&up->raw), dt_buf_view(&raw)))
        return false;
    if (!vec_ok(run, mls_tree_copy(&k->tree, &t), "copy") ||
        !vec_ok(run,
                mls_path_merge(&t, (uint32_t)sender, up, dt_buf_view(&k->group_id), &rules, false),
                "merge path") ||
        !vec_ok(run, mls_parent_hash_check(&t), "parent hashes after the path") ||
        !group_context(run, k, &t, &hash, &context) ||
        !vec_equal(run, "tree_hash_after", dt_buf_view(&hash), dt_buf_view(&want_hash)))
        return false;
    for (uint32_t leaf = 0; leaf < t.n_leaves; leaf++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf want = VEC_BUF;
        const json_t *e = json_array_get(secrets, leaf);

        if (leaf == sender || mls_tree_leaf(&t, leaf) == NULL)
            continue;
        if (!vec_hex_value(run, e, "path secret", &want) ||
            !follow(run, k, &t, (uint32_t)sender, leaf, up, dt_buf_view(&context), &want,
                    dt_buf_view(&commit_secret)))
            return false;
    }
    return true;
}

/* A path of ours from ${sender}, followed by everyone else. */
static bool
run_ours(struct vector_run *run, const struct kem_case *k, uint32_t sender)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf hash = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf hash2 = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf context = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf context2 = VEC_BUF;
    DT_CLEANUP(mls_update_path_unref_p) struct mls_update_path *up = NULL;
    DT_CLEANUP(mls_path_clear) struct mls_path path = {0};
    DT_CLEANUP(mls_tree_clear) struct mls_tree t;
    DT_CLEANUP(mls_tree_clear) struct mls_tree theirs;
    struct mls_leaf_rules rules = {.suite = k->suite};
    struct mls_leaf_fields fields = {0};

    mls_tree_init(&t, k->suite);
    mls_tree_init(&theirs, k->suite);
    mls_leaf_fields_from(&fields, mls_tree_leaf(&k->tree, sender));
    if (!vec_ok(run, mls_tree_copy(&k->tree, &t), "copy") ||
        !vec_ok(run, mls_tree_copy(&k->tree, &theirs), "copy") ||
        !vec_ok(run,
                mls_path_begin(&t, sender, &fields, dt_buf_view(&k->signature_privs[sender]),
                               dt_buf_view(&k->group_id), &path),
                "begin path") ||
        !group_context(run, k, &t, &hash, &context) ||
        !vec_ok(run, mls_path_seal(&t, &path, dt_buf_view(&context), NULL, 0, &up), "seal path") ||
        !vec_ok(run, mls_tree_priv_check(k->suite, &path.priv, &t), "our private keys") ||
        !vec_ok(run, mls_path_merge(&theirs, sender, up, dt_buf_view(&k->group_id), &rules, false),
                "merge our path") ||
        !group_context(run, k, &theirs, &hash2, &context2) ||
        !vec_equal(run, "tree hash of our path", dt_buf_view(&hash2), dt_buf_view(&hash)) ||
        !vec_ok(run, mls_tree_check(&theirs, dt_buf_view(&k->group_id), &rules, dt_buf_view(&hash)),
                "tree check after our path"))
        return false;
    for (uint32_t leaf = 0; leaf < t.n_leaves; leaf++)
        if (leaf != sender && mls_tree_leaf(&t, leaf) != NULL &&
            !follow(run, k, &theirs, sender, leaf, up, dt_buf_view(&context2), NULL,
                    dt_secret_view(&path.commit_secret)))
            return false;
    return true;
}

static void
run_case(struct vector_run *run, const json_t *c, const struct dt_suite *s)
{
    DT_CLEANUP(kem_case_clear)
    struct kem_case k = {.suite = s, .group_id = VEC_BUF, .transcript_hash = VEC_BUF};
    const json_t *paths = NULL, *e;
    size_t i;

    mls_tree_init(&k.tree, s);
    if (!read_case(run, c, &k) || !vec_array(run, c, "update_paths", &paths))
        return;
    json_array_foreach(paths, i, e) if (!run_given(run, &k, e)) return;
    for (uint32_t leaf = 0; leaf < k.tree.n_leaves; leaf++)
        if (mls_tree_leaf(&k.tree, leaf) != NULL && !run_ours(run, &k, leaf))
            return;
}

void
vec_mls_treekem(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        const struct dt_suite *s;

        vec_case(run, "%zu", i);
        if ((s = vec_mls_suite(run, c)) != NULL)
            run_case(run, c, s);
        vec_end(run);
    }
}
