/*
 * agent/form/payload.h - what an application message of a channel carries.
 *
 * Source: docs/protocol.md, Channels: Payloads. Layer: agent; pure, no I/O.
 */
#ifndef DT_AGENT_FORM_PAYLOAD_H
#define DT_AGENT_FORM_PAYLOAD_H

#include "agent/form/item_rule.h"
#include "agent/limits.h"
#include "base/bytes.h"

enum dt_payload_kind {
    DT_PAYLOAD_TALK = 1,
    DT_PAYLOAD_RECORD = 2,           /* a record or an answer, whole */
    DT_PAYLOAD_HERE = 3,             /* this epoch, as I see it */
    DT_PAYLOAD_LEAVE = 4,            /* dt_leave: ground for my removal by anyone */
    DT_PAYLOAD_RECEIPT = 5,          /* what I have read so far, as I was shown it */
    DT_PAYLOAD_CLOSED = 6,           /* of ended epochs I take no more; or: let us take no more */
    DT_PAYLOAD_RELEASED = 7,         /* a session key that was replaced, given to all */
    DT_PAYLOAD_CHUNK = 8,            /* a piece of a file that is too long for one message */
    DT_PAYLOAD_UNDERSTOOD = 9,       /* how a message was understood, and whether that is right */
    DT_PAYLOAD_LINE = 10,            /* a line test, a person's word on one, or an outage */
    DT_PAYLOAD_COURIER = 11,         /* dt_courier_ack: I hold this courier key */
    DT_PAYLOAD_DESTROYED = 12,       /* talk that its sender has destroyed by rule */
    DT_PAYLOAD_RECORD_DESTROYED = 13 /* a record, likewise: struct dt_destroyed */
};

enum dt_understood_what {
    DT_UNDERSTOOD_AS = 1,       /* a member, of another's message */
    DT_UNDERSTOOD_IS_RIGHT = 2, /* the message's author, of that */
    DT_UNDERSTOOD_IS_WRONG = 3
};

/* A checkpoint of the register, as its key signed it; the rest of its text is known to all. */
struct dt_heard {
    uint64_t size;
    uint8_t root[32];
    uint8_t signature[64];
};

enum dt_line_what {
    DT_LINE_TEST = 1, /* number ${slot} of the sender */
    DT_LINE_CONFIRM,  /* a person there saw the tests of slot ${slot} */
    DT_LINE_OUTAGE    /* from ${from_ms} until ${until_ms}; until 0: it is over */
};

/* One thing that was destroyed: which, and by which rule; nothing of what it said. */
struct dt_destroyed_item {
    uint8_t id[16];
    uint8_t key[32]; /* delegate key of who said it */
    bool own_rule;   /* the item's; else the channel's */
    uint64_t after_ms;
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
    struct dt_item_rule rule;  /* how long it is kept; of CHUNK: the whole */

    struct dt_view record;    /* RECORD */
    struct dt_view leave;     /* LEAVE */
    struct dt_view courier;   /* COURIER */
    struct dt_view destroyed; /* RECORD_DESTROYED */

    /* CHUNK; with media_type, name and data of TALK. Every piece tells the whole. */
    uint8_t file[16]; /* the file's id as talk */
    uint64_t size;    /* of the whole, 1 to DT_FILE_MAX */
    uint8_t hash[32]; /* SHA-256 of the whole */
    uint32_t index;   /* of the piece, from 0; each has DT_CHUNK bytes but the last */

    /* UNDERSTOOD */
    uint8_t what;          /* enum dt_understood_what */
    uint8_t about[16];     /* id of what it is about: a message, or what it was understood as */
    uint8_t about_key[32]; /* delegate key of who said that */
    struct dt_view text;   /* UTF-8 lines; empty only with a word of the author */

    /* HERE, RECEIPT; CLOSED: the last of the epochs; RELEASED: the key's last */
    uint64_t epoch;
    struct dt_view authenticator; /* RFC 9420 section 8.7 */

    /* LINE */
    enum dt_line_what line_what;
    uint64_t line_slot;
    uint64_t line_from_ms, line_until_ms;
    struct dt_view line_text; /* one line of UTF-8, or empty */

    /* RECEIPT: of that epoch's transcript (agent/sync/transcript.h) */
    uint64_t position; /* of the last cell that it covers */
    uint64_t count;    /* of the cells in it; CLOSED: of messages held */
    uint8_t root[32];
    bool has_heard; /* the newest checkpoint of the register that the sender was shown */
    struct dt_heard heard;

    /* CLOSED */
    bool held;      /* count and first are said, and nothing more is taken; else: a call */
    uint64_t first; /* the first epoch that count is of, at most epoch + 1 */

    /* DESTROYED */
    uint64_t destroyed_ms;         /* when, by the sender's clock */
    struct dt_view destroyed_list; /* walk with dt_destroyed_next() */

    /* RELEASED. The private half is in memory that whoever decodes wipes. */
    struct dt_view key; /* 32: the seed */
    uint32_t leaf;
    struct dt_view voucher; /* of the key, encoded */
};

/* How many pieces a file of ${size} has, and how many bytes the one at ${index} has. */
uint32_t dt_chunk_count(uint64_t size);
size_t dt_chunk_length(uint64_t size, uint32_t index);

/* One more item for such a list. */
void dt_destroyed_write(struct dt_writer *w, const struct dt_destroyed_item *item);
/* The next item of *${rest}. NOT_FOUND at the end; FORMAT, RANGE. */
DT_MUST_CHECK enum dt_err dt_destroyed_next(struct dt_view *rest, struct dt_destroyed_item *out);

DT_MUST_CHECK enum dt_err dt_payload_encode(const struct dt_payload *p, struct dt_buf *out);
/* FORMAT (also: a text that is not UTF-8, a name with a slash or control characters), LIMIT. */
DT_MUST_CHECK enum dt_err dt_payload_decode(struct dt_view bytes, struct dt_payload *out);

#endif
