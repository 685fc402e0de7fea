/*
 * cli/cmd_tally.c - detente tally, and the recount before a tally is countersigned.
 *
 * What a register shows is entries; how many of them are contacts only those know who hold the
 * records. So numbers of entries are always called that.
 */
#include <stdio.h>

#include "agent/records/tally.h"
#include "base/text.h"

#include "cli/commands.h"
#include "cli/record_io.h"

/* ---- the range ---- */

static enum dt_err
read_from(struct cli *c, const char *text, uint64_t *out)
{
    uint64_t ms = 0;
    enum dt_err err;

    if (dt_decimal_read(dt_view_str(text), UINT64_MAX - 1, out) == DT_OK)
        return DT_OK;
    err = cli_time(c, text, &ms);
    return err != DT_OK ? err : dt_agent_entry_from(c->agent, ms, out);
}

static enum dt_err
read_until(struct cli *c, const char *text, uint64_t *out)
{
    uint64_t ms = 0;
    enum dt_err err = DT_OK;

    if (dt_decimal_read(dt_view_str(text), UINT64_MAX - 1, out) == DT_OK)
        return DT_OK;
    if (dt_date_read(dt_view_str(text), &ms) == DT_OK)
        ms += DT_MS_DAY - 1; /* all of that day */
    else
        err = cli_time(c, text, &ms);
    return err != DT_OK ? err : dt_agent_entry_until(c->agent, ms, out);
}

/* ---- what there is ---- */

/* The run of entries of ${kind} from place ${*at} on; false at the end. */
static bool
next_run(const struct dt_tally *t, enum dt_tally_kind kind, uint64_t *at, uint64_t *out_n)
{
    uint64_t all = t->last - t->first + 1;
    uint64_t end;

    while (*at < all && t->kind[*at] != kind)
        (*at)++;
    for (end = *at; end < all && t->kind[end] == kind;)
        end++;
    *out_n = end - *at;
    return *out_n > 0;
}

static void
print_kind(const struct dt_tally *t, const char *name, enum dt_tally_kind kind, bool list)
{
    uint64_t at = 0;
    uint64_t n = 0;

    cli_print("%-24s %8llu", name, (unsigned long long)t->n[kind]);
    for (; list && next_run(t, kind, &at, &n); at += n) {
        const uint64_t from = t->first + at;
        const uint64_t to = from + n - 1;

        cli_print("  %llu", (unsigned long long)from);
        if (n > 1)
            cli_print("-%llu", (unsigned long long)to);
    }
    cli_print("\n");
}

static void
print_tally(const struct dt_tally *t, bool list)
{
    uint64_t entries = t->last - t->first + 1;

    cli_print("entries %llu to %llu: %llu %s, not contacts\n", (unsigned long long)t->first,
              (unsigned long long)t->last, (unsigned long long)entries,
              entries == 1 ? "entry" : "entries");
    print_kind(t, "  contacts", DT_TALLY_CONTACT, list);
    if (t->withdrawn > 0)
        cli_print("%-24s %8llu, which count all the same\n", "    withdrawn since",
                  (unsigned long long)t->withdrawn);
    cli_print("%-24s %8llu\n", "  answers", (unsigned long long)dt_tally_answers(t));
    print_kind(t, "    receipts", DT_TALLY_RECEIPT, list);
    print_kind(t, "    countersignatures", DT_TALLY_COUNTERSIGN, list);
    print_kind(t, "    answers", DT_TALLY_ANSWER, list);
    print_kind(t, "    disputes", DT_TALLY_DISPUTE, list);
    print_kind(t, "    withdrawals", DT_TALLY_WITHDRAW, list);
    print_kind(t, "    consents", DT_TALLY_CONSENT, list);
    print_kind(t, "  tallies", DT_TALLY_TALLY, list);
    print_kind(t, "  cover", DT_TALLY_COVER, list);
    print_kind(t, "  others", DT_TALLY_OTHER, list);
    print_kind(t, "  unopened or unknown", DT_TALLY_UNKNOWN, list);
}

static json_t *
numbers(const struct dt_tally *t, enum dt_tally_kind kind)
{
    json_t *list = json_array();
    uint64_t at = 0;
    uint64_t n = 0;

    for (; next_run(t, kind, &at, &n); at += n)
        for (uint64_t i = 0; i < n; i++) {
            const uint64_t entry = t->first + at + i;

            (void)json_array_append_new(list, json_integer((json_int_t)entry));
        }
    return list;
}

static json_t *
tally_json(const struct dt_tally *t, bool list)
{
    json_t *root = json_object();
    json_t *lists = json_object();

    cli_put_u64(root, "first_entry", t->first);
    cli_put_u64(root, "last_entry", t->last);
    cli_put_u64(root, "entries", t->last - t->first + 1);
    cli_put(root, "counts_are", "entries, not contacts");
    cli_put_u64(root, "all_answers", dt_tally_answers(t));
    cli_put_u64(root, "withdrawn_since", t->withdrawn);
    for (enum dt_tally_kind k = DT_TALLY_UNKNOWN; k < DT_TALLY_ELSEWHERE; k++) {
        cli_put_u64(root, dt_tally_kind_name(k), t->n[k]);
        (void)json_object_set_new(lists, dt_tally_kind_name(k), numbers(t, k));
    }
    if (list)
        (void)json_object_set_new(root, "entry_numbers", lists);
    else
        json_decref(lists);
    return root;
}

/* ---- the record ---- */

static enum dt_err
set_number(struct dt_record_draft *d, const char *name, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return dt_record_draft_set_text(d, name, dt_view_str(text), NULL);
}

static enum dt_err
record_tally(struct cli *c, const uint8_t group_id[static 32], const struct dt_tally *t,
             const char *counted)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    enum dt_err err;

    if ((err = dt_agent_record_draft(c->agent, group_id, "tally", &d)) != DT_OK ||
        (err = set_number(&d, "first_entry", t->first)) != DT_OK ||
        (err = set_number(&d, "last_entry", t->last)) != DT_OK ||
        (err = set_number(&d, "count", t->count)) != DT_OK ||
        (err = dt_record_draft_set_text(&d, "counted", dt_view_str(counted), NULL)) != DT_OK)
        return err;
    cli_complain("detente: once opened, this tally proves that you stated: entries %llu to %llu: "
                 "%llu of kind '%s' in this channel\n",
                 (unsigned long long)t->first, (unsigned long long)t->last,
                 (unsigned long long)t->count, counted);
    if (t->withdrawn > 0)
        cli_complain(
            "detente: %llu of these were withdrawn since by their authors, and are counted "
            "all the same\n",
            (unsigned long long)t->withdrawn);
    if (t->n[DT_TALLY_UNKNOWN] > 0)
        cli_complain("detente: it does not count %llu of these entries, whose records this home "
                     "does not hold\n",
                     (unsigned long long)t->n[DT_TALLY_UNKNOWN]);
    return cli_send_record(c, group_id, &d);
}

enum dt_err
cmd_tally(struct cli *c)
{
    DT_CLEANUP(dt_tally_clear) struct dt_tally t = {0};
    const char *channel = cli_get(c, "record");
    const char *counted = cli_has(c, "counted") ? cli_get(c, "counted") : "contact";
    struct dt_tally_question q = {.counted = dt_view_str(counted)};
    uint8_t group_id[32];
    enum dt_err err;

    if (channel == NULL && cli_has(c, "counted"))
        return dt_fail(DT_ERR_USAGE, "--counted goes with --record");
    if (dt_templates_get_str(dt_agent_templates(c->agent), counted) == NULL)
        return dt_fail(DT_ERR_NOT_FOUND, "there is no template '%s'; see detente template list",
                       counted);
    if (channel != NULL) {
        if ((err = cli_channel(c, channel, group_id)) != DT_OK)
            return err;
        q.channel = group_id;
    }
    if ((err = read_from(c, c->operand[0], &q.first)) != DT_OK ||
        (err = read_until(c, c->operand[1], &q.last)) != DT_OK ||
        (err = dt_agent_tally(c->agent, &q, &t)) != DT_OK)
        return err;
    if (channel != NULL)
        return record_tally(c, group_id, &t, counted);
    if (c->json)
        return cli_json(tally_json(&t, cli_has(c, "list")));
    print_tally(&t, cli_has(c, "list"));
    return DT_OK;
}

/* ---- before it is countersigned ---- */

enum dt_err
cli_recount(struct cli *c, const struct dt_record *subject)
{
    DT_CLEANUP(dt_tally_clear) struct dt_tally own = {0};
    struct dt_tally_stated s;
    enum dt_err err;

    if (!dt_template_is_tally(subject->tmpl))
        return DT_OK;
    if ((err = dt_agent_tally_recount(c->agent, subject, &s, &own)) != DT_OK)
        return dt_fail_context(err, "the tally cannot be counted anew");
    cli_complain("detente: counted anew, entries %llu to %llu: the tally states %llu of kind "
                 "'%.*s', our own records of the channel give %llu; %llu entries are unknown to "
                 "us\n",
                 (unsigned long long)s.first, (unsigned long long)s.last,
                 (unsigned long long)s.count, (int)s.counted.n, (const char *)s.counted.p,
                 (unsigned long long)own.count, (unsigned long long)own.n[DT_TALLY_UNKNOWN]);
    /* The agent refuses it too; here it is refused before anything is asked. */
    return cli_has(c, "despite-count") ? DT_OK : dt_agent_tally_compare(&s, &own);
}
