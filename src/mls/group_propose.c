/*
 * mls/group_propose.c - proposals on their own, and application messages: one content, one message.
 *
 * Source: RFC 9420 sections 6, 12.1, 15.
 */
#include "crypto/crypto.h"

#include "mls/group_internal.h"

enum dt_err
mls_group_require_member(const struct mls_group *g)
{
    if (!g->member)
        return dt_fail(DT_ERR_STATE, "not a member of the group any more");
    return DT_OK;
}

/* ---- proposals of ours ---- */

enum dt_err
mls_propose_add(struct dt_view message, struct mls_proposal **out)
{
    DT_CLEANUP(mls_key_package_unref_p) struct mls_key_package *kp = NULL;
    struct dt_view body;
    enum dt_err err;

    if ((err = mls_message_body(message, MLS_WIRE_KEY_PACKAGE, &body)) != DT_OK ||
        (err = mls_key_package_parse(body, &kp)) != DT_OK)
        return err;
    /* The effects speak of identities, which a basic credential alone has. */
    if (kp->leaf->credential.type != MLS_CREDENTIAL_BASIC)
        return dt_fail(DT_ERR_UNSUPPORTED, "credential type %u", kp->leaf->credential.type);
    return mls_proposal_new_add(kp, out);
}

enum dt_err
mls_propose_psk(const struct dt_suite *suite, struct dt_view id, struct mls_proposal **out)
{
    uint8_t nonce[DT_HASH_MAX];
    struct mls_psk_id x = {
        .type = MLS_PSK_EXTERNAL, .id = id, .nonce = dt_view(nonce, suite->hash_len)};
    enum dt_err err = dt_random(nonce, suite->hash_len);

    if (err == DT_OK)
        err = mls_proposal_new_psk(&x, out);
    return err;
}

enum dt_err
mls_propose_extensions(struct mls_typed_list list, struct mls_proposal **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_PROPOSAL_MAX);
    struct mls_extensions parsed;
    enum dt_err err = mls_typed_write(list, &raw);

    if (err == DT_OK)
        err = mls_extensions_parse(dt_buf_view(&raw), &parsed);
    if (err == DT_OK)
        err = mls_proposal_new_group_context_extensions(&parsed, out);
    return err;
}

/* ---- messages of one content ---- */

/* Sign and seal ${fields} with the next own key of its ratchet; ${content} gets the
 * AuthenticatedContent. */
static enum dt_err
send(const struct mls_group *g, const struct mls_content_fields *fields, size_t padding,
     struct mls_tree_step *step, struct dt_buf *content, struct dt_buf *out)
{
    enum mls_ratchet_kind kind = mls_ratchet_of((uint8_t)fields->content_type);
    size_t end;
    enum dt_err err;

    if (fields->authenticated_data.n > MLS_AUTHENTICATED_DATA_MAX)
        return dt_fail(DT_ERR_LIMIT, "authenticated data of %zu bytes",
                       fields->authenticated_data.n);
    if ((err = mls_content_sign(g->suite, fields, dt_buf_view(&g->context.raw),
                                dt_secret_view(&g->signature_priv), content, &end)) != DT_OK ||
        (err = mls_secret_tree_derive(&g->keys, g->own_leaf, kind,
                                      mls_secret_tree_generation(&g->keys, g->own_leaf, kind),
                                      step)) != DT_OK)
        return err;
    return mls_private_message_seal(g->suite, dt_buf_view(content),
                                    dt_secret_view(&g->secrets.sender_data), step, padding, out);
}

enum dt_err
mls_group_protect(struct mls_group *g, struct dt_view authenticated_data, struct dt_view plaintext,
                  size_t padding, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_tree_step_clear) struct mls_tree_step step = {0};
    struct mls_content_fields fields = {.wire_format = MLS_WIRE_PRIVATE_MESSAGE,
                                        .group_id = g->context.group_id,
                                        .epoch = g->context.epoch,
                                        .sender = g->own_leaf,
                                        .authenticated_data = authenticated_data,
                                        .content_type = MLS_CONTENT_APPLICATION,
                                        .application_data = plaintext};
    enum dt_err err = mls_group_require_member(g);

    if (err != DT_OK)
        return err;
    /* RFC 9420 section 12.4: proposals that were seen are committed before application data is
     * sent. */
    if (g->n_cache > 0)
        return dt_fail(DT_ERR_STATE, "%zu proposals wait for a commit", g->n_cache);
    if (plaintext.n > MLS_APPLICATION_DATA_MAX)
        return dt_fail(DT_ERR_LIMIT, "application data of %zu bytes", plaintext.n);
    err = send(g, &fields, padding, &step, &content, out);
    if (err == DT_OK)
        mls_secret_tree_apply(&g->keys, &step);
    return err;
}

static enum dt_err
propose_what(const struct mls_group *g, const struct mls_propose_opts *opts,
             struct mls_proposal **out)
{
    switch (opts->kind) {
    case MLS_PROPOSE_REMOVE:
        if (mls_tree_leaf(&g->tree, opts->remove) == NULL)
            return dt_fail(DT_ERR_RANGE, "no member at leaf %u", opts->remove);
        return mls_proposal_new_remove(opts->remove, out);
    case MLS_PROPOSE_ADD:
        return mls_propose_add(opts->add, out);
    case MLS_PROPOSE_PSK:
        return mls_propose_psk(g->suite, opts->psk_id, out);
    case MLS_PROPOSE_PRIVATE:
        return mls_proposal_new_private(opts->private_use.type, opts->private_use.body, out);
    default:
        return dt_fail(DT_ERR_RANGE, "no kind of proposal is chosen");
    }
}

/* A key package is checked before it is proposed, as RFC 9420 section 12.1.1 has it. */
static enum dt_err
propose_check(const struct mls_group *g, const struct mls_propose_opts *opts,
              const struct mls_proposal *p)
{
    struct mls_leaf_rules rules = {.suite = g->suite,
                                   .group_extensions = &g->context.extensions,
                                   .lifetime = mls_lifetime_from(&opts->lifetime)};

    if (p->type != MLS_PROPOSAL_ADD)
        return DT_OK;
    return mls_rule_error(mls_key_package_check(p->add, &rules));
}

enum dt_err
mls_group_propose(struct mls_group *g, const struct mls_propose_opts *opts, struct dt_buf *out)
{
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_tree_step_clear) struct mls_tree_step step = {0};
    struct mls_content_fields fields = {.wire_format = MLS_WIRE_PRIVATE_MESSAGE,
                                        .group_id = g->context.group_id,
                                        .epoch = g->context.epoch,
                                        .sender = g->own_leaf,
                                        .authenticated_data = opts->authenticated_data,
                                        .content_type = MLS_CONTENT_PROPOSAL};
    uint8_t ref[DT_HASH_MAX];
    size_t before = out->n;
    enum dt_err err;

    if ((err = mls_group_require_member(g)) != DT_OK ||
        (err = propose_what(g, opts, &p)) != DT_OK || (err = propose_check(g, opts, p)) != DT_OK)
        return err;
    fields.proposal = p;
    if ((err = send(g, &fields, opts->padding, &step, &content, out)) != DT_OK)
        return err;
    err = mls_ref_hash(g->suite, MLS_LABEL_PROPOSAL_REF, dt_buf_view(&content), ref);
    if (err == DT_OK)
        err = mls_group_cache_add(g, ref, g->own_leaf, p);
    if (err != DT_OK) {
        out->n = before;
        return err;
    }
    mls_secret_tree_apply(&g->keys, &step);
    return DT_OK;
}
