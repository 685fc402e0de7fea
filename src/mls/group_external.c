/*
 * mls/group_external.c - what one does who is no member: joining by an external Commit, and
 * proposing from outside.
 *
 * Source: RFC 9420 sections 8.3, 12.1.8, 12.2 and 12.4.3.2. The joiner builds the old epoch as far
 * as the GroupInfo shows it (public parts, and the init secret that it makes itself), and from
 * there does what every committer does.
 */
#include "base/mem.h"
#include "crypto/hpke.h"

#include "mls/group_internal.h"
#include "mls/welcome.h"

/* ---- joining ---- */

struct entering {
    const struct mls_external_join_params *params;
    struct mls_group_info info;
    struct mls_group *old; /* the epoch of the GroupInfo, seen from outside */
    struct mls_commit commit;
    struct mls_proposal_list list;
    struct mls_tree tree;
    struct mls_applied applied;
    uint32_t seat;
    struct mls_leaf_bufs bufs;
    struct mls_leaf_fields fields;
    struct mls_path path;
    struct mls_group_context provisional;
    struct dt_secret psk_secret;
    struct dt_secret signature_priv; /* ready */
    struct mls_next_epoch next;
    struct dt_buf content;
    struct mls_group *group;
    struct mls_join_info out_info;
};

static void
entering_clear(struct entering *x)
{
    mls_group_info_clear(&x->info);
    mls_group_free(x->old);
    mls_commit_clear(&x->commit);
    mls_proposal_list_clear(&x->list);
    mls_tree_clear(&x->tree);
    mls_applied_clear(&x->applied);
    mls_leaf_bufs_clear(&x->bufs);
    mls_path_clear(&x->path);
    mls_group_context_clear(&x->provisional);
    dt_secret_clear(&x->psk_secret);
    dt_secret_clear(&x->signature_priv);
    mls_next_epoch_clear(&x->next);
    dt_buf_wipe(&x->content);
    mls_group_free(x->group);
    mls_join_info_clear(&x->out_info);
}

/* The GroupInfo with its tree, all checked, as the old epoch. */
static enum dt_err
open_old(struct entering *x)
{
    const struct mls_external_join_params *p = x->params;
    uint8_t interim[DT_HASH_MAX];
    const struct dt_suite *suite = NULL;
    struct dt_view body;
    enum dt_err err;

    if ((err = mls_message_body(p->group_info, MLS_WIRE_GROUP_INFO, &body)) != DT_OK ||
        (err = mls_group_info_parse(body, &x->info)) != DT_OK)
        return err;
    if ((err = mls_suite_choose(x->info.context.cipher_suite, p->leaf.allow_malleable, &suite)) !=
            DT_OK ||
        (err = mls_extensions_check(&x->info.extensions, MLS_IN_GROUP_INFO)) != DT_OK ||
        (err = mls_group_extensions_check(&x->info.context.extensions)) != DT_OK)
        return err;
    if (!mls_group_context_fits(&x->info.context, suite))
        return dt_fail(DT_ERR_FORMAT, "a hash in the GroupInfo has the wrong length");
    if (p->leaf.suite != suite->id)
        return dt_fail(DT_ERR_REFUSED, "the group's cipher suite is not the new leaf's");
    x->old = mls_group_new(suite, &p->policy);
    if (x->old == NULL)
        return dt_nomem();
    x->old->member = false; /* it has no secrets but what we make */
    if ((err = mls_group_info_tree(suite, &x->info, p->ratchet_tree, p->threads, &x->old->tree)) !=
            DT_OK ||
        (err = mls_join_info_gather(&x->info, &x->out_info)) != DT_OK ||
        (err = mls_interim_transcript_hash(suite, x->info.context.confirmed_transcript_hash,
                                           x->info.confirmation_tag, interim)) != DT_OK ||
        (err = dt_buf_set(&x->old->interim, dt_view(interim, suite->hash_len))) != DT_OK)
        return err;
    return mls_group_context_new(suite->id, x->info.context.group_id, x->info.context.epoch,
                                 x->info.context.tree_hash,
                                 x->info.context.confirmed_transcript_hash,
                                 x->info.context.extensions.raw, &x->old->context);
}

/* RFC 9420 section 12.4.3.2: HPKEPublicKey external_pub is all of the extension. */
static enum dt_err
external_pub(const struct entering *x, struct dt_view *out)
{
    struct dt_view data;
    struct dt_reader r;
    enum dt_err err;

    if (!mls_extensions_find(&x->info.extensions, MLS_EXT_EXTERNAL_PUB, &data))
        return dt_fail(DT_ERR_NOT_FOUND, "the GroupInfo lets nobody join: it has no external key");
    r = dt_reader_init(data);
    err = dt_read_vec(&r, MLS_PUB_MAX, out);
    return err == DT_OK ? dt_read_end(&r) : err;
}

/* Append ${p} (a count of which is the caller's) unless ${err}. */
static enum dt_err
put(struct entering *x, enum dt_err err, struct mls_proposal *p)
{
    if (err == DT_OK)
        err = mls_commit_add(&x->commit, p, dt_view(NULL, 0));
    mls_proposal_unref(p);
    return err;
}

static enum dt_err
list_proposals(struct entering *x)
{
    const struct mls_external_join_params *params = x->params;
    struct mls_proposal *p = NULL;
    struct dt_view pub;
    enum dt_err err = external_pub(x, &pub);

    if (err == DT_OK) {
        err = mls_external_init_seal(x->old->suite, pub, &x->old->secrets.init, &p);
        err = put(x, err, p);
        p = NULL;
    }
    if (err == DT_OK && params->replace) {
        err = mls_proposal_new_remove(params->replaces, &p);
        err = put(x, err, p);
        p = NULL;
    }
    for (size_t i = 0; err == DT_OK && i < params->psks.n; i++) {
        err = mls_propose_psk(x->old->suite, &params->psks.v[i], MLS_PSK_APPLICATION, &p);
        err = put(x, err, p);
        p = NULL;
    }
    for (size_t i = 0; err == DT_OK && i < params->private_use.n; i++) {
        err = mls_proposal_new_private(params->private_use.v[i].type, params->private_use.v[i].body,
                                       &p);
        err = put(x, err, p);
        p = NULL;
    }
    return err;
}

/* A leaf to stand where the path's will: the path is made for a leaf that is in the tree. */
static enum dt_err
take_seat(struct entering *x)
{
    DT_CLEANUP(mls_leaf_node_unref_p) struct mls_leaf_node *leaf = NULL;
    DT_CLEANUP(dt_secret_clear) struct dt_secret unused = {0};
    const struct dt_suite *suite = x->old->suite;
    struct mls_leaf_fields fields;
    uint8_t pub[DT_HPKE_PUB_MAX];
    enum dt_err err;

    if ((err = mls_leaf_fields_of(&x->params->leaf, suite, &x->bufs, &x->fields)) != DT_OK ||
        (err = mls_sign_key_ready(suite, x->params->leaf.signature_priv,
                                  x->params->leaf.signature_pub, &x->signature_priv)) != DT_OK ||
        (err = dt_hpke_new_key_pair(suite, &unused, pub)) != DT_OK)
        return err;
    fields = x->fields;
    fields.encryption_key = dt_view(pub, suite->kem_pub_len);
    fields.source = MLS_LEAF_KEY_PACKAGE;
    if ((err = mls_leaf_node_new(suite, &fields, dt_secret_view(&x->signature_priv),
                                 dt_view(NULL, 0), 0, &leaf)) != DT_OK)
        return err;
    return mls_external_seat(&x->old->tree, &x->list, leaf, &x->tree, &x->seat);
}

static enum dt_err
make_tree(struct entering *x)
{
    const struct mls_lifetime_policy no_clock = {.check = false};
    const struct mls_sender me = {.type = MLS_SENDER_NEW_MEMBER_COMMIT};
    struct mls_extensions extensions;
    struct mls_leaf_rules rules = {.suite = x->old->suite, .group_extensions = &extensions};
    struct dt_view group_id = x->old->context.group_id;
    enum dt_err err;

    if ((err = list_proposals(x)) != DT_OK ||
        (err = mls_group_resolve(x->old, &x->commit, me, &x->list)) != DT_OK ||
        (err = mls_tree_copy(&x->old->tree, &x->tree)) != DT_OK ||
        (err = mls_proposal_list_apply(&x->list, x->old->suite, &x->old->context,
                                       MLS_COMMITTER_OUTSIDE, MLS_NO_NODE, &no_clock, &x->tree,
                                       &x->applied)) != DT_OK ||
        (err = mls_group_psk_secret(x->old, &x->list, x->params->psks,
                                    (struct mls_psk_list){NULL, 0}, &x->psk_secret)) != DT_OK ||
        (err = take_seat(x)) != DT_OK ||
        (err = mls_extensions_parse(x->applied.extensions, &extensions)) != DT_OK ||
        (err = mls_path_begin(&x->tree, x->seat, &x->fields, dt_secret_view(&x->signature_priv),
                              group_id, &x->path)) != DT_OK ||
        (err = mls_leaf_node_check(x->path.leaf, MLS_LEAF_COMMIT, &rules)) != DT_OK ||
        (err = mls_group_provisional(x->old, &x->tree, x->applied.extensions, &x->provisional)) !=
            DT_OK)
        return err;
    return mls_path_seal(&x->tree, &x->path, dt_buf_view(&x->provisional.raw), NULL, 0,
                         &x->commit.path);
}

static enum dt_err
make_message(struct entering *x, struct dt_buf *out)
{
    const struct dt_suite *suite = x->old->suite;
    struct mls_content_fields fields = {.wire_format = MLS_WIRE_PUBLIC_MESSAGE,
                                        .group_id = x->old->context.group_id,
                                        .epoch = x->old->context.epoch,
                                        .sender_type = MLS_SENDER_NEW_MEMBER_COMMIT,
                                        .authenticated_data = x->params->authenticated_data,
                                        .content_type = MLS_CONTENT_COMMIT,
                                        .commit = &x->commit};
    struct dt_writer w = dt_writer_init(&x->content);
    size_t end;
    enum dt_err err;

    dt_buf_init(&x->content, MLS_MESSAGE_MAX);
    if ((err = mls_content_sign(suite, &fields, dt_buf_view(&x->old->context.raw),
                                dt_secret_view(&x->signature_priv), &x->content, &end)) != DT_OK ||
        (err = mls_group_advance(x->old, dt_secret_view(&x->old->secrets.init), &x->provisional,
                                 dt_buf_view(&x->content), dt_secret_view(&x->path.commit_secret),
                                 dt_secret_view(&x->psk_secret), &x->next)) != DT_OK)
        return err;
    dt_write_vec(&w, dt_view(x->next.confirmation_tag, suite->hash_len));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    /* What is too long for others to read is not written. */
    return mls_public_message_write(suite, dt_buf_view(&x->content), dt_view(NULL, 0),
                                    dt_view(NULL, 0), out);
}

enum dt_err
mls_group_join_external(const struct mls_external_join_params *params, struct mls_group **out,
                        struct dt_buf *commit, struct mls_join_info *info)
{
    DT_CLEANUP(entering_clear) struct entering x = {.params = params};
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(MLS_MESSAGE_MAX);
    enum dt_err err;

    if ((err = mls_group_policy_check(&params->policy)) != DT_OK || (err = open_old(&x)) != DT_OK)
        return mls_rule_error(err);
    mls_tree_init(&x.tree, x.old->suite);
    if ((err = make_tree(&x)) != DT_OK || (err = make_message(&x, &message)) != DT_OK)
        return mls_rule_error(err);
    x.old->own_leaf = x.seat;
    if ((err = mls_group_next(x.old, &x.next, &x.tree, &x.path.priv,
                              dt_secret_view(&x.signature_priv), &x.group)) != DT_OK ||
        (err = dt_buf_append(commit, dt_buf_view(&message))) != DT_OK)
        return err;
    *out = x.group;
    x.group = NULL;
    if (info != NULL) {
        *info = x.out_info;
        x.out_info = (struct mls_join_info){0};
    }
    return DT_OK;
}

/* ---- proposing ---- */

static enum dt_err
propose_what(const struct mls_external_propose_params *params, const struct dt_suite *suite,
             struct mls_proposal **out)
{
    const struct mls_propose_opts *o = &params->what;

    if (params->new_member && o->kind != MLS_PROPOSE_ADD)
        return dt_fail(DT_ERR_RANGE, "one who is no member may propose its own Add alone");
    switch (o->kind) {
    case MLS_PROPOSE_REMOVE:
        return mls_proposal_new_remove(o->remove, out);
    case MLS_PROPOSE_ADD:
        return mls_propose_add(o->add, out);
    case MLS_PROPOSE_PSK:
        return mls_propose_psk(suite, &o->psk, MLS_PSK_APPLICATION, out);
    case MLS_PROPOSE_EXTENSIONS:
        return mls_propose_extensions(o->extensions, out);
    case MLS_PROPOSE_REINIT:
        return mls_propose_reinit(&o->reinit, out);
    default:
        return dt_fail(DT_ERR_RANGE, "an external sender may not propose this");
    }
}

/* RFC 9420 section 10.1, and that ${sig_priv} signs for whom the signature will be looked up. */
static enum dt_err
check_add(const struct mls_external_propose_params *params, const struct dt_suite *suite,
          const struct mls_proposal *p)
{
    struct mls_leaf_rules rules = {.suite = suite,
                                   .lifetime = mls_lifetime_from(&params->what.lifetime)};
    uint8_t pub[MLS_PUB_MAX];
    enum dt_err err;

    if (p->type != MLS_PROPOSAL_ADD)
        return DT_OK;
    if ((err = mls_key_package_check(p->add, &rules)) != DT_OK || !params->new_member ||
        (err = dt_suite_sig_pub(suite, params->signature_priv, pub)) != DT_OK)
        return mls_rule_error(err);
    if (!dt_view_equal(dt_view(pub, suite->sig_pub_len), p->add->leaf->signature_key))
        return dt_fail(DT_ERR_AUTH, "the signature key is not the key package's");
    return DT_OK;
}

enum dt_err
mls_external_propose(const struct mls_external_propose_params *params, struct dt_buf *out)
{
    DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(MLS_MESSAGE_MAX);
    const struct dt_suite *suite = NULL;
    struct mls_content_fields fields = {
        .wire_format = MLS_WIRE_PUBLIC_MESSAGE,
        .group_id = params->group_id,
        .epoch = params->epoch,
        .sender_type = params->new_member ? MLS_SENDER_NEW_MEMBER_PROPOSAL : MLS_SENDER_EXTERNAL,
        .sender = params->sender_index,
        .authenticated_data = params->what.authenticated_data,
        .content_type = MLS_CONTENT_PROPOSAL};
    size_t end;
    enum dt_err err = mls_suite_choose(params->suite, params->allow_malleable, &suite);

    if (err != DT_OK)
        return err;
    if (params->what.padding > 0)
        return dt_fail(DT_ERR_RANGE, "a PublicMessage has no padding");
    if (params->signature_priv.n != suite->sig_priv_len)
        return dt_fail(DT_ERR_RANGE, "a signature key of %zu bytes", params->signature_priv.n);
    if ((err = propose_what(params, suite, &p)) != DT_OK ||
        (err = check_add(params, suite, p)) != DT_OK)
        return err;
    fields.proposal = p;
    /* RFC 9420 section 6.1: no GroupContext is signed over, since the sender has none. */
    if ((err = mls_content_sign(suite, &fields, dt_view(NULL, 0), params->signature_priv, &content,
                                &end)) != DT_OK ||
        (err = mls_public_message_write(suite, dt_buf_view(&content), dt_view(NULL, 0),
                                        dt_view(NULL, 0), &message)) != DT_OK)
        return err;
    return dt_buf_append(out, dt_buf_view(&message));
}
