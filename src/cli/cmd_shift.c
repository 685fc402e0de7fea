/*
 * cli/cmd_shift.c - detente shift hand-over | list: who has the desk.
 */
#include <string.h>

#include "agent/home/shift.h"
#include "base/mem.h"

#include "cli/commands.h"

#define LISTED 1000u

json_t *
cli_shift_json(const struct dt_shift_info *x)
{
    json_t *o = json_object();
    json_t *open = json_object();

    cli_put_u64(o, "number", x->number);
    cli_put(o, "name", x->name);
    cli_put_time(o, "since", x->begun_ms);
    if (x->from[0] != '\0')
        cli_put(o, "from", x->from);
    cli_put(o, "note", x->note);
    cli_put_u64(open, "to_send", x->open.to_send);
    cli_put_u64(open, "receipts_overdue", x->open.receipts);
    cli_put_u64(open, "alarms", x->open.alarms);
    (void)json_object_set_new(o, "open", open);
    return o;
}

void
cli_print_shift(const char *indent, const struct dt_shift_info *x)
{
    char when[DT_TIME_STR];

    dt_time_str(when, x->begun_ms - x->begun_ms % DT_MS_SECOND);
    cli_print("%s%s has the desk since %s", indent, x->name, when);
    if (x->from[0] != '\0')
        cli_print(", from %s", x->from);
    cli_print("; open then: %llu to send, %llu receipts overdue, %llu alarms\n",
              (unsigned long long)x->open.to_send, (unsigned long long)x->open.receipts,
              (unsigned long long)x->open.alarms);
    if (x->note[0] != '\0')
        cli_print("%s  note: %s\n", indent, x->note);
}

enum dt_err
cmd_shift_hand_over(struct cli *c)
{
    DT_CLEANUP(dt_free_p) char *to = NULL;
    DT_CLEANUP(dt_free_p) char *note = NULL;
    struct dt_shift_info x;
    const char *raw = NULL;
    enum dt_err err;

    if ((err = cli_need(c, "to", &raw)) != DT_OK || (err = cli_nfc_str(raw, &to)) != DT_OK)
        return err;
    raw = cli_get(c, "note");
    if ((err = cli_nfc_str(raw != NULL ? raw : "", &note)) != DT_OK ||
        (err = dt_agent_shift_hand_over(c->agent, to, note, &x)) != DT_OK)
        return err;
    if (c->json)
        return cli_json(cli_shift_json(&x));
    cli_print_shift("", &x);
    cli_note(c, "written down in this home; nobody signs it. The next one asks for the passphrase "
                "where you locked: detente lock");
    return DT_OK;
}

enum dt_err
cmd_shift_list(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_shift_info *v = NULL;
    json_t *root, *list;
    size_t n = 0;
    enum dt_err err = dt_agent_shifts(c->agent, LISTED, &v, &n);

    if (err != DT_OK)
        return err;
    if (!c->json) {
        for (size_t i = 0; i < n; i++)
            cli_print_shift("", &v[i]);
        if (n == 0)
            cli_print("the desk was never handed over: detente shift hand-over --to NAME\n");
        return DT_OK;
    }
    root = json_object();
    list = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, cli_shift_json(&v[i]));
    (void)json_object_set_new(root, "shifts", list);
    return cli_json(root);
}
