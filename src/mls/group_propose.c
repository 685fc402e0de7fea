/*
 * mls/group_propose.c - making standalone proposals and application messages; new proposals of
 * ours.
 *
 * Source: RFC 9420 sections 12.1, 12.4, 15.
 */
#include "base/mem.h"
#include "crypto/hpke.h"

#include "mls/group_internal.h"

enum dt_err
mls_group_require_member(const struct mls_group *g)
{
    if (!g->member)
        return dt_fail(DT_ERR_STATE, "not a member of the group any more");
    return DT_OK;
}

enum dt_err
mls_group_require_open(const struct mls_group *g)
{
    /* RFC 9420 section 12.4.2: after a ReInit the group is not used to send messages any more. */
    if (g->reinit != NULL)
        return dt_fail(DT_ERR_STATE, "the group was closed by a ReInit");
    return mls_group_require_member(g);
}

static void
update_keys_free_p(struct mls_update_keys **k)
{
    mls_update_keys_free(*k);
}

/* ---- new proposals ---- */

enum dt_err
mls_propose_add(struct dt_view message, struct mls_proposal **out)
{
    DT_CLEANUP(mls_key_package_unref_p) struct mls_key_package *kp = NULL;
    struct dt_view body;
    enum dt_err err;

    if ((err = mls_message_body(message, MLS_WIRE_KEY_PACKAGE, &body)) != DT_OK ||
        (err = mls_key_package_parse(body, &kp)) != DT_OK)
        return err;
    return mls_proposal_new_add(kp, out);
}

enum dt_err
mls_propose_psk(const struct dt_suite *suite, const struct mls_psk *psk, enum mls_psk_usage usage,
                struct mls_proposal **out)
{
    uint8_t nonce[DT_HASH_MAX];
    struct mls_psk_id x = {.type = MLS_PSK_EXTERNAL, .nonce = dt_view(nonce, suite->hash_len)};
    enum dt_err err = dt_random(nonce, suite->hash_len);

    if (psk->resumption) {
        x.type = MLS_PSK_RESUMPTION;
        x.usage = (uint8_t)usage;
        x.group_id = psk->id;
        x.epoch = psk->epoch;
    } else {
        x.id = psk->id;
    }
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

enum dt_err
mls_propose_reinit(const struct mls_reinit *x, struct mls_proposal **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(MLS_PROPOSAL_MAX);
    struct mls_extensions parsed;
    enum dt_err err = mls_typed_write(x->extensions, &raw);

    if (x->version != MLS_VERSION_10)
        return dt_fail(DT_ERR_UNSUPPORTED, "protocol version %u", x->version);
    if (dt_suite_get(x->suite) == NULL)
        return dt_fail(DT_ERR_UNSUPPORTED, "cipher suite %u", x->suite);
    if (err == DT_OK)
        err = mls_extensions_parse(dt_buf_view(&raw), &parsed);
    if (err == DT_OK)
        err = mls_proposal_new_reinit(x->group_id, x->version, x->suite, &parsed, out);
    return err;
}

/* ---- a new leaf of ours ---- */

enum dt_err
mls_group_own_fields(const struct mls_group *g, struct mls_tree *tree,
                     const struct mls_rotation *rotation, struct mls_leaf_fields *fields,
                     struct dt_secret *sig_priv)
{
    bool new_key = rotation->new_signature_priv.n + rotation->new_signature_pub.n > 0;
    enum dt_err err;

    mls_leaf_fields_from(fields, mls_tree_leaf(tree, g->own_leaf));
    if (rotation->new_identity.n > 0) {
        fields->credential = (struct mls_credential){.type = rotation->new_credential_type != 0
                                                                 ? rotation->new_credential_type
                                                                 : (uint16_t)MLS_CREDENTIAL_BASIC};
        if (fields->credential.type == MLS_CREDENTIAL_BASIC)
            fields->credential.identity = rotation->new_identity;
        else
            fields->credential.body = rotation->new_identity;
    }
    if (new_key) {
        if (rotation->new_signature_priv.n != g->suite->sig_priv_len ||
            rotation->new_signature_pub.n != g->suite->sig_pub_len)
            return dt_fail(DT_ERR_RANGE, "new signature key of %zu and %zu bytes",
                           rotation->new_signature_priv.n, rotation->new_signature_pub.n);
        fields->signature_key = rotation->new_signature_pub;
        err = mls_sign_key_ready(g->suite, rotation->new_signature_priv,
                                 rotation->new_signature_pub, sig_priv);
    } else {
        err = dt_secret_set(sig_priv, dt_secret_view(&g->signature_priv));
    }
    if (err != DT_OK)
        return err;
    /* RFC 9420 section 7.3: the new signature key is nobody else's, and all support the credential.
     */
    return mls_rule_error(mls_tree_check_signer(tree, fields->signature_key, &fields->capabilities,
                                                fields->credential.type, g->own_leaf));
}

/* ---- messages of one content ---- */

/* Sign ${fields}, and seal it with the next own key of its ratchet, or tag it, as its wire format
 * says; ${content} gets the AuthenticatedContent. */
static enum dt_err
send(const struct mls_group *g, const struct mls_content_fields *fields, size_t padding,
     struct mls_tree_step *step, struct dt_buf *content, struct dt_buf *out)
{
    enum mls_ratchet_kind kind = mls_ratchet_of((uint8_t)fields->content_type);
    size_t end;
    enum dt_err err;

    if ((err = mls_content_sign(g->suite, fields, dt_buf_view(&g->context.raw),
                                dt_secret_view(&g->signature_priv), content, &end)) != DT_OK)
        return err;
    if (fields->wire_format == MLS_WIRE_PUBLIC_MESSAGE)
        return mls_public_message_write(g->suite, dt_buf_view(content),
                                        dt_buf_view(&g->context.raw),
                                        dt_secret_view(&g->secrets.membership_key), out);
    if ((err = mls_secret_tree_derive(&g->keys, g->own_leaf, kind,
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
    enum dt_err err = mls_group_require_open(g);

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

/* An Update of our leaf; its private keys go to *${keys}. */
static enum dt_err
new_update(struct mls_group *g, const struct mls_rotation *rotation, struct mls_proposal **out,
           struct mls_update_keys **keys)
{
    DT_CLEANUP(update_keys_free_p) struct mls_update_keys *k = dt_alloc(1, sizeof *k);
    DT_CLEANUP(mls_leaf_node_unref_p) struct mls_leaf_node *leaf = NULL;
    struct mls_leaf_fields fields = {0};
    uint8_t pub[DT_HPKE_PUB_MAX];
    enum dt_err err;

    if (k == NULL)
        return dt_nomem();
    if ((err = mls_group_own_fields(g, &g->tree, rotation, &fields, &k->signature_priv)) != DT_OK ||
        (err = dt_hpke_new_key_pair(g->suite, &k->leaf_priv, pub)) != DT_OK)
        return err;
    fields.source = MLS_LEAF_UPDATE;
    fields.encryption_key = dt_view(pub, g->suite->kem_pub_len);
    if ((err = mls_leaf_node_new(g->suite, &fields, dt_secret_view(&k->signature_priv),
                                 g->context.group_id, g->own_leaf, &leaf)) != DT_OK ||
        (err = mls_proposal_new_update(leaf, out)) != DT_OK)
        return err;
    *keys = k;
    k = NULL;
    return DT_OK;
}

static enum dt_err
propose_what(struct mls_group *g, const struct mls_propose_opts *opts, struct mls_proposal **out,
             struct mls_update_keys **keys)
{
    switch (opts->kind) {
    case MLS_PROPOSE_REMOVE:
        if (mls_tree_leaf(&g->tree, opts->remove) == NULL)
            return dt_fail(DT_ERR_RANGE, "no member at leaf %u", opts->remove);
        return mls_proposal_new_remove(opts->remove, out);
    case MLS_PROPOSE_ADD:
        return mls_propose_add(opts->add, out);
    case MLS_PROPOSE_PSK:
        return mls_propose_psk(g->suite, &opts->psk, MLS_PSK_APPLICATION, out);
    case MLS_PROPOSE_PRIVATE:
        return mls_proposal_new_private(opts->private_use.type, opts->private_use.body, out);
    case MLS_PROPOSE_UPDATE:
        return new_update(g, &opts->rotation, out, keys);
    case MLS_PROPOSE_EXTENSIONS:
        return mls_propose_extensions(opts->extensions, out);
    case MLS_PROPOSE_REINIT:
        return mls_propose_reinit(&opts->reinit, out);
    default:
        return dt_fail(DT_ERR_RANGE, "no kind of proposal is chosen");
    }
}

/* What is proposed holds by itself: a key package as RFC 9420 section 12.1.1 has it, an Update or
 * extensions in a Commit of some other member. */
static enum dt_err
propose_check(const struct mls_group *g, const struct mls_propose_opts *opts,
              struct mls_proposal *p)
{
    DT_CLEANUP(mls_proposal_list_clear) struct mls_proposal_list list = {0};
    DT_CLEANUP(mls_applied_clear) struct mls_applied applied = {0};
    DT_CLEANUP(mls_tree_clear) struct mls_tree tree = {0};
    const struct mls_sender me = {.type = MLS_SENDER_MEMBER, .index = g->own_leaf};
    struct mls_leaf_rules rules = {.suite = g->suite,
                                   .group_extensions = &g->context.extensions,
                                   .lifetime = mls_lifetime_from(&opts->lifetime)};
    enum dt_err err;

    if (p->type == MLS_PROPOSAL_ADD)
        return mls_rule_error(mls_key_package_check(p->add, &rules));
    if (p->type != MLS_PROPOSAL_UPDATE && p->type != MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS)
        return DT_OK;
    mls_tree_init(&tree, g->suite);
    if ((err = mls_proposal_list_add(&list, p, me, true)) != DT_OK ||
        (err = mls_tree_copy(&g->tree, &tree)) != DT_OK)
        return err;
    return mls_proposal_list_apply(&list, g->suite, &g->context, UINT32_MAX, g->own_leaf,
                                   &rules.lifetime, &tree, &applied);
}

/* ${p} as a message of ours in ${fields}; cached as others will cache it. */
static enum dt_err
send_proposal(struct mls_group *g, struct mls_content_fields *fields, size_t padding,
              struct mls_proposal *p, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_tree_step_clear) struct mls_tree_step step = {0};
    const struct mls_sender me = {.type = MLS_SENDER_MEMBER, .index = g->own_leaf};
    bool public = fields->wire_format == MLS_WIRE_PUBLIC_MESSAGE;
    uint8_t ref[DT_HASH_MAX];
    enum dt_err err;

    fields->proposal = p;
    if (public && padding > 0)
        return dt_fail(DT_ERR_RANGE, "a PublicMessage has no padding");
    if ((public && (err = mls_group_note_reserve(g)) != DT_OK) ||
        (err = send(g, fields, padding, &step, &content, out)) != DT_OK ||
        (err = mls_ref_hash(g->suite, MLS_LABEL_PROPOSAL_REF, dt_buf_view(&content), ref)) !=
            DT_OK ||
        (err = mls_group_cache_add(g, ref, me, p)) != DT_OK)
        return err;
    if (public)
        mls_group_note_public(g, ref);
    else
        mls_secret_tree_apply(&g->keys, &step);
    return DT_OK;
}

enum dt_err
mls_group_propose(struct mls_group *g, const struct mls_propose_opts *opts, struct dt_buf *out)
{
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
    DT_CLEANUP(update_keys_free_p) struct mls_update_keys *keys = NULL;
    struct mls_content_fields fields = {.wire_format = opts->as_public ? MLS_WIRE_PUBLIC_MESSAGE
                                                                       : MLS_WIRE_PRIVATE_MESSAGE,
                                        .group_id = g->context.group_id,
                                        .epoch = g->context.epoch,
                                        .sender = g->own_leaf,
                                        .authenticated_data = opts->authenticated_data,
                                        .content_type = MLS_CONTENT_PROPOSAL};
    size_t before = out->n;
    enum dt_err err;

    if ((err = mls_group_require_open(g)) != DT_OK ||
        (err = propose_what(g, opts, &p, &keys)) != DT_OK ||
        (err = propose_check(g, opts, p)) != DT_OK)
        return err;
    err = send_proposal(g, &fields, opts->padding, p, out);
    if (err != DT_OK) {
        out->n = before;
        return err;
    }
    g->cache[g->n_cache - 1].keys = keys;
    keys = NULL;
    return DT_OK;
}
