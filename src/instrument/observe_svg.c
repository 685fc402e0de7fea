/*
 * instrument/observe_svg.c - the timeline as a picture that says the same in words; see observe.h.
 *
 * Source: SVG 1.1; WAI-ARIA (role "img", named by title and desc). Layer: instrument: pure.
 *
 * 400 units wide and as high as its text, no unit smaller than text of 12: on a page 400 pixels
 * wide a unit is a pixel. Full and hollow, shape and letter carry the meaning; black on white.
 *
 *     title
 *     bars, one a period, with their counts      at most BARS of them
 *     row of diamonds: records opened
 *     row of circles: line tests opened; row of crosses: those missed, or answered late
 *     row of triangles: other flags
 *     the same in words
 */
#include <stdio.h>
#include <string.h>

#include "instrument/line_test.h"
#include "instrument/observe.h"
#include "instrument/svg_text.h"

#define BARS      14u
#define LEFT      12u
#define WIDTH     376u
#define TOP       40u  /* of the tallest bar's count */
#define BASE      160u /* where bars stand */
#define TALLEST   96u
#define ROW       22u
#define LINE      17u
#define LETTERS   56u /* in a line of text of 12 */
#define LISTED    24u /* openings, and flags, in words */
#define WORDS_MAX 4096u

/* Everything drawn, before its height is known. */
struct picture {
    const struct dt_observed *in;
    const struct dt_timeline *t;
    enum dt_period_unit unit;
    uint64_t start[BARS + 1]; /* of each slot, and the end of the last */
    uint64_t entries[BARS], attested[BARS];
    size_t n;        /* slots */
    uint64_t before; /* entries before the first slot */
    unsigned int y;
    struct dt_buf body;
};

static void
picture_clear(struct picture *p)
{
    dt_buf_clear(&p->body);
}

/* Lines of text below what is there; the first behind ${mark}, the others under it. */
static enum dt_err
put_lines(struct picture *p, const char *mark, struct dt_view text)
{
    return dt_svg_put_lines(&p->body, LEFT, LINE, LETTERS, mark, text, &p->y);
}

/* ---- slots ---- */

static uint64_t
before(enum dt_period_unit unit, uint64_t start_ms)
{
    uint64_t start = 0, end = 0;

    dt_period_at(unit, start_ms > 0 ? start_ms - 1 : 0, &start, &end);
    return start;
}

/* How many slots it takes from the first entry to now, at most BARS + 1. */
static size_t
slots(const struct picture *p, enum dt_period_unit unit)
{
    uint64_t at = 0, end = 0;
    size_t n = 1;

    dt_period_at(unit, p->in->now_ms, &at, &end);
    while (n <= BARS && p->t->n_periods[unit] > 0 && at > p->t->periods[unit][0].start_ms) {
        at = before(unit, at);
        n++;
    }
    return n;
}

/* The finest unit that shows everything; else the last months. */
static void
choose(struct picture *p)
{
    const struct dt_period *list;
    uint64_t end = 0;

    for (int unit = 0; unit < DT_PERIOD_UNITS; unit++) {
        p->unit = (enum dt_period_unit)unit;
        if ((p->n = slots(p, p->unit)) <= BARS)
            break;
    }
    if (p->n > BARS)
        p->n = BARS;
    dt_period_at(p->unit, p->in->now_ms, &p->start[p->n - 1], &end);
    p->start[p->n] = end;
    for (size_t i = p->n - 1; i > 0; i--)
        p->start[i - 1] = before(p->unit, p->start[i]);
    list = p->t->periods[p->unit];
    for (size_t i = 0; i < p->t->n_periods[p->unit]; i++) {
        size_t k = 0;

        while (k < p->n && p->start[k] != list[i].start_ms)
            k++;
        if (k == p->n) {
            p->before +=
                list[i].entries; /* or after, by a clock that went back: in the text alone */
            continue;
        }
        p->entries[k] = list[i].entries;
        p->attested[k] = list[i].attested;
    }
}

/* The slot of ${ms}; p->n when it is in none. */
static size_t
slot_of(const struct picture *p, uint64_t ms)
{
    for (size_t i = 0; i < p->n; i++)
        if (ms >= p->start[i] && ms < p->start[i + 1])
            return i;
    return p->n;
}

static unsigned int
slot_width(const struct picture *p)
{
    unsigned int w = WIDTH / (unsigned int)p->n;

    return w > 60 ? 60 : w;
}

/* Where slot ${i} begins. */
static unsigned int
slot_x(const struct picture *p, size_t i)
{
    return LEFT + (unsigned int)i * slot_width(p);
}

/* ---- shapes ---- */

/* "7", "1.2k", "34k", "5M": at most four letters up to 10^9. */
static void
short_count(char out[static 24], uint64_t n)
{
    if (n < 1000)
        (void)snprintf(out, 24, "%llu", (unsigned long long)n);
    else if (n < 10000)
        (void)snprintf(out, 24, "%llu.%lluk", (unsigned long long)(n / 1000),
                       (unsigned long long)(n / 100 % 10));
    else if (n < 1000000)
        (void)snprintf(out, 24, "%lluk", (unsigned long long)(n / 1000));
    else
        (void)snprintf(out, 24, "%lluM", (unsigned long long)(n / 1000000));
}

/* Height of ${n} where the largest bar has ${max}: in proportion, and never nothing. */
static unsigned int
height(uint64_t n, uint64_t max)
{
    unsigned int h = (unsigned int)((double)n / (double)max * TALLEST);

    return n > 0 && h < 3 ? 3 : h;
}

static enum dt_err
put_bar(struct picture *p, size_t i, uint64_t max)
{
    unsigned int w = slot_width(p), x = slot_x(p, i) + w / 6, h = height(p->entries[i], max);
    unsigned int full = p->attested[i] == p->entries[i] ? h : height(p->attested[i], max);
    char count[24];
    enum dt_err err = DT_OK;

    if (p->entries[i] == 0)
        return DT_OK;
    if (full > h)
        full = h;
    short_count(count, p->entries[i]);
    w -= w / 3;
    if (full > 0)
        err = dt_buf_printf(&p->body,
                            "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"#111\"/>\n",
                            x, BASE - full, w, full);
    if (err == DT_OK && full < h)
        err = dt_buf_printf(&p->body,
                            "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"#fff\" "
                            "stroke=\"#111\" stroke-width=\"2\" stroke-dasharray=\"4 2\"/>\n",
                            x, BASE - h, w, h - full);
    if (err != DT_OK)
        return err;
    return dt_buf_printf(&p->body, "<text x=\"%u\" y=\"%u\" text-anchor=\"middle\">%s</text>\n",
                         x + w / 2, BASE - h - 4, count);
}

static enum dt_err
put_bars(struct picture *p)
{
    size_t step = slot_width(p) < 50 ? 2 : 1;
    uint64_t max = 1;
    enum dt_err err;

    for (size_t i = 0; i < p->n; i++)
        if (p->entries[i] > max)
            max = p->entries[i];
    for (size_t i = 0; i < p->n; i++)
        if ((err = put_bar(p, i, max)) != DT_OK)
            return err;
    if ((err = dt_buf_printf(&p->body, "<path d=\"M%u %uh%u\" stroke=\"#111\"/>\n", LEFT, BASE,
                             WIDTH)) != DT_OK)
        return err;
    for (size_t i = 0; i < p->n; i += step) {
        char date[DT_TIME_STR];

        dt_date_str(date, p->start[i]);
        /* "11-29", or "2026-11" for a month. */
        if ((err = dt_buf_printf(&p->body, "<text x=\"%u\" y=\"%u\">%.*s</text>\n", slot_x(p, i),
                                 BASE + 16, p->unit == DT_PERIOD_MONTH ? 7 : 5,
                                 p->unit == DT_PERIOD_MONTH ? date : date + 5)) != DT_OK)
            return err;
    }
    p->y = BASE + 16 + ROW;
    return DT_OK;
}

/* A row of marks with their number beside them, where there are any. */
static enum dt_err
put_marks(struct picture *p, const size_t *count, const char *path)
{
    bool any = false;
    enum dt_err err;

    for (size_t i = 0; i < p->n; i++) {
        char n[24];

        if (count[i] == 0)
            continue;
        any = true;
        short_count(n, count[i]);
        if ((err = dt_buf_printf(&p->body,
                                 "<path d=\"M%u %u%s\" fill=\"#fff\" stroke=\"#111\" "
                                 "stroke-width=\"1.5\"/>\n<text x=\"%u\" y=\"%u\">%s</text>\n",
                                 slot_x(p, i) + 6, p->y - 12, path, slot_x(p, i) + 14, p->y, n)) !=
            DT_OK)
            return err;
    }
    if (any)
        p->y += ROW;
    return DT_OK;
}

/* ---- words ---- */

static enum dt_err
say_all(struct picture *p, struct dt_buf *out)
{
    char start[DT_TIME_STR];
    const char *unit = dt_period_unit_name(p->unit);
    enum dt_err err;

    if ((err = dt_buf_printf(
             out, "%llu entries, not contacts; %llu of them attested. By %s, at the latest:",
             (unsigned long long)p->t->entries, (unsigned long long)p->t->attested, unit)) != DT_OK)
        return err;
    if (p->before > 0 &&
        (err = dt_buf_printf(out, " %llu earlier;", (unsigned long long)p->before)) != DT_OK)
        return err;
    for (size_t i = 0; i < p->n; i++) {
        dt_period_str(start, p->unit, p->start[i]);
        if (p->entries[i] > 0 && (err = dt_buf_printf(out, " %s: %llu;", start,
                                                      (unsigned long long)p->entries[i])) != DT_OK)
            return err;
    }
    if (p->t->entries == 0)
        return dt_buf_append(out, dt_view_str(" none."));
    out->p[out->n - 1] = '.';
    return DT_OK;
}

static enum dt_err
say_opening(const struct dt_seen_opening *o, struct dt_buf *out)
{
    char day[DT_TIME_STR];
    enum dt_err err;

    if ((err = dt_buf_append(out, dt_view_str("opened: "))) != DT_OK ||
        (err = dt_buf_append(out, o->kind)) != DT_OK ||
        (err = dt_buf_printf(out, ", entry %llu", (unsigned long long)o->entry)) != DT_OK)
        return err;
    dt_date_str(day, o->time_ms);
    if ((o->time_ms != 0 && (err = dt_buf_printf(out, " (%s)", day)) != DT_OK) ||
        (err = dt_buf_append(out, dt_view_str(": "))) != DT_OK)
        return err;
    if ((err = dt_buf_append(out, o->verdict)) != DT_OK)
        return err;
    return dt_buf_append(out, o->more);
}

/* Openings and flags, in the picture and in ${desc}. */
static enum dt_err
put_lists(struct picture *p, const struct dt_seen_opening *openings, size_t n, struct dt_buf *desc)
{
    enum dt_err err;

    for (size_t i = 0; i < n + p->t->n_flags; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(WORDS_MAX);
        size_t place = i < n ? i : i - n, of = i < n ? n : p->t->n_flags;

        if (place > LISTED)
            continue;
        if (place == LISTED)
            err = dt_buf_printf(&line, "and %zu more", of - LISTED);
        else
            err = i < n ? say_opening(&openings[i], &line)
                        : dt_flag_say(p->in, p->t, &p->t->flags[place], &line);
        if (err != DT_OK ||
            (err = put_lines(p, i < n ? "\xe2\x97\x87" : "!", dt_buf_view(&line))) != DT_OK ||
            (err = dt_buf_append(desc, dt_view_str(" "))) != DT_OK ||
            (err = dt_buf_append(desc, dt_buf_view(&line))) != DT_OK ||
            (err = dt_buf_append(desc, dt_view_str("."))) != DT_OK)
            return err;
    }
    return DT_OK;
}

/* What the line tests come to, in the picture and in ${desc}. */
static enum dt_err
put_stations(struct picture *p, struct dt_buf *desc)
{
    enum dt_err err = DT_OK;

    if (p->t->n_stations > 0)
        err = put_lines(p, "",
                        dt_view_str("Circle: a line test was opened. Cross: one was missed, or "
                                    "answered late."));
    for (size_t i = 0; i < p->t->n_stations && i <= LISTED && err == DT_OK; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(WORDS_MAX);

        if (i == LISTED)
            err = dt_buf_printf(&line, "and %zu stations more", p->t->n_stations - LISTED);
        else
            err = dt_line_station_say(&p->t->stations[i], &line);
        if (err != DT_OK || (err = put_lines(p, "\xe2\x97\x8b", dt_buf_view(&line))) != DT_OK ||
            (err = dt_buf_append(desc, dt_view_str(" "))) != DT_OK ||
            (err = dt_buf_append(desc, dt_buf_view(&line))) != DT_OK)
            return err;
        err = dt_buf_append(desc, dt_view_str("."));
    }
    return err;
}

static enum dt_err
draw(struct picture *p, const struct dt_seen_opening *openings, size_t n, struct dt_buf *desc)
{
    size_t opened[BARS + 1] = {0}, flagged[BARS + 1] = {0};
    size_t tested[BARS + 1] = {0}, missed[BARS + 1] = {0};
    enum dt_err err;

    choose(p);
    for (size_t i = 0; i < n; i++)
        opened[slot_of(p, openings[i].time_ms)]++;
    for (size_t i = 0; i < p->in->n_tests; i++)
        tested[slot_of(p, p->in->tests[i].time_ms)]++;
    for (size_t i = 0; i < p->t->n_flags; i++) {
        const struct dt_flag *f = &p->t->flags[i];

        if (dt_flag_of_line(f))
            missed[slot_of(p, f->from_ms)] += f->n;
        else
            flagged[slot_of(p, f->from_ms)]++;
    }
    if ((err = say_all(p, desc)) != DT_OK || (err = put_bars(p)) != DT_OK ||
        (err = put_marks(p, opened, "l6 6-6 6-6-6z")) != DT_OK ||
        (err = put_marks(p, tested, "m-6 6a6 6 0 1 0 12 0a6 6 0 1 0-12 0z")) != DT_OK ||
        (err = put_marks(p, missed, "m-6 0l12 12m0-12l-12 12")) != DT_OK ||
        (err = put_marks(p, flagged, "l6 12h-12z")) != DT_OK)
        return err;
    p->y += 4;
    if ((err = put_lines(p, "", dt_buf_view(desc))) != DT_OK ||
        (err = put_lines(p, "",
                         dt_view_str("Full: attested. Dashed: not yet. Diamond: a record was "
                                     "opened. Triangle: see below."))) != DT_OK ||
        (err = put_stations(p, desc)) != DT_OK)
        return err;
    return put_lists(p, openings, n, desc);
}

enum dt_err
dt_timeline_svg(const struct dt_observed *in, const struct dt_timeline *t,
                const struct dt_seen_opening *openings, size_t n, struct dt_view title,
                struct dt_buf *out)
{
    DT_CLEANUP(picture_clear)
    struct picture p = {.in = in, .t = t, .body = DT_BUF_INIT(DT_OBSERVE_SVG_MAX)};
    DT_CLEANUP(dt_buf_clear) struct dt_buf desc = DT_BUF_INIT(DT_OBSERVE_SVG_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf head = DT_BUF_INIT(WORDS_MAX);
    enum dt_err err;

    if ((err = draw(&p, openings, n, &desc)) != DT_OK)
        return err;
    if ((err = dt_buf_printf(&head, "%s", "Entries of ")) != DT_OK ||
        (err = dt_buf_append(&head, title)) != DT_OK)
        return err;
    if ((err = dt_buf_printf(
             out,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 400 %u\" width=\"100%%\" "
             "role=\"img\" aria-labelledby=\"timeline-title timeline-desc\" xml:lang=\"en\" "
             "font-family=\"sans-serif\" font-size=\"12\" fill=\"#111\">\n"
             "<title id=\"timeline-title\">",
             p.y)) != DT_OK ||
        (err = dt_svg_put_text(out, dt_buf_view(&head))) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str("</title>\n<desc id=\"timeline-desc\">"))) != DT_OK ||
        (err = dt_svg_put_text(out, dt_buf_view(&desc))) != DT_OK ||
        (err = dt_buf_printf(out,
                             "</desc>\n<rect width=\"400\" height=\"%u\" fill=\"#fff\"/>\n"
                             "<text x=\"%u\" y=\"20\" font-size=\"13\" font-weight=\"bold\">"
                             "Entries by %s (not contacts)</text>\n",
                             p.y, LEFT, dt_period_unit_name(p.unit))) != DT_OK ||
        (err = dt_buf_append(out, dt_buf_view(&p.body))) != DT_OK)
        return err;
    return dt_buf_append(out, dt_view_str("</svg>\n"));
}
