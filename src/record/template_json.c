/*
 * record/template_json.c - a template written as JSON for people, turned into its encoding.
 *
 * Source: data/templates/_meta.json for the words used. Layer: record; the only file here that
 * reads JSON. What is hashed is the encoding alone; purpose, models, basis and docs are for people.
 */
#include <jansson.h>
#include <string.h>

#include "base/guard.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include "record/template_internal.h"

static void
decref(json_t **j)
{
    json_decref(*j);
}

/* A string member; ${fallback} when it is not there or null; NULL when it is something else. */
static const char *
member(const json_t *object, const char *key, const char *fallback)
{
    const json_t *j = json_object_get(object, key);

    if (j == NULL || json_is_null(j))
        return fallback;
    return json_is_string(j) ? json_string_value(j) : NULL;
}

static bool
flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* "before:F:D" and so on, as _meta.json lists them. */
static enum dt_err
read_rule(struct dt_view rule, struct dt_deadline_rule *out)
{
    static const struct {
        const char *name;
        enum dt_deadline kind;
    } kinds[] = {{"none", DT_DEADLINE_NONE},   {"before", DT_DEADLINE_BEFORE},
                 {"after", DT_DEADLINE_AFTER}, {"reply", DT_DEADLINE_REPLY},
                 {"every", DT_DEADLINE_EVERY}, {"each", DT_DEADLINE_EACH}};
    struct dt_view rest = rule, word = {0}, part = {0};
    bool known = false;
    enum dt_err err;

    if (!dt_text_split(&rest, ':', &word))
        return dt_fail(DT_ERR_FORMAT, "an empty deadline rule");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (dt_view_equal(word, dt_view_str(kinds[i].name))) {
            out->kind = kinds[i].kind;
            known = true;
        }
    if (!known)
        return dt_fail(DT_ERR_FORMAT, "a deadline rule that is none of those known");
    if (out->kind == DT_DEADLINE_EACH) {
        if (!dt_text_split(&rest, ':', &word))
            return dt_fail(DT_ERR_FORMAT, "a rule 'each' without days");
        while (dt_text_split(&word, ',', &part)) {
            uint64_t month = 0, day = 0;

            if (part.n != 5 || part.p[2] != '-' || out->n_days == 12)
                return dt_fail(DT_ERR_FORMAT, "a rule 'each' has up to 12 days as MM-DD");
            month = (uint64_t)(part.p[0] - '0') * 10 + (uint64_t)(part.p[1] - '0');
            day = (uint64_t)(part.p[3] - '0') * 10 + (uint64_t)(part.p[4] - '0');
            out->days[out->n_days].month = month > 12 ? 0 : (uint8_t)month;
            out->days[out->n_days].day = day > 31 ? 0 : (uint8_t)day;
            out->n_days++;
        }
    } else if (out->kind != DT_DEADLINE_NONE) {
        if (out->kind != DT_DEADLINE_EVERY && !dt_text_split(&rest, ':', &out->field))
            return dt_fail(DT_ERR_FORMAT, "a rule without its field");
        if (!dt_text_split(&rest, ':', &part))
            return dt_fail(DT_ERR_FORMAT, "a rule without its span");
        if ((err = dt_duration_read(part, &out->span_ms)) != DT_OK)
            return err;
    }
    return rest.p == NULL ? DT_OK : dt_fail(DT_ERR_FORMAT, "too many parts in a deadline rule");
}

static enum dt_err
read_ack(const json_t *ack, struct dt_template_parts *parts)
{
    const char *kind = member(ack, "kind", ""), *within = member(ack, "within", "");

    parts->ack = DT_ACK_NONE;
    if (!flag(ack, "required"))
        return DT_OK;
    if (kind == NULL || within == NULL)
        return dt_fail(DT_ERR_FORMAT, "the acknowledgement's kind and time are text");
    if (strcmp(kind, "receipt") == 0)
        parts->ack = DT_ACK_RECEIPT;
    else if (strcmp(kind, "countersign") == 0)
        parts->ack = DT_ACK_COUNTERSIGN;
    else if (strcmp(kind, "answer") == 0)
        parts->ack = DT_ACK_ANSWER;
    else
        return dt_fail(DT_ERR_FORMAT, "an acknowledgement that is none of those known");
    return dt_duration_read(dt_view_str(within), &parts->ack_within_ms);
}

static enum dt_err
read_disclosure(const char *text, enum dt_disclosure *out)
{
    static const char *const levels[] = {"sealed", "type", "meta", "summary", "full"};

    for (size_t i = 0; text != NULL && i < sizeof levels / sizeof levels[0]; i++)
        if (strcmp(text, levels[i]) == 0) {
            *out = (enum dt_disclosure)(i + 1);
            return DT_OK;
        }
    return dt_fail(DT_ERR_FORMAT, "a default disclosure that is none of those known");
}

/* One field; its enum names are appended to ${values}. */
static enum dt_err
read_field(const json_t *j, struct dt_template_parts *parts, struct dt_view *doc,
           struct dt_buf *values)
{
    const char *name = member(j, "name", ""), *type = member(j, "type", ""),
               *unit = member(j, "unit", "");
    const char *text = member(j, "doc", "");
    const json_t *list = json_object_get(j, "values"), *item;
    struct dt_writer w = dt_writer_init(values);
    size_t k = parts->n_fields++, i;
    enum dt_err err;

    if (name == NULL || type == NULL || unit == NULL || text == NULL)
        return dt_fail(DT_ERR_FORMAT, "name, type, unit and doc are text");
    parts->fields[k].name = dt_view_str(name);
    parts->fields[k].unit = dt_view_str(unit);
    parts->fields[k].flags = (uint8_t)((flag(j, "required") ? DT_FIELD_REQUIRED : 0) |
                                       (flag(j, "public") ? DT_FIELD_PUBLIC : 0));
    *doc = dt_view_str(text);
    if ((err = dt_type_read(dt_view_str(type), &parts->fields[k].type)) != DT_OK)
        return err;
    if (list != NULL && !json_is_array(list))
        return dt_fail(DT_ERR_FORMAT, "values are an array");
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item))
            return dt_fail(DT_ERR_FORMAT, "values are names");
        dt_write_str(&w, json_string_value(item));
    }
    return dt_writer_end(&w);
}

/* Title, purpose and what is said of deadline and acknowledgement. */
static enum dt_err
read_words(const json_t *root, const char *title, struct dt_template_words *out)
{
    const char *purpose = member(root, "purpose", ""),
               *deadline = member(json_object_get(root, "deadline"), "doc", ""),
               *ack = member(json_object_get(root, "ack"), "doc", "");

    if (purpose == NULL || deadline == NULL || ack == NULL)
        return dt_fail(DT_ERR_FORMAT, "purpose and doc are text");
    out->title = dt_view_str(title);
    out->purpose = dt_view_str(purpose);
    out->deadline = dt_view_str(deadline);
    out->ack = dt_view_str(ack);
    return DT_OK;
}

/* One call of the parser, under dt_guarded(). */
struct parse {
    struct dt_view json;
    json_t *root;
    json_error_t where;
};

static void
parse(void *ctx)
{
    struct parse *p = ctx;

    p->root = json_loadb((const char *)p->json.p, p->json.n, JSON_REJECT_DUPLICATES, &p->where);
}

enum dt_err
dt_template_from_json(struct dt_view json, struct dt_template **out)
{
    DT_CLEANUP(decref) json_t *root = NULL;
    DT_CLEANUP(dt_buf_clear) struct dt_buf values = DT_BUF_INIT(DT_TEMPLATE_MAX);
    size_t end[DT_TEMPLATE_FIELDS + 1] = {0};
    struct dt_view docs[DT_TEMPLATE_FIELDS] = {{0}};
    struct dt_template_parts parts = {.version = 1};
    const json_t *fields, *f;
    const char *id, *title, *rule;
    struct dt_template_words words = {.docs = docs};
    struct dt_template *t = NULL;
    struct parse p = {.json = json};
    size_t i;
    enum dt_err err;

    if (json.n > DT_TEMPLATE_JSON_MAX)
        return dt_fail(DT_ERR_LIMIT, "a template file has at most %u bytes", DT_TEMPLATE_JSON_MAX);
    json_set_alloc_funcs(dt_guard_alloc, dt_guard_free);
    if ((err = dt_guarded(parse, &p)) != DT_OK)
        return err;
    root = p.root;
    if (root == NULL)
        return dt_fail(DT_ERR_FORMAT, "line %d: not JSON", p.where.line);
    id = member(root, "id", "");
    title = member(root, "title", "");
    rule = member(json_object_get(root, "deadline"), "rule", "");
    fields = json_object_get(root, "fields");
    if (id == NULL || title == NULL || rule == NULL || !json_is_array(fields) ||
        json_array_size(fields) > DT_TEMPLATE_FIELDS)
        return dt_fail(DT_ERR_FORMAT, "id, title, deadline or fields");
    parts.id = dt_view_str(id);
    json_array_foreach(fields, i, f)
    {
        if ((err = read_field(f, &parts, &docs[i], &values)) != DT_OK)
            return dt_fail_context(err, "field %zu", i + 1);
        end[i + 1] = values.n;
    }
    for (i = 0; i < parts.n_fields; i++)
        if (end[i + 1] > end[i])
            parts.fields[i].values = dt_view(values.p + end[i], end[i + 1] - end[i]);
    if ((err = read_words(root, title, &words)) != DT_OK ||
        (err = read_rule(dt_view_str(rule), &parts.deadline)) != DT_OK ||
        (err = read_ack(json_object_get(root, "ack"), &parts)) != DT_OK ||
        (err = read_disclosure(member(root, "default_disclosure", NULL), &parts.disclosure)) !=
            DT_OK ||
        (err = dt_template_from_parts(&parts, &t)) != DT_OK)
        return err;
    if ((err = dt_template_set_words(t, &words)) != DT_OK) {
        dt_template_free(t);
        return err;
    }
    *out = t;
    return DT_OK;
}
