/*
 * console/call.c - see call.h.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/json.h"

#include "console/call.h"

static void
json_done(json_t **j)
{
    json_decref(*j);
}

/* Bytes of a JSON string, which may hold a NUL. */
static struct dt_view
text_of(const json_t *j)
{
    return dt_view((const uint8_t *)json_string_value(j), json_string_length(j));
}

static bool
name_ok(struct dt_view v)
{
    if (v.n == 0 || v.n > DT_CONSOLE_NAME_MAX)
        return false;
    for (size_t i = 0; i < v.n; i++)
        if (!(v.p[i] >= 'a' && v.p[i] <= 'z') && !(v.p[i] >= '0' && v.p[i] <= '9') &&
            v.p[i] != '-' && v.p[i] != ' ')
            return false;
    return true;
}

bool
dt_console_file_name_ok(struct dt_view v)
{
    if (v.n == 0 || v.n > DT_CONSOLE_FILE_NAME || !dt_utf8_valid(v) ||
        dt_view_equal(v, dt_view_str(".")) || dt_view_equal(v, dt_view_str("..")))
        return false;
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] < 0x20 || v.p[i] == 0x7f || v.p[i] == '/' || v.p[i] == '\\')
            return false;
    return true;
}

static enum dt_err
copy(struct dt_view v, char **out)
{
    if (v.n > 0 && memchr(v.p, 0, v.n) != NULL)
        return dt_fail(DT_ERR_FORMAT, "a value of the call holds a NUL");
    if ((*out = dt_strndup(v.n > 0 ? (const char *)v.p : "", v.n)) == NULL)
        return dt_nomem();
    return DT_OK;
}

/* {"upload": ID} or {"download": NAME}. */
static enum dt_err
read_file(const json_t *j, struct dt_console_value *out)
{
    const json_t *upload = json_object_get(j, "upload");
    const json_t *download = json_object_get(j, "download");

    if (json_object_size(j) != 1 || !(json_is_string(upload) || json_is_string(download)))
        return dt_fail(DT_ERR_FORMAT, "a file of the call is {\"upload\": ID} or {\"download\": "
                                      "NAME}");
    if (upload != NULL) {
        out->kind = DT_CONSOLE_UPLOAD;
        if (dt_hex_read_fixed(out->id, sizeof out->id, text_of(upload)) != DT_OK)
            return dt_fail(DT_ERR_FORMAT, "the id of a file of the call is no id");
        return copy(text_of(upload), &out->text);
    }
    out->kind = DT_CONSOLE_DOWNLOAD;
    if (!dt_console_file_name_ok(text_of(download)))
        return dt_fail(DT_ERR_FORMAT, "the name of a file of the call is no plain name");
    memcpy(out->file, text_of(download).p, text_of(download).n);
    return copy(text_of(download), &out->text);
}

static enum dt_err
read_value(const json_t *j, struct dt_console_value *out)
{
    out->kind = DT_CONSOLE_TEXT;
    if (json_is_string(j))
        return copy(text_of(j), &out->text);
    if (json_is_object(j))
        return read_file(j, out);
    return dt_fail(DT_ERR_FORMAT, "a value of the call is neither text nor a file");
}

static enum dt_err
add_option(struct dt_console_call *call, const char *name, const json_t *value)
{
    struct dt_console_value *v;
    enum dt_err err;

    if (call->n_options == DT_CONSOLE_OPTIONS)
        return dt_fail(DT_ERR_LIMIT, "the call has more than %u options", DT_CONSOLE_OPTIONS);
    v = &call->options[call->n_options++];
    if ((err = copy(dt_view_str(name), &v->name)) != DT_OK)
        return err;
    if (!json_is_true(value))
        return read_value(value, v);
    v->kind = DT_CONSOLE_TEXT;
    return copy(dt_view_str(""), &v->text);
}

/* A text, a file, a list of them, or for a flag true; false and null: it is not given. */
static enum dt_err
read_options(json_t *options, struct dt_console_call *call)
{
    const char *name;
    json_t *value;
    enum dt_err err = DT_OK;

    if (options == NULL)
        return DT_OK;
    if (!json_is_object(options))
        return dt_fail(DT_ERR_FORMAT, "the call's options are no object");
    json_object_foreach(options, name, value)
    {
        if (!name_ok(dt_view_str(name)))
            return dt_fail(DT_ERR_FORMAT, "the call has an option of no possible name");
        if (json_is_false(value) || json_is_null(value))
            continue;
        if (!json_is_array(value)) {
            if ((err = add_option(call, name, value)) != DT_OK)
                return err;
            continue;
        }
        for (size_t i = 0; i < json_array_size(value); i++)
            if ((err = add_option(call, name, json_array_get(value, i))) != DT_OK)
                return err;
    }
    return DT_OK;
}

static enum dt_err
read_operands(const json_t *operands, struct dt_console_call *call)
{
    enum dt_err err;

    if (operands == NULL)
        return DT_OK;
    if (!json_is_array(operands))
        return dt_fail(DT_ERR_FORMAT, "the call's operands are no list");
    if (json_array_size(operands) > DT_CONSOLE_OPERANDS)
        return dt_fail(DT_ERR_LIMIT, "the call has more than %u operands", DT_CONSOLE_OPERANDS);
    for (size_t i = 0; i < json_array_size(operands); i++)
        if ((err = read_value(json_array_get(operands, i), &call->operands[call->n_operands++])) !=
            DT_OK)
            return err;
    return DT_OK;
}

static enum dt_err
read_passphrase(const json_t *passphrase, struct dt_console_call *call)
{
    if (!json_is_string(passphrase) || text_of(passphrase).n == 0 || text_of(passphrase).n > 1024)
        return dt_fail(DT_ERR_FORMAT, "the call's passphrase is empty, too long or no text");
    return dt_secret_set(&call->passphrase, text_of(passphrase));
}

static enum dt_err
read_rest(json_t *root, struct dt_console_call *call)
{
    const json_t *command = json_object_get(root, "command");
    const json_t *passphrase = json_object_get(root, "passphrase");
    const json_t *id = json_object_get(root, "id");

    if (!json_is_string(command) || !name_ok(text_of(command)))
        return dt_fail(DT_ERR_FORMAT, "the call names no command");
    memcpy(call->command, text_of(command).p, text_of(command).n);
    if (id != NULL) {
        if (!json_is_string(id) ||
            dt_hex_read_fixed(call->id, sizeof call->id, text_of(id)) != DT_OK)
            return dt_fail(DT_ERR_FORMAT, "the call's id is no id");
        call->has_id = true;
    }
    return passphrase != NULL ? read_passphrase(passphrase, call) : DT_OK;
}

enum dt_err
dt_console_call_parse(struct dt_view body, struct dt_console_call *out)
{
    static const char *const members[] = {"command", "id", "operands", "options", "passphrase"};
    DT_CLEANUP(json_done) json_t *root = NULL;
    const char *name;
    json_t *value;
    enum dt_err err;

    if ((err = dt_json_parse(body, &root)) != DT_OK)
        return err;
    if (!json_is_object(root))
        return dt_fail(DT_ERR_FORMAT, "a call is a JSON object");
    json_object_foreach(root, name, value)
    {
        size_t i = 0;

        while (i < sizeof members / sizeof *members && strcmp(members[i], name) != 0)
            i++;
        if (i == sizeof members / sizeof *members)
            return dt_fail(DT_ERR_FORMAT, "a call has a member that is not known");
    }
    if ((err = read_rest(root, out)) != DT_OK ||
        (err = read_operands(json_object_get(root, "operands"), out)) != DT_OK ||
        (err = read_options(json_object_get(root, "options"), out)) != DT_OK)
        dt_console_call_clear(out);
    return err;
}

enum dt_err
dt_console_unlock_parse(struct dt_view body, struct dt_console_call *out)
{
    DT_CLEANUP(json_done) json_t *root = NULL;
    enum dt_err err;

    if ((err = dt_json_parse(body, &root)) != DT_OK)
        return err;
    if (!json_is_object(root) || json_object_size(root) != 1)
        return dt_fail(DT_ERR_FORMAT, "a page is unlocked by a passphrase and nothing else");
    return read_passphrase(json_object_get(root, "passphrase"), out);
}

void
dt_console_call_clear(struct dt_console_call *call)
{
    for (size_t i = 0; i < call->n_operands; i++) {
        dt_free(call->operands[i].text);
        dt_free(call->operands[i].name);
    }
    for (size_t i = 0; i < call->n_options; i++) {
        dt_free(call->options[i].text);
        dt_free(call->options[i].name);
    }
    dt_secret_clear(&call->passphrase);
    *call = (struct dt_console_call){0};
}
