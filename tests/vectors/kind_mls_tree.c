/*
 * tests/vectors/kind_mls_tree.c - MLS vectors of encoding, labels, tree arithmetic and ratchet
 * trees.
 *
 * RFC 9420 sections 2.1.2, 4.1.2, 5.1.2, 5.1.3, 5.2, 7.8, 7.9, 7.9.2, 12.1.
 */
#include "crypto/hpke.h"
#include "mls/label.h"
#include "mls/parent_hash.h"
#include "mls/proposal.h"
#include "mls/tree_check.h"

#include "kind_mls.h"

/* ---- deserialization.json ---- */

void
vec_mls_deserialization(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf header = VEC_BUF;
        DT_CLEANUP(dt_buf_clear) struct dt_buf again = VEC_BUF;
        uint64_t length = 0;

        vec_case(run, "%zu", i);
        if (vec_hex(run, c, "vlbytes_header", &header) && vec_u64(run, c, "length", &length)) {
            struct dt_reader r = dt_reader_init(dt_buf_view(&header));
            struct dt_writer w = dt_writer_init(&again);
            uint32_t got = 0;

            if (vec_ok(run, dt_read_varint(&r, &got), "header") &&
                vec_check(run, got == length && r.n == 0, "length %u", got)) {
                dt_write_varint(&w, got);
                if (vec_ok(run, dt_writer_end(&w), "write"))
                    (void)vec_equal(run, "encoding", dt_buf_view(&again), dt_buf_view(&header));
            }
        }
        vec_end(run);
    }
}

/* ---- tree-math.json ---- */

/* One of the four arrays: null stands for MLS_NO_NODE. */
static bool
check_relation(struct vector_run *run, const json_t *c, const char *field, uint32_t n_leaves,
               uint32_t (*fn)(uint32_t node, uint32_t n_leaves))
{
    const json_t *list = NULL, *e;
    size_t node;

    if (!vec_array(run, c, field, &list) ||
        !vec_check(run, json_array_size(list) == mls_node_width(n_leaves), "%s: size", field))
        return false;
    json_array_foreach(list, node, e)
    {
        uint32_t want = json_is_null(e) ? MLS_NO_NODE : (uint32_t)json_integer_value(e);
        uint32_t got = fn((uint32_t)node, n_leaves);

        if (!vec_check(run, got == want, "%s of node %zu is %u", field, node, got))
            return false;
    }
    return true;
}

static uint32_t
left_of(uint32_t node, uint32_t n_leaves)
{
    (void)n_leaves;
    return mls_node_left(node);
}

static uint32_t
right_of(uint32_t node, uint32_t n_leaves)
{
    (void)n_leaves;
    return mls_node_right(node);
}

void
vec_mls_tree_math(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        uint64_t n_leaves = 0, n_nodes = 0, root = 0;

        vec_case(run, "%zu", i);
        if (vec_u64(run, c, "n_leaves", &n_leaves) && vec_u64(run, c, "n_nodes", &n_nodes) &&
            vec_u64(run, c, "root", &root) &&
            vec_check(run, n_leaves > 0 && n_leaves <= MLS_LEAVES_MAX, "n_leaves")) {
            uint32_t n = (uint32_t)n_leaves;

            (void)vec_check(run, mls_node_width(n) == n_nodes, "n_nodes");
            (void)vec_check(run, mls_node_root(n) == root, "root");
            (void)check_relation(run, c, "left", n, left_of);
            (void)check_relation(run, c, "right", n, right_of);
            (void)check_relation(run, c, "parent", n, mls_node_parent);
            (void)check_relation(run, c, "sibling", n, mls_node_sibling);
        }
        vec_end(run);
    }
}

/* ---- crypto-basics.json ---- */

/* A label as a C string, without its prefix. */
static bool
get_label(struct vector_run *run, const json_t *o, const char **out)
{
    *out = json_string_value(json_object_get(o, "label"));
    return vec_check(run, *out != NULL, "no label");
}

static void
check_ref_hash(struct vector_run *run, const struct dt_suite *s, const json_t *o)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf want = VEC_BUF;
    uint8_t got[MLS_HASH_MAX];
    const char *label;

    if (get_label(run, o, &label) && vec_hex(run, o, "value", &value) &&
        vec_hex(run, o, "out", &want) &&
        vec_ok(run, mls_ref_hash(s, label, dt_buf_view(&value), got), "ref_hash"))
        (void)vec_equal(run, "ref_hash", dt_view(got, s->hash_len), dt_buf_view(&want));
}

static void
check_expand(struct vector_run *run, const struct dt_suite *s, const json_t *o)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf secret = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf context = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf want = VEC_BUF;
    DT_CLEANUP(dt_secret_clear) struct dt_secret got = {0};
    uint64_t length = 0;
    const char *label;

    if (get_label(run, o, &label) && vec_hex(run, o, "secret", &secret) &&
        vec_hex(run, o, "context", &context) && vec_hex(run, o, "out", &want) &&
        vec_u64(run, o, "length", &length) &&
        vec_ok(run,
               mls_expand_with_label(s, dt_buf_view(&secret), label, dt_buf_view(&context),
                                     (size_t)length, &got),
               "expand_with_label"))
        (void)vec_equal(run, "expand_with_label", dt_secret_view(&got), dt_buf_view(&want));
}

/* derive_secret, or derive_tree_secret when ${tree}. */
static void
check_derive(struct vector_run *run, const struct dt_suite *s, const json_t *o, bool tree)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf secret = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf want = VEC_BUF;
    DT_CLEANUP(dt_secret_clear) struct dt_secret got = {0};
    uint64_t length = 0, generation = 0;
    const char *label;
    enum dt_err err;

    if (!get_label(run, o, &label) || !vec_hex(run, o, "secret", &secret) ||
        !vec_hex(run, o, "out", &want))
        return;
    if (!tree)
        err = mls_derive_secret(s, dt_buf_view(&secret), label, &got);
    else if (vec_u64(run, o, "length", &length) && vec_u64(run, o, "generation", &generation))
        err = mls_derive_tree_secret(s, dt_buf_view(&secret), label, (uint32_t)generation,
                                     (size_t)length, &got);
    else
        return;
    if (vec_ok(run, err, "derive"))
        (void)vec_equal(run, "derived secret", dt_secret_view(&got), dt_buf_view(&want));
}

static void
check_sign(struct vector_run *run, const struct dt_suite *s, const json_t *o)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf priv = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf pub = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf content = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf sig = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf ours = VEC_BUF;
    const char *label;

    if (!get_label(run, o, &label) || !vec_hex(run, o, "priv", &priv) ||
        !vec_hex(run, o, "pub", &pub) || !vec_hex(run, o, "content", &content) ||
        !vec_hex(run, o, "signature", &sig))
        return;
    (void)vec_ok(run,
                 mls_verify_with_label(s, dt_buf_view(&pub), label, dt_buf_view(&content),
                                       dt_buf_view(&sig)),
                 "given signature");
    if (vec_ok(run, mls_sign_with_label(s, dt_buf_view(&priv), label, dt_buf_view(&content), &ours),
               "sign"))
        (void)vec_ok(run,
                     mls_verify_with_label(s, dt_buf_view(&pub), label, dt_buf_view(&content),
                                           dt_buf_view(&ours)),
                     "our signature");
    sig.p[0] ^= 1;
    (void)vec_check(run,
                    mls_verify_with_label(s, dt_buf_view(&pub), label, dt_buf_view(&content),
                                          dt_buf_view(&sig)) == DT_ERR_AUTH,
                    "an altered signature is accepted");
}

static void
check_encrypt(struct vector_run *run, const struct dt_suite *s, const json_t *o)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf priv = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf pub = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf context = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf plain = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf kem = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf ct = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf got = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf ours = VEC_BUF;
    struct mls_hpke_ciphertext x;
    uint8_t enc[DT_HPKE_PUB_MAX];
    const char *label;

    if (!get_label(run, o, &label) || !vec_hex(run, o, "priv", &priv) ||
        !vec_hex(run, o, "pub", &pub) || !vec_hex(run, o, "context", &context) ||
        !vec_hex(run, o, "plaintext", &plain) || !vec_hex(run, o, "kem_output", &kem) ||
        !vec_hex(run, o, "ciphertext", &ct))
        return;
    x.kem_output = dt_buf_view(&kem);
    x.ciphertext = dt_buf_view(&ct);
    if (vec_ok(
            run,
            mls_decrypt_with_label(s, dt_buf_view(&priv), label, dt_buf_view(&context), &x, &got),
            "given ciphertext"))
        (void)vec_equal(run, "plaintext", dt_buf_view(&got), dt_buf_view(&plain));
    got.n = 0;
    if (!vec_ok(run,
                mls_encrypt_with_label(s, dt_buf_view(&pub), label, dt_buf_view(&context),
                                       dt_buf_view(&plain), enc, &ours),
                "encrypt"))
        return;
    x.kem_output = dt_view(enc, s->kem_pub_len);
    x.ciphertext = dt_buf_view(&ours);
    if (vec_ok(
            run,
            mls_decrypt_with_label(s, dt_buf_view(&priv), label, dt_buf_view(&context), &x, &got),
            "our ciphertext"))
        (void)vec_equal(run, "our plaintext", dt_buf_view(&got), dt_buf_view(&plain));
}

void
vec_mls_crypto_basics(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        const struct dt_suite *s;

        vec_case(run, "%zu", i);
        if ((s = vec_mls_suite(run, c)) != NULL) {
            check_ref_hash(run, s, vec_get(run, c, "ref_hash"));
            check_expand(run, s, vec_get(run, c, "expand_with_label"));
            check_derive(run, s, vec_get(run, c, "derive_secret"), false);
            check_derive(run, s, vec_get(run, c, "derive_tree_secret"), true);
            check_sign(run, s, vec_get(run, c, "sign_with_label"));
            check_encrypt(run, s, vec_get(run, c, "encrypt_with_label"));
        }
        vec_end(run);
    }
}

/* ---- tree-operations.json ---- */

static bool
tree_equals(struct vector_run *run, struct mls_tree *t, const char *what,
            const struct dt_buf *bytes, const struct dt_buf *hash)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = VEC_BUF;
    struct dt_writer w = dt_writer_init(&out);
    uint8_t got[MLS_HASH_MAX];

    mls_tree_write(&w, t);
    return vec_ok(run, dt_writer_end(&w), what) &&
           vec_equal(run, what, dt_buf_view(&out), dt_buf_view(bytes)) &&
           vec_ok(run, mls_tree_hash(t, got), what) &&
           vec_equal(run, "tree hash", dt_view(got, t->suite->hash_len), dt_buf_view(hash));
}

static enum dt_err
apply(struct mls_tree *t, const struct mls_proposal *p, uint32_t sender)
{
    uint32_t index;

    switch (p->type) {
    case MLS_PROPOSAL_ADD:
        return mls_tree_add(t, p->add->leaf, &index);
    case MLS_PROPOSAL_UPDATE:
        return mls_tree_update(t, sender, p->update);
    case MLS_PROPOSAL_REMOVE:
        return mls_tree_remove(t, p->remove);
    default:
        return dt_fail(DT_ERR_UNSUPPORTED, "not a proposal that changes the tree");
    }
}

static void
run_operation(struct vector_run *run, const json_t *c, const struct dt_suite *s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf before = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf after = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf hash_before = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf hash_after = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = VEC_BUF;
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
    DT_CLEANUP(mls_tree_clear) struct mls_tree t;
    DT_CLEANUP(mls_tree_clear) struct mls_tree copy;
    struct dt_reader r;
    uint64_t sender = 0;

    mls_tree_init(&t, s);
    mls_tree_init(&copy, s);
    if (!vec_hex(run, c, "tree_before", &before) || !vec_hex(run, c, "tree_after", &after) ||
        !vec_hex(run, c, "tree_hash_before", &hash_before) ||
        !vec_hex(run, c, "tree_hash_after", &hash_after) || !vec_hex(run, c, "proposal", &raw) ||
        !vec_u64(run, c, "proposal_sender", &sender))
        return;
    r = dt_reader_init(dt_buf_view(&raw));
    if (!vec_ok(run, mls_proposal_read(&r, &p), "proposal") ||
        !vec_ok(run, dt_read_end(&r), "proposal") ||
        !vec_ok(run, mls_tree_parse(dt_buf_view(&before), s, &t), "tree_before") ||
        !tree_equals(run, &t, "tree before", &before, &hash_before) ||
        !vec_ok(run, mls_tree_copy(&t, &copy), "copy") ||
        !vec_ok(run, apply(&t, p, (uint32_t)sender), "apply"))
        return;
    (void)tree_equals(run, &t, "tree after", &after, &hash_after);
    (void)tree_equals(run, &copy, "the copy made before", &before, &hash_before);
}

void
vec_mls_tree_operations(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        const struct dt_suite *s;

        vec_case(run, "%zu", i);
        if ((s = vec_mls_suite(run, c)) != NULL)
            run_operation(run, c, s);
        vec_end(run);
    }
}

/* ---- tree-validation.json ---- */

static bool
check_node(struct vector_run *run, struct mls_tree *t, uint32_t node, const json_t *hash,
           const json_t *resolution)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf want = VEC_BUF;
    DT_CLEANUP(mls_nodes_clear) struct mls_nodes res = {0};
    uint8_t got[MLS_HASH_MAX];
    const json_t *e;
    size_t i;

    if (!vec_hex_value(run, hash, "tree hash", &want) ||
        !vec_ok(run, mls_tree_node_hash(t, node, got), "tree hash") ||
        !vec_equal(run, "tree hash", dt_view(got, t->suite->hash_len), dt_buf_view(&want)) ||
        !vec_ok(run, mls_tree_resolution(t, node, &res), "resolution") ||
        !vec_check(run, res.n == json_array_size(resolution), "resolution of %u: size", node) ||
        !vec_check(run, mls_tree_resolution_empty(t, node) == (res.n == 0), "empty resolution"))
        return false;
    json_array_foreach(resolution, i,
                       e) if (!vec_check(run, res.p[i] == (uint32_t)json_integer_value(e),
                                         "resolution of %u", node)) return false;
    return true;
}

static void
run_validation(struct vector_run *run, const json_t *c, const struct dt_suite *s)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf group_id = VEC_BUF;
    DT_CLEANUP(mls_tree_clear) struct mls_tree t;
    struct mls_leaf_rules rules = {.suite = s};
    const json_t *hashes = NULL, *resolutions = NULL;
    uint8_t root[MLS_HASH_MAX];
    DT_CLEANUP(dt_buf_clear) struct dt_buf root_hash = VEC_BUF;

    mls_tree_init(&t, s);
    if (!vec_hex(run, c, "tree", &raw) || !vec_hex(run, c, "group_id", &group_id) ||
        !vec_array(run, c, "tree_hashes", &hashes) ||
        !vec_array(run, c, "resolutions", &resolutions) ||
        !vec_ok(run, mls_tree_parse(dt_buf_view(&raw), s, &t), "tree") ||
        !vec_check(run, json_array_size(hashes) == mls_node_width(t.n_leaves), "number of nodes") ||
        !vec_ok(run, mls_tree_hash(&t, root), "root hash") ||
        !vec_ok(run, dt_buf_set(&root_hash, dt_view(root, s->hash_len)), "root hash") ||
        !tree_equals(run, &t, "tree", &raw, &root_hash))
        return;
    for (uint32_t node = 0; node < mls_node_width(t.n_leaves); node++)
        if (!check_node(run, &t, node, json_array_get(hashes, node),
                        json_array_get(resolutions, node)))
            return;
    (void)vec_ok(run, mls_tree_check(&t, dt_buf_view(&group_id), &rules, dt_buf_view(&root_hash)),
                 "tree check");
}

void
vec_mls_tree_validation(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        const struct dt_suite *s;

        vec_case(run, "%zu", i);
        if ((s = vec_mls_suite(run, c)) != NULL)
            run_validation(run, c, s);
        vec_end(run);
    }
}
