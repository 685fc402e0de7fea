/*
 * log/parse.h - pieces that several parsers here share: hashes as lines of text, names of keys.
 *
 * Layer: log, internal.
 */
#ifndef DT_LOG_PARSE_H
#define DT_LOG_PARSE_H

#include "log/tree.h"

#define TLOG_HASH_B64 44

/* One hash in base64. FORMAT. */
DT_MUST_CHECK enum dt_err tlog_hash_parse(struct dt_view b64, struct tlog_hash *out);

/* Hash lines up to and with the empty line after them; ${rest} moves behind it. ${out} is changed
 * on error too. FORMAT, LIMIT (more than TLOG_PROOF_LINES_MAX). */
DT_MUST_CHECK enum dt_err tlog_path_parse(struct dt_view *rest, struct tlog_path *out);

/* Append hash lines and the empty line. */
DT_MUST_CHECK enum dt_err tlog_path_write(const struct tlog_path *path, struct dt_buf *out);

/* As tlog_name_valid() without a maximum: for the lines of keys that are not known here. */
bool tlog_name_chars_valid(struct dt_view name);

#endif
