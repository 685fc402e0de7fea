/*
 * record/value.h - the types of fields: one canonical byte form per value, and their text for
 * people.
 *
 * Source: docs/protocol-record.md, "Values". Layer: record. A value is held as its canonical bytes;
 * a decoder re-encodes and compares, so that two byte forms of one value cannot both be accepted.
 */
#ifndef DT_RECORD_VALUE_H
#define DT_RECORD_VALUE_H

#include "base/bytes.h"

struct dt_charter;

/* Numbers on the wire, for ever. */
enum dt_type {
    DT_TYPE_NONE = 0, /* a slot past the template */
    DT_TYPE_TEXT = 1,
    DT_TYPE_LTEXT = 2,
    DT_TYPE_INT = 3,
    DT_TYPE_DECIMAL = 4,
    DT_TYPE_BOOL = 5,
    DT_TYPE_ENUM = 6,
    DT_TYPE_DATE = 7,
    DT_TYPE_DATETIME = 8,
    DT_TYPE_DURATION = 9,
    DT_TYPE_LATLON = 10,
    DT_TYPE_AREA = 11,
    DT_TYPE_LANG = 12,
    DT_TYPE_PARTY = 13,
    DT_TYPE_REF = 14,       /* 32 bytes: a commitment; 16 bytes: a talk id */
    DT_TYPE_HASH = 15,      /* 32 bytes: a hash, a key, a group id */
    DT_TYPE_MAP = 16,       /* sorted pairs of a key and a scalar */
    DT_TYPE_AUTHOR = 17,    /* envelope slot 0 */
    DT_TYPE_REFERENCE = 18, /* envelope slot 4, in a list */
    DT_TYPE_BYTES = 19,     /* opaque */
    DT_TYPE_ACCOUNT = 20,   /* own values of a dispute: as map, with lists allowed */
    DT_TYPE_LIST = 0x80     /* with a scalar type's number: list<X> */
};

/* The scalar type inside a list type, or the type itself. */
static inline uint8_t
dt_type_item(uint8_t type)
{
    return (uint8_t)(type & 0x7f);
}

static inline bool
dt_type_is_list(uint8_t type)
{
    return (type & DT_TYPE_LIST) != 0;
}

/* Is ${type} a type that a field may have? */
bool dt_type_valid(uint8_t type);

/* The number of the type written as ${text} ("list<text>"); NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_type_read(struct dt_view text, uint8_t *out);

/* "list<text>" and so on into ${out} of at least 32 bytes. */
void dt_type_str(uint8_t type, char out[static 32]);

/**
 * dt_value_check(type, n_enum, value):
 * DT_OK when ${value} is the canonical form of a value of ${type}; ${n_enum} is the number of an
 * enum's values (places 1..n). FORMAT, RANGE or LIMIT with what is wrong; no text of ${value} in
 * the message.
 */
DT_MUST_CHECK enum dt_err dt_value_check(uint8_t type, size_t n_enum, struct dt_view value);

/* What text conversion needs to know about a field. values: enum names (n_values). charter: names
 * of parties (may be NULL: then parties are hex root ids). */
struct dt_value_hint {
    const char *field; /* for messages */
    uint8_t type;
    const struct dt_view *values;
    size_t n_values;
    const struct dt_charter *charter;
    struct dt_view unit; /* of an int or decimal: what may stand behind the number */
};

/* Append one value of ${hint}'s type as a person may write it: one that is taken, for help and for
 * messages. */
DT_MUST_CHECK enum dt_err dt_value_example(const struct dt_value_hint *hint, struct dt_buf *out);

/* The one of ${names} that ${word} was probably meant to be; empty when none is near. */
struct dt_view dt_value_near(struct dt_view word, const struct dt_view *names, size_t n);

/**
 * dt_value_from_text(hint, text, out):
 * Append the canonical bytes of what a person wrote. A list is items separated by ';' ("\;" and
 * "\\" stand for themselves); "" is the empty list. A map is "key=value" items, each value int,
 * decimal, true/false or text. An area is "lat,lon lat,lon lat,lon" or "lat,lon r<km>". A place may
 * be a GeoJSON Point, an area a GeoJSON Polygon of one ring; a number may have its unit behind it.
 * FORMAT/RANGE/LIMIT: the message names the field, the expected form and an example. ${out}
 * unchanged on failure.
 */
DT_MUST_CHECK enum dt_err dt_value_from_text(const struct dt_value_hint *hint, struct dt_view text,
                                             struct dt_buf *out);

/* The same for a list whose ${n} items are already apart (from a JSON array). */
DT_MUST_CHECK enum dt_err dt_value_from_items(const struct dt_value_hint *hint,
                                              const struct dt_view *items, size_t n,
                                              struct dt_buf *out);

/* Append the text of the canonical ${value}, as dt_value_from_text() reads it. */
DT_MUST_CHECK enum dt_err dt_value_to_text(const struct dt_value_hint *hint, struct dt_view value,
                                           struct dt_buf *out);

/* ---- building and reading the common ones ---- */
DT_MUST_CHECK enum dt_err dt_value_u64(struct dt_view value,
                                       uint64_t *out); /* int >= 0, datetime, duration */
DT_MUST_CHECK enum dt_err dt_value_enum(struct dt_view value, uint16_t *out);

/* Walk a list: *${rest} starts as the value; false at its end. Only for checked values. */
bool dt_value_list_next(struct dt_view *rest, struct dt_view *out_item);

/* One pair of a map or account. */
struct dt_value_pair {
    struct dt_view key;
    uint8_t type;
    struct dt_view value;
};

/* Walk the pairs of a checked map or account. */
bool dt_value_map_next(struct dt_view *rest, struct dt_value_pair *out);

/* Append canonical bytes. Pairs must come sorted by key bytes, each key once (RANGE). */
DT_MUST_CHECK enum dt_err dt_value_put_u64(struct dt_buf *out, uint64_t x);
DT_MUST_CHECK enum dt_err dt_value_put_enum(struct dt_buf *out, uint16_t place);
DT_MUST_CHECK enum dt_err dt_value_put_item(struct dt_buf *out,
                                            struct dt_view item); /* one list item */
DT_MUST_CHECK enum dt_err dt_value_put_pair(struct dt_buf *out, const struct dt_value_pair *pair);

/* Days since 1970-01-01 of a proleptic Gregorian date, and back. RANGE outside years 1 to 9999. */
DT_MUST_CHECK enum dt_err dt_days_from_date(int year, int month, int day, int32_t *out);
void dt_date_from_days(int32_t days, int *year, int *month, int *day);

#endif
