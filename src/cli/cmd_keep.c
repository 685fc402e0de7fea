/*
 * cli/cmd_keep.c - detente keep | keep destroy: how long what was said is kept, what is to be
 * destroyed when, and who says that it has.
 */
#include <stdio.h>
#include <string.h>

#include "agent/keep/destroy.h"
#include "agent/records/records.h"
#include "base/mem.h"

#include "cli/commands.h"
#include "cli/record_io.h"
#include "cli/talk_io.h"

enum dt_err
cli_item_rule(struct cli *c, struct dt_item_rule *out)
{
    const char *after = cli_get(c, "destroy-after");
    enum dt_err err;

    *out = (struct dt_item_rule){0};
    if (after != NULL && cli_has(c, "keep"))
        return dt_fail(DT_ERR_USAGE, "--keep and --destroy-after exclude each other");
    if (cli_has(c, "keep"))
        out->what = DT_ITEM_KEEP;
    if (after == NULL)
        return DT_OK;
    out->what = DT_ITEM_DESTROY;
    if ((err = cli_span(after, &out->after_ms)) == DT_OK &&
        (err = dt_destroy_after_check(out->after_ms)) != DT_OK)
        err = dt_fail(DT_ERR_USAGE,
                      "what is to be destroyed is kept for an hour at least, 100 years at most");
    return err;
}

/* ---- beside a message ---- */

static const char *
whose(const struct dt_talk_rule *rule)
{
    return rule->own ? "its own rule" : "the channel's rule";
}

enum dt_err
cli_rule_print(struct cli *c, const uint8_t group_id[static 32], const struct dt_talk_info *t)
{
    DT_CLEANUP(dt_free_p) struct dt_destroyed_by *by = NULL;
    char when[DT_TIME_STR], span[DT_TIME_STR];
    size_t n = 0;
    enum dt_err err;

    dt_span_str(span, t->rule.after_ms);
    dt_time_str(when, t->rule.destroyed_ms != 0 ? t->rule.destroyed_ms : t->rule.due_ms);
    if (t->rule.destroyed_ms != 0) {
        cli_print("    destroyed by rule on %s (%s, %s)%s\n", when, span, whose(&t->rule),
                  t->state == DT_TALK_WAITING ? "; it had not been sent" : "");
    } else if (t->rule.past) {
        cli_print("    past its time since %s (%s, %s): not shown; it is destroyed when somebody "
                  "else's time says the same, or by detente keep destroy\n",
                  when, span, whose(&t->rule));
    } else if (t->rule.due_ms != 0 && t->rule.own) {
        cli_print("    to be destroyed on %s (its own rule)\n", when);
    } else if (t->rule.own) {
        cli_print("    to be kept (its own rule)\n");
    }
    if ((err = dt_agent_destroyed_by(c->agent, group_id, t, &by, &n)) != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        dt_time_str(when, by[i].time_ms);
        cli_print("    %s (%s) says that it was destroyed there on %s\n", by[i].who.name,
                  by[i].who.party_name, when);
    }
    return DT_OK;
}

enum dt_err
cli_put_rule(struct cli *c, json_t *o, const uint8_t group_id[static 32],
             const struct dt_talk_info *t)
{
    DT_CLEANUP(dt_free_p) struct dt_destroyed_by *by = NULL;
    json_t *list;
    size_t n = 0;
    enum dt_err err = dt_agent_destroyed_by(c->agent, group_id, t, &by, &n);

    if (err != DT_OK)
        return err;
    if (t->rule.own || t->rule.after_ms != 0)
        cli_put(o, "rule", t->rule.own ? "item" : "channel");
    cli_put_u64(o, "destroy_after_ms", t->rule.after_ms);
    if (t->rule.due_ms != 0)
        cli_put_time(o, "destroy_at", t->rule.due_ms);
    if (t->rule.due_ms != 0)
        cli_put_bool(o, "past", t->rule.past);
    if (t->rule.destroyed_ms != 0)
        cli_put_time(o, "destroyed", t->rule.destroyed_ms);
    list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *x = json_object();

        cli_put_person(x, "by", &by[i].who);
        cli_put_time(x, "says", by[i].time_ms);
        (void)json_array_append_new(list, x);
    }
    (void)json_object_set_new(o, "destroyed_by", list);
    return DT_OK;
}

/* ---- all of it ---- */

static const char *
what_name(const struct dt_kept_info *x)
{
    static const char *const names[] = {"", "talk", "file", "understood", "record", "raw record"};

    return (size_t)x->what < sizeof names / sizeof names[0] ? names[x->what] : "?";
}

static enum dt_err
entry_of(struct cli *c, const uint8_t commitment[static 32], struct dt_entry_info *out)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    enum dt_err err = dt_agent_record(c->agent, commitment, &r);

    return err != DT_OK ? err : dt_agent_entry(c->agent, r.seal, out);
}

static const char *
waits_words(const struct dt_kept_info *x)
{
    return x->waits ? ", waits: something is owed about it, or it is not in the register yet" : "";
}

static enum dt_err
put_kept(struct cli *c, const struct dt_channel_info *ch, json_t *o)
{
    DT_CLEANUP(dt_free_p) struct dt_kept_info *list = NULL;
    json_t *array = json_array();
    size_t n = 0;
    enum dt_err err = dt_agent_kept(c->agent, ch->group_id, &list, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++) {
        json_t *x = json_object();

        cli_put(x, "what", what_name(&list[i]));
        cli_put_hex(x, "id",
                    dt_view(list[i].id, list[i].what < DT_KEPT_RECORD ? 16 : sizeof list[i].id));
        if (list[i].number != 0)
            cli_put_u64(x, "number", list[i].number);
        if (list[i].what == DT_KEPT_RECORD) {
            struct dt_entry_info e = {0};

            if ((err = entry_of(c, list[i].id, &e)) == DT_OK && e.standing != DT_ENTRY_WAITING)
                cli_put_u64(x, "entry", e.index);
        }
        cli_put_time(x, "destroy_at", list[i].due_ms);
        cli_put_bool(x, "waits", list[i].waits);
        (void)json_array_append_new(array, x);
    }
    (void)json_object_set_new(o, "to_be_destroyed", array);
    return err;
}

static enum dt_err
print_kept(struct cli *c, const struct dt_channel_info *ch)
{
    DT_CLEANUP(dt_free_p) struct dt_kept_info *list = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_kept(c->agent, ch->group_id, &list, &n);

    for (size_t i = 0; err == DT_OK && i < n; i++) {
        char when[DT_TIME_STR];

        dt_time_str(when, list[i].due_ms);
        if (list[i].what == DT_KEPT_TALK) {
            cli_print("  %s  message %llu%s\n", when, (unsigned long long)list[i].number,
                      waits_words(&list[i]));
        } else if (list[i].what == DT_KEPT_RECORD) {
            struct dt_entry_info e = {0};
            char entry[CLI_ENTRY_STR], hex[13];

            if ((err = entry_of(c, list[i].id, &e)) != DT_OK)
                return err;
            cli_entry_words(&e, entry);
            cli_short(hex, dt_view_of(list[i].id));
            cli_print("  %s  record %s, %s%s\n", when, hex, entry, waits_words(&list[i]));
        } else
            cli_print("  %s  %s\n", when,
                      list[i].what == DT_KEPT_FILE  ? "a file of which not all came"
                      : list[i].what == DT_KEPT_RAW ? "a record of a kind that is not known here"
                                                    : "words about something that is not here");
    }
    return err;
}

static void
print_rule(const struct dt_channel_info *ch)
{
    char span[DT_TIME_STR];

    dt_span_str(span, ch->destroy_after_ms);
    if (ch->destroy_after_ms != 0)
        cli_print("%s: what is said is destroyed after %s\n", ch->name, span);
    else
        cli_print("%s: what is said is kept\n", ch->name);
}

enum dt_err
cmd_keep(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_channel_info *list = NULL;
    json_t *root = NULL, *array = NULL;
    uint8_t group_id[32];
    uint64_t heard = 0;
    size_t n = 0;
    enum dt_err err;

    if ((c->n_operands > 0 && (err = cli_channel(c, c->operand[0], group_id)) != DT_OK) ||
        (err = dt_agent_time_heard(c->agent, &heard)) != DT_OK ||
        (err = dt_agent_channels(c->agent, &list, &n)) != DT_OK)
        return err;
    if (c->json) {
        root = json_object();
        array = json_array();
    }
    for (size_t i = 0; err == DT_OK && i < n; i++) {
        if (c->n_operands > 0 && memcmp(group_id, list[i].group_id, 32) != 0)
            continue;
        if (c->json) {
            json_t *o = json_object();

            cli_put_hex(o, "group_id", dt_view_of(list[i].group_id));
            cli_put(o, "name", list[i].name);
            cli_put_u64(o, "destroy_after_ms", list[i].destroy_after_ms);
            err = put_kept(c, &list[i], o);
            (void)json_array_append_new(array, o);
        } else {
            print_rule(&list[i]);
            err = print_kept(c, &list[i]);
        }
    }
    if (!c->json)
        return err;
    (void)json_object_set_new(root, "channels", array);
    if (heard != 0)
        cli_put_time(root, "time_heard", heard);
    if (err == DT_OK)
        return cli_json(root);
    json_decref(root);
    return err;
}

enum dt_err
cmd_keep_destroy(struct cli *c)
{
    char when[DT_TIME_STR];
    size_t n = 0;
    enum dt_err err;

    dt_time_str(when, dt_clock_now(&c->clock));
    if (!cli_has(c, "yes"))
        return dt_fail(DT_ERR_REFUSED, "this machine's clock says %s: if that is right, say --yes",
                       when);
    if ((err = dt_agent_destroy(c->agent, true, &n)) != DT_OK)
        return err;
    if (c->json) {
        json_t *o = json_object();

        cli_put_u64(o, "destroyed", n);
        return cli_json(o);
    }
    cli_print("%zu destroyed\n", n);
    return DT_OK;
}
