/*
 * record/proof.h - proof files: build one, verify one, say what it shows.
 *
 * Source: docs/protocol-record.md, "Proof file"; DESIGN "Proofs", "Standing". Layer: record; no
 * I/O, no clock: the caller reads the file and says what time it is.
 */
#ifndef DT_RECORD_PROOF_H
#define DT_RECORD_PROOF_H

#include "base/time.h"
#include "record/answer.h"
#include "record/open_rule.h"

#define DT_PROOF_APART_MS (5 * DT_MS_MINUTE) /* times of witnesses further apart are told */

/* ---- building ---- */
struct dt_proof_item {
    const struct dt_record *record;
    uint64_t slots;            /* bit per slot to open; author and kind are always opened. Of an
                                  answer 0: what such an answer opens by itself */
    struct dt_view tlog_proof; /* C2SP tlog-proof text for its register entry; empty: none known */
    bool first; /* the checkpoint is the first attested one that holds it, as far as the opener
                   knows */
};

struct dt_proof_letter {
    const struct dt_letter *letter;
    bool show_name; /* name and title opened by choice */
};

struct dt_proof_revocation {
    struct dt_view revocation; /* encoding */
    struct dt_view tlog_proof;
};

struct dt_proof_in {
    const struct dt_charter *charter;
    const struct dt_proof_letter *letters; /* at least those of all items' authors */
    size_t n_letters;
    const struct dt_proof_item *items; /* [0] is the subject; then its answers and consents */
    size_t n_items;
    const struct dt_proof_revocation *revocations;
    size_t n_revocations;
};

/* Which slots an item opens besides author and kind, by what it is (consent, dispute: all fields;
 * other answers: `about`; a subject: none). */
uint64_t dt_proof_slots_needed(const struct dt_record *r);

/**
 * dt_proof_build(in, out):
 * Append the proof file's text, after checking it as a stranger would. NOT_FOUND: a letter is
 * missing; REFUSED: what a verifier would refuse, with its reason.
 */
DT_MUST_CHECK enum dt_err dt_proof_build(const struct dt_proof_in *in, struct dt_buf *out);

/* ---- verifying ---- */
enum dt_verdict_code {
    DT_VERDICT_VERIFIED = 1,    /* exit 0 */
    DT_VERDICT_WITHOUT_CONSENT, /* holds, but "opened without consent" (exit 1) */
    DT_VERDICT_ROOT_UNCHECKED, /* holds under the roots named; others "claimed by the charter" (exit
                                  1) */
    DT_VERDICT_WHOSE,          /* "consistent, but whose?" (exit 1) */
    DT_VERDICT_REFUSED         /* exit 1; reason says what and where */
};

/* What the verifier got elsewhere. */
struct dt_verify_in {
    const uint8_t *forum;            /* 32 bytes, or NULL */
    const uint8_t (*root_words)[11]; /* from dt_key_words_read(); NULL or n_root_words of them */
    size_t n_root_words;
    struct dt_view amendments; /* that the verifier knows of, a list of opaque<V>: they count
                                  whether the file shows them or not */
    uint64_t now_ms;
    /* To whom it was opened, when that is known ("public": it was published): a consent to others
     * does not count. NULL: not known. */
    const char *audience;
    const struct dt_templates *templates; /* those known here */
};

enum dt_entry_state {
    DT_ENTRY_NONE = 0, /* no entry shown */
    DT_ENTRY_HELD, /* in the register, not attested: "not later than", when another group cosigned
                      it at all */
    DT_ENTRY_NOT_LATER, /* attested, but the opener says not by the first such checkpoint */
    DT_ENTRY_ATTESTED   /* entry time known */
};

/* One opened record of the file. */
struct dt_proof_record {
    const struct dt_template *tmpl;
    struct dt_header header;
    uint8_t commitment[32];
    struct dt_author author;
    size_t party;               /* place in the charter */
    struct dt_view name, title; /* of the delegate, where its letter opens them */
    bool template_known; /* built-in, the same among those given to the verifier, or named by the
                            charter */
    bool vouched;        /* this party's root was checked */
    uint64_t opened;     /* bit per slot */
    struct dt_slot slots[DT_SLOTS_MAX]; /* only where opened */
    enum dt_answer answer;              /* NONE: not an answer */
    enum dt_entry_state state;
    uint64_t entry;    /* register index, when state is not NONE, */
    uint8_t seal[32];  /* and what stands there */
    uint64_t entry_ms; /* time, or bound; 0: unknown */
    uint64_t
        apart_ms; /* so much later is the last of the groups' times, of which it is the first */
    size_t root_ended_by; /* its author's letter is of a root that this amendment replaced */
    size_t ended_by;     /* shown under a register that this amendment ended; 0: the one in force */
    bool entry_firm;     /* a quorum cosigned the checkpoint, or the charter has no witnesses */
    bool author_revoked; /* its author's letter was revoked later, and the file shows it */
    uint64_t author_revoked_entry, author_revoked_ms;
};

enum dt_party_account {
    DT_ACCOUNT_NOT_SHOWN = 0,
    DT_ACCOUNT_AUTHOR,
    DT_ACCOUNT_COUNTERSIGNED,
    DT_ACCOUNT_DISPUTED
};

/* What the file shows for each party of the charter. */
struct dt_proof_party {
    bool vouched;
    enum dt_party_account account;
    size_t account_item;    /* place in records of that countersignature or dispute */
    bool consent;           /* a consent that holds, covers all that is opened and has not ended */
    bool consent_needed;    /* the charter's rule asks for it (or for one of several, any_one) */
    bool consent_to_all;    /* one of its consents that hold is to everyone */
    bool consent_elsewhere; /* that is to others than those to whom it was opened */
    size_t consent_item;    /* place in records of the consent shown; 0: none */
    bool withdrawn;         /* the author withdrew it */
    uint64_t consent_expires_ms; /* 0: none shown */
};

struct dt_verdict {
    enum dt_verdict_code code;
    struct dt_buf reason;   /* REFUSED: one line, what and where */
    struct dt_buf findings; /* lines in plain English, each ends in LF */
    struct dt_buf
        standing; /* "countersigned by Russia" / "disputed by ..." / "asserted by one: ..." */
    enum dt_party_account standing_code; /* AUTHOR: asserted by one; NOT_SHOWN when refused */
    uint8_t forum[32];
    struct dt_charter *charter;      /* owned */
    struct dt_proof_record *records; /* owned; [0] is the subject */
    size_t n_records;
    struct dt_proof_party parties[DT_CHARTER_PARTIES];
    struct dt_open_rule rule; /* the charter's, for the subject, at the time of checking */
    bool consented;           /* the consents that it asks for hold */
    bool open_to_all;         /* and they are to everyone: the record is open in public */
    bool text_opened;         /* the text of an answer, which takes a record open in public */
    uint64_t about_fields;    /* slots of the subject that are opened, or that an opened dispute
                                 gives values of: what the consents must name */
    bool has_event;           /* started_at or ended_at is opened */
    bool event_vague; /* how precise its time is was not opened, so that its end is not known */
    uint64_t event_end_ms; /* end of the event at its stated precision */
    bool entered_after;    /* and the entry time is known: it was entered days_after days after the
                              event */
    uint64_t days_after;
    struct dt_buf store;            /* owns the views */
    struct dt_template **templates; /* owned: carried ones */
    size_t n_templates;
};
void dt_verdict_clear(struct dt_verdict *v);

/* Append lines: which rule of the charter applies, whose consents it asks for, and which of them
 * are there. */
DT_MUST_CHECK enum dt_err dt_verdict_say_consents(struct dt_verdict *v, uint64_t now_ms,
                                                  struct dt_buf *out);

/* Append what record ${place} of the file says in its party's own words, on one line; nothing when
 * that is not opened. */
DT_MUST_CHECK enum dt_err dt_verdict_reply(const struct dt_verdict *v, size_t place,
                                           struct dt_buf *out);

/* Does a consent whose audience is ${text} reach ${audience} (NULL: anyone)? */
bool dt_consent_reaches(struct dt_view text, const char *audience);

/* Short text of a code: "verified", "opened without consent", "consistent, but whose?", ... Static.
 */
const char *dt_verdict_name(enum dt_verdict_code code);

/**
 * dt_proof_verify(file, in, out):
 * Verify the text of a proof file. A file that does not hold is DT_OK with code REFUSED and its
 * reason. Errors: NOMEM, INTERNAL only.
 */
DT_MUST_CHECK enum dt_err dt_proof_verify(struct dt_view file, const struct dt_verify_in *in,
                                          struct dt_verdict *out);

#endif
