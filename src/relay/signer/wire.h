/*
 * relay/signer/wire.h - what a relay and its signer say to each other, one message a packet.
 *
 * Layer: relay, internal. TLS presentation language. Neither trusts the other's bytes.
 *
 *     struct { opaque reg[16]; opaque sealed<V>; uint64 size; opaque root[32]; } signing;
 *     struct { uint8 version = 1; uint8 kind; signing list<V>; } request;        1..128
 *     struct { uint8 version = 1; uint8 error; opaque reason<V>; note notes<V>; } answer;
 *     opaque note<V>;
 *
 * error is 0 when all is well, 1 refused, 2 the seed does not open, 3 input or output, 4 damaged, 5
 * in use, 6 not there, 7 not supported, 8 a contradiction, 9 the network, 10 anything else; with 0
 * reason is empty, and notes has one for each checkpoint to be signed, in order. With another there
 * are no notes, and reason says why in visible ASCII.
 *
 * Each request has one answer, and both kinds of request may be made twice. So when one cannot be
 * read, which is answered with 9, or its answer cannot, it is made again.
 */
#ifndef DT_RELAY_SIGNER_WIRE_H
#define DT_RELAY_SIGNER_WIRE_H

#include "relay/signer/signer.h"

#define SIGNER_REASON_MAX  400u
#define SIGNER_REQUEST_MAX (RELAY_SIGN_MAX * (DT_REGISTER_ID + 2 + RELAY_SEALED_MAX + 8 + 32) + 8)
#define SIGNER_ANSWER_MAX  (RELAY_SIGN_MAX * (RELAY_NOTE_MAX + 2) + SIGNER_REASON_MAX + 16)

enum signer_kind { SIGNER_SIGN = 1, SIGNER_CONFIRM = 2 };

struct signer_request {
    enum signer_kind kind;
    struct relay_signing
        v[RELAY_SIGN_MAX]; /* sealed is borrowed from the message; note is unused */
    size_t n;
};

DT_MUST_CHECK enum dt_err signer_request_write(enum signer_kind kind, const struct relay_signing *v,
                                               size_t n, struct dt_buf *out);
/* FORMAT, LIMIT, UNSUPPORTED (version), RANGE (size). */
DT_MUST_CHECK enum dt_err signer_request_read(struct dt_view bytes, struct signer_request *out);

struct signer_answer {
    enum dt_err err;
    char reason[SIGNER_REASON_MAX + 1];
    struct dt_view notes[RELAY_SIGN_MAX]; /* borrowed from the message */
    size_t n;
};

/* ${err} with dt_err_message() unless it is DT_OK; else the notes of ${v}, ${n} of them. */
DT_MUST_CHECK enum dt_err signer_answer_write(enum dt_err err, const struct relay_signing *v,
                                              size_t n, struct dt_buf *out);
DT_MUST_CHECK enum dt_err signer_answer_read(struct dt_view bytes, struct signer_answer *out);

#endif
