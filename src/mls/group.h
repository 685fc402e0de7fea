/*
 * mls/group.h - one member's view of one group: create, join, commit, process, protect, save.
 *
 * Source: RFC 9420 (sections 6, 8 to 12, 14, 15). Layer: mls (base and crypto below). A pure state
 * machine: state and bytes in, new state and bytes out. No I/O, no clock, no global state, no
 * callbacks. The caller saves the group (mls_group_save) in the same transaction as what it got or
 * sends, before it hands anything over.
 *
 *   create --- epoch 0 --- commit --> pending ----- take_pending --> epoch 1 ...
 *   join from Welcome              \                                /
 *                        process --> staged -- the caller's checks -- take
 *
 * Nothing moves to a next epoch by itself: an own Commit stays pending until it was read back, and
 * a Commit of another stays staged until the caller has checked its effects.
 *
 * On any error a group is as it was. External commits and proposals have their own calls:
 * outside.h.
 *
 * What the error classes mean here, besides those of base/err.h:
 *   AUTH         a signature, AEAD tag, membership or confirmation tag does not hold
 *   FORMAT       not a valid encoding, or non-zero padding
 *   STATE        not possible now: a generation's key is consumed, a commit pends
 *   LIMIT        past a maximum of limits.h or group_limits.h (a jump of generations as well)
 *   REFUSED      a rule of RFC 9420 sections 7.3, 12.2 or 12.4 forbids it: all members see it alike
 *   UNSUPPORTED  well-formed, but an option that is not supported
 *   NOT_FOUND    a PSK or a proposal that a Commit names is not held here
 *   EXPIRED      the lifetime policy refuses a key package
 */
#ifndef DT_MLS_GROUP_H
#define DT_MLS_GROUP_H

#include "mls/key_material.h"
#include "mls/sender.h"

struct mls_group;
struct mls_staged;

/* ---- life ---- */

/* What may come from outside the group, each kind by itself; all of it is refused by default. All
 * members must have the same policy: what some refuse and others take splits the group. */
#define MLS_OUTSIDE_JOIN    0x01u /* external Commits (RFC 9420 section 12.4.3.2) */
#define MLS_OUTSIDE_REPLACE 0x02u /* of them, those that remove a leaf (resync) */
#define MLS_OUTSIDE_SENDERS 0x04u /* proposals of those whom external_senders lists (12.1.8) */
#define MLS_OUTSIDE_ADD     0x08u /* proposals by anybody of its own Add */
#define MLS_OUTSIDE_ALL     0x0fu

/* How much of the past is kept: for late messages, and of resumption PSKs; and what is taken from
 * outside. */
struct mls_group_policy {
    uint32_t past_epochs;       /* at most MLS_PAST_EPOCHS_MAX; 0: none */
    uint64_t past_age_ms;       /* how long after an epoch ended; 0: not bounded by time */
    uint32_t resumption_psks;   /* of how many ended epochs, at most MLS_RESUMPTION_PSKS_MAX */
    uint64_t resumption_age_ms; /* how long after an epoch ended; 0: not bounded by time */
    uint8_t outside;            /* MLS_OUTSIDE_ bits; 0: nothing */
};

struct mls_group_params {
    struct mls_leaf_params leaf;
    struct dt_view group_id;
    struct mls_typed_list extensions; /* GroupContext extensions but required_capabilities */
    struct mls_type_list
        required_extensions; /* required_capabilities, written when any list is there */
    struct mls_type_list required_proposals;
    uint64_t not_before_s; /* the lifetime of the creator's first leaf */
    uint64_t not_after_s;
    struct mls_group_policy policy;
};

/* A group of one at epoch 0 (RFC 9420 section 11). Owner: the caller, mls_group_free(). */
DT_MUST_CHECK enum dt_err mls_group_create(const struct mls_group_params *params,
                                           struct mls_group **out);

/* Wipe and release; NULL is fine. */
void mls_group_free(struct mls_group *g);

/* A deep copy. NOMEM. */
DT_MUST_CHECK enum dt_err mls_group_clone(const struct mls_group *g, struct mls_group **out);

/**
 * mls_group_save(g, out), mls_group_load(saved, out):
 * Append the whole state (all secrets in clear: seal it before it touches a disk) to ${out}; read
 * it back. It has one encoding: save(load(x)) == x. Load is strict and treats ${saved} as hostile.
 * Errors: LIMIT, NOMEM; FORMAT, UNSUPPORTED (version, suite), REFUSED.
 */
DT_MUST_CHECK enum dt_err mls_group_save(const struct mls_group *g, struct dt_buf *out);
DT_MUST_CHECK enum dt_err mls_group_load(struct dt_view saved, struct mls_group **out);

/* ---- joining ---- */

struct mls_join_params {
    struct dt_view welcome;     /* MLSMessage */
    struct dt_view key_package; /* MLSMessage */
    const struct mls_key_bundle *bundle;
    struct dt_view signature_priv; /* the seed */
    struct mls_psk_list psks;
    struct mls_time_policy lifetime;
    struct dt_view ratchet_tree; /* when it is not in the GroupInfo; else empty */
    bool allow_malleable;        /* as in struct mls_leaf_params */
    /* How many threads check the members' signatures, at most MLS_THREADS_MAX; 0 and 1: the
     * caller's alone. They end before mls_group_join() does. */
    uint32_t threads;
    struct mls_group_policy policy;
    /* Groups that this one may succeed (RFC 9420 sections 11.2 and 11.3); a Welcome that names one
     * which is not among them is NOT_FOUND. */
    const struct mls_group *const *origins;
    size_t n_origins;
    const struct dt_view *held; /* ids of the groups that the caller is in: not one of them again */
    size_t n_held;
};

/* How a group comes from another. */
enum mls_link { MLS_LINK_NONE = 0, MLS_LINK_REINIT = 2, MLS_LINK_BRANCH = 3 };

/* What the Welcome carried besides the group. Release with mls_join_info_clear(). */
struct mls_join_info {
    struct dt_buf bytes;          /* what the views below point into */
    uint32_t signer;              /* leaf of who committed the Add */
    struct mls_typed *extensions; /* of the GroupInfo, ratchet_tree left out; in order */
    size_t n_extensions;
    enum mls_link link;
    const struct mls_group *origin; /* the one of params->origins that it succeeds, or NULL */
};
void mls_join_info_clear(struct mls_join_info *info);

/* The body of the GroupInfo extension ${type}; false when it is not there. */
bool mls_join_info_extension(const struct mls_join_info *info, uint16_t type, struct dt_view *out);

/**
 * mls_group_join(params, out, info):
 * Join from a Welcome, with every check of RFC 9420 section 12.4.3.1. ${info} may be NULL. A group
 * that succeeds another is held against it as mls_group_reinit() and mls_group_branch() say.
 * Errors: NOT_FOUND (not for this key package; PSK not known), EXISTS (the group id), AUTH, FORMAT,
 * REFUSED, UNSUPPORTED.
 */
DT_MUST_CHECK enum dt_err mls_group_join(const struct mls_join_params *params,
                                         struct mls_group **out, struct mls_join_info *info);

/* ---- what a group says of itself; views are tied to the group until it changes ---- */

struct dt_view mls_group_id(const struct mls_group *g);
uint16_t mls_group_suite(const struct mls_group *g);
uint64_t mls_group_epoch(const struct mls_group *g);
uint32_t mls_group_own_leaf(const struct mls_group *g);
struct dt_view mls_group_epoch_authenticator(const struct mls_group *g);
struct dt_view mls_group_tree_hash(const struct mls_group *g);
struct dt_view mls_group_confirmed_transcript_hash(const struct mls_group *g);

/* The private half of our signature key in the present epoch (RFC 9420 section 7.2), as it was
 * given by the caller, for who keeps it past the epoch. STATE: no longer a member. NOMEM. */
DT_MUST_CHECK enum dt_err mls_group_signature_key(const struct mls_group *g, struct dt_secret *out);

/* False after a Commit that removed this member was taken: only past messages can still be read. */
bool mls_group_is_member(const struct mls_group *g);

/* The body of the GroupContext extension ${type}; false when it is not there. */
bool mls_group_extension(const struct mls_group *g, uint16_t type, struct dt_view *out);

struct mls_member {
    uint32_t leaf;
    uint16_t credential_type;
    struct dt_view identity;   /* of a basic credential; empty for another type */
    struct dt_view credential; /* the content of its one vector, of any type */
    struct dt_view signature_key;
    struct dt_view encryption_key;
    /* Of a leaf that came with a key package and has made no Commit or Update since: from when to
     * when it was to be used, in seconds. Taking in a Commit or joining does not judge it, or
     * members with other clocks would part (RFC 9420 section 7.3): that is the caller's. */
    bool has_lifetime;
    uint64_t not_before_s;
    uint64_t not_after_s;
};

/* Leaves of the tree, blank ones included; and the member at ${leaf}: false when blank or beyond.
 */
uint32_t mls_group_n_leaves(const struct mls_group *g);
uint32_t mls_group_n_members(const struct mls_group *g);
bool mls_group_member(const struct mls_group *g, uint32_t leaf, struct mls_member *out);

/* The next generation of the own ratchets (RFC 9420 section 9.1): application and handshake. */
uint32_t mls_group_generation(const struct mls_group *g);
uint32_t mls_group_handshake_generation(const struct mls_group *g);

/* How many messages of others are known to be missing, in all epochs that are kept: generations
 * that were skipped, and whose keys still wait. */
size_t mls_group_missing(const struct mls_group *g);

/* Append the ratchet tree (optional<Node> ratchet_tree<V>, RFC 9420 section 12.4.3.3): for those
 * who join by a Welcome without it, that of the epoch they join, which is mls_group_pending_next()
 * while the Commit is pending. It is public to members and bound by the GroupInfo's tree hash.
 * LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err mls_group_ratchet_tree(const struct mls_group *g, struct dt_buf *out);

/* The exporter of the present epoch (RFC 9420 section 8.5): ${len} bytes into ${out}. STATE, RANGE.
 */
DT_MUST_CHECK enum dt_err mls_group_export(const struct mls_group *g, const char *label,
                                           struct dt_view context, size_t len,
                                           struct dt_secret *out);

/* The resumption PSK of ${epoch} (RFC 9420 section 8.6), for use in another group as struct mls_psk
 * with this group's id: of the present epoch, or of one that the policy keeps. NOT_FOUND. */
DT_MUST_CHECK enum dt_err mls_group_resumption_psk(const struct mls_group *g, uint64_t epoch,
                                                   struct dt_secret *out);

/* The ReInit that began the present epoch; false when there was none. When there was, this group
 * sends and takes in nothing more in that epoch: it is only the source of its successor. */
bool mls_group_closed(const struct mls_group *g, struct mls_reinit_info *out);

/* ---- committing ---- */

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order of what it does */
struct mls_commit_opts {
    /* Proposals by value, in this order: extensions, removes, adds, psks, private_use. */
    bool set_extensions; /* replace all GroupContext extensions by the next two fields */
    struct mls_typed_list
        extensions; /* required_capabilities included, when wanted, as its encoding */
    const uint32_t *removes;
    size_t n_removes;
    const struct dt_view *adds; /* key packages as MLSMessage */
    size_t n_adds;
    struct mls_psk_list psks;
    struct mls_psk_list held_psks; /* proposed by nobody here: PSKs for what commit_cached names */
    struct mls_typed_list private_use;
    const struct mls_reinit *reinit; /* alone: nothing else may be committed with it */
    /* Also commit, by reference, the proposals of this epoch. Left out are those that would make
     * the list invalid (RFC 9420 section 12.2): own Updates (a path stands for them), all but the
     * latest Update of a member and any of one who is removed, all but the latest
     * GroupContextExtensions, a ReInit beside others, a PSK that is not among ${psks}, ${held_psks}
     * and the group's own resumption PSKs, and what is invalid in itself. */
    bool commit_cached;
    bool force_path; /* a path even where RFC 9420 section 12.4 does not ask for one */

    /* Rotation: the new leaf's signature key and credential; all empty: they stay. Needs a path and
     * makes one. The Commit is signed with the old key, the Welcome's GroupInfo with the new. */
    struct dt_view new_signature_priv;
    struct dt_view new_signature_pub;
    struct dt_view new_identity;
    uint16_t new_credential_type; /* of ${new_identity}; 0: basic */

    struct dt_view authenticated_data;
    bool as_public; /* as PublicMessage, for a delivery service that must read handshakes (RFC 9420
                       section 6); it has no padding */
    struct mls_typed_list group_info_extensions; /* put into the Welcome's GroupInfo */
    bool grease;     /* and such a value, as in struct mls_leaf_params */
    bool tree_apart; /* leave the ratchet tree out of it: see mls_group_ratchet_tree() */
    size_t padding;  /* zero bytes added to the Commit's content */
    struct mls_time_policy lifetime; /* for the adds */
};

/* What to send. Release with mls_commit_out_clear(). */
struct mls_commit_out {
    struct dt_buf commit;  /* MLSMessage: a PrivateMessage, or as asked for */
    struct dt_buf welcome; /* MLSMessage(Welcome); empty without adds */
};
void mls_commit_out_clear(struct mls_commit_out *out);

/**
 * mls_group_commit(g, opts, out):
 * Make a Commit on the present epoch. A private one uses up one handshake generation. It becomes
 * ${g}'s pending own commit, which is saved with it. Save before sending. Errors: STATE (one is
 * pending; no longer a member), REFUSED, RANGE (no such leaf), AUTH, FORMAT, EXPIRED, UNSUPPORTED
 * (a key package), LIMIT, NOMEM. Source: RFC 9420 section 12.4.1.
 */
DT_MUST_CHECK enum dt_err mls_group_commit(struct mls_group *g, const struct mls_commit_opts *opts,
                                           struct mls_commit_out *out);

/* Is an own commit pending? Its bytes (views tied to the group), as sent. */
bool mls_group_pending(const struct mls_group *g, struct dt_view *commit, struct dt_view *welcome);

/* A look at the group as it will be after the pending commit, for its exporter and authenticator;
 * NULL when nothing is pending. Tied to ${g}. */
const struct mls_group *mls_group_pending_next(const struct mls_group *g);

/* The pending commit was ordered first: move to its epoch. STATE when nothing is pending. */
DT_MUST_CHECK enum dt_err mls_group_take_pending(struct mls_group *g, uint64_t now_ms);

/* Another commit was first, or it is not to be: forget it. Nothing pending is fine. */
void mls_group_drop_pending(struct mls_group *g);

/* ---- successors ---- */

struct mls_successor_params {
    struct mls_leaf_params leaf; /* suite: the one of the ReInit, or of the group that branches */
    struct dt_view group_id;     /* branch: the new group's */
    uint64_t not_before_s;       /* the lifetime of the creator's first leaf */
    uint64_t not_after_s;
    struct mls_group_policy policy;
    const struct dt_view *adds; /* key packages of the other members, as MLSMessage */
    size_t n_adds;
    struct mls_time_policy lifetime;
    struct mls_typed_list group_info_extensions;
    bool tree_apart; /* as in struct mls_commit_opts */
};

/**
 * mls_group_reinit(origin, params, out, commit),
 * mls_group_branch(origin, params, out, commit):
 * Create the group that ${origin}'s ReInit asked for, with all its members; or a group of some of
 * its members, with its suite and GroupContext extensions. The new group is at epoch 0 with its
 * founding Commit pending, which is nobody else's to see: take it, and send commit->welcome.
 * Members are the same when their credentials are: type and bytes. Whether a new signature key may
 * stand for an old one is the caller's to judge, from its key package.
 *
 * Owner:  *${out} is the caller's; ${commit} is overwritten.
 * Errors: STATE (not closed by a ReInit, or closed by one; no longer a member), REFUSED (a member
 * is missing, or one too many; another suite; the same group id), UNSUPPORTED, and those of
 *         mls_group_create() and mls_group_commit().
 * Source: RFC 9420 sections 11.2 and 11.3.
 */
DT_MUST_CHECK enum dt_err mls_group_reinit(const struct mls_group *origin,
                                           const struct mls_successor_params *params,
                                           struct mls_group **out, struct mls_commit_out *commit);
DT_MUST_CHECK enum dt_err mls_group_branch(const struct mls_group *origin,
                                           const struct mls_successor_params *params,
                                           struct mls_group **out, struct mls_commit_out *commit);

/* ---- proposals on their own ---- */

/* One standalone proposal, to be committed by another member: exactly one kind is chosen. */
enum mls_proposal_kind {
    MLS_PROPOSE_REMOVE = 1,
    MLS_PROPOSE_ADD,
    MLS_PROPOSE_PSK,
    MLS_PROPOSE_PRIVATE,
    MLS_PROPOSE_UPDATE,     /* of the own leaf */
    MLS_PROPOSE_EXTENSIONS, /* GroupContextExtensions */
    MLS_PROPOSE_REINIT
};

struct mls_propose_opts {
    enum mls_proposal_kind kind;
    uint32_t remove;              /* REMOVE */
    struct dt_view add;           /* ADD: key package as MLSMessage */
    struct mls_psk psk;           /* PSK: what names it; its value is not needed */
    struct mls_typed private_use; /* PRIVATE */
    struct mls_rotation rotation; /* UPDATE: takes effect when a Commit that names it is taken */
    struct mls_typed_list
        extensions; /* EXTENSIONS: all of the next epoch, required_capabilities included */
    struct mls_reinit reinit; /* REINIT */
    struct dt_view authenticated_data;
    bool as_public; /* as PublicMessage, without padding; MLS_OWN_PUBLIC_MAX of them in an epoch */
    size_t padding;
    struct mls_time_policy lifetime;
};

/**
 * mls_group_propose(g, opts, out):
 * Make it as PrivateMessage (or as asked for), appended to ${out}; it is cached in ${g} as others
 * will cache it. The private keys of an Update are kept, and saved, with the cached proposal: they
 * become ours when a Commit that names it is taken, and are wiped at the end of the epoch. Errors:
 * STATE (no longer a member; closed by a ReInit), RANGE, REFUSED, UNSUPPORTED, AUTH, EXPIRED,
 * LIMIT, NOMEM. Source: RFC 9420 sections 12.1.1 to 12.1.7.
 */
DT_MUST_CHECK enum dt_err
mls_group_propose(struct mls_group *g, const struct mls_propose_opts *opts, struct dt_buf *out);

/* How many proposals are cached for the present epoch. While there are any, application data cannot
 * be sent (RFC 9420 section 12.4). */
size_t mls_group_n_cached(const struct mls_group *g);

/* ---- application messages ---- */

/**
 * mls_group_protect(g, authenticated_data, plaintext, padding, out):
 * Append a PrivateMessage (as MLSMessage) to ${out}; uses up one application generation. ${padding}
 * zero bytes are added inside. Errors: STATE (not a member; proposals are cached), LIMIT, NOMEM.
 */
DT_MUST_CHECK enum dt_err mls_group_protect(struct mls_group *g, struct dt_view authenticated_data,
                                            struct dt_view plaintext, size_t padding,
                                            struct dt_buf *out);

/* ---- processing ---- */

enum mls_event_kind {
    MLS_EVENT_NONE = 0,
    MLS_EVENT_APPLICATION, /* sender, epoch, generation, authenticated_data, plaintext */
    MLS_EVENT_COMMIT,      /* sender, staged */
    MLS_EVENT_COMMIT_LOST, /* sender, staged: its public part holds, but no path secret can be
                              opened here, or the one opened does not fit. Others may follow it; if
                              it passes the caller's checks too, this member has to join anew */
    MLS_EVENT_PROPOSAL,    /* sender, proposal; now cached for a commit by reference */
    MLS_EVENT_OWN_COMMIT,  /* the pending own commit came back: mls_group_take_pending() */
    MLS_EVENT_OWN_MESSAGE, /* an own message came back: epoch, content_type; of a PrivateMessage its
                              generation */
    MLS_EVENT_OWN_UNKNOWN, /* signed by us, yet of a generation we never used, or a PublicMessage we
                              never sent: our state is a
                              restored copy; send nothing more under it. Application data:
                              plaintext, and its key is used up; a handshake message changes nothing
                            */
    MLS_EVENT_REFUSED,     /* sender (leaf UINT32_MAX: one outside, see from),
                              refused: signed by the sender for this epoch, and refused for
                              the reason in the thread's last message (a class of those above);
                              the group is as it was. What is not signed over (a confirmation tag)
                              can be another member's doing, if the relay helps it */
    MLS_EVENT_FOREIGN,     /* of an epoch that is known here, and not sealed under its secrets:
                              garbage, or its sender came to another epoch of that number */
    MLS_EVENT_STALE,       /* of a past epoch that is not kept, or a handshake of any past epoch */
    MLS_EVENT_FUTURE       /* of an epoch that is not reached yet */
};

/* A proposal that came. Views are tied to the event. */
struct mls_proposal_info {
    uint16_t type;           /* RFC 9420 section 17.4 */
    struct dt_view ref;      /* ProposalRef, see mls_group_drop_proposal() */
    struct mls_member added; /* Add; leaf UINT32_MAX */
    uint32_t removed;        /* Remove: the leaf */
    struct dt_view psk_id;   /* PreSharedKey */
    struct dt_view body;     /* private use; GroupContextExtensions: the list's content */
    uint8_t ref_bytes[64];
    struct mls_proposal *held; /* what the views point into */
};

struct mls_event {
    enum mls_event_kind kind;
    uint64_t epoch;       /* of the message */
    uint8_t content_type; /* RFC 9420 section 6: 1 application, 2 proposal, 3 commit */
    uint32_t generation;
    enum dt_err refused; /* REFUSED: the class */
    size_t padding;      /* zero bytes behind the content of a PrivateMessage */
    uint32_t
        awaited; /* APPLICATION: the generation that was next of this sender; a larger one means
                    that messages before it were not seen, a smaller one that it comes late */
    struct mls_sender from;   /* what kind of sender */
    struct mls_member sender; /* as of the message's epoch; its views point into bytes. leaf
                                 UINT32_MAX: no member; then as its credential says */
    struct mls_proposal_info proposal;
    struct dt_buf authenticated_data;
    struct dt_buf plaintext;
    struct dt_buf bytes;
    struct mls_staged *staged; /* COMMIT, COMMIT_LOST: the event's until taken out (set NULL) */
};

/* Release what it holds (a staged group too); kind becomes NONE. */
void mls_event_clear(struct mls_event *e);

/**
 * mls_group_process(g, psks, message, out):
 * Take in one MLSMessage (PrivateMessage; PublicMessage for handshakes). What was decrypted with
 * success has its key wiped: the same bytes again are STATE, also after save and load. A Commit
 * that is REFUSED is the exception: its tag is not signed, so that another member could burn the
 * key of a good one with a spoiled copy. ${out} is overwritten; it must be cleared before. A Commit
 * changes nothing else in ${g} until its staged group is taken. An error means that nobody can be
 * named for the message: it was not signed, or not so that a signature could be found in it; else
 * what is wrong with it is the event REFUSED. Errors: the classes above. FORMAT for another group's
 * id or wire format. Source: RFC 9420 sections 6, 9, 12.1.8, 12.2, 12.4.2, 12.4.3.2.
 */
DT_MUST_CHECK enum dt_err mls_group_process(struct mls_group *g, struct mls_psk_list psks,
                                            struct dt_view message, struct mls_event *out);

/* What a commit does. Views and arrays are tied to the staged (or pending) commit. */
struct mls_effect_update {
    struct mls_member before;
    struct mls_member after;
};

struct mls_effect_private {
    uint16_t type;
    uint32_t proposer; /* leaf of who made the proposal: the committer for those by value */
    struct dt_view body;
};

/* One proposal of the Commit. The k-th of a type describes the k-th of that type's array: added (of
 * an external Commit without the joiner, who is first there), removed, private_use, psk_ids. */
struct mls_effect_proposal {
    uint16_t type;        /* RFC 9420 section 17.4 */
    struct mls_sender by; /* NEW_MEMBER_COMMIT: the joiner, in its external Commit */
    bool by_reference;
};

struct mls_effects {
    uint64_t epoch; /* the one it begins */
    uint32_t committer;
    bool external; /* the committer came in by this very Commit: it is added[0], and if a leaf was
                      removed, that was its former one, by what it says: whether both are the same
                      person is the caller's to judge (RFC 9420 section 12.2) */
    bool path;
    bool removes_us; /* epoch_authenticator is empty then */
    struct mls_member *added;
    size_t n_added;
    struct mls_member *removed; /* as they were */
    size_t n_removed;
    struct mls_effect_update
        *updated; /* the committer when there is a path, and Update proposals */
    size_t n_updated;
    struct mls_effect_private *private_use; /* in the order of the Commit */
    size_t n_private_use;
    struct dt_view *psk_ids; /* external PSKs in the order of the Commit */
    size_t n_psk_ids;
    size_t n_resumption_psks; /* resumption PSKs that it uses */
    bool closes;              /* a ReInit: nothing but a successor comes after it */
    struct mls_reinit_info reinit;
    struct mls_effect_proposal *proposals; /* in the order of the Commit */
    size_t n_proposals;
    bool extensions_replaced;     /* by a GroupContextExtensions proposal: */
    struct mls_typed *extensions; /* the GroupContext extensions of the next epoch, always given */
    size_t n_extensions;
    bool by_reference; /* at least one proposal was by reference */
    struct dt_view authenticated_data;
    struct dt_view epoch_authenticator;
};

const struct mls_effects *mls_staged_effects(const struct mls_staged *s);

/* The group as it will be (NULL when the commit removes us). Tied to ${s}. */
const struct mls_group *mls_staged_next(const struct mls_staged *s);

/* Likewise for the pending own commit; NULL when nothing is pending. */
const struct mls_effects *mls_group_pending_effects(const struct mls_group *g);

void mls_staged_free(struct mls_staged *s);

/**
 * mls_group_take(g, staged, now_ms):
 * Move ${g} to the staged epoch. The old epoch's receiving keys are kept by the policy, counted
 * from
 * ${now_ms}; a pending own commit is dropped. ${staged} is freed on success. STATE when it was made
 * for another epoch of ${g}.
 */
DT_MUST_CHECK enum dt_err mls_group_take(struct mls_group *g, struct mls_staged *staged,
                                         uint64_t now_ms);

/* Wipe past epochs and resumption PSKs that are older than the policy says. */
void mls_group_expire(struct mls_group *g, uint64_t now_ms);

/* Wipe what is kept of past epochs up to ${epoch}, that one included: nothing of them is read any
 * more. None is fine. */
void mls_group_forget_past(struct mls_group *g, uint64_t epoch);

/* How many past epochs are kept now. */
size_t mls_group_n_past(const struct mls_group *g);

#endif
