/*
 * net/trouble.c - see trouble.h.
 */
#include <string.h>

#include "base/text.h"
#include "base/time.h"

#include "net/json.h"
#include "net/trouble.h"

#define STATUS_MAX 999u

static const struct {
    const char *name;
    enum dt_trouble what;
} words[] = {{"unreached", DT_TROUBLE_UNREACHED},
             {"refuses", DT_TROUBLE_REFUSES},
             {"ahead", DT_TROUBLE_AHEAD},
             {"unsigned", DT_TROUBLE_UNSIGNED}};

#define N_WORDS (sizeof(words) / sizeof(words[0]))

const char *
dt_trouble_name(enum dt_trouble what)
{
    for (size_t i = 0; i < N_WORDS; i++)
        if (words[i].what == what)
            return words[i].name;
    return "other";
}

static enum dt_err
not_it(const char *what)
{
    return dt_fail(DT_ERR_FORMAT, "the relay's answer about its witnesses: %s", what);
}

/* Is anything nested deeper than such an answer is? The JSON parser calls itself for each level. */
static bool
too_deep(struct dt_view json)
{
    bool in_string = false;
    size_t depth = 0;

    for (size_t i = 0; i < json.n; i++) {
        uint8_t c = json.p[i];

        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '[') && ++depth > DT_TROUBLES_DEPTH)
            return true;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return false;
}

static enum dt_err
get_number(const json_t *o, const char *key, uint64_t max, uint64_t *out)
{
    const json_t *v = json_object_get(o, key);
    json_int_t x;

    if (!json_is_integer(v) || (x = json_integer_value(v)) < 0 || (uint64_t)x > max)
        return not_it("a number is missing or out of its range");
    *out = (uint64_t)x;
    return DT_OK;
}

/* The witness ${o}, into ${out} when it has a trouble; *${out_any} says whether. */
static enum dt_err
get_witness(const json_t *o, struct dt_relay_trouble *out, bool *out_any)
{
    const json_t *id = json_object_get(o, "key_id"), *trouble = json_object_get(o, "trouble");
    const json_t *what = json_object_get(trouble, "what");
    struct dt_relay_trouble t = {0};
    uint64_t status = 0;
    uint8_t key[4];
    enum dt_err err;

    if (!json_is_string(id) || dt_hex_read_fixed(key, sizeof(key),
                                                 dt_view((const uint8_t *)json_string_value(id),
                                                         json_string_length(id))) != DT_OK)
        return not_it("a key id is not 8 hex digits");
    *out_any = json_is_object(trouble);
    if (!*out_any)
        return json_is_null(trouble) ? DT_OK : not_it("a trouble is neither null nor an object");
    if (!json_is_string(what))
        return not_it("a trouble has no name");
    for (size_t i = 0; i < N_WORDS; i++)
        if (strcmp(words[i].name, json_string_value(what)) == 0)
            t.what = words[i].what;
    if ((err = get_number(trouble, "status", STATUS_MAX, &status)) != DT_OK ||
        (err = get_number(trouble, "since", DT_TIME_MAX_MS / DT_MS_SECOND, &t.since_s)) != DT_OK)
        return err;
    t.status = (unsigned int)status;
    t.key_id = (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3];
    *out = t;
    return DT_OK;
}

static enum dt_err
troubles_from(const json_t *root, struct dt_relay_troubles *out)
{
    const json_t *list = json_object_get(root, "witnesses");
    size_t n = json_array_size(list);
    uint64_t format = 0;
    enum dt_err err;

    if (!json_is_object(root))
        return not_it("not a JSON object");
    if ((err = get_number(root, "format", 1u << 20, &format)) != DT_OK)
        return err;
    if (format != 1)
        return dt_fail(DT_ERR_UNSUPPORTED, "the relay's answer about its witnesses: format %u",
                       (unsigned int)format);
    if (!json_is_array(list))
        return not_it("there is no list of witnesses");
    if (n > DT_TROUBLES_MAX)
        return dt_fail(DT_ERR_LIMIT, "the relay's answer about its witnesses: more than %u",
                       DT_TROUBLES_MAX);
    for (size_t i = 0; i < n; i++) {
        bool any = false;

        if ((err = get_witness(json_array_get(list, i), &out->v[out->n], &any)) != DT_OK)
            return err;
        out->n += any;
    }
    return DT_OK;
}

enum dt_err
dt_relay_troubles_read(struct dt_view json, struct dt_relay_troubles *out)
{
    struct dt_relay_troubles found = {.n = 0};
    json_t *root = NULL;
    enum dt_err err;

    if (json.n > DT_TROUBLES_ANSWER)
        return dt_fail(DT_ERR_LIMIT, "the relay's answer about its witnesses: more than %u bytes",
                       DT_TROUBLES_ANSWER);
    if (too_deep(json))
        return not_it("nested deeper than it may be");
    if ((err = dt_json_parse(json, &root)) != DT_OK)
        return dt_fail_context(err, "the relay's answer about its witnesses");
    if ((err = troubles_from(root, &found)) == DT_OK)
        *out = found;
    json_decref(root);
    return err;
}

enum dt_err
dt_register_troubles(struct dt_http_client *c, const char *register_url,
                     struct dt_relay_troubles *out)
{
    DT_CLEANUP(dt_http_answer_clear) struct dt_http_answer a = {0};
    const struct dt_http_call call = {.method = "GET", .base = register_url, .path = "/witnesses"};
    enum dt_err err;

    if ((err = dt_http_call(c, &call, &a)) != DT_OK ||
        (err = dt_http_answer_err(register_url, "ask about witnesses", &a)) != DT_OK)
        return err;
    return dt_relay_troubles_read(dt_buf_view(&a.body), out);
}
