/*
 * agent/channel/check.h - the rules of a channel: who may sit on a leaf, and which Commit counts.
 *
 * Source: DESIGN "Credentials and vouchers", "Warrants", "Handshakes"; docs/protocol-agent.md
 * "Rules of a Commit". Layer: agent; pure: no I/O, no clock. All members judge a Commit by the
 * group's state and the Commit's bytes alone, so that all judge alike.
 *
 * Errors: REFUSED or AUTH, FORMAT, UNSUPPORTED (the peer's fault: all members see it alike), and
 * NOMEM.
 */
#ifndef DT_AGENT_CHANNEL_CHECK_H
#define DT_AGENT_CHANNEL_CHECK_H

#include "agent/form/founding.h"
#include "agent/form/voucher.h"
#include "agent/form/warrant.h"
#include "mls/group.h"
#include "record/letter.h"

/* Authenticated data of a Commit that begins a new queue without removing anyone. Otherwise it is
 * empty. */
#define DT_COMMIT_NEW_QUEUE 0x01u

/* One leaf whose chain holds: root -> letter -> voucher -> session key. */
struct dt_seat {
    uint32_t leaf;
    size_t party;                /* in the charter */
    struct dt_view letter_bytes; /* borrowed from the identity */
    struct dt_letter letter;
    struct dt_voucher voucher;
};
void dt_seat_clear(struct dt_seat *s);

/* What the rules look at besides the MLS group; all borrowed. */
struct dt_rules {
    const struct dt_charter *charter;
    const uint8_t *forum; /* 32 */
    const struct dt_founding *founding;
    struct dt_view warrants;          /* so far: the undecoded list of struct dt_history */
    struct dt_letters_known *letters; /* NULL: every letter is verified */
};

/**
 * dt_seat_check(rules, identity, signature_key, out):
 * Decode a leaf's ${identity} and check the whole chain for this channel. ${out} empty on entry.
 */
DT_MUST_CHECK enum dt_err dt_seat_check(const struct dt_rules *rules, struct dt_view identity,
                                        struct dt_view signature_key, struct dt_seat *out);

/* The seat of the group's member at ${leaf}. NOT_FOUND when blank. */
DT_MUST_CHECK enum dt_err dt_seat_of(const struct dt_rules *rules, const struct mls_group *g,
                                     uint32_t leaf, struct dt_seat *out);

/* The leaf with this invitation id; false when none. Only for groups whose leaves were checked. */
bool dt_seat_find(const struct mls_group *g, const uint8_t invitation_id[static 16],
                  uint32_t *out_leaf);

/* What an accepted Commit means for what is kept beside the group. */
struct dt_commit_meaning {
    bool new_queue;
    bool adds;
    struct dt_view warrant; /* empty when none; tied to the effects */
};

/**
 * dt_commit_check(rules, g, effects, out):
 * Does the Commit with ${effects}, made on the present epoch of ${g}, count? By-value proposals
 * only; only adds, removes, warrant and the `forum` extension; always a path; every added and
 * removed leaf has exactly one ground that holds; the committer's leaf changes only in session key,
 * encryption key and voucher, with serial + 1.
 */
DT_MUST_CHECK enum dt_err dt_commit_check(const struct dt_rules *rules, const struct mls_group *g,
                                          const struct mls_effects *effects,
                                          struct dt_commit_meaning *out);

/* Check the approvals of ${ground} (kind ADD) for a seat at ${epoch}: one from every party of the
 * founding list. ${out_missing}, may be NULL, gets the bits of the parties whose approval is not
 * there. */
DT_MUST_CHECK enum dt_err dt_approvals_check(const struct dt_rules *rules, struct dt_view approvals,
                                             const uint8_t letter_hash[static 32],
                                             const uint8_t invitation_id[static 16], uint64_t epoch,
                                             uint32_t *out_missing);

/* One approval: AUTH or REFUSED unless it is by its party's root, or by a delegate of it with the
 * right. */
DT_MUST_CHECK enum dt_err dt_approval_check(const struct dt_rules *rules,
                                            const struct dt_approval *a,
                                            const uint8_t letter_hash[static 32],
                                            const uint8_t invitation_id[static 16]);

/**
 * dt_history_check(rules, letters, g):
 * For a joiner: signatures of every party on the founding list (${letters}: one a first delegate,
 * in order); the running hash over founding list and all warrants equals the group's `forum`
 * extension; every invitation id was used once; those that are seated after all warrants are
 * exactly the roster of ${g}, whose chains hold.
 */
DT_MUST_CHECK enum dt_err dt_history_check(const struct dt_rules *rules,
                                           const struct dt_view *letters, size_t n_letters,
                                           const struct mls_group *g);

/* REFUSED unless the founding list stands by itself: forum, letters in order and by the charter's
 * roots (hash and party match). Signatures: those that are there must hold. */
DT_MUST_CHECK enum dt_err dt_founding_check(const struct dt_rules *rules,
                                            const struct dt_view *letters, size_t n_letters);

/* The running hash after all of rules->warrants. */
DT_MUST_CHECK enum dt_err dt_warrants_hash(const struct dt_rules *rules, uint8_t out[static 32]);

/* Has this invitation id ever been used in the channel? */
DT_MUST_CHECK enum dt_err dt_invitation_used(const struct dt_rules *rules,
                                             const uint8_t invitation_id[static 16], bool *out);

/* ---- courier keys (courier_check.c) ---- */

/* May a Commit with ${effects} bring in the courier key that its ${warrant} is for? It is the one
 * key it names, was never used in this channel, and every member of the present epoch has signed
 * that it holds it. */
DT_MUST_CHECK enum dt_err dt_courier_check(const struct dt_rules *rules, const struct mls_group *g,
                                           const struct mls_effects *effects,
                                           const struct dt_warrant *warrant);

/* What the warrants so far say of courier keys. */
struct dt_courier_past {
    size_t n;           /* keys that were committed */
    size_t warrant;     /* of the last one: its warrant's place in the history, from 0 */
    uint8_t key_id[32]; /* likewise */
    uint64_t renew_ms;  /* likewise */
    bool added;         /* somebody was added, or put in anew, since */
};
DT_MUST_CHECK enum dt_err dt_courier_past(const struct dt_rules *rules,
                                          struct dt_courier_past *out);
/* Was the key ${key_id} committed? */
DT_MUST_CHECK enum dt_err dt_courier_used(const struct dt_rules *rules,
                                          const uint8_t key_id[static 32], bool *out);

#endif
