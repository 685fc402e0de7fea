/*
 * mls/group_load.c - a saved group read back; its encoding is described in group_state.c.
 *
 * What is read is hostile: it was sealed by the caller, and yet every length, number and key is
 * held against the others.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/hpke.h"

#include "mls/group_state.h"

/* opaque<V> of exactly ${n} bytes. */
static enum dt_err
secret_read(struct dt_reader *r, size_t n, struct dt_secret *out)
{
    struct dt_view v;
    enum dt_err err = dt_read_vec(r, n, &v);

    if (err != DT_OK)
        return err;
    if (v.n != n)
        return dt_fail(DT_ERR_FORMAT, "a saved secret of %zu bytes", v.n);
    return dt_secret_set(out, v);
}

static enum dt_err
context_read(struct dt_reader *r, const struct dt_suite *suite, struct mls_group_context *out)
{
    enum dt_err err = mls_group_context_read(r, out);

    if (err != DT_OK)
        return err;
    if (!mls_group_context_fits(out, suite))
        return dt_fail(DT_ERR_FORMAT, "a saved group context does not fit its suite");
    return DT_OK;
}

static enum dt_err
reinit_read(struct dt_reader *r, struct mls_group *g)
{
    bool present = false;
    enum dt_err err = dt_read_optional(r, &present);

    if (err == DT_OK && present)
        err = mls_proposal_read(r, &g->reinit);
    if (err == DT_OK && present && g->reinit->type != MLS_PROPOSAL_REINIT)
        err = dt_fail(DT_ERR_FORMAT, "a saved ReInit is none");
    return err;
}

static enum dt_err
secrets_read(struct dt_reader *r, unsigned version, struct mls_group *g)
{
    struct mls_epoch_secrets *s = &g->secrets;
    struct dt_secret *secrets[] = {&s->init,           &s->sender_data,        &s->exporter,
                                   &s->external,       &s->confirmation_key,   &s->membership_key,
                                   &s->resumption_psk, &s->epoch_authenticator};
    enum dt_err err = mls_tree_priv_read(r, &g->priv);

    if (err == DT_OK)
        err = secret_read(r, g->suite->sig_priv_len, &g->signature_priv);
    for (size_t i = 0; err == DT_OK && i < sizeof secrets / sizeof secrets[0]; i++)
        err = secret_read(r, g->suite->hash_len, secrets[i]);
    if (err == DT_OK)
        err = mls_secret_tree_read(r, g->suite, g->tree.n_leaves, &g->keys);
    if (err == DT_OK && version >= 2)
        err = reinit_read(r, g);
    return err;
}

/* What was saved belongs together: tree and its hash, own keys and own leaf. */
static enum dt_err
epoch_check(struct mls_group *g)
{
    const struct mls_leaf_node *leaf = mls_tree_leaf(&g->tree, g->own_leaf);
    uint8_t hash[DT_HASH_MAX];
    enum dt_err err = mls_tree_hash(&g->tree, hash);

    if (err != DT_OK)
        return err;
    if (!dt_view_equal(dt_view(hash, g->suite->hash_len), g->context.tree_hash))
        return dt_fail(DT_ERR_FORMAT, "the saved tree is not the group context's");
    if (!g->member)
        return DT_OK;
    if (leaf == NULL || g->priv.leaf_index != g->own_leaf)
        return dt_fail(DT_ERR_FORMAT, "the saved own leaf is blank");
    err = mls_tree_priv_check(g->suite, &g->priv, &g->tree);
    if (err == DT_OK)
        err = mls_sign_key_ready(g->suite, dt_secret_view(&g->signature_priv), leaf->signature_key,
                                 &g->signature_priv);
    if (err == DT_ERR_AUTH)
        return dt_fail(DT_ERR_FORMAT, "saved private keys do not fit the saved tree");
    return err;
}

static enum dt_err
epoch_read(struct dt_reader *r, unsigned version, struct mls_group *g)
{
    struct dt_view interim;
    enum dt_err err;

    if ((err = context_read(r, g->suite, &g->context)) != DT_OK ||
        (err = dt_read_vec(r, MLS_HASH_MAX, &interim)) != DT_OK)
        return err;
    if (interim.n != g->suite->hash_len)
        return dt_fail(DT_ERR_FORMAT, "a saved hash of %zu bytes", interim.n);
    if ((err = dt_buf_set(&g->interim, interim)) != DT_OK ||
        (err = dt_read_u32(r, &g->own_leaf)) != DT_OK ||
        (err = mls_tree_read(r, g->suite, &g->tree)) != DT_OK)
        return err;
    if (g->member && (err = secrets_read(r, version, g)) != DT_OK)
        return err;
    return epoch_check(g);
}

/* The private keys of the Update ${p} of ours. */
static enum dt_err
update_keys_read(struct dt_reader *r, const struct mls_group *g, const struct mls_proposal *p,
                 uint32_t sender, struct mls_update_keys *k)
{
    uint8_t pub[MLS_PUB_MAX];
    enum dt_err err;

    if (p->type != MLS_PROPOSAL_UPDATE || sender != g->own_leaf)
        return dt_fail(DT_ERR_FORMAT, "saved private keys of a proposal that has none");
    if ((err = secret_read(r, g->suite->kem_priv_len, &k->leaf_priv)) != DT_OK ||
        (err = secret_read(r, g->suite->sig_priv_len, &k->signature_priv)) != DT_OK ||
        (err = dt_hpke_pub(g->suite, dt_secret_view(&k->leaf_priv), pub)) != DT_OK)
        return err;
    if (!dt_view_equal(dt_view(pub, g->suite->kem_pub_len), p->update->encryption_key))
        return dt_fail(DT_ERR_FORMAT, "saved private keys do not fit their Update");
    err = mls_sign_key_ready(g->suite, dt_secret_view(&k->signature_priv), p->update->signature_key,
                             &k->signature_priv);
    if (err == DT_ERR_AUTH)
        return dt_fail(DT_ERR_FORMAT, "saved private keys do not fit their Update");
    return err;
}

/* Into the newest entry of the cache. */
static enum dt_err
cached_keys_read(struct dt_reader *r, struct mls_group *g)
{
    struct mls_cached_proposal *x = &g->cache[g->n_cache - 1];
    bool present = false;
    enum dt_err err = dt_read_optional(r, &present);

    if (err != DT_OK || !present)
        return err;
    x->keys = dt_alloc(1, sizeof *x->keys);
    if (x->keys == NULL)
        return dt_nomem();
    return update_keys_read(r, g, x->proposal, x->by.index, x->keys);
}

static enum dt_err
kept_read(struct dt_reader *r, struct mls_group *g)
{
    struct dt_reader sub;
    enum dt_err err = dt_read_sub(r, MLS_GROUP_STATE_MAX, &sub);

    while (err == DT_OK && sub.n > 0) {
        struct mls_kept_psk *k = &g->kept[g->n_kept];
        uint64_t before = g->n_kept == 0 ? g->context.epoch : k[-1].epoch;

        if (g->n_kept >= g->policy.resumption_psks)
            return dt_fail(DT_ERR_FORMAT, "more saved resumption PSKs than the policy keeps");
        g->n_kept++;
        if ((err = dt_read_u64(&sub, &k->epoch)) != DT_OK ||
            (err = dt_read_u64(&sub, &k->ended_ms)) != DT_OK ||
            (err = secret_read(&sub, g->suite->hash_len, &k->value)) != DT_OK)
            break;
        if (k->epoch >= before)
            err = dt_fail(DT_ERR_FORMAT, "saved resumption PSKs are out of order");
    }
    return err;
}

/* A sender of whom a proposal can be cached. */
static enum dt_err
sender_read(struct dt_reader *r, unsigned version, struct mls_sender *out)
{
    enum dt_err err = DT_OK;

    out->type = MLS_SENDER_MEMBER;
    if (version >= 2)
        err = dt_read_u8(r, &out->type);
    if (err == DT_OK)
        err = dt_read_u32(r, &out->index);
    if (err == DT_OK &&
        (out->type < MLS_SENDER_MEMBER || out->type > MLS_SENDER_NEW_MEMBER_PROPOSAL))
        err = dt_fail(DT_ERR_FORMAT, "a saved proposal of sender type %u", out->type);
    return err;
}

static enum dt_err
own_public_read(struct dt_reader *r, struct mls_group *g)
{
    struct dt_view v;
    enum dt_err err = dt_read_vec(r, MLS_OWN_PUBLIC_MAX * (size_t)g->suite->hash_len, &v);

    if (err != DT_OK)
        return err;
    if (v.n % g->suite->hash_len != 0)
        return dt_fail(DT_ERR_FORMAT, "saved hashes of %zu bytes", v.n);
    return dt_buf_set(&g->own_public, v);
}

static enum dt_err
cache_read(struct dt_reader *r, unsigned version, struct mls_group *g)
{
    struct dt_reader sub;
    enum dt_err err = dt_read_sub(r, MLS_GROUP_STATE_MAX, &sub);
    bool empty = err != DT_OK || sub.n == 0;

    if (!empty && version >= 2)
        err = own_public_read(&sub, g);
    if (!empty && version >= 2 && err == DT_OK && g->own_public.n == 0 && sub.n == 0)
        err = dt_fail(DT_ERR_FORMAT, "saved hashes of %zu bytes", g->own_public.n);
    while (err == DT_OK && sub.n > 0) {
        DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
        struct mls_sender by;
        struct dt_view ref;

        if ((err = dt_read_view(&sub, g->suite->hash_len, &ref)) != DT_OK ||
            (err = sender_read(&sub, version, &by)) != DT_OK ||
            (err = mls_proposal_read(&sub, &p)) != DT_OK)
            break;
        err = mls_group_cache_add(g, ref.p, by, p);
        if (err == DT_ERR_EXISTS)
            err = dt_fail(DT_ERR_FORMAT, "a saved proposal appears twice");
        if (err == DT_OK && version >= 2)
            err = cached_keys_read(&sub, g);
    }
    return err;
}

/* The pending commit must be one on this very epoch, and its effects are described anew from it. */
static enum dt_err
pending_check(const struct mls_group *g, struct mls_pending *p)
{
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    DT_CLEANUP(mls_proposal_list_clear) struct mls_proposal_list list = {0};
    DT_CLEANUP(mls_applied_clear) struct mls_applied applied = {0};
    DT_CLEANUP(mls_tree_clear) struct mls_tree tree = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf copy = DT_BUF_INIT(MLS_MESSAGE_MAX);
    const struct mls_lifetime_policy no_clock = {.check = false};
    uint8_t confirmed[DT_HASH_MAX];
    enum dt_err err;

    mls_tree_init(&tree, g->suite);
    if ((err = dt_buf_set(&copy, dt_buf_view(&p->content))) != DT_OK ||
        (err = mls_auth_content_parse(&copy, &c, NULL)) != DT_OK)
        return err;
    if (c.content_type != MLS_CONTENT_COMMIT || c.sender_type != MLS_SENDER_MEMBER ||
        c.sender != g->own_leaf || c.epoch != g->context.epoch ||
        p->next->context.epoch != g->context.epoch + 1 || p->next->own_leaf != g->own_leaf ||
        !dt_view_equal(p->next->context.group_id, g->context.group_id))
        return dt_fail(DT_ERR_FORMAT, "the saved pending commit is of another epoch");
    if ((err = mls_confirmed_transcript_hash(g->suite, dt_buf_view(&g->interim),
                                             mls_auth_content_transcript_input(&c), confirmed)) !=
        DT_OK)
        return err;
    if (!dt_view_equal(dt_view(confirmed, g->suite->hash_len),
                       p->next->context.confirmed_transcript_hash))
        return dt_fail(DT_ERR_FORMAT, "the saved pending commit does not lead to its epoch");
    if ((err = mls_group_resolve(g, &c.commit, mls_auth_content_by(&c), &list)) != DT_OK ||
        (err = mls_tree_copy(&g->tree, &tree)) != DT_OK ||
        (err = mls_proposal_list_apply(&list, g->suite, &g->context, c.sender, g->own_leaf,
                                       &no_clock, &tree, &applied)) != DT_OK)
        return err;
    for (size_t i = 0; i < applied.n_added; i++)
        if (mls_tree_leaf(&p->next->tree, applied.added[i]) == NULL)
            return dt_fail(DT_ERR_FORMAT, "a saved added leaf is blank");
    /* Version 1 knew no ReInit, and could not have a Commit with one. */
    if ((applied.reinit == NULL) != (p->next->reinit == NULL) ||
        (applied.reinit != NULL &&
         !dt_view_equal(dt_buf_view(&applied.reinit->raw), dt_buf_view(&p->next->reinit->raw))))
        return dt_fail(DT_ERR_FORMAT, "the saved pending commit has another ReInit");
    return mls_effects_build(g, &c, c.sender, &list, &applied, &p->next->tree, p->next,
                             &p->effects);
}

static void
pending_free_p(struct mls_pending **p)
{
    mls_pending_free(*p);
}

static enum dt_err
pending_read(struct dt_reader *r, unsigned version, struct mls_group *g)
{
    DT_CLEANUP(pending_free_p) struct mls_pending *p = NULL;
    struct dt_view commit;
    struct dt_view welcome;
    struct dt_view content;
    bool present = false;
    enum dt_err err = dt_read_optional(r, &present);

    if (err != DT_OK || !present)
        return err;
    if ((err = dt_read_vec(r, MLS_MESSAGE_MAX, &commit)) != DT_OK ||
        (err = dt_read_vec(r, MLS_MESSAGE_MAX, &welcome)) != DT_OK ||
        (err = dt_read_vec(r, MLS_MESSAGE_MAX, &content)) != DT_OK)
        return err;
    p = dt_alloc(1, sizeof *p);
    if (p == NULL)
        return dt_nomem();
    dt_buf_init(&p->commit, MLS_MESSAGE_MAX);
    dt_buf_init(&p->welcome, MLS_MESSAGE_MAX);
    dt_buf_init(&p->content, MLS_MESSAGE_MAX);
    p->next = mls_group_new(g->suite, &g->policy);
    if (p->next == NULL)
        return dt_nomem();
    if ((err = dt_buf_set(&p->commit, commit)) != DT_OK ||
        (err = dt_buf_set(&p->welcome, welcome)) != DT_OK ||
        (err = dt_buf_set(&p->content, content)) != DT_OK ||
        (err = epoch_read(r, version, p->next)) != DT_OK || (err = pending_check(g, p)) != DT_OK)
        return err;
    g->pending = p;
    p = NULL;
    return DT_OK;
}

static enum dt_err
past_leaf_read(struct dt_reader *r, const struct mls_tree *newer, uint32_t i,
               struct mls_leaf_node **out)
{
    const struct mls_leaf_node *other = mls_tree_leaf(newer, i);
    uint8_t how;
    enum dt_err err = dt_read_u8(r, &how);

    if (err != DT_OK || how == MLS_SAVED_LEAF_BLANK)
        return err;
    if (how == MLS_SAVED_LEAF_SAME && other != NULL) {
        *out = mls_tree_leaf_ref(newer, i);
        return DT_OK;
    }
    if (how != MLS_SAVED_LEAF_OWN)
        return dt_fail(DT_ERR_FORMAT, "saved leaf %u of a past epoch", i);
    err = mls_leaf_node_read(r, out);
    if (err == DT_OK && mls_same_leaf(*out, other))
        err = dt_fail(DT_ERR_FORMAT, "saved leaf %u is written twice", i);
    return err;
}

static enum dt_err
past_read(struct dt_reader *r, const struct mls_group *g, const struct mls_tree *newer,
          struct mls_past_epoch *p)
{
    uint32_t n;
    enum dt_err err;

    if ((err = context_read(r, g->suite, &p->context)) != DT_OK ||
        (err = dt_read_u64(r, &p->ended_ms)) != DT_OK ||
        (err = secret_read(r, g->suite->hash_len, &p->sender_data)) != DT_OK ||
        (err = dt_read_u32(r, &n)) != DT_OK)
        return err;
    /* Each leaf takes a byte at least. */
    if (n == 0 || n > MLS_LEAVES_MAX || n > r->n || (n & (n - 1)) != 0)
        return dt_fail(DT_ERR_FORMAT, "a past epoch of %u leaves", n);
    err = mls_tree_init_blank(&p->tree, g->suite, n);
    for (uint32_t i = 0; err == DT_OK && i < n; i++) {
        struct mls_leaf_node *leaf = NULL;

        err = past_leaf_read(r, newer, i, &leaf);
        if (err == DT_OK && leaf != NULL)
            mls_tree_put_leaf(&p->tree, i, leaf);
        else
            mls_leaf_node_unref(leaf);
    }
    if (err == DT_OK)
        err = mls_secret_tree_read(r, g->suite, n, &p->keys);
    return err;
}

static enum dt_err
all_past_read(struct dt_reader *r, struct mls_group *g)
{
    const struct mls_tree *newer = &g->tree;
    uint64_t after = g->context.epoch;
    uint8_t n;
    enum dt_err err = dt_read_u8(r, &n);

    if (err != DT_OK)
        return err;
    /* A policy that was checked: there is room for so many. */
    if (n > g->policy.past_epochs)
        return dt_fail(DT_ERR_FORMAT, "%u past epochs saved", n);
    for (size_t i = 0; err == DT_OK && i < n; i++) {
        struct mls_past_epoch *p = &g->past[i];

        /* Counted at once, so that a half-read one is cleared with the group. */
        g->n_past = i + 1;
        err = past_read(r, g, newer, p);
        /* A member that was removed has its last epoch among the past ones. */
        if (err == DT_OK &&
            (p->context.epoch > after || (p->context.epoch == after && (g->member || i > 0)) ||
             !dt_view_equal(p->context.group_id, g->context.group_id)))
            err = dt_fail(DT_ERR_FORMAT, "past epochs are out of order");
        after = p->context.epoch;
        newer = &p->tree;
    }
    return err;
}

enum dt_err
mls_group_load(struct dt_view saved, struct mls_group **out)
{
    DT_CLEANUP(mls_group_free_p) struct mls_group *g = NULL;
    struct mls_group_policy policy = {0};
    const struct dt_suite *suite;
    struct dt_reader r = dt_reader_init(saved);
    uint16_t version;
    uint16_t id;
    enum dt_err err;

    if (saved.n > MLS_GROUP_STATE_MAX)
        return dt_fail(DT_ERR_LIMIT, "a saved group of %zu bytes", saved.n);
    if ((err = dt_read_u16(&r, &version)) != DT_OK)
        return err;
    if (version == 0 || version > MLS_STATE_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "version %u of a saved group", version);
    if ((err = dt_read_u16(&r, &id)) != DT_OK ||
        (err = dt_read_u32(&r, &policy.past_epochs)) != DT_OK ||
        (err = dt_read_u64(&r, &policy.past_age_ms)) != DT_OK ||
        (version >= 2 && ((err = dt_read_u32(&r, &policy.resumption_psks)) != DT_OK ||
                          (err = dt_read_u64(&r, &policy.resumption_age_ms)) != DT_OK ||
                          (err = dt_read_u8(&r, &policy.outside)) != DT_OK)))
        return err;
    suite = dt_suite_get(id);
    if (suite == NULL)
        return dt_fail(DT_ERR_UNSUPPORTED, "cipher suite %u", id);
    if ((err = mls_group_policy_check(&policy)) != DT_OK)
        return dt_fail(DT_ERR_FORMAT, "a saved group has a policy that cannot be");
    g = mls_group_new(suite, &policy);
    if (g == NULL)
        return dt_nomem();
    if ((err = dt_read_optional(&r, &g->member)) != DT_OK ||
        (err = epoch_read(&r, version, g)) != DT_OK)
        return mls_rule_error(err);
    if (g->member && ((err = cache_read(&r, version, g)) != DT_OK ||
                      (err = pending_read(&r, version, g)) != DT_OK ||
                      (version >= 2 && (err = kept_read(&r, g)) != DT_OK)))
        return mls_rule_error(err);
    if ((err = all_past_read(&r, g)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out = g;
    g = NULL;
    return DT_OK;
}
