/*
 * mls/group_context.h - GroupContext, immutable with its own encoding; and the transcript hashes.
 *
 * Source: RFC 9420 sections 8.1 and 8.2. Layer: mls.
 */
#ifndef DT_MLS_GROUP_CONTEXT_H
#define DT_MLS_GROUP_CONTEXT_H

#include "crypto/suite.h"
#include "mls/extension.h"

/* Views point into raw, the whole encoding. All zero is empty. */
struct mls_group_context {
    struct dt_buf raw;
    uint16_t version;
    uint16_t cipher_suite;
    struct dt_view group_id;
    uint64_t epoch;
    struct dt_view tree_hash;
    struct dt_view confirmed_transcript_hash;
    struct mls_extensions extensions;
};
void mls_group_context_clear(struct mls_group_context *c);
void mls_group_context_move(struct mls_group_context *to, struct mls_group_context *from);

/* Read one; ${out} owns a copy of the bytes. FORMAT, LIMIT, UNSUPPORTED (version), NOMEM. */
DT_MUST_CHECK enum dt_err mls_group_context_read(struct dt_reader *r,
                                                 struct mls_group_context *out);

/* Are its hashes as long as those of ${suite}, which it names? At epoch 0 there is no transcript
 * yet (RFC 9420 section 11). */
bool mls_group_context_fits(const struct mls_group_context *c, const struct dt_suite *suite);

/* Build one from fields; ${extensions} is the content of the vector. */
DT_MUST_CHECK enum dt_err mls_group_context_new(uint16_t suite, struct dt_view group_id,
                                                uint64_t epoch, struct dt_view tree_hash,
                                                struct dt_view confirmed_transcript_hash,
                                                struct dt_view extensions,
                                                struct mls_group_context *out);

/**
 * mls_confirmed_transcript_hash(suite, interim_before, input, out):
 * Hash(interim_transcript_hash || ConfirmedTranscriptHashInput); ${input} is the encoding of
 * wire_format, content and signature<V>. ${out} gets suite->hash_len bytes.
 */
DT_MUST_CHECK enum dt_err mls_confirmed_transcript_hash(const struct dt_suite *suite,
                                                        struct dt_view interim_before,
                                                        struct dt_view input,
                                                        uint8_t out[static DT_HASH_MAX]);

/* Hash(confirmed_transcript_hash || MAC confirmation_tag). */
DT_MUST_CHECK enum dt_err mls_interim_transcript_hash(const struct dt_suite *suite,
                                                      struct dt_view confirmed,
                                                      struct dt_view confirmation_tag,
                                                      uint8_t out[static DT_HASH_MAX]);

#endif
