/*
 * mls/group_join.c - joining from a Welcome.
 *
 * Source: RFC 9420 section 12.4.3.1, whose steps the functions below follow in order.
 */
#include <string.h>

#include "base/mem.h"

#include "mls/group_internal.h"
#include "mls/welcome.h"

void
mls_join_info_clear(struct mls_join_info *info)
{
    if (info == NULL)
        return;
    dt_buf_clear(&info->bytes);
    dt_free(info->extensions);
    *info = (struct mls_join_info){0};
}

bool
mls_join_info_extension(const struct mls_join_info *info, uint16_t type, struct dt_view *out)
{
    for (size_t i = 0; i < info->n_extensions; i++) {
        if (info->extensions[i].type == type) {
            *out = info->extensions[i].body;
            return true;
        }
    }
    return false;
}

struct joining {
    const struct mls_join_params *params;
    const struct dt_suite *suite;
    struct mls_key_package *kp;
    struct mls_group_secrets secrets;
    struct dt_secret psk_secret;
    struct dt_secret signature_priv; /* ready */
    const struct mls_psk_id *link;   /* the PSK by which it succeeds ${origin}, in ${secrets} */
    const struct mls_group *origin;  /* or NULL */
    struct mls_group_info info;
    struct mls_tree tree;
    uint32_t my_leaf;
    struct mls_tree_priv priv;
    struct mls_group *group;
    struct mls_join_info out_info;
};

static void
joining_clear(struct joining *j)
{
    mls_key_package_unref(j->kp);
    mls_group_secrets_clear(&j->secrets);
    dt_secret_clear(&j->psk_secret);
    dt_secret_clear(&j->signature_priv);
    mls_group_info_clear(&j->info);
    mls_tree_clear(&j->tree);
    mls_tree_priv_clear(&j->priv);
    mls_group_free(j->group);
    mls_join_info_clear(&j->out_info);
}

/* Find our entry and decrypt the GroupSecrets. */
static enum dt_err
open_secrets(struct joining *j, struct mls_welcome *w)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_encrypted_group_secrets entry;
    uint8_t ref[DT_HASH_MAX];
    struct dt_view body;
    enum dt_err err;

    if ((err = mls_message_body(j->params->welcome, MLS_WIRE_WELCOME, &body)) != DT_OK ||
        (err = mls_welcome_parse(body, w)) != DT_OK ||
        (err = mls_message_body(j->params->key_package, MLS_WIRE_KEY_PACKAGE, &body)) != DT_OK ||
        (err = mls_key_package_parse(body, &j->kp)) != DT_OK)
        return err;
    if ((err = mls_suite_choose(w->cipher_suite, j->params->allow_malleable, &j->suite)) != DT_OK)
        return err;
    if (j->kp->cipher_suite != w->cipher_suite)
        return dt_fail(DT_ERR_REFUSED, "the Welcome's cipher suite is not the key package's");
    if ((err = mls_lifetime_check(&j->kp->leaf->lifetime,
                                  &(struct mls_lifetime_policy){
                                      .check = j->params->lifetime.check,
                                      .now_s = j->params->lifetime.now_ms / 1000,
                                      .skew_s = j->params->lifetime.skew_ms / 1000,
                                      .max_s = (j->params->lifetime.max_total_ms + 999) / 1000})) !=
            DT_OK ||
        (err = mls_key_package_hash(j->suite, j->kp, ref)) != DT_OK)
        return err;
    if (!mls_welcome_find(w, dt_view(ref, j->suite->hash_len), &entry))
        return dt_fail(DT_ERR_NOT_FOUND, "the Welcome is not for this key package");
    err = mls_decrypt_with_label(j->suite, dt_secret_view(&j->params->bundle->init_priv), "Welcome",
                                 w->encrypted_group_info, &entry.sealed, &plain);
    if (err == DT_OK)
        err = mls_group_secrets_parse(&plain, &j->secrets);
    if (err != DT_OK)
        return err;
    if (j->secrets.joiner_secret.n != j->suite->hash_len ||
        (j->secrets.has_path_secret && j->secrets.path_secret.n != j->suite->hash_len))
        return dt_fail(DT_ERR_FORMAT, "a secret of the Welcome has the wrong length");
    return DT_OK;
}

/* The PSK that links the group to another which we are in; there is one at most. */
static enum dt_err
link_value(struct joining *j, const struct mls_psk_id *id, struct dt_view *out)
{
    const struct mls_psk_list none = {NULL, 0};

    if (j->link != NULL)
        return dt_fail(DT_ERR_REFUSED, "a Welcome names two groups that it succeeds");
    for (size_t i = 0; j->origin == NULL && i < j->params->n_origins; i++)
        if (dt_view_equal(j->params->origins[i]->context.group_id, id->group_id))
            j->origin = j->params->origins[i];
    j->link = id;
    return mls_psk_value(j->origin, none, id, out);
}

static enum dt_err
gather_psks(struct joining *j)
{
    struct mls_psk_input inputs[MLS_PSKS_MAX];
    const struct mls_group_secrets *s = &j->secrets;

    for (size_t i = 0; i < s->n_psks; i++) {
        enum dt_err err;

        if (s->psks[i].nonce.n != j->suite->hash_len)
            return dt_fail(DT_ERR_REFUSED, "a PSK nonce of %zu bytes", s->psks[i].nonce.n);
        for (size_t k = 0; k < i; k++)
            if (dt_view_equal(s->psk_raw[k], s->psk_raw[i]))
                return dt_fail(DT_ERR_REFUSED, "a PSK is named twice");
        if (s->psks[i].type == MLS_PSK_RESUMPTION && s->psks[i].usage != MLS_PSK_APPLICATION)
            err = link_value(j, &s->psks[i], &inputs[i].value);
        else
            err = mls_psk_value(NULL, j->params->psks, &s->psks[i], &inputs[i].value);
        if (err != DT_OK)
            return err;
        inputs[i].id = s->psk_raw[i];
    }
    return mls_psk_secret(j->suite, inputs, s->n_psks, &j->psk_secret);
}

static enum dt_err
open_info(struct joining *j, const struct mls_welcome *w)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret welcome_secret = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf plain = DT_BUF_INIT(MLS_MESSAGE_MAX);
    enum dt_err err;

    if ((err = mls_welcome_secret(j->suite, j->secrets.joiner_secret,
                                  dt_secret_view(&j->psk_secret), &welcome_secret)) != DT_OK ||
        (err = mls_welcome_open_info(j->suite, dt_secret_view(&welcome_secret),
                                     w->encrypted_group_info, &plain)) != DT_OK ||
        (err = mls_group_info_parse(dt_buf_view(&plain), &j->info)) != DT_OK)
        return err;
    if (j->info.context.cipher_suite != j->suite->id)
        return dt_fail(DT_ERR_REFUSED, "the group's cipher suite is not the Welcome's");
    if (!mls_group_context_fits(&j->info.context, j->suite))
        return dt_fail(DT_ERR_FORMAT, "a hash in the GroupInfo has the wrong length");
    /* RFC 9420 section 12.4.3.1: the group id is unique among those that the client is in. */
    for (size_t i = 0; i < j->params->n_held; i++)
        if (dt_view_equal(j->params->held[i], j->info.context.group_id))
            return dt_fail(DT_ERR_EXISTS, "a group with that id is held already");
    if ((err = mls_extensions_check(&j->info.extensions, MLS_IN_GROUP_INFO)) != DT_OK)
        return err;
    return mls_extensions_check(&j->info.context.extensions, MLS_IN_GROUP_CONTEXT);
}

/* The tree, its signer and its integrity; and which leaf is ours. */
static enum dt_err
check_tree(struct joining *j)
{
    enum dt_err err = mls_group_info_tree(j->suite, &j->info, j->params->ratchet_tree,
                                          j->params->threads, &j->tree);

    if (err != DT_OK)
        return err;
    j->my_leaf = mls_tree_find_leaf(&j->tree, j->kp->leaf);
    if (j->my_leaf == MLS_NO_NODE)
        return dt_fail(DT_ERR_REFUSED, "our leaf is not in the tree");
    if (j->my_leaf == j->info.signer)
        return dt_fail(DT_ERR_REFUSED, "the Welcome is signed by our own leaf");
    return DT_OK;
}

static enum dt_err
check_link(struct joining *j)
{
    if (j->link == NULL)
        return DT_OK;
    j->out_info.link = (enum mls_link)j->link->usage;
    j->out_info.origin = j->origin;
    return mls_group_link_check(j->origin, j->link, &j->info.context, &j->tree);
}

static enum dt_err
own_keys(struct joining *j)
{
    enum dt_err err = mls_sign_key_ready(j->suite, j->params->signature_priv,
                                         j->kp->leaf->signature_key, &j->signature_priv);

    if (err == DT_ERR_AUTH)
        return dt_fail(DT_ERR_AUTH, "the signature key is not the key package's");
    if (err != DT_OK)
        return err;
    j->priv.leaf_index = j->my_leaf;
    if ((err = dt_secret_set(&j->priv.leaf_priv, dt_secret_view(&j->params->bundle->leaf_priv))) !=
            DT_OK ||
        (err = mls_tree_priv_check(j->suite, &j->priv, &j->tree)) != DT_OK)
        return err;
    if (j->secrets.has_path_secret)
        err = mls_tree_priv_implant(&j->priv, &j->tree,
                                    mls_common_ancestor(j->my_leaf, j->info.signer),
                                    j->secrets.path_secret, NULL);
    return err;
}

static enum dt_err
build_group(struct joining *j)
{
    struct mls_group *g = mls_group_new(j->suite, &j->params->policy);
    uint8_t interim[DT_HASH_MAX];
    enum dt_err err;

    if (g == NULL)
        return dt_nomem();
    j->group = g;
    g->own_leaf = j->my_leaf;
    dt_secret_move(&g->signature_priv, &j->signature_priv);
    if ((err = mls_epoch_secrets_derive(j->suite, j->secrets.joiner_secret,
                                        dt_secret_view(&j->psk_secret),
                                        dt_buf_view(&j->info.context.raw), &g->secrets)) != DT_OK ||
        (err = mls_mac_check(j->suite, dt_secret_view(&g->secrets.confirmation_key),
                             j->info.context.confirmed_transcript_hash, j->info.confirmation_tag,
                             "confirmation tag")) != DT_OK ||
        (err = mls_interim_transcript_hash(j->suite, j->info.context.confirmed_transcript_hash,
                                           j->info.confirmation_tag, interim)) != DT_OK ||
        (err = dt_buf_set(&g->interim, dt_view(interim, j->suite->hash_len))) != DT_OK ||
        (err = mls_secret_tree_init(&g->keys, j->suite, j->tree.n_leaves,
                                    &g->secrets.encryption)) != DT_OK)
        return err;
    mls_tree_move(&g->tree, &j->tree);
    mls_tree_priv_move(&g->priv, &j->priv);
    return DT_OK;
}

enum dt_err
mls_group_join(const struct mls_join_params *params, struct mls_group **out,
               struct mls_join_info *info)
{
    DT_CLEANUP(joining_clear) struct joining j = {.params = params};
    struct mls_welcome w;
    enum dt_err err;

    if ((err = mls_group_policy_check(&params->policy)) != DT_OK ||
        (err = open_secrets(&j, &w)) != DT_OK)
        return err;
    mls_tree_init(&j.tree, j.suite);
    if ((err = gather_psks(&j)) != DT_OK || (err = open_info(&j, &w)) != DT_OK ||
        (err = check_tree(&j)) != DT_OK || (err = check_link(&j)) != DT_OK ||
        (err = own_keys(&j)) != DT_OK || (err = build_group(&j)) != DT_OK ||
        (err = mls_join_info_gather(&j.info, &j.out_info)) != DT_OK)
        return mls_rule_error(err);
    mls_group_context_move(&j.group->context, &j.info.context);
    *out = j.group;
    j.group = NULL;
    if (info != NULL) {
        *info = j.out_info;
        j.out_info = (struct mls_join_info){0};
    }
    return DT_OK;
}
