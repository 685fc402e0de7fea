/* mls/tree_check.c - see tree_check.h. */
#include <stdlib.h>

#include "base/mem.h"
#include "crypto/hpke.h"

#include "mls/parent_hash.h"
#include "mls/tree_check.h"
#include "mls/tree_store.h"

/* RFC 9420 section 12.4.3.1, for one leaf in the list of one node at ${level}. */
static enum dt_err
check_unmerged_leaf(const struct mls_tree *t, uint32_t leaf, uint32_t level)
{
    if (mls_tree_leaf(t, leaf) == NULL)
        return dt_fail(DT_ERR_AUTH, "unmerged leaf %u is blank", leaf);
    for (uint32_t k = 1; k < level; k++) {
        const struct mls_parent_node *p = mls_tree_parent(t, mls_leaf_ancestor(leaf, k));

        if (p != NULL && !mls_parent_has_unmerged(p, leaf))
            return dt_fail(DT_ERR_AUTH, "leaf %u is unmerged above and merged below", leaf);
    }
    return DT_OK;
}

enum dt_err
mls_tree_check_unmerged(const struct mls_tree *t)
{
    enum dt_err err;

    for (uint32_t node = 1; node < mls_node_width(t->n_leaves); node += 2) {
        const struct mls_parent_node *p = mls_tree_parent(t, node);

        for (size_t i = 0; p != NULL && i < p->n_unmerged; i++) {
            /* mls_tree_read() refuses these two already; a tree built otherwise is checked as well.
             */
            if (!mls_node_covers(node, p->unmerged[i]) ||
                (i > 0 && p->unmerged[i] <= p->unmerged[i - 1]))
                return dt_fail(DT_ERR_AUTH,
                               "unmerged leaves of node %u are not sorted or not below it", node);
            if ((err = check_unmerged_leaf(t, p->unmerged[i], mls_node_level(node))) != DT_OK)
                return err;
        }
    }
    return DT_OK;
}

static int
compare_views(const void *a, const void *b)
{
    const struct dt_view *x = a, *y = b;

    return dt_view_cmp(*x, *y);
}

/* Sorts ${keys}. */
static bool
has_duplicate(struct dt_view *keys, size_t n)
{
    qsort(keys, n, sizeof *keys, compare_views);
    for (size_t i = 1; i < n; i++)
        if (dt_view_equal(keys[i - 1], keys[i]))
            return true;
    return false;
}

/* The exact answer, for keys whose fingerprints do not tell. */
static enum dt_err
compare_keys(const struct mls_tree *t)
{
    uint32_t width = mls_node_width(t->n_leaves);
    struct dt_view *keys = dt_alloc(width, sizeof *keys);
    enum dt_err err = DT_OK;
    size_t n = 0;

    if (keys == NULL)
        return dt_nomem();
    for (uint32_t i = 0; i < width; i++)
        if (!mls_tree_is_blank(t, i))
            keys[n++] = mls_tree_key(t, i);
    if (has_duplicate(keys, n)) {
        err = dt_fail(DT_ERR_CONFLICT, "two nodes of a tree have the same encryption key");
        goto done;
    }
    n = 0;
    for (uint32_t i = 0; i < t->n_leaves; i++)
        if (mls_tree_leaf(t, i) != NULL)
            keys[n++] = mls_tree_leaf(t, i)->signature_key;
    if (has_duplicate(keys, n))
        err = dt_fail(DT_ERR_CONFLICT, "two leaves of a tree have the same signature key");
done:
    dt_free(keys);
    return err;
}

enum dt_err
mls_tree_check_keys(struct mls_tree *t)
{
    bool unique = false;
    enum dt_err err = mls_tree_keys_unique(t, &unique);

    return err == DT_OK && !unique ? compare_keys(t) : err;
}

/* Every leaf supports every credential type in use. */
static enum dt_err
check_credential_types(struct mls_tree *t)
{
    if (t->credentials_many)
        mls_tree_recount_credentials(t);
    if (t->credentials_many)
        return dt_fail(DT_ERR_LIMIT, "more than %u credential types in one tree",
                       MLS_CREDENTIAL_TYPES_MAX);
    for (uint32_t k = 0; k < t->n_credentials; k++) {
        uint32_t i = 0;

        if (t->credentials[k].lacked == 0)
            continue;
        while (mls_tree_leaf(t, i) == NULL ||
               mls_u16s_have(mls_tree_leaf(t, i)->capabilities.credentials, t->credentials[k].type))
            i++;
        return dt_fail(DT_ERR_UNSUPPORTED, "leaf %u does not support a credential type in use", i);
    }
    return DT_OK;
}

enum dt_err
mls_tree_check_leaves(struct mls_tree *t, struct dt_view group_id,
                      const struct mls_leaf_rules *rules)
{
    enum dt_err err = mls_tree_verify_leaves(t, group_id, rules);

    return err != DT_OK ? err : check_credential_types(t);
}

/* A parent's key must be one of the suite's: it will be encrypted to. */
static enum dt_err
check_parent_keys(const struct mls_tree *t)
{
    enum dt_err err;

    for (uint32_t node = 1; node < mls_node_width(t->n_leaves); node += 2)
        if (!mls_tree_is_blank(t, node) &&
            (err = dt_hpke_pub_check(t->suite, mls_tree_key(t, node))) != DT_OK)
            return err;
    return DT_OK;
}

enum dt_err
mls_tree_check(struct mls_tree *t, struct dt_view group_id, const struct mls_leaf_rules *rules,
               struct dt_view tree_hash)
{
    uint8_t hash[MLS_HASH_MAX];
    enum dt_err err;

    if ((err = mls_tree_hash(t, hash)) != DT_OK)
        return err;
    if (!dt_view_equal(dt_view(hash, t->suite->hash_len), tree_hash))
        return dt_fail(DT_ERR_AUTH, "a ratchet tree does not have the expected tree hash");
    /* Cheap checks first; parent hashes rely on sound unmerged leaves. */
    if ((err = mls_tree_check_unmerged(t)) != DT_OK || (err = mls_tree_check_keys(t)) != DT_OK ||
        (err = check_parent_keys(t)) != DT_OK || (err = mls_parent_hash_check(t)) != DT_OK)
        return err;
    return mls_tree_check_leaves(t, group_id, rules);
}

/* Do the leaves but ${replaces} go with one of ${credential_type} that supports ${capabilities}?
 * By looking at each. */
static bool
credentials_fit(const struct mls_tree *t, const struct mls_capabilities *capabilities,
                uint16_t credential_type, uint32_t replaces)
{
    for (uint32_t i = 0; i < t->n_leaves; i++) {
        const struct mls_leaf_node *other = mls_tree_leaf(t, i);

        if (other != NULL && i != replaces &&
            (!mls_u16s_have(other->capabilities.credentials, credential_type) ||
             !mls_u16s_have(capabilities->credentials, other->credential.type)))
            return false;
    }
    return true;
}

/* The same by the tree's counts, where they tell. */
static bool
credentials_fit_counted(const struct mls_tree *t, const struct mls_capabilities *capabilities,
                        uint16_t credential_type, uint32_t replaces)
{
    const struct mls_leaf_node *old = mls_tree_leaf(t, replaces);
    bool in_use = false;

    for (uint32_t k = 0; k < t->n_credentials; k++) {
        const struct mls_credential_use *c = &t->credentials[k];
        uint32_t used = c->used, lacked = c->lacked;

        /* The others' alone. */
        if (old != NULL && old->credential.type == c->type)
            used--;
        if (old != NULL && !mls_u16s_have(old->capabilities.credentials, c->type))
            lacked--;
        in_use = in_use || c->type == credential_type;
        if ((c->type == credential_type && lacked > 0) ||
            (used > 0 && !mls_u16s_have(capabilities->credentials, c->type)))
            return false;
    }
    /* Who supports a type that nobody uses is not counted. */
    return (in_use && !t->credentials_many) ||
           credentials_fit(t, capabilities, credential_type, replaces);
}

enum dt_err
mls_tree_check_signer(struct mls_tree *t, struct dt_view signature_key,
                      const struct mls_capabilities *capabilities, uint16_t credential_type,
                      uint32_t replaces)
{
    bool there = false;
    enum dt_err err = mls_tree_has_signature_key(t, signature_key, replaces, &there);

    if (err != DT_OK)
        return err;
    if (there)
        return dt_fail(DT_ERR_CONFLICT, "a signature key is in the tree already");
    if (!credentials_fit_counted(t, capabilities, credential_type, replaces))
        return dt_fail(DT_ERR_UNSUPPORTED, "credential types are not supported by all members");
    return DT_OK;
}

enum dt_err
mls_tree_check_leaf(struct mls_tree *t, const struct mls_leaf_node *leaf, uint32_t replaces)
{
    bool there = false;
    enum dt_err err = mls_tree_has_encryption_key(t, leaf->encryption_key, &there);

    if (err != DT_OK)
        return err;
    /* Not even the key it had before (RFC 9420 section 7.3, for Update and Commit). */
    if (there)
        return dt_fail(DT_ERR_CONFLICT, "an encryption key is in the tree already");
    return mls_tree_check_signer(t, leaf->signature_key, &leaf->capabilities, leaf->credential.type,
                                 replaces);
}
