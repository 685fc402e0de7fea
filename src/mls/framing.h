/*
 * mls/framing.h - MLSMessage, FramedContent, AuthenticatedContent; signing and checking them.
 *
 * Source: RFC 9420 sections 6, 6.1, 6.2 and 17.2. Layer: mls.
 *
 *   AuthenticatedContent.raw:  wire_format | FramedContent | signature<V> | [confirmation_tag<V>]
 *                              0                           content_end    signature_end raw.n
 *
 * It keeps its own encoding and all views point into it, so what is signed, hashed and cached is
 * what was received, byte for byte.
 */
#ifndef DT_MLS_FRAMING_H
#define DT_MLS_FRAMING_H

#include "mls/commit.h"
#include "mls/group_context.h"
#include "mls/sender.h"

enum mls_wire_format {
    MLS_WIRE_PUBLIC_MESSAGE = 1,
    MLS_WIRE_PRIVATE_MESSAGE = 2,
    MLS_WIRE_WELCOME = 3,
    MLS_WIRE_GROUP_INFO = 4,
    MLS_WIRE_KEY_PACKAGE = 5,
};

enum mls_content_type {
    MLS_CONTENT_APPLICATION = 1,
    MLS_CONTENT_PROPOSAL = 2,
    MLS_CONTENT_COMMIT = 3
};

/* Read the version and wire format of an MLSMessage; ${r} is left at its content. FORMAT,
 * UNSUPPORTED. */
DT_MUST_CHECK enum dt_err mls_message_read(struct dt_reader *r, enum mls_wire_format *out);
/* The whole of ${message} is an MLSMessage of ${format}; ${body} is its content. FORMAT. */
DT_MUST_CHECK enum dt_err mls_message_body(struct dt_view message, enum mls_wire_format format,
                                           struct dt_view *body);
void mls_message_write(struct dt_writer *w, enum mls_wire_format format);

struct mls_auth_content {
    struct dt_buf raw;
    uint16_t wire_format;
    struct dt_view group_id;
    uint64_t epoch;
    uint8_t sender_type;
    uint32_t sender; /* leaf_index or sender_index */
    struct dt_view authenticated_data;
    uint8_t content_type;
    struct dt_view application_data;
    struct mls_proposal *proposal;
    struct mls_commit commit;
    struct dt_view signature;
    struct dt_view confirmation_tag; /* commit only */
    size_t content_end;
    size_t signature_end;
    size_t padding; /* of the PrivateMessage it was in */
};
void mls_auth_content_clear(struct mls_auth_content *c);
void mls_auth_content_move(struct mls_auth_content *to, struct mls_auth_content *from);

/* Decode the AuthenticatedContent at the start of *${raw}, which is taken over (emptied) on
 * success;
 * ${rest} gets what follows it (a view into out->raw), NULL: nothing may follow. */
DT_MUST_CHECK enum dt_err mls_auth_content_parse(struct dt_buf *raw, struct mls_auth_content *out,
                                                 struct dt_view *rest);

/* What goes into a new content of ours. One of the last three by content_type. */
struct mls_content_fields {
    enum mls_wire_format wire_format;
    struct dt_view group_id;
    uint64_t epoch;
    uint8_t sender_type; /* enum mls_sender_type; 0: a member */
    uint32_t sender;     /* leaf_index or sender_index */
    struct dt_view authenticated_data;
    enum mls_content_type content_type;
    struct dt_view application_data;
    const struct mls_proposal *proposal;
    const struct mls_commit *commit;
};

/**
 * mls_content_sign(suite, fields, context, sig_priv, out, content_end):
 * Append wire_format, FramedContent and signature<V> to the empty ${out}; ${context} is the encoded
 * GroupContext of the epoch, looked at for the senders whose signatures cover it. For a Commit the
 * caller appends confirmation_tag<V>.
 */
DT_MUST_CHECK enum dt_err mls_content_sign(const struct dt_suite *suite,
                                           const struct mls_content_fields *fields,
                                           struct dt_view context, struct dt_view sig_priv,
                                           struct dt_buf *out, size_t *content_end);

/* AUTH unless the signature by ${signature_key} over FramedContentTBS holds. ${context} is that of
 * the epoch; it is left out for the senders whose signatures do not cover it (section 6.1). */
DT_MUST_CHECK enum dt_err mls_auth_content_verify(const struct dt_suite *suite,
                                                  const struct mls_auth_content *c,
                                                  struct dt_view context,
                                                  struct dt_view signature_key);

/* ConfirmedTranscriptHashInput of a Commit. */
struct dt_view mls_auth_content_transcript_input(const struct mls_auth_content *c);

/* ProposalRef of a proposal (section 5.2), suite->hash_len bytes. */
DT_MUST_CHECK enum dt_err mls_auth_content_ref(const struct dt_suite *suite,
                                               const struct mls_auth_content *c,
                                               uint8_t out[static DT_HASH_MAX]);

/**
 * mls_public_message_parse(body, out, tag):
 * Decode the content of an MLSMessage(PublicMessage). ${tag} gets the membership_tag, borrowed from
 * ${body} (empty when the sender is no member). Application data is refused (section 6.2): FORMAT.
 */
DT_MUST_CHECK enum dt_err
mls_public_message_parse(struct dt_view body, struct mls_auth_content *out, struct dt_view *tag);

/* AUTH unless ${tag} is the membership tag of ${c}. */
DT_MUST_CHECK enum dt_err
mls_public_message_check(const struct dt_suite *suite, const struct mls_auth_content *c,
                         struct dt_view context, struct dt_view membership_key, struct dt_view tag);

/* Append the MLSMessage(PublicMessage) of ${raw}, an AuthenticatedContent of ours. ${context} and
 * ${membership_key} are for the membership tag, which a member's alone has. */
DT_MUST_CHECK enum dt_err mls_public_message_write(const struct dt_suite *suite, struct dt_view raw,
                                                   struct dt_view context,
                                                   struct dt_view membership_key,
                                                   struct dt_buf *out);

#endif
