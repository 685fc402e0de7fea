/*
 * record/record.c - records: drafting, making, encoding, and every check that needs no register.
 *
 * Source: docs/protocol-record.md, "Record". Layer: record.
 */
#include <string.h>

#include "base/mem.h"
#include "base/wire.h"

#include "record/record.h"

#define RECORD_VERSION 1

enum dt_err
dt_author_read(struct dt_view value, struct dt_author *out)
{
    if (value.n != 96)
        return dt_fail(DT_ERR_FORMAT, "an author has 96 bytes");
    memcpy(out->party, value.p, 32);
    memcpy(out->key, value.p + 32, 32);
    memcpy(out->letter, value.p + 64, 32);
    return DT_OK;
}

void
dt_record_clear(struct dt_record *r)
{
    if (r == NULL)
        return;
    dt_buf_wipe(&r->store);
    dt_secret_clear(&r->secret);
    memset(r, 0, sizeof *r);
}

void
dt_record_draft_clear(struct dt_record_draft *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < DT_SLOTS_MAX; i++)
        dt_buf_wipe(&d->value[i]);
    memset(d, 0, sizeof *d);
}

/* ---- drafting ---- */

enum dt_err
dt_record_draft_set(struct dt_record_draft *d, size_t index, struct dt_view value)
{
    struct dt_slot slot = {.kind = DT_SLOT_VALUE, .value = value};
    struct dt_field f;
    enum dt_err err;

    if (index >= dt_template_slots(d->tmpl))
        return dt_fail(DT_ERR_RANGE, "no slot %zu in this template", index);
    dt_template_slot(d->tmpl, index, &f);
    slot.name = f.name;
    slot.type = f.type;
    if ((err = dt_slot_check(d->tmpl, index, &slot)) != DT_OK ||
        (err = dt_buf_set(&d->value[index], value)) != DT_OK)
        return err;
    d->has[index] = true;
    return DT_OK;
}

enum dt_err
dt_record_draft_init(struct dt_record_draft *d, const struct dt_template *tmpl,
                     const struct dt_letter *letter, const uint8_t channel[static 32],
                     uint64_t time_ms)
{
    uint8_t author[96];
    DT_CLEANUP(dt_buf_clear) struct dt_buf time = DT_BUF_INIT(8);
    enum dt_err err;

    memset(d, 0, sizeof *d);
    for (size_t i = 0; i < DT_SLOTS_MAX; i++)
        dt_buf_init(&d->value[i], DT_VALUE_MAX);
    d->tmpl = tmpl;
    memcpy(d->forum, letter->forum, 32);
    memcpy(author, letter->party, 32);
    memcpy(author + 32, letter->key, 32);
    memcpy(author + 64, letter->hash, 32);
    if ((err = dt_value_put_u64(&time, time_ms)) != DT_OK ||
        (err = dt_record_draft_set(d, DT_SLOT_AUTHOR, dt_view_of(author))) != DT_OK ||
        (err = dt_record_draft_set(d, DT_SLOT_KIND, dt_template_id(tmpl))) != DT_OK ||
        (err = dt_record_draft_set(d, DT_SLOT_CHANNEL, dt_view(channel, 32))) != DT_OK ||
        (err = dt_record_draft_set(d, DT_SLOT_TIME, dt_buf_view(&time))) != DT_OK)
        dt_record_draft_clear(d);
    return err;
}

static enum dt_err
no_such_field(const struct dt_template *tmpl, const char *name)
{
    struct dt_view names[DT_TEMPLATE_FIELDS], near, id = dt_template_id(tmpl);
    size_t n = dt_template_n_fields(tmpl);

    for (size_t i = 0; i < n; i++)
        names[i] = dt_template_field(tmpl, i)->name;
    near = dt_value_near(dt_view_str(name), names, n);
    if (near.n > 0)
        return dt_fail(DT_ERR_NOT_FOUND,
                       "%s: the template %.*s has no field of this name; did you mean %.*s?", name,
                       (int)id.n, (const char *)id.p, (int)near.n, (const char *)near.p);
    return dt_fail(
        DT_ERR_NOT_FOUND,
        "%s: the template %.*s has no field of this name; detente template show %.*s has them",
        name, (int)id.n, (const char *)id.p, (int)id.n, (const char *)id.p);
}

/* The slot of ${tmpl} named ${name}, and what conversion needs to know of it. */
static enum dt_err
find_field(const struct dt_template *tmpl, const char *name, const struct dt_charter *charter,
           size_t *out_index, struct dt_value_hint *out)
{
    struct dt_field f;

    if (dt_template_slot_find(tmpl, dt_view_str(name), out_index) != DT_OK)
        return no_such_field(tmpl, name);
    dt_template_slot(tmpl, *out_index, &f);
    *out = (struct dt_value_hint){.field = name,
                                  .type = f.type,
                                  .values = f.values,
                                  .n_values = f.n_values,
                                  .charter = charter,
                                  .unit = f.unit};
    return DT_OK;
}

enum dt_err
dt_slot_from_text(const struct dt_template *tmpl, const char *name, struct dt_view text,
                  const struct dt_charter *charter, size_t *out_index, struct dt_buf *out)
{
    struct dt_value_hint hint;
    size_t index = 0;
    enum dt_err err;

    if ((err = find_field(tmpl, name, charter, &index, &hint)) == DT_OK &&
        (err = dt_value_from_text(&hint, text, out)) == DT_OK)
        *out_index = index;
    return err;
}

enum dt_err
dt_record_draft_set_text(struct dt_record_draft *d, const char *name, struct dt_view text,
                         const struct dt_charter *charter)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(DT_VALUE_MAX);
    size_t index = 0;
    enum dt_err err = dt_slot_from_text(d->tmpl, name, text, charter, &index, &value);

    if (err != DT_OK)
        return err;
    return dt_record_draft_set(d, index, dt_buf_view(&value));
}

enum dt_err
dt_record_draft_set_items(struct dt_record_draft *d, const char *name, const struct dt_view *items,
                          size_t n, const struct dt_charter *charter)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf value = DT_BUF_INIT(DT_VALUE_MAX);
    struct dt_value_hint hint;
    size_t index = 0;
    enum dt_err err;

    if ((err = find_field(d->tmpl, name, charter, &index, &hint)) != DT_OK ||
        (err = dt_value_from_items(&hint, items, n, &value)) != DT_OK)
        return err;
    return dt_record_draft_set(d, index, dt_buf_view(&value));
}

enum dt_err
dt_record_draft_refer(struct dt_record_draft *d, enum dt_reference_what what, struct dt_view bytes)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf item = DT_BUF_INIT(128);
    DT_CLEANUP(dt_buf_clear) struct dt_buf list = DT_BUF_INIT(DT_VALUE_MAX);
    struct dt_writer w = dt_writer_init(&item);
    enum dt_err err;

    dt_write_u8(&w, (uint8_t)what);
    dt_write_vec(&w, bytes);
    if ((err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_buf_append(&list, dt_buf_view(&d->value[DT_SLOT_REFERENCES]))) != DT_OK ||
        (err = dt_value_put_item(&list, dt_buf_view(&item))) != DT_OK)
        return err;
    return dt_record_draft_set(d, DT_SLOT_REFERENCES, dt_buf_view(&list));
}

enum dt_err
dt_record_draft_destroy(struct dt_record_draft *d, uint64_t after_ms)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf value = DT_BUF_INIT(8);
    enum dt_err err;

    if (after_ms == 0) {
        d->has[DT_SLOT_DESTROY] = false;
        return DT_OK;
    }
    if ((err = dt_destroy_after_check(after_ms)) != DT_OK ||
        (err = dt_value_put_u64(&value, after_ms)) != DT_OK)
        return err;
    return dt_record_draft_set(d, DT_SLOT_DESTROY, dt_buf_view(&value));
}

static enum dt_err
absent(const struct dt_field *f)
{
    const struct dt_value_hint hint = {
        .type = f->type, .values = f->values, .n_values = f->n_values, .unit = f->unit};
    DT_CLEANUP(dt_buf_clear) struct dt_buf example = DT_BUF_INIT(400);
    char type[32];

    dt_type_str(f->type, type);
    dt_ignore(dt_value_example(&hint, &example), "an example cut short still helps");
    return dt_fail(
        DT_ERR_FORMAT, "%.*s is required and absent: a value of type %s, for example %.*s",
        (int)f->name.n, (const char *)f->name.p, type, (int)example.n, (const char *)example.p);
}

enum dt_err
dt_record_draft_check(const struct dt_record_draft *d)
{
    struct dt_field f;

    for (size_t i = 0; i < dt_template_slots(d->tmpl); i++) {
        dt_template_slot(d->tmpl, i, &f);
        if (f.required && !d->has[i])
            return absent(&f);
    }
    return DT_OK;
}

/* ---- decode, with the template at hand ---- */

/* What a delegate signs: forum || commitment. */
static void
signed_bytes(const struct dt_record *r, uint8_t out[static 64])
{
    memcpy(out, r->header.forum, 32);
    memcpy(out + 32, r->commitment, 32);
}

/* Everything after the header, which is read. */
static enum dt_err
read_body(struct dt_reader *in, struct dt_record *r)
{
    struct dt_view secret = {0};
    uint8_t both[64];
    enum dt_err err;

    if (r->header.n_slots != dt_template_slots(r->tmpl))
        return dt_fail(DT_ERR_FORMAT, "not the number of slots its template gives");
    if ((err = dt_slot_list_read(in, r->tmpl, &r->header, r->slots)) != DT_OK ||
        (err = dt_read_view(in, DT_RECORD_SECRET, &secret)) != DT_OK ||
        (err = dt_read_fixed(in, r->author_key, 32)) != DT_OK ||
        (err = dt_read_fixed(in, r->signature, 64)) != DT_OK || (err = dt_read_end(in)) != DT_OK ||
        (err = dt_slot_list_check(r->tmpl, &r->header, r->slots)) != DT_OK ||
        (err = dt_author_read(r->slots[DT_SLOT_AUTHOR].value, &r->author)) != DT_OK)
        return err;
    if (memcmp(r->author.key, r->author_key, 32) != 0)
        return dt_fail(DT_ERR_AUTH, "the author it names is not the key that signed");
    if (r->slots[DT_SLOT_CHANNEL].kind != DT_SLOT_VALUE ||
        r->slots[DT_SLOT_TIME].kind != DT_SLOT_VALUE)
        return dt_fail(DT_ERR_FORMAT, "a record names its channel and its time of writing");
    memcpy(r->channel, r->slots[DT_SLOT_CHANNEL].value.p, 32);
    if ((err = dt_value_u64(r->slots[DT_SLOT_TIME].value, &r->time_ms)) != DT_OK ||
        (r->slots[DT_SLOT_DESTROY].kind == DT_SLOT_VALUE &&
         (err = dt_value_u64(r->slots[DT_SLOT_DESTROY].value, &r->destroy_after_ms)) != DT_OK) ||
        (err = dt_secret_set(&r->secret, secret)) != DT_OK ||
        (err = dt_fields_commit(&r->header, r->slots, secret, r->commitment)) != DT_OK)
        return err;
    signed_bytes(r, both);
    if ((err = dt_label_verify(dt_view_of(r->author_key), "record", dt_view_of(both),
                               dt_view_of(r->signature))) != DT_OK)
        return dt_fail(err, "the author's signature does not hold");
    return dt_seal(r->commitment, r->author_key, r->signature, r->seal);
}

/* ${tmpl} NULL: look it up in ${templates}. */
static enum dt_err
read_record(struct dt_record *r, const struct dt_template *tmpl,
            const struct dt_templates *templates)
{
    struct dt_reader in = dt_reader_init(dt_buf_view(&r->store));
    uint16_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u16(&in, &version)) != DT_OK)
        return err;
    if (version != RECORD_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "a version not known here");
    if ((err = dt_header_read(&in, &r->header)) != DT_OK)
        return err;
    r->tmpl = tmpl != NULL ? tmpl : dt_templates_get(templates, r->header.template_id);
    if (r->tmpl == NULL)
        return dt_fail(DT_ERR_UNSUPPORTED, "its template is not known here");
    /* A letter is signed by a root, under another label; it never passes as a record. */
    if (dt_view_equal(r->header.template_id, dt_view_str("letter")))
        return dt_fail(DT_ERR_FORMAT, "a letter is no record");
    if (memcmp(r->header.template_hash, dt_template_hash(r->tmpl), 32) != 0)
        return dt_fail(DT_ERR_UNSUPPORTED,
                       "its template is another version than the one known here");
    return read_body(&in, r);
}

static enum dt_err
decode(struct dt_view bytes, const struct dt_template *tmpl, const struct dt_templates *templates,
       struct dt_record *out)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    enum dt_err err;

    dt_buf_init(&r.store, DT_RECORD_MAX);
    if ((err = dt_buf_append(&r.store, bytes)) != DT_OK ||
        (err = read_record(&r, tmpl, templates)) != DT_OK)
        return dt_fail_context(err, "record");
    *out = r;
    memset(&r, 0, sizeof r);
    return DT_OK;
}

enum dt_err
dt_record_decode(struct dt_view bytes, const struct dt_templates *templates, struct dt_record *out)
{
    return decode(bytes, NULL, templates, out);
}

enum dt_err
dt_record_raw_read(struct dt_view bytes, struct dt_record_raw *out)
{
    struct dt_reader in = dt_reader_init(bytes), sub;
    struct dt_record_raw raw = {0};
    struct dt_view tail = {0};
    uint16_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u16(&in, &version)) != DT_OK)
        return err;
    if (version != RECORD_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "a version not known here");
    if ((err = dt_header_read(&in, &raw.header)) != DT_OK)
        return err;
    if (!dt_template_id_valid(raw.header.template_id))
        return dt_fail(DT_ERR_FORMAT, "a template's id or version");
    if ((err = dt_read_sub(&in, DT_RECORD_MAX, &sub)) != DT_OK)
        return err;
    for (size_t i = 0; i < raw.header.n_slots; i++)
        if ((err = dt_read_u8(&sub, &raw.kind[i])) != DT_OK ||
            (err = dt_read_vec(&sub, DT_VALUE_MAX, &raw.value[i])) != DT_OK)
            return err;
    if ((err = dt_read_end(&sub)) != DT_OK ||
        (err = dt_read_view(&in, DT_RECORD_SECRET + 32 + 64, &tail)) != DT_OK ||
        (err = dt_read_end(&in)) != DT_OK)
        return err;
    *out = raw;
    return DT_OK;
}

enum dt_err
dt_record_encode(const struct dt_record *r, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u16(&w, RECORD_VERSION);
    dt_header_write(&w, &r->header);
    dt_slot_list_write(&w, &r->header, r->slots);
    dt_write_view(&w, dt_secret_view(&r->secret));
    dt_write_view(&w, dt_view_of(r->author_key));
    dt_write_view(&w, dt_view_of(r->signature));
    return dt_writer_end(&w);
}

/* ---- making ---- */

enum dt_err
dt_record_make(const struct dt_record_draft *d, struct dt_view delegate_seed, struct dt_record *out)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf bytes = DT_BUF_INIT(DT_RECORD_MAX);
    uint8_t both[64];
    struct dt_field f;
    enum dt_err err;

    if ((err = dt_record_draft_check(d)) != DT_OK ||
        (err = dt_ed25519_pub(delegate_seed, r.author_key)) != DT_OK)
        return err;
    if (memcmp(r.author_key, d->value[DT_SLOT_AUTHOR].p + 32, 32) != 0)
        return dt_fail(DT_ERR_RANGE, "the key that is to sign is not the one of the letter");
    memcpy(r.header.forum, d->forum, 32);
    r.header.template_id = dt_template_id(d->tmpl);
    memcpy(r.header.template_hash, dt_template_hash(d->tmpl), 32);
    r.header.n_slots = dt_template_slots(d->tmpl);
    if ((err = dt_random(r.header.record_id, sizeof r.header.record_id)) != DT_OK ||
        (err = dt_secret_random(&r.secret, DT_RECORD_SECRET)) != DT_OK)
        return err;
    for (size_t i = 0; i < r.header.n_slots; i++) {
        dt_template_slot(d->tmpl, i, &f);
        r.slots[i].name = f.name;
        r.slots[i].type = f.type;
        r.slots[i].kind = d->has[i] ? DT_SLOT_VALUE : DT_SLOT_PAD;
        if (d->has[i])
            r.slots[i].value = dt_buf_view(&d->value[i]);
    }
    if ((err = dt_fields_commit(&r.header, r.slots, dt_secret_view(&r.secret), r.commitment)) !=
        DT_OK)
        return err;
    signed_bytes(&r, both);
    if ((err = dt_label_sign(delegate_seed, "record", dt_view_of(both), r.signature)) != DT_OK ||
        (err = dt_record_encode(&r, &bytes)) != DT_OK)
        return err;
    /* Read it as every receiver will, so that nothing is sent that they refuse. */
    return decode(dt_buf_view(&bytes), d->tmpl, NULL, out);
}

/* ---- checks with what goes around a record ---- */

enum dt_err
dt_record_check_author(const struct dt_record *r, const struct dt_charter *c,
                       const struct dt_letter *letter, uint64_t at_ms)
{
    bool consent = dt_view_equal(r->header.template_id, dt_view_str("consent"));
    enum dt_err err;

    if ((err = dt_letter_check_charter(letter, c, NULL)) != DT_OK)
        return err;
    if (memcmp(r->header.forum, letter->forum, 32) != 0)
        return dt_fail(DT_ERR_AUTH, "the record is of another forum");
    if (memcmp(r->author.letter, letter->hash, 32) != 0)
        return dt_fail(DT_ERR_AUTH, "the record names another letter of credence");
    if (memcmp(r->author.party, letter->party, 32) != 0 ||
        memcmp(r->author_key, letter->key, 32) != 0)
        return dt_fail(DT_ERR_AUTH,
                       "the record's author is not the delegate of its letter of credence");
    if ((err = dt_letter_check_rights(
             letter, DT_RIGHT_BIT(consent ? DT_RIGHT_CONSENT : DT_RIGHT_RECORD))) != DT_OK)
        return err;
    return at_ms == 0 ? DT_OK : dt_letter_check_time(letter, at_ms);
}

enum dt_err
dt_record_check_channel(const struct dt_record *r, const uint8_t channel[static 32])
{
    if (memcmp(r->channel, channel, 32) != 0)
        return dt_fail(DT_ERR_REFUSED, "the record was carried here from another channel");
    return DT_OK;
}

const struct dt_slot *
dt_record_get(const struct dt_record *r, const char *name)
{
    size_t index = 0;

    if (dt_template_slot_find(r->tmpl, dt_view_str(name), &index) != DT_OK)
        return NULL;
    return r->slots[index].kind == DT_SLOT_VALUE ? &r->slots[index] : NULL;
}

enum dt_err
dt_record_text(const struct dt_record *r, size_t index, const struct dt_charter *charter,
               struct dt_buf *out)
{
    struct dt_field f;

    if (index >= r->header.n_slots)
        return dt_fail(DT_ERR_RANGE, "no slot %zu", index);
    if (r->slots[index].kind != DT_SLOT_VALUE)
        return DT_OK;
    dt_template_slot(r->tmpl, index, &f);

    const struct dt_value_hint hint = {
        .type = f.type, .values = f.values, .n_values = f.n_values, .charter = charter};
    return dt_value_to_text(&hint, r->slots[index].value, out);
}
