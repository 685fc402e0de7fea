/*
 * mls/group_state.c - a whole group as bytes, and back; see mls_group_save() in group.h.
 *
 * One encoding, in TLS presentation language:
 *
 *   uint16 version = 1; uint16 cipher_suite; uint32 past_epochs; uint64 past_age_ms;
 *   optional<present> member; Epoch epoch;
 *   struct { opaque ref[hash_len]; uint32 sender; Proposal p; } cache<V>;   (members only)
 *   optional<Pending> pending;                                              (members only)
 *   uint8 n_past; PastEpoch past[n_past];                                   (newest first)
 *
 * An Epoch is context, interim hash, own leaf, tree and, for a member, all secrets. A PastEpoch
 * names each leaf by its difference to the epoch after it: 0 blank, 1 the same bytes, 2 bytes of
 * its own.
 */
#include <string.h>

#include "base/mem.h"

#include "mls/group_internal.h"

#define STATE_VERSION 1u

enum { LEAF_BLANK = 0, LEAF_SAME = 1, LEAF_OWN = 2 };

/* ---- writing ---- */

static void
epoch_write(struct dt_writer *w, const struct mls_group *g)
{
    const struct mls_epoch_secrets *s = &g->secrets;
    const struct dt_secret *secrets[] = {
        &s->init,           &s->sender_data,        &s->exporter,
        &s->external,       &s->confirmation_key,   &s->membership_key,
        &s->resumption_psk, &s->epoch_authenticator};

    dt_write_view(w, dt_buf_view(&g->context.raw));
    dt_write_vec(w, dt_buf_view(&g->interim));
    dt_write_u32(w, g->own_leaf);
    mls_tree_write(w, &g->tree);
    if (!g->member)
        return;
    mls_tree_priv_write(w, &g->priv);
    dt_write_vec(w, dt_secret_view(&g->signature_priv));
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        dt_write_vec(w, dt_secret_view(secrets[i]));
    mls_secret_tree_write(w, &g->keys);
}

static void
cache_write(struct dt_writer *w, const struct mls_group *g)
{
    size_t mark = dt_write_vec_begin(w);

    for (size_t i = 0; i < g->n_cache; i++) {
        dt_write_view(w, dt_view(g->cache[i].ref, g->suite->hash_len));
        dt_write_u32(w, g->cache[i].sender);
        mls_proposal_write(w, g->cache[i].proposal);
    }
    dt_write_vec_end(w, mark);
}

static void
pending_write(struct dt_writer *w, const struct mls_pending *p)
{
    dt_write_optional(w, p != NULL);
    if (p == NULL)
        return;
    dt_write_vec(w, dt_buf_view(&p->commit));
    dt_write_vec(w, dt_buf_view(&p->welcome));
    dt_write_vec(w, dt_buf_view(&p->content));
    epoch_write(w, p->next);
}

/* The leaves of the epoch after a kept one. */
struct newer {
    struct mls_leaf_node *const *leaves;
    uint32_t n_leaves;
};

static const struct mls_leaf_node *
newer_leaf(const struct newer *n, uint32_t i)
{
    return i < n->n_leaves ? n->leaves[i] : NULL;
}

static bool
same_leaf(const struct mls_leaf_node *a, const struct mls_leaf_node *b)
{
    return a != NULL && b != NULL && dt_view_equal(dt_buf_view(&a->raw), dt_buf_view(&b->raw));
}

static void
past_write(struct dt_writer *w, const struct mls_past_epoch *p, const struct newer *newer)
{
    dt_write_view(w, dt_buf_view(&p->context.raw));
    dt_write_u64(w, p->ended_ms);
    dt_write_vec(w, dt_secret_view(&p->sender_data));
    dt_write_u32(w, p->n_leaves);
    for (uint32_t i = 0; i < p->n_leaves; i++) {
        if (p->leaves[i] == NULL) {
            dt_write_u8(w, LEAF_BLANK);
        } else if (same_leaf(p->leaves[i], newer_leaf(newer, i))) {
            dt_write_u8(w, LEAF_SAME);
        } else {
            dt_write_u8(w, LEAF_OWN);
            mls_leaf_node_write(w, p->leaves[i]);
        }
    }
    mls_secret_tree_write(w, &p->keys);
}

enum dt_err
mls_group_save(const struct mls_group *g, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    struct newer newer = {g->tree.leaves, g->tree.n_leaves};

    dt_write_u16(&w, STATE_VERSION);
    dt_write_u16(&w, g->suite->id);
    dt_write_u32(&w, g->policy.past_epochs);
    dt_write_u64(&w, g->policy.past_age_ms);
    dt_write_optional(&w, g->member);
    epoch_write(&w, g);
    if (g->member) {
        cache_write(&w, g);
        pending_write(&w, g->pending);
    }
    dt_write_u8(&w, (uint8_t)g->n_past);
    for (size_t i = 0; i < g->n_past; i++) {
        past_write(&w, &g->past[i], &newer);
        newer.leaves = g->past[i].leaves;
        newer.n_leaves = g->past[i].n_leaves;
    }
    return dt_writer_end(&w);
}

/* ---- reading ---- */

/* opaque<V> of exactly ${n} bytes. */
static enum dt_err
secret_read(struct dt_reader *r, size_t n, struct dt_secret *out)
{
    struct dt_view v;
    enum dt_err err = dt_read_vec(r, n, &v);

    if (err != DT_OK)
        return err;
    if (v.n != n)
        return dt_fail(DT_ERR_FORMAT, "a saved secret of %zu bytes", v.n);
    return dt_secret_set(out, v);
}

static enum dt_err
context_read(struct dt_reader *r, const struct dt_suite *suite, struct mls_group_context *out)
{
    enum dt_err err = mls_group_context_read(r, out);

    if (err != DT_OK)
        return err;
    if (out->cipher_suite != suite->id || out->tree_hash.n != suite->hash_len ||
        (out->confirmed_transcript_hash.n != suite->hash_len &&
         (out->epoch != 0 || out->confirmed_transcript_hash.n != 0)))
        return dt_fail(DT_ERR_FORMAT, "a saved group context does not fit its suite");
    return DT_OK;
}

static enum dt_err
secrets_read(struct dt_reader *r, struct mls_group *g)
{
    struct mls_epoch_secrets *s = &g->secrets;
    struct dt_secret *secrets[] = {&s->init,           &s->sender_data,        &s->exporter,
                                   &s->external,       &s->confirmation_key,   &s->membership_key,
                                   &s->resumption_psk, &s->epoch_authenticator};
    enum dt_err err = mls_tree_priv_read(r, &g->priv);

    if (err == DT_OK)
        err = secret_read(r, g->suite->sig_priv_len, &g->signature_priv);
    for (size_t i = 0; err == DT_OK && i < sizeof secrets / sizeof secrets[0]; i++)
        err = secret_read(r, g->suite->hash_len, secrets[i]);
    if (err == DT_OK)
        err = mls_secret_tree_read(r, g->suite, g->tree.n_leaves, &g->keys);
    return err;
}

/* What was saved belongs together: tree and its hash, own keys and own leaf. */
static enum dt_err
epoch_check(struct mls_group *g)
{
    const struct mls_leaf_node *leaf = mls_tree_leaf(&g->tree, g->own_leaf);
    uint8_t hash[DT_HASH_MAX];
    uint8_t pub[MLS_PUB_MAX];
    enum dt_err err = mls_tree_hash(&g->tree, hash);

    if (err != DT_OK)
        return err;
    if (!dt_view_equal(dt_view(hash, g->suite->hash_len), g->context.tree_hash))
        return dt_fail(DT_ERR_FORMAT, "the saved tree is not the group context's");
    if (!g->member)
        return DT_OK;
    if (leaf == NULL || g->priv.leaf_index != g->own_leaf)
        return dt_fail(DT_ERR_FORMAT, "the saved own leaf is blank");
    err = mls_tree_priv_check(g->suite, &g->priv, &g->tree);
    if (err == DT_OK)
        err = dt_suite_sig_pub(g->suite, dt_secret_view(&g->signature_priv), pub);
    if (err == DT_OK && !dt_view_equal(dt_view(pub, g->suite->sig_pub_len), leaf->signature_key))
        err = DT_ERR_AUTH;
    if (err == DT_ERR_AUTH)
        return dt_fail(DT_ERR_FORMAT, "saved private keys do not fit the saved tree");
    return err;
}

static enum dt_err
epoch_read(struct dt_reader *r, struct mls_group *g)
{
    struct dt_view interim;
    enum dt_err err;

    if ((err = context_read(r, g->suite, &g->context)) != DT_OK ||
        (err = dt_read_vec(r, MLS_HASH_MAX, &interim)) != DT_OK)
        return err;
    if (interim.n != g->suite->hash_len)
        return dt_fail(DT_ERR_FORMAT, "a saved hash of %zu bytes", interim.n);
    if ((err = dt_buf_set(&g->interim, interim)) != DT_OK ||
        (err = dt_read_u32(r, &g->own_leaf)) != DT_OK ||
        (err = mls_tree_read(r, g->suite, &g->tree)) != DT_OK)
        return err;
    if (g->tree.n_leaves == 0)
        return dt_fail(DT_ERR_FORMAT, "a saved tree without leaves");
    if (g->member && (err = secrets_read(r, g)) != DT_OK)
        return err;
    return epoch_check(g);
}

static enum dt_err
cache_read(struct dt_reader *r, struct mls_group *g)
{
    struct dt_reader sub;
    enum dt_err err = dt_read_sub(r, MLS_GROUP_STATE_MAX, &sub);

    while (err == DT_OK && sub.n > 0) {
        DT_CLEANUP(mls_proposal_unref_p) struct mls_proposal *p = NULL;
        struct dt_view ref;
        uint32_t sender;

        if ((err = dt_read_view(&sub, g->suite->hash_len, &ref)) != DT_OK ||
            (err = dt_read_u32(&sub, &sender)) != DT_OK ||
            (err = mls_proposal_read(&sub, &p)) != DT_OK)
            break;
        err = mls_group_cache_add(g, ref.p, sender, p);
        if (err == DT_ERR_EXISTS)
            err = dt_fail(DT_ERR_FORMAT, "a saved proposal appears twice");
    }
    return err;
}

/* The pending commit must be one on this very epoch, and its effects are described anew from it. */
static enum dt_err
pending_check(const struct mls_group *g, struct mls_pending *p)
{
    DT_CLEANUP(mls_auth_content_clear) struct mls_auth_content c = {0};
    DT_CLEANUP(mls_proposal_list_clear) struct mls_proposal_list list = {0};
    DT_CLEANUP(mls_applied_clear) struct mls_applied applied = {0};
    DT_CLEANUP(mls_tree_clear) struct mls_tree tree = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf copy = DT_BUF_INIT(MLS_MESSAGE_MAX);
    const struct mls_lifetime_policy no_clock = {.check = false};
    uint8_t confirmed[DT_HASH_MAX];
    enum dt_err err;

    mls_tree_init(&tree, g->suite);
    if ((err = dt_buf_set(&copy, dt_buf_view(&p->content))) != DT_OK ||
        (err = mls_auth_content_parse(&copy, &c, NULL)) != DT_OK)
        return err;
    if (c.content_type != MLS_CONTENT_COMMIT || c.sender != g->own_leaf ||
        c.epoch != g->context.epoch || p->next->context.epoch != g->context.epoch + 1 ||
        p->next->own_leaf != g->own_leaf ||
        !dt_view_equal(p->next->context.group_id, g->context.group_id))
        return dt_fail(DT_ERR_FORMAT, "the saved pending commit is of another epoch");
    if ((err = mls_confirmed_transcript_hash(g->suite, dt_buf_view(&g->interim),
                                             mls_auth_content_transcript_input(&c), confirmed)) !=
        DT_OK)
        return err;
    if (!dt_view_equal(dt_view(confirmed, g->suite->hash_len),
                       p->next->context.confirmed_transcript_hash))
        return dt_fail(DT_ERR_FORMAT, "the saved pending commit does not lead to its epoch");
    if ((err = mls_group_resolve(g, &c.commit, c.sender, &list)) != DT_OK ||
        (err = mls_tree_copy(&g->tree, &tree)) != DT_OK ||
        (err = mls_proposal_list_apply(&list, g->suite, &g->context, c.sender, g->own_leaf,
                                       &no_clock, &tree, &applied)) != DT_OK)
        return err;
    for (size_t i = 0; i < applied.n_added; i++)
        if (mls_tree_leaf(&p->next->tree, applied.added[i]) == NULL)
            return dt_fail(DT_ERR_FORMAT, "a saved added leaf is blank");
    return mls_effects_build(g, &c, &list, &applied, &p->next->tree, p->next, &p->effects);
}

static void
pending_free_p(struct mls_pending **p)
{
    mls_pending_free(*p);
}

static enum dt_err
pending_read(struct dt_reader *r, struct mls_group *g)
{
    DT_CLEANUP(pending_free_p) struct mls_pending *p = NULL;
    struct dt_view commit;
    struct dt_view welcome;
    struct dt_view content;
    bool present = false;
    enum dt_err err = dt_read_optional(r, &present);

    if (err != DT_OK || !present)
        return err;
    if ((err = dt_read_vec(r, MLS_MESSAGE_MAX, &commit)) != DT_OK ||
        (err = dt_read_vec(r, MLS_MESSAGE_MAX, &welcome)) != DT_OK ||
        (err = dt_read_vec(r, MLS_MESSAGE_MAX, &content)) != DT_OK)
        return err;
    p = dt_alloc(1, sizeof *p);
    if (p == NULL)
        return dt_nomem();
    dt_buf_init(&p->commit, MLS_MESSAGE_MAX);
    dt_buf_init(&p->welcome, MLS_MESSAGE_MAX);
    dt_buf_init(&p->content, MLS_MESSAGE_MAX);
    p->next = mls_group_new(g->suite, &g->policy);
    if (p->next == NULL)
        return dt_nomem();
    if ((err = dt_buf_set(&p->commit, commit)) != DT_OK ||
        (err = dt_buf_set(&p->welcome, welcome)) != DT_OK ||
        (err = dt_buf_set(&p->content, content)) != DT_OK ||
        (err = epoch_read(r, p->next)) != DT_OK || (err = pending_check(g, p)) != DT_OK)
        return err;
    g->pending = p;
    p = NULL;
    return DT_OK;
}

static enum dt_err
past_leaf_read(struct dt_reader *r, const struct newer *newer, uint32_t i,
               struct mls_leaf_node **out)
{
    const struct mls_leaf_node *other = newer_leaf(newer, i);
    uint8_t how;
    enum dt_err err = dt_read_u8(r, &how);

    if (err != DT_OK || how == LEAF_BLANK)
        return err;
    if (how == LEAF_SAME && other != NULL) {
        *out = mls_leaf_node_ref(newer->leaves[i]);
        return DT_OK;
    }
    if (how != LEAF_OWN)
        return dt_fail(DT_ERR_FORMAT, "saved leaf %u of a past epoch", i);
    err = mls_leaf_node_read(r, out);
    if (err == DT_OK && same_leaf(*out, other))
        err = dt_fail(DT_ERR_FORMAT, "saved leaf %u is written twice", i);
    return err;
}

static enum dt_err
past_read(struct dt_reader *r, const struct mls_group *g, const struct newer *newer,
          struct mls_past_epoch *p)
{
    uint32_t n;
    enum dt_err err;

    if ((err = context_read(r, g->suite, &p->context)) != DT_OK ||
        (err = dt_read_u64(r, &p->ended_ms)) != DT_OK ||
        (err = secret_read(r, g->suite->hash_len, &p->sender_data)) != DT_OK ||
        (err = dt_read_u32(r, &n)) != DT_OK)
        return err;
    /* Each leaf takes a byte at least. */
    if (n == 0 || n > MLS_LEAVES_MAX || n > r->n)
        return dt_fail(DT_ERR_FORMAT, "a past epoch of %u leaves", n);
    p->leaves = dt_alloc(n, sizeof(struct mls_leaf_node *));
    if (p->leaves == NULL)
        return dt_nomem();
    p->n_leaves = n;
    for (uint32_t i = 0; err == DT_OK && i < n; i++)
        err = past_leaf_read(r, newer, i, &p->leaves[i]);
    if (err == DT_OK)
        err = mls_secret_tree_read(r, g->suite, n, &p->keys);
    return err;
}

static enum dt_err
all_past_read(struct dt_reader *r, struct mls_group *g)
{
    struct newer newer = {g->tree.leaves, g->tree.n_leaves};
    uint64_t after = g->context.epoch;
    uint8_t n;
    enum dt_err err = dt_read_u8(r, &n);

    if (err != DT_OK)
        return err;
    if (n > MLS_PAST_EPOCHS_MAX || n > g->policy.past_epochs)
        return dt_fail(DT_ERR_FORMAT, "%u past epochs saved", n);
    for (size_t i = 0; err == DT_OK && i < n; i++) {
        struct mls_past_epoch *p = &g->past[i];

        /* Counted at once, so that a half-read one is cleared with the group. */
        g->n_past = i + 1;
        err = past_read(r, g, &newer, p);
        /* A member that was removed has its last epoch among the past ones. */
        if (err == DT_OK &&
            (p->context.epoch > after || (p->context.epoch == after && (g->member || i > 0)) ||
             !dt_view_equal(p->context.group_id, g->context.group_id)))
            err = dt_fail(DT_ERR_FORMAT, "past epochs are out of order");
        after = p->context.epoch;
        newer.leaves = p->leaves;
        newer.n_leaves = p->n_leaves;
    }
    return err;
}

enum dt_err
mls_group_load(struct dt_view saved, struct mls_group **out)
{
    DT_CLEANUP(mls_group_free_p) struct mls_group *g = NULL;
    struct mls_group_policy policy;
    const struct dt_suite *suite;
    struct dt_reader r = dt_reader_init(saved);
    uint16_t version;
    uint16_t id;
    enum dt_err err;

    if (saved.n > MLS_GROUP_STATE_MAX)
        return dt_fail(DT_ERR_LIMIT, "a saved group of %zu bytes", saved.n);
    if ((err = dt_read_u16(&r, &version)) != DT_OK)
        return err;
    if (version != STATE_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "version %u of a saved group", version);
    if ((err = dt_read_u16(&r, &id)) != DT_OK ||
        (err = dt_read_u32(&r, &policy.past_epochs)) != DT_OK ||
        (err = dt_read_u64(&r, &policy.past_age_ms)) != DT_OK)
        return err;
    suite = dt_suite_get(id);
    if (suite == NULL)
        return dt_fail(DT_ERR_UNSUPPORTED, "cipher suite %u", id);
    if ((err = mls_group_policy_check(&policy)) != DT_OK)
        return dt_fail(DT_ERR_FORMAT, "a saved group keeps too many past epochs");
    g = mls_group_new(suite, &policy);
    if (g == NULL)
        return dt_nomem();
    if ((err = dt_read_optional(&r, &g->member)) != DT_OK || (err = epoch_read(&r, g)) != DT_OK)
        return mls_rule_error(err);
    if (g->member && ((err = cache_read(&r, g)) != DT_OK || (err = pending_read(&r, g)) != DT_OK))
        return mls_rule_error(err);
    if ((err = all_past_read(&r, g)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    *out = g;
    g = NULL;
    return DT_OK;
}
