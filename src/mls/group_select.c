/*
 * mls/group_select.c - which of the cached proposals a Commit of ours names by reference.
 *
 * Source: RFC 9420 sections 12.2 and 12.4: all that are valid, as long as the list as a whole stays
 * valid. A member must not be able to stop all Commits with one bad proposal.
 */
#include "base/mem.h"

#include "mls/group_internal.h"

const struct mls_update_keys *
mls_group_update_keys(const struct mls_group *g, const struct mls_proposal *p)
{
    for (size_t i = 0; i < g->n_cache; i++)
        if (g->cache[i].proposal == p)
            return g->cache[i].keys;
    return NULL;
}

static bool
removed_by_value(const struct mls_commit_opts *opts, uint32_t leaf)
{
    for (size_t i = 0; i < opts->n_removes; i++)
        if (opts->removes[i] == leaf)
            return true;
    return false;
}

/* Is there another cached proposal that speaks for the same thing and goes before the one at ${at}?
 * A Remove of a leaf before its Updates, the first Remove, the latest Update, the latest of those
 * that a Commit has one of. */
static bool
outdone(const struct mls_group *g, size_t at)
{
    const struct mls_cached_proposal *x = &g->cache[at];
    uint16_t type = x->proposal->type;

    for (size_t i = 0; i < g->n_cache; i++) {
        const struct mls_cached_proposal *y = &g->cache[i];

        if (type == MLS_PROPOSAL_UPDATE && y->proposal->type == MLS_PROPOSAL_REMOVE &&
            y->proposal->remove == x->by.index)
            return true;
        if (y->proposal->type != type)
            continue;
        if ((type == MLS_PROPOSAL_REMOVE && i < at && y->proposal->remove == x->proposal->remove) ||
            (type == MLS_PROPOSAL_UPDATE && i > at && y->by.index == x->by.index) ||
            ((type == MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS || type == MLS_PROPOSAL_REINIT) &&
             i > at))
            return true;
    }
    return false;
}

/* The rules of RFC 9420 section 12.2 that concern two proposals, and our own Updates. */
static bool
wanted(const struct mls_group *g, const struct mls_commit_opts *opts, size_t at)
{
    const struct mls_cached_proposal *x = &g->cache[at];
    struct dt_view value;

    if (outdone(g, at))
        return false;
    switch (x->proposal->type) {
    case MLS_PROPOSAL_UPDATE:
        return x->keys == NULL && x->by.index != g->own_leaf &&
               !removed_by_value(opts, x->by.index);
    case MLS_PROPOSAL_REMOVE:
        return !removed_by_value(opts, x->proposal->remove);
    case MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
        return !opts->set_extensions;
    case MLS_PROPOSAL_PSK:
        /* Nobody can be made to commit with a key that nobody gave to them. */
        return mls_psk_value(g, opts->psks, &x->proposal->psk, &value) == DT_OK ||
               mls_psk_value(g, opts->held_psks, &x->proposal->psk, &value) == DT_OK;
    default:
        return true;
    }
}

static bool
by_value(const struct mls_commit_opts *opts)
{
    return opts->reinit != NULL || opts->set_extensions || opts->n_removes > 0 ||
           opts->n_adds > 0 || opts->psks.n > 0 || opts->private_use.n > 0;
}

/* A ReInit stands alone, and gives way to anything else. */
static void
drop_reinit(const struct mls_group *g, const struct mls_commit_opts *opts, bool *use)
{
    size_t n = 0;

    for (size_t i = 0; i < g->n_cache; i++)
        n += use[i] ? 1 : 0;
    for (size_t i = 0; i < g->n_cache; i++)
        if (g->cache[i].proposal->type == MLS_PROPOSAL_REINIT && (n > 1 || by_value(opts)))
            use[i] = false;
}

/* What applying those in ${use} alone gives. */
static enum dt_err
try_list(const struct mls_group *g, const struct mls_lifetime_policy *lifetime, const bool *use)
{
    DT_CLEANUP(mls_proposal_list_clear) struct mls_proposal_list list = {0};
    DT_CLEANUP(mls_applied_clear) struct mls_applied applied = {0};
    DT_CLEANUP(mls_tree_clear) struct mls_tree tree = {0};
    enum dt_err err = DT_OK;

    mls_tree_init(&tree, g->suite);
    for (size_t i = 0; err == DT_OK && i < g->n_cache; i++)
        if (use[i])
            err = mls_proposal_list_add(&list, g->cache[i].proposal, g->cache[i].by, true);
    if (err == DT_OK)
        err = mls_tree_copy(&g->tree, &tree);
    if (err == DT_OK)
        err = mls_proposal_list_apply(&list, g->suite, &g->context, g->own_leaf, g->own_leaf,
                                      lifetime, &tree, &applied);
    return err;
}

/* What is short on this machine is no judgement of a proposal. */
static bool
judged(enum dt_err err)
{
    return err != DT_ERR_NOMEM && err != DT_ERR_IO && err != DT_ERR_INTERNAL;
}

/* Something among ${use} spoils the list: keep what goes together, Adds last since they may rely on
 * the rest. A Remove of ourselves stays: the Commit is another member's to make, and the caller is
 * told so. */
static enum dt_err
keep_valid(const struct mls_group *g, const struct mls_lifetime_policy *lifetime, bool *use)
{
    bool kept[MLS_PROPOSAL_CACHE_MAX] = {false};
    enum dt_err err;

    for (int adds = 0; adds < 2; adds++) {
        for (size_t i = 0; i < g->n_cache; i++) {
            const struct mls_proposal *p = g->cache[i].proposal;

            if (!use[i] || (p->type == MLS_PROPOSAL_ADD) != (adds == 1))
                continue;
            kept[i] = true;
            if (p->type == MLS_PROPOSAL_REMOVE && p->remove == g->own_leaf)
                return DT_OK;
            err = try_list(g, lifetime, kept);
            if (err != DT_OK && !judged(err))
                return err;
            kept[i] = err == DT_OK;
        }
    }
    for (size_t i = 0; i < g->n_cache; i++)
        use[i] = kept[i];
    return DT_OK;
}

enum dt_err
mls_group_select(const struct mls_group *g, const struct mls_commit_opts *opts, bool *use,
                 bool *out_own_update)
{
    struct mls_lifetime_policy lifetime = mls_lifetime_from(&opts->lifetime);
    enum dt_err err;

    for (size_t i = 0; i < g->n_cache; i++) {
        use[i] = wanted(g, opts, i);
        if (g->cache[i].keys != NULL)
            *out_own_update = true;
    }
    drop_reinit(g, opts, use);
    err = try_list(g, &lifetime, use);
    if (err != DT_OK && judged(err))
        err = keep_valid(g, &lifetime, use);
    return err;
}
