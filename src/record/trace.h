/*
 * record/trace.h - what is left of a record that was destroyed by its own rule, and a delegate's
 * word that it was: that there was such a record, never what it said.
 *
 * Source: docs/protocol-record.md, "Destroyed by rule". Layer: record; no I/O, no clock.
 *
 *     salt, rule -> leaf 7 -(path)-> root, ctx -> commitment, key, signature -> seal -> entry
 */
#ifndef DT_RECORD_TRACE_H
#define DT_RECORD_TRACE_H

#include "record/record.h"

#define DT_TRACE_NODES 6u /* levels of a tree of 64 slots */
#define DT_TRACE_MAX   512u

struct dt_trace {
    uint8_t n_slots;
    uint8_t ctx[32]; /* the header's hash: neither kind nor record id can be told from it */
    uint8_t salt[32];
    uint64_t after_ms;
    uint8_t nodes[DT_TRACE_NODES][32];
    uint8_t key[32]; /* of the author */
    uint8_t signature[64];
    uint8_t commitment[32], seal[32]; /* these follow */
};

/* What is left of ${r}, which has a rule (STATE: none). */
DT_MUST_CHECK enum dt_err dt_trace_of(const struct dt_record *r, struct dt_trace *out);

DT_MUST_CHECK enum dt_err dt_trace_encode(const struct dt_trace *t, struct dt_buf *out);
/* Commitment and seal are computed; the author's signature over them is checked under ${forum}.
 * FORMAT, RANGE, AUTH. */
DT_MUST_CHECK enum dt_err dt_trace_decode(struct dt_view bytes, const uint8_t forum[static 32],
                                          struct dt_trace *out);

/* A delegate says that a record is destroyed where it is. Signed by its key, label "destroyed". */
#define DT_DESTROYED_LEN 169u
struct dt_destroyed {
    uint8_t forum[32];
    uint8_t commitment[32];
    uint8_t letter[32]; /* hash of the delegate's */
    uint64_t when_ms;   /* by its clock */
    uint8_t signature[64];
};
DT_MUST_CHECK enum dt_err dt_destroyed_sign(struct dt_destroyed *d, struct dt_view seed);
DT_MUST_CHECK enum dt_err dt_destroyed_verify(const struct dt_destroyed *d,
                                              const uint8_t key[static 32]);
DT_MUST_CHECK enum dt_err dt_destroyed_encode(const struct dt_destroyed *d, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_destroyed_decode(struct dt_view bytes, struct dt_destroyed *out);

#endif
