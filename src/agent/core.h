/*
 * agent/core.h - the inside of struct dt_agent, and the helpers that every file of this room uses.
 *
 * Layer: agent, internal: programs include agent/agent.h.
 */
#ifndef DT_AGENT_CORE_H
#define DT_AGENT_CORE_H

#include "agent/agent.h"
#include "agent/form/payload.h"
#include "agent/form/voucher.h"
#include "base/cadence.h"
#include "net/grant.h"
#include "net/relay_client.h"
#include "record/letter.h"

struct dt_incoming;

struct dt_agent {
    struct dt_store *store;
    struct dt_clock clock;
    struct dt_charter charter;
    struct dt_cadence cadence; /* that it promises; nothing: none */
    uint8_t forum[32];
    struct dt_grant grant;
    size_t party; /* ours, in the charter */
    char name[DT_AGENT_NAME_MAX + 1];
    char title[DT_AGENT_NAME_MAX + 1];
    struct dt_secret delegate_seed; /* Ed25519: vouchers, approvals, records */
    uint8_t delegate_pub[32];
    struct dt_secret mark_key;    /* of the cells that we seal (dt_cell_is_marked()) */
    struct dt_secret x25519_priv; /* inbox */
    uint8_t x25519_pub[32];
    struct dt_secret inbox_tokens; /* read token, write token */
    uint8_t inbox_address[32];
    bool has_letter;
    struct dt_letter letter;
    struct dt_buf letter_bytes;
    /* Two connections, so that the relay cannot tie queues to an append key (DESIGN "What must
     * hold" 1). */
    const char *ca_file; /* borrowed; NULL: the system's authorities */
    struct dt_http_client *queue_http;
    struct dt_http_client *register_http;
    struct dt_ahead *ahead;         /* what came with a long poll (ahead.h) */
    struct dt_templates *templates; /* those known here */
    /* Each letter is read with every message of its holder. */
    struct dt_letters_known *letters;
    void (*tell)(void *ctx, const struct dt_sync_report *so_far); /* may be NULL */
    void *tell_ctx;
    bool (*go_on)(void *ctx, uint64_t done, uint64_t of); /* may be NULL */
    void *go_on_ctx;
    const struct dt_sync_report *so_far; /* of the present sync; NULL: there is none */
    unsigned int reviews_left;           /* in the present sync (sync/queue_review.h) */
    size_t inbox_cells;         /* of the inbox, that one sync reads; 0: DT_INBOX_PER_SYNC */
    size_t inbox_left;          /* of them in the present sync */
    uint64_t receipt_within_ms; /* 0: DT_RECEIPT_WITHIN_MS */
};

/* Who sent an application message, as of its epoch. */
struct dt_incoming {
    const uint8_t *group_id;
    uint64_t epoch;
    uint64_t position;
    uint32_t leaf;
    uint32_t generation;
    bool own;         /* read back from the queue: our own */
    bool standing;    /* voucher and letter are valid by our clock, and the letter is not revoked */
    bool unconfirmed; /* not so, or the channel was unconfirmed */
    size_t party;
    const struct dt_letter *letter;
    struct dt_view letter_bytes;
    const struct dt_payload *payload;
};

uint64_t dt_agent_now(const struct dt_agent *a);

/* A step of a sync is done: who wants to see that it goes on is told. */
void dt_agent_tell(const struct dt_agent *a);

/* Read our own letter again if it was not there before, and the charter if it was amended (another
 * process may have taken it in). */
DT_MUST_CHECK enum dt_err dt_agent_refresh(struct dt_agent *a);

/* DT_OK when our letter is there and valid now; STATE, EXPIRED. */
DT_MUST_CHECK enum dt_err dt_agent_need_letter(struct dt_agent *a);

/* ---- charter and grant (charter.c) ---- */

/* ${charter} with the list ${amendments}, all verified. AUTH, FORMAT, STATE (a signature lacks). */
DT_MUST_CHECK enum dt_err dt_charter_take(struct dt_view charter, struct dt_view amendments,
                                          struct dt_charter *out);
/* Those of the store, as they are now. */
DT_MUST_CHECK enum dt_err dt_charter_load(struct dt_agent *a, struct dt_charter *out);
DT_MUST_CHECK enum dt_err dt_grant_of_home(struct dt_agent *a, struct dt_grant *out);

/* Is the grant one for the register, relay and settings that the charter names? CONFLICT
 * (identity_grant.c). */
DT_MUST_CHECK enum dt_err dt_grant_compare(const struct dt_grant *g, const struct dt_charter *c);

/* Inside a transaction: is the charter that we go by the one in the store? STATE: another process
 * took in an amendment, and nothing more may be done by the old one. */
DT_MUST_CHECK enum dt_err dt_agent_is_current(struct dt_agent *a);
/* Go by the one in the store, and by its grant. */
DT_MUST_CHECK enum dt_err dt_agent_charter_refresh(struct dt_agent *a);

/* ---- a relay that is a file (stick.c) ---- */

/* Where the grant names a file: go by where it was last. And: it is at ${address} now. */
DT_MUST_CHECK enum dt_err dt_stick_found(struct dt_agent *a);
DT_MUST_CHECK enum dt_err dt_stick_is_at(struct dt_agent *a, const char *address);

/* ---- letters (identity.c) ---- */

/* Decode ${bytes}, check it against the charter; ${out_party} may be NULL. AUTH, FORMAT, REFUSED.
 */
DT_MUST_CHECK enum dt_err dt_letter_take(const struct dt_agent *a, struct dt_view bytes,
                                         struct dt_letter *out, size_t *out_party);

/* Keep a checked letter. */
DT_MUST_CHECK enum dt_err dt_letter_keep(struct dt_agent *a, const struct dt_letter *l,
                                         size_t party, struct dt_view bytes);

/* The held letter with this hash, decoded. NOT_FOUND. ${bytes} may be NULL. */
DT_MUST_CHECK enum dt_err dt_letter_load(struct dt_agent *a, const uint8_t hash[static 32],
                                         struct dt_letter *out, size_t *out_party,
                                         struct dt_buf *bytes);

/* Is a revocation of this letter by the root that signed it held? (Any other root's is kept, the
 * letter may still be on its way, and means nothing.) Its bytes are appended to ${out} unless that
 * is NULL. */
DT_MUST_CHECK enum dt_err dt_letter_revoked(struct dt_agent *a, const struct dt_letter *l,
                                            bool *out_revoked, struct dt_buf *out);

/* EXPIRED, with the amendment: the root that signed ${l} was replaced (succession.c). */
DT_MUST_CHECK enum dt_err dt_letter_check_root(const struct dt_agent *a, const struct dt_letter *l);

/* The same, and valid by our clock. EXPIRED. */
DT_MUST_CHECK enum dt_err dt_letter_check_now(const struct dt_agent *a, const struct dt_letter *l);

/* *${out}: does the revocation in ${bytes} of ${l} count? Always, unless the root was replaced that
 * signed both: then only where our copy of the register shows that it came before that. */
DT_MUST_CHECK enum dt_err dt_revocation_in_time(struct dt_agent *a, const struct dt_letter *l,
                                                struct dt_view bytes, bool *out);

/* Is ${l} revoked as far as we know, or its root replaced? Nobody acts under it any more. */
DT_MUST_CHECK enum dt_err dt_letter_ended(struct dt_agent *a, const struct dt_letter *l,
                                          bool *out_ended);

struct dt_approval;
struct dt_record;
/* Is it signed by a root that does not stand in ${c} any more? */
bool dt_approval_by_former(const struct dt_charter *c, const struct dt_approval *v);
/* Is it signed by a root of its party, in force or replaced: what was approved before stays so.
 * AUTH. */
DT_MUST_CHECK enum dt_err dt_approval_verify_root(const struct dt_charter *c,
                                                  const struct dt_approval *v);

/* For records, many of them: does each count, by where its seal stands in our copy of the register
 * and which root signed its author's letter? */
struct dt_counting {
    bool any;      /* some root was replaced; else all of them count */
    uint64_t held; /* entries of our copy */
    bool known;    /* the last letter asked for, and its root */
    uint8_t letter[32];
    struct dt_charter_root root;
};
DT_MUST_CHECK enum dt_err dt_counting_begin(struct dt_agent *a, struct dt_counting *x);
DT_MUST_CHECK enum dt_err dt_record_counts(struct dt_agent *a, const struct dt_record *r,
                                           struct dt_counting *x, bool *out);

/* Where our own seat is under a letter whose root was replaced, and we have one of the new root:
 * ask to be put in anew under that. */
DT_MUST_CHECK enum dt_err dt_seats_renew(struct dt_agent *a);

/* Keep a revocation that holds under the charter. */
DT_MUST_CHECK enum dt_err dt_revocation_keep(struct dt_agent *a, struct dt_view bytes);

/* Fill ${p} from a letter. */
void dt_person_from(struct dt_agent *a, const struct dt_letter *l, size_t party,
                    struct dt_person *p);

/* The holder of a letter that we hold; *${known} is false when we do not. */
DT_MUST_CHECK enum dt_err dt_person_by_hash(struct dt_agent *a,
                                            const uint8_t letter_hash[static 32], bool *known,
                                            struct dt_person *out);

/* A party's name, NUL-terminated, into ${out} (DT_AGENT_NAME_MAX + 1 bytes). */
void dt_party_name(const struct dt_agent *a, size_t party, char *out);

/* A new voucher and credential for ${session_pub} under ${letter}, which is ours: at most 4 days,
 * not past the letter. */
DT_MUST_CHECK enum dt_err dt_agent_vouch(struct dt_agent *a, const struct dt_letter *letter,
                                         struct dt_view letter_bytes,
                                         const uint8_t group_id[static 32],
                                         const uint8_t session_pub[static 32], uint64_t serial,
                                         const uint8_t invitation_id[static 16],
                                         struct dt_voucher *out, struct dt_buf *identity);

/* ---- records (records.c) ---- */

/**
 * dt_record_receive(a, in):
 * A RECORD payload arrived, or our own was read back; inside the cell's transaction. Checked and
 * kept, or kept out with an alarm that names the sender: what is wrong with it is no error here.
 */
DT_MUST_CHECK enum dt_err dt_record_receive(struct dt_agent *a, const struct dt_incoming *in);

/* ---- the register (register/watch.c) ---- */

/* A record of the holder of the letter arrived, whose seal is to stand in the register. */
DT_MUST_CHECK enum dt_err dt_register_await(struct dt_agent *a, const uint8_t seal[static 32],
                                            const uint8_t letter_hash[static 32]);

/* ---- alarms (alarm.c) ---- */

/* Add an alarm, or count it when the same is there already: kind, channel, person, and text but for
 * numbers. ${group_id} and ${who} may be NULL. Inside a transaction. */
DT_MUST_CHECK enum dt_err dt_alarm_add(struct dt_agent *a, enum dt_alarm_kind kind,
                                       const uint8_t *group_id, uint64_t position,
                                       const struct dt_person *who, const char *fmt, ...)
    DT_PRINTF(6, 7);

/* The queue of ${group_id} (NULL: the inbox) ends at ${last}, before the ${position} that we read.
 */
DT_MUST_CHECK enum dt_err dt_alarm_behind(struct dt_agent *a, const uint8_t *group_id,
                                          uint64_t last, uint64_t position);

/* True for errors that are ours (memory, disk, bug, network): stop, do not pass over. */
bool dt_err_is_local(enum dt_err err);

#endif
