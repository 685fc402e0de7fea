/*
 * mls/group_internal.h - the insides of struct mls_group, for the group_*.c files alone.
 *
 * Source: RFC 9420. Layer: mls.
 */
#ifndef DT_MLS_GROUP_INTERNAL_H
#define DT_MLS_GROUP_INTERNAL_H

#include "mls/framing.h"
#include "mls/group.h"
#include "mls/key_schedule.h"
#include "mls/outside.h"
#include "mls/private_message.h"
#include "mls/proposal_list.h"

/* An ended epoch, kept to read what comes late. */
struct mls_past_epoch {
    struct mls_group_context context;
    uint64_t ended_ms;
    struct dt_secret sender_data;
    struct mls_secret_tree keys;
    struct mls_tree tree; /* who was who: only its leaves are asked for */
};
void mls_past_epoch_clear(struct mls_past_epoch *p);

/* The private keys of the leaf in an Update of ours. */
struct mls_update_keys {
    struct dt_secret leaf_priv;
    struct dt_secret signature_priv;
};
void mls_update_keys_free(struct mls_update_keys *k);

/* The resumption PSK of an ended epoch. */
struct mls_kept_psk {
    uint64_t epoch;
    uint64_t ended_ms;
    struct dt_secret value;
};

/* A proposal of the present epoch that a Commit may name. */
struct mls_cached_proposal {
    uint8_t ref[DT_HASH_MAX];
    struct mls_sender by;
    struct mls_proposal *proposal;
    struct mls_update_keys *keys; /* own Updates; NULL else */
};

/* Effects with what their views need. */
struct mls_effects_box {
    struct mls_effects e;
    struct mls_leaf_node **leaves;
    size_t n_leaves;
    struct mls_proposal_list list;
    struct dt_buf authenticated_data;
    struct dt_buf context; /* content of the next extensions */
    struct dt_buf authenticator;
};
void mls_effects_box_clear(struct mls_effects_box *b);

struct mls_staged {
    bool lost; /* effects only: its secrets cannot be had here */
    uint64_t base_epoch;
    struct dt_buf base_authenticator; /* of the epoch it was made on */
    struct mls_group *next;           /* NULL: the commit removes us */
    struct mls_effects_box effects;
};

/* An own commit that was made and not yet ordered. */
struct mls_pending {
    struct dt_buf commit;
    struct dt_buf welcome;
    struct dt_buf content; /* AuthenticatedContent of the commit */
    struct mls_group *next;
    struct mls_effects_box effects;
};

/* What changed since mls_group_saved(), besides what each secret tree knows of itself. */
struct mls_changed {
    bool all;
    bool proposals;
    bool pending;
};

struct mls_group {
    struct mls_changed changed;
    const struct dt_suite *suite;
    struct mls_group_policy policy;
    bool member;
    uint32_t own_leaf;
    struct mls_group_context context;
    struct dt_buf interim; /* interim_transcript_hash */
    struct mls_tree tree;
    /* When no longer a member, all of these are empty. */
    struct mls_tree_priv priv;
    struct dt_secret signature_priv;
    struct mls_epoch_secrets secrets;
    struct mls_secret_tree keys;
    struct mls_cached_proposal *cache;
    size_t n_cache;
    struct dt_buf own_public; /* RefHash of each PublicMessage of ours in this epoch, in a row */
    struct mls_pending *pending;
    struct mls_proposal *reinit; /* the ReInit that began this epoch: the group is closed */
    struct mls_past_epoch past[MLS_PAST_EPOCHS_MAX]; /* newest first */
    size_t n_past;
    struct mls_kept_psk kept[MLS_RESUMPTION_PSKS_MAX]; /* newest first */
    size_t n_kept;
};

/* An empty group of ${suite}; NULL when memory is short. */
struct mls_group *mls_group_new(const struct dt_suite *suite,
                                const struct mls_group_policy *policy);
void mls_group_free_p(struct mls_group **g);
void mls_pending_free(struct mls_pending *p);
void mls_group_cache_clear(struct mls_group *g);

/* STATE unless we are a member, and may send. */
DT_MUST_CHECK enum dt_err mls_group_require_member(const struct mls_group *g);
DT_MUST_CHECK enum dt_err mls_group_require_open(const struct mls_group *g);

/* New proposals as the caller describes them; owner of *${out}: the caller. */
DT_MUST_CHECK enum dt_err mls_propose_add(struct dt_view message, struct mls_proposal **out);
DT_MUST_CHECK enum dt_err mls_propose_psk(const struct dt_suite *suite, const struct mls_psk *psk,
                                          enum mls_psk_usage usage, struct mls_proposal **out);
DT_MUST_CHECK enum dt_err mls_propose_extensions(struct mls_typed_list list,
                                                 struct mls_proposal **out);
DT_MUST_CHECK enum dt_err mls_propose_reinit(const struct mls_reinit *x, struct mls_proposal **out);

/* The fields of our next leaf in ${tree}, with what ${rotation} changes, and in ${sig_priv} the key
 * that signs it. Fields are borrowed from the tree's leaf and the rotation. RANGE, AUTH (halves of
 * two keys), REFUSED, UNSUPPORTED. */
DT_MUST_CHECK enum dt_err mls_group_own_fields(const struct mls_group *g, struct mls_tree *tree,
                                               const struct mls_rotation *rotation,
                                               struct mls_leaf_fields *fields,
                                               struct dt_secret *sig_priv);

/* The cached proposals that a Commit of ours names by reference: ${use} has a flag for each.
 * *${out_own_update}: an own Update was left out. */
DT_MUST_CHECK enum dt_err mls_group_select(const struct mls_group *g,
                                           const struct mls_commit_opts *opts, bool *use,
                                           bool *out_own_update);

/* The keys of our Update ${p}, which is the very proposal of the cache; NULL when not held. */
const struct mls_update_keys *mls_group_update_keys(const struct mls_group *g,
                                                    const struct mls_proposal *p);

/* What a GroupInfo of ours says; all borrowed. */
struct mls_info_fields {
    const struct mls_group_context *context;
    const struct mls_tree *tree;      /* for the ratchet_tree extension; NULL: without */
    struct dt_view external_secret;   /* for external_pub; empty: without */
    struct mls_typed_list extensions; /* the caller's own, after ours */
    bool grease;                      /* and one that means nothing */
    struct dt_view confirmation_tag;
    uint32_t signer;
    struct dt_view sig_priv;
};
/* Append it, signed. LIMIT, NOMEM; FORMAT when an extension type appears twice. */
DT_MUST_CHECK enum dt_err mls_group_info_make(const struct dt_suite *suite,
                                              const struct mls_info_fields *fields,
                                              struct dt_buf *out);

/* DT_OK when ${policy} is within limits. */
DT_MUST_CHECK enum dt_err mls_group_policy_check(const struct mls_group_policy *policy);

/* Append a counted proposal to the cache; EXISTS when its ref is there, LIMIT. */
DT_MUST_CHECK enum dt_err mls_group_cache_add(struct mls_group *g, const uint8_t *ref,
                                              struct mls_sender by, struct mls_proposal *p);

/* Resolve the proposals of ${commit} by ${by}: references from the cache. NOT_FOUND. */
DT_MUST_CHECK enum dt_err mls_group_resolve(const struct mls_group *g,
                                            const struct mls_commit *commit, struct mls_sender by,
                                            struct mls_proposal_list *out);

static inline struct mls_sender
mls_auth_content_by(const struct mls_auth_content *c)
{
    return (struct mls_sender){.type = c->sender_type, .index = c->sender};
}
/* Keep the resumption PSK of the epoch that ends now, by the policy; wipe those too old; wipe all.
 */
void mls_group_kept_push(struct mls_group *g, uint64_t now_ms);
void mls_group_kept_expire(struct mls_group *g, uint64_t now_ms);
void mls_group_kept_clear(struct mls_group *g);

/**
 * mls_psk_value(g, psks, id, out):
 * The value of the PSK that ${id} names: among ${psks}, or a resumption PSK of ${g} (NULL: no
 * group) that is still kept. ${out} is borrowed from either. NOT_FOUND.
 */
DT_MUST_CHECK enum dt_err mls_psk_value(const struct mls_group *g, struct mls_psk_list psks,
                                        const struct mls_psk_id *id, struct dt_view *out);

/**
 * mls_group_psk_secret(g, list, psks, more, out):
 * The psk_secret of the PreSharedKey proposals in ${list}, from ${psks} and ${more}; see
 * mls_psk_value(). NOT_FOUND, LIMIT.
 */
DT_MUST_CHECK enum dt_err mls_group_psk_secret(const struct mls_group *g,
                                               const struct mls_proposal_list *list,
                                               struct mls_psk_list psks, struct mls_psk_list more,
                                               struct dt_secret *out);

/* What both sides of a Commit compute once the tree is final. */
struct mls_next_epoch {
    struct mls_group_context context;
    struct mls_epoch_secrets secrets;
    struct dt_secret joiner_secret;
    uint8_t confirmation_tag[DT_HASH_MAX];
};
void mls_next_epoch_clear(struct mls_next_epoch *n);

/* GroupContext of the next epoch with the old confirmed transcript hash (section 12.4.1). */
DT_MUST_CHECK enum dt_err mls_group_provisional(const struct mls_group *g, struct mls_tree *tree,
                                                struct dt_view extensions,
                                                struct mls_group_context *out);

/* Transcript, key schedule and confirmation tag; ${init_secret} is that of ${g}'s epoch, or an
 * external Commit's; ${transcript_input} is the ConfirmedTranscriptHashInput. */
DT_MUST_CHECK enum dt_err mls_group_advance(const struct mls_group *g, struct dt_view init_secret,
                                            const struct mls_group_context *provisional,
                                            struct dt_view transcript_input,
                                            struct dt_view commit_secret, struct dt_view psk_secret,
                                            struct mls_next_epoch *out);

/* Build the group of the next epoch; moves ${n}, ${tree} and ${priv} in. */
DT_MUST_CHECK enum dt_err mls_group_next(const struct mls_group *g, struct mls_next_epoch *n,
                                         struct mls_tree *tree, struct mls_tree_priv *priv,
                                         struct dt_view signature_priv, struct mls_group **out);

/* The ReInit ${p} (NULL is fine) begins the epoch of ${next}. */
void mls_group_close(struct mls_group *next, struct mls_proposal *p);

/* mls_group_commit() with a PreSharedKey proposal for ${link} with ${usage} besides; NULL: none. */
DT_MUST_CHECK enum dt_err mls_group_commit_linked(struct mls_group *g,
                                                  const struct mls_commit_opts *opts,
                                                  const struct mls_psk *link,
                                                  enum mls_psk_usage usage,
                                                  struct mls_commit_out *out);

/* Is the group of ${context} and ${tree} what succeeds ${origin} by the PSK ${link}? REFUSED,
 * NOMEM. RFC 9420 section 12.4.3.1, the last step. */
DT_MUST_CHECK enum dt_err mls_group_link_check(const struct mls_group *origin,
                                               const struct mls_psk_id *link,
                                               const struct mls_group_context *context,
                                               const struct mls_tree *tree);

/* What the ReInit proposal ${p} says; views into it. */
void mls_reinit_of(const struct mls_proposal *p, struct mls_reinit_info *out);

/* Describe a commit on ${g} by the leaf ${committer} of ${tree_after}; ${next} NULL when it removes
 * us. */
DT_MUST_CHECK enum dt_err
mls_effects_build(const struct mls_group *g, const struct mls_auth_content *c, uint32_t committer,
                  const struct mls_proposal_list *list, const struct mls_applied *applied,
                  const struct mls_tree *tree_after, const struct mls_group *next,
                  struct mls_effects_box *out);

/* The suite ${id}, which is the caller's choice. UNSUPPORTED: not known; malleable, and that was
 * not asked for. */
DT_MUST_CHECK enum dt_err mls_suite_choose(uint16_t id, bool allow_malleable,
                                           const struct dt_suite **out);
/* ---- what comes from outside: group_outside.c ---- */

/* The form and the policy of an external Commit: REFUSED, UNSUPPORTED. */
DT_MUST_CHECK enum dt_err mls_external_commit_check(const struct mls_group *g,
                                                    const struct mls_commit *c);

/* Put the joiner's ${leaf} into ${tree}, to which ${list} was applied (${before}: it was not), at
 * *${out}. REFUSED, CONFLICT, UNSUPPORTED. */
DT_MUST_CHECK enum dt_err mls_external_seat(const struct mls_tree *before,
                                            const struct mls_proposal_list *list,
                                            struct mls_leaf_node *leaf, struct mls_tree *tree,
                                            uint32_t *out);

/* The init_secret of an external Commit (section 8.3): made by the joiner with its ExternalInit;
 * had by a member from the one in ${list}. */
DT_MUST_CHECK enum dt_err mls_external_init_seal(const struct dt_suite *suite,
                                                 struct dt_view external_pub,
                                                 struct dt_secret *init_secret,
                                                 struct mls_proposal **out);
DT_MUST_CHECK enum dt_err mls_external_init_open(const struct mls_group *g,
                                                 const struct mls_proposal_list *list,
                                                 struct dt_secret *init_secret);

/* A PublicMessage of the present epoch whose sender is no member. */
DT_MUST_CHECK enum dt_err mls_process_outside(struct mls_group *g, const struct mls_auth_content *c,
                                              struct mls_psk_list psks, struct mls_event *e);

/* May this proposal of an outsider wait for a Commit? */
DT_MUST_CHECK enum dt_err mls_outside_proposal_check(const struct mls_group *g,
                                                     const struct mls_proposal *p);

/* The sender of ${e} is ${leaf} at ${index}. */
DT_MUST_CHECK enum dt_err mls_event_sender(const struct mls_leaf_node *leaf, uint32_t index,
                                           struct mls_event *e);

/* Do what ${c}, which is authentic, says; what is wrong with it makes ${e} a REFUSED. */
DT_MUST_CHECK enum dt_err mls_event_act(struct mls_group *g, const struct mls_auth_content *c,
                                        struct mls_psk_list psks, struct mls_event *e);

/* ---- PublicMessages of ours ---- */

/* Send ${content} (AuthenticatedContent) as PublicMessage to ${out}; ${ref} is what to note. */
DT_MUST_CHECK enum dt_err mls_group_send_public(const struct mls_group *g, struct dt_view content,
                                                uint8_t ref[static DT_HASH_MAX],
                                                struct dt_buf *out);
/* Room for one more note; the note, which cannot fail then. LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err mls_group_note_reserve(struct mls_group *g);
void mls_group_note_public(struct mls_group *g, const uint8_t ref[static DT_HASH_MAX]);
bool mls_group_noted_public(const struct mls_group *g, const uint8_t ref[static DT_HASH_MAX]);

/* ---- GroupInfo, seen by a joiner: group_info.c ---- */

struct mls_group_info;

/* The tree of ${info} (in it, else ${ratchet_tree}) with all checks of section 12.4.3.1, by
 * ${threads} threads, and the signature by its signer. ${out} is empty on entry. NOT_FOUND: no
 * tree. */
DT_MUST_CHECK enum dt_err mls_group_info_tree(const struct dt_suite *suite,
                                              const struct mls_group_info *info,
                                              struct dt_view ratchet_tree, uint32_t threads,
                                              struct mls_tree *out);

/* Its extensions for the caller, without the tree. */
DT_MUST_CHECK enum dt_err mls_join_info_gather(const struct mls_group_info *from,
                                               struct mls_join_info *info);

/* The member as ${leaf} says; views into it. */
void mls_member_of(const struct mls_leaf_node *leaf, uint32_t index, struct mls_member *out);

struct mls_lifetime_policy mls_lifetime_from(const struct mls_time_policy *p);

/* Errors of rules that all members see alike: CONFLICT becomes REFUSED. */
enum dt_err mls_rule_error(enum dt_err err);

/* Content of an extension list from typed bodies. */
DT_MUST_CHECK enum dt_err mls_typed_write(struct mls_typed_list list, struct dt_buf *raw);

/* Capabilities of a leaf as params say; the buffers must outlive ${out}. */
struct mls_leaf_bufs {
    struct dt_buf extensions;
    struct dt_buf proposals;
    struct dt_buf credentials;
    struct dt_buf cipher_suites;
    struct dt_buf leaf_extensions;
};
void mls_leaf_bufs_clear(struct mls_leaf_bufs *b);
DT_MUST_CHECK enum dt_err mls_leaf_fields_of(const struct mls_leaf_params *p,
                                             const struct dt_suite *suite,
                                             struct mls_leaf_bufs *bufs,
                                             struct mls_leaf_fields *out);

#endif
