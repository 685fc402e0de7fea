/*
 * cli/cmd_backup.c - detente backup | restore.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/keep/backup.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/commands.h"
#include "cli/progress.h"

static enum dt_err
tell(const struct cli *c, const char *done, const struct dt_backup_report *r)
{
    char when[DT_TIME_STR];

    if (c->json) {
        json_t *o = json_object();

        cli_put_time(o, "made", r->time_ms);
        cli_put_hex(o, "forum", dt_view_of(r->forum));
        cli_put_hex(o, "delegate_key", dt_view_of(r->delegate_key));
        cli_put_u64(o, "rows", r->rows);
        cli_put_u64(o, "channels", r->channels);
        cli_put_u64(o, "records", r->records);
        cli_put_u64(o, "talk", r->talk);
        cli_put_u64(o, "not_sent_yet", r->to_send);
        cli_put_u64(o, "being_founded", r->founding);
        return cli_json(o);
    }
    dt_time_str(when, r->time_ms - r->time_ms % DT_MS_SECOND);
    cli_print("%s %s: %llu channel%s, %llu records and answers, %llu pieces of talk\n", done, when,
              (unsigned long long)r->channels, r->channels == 1 ? "" : "s",
              (unsigned long long)r->records, (unsigned long long)r->talk);
    return DT_OK;
}

enum dt_err
cmd_backup(struct cli *c)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret passphrase = {0};
    struct dt_backup_report r = {0};
    struct cli_progress p;
    struct dt_keep_progress progress = {.fn = cli_progress, .ctx = &p};
    enum dt_err err;

    if ((err = cli_file_passphrase(c, "backup-passphrase-file", "the backup", true, &passphrase)) !=
        DT_OK)
        return err;
    cli_progress_begin(c, "backup", &p);
    err = dt_backup_make(c->agent, c->operand[0], dt_secret_view(&passphrase), &progress, &r);
    cli_progress_end(&p);
    if (err != DT_OK)
        return err;
    if (r.to_send > 0)
        cli_note(c,
                 "%llu things that wait to be sent are not in it: detente sync, and back up again",
                 (unsigned long long)r.to_send);
    if (r.founding > 0)
        cli_note(c, "%llu channels that are being founded are not in it",
                 (unsigned long long)r.founding);
    return tell(c, "backup made", &r);
}

enum dt_err
cmd_restore(struct cli *c)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret passphrase = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret fresh = {0};
    struct dt_backup_report r = {0};
    struct cli_progress p;
    struct dt_keep_progress progress = {.fn = cli_progress, .ctx = &p};
    bool only_check = cli_has(c, "check");
    enum dt_err err;

    if ((err = cli_file_passphrase(c, "backup-passphrase-file", "the backup", false,
                                   &passphrase)) != DT_OK ||
        (!only_check && (err = cli_passphrase(c, "the new home", true, &fresh)) != DT_OK))
        return err;
    cli_progress_begin(c, only_check ? "check" : "restore", &p);
    if (only_check)
        err = dt_backup_check(c->operand[0], dt_secret_view(&passphrase), &progress, &r);
    else
        err = dt_backup_restore(c->operand[0], dt_secret_view(&passphrase), c->home,
                                dt_secret_view(&fresh), &c->clock, &progress, &r);
    cli_progress_end(&p);
    if (err != DT_OK)
        return err;
    if (!only_check)
        cli_note(c,
                 "home made in %s; the next 'detente sync' asks to be put into its channels anew. "
                 "Use no other copy of this home from now on",
                 c->home);
    return tell(c, only_check ? "a whole backup, made" : "restored from the backup made", &r);
}
