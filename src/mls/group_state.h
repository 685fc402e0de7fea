/*
 * mls/group_state.h - what writing (group_state.c) and reading (group_load.c) a saved group share.
 *
 * Layer: mls.
 */
#ifndef DT_MLS_GROUP_STATE_H
#define DT_MLS_GROUP_STATE_H

#include "mls/group_internal.h"

#define MLS_STATE_VERSION 2u

/* How a past epoch names a leaf. */
enum { MLS_SAVED_LEAF_BLANK = 0, MLS_SAVED_LEAF_SAME = 1, MLS_SAVED_LEAF_OWN = 2 };

/* The same bytes; NULL is like nothing. */
bool mls_same_leaf(const struct mls_leaf_node *a, const struct mls_leaf_node *b);

/* ---- what both forms of a saved group are made of: see group_state.c ---- */

/* All that comes before the ratchet tree. */
void mls_state_head_write(struct dt_writer *w, const struct mls_group *g);
/* Own keys and the epoch's secrets, but for the secret tree; members only. */
void mls_state_secrets_write(struct dt_writer *w, const struct mls_group *g);
void mls_state_reinit_write(struct dt_writer *w, const struct mls_group *g);
/* What was said in the open in this epoch: proposals by anyone, PublicMessages of ours. */
bool mls_state_has_said(const struct mls_group *g);
void mls_state_cache_write(struct dt_writer *w, const struct mls_group *g);
void mls_state_pending_write(struct dt_writer *w, const struct mls_pending *p);
void mls_state_kept_write(struct dt_writer *w, const struct mls_group *g);
/* Without its secret tree. */
void mls_state_past_write(struct dt_writer *w, const struct mls_past_epoch *p,
                          const struct mls_tree *newer);

#endif
