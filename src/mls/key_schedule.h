/*
 * mls/key_schedule.h - from one epoch's init_secret to all secrets of the next; PSKs; the exporter.
 *
 * Source: RFC 9420 sections 8, 8.4, 8.5, 8.7. Layer: mls.
 *
 *   init_secret[n-1], commit_secret, GroupContext[n] -> joiner_secret
 *   joiner_secret, psk_secret, GroupContext[n]       -> welcome_secret, epoch secrets
 *
 * The joiner, welcome and epoch secrets live only inside the functions or with the caller for the
 * moment of a Commit or a Welcome (RFC 9420 section 9.2); struct mls_epoch_secrets is what stays.
 */
#ifndef DT_MLS_KEY_SCHEDULE_H
#define DT_MLS_KEY_SCHEDULE_H

#include "crypto/suite.h"

/* The secrets of one epoch, each suite->hash_len bytes. encryption is emptied once the secret tree
 * has it. */
struct mls_epoch_secrets {
    struct dt_secret init;
    struct dt_secret sender_data;
    struct dt_secret encryption;
    struct dt_secret exporter;
    struct dt_secret external;
    struct dt_secret confirmation_key;
    struct dt_secret membership_key;
    struct dt_secret resumption_psk;
    struct dt_secret epoch_authenticator;
};
void mls_epoch_secrets_clear(struct mls_epoch_secrets *s);
void mls_epoch_secrets_move(struct mls_epoch_secrets *to, struct mls_epoch_secrets *from);

/* joiner_secret of the next epoch. ${commit_secret} and ${group_context} as in the RFC's diagram.
 */
DT_MUST_CHECK enum dt_err mls_joiner_secret(const struct dt_suite *suite,
                                            struct dt_view init_secret,
                                            struct dt_view commit_secret,
                                            struct dt_view group_context, struct dt_secret *out);

/* welcome_secret from joiner_secret and psk_secret (both hash_len bytes). */
DT_MUST_CHECK enum dt_err mls_welcome_secret(const struct dt_suite *suite,
                                             struct dt_view joiner_secret,
                                             struct dt_view psk_secret, struct dt_secret *out);

/* All secrets of the epoch of ${group_context} from joiner_secret and psk_secret. */
DT_MUST_CHECK enum dt_err mls_epoch_secrets_derive(const struct dt_suite *suite,
                                                   struct dt_view joiner_secret,
                                                   struct dt_view psk_secret,
                                                   struct dt_view group_context,
                                                   struct mls_epoch_secrets *out);

/* The same from epoch_secret itself: for epoch 0 (RFC 9420 section 11). */
DT_MUST_CHECK enum dt_err mls_epoch_secrets_start(const struct dt_suite *suite,
                                                  struct dt_view epoch_secret,
                                                  struct mls_epoch_secrets *out);

/* MAC(key, data): confirmation_tag and membership_tag. ${out} gets suite->hash_len bytes. */
DT_MUST_CHECK enum dt_err mls_mac(const struct dt_suite *suite, struct dt_view key,
                                  struct dt_view data, uint8_t out[static DT_HASH_MAX]);

/* AUTH unless ${tag} is MAC(key, data): the length is compared first, then in constant time. */
DT_MUST_CHECK enum dt_err mls_mac_check(const struct dt_suite *suite, struct dt_view key,
                                        struct dt_view data, struct dt_view tag, const char *what);

/* MLS-Exporter(label, context, len), RFC 9420 section 8.5. RANGE: len above 255 * hash_len. */
DT_MUST_CHECK enum dt_err mls_exporter(const struct dt_suite *suite, struct dt_view exporter_secret,
                                       const char *label, struct dt_view context, size_t len,
                                       struct dt_secret *out);

/* One PSK for the schedule: its PreSharedKeyID as encoded, and its value. */
struct mls_psk_input {
    struct dt_view id;
    struct dt_view value;
};

/* psk_secret of ${n} PSKs in order; hash_len zero bytes when there are none. LIMIT: above 65535. */
DT_MUST_CHECK enum dt_err mls_psk_secret(const struct dt_suite *suite,
                                         const struct mls_psk_input *psks, size_t n,
                                         struct dt_secret *out);

#endif
