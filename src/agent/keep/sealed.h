/*
 * agent/keep/sealed.h - a file of any length under a passphrase: what backups and archives are in.
 *
 * Source: docs/archive.md "The sealed file". Layer: agent (crypto, base below).
 *
 *   magic           a line of text that says what it is
 *   salt[16], uint32 mem_kib, uint32 passes      of Argon2id
 *   header[24]      of the stream
 *   pieces          65536 + 17 bytes each, the last may be shorter
 *
 * All before the pieces is bound to the first one. Written beside its place, synced, and put there
 * by one rename, so that it is there whole or not at all; never in the place of another file.
 */
#ifndef DT_AGENT_KEEP_SEALED_H
#define DT_AGENT_KEEP_SEALED_H

#include "base/bytes.h"

#define DT_SEALED_PIECE (64u << 10)
#define DT_SEALED_MAGIC 32u /* longest line */

/* ---- writing ---- */

struct dt_sealed_out;

/**
 * dt_sealed_create(path, magic, passphrase, out):
 * Begin the file ${path} (0600). EXISTS: there is something already. IO, NOMEM. ${magic} is a line
 * with its line feed. Owner: dt_sealed_drop(), which takes away what was not finished.
 */
DT_MUST_CHECK enum dt_err dt_sealed_create(const char *path, const char *magic,
                                           struct dt_view passphrase, struct dt_sealed_out **out);

/* Append to the text. IO. */
DT_MUST_CHECK enum dt_err dt_sealed_put(struct dt_sealed_out *f, struct dt_view v);

/* The end of the text: sealed, synced, in its place. EXISTS, IO. */
DT_MUST_CHECK enum dt_err dt_sealed_finish(struct dt_sealed_out *f);

void dt_sealed_drop(struct dt_sealed_out *f); /* NULL is fine */
void dt_sealed_drop_p(struct dt_sealed_out **f);

/* ---- reading ---- */

struct dt_sealed_in;

/* Open ${path}. FORMAT (does not begin with ${magic}), LOCKED (wrong passphrase, or altered at its
 * beginning), IO, NOT_FOUND. Owner: dt_sealed_close(). */
DT_MUST_CHECK enum dt_err dt_sealed_open(const char *path, const char *magic,
                                         struct dt_view passphrase, struct dt_sealed_in **out);

/* The next ${n} bytes, appended to ${out}. FORMAT (the text ends before), AUTH (altered or cut
 * off), LIMIT (past the maximum of ${out}). */
DT_MUST_CHECK enum dt_err dt_sealed_get(struct dt_sealed_in *f, size_t n, struct dt_buf *out);

/* Does the text end here? FORMAT: it does not; AUTH. */
DT_MUST_CHECK enum dt_err dt_sealed_end(struct dt_sealed_in *f);

void dt_sealed_close(struct dt_sealed_in *f); /* NULL is fine */
void dt_sealed_close_p(struct dt_sealed_in **f);

#endif
