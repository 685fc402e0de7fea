/*
 * mls/group_epoch.c - what both sides of a Commit compute, and moving a group to its next epoch.
 *
 * Source: RFC 9420 sections 8, 12.4.1, 12.4.2.
 */
#include <string.h>

#include "base/mem.h"

#include "mls/group_internal.h"

enum dt_err
mls_group_cache_add(struct mls_group *g, const uint8_t *ref, struct mls_sender by,
                    struct mls_proposal *p)
{
    struct mls_cached_proposal *more;
    size_t n = g->suite->hash_len;

    for (size_t i = 0; i < g->n_cache; i++)
        if (memcmp(g->cache[i].ref, ref, n) == 0)
            return dt_fail(DT_ERR_EXISTS, "this proposal is known already");
    if (g->n_cache >= MLS_PROPOSAL_CACHE_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %u proposals in one epoch", MLS_PROPOSAL_CACHE_MAX);
    more = dt_realloc(g->cache, g->n_cache + 1, sizeof *more);
    if (more == NULL)
        return dt_nomem();
    g->cache = more;
    memset(&more[g->n_cache], 0, sizeof *more);
    memcpy(more[g->n_cache].ref, ref, n);
    more[g->n_cache].by = by;
    more[g->n_cache].proposal = mls_proposal_ref(p);
    g->n_cache++;
    g->changed.proposals = true;
    return DT_OK;
}

enum dt_err
mls_group_drop_proposal(struct mls_group *g, struct dt_view ref)
{
    /* What is saved of a pending Commit relies on the proposals that it names. */
    if (g->pending != NULL)
        return dt_fail(DT_ERR_STATE, "an own commit is pending");
    for (size_t i = 0; i < g->n_cache; i++) {
        if (!dt_view_equal(ref, dt_view(g->cache[i].ref, g->suite->hash_len)))
            continue;
        mls_proposal_unref(g->cache[i].proposal);
        mls_update_keys_free(g->cache[i].keys);
        g->n_cache--;
        memmove(&g->cache[i], &g->cache[i + 1], (g->n_cache - i) * sizeof g->cache[0]);
        g->changed.proposals = true;
        return DT_OK;
    }
    return dt_fail(DT_ERR_NOT_FOUND, "no such proposal waits");
}

enum dt_err
mls_group_resolve(const struct mls_group *g, const struct mls_commit *commit, struct mls_sender by,
                  struct mls_proposal_list *out)
{
    DT_CLEANUP(mls_proposal_list_clear) struct mls_proposal_list list = {0};
    size_t n = g->suite->hash_len;
    enum dt_err err = DT_OK;

    if (commit->too_many)
        return dt_fail(DT_ERR_LIMIT, "more than %u proposals in a Commit",
                       MLS_COMMIT_PROPOSALS_MAX);
    for (size_t i = 0; err == DT_OK && i < commit->n; i++) {
        const struct mls_proposal_or_ref *x = &commit->proposals[i];
        size_t at = 0;

        if (x->proposal != NULL) {
            err = mls_proposal_list_add(&list, x->proposal, by, false);
            continue;
        }
        if (x->reference.n != n)
            return dt_fail(DT_ERR_REFUSED, "a proposal reference of %zu bytes", x->reference.n);
        while (at < g->n_cache && memcmp(g->cache[at].ref, x->reference.p, n) != 0)
            at++;
        if (at == g->n_cache)
            return dt_fail(DT_ERR_NOT_FOUND, "a proposal that the Commit names is not known");
        for (size_t j = 0; j < i; j++)
            if (commit->proposals[j].proposal == NULL &&
                dt_view_equal(commit->proposals[j].reference, x->reference))
                return dt_fail(DT_ERR_REFUSED, "a proposal is named twice");
        err = mls_proposal_list_add(&list, g->cache[at].proposal, g->cache[at].by, true);
    }
    if (err != DT_OK)
        return err;
    *out = list;
    list = (struct mls_proposal_list){0};
    return DT_OK;
}

void
mls_next_epoch_clear(struct mls_next_epoch *n)
{
    mls_group_context_clear(&n->context);
    mls_epoch_secrets_clear(&n->secrets);
    dt_secret_clear(&n->joiner_secret);
    dt_wipe(n->confirmation_tag, sizeof n->confirmation_tag);
}

enum dt_err
mls_group_provisional(const struct mls_group *g, struct mls_tree *tree, struct dt_view extensions,
                      struct mls_group_context *out)
{
    uint8_t hash[DT_HASH_MAX];
    enum dt_err err;

    if (g->context.epoch == UINT64_MAX)
        return dt_fail(DT_ERR_LIMIT, "the last epoch of all");
    err = mls_tree_hash(tree, hash);
    if (err == DT_OK)
        err = mls_group_context_new(g->suite->id, g->context.group_id, g->context.epoch + 1,
                                    dt_view(hash, g->suite->hash_len),
                                    g->context.confirmed_transcript_hash, extensions, out);
    return err;
}

enum dt_err
mls_group_advance(const struct mls_group *g, struct dt_view init_secret,
                  const struct mls_group_context *provisional, struct dt_view transcript_input,
                  struct dt_view commit_secret, struct dt_view psk_secret,
                  struct mls_next_epoch *out)
{
    DT_CLEANUP(mls_next_epoch_clear) struct mls_next_epoch n = {0};
    static const uint8_t zero[DT_HASH_MAX];
    const struct dt_suite *suite = g->suite;
    uint8_t confirmed[DT_HASH_MAX];
    struct dt_view context;
    enum dt_err err;

    /* RFC 9420 section 12.4.1: without a path commit_secret is all zero. */
    if (commit_secret.n == 0)
        commit_secret = dt_view(zero, suite->hash_len);
    err =
        mls_confirmed_transcript_hash(suite, dt_buf_view(&g->interim), transcript_input, confirmed);
    if (err == DT_OK)
        err = mls_group_context_new(suite->id, provisional->group_id, provisional->epoch,
                                    provisional->tree_hash, dt_view(confirmed, suite->hash_len),
                                    provisional->extensions.raw, &n.context);
    if (err != DT_OK)
        return err;
    context = dt_buf_view(&n.context.raw);
    if ((err = mls_joiner_secret(suite, init_secret, commit_secret, context, &n.joiner_secret)) !=
            DT_OK ||
        (err = mls_epoch_secrets_derive(suite, dt_secret_view(&n.joiner_secret), psk_secret,
                                        context, &n.secrets)) != DT_OK ||
        (err = mls_mac(suite, dt_secret_view(&n.secrets.confirmation_key),
                       dt_view(confirmed, suite->hash_len), n.confirmation_tag)) != DT_OK)
        return err;
    *out = n;
    /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): cleared on leaving */
    n = (struct mls_next_epoch){0};
    return DT_OK;
}

enum dt_err
mls_group_next(const struct mls_group *g, struct mls_next_epoch *n, struct mls_tree *tree,
               struct mls_tree_priv *priv, struct dt_view signature_priv, struct mls_group **out)
{
    DT_CLEANUP(mls_group_free_p) struct mls_group *next = mls_group_new(g->suite, &g->policy);
    uint8_t interim[DT_HASH_MAX];
    enum dt_err err;

    if (next == NULL)
        return dt_nomem();
    next->own_leaf = g->own_leaf;
    if ((err = mls_interim_transcript_hash(g->suite, n->context.confirmed_transcript_hash,
                                           dt_view(n->confirmation_tag, g->suite->hash_len),
                                           interim)) != DT_OK ||
        (err = dt_buf_set(&next->interim, dt_view(interim, g->suite->hash_len))) != DT_OK ||
        (err = dt_secret_set(&next->signature_priv, signature_priv)) != DT_OK ||
        (err = mls_secret_tree_init(&next->keys, g->suite, tree->n_leaves,
                                    &n->secrets.encryption)) != DT_OK)
        return err;
    mls_tree_move(&next->tree, tree);
    mls_tree_priv_move(&next->priv, priv);
    mls_group_context_move(&next->context, &n->context);
    mls_epoch_secrets_move(&next->secrets, &n->secrets);
    *out = next;
    next = NULL;
    return DT_OK;
}

/* ---- moving on ---- */

/* The present epoch as a past one, prepared while it can still fail; keys are moved in later. */
static enum dt_err
past_prepare(const struct mls_group *g, uint64_t now_ms, struct mls_past_epoch *out)
{
    struct mls_past_epoch p = {.ended_ms = now_ms};
    enum dt_err err;

    mls_tree_init(&p.tree, g->suite);
    if ((err = mls_tree_copy(&g->tree, &p.tree)) != DT_OK)
        return err;
    err = mls_group_context_new(g->suite->id, g->context.group_id, g->context.epoch,
                                g->context.tree_hash, g->context.confirmed_transcript_hash,
                                g->context.extensions.raw, &p.context);
    if (err == DT_OK)
        *out = p;
    else
        mls_past_epoch_clear(&p);
    return err;
}

/* Put ${p} first, with the epoch's keys, and forget what the policy does not keep. Cannot fail. */
static void
past_push(struct mls_group *g, struct mls_past_epoch *p, uint64_t now_ms)
{
    dt_secret_move(&p->sender_data, &g->secrets.sender_data);
    mls_secret_tree_move(&p->keys, &g->keys);
    /* Room for one more, by the limit of the array or of the policy. */
    while (g->n_past > 0 &&
           (g->n_past >= MLS_PAST_EPOCHS_MAX || g->n_past >= g->policy.past_epochs)) {
        g->n_past--;
        mls_past_epoch_clear(&g->past[g->n_past]);
    }
    if (g->policy.past_epochs == 0) {
        mls_past_epoch_clear(p);
        return;
    }
    memmove(&g->past[1], &g->past[0], g->n_past * sizeof g->past[0]);
    g->past[0] = *p;
    *p = (struct mls_past_epoch){0};
    g->n_past++;
    mls_group_expire(g, now_ms);
}

void
mls_group_expire(struct mls_group *g, uint64_t now_ms)
{
    mls_group_kept_expire(g, now_ms);
    if (g->policy.past_age_ms == 0)
        return;
    /* Newest first, so what is too old is at the end. A clock that went back expires nothing. */
    while (g->n_past > 0) {
        const struct mls_past_epoch *p = &g->past[g->n_past - 1];

        if (now_ms < p->ended_ms || now_ms - p->ended_ms < g->policy.past_age_ms)
            return;
        g->changed.all = true;
        g->n_past--;
        mls_past_epoch_clear(&g->past[g->n_past]);
    }
}

void
mls_group_forget_past(struct mls_group *g, uint64_t epoch)
{
    /* Newest first, so these are at the end. */
    while (g->n_past > 0 && g->past[g->n_past - 1].context.epoch <= epoch) {
        g->changed.all = true;
        g->n_past--;
        mls_past_epoch_clear(&g->past[g->n_past]);
    }
}

void
mls_group_close(struct mls_group *next, struct mls_proposal *p)
{
    if (p != NULL)
        p = mls_proposal_ref(p);
    mls_proposal_unref(next->reinit);
    next->reinit = p;
}

/* Move all that belongs to the epoch from ${next} into ${g}. */
static void
adopt(struct mls_group *g, struct mls_group *next)
{
    mls_group_context_move(&g->context, &next->context);
    dt_buf_move(&g->interim, &next->interim);
    mls_tree_move(&g->tree, &next->tree);
    mls_tree_priv_move(&g->priv, &next->priv);
    dt_secret_move(&g->signature_priv, &next->signature_priv);
    mls_epoch_secrets_move(&g->secrets, &next->secrets);
    mls_secret_tree_move(&g->keys, &next->keys);
    mls_group_close(g, next->reinit);
    g->own_leaf = next->own_leaf;
}

/* We were removed: nothing of the group's secrets stays but what reads late messages. */
static void
leave(struct mls_group *g)
{
    g->member = false;
    mls_group_kept_clear(g);
    mls_tree_priv_clear(&g->priv);
    dt_secret_clear(&g->signature_priv);
    mls_epoch_secrets_clear(&g->secrets);
    mls_secret_tree_clear(&g->keys);
}

static enum dt_err
move_on(struct mls_group *g, struct mls_group *next, uint64_t now_ms)
{
    struct mls_past_epoch past = {0};
    enum dt_err err = past_prepare(g, now_ms, &past);

    if (err != DT_OK)
        return err;
    g->changed.all = true;
    past_push(g, &past, now_ms);
    mls_group_kept_push(g, now_ms);
    mls_group_kept_expire(g, now_ms);
    mls_group_cache_clear(g);
    dt_buf_clear(&g->own_public);
    if (next != NULL)
        adopt(g, next);
    else
        leave(g);
    return DT_OK;
}

enum dt_err
mls_group_take(struct mls_group *g, struct mls_staged *staged, uint64_t now_ms)
{
    enum dt_err err;

    if (staged->lost)
        return dt_fail(DT_ERR_STATE, "the commit cannot be followed from here");
    if (!g->member || staged->base_epoch != g->context.epoch ||
        !dt_view_equal(dt_buf_view(&staged->base_authenticator), mls_group_epoch_authenticator(g)))
        return dt_fail(DT_ERR_STATE, "the commit was staged for another epoch");
    err = move_on(g, staged->next, now_ms);
    if (err != DT_OK)
        return err;
    mls_group_drop_pending(g);
    mls_staged_free(staged);
    return DT_OK;
}

enum dt_err
mls_group_take_pending(struct mls_group *g, uint64_t now_ms)
{
    enum dt_err err;

    if (g->pending == NULL)
        return dt_fail(DT_ERR_STATE, "no own commit is pending");
    err = move_on(g, g->pending->next, now_ms);
    if (err != DT_OK)
        return err;
    mls_group_drop_pending(g);
    return DT_OK;
}

void
mls_group_drop_pending(struct mls_group *g)
{
    g->changed.pending = g->changed.pending || g->pending != NULL;
    mls_pending_free(g->pending);
    g->pending = NULL;
}

bool
mls_group_pending(const struct mls_group *g, struct dt_view *commit, struct dt_view *welcome)
{
    if (g->pending == NULL)
        return false;
    *commit = dt_buf_view(&g->pending->commit);
    *welcome = dt_buf_view(&g->pending->welcome);
    return true;
}

const struct mls_group *
mls_group_pending_next(const struct mls_group *g)
{
    return g->pending == NULL ? NULL : g->pending->next;
}

const struct mls_effects *
mls_group_pending_effects(const struct mls_group *g)
{
    return g->pending == NULL ? NULL : &g->pending->effects.e;
}

const struct mls_effects *
mls_staged_effects(const struct mls_staged *s)
{
    return &s->effects.e;
}

const struct mls_group *
mls_staged_next(const struct mls_staged *s)
{
    return s->next;
}

void
mls_staged_free(struct mls_staged *s)
{
    if (s == NULL)
        return;
    dt_buf_clear(&s->base_authenticator);
    mls_group_free(s->next);
    mls_effects_box_clear(&s->effects);
    dt_free(s);
}
