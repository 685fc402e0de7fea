/*
 * record/record.h - a record as it is written, sent in a channel, received and checked.
 *
 * Source: docs/protocol-record.md, "Record". Layer: record; no I/O, random numbers from crypto.
 * Write: dt_record_draft_init(), set fields by text or bytes, dt_record_make(). Receive:
 * dt_record_decode(), then dt_record_check_author() with the letter it names.
 */
#ifndef DT_RECORD_RECORD_H
#define DT_RECORD_RECORD_H

#include "record/letter.h"

/* Envelope slot 0. */
struct dt_author {
    uint8_t party[32];  /* root id */
    uint8_t key[32];    /* delegate key */
    uint8_t letter[32]; /* letter hash */
};
DT_MUST_CHECK enum dt_err dt_author_read(struct dt_view value, struct dt_author *out);

/* A reference in envelope slot 4. */
enum dt_reference_what { DT_REFERENCE_RECORD = 1, DT_REFERENCE_TALK = 2, DT_REFERENCE_CLAIM = 3 };

/* A record in full. */
struct dt_record {
    struct dt_buf store;            /* owns the views; wiped on clear */
    const struct dt_template *tmpl; /* borrowed from the set */
    struct dt_header header;
    struct dt_slot slots[DT_SLOTS_MAX];
    struct dt_secret secret;
    uint8_t author_key[32];
    uint8_t signature[64];
    uint8_t commitment[32];
    uint8_t seal[32];
    struct dt_author author;
    uint8_t channel[32];
    uint64_t time_ms;
    uint64_t destroy_after_ms; /* 0: it is kept */
};
void dt_record_clear(struct dt_record *r);

/* What is being written. */
struct dt_record_draft {
    const struct dt_template *tmpl;
    uint8_t forum[32];
    struct dt_buf value[DT_SLOTS_MAX];
    bool has[DT_SLOTS_MAX];
};
void dt_record_draft_clear(struct dt_record_draft *d);

/**
 * dt_record_draft_init(d, tmpl, letter, channel, time_ms):
 * Begin a record of ${tmpl} by the delegate of ${letter} in the forum of ${letter}: fills author,
 * kind, channel, time.
 */
DT_MUST_CHECK enum dt_err dt_record_draft_init(struct dt_record_draft *d,
                                               const struct dt_template *tmpl,
                                               const struct dt_letter *letter,
                                               const uint8_t channel[static 32], uint64_t time_ms);
/* The slot of ${tmpl} named ${name}, and the canonical bytes of ${text} for it appended to ${out}.
 * NOT_FOUND (no such field), and the errors of dt_value_from_text(); both outputs as before on
 * error. */
DT_MUST_CHECK enum dt_err dt_slot_from_text(const struct dt_template *tmpl, const char *name,
                                            struct dt_view text, const struct dt_charter *charter,
                                            size_t *out_index, struct dt_buf *out);

/* Set the field named ${name} from text (dt_value_from_text; ${charter} for party names, may be
 * NULL). */
DT_MUST_CHECK enum dt_err dt_record_draft_set_text(struct dt_record_draft *d, const char *name,
                                                   struct dt_view text,
                                                   const struct dt_charter *charter);
/* The same for a list field whose ${n} items are already apart (from a JSON array). */
DT_MUST_CHECK enum dt_err dt_record_draft_set_items(struct dt_record_draft *d, const char *name,
                                                    const struct dt_view *items, size_t n,
                                                    const struct dt_charter *charter);
/* Set slot ${index} to canonical bytes. */
DT_MUST_CHECK enum dt_err dt_record_draft_set(struct dt_record_draft *d, size_t index,
                                              struct dt_view value);
/* Add a reference (slot 4). */
DT_MUST_CHECK enum dt_err dt_record_draft_refer(struct dt_record_draft *d,
                                                enum dt_reference_what what, struct dt_view bytes);
/* Have it destroyed by all so long after it came (slot 7; 0: keep it). RANGE. */
DT_MUST_CHECK enum dt_err dt_record_draft_destroy(struct dt_record_draft *d, uint64_t after_ms);
/* Missing required fields? FORMAT names the first one. */
DT_MUST_CHECK enum dt_err dt_record_draft_check(const struct dt_record_draft *d);

/* Draw record id and secret, commit, sign with the delegate's seed. ${out} owns all. RANGE: the
 * seed is not the letter's key. */
DT_MUST_CHECK enum dt_err dt_record_make(const struct dt_record_draft *d,
                                         struct dt_view delegate_seed, struct dt_record *out);

DT_MUST_CHECK enum dt_err dt_record_encode(const struct dt_record *r, struct dt_buf *out);

/**
 * dt_record_decode(bytes, templates, out):
 * Parse, then recompute everything that needs no letter: template known by id and hash, slots as it
 * says, values canonical, required fields there, kind = template id, author's key = signer,
 * commitment, signature, seal. Errors: UNSUPPORTED (a template that is not known here), FORMAT,
 * RANGE, LIMIT, AUTH, NOMEM.
 */
DT_MUST_CHECK enum dt_err
dt_record_decode(struct dt_view bytes, const struct dt_templates *templates, struct dt_record *out);

/* The parts of a record whose template is not known: neither commitment, signature nor values can
 * be checked without it. Views point into the bytes. */
struct dt_record_raw {
    struct dt_header header; /* its template's id is of the form of one */
    uint8_t kind[DT_SLOTS_MAX];
    struct dt_view value[DT_SLOTS_MAX];
};
DT_MUST_CHECK enum dt_err dt_record_raw_read(struct dt_view bytes, struct dt_record_raw *out);

/**
 * dt_record_check_author(r, c, letter, at_ms):
 * The record is of the charter's forum; ${letter} is the one it names, of a root of the charter,
 * for the key that signed, with the right `record` (consents: `consent`), valid at ${at_ms} (pass 0
 * to leave time out). AUTH, EXPIRED, REFUSED.
 */
DT_MUST_CHECK enum dt_err dt_record_check_author(const struct dt_record *r,
                                                 const struct dt_charter *c,
                                                 const struct dt_letter *letter, uint64_t at_ms);

/* Shown only in the channel it names: REFUSED with "carried" otherwise. */
DT_MUST_CHECK enum dt_err dt_record_check_channel(const struct dt_record *r,
                                                  const uint8_t channel[static 32]);

/* The slot named ${name}, NULL when absent (pad) or not in the template. Borrowed. */
const struct dt_slot *dt_record_get(const struct dt_record *r, const char *name);
/* Append the text of slot ${index}; "" when absent. */
DT_MUST_CHECK enum dt_err dt_record_text(const struct dt_record *r, size_t index,
                                         const struct dt_charter *charter, struct dt_buf *out);

#endif
