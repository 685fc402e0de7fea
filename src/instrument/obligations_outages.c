/*
 * instrument/obligations_outages.c - when the clock of a channel stands: all its sides are out, by
 * line tests that are records or by those that are talk.
 *
 * Source: docs/protocol-record.md, "Obligations", "Outages".
 *
 *   records --of_records()--+
 *                           +--> when each party is out --all_out()--> when all sides are
 *   tests heard --of_talk()-+
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "instrument/line_test.h"
#include "instrument/obligations.h"
#include "instrument/obligations_internal.h"

/* A party is out from ${from_ms} up to ${to_ms}, not included. */
struct out {
    uint64_t from_ms, to_ms;
    uint16_t channel;
    uint8_t party;
};

struct outs {
    struct out *v;
    size_t n, room;
};

static enum dt_err
put_out(struct outs *l, uint16_t channel, uint8_t party, uint64_t from, uint64_t to)
{
    if (to <= from)
        return DT_OK;
    if (l->n == l->room) {
        size_t room = l->room < 32 ? 32 : l->room * 2;
        struct out *grown = dt_realloc(l->v, room, sizeof *l->v);

        if (grown == NULL)
            return dt_nomem();
        l->v = grown;
        l->room = room;
    }
    l->v[l->n++] = (struct out){from, to, channel, party};
    return DT_OK;
}

/* ---- by line tests that are records ---- */

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
    if (x->party != y->party)
        return x->party < y->party ? -1 : 1;
    if (x->ms != y->ms)
        return x->ms < y->ms ? -1 : 1;
    /* Announced and ended within one moment: it stands. */
    if (x->planned != y->planned)
        return x->planned ? 1 : -1;
    if (x->until_ms != y->until_ms)
        return x->until_ms < y->until_ms ? -1 : 1;
    return 0;
}

/* An announcement holds until it ends, or until the party's next line test. */
static enum dt_err
of_records(const struct dt_due_state *s, const uint64_t *times, size_t n_channels, struct outs *l)
{
    DT_CLEANUP(dt_free_p) struct beat *beats = NULL;
    size_t n = 0;
    enum dt_err err = DT_OK;

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
    for (size_t i = 0; i < n && err == DT_OK; i++) {
        const struct beat *b = &beats[i], *next = i + 1 < n ? b + 1 : NULL;
        uint64_t to = b->until_ms == 0 ? DT_TIME_MAX_MS : b->until_ms;

        if (!b->planned)
            continue;
        if (next != NULL && next->channel == b->channel && next->party == b->party && next->ms < to)
            to = next->ms;
        err = put_out(l, b->channel, b->party, b->ms, to);
    }
    return err;
}

/* ---- by line tests that are talk ---- */

static int
by_begin(const void *a, const void *b)
{
    const struct dt_due_heard *x = a, *y = b;

    if (x->channel != y->channel)
        return x->channel < y->channel ? -1 : 1;
    if (x->from_ms != y->from_ms)
        return x->from_ms < y->from_ms ? -1 : 1;
    if (x->to_ms != y->to_ms)
        return x->to_ms < y->to_ms ? -1 : 1;
    return 0;
}

/* ${party} is out where none of its tests is, from the end of its first one on, as far as the tests
 * were read; ${h}: the ${n} spans of one channel, by begin. Where we could not hear, nobody is. */
static enum dt_err
of_party(const struct dt_due_heard *h, size_t n, uint64_t until, uint8_t party, struct outs *l)
{
    uint64_t at = 0;
    bool any = false;
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < n && err == DT_OK; i++) {
        if (h[i].party != party && h[i].party != DT_DUE_NOBODY)
            continue;
        if (any)
            err = put_out(l, h[i].channel, party, at, h[i].from_ms < until ? h[i].from_ms : until);
        if (any || h[i].party == party)
            at = h[i].to_ms > at ? h[i].to_ms : at;
        any = any || h[i].party == party;
    }
    return any && err == DT_OK ? put_out(l, h[0].channel, party, at, until) : err;
}

static enum dt_err
of_talk(const struct dt_due_heard *heard, size_t n, const struct dt_due_channel *channels,
        size_t n_channels, struct outs *l)
{
    DT_CLEANUP(dt_free_p) struct dt_due_heard *h = NULL;
    enum dt_err err = DT_OK;

    if (n == 0)
        return DT_OK;
    h = dt_alloc(n, sizeof *h);
    if (h == NULL)
        return dt_nomem();
    memcpy(h, heard, n * sizeof *h);
    qsort(h, n, sizeof *h, by_begin);
    for (size_t i = 0, k; i < n && err == DT_OK; i = k) {
        for (k = i; k < n && h[k].channel == h[i].channel;)
            k++;
        if (h[i].channel >= n_channels)
            continue;
        for (uint8_t p = 0; p < 32 && err == DT_OK; p++)
            if ((channels[h[i].channel].parties >> p & 1) != 0)
                err = of_party(h + i, k - i, channels[h[i].channel].line_until_ms, p, l);
    }
    return err;
}

/* ---- all of them ---- */

/* Whose outage it takes: all sides in the channel, or all in it. */
static uint32_t
who_counts(const struct dt_due_channel *c, uint32_t sides)
{
    uint32_t there = c->parties & sides;

    return (there & (there - 1)) != 0 ? there : c->parties;
}

static int
by_party(const void *a, const void *b)
{
    const struct out *x = a, *y = b;

    if (x->channel != y->channel)
        return x->channel < y->channel ? -1 : 1;
    if (x->party != y->party)
        return x->party < y->party ? -1 : 1;
    if (x->from_ms != y->from_ms)
        return x->from_ms < y->from_ms ? -1 : 1;
    return 0;
}

/* A party may be out by both kinds of tests: each moment once. */
static void
merge(struct outs *l)
{
    size_t kept = 0;

    if (l->n == 0)
        return;
    qsort(l->v, l->n, sizeof *l->v, by_party);
    for (size_t i = 1; i < l->n; i++) {
        struct out *last = &l->v[kept], *x = &l->v[i];

        if (x->channel == last->channel && x->party == last->party && x->from_ms <= last->to_ms) {
            if (x->to_ms > last->to_ms)
                last->to_ms = x->to_ms;
        } else {
            l->v[++kept] = *x;
        }
    }
    l->n = kept + 1;
}

/* A party goes out, or comes back. */
struct change {
    uint64_t ms;
    uint32_t party; /* its bit */
    bool out;
};

static int
by_moment(const void *a, const void *b)
{
    const struct change *x = a, *y = b;

    return x->ms < y->ms ? -1 : x->ms > y->ms;
}

struct found {
    struct dt_due_outage *v;
    size_t n, room;
};

static enum dt_err
put_outage(struct found *f, uint16_t channel, uint64_t from, uint64_t to)
{
    if (to <= from)
        return DT_OK;
    if (f->n > 0 && f->v[f->n - 1].channel == channel && f->v[f->n - 1].to_ms == from) {
        f->v[f->n - 1].to_ms = to;
        return DT_OK;
    }
    if (f->n == f->room) {
        size_t room = f->room < 32 ? 32 : f->room * 2;
        struct dt_due_outage *grown = dt_realloc(f->v, room, sizeof *f->v);

        if (grown == NULL)
            return dt_nomem();
        f->v = grown;
        f->room = room;
    }
    f->v[f->n++] = (struct dt_due_outage){channel, from, to};
    return DT_OK;
}

/* When all of ${who} are out; ${v}: the ${n} spans of one channel. */
static enum dt_err
all_out(const struct out *v, size_t n, uint32_t who, struct found *f)
{
    DT_CLEANUP(dt_free_p) struct change *c = NULL;
    uint32_t are_out = 0;
    size_t n_changes = 0;
    enum dt_err err = DT_OK;

    if (who == 0) /* nothing is owed there any more */
        return DT_OK;
    if ((c = dt_alloc(2 * n, sizeof *c)) == NULL)
        return dt_nomem();
    for (size_t i = 0; i < n; i++) {
        uint32_t bit = UINT32_C(1) << v[i].party;

        if ((who & bit) == 0)
            continue;
        c[n_changes++] = (struct change){v[i].from_ms, bit, true};
        c[n_changes++] = (struct change){v[i].to_ms, bit, false};
    }
    if (n_changes > 0)
        qsort(c, n_changes, sizeof *c, by_moment);
    /* The spans of a party do not touch: at one moment it changes once. */
    for (size_t i = 0; i + 1 < n_changes && err == DT_OK; i++) {
        are_out = c[i].out ? are_out | c[i].party : are_out & ~c[i].party;
        if (are_out == who)
            err = put_outage(f, v[0].channel, c[i].ms, c[i + 1].ms);
    }
    return err;
}

enum dt_err
dt_due_outages(const struct dt_due_state *s, const struct dt_due_heard *heard, size_t n_heard,
               const struct dt_due_channel *channels, size_t n_channels, uint32_t sides,
               struct dt_due_outage **out, size_t *out_n)
{
    DT_CLEANUP(dt_free_p) uint64_t *times = NULL;
    struct outs l = {0};
    struct found f = {0};
    enum dt_err err = dt_due_times(s, channels, n_channels, sides, &times);

    if (err == DT_OK && (err = of_records(s, times, n_channels, &l)) == DT_OK)
        err = of_talk(heard, n_heard, channels, n_channels, &l);
    merge(&l);
    for (size_t i = 0, k; i < l.n && err == DT_OK; i = k) {
        for (k = i; k < l.n && l.v[k].channel == l.v[i].channel;)
            k++;
        err = all_out(l.v + i, k - i, who_counts(&channels[l.v[i].channel], sides), &f);
    }
    dt_free(l.v);
    if (err != DT_OK) {
        dt_free(f.v);
        return err;
    }
    *out = f.v;
    *out_n = f.n;
    return DT_OK;
}
