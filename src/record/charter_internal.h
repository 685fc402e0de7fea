/*
 * record/charter_internal.h - what the files of charters and amendments share.
 *
 * Source: docs/protocol-record.md, "Charter", "Amendment". Layer: record, not for other rooms.
 */
#ifndef DT_RECORD_CHARTER_INTERNAL_H
#define DT_RECORD_CHARTER_INTERNAL_H

#include "base/wire.h"

#include "record/charter.h"

/* A line of 1 to ${max} bytes of UTF-8. */
bool dt_charter_line(struct dt_view v, size_t max);

/* Of an ASCII letter the small one, else ${c}. */
uint8_t dt_charter_lower(uint8_t c);

/* The part of a charter that an amendment replaces: relays, register, witnesses, quorums. Read, its
 * views point into what is read. */
void dt_charter_register_write(struct dt_writer *w, const struct dt_charter *c);
DT_MUST_CHECK enum dt_err dt_charter_register_read(struct dt_reader *r, struct dt_charter *c);
/* The rules on its contents, with the parties of ${c}. */
DT_MUST_CHECK enum dt_err dt_charter_register_check(const struct dt_charter *c);

#endif
