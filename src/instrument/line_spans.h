/*
 * instrument/line_spans.h - when a line was tested, as spans of time: a set, so that it does not
 * matter in which order tests come, or how often.
 *
 * Source: docs/protocol-channel.md, "Line tests". Layer: instrument: pure, no clock, no I/O.
 */
#ifndef DT_INSTRUMENT_LINE_SPANS_H
#define DT_INSTRUMENT_LINE_SPANS_H

#include "base/bytes.h"

#define DT_LINE_SPANS 1024u /* of one station */

/* From ${from_ms} up to ${to_ms}, not included. */
struct dt_line_span {
    uint64_t from_ms, to_ms;
};

/* Sorted, none touches another. All zero is the empty set. */
struct dt_line_spans {
    struct dt_line_span v[DT_LINE_SPANS];
    size_t n;
};

/* Put a span in; what it touches becomes one with it. Where there is no room for one more, the two
 * oldest ones become one: what lay between them is then taken to be tested, which stops no clock.
 * An empty or reversed span changes nothing. */
void dt_line_spans_add(struct dt_line_spans *s, uint64_t from_ms, uint64_t to_ms);

#endif
