/*
 * record/amendment.h - amendments of a charter: a new register and relay in place of a lost one, or
 * roots that take the place of others.
 *
 * Source: docs/protocol-record.md, "Amendment". Layer: record; no I/O, no clock.
 * An amendment is a field tree of the built-in template `amendment`, signed by every root of the
 * charter. It names the last good size and root of the register that it ends; the new one begins
 * with these same entries, so that indexes go on. Or it names new roots: then the register stays,
 * and the size says from which entry on the letters of the new root count, and those of the one
 * before no more (succession.h).
 *
 *   charter <-- 1 <-- 2 <-- 3      each names the one before: by the forum id, then by commitment
 *
 * To draft one: dt_amendment_draft(). To sign: decode, dt_amendment_check() against the charter
 * with the amendments before it, dt_amendment_sign(), encode. To take it in: dt_charter_amend().
 */
#ifndef DT_RECORD_AMENDMENT_H
#define DT_RECORD_AMENDMENT_H

#include "record/charter.h"
#include "record/fields.h"

/* Slots of the template `amendment`. */
enum dt_amendment_slot { DT_AMENDMENT_NUMBER = 8, DT_AMENDMENT_PREVIOUS, DT_AMENDMENT_BODY };

/* One party's root from now on, and who may take its place. */
struct dt_root_change {
    uint8_t party;         /* place in the charter */
    uint8_t root[32];      /* the one in force: it stays, and a successor is announced */
    bool has_successor;    /* from now on; */
    uint8_t successor[32]; /* by its root id */
};

struct dt_amendment {
    struct dt_buf store; /* owns the views after decode */
    struct dt_template *tmpl;
    struct dt_header header;
    struct dt_slot slots[DT_SLOTS_MAX];
    uint8_t secret[DT_RECORD_SECRET]; /* not one: every reader of the charter has it */
    uint8_t commitment[32];
    uint8_t author[32];     /* id of the party that drafted it, */
    uint8_t author_key[32]; /* and its root: the one in force, or that which this one names */
    uint64_t number;        /* 1 and up */
    uint8_t previous[32];   /* forum id, or commitment of the amendment before */
    uint64_t made_ms;
    uint64_t last_size; /* of the register that ends; or of what counts for the roots replaced */
    struct tlog_hash last_root;
    struct dt_charter next; /* relays to quorum_final alone; views into the store */
    size_t n_changes;       /* 0: the register is replaced; else only roots are */
    struct dt_root_change changes[DT_CHARTER_PARTIES];
    bool has_signature[DT_CHARTER_PARTIES]; /* of the roots in force before it */
    uint8_t signature[DT_CHARTER_PARTIES][64];
    bool has_new[DT_CHARTER_PARTIES]; /* of the roots that it names */
    uint8_t new_signature[DT_CHARTER_PARTIES][64];
};

void dt_amendment_clear(struct dt_amendment *am);

/* What a draft says. */
struct dt_amendment_parts {
    const struct dt_charter *next; /* relays to quorum_final alone are looked at; NULL: changes */
    const struct dt_root_change *changes;
    size_t n_changes;
    size_t author; /* place of the party whose root drafts it */
    uint64_t last_size;
    struct tlog_hash last_root;
    uint64_t made_ms;
};

/**
 * dt_amendment_draft(c, parts, out):
 * Draft the next amendment of ${c}, which has those before it. ${out} owns its bytes. Errors: those
 * of dt_amendment_check().
 */
DT_MUST_CHECK enum dt_err dt_amendment_draft(const struct dt_charter *c,
                                             const struct dt_amendment_parts *parts,
                                             struct dt_amendment *out);

/* Append the bytes, with the signatures it has. */
DT_MUST_CHECK enum dt_err dt_amendment_encode(const struct dt_amendment *am, struct dt_buf *out);
/* Parse, and check all that needs no charter: not the signatures. */
DT_MUST_CHECK enum dt_err dt_amendment_decode(struct dt_view bytes, struct dt_amendment *out);

/**
 * dt_amendment_check(am, c):
 * Is ${am} the next amendment of ${c}, with contents that a charter may have, and signatures (those
 * that are there) of its roots? Errors: AUTH (another forum, a signature), EXISTS (${c} has it
 * already), CONFLICT (out of the chain), RANGE, FORMAT, LIMIT.
 */
DT_MUST_CHECK enum dt_err dt_amendment_check(const struct dt_amendment *am,
                                             const struct dt_charter *c);
/* Is there a signature of every party? Of one whose root is replaced: of the new root, and of the
 * one before unless the new one is the successor that was announced. STATE names who has not
 * signed. */
DT_MUST_CHECK enum dt_err dt_amendment_complete(const struct dt_amendment *am,
                                                const struct dt_charter *c);

/* The change of the party at ${place} where it replaces the root in force in ${c}; else NULL. */
const struct dt_root_change *dt_amendment_replaces(const struct dt_amendment *am,
                                                   const struct dt_charter *c, size_t place);

/* Sign with the root whose 32-byte seed is given: one in force, or one that the amendment names.
 * NOT_FOUND: neither. */
DT_MUST_CHECK enum dt_err dt_amendment_sign(struct dt_amendment *am, const struct dt_charter *c,
                                            struct dt_view root_seed);
/* Add the signatures of another copy of the same, which was checked. CONFLICT: another amendment.
 */
DT_MUST_CHECK enum dt_err dt_amendment_merge(struct dt_amendment *am,
                                             const struct dt_amendment *other);

/* What enters the register for it. STATE: the drafting root has not signed. */
DT_MUST_CHECK enum dt_err dt_amendment_seal(const struct dt_amendment *am,
                                            const struct dt_charter *c, uint8_t out[static 32]);

/**
 * dt_charter_amend(c, bytes):
 * Take in the next amendment of ${c}: decoded, checked, complete. Then relays, register, witnesses
 * and quorums of ${c}, or roots and successors, are the new ones, and c->former has one more. On
 * error ${c} is as it was.
 */
DT_MUST_CHECK enum dt_err dt_charter_amend(struct dt_charter *c, struct dt_view bytes);

/* Take in a list of opaque<V>, one amendment after the other, as dt_charter_amendments() writes. */
DT_MUST_CHECK enum dt_err dt_charter_amend_all(struct dt_charter *c, struct dt_view list);
/* Append that list; nothing for a charter that was never amended. */
DT_MUST_CHECK enum dt_err dt_charter_amendments(const struct dt_charter *c, struct dt_buf *out);

#endif
