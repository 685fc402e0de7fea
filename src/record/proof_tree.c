/*
 * record/proof_tree.c - one tree of a proof file, opened in part: a record's or a letter's.
 *
 * Source: docs/protocol-record.md, "Proof file". Layer: record.
 */
#include <string.h>

#include "record/proof_internal.h"

/* Version 1: the root that one opening's own path leads to; the same for all of them. */
static enum dt_err
path_root(const struct dt_opened *t, uint8_t index, const struct tlog_hash *leaf,
          struct dt_view path, bool first, uint8_t root[static 32])
{
    struct tlog_hash leaves[DT_SLOTS_MAX];
    uint8_t got[32];
    enum dt_err err;

    leaves[index] = *leaf;
    if ((err = dt_openings_root(t->header.n_slots, (uint64_t)1 << index, leaves, path, got)) !=
        DT_OK)
        return err;
    if (!first && memcmp(root, got, 32) != 0)
        return dt_fail(DT_ERR_PROOF,
                       "slot %u does not belong to the commitment of the slots before it", index);
    memcpy(root, got, 32);
    return DT_OK;
}

enum dt_err
dt_proof_tree_check(struct dt_opened *t, const struct dt_template *tmpl, struct dt_slot *slots,
                    uint64_t *out_mask, uint8_t out_commitment[static 32])
{
    struct dt_reader r = t->openings;
    struct tlog_hash leaves[DT_SLOTS_MAX];
    uint8_t root[32], ctx[32];
    uint64_t mask = 0;
    enum dt_err err;

    if (memcmp(t->header.template_hash, dt_template_hash(tmpl), 32) != 0 ||
        t->header.n_slots != dt_template_slots(tmpl))
        return dt_fail(DT_ERR_PROOF, "its template is not the one its header names");
    while (r.n > 0) {
        struct dt_opening o = {0};
        struct dt_view path = {0};
        struct dt_field f;

        if ((err = dt_proof_opening_read(&r, t, &o, &path)) != DT_OK)
            return err;
        if (mask >> o.index != 0)
            return dt_fail(DT_ERR_FORMAT, "the opened slots are not in order, each once");
        dt_template_slot(tmpl, o.index, &f);
        o.slot.name = f.name;
        o.slot.type = f.type;
        if ((err = dt_slot_check(tmpl, o.index, &o.slot)) != DT_OK ||
            (err = dt_opening_leaf(&t->header, &o, &leaves[o.index])) != DT_OK ||
            (t->paths &&
             (err = path_root(t, o.index, &leaves[o.index], path, mask == 0, root)) != DT_OK))
            return err;
        slots[o.index] = o.slot;
        mask |= (uint64_t)1 << o.index;
    }
    if ((mask & DT_OPEN_ALWAYS) != DT_OPEN_ALWAYS)
        return dt_fail(DT_ERR_FORMAT, "author and kind are not opened");
    if (!dt_view_equal(slots[DT_SLOT_KIND].value, t->header.template_id) ||
        !dt_view_equal(t->header.template_id, dt_template_id(tmpl)))
        return dt_fail(DT_ERR_PROOF, "its kind is not its template's id");
    if ((!t->paths &&
         (err = dt_openings_root(t->header.n_slots, mask, leaves, t->nodes, root)) != DT_OK) ||
        (err = dt_header_ctx(&t->header, ctx)) != DT_OK ||
        (err = dt_fields_commitment(ctx, root, out_commitment)) != DT_OK)
        return err;
    *out_mask = mask;
    return DT_OK;
}

enum dt_err
dt_proof_signature_check(const struct dt_opened *t, const char *label,
                         const uint8_t commitment[static 32])
{
    uint8_t both[64];
    enum dt_err err;

    memcpy(both, t->header.forum, 32);
    memcpy(both + 32, commitment, 32);
    err = dt_label_verify(dt_view_of(t->key), label, dt_view_of(both), dt_view_of(t->signature));
    /* Want of memory is no verdict on the signature. */
    return err == DT_ERR_AUTH ? dt_fail(err, "the signature does not hold for what is opened")
                              : err;
}

enum dt_err
dt_proof_letter_check(const struct dt_charter *charter, const struct dt_template *letter,
                      struct dt_opened *t, struct dt_letter_seen *l)
{
    struct dt_slot slots[DT_SLOTS_MAX] = {{0}};
    uint8_t zero[32] = {0};
    uint64_t mask = 0;
    struct dt_view list, item = {0};
    struct dt_author author = {0};
    uint16_t right = 0;
    enum dt_err err;

    if ((err = dt_proof_tree_check(t, letter, slots, &mask, l->hash)) != DT_OK)
        return err;
    if ((mask & DT_LETTER_OPEN_ALWAYS) != DT_LETTER_OPEN_ALWAYS ||
        (mask & ~(DT_LETTER_OPEN_ALWAYS | DT_LETTER_OPEN_CHOICE)) != 0)
        return dt_fail(DT_ERR_FORMAT, "not the fields that a proof opens of a letter");
    if ((err = dt_proof_signature_check(t, "letter", l->hash)) != DT_OK ||
        (err = dt_author_read(slots[DT_SLOT_AUTHOR].value, &author)) != DT_OK ||
        (err = dt_value_u64(slots[DT_LETTER_NOT_BEFORE].value, &l->not_before_ms)) != DT_OK ||
        (err = dt_value_u64(slots[DT_LETTER_NOT_AFTER].value, &l->not_after_ms)) != DT_OK)
        return err;
    if (dt_charter_party_by_id(charter, author.party, &l->party) != DT_OK)
        return dt_fail(DT_ERR_AUTH, "its root is none of the charter's");
    if (dt_charter_root_find(charter, l->party, t->key, &l->root) != DT_OK ||
        memcmp(author.key, t->key, 32) != 0 || memcmp(author.letter, zero, 32) != 0 ||
        memcmp(slots[DT_LETTER_PARTY].value.p, author.party, 32) != 0)
        return dt_fail(DT_ERR_AUTH, "its author is not the root that signed it");
    list = slots[DT_LETTER_RIGHTS].value;
    while (dt_value_list_next(&list, &item)) {
        if ((err = dt_value_enum(item, &right)) != DT_OK)
            return err;
        l->rights |= DT_RIGHT_BIT(right);
    }
    memcpy(l->key, slots[DT_LETTER_KEY].value.p, 32);
    l->name = slots[DT_LETTER_NAME].value;
    l->title = slots[DT_LETTER_TITLE].value;
    return DT_OK;
}
