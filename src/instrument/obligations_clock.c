/*
 * instrument/obligations_clock.c - the clock of obligations: spans, and outages that stop it.
 *
 * Source: docs/protocol-record.md, "Obligations", "Outages".
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "instrument/line_test.h"
#include "instrument/obligations.h"
#include "instrument/obligations_internal.h"

/* ${a} + ${b}, or the last moment there is. */
static uint64_t
later(uint64_t a, uint64_t b)
{
    return a > DT_TIME_MAX_MS || b > DT_TIME_MAX_MS - a ? DT_TIME_MAX_MS : a + b;
}

uint64_t
dt_due_after(uint64_t start_ms, uint64_t span_ms, uint16_t channel,
             const struct dt_due_outage *outages, size_t n)
{
    uint64_t at = start_ms, left = span_ms;

    for (size_t i = 0; i < n; i++) {
        const struct dt_due_outage *o = &outages[i];

        if (o->channel != channel || o->to_ms <= at)
            continue;
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
    for (size_t i = 0; i < n; i++)
        if (outages[i].channel == channel && outages[i].from_ms < at_ms && at_ms < outages[i].to_ms)
            return outages[i].to_ms;
    return at_ms;
}

/* ---- outages, by line tests ---- */

/* One line test. */
struct beat {
    uint64_t ms, until_ms;
    uint16_t channel;
    uint8_t party;
    bool planned; /* it announces an outage from now on */
};

static int
by_time(const void *a, const void *b)
{
    const struct beat *x = a, *y = b;

    if (x->channel != y->channel)
        return x->channel < y->channel ? -1 : 1;
    if (x->ms != y->ms)
        return x->ms < y->ms ? -1 : 1;
    /* Announced and ended within one moment: it stands. */
    if (x->planned != y->planned)
        return x->planned ? 1 : -1;
    if (x->until_ms != y->until_ms)
        return x->until_ms < y->until_ms ? -1 : 1;
    return 0;
}

/* Whose outage it takes: all sides in the channel, or all in it. */
static uint32_t
who_counts(const struct dt_due_channel *c, uint32_t sides)
{
    uint32_t there = c->parties & sides;

    return (there & (there - 1)) != 0 ? there : c->parties;
}

static enum dt_err
put_outage(struct dt_due_outage **list, size_t *n, uint16_t channel, uint64_t from, uint64_t to)
{
    struct dt_due_outage *grown;

    if (to <= from)
        return DT_OK;
    if (*n > 0 && (*list)[*n - 1].channel == channel && (*list)[*n - 1].to_ms == from) {
        (*list)[*n - 1].to_ms = to;
        return DT_OK;
    }
    grown = dt_realloc(*list, *n + 1, sizeof **list);
    if (grown == NULL)
        return dt_nomem();
    *list = grown;
    grown[(*n)++] = (struct dt_due_outage){channel, from, to};
    return DT_OK;
}

/* The outages of one channel, whose ${n} line tests are in order of time. Between two of them, each
 * party is out until a moment that is known. */
static enum dt_err
of_channel(const struct beat *b, size_t n, uint32_t who, struct dt_due_outage **list, size_t *out_n)
{
    uint64_t out_until[32] = {0};
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < n && err == DT_OK; i++) {
        uint64_t from = b[i].ms, to = i + 1 < n ? b[i + 1].ms : DT_TIME_MAX_MS;

        out_until[b[i].party] = !b[i].planned        ? 0
                                : b[i].until_ms == 0 ? DT_TIME_MAX_MS
                                                     : b[i].until_ms;
        for (size_t p = 0; p < 32; p++)
            if ((who >> p & 1) != 0 && out_until[p] < to)
                to = out_until[p];
        if (who != 0)
            err = put_outage(list, out_n, b[i].channel, from, to);
    }
    return err;
}

enum dt_err
dt_due_outages(const struct dt_due_state *s, const struct dt_due_channel *channels,
               size_t n_channels, uint32_t sides, struct dt_due_outage **out, size_t *out_n)
{
    DT_CLEANUP(dt_free_p) struct dt_due_outage *list = NULL;
    DT_CLEANUP(dt_free_p) struct beat *beats = NULL;
    DT_CLEANUP(dt_free_p) uint64_t *times = NULL;
    size_t n = 0, n_list = 0;
    enum dt_err err = dt_due_times(s, channels, n_channels, sides, &times);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < s->n; i++)
        n += s->items[i].status != 0;
    beats = dt_alloc(n, sizeof *beats);
    if (beats == NULL)
        return dt_nomem();
    n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct dt_due_item *it = &s->items[i];

        if (it->status == 0 || times[i] == 0 || it->party >= 32 || it->channel >= n_channels)
            continue;
        beats[n++] = (struct beat){times[i], it->outage_until_ms, it->channel, it->party,
                                   it->status == DT_LINE_PLANNED_OUTAGE};
    }
    if (n > 0)
        qsort(beats, n, sizeof *beats, by_time);
    for (size_t i = 0, k; i < n && err == DT_OK; i = k) {
        for (k = i; k < n && beats[k].channel == beats[i].channel;)
            k++;
        err = of_channel(beats + i, k - i, who_counts(&channels[beats[i].channel], sides), &list,
                         &n_list);
    }
    if (err != DT_OK)
        return err;
    *out = list;
    *out_n = n_list;
    list = NULL;
    return DT_OK;
}
