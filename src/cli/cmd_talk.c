/*
 * cli/cmd_talk.c - detente send | read | save: talk, the default lane.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/archive_io.h"
#include "cli/commands.h"
#include "cli/find.h"
#include "cli/talk_io.h"

static enum dt_err
said(struct cli *c, const uint8_t id[static 16])
{
    char hex[33];

    dt_hex_str(hex, dt_view(id, 16));
    if (c->json) {
        json_t *o = json_object();

        cli_put(o, "id", hex);
        return cli_json(o);
    }
    cli_print("%s\n", hex);
    return DT_OK;
}

static enum dt_err
send_file(struct cli *c, const uint8_t group_id[static 32], const char *path,
          const struct dt_item_rule *rule)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_PAYLOAD_MAX);
    DT_CLEANUP(dt_free_p) char *name = NULL;
    const char *slash = strrchr(path, '/');
    const char *type = cli_has(c, "type") ? cli_get(c, "type") : "application/octet-stream";
    uint8_t id[16], hash[32];
    struct stat st;
    enum dt_err err;

    /* Longer than a message may be: in pieces. */
    if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
        (uint64_t)st.st_size > DT_CHUNK) {
        if ((err = cli_file_send(c, group_id, path, type, rule, id, hash)) != DT_OK)
            return err;
        return said(c, id);
    }
    if ((err = cli_nfc_str(slash != NULL ? slash + 1 : path, &name)) != DT_OK ||
        (err = cli_file(path, &b)) != DT_OK ||
        (err = dt_agent_talk_file_as(c->agent, group_id, name, type, dt_buf_view(&b), rule, id)) !=
            DT_OK)
        return err;
    return said(c, id);
}

enum dt_err
cmd_send(struct cli *c)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf in = DT_BUF_INIT(DT_PAYLOAD_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(4 * DT_PAYLOAD_MAX);
    const char *file = cli_get(c, "file");
    struct dt_item_rule rule;
    uint8_t group_id[32];
    uint8_t id[16];
    enum dt_err err;

    if ((file != NULL) == (c->n_operands == 2))
        return dt_fail(DT_ERR_USAGE, "detente send needs either a text (or '-') or --file FILE");
    if ((err = cli_item_rule(c, &rule)) != DT_OK ||
        (err = cli_channel(c, c->operand[0], group_id)) != DT_OK)
        return err;
    if (file != NULL)
        return send_file(c, group_id, file, &rule);
    err = strcmp(c->operand[1], "-") == 0 ? cli_file("-", &in)
                                          : dt_buf_append(&in, dt_view_str(c->operand[1]));
    if (err != DT_OK || (err = cli_nfc(dt_buf_view(&in), &text)) != DT_OK)
        return err;
    if (text.n == 0)
        return dt_fail(DT_ERR_USAGE, "the message is empty");
    if ((err = dt_agent_talk_text_as(c->agent, group_id, dt_buf_view(&text), &rule, id)) != DT_OK)
        return err;
    return said(c, id);
}

static const char *
talk_state(enum dt_talk_state s)
{
    static const char *const names[] = {"", "waiting", "sent", "confirmed", "received"};

    return (size_t)s < sizeof names / sizeof names[0] ? names[s] : "?";
}

enum dt_err
cli_talk_json(struct cli *c, const uint8_t group_id[static 32], const struct dt_talk_info *t,
              json_t **out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_PAYLOAD_MAX);
    json_t *o = json_object();
    enum dt_err err = DT_OK;

    cli_put_hex(o, "id", dt_view_of(t->id));
    cli_put_u64(o, "number", t->seq);
    cli_put(o, "state", talk_state(t->state));
    cli_put_time(o, "sent", t->time_ms);
    cli_put_person(o, "from", &t->from);
    cli_put_u64(o, "size", t->size);
    cli_put_u64(o, "epoch", t->epoch);
    cli_put_u64(o, "leaf", t->leaf);
    cli_put_u64(o, "generation", t->generation);
    cli_put_u64(o, "position", t->position);
    cli_put_bool(o, "unconfirmed", t->unconfirmed);
    if (t->rule.destroyed_ms != 0 || t->rule.past) {
        cli_put_bool(o, "shown", false);
    } else if (t->file) {
        cli_put(o, "file", t->name);
        cli_put(o, "type", t->media_type);
    } else if ((err = dt_agent_talk_read(c->agent, group_id, t->seq, &b)) == DT_OK) {
        cli_put_view(o, "text", dt_buf_view(&b));
    }
    if (err == DT_OK)
        err = cli_put_rule(c, o, group_id, t);
    if (err == DT_OK)
        err = cli_put_understood(c, o, group_id, t);
    *out = o;
    return err;
}

static enum dt_err
talk_json(struct cli *c, const uint8_t group_id[static 32], const struct dt_talk_info *list,
          size_t n)
{
    json_t *root = json_object();
    json_t *array = json_array();
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < n && err == DT_OK; i++) {
        json_t *o = NULL;

        err = cli_talk_json(c, group_id, &list[i], &o);
        if (err == DT_OK && list[i].state == DT_TALK_CONFIRMED)
            err = cli_put_arrivals(c, o, group_id, dt_view_of(list[i].id));
        (void)json_array_append_new(array, o);
    }
    (void)json_object_set_new(root, "talk", array);
    if (err == DT_OK)
        err = cli_put_files(c, root, group_id);
    if (err != DT_OK) {
        json_decref(root);
        return err;
    }
    return cli_json(root);
}

enum dt_err
cmd_read(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_talk_info *list = NULL;
    DT_CLEANUP(cli_part_clear) struct cli_part part = CLI_PART_INIT;
    uint8_t group_id[32];
    uint64_t after = 0;
    size_t n = 0;
    enum dt_err err;

    if ((err = cli_receipt_within(c)) != DT_OK ||
        (err = cli_channel(c, c->operand[0], group_id)) != DT_OK ||
        (err = cli_number(c, "after", 0, UINT32_MAX, &after)) != DT_OK ||
        (err = cli_part(c, &part)) != DT_OK)
        return err;
    if (cli_has(c, "after") && cli_has(c, "last"))
        return dt_fail(DT_ERR_USAGE, "--after and --last exclude each other");
    /* Where nothing is looked for, only what is shown is read. */
    if ((err = part.find.n == 0 && cli_has(c, "last")
                   ? dt_agent_talk_before(c->agent, group_id, part.before, part.last, &list, &n)
                   : dt_agent_talk_list(c->agent, group_id, after, &list, &n)) != DT_OK ||
        (err = cli_part_talk(c, &part, group_id, list, &n)) != DT_OK)
        return err;
    if (c->json)
        return talk_json(c, group_id, list, n);
    for (size_t i = 0; i < n; i++) {
        DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_PAYLOAD_MAX);
        DT_CLEANUP(dt_buf_clear) struct dt_buf there = DT_BUF_INIT(16384);
        char when[DT_TIME_STR];

        if (list[i].state == DT_TALK_CONFIRMED &&
            (err = cli_arrivals(c, group_id, dt_view_of(list[i].id), &there)) != DT_OK)
            return err;
        dt_time_str(when, list[i].time_ms);
        cli_print("%llu  %s  %s (%s)%s%s%.*s\n", (unsigned long long)list[i].seq, when,
                  list[i].from.name, list[i].from.party_name,
                  list[i].rule.destroyed_ms == 0 &&
                          (list[i].state == DT_TALK_WAITING || list[i].state == DT_TALK_SENT)
                      ? ", not on its way yet"
                      : "",
                  list[i].unconfirmed ? ", UNCONFIRMED" : "", (int)there.n, (const char *)there.p);
        if (list[i].rule.destroyed_ms != 0 || list[i].rule.past) {
            /* its line below says so */
        } else if (list[i].file) {
            cli_print("    file '%s', %zu bytes: detente save %s %llu --out FILE\n", list[i].name,
                      list[i].size, c->operand[0], (unsigned long long)list[i].seq);
        } else {
            if ((err = dt_agent_talk_read(c->agent, group_id, list[i].seq, &b)) != DT_OK)
                return err;
            cli_print_lines("    ", dt_buf_view(&b));
        }
        if ((err = cli_rule_print(c, group_id, &list[i])) != DT_OK ||
            (err = cli_understood_print(c, group_id, &list[i])) != DT_OK)
            return err;
    }
    return cli_files_print(c, group_id);
}

enum dt_err
cli_message(const char *text, const struct dt_talk_info *list, size_t n, size_t *out)
{
    uint64_t number = 0;

    /* Shorter than what stands for an id; and numbers are told apart where ids are not. */
    if (strlen(text) < 8 && dt_decimal_read(dt_view_str(text), UINT32_MAX, &number) == DT_OK)
        for (size_t i = 0; i < n; i++)
            if (list[i].seq == number) {
                *out = i;
                return DT_OK;
            }
    if (n == 0)
        return dt_fail(DT_ERR_NOT_FOUND, "nothing was said in that channel yet");
    return cli_pick("message", text, list[0].id, n, sizeof list[0], out);
}

enum dt_err
cmd_save(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_talk_info *list = NULL;
    const char *out = NULL;
    uint8_t group_id[32];
    size_t n = 0;
    size_t at = 0;
    enum dt_err err;

    if ((err = cli_need(c, "out", &out)) != DT_OK ||
        (err = cli_channel(c, c->operand[0], group_id)) != DT_OK ||
        (err = dt_agent_talk_list(c->agent, group_id, 0, &list, &n)) != DT_OK ||
        (err = cli_message(c->operand[1], list, n, &at)) != DT_OK)
        return err;
    return cli_file_save(c, group_id, &list[at], out);
}
