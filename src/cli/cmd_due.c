/*
 * cli/cmd_due.c - detente due: who owes what, by when, and how that stands; as a table, JSON, or a
 * calendar.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/records/due.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "instrument/ical.h"

#include "cli/commands.h"

#define SOON_MS       DT_MS_DAY /* what is due within is shown in another colour */
#define CALENDAR_MAX  (32u << 20)
#define OUTAGES_MS    (30 * DT_MS_DAY) /* so far back, and so many, are shown; JSON has all */
#define OUTAGES_SHOWN 8u
#define SUBJECT_STR   48u

/* What was asked for, and what there is. */
struct due {
    struct cli *c;
    struct dt_agent_due all;
    struct dt_channel_info *info;
    size_t n_info;
    uint64_t until_ms; /* 0: no limit */
    uint8_t party;     /* DT_DUE_NOBODY: of all */
    bool has_channel;
    uint8_t group_id[32];
    bool colours;
};

static void
clear(struct due *x)
{
    dt_agent_due_clear(&x->all);
    dt_free(x->info);
}

static bool
wanted(const struct due *x, const struct dt_due *d)
{
    const uint8_t *group_id = x->all.group_ids + 32 * (size_t)d->channel;

    if (x->party != DT_DUE_NOBODY && d->party != x->party)
        return false;
    if (x->has_channel && memcmp(group_id, x->group_id, 32) != 0)
        return false;
    return x->until_ms == 0 || (d->by_ms != 0 && d->by_ms <= x->until_ms);
}

static const char *
channel_name(const struct due *x, const struct dt_due *d)
{
    for (size_t i = 0; i < x->n_info; i++)
        if (memcmp(x->info[i].group_id, x->all.group_ids + 32 * (size_t)d->channel, 32) == 0)
            return x->info[i].name;
    return "?";
}

static struct dt_view
party_name(const struct due *x, uint8_t party)
{
    const struct dt_charter *c = dt_agent_charter(x->c->agent);

    return party < c->n_parties ? c->parties[party].name : dt_view_str("?");
}

static const char *
ack_name(enum dt_ack ack)
{
    return ack == DT_ACK_RECEIPT       ? "receipt"
           : ack == DT_ACK_COUNTERSIGN ? "countersignature"
                                       : "answer";
}

/* "entry 12": the same at all sides, as is what the hash of one begins with that has no entry yet.
 */
static void
subject_words(const struct due *x, const struct dt_due *d, char out[static SUBJECT_STR])
{
    const struct dt_due_item *item;
    char hex[13];

    out[0] = '\0';
    if (d->subject == DT_DUE_NONE)
        return;
    item = &x->all.state.items[d->subject];
    cli_short(hex, dt_view_of(item->commitment));
    if (item->entry == UINT64_MAX)
        (void)snprintf(out, SUBJECT_STR, "record %s, no entry yet", hex);
    else
        (void)snprintf(out, SUBJECT_STR, "entry %llu", (unsigned long long)item->entry);
}

/* "receipt for entry 12 (question of north)", "calendar, the 3rd, 2 on time in a row": what is
 * owed. */
static enum dt_err
put_what(const struct due *x, const struct dt_due *d, struct dt_buf *out)
{
    struct dt_view id = dt_template_id(d->tmpl);
    struct dt_view to = party_name(x, d->to);
    char subject[SUBJECT_STR];
    enum dt_err err = DT_OK;

    subject_words(x, d, subject);
    switch (d->what) {
    case DT_DUE_ACK:
        return dt_buf_printf(out, "%s for %s (%.*s of %.*s)", ack_name(d->ack), subject, (int)id.n,
                             (const char *)id.p, (int)to.n, (const char *)to.p);
    case DT_DUE_REPLY:
        return dt_buf_printf(out, "%.*s in reply to %s of %.*s", (int)id.n, (const char *)id.p,
                             subject, (int)to.n, (const char *)to.p);
    case DT_DUE_RECORD:
        return dt_buf_printf(out, "%.*s, %s", (int)id.n, (const char *)id.p, subject);
    case DT_DUE_EVERY:
    case DT_DUE_EACH:
        break;
    }
    err = dt_buf_printf(out, "%.*s, number %llu", (int)id.n, (const char *)id.p,
                        (unsigned long long)d->nth);
    return err != DT_OK
               ? err
               : dt_buf_printf(out, ", %llu on time in a row", (unsigned long long)d->in_row);
}

/* "due in 3 h", "OVERDUE by 2 days": words first, for colours are not seen by everyone. */
static void
state_words(const struct due *x, const struct dt_due *d, char *out, size_t n)
{
    const uint64_t now = x->all.now_ms;
    char span[DT_TIME_STR];

    switch (d->code) {
    case DT_DUE_OVERDUE:
        dt_span_str(span, now - d->by_ms);
        (void)snprintf(out, n, "OVERDUE by %s", span);
        return;
    case DT_DUE_MET_LATE:
        dt_span_str(span, d->met_ms - d->by_ms);
        (void)snprintf(out, n, "met late by %s", span);
        return;
    case DT_DUE_DUE:
        if (d->by_ms != 0 && d->by_ms < DT_TIME_MAX_MS) {
            dt_span_str(span, d->by_ms - now);
            (void)snprintf(out, n, "due in %s", span);
            return;
        }
        break;
    case DT_DUE_MET:
    case DT_DUE_WAIVED:
        break;
    }
    (void)snprintf(out, n, "%s", dt_due_code_name(d->code));
}

static const char *
colour(const struct due *x, const struct dt_due *d)
{
    if (!x->colours)
        return "";
    switch (d->code) {
    case DT_DUE_OVERDUE:
        return "\033[31m";
    case DT_DUE_DUE:
        return d->by_ms != 0 && d->by_ms - x->all.now_ms <= SOON_MS ? "\033[33m" : "";
    case DT_DUE_MET:
        return "\033[32m";
    case DT_DUE_MET_LATE:
        return "\033[35m";
    case DT_DUE_WAIVED:
        break;
    }
    return "";
}

/* "2026-11-30 19:30": UTC, to the minute. */
static void
by_words(uint64_t ms, char out[static DT_TIME_STR])
{
    char text[DT_TIME_STR];

    if (ms == 0 || ms >= DT_TIME_MAX_MS) {
        (void)snprintf(out, DT_TIME_STR, "%s", ms == 0 ? "not running yet" : "clock stopped");
        return;
    }
    dt_time_str(text, ms);
    (void)snprintf(out, DT_TIME_STR, "%.10s %.5s", text, text + 11);
}

static enum dt_err
print_row(const struct due *x, const struct dt_due *d)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf what = DT_BUF_INIT(4096);
    struct dt_view party = party_name(x, d->party);
    const char *paint = colour(x, d);
    char by[DT_TIME_STR], state[DT_TIME_STR + 24];
    enum dt_err err = put_what(x, d, &what);

    if (err != DT_OK)
        return err;
    by_words(d->by_ms, by);
    state_words(x, d, state, sizeof state);
    cli_print("%-16s  ", by);
    (void)fputs(paint, cli_out()); /* ours: cli_print() lets nothing act on a terminal */
    cli_print("%-20s", state);
    (void)fputs(paint[0] != '\0' ? "\033[0m" : "", cli_out());
    cli_print("  %.*s%s  %.*s, in %s%s\n", (int)party.n, (const char *)party.p,
              d->party == x->all.self ? " (us)" : "", (int)what.n, (const char *)what.p,
              channel_name(x, d), d->unwitnessed ? "; sent, no witness has shown it yet" : "");
    return DT_OK;
}

static const char *
outage_channel(const struct due *x, const struct dt_due_outage *o)
{
    const struct dt_due d = {.channel = o->channel};

    return channel_name(x, &d);
}

static bool
outage_wanted(const struct due *x, const struct dt_due_outage *o)
{
    return !x->has_channel ||
           memcmp(x->all.group_ids + 32 * (size_t)o->channel, x->group_id, 32) == 0;
}

/* Those that may have moved what is listed: the present one, and the latest of the last weeks. */
static void
print_outages(const struct due *x)
{
    const uint64_t now = x->all.now_ms;
    size_t first = x->all.n_outages, shown = 0;

    while (first > 0 && shown < OUTAGES_SHOWN) {
        const struct dt_due_outage *o = &x->all.outages[--first];

        shown += outage_wanted(x, o) && o->from_ms <= now && o->to_ms + OUTAGES_MS > now;
    }
    for (size_t i = first; i < x->all.n_outages; i++) {
        const struct dt_due_outage *o = &x->all.outages[i];
        char from[DT_TIME_STR], until[DT_TIME_STR], span[DT_TIME_STR];

        if (!outage_wanted(x, o) || o->from_ms > now || o->to_ms + OUTAGES_MS <= now)
            continue;
        by_words(o->from_ms, from);
        by_words(o->to_ms, until);
        dt_span_str(span, o->to_ms - o->from_ms);
        if (now < o->to_ms)
            cli_print("%s: the clock stands until %s: all sides announced an outage\n",
                      outage_channel(x, o), o->to_ms >= DT_TIME_MAX_MS ? "one is back" : until);
        else
            cli_print("%s: the clock stood for %s, from %s to %s: the line tests of all sides show "
                      "an outage\n",
                      outage_channel(x, o), span, from, until);
    }
}

/* Receipts for talk are no obligations of records, but somebody waits for them as well. */
static enum dt_err
missing_receipts(const struct due *x, json_t *list)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < x->n_info && err == DT_OK; i++) {
        const struct dt_channel_info *ch = &x->info[i];

        if (ch->state != DT_CHANNEL_LIVE ||
            (x->has_channel && memcmp(ch->group_id, x->group_id, 32) != 0))
            continue;
        err = list == NULL ? cli_missing_print(x->c, ch->group_id, ch->name)
                           : cli_missing_put(x->c, ch->group_id, ch->name, list);
    }
    return err;
}

/* ---- JSON ---- */

static void
put_entry(json_t *o, const char *key, const struct dt_due_item *item)
{
    if (item->entry != UINT64_MAX)
        cli_put_u64(o, key, item->entry);
}

static enum dt_err
row_json(const struct due *x, const struct dt_due *d, json_t *o)
{
    static const char *const whats[] = {"", "record", "reply", "every", "each", "acknowledgement"};
    const struct dt_agent_due *all = &x->all;
    uint8_t id[32];
    enum dt_err err = dt_agent_due_id(x->c->agent, all, d, id);

    if (err != DT_OK)
        return err;
    cli_put_hex(o, "id", dt_view_of(id));
    cli_put(o, "state", dt_due_code_name(d->code));
    cli_put_time(o, "by", d->by_ms);
    cli_put_time(o, "met", d->met_ms);
    cli_put_view(o, "party", party_name(x, d->party));
    cli_put_bool(o, "mine", d->party == all->self);
    cli_put(o, "what", whats[d->what]);
    cli_put_view(o, "kind", dt_template_id(d->tmpl));
    if (d->what == DT_DUE_ACK)
        cli_put(o, "acknowledgement", ack_name(d->ack));
    if (d->to != DT_DUE_NOBODY)
        cli_put_view(o, "to", party_name(x, d->to));
    cli_put(o, "channel", channel_name(x, d));
    cli_put_hex(o, "group_id", dt_view(all->group_ids + 32 * (size_t)d->channel, 32));
    if (d->subject != DT_DUE_NONE) {
        cli_put_u64(o, "record", all->state.items[d->subject].number);
        cli_put_hex(o, "commitment", dt_view_of(all->state.items[d->subject].commitment));
        put_entry(o, "entry", &all->state.items[d->subject]);
    }
    if (d->met_by != DT_DUE_NONE) {
        cli_put_u64(o, "met_by", all->state.items[d->met_by].number);
        put_entry(o, "met_by_entry", &all->state.items[d->met_by]);
    }
    if (d->nth != 0) {
        cli_put_u64(o, "number", d->nth);
        cli_put_u64(o, "on_time_in_a_row", d->in_row);
    }
    cli_put_bool(o, "sent", d->unwitnessed);
    return DT_OK;
}

/* When the clock of a channel stands or stood; "to" is null while nobody knows. */
static json_t *
outages_json(const struct due *x)
{
    json_t *list = json_array();

    for (size_t i = 0; i < x->all.n_outages; i++) {
        const struct dt_due_outage *o = &x->all.outages[i];
        json_t *v;

        if (!outage_wanted(x, o))
            continue;
        v = json_object();
        cli_put(v, "channel", outage_channel(x, o));
        cli_put_hex(v, "group_id", dt_view(x->all.group_ids + 32 * (size_t)o->channel, 32));
        cli_put_time(v, "from", o->from_ms);
        cli_put_time(v, "to", o->to_ms >= DT_TIME_MAX_MS ? 0 : o->to_ms);
        (void)json_array_append_new(list, v);
    }
    return list;
}

static enum dt_err
print_json(const struct due *x)
{
    json_t *root = json_object(), *list = json_array(), *receipts = json_array();
    enum dt_err err = missing_receipts(x, receipts);

    cli_put_time(root, "now", x->all.now_ms);
    for (size_t i = 0; i < x->all.n && err == DT_OK; i++) {
        json_t *o;

        if (!wanted(x, &x->all.list[i]))
            continue;
        o = json_object();
        err = row_json(x, &x->all.list[i], o);
        (void)json_array_append_new(list, o);
    }
    (void)json_object_set_new(root, "due", list);
    (void)json_object_set_new(root, "outages", outages_json(x));
    (void)json_object_set_new(root, "receipts_missing", receipts);
    if (err != DT_OK) {
        json_decref(root);
        return err;
    }
    return cli_json(root);
}

/* ---- calendar ---- */

static enum dt_err
put_event(const struct due *x, const struct dt_due *d, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf what = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_buf_clear) struct dt_buf summary = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_buf_clear) struct dt_buf more = DT_BUF_INIT(8192);
    struct dt_view party = party_name(x, d->party);
    struct dt_ical_event e = {
        .stamp_ms = x->all.now_ms, .at_ms = d->by_ms, .alarm_ms = {DT_MS_DAY, DT_MS_HOUR}};
    char uid[64 + sizeof "@detente"], hex[65];
    uint8_t id[32];
    enum dt_err err;

    if ((err = dt_agent_due_id(x->c->agent, &x->all, d, id)) != DT_OK ||
        (err = put_what(x, d, &what)) != DT_OK ||
        (err = dt_buf_printf(&summary, "%s%.*s owes: %.*s",
                             d->code == DT_DUE_OVERDUE ? "OVERDUE: " : "", (int)party.n,
                             (const char *)party.p, (int)what.n, (const char *)what.p)) != DT_OK ||
        (err = dt_buf_printf(&more, "Channel %s.\nState when written: %s.", channel_name(x, d),
                             dt_due_code_name(d->code))) != DT_OK)
        return err;
    dt_hex_str(hex, dt_view_of(id));
    (void)snprintf(uid, sizeof uid, "%s@detente", hex);
    e.uid = dt_view_str(uid);
    e.summary = dt_buf_view(&summary);
    e.description = dt_buf_view(&more);
    return dt_ical_event(out, &e);
}

/* What is open and has a time. */
static enum dt_err
write_calendar(const struct due *x, const char *file)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(CALENDAR_MAX);
    size_t n = 0;
    enum dt_err err = dt_ical_begin(&b, dt_view_str("detente: what is due"));

    for (size_t i = 0; i < x->all.n && err == DT_OK; i++) {
        const struct dt_due *d = &x->all.list[i];

        if (!wanted(x, d) || (d->code != DT_DUE_DUE && d->code != DT_DUE_OVERDUE) ||
            d->by_ms == 0 || d->by_ms >= DT_TIME_MAX_MS)
            continue;
        err = put_event(x, d, &b);
        n++;
    }
    if (err != DT_OK || (err = dt_ical_end(&b)) != DT_OK ||
        (err = dt_file_write(file, dt_buf_view(&b), 0600)) != DT_OK)
        return err;
    cli_note(x->c, "%s: %zu entries. It is not sealed: who reads the file reads who owes what.",
             file, n);
    return DT_OK;
}

/* ---- the command ---- */

static enum dt_err
read_options(struct cli *c, struct due *x)
{
    const char *party = cli_get(c, "party"), *channel = cli_get(c, "channel");
    const char *term = getenv("TERM");
    size_t place = 0;
    enum dt_err err;

    x->c = c;
    x->party = DT_DUE_NOBODY;
    if (party != NULL) {
        if ((err = dt_charter_party_by_name(dt_agent_charter(c->agent), dt_view_str(party),
                                            &place)) != DT_OK)
            return err;
        x->party = (uint8_t)place;
    }
    if (channel != NULL) {
        if ((err = cli_channel(c, channel, x->group_id)) != DT_OK)
            return err;
        x->has_channel = true;
    }
    if (cli_has(c, "until") && (err = cli_time(c, cli_get(c, "until"), &x->until_ms)) != DT_OK)
        return err;
    x->colours = cli_front() == NULL && isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == NULL &&
                 term != NULL && strcmp(term, "dumb") != 0;
    return DT_OK;
}

enum dt_err
cmd_due(struct cli *c)
{
    DT_CLEANUP(clear) struct due x = {0};
    const char *file = cli_get(c, "ics");
    size_t shown = 0;
    enum dt_err err;

    if ((err = cli_receipt_within(c)) != DT_OK || (err = read_options(c, &x)) != DT_OK ||
        (err = dt_agent_due(c->agent, x.until_ms, cli_has(c, "all"), &x.all)) != DT_OK ||
        (err = dt_agent_channels(c->agent, &x.info, &x.n_info)) != DT_OK)
        return err;
    for (size_t i = 0; i < x.all.n; i++) {
        const struct dt_due *d = &x.all.list[i];

        if (!wanted(&x, d))
            continue;
        if (d->code == DT_DUE_OVERDUE && d->party == x.all.self)
            c->verdict = DT_EXIT_NO;
        if (!c->json && (err = print_row(&x, d)) != DT_OK)
            return err;
        shown++;
    }
    if (!c->json) {
        if (shown == 0)
            cli_print("nothing is due\n");
        print_outages(&x);
        if ((err = missing_receipts(&x, NULL)) != DT_OK)
            return err;
    }
    if (file != NULL && (err = write_calendar(&x, file)) != DT_OK)
        return err;
    return c->json ? print_json(&x) : DT_OK;
}
