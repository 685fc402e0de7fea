/*
 * mls/group_effects.c - what a commit does, described for the caller's checks.
 */
#include "base/mem.h"

#include "mls/group_internal.h"

void
mls_effects_box_clear(struct mls_effects_box *b)
{
    if (b == NULL)
        return;
    dt_free(b->e.added);
    dt_free(b->e.removed);
    dt_free(b->e.updated);
    dt_free(b->e.private_use);
    dt_free(b->e.psk_ids);
    dt_free(b->e.proposals);
    dt_free(b->e.extensions);
    for (size_t i = 0; i < b->n_leaves; i++)
        mls_leaf_node_unref(b->leaves[i]);
    dt_free(b->leaves);
    mls_proposal_list_clear(&b->list);
    dt_buf_clear(&b->authenticated_data);
    dt_buf_clear(&b->context);
    dt_buf_clear(&b->authenticator);
    *b = (struct mls_effects_box){0};
}

static enum dt_err
arrays_alloc(struct mls_effects_box *b, size_t n, size_t n_extensions)
{
    /* Every array is at most as long as the list, and one more for the committer. */
    b->e.added = dt_alloc(n, sizeof *b->e.added);
    b->e.removed = dt_alloc(n, sizeof *b->e.removed);
    b->e.updated = dt_alloc(n + 1, sizeof *b->e.updated);
    b->e.private_use = dt_alloc(n, sizeof *b->e.private_use);
    b->e.psk_ids = dt_alloc(n, sizeof *b->e.psk_ids);
    b->e.proposals = dt_alloc(n, sizeof *b->e.proposals);
    b->e.extensions = dt_alloc(n_extensions, sizeof *b->e.extensions);
    b->leaves = dt_alloc(2 * n + 2, sizeof *b->leaves);
    if (b->e.added == NULL || b->e.removed == NULL || b->e.updated == NULL ||
        b->e.private_use == NULL || b->e.psk_ids == NULL || b->e.proposals == NULL ||
        b->e.extensions == NULL || b->leaves == NULL)
        return dt_nomem();
    return DT_OK;
}

/* The member at ${index} of ${t}, whose leaf is kept alive by the box. */
static void
describe(struct mls_effects_box *b, const struct mls_tree *t, uint32_t index,
         struct mls_member *out)
{
    struct mls_leaf_node *leaf = mls_tree_leaf_ref(t, index);

    b->leaves[b->n_leaves++] = leaf;
    mls_member_of(leaf, index, out);
}

static void
describe_update(struct mls_effects_box *b, const struct mls_tree *before,
                const struct mls_tree *after, uint32_t index)
{
    struct mls_effect_update *u = &b->e.updated[b->e.n_updated++];

    describe(b, before, index, &u->before);
    describe(b, after, index, &u->after);
}

static void
describe_list(struct mls_effects_box *b, const struct mls_group *g, const struct mls_tree *after)
{
    for (size_t i = 0; i < b->list.n; i++) {
        const struct mls_resolved *x = &b->list.v[i];

        b->e.by_reference = b->e.by_reference || x->by_reference;
        b->e.proposals[b->e.n_proposals].type = x->proposal->type;
        b->e.proposals[b->e.n_proposals].by = x->by;
        b->e.proposals[b->e.n_proposals].by_reference = x->by_reference;
        b->e.n_proposals++;
        if (x->proposal->type == MLS_PROPOSAL_REMOVE) {
            describe(b, &g->tree, x->proposal->remove, &b->e.removed[b->e.n_removed++]);
        } else if (x->proposal->type == MLS_PROPOSAL_UPDATE) {
            describe_update(b, &g->tree, after, x->by.index);
        } else if (x->proposal->type == MLS_PROPOSAL_PSK) {
            if (x->proposal->psk.type == MLS_PSK_EXTERNAL)
                b->e.psk_ids[b->e.n_psk_ids++] = x->proposal->psk.id;
            else
                b->e.n_resumption_psks++;
        } else if (x->proposal->type == MLS_PROPOSAL_REINIT) {
            b->e.closes = true;
            mls_reinit_of(x->proposal, &b->e.reinit);
        } else if (x->proposal->type >= MLS_PROPOSAL_PRIVATE_MIN) {
            struct mls_effect_private *p = &b->e.private_use[b->e.n_private_use++];

            p->type = x->proposal->type;
            p->proposer = x->by.type == MLS_SENDER_MEMBER ? x->by.index : b->e.committer;
            p->body = x->proposal->body;
        }
    }
}

enum dt_err
mls_effects_build(const struct mls_group *g, const struct mls_auth_content *c, uint32_t committer,
                  const struct mls_proposal_list *list, const struct mls_applied *applied,
                  const struct mls_tree *tree_after, const struct mls_group *next,
                  struct mls_effects_box *out)
{
    DT_CLEANUP(mls_effects_box_clear) struct mls_effects_box b = {0};
    struct mls_extensions extensions;
    struct mls_extension x;
    struct dt_view rest;
    enum dt_err err = DT_OK;

    dt_buf_init(&b.authenticated_data, MLS_AUTHENTICATED_DATA_MAX);
    dt_buf_init(&b.context, MLS_MESSAGE_MAX);
    dt_buf_init(&b.authenticator, DT_HASH_MAX);
    for (size_t i = 0; err == DT_OK && i < list->n; i++)
        err = mls_proposal_list_add(&b.list, list->v[i].proposal, list->v[i].by,
                                    list->v[i].by_reference);
    if (err != DT_OK || (err = dt_buf_set(&b.authenticated_data, c->authenticated_data)) != DT_OK ||
        (err = dt_buf_set(&b.context, applied->extensions)) != DT_OK ||
        (err = mls_extensions_parse(dt_buf_view(&b.context), &extensions)) != DT_OK ||
        (err = arrays_alloc(&b, list->n, extensions.n)) != DT_OK)
        return err;
    if (next != NULL &&
        (err = dt_buf_set(&b.authenticator, mls_group_epoch_authenticator(next))) != DT_OK)
        return err;
    b.e.epoch = g->context.epoch + 1;
    b.e.committer = committer;
    b.e.external = c->sender_type == MLS_SENDER_NEW_MEMBER_COMMIT;
    b.e.path = c->commit.path != NULL;
    b.e.removes_us = applied->removes_us;
    b.e.extensions_replaced = applied->extensions_replaced;
    /* Who joins by the Commit had no leaf before: it is added, not updated. The ExternalInit, which
     * adds nobody else, makes room for it in the array. */
    if (b.e.external)
        describe(&b, tree_after, committer, &b.e.added[b.e.n_added++]);
    else if (b.e.path)
        describe_update(&b, &g->tree, tree_after, committer);
    describe_list(&b, g, tree_after);
    for (size_t i = 0; i < applied->n_added; i++)
        describe(&b, tree_after, applied->added[i], &b.e.added[b.e.n_added++]);
    rest = extensions.raw;
    while (b.e.n_extensions < extensions.n && mls_extensions_next(&rest, &x)) {
        b.e.extensions[b.e.n_extensions].type = x.type;
        b.e.extensions[b.e.n_extensions].body = x.data;
        b.e.n_extensions++;
    }
    b.e.authenticated_data = dt_buf_view(&b.authenticated_data);
    b.e.epoch_authenticator = dt_buf_view(&b.authenticator);
    *out = b;
    b = (struct mls_effects_box){0};
    return DT_OK;
}
