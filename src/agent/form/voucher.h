/*
 * agent/form/voucher.h - what vouches for a session key, and the MLS credential made of letter and
 * voucher.
 *
 * Source: docs/protocol.md, Channels: Vouchers. Layer: agent; pure, no I/O.
 *
 * A chain of four: party root -> letter -> voucher -> session key (the leaf's signature key).
 */
#ifndef DT_AGENT_FORM_VOUCHER_H
#define DT_AGENT_FORM_VOUCHER_H

#include "agent/limits.h"
#include "base/bytes.h"

struct dt_voucher {
    uint8_t forum[32];
    uint8_t group_id[32];
    uint8_t letter_hash[32];
    uint8_t session_key[32];   /* Ed25519; the leaf's signature key */
    uint64_t serial;           /* 0 at admission, +1 at each rotation */
    uint8_t invitation_id[16]; /* names the leaf for ever, across rotations */
    uint64_t not_before_ms;
    uint64_t not_after_ms;
    uint8_t signature[64]; /* by the delegate's key, label "detente 1 voucher" */
};

/* Fill in the signature of ${v} with the delegate's 32-byte ${seed}. RANGE when the validity is
 * empty or longer than DT_VOUCHER_LIFE_MAX_MS. */
DT_MUST_CHECK enum dt_err dt_voucher_sign(struct dt_voucher *v, struct dt_view seed);

/* AUTH unless the delegate's key ${pub} signed ${v}; RANGE unless its validity is within bounds.
 * Does not look at a clock. */
DT_MUST_CHECK enum dt_err dt_voucher_verify(const struct dt_voucher *v, struct dt_view pub);

/* Is ${now_ms} inside the validity of ${v}? */
bool dt_voucher_valid_at(const struct dt_voucher *v, uint64_t now_ms);

/* Append the encoding of ${v}. One encoding only: FORMAT for anything else, trailing bytes too. */
DT_MUST_CHECK enum dt_err dt_voucher_encode(const struct dt_voucher *v, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_voucher_decode(struct dt_view bytes, struct dt_voucher *out);

/**
 * dt_credential_encode(letter, v, out), dt_credential_decode(identity, letter, v):
 * The identity bytes of the MLS basic credential (RFC 9420 section 5.3): opaque letter<V>;
 * opaque voucher<V>. ${letter} is an encoded letter of the record room, borrowed from ${identity}.
 */
DT_MUST_CHECK enum dt_err dt_credential_encode(struct dt_view letter, const struct dt_voucher *v,
                                               struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_credential_decode(struct dt_view identity, struct dt_view *letter,
                                               struct dt_voucher *v);

#endif
