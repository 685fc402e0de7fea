/*
 * cli/cmd_understood.c - detente understood: what a message was taken to say, and its author's word
 * on that.
 */
#include <stdio.h>
#include <string.h>

#include "agent/talk/understood.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/commands.h"
#include "cli/talk_io.h"

static const char *
word_of(enum dt_understood_word w)
{
    static const char *const words[] = {"open", "right", "not right"};

    return (size_t)w < sizeof words / sizeof words[0] ? words[w] : "?";
}

enum dt_err
cli_understood_print(struct cli *c, const uint8_t group_id[static 32], const struct dt_talk_info *t)
{
    struct dt_understood *list = NULL;
    size_t n = 0;
    enum dt_err err = dt_agent_understood(c->agent, group_id, t, &list, &n);

    if (err != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        char when[DT_TIME_STR];

        dt_time_str(when, list[i].time_ms);
        cli_print("    understood by %s (%s) at %s as (%zu; understood is not agreed):\n",
                  list[i].from.name, list[i].from.party_name, when, i + 1);
        cli_print_lines("      ", dt_buf_view(&list[i].text));
        if (list[i].word == DT_UNDERSTOOD_OPEN)
            cli_print("    its author has not said yet whether that is right\n");
        else
            cli_print("    its author says: %s\n",
                      list[i].word == DT_UNDERSTOOD_RIGHT ? "that is right" : "that is NOT right");
        if (list[i].why.n > 0)
            cli_print_lines("      ", dt_buf_view(&list[i].why));
    }
    dt_understood_free(list, n);
    return DT_OK;
}

enum dt_err
cli_put_understood(struct cli *c, json_t *o, const uint8_t group_id[static 32],
                   const struct dt_talk_info *t)
{
    struct dt_understood *list = NULL;
    json_t *array;
    size_t n = 0;
    enum dt_err err = dt_agent_understood(c->agent, group_id, t, &list, &n);

    if (err != DT_OK)
        return err;
    array = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *u = json_object();

        cli_put_hex(u, "id", dt_view_of(list[i].id));
        cli_put_person(u, "by", &list[i].from);
        cli_put_time(u, "sent", list[i].time_ms);
        cli_put_view(u, "text", dt_buf_view(&list[i].text));
        cli_put(u, "author_says", word_of(list[i].word));
        cli_put_view(u, "author_text", dt_buf_view(&list[i].why));
        (void)json_array_append_new(array, u);
    }
    (void)json_object_set_new(o, "understood", array);
    dt_understood_free(list, n);
    return DT_OK;
}

/* Our word on the paraphrase --of N of our message ${t}; N is asked for where there are several. */
static enum dt_err
judge(struct cli *c, const uint8_t group_id[static 32], const struct dt_talk_info *t,
      struct dt_view text)
{
    struct dt_understood *list = NULL;
    uint64_t of = 0;
    size_t n = 0;
    enum dt_err err;

    if ((err = cli_number(c, "of", 0, UINT32_MAX, &of)) != DT_OK ||
        (err = dt_agent_understood(c->agent, group_id, t, &list, &n)) != DT_OK)
        return err;
    if (n == 0)
        err = dt_fail(DT_ERR_NOT_FOUND, "nobody has said yet how that message was understood");
    else if (of == 0 && n > 1)
        err = dt_fail(DT_ERR_USAGE, "--of: %zu have said how they understood it: which one?", n);
    else if (of > n)
        err = dt_fail(DT_ERR_NOT_FOUND, "--of: there are %zu", n);
    else
        err = dt_agent_understood_judge(c->agent, group_id, t, &list[of > 0 ? of - 1 : 0],
                                        cli_has(c, "right"), text);
    dt_understood_free(list, n);
    return err;
}

enum dt_err
cmd_understood(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_talk_info *list = NULL;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf raw = DT_BUF_INIT(DT_TEXT_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(4 * DT_TEXT_MAX);
    const bool right = cli_has(c, "right"), wrong = cli_has(c, "wrong");
    const char *words = c->n_operands > 2 ? c->operand[2] : "";
    uint8_t group_id[32];
    uint8_t id[16];
    size_t n = 0, at = 0;
    char hex[33];
    enum dt_err err;

    if (right && wrong)
        return dt_fail(DT_ERR_USAGE, "--right and --wrong exclude each other");
    if (!right && !wrong && words[0] == '\0')
        return dt_fail(DT_ERR_USAGE, "say how you understood it, or --right or --wrong");
    if ((err = cli_channel(c, c->operand[0], group_id)) != DT_OK ||
        (err = dt_agent_talk_list(c->agent, group_id, 0, &list, &n)) != DT_OK ||
        (err = cli_message(c->operand[1], list, n, &at)) != DT_OK)
        return err;
    err = strcmp(words, "-") == 0 ? cli_file("-", &raw) : dt_buf_append(&raw, dt_view_str(words));
    if (err != DT_OK || (err = cli_nfc(dt_buf_view(&raw), &text)) != DT_OK)
        return err;
    if (right || wrong)
        return judge(c, group_id, &list[at], dt_buf_view(&text));
    if ((err = dt_agent_understood_send(c->agent, group_id, &list[at], dt_buf_view(&text), id)) !=
        DT_OK)
        return err;
    dt_hex_str(hex, dt_view_of(id));
    if (c->json) {
        json_t *o = json_object();

        cli_put(o, "id", hex);
        return cli_json(o);
    }
    cli_print("%s\n", hex);
    return DT_OK;
}
