/*
 * log/line.h - lines of text, for the parsers of this room.
 *
 * Layer: log, internal. The formats here are lines that all end in LF; a last line without one is
 * an error.
 */
#ifndef DT_LOG_LINE_H
#define DT_LOG_LINE_H

#include <string.h>

#include "base/bytes.h"

/* Take the next line of ${rest} without its LF; false (nothing moved) when there is no LF. */
static inline bool
tlog_line_next(struct dt_view *rest, struct dt_view *out)
{
    const uint8_t *lf = rest->n == 0 ? NULL : memchr(rest->p, '\n', rest->n);
    size_t n;

    if (lf == NULL)
        return false;
    n = (size_t)(lf - rest->p);
    *out = dt_view(rest->p, n);
    *rest = dt_view(lf + 1, rest->n - n - 1);
    return true;
}

/* Does ${v} begin with the string ${prefix}? Then the rest of it is in ${out}. */
static inline bool
tlog_line_after(struct dt_view v, const char *prefix, struct dt_view *out)
{
    size_t n = strlen(prefix);

    if (v.n < n || memcmp(v.p, prefix, n) != 0)
        return false;
    *out = dt_view(v.p + n, v.n - n);
    return true;
}

/* Cut ${v} at the first ${sep}; false when there is none. */
static inline bool
tlog_line_cut(struct dt_view v, char sep, struct dt_view *before, struct dt_view *after)
{
    const uint8_t *at = v.n == 0 ? NULL : memchr(v.p, sep, v.n);
    size_t n;

    if (at == NULL)
        return false;
    n = (size_t)(at - v.p);
    *before = dt_view(v.p, n);
    *after = dt_view(at + 1, v.n - n - 1);
    return true;
}

#endif
