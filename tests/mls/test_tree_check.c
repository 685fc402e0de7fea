/*
 * tests/mls/test_tree_check.c - trees from outside that must be refused, a test per rule of
 * RFC 9420 sections 5.1.1, 7.1, 7.3, 7.9, 7.9.1, 7.9.2 and 12.4.3.1.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/hpke.h"
#include "mls/tree_check.h"

#include "tree_util.h"

/* Six members, every parent set, then two added without a path: 6 and 7 are unmerged. */
static void
setup(struct world *w)
{
    world_init(w, 1, 6);
    world_commit(w, 5);
    world_commit(w, 2);
    assert_int_equal(world_add(w), 6);
    assert_int_equal(world_add(w), 7);
    assert_ok(check_tree(&w->tree));
}

/* A parent node of its own count with the same content, put in the place of the shared one. */
static struct mls_parent_node *
own_parent(struct mls_tree *t, uint32_t node)
{
    const struct mls_parent_node *old = mls_tree_parent(t, node);
    struct mls_parent_node *p = NULL;

    assert_non_null(old);
    assert_ok(
        mls_parent_node_new(dt_buf_view(&old->encryption_key), dt_buf_view(&old->parent_hash), &p));
    if (old->n_unmerged > 0) {
        p->unmerged = dt_alloc(old->n_unmerged + 2, sizeof *p->unmerged);
        assert_non_null(p->unmerged);
        memcpy(p->unmerged, old->unmerged, old->n_unmerged * sizeof *p->unmerged);
        p->n_unmerged = old->n_unmerged;
    } else {
        p->unmerged = dt_alloc(2, sizeof *p->unmerged);
        assert_non_null(p->unmerged);
    }
    assert_ok(mls_tree_set_parent(t, node, p));
    return p;
}

/* Give leaf ${index} other fields, well signed by its owner. */
static void
set_leaf(struct world *w, uint32_t index, const struct mls_leaf_fields *f)
{
    struct mls_leaf_node *leaf = NULL;

    assert_ok(mls_leaf_node_new(w->suite, f, dt_secret_view(&w->m[index].sig_priv), GROUP_ID, index,
                                &leaf));
    assert_ok(mls_tree_set_leaf(&w->tree, index, leaf));
    mls_leaf_node_unref(leaf);
}

/* A member at leaf ${index} of a tree without parents, so that leaves can change without a hash. */
static struct mls_leaf_fields
plain_fields(struct world *w, uint32_t index)
{
    struct mls_leaf_fields f = {0};

    mls_leaf_fields_from(&f, mls_tree_leaf(&w->tree, index));
    return f;
}

static void
flat(struct world *w)
{
    world_init(w, 1, 1);
    for (int i = 0; i < 3; i++)
        (void)world_add(w);
    assert_ok(check_tree(&w->tree));
}

static void
test_section_12_4_3_1_tree_hash(void **state)
{
    struct world w;
    struct mls_leaf_rules rules;
    uint8_t hash[MLS_HASH_MAX];

    (void)state;
    setup(&w);
    rules = rules_plain(w.suite);
    assert_ok(mls_tree_hash(&w.tree, hash));
    hash[0] ^= 1;
    assert_int_equal(mls_tree_check(&w.tree, GROUP_ID, &rules, dt_view(hash, w.suite->hash_len)),
                     DT_ERR_AUTH);
    hash[0] ^= 1;
    assert_int_equal(
        mls_tree_check(&w.tree, GROUP_ID, &rules, dt_view(hash, w.suite->hash_len - 1)),
        DT_ERR_AUTH);
    assert_int_equal(mls_tree_check(&w.tree, GROUP_ID, &rules, dt_view(NULL, 0)), DT_ERR_AUTH);
    assert_ok(mls_tree_check(&w.tree, GROUP_ID, &rules, dt_view(hash, w.suite->hash_len)));
    /* the same tree under another group's id: the leaves of Commits are signed for this one */
    assert_int_equal(
        mls_tree_check(&w.tree, dt_view_str("another"), &rules, dt_view(hash, w.suite->hash_len)),
        DT_ERR_AUTH);
    world_clear(&w);
}

static void
test_section_12_4_3_1_unmerged(void **state)
{
    struct world w;
    struct mls_parent_node *p;
    uint32_t *list;

    (void)state;
    setup(&w);
    assert_ok(mls_tree_check_unmerged(&w.tree));
    p = own_parent(&w.tree, 7); /* the root */
    assert_int_equal(p->n_unmerged, 2);
    list = p->unmerged;
    /* not sorted, twice, not below */
    list[0] = 7;
    list[1] = 6;
    assert_int_equal(mls_tree_check_unmerged(&w.tree), DT_ERR_AUTH);
    list[0] = list[1] = 6;
    assert_int_equal(mls_tree_check_unmerged(&w.tree), DT_ERR_AUTH);
    list[0] = 6;
    list[1] = 8;
    assert_int_equal(mls_tree_check_unmerged(&w.tree), DT_ERR_AUTH);
    list[1] = 7;
    assert_ok(mls_tree_check_unmerged(&w.tree));
    /* a blank leaf */
    assert_ok(mls_tree_set_leaf(&w.tree, 7, NULL));
    assert_int_equal(mls_tree_check_unmerged(&w.tree), DT_ERR_AUTH);
    world_clear(&w);

    /* A leaf that is not below the node, node 3 above leaves 0 to 3. With nothing but blanks above
     * it, no parent hash speaks of it. */
    setup(&w);
    assert_ok(mls_tree_remove(&w.tree, 5));
    assert_ok(check_tree(&w.tree));
    p = own_parent(&w.tree, 3);
    assert_int_equal(p->n_unmerged, 0);
    p->unmerged[0] = 6;
    p->n_unmerged = 1;
    assert_ok(mls_parent_hash_check(&w.tree));
    assert_int_equal(check_tree(&w.tree), DT_ERR_AUTH);
    world_clear(&w);

    /* missing in a non-blank node between leaf and root: node 11, above leaves 4 to 7 */
    world_init(&w, 1, 7);
    world_commit(&w, 5);
    assert_int_equal(world_add(&w), 7);
    assert_ok(check_tree(&w.tree));
    p = own_parent(&w.tree, 11);
    assert_int_equal(p->n_unmerged, 1);
    p->n_unmerged = 0;
    assert_int_equal(mls_tree_check_unmerged(&w.tree), DT_ERR_AUTH);
    assert_int_equal(check_tree(&w.tree), DT_ERR_AUTH);
    p->n_unmerged = 1;
    p->unmerged[0] = 7;
    p = own_parent(&w.tree, 9); /* above leaves 4 and 5 alone */
    p->unmerged[0] = 7;
    p->n_unmerged = 1;
    assert_int_equal(mls_tree_check_unmerged(&w.tree), DT_ERR_AUTH);
    world_clear(&w);
}

static void
test_section_7_3_unique_keys(void **state)
{
    struct world w;
    struct mls_leaf_fields f;
    struct mls_parent_node *p;

    (void)state;
    flat(&w);
    f = plain_fields(&w, 2);
    f.encryption_key = mls_tree_leaf(&w.tree, 0)->encryption_key;
    set_leaf(&w, 2, &f);
    assert_int_equal(check_tree(&w.tree), DT_ERR_CONFLICT);
    world_clear(&w);

    flat(&w);
    f = plain_fields(&w, 2);
    f.signature_key = mls_tree_leaf(&w.tree, 0)->signature_key;
    dt_secret_clear(&w.m[2].sig_priv);
    assert_ok(dt_secret_set(&w.m[2].sig_priv, dt_secret_view(&w.m[0].sig_priv)));
    set_leaf(&w, 2, &f);
    assert_int_equal(check_tree(&w.tree), DT_ERR_CONFLICT);
    world_clear(&w);

    /* a parent with a leaf's key, and with another parent's */
    setup(&w);
    p = own_parent(&w.tree, 1);
    assert_ok(dt_buf_set(&p->encryption_key, mls_tree_key(&w.tree, 8)));
    assert_int_equal(mls_tree_check_keys(&w.tree), DT_ERR_CONFLICT);
    assert_ok(dt_buf_set(&p->encryption_key, mls_tree_key(&w.tree, 7)));
    assert_int_equal(mls_tree_check_keys(&w.tree), DT_ERR_CONFLICT);
    assert_int_equal(check_tree(&w.tree), DT_ERR_CONFLICT);
    world_clear(&w);
}

static void
test_section_12_4_3_1_parent_hash(void **state)
{
    struct world w;
    struct mls_parent_node *p;
    uint8_t pub[DT_HPKE_PUB_MAX];
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
    uint32_t at;
    struct member ghost;

    (void)state;
    /* every parent's parent_hash and key is bound by someone below */
    for (uint32_t node = 1; node < 15; node += 2) {
        setup(&w);
        assert_ok(dt_hpke_new_key_pair(w.suite, &priv, pub));
        if (!mls_tree_is_blank(&w.tree, node)) {
            p = own_parent(&w.tree, node);
            assert_ok(mls_parent_hash_check(&w.tree));
            assert_ok(dt_buf_set(&p->encryption_key, dt_view(pub, w.suite->kem_pub_len)));
            assert_int_equal(check_tree(&w.tree), DT_ERR_AUTH);
        } else { /* a node that nobody set: the insider's own key in a subtree it is not in */
            assert_ok(
                mls_parent_node_new(dt_view(pub, w.suite->kem_pub_len), dt_view(NULL, 0), &p));
            assert_ok(mls_tree_set_parent(&w.tree, node, p));
            assert_int_equal(check_tree(&w.tree), DT_ERR_AUTH);
        }
        world_clear(&w);
    }
    setup(&w);
    p = own_parent(&w.tree, 3);
    assert_true(p->parent_hash.n > 0);
    p->parent_hash.p[7] ^= 1;
    assert_int_equal(mls_parent_hash_check(&w.tree), DT_ERR_AUTH);
    world_clear(&w);

    /* a member of the half that vouches is called unmerged, although it got the path secret */
    setup(&w);
    p = own_parent(&w.tree, 7);
    assert_int_equal(p->unmerged[0], 6);
    memmove(p->unmerged + 1, p->unmerged, 2 * sizeof *p->unmerged);
    p->unmerged[0] = 0;
    p->n_unmerged = 3;
    assert_int_equal(mls_parent_hash_check(&w.tree), DT_ERR_AUTH);
    world_clear(&w);

    /* a member put below a set parent without being unmerged there */
    setup(&w);
    member_new(&ghost, w.suite, 77);
    world_remove(&w, 7);
    world_commit(&w, 0);
    assert_ok(check_tree(&w.tree));
    assert_ok(mls_tree_set_leaf(&w.tree, 7, ghost.kp.key_package->leaf));
    assert_int_equal(check_tree(&w.tree), DT_ERR_AUTH);
    member_clear(&ghost);
    world_clear(&w);

    /* unmerged in the sibling's half is no matter: the original tree hash leaves it out */
    setup(&w);
    world_remove(&w, 1);
    assert_ok(check_tree(&w.tree));
    at = world_add(&w);
    assert_int_equal(at, 1);
    assert_ok(check_tree(&w.tree));
    world_clear(&w);
}

/*
 * A ghost beside the committer: two nodes stand where the path secret went to one, and it is no
 * matter which of them comes first.
 */
static void
test_section_7_9_2_one_node_holds_the_hash(void **state)
{
    struct world w;
    struct member ghost;

    (void)state;
    for (uint32_t at = 4; at <= 5; at++) {
        world_init(&w, 1, 8);
        member_new(&ghost, w.suite, 78);
        world_remove(&w, at);
        world_commit(&w, at ^ 1u);
        assert_ok(check_tree(&w.tree));
        assert_true(mls_tree_is_blank(&w.tree, 9));
        assert_ok(mls_tree_set_leaf(&w.tree, at, ghost.kp.key_package->leaf));
        assert_int_equal(check_tree(&w.tree), DT_ERR_AUTH);
        member_clear(&ghost);
        world_clear(&w);
    }
}

/* Beside a node that was set nobody is left: nothing there can hold its hash. */
static void
test_section_7_9_2_nobody_beside(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, 1, 8);
    world_commit(&w, 0);
    assert_ok(check_tree(&w.tree));
    assert_false(mls_tree_is_blank(&w.tree, 3));
    assert_ok(mls_tree_set_leaf(&w.tree, 2, NULL));
    assert_ok(mls_tree_set_leaf(&w.tree, 3, NULL));
    assert_int_equal(check_tree(&w.tree), DT_ERR_AUTH);
    world_clear(&w);
}

static void
test_section_12_4_3_1_leaf_signatures(void **state)
{
    struct world w;
    struct mls_leaf_fields f;
    struct mls_leaf_node *leaf = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(1u << 16);
    struct dt_reader r;

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        flat(&w);
        assert_ok(dt_buf_set(&raw, dt_buf_view(&mls_tree_leaf(&w.tree, i)->raw)));
        raw.p[raw.n - 1] ^= 1; /* in S of the signature */
        r = reader_of(&raw);
        assert_ok(mls_leaf_node_read(&r, &leaf));
        assert_ok(mls_tree_set_leaf(&w.tree, i, leaf));
        mls_leaf_node_unref(leaf);
        assert_int_equal(check_tree(&w.tree), DT_ERR_AUTH);
        world_clear(&w);
    }
    /* an update leaf moved to another place */
    flat(&w);
    f = plain_fields(&w, 1);
    f.source = MLS_LEAF_UPDATE;
    set_leaf(&w, 1, &f);
    assert_ok(check_tree(&w.tree));
    leaf = mls_tree_leaf_ref(&w.tree, 1);
    assert_ok(mls_tree_set_leaf(&w.tree, 1, NULL));
    assert_ok(mls_tree_set_leaf(&w.tree, 3, leaf));
    mls_leaf_node_unref(leaf);
    assert_int_equal(check_tree(&w.tree), DT_ERR_AUTH);
    world_clear(&w);
}

static void
test_section_7_3_leaf_rules_in_tree(void **state)
{
    struct world w;
    struct mls_leaf_fields f;

    (void)state;
    flat(&w);
    f = plain_fields(&w, 3);
    f.capabilities.versions = u16_list(0x0a0a, 0, 1);
    set_leaf(&w, 3, &f);
    assert_int_equal(check_tree(&w.tree), DT_ERR_UNSUPPORTED);
    /* a credential type in use that one leaf does not support */
    f = plain_fields(&w, 3);
    f.capabilities = caps_plain();
    f.capabilities.credentials = u16_list(1, 0, 1);
    set_leaf(&w, 3, &f);
    assert_ok(check_tree(&w.tree));
    f = plain_fields(&w, 2);
    f.credential = (struct mls_credential){.type = MLS_CREDENTIAL_X509};
    set_leaf(&w, 2, &f);
    assert_int_equal(check_tree(&w.tree), DT_ERR_UNSUPPORTED);
    world_clear(&w);
}

/* Credential types in use are counted, so that a hostile tree of many costs little; what is not
 * known here is a type like others. */
static void
test_section_7_3_credential_types(void **state)
{
    struct world w;
    struct mls_leaf_fields f;

    (void)state;
    world_init(&w, 1, 1);
    for (uint32_t i = 1; i <= MLS_CREDENTIAL_TYPES_MAX; i++)
        (void)world_add(&w);
    for (uint32_t i = 0; i <= MLS_CREDENTIAL_TYPES_MAX; i++) {
        uint16_t type = (uint16_t)(0xf100u + i);

        f = plain_fields(&w, i);
        f.credential = (struct mls_credential){.type = type, .body = dt_view_str("who")};
        f.capabilities.credentials = u16_list(type, 0, 1);
        set_leaf(&w, i, &f);
    }
    assert_int_equal(check_tree(&w.tree), DT_ERR_LIMIT);
    f.credential.type = 0xf100u;
    f.capabilities.credentials = u16_list(0xf100u, 0, 1);
    set_leaf(&w, MLS_CREDENTIAL_TYPES_MAX, &f);
    assert_int_equal(check_tree(&w.tree), DT_ERR_UNSUPPORTED);
    for (uint32_t i = 0; i <= MLS_CREDENTIAL_TYPES_MAX; i++) {
        f = plain_fields(&w, i);
        f.credential.type = i % 2 == 0 ? 0xf100u : 0xf101u;
        f.capabilities.credentials = u16_list(0xf100u, 0xf101u, 2);
        set_leaf(&w, i, &f);
    }
    assert_ok(check_tree(&w.tree));
    world_clear(&w);
}

static void
test_parent_key_form(void **state)
{
    struct world w;
    struct mls_parent_node *p;

    (void)state;
    setup(&w);
    p = own_parent(&w.tree, 1);
    p->encryption_key.n--;
    assert_int_equal(check_tree(&w.tree), DT_ERR_FORMAT);
    world_clear(&w);
}

/* ---- a leaf about to enter ---- */

static void
test_section_7_3_check_leaf(void **state)
{
    struct world w;
    struct member m;
    struct mls_leaf_node *leaf = NULL;
    struct mls_leaf_fields f;

    (void)state;
    setup(&w);
    member_new(&m, w.suite, 50);
    assert_ok(mls_tree_check_leaf(&w.tree, m.kp.key_package->leaf, MLS_NO_NODE));
    assert_int_equal(mls_tree_check_leaf(&w.tree, mls_tree_leaf(&w.tree, 3), MLS_NO_NODE),
                     DT_ERR_CONFLICT);
    /* an Update must change the encryption key, and may keep the signature key */
    assert_int_equal(mls_tree_check_leaf(&w.tree, mls_tree_leaf(&w.tree, 3), 3), DT_ERR_CONFLICT);
    mls_leaf_fields_from(&f, m.kp.key_package->leaf);
    f.signature_key = mls_tree_leaf(&w.tree, 3)->signature_key;
    assert_ok(mls_leaf_node_new(w.suite, &f, dt_secret_view(&w.m[3].sig_priv), GROUP_ID, 3, &leaf));
    assert_ok(mls_tree_check_leaf(&w.tree, leaf, 3));
    assert_int_equal(mls_tree_check_leaf(&w.tree, leaf, MLS_NO_NODE), DT_ERR_CONFLICT);
    assert_int_equal(mls_tree_check_leaf(&w.tree, leaf, 4), DT_ERR_CONFLICT);
    mls_leaf_node_unref(leaf);
    /* credential types, both ways round */
    mls_leaf_fields_from(&f, m.kp.key_package->leaf);
    f.capabilities.credentials = u16_list(2, 0, 1);
    assert_ok(mls_leaf_node_new(w.suite, &f, dt_secret_view(&m.sig_priv), GROUP_ID, 8, &leaf));
    assert_int_equal(mls_tree_check_leaf(&w.tree, leaf, MLS_NO_NODE), DT_ERR_UNSUPPORTED);
    mls_leaf_node_unref(leaf);
    world_clear(&w);
    flat(&w);
    f = plain_fields(&w, 1);
    f.capabilities.credentials = u16_list(1, 0, 1);
    set_leaf(&w, 1, &f);
    mls_leaf_fields_from(&f, m.kp.key_package->leaf);
    assert_ok(mls_tree_check_leaf(&w.tree, m.kp.key_package->leaf, MLS_NO_NODE));
    f.credential = (struct mls_credential){.type = MLS_CREDENTIAL_X509};
    assert_ok(mls_leaf_node_new(w.suite, &f, dt_secret_view(&m.sig_priv), GROUP_ID, 8, &leaf));
    assert_int_equal(mls_tree_check_leaf(&w.tree, leaf, MLS_NO_NODE), DT_ERR_UNSUPPORTED);
    mls_leaf_node_unref(leaf);
    member_clear(&m);
    world_clear(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_12_4_3_1_tree_hash),
        cmocka_unit_test(test_section_12_4_3_1_unmerged),
        cmocka_unit_test(test_section_7_3_unique_keys),
        cmocka_unit_test(test_section_12_4_3_1_parent_hash),
        cmocka_unit_test(test_section_12_4_3_1_leaf_signatures),
        cmocka_unit_test(test_section_7_3_leaf_rules_in_tree),
        cmocka_unit_test(test_section_7_3_credential_types),
        cmocka_unit_test(test_parent_key_form),
        cmocka_unit_test(test_section_7_3_check_leaf),
        cmocka_unit_test(test_section_7_9_2_one_node_holds_the_hash),
        cmocka_unit_test(test_section_7_9_2_nobody_beside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
