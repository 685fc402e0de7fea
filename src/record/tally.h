/*
 * record/tally.h - what a record of the built-in template `tally` states.
 *
 * Source: docs/protocol-record.md, "Tally"; DESIGN "Countable in public, silent on content".
 * Layer: record; no I/O.
 */
#ifndef DT_RECORD_TALLY_H
#define DT_RECORD_TALLY_H

#include "record/fields.h"

/* The slots of its four fields: enough to open for a stranger to read it. */
#define DT_TALLY_SLOTS (UINT64_C(0xf) << DT_ENVELOPE_SLOTS)

/* Of the entries ${first} to ${last}, both included, ${count} are of records of template
 * ${counted} in the tally's own channel. */
struct dt_tally_stated {
    uint64_t first, last, count;
    struct dt_view counted; /* borrowed from the slots */
};

/* Is ${t} that template? */
bool dt_template_is_tally(const struct dt_template *t);

/**
 * dt_tally_read(slots, out):
 * Read ${slots} (DT_SLOTS_MAX of them, those of DT_TALLY_SLOTS with values) of a record of that
 * template. FORMAT: its numbers cannot be: below zero, a range that ends before it begins, more
 * counted than there are entries. ${out} is untouched then.
 */
DT_MUST_CHECK enum dt_err dt_tally_read(const struct dt_slot slots[static DT_SLOTS_MAX],
                                        struct dt_tally_stated *out);

#endif
