/*
 * record/answer.h - the six answers to a record: receipt, countersign, answer, dispute, withdraw,
 * consent.
 *
 * Source: docs/protocol-record.md, "Answers"; DESIGN "Standing". Layer: record.
 * Answers are records of built-in templates; each carries `about`, the commitment it answers.
 */
#ifndef DT_RECORD_ANSWER_H
#define DT_RECORD_ANSWER_H

#include "record/record.h"

enum dt_answer {
    DT_ANSWER_NONE = 0, /* not an answer */
    DT_ANSWER_RECEIPT,
    DT_ANSWER_COUNTERSIGN,
    DT_ANSWER_ANSWER,
    DT_ANSWER_DISPUTE,
    DT_ANSWER_WITHDRAW,
    DT_ANSWER_CONSENT
};

/* The consenting party's own standing to the record, in a consent (its enum's places). */
enum dt_consent_standing {
    DT_CONSENT_NONE = 1,
    DT_CONSENT_COUNTERSIGNED = 2,
    DT_CONSENT_DISPUTED = 3,
    DT_CONSENT_WITHDRAWN = 4
};

/* Which answer a template id is. */
enum dt_answer dt_answer_of(struct dt_view template_id);
const char *dt_answer_name(enum dt_answer a);

/* The slot of the words that an answer says in its own name: an answer's, a dispute's, a
 * withdrawal's reason, a countersignature's remark; 0: it has none. */
size_t dt_answer_text_slot(enum dt_answer a);

/* What an answer does not mean, one line for the screen ("Receipt is not approval: ..."). Static.
 */
const char *dt_answer_caution(enum dt_answer a);

/* The answer of ${r} and the commitment it is about (32 bytes, borrowed); DT_ANSWER_NONE and NULL
 * otherwise. ${out_about} may be NULL. */
enum dt_answer dt_record_answer(const struct dt_record *r, const uint8_t **out_about);

/**
 * dt_answer_draft(d, templates, answer, subject, letter, time_ms):
 * Begin ${answer} to ${subject} in its channel: sets the envelope, `about`, a reference to it, and
 * for a receipt its time. REFUSED: a countersignature of one's own party's record, or a withdrawal
 * of another's.
 */
DT_MUST_CHECK enum dt_err dt_answer_draft(struct dt_record_draft *d,
                                          const struct dt_templates *templates,
                                          enum dt_answer answer, const struct dt_record *subject,
                                          const struct dt_letter *letter, uint64_t time_ms);

/* For a dispute: say that slot ${index} of ${subject} should read ${value} (canonical bytes; type
 * from the template). Call for ever more slots, in any order; dt_answer_dispute_end() writes
 * `slots` and `values`. */
struct dt_dispute {
    uint64_t slots; /* bit per slot */
    struct dt_buf value[DT_SLOTS_MAX];
};
void dt_dispute_clear(struct dt_dispute *d);
DT_MUST_CHECK enum dt_err dt_dispute_set(struct dt_dispute *d, const struct dt_record *subject,
                                         size_t index, struct dt_view value);
DT_MUST_CHECK enum dt_err dt_dispute_set_text(struct dt_dispute *d, const struct dt_record *subject,
                                              const char *name, struct dt_view text,
                                              const struct dt_charter *charter);
DT_MUST_CHECK enum dt_err dt_dispute_end(const struct dt_dispute *d,
                                         const struct dt_record *subject,
                                         struct dt_record_draft *out);

#define DT_AUDIENCE_PUBLIC "public" /* everyone */

/* For a consent: slots (bit per slot; author and kind need not be named), audience ("public"),
 * expiry, standing. */
DT_MUST_CHECK enum dt_err dt_consent_set(struct dt_record_draft *d, uint64_t slots,
                                         struct dt_view audience, uint64_t expires_ms,
                                         enum dt_consent_standing standing);

/* Read list<int> of slot indexes into a bit mask. FORMAT: not strictly ascending, or past 63. */
DT_MUST_CHECK enum dt_err dt_slots_read(struct dt_view value, uint64_t *out);
/* Are the slots that a consent or dispute names a list of slots, and of ${subject}'s fields (NULL:
 * it is not at hand)? Another record is fine. FORMAT, REFUSED. */
DT_MUST_CHECK enum dt_err dt_answer_check_slots(const struct dt_record *r,
                                                const struct dt_record *subject);
/* Bit mask of all fields of ${tmpl}; the envelope is not among them. */
uint64_t dt_slots_all(const struct dt_template *tmpl);
/* Bit mask of the slots named in "mode,parties,started_at" of ${tmpl}. NOT_FOUND names none. */
DT_MUST_CHECK enum dt_err dt_slots_from_names(const struct dt_template *tmpl, struct dt_view names,
                                              uint64_t *out);

#endif
