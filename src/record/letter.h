/*
 * record/letter.h - letters of credence, the request for one, and its revocation.
 *
 * Source: docs/protocol-record.md, "Letter of credence". Layer: record; no I/O.
 * A letter is a field tree of the built-in template `letter` signed by the party's root; its hash
 * is its commitment. Inbox address and write token are fields that are never opened in a proof.
 */
#ifndef DT_RECORD_LETTER_H
#define DT_RECORD_LETTER_H

#include "record/charter.h"
#include "record/fields.h"

/* Rights, in the order of the template's enum (place 1 is DT_RIGHT_TALK); a set is a bit mask of 1
 * << (right - 1). */
enum dt_right {
    DT_RIGHT_TALK = 1,
    DT_RIGHT_RECORD = 2,
    DT_RIGHT_ADMIT = 3,
    DT_RIGHT_CONSENT = 4,
    DT_RIGHT_FOUND = 5
};
#define DT_RIGHT_BIT(right) (1u << ((right)-1))
#define DT_RIGHTS_ALL       0x1fu

/* Slots of the template `letter`. */
enum dt_letter_slot {
    DT_LETTER_NAME = 8,
    DT_LETTER_TITLE,
    DT_LETTER_RIGHTS,
    DT_LETTER_NOT_BEFORE,
    DT_LETTER_NOT_AFTER,
    DT_LETTER_KEY,
    DT_LETTER_X25519,
    DT_LETTER_PARTY,
    DT_LETTER_INBOX_ADDRESS,
    DT_LETTER_INBOX_TOKEN
};

/* What a delegate asks its root for. Views borrow (from the decoded bytes or the caller). */
struct dt_letter_request {
    struct dt_buf store;
    uint8_t forum[32];
    uint64_t created_ms;
    struct dt_view name, title;
    uint8_t key[32];                           /* delegate's Ed25519 */
    uint8_t x25519[32];                        /* delegate's HPKE key */
    struct dt_view inbox_address, inbox_token; /* opaque to this room */
    uint8_t signature[64];
};
void dt_letter_request_clear(struct dt_letter_request *q);
/* Sign with the delegate's seed (proof of possession; sets key and signature) and append the
 * encoding. */
DT_MUST_CHECK enum dt_err dt_letter_request_make(struct dt_letter_request *q,
                                                 struct dt_view delegate_seed, struct dt_buf *out);
/* Parse and check the signature. */
DT_MUST_CHECK enum dt_err dt_letter_request_decode(struct dt_view bytes,
                                                   struct dt_letter_request *out);

struct dt_letter {
    struct dt_buf store;      /* owns the views; wiped on clear */
    struct dt_template *tmpl; /* owned */
    struct dt_header header;
    struct dt_slot slots[DT_SLOTS_MAX];
    struct dt_secret secret;
    uint8_t root[32]; /* the party's root key that signed: the first, or one that took its place */
    uint8_t signature[64];
    uint8_t hash[32]; /* the letter hash: the commitment */
    /* read from the slots */
    uint8_t forum[32];
    uint8_t party[32]; /* the party's id: of the root that it was founded with */
    struct dt_view name, title;
    uint32_t rights;
    uint64_t not_before_ms, not_after_ms, issued_ms;
    uint8_t key[32];
    uint8_t x25519[32];
    struct dt_view inbox_address, inbox_token;
};
void dt_letter_clear(struct dt_letter *l);

/**
 * dt_letter_issue(root_seed, request, rights, not_before_ms, not_after_ms, now_ms, out):
 * The root accredits the delegate of ${request}. Encoding appended to ${out}. RANGE (dates,
 * rights).
 */
DT_MUST_CHECK enum dt_err dt_letter_issue(struct dt_view root_seed,
                                          const struct dt_letter_request *request, uint32_t rights,
                                          uint64_t not_before_ms, uint64_t not_after_ms,
                                          uint64_t now_ms, struct dt_buf *out);

/* As dt_letter_issue(), by a root that took the place of another: ${party} is the party's id, NULL:
 * that of this root. */
DT_MUST_CHECK enum dt_err dt_letter_issue_for(struct dt_view root_seed, const uint8_t *party,
                                              const struct dt_letter_request *request,
                                              uint32_t rights, uint64_t not_before_ms,
                                              uint64_t not_after_ms, uint64_t now_ms,
                                              struct dt_buf *out);

/* Parse; recompute the hash; check the root's signature and every field. FORMAT, AUTH. The letter
 * is then consistent; whether its root counts is dt_letter_check_charter(). */
DT_MUST_CHECK enum dt_err dt_letter_decode(struct dt_view bytes, struct dt_letter *out);

/* The letters that were decoded last, by what their bytes hash to. All zero: none yet. */
#define DT_LETTERS_KNOWN 64u
struct dt_letters_known {
    struct {
        uint8_t bytes[32]; /* SHA-256 of the encoding */
        uint8_t hash[32];  /* the letter hash */
    } letter[DT_LETTERS_KNOWN];
    unsigned int n;    /* so many are there */
    unsigned int next; /* is replaced next */
};
/* As dt_letter_decode(). The commitment and the signature of bytes that are in ${known} (may be
 * NULL) are taken as found before; bytes that hold are put there. One thread at a time. */
DT_MUST_CHECK enum dt_err
dt_letter_decode_known(struct dt_view bytes, struct dt_letters_known *known, struct dt_letter *out);
DT_MUST_CHECK enum dt_err dt_letter_encode(const struct dt_letter *l, struct dt_buf *out);
/* Deep copy (encode and decode). */
DT_MUST_CHECK enum dt_err dt_letter_copy(const struct dt_letter *l, struct dt_letter *out);

/* Same forum, and its root is one of the charter's, in force or replaced (place of the party into
 * ${out_party}, may be NULL). AUTH. */
DT_MUST_CHECK enum dt_err dt_letter_check_charter(const struct dt_letter *l,
                                                  const struct dt_charter *c, size_t *out_party);
/* Valid at ${at_ms}, with all of ${rights}? EXPIRED (not yet / no longer), REFUSED (a right
 * missing). */
DT_MUST_CHECK enum dt_err dt_letter_check_time(const struct dt_letter *l, uint64_t at_ms);
DT_MUST_CHECK enum dt_err dt_letter_check_rights(const struct dt_letter *l, uint32_t rights);
/* "talk, record" into ${out} (at least 64 bytes). */
void dt_rights_str(uint32_t rights, char out[static 64]);
/* Parse "talk,record" or "all". FORMAT. */
DT_MUST_CHECK enum dt_err dt_rights_read(struct dt_view text, uint32_t *out);

/* ---- revocation ---- */
struct dt_revocation {
    uint8_t forum[32];
    uint8_t letter[32]; /* letter hash */
    uint8_t party[32];  /* its id */
    uint64_t time_ms;   /* the root's clock; what counts is its entry's time */
    uint8_t root[32];
    uint8_t signature[64];
};
DT_MUST_CHECK enum dt_err dt_revocation_make(struct dt_view root_seed,
                                             const struct dt_letter *letter, uint64_t now_ms,
                                             struct dt_revocation *out);
DT_MUST_CHECK enum dt_err dt_revocation_encode(const struct dt_revocation *v, struct dt_buf *out);
/* Parse and check the signature by its own root key. Whether that is a root of the party is
 * dt_revocation_check(). */
DT_MUST_CHECK enum dt_err dt_revocation_decode(struct dt_view bytes, struct dt_revocation *out);
/* Its seal, for the register. */
DT_MUST_CHECK enum dt_err dt_revocation_seal(const struct dt_revocation *v, uint8_t out[static 32]);
/* AUTH unless it is of this charter's forum and by the root that signed ${letter} (may be NULL). */
DT_MUST_CHECK enum dt_err dt_revocation_check(const struct dt_revocation *v,
                                              const struct dt_charter *c,
                                              const struct dt_letter *letter);

#endif
