/*
 * record/fields.c - the field tree.
 *
 * Source: docs/protocol-record.md, "Field tree"; RFC 6962 section 2.1. Layer: record.
 */
#include <string.h>

#include "base/wire.h"

#include "record/fields.h"

#define HEADER_MAX  256
#define FIELD_LABEL "detente 1 field"
#define SALT_LABEL  "detente 1 salt"

void
dt_header_write(struct dt_writer *w, const struct dt_header *h)
{
    dt_write_view(w, dt_view_of(h->forum));
    dt_write_vec(w, h->template_id);
    dt_write_view(w, dt_view_of(h->template_hash));
    dt_write_view(w, dt_view_of(h->record_id));
    dt_write_u8(w, h->n_slots);
}

enum dt_err
dt_header_read(struct dt_reader *r, struct dt_header *out)
{
    struct dt_header h = {0};
    enum dt_err err;

    if ((err = dt_read_fixed(r, h.forum, sizeof h.forum)) != DT_OK ||
        (err = dt_read_vec(r, DT_TEMPLATE_ID_MAX, &h.template_id)) != DT_OK ||
        (err = dt_read_fixed(r, h.template_hash, sizeof h.template_hash)) != DT_OK ||
        (err = dt_read_fixed(r, h.record_id, sizeof h.record_id)) != DT_OK ||
        (err = dt_read_u8(r, &h.n_slots)) != DT_OK)
        return err;
    if (h.n_slots != 16 && h.n_slots != 32 && h.n_slots != 64)
        return dt_fail(DT_ERR_FORMAT, "a record has 16, 32 or 64 slots");
    *out = h;
    return DT_OK;
}

void
dt_slot_list_write(struct dt_writer *w, const struct dt_header *h, const struct dt_slot *slots)
{
    size_t mark = dt_write_vec_begin(w);

    for (size_t i = 0; i < h->n_slots; i++) {
        dt_write_u8(w, slots[i].kind);
        dt_write_vec(w, slots[i].value);
    }
    dt_write_vec_end(w, mark);
}

enum dt_err
dt_slot_list_read(struct dt_reader *r, const struct dt_template *tmpl, const struct dt_header *h,
                  struct dt_slot *out)
{
    struct dt_reader sub;
    struct dt_field f;
    enum dt_err err;

    if ((err = dt_read_sub(r, DT_RECORD_MAX, &sub)) != DT_OK)
        return err;
    for (size_t i = 0; i < h->n_slots; i++) {
        dt_template_slot(tmpl, i, &f);
        memset(&out[i], 0, sizeof out[i]);
        out[i].name = f.name;
        out[i].type = f.type;
        if ((err = dt_read_u8(&sub, &out[i].kind)) != DT_OK ||
            (err = dt_read_vec(&sub, DT_VALUE_MAX, &out[i].value)) != DT_OK)
            return err;
    }
    return dt_read_end(&sub);
}

enum dt_err
dt_destroy_after_check(uint64_t after_ms)
{
    if (after_ms < DT_DESTROY_AFTER_MIN_MS || after_ms > DT_DESTROY_AFTER_MAX_MS)
        return dt_fail(DT_ERR_RANGE,
                       "what is to be destroyed is kept for an hour at least, 100 years at most");
    return DT_OK;
}

/* Who is accredited, and what replaces a register, is not for a time. */
static enum dt_err
check_destroy(const struct dt_template *tmpl, const struct dt_slot *slot)
{
    uint64_t after_ms = 0;
    enum dt_err err;

    if (dt_view_equal(dt_template_id(tmpl), dt_view_str("letter")) ||
        dt_view_equal(dt_template_id(tmpl), dt_view_str("amendment")))
        return dt_fail(DT_ERR_FORMAT, "letters and amendments are kept");
    err = dt_value_u64(slot->value, &after_ms);
    return err != DT_OK ? err : dt_destroy_after_check(after_ms);
}

enum dt_err
dt_slot_check(const struct dt_template *tmpl, size_t index, const struct dt_slot *slot)
{
    struct dt_field f;
    enum dt_err err;

    dt_template_slot(tmpl, index, &f);
    if (slot->type != f.type || !dt_view_equal(slot->name, f.name))
        return dt_fail(DT_ERR_FORMAT, "slot %zu: not the name or type its template gives it",
                       index);
    if (slot->kind == DT_SLOT_PAD) {
        if (slot->value.n > 0)
            return dt_fail(DT_ERR_FORMAT, "slot %zu: absent, and yet with a value", index);
        if (f.required)
            return dt_fail(DT_ERR_FORMAT, "field %.*s is required and absent", (int)f.name.n,
                           (const char *)f.name.p);
        return DT_OK;
    }
    if (slot->kind != DT_SLOT_VALUE || f.type == DT_TYPE_NONE)
        return dt_fail(DT_ERR_FORMAT, "slot %zu: neither a value nor absent", index);
    if ((err = dt_value_check(f.type, f.n_values, slot->value)) != DT_OK)
        return dt_fail_context(err, "field %.*s", (int)f.name.n, (const char *)f.name.p);
    return index == DT_SLOT_DESTROY ? check_destroy(tmpl, slot) : DT_OK;
}

enum dt_err
dt_slot_list_check(const struct dt_template *tmpl, const struct dt_header *h,
                   const struct dt_slot *slots)
{
    enum dt_err err;

    if (!dt_view_equal(h->template_id, dt_template_id(tmpl)))
        return dt_fail(DT_ERR_FORMAT, "another template's id");
    if (memcmp(h->template_hash, dt_template_hash(tmpl), 32) != 0)
        return dt_fail(DT_ERR_UNSUPPORTED,
                       "the template %.*s is another version than the one known here",
                       (int)h->template_id.n, (const char *)h->template_id.p);
    if (h->n_slots != dt_template_slots(tmpl))
        return dt_fail(DT_ERR_FORMAT, "not the number of slots its template gives");
    for (size_t i = 0; i < h->n_slots; i++)
        if ((err = dt_slot_check(tmpl, i, &slots[i])) != DT_OK)
            return err;
    if (!dt_view_equal(slots[DT_SLOT_KIND].value, h->template_id))
        return dt_fail(DT_ERR_FORMAT, "the kind is not the template's id");
    return DT_OK;
}

enum dt_err
dt_header_ctx(const struct dt_header *h, uint8_t out[static 32])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(HEADER_MAX);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    dt_header_write(&w, h);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_label_hash("header", dt_buf_view(&b), out);
}

/* salt_i = HKDF(salt = ctx, ikm = record secret, info = label || i), RFC 5869. */
static enum dt_err
field_salt(const struct dt_secret *prk, size_t index, uint8_t out[static 32])
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret okm = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf info = DT_BUF_INIT(64);
    struct dt_writer w = dt_writer_init(&info);
    enum dt_err err;

    dt_write_str(&w, SALT_LABEL);
    dt_write_u16(&w, (uint16_t)index);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_hkdf_expand(DT_HASH_SHA256, dt_secret_view(prk), dt_buf_view(&info), 32, &okm)) !=
            DT_OK)
        return err;
    memcpy(out, okm.p, 32);
    return DT_OK;
}

/* The leaf hash of one slot's entry. */
static enum dt_err
field_leaf(const uint8_t ctx[static 32], size_t index, const uint8_t salt[static 32],
           const struct dt_slot *slot, struct tlog_hash *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf entry = DT_BUF_INIT(DT_VALUE_MAX + 512);
    struct dt_writer w = dt_writer_init(&entry);
    /* This slot was a spare one, and where it is absent it is hashed as that was. */
    const bool spare = index == DT_SLOT_DESTROY && slot->kind == DT_SLOT_PAD;
    enum dt_err err;

    dt_write_str(&w, FIELD_LABEL);
    dt_write_view(&w, dt_view(ctx, 32));
    dt_write_u16(&w, (uint16_t)index);
    dt_write_view(&w, dt_view(salt, 32));
    dt_write_u8(&w, slot->kind);
    dt_write_vec(&w, spare ? dt_view_str("@spare") : slot->name);
    dt_write_u8(&w, spare ? DT_TYPE_NONE : slot->type);
    dt_write_vec(&w, slot->value);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return tlog_leaf_hash(dt_buf_view(&entry), out);
}

/* All leaf hashes; and each slot's salt when ${salts} is given. */
static enum dt_err
all_leaves(const struct dt_header *h, const struct dt_slot *slots, struct dt_view secret,
           uint8_t ctx[static 32], struct tlog_hash *leaves, uint8_t (*salts)[32])
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret prk = {0};
    uint8_t salt[32];
    enum dt_err err;

    if (secret.n != DT_RECORD_SECRET || h->n_slots > DT_SLOTS_MAX)
        return dt_fail(DT_ERR_RANGE, "a record secret has 32 bytes, a record at most 64 slots");
    if ((err = dt_header_ctx(h, ctx)) != DT_OK ||
        (err = dt_hkdf_extract(DT_HASH_SHA256, dt_view(ctx, 32), secret, &prk)) != DT_OK)
        return err;
    for (size_t i = 0; i < h->n_slots && err == DT_OK; i++) {
        if ((err = field_salt(&prk, i, salt)) == DT_OK)
            err = field_leaf(ctx, i, salt, &slots[i], &leaves[i]);
        if (salts != NULL)
            memcpy(salts[i], salt, sizeof salt);
    }
    dt_wipe(salt, sizeof salt);
    return err;
}

enum dt_err
dt_fields_commitment(const uint8_t ctx[static 32], const uint8_t root[static 32],
                     uint8_t out[static 32])
{
    uint8_t both[64];

    memcpy(both, ctx, 32);
    memcpy(both + 32, root, 32);
    return dt_label_hash("commitment", dt_view_of(both), out);
}

enum dt_err
dt_fields_commit(const struct dt_header *h, const struct dt_slot *slots, struct dt_view secret,
                 uint8_t out_commitment[static 32])
{
    struct tlog_hash leaves[DT_SLOTS_MAX], root;
    struct tlog_leaves source = {leaves, h->n_slots};
    uint8_t ctx[32];
    enum dt_err err;

    if ((err = all_leaves(h, slots, secret, ctx, leaves, NULL)) != DT_OK ||
        (err = tlog_root_make(tlog_leaves_node, &source, h->n_slots, &root)) != DT_OK)
        return err;
    return dt_fields_commitment(ctx, root.b, out_commitment);
}

enum dt_err
dt_fields_open(const struct dt_header *h, const struct dt_slot *slots, struct dt_view secret,
               uint64_t mask, uint8_t salts[static DT_SLOTS_MAX][32], struct dt_buf *nodes)
{
    struct tlog_hash t[DT_SLOTS_MAX];
    uint8_t all[DT_SLOTS_MAX][32], ctx[32];
    enum dt_err err;

    if (mask == 0 || (h->n_slots < DT_SLOTS_MAX && mask >> h->n_slots != 0))
        return dt_fail(DT_ERR_RANGE, "no slots of the %u to open", h->n_slots);
    if ((err = all_leaves(h, slots, secret, ctx, t, all)) != DT_OK)
        goto done;
    for (size_t i = 0; i < h->n_slots; i++)
        if ((mask >> i & 1) != 0)
            memcpy(salts[i], all[i], 32);
    for (size_t width = h->n_slots; width > 1; width /= 2) {
        uint64_t above = 0;

        for (size_t j = 0; j < width / 2; j++) {
            unsigned int pair = (unsigned int)(mask >> 2 * j & 3); /* which of the two follows */

            if ((pair == 1 || pair == 2) &&
                (err = dt_buf_append(nodes, tlog_hash_view(&t[2 * j + (pair & 1)]))) != DT_OK)
                goto done;
            if ((err = tlog_node_hash(&t[2 * j], &t[2 * j + 1], &t[j])) != DT_OK)
                goto done;
            above |= (uint64_t)(pair != 0) << j;
        }
        mask = above;
    }

done:
    dt_wipe(all, sizeof all);
    return err;
}

enum dt_err
dt_destroy_leaf(const uint8_t ctx[static 32], const uint8_t salt[static 32], uint64_t after_ms,
                struct tlog_hash *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(8);
    struct dt_slot slot = {
        .kind = DT_SLOT_VALUE, .name = dt_view_str("@destroy_after"), .type = DT_TYPE_DURATION};
    enum dt_err err;

    if ((err = dt_destroy_after_check(after_ms)) != DT_OK ||
        (err = dt_value_put_u64(&value, after_ms)) != DT_OK)
        return err;
    slot.value = dt_buf_view(&value);
    return field_leaf(ctx, DT_SLOT_DESTROY, salt, &slot, out);
}

enum dt_err
dt_opening_leaf(const struct dt_header *h, const struct dt_opening *opening, struct tlog_hash *out)
{
    uint8_t ctx[32];
    enum dt_err err = dt_header_ctx(h, ctx);

    return err != DT_OK ? err : field_leaf(ctx, opening->index, opening->salt, &opening->slot, out);
}

enum dt_err
dt_openings_root(uint8_t n_slots, uint64_t mask, struct tlog_hash leaves[static DT_SLOTS_MAX],
                 struct dt_view nodes, uint8_t out_root[static 32])
{
    struct dt_reader r = dt_reader_init(nodes);
    enum dt_err err;

    if (mask == 0 || n_slots == 0 || n_slots > DT_SLOTS_MAX ||
        (n_slots < DT_SLOTS_MAX && mask >> n_slots != 0))
        return dt_fail(DT_ERR_RANGE, "no slots of the %u are opened", n_slots);
    for (size_t width = n_slots; width > 1; width /= 2) {
        uint64_t above = 0;

        for (size_t j = 0; j < width / 2; j++) {
            unsigned int pair = (unsigned int)(mask >> 2 * j & 3);

            if (pair == 0)
                continue;
            if (pair != 3 && dt_read_fixed(&r, leaves[2 * j + (pair & 1)].b, TLOG_HASH) != DT_OK)
                return dt_fail(DT_ERR_RANGE, "fewer hashes of the tree than its openings take");
            if ((err = tlog_node_hash(&leaves[2 * j], &leaves[2 * j + 1], &leaves[j])) != DT_OK)
                return err;
            above |= (uint64_t)1 << j;
        }
        mask = above;
    }
    if (r.n > 0)
        return dt_fail(DT_ERR_RANGE, "more hashes of the tree than its openings take");
    memcpy(out_root, leaves[0].b, 32);
    return DT_OK;
}

enum dt_err
dt_seal(const uint8_t commitment[static 32], const uint8_t author_key[static 32],
        const uint8_t signature[static 64], uint8_t out[static 32])
{
    uint8_t all[128];

    memcpy(all, commitment, 32);
    memcpy(all + 32, author_key, 32);
    memcpy(all + 64, signature, 64);
    return dt_label_hash("seal", dt_view_of(all), out);
}

void
dt_register_entry(const uint8_t seal[static 32], uint8_t out[static DT_REGISTER_ENTRY])
{
    out[0] = 1;
    memcpy(out + 1, seal, 32);
}
