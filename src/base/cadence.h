/*
 * base/cadence.h - a promised rhythm: k things in every period, whatever happens.
 *
 * Source: docs/protocol-register.md "Cadence". Layer: base; pure. Periods begin at multiples of
 * their length since 1970-01-01T00:00:00Z; those of whole weeks since Monday 1970-01-05.
 */
#ifndef DT_BASE_CADENCE_H
#define DT_BASE_CADENCE_H

#include "base/bytes.h"
#include "base/time.h"

#define DT_CADENCE_PERIOD_MIN  DT_MS_MINUTE
#define DT_CADENCE_PERIOD_MAX  (366 * DT_MS_DAY)
#define DT_CADENCE_ENTRIES_MAX 1000000u
#define DT_CADENCE_STR         32 /* room for any cadence as text, with its NUL */

/* k a period; period_ms 0: nothing was promised. */
struct dt_cadence {
    uint64_t k, period_ms;
};

/* Parse "K/PERIOD", the period in minutes, hours, days or weeks: "4/1d", "1/30m". FORMAT. */
DT_MUST_CHECK enum dt_err dt_cadence_read(struct dt_view text, struct dt_cadence *out);

/* The one text of ${c} that dt_cadence_read() reads, in the largest unit that divides its period.
 * ${out} holds DT_CADENCE_STR bytes; empty when nothing is promised. */
void dt_cadence_str(char *out, const struct dt_cadence *c);

/* The first start of a period at or after ${ms}. A promise is given. */
uint64_t dt_cadence_start_from(const struct dt_cadence *c, uint64_t ms);

/*
 * A period has k slots, spread evenly from its start on: one is due at the start itself. A promise
 * is given, and ${start} is the start of a period.
 *
 * dt_cadence_period(c, ms): the start of the period that ${ms} lies in (of the first one, before
 * it). dt_cadence_slot(c, start, j): when slot ${j} of that period is due; of a later one, for j >=
 * k. dt_cadence_due(c, start, ms): how many slots of that period are due at ${ms}: 0 before it, at
 * most k.
 */
uint64_t dt_cadence_period(const struct dt_cadence *c, uint64_t ms);
uint64_t dt_cadence_slot(const struct dt_cadence *c, uint64_t start, uint64_t j);
uint64_t dt_cadence_due(const struct dt_cadence *c, uint64_t start, uint64_t ms);

#endif
