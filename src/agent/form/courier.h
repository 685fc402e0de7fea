/*
 * agent/form/courier.h - a courier key: its name, the forms in which it is carried by hand, and
 * what its holders sign.
 *
 * Source: docs/protocol-channel.md, "Courier keys"; RFC 9420 section 8.4. Layer: agent; pure, no
 * I/O.
 *
 * A courier key is 32 random bytes, made on one side and carried outside the network. Its id is a
 * hash over it, its forum and its channel, so whoever has the right key for the right channel has
 * the right id, and nobody else can name it.
 */
#ifndef DT_AGENT_FORM_COURIER_H
#define DT_AGENT_FORM_COURIER_H

#include "agent/limits.h"
#include "crypto/crypto.h"

#define DT_COURIER_KEY      32
#define DT_COURIER_ID       32
#define DT_COURIER_FILE_MAX 1024u /* any of the carried forms */

/* The channel that a key is for. */
struct dt_courier_channel {
    const uint8_t *forum;    /* 32 */
    const uint8_t *group_id; /* 32 */
};

/* The id of ${key}, which is also its psk_id in MLS. RANGE when it does not have 32 bytes. */
DT_MUST_CHECK enum dt_err dt_courier_id(const struct dt_courier_channel *ch, struct dt_view key,
                                        uint8_t out[static DT_COURIER_ID]);

/* ---- "I hold this key": signed by the holder's delegate key, label "detente 1 courier" ---- */

struct dt_courier_ack {
    uint8_t key_id[DT_COURIER_ID];
    uint8_t invitation_id[16]; /* the holder's seat */
    uint8_t signature[64];     /* over forum, group id, key id, invitation id */
};
DT_MUST_CHECK enum dt_err dt_courier_ack_sign(const struct dt_courier_channel *ch,
                                              struct dt_courier_ack *x, struct dt_view seed);
DT_MUST_CHECK enum dt_err dt_courier_ack_verify(const struct dt_courier_channel *ch,
                                                const struct dt_courier_ack *x, struct dt_view pub);
DT_MUST_CHECK enum dt_err dt_courier_ack_encode(const struct dt_courier_ack *x, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_courier_ack_decode(struct dt_view bytes, struct dt_courier_ack *out);

/* ---- the body of a DT_GROUND_COURIER ---- */

struct dt_courier_ground {
    uint8_t key_id[DT_COURIER_ID];
    uint64_t renew_ms;   /* to be replaced so long after the Commit; 0: not said */
    struct dt_view acks; /* of every member: invitation id and signature, one after the other */
};
DT_MUST_CHECK enum dt_err dt_courier_ground_encode(const struct dt_courier_ground *x,
                                                   struct dt_buf *out);
/* FORMAT also for a seat that confirms twice. ${out}->acks points into ${bytes}. */
DT_MUST_CHECK enum dt_err dt_courier_ground_decode(struct dt_view bytes,
                                                   struct dt_courier_ground *out);
/* The acks in the ground of ${key_id}: append one; walk them (NOT_FOUND at the end). */
DT_MUST_CHECK enum dt_err dt_courier_acks_add(struct dt_buf *acks, const struct dt_courier_ack *x);
DT_MUST_CHECK enum dt_err dt_courier_acks_next(struct dt_view *rest,
                                               const uint8_t key_id[static DT_COURIER_ID],
                                               struct dt_courier_ack *out);

/* ---- carried by hand ---- */

enum dt_courier_form {
    DT_COURIER_SEALED, /* a file under a passphrase that is told another way */
    DT_COURIER_CODE,   /* one line of letters and digits, for a QR code; not sealed */
    DT_COURIER_WORDS   /* 24 words in three lines, to be read aloud or written down; not sealed */
};

/* The key sealed for one channel: the file's text appended to ${out}. RANGE: no passphrase. */
DT_MUST_CHECK enum dt_err dt_courier_seal(const struct dt_courier_channel *ch, struct dt_view key,
                                          struct dt_view passphrase, struct dt_buf *out);
/* LOCKED (passphrase wrong, altered, or for another channel), FORMAT, LIMIT (its cost). */
DT_MUST_CHECK enum dt_err dt_courier_open(const struct dt_courier_channel *ch, struct dt_view text,
                                          struct dt_view passphrase, struct dt_secret *out);

/* One line without its end; three lines with their ends. ${out} should be wiped by its owner. */
DT_MUST_CHECK enum dt_err dt_courier_code(struct dt_view key, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_courier_words(struct dt_view key, struct dt_buf *out);

/* In which form is ${text}? What begins as neither file nor code is taken for words. */
enum dt_courier_form dt_courier_form_of(struct dt_view text);

/* The key that a code or words stand for. FORMAT: which word or sign is wrong, or that the sum at
 * the end does not fit. */
DT_MUST_CHECK enum dt_err dt_courier_read(struct dt_view text, struct dt_secret *out);

#endif
