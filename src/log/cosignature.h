/*
 * log/cosignature.h - a witness's timestamped signature on a checkpoint.
 *
 * Source: c2sp.org/tlog-cosignature, Ed25519 cosignature/v1 (type 0x04). Layer: log.
 *
 * Signed: "cosignature/v1" LF "time" SP seconds LF and the whole note text.
 * In the signature line: key id[4] || uint64 time || Ed25519[64].
 * It says: as of that time this is the largest consistent tree of this origin that I saw.
 */
#ifndef DT_LOG_COSIGNATURE_H
#define DT_LOG_COSIGNATURE_H

#include "log/note.h"

/* Append the message to be signed. RANGE (time above 2^63 - 1). */
DT_MUST_CHECK enum dt_err tlog_cosignature_message(struct dt_view text, uint64_t time_s,
                                                   struct dt_buf *out);

/* Append the signature line of ${s} (type 0x04, else STATE) on the checkpoint text ${text}, made at
 * ${time_s}. FORMAT (text is no checkpoint), RANGE (time). Deterministic. A
 * witness never passes 0 (c2sp.org/tlog-witness: the time must not be zero). */
DT_MUST_CHECK enum dt_err tlog_cosign(const struct tlog_signer *s, struct dt_view text,
                                      uint64_t time_s, struct dt_buf *out);

/* Check the 72 bytes ${sig} (time || Ed25519) by ${key} on ${text}. AUTH; ${out_time_s} in seconds.
 */
DT_MUST_CHECK enum dt_err tlog_cosignature_verify(const struct tlog_vkey *key, struct dt_view text,
                                                  struct dt_view sig, uint64_t *out_time_s);

#endif
