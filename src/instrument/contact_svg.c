/*
 * instrument/contact_svg.c - contacts in time as a picture that says the same in words; see
 * contact_list.h.
 *
 * Source: SVG 1.1; WAI-ARIA (role "img", named by title and desc). Layer: instrument: pure.
 *
 * 400 units wide and as high as its text. A column is a month, a year or several; a row is a
 * standing, with a shape of its own and the number beside it. Black on white; no colour means
 * anything.
 *
 *     title
 *     years
 *     full circle     countersigned
 *     hollow circle   asserted by one
 *     cross           disputed
 *     diamond         of all these: opened
 *     square          private notes
 *     the same in words; the last contacts, a line each
 */
#include <stdio.h>
#include <string.h>

#include "instrument/contact_list.h"
#include "instrument/svg_text.h"

#define COLUMNS   10u
#define LEFT      12u
#define WIDTH     376u
#define TOP       44u
#define ROW       40u
#define LINE      17u
#define LETTERS   56u
#define LISTED    24u
#define WORDS_MAX 4096u

enum row { ROW_COUNTERSIGNED, ROW_ASSERTED, ROW_DISPUTED, ROW_OPENED, ROW_NOTES, ROWS };

static const struct {
    const char *name, *sign, *path;
    bool full;
} rows[ROWS] = {
    {"countersigned", "\xe2\x97\x8f", "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", true},
    {"asserted by one", "\xe2\x97\x8b", "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", false},
    {"disputed", "\xc3\x97", "m-5-5l10 10m0-10l-10 10", false},
    {"opened to everyone", "\xe2\x97\x87", "m0-6l6 6-6 6-6-6z", false},
    {"private notes, which prove nothing", "\xe2\x96\xa1", "m-5-5h10v10h-10z", false},
};

struct picture {
    const struct dt_contact_list *l;
    bool months;
    int first, step; /* of the first column, as a year or as year * 12 + month; how many a column */
    size_t n;        /* columns */
    uint64_t count[ROWS][COLUMNS], all[ROWS];
    unsigned int y;
    struct dt_buf body;
};

static void
picture_clear(struct picture *p)
{
    dt_buf_clear(&p->body);
}

static int
unit_of(const struct dt_contact *c, bool months)
{
    int year = 0, month = 0;

    dt_contact_year_month(c, &year, &month);
    return months ? year * 12 + month - 1 : year;
}

/* Months where these suffice and every contact is known as precisely; else years, several a column
 * when there are many. The list is in the order of time. */
static void
choose(struct picture *p)
{
    const struct dt_contact *c = p->l->contacts;
    int last;

    p->step = 1;
    p->n = 1;
    if (p->l->n == 0)
        return;
    p->months = true;
    for (size_t i = 0; i < p->l->n; i++)
        p->months = p->months && c[i].precision != DT_TIME_YEAR;
    if (p->months && unit_of(&c[p->l->n - 1], true) - unit_of(&c[0], true) >= (int)COLUMNS)
        p->months = false;
    p->first = unit_of(&c[0], p->months);
    last = unit_of(&c[p->l->n - 1], p->months);
    while ((last - p->first) / p->step >= (int)COLUMNS) {
        p->step = p->step == 1 ? 2 : p->step == 2 ? 5 : p->step * 2;
        p->first -= p->first % p->step;
    }
    p->n = (size_t)((last - p->first) / p->step) + 1;
}

static void
add(struct picture *p, enum row row, const struct dt_contact *c)
{
    p->count[row][(unit_of(c, p->months) - p->first) / p->step]++;
    p->all[row]++;
}

static void
fill(struct picture *p)
{
    for (size_t i = 0; i < p->l->n; i++) {
        const struct dt_contact *c = &p->l->contacts[i];

        if (c->note) {
            add(p, ROW_NOTES, c);
            continue;
        }
        add(p,
            c->standing == DT_STANDING_COUNTERSIGNED ? ROW_COUNTERSIGNED
            : c->standing == DT_STANDING_DISPUTED    ? ROW_DISPUTED
                                                     : ROW_ASSERTED,
            c);
        if (c->opened)
            add(p, ROW_OPENED, c);
    }
}

static unsigned int
column_x(const struct picture *p, size_t i)
{
    unsigned int w = WIDTH / (unsigned int)p->n;

    return LEFT + (unsigned int)i * (w > 94 ? 94 : w);
}

/* "2025", "2025-02"; of several years the first. */
static void
column_name(const struct picture *p, size_t i, char out[static 32])
{
    int unit = p->first + (int)i * p->step;

    if (p->months)
        (void)snprintf(out, 32, "%04d-%02d", unit / 12, unit % 12 + 1);
    else
        (void)snprintf(out, 32, "%04d", unit);
}

static enum dt_err
put_head(struct picture *p)
{
    /* A month's name is as wide as a column of ten: every other one is named. */
    size_t every = p->months && p->n > 7 ? 2 : 1;
    char name[32];
    enum dt_err err;

    for (size_t i = 0; i < p->n; i += every) {
        column_name(p, i, name);
        if ((err = dt_buf_printf(&p->body, "<text x=\"%u\" y=\"%u\">%s</text>\n", column_x(p, i),
                                 TOP, name)) != DT_OK)
            return err;
    }
    p->y = TOP + 8;
    return dt_buf_printf(&p->body, "<path d=\"M%u %uh%u\" stroke=\"#111\"/>\n", LEFT, p->y, WIDTH);
}

static enum dt_err
put_row(struct picture *p, enum row row)
{
    enum dt_err err;

    if (p->all[row] == 0)
        return DT_OK;
    if ((err = dt_buf_printf(&p->body, "<text x=\"%u\" y=\"%u\">%s: %llu</text>\n", LEFT,
                             p->y + LINE, rows[row].name, (unsigned long long)p->all[row])) !=
        DT_OK)
        return err;
    for (size_t i = 0; i < p->n; i++) {
        unsigned int x = column_x(p, i) + 6, y = p->y + LINE + 13;

        if (p->count[row][i] == 0)
            continue;
        if ((err = dt_buf_printf(&p->body,
                                 "<path d=\"M%u %u%s\" fill=\"%s\" stroke=\"#111\" "
                                 "stroke-width=\"1.5\"/>\n<text x=\"%u\" y=\"%u\">%llu</text>\n",
                                 x, y, rows[row].path, rows[row].full ? "#111" : "#fff", x + 9,
                                 y + 4, (unsigned long long)p->count[row][i])) != DT_OK)
            return err;
    }
    p->y += ROW;
    return DT_OK;
}

/* ---- words ---- */

static enum dt_err
say_all(const struct picture *p, struct dt_buf *out)
{
    const char *comma = ": ";
    char name[32];
    enum dt_err err = dt_buf_printf(out, "%zu contacts", p->l->n);

    for (size_t row = 0; row < ROWS && err == DT_OK; row++) {
        if (p->all[row] == 0)
            continue;
        err = dt_buf_printf(out, "%s%llu %s (", comma, (unsigned long long)p->all[row],
                            rows[row].name);
        comma = "";
        for (size_t i = 0; i < p->n && err == DT_OK; i++) {
            if (p->count[row][i] == 0)
                continue;
            column_name(p, i, name);
            err = dt_buf_printf(out, "%s%s%s: %llu", comma, name, p->step > 1 ? " and later" : "",
                                (unsigned long long)p->count[row][i]);
            comma = ", ";
        }
        comma = "; ";
        if (err == DT_OK)
            err = dt_buf_append(out, dt_view_str(")"));
    }
    return err == DT_OK ? dt_buf_append(out, dt_view_str(".")) : err;
}

static enum dt_err
say_one(const struct dt_contact *c, struct dt_buf *out)
{
    char when[DT_TIME_STR], span[DT_TIME_STR];
    enum dt_err err;

    dt_contact_when(c, when);
    dt_span_str(span, c->duration_ms);
    if ((err = dt_buf_printf(out, "%s ", when)) != DT_OK ||
        (err = dt_buf_append(out, c->mode)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(", "))) != DT_OK ||
        (err = dt_contact_between(c, out)) != DT_OK ||
        (c->has_duration && (err = dt_buf_printf(out, ", %s", span)) != DT_OK))
        return err;
    return dt_buf_printf(out, ": %s%s%s%s", dt_contact_standing(c),
                         c->n_differences > 0 ? ", accounts differ" : "",
                         c->withdrawn ? ", withdrawn" : "", c->opened ? ", opened" : "");
}

static const char *
sign_of(const struct dt_contact *c)
{
    return c->note                                    ? rows[ROW_NOTES].sign
           : c->standing == DT_STANDING_COUNTERSIGNED ? rows[ROW_COUNTERSIGNED].sign
           : c->standing == DT_STANDING_DISPUTED      ? rows[ROW_DISPUTED].sign
                                                      : rows[ROW_ASSERTED].sign;
}

/* The last contacts, in the picture and in ${desc}. */
static enum dt_err
put_list(struct picture *p, struct dt_buf *desc)
{
    size_t from = p->l->n > LISTED ? p->l->n - LISTED : 0;
    enum dt_err err = DT_OK;

    if (from > 0) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(WORDS_MAX);

        if ((err = dt_buf_printf(&line, "The last %u of %zu:", LISTED, p->l->n)) == DT_OK)
            err = dt_svg_put_lines(&p->body, LEFT, LINE, LETTERS, "", dt_buf_view(&line), &p->y);
    }
    for (size_t i = from; i < p->l->n && err == DT_OK; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(DT_CONTACT_SVG_MAX);

        if ((err = say_one(&p->l->contacts[i], &line)) != DT_OK ||
            (err = dt_svg_put_lines(&p->body, LEFT, LINE, LETTERS, sign_of(&p->l->contacts[i]),
                                    dt_buf_view(&line), &p->y)) != DT_OK ||
            (err = dt_buf_append(desc, dt_view_str(" "))) != DT_OK ||
            (err = dt_buf_append(desc, dt_buf_view(&line))) != DT_OK)
            return err;
        err = dt_buf_append(desc, dt_view_str("."));
    }
    return err;
}

static enum dt_err
draw(struct picture *p, struct dt_buf *desc)
{
    enum dt_err err;

    choose(p);
    fill(p);
    if ((p->l->n > 0 && (err = put_head(p)) != DT_OK) || (err = say_all(p, desc)) != DT_OK)
        return err;
    if (p->l->n == 0)
        p->y = TOP;
    for (size_t row = 0; row < ROWS; row++)
        if ((err = put_row(p, (enum row)row)) != DT_OK)
            return err;
    p->y += LINE + 4;
    if (p->step > 1) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(WORDS_MAX);

        if ((err = dt_buf_printf(&line, "A column is %d years, from the one above it on.",
                                 p->step)) != DT_OK ||
            (err = dt_svg_put_lines(&p->body, LEFT, LINE, LETTERS, "", dt_buf_view(&line),
                                    &p->y)) != DT_OK)
            return err;
    }
    if ((err = dt_svg_put_lines(&p->body, LEFT, LINE, LETTERS, "", dt_buf_view(desc), &p->y)) !=
        DT_OK)
        return err;
    return put_list(p, desc);
}

enum dt_err
dt_contact_svg(const struct dt_contact_list *l, struct dt_view title, struct dt_buf *out)
{
    DT_CLEANUP(picture_clear)
    struct picture p = {.l = l, .body = DT_BUF_INIT(DT_CONTACT_SVG_MAX)};
    DT_CLEANUP(dt_buf_clear) struct dt_buf desc = DT_BUF_INIT(DT_CONTACT_SVG_MAX);
    enum dt_err err;

    if ((err = draw(&p, &desc)) != DT_OK ||
        (err = dt_buf_printf(
             out,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 400 %u\" width=\"100%%\" "
             "role=\"img\" aria-labelledby=\"contacts-title contacts-desc\" xml:lang=\"en\" "
             "font-family=\"sans-serif\" font-size=\"12\" fill=\"#111\">\n"
             "<title id=\"contacts-title\">",
             p.y)) != DT_OK ||
        (err = dt_svg_put_text(out, title)) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str("</title>\n<desc id=\"contacts-desc\">"))) != DT_OK ||
        (err = dt_svg_put_text(out, dt_buf_view(&desc))) != DT_OK ||
        (err = dt_buf_printf(out,
                             "</desc>\n<rect width=\"400\" height=\"%u\" fill=\"#fff\"/>\n"
                             "<text x=\"%u\" y=\"20\" font-size=\"13\" font-weight=\"bold\">",
                             p.y, LEFT)) != DT_OK ||
        (err = dt_svg_put_text(out, dt_view(title.p, title.n > 56 ? 56 : title.n))) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str("</text>\n"))) != DT_OK ||
        (err = dt_buf_append(out, dt_buf_view(&p.body))) != DT_OK)
        return err;
    return dt_buf_append(out, dt_view_str("</svg>\n"));
}
