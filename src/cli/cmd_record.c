/*
 * cli/cmd_record.c - detente templates | record | records | show: the record lane, never entered by
 * accident.
 */
#include <stdio.h>
#include <string.h>

#include "agent/records.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "instrument/claims.h"

#include "cli/commands.h"
#include "cli/record_io.h"

/* ---- templates ---- */

static void
print_template(const struct dt_template *t)
{
    struct dt_view id = dt_template_id(t);
    struct dt_view title = dt_template_title(t);

    cli_print("%.*s - %.*s\n", (int)id.n, (const char *)id.p, (int)title.n, (const char *)title.p);
    for (size_t i = 0; i < dt_template_n_fields(t); i++) {
        const struct dt_field *f = dt_template_field(t, i);
        char type[32];

        dt_type_str(f->type, type);
        cli_print("  %-18.*s %-14s %s %.*s\n", (int)f->name.n, (const char *)f->name.p, type,
                  f->required ? "required" : "        ", (int)f->doc.n, (const char *)f->doc.p);
        for (size_t k = 0; k < f->n_values; k++)
            cli_print("%s%.*s%s", k == 0 ? "                     one of: " : ", ",
                      (int)f->values[k].n, (const char *)f->values[k].p,
                      k + 1 == f->n_values ? "\n" : "");
    }
}

static json_t *
template_json(const struct dt_template *t)
{
    json_t *o = json_object();
    json_t *fields = json_array();

    cli_put_view(o, "id", dt_template_id(t));
    cli_put_view(o, "title", dt_template_title(t));
    cli_put_hex(o, "hash", dt_view(dt_template_hash(t), 32));
    cli_put_u64(o, "slots", dt_template_slots(t));
    cli_put_bool(o, "builtin", dt_template_builtin(t));
    for (size_t i = 0; i < dt_template_n_fields(t); i++) {
        const struct dt_field *f = dt_template_field(t, i);
        json_t *j = json_object();
        char type[32];

        dt_type_str(f->type, type);
        cli_put_view(j, "name", f->name);
        cli_put(j, "type", type);
        cli_put_bool(j, "required", f->required);
        cli_put_bool(j, "public", f->is_public);
        cli_put_view(j, "doc", f->doc);
        (void)json_array_append_new(fields, j);
    }
    (void)json_object_set_new(o, "fields", fields);
    return o;
}

enum dt_err
cmd_templates(struct cli *c)
{
    DT_CLEANUP(dt_templates_free_p) struct dt_templates *set = NULL;
    const struct dt_template *one = NULL;
    json_t *root;
    json_t *list;
    enum dt_err err = dt_templates_load(&set);

    if (err != DT_OK)
        return err;
    if (c->n_operands > 0) {
        one = dt_templates_get_str(set, c->operand[0]);
        if (one == NULL)
            return dt_fail(DT_ERR_NOT_FOUND, "there is no template '%s'; see detente templates",
                           c->operand[0]);
        if (c->json)
            return cli_json(template_json(one));
        print_template(one);
        return DT_OK;
    }
    if (!c->json) {
        for (size_t i = 0; i < dt_templates_count(set); i++) {
            const struct dt_template *t = dt_templates_at(set, i);

            cli_print("%-14.*s %.*s\n", (int)dt_template_id(t).n, (const char *)dt_template_id(t).p,
                      (int)dt_template_title(t).n, (const char *)dt_template_title(t).p);
        }
        return DT_OK;
    }
    root = json_object();
    list = json_array();
    for (size_t i = 0; i < dt_templates_count(set); i++)
        (void)json_array_append_new(list, template_json(dt_templates_at(set, i)));
    (void)json_object_set_new(root, "templates", list);
    return cli_json(root);
}

/* ---- writing ---- */

enum dt_err
cli_set_fields(struct cli *c, struct dt_record_draft *d)
{
    const char *value;
    size_t at = 0;
    enum dt_err err = DT_OK;

    while (err == DT_OK && (value = cli_next(c, "set", &at)) != NULL) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(1u << 20);
        DT_CLEANUP(dt_free_p) char *name = NULL;
        const char *equals = strchr(value, '=');

        if (equals == NULL || equals == value)
            return dt_fail(DT_ERR_USAGE, "--set: write FIELD=VALUE, not '%s'", value);
        name = dt_strndup(value, (size_t)(equals - value));
        if (name == NULL)
            return dt_nomem();
        if ((err = cli_nfc(dt_view_str(equals + 1), &text)) == DT_OK)
            err = dt_record_draft_set_text(d, name, dt_buf_view(&text), dt_agent_charter(c->agent));
    }
    return err;
}

/* Fields from the row of --csv whose first column is --row. */
static enum dt_err
set_from_csv(struct cli *c, struct dt_record_draft *d)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(4u << 20);
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(16u << 20);
    DT_CLEANUP(dt_csv_clear) struct dt_csv table = {0};
    const char *file = cli_get(c, "csv");
    const char *row = NULL;
    enum dt_err err;

    if (file == NULL)
        return DT_OK;
    if ((err = cli_need(c, "row", &row)) != DT_OK || (err = cli_file(file, &raw)) != DT_OK ||
        (err = dt_fail_context(cli_nfc(dt_buf_view(&raw), &text), "%s", file)) != DT_OK ||
        (err = dt_fail_context(dt_csv_read(dt_buf_view(&text), &table), "%s", file)) != DT_OK)
        return err;
    for (size_t i = 1; i < table.n_rows; i++)
        if (dt_view_equal(dt_csv_cell(&table, i, 0), dt_view_str(row)))
            return dt_fail_context(dt_contacts_row_draft(&table, i, dt_agent_charter(c->agent), d),
                                   "%s, row %s", file, row);
    return dt_fail(DT_ERR_NOT_FOUND, "%s has no row '%s'", file, row);
}

enum dt_err
cmd_record(struct cli *c)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    const char *talk = cli_get(c, "about-talk");
    uint8_t group_id[32];
    uint8_t id[16];
    enum dt_err err;

    if (dt_answer_of(dt_view_str(c->operand[0])) != DT_ANSWER_NONE)
        return dt_fail(DT_ERR_USAGE, "'%s' is an answer: use detente %s RECORD", c->operand[0],
                       c->operand[0]);
    if (strcmp(c->operand[0], "cover") == 0)
        return dt_fail(DT_ERR_USAGE, "cover is made by the agent, where a cadence asks for it");
    if ((err = cli_channel(c, c->operand[1], group_id)) != DT_OK ||
        (err = dt_agent_record_draft(c->agent, group_id, c->operand[0], &d)) != DT_OK ||
        (err = set_from_csv(c, &d)) != DT_OK || (err = cli_set_fields(c, &d)) != DT_OK)
        return err;
    if (talk != NULL) {
        if (dt_hex_read_fixed(id, sizeof id, dt_view_str(talk)) != DT_OK)
            return dt_fail(DT_ERR_USAGE, "--about-talk: a talk id is 32 hex digits");
        if ((err = dt_record_draft_refer(&d, DT_REFERENCE_TALK, dt_view_of(id))) != DT_OK)
            return err;
    }
    return cli_send_record(c, group_id, &d);
}

/* ---- reading ---- */

static const char *
what_of(const struct dt_record_info *r)
{
    return r->answer != DT_ANSWER_NONE ? dt_answer_name(r->answer) : r->kind;
}

static json_t *
info_json(const struct dt_record_info *r)
{
    json_t *o = json_object();

    cli_put_u64(o, "number", r->number);
    cli_put_hex(o, "commitment", dt_view_of(r->commitment));
    cli_put_hex(o, "group_id", dt_view_of(r->group_id));
    cli_put(o, "kind", what_of(r));
    cli_put_person(o, "author", &r->author);
    cli_put_time(o, "written", r->time_ms);
    cli_put(o, "register", dt_entry_standing_name(r->entry.standing));
    if (r->entry.standing != DT_ENTRY_WAITING)
        cli_put_u64(o, "entry", r->entry.index);
    cli_put_time(o, "attested", r->entry.attested_ms);
    cli_put_time(o, "slot", r->slot_ms);
    if (r->answer != DT_ANSWER_NONE)
        cli_put_hex(o, "about", dt_view_of(r->about));
    else
        cli_put(o, "standing",
                r->standing == DT_STANDING_NO_ENTRY ? "asserted by one"
                                                    : dt_standing_name(r->standing));
    cli_put_bool(o, "withdrawn", r->withdrawn);
    return o;
}

static void
print_info(const struct dt_record_info *r, const struct dt_record_info *all, size_t n)
{
    char hex[13];
    char when[DT_TIME_STR];

    cli_short(hex, dt_view_of(r->commitment));
    dt_time_str(when, r->time_ms);
    cli_print("%3llu  %s  %s  %-12s %s (%s)", (unsigned long long)r->number, hex, when, what_of(r),
              r->author.name, r->author.party_name);
    if (r->answer != DT_ANSWER_NONE) {
        for (size_t i = 0; i < n; i++)
            if (memcmp(all[i].commitment, r->about, 32) == 0)
                cli_print(", to %llu", (unsigned long long)all[i].number);
    } else {
        cli_print(", %s%s",
                  r->standing == DT_STANDING_NO_ENTRY ? "asserted by one"
                                                      : dt_standing_name(r->standing),
                  r->withdrawn ? ", withdrawn" : "");
    }
    dt_time_str(when, r->slot_ms);
    if (r->entry.standing == DT_ENTRY_WAITING && r->slot_ms != 0)
        cli_print("; not in the register yet, waits for the slot at %s\n", when);
    else if (r->entry.standing == DT_ENTRY_WAITING)
        cli_print("; not in the register yet\n");
    else
        cli_print("; entry %llu, %s\n", (unsigned long long)r->entry.index,
                  dt_entry_standing_name(r->entry.standing));
}

enum dt_err
cmd_records(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_record_info *list = NULL;
    uint8_t group_id[32];
    const uint8_t *only = NULL;
    size_t n = 0;
    json_t *root;
    json_t *array;
    enum dt_err err;

    if (c->n_operands > 0) {
        if ((err = cli_channel(c, c->operand[0], group_id)) != DT_OK)
            return err;
        only = group_id;
    }
    if (cli_has(c, "cover") && only != NULL)
        return dt_fail(DT_ERR_USAGE, "--cover: cover is in no channel");
    if ((err = cli_has(c, "cover") ? dt_agent_cover_records(c->agent, &list, &n)
                                   : dt_agent_records(c->agent, only, &list, &n)) != DT_OK)
        return err;
    if (!c->json) {
        for (size_t i = 0; i < n; i++)
            print_info(&list[i], list, n);
        return DT_OK;
    }
    root = json_object();
    array = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = info_json(&list[i]);

        if (err == DT_OK && !cli_has(c, "cover"))
            err = cli_put_arrivals(c, o, list[i].group_id, dt_view_of(list[i].commitment));
        (void)json_array_append_new(array, o);
    }
    (void)json_object_set_new(root, "records", array);
    if (err != DT_OK) {
        json_decref(root);
        return err;
    }
    return cli_json(root);
}

static enum dt_err
show_fields(struct cli *c, const struct dt_record *r, json_t *fields)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < r->header.n_slots && err == DT_OK; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(4u << 20);
        const struct dt_slot *s = &r->slots[i];

        if (s->kind != DT_SLOT_VALUE ||
            (err = dt_record_text(r, i, dt_agent_charter(c->agent), &text)) != DT_OK)
            continue;
        if (fields != NULL) {
            DT_CLEANUP(dt_free_p) char *name = dt_strndup((const char *)s->name.p, s->name.n);

            if (name == NULL)
                return dt_nomem();
            cli_put_view(fields, name, dt_buf_view(&text));
        } else {
            cli_print_field(s->name, dt_buf_view(&text));
        }
    }
    return err;
}

enum dt_err
cmd_show(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_record_info *list = NULL;
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    uint8_t commitment[32];
    json_t *root = NULL;
    json_t *fields = NULL;
    size_t n = 0;
    enum dt_err err;

    if ((err = dt_agent_record_find(c->agent, c->operand[0], commitment)) != DT_OK ||
        (err = dt_agent_record(c->agent, commitment, &r)) != DT_OK ||
        (err = dt_view_equal(dt_template_id(r.tmpl), dt_view_str("cover"))
                   ? dt_agent_cover_records(c->agent, &list, &n)
                   : dt_agent_records(c->agent, NULL, &list, &n)) != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        if (memcmp(list[i].commitment, commitment, 32) != 0)
            continue;
        if (c->json)
            root = info_json(&list[i]);
        else
            print_info(&list[i], list, n);
    }
    if (c->json)
        fields = json_object();
    if ((err = show_fields(c, &r, fields)) != DT_OK || !c->json) {
        json_decref(root);
        json_decref(fields);
        if (err == DT_OK && dt_record_answer(&r, NULL) != DT_ANSWER_NONE)
            cli_print("%s\n", dt_answer_caution(dt_record_answer(&r, NULL)));
        return err;
    }
    (void)json_object_set_new(root, "fields", fields);
    return cli_json(root);
}
