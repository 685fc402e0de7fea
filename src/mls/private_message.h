/*
 * mls/private_message.h - PrivateMessage: sender data, content encryption, padding.
 *
 * Source: RFC 9420 sections 6.3, 6.3.1, 6.3.2 and 15.1. Layer: mls. The keys come from the secret
 * tree in two moves, so nothing is consumed by a message that does not hold.
 */
#ifndef DT_MLS_PRIVATE_MESSAGE_H
#define DT_MLS_PRIVATE_MESSAGE_H

#include "mls/framing.h"
#include "mls/secret_tree.h"

/* As received; all borrowed. */
struct mls_private_message {
    struct dt_view group_id;
    uint64_t epoch;
    uint8_t content_type;
    struct dt_view authenticated_data;
    struct dt_view encrypted_sender_data;
    struct dt_view ciphertext;
};

/* The whole of ${body} is a PrivateMessage. FORMAT, LIMIT. */
DT_MUST_CHECK enum dt_err mls_private_message_parse(struct dt_view body,
                                                    struct mls_private_message *out);
/* The structure alone, without MLSMessage's header. */
void mls_private_message_write(struct dt_writer *w, const struct mls_private_message *m);

struct mls_sender_data {
    uint32_t leaf_index;
    uint32_t generation;
    uint8_t reuse_guard[4];
};

/* Key and nonce for the sender data of ${ciphertext} (section 6.3.2). */
DT_MUST_CHECK enum dt_err mls_sender_data_keys(const struct dt_suite *suite,
                                               struct dt_view sender_data_secret,
                                               struct dt_view ciphertext, struct dt_secret *key,
                                               struct dt_secret *nonce);

/* Decrypt the sender data. AUTH, FORMAT. */
DT_MUST_CHECK enum dt_err mls_sender_data_open(const struct dt_suite *suite,
                                               struct dt_view sender_data_secret,
                                               const struct mls_private_message *m,
                                               struct mls_sender_data *out);

enum mls_ratchet_kind mls_ratchet_of(uint8_t content_type);

/**
 * mls_private_message_open(suite, m, sender, step, out):
 * Decrypt the content with the key in ${step} (made for ${sender}'s leaf and generation) and
 * rebuild the AuthenticatedContent. The signature is not checked here. AUTH, FORMAT (also non-zero
 * padding).
 */
DT_MUST_CHECK enum dt_err mls_private_message_open(const struct dt_suite *suite,
                                                   const struct mls_private_message *m,
                                                   const struct mls_sender_data *sender,
                                                   const struct mls_tree_step *step,
                                                   struct mls_auth_content *out);

/**
 * mls_private_message_seal(suite, raw, sender_data_secret, step, padding, out):
 * Append the MLSMessage(PrivateMessage) of ${raw}, an AuthenticatedContent of ours, to ${out}.
 * ${step} holds key and nonce of our own next generation, which the caller applies afterwards.
 */
DT_MUST_CHECK enum dt_err mls_private_message_seal(const struct dt_suite *suite, struct dt_view raw,
                                                   struct dt_view sender_data_secret,
                                                   const struct mls_tree_step *step, size_t padding,
                                                   struct dt_buf *out);

#endif
