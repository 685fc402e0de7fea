/*
 * agent/records/records.h - records and answers: written, sent in a channel, sealed in the
 * register, listed.
 *
 * Source: docs/protocol-record.md; DESIGN "The way of one message". Layer: agent.
 */
#ifndef DT_AGENT_RECORDS_RECORDS_H
#define DT_AGENT_RECORDS_RECORDS_H

#include "agent/register/register.h"
#include "instrument/contacts.h"
#include "record/answer.h"

/* The templates known here (embedded ones and built-ins), loaded when the home is opened
 * (identity.c). Borrowed, as long as ${a} is open. */
const struct dt_templates *dt_agent_templates(struct dt_agent *a);

/**
 * dt_agent_record_draft(a, group_id, kind, out):
 * Begin a record of template ${kind} in the channel, by us, now. NOT_FOUND (template, channel, no
 * letter yet). Fill it with dt_record_draft_set_text(), then dt_agent_record_send(). Owner: caller,
 * dt_record_draft_clear().
 */
DT_MUST_CHECK enum dt_err dt_agent_record_draft(struct dt_agent *a,
                                                const uint8_t group_id[static 32], const char *kind,
                                                struct dt_record_draft *out);

/* Begin the answer ${answer} to the record with ${commitment} in its channel. NOT_FOUND, REFUSED.
 * ${subject} gets the record answered (dt_record_clear()), which dispute and consent need. */
DT_MUST_CHECK enum dt_err dt_agent_answer_draft(struct dt_agent *a,
                                                const uint8_t commitment[static 32],
                                                enum dt_answer answer, struct dt_record_draft *out,
                                                struct dt_record *subject);

/**
 * dt_agent_record_send(a, group_id, draft, out_commitment):
 * Sign ${draft}, keep it, have it sent in the channel and its seal submitted to the register: one
 * transaction. Errors: FORMAT (a required field is missing: named), REFUSED (right `record` or
 * `consent` missing; it countersigns a tally, and our own count is another one), EXPIRED (our
 * letter), LIMIT; for a countersignature those of dt_agent_tally_check() too.
 */
DT_MUST_CHECK enum dt_err dt_agent_record_send(struct dt_agent *a,
                                               const uint8_t group_id[static 32],
                                               const struct dt_record_draft *draft,
                                               uint8_t out_commitment[static 32]);

/* The same, its entry made at once whatever the cadence says: which an observer can see. */
DT_MUST_CHECK enum dt_err dt_agent_record_send_urgent(struct dt_agent *a,
                                                      const uint8_t group_id[static 32],
                                                      const struct dt_record_draft *draft,
                                                      uint8_t out_commitment[static 32]);
/* The same in another way: ${how} of these, or several. */
enum dt_send_how {
    DT_SEND_URGENT = 1,       /* as above */
    DT_SEND_DESPITE_COUNT = 2 /* it may countersign a tally whose count is not our own: only for a
                                 user who said so expressly */
};
DT_MUST_CHECK enum dt_err dt_agent_record_send_as(struct dt_agent *a,
                                                  const uint8_t group_id[static 32],
                                                  const struct dt_record_draft *draft,
                                                  unsigned int how,
                                                  uint8_t out_commitment[static 32]);

/* The same for ${n} drafts of one channel, in their order, all of them or none: one transaction.
 * ${out} has room for as many commitments. */
DT_MUST_CHECK enum dt_err dt_agent_records_send(struct dt_agent *a,
                                                const uint8_t group_id[static 32],
                                                const struct dt_record_draft *drafts, size_t n,
                                                unsigned int how, uint8_t (*out)[32]);

struct dt_record_info {
    uint64_t number; /* order in this store: 1, 2, ...; another in every home */
    uint8_t commitment[32];
    uint8_t seal[32];
    uint8_t group_id[32];
    char kind[DT_TEMPLATE_ID_MAX + 1];
    char title[128];       /* of the template */
    enum dt_answer answer; /* NONE: not an answer */
    uint8_t about[32];     /* of an answer */
    struct dt_person author;
    uint64_t time_ms; /* of writing, by the author's clock */
    struct dt_entry_info entry;
    uint64_t slot_ms; /* of ours that waits for a slot: when that is, as far as known; else 0 */
    enum dt_standing_code standing; /* of a record that is no answer */
    bool withdrawn;
};
/* All records of the store, oldest first; ${group_id} NULL: of all channels. Owner: dt_free(*out).
 */
DT_MUST_CHECK enum dt_err dt_agent_records(struct dt_agent *a, const uint8_t *group_id,
                                           struct dt_record_info **out, size_t *out_n);

/* Some of them: the last ${last} with a number below ${before} that ${wants} takes (NULL: all).
 * What is not chosen is not looked up, so that a part of a long list costs little. */
struct dt_record_choice {
    uint64_t before; /* UINT64_MAX: to the end */
    size_t last;     /* SIZE_MAX: from the begin */
    enum dt_err (*wants)(void *ctx, const struct dt_record *r, bool *out);
    void *ctx;
};
DT_MUST_CHECK enum dt_err dt_agent_records_of(struct dt_agent *a, const uint8_t *group_id,
                                              const struct dt_record_choice *choice,
                                              struct dt_record_info **out, size_t *out_n);

/* Those that do not count, and are in none of the lists: made under a letter whose root an
 * amendment had replaced before their entry. Likewise. */
DT_MUST_CHECK enum dt_err dt_agent_void_records(struct dt_agent *a, const uint8_t *group_id,
                                                struct dt_record_info **out, size_t *out_n);

/* The record with ${commitment}, whole. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_agent_record(struct dt_agent *a, const uint8_t commitment[static 32],
                                          struct dt_record *out);

/* Its number, as it is listed. NOT_FOUND. */
DT_MUST_CHECK enum dt_err
dt_agent_record_number(struct dt_agent *a, const uint8_t commitment[static 32], uint64_t *out);
/* The record whole, the channel that it came in, its number less 1, and when it came. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_record_place(struct dt_agent *a, const uint8_t commitment[static 32],
                                          struct dt_record *out, uint8_t out_group_id[static 32],
                                          uint64_t *out_seq, uint64_t *out_received_ms);

/* The first record from place ${at} of the store on, whole, and its place: record number - 1.
 * NOT_FOUND at the end; UNSUPPORTED (its place is set): of a template that is not known here. */
DT_MUST_CHECK enum dt_err dt_record_next(struct dt_agent *a, uint64_t at, uint64_t *out_seq,
                                         struct dt_record *out);

/* When it came, or was made, by our clock. NOT_FOUND. */
DT_MUST_CHECK enum dt_err
dt_agent_record_received(struct dt_agent *a, const uint8_t commitment[static 32], uint64_t *out_ms);

/* The cover that this home made, likewise; its numbers mean nothing to the other calls. */
DT_MUST_CHECK enum dt_err dt_agent_cover_records(struct dt_agent *a, struct dt_record_info **out,
                                                 size_t *out_n);

/* By its entry in the register ("entry:12", the same at all sides), by its number in this home
 * ("3") or by hex prefix of the commitment, cover included. NOT_FOUND, CONFLICT (ambiguous prefix),
 * USAGE (no number behind "entry:"). */
DT_MUST_CHECK enum dt_err dt_agent_record_find(struct dt_agent *a, const char *number_or_hex,
                                               uint8_t out_commitment[static 32]);

/* Is ${text} "entry:12"? Then *${out} is 12, else it stays. USAGE: no number behind "entry:". */
DT_MUST_CHECK enum dt_err dt_entry_named(const char *text, uint64_t *out, bool *out_named);

/* All records as facts for the folds of the instrument room. Owner: dt_agent_facts_free(). */
struct dt_agent_facts {
    struct dt_record *records;
    struct dt_fact *facts;
    uint64_t *numbers; /* of each, as people see it: its place in the store, from 1 */
    size_t n;
};
DT_MUST_CHECK enum dt_err dt_agent_facts(struct dt_agent *a, struct dt_agent_facts *out);
/* Those with ${number} and above. */
DT_MUST_CHECK enum dt_err dt_agent_facts_from(struct dt_agent *a, uint64_t number,
                                              struct dt_agent_facts *out);
/* The number of the last record, 0 when there is none. */
DT_MUST_CHECK enum dt_err dt_agent_last_record(struct dt_agent *a, uint64_t *out_number);
/* The same with the cover that this home made behind them; the cover alone. */
DT_MUST_CHECK enum dt_err dt_agent_facts_with_cover(struct dt_agent *a, struct dt_agent_facts *out);
DT_MUST_CHECK enum dt_err dt_agent_facts_of_cover(struct dt_agent *a, struct dt_agent_facts *out);
/* None of the three has records under a letter whose root an amendment had replaced before their
 * entry. These are here. */
DT_MUST_CHECK enum dt_err dt_agent_facts_that_do_not_count(struct dt_agent *a,
                                                           struct dt_agent_facts *out);
void dt_agent_facts_free(struct dt_agent_facts *f);

#endif
