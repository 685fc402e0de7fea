/*
 * mls/group_commit.c - making commits and their Welcomes.
 *
 * Source: RFC 9420 sections 12.4.1, 12.4.3.
 */
#include "base/mem.h"
#include "crypto/hpke.h"

#include "mls/group_internal.h"
#include "mls/welcome.h"

void
mls_commit_out_clear(struct mls_commit_out *out)
{
    if (out == NULL)
        return;
    dt_buf_clear(&out->commit);
    dt_buf_clear(&out->welcome);
}

/* ---- the proposals of a Commit ---- */

/* Append ${p} (a count of which is the caller's) unless ${err}. */
static enum dt_err
put(struct mls_commit *c, enum dt_err err, struct mls_proposal *p)
{
    if (err == DT_OK)
        err = mls_commit_add(c, p, dt_view(NULL, 0));
    mls_proposal_unref(p);
    return err;
}

static enum dt_err
list_proposals(const struct mls_group *g, const struct mls_commit_opts *opts, struct mls_commit *c,
               const struct mls_psk *link, enum mls_psk_usage usage, bool *own_update)
{
    bool use[MLS_PROPOSAL_CACHE_MAX] = {false};
    struct mls_proposal *p = NULL;
    enum dt_err err = DT_OK;

    if (opts->commit_cached)
        err = mls_group_select(g, opts, use, own_update);
    for (size_t i = 0; err == DT_OK && i < g->n_cache; i++)
        if (use[i])
            err = mls_commit_add(c, NULL, dt_view(g->cache[i].ref, g->suite->hash_len));
    if (err == DT_OK && opts->reinit != NULL) {
        err = mls_propose_reinit(opts->reinit, &p);
        err = put(c, err, p);
        p = NULL;
    }
    if (err == DT_OK && opts->set_extensions) {
        err = mls_propose_extensions(opts->extensions, &p);
        err = put(c, err, p);
        p = NULL;
    }
    for (size_t i = 0; err == DT_OK && i < opts->n_removes; i++) {
        err = mls_proposal_new_remove(opts->removes[i], &p);
        err = put(c, err, p);
        p = NULL;
    }
    for (size_t i = 0; err == DT_OK && i < opts->n_adds; i++) {
        err = mls_propose_add(opts->adds[i], &p);
        err = put(c, err, p);
        p = NULL;
    }
    for (size_t i = 0; err == DT_OK && i < opts->psks.n; i++) {
        err = mls_propose_psk(g->suite, &opts->psks.v[i], MLS_PSK_APPLICATION, &p);
        err = put(c, err, p);
        p = NULL;
    }
    if (err == DT_OK && link != NULL) {
        err = mls_propose_psk(g->suite, link, usage, &p);
        err = put(c, err, p);
        p = NULL;
    }
    for (size_t i = 0; err == DT_OK && i < opts->private_use.n; i++) {
        err =
            mls_proposal_new_private(opts->private_use.v[i].type, opts->private_use.v[i].body, &p);
        err = put(c, err, p);
        p = NULL;
    }
    return err;
}

/* ---- the making of one Commit ---- */

struct making {
    const struct mls_commit_opts *opts;
    const struct mls_psk *link; /* what makes this the founding Commit of a successor, or NULL */
    enum mls_psk_usage usage;
    struct mls_commit commit;
    struct mls_proposal_list list;
    struct mls_tree tree;
    struct mls_applied applied;
    bool has_path;
    struct mls_path path;
    struct mls_group_context provisional;
    struct dt_secret psk_secret;
    struct mls_next_epoch next;
    struct mls_tree_priv priv;
    struct dt_secret new_sig_priv; /* the key of our leaf in the next epoch */
    struct dt_buf content;
    struct mls_tree_step step;
    uint8_t public_ref[DT_HASH_MAX]; /* of a PublicMessage */
    struct mls_pending *pending;
};

static void
making_clear(struct making *m)
{
    mls_commit_clear(&m->commit);
    mls_proposal_list_clear(&m->list);
    mls_tree_clear(&m->tree);
    mls_applied_clear(&m->applied);
    mls_path_clear(&m->path);
    mls_group_context_clear(&m->provisional);
    dt_secret_clear(&m->psk_secret);
    mls_next_epoch_clear(&m->next);
    mls_tree_priv_clear(&m->priv);
    dt_buf_wipe(&m->content);
    dt_secret_clear(&m->new_sig_priv);
    mls_tree_step_clear(&m->step);
    mls_pending_free(m->pending);
}

static enum dt_err
make_path(const struct mls_group *g, struct making *m)
{
    struct mls_leaf_node *old = mls_tree_leaf_ref(&m->tree, g->own_leaf);
    struct mls_extensions extensions;
    struct mls_leaf_rules rules = {.suite = g->suite, .group_extensions = &extensions};
    struct mls_rotation rotation = {m->opts->new_signature_priv, m->opts->new_signature_pub,
                                    m->opts->new_identity, m->opts->new_credential_type};
    struct mls_leaf_fields fields = {0};
    enum dt_err err;

    /* The fields are views into the old leaf, which leaves the tree on the way. */
    if ((err = mls_group_own_fields(g, &m->tree, &rotation, &fields, &m->new_sig_priv)) != DT_OK ||
        (err = mls_extensions_parse(m->applied.extensions, &extensions)) != DT_OK ||
        (err = mls_path_begin(&m->tree, g->own_leaf, &fields, dt_secret_view(&m->new_sig_priv),
                              g->context.group_id, &m->path)) != DT_OK ||
        (err = mls_leaf_node_check(m->path.leaf, MLS_LEAF_COMMIT, &rules)) != DT_OK ||
        (err = mls_group_provisional(g, &m->tree, m->applied.extensions, &m->provisional)) !=
            DT_OK ||
        (err = mls_path_seal(&m->tree, &m->path, dt_buf_view(&m->provisional.raw), m->applied.added,
                             m->applied.n_added, &m->commit.path)) != DT_OK ||
        (err = mls_tree_priv_copy(&m->path.priv, &m->priv)) != DT_OK)
        goto done;
done:
    mls_leaf_node_unref(old);
    return err;
}

/* Proposals, tree and path. */
static enum dt_err
make_tree(const struct mls_group *g, struct making *m)
{
    const struct mls_commit_opts *o = m->opts;
    struct mls_lifetime_policy lifetime = mls_lifetime_from(&o->lifetime);
    struct mls_psk_list psks = m->link != NULL ? (struct mls_psk_list){m->link, 1} : o->psks;
    const struct mls_sender me = {.type = MLS_SENDER_MEMBER, .index = g->own_leaf};
    bool own_update = false;
    bool rotates = o->new_signature_priv.n + o->new_signature_pub.n + o->new_identity.n > 0;
    enum dt_err err;

    if ((err = list_proposals(g, o, &m->commit, m->link, m->usage, &own_update)) != DT_OK ||
        (err = mls_group_resolve(g, &m->commit, me, &m->list)) != DT_OK ||
        (err = mls_tree_copy(&g->tree, &m->tree)) != DT_OK ||
        (err = mls_proposal_list_apply(&m->list, g->suite, &g->context, g->own_leaf, g->own_leaf,
                                       &lifetime, &m->tree, &m->applied)) != DT_OK ||
        (err = mls_group_psk_secret(g, &m->list, psks, o->held_psks, &m->psk_secret)) != DT_OK)
        return err;
    m->has_path = m->applied.path_required || o->force_path || rotates || own_update;
    if (m->has_path)
        return make_path(g, m);
    if ((err = dt_secret_set(&m->new_sig_priv, dt_secret_view(&g->signature_priv))) != DT_OK ||
        (err = mls_group_provisional(g, &m->tree, m->applied.extensions, &m->provisional)) !=
            DT_OK ||
        (err = mls_tree_priv_copy(&g->priv, &m->priv)) != DT_OK)
        return err;
    mls_tree_priv_prune(&m->priv, &m->tree);
    return DT_OK;
}

/* Sign with the old key, advance the key schedule, add the confirmation tag, seal with the old
 * epoch. */
static enum dt_err
make_message(const struct mls_group *g, struct making *m)
{
    struct mls_content_fields fields = {
        .wire_format = m->opts->as_public ? MLS_WIRE_PUBLIC_MESSAGE : MLS_WIRE_PRIVATE_MESSAGE,
        .group_id = g->context.group_id,
        .epoch = g->context.epoch,
        .sender = g->own_leaf,
        .authenticated_data = m->opts->authenticated_data,
        .content_type = MLS_CONTENT_COMMIT,
        .commit = &m->commit};
    struct dt_view commit_secret =
        m->has_path ? dt_secret_view(&m->path.commit_secret) : dt_view(NULL, 0);
    struct dt_writer w = dt_writer_init(&m->content);
    size_t end;
    enum dt_err err;

    dt_buf_init(&m->content, MLS_MESSAGE_MAX);
    if ((err = mls_content_sign(g->suite, &fields, dt_buf_view(&g->context.raw),
                                dt_secret_view(&g->signature_priv), &m->content, &end)) != DT_OK ||
        (err = mls_group_advance(g, dt_secret_view(&g->secrets.init), &m->provisional,
                                 dt_buf_view(&m->content), commit_secret,
                                 dt_secret_view(&m->psk_secret), &m->next)) != DT_OK)
        return err;
    dt_write_vec(&w, dt_view(m->next.confirmation_tag, g->suite->hash_len));
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    if (m->opts->as_public)
        return mls_group_send_public(g, dt_buf_view(&m->content), m->public_ref,
                                     &m->pending->commit);
    if ((err = mls_secret_tree_derive(&g->keys, g->own_leaf, MLS_RATCHET_HANDSHAKE,
                                      mls_group_handshake_generation(g), &m->step)) != DT_OK)
        return err;
    return mls_private_message_seal(g->suite, dt_buf_view(&m->content),
                                    dt_secret_view(&g->secrets.sender_data), &m->step,
                                    m->opts->padding, &m->pending->commit);
}

/* The Welcome's GroupInfo, signed with the new leaf's key. */
static enum dt_err
make_group_info(const struct mls_group *g, struct making *m, struct dt_buf *out)
{
    struct mls_info_fields fields = {.context = &m->next.context,
                                     .tree = m->opts->tree_apart ? NULL : &m->tree,
                                     .grease = m->opts->grease,
                                     .extensions = m->opts->group_info_extensions,
                                     .confirmation_tag =
                                         dt_view(m->next.confirmation_tag, g->suite->hash_len),
                                     .signer = g->own_leaf,
                                     .sig_priv = dt_secret_view(&m->new_sig_priv)};

    return mls_group_info_make(g->suite, &fields, out);
}

/* EncryptedGroupSecrets for the i-th Add. */
static enum dt_err
make_secrets(const struct mls_group *g, struct making *m, size_t i, const uint8_t *prepared,
             struct dt_view psks, struct dt_writer *w)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf plain = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf ciphertext = DT_BUF_INIT(MLS_MESSAGE_MAX);
    const struct mls_key_package *kp = m->applied.adds[i]->add;
    struct dt_writer pw = dt_writer_init(&plain);
    struct mls_hpke_ciphertext sealed;
    struct dt_view path_secret = {0};
    uint8_t kem[DT_HPKE_PUB_MAX];
    uint8_t ref[DT_HASH_MAX];
    enum dt_err err = DT_OK;

    if (m->has_path)
        err = mls_path_secret_for(&m->path, m->applied.added[i], &path_secret);
    if (err != DT_OK)
        return err;
    mls_group_secrets_write(&pw, dt_secret_view(&m->next.joiner_secret), path_secret, psks);
    if ((err = dt_writer_end(&pw)) != DT_OK ||
        (err = mls_encrypt_prepared(g->suite, kp->init_key, prepared, dt_buf_view(&plain), kem,
                                    &ciphertext)) != DT_OK ||
        (err = mls_key_package_hash(g->suite, kp, ref)) != DT_OK)
        return err;
    dt_write_vec(w, dt_view(ref, g->suite->hash_len));
    sealed.kem_output = dt_view(kem, g->suite->kem_pub_len);
    sealed.ciphertext = dt_buf_view(&ciphertext);
    mls_hpke_ciphertext_write(w, &sealed);
    return dt_writer_end(w);
}

static enum dt_err
make_welcome(const struct mls_group *g, struct making *m)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret welcome_secret = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf sealed_info = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf psks = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_writer w = dt_writer_init(&m->pending->welcome);
    struct dt_writer pw = dt_writer_init(&psks);
    uint8_t prepared[DT_HASH_MAX];
    size_t mark;
    enum dt_err err;

    /* RFC 9420 section 12.4.1: the PSKs of the Welcome in the order of the Commit. */
    for (size_t i = 0; i < m->list.n; i++)
        if (m->list.v[i].proposal->type == MLS_PROPOSAL_PSK)
            mls_psk_id_write(&pw, &m->list.v[i].proposal->psk);
    if ((err = dt_writer_end(&pw)) != DT_OK || (err = make_group_info(g, m, &info)) != DT_OK ||
        (err = mls_welcome_secret(g->suite, dt_secret_view(&m->next.joiner_secret),
                                  dt_secret_view(&m->psk_secret), &welcome_secret)) != DT_OK ||
        (err = mls_welcome_seal_info(g->suite, dt_secret_view(&welcome_secret), dt_buf_view(&info),
                                     &sealed_info)) != DT_OK ||
        /* The whole sealed GroupInfo is the context of each member's secrets: hashed once, or
         * adding many would take the square of their number. */
        (err = mls_encrypt_prepare(g->suite, "Welcome", dt_buf_view(&sealed_info), prepared)) !=
            DT_OK)
        return err;
    mls_message_write(&w, MLS_WIRE_WELCOME);
    dt_write_u16(&w, g->suite->id);
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; err == DT_OK && i < m->applied.n_added; i++)
        err = make_secrets(g, m, i, prepared, dt_buf_view(&psks), &w);
    if (err != DT_OK)
        return err;
    dt_write_vec_end(&w, mark);
    dt_write_vec(&w, dt_buf_view(&sealed_info));
    return dt_writer_end(&w);
}

/* The group of the next epoch and the description of the commit, into the pending one. */
static enum dt_err
make_pending(const struct mls_group *g, struct making *m)
{
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf copy = DT_BUF_INIT(MLS_MESSAGE_MAX);
    DT_CLEANUP(mls_tree_clear) struct mls_tree tree = {0};
    enum dt_err err;

    if ((err = dt_buf_set(&copy, dt_buf_view(&m->content))) != DT_OK ||
        (err = mls_auth_content_parse(&copy, &c, NULL)) != DT_OK ||
        (err = mls_tree_copy(&m->tree, &tree)) != DT_OK ||
        (err = mls_group_next(g, &m->next, &tree, &m->priv, dt_secret_view(&m->new_sig_priv),
                              &m->pending->next)) != DT_OK ||
        (err = mls_effects_build(g, &c, g->own_leaf, &m->list, &m->applied, &m->tree,
                                 m->pending->next, &m->pending->effects)) != DT_OK)
        return err;
    mls_group_close(m->pending->next, m->applied.reinit);
    dt_buf_move(&m->pending->content, &m->content);
    return DT_OK;
}

enum dt_err
mls_group_commit(struct mls_group *g, const struct mls_commit_opts *opts,
                 struct mls_commit_out *out)
{
    return mls_group_commit_linked(g, opts, NULL, MLS_PSK_APPLICATION, out);
}

enum dt_err
mls_group_commit_linked(struct mls_group *g, const struct mls_commit_opts *opts,
                        const struct mls_psk *link, enum mls_psk_usage usage,
                        struct mls_commit_out *out)
{
    DT_CLEANUP(making_clear) struct making m = {.opts = opts, .link = link, .usage = usage};
    struct mls_commit_out copy = {DT_BUF_INIT(MLS_MESSAGE_MAX), DT_BUF_INIT(MLS_MESSAGE_MAX)};
    enum dt_err err;

    if ((err = mls_group_require_open(g)) != DT_OK)
        return err;
    if (g->pending != NULL)
        return dt_fail(DT_ERR_STATE, "an own commit is pending");
    if (opts->as_public && opts->padding > 0)
        return dt_fail(DT_ERR_RANGE, "a PublicMessage has no padding");
    if (opts->as_public && (err = mls_group_note_reserve(g)) != DT_OK)
        return err;
    m.pending = dt_alloc(1, sizeof *m.pending);
    if (m.pending == NULL)
        return dt_nomem();
    dt_buf_init(&m.pending->commit, MLS_MESSAGE_MAX);
    dt_buf_init(&m.pending->welcome, MLS_MESSAGE_MAX);
    dt_buf_init(&m.pending->content, MLS_MESSAGE_MAX);
    mls_tree_init(&m.tree, g->suite);
    err = make_tree(g, &m);
    if (err == DT_OK)
        err = make_message(g, &m);
    if (err == DT_OK && m.applied.n_added > 0)
        err = make_welcome(g, &m);
    if (err == DT_OK)
        err = make_pending(g, &m);
    if (err == DT_OK)
        err = dt_buf_set(&copy.commit, dt_buf_view(&m.pending->commit));
    if (err == DT_OK)
        err = dt_buf_set(&copy.welcome, dt_buf_view(&m.pending->welcome));
    if (err != DT_OK) {
        mls_commit_out_clear(&copy);
        return mls_rule_error(err);
    }
    /* From here on nothing fails. */
    if (opts->as_public)
        mls_group_note_public(g, m.public_ref);
    else
        mls_secret_tree_apply(&g->keys, &m.step);
    g->pending = m.pending;
    g->changed.pending = true;
    m.pending = NULL;
    mls_commit_out_clear(out);
    *out = copy;
    return DT_OK;
}
