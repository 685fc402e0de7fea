/*
 * tests/vectors/run.c - see vectors.h: counting, and reading JSON fields.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#include "vectors.h"
#include "vectors_run.h"

void
vec_run_file_begin(struct vector_run *run, const char *path)
{
    run->file = (struct vector_counts){0};
    run->path = path;
    run->n_reasons = 0;
    run->in_case = false;
}

void
vec_run_broken(struct vector_run *run, const char *path, const char *why)
{
    printf("%s: FAILED: %s\n", path, why);
    run->total.failed++;
}

void
vec_case(struct vector_run *run, const char *fmt, ...)
{
    va_list ap;

    if (run->in_case)
        vec_end(run);
    va_start(ap, fmt);
    (void)vsnprintf(run->label, sizeof run->label, fmt, ap);
    va_end(ap);
    run->in_case = true;
    run->case_failed = false;
    run->case_skipped = false;
    dt_err_forget();
}

static void
fail_with(struct vector_run *run, const char *text)
{
    if (!run->case_failed)
        printf("%s: case %s FAILED: %s\n", run->path, run->label, text);
    run->case_failed = true;
}

bool
vec_fail(struct vector_run *run, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fail_with(run, text);
    return false;
}

bool
vec_skip(struct vector_run *run, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(run->reason, sizeof run->reason, fmt, ap);
    va_end(ap);
    run->case_skipped = true;
    return false;
}

static void
count_reason(struct vector_run *run)
{
    size_t i;

    for (i = 0; i < run->n_reasons; i++)
        if (strcmp(run->reasons[i].text, run->reason) == 0)
            break;
    if (i == REASONS_MAX) {
        i = REASONS_MAX - 1; /* never so many in practice; the last line takes the rest */
    } else if (i == run->n_reasons) {
        memcpy(run->reasons[i].text, run->reason, sizeof run->reason);
        run->reasons[i].n = 0;
        run->n_reasons++;
    }
    run->reasons[i].n++;
}

void
vec_end(struct vector_run *run)
{
    if (!run->in_case)
        return;
    run->in_case = false;
    if (run->case_failed) {
        run->file.failed++;
        run->total.failed++;
    } else if (run->case_skipped) {
        run->file.skipped++;
        run->total.skipped++;
        count_reason(run);
    } else {
        run->file.passed++;
        run->total.passed++;
    }
}

bool
vec_bad(const struct vector_run *run)
{
    return run->case_failed || run->case_skipped;
}

bool
vec_check(struct vector_run *run, bool cond, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (cond)
        return true;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fail_with(run, text);
    return false;
}

bool
vec_ok(struct vector_run *run, enum dt_err err, const char *what)
{
    if (err == DT_OK)
        return true;
    return vec_fail(run, "%s: %s: %s (%s)", what, dt_err_name(err), dt_err_message(),
                    dt_err_place());
}

bool
vec_equal(struct vector_run *run, const char *what, struct dt_view got, struct dt_view want)
{
    char a[2 * 48 + 1];
    char b[2 * 48 + 1];

    if (dt_view_equal(got, want))
        return true;
    dt_hex_str(a, dt_view(got.p, got.n < 48 ? got.n : 48));
    dt_hex_str(b, dt_view(want.p, want.n < 48 ? want.n : 48));
    return vec_fail(run, "%s: got %zu bytes %s, want %zu bytes %s", what, got.n, a, want.n, b);
}

const json_t *
vec_get(struct vector_run *run, const json_t *obj, const char *field)
{
    const json_t *v = json_object_get(obj, field);

    if (v == NULL)
        (void)vec_fail(run, "field %s is missing", field);
    return v;
}

static struct dt_view
string_view(const json_t *v)
{
    return dt_view((const uint8_t *)json_string_value(v), json_string_length(v));
}

bool
vec_hex_value(struct vector_run *run, const json_t *value, const char *what, struct dt_buf *out)
{
    out->n = 0;
    if (!json_is_string(value) || dt_hex_read(out, string_view(value)) != DT_OK)
        return vec_fail(run, "%s is not hex text", what);
    return true;
}

bool
vec_hex(struct vector_run *run, const json_t *obj, const char *field, struct dt_buf *out)
{
    const json_t *v = vec_get(run, obj, field);

    return v != NULL && vec_hex_value(run, v, field, out);
}

bool
vec_hex_opt(struct vector_run *run, const json_t *obj, const char *field, struct dt_buf *out,
            bool *present)
{
    const json_t *v = json_object_get(obj, field);

    out->n = 0;
    *present = v != NULL && !json_is_null(v);
    return !*present || vec_hex_value(run, v, field, out);
}

bool
vec_base64(struct vector_run *run, const json_t *obj, const char *field, struct dt_buf *out)
{
    const json_t *v = vec_get(run, obj, field);

    out->n = 0;
    if (v == NULL)
        return false;
    if (!json_is_string(v) || dt_base64_read(out, string_view(v)) != DT_OK)
        return vec_fail(run, "field %s is not base64 text", field);
    return true;
}

bool
vec_str(struct vector_run *run, const json_t *obj, const char *field, struct dt_view *out)
{
    const json_t *v = vec_get(run, obj, field);

    if (v == NULL)
        return false;
    if (!json_is_string(v))
        return vec_fail(run, "field %s is not text", field);
    *out = string_view(v);
    return true;
}

bool
vec_u64(struct vector_run *run, const json_t *obj, const char *field, uint64_t *out)
{
    const json_t *v = vec_get(run, obj, field);

    if (v == NULL)
        return false;
    if (json_is_real(v) && json_real_value(v) >= 0x1p63) {
        *out = json_real_value(v) < 0x1p64 ? (uint64_t)json_real_value(v) : UINT64_MAX;
        return true;
    }
    if (!json_is_number(v) || json_number_value(v) < 0)
        return vec_fail(run, "field %s is not a number from 0", field);
    *out = json_is_integer(v) ? (uint64_t)json_integer_value(v) : (uint64_t)json_real_value(v);
    return true;
}

bool
vec_bool(struct vector_run *run, const json_t *obj, const char *field, bool *out)
{
    const json_t *v = vec_get(run, obj, field);

    if (v == NULL)
        return false;
    if (!json_is_boolean(v))
        return vec_fail(run, "field %s is not true or false", field);
    *out = json_is_true(v);
    return true;
}

bool
vec_array(struct vector_run *run, const json_t *obj, const char *field, const json_t **out)
{
    const json_t *v = vec_get(run, obj, field);

    if (v == NULL)
        return false;
    if (!json_is_array(v))
        return vec_fail(run, "field %s is not an array", field);
    *out = v;
    return true;
}

static const char *
beside(const char *path, const char *name, struct dt_buf *out)
{
    const char *slash = strrchr(path, '/');

    if (name == NULL)
        return path;
    if (slash == NULL)
        return name;
    if (dt_buf_printf(out, "%.*s/%s", (int)(slash - path), path, name) != DT_OK)
        return NULL;
    return (const char *)out->p;
}

bool
vec_file(struct vector_run *run, const char *path, const char *name, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf full = VEC_BUF;
    const char *file = beside(path, name, &full);

    if (file == NULL || dt_file_read(file, out) != DT_OK)
        return vec_fail(run, "%s", dt_err_message());
    return true;
}

static json_t *
read_lines(struct vector_run *run, struct dt_view text)
{
    json_t *all = json_array();
    struct dt_view line;
    size_t number = 0;

    while (all != NULL && dt_text_split(&text, '\n', &line)) {
        json_error_t why;
        json_t *v;

        number++;
        if (line.n == 0)
            continue;
        v = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
        /* A number above 2^63 - 1 does not fit jansson's integers; read that line with reals. */
        if (v == NULL && json_error_code(&why) == json_error_numeric_overflow)
            v = json_loadb((const char *)line.p, line.n,
                           JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &why);
        if (v == NULL || json_array_append_new(all, v) != 0) {
            (void)vec_fail(run, "line %zu is not JSON: %s", number,
                           v == NULL ? why.text : "no memory");
            json_decref(all);
            all = NULL;
        }
    }
    return all;
}

json_t *
vec_file_json(struct vector_run *run, const char *path, const char *name)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = VEC_BUF;
    const char *file = name != NULL ? name : path;
    size_t n = strlen(file);
    json_error_t why;
    json_t *v;
    json_t *all;

    if (!vec_file(run, path, name, &text))
        return NULL;
    if (n > 6 && strcmp(file + n - 6, ".jsonl") == 0)
        return read_lines(run, dt_buf_view(&text));
    v = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (v == NULL) {
        (void)vec_fail(run, "%s is not JSON: line %d: %s", file, why.line, why.text);
        return NULL;
    }
    if (json_is_array(v))
        return v;
    all = json_array();
    if (all == NULL || json_array_append_new(all, v) != 0) {
        (void)vec_fail(run, "no memory");
        json_decref(all);
        return NULL;
    }
    return all;
}
