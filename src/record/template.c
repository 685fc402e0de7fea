/*
 * record/template.c - templates: encoding, validation, hash, and the set of those known.
 *
 * Source: docs/protocol-record.md, "Templates". Layer: record.
 */
#include <string.h>

#include "base/embed.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "crypto/crypto.h"

#include "record/template_internal.h"

extern const struct dt_embedded record_template_files[];
extern const size_t record_template_files_count;

struct dt_template {
    struct dt_buf enc;   /* the encoding; names and values point into it */
    struct dt_buf words; /* title and docs */
    uint8_t hash[32];
    struct dt_view id, title, purpose, deadline_doc, ack_doc;
    uint16_t version;
    struct dt_field fields[DT_TEMPLATE_FIELDS];
    size_t n_fields;
    struct dt_view *values; /* the enum names of all fields, one after the other */
    struct dt_deadline_rule deadline;
    enum dt_ack ack;
    uint64_t ack_within_ms;
    enum dt_disclosure disclosure;
    bool builtin;
};

static const struct {
    const char *name;
    uint8_t type;
} envelope[DT_ENVELOPE_SLOTS] = {
    {"@author", DT_TYPE_AUTHOR},
    {"@kind", DT_TYPE_TEXT},
    {"@channel", DT_TYPE_HASH},
    {"@written_at", DT_TYPE_DATETIME},
    {"@references", DT_TYPE_LIST | DT_TYPE_REFERENCE},
    {"@languages", DT_TYPE_LIST | DT_TYPE_LANG},
    {"@carried_from", DT_TYPE_HASH},
    {"@destroy_after", DT_TYPE_DURATION},
};

struct dt_view
dt_template_id(const struct dt_template *t)
{
    return t->id;
}

struct dt_view
dt_template_title(const struct dt_template *t)
{
    return t->title.n > 0 ? t->title : t->id;
}

struct dt_view
dt_template_purpose(const struct dt_template *t)
{
    return t->purpose;
}

struct dt_view
dt_template_deadline_doc(const struct dt_template *t)
{
    return t->deadline_doc;
}

struct dt_view
dt_template_ack_doc(const struct dt_template *t)
{
    return t->ack_doc;
}

const uint8_t *
dt_template_hash(const struct dt_template *t)
{
    return t->hash;
}

uint8_t
dt_template_slots(const struct dt_template *t)
{
    size_t n = DT_ENVELOPE_SLOTS + t->n_fields;

    return n <= 16 ? 16 : n <= 32 ? 32 : 64;
}

size_t
dt_template_n_fields(const struct dt_template *t)
{
    return t->n_fields;
}

const struct dt_field *
dt_template_field(const struct dt_template *t, size_t i)
{
    return i < t->n_fields ? &t->fields[i] : NULL;
}

void
dt_template_slot(const struct dt_template *t, size_t index, struct dt_field *out)
{
    memset(out, 0, sizeof *out);
    if (index < DT_ENVELOPE_SLOTS) {
        out->name = dt_view_str(envelope[index].name);
        out->type = envelope[index].type;
        out->required = index == DT_SLOT_AUTHOR || index == DT_SLOT_KIND;
    } else if (index - DT_ENVELOPE_SLOTS < t->n_fields) {
        *out = t->fields[index - DT_ENVELOPE_SLOTS];
    }
}

enum dt_err
dt_template_slot_find(const struct dt_template *t, struct dt_view name, size_t *out)
{
    for (size_t i = 0; i < DT_ENVELOPE_SLOTS; i++)
        if (dt_view_equal(name, dt_view_str(envelope[i].name))) {
            *out = i;
            return DT_OK;
        }
    for (size_t i = 0; i < t->n_fields; i++)
        if (dt_view_equal(name, t->fields[i].name)) {
            *out = DT_ENVELOPE_SLOTS + i;
            return DT_OK;
        }
    return dt_fail(DT_ERR_NOT_FOUND, "the template %.*s has no field of this name", (int)t->id.n,
                   (const char *)t->id.p);
}

bool
dt_template_builtin(const struct dt_template *t)
{
    return t->builtin;
}

void
dt_template_deadline(const struct dt_template *t, struct dt_deadline_rule *out)
{
    *out = t->deadline;
}

enum dt_ack
dt_template_ack(const struct dt_template *t, uint64_t *out_within_ms)
{
    *out_within_ms = t->ack_within_ms;
    return t->ack;
}

enum dt_disclosure
dt_template_disclosure(const struct dt_template *t)
{
    return t->disclosure;
}

void
dt_template_set_builtin(struct dt_template *t)
{
    t->builtin = true;
}

void
dt_template_free(struct dt_template *t)
{
    if (t == NULL)
        return;
    dt_buf_clear(&t->enc);
    dt_buf_clear(&t->words);
    dt_free(t->values);
    dt_free(t);
}

void
dt_template_free_p(struct dt_template **t)
{
    dt_template_free(*t);
    *t = NULL;
}

/* ---- encoding ---- */

static void
write_parts(struct dt_writer *w, const struct dt_template_parts *p)
{
    size_t fields, days;

    dt_write_u16(w, DT_TEMPLATE_FORMAT);
    dt_write_vec(w, p->id);
    dt_write_u16(w, p->version);
    fields = dt_write_vec_begin(w);
    for (size_t i = 0; i < p->n_fields; i++) {
        dt_write_vec(w, p->fields[i].name);
        dt_write_u8(w, p->fields[i].type);
        dt_write_u8(w, p->fields[i].flags);
        dt_write_vec(w, p->fields[i].unit);
        dt_write_vec(w, p->fields[i].values);
    }
    dt_write_vec_end(w, fields);
    dt_write_u8(w, (uint8_t)p->deadline.kind);
    dt_write_vec(w, p->deadline.field);
    dt_write_u64(w, p->deadline.span_ms);
    days = dt_write_vec_begin(w);
    for (size_t i = 0; i < p->deadline.n_days; i++) {
        dt_write_u8(w, p->deadline.days[i].month);
        dt_write_u8(w, p->deadline.days[i].day);
    }
    dt_write_vec_end(w, days);
    dt_write_u8(w, (uint8_t)p->ack);
    dt_write_u64(w, p->ack_within_ms);
    dt_write_u8(w, (uint8_t)p->disclosure);
}

enum dt_err
dt_template_from_parts(const struct dt_template_parts *parts, struct dt_template **out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_TEMPLATE_MAX);
    struct dt_writer w = dt_writer_init(&b);
    enum dt_err err;

    write_parts(&w, parts);
    if ((err = dt_writer_end(&w)) != DT_OK)
        return err;
    return dt_template_decode(dt_buf_view(&b), out);
}

enum dt_err
dt_template_encode(const struct dt_template *t, struct dt_buf *out)
{
    return dt_buf_append(out, dt_buf_view(&t->enc));
}

/* ---- decoding and validation ---- */

/* Lower-case letters, digits and '_', a letter first. */
static bool
name_valid(struct dt_view v, size_t max)
{
    if (v.n == 0 || v.n > max || v.p[0] < 'a' || v.p[0] > 'z')
        return false;
    for (size_t i = 1; i < v.n; i++)
        if (!((v.p[i] >= 'a' && v.p[i] <= 'z') || (v.p[i] >= '0' && v.p[i] <= '9') ||
              v.p[i] == '_'))
            return false;
    return true;
}

bool
dt_template_id_valid(struct dt_view id)
{
    return name_valid(id, DT_TEMPLATE_ID_MAX);
}

/* Enum names of one field into pool[*n_pool..]; pool NULL counts only. */
static enum dt_err
read_values(struct dt_reader r, struct dt_field *f, struct dt_view *pool, size_t *n_pool)
{
    size_t first = *n_pool;
    enum dt_err err;

    while (r.n > 0) {
        struct dt_view v = {0};

        if ((err = dt_read_vec(&r, DT_FIELD_NAME_MAX, &v)) != DT_OK)
            return err;
        if (!name_valid(v, DT_FIELD_NAME_MAX))
            return dt_fail(DT_ERR_FORMAT, "the name of an enum value");
        if (*n_pool - first == DT_ENUM_VALUES)
            return dt_fail(DT_ERR_LIMIT, "an enum of more than %u values", DT_ENUM_VALUES);
        if (pool != NULL) {
            for (size_t i = first; i < *n_pool; i++)
                if (dt_view_equal(pool[i], v))
                    return dt_fail(DT_ERR_FORMAT, "an enum value twice");
            pool[*n_pool] = v;
        }
        ++*n_pool;
    }
    f->n_values = *n_pool - first;
    f->values = pool != NULL ? pool + first : NULL;
    if ((dt_type_item(f->type) == DT_TYPE_ENUM) != (f->n_values > 0))
        return dt_fail(DT_ERR_FORMAT, "an enum has values, and nothing else has");
    return DT_OK;
}

static enum dt_err
read_fields(struct dt_reader r, struct dt_template *t, struct dt_view *pool, size_t *n_pool)
{
    enum dt_err err;

    t->n_fields = 0;
    while (r.n > 0) {
        struct dt_field f = {0};
        struct dt_reader values;
        uint8_t flags = 0;

        if (t->n_fields == DT_TEMPLATE_FIELDS)
            return dt_fail(DT_ERR_LIMIT, "more than %u fields", DT_TEMPLATE_FIELDS);
        if ((err = dt_read_vec(&r, DT_FIELD_NAME_MAX, &f.name)) != DT_OK ||
            (err = dt_read_u8(&r, &f.type)) != DT_OK || (err = dt_read_u8(&r, &flags)) != DT_OK ||
            (err = dt_read_vec(&r, DT_FIELD_NAME_MAX, &f.unit)) != DT_OK ||
            (err = dt_read_sub(&r, DT_TEMPLATE_MAX, &values)) != DT_OK)
            return err;
        f.required = (flags & DT_FIELD_REQUIRED) != 0;
        f.is_public = (flags & DT_FIELD_PUBLIC) != 0;
        if (!name_valid(f.name, DT_FIELD_NAME_MAX) || !dt_type_valid(f.type) || flags > 3 ||
            !dt_utf8_line(f.unit))
            return dt_fail(DT_ERR_FORMAT, "field %zu: name, type, flags or unit", t->n_fields + 1);
        for (size_t i = 0; i < t->n_fields; i++)
            if (dt_view_equal(t->fields[i].name, f.name))
                return dt_fail(DT_ERR_FORMAT, "field %zu: a name twice", t->n_fields + 1);
        if ((err = read_values(values, &f, pool, n_pool)) != DT_OK)
            return dt_fail_context(err, "field %zu", t->n_fields + 1);
        t->fields[t->n_fields++] = f;
    }
    return DT_OK;
}

static const struct dt_field *
field_named(const struct dt_template *t, struct dt_view name)
{
    for (size_t i = 0; i < t->n_fields; i++)
        if (dt_view_equal(t->fields[i].name, name))
            return &t->fields[i];
    return NULL;
}

/* A rule's field must be there and be something that a time can be had from. */
static enum dt_err
check_deadline(const struct dt_template *t)
{
    const struct dt_deadline_rule *d = &t->deadline;
    const struct dt_field *f = field_named(t, d->field);
    bool needs_field = d->kind == DT_DEADLINE_BEFORE || d->kind == DT_DEADLINE_AFTER ||
                       d->kind == DT_DEADLINE_REPLY;
    bool needs_span = needs_field || d->kind == DT_DEADLINE_EVERY;
    bool is_time = f != NULL && (f->type == DT_TYPE_DATE || f->type == DT_TYPE_DATETIME);
    bool is_ref = f != NULL && dt_type_item(f->type) == DT_TYPE_REF;
    bool is_one_ref = f != NULL && f->type == DT_TYPE_REF;

    if (d->kind > DT_DEADLINE_EACH || needs_span != (d->span_ms > 0) ||
        needs_field != (d->field.n > 0) || d->span_ms > DT_TIME_MAX_MS ||
        (d->kind == DT_DEADLINE_EACH) != (d->n_days > 0))
        return dt_fail(DT_ERR_FORMAT, "a deadline rule that is none of those known");
    if (needs_field && f == NULL)
        return dt_fail(DT_ERR_FORMAT, "the deadline names a field that is not there");
    if ((d->kind == DT_DEADLINE_BEFORE && !is_time) ||
        (d->kind == DT_DEADLINE_AFTER && !is_time && !is_one_ref) ||
        (d->kind == DT_DEADLINE_REPLY && !is_ref))
        return dt_fail(DT_ERR_FORMAT, "the deadline's field has a type that gives no time");
    return DT_OK;
}

static enum dt_err
read_deadline(struct dt_reader *r, struct dt_template *t)
{
    struct dt_deadline_rule *d = &t->deadline;
    struct dt_reader days;
    uint8_t kind = 0;
    enum dt_err err;

    if ((err = dt_read_u8(r, &kind)) != DT_OK ||
        (err = dt_read_vec(r, DT_FIELD_NAME_MAX, &d->field)) != DT_OK ||
        (err = dt_read_u64(r, &d->span_ms)) != DT_OK || (err = dt_read_sub(r, 24, &days)) != DT_OK)
        return err;
    d->kind = kind > DT_DEADLINE_EACH ? DT_DEADLINE_EACH + 1 : (enum dt_deadline)kind;
    while (days.n > 0) {
        uint8_t month = 0, day = 0;
        int32_t unused;

        if ((err = dt_read_u8(&days, &month)) != DT_OK || (err = dt_read_u8(&days, &day)) != DT_OK)
            return err;
        if (dt_days_from_date(2001, month, day, &unused) != DT_OK)
            return dt_fail(DT_ERR_FORMAT, "a deadline on a day that not every year has");
        if (d->n_days > 0 &&
            (d->days[d->n_days - 1].month > month ||
             (d->days[d->n_days - 1].month == month && d->days[d->n_days - 1].day >= day)))
            return dt_fail(DT_ERR_FORMAT, "the deadline's days are not in order");
        d->days[d->n_days].month = month;
        d->days[d->n_days].day = day;
        d->n_days++;
    }
    return check_deadline(t);
}

static enum dt_err
read_template(struct dt_template *t)
{
    struct dt_reader r = dt_reader_init(dt_buf_view(&t->enc));
    struct dt_reader fields;
    uint16_t format = 0;
    uint8_t ack = 0, disclosure = 0;
    size_t n_values = 0;
    enum dt_err err;

    if ((err = dt_read_u16(&r, &format)) != DT_OK)
        return err;
    if (format != DT_TEMPLATE_FORMAT)
        return dt_fail(DT_ERR_UNSUPPORTED, "a template of a format not known here");
    if ((err = dt_read_vec(&r, DT_TEMPLATE_ID_MAX, &t->id)) != DT_OK ||
        (err = dt_read_u16(&r, &t->version)) != DT_OK ||
        (err = dt_read_sub(&r, DT_TEMPLATE_MAX, &fields)) != DT_OK)
        return err;
    if (!name_valid(t->id, DT_TEMPLATE_ID_MAX) || t->version == 0)
        return dt_fail(DT_ERR_FORMAT, "a template's id or version");

    /* Twice: to count the enum values, then to keep them. */
    if ((err = read_fields(fields, t, NULL, &n_values)) != DT_OK)
        return err;
    t->values = dt_alloc(n_values + 1, sizeof *t->values);
    if (t->values == NULL)
        return dt_nomem();
    n_values = 0;
    if ((err = read_fields(fields, t, t->values, &n_values)) != DT_OK ||
        (err = read_deadline(&r, t)) != DT_OK || (err = dt_read_u8(&r, &ack)) != DT_OK ||
        (err = dt_read_u64(&r, &t->ack_within_ms)) != DT_OK ||
        (err = dt_read_u8(&r, &disclosure)) != DT_OK || (err = dt_read_end(&r)) != DT_OK)
        return err;
    if (ack > DT_ACK_ANSWER || (ack == DT_ACK_NONE) != (t->ack_within_ms == 0) ||
        t->ack_within_ms > DT_TIME_MAX_MS || disclosure < DT_DISCLOSE_SEALED ||
        disclosure > DT_DISCLOSE_FULL)
        return dt_fail(DT_ERR_FORMAT, "acknowledgement or disclosure");
    t->ack = (enum dt_ack)ack;
    t->disclosure = (enum dt_disclosure)disclosure;
    return dt_label_hash("template", dt_buf_view(&t->enc), t->hash);
}

enum dt_err
dt_template_decode(struct dt_view bytes, struct dt_template **out)
{
    DT_CLEANUP(dt_template_free_p) struct dt_template *t = dt_alloc(1, sizeof *t);
    enum dt_err err;

    if (t == NULL)
        return dt_nomem();
    dt_buf_init(&t->enc, DT_TEMPLATE_MAX);
    dt_buf_init(&t->words, DT_TEMPLATE_JSON_MAX);
    if ((err = dt_buf_append(&t->enc, bytes)) != DT_OK || (err = read_template(t)) != DT_OK)
        return dt_fail_context(err, "template");
    *out = t;
    t = NULL;
    return DT_OK;
}

/* The next ${n} bytes of the words; none at all: no buffer, and no offset into it. */
static struct dt_view
words_at(const struct dt_template *t, size_t *at, size_t n)
{
    struct dt_view v = n > 0 ? dt_view(t->words.p + *at, n) : dt_view(NULL, 0);

    *at += n;
    return v;
}

enum dt_err
dt_template_set_words(struct dt_template *t, const struct dt_template_words *w)
{
    size_t at = 0;
    enum dt_err err;

    t->words.n = 0;
    if ((err = dt_buf_append(&t->words, w->title)) != DT_OK ||
        (err = dt_buf_append(&t->words, w->purpose)) != DT_OK ||
        (err = dt_buf_append(&t->words, w->deadline)) != DT_OK ||
        (err = dt_buf_append(&t->words, w->ack)) != DT_OK)
        return err;
    for (size_t i = 0; i < t->n_fields; i++)
        if ((err = dt_buf_append(&t->words, w->docs[i])) != DT_OK)
            return err;
    /* Only now do the bytes stay where they are. */
    t->title = words_at(t, &at, w->title.n);
    t->purpose = words_at(t, &at, w->purpose.n);
    t->deadline_doc = words_at(t, &at, w->deadline.n);
    t->ack_doc = words_at(t, &at, w->ack.n);
    for (size_t i = 0; i < t->n_fields; i++)
        t->fields[i].doc = words_at(t, &at, w->docs[i].n);
    return DT_OK;
}

/* ---- the set ---- */

struct dt_templates {
    struct dt_template *at[DT_TEMPLATES];
    size_t n;
};

void
dt_templates_free(struct dt_templates *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->n; i++)
        dt_template_free(set->at[i]);
    dt_free(set);
}

void
dt_templates_free_p(struct dt_templates **set)
{
    dt_templates_free(*set);
    *set = NULL;
}

size_t
dt_templates_count(const struct dt_templates *set)
{
    return set->n;
}

const struct dt_template *
dt_templates_at(const struct dt_templates *set, size_t i)
{
    return i < set->n ? set->at[i] : NULL;
}

const struct dt_template *
dt_templates_get(const struct dt_templates *set, struct dt_view id)
{
    for (size_t i = 0; i < set->n; i++)
        if (dt_view_equal(set->at[i]->id, id))
            return set->at[i];
    return NULL;
}

const struct dt_template *
dt_templates_get_str(const struct dt_templates *set, const char *id)
{
    return dt_templates_get(set, dt_view_str(id));
}

enum dt_err
dt_templates_add(struct dt_templates *set, struct dt_template *t)
{
    enum dt_err err = DT_OK;

    if (dt_templates_get(set, t->id) != NULL)
        err = dt_fail(DT_ERR_EXISTS, "a template of this id is there");
    else if (set->n == DT_TEMPLATES)
        err = dt_fail(DT_ERR_LIMIT, "more than %u templates", DT_TEMPLATES);
    if (err != DT_OK) {
        dt_template_free(t);
        return err;
    }
    set->at[set->n++] = t;
    return DT_OK;
}

enum dt_err
dt_templates_load(struct dt_templates **out)
{
    DT_CLEANUP(dt_templates_free_p) struct dt_templates *set = dt_alloc(1, sizeof *set);
    struct dt_template *t = NULL;
    enum dt_err err;

    if (set == NULL)
        return dt_nomem();
    for (size_t i = 0; i < dt_builtin_count; i++)
        if ((err = dt_builtin_make(i, &t)) != DT_OK || (err = dt_templates_add(set, t)) != DT_OK)
            return err;
    for (size_t i = 0; i < record_template_files_count; i++) {
        const struct dt_embedded *file = &record_template_files[i];

        if (file->name[0] == '_')
            continue; /* what all have in common, for people */
        if ((err = dt_template_from_json(dt_view(file->data, file->len), &t)) != DT_OK ||
            (err = dt_templates_add(set, t)) != DT_OK)
            return dt_fail_context(err, "%s", file->name);
    }
    *out = set;
    set = NULL;
    return DT_OK;
}
