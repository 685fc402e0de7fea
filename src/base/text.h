/*
 * base/text.h - strict text forms of bytes and numbers: hex, base64, decimal, UTF-8.
 *
 * Source: RFC 4648 sections 4 and 8; RFC 3629. Layer: base.
 * Encoders and decoders of hex and base64 use no table and no branch on the data (they carry keys).
 */
#ifndef DT_BASE_TEXT_H
#define DT_BASE_TEXT_H

#include "base/bytes.h"

/* Lower-case hex of ${v} appended to ${out}. Errors: as dt_buf_append(). */
DT_MUST_CHECK enum dt_err dt_hex_write(struct dt_buf *out, struct dt_view v);

/* Lower-case hex of ${v} into ${out}, which holds 2 * v.n + 1 bytes; NUL-terminated. */
void dt_hex_str(char *out, struct dt_view v);

/* Append the bytes of the hex ${text} (both cases accepted) to ${out}. FORMAT: odd or not hex. */
DT_MUST_CHECK enum dt_err dt_hex_read(struct dt_buf *out, struct dt_view text);

/* As dt_hex_read() into exactly ${n} bytes at ${out}; FORMAT if the length differs. */
DT_MUST_CHECK enum dt_err dt_hex_read_fixed(uint8_t *out, size_t n, struct dt_view text);

/* Standard base64 with padding of ${v}, appended to ${out} (one line, no LF). */
DT_MUST_CHECK enum dt_err dt_base64_write(struct dt_buf *out, struct dt_view v);

/**
 * dt_base64_read(out, text):
 * Append the bytes of ${text} to ${out}. Strict: length a multiple of 4, standard alphabet, padding
 * only at the end, unused bits zero; anything else is FORMAT.
 */
DT_MUST_CHECK enum dt_err dt_base64_read(struct dt_buf *out, struct dt_view text);

/* An unsigned decimal without sign or leading zero (except "0"), at most ${max}. FORMAT, RANGE. */
DT_MUST_CHECK enum dt_err dt_decimal_read(struct dt_view text, uint64_t max, uint64_t *out);

/**
 * dt_json_str(out, size, text):
 * ${text} as a JSON string with its quotes into the array ${out} of ${size} (3 at least),
 * NUL-terminated. Bytes that are not UTF-8 become U+FFFD; what does not fit is left away whole
 * characters at a time, and false says so. Source: RFC 8259 section 7.
 */
bool dt_json_str(char *out, size_t size, struct dt_view text);

/* Valid UTF-8 (RFC 3629: no surrogates, no over-long forms, at most U+10FFFF)? */
bool dt_utf8_valid(struct dt_view text);

/* Valid UTF-8 in one line: no control characters (U+0000 to U+001F, U+007F to U+009F)? */
bool dt_utf8_line(struct dt_view text);

/* Valid UTF-8 with line feeds as the only control characters? */
bool dt_utf8_lines(struct dt_view text);

/* The next part of *${rest} before ${sep}; *${rest} moves behind it. False when *${rest} is
 * NULL/done: rest->p == NULL marks the end, so that an empty last part is still given. */
bool dt_text_split(struct dt_view *rest, char sep, struct dt_view *out);

#endif
