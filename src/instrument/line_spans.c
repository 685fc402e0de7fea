/*
 * instrument/line_spans.c - see line_spans.h.
 */
#include "instrument/line_spans.h"

#include <string.h>

/* The spans ${first} to ${last} become one. */
static void
join(struct dt_line_spans *s, size_t first, size_t last)
{
    s->v[first].to_ms = s->v[last].to_ms;
    memmove(&s->v[first + 1], &s->v[last + 1], (s->n - last - 1) * sizeof s->v[0]);
    s->n -= last - first;
}

void
dt_line_spans_add(struct dt_line_spans *s, uint64_t from_ms, uint64_t to_ms)
{
    size_t first = 0, end;

    if (to_ms <= from_ms)
        return;
    while (first < s->n && s->v[first].to_ms < from_ms)
        first++;
    for (end = first; end < s->n && s->v[end].from_ms <= to_ms; end++)
        ;
    if (end > first) { /* it touches those from ${first} up to ${end} */
        if (from_ms < s->v[first].from_ms)
            s->v[first].from_ms = from_ms;
        join(s, first, end - 1);
        if (to_ms > s->v[first].to_ms)
            s->v[first].to_ms = to_ms;
        return;
    }
    if (s->n == DT_LINE_SPANS) {
        if (first == 0) { /* older than all: it becomes one with the oldest */
            s->v[0].from_ms = from_ms;
            return;
        }
        if (first == 1) { /* it lies in what becomes one */
            join(s, 0, 1);
            return;
        }
        join(s, 0, 1);
        first--;
    }
    memmove(&s->v[first + 1], &s->v[first], (s->n - first) * sizeof s->v[0]);
    s->v[first] = (struct dt_line_span){from_ms, to_ms};
    s->n++;
}
