/*
 * mls/group_state.c - a whole group as bytes, and back; see mls_group_save() in group.h.
 *
 * One encoding, in TLS presentation language; what version 1, which is still read, did not have is
 * marked:
 *
 *   uint16 version = 2; uint16 cipher_suite; uint32 past_epochs; uint64 past_age_ms;
 *   uint32 resumption_psks; uint64 resumption_age_ms; uint8 outside;        (since 2)
 *   optional<present> member; Epoch epoch;
 *   struct { opaque own_public<V> (since 2); Cached cache[]; } said<V>;     (members only)
 *   optional<Pending> pending;                                              (members only)
 *   struct { uint64 epoch; uint64 ended_ms; opaque psk<V>; } kept<V>;       (since 2, members only)
 *   uint8 n_past; PastEpoch past[n_past];                                   (newest first)
 *
 *   struct {
 *     opaque ref[hash_len]; uint8 sender_type (since 2); uint32 sender; Proposal p;
 *     optional<struct { opaque leaf_priv<V>; opaque signature_priv<V>; }> keys;   (since 2)
 *   } Cached;
 *
 * The content of said is empty when there is neither of the two. An Epoch is context, interim hash,
 * own leaf, tree and, for a member, all secrets and (since 2) the optional<Proposal> ReInit that
 * began it. A PastEpoch names each leaf by its difference to the epoch after it: 0 blank, 1 the
 * same bytes, 2 bytes of its own.
 */
#include "mls/group_state.h"

static void
epoch_begin_write(struct dt_writer *w, const struct mls_group *g)
{
    dt_write_view(w, dt_buf_view(&g->context.raw));
    dt_write_vec(w, dt_buf_view(&g->interim));
    dt_write_u32(w, g->own_leaf);
}

void
mls_state_secrets_write(struct dt_writer *w, const struct mls_group *g)
{
    const struct mls_epoch_secrets *s = &g->secrets;
    const struct dt_secret *secrets[] = {
        &s->init,           &s->sender_data,        &s->exporter,
        &s->external,       &s->confirmation_key,   &s->membership_key,
        &s->resumption_psk, &s->epoch_authenticator};

    mls_tree_priv_write(w, &g->priv);
    dt_write_vec(w, mls_sign_key_bare(g->suite, &g->signature_priv));
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        dt_write_vec(w, dt_secret_view(secrets[i]));
}

void
mls_state_reinit_write(struct dt_writer *w, const struct mls_group *g)
{
    dt_write_optional(w, g->reinit != NULL);
    if (g->reinit != NULL)
        mls_proposal_write(w, g->reinit);
}

static void
epoch_write(struct dt_writer *w, const struct mls_group *g)
{
    epoch_begin_write(w, g);
    mls_tree_write(w, &g->tree);
    if (!g->member)
        return;
    mls_state_secrets_write(w, g);
    mls_secret_tree_write(w, &g->keys);
    mls_state_reinit_write(w, g);
}

bool
mls_state_has_said(const struct mls_group *g)
{
    return g->n_cache > 0 || g->own_public.n > 0;
}

void
mls_state_cache_write(struct dt_writer *w, const struct mls_group *g)
{
    size_t mark = dt_write_vec_begin(w);

    if (mls_state_has_said(g))
        dt_write_vec(w, dt_buf_view(&g->own_public));
    for (size_t i = 0; i < g->n_cache; i++) {
        dt_write_view(w, dt_view(g->cache[i].ref, g->suite->hash_len));
        dt_write_u8(w, g->cache[i].by.type);
        dt_write_u32(w, g->cache[i].by.index);
        mls_proposal_write(w, g->cache[i].proposal);
        dt_write_optional(w, g->cache[i].keys != NULL);
        if (g->cache[i].keys != NULL) {
            dt_write_vec(w, dt_secret_view(&g->cache[i].keys->leaf_priv));
            dt_write_vec(w, mls_sign_key_bare(g->suite, &g->cache[i].keys->signature_priv));
        }
    }
    dt_write_vec_end(w, mark);
}

void
mls_state_pending_write(struct dt_writer *w, const struct mls_pending *p)
{
    dt_write_optional(w, p != NULL);
    if (p == NULL)
        return;
    dt_write_vec(w, dt_buf_view(&p->commit));
    dt_write_vec(w, dt_buf_view(&p->welcome));
    dt_write_vec(w, dt_buf_view(&p->content));
    epoch_write(w, p->next);
}

void
mls_state_kept_write(struct dt_writer *w, const struct mls_group *g)
{
    size_t mark = dt_write_vec_begin(w);

    for (size_t i = 0; i < g->n_kept; i++) {
        dt_write_u64(w, g->kept[i].epoch);
        dt_write_u64(w, g->kept[i].ended_ms);
        dt_write_vec(w, dt_secret_view(&g->kept[i].value));
    }
    dt_write_vec_end(w, mark);
}

bool
mls_same_leaf(const struct mls_leaf_node *a, const struct mls_leaf_node *b)
{
    return a != NULL && b != NULL && dt_view_equal(dt_buf_view(&a->raw), dt_buf_view(&b->raw));
}

void
mls_state_past_write(struct dt_writer *w, const struct mls_past_epoch *p,
                     const struct mls_tree *newer)
{
    dt_write_view(w, dt_buf_view(&p->context.raw));
    dt_write_u64(w, p->ended_ms);
    dt_write_vec(w, dt_secret_view(&p->sender_data));
    dt_write_u32(w, p->tree.n_leaves);
    for (uint32_t i = 0; i < p->tree.n_leaves; i++) {
        const struct mls_leaf_node *leaf = mls_tree_leaf(&p->tree, i);

        if (leaf == NULL) {
            dt_write_u8(w, MLS_SAVED_LEAF_BLANK);
        } else if (mls_same_leaf(leaf, mls_tree_leaf(newer, i))) {
            dt_write_u8(w, MLS_SAVED_LEAF_SAME);
        } else {
            dt_write_u8(w, MLS_SAVED_LEAF_OWN);
            mls_leaf_node_write(w, leaf);
        }
    }
}

void
mls_state_head_write(struct dt_writer *w, const struct mls_group *g)
{
    dt_write_u16(w, MLS_STATE_VERSION);
    dt_write_u16(w, g->suite->id);
    dt_write_u32(w, g->policy.past_epochs);
    dt_write_u64(w, g->policy.past_age_ms);
    dt_write_u32(w, g->policy.resumption_psks);
    dt_write_u64(w, g->policy.resumption_age_ms);
    dt_write_u8(w, g->policy.outside);
    dt_write_optional(w, g->member);
    epoch_begin_write(w, g);
}

enum dt_err
mls_group_save(const struct mls_group *g, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    const struct mls_tree *newer = &g->tree; /* of the epoch after a kept one */

    mls_state_head_write(&w, g);
    mls_tree_write(&w, &g->tree);
    if (g->member) {
        mls_state_secrets_write(&w, g);
        mls_secret_tree_write(&w, &g->keys);
        mls_state_reinit_write(&w, g);
        mls_state_cache_write(&w, g);
        mls_state_pending_write(&w, g->pending);
        mls_state_kept_write(&w, g);
    }
    dt_write_u8(&w, (uint8_t)g->n_past);
    for (size_t i = 0; i < g->n_past; i++) {
        mls_state_past_write(&w, &g->past[i], newer);
        mls_secret_tree_write(&w, &g->past[i].keys);
        newer = &g->past[i].tree;
    }
    return dt_writer_end(&w);
}
