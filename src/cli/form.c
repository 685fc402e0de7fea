/*
 * cli/form.c - see form.h.
 *
 * A form as a file: "name: text", further lines of a text behind two spaces; lines that begin with
 * '#' are comments.
 */
#include <stdio.h>
#include <string.h>

#include "agent/records/records.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/json.h"

#include "cli/form.h"
#include "cli/record_io.h"

#define KEPT_TRIES 99u
#define V(view)    (int)(view).n, (view).n > 0 ? (const char *)(view).p : ""

void
cli_form_init(struct cli_form *f, const struct dt_template *tmpl)
{
    f->tmpl = tmpl;
    for (size_t i = 0; i < DT_TEMPLATE_FIELDS; i++)
        dt_buf_init(&f->text[i], CLI_FORM_MAX);
}

void
cli_form_clear(struct cli_form *f)
{
    for (size_t i = 0; i < DT_TEMPLATE_FIELDS; i++)
        dt_buf_wipe(&f->text[i]);
}

enum dt_err
cli_form_take(struct cli_form *f, const struct dt_record_draft *d, const struct dt_charter *charter)
{
    enum dt_err err;

    for (size_t i = 0; i < dt_template_n_fields(f->tmpl); i++) {
        const struct dt_field *field = dt_template_field(f->tmpl, i);
        const struct dt_value_hint hint = {.type = field->type,
                                           .values = field->values,
                                           .n_values = field->n_values,
                                           .charter = charter};

        if (!d->has[DT_ENVELOPE_SLOTS + i])
            continue;
        f->text[i].n = 0;
        if ((err = dt_value_to_text(&hint, dt_buf_view(&d->value[DT_ENVELOPE_SLOTS + i]),
                                    &f->text[i])) != DT_OK)
            return err;
    }
    return DT_OK;
}

/* The last error as a line of ${errors}. NOMEM alone ends what is under way. */
static enum dt_err
note(enum dt_err err, struct dt_buf *errors, size_t *wrong)
{
    if (err == DT_OK || err == DT_ERR_NOMEM)
        return err;
    ++*wrong;
    return dt_buf_printf(errors, "%s\n", dt_err_message());
}

static enum dt_err
set(struct dt_record_draft *d, const struct dt_field *field, struct dt_view text,
    const struct dt_charter *charter)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf nfc = DT_BUF_INIT(4 * CLI_FORM_MAX);
    char name[DT_FIELD_NAME_MAX + 1];
    enum dt_err err;

    (void)snprintf(name, sizeof name, "%.*s", V(field->name));
    if ((err = cli_nfc(text, &nfc)) != DT_OK)
        return dt_fail_context(err, "%s", name);
    return dt_record_draft_set_text(d, name, dt_buf_view(&nfc), charter);
}

enum dt_err
cli_form_fill(const struct cli_form *f, const struct dt_charter *charter, struct dt_record_draft *d,
              struct dt_buf *errors, size_t *wrong)
{
    enum dt_err err;

    for (size_t i = 0; i < dt_template_n_fields(f->tmpl); i++) {
        d->has[DT_ENVELOPE_SLOTS + i] = false;
        d->value[DT_ENVELOPE_SLOTS + i].n = 0;
        if (f->text[i].n == 0)
            continue;
        err = set(d, dt_template_field(f->tmpl, i), dt_buf_view(&f->text[i]), charter);
        if ((err = note(err, errors, wrong)) != DT_OK)
            return err;
    }
    return *wrong > 0 ? DT_OK : note(dt_record_draft_check(d), errors, wrong);
}

/* ---- as a file ---- */

/* Each line of ${text} behind ${indent}. */
static enum dt_err
put_lines(struct dt_view text, const char *first, const char *indent, struct dt_buf *out)
{
    struct dt_view rest = text, line = {0};
    const char *before = first;
    enum dt_err err;

    while (dt_text_split(&rest, '\n', &line)) {
        if ((err = dt_buf_printf(out, "%s", before)) != DT_OK ||
            (err = dt_buf_append(out, line)) != DT_OK ||
            (err = dt_buf_append(out, dt_view_str("\n"))) != DT_OK)
            return err;
        before = indent;
    }
    return DT_OK;
}

static enum dt_err
put_field(const struct dt_field *field, const struct dt_charter *charter, struct dt_view text,
          struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf example = DT_BUF_INIT(400);
    char type[32];
    enum dt_err err = cli_field_example(field, charter, &example);

    dt_type_str(field->type, type);
    if (err != DT_OK ||
        (err = dt_buf_printf(out, "\n# %.*s (%s%s%.*s, %s)\n#   %.*s\n", V(field->name), type,
                             field->unit.n > 0 ? ", in " : "", V(field->unit),
                             field->required ? "required" : "may be left out", V(field->doc))) !=
            DT_OK)
        return err;
    for (size_t k = 0; k < field->n_values; k++)
        if ((err = dt_buf_printf(out, "%s%.*s%s", k == 0 ? "#   one of: " : ", ",
                                 V(field->values[k]), k + 1 == field->n_values ? "\n" : "")) !=
            DT_OK)
            return err;
    if ((err = dt_buf_printf(out, "#   for example: %.*s\n%.*s:", V(dt_buf_view(&example)),
                             V(field->name))) != DT_OK)
        return err;
    return put_lines(text, text.n > 0 ? " " : "", "  ", out);
}

enum dt_err
cli_form_write(const struct cli_form *f, const struct dt_charter *charter, struct dt_view errors,
               struct dt_buf *out)
{
    enum dt_err err;

    if (errors.n > 0 &&
        ((err = dt_buf_printf(out, "# NOT RIGHT YET:\n")) != DT_OK ||
         (err = put_lines(dt_view(errors.p, errors.n - 1), "#! ", "#! ", out)) != DT_OK))
        return err;
    if ((err = dt_buf_printf(
             out,
             "# A record of the kind %.*s: %.*s. Write behind the colons; lines that begin with # "
             "are left away.\n# Further lines of a text begin with two spaces. Items of a list are "
             "separated by ';'.\n# An empty file, or one left as it is, makes no record.\n",
             V(dt_template_id(f->tmpl)), V(dt_template_title(f->tmpl)))) != DT_OK)
        return err;
    for (size_t i = 0; i < dt_template_n_fields(f->tmpl); i++)
        if ((err = put_field(dt_template_field(f->tmpl, i), charter, dt_buf_view(&f->text[i]),
                             out)) != DT_OK)
            return err;
    return DT_OK;
}

static struct dt_view
without_spaces(struct dt_view v)
{
    while (v.n > 0 && (v.p[0] == ' ' || v.p[0] == '\t'))
        v = dt_view(v.p + 1, v.n - 1);
    while (v.n > 0 && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t' || v.p[v.n - 1] == '\r'))
        v.n--;
    return v;
}

/* The place of the field that ${line} begins, and what stands behind its colon. */
static enum dt_err
begin_field(const struct cli_form *f, struct dt_view line, size_t *out, struct dt_view *out_text)
{
    struct dt_view rest = line, name = {0};
    size_t slot = 0;

    if (!dt_text_split(&rest, ':', &name) || rest.p == NULL)
        return dt_fail(DT_ERR_FORMAT, "'%.*s': expected a field's name and a colon",
                       line.n > 40 ? 40 : (int)line.n, (const char *)line.p);
    name = without_spaces(name);
    if (dt_template_slot_find(f->tmpl, name, &slot) != DT_OK || slot < DT_ENVELOPE_SLOTS)
        return dt_fail(DT_ERR_NOT_FOUND, "'%.*s' is no field of this form",
                       name.n > 40 ? 40 : (int)name.n, (const char *)name.p);
    *out = slot - DT_ENVELOPE_SLOTS;
    *out_text = without_spaces(rest);
    return DT_OK;
}

enum dt_err
cli_form_parse(struct cli_form *f, struct dt_view text, struct dt_buf *errors, size_t *wrong)
{
    struct dt_view rest = text, line = {0}, value = {0};
    size_t at = SIZE_MAX;
    enum dt_err err;

    for (size_t i = 0; i < DT_TEMPLATE_FIELDS; i++)
        f->text[i].n = 0;
    while (dt_text_split(&rest, '\n', &line)) {
        if (line.n > 0 && line.p[0] == '#')
            continue;
        if (line.n >= 2 && line.p[0] == ' ' && line.p[1] == ' ' && at != SIZE_MAX) {
            if ((err = dt_buf_append(&f->text[at], dt_view_str("\n"))) != DT_OK ||
                (err = dt_buf_append(&f->text[at], dt_view(line.p + 2, line.n - 2))) != DT_OK)
                return err;
            continue;
        }
        if (without_spaces(line).n == 0)
            continue;
        at = SIZE_MAX;
        if ((err = begin_field(f, line, &at, &value)) == DT_OK)
            err = dt_buf_set(&f->text[at], value);
        if ((err = note(err, errors, wrong)) != DT_OK)
            return err;
    }
    return DT_OK;
}

/* ---- kept to go on with ---- */

enum dt_err
cli_form_keep(struct cli *c, const struct cli_form *f)
{
    const struct dt_view id = dt_template_id(f->tmpl);
    json_t *root = json_object();
    enum dt_err err = DT_ERR_EXISTS;
    char path[DT_TEMPLATE_ID_MAX + 32];
    char *text;

    cli_put_view(root, "@kind", id);
    for (size_t i = 0; i < dt_template_n_fields(f->tmpl); i++) {
        char name[DT_FIELD_NAME_MAX + 1];

        (void)snprintf(name, sizeof name, "%.*s", V(dt_template_field(f->tmpl, i)->name));
        if (f->text[i].n > 0)
            cli_put_view(root, name, dt_buf_view(&f->text[i]));
    }
    text = json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    if (text == NULL)
        return dt_nomem();
    for (unsigned int i = 1; i <= KEPT_TRIES && err == DT_ERR_EXISTS; i++) {
        (void)snprintf(path, sizeof path, "%.*s.draft%u.json", V(id), i);
        err = dt_file_create(path, dt_view_str(text), 0600);
    }
    dt_guard_free(text);
    if (err == DT_OK)
        cli_complain("Kept in %s, in clear. Go on with: detente record %.*s %s --draft %s\n", path,
                     V(id), c->operand[1], path);
    return err;
}

enum dt_err
cli_form_resume(struct cli_form *f, const char *path)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf raw = DT_BUF_INIT(CLI_FORM_MAX);
    json_t *root = NULL;
    const char *name;
    json_t *value;
    size_t slot = 0;
    enum dt_err err;

    if ((err = cli_file(path, &raw)) != DT_OK ||
        (err = dt_json_parse(dt_buf_view(&raw), &root)) != DT_OK)
        return dt_fail_context(err, "%s", path);
    json_object_foreach(root, name, value)
    {
        if (strcmp(name, "@kind") == 0) {
            if (!json_is_string(value) ||
                !dt_view_equal(dt_view_str(json_string_value(value)), dt_template_id(f->tmpl)))
                err = dt_fail(DT_ERR_FORMAT, "%s: a draft of another kind of record", path);
        } else if (dt_template_slot_find(f->tmpl, dt_view_str(name), &slot) != DT_OK ||
                   slot < DT_ENVELOPE_SLOTS || !json_is_string(value)) {
            err = dt_fail(DT_ERR_FORMAT, "%s: not a draft that was kept here", path);
        } else {
            err = dt_buf_set(&f->text[slot - DT_ENVELOPE_SLOTS],
                             dt_view_str(json_string_value(value)));
        }
        if (err != DT_OK)
            break;
    }
    json_decref(root);
    return err;
}
