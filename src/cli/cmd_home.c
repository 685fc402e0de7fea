/*
 * cli/cmd_home.c - detente init | sync | agent | alarms | check: a delegate's home.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/home/amendment.h"
#include "agent/records/records.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "record/charter.h"

#include "cli/charter_io.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/record_io.h"
#include "cli/watch.h"

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

/* The forum's own templates, alongside its charter. */
static enum dt_err
init_templates(struct cli *c, const struct dt_secret *passphrase)
{
    DT_CLEANUP(dt_agent_close_p) struct dt_agent *a = NULL;
    const char *path;
    size_t at = 0, taken = 0;
    enum dt_err err;

    if (!cli_has(c, "template"))
        return DT_OK;
    if ((err = dt_agent_open(c->home, dt_secret_view(passphrase), &c->clock, &a)) != DT_OK)
        return err;
    while (err == DT_OK && (path = cli_next(c, "template", &at)) != NULL)
        err = cli_templates_add(a, &path, 1, &taken);
    return err;
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
    if ((err = dt_agent_init(&p)) != DT_OK || (err = init_templates(c, &passphrase)) != DT_OK)
        return err;
    cli_note(c, "home made in %s; next: 'detente letter request', and give it to your root",
             c->home);
    return DT_OK;
}

/* ---- sync ---- */

static void
show_sync(void *ctx, const struct dt_sync_report *so_far)
{
    struct cli_progress *p = ctx;

    if (cli_front() != NULL)
        cli_progress(p, so_far->received + so_far->sent, 0);
    else if (cli_progress_due(p))
        (void)fprintf(stderr, "\r%s: %zu received, %zu sent", p->what, so_far->received,
                      so_far->sent);
}

/* A file of many pieces takes its time: on a terminal it is seen that it moves. */
static enum dt_err
sync_once(struct cli *c, struct dt_sync_report *s, struct dt_register_report *r)
{
    struct cli_progress p;
    enum dt_err err;

    cli_progress_begin(c, "sync", &p);
    dt_agent_on_progress(c->agent, show_sync, &p);
    err = dt_agent_sync(c->agent, s);
    dt_agent_on_progress(c->agent, NULL, NULL);
    cli_progress_end(&p);
    if (err != DT_OK)
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
        cli_put_u64(o, "destroyed", s.destroyed);
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
    if (s.destroyed > 0)
        cli_print(", %zu destroyed by rule", s.destroyed);
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
    struct cli_watch w;
    enum dt_err err = cli_receipt_within(c);

    if (err != DT_OK)
        return err;
    sa.sa_handler = on_signal;
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    if ((err = cli_watch_begin(&w, c->agent, &stop_agent)) != DT_OK)
        return err;
    cli_note(c, "in touch with the relay until Ctrl-C");
    return cli_watch_end(&w, dt_agent_run(c->agent, &stop_agent, on_progress, c));
}

/* ---- alarms ---- */

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
