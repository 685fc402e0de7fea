/*
 * cli/output.c - results for people and for programs; see cli.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/secret.h"

#include "cli/cli.h"

enum dt_err
cli_json(json_t *root)
{
    enum dt_err err = DT_OK;

    if (root == NULL || json_object_set_new(root, "format", json_integer(1)) != 0)
        err = dt_nomem();
    else if (json_dumpf(root, stdout, JSON_INDENT(2) | JSON_SORT_KEYS) != 0 || putchar('\n') == EOF)
        err = dt_fail(DT_ERR_IO, "standard output could not be written");
    json_decref(root);
    return err;
}

void
cli_put_view(json_t *o, const char *key, struct dt_view value)
{
    (void)json_object_set_new(o, key, json_stringn(value.n > 0 ? (const char *)value.p : "", value.n));
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
    cli_put_bool(j, "self", p->self);
    (void)json_object_set_new(o, key, j);
}

/* Control characters (escape sequences above all) from a peer never reach the terminal. */
static void
print_safely(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)text[i];

        if ((b < 0x20 && b != '\n' && b != '\t') || b == 0x7f)
            (void)fputc('?', stdout);
        else if (b == 0xc2 && i + 1 < n && (unsigned char)text[i + 1] >= 0x80 &&
                 (unsigned char)text[i + 1] < 0xa0) {
            (void)fputc('?', stdout); /* U+0080 to U+009F */
            i++;
        } else {
            (void)fputc(b, stdout);
        }
    }
}

void
cli_print_view(struct dt_view text)
{
    print_safely((const char *)text.p, text.n);
}

void
cli_print(const char *fmt, ...)
{
    DT_CLEANUP(dt_free_p) char *text = NULL;
    va_list ap;
    va_list again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n > 0 && (text = dt_alloc((size_t)n + 1, 1)) != NULL) {
        (void)vsnprintf(text, (size_t)n + 1, fmt, again);
        print_safely(text, (size_t)n);
    }
    va_end(again);
}

void
cli_note(const struct cli *c, const char *fmt, ...)
{
    va_list ap;

    if (c->quiet)
        return;
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
}

void
cli_short(char out[static 13], struct dt_view hash)
{
    dt_hex_str(out, dt_view(hash.p, 6));
}

enum dt_exit
cli_exit(enum dt_err err)
{
    switch (err) {
    case DT_OK:
        return DT_EXIT_OK;
    case DT_ERR_USAGE:
        return DT_EXIT_USAGE;
    case DT_ERR_IO:
    case DT_ERR_NET:
    case DT_ERR_NOMEM:
    case DT_ERR_BUSY:
    case DT_ERR_INTERNAL:
        return DT_EXIT_IO;
    case DT_ERR_LOCKED:
    case DT_ERR_REFUSED:
    case DT_ERR_EXPIRED:
        return DT_EXIT_REFUSED;
    case DT_ERR_FORMAT:
    case DT_ERR_LIMIT:
    case DT_ERR_AUTH:
    case DT_ERR_PROOF:
    case DT_ERR_RANGE:
    case DT_ERR_STATE:
    case DT_ERR_EXISTS:
    case DT_ERR_NOT_FOUND:
    case DT_ERR_CONFLICT:
    case DT_ERR_UNSUPPORTED:
        break;
    }
    return DT_EXIT_NO;
}
