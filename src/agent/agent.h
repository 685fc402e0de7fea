/*
 * agent/agent.h - what the programs do with a delegate's agent: identity, channels, talk, sync,
status.
 *
 * Source: DESIGN; docs/protocol-agent.md. Layer: agent. Blocking calls, one thread per struct
dt_agent; struct dt_charter; struct dt_letter;
 * several processes may have the same home open. The clock is the caller's. Records, answers,
consents and
 * the register are in agent/records/records.h, agent/register/register.h and
agent/records/opening.h.
 *
 * Nothing here waits for the network except dt_agent_sync() and dt_agent_run(): every other call
writes what
 * is to be done into the store, and the next sync does it. On any error the store is as before.
 * Messages (dt_err_message()) are one line: what, where, what to do.
 *
 * Lists are returned as an array that the caller frees with dt_free(); strings in them are inline.
 */
#ifndef DT_AGENT_AGENT_H
#define DT_AGENT_AGENT_H

#include <stdatomic.h>

#include "agent/form/founding.h"
#include "agent/form/item_rule.h"
#include "agent/limits.h"
#include "agent/store/store.h"
#include "base/time.h"

struct dt_agent;
struct dt_charter;
struct dt_letter;

#define DT_AGENT_NAME_MAX 256u /* a person's name or title, bytes of UTF-8 */

/* ---- home and identity ---- */

struct dt_agent_init_params {
    const char *home;
    struct dt_view passphrase;
    struct dt_view charter;    /* encoded, signed by every root */
    struct dt_view amendments; /* of it, a list of opaque<V> in order; empty: none */
    struct dt_view grant;      /* the grant file's bytes */
    const char *party;         /* the party's name in the charter */
    const char *name;          /* of the person */
    const char *title;
    struct dt_clock clock;
};

/**
 * dt_agent_init(params):
 * Make a home: delegate keys (Ed25519, X25519), inbox tokens, charter and grant in a new store. The
 * inbox is created on the relay by the first sync. The home is made whole or not at all. Errors:
 * EXISTS, AUTH/FORMAT (charter), NOT_FOUND (no such party in the charter), those of
 * dt_store_create().
 */
DT_MUST_CHECK enum dt_err dt_agent_init(const struct dt_agent_init_params *params);

/* Open a home. Errors: those of dt_store_open(). Owner: the caller, dt_agent_close(). */
DT_MUST_CHECK enum dt_err dt_agent_open(const char *home, struct dt_view passphrase,
                                        const struct dt_clock *clock, struct dt_agent **out);
/* Open a home that is unlocked (store/kept.h). NOT_FOUND: it is not, or there is none. */
DT_MUST_CHECK enum dt_err dt_agent_open_kept(const char *home, const struct dt_clock *clock,
                                             struct dt_agent **out);
/* Open the home of ${a}, which is ${home}, once more without a passphrase, for another thread: same
 * clock, relay and authorities. ${a} may not be in a call. */
DT_MUST_CHECK enum dt_err dt_agent_open_again(const struct dt_agent *a, const char *home,
                                              struct dt_agent **out);
void dt_agent_close(struct dt_agent *a);

/* From now on until it is closed, reach the relay at ${url} instead of where the grant says
 * (another port, a tunnel). What the relay may do does not change: it is trusted with nothing.
 * Where the grant names a file, the one given is remembered for the next time. RANGE: no address of
 * a relay (net/address.h). */
DT_MUST_CHECK enum dt_err dt_agent_relay_at(struct dt_agent *a, const char *url);

/* What this home saw last of the stick ${id}, a relay that is a file: a place in its history
 * (src/carried compares). NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_agent_stick_seen(struct dt_agent *a, const uint8_t id[static 16],
                                              uint64_t *out_seq, uint8_t out_mark[static 16]);
DT_MUST_CHECK enum dt_err dt_agent_stick_see(struct dt_agent *a, const uint8_t id[static 16],
                                             uint64_t seq, const uint8_t mark[static 16]);

/* From now on until it is closed, believe who the relay is only by the certificate authorities in
 * ${ca_file} (PEM), which is borrowed. */
void dt_agent_trust(struct dt_agent *a, const char *ca_file);

void dt_agent_close_p(struct dt_agent **a);

struct dt_store *dt_agent_store(struct dt_agent *a);

/* The forum's charter. Borrowed, as long as ${a} is open. */
const struct dt_charter *dt_agent_charter(const struct dt_agent *a);

/* Our own letter, decoded (dt_letter_clear()). NOT_FOUND before it was accepted. */
DT_MUST_CHECK enum dt_err dt_agent_letter_own(struct dt_agent *a, struct dt_letter *out);

/* What the party's root signs into a letter, appended to ${out} (the record room's letter request).
 */
DT_MUST_CHECK enum dt_err dt_agent_letter_request(struct dt_agent *a, struct dt_buf *out);

/**
 * dt_agent_letter_import(a, letter):
 * Check ${letter} against the charter and keep it; when it is for our own delegate key it becomes
 * our letter. The same again is fine. AUTH, FORMAT, REFUSED (another forum).
 */
DT_MUST_CHECK enum dt_err dt_agent_letter_import(struct dt_agent *a, struct dt_view letter,
                                                 uint8_t out_hash[static 32]);

/* A root's revocation of a letter; it is kept and can be the ground of a removal. */
DT_MUST_CHECK enum dt_err dt_agent_revocation_import(struct dt_agent *a, struct dt_view revocation);

/* Our own letter's bytes; NOT_FOUND before it was accepted. */
DT_MUST_CHECK enum dt_err dt_agent_own_letter(struct dt_agent *a, struct dt_buf *out);

/* Any letter we hold, by hash. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_agent_letter(struct dt_agent *a, const uint8_t hash[static 32],
                                          struct dt_buf *out);

struct dt_person {
    uint8_t party; /* index in the charter */
    char party_name[DT_AGENT_NAME_MAX + 1];
    char name[DT_AGENT_NAME_MAX + 1];
    char title[DT_AGENT_NAME_MAX + 1];
    uint8_t letter_hash[32];
    uint8_t delegate_key[32];
    uint64_t letter_not_before_ms;
    uint64_t letter_not_after_ms;
    bool revoked;
    bool root_replaced; /* the root that signed the letter: it holds no more */
    bool self;
};

/* Everyone whose letter we hold. */
DT_MUST_CHECK enum dt_err dt_agent_people(struct dt_agent *a, struct dt_person **out,
                                          size_t *out_n);

/* ---- sync ---- */

struct dt_sync_report {
    size_t destroyed;   /* things whose time was over, by rule */
    size_t received;    /* cells taken in that meant something */
    size_t sent;        /* cells acknowledged by the relay */
    size_t passed_over; /* cells that were not ours to read, or broke a rule: see alarms */
    size_t unread;      /* of these, the ones that cannot have been sent so: the relay's doing */
    size_t
        waiting; /* things still to be sent afterwards (unconfirmed channel, missing approvals) */
};

/**
 * dt_agent_sync(a, report):
 * Inbox, then every channel's queue in order, one transaction per cell; then what is to be sent;
 * until quiet. Errors: NET (relay not reached; what was done stays done), AUTH (store). ${report}
 * may be NULL.
 */
DT_MUST_CHECK enum dt_err dt_agent_sync(struct dt_agent *a, struct dt_sync_report *report);

/* From now on ${tell} is called in each sync, after each cell taken in and whenever the relay has
 * taken some, with what this sync has done so far: to show that it goes on. It may not call the
 * agent. NULL: no more. */
void dt_agent_on_progress(struct dt_agent *a,
                          void (*tell)(void *ctx, const struct dt_sync_report *so_far), void *ctx);

/* From now on ${go_on} is asked between the parts of a call that makes many things at once (records
 * of one file): how many of how many are done. False: the call ends with STATE, and nothing was
 * done. It may not call the agent. NULL: no more. */
void dt_agent_on_step(struct dt_agent *a, bool (*go_on)(void *ctx, uint64_t done, uint64_t of),
                      void *ctx);

/* Sync, long-poll, sync, ... until *${stop}. Survives an unreachable relay (tries again with a
 * growing pause). ${progress} may be NULL; it is called after each sync with its result. */
DT_MUST_CHECK enum dt_err dt_agent_run(struct dt_agent *a, const atomic_bool *stop,
                                       void (*progress)(void *ctx, enum dt_err err,
                                                        const struct dt_sync_report *report),
                                       void *ctx);

/* ---- founding and joining ---- */

/**
 * dt_agent_found(a, kind, name, letters, n_letters, out_group_id):
 * Propose a channel whose first delegates are the holders of ${letters} (hashes of letters that we
 * hold) and ourselves. Invitations go out with the next sync; the channel begins when a delegate of
 * every party signed and every first delegate answered. Errors: NOT_FOUND (letter), REFUSED (own
 * right `found` missing, letter revoked), EXPIRED (a letter), RANGE.
 */
DT_MUST_CHECK enum dt_err dt_agent_found(struct dt_agent *a, enum dt_channel_kind kind,
                                         const char *name, const uint8_t (*letters)[32],
                                         size_t n_letters, uint8_t out_group_id[static 32]);
/* The same, of a channel whose talk is destroyed ${destroy_after_ms} after it came (0: kept). */
DT_MUST_CHECK enum dt_err dt_agent_found_as(struct dt_agent *a, enum dt_channel_kind kind,
                                            const char *name, const uint8_t (*letters)[32],
                                            size_t n_letters, uint64_t destroy_after_ms,
                                            uint8_t out_group_id[static 32]);

enum dt_invitation_state {
    DT_INVITATION_OPEN = 1,
    DT_INVITATION_ACCEPTED,
    DT_INVITATION_JOINED,
    DT_INVITATION_DECLINED
};

struct dt_invitation_info {
    uint8_t group_id[32];
    uint8_t invitation_id[16]; /* what dt_agent_invitation_accept() takes */
    enum dt_invitation_state state;
    bool founding; /* a first delegate's; else an admission to a running channel */
    enum dt_channel_kind kind;
    char channel_name[DT_CHANNEL_NAME_MAX + 1];
    uint64_t destroy_after_ms; /* what is said there is destroyed so long after it came; 0: kept */
    struct dt_person from;
    size_t n_people; /* the first delegates */
    struct dt_person people[DT_FOUNDING_MEMBERS];
};
DT_MUST_CHECK enum dt_err dt_agent_invitations(struct dt_agent *a, struct dt_invitation_info **out,
                                               size_t *out_n);

/* Answer yes: signature and key package go out with the next sync. NOT_FOUND, STATE (answered
 * already). */
DT_MUST_CHECK enum dt_err dt_agent_invitation_accept(struct dt_agent *a,
                                                     const uint8_t invitation_id[static 16]);
/* Answer no: nothing is sent. */
DT_MUST_CHECK enum dt_err dt_agent_invitation_decline(struct dt_agent *a,
                                                      const uint8_t invitation_id[static 16]);

/* ---- admission ---- */

enum dt_admission_state {
    DT_ADMISSION_ASKED = 1,
    DT_ADMISSION_COMMITTING,
    DT_ADMISSION_DONE,
    DT_ADMISSION_FAILED
};

/* A request of ours to admit someone, or one of others that waits for our approval. */
struct dt_admission_info {
    uint8_t request_id[16]; /* the invitation id */
    uint8_t group_id[32];
    bool ours; /* we asked: collect approvals, then commit; else: dt_agent_approve() */
    bool approved_by_us;
    enum dt_admission_state state;
    struct dt_person who;  /* to be admitted */
    struct dt_person from; /* who asks */
    uint64_t epoch;        /* of the request; approvals hold from it to epoch + 64 */
    bool key_package;      /* ours: the invitee has answered */
    uint32_t approved;     /* ours: bit i = approval of the charter's party i is there */
    uint32_t wanted;       /* bit i = party i must approve */
};
DT_MUST_CHECK enum dt_err dt_agent_admissions(struct dt_agent *a, struct dt_admission_info **out,
                                              size_t *out_n);

/**
 * dt_agent_request_admission(a, group_id, letter_hash, out_request_id):
 * Ask to add the holder of the letter: our party's approval is signed now (right `admit`), requests
 * go to one delegate of every other party, the invitation to the invitee. Errors: NOT_FOUND
 * (channel, letter), EXISTS (a member already), REFUSED (right missing, revoked), EXPIRED.
 */
DT_MUST_CHECK enum dt_err dt_agent_request_admission(struct dt_agent *a,
                                                     const uint8_t group_id[static 32],
                                                     const uint8_t letter_hash[static 32],
                                                     uint8_t out_request_id[static 16]);

/* Approve someone else's request: signed, and sent to who asks. NOT_FOUND, STATE, REFUSED (no
 * right). */
DT_MUST_CHECK enum dt_err dt_agent_approve(struct dt_agent *a, const uint8_t request_id[static 16]);

/**
 * dt_agent_commit_admission(a, request_id):
 * Have the next sync commit the addition. REFUSED "no approval from <party>" when one is missing,
 * STATE when the invitee's key package is not there yet or its approvals have lapsed (epochs n to
 * n+64).
 */
DT_MUST_CHECK enum dt_err dt_agent_commit_admission(struct dt_agent *a,
                                                    const uint8_t request_id[static 16]);

/* ---- removal, leaving, rotation, re-join ---- */

/* Have the next sync remove the member at ${leaf}: one of our own party, one whose `leave` we hold,
 * or one whose letter its root revoked. REFUSED otherwise, NOT_FOUND (no such leaf). A new queue
 * begins with it. */
DT_MUST_CHECK enum dt_err dt_agent_remove(struct dt_agent *a, const uint8_t group_id[static 32],
                                          uint32_t leaf);

/* Say `leave`: any other member's agent then removes us. Where the channel is BROKEN nothing can be
 * said: it is over here, and nothing more is asked; a seat that is left there is for our own party
 * to remove. */
DT_MUST_CHECK enum dt_err dt_agent_leave(struct dt_agent *a, const uint8_t group_id[static 32]);

/* Have the next sync rotate our session key (done by itself when less than a day of its voucher is
 * left). */
DT_MUST_CHECK enum dt_err dt_agent_rotate(struct dt_agent *a, const uint8_t group_id[static 32]);

/* Ask to be put in anew, under new keys: where our state is lost, a sync does so by itself, but for
 * what the user decides (another copy of this home holds the seat; put in anew only lately). */
DT_MUST_CHECK enum dt_err dt_agent_rejoin(struct dt_agent *a, const uint8_t group_id[static 32]);

/* ---- talk ---- */

enum dt_talk_state {
    DT_TALK_WAITING = 1, /* ours: not sent yet (no sync since, or the channel is unconfirmed) */
    DT_TALK_SENT,        /* ours: in the outbox or on the relay, not read back yet */
    DT_TALK_CONFIRMED,   /* ours: read back from the queue: its place in the order is fixed */
    DT_TALK_RECEIVED     /* someone else's */
};

/* How long something that was said is kept. */
struct dt_talk_rule {
    bool own;              /* its author's for this; else the channel's */
    uint64_t after_ms;     /* 0: it is kept */
    uint64_t due_ms;       /* when it is to be destroyed */
    bool past;             /* by our clock it should be: it is shown no more */
    uint64_t destroyed_ms; /* when it was, by our clock; 0: it is here */
};

struct dt_talk_info {
    uint8_t id[16]; /* its sender's choice: another sender can have taken the same */
    uint64_t seq;   /* order in this store: 1, 2, ... */
    enum dt_talk_state state;
    bool file;         /* else text */
    bool unconfirmed;  /* the sender's session key had expired, or the channel was unconfirmed */
    uint64_t time_ms;  /* by the sender's clock */
    uint64_t position; /* in its queue; 0 before */
    uint64_t epoch;
    uint32_t leaf;
    uint32_t generation; /* of the sender's ratchet in that epoch; ours: when confirmed */
    struct dt_person from;
    char name[DT_FILE_NAME_MAX + 1];        /* of a file */
    char media_type[DT_MEDIA_TYPE_MAX + 1]; /* of a file */
    size_t size;
    struct dt_talk_rule rule;
};

/* Send a text (UTF-8) or a file (${name} and ${media_type} not NULL), at most about 480 KB. LIMIT.
 */
DT_MUST_CHECK enum dt_err dt_agent_talk_text(struct dt_agent *a, const uint8_t group_id[static 32],
                                             struct dt_view text, uint8_t out_id[static 16]);
DT_MUST_CHECK enum dt_err dt_agent_talk_file(struct dt_agent *a, const uint8_t group_id[static 32],
                                             const char *name, const char *media_type,
                                             struct dt_view data, uint8_t out_id[static 16]);

/* The same with a rule of its own. RANGE. */
DT_MUST_CHECK enum dt_err
dt_agent_talk_text_as(struct dt_agent *a, const uint8_t group_id[static 32], struct dt_view text,
                      const struct dt_item_rule *rule, uint8_t out_id[static 16]);
DT_MUST_CHECK enum dt_err dt_agent_talk_file_as(struct dt_agent *a,
                                                const uint8_t group_id[static 32], const char *name,
                                                const char *media_type, struct dt_view data,
                                                const struct dt_item_rule *rule,
                                                uint8_t out_id[static 16]);

/* The talk of a channel after ${after_seq} (0: all), in order. */
DT_MUST_CHECK enum dt_err dt_agent_talk_list(struct dt_agent *a, const uint8_t group_id[static 32],
                                             uint64_t after_seq, struct dt_talk_info **out,
                                             size_t *out_n);

/* The last ${n} of it, in order. */
DT_MUST_CHECK enum dt_err dt_agent_talk_last(struct dt_agent *a, const uint8_t group_id[static 32],
                                             size_t n, struct dt_talk_info **out, size_t *out_n);

/* The last ${n} of what stands before number ${before_seq}, in order. */
DT_MUST_CHECK enum dt_err dt_agent_talk_before(struct dt_agent *a,
                                               const uint8_t group_id[static 32],
                                               uint64_t before_seq, size_t n,
                                               struct dt_talk_info **out, size_t *out_n);

/* The number of the last piece of talk, 0 when there is none. */
DT_MUST_CHECK enum dt_err
dt_agent_talk_last_number(struct dt_agent *a, const uint8_t group_id[static 32], uint64_t *out);

/* The bytes of the piece of talk with number ${seq}, appended to ${out}. NOT_FOUND; EXPIRED: they
 * were destroyed by rule, or are past their time. */
DT_MUST_CHECK enum dt_err dt_agent_talk_read(struct dt_agent *a, const uint8_t group_id[static 32],
                                             uint64_t seq, struct dt_buf *out);

/* ---- status ---- */

enum dt_channel_state {
    DT_CHANNEL_FOUNDING = 1, /* we proposed it, answers are awaited */
    DT_CHANNEL_LIVE,
    DT_CHANNEL_LEFT,  /* removed, or left */
    DT_CHANNEL_BROKEN /* cannot follow (restored copy, lost state): re-join */
};

/* Why a channel is BROKEN. */
enum dt_lapse_why {
    DT_LAPSE_NONE = 0,
    DT_LAPSE_ASKED,    /* the user asked to be put in anew */
    DT_LAPSE_RESTORED, /* this store is a restored copy */
    DT_LAPSE_LOST,     /* a Commit that only we cannot follow */
    DT_LAPSE_COPY,     /* another copy of this home holds our seat */
    DT_LAPSE_PARTED,   /* others may have followed a Commit that was not shown to us */
    DT_LAPSE_LATE      /* we were admitted, and the Welcome came after our voucher had run out */
};

struct dt_channel_info {
    uint8_t group_id[32];
    enum dt_channel_state state;
    enum dt_lapse_why lapse;  /* BROKEN: why */
    bool rejoin_wanted;       /* BROKEN: the next sync asks to be put in anew */
    uint64_t rejoin_asked_ms; /* BROKEN: when that was asked last; 0: it was not */
    enum dt_channel_kind kind;
    char name[DT_CHANNEL_NAME_MAX + 1];
    uint64_t destroy_after_ms; /* the channel's rule; 0: what is said is kept */
    bool confirmed;            /* a delegate of every other party said `here` since we (re)joined */
    uint32_t parties;          /* bit i: the charter's party i is on the founding list */
    uint32_t here;             /* bit i: a delegate of party i has said `here` */
    uint32_t own_leaf;
    uint64_t epoch;
    uint8_t epoch_authenticator[DT_AUTHENTICATOR_MAX];
    size_t epoch_authenticator_len;
    uint8_t queue[32];     /* address of the current queue */
    uint64_t position;     /* read so far */
    uint64_t queue_number; /* 1 for the first, +1 for each new one */
    uint64_t last_read_ms;
    size_t members;
    size_t to_send; /* own things not read back yet, waiting ones included */
    size_t alarms;
    bool commit_pending;
    uint32_t answers_missing; /* FOUNDING: first delegates who have not answered */
};
DT_MUST_CHECK enum dt_err dt_agent_channels(struct dt_agent *a, struct dt_channel_info **out,
                                            size_t *out_n);
DT_MUST_CHECK enum dt_err dt_agent_channel(struct dt_agent *a, const uint8_t group_id[static 32],
                                           struct dt_channel_info *out);

/* The channel of that name (the newest live one of several), or by hex prefix of its group id; the
 * only one that is live with NULL. NOT_FOUND; CONFLICT (NULL, and several are live). */
DT_MUST_CHECK enum dt_err dt_agent_channel_find(struct dt_agent *a, const char *name_or_hex,
                                                uint8_t out_group_id[static 32]);

struct dt_roster_entry {
    uint32_t leaf;
    struct dt_person who;
    uint8_t invitation_id[16];
    uint64_t serial; /* of the voucher */
    uint64_t voucher_not_after_ms;
    bool expired; /* voucher or letter, now */
    bool here;    /* said `here` under an unexpired session key since we (re)joined */
};
DT_MUST_CHECK enum dt_err dt_agent_roster(struct dt_agent *a, const uint8_t group_id[static 32],
                                          struct dt_roster_entry **out, size_t *out_n);

enum dt_alarm_kind {
    DT_ALARM_FORK = 1, /* an epoch authenticator that differs from ours */
    DT_ALARM_COMMIT,   /* a Commit that broke the rules was passed over */
    DT_ALARM_CELL,     /* a cell that could not be opened or understood */
    DT_ALARM_RESTORED, /* our own state is an older copy */
    DT_ALARM_WELCOME,  /* a Welcome or invitation that does not hold */
    DT_ALARM_BEHIND,   /* the queue ends before what we had read */
    DT_ALARM_REGISTER, /* the register contradicts itself or a signature on it fails */
    DT_ALARM_RELAY,    /* what the relay shows does not fit what it, or a member, said before */
    DT_ALARM_WITHHELD, /* the relay shows others more than us */
    DT_ALARM_RECEIPT,  /* no receipt after its time; or one that came late */
    DT_ALARM_MISSED,   /* messages that this home cannot read, after it was put in anew */
    DT_ALARM_LINE      /* no person confirmed our line test in time; or one did late */
};
const char *dt_alarm_kind_name(enum dt_alarm_kind kind); /* "fork", "commit", ... static */

struct dt_alarm_info {
    uint64_t seq;
    enum dt_alarm_kind kind;
    bool has_group;
    uint8_t group_id[32];
    uint64_t position; /* of the first: the same again is counted, not listed anew */
    uint64_t time_ms;
    uint64_t count;
    uint64_t last_position;
    uint64_t last_ms;
    bool has_who; /* the member it names */
    struct dt_person who;
    char text[240]; /* one line */
};
DT_MUST_CHECK enum dt_err dt_agent_alarms(struct dt_agent *a, struct dt_alarm_info **out,
                                          size_t *out_n);

struct dt_agent_info {
    uint8_t forum[32];
    struct dt_person self; /* without letter: letter_hash all zero */
    bool has_letter;
    bool inbox_ready; /* created on the relay */
    char relay[256];
};
DT_MUST_CHECK enum dt_err dt_agent_info(struct dt_agent *a, struct dt_agent_info *out);

#endif
