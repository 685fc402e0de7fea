/*
 * agent/sync/flows.h - the steps of sync, each one transaction: take in a cell, prepare what is to
 * be sent, found, join.
 *
 * Source: docs/protocol-agent.md. Layer: agent, internal.
 */
#ifndef DT_AGENT_SYNC_FLOWS_H
#define DT_AGENT_SYNC_FLOWS_H

#include "agent/channel/check.h"
#include "agent/channel/lapse.h"
#include "agent/sync/outbox.h"

/* The rules' view of ${ch}. */
struct dt_rules dt_channel_rules(const struct dt_agent *a, const struct dt_channel *ch);

/* ---- channel/take.c ---- */

/* One reading of a queue that a Commit may end. Behind that Commit nothing is read again, so where
 * it cannot be the last word yet, it is looked at twice: see dt_channel_take_cell(). */
struct dt_ending {
    uint64_t queue; /* number of the queue */
    uint64_t last;  /* its last position, by the relay's word */
    bool looked;    /* it was read again for this */
    bool again; /* set for the caller: the cell was not taken in; the queue is to be read again */
};

/**
 * dt_channel_take_cell(a, group_id, queue_number, item, ending, report):
 * Take in the cell at item->position of the channel's queue number ${queue_number}: plaintext,
 * ratchet state and position in one transaction. A cell that was taken already (another process),
 * or of a queue that has ended, changes nothing. ${ending}, may be NULL: a Commit that ends the
 * queue while that is in doubt, or has more behind it, is not taken in the first time, nothing is
 * changed, and ending->again is set.
 */
DT_MUST_CHECK enum dt_err
dt_channel_take_cell(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t queue_number,
                     const struct dt_wire_item *item, struct dt_ending *ending,
                     struct dt_sync_report *report);

/* Who sent the application message of ${e}: seat, payload and what is to be known of them. Views of
 * ${p} and ${in} point into ${e} and ${s}. */
DT_MUST_CHECK enum dt_err dt_incoming_from(struct dt_agent *a, const struct dt_channel *ch,
                                           const struct mls_event *e, struct dt_seat *s,
                                           struct dt_payload *p, struct dt_incoming *in);

/* The queue was read to its end: note the time; after an absence longer than a voucher's life the
 * channel becomes unconfirmed first (*${before} was the last time). */
DT_MUST_CHECK enum dt_err dt_channel_note_absence(struct dt_agent *a,
                                                  const uint8_t group_id[static 32]);
DT_MUST_CHECK enum dt_err dt_channel_note_read(struct dt_agent *a,
                                               const uint8_t group_id[static 32]);

/* ---- channel/alarm.c ---- */

/* An alarm that names ${m}, when it is given and its chain holds. Inside a transaction. */
DT_MUST_CHECK enum dt_err dt_channel_alarm(struct dt_agent *a, const struct dt_channel *ch,
                                           enum dt_alarm_kind kind, uint64_t position,
                                           const struct mls_member *m, const char *text);

/* Is one of ${approvals} under a letter that we know to be revoked? *${out_party}: whose. */
DT_MUST_CHECK enum dt_err dt_approvals_revoked(struct dt_agent *a, struct dt_view approvals,
                                               bool *out_revoked, size_t *out_party);

/* A Commit of ${sender} counts for every member, whatever this one knows besides (clock,
 * revocations): it says so, and goes along. */
DT_MUST_CHECK enum dt_err dt_commit_known(struct dt_agent *a, const struct dt_channel *ch,
                                          const struct mls_member *sender,
                                          const struct mls_effects *e, struct dt_view warrant,
                                          uint64_t position);

/* ---- channel/send.c ---- */

/* Turn what may be sent now into outbox rows. ${out_made} counts them. */
DT_MUST_CHECK enum dt_err dt_channel_prepare(struct dt_agent *a, const uint8_t group_id[static 32],
                                             size_t *out_made);

/* Have our session key replaced by the next Commit, unless that is to be already. */
DT_MUST_CHECK enum dt_err dt_rotation_add(struct dt_agent *a, const struct dt_channel *ch);

/* ---- channel/commit.c ---- */

/* Make the Commit of ${intent} pending in ${ch} and put it into the outbox. Errors that are not
 * local mean that the intent can never be done as it is. STATE: it is done already (drop it). */
DT_MUST_CHECK enum dt_err dt_commit_make(struct dt_agent *a, struct dt_channel *ch,
                                         const struct dt_intent *intent);

/* What follows every accepted Commit, ours or not, after the group has moved on. */
DT_MUST_CHECK enum dt_err dt_commit_follow(struct dt_agent *a, struct dt_channel *ch,
                                           const struct dt_commit_meaning *meaning);

/* Encode the history extension for a new member. */
DT_MUST_CHECK enum dt_err dt_history_ext(const struct dt_channel *ch, struct dt_view warrants,
                                         struct dt_buf *out);

/* Capabilities that every leaf of ours lists, and what a group requires. */
extern const uint16_t dt_mls_extensions[1];
extern const uint16_t dt_mls_proposals[1];
#define DT_MLS_SUITE 1u

/* A new session key, its voucher and credential. */
struct dt_session {
    struct dt_secret seed;
    uint8_t pub[32];
    struct dt_voucher voucher;
    struct dt_buf identity;
};
void dt_session_clear(struct dt_session *s);
/* For a new seat, under our present letter, with serial 0. */
DT_MUST_CHECK enum dt_err dt_session_new(struct dt_agent *a, const uint8_t group_id[static 32],
                                         const uint8_t invitation_id[static 16],
                                         struct dt_session *out);
/* For the seat that we have: under its letter, with the next serial. */
DT_MUST_CHECK enum dt_err dt_session_rotate(struct dt_agent *a, const uint8_t group_id[static 32],
                                            const struct dt_seat *own, struct dt_session *out);
struct mls_leaf_params dt_session_leaf(const struct dt_session *s);

/* Check a key package for a seat: by its letter, with this invitation id, serial 0, voucher valid
 * now. */
DT_MUST_CHECK enum dt_err dt_key_package_check(struct dt_agent *a, const struct dt_rules *rules,
                                               struct dt_view key_package,
                                               const uint8_t letter_hash[static 32],
                                               const uint8_t invitation_id[static 16]);

/* How key package lifetimes are judged on an Add. */
struct mls_time_policy dt_mls_lifetime(const struct dt_agent *a);
struct mls_group_policy dt_mls_past(void);

/* ---- channel/found.c, channel/admit.c, channel/join.c: inbox messages ---- */

/* REFUSED when an approval of an admission of ours is under a letter that was revoked since. */
DT_MUST_CHECK enum dt_err dt_approvals_stand(struct dt_agent *a, struct dt_view approvals);

DT_MUST_CHECK enum dt_err dt_founding_signature_take(struct dt_agent *a,
                                                     const struct dt_inbox_message *m);
DT_MUST_CHECK enum dt_err dt_key_package_take(struct dt_agent *a, const struct dt_inbox_message *m);
/* When all answers are in: epoch 0, epoch 1, queue, Welcomes. *${out_founded} says whether. */
DT_MUST_CHECK enum dt_err dt_founding_try(struct dt_agent *a, const uint8_t group_id[static 32],
                                          bool *out_founded);

DT_MUST_CHECK enum dt_err dt_invitation_take(struct dt_agent *a, const struct dt_inbox_message *m);
/* ${position}: in the inbox, for an alarm. */
DT_MUST_CHECK enum dt_err dt_welcome_take(struct dt_agent *a, const struct dt_inbox_message *m,
                                          uint64_t position);

DT_MUST_CHECK enum dt_err dt_approval_request_take(struct dt_agent *a,
                                                   const struct dt_inbox_message *m);
DT_MUST_CHECK enum dt_err dt_approval_take(struct dt_agent *a, const struct dt_inbox_message *m);
DT_MUST_CHECK enum dt_err dt_admission_key_package(struct dt_agent *a,
                                                   const struct dt_inbox_message *m);
DT_MUST_CHECK enum dt_err dt_rejoin_take(struct dt_agent *a, const struct dt_inbox_message *m);
DT_MUST_CHECK enum dt_err dt_rejoin_key_package(struct dt_agent *a,
                                                const struct dt_inbox_message *m);

/* ---- receipt_copy.c ---- */

/* A copy of a receipt reached our inbox. REFUSED, AUTH, FORMAT: passed over. */
DT_MUST_CHECK enum dt_err dt_copy_take(struct dt_agent *a, const struct dt_inbox_message *m);

/* What an admission intent needs for its Commit; and its end. */
struct dt_admission {
    uint8_t request_id[16];
    uint8_t group_id[32];
    bool ours;
    bool approved_by_us;
    enum dt_admission_state state;
    uint8_t letter_hash[32]; /* to be admitted */
    uint8_t from_hash[32];   /* letter of who asks */
    uint64_t epoch;
    struct dt_buf approvals; /* body of the ground */
    struct dt_buf key_package;
};
void dt_admission_clear(struct dt_admission *x);
DT_MUST_CHECK enum dt_err dt_admission_load(struct dt_agent *a, const uint8_t request_id[static 16],
                                            struct dt_admission *out);
DT_MUST_CHECK enum dt_err dt_admission_save(struct dt_agent *a, const struct dt_admission *x);
/* A Commit with ${warrant} was taken in the channel: requests of others whose invitee it adds are
 * done.
 */
DT_MUST_CHECK enum dt_err dt_admissions_came(struct dt_agent *a, const uint8_t group_id[static 32],
                                             struct dt_view warrant);

/* A re-join request that we may commit. */
struct dt_rejoin_row {
    uint8_t invitation_id[16];
    uint8_t group_id[32];
    uint64_t number;           /* in the order in which they came */
    uint8_t sender[32];        /* delegate key */
    struct dt_buf request;     /* dt_rejoin_encode() */
    struct dt_buf key_package; /* empty until it came */
};
void dt_rejoin_row_clear(struct dt_rejoin_row *x);
DT_MUST_CHECK enum dt_err dt_rejoin_row_load(struct dt_agent *a,
                                             const uint8_t invitation_id[static 16],
                                             struct dt_rejoin_row *out);

/**
 * dt_rejoin_unblocks(a, ch, out):
 * May ${ch}, which is unconfirmed, commit the requests to re-join that wait? Only where nothing
 * else can ever confirm it: of each other party that has not said `here`, every delegate who has a
 * seat asks to be put in anew, and so is mute until somebody does that.
 */
DT_MUST_CHECK enum dt_err dt_rejoin_unblocks(struct dt_agent *a, const struct dt_channel *ch,
                                             bool *out);

/* An invitation that reached us, and the keys of our answer. */
struct dt_invitation {
    uint8_t invitation_id[16];
    uint8_t group_id[32];
    enum dt_invitation_state state;
    bool founding_member;
    bool rejoin;
    struct dt_buf founding; /* encoded, with signatures */
    struct dt_buf letters;  /* opaque<V> each, in the list's order */
    uint8_t from_hash[32];
    struct dt_secret session_seed;
    struct dt_secret init_priv;
    struct dt_secret leaf_priv;
    struct dt_buf key_package;
};
void dt_invitation_clear(struct dt_invitation *x);
DT_MUST_CHECK enum dt_err dt_invitation_load(struct dt_agent *a,
                                             const uint8_t invitation_id[static 16],
                                             struct dt_invitation *out);
DT_MUST_CHECK enum dt_err dt_invitation_save(struct dt_agent *a, const struct dt_invitation *x);
/* Seats that requests to re-join of ours in the channel, number ${since} and later, may have been
 * given, seen by us or not: those of which no Welcome can make use any more, for it did or the key
 * package has run out; the latest. */
DT_MUST_CHECK enum dt_err dt_invitation_seats(struct dt_agent *a, const uint8_t group_id[static 32],
                                              uint64_t since,
                                              uint8_t out[static DT_INVITATION_SEATS][16],
                                              size_t *out_n);
/* No Welcome to a request to re-join of ours in the channel is used any more; its keys go. */
DT_MUST_CHECK enum dt_err dt_invitation_withdraw(struct dt_agent *a,
                                                 const uint8_t group_id[static 32]);
/* Make session key, voucher and key package for ${x}, and put them into it. */
DT_MUST_CHECK enum dt_err dt_invitation_answer(struct dt_agent *a, struct dt_invitation *x);

/* ---- copies.c ---- */

/* A Welcome at ${position} of the inbox that this home did not ask for, or that is for other keys
 * than it has: did a copy of it? REFUSED when it means nothing. */
DT_MUST_CHECK enum dt_err dt_copy_welcome(struct dt_agent *a, const struct dt_inbox_message *m,
                                          uint64_t position);

/* The new seat of our own delegate key among those whom a Commit adds. */
DT_MUST_CHECK enum dt_err dt_copy_reseat(struct dt_agent *a, const struct dt_channel *ch,
                                         const struct mls_effects *effects,
                                         uint8_t out_seat[static 16], bool *out_found);

/* A Commit that was taken took our leaf away: for good (${seat} NULL), for the seat that we asked
 * for, or for one that a copy of this home asked for. The caller saves ${ch}. */
DT_MUST_CHECK enum dt_err dt_copy_seat_lost(struct dt_agent *a, struct dt_channel *ch,
                                            const uint8_t *seat, uint64_t position);

/* ---- rejoin.c ---- */

/* Ask to be put in anew when that is due. ${out_made} counts it. */
DT_MUST_CHECK enum dt_err dt_rejoin_step(struct dt_agent *a, const uint8_t group_id[static 32],
                                         size_t *out_made);

/* We are back by a re-join; ${was} is the channel as it was kept until now. Inside the transaction
 * that joins. */
DT_MUST_CHECK enum dt_err dt_rejoin_back(struct dt_agent *a, const struct dt_channel *was);

/* After coming back: tell once how much the old queue held that we cannot read. Asks the relay. */
DT_MUST_CHECK enum dt_err dt_rejoin_missed(struct dt_agent *a, const uint8_t group_id[static 32]);

/* ---- talk.c ---- */

DT_MUST_CHECK enum dt_err dt_talk_receive(struct dt_agent *a, const struct dt_incoming *in);
/* Ours, in pieces (chunk.c): its row, without bytes. Its id was just drawn. */
DT_MUST_CHECK enum dt_err dt_talk_file_begin(struct dt_agent *a, const uint8_t group_id[static 32],
                                             const struct dt_payload *p);
/* Ours is in the outbox; ours was read back. No such talk is fine (a record). */
DT_MUST_CHECK enum dt_err dt_talk_sent(struct dt_agent *a, const uint8_t group_id[static 32],
                                       const uint8_t id[static 16]);
/* It stands at another position than where it was shown first. ${from}: its sender's delegate key;
 * NULL: not known, whoever had the id first. */
DT_MUST_CHECK enum dt_err dt_talk_moved(struct dt_agent *a, const uint8_t group_id[static 32],
                                        const uint8_t id[static 16], const uint8_t *from,
                                        uint64_t position);
DT_MUST_CHECK enum dt_err dt_talk_confirm(struct dt_agent *a, const struct dt_incoming *in);
/* A copy of this home said it, maybe something that waits here to be said. */
DT_MUST_CHECK enum dt_err dt_talk_of_copy(struct dt_agent *a, const struct dt_incoming *in);

/* ---- inbox.c ---- */

/* Position read so far, and whether the queue was created. */
DT_MUST_CHECK enum dt_err dt_inbox_state(struct dt_agent *a, bool *ready, uint64_t *position);
DT_MUST_CHECK enum dt_err dt_inbox_state_set(struct dt_agent *a, bool ready, uint64_t position);
/* ---- cells that the relay keeps no longer (expired.c) ---- */

/* The relay says that its queue begins at position ${first}, behind what is to be read next. What
 * was read before is told by nobody's alarm; of what was not, an inbox goes on behind it, and a
 * channel is joined anew, for a Commit may have been among it. Transactions of their own. */
DT_MUST_CHECK enum dt_err dt_inbox_expired(struct dt_agent *a, uint64_t first);
DT_MUST_CHECK enum dt_err dt_channel_expired(struct dt_agent *a, const uint8_t group_id[static 32],
                                             const uint8_t address[static 32], uint64_t first);

/* Tell the relay how far each queue is in our store, where that is further than it was told. A
 * relay that does not take it is no error. */
DT_MUST_CHECK enum dt_err dt_tell_relay(struct dt_agent *a);

/* As those of channel/review.h. */
DT_MUST_CHECK enum dt_err dt_inbox_review_due(struct dt_agent *a, bool *out);
DT_MUST_CHECK enum dt_err dt_inbox_review_begin(struct dt_agent *a);
DT_MUST_CHECK enum dt_err dt_inbox_review_end(struct dt_agent *a, uint64_t last);
DT_MUST_CHECK enum dt_err dt_inbox_take_cell(struct dt_agent *a, const struct dt_wire_item *item,
                                             struct dt_sync_report *report);

/* ---- status.c ---- */

/* "here" of one seat in this stay; forgotten when the channel becomes unconfirmed. */
DT_MUST_CHECK enum dt_err dt_here_note(struct dt_agent *a, const uint8_t group_id[static 32],
                                       const uint8_t invitation_id[static 16]);
/* A `here` of ${s} that does not stand: one whose voucher or letter begins later than our clock
 * says is remembered, for it is our clock that is wrong. */
DT_MUST_CHECK enum dt_err dt_here_early(struct dt_agent *a, const struct dt_channel *ch,
                                        const struct dt_seat *s);
/* Is the clock right by now, so that others are to be asked to say `here` again? Until that is on
 * its way. */
DT_MUST_CHECK enum dt_err dt_here_again(struct dt_agent *a, const struct dt_channel *ch, bool *out);
DT_MUST_CHECK enum dt_err dt_here_asked(struct dt_agent *a, const struct dt_channel *ch);
DT_MUST_CHECK enum dt_err dt_here_forget(struct dt_agent *a, const uint8_t group_id[static 32]);

/* ---- channel/move.c ---- */
struct dt_amend_report;

/* The channel goes on at another relay, whose grant has ${queue_token}; inside the transaction that
 * takes in the amendment. Counts into ${report}. */
DT_MUST_CHECK enum dt_err dt_channel_move(struct dt_agent *a, const uint8_t group_id[static 32],
                                          const uint8_t queue_token[static 32],
                                          struct dt_amend_report *report);

#endif
