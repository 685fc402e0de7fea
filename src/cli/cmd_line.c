/*
 * cli/cmd_line.c - detente line | line confirm | line outage: line tests, and what stands behind a
 * silence.
 *
 * Source: docs/protocol-channel.md, "Line tests". Layer: cli.
 */
#include <stdio.h>
#include <string.h>

#include "agent/talk/line.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/commands.h"

static const char *
why_word(enum dt_line_why why)
{
    switch (why) {
    case DT_LINE_PLANNED:
        return "planned";
    case DT_LINE_UNREACHED:
        return "relay_not_reached";
    case DT_LINE_SILENT:
        return "silent";
    }
    return "none";
}

/* Never "not answered" alone. */
static const char *
why_text(enum dt_line_why why)
{
    switch (why) {
    case DT_LINE_PLANNED:
        return "a planned outage";
    case DT_LINE_UNREACHED:
        return "this side did not reach the relay then either";
    case DT_LINE_SILENT:
        return "the relay was reached from here; their agent was silent, or cut off from it";
    }
    return "";
}

static const char *
state_word(enum dt_line_state state)
{
    switch (state) {
    case DT_LINE_QUIET:
        return "no_test_yet";
    case DT_LINE_TESTED:
        return "tested";
    case DT_LINE_OUT:
        return "outage";
    case DT_LINE_LOST:
        return "missed";
    }
    return "";
}

/* An agent answers by itself; whether a person is there, only a person can say. */
static void
print_word(const char *indent, const struct dt_line_info *x, uint64_t now)
{
    char sent[DT_TIME_STR], since[DT_TIME_STR], span[DT_TIME_STR];

    if (!x->unconfirmed)
        return;
    dt_time_str(sent, x->asked_ms - x->asked_ms % DT_MS_SECOND);
    dt_time_str(since, x->confirm_by_ms - x->confirm_by_ms % DT_MS_SECOND);
    dt_span_str(span, now - x->confirm_by_ms);
    cli_print("%s  NOT CONFIRMED by a person of %s: our test no. %llu of %s; overdue since %s "
              "(%s)\n",
              indent, x->who.party_name, (unsigned long long)x->asked_number, sent, since, span);
}

static void
print_state(const char *indent, const struct dt_line_info *x, uint64_t now)
{
    char ago[DT_TIME_STR], until[DT_TIME_STR];

    dt_span_str(ago, now > x->last_ms ? now - x->last_ms : 0);
    dt_time_str(until, x->outage_until_ms);
    cli_print("%sline to %s (%s): ", indent, x->who.name, x->who.party_name);
    switch (x->state) {
    case DT_LINE_QUIET:
        cli_print("no test is owed yet\n");
        break;
    case DT_LINE_TESTED:
        cli_print("tested %s ago, no. %llu%s\n", ago, (unsigned long long)x->number,
                  x->confirmed_number != 0 && x->confirmed_number + 1 >= x->number
                      ? ", and a person there has seen ours"
                      : "");
        break;
    case DT_LINE_OUT:
        cli_print("a planned outage until %s%s%s\n", until, x->outage_text[0] != '\0' ? ": " : "",
                  x->outage_text);
        break;
    case DT_LINE_LOST:
        if (x->number == 0)
            cli_print("NOT HEARD yet: %s\n", why_text(x->why));
        else
            cli_print("NOT HEARD for %s: %s\n", ago, why_text(x->why));
        break;
    }
    print_word(indent, x, now);
}

/* Our own desk is asked for the same. */
static void
print_to_confirm(const char *indent, const struct dt_line_own *own)
{
    char when[DT_TIME_STR];

    if (own->to_confirm == 0)
        return;
    dt_time_str(when, own->to_confirm_ms - own->to_confirm_ms % DT_MS_SECOND);
    cli_print("%stheir test no. %llu, here since %s, waits for a person at this desk: detente line "
              "confirm\n",
              indent, (unsigned long long)own->to_confirm, when);
}

enum dt_err
cli_line_print(struct cli *c, const uint8_t group_id[static 32], const char *indent)
{
    DT_CLEANUP(dt_free_p) struct dt_line_info *v = NULL;
    struct dt_line_own own;
    size_t n = 0;
    enum dt_err err = dt_agent_line(c->agent, group_id, &own, &v, &n);

    if (err == DT_ERR_STATE) /* the charter has none */
        return DT_OK;
    for (size_t i = 0; err == DT_OK && i < n; i++)
        print_state(indent, &v[i], dt_clock_now(&c->clock));
    if (err == DT_OK)
        print_to_confirm(indent, &own);
    return err;
}

static json_t *
line_json(const struct dt_line_info *x)
{
    json_t *o = json_object(), *missed = json_object(), *list = json_array();

    cli_put_person(o, "who", &x->who);
    cli_put(o, "state", state_word(x->state));
    cli_put(o, "why", x->state == DT_LINE_LOST ? why_word(x->why) : "");
    cli_put_u64(o, "number", x->number);
    cli_put_time(o, "last", x->last_ms);
    cli_put_u64(o, "heard", x->heard);
    cli_put_u64(o, "late", x->late);
    for (int why = DT_LINE_PLANNED; why < DT_LINE_WHYS; why++)
        cli_put_u64(missed, why_word((enum dt_line_why)why), x->missed[why]);
    (void)json_object_set_new(o, "missed", missed);
    for (size_t i = 0; i < x->n_misses; i++) {
        json_t *m = json_object();

        cli_put_u64(m, "number", x->misses[i].number);
        cli_put_time(m, "from", x->misses[i].from_ms);
        cli_put_time(m, "to", x->misses[i].to_ms);
        cli_put(m, "why", why_word(x->misses[i].why));
        (void)json_array_append_new(list, m);
    }
    (void)json_object_set_new(o, "misses", list);
    cli_put_time(o, "outage_from", x->outage_until_ms != 0 ? x->outage_from_ms : 0);
    cli_put_time(o, "outage_until", x->outage_until_ms);
    cli_put(o, "outage_text", x->outage_text);
    cli_put_u64(o, "confirmed_number", x->confirmed_number);
    cli_put_time(o, "confirmed", x->confirmed_ms);
    cli_put_u64(o, "asked_number", x->asked_number);
    cli_put_time(o, "asked", x->asked_ms);
    cli_put_time(o, "confirm_by", x->confirm_by_ms);
    cli_put_bool(o, "unconfirmed", x->unconfirmed);
    return o;
}

enum dt_err
cli_line_put(struct cli *c, json_t *o, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_free_p) struct dt_line_info *v = NULL;
    json_t *list = json_array();
    struct dt_line_own own;
    size_t n = 0;
    enum dt_err err = dt_agent_line(c->agent, group_id, &own, &v, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++)
        (void)json_array_append_new(list, line_json(&v[i]));
    (void)json_object_set_new(o, "lines", list);
    if (err == DT_OK) {
        cli_put_u64(o, "to_confirm", own.to_confirm);
        cli_put_time(o, "to_confirm_since", own.to_confirm_ms);
    }
    return err == DT_ERR_STATE ? DT_OK : err;
}

static void
print_whole(const struct dt_line_info *x)
{
    if (x->asked_number != 0 && !x->unconfirmed) {
        char until[DT_TIME_STR];

        dt_time_str(until, x->confirm_by_ms - x->confirm_by_ms % DT_MS_SECOND);
        cli_print("    a person of %s has until %s to confirm our test no. %llu\n",
                  x->who.party_name, until, (unsigned long long)x->asked_number);
    }
    if (x->number != 0 || x->n_misses > 0)
        cli_print("    %llu heard, %llu of them late; missed: %llu planned, %llu while this side "
                  "did not reach the relay, %llu silent\n",
                  (unsigned long long)x->heard, (unsigned long long)x->late,
                  (unsigned long long)x->missed[DT_LINE_PLANNED],
                  (unsigned long long)x->missed[DT_LINE_UNREACHED],
                  (unsigned long long)x->missed[DT_LINE_SILENT]);
    for (size_t i = 0; i < x->n_misses; i++) {
        char from[DT_TIME_STR], to[DT_TIME_STR];

        dt_time_str(from, x->misses[i].from_ms);
        dt_time_str(to, x->misses[i].to_ms);
        cli_print("    missed no. %llu, %s to %s: %s\n", (unsigned long long)x->misses[i].number,
                  from, to, why_text(x->misses[i].why));
    }
}

enum dt_err
cmd_line(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_line_info *v = NULL;
    uint64_t now = dt_clock_now(&c->clock);
    char next[DT_TIME_STR];
    struct dt_line_own own;
    uint8_t group_id[32];
    size_t n = 0;
    enum dt_err err;

    if ((err = cli_channel(c, c->n_operands > 0 ? c->operand[0] : NULL, group_id)) != DT_OK ||
        (err = dt_agent_line(c->agent, group_id, &own, &v, &n)) != DT_OK)
        return err;
    if (c->json) {
        json_t *root = json_object();

        cli_put_u64(root, "every_seconds", own.every_ms / 1000);
        cli_put_bool(root, "sealed", own.sealed);
        cli_put_u64(root, "number", own.number);
        cli_put_time(root, "sent", own.sent_ms);
        cli_put_u64(root, "members", own.members);
        cli_put_u64(root, "arrived", own.arrived);
        cli_put_time(root, "next", own.next_ms);
        cli_put_u64(root, "confirmed", own.confirmed);
        cli_put_time(root, "outage_until", own.outage_until_ms > now ? own.outage_until_ms : 0);
        if ((err = cli_line_put(c, root, group_id)) != DT_OK) {
            json_decref(root);
            return err;
        }
        return cli_json(root);
    }
    dt_time_str(next, own.next_ms);
    if (own.number == 0)
        cli_print("ours: none was sent yet; the next is due at %s\n", next);
    else
        cli_print("ours: no. %llu has arrived at %zu of %zu agents; the next is due at %s\n",
                  (unsigned long long)own.number, own.arrived, own.members, next);
    if (own.outage_until_ms > now) {
        char until[DT_TIME_STR];

        dt_time_str(until, own.outage_until_ms);
        cli_print("ours: we announced an outage until %s\n", until);
    }
    print_to_confirm("", &own);
    for (size_t i = 0; i < n; i++) {
        print_state("", &v[i], now);
        print_whole(&v[i]);
    }
    return DT_OK;
}

enum dt_err
cmd_line_confirm(struct cli *c)
{
    uint8_t group_id[32];
    enum dt_err err;

    if ((err = cli_channel(c, c->n_operands > 0 ? c->operand[0] : NULL, group_id)) != DT_OK ||
        (err = dt_agent_line_confirm(c->agent, group_id)) != DT_OK)
        return err;
    cli_note(c, "The others are told with the next sync that a person here has seen their tests.");
    return DT_OK;
}

enum dt_err
cmd_line_outage(struct cli *c)
{
    const char *from = cli_get(c, "from"), *until = cli_get(c, "until"), *text = cli_get(c, "text");
    uint64_t from_ms = dt_clock_now(&c->clock), until_ms = 0;
    uint8_t group_id[32];
    enum dt_err err;

    if ((until == NULL) == !cli_has(c, "over"))
        return dt_fail(DT_ERR_USAGE, "detente line outage needs one of --until TIME and --over");
    if ((from != NULL && (err = cli_time(c, from, &from_ms)) != DT_OK) ||
        (until != NULL && (err = cli_time(c, until, &until_ms)) != DT_OK) ||
        (err = cli_channel(c, c->n_operands > 0 ? c->operand[0] : NULL, group_id)) != DT_OK)
        return err;
    if ((err = dt_agent_line_outage(c->agent, group_id, from_ms, until_ms,
                                    dt_view_str(text != NULL ? text : ""))) != DT_OK)
        return err;
    cli_note(c, until_ms != 0 ? "The others are told of the outage with the next sync."
                              : "The others are told with the next sync that the outage is over.");
    return DT_OK;
}
