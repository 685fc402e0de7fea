/*
 * crypto/stream.h - a long secret text sealed in pieces, each in its place, and its end with it.
 *
 * Source: libsodium's secretstream (XChaCha20-Poly1305, rekeyed by itself). Layer: crypto. A piece
 * that was altered, left out, put elsewhere or put behind the end does not open; a text that was
 * cut off has no last piece.
 */
#ifndef DT_CRYPTO_STREAM_H
#define DT_CRYPTO_STREAM_H

#include "crypto/secret.h"

#define DT_STREAM_KEY    32u
#define DT_STREAM_HEADER 24u
#define DT_STREAM_EXTRA  17u /* by so much a sealed piece is longer */

/* State of one text, one way. */
struct dt_stream;

/* Begin to seal under ${key} (32 bytes); ${header} goes before the pieces. NOMEM. Owner: the
 * caller, dt_stream_free(). */
DT_MUST_CHECK enum dt_err dt_stream_seal_begin(struct dt_view key,
                                               uint8_t header[static DT_STREAM_HEADER],
                                               struct dt_stream **out);

/* Append the sealed ${plain} to ${out}; ${last}: nothing follows. ${aad} is bound to it. */
DT_MUST_CHECK enum dt_err dt_stream_seal(struct dt_stream *s, struct dt_view aad,
                                         struct dt_view plain, bool last, struct dt_buf *out);

/* Begin to open. NOMEM; whether key and header are right shows at the first piece. */
DT_MUST_CHECK enum dt_err dt_stream_open_begin(struct dt_view key,
                                               const uint8_t header[static DT_STREAM_HEADER],
                                               struct dt_stream **out);

/* Append what the piece ${sealed} holds to ${out}; *${out_last}: it was the last. AUTH (${out} is
 * as it was). */
DT_MUST_CHECK enum dt_err dt_stream_open(struct dt_stream *s, struct dt_view aad,
                                         struct dt_view sealed, struct dt_buf *out, bool *out_last);

/* Wipe and release; NULL is fine. */
void dt_stream_free(struct dt_stream *s);
void dt_stream_free_p(struct dt_stream **s); /* for DT_CLEANUP */

#endif
