/*
 * mls/group_outside.c - what comes to a group from outside: external Commits, and proposals by
 * external senders and by those who want to be added.
 *
 * Source: RFC 9420 sections 6.1, 8.3, 12.1.8, 12.2 and 12.4.3.2. All of it is off until the group's
 * policy lets it in, kind by kind. A message's signature is checked before anything else is asked
 * of it, with the key that its kind of sender has: so that from there on somebody can be named.
 */
#include <assert.h>

#include "crypto/hpke.h"

#include "mls/group_internal.h"

#define EXTERNAL_INIT_LABEL "MLS 1.0 external init secret"

/* ---- external Commits ---- */

/* RFC 9420 section 12.4.3.2: what its form alone tells. That it has a path is seen before: without
 * one there is no key to verify it with. */
static enum dt_err
check_form(const struct mls_commit *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->proposals[i].proposal == NULL)
            return dt_fail(DT_ERR_REFUSED, "an external Commit has a proposal by reference");
    return DT_OK;
}

/* Joins, and joins that replace a leaf, are let in one by one (RFC 9420 section 12.4.3.2). */
static enum dt_err
check_policy(const struct mls_group *g, const struct mls_commit *c)
{
    if ((g->policy.outside & MLS_OUTSIDE_JOIN) == 0)
        return dt_fail(DT_ERR_UNSUPPORTED, "external Commits are not accepted");
    for (size_t i = 0; i < c->n; i++)
        if (c->proposals[i].proposal != NULL &&
            c->proposals[i].proposal->type == MLS_PROPOSAL_REMOVE &&
            (g->policy.outside & MLS_OUTSIDE_REPLACE) == 0)
            return dt_fail(DT_ERR_UNSUPPORTED, "external Commits that remove are not accepted");
    return DT_OK;
}

enum dt_err
mls_external_commit_check(const struct mls_group *g, const struct mls_commit *c)
{
    enum dt_err err = check_policy(g, c);

    return err == DT_OK ? check_form(c) : err;
}

/* RFC 9420 section 12.2: the path's leaf does what an Update of the removed leaf would have to. */
static enum dt_err
check_replaced(const struct mls_tree *before, const struct mls_proposal_list *list,
               const struct mls_leaf_node *leaf)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct mls_proposal *p = list->v[i].proposal;

        if (p->type == MLS_PROPOSAL_REMOVE &&
            dt_view_equal(mls_tree_leaf(before, p->remove)->encryption_key, leaf->encryption_key))
            return dt_fail(DT_ERR_REFUSED,
                           "the leaf that comes keeps the key of the one it removes");
    }
    return DT_OK;
}

enum dt_err
mls_external_seat(const struct mls_tree *before, const struct mls_proposal_list *list,
                  struct mls_leaf_node *leaf, struct mls_tree *tree, uint32_t *out)
{
    enum dt_err err;

    if ((err = check_replaced(before, list, leaf)) != DT_OK ||
        (err = mls_tree_check_leaf(tree, leaf, MLS_NO_NODE)) != DT_OK)
        return err;
    return mls_tree_add(tree, leaf, out);
}

enum dt_err
mls_external_init_seal(const struct dt_suite *suite, struct dt_view external_pub,
                       struct dt_secret *init_secret, struct mls_proposal **out)
{
    DT_CLEANUP(dt_hpke_ctx_clear) struct dt_hpke_ctx ctx = {0};
    const struct dt_view none = {0};
    uint8_t kem_output[DT_HPKE_PUB_MAX];
    enum dt_err err;

    if ((err = dt_hpke_setup_s(suite, external_pub, none, none, none, none, kem_output, &ctx)) !=
            DT_OK ||
        (err = dt_hpke_ctx_export(&ctx, dt_view_str(EXTERNAL_INIT_LABEL), suite->hash_len,
                                  init_secret)) != DT_OK)
        return err;
    return mls_proposal_new_external_init(dt_view(kem_output, suite->kem_pub_len), out);
}

enum dt_err
mls_external_init_open(const struct mls_group *g, const struct mls_proposal_list *list,
                       struct dt_secret *init_secret)
{
    DT_CLEANUP(dt_hpke_ctx_clear) struct dt_hpke_ctx ctx = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
    const struct dt_view none = {0};
    uint8_t pub[DT_HPKE_PUB_MAX];
    size_t at = 0;
    enum dt_err err;

    while (at < list->n && list->v[at].proposal->type != MLS_PROPOSAL_EXTERNAL_INIT)
        at++;
    assert(at < list->n); /* the list was checked to have one */
    if ((err = dt_hpke_derive_key_pair(g->suite, dt_secret_view(&g->secrets.external), &priv,
                                       pub)) != DT_OK ||
        (err = dt_hpke_setup_r(g->suite, dt_secret_view(&priv), list->v[at].proposal->kem_output,
                               none, none, none, &ctx)) != DT_OK)
        return err;
    return dt_hpke_ctx_export(&ctx, dt_view_str(EXTERNAL_INIT_LABEL), g->suite->hash_len,
                              init_secret);
}

static enum dt_err
process_commit(struct mls_group *g, const struct mls_auth_content *c, struct mls_psk_list psks,
               struct mls_event *e)
{
    const struct mls_leaf_node *leaf;
    enum dt_err err;

    /* Content of another type has none either. */
    if (c->commit.path == NULL)
        return dt_fail(DT_ERR_FORMAT, "a new member's message is no Commit with a path");
    leaf = c->commit.path->leaf;
    if ((err = mls_auth_content_verify(g->suite, c, dt_buf_view(&g->context.raw),
                                       leaf->signature_key)) != DT_OK ||
        (err = mls_event_sender(leaf, UINT32_MAX, e)) != DT_OK)
        return err;
    return mls_event_act(g, c, psks, e);
}

/* ---- proposals ---- */

/* RFC 9420 section 12.1.8: what an external sender may propose. Of private-use types it is for
 * their definition to say, and none says so. */
static bool
external_may(uint16_t type)
{
    switch (type) {
    case MLS_PROPOSAL_ADD:
    case MLS_PROPOSAL_REMOVE:
    case MLS_PROPOSAL_PSK:
    case MLS_PROPOSAL_REINIT:
    case MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
        return true;
    default:
        return false;
    }
}

static bool
find_external(const struct mls_group *g, uint32_t index, struct mls_external_sender *out)
{
    struct dt_view data;

    return mls_extensions_find(&g->context.extensions, MLS_EXT_EXTERNAL_SENDERS, &data) &&
           mls_external_sender_at(data, index, out) == DT_OK;
}

static enum dt_err
process_external(struct mls_group *g, const struct mls_auth_content *c, struct mls_event *e)
{
    const struct mls_psk_list none = {NULL, 0};
    struct mls_external_sender sender;
    struct mls_leaf_node as_leaf = {0};
    enum dt_err err;

    if (c->content_type != MLS_CONTENT_PROPOSAL || !external_may(c->proposal->type))
        return dt_fail(DT_ERR_FORMAT, "an external sender may not send this");
    if (!find_external(g, c->sender, &sender))
        return dt_fail(DT_ERR_AUTH, "the group has no external sender %u", c->sender);
    if ((err = mls_auth_content_verify(g->suite, c, dt_buf_view(&g->context.raw),
                                       sender.signature_key)) != DT_OK)
        return err;
    as_leaf.credential = sender.credential;
    as_leaf.signature_key = sender.signature_key;
    if ((err = mls_event_sender(&as_leaf, UINT32_MAX, e)) != DT_OK)
        return err;
    return mls_event_act(g, c, none, e);
}

static enum dt_err
process_new_member(struct mls_group *g, const struct mls_auth_content *c, struct mls_event *e)
{
    const struct mls_psk_list none = {NULL, 0};
    const struct mls_leaf_node *leaf;
    enum dt_err err;

    if (c->content_type != MLS_CONTENT_PROPOSAL || c->proposal->type != MLS_PROPOSAL_ADD)
        return dt_fail(DT_ERR_FORMAT, "one who is no member may propose its own Add alone");
    leaf = c->proposal->add->leaf;
    if ((err = mls_auth_content_verify(g->suite, c, dt_buf_view(&g->context.raw),
                                       leaf->signature_key)) != DT_OK ||
        (err = mls_event_sender(leaf, UINT32_MAX, e)) != DT_OK)
        return err;
    return mls_event_act(g, c, none, e);
}

enum dt_err
mls_process_outside(struct mls_group *g, const struct mls_auth_content *c, struct mls_psk_list psks,
                    struct mls_event *e)
{
    uint8_t outside = g->policy.outside;

    if (c->sender_type == MLS_SENDER_NEW_MEMBER_COMMIT)
        return process_commit(g, c, psks, e);
    if (c->sender_type == MLS_SENDER_EXTERNAL && (outside & MLS_OUTSIDE_SENDERS) != 0)
        return process_external(g, c, e);
    if (c->sender_type == MLS_SENDER_NEW_MEMBER_PROPOSAL && (outside & MLS_OUTSIDE_ADD) != 0)
        return process_new_member(g, c, e);
    return dt_fail(DT_ERR_UNSUPPORTED, "proposals from outside the group are not accepted");
}

/* Outsiders' proposals are weighed when they come, not first when somebody commits them: what no
 * Commit could hold must not wait in the cache, where it would keep the members from talking. */
enum dt_err
mls_outside_proposal_check(const struct mls_group *g, const struct mls_proposal *p)
{
    struct mls_leaf_rules rules = {.suite = g->suite, .group_extensions = &g->context.extensions};
    size_t n_outside = 0;

    for (size_t i = 0; i < g->n_cache; i++)
        n_outside += g->cache[i].by.type != MLS_SENDER_MEMBER;
    if (n_outside >= MLS_OUTSIDE_CACHE_MAX)
        return dt_fail(DT_ERR_LIMIT, "more than %u proposals from outside in one epoch",
                       MLS_OUTSIDE_CACHE_MAX);
    switch (p->type) {
    case MLS_PROPOSAL_ADD:
        return mls_key_package_check(p->add, &rules);
    case MLS_PROPOSAL_REMOVE:
        if (mls_tree_leaf(&g->tree, p->remove) == NULL)
            return dt_fail(DT_ERR_REFUSED, "a proposal concerns leaf %u, which is blank",
                           p->remove);
        return DT_OK;
    case MLS_PROPOSAL_PSK:
        if (p->psk.type == MLS_PSK_RESUMPTION && p->psk.usage != MLS_PSK_APPLICATION)
            return dt_fail(DT_ERR_REFUSED, "a resumption PSK for another use");
        return mls_psk_proposal_check(g->suite, &p->psk);
    case MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
        return mls_group_extensions_check(&p->extensions);
    default:
        return DT_OK;
    }
}

bool
mls_group_external_sender(const struct mls_group *g, uint32_t index, struct mls_member *out)
{
    struct mls_external_sender x;
    struct mls_leaf_node as_leaf = {0};

    if (!find_external(g, index, &x))
        return false;
    as_leaf.credential = x.credential;
    as_leaf.signature_key = x.signature_key;
    mls_member_of(&as_leaf, UINT32_MAX, out);
    return true;
}
