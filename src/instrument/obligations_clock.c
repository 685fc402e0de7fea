/*
 * instrument/obligations_clock.c - the clock of obligations: spans and moments, outages left out.
 *
 * Source: docs/protocol-record.md, "Obligations", "Outages". Where the outages come from:
 * obligations_outages.c.
 */
#include "base/time.h"
#include "instrument/obligations.h"

/* ${a} + ${b}, or the last moment there is. */
static uint64_t
later(uint64_t a, uint64_t b)
{
    return a > DT_TIME_MAX_MS || b > DT_TIME_MAX_MS - a ? DT_TIME_MAX_MS : a + b;
}

/* The first of ${channel} that ends behind ${at_ms}, or the first of a later channel, or ${n}. A
 * line that is tested once an hour can have had thousands of outages, and each record asks. */
static size_t
first_behind(uint64_t at_ms, uint16_t channel, const struct dt_due_outage *outages, size_t n)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct dt_due_outage *o = &outages[mid];

        if (o->channel < channel || (o->channel == channel && o->to_ms <= at_ms))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint64_t
dt_due_after(uint64_t start_ms, uint64_t span_ms, uint16_t channel,
             const struct dt_due_outage *outages, size_t n)
{
    uint64_t at = start_ms, left = span_ms;

    for (size_t i = first_behind(at, channel, outages, n); i < n && outages[i].channel == channel;
         i++) {
        const struct dt_due_outage *o = &outages[i];

        if (o->from_ms > at) {
            if (o->from_ms - at >= left)
                break;
            left -= o->from_ms - at;
        }
        at = o->to_ms;
    }
    return later(at, left);
}

uint64_t
dt_due_at(uint64_t at_ms, uint16_t channel, const struct dt_due_outage *outages, size_t n)
{
    size_t i = first_behind(at_ms, channel, outages, n);

    return i < n && outages[i].channel == channel && outages[i].from_ms < at_ms ? outages[i].to_ms
                                                                                : at_ms;
}
