/*
 * cli/cmd_status.c - detente status: one screen that says in words how things stand.
 *
 * The screen is a table of parts, in this order, each with what it prints and what it puts into the
 * JSON. A part says nothing when there is nothing to say; whoever has something new to tell adds a
 * part.
 */
#include <stdio.h>
#include <string.h>

#include "agent/home/amendment.h"
#include "agent/home/shift.h"
#include "agent/keep/backup.h"
#include "agent/records/due.h"
#include "agent/records/records.h"
#include "agent/store/kept.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/commands.h"

/* What several parts look at. */
struct status {
    struct dt_agent_info info;
    struct dt_channel_info *channels;
    size_t n_channels;
};

struct part {
    enum dt_err (*print)(struct cli *c, const struct status *s);
    enum dt_err (*put)(struct cli *c, const struct status *s, json_t *root);
};

/* ---- forum, ourselves, the desk ---- */

static enum dt_err
print_self(struct cli *c, const struct status *s)
{
    char hex[65], when[DT_TIME_STR];

    (void)c;
    dt_hex_str(hex, dt_view_of(s->info.forum));
    cli_print("forum %s\n", hex);
    if (!s->info.has_letter) {
        cli_print("you have no letter of credence yet: detente letter request\n");
        return DT_OK;
    }
    cli_print("you are %s, %s, for %s\n", s->info.self.name, s->info.self.title,
              s->info.self.party_name);
    dt_time_str(when, s->info.self.letter_not_after_ms);
    if (s->info.self.revoked)
        cli_print("  your letter of credence WAS REVOKED by your party's root\n");
    else if (s->info.self.root_replaced)
        cli_print("  your letter of credence HOLDS NO MORE: its root was replaced; have the new "
                  "root issue one\n");
    else if (dt_clock_now(&c->clock) >= s->info.self.letter_not_after_ms)
        cli_print("  your letter of credence HAS RUN OUT, %s: have the root issue a new one\n",
                  when);
    else
        cli_print("  your letter of credence holds until %s\n", when);
    return DT_OK;
}

static enum dt_err
put_self(struct cli *c, const struct status *s, json_t *root)
{
    (void)c;
    cli_put_hex(root, "forum", dt_view_of(s->info.forum));
    cli_put_person(root, "self", &s->info.self);
    cli_put_bool(root, "has_letter", s->info.has_letter);
    cli_put_time(root, "letter_until", s->info.has_letter ? s->info.self.letter_not_after_ms : 0);
    cli_put_bool(root, "letter_revoked", s->info.self.revoked);
    cli_put_bool(root, "letter_root_replaced", s->info.self.root_replaced);
    return DT_OK;
}

static enum dt_err
print_desk(struct cli *c, const struct status *s)
{
    struct dt_shift_info x;
    enum dt_err err = dt_agent_shift(c->agent, &x);

    (void)s;
    if (err == DT_ERR_NOT_FOUND)
        return DT_OK;
    if (err == DT_OK)
        cli_print_shift("desk: ", &x);
    return err;
}

static enum dt_err
put_desk(struct cli *c, const struct status *s, json_t *root)
{
    struct dt_shift_info x;
    enum dt_err err = dt_agent_shift(c->agent, &x);

    (void)s;
    if (err == DT_OK)
        (void)json_object_set_new(root, "desk", cli_shift_json(&x));
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

static enum dt_err
print_unlocked(struct cli *c, const struct status *s)
{
    char when[DT_TIME_STR];
    uint64_t until = 0;
    enum dt_err err = dt_store_kept_until(dt_agent_store(c->agent), &c->clock, &until);

    (void)s;
    if (err != DT_OK)
        return err == DT_ERR_NOT_FOUND ? DT_OK : err;
    dt_time_str(when, until - until % DT_MS_SECOND);
    cli_print("unlocked until %s: whoever uses this login until then needs no passphrase\n", when);
    return DT_OK;
}

static enum dt_err
put_unlocked(struct cli *c, const struct status *s, json_t *root)
{
    uint64_t until = 0;
    enum dt_err err = dt_store_kept_until(dt_agent_store(c->agent), &c->clock, &until);

    (void)s;
    cli_put_time(root, "unlocked_until", err == DT_OK ? until : 0);
    return err == DT_ERR_NOT_FOUND ? DT_OK : err;
}

/* ---- the line ---- */

static uint64_t
last_read(const struct status *s)
{
    uint64_t last = 0;

    for (size_t i = 0; i < s->n_channels; i++)
        if (s->channels[i].last_read_ms > last)
            last = s->channels[i].last_read_ms;
    return last;
}

static enum dt_err
print_line(struct cli *c, const struct status *s)
{
    const struct dt_amended amended = dt_agent_amended(c->agent);
    uint64_t last = last_read(s), now = dt_clock_now(&c->clock);
    char span[DT_TIME_STR];

    cli_print("line: relay %s", s->info.relay);
    if (!s->info.inbox_ready)
        cli_print(", which was not reached yet: detente sync\n");
    else if (last == 0)
        cli_print(", reached; no channel was read yet\n");
    else if (now < last)
        cli_print(", last read at a time that is ahead of this clock\n");
    else {
        dt_span_str(span, now - last);
        cli_print(", last read %s ago\n", span);
    }
    if (amended.n_registers > 0)
        cli_print("amendments of the charter: %zu; the register was replaced at entry %llu, the "
                  "relay is %s\n",
                  amended.n, (unsigned long long)amended.last_size, s->info.relay);
    else if (amended.n > 0)
        cli_print("amendments of the charter: %zu, of roots; the register is the one it was\n",
                  amended.n);
    return DT_OK;
}

static enum dt_err
put_line(struct cli *c, const struct status *s, json_t *root)
{
    const struct dt_amended amended = dt_agent_amended(c->agent);

    cli_put_bool(root, "inbox_ready", s->info.inbox_ready);
    cli_put(root, "relay", s->info.relay);
    cli_put_time(root, "last_read", last_read(s));
    cli_put_u64(root, "amendments", amended.n);
    cli_put_u64(root, "amendments_of_roots", amended.n_roots);
    return DT_OK;
}

/* ---- channels ---- */

static const char *
state_name(const struct dt_channel_info *ch)
{
    switch (ch->state) {
    case DT_CHANNEL_FOUNDING:
        return "being founded";
    case DT_CHANNEL_LIVE:
        return ch->confirmed ? "open" : "unconfirmed";
    case DT_CHANNEL_LEFT:
        return "left";
    case DT_CHANNEL_BROKEN:
        return "broken: re-join";
    }
    return "?";
}

/* Who is in it, and of whom that is not certain; detente roster says the rest. */
static enum dt_err
print_roster(struct cli *c, const struct dt_channel_info *ch)
{
    DT_CLEANUP(dt_free_p) struct dt_roster_entry *v = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_roster(c->agent, ch->group_id, &v, &n);

    if (err != DT_OK || n == 0)
        return err;
    cli_print("      in it: ");
    for (size_t i = 0; i < n; i++)
        cli_print("%s%s (%s)%s%s%s", i > 0 ? "; " : "", v[i].who.name, v[i].who.party_name,
                  v[i].who.self ? ", you" : "", v[i].who.revoked ? ", REVOKED" : "",
                  v[i].expired ? ", UNCONFIRMED: voucher or letter does not hold now" : "");
    cli_print("\n");
    return DT_OK;
}

static enum dt_err
put_roster(struct cli *c, json_t *o, const struct dt_channel_info *ch)
{
    DT_CLEANUP(dt_free_p) struct dt_roster_entry *v = NULL;
    json_t *list = json_array();
    size_t n = 0;
    enum dt_err err = dt_agent_roster(c->agent, ch->group_id, &v, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++) {
        json_t *x = json_object();

        cli_put_person(x, "who", &v[i].who);
        cli_put_bool(x, "expired", v[i].expired);
        (void)json_array_append_new(list, x);
    }
    (void)json_object_set_new(o, "roster", list);
    return err;
}

static enum dt_err
print_channels(struct cli *c, const struct status *s)
{
    bool said = false, keys = false;
    enum dt_err err;

    for (size_t i = 0; i < s->n_channels; i++) {
        const struct dt_channel_info *ch = &s->channels[i];

        cli_print("  %-20s %-14s %zu members, epoch %llu, %zu to send\n", ch->name, state_name(ch),
                  ch->members, (unsigned long long)ch->epoch, ch->to_send);
        if (ch->destroy_after_ms != 0) {
            char span[DT_TIME_STR];

            dt_span_str(span, ch->destroy_after_ms);
            cli_print("      what is said is destroyed after %s (detente keep)\n", span);
        }
        if (ch->state == DT_CHANNEL_LIVE &&
            ((err = print_roster(c, ch)) != DT_OK ||
             (err = cli_line_print(c, ch->group_id, "      ")) != DT_OK ||
             (err = cli_courier_print(c, ch->group_id, "      ")) != DT_OK ||
             (err = cli_receipts_print(c, ch->group_id, &said)) != DT_OK ||
             (err = cli_unreleased_print(c, ch->group_id, &keys)) != DT_OK))
            return err;
    }
    if (said)
        cli_receipts_meaning();
    if (keys)
        cli_unreleased_meaning();
    return DT_OK;
}

static enum dt_err
put_channels(struct cli *c, const struct status *s, json_t *root)
{
    json_t *list = json_array();
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < s->n_channels; i++) {
        const struct dt_channel_info *ch = &s->channels[i];
        json_t *o = json_object();

        cli_put(o, "name", ch->name);
        cli_put(o, "state", state_name(ch));
        cli_put_hex(o, "group_id", dt_view_of(ch->group_id));
        cli_put_u64(o, "destroy_after_ms", ch->destroy_after_ms);
        cli_put_u64(o, "epoch", ch->epoch);
        cli_put_hex(o, "epoch_authenticator",
                    dt_view(ch->epoch_authenticator, ch->epoch_authenticator_len));
        cli_put_u64(o, "members", ch->members);
        cli_put_u64(o, "queue_number", ch->queue_number);
        cli_put_u64(o, "position", ch->position);
        cli_put_u64(o, "to_send", ch->to_send);
        cli_put_bool(o, "confirmed", ch->confirmed);
        if (err == DT_OK)
            err = cli_put_receipts(c, o, ch->group_id);
        if (err == DT_OK)
            err = cli_put_unreleased(c, o, ch->group_id);
        if (err == DT_OK && ch->state == DT_CHANNEL_LIVE)
            err = cli_courier_put(c, o, ch->group_id);
        if (err == DT_OK && ch->state == DT_CHANNEL_LIVE)
            err = cli_line_put(c, o, ch->group_id);
        if (err == DT_OK && ch->state == DT_CHANNEL_LIVE)
            err = put_roster(c, o, ch);
        (void)json_array_append_new(list, o);
    }
    (void)json_object_set_new(root, "channels", list);
    return err;
}

/* ---- what is due ---- */

struct owed {
    size_t overdue; /* of our party */
    size_t due;     /* likewise */
    size_t theirs;  /* overdue of the others */
    uint64_t next_ms;
};

static enum dt_err
count_owed(struct cli *c, struct owed *out)
{
    struct dt_agent_due all = {0};
    enum dt_err err = dt_agent_due(c->agent, dt_clock_now(&c->clock), false, &all);

    *out = (struct owed){0};
    for (size_t i = 0; err == DT_OK && i < all.n; i++) {
        const struct dt_due *d = &all.list[i];
        bool ours = d->party == all.self;

        out->overdue += ours && d->code == DT_DUE_OVERDUE;
        out->theirs += !ours && d->code == DT_DUE_OVERDUE;
        if (!ours || d->code != DT_DUE_DUE)
            continue;
        out->due++;
        if (d->by_ms != 0 && d->by_ms < DT_TIME_MAX_MS &&
            (out->next_ms == 0 || d->by_ms < out->next_ms))
            out->next_ms = d->by_ms;
    }
    dt_agent_due_clear(&all);
    return err;
}

static enum dt_err
print_owed(struct cli *c, const struct status *s)
{
    struct owed o;
    uint64_t now = dt_clock_now(&c->clock);
    char span[DT_TIME_STR];
    enum dt_err err = count_owed(c, &o);

    (void)s;
    if (err != DT_OK)
        return err;
    if (o.overdue + o.due + o.theirs == 0) {
        cli_print("due: nothing\n");
        return DT_OK;
    }
    cli_print("due: %zu of ours OVERDUE, %zu due", o.overdue, o.due);
    if (o.next_ms > now) {
        dt_span_str(span, o.next_ms - now);
        cli_print(", the next in %s", span);
    }
    cli_print("; %zu of the others overdue: detente due\n", o.theirs);
    return DT_OK;
}

static enum dt_err
put_owed(struct cli *c, const struct status *s, json_t *root)
{
    struct owed o;
    json_t *v;
    enum dt_err err = count_owed(c, &o);

    (void)s;
    if (err != DT_OK)
        return err;
    v = json_object();
    cli_put_u64(v, "overdue", o.overdue);
    cli_put_u64(v, "due", o.due);
    cli_put_u64(v, "others_overdue", o.theirs);
    cli_put_time(v, "next", o.next_ms);
    (void)json_object_set_new(root, "due", v);
    return DT_OK;
}

/* ---- the register and its witnesses ---- */

void
cli_print_clocks(const struct dt_group_info *groups, size_t n)
{
    size_t off = 0, said = 0;
    bool same = true;
    bool ahead = false;

    for (size_t i = 0; i < n; i++) {
        char span[DT_TIME_STR];

        said += groups[i].size != 0;
        if (groups[i].off_ms == 0)
            continue;
        same = same && (off == 0 || ahead == groups[i].ahead);
        ahead = groups[i].ahead;
        off++;
        dt_span_str(span, groups[i].off_ms);
        cli_print("  CLOCK: the witness of %s gave a time %s %s what this clock allows\n",
                  groups[i].name, span, groups[i].ahead ? "after" : "before");
    }
    if (off > 0 && off == said && same && said > 1)
        cli_print("  CLOCK: all witnesses differ in the same way: look at the clock here first\n");
}

void
cli_put_clock(json_t *o, const struct dt_group_info *g)
{
    json_int_t s = (json_int_t)(g->off_ms / DT_MS_SECOND);

    (void)json_object_set_new(o, "clock_off_seconds", json_integer(g->ahead ? s : -s));
}

static void
print_groups(const struct dt_register_report *r, const struct dt_group_info *groups, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char when[DT_TIME_STR];
        char since[DT_TIME_STR + 8] = "";

        if (groups[i].behind_ms != 0) {
            dt_time_str(when, groups[i].behind_ms);
            (void)snprintf(since, sizeof since, " since %s", when);
        }
        if (groups[i].size == 0) {
            cli_print("  witness of %-16s has not cosigned anything yet%s%s\n", groups[i].name,
                      since[0] != '\0' ? ", behind" : "", since);
            continue;
        }
        dt_time_str(when, groups[i].time_ms);
        if (groups[i].size < r->size)
            cli_print("  witness of %-16s is %llu entries behind%s, last at %s\n", groups[i].name,
                      (unsigned long long)(r->size - groups[i].size), since, when);
        else
            cli_print("  witness of %-16s up to date, %s\n", groups[i].name, when);
    }
    cli_print_clocks(groups, n);
}

static enum dt_err
print_register(struct cli *c, const struct status *s)
{
    DT_CLEANUP(dt_free_p) struct dt_group_info *groups = NULL;
    struct dt_register_report r = {0};
    size_t n = 0;
    enum dt_err err;

    (void)s;
    if ((err = dt_agent_register_status(c->agent, &r)) != DT_OK ||
        (err = dt_agent_register_groups(c->agent, &groups, &n)) != DT_OK)
        return err;
    cli_print("register: %llu entries, %llu attested, %llu final; %llu of ours to hand in\n",
              (unsigned long long)r.size, (unsigned long long)r.attested_size,
              (unsigned long long)r.final_size, (unsigned long long)r.waiting);
    if ((err = cli_print_cadence(c)) == DT_OK)
        print_groups(&r, groups, n);
    return err;
}

static enum dt_err
put_register(struct cli *c, const struct status *s, json_t *root)
{
    DT_CLEANUP(dt_free_p) struct dt_group_info *groups = NULL;
    struct dt_register_report r = {0};
    json_t *reg, *sides;
    size_t n = 0;
    enum dt_err err;

    (void)s;
    if ((err = dt_agent_register_status(c->agent, &r)) != DT_OK ||
        (err = dt_agent_register_groups(c->agent, &groups, &n)) != DT_OK)
        return err;
    reg = json_object();
    sides = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        cli_put(o, "name", groups[i].name);
        cli_put_u64(o, "size", groups[i].size);
        cli_put_time(o, "time", groups[i].time_ms);
        cli_put_clock(o, &groups[i]);
        (void)json_array_append_new(sides, o);
    }
    cli_put_u64(reg, "size", r.size);
    cli_put_u64(reg, "attested", r.attested_size);
    cli_put_u64(reg, "final", r.final_size);
    cli_put_u64(reg, "waiting", r.waiting);
    err = cli_put_cadence(c, reg);
    (void)json_object_set_new(reg, "groups", sides);
    (void)json_object_set_new(root, "register", reg);
    return err;
}

/* ---- the last backup ---- */

static enum dt_err
print_backup(struct cli *c, const struct status *s)
{
    uint64_t made = 0, from = 0, now = dt_clock_now(&c->clock);
    char text[DT_TIME_STR];
    enum dt_err err = dt_backup_last(c->agent, &made, &from);

    (void)s;
    if (err != DT_OK)
        return err;
    if (from != 0) {
        dt_time_str(text, from - from % DT_MS_SECOND);
        cli_print("this home was made of a backup of %s\n", text);
    }
    if (made == 0) {
        cli_print("backup: none was made yet: detente backup FILE\n");
        return DT_OK;
    }
    dt_span_str(text, now > made ? now - made : 0);
    cli_print("backup: the last was made %s ago\n", text);
    return DT_OK;
}

static enum dt_err
put_backup(struct cli *c, const struct status *s, json_t *root)
{
    uint64_t made = 0, from = 0;
    enum dt_err err = dt_backup_last(c->agent, &made, &from);

    (void)s;
    cli_put_time(root, "last_backup", made);
    cli_put_time(root, "restored_from", from);
    return err;
}

/* ---- alarms ---- */

static enum dt_err
count_alarms(struct cli *c, size_t *out)
{
    DT_CLEANUP(dt_free_p) struct dt_alarm_info *alarms = NULL;

    return dt_agent_alarms(c->agent, &alarms, out);
}

static enum dt_err
print_alarms(struct cli *c, const struct status *s)
{
    size_t n = 0;
    enum dt_err err = count_alarms(c, &n);

    (void)s;
    if (err == DT_OK && n > 0)
        cli_print("%zu alarms: see detente alarms\n", n);
    return err;
}

static enum dt_err
put_alarms(struct cli *c, const struct status *s, json_t *root)
{
    size_t n = 0;
    enum dt_err err = count_alarms(c, &n);

    (void)s;
    cli_put_u64(root, "alarms", n);
    return err;
}

/* ---- the screen ---- */

static const struct part parts[] = {
    {print_self, put_self},         {print_desk, put_desk},         {print_unlocked, put_unlocked},
    {print_line, put_line},         {print_channels, put_channels}, {print_owed, put_owed},
    {print_register, put_register}, {print_backup, put_backup},     {print_alarms, put_alarms},
};

enum dt_err
cmd_status(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_channel_info *channels = NULL;
    struct status s = {0};
    json_t *root = NULL;
    enum dt_err err;

    if ((err = cli_receipt_within(c)) != DT_OK ||
        (err = dt_agent_info(c->agent, &s.info)) != DT_OK ||
        (err = dt_agent_channels(c->agent, &channels, &s.n_channels)) != DT_OK)
        return err;
    s.channels = channels;
    if (c->json)
        root = json_object();
    for (size_t i = 0; err == DT_OK && i < sizeof parts / sizeof parts[0]; i++)
        err = c->json ? parts[i].put(c, &s, root) : parts[i].print(c, &s);
    if (err == DT_OK && c->json)
        return cli_json(root);
    json_decref(root);
    return err;
}
