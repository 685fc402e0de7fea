/*
 * log/checkpoint.h - checkpoints: a log's signed statement of size and root.
 *
 * Source: c2sp.org/tlog-checkpoint. Layer: log.
 */
#ifndef DT_LOG_CHECKPOINT_H
#define DT_LOG_CHECKPOINT_H

#include "log/note.h"
#include "log/tree.h"

struct tlog_checkpoint {
    char origin[TLOG_NAME_MAX + 1]; /* NUL-terminated */
    uint64_t size;
    struct tlog_hash root;
    struct dt_view extension; /* lines after the third, with their LFs; borrowed; mostly empty */
};

/* Fill ${out} from its parts. FORMAT (origin), RANGE (size). */
DT_MUST_CHECK enum dt_err tlog_checkpoint_init(struct tlog_checkpoint *out, struct dt_view origin,
                                               uint64_t size, const struct tlog_hash *root);

/* Parse a note's ${text}; its extension is borrowed from it. FORMAT; RANGE (size above 2^63 - 1).
 */
DT_MUST_CHECK enum dt_err tlog_checkpoint_parse(struct dt_view text, struct tlog_checkpoint *out);

/* Append the note text of ${cp}. */
DT_MUST_CHECK enum dt_err tlog_checkpoint_write(const struct tlog_checkpoint *cp,
                                                struct dt_buf *out);

/* Append the note of ${cp} signed by the log's key ${s}, whose name must be cp->origin (STATE). */
DT_MUST_CHECK enum dt_err tlog_checkpoint_sign(const struct tlog_signer *s,
                                               const struct tlog_checkpoint *cp,
                                               struct dt_buf *out);

/* Parse the signed note ${bytes} and check that ${log} signed it and is named like its origin.
 * FORMAT, LIMIT, AUTH. out->extension is borrowed from ${bytes}. */
DT_MUST_CHECK enum dt_err tlog_checkpoint_open(struct dt_view bytes, const struct tlog_vkey *log,
                                               struct tlog_checkpoint *out);

#endif
