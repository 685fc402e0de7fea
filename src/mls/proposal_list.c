/*
 * mls/proposal_list.c - see proposal_list.h.
 */
#include "base/mem.h"
#include "mls/group_limits.h"
#include "mls/tree_check.h"

#include "mls/proposal_list.h"

void
mls_proposal_list_clear(struct mls_proposal_list *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->n; i++)
        mls_proposal_unref(l->v[i].proposal);
    dt_free(l->v);
    *l = (struct mls_proposal_list){0};
}

enum dt_err
mls_proposal_list_add(struct mls_proposal_list *l, struct mls_proposal *p, struct mls_sender by,
                      bool by_reference)
{
    if (l->n >= MLS_COMMIT_PROPOSALS_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %u proposals", MLS_COMMIT_PROPOSALS_MAX);
    if ((l->n & (l->n - 1)) == 0) {
        struct mls_resolved *more = dt_realloc(l->v, l->n == 0 ? 1 : 2 * l->n, sizeof *more);

        if (more == NULL)
            return dt_nomem();
        l->v = more;
    }
    l->v[l->n].proposal = mls_proposal_ref(p);
    l->v[l->n].by = by;
    l->v[l->n].by_reference = by_reference;
    l->n++;
    return DT_OK;
}

void
mls_applied_clear(struct mls_applied *a)
{
    if (a == NULL)
        return;
    dt_free(a->added);
    dt_free(a->adds);
    *a = (struct mls_applied){0};
}

/* What one call works on. */
struct work {
    const struct mls_proposal_list *list;
    const struct dt_suite *suite;
    const struct mls_group_context *context;
    uint32_t committer;
    uint32_t own_leaf;
    struct mls_extensions extensions; /* of the next epoch */
    struct mls_leaf_rules rules;
    struct mls_tree *tree;
    bool founding; /* the creator's own Commit on epoch 0 */
    size_t n_links;
    uint8_t *touched; /* per leaf of the old tree: updated or removed by this Commit */
    uint32_t n_touched;
};

static enum dt_err
touch(struct work *w, uint32_t leaf)
{
    if (mls_tree_leaf(w->tree, leaf) == NULL)
        return dt_fail(DT_ERR_REFUSED, "a proposal concerns leaf %u, which is blank", leaf);
    if (w->touched[leaf] != 0)
        return dt_fail(DT_ERR_REFUSED, "two proposals concern leaf %u", leaf);
    w->touched[leaf] = 1;
    return DT_OK;
}

/* RFC 9420 section 12.1.4: what makes a PreSharedKey proposal invalid wherever it is; whether its
 * usage fits the Commit, check_psk() asks. */
enum dt_err
mls_psk_proposal_check(const struct dt_suite *suite, const struct mls_psk_id *id)
{
    if (id->nonce.n != suite->hash_len)
        return dt_fail(DT_ERR_REFUSED, "a PSK nonce of %zu bytes", id->nonce.n);
    return DT_OK;
}

/* RFC 9420 sections 12.1.4 and 12.2: what makes a PreSharedKey proposal invalid. */
static enum dt_err
check_psk(struct work *w, size_t at)
{
    const struct mls_psk_id *id = &w->list->v[at].proposal->psk;
    enum dt_err err = mls_psk_proposal_check(w->suite, id);

    if (err != DT_OK)
        return err;
    /* RFC 9420 sections 11.2 and 11.3: the first Commit of a group that succeeds another, which its
     * creator alone makes and sees, names one such PSK. */
    if (id->type == MLS_PSK_RESUMPTION && id->usage != MLS_PSK_APPLICATION &&
        (!w->founding || w->n_links++ > 0))
        return dt_fail(DT_ERR_REFUSED, "a resumption PSK for another use");
    for (size_t i = 0; i < at; i++) {
        const struct mls_proposal *other = w->list->v[i].proposal;

        if (other->type == MLS_PROPOSAL_PSK &&
            dt_view_equal(dt_buf_view(&other->raw), dt_buf_view(&w->list->v[at].proposal->raw)))
            return dt_fail(DT_ERR_REFUSED, "a PSK is named twice");
    }
    return DT_OK;
}

/* RFC 9420 section 12.1.8.1. required_capabilities is read where leaves are held against it. */
enum dt_err
mls_group_extensions_check(const struct mls_extensions *x)
{
    struct dt_view data;
    size_t n;
    enum dt_err err = mls_extensions_check(x, MLS_IN_GROUP_CONTEXT);

    if (err != DT_OK || !mls_extensions_find(x, MLS_EXT_EXTERNAL_SENDERS, &data))
        return err;
    return mls_external_senders_parse(data, &n);
}

/* RFC 9420 section 12.2, for an external Commit. Private-use proposals mean what those who use them
 * agreed on, and reach the caller with the effects. */
static enum dt_err
check_external(const struct work *w)
{
    size_t n_inits = 0, n_removes = 0;

    for (size_t i = 0; i < w->list->n; i++) {
        uint16_t type = w->list->v[i].proposal->type;

        if (type == MLS_PROPOSAL_EXTERNAL_INIT)
            n_inits++;
        else if (type == MLS_PROPOSAL_REMOVE)
            n_removes++;
        else if (type != MLS_PROPOSAL_PSK && type < MLS_PROPOSAL_PRIVATE_MIN)
            return dt_fail(DT_ERR_REFUSED, "an external Commit has a proposal of type %u", type);
    }
    if (n_inits != 1)
        return dt_fail(DT_ERR_REFUSED, "an external Commit needs exactly one ExternalInit");
    if (n_removes > 1)
        return dt_fail(DT_ERR_REFUSED, "an external Commit removes more than one leaf");
    return DT_OK;
}

static enum dt_err
check_one(struct work *w, size_t at, bool *has_extensions)
{
    const struct mls_resolved *x = &w->list->v[at];
    const struct mls_proposal *p = x->proposal;
    enum dt_err err;

    switch (p->type) {
    case MLS_PROPOSAL_ADD:
        return DT_OK;
    case MLS_PROPOSAL_UPDATE:
        if (x->by.index == w->committer)
            return dt_fail(DT_ERR_REFUSED, "the committer's own Update");
        return touch(w, x->by.index);
    case MLS_PROPOSAL_REMOVE:
        if (p->remove == w->committer)
            return dt_fail(DT_ERR_REFUSED, "the committer removes itself");
        err = touch(w, p->remove);
        if (err == DT_OK)
            w->touched[p->remove] = 2;
        return err;
    case MLS_PROPOSAL_PSK:
        return check_psk(w, at);
    case MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
        if (*has_extensions)
            return dt_fail(DT_ERR_REFUSED, "two GroupContextExtensions proposals");
        *has_extensions = true;
        w->extensions = p->extensions;
        return mls_group_extensions_check(&p->extensions);
    case MLS_PROPOSAL_REINIT:
        if (w->list->n > 1)
            return dt_fail(DT_ERR_REFUSED, "a ReInit beside other proposals");
        if (p->reinit.version < MLS_VERSION_10)
            return dt_fail(DT_ERR_REFUSED, "a ReInit to an older protocol version");
        return mls_group_extensions_check(&p->reinit.extensions);
    case MLS_PROPOSAL_EXTERNAL_INIT:
        if (w->committer != MLS_COMMITTER_OUTSIDE)
            return dt_fail(DT_ERR_REFUSED, "ExternalInit in a member's Commit");
        return DT_OK;
    default:
        return DT_OK;
    }
}

/* RFC 9420 section 12.2: all members that process the Commit must support its private-use types. */
static enum dt_err
check_support(const struct work *w)
{
    for (size_t i = 0; i < w->list->n; i++) {
        uint16_t type = w->list->v[i].proposal->type;

        if (mls_proposal_is_default(type))
            continue;
        for (uint32_t leaf = 0; leaf < w->tree->n_leaves; leaf++) {
            const struct mls_leaf_node *l = mls_tree_leaf(w->tree, leaf);

            if (l == NULL || w->touched[leaf] == 2)
                continue;
            if (!mls_u16s_have(l->capabilities.proposals, type))
                return dt_fail(DT_ERR_REFUSED, "leaf %u does not support proposal type 0x%04x",
                               leaf, type);
        }
    }
    return DT_OK;
}

static enum dt_err
apply_updates(struct work *w)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < w->list->n; i++) {
        const struct mls_resolved *x = &w->list->v[i];
        struct mls_leaf_node *leaf = x->proposal->update;

        if (x->proposal->type != MLS_PROPOSAL_UPDATE)
            continue;
        err = mls_leaf_node_check(leaf, MLS_LEAF_UPDATE, &w->rules);
        /* It stands in a Commit by reference alone, cached with its one sender and group: once is
         * enough, as for key packages. */
        if (err == DT_OK && !x->proposal->update_verified)
            err = mls_leaf_node_verify(w->suite, leaf, w->context->group_id, x->by.index);
        x->proposal->update_verified = err == DT_OK;
        /* That its key is a new one as well. */
        if (err == DT_OK)
            err = mls_tree_check_leaf(w->tree, leaf, x->by.index);
        if (err == DT_OK)
            err = mls_tree_update(w->tree, x->by.index, leaf);
    }
    return err;
}

static enum dt_err
apply_removes(struct work *w, struct mls_applied *out)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < w->list->n; i++) {
        const struct mls_proposal *p = w->list->v[i].proposal;

        if (p->type != MLS_PROPOSAL_REMOVE)
            continue;
        if (p->remove == w->own_leaf)
            out->removes_us = true;
        err = mls_tree_remove(w->tree, p->remove);
    }
    return err;
}

static enum dt_err
apply_adds(struct work *w, struct mls_applied *out)
{
    size_t n = 0;
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < w->list->n; i++)
        n += w->list->v[i].proposal->type == MLS_PROPOSAL_ADD ? 1 : 0;
    out->added = dt_alloc(n, sizeof *out->added);
    out->adds = dt_alloc(n, sizeof *out->adds);
    if (out->added == NULL || out->adds == NULL)
        return dt_nomem();
    for (size_t i = 0; err == DT_OK && i < w->list->n; i++) {
        const struct mls_proposal *p = w->list->v[i].proposal;

        if (p->type != MLS_PROPOSAL_ADD)
            continue;
        err = mls_key_package_check(p->add, &w->rules);
        if (err == DT_OK)
            err = mls_tree_check_leaf(w->tree, p->add->leaf, MLS_NO_NODE);
        if (err == DT_OK)
            err = mls_tree_add(w->tree, p->add->leaf, &out->added[out->n_added]);
        if (err == DT_OK)
            out->adds[out->n_added++] = p;
    }
    return err;
}

/* RFC 9420 section 12.1.7: new extensions bind those who stay as well. */
static enum dt_err
check_members(const struct work *w)
{
    struct mls_leaf_rules rules = w->rules;
    enum dt_err err = DT_OK;

    rules.lifetime.check = false;
    for (uint32_t i = 0; err == DT_OK && i < w->tree->n_leaves; i++)
        if (mls_tree_leaf(w->tree, i) != NULL)
            err = mls_leaf_node_check(mls_tree_leaf(w->tree, i), 0, &rules);
    return err;
}

/* RFC 9420 section 12.4; a private-use proposal may be what justifies a change, so it asks for a
 * path. */
static bool
needs_path(const struct mls_proposal_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->v[i].proposal->type != MLS_PROPOSAL_ADD &&
            list->v[i].proposal->type != MLS_PROPOSAL_PSK &&
            list->v[i].proposal->type != MLS_PROPOSAL_REINIT)
            return true;
    return list->n == 0;
}

enum dt_err
mls_proposal_list_apply(const struct mls_proposal_list *list, const struct dt_suite *suite,
                        const struct mls_group_context *context, uint32_t committer,
                        uint32_t own_leaf, const struct mls_lifetime_policy *lifetime,
                        struct mls_tree *tree, struct mls_applied *out)
{
    DT_CLEANUP(mls_applied_clear) struct mls_applied a = {0};
    struct work w = {.list = list,
                     .suite = suite,
                     .context = context,
                     .committer = committer,
                     .own_leaf = own_leaf,
                     .extensions = context->extensions,
                     .tree = tree};
    size_t n_psks = 0;
    enum dt_err err = DT_OK;

    w.founding = context->epoch == 0 && committer == own_leaf && mls_tree_n_members(tree) == 1;
    w.rules.suite = suite;
    w.rules.group_extensions = &w.extensions;
    w.rules.lifetime = *lifetime;
    if (committer == MLS_COMMITTER_OUTSIDE && (err = check_external(&w)) != DT_OK)
        return err;
    w.touched = dt_alloc(tree->n_leaves, 1);
    if (w.touched == NULL)
        return dt_nomem();
    for (size_t i = 0; err == DT_OK && i < list->n; i++) {
        n_psks += list->v[i].proposal->type == MLS_PROPOSAL_PSK ? 1 : 0;
        if (n_psks > MLS_PSKS_MAX)
            err = dt_fail(DT_ERR_LIMIT, "more than %u PSKs", MLS_PSKS_MAX);
        else
            err = check_one(&w, i, &a.extensions_replaced);
    }
    if (err == DT_OK)
        err = check_support(&w);
    if (err == DT_OK)
        err = apply_updates(&w);
    if (err == DT_OK)
        err = apply_removes(&w, &a);
    if (err == DT_OK)
        err = apply_adds(&w, &a);
    if (err == DT_OK && a.extensions_replaced)
        err = check_members(&w);
    dt_free(w.touched);
    /* Two members with one key are a rule of section 7.3, the same to all. */
    if (err == DT_ERR_CONFLICT)
        err = DT_ERR_REFUSED;
    if (err != DT_OK)
        return err;
    a.extensions = w.extensions.raw;
    if (list->n == 1 && list->v[0].proposal->type == MLS_PROPOSAL_REINIT)
        a.reinit = list->v[0].proposal;
    a.path_required = needs_path(list);
    *out = a;
    a = (struct mls_applied){0};
    return DT_OK;
}
