/*
 * mls/group_process.c - taking in messages of others, and recognising our own.
 *
 * Source: RFC 9420 sections 6, 12.1, 12.4.2.
 */
#include "base/mem.h"

#include "mls/group_internal.h"

void
mls_event_clear(struct mls_event *e)
{
    if (e == NULL)
        return;
    dt_buf_clear(&e->authenticated_data);
    dt_buf_wipe(&e->plaintext);
    dt_buf_clear(&e->bytes);
    mls_staged_free(e->staged);
    mls_proposal_unref(e->proposal.held);
    *e = (struct mls_event){0};
}

/* An epoch to read messages of: the present one or one of the past. */
struct epoch_view {
    const struct mls_group_context *context;
    struct dt_view sender_data;
    struct mls_secret_tree *keys;
    const struct mls_tree *tree;
    bool present;
};

static bool
find_epoch(struct mls_group *g, uint64_t epoch, struct epoch_view *out)
{
    if (g->member && epoch == g->context.epoch) {
        out->context = &g->context;
        out->sender_data = dt_secret_view(&g->secrets.sender_data);
        out->keys = &g->keys;
        out->tree = &g->tree;
        out->present = true;
        return true;
    }
    for (size_t i = 0; i < g->n_past; i++) {
        struct mls_past_epoch *p = &g->past[i];

        if (p->context.epoch != epoch)
            continue;
        out->context = &p->context;
        out->sender_data = dt_secret_view(&p->sender_data);
        out->keys = &p->keys;
        out->tree = &p->tree;
        out->present = false;
        return true;
    }
    return false;
}

/* ---- commits ---- */

struct following {
    bool external;
    uint32_t committer; /* of an external Commit: the leaf that it takes */
    struct mls_proposal_list list;
    struct mls_tree tree;
    struct mls_applied applied;
    struct mls_tree_priv priv;
    struct mls_group_context provisional;
    struct dt_secret init_secret; /* of an external Commit; else empty */
    struct dt_secret commit_secret;
    struct dt_secret psk_secret;
    struct dt_view sig_priv; /* our signature key in the next epoch */
    struct mls_next_epoch next;
    struct mls_staged *staged;
};

static void
following_clear(struct following *f)
{
    mls_proposal_list_clear(&f->list);
    mls_tree_clear(&f->tree);
    mls_applied_clear(&f->applied);
    mls_tree_priv_clear(&f->priv);
    mls_group_context_clear(&f->provisional);
    dt_secret_clear(&f->init_secret);
    dt_secret_clear(&f->commit_secret);
    dt_secret_clear(&f->psk_secret);
    mls_next_epoch_clear(&f->next);
    mls_staged_free(f->staged);
}

/* What every member can check: the list, the path's public part. */
static enum dt_err
follow_public(const struct mls_group *g, const struct mls_auth_content *c, struct following *f)
{
    const struct mls_lifetime_policy no_clock = {.check = false};
    struct mls_extensions extensions;
    struct mls_leaf_rules rules = {.suite = g->suite, .group_extensions = &extensions};
    enum dt_err err;

    f->external = c->sender_type == MLS_SENDER_NEW_MEMBER_COMMIT;
    f->committer = f->external ? MLS_COMMITTER_OUTSIDE : c->sender;
    if ((f->external && (err = mls_external_commit_check(g, &c->commit)) != DT_OK) ||
        (err = mls_group_resolve(g, &c->commit, mls_auth_content_by(c), &f->list)) != DT_OK ||
        (err = mls_tree_copy(&g->tree, &f->tree)) != DT_OK ||
        (err = mls_proposal_list_apply(&f->list, g->suite, &g->context, f->committer, g->own_leaf,
                                       &no_clock, &f->tree, &f->applied)) != DT_OK)
        return err;
    /* RFC 9420 section 12.4. */
    if (f->applied.path_required && c->commit.path == NULL)
        return dt_fail(DT_ERR_REFUSED, "a Commit of these proposals needs a path");
    if (c->commit.path != NULL) {
        if ((f->external && (err = mls_external_seat(&g->tree, &f->list, c->commit.path->leaf,
                                                     &f->tree, &f->committer)) != DT_OK) ||
            (err = mls_extensions_parse(f->applied.extensions, &extensions)) != DT_OK ||
            (err = mls_path_merge(&f->tree, f->committer, c->commit.path, g->context.group_id,
                                  &rules, f->external)) != DT_OK)
            return err;
    }
    return mls_group_provisional(g, &f->tree, f->applied.extensions, &f->provisional);
}

/* The Commit names an Update of ours: its private keys are our leaf's from now on. Without them the
 * state is a restored copy, and cannot follow. */
static enum dt_err
use_own_update(const struct mls_group *g, struct following *f, bool *out_lost)
{
    const struct mls_update_keys *keys;

    f->sig_priv = dt_secret_view(&g->signature_priv);
    for (size_t i = 0; i < f->list.n; i++) {
        const struct mls_resolved *x = &f->list.v[i];

        if (x->proposal->type != MLS_PROPOSAL_UPDATE || x->by.index != g->own_leaf)
            continue;
        keys = mls_group_update_keys(g, x->proposal);
        *out_lost = keys == NULL;
        if (keys == NULL)
            return DT_OK;
        f->sig_priv = dt_secret_view(&keys->signature_priv);
        return dt_secret_set(&f->priv.leaf_priv, dt_secret_view(&keys->leaf_priv));
    }
    return DT_OK;
}

/* Our own part: path secret, PSKs, key schedule, confirmation tag. *${out_lost}: no path secret can
 * be opened here, or the one opened does not fit. */
static enum dt_err
follow_secret(const struct mls_group *g, const struct mls_auth_content *c, struct mls_psk_list psks,
              struct following *f, bool *out_lost)
{
    struct dt_view init_secret = dt_secret_view(&g->secrets.init);
    enum dt_err err;

    *out_lost = false;
    if (f->external) {
        if ((err = mls_external_init_open(g, &f->list, &f->init_secret)) != DT_OK)
            return err;
        init_secret = dt_secret_view(&f->init_secret);
    }
    if ((err = mls_group_psk_secret(g, &f->list, psks, (struct mls_psk_list){NULL, 0},
                                    &f->psk_secret)) != DT_OK ||
        (err = mls_tree_priv_copy(&g->priv, &f->priv)) != DT_OK ||
        (err = use_own_update(g, f, out_lost)) != DT_OK || *out_lost)
        return err;
    mls_tree_priv_prune(&f->priv, &f->tree);
    if (c->commit.path != NULL) {
        err =
            mls_path_open(&f->tree, f->committer, c->commit.path, dt_buf_view(&f->provisional.raw),
                          f->applied.added, f->applied.n_added, &f->priv, &f->commit_secret);
        /* What is sealed to us may be bad for us alone: we cannot follow, others may. */
        if (err == DT_ERR_AUTH) {
            *out_lost = true;
            return DT_OK;
        }
        if (err != DT_OK)
            return err;
        mls_tree_priv_prune(&f->priv, &f->tree);
    }
    if ((err = mls_group_advance(
             g, init_secret, &f->provisional, mls_auth_content_transcript_input(c),
             dt_secret_view(&f->commit_secret), dt_secret_view(&f->psk_secret), &f->next)) != DT_OK)
        return err;
    return mls_mac_check(g->suite, dt_secret_view(&f->next.secrets.confirmation_key),
                         f->next.context.confirmed_transcript_hash, c->confirmation_tag,
                         "confirmation tag");
}

static enum dt_err
stage(const struct mls_group *g, const struct mls_auth_content *c, struct mls_psk_list psks,
      struct mls_staged **out, bool *out_lost)
{
    DT_CLEANUP(following_clear) struct following f = {0};
    DT_CLEANUP(mls_tree_clear) struct mls_tree tree = {0};
    bool lost = false;
    enum dt_err err;

    mls_tree_init(&f.tree, g->suite);
    f.staged = dt_alloc(1, sizeof *f.staged);
    if (f.staged == NULL)
        return dt_nomem();
    f.staged->base_epoch = g->context.epoch;
    dt_buf_init(&f.staged->base_authenticator, DT_HASH_MAX);
    err = dt_buf_set(&f.staged->base_authenticator, mls_group_epoch_authenticator(g));
    if (err == DT_OK)
        err = follow_public(g, c, &f);
    if (err == DT_OK && !f.applied.removes_us) {
        err = follow_secret(g, c, psks, &f, &lost);
        if (err == DT_OK && !lost)
            err = mls_tree_copy(&f.tree, &tree);
        if (err == DT_OK && !lost)
            err = mls_group_next(g, &f.next, &tree, &f.priv, f.sig_priv, &f.staged->next);
        if (err == DT_OK && !lost)
            mls_group_close(f.staged->next, f.applied.reinit);
    }
    if (err == DT_OK)
        err = mls_effects_build(g, c, f.committer, &f.list, &f.applied, &f.tree, f.staged->next,
                                &f.staged->effects);
    if (err != DT_OK)
        return mls_rule_error(err);
    f.staged->lost = lost;
    *out_lost = lost;
    *out = f.staged;
    f.staged = NULL;
    return DT_OK;
}

/* ---- what an authenticated content means ---- */

enum dt_err
mls_event_sender(const struct mls_leaf_node *leaf, uint32_t index, struct mls_event *e)
{
    struct dt_view parts[] = {mls_credential_body(&leaf->credential), leaf->signature_key,
                              leaf->encryption_key};
    struct dt_view *to[] = {&e->sender.credential, &e->sender.signature_key,
                            &e->sender.encryption_key};
    size_t total = parts[0].n + parts[1].n + parts[2].n;
    enum dt_err err = dt_buf_reserve(&e->bytes, total);

    /* Reserved at once, so that the views stay good. */
    for (size_t i = 0; err == DT_OK && i < 3; i++) {
        size_t at = e->bytes.n;

        err = dt_buf_append(&e->bytes, parts[i]);
        *to[i] = dt_view(e->bytes.p + at, parts[i].n);
    }
    e->sender.leaf = index;
    e->sender.credential_type = leaf->credential.type;
    if (leaf->credential.type == MLS_CREDENTIAL_BASIC)
        e->sender.identity = e->sender.credential;
    return err;
}

/* What was proposed, for the caller to judge. */
static void
describe_proposal(const struct mls_group *g, struct mls_proposal *p, struct mls_proposal_info *out)
{
    out->held = mls_proposal_ref(p);
    out->ref = dt_view(out->ref_bytes, g->suite->hash_len);
    out->type = p->type;
    if (p->type == MLS_PROPOSAL_ADD)
        mls_member_of(p->add->leaf, UINT32_MAX, &out->added);
    else if (p->type == MLS_PROPOSAL_REMOVE)
        out->removed = p->remove;
    else if (p->type == MLS_PROPOSAL_PSK)
        out->psk_id = p->psk.id;
    else if (p->type == MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS)
        out->body = p->extensions.raw;
    else
        out->body = p->body;
}

static enum dt_err
take_proposal(struct mls_group *g, const struct mls_auth_content *c, struct mls_event *e)
{
    struct mls_sender by = mls_auth_content_by(c);
    uint8_t *ref = e->proposal.ref_bytes;
    enum dt_err err = mls_auth_content_ref(g->suite, c, ref);

    if (err != DT_OK)
        return err;
    if (by.type != MLS_SENDER_MEMBER && (err = mls_outside_proposal_check(g, c->proposal)) != DT_OK)
        return mls_rule_error(err);
    /* RFC 9420 section 12.1.6: in external Commits alone. */
    if (c->proposal->type == MLS_PROPOSAL_EXTERNAL_INIT)
        return dt_fail(DT_ERR_REFUSED, "an ExternalInit proposal by itself");
    err = mls_group_cache_add(g, ref, by, c->proposal);
    if (err == DT_OK)
        describe_proposal(g, c->proposal, &e->proposal);
    return err == DT_ERR_EXISTS ? DT_ERR_STATE : err;
}

static enum dt_err
act_on(struct mls_group *g, const struct mls_auth_content *c, struct mls_psk_list psks,
       struct mls_event *e)
{
    bool lost = false;
    enum dt_err err = dt_buf_set(&e->authenticated_data, c->authenticated_data);

    if (err != DT_OK)
        return err;
    if (g->reinit != NULL && c->epoch == g->context.epoch)
        return dt_fail(DT_ERR_REFUSED, "a message in a group that a ReInit has closed");
    switch (c->content_type) {
    case MLS_CONTENT_APPLICATION:
        e->kind = MLS_EVENT_APPLICATION;
        return dt_buf_set(&e->plaintext, c->application_data);
    case MLS_CONTENT_PROPOSAL:
        e->kind = MLS_EVENT_PROPOSAL;
        return take_proposal(g, c, e);
    default:
        err = stage(g, c, psks, &e->staged, &lost);
        e->kind = lost ? MLS_EVENT_COMMIT_LOST : MLS_EVENT_COMMIT;
        return err;
    }
}

/* ${c} is authentic and from the present epoch or, application data, from a kept one: what is wrong
 * with it from here on has a sender, who can be named. */
enum dt_err
mls_event_act(struct mls_group *g, const struct mls_auth_content *c, struct mls_psk_list psks,
              struct mls_event *e)
{
    enum dt_err err = act_on(g, c, psks, e);

    /* What this machine lacks is nobody's misdeed. */
    if (err == DT_OK || err == DT_ERR_NOMEM || err == DT_ERR_IO || err == DT_ERR_INTERNAL)
        return err;
    e->kind = MLS_EVENT_REFUSED;
    e->refused = err;
    return DT_OK;
}

/* ---- PrivateMessage ---- */

static bool
is_pending(const struct mls_group *g, struct dt_view message)
{
    return g->pending != NULL && dt_view_equal(message, dt_buf_view(&g->pending->commit));
}

static enum dt_err
process_private(struct mls_group *g, struct mls_psk_list psks, struct dt_view message,
                struct dt_view body, struct mls_event *e)
{
    DT_CLEANUP(mls_tree_step_clear) struct mls_tree_step step = {0};
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    struct mls_private_message m;
    struct mls_sender_data sender;
    struct epoch_view ev;
    const struct mls_leaf_node *leaf;
    enum mls_ratchet_kind kind;
    enum dt_err err = mls_private_message_parse(body, &m);

    if (err != DT_OK)
        return err;
    if (!dt_view_equal(m.group_id, g->context.group_id))
        return dt_fail(DT_ERR_FORMAT, "the message is of another group");
    e->epoch = m.epoch;
    e->content_type = m.content_type;
    if (is_pending(g, message)) {
        e->kind = MLS_EVENT_OWN_COMMIT;
        return DT_OK;
    }
    if (m.epoch > g->context.epoch) {
        e->kind = MLS_EVENT_FUTURE;
        return DT_OK;
    }
    if (!find_epoch(g, m.epoch, &ev) ||
        (!ev.present && m.content_type != MLS_CONTENT_APPLICATION)) {
        e->kind = MLS_EVENT_STALE;
        return DT_OK;
    }
    err = mls_sender_data_open(g->suite, ev.sender_data, &m, &sender);
    if (err == DT_ERR_AUTH) {
        e->kind = MLS_EVENT_FOREIGN;
        return DT_OK;
    }
    if (err != DT_OK)
        return err;
    leaf = mls_tree_leaf(ev.tree, sender.leaf_index);
    if (leaf == NULL)
        return dt_fail(DT_ERR_AUTH, "the sender's leaf %u is blank", sender.leaf_index);
    kind = mls_ratchet_of(m.content_type);
    e->from = (struct mls_sender){.type = MLS_SENDER_MEMBER, .index = sender.leaf_index};
    e->generation = sender.generation;
    e->awaited = mls_secret_tree_generation(ev.keys, sender.leaf_index, kind);
    if (sender.leaf_index == g->own_leaf &&
        sender.generation < mls_secret_tree_generation(ev.keys, g->own_leaf, kind)) {
        e->kind = MLS_EVENT_OWN_MESSAGE;
        return mls_event_sender(leaf, sender.leaf_index, e);
    }
    if ((err = mls_secret_tree_derive(ev.keys, sender.leaf_index, kind, sender.generation,
                                      &step)) != DT_OK ||
        (err = mls_private_message_open(g->suite, &m, &sender, &step, &c)) != DT_OK ||
        (err = mls_auth_content_verify(g->suite, &c, dt_buf_view(&ev.context->raw),
                                       leaf->signature_key)) != DT_OK ||
        (err = mls_event_sender(leaf, sender.leaf_index, e)) != DT_OK)
        return err;
    if (sender.leaf_index == g->own_leaf) {
        /* Our signature under a key we never used: somewhere another copy of this state lives. What
         * it said can be read; what it committed cannot be followed. */
        e->kind = MLS_EVENT_OWN_UNKNOWN;
        if (c.content_type != MLS_CONTENT_APPLICATION)
            return DT_OK;
        if ((err = dt_buf_set(&e->plaintext, c.application_data)) == DT_OK)
            mls_secret_tree_apply(ev.keys, &step);
        return err;
    }
    e->padding = c.padding;
    if ((err = mls_event_act(g, &c, psks, e)) != DT_OK)
        return err;
    /* RFC 9420 section 9.2, but for a refused Commit: its tag is not signed, and who has seen a
     * good one before the others have cannot burn its key with a spoiled copy. */
    if (e->kind != MLS_EVENT_REFUSED || c.content_type != MLS_CONTENT_COMMIT)
        mls_secret_tree_apply(ev.keys, &step);
    return DT_OK;
}

/* ---- PublicMessage ---- */

/* A PublicMessage under our signature: one that we sent, or another copy of this state did. */
static enum dt_err
own_public(const struct mls_group *g, const struct mls_auth_content *c, struct mls_event *e)
{
    uint8_t ref[DT_HASH_MAX];
    enum dt_err err = mls_auth_content_ref(g->suite, c, ref);

    if (err == DT_OK)
        e->kind = mls_group_noted_public(g, ref) ? MLS_EVENT_OWN_MESSAGE : MLS_EVENT_OWN_UNKNOWN;
    return err;
}

static enum dt_err
process_public(struct mls_group *g, struct mls_psk_list psks, struct dt_view message,
               struct dt_view body, struct mls_event *e)
{
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    const struct mls_leaf_node *leaf;
    struct dt_view context = dt_buf_view(&g->context.raw);
    struct dt_view tag;
    enum dt_err err = mls_public_message_parse(body, &c, &tag);

    if (err != DT_OK)
        return err;
    if (!dt_view_equal(c.group_id, g->context.group_id))
        return dt_fail(DT_ERR_FORMAT, "the message is of another group");
    e->epoch = c.epoch;
    e->content_type = c.content_type;
    e->from = mls_auth_content_by(&c);
    if (is_pending(g, message)) {
        e->kind = MLS_EVENT_OWN_COMMIT;
        return DT_OK;
    }
    if (!g->member || c.epoch != g->context.epoch) {
        e->kind = c.epoch > g->context.epoch ? MLS_EVENT_FUTURE : MLS_EVENT_STALE;
        return DT_OK;
    }
    if (c.sender_type != MLS_SENDER_MEMBER)
        return mls_process_outside(g, &c, psks, e);
    leaf = mls_tree_leaf(&g->tree, c.sender);
    if (leaf == NULL)
        return dt_fail(DT_ERR_AUTH, "the sender's leaf %u is blank", c.sender);
    if ((err = mls_public_message_check(
             g->suite, &c, context, dt_secret_view(&g->secrets.membership_key), tag)) != DT_OK ||
        (err = mls_auth_content_verify(g->suite, &c, context, leaf->signature_key)) != DT_OK ||
        (err = mls_event_sender(leaf, c.sender, e)) != DT_OK)
        return err;
    if (c.sender == g->own_leaf)
        return own_public(g, &c, e);
    return mls_event_act(g, &c, psks, e);
}

enum dt_err
mls_group_process(struct mls_group *g, struct mls_psk_list psks, struct dt_view message,
                  struct mls_event *out)
{
    DT_CLEANUP(mls_event_clear) struct mls_event e = {0};
    struct dt_reader r = dt_reader_init(message);
    enum mls_wire_format format;
    enum dt_err err;

    dt_buf_init(&e.authenticated_data, MLS_AUTHENTICATED_DATA_MAX);
    dt_buf_init(&e.plaintext, MLS_APPLICATION_DATA_MAX);
    dt_buf_init(&e.bytes, MLS_MESSAGE_MAX);
    if (message.n > MLS_MESSAGE_MAX)
        return dt_fail(DT_ERR_LIMIT, "a message of %zu bytes", message.n);
    if ((err = mls_message_read(&r, &format)) != DT_OK)
        return err;
    if (format == MLS_WIRE_PRIVATE_MESSAGE)
        err = process_private(g, psks, message, dt_view(r.p, r.n), &e);
    else if (format == MLS_WIRE_PUBLIC_MESSAGE)
        err = process_public(g, psks, message, dt_view(r.p, r.n), &e);
    else
        err = dt_fail(DT_ERR_FORMAT, "wire format %d is no message of a group", (int)format);
    if (err != DT_OK)
        return err;
    *out = e;
    /* The one view into the event itself. */
    if (out->proposal.ref.n > 0)
        out->proposal.ref.p = out->proposal.ref_bytes;
    e = (struct mls_event){0};
    return DT_OK;
}
