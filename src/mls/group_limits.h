/*
 * mls/group_limits.h - the maxima of the group half of mls: messages, ratchets, kept epochs, state.
 *
 * Layer: mls. The maxima of trees, leaves and proposals are in mls/limits.h.
 */
#ifndef DT_MLS_GROUP_LIMITS_H
#define DT_MLS_GROUP_LIMITS_H

#include "mls/limits.h"

/* Longest MLSMessage of any kind, and longest saved group (with past epochs and a pending commit).
 */
#define MLS_MESSAGE_MAX     (8u << 20)
#define MLS_GROUP_STATE_MAX (64u << 20)

#define MLS_GROUP_ID_MAX           255u
#define MLS_AUTHENTICATED_DATA_MAX (64u << 10)
#define MLS_APPLICATION_DATA_MAX   (4u << 20)
#define MLS_PADDING_MAX            (1u << 20)
#define MLS_EXPORT_LABEL_MAX       255u

/* Proposals in one Commit, and standalone proposals kept for the present epoch. */
#define MLS_COMMIT_PROPOSALS_MAX 2048u
#define MLS_PROPOSAL_CACHE_MAX   256u
#define MLS_OUTSIDE_CACHE_MAX    64u /* of them, from outside the group */
#define MLS_OWN_PUBLIC_MAX       64u /* PublicMessages of ours in one epoch */
#define MLS_PSKS_MAX             64u

/* Resumption PSKs of ended epochs that a policy may ask for at most (RFC 9420 section 8.6). */
#define MLS_RESUMPTION_PSKS_MAX 16u

/* RFC 9420 section 9.2: how far a ratchet jumps for one message, and how many skipped keys it
 * keeps. */
#define MLS_RATCHET_FORWARD_MAX 1000u
#define MLS_RATCHET_KEPT_MAX    256u

/* Past epochs: what a policy may ask for at most, and the default. */
#define MLS_PAST_EPOCHS_MAX     8u
#define MLS_PAST_EPOCHS_DEFAULT 3u
#define MLS_PAST_AGE_DEFAULT_MS (7u * 86400u * 1000u)

#endif
