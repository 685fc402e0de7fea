/*
 * record/template_internal.h - what template.c, builtin.c and template_json.c share.
 *
 * Layer: record, not for other rooms. A template is always made from its encoding: tables and JSON
 * are first encoded, then decoded like bytes from outside, so that one set of checks serves all.
 */
#ifndef DT_RECORD_TEMPLATE_INTERNAL_H
#define DT_RECORD_TEMPLATE_INTERNAL_H

#include "base/wire.h"

#include "record/template.h"

#define DT_TEMPLATE_FORMAT 1
#define DT_FIELD_REQUIRED  1
#define DT_FIELD_PUBLIC    2

/* A template before it is encoded: plain views. */
struct dt_template_parts {
    struct dt_view id;
    uint16_t version;
    size_t n_fields;
    struct {
        struct dt_view name, unit, values; /* values: already a vector of opaque<V> */
        uint8_t type, flags;
    } fields[DT_TEMPLATE_FIELDS];
    struct dt_deadline_rule deadline;
    enum dt_ack ack;
    uint64_t ack_within_ms;
    enum dt_disclosure disclosure;
};

/* Encode ${parts} and make a template of them. */
DT_MUST_CHECK enum dt_err dt_template_from_parts(const struct dt_template_parts *parts,
                                                 struct dt_template **out);

/* Words for people, none of them hashed. docs: of field i at i. */
struct dt_template_words {
    struct dt_view title, purpose, deadline, ack;
    const struct dt_view *docs;
};

/* Attach ${words} (copied). */
DT_MUST_CHECK enum dt_err dt_template_set_words(struct dt_template *t,
                                                const struct dt_template_words *words);
void dt_template_set_builtin(struct dt_template *t);

/* builtin.c: how many there are, and each made anew. */
extern const size_t dt_builtin_count;
DT_MUST_CHECK enum dt_err dt_builtin_make(size_t i, struct dt_template **out);
/* The built-in template ${id} made anew. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_builtin_find(struct dt_view id, struct dt_template **out);

#endif
