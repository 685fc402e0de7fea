/*
 * record/template.h - templates: which fields a record has, in which order, of which type.
 *
 * Source: docs/protocol-record.md, "Templates". Layer: record. A template's hash is over its
 * encoding in TLS presentation language, never over JSON. Built-in templates (letter, amendment,
 * the six answers, tally, cover, carried, readout_line) are tables in builtin.c; the others are
 * data/templates, made part of the library.
 */
#ifndef DT_RECORD_TEMPLATE_H
#define DT_RECORD_TEMPLATE_H

#include "base/bytes.h"
#include "record/limits.h"
#include "record/value.h"

#define DT_ENVELOPE_SLOTS 8

/* Envelope slots, the same in every record. */
enum dt_slot_index {
    DT_SLOT_AUTHOR = 0,     /* author */
    DT_SLOT_KIND = 1,       /* text: the template's id */
    DT_SLOT_CHANNEL = 2,    /* hash: group id */
    DT_SLOT_TIME = 3,       /* datetime: time of writing by the author's clock */
    DT_SLOT_REFERENCES = 4, /* list<reference> */
    DT_SLOT_LANGUAGES = 5,  /* list<lang> */
    DT_SLOT_CARRIED = 6,    /* hash: the commitment it carries here from another channel */
    DT_SLOT_DESTROY = 7     /* duration: destroyed so long after it came; of records alone */
};

enum dt_deadline {
    DT_DEADLINE_NONE = 0,
    DT_DEADLINE_BEFORE = 1, /* field, span */
    DT_DEADLINE_AFTER = 2,  /* field, span */
    DT_DEADLINE_REPLY = 3,  /* field, span */
    DT_DEADLINE_EVERY = 4,  /* span */
    DT_DEADLINE_EACH = 5    /* days of the year */
};

enum dt_ack { DT_ACK_NONE = 0, DT_ACK_RECEIPT = 1, DT_ACK_COUNTERSIGN = 2, DT_ACK_ANSWER = 3 };

enum dt_disclosure {
    DT_DISCLOSE_SEALED = 1,
    DT_DISCLOSE_TYPE = 2,
    DT_DISCLOSE_META = 3,
    DT_DISCLOSE_SUMMARY = 4,
    DT_DISCLOSE_FULL = 5
};

/* One field; its slot is DT_ENVELOPE_SLOTS + its place. Views borrow from the template. */
struct dt_field {
    struct dt_view name;
    uint8_t type;
    bool required;
    bool is_public;
    struct dt_view unit;          /* may be empty */
    struct dt_view doc;           /* for people, not hashed; may be empty */
    const struct dt_view *values; /* enum names in order: place 1 is values[0] */
    size_t n_values;
};

struct dt_template; /* opaque owner of its strings */

/* Could ${id} be the id of a template: lower-case letters, digits and '_', a letter first? */
bool dt_template_id_valid(struct dt_view id);

/* Fields of a template, by accessors (all borrow). */
struct dt_view dt_template_id(const struct dt_template *t);
struct dt_view dt_template_title(const struct dt_template *t); /* for people; may be the id */
/* What people wrote of its purpose, deadline and acknowledgement; may be empty. Not hashed. */
struct dt_view dt_template_purpose(const struct dt_template *t);
struct dt_view dt_template_deadline_doc(const struct dt_template *t);
struct dt_view dt_template_ack_doc(const struct dt_template *t);
const uint8_t *dt_template_hash(const struct dt_template *t); /* 32 bytes */
uint8_t dt_template_slots(const struct dt_template *t);       /* 16, 32 or 64 */
size_t dt_template_n_fields(const struct dt_template *t);
const struct dt_field *dt_template_field(const struct dt_template *t, size_t i);
/* What slot ${index} holds: envelope, field, or (name "", type 0) past the template. */
void dt_template_slot(const struct dt_template *t, size_t index, struct dt_field *out);
/* Slot index of the field named ${name}, or of an envelope slot ("@author", "@kind", "@channel",
 * "@written_at",
 * "@references", "@languages", "@carried_from", "@destroy_after"; fields never begin with '@').
 * NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_template_slot_find(const struct dt_template *t, struct dt_view name,
                                                size_t *out);
bool dt_template_builtin(const struct dt_template *t);
struct dt_deadline_rule {
    enum dt_deadline kind;
    struct dt_view field; /* name; empty unless before, after, reply */
    uint64_t span_ms;
    uint8_t n_days;
    struct {
        uint8_t month, day;
    } days[12];
};
void dt_template_deadline(const struct dt_template *t, struct dt_deadline_rule *out);
enum dt_ack dt_template_ack(const struct dt_template *t, uint64_t *out_within_ms);
enum dt_disclosure dt_template_disclosure(const struct dt_template *t);

/* ---- template_say.c: the same in words ---- */

/* Append by when such a record is owed: "at least 2 days before window_start"; "no deadline". */
DT_MUST_CHECK enum dt_err dt_template_say_deadline(const struct dt_template *t, struct dt_buf *out);
/* Append what the other side owes, and what that is not. */
DT_MUST_CHECK enum dt_err dt_template_say_ack(const struct dt_template *t, struct dt_buf *out);
/* "sealed" to "full"; and what the world is then shown. */
const char *dt_disclosure_name(enum dt_disclosure d);
const char *dt_disclosure_says(enum dt_disclosure d);

/* Append the canonical encoding. */
DT_MUST_CHECK enum dt_err dt_template_encode(const struct dt_template *t, struct dt_buf *out);

/* Parse and validate an encoding from outside. FORMAT, LIMIT, RANGE. Owner: dt_template_free(). */
DT_MUST_CHECK enum dt_err dt_template_decode(struct dt_view bytes, struct dt_template **out);

/* Parse and validate the JSON of one template (data/templates; the one place that reads JSON). */
DT_MUST_CHECK enum dt_err dt_template_from_json(struct dt_view json, struct dt_template **out);

void dt_template_free(struct dt_template *t);
void dt_template_free_p(struct dt_template **t); /* for DT_CLEANUP */

/* ---- the set of templates known to a program ---- */
struct dt_templates;

/* All built-in templates and the 18 of data/templates. Owner: dt_templates_free(). */
DT_MUST_CHECK enum dt_err dt_templates_load(struct dt_templates **out);
/* Add ${t} (given: freed with the set, also on error). EXISTS: the same id is there. LIMIT. */
DT_MUST_CHECK enum dt_err dt_templates_add(struct dt_templates *set, struct dt_template *t);
void dt_templates_free(struct dt_templates *set);
void dt_templates_free_p(struct dt_templates **set);
size_t dt_templates_count(const struct dt_templates *set);
const struct dt_template *dt_templates_at(const struct dt_templates *set, size_t i);
/* By id; NULL when not known. */
const struct dt_template *dt_templates_get(const struct dt_templates *set, struct dt_view id);
const struct dt_template *dt_templates_get_str(const struct dt_templates *set, const char *id);

#endif
