/*
 * cli/cmd_home.c - detente init | sync | agent | status | alarms | check: a delegate's home.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/amendment.h"
#include "agent/records.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "record/charter.h"

#include "cli/charter_io.h"
#include "cli/commands.h"

/* The amendments that are given with --charter, as a home keeps them. */
static enum dt_err
read_amendments(struct cli *c, const char *charter, struct dt_buf *out)
{
    DT_CLEANUP(dt_charter_clear) struct dt_charter ch = {0};
    enum dt_err err;

    if (!cli_has(c, "amendment"))
        return DT_OK;
    err = cli_charter(c, charter, &ch);
    return err != DT_OK ? err : dt_charter_amendments(&ch, out);
}

enum dt_err
cmd_init(struct cli *c)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret passphrase = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf charter = DT_BUF_INIT(DT_CHARTER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf amendments = DT_BUF_INIT(DT_AMENDMENTS_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf grant = DT_BUF_INIT(64u << 10);
    DT_CLEANUP(dt_free_p) char *name = NULL;
    DT_CLEANUP(dt_free_p) char *title = NULL;
    struct dt_agent_init_params p = {.home = c->home, .clock = c->clock};
    const char *charter_file = NULL;
    const char *grant_file = NULL;
    const char *raw_name = NULL;
    const char *raw_title = NULL;
    enum dt_err err;

    if ((err = cli_need(c, "charter", &charter_file)) != DT_OK ||
        (err = cli_need(c, "grant", &grant_file)) != DT_OK ||
        (err = cli_need(c, "party", &p.party)) != DT_OK ||
        (err = cli_need(c, "name", &raw_name)) != DT_OK ||
        (err = cli_need(c, "title", &raw_title)) != DT_OK ||
        (err = cli_nfc_str(raw_name, &name)) != DT_OK ||
        (err = cli_nfc_str(raw_title, &title)) != DT_OK ||
        (err = cli_file(charter_file, &charter)) != DT_OK ||
        (err = read_amendments(c, charter_file, &amendments)) != DT_OK ||
        (err = cli_file(grant_file, &grant)) != DT_OK ||
        (err = cli_passphrase(c, "the new home", true, &passphrase)) != DT_OK)
        return err;
    p.passphrase = dt_secret_view(&passphrase);
    p.charter = dt_buf_view(&charter);
    p.amendments = dt_buf_view(&amendments);
    p.grant = dt_buf_view(&grant);
    p.name = name;
    p.title = title;
    if ((err = dt_agent_init(&p)) != DT_OK)
        return err;
    cli_note(c, "home made in %s; next: 'detente letter request', and give it to your root",
             c->home);
    return DT_OK;
}

/* ---- sync ---- */

static enum dt_err
sync_once(struct cli *c, struct dt_sync_report *s, struct dt_register_report *r)
{
    enum dt_err err;

    if ((err = dt_agent_sync(c->agent, s)) != DT_OK)
        return err;
    return dt_agent_register_sync(c->agent, r);
}

enum dt_err
cmd_sync(struct cli *c)
{
    struct dt_sync_report s = {0};
    struct dt_register_report r = {0};
    enum dt_err err;

    if ((err = cli_receipt_within(c)) != DT_OK || (err = sync_once(c, &s, &r)) != DT_OK)
        return err;
    if (c->json) {
        json_t *o = json_object();

        cli_put_u64(o, "received", s.received);
        cli_put_u64(o, "sent", s.sent);
        cli_put_u64(o, "passed_over", s.passed_over);
        cli_put_u64(o, "waiting", s.waiting);
        cli_put_u64(o, "register_size", r.size);
        cli_put_u64(o, "register_attested", r.attested_size);
        cli_put_u64(o, "register_final", r.final_size);
        cli_put_u64(o, "seals_submitted", r.submitted);
        cli_put_u64(o, "seals_waiting", r.waiting);
        return cli_json(o);
    }
    if (c->quiet)
        return DT_OK;
    cli_print("%zu received, %zu sent, %zu waiting", s.received, s.sent, s.waiting);
    if (s.passed_over > 0)
        cli_print(", %zu passed over (see detente alarms)", s.passed_over);
    cli_print("; register: %llu entries, %llu attested, %llu final\n", (unsigned long long)r.size,
              (unsigned long long)r.attested_size, (unsigned long long)r.final_size);
    return DT_OK;
}

static atomic_bool stop_agent;

static void
on_signal(int sig)
{
    (void)sig;
    atomic_store(&stop_agent, true);
}

static void
on_progress(void *ctx, enum dt_err err, const struct dt_sync_report *report)
{
    const struct cli *c = ctx;

    if (err != DT_OK)
        cli_note(c, "detente: %s; trying again", dt_err_message());
    else if (report->received + report->sent + report->passed_over > 0)
        cli_note(c, "%zu received, %zu sent, %zu passed over", report->received, report->sent,
                 report->passed_over);
}

enum dt_err
cmd_agent(struct cli *c)
{
    struct sigaction sa = {0};
    enum dt_err err = cli_receipt_within(c);

    if (err != DT_OK)
        return err;
    sa.sa_handler = on_signal;
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    cli_note(c, "in touch with the relay until Ctrl-C");
    return dt_agent_run(c->agent, &stop_agent, on_progress, c);
}

/* ---- status ---- */

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

static enum dt_err
status_json(struct cli *c, const struct dt_agent_info *info, const struct dt_channel_info *channels,
            size_t n, const struct dt_register_report *r, const struct dt_group_info *groups,
            size_t n_groups, size_t n_alarms)
{
    json_t *root = json_object();
    json_t *list = json_array();
    json_t *sides = json_array();
    json_t *reg = json_object();
    uint64_t last_size = 0;
    enum dt_err err = DT_OK;

    cli_put_hex(root, "forum", dt_view_of(info->forum));
    cli_put_person(root, "self", &info->self);
    cli_put_bool(root, "has_letter", info->has_letter);
    cli_put_bool(root, "inbox_ready", info->inbox_ready);
    cli_put(root, "relay", info->relay);
    cli_put_u64(root, "amendments", dt_agent_amended(c->agent, &last_size));
    cli_put_u64(root, "alarms", n_alarms);
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        cli_put(o, "name", channels[i].name);
        cli_put(o, "state", state_name(&channels[i]));
        cli_put_hex(o, "group_id", dt_view_of(channels[i].group_id));
        cli_put_u64(o, "epoch", channels[i].epoch);
        cli_put_hex(o, "epoch_authenticator",
                    dt_view(channels[i].epoch_authenticator, channels[i].epoch_authenticator_len));
        cli_put_u64(o, "members", channels[i].members);
        cli_put_u64(o, "queue_number", channels[i].queue_number);
        cli_put_u64(o, "position", channels[i].position);
        cli_put_u64(o, "to_send", channels[i].to_send);
        cli_put_bool(o, "confirmed", channels[i].confirmed);
        if (err == DT_OK)
            err = cli_put_receipts(c, o, channels[i].group_id);
        (void)json_array_append_new(list, o);
    }
    for (size_t i = 0; i < n_groups; i++) {
        json_t *o = json_object();

        cli_put(o, "name", groups[i].name);
        cli_put_u64(o, "size", groups[i].size);
        cli_put_time(o, "time", groups[i].time_ms);
        cli_put_clock(o, &groups[i]);
        (void)json_array_append_new(sides, o);
    }
    cli_put_u64(reg, "size", r->size);
    cli_put_u64(reg, "attested", r->attested_size);
    cli_put_u64(reg, "final", r->final_size);
    cli_put_u64(reg, "waiting", r->waiting);
    if (err == DT_OK)
        err = cli_put_cadence(c, reg);
    (void)json_object_set_new(reg, "groups", sides);
    (void)json_object_set_new(root, "channels", list);
    (void)json_object_set_new(root, "register", reg);
    if (err != DT_OK) {
        json_decref(root);
        return err;
    }
    return cli_json(root);
}

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

enum dt_err
cmd_status(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_channel_info *channels = NULL;
    DT_CLEANUP(dt_free_p) struct dt_group_info *groups = NULL;
    DT_CLEANUP(dt_free_p) struct dt_alarm_info *alarms = NULL;
    struct dt_register_report r = {0};
    struct dt_agent_info info;
    size_t n = 0;
    size_t n_groups = 0;
    size_t n_alarms = 0;
    uint64_t last_size = 0;
    bool said = false;
    char hex[65];
    enum dt_err err;

    if ((err = cli_receipt_within(c)) != DT_OK || (err = dt_agent_info(c->agent, &info)) != DT_OK ||
        (err = dt_agent_channels(c->agent, &channels, &n)) != DT_OK ||
        (err = dt_agent_register_status(c->agent, &r)) != DT_OK ||
        (err = dt_agent_register_groups(c->agent, &groups, &n_groups)) != DT_OK ||
        (err = dt_agent_alarms(c->agent, &alarms, &n_alarms)) != DT_OK)
        return err;
    if (c->json)
        return status_json(c, &info, channels, n, &r, groups, n_groups, n_alarms);
    dt_hex_str(hex, dt_view_of(info.forum));
    cli_print("forum %s\n", hex);
    if (dt_agent_amended(c->agent, &last_size) > 0)
        cli_print("amendments of the charter: %zu; the register was replaced at entry %llu, the "
                  "relay is %s\n",
                  dt_agent_amended(c->agent, &last_size), (unsigned long long)last_size,
                  info.relay);
    if (info.has_letter)
        cli_print("you are %s, %s, for %s\n", info.self.name, info.self.title,
                  info.self.party_name);
    else
        cli_print("you have no letter of credence yet: detente letter request\n");
    for (size_t i = 0; i < n; i++) {
        cli_print("  %-20s %-14s %zu members, epoch %llu, %zu to send\n", channels[i].name,
                  state_name(&channels[i]), channels[i].members,
                  (unsigned long long)channels[i].epoch, channels[i].to_send);
        if (channels[i].state == DT_CHANNEL_LIVE &&
            (err = cli_receipts_print(c, channels[i].group_id, &said)) != DT_OK)
            return err;
    }
    if (said)
        cli_receipts_meaning();
    cli_print("register: %llu entries, %llu attested, %llu final; %llu of ours to hand in\n",
              (unsigned long long)r.size, (unsigned long long)r.attested_size,
              (unsigned long long)r.final_size, (unsigned long long)r.waiting);
    if ((err = cli_print_cadence(c)) != DT_OK)
        return err;
    print_groups(&r, groups, n_groups);
    if (n_alarms > 0)
        cli_print("%zu alarms: see detente alarms\n", n_alarms);
    return DT_OK;
}

/* The channel that an alarm is about; empty when it is about none. */
static const char *
channel_name(const struct dt_alarm_info *alarm, const struct dt_channel_info *channels, size_t n)
{
    for (size_t i = 0; i < n && alarm->has_group; i++)
        if (memcmp(channels[i].group_id, alarm->group_id, 32) == 0)
            return channels[i].name;
    return "";
}

enum dt_err
cmd_alarms(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_alarm_info *alarms = NULL;
    DT_CLEANUP(dt_free_p) struct dt_channel_info *channels = NULL;
    json_t *root;
    json_t *list;
    size_t n = 0;
    size_t n_channels = 0;
    enum dt_err err;

    if ((err = dt_agent_alarms(c->agent, &alarms, &n)) != DT_OK ||
        (err = dt_agent_channels(c->agent, &channels, &n_channels)) != DT_OK)
        return err;
    if (!c->json) {
        for (size_t i = 0; i < n; i++) {
            const char *channel = channel_name(&alarms[i], channels, n_channels);
            char when[DT_TIME_STR];

            dt_time_str(when, alarms[i].time_ms);
            cli_print("%s  %s%s", when, channel, channel[0] != '\0' ? ": " : "");
            if (alarms[i].has_who)
                cli_print("%s (%s): ", alarms[i].who.name, alarms[i].who.party_name);
            cli_print("%s", alarms[i].text);
            if (alarms[i].position > 0)
                cli_print(" (position %llu)", (unsigned long long)alarms[i].position);
            if (alarms[i].count > 1) {
                dt_time_str(when, alarms[i].last_ms);
                cli_print("; %llu times, last %s at position %llu",
                          (unsigned long long)alarms[i].count, when,
                          (unsigned long long)alarms[i].last_position);
            }
            cli_print("\n");
        }
        return DT_OK;
    }
    root = json_object();
    list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        cli_put_u64(o, "number", alarms[i].seq);
        cli_put(o, "kind", dt_alarm_kind_name(alarms[i].kind));
        cli_put_time(o, "time", alarms[i].time_ms);
        cli_put(o, "text", alarms[i].text);
        cli_put_u64(o, "position", alarms[i].position);
        cli_put_u64(o, "count", alarms[i].count);
        cli_put_time(o, "last_time", alarms[i].last_ms);
        cli_put_u64(o, "last_position", alarms[i].last_position);
        if (alarms[i].has_group) {
            cli_put_hex(o, "group_id", dt_view_of(alarms[i].group_id));
            cli_put(o, "channel", channel_name(&alarms[i], channels, n_channels));
        }
        if (alarms[i].has_who)
            cli_put_person(o, "who", &alarms[i].who);
        (void)json_array_append_new(list, o);
    }
    (void)json_object_set_new(root, "alarms", list);
    return cli_json(root);
}

enum dt_err
cmd_check(struct cli *c)
{
    enum dt_err err = dt_store_check(dt_agent_store(c->agent));

    if (err == DT_OK && !c->quiet)
        cli_print("the store holds: every row is whole\n");
    return err;
}
