/* mls/tree_store.c - see tree_store.h. */
#include <string.h>

#include "base/mem.h"
#include "crypto/crypto.h"

#include "mls/tree_store.h"

static struct mls_tree_block *
block_new(const struct dt_suite *suite)
{
    struct mls_tree_block *b = dt_alloc(1, sizeof *b + 2 * MLS_BLOCK * suite->hash_len);

    if (b != NULL)
        b->refs = 1;
    return b;
}

static void
block_unref(struct mls_tree_block *b)
{
    if (b == NULL || --b->refs > 0)
        return;
    for (uint32_t i = 0; i < MLS_BLOCK; i++) {
        mls_leaf_node_unref(b->leaves[i]);
        mls_parent_node_unref(b->parents[i]);
    }
    dt_free(b);
}

/* Block number ${at}, ours alone. */
static enum dt_err
own(struct mls_tree *t, uint32_t at)
{
    struct mls_tree_block *old = t->blocks[at], *b;

    if (old->refs == 1)
        return DT_OK;
    if ((b = block_new(t->suite)) == NULL)
        return dt_nomem();
    memcpy(b, old, sizeof *b + 2 * MLS_BLOCK * t->suite->hash_len);
    b->refs = 1;
    for (uint32_t i = 0; i < MLS_BLOCK; i++) {
        if (b->leaves[i] != NULL)
            b->leaves[i]->refs++;
        if (b->parents[i] != NULL)
            b->parents[i]->refs++;
    }
    old->refs--;
    t->blocks[at] = b;
    return DT_OK;
}

static uint32_t
n_blocks(uint32_t n_leaves)
{
    return (n_leaves + MLS_BLOCK - 1) / MLS_BLOCK;
}

void
mls_tree_init(struct mls_tree *t, const struct dt_suite *suite)
{
    memset(t, 0, sizeof *t);
    t->suite = suite;
}

void
mls_tree_clear(struct mls_tree *t)
{
    if (t == NULL)
        return;
    for (uint32_t i = 0; i < n_blocks(t->n_leaves); i++)
        block_unref(t->blocks[i]);
    dt_free(t->blocks);
    mls_tree_keys_clear(&t->keys);
    mls_tree_init(t, t->suite);
}

enum dt_err
mls_tree_grow(struct mls_tree *t, uint32_t n_leaves)
{
    uint32_t at = n_blocks(t->n_leaves), end = n_blocks(n_leaves);
    struct mls_tree_block **more;

    if (n_leaves > MLS_LEAVES_MAX)
        return dt_fail(DT_ERR_LIMIT, "a ratchet tree has more than %u leaves", MLS_LEAVES_MAX);
    if (end > at) {
        if ((more = dt_realloc(t->blocks, end, sizeof(struct mls_tree_block *))) == NULL)
            return dt_nomem();
        t->blocks = more;
    }
    for (uint32_t i = at; i < end; i++) {
        if ((more[i] = block_new(t->suite)) == NULL) {
            while (i-- > at)
                block_unref(more[i]);
            return dt_nomem();
        }
    }
    t->n_leaves = n_leaves;
    return DT_OK;
}

enum dt_err
mls_tree_init_blank(struct mls_tree *t, const struct dt_suite *suite, uint32_t n_leaves)
{
    mls_tree_init(t, suite);
    return mls_tree_grow(t, n_leaves);
}

enum dt_err
mls_tree_copy(const struct mls_tree *t, struct mls_tree *out)
{
    struct mls_tree c = *t;
    enum dt_err err;

    c.blocks = NULL;
    c.keys = (struct mls_tree_keys){0};
    if (t->n_leaves > 0) {
        if ((c.blocks = dt_alloc(n_blocks(t->n_leaves), sizeof(struct mls_tree_block *))) == NULL)
            return dt_nomem();
        if ((err = mls_tree_keys_copy(&t->keys, &c.keys)) != DT_OK) {
            dt_free(c.blocks);
            return err;
        }
        for (uint32_t i = 0; i < n_blocks(t->n_leaves); i++) {
            c.blocks[i] = t->blocks[i];
            c.blocks[i]->refs++;
        }
    }
    *out = c;
    return DT_OK;
}

void
mls_tree_move(struct mls_tree *to, struct mls_tree *from)
{
    mls_tree_clear(to);
    *to = *from;
    mls_tree_init(from, to->suite);
}

enum dt_err
mls_tree_touch(struct mls_tree *t, uint32_t leaf, uint32_t level)
{
    enum dt_err err;

    for (; (1u << level) <= t->n_leaves; level++) {
        uint32_t node = mls_leaf_ancestor(leaf, level);

        if ((err = own(t, node / 2 / MLS_BLOCK)) != DT_OK)
            return err;
        *mls_hashed_flag(t, node) = 0;
    }
    return DT_OK;
}

/* ---- keys ---- */

static uint64_t
encryption_mark(struct dt_view key)
{
    return dt_fingerprint(key);
}

/* Keys of the two kinds do not meet: the same bytes may serve as one of each. */
static uint64_t
signature_mark(struct dt_view key)
{
    return ~dt_fingerprint(key);
}

static enum dt_err
change_key(struct mls_tree *t, uint64_t mark, bool add)
{
    if (t->keys.n_buckets == 0)
        return DT_OK;
    return add ? mls_tree_keys_add(&t->keys, mark) : mls_tree_keys_remove(&t->keys, mark);
}

/* The keys of ${leaf} come or go. */
static enum dt_err
change_leaf_keys(struct mls_tree *t, const struct mls_leaf_node *leaf, bool add)
{
    enum dt_err err = change_key(t, encryption_mark(leaf->encryption_key), add);

    return err == DT_OK ? change_key(t, signature_mark(leaf->signature_key), add) : err;
}

static enum dt_err
change_parent_key(struct mls_tree *t, const struct mls_parent_node *p, bool add)
{
    return change_key(t, encryption_mark(dt_buf_view(&p->encryption_key)), add);
}

static void
count(uint32_t *n, bool add)
{
    *n = add ? *n + 1 : *n - 1;
}

/* The entry of credential type ${type}; a new one counts who lacks it. NULL: too many types. */
static struct mls_credential_use *
credential_use(struct mls_tree *t, uint16_t type)
{
    struct mls_credential_use *c;

    for (uint32_t k = 0; k < t->n_credentials; k++)
        if (t->credentials[k].type == type)
            return &t->credentials[k];
    if (t->n_credentials == MLS_CREDENTIAL_TYPES_MAX) {
        t->credentials_many = true;
        return NULL;
    }
    c = &t->credentials[t->n_credentials++];
    *c = (struct mls_credential_use){.type = type};
    for (uint32_t i = 0; i < t->n_leaves; i++)
        if (mls_tree_leaf(t, i) != NULL &&
            !mls_u16s_have(mls_tree_leaf(t, i)->capabilities.credentials, type))
            c->lacked++;
    return c;
}

void
mls_tree_recount_credentials(struct mls_tree *t)
{
    t->n_credentials = 0;
    t->credentials_many = false;
    for (uint32_t i = 0; i < t->n_leaves && !t->credentials_many; i++) {
        const struct mls_leaf_node *leaf = mls_tree_leaf(t, i);
        struct mls_credential_use *c =
            leaf == NULL ? NULL : credential_use(t, leaf->credential.type);

        if (c != NULL)
            c->used++;
    }
}

/* ${leaf} is about to come, or to go. */
static void
count_leaf(struct mls_tree *t, const struct mls_leaf_node *leaf, bool add)
{
    struct mls_credential_use *c;

    if (t->credentials_many) {
        count(&t->n_members, add);
        return;
    }
    c = credential_use(t, leaf->credential.type);
    count(&t->n_members, add);
    if (c == NULL)
        return;
    count(&c->used, add);
    for (uint32_t k = 0; k < t->n_credentials; k++)
        if (!mls_u16s_have(leaf->capabilities.credentials, t->credentials[k].type))
            count(&t->credentials[k].lacked, add);
    if (c->used == 0)
        *c = t->credentials[--t->n_credentials];
}

static enum dt_err
keys_build(struct mls_tree *t)
{
    uint32_t width = mls_node_width(t->n_leaves);
    enum dt_err err = mls_tree_keys_init(&t->keys, width + t->n_members);

    for (uint32_t node = 0; err == DT_OK && node < width; node++) {
        if (mls_tree_is_blank(t, node))
            continue;
        err = mls_tree_keys_add(&t->keys, encryption_mark(mls_tree_key(t, node)));
        if (err == DT_OK && mls_node_is_leaf(node))
            err = mls_tree_keys_add(&t->keys,
                                    signature_mark(mls_tree_leaf(t, node / 2)->signature_key));
    }
    return err;
}

enum dt_err
mls_tree_has_encryption_key(struct mls_tree *t, struct dt_view key, bool *out)
{
    enum dt_err err;

    if (t->keys.n_buckets == 0 && (err = keys_build(t)) != DT_OK)
        return err;
    *out = false;
    if (mls_tree_keys_count(&t->keys, encryption_mark(key)) == 0)
        return DT_OK;
    for (uint32_t node = 0; node < mls_node_width(t->n_leaves) && !*out; node++)
        *out = !mls_tree_is_blank(t, node) && dt_view_equal(mls_tree_key(t, node), key);
    return DT_OK;
}

enum dt_err
mls_tree_has_signature_key(struct mls_tree *t, struct dt_view key, uint32_t except, bool *out)
{
    const struct mls_leaf_node *own_leaf = mls_tree_leaf(t, except);
    size_t n = own_leaf != NULL && dt_view_equal(own_leaf->signature_key, key) ? 1 : 0;
    enum dt_err err;

    if (t->keys.n_buckets == 0 && (err = keys_build(t)) != DT_OK)
        return err;
    *out = false;
    if (mls_tree_keys_count(&t->keys, signature_mark(key)) <= n)
        return DT_OK;
    for (uint32_t i = 0; i < t->n_leaves && !*out; i++)
        *out = i != except && mls_tree_leaf(t, i) != NULL &&
               dt_view_equal(mls_tree_leaf(t, i)->signature_key, key);
    return DT_OK;
}

enum dt_err
mls_tree_keys_unique(struct mls_tree *t, bool *out)
{
    uint32_t width = mls_node_width(t->n_leaves);
    enum dt_err err = mls_tree_keys_init(&t->keys, width + t->n_members);

    *out = true;
    for (uint32_t node = 0; err == DT_OK && node < width; node++) {
        uint64_t mark;

        if (mls_tree_is_blank(t, node))
            continue;
        mark = encryption_mark(mls_tree_key(t, node));
        *out = *out && mls_tree_keys_count(&t->keys, mark) == 0;
        err = mls_tree_keys_add(&t->keys, mark);
        if (err != DT_OK || !mls_node_is_leaf(node))
            continue;
        mark = signature_mark(mls_tree_leaf(t, node / 2)->signature_key);
        *out = *out && mls_tree_keys_count(&t->keys, mark) == 0;
        err = mls_tree_keys_add(&t->keys, mark);
    }
    return err;
}

/* ---- nodes ---- */

void
mls_tree_put_leaf(struct mls_tree *t, uint32_t index, struct mls_leaf_node *leaf)
{
    struct mls_tree_block *b = mls_block(t, index);

    count_leaf(t, leaf, true);
    b->leaves[index % MLS_BLOCK] = leaf;
    b->n_leaves++;
}

void
mls_tree_put_parent(struct mls_tree *t, uint32_t node, struct mls_parent_node *parent)
{
    struct mls_tree_block *b = mls_block(t, node / 2);

    b->parents[node / 2 % MLS_BLOCK] = parent;
    b->n_parents++;
}

/* Blank a node of a block that is ours. */
static enum dt_err
drop_leaf(struct mls_tree *t, uint32_t index)
{
    struct mls_tree_block *b = mls_block(t, index);
    struct mls_leaf_node **slot = &b->leaves[index % MLS_BLOCK];
    enum dt_err err;

    if (*slot == NULL)
        return DT_OK;
    if ((err = change_leaf_keys(t, *slot, false)) != DT_OK)
        return err;
    count_leaf(t, *slot, false);
    b->n_leaves--;
    mls_leaf_node_unref(*slot);
    *slot = NULL;
    return DT_OK;
}

static enum dt_err
drop_parent(struct mls_tree *t, uint32_t node)
{
    struct mls_tree_block *b = mls_block(t, node / 2);
    struct mls_parent_node **slot = &b->parents[node / 2 % MLS_BLOCK];
    enum dt_err err;

    if (*slot == NULL)
        return DT_OK;
    if ((err = change_parent_key(t, *slot, false)) != DT_OK)
        return err;
    b->n_parents--;
    mls_parent_node_unref(*slot);
    *slot = NULL;
    return DT_OK;
}

enum dt_err
mls_tree_set_leaf(struct mls_tree *t, uint32_t index, struct mls_leaf_node *leaf)
{
    enum dt_err err = mls_tree_touch(t, index, 0);

    if (err != DT_OK)
        return err;
    /* Counted first: it may be the very leaf that is dropped. */
    if (leaf != NULL)
        leaf = mls_leaf_node_ref(leaf);
    err = drop_leaf(t, index);
    if (err == DT_OK && leaf != NULL)
        err = change_leaf_keys(t, leaf, true);
    if (err == DT_OK && leaf != NULL)
        mls_tree_put_leaf(t, index, leaf);
    else
        mls_leaf_node_unref(leaf);
    return err;
}

enum dt_err
mls_tree_set_parent(struct mls_tree *t, uint32_t node, struct mls_parent_node *parent)
{
    enum dt_err err = mls_tree_touch(t, mls_node_first_leaf(node), mls_node_level(node));

    if (err == DT_OK)
        err = drop_parent(t, node);
    if (err == DT_OK && parent != NULL)
        err = change_parent_key(t, parent, true);
    if (err == DT_OK && parent != NULL)
        mls_tree_put_parent(t, node, parent);
    else
        mls_parent_node_unref(parent);
    return err;
}

enum dt_err
mls_tree_shrink(struct mls_tree *t, uint32_t n_leaves)
{
    uint32_t left = n_blocks(n_leaves);
    enum dt_err err = DT_OK;

    /* The last block that stays holds nodes that go: those to its right, or the old root. */
    if (left > 0)
        err = own(t, left - 1);
    for (uint32_t i = n_leaves; err == DT_OK && i < t->n_leaves; i++) {
        const struct mls_leaf_node *leaf = mls_tree_leaf(t, i);

        if (leaf == NULL)
            continue;
        if (i / MLS_BLOCK < left) {
            err = drop_leaf(t, i);
        } else {
            err = change_leaf_keys(t, leaf, false);
            count_leaf(t, leaf, false);
        }
    }
    for (uint32_t i = n_leaves == 0 ? 0 : n_leaves - 1; err == DT_OK && i + 1 < t->n_leaves; i++) {
        const struct mls_parent_node *p = mls_tree_parent(t, 2 * i + 1);

        if (p != NULL)
            err = i / MLS_BLOCK < left ? drop_parent(t, 2 * i + 1) : change_parent_key(t, p, false);
    }
    if (err != DT_OK)
        return err;
    for (uint32_t node = mls_node_width(n_leaves); node / 2 < left * MLS_BLOCK; node++)
        *mls_hashed_flag(t, node) = 0;
    for (uint32_t i = left; i < n_blocks(t->n_leaves); i++)
        block_unref(t->blocks[i]);
    t->n_leaves = n_leaves;
    return DT_OK;
}

/* ---- looking ---- */

const struct mls_leaf_node *
mls_tree_leaf(const struct mls_tree *t, uint32_t leaf_index)
{
    return leaf_index < t->n_leaves ? mls_block(t, leaf_index)->leaves[leaf_index % MLS_BLOCK]
                                    : NULL;
}

struct mls_leaf_node *
mls_tree_leaf_ref(const struct mls_tree *t, uint32_t leaf_index)
{
    if (mls_tree_leaf(t, leaf_index) == NULL)
        return NULL;
    return mls_leaf_node_ref(mls_block(t, leaf_index)->leaves[leaf_index % MLS_BLOCK]);
}

const struct mls_parent_node *
mls_tree_parent(const struct mls_tree *t, uint32_t node)
{
    if (mls_node_is_leaf(node) || node >= mls_node_width(t->n_leaves))
        return NULL;
    return mls_block(t, node / 2)->parents[node / 2 % MLS_BLOCK];
}

bool
mls_tree_all_blank(const struct mls_tree *t, uint32_t node)
{
    uint32_t first = mls_node_first_leaf(node), last = mls_node_last_leaf(node);

    if (last - first + 1 < MLS_BLOCK) {
        for (uint32_t i = 2 * first; i <= 2 * last; i++)
            if (!mls_tree_is_blank(t, i))
                return false;
        return true;
    }
    for (uint32_t i = first; i <= last; i += MLS_BLOCK) {
        const struct mls_tree_block *b = mls_block(t, i);
        /* The last parent of the last block stands above the subtree. */
        uint32_t above = i + MLS_BLOCK > last && b->parents[last % MLS_BLOCK] != NULL ? 1 : 0;

        if (b->n_leaves > 0 || b->n_parents > above)
            return false;
    }
    return true;
}

uint32_t
mls_tree_first_blank(const struct mls_tree *t)
{
    for (uint32_t i = 0; i < t->n_leaves; i += MLS_BLOCK) {
        const struct mls_tree_block *b = mls_block(t, i);

        if (b->n_leaves < MLS_BLOCK)
            for (uint32_t k = 0; k < MLS_BLOCK && i + k < t->n_leaves; k++)
                if (b->leaves[k] == NULL)
                    return i + k;
    }
    return t->n_leaves;
}

struct mls_parent_node **
mls_tree_parent_slot(struct mls_tree *t, uint32_t node)
{
    return &mls_block(t, node / 2)->parents[node / 2 % MLS_BLOCK];
}
