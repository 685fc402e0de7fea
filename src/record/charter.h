/*
 * record/charter.h - the founding document of a forum.
 *
 * Source: docs/protocol-record.md, "Charter"; DESIGN "Words", "Register". Layer: record; no I/O.
 * To build one: zero the struct, fill it with views that outlive it, encode; dt_charter_decode()
 * gives one that owns its bytes.
 */
#ifndef DT_RECORD_CHARTER_H
#define DT_RECORD_CHARTER_H

#include "log/tree.h"
#include "record/limits.h"
#include "record/words.h"

#define DT_CHARTER_VERSION 1
#define DT_FORUM_ID        32

enum dt_party_kind { DT_PARTY_PARTY = 1, DT_PARTY_MEDIATOR = 2, DT_PARTY_MONITOR = 3 };

struct dt_charter_party {
    uint8_t root[32];    /* Ed25519 public key, the one in force */
    uint8_t root_id[32]; /* the party's id for ever: of the root that it was founded with; set by
                            decode, sign and dt_charter_check() */
    uint8_t kind;        /* enum dt_party_kind */
    struct dt_view name;
    bool has_successor;    /* announced: who alone may take the root's place, */
    uint8_t successor[32]; /* by its root id */
};

struct dt_charter_witness {
    uint8_t party; /* place in parties */
    struct dt_view vkey;
};

struct dt_charter_rule {
    struct dt_view name, value;
};

struct dt_charter_former;

/* The parties' ids, kinds and names, title, nonce, date and rules are for ever; after
 * dt_charter_amend() (amendment.h) the parties' roots and successors, and the members from relays
 * to quorum_final, are those in force. */
struct dt_charter {
    struct dt_buf store; /* owns the views after decode */
    struct dt_view title;
    uint8_t nonce[16];
    uint64_t created_ms;
    struct dt_charter_party parties[DT_CHARTER_PARTIES];
    size_t n_parties;
    struct dt_view relays[DT_CHARTER_RELAYS];
    size_t n_relays;
    struct dt_view register_origin; /* C2SP origin; also the register key's name */
    struct dt_view register_vkey;
    struct dt_view register_path; /* below the relay's address, e.g. "/r/<id>" */
    struct dt_charter_witness witnesses[DT_CHARTER_WITNESSES];
    size_t n_witnesses;
    uint8_t quorum_attested; /* groups; 2 unless the charter says otherwise */
    uint8_t quorum_final;    /* groups; 0 means all */
    struct dt_charter_rule
        rules[DT_CHARTER_RULES]; /* sorted by name; names known to this version */
    size_t n_rules;
    bool has_signature[DT_CHARTER_PARTIES];
    uint8_t signature[DT_CHARTER_PARTIES][64];
    struct dt_charter_former *former; /* owned: one for each amendment, in order */
    size_t n_former;
};

/* What an amendment ended: the charter as it was before, and how much of its register counts; or,
 * where it replaced roots, how much of the register counts for those of before. */
struct dt_charter_former {
    bool roots;                 /* it replaced roots, or announced successors: the register stays */
    struct dt_charter was;      /* views of its own are none: they stand in what came before */
    struct dt_buf bytes;        /* the amendment that ended it; the next part's views point here */
    uint8_t commitment[32];     /* of that amendment */
    uint64_t made_ms;           /* when it was drafted, by the drafter's clock */
    uint64_t last_size;         /* entries of the register that count (under its roots), */
    struct tlog_hash last_root; /* and the root that they have */
};

/* The charter as it was founded: what the forum id is of, what encodes. */
const struct dt_charter *dt_charter_founded(const struct dt_charter *c);

/* Where in the register the letters of one root of a party count. */
struct dt_charter_root {
    uint64_t from, to; /* entries from the one to before the other; UINT64_MAX: no end */
    size_t ended_by;   /* number of the amendment that replaced it; 0: it is in force */
};
/* ${root} as a root of the party at ${place}, in force or replaced (succession.c). NOT_FOUND: it is
 * none. */
DT_MUST_CHECK enum dt_err dt_charter_root_find(const struct dt_charter *c, size_t place,
                                               const uint8_t root[static 32],
                                               struct dt_charter_root *out);

void dt_charter_clear(struct dt_charter *c); /* usable with DT_CLEANUP; wipes nothing secret */

/* Check all rules on contents (not signatures) and set root_id of each party. FORMAT/RANGE/LIMIT.
 */
DT_MUST_CHECK enum dt_err dt_charter_check(struct dt_charter *c);

/* Append the body (what is signed and hashed). Here and below: of the charter as it was founded. */
DT_MUST_CHECK enum dt_err dt_charter_encode_body(const struct dt_charter *c, struct dt_buf *out);
/* Append body and the signatures it has; a draft is one that lacks some. */
DT_MUST_CHECK enum dt_err dt_charter_encode(const struct dt_charter *c, struct dt_buf *out);
/* Parse and check contents and every signature that is there. AUTH names the party whose signature
 * fails. */
DT_MUST_CHECK enum dt_err dt_charter_decode(struct dt_view bytes, struct dt_charter *out);

/* The forum id: dt_label_hash("charter", body). The same for a draft and the signed charter. */
DT_MUST_CHECK enum dt_err dt_charter_forum_id(const struct dt_charter *c,
                                              uint8_t out[static DT_FORUM_ID]);

/* Sign with the root whose 32-byte seed is given. NOT_FOUND: not a root of this charter. */
DT_MUST_CHECK enum dt_err dt_charter_sign(struct dt_charter *c, struct dt_view root_seed);
/* Add the signatures of another copy ${other} of the same body. CONFLICT: another body. */
DT_MUST_CHECK enum dt_err dt_charter_merge(struct dt_charter *c, const struct dt_charter *other);
/* Is there a signature of every party (valid ones, when it was decoded)? STATE names who has not
 * signed. */
DT_MUST_CHECK enum dt_err dt_charter_complete(const struct dt_charter *c);
/* All signatures there and valid? STATE names who has not signed, AUTH whose signature fails. */
DT_MUST_CHECK enum dt_err dt_charter_verify(const struct dt_charter *c);

/* Place of the party with this id / name (exact, else ignoring ASCII case); NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_charter_party_by_id(const struct dt_charter *c,
                                                 const uint8_t root_id[static 32], size_t *out);
DT_MUST_CHECK enum dt_err dt_charter_party_by_name(const struct dt_charter *c, struct dt_view name,
                                                   size_t *out);

/* Which quorum the derived policy demands. */
enum dt_policy_kind { DT_POLICY_ATTESTED = 1, DT_POLICY_FINAL = 2, DT_POLICY_HELD = 3 };

/**
 * dt_charter_policy(c, kind, out):
 * Append the tlog-policy text: log line, a witness line each ("w<n>-<party>"), a group per party
 * that has witnesses ("g<place+1>-<party>", any 1 of its witnesses), and the quorum of ${kind}.
 */
DT_MUST_CHECK enum dt_err dt_charter_policy(const struct dt_charter *c, enum dt_policy_kind kind,
                                            struct dt_buf *out);

struct tlog_policy;
/* The side of ${policy}, derived from ${c}, that is the witness group of ${party};
 * TLOG_POLICY_NO_NODE when it has no witness. */
DT_MUST_CHECK enum dt_err dt_charter_side(const struct dt_charter *c,
                                          const struct tlog_policy *policy, size_t party,
                                          size_t *out);

#endif
