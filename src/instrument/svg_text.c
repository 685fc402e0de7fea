/*
 * instrument/svg_text.c - see svg_text.h.
 */
#include "base/text.h"

#include "instrument/svg_text.h"

enum dt_err
dt_svg_put_text(struct dt_buf *out, struct dt_view text)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; i < text.n && err == DT_OK;) {
        uint8_t c = text.p[i];
        size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        struct dt_view one = dt_view(text.p + i, len <= text.n - i ? len : 1);
        bool line = dt_utf8_line(one);

        /* U+2028 to U+202E and U+2066 to U+2069 (UAX 9), U+FFFE and U+FFFF (no XML). */
        if (line && len == 3 && c == 0xe2 &&
            ((one.p[1] == 0x80 && one.p[2] >= 0xa8 && one.p[2] <= 0xae) ||
             (one.p[1] == 0x81 && one.p[2] >= 0xa6 && one.p[2] <= 0xa9)))
            line = false;
        if (line && len == 3 && c == 0xef && one.p[1] == 0xbf && one.p[2] >= 0xbe)
            line = false;
        if (!line)
            err = dt_buf_append(out, dt_view_str("?"));
        else if (c == '<')
            err = dt_buf_append(out, dt_view_str("&lt;"));
        else if (c == '>')
            err = dt_buf_append(out, dt_view_str("&gt;"));
        else if (c == '&')
            err = dt_buf_append(out, dt_view_str("&amp;"));
        else if (c == '"')
            err = dt_buf_append(out, dt_view_str("&quot;"));
        else
            err = dt_buf_append(out, one);
        i += line ? one.n : 1;
    }
    return err;
}

size_t
dt_svg_line_end(struct dt_view text, size_t letters)
{
    size_t i = 0, space = 0, seen = 0;

    for (; i < text.n && seen <= letters; i++) {
        if ((text.p[i] & 0xc0) == 0x80)
            continue; /* goes on with a letter */
        if (seen == letters)
            break;
        seen++;
        if (text.p[i] == ' ')
            space = i;
    }
    if (i == text.n)
        return i;
    return space > 0 ? space : i;
}

enum dt_err
dt_svg_put_lines(struct dt_buf *out, unsigned int x, unsigned int line, size_t letters,
                 const char *mark, struct dt_view text, unsigned int *y)
{
    const char *lead = mark;
    enum dt_err err = DT_OK;

    while (text.n > 0 && err == DT_OK) {
        size_t n = dt_svg_line_end(text, letters);

        if ((err = dt_buf_printf(out, "<text x=\"%u\" y=\"%u\">", lead == NULL ? x + 14 : x, *y)) !=
                DT_OK ||
            (lead != NULL && (err = dt_buf_printf(out, "%s ", lead)) != DT_OK) ||
            (err = dt_svg_put_text(out, dt_view(text.p, n))) != DT_OK ||
            (err = dt_buf_append(out, dt_view_str("</text>\n"))) != DT_OK)
            return err;
        *y += line;
        lead = NULL;
        while (n < text.n && text.p[n] == ' ')
            n++;
        text = dt_view(text.p + n, text.n - n);
    }
    return err;
}
