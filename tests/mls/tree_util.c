/* tests/mls/tree_util.c - see tree_util.h. */
#include <stdio.h>
#include <string.h>

#include "crypto/hpke.h"

#include "tree_util.h"

static const uint8_t group_id[16] = "the group's id!";
const struct dt_view GROUP_ID = {group_id, sizeof group_id};

struct dt_view
u16_list(uint16_t a, uint16_t b, size_t n)
{
    static uint8_t store[64][4];
    static size_t next;
    uint8_t *p = store[next++ % 64];

    p[0] = (uint8_t)(a >> 8);
    p[1] = (uint8_t)a;
    p[2] = (uint8_t)(b >> 8);
    p[3] = (uint8_t)b;
    return dt_view(p, 2 * n);
}

struct mls_capabilities
caps_plain(void)
{
    static const uint8_t versions[] = {0, 1}, suites[] = {0, 1, 0, 3}, credentials[] = {0, 1, 0, 2};
    struct mls_capabilities c = {.versions = dt_view_of(versions),
                                 .cipher_suites = dt_view_of(suites),
                                 .credentials = dt_view_of(credentials)};

    return c;
}

struct mls_leaf_rules
rules_plain(const struct dt_suite *suite)
{
    struct mls_leaf_rules r = {.suite = suite};

    return r;
}

struct mls_leaf_fields
member_fields(const struct member *m)
{
    struct mls_leaf_fields f = {
        .signature_key = dt_view_of(m->sig_pub),
        .credential = {.type = MLS_CREDENTIAL_BASIC, .identity = dt_view_str(m->name)},
        .capabilities = caps_plain(),
        .source = MLS_LEAF_KEY_PACKAGE,
        .lifetime = {1000, 2000}};

    return f;
}

void
member_new(struct member *m, const struct dt_suite *suite, unsigned id)
{
    struct mls_leaf_fields f;

    memset(m, 0, sizeof *m);
    assert_true(snprintf(m->name, sizeof m->name, "member %u", id) > 0);
    assert_ok(dt_suite_sig_new(suite, &m->sig_priv, m->sig_pub));
    f = member_fields(m);
    assert_ok(mls_key_package_create(suite, &f, NULL, dt_secret_view(&m->sig_priv), &m->kp));
}

void
member_clear(struct member *m)
{
    dt_secret_clear(&m->sig_priv);
    mls_key_package_bundle_clear(&m->kp);
    mls_tree_priv_clear(&m->priv);
    m->in = m->fresh = false;
}

uint32_t
world_add(struct world *w)
{
    static unsigned next_id;
    struct member m;
    uint32_t at;

    member_new(&m, w->suite, next_id++);
    assert_ok(mls_tree_check_leaf(&w->tree, m.kp.key_package->leaf, MLS_NO_NODE));
    assert_ok(mls_tree_add(&w->tree, m.kp.key_package->leaf, &at));
    assert_true(at < N_MAX);
    assert_false(w->m[at].in);
    m.in = m.fresh = true;
    m.priv.leaf_index = at;
    dt_secret_move(&m.priv.leaf_priv, &m.kp.leaf_priv);
    w->m[at] = m;
    return at;
}

void
world_remove(struct world *w, uint32_t leaf)
{
    assert_ok(mls_tree_remove(&w->tree, leaf));
    member_clear(&w->m[leaf]);
    for (uint32_t i = 0; i < N_MAX; i++)
        if (w->m[i].in)
            mls_tree_priv_prune(&w->m[i].priv, &w->tree);
}

void
world_init(struct world *w, uint16_t suite, unsigned n)
{
    memset(w, 0, sizeof *w);
    assert_ok(dt_crypto_init());
    w->suite = dt_suite_get(suite);
    assert_non_null(w->suite);
    mls_tree_init(&w->tree, w->suite);
    (void)world_add(w);
    w->m[0].fresh = false;
    if (n > 1) {
        for (unsigned i = 1; i < n; i++)
            (void)world_add(w);
        world_commit(w, 0);
    }
}

void
world_clear(struct world *w)
{
    for (uint32_t i = 0; i < N_MAX; i++)
        if (w->m[i].in)
            member_clear(&w->m[i]);
    mls_tree_clear(&w->tree);
}

void
world_context(struct world *w, struct mls_tree *t, struct dt_buf *out)
{
    struct dt_writer wr = dt_writer_init(out);
    uint8_t hash[MLS_HASH_MAX];

    assert_ok(mls_tree_hash(t, hash));
    dt_write_u64(&wr, w->epoch + 1);
    dt_write_vec(&wr, dt_view(hash, w->suite->hash_len));
    assert_ok(dt_writer_end(&wr));
}

/* A new member takes its secret from the Welcome: the common ancestor with the committer. */
static void
welcome_one(struct world *w, struct mls_tree *t, const struct mls_path *path, uint32_t leaf)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret commit = {0};
    struct dt_view secret;

    assert_ok(mls_path_secret_for(path, leaf, &secret));
    assert_ok(mls_tree_priv_implant(&w->m[leaf].priv, t,
                                    mls_common_ancestor(path->leaf_index, leaf), secret, &commit));
    assert_true(dt_ct_equal(dt_secret_view(&commit), dt_secret_view(&path->commit_secret)));
}

void
world_commit(struct world *w, uint32_t sender)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf context = DT_BUF_INIT(256);
    DT_CLEANUP(dt_buf_clear) struct dt_buf ours = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf others = DT_BUF_INIT(1u << 20);
    DT_CLEANUP(mls_update_path_unref_p) struct mls_update_path *up = NULL;
    DT_CLEANUP(mls_path_clear) struct mls_path path = {0};
    DT_CLEANUP(mls_tree_clear) struct mls_tree theirs;
    struct mls_leaf_rules rules = rules_plain(w->suite);
    struct mls_leaf_fields f = member_fields(&w->m[sender]);
    uint32_t added[N_MAX];
    size_t n_added = 0;

    for (uint32_t i = 0; i < N_MAX; i++)
        if (w->m[i].in && w->m[i].fresh)
            added[n_added++] = i;
    mls_tree_init(&theirs, w->suite);
    assert_ok(mls_tree_copy(&w->tree, &theirs));
    assert_ok(mls_path_begin(&w->tree, sender, &f, dt_secret_view(&w->m[sender].sig_priv), GROUP_ID,
                             &path));
    world_context(w, &w->tree, &context);
    assert_ok(mls_path_seal(&w->tree, &path, dt_buf_view(&context), added, n_added, &up));
    assert_ok(mls_path_merge(&theirs, sender, up, GROUP_ID, &rules, false));
    tree_bytes(&w->tree, &ours);
    tree_bytes(&theirs, &others);
    assert_true(dt_view_equal(dt_buf_view(&ours), dt_buf_view(&others)));
    for (uint32_t i = 0; i < N_MAX; i++) {
        DT_CLEANUP(dt_secret_clear) struct dt_secret commit = {0};

        if (!w->m[i].in || i == sender)
            continue;
        if (w->m[i].fresh) {
            welcome_one(w, &theirs, &path, i);
        } else {
            assert_ok(mls_path_open(&theirs, sender, up, dt_buf_view(&context), added, n_added,
                                    &w->m[i].priv, &commit));
            assert_true(dt_ct_equal(dt_secret_view(&commit), dt_secret_view(&path.commit_secret)));
        }
        assert_ok(mls_tree_priv_check(w->suite, &w->m[i].priv, &w->tree));
        w->m[i].fresh = false;
    }
    mls_tree_priv_move(&w->m[sender].priv, &path.priv);
    assert_ok(mls_tree_priv_check(w->suite, &w->m[sender].priv, &w->tree));
    w->epoch++;
}

void
tree_bytes(const struct mls_tree *t, struct dt_buf *out)
{
    struct dt_writer wr = dt_writer_init(out);

    mls_tree_write(&wr, t);
    assert_ok(dt_writer_end(&wr));
}

enum dt_err
check_tree(struct mls_tree *t)
{
    struct mls_leaf_rules rules = rules_plain(t->suite);
    uint8_t hash[MLS_HASH_MAX];
    enum dt_err err;

    if ((err = mls_tree_hash(t, hash)) != DT_OK)
        return err;
    return mls_tree_check(t, GROUP_ID, &rules, dt_view(hash, t->suite->hash_len));
}
