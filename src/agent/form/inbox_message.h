/*
 * agent/form/inbox_message.h - what reaches a delegate outside any channel, and how it is sealed.
 *
 * Source: docs/protocol.md, Channels: Inbox; RFC 9180 (base mode, suite 1's KEM, KDF and AEAD).
 * Layer: agent; pure, no I/O.
 *
 * Only what authenticates itself goes to an inbox: each body is signed, or is made of signed parts.
 */
#ifndef DT_AGENT_FORM_INBOX_MESSAGE_H
#define DT_AGENT_FORM_INBOX_MESSAGE_H

#include "agent/form/founding.h"
#include "agent/form/warrant.h"

enum dt_inbox_kind {
    DT_INBOX_INVITATION = 1, /* to a first delegate, or to one who is to be added */
    DT_INBOX_FOUNDING_SIGNATURE = 2,
    DT_INBOX_KEY_PACKAGE = 3,
    DT_INBOX_APPROVAL_REQUEST = 4,
    DT_INBOX_APPROVAL = 5,
    DT_INBOX_WELCOME = 6,
    DT_INBOX_REJOIN = 7,
    DT_INBOX_REVOCATION = 8,
    DT_INBOX_COPY = 9 /* of a receipt that went into a channel's queue */
};

/* A decoded message; views point into the decoded bytes. Which fields are set depends on kind. */
struct dt_inbox_message {
    enum dt_inbox_kind kind;
    uint8_t group_id[32];      /* all but REVOCATION */
    uint8_t invitation_id[16]; /* INVITATION (the addressee's), KEY_PACKAGE, WELCOME,
                                  APPROVAL_REQUEST */

    /* INVITATION: the founding list (with the founder's signature, or all of them when the channel
     * stands), the letters of its first delegates in its order, and the letter of who invites. */
    struct dt_view founding;
    size_t n_letters;
    struct dt_view letters[DT_FOUNDING_MEMBERS];
    struct dt_view sender_letter; /* INVITATION, APPROVAL_REQUEST, KEY_PACKAGE */

    /* FOUNDING_SIGNATURE: which member signs, over the founding hash. */
    uint8_t member;
    uint8_t signature[64]; /* also APPROVAL_REQUEST: by the sender's delegate key */

    struct dt_view letter;      /* APPROVAL_REQUEST: of the one to be added */
    uint64_t epoch_from;        /* APPROVAL_REQUEST */
    struct dt_view key_package; /* KEY_PACKAGE: an MLSMessage */
    struct dt_view approval;    /* APPROVAL: dt_approval_encode() */
    uint64_t queue_position;    /* WELCOME: of the Commit that added; 0 at the founding */
    struct dt_view welcome;     /* WELCOME: an MLSMessage */
    struct dt_view rejoin;      /* REJOIN: dt_rejoin_encode() */
    struct dt_view revocation;  /* REVOCATION: of the record room */
    struct dt_view copy;        /* COPY: an MLSMessage(PrivateMessage) */
};

/* Sign and verify an APPROVAL_REQUEST with the sender's delegate key, label "approval request". */
DT_MUST_CHECK enum dt_err dt_inbox_request_sign(struct dt_inbox_message *m, struct dt_view seed);
DT_MUST_CHECK enum dt_err dt_inbox_request_verify(const struct dt_inbox_message *m,
                                                  struct dt_view pub);

DT_MUST_CHECK enum dt_err dt_inbox_message_encode(const struct dt_inbox_message *m,
                                                  struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_inbox_message_decode(struct dt_view bytes,
                                                  struct dt_inbox_message *out);

/**
 * dt_inbox_seal(pub, address, message, out), dt_inbox_open(priv, address, cell, out):
 * The encoded ${message} as one cell for the inbox at ${address}: enc[32] || HPKE ciphertext of the
 * padded message, info = label "detente 1 inbox" and the address. ${pub}, ${priv}: the letter's
 * X25519 key. Errors: LIMIT; AUTH (not for us, or altered); FORMAT.
 */
DT_MUST_CHECK enum dt_err dt_inbox_seal(struct dt_view pub, const uint8_t address[static 32],
                                        struct dt_view message, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_inbox_open(struct dt_view priv, const uint8_t address[static 32],
                                        struct dt_view cell, struct dt_buf *out);

#endif
