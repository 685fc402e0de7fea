/*
 * cli/observe_out.c - see observe_out.h. Every raw count says that it counts entries.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/observe_out.h"
#include "cli/verify_io.h"

#define NOT_CONTACTS "entries, not contacts"

static unsigned long long
ull(uint64_t n)
{
    return n;
}

/* To whole seconds, as people read it. */
static void
time_text(char *out, uint64_t ms)
{
    dt_time_str(out, ms / DT_MS_SECOND * DT_MS_SECOND);
}

/* Entries that every group has cosigned. */
static uint64_t
cosigned_by_all(const struct dt_observed *in)
{
    uint64_t least = in->n_groups > 0 ? UINT64_MAX : 0;

    for (size_t i = 0; i < in->n_groups; i++)
        if (in->groups[i].size < least)
            least = in->groups[i].size;
    return least;
}

/* ---- text ---- */

static void
print_head(const struct observe_view *v)
{
    const struct dt_observed *in = &v->seen;
    char first[DT_TIME_STR], last[DT_TIME_STR];

    cli_print("%s\n  %llu " NOT_CONTACTS, dt_observer_origin(v->observer),
              ull(v->timeline.entries));
    if (in->n_groups > 0)
        cli_print("; %llu attested, %llu cosigned by every group", ull(v->timeline.attested),
                  ull(cosigned_by_all(in)));
    else
        cli_print("; no witness is known here");
    if (in->n_shown > 0) {
        time_text(first, in->shown[0].first_ms);
        time_text(last, in->shown[in->n_shown - 1].last_ms);
        cli_print("\n  looked at from %s to %s", first, last);
    }
    cli_print("\n");
}

static void
print_periods(const struct observe_view *v, enum dt_period_unit unit)
{
    const struct dt_period *p = v->timeline.periods[unit];
    size_t n = v->timeline.n_periods[unit];

    if (n == 0)
        return;
    cli_print("By %s, at the latest (" NOT_CONTACTS "):\n", dt_period_unit_name(unit));
    for (size_t i = 0; i < n; i++) {
        char name[DT_TIME_STR], from[DT_TIME_STR], to[DT_TIME_STR];

        if (i > 0 && p[i].start_ms > p[i - 1].end_ms) {
            dt_date_str(from, p[i - 1].end_ms);
            dt_date_str(to, p[i].start_ms - 1);
            cli_print("  (none from %s to %s)\n", from, to);
        }
        dt_period_str(name, unit, p[i].start_ms);
        cli_print("  %-18s %8llu", name, ull(p[i].entries));
        if (v->seen.n_groups > 0 && p[i].attested < p[i].entries)
            cli_print(", %llu of them attested", ull(p[i].attested));
        cli_print("\n");
    }
}

static void
print_groups(const struct observe_view *v)
{
    const struct dt_observed *in = &v->seen;

    if (in->n_groups > 0)
        cli_print("Witness groups:\n");
    for (size_t i = 0; i < in->n_groups; i++) {
        char when[DT_TIME_STR], since[DT_TIME_STR];
        uint64_t lag = 0, since_ms = 0;

        dt_group_lag(in, i, &lag, &since_ms);
        time_text(when, in->groups[i].time_ms);
        time_text(since, since_ms);
        cli_print("  %-16s cosigned %llu%s%s", in->groups[i].name, ull(in->groups[i].size),
                  in->groups[i].time_ms != 0 ? ", " : "", in->groups[i].time_ms != 0 ? when : "");
        if (lag > 0)
            cli_print("; not the other %llu, since %s", ull(lag), since);
        cli_print("\n");
    }
}

/* What the relay says of the witnesses that it asks. */
static void
print_word(const struct observe_view *v)
{
    size_t n = 0;
    enum dt_observer_word word = dt_observer_word(v->observer, &n);

    if (word == DT_OBSERVER_WORD_UNREADABLE)
        cli_print("The relay's own account of its witnesses cannot be read.\n");
    if (n > 0)
        cli_print("The relay's word alone, of witnesses that it asks:\n");
    for (size_t i = 0; i < n; i++) {
        struct dt_observer_trouble t;
        char since[DT_TIME_STR];

        dt_observer_trouble(v->observer, i, &t);
        time_text(since, t.since_ms);
        cli_print("  %s, for %s: %s", t.name, t.group, t.what);
        if (t.status != 0)
            cli_print(", HTTP status %u", t.status);
        cli_print(", since %s\n", since);
    }
}

static enum dt_err
print_stations(const struct observe_view *v)
{
    enum dt_err err;

    if (v->timeline.n_stations > 0)
        cli_print("Line tests that were opened:\n");
    for (size_t i = 0; i < v->timeline.n_stations; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(4096);

        if ((err = dt_line_station_say(&v->timeline.stations[i], &line)) != DT_OK)
            return err;
        cli_print_lines("  ", dt_buf_view(&line));
    }
    return DT_OK;
}

static void
print_cadence(const struct observe_view *v)
{
    const struct dt_cadence_count *c = &v->timeline.cadence;
    char span[DT_TIME_STR];

    if (v->seen.cadence.period_ms == 0)
        return;
    dt_span_str(span, v->seen.cadence.period_ms);
    cli_print("Promised: %llu entr%s every %s. Of %llu whole periods looked at %llu kept it for "
              "certain (%llu had more), %llu cannot have, the others cannot be told.\n",
              ull(v->seen.cadence.k), v->seen.cadence.k == 1 ? "y" : "ies", span, ull(c->judged),
              ull(c->kept), ull(c->above), ull(c->missed));
}

/* ${again}: another opening of the same record stands above. */
static void
print_opening(const struct observe_view *view, const struct dt_observer_opening *o,
              const struct dt_verdict *v, bool again)
{
    struct observe_account more;
    bool replies = false;
    char when[DT_TIME_STR];

    if (v->code == DT_VERDICT_REFUSED) {
        cli_print("  REFUSED now: %.*s\n", (int)v->reason.n, (const char *)v->reason.p);
        return;
    }
    for (size_t i = 1; i < v->n_records; i++)
        replies = replies || (dt_answer_text_slot(v->records[i].answer) != 0 &&
                              v->records[i].slots[dt_answer_text_slot(v->records[i].answer)].kind ==
                                  DT_SLOT_VALUE);
    time_text(when, o->first_ms);
    cli_print("  entry %llu, %.*s: %s%s%s (seen since %s)\n", ull(v->records[0].entry),
              (int)dt_template_id(v->records[0].tmpl).n,
              (const char *)dt_template_id(v->records[0].tmpl).p, dt_verdict_name(v->code),
              replies ? ", with a reply" : "", replies && again ? " to what is opened above" : "",
              when);
    observe_elsewhere(view, v, &more);
    if (more.withdrawn)
        cli_print("    another opening shows that its author withdrew it, which undoes nothing\n");
    if (more.disputed)
        cli_print("    another opening shows that it is disputed\n");
    if (o->gone_ms != 0) {
        time_text(when, o->gone_ms);
        cli_print("    no longer published since %s; what it shows stands\n", when);
    }
    cli_print_lines("    ", dt_view(v->findings.p, v->findings.n > 0 ? v->findings.n - 1 : 0));
}

static bool
opened_before(const uint64_t *entries, size_t n, const struct dt_verdict *v)
{
    for (size_t i = 0; i < n && v->code != DT_VERDICT_REFUSED; i++)
        if (entries[i] == v->records[0].entry)
            return true;
    return false;
}

static enum dt_err
print_openings(const struct observe_view *v)
{
    size_t n = dt_observer_openings(v->observer);
    DT_CLEANUP(dt_free_p) uint64_t *entries = dt_alloc(n + 1, sizeof *entries);
    size_t n_entries = 0;

    if (entries == NULL)
        return dt_nomem();
    if (n > 0)
        cli_print("Opened:\n");
    for (size_t i = 0; i < n; i++) {
        DT_CLEANUP(dt_verdict_clear) struct dt_verdict verdict = {0};
        struct dt_observer_opening o;
        enum dt_err err = dt_observer_opening(v->observer, i, &o, &verdict);

        if (err != DT_OK)
            return err;
        print_opening(v, &o, &verdict, opened_before(entries, n_entries, &verdict));
        if (verdict.code != DT_VERDICT_REFUSED)
            entries[n_entries++] = verdict.records[0].entry;
    }
    n = dt_observer_refused(v->observer);
    if (n > 0)
        cli_print("%zu published file%s no opening of this register:\n", n,
                  n == 1 ? " is" : "s are");
    for (size_t i = 0; i < n && dt_observer_refusal(v->observer, i) != NULL; i++)
        cli_print("  %s\n", dt_observer_refusal(v->observer, i));
    return DT_OK;
}

static enum dt_err
print_flags(const struct observe_view *v)
{
    enum dt_err err;

    for (size_t i = 0; i < v->timeline.n_flags; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(4096);

        if ((err = dt_flag_say(&v->seen, &v->timeline, &v->timeline.flags[i], &line)) != DT_OK)
            return err;
        cli_print("! %.*s\n", (int)line.n, (const char *)line.p);
    }
    if (dt_observer_evidence(v->observer) != NULL)
        cli_print("  evidence, for anyone to check with detente evidence verify: %s\n",
                  dt_observer_evidence(v->observer));
    return DT_OK;
}

enum dt_err
observe_print(const struct observe_view *v)
{
    enum dt_err err;

    print_head(v);
    for (int unit = 0; unit < DT_PERIOD_UNITS; unit++)
        print_periods(v, (enum dt_period_unit)unit);
    print_groups(v);
    print_word(v);
    print_cadence(v);
    if ((err = print_openings(v)) != DT_OK || (err = print_stations(v)) != DT_OK)
        return err;
    return print_flags(v);
}

/* ---- JSON ---- */

static json_t *
periods_json(const struct observe_view *v, enum dt_period_unit unit)
{
    const struct dt_period *p = v->timeline.periods[unit];
    json_t *list = json_array();

    for (size_t i = 0; i < v->timeline.n_periods[unit]; i++) {
        json_t *o = json_object();

        cli_put_time(o, "start", p[i].start_ms);
        cli_put_time(o, "end", p[i].end_ms);
        cli_put_u64(o, "entries", p[i].entries);
        cli_put_u64(o, "attested", p[i].attested);
        (void)json_array_append_new(list, o);
    }
    return list;
}

static json_t *
times_json(const struct observe_view *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->timeline.n_runs; i++) {
        const struct dt_entry_run *r = &v->timeline.runs[i];
        json_t *o = json_object();

        cli_put_u64(o, "first", r->first);
        cli_put_u64(o, "entries", r->n);
        cli_put_time(o, "not_later_than", r->time_ms);
        cli_put_bool(o, "attested", r->attested);
        (void)json_array_append_new(list, o);
    }
    return list;
}

static json_t *
groups_json(const struct dt_observed *in)
{
    json_t *list = json_array();

    for (size_t i = 0; i < in->n_groups; i++) {
        json_t *o = json_object();
        uint64_t lag = 0, since_ms = 0;

        dt_group_lag(in, i, &lag, &since_ms);
        cli_put(o, "name", in->groups[i].name);
        cli_put_u64(o, "size", in->groups[i].size);
        cli_put_time(o, "time", in->groups[i].time_ms);
        cli_put_u64(o, "lags_by", lag);
        cli_put_time(o, "lags_since", since_ms);
        (void)json_array_append_new(list, o);
    }
    return list;
}

static json_t *
cadence_json(const struct observe_view *v)
{
    const struct dt_cadence_count *c = &v->timeline.cadence;
    json_t *o = json_object();

    cli_put_u64(o, "entries", v->seen.cadence.k);
    cli_put_u64(o, "period_s", v->seen.cadence.period_ms / DT_MS_SECOND);
    cli_put_u64(o, "periods", c->judged);
    cli_put_u64(o, "kept", c->kept);
    cli_put_u64(o, "above", c->above);
    cli_put_u64(o, "missed", c->missed);
    return o;
}

static json_t *
stations_json(const struct observe_view *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->timeline.n_stations; i++) {
        const struct dt_line_station *s = &v->timeline.stations[i];
        json_t *o = json_object();

        cli_put_view(o, "station", s->station);
        cli_put_u64(o, "every_s", s->every_ms / DT_MS_SECOND);
        cli_put_u64(o, "first", s->first);
        cli_put_u64(o, "last", s->last);
        cli_put_u64(o, "opened", s->opened);
        cli_put_u64(o, "not_opened", s->unopened);
        cli_put_u64(o, "missed", s->missed);
        cli_put_u64(o, "answered_late", s->late);
        cli_put_u64(o, "shown_unanswered", s->unanswered);
        (void)json_array_append_new(list, o);
    }
    return list;
}

/* null where nothing was said that can be read. */
static json_t *
word_json(const struct observe_view *v)
{
    size_t n = 0;
    json_t *list;

    if (dt_observer_word(v->observer, &n) != DT_OBSERVER_WORD_READ)
        return json_null();
    list = json_array();
    for (size_t i = 0; i < n; i++) {
        struct dt_observer_trouble t;
        json_t *o = json_object();
        char id[9];

        dt_observer_trouble(v->observer, i, &t);
        (void)snprintf(id, sizeof id, "%08x", t.key_id);
        cli_put(o, "group", t.group);
        cli_put(o, "name", t.name);
        cli_put(o, "key_id", id);
        cli_put(o, "what", t.what);
        cli_put_u64(o, "status", t.status);
        cli_put_time(o, "since", t.since_ms);
        (void)json_array_append_new(list, o);
    }
    return list;
}

static enum dt_err
flags_json(const struct observe_view *v, json_t *root)
{
    json_t *list = json_array();
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < v->timeline.n_flags && err == DT_OK; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(4096);
        const struct dt_flag *f = &v->timeline.flags[i];
        json_t *o = json_object();

        cli_put(o, "flag", dt_flag_name(f->kind));
        cli_put_time(o, "from", f->from_ms);
        cli_put_time(o, "to", f->to_ms);
        cli_put_u64(o, "n", f->n);
        if (f->kind == DT_FLAG_GAP || f->kind == DT_FLAG_BEHIND)
            cli_put_u64(o, "of", f->of);
        if (dt_flag_of_line(f)) {
            cli_put_view(o, "station", v->timeline.stations[f->group].station);
            cli_put_u64(o, "number", f->of);
        }
        if (f->kind == DT_FLAG_LATE)
            cli_put(o, "group", v->seen.groups[f->group].name);
        if ((err = dt_flag_say(&v->seen, &v->timeline, f, &line)) == DT_OK)
            cli_put_view(o, "says", dt_buf_view(&line));
        (void)json_array_append_new(list, o);
    }
    (void)json_object_set_new(root, "flags", list);
    return err;
}

static void
put_elsewhere(const struct observe_view *v, const struct dt_verdict *verdict, json_t *o)
{
    struct observe_account more = {0};

    if (verdict->code != DT_VERDICT_REFUSED)
        observe_elsewhere(v, verdict, &more);
    cli_put_bool(o, "withdrawn_in_another", more.withdrawn);
    cli_put_bool(o, "disputed_in_another", more.disputed);
}

static enum dt_err
openings_json(const struct observe_view *v, json_t *root)
{
    json_t *list = json_array();
    json_t *refused = json_array();
    enum dt_err err = DT_OK;

    (void)json_object_set_new(root, "openings", list);
    (void)json_object_set_new(root, "refused", refused);
    for (size_t i = 0; i < dt_observer_openings(v->observer) && err == DT_OK; i++) {
        DT_CLEANUP(dt_verdict_clear) struct dt_verdict verdict = {0};
        struct dt_observer_opening info;
        json_t *o = json_object();

        if ((err = dt_observer_opening(v->observer, i, &info, &verdict)) == DT_OK) {
            cli_put_hex(o, "file", dt_view_of(info.hash));
            cli_put_time(o, "seen_since", info.first_ms);
            cli_put_time(o, "gone_since", info.gone_ms);
            err = cli_put_verdict(o, &verdict, v->seen.now_ms);
            put_elsewhere(v, &verdict, o);
        }
        (void)json_array_append_new(list, o);
    }
    for (size_t i = 0; dt_observer_refusal(v->observer, i) != NULL; i++)
        (void)json_array_append_new(refused, json_string(dt_observer_refusal(v->observer, i)));
    cli_put_u64(root, "n_refused", dt_observer_refused(v->observer));
    return err;
}

enum dt_err
observe_json(const struct observe_view *v)
{
    const struct dt_observed *in = &v->seen;
    struct tlog_hash tree;
    json_t *root = json_object();
    enum dt_err err;

    dt_observer_root(v->observer, &tree);
    cli_put(root, "origin", dt_observer_origin(v->observer));
    cli_put(root, "counts_are", NOT_CONTACTS);
    cli_put(root, "times_are", "upper bounds: the first checkpoint that shows the entry");
    cli_put_u64(root, "entries", v->timeline.entries);
    cli_put_u64(root, "attested", v->timeline.attested);
    cli_put_u64(root, "cosigned_by_all", cosigned_by_all(in));
    cli_put_hex(root, "root", tlog_hash_view(&tree));
    cli_put_time(root, "looked_since", in->n_shown > 0 ? in->shown[0].first_ms : 0);
    cli_put_time(root, "looked_last", in->n_shown > 0 ? in->shown[in->n_shown - 1].last_ms : 0);
    (void)json_object_set_new(root, "days", periods_json(v, DT_PERIOD_DAY));
    (void)json_object_set_new(root, "weeks", periods_json(v, DT_PERIOD_WEEK));
    (void)json_object_set_new(root, "months", periods_json(v, DT_PERIOD_MONTH));
    (void)json_object_set_new(root, "times", times_json(v));
    (void)json_object_set_new(root, "groups", groups_json(in));
    (void)json_object_set_new(root, "relay_says", word_json(v));
    (void)json_object_set_new(root, "line_tests", stations_json(v));
    if (in->cadence.period_ms != 0)
        (void)json_object_set_new(root, "cadence", cadence_json(v));
    cli_put_bool(root, "split_view", in->split_ms != 0);
    if (dt_observer_evidence(v->observer) != NULL)
        cli_put(root, "evidence", dt_observer_evidence(v->observer));
    if ((err = openings_json(v, root)) == DT_OK && (err = flags_json(v, root)) == DT_OK)
        return cli_json(root);
    json_decref(root);
    return err;
}

/* ---- the picture ---- */

enum dt_err
observe_draw(const struct observe_view *v, const char *path)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf svg = DT_BUF_INIT(DT_OBSERVE_SVG_MAX);
    enum dt_err err;

    if ((err = dt_timeline_svg(&v->seen, &v->timeline, v->openings, v->n_openings,
                               dt_view_str(dt_observer_origin(v->observer)), &svg)) != DT_OK)
        return err;
    return dt_file_write(path, dt_buf_view(&svg), 0644);
}
