/*
 * cli/advice.c - what to do about an error message: the table of data/errors.txt, and `detente
 * explain`.
 *
 * The table is part of the program: lines of an advice, then the messages it is for, each behind "-
 * " as the source has it, with %s and its kin in the places that differ. tools/check-errors holds
 * it against the sources.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/embed.h"

#include "cli/commands.h"

extern const struct dt_embedded cli_error_files[];

#define ADVICE_MAX 4096u /* bytes of one advice */

/* One row while walking the table: views into it. */
struct row {
    struct dt_view advice;
    struct dt_view message;
};

struct walk {
    struct dt_view rest;
    struct dt_view advice;
    bool in_advice;
};

static struct walk
walk_begin(void)
{
    return (struct walk){.rest = dt_view(cli_error_files[0].data, cli_error_files[0].len)};
}

static struct dt_view
next_line(struct dt_view *rest)
{
    const uint8_t *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    struct dt_view line = dt_view(rest->p, n);

    n += end != NULL;
    *rest = dt_view(rest->p + n, rest->n - n);
    return line;
}

/* The next message with its advice; false at the end. */
static bool
walk_next(struct walk *w, struct row *out)
{
    while (w->rest.n > 0) {
        struct dt_view line = next_line(&w->rest);

        if (line.n == 0 || line.p[0] == '#') {
            w->in_advice = false;
        } else if (line.n > 2 && line.p[0] == '-' && line.p[1] == ' ') {
            w->in_advice = false;
            *out = (struct row){w->advice, dt_view(line.p + 2, line.n - 2)};
            return true;
        } else if (w->in_advice) {
            w->advice.n = (size_t)(line.p + line.n - w->advice.p);
        } else {
            w->in_advice = true;
            w->advice = line;
        }
    }
    return false;
}

/* Bytes of a placeholder such as %s, %.*s or %llu at the beginning of ${v}; 0 when there is none.
 */
static size_t
placeholder(struct dt_view v)
{
    size_t i = 1;

    if (v.n < 2 || v.p[0] != '%')
        return 0;
    while (i + 1 < v.n && strchr("-+ #0123456789.*hlzj", v.p[i]) != NULL)
        i++;
    return i + 1;
}

/* The literal text at the beginning of ${format}, up to the next placeholder. */
static struct dt_view
literal(struct dt_view format)
{
    size_t i = 0;

    while (i < format.n && placeholder(dt_view(format.p + i, format.n - i)) == 0)
        i++;
    return dt_view(format.p, i);
}

static const uint8_t *
find(struct dt_view text, struct dt_view what)
{
    for (size_t i = 0; i + what.n <= text.n; i++)
        if (memcmp(text.p + i, what.p, what.n) == 0)
            return text.p + i;
    return NULL;
}

/* How many literal bytes of ${format} the whole ${text} has in its places; 0: it is another
 * message. Leftmost is enough: what stands between two literals may be anything, and the last one
 * is looked for at the end. */
static size_t
score(struct dt_view format, struct dt_view text)
{
    size_t sum = 0;
    bool first = true;

    while (format.n > 0) {
        struct dt_view lit = literal(format);
        size_t hole;

        format = dt_view(format.p + lit.n, format.n - lit.n);
        if (lit.n > text.n)
            return 0;
        if (format.n == 0) { /* the last literal ends the text */
            if ((first && lit.n != text.n) || memcmp(text.p + text.n - lit.n, lit.p, lit.n) != 0)
                return 0;
            return sum + lit.n;
        }
        if (first ? memcmp(text.p, lit.p, lit.n) != 0 : find(text, lit) == NULL)
            return 0;
        if (!first && lit.n > 0) {
            const uint8_t *at = find(text, lit);

            text = dt_view(at, text.n - (size_t)(at - text.p));
        }
        text = dt_view(text.p + lit.n, text.n - lit.n);
        sum += lit.n;
        hole = placeholder(format);
        format = dt_view(format.p + hole, format.n - hole);
        first = false;
    }
    return sum;
}

/* Append ${advice} as one line. */
static enum dt_err
unfold(struct dt_view advice, struct dt_buf *out)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < advice.n; i++)
        err = dt_buf_append(out, advice.p[i] == '\n' ? dt_view_str(" ") : dt_view(advice.p + i, 1));
    return err;
}

enum dt_err
cli_advice(struct dt_view message, struct dt_buf *out)
{
    struct dt_view advice = {0};
    size_t best = 0;

    /* What an outer layer put before ("inbox: ", "channel plenary: ") is skipped part by part. */
    for (size_t at = 0; at < message.n; at++) {
        struct walk w = walk_begin();
        struct row r;

        if (at > 0 && (at < 2 || message.p[at - 2] != ':' || message.p[at - 1] != ' '))
            continue;
        while (walk_next(&w, &r)) {
            size_t n = score(r.message, dt_view(message.p + at, message.n - at));

            if (n > best) {
                best = n;
                advice = r.advice;
            }
        }
    }
    return best > 0 ? unfold(advice, out) : DT_ERR_NOT_FOUND;
}

static enum dt_err
explain_all(const struct cli *c)
{
    json_t *list = c->json ? json_array() : NULL;
    struct walk w = walk_begin();
    const uint8_t *before = NULL;
    enum dt_err err = DT_OK;
    struct row r;

    while (err == DT_OK && walk_next(&w, &r)) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf advice = DT_BUF_INIT(ADVICE_MAX);

        err = unfold(r.advice, &advice);
        if (c->json) {
            json_t *o = json_object();

            cli_put_view(o, "message", r.message);
            cli_put_view(o, "advice", dt_buf_view(&advice));
            (void)json_array_append_new(list, o);
        } else {
            if (r.advice.p != before)
                cli_print_lines(before != NULL ? "\n" : "", dt_buf_view(&advice));
            cli_print_lines("  ", r.message);
        }
        before = r.advice.p;
    }
    if (!c->json || err != DT_OK) {
        json_decref(list);
        return err;
    }
    return cli_json(json_pack("{s:o}", "messages", list));
}

enum dt_err
cmd_explain(struct cli *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(64u << 10);
    DT_CLEANUP(dt_buf_clear) struct dt_buf advice = DT_BUF_INIT(ADVICE_MAX);
    enum dt_err err = DT_OK;

    if (c->n_operands == 0)
        return explain_all(c);
    for (size_t i = 0; err == DT_OK && i < c->n_operands; i++)
        err = dt_buf_printf(&message, "%s%s", i > 0 ? " " : "", c->operand[i]);
    if (err != DT_OK)
        return err;
    if ((err = cli_advice(dt_buf_view(&message), &advice)) == DT_ERR_NOT_FOUND)
        return dt_fail(
            err, "no message of this program reads like that; give it whole, as it was printed");
    if (err != DT_OK)
        return err;
    if (c->json) {
        json_t *o = json_object();

        cli_put_view(o, "message", dt_buf_view(&message));
        cli_put_view(o, "advice", dt_buf_view(&advice));
        return cli_json(o);
    }
    cli_print_lines("", dt_buf_view(&advice));
    return DT_OK;
}
