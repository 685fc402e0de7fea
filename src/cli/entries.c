/*
 * cli/entries.c - see entries.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/json.h"

#include "cli/entries.h"

void
cli_entries_clear(struct cli_entries *e)
{
    dt_csv_clear(&e->table);
    json_decref(e->json);
    *e = (struct cli_entries){0};
}

/* One object stands for an array of it. */
static enum dt_err
read_json(struct dt_view text, struct cli_entries *e)
{
    const json_t *item;
    size_t i;
    enum dt_err err = dt_json_parse(text, &e->json);

    if (err != DT_OK)
        return err;
    if (json_is_object(e->json)) {
        json_t *list = json_array();

        if (list == NULL || json_array_append_new(list, e->json) != 0) {
            e->json = list == NULL ? e->json : NULL;
            json_decref(list);
            return dt_nomem();
        }
        e->json = list;
    }
    json_array_foreach(e->json, i, item)
    {
        if (!json_is_object(item))
            return dt_fail(DT_ERR_FORMAT,
                           "entry %zu: expected an object of fields, as "
                           "{\"mode\": \"call\"}",
                           i + 1);
    }
    e->n = json_array_size(e->json);
    return DT_OK;
}

enum dt_err
cli_entries_parse(const char *path, struct dt_view text, struct cli_entries *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf nfc = DT_BUF_INIT(4 * DT_CSV_FILE_MAX);
    struct dt_view v;
    enum dt_err err;

    out->file = path;
    if ((err = cli_nfc(text, &nfc)) != DT_OK)
        return dt_fail_context(err, "%s", path);
    for (v = dt_buf_view(&nfc); v.n > 0 && (v.p[0] == ' ' || v.p[0] == '\n' || v.p[0] == '\t');)
        v = dt_view(v.p + 1, v.n - 1);
    if (v.n > 0 && (v.p[0] == '[' || v.p[0] == '{')) {
        err = read_json(v, out);
    } else if ((err = dt_csv_read(dt_buf_view(&nfc), &out->table)) == DT_OK) {
        out->n = out->table.n_rows - 1;
    }
    if (err == DT_OK && out->n == 0)
        err = dt_fail(DT_ERR_FORMAT, "there is no entry in it");
    if (err == DT_OK && out->n > CLI_ENTRIES_MAX)
        err = dt_fail(DT_ERR_LIMIT, "more than %u entries in one file", CLI_ENTRIES_MAX);
    if (err != DT_OK)
        cli_entries_clear(out);
    return dt_fail_context(err, "%s", path);
}

enum dt_err
cli_entries_read(const char *path, struct cli_entries *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf raw = DT_BUF_INIT(DT_CSV_FILE_MAX);
    enum dt_err err = cli_file(path, &raw);

    return err != DT_OK ? err : cli_entries_parse(path, dt_buf_view(&raw), out);
}

void
cli_entries_complain(const struct cli_entries *e, size_t i)
{
    /* As the table's program numbers them: the header is row 1. */
    if (e->json == NULL)
        cli_complain("%s: row %zu: %s\n", e->file, i + 2, dt_err_message());
    else
        cli_complain("%s: entry %zu: %s\n", e->file, i + 1, dt_err_message());
}

enum dt_err
cli_entries_kind(const struct cli_entries *e, size_t i, char out[static DT_TEMPLATE_ID_MAX + 1])
{
    struct dt_view kind = {0};
    size_t column = 0;

    out[0] = '\0';
    if (e->json != NULL) {
        const json_t *j = json_object_get(json_array_get(e->json, i), "@kind");

        if (j == NULL)
            return DT_OK;
        kind = dt_view_str(json_is_string(j) ? json_string_value(j) : "");
    } else {
        if (dt_csv_column(&e->table, "@kind", &column) != DT_OK)
            return DT_OK;
        kind = dt_csv_cell(&e->table, i + 1, column);
    }
    if (!dt_template_id_valid(kind))
        return dt_fail(DT_ERR_FORMAT, "@kind: expected the name of a template, as contact");
    (void)snprintf(out, DT_TEMPLATE_ID_MAX + 1, "%.*s", (int)kind.n, (const char *)kind.p);
    return DT_OK;
}

/* ---- JSON values as the text that fields are read from ---- */

static enum dt_err put_value(const json_t *j, struct dt_buf *out);

/* Text inside a map: nothing in it ends a pair, and it is never taken for a number. */
static enum dt_err
put_escaped(const char *s, struct dt_buf *out)
{
    enum dt_err err = DT_OK;

    for (; *s != '\0' && err == DT_OK; s++) {
        if (strchr("\\;,='", *s) != NULL)
            err = dt_buf_append(out, dt_view_str("\\"));
        if (err == DT_OK)
            err = dt_buf_append(out, dt_view((const uint8_t *)s, 1));
    }
    return err;
}

static enum dt_err
put_map(json_t *object, struct dt_buf *out)
{
    const char *key;
    json_t *value;
    bool first = true;
    enum dt_err err;

    json_object_foreach(object, key, value)
    {
        if ((!first && (err = dt_buf_append(out, dt_view_str(","))) != DT_OK) ||
            (err = put_escaped(key, out)) != DT_OK ||
            (err = dt_buf_append(out, dt_view_str("="))) != DT_OK)
            return err;
        first = false;
        if (json_is_string(value)) {
            if ((err = dt_buf_append(out, dt_view_str("'"))) == DT_OK)
                err = put_escaped(json_string_value(value), out);
        } else if (json_is_object(value) || json_is_array(value)) {
            err = dt_fail(DT_ERR_FORMAT, "the values of a map are numbers, words, true or false");
        } else {
            err = put_value(value, out);
        }
        if (err != DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
put_value(const json_t *j, struct dt_buf *out)
{
    if (json_is_string(j))
        return dt_buf_append(out, dt_view_str(json_string_value(j)));
    if (json_is_integer(j))
        return dt_buf_printf(out, "%lld", (long long)json_integer_value(j));
    if (json_is_real(j))
        return dt_buf_printf(out, "%.15g", json_real_value(j));
    if (json_is_boolean(j))
        return dt_buf_printf(out, "%s", json_is_true(j) ? "true" : "false");
    return dt_fail(DT_ERR_FORMAT, "expected a text, a number, true or false");
}

/* An object is a map, or else a place as GeoJSON. */
static enum dt_err
put_object(json_t *j, uint8_t type, struct dt_buf *out)
{
    char *text;
    enum dt_err err;

    if (dt_type_item(type) == DT_TYPE_MAP || dt_type_item(type) == DT_TYPE_ACCOUNT)
        return put_map(j, out);
    text = json_dumps(j, JSON_COMPACT);
    if (text == NULL)
        return dt_nomem();
    err = dt_buf_append(out, dt_view_str(text));
    dt_guard_free(text);
    return err;
}

static enum dt_err
put_any(json_t *j, uint8_t type, struct dt_buf *out)
{
    return json_is_object(j) ? put_object(j, type, out) : put_value(j, out);
}

static enum dt_err
set_list(struct dt_record_draft *d, const char *name, uint8_t type, json_t *list,
         const struct dt_charter *charter)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(DT_CSV_FILE_MAX);
    DT_CLEANUP(dt_free_p) struct dt_view *items = NULL;
    DT_CLEANUP(dt_free_p) size_t *end = NULL;
    const size_t n = json_array_size(list);
    enum dt_err err;

    items = dt_alloc(n + 1, sizeof *items);
    end = dt_alloc(n + 1, sizeof *end);
    if (items == NULL || end == NULL)
        return dt_nomem();
    for (size_t i = 0; i < n; i++) {
        if ((err = put_any(json_array_get(list, i), type, &text)) != DT_OK)
            return dt_fail_context(err, "%s", name);
        end[i + 1] = text.n;
    }
    for (size_t i = 0; i < n; i++)
        items[i] = dt_view(text.p + end[i], end[i + 1] - end[i]);
    return dt_record_draft_set_items(d, name, items, n, charter);
}

static enum dt_err
set_json(struct dt_record_draft *d, const char *name, json_t *j, const struct dt_charter *charter)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(DT_CSV_FILE_MAX);
    struct dt_field f = {0};
    size_t index = 0;
    enum dt_err err;

    if (json_is_null(j))
        return DT_OK;
    if (dt_template_slot_find(d->tmpl, dt_view_str(name), &index) == DT_OK)
        dt_template_slot(d->tmpl, index, &f);
    if (json_is_array(j))
        return set_list(d, name, f.type, j, charter);
    if ((err = put_any(j, f.type, &text)) != DT_OK)
        return dt_fail_context(err, "%s", name);
    return dt_record_draft_set_text(d, name, dt_buf_view(&text), charter);
}

/* Is the error that was given one of the file's contents? Then it is said and counted. */
static enum dt_err
count(const struct cli_entries *e, size_t i, enum dt_err err, size_t *wrong)
{
    if (err == DT_OK || err == DT_ERR_NOMEM)
        return err;
    cli_entries_complain(e, i);
    ++*wrong;
    return DT_OK;
}

static enum dt_err
fill_row(const struct cli_entries *e, size_t i, const struct dt_charter *charter,
         struct dt_record_draft *d, size_t *wrong)
{
    for (size_t column = 0; column < e->table.n_columns; column++) {
        const struct dt_view head = dt_csv_cell(&e->table, 0, column),
                             cell = dt_csv_cell(&e->table, i + 1, column);
        DT_CLEANUP(dt_free_p) char *name = NULL;
        enum dt_err err;

        if (cell.n == 0 || dt_view_equal(head, dt_view_str("@kind")))
            continue;
        name = dt_strndup(head.n > 0 ? (const char *)head.p : "", head.n);
        if (name == NULL)
            return dt_nomem();
        err = dt_record_draft_set_text(d, name, cell, charter);
        if ((err = count(e, i, err, wrong)) != DT_OK)
            return err;
    }
    return DT_OK;
}

enum dt_err
cli_entries_fill(const struct cli_entries *e, size_t i, const struct dt_charter *charter,
                 struct dt_record_draft *d, size_t *wrong)
{
    const size_t before = *wrong;
    const char *name;
    json_t *value;
    enum dt_err err = DT_OK;

    if (e->json == NULL) {
        err = fill_row(e, i, charter, d, wrong);
    } else {
        json_object_foreach(json_array_get(e->json, i), name, value)
        {
            if (strcmp(name, "@kind") != 0 &&
                (err = count(e, i, set_json(d, name, value, charter), wrong)) != DT_OK)
                return err;
        }
    }
    /* What lacks is said once all else is right: else the one follows from the other. */
    if (err == DT_OK && *wrong == before)
        err = count(e, i, dt_record_draft_check(d), wrong);
    return err;
}
