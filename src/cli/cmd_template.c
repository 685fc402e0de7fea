/*
 * cli/cmd_template.c - detente template list | show | check: what kinds of record there are, what
 * each asks, and whether a file of entries is as its kind wants it.
 */
#include <stdio.h>
#include <string.h>

#include "agent/records/raw.h"
#include "base/file.h"

#include "cli/charter_io.h"
#include "cli/commands.h"
#include "cli/entries.h"
#include "cli/record_io.h"

/* What is said of a template or a field, made anew each time. */
struct words {
    struct dt_buf deadline, ack;
};

static void
words_clear(struct words *w)
{
    dt_buf_clear(&w->deadline);
    dt_buf_clear(&w->ack);
}

static enum dt_err
words_of(const struct dt_template *t, struct words *out)
{
    enum dt_err err;

    dt_buf_init(&out->deadline, 1000);
    dt_buf_init(&out->ack, 1000);
    if ((err = dt_template_say_deadline(t, &out->deadline)) != DT_OK)
        return err;
    return dt_template_say_ack(t, &out->ack);
}

enum dt_err
cli_field_example(const struct dt_field *f, const struct dt_charter *charter, struct dt_buf *out)
{
    const struct dt_value_hint hint = {.type = f->type,
                                       .values = f->values,
                                       .n_values = f->n_values,
                                       .charter = charter,
                                       .unit = f->unit};

    return dt_value_example(&hint, out);
}

#define V(view) (int)(view).n, (view).n > 0 ? (const char *)(view).p : ""

static enum dt_err
print_field(const struct dt_field *f)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf example = DT_BUF_INIT(400);
    char type[32];
    enum dt_err err = cli_field_example(f, NULL, &example);

    if (err != DT_OK)
        return err;
    dt_type_str(f->type, type);
    cli_print("  %.*s: %s", V(f->name), type);
    if (f->unit.n > 0)
        cli_print(", in %.*s", V(f->unit));
    cli_print(", %s%s\n", f->required ? "required" : "may be left out",
              f->is_public ? ", public" : "");
    if (f->doc.n > 0)
        cli_print("      %.*s\n", V(f->doc));
    for (size_t k = 0; k < f->n_values; k++)
        cli_print("%s%.*s%s", k == 0 ? "      one of: " : ", ", V(f->values[k]),
                  k + 1 == f->n_values ? "\n" : "");
    cli_print("      for example: %.*s\n", V(dt_buf_view(&example)));
    return DT_OK;
}

static enum dt_err
print_template(const struct dt_template *t)
{
    DT_CLEANUP(words_clear) struct words w = {0};
    const enum dt_disclosure d = dt_template_disclosure(t);
    enum dt_err err = words_of(t, &w);

    if (err != DT_OK)
        return err;
    cli_print("%.*s - %.*s\n", V(dt_template_id(t)), V(dt_template_title(t)));
    if (dt_template_purpose(t).n > 0)
        cli_print("%.*s\n", V(dt_template_purpose(t)));
    cli_print("Deadline: %.*s.\n", V(dt_buf_view(&w.deadline)));
    if (dt_template_deadline_doc(t).n > 0)
        cli_print("  %.*s\n", V(dt_template_deadline_doc(t)));
    cli_print("Acknowledgement: %.*s.\n", V(dt_buf_view(&w.ack)));
    if (dt_template_ack_doc(t).n > 0)
        cli_print("  %.*s\n", V(dt_template_ack_doc(t)));
    cli_print("Disclosure by default: %s. The parties are expected to show the world: %s.\n",
              dt_disclosure_name(d), dt_disclosure_says(d));
    cli_print("Fields:\n");
    for (size_t i = 0; i < dt_template_n_fields(t) && err == DT_OK; i++)
        err = print_field(dt_template_field(t, i));
    return err;
}

static enum dt_err
field_json(const struct dt_field *f, json_t *o)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf example = DT_BUF_INIT(400);
    char type[32];
    enum dt_err err = cli_field_example(f, NULL, &example);

    dt_type_str(f->type, type);
    cli_put_view(o, "name", f->name);
    cli_put(o, "type", type);
    cli_put_view(o, "unit", f->unit);
    cli_put_bool(o, "required", f->required);
    cli_put_bool(o, "public", f->is_public);
    cli_put_view(o, "doc", f->doc);
    cli_put_view(o, "example", dt_buf_view(&example));
    if (f->n_values > 0) {
        json_t *values = json_array();

        for (size_t k = 0; k < f->n_values; k++)
            (void)json_array_append_new(values,
                                        json_stringn((const char *)f->values[k].p, f->values[k].n));
        (void)json_object_set_new(o, "values", values);
    }
    return err;
}

static enum dt_err
template_json(const struct dt_template *t, json_t *o)
{
    DT_CLEANUP(words_clear) struct words w = {0};
    json_t *fields = json_array();
    enum dt_err err = words_of(t, &w);

    cli_put_view(o, "id", dt_template_id(t));
    cli_put_view(o, "title", dt_template_title(t));
    cli_put_view(o, "purpose", dt_template_purpose(t));
    cli_put_hex(o, "hash", dt_view(dt_template_hash(t), 32));
    cli_put_u64(o, "slots", dt_template_slots(t));
    cli_put_bool(o, "builtin", dt_template_builtin(t));
    cli_put_view(o, "deadline", dt_buf_view(&w.deadline));
    cli_put_view(o, "acknowledgement", dt_buf_view(&w.ack));
    cli_put(o, "disclosure", dt_disclosure_name(dt_template_disclosure(t)));
    for (size_t i = 0; i < dt_template_n_fields(t); i++) {
        json_t *j = json_object();

        if (err == DT_OK)
            err = field_json(dt_template_field(t, i), j);
        (void)json_array_append_new(fields, j);
    }
    (void)json_object_set_new(o, "fields", fields);
    return err;
}

/* ${root} unless there was an error. */
static enum dt_err
answer_json(json_t *root, enum dt_err err)
{
    if (err == DT_OK)
        return cli_json(root);
    json_decref(root);
    return err;
}

enum dt_err
cli_template_file(const char *path, struct dt_buf *raw, struct dt_template **out)
{
    enum dt_err err = cli_file(path, raw);

    if (err == DT_OK)
        err = dt_fail_context(dt_template_from_json(dt_buf_view(raw), out), "%s", path);
    return err;
}

/* Those that every program knows, and those of --template. */
static enum dt_err
load(struct cli *c, struct dt_templates **out)
{
    const char *path;
    size_t at = 0;
    enum dt_err err = dt_templates_load(out);

    while (err == DT_OK && (path = cli_next(c, "template", &at)) != NULL) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(DT_TEMPLATE_JSON_MAX);
        struct dt_template *t = NULL;

        if ((err = cli_template_file(path, &raw, &t)) == DT_OK)
            err = dt_fail_context(dt_templates_add(*out, t), "%s", path);
    }
    return err;
}

enum dt_err
cli_templates_add(struct dt_agent *a, const char *const *paths, size_t n, size_t *out_taken)
{
    for (size_t i = 0; i < n; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf raw = DT_BUF_INIT(DT_TEMPLATE_JSON_MAX);
        size_t taken = 0;
        enum dt_err err;

        if ((err = cli_file(paths[i], &raw)) != DT_OK ||
            (err = dt_agent_template_add(a, dt_buf_view(&raw), &taken)) != DT_OK)
            return dt_fail_context(err, "%s", paths[i]);
        *out_taken += taken;
    }
    return DT_OK;
}

enum dt_err
cmd_template_add(struct cli *c)
{
    size_t taken = 0;
    enum dt_err err = cli_templates_add(c->agent, c->operand, c->n_operands, &taken);

    if (err != DT_OK)
        return err;
    if (c->json) {
        json_t *root = json_object();

        cli_put_u64(root, "taken_in", taken);
        return cli_json(root);
    }
    cli_note(c, "%zu records that came before were taken in", taken);
    return DT_OK;
}

enum dt_err
cmd_template_list(struct cli *c)
{
    DT_CLEANUP(dt_templates_free_p) struct dt_templates *set = NULL;
    json_t *root;
    json_t *list;
    enum dt_err err = load(c, &set);

    if (err != DT_OK)
        return err;
    if (!c->json) {
        for (size_t i = 0; i < dt_templates_count(set); i++) {
            const struct dt_template *t = dt_templates_at(set, i);

            cli_print("%-14.*s %.*s\n", V(dt_template_id(t)), V(dt_template_title(t)));
        }
        return DT_OK;
    }
    root = json_object();
    list = json_array();
    for (size_t i = 0; i < dt_templates_count(set); i++) {
        json_t *o = json_object();

        if (err == DT_OK)
            err = template_json(dt_templates_at(set, i), o);
        (void)json_array_append_new(list, o);
    }
    (void)json_object_set_new(root, "templates", list);
    return answer_json(root, err);
}

enum dt_err
cli_template(const struct dt_templates *set, const char *kind, const struct dt_template **out)
{
    struct dt_view names[DT_TEMPLATES];
    struct dt_view near;
    size_t n = dt_templates_count(set);

    *out = dt_templates_get_str(set, kind);
    if (*out != NULL)
        return DT_OK;
    for (size_t i = 0; i < n; i++)
        names[i] = dt_template_id(dt_templates_at(set, i));
    near = dt_value_near(dt_view_str(kind), names, n);
    if (near.n > 0)
        return dt_fail(DT_ERR_NOT_FOUND, "there is no template '%s'; did you mean %.*s?", kind,
                       V(near));
    return dt_fail(DT_ERR_NOT_FOUND, "there is no template '%s'; see detente template list", kind);
}

enum dt_err
cmd_template_show(struct cli *c)
{
    DT_CLEANUP(dt_templates_free_p) struct dt_templates *set = NULL;
    const struct dt_template *t = NULL;
    json_t *root;
    enum dt_err err;

    if ((err = load(c, &set)) != DT_OK || (err = cli_template(set, c->operand[0], &t)) != DT_OK)
        return err;
    if (!c->json)
        return print_template(t);
    root = json_object();
    return answer_json(root, template_json(t, root));
}

/* Entry ${i} as a record of nobody in no channel: what its fields say is what is looked at. */
static enum dt_err
check_entry(const struct cli_entries *e, size_t i, const struct dt_templates *set,
            const char *standard, const struct dt_charter *charter, size_t *wrong)
{
    static const struct dt_letter nobody;
    static const uint8_t nowhere[32];
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    char kind[DT_TEMPLATE_ID_MAX + 1];
    const struct dt_template *t = NULL;
    enum dt_err err = cli_entries_kind(e, i, kind);

    if (err == DT_OK && kind[0] == '\0' && standard == NULL)
        return dt_fail(DT_ERR_USAGE, "%s does not say its @kind: say --kind KIND", e->file);
    if (err == DT_OK)
        err = cli_template(set, kind[0] != '\0' ? kind : standard, &t);
    if (err == DT_OK && kind[0] != '\0' && standard != NULL && strcmp(kind, standard) != 0)
        err = dt_fail(DT_ERR_FORMAT, "@kind: expected %s", standard);
    if (err != DT_OK) {
        cli_entries_complain(e, i);
        ++*wrong;
        return DT_OK;
    }
    if ((err = dt_record_draft_init(&d, t, &nobody, nowhere, 0)) != DT_OK)
        return err;
    return cli_entries_fill(e, i, charter, &d, wrong);
}

enum dt_err
cmd_template_check(struct cli *c)
{
    DT_CLEANUP(dt_templates_free_p) struct dt_templates *set = NULL;
    DT_CLEANUP(cli_entries_clear) struct cli_entries e = {0};
    DT_CLEANUP(dt_charter_clear) struct dt_charter charter = {0};
    const char *charter_file = cli_get(c, "charter");
    size_t wrong = 0;
    enum dt_err err;

    if ((err = load(c, &set)) != DT_OK ||
        (charter_file != NULL && (err = cli_charter(c, charter_file, &charter)) != DT_OK) ||
        (err = cli_entries_read(c->operand[0], &e)) != DT_OK)
        return err;
    for (size_t i = 0; i < e.n && err == DT_OK; i++)
        err = check_entry(&e, i, set, cli_get(c, "kind"), charter_file != NULL ? &charter : NULL,
                          &wrong);
    if (err != DT_OK)
        return err;
    if (wrong > 0)
        return dt_fail(DT_ERR_FORMAT, "%s: %zu wrong in %zu entries", e.file, wrong, e.n);
    if (c->json) {
        json_t *root = json_object();

        cli_put_u64(root, "entries", e.n);
        return cli_json(root);
    }
    cli_print("%zu %s, all as %s template wants. Nothing was sent.\n", e.n,
              e.n == 1 ? "entry" : "entries", e.n == 1 ? "its" : "their");
    return DT_OK;
}
