/*
 * instrument/obligations_series.c - records that are owed again and again: `every` and `each`.
 *
 * Source: docs/protocol-record.md, "Obligations", "Series".
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "instrument/obligations_internal.h"

/* One record of a series. */
struct link {
    const struct dt_due_state *s;
    size_t item;
    uint64_t ms;  /* when it was there; 0: no time is known */
    uint64_t day; /* each: the end of the day that it is for */
};

/* Series are told apart by channel, template and party; in each, what has no time comes last. */
static int
by_series(const void *a, const void *b)
{
    const struct link *x = a, *y = b;
    const struct dt_due_item *p = &x->s->items[x->item], *q = &y->s->items[y->item];
    int c;

    if (p->channel != q->channel)
        return p->channel < q->channel ? -1 : 1;
    if (p->tmpl != q->tmpl &&
        (c = memcmp(dt_template_hash(p->tmpl), dt_template_hash(q->tmpl), 32)) != 0)
        return c;
    if (p->party != q->party)
        return p->party < q->party ? -1 : 1;
    if ((x->ms == 0) != (y->ms == 0))
        return x->ms == 0 ? 1 : -1;
    return dt_due_earlier(x->s, x->item, x->ms, y->item, y->ms) ? -1 : 1;
}

/* One party's series. */
struct series {
    struct dt_due base; /* channel, party, template */
    struct dt_deadline_rule rule;
    struct link *links; /* those with a time, in its order */
    size_t n;
    bool unwitnessed; /* there is one without */
};

static uint64_t
founded(const struct dt_due_making *m, const struct series *x)
{
    return m->q->channels[x->base.channel].founded_ms;
}

/* Put the obligation of number ${nth}, and count what is on time in a row. */
static enum dt_err
put_link(struct dt_due_making *m, const struct series *x, uint64_t by, uint64_t nth,
         const struct link *met, uint64_t *in_row)
{
    struct dt_due d = x->base;

    d.by_ms = by;
    d.nth = nth;
    if (met != NULL) {
        d.met_by = met->item;
        d.met_ms = met->ms;
        *in_row = met->ms <= by ? *in_row + 1 : 0;
    } else {
        d.unwitnessed = x->unwitnessed;
        if (m->q->now_ms > by)
            *in_row = 0;
    }
    d.in_row = *in_row;
    return dt_due_put(m, &d, 0);
}

/* ---- every ---- */

static enum dt_err
every(struct dt_due_making *m, const struct series *x)
{
    uint64_t from = founded(m, x), in_row = 0;
    enum dt_err err = DT_OK;

    for (size_t i = 0; i <= x->n && err == DT_OK; i++) {
        uint64_t by =
            dt_due_after(from, x->rule.span_ms, x->base.channel, m->q->outages, m->q->n_outages);

        err = put_link(m, x, by, i + 1, i < x->n ? &x->links[i] : NULL, &in_row);
        if (i < x->n && x->links[i].ms > from)
            from = x->links[i].ms;
    }
    return err;
}

/* ---- each ---- */

/* The first end of a day of the rule that is later than ${ms}. Days end at midnight, UTC; the year
 * 10000 has none. */
static uint64_t
next_end(const struct dt_deadline_rule *rule, uint64_t ms)
{
    uint64_t best = UINT64_MAX;
    int year = 0, month = 0;

    if (ms > DT_TIME_MAX_MS)
        return best;
    dt_time_year_month(ms, &year, &month);
    for (int y = year; y <= year + 1; y++)
        for (size_t i = 0; i < rule->n_days; i++) {
            int32_t days = 0;
            uint64_t end;

            if (dt_days_from_date(y, rule->days[i].month, rule->days[i].day, &days) != DT_OK ||
                days < 0)
                continue;
            end = ((uint64_t)days + 1) * DT_MS_DAY;
            if (end > ms && end < best)
                best = end;
        }
    return best;
}

/* The last such end that is not later than ${ms}; 0: there is none since 1970. */
static uint64_t
last_end(const struct dt_deadline_rule *rule, uint64_t ms)
{
    uint64_t best = 0;
    int year = 0, month = 0;

    dt_time_year_month(ms, &year, &month);
    for (int y = year - 1; y <= year; y++)
        for (size_t i = 0; i < rule->n_days; i++) {
            int32_t days = 0;
            uint64_t end;

            if (dt_days_from_date(y, rule->days[i].month, rule->days[i].day, &days) != DT_OK ||
                days < 0)
                continue;
            end = ((uint64_t)days + 1) * DT_MS_DAY;
            if (end <= ms && end > best)
                best = end;
        }
    return best;
}

/* The day that a record of ${ms} is for: the nearest one that was owed, of two the earlier. */
static uint64_t
nearest_end(const struct dt_deadline_rule *rule, uint64_t ms, uint64_t founded_ms)
{
    uint64_t next, last;

    if (ms < founded_ms)
        ms = founded_ms;
    next = next_end(rule, ms);
    last = last_end(rule, ms);
    if (last <= founded_ms || (next != UINT64_MAX && next - ms < ms - last))
        return next;
    return last;
}

static enum dt_err
each(struct dt_due_making *m, const struct series *x)
{
    const uint64_t now = m->q->now_ms;
    const uint64_t until = m->q->until_ms > now ? m->q->until_ms : now;
    uint64_t in_row = 0, nth = 1;
    size_t i = 0;
    enum dt_err err = DT_OK;

    for (size_t k = 0; k < x->n; k++)
        x->links[k].day = nearest_end(&x->rule, x->links[k].ms, founded(m, x));
    for (uint64_t end = next_end(&x->rule, founded(m, x)); end != UINT64_MAX && err == DT_OK;
         nth++) {
        /* In order of time, so that their days are in order, too. */
        const struct link *met = i < x->n && x->links[i].day == end ? &x->links[i] : NULL;
        uint64_t by = dt_due_at(end - 1, x->base.channel, m->q->outages, m->q->n_outages);

        while (i < x->n && x->links[i].day <= end)
            i++;
        err = put_link(m, x, by, nth, met, &in_row);
        if (end > until && end > now)
            break; /* this was the next one */
        end = next_end(&x->rule, end);
    }
    return err;
}

/* ---- all of them ---- */

/* The party owes the series when it is a side of the channel, or has begun one itself. */
static enum dt_err
of_party(struct dt_due_making *m, const struct dt_due_item *like, uint8_t party, struct link *links,
         size_t n)
{
    struct series x = {.base = {.channel = like->channel,
                                .party = party,
                                .to = DT_DUE_NOBODY,
                                .tmpl = like->tmpl,
                                .subject = DT_DUE_NONE,
                                .met_by = DT_DUE_NONE},
                       .links = links};

    dt_template_deadline(like->tmpl, &x.rule);
    while (x.n < n && links[x.n].ms != 0)
        x.n++;
    x.unwitnessed = x.n < n;
    x.base.what = x.rule.kind == DT_DEADLINE_EVERY ? DT_DUE_EVERY : DT_DUE_EACH;
    return x.rule.kind == DT_DEADLINE_EVERY ? every(m, &x) : each(m, &x);
}

/* All of one kind in one channel: it is in use there, so that every side owes it. */
static enum dt_err
of_kind(struct dt_due_making *m, struct link *links, size_t n)
{
    const struct dt_due_item *like = &m->s->items[links[0].item];
    const struct dt_due_channel *channel = &m->q->channels[like->channel];
    uint32_t owes = channel->parties & m->q->sides;
    enum dt_err err = DT_OK;

    for (size_t p = 0; p < DT_DUE_NOBODY && err == DT_OK; p++) {
        size_t from = 0, to;

        while (from < n && m->s->items[links[from].item].party < p)
            from++;
        to = from;
        while (to < n && m->s->items[links[to].item].party == p)
            to++;
        if (to > from || (p < 32 && (owes >> p & 1) != 0))
            err = of_party(m, like, (uint8_t)p, links + from, to - from);
        if (p >= 32 && from == n)
            break;
    }
    return err;
}

enum dt_err
dt_due_series(struct dt_due_making *m)
{
    struct link *links = dt_alloc(m->s->n, sizeof *links);
    size_t n = 0;
    enum dt_err err = DT_OK;

    if (links == NULL)
        return dt_nomem();
    for (size_t i = 0; i < m->s->n; i++) {
        struct dt_deadline_rule rule;

        if (!dt_due_counts(m, i))
            continue;
        dt_template_deadline(m->s->items[i].tmpl, &rule);
        if (rule.kind == DT_DEADLINE_EVERY || rule.kind == DT_DEADLINE_EACH)
            links[n++] = (struct link){m->s, i, m->times[i], 0};
    }
    if (n > 0)
        qsort(links, n, sizeof *links, by_series);
    for (size_t i = 0, k; i < n && err == DT_OK; i = k) {
        const struct dt_due_item *first = &m->s->items[links[i].item];

        for (k = i; k < n && m->s->items[links[k].item].channel == first->channel &&
                    m->s->items[links[k].item].tmpl == first->tmpl;)
            k++;
        err = of_kind(m, links + i, k - i);
    }
    dt_free(links);
    return err;
}
