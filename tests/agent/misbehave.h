/*
 * tests/agent/misbehave.h - a hostile member: a delegate's real agent, with the checks taken out.
 *
 * For the tests of this folder and for tests/tools/hostile_member. Everything is made from what a
 * member has: its home, its letter and keys, what others sent it. No cmocka in here.
 */
#ifndef DT_TESTS_AGENT_MISBEHAVE_H
#define DT_TESTS_AGENT_MISBEHAVE_H

#include "agent/sync/flows.h"
#include "record/record.h"

/* Who does it, and where. */
struct mb {
    struct dt_agent *a;
    uint8_t gid[32];
    uint64_t position; /* of what was posted last */
};

/* ---- misbehave.c: posting, and Commits ---- */

/* Append a cell as it is; or an MLSMessage (or anything), sealed as a cell. */
DT_MUST_CHECK enum dt_err mb_post_cell(struct mb *m, struct dt_view cell);
DT_MUST_CHECK enum dt_err mb_post(struct mb *m, struct dt_view message);

/* Protect ${payload} in the group, sign it as always, post it. */
DT_MUST_CHECK enum dt_err mb_payload(struct mb *m, const struct dt_payload *payload);

/* What a Commit with a warrant borrows from. Release with mb_warrant_clear(). */
struct mb_warrant {
    struct dt_buf warrant;
    struct dt_buf forum;
    struct dt_buf caps;
    struct mls_typed extensions[2];
    struct mls_typed private_use[1];
};
void mb_warrant_clear(struct mb_warrant *x);

/* Put the warrant ${w} into ${opts}, and the `forum` extension advanced by it. */
DT_MUST_CHECK enum dt_err mb_use_warrant(struct mb *m, const struct dt_warrant *w,
                                         struct mb_warrant *x, struct mls_commit_opts *opts);

/* A Commit with ${opts}, past all checks of ours; appended to ${out}, not posted. Our own group
 * forgets it, but for the generation it used. */
DT_MUST_CHECK enum dt_err mb_commit_make(struct mb *m, struct mls_commit_opts *opts,
                                         struct dt_buf *out);
/* The same, posted. */
DT_MUST_CHECK enum dt_err mb_commit(struct mb *m, struct mls_commit_opts *opts);
/* The same, and it stays pending: the hostile agent goes along with it when it reads it back. */
DT_MUST_CHECK enum dt_err mb_commit_follow(struct mb *m, struct mls_commit_opts *opts,
                                           struct dt_buf *welcome);

/* A handshake message that mls would never make: ${commit} or ${proposal}, by us, signed by our
 * session key, under our next generation; a Commit's confirmation tag is zeros. Not posted. */
struct mls_commit;
struct mls_proposal;
DT_MUST_CHECK enum dt_err mb_signed(struct mb *m, const struct mls_commit *commit,
                                    const struct mls_proposal *proposal, struct dt_buf *out);

/* The warrant that adds the holder of ${x} with these approvals. */
struct dt_warrant mb_add_ground(const struct dt_admission *x, struct dt_view approvals);

/* The admission of ours, of the channel ${gid}, number ${n} from 0, whose key package is there. */
DT_MUST_CHECK enum dt_err mb_admission(struct mb *m, const uint8_t gid[static 32], unsigned int n,
                                       struct dt_admission *out);

/* Our own seat; it borrows from the agent. */
DT_MUST_CHECK enum dt_err mb_own_seat(struct mb *m, struct dt_seat *out);

/* The leaf of the member with this name in its letter, and its invitation and letter. NOT_FOUND. */
DT_MUST_CHECK enum dt_err mb_member(struct mb *m, const char *name, struct dt_roster_entry *out);

/* From now on every path secret that is sealed to a key on the way of ${leaf} alone is spoiled.
 * UINT32_MAX: none; MB_ALL: those for everybody. */
#define MB_ALL (UINT32_MAX - 1)
DT_MUST_CHECK enum dt_err mb_spoil_paths(struct mb *m, uint32_t leaf);

/* ---- misbehave_commits.c ---- */

DT_MUST_CHECK enum dt_err mb_without_warrant(struct mb *m);
DT_MUST_CHECK enum dt_err mb_own_approval_only(struct mb *m);
DT_MUST_CHECK enum dt_err mb_one_approval_thrice(struct mb *m);
DT_MUST_CHECK enum dt_err mb_forged_approvals(struct mb *m);
DT_MUST_CHECK enum dt_err mb_forged_root_approvals(struct mb *m);
DT_MUST_CHECK enum dt_err mb_approvals_of_another_invitation(struct mb *m); /* admissions 0, 1 */
DT_MUST_CHECK enum dt_err mb_approvals_of_another_channel(struct mb *m,
                                                          const uint8_t other[static 32]);
DT_MUST_CHECK enum dt_err mb_approvals_as_they_are(struct mb *m); /* whatever was revoked since */
DT_MUST_CHECK enum dt_err mb_key_package_twice(struct mb *m);
DT_MUST_CHECK enum dt_err mb_expel(struct mb *m, const char *name); /* another party's, `own` */
DT_MUST_CHECK enum dt_err mb_colleagues_letter(struct mb *m, struct dt_agent *colleague);
DT_MUST_CHECK enum dt_err mb_update_proposal(struct mb *m, struct dt_agent *colleague);
DT_MUST_CHECK enum dt_err mb_expired_voucher(struct mb *m); /* in our own rotation: it counts */
DT_MUST_CHECK enum dt_err mb_external_init(struct mb *m);
DT_MUST_CHECK enum dt_err mb_external_commit(struct mb *m);
DT_MUST_CHECK enum dt_err mb_garbage_commits(struct mb *m, unsigned int n);
DT_MUST_CHECK enum dt_err mb_path_for_all_but(struct mb *m, uint32_t leaf);
DT_MUST_CHECK enum dt_err mb_proposals(struct mb *m, unsigned int n);      /* in one Commit */
DT_MUST_CHECK enum dt_err mb_lone_proposals(struct mb *m, unsigned int n); /* one by one */
DT_MUST_CHECK enum dt_err mb_padding(struct mb *m, size_t n);              /* in a message */

/* ---- misbehave_records.c ---- */

/* A record of ours of the template `concern`..., with the checks taken out. */
struct mb_record {
    const uint8_t *channel;         /* it names; NULL: ours */
    const struct dt_letter *author; /* it names; NULL: ours */
    bool bad_signature;
};
DT_MUST_CHECK enum dt_err mb_record_make(struct mb *m, const struct dt_record_draft *d,
                                         const struct mb_record *how, struct dt_record *out);
DT_MUST_CHECK enum dt_err mb_record_send(struct mb *m, const struct dt_record *r);

/* A contact of ours, all of it. */
DT_MUST_CHECK enum dt_err mb_contact(struct mb *m, const struct mb_record *how,
                                     struct dt_record *out);

/* A record that we hold, of any channel and author, sent into this one. */
DT_MUST_CHECK enum dt_err mb_replay(struct mb *m, const uint8_t commitment[static 32]);

/* A consent of ours about ${subject} to these slots, whether it has them or not; ${not_a_list}:
 * whose slots are no ascending list. */
DT_MUST_CHECK enum dt_err mb_consent(struct mb *m, const struct dt_record *subject, uint64_t slots,
                                     bool not_a_list, const struct mb_record *how,
                                     struct dt_record *out);

/* A proof file of ${items} (opened: ${slots} of the first), as if it held. */
DT_MUST_CHECK enum dt_err mb_proof(struct mb *m, const struct dt_record *const *items,
                                   size_t n_items, uint64_t slots, struct dt_buf *out);

#endif
