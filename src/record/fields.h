/*
 * record/fields.h - the field tree: header, salts, leaf entries, root, commitment, opened slots.
 *
 * Source: docs/protocol-record.md, "Field tree"; RFC 6962 section 2.1 for the tree. Layer: record.
 *
 *     header -> ctx -+-> salt_i (with the record secret) -> leaf entry_i -+-> root -> commitment
 */
#ifndef DT_RECORD_FIELDS_H
#define DT_RECORD_FIELDS_H

#include "crypto/crypto.h"
#include "log/tree.h"
#include "record/template.h"

#define DT_RECORD_ID     16
#define DT_RECORD_SECRET 32

enum dt_slot_kind { DT_SLOT_PAD = 0, DT_SLOT_VALUE = 1 };

struct dt_header {
    uint8_t forum[32];
    struct dt_view template_id;
    uint8_t template_hash[32];
    uint8_t record_id[DT_RECORD_ID];
    uint8_t n_slots;
};

/* One slot in the clear. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order of its encoding */
struct dt_slot {
    uint8_t kind; /* enum dt_slot_kind */
    struct dt_view name;
    uint8_t type;
    struct dt_view value; /* empty for a pad */
};

/* One opened slot: what its leaf of the tree is made of. */
struct dt_opening {
    uint8_t index;
    uint8_t salt[32];
    struct dt_slot slot;
};

struct dt_reader;
struct dt_writer;

/* The header without its label, as it stands in records and letters. */
void dt_header_write(struct dt_writer *w, const struct dt_header *h);
DT_MUST_CHECK enum dt_err dt_header_read(struct dt_reader *r, struct dt_header *out);

/* The slots of a record or letter: kind and value each; names and types come from ${tmpl}. */
void dt_slot_list_write(struct dt_writer *w, const struct dt_header *h,
                        const struct dt_slot *slots);
DT_MUST_CHECK enum dt_err dt_slot_list_read(struct dt_reader *r, const struct dt_template *tmpl,
                                            const struct dt_header *h, struct dt_slot *out);

/* ${h} is of ${tmpl} (id, hash, number of slots), and each slot is what the template allows: values
 * canonical, required ones there, nothing past the template. */
DT_MUST_CHECK enum dt_err dt_slot_list_check(const struct dt_template *tmpl,
                                             const struct dt_header *h,
                                             const struct dt_slot *slots);

/* Is ${after_ms} a time after which something may be destroyed? RANGE: an hour at least, 100 years
 * at most. */
DT_MUST_CHECK enum dt_err dt_destroy_after_check(uint64_t after_ms);

/* One slot alone (an opened one) against ${tmpl}. */
DT_MUST_CHECK enum dt_err dt_slot_check(const struct dt_template *tmpl, size_t index,
                                        const struct dt_slot *slot);

/* ctx = SHA-256(header). */
DT_MUST_CHECK enum dt_err dt_header_ctx(const struct dt_header *h, uint8_t out[static 32]);

/* The commitment of ${slots} (h->n_slots of them) under ${secret}. */
DT_MUST_CHECK enum dt_err dt_fields_commit(const struct dt_header *h, const struct dt_slot *slots,
                                           struct dt_view secret,
                                           uint8_t out_commitment[static 32]);

/**
 * dt_fields_open(h, slots, secret, mask, salts, nodes):
 * Open the slots of ${mask} together: ${salts} gets the salt of each at its index, ${nodes} is
 * appended the hashes of the tree that do not follow from their leaves, 32 bytes each, in the order
 * in which dt_openings_root() takes them. Errors: RANGE (no slot, or none of the record's).
 */
DT_MUST_CHECK enum dt_err dt_fields_open(const struct dt_header *h, const struct dt_slot *slots,
                                         struct dt_view secret, uint64_t mask,
                                         uint8_t salts[static DT_SLOTS_MAX][32],
                                         struct dt_buf *nodes);

/* The leaf that says "destroyed after ${after_ms}" in a record of the header's hash ${ctx}, which
 * is all that its holder knows of it. */
DT_MUST_CHECK enum dt_err dt_destroy_leaf(const uint8_t ctx[static 32],
                                          const uint8_t salt[static 32], uint64_t after_ms,
                                          struct tlog_hash *out);

/* The leaf of the tree that ${opening} gives. */
DT_MUST_CHECK enum dt_err dt_opening_leaf(const struct dt_header *h,
                                          const struct dt_opening *opening, struct tlog_hash *out);

/**
 * dt_openings_root(n_slots, mask, leaves, nodes, out_root):
 * The root that the leaves of the slots of ${mask}, each at its index in ${leaves}, lead to with
 * the other hashes ${nodes}: level by level from the leaves up, in each from left to right, one for
 * every pair of which one is known. ${leaves} is used up. For one slot alone ${nodes} is its
 * RFC 6962 path. Errors: RANGE (not as many nodes as it takes).
 */
DT_MUST_CHECK enum dt_err dt_openings_root(uint8_t n_slots, uint64_t mask,
                                           struct tlog_hash leaves[static DT_SLOTS_MAX],
                                           struct dt_view nodes, uint8_t out_root[static 32]);

/* commitment of a root: dt_label_hash("commitment", ctx || root). */
DT_MUST_CHECK enum dt_err dt_fields_commitment(const uint8_t ctx[static 32],
                                               const uint8_t root[static 32],
                                               uint8_t out[static 32]);

/* seal = dt_label_hash("seal", commitment || author_key || signature); entry = 0x01 || seal. */
#define DT_REGISTER_ENTRY 33u
DT_MUST_CHECK enum dt_err dt_seal(const uint8_t commitment[static 32],
                                  const uint8_t author_key[static 32],
                                  const uint8_t signature[static 64], uint8_t out[static 32]);
void dt_register_entry(const uint8_t seal[static 32], uint8_t out[static DT_REGISTER_ENTRY]);

#endif
