/*
 * mls/welcome.h - GroupInfo, GroupSecrets and Welcome: what a new member is given.
 *
 * Source: RFC 9420 sections 12.4.3 and 12.4.3.1. Layer: mls.
 */
#ifndef DT_MLS_WELCOME_H
#define DT_MLS_WELCOME_H

#include "mls/group_context.h"
#include "mls/label.h"
#include "mls/proposal.h"

/* ---- GroupInfo: keeps its own encoding, views point into raw ---- */
struct mls_group_info {
    struct dt_buf raw;
    struct mls_group_context context;
    struct mls_extensions extensions;
    struct dt_view confirmation_tag;
    uint32_t signer;
    struct dt_view signature;
    struct dt_view signed_part; /* GroupInfoTBS */
};
void mls_group_info_clear(struct mls_group_info *g);
void mls_group_info_move(struct mls_group_info *to, struct mls_group_info *from);

/* The whole of ${v} is one GroupInfo, of which ${out} keeps a copy. FORMAT, LIMIT, UNSUPPORTED,
 * NOMEM. */
DT_MUST_CHECK enum dt_err mls_group_info_parse(struct dt_view v, struct mls_group_info *out);

/* Append a signed GroupInfo; ${context} is the encoded GroupContext, ${extensions} a list content.
 */
DT_MUST_CHECK enum dt_err mls_group_info_sign(const struct dt_suite *suite, struct dt_view context,
                                              struct dt_view extensions,
                                              struct dt_view confirmation_tag, uint32_t signer,
                                              struct dt_view sig_priv, struct dt_buf *out);

/* AUTH unless the signature by ${signature_key} holds. */
DT_MUST_CHECK enum dt_err mls_group_info_verify(const struct dt_suite *suite,
                                                const struct mls_group_info *g,
                                                struct dt_view signature_key);

/* ---- GroupSecrets: the plaintext for one new member ---- */
struct mls_group_secrets {
    struct dt_buf raw; /* wiped on clear; views point into it */
    struct dt_view joiner_secret;
    bool has_path_secret;
    struct dt_view path_secret;
    struct mls_psk_id *psks;
    struct dt_view *psk_raw; /* each PreSharedKeyID as encoded */
    size_t n_psks;
};
void mls_group_secrets_clear(struct mls_group_secrets *s);

/* Take over *${raw} (emptied on success), which is one GroupSecrets. FORMAT, LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err mls_group_secrets_parse(struct dt_buf *raw,
                                                  struct mls_group_secrets *out);

/* ${psks} is the concatenation of PreSharedKeyIDs; ${path_secret}: empty for none. */
void mls_group_secrets_write(struct dt_writer *w, struct dt_view joiner_secret,
                             struct dt_view path_secret, struct dt_view psks);

/* ---- Welcome ---- */
struct mls_encrypted_group_secrets {
    struct dt_view new_member; /* KeyPackageRef */
    struct mls_hpke_ciphertext sealed;
};

/* Borrowed from what it was parsed from. */
struct mls_welcome {
    uint16_t cipher_suite;
    struct dt_view secrets; /* content of the vector, checked */
    size_t n_secrets;
    struct dt_view encrypted_group_info;
};

/* The whole of ${body} is one Welcome. FORMAT, LIMIT. */
DT_MUST_CHECK enum dt_err mls_welcome_parse(struct dt_view body, struct mls_welcome *out);

/* The entry for ${ref}; false when there is none. */
bool mls_welcome_find(const struct mls_welcome *w, struct dt_view ref,
                      struct mls_encrypted_group_secrets *out);

/* Key and nonce of encrypted_group_info from welcome_secret; open and seal it. AUTH. */
DT_MUST_CHECK enum dt_err mls_welcome_open_info(const struct dt_suite *suite,
                                                struct dt_view welcome_secret,
                                                struct dt_view sealed, struct dt_buf *out);
DT_MUST_CHECK enum dt_err mls_welcome_seal_info(const struct dt_suite *suite,
                                                struct dt_view welcome_secret,
                                                struct dt_view group_info, struct dt_buf *out);

#endif
