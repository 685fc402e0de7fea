/*
 * agent/form/bundle.h - cells of a channel's queue for a link that carries little: serial, HF
 * radio.
 *
 * Source: docs/protocol-carried.md "Bundles". Layer: agent; pure, no I/O.
 *
 *   uint8 kind | queue tag[4] | uint32 position | items ... | mac[16]
 *
 * Who makes and who takes a bundle both hold the queue's keys. So of a cell without its padding
 * nothing has to be sent that the other can compute: not the zeros, not the tag, and not the head
 * of an MLS message of a known group. The mac is over the cells as they are whole again, and names
 * a damaged bundle.
 */
#ifndef DT_AGENT_FORM_BUNDLE_H
#define DT_AGENT_FORM_BUNDLE_H

#include "agent/form/cell.h"

#define DT_BUNDLE_MAX       (1u << 20) /* bytes of one */
#define DT_BUNDLE_CELLS_MAX 1024u
#define DT_BUNDLE_WHOLE_MAX (8u << 20) /* of all its cells, whole again */
#define DT_BUNDLE_TAG       4u

enum dt_bundle_kind {
    DT_BUNDLE_CELLS = 0x11,    /* those that stand behind position */
    DT_BUNDLE_OUTGOING = 0x12, /* those that are to be appended; position: read so far */
    DT_BUNDLE_ACK = 0x13       /* none; position: read so far */
};

/* What both sides know. Borrowed. */
struct dt_bundle_side {
    const struct dt_queue_keys *queue;
    const uint8_t *group_id; /* 32 bytes */
    uint64_t epoch;          /* ours, now; the other's is less than 128 away */
};

struct dt_bundle_cell {
    uint8_t append_id[16];
    struct dt_view cell;
};

/* All zero is empty; release with dt_bundle_clear(). */
struct dt_bundle {
    enum dt_bundle_kind kind;
    uint32_t position;
    struct dt_bundle_cell *cells; /* views into bytes */
    size_t n;
    struct dt_buf bytes;
};
void dt_bundle_clear(struct dt_bundle *b);

/* By which append id a cell is appended that was sealed for a queue: 16 bytes of its nonce, so that
 * who carries it for its author appends it under the same. */
void dt_bundle_append_id(struct dt_view cell, uint8_t out[static 16]);

/**
 * dt_bundle_encode(side, kind, unpadded, position, cells, n, out):
 * Append the bundle to ${out}. ${unpadded}: without what can be computed; the length of a bundle
 * then shows the lengths of what is in it. RANGE (position, a cell of no legal size), LIMIT, AUTH
 * (a cell that does not open under the queue's key, with ${unpadded}), NOMEM.
 */
DT_MUST_CHECK enum dt_err dt_bundle_encode(const struct dt_bundle_side *side,
                                           enum dt_bundle_kind kind, bool unpadded,
                                           uint64_t position, const struct dt_bundle_cell *cells,
                                           size_t n, struct dt_buf *out);

/* Of which queue is it? Its tag, not checked. FORMAT. */
DT_MUST_CHECK enum dt_err dt_bundle_tag_read(struct dt_view bytes,
                                             uint8_t tag[static DT_BUNDLE_TAG]);
DT_MUST_CHECK enum dt_err dt_bundle_tag_of(const struct dt_queue_keys *queue,
                                           uint8_t tag[static DT_BUNDLE_TAG]);

/* The cells of ${bytes}, whole. FORMAT, LIMIT, AUTH (damaged, or of another queue), NOMEM. On error
 * ${out} is as it was. */
DT_MUST_CHECK enum dt_err dt_bundle_decode(struct dt_view bytes, const struct dt_bundle_side *side,
                                           struct dt_bundle *out);

#endif
