/*
 * agent/payload.h - what an application message of a channel carries.
 *
 * Source: docs/protocol.md, Channels: Payloads. Layer: agent; pure, no I/O.
 */
#ifndef DT_AGENT_PAYLOAD_H
#define DT_AGENT_PAYLOAD_H

#include "agent/limits.h"
#include "base/bytes.h"

enum dt_payload_kind {
    DT_PAYLOAD_TALK = 1,
    DT_PAYLOAD_RECORD = 2, /* a record or an answer, whole */
    DT_PAYLOAD_HERE = 3,   /* this epoch, as I see it */
    DT_PAYLOAD_LEAVE = 4,  /* dt_leave: ground for my removal by anyone */
    DT_PAYLOAD_RECEIPT = 5 /* what I have read so far, as I was shown it */
};

/* A checkpoint of the register, as its key signed it; the rest of its text is known to all. */
struct dt_heard {
    uint64_t size;
    uint8_t root[32];
    uint8_t signature[64];
};

/* Views point into the decoded bytes. */
struct dt_payload {
    enum dt_payload_kind kind;
    uint8_t id[16];   /* random; what records refer to talk by */
    uint64_t sent_ms; /* the sender's clock: shown, never judged by */

    /* TALK */
    struct dt_view media_type; /* "text/plain" or a file's */
    struct dt_view name;       /* file name, empty for text */
    struct dt_view lang;       /* BCP 47, may be empty */
    struct dt_view data;       /* text is UTF-8 */

    struct dt_view record; /* RECORD */
    struct dt_view leave;  /* LEAVE */

    /* HERE, RECEIPT */
    uint64_t epoch;
    struct dt_view authenticator; /* RFC 9420 section 8.7 */

    /* RECEIPT: of that epoch's transcript (agent/transcript.h) */
    uint64_t position; /* of the last cell that it covers */
    uint64_t count;    /* of the cells in it */
    uint8_t root[32];
    bool has_heard; /* the newest checkpoint of the register that the sender was shown */
    struct dt_heard heard;
};

DT_MUST_CHECK enum dt_err dt_payload_encode(const struct dt_payload *p, struct dt_buf *out);
/* FORMAT (also: a text that is not UTF-8, a name with a slash or control characters), LIMIT. */
DT_MUST_CHECK enum dt_err dt_payload_decode(struct dt_view bytes, struct dt_payload *out);

#endif
