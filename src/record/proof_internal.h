/*
 * record/proof_internal.h - the structure inside a proof file, for the files of proof_*.c.
 *
 * Source: docs/protocol-record.md, "Proof file". Layer: record, not for other rooms.
 */
#ifndef DT_RECORD_PROOF_INTERNAL_H
#define DT_RECORD_PROOF_INTERNAL_H

#include "base/wire.h"
#include "log/proof.h"

#include "record/proof.h"

#define DT_PROOF_MAGIC   "detente proof 1\n"
#define DT_PROOF_VERSION 2  /* 1, which is still read, gives each opening a path of its own */
#define DT_PROOF_AMENDED 3  /* as 2, with the amendments of the charter */
#define DT_PROOF_LINE    76 /* base64 characters in a line */

/*
 * How an entry is held in the file: four letters. Nothing signs this, so it must not change
 * unnoticed: one character of base64 is six bits in a row, and any two of these words differ in
 * more than that.
 */
enum dt_proof_entry {
    DT_PROOF_NO_ENTRY = 0x6e6f6e65, /* "none" */
    DT_PROOF_FIRST = 0x66727374,    /* "frst" */
    DT_PROOF_LATER = 0x6c617465     /* "late" */
};

/* The slots of a letter that a proof opens always, and by choice; its inbox never. */
#define DT_LETTER_OPEN_ALWAYS                                                                      \
    (UINT64_C(1) << DT_SLOT_AUTHOR | UINT64_C(1) << DT_SLOT_KIND |                                 \
     UINT64_C(1) << DT_LETTER_RIGHTS | UINT64_C(1) << DT_LETTER_NOT_BEFORE |                       \
     UINT64_C(1) << DT_LETTER_NOT_AFTER | UINT64_C(1) << DT_LETTER_KEY |                           \
     UINT64_C(1) << DT_LETTER_PARTY)
#define DT_LETTER_OPEN_CHOICE (UINT64_C(1) << DT_LETTER_NAME | UINT64_C(1) << DT_LETTER_TITLE)

#define DT_OPEN_ALWAYS (UINT64_C(1) << DT_SLOT_AUTHOR | UINT64_C(1) << DT_SLOT_KIND)

/* A field tree of which some slots are opened, as parsed. */
struct dt_opened {
    struct dt_header header; /* forum is that of the charter, filled in later */
    uint8_t key[32];         /* delegate's, or root's for a letter */
    uint8_t signature[64];
    struct dt_reader openings;
    bool paths;           /* version 1: each opening has a path behind it */
    struct dt_view nodes; /* later: the tree's other hashes, for all openings together */
};

/* ---- proof_tree.c ---- */

/* Check all openings of ${t}, which is of ${tmpl}; they must lead to one root. */
DT_MUST_CHECK enum dt_err dt_proof_tree_check(struct dt_opened *t, const struct dt_template *tmpl,
                                              struct dt_slot *slots, uint64_t *out_mask,
                                              uint8_t out_commitment[static 32]);
/* The signature under ${label} of a tree that was checked. */
DT_MUST_CHECK enum dt_err dt_proof_signature_check(const struct dt_opened *t, const char *label,
                                                   const uint8_t commitment[static 32]);

/* A letter whose opened fields hold. */
struct dt_letter_seen {
    uint8_t hash[32], key[32];
    size_t party;
    struct dt_charter_root root; /* that signed it: where its letters count */
    uint32_t rights;
    uint64_t not_before_ms, not_after_ms;
    struct dt_view name, title;
    bool used, revoked;
    uint64_t revoked_ms, revoked_entry; /* the earliest shown */
};
/* ${t}, with its forum filled in, is a letter by a root of ${charter}; ${letter} is the built-in
 * template. */
DT_MUST_CHECK enum dt_err dt_proof_letter_check(const struct dt_charter *charter,
                                                const struct dt_template *letter,
                                                struct dt_opened *t, struct dt_letter_seen *l);

struct dt_proof_parts {
    struct dt_view charter;
    struct dt_view amendments; /* a list of opaque<V>; empty: none */
    struct dt_view templates[DT_PROOF_TEMPLATES];
    size_t n_templates;
    struct dt_opened letters[DT_PROOF_LETTERS];
    size_t n_letters;
    struct dt_proof_revocation revocations[DT_PROOF_REVOCATIONS];
    size_t n_revocations;
    struct {
        struct dt_opened tree;
        uint32_t entry; /* enum dt_proof_entry */
        struct dt_view tlog_proof;
    } items[DT_PROOF_ITEMS];
    size_t n_items;
};

/* Take the structure out of the file's text, which begins with the line ${magic}; ${out} gets its
 * bytes. FORMAT says in which line. */
DT_MUST_CHECK enum dt_err dt_proof_unarmor(const char *magic, struct dt_view file,
                                           struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_proof_armor(const char *magic, struct dt_view bytes,
                                         struct dt_buf *out);

/* One tree; ${paths}: as version 1 has it. */
DT_MUST_CHECK enum dt_err dt_proof_tree_read(struct dt_reader *r, bool paths,
                                             struct dt_opened *out);

/* Parse the structure; all views point into ${bytes}. */
DT_MUST_CHECK enum dt_err dt_proof_parts_read(struct dt_view bytes, struct dt_proof_parts *out);

/* The next opening of ${t} from ${r}, and its path where it has one; name and type are not in the
 * file. */
DT_MUST_CHECK enum dt_err dt_proof_opening_read(struct dt_reader *r, const struct dt_opened *t,
                                                struct dt_opening *out, struct dt_view *out_path);

/* Write one tree with the slots of ${mask} opened. */
DT_MUST_CHECK enum dt_err dt_proof_tree_write(struct dt_writer *w, const struct dt_header *h,
                                              const struct dt_slot *slots, struct dt_view secret,
                                              const uint8_t key[static 32],
                                              const uint8_t signature[static 64], uint64_t mask);

/* ---- proof_register.c: the registers of a charter, those that ended and the one in force ---- */
struct dt_proof_registers {
    const struct dt_charter *charter;
    struct tlog_policy policy[DT_AMENDMENTS + 1];
};
void dt_proof_registers_clear(struct dt_proof_registers *r);
/* ${r} is all zero; ${charter} outlives it. */
DT_MUST_CHECK enum dt_err dt_proof_registers_init(struct dt_proof_registers *r,
                                                  const struct dt_charter *charter);

struct dt_entry_seen {
    enum dt_entry_state state;
    uint64_t index, ms, apart_ms;
    size_t ended_by; /* number of the amendment that ended this register; 0: it is in force */
    bool firm;       /* the quorum cosigned the checkpoint, or the charter knows no witness: its
                        place is not the register's word alone */
};
/* Check the tlog-proof ${text} of ${seal}; times are those of groups other than ${party}'s. */
DT_MUST_CHECK enum dt_err dt_proof_entry_check(const struct dt_proof_registers *r,
                                               struct dt_view text, const uint8_t seal[static 32],
                                               size_t party, uint32_t how,
                                               struct dt_entry_seen *out);

/* Slots that an answer of ${tmpl} opens besides author and kind: `about`, and of a consent or a
 * dispute all others. */
uint64_t dt_proof_answer_slots(const struct dt_template *tmpl);
/* `about` alone; what every answer opens. */
#define DT_PROOF_ABOUT (UINT64_C(1) << DT_ENVELOPE_SLOTS)
/* May an answer of ${tmpl} in a proof open just ${opened}? Its text by right of reply; nothing of
 * its envelope. */
bool dt_proof_answer_may_open(const struct dt_template *tmpl, uint64_t opened);
/* Is this dispute's list of fields, and its values, opened? */
bool dt_proof_dispute_whole(const struct dt_proof_record *r);

/* What the answers and consents among the records of ${v}, all checked, make of the first:
 * accounts, consents, event and code. FORMAT. */
DT_MUST_CHECK enum dt_err dt_verdict_decide(const struct dt_verify_in *in, struct dt_verdict *v);

/* Write findings and standing of ${v}, whose other members are set. ${name_of_audience}s come from
 * its records. */
DT_MUST_CHECK enum dt_err dt_proof_say(struct dt_verdict *v, const struct dt_verify_in *in);

#endif
