/*
 * cli/cmd_record.c - detente record | records | show: the record lane, never entered by
 * accident.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/records/carry.h"
#include "agent/records/opening.h"
#include "agent/records/records.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "instrument/claims.h"

#include "cli/archive_io.h"
#include "cli/commands.h"
#include "cli/entries.h"
#include "cli/find.h"
#include "cli/form.h"
#include "cli/record_io.h"
#include "cli/talk_io.h"

/* ---- writing ---- */

static enum dt_err
set_all(struct cli *c, const char *option, struct dt_record_draft *d)
{
    const char *value;
    size_t at = 0;
    enum dt_err err = DT_OK;

    while (err == DT_OK && (value = cli_next(c, option, &at)) != NULL) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(1u << 20);
        DT_CLEANUP(dt_free_p) char *name = NULL;
        const char *equals = strchr(value, '=');

        if (equals == NULL || equals == value)
            return dt_fail(DT_ERR_USAGE, "--%s: write FIELD=VALUE, not '%s'", option, value);
        name = dt_strndup(value, (size_t)(equals - value));
        if (name == NULL)
            return dt_nomem();
        if ((err = cli_nfc(dt_view_str(equals + 1), &text)) == DT_OK)
            err = dt_record_draft_set_text(d, name, dt_buf_view(&text), dt_agent_charter(c->agent));
    }
    return err;
}

enum dt_err
cli_set_fields(struct cli *c, struct dt_record_draft *d)
{
    enum dt_err err = set_all(c, "set", d);

    return err != DT_OK ? err : set_all(c, "field", d);
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

/* What every record of this call has, beside what its entry in --from says. */
static enum dt_err
begin(struct cli *c, const uint8_t group_id[static 32], struct dt_record_draft *d)
{
    const char *talk = cli_get(c, "about-talk");
    struct dt_item_rule rule;
    uint8_t id[16];
    enum dt_err err;

    if ((err = dt_agent_record_draft(c->agent, group_id, c->operand[0], d)) != DT_OK ||
        (err = cli_item_rule(c, &rule)) != DT_OK ||
        (err = dt_record_draft_destroy(d, rule.after_ms)) != DT_OK ||
        (err = set_from_csv(c, d)) != DT_OK || (err = cli_set_fields(c, d)) != DT_OK ||
        talk == NULL)
        return err;
    if (dt_hex_read_fixed(id, sizeof id, dt_view_str(talk)) != DT_OK)
        return dt_fail(DT_ERR_USAGE, "--about-talk: a talk id is 32 hex digits");
    return dt_record_draft_refer(d, DT_REFERENCE_TALK, dt_view_of(id));
}

static enum dt_err
fill_from(struct cli *c, const struct cli_entries *e, const uint8_t group_id[static 32],
          struct dt_record_draft *drafts)
{
    char kind[DT_TEMPLATE_ID_MAX + 1];
    size_t wrong = 0;
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < e->n && err == DT_OK; i++) {
        if ((err = begin(c, group_id, &drafts[i])) != DT_OK)
            return err;
        err = cli_entries_kind(e, i, kind);
        if (err == DT_OK && kind[0] != '\0' && strcmp(kind, c->operand[0]) != 0)
            err = dt_fail(DT_ERR_FORMAT, "@kind: expected %s", c->operand[0]);
        if (err != DT_OK) {
            cli_entries_complain(e, i);
            wrong++;
            err = DT_OK;
            continue;
        }
        err = cli_entries_fill(e, i, dt_agent_charter(c->agent), &drafts[i], &wrong);
    }
    if (err == DT_OK && wrong > 0)
        return dt_fail(DT_ERR_FORMAT, "%s: %zu wrong in %zu entries; no record was made", e->file,
                       wrong, e->n);
    return err;
}

static enum dt_err
record_from(struct cli *c, const uint8_t group_id[static 32], const char *file)
{
    DT_CLEANUP(cli_entries_clear) struct cli_entries e = {0};
    struct dt_record_draft *drafts = NULL;
    enum dt_err err = cli_entries_read(file, &e);

    if (err != DT_OK)
        return err;
    drafts = dt_alloc(e.n, sizeof *drafts);
    if (drafts == NULL)
        return dt_nomem();
    if ((err = fill_from(c, &e, group_id, drafts)) == DT_OK)
        err = cli_send_records(c, group_id, drafts, e.n);
    for (size_t i = 0; i < e.n; i++)
        dt_record_draft_clear(&drafts[i]);
    dt_free(drafts);
    return err;
}

/* The field of ${t} for hashes of files. NOT_FOUND. */
static enum dt_err
hashes_field(const struct dt_template *t, size_t *out_slot)
{
    const struct dt_view id = dt_template_id(t);

    for (size_t i = 0; i < dt_template_n_fields(t); i++)
        if (dt_template_field(t, i)->type == (DT_TYPE_LIST | DT_TYPE_HASH)) {
            *out_slot = DT_ENVELOPE_SLOTS + i;
            return DT_OK;
        }
    return dt_fail(DT_ERR_USAGE, "--attach: the template %.*s has no field for hashes of files",
                   (int)id.n, (const char *)id.p);
}

/* The hash of every --attach FILE behind those that the record names already. */
static enum dt_err
attach(struct cli *c, struct dt_record_draft *d)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf list = DT_BUF_INIT(DT_VALUE_MAX);
    const char *path;
    uint8_t hash[32];
    size_t slot = 0, at = 0;
    enum dt_err err;

    if (!cli_has(c, "attach"))
        return DT_OK;
    if ((err = hashes_field(d->tmpl, &slot)) != DT_OK ||
        (err = dt_buf_append(&list, dt_buf_view(&d->value[slot]))) != DT_OK)
        return err;
    while ((path = cli_next(c, "attach", &at)) != NULL)
        if ((err = cli_file_hash(path, hash)) != DT_OK ||
            (err = dt_value_put_item(&list, dt_view_of(hash))) != DT_OK)
            return err;
    return dt_record_draft_set(d, slot, dt_buf_view(&list));
}

/* After the record, whose maker was asked: nothing leaves before that. */
static enum dt_err
send_attached(struct cli *c, const uint8_t group_id[static 32], const struct dt_item_rule *rule)
{
    const char *path;
    uint8_t id[16], hash[32];
    size_t at = 0;
    enum dt_err err = DT_OK;

    while (err == DT_OK && (path = cli_next(c, "attach", &at)) != NULL)
        err = dt_fail_context(
            cli_file_send(c, group_id, path, "application/octet-stream", rule, id, hash),
            "the record is made, a file of it was not sent: detente send --file");
    return err;
}

/* By --edit, or asked field by field; what was typed outlives a no. */
static enum dt_err
record_form(struct cli *c, const uint8_t group_id[static 32], struct dt_record_draft *d)
{
    DT_CLEANUP(cli_form_clear) struct cli_form f = {0};
    const char *kept = cli_get(c, "draft");
    struct dt_item_rule rule = {0};
    enum dt_err err;

    cli_form_init(&f, d->tmpl);
    if ((kept != NULL && (err = cli_form_resume(&f, kept)) != DT_OK) ||
        (err = cli_form_take(&f, d, dt_agent_charter(c->agent))) != DT_OK ||
        (err = cli_has(c, "edit") ? cli_form_edit(c, &f, d) : cli_form_ask(c, &f, d)) != DT_OK ||
        (err = attach(c, d)) != DT_OK || (err = cli_item_rule(c, &rule)) != DT_OK)
        return err;
    err = cli_send_record(c, group_id, d);
    if (err == DT_OK)
        return send_attached(c, group_id, &rule);
    if (err != DT_OK && cli_can_ask())
        cli_form_offer(c, &f);
    return err;
}

enum dt_err
cmd_record(struct cli *c)
{
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    const struct dt_template *tmpl = NULL;
    const char *from = cli_get(c, "from");
    const bool given = cli_has(c, "set") || cli_has(c, "field") || cli_has(c, "csv");
    struct dt_item_rule rule = {0};
    uint8_t group_id[32];
    enum dt_err err;

    if (dt_answer_of(dt_view_str(c->operand[0])) != DT_ANSWER_NONE)
        return dt_fail(DT_ERR_USAGE, "'%s' is an answer: use detente %s RECORD", c->operand[0],
                       c->operand[0]);
    if (strcmp(c->operand[0], "cover") == 0)
        return dt_fail(DT_ERR_USAGE, "cover is made by the agent, where a cadence asks for it");
    if (from != NULL && cli_has(c, "attach"))
        return dt_fail(DT_ERR_USAGE, "--attach goes with one record, not with --from");
    if (from != NULL && (cli_has(c, "edit") || cli_has(c, "draft") || cli_has(c, "csv")))
        return dt_fail(DT_ERR_USAGE, "--from goes without --edit, --draft and --csv");
    if ((err = cli_template(dt_agent_templates(c->agent), c->operand[0], &tmpl)) != DT_OK ||
        (err = cli_channel(c, c->operand[1], group_id)) != DT_OK)
        return err;
    if (from != NULL)
        return record_from(c, group_id, from);
    if ((err = begin(c, group_id, &d)) != DT_OK)
        return err;
    if (cli_has(c, "edit") || ((!given || cli_has(c, "draft")) && cli_can_ask()))
        return record_form(c, group_id, &d);
    if (cli_has(c, "draft"))
        return dt_fail(DT_ERR_USAGE, "--draft goes on on a terminal, or with --edit");
    if ((err = cli_item_rule(c, &rule)) != DT_OK || (err = attach(c, &d)) != DT_OK ||
        (err = cli_send_record(c, group_id, &d)) != DT_OK)
        return err;
    return send_attached(c, group_id, &rule);
}

/* ---- reading ---- */

static const char *
what_of(const struct dt_record_info *r)
{
    return r->answer != DT_ANSWER_NONE ? dt_answer_name(r->answer) : r->kind;
}

/* For people: of what was carried also whether there was leave. */
static const char *
seen_as(struct cli *c, const struct dt_record_info *r)
{
    return strcmp(r->kind, DT_CARRIED_TEMPLATE) == 0 ? cli_carried_kind(c, r->commitment)
                                                     : what_of(r);
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

void
cli_entry_words(const struct dt_entry_info *e, char out[static CLI_ENTRY_STR])
{
    if (e->standing == DT_ENTRY_WAITING)
        (void)snprintf(out, CLI_ENTRY_STR, "no entry yet");
    else
        (void)snprintf(out, CLI_ENTRY_STR, "entry %llu", (unsigned long long)e->index);
}

/* What has no entry yet is named by what its hash begins with: that, too, is the same at all sides.
 */
static void
print_about(const struct dt_record_info *r)
{
    char hex[13];

    cli_short(hex, dt_view_of(r->commitment));
    if (r->entry.standing == DT_ENTRY_WAITING)
        cli_print(", to %s (no entry yet)", hex);
    else
        cli_print(", to entry %llu", (unsigned long long)r->entry.index);
}

static void
print_info(struct cli *c, const struct dt_record_info *r, const struct dt_record_info *all,
           size_t n)
{
    char hex[13];
    char when[DT_TIME_STR], entry[CLI_ENTRY_STR];

    cli_short(hex, dt_view_of(r->commitment));
    dt_time_str(when, r->time_ms);
    cli_entry_words(&r->entry, entry);
    cli_print("%-12s  %s  %s  %-12s %s (%s)", entry, hex, when, seen_as(c, r), r->author.name,
              r->author.party_name);
    if (r->answer != DT_ANSWER_NONE) {
        for (size_t i = 0; i < n; i++)
            if (memcmp(all[i].commitment, r->about, 32) == 0)
                print_about(&all[i]);
    } else {
        cli_print(", %s%s",
                  r->standing == DT_STANDING_NO_ENTRY ? "asserted by one"
                                                      : dt_standing_name(r->standing),
                  r->withdrawn ? ", withdrawn" : "");
    }
    dt_time_str(when, r->slot_ms);
    if (r->entry.standing == DT_ENTRY_WAITING && r->slot_ms != 0)
        cli_print("; not in the register yet, waits for the slot at %s", when);
    else if (r->entry.standing == DT_ENTRY_WAITING)
        cli_print("; not in the register yet");
    else
        cli_print("; %s", dt_entry_standing_name(r->entry.standing));
    cli_print("; number %llu here\n", (unsigned long long)r->number);
}

static enum dt_err show_fields(struct cli *c, const struct dt_record *r, json_t *fields);

/* What the record ${info} says, as the member "fields" of ${o}. */
static enum dt_err
put_fields(struct cli *c, const struct dt_record_info *info, json_t *o)
{
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    json_t *fields = json_object();
    enum dt_err err = dt_agent_record(c->agent, info->commitment, &r);

    if (err == DT_OK)
        err = show_fields(c, &r, fields);
    (void)json_object_set_new(o, "fields", fields);
    return err;
}

/* Is it open in public, as far as this home has seen? */
static bool
is_opened(const struct dt_buf *opened, const uint8_t commitment[static 32])
{
    for (size_t i = 0; i + 32 <= opened->n; i += 32)
        if (memcmp(opened->p + i, commitment, 32) == 0)
            return true;
    return false;
}

enum dt_err
cmd_records(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf opened = DT_BUF_INIT(32u << 20);
    DT_CLEANUP(dt_free_p) struct dt_record_info *list = NULL;
    DT_CLEANUP(cli_part_clear) struct cli_part part = CLI_PART_INIT;
    uint8_t group_id[32];
    const uint8_t *only = NULL;
    size_t n = 0;
    json_t *root;
    json_t *array;
    enum dt_err err;

    if ((err = cli_part(c, &part)) != DT_OK)
        return err;
    if (c->n_operands > 0) {
        if ((err = cli_channel(c, c->operand[0], group_id)) != DT_OK)
            return err;
        only = group_id;
    }
    if (cli_has(c, "cover") && only != NULL)
        return dt_fail(DT_ERR_USAGE, "--cover: cover is in no channel");
    if (cli_has(c, "cover") && cli_has(c, "void"))
        return dt_fail(DT_ERR_USAGE, "--cover and --void exclude each other");
    if ((cli_has(c, "cover") || cli_has(c, "void")) &&
        (cli_has(c, "find") || cli_has(c, "last") || cli_has(c, "before")))
        return dt_fail(DT_ERR_USAGE, "--cover and --void go without --last, --before and --find");
    if (cli_has(c, "fields") && !c->json)
        return dt_fail(DT_ERR_USAGE, "--fields goes with --json; else see detente show");
    if ((err = cli_has(c, "cover")  ? dt_agent_cover_records(c->agent, &list, &n)
               : cli_has(c, "void") ? dt_agent_void_records(c->agent, only, &list, &n)
                                    : cli_part_records(c, &part, only, &list, &n)) != DT_OK)
        return err;
    if (!c->json) {
        for (size_t i = 0; i < n; i++)
            print_info(c, &list[i], list, n);
        if (cli_has(c, "cover") || cli_has(c, "void"))
            return DT_OK;
        return (err = cli_traces_print(c, only)) != DT_OK ? err : cli_raw_print(c, only);
    }
    if ((err = dt_agent_opened(c->agent, &opened)) != DT_OK)
        return err;
    root = json_object();
    array = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = info_json(&list[i]);

        cli_put_bool(o, "opened", is_opened(&opened, list[i].commitment));
        if (err == DT_OK && cli_has(c, "fields"))
            err = put_fields(c, &list[i], o);
        if (err == DT_OK && !cli_has(c, "cover"))
            err = cli_put_arrivals(c, o, list[i].group_id, dt_view_of(list[i].commitment));
        (void)json_array_append_new(array, o);
    }
    (void)json_object_set_new(root, "records", array);
    if (err == DT_OK && !cli_has(c, "cover") && !cli_has(c, "void"))
        err = cli_put_raw(c, root, only);
    if (err == DT_OK && !cli_has(c, "cover") && !cli_has(c, "void"))
        err = cli_put_traces(c, root, only);
    if (err != DT_OK) {
        json_decref(root);
        return err;
    }
    return cli_json(root);
}

/* Who, and where, in words; --json has the whole value. */
static enum dt_err
show_author(struct cli *c, const struct dt_record *r, struct dt_buf *out)
{
    const struct dt_charter *charter = dt_agent_charter(c->agent);
    char key[65], letter[65];
    size_t party = 0;

    dt_hex_str(key, dt_view_of(r->author.key));
    dt_hex_str(letter, dt_view_of(r->author.letter));
    if (dt_charter_party_by_id(charter, r->author.party, &party) != DT_OK)
        return DT_OK;
    out->n = 0;
    return dt_buf_printf(out, "for %.*s, by the key %.12s..., under the letter %.12s...",
                         (int)charter->parties[party].name.n,
                         (const char *)charter->parties[party].name.p, key, letter);
}

static enum dt_err
show_channel(struct cli *c, const struct dt_record *r, struct dt_buf *out)
{
    struct dt_channel_info ch;
    char id[65];

    if (dt_agent_channel(c->agent, r->channel, &ch) != DT_OK)
        return DT_OK; /* not one of ours: its id says most */
    dt_hex_str(id, dt_view_of(r->channel));
    out->n = 0;
    return dt_buf_printf(out, "%s (%.12s...)", ch.name, id);
}

static enum dt_err
show_fields(struct cli *c, const struct dt_record *r, json_t *fields)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < r->header.n_slots && err == DT_OK; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(4u << 20);
        const struct dt_slot *s = &r->slots[i];

        /* A proof file is for programs; what it shows is shown below. */
        if (fields == NULL && i == DT_ENVELOPE_SLOTS &&
            dt_view_equal(r->header.template_id, dt_view_str(DT_CARRIED_TEMPLATE)))
            continue;
        if (s->kind != DT_SLOT_VALUE ||
            (err = dt_record_text(r, i, dt_agent_charter(c->agent), &text)) != DT_OK)
            continue;
        if (fields != NULL) {
            DT_CLEANUP(dt_free_p) char *name = dt_strndup((const char *)s->name.p, s->name.n);

            if (name == NULL)
                return dt_nomem();
            cli_put_view(fields, name, dt_buf_view(&text));
        } else {
            if ((i == DT_SLOT_AUTHOR && (err = show_author(c, r, &text)) != DT_OK) ||
                (i == DT_SLOT_CHANNEL && (err = show_channel(c, r, &text)) != DT_OK))
                return err;
            cli_print_field(s->name, dt_buf_view(&text));
        }
    }
    return err;
}

enum dt_err
cli_record_json(struct cli *c, const struct dt_record_info *info, const struct dt_record *r,
                json_t **out)
{
    json_t *fields = json_object();
    enum dt_err err = show_fields(c, r, fields);

    *out = info_json(info);
    (void)json_object_set_new(*out, "fields", fields);
    return err;
}

static enum dt_err
is_it(void *ctx, const struct dt_record *r, bool *out)
{
    *out = memcmp(r->commitment, ctx, 32) == 0;
    return DT_OK;
}

enum dt_err
cmd_show(struct cli *c)
{
    DT_CLEANUP(dt_free_p) struct dt_record_info *list = NULL;
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    uint8_t commitment[32];
    const struct dt_record_choice it = {
        .before = UINT64_MAX, .last = 1, .wants = is_it, .ctx = commitment};
    json_t *root = NULL;
    json_t *fields = NULL;
    size_t n = 0;
    enum dt_err err;

    err = dt_agent_record_find(c->agent, c->operand[0], commitment);
    if (err == DT_ERR_NOT_FOUND && (err = cli_raw_show(c, c->operand[0])) != DT_ERR_NOT_FOUND)
        return err;
    if (err != DT_OK || (err = dt_agent_record(c->agent, commitment, &r)) != DT_OK ||
        (err = dt_view_equal(dt_template_id(r.tmpl), dt_view_str("cover"))
                   ? dt_agent_cover_records(c->agent, &list, &n)
                   : dt_agent_records_of(c->agent, NULL, &it, &list, &n)) != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        if (memcmp(list[i].commitment, commitment, 32) != 0)
            continue;
        if (c->json)
            root = info_json(&list[i]);
        else
            print_info(c, &list[i], list, n);
    }
    if (c->json)
        fields = json_object();
    if ((err = show_fields(c, &r, fields)) != DT_OK ||
        (err = cli_show_carried(c, &r, root)) != DT_OK || !c->json) {
        json_decref(root);
        json_decref(fields);
        if (err == DT_OK && dt_record_answer(&r, NULL) != DT_ANSWER_NONE)
            cli_print("%s\n", dt_answer_caution(dt_record_answer(&r, NULL)));
        return err;
    }
    (void)json_object_set_new(root, "fields", fields);
    if (dt_record_answer(&r, NULL) != DT_ANSWER_NONE)
        cli_put(root, "caution", dt_answer_caution(dt_record_answer(&r, NULL)));
    return cli_json(root);
}
