/*
 * tests/instrument/due_reference.c - the slow, obvious way to say who owes what by when: every
 * record is held against every other, clocks are walked minute by minute, the calendar day by day.
 * It shares nothing with the fold but the names of things, and is what docs/protocol-record.md says
 * in words.
 */
#include "due_world.h"

#define GRID (DAYS * 24 * 60) /* minutes from BEGIN_MS; behind them nothing changes */

struct ref {
    const struct due_world *w;
    uint64_t t[ITEMS_MAX];  /* when each was there */
    bool stop[2][GRID + 1]; /* the clock of the channel stands in this minute */
    struct due_lines lines;
};

static const struct dt_due_item *
item(const struct ref *r, size_t i)
{
    return &r->w->drawn[i].item;
}

static bool
side(const struct ref *r, size_t party)
{
    return (r->w->sides >> party & 1) != 0;
}

static bool
is_in(const struct ref *r, size_t channel, size_t party)
{
    return (r->w->channel[channel].parties >> party & 1) != 0;
}

/* Does ${party} have to answer what ${author} writes in the channel? */
static bool
addressed(const struct ref *r, size_t channel, size_t author, size_t party)
{
    bool other_side = false;

    if (party == author || !is_in(r, channel, party))
        return false;
    for (size_t p = 0; p < N_PARTIES; p++)
        if (p != author && side(r, p) && is_in(r, channel, p))
            other_side = true;
    return side(r, party) || !other_side;
}

/* Item ${i} names item ${k}. */
static bool
names(const struct ref *r, size_t i, size_t k)
{
    for (size_t n = 0; n < item(r, i)->n_refs; n++)
        if (memcmp(r->w->drawn[i].refs + 32 * n, item(r, k)->commitment, 32) == 0)
            return true;
    return false;
}

static void
find_times(struct ref *r)
{
    for (size_t i = 0; i < r->w->n; i++) {
        uint64_t best = item(r, i)->witnessed_ms;

        for (size_t k = 0; k < r->w->n; k++) {
            uint64_t said = item(r, k)->stated_ms;

            if (r->w->drawn[k].kind != K_ANSWERS || said == 0 || !names(r, k, i) ||
                item(r, k)->channel != item(r, i)->channel ||
                !addressed(r, item(r, i)->channel, item(r, i)->party, item(r, k)->party))
                continue;
            if (item(r, k)->witnessed_ms != 0 && said > item(r, k)->witnessed_ms)
                said = item(r, k)->witnessed_ms;
            if (said < item(r, i)->written_ms)
                said = item(r, i)->written_ms;
            if (best == 0 || said < best)
                best = said;
        }
        r->t[i] = best;
    }
}

static bool
before(const struct ref *r, size_t a, size_t b)
{
    if (r->t[a] != r->t[b])
        return r->t[a] < r->t[b];
    if (item(r, a)->entry != item(r, b)->entry)
        return item(r, a)->entry < item(r, b)->entry;
    return memcmp(item(r, a)->commitment, item(r, b)->commitment, 32) < 0;
}

/* ---- clocks ---- */

/* By line tests that are talk: the slot is read and over, it has no test of the party, though one
 * before had, and we could hear. */
static bool
is_silent(const struct ref *r, size_t channel, size_t party, uint64_t ms)
{
    size_t slot = ms < BEGIN_MS ? 0 : (ms - BEGIN_MS) / SLOT_MS;

    if (ms < BEGIN_MS || slot >= SLOTS || ms >= r->w->channel[channel].line_until_ms ||
        r->w->heard[channel][party][slot] || r->w->heard[channel][DEAF][slot])
        return false;
    for (size_t i = 0; i < slot; i++)
        if (r->w->heard[channel][party][i])
            return true;
    return false;
}

/* By its own last line test up to then, has the party's station announced that it is out in the
 * minute that begins at ${ms}? */
static bool
is_announced(const struct ref *r, size_t channel, size_t party, uint64_t ms)
{
    const struct dt_due_item *last = NULL;
    uint64_t at = 0;

    for (size_t i = 0; i < r->w->n; i++) {
        const struct dt_due_item *it = item(r, i);
        bool planned = it->status == DT_LINE_PLANNED_OUTAGE;

        if (r->w->drawn[i].kind != K_LINE || it->channel != channel || it->party != party ||
            r->t[i] == 0 || r->t[i] > ms)
            continue;
        if (last != NULL && r->t[i] < at)
            continue;
        if (last != NULL && r->t[i] == at) {
            bool last_planned = last->status == DT_LINE_PLANNED_OUTAGE;

            if (last_planned && !planned)
                continue;
            if (last_planned == planned && it->outage_until_ms <= last->outage_until_ms)
                continue;
        }
        last = it;
        at = r->t[i];
    }
    return last != NULL && last->status == DT_LINE_PLANNED_OUTAGE &&
           (last->outage_until_ms == 0 || ms < last->outage_until_ms);
}

/* Mark the minutes in which something of the line tests changes: else it is as in the minute
 * before. */
static void
mark_changes(const struct ref *r, bool *changes)
{
    for (size_t i = 0; i < r->w->n; i++) {
        const uint64_t at[] = {r->t[i], item(r, i)->outage_until_ms};

        for (size_t k = 0; k < 2 && r->w->drawn[i].kind == K_LINE; k++)
            if (at[k] >= BEGIN_MS && (at[k] - BEGIN_MS) / MINUTE <= GRID)
                changes[(at[k] - BEGIN_MS) / MINUTE] = true;
    }
    for (size_t slot = 0; slot < SLOTS; slot++)
        changes[slot * (SLOT_MS / MINUTE)] = true;
    changes[0] = true;
}

static void
find_stops(struct ref *r)
{
    static bool changes[GRID + 1];

    memset(changes, 0, sizeof changes);
    mark_changes(r, changes);
    for (size_t c = 0; c < 2; c++) {
        size_t sides = 0;

        for (size_t p = 0; p < N_PARTIES; p++)
            sides += is_in(r, c, p) && side(r, p);
        for (size_t m = 0; m <= GRID; m++) {
            bool all = true;

            if (!changes[m]) {
                r->stop[c][m] = r->stop[c][m - 1];
                continue;
            }

            for (size_t p = 0; p < N_PARTIES && all; p++)
                if (is_in(r, c, p) && (sides < 2 || side(r, p)) &&
                    !is_announced(r, c, p, BEGIN_MS + m * MINUTE) &&
                    !is_silent(r, c, p, BEGIN_MS + m * MINUTE))
                    all = false;
            r->stop[c][m] = all;
        }
    }
}

static bool
stopped(const struct ref *r, size_t channel, uint64_t ms)
{
    uint64_t m = ms < BEGIN_MS ? 0 : (ms - BEGIN_MS) / MINUTE;

    return ms >= BEGIN_MS && r->stop[channel][m > GRID ? GRID : m];
}

static uint64_t
after(const struct ref *r, size_t channel, uint64_t from, uint64_t span)
{
    for (; span > 0; from += MINUTE) {
        bool beyond = from > BEGIN_MS + GRID * MINUTE;

        if (beyond)
            return stopped(r, channel, from) ? DT_TIME_MAX_MS : from + span;
        if (!stopped(r, channel, from))
            span -= MINUTE;
    }
    return from;
}

static uint64_t
moved(const struct ref *r, size_t channel, uint64_t at)
{
    uint64_t m = at;

    /* Inside an outage: in a minute that is out, and not at the outage's first moment. */
    if (!stopped(r, channel, at) || !stopped(r, channel, at - 1))
        return at;
    for (m -= m % MINUTE; stopped(r, channel, m); m += MINUTE)
        if (m > BEGIN_MS + GRID * MINUTE)
            return DT_TIME_MAX_MS;
    return m;
}

/* ---- what is owed ---- */

static void
put(struct ref *r, enum dt_due_what what, size_t channel, size_t party, size_t to, enum kind kind,
    size_t subject, uint64_t by, size_t met, bool unwitnessed, uint64_t let_off, uint64_t nth,
    uint64_t in_row)
{
    enum dt_due_code code;
    uint64_t at = met == SIZE_MAX ? 0 : r->t[met];
    struct dt_view id = dt_template_id(r->w->tmpl[kind]);
    char name[32];

    if (at != 0 && (by == 0 || at <= by))
        code = DT_DUE_MET;
    else if (let_off != 0 && (at == 0 || let_off <= at))
        code = DT_DUE_WAIVED;
    else if (at != 0)
        code = DT_DUE_MET_LATE;
    else if (by != 0 && r->w->now_ms > by)
        code = DT_DUE_OVERDUE;
    else
        code = DT_DUE_DUE;
    (void)snprintf(name, sizeof name, "%.*s", (int)id.n, (const char *)id.p);
    due_line(&r->lines, what, code, (unsigned int)channel, (unsigned int)party, (unsigned int)to,
             name, subject == SIZE_MAX ? NULL : item(r, subject)->commitment,
             met == SIZE_MAX ? NULL : item(r, met)->commitment, by, at, nth, in_row,
             at == 0 && unwitnessed);
}

static bool
does(enum kind kind, enum dt_ack ack)
{
    switch (ack) {
    case DT_ACK_RECEIPT:
        return (kind >= K_ANSWERS && kind <= K_ANSWERS + 3) || kind == K_SAY || kind == K_SUM;
    case DT_ACK_COUNTERSIGN:
        return kind == K_ANSWERS + 1 || kind == K_ANSWERS + 3;
    case DT_ACK_ANSWER:
        return kind == K_ANSWERS + 2 || kind == K_SAY || kind == K_SUM;
    default:
        return false;
    }
}

static uint64_t
withdrawn(const struct ref *r, size_t i)
{
    uint64_t since = 0;

    for (size_t k = 0; k < r->w->n; k++)
        if (r->w->drawn[k].kind == K_ANSWERS + 4 && names(r, k, i) &&
            item(r, k)->party == item(r, i)->party && item(r, k)->channel == item(r, i)->channel) {
            uint64_t t = r->t[k] == 0 ? UINT64_MAX : r->t[k];

            if (since == 0 || t < since)
                since = t;
        }
    return since;
}

/* The earliest of the records of ${party} (N_PARTIES: of any addressee) that ${wanted} says are
 * wanted. */
static size_t
earliest(const struct ref *r, size_t i, size_t party, bool (*wanted)(enum kind, enum dt_ack),
         enum dt_ack ack, bool *unwitnessed)
{
    size_t best = SIZE_MAX;

    *unwitnessed = false;
    for (size_t k = 0; k < r->w->n; k++) {
        const struct dt_due_item *it = item(r, k);

        if (!names(r, k, i) || it->channel != item(r, i)->channel ||
            !wanted(r->w->drawn[k].kind, ack) ||
            (party < N_PARTIES ? it->party != party
                               : !addressed(r, it->channel, item(r, i)->party, it->party)))
            continue;
        if (r->t[k] == 0)
            *unwitnessed = true;
        else if (best == SIZE_MAX || before(r, k, best))
            best = k;
    }
    return best;
}

static bool
is_say(enum kind kind, enum dt_ack ack)
{
    (void)ack;
    return kind == K_SAY;
}

static void
owed_to(struct ref *r, size_t i)
{
    static const uint64_t hours[] = {6, 24, 0, 3, 48, 0, 0, 72};
    static const enum dt_ack acks[] = {DT_ACK_RECEIPT, DT_ACK_COUNTERSIGN, DT_ACK_NONE,
                                       DT_ACK_RECEIPT, DT_ACK_ANSWER,      DT_ACK_NONE,
                                       DT_ACK_NONE,    DT_ACK_RECEIPT};
    const struct dt_due_item *it = item(r, i);
    enum kind kind = r->w->drawn[i].kind;
    enum dt_ack ack = kind < K_LINE ? acks[kind] : kind == K_LINE ? DT_ACK_RECEIPT : DT_ACK_NONE;
    uint64_t span = kind < K_LINE ? hours[kind] * DT_MS_HOUR : 30 * MINUTE;
    bool unwitnessed, other;

    for (size_t p = 0; p < N_PARTIES; p++) {
        size_t met;

        if (!addressed(r, it->channel, it->party, p))
            continue;
        if (ack != DT_ACK_NONE) {
            met = earliest(r, i, p, does, ack, &unwitnessed);
            put(r, DT_DUE_ACK, it->channel, p, it->party, kind, i,
                r->t[i] == 0 ? 0 : after(r, it->channel, r->t[i], span), met, unwitnessed,
                withdrawn(r, i), 0, 0);
        }
        if (kind == K_ASK) {
            uint64_t let_off = withdrawn(r, i);
            size_t any = earliest(r, i, N_PARTIES, is_say, DT_ACK_NONE, &other);

            met = earliest(r, i, p, is_say, DT_ACK_NONE, &unwitnessed);
            if (met == SIZE_MAX && any != SIZE_MAX && (let_off == 0 || r->t[any] < let_off))
                let_off = r->t[any];
            put(r, DT_DUE_REPLY, it->channel, p, it->party, K_SAY, i,
                r->t[i] == 0 ? 0 : after(r, it->channel, r->t[i], 48 * DT_MS_HOUR), met,
                unwitnessed, let_off, 0, 0);
        }
    }
}

static void
own(struct ref *r, size_t i)
{
    const struct dt_due_item *it = item(r, i);
    enum kind kind = r->w->drawn[i].kind;
    uint64_t first = 0;

    for (size_t k = 0; k < r->w->n; k++) {
        if (!names(r, i, k))
            continue;
        if (kind == K_SAY && r->w->drawn[k].kind == K_ASK && item(r, k)->channel == it->channel &&
            addressed(r, it->channel, item(r, k)->party, it->party))
            return; /* it is what that one asks for */
        if (r->t[k] != 0 && (first == 0 || r->t[k] < first))
            first = r->t[k];
    }
    if (kind == K_BEFORE && it->stated_ms != 0)
        put(r, DT_DUE_RECORD, it->channel, it->party, 255, kind, i,
            moved(r, it->channel, it->stated_ms - 2 * DT_MS_DAY), r->t[i] == 0 ? SIZE_MAX : i,
            r->t[i] == 0, 0, 0, 0);
    if (kind == K_AFTER)
        put(r, DT_DUE_RECORD, it->channel, it->party, 255, kind, i,
            after(r, it->channel, it->stated_ms, DT_MS_DAY), r->t[i] == 0 ? SIZE_MAX : i,
            r->t[i] == 0, 0, 0, 0);
    if ((kind == K_FOLLOW || kind == K_SAY || kind == K_SUM) && first != 0)
        put(r, DT_DUE_RECORD, it->channel, it->party, 255, kind, i,
            after(r, it->channel, first, (kind == K_SUM ? 72 : 48) * DT_MS_HOUR),
            r->t[i] == 0 ? SIZE_MAX : i, r->t[i] == 0, 0, 0, 0);
}

/* ---- series ---- */

static bool
leap(unsigned int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool
of_rule(unsigned int month, unsigned int d)
{
    static const unsigned int rule[][2] = {{1, 31}, {2, 28}, {3, 1}, {7, 1}, {12, 31}};

    for (size_t i = 0; i < sizeof rule / sizeof rule[0]; i++)
        if (rule[i][0] == month && rule[i][1] == d)
            return true;
    return false;
}

/* The ends of the days of the rule `each` that come after the founding: the calendar is walked from
 * 1970 on. */
static size_t
ends_from(uint64_t founded, uint64_t *out, size_t max)
{
    static const unsigned int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned int year = 1970, month = 1, d = 1;
    size_t n = 0;

    for (uint64_t end = DT_MS_DAY; n < max; end += DT_MS_DAY) {
        if (end > founded && of_rule(month, d))
            out[n++] = end;
        if (++d > lengths[month - 1] + (month == 2 && leap(year) ? 1 : 0)) {
            d = 1;
            if (++month > 12) {
                month = 1;
                year++;
            }
        }
    }
    return n;
}

static uint64_t
apart(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static bool
of_series(const struct ref *r, size_t i, size_t channel, enum kind kind, size_t party)
{
    return r->w->drawn[i].kind == kind && item(r, i)->channel == channel &&
           item(r, i)->party == party;
}

static void
every(struct ref *r, size_t channel, enum kind kind, size_t party, uint64_t span)
{
    bool used[ITEMS_MAX] = {false}, unwitnessed = false;
    uint64_t from = r->w->channel[channel].founded_ms, row = 0, nth = 1;

    for (size_t i = 0; i < r->w->n; i++)
        unwitnessed |= of_series(r, i, channel, kind, party) && r->t[i] == 0;
    for (;; nth++) {
        uint64_t by = after(r, channel, from, span);
        size_t next = SIZE_MAX;

        for (size_t i = 0; i < r->w->n; i++)
            if (of_series(r, i, channel, kind, party) && r->t[i] != 0 && !used[i] &&
                (next == SIZE_MAX || before(r, i, next)))
                next = i;
        row = next != SIZE_MAX ? (r->t[next] <= by ? row + 1 : 0) : r->w->now_ms > by ? 0 : row;
        put(r, DT_DUE_EVERY, channel, party, 255, kind, SIZE_MAX, by, next,
            next == SIZE_MAX && unwitnessed, 0, nth, row);
        if (next == SIZE_MAX)
            return;
        used[next] = true;
        if (r->t[next] > from)
            from = r->t[next];
    }
}

static void
each(struct ref *r, size_t channel, size_t party)
{
    uint64_t ends[16], founded = r->w->channel[channel].founded_ms, row = 0;
    uint64_t until = r->w->until_ms > r->w->now_ms ? r->w->until_ms : r->w->now_ms;
    size_t n = ends_from(founded, ends, 16);
    bool unwitnessed = false;

    for (size_t i = 0; i < r->w->n; i++)
        unwitnessed |= of_series(r, i, channel, K_EACH, party) && r->t[i] == 0;
    for (size_t e = 0; e < n; e++) {
        uint64_t by = moved(r, channel, ends[e] - 1);
        size_t met = SIZE_MAX;

        for (size_t i = 0; i < r->w->n; i++) {
            uint64_t t = r->t[i] < founded ? founded : r->t[i];
            size_t nearest = 0;

            if (!of_series(r, i, channel, K_EACH, party) || r->t[i] == 0)
                continue;
            for (size_t k = 1; k < n; k++)
                if (apart(ends[k], t) < apart(ends[nearest], t))
                    nearest = k;
            if (nearest == e && (met == SIZE_MAX || before(r, i, met)))
                met = i;
        }
        row = met != SIZE_MAX ? (r->t[met] <= by ? row + 1 : 0) : r->w->now_ms > by ? 0 : row;
        put(r, DT_DUE_EACH, channel, party, 255, K_EACH, SIZE_MAX, by, met,
            met == SIZE_MAX && unwitnessed, 0, e + 1, row);
        if (ends[e] > until)
            return;
    }
    fail_msg("the reference's calendar is too short");
}

static void
series(struct ref *r)
{
    static const struct {
        enum kind kind;
        uint64_t span;
    } kinds[] = {{K_EVERY, 9 * DT_MS_DAY}, {K_LINE, 12 * DT_MS_HOUR}, {K_EACH, 0}};

    for (size_t channel = 0; channel < 2; channel++)
        for (size_t k = 0; k < 3; k++) {
            bool in_use = false;

            for (size_t p = 0; p < N_PARTIES; p++)
                for (size_t i = 0; i < r->w->n; i++)
                    in_use |= of_series(r, i, channel, kinds[k].kind, p);
            for (size_t p = 0; p < N_PARTIES && in_use; p++) {
                bool began = false;

                for (size_t i = 0; i < r->w->n; i++)
                    began |= of_series(r, i, channel, kinds[k].kind, p);
                if (!began && !(side(r, p) && is_in(r, channel, p)))
                    continue;
                if (kinds[k].kind == K_EACH)
                    each(r, channel, p);
                else
                    every(r, channel, kinds[k].kind, p, kinds[k].span);
            }
        }
}

char *
due_reference(const struct due_world *w)
{
    struct ref *r = calloc(1, sizeof *r);
    char *text;

    assert_non_null(r);
    r->w = w;
    find_times(r);
    find_stops(r);
    for (size_t i = 0; i < w->n; i++) {
        own(r, i);
        owed_to(r, i);
    }
    series(r);
    text = due_join(&r->lines);
    free(r);
    return text;
}
