/*
 * agent/form/founding.h - the founding list of a channel, and the history that a joiner is given.
 *
 * Source: docs/protocol.md, Channels: Founding list, History. Layer: agent; pure, no I/O.
 */
#ifndef DT_AGENT_FORM_FOUNDING_H
#define DT_AGENT_FORM_FOUNDING_H

#include "agent/limits.h"
#include "base/bytes.h"

enum dt_channel_kind { DT_CHANNEL_PLENARY = 1, DT_CHANNEL_CAUCUS = 2, DT_CHANNEL_TRACK = 3 };

/* A first delegate. */
struct dt_founding_member {
    uint8_t party; /* index into the charter's parties */
    uint8_t letter_hash[32];
    uint8_t invitation_id[16];
    bool has_signature;
    uint8_t signature[64]; /* by the delegate's key over the founding hash, "detente 1 founding" */
};

struct dt_founding {
    uint8_t forum[32];
    uint8_t group_id[32];
    enum dt_channel_kind kind;
    char name[DT_CHANNEL_NAME_MAX + 1];
    uint64_t created_ms;
    uint8_t founder;           /* index into members */
    uint64_t destroy_after_ms; /* what is said is destroyed so long after it came; 0: it is kept */
    size_t n_members;
    struct dt_founding_member members[DT_FOUNDING_MEMBERS];
};

/* The list without signatures is what is hashed: hash = dt_label_hash("founding list", body). */
DT_MUST_CHECK enum dt_err dt_founding_hash(const struct dt_founding *f, uint8_t out[static 32]);

/* Sign as member ${i} with its delegate's ${seed}; verify with its delegate's key ${pub}. */
DT_MUST_CHECK enum dt_err dt_founding_sign(struct dt_founding *f, size_t i, struct dt_view seed);
DT_MUST_CHECK enum dt_err dt_founding_verify(const struct dt_founding *f, size_t i,
                                             struct dt_view pub);

/* Does any member of ${party} stand on the list; has one signed? */
bool dt_founding_has_party(const struct dt_founding *f, uint8_t party);
bool dt_founding_party_signed(const struct dt_founding *f, uint8_t party);

/* Is there a signature of every party on the list? */
bool dt_founding_complete(const struct dt_founding *f);

/* The member with this invitation id; DT_FOUNDING_MEMBERS when there is none. */
size_t dt_founding_find(const struct dt_founding *f, const uint8_t invitation_id[static 16]);

/* Body and signatures so far. Decoding refuses doubles: letters, invitation ids. */
DT_MUST_CHECK enum dt_err dt_founding_encode(const struct dt_founding *f, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_founding_decode(struct dt_view bytes, struct dt_founding *out);

/* ---- the `forum` GroupContext extension (type DT_EXT_FORUM) ---- */
#define DT_EXT_FORUM    0xF7A0u
#define DT_PROP_WARRANT 0xF7A1u
#define DT_EXT_HISTORY  0xF7A2u /* GroupInfo */
#define DT_EXT_QUEUE    0xF7A3u /* GroupInfo */

struct dt_forum_ext {
    uint8_t forum[32];
    uint8_t founding_hash[32];
    uint8_t warrants_hash[32]; /* running; dt_warrants_first() at the founding */
};
DT_MUST_CHECK enum dt_err dt_forum_ext_encode(const struct dt_forum_ext *x, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_forum_ext_decode(struct dt_view bytes, struct dt_forum_ext *out);

/* hash("warrants", founding hash), and hash("warrants", previous || warrant). */
DT_MUST_CHECK enum dt_err dt_warrants_first(const uint8_t founding_hash[static 32],
                                            uint8_t out[static 32]);
DT_MUST_CHECK enum dt_err dt_warrants_next(const uint8_t prev[static 32], struct dt_view warrant,
                                           uint8_t out[static 32]);

/* Split letters that stand one behind the other, opaque<V> each, into at most DT_FOUNDING_MEMBERS
 * views. LIMIT. */
DT_MUST_CHECK enum dt_err dt_letters_split(struct dt_view letters,
                                           struct dt_view out[static DT_FOUNDING_MEMBERS],
                                           size_t *out_n);

/* ---- the history GroupInfo extension: founding list, first delegates' letters, all warrants ----
 */
struct dt_history {
    struct dt_view founding; /* dt_founding_encode() with signatures */
    size_t n_letters;        /* one a member of the list, in its order */
    struct dt_view letters[DT_FOUNDING_MEMBERS];
    struct dt_view warrants; /* the undecoded list: walk with dt_history_next() */
};
/* ${warrants} as in struct dt_history. */
DT_MUST_CHECK enum dt_err dt_history_encode(const struct dt_history *h, struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_history_decode(struct dt_view bytes, struct dt_history *out);
/* Append one warrant to an undecoded list. */
DT_MUST_CHECK enum dt_err dt_history_add(struct dt_buf *warrants, struct dt_view warrant);
/* The next warrant of *${rest}; NOT_FOUND at the end. */
DT_MUST_CHECK enum dt_err dt_history_next(struct dt_view *rest, struct dt_view *out);

#endif
