/*
 * instrument/obligations.c - what each record makes due, and what it answers; see obligations.h.
 *
 * Source: docs/protocol-record.md, "Obligations". Series are in obligations_series.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "instrument/obligations_internal.h"

const char *
dt_due_code_name(enum dt_due_code code)
{
    switch (code) {
    case DT_DUE_DUE:
        return "due";
    case DT_DUE_OVERDUE:
        return "overdue";
    case DT_DUE_MET:
        return "met";
    case DT_DUE_MET_LATE:
        return "met late";
    case DT_DUE_WAIVED:
        break;
    }
    return "waived";
}

bool
dt_due_acknowledges(enum dt_answer answer, enum dt_ack ack)
{
    switch (ack) {
    case DT_ACK_RECEIPT:
        return answer >= DT_ANSWER_RECEIPT && answer <= DT_ANSWER_DISPUTE;
    case DT_ACK_COUNTERSIGN:
        return answer == DT_ANSWER_COUNTERSIGN || answer == DT_ANSWER_DISPUTE;
    case DT_ACK_ANSWER:
        return answer == DT_ANSWER_ANSWER;
    case DT_ACK_NONE:
        break;
    }
    return false;
}

static uint32_t
bit(uint8_t party)
{
    return party < 32 ? UINT32_C(1) << party : 0;
}

uint32_t
dt_due_addressees(const struct dt_due_channel *c, uint32_t sides, uint8_t author)
{
    uint32_t others = c->parties & ~bit(author);

    return (others & sides) != 0 ? others & sides : others;
}

/* ---- the index ---- */

void
dt_due_index_clear(struct dt_due_index *x)
{
    dt_free(x->slots);
    dt_free(x->head);
    dt_free(x->next);
    dt_free(x->from);
    dt_free(x->copy);
    *x = (struct dt_due_index){0};
}

/* A commitment is a hash: its first bytes spread well enough. One who makes many begin alike only
 * makes its own program, and others', look at a few more places; the whole is compared. */
static size_t
place(const struct dt_due_index *x, const uint8_t commitment[static 32])
{
    uint64_t h = 0;

    for (size_t i = 0; i < 32; i++)
        h = (h ^ commitment[i]) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ h >> 29) & (x->n_slots - 1);
}

size_t
dt_due_find(const struct dt_due_state *s, const struct dt_due_index *x,
            const uint8_t commitment[static 32])
{
    for (size_t at = place(x, commitment); x->slots[at] != 0; at = (at + 1) & (x->n_slots - 1))
        if (memcmp(s->items[x->slots[at] - 1].commitment, commitment, 32) == 0)
            return x->slots[at] - 1;
    return DT_DUE_NONE;
}

static void
index_items(const struct dt_due_state *s, struct dt_due_index *x)
{
    for (size_t i = 0; i < s->n; i++) {
        size_t at = place(x, s->items[i].commitment);

        if (dt_due_find(s, x, s->items[i].commitment) != DT_DUE_NONE) {
            x->copy[i] = true;
            continue;
        }
        while (x->slots[at] != 0)
            at = (at + 1) & (x->n_slots - 1);
        x->slots[at] = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; !x->copy[i] && k < s->items[i].n_refs; k++) {
            size_t ref = s->items[i].first_ref + k;
            size_t to = dt_due_find(s, x, s->refs + ref * 32);

            x->from[ref] = (uint32_t)i;
            if (to == DT_DUE_NONE)
                continue;
            x->next[ref] = x->head[to];
            x->head[to] = (uint32_t)ref + 1;
        }
}

enum dt_err
dt_due_index_make(const struct dt_due_state *s, struct dt_due_index *out)
{
    struct dt_due_index x = {.n_slots = 64};

    while (x.n_slots < 2 * s->n)
        x.n_slots *= 2;
    x.slots = dt_alloc(x.n_slots, sizeof *x.slots);
    x.head = dt_alloc(s->n, sizeof *x.head);
    x.next = dt_alloc(s->n_refs, sizeof *x.next);
    x.from = dt_alloc(s->n_refs, sizeof *x.from);
    x.copy = dt_alloc(s->n, sizeof *x.copy);
    if (x.slots == NULL || x.head == NULL || x.next == NULL || x.from == NULL || x.copy == NULL) {
        dt_due_index_clear(&x);
        return dt_nomem();
    }
    index_items(s, &x);
    *out = x;
    return DT_OK;
}

/* ---- when a record was there ---- */

/* By its witness, or by what an addressee says in its own receipt; but never before its author says
 * that it was written, so that nobody dates a record of another back. */
static uint64_t
time_of(const struct dt_due_state *s, const struct dt_due_index *x,
        const struct dt_due_channel *channel, uint32_t sides, size_t i)
{
    const struct dt_due_item *it = &s->items[i];
    uint32_t addressees = dt_due_addressees(channel, sides, it->party);
    uint64_t best = it->witnessed_ms == 0 ? UINT64_MAX : it->witnessed_ms;

    for (uint32_t ref = x->head[i]; ref != 0; ref = x->next[ref - 1]) {
        const struct dt_due_item *by = &s->items[x->from[ref - 1]];
        uint64_t said = by->stated_ms;

        if (dt_answer_of(dt_template_id(by->tmpl)) != DT_ANSWER_RECEIPT || said == 0 ||
            by->channel != it->channel || (addressees & bit(by->party)) == 0)
            continue;
        if (by->witnessed_ms != 0 && by->witnessed_ms < said)
            said = by->witnessed_ms; /* it cannot tell of what came after it */
        if (said < it->written_ms)
            said = it->written_ms;
        if (said < best)
            best = said;
    }
    return best == UINT64_MAX ? 0 : best;
}

enum dt_err
dt_due_times_by(const struct dt_due_state *s, const struct dt_due_index *x,
                const struct dt_due_channel *channels, size_t n_channels, uint32_t sides,
                uint64_t **out)
{
    uint64_t *times = dt_alloc(s->n, sizeof *times);

    if (times == NULL)
        return dt_nomem();
    for (size_t i = 0; i < s->n; i++)
        if (s->items[i].channel < n_channels && !x->copy[i])
            times[i] = time_of(s, x, &channels[s->items[i].channel], sides, i);
    *out = times;
    return DT_OK;
}

enum dt_err
dt_due_times(const struct dt_due_state *s, const struct dt_due_channel *channels, size_t n_channels,
             uint32_t sides, uint64_t **out)
{
    struct dt_due_index x;
    enum dt_err err = dt_due_index_make(s, &x);

    if (err != DT_OK)
        return err;
    err = dt_due_times_by(s, &x, channels, n_channels, sides, out);
    dt_due_index_clear(&x);
    return err;
}

bool
dt_due_earlier(const struct dt_due_state *s, size_t a, uint64_t a_ms, size_t b, uint64_t b_ms)
{
    if (a_ms != b_ms)
        return a_ms < b_ms;
    if (s->items[a].entry != s->items[b].entry)
        return s->items[a].entry < s->items[b].entry;
    return memcmp(s->items[a].commitment, s->items[b].commitment, 32) < 0;
}

/* ---- the list ---- */

enum dt_err
dt_due_put(struct dt_due_making *m, struct dt_due *d, uint64_t waived_ms)
{
    struct dt_due *grown;

    if (d->met_ms != 0 && (d->by_ms == 0 || d->met_ms <= d->by_ms))
        d->code = DT_DUE_MET;
    else if (waived_ms != 0 && (d->met_ms == 0 || waived_ms <= d->met_ms))
        d->code = DT_DUE_WAIVED;
    else if (d->met_ms != 0)
        d->code = DT_DUE_MET_LATE;
    else
        d->code = d->by_ms != 0 && m->q->now_ms > d->by_ms ? DT_DUE_OVERDUE : DT_DUE_DUE;
    if (d->met_ms != 0)
        d->unwitnessed = false;
    if (!m->q->settled && d->code != DT_DUE_DUE && d->code != DT_DUE_OVERDUE)
        return DT_OK;
    if (m->n == m->room) {
        size_t room = m->room < 32 ? 32 : m->room * 2;

        grown = dt_realloc(m->list, room, sizeof *m->list);
        if (grown == NULL)
            return dt_nomem();
        m->list = grown;
        m->room = room;
    }
    m->list[m->n++] = *d;
    return DT_OK;
}

/* Let ${d} be met by item ${i} if that is the earliest so far; equal ones by entry and commitment,
 * so that it does not matter in which order they came. */
static void
meet(struct dt_due_making *m, struct dt_due *d, size_t i)
{
    uint64_t ms = m->times[i];

    if (ms == 0) {
        d->unwitnessed = true;
        return;
    }
    if (d->met_by == DT_DUE_NONE || dt_due_earlier(m->s, i, ms, d->met_by, d->met_ms)) {
        d->met_by = i;
        d->met_ms = ms;
    }
}

static enum dt_answer
answer_of(const struct dt_due_item *it)
{
    return dt_answer_of(dt_template_id(it->tmpl));
}

/* Since when item ${i} is withdrawn by its own party; UINT64_MAX: it is, at no time that is known;
 * 0: it is not. */
static uint64_t
withdrawn(const struct dt_due_making *m, size_t i)
{
    const struct dt_due_index *x = &m->index;
    uint64_t since = 0;

    for (uint32_t ref = x->head[i]; ref != 0; ref = x->next[ref - 1]) {
        size_t by = x->from[ref - 1];
        uint64_t ms = m->times[by] == 0 ? UINT64_MAX : m->times[by];

        if (answer_of(&m->s->items[by]) == DT_ANSWER_WITHDRAW &&
            m->s->items[by].party == m->s->items[i].party &&
            m->s->items[by].channel == m->s->items[i].channel && (since == 0 || ms < since))
            since = ms;
    }
    return since;
}

static bool
is_reply(const struct dt_template *t)
{
    struct dt_deadline_rule rule;

    dt_template_deadline(t, &rule);
    return rule.kind == DT_DEADLINE_REPLY;
}

/* Does item ${by} acknowledge a record that asks for ${ack}? A reply shows that the record arrived,
 * and answers it. */
static bool
acknowledges(const struct dt_due_item *by, enum dt_ack ack)
{
    return dt_due_acknowledges(answer_of(by), ack) ||
           ((ack == DT_ACK_RECEIPT || ack == DT_ACK_ANSWER) && is_reply(by->tmpl));
}

/* A reply is asked for by the records of the template that its field is named after. */
static enum dt_err
find_asking(struct dt_due_making *m)
{
    const struct dt_templates *set = m->q->templates;

    m->asking = dt_alloc(dt_templates_count(set), sizeof *m->asking);
    if (m->asking == NULL)
        return dt_nomem();
    for (size_t i = 0; i < dt_templates_count(set); i++) {
        const struct dt_template *reply = dt_templates_at(set, i), *asks;
        struct dt_deadline_rule rule;

        dt_template_deadline(reply, &rule);
        asks = rule.kind == DT_DEADLINE_REPLY ? dt_templates_get(set, rule.field) : NULL;
        if (asks != NULL && asks != reply)
            m->asking[m->n_asking++] = (struct dt_due_asking){reply, asks};
    }
    return DT_OK;
}

/* The template whose records ask for ${reply}; NULL: none. */
static const struct dt_template *
asked_by(const struct dt_due_making *m, const struct dt_template *reply)
{
    for (size_t i = 0; i < m->n_asking; i++)
        if (m->asking[i].reply == reply)
            return m->asking[i].asks;
    return NULL;
}

/* Each addressee owes an acknowledgement of item ${i}. */
static enum dt_err
acks_of(struct dt_due_making *m, size_t i, uint32_t addressees, uint64_t waived)
{
    const struct dt_due_item *it = &m->s->items[i];
    const struct dt_due_index *x = &m->index;
    uint64_t within = 0;
    enum dt_ack ack = dt_template_ack(it->tmpl, &within);
    enum dt_err err = DT_OK;

    if (ack == DT_ACK_NONE)
        return DT_OK;
    for (uint8_t p = 0; p < 32 && err == DT_OK; p++) {
        struct dt_due d = {.what = DT_DUE_ACK,
                           .ack = ack,
                           .channel = it->channel,
                           .party = p,
                           .to = it->party,
                           .tmpl = it->tmpl,
                           .subject = i,
                           .met_by = DT_DUE_NONE};

        if ((addressees >> p & 1) == 0)
            continue;
        if (m->times[i] != 0)
            d.by_ms =
                dt_due_after(m->times[i], within, it->channel, m->q->outages, m->q->n_outages);
        for (uint32_t ref = x->head[i]; ref != 0; ref = x->next[ref - 1]) {
            const struct dt_due_item *by = &m->s->items[x->from[ref - 1]];

            if (by->party == p && by->channel == it->channel && acknowledges(by, ack))
                meet(m, &d, x->from[ref - 1]);
        }
        err = dt_due_put(m, &d, waived);
    }
    return err;
}

/* Each addressee of item ${i} owes a ${reply}; one of them is enough: the others are let off. */
static enum dt_err
replies_to(struct dt_due_making *m, size_t i, const struct dt_template *reply, uint32_t addressees,
           uint64_t waived)
{
    const struct dt_due_item *it = &m->s->items[i];
    const struct dt_due_index *x = &m->index;
    struct dt_deadline_rule rule;
    struct dt_due all = {.met_by = DT_DUE_NONE}, d[32];
    enum dt_err err = DT_OK;

    dt_template_deadline(reply, &rule);
    for (uint8_t p = 0; p < 32; p++) {
        d[p] = (struct dt_due){.what = DT_DUE_REPLY,
                               .channel = it->channel,
                               .party = p,
                               .to = it->party,
                               .tmpl = reply,
                               .subject = i,
                               .met_by = DT_DUE_NONE};
        if (m->times[i] != 0)
            d[p].by_ms = dt_due_after(m->times[i], rule.span_ms, it->channel, m->q->outages,
                                      m->q->n_outages);
    }
    for (uint32_t ref = x->head[i]; ref != 0; ref = x->next[ref - 1]) {
        size_t by = x->from[ref - 1];
        const struct dt_due_item *reply_item = &m->s->items[by];

        if (reply_item->tmpl != reply || reply_item->channel != it->channel ||
            (addressees & bit(reply_item->party)) == 0)
            continue;
        meet(m, &d[reply_item->party], by);
        meet(m, &all, by);
    }
    for (uint8_t p = 0; p < 32 && err == DT_OK; p++) {
        uint64_t off = waived;

        if ((addressees >> p & 1) == 0)
            continue;
        if (all.met_ms != 0 && d[p].met_ms == 0 && (off == 0 || all.met_ms < off))
            off = all.met_ms;
        err = dt_due_put(m, &d[p], off);
    }
    return err;
}

/* Item ${i} is a reply that its subject asked for: what was owed is listed there. */
static bool
was_asked_for(const struct dt_due_making *m, size_t i)
{
    const struct dt_due_item *it = &m->s->items[i];
    const struct dt_template *asks = asked_by(m, it->tmpl);

    for (size_t k = 0; asks != NULL && k < it->n_refs; k++) {
        size_t to = dt_due_find(m->s, &m->index, m->s->refs + ((size_t)it->first_ref + k) * 32);
        const struct dt_due_item *subject;

        if (to == DT_DUE_NONE)
            continue;
        subject = &m->s->items[to];
        if (subject->tmpl == asks && subject->channel == it->channel &&
            (dt_due_addressees(&m->q->channels[it->channel], m->q->sides, subject->party) &
             bit(it->party)) != 0)
            return true;
    }
    return false;
}

/* When the first of the records that item ${i} follows was there; 0: none is known. */
static uint64_t
first_followed(const struct dt_due_making *m, size_t i)
{
    const struct dt_due_item *it = &m->s->items[i];
    uint64_t first = 0;

    for (size_t k = 0; k < it->n_refs; k++) {
        size_t to = dt_due_find(m->s, &m->index, m->s->refs + ((size_t)it->first_ref + k) * 32);

        if (to != DT_DUE_NONE && m->times[to] != 0 && (first == 0 || m->times[to] < first))
            first = m->times[to];
    }
    return first;
}

/* Item ${i} by its own rule: it is there, and the question is when. */
static enum dt_err
own_deadline(struct dt_due_making *m, size_t i)
{
    const struct dt_due_item *it = &m->s->items[i];
    struct dt_due d = {.what = DT_DUE_RECORD,
                       .channel = it->channel,
                       .party = it->party,
                       .to = DT_DUE_NOBODY,
                       .tmpl = it->tmpl,
                       .subject = i,
                       .met_by = DT_DUE_NONE};
    struct dt_deadline_rule rule;
    uint64_t from;

    dt_template_deadline(it->tmpl, &rule);
    switch (rule.kind) {
    case DT_DEADLINE_BEFORE:
        if (it->stated_ms == 0)
            return DT_OK; /* the field is absent: nothing to be before */
        /* What should have been there before 1970 is late whenever it comes. */
        d.by_ms = it->stated_ms > rule.span_ms ? it->stated_ms - rule.span_ms : 1;
        d.by_ms = dt_due_at(d.by_ms, it->channel, m->q->outages, m->q->n_outages);
        break;
    case DT_DEADLINE_AFTER:
    case DT_DEADLINE_REPLY:
        from = it->stated_ms != 0 ? it->stated_ms : first_followed(m, i);
        if (from == 0 || was_asked_for(m, i))
            return DT_OK;
        d.by_ms = dt_due_after(from, rule.span_ms, it->channel, m->q->outages, m->q->n_outages);
        break;
    case DT_DEADLINE_NONE:
    case DT_DEADLINE_EVERY:
    case DT_DEADLINE_EACH:
        return DT_OK;
    }
    meet(m, &d, i);
    return dt_due_put(m, &d, 0);
}

bool
dt_due_counts(const struct dt_due_making *m, size_t i)
{
    uint16_t channel = m->s->items[i].channel;

    return !m->index.copy[i] && channel < m->q->n_channels && m->q->channels[channel].parties != 0;
}

static enum dt_err
one_item(struct dt_due_making *m, size_t i)
{
    const struct dt_due_item *it = &m->s->items[i];
    uint32_t addressees;
    uint64_t waived;
    enum dt_err err;

    if (!dt_due_counts(m, i))
        return DT_OK;
    addressees = dt_due_addressees(&m->q->channels[it->channel], m->q->sides, it->party);
    waived = withdrawn(m, i);
    if ((err = own_deadline(m, i)) != DT_OK || (err = acks_of(m, i, addressees, waived)) != DT_OK)
        return err;
    for (size_t k = 0; k < m->n_asking && err == DT_OK; k++)
        if (m->asking[k].asks == it->tmpl)
            err = replies_to(m, i, m->asking[k].reply, addressees, waived);
    return err;
}

/* The state is only needed to compare the subjects, which must not depend on their order. */
struct sortable {
    struct dt_due d;
    const uint8_t *subject;
};

static int
compare(const void *a, const void *b)
{
    const struct sortable *p = a, *q = b;
    const struct dt_due *x = &p->d, *y = &q->d;
    uint64_t x_by = x->by_ms == 0 ? UINT64_MAX : x->by_ms;
    uint64_t y_by = y->by_ms == 0 ? UINT64_MAX : y->by_ms;
    int c;

    if (x_by != y_by)
        return x_by < y_by ? -1 : 1;
    if (x->channel != y->channel)
        return x->channel < y->channel ? -1 : 1;
    if (x->party != y->party)
        return x->party < y->party ? -1 : 1;
    if (x->what != y->what)
        return x->what < y->what ? -1 : 1;
    if ((c = memcmp(dt_template_hash(x->tmpl), dt_template_hash(y->tmpl), 32)) != 0)
        return c;
    if (x->nth != y->nth)
        return x->nth < y->nth ? -1 : 1;
    return p->subject == NULL || q->subject == NULL ? 0 : memcmp(p->subject, q->subject, 32);
}

static enum dt_err
sort(struct dt_due_making *m)
{
    struct sortable *all = dt_alloc(m->n, sizeof *all);

    if (all == NULL)
        return dt_nomem();
    for (size_t i = 0; i < m->n; i++) {
        all[i].d = m->list[i];
        all[i].subject =
            m->list[i].subject == DT_DUE_NONE ? NULL : m->s->items[m->list[i].subject].commitment;
    }
    if (m->n > 0)
        qsort(all, m->n, sizeof *all, compare);
    for (size_t i = 0; i < m->n; i++)
        m->list[i] = all[i].d;
    dt_free(all);
    return DT_OK;
}

enum dt_err
dt_due_list(const struct dt_due_state *s, const struct dt_due_question *q, struct dt_due **out,
            size_t *out_n)
{
    struct dt_due_making m = {.s = s, .q = q};
    enum dt_err err;

    if ((err = find_asking(&m)) == DT_OK && (err = dt_due_index_make(s, &m.index)) == DT_OK)
        err = dt_due_times_by(s, &m.index, q->channels, q->n_channels, q->sides, &m.times);
    for (size_t i = 0; i < s->n && err == DT_OK; i++)
        err = one_item(&m, i);
    if (err == DT_OK && (err = dt_due_series(&m)) == DT_OK && (err = sort(&m)) == DT_OK) {
        *out = m.list;
        *out_n = m.n;
        m.list = NULL;
    }
    dt_due_index_clear(&m.index);
    dt_free(m.times);
    dt_free(m.asking);
    dt_free(m.list);
    return err;
}
