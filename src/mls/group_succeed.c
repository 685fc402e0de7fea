/*
 * mls/group_succeed.c - groups that succeed another: re-initialised ones and branches of it.
 *
 * Source: RFC 9420 sections 11.2, 11.3 and 12.4.3.1. What is asked of such a group is asked by one
 * function, mls_group_link_check(), of who makes it and of who joins it.
 */
#include <stdlib.h>

#include "base/mem.h"

#include "mls/group_internal.h"

/* ---- who is in which group ---- */

static int
compare_credentials(const struct mls_leaf_node *a, const struct mls_leaf_node *b)
{
    if (a->credential.type != b->credential.type)
        return a->credential.type < b->credential.type ? -1 : 1;
    return dt_view_cmp(mls_credential_body(&a->credential), mls_credential_body(&b->credential));
}

static int
compare_leaves(const void *a, const void *b)
{
    const struct mls_leaf_node *const *x = a;
    const struct mls_leaf_node *const *y = b;

    return compare_credentials(*x, *y);
}

/* Does every one of ${few} have the credential of one of ${many}? Sorted first, since either list
 * can be long. */
static enum dt_err
all_among(const struct mls_tree *few, const struct mls_tree *many, const char *what)
{
    const struct mls_leaf_node **sorted = dt_alloc(many->n_leaves, sizeof *sorted);
    enum dt_err err = DT_OK;
    size_t n = 0;

    if (sorted == NULL)
        return dt_nomem();
    for (uint32_t i = 0; i < many->n_leaves; i++)
        if (mls_tree_leaf(many, i) != NULL)
            sorted[n++] = mls_tree_leaf(many, i);
    qsort(sorted, n, sizeof *sorted, compare_leaves);
    for (uint32_t i = 0; err == DT_OK && i < few->n_leaves; i++) {
        const struct mls_leaf_node *leaf = mls_tree_leaf(few, i);

        if (leaf != NULL && bsearch(&leaf, sorted, n, sizeof *sorted, compare_leaves) == NULL)
            err = dt_fail(DT_ERR_REFUSED, "%s: leaf %u", what, i);
    }
    dt_free(sorted);
    return err;
}

/* Who was in ${g} at ${epoch}: of a kept epoch as it was then, else as it is now. */
static const struct mls_tree *
people_at(const struct mls_group *g, uint64_t epoch)
{
    for (size_t i = 0; i < g->n_past; i++)
        if (g->past[i].context.epoch == epoch && epoch != g->context.epoch)
            return &g->past[i].tree;
    return &g->tree;
}

/* ---- what a successor has to be ---- */

static enum dt_err
check_reinit(const struct mls_group *origin, uint64_t epoch,
             const struct mls_group_context *context, const struct mls_tree *people)
{
    const struct mls_proposal *p = origin->reinit;

    if (p == NULL || epoch != origin->context.epoch)
        return dt_fail(DT_ERR_REFUSED, "the group that is succeeded was not closed by a ReInit");
    if (!dt_view_equal(context->group_id, p->reinit.group_id) ||
        p->reinit.version != MLS_VERSION_10 || context->cipher_suite != p->reinit.cipher_suite ||
        !dt_view_equal(context->extensions.raw, p->reinit.extensions.raw))
        return dt_fail(DT_ERR_REFUSED, "the new group is not what the ReInit asked for");
    return all_among(&origin->tree, people, "a member is not in the new group");
}

static enum dt_err
check_branch(const struct mls_group *origin, uint64_t epoch,
             const struct mls_group_context *context, const struct mls_tree *people)
{
    if (context->cipher_suite != origin->suite->id)
        return dt_fail(DT_ERR_REFUSED, "a branch with another cipher suite");
    return all_among(people, people_at(origin, epoch), "a branch has one who is not in its group");
}

enum dt_err
mls_group_link_check(const struct mls_group *origin, const struct mls_psk_id *link,
                     const struct mls_group_context *context, const struct mls_tree *tree)
{
    if (context->epoch != 1)
        return dt_fail(DT_ERR_REFUSED, "a group that succeeds another is past its first epoch");
    if (dt_view_equal(context->group_id, origin->context.group_id))
        return dt_fail(DT_ERR_REFUSED, "a group that succeeds another has the same group id");
    if (link->usage == MLS_PSK_REINIT)
        return check_reinit(origin, link->epoch, context, tree);
    return check_branch(origin, link->epoch, context, tree);
}

/* ---- making one ---- */

/* The content ${raw} of an extension list as the caller of mls_group_create() would write it. */
static size_t
typed_of(struct dt_view raw, struct mls_typed out[static MLS_EXTENSIONS_COUNT_MAX])
{
    struct mls_extension x;
    size_t n = 0;

    while (n < MLS_EXTENSIONS_COUNT_MAX && mls_extensions_next(&raw, &x)) {
        out[n].type = x.type;
        out[n].body = x.data;
        n++;
    }
    return n;
}

/* A group of one with what ${raw} says, whose first Commit adds the others and names the resumption
 * PSK of ${origin} for ${usage}. */
static enum dt_err
succeed(const struct mls_group *origin, const struct mls_successor_params *p,
        enum mls_psk_usage usage, struct dt_view group_id, struct dt_view raw,
        struct mls_group **out, struct mls_commit_out *commit)
{
    DT_CLEANUP(mls_group_free_p) struct mls_group *g = NULL;
    struct mls_commit_out made = {0};
    struct mls_typed typed[MLS_EXTENSIONS_COUNT_MAX];
    struct mls_psk link = {.id = origin->context.group_id,
                           .value = dt_secret_view(&origin->secrets.resumption_psk),
                           .resumption = true,
                           .epoch = origin->context.epoch};
    struct mls_psk_id id = {
        .type = MLS_PSK_RESUMPTION, .usage = (uint8_t)usage, .epoch = origin->context.epoch};
    struct mls_group_params params = {.leaf = p->leaf,
                                      .group_id = group_id,
                                      .extensions = {typed, typed_of(raw, typed)},
                                      .not_before_s = p->not_before_s,
                                      .not_after_s = p->not_after_s,
                                      .policy = p->policy};
    struct mls_commit_opts opts = {.adds = p->adds,
                                   .n_adds = p->n_adds,
                                   .lifetime = p->lifetime,
                                   .group_info_extensions = p->group_info_extensions,
                                   .tree_apart = p->tree_apart};
    enum dt_err err = mls_group_create(&params, &g);

    if (err == DT_OK)
        err = mls_group_commit_linked(g, &opts, &link, usage, &made);
    if (err == DT_OK)
        err =
            mls_group_link_check(origin, &id, &g->pending->next->context, &g->pending->next->tree);
    if (err != DT_OK) {
        mls_commit_out_clear(&made);
        return err;
    }
    *out = g;
    g = NULL;
    mls_commit_out_clear(commit);
    *commit = made;
    return DT_OK;
}

enum dt_err
mls_group_reinit(const struct mls_group *origin, const struct mls_successor_params *params,
                 struct mls_group **out, struct mls_commit_out *commit)
{
    const struct mls_proposal *p = origin->reinit;
    enum dt_err err = mls_group_require_member(origin);

    if (err != DT_OK)
        return err;
    if (p == NULL)
        return dt_fail(DT_ERR_STATE, "the group was not closed by a ReInit");
    if (p->reinit.version != MLS_VERSION_10)
        return dt_fail(DT_ERR_UNSUPPORTED, "protocol version %u", p->reinit.version);
    return succeed(origin, params, MLS_PSK_REINIT, p->reinit.group_id, p->reinit.extensions.raw,
                   out, commit);
}

enum dt_err
mls_group_branch(const struct mls_group *origin, const struct mls_successor_params *params,
                 struct mls_group **out, struct mls_commit_out *commit)
{
    enum dt_err err = mls_group_require_open(origin);

    if (err != DT_OK)
        return err;
    return succeed(origin, params, MLS_PSK_BRANCH, params->group_id, origin->context.extensions.raw,
                   out, commit);
}
