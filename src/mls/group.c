/*
 * mls/group.c - life of a group and what it says of itself; see group.h.
 */
#include "base/mem.h"

#include "mls/group_internal.h"

void
mls_past_epoch_clear(struct mls_past_epoch *p)
{
    mls_group_context_clear(&p->context);
    dt_secret_clear(&p->sender_data);
    mls_secret_tree_clear(&p->keys);
    mls_tree_clear(&p->tree);
    *p = (struct mls_past_epoch){0};
}

void
mls_update_keys_free(struct mls_update_keys *k)
{
    if (k == NULL)
        return;
    dt_secret_clear(&k->leaf_priv);
    dt_secret_clear(&k->signature_priv);
    dt_free(k);
}

void
mls_group_cache_clear(struct mls_group *g)
{
    for (size_t i = 0; i < g->n_cache; i++) {
        mls_proposal_unref(g->cache[i].proposal);
        mls_update_keys_free(g->cache[i].keys);
    }
    dt_free(g->cache);
    g->cache = NULL;
    g->n_cache = 0;
}

void
mls_pending_free(struct mls_pending *p)
{
    if (p == NULL)
        return;
    dt_buf_clear(&p->commit);
    dt_buf_clear(&p->welcome);
    dt_buf_wipe(&p->content);
    mls_group_free(p->next);
    mls_effects_box_clear(&p->effects);
    dt_free(p);
}

struct mls_group *
mls_group_new(const struct dt_suite *suite, const struct mls_group_policy *policy)
{
    struct mls_group *g = dt_alloc(1, sizeof *g);

    if (g == NULL)
        return NULL;
    g->changed.all = true;
    g->suite = suite;
    g->policy = *policy;
    g->member = true;
    dt_buf_init(&g->interim, DT_HASH_MAX);
    dt_buf_init(&g->own_public, MLS_OWN_PUBLIC_MAX * DT_HASH_MAX);
    mls_tree_init(&g->tree, suite);
    return g;
}

void
mls_group_free(struct mls_group *g)
{
    if (g == NULL)
        return;
    mls_group_context_clear(&g->context);
    dt_buf_clear(&g->interim);
    mls_tree_clear(&g->tree);
    mls_tree_priv_clear(&g->priv);
    dt_secret_clear(&g->signature_priv);
    mls_epoch_secrets_clear(&g->secrets);
    mls_secret_tree_clear(&g->keys);
    mls_group_cache_clear(g);
    dt_buf_clear(&g->own_public);
    mls_pending_free(g->pending);
    mls_proposal_unref(g->reinit);
    for (size_t i = 0; i < g->n_past; i++)
        mls_past_epoch_clear(&g->past[i]);
    mls_group_kept_clear(g);
    dt_free(g);
}

void
mls_group_free_p(struct mls_group **g)
{
    mls_group_free(*g);
}

enum dt_err
mls_group_policy_check(const struct mls_group_policy *policy)
{
    if (policy->past_epochs > MLS_PAST_EPOCHS_MAX)
        return dt_fail(DT_ERR_RANGE, "%u past epochs are more than %u", policy->past_epochs,
                       MLS_PAST_EPOCHS_MAX);
    if (policy->resumption_psks > MLS_RESUMPTION_PSKS_MAX)
        return dt_fail(DT_ERR_RANGE, "%u resumption PSKs are more than %u", policy->resumption_psks,
                       MLS_RESUMPTION_PSKS_MAX);
    if ((policy->outside & ~MLS_OUTSIDE_ALL) != 0)
        return dt_fail(DT_ERR_RANGE, "policy 0x%02x of what may come from outside",
                       policy->outside);
    return DT_OK;
}

enum dt_err
mls_group_clone(const struct mls_group *g, struct mls_group **out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf saved = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    enum dt_err err = mls_group_save(g, &saved);

    if (err == DT_OK)
        err = mls_group_load(dt_buf_view(&saved), out);
    return err;
}

struct mls_lifetime_policy
mls_lifetime_from(const struct mls_time_policy *p)
{
    struct mls_lifetime_policy out = {.check = p->check,
                                      .now_s = p->now_ms / 1000,
                                      .skew_s = p->skew_ms / 1000,
                                      .max_s = (p->max_total_ms + 999) / 1000};

    return out;
}

enum dt_err
mls_rule_error(enum dt_err err)
{
    return err == DT_ERR_CONFLICT ? DT_ERR_REFUSED : err;
}

/* ---- getters ---- */

struct dt_view
mls_group_id(const struct mls_group *g)
{
    return g->context.group_id;
}

uint16_t
mls_group_suite(const struct mls_group *g)
{
    return g->suite->id;
}

uint64_t
mls_group_epoch(const struct mls_group *g)
{
    return g->context.epoch;
}

uint32_t
mls_group_own_leaf(const struct mls_group *g)
{
    return g->own_leaf;
}

struct dt_view
mls_group_epoch_authenticator(const struct mls_group *g)
{
    return dt_secret_view(&g->secrets.epoch_authenticator);
}

enum dt_err
mls_group_signature_key(const struct mls_group *g, struct dt_secret *out)
{
    if (!g->member)
        return dt_fail(DT_ERR_STATE, "no longer a member of the group");
    return dt_secret_set(out, mls_sign_key_bare(g->suite, &g->signature_priv));
}

struct dt_view
mls_group_tree_hash(const struct mls_group *g)
{
    return g->context.tree_hash;
}

struct dt_view
mls_group_confirmed_transcript_hash(const struct mls_group *g)
{
    return g->context.confirmed_transcript_hash;
}

bool
mls_group_is_member(const struct mls_group *g)
{
    return g->member;
}

bool
mls_group_extension(const struct mls_group *g, uint16_t type, struct dt_view *out)
{
    return mls_extensions_find(&g->context.extensions, type, out);
}

void
mls_reinit_of(const struct mls_proposal *p, struct mls_reinit_info *out)
{
    out->group_id = p->reinit.group_id;
    out->version = p->reinit.version;
    out->suite = p->reinit.cipher_suite;
    out->extensions = p->reinit.extensions.raw;
}

bool
mls_group_closed(const struct mls_group *g, struct mls_reinit_info *out)
{
    if (g->reinit == NULL)
        return false;
    mls_reinit_of(g->reinit, out);
    return true;
}

void
mls_member_of(const struct mls_leaf_node *leaf, uint32_t index, struct mls_member *out)
{
    out->leaf = index;
    out->credential_type = leaf->credential.type;
    out->identity = leaf->credential.identity;
    out->credential = mls_credential_body(&leaf->credential);
    out->signature_key = leaf->signature_key;
    out->encryption_key = leaf->encryption_key;
    out->has_lifetime = leaf->source == MLS_LEAF_KEY_PACKAGE;
    out->not_before_s = out->has_lifetime ? leaf->lifetime.not_before : 0;
    out->not_after_s = out->has_lifetime ? leaf->lifetime.not_after : 0;
}

uint32_t
mls_group_n_leaves(const struct mls_group *g)
{
    return g->tree.n_leaves;
}

uint32_t
mls_group_n_members(const struct mls_group *g)
{
    return mls_tree_n_members(&g->tree);
}

bool
mls_group_member(const struct mls_group *g, uint32_t leaf, struct mls_member *out)
{
    const struct mls_leaf_node *l = mls_tree_leaf(&g->tree, leaf);

    if (l == NULL)
        return false;
    mls_member_of(l, leaf, out);
    return true;
}

uint32_t
mls_group_generation(const struct mls_group *g)
{
    return mls_secret_tree_generation(&g->keys, g->own_leaf, MLS_RATCHET_APPLICATION);
}

uint32_t
mls_group_handshake_generation(const struct mls_group *g)
{
    return mls_secret_tree_generation(&g->keys, g->own_leaf, MLS_RATCHET_HANDSHAKE);
}

size_t
mls_group_missing(const struct mls_group *g)
{
    size_t n = mls_secret_tree_skipped(&g->keys);

    for (size_t i = 0; i < g->n_past; i++)
        n += mls_secret_tree_skipped(&g->past[i].keys);
    return n;
}

size_t
mls_group_n_cached(const struct mls_group *g)
{
    return g->n_cache;
}

size_t
mls_group_n_past(const struct mls_group *g)
{
    return g->n_past;
}

enum dt_err
mls_group_ratchet_tree(const struct mls_group *g, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    mls_tree_write(&w, &g->tree);
    return dt_writer_end(&w);
}

enum dt_err
mls_group_export(const struct mls_group *g, const char *label, struct dt_view context, size_t len,
                 struct dt_secret *out)
{
    if (!g->member)
        return dt_fail(DT_ERR_STATE, "not a member of the group any more");
    return mls_exporter(g->suite, dt_secret_view(&g->secrets.exporter), label, context, len, out);
}
