/*
 * cli/record_send.c - before a record is sent: what will be provable, and when its entry is made,
 * is said; and asked.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/records/deadline.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/record_io.h"

#define SHOWS "an observer can see that something could not wait"

/* Not cli_note(): neither --yes nor --quiet keeps this from being said. */
static void
say_provable(const struct dt_template *t, size_t n, uint64_t destroy_after_ms,
             uint64_t talk_destroy_ms)
{
    const enum dt_disclosure d = dt_template_disclosure(t);

    if (n > 1)
        (void)fprintf(cli_err(), "%zu records of one kind, all of them or none. Of each of them:\n",
                      n);
    (void)fprintf(
        cli_err(),
        "This is a RECORD, not talk: you sign it with your accredited key, and its seal enters the "
        "register.\n"
        "  The members of this channel can read all of it, now and later.\n"
        "  Anyone can see in the register that one more entry exists, and when.\n"
        "  By the default disclosure of '%.*s' (%s) the parties are expected to show the world:\n"
        "  %s.\n"
        "  Fields are opened by consent; but cryptography does not keep a member from proving "
        "it.\n",
        (int)dt_template_id(t).n, (const char *)dt_template_id(t).p, dt_disclosure_name(d),
        dt_disclosure_says(d));
    if (destroy_after_ms != 0) {
        char span[DT_TIME_STR];

        dt_span_str(span, destroy_after_ms);
        (void)fprintf(cli_err(),
                      "  Every member's agent destroys it after %s; that there was a record with "
                      "this rule stays provable, not what it said.\n",
                      span);
    } else if (talk_destroy_ms != 0) {
        (void)fputs(
            "  It is KEPT: what this channel destroys is talk; a record has a rule of its own, "
            "or none (--destroy-after).\n",
            cli_err());
    }
}

/* The answer typed on the terminal is ${word}. */
static bool
typed(const char *question, char *answer, int size)
{
    (void)fputs(question, cli_err());
    if (fgets(answer, size, stdin) == NULL)
        return false;
    answer[strcspn(answer, "\n")] = '\0';
    return true;
}

/* When the entry is made; ${out_urgent}: at once although no slot is due. */
static enum dt_err
settle_time(struct cli *c, const struct dt_entry_plan *plan, bool *out_urgent)
{
    const bool urgent = cli_has(c, "urgent"), wait = cli_has(c, "wait");
    char slot[DT_TIME_STR], deadline[DT_TIME_STR], answer[16];

    *out_urgent = false;
    if (!plan->cadence) {
        (void)fputs("  Its entry is made with the next sync.\n", cli_err());
        return DT_OK;
    }
    dt_time_str(slot, plan->slot_ms);
    dt_time_str(deadline, plan->deadline_ms);
    if (plan->late)
        (void)fprintf(cli_err(), "  Its deadline, %s, is past.\n", deadline);
    if (!plan->urgent && !urgent) {
        (void)fprintf(cli_err(), "  Its entry takes the slot at %s, like any other.\n", slot);
        return DT_OK;
    }
    if (!plan->urgent) {
        (void)fprintf(cli_err(),
                      "  Its entry could take the slot at %s, like any other. With --urgent it is "
                      "sent at once, and\n  " SHOWS ".\n",
                      slot);
        *out_urgent = true;
        return DT_OK;
    }
    (void)fprintf(cli_err(),
                  "  Its entry waits until %s, its deadline is %s: sent at once, and\n  " SHOWS
                  ".\n",
                  slot, deadline);
    if (wait || urgent) {
        *out_urgent = urgent;
        return DT_OK;
    }
    if (cli_has(c, "yes") || !cli_can_ask())
        return dt_fail(
            DT_ERR_REFUSED,
            "its entry would be too late at its slot: say --urgent (at once, which shows) "
            "or --wait; no record was made");
    if (!typed("Send it at once, or let it wait? [urgent/wait/no] ", answer, sizeof answer) ||
        (strcmp(answer, "urgent") != 0 && strcmp(answer, "wait") != 0))
        return dt_fail(DT_ERR_REFUSED, "no record was made");
    *out_urgent = strcmp(answer, "urgent") == 0;
    return DT_OK;
}

static enum dt_err
confirm(struct cli *c, size_t n)
{
    char answer[16];

    if (cli_has(c, "yes"))
        return DT_OK;
    if (!cli_can_ask())
        return dt_fail(DT_ERR_REFUSED, "a record needs a yes: type it on a terminal, or say --yes");
    if (!typed(n == 1 ? "Make this record? [yes/no] " : "Make these records? [yes/no] ", answer,
               sizeof answer) ||
        strcmp(answer, "yes") != 0)
        return dt_fail(DT_ERR_REFUSED, "no record was made");
    return DT_OK;
}

/* The plan of the one that cannot wait, if there is one; else of the first. */
static enum dt_err
plan_of(struct cli *c, const uint8_t group_id[static 32], const struct dt_record_draft *drafts,
        size_t n, struct dt_entry_plan *out)
{
    struct dt_entry_plan plan;
    enum dt_err err;

    for (size_t i = 0; i < n; i++) {
        if ((err = dt_record_draft_check(&drafts[i])) != DT_OK ||
            (err = dt_agent_entry_plan(c->agent, group_id, &drafts[i], &plan)) != DT_OK)
            return err;
        if (i == 0 || (plan.urgent && !out->urgent))
            *out = plan;
        if (!plan.cadence)
            break; /* all go with the next sync */
    }
    return DT_OK;
}

static json_t *
sent_json(const uint8_t commitment[static 32], bool urgent, const struct dt_entry_plan *plan)
{
    json_t *o = json_object();

    cli_put_hex(o, "commitment", dt_view(commitment, 32));
    cli_put_bool(o, "urgent", urgent);
    cli_put_time(o, "slot", urgent ? 0 : plan->slot_ms);
    cli_put_time(o, "deadline", plan->deadline_ms);
    return o;
}

/* One as it always was; several as a list. */
static enum dt_err
print_sent(struct cli *c, uint8_t (*commitments)[32], size_t n, bool urgent,
           const struct dt_entry_plan *plan)
{
    json_t *root;
    json_t *list;

    if (!c->json) {
        for (size_t i = 0; i < n; i++) {
            char hex[65];

            dt_hex_str(hex, dt_view_of(commitments[i]));
            cli_print("%s\n", hex);
        }
        return DT_OK;
    }
    if (n == 1)
        return cli_json(sent_json(commitments[0], urgent, plan));
    root = json_object();
    list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        cli_put_hex(o, "commitment", dt_view_of(commitments[i]));
        (void)json_array_append_new(list, o);
    }
    (void)json_object_set_new(root, "records", list);
    cli_put_bool(root, "urgent", urgent);
    return cli_json(root);
}

enum dt_err
cli_send_records(struct cli *c, const uint8_t group_id[static 32],
                 const struct dt_record_draft *drafts, size_t n)
{
    DT_CLEANUP(dt_free_p) void *room = dt_alloc(n, 32);
    uint8_t(*commitments)[32] = room;
    struct dt_entry_plan plan = {0};
    struct cli_progress progress;
    bool urgent = false;
    unsigned int how;
    uint64_t destroy_after_ms = 0;
    struct dt_channel_info ch;
    enum dt_err err;

    if (room == NULL)
        return dt_nomem();
    if (cli_has(c, "urgent") && cli_has(c, "wait"))
        return dt_fail(DT_ERR_USAGE, "--urgent and --wait exclude each other");
    if ((err = plan_of(c, group_id, drafts, n, &plan)) != DT_OK)
        return err;
    if (drafts[0].has[DT_SLOT_DESTROY] &&
        (err = dt_value_u64(dt_buf_view(&drafts[0].value[DT_SLOT_DESTROY]), &destroy_after_ms)) !=
            DT_OK)
        return err;
    if ((err = dt_agent_channel(c->agent, group_id, &ch)) != DT_OK)
        return err;
    say_provable(drafts[0].tmpl, n, destroy_after_ms, ch.destroy_after_ms);
    if ((err = settle_time(c, &plan, &urgent)) != DT_OK || (err = confirm(c, n)) != DT_OK)
        return err;
    how = (urgent ? DT_SEND_URGENT : 0) | (cli_has(c, "despite-count") ? DT_SEND_DESPITE_COUNT : 0);
    cli_progress_begin(c, "records", &progress);
    dt_agent_on_step(c->agent, cli_progress_step, &progress);
    err = dt_agent_records_send(c->agent, group_id, drafts, n, how, commitments);
    dt_agent_on_step(c->agent, NULL, NULL);
    cli_progress_end(&progress);
    if (err != DT_OK)
        return err;
    return print_sent(c, commitments, n, urgent, &plan);
}

enum dt_err
cli_send_record(struct cli *c, const uint8_t group_id[static 32], const struct dt_record_draft *d)
{
    return cli_send_records(c, group_id, d, 1);
}
