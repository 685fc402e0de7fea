/*
 * record/value_internal.h - what value_text.c and value_show.c share.
 *
 * Layer: record, not for other rooms.
 */
#ifndef DT_RECORD_VALUE_INTERNAL_H
#define DT_RECORD_VALUE_INTERNAL_H

#include "record/value.h"

/* The type that ${text} has as a map's value when nothing else says so: bool, int, decimal or text.
 */
uint8_t dt_value_guess(struct dt_view text);

#endif
