/*
 * agent/form/cell.h - queue keys, and cells: padded to a few sizes and sealed once more under the
 * queue's key.
 *
 * Source: docs/protocol.md, Channels: Queues, Cells. Layer: agent; pure, no I/O.
 */
#ifndef DT_AGENT_FORM_CELL_H
#define DT_AGENT_FORM_CELL_H

#include "agent/limits.h"
#include "crypto/crypto.h"

/* The MLS exporter's label and length for a queue (RFC 9420 section 8.5); empty context. */
#define DT_QUEUE_EXPORT_LABEL "detente 1 queue"
#define DT_QUEUE_EXPORT_LEN   96

/* What a reader and writer of a queue holds: read token, write token and cell key, 32 bytes each.
 */
struct dt_queue_keys {
    struct dt_secret bytes; /* 96 bytes, in that order */
    uint8_t address[32];
};

void dt_queue_keys_clear(struct dt_queue_keys *k);

/* From the 96 exported or received bytes. RANGE for another length. */
DT_MUST_CHECK enum dt_err dt_queue_keys_set(struct dt_queue_keys *k, struct dt_view bytes);

struct dt_view dt_queue_read_token(const struct dt_queue_keys *k);
struct dt_view dt_queue_write_token(const struct dt_queue_keys *k);
struct dt_view dt_queue_cell_key(const struct dt_queue_keys *k);

/* Address of a queue: dt_label_hash("queue", SHA-256(read token) || SHA-256(write token)). */
DT_MUST_CHECK enum dt_err dt_queue_address(struct dt_view read_token, struct dt_view write_token,
                                           uint8_t out[static 32]);

/* The least legal cell size that holds ${n} bytes; 0 when none does. 512-byte steps to 4096, then
 * powers of two to DT_CELL_MAX. */
size_t dt_cell_size(size_t n);

/* Append the sealed cell of ${content}: nonce[24] || XChaCha20-Poly1305( opaque content<V> || zeros
 * ), associated data = label "detente 1 cell" and the queue's address. The nonce bears the mark of
 * ${mark_key} (32 bytes). LIMIT when it is too large.
 */
DT_MUST_CHECK enum dt_err dt_cell_seal(const struct dt_queue_keys *k, struct dt_view mark_key,
                                       struct dt_view content, struct dt_buf *out);

/**
 * dt_cell_is_marked(k, mark_key, cell, out):
 * Was ${cell}, which opens, sealed for this queue by a holder of ${mark_key}? Half of the nonce is
 * random, half is a MAC of that and of the queue's address: a delegate's agent knows what it or a
 * copy of it sealed, whatever the MLS state says, and nobody else can tell the nonce from a random
 * one.
 */
DT_MUST_CHECK enum dt_err dt_cell_is_marked(const struct dt_queue_keys *k, struct dt_view mark_key,
                                            struct dt_view cell, bool *out);

/* What names a cell in its queue: its nonce. */
#define DT_CELL_NAME DT_XCHACHA_NONCE

/* The content of ${cell}, appended to ${out}. AUTH (another key or altered), FORMAT (illegal size,
 * padding not zero). */
DT_MUST_CHECK enum dt_err dt_cell_open(const struct dt_queue_keys *k, struct dt_view cell,
                                       struct dt_buf *out);

/* opaque content<V> and zeros up to a legal cell size less ${overhead}; and back. */
DT_MUST_CHECK enum dt_err dt_cell_pad(struct dt_view content, size_t overhead, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_cell_unpad(struct dt_view padded, struct dt_view *content);

/* ---- the queue GroupInfo extension (DT_EXT_QUEUE) ---- */
struct dt_queue_ext {
    uint8_t queue_token[32]; /* the grant's token, with which members create queues */
    uint64_t begun_ms;       /* when the queue began, by its maker's clock */
    bool begins_here;        /* keys come from this epoch's exporter; else they follow */
    struct dt_queue_keys keys;
};
void dt_queue_ext_clear(struct dt_queue_ext *x);
DT_MUST_CHECK enum dt_err dt_queue_ext_encode(const struct dt_queue_ext *x, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_queue_ext_decode(struct dt_view bytes, struct dt_queue_ext *out);

#endif
