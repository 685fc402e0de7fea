/*
 * tests/mls/test_treekem.c - paths made, followed and refused (RFC 9420 sections 7.4
 * to 7.6, 12.4.2).
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/hpke.h"

#include "tree_util.h"

/* A small repeatable source of choices; the keys themselves are random. */
static uint32_t
choice(uint32_t *state, uint32_t n)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % n;
}

static uint32_t
some_member(struct world *w, uint32_t *state)
{
    uint32_t i;

    do
        i = choice(state, N_MAX);
    while (!w->m[i].in);
    return i;
}

static void
walk(uint16_t suite, uint32_t seed, unsigned n, unsigned steps)
{
    struct world w;

    world_init(&w, suite, n);
    for (unsigned s = 0; s < steps; s++) {
        uint32_t sender = some_member(&w, &seed), victim = some_member(&w, &seed);
        uint32_t what = choice(&seed, 4);

        if (what == 0 && mls_tree_n_members(&w.tree) > 2 && victim != sender)
            world_remove(&w, victim);
        for (uint32_t adds = what == 1 ? 1 + choice(&seed, 3) : 0;
             adds > 0 && mls_tree_n_members(&w.tree) < 24; adds--)
            (void)world_add(&w);
        world_commit(&w, sender);
        assert_ok(check_tree(&w.tree));
    }
    world_clear(&w);
}

static void
test_walk(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 6; seed++)
        walk(seed % 2 == 0 ? 1 : 3, seed, 1 + 3 * seed, 40);
}

/* Members added without a path stay unmerged: the next path must be sealed to each of them. */
static void
test_unmerged(void **state)
{
    struct world w;
    uint32_t a, b;

    (void)state;
    world_init(&w, 1, 6);
    world_commit(&w, 4);
    a = world_add(&w);
    b = world_add(&w);
    w.m[a].fresh = w.m[b].fresh = false; /* as if committed without a path */
    assert_int_equal(mls_tree_parent(&w.tree, mls_node_root(w.tree.n_leaves))->n_unmerged, 2);
    assert_ok(check_tree(&w.tree));
    world_commit(&w, 1);
    assert_ok(check_tree(&w.tree));
    world_commit(&w, a);
    assert_ok(check_tree(&w.tree));
    world_clear(&w);
}

/* One who is alone has an empty path and no parent hash, and can add others at the same time. */
static void
test_alone(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, 1, 1);
    world_commit(&w, 0);
    assert_int_equal(mls_tree_leaf(&w.tree, 0)->source, MLS_LEAF_COMMIT);
    assert_int_equal(mls_tree_leaf(&w.tree, 0)->parent_hash.n, 0);
    (void)world_add(&w);
    world_commit(&w, 0);
    assert_int_equal(mls_tree_leaf(&w.tree, 0)->parent_hash.n, w.suite->hash_len);
    world_remove(&w, 1);
    assert_int_equal(w.tree.n_leaves, 1);
    world_commit(&w, 0);
    assert_ok(check_tree(&w.tree));
    world_clear(&w);
}

/* ---- a path that is refused ---- */

/* A group of 5 (leaf 4 alone in its half), and a good path by leaf 1 before it was merged anywhere.
 */
struct scene {
    struct world w;
    struct mls_tree before, after;
    struct mls_path path;
    struct mls_update_path *up;
    struct dt_buf context;
};

static void
scene_init(struct scene *s)
{
    struct mls_leaf_fields f;

    memset(s, 0, sizeof *s);
    world_init(&s->w, 1, 5);
    world_commit(&s->w, 2);
    dt_buf_init(&s->context, 256);
    mls_tree_init(&s->before, s->w.suite);
    mls_tree_init(&s->after, s->w.suite);
    assert_ok(mls_tree_copy(&s->w.tree, &s->before));
    assert_ok(mls_tree_copy(&s->w.tree, &s->after));
    f = member_fields(&s->w.m[1]);
    assert_ok(
        mls_path_begin(&s->after, 1, &f, dt_secret_view(&s->w.m[1].sig_priv), GROUP_ID, &s->path));
    world_context(&s->w, &s->after, &s->context);
    assert_ok(mls_path_seal(&s->after, &s->path, dt_buf_view(&s->context), NULL, 0, &s->up));
    assert_int_equal(s->up->n_nodes, 3);
}

static void
scene_clear(struct scene *s)
{
    mls_update_path_unref(s->up);
    mls_path_clear(&s->path);
    mls_tree_clear(&s->before);
    mls_tree_clear(&s->after);
    dt_buf_clear(&s->context);
    world_clear(&s->w);
}

/* What to change in the good path before it is encoded anew. */
struct change {
    struct mls_leaf_node *leaf; /* NULL: as it was */
    size_t n_nodes;             /* 0: as many */
    struct dt_view key[4];      /* n == 0: as it was */
    int drop_ciphertext;        /* from node i; -1: none */
    int add_ciphertext;         /* to node i; -1: none */
    int flip_ciphertext;        /* in node i; -1: none */
};
#define NO_CHANGE                                                                                  \
    {                                                                                              \
        .drop_ciphertext = -1, .add_ciphertext = -1, .flip_ciphertext = -1                         \
    }

static struct mls_update_path *
rebuild(const struct scene *s, const struct change *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1u << 20);
    struct dt_writer w = dt_writer_init(&raw);
    struct mls_update_path *up = NULL;
    struct dt_reader r;
    size_t mark, n = c->n_nodes != 0 ? c->n_nodes : s->up->n_nodes;

    mls_leaf_node_write(&w, c->leaf != NULL ? c->leaf : s->up->leaf);
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < n; i++) {
        const struct mls_update_path_node *node = &s->up->nodes[i < s->up->n_nodes ? i : 0];
        struct dt_view key = c->key[i].n > 0 ? c->key[i] : node->encryption_key;
        struct dt_reader cts = dt_reader_init(node->ciphertexts);
        size_t sub, left = node->n_ciphertexts;

        dt_write_vec(&w, key);
        sub = dt_write_vec_begin(&w);
        while (cts.n > 0) {
            struct mls_hpke_ciphertext ct;
            uint8_t flipped[128];

            assert_ok(mls_hpke_ciphertext_read(&cts, MLS_CIPHERTEXT_MAX, &ct));
            if (c->flip_ciphertext == (int)i) {
                memcpy(flipped, ct.ciphertext.p, ct.ciphertext.n);
                flipped[0] ^= 1;
                ct.ciphertext.p = flipped;
            }
            left--;
            if (left > 0 || c->drop_ciphertext != (int)i)
                mls_hpke_ciphertext_write(&w, &ct);
            if (left == 0 && c->add_ciphertext == (int)i)
                mls_hpke_ciphertext_write(&w, &ct);
        }
        dt_write_vec_end(&w, sub);
    }
    dt_write_vec_end(&w, mark);
    assert_ok(dt_writer_end(&w));
    r = reader_of(&raw);
    assert_ok(mls_update_path_read(&r, &up));
    return up;
}

/* Merge the changed path into a copy of the tree before; the error. */
static enum dt_err
merge(const struct scene *s, const struct change *c, uint32_t sender)
{
    DT_CLEANUP(mls_update_path_unref_p) struct mls_update_path *up = rebuild(s, c);
    DT_CLEANUP(mls_tree_clear) struct mls_tree t;
    struct mls_leaf_rules rules = rules_plain(s->w.suite);

    mls_tree_init(&t, s->w.suite);
    assert_ok(mls_tree_copy(&s->before, &t));
    return mls_path_merge(&t, sender, up, GROUP_ID, &rules, false);
}

/* The committer's leaf with other fields, properly signed by its owner for leaf ${index}. */
static struct mls_leaf_node *
resign(const struct scene *s, const struct mls_leaf_fields *f, struct dt_view group_id,
       uint32_t index)
{
    struct mls_leaf_node *leaf = NULL;

    assert_ok(mls_leaf_node_new(s->w.suite, f, dt_secret_view(&s->w.m[1].sig_priv), group_id, index,
                                &leaf));
    return leaf;
}

static enum dt_err
merge_leaf(const struct scene *s, const struct mls_leaf_fields *f, struct dt_view group_id,
           uint32_t index)
{
    struct change c = NO_CHANGE;
    enum dt_err err;

    c.leaf = resign(s, f, group_id, index);
    err = merge(s, &c, 1);
    mls_leaf_node_unref(c.leaf);
    return err;
}

static void
test_section_7_3_merge_leaf_refused(void **state)
{
    struct scene s;
    struct mls_leaf_fields good = {0}, f;
    uint8_t hash[MLS_HASH_MAX];

    (void)state;
    scene_init(&s);
    mls_leaf_fields_from(&good, s.up->leaf);
    assert_ok(merge_leaf(&s, &good, GROUP_ID, 1));

    /* leaf_node_source must be commit */
    f = good;
    f.source = MLS_LEAF_UPDATE;
    assert_int_equal(merge_leaf(&s, &f, GROUP_ID, 1), DT_ERR_REFUSED);
    f.source = MLS_LEAF_KEY_PACKAGE;
    assert_int_equal(merge_leaf(&s, &f, GROUP_ID, 1), DT_ERR_REFUSED);
    /* signed for another place or another group */
    assert_int_equal(merge_leaf(&s, &good, GROUP_ID, 2), DT_ERR_AUTH);
    assert_int_equal(merge_leaf(&s, &good, dt_view_str("another group"), 1), DT_ERR_AUTH);
    /* encryption_key kept, taken from another leaf, or from a parent */
    f = good;
    f.encryption_key = mls_tree_leaf(&s.before, 1)->encryption_key;
    assert_int_equal(merge_leaf(&s, &f, GROUP_ID, 1), DT_ERR_REFUSED);
    f.encryption_key = mls_tree_leaf(&s.before, 3)->encryption_key;
    assert_int_equal(merge_leaf(&s, &f, GROUP_ID, 1), DT_ERR_CONFLICT);
    f.encryption_key = mls_tree_key(&s.before, 3);
    assert_true(f.encryption_key.n > 0);
    assert_int_equal(merge_leaf(&s, &f, GROUP_ID, 1), DT_ERR_CONFLICT);
    /* a key that is also in the path */
    f.encryption_key = s.up->nodes[1].encryption_key;
    assert_int_equal(merge_leaf(&s, &f, GROUP_ID, 1), DT_ERR_CONFLICT);
    /* wrong, missing and too long parent hash */
    f = good;
    memcpy(hash, good.parent_hash.p, good.parent_hash.n);
    hash[5] ^= 4;
    f.parent_hash = dt_view(hash, good.parent_hash.n);
    assert_int_equal(merge_leaf(&s, &f, GROUP_ID, 1), DT_ERR_AUTH);
    f.parent_hash = dt_view(NULL, 0);
    assert_int_equal(merge_leaf(&s, &f, GROUP_ID, 1), DT_ERR_AUTH);
    f.parent_hash = dt_view(hash, good.parent_hash.n - 1);
    assert_int_equal(merge_leaf(&s, &f, GROUP_ID, 1), DT_ERR_AUTH);
    /* section 7.3: another member's signature key; its owner cannot sign here, so it is seen first
     */
    f = good;
    f.signature_key = mls_tree_leaf(&s.before, 0)->signature_key;
    assert_int_equal(merge_leaf(&s, &f, GROUP_ID, 1), DT_ERR_CONFLICT);
    /* capabilities without the version */
    f = good;
    f.capabilities.versions = u16_list(2, 0, 1);
    assert_int_equal(merge_leaf(&s, &f, GROUP_ID, 1), DT_ERR_UNSUPPORTED);
    scene_clear(&s);
}

static void
test_section_12_4_2_merge_nodes_refused(void **state)
{
    struct scene s;
    struct change c = NO_CHANGE;
    uint8_t other[32];
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};

    (void)state;
    scene_init(&s);
    assert_ok(merge(&s, &c, 1));
    assert_int_equal(merge(&s, &c, 0),
                     DT_ERR_CONFLICT);                /* by another sender: the key is leaf 1's */
    assert_int_equal(merge(&s, &c, 7), DT_ERR_RANGE); /* by a blank leaf */
    assert_int_equal(merge(&s, &c, 1000), DT_ERR_RANGE);
    /* one node too few, one too many */
    c.n_nodes = 2;
    assert_int_equal(merge(&s, &c, 1), DT_ERR_FORMAT);
    c.n_nodes = 4;
    assert_ok(dt_hpke_new_key_pair(s.w.suite, &priv, other));
    c.key[3] = dt_view_of(other);
    assert_int_equal(merge(&s, &c, 1), DT_ERR_FORMAT);
    /* one key twice in the path */
    c = (struct change)NO_CHANGE;
    c.key[2] = s.up->nodes[0].encryption_key;
    assert_int_equal(merge(&s, &c, 1), DT_ERR_CONFLICT);
    /* keys that are in the tree: of a leaf, of a parent, of the very node that is replaced */
    c.key[2] = mls_tree_leaf(&s.before, 4)->encryption_key;
    assert_int_equal(merge(&s, &c, 1), DT_ERR_CONFLICT);
    c.key[2] = mls_tree_key(&s.before, s.path.shape.nodes[2]);
    assert_true(c.key[2].n > 0);
    assert_int_equal(merge(&s, &c, 1), DT_ERR_CONFLICT);
    /* a key of the wrong length */
    c.key[2] = dt_view(other, 31);
    assert_int_equal(merge(&s, &c, 1), DT_ERR_FORMAT);
    /* a fresh key that the parent hash chain does not know */
    c.key[2] = dt_view_of(other);
    assert_int_equal(merge(&s, &c, 1), DT_ERR_AUTH);
    scene_clear(&s);
}

/* ${leaf} opens the changed path on the good merged tree; its keys must stand as they were on
 * error. */
static enum dt_err
open_as(struct scene *s, const struct change *c, uint32_t leaf, struct dt_view context)
{
    DT_CLEANUP(mls_update_path_unref_p) struct mls_update_path *up = rebuild(s, c);
    DT_CLEANUP(mls_tree_priv_clear) struct mls_tree_priv p = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret commit = {0};
    enum dt_err err;

    assert_ok(mls_tree_priv_copy(&s->w.m[leaf].priv, &p));
    err = mls_path_open(&s->after, 1, up, context, NULL, 0, &p, &commit);
    if (err != DT_OK) {
        assert_int_equal(commit.n, 0);
        assert_ok(mls_tree_priv_check(s->w.suite, &p, &s->before));
    }
    return err;
}

static void
test_section_7_6_open_refused(void **state)
{
    struct scene s;
    struct change c = NO_CHANGE;
    struct dt_view good;
    uint8_t context[64];

    (void)state;
    scene_init(&s);
    good = dt_buf_view(&s.context);
    for (uint32_t leaf = 0; leaf < 5; leaf++)
        assert_int_equal(open_as(&s, &c, leaf, good), leaf == 1 ? DT_ERR_AUTH : DT_OK);
    /* wrong number of ciphertexts, also in a node that is not ours */
    for (int i = 0; i < 3; i++) {
        c = (struct change)NO_CHANGE;
        c.drop_ciphertext = i;
        assert_int_equal(open_as(&s, &c, 0, good), DT_ERR_FORMAT);
        c = (struct change)NO_CHANGE;
        c.add_ciphertext = i;
        assert_int_equal(open_as(&s, &c, 0, good), DT_ERR_FORMAT);
        c = (struct change)NO_CHANGE;
        c.n_nodes = 2;
        assert_int_equal(open_as(&s, &c, 0, good), DT_ERR_FORMAT);
    }
    /* an altered ciphertext hurts its reader alone */
    c = (struct change)NO_CHANGE;
    c.flip_ciphertext = 0;
    assert_int_equal(open_as(&s, &c, 0, good), DT_ERR_AUTH);
    assert_ok(open_as(&s, &c, 3, good));
    /* sealed to another GroupContext, e.g. with the tree hash of before */
    c = (struct change)NO_CHANGE;
    memcpy(context, good.p, good.n);
    context[good.n - 1] ^= 1;
    assert_int_equal(open_as(&s, &c, 0, dt_view(context, good.n)), DT_ERR_AUTH);
    scene_clear(&s);
}

/* RFC 9420 section 7.5: a path secret that does not lead to the public keys is refused. */
static void
test_open_key_mismatch(void **state)
{
    struct scene s;
    struct change c = NO_CHANGE;
    DT_CLEANUP(mls_update_path_unref_p) struct mls_update_path *lie = NULL;
    DT_CLEANUP(mls_tree_priv_clear) struct mls_tree_priv p = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret commit = {0};

    (void)state;
    scene_init(&s);
    /* The committer seals a secret that is not the node's: everything else is in order. */
    s.path.path_secrets[1].p[0] ^= 1;
    assert_ok(mls_path_seal(&s.after, &s.path, dt_buf_view(&s.context), NULL, 0, &lie));
    assert_ok(mls_tree_priv_copy(&s.w.m[3].priv, &p));
    assert_int_equal(mls_path_open(&s.after, 1, lie, dt_buf_view(&s.context), NULL, 0, &p, &commit),
                     DT_ERR_AUTH);
    assert_int_equal(commit.n, 0);
    assert_ok(mls_tree_priv_check(s.w.suite, &p, &s.before));
    /* a path secret of the wrong length, or for a node off our path */
    assert_int_equal(mls_tree_priv_implant(&p, &s.after, 7, dt_view_str("short"), NULL),
                     DT_ERR_AUTH);
    assert_int_equal(
        mls_tree_priv_implant(&p, &s.after, 1, dt_secret_view(&s.path.path_secrets[0]), NULL),
        DT_ERR_AUTH);
    assert_int_equal(open_as(&s, &c, 3, dt_buf_view(&s.context)), DT_OK);
    scene_clear(&s);
}

/* RFC 9420 section 7.5: the committer's whole direct path is blank before the new keys come into
 * it, the nodes that its filtered path leaves out included. Such a one is set in no tree that
 * honest members made; here somebody put it above leaf 2, which has no neighbour. */
static void
test_whole_path_blanked(void **state)
{
    struct world w;
    struct mls_parent_node *p = NULL;
    struct mls_leaf_rules rules;
    struct mls_leaf_fields f;
    DT_CLEANUP(mls_tree_clear) struct mls_tree theirs;
    DT_CLEANUP(mls_path_clear) struct mls_path path = {0};
    DT_CLEANUP(mls_update_path_unref_p) struct mls_update_path *up = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf context = DT_BUF_INIT(256);

    (void)state;
    world_init(&w, 1, 3);
    rules = rules_plain(w.suite);
    assert_ok(mls_parent_node_new(dt_view_of(w.m[0].sig_pub), dt_view(NULL, 0), &p));
    assert_ok(mls_tree_set_parent(&w.tree, 5, p));
    mls_tree_init(&theirs, w.suite);
    assert_ok(mls_tree_copy(&w.tree, &theirs));
    f = member_fields(&w.m[2]);
    assert_ok(mls_path_begin(&w.tree, 2, &f, dt_secret_view(&w.m[2].sig_priv), GROUP_ID, &path));
    world_context(&w, &w.tree, &context);
    assert_ok(mls_path_seal(&w.tree, &path, dt_buf_view(&context), NULL, 0, &up));
    assert_int_equal(up->n_nodes, 1);
    assert_true(mls_tree_is_blank(&w.tree, 5));
    assert_ok(mls_path_merge(&theirs, 2, up, GROUP_ID, &rules, false));
    assert_true(mls_tree_is_blank(&theirs, 5));
    assert_false(mls_tree_is_blank(&theirs, 3));
    world_clear(&w);
}

/* New members get nothing in the path; counts are checked against that. */
static void
test_section_7_6_added_excluded(void **state)
{
    struct scene s;
    DT_CLEANUP(mls_update_path_unref_p) struct mls_update_path *up = NULL;
    DT_CLEANUP(mls_path_clear) struct mls_path path = {0};
    DT_CLEANUP(mls_tree_clear) struct mls_tree theirs;
    DT_CLEANUP(dt_buf_clear) struct dt_buf context = DT_BUF_INIT(256);
    DT_CLEANUP(dt_secret_clear) struct dt_secret commit = {0};
    struct mls_leaf_fields f;
    struct dt_view secret;
    uint32_t added;

    (void)state;
    scene_init(&s);
    mls_tree_init(&theirs, s.w.suite);
    added = world_add(&s.w);
    f = member_fields(&s.w.m[0]);
    assert_int_equal(
        mls_path_begin(&s.w.tree, 7, &f, dt_secret_view(&s.w.m[0].sig_priv), GROUP_ID, &path),
        DT_ERR_RANGE); /* of a blank leaf */
    assert_ok(
        mls_path_begin(&s.w.tree, 0, &f, dt_secret_view(&s.w.m[0].sig_priv), GROUP_ID, &path));
    world_context(&s.w, &s.w.tree, &context);
    assert_ok(mls_path_seal(&s.w.tree, &path, dt_buf_view(&context), &added, 1, &up));
    /* the half of leaf 4 and the new leaf: one ciphertext, for leaf 4 */
    assert_int_equal(up->nodes[up->n_nodes - 1].n_ciphertexts, 1);
    assert_int_equal(
        mls_path_open(&s.w.tree, 0, up, dt_buf_view(&context), NULL, 0, &s.w.m[4].priv, &commit),
        DT_ERR_FORMAT);
    assert_int_equal(mls_path_open(&s.w.tree, 0, up, dt_buf_view(&context), &added, 1,
                                   &s.w.m[added].priv, &commit),
                     DT_ERR_AUTH);
    assert_ok(
        mls_path_open(&s.w.tree, 0, up, dt_buf_view(&context), &added, 1, &s.w.m[4].priv, &commit));
    assert_ok(mls_path_secret_for(&path, added, &secret));
    assert_int_equal(mls_path_secret_for(&path, 100, &secret), DT_ERR_NOT_FOUND);
    scene_clear(&s);
}

/* ---- structure and storage ---- */

static void
test_update_path_codec(void **state)
{
    struct scene s;
    struct dt_view raw;

    (void)state;
    scene_init(&s);
    raw = dt_buf_view(&s.up->raw);
    for (size_t n = 0; n < raw.n; n++) {
        struct dt_reader r = dt_reader_init(dt_view(raw.p, n));
        struct mls_update_path *up = NULL;

        assert_int_not_equal(mls_update_path_read(&r, &up), DT_OK);
        assert_null(up);
    }
    scene_clear(&s);
}

static void
test_too_many_nodes(void **state)
{
    struct scene s;
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1u << 16);
    struct dt_writer w = dt_writer_init(&raw);
    struct mls_update_path *up = NULL;
    struct dt_reader r;
    size_t mark;

    (void)state;
    scene_init(&s);
    mls_leaf_node_write(&w, s.up->leaf);
    mark = dt_write_vec_begin(&w);
    for (unsigned i = 0; i <= MLS_DEPTH_MAX; i++) {
        dt_write_vec(&w, s.up->nodes[0].encryption_key);
        dt_write_vec(&w, dt_view(NULL, 0));
    }
    dt_write_vec_end(&w, mark);
    assert_ok(dt_writer_end(&w));
    r = reader_of(&raw);
    assert_int_equal(mls_update_path_read(&r, &up), DT_ERR_LIMIT);
    assert_null(up);
    scene_clear(&s);
}

static void
test_priv_codec(void **state)
{
    struct scene s;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf raw = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf again = DT_BUF_INIT(4096);
    DT_CLEANUP(mls_tree_priv_clear) struct mls_tree_priv p = {0};
    struct dt_writer w = dt_writer_init(&raw), w2 = dt_writer_init(&again);
    struct dt_reader r;

    (void)state;
    scene_init(&s);
    mls_tree_priv_write(&w, &s.w.m[3].priv);
    assert_ok(dt_writer_end(&w));
    for (size_t n = 0; n < raw.n; n++) {
        r = dt_reader_init(dt_view(raw.p, n));
        assert_int_not_equal(mls_tree_priv_read(&r, &p), DT_OK);
        assert_int_equal(p.leaf_priv.n, 0);
    }
    r = reader_of(&raw);
    assert_ok(mls_tree_priv_read(&r, &p));
    assert_ok(dt_read_end(&r));
    assert_ok(mls_tree_priv_check(s.w.suite, &p, &s.w.tree));
    mls_tree_priv_write(&w2, &p);
    assert_ok(dt_writer_end(&w2));
    assert_true(dt_view_equal(dt_buf_view(&raw), dt_buf_view(&again)));
    /* a key that is not the tree's */
    p.leaf_priv.p[3] ^= 0x10;
    assert_int_equal(mls_tree_priv_check(s.w.suite, &p, &s.w.tree), DT_ERR_AUTH);
    /* keys of nodes that a removal blanked are forgotten */
    assert_true(s.w.m[3].priv.node_priv[0].n > 0);
    world_remove(&s.w, 2);
    assert_int_equal(s.w.m[3].priv.node_priv[0].n, 0);
    scene_clear(&s);
}

/* ---- memory runs out at every place in turn ---- */

struct fault {
    unsigned countdown;
    bool hit;
};

static bool
fail_nth(void *ctx)
{
    struct fault *f = ctx;

    if (f->countdown-- > 0)
        return false;
    f->hit = true;
    return true;
}

static void
test_no_memory(void **state)
{
    struct scene s;
    struct mls_leaf_rules rules;
    struct fault f;
    unsigned n;

    (void)state;
    scene_init(&s);
    rules = rules_plain(s.w.suite);
    for (n = 0;; n++) {
        DT_CLEANUP(mls_tree_priv_clear) struct mls_tree_priv p = {0};
        DT_CLEANUP(dt_secret_clear) struct dt_secret commit = {0};
        DT_CLEANUP(mls_update_path_unref_p) struct mls_update_path *up = NULL;
        struct mls_tree t;
        struct dt_reader r = reader_of(&s.up->raw);
        enum dt_err err;

        assert_ok(mls_tree_priv_copy(&s.w.m[3].priv, &p));
        mls_tree_init(&t, s.w.suite);
        f = (struct fault){n, false};
        dt_mem_fault(fail_nth, &f);
        if ((err = mls_tree_copy(&s.before, &t)) == DT_OK &&
            (err = mls_update_path_read(&r, &up)) == DT_OK &&
            (err = mls_path_merge(&t, 1, up, GROUP_ID, &rules, false)) == DT_OK)
            err = mls_path_open(&t, 1, up, dt_buf_view(&s.context), NULL, 0, &p, &commit);
        dt_mem_fault(NULL, NULL);
        mls_tree_clear(&t);
        if (!f.hit) {
            assert_ok(err);
            break;
        }
        assert_int_equal(err, DT_ERR_NOMEM);
        assert_int_equal(commit.n, 0);
    }
    assert_true(n > 20);
    scene_clear(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_unmerged),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_section_7_3_merge_leaf_refused),
        cmocka_unit_test(test_section_12_4_2_merge_nodes_refused),
        cmocka_unit_test(test_section_7_6_open_refused),
        cmocka_unit_test(test_open_key_mismatch),
        cmocka_unit_test(test_whole_path_blanked),
        cmocka_unit_test(test_section_7_6_added_excluded),
        cmocka_unit_test(test_update_path_codec),
        cmocka_unit_test(test_too_many_nodes),
        cmocka_unit_test(test_priv_codec),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
