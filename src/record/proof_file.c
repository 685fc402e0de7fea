/*
 * record/proof_file.c - the text around a proof, and the structure inside it.
 *
 * Source: docs/protocol-record.md, "Proof file". Layer: record.
 */
#include <string.h>

#include "base/text.h"

#include "record/proof_internal.h"

/* ---- text ---- */

enum dt_err
dt_proof_armor(const char *magic, struct dt_view bytes, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b64 = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    enum dt_err err;

    if ((err = dt_base64_write(&b64, bytes)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(magic))) != DT_OK)
        return err;
    for (size_t at = 0; at < b64.n; at += DT_PROOF_LINE) {
        size_t n = b64.n - at < DT_PROOF_LINE ? b64.n - at : DT_PROOF_LINE;

        if ((err = dt_buf_append(out, dt_view(b64.p + at, n))) != DT_OK ||
            (err = dt_buf_append(out, dt_view_str("\n"))) != DT_OK)
            return err;
    }
    return DT_OK;
}

enum dt_err
dt_proof_unarmor(const char *magic, struct dt_view file, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b64 = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_PROOF_MAX);
    const size_t n_magic = strlen(magic);
    struct dt_view rest, line = {0};
    size_t number = 1;
    enum dt_err err;

    if (file.n > DT_PROOF_FILE_MAX)
        return dt_fail(DT_ERR_LIMIT, "a proof file has at most %u bytes", DT_PROOF_FILE_MAX);
    if (file.n < n_magic || memcmp(file.p, magic, n_magic) != 0)
        return dt_fail(DT_ERR_FORMAT, "line 1: not a proof file (or of a version not known here)");
    rest = dt_view(file.p + n_magic, file.n - n_magic);
    if (rest.n == 0 || rest.p[rest.n - 1] != '\n')
        return dt_fail(DT_ERR_FORMAT, "the last line of the file does not end: it is cut off");
    rest.n--;
    while (dt_text_split(&rest, '\n', &line)) {
        number++;
        if (line.n == 0 || line.n > DT_PROOF_LINE || (rest.p != NULL && line.n != DT_PROOF_LINE))
            return dt_fail(DT_ERR_FORMAT, "line %zu: not a whole line of a proof", number);
        bytes.n = 0;
        if ((err = dt_base64_read(&bytes, line)) == DT_ERR_NOMEM)
            return err;
        if (err != DT_OK)
            return dt_fail(DT_ERR_FORMAT, "line %zu: not base64", number);
        if (rest.p != NULL && bytes.n != DT_PROOF_LINE / 4 * 3)
            return dt_fail(DT_ERR_FORMAT, "line %zu: padding before the end", number);
        if ((err = dt_buf_append(&b64, dt_buf_view(&bytes))) != DT_OK)
            return err;
    }
    return dt_buf_append(out, dt_buf_view(&b64));
}

/* ---- structure ---- */

/* Bytes of the path of one opening (version 1): a hash for each level. */
static size_t
path_bytes(uint8_t n_slots)
{
    return TLOG_HASH * (n_slots == 16 ? 4u : n_slots == 32 ? 5u : 6u);
}

enum dt_err
dt_proof_opening_read(struct dt_reader *r, const struct dt_opened *t, struct dt_opening *out,
                      struct dt_view *out_path)
{
    struct dt_opening o = {0};
    struct dt_view path = {0};
    enum dt_err err;

    if ((err = dt_read_u8(r, &o.index)) != DT_OK || (err = dt_read_fixed(r, o.salt, 32)) != DT_OK ||
        (err = dt_read_u8(r, &o.slot.kind)) != DT_OK ||
        (err = dt_read_vec(r, DT_VALUE_MAX, &o.slot.value)) != DT_OK ||
        (t->paths && (err = dt_read_view(r, path_bytes(t->header.n_slots), &path)) != DT_OK))
        return err;
    if (o.index >= t->header.n_slots)
        return dt_fail(DT_ERR_RANGE, "slot %u of %u", o.index, t->header.n_slots);
    *out = o;
    *out_path = path;
    return DT_OK;
}

enum dt_err
dt_proof_tree_write(struct dt_writer *w, const struct dt_header *h, const struct dt_slot *slots,
                    struct dt_view secret, const uint8_t key[static 32],
                    const uint8_t signature[static 64], uint64_t mask)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf nodes = DT_BUF_INIT(DT_PROOF_NODES_MAX);
    uint8_t salts[DT_SLOTS_MAX][32];
    size_t mark;
    enum dt_err err;

    if ((err = dt_fields_open(h, slots, secret, mask, salts, &nodes)) != DT_OK)
        return err;
    dt_write_vec(w, h->template_id);
    dt_write_view(w, dt_view_of(h->template_hash));
    dt_write_view(w, dt_view_of(h->record_id));
    dt_write_u8(w, h->n_slots);
    dt_write_view(w, dt_view(key, 32));
    dt_write_view(w, dt_view(signature, 64));
    mark = dt_write_vec_begin(w);
    for (size_t i = 0; i < h->n_slots; i++) {
        if ((mask >> i & 1) == 0)
            continue;
        dt_write_u8(w, (uint8_t)i);
        dt_write_view(w, dt_view_of(salts[i]));
        dt_write_u8(w, slots[i].kind);
        dt_write_vec(w, slots[i].value);
    }
    dt_write_vec_end(w, mark);
    dt_write_vec(w, dt_buf_view(&nodes));
    return dt_writer_end(w);
}

enum dt_err
dt_proof_tree_read(struct dt_reader *r, bool paths, struct dt_opened *out)
{
    struct dt_header *h = &out->header;
    enum dt_err err;

    if ((err = dt_read_vec(r, DT_TEMPLATE_ID_MAX, &h->template_id)) != DT_OK ||
        (err = dt_read_fixed(r, h->template_hash, 32)) != DT_OK ||
        (err = dt_read_fixed(r, h->record_id, sizeof h->record_id)) != DT_OK ||
        (err = dt_read_u8(r, &h->n_slots)) != DT_OK ||
        (err = dt_read_fixed(r, out->key, 32)) != DT_OK ||
        (err = dt_read_fixed(r, out->signature, 64)) != DT_OK ||
        (err = dt_read_sub(r, DT_PROOF_MAX, &out->openings)) != DT_OK ||
        (!paths && (err = dt_read_vec(r, DT_PROOF_NODES_MAX, &out->nodes)) != DT_OK))
        return err;
    out->paths = paths;
    if (h->n_slots != 16 && h->n_slots != 32 && h->n_slots != 64)
        return dt_fail(DT_ERR_FORMAT, "a record has 16, 32 or 64 slots");
    return DT_OK;
}

static enum dt_err
read_lists(struct dt_reader templates, struct dt_reader letters, struct dt_reader revocations,
           bool paths, struct dt_proof_parts *p)
{
    enum dt_err err;

    for (; templates.n > 0; p->n_templates++) {
        if (p->n_templates == DT_PROOF_TEMPLATES)
            return dt_fail(DT_ERR_LIMIT, "more than %u templates", DT_PROOF_TEMPLATES);
        if ((err = dt_read_vec(&templates, DT_TEMPLATE_MAX, &p->templates[p->n_templates])) !=
            DT_OK)
            return dt_fail_context(err, "template %zu", p->n_templates + 1);
    }
    for (; letters.n > 0; p->n_letters++) {
        if (p->n_letters == DT_PROOF_LETTERS)
            return dt_fail(DT_ERR_LIMIT, "more than %u letters", DT_PROOF_LETTERS);
        if ((err = dt_proof_tree_read(&letters, paths, &p->letters[p->n_letters])) != DT_OK)
            return dt_fail_context(err, "letter %zu", p->n_letters + 1);
    }
    for (; revocations.n > 0; p->n_revocations++) {
        struct dt_proof_revocation *v = &p->revocations[p->n_revocations];

        if (p->n_revocations == DT_PROOF_REVOCATIONS)
            return dt_fail(DT_ERR_LIMIT, "more than %u revocations", DT_PROOF_REVOCATIONS);
        if ((err = dt_read_vec(&revocations, DT_LETTER_BYTES_MAX, &v->revocation)) != DT_OK ||
            (err = dt_read_vec(&revocations, DT_TLOG_PROOF_MAX, &v->tlog_proof)) != DT_OK)
            return dt_fail_context(err, "revocation %zu", p->n_revocations + 1);
    }
    return DT_OK;
}

static enum dt_err
read_items(struct dt_reader items, bool paths, struct dt_proof_parts *p)
{
    enum dt_err err;

    for (; items.n > 0; p->n_items++) {
        if (p->n_items == DT_PROOF_ITEMS)
            return dt_fail(DT_ERR_LIMIT, "more than %u records", DT_PROOF_ITEMS);
        if ((err = dt_proof_tree_read(&items, paths, &p->items[p->n_items].tree)) != DT_OK ||
            (err = dt_read_u32(&items, &p->items[p->n_items].entry)) != DT_OK ||
            (err = dt_read_vec(&items, DT_TLOG_PROOF_MAX, &p->items[p->n_items].tlog_proof)) !=
                DT_OK)
            return dt_fail_context(err, "record %zu", p->n_items + 1);
        switch (p->items[p->n_items].entry) {
        case DT_PROOF_NO_ENTRY:
        case DT_PROOF_FIRST:
        case DT_PROOF_LATER:
            if ((p->items[p->n_items].entry == DT_PROOF_NO_ENTRY) ==
                (p->items[p->n_items].tlog_proof.n == 0))
                break;
            __attribute__((fallthrough));
        default:
            return dt_fail(DT_ERR_FORMAT, "record %zu: how its entry is shown", p->n_items + 1);
        }
    }
    return p->n_items > 0 ? DT_OK : dt_fail(DT_ERR_FORMAT, "no record is opened");
}

enum dt_err
dt_proof_parts_read(struct dt_view bytes, struct dt_proof_parts *out)
{
    struct dt_reader r = dt_reader_init(bytes);
    struct dt_reader templates, letters, revocations, items;
    uint16_t version = 0;
    bool paths;
    enum dt_err err;

    memset(out, 0, sizeof *out);
    if ((err = dt_read_u16(&r, &version)) != DT_OK)
        return err;
    if (version < 1 || version > DT_PROOF_AMENDED)
        return dt_fail(DT_ERR_UNSUPPORTED, "a version not known here");
    paths = version == 1;
    if ((err = dt_read_vec(&r, DT_CHARTER_MAX, &out->charter)) != DT_OK ||
        (version == DT_PROOF_AMENDED &&
         (err = dt_read_vec(&r, DT_AMENDMENTS_MAX, &out->amendments)) != DT_OK))
        return err;
    /* One form for each: without amendments it is version 2. */
    if (version == DT_PROOF_AMENDED && out->amendments.n == 0)
        return dt_fail(DT_ERR_FORMAT, "no amendments, where there have to be some");
    if ((err = dt_read_sub(&r, DT_PROOF_MAX, &templates)) != DT_OK ||
        (err = dt_read_sub(&r, DT_PROOF_MAX, &letters)) != DT_OK ||
        (err = dt_read_sub(&r, DT_PROOF_MAX, &revocations)) != DT_OK ||
        (err = dt_read_sub(&r, DT_PROOF_MAX, &items)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK ||
        (err = read_lists(templates, letters, revocations, paths, out)) != DT_OK)
        return err;
    return read_items(items, paths, out);
}
