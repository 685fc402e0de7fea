/*
 * record/value_internal.h - what the files of values share.
 *
 * Layer: record, not for other rooms.
 */
#ifndef DT_RECORD_VALUE_INTERNAL_H
#define DT_RECORD_VALUE_INTERNAL_H

#include "record/value.h"

/* The type that ${text} has as a map's value when nothing else says so: bool, int, decimal or text.
 */
uint8_t dt_value_guess(struct dt_view text);

/* value_example.c. FORMAT: "FIELD: expected FORM; for example EXAMPLE", with the unit of a number.
 */
DT_MUST_CHECK enum dt_err dt_value_expected(const struct dt_value_hint *hint, const char *form);

/* A number that was written with its field's unit behind it, without the unit. */
struct dt_view dt_value_without_unit(const struct dt_value_hint *hint, struct dt_view text);

/* value_geojson.c. The bytes of a Point for a place, of a Polygon for an area. FORMAT, NOMEM. */
DT_MUST_CHECK enum dt_err dt_value_geojson(const struct dt_value_hint *hint, struct dt_view text,
                                           struct dt_buf *out);

#endif
