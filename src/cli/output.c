/*
 * cli/output.c - results for people and for programs; see cli.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/secret.h"

#include "cli/cli.h"

/* Allocations that had failed in this thread before its present call. */
static _Thread_local unsigned long failed_before;

void
cli_output_again(void)
{
    failed_before = dt_mem_failed();
}

void
cli_output_begin(void)
{
    json_set_alloc_funcs(dt_guard_alloc, dt_guard_free);
}

enum dt_err
cli_output_end(void)
{
    if (fflush(cli_out()) != 0 || ferror(cli_out()) != 0)
        return dt_fail(DT_ERR_IO, "standard output could not be written");
    return DT_OK;
}

/* Only ASCII leaves: a terminal has nothing to act on, and every reader decodes it to the same
 * text. */
enum dt_err
cli_json(json_t *root)
{
    enum dt_err err = DT_OK;

    /* What could not be kept when the tree was made is missing in it without a sign: then it is not
     * shown at all. */
    if (root == NULL || json_object_set_new(root, "format", json_integer(1)) != 0 ||
        dt_mem_failed() != failed_before)
        err = dt_nomem();
    else if (json_dumpf(root, cli_out(), JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII) !=
                 0 ||
             fputc('\n', cli_out()) == EOF)
        err = dt_fail(DT_ERR_IO, "standard output could not be written");
    json_decref(root);
    return err;
}

void
cli_put_view(json_t *o, const char *key, struct dt_view value)
{
    (void)json_object_set_new(o, key,
                              json_stringn(value.n > 0 ? (const char *)value.p : "", value.n));
}

void
cli_put(json_t *o, const char *key, const char *value)
{
    (void)json_object_set_new(o, key, json_string(value));
}

void
cli_put_hex(json_t *o, const char *key, struct dt_view bytes)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(4096);

    if (dt_hex_write(&b, bytes) == DT_OK)
        cli_put_view(o, key, dt_buf_view(&b));
}

void
cli_put_u64(json_t *o, const char *key, uint64_t value)
{
    (void)json_object_set_new(o, key, json_integer((json_int_t)value));
}

void
cli_put_bool(json_t *o, const char *key, bool value)
{
    (void)json_object_set_new(o, key, json_boolean(value));
}

void
cli_put_time(json_t *o, const char *key, uint64_t ms)
{
    char text[DT_TIME_STR];

    if (ms == 0) {
        (void)json_object_set_new(o, key, json_null());
        return;
    }
    dt_time_str(text, ms);
    cli_put(o, key, text);
}

void
cli_put_person(json_t *o, const char *key, const struct dt_person *p)
{
    json_t *j = json_object();

    cli_put(j, "party", p->party_name);
    cli_put(j, "name", p->name);
    cli_put(j, "title", p->title);
    cli_put_hex(j, "letter", dt_view_of(p->letter_hash));
    cli_put_time(j, "letter_not_before", p->letter_not_before_ms);
    cli_put_time(j, "letter_not_after", p->letter_not_after_ms);
    cli_put_bool(j, "revoked", p->revoked);
    cli_put_bool(j, "root_replaced", p->root_replaced);
    cli_put_bool(j, "self", p->self);
    (void)json_object_set_new(o, key, j);
}

/* The length of the one UTF-8 character at ${p}, at most ${n} bytes; 0 when it is none. */
static size_t
character(const unsigned char *p, size_t n)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    return len <= n && dt_utf8_valid(dt_view(p, len)) ? len : 0;
}

/*
 * Characters that act on a terminal or on the order of what stands beside them: U+0000 to U+001F
 * without LF and tab, U+007F to U+009F, the line and paragraph separators U+2028 and U+2029, and
 * the marks that embed, override and isolate a direction (U+202A to U+202E, U+2066 to U+2069; UAX
 * 9). One valid character at ${p}.
 */
static bool
acts(const unsigned char *p, size_t len)
{
    if (len == 1)
        return (p[0] < 0x20 && p[0] != '\n' && p[0] != '\t') || p[0] == 0x7f;
    if (len == 2)
        return p[0] == 0xc2 && p[1] < 0xa0;
    if (len == 3 && p[0] == 0xe2 && p[1] == 0x80)
        return p[2] >= 0xa8 && p[2] <= 0xae;
    return len == 3 && p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9;
}

/* ${text} on ${f} with what could deceive as '?', and ${indent} after each line feed inside it. */
static void
print_safely(FILE *f, const char *text, size_t n, const char *indent)
{
    const unsigned char *p = (const unsigned char *)text;

    for (size_t i = 0; i < n;) {
        size_t len = character(p + i, n - i);

        if (len == 0 || acts(p + i, len))
            (void)fputc('?', f);
        else
            (void)fwrite(p + i, 1, len, f);
        if (p[i] == '\n' && i + 1 < n)
            (void)fputs(indent, f);
        i += len > 0 ? len : 1;
    }
}

void
cli_print_view(struct dt_view text)
{
    print_safely(cli_out(), (const char *)text.p, text.n, "");
}

void
cli_print_lines(const char *indent, struct dt_view text)
{
    (void)fputs(indent, cli_out());
    print_safely(cli_out(), (const char *)text.p, text.n, indent);
    (void)fputc('\n', cli_out());
}

void
cli_print_field(struct dt_view name, struct dt_view text)
{
    cli_print("  %-16.*s ", (int)name.n, (const char *)name.p);
    print_safely(cli_out(), (const char *)text.p, text.n, "                   ");
    (void)fputc('\n', cli_out());
}

/* Without memory, too: then a long text loses its end, for "out of memory" must be sayable. */
static void DT_PRINTF(2, 0) print_format(FILE *f, const char *fmt, va_list ap)
{
    DT_CLEANUP(dt_free_p) char *longer = NULL;
    char text[1024];
    va_list again;
    int n;

    va_copy(again, ap);
    n = vsnprintf(text, sizeof text, fmt, ap);
    if (n >= (int)sizeof text && (longer = dt_alloc((size_t)n + 1, 1)) != NULL)
        (void)vsnprintf(longer, (size_t)n + 1, fmt, again);
    va_end(again);
    if (longer != NULL)
        print_safely(f, longer, (size_t)n, "");
    else if (n > 0)
        print_safely(f, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1, "");
}

void
cli_print(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    print_format(cli_out(), fmt, ap);
    va_end(ap);
}

void
cli_note(const struct cli *c, const char *fmt, ...)
{
    va_list ap;

    if (c->quiet)
        return;
    va_start(ap, fmt);
    print_format(cli_err(), fmt, ap);
    va_end(ap);
    (void)fputc('\n', cli_err());
}

void
cli_complain(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    print_format(cli_err(), fmt, ap);
    va_end(ap);
}

enum dt_err
cli_file(const char *path, struct dt_buf *out)
{
    enum dt_err err = dt_file_read(path, out);

    return err == DT_ERR_NOT_FOUND ? DT_ERR_IO : err;
}

void
cli_short(char out[static 13], struct dt_view hash)
{
    dt_hex_str(out, dt_view(hash.p, 6));
}

enum dt_exit
cli_exit(enum dt_err err)
{
    return (enum dt_exit)dt_err_exit_status(err);
}
