/*
 * record/fields.c - the field tree.
 *
 * Source: docs/protocol-record.md, "Field tree"; RFC 6962 section 2.1. Layer: record.
 */
#include <string.h>

#include "base/wire.h"
#include "log/tree.h"

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
    return DT_OK;
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
    enum dt_err err;

    dt_write_str(&w, FIELD_LABEL);
    dt_write_view(&w, dt_view(ctx, 32));
    dt_write_u16(&w, (uint16_t)index);
    dt_write_view(&w, dt_view(salt, 32));
    dt_write_u8(&w, slot->kind);
    dt_write_vec(&w, slot->name);
    dt_write_u8(&w, slot->type);
    dt_write_vec(&w, slot->value);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return tlog_leaf_hash(dt_buf_view(&entry), out);
}

/* All leaf hashes, and the salt of slot ${want} when ${out_salt} is given. */
static enum dt_err
all_leaves(const struct dt_header *h, const struct dt_slot *slots, struct dt_view secret,
           uint8_t ctx[static 32], struct tlog_hash *leaves, size_t want, uint8_t *out_salt)
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
        if (i == want && out_salt != NULL)
            memcpy(out_salt, salt, sizeof salt);
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

    if ((err = all_leaves(h, slots, secret, ctx, leaves, 0, NULL)) != DT_OK ||
        (err = tlog_root_make(tlog_leaves_node, &source, h->n_slots, &root)) != DT_OK)
        return err;
    return dt_fields_commitment(ctx, root.b, out_commitment);
}

enum dt_err
dt_fields_open(const struct dt_header *h, const struct dt_slot *slots, struct dt_view secret,
               size_t index, struct dt_opening *out)
{
    struct tlog_hash leaves[DT_SLOTS_MAX];
    struct tlog_leaves source = {leaves, h->n_slots};
    struct tlog_path path = {0};
    struct dt_opening o = {0};
    uint8_t ctx[32];
    enum dt_err err;

    if (index >= h->n_slots)
        return dt_fail(DT_ERR_RANGE, "slot %zu of %u", index, h->n_slots);
    if ((err = all_leaves(h, slots, secret, ctx, leaves, index, o.salt)) != DT_OK ||
        (err = tlog_inclusion_make(tlog_leaves_node, &source, index, h->n_slots, &path)) != DT_OK)
        return err;
    o.index = (uint8_t)index;
    o.slot = slots[index];
    o.n_path = (uint8_t)path.n;
    for (size_t i = 0; i < path.n && i < DT_PATH_MAX; i++)
        memcpy(o.path[i], path.h[i].b, 32);
    *out = o;
    return DT_OK;
}

enum dt_err
dt_opening_root(const struct dt_header *h, const struct dt_opening *opening,
                uint8_t out_root[static 32])
{
    struct tlog_hash leaf, path[DT_PATH_MAX], root;
    uint8_t ctx[32];
    enum dt_err err;

    if (opening->n_path > DT_PATH_MAX)
        return dt_fail(DT_ERR_RANGE, "a path of more than %u hashes", DT_PATH_MAX);
    for (size_t i = 0; i < opening->n_path; i++)
        memcpy(path[i].b, opening->path[i], 32);
    if ((err = dt_header_ctx(h, ctx)) != DT_OK ||
        (err = field_leaf(ctx, opening->index, opening->salt, &opening->slot, &leaf)) != DT_OK ||
        (err = tlog_root_from_inclusion(&leaf, opening->index, h->n_slots, path, opening->n_path,
                                        &root)) != DT_OK)
        return err;
    memcpy(out_root, root.b, 32);
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
