/*
 * net/relay_wire.h - the bodies that agents, witnesses and the relay exchange, encoded and decoded.
 *
 * Source: docs/protocol-relay.md. TLS presentation language through base/wire.h. Layer: net (base
 * only). Decoded views point into the input. Trailing bytes are FORMAT everywhere.
 */
#ifndef DT_NET_RELAY_WIRE_H
#define DT_NET_RELAY_WIRE_H

#include "base/bytes.h"
#include "net/limits.h"

/* Is ${n} the length of a cell: 512-byte steps to 4 KiB, then powers of two up to 512 KiB? */
bool dt_cell_size_ok(size_t n);

/* The smallest legal cell that holds ${n} bytes; 0 when none does. */
size_t dt_cell_size_for(size_t n);

/* struct { opaque queue_token[32]; opaque read_hash[32]; opaque write_hash[32]; } */
struct dt_wire_create {
    uint8_t queue_token[DT_RELAY_TOKEN];
    uint8_t read_hash[32];  /* SHA-256 of the read token */
    uint8_t write_hash[32]; /* SHA-256 of the write token */
};
DT_MUST_CHECK enum dt_err dt_wire_create_encode(const struct dt_wire_create *x, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_wire_create_decode(struct dt_view v, struct dt_wire_create *out);

/* struct { opaque append_id[16]; opaque cell<V>; } */
struct dt_wire_append {
    uint8_t append_id[DT_RELAY_APPEND_ID];
    struct dt_view cell;
};
DT_MUST_CHECK enum dt_err dt_wire_append_encode(const struct dt_wire_append *x, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_wire_append_decode(struct dt_view v, struct dt_wire_append *out);

/* Several for one queue, taken in this order: append appends<V>, 1 to DT_RELAY_APPEND_MAX of them.
 */
DT_MUST_CHECK enum dt_err dt_wire_appends_encode(const struct dt_wire_append *x, size_t n,
                                                 struct dt_buf *out);
DT_MUST_CHECK enum dt_err
dt_wire_appends_decode(struct dt_view v, struct dt_wire_append out[static DT_RELAY_APPEND_MAX],
                       size_t *out_n);

/* What became of each of them: struct { uint16 status; uint64 position; } results<V>. The status is
 * that of HTTP which it had had alone: 200 with its position, else 400 to 599 and position 0. */
struct dt_wire_result {
    uint16_t status;
    uint64_t position;
};
DT_MUST_CHECK enum dt_err dt_wire_results_encode(const struct dt_wire_result *x, size_t n,
                                                 struct dt_buf *out);
DT_MUST_CHECK enum dt_err
dt_wire_results_decode(struct dt_view v, struct dt_wire_result out[static DT_RELAY_APPEND_MAX],
                       size_t *out_n);

/* One stored cell: struct { uint64 position; opaque append_id[16]; opaque cell<V>; } */
struct dt_wire_item {
    uint64_t position; /* from 1, without gaps */
    uint8_t append_id[DT_RELAY_APPEND_ID];
    struct dt_view cell;
};

/**
 * dt_wire_items_begin(v, out_last, out_items), dt_wire_items_next(items, out, out_more):
 * Walk a read answer struct { uint64 last_position; item items<V>; } without a copy. next sets
 * ${out_more} false at the end. Positions must rise by one from item to item (FORMAT).
 */
struct dt_wire_items {
    struct dt_view rest;
    uint64_t last, expect;
};
DT_MUST_CHECK enum dt_err dt_wire_items_begin(struct dt_view v, uint64_t *out_last,
                                              struct dt_wire_items *out);
DT_MUST_CHECK enum dt_err dt_wire_items_next(struct dt_wire_items *items, struct dt_wire_item *out,
                                             bool *out_more);

/* The whole answer, for the relay. */
DT_MUST_CHECK enum dt_err dt_wire_items_encode(uint64_t last, const struct dt_wire_item *items,
                                               size_t n_items, struct dt_buf *out);

/* struct { opaque address[32]; opaque read_token[32]; uint64 after; } wanted<V>, at most 64. */
struct dt_wire_poll {
    uint8_t address[DT_RELAY_ADDRESS];
    uint8_t read_token[DT_RELAY_TOKEN];
    uint64_t after;
};
DT_MUST_CHECK enum dt_err dt_wire_poll_encode(const struct dt_wire_poll *x, size_t n,
                                              struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_wire_poll_decode(struct dt_view v,
                                              struct dt_wire_poll out[static DT_RELAY_POLL_MAX],
                                              size_t *out_n);

/* struct { opaque address[32]; uint64 last_position; } news<V> */
struct dt_wire_news {
    uint8_t address[DT_RELAY_ADDRESS];
    uint64_t last;
};
DT_MUST_CHECK enum dt_err dt_wire_news_encode(const struct dt_wire_news *x, size_t n,
                                              struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_wire_news_decode(struct dt_view v,
                                              struct dt_wire_news out[static DT_RELAY_POLL_MAX],
                                              size_t *out_n);

/**
 * dt_wire_found_begin(v, out), dt_wire_found_next(found, out, out_more):
 * Walk the answer struct { opaque address[32]; opaque cells<V>; } found<V> of a poll that asked for
 * cells, without a copy; ${cells} is a read answer. next sets ${out_more} false at the end. At most
 * DT_RELAY_POLL_MAX (LIMIT).
 */
struct dt_wire_found {
    uint8_t address[DT_RELAY_ADDRESS];
    struct dt_view cells;
};
struct dt_wire_founds {
    struct dt_view rest;
    size_t n;
};
DT_MUST_CHECK enum dt_err dt_wire_found_begin(struct dt_view v, struct dt_wire_founds *out);
DT_MUST_CHECK enum dt_err dt_wire_found_next(struct dt_wire_founds *found,
                                             struct dt_wire_found *out, bool *out_more);

/* struct { opaque reader[16]; uint64 position; }: a reader has all up to there. */
struct dt_wire_ack {
    uint8_t reader[DT_RELAY_READER];
    uint64_t position;
};
DT_MUST_CHECK enum dt_err dt_wire_ack_encode(const struct dt_wire_ack *x, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_wire_ack_decode(struct dt_view v, struct dt_wire_ack *out);

/* A body or answer of one uint64 (position, index). */
DT_MUST_CHECK enum dt_err dt_wire_u64_encode(uint64_t x, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_wire_u64_decode(struct dt_view v, uint64_t *out);

/* struct { uint8 version = 1; opaque seal[32]; } : a register entry, 33 bytes. UNSUPPORTED version.
 */
DT_MUST_CHECK enum dt_err dt_wire_entry_encode(const uint8_t seal[static 32], struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_wire_entry_decode(struct dt_view v, uint8_t seal[static 32]);

#endif
