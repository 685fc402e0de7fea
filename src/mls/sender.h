/*
 * mls/sender.h - who made a message or a proposal.
 *
 * Source: RFC 9420 section 6, Sender. Layer: mls; part of the public face (group.h).
 */
#ifndef DT_MLS_SENDER_H
#define DT_MLS_SENDER_H

#include <stdint.h>

enum mls_sender_type {
    MLS_SENDER_MEMBER = 1,
    MLS_SENDER_EXTERNAL = 2,            /* one whom the extension external_senders lists */
    MLS_SENDER_NEW_MEMBER_PROPOSAL = 3, /* one who proposes to be added itself */
    MLS_SENDER_NEW_MEMBER_COMMIT = 4,   /* one who joins by the very Commit */
};

struct mls_sender {
    uint8_t type;   /* enum mls_sender_type */
    uint32_t index; /* MEMBER: its leaf; EXTERNAL: its place in external_senders; else 0 */
};

#endif
