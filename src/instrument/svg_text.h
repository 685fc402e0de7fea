/*
 * instrument/svg_text.h - text that others wrote, inside a picture.
 *
 * Source: XML 1.0 section 2.2; UAX 9 for marks of direction. Layer: instrument: pure.
 */
#ifndef DT_INSTRUMENT_SVG_TEXT_H
#define DT_INSTRUMENT_SVG_TEXT_H

#include "base/bytes.h"

/* Append ${text} as character data: markup escaped; what is not UTF-8, and control characters and
 * marks of direction, as '?'. */
DT_MUST_CHECK enum dt_err dt_svg_put_text(struct dt_buf *out, struct dt_view text);

/* Where to break a line of at most ${letters} letters: behind its last space, if it has one. */
size_t dt_svg_line_end(struct dt_view text, size_t letters);

/* Append lines of text of at most ${letters} letters, the first at ${x}, *${y} behind ${mark} (a
 * sign and a space, or ""), the others at ${x} + 14 below it, ${line} units apart. *${y} moves on.
 */
DT_MUST_CHECK enum dt_err dt_svg_put_lines(struct dt_buf *out, unsigned int x, unsigned int line,
                                           size_t letters, const char *mark, struct dt_view text,
                                           unsigned int *y);

#endif
