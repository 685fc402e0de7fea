/*
 * mls/key_schedule.c - see key_schedule.h.
 */
#include <string.h>

#include "base/wire.h"
#include "mls/label.h"

#include "mls/group_limits.h"
#include "mls/key_schedule.h"

void
mls_epoch_secrets_clear(struct mls_epoch_secrets *s)
{
    if (s == NULL)
        return;
    dt_secret_clear(&s->init);
    dt_secret_clear(&s->sender_data);
    dt_secret_clear(&s->encryption);
    dt_secret_clear(&s->exporter);
    dt_secret_clear(&s->external);
    dt_secret_clear(&s->confirmation_key);
    dt_secret_clear(&s->membership_key);
    dt_secret_clear(&s->resumption_psk);
    dt_secret_clear(&s->epoch_authenticator);
}

void
mls_epoch_secrets_move(struct mls_epoch_secrets *to, struct mls_epoch_secrets *from)
{
    mls_epoch_secrets_clear(to);
    *to = *from;
    *from = (struct mls_epoch_secrets){0};
}

enum dt_err
mls_joiner_secret(const struct dt_suite *suite, struct dt_view init_secret,
                  struct dt_view commit_secret, struct dt_view group_context, struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret extracted = {0};
    enum dt_err err;

    err = dt_hkdf_extract(suite->hash, init_secret, commit_secret, &extracted);
    if (err != DT_OK)
        return err;
    return mls_expand_with_label(suite, dt_secret_view(&extracted), "joiner", group_context,
                                 suite->hash_len, out);
}

/* The secret between joiner_secret and its two branches, welcome_secret and epoch_secret. */
static enum dt_err
member_secret(const struct dt_suite *suite, struct dt_view joiner_secret, struct dt_view psk_secret,
              struct dt_secret *out)
{
    return dt_hkdf_extract(suite->hash, joiner_secret, psk_secret, out);
}

enum dt_err
mls_welcome_secret(const struct dt_suite *suite, struct dt_view joiner_secret,
                   struct dt_view psk_secret, struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret member = {0};
    enum dt_err err = member_secret(suite, joiner_secret, psk_secret, &member);

    if (err != DT_OK)
        return err;
    return mls_derive_secret(suite, dt_secret_view(&member), "welcome", out);
}

enum dt_err
mls_epoch_secrets_start(const struct dt_suite *suite, struct dt_view epoch_secret,
                        struct mls_epoch_secrets *out)
{
    DT_CLEANUP(mls_epoch_secrets_clear) struct mls_epoch_secrets s = {0};
    const size_t len = suite->hash_len;
    /* DeriveSecret of each. */
    const struct mls_expansion all[] = {
        {"init", {NULL, 0}, len, &s.init},
        {"sender data", {NULL, 0}, len, &s.sender_data},
        {"encryption", {NULL, 0}, len, &s.encryption},
        {"exporter", {NULL, 0}, len, &s.exporter},
        {"external", {NULL, 0}, len, &s.external},
        {"confirm", {NULL, 0}, len, &s.confirmation_key},
        {"membership", {NULL, 0}, len, &s.membership_key},
        {"resumption", {NULL, 0}, len, &s.resumption_psk},
        {"authentication", {NULL, 0}, len, &s.epoch_authenticator},
    };
    enum dt_err err = mls_expand_all(suite, epoch_secret, all, sizeof all / sizeof all[0]);

    if (err != DT_OK)
        return err;
    mls_epoch_secrets_move(out, &s);
    return DT_OK;
}

enum dt_err
mls_epoch_secrets_derive(const struct dt_suite *suite, struct dt_view joiner_secret,
                         struct dt_view psk_secret, struct dt_view group_context,
                         struct mls_epoch_secrets *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret member = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret epoch = {0};
    enum dt_err err;

    err = member_secret(suite, joiner_secret, psk_secret, &member);
    if (err == DT_OK)
        err = mls_expand_with_label(suite, dt_secret_view(&member), "epoch", group_context,
                                    suite->hash_len, &epoch);
    if (err != DT_OK)
        return err;
    return mls_epoch_secrets_start(suite, dt_secret_view(&epoch), out);
}

enum dt_err
mls_mac(const struct dt_suite *suite, struct dt_view key, struct dt_view data,
        uint8_t out[static DT_HASH_MAX])
{
    return dt_hmac(suite->hash, key, &data, 1, out);
}

enum dt_err
mls_mac_check(const struct dt_suite *suite, struct dt_view key, struct dt_view data,
              struct dt_view tag, const char *what)
{
    uint8_t expected[DT_HASH_MAX];
    enum dt_err err;

    if (tag.n != suite->hash_len)
        return dt_fail(DT_ERR_AUTH, "%s has the wrong length", what);
    err = mls_mac(suite, key, data, expected);
    if (err == DT_OK && !dt_ct_equal(tag, dt_view(expected, suite->hash_len)))
        err = dt_fail(DT_ERR_AUTH, "%s does not hold", what);
    dt_wipe(expected, sizeof expected);
    return err;
}

enum dt_err
mls_exporter(const struct dt_suite *suite, struct dt_view exporter_secret, const char *label,
             struct dt_view context, size_t len, struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret derived = {0};
    uint8_t hash[DT_HASH_MAX];
    enum dt_err err;

    if (len == 0 || len > 255 * suite->hash_len)
        return dt_fail(DT_ERR_RANGE, "an exported secret of %zu bytes", len);
    if (strlen(label) > MLS_EXPORT_LABEL_MAX)
        return dt_fail(DT_ERR_RANGE, "exporter label is too long");
    err = mls_derive_secret(suite, exporter_secret, label, &derived);
    if (err == DT_OK)
        err = dt_hash(suite->hash, &context, 1, hash);
    if (err == DT_OK)
        err = mls_expand_with_label(suite, dt_secret_view(&derived), "exported",
                                    dt_view(hash, suite->hash_len), len, out);
    return err;
}

enum dt_err
mls_psk_secret(const struct dt_suite *suite, const struct mls_psk_input *psks, size_t n,
               struct dt_secret *out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret secret = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret extracted = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret input = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret next = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf label = DT_BUF_INIT(MLS_MESSAGE_MAX);
    static const uint8_t zero[DT_HASH_MAX];
    struct dt_writer w;
    enum dt_err err;

    if (n > UINT16_MAX)
        return dt_fail(DT_ERR_LIMIT, "%zu PSKs", n);
    err = dt_secret_set(&secret, dt_view(zero, suite->hash_len));
    for (size_t i = 0; err == DT_OK && i < n; i++) {
        /* RFC 9420 section 8.4: PSKLabel { PreSharedKeyID id; uint16 index; uint16 count; } */
        dt_buf_clear(&label);
        w = dt_writer_init(&label);
        dt_write_view(&w, psks[i].id);
        dt_write_u16(&w, (uint16_t)i);
        dt_write_u16(&w, (uint16_t)n);
        err = dt_writer_end(&w);
        if (err == DT_OK)
            err = dt_hkdf_extract(suite->hash, dt_view(zero, suite->hash_len), psks[i].value,
                                  &extracted);
        if (err == DT_OK)
            err = mls_expand_with_label(suite, dt_secret_view(&extracted), "derived psk",
                                        dt_buf_view(&label), suite->hash_len, &input);
        if (err == DT_OK)
            err = dt_hkdf_extract(suite->hash, dt_secret_view(&input), dt_secret_view(&secret),
                                  &next);
        if (err == DT_OK)
            dt_secret_move(&secret, &next);
    }
    if (err == DT_OK)
        dt_secret_move(out, &secret);
    return err;
}
