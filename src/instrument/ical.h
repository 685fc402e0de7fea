/*
 * instrument/ical.h - a calendar of deadlines as an iCalendar file. Written, never parsed.
 *
 * Source: RFC 5545 sections 3.1, 3.3.5, 3.3.11, 3.6.1 and 3.6.6. Layer: instrument: pure, no clock.
 */
#ifndef DT_INSTRUMENT_ICAL_H
#define DT_INSTRUMENT_ICAL_H

#include "base/bytes.h"

#define DT_ICAL_ALARMS 4u

/* A moment that is not to be missed. Texts are UTF-8, of any length; control characters but line
 * feeds are left away. */
struct dt_ical_event {
    struct dt_view uid;                /* ASCII, the same whenever it is written again */
    uint64_t stamp_ms;                 /* when it is written */
    uint64_t at_ms;                    /* the moment; seconds count */
    struct dt_view summary;            /* a line */
    struct dt_view description;        /* lines; may be empty */
    uint64_t alarm_ms[DT_ICAL_ALARMS]; /* so long before it an alarm; 0: none; whole minutes */
};

/* Append the beginning of a calendar called ${name}, an event, the end. Errors: those of the buf.
 */
DT_MUST_CHECK enum dt_err dt_ical_begin(struct dt_buf *out, struct dt_view name);
DT_MUST_CHECK enum dt_err dt_ical_event(struct dt_buf *out, const struct dt_ical_event *e);
DT_MUST_CHECK enum dt_err dt_ical_end(struct dt_buf *out);

#endif
