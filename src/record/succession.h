/*
 * record/succession.h - roots that take the place of others: the part of an amendment that says so,
 * for the files of charters and amendments.
 *
 * Source: docs/protocol-record.md, "Amendment", "Succession of a root". Layer: record, not for
 * other rooms.
 */
#ifndef DT_RECORD_SUCCESSION_H
#define DT_RECORD_SUCCESSION_H

#include "base/wire.h"

#include "record/amendment.h"

/* Change changes<V>: written, and read with what needs no charter. FORMAT, LIMIT. */
void dt_root_changes_write(struct dt_writer *w, const struct dt_root_change *x, size_t n);
DT_MUST_CHECK enum dt_err dt_root_changes_read(struct dt_reader *r, struct dt_amendment *am);

/* May the changes of ${am} be made in ${c}? RANGE, FORMAT, CONFLICT (a key that is or was somebody
 * else's, a successor that stands already), REFUSED (not the successor that was announced). */
DT_MUST_CHECK enum dt_err dt_root_changes_check(const struct dt_amendment *am,
                                                const struct dt_charter *c);

/* Make them. */
void dt_root_changes_take(struct dt_charter *c, const struct dt_amendment *am);

/* The successors that the rules of ${c}, which were checked, announce. RANGE, CONFLICT. */
DT_MUST_CHECK enum dt_err dt_successors_of_rules(struct dt_charter *c);

#endif
